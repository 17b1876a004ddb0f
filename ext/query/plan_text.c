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

/* From the end on, since the first one has words before it. `plan`: there is none. */
static const char *read_long_term(const char *plan, const char *end, struct art_term *term) {
    unsigned column = 0, flags = 0;
    for (unsigned tens = 1; end > plan && (uint8_t)(end[-1] - '0') < 10 && tens <= UINT16_MAX; tens *= 10)
        column += (unsigned)(*--end - '0') * tens;
    if (end > plan && (uint8_t)(end[-1] - 'a') <= ART_TERM_FLAGS) flags = (unsigned)(*--end - 'a');
    if (end == plan || (uint8_t)(*--end - 'A') >= ART_ARGUMENTS - 1 || column > UINT16_MAX) return plan;
    *term = (struct art_term){(uint8_t)(*end - 'A' + 1), (uint8_t)flags, (uint16_t)column};
    return end;
}

/* For each statement: most terms are a letter. */
bool art_plan_read(const char *plan, int count, struct art_term *terms) {
    const char *at = plan ? plan + strlen(plan) : NULL;
    if (at == plan || *--at != ']') return false;
    while (count && at > plan) {
        unsigned meaning = (uint8_t)(at[-1] - 'A');
        struct art_term *term = &terms[--count];
        *term = (struct art_term){.meaning = (uint8_t)(meaning + 1)};
        at = meaning < ART_ARGUMENTS - 1 ? at - 1 : read_long_term(plan, at, term);
    }
    return !count && at > plan && at[-1] == '[';
}
