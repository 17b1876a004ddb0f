/* One posting as bits (postings.h draws them), and how many these are.
 *
 *   number n > 0   as many zeros as n has bits behind its first, a one, then these bits, the lowest first
 *   step s > 1     the same of s / 2, then the lowest bit of s: two bits for a step to one of the next two units
 *
 * Bits fill bytes from the lowest on. A reader never looks behind its end: there it meets zeros.
 */
#ifndef ART_BLOB_POSTING_CODE_H
#define ART_BLOB_POSTING_CODE_H

#include <assert.h>

#include "core/base/bytes.h"

enum {
    ART_LISTED_UNITS = 150, /* a term in more of them tells nothing */
    ART_PRINT_BITS = 8,
    ART_UNIT_BITS = 8, /* of the first unit; one more where there are more than 256 */
    /* Zeros before a number of units, in a step, and before the number of a group's terms, at most. */
    ART_COUNT_ZEROS = 7,
    ART_STEP_ZEROS = 8,
    ART_GROUP_ZEROS = 17,
    /* What terms take, with their part of the number of the group's, which has a bit for each term and one more. */
    ART_POSTING_BITS = ART_PRINT_BITS + 1 + ART_UNIT_BITS + 1, /* of one unit */
    ART_FREQUENT_BITS = ART_PRINT_BITS + 1 + 2 * ART_COUNT_ZEROS + 1,
    ART_PUSH_BITS_MAX = 2 * (ART_STEP_ZEROS + 1) + 2 /* of one unit more */
};

static inline uint32_t art_unit_bits(uint32_t units) {
    return units > 1u << ART_UNIT_BITS ? ART_UNIT_BITS + 1 : ART_UNIT_BITS;
}

static inline uint32_t art_log2(uint32_t n) {
    assert(n);
    return 31 - (uint32_t)__builtin_clz(n);
}

/* A step leads from unit a to unit b: b - a + 1. */
static inline uint32_t art_step_bits(uint32_t step) {
    return 2 * art_log2(step);
}

/* What the second unit, the third and so on adds: its step, and the number where that gets longer. */
static inline uint32_t art_push_bits(uint32_t units_before, uint32_t step) {
    return art_step_bits(step) + 2 * !(units_before & (units_before + 1));
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

struct art_bit_writer {
    uint8_t *to;
    uint64_t bits;
    unsigned count; /* that are not written yet: less than 32 */
};

static inline void art_put_bits(struct art_bit_writer *out, uint64_t bits, uint32_t count) {
    assert(count <= 32 && !(bits >> count) && out->count < 32);
    out->bits |= bits << out->count;
    out->count += count;
    if (out->count < 32) return;
    art_store32(out->to, (uint32_t)out->bits);
    out->to += 4;
    out->bits >>= 32;
    out->count -= 32;
}

/* The bits of n below its highest, behind the zeros and the one that tell how many they are. */
static inline void art_put_number(struct art_bit_writer *out, uint32_t n) {
    uint32_t z = art_log2(n);
    art_put_bits(out, (uint64_t)(2 * (n - (1u << z)) + 1) << z, 2 * z + 1);
}

static inline void art_put_step(struct art_bit_writer *out, uint32_t step) {
    uint32_t z = art_log2(step) - 1;
    assert(step > 1);
    art_put_bits(out, (uint64_t)(2 * (step - (2u << z)) + 1) << z, 2 * z + 2);
}

/* So many units, which ascend, of `units`. */
static inline void art_put_units(struct art_bit_writer *out, const uint16_t *unit, uint32_t count, uint32_t units) {
    assert(count && count <= ART_LISTED_UNITS);
    art_put_number(out, count);
    art_put_bits(out, unit[0], art_unit_bits(units));
    for (uint32_t i = 1; i < count; i++) art_put_step(out, unit[i] - unit[i - 1] + 1u);
}

/* To the next two bytes. Returns where these are. */
static inline uint8_t *art_end_bits(struct art_bit_writer *out, const uint8_t *begin) {
    for (unsigned left = out->count; left; left -= left < 8 ? left : 8, out->bits >>= 8)
        *out->to++ = (uint8_t)out->bits;
    if ((out->to - begin) % 2) *out->to++ = 0;
    return out->to;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

struct art_bit_reader {
    const uint8_t *bytes;
    uint32_t at, end; /* in bits */
};

/* At least 57, in the lower ones. */
static inline uint64_t art_peek_bits(const struct art_bit_reader *in) {
    uint32_t byte = in->at / 8, left = in->end / 8 - byte;
    uint64_t bits = 0;
    if (in->at >= in->end) return 0;
    if (left >= 8) return art_load64(in->bytes + byte) >> in->at % 8;
    for (uint32_t i = 0; i < left; i++) bits |= (uint64_t)in->bytes[byte + i] << 8 * i;
    return bits >> in->at % 8;
}

static inline uint32_t art_get_bits(struct art_bit_reader *in, uint32_t count) {
    uint64_t bits = art_peek_bits(in);
    in->at += count;
    return (uint32_t)(bits & ((1u << count) - 1));
}

/* Below 2 << most, or 0: there is none. */
static inline uint32_t art_get_number(struct art_bit_reader *in, uint32_t most) {
    uint64_t bits = art_peek_bits(in);
    uint32_t z = (uint32_t)__builtin_ctzll(bits | 2ull << most);
    if (z > most) return 0;
    in->at += 2 * z + 1;
    return 1u << z | (uint32_t)(bits >> (z + 1) & ((1u << z) - 1));
}

/* Below 4 << most, or 0. */
static inline uint32_t art_get_step(struct art_bit_reader *in, uint32_t most) {
    uint64_t bits = art_peek_bits(in);
    uint32_t z = (uint32_t)__builtin_ctzll(bits | 2ull << most);
    if (z > most) return 0;
    in->at += 2 * z + 2;
    return 2u << z | (uint32_t)(bits >> (z + 1) & ((2u << z) - 1));
}

#endif
