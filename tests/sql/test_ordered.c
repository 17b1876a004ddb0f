/* Values as bytes that sort as the values do (ext/base/ordered.c), against SQLite's order: one value, and several
 * behind each other, ascending and descending; read back; and bytes of no value.
 */
#include <math.h>

#include "ext/base/ordered.h"
#include "tests/support/suite.h"

enum { VALUES = 4, ROUNDS = 80000, BYTES_MAX = 24 };

struct value {
    struct art_datum datum;
    uint8_t bytes[BYTES_MAX];
};

static int64_t draw_integer(struct random *random) {
    static const int64_t ends[] = {0,
                                   1,
                                   -1,
                                   255,
                                   256,
                                   -255,
                                   -256,
                                   65535,
                                   65536,
                                   INT64_MAX,
                                   INT64_MIN,
                                   (int64_t)1 << 53,
                                   ((int64_t)1 << 53) + 1,
                                   -((int64_t)1 << 53) - 1,
                                   1000000007};
    if (random_once_in(random, 3)) return ends[random_below(random, LENGTH(ends))];
    return (int64_t)(random_next(random) >> random_below(random, 64)) * (random_once_in(random, 2) ? 1 : -1);
}

static double draw_real(struct random *random) {
    static const double ends[] = {0.5,
                                  -0.5,
                                  1e-300,
                                  -1e-300,
                                  1e300,
                                  -1e300,
                                  ART_TWO_63,
                                  -ART_TWO_63,
                                  INFINITY,
                                  5e-324,
                                  0.1,
                                  -0.0,
                                  0.1,
                                  9007199254740993.0,
                                  4503599627370495.5,
                                  -4503599627370495.5,
                                  -INFINITY};
    if (random_once_in(random, 3)) return ends[random_below(random, LENGTH(ends))];
    if (random_once_in(random, 2)) return (double)draw_integer(random) / 8;
    double real;
    uint64_t bits = random_next(random);
    memcpy(&real, &bits, sizeof real);
    return real == real ? real : 0.25;
}

static void draw_value(struct random *random, struct value *out) {
    static const uint8_t few[] = {0, 0, 1, 'a', 'b', 0xff, 0xfe, 5, '/'};
    out->datum = (struct art_datum){.kind = (enum art_datum_kind)random_below(random, ART_DATUM_BEYOND)};
    uint32_t len = random_below(random, random_once_in(random, 2) ? 3 : BYTES_MAX);
    for (uint32_t i = 0; i < len; i++) out->bytes[i] = few[random_below(random, LENGTH(few))];
    if (out->datum.kind == ART_DATUM_INTEGER) out->datum.integer = draw_integer(random);
    if (out->datum.kind == ART_DATUM_REAL) out->datum.real = draw_real(random);
    if (out->datum.kind >= ART_DATUM_TEXT) out->datum.bytes = art_bytes(out->bytes, len);
}

/* Some of the values the same, so that later ones decide. */
static void draw_values(struct random *random, struct value *values, const struct value *like) {
    for (unsigned i = 0; i < VALUES; i++) {
        draw_value(random, &values[i]);
        if (!like || random_once_in(random, 3)) continue;
        values[i] = like[i];
        if (values[i].datum.kind >= ART_DATUM_TEXT) values[i].datum.bytes.data = values[i].bytes;
    }
}

static void encode(const struct value *values, unsigned count, unsigned descending, struct art_buffer *out) {
    out->len = 0;
    for (unsigned i = 0; i < count; i++) {
        ck_assert_int_eq(art_ordered_append(out, &values[i].datum, descending >> i & 1, false), ART_OK);
    }
    static const uint8_t end = 0x80; /* as keys have it */
    if (descending >> (count - 1) & 1) ck_assert_int_eq(art_buffer_append(out, &end, 1), ART_OK);
}

static int sign(int x) {
    return (x > 0) - (x < 0);
}

static int expected_order(const struct value *a, const struct value *b, unsigned count, unsigned descending) {
    for (unsigned i = 0; i < count; i++) {
        int c = sign(art_datum_compare(&a[i].datum, &b[i].datum));
        if (c) return descending >> i & 1 ? -c : c;
    }
    return 0;
}

TEST(test_bytes_are_in_the_order_of_values) {
    struct random random = random_announced_with("ordered", random_seed());
    struct value a[VALUES], b[VALUES];
    struct art_buffer of_a = {0}, of_b = {0};
    for (int round = 0; round < ROUNDS; round++) {
        if (!random_span(&random)) continue;
        unsigned count = 1 + random_below(&random, VALUES), descending = random_below(&random, 1u << VALUES);
        draw_values(&random, a, NULL);
        draw_values(&random, b, a);
        encode(a, count, descending, &of_a);
        encode(b, count, descending, &of_b);
        int c = sign(art_bytes_compare(art_buffer_bytes(&of_a), art_buffer_bytes(&of_b)));
        ck_assert_msg(c == expected_order(a, b, count, descending), "round %d", round);
    }
    art_buffer_clear(&of_a);
    art_buffer_clear(&of_b);
}

/* So that the bytes of a number are a prefix of the keys that have it, and of no other. */
TEST(test_no_number_is_the_beginning_of_another_one) {
    struct random random = {random_seed()};
    struct art_buffer of_a = {0}, of_b = {0};
    for (int round = 0; round < ROUNDS; round++) {
        if (!random_span(&random)) continue;
        struct art_datum a = {.kind = ART_DATUM_INTEGER, .integer = draw_integer(&random)},
                         b = {.kind = ART_DATUM_REAL};
        bool descending = random_once_in(&random, 2);
        b.real = random_once_in(&random, 2) ? (double)a.integer + 0.5 : draw_real(&random);
        of_a.len = of_b.len = 0;
        ck_assert(!art_ordered_append(&of_a, &a, descending, false) &&
                  !art_ordered_append(&of_b, &b, descending, false));
        bool begins = art_bytes_starts_with(art_buffer_bytes(&of_b), art_buffer_bytes(&of_a));
        ck_assert(begins == !art_datum_compare(&a, &b));
    }
    art_buffer_clear(&of_a);
    art_buffer_clear(&of_b);
}

/* What is read at once is what art_ordered_next() has read, and nearly everything is. NULL: it has read nothing. */
static void check_quick(struct art_bytes from, struct art_bytes left, bool descending, const struct art_datum *read) {
    uint8_t key[VALUES * 2 * (BYTES_MAX + 1) + 2 + ART_KEY_PADDING] = {0}, room[ART_ORDERED_ROOM];
    struct art_datum quick = {.kind = ART_DATUM_NULL};
    ck_assert(from.len + 1 + ART_KEY_PADDING <= sizeof key);
    if (from.len) memcpy(key, from.data, from.len);
    uint32_t bytes = art_ordered_quick(key, from.len, descending, &quick), taken = from.len - left.len;
    if (!bytes && descending) bytes = art_ordered_turned(key, from.len, room, &quick);
    bool text = read && read->kind == ART_DATUM_TEXT;
    if (text && read->bytes.len) text = !memchr(read->bytes.data, 0, read->bytes.len);
    if (text && descending) text = taken == read->bytes.len + 2 && left.len;
    ck_assert(!bytes == !(text || (read && read->kind == ART_DATUM_INTEGER && taken < 10)));
    ck_assert(!bytes || (bytes == taken && quick.kind == read->kind && !art_datum_compare(&quick, read)));
}

TEST(test_values_are_read_back) {
    struct random random = {random_seed()};
    struct value values[VALUES];
    struct art_buffer bytes = {0}, room = {0};
    for (int round = 0; round < ROUNDS / 4; round++) {
        if (!random_span(&random)) continue;
        unsigned descending = random_below(&random, 1u << VALUES);
        draw_values(&random, values, NULL);
        encode(values, VALUES, descending, &bytes);
        struct art_bytes left = art_buffer_bytes(&bytes);
        for (unsigned i = 0; i < VALUES; i++) {
            struct art_datum datum;
            bool open;
            struct art_bytes from = left;
            room.len = 0;
            ck_assert(art_ordered_next(&left, descending >> i & 1, &room, &datum, &open) && !open);
            check_quick(from, left, descending >> i & 1, &datum);
            ck_assert_msg(!art_datum_compare(&datum, &values[i].datum), "round %d, value %u", round, i);
        }
    }
    art_buffer_clear(&bytes);
    art_buffer_clear(&room);
}

/* A text that is cut is the rest; whatever the bytes are, nothing outside is read. */
TEST(test_any_bytes_may_be_read) {
    struct random random = {random_seed()};
    struct value values[VALUES];
    struct art_buffer bytes = {0}, room = {0};
    for (int round = 0; round < ROUNDS / 4; round++) {
        if (!random_span(&random)) continue;
        draw_values(&random, values, NULL);
        encode(values, VALUES, 0, &bytes);
        uint32_t len = random_below(&random, (uint32_t)bytes.len + 1);
        uint8_t *exact = malloc(len ? len : 1);
        if (len) memcpy(exact, bytes.data, len);
        if (len && random_once_in(&random, 2)) exact[random_below(&random, len)] = (uint8_t)random_next(&random);
        struct art_bytes left = art_bytes(exact, len);
        struct art_datum datum;
        bool open;
        room.len = 0;
        for (unsigned i = 0; i < VALUES; i++) {
            struct art_bytes from = left;
            bool descending = random_once_in(&random, 9);
            bool sound = art_ordered_next(&left, descending, &room, &datum, &open);
            check_quick(from, left, descending, sound ? &datum : NULL);
            if (!sound) break;
            ck_assert(datum.kind != ART_DATUM_REAL || datum.real == datum.real);
        }
        free(exact);
    }
    room.len = 0;
    struct art_datum cut;
    struct art_bytes rest = art_bytes("\x30"
                                      "a/b",
                                      4);
    bool open;
    ck_assert(art_ordered_next(&rest, false, &room, &cut, &open) && open && !rest.len);
    ck_assert(cut.kind == ART_DATUM_TEXT && art_bytes_equal(cut.bytes, art_bytes("a/b", 3)));
    art_buffer_clear(&bytes);
    art_buffer_clear(&room);
}

TEST(test_numbers_that_are_none_are_refused) {
    struct art_buffer room = {0};
    EACH(bytes, "\x22\x01", "\x1e\xff", "\x21\x01", "\x2f\x43\xe0", "\x2a\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01",
         "\x29\x7f\xff\xff\xff\xff\xff\xff\xff\xfe", "\x17\x80\x01\x01\x01\x01\x01\x01\x01\x01",
         "\x2f\x7f\xf8\x01\x01\x01\x01\x01\x01", "\x21\x01\x7f\xf8\x01\x01\x01\x01\x01\x01") {
        size_t len = strlen(bytes);
        char *exact = malloc(len);
        memcpy(exact, bytes, len);
        struct art_bytes left = art_bytes(exact, (uint32_t)len);
        struct art_datum datum;
        bool open = true;
        ck_assert_msg(!art_ordered_next(&left, false, &room, &datum, &open) && !open, "%02x", (unsigned char)*bytes);
        free(exact);
    }
    static const uint8_t zeros[] = {0x2a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    struct art_bytes left = art_bytes(zeros, sizeof zeros);
    struct art_datum datum;
    bool open;
    ck_assert(!art_ordered_next(&left, false, &room, &datum, &open));
    art_buffer_clear(&room);
}

SUITE("ordered", .seconds = 60)
