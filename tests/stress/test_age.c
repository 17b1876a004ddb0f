/* Tables that grow old stay small: whatever turns over, all files together take no more than twice the live bytes and
 * 20 MB, by what commits do by themselves; and the rows are those of an ordinary table with the same history.
 */
#include "tests/support/age.h"
#include "tests/support/sql.h"
#include "tests/support/suite.h"

enum { MEGABYTE = 1 << 20, LIVE = 10 * MEGABYTE, BESIDE = 20 * MEGABYTE, TURNOVERS = 4, SAMPLES = 8, SPILLS = 8000 };

static const struct {
    enum age_kind kind;
    int value, batch;
} histories[] = {{AGE_LOG, 1000, 100},       {AGE_LOG, 100, 100},       {AGE_TENANTS, 600, 50},
                 {AGE_CACHE, 6000, 10},      {AGE_CHURN, 1000, 40},     {AGE_CHURN, 20000, 4},
                 {AGE_FEW_LARGE, 20000, 10}, {AGE_CACHE, 1000, SPILLS}, {AGE_LOG, 1000, SPILLS}};
/* In the database a transaction's own journal has all that it spills and merges: it is as large as that, once. */
enum { HISTORIES = sizeof histories / sizeof *histories, HISTORIES_INLINE = HISTORIES - 2 };

/* The ordinary one is in memory, as nobody asks how large it is. */
static void make(struct age *age, const char *folder, int history, const char *options) {
    char *path = folder ? sqlite3_mprintf("%s/t.db", folder) : sqlite3_mprintf(":memory:");
    *age = (struct age){.db = sql_open(path),
                        .kind = histories[history].kind,
                        .live = LIVE / (histories[history].value + 20),
                        .value = histories[history].value,
                        .batch = histories[history].batch};
    sql_run(age->db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF");
    age_begin(age, options && age->batch == SPILLS
                       ? *options ? "spill_limit='1MB', storage=inline" : "spill_limit='1MB'"
                       : options);
    sqlite3_free(path);
}

static void expect_same_rows(struct age *a, struct age *b) {
    sqlite3_stmt *statements[2] = {sql_prepare(a->db, "SELECT path, value FROM t ORDER BY path"),
                                   sql_prepare(b->db, "SELECT path, value FROM t ORDER BY path")};
    while (sqlite3_step(statements[0]) == SQLITE_ROW) {
        ck_assert_int_eq(sqlite3_step(statements[1]), SQLITE_ROW);
        for (int column = 0; column < 2; column++) {
            const void *one = sqlite3_column_blob(statements[0], column),
                       *other = sqlite3_column_blob(statements[1], column);
            int bytes = sqlite3_column_bytes(statements[0], column);
            ck_assert_int_eq(bytes, sqlite3_column_bytes(statements[1], column));
            ck_assert_msg(!bytes || !memcmp(one, other, (size_t)bytes), "another row at %s",
                          sqlite3_column_text(statements[0], 0));
        }
    }
    ck_assert_int_eq(sqlite3_step(statements[1]), SQLITE_DONE);
    sqlite3_finalize(statements[0]);
    sqlite3_finalize(statements[1]);
}

static void grow_old(int history, const char *options) {
    char *folder = sql_scratch("age");
    struct age age, ordinary;
    int64_t most = 0;
    make(&age, folder, history, options);
    make(&ordinary, NULL, history, NULL);
    int64_t live = age_live_bytes(&age);
    for (unsigned turn = random_rounds(TURNOVERS) * SAMPLES; turn--;) {
        age_go_on(&age, age.live / SAMPLES);
        age_go_on(&ordinary, age.live / SAMPLES);
        int64_t bytes = age_folder_bytes(folder);
        if (bytes > most) most = bytes;
    }
    printf("%s, values of %d bytes%s: %.1f MB alive, %.1f at most\n", age_names[age.kind], age.value,
           *options ? ", inline" : "", (double)live / MEGABYTE, (double)most / MEGABYTE);
    ck_assert_msg(most <= 2 * live + BESIDE, "%lld bytes for rows of %lld", (long long)most, (long long)live);
    expect_same_rows(&age, &ordinary);
    char *checked = kept(sql_rows(age.db, "SELECT art_check('t')"));
    ck_assert_str_eq(checked, "ok\n");
    age_end(&age);
    age_end(&ordinary);
    sql_close(age.db);
    sql_close(ordinary.db);
    sql_scratch_remove(folder);
    sqlite3_free(folder);
}

/* Where a part is asked for, each history has its turn in one storage, and the least and the largest values shrink. */
static bool left_out(int turn) {
    return random_stride() > 1 && turn % 2;
}

LOOP_TEST(test_turned_over_rows_leave_no_more_than_as_much_again_in_a_file, HISTORIES) {
    if (!left_out(_i)) grow_old(_i, "");
}

LOOP_TEST(test_turned_over_rows_leave_no_more_than_as_much_again_in_the_database, HISTORIES_INLINE) {
    if (!left_out(_i + 1)) grow_old(_i, "storage=inline");
}

/* Rows go by ranges, in few and small commits beside what they free; then come a few small rows. What is left is what
 * core/README.md says: dead rows of 4 MB and more are worth a merge. How many commits that takes says the machine: one
 * that has merged for 5 ms leaves the rest to the next. */
LOOP_TEST(test_a_table_that_has_shrunk_gives_its_file_back, 4) {
    enum { KEYS = 30 * MEGABYTE, FEW = 200, ROUNDS = 2, COMMITS = 50, MOST = 1000, LEFT = 32 * MEGABYTE };
    static const int values[] = {1000, 3000, 6000, 20000};
    int value = values[_i], keys = KEYS / value;
    char *folder = sql_scratch("age"), *path = TEXT("%s/t.db", folder);
    struct random chance = random_announced("a table that shrinks");
    sqlite3 *db = sql_open(path);
    if (!left_out((_i + 1) / 2)) {
        sql_run(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF");
        sql_create(db, "t", "storage=file");
        for (unsigned round = random_rounds(ROUNDS); round--;) {
            if (!random_span(&chance)) continue;
            for (int i = 0; i < keys; i += 20) {
                sql_run(db,
                        "INSERT OR REPLACE INTO t(path, value) WITH n(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n "
                        "LIMIT 20) "
                        "SELECT printf('k/%%08d', (i * 7919) %% %d), randomblob(%d) FROM n",
                        i, keys, value);
            }
            while (sql_int(db, "SELECT art_count('t', 'k/')") > FEW) {
                int from = (int)random_below(&chance, (unsigned)keys),
                    rows = (int)random_below(&chance, (unsigned)keys / 10);
                sql_run(db, "DELETE FROM t WHERE path >= 'k/%08d' AND path < 'k/%08d'", from, from + rows);
            }
            int64_t live = 0, bytes = INT64_MAX;
            int commits = 0;
            while (bytes > 2 * live + LEFT && commits < MOST) {
                for (int i = 0; i < COMMITS; i++, commits++) {
                    sql_run(db, "INSERT OR REPLACE INTO t(path, value) VALUES('z%d', 1)", i);
                }
                live = sql_int(db, "SELECT sum(length(path) + length(value)) FROM t");
                bytes = age_folder_bytes(folder);
            }
            printf("shrunk, values of %d bytes, after %d commits: %.1f MB alive, %.1f in files\n", value, commits,
                   (double)live / MEGABYTE, (double)bytes / MEGABYTE);
            ck_assert_msg(bytes <= 2 * live + LEFT, "%lld bytes for rows of %lld", (long long)bytes, (long long)live);
        }
    }
    sql_close(db);
    sql_scratch_remove(folder);
    sqlite3_free(folder);
}

/* --- many commits ------------------------------------------------------------------------------------------------- */

enum { COMMITS = 20000, LOOKS = 10, PATHS = 4000, FILES_MOST = 16 * MEGABYTE, MEMORY_MOST = 32 * MEGABYTE, KEPT = 5 };

/* A row each, as `plain` has it; now and then a snapshot, of which the last five stay. */
static void commit_one(sqlite3 *db, struct random *random, unsigned n) {
    unsigned path = random_below(random, PATHS), number = random_below(random, 1000);
    sql_run(db, "BEGIN");
    EACH(table, "t", "plain") {
        if (number < 200)
            sql_run(db, "DELETE FROM %s WHERE path = 'd%u/k%u'", table, path % 20, path);
        else
            sql_run(db, "INSERT OR REPLACE INTO %s(path, value, n) VALUES('d%u/k%u', 'the %u.', %u)", table, path % 20,
                    path, number, number);
    }
    if (n % 1000 == 0) sql_run(db, "INSERT INTO t(t, snapshot) VALUES('snapshot', '%u')", n);
    sql_run(db, "COMMIT");
    if (n % 1000 == 0)
        sql_run(db, "INSERT INTO t(t, snapshot) SELECT 'drop snapshot', name FROM art_snapshots('t') WHERE name = '%u'",
                n - KEPT * 1000);
}

static void expect_young(sqlite3 *db, const char *folder, unsigned commits) {
    int64_t files = age_folder_bytes(folder), memory = sqlite3_memory_used();
    printf("%u commits: %.1f MB in files, %.1f of memory\n", commits, (double)files / MEGABYTE,
           (double)memory / MEGABYTE);
    fflush(stdout);
    ck_assert_int_le(files, FILES_MOST);
    ck_assert_int_le(memory, MEMORY_MOST);
    ck_assert_int_lt(sql_int(db, "SELECT count(*) FROM t_artdata"), 10000);
    ck_assert_int_lt(sql_int(db, "SELECT count(*) FROM t_artstate"), 40);
    ck_assert_int_eq(sql_int(db, "SELECT art_check('t') = 'ok' AND art_count('t', '') = count(*) AND art_sum('t', 'n', "
                                 "'') = sum(n) FROM plain"),
                     1);
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM (SELECT path, value, n FROM t EXCEPT SELECT * FROM plain)"), 0);
    ck_assert_int_eq(sql_int(db, "SELECT (SELECT count(*) FROM t WHERE value LIKE '%%e 77%%') = count(*) FROM plain "
                                 "WHERE value LIKE '%%e 77%%'"),
                     1);
}

CASE("commits", .seconds = 3600)

/* ART_TEST_SCALE=50 are a million in each storage (tests/prove life). */
LOOP_TEST(test_many_commits_leave_nothing_behind, 2) {
    char *folder = sql_scratch("age"), *path = TEXT("%s/t.db", folder);
    struct random chance = random_announced("many commits");
    unsigned commits = random_rounds(COMMITS);
    sqlite3 *db = sql_open(path);
    sql_run(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF");
    sql_run(db, "CREATE TABLE plain(path TEXT PRIMARY KEY NOT NULL, value, n INTEGER) WITHOUT ROWID");
    sql_create(db, "t",
               TEXT("path, value, n INTEGER, summary=(sum(n), lookup(value), search(value)), storage=%s",
                    _i ? "inline" : "file"));
    for (unsigned n = 1; n <= commits; n++) {
        commit_one(db, &chance, n);
        if (n % (commits / LOOKS + 1) == 0 || n == commits) expect_young(db, folder, n);
    }
    sql_close(db);
    sql_scratch_remove(folder);
    sqlite3_free(folder);
}

SUITE("age", .seconds = 600)
