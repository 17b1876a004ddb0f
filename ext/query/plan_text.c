/* The plan's words and terms on their way into idxStr. */
#include "ext/query/planning.h"

void art_plan_text_begin(struct art_plan_text *text) {
    text->at = text->here;
    text->len = 0;
    text->capacity = sizeof text->here;
    text->failed = false;
}

bool art_plan_text_widen(struct art_plan_text *text, size_t more) {
    size_t capacity = (text->len + more) * 2;
    char *memory = text->failed ? NULL : sqlite3_malloc64(capacity);
    text->failed = !memory;
    if (!memory) return false;
    memcpy(memory, text->at, text->len);
    if (text->at != text->here) sqlite3_free(text->at);
    text->at = memory;
    text->capacity = capacity;
    return true;
}

void art_plan_text_append_quoted(struct art_plan_text *text, const char *name) {
    art_plan_text_append(text, "\"");
    for (const char *quote; (quote = strchr(name, '"')); name = quote + 1) {
        art_plan_text_add(text, name, (size_t)(quote + 1 - name));
        art_plan_text_append(text, "\"");
    }
    art_plan_text_append(text, name);
    art_plan_text_append(text, "\"");
}

char *art_plan_text_finish(struct art_plan_text *text, size_t more) {
    char *plan = text->failed ? NULL : sqlite3_malloc64(text->len + 1 + more);
    if (plan) {
        memcpy(plan, text->at, text->len);
        plan[text->len] = 0;
    }
    if (text->at != text->here) sqlite3_free(text->at);
    return plan;
}
