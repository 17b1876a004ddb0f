/* SQL cut into tokens, as SQLite cuts it: blanks and comments stand between them. */
#ifndef ART_EXT_TOKEN_H
#define ART_EXT_TOKEN_H

#include "ext/base/base.h"

enum art_token_kind {
    ART_TOKEN_END,
    ART_TOKEN_WORD,
    ART_TOKEN_QUOTED,
    ART_TOKEN_NUMBER,
    ART_TOKEN_MARK, /* one character */
    ART_TOKEN_BROKEN
};

struct art_token {
    enum art_token_kind kind;
    const char *before; /* where the blanks and comments before it begin */
    const char *at;
    size_t len;
};

static inline bool art_is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r' && c != '\v');
}

static inline bool art_is_digit(char c) {
    return c >= '0' && c <= '9';
}

size_t art_word_bytes(const char *text); /* of the word that it begins with, without a blank or quote; 0: with none */
/* The first one of the text; the next one is at token.at + token.len. */
struct art_token art_token_at(const char *text);
bool art_token_is_mark(const struct art_token *token, char mark);
bool art_token_is_word(const struct art_token *token, const char *word); /* in capitals or not, and not in quotes */
/* A word as it is, quotes taken off. art_free() it; NULL without memory. */
char *art_token_text(const struct art_token *token);

#endif
