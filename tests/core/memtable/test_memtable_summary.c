/* The memtable of a table with a summary, against an array: sums before any key, zones of all its parts, and the redo
 * that says what each row replaces.
 *
 * The writer keeps the rules of core/tree, as in test_memtable_redo.c: what lies below the memtable is fixed while it
 * lives, and an entry says of its key's row there that it shadows it and what that had in summed columns.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/memtable/memtable.h"
#include "tests/support/memtable_model.h"
#include "tests/support/must.h"
#include "tests/support/of_core.h"
#include "tests/support/short_memory.h"
#include "tests/support/suite.h"
#include "tests/support/toy_columns.h"

/* --- the array ---------------------------------------------------------------------------------------------------- */

enum {
    REFERENCE = 28,
    VALUE_MOST = REFERENCE + ART_SUMMARY_MAX * ART_DATUM_BYTES + 30,
    STORED_MOST = VALUE_MOST + ART_REPLACED_MAX,
    MARKS_MOST = 5
};

struct cell {
    bool present;
    uint8_t flags;
    uint64_t csn;
    uint32_t len;
    uint8_t stored[STORED_MOST];
    struct art_datum data[ART_SUMMARY_MAX]; /* NULLs where it puts no row */
};

struct round {
    struct art_summary summary;
    struct key_set set;
    struct art_memtable *memtable, *reader; /* the reader gets all rows of redo, and nothing else */
    struct cell *below;                     /* the row of each key in the sources below: `present`, or none */
    bool *chunk;                            /* keys that are no rows */
    struct cell *cells, *marks[MARKS_MOST];
    uint64_t positions[MARKS_MOST];
    int savepoint_count; /* the first is position 0 */
    uint64_t csn;        /* of the last row of redo */
    struct art_hash128 hash;
    struct random *random;
};

static struct cell *new_cells(const struct round *round) {
    struct cell *cells = calloc(round->set.count, sizeof *cells);
    ck_assert_ptr_nonnull(cells);
    return cells;
}

static void copy_cells(const struct round *round, struct cell *to, const struct cell *from) {
    memcpy(to, from, round->set.count * sizeof *from);
}

static struct art_entry entry_of(const struct cell *cell) {
    return (struct art_entry){.value = art_bytes(cell->stored, cell->len), .csn = cell->csn, .flags = cell->flags};
}

static struct art_memtable *open_memtable(const struct round *round) {
    struct art_memtable *memtable;
    must(art_memtable_open_summed(&memtable, &round->summary));
    return memtable;
}

static void begin(struct round *round) {
    round->savepoint_count = 1;
    round->positions[0] = 0;
    copy_cells(round, round->marks[0], round->cells);
}

/* A value, of a row or of no row, behind the `len` bytes that the cell has. */
static void random_value(struct round *round, struct cell *cell) {
    struct random *random = round->random;
    struct art_measures has = round->summary.has;
    if (cell->flags & ART_OVERFLOW) {
        memset(cell->stored + cell->len, 0xc5, REFERENCE);
        cell->len += REFERENCE;
    }
    for (unsigned i = 0; i < has.columns; i++) { /* in every other column integers and NULLs alone */
        do cell->data[i] = toy_random_datum(random, 2);
        while (i % 2 && cell->data[i].kind > ART_DATUM_INTEGER);
    }
    art_data_encode(has, cell->data, cell->stored + cell->len);
    cell->len += has.columns * (uint32_t)ART_DATUM_BYTES;
    if (!(cell->flags & ART_OVERFLOW)) cell->len += random_below(random, 30); /* more of the value */
    if (cell->flags & ART_CHUNK) memset(cell->data, 0, sizeof cell->data);
}

static struct cell random_cell(struct round *round, uint32_t at) {
    struct random *random = round->random;
    struct cell cell = {.present = true, .csn = round->csn + 1};
    const struct cell *below = &round->below[at];
    if (round->chunk[at]) cell.flags |= ART_CHUNK;
    if (random_once_in(random, 3)) cell.flags |= ART_DELETE;
    if (!cell.flags && random_once_in(random, 5)) cell.flags |= ART_OVERFLOW;
    if (below->present) {
        struct art_entry row = entry_of(below);
        cell.flags |= ART_SHADOWS_OLDER;
        cell.len = art_replaced_encode(&round->summary, &row, cell.stored);
        if (cell.len) cell.flags |= ART_REPLACED;
    }
    if (!(cell.flags & ART_DELETE)) random_value(round, &cell);
    return cell;
}

static void round_init(struct round *round, enum memtable_key_family family, uint32_t keys, struct random *random) {
    *round = (struct round){.random = random, .csn = 7};
    struct art_measures has = {.columns = (uint8_t)(1 + random_below(random, ART_SUMMARY_MAX))};
    has.sums = (uint8_t)random_below(random, has.columns + 1u);
    toy_columns_open(&round->summary, has);
    key_set_make(&round->set, family, keys, random);
    round->memtable = open_memtable(round);
    round->reader = open_memtable(round);
    round->below = new_cells(round);
    round->cells = new_cells(round);
    round->chunk = calloc(round->set.count, sizeof *round->chunk);
    for (int i = 0; i < MARKS_MOST; i++) round->marks[i] = new_cells(round);
    for (uint32_t i = 0; i < round->set.count; i++) {
        round->chunk[i] = random_once_in(random, 10);
        struct cell cell = random_cell(round, i);
        if (!(cell.flags & ART_DELETE) && random_once_in(random, 2)) round->below[i] = cell;
    }
    begin(round);
}

static void round_clear(struct round *round) {
    for (int i = 0; i < MARKS_MOST; i++) free(round->marks[i]);
    free(round->cells);
    free(round->below);
    free(round->chunk);
    art_memtable_unref(round->memtable);
    art_memtable_unref(round->reader);
    key_set_clear(&round->set);
}

/* --- sums --------------------------------------------------------------------------------------------------------- */

static const struct cell no_row;

/* The row of a key as the cells over the sources below show it. */
static const struct cell *live(const struct round *round, const struct cell *cells, uint32_t at) {
    if (!cells[at].present) return round->below[at].present ? &round->below[at] : &no_row;
    return cells[at].flags & ART_DELETE ? &no_row : &cells[at];
}

static int64_t integer_of(const struct cell *cell, unsigned column) {
    return cell->data[column].kind == ART_DATUM_INTEGER ? cell->data[column].integer : 0;
}

/* By how much the rows of all keys before number `end` have changed, from those under `before` (NULL: those below):
 * their sums, and how many there are. */
static int64_t changes(const struct round *round, const struct cell *before, uint32_t end, art_int128 *sum) {
    int64_t rows = 0;
    memset(sum, 0, ART_SUMMARY_MAX * sizeof *sum);
    for (uint32_t at = 0; at < end; at++) {
        const struct cell *below = round->below[at].present ? &round->below[at] : &no_row;
        const struct cell *now = live(round, round->cells, at), *then = before ? live(round, before, at) : below;
        rows += (int)now->present - (int)then->present;
        for (unsigned i = 0; i < round->summary.has.sums; i++) {
            sum[i] += integer_of(now, i) - (art_int128)integer_of(then, i);
        }
    }
    return rows;
}

static struct art_bytes behind_all(void) {
    static uint8_t bytes[ART_KEY_MAX + 1];
    memset(bytes, 0xff, sizeof bytes);
    return art_bytes(bytes, sizeof bytes);
}

/* Before a random key, and over all. */
static void compare_sums(const struct round *round, const struct art_memtable *memtable, const struct cell *before) {
    struct art_bytes probe = key_set_probe(&round->set, round->random);
    const struct art_bytes keys[] = {probe, behind_all()};
    for (int k = 0; k < 2; k++) {
        art_int128 expected[ART_SUMMARY_MAX], sum[ART_SUMMARY_MAX] = {0};
        int64_t rows = changes(round, before, key_set_below(&round->set, keys[k]), expected);
        HOLDS(art_memtable_rank(memtable, keys[k]) == rows);
        for (unsigned i = 0; i < round->summary.has.sums; i++) sum[i] = 12345;
        art_memtable_sums(memtable, keys[k], sum);
        for (unsigned i = 0; i < round->summary.has.sums; i++) HOLDS(sum[i] == expected[i] + 12345);
        for (unsigned i = round->summary.has.sums; i < ART_SUMMARY_MAX; i++) HOLDS(!sum[i]);
    }
    free((void *)probe.data);
}

/* --- zones -------------------------------------------------------------------------------------------------------- */

struct visit {
    const struct round *round;
    struct art_memtable *memtable;
    struct art_bytes low, high;
    bool exact;    /* nothing ever went: zones are as narrow as can be */
    uint8_t *seen; /* by number of the key */
    const struct visit *above;
    struct art_zone zones[ART_SUMMARY_MAX]; /* of the part whose parts these are */
    struct art_zone found[ART_SUMMARY_MAX]; /* of all rows in it that were visited */
};

static bool is_inside(const struct art_zone *zone, const struct art_datum *datum) {
    struct art_datum least = art_zone_end(zone, false), most = art_zone_end(zone, true);
    return art_datum_compare(&least, datum) <= 0 && art_datum_compare(datum, &most) <= 0 && zone->kinds;
}

static bool zones_equal(const struct art_zone *a, const struct art_zone *b) {
    return a->kinds == b->kinds && a->low.integer == b->low.integer && a->high.integer == b->high.integer;
}

static void visit_key(struct visit *visit, const struct art_memtable_part *part) {
    const struct round *round = visit->round;
    uint32_t at = key_set_below(&round->set, part->key);
    HOLDS(at < round->set.count && art_bytes_equal(round->set.keys[at], part->key));
    HOLDS(art_bytes_compare(part->key, visit->low) >= 0 && art_bytes_compare(part->key, visit->high) < 0);
    const struct cell *cell = &round->cells[at];
    HOLDS(cell->present && !(cell->flags & ART_DELETE));
    HOLDS(part->entry.flags == cell->flags && part->entry.csn == cell->csn);
    HOLDS(art_bytes_equal(part->entry.value, art_bytes(cell->stored, cell->len)));
    HOLDS(!visit->seen[at]++);
    for (unsigned i = 0; i < round->summary.has.columns; i++) {
        struct art_zone own = {0};
        if (!(cell->flags & ART_CHUNK)) art_zone_add_datum(&own, &cell->data[i]);
        HOLDS(zones_equal(&own, &part->zones[i]));
        art_zone_add(&visit->found[i], &own);
        if (cell->flags & ART_CHUNK) continue;
        for (const struct visit *above = visit; above->above; above = above->above) {
            HOLDS(is_inside(&above->zones[i], &cell->data[i]));
        }
    }
}

static enum art_rc visit_part(void *context, const struct art_memtable_part *part) {
    struct visit *visit = context, inner = *visit;
    unsigned columns = visit->round->summary.has.columns;
    if (part->is_key) {
        visit_key(visit, part);
        return ART_OK;
    }
    inner.above = visit;
    memset(inner.found, 0, sizeof inner.found);
    memcpy(inner.zones, part->zones, columns * sizeof *inner.zones);
    must(art_memtable_visit(visit->memtable, part->link, visit->low.len % columns, visit->high.len % 2, visit->low,
                            visit->high, visit_part, &inner));
    for (unsigned i = 0; i < columns; i++) {
        HOLDS(art_zone_is_sane(&inner.zones[i]));
        if (visit->exact) HOLDS(zones_equal(&inner.found[i], &inner.zones[i]));
        art_zone_add(&visit->found[i], &inner.found[i]);
    }
    return ART_OK;
}

/* The least or largest integer of the rows in the range, unless the search has met something else and given up. */
static void compare_extreme(const struct round *round, struct art_bytes low, struct art_bytes high, unsigned column,
                            bool largest) {
    struct art_extreme search = {.summary = &round->summary, .column = column, .largest = largest};
    bool any = false;
    int64_t best = 0;
    art_memtable_extreme(round->memtable, low, high, &search);
    for (uint32_t at = 0; !search.lost && at < round->set.count; at++) {
        const struct cell *cell = &round->cells[at];
        struct art_bytes key = round->set.keys[at];
        if (art_bytes_compare(key, low) < 0 || art_bytes_compare(key, high) >= 0) continue;
        if (!cell->present || cell->flags & (ART_DELETE | ART_CHUNK)) continue;
        const struct art_datum *datum = &cell->data[column];
        HOLDS(datum->kind <= ART_DATUM_INTEGER);
        if (datum->kind == ART_DATUM_NULL) continue;
        if (!any || (largest ? datum->integer > best : datum->integer < best)) best = datum->integer;
        any = true;
    }
    HOLDS(search.lost || (search.any == any && (!any || search.best == best)));
}

/* Every row in the range is reached, once, through parts whose zones have it; no other is. */
static void compare_zones(const struct round *round, struct art_bytes low, struct art_bytes high, bool exact) {
    struct visit visit = {.round = round, .memtable = round->memtable, .low = low, .high = high, .exact = exact};
    visit.seen = calloc(round->set.count, 1);
    must(art_memtable_visit(round->memtable, 0, 0, false, low, high, visit_part, &visit));
    for (uint32_t at = 0; at < round->set.count; at++) {
        struct art_bytes key = round->set.keys[at];
        bool inside = art_bytes_compare(key, low) >= 0 && art_bytes_compare(key, high) < 0;
        bool put = round->cells[at].present && !(round->cells[at].flags & ART_DELETE);
        HOLDS(visit.seen[at] == (inside && put));
    }
    free(visit.seen);
    for (unsigned i = 0; i < 2u * round->summary.has.columns; i++) compare_extreme(round, low, high, i / 2, i % 2);
}

static void compare_all_zones(const struct round *round, bool exact) {
    compare_zones(round, art_bytes(NULL, 0), behind_all(), exact);
}

static void compare_some_zones(const struct round *round) {
    struct art_bytes low = key_set_probe(&round->set, round->random);
    struct art_bytes high = key_set_probe(&round->set, round->random);
    compare_zones(round, low, high, false);
    free((void *)low.data);
    free((void *)high.data);
}

/* --- a history ---------------------------------------------------------------------------------------------------- */

static void check(const struct art_memtable *memtable) {
    must(art_memtable_check(memtable));
}

static void set(struct round *round) {
    uint32_t at = random_below(round->random, round->set.count);
    struct cell cell = random_cell(round, at);
    struct art_entry entry = entry_of(&cell);
    must(art_memtable_set(round->memtable, round->set.keys[at], &entry));
    round->cells[at] = cell;
}

static void roll_back(struct round *round, int to) {
    art_memtable_rollback(round->memtable, round->positions[to]);
    copy_cells(round, round->cells, round->marks[to]);
    round->savepoint_count = to + 1;
}

/* Who held nothing before the row has the transaction's changes, and no others. */
static void replay_alone(const struct round *round, struct art_bytes row) {
    struct art_memtable *alone = open_memtable(round);
    must(art_redo_replay(row, round->csn, alone));
    check(alone);
    for (int i = 0; i < 3; i++) compare_sums(round, alone, round->marks[0]);
    art_memtable_unref(alone);
}

static void commit(struct round *round) {
    struct art_buffer buffer = {0};
    struct art_hash128 hash = round->hash;
    must(art_redo_encode(round->memtable, ++round->csn, &hash, &buffer));
    struct art_bytes row = art_buffer_bytes(&buffer);
    must(art_redo_verify(row, round->csn, round->hash, &round->hash));
    HOLDS(art_hash128_equal(hash, round->hash));
    replay_alone(round, row);
    for (int times = random_once_in(round->random, 3) ? 2 : 1; times; times--) {
        must(art_redo_replay(row, round->csn, round->reader));
        memtables_equal(round->memtable, round->reader);
        compare_sums(round, round->reader, NULL);
    }
    art_memtable_forget_undo(round->memtable);
    art_buffer_clear(&buffer);
    begin(round);
}

static void compact(struct round *round) {
    struct art_memtable *fresh;
    must(art_memtable_compact(round->memtable, &fresh));
    art_memtable_unref(round->memtable);
    round->memtable = fresh;
    compare_all_zones(round, true);
}

/* What the memtable had lies below the next one. */
static void flush(struct round *round) {
    for (uint32_t at = 0; at < round->set.count; at++) {
        struct cell row = *live(round, round->cells, at);
        round->below[at] = row;
    }
    memset(round->cells, 0, round->set.count * sizeof *round->cells);
    struct art_memtable *next = open_memtable(round);
    art_memtable_hand_over(round->memtable, next, SIZE_MAX);
    round->memtable = next;
    art_memtable_unref(round->reader);
    round->reader = open_memtable(round);
    begin(round);
}

static void survive_as_bytes(const struct round *round) {
    struct art_buffer all = {0};
    struct art_memtable *copy = open_memtable(round);
    must(art_redo_encode_all(round->memtable, &all));
    must(art_redo_decode_all(art_buffer_bytes(&all), copy));
    memtables_equal(round->memtable, copy);
    compare_sums(round, copy, NULL);
    art_buffer_clear(&all);
    art_memtable_unref(copy);
}

static void step(struct round *round) {
    struct random *random = round->random;
    uint32_t what = random_below(random, 300);
    if (what < 260) {
        set(round);
    } else if (what < 272 && round->savepoint_count < MARKS_MOST) {
        copy_cells(round, round->marks[round->savepoint_count], round->cells);
        round->positions[round->savepoint_count++] = art_memtable_savepoint(round->memtable);
    } else if (what < 284) {
        roll_back(round, (int)random_below(random, (uint32_t)round->savepoint_count));
    } else if (what < 290) {
        survive_as_bytes(round);
    } else if (what < 292) {
        compare_all_zones(round, false);
    } else {
        commit(round);
        if (random_once_in(random, 3)) compact(round);
        if (random_once_in(random, 8)) flush(round);
    }
}

static void look(const struct round *round) {
    check(round->memtable);
    compare_sums(round, round->memtable, NULL);
    compare_some_zones(round);
}

LOOP_TEST(test_sums_and_zones_agree_with_an_array, KEY_FAMILIES) {
    enum memtable_key_family family = (enum memtable_key_family)_i;
    struct random random = random_announced(key_family_name(family));
    random.state += family;
    for (unsigned i = random_rounds(10); i; i--) {
        static struct round round;
        uint32_t keys = family == KEYS_LONG ? 30 : family == KEYS_NESTED ? 100 : 1 + random_below(&random, 150);
        round_init(&round, family, keys, &random);
        for (int steps = 0; steps < 800; steps++) {
            step(&round);
            look(&round);
        }
        roll_back(&round, 0);
        look(&round);
        compare_all_zones(&round, false);
        round_clear(&round);
    }
}

/* Nodes that grow take sums and zones along; those that are taken apart give them back. */
TEST(test_nodes_of_every_size_have_sums_and_zones) {
    struct random random = random_announced("nodes of every size");
    static struct round round;
    round_init(&round, KEYS_WIDE, 3000, &random);
    for (int times = 0; times < 3; times++) {
        for (uint32_t i = 0; i < round.set.count; i++) {
            uint32_t at = (uint32_t)((i * 7919ull) % round.set.count);
            struct cell cell = random_cell(&round, at);
            struct art_entry entry = entry_of(&cell);
            must(art_memtable_set(round.memtable, round.set.keys[at], &entry));
            round.cells[at] = cell;
            if (i % 100 == 0) look(&round);
        }
        look(&round);
        compare_all_zones(&round, false);
        roll_back(&round, 0);
        look(&round);
        ck_assert_uint_eq(art_memtable_keys(round.memtable), 0);
    }
    round_clear(&round);
}

/* --- single facts ------------------------------------------------------------------------------------------------- */

static enum art_rc stop_at_once(void *context, const struct art_memtable_part *part) {
    int *calls = context;
    (void)part;
    return ++*calls == 2 ? ART_NOTFOUND : ART_OK;
}

TEST(test_a_visit_ends_where_the_visitor_says_so) {
    struct random random = {1};
    static struct round round;
    int calls = 0;
    round_init(&round, KEYS_WIDE, 200, &random);
    ck_assert_int_eq(
        art_memtable_visit(round.memtable, 0, 0, false, art_bytes(NULL, 0), art_bytes("z", 1), stop_at_once, &calls),
        ART_OK);
    ck_assert_int_eq(calls, 0);
    for (int i = 0; i < 300; i++) set(&round);
    calls = 1;
    ck_assert_int_eq(
        art_memtable_visit(round.memtable, 0, 0, false, art_bytes(NULL, 0), art_bytes("z", 1), stop_at_once, &calls),
        ART_NOTFOUND);
    ck_assert_int_eq(calls, 2);
    round_clear(&round);
}

TEST(test_without_a_summary_there_are_no_sums) {
    struct art_memtable *memtable;
    art_int128 sum[ART_SUMMARY_MAX] = {7};
    struct art_entry entry = {.value = art_bytes("value", 5), .csn = 1};
    must(art_memtable_open(&memtable));
    must(art_memtable_set(memtable, art_bytes("a", 1), &entry));
    art_memtable_sums(memtable, art_bytes("b", 1), sum);
    ck_assert(sum[0] == 7 && !sum[1]);
    art_memtable_unref(memtable);
}

TEST(test_a_set_without_memory_leaves_all_sums) {
    struct random random = random_announced("set without memory");
    short_memory_use();
    int64_t blocks = short_memory_blocks();
    for (int family = 0; family < KEY_FAMILIES; family++) {
        static struct round round;
        int64_t failures = 0;
        round_init(&round, (enum memtable_key_family)family, family == KEYS_LONG ? 20 : 200, &random);
        for (int i = 0; i < 200; i++) {
            uint32_t at = random_below(&random, round.set.count);
            struct cell cell = random_cell(&round, at);
            struct art_entry entry = entry_of(&cell);
            int rc = ART_NOMEM;
            for (int good = 0; rc; good++) {
                short_memory_fail_after(good);
                rc = art_memtable_set(round.memtable, round.set.keys[at], &entry);
                failures += short_memory_failures();
                short_memory_fail_after(-1);
                if (rc) look(&round);
                ck_assert_int_lt(good, 10);
            }
            round.cells[at] = cell;
            if (random_once_in(&random, 20)) art_memtable_savepoint(round.memtable);
        }
        ck_assert_int_gt(failures, 0);
        look(&round);
        short_memory_fail_after(0);
        roll_back(&round, 0); /* needs none */
        short_memory_fail_after(-1);
        look(&round);
        round_clear(&round);
    }
    ck_assert_int_eq(short_memory_blocks(), blocks);
    art_alloc_use(NULL);
}

/* --- redo that somebody made up ----------------------------------------------------------------------------------- */

/* One byte of a complete memtable is another one: refused, or taken for what it then says, and all sums are right. */
TEST(test_made_up_redo_is_refused_or_adds_up) {
    struct random random = random_announced("made up redo");
    static struct round round;
    struct art_buffer all = {0};
    uint32_t refused = 0, taken = 0;
    round_init(&round, KEYS_DIRECTORIES, 40, &random);
    for (int i = 0; i < 60; i++) set(&round);
    must(art_redo_encode_all(round.memtable, &all));
    for (unsigned times = random_rounds(5000); times; times--) {
        uint8_t *bytes = malloc(all.len); /* exactly: a sanitizer then sees every read past it */
        memcpy(bytes, all.data, all.len);
        bytes[random_below(&random, (uint32_t)all.len)] ^= (uint8_t)(1 + random_below(&random, 255));
        struct art_memtable *memtable = open_memtable(&round);
        int rc = art_redo_decode_all(art_bytes(bytes, (uint32_t)all.len), memtable);
        HOLDS(rc == ART_OK || rc == ART_CORRUPT);
        free(bytes);
        check(memtable);
        refused += rc != ART_OK;
        taken += rc == ART_OK;
        art_memtable_unref(memtable);
    }
    ck_assert_uint_gt(refused, 0);
    ck_assert_uint_gt(taken, 0);
    art_buffer_clear(&all);
    round_clear(&round);
}

int main(void) {
    return suite_run("memtable, summary", .seconds = 600);
}
