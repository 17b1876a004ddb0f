/* The plan's words and terms on their way into idxStr, and the terms on their way out of it. */
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

void art_plan_text_append_term(struct art_plan_text *text, const struct art_term *term) {
    char bytes[2 + 5], *end = bytes + sizeof bytes, *at = end;
    for (unsigned column = term->column; column; column /= 10) *--at = (char)('0' + column % 10);
    if (term->flags) *--at = (char)('a' + term->flags);
    *--at = (char)('A' + term->meaning - 1);
    art_plan_text_add(text, at, (size_t)(end - at));
}

char *art_plan_text_finish(struct art_plan_text *text) {
    art_plan_text_add(text, "", 1);
    char *plan = text->failed ? NULL : sqlite3_malloc64(text->len);
    if (plan) memcpy(plan, text->at, text->len);
    if (text->at != text->here) sqlite3_free(text->at);
    return plan;
}

/* --- for the scan ------------------------------------------------------------------------------------------------- */

static const char *read_term(const char *at, struct art_term *term) {
    unsigned column = 0;
    *term = (struct art_term){0};
    if (*at < 'A' || *at >= 'A' + ART_ARGUMENTS - 1) return NULL;
    term->meaning = (uint8_t)(*at++ - 'A' + 1);
    if (*at >= 'a' && *at <= 'a' + ART_TERM_FLAGS) term->flags = (uint8_t)(*at++ - 'a');
    for (; *at >= '0' && *at <= '9' && column <= UINT16_MAX; at++) column = column * 10 + (unsigned)(*at - '0');
    term->column = (uint16_t)column;
    return column <= UINT16_MAX ? at : NULL;
}

bool art_plan_read(const char *plan, int count, struct art_term *terms) {
    const char *at = plan ? strrchr(plan, '[') : NULL;
    if (at) at++;
    for (int i = 0; at && i < count; i++) at = read_term(at, &terms[i]);
    return at && !strcmp(at, "]");
}
