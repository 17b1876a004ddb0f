/* Blocks (ext/columns), linked in: what random records go into a block comes back, value, field and column, as a reader
 * of the records themselves gives it; typical columns take the bytes that block_format.h speaks of; and whatever the
 * bytes of a block are, it is refused, or read without a look outside. Under AddressSanitizer that shows.
 */
#define SQLITE_CORE 1
#include "ext/base/base.h"
#include "ext/columns/cells.h"

#include "tests/support/blocks.h"
#include "tests/support/suite.h"

enum { COLUMNS_MAX = 70, BODY_MAX = 4096 };

static struct random chance;

static uint32_t below(uint32_t limit) {
    return random_below(&chance, limit);
}

static bool once_in(uint32_t times) {
    return below(times) == 0;
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static uint8_t plain[ART_BLOCK_PLAIN_MAX];
static struct art_bytes values[ART_BLOCK_ROWS_MAX];
static uint32_t count, used;

static void clear(void) {
    count = used = 0;
}

static bool has_room(uint32_t n) {
    return count < ART_BLOCK_ROWS_MAX && n <= ART_VALUE_INLINE_MAX && n <= sizeof plain - used;
}

static void add_value(const uint8_t *bytes, uint32_t n) {
    if (!has_room(n)) return;
    if (n) memcpy(plain + used, bytes, n);
    values[count++] = art_bytes(plain + used, n);
    used += n;
}

static void check(void) {
    const char *wrong = count ? block_wrong(values, count, NULL, NULL) : NULL;
    ck_assert_msg(!wrong, "%s", wrong);
}

/* A row, written field by field. */
static uint8_t types[300], bodies[2 * BODY_MAX];
static uint32_t types_used, bodies_used;

static void begin_row(void) {
    types_used = bodies_used = 0;
}

static void add_type(uint32_t serial) {
    if (serial >= 0x4000) types[types_used++] = (uint8_t)(0x80 | serial >> 14);
    if (serial >= 0x80) types[types_used++] = (uint8_t)(0x80 | (serial >> 7 & 0x7f));
    types[types_used++] = serial & 0x7f;
}

static void add_field(uint32_t serial, const void *body, uint32_t n) {
    if (bodies_used + n > BODY_MAX) serial = n = 0;
    add_type(serial);
    if (n) memcpy(bodies + bodies_used, body, n);
    bodies_used += n;
}

static void add_null(void) {
    add_field(0, NULL, 0);
}

/* In as many bytes as this serial type has. */
static void add_integer_of(int64_t x, uint32_t serial) {
    static const uint8_t bytes_of[] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0};
    uint8_t body[8];
    art_store64_be(body, (uint64_t)x);
    add_field(serial, body + 8 - bytes_of[serial], bytes_of[serial]);
}

static void add_integer(int64_t x) {
    uint32_t serial = 8 + (x & 1);
    if (x != 0 && x != 1) {
        static const int bits[] = {0, 7, 15, 23, 31, 47, 63};
        for (serial = 1; serial < 6 && (x >= (int64_t)1 << bits[serial] || x < -((int64_t)1 << bits[serial]));)
            serial++;
    }
    add_integer_of(x, serial);
}

static void add_text(const char *text, uint32_t n) {
    add_field(13 + 2 * n, text, n);
}

static void add_real(double real) {
    int64_t bits;
    memcpy(&bits, &real, sizeof bits);
    add_integer_of(bits, 7);
}

/* As the extension writes a record: without NULLs at its end. */
static void end_row(void) {
    static uint8_t record[sizeof types + sizeof bodies + 3];
    while (types_used && types[types_used - 1] == 0) types_used--;
    uint32_t header = types_used + 1, n = 0;
    if (header >= 0x80) record[n++] = (uint8_t)(0x80 | ++header >> 7);
    record[n++] = header & 0x7f;
    memcpy(record + n, types, types_used);
    memcpy(record + n + types_used, bodies, bodies_used);
    add_value(record, types_used ? n + types_used + bodies_used : 0);
}

/* --- random columns ----------------------------------------------------------------------------------------------- */

enum {
    CONSTANT,
    SMALL,
    NUMBERS,
    OUTLIERS,
    EXTREMES,
    FEW,
    HEX,
    NEARLY_HEX,
    TEXTS_OF_ONE_LENGTH,
    TEXT_OF_ANY,
    LONG,
    BLOB,
    REAL,
    INTEGRAL,
    UNCOMMON,
    ONLY_NULL,
    MIXED,
    PROFILES
};

struct profile {
    uint32_t kind, nulls, strange, n; /* once in so many; 0: never */
    int64_t base;
    uint32_t bits;
    bool upper;
};

static struct profile any_profile(void) {
    TEXTS(some, "0", "3", "20", "64");
    return (struct profile){.kind = below(PROFILES),
                            .nulls = once_in(2) ? 0 : (uint32_t)atoi(some[below(4)]),
                            .strange = once_in(2) ? 0 : (uint32_t)atoi(some[below(4)]),
                            .n = below(once_in(3) ? 60 : 20),
                            .base = (int64_t)random_next(&chance) >> below(64),
                            .bits = below(65),
                            .upper = once_in(2)};
}

static void add_random_bytes(uint32_t n, bool text) {
    static uint8_t bytes[BODY_MAX];
    for (uint32_t i = 0; i < n; i++) bytes[i] = (uint8_t)(once_in(9) ? below(256) : 'a' + below(5));
    add_field(12 + 2 * n + text, bytes, n);
}

static void add_digits(uint32_t n, bool upper) {
    char text[2 * BODY_MAX];
    for (uint32_t i = 0; i < n; i++) text[i] = (upper ? "0123456789ABCDEF" : "0123456789abcdef")[below(16)];
    add_text(text, n);
}

static uint64_t low_bits(uint32_t bits) {
    return bits ? random_next(&chance) >> (64 - bits) : 0;
}

static void add_cell(const struct profile *profile) {
    static const int64_t ends[] = {INT64_MIN,
                                   INT64_MAX,
                                   0,
                                   1,
                                   -1,
                                   127,
                                   128,
                                   -128,
                                   -129,
                                   32767,
                                   32768,
                                   INT32_MIN,
                                   (int64_t)1 << 47,
                                   ((int64_t)1 << 47) - 1,
                                   -((int64_t)1 << 47),
                                   255,
                                   256};
    static const double reals[] = {0.0, -0.0, 1.0, 2.5, 1e300, -7.0, 9007199254740993.0, -1e-300};
    struct profile other = any_profile();
    if (profile->nulls && once_in(profile->nulls)) {
        add_null();
        return;
    }
    if (profile->strange && once_in(profile->strange)) {
        other.nulls = other.strange = 0;
        profile = &other;
    }
    uint64_t above = (uint64_t)profile->base;
    switch (profile->kind) {
    case CONSTANT:
        add_integer(profile->base);
        return;
    case SMALL:
        add_integer((int64_t)low_bits(profile->bits % 9));
        return;
    case NUMBERS:
        add_integer((int64_t)(above + low_bits(profile->bits)));
        return;
    case OUTLIERS:
        add_integer((int64_t)(above + low_bits(once_in(20) ? profile->bits : profile->bits / 4)));
        return;
    case EXTREMES:
        add_integer(ends[below(LENGTH(ends))]);
        return;
    case FEW: {
        uint32_t which = below(profile->n + 1);
        char text[100];
        int n = snprintf(text, sizeof text, "%u of the texts that come again%s", which,
                         profile->upper ? " and are long" : "");
        if (which % 7 == 1) {
            add_integer(which * 1000);
        } else {
            add_text(text, (uint32_t)n - (which & 1) * (uint32_t)(n - 2));
        }
        return;
    }
    case HEX:
        add_digits(2 * (profile->bits & 1 ? profile->n : below(profile->n + 1)), profile->upper);
        return;
    case NEARLY_HEX:
        add_digits(once_in(10) ? below(70) : 32, once_in(10) ? !profile->upper : profile->upper);
        return;
    case TEXTS_OF_ONE_LENGTH:
        add_random_bytes(profile->n, true);
        return;
    case LONG:
        add_random_bytes(below(once_in(9) ? 3000 : 200), once_in(2));
        return;
    case TEXT_OF_ANY:
    case BLOB:
        add_random_bytes(below(profile->n + 2), profile->kind != BLOB);
        return;
    case REAL:
        add_integer_of((int64_t)random_next(&chance), 7);
        return;
    case INTEGRAL:
        add_real(once_in(9) ? reals[below(LENGTH(reals))] : (double)below(1000));
        return;
    case UNCOMMON: /* in more bytes than it needs */
        add_integer_of((int64_t)below(100), 1 + below(6));
        return;
    case ONLY_NULL:
        add_null();
        return;
    default:
        other.kind = below(MIXED);
        other.nulls = other.strange = 0;
        add_cell(&other);
    }
}

/* What is no record as the extension writes it, or none at all. */
static void add_strange_row(void) {
    uint8_t bytes[200];
    uint32_t n = below(once_in(3) ? 40 : 8);
    struct art_bytes before = count ? values[count - 1] : art_bytes("", 0);
    for (uint32_t i = 0; i < n; i++) bytes[i] = (uint8_t)(once_in(2) ? below(16) : below(256));
    if (once_in(2) && before.len > 1 && before.len + n <= sizeof bytes) { /* cut off, or longer, or changed */
        uint32_t kept = once_in(2) ? before.len : below(before.len);
        memmove(bytes + kept, bytes, n);
        memcpy(bytes, before.data, kept);
        n = once_in(3) ? kept : kept + n;
        if (once_in(3) && n) bytes[below(art_min32(n, 8))] = (uint8_t)below(256);
    }
    add_value(bytes, n);
}

static void add_rows(void) {
    struct profile profile[COLUMNS_MAX];
    uint32_t columns = once_in(8) ? below(COLUMNS_MAX) : below(8), rows = once_in(3) ? 128 : 1 + below(128);
    uint32_t short_rows = once_in(3) ? 1 + below(20) : 0, strange = once_in(3) ? 1 + below(20) : 0;
    clear();
    for (uint32_t i = 0; i < columns; i++) profile[i] = any_profile();
    for (uint32_t row = 0; row < rows; row++) {
        uint32_t n = short_rows && once_in(short_rows) ? below(columns + 1) : columns;
        if (strange && once_in(strange)) {
            add_strange_row();
            continue;
        }
        begin_row();
        for (uint32_t i = 0; i < n; i++) add_cell(&profile[i]);
        end_row();
    }
}

/* --- what comes back ---------------------------------------------------------------------------------------------- */

CASE("exact", .seconds = SUITE_FOREVER)

TEST(test_random_records_come_back) {
    chance = random_announced(__func__);
    for (unsigned i = 0; i < random_rounds(3000); i++) {
        if (!random_span(&chance)) continue;
        add_rows();
        check();
    }
}

TEST(test_random_bytes_come_back) {
    chance = random_announced(__func__);
    for (unsigned i = 0; i < random_rounds(1000); i++) {
        if (!random_span(&chance)) continue;
        clear();
        for (uint32_t row = 1 + below(128); row; row--) add_strange_row();
        check();
    }
}

TEST(test_the_longest_values_come_back) {
    static uint8_t bytes[ART_VALUE_INLINE_MAX];
    clear();
    for (uint32_t i = 0; i < 4; i++) {
        begin_row();
        bytes[i] = 'x';
        add_field(13 + 2 * (BODY_MAX - 4), bytes, BODY_MAX - 4); /* a header of three bytes */
        end_row();
        if (i == 1) add_value(bytes, sizeof bytes); /* 4,096 bytes that are no record */
    }
    ck_assert_uint_eq(count, 4);
    check();
    clear();
    for (uint32_t i = 0; i < 4; i++) { /* records of 4,096 bytes */
        begin_row();
        bytes[i] = 'y';
        add_field(13 + 2 * (BODY_MAX - 3), bytes, BODY_MAX - 3);
        end_row();
    }
    ck_assert_uint_eq(used, ART_BLOCK_PLAIN_MAX);
    check();
    clear();
    for (uint32_t i = 0; i < 4; i++) add_value(bytes, sizeof bytes);
    ck_assert_uint_eq(used, ART_BLOCK_PLAIN_MAX);
    check();
}

TEST(test_texts_with_nuls_and_of_nothing_come_back) {
    clear();
    for (uint32_t i = 0; i < 100; i++) {
        begin_row();
        add_text("a\0b\0", i % 5);
        add_text("\0\0\0\0\0\0\0\0\0\0", i % 11);
        add_field(12, NULL, 0);
        add_text(i % 2 ? "12345678abcdefgh" : "12345678\0\0\0\0\0\0\0", 16);
        end_row();
        if (i % 10 == 0) add_value(NULL, 0);
    }
    check();
}

/* Whatever numbers the entries of another column have. */
TEST(test_rows_that_are_no_records_have_no_share_in_few_values) {
    clear();
    for (uint32_t i = 0; i < 120; i++) {
        char text[20];
        if (i % 7 == 3) {
            add_value((const uint8_t *)"\xff no record", 12);
            continue;
        }
        begin_row();
        add_text(text, (uint32_t)snprintf(text, sizeof text, "one of forty: %u", i % 40));
        add_text(i % 3 ? "a text" : "another", i % 3 ? 6 : 7);
        end_row();
    }
    check();
}

/* Entries are compared by their ends first. */
TEST(test_long_texts_that_differ_in_the_middle_alone_come_back) {
    for (uint32_t length = 18; length < 60; length++) {
        char text[60];
        clear();
        for (uint32_t i = 0; i < 120; i++) {
            memset(text, '-', length);
            text[8 + i % 4 * (length - 17) / 3] = 'x';
            begin_row();
            add_text(text, length);
            end_row();
        }
        check();
    }
}

TEST(test_a_column_that_was_added_later_is_null_before) {
    static uint8_t room[ART_VALUE_INLINE_MAX];
    clear();
    for (int i = 0; i < 64; i++) {
        begin_row();
        add_integer(i);
        if (i >= 40) add_text("later", 5);
        end_row();
    }
    uint8_t block[1000];
    uint32_t bytes = art_columns_codec.encode(values, count, block, sizeof block);
    struct art_datum datum;
    for (unsigned i = 0; i < 64; i++) {
        ck_assert_int_eq(art_block_field(art_bytes(block, bytes), i, 1, room, &datum), ART_OK);
        ck_assert_int_eq(datum.kind, i >= 40 ? ART_DATUM_TEXT : ART_DATUM_NULL);
    }
    check();
}

/* --- what it takes ------------------------------------------------------------------------------------------------ */

CASE("sizes", .seconds = 120)

static uint32_t bytes_of_block(void) {
    uint32_t bytes = 0;
    const char *wrong = block_wrong(values, count, NULL, &bytes);
    ck_assert_msg(!wrong, "%s", wrong);
    return bytes;
}

TEST(test_one_value_for_all_rows_is_there_once) {
    clear();
    for (int i = 0; i < 128; i++) {
        begin_row();
        add_text("root", 4);
        add_integer(0644);
        add_null();
        add_integer(1);
        end_row();
    }
    ck_assert_uint_le(bytes_of_block(), 30);
}

TEST(test_integers_take_the_bits_that_they_need_and_outliers_stand_apart) {
    chance = random_announced(__func__);
    clear();
    for (int i = 0; i < 128; i++) {
        begin_row();
        add_integer(1700000000 + (int64_t)below(256));
        add_integer(i % 40 == 7 ? (int64_t)1 << 40 : (int64_t)below(1024));
        end_row();
    }
    ck_assert_uint_le(bytes_of_block(), 128 + 160 + 20 + 40);
}

TEST(test_integers_of_all_sizes_take_eight_bytes) {
    chance = random_announced(__func__);
    clear();
    for (int i = 0; i < 128; i++) {
        begin_row();
        add_integer((int64_t)random_next(&chance));
        end_row();
    }
    ck_assert_uint_le(bytes_of_block(), 128 * 8 + 30);
}

TEST(test_two_integers_take_a_bit) {
    clear();
    for (int i = 0; i < 128; i++) {
        begin_row();
        add_integer(i % 2 ? 7 : 4);
        end_row();
    }
    ck_assert_uint_le(bytes_of_block(), 16 + 11);
}

TEST(test_integers_among_digits_stand_apart) {
    chance = random_announced(__func__);
    clear();
    for (int i = 0; i < 128; i++) {
        begin_row();
        if (i == 0 || i == 90)
            add_integer(i);
        else
            add_digits(32, false);
        end_row();
    }
    ck_assert_uint_le(bytes_of_block(), 126 * 16 + 60);
}

TEST(test_texts_among_integers_stand_apart) {
    chance = random_announced(__func__);
    clear();
    for (int i = 0; i < 128; i++) {
        begin_row();
        if (i == 40 || i == 90)
            add_text("none", 4);
        else
            add_integer((int64_t)below(1 << 20));
        end_row();
    }
    ck_assert_uint_le(bytes_of_block(), 128 * 20 / 8 + 40);
}

/* Or have numbers, as the integers have, where they are often the same. */
LOOP_TEST(test_the_same_text_among_few_integers_takes_bits, 2) {
    clear();
    for (int i = 0; i < 128; i++) {
        begin_row();
        if (i % 3 == 0 && (i < 64) == _i)
            add_text("not known", 9);
        else
            add_integer(i % 4);
        end_row();
    }
    ck_assert_uint_le(bytes_of_block(), 128 * 3 / 8 + 40);
}

TEST(test_records_of_many_columns_are_taken_apart) {
    chance = random_announced(__func__);
    enum { MIDDLE = ART_BLOCK_COLUMNS_MAX - 2 };
    clear();
    for (int i = 0; i < 128; i++) {
        begin_row();
        add_text(i % 2 ? "even" : "odd", i % 2 ? 4 : 3);
        for (int column = 1; column <= MIDDLE; column++) add_integer(column * i % 16);
        add_random_bytes(10, true);
        end_row();
    }
    ck_assert_uint_le(bytes_of_block(), 16 + MIDDLE + MIDDLE * (64 + 10) + 128 * 10 + 20);
}

TEST(test_few_texts_take_bits) {
    clear();
    for (int i = 0; i < 128; i++) {
        TEXTS(types_of_files, "text/plain", "text/html", "application/octet-stream");
        const char *text = types_of_files[i * i % 3];
        begin_row();
        add_text(text, (uint32_t)strlen(text));
        end_row();
    }
    ck_assert_uint_le(bytes_of_block(), 32 + 60);
}

LOOP_TEST(test_hexadecimal_digits_take_half_a_byte, 2) {
    chance = random_announced(__func__);
    clear();
    for (int i = 0; i < 128; i++) {
        begin_row();
        add_digits(32, _i);
        end_row();
    }
    ck_assert_uint_le(bytes_of_block(), 128 * 16 + 12);
    values[77] = art_bytes("\x02\x4b"
                           "0123456789ABCDEF0123456789abcdef",
                           34); /* no sound record: what is left is */
    values[78] = art_bytes("\x02\x4d"
                           "0123456789ABCDEF0123456789abcdef",
                           34);
    ck_assert_uint_le(bytes_of_block(), 128 * 16 + 130);
}

TEST(test_nulls_take_a_bit_at_most) {
    clear();
    for (int i = 0; i < 128; i++) {
        begin_row();
        add_integer(1);
        if (i % 2) add_integer_of(i * 12345678, 4);
        end_row();
    }
    ck_assert_uint_le(bytes_of_block(), 16 + 64 * 4 + 20);
}

/* --- damage ------------------------------------------------------------------------------------------------------- */

CASE("damage", .seconds = SUITE_FOREVER)

static uint32_t refused, read_anyway;

static void damaged(struct art_bytes block, uint32_t rows) {
    const char *insane, *wrong = block_damaged(block, rows, &insane);
    ck_assert_msg(!wrong, "%s", wrong);
    if (insane) refused++;
    if (!insane) read_anyway++;
}

TEST(test_blocks_that_nobody_makes_are_refused) {
    static const uint8_t half_type[] = {2, 1, 9, 0, ART_COLUMN_ENTRIES, 2, 1, 8, 0x80},
                         no_entry[] = {2, 1, 8, 0, ART_COLUMN_ENTRIES, 2, 1, 8},
                         half_apart[] = {2, 1, 10, 0, ART_COLUMN_ENTRIES | ART_COLUMN_HAS_APART, 1, 8, 1, 0, 0x80},
                         no_type[] = {2, 1, 9, 0, ART_COLUMN_ENTRIES, 2, 1, 8, ART_SERIAL_NONE}, empty[8] = {0},
                         many[8] = {ART_BLOCK_ROWS_MAX + 1};
    const struct art_bytes blocks[] = {art_bytes(half_type, sizeof half_type),   art_bytes(no_entry, sizeof no_entry),
                                       art_bytes(half_apart, sizeof half_apart), art_bytes(no_type, sizeof no_type),
                                       art_bytes(empty, sizeof empty),           art_bytes(many, sizeof many)};
    for (int i = 0; i < LENGTH(blocks); i++) {
        uint8_t *copy = malloc(blocks[i].len); /* what lies behind it is watched */
        memcpy(copy, blocks[i].data, blocks[i].len);
        ck_assert_ptr_nonnull(art_columns_codec.insane(art_bytes(copy, blocks[i].len), copy[0]));
        free(copy);
    }
}

/* By each of the readers. */
TEST(test_a_code_that_is_too_large_gives_the_last_entry) {
    static uint8_t room[ART_VALUE_INLINE_MAX], all[ART_BLOCK_PLAIN_MAX];
    enum { WIDTH = 2, ROWS = 64 };
    uint8_t block[200];
    uint32_t ends[ART_BLOCK_ROWS_MAX];
    clear();
    for (uint32_t i = 0; i < ROWS; i++) {
        begin_row();
        add_text(&"abcdef"[i % 3], 3);
        end_row();
    }
    struct art_bytes made = art_bytes(block, art_columns_codec.encode(values, count, block, sizeof block));
    ck_assert_uint_eq(block[4], ART_COLUMN_ENTRIES);
    memset(block + 6, 0xff, ROWS * WIDTH / 8);
    ck_assert_ptr_null(art_columns_codec.insane(made, ROWS));
    art_columns_codec.values(made, 0, ROWS, all, ends);
    for (uint32_t i = 0; i < ROWS; i++) {
        uint32_t from = i ? ends[i - 1] : 0, n = art_columns_codec.value(made, i, room);
        ck_assert(art_bytes_equal(art_bytes(room, n), values[2]));
        ck_assert(art_bytes_equal(art_bytes(all + from, ends[i] - from), values[2]));
    }
}

TEST(test_whatever_a_byte_is_nothing_outside_is_read) {
    static uint8_t block[2 * ART_BLOCK_PLAIN_MAX];
    static const uint8_t changes[] = {1, 0x80, 0xff, 7, 0x18};
    chance = random_announced(__func__);
    for (unsigned i = 0; i < 5 + random_rounds(25); i++) {
        if (!random_span(&chance)) continue;
        uint32_t bytes, step = random_stride();
        do {
            add_rows();
        } while (!count || used > 1500);
        const char *wrong = block_wrong(values, count, block, &bytes);
        ck_assert_msg(!wrong, "%s", wrong);
        for (uint32_t at = below(step); at < bytes; at += step) {
            uint8_t was = block[at];
            block[at] ^= once_in(3) ? (uint8_t)(1 + below(255)) : changes[below(LENGTH(changes))];
            damaged(art_bytes(block, bytes), count);
            block[at] = was;
        }
        for (uint32_t less = 0; less < bytes; less += 1 + below(step + bytes / 50))
            damaged(art_bytes(block, less), count);
    }
    ck_assert_uint_gt(refused, 0);
    ck_assert_uint_gt(read_anyway, 0);
}

TEST(test_many_changes_at_once_are_no_worse) {
    static uint8_t block[2 * ART_BLOCK_PLAIN_MAX], changed[2 * ART_BLOCK_PLAIN_MAX];
    chance = random_announced(__func__);
    for (unsigned i = 0; i < random_rounds(300); i++) {
        if (!random_span(&chance)) continue;
        uint32_t bytes;
        do {
            add_rows();
        } while (!count);
        const char *wrong = block_wrong(values, count, block, &bytes);
        ck_assert_msg(!wrong, "%s", wrong);
        for (int turn = 0; turn < 20; turn++) {
            memcpy(changed, block, bytes);
            for (uint32_t n = 1 + below(6); n; n--)
                changed[2 + below(once_in(2) ? bytes - 2 : art_min32(60, bytes - 2))] = (uint8_t)below(256);
            damaged(art_bytes(changed, bytes), count);
        }
    }
    ck_assert_uint_gt(read_anyway, 0);
}

SUITE("columns")
