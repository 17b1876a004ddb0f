/* Redo: a replayed history holds what its writer holds, entry by entry.
 *
 * The writer keeps the rules of core/tree: an entry that the memtable holds keeps its `shadows_older`; for another key
 * it says whether the key lives in the runs below, which here is a coin thrown once for each key.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/memtable/memtable.h"
#include "core/memtable/redo_format.h"
#include "core/memtable/redo_reader.h"
#include "tests/support/memtable_model.h"
#include "tests/support/of_core.h"
#include "tests/support/short_memory.h"
#include "tests/support/suite.h"

static struct art_memtable *open_memtable(void) {
    struct art_memtable *memtable;
    ck_assert_int_eq(art_memtable_open(&memtable), ART_OK);
    return memtable;
}

static struct art_bytes bytes_of(const struct art_buffer *buffer) {
    return art_bytes(buffer->data, (uint32_t)buffer->len);
}

/* In memory of exactly its length, so that a sanitizer sees every read past it. */
static struct art_bytes copy_of(struct art_bytes bytes) {
    uint8_t *copy = malloc(bytes.len ? bytes.len : 1);
    if (bytes.len) memcpy(copy, bytes.data, bytes.len);
    return art_bytes(copy, bytes.len);
}

/* --- a writer ----------------------------------------------------------------------------------------------------- */

enum { ROWS_MOST = 64, MARKS_MOST = 5 };

struct history {
    struct key_set set;
    bool *below; /* lives in the runs */
    struct art_memtable *writer;
    struct random *random;
    struct art_hash128 hash;
    uint64_t csn; /* of the last row */
    struct art_buffer rows[ROWS_MOST];
};

static void history_init(struct history *history, enum memtable_key_family family, uint32_t keys,
                         struct random *random) {
    *history = (struct history){.random = random, .hash = {1, 2}};
    key_set_make(&history->set, family, keys, random);
    history->below = calloc(history->set.count, sizeof *history->below);
    for (uint32_t i = 0; i < history->set.count; i++) history->below[i] = random_once_in(random, 2);
    history->writer = open_memtable();
}

static void history_clear(struct history *history) {
    for (int i = 0; i < ROWS_MOST; i++) art_buffer_clear(&history->rows[i]);
    art_memtable_unref(history->writer);
    free(history->below);
    key_set_clear(&history->set);
}

static void write_key(struct history *history, uint32_t at) {
    struct memtable_cell cell = memtable_cell_random(history->random, history->csn + 1, 30);
    struct art_entry entry = memtable_cell_entry(&cell), held;
    struct art_bytes key = history->set.keys[at];
    bool over = history->below[at];
    if (!art_memtable_get(history->writer, key, &held)) over = held.flags & ART_SHADOWS_OLDER;
    entry.flags = (uint8_t)((entry.flags & ~ART_SHADOWS_OLDER) | (over ? ART_SHADOWS_OLDER : 0));
    ck_assert_int_eq(art_memtable_set(history->writer, key, &entry), ART_OK);
}

/* Changes, savepoints and returns to them. */
static void write_some(struct history *history) {
    uint64_t marks[MARKS_MOST] = {0};
    uint32_t savepoint_count = 1;
    uint32_t steps = random_below(history->random, random_once_in(history->random, 2) ? 30 : 200);
    uint32_t width = 1 + random_below(history->random, history->set.count), from = random_below(history->random, width);
    for (; steps; steps--) {
        if (random_once_in(history->random, 15) && savepoint_count < MARKS_MOST) {
            marks[savepoint_count++] = art_memtable_savepoint(history->writer);
        } else if (random_once_in(history->random, 25)) {
            savepoint_count = 1 + random_below(history->random, savepoint_count);
            art_memtable_rollback(history->writer, marks[savepoint_count - 1]);
        } else {
            write_key(history, (from + random_below(history->random, width)) % history->set.count);
        }
    }
}

/* Every redo row holds exactly the keys that have a note, and says what was live before. */
static void check_row(const struct history *history, struct art_bytes row, const struct art_memtable *before) {
    struct art_redo_reader reader;
    struct art_bytes key;
    struct art_entry entry, now, then;
    row = art_bytes(row.data + ART_REDO_HASH_BYTES, row.len - ART_REDO_HASH_BYTES);
    ck_assert_int_eq(art_redo_reader_init(&reader, row, ART_REDO_ROW, history->csn + 1), ART_OK);
    while (art_redo_reader_next(&reader, &key, &entry) == ART_OK) {
        ck_assert_int_eq(art_memtable_get(history->writer, key, &now), ART_OK);
        ck_assert_uint_eq(now.csn, history->csn + 1);
        ck_assert(art_bytes_equal(now.value, entry.value));
        ck_assert_uint_eq(now.flags & (uint8_t)~ART_SHADOWS_OLDER, entry.flags & (uint8_t)~ART_SHADOWS_OLDER);
        uint32_t at = key_set_below(&history->set, key);
        bool live = art_memtable_get(before, key, &then) ? history->below[at] : !(then.flags & ART_DELETE);
        ck_assert_int_eq(!!(entry.flags & ART_SHADOWS_OLDER), live);
    }
    ck_assert_ptr_eq(reader.at, reader.end);
    art_redo_reader_clear(&reader);
}

/* One transaction: given up, or encoded (perhaps once in vain, as after a COMMIT that found the host busy). */
static bool transaction(struct history *history, struct art_buffer *row) {
    struct art_memtable *before;
    ck_assert_int_eq(art_memtable_compact(history->writer, &before), ART_OK);
    write_some(history);
    bool commit = art_memtable_dirty(history->writer) && random_below(history->random, 4);
    if (commit) {
        struct art_hash128 hash = history->hash;
        ck_assert_int_eq(art_redo_encode(history->writer, history->csn + 1, &hash, row), ART_OK);
        if (random_once_in(history->random, 4)) {
            row->len = 0;
            hash = history->hash;
            art_memtable_savepoint(history->writer);
            for (uint32_t i = random_below(history->random, 20); i; i--) {
                write_key(history, random_below(history->random, history->set.count));
            }
            ck_assert_int_eq(art_redo_encode(history->writer, history->csn + 1, &hash, row), ART_OK);
        }
        check_row(history, bytes_of(row), before);
        history->hash = hash;
        history->csn++;
        art_memtable_forget_undo(history->writer);
    } else {
        art_memtable_rollback(history->writer, 0);
        memtables_equal(before, history->writer);
    }
    art_memtable_unref(before);
    return commit;
}

static void replay(struct art_memtable *memtable, const struct art_buffer *row, uint64_t csn) {
    struct art_bytes bytes = copy_of(bytes_of(row));
    ck_assert_int_eq(art_redo_replay(bytes, csn, memtable), ART_OK);
    ck_assert(!art_memtable_dirty(memtable));
    free((void *)bytes.data);
}

/* From the first row on, along the chain of hashes; the last rows once more. */
static void replay_history(const struct history *history) {
    struct art_memtable *reader = open_memtable();
    struct art_hash128 hash = {1, 2}, again;
    for (uint64_t csn = 1; csn <= history->csn; csn++) {
        struct art_bytes row = bytes_of(&history->rows[csn - 1]);
        again = hash;
        ck_assert_int_eq(art_redo_verify(row, csn, hash, &hash), ART_OK);
        ck_assert_int_eq(art_redo_verify(row, csn + 1, again, &again), ART_REBUILD);
        ck_assert_int_eq(art_redo_verify(row, csn, hash, &again), ART_REBUILD);
        replay(reader, &history->rows[csn - 1], csn);
    }
    ck_assert(art_hash128_equal(hash, history->hash));
    memtables_equal(history->writer, reader);
    uint64_t from = history->csn ? 1 + random_below(history->random, (uint32_t)history->csn) : 1;
    for (uint64_t csn = from; csn <= history->csn; csn++) replay(reader, &history->rows[csn - 1], csn);
    memtables_equal(history->writer, reader);
    art_memtable_unref(reader);
}

LOOP_TEST(test_who_replays_a_history_holds_what_its_writer_holds, KEY_FAMILIES) {
    enum memtable_key_family family = (enum memtable_key_family)_i;
    struct random random = random_announced(key_family_name(family));
    random.state += family;
    for (unsigned times = 0; times < 20 * random_scale(); times++) {
        struct history history;
        history_init(&history, family, family == KEYS_LONG ? 30 : 1 + random_below(&random, 400), &random);
        struct art_memtable *close = open_memtable();
        while (history.csn < 20) {
            struct art_buffer *row = &history.rows[history.csn];
            if (!transaction(&history, row)) continue;
            replay(close, row, history.csn);
            memtables_equal(history.writer, close);
            if (random_once_in(&random, 3)) replay(close, row, history.csn);
            memtables_equal(history.writer, close);
        }
        replay_history(&history);
        art_memtable_unref(close);
        history_clear(&history);
    }
}

LOOP_TEST(test_a_complete_memtable_survives_as_bytes, KEY_FAMILIES) {
    enum memtable_key_family family = (enum memtable_key_family)_i;
    struct random random = random_announced(key_family_name(family));
    random.state += family;
    struct history history;
    history_init(&history, family, family == KEYS_LONG ? 30 : 300, &random);
    for (int i = 0; i < 10; i++) {
        struct art_buffer row = {0}, all = {0};
        transaction(&history, &row);
        write_some(&history); /* an open transaction is no hindrance */
        ck_assert_int_eq(art_buffer_append(&all, "before", 6), ART_OK);
        ck_assert_int_eq(art_redo_encode_all(history.writer, &all), ART_OK);
        struct art_bytes bytes = copy_of(art_bytes(all.data + 6, (uint32_t)all.len - 6));
        struct art_memtable *copy = open_memtable();
        ck_assert_int_eq(art_redo_decode_all(bytes, copy), ART_OK);
        memtables_equal(history.writer, copy);
        art_memtable_rollback(history.writer, 0);
        free((void *)bytes.data);
        art_memtable_unref(copy);
        art_buffer_clear(&all);
        art_buffer_clear(&row);
    }
    history_clear(&history);
}

/* --- single facts ------------------------------------------------------------------------------------------------- */

static void set(struct art_memtable *memtable, const char *key, uint64_t csn, uint8_t flags) {
    struct art_entry entry = {.value = art_bytes("v", 1), .csn = csn, .flags = flags};
    ck_assert_int_eq(art_memtable_set(memtable, art_bytes(key, (uint32_t)strlen(key)), &entry), ART_OK);
}

/* A writer and a reader, and the row that goes from one to the other. */
static struct art_memtable *writer, *reader;
static struct art_buffer row;
static struct art_hash128 hash;

static void set_up(void) {
    writer = open_memtable();
    reader = open_memtable();
    row = (struct art_buffer){0};
    hash = (struct art_hash128){0, 0};
}

static void tear_down(void) {
    art_buffer_clear(&row);
    art_memtable_unref(writer);
    art_memtable_unref(reader);
}

CASE("facts", .set_up = set_up, .tear_down = tear_down)

TEST(test_a_key_inserted_and_deleted_in_one_transaction_reads_as_absent) {
    set(writer, "a", 1, 0);
    set(writer, "a", 1, ART_DELETE);
    ck_assert_int_eq(art_redo_encode(writer, 1, &hash, &row), ART_OK);
    ck_assert_int_eq(art_redo_replay(bytes_of(&row), 1, reader), ART_OK);
    ck_assert_int_eq(art_memtable_count(reader), 0);
    art_memtable_forget_undo(writer);
    memtables_equal(writer, reader);
}

/* A connection that reads a row or two has no use for what makes many reads quick, and little memory to spare. */
TEST(test_a_short_log_is_replayed_into_little_memory_and_gets_a_filter_when_it_is_asked) {
    enum { ROWS = 1400, BYTES_A_ROW = 170 };
    char key[40];
    for (uint64_t i = 1; i <= ROWS; i++) {
        snprintf(key, sizeof key, "%08x/some path", (unsigned)i * 2654435761u);
        set(writer, key, i, 0);
        ck_assert_int_eq(art_redo_encode(writer, i, &hash, &row), ART_OK);
        art_memtable_forget_undo(writer);
        ck_assert_int_eq(art_redo_replay(bytes_of(&row), i, reader), ART_OK);
        art_buffer_clear(&row);
    }
    ck_assert_uint_eq(art_memtable_replayed(reader), ROWS);
    ck_assert_uint_lt(art_memtable_memory(reader), ROWS * BYTES_A_ROW);
    unsigned asked = 0;
    for (; asked < ROWS && art_memtable_may_contain(reader, art_hash64(&asked, sizeof asked)); asked++) {
    }
    ck_assert_msg(asked > ROWS / 8 && asked < ROWS / 2, "%u", asked);
    ck_assert(art_memtable_may_contain(reader, art_hash64(key, strlen(key))));
    memtables_equal(writer, reader);
}

TEST(test_a_key_brought_back_by_a_rollback_is_not_in_the_row) {
    set(writer, "a", 1, 0);
    art_memtable_forget_undo(writer);
    uint64_t mark = art_memtable_savepoint(writer);
    set(writer, "a", 2, 0);
    set(writer, "b", 2, 0);
    art_memtable_rollback(writer, mark);
    ck_assert_int_eq(art_redo_encode(writer, 2, &hash, &row), ART_OK);
    ck_assert_uint_eq(row.len, ART_REDO_HASH_BYTES + 1);
    ck_assert_int_eq(art_redo_verify(bytes_of(&row), 2, (struct art_hash128){0, 0}, &hash), ART_OK);
}

/* Who commits a row at a time has thousands of them in the log. */
TEST(test_a_row_of_one_entry_is_verified_without_memory) {
    set(writer, "a/path/of/some/length", 1, 0);
    ck_assert_int_eq(art_redo_encode(writer, 1, &hash, &row), ART_OK);
    short_memory_use();
    short_memory_fail_after(0);
    int rc = art_redo_verify(bytes_of(&row), 1, (struct art_hash128){0, 0}, &hash);
    short_memory_fail_after(-1);
    ck_assert_int_eq(rc, ART_OK);
}

TEST(test_a_row_of_an_impossible_number_is_damage) {
    set(writer, "a", 1, 0);
    ck_assert_int_eq(art_redo_encode(writer, 1, &hash, &row), ART_OK);
    ck_assert_int_eq(art_redo_replay(bytes_of(&row), (uint64_t)1 << 56, reader), ART_CORRUPT);
    ck_assert_uint_eq(art_memtable_keys(reader), 0);
    ck_assert_int_eq(art_redo_replay(bytes_of(&row), ((uint64_t)1 << 56) - 1, reader), ART_OK);
}

TEST(test_a_row_of_paths_is_small) {
    char key[64];
    for (int i = 0; i < 1000; i++) {
        sprintf(key, "bucket-07/path/sub/file-%06d.bin", i);
        set(writer, key, 1, 0);
    }
    ck_assert_int_eq(art_redo_encode(writer, 1, &hash, &row), ART_OK);
    ck_assert_uint_lt(row.len, 1000 * 14); /* of 34 */
}

/* --- memory that runs out ----------------------------------------------------------------------------------------- */

CASE("model", .seconds = 600)

TEST(test_redo_without_memory_fails_cleanly) {
    struct random random = random_announced("redo without memory");
    short_memory_use();
    int64_t blocks = short_memory_blocks();
    struct history history;
    history_init(&history, KEYS_NESTED, 400, &random);
    for (uint32_t i = 0; i < history.set.count; i++) write_key(&history, i);
    struct art_buffer row = {0}, all = {0};
    struct art_hash128 hash, begin = {1, 2};
    for (int rc = ART_NOMEM, good = 0; rc; good++) {
        art_buffer_clear(&row);
        hash = begin;
        short_memory_fail_after(good);
        rc = art_redo_encode(history.writer, 1, &hash, &row);
        ck_assert_int_eq(rc, short_memory_failures() ? ART_NOMEM : ART_OK);
        if (rc) ck_assert(!row.len && art_hash128_equal(hash, begin));
    }
    for (int rc = ART_NOMEM, good = 0; rc; good++) {
        art_buffer_clear(&all);
        short_memory_fail_after(good);
        rc = art_redo_encode_all(history.writer, &all);
        ck_assert_int_eq(rc, short_memory_failures() ? ART_NOMEM : ART_OK);
        if (rc) ck_assert_uint_eq(all.len, 0);
    }
    for (int rc = ART_NOMEM, good = 0; rc; good++) {
        short_memory_fail_after(good);
        rc = art_redo_verify(bytes_of(&row), 1, begin, &hash);
        ck_assert_int_eq(rc, short_memory_failures() ? ART_NOMEM : ART_OK);
    }
    for (int round = 0; round < 2; round++) {
        for (int rc = ART_NOMEM, good = 0; rc; good++) {
            short_memory_fail_after(-1);
            struct art_memtable *memtable = open_memtable();
            short_memory_fail_after(good);
            rc = round ? art_redo_replay(bytes_of(&row), 1, memtable) : art_redo_decode_all(bytes_of(&all), memtable);
            ck_assert_int_eq(rc, short_memory_failures() ? ART_NOMEM : ART_OK);
            short_memory_fail_after(-1);
            if (!rc) memtables_equal(history.writer, memtable);
            art_memtable_unref(memtable);
        }
    }
    art_buffer_clear(&row);
    art_buffer_clear(&all);
    history_clear(&history);
    ck_assert_int_eq(short_memory_blocks(), blocks);
    art_alloc_use(NULL);
}

/* --- hostile bytes ------------------------------------------------------------------------------------------------ */

static struct art_bytes mutated(struct art_bytes bytes, uint32_t from, struct random *random) {
    uint32_t len = bytes.len;
    if (random_once_in(random, 4)) len = from + random_below(random, len - from + 1);
    struct art_bytes copy = copy_of(art_bytes(bytes.data, len));
    uint8_t *data = (uint8_t *)copy.data;
    for (uint32_t i = random_below(random, 4); i && len > from; i--) {
        uint32_t at = from + random_below(random, random_once_in(random, 2) ? len - from : art_min32(len - from, 12));
        static const uint8_t bad[] = {0, 1, 0x7f, 0x80, 0xff};
        data[at] = random_once_in(random, 2) ? bad[random_below(random, sizeof bad)] : (uint8_t)random_next(random);
    }
    return copy;
}

static uint32_t entries_of(struct art_bytes row) {
    struct art_redo_reader reader;
    struct art_bytes key, body = art_bytes(row.data + ART_REDO_HASH_BYTES, row.len - ART_REDO_HASH_BYTES);
    struct art_entry entry;
    uint32_t entries = 0;
    ck_assert_int_eq(art_redo_reader_init(&reader, body, ART_REDO_ROW, 1), ART_OK);
    while (art_redo_reader_next(&reader, &key, &entry) == ART_OK) entries++;
    art_redo_reader_clear(&reader);
    return entries;
}

/* A row whose chain is right and whose body is anything: what verify lets through must replay, and nothing may
 * crash. */
static void attack(const struct history *history, struct art_bytes row, struct art_bytes all, struct random *random) {
    struct art_hash128 previous = {1, 2}, hash;
    struct art_bytes bad = mutated(row, ART_REDO_HASH_BYTES, random);
    hash = art_redo_hash(previous, 1, bad.data + ART_REDO_HASH_BYTES, bad.len - ART_REDO_HASH_BYTES);
    art_store64((uint8_t *)bad.data, hash.low);
    art_store64((uint8_t *)bad.data + 8, hash.high);
    struct art_memtable *memtable = open_memtable();
    int verified = art_redo_verify(bad, 1, previous, &hash);
    ck_assert(verified == ART_OK || verified == ART_CORRUPT);
    ck_assert_int_eq(art_redo_replay(bad, 1, memtable), verified);
    if (verified == ART_OK) ck_assert_uint_eq(art_memtable_keys(memtable), entries_of(bad)); /* each key once */
    int rc = art_memtable_check(memtable);
    ck_assert_msg(!rc, "%s", art_error_message());
    free((void *)bad.data);
    art_memtable_unref(memtable);

    bad = mutated(all, 0, random);
    ck_assert_int_eq(art_memtable_compact(history->writer, &memtable), ART_OK);
    rc = art_redo_decode_all(bad, memtable);
    ck_assert(rc == ART_OK || rc == ART_CORRUPT);
    ck_assert_int_eq(art_memtable_check(memtable), ART_OK);
    art_memtable_unref(memtable);
    free((void *)bad.data);
}

/* A complete memtable of two keys, the second with `suffix` bytes behind one that both share. */
static int decode_key_of(uint32_t suffix) {
    uint8_t *bytes = calloc(1, suffix + 16), *p = bytes;
    *p++ = ART_REDO_ALL;
    static const uint8_t first[] = {ART_DELETE, 0, 1, 'a', 0};
    memcpy(p, first, sizeof first);
    p += sizeof first;
    *p++ = ART_DELETE;
    *p++ = 1;
    p += art_put_varint(p, suffix);
    p += suffix;
    *p++ = 0;
    struct art_bytes exact = copy_of(art_bytes(bytes, (uint32_t)(p - bytes)));
    struct art_memtable *memtable = open_memtable();
    int rc = art_redo_decode_all(exact, memtable);
    ck_assert_uint_eq(art_memtable_keys(memtable), rc ? 1 : 2);
    art_memtable_unref(memtable);
    free((void *)exact.data);
    free(bytes);
    return rc;
}

CASE("facts")

TEST(test_a_row_with_a_key_over_the_limit_is_refused) {
    ck_assert_int_eq(decode_key_of(ART_KEY_MAX - 1), ART_OK);
    ck_assert_int_eq(decode_key_of(ART_KEY_MAX), ART_CORRUPT);
    ck_assert_int_eq(decode_key_of(1000000), ART_CORRUPT);
    ck_assert_int_eq(decode_key_of(0), ART_CORRUPT); /* the first key once more */
}

CASE("model", .seconds = 600)

LOOP_TEST(test_hostile_rows_are_refused_or_harmless, KEY_FAMILIES) {
    enum memtable_key_family family = (enum memtable_key_family)_i;
    struct random random = random_announced(key_family_name(family));
    random.state += family;
    struct history history;
    struct art_buffer row = {0}, all = {0};
    history_init(&history, family, 12, &random);
    for (uint32_t i = 0; i < history.set.count; i++) write_key(&history, i);
    struct art_hash128 hash = {1, 2};
    ck_assert_int_eq(art_redo_encode(history.writer, 1, &hash, &row), ART_OK);
    ck_assert_int_eq(art_redo_encode_all(history.writer, &all), ART_OK);
    unsigned rounds = (family == KEYS_LONG ? 100 : 4000) * random_scale();
    for (unsigned i = 0; i < rounds; i++) attack(&history, bytes_of(&row), bytes_of(&all), &random);
    for (uint32_t len = 0; len <= ART_REDO_HASH_BYTES; len++) { /* too short for anything */
        struct art_bytes cut = copy_of(art_bytes(row.data, len));
        struct art_memtable *memtable = open_memtable();
        ck_assert_int_eq(art_redo_verify(cut, 1, (struct art_hash128){1, 2}, &hash), ART_CORRUPT);
        ck_assert_int_eq(art_redo_replay(cut, 1, memtable), ART_CORRUPT);
        art_memtable_unref(memtable);
        free((void *)cut.data);
    }
    art_buffer_clear(&row);
    art_buffer_clear(&all);
    history_clear(&history);
}

int main(void) {
    return suite_run("memtable redo", .seconds = 600);
}
