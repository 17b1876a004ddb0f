/* Redo: single rows, memory that runs out, and bytes that somebody made up. That a replayed history holds what its
 * writer holds, entry by entry, goes with the model (test_memtable.c).
 */
#include "core/base/alloc.h"
#include "core/memtable/redo_format.h"
#include "core/memtable/redo_reader.h"
#include "tests/support/memtable_model.h"
#include "tests/support/short_memory.h"

/* In memory of exactly its length, so that a sanitizer sees every read past it. */
static struct art_bytes copy_of(struct art_bytes bytes) {
    return key_copy(bytes.data, bytes.len, 0);
}

/* --- single facts ------------------------------------------------------------------------------------------------- */

static void set(struct art_memtable *memtable, const char *key, uint64_t csn, uint8_t flags) {
    struct art_entry entry = {.value = art_bytes("v", 1), .csn = csn, .flags = flags};
    must(art_memtable_set(memtable, art_bytes(key, (uint32_t)strlen(key)), &entry));
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
    must(art_redo_encode(writer, 1, &hash, &row));
    must(art_redo_replay(art_buffer_bytes(&row), 1, reader));
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
        must(art_redo_encode(writer, i, &hash, &row));
        art_memtable_forget_undo(writer);
        must(art_redo_replay(art_buffer_bytes(&row), i, reader));
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
    must(art_redo_encode(writer, 2, &hash, &row));
    ck_assert_uint_eq(row.len, ART_REDO_HASH_BYTES + 1);
    must(art_redo_verify(art_buffer_bytes(&row), 2, (struct art_hash128){0, 0}, &hash));
}

/* Who commits a row at a time has thousands of them in the log. */
TEST(test_a_row_of_one_entry_is_verified_without_memory) {
    set(writer, "a/path/of/some/length", 1, 0);
    must(art_redo_encode(writer, 1, &hash, &row));
    short_memory_use();
    short_memory_fail_after(0);
    int rc = art_redo_verify(art_buffer_bytes(&row), 1, (struct art_hash128){0, 0}, &hash);
    short_memory_fail_after(-1);
    must(rc);
}

TEST(test_a_row_of_an_impossible_number_is_damage) {
    set(writer, "a", 1, 0);
    must(art_redo_encode(writer, 1, &hash, &row));
    ck_assert_int_eq(art_redo_replay(art_buffer_bytes(&row), (uint64_t)1 << 56, reader), ART_CORRUPT);
    ck_assert_uint_eq(art_memtable_keys(reader), 0);
    must(art_redo_replay(art_buffer_bytes(&row), ((uint64_t)1 << 56) - 1, reader));
}

TEST(test_a_row_of_paths_is_small) {
    char key[64];
    for (int i = 0; i < 1000; i++) {
        sprintf(key, "bucket-07/path/sub/file-%06d.bin", i);
        set(writer, key, 1, 0);
    }
    must(art_redo_encode(writer, 1, &hash, &row));
    ck_assert_uint_lt(row.len, 1000 * 14); /* of 34 */
}

/* --- memory that runs out ----------------------------------------------------------------------------------------- */

CASE("model", .seconds = 600)

/* What is tried with one more allocation each time until it goes well. */
#define UNTIL_THERE_IS_MEMORY(before, call, behind)                                                                    \
    for (int rc = ART_NOMEM, good = 0; rc; good++) {                                                                   \
        before;                                                                                                        \
        short_memory_fail_after(good);                                                                                 \
        rc = (call);                                                                                                   \
        ck_assert_int_eq(rc, short_memory_failures() ? ART_NOMEM : ART_OK);                                            \
        short_memory_fail_after(-1);                                                                                   \
        behind;                                                                                                        \
    }

TEST(test_redo_without_memory_fails_cleanly) {
    struct random random = random_announced("redo without memory");
    struct memtable_model model;
    struct art_buffer row = {0}, all = {0};
    struct art_hash128 hash, begin = {1, 2};
    struct art_memtable *memtable;
    short_memory_use();
    int64_t blocks = short_memory_blocks();
    memtable_model_init(&model, KEYS_NESTED, MODEL_PLAIN, 400, &random);
    for (uint32_t i = 0; i < model.set.count; i++) memtable_model_set_at(&model, i);
    uint64_t csn = model.csn + 1;
    UNTIL_THERE_IS_MEMORY((art_buffer_clear(&row), hash = begin), art_redo_encode(model.memtable, csn, &hash, &row),
                          ck_assert(!rc || (!row.len && art_hash128_equal(hash, begin))));
    UNTIL_THERE_IS_MEMORY(art_buffer_clear(&all), art_redo_encode_all(model.memtable, &all),
                          ck_assert(!rc || !all.len));
    UNTIL_THERE_IS_MEMORY(, art_redo_verify(art_buffer_bytes(&row), csn, begin, &hash), );
    for (int round = 0; round < 2; round++) {
        UNTIL_THERE_IS_MEMORY(
            memtable = open_memtable(),
            round ? art_redo_replay(art_buffer_bytes(&row), csn, memtable)
                  : art_redo_decode_all(art_buffer_bytes(&all), memtable),
            ((rc ? (void)0 : memtables_equal(model.memtable, memtable)), art_memtable_unref(memtable)));
    }
    art_buffer_clear(&row);
    art_buffer_clear(&all);
    memtable_model_clear(&model);
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
    must(art_redo_reader_init(&reader, body, ART_REDO_ROW, 1));
    while (art_redo_reader_next(&reader, &key, &entry) == ART_OK) entries++;
    art_redo_reader_clear(&reader);
    return entries;
}

/* A row whose chain is right and whose body is anything: what verify lets through must replay, and nothing may
 * crash. */
static void attack(const struct memtable_model *model, struct art_bytes row, struct art_bytes all) {
    struct art_hash128 previous = {1, 2}, hash;
    struct art_bytes bad = mutated(row, ART_REDO_HASH_BYTES, model->random);
    hash = art_redo_hash(previous, 1, bad.data + ART_REDO_HASH_BYTES, bad.len - ART_REDO_HASH_BYTES);
    art_store64((uint8_t *)bad.data, hash.low);
    art_store64((uint8_t *)bad.data + 8, hash.high);
    struct art_memtable *memtable = memtable_model_open(model);
    int verified = art_redo_verify(bad, 1, previous, &hash);
    HOLDS(verified == ART_OK || verified == ART_CORRUPT);
    HOLDS((int)art_redo_replay(bad, 1, memtable) == verified);
    if (verified == ART_OK) ck_assert_uint_eq(art_memtable_keys(memtable), entries_of(bad)); /* each key once */
    must(art_memtable_check(memtable));
    free((void *)bad.data);
    art_memtable_unref(memtable);

    bad = mutated(all, 0, model->random);
    must(art_memtable_compact(model->memtable, &memtable));
    int rc = art_redo_decode_all(bad, memtable);
    HOLDS(rc == ART_OK || rc == ART_CORRUPT);
    must(art_memtable_check(memtable)); /* all sums, too */
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
    must(decode_key_of(ART_KEY_MAX - 1));
    ck_assert_int_eq(decode_key_of(ART_KEY_MAX), ART_CORRUPT);
    ck_assert_int_eq(decode_key_of(1000000), ART_CORRUPT);
    ck_assert_int_eq(decode_key_of(0), ART_CORRUPT); /* the first key once more */
}

CASE("model", .seconds = 600)

LOOP_TEST(test_hostile_rows_are_refused_or_harmless, KEY_FAMILIES * 2) {
    enum key_family family = _i / 2;
    struct random random = random_announced("hostile rows");
    random.state += (unsigned)_i;
    struct memtable_model model;
    struct art_buffer row = {0}, all = {0};
    struct art_hash128 hash = {1, 2};
    memtable_model_init(&model, family, _i % 2 ? MODEL_SUMMED : MODEL_PLAIN, 12, &random);
    for (uint32_t i = 0; i < model.set.count; i++) memtable_model_set_at(&model, i);
    must(art_redo_encode(model.memtable, 1, &hash, &row));
    must(art_redo_encode_all(model.memtable, &all));
    unsigned rounds = random_rounds(family == KEYS_LONG || family == KEYS_TWINS ? 100 : 2500);
    for (unsigned i = 0; i < rounds; i++) attack(&model, art_buffer_bytes(&row), art_buffer_bytes(&all));
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
    memtable_model_clear(&model);
}

SUITE("memtable redo", .seconds = 600)
