/* Where a text has a NUL, which SQLite takes for its end: for value.c. */
#ifndef ART_EXT_BASE_NUL_H
#define ART_EXT_BASE_NUL_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "core/base/vector.h"

#if defined(ART_HAVE_VECTORS)

/* Sixteen bytes, and which of them are NULs. */
static inline art_vector art_copy_vector(char *to, const uint8_t *from) {
    art_vector some = art_vector_load(from);
    art_vector_store(to, some);
    return art_vector_equal(some, art_vector_all(0));
}

/* Looks for a NUL on the way, in one pass; bytes in the middle may be copied twice. False: there is one. */
static inline bool art_copy_text(char *to, const uint8_t *from, uint64_t len) {
    if (len < 16) {
        memcpy(to, from, (size_t)len);
        return !memchr(from, 0, (size_t)len);
    }
    art_vector nuls = art_vector_or(art_copy_vector(to, from), art_copy_vector(to + len - 16, from + len - 16));
    if (len > 32) {
        nuls = art_vector_or(nuls, art_copy_vector(to + 16, from + 16));
        nuls = art_vector_or(nuls, art_copy_vector(to + len - 32, from + len - 32));
    }
    for (uint64_t at = 32; at + 32 < len; at += 16) nuls = art_vector_or(nuls, art_copy_vector(to + at, from + at));
    return !art_vector_any(nuls);
}

/* Of a text that has one, and ART_KEY_PADDING bytes behind it. */
static inline uint64_t art_first_nul(const char *text) {
    art_vector zero = art_vector_all(0);
    for (uint64_t at = 0;; at += 16) {
        uint32_t nul = art_vector_first(art_vector_equal(art_vector_load(text + at), zero));
        if (nul < 16) return at + nul;
    }
}

#else

static inline uint64_t art_first_nul(const char *text) {
    return strlen(text);
}

static inline bool art_copy_text(char *to, const uint8_t *from, uint64_t len) {
    memcpy(to, from, (size_t)len);
    return !memchr(from, 0, (size_t)len);
}

#endif

#endif
