/* The few steps that look at many bytes at once, by vectors (core/base/vector.h) and in plain C.
 *
 * The vector versions read up to 16 bytes (the column functions: 64) more than they use, and short copies also write
 * up to 16 too many; so do those that decode (symbols.h), by a symbol, or 8 codes. Callers see to it that these bytes
 * exist: search keys and key buffers are padded, and behind every leaf page of an image follows at least the footer.
 */
#ifndef ART_BLOB_SIMD_H
#define ART_BLOB_SIMD_H

#include "core/base/bytes.h"
#include "core/base/vector.h"

/* What is read too much may belong to a page that another thread is just loading. It is never used, but ThreadSanitizer
 * cannot know. */
#if defined(__SANITIZE_THREAD__)
#define ART_READS_PAST __attribute__((no_sanitize("thread")))
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ART_READS_PAST __attribute__((no_sanitize("thread")))
#endif
#endif
#ifndef ART_READS_PAST
#define ART_READS_PAST
#endif

#define ART_LIKELY(x)   __builtin_expect(!!(x), 1)
#define ART_UNLIKELY(x) __builtin_expect(!!(x), 0)

#if defined(ART_HAVE_VECTORS)

/* Length of the common prefix of a and b, at most n. */
ART_READS_PAST static inline uint32_t art_common_prefix_padded(const uint8_t *a, const uint8_t *b, uint32_t n) {
    for (uint32_t i = 0; i < n; i += 16) {
        uint32_t same = art_vector_difference(art_vector_load(a + i), art_vector_load(b + i));
        if (same < 16) {
            i += same;
            return i < n ? i : n;
        }
    }
    return n;
}

ART_READS_PAST static inline void art_copy_padded(uint8_t *to, const uint8_t *from, uint32_t n) {
    if (ART_LIKELY(n <= 16)) {
        art_vector_store(to, art_vector_load(from));
    } else if (n <= 32) {
        art_vector second = art_vector_load(from + 16);
        art_vector_store(to, art_vector_load(from));
        art_vector_store(to + 16, second);
    } else {
        memcpy(to, from, n);
    }
}

/* How many of the n <= 32 ascending bytes are <= c. */
ART_READS_PAST static inline uint32_t art_count_not_above(const uint8_t *bytes, uint32_t n, uint8_t c) {
    art_vector pivot = art_vector_all(c), first = art_vector_not_above(art_vector_load(bytes), pivot);
    uint64_t below = n > 16 ? art_vector_bits_of_two(first, art_vector_not_above(art_vector_load(bytes + 16), pivot))
                            : art_vector_bits(first);
    return (uint32_t)__builtin_popcountll(below & ((1ull << n) - 1));
}

static inline art_vector art_columns_hit16(const uint8_t *shared, const uint8_t *first, art_vector depth,
                                           art_vector c) {
    art_vector s = art_vector_load(shared), f = art_vector_load(first);
    art_vector not_deeper = art_vector_not_above(s, depth), same = art_vector_equal(s, depth);
    return art_vector_without(not_deeper, art_vector_without(same, art_vector_not_above(c, f)));
}

/* Bit i < min(n, 64): shared[i] < depth, or shared[i] == depth and first[i] >= c. Bits from n on mean nothing. */
ART_READS_PAST static inline uint64_t art_columns_hit(const uint8_t *shared, const uint8_t *first, uint32_t n,
                                                      uint8_t depth, uint8_t c) {
    art_vector d = art_vector_all(depth), pivot = art_vector_all(c);
    art_vector hit0 = art_columns_hit16(shared, first, d, pivot);
    art_vector hit1 = art_columns_hit16(shared + 16, first + 16, d, pivot);
    if (n <= 32) return art_vector_bits_of_two(hit0, hit1);
    return art_vector_bits_of_four(hit0, hit1, art_columns_hit16(shared + 32, first + 32, d, pivot),
                                   art_columns_hit16(shared + 48, first + 48, d, pivot));
}

/* Sum of the first i < 128 bytes of a column of n. */
ART_READS_PAST static inline uint32_t art_column_sum(const uint8_t *column, uint32_t n, uint32_t i) {
#define EIGHT_ONES 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff
    static const uint8_t mask[128] = {EIGHT_ONES, EIGHT_ONES, EIGHT_ONES, EIGHT_ONES,
                                      EIGHT_ONES, EIGHT_ONES, EIGHT_ONES, EIGHT_ONES};
#undef EIGHT_ONES
    art_vector a = art_vector_all(0), b = a;
    if (i >= 64) {
        for (int at = 0; at < 64; at += 32) {
            a = art_vector_add(a, art_vector_load(column + at));
            b = art_vector_add(b, art_vector_load(column + at + 16));
        }
        column += 64;
        i -= 64;
    }
    const uint8_t *m = mask + 64 - i;
    a = art_vector_add(a, art_vector_and(art_vector_load(column), art_vector_load(m)));
    b = art_vector_add(b, art_vector_and(art_vector_load(column + 16), art_vector_load(m + 16)));
    if (n > 32) {
        a = art_vector_add(a, art_vector_and(art_vector_load(column + 32), art_vector_load(m + 32)));
        b = art_vector_add(b, art_vector_and(art_vector_load(column + 48), art_vector_load(m + 48)));
    }
    return art_vector_total(a, b);
}

#else

static inline uint32_t art_common_prefix_padded(const uint8_t *a, const uint8_t *b, uint32_t n) {
    return art_common_prefix(a, b, n);
}

static inline void art_copy_padded(uint8_t *to, const uint8_t *from, uint32_t n) {
    memcpy(to, from, n);
}

static inline uint32_t art_count_not_above(const uint8_t *bytes, uint32_t n, uint8_t c) {
    uint32_t count = 0;
    while (count < n && bytes[count] <= c) count++;
    return count;
}

static inline uint64_t art_columns_hit(const uint8_t *shared, const uint8_t *first, uint32_t n, uint8_t depth,
                                       uint8_t c) {
    uint64_t hit = 0;
    for (uint32_t i = 0; i < n && i < 64; i++) {
        hit |= (uint64_t)(shared[i] < depth || (shared[i] == depth && first[i] >= c)) << i;
    }
    return hit;
}

static inline uint32_t art_column_sum(const uint8_t *column, uint32_t n, uint32_t i) {
    uint32_t sum = 0;
    (void)n;
    for (uint32_t at = 0; at < i; at++) sum += column[at];
    return sum;
}

#endif

#endif
