/* Random texts by rules: what the generators of statements draw from.
 *
 * A rule is "name: one | two | three": one of its alternatives is drawn. In a text
 *
 *     $name          what the rule of that name draws; or what was kept by that name; or what `call` says
 *     $(a|b|c)       one of these, with their blanks; none of them may be a name with '=' behind it
 *     $(3?text)      the text, once in 3 times
 *     $(0-99)        a number from 0 to 99; $(000-099) has three digits
 *     $(name=text)   what the text draws, and keeps it by that name until the whole text is drawn
 *     $(name:=text)  keeps it, and shows nothing
 *
 * An alternative "3*text" counts three times. Neither "||" nor a bar within brackets or braces ends an alternative: it
 * may be SQL. So each bracket is closed in its own alternative. Of {t|plain} the first is for `out` and the second for
 * `twin`; without a twin it stays, for text_for() (differential.h).
 */
#ifndef ART_TESTS_GRAMMAR_H
#define ART_TESTS_GRAMMAR_H

#include <sqlite3.h>

#include "tests/support/random.h"

enum { GRAMMAR_KEPT = 12 };

struct grammar {
    struct random *random;
    const char *const *rules;                         /* NULL behind them */
    const char *given[2 * GRAMMAR_KEPT];              /* rules of this time alone, each a name and its alternatives */
    void (*call)(struct grammar *, const char *name); /* writes what no rule has, by grammar_put() */
    void *context;                                    /* of `call` */
    sqlite3_str *out, *twin; /* twin: gets the same, NULL: there is none; grammar_text() makes them */
    struct {
        char name[16], *text;
    } kept[GRAMMAR_KEPT];
};

/* Keeps a text for the next that is drawn, under a name that has none yet. */
void grammar_keep(struct grammar *grammar, const char *name, const char *text);
/* Draws the text into `out`. */
void grammar_draw(struct grammar *grammar, const char *text);
/* Draws a text of its own. sqlite3_free() it. grammar_drawn(): kept(), where there is nothing but rules. */
char *grammar_text(struct grammar *grammar, const char *text);
char *grammar_drawn(struct random *random, const char *const *rules, const char *text);
/* For `call`: writes; draws a part of the text that is being drawn; what was kept, or NULL. */
void grammar_put(struct grammar *grammar, const char *text, int len);
void grammar_more(struct grammar *grammar, const char *text);
const char *grammar_kept(struct grammar *grammar, const char *name);

#endif
