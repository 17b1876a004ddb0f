/* The plan's words and terms on their way into idxStr (plan.h). Short ones need no memory but the last. */
#ifndef ART_EXT_QUERY_PLAN_TEXT_H
#define ART_EXT_QUERY_PLAN_TEXT_H

#include "ext/base/base.h"
#include "ext/query/plan.h"

enum { ART_PLAN_TEXT_ROOM = 200 };

struct art_plan_text {
    char *at; /* `here`, or memory of SQLite's */
    size_t len, room;
    bool failed; /* no memory */
    char here[ART_PLAN_TEXT_ROOM];
};

void art_plan_text_begin(struct art_plan_text *text);
void art_plan_text_append(struct art_plan_text *text, const char *words);
/* Keywords, too, stand without quotes: a word is a word. */
void art_plan_text_append_name(struct art_plan_text *text, const char *name);
/* The words, a NUL, and `len` bytes: sqlite3_free() it; NULL without memory. The text is gone. */
char *art_plan_text_finish(struct art_plan_text *text, const void *terms, size_t len);

#endif
