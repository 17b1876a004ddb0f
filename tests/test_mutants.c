/* What the lists of deliberate defects (tests/mutants) have shown nobody to look at: each test here is the one that notices
 * some of them, and each is about a promise of its own.
 */
#include <check.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/blob/bucket.h"
#include "core/io/blob_pool.h"
#include "core/io/io.h"
#include "core/io/io_system.h"
#include "core/tree/private.h"
#include "ext/art.h"
#include "tests/support/blob_model.h"
#include "tests/support/sim_disk.h"
#include "tests/support/sql.h"
#include "tests/support/sql_expect.h"
#include "tests/support/tree_world.h"

/* Nothing here loses power: a busy disk need not be waited for. */
__attribute__((visibility("default"))) int fsync(int fd) {
    return fd < 0 ? -1 : 0;
}

__attribute__((visibility("default"))) int fdatasync(int fd) {
    return fd < 0 ? -1 : 0;
}

static void must(int rc) {
    ck_assert_msg(rc == ART_OK, "%s: %s", art_error_name(rc), art_error_message());
}

static struct art_bytes text(const char *of) {
    return art_bytes(of, (uint32_t)strlen(of));
}

/* --- a tree and a host that may refuse its COMMIT ----------------------------------------------------------------- */

static struct toy *toy;
static struct sim_disk *disk;
static struct art_tree *tree;
static struct art_tree_options options;

static void set_up_tree(void) {
    uint8_t byte = 0;
    disk = sim_disk_new(1);
    sim_disk_put_file(disk, "a.db", &byte, 1);
    options = (struct art_tree_options){.disk = sim_disk_art(disk),
                                        .path = "a.db-t-12345678.art",
                                        .host_path = "a.db",
                                        .cache_bytes = 16 << 20,
                                        .log_limit = 1 << 20,
                                        .spill_limit = 16 << 20,
                                        .blob_pages = 4};
    toy = toy_new(false);
    must(toy_open(toy, &options, &tree));
    must(toy_refresh(toy, tree));
}

static void tear_down_tree(void) {
    art_tree_close(tree);
    toy_free(toy);
    sim_disk_free(disk);
}

static void insert(const char *path) {
    bool existed;
    must(art_tree_insert(tree, ART_WRITE_INSERT, text(path), text(path), &existed));
    ck_assert(!existed);
}

/* What xSync does; the host then goes on, or says BUSY. */
static void prepare(void) {
    struct art_commit commit;
    must(art_tree_prepare(tree, &commit));
    toy_write(toy, &commit);
}

static void commit(void) {
    prepare();
    art_tree_committed(tree); /* who commits need not look again */
}

/* Another connection finds these paths, and nothing wrong. */
static void others_see(const char *paths) {
    struct art_tree *other;
    struct art_cursor *cursor;
    char seen[400] = "";
    must(toy_open(toy, &options, &other));
    must(toy_refresh(toy, other));
    must(art_tree_check(other));
    must(art_cursor_open(other, &cursor));
    must(art_cursor_seek(cursor, &(struct art_range){0}, false));
    for (; art_cursor_valid(cursor); must(art_cursor_next(cursor))) {
        struct art_bytes key = art_cursor_key(cursor);
        snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%.*s ", (int)key.len, (const char *)key.data);
    }
    ck_assert_str_eq(seen, paths);
    art_cursor_close(cursor);
    art_tree_close(other);
}

static void insert_many(const char *beginning) {
    for (int i = 0; i < 300; i++) {
        char path[100];
        snprintf(path, sizeof path, "%s/%04d/and a long rest that fills the blobs of this file", beginning, i);
        insert(path);
    }
}

/* The refused COMMIT has put a root into row 0, whose blobs are given back; the next one has none to put there. */
START_TEST(test_a_root_of_a_refused_commit_does_not_stay) {
    struct art_commit out;
    struct art_tree *other;
    uint32_t mark;
    insert_many("a");
    must(art_tree_request_flush(tree));
    commit();
    insert("b");
    must(art_tree_request_optimize(tree));
    commit(); /* behind the slots that this frees */
    insert("c");
    must(art_tree_request_vacuum(tree));
    prepare(); /* into them */
    must(art_tree_mark(tree, &mark));
    art_tree_rollback_to(tree, mark); /* forgets the wish, and with it the root */
    insert("d");
    commit();
    insert_many("e"); /* into the same slots again, in vain */
    must(art_tree_request_flush(tree));
    must(art_tree_prepare(tree, &out));
    art_tree_rolled_back(tree);
    must(toy_open(toy, &options, &other));
    must(toy_refresh(toy, other));
    must(art_tree_check(other));
    uint64_t rows;
    must(art_tree_count(other, &(struct art_range){0}, &rows));
    ck_assert_uint_eq(rows, 303);
    art_tree_close(other);
}
END_TEST

/* As above; and the transaction has changed no row at all. */
START_TEST(test_a_log_that_a_refused_commit_has_emptied_is_filled_again) {
    uint32_t mark;
    insert("a");
    commit();
    must(art_tree_request_flush(tree));
    prepare();
    must(art_tree_mark(tree, &mark));
    art_tree_rollback_to(tree, mark);
    commit();
    others_see("a ");
    insert("b");
    commit();
    others_see("a b ");
}
END_TEST

/* Nobody would ever find them again. */
START_TEST(test_pieces_go_with_the_value_that_they_were) {
    static uint8_t longer[300000];
    struct art_tree_info info;
    bool existed;
    for (int i = 0; i < 4; i++) {
        struct art_bytes value = art_bytes(longer, i % 2 ? 10 : sizeof longer);
        must(art_tree_insert(tree, ART_WRITE_REPLACE, text("a"), value, &existed));
        must(art_tree_insert(tree, ART_WRITE_REPLACE, text(i % 2 ? "b" : "c"), value, &existed));
        must(art_tree_move(tree, ART_WRITE_REPLACE, text(i % 2 ? "b" : "c"), text("d"), NULL, &existed));
        must(art_tree_request_optimize(tree));
        commit();
        must(art_tree_info(tree, &info));
        ck_assert_uint_eq(info.keys, 2);
        ck_assert_uint_eq(info.run[0].entries,
                          i % 2 ? 2 : 2 + 2 * ((sizeof longer + ART_PIECE_BYTES - 1) / ART_PIECE_BYTES));
    }
    must(art_tree_delete(tree, text("a"), &existed));
    must(art_tree_delete(tree, text("d"), &existed));
    must(art_tree_request_optimize(tree));
    commit();
    must(art_tree_info(tree, &info));
    ck_assert_uint_eq(info.runs, 0);
}
END_TEST

/* --- bounds beyond the longest path ------------------------------------------------------------------------------- */

static void range_holds(struct art_range range, const char *firsts) {
    struct art_cursor *cursor;
    uint64_t rows;
    must(art_tree_count(tree, &range, &rows));
    ck_assert_uint_eq(rows, strlen(firsts));
    must(art_cursor_open(tree, &cursor));
    for (int descending = 0; descending < 2; descending++) {
        size_t n = 0;
        must(art_cursor_seek(cursor, &range, descending));
        for (; art_cursor_valid(cursor); must(art_cursor_next(cursor)), n++) {
            ck_assert_uint_lt(n, rows);
            ck_assert_int_eq(art_cursor_key(cursor).data[0], firsts[descending ? rows - 1 - n : n]);
        }
        ck_assert_uint_eq(n, rows);
    }
    art_cursor_close(cursor);
}

START_TEST(test_a_bound_longer_than_any_path_lies_behind_its_longest_beginning) {
    static uint8_t longest[ART_PATH_MAX + 9];
    bool existed;
    memset(longest, 'b', sizeof longest);
    insert("a");
    insert("c");
    must(art_tree_insert(tree, ART_WRITE_INSERT, art_bytes(longest, ART_PATH_MAX), text("b"), &existed));
    for (int in_runs = 0; in_runs < 2; in_runs++) {
        struct art_bytes bound = art_bytes(longest, sizeof longest);
        for (int open = 0; open < 2; open++) {
            range_holds((struct art_range){.low = bound, .low_set = true, .low_open = open}, "c");
            range_holds((struct art_range){.high = bound, .high_set = true, .high_open = open}, "ab");
        }
        bound.len = ART_PATH_MAX;
        range_holds((struct art_range){.low = bound, .low_set = true}, "bc");
        range_holds((struct art_range){.low = bound, .low_set = true, .low_open = true}, "c");
        range_holds((struct art_range){.high = bound, .high_set = true}, "ab");
        range_holds((struct art_range){.high = bound, .high_set = true, .high_open = true}, "a");
        must(art_tree_request_flush(tree));
        commit();
    }
}
END_TEST

/* --- refused commits of transactions that have spilled ------------------------------------------------------------ */

enum { NUMBERS = 1500, PARTS_MAX = 6 };

static struct random dice;
static struct model *now, *base, *marked[PARTS_MAX];

/* Some neighbouring keys are set, or deleted. */
static void change_some(void) {
    uint32_t from = random_below(&dice, NUMBERS), count = 40 + random_below(&dice, 500);
    bool deletes = random_once_in(&dice, 3), existed;
    for (uint32_t i = from; i < from + count && i < NUMBERS; i++) {
        char key[12], value[160];
        snprintf(key, sizeof key, "k%05u", i);
        memset(value, (int)('a' + random_below(&dice, 26)), sizeof value);
        struct art_bytes bytes = art_bytes(value, 60 + random_below(&dice, 100));
        if (deletes) {
            must(art_tree_delete(tree, text(key), &existed));
            model_delete(now, text(key));
        } else {
            must(art_tree_insert(tree, ART_WRITE_REPLACE, text(key), bytes, &existed));
            model_put(now, text(key), bytes);
        }
    }
}

static void is_what(const struct model *model) {
    if (art_tree_unknown(tree)) must(toy_refresh(toy, tree));
    must(model_compare(&dice, tree, model, 0));
}

static void ask_for_less(void) {
    must(random_once_in(&dice, 2) ? art_tree_request_optimize(tree) : art_tree_request_vacuum(tree));
}

/* One history: the COMMIT is refused, and then tried again, taken back to a savepoint, or rolled back. */
static void refuse_once(void) {
    struct art_commit refused_commit;
    uint32_t marks = 0, mark;
    for (uint32_t i = 1 + random_below(&dice, 3); i; i--) {
        change_some();
        if (random_once_in(&dice, 2)) must(art_tree_request_flush(tree));
        if (random_once_in(&dice, 2)) ask_for_less();
        commit();
    }
    model_copy(now, base);
    for (uint32_t i = 1 + random_below(&dice, PARTS_MAX); i; i--) {
        change_some();
        if (marks == PARTS_MAX || random_once_in(&dice, 2)) continue;
        must(art_tree_mark(tree, &mark));
        ck_assert_uint_eq(mark, marks);
        model_copy(now, marked[marks++]);
    }
    ask_for_less();
    must(art_tree_prepare(tree, &refused_commit));
    is_what(now);
    uint32_t end = random_below(&dice, 3);
    if (end == 0) {
        art_tree_rolled_back(tree);
        must(toy_refresh(toy, tree));
        model_copy(base, now);
    } else if (end == 1 && marks) {
        mark = random_below(&dice, marks);
        art_tree_rollback_to(tree, mark);
        model_copy(marked[mark], now);
    }
    is_what(now);
    if (end) change_some();
    commit();
    is_what(now);
    must(art_tree_check(tree));
}

START_TEST(test_a_refused_commit_cuts_nothing_off_that_is_needed_again) {
    uint64_t first = random_seed();
    printf("refused commits: seeds %llu on\n", (unsigned long long)first);
    fflush(stdout);
    now = calloc(1, sizeof *now);
    base = calloc(1, sizeof *base);
    for (int i = 0; i < PARTS_MAX; i++) marked[i] = calloc(1, sizeof *marked[i]);
    for (uint64_t seed = first; seed < first + 60 * random_scale(); seed++) {
        tear_down_tree();
        set_up_tree();
        dice = (struct random){seed};
        model_clear(now);
        art_tree_set_limits(tree, 1 << 14, 1 << 20, (uint64_t)15000 << random_below(&dice, 4));
        for (int i = 0; i < 3; i++) refuse_once();
    }
    for (int i = 0; i < PARTS_MAX; i++) model_clear(marked[i]), free(marked[i]);
    model_clear(now);
    model_clear(base);
    free(now);
    free(base);
}
END_TEST

/* --- the ring ----------------------------------------------------------------------------------------------------- */

static unsigned completions, completions_at_unlock;
static int (*system_lock)(int fd, int type);

static int count_completion(int result) {
    completions++;
    return result;
}

static int note_unlock(int fd, int type) {
    if (type == F_UNLCK) completions_at_unlock = completions;
    return system_lock(fd, type);
}

/* Else the next writer's blob is overwritten by one that the kernel has still in hand. */
START_TEST(test_a_file_is_unlocked_when_all_its_writes_are_done) {
    enum { WRITES = 12 };
    char *folder = sql_scratch("unlock"), *name = sqlite3_mprintf("%s/x.art", folder);
    struct art_file_options file = {.path = name, .create = true, .permissions = 0600, .engine = ART_ENGINE_URING};
    struct art_blob_pool *pool;
    struct art_blob_buf buffers[WRITES];
    struct art_io_request requests[WRITES];
    struct art_io *io;
    must(art_blob_pool_open(&pool, WRITES));
    file.pool = pool;
    must(art_disk_system()->methods->open(art_disk_system(), &file, &io));
    for (int i = 0; i < WRITES; i++) {
        must(art_blob_buf_get_zeroed(pool, &buffers[i]));
        requests[i] = (struct art_io_request){buffers[i].data, ART_BLOB_SIZE, (uint64_t)i * ART_BLOB_SIZE};
    }
    system_lock = art_system.lock;
    art_system.lock = note_unlock;
    art_system.ring_result = count_completion;
    must(io->methods->lock(io));
    must(art_io_write(io, requests, WRITES));
    io->methods->unlock(io);
    if (strcmp(io->engine, "uring"))
        printf("SKIPPED: this kernel gives us no ring\n");
    else
        ck_assert_uint_ge(completions_at_unlock, WRITES);
    art_io_close(io);
    art_system_reset();
    for (int i = 0; i < WRITES; i++) art_blob_buf_put(&buffers[i]);
    art_blob_pool_close(pool);
    sql_scratch_remove(folder);
    sqlite3_free(folder);
    sqlite3_free(name);
}
END_TEST

/* --- SQL ---------------------------------------------------------------------------------------------------------- */

static char *directory, *path;
static sqlite3 *db;

static void set_up(void) {
    directory = sql_scratch("mutants");
    path = sqlite3_mprintf("%s/a.db", directory);
    db = sql_open(path);
}

static void tear_down(void) {
    sql_close(db);
    sql_scratch_remove(directory);
    sqlite3_free(directory);
    sqlite3_free(path);
}

static void fill(sqlite3 *on, const char *name, int rows, int bytes) {
    sql_run(on,
            "INSERT OR REPLACE INTO t(path, value) WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT %d) "
            "SELECT printf('%s/%%06d', i), hex(zeroblob(%d)) FROM n",
            rows, name, bytes / 2);
}

static void copy_over(const char *from, const char *to) {
    char bytes[65536];
    size_t n;
    FILE *in = fopen(from, "rb"), *out = fopen(to, "r+b");
    if (!out) out = fopen(to, "wb");
    ck_assert(in && out);
    while ((n = fread(bytes, 1, sizeof bytes, in)) > 0) ck_assert_uint_eq(fwrite(bytes, 1, n, out), n);
    ck_assert_int_eq(ftruncate(fileno(out), ftell(out)), 0);
    fclose(in);
    fclose(out);
}

/* The database is taken back to what it was, with other commits of the same numbers, or with fewer. The schema is the same,
 * so that SQLite keeps its handles: only the rows of the log tell. */
START_TEST(test_a_connection_sees_that_its_history_was_replaced) {
    static const struct {
        const char *live, *restored;
    } histories[] = {
        {"INSERT INTO t VALUES('live', 1)", "INSERT INTO t VALUES('restored', 1)"},
        {"INSERT INTO t VALUES('live', 1)", ""},
        {"INSERT INTO t VALUES('live', 1); INSERT INTO t VALUES('live, too', 1)",
         "INSERT INTO t VALUES('restored', 1)"},
        {"INSERT INTO t VALUES('live', 1); INSERT INTO t(t) VALUES('flush')", ""},
        {"INSERT INTO t VALUES('live', 1); INSERT INTO t(t) VALUES('flush')",
         "INSERT INTO t VALUES('restored', 1); INSERT INTO t(t) VALUES('flush')"},
        {"INSERT INTO t VALUES('live', 1)", "INSERT INTO t VALUES('restored', 1); INSERT INTO t(t) VALUES('flush')"},
    };
    for (size_t i = 0; i < sizeof histories / sizeof *histories; i++) {
        char *aside = sqlite3_mprintf("%s/aside", directory), *copy = sqlite3_mprintf("%s/a.db", aside);
        sql_run(db, "PRAGMA journal_mode=DELETE; CREATE TABLE m(a)");
        sql_create(db, "t", "");
        sql_run(db, "INSERT INTO t VALUES('first', 1)");
        ck_assert_int_eq(mkdir(aside, 0755), 0);
        copy_over(path, copy);
        sqlite3 *other = sql_open(copy);
        sql_run(other, "%s", histories[i].restored);
        sql_run(other,
                "INSERT INTO m VALUES(1); INSERT INTO m VALUES(2); INSERT INTO m VALUES(3)"); /* SQLite sees it */
        char *wanted = sql_rows(other, "SELECT path, version FROM t");
        sql_close(other);
        sql_run(db, "%s", histories[i].live);
        sqlite3_stmt *kept = sql_prepare(db, "SELECT path, version FROM t");
        while (sqlite3_step(kept) == SQLITE_ROW) {
        }
        sqlite3_reset(kept);
        copy_over(copy, path); /* the database alone */
        int rc = sqlite3_step(kept);
        sqlite3_finalize(kept);
        if (strstr(histories[i].restored, "flush")) { /* whose blobs are still in the copy's own file */
            ck_assert_msg(rc != SQLITE_ROW && rc != SQLITE_DONE, "history %zu: old rows are shown", i);
        } else {
            char *rows = sql_rows(db, "SELECT path, version FROM t");
            ck_assert_msg(!strcmp(rows, wanted), "history %zu: %s instead of %s", i, rows, wanted);
            sqlite3_free(rows);
        }
        sqlite3_free(wanted);
        sql_scratch_remove(aside);
        sqlite3_free(aside);
        sqlite3_free(copy);
        tear_down();
        set_up();
    }
}
END_TEST

START_TEST(test_a_flush_leaves_nothing_but_the_root_in_the_log) {
    sql_create(db, "t", "log_limit='4KB'");
    for (int i = 0; i < 20; i++) {
        sql_run(db, "INSERT INTO t VALUES(%d, hex(zeroblob(800)))", i);
        ck_assert_int_le(sql_int(db, "SELECT sum(length(ops)) FROM t_log"), 8192);
    }
    sql_command(db, "main", "t", "flush");
    sql_expect(db, "0\n", "SELECT csn FROM t_log");
}
END_TEST

START_TEST(test_a_transaction_whose_row_would_be_too_long_for_sqlite_is_flushed) {
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 100000);
    sql_create(db, "t", "");
    sql_run(db, "BEGIN");
    fill(db, "a", 300, 1000);
    sql_run(db, "COMMIT");
    sql_expect(db, "300|ok\n", "SELECT count(*), art_check('t') FROM t");
}
END_TEST

/* More than a root can have runs; and it is not all in memory. */
START_TEST(test_a_transaction_may_spill_any_number_of_times) {
    sql_create(db, "t", "spill_limit='64KB', io=pwrite, direct=off");
    sql_run(db, "BEGIN");
    for (int i = 0; i < 40; i++) {
        char name[20];
        snprintf(name, sizeof name, "%d", (i * 7) % 40);
        fill(db, name, 100, 1000);
    }
    sql_expect(db, "4000|ok\n", "SELECT count(*), art_check('t') FROM t");
    char *file = sql_find_file(directory, ".art");
    ck_assert_msg(file, "4 MB of rows, and none of them in the file");
    sqlite3_free(file);
    sql_run(db, "COMMIT");
    sql_expect(db, "4000|ok\n", "SELECT count(*), art_check('t') FROM t");
}
END_TEST

/* --- refused commits of spilled transactions ---------------------------------------------------------------------- */

/* A COMMIT that meets a reader. */
static void refused(void) {
    sqlite3 *other = sql_open(path);
    sqlite3_stmt *reader = sql_prepare(other, "SELECT path FROM t");
    ck_assert_int_eq(sqlite3_step(reader), SQLITE_ROW);
    ck_assert_int_eq(sql_try(db, "COMMIT"), SQLITE_BUSY);
    sqlite3_finalize(reader);
    sql_close(other);
}

/* Blobs of the committed state, of a savepoint within the transaction and of its end, each wherever there was room. */
static void spill_with_a_savepoint(int base, int part) {
    sql_run(db, "PRAGMA journal_mode=DELETE");
    sql_create(db, "t", "spill_limit='100KB', cache='256KB', io=pwrite, direct=off");
    fill(db, "base", base, 1000);
    sql_command(db, "main", "t", "flush");
    fill(db, "gone", base, 1000);
    sql_command(db, "main", "t", "flush");
    sql_run(db, "DELETE FROM t WHERE path GLOB 'base*'; INSERT INTO t(t) VALUES('optimize')");
    sql_run(db, "BEGIN");
    fill(db, "one", part, 1000);
    fill(db, "two", part, 1000);
    sql_run(db, "DELETE FROM t WHERE path GLOB 'gone*' OR path GLOB 'one*'; SAVEPOINT s");
    fill(db, "three", part, 1000);
    fill(db, "four", part, 1000);
    sql_run(db, "DELETE FROM t WHERE path GLOB 't*'");
}

/* How a refused COMMIT goes on. */
START_TEST(test_a_refused_commit_of_a_spilled_transaction_has_lost_nothing) {
    static const int sizes[][2] = {{800, 200}, {200, 800}, {500, 300}, {1500, 700}};
    static const char *const commands[] = {"vacuum", "optimize"};
    int base = sizes[_i / 2][0], part = sizes[_i / 2][1];
    for (int end = 0; end < 3; end++) {
        spill_with_a_savepoint(base, part);
        sql_command(db, "main", "t", commands[_i % 2]);
        refused();
        char *wanted = NULL;
        switch (end) {
        case 0:
            wanted = sqlite3_mprintf("%d|%d|%d|ok\n", base, base, 0);
            sql_run(db, "ROLLBACK");
            break;
        case 1:
            wanted = sqlite3_mprintf("%d|0|%d|ok\n", part, part);
            sql_run(db, "INSERT INTO t VALUES('last', 1)");
            sql_run(db, "DELETE FROM t WHERE path = 'last'");
            break;
        default:
            wanted = sqlite3_mprintf("%d|0|0|ok\n", part);
            sql_run(db, "ROLLBACK TO s");
        }
        for (int again = 0; again < 2; again++) {
            char *rows = sql_rows(db, "SELECT count(*), sum(path GLOB 'gone*'), sum(path GLOB 'four*'), art_check('t') "
                                      "FROM t WHERE length(value) = 1000");
            ck_assert_msg(!strcmp(rows, wanted), "end %d: %s instead of %s", end, rows, wanted);
            sqlite3_free(rows);
            if (end && !again) sql_run(db, "COMMIT");
        }
        sqlite3_free(wanted);
        sql_run(db, "DROP TABLE t");
    }
}
END_TEST

/* A savepoint between two spills: its blobs are neither the base's nor the present root's. */
START_TEST(test_a_savepoint_between_spills_keeps_its_blobs) {
    sql_create(db, "t", "spill_limit='100KB', cache='256KB', io=pwrite, direct=off");
    fill(db, "base", 500, 1000);
    sql_command(db, "main", "t", "flush");
    sql_run(db, "BEGIN");
    fill(db, "one", 500, 1000);
    sql_run(db, "SAVEPOINT a; DELETE FROM t WHERE path GLOB 'base*'");
    fill(db, "two", 500, 1000);
    sql_run(db, "SAVEPOINT b; DELETE FROM t WHERE path GLOB 'one*'");
    for (int i = 0; i < 4; i++) {
        fill(db, "three", 700, 1000 + 2 * i);
        sql_run(db, "DELETE FROM t WHERE path GLOB 'two*'");
    }
    sql_run(db, "ROLLBACK TO b");
    sql_expect(db, "1000|ok\n", "SELECT count(length(value)), art_check('t') FROM t WHERE length(value) = 1000");
    sql_run(db, "ROLLBACK TO a");
    sql_expect(db, "base/000001|1000|ok\n",
               "SELECT min(path), count(length(value)), art_check('t') FROM t WHERE length(value) = 1000");
    sql_run(db, "COMMIT");
    sql_expect(db, "base/000001|1000|ok\n",
               "SELECT min(path), count(length(value)), art_check('t') FROM t WHERE length(value) = 1000");
}
END_TEST

/* --- forged tables ------------------------------------------------------------------------------------------------ */

/* The list of young slots is not covered by a hash: one that makes no sense stops the flush, and whatever it says, no slot
 * of the committed root is written. */
START_TEST(test_a_forged_list_of_young_slots_is_refused_or_harmless) {
    static const char *const lists[] = {"01010000000000000000",
                                        "0101000000000000000000FF",
                                        "02010000000000000000",
                                        "0105000000000000000000",
                                        "010100000000000000000101010101",
                                        "010100000000000000000200",
                                        "0101000000000000000001FFFFFFFFFF0F"};
    sql_create(db, "t", "log_limit='1MB'");
    fill(db, "a", 300, 1000);
    sql_command(db, "main", "t", "flush");
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        sql_run(db, "UPDATE t_state SET v = x'%s' WHERE k = 'young'", lists[i]);
        sql_run(db, "INSERT OR REPLACE INTO t VALUES('b', %d)", (int)i);
        int rc = sql_try(db, "INSERT INTO t(t) VALUES('flush')");
        ck_assert_msg(rc == SQLITE_CORRUPT_VTAB && strstr(sqlite3_errmsg(db), "young slots"), "list %zu: %d, %s", i, rc,
                      sqlite3_errmsg(db));
    }
    sql_run(db, "UPDATE t_state SET v = x'' WHERE k = 'young'");
    sql_command(db, "main", "t", "optimize");
    sql_expect(db, "301|ok\n", "SELECT count(*), art_check('t') FROM t");
}
END_TEST

/* What is behind a NUL is no part of a file's name, nor is what is before a name's beginning. */
START_TEST(test_a_forged_name_of_the_file_is_none) {
    static const char *const names[] = {
        "'a' || char(0) || '.art'",          "''", "'art'", "'.art/'", "'a' || char(0) || '/../x.art'", "'../x.art'",
        "printf('%.*c', 300, 'x') || '.art'"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        sql_run(db, "DROP TABLE IF EXISTS t; CREATE VIRTUAL TABLE t USING art; INSERT INTO t VALUES('a', 1)");
        char *end = sql_rows(db, "SELECT lower(hex(substr(v, 1, 4))) FROM t_state WHERE k = 'id'");
        end[8] = 0;
        const char *id = strstr(names[i], "ID");
        int before = id ? (int)(id - names[i]) : (int)strlen(names[i]);
        sql_run(db, "UPDATE t_state SET v = %.*s%s%s%s WHERE k = 'file'", before, names[i], id ? "'" : "",
                id ? end : "", id ? ".art'" : "");
        sqlite3_free(end);
        sql_close(db);
        db = sql_open(path);
        sql_refused(db, SQLITE_CORRUPT_VTAB, "the name of the .art file is lost", "SELECT * FROM t");
    }
}
END_TEST

/* Pieces of one value under the reference of another of the same length. */
START_TEST(test_pieces_of_another_value_are_refused) {
    struct art_row row;
    struct art_bytes value;
    uint8_t *owned, bytes[9000], id[28];
    bool existed;
    memset(bytes, 'x', sizeof bytes);
    must(art_tree_insert(tree, ART_WRITE_INSERT, text("x"), art_bytes(bytes, sizeof bytes), &existed));
    memset(bytes, 'y', sizeof bytes);
    must(art_tree_insert(tree, ART_WRITE_INSERT, text("y"), art_bytes(bytes, sizeof bytes), &existed));
    commit();
    must(art_tree_get(tree, text("x"), &row));
    ck_assert(row.pieces && row.stored.len == sizeof id);
    memcpy(id, row.stored.data, sizeof id);
    id[8 + 8 + 3] ^= 1; /* its counter: that of the other */
    struct art_row forged = row;
    forged.stored = art_bytes(id, sizeof id);
    int rc = art_row_value(tree, &forged, &value, &owned);
    ck_assert_int_eq(rc, ART_CORRUPT);
    must(art_row_value(tree, &row, &value, &owned));
    ck_assert_uint_eq(value.len, sizeof bytes);
    ck_assert_int_eq(value.data[0], 'x');
    free(owned);
    art_row_release(&row);
}
END_TEST

/* --- bytes with and without their hashes -------------------------------------------------------------------------- */

/* A head of several pages: what is not in the header's own page has its hash there. */
START_TEST(test_a_flipped_bit_in_a_long_head_is_refused) {
    struct random random = {random_seed()};
    struct blob_rows rows;
    struct blob_run run;
    printf("long heads: seed %llu\n", (unsigned long long)random.state);
    blob_rows_make(&rows, (struct blob_style){.family = BLOB_DIRECTORIES}, 12000, &random);
    blob_run_build(&run, &rows, 0, true);
    struct blob_image *image = &run.slots[0];
    ck_assert_uint_gt(image->ref.head_pages, 2);
    uint32_t from = ART_BLOB_BYTES - image->ref.head_pages * ART_BLOB_PAGE, end = ART_BLOB_BYTES - ART_BLOB_PAGE;
    for (uint32_t at = from; at < end; at += 1 + random_below(&random, 90)) {
        struct art_blob blob;
        uint8_t bit = (uint8_t)(1u << random_below(&random, 8));
        image->image[at] ^= bit;
        ck_assert_int_eq(art_blob_open(&blob, image->image, &image->ref, blob_uuid, "test"), ART_CORRUPT);
        image->image[at] ^= bit;
    }
    blob_run_clear(&run);
    blob_rows_clear(&rows);
}
END_TEST

/* Somebody has made a value longer than its bucket, and all the hashes right. */
START_TEST(test_a_value_that_leaves_its_bucket_is_refused) {
    struct random random = {random_seed()};
    struct blob_rows rows;
    struct blob_run run;
    unsigned tried = 0;
    printf("long values: seed %llu\n", (unsigned long long)random.state);
    blob_rows_make(&rows, (struct blob_style){BLOB_DIRECTORIES, VALUES_MIXED, FLAGS_PUTS, CSNS_BYTE}, 600, &random);
    blob_run_build(&run, &rows, 0, false);
    struct blob_image *image = &run.slots[0];
    for (uint32_t b = 0; b < image->blob.buckets; b++) {
        struct art_bucket_view view;
        struct art_blob blob;
        art_bucket_view_open(&view, image->image + art_bucket_offset(&image->blob, b));
        if (!(view.form & ART_BUCKET_LENGTHS)) continue;
        uint8_t *end = (uint8_t *)view.value_ends + 2 * (view.count - 1);
        uint32_t before = view.count > 1 ? art_load16(end - 2) : 0, was = art_load16(end);
        art_store16(end, before + ART_VALUE_INLINE_MAX);
        blob_image_rehash(image->image, &image->ref);
        must(art_blob_open(&blob, image->image, &image->ref, blob_uuid, "test"));
        ck_assert_int_eq(art_blob_verify_all(&blob), ART_CORRUPT);
        art_store16(end, was);
        tried++;
    }
    ck_assert_uint_gt(tried, 0);
    blob_run_clear(&run);
    blob_rows_clear(&rows);
}
END_TEST

/* The upper of two runs says that a key was not there before, and the lower one has it. */
START_TEST(test_runs_that_disagree_are_not_merged) {
    struct art_commit out;
    uint64_t len;
    bool existed;
    insert("a");
    must(art_tree_request_flush(tree));
    commit();
    must(art_tree_insert(tree, ART_WRITE_REPLACE, text("a"), text("again"), &existed));
    must(art_tree_request_flush(tree));
    commit();
    ck_assert_uint_eq(tree->root->runs, 2);
    struct art_ref *top = &tree->root->run[0].top;
    uint8_t *slot = sim_disk_file_bytes(disk, options.path, &len) + (uint64_t)top->slot * ART_BLOB_BYTES;
    ck_assert_uint_eq(slot[8], ART_OVER); /* the flags of all entries of the first bucket */
    slot[8] = 0;
    blob_image_rehash(slot, top);
    must(art_tree_request_optimize(tree));
    int rc = art_tree_prepare(tree, &out);
    ck_assert_msg(rc == ART_CORRUPT, "%s", art_error_name(rc));
    ck_assert_ptr_nonnull(strstr(art_error_message(), "disagree"));
    art_tree_rolled_back(tree);
}
END_TEST

/* --- objects that SQLite tells nothing ---------------------------------------------------------------------------- */

/* Somebody's table has the tracker's name: then SQLite's callbacks for a table that ROLLBACK TO has undone still come. */
START_TEST(test_a_table_that_was_taken_back_writes_nothing_without_a_tracker) {
    sql_run(db, "CREATE TEMP TABLE art_txn(x)");
    sql_run(db, "BEGIN; SAVEPOINT s; CREATE VIRTUAL TABLE t USING art; INSERT INTO t VALUES('old', 1)");
    sql_run(db, "ROLLBACK TO s; COMMIT");
    sql_run(db, "BEGIN; SAVEPOINT s; CREATE VIRTUAL TABLE t USING art; INSERT INTO t VALUES('old', 1)");
    sql_run(db, "ROLLBACK TO s; CREATE VIRTUAL TABLE t USING art; INSERT INTO t VALUES('new', 1); COMMIT");
    sql_expect(db, "new|1|ok\n", "SELECT path, version, art_check('t') FROM t");
    sqlite3 *other = sql_open(path);
    sql_expect(other, "new|1|ok\n", "SELECT path, version, art_check('t') FROM t");
    sql_close(other);
}
END_TEST

/* --- lists, as SQLite may hand them over -------------------------------------------------------------------------- */

static bool shuffled;
static sqlite3_value *elements[64];
static int element_count, element_next;

/* In place of SQLite's: backward, and each element twice. */
__attribute__((visibility("default"))) int sqlite3_vtab_in_first(sqlite3_value *list, sqlite3_value **out) {
    static int (*first)(sqlite3_value *, sqlite3_value **), (*next)(sqlite3_value *, sqlite3_value **);
    if (!first) first = (int (*)(sqlite3_value *, sqlite3_value **))dlsym(RTLD_NEXT, "sqlite3_vtab_in_first");
    if (!next) next = (int (*)(sqlite3_value *, sqlite3_value **))dlsym(RTLD_NEXT, "sqlite3_vtab_in_next");
    if (!shuffled) return first(list, out);
    sqlite3_value *value;
    element_count = element_next = 0;
    int rc = first(list, &value);
    for (; rc == SQLITE_OK && value && element_count < 62; rc = next(list, &value)) {
        elements[element_count++] = sqlite3_value_dup(value);
        elements[element_count++] = sqlite3_value_dup(value);
    }
    *out = element_count ? elements[element_count - 1] : NULL;
    return element_count ? SQLITE_OK : rc;
}

__attribute__((visibility("default"))) int sqlite3_vtab_in_next(sqlite3_value *list, sqlite3_value **out) {
    static int (*next)(sqlite3_value *, sqlite3_value **);
    if (!next) next = (int (*)(sqlite3_value *, sqlite3_value **))dlsym(RTLD_NEXT, "sqlite3_vtab_in_next");
    if (!shuffled) return next(list, out);
    *out = ++element_next < element_count ? elements[element_count - 1 - element_next] : NULL;
    return *out ? SQLITE_OK : SQLITE_DONE;
}

/* SQLite's lists are sorted and without duplicates, and it promises neither. */
START_TEST(test_an_in_gives_each_row_once_and_in_order_however_it_is_handed_over) {
    sqlite3 *own;
    char *error = NULL;
    ck_assert_int_eq(sqlite3_open(":memory:", &own), SQLITE_OK);
    ck_assert_int_eq(sqlite3_art_init(own, &error, NULL) & 0xff, SQLITE_OK); /* the one in this program */
    sql_run(own, "CREATE VIRTUAL TABLE t USING art; INSERT INTO t(path) VALUES('a'), ('b'), ('c'), ('d')");
    shuffled = true;
    sql_expect(own, "a\nb\nd\n", "SELECT path FROM t WHERE path IN ('d', 'a', 'x', 'b') ORDER BY path");
    for (int i = 0; i < element_count; i++) sqlite3_value_free(elements[i]);
    sql_expect(own, "d\nb\na\n", "SELECT path FROM t WHERE path IN ('d', 'a', 'x', 'b') ORDER BY path DESC");
    for (int i = 0; i < element_count; i++) sqlite3_value_free(elements[i]);
    ck_assert_int_gt(element_count, 0);
    shuffled = false;
    sqlite3_close(own);
}
END_TEST

int main(void) {
    if (sql_standin()) return 0;
    Suite *suite = suite_create("mutants");
    TCase *trees = tcase_create("trees");
    tcase_set_timeout(trees, 120);
    tcase_add_checked_fixture(trees, set_up_tree, tear_down_tree);
    tcase_add_test(trees, test_a_root_of_a_refused_commit_does_not_stay);
    tcase_add_test(trees, test_a_log_that_a_refused_commit_has_emptied_is_filled_again);
    tcase_add_test(trees, test_pieces_go_with_the_value_that_they_were);
    tcase_add_test(trees, test_a_bound_longer_than_any_path_lies_behind_its_longest_beginning);
    tcase_add_test(trees, test_a_refused_commit_cuts_nothing_off_that_is_needed_again);
    tcase_add_test(trees, test_pieces_of_another_value_are_refused);
    tcase_add_test(trees, test_runs_that_disagree_are_not_merged);
    suite_add_tcase(suite, trees);
    TCase *files = tcase_create("files and blobs");
    tcase_add_test(files, test_a_file_is_unlocked_when_all_its_writes_are_done);
    tcase_add_test(files, test_a_flipped_bit_in_a_long_head_is_refused);
    tcase_add_test(files, test_a_value_that_leaves_its_bucket_is_refused);
    suite_add_tcase(suite, files);
    TCase *tests = tcase_create("SQL");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, test_a_connection_sees_that_its_history_was_replaced);
    tcase_add_test(tests, test_a_flush_leaves_nothing_but_the_root_in_the_log);
    tcase_add_test(tests, test_a_transaction_whose_row_would_be_too_long_for_sqlite_is_flushed);
    tcase_add_test(tests, test_a_transaction_may_spill_any_number_of_times);
    tcase_add_loop_test(tests, test_a_refused_commit_of_a_spilled_transaction_has_lost_nothing, 0, 8);
    tcase_add_test(tests, test_a_savepoint_between_spills_keeps_its_blobs);
    tcase_add_test(tests, test_a_forged_list_of_young_slots_is_refused_or_harmless);
    tcase_add_test(tests, test_a_forged_name_of_the_file_is_none);
    tcase_add_test(tests, test_a_table_that_was_taken_back_writes_nothing_without_a_tracker);
    tcase_add_test(tests, test_an_in_gives_each_row_once_and_in_order_however_it_is_handed_over);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
