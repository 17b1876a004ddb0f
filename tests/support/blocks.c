#define SQLITE_CORE 1
#include "tests/support/blocks.h"
#include "ext/base/base.h"
#include "ext/columns/columns.h"

#include <stdio.h>
#include <stdlib.h>

enum { BEYOND = 3 }; /* columns behind those that there are */

static char said[500];

#define wrong(...) (snprintf(said, sizeof said, __VA_ARGS__), said)

static bool same_datum(const struct art_datum *a, const struct art_datum *b) {
    if (a->kind != b->kind) return false;
    if (a->kind == ART_DATUM_INTEGER || a->kind == ART_DATUM_REAL) return a->integer == b->integer;
    return a->kind == ART_DATUM_NULL || (a->by != ART_BY_HASHES && art_bytes_equal(a->bytes, b->bytes));
}

static enum art_rc field_of(struct art_bytes record, unsigned column, struct art_datum *out) {
    struct art_record_reader reader;
    art_record_reader_set(&reader, art_stored_of(record));
    return art_record_reader_datum(&reader, column, NULL, out);
}

/* Where the bytes begin that end where the allocation does. */
static uint8_t *at_end(uint8_t **space, uint32_t n) {
    *space = malloc(n + 1);
    return *space + 1;
}

/* --- sound blocks ------------------------------------------------------------------------------------------------- */

static const char *wrong_fields(const struct art_bytes *values, struct art_bytes block, unsigned row,
                                unsigned columns) {
    static uint8_t room[ART_VALUE_INLINE_MAX];
    for (unsigned i = 0; i < columns; i++) {
        struct art_datum here, there;
        char message[220];
        enum art_rc rc = field_of(values[row], i, &there);
        snprintf(message, sizeof message, "%s", rc ? art_error_message() : "");
        if (art_block_field(block, row, i, room, &here) != rc) return wrong("field %u of row %u: another code", i, row);
        if (rc && strcmp(message, art_error_message()) != 0)
            return wrong("'%s', not '%s'", art_error_message(), message);
        if (!rc && !same_datum(&here, &there)) return wrong("field %u of row %u is another one", i, row);
    }
    return NULL;
}

/* Of one reader, which had another block before; some columns of fewer rows than others. */
static const char *wrong_reader(const struct art_bytes *values, uint32_t count, struct art_bytes block,
                                unsigned columns) {
    static struct art_block_reader *reader;
    static uint8_t room[ART_VALUE_INLINE_MAX];
    if (!reader) reader = art_block_reader_new();
    art_block_reader_begin(reader, block);
    for (uint32_t row = 0; row < count; row++) {
        for (unsigned i = 0; i < columns; i++) {
            struct art_datum here, there;
            if ((row + i) % (1 + i % 3)) continue;
            bool damaged = field_of(values[row], i, &there);
            if (art_block_reader_field(reader, row, i, room, &here) != (damaged ? ART_CORRUPT : ART_OK))
                return wrong("field %u of row %u: another code from a reader", i, row);
            if (!damaged && !same_datum(&here, &there)) return wrong("field %u of row %u differs in a reader", i, row);
        }
    }
    return NULL;
}

static const char *wrong_column(const struct art_bytes *values, struct art_bytes block, unsigned column, unsigned from,
                                unsigned to) {
    static struct art_datum all[ART_BLOCK_ROWS_MAX + 1];
    uint8_t *space, *room = at_end(&space, ART_BLOCK_PLAIN_MAX);
    const char *is_wrong = NULL;
    all[to - from].kind = ART_DATUM_BEYOND;
    art_block_column(block, column, from, to, room, all);
    if (all[to - from].kind != ART_DATUM_BEYOND) is_wrong = wrong("column %u: a row too many is given", column);
    for (unsigned row = from; row < to && !is_wrong; row++) {
        struct art_datum there;
        bool damaged = field_of(values[row], column, &there);
        const struct art_datum *here = &all[row - from];
        if (damaged ? here->kind != ART_DATUM_BEYOND : !same_datum(here, &there))
            is_wrong = wrong("column %u from row %u to %u: row %u is another one", column, from, to, row);
    }
    free(space);
    return is_wrong;
}

static bool wants(const void *context, const struct art_datum *value) {
    const struct art_column_test *test = context;
    if (value->kind == ART_DATUM_INTEGER) return art_column_test_integer(test, value->integer);
    if (value->kind == ART_DATUM_REAL) return value->integer & 4;
    return value->kind == ART_DATUM_TEXT && value->bytes.len && value->bytes.data[value->bytes.len - 1] & 1;
}

/* Bounds are integers of the column, or next to them. */
static struct art_column_test test_of(const struct art_bytes *values, uint32_t count, unsigned column, unsigned draw) {
    int64_t bound[2] = {INT64_MIN, INT64_MAX};
    for (unsigned i = 0; i < 2; i++) {
        struct art_datum datum;
        bool damaged = field_of(values[(draw * 7 + i * (draw >> 3)) % count], column, &datum);
        if (!damaged && datum.kind == ART_DATUM_INTEGER && draw >> i & 1)
            bound[i] = (int64_t)((uint64_t)datum.integer + draw % 3 - 1);
    }
    bool turned = bound[0] > bound[1];
    return (struct art_column_test){
        .null = draw & 4, .low = bound[turned], .high = bound[!turned], .outside = draw & 8, .wants = wants};
}

static const char *wrong_choice(const struct art_bytes *values, uint32_t count, struct art_bytes block, unsigned column,
                                unsigned draw) {
    uint8_t *space, *room = at_end(&space, ART_VALUE_INLINE_MAX);
    struct art_column_test test = test_of(values, count, column, draw);
    struct art_row_set before = art_row_set_below(count), rows;
    const char *is_wrong = NULL;
    test.context = &test;
    test.singly = draw & 32;
    for (uint32_t row = draw % 5; row < count && draw & 16; row += 1 + draw % 3) art_row_set_remove(&before, row);
    rows = before;
    art_block_choose(block, column, &test, room, &rows);
    for (uint32_t row = 0; row < ART_BLOCK_ROWS_MAX && !is_wrong; row++) {
        struct art_datum datum;
        bool wanted = art_row_set_has(&before, row);
        if (wanted && !field_of(values[row], column, &datum))
            wanted = datum.kind == ART_DATUM_NULL ? test.null : wants(&test, &datum);
        if (art_row_set_has(&rows, row) != wanted)
            is_wrong = wrong("column %u: row %u is %schosen", column, row, wanted ? "not " : "");
    }
    free(space);
    return is_wrong;
}

static const char *wrong_values(const struct art_bytes *values, uint32_t count, struct art_bytes block) {
    uint8_t *space, *plain = at_end(&space, ART_BLOCK_PLAIN_MAX), *one = malloc(ART_VALUE_INLINE_MAX);
    uint32_t ends[ART_BLOCK_ROWS_MAX];
    const char *is_wrong = NULL;
    for (uint32_t part = 0; part < 4; part++) { /* all, and some in the middle */
        uint32_t from = part * count / 9, to = count - part * count / 7, at = 0;
        art_columns_codec.values(block, from, to, plain, ends);
        for (uint32_t i = 0; i < to - from && !is_wrong; at = ends[i++]) {
            if (ends[i] < at || !art_bytes_equal(values[from + i], art_bytes(plain + at, ends[i] - at)))
                is_wrong = wrong("value %u is another one among %u to %u", from + i, from, to);
        }
    }
    for (uint32_t row = 0; row < count && !is_wrong; row++) {
        uint32_t n = art_columns_codec.value(block, row, one);
        if (!art_bytes_equal(values[row], art_bytes(one, n))) is_wrong = wrong("value %u is another one", row);
    }
    free(space);
    free(one);
    return is_wrong;
}

const char *block_wrong(const struct art_bytes *values, uint32_t count, uint8_t *block, uint32_t *bytes) {
    static uint8_t made[2 * ART_BLOCK_PLAIN_MAX + 16];
    unsigned columns = BEYOND;
    uint32_t n = art_columns_codec.encode(values, count, made, sizeof made);
    if (!n) return wrong("%u values do not fit in twice their bytes", count);
    uint8_t *space, *copy = at_end(&space, n);
    memset(copy, 0xaa, n);
    const char *is_wrong = NULL;
    if (art_columns_codec.encode(values, count, copy, n) != n) is_wrong = "a block needs more space than it has bytes";
    if (!is_wrong && memcmp(copy, made, n) != 0) is_wrong = "the same values make two blocks";
    for (uint32_t less = 1; less <= n && !is_wrong; less += 1 + less / 3) {
        uint8_t *small_space, *small = at_end(&small_space, n - less);
        if (art_columns_codec.encode(values, count, small, n - less)) is_wrong = "a block in less space than it needs";
        free(small_space);
    }
    if (is_wrong) goto done;
    struct art_bytes is = art_bytes(copy, n);
    is_wrong = art_columns_codec.insane(is, count);
    if (is_wrong) goto done;
    if (count < ART_BLOCK_ROWS_MAX && !art_columns_codec.insane(is, count + 1)) is_wrong = "one row more is sane";
    columns += copy[1] & 0x7f;
    if (!is_wrong) is_wrong = wrong_values(values, count, is);
    for (uint32_t row = 0; row < count && !is_wrong; row++) is_wrong = wrong_fields(values, is, row, columns);
    if (!is_wrong) is_wrong = wrong_reader(values, count, is, columns);
    for (unsigned i = 0; i < columns && !is_wrong; i++) {
        unsigned from = (i * 37 + n) % count;
        is_wrong = wrong_column(values, is, i, 0, count);
        if (!is_wrong) is_wrong = wrong_column(values, is, i, from, from + (n + i) % (count - from) + 1);
        if (!is_wrong) is_wrong = wrong_column(values, is, i, from, from);
        for (unsigned draw = 0; draw < 8 && !is_wrong; draw++)
            is_wrong = wrong_choice(values, count, is, i, n * 31 + i * 5 + draw * 13);
    }
    if (block) memcpy(block, copy, n);
    if (bytes) *bytes = n;
done:
    free(space);
    return is_wrong;
}

/* --- damaged ones ------------------------------------------------------------------------------------------------- */

/* A text lies in the block or in the room. */
static const char *look_at(const struct art_datum *datum, struct art_bytes block, struct art_bytes room) {
    if (datum->kind > ART_DATUM_BEYOND) return "a datum without a kind";
    if (datum->kind != ART_DATUM_TEXT && datum->kind != ART_DATUM_BLOB) return NULL;
    const uint8_t *from = datum->bytes.data, *end = from + datum->bytes.len;
    if (datum->bytes.len > ART_VALUE_INLINE_MAX) return "a text of more bytes than a value";
    if (from >= block.data && end <= block.data + block.len) return NULL;
    return from >= room.data && end <= room.data + room.len ? NULL : "a text that lies nowhere";
}

const char *block_damaged(struct art_bytes given, uint32_t count, const char **insane) {
    uint8_t *block_space, *plain_space, *one_space;
    uint8_t *copy = at_end(&block_space, given.len), *plain = at_end(&plain_space, ART_BLOCK_PLAIN_MAX),
            *one = at_end(&one_space, ART_VALUE_INLINE_MAX);
    struct art_bytes block = art_bytes(copy, given.len);
    static struct art_datum all[ART_BLOCK_ROWS_MAX];
    uint32_t ends[ART_BLOCK_ROWS_MAX], at = 0;
    const char *is_wrong = NULL;
    if (given.len) memcpy(copy, given.data, given.len);
    *insane = art_columns_codec.insane(block, count);
    if (*insane) goto done;
    art_columns_codec.values(block, 0, count, plain, ends);
    for (uint32_t row = 0; row < count && !is_wrong; at = ends[row++]) {
        if (ends[row] < at || ends[row] > ART_BLOCK_PLAIN_MAX) is_wrong = "values end anywhere";
        if (art_columns_codec.value(block, row, one) > ART_VALUE_INLINE_MAX) is_wrong = "a value of too many bytes";
    }
    unsigned columns = 1 + (copy[1] & 0x7f);
    struct art_block_reader *reader = art_block_reader_new();
    art_block_reader_begin(reader, block);
    for (unsigned i = 0; i < columns && !is_wrong; i++) {
        for (uint32_t row = 0; row < 2 * count && !is_wrong; row++) {
            enum art_rc rc = row < count ? art_block_field(block, row, i, one, all)
                                         : art_block_reader_field(reader, row - count, i, one, all);
            if (rc && rc != ART_CORRUPT) is_wrong = "another error";
            if (!rc) is_wrong = look_at(all, block, art_bytes(one, ART_VALUE_INLINE_MAX));
        }
        art_block_column(block, i, 0, count, plain, all);
        for (uint32_t row = 0; row < count && !is_wrong; row++)
            is_wrong = look_at(&all[row], block, art_bytes(plain, ART_BLOCK_PLAIN_MAX));
        struct art_row_set rows = art_row_set_below(count);
        struct art_column_test test = {.null = i & 1, .low = -5, .high = 500, .outside = i & 2, .wants = wants};
        test.context = &test;
        art_block_choose(block, i, &test, one, &rows);
    }
    art_block_reader_free(reader);
done:
    free(block_space);
    free(plain_space);
    free(one_space);
    return is_wrong;
}
