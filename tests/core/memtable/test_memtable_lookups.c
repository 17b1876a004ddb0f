/* The memtable's index of values against an array: chosen are the keys whose present row has what is sought, in order,
 * whatever was written, overwritten, deleted and rolled back since the index was made. Where they are many, all keys
 * are.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/base/value_hash.h"
#include "core/memtable/memtable.h"
#include "tests/support/memtable_model.h"
#include "tests/support/must.h"
#include "tests/support/short_memory.h"
#include "tests/support/suite.h"
#include "tests/support/toy_columns.h"

enum { COLUMNS = 3, MARKS_MOST = 5, VALUE = COLUMNS * ART_DATUM_BYTES, LOOKUPS = 5 /* the first and the third */ };

/* A value is its data, of a text its hashes. */
static const struct art_summary summary = {
    .has = {COLUMNS, 0, LOOKUPS, 0}, .read = toy_columns_read, .context = (void *)(uintptr_t)&summary};

struct cell {
    bool present;
    uint8_t flags;
    uint8_t value[VALUE];
};

struct round {
    struct key_set set;
    struct art_memtable *memtable;
    struct cell *cells, *marks[MARKS_MOST];
    uint64_t positions[MARKS_MOST], csn;
    int savepoints; /* the first is position 0 */
    uint32_t values, chosen, walked;
    struct random *random;
};

static struct art_entry entry_of(const struct cell *cell, uint64_t csn) {
    return (struct art_entry){
        .value = art_bytes(cell->value, cell->flags & ART_DELETE ? 0 : VALUE), .csn = csn, .flags = cell->flags};
}

static struct art_datum random_datum(const struct round *round) {
    struct art_datum datum = {.kind = random_below(round->random, ART_DATUM_BEYOND)};
    uint32_t number = random_below(round->random, round->values);
    if (datum.kind == ART_DATUM_REAL) datum.real = number / 2.0;
    if (datum.kind == ART_DATUM_INTEGER) datum.integer = number;
    datum.by_hash = datum.kind >= ART_DATUM_TEXT;
    if (datum.by_hash) datum.hashes = number | (uint64_t)random_once_in(round->random, 6) << 32;
    return datum;
}

static void begin(struct round *round) {
    round->savepoints = 1;
    round->positions[0] = 0;
    memcpy(round->marks[0], round->cells, round->set.count * sizeof *round->cells);
}

static void round_init(struct round *round, enum memtable_key_family family, struct random *random) {
    *round = (struct round){.random = random, .values = random_once_in(random, 2) ? 3 : 200};
    key_set_make(&round->set, family, family == KEYS_LONG ? 30 : 300, random);
    must(art_memtable_open_summed(&round->memtable, &summary));
    round->cells = calloc(round->set.count, sizeof *round->cells);
    for (int i = 0; i < MARKS_MOST; i++) round->marks[i] = calloc(round->set.count, sizeof *round->cells);
    begin(round);
}

static void round_clear(struct round *round) {
    for (int i = 0; i < MARKS_MOST; i++) free(round->marks[i]);
    free(round->cells);
    art_memtable_unref(round->memtable);
    key_set_clear(&round->set);
}

static void write_key(struct round *round) {
    static const uint8_t kinds[] = {0, 0, 0, 0, ART_DELETE, ART_DELETE | ART_SHADOWS_OLDER, ART_CHUNK};
    uint32_t at = random_below(round->random, round->set.count);
    struct art_datum data[COLUMNS];
    struct cell *cell = &round->cells[at];
    for (unsigned i = 0; i < COLUMNS; i++) data[i] = random_datum(round);
    cell->present = true;
    cell->flags = kinds[random_below(round->random, sizeof kinds)];
    art_data_encode(summary.has, data, cell->value);
    struct art_entry entry = entry_of(cell, ++round->csn);
    must(art_memtable_set(round->memtable, round->set.keys[at], &entry));
}

static void mark(struct round *round) {
    if (round->savepoints == MARKS_MOST) return;
    round->positions[round->savepoints] = art_memtable_savepoint(round->memtable);
    memcpy(round->marks[round->savepoints++], round->cells, round->set.count * sizeof *round->cells);
}

static void roll_back(struct round *round) {
    int to = (int)random_below(round->random, (uint32_t)round->savepoints);
    art_memtable_rollback(round->memtable, round->positions[to]);
    memcpy(round->cells, round->marks[to], round->set.count * sizeof *round->cells);
    round->savepoints = to + 1;
}

/* --- what is chosen ----------------------------------------------------------------------------------------------- */

struct question {
    struct art_limits limits;
    uint32_t hash[2][4];
};

static int compare_hashes(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void random_question(struct round *round, struct question *question) {
    static const uint8_t columns[] = {0, 2};
    bool other = random_once_in(round->random, 2);
    question->limits = (struct art_limits){.sought_count = 1 + random_once_in(round->random, 4)};
    for (unsigned s = 0; s < question->limits.sought_count; s++) {
        uint32_t count = 1 + random_below(round->random, 4);
        for (uint32_t i = 0; i < count;) {
            struct art_datum datum = random_datum(round);
            uint32_t hash[ART_VALUE_HASHES];
            unsigned made = art_value_hashes(&datum, hash);
            if (made) question->hash[s][i++] = hash[made - 1];
        }
        qsort(question->hash[s], count, sizeof(uint32_t), compare_hashes);
        question->limits.sought[s] = (struct art_sought){columns[s ^ other], count, question->hash[s]};
    }
}

static bool is_asked_for(const struct cell *cell, const struct question *question) {
    struct art_entry entry = entry_of(cell, 0);
    if (!cell->present) return false;
    for (unsigned s = 0; s < question->limits.sought_count; s++) {
        struct art_datum data[COLUMNS];
        const struct art_sought *sought = &question->limits.sought[s];
        art_summary_read(&summary, &entry, ART_ALL_COLUMNS, data);
        if (!art_is_sought(&data[sought->table], sought)) return false;
    }
    return true;
}

static void stands_on(const struct art_memtable_cursor *cursor, const struct round *round, int64_t at) {
    bool none = at < 0 || at >= round->set.count;
    HOLDS(cursor->valid == !none);
    HOLDS(none || art_bytes_equal(cursor->key, round->set.keys[at]));
}

/* The next one from `at` on, itself counted. Without a question: any that is there. */
static int64_t asked_for(const struct round *round, const struct question *question, int64_t at, int step) {
    for (; at >= 0 && at < round->set.count; at += step) {
        if (question ? is_asked_for(&round->cells[at], question) : round->cells[at].present) break;
    }
    return at;
}

static uint32_t count_asked_for(const struct round *round, const struct question *question) {
    uint32_t count = 0;
    for (uint32_t at = 0; at < round->set.count; at++) count += is_asked_for(&round->cells[at], question);
    return count;
}

static void compare(struct round *round) {
    struct question made, *question = &made;
    struct art_memtable_cursor cursor;
    random_question(round, question);
    art_memtable_cursor_init(&cursor, round->memtable);
    must(art_memtable_cursor_choose(&cursor, round->memtable, &question->limits));
    if (cursor.chooses) HOLDS(count_asked_for(round, question) <= 64 + art_memtable_keys(round->memtable) / 32);
    round->chosen += cursor.chooses;
    round->walked += !cursor.chooses;
    if (!cursor.chooses) question = NULL;
    int64_t at = asked_for(round, question, 0, 1);
    for (must(art_memtable_first(&cursor)); cursor.valid; must(art_memtable_next(&cursor))) {
        stands_on(&cursor, round, at);
        at = asked_for(round, question, at + 1, 1);
    }
    stands_on(&cursor, round, at);
    at = asked_for(round, question, (int64_t)round->set.count - 1, -1);
    for (must(art_memtable_last(&cursor)); cursor.valid; must(art_memtable_prev(&cursor))) {
        stands_on(&cursor, round, at);
        at = asked_for(round, question, at - 1, -1);
    }
    stands_on(&cursor, round, at);
    for (unsigned i = 0; i < 8; i++) {
        struct art_bytes probe = key_set_probe(&round->set, round->random);
        uint32_t below = key_set_below(&round->set, probe);
        bool itself = below < round->set.count && art_bytes_equal(round->set.keys[below], probe);
        must(art_memtable_seek_ge(&cursor, probe));
        stands_on(&cursor, round, asked_for(round, question, below, 1));
        must(art_memtable_seek_le(&cursor, probe));
        stands_on(&cursor, round, asked_for(round, question, (int64_t)below - !itself, -1));
        free((void *)probe.data);
    }
    art_memtable_cursor_clear(&cursor);
}

static void step(struct round *round) {
    switch (random_below(round->random, 30)) {
    case 0:
    case 1:
        mark(round);
        break;
    case 2:
        roll_back(round);
        break;
    case 3:
        if (!random_once_in(round->random, 3)) break;
        art_memtable_forget_undo(round->memtable);
        begin(round);
        break;
    default:
        write_key(round);
    }
}

LOOP_TEST(test_chosen_keys_are_those_whose_row_has_what_is_sought, KEY_FAMILIES) {
    struct random random = {random_seed() + (uint64_t)_i};
    printf("lookups: seed %llu\n", (unsigned long long)random.state - (unsigned)_i);
    uint32_t walked = 0;
    for (unsigned rounds = random_rounds(6); rounds; rounds--) {
        struct round round;
        round_init(&round, (enum memtable_key_family)_i, &random);
        for (unsigned steps = 6000; steps; steps--) {
            step(&round);
            if (random_once_in(&random, 20)) compare(&round);
        }
        ck_assert_uint_gt(round.chosen, 20);
        walked += round.walked;
        round_clear(&round);
    }
    printf("%u times there were too many\n", walked);
}

/* Hints of what was overwritten are dropped at some time, and made again. */
TEST(test_one_key_that_is_written_very_often_is_found) {
    struct random random = {random_seed()};
    struct round round;
    round_init(&round, KEYS_DENSE, &random);
    for (unsigned i = 0; i < 60000; i++) {
        write_key(&round);
        if (i % 500 == 0) compare(&round);
    }
    ck_assert_uint_lt(art_memtable_keys(round.memtable), 400);
    round_clear(&round);
}

TEST(test_without_memory_no_key_is_lost) {
    struct random random = {random_seed()};
    struct round round;
    short_memory_use();
    int64_t blocks = short_memory_blocks();
    round_init(&round, KEYS_DIRECTORIES, &random);
    for (unsigned i = 0; i < 200; i++) write_key(&round);
    for (int allowed = 0; allowed < 12; allowed++) {
        struct question question;
        struct art_memtable_cursor cursor;
        random_question(&round, &question);
        art_memtable_cursor_init(&cursor, round.memtable);
        short_memory_fail_after(allowed);
        int rc = art_memtable_cursor_choose(&cursor, round.memtable, &question.limits);
        short_memory_fail_after(-1);
        ck_assert(rc == ART_OK || rc == ART_NOMEM);
        art_memtable_cursor_clear(&cursor);
        compare(&round);
        for (unsigned i = 0; i < 40; i++) write_key(&round);
        compare(&round);
    }
    round_clear(&round);
    ck_assert_int_eq(short_memory_blocks(), blocks);
    art_alloc_use(NULL);
}

int main(void) {
    return suite_run("lookups in the memtable", .seconds = SUITE_FOREVER);
}
