/* The plan's words and terms on their way into idxStr. */
#include "ext/base/token.h"
#include "ext/query/planning.h"

void art_plan_text_begin(struct art_plan_text *text) {
    text->at = text->here;
    text->len = 0;
    text->capacity = sizeof text->here;
    text->failed = false;
}

static void widen(struct art_plan_text *text, size_t more) {
    size_t capacity = (text->len + more) * 2;
    char *memory = sqlite3_malloc64(capacity);
    if (!memory) {
        text->failed = true;
        return;
    }
    memcpy(memory, text->at, text->len);
    if (text->at != text->here) sqlite3_free(text->at);
    text->at = memory;
    text->capacity = capacity;
}

static void add_bytes(struct art_plan_text *text, const char *bytes, size_t len) {
    if (text->capacity - text->len < len && !text->failed) widen(text, len);
    if (text->failed) return;
    memcpy(text->at + text->len, bytes, len);
    text->len += len;
}

void art_plan_text_append(struct art_plan_text *text, const char *words) {
    add_bytes(text, words, strlen(words));
}

void art_plan_text_append_name(struct art_plan_text *text, const char *name) {
    struct art_token token = art_token_at(name);
    if (token.kind == ART_TOKEN_WORD && token.at == name && !name[token.len]) {
        add_bytes(text, name, token.len);
        return;
    }
    char *quoted = sqlite3_mprintf("\"%w\"", name);
    if (quoted) add_bytes(text, quoted, strlen(quoted));
    text->failed |= !quoted;
    sqlite3_free(quoted);
}

char *art_plan_text_finish(struct art_plan_text *text, const void *terms, size_t len) {
    char *plan = text->failed ? NULL : sqlite3_malloc64(text->len + 1 + len);
    if (plan) {
        memcpy(plan, text->at, text->len);
        plan[text->len] = 0;
        memcpy(plan + text->len + 1, terms, len);
    }
    if (text->at != text->here) sqlite3_free(text->at);
    return plan;
}
