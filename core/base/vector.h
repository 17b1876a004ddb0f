/* Sixteen bytes at once, by SSE2 or NEON: the few steps that the searches of core/ and ext/ are made of. Without
 * ART_HAVE_VECTORS there is none of this, and who uses it has plain C beside it (-DART_NO_VECTORS asks for that).
 *
 * "Bytes that are set" are 0xff, the others 0: what comparisons give.
 */
#ifndef ART_BASE_VECTOR_H
#define ART_BASE_VECTOR_H

#include <stdbool.h>
#include <stdint.h>

#if defined(ART_NO_VECTORS)
#elif defined(__SSE2__)
#define ART_HAVE_VECTORS 1
#include <emmintrin.h>

typedef __m128i art_vector;

static inline art_vector art_vector_load(const void *p) {
    return _mm_loadu_si128(p);
}

static inline void art_vector_store(void *p, art_vector v) {
    _mm_storeu_si128(p, v);
}

static inline art_vector art_vector_all(uint8_t byte) {
    return _mm_set1_epi8((char)byte);
}

static inline art_vector art_vector_equal(art_vector a, art_vector b) {
    return _mm_cmpeq_epi8(a, b);
}

/* Where a <= b. */
static inline art_vector art_vector_not_above(art_vector a, art_vector b) {
    return _mm_cmpeq_epi8(_mm_min_epu8(a, b), a);
}

static inline art_vector art_vector_and(art_vector a, art_vector b) {
    return _mm_and_si128(a, b);
}

static inline art_vector art_vector_or(art_vector a, art_vector b) {
    return _mm_or_si128(a, b);
}

/* a & ~b */
static inline art_vector art_vector_without(art_vector a, art_vector b) {
    return _mm_andnot_si128(b, a);
}

static inline bool art_vector_any(art_vector set) {
    return _mm_movemask_epi8(set) != 0;
}

/* The place of the first byte that is set; 16: none. */
static inline uint32_t art_vector_first(art_vector set) {
    return (uint32_t)__builtin_ctz((uint32_t)_mm_movemask_epi8(set) | 0x10000);
}

/* The first place where they differ; 16: none. */
static inline uint32_t art_vector_difference(art_vector a, art_vector b) {
    return (uint32_t)__builtin_ctz(~(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(a, b)));
}

/* A bit for each byte, the first byte's the lowest. */
static inline uint32_t art_vector_bits(art_vector set) {
    return (uint32_t)_mm_movemask_epi8(set);
}

static inline uint32_t art_vector_bits_of_two(art_vector a, art_vector b) {
    return art_vector_bits(a) | art_vector_bits(b) << 16;
}

static inline uint64_t art_vector_bits_of_four(art_vector a, art_vector b, art_vector c, art_vector d) {
    return art_vector_bits_of_two(a, b) | (uint64_t)art_vector_bits_of_two(c, d) << 32;
}

/* `sums` begins as all 0, and takes the bytes of up to 16 vectors. */
static inline art_vector art_vector_add(art_vector sums, art_vector bytes) {
    return _mm_add_epi64(sums, _mm_sad_epu8(bytes, _mm_setzero_si128()));
}

/* Two such sums. */
static inline uint32_t art_vector_total(art_vector sums, art_vector more) {
    sums = _mm_add_epi64(sums, more);
    return (uint32_t)_mm_cvtsi128_si32(sums) + (uint32_t)_mm_extract_epi16(sums, 4);
}

#elif defined(__ARM_NEON) && defined(__aarch64__)
#define ART_HAVE_VECTORS 1
#include <arm_neon.h>

typedef uint8x16_t art_vector;

static inline art_vector art_vector_load(const void *p) {
    return vld1q_u8(p);
}

static inline void art_vector_store(void *p, art_vector v) {
    vst1q_u8(p, v);
}

static inline art_vector art_vector_all(uint8_t byte) {
    return vdupq_n_u8(byte);
}

static inline art_vector art_vector_equal(art_vector a, art_vector b) {
    return vceqq_u8(a, b);
}

static inline art_vector art_vector_not_above(art_vector a, art_vector b) {
    return vcleq_u8(a, b);
}

static inline art_vector art_vector_and(art_vector a, art_vector b) {
    return vandq_u8(a, b);
}

static inline art_vector art_vector_or(art_vector a, art_vector b) {
    return vorrq_u8(a, b);
}

static inline art_vector art_vector_without(art_vector a, art_vector b) {
    return vbicq_u8(a, b);
}

static inline bool art_vector_any(art_vector set) {
    return vmaxvq_u8(set) != 0;
}

/* Four bits for each byte, the first byte's the lowest: NEON has no movemask, and this is one instruction. */
static inline uint64_t art_vector_nibbles(art_vector set) {
    return vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(set), 4)), 0);
}

static inline uint32_t art_vector_first(art_vector set) {
    uint64_t nibbles = art_vector_nibbles(set);
    return nibbles ? (uint32_t)__builtin_ctzll(nibbles) >> 2 : 16;
}

static inline uint32_t art_vector_difference(art_vector a, art_vector b) {
    return art_vector_first(vmvnq_u8(vceqq_u8(a, b)));
}

/* Bit i of eight in the i-th byte of eight. Sums of neighbours, three times, bring the eight together. */
static inline art_vector art_vector_one_bit_each(art_vector set) {
    return vandq_u8(set, vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201)));
}

static inline uint64_t art_vector_bits_of_four(art_vector a, art_vector b, art_vector c, art_vector d) {
    uint8x16_t low = vpaddq_u8(art_vector_one_bit_each(a), art_vector_one_bit_each(b));
    uint8x16_t high = vpaddq_u8(art_vector_one_bit_each(c), art_vector_one_bit_each(d));
    low = vpaddq_u8(low, high);
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(low, low)), 0);
}

static inline uint32_t art_vector_bits_of_two(art_vector a, art_vector b) {
    return (uint32_t)art_vector_bits_of_four(a, b, a, b);
}

static inline uint32_t art_vector_bits(art_vector set) {
    return (uint16_t)art_vector_bits_of_four(set, set, set, set);
}

static inline art_vector art_vector_add(art_vector sums, art_vector bytes) {
    return vreinterpretq_u8_u16(vpadalq_u8(vreinterpretq_u16_u8(sums), bytes));
}

static inline uint32_t art_vector_total(art_vector sums, art_vector more) {
    return vaddlvq_u16(vreinterpretq_u16_u8(sums)) + vaddlvq_u16(vreinterpretq_u16_u8(more));
}

#endif

#endif
