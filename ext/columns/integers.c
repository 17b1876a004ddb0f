/* A column of integers: what they are above the least one, in as few bits as most of them need; or entries. */
#include "ext/columns/encode.h"

/* An integer of a type is none of a shorter one: it is not among `many` from -less on. */
static const uint64_t less_of_type[8] = {0, 0, 1u << 7, 1u << 15, 1u << 23, 1u << 31, (uint64_t)1 << 47};
static const uint64_t many_of_type[8] = {0, 2, 1u << 8, 1u << 16, 1u << 24, (uint64_t)1 << 32, (uint64_t)1 << 48};

/* The eight bytes from `at` on, or as many of them as there are, as one big-endian number. */
static inline uint64_t load_from(struct art_bytes record, uint32_t at) {
    if (at + 8 <= record.len) return __builtin_bswap64(art_load64(record.data + at));
    if (record.len >= 8)
        return __builtin_bswap64(art_load64(record.data + record.len - 8)) << 8 * (at + 8 - record.len);
    uint64_t x = 0;
    for (uint32_t i = 0; i < record.len - at; i++) x |= (uint64_t)record.data[at + i] << (56 - 8 * i);
    return x;
}

struct number_span {
    int64_t low, high;
};

static inline void number_span_add(struct number_span *span, int64_t x) {
    span->low = x < span->low ? x : span->low;
    span->high = x > span->high ? x : span->high;
}

/* The numbers of all rows, of which some are absent. */
static __attribute__((noinline)) struct number_span load_integers(struct column *column) {
    struct number_span span = {INT64_MAX, INT64_MIN};
    for (uint32_t row = 0; row < column->rows; row++) {
        uint32_t serial = serial_of(column, row);
        int64_t x = serial - ART_SERIAL_ZERO;
        if (serial - 1 < 6) {
            x = (int64_t)load_from(column->values[row], at_of(column, row)) >> art_serial_unused_bits[serial];
            if ((uint64_t)x + less_of_type[serial] < many_of_type[serial]) {
                leave_out(column, row);
                continue;
            }
        } else if (serial - ART_SERIAL_ZERO > 1) {
            leave_out(column, row);
            continue;
        }
        column->number[row] = x;
        number_span_add(&span, x);
    }
    return span;
}

/* The same, where all are of one serial type, and none must be absent for the bytes that it has. */
static __attribute__((noinline)) struct number_span load_alike(struct column *column, uint32_t serial) {
    struct number_span span = {INT64_MAX, INT64_MIN};
    const uint16_t *at = column->serials + TO_AT;
    const uint8_t *shape_of = column->shape_of;
    const struct art_bytes *value = column->values, *end = value + column->rows;
    const uint32_t unused = art_serial_unused_bits[serial];
    for (int64_t *number = column->number; value < end; value++) {
        int64_t x = (int64_t)load_from(*value, at[*shape_of++ * NEXT_SHAPE]) >> unused;
        *number++ = x;
        number_span_add(&span, x);
    }
    return span;
}

/* From 1 to 6, if it is that of all cells; 0: it is not. */
static uint32_t one_type(const struct column *column) {
    uint32_t serial = serial_of(column, 0), other = 0;
    for (uint32_t i = FIRST_SHAPE; i < column->sheet->shapes; i++) other |= column->serials[i * NEXT_SHAPE] ^ serial;
    return column->pure && !other && serial < ART_SERIAL_REAL ? serial : 0;
}

static uint32_t width_of(uint64_t most) {
    uint32_t bits = art_bits_of(most);
    return bits > ART_WIDTH_MAX ? ART_WIDTH_WHOLE : bits;
}

/* How many numbers have how many zeros before what they are above `low`, less one; absent ones have any. */
static __attribute__((noinline)) void count_zeros(const int64_t *number, uint32_t rows, uint64_t low, uint32_t *zeros) {
    for (const int64_t *end = number + rows; number < end; number++)
        zeros[__builtin_clzll(((uint64_t)*number - low) << 1 | 1)]++;
}

/* The fewest bytes for codes, where some large ones are apart: of which width. */
static uint32_t choose_width(const struct column *column, struct number_span span, uint32_t width, uint32_t slots,
                             uint32_t *bytes) {
    uint32_t zeros[64] = {0}, apart = 0, best = width,
             bytes_of_one = 1 + bytes_of_value(art_serial_of_integer(span.high));
    if (width > ART_WIDTH_MAX) return best;
    count_zeros(column->number, column->rows, (uint64_t)span.low, zeros);
    for (uint32_t bits = width; bits > 0 && apart < *bytes; bits--) {
        apart += zeros[63 - bits] * bytes_of_one;
        uint32_t with = (slots * (bits - 1) + 7) / 8 + apart;
        if (with >= *bytes) continue;
        *bytes = with;
        best = bits - 1;
    }
    return best;
}

/* Those that are in the way of a smaller width stand apart. */
static void leave_out_wide(struct column *column, int64_t low, uint32_t width) {
    for (uint32_t row = 0; row < column->rows; row++) {
        if (!(((uint64_t)column->number[row] - (uint64_t)low) >> width)) continue;
        leave_out(column, row);
        column->number[row] = low;
    }
}

/* Numbers that are nobody's are not in the way. */
static void fill_absent(struct column *column, int64_t number) {
    for (uint32_t row = 0; row < column->rows; row++) {
        if (art_row_set_has(&column->absent, row)) column->number[row] = number;
    }
}

/* Do all numbers of a span need this serial type? At least if they have one sign. */
static bool none_shorter(struct number_span span, uint32_t serial) {
    int64_t less = (int64_t)less_of_type[serial];
    return span.low >= (serial == 1 ? 2 : less) || span.high < -less;
}

static struct number_span load_numbers(struct column *column) {
    uint32_t type = one_type(column);
    struct number_span span = {0, 0};
    if (type) span = load_alike(column, type);
    if (!type || !none_shorter(span, type)) span = load_integers(column);
    return column->absents == column->rows ? (struct number_span){0, 0} : span;
}

/* The numbers of the rows that have one, side by side. How many. */
static uint32_t close_up(struct column *column) {
    uint32_t numbers = 0;
    for (uint32_t row = 0; row < column->rows; row++) {
        if (!art_row_set_has(&column->absent, row)) column->number[numbers++] = column->number[row];
    }
    return numbers;
}

bool art_integers_put(struct writer *out, struct column *column) {
    struct number_span span = load_numbers(column);
    uint32_t width = width_of((uint64_t)span.high - (uint64_t)span.low), best = width;
    uint32_t slots = column->rows - (16 * column->nulls > column->rows ? column->absents : 0);
    uint32_t base_serial = art_serial_of_integer(span.low), bytes = (slots * width + 7) / 8;
    uint32_t others = 2 + bytes_of_value(base_serial);
    if (column->absents) others += art_apart_bytes(column) + art_min32(2 * column->nulls, column->rows / 8);
    uint32_t entries = UINT32_MAX;
    if (column->absents) entries = art_entries_of_cells(column, others + bytes);
    if (!column->absents && width) entries = art_entries_of_numbers(column, others + bytes);
    if (column->absents) fill_absent(column, span.low);
    if (width && entries > column->rows / 2) best = choose_width(column, span, width, slots, &bytes);
    if (entries <= others + bytes) return art_entries_put(out, column);
    if (best < width) leave_out_wide(column, span.low, best);
    bool sparse = art_sparse_choose(column, best);
    uint8_t base[8];
    uint32_t base_bytes = art_serial_number_bytes[base_serial];
    art_store64_be(base, base_bytes ? (uint64_t)span.low << (64 - 8 * base_bytes) : 0);
    slots = sparse ? close_up(column) : column->rows;
    return write_byte(out, ART_COLUMN_INTEGERS | art_column_flags(column, sparse)) && write_byte(out, best) &&
           put_value(out, base_serial, base) && (!sparse || art_bitmap_put(out, &column->absent, column->rows)) &&
           art_codes_put(out, column->number, slots, (uint64_t)span.low, best) && art_apart_put(out, column);
}
