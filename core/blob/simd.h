/* The few steps that look at many bytes at once, for SSE2 and in plain C.
 *
 * The vector versions read up to 16 bytes (the column functions: 64) more than they use, and short copies also write
 * up to 16 too many. Callers see to it that these bytes exist: search keys and key buffers are padded, and behind
 * every leaf page of an image follows at least the footer.
 */
#ifndef ART_BLOB_SIMD_H
#define ART_BLOB_SIMD_H

#include "core/base/bytes.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

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

#if defined(__SSE2__)

static inline __m128i art_load128(const void *p) {
    return _mm_loadu_si128(p);
}

/* Length of the common prefix of a and b, at most n. */
ART_READS_PAST static inline uint32_t art_common_prefix_padded(const uint8_t *a, const uint8_t *b, uint32_t n) {
    for (uint32_t i = 0; i < n; i += 16) {
        uint32_t equal = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(art_load128(a + i), art_load128(b + i)));
        if (equal != 0xffff) {
            i += (uint32_t)__builtin_ctz(~equal);
            return i < n ? i : n;
        }
    }
    return n;
}

ART_READS_PAST static inline void art_copy_padded(uint8_t *to, const uint8_t *from, uint32_t n) {
    if (ART_LIKELY(n <= 16)) {
        _mm_storeu_si128((void *)to, art_load128(from));
    } else if (n <= 32) {
        __m128i second = art_load128(from + 16);
        _mm_storeu_si128((void *)to, art_load128(from));
        _mm_storeu_si128((void *)(to + 16), second);
    } else {
        memcpy(to, from, n);
    }
}

/* How many of the n <= 32 ascending bytes are <= c. */
ART_READS_PAST static inline uint32_t art_count_not_above(const uint8_t *bytes, uint32_t n, uint8_t c) {
    __m128i pivot = _mm_set1_epi8((char)c), some = art_load128(bytes);
    uint64_t below = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(some, pivot), some));
    if (n > 16) {
        some = art_load128(bytes + 16);
        below |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(some, pivot), some)) << 16;
    }
    return (uint32_t)__builtin_popcountll(below & ((1ull << n) - 1));
}

static inline uint64_t art_columns_hit16(const uint8_t *shared, const uint8_t *first, __m128i depth, __m128i c) {
    __m128i s = art_load128(shared), f = art_load128(first);
    __m128i not_deeper = _mm_cmpeq_epi8(_mm_min_epu8(s, depth), s), same = _mm_cmpeq_epi8(s, depth);
    __m128i not_less = _mm_cmpeq_epi8(_mm_max_epu8(f, c), f);
    return (uint32_t)_mm_movemask_epi8(_mm_andnot_si128(_mm_andnot_si128(not_less, same), not_deeper));
}

/* Bit i < min(n, 64): shared[i] < depth, or shared[i] == depth and first[i] >= c. Bits from n on mean nothing. */
ART_READS_PAST static inline uint64_t art_columns_hit(const uint8_t *shared, const uint8_t *first, uint32_t n,
                                                      uint8_t depth, uint8_t c) {
    __m128i d = _mm_set1_epi8((char)depth), pivot = _mm_set1_epi8((char)c);
    uint64_t hit = art_columns_hit16(shared, first, d, pivot) | art_columns_hit16(shared + 16, first + 16, d, pivot)
                                                                    << 16;
    if (n > 32) {
        hit |= art_columns_hit16(shared + 32, first + 32, d, pivot) << 32 |
               art_columns_hit16(shared + 48, first + 48, d, pivot) << 48;
    }
    return hit;
}

/* Sum of the first i < 128 bytes of a column of n. */
ART_READS_PAST static inline uint32_t art_column_sum(const uint8_t *column, uint32_t n, uint32_t i) {
#define EIGHT_ONES 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff
    static const uint8_t mask[128] = {EIGHT_ONES, EIGHT_ONES, EIGHT_ONES, EIGHT_ONES,
                                      EIGHT_ONES, EIGHT_ONES, EIGHT_ONES, EIGHT_ONES};
#undef EIGHT_ONES
    __m128i zero = _mm_setzero_si128(), a = zero, b = zero;
    if (i >= 64) {
        for (int at = 0; at < 64; at += 32) {
            a = _mm_add_epi64(a, _mm_sad_epu8(art_load128(column + at), zero));
            b = _mm_add_epi64(b, _mm_sad_epu8(art_load128(column + at + 16), zero));
        }
        column += 64;
        i -= 64;
    }
    const uint8_t *m = mask + 64 - i;
    a = _mm_add_epi64(a, _mm_sad_epu8(_mm_and_si128(art_load128(column), art_load128(m)), zero));
    b = _mm_add_epi64(b, _mm_sad_epu8(_mm_and_si128(art_load128(column + 16), art_load128(m + 16)), zero));
    if (n > 32) {
        a = _mm_add_epi64(a, _mm_sad_epu8(_mm_and_si128(art_load128(column + 32), art_load128(m + 32)), zero));
        b = _mm_add_epi64(b, _mm_sad_epu8(_mm_and_si128(art_load128(column + 48), art_load128(m + 48)), zero));
    }
    a = _mm_add_epi64(a, b);
    return (uint32_t)_mm_cvtsi128_si32(a) + (uint32_t)_mm_extract_epi16(a, 4);
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
