/* Byte strings, little-endian integers at any address, and comparison of keys. */
#ifndef ART_BASE_BYTES_H
#define ART_BASE_BYTES_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* A borrowed byte string. `data` may be NULL when `len` is 0. */
struct art_bytes {
    const uint8_t *data;
    uint32_t len;
};

static inline struct art_bytes art_bytes(const void *data, uint32_t len) {
    return (struct art_bytes){data, len};
}

enum {
    ART_KEY_MAX = 65535, /* bytes of a key in core (with its name space byte) */
    ART_KEY_PADDING = 16 /* search keys must be readable, and cursor buffers writable, this far past their end */
};

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "sqlite-art reads its blobs in place and needs a little-endian machine"
#endif

/* Where `n` bytes, at least one, stand first in `len`; NULL: nowhere. */
static inline const uint8_t *art_find_bytes(const uint8_t *in, size_t len, const uint8_t *what, size_t n) {
    assert(n);
    for (const uint8_t *at = in; n <= len && (at = memchr(at, *what, len - n + 1 - (size_t)(at - in))) != NULL; at++) {
        if (!memcmp(at, what, n)) return at;
    }
    return NULL;
}

/* Little-endian numbers at any address. */
static inline uint16_t art_load16(const void *p) {
    uint16_t x;
    memcpy(&x, p, sizeof x);
    return x;
}

static inline uint32_t art_load32(const void *p) {
    uint32_t x;
    memcpy(&x, p, sizeof x);
    return x;
}

static inline uint64_t art_load64(const void *p) {
    uint64_t x;
    memcpy(&x, p, sizeof x);
    return x;
}

static inline void art_store16(void *p, uint32_t x) {
    uint16_t y = (uint16_t)x;
    memcpy(p, &y, sizeof y);
}

static inline void art_store32(void *p, uint32_t x) {
    memcpy(p, &x, sizeof x);
}

static inline void art_store64(void *p, uint64_t x) {
    memcpy(p, &x, sizeof x);
}

/* Big-endian, for integers inside keys: they then sort as numbers. */
static inline void art_store32_be(void *p, uint32_t x) {
    art_store32(p, __builtin_bswap32(x));
}

static inline void art_store64_be(void *p, uint64_t x) {
    art_store64(p, __builtin_bswap64(x));
}

static inline uint32_t art_min32(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

/* Keys are compared as memcmp does, a prefix first. <0, 0, >0. */
static inline int art_bytes_compare(struct art_bytes a, struct art_bytes b) {
    uint32_t n = art_min32(a.len, b.len);
    int c = n ? memcmp(a.data, b.data, n) : 0;
    return c ? c : a.len < b.len ? -1 : a.len > b.len;
}

static inline bool art_bytes_equal(struct art_bytes a, struct art_bytes b) {
    return a.len == b.len && (!a.len || !memcmp(a.data, b.data, a.len));
}

/* A prefix may be all of it, or empty. */
static inline bool art_bytes_starts_with(struct art_bytes a, struct art_bytes prefix) {
    return a.len >= prefix.len && (!prefix.len || !memcmp(a.data, prefix.data, prefix.len));
}

/* Length of the common prefix of a and b, at most n. Reads nothing past n. */
static inline uint32_t art_common_prefix(const uint8_t *a, const uint8_t *b, uint32_t n) {
    uint32_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t x = art_load64(a + i) ^ art_load64(b + i);
        if (x) return i + ((uint32_t)__builtin_ctzll(x) >> 3);
    }
    while (i < n && a[i] == b[i]) i++;
    return i;
}

/* As art_bytes_compare(), of keys whose first `known` bytes are the same. *agrees: how many are. One byte mostly tells,
 * and to load just that one never waits for a longer store. */
static inline int art_bytes_compare_from(struct art_bytes a, struct art_bytes b, uint32_t known, uint32_t *agrees) {
    uint32_t n = art_min32(a.len, b.len), same = known;
    assert(known <= n);
    if (known < n && a.data[known] == b.data[known])
        same += 1 + art_common_prefix(a.data + known + 1, b.data + known + 1, n - known - 1);
    *agrees = same;
    if (same < n) return a.data[same] < b.data[same] ? -1 : 1;
    return a.len < b.len ? -1 : a.len > b.len;
}

/* LEB128, for the redo codec and the like. The reader returns the bytes used, 0 if cut or too long. */
enum { ART_VARINT_MAX = 10 };
static inline uint32_t art_put_varint(uint8_t *p, uint64_t x) {
    uint32_t n = 0;
    while (x >= 0x80) {
        p[n++] = (uint8_t)(x | 0x80);
        x >>= 7;
    }
    p[n++] = (uint8_t)x;
    assert(n <= ART_VARINT_MAX);
    return n;
}

static inline uint32_t art_get_varint(const uint8_t *p, const uint8_t *end, uint64_t *x) {
    assert(p <= end);
    uint64_t value = 0;
    for (uint32_t n = 0; n < 10 && p + n < end; n++) {
        value |= (uint64_t)(p[n] & 0x7f) << (7 * n);
        if (!(p[n] & 0x80)) {
            *x = value;
            return n + 1;
        }
    }
    return 0;
}

#endif
