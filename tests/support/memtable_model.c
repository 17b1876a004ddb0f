#include "tests/support/memtable_model.h"
#include "tests/support/of_core.h"

#include <stdio.h>
#include <string.h>

#include "core/base/error.h"

/* --- keys --------------------------------------------------------------------------------------------------------- */

const char *key_family_name(enum memtable_key_family family) {
    static const char *const names[] = {
#define MEMTABLE_KEY_FAMILY_NAME(name) #name,
        MEMTABLE_KEY_FAMILIES(MEMTABLE_KEY_FAMILY_NAME)
#undef MEMTABLE_KEY_FAMILY_NAME
    };
    return names[family];
}

static uint32_t make_dense(uint8_t *out, struct random *random) {
    static const uint8_t alphabet[] = {0, 1, 'a', 0xfe, 0xff};
    uint32_t len = random_below(random, 7);
    for (uint32_t i = 0; i < len; i++) out[i] = alphabet[random_below(random, sizeof alphabet)];
    return len;
}

static uint32_t make_directory(uint8_t *out, struct random *random) {
    static const char *const names[] = {"usr",     "lib",   "share",   "doc",
                                        "python3", "local", "include", "x86_64-linux-gnu"};
    uint32_t len = 0, levels = 1 + random_below(random, 6);
    for (uint32_t i = 0; i < levels; i++)
        len += (uint32_t)sprintf((char *)out + len, "/%s", names[random_below(random, 8)]);
    if (random_below(random, 4)) len += (uint32_t)sprintf((char *)out + len, "/file-%u", random_below(random, 500));
    return len;
}

static uint32_t make_object(uint8_t *out, struct random *random) {
    return (uint32_t)sprintf((char *)out, "bucket-%02u/path/sub/file-%06u.bin", random_below(random, 32),
                             random_below(random, 1000));
}

static uint32_t make_random(uint8_t *out, struct random *random) {
    uint32_t len = 1 + random_below(random, 40);
    for (uint32_t i = 0; i < len; i++) out[i] = (uint8_t)random_next(random);
    return len;
}

/* Some first bytes have few, some many second bytes. */
static uint32_t make_wide(uint8_t *out, struct random *random) {
    static const uint16_t widths[] = {3, 12, 40, 256};
    uint32_t which = random_below(random, 4);
    memcpy(out, "wide/", 5);
    out[5] = (uint8_t)('a' + which);
    out[6] = (uint8_t)(random_below(random, widths[which]) * (256 / widths[which]));
    out[7] = (uint8_t)random_below(random, 4);
    return 6 + random_below(random, 3);
}

/* Long runs of one byte, with a difference here and there. */
static uint32_t make_long(uint8_t *out, struct random *random) {
    memset(out, 'x', ART_KEY_MAX);
    for (uint32_t i = random_below(random, 4); i; i--)
        out[random_below(random, 16) * 4095] = (uint8_t)random_next(random);
    return random_once_in(random, 3) ? ART_KEY_MAX : random_below(random, ART_KEY_MAX + 1);
}

static uint32_t make_nested(uint8_t *out, struct random *random) {
    uint32_t len = random_below(random, 1500);
    memset(out, 'a', len);
    if (random_once_in(random, 4)) out[len++] = "\0b\xff"[random_below(random, 3)];
    return len;
}

static int compare_keys(const void *a, const void *b) {
    return art_bytes_compare(*(const struct art_bytes *)a, *(const struct art_bytes *)b);
}

static struct art_bytes copy_of(const uint8_t *data, uint32_t len) {
    uint8_t *copy = malloc(len ? len : 1); /* exactly: a sanitizer then sees every read past it */
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, data, len);
    return art_bytes(copy, len);
}

void key_set_make(struct key_set *set, enum memtable_key_family family, uint32_t wanted, struct random *random) {
    static uint32_t (*const makers[])(uint8_t *, struct random *) = {
        make_dense, make_directory, make_object, make_random, make_wide, make_long, make_nested,
    };
    static uint8_t key[ART_KEY_MAX + 16];
    set->keys = calloc(wanted, sizeof *set->keys);
    ck_assert_ptr_nonnull(set->keys);
    for (uint32_t i = 0; i < wanted; i++) set->keys[i] = copy_of(key, makers[family](key, random));
    qsort(set->keys, wanted, sizeof *set->keys, compare_keys);
    set->count = 0;
    for (uint32_t i = 0; i < wanted; i++) {
        if (set->count && art_bytes_equal(set->keys[set->count - 1], set->keys[i])) {
            free((void *)set->keys[i].data);
        } else {
            set->keys[set->count++] = set->keys[i];
        }
    }
}

void key_set_clear(struct key_set *set) {
    for (uint32_t i = 0; i < set->count; i++) free((void *)set->keys[i].data);
    free(set->keys);
    *set = (struct key_set){0};
}

uint32_t key_set_below(const struct key_set *set, struct art_bytes key) {
    uint32_t low = 0, high = set->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (art_bytes_compare(set->keys[middle], key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct art_bytes key_set_probe(const struct key_set *set, struct random *random) {
    static uint8_t probe[ART_KEY_MAX + 1];
    struct art_bytes key = set->keys[random_below(random, set->count)];
    uint32_t len = key.len;
    memcpy(probe, key.data, len);
    switch (random_below(random, 5)) {
    case 0:
        len = random_below(random, len + 1);
        break;
    case 1:
        probe[len++] = (uint8_t)random_next(random);
        break;
    case 2:
        if (len) probe[random_below(random, len)] += random_once_in(random, 2) ? 1 : 255;
        break;
    case 3:
        if (len) probe[random_below(random, len)] = (uint8_t)random_next(random);
        break;
    default:
        break;
    }
    return copy_of(probe, art_min32(len, ART_KEY_MAX));
}

/* --- model -------------------------------------------------------------------------------------------------------- */

void memtable_model_init(struct memtable_model *model, const struct key_set *set) {
    model->set = set;
    model->cells = calloc(set->count, sizeof *model->cells);
    ck_assert_ptr_nonnull(model->cells);
}

void memtable_model_copy(struct memtable_model *to, const struct memtable_model *from) {
    ck_assert_ptr_eq(to->set, from->set);
    memcpy(to->cells, from->cells, from->set->count * sizeof *from->cells);
}

void memtable_model_clear(struct memtable_model *model) {
    free(model->cells);
    *model = (struct memtable_model){0};
}

struct memtable_cell memtable_cell_random(struct random *random, uint64_t csn, uint32_t value_most) {
    struct memtable_cell cell = {
        .present = true,
        .flags = (uint8_t)(random_next(random) & (ART_DELETE | ART_SHADOWS_OLDER | ART_OVERFLOW)),
        .csn = csn,
        .value_number = (uint32_t)random_next(random),
        .value_len = random_below(random, value_most + 1),
    };
    if (cell.flags & ART_DELETE) cell.value_len = 0;
    return cell;
}

struct art_bytes memtable_value(const struct memtable_cell *cell) {
    static uint8_t bytes[1 << 20];
    HOLDS(cell->value_len <= sizeof bytes);
    uint64_t x = cell->value_number | 1ull << 40;
    for (uint32_t i = 0; i < cell->value_len; i++) bytes[i] = (uint8_t)((x = x * 0x5851f42d4c957f2du + 1) >> 56);
    return art_bytes(bytes, cell->value_len);
}

struct art_entry memtable_cell_entry(const struct memtable_cell *cell) {
    return (struct art_entry){.value = memtable_value(cell), .csn = cell->csn, .flags = cell->flags};
}

static void compare_entry(const struct memtable_cell *cell, const struct art_entry *entry) {
    HOLDS(cell->present);
    HOLDS(entry->flags == cell->flags);
    HOLDS(entry->csn == cell->csn);
    HOLDS(art_bytes_equal(entry->value, memtable_value(cell)));
}

/* The cursor stands where the model says: on key number `at`, or nowhere. */
static void compare_cursor(const struct memtable_model *model, const struct art_memtable_cursor *cursor, int64_t at) {
    bool outside = at < 0 || at >= model->set->count;
    HOLDS(cursor->valid == !outside);
    if (outside) return;
    HOLDS(art_bytes_equal(cursor->key, model->set->keys[at]));
    struct art_entry entry;
    art_memtable_cursor_entry(cursor, &entry);
    compare_entry(&model->cells[at], &entry);
}

/* The first present key at or behind number `at`; backward: the last one at or before it. */
static int64_t present_from(const struct memtable_model *model, int64_t at, bool backward) {
    while (at >= 0 && at < model->set->count && !model->cells[at].present) at += backward ? -1 : 1;
    return at;
}

/* To the next key, which shares with this one what the cursor says. */
static void take_step(struct art_memtable_cursor *cursor, bool backward) {
    struct art_bytes before = cursor->key;
    HOLDS((backward ? art_memtable_prev(cursor) : art_memtable_next(cursor)) == ART_OK);
    if (!cursor->valid) return;
    uint32_t least = art_min32(before.len, cursor->key.len);
    HOLDS(cursor->kept == art_common_prefix(before.data, cursor->key.data, least));
}

static void compare_order(const struct memtable_model *model, const struct art_memtable *memtable) {
    struct art_memtable_cursor cursor;
    art_memtable_cursor_init(&cursor, memtable);
    int64_t at = present_from(model, 0, false);
    HOLDS(art_memtable_first(&cursor) == ART_OK);
    for (;;) {
        compare_cursor(model, &cursor, at);
        if (!cursor.valid) break;
        take_step(&cursor, false);
        at = present_from(model, at + 1, false);
    }
    at = present_from(model, (int64_t)model->set->count - 1, true);
    HOLDS(art_memtable_last(&cursor) == ART_OK);
    for (;;) {
        compare_cursor(model, &cursor, at);
        if (!cursor.valid) break;
        take_step(&cursor, true);
        at = present_from(model, at - 1, true);
    }
    art_memtable_cursor_clear(&cursor);
}

static void compare_totals(const struct memtable_model *model, const struct art_memtable *memtable) {
    uint64_t keys = 0, bytes = 0;
    int64_t count = 0;
    for (uint32_t i = 0; i < model->set->count; i++) {
        const struct memtable_cell *cell = &model->cells[i];
        struct art_entry entry;
        int rc = art_memtable_get(memtable, model->set->keys[i], &entry);
        HOLDS(rc == (cell->present ? ART_OK : ART_NOTFOUND));
        if (rc) continue;
        compare_entry(cell, &entry);
        keys++;
        bytes += (uint64_t)model->set->keys[i].len + cell->value_len;
        count += art_entry_weight(cell->flags);
    }
    HOLDS(art_memtable_keys(memtable) == keys);
    HOLDS(art_memtable_bytes(memtable) == bytes);
    HOLDS(art_memtable_count(memtable) == count);
}

/* From where the cursor stands, number `at`: a few steps. */
static void compare_steps(const struct memtable_model *model, struct art_memtable_cursor *cursor, int64_t at,
                          struct random *random) {
    for (int steps = 0; steps < 5 && cursor->valid; steps++) {
        bool backward = random_once_in(random, 2);
        at = present_from(model, backward ? at - 1 : at + 1, backward);
        take_step(cursor, backward);
        compare_cursor(model, cursor, at);
    }
}

static void compare_probe(const struct memtable_model *model, const struct art_memtable *memtable,
                          struct random *random) {
    struct art_bytes key = key_set_probe(model->set, random);
    uint32_t below = key_set_below(model->set, key);
    bool known = below < model->set->count && art_bytes_equal(model->set->keys[below], key);
    struct art_entry entry;
    bool held = known && model->cells[below].present;
    HOLDS(art_memtable_get(memtable, key, &entry) == (held ? ART_OK : ART_NOTFOUND));

    int64_t rank = 0;
    for (uint32_t i = 0; i < below; i++) {
        if (model->cells[i].present) rank += art_entry_weight(model->cells[i].flags);
    }
    HOLDS(art_memtable_rank(memtable, key) == rank);

    struct art_memtable_cursor cursor;
    art_memtable_cursor_init(&cursor, memtable);
    HOLDS(art_memtable_seek_ge(&cursor, key) == ART_OK);
    int64_t at = present_from(model, below, false);
    compare_cursor(model, &cursor, at);
    if (cursor.valid) compare_steps(model, &cursor, at, random);
    HOLDS(art_memtable_seek_le(&cursor, key) == ART_OK);
    at = present_from(model, known ? (int64_t)below : (int64_t)below - 1, true);
    compare_cursor(model, &cursor, at);
    struct art_memtable_cursor moved = cursor; /* a cursor is a value: it may be moved */
    memset(&cursor, 0xee, sizeof cursor);
    if (moved.valid) compare_steps(model, &moved, at, random);
    art_memtable_cursor_clear(&moved);
    free((void *)key.data);
}

static int weight_of(const struct memtable_model *model, int64_t at) {
    return model->cells[at].present ? art_entry_weight(model->cells[at].flags) : 0;
}

/* Each row of a stretch in which no sum falls is found by its sum, whatever stands beside the stretch. */
static void compare_select(const struct memtable_model *model, const struct art_memtable *memtable,
                           struct random *random) {
    int64_t count = model->set->count, at = random_below(random, model->set->count), first = at, end = at;
    while (first > 0 && weight_of(model, first - 1) >= 0 && random_below(random, 20)) first--;
    while (end < count && weight_of(model, end) >= 0 && end - first < 60) end++;
    int64_t rank = 0;
    for (int64_t i = 0; i < first; i++) rank += weight_of(model, i);
    struct art_bytes low = model->set->keys[first], key, high = art_bytes("\xff\xff\xff\xff", 4);
    if (first && random_once_in(random, 2)) { /* a bound that is no key: what follows the key before */
        uint8_t *copy = malloc(model->set->keys[first - 1].len + 2);
        uint32_t n = model->set->keys[first - 1].len;
        if (n) memcpy(copy, model->set->keys[first - 1].data, n);
        copy[n] = 0;
        low = art_bytes(copy, n + 1);
    }
    if (end < count) high = model->set->keys[end];
    HOLDS(end == first || art_bytes_compare(low, model->set->keys[first]) <= 0);
    for (int64_t i = first; i < end && art_bytes_compare(model->set->keys[i], high) < 0; i++) {
        if (weight_of(model, i) != 1) continue;
        HOLDS(art_memtable_select(memtable, low, high, rank++, &key) == ART_OK);
        HOLDS(art_bytes_equal(key, model->set->keys[i]));
    }
    if (end < count || first == end) HOLDS(art_memtable_select(memtable, low, high, rank, &key) == ART_NOTFOUND);
    if (low.data != model->set->keys[first].data) free((void *)low.data);
}

void memtable_model_compare(const struct memtable_model *model, const struct art_memtable *memtable,
                            struct random *random, uint32_t probes) {
    int rc = art_memtable_check(memtable);
    ck_assert_msg(!rc, "%s", art_error_message());
    compare_totals(model, memtable);
    compare_order(model, memtable);
    for (uint32_t i = 0; i < probes; i++) {
        compare_probe(model, memtable, random);
        if (model->set->count) compare_select(model, memtable, random);
    }
}

void memtable_model_compare_newer(const struct memtable_model *model, struct art_memtable *memtable, uint64_t newest,
                                  struct random *random) {
    struct art_memtable_cursor cursor;
    uint32_t count = model->set->count, i;
    uint64_t newer_than = newest - art_min32(random_below(random, 4), (uint32_t)newest);
    bool backward = random_once_in(random, 2);
    art_memtable_cursor_init(&cursor, memtable);
    HOLDS(art_memtable_cursor_newer(&cursor, memtable, newer_than) == ART_OK);
    if (!count || random_once_in(random, 4)) {
        i = backward ? count - 1 : 0;
        HOLDS((backward ? art_memtable_last(&cursor) : art_memtable_first(&cursor)) == ART_OK);
    } else {
        i = random_below(random, count);
        struct art_bytes key = model->set->keys[i];
        HOLDS((backward ? art_memtable_seek_le(&cursor, key) : art_memtable_seek_ge(&cursor, key)) == ART_OK);
    }
    bool first = true; /* the key that is sought may be old */
    for (; i < count; i = backward ? i - 1 : i + 1) {
        const struct memtable_cell *cell = &model->cells[i];
        if (!cell->present) continue;
        bool same = cursor.valid && art_bytes_equal(cursor.key, model->set->keys[i]);
        HOLDS(same || (!newer_than || cell->csn <= newer_than));
        HOLDS(!same || first || !newer_than || cell->csn > newer_than);
        if (same) take_step(&cursor, backward);
        first = false;
    }
    HOLDS(!cursor.valid);
    art_memtable_cursor_clear(&cursor);
}

void memtables_equal(const struct art_memtable *a, const struct art_memtable *b) {
    struct art_memtable_cursor left, right;
    art_memtable_cursor_init(&left, a);
    art_memtable_cursor_init(&right, b);
    ck_assert_int_eq(art_memtable_first(&left), ART_OK);
    ck_assert_int_eq(art_memtable_first(&right), ART_OK);
    while (left.valid && right.valid) {
        struct art_entry one, other;
        HOLDS(art_bytes_equal(left.key, right.key));
        art_memtable_cursor_entry(&left, &one);
        art_memtable_cursor_entry(&right, &other);
        HOLDS(one.flags == other.flags);
        HOLDS(one.csn == other.csn);
        HOLDS(art_bytes_equal(one.value, other.value));
        HOLDS(art_memtable_next(&left) == ART_OK);
        HOLDS(art_memtable_next(&right) == ART_OK);
    }
    HOLDS(left.valid == right.valid);
    HOLDS(art_memtable_count(a) == art_memtable_count(b));
    HOLDS(art_memtable_bytes(a) == art_memtable_bytes(b));
    art_memtable_cursor_clear(&left);
    art_memtable_cursor_clear(&right);
    int rc = art_memtable_check(b);
    ck_assert_msg(!rc, "%s", art_error_message());
}
