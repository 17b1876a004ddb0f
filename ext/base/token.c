/* SQL cut into tokens: for definitions of columns, and for what a running statement is about. */
#include "ext/base/token.h"

#include <ctype.h>

static bool is_word_start(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_word(char c) {
    return is_word_start(c) || art_is_digit(c) || c == '$';
}

size_t art_word_bytes(const char *text) {
    size_t len = is_word_start(*text);
    while (len && is_word(text[len])) len++;
    return len;
}

static const char *skip_blanks(const char *at) {
    for (;;) {
        if (art_is_blank(*at)) {
            at++;
        } else if (at[0] == '-' && at[1] == '-') {
            at += strcspn(at, "\n");
        } else if (at[0] == '/' && at[1] == '*') {
            const char *end = strstr(at + 2, "*/");
            at = end ? end + 2 : at + strlen(at);
        } else {
            return at;
        }
    }
}

/* Behind the closing quote, or NULL. */
static const char *end_of_quoted(const char *at) {
    assert(*at && strchr("\"'`[", *at));
    char quote = *at == '[' ? ']' : *at;
    for (at++; *at; at++) {
        if (*at != quote) continue;
        if (quote == ']' || at[1] != quote) return at + 1;
        at++;
    }
    return NULL;
}

static const char *skip_digits(const char *at) {
    while (art_is_digit(*at)) at++;
    return at;
}

/* 5, 1.5, .5, 1e-3, 0x1f */
static const char *end_of_number(const char *at) {
    if (*at == '0' && (at[1] == 'x' || at[1] == 'X') && isxdigit((unsigned char)at[2])) {
        for (at += 2; isxdigit((unsigned char)*at);) at++;
        return at;
    }
    at = skip_digits(at);
    if (*at == '.') at = skip_digits(at + 1);
    if (*at != 'e' && *at != 'E') return at;
    const char *exponent = at + 1 + (at[1] == '+' || at[1] == '-');
    return art_is_digit(*exponent) ? skip_digits(exponent) : at;
}

struct art_token art_token_at(const char *text) {
    const char *at = skip_blanks(text), *end = at + 1;
    struct art_token token = {.kind = ART_TOKEN_MARK, .before = text, .at = at};
    if (!*at) {
        token.kind = ART_TOKEN_END;
        end = at;
    } else if (is_word_start(*at)) {
        token.kind = ART_TOKEN_WORD;
        end = at + art_word_bytes(at);
    } else if (strchr("\"'`[", *at)) {
        end = end_of_quoted(at);
        token.kind = end ? ART_TOKEN_QUOTED : ART_TOKEN_BROKEN;
        if (!end) end = at + strlen(at);
    } else if (art_is_digit(*at) || (*at == '.' && art_is_digit(at[1]))) {
        end = end_of_number(at);
        token.kind = is_word(*end) || *end == '.' ? ART_TOKEN_BROKEN : ART_TOKEN_NUMBER;
    }
    token.len = (size_t)(end - at);
    assert(token.at >= text && !token.len == (token.kind == ART_TOKEN_END));
    return token;
}

bool art_token_is_mark(const struct art_token *token, char mark) {
    return token->kind == ART_TOKEN_MARK && *token->at == mark;
}

bool art_token_is_word(const struct art_token *token, const char *word) {
    return token->kind == ART_TOKEN_WORD && token->len == strlen(word) &&
           !sqlite3_strnicmp(token->at, word, (int)token->len);
}

char *art_token_text(const struct art_token *token) {
    assert(token->kind != ART_TOKEN_QUOTED || token->len >= 2);
    char *text = art_alloc(token->len + 1), *to = text;
    if (!text) return NULL;
    const char *at = token->at, *end = at + token->len;
    if (token->kind == ART_TOKEN_QUOTED) {
        char quote = *at++;
        for (end--; at < end; at++) {
            *to++ = *at;
            if (*at == quote && quote != '[') at++;
        }
    } else {
        memcpy(to, at, token->len);
        to += token->len;
    }
    assert((size_t)(to - text) <= token->len);
    *to = 0;
    return text;
}
