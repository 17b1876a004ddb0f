/* What snapshots cost: to make, to keep, to read and to compare.
 *
 *     bench_snapshots [-r repetitions] [-g group] [rows]         default: 9 times, all groups, 1000000
 *
 * A hundred users have a hundredth of the rows each, in directories of a hundred files: a table of four columns with
 * summary=(sum(size), max(mtime)), loaded in random order, a thousand rows a transaction. "In order": 'optimize' and
 * art_vacuum(). Each measurement has a fresh copy of the files, in a cache of 1 GB. WAL, synchronous=NORMAL. Times are
 * the processor's, of the process, the best of the repetitions; what is compared alternates. Behind a figure stands its
 * goal, where there is one. Goals are for a million rows, those of the group "diff" also for ten.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/files.h"
#include "tests/bench/tables.h"
#include "tests/support/random.h"
#include "tests/support/sql.h"
#include "tests/support/timing.h"

enum { USERS = 100, DIRECTORY_FILES = 100, KEY_ROOM = 64, SNAPSHOTS = 1000, MOST_REPETITIONS = 99 };

static uint32_t rows = 1000000;
static int repetitions = 9;
static const char *only;
static char *scratch;
static struct random drawn = {1};
static uint32_t *order; /* in which rows are loaded */

/* --- rows --------------------------------------------------------------------------------------------------------- */

static void key_of(uint32_t i, char *out) {
    snprintf(out, KEY_ROOM, "user-%02u.%05u/file-%02u", i / (rows / USERS), i / DIRECTORY_FILES, i % DIRECTORY_FILES);
}

static void bind_key(sqlite3_stmt *statement, uint32_t i) {
    char key[KEY_ROOM];
    key_of(i, key);
    sqlite3_bind_text(statement, 1, key, -1, SQLITE_TRANSIENT);
}

static uint32_t first_changed, span_changed;

static void bind_change(sqlite3_stmt *statement, uint32_t n) {
    bind_key(statement, first_changed + random_below(&drawn, span_changed));
    if (sqlite3_bind_parameter_count(statement) > 1) sqlite3_bind_int64(statement, 2, n);
}

/* A statement for each of `count` rows out of `span` from `first` on, so many in one transaction; ?2 is a number. */
static void change(sqlite3 *db, const char *sql, uint32_t count, uint32_t first, uint32_t span, uint32_t batch) {
    first_changed = first;
    span_changed = span;
    tables_write(&db, 1, sql, bind_change, count, batch, NULL);
}

#define UPDATE "UPDATE t SET size = size + 1, mtime = ?2 WHERE path = ?1"
#define INSERT "INSERT OR REPLACE INTO t(path, size, mtime, tag) VALUES(?1 || '.new', 1000, ?2, 'new')"
#define DELETE "DELETE FROM t WHERE path = ?1"

static void update(sqlite3 *db, uint32_t count, uint32_t batch) {
    change(db, UPDATE, count, 0, rows, batch);
}

/* --- files -------------------------------------------------------------------------------------------------------- */

static void bind_row(sqlite3_stmt *put, uint32_t n) {
    char tag[8];
    uint32_t i = order[n];
    snprintf(tag, sizeof tag, "%04x", i * 40503 & 0xffff);
    bind_key(put, i);
    sqlite3_bind_int64(put, 2, (int64_t)(i * UINT64_C(2654435761) % 1000003));
    sqlite3_bind_int64(put, 3, 1000000 + (int64_t)(i % 100000));
    sqlite3_bind_text(put, 4, tag, -1, SQLITE_TRANSIENT);
}

static void load(void) {
    order = tables_order(rows, &drawn);
    files_make(TEXT("%s/loaded", scratch));
    sqlite3 *db = tables_open(TEXT("%s/loaded", scratch));
    sql_run(db, "CREATE VIRTUAL TABLE t USING art(path, size INTEGER, mtime INTEGER, tag TEXT, cache='1GB', "
                "summary=(sum(size), max(mtime)))");
    tables_write(&db, 1, "INSERT INTO t(path, size, mtime, tag) VALUES(?1, ?2, ?3, ?4)", bind_row, rows, BATCH_ROWS,
                 NULL);
    sql_close(db);
    free(order);
    tables_copy(TEXT("%s/loaded", scratch), TEXT("%s/ordered", scratch));
    db = tables_open(TEXT("%s/ordered", scratch));
    tables_put_in_order(db);
    sql_close(db);
}

/* With all of it in the cache. */
static sqlite3 *open_copy(const char *of, const char *name) {
    tables_copy(TEXT("%s/%s", scratch, of), TEXT("%s/%s", scratch, name));
    sqlite3 *db = tables_open(TEXT("%s/%s", scratch, name));
    sql_int(db, "SELECT sum(length(path) + size) FROM t");
    return db;
}

static void close_copy(sqlite3 *db, const char *name) {
    if (db) sql_close(db);
    sql_scratch_remove(TEXT("%s/%s", scratch, name));
}

static double disk_of(sqlite3 *db, const char *name) {
    sql_run(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    return (double)files_bytes(TEXT("%s/%s", scratch, name));
}

/* --- measuring ---------------------------------------------------------------------------------------------------- */

static double timed(sqlite3 *db, const char *sql) {
    sqlite3_stmt *statement = sql_prepare(db, "%s", sql);
    double begun = timing_cpu();
    tables_step(statement);
    double spent = timing_cpu() - begun;
    sqlite3_finalize(statement);
    return spent;
}

/* `sign`: 1 where a figure is at most its goal, -1 where it is at least. A goal of 0 is none. */
static void print(const char *what, double figure, const char *unit, double goal, int sign) {
    printf("%-58s %9.3f %s", what, figure, unit);
    if (goal > 0) printf(" of %.3g %s", goal, sign * figure <= sign * goal ? "ok" : "MISSED");
    printf("\n");
    fflush(stdout);
}

static void print_ratio(const char *what, double a, double b, double unit, const char *name, double goal) {
    print(TEXT("%s (%.4g, %.4g %s)", what, a / unit, b / unit, name), a / b, "x", goal, 1);
}

/* --- making snapshots --------------------------------------------------------------------------------------------- */

static void measure_making(void) {
    sqlite3 *db[2] = {open_copy("ordered", "a"), open_copy("ordered", "b")};
    static const uint32_t sizes[] = {100, 1000, 10000};
    int name = 0;
    for (int s = 0; s < 3; s++) {
        double best[2] = {0}, sum[2] = {0};
        for (int round = 0; round < 2 * repetitions; round++) {
            struct random both = drawn;
            for (int side = 0; side < 2; side++) {
                drawn = both;
                update(db[side], sizes[s], BATCH_ROWS);
                double now =
                    timed(db[side], side ? "INSERT INTO t(t) VALUES('flush')"
                                         : TEXT("INSERT INTO t(t, snapshot) VALUES('snapshot', '%d')", ++name));
                tables_keep_best(&best[side], now);
                sum[side] += now;
            }
        }
        print_ratio(TEXT("'snapshot' / 'flush' of %u updates", sizes[s]), best[0], best[1], 1e3, "us", 1.1);
        print_ratio("  all rounds", sum[0], sum[1], 1e6, "ms", 0);
    }
    double best = 0;
    for (int round = 0; round < 5 * repetitions; round++)
        tables_keep_best(&best, timed(db[0], TEXT("INSERT INTO t(t, snapshot) VALUES('snapshot', '%d')", ++name)));
    print("'snapshot' of an unchanged table", best / 1e6, "ms", .1, 1);
    close_copy(db[0], "a");
    close_copy(db[1], "b");
}

/* --- a thousand of them ------------------------------------------------------------------------------------------- */

static void measure_commits(sqlite3 **db) {
    double best[2][2] = {{0}};
    for (int round = 0; round < 3 * repetitions; round++) {
        struct random both = drawn;
        for (int side = 0; side < 2; side++) {
            drawn = both;
            double begun = timing_cpu();
            update(db[side], 200, 1);
            tables_keep_best(&best[0][side], (timing_cpu() - begun) / 200);
            tables_keep_best(&best[1][side], timed(db[side], "INSERT INTO t(t) VALUES('flush')"));
        }
    }
    print_ratio("a commit of an update, 1,000 snapshots / none", best[0][0], best[0][1], 1e3, "us", 1.03);
    print_ratio("'flush' of 200 updates, the same", best[1][0], best[1][1], 1e3, "us", 0);
}

static void measure_opening(void) {
    double best[2] = {0};
    for (int round = 0; round < 20 * repetitions; round++) {
        for (int side = 0; side < 2; side++) {
            double begun = timing_cpu();
            sqlite3 *db = sql_open(TEXT("%s/%s/t.db", scratch, side ? "b" : "a"));
            sql_int(db, "SELECT size FROM t WHERE path = 'user-00.00001/file-05'");
            sql_close(db);
            tables_keep_best(&best[side], timing_cpu() - begun);
        }
    }
    print_ratio("opening, one read, closing, the same", best[0], best[1], 1e3, "us", 1.1);
}

static void measure_thousand(void) {
    sqlite3 *db[2] = {open_copy("loaded", "a")};
    tables_put_in_order(db[0]);
    double before = disk_of(db[0], "a"), begun = timing_cpu();
    for (int n = 0; n < SNAPSHOTS; n++) {
        update(db[0], 100, 100);
        sql_run(db[0], "INSERT INTO t(t, snapshot) VALUES('snapshot', 'name-%04d')", n);
    }
    double spent = timing_cpu() - begun;
    print("each of 1,000 snapshots, 100 updates between: disk", (disk_of(db[0], "a") - before) / SNAPSHOTS / 1e3, "KB",
          60, 1);
    print("  and time, with the updates", spent / SNAPSHOTS / 1e6, "ms", 0, 1);
    print("  T_artstate", (double)sql_int(db[0], "SELECT sum(length(v)) FROM t_artstate") / 1e3, "KB", 0, 1);
    double best = 0;
    for (int round = 0; round < repetitions; round++)
        tables_keep_best(&best, timed(db[0], "SELECT sum(bytes) FROM art_snapshots('t')"));
    print("  art_snapshots() of them", best / 1e6, "ms", 0, 1);
    sql_close(db[0]);
    tables_copy(TEXT("%s/a", scratch), TEXT("%s/b", scratch));
    for (int side = 0; side < 2; side++) db[side] = tables_open(TEXT("%s/%s", scratch, side ? "b" : "a"));
    sql_run(db[1], "BEGIN");
    for (int n = 0; n < SNAPSHOTS; n++)
        sql_run(db[1], "INSERT INTO t(t, snapshot) VALUES('drop snapshot', 'name-%04d')", n);
    sql_run(db[1], "COMMIT");
    for (int side = 0; side < 2; side++) {
        struct random same = {3};
        drawn = same;
        update(db[side], 1, 1);
        sql_run(db[side], "INSERT INTO t(t) VALUES('flush')");
        sql_int(db[side], "SELECT sum(length(path) + size) FROM t");
    }
    measure_commits(db);
    measure_opening();
    double worst = best = 0;
    for (int round = 0; round < repetitions; round++) {
        double now = timed(db[0], TEXT("INSERT INTO t(t, snapshot) VALUES('drop snapshot', 'name-%04d')", 101 * round));
        tables_keep_best(&best, now);
        if (now > worst) worst = now;
    }
    print("'drop snapshot', one of them", best / 1e6, "ms", 10, 1);
    print("  the slowest", worst / 1e6, "ms", 0, 1);
    close_copy(db[0], "a");
    close_copy(db[1], "b");
}

/* --- reads -------------------------------------------------------------------------------------------------------- */

static const struct read {
    const char *name, *sql[2];
    int count;
    double goal;
} reads[] = {
    {"get",
     {"SELECT size FROM t WHERE path = ?1", "SELECT size FROM t WHERE path = ?1 AND snapshot = 's'"},
     5000,
     1.05},
    {"list 100",
     {"SELECT path, size FROM t WHERE path >= ?1 LIMIT 100",
      "SELECT path, size FROM t WHERE path >= ?1 AND snapshot = 's' LIMIT 100"},
     200,
     1.05},
    {"a directory of 100",
     {"SELECT sum(size) FROM t WHERE path GLOB ?2", "SELECT sum(size) FROM t WHERE path GLOB ?2 AND snapshot = 's'"},
     200,
     1.05},
    {"whole scan",
     {"SELECT sum(length(path) + size) FROM t WHERE ?1 IS NOT NULL",
      "SELECT sum(length(path) + size) FROM t WHERE snapshot = 's' AND ?1 IS NOT NULL"},
     1,
     1.05},
    {"a listing of 100 names with their sums",
     {"SELECT path, entries, size FROM t('user-5', '/', ?1) LIMIT 100",
      "SELECT path, entries, size FROM t('user-5', '/', ?1, 's') LIMIT 100"},
     100,
     1.12},
    {"a listing of a directory",
     {"SELECT path, size FROM t(?3, '/')", "SELECT path, size FROM t(?3, '/', '', 's')"},
     200,
     1.12},
    {"art_count of a directory", {"SELECT art_count('t', ?3)", "SELECT art_count('t', ?3, 's')"}, 3000, 0},
    {"art_sum of a directory", {"SELECT art_sum('t', 'size', ?3)", "SELECT art_sum('t', 'size', ?3, 's')"}, 3000, 0},
};

/* Nanoseconds of one. */
static double read_some(sqlite3 *db, const struct read *what, int side, bool alone) {
    struct random random = {7};
    sqlite3_stmt *statement = sql_prepare(db, "%s", what->sql[side]);
    if (!alone) sql_run(db, "BEGIN");
    double begun = timing_cpu();
    for (int n = 0; n < what->count; n++) {
        char key[KEY_ROOM], directory[KEY_ROOM + 1];
        key_of(random_below(&random, rows), key);
        snprintf(directory, sizeof directory, "%.*s*", (int)(strchr(key, '/') - key) + 1, key);
        sqlite3_bind_text(statement, 1, key, -1, SQLITE_TRANSIENT);
        sqlite3_bind_text(statement, 2, directory, -1, SQLITE_TRANSIENT);
        sqlite3_bind_text(statement, 3, directory, (int)strlen(directory) - 1, SQLITE_TRANSIENT);
        tables_step(statement);
    }
    double spent = (timing_cpu() - begun) / what->count;
    if (!alone) sql_run(db, "COMMIT");
    sqlite3_finalize(statement);
    return spent;
}

static void measure_reads(void) {
    sqlite3 *db = open_copy("ordered", "a");
    sql_run(db, "INSERT INTO t(t, snapshot) VALUES('snapshot', 's')");
    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++) {
        for (int alone = 0; alone < 2; alone++) {
            double best[2] = {0};
            if (alone && reads[i].count < 100) continue;
            for (int round = 0; round < 3 * repetitions; round++)
                for (int side = 0; side < 2; side++)
                    tables_keep_best(&best[side], read_some(db, &reads[i], side, alone));
            print_ratio(TEXT("%s%s, snapshot / table", reads[i].name, alone ? ", autocommit" : ""), best[1], best[0],
                        1e3, "us", alone ? 0 : reads[i].goal);
        }
    }
    close_copy(db, "a");
}

/* --- what stays shared -------------------------------------------------------------------------------------------- */

/* Per cent of the snapshot's blobs that the table still has, too. */
static double shared(sqlite3 *db, double bytes) {
    return 100 - 100 * (double)sql_int(db, "SELECT bytes FROM art_snapshots('t')") / bytes;
}

static void measure_sharing(const char *what, const char *of, uint32_t count, uint32_t span, bool optimize,
                            double goal) {
    sqlite3 *db = open_copy(of, "a");
    sql_run(db, "INSERT INTO t(t, snapshot) VALUES('snapshot', 's')");
    double bytes = (double)tables_fact(db, "bytes"), disk = disk_of(db, "a");
    for (uint32_t done = 0; done < count; done += BATCH_ROWS)
        change(db, UPDATE, BATCH_ROWS, span < rows ? 42 * (rows / USERS) : 0, span, BATCH_ROWS);
    double spent = optimize ? timed(db, "INSERT INTO t(t) VALUES('optimize')") : 0;
    print(TEXT("still shared after %s, %s", what, of), shared(db, bytes), "%", goal, -1);
    if (optimize) {
        print("  time of the 'optimize'", spent / 1e6, "ms", 0, 1);
    } else {
        print("  disk, as it was", disk / 1e6, "MB", 0, 1);
        print("  and then", disk_of(db, "a") / 1e6, "MB", 0, 1);
    }
    close_copy(db, "a");
}

static void measure_days(uint32_t a_day, uint32_t span, const char *what, double goal) {
    double disk[2];
    for (int side = 0; side < 2; side++) {
        sqlite3 *db = open_copy("loaded", "a");
        tables_put_in_order(db);
        drawn = (struct random){11};
        for (int day = 0; day < 30; day++) {
            change(db, UPDATE, a_day, 42 * (rows / USERS), span, BATCH_ROWS);
            if (side) continue;
            sql_run(db, "INSERT INTO t(t, snapshot) VALUES('snapshot', 'day %d')", day);
            if (day >= 7) sql_run(db, "INSERT INTO t(t, snapshot) VALUES('drop snapshot', 'day %d')", day - 7);
        }
        disk[side] = disk_of(db, "a");
        close_copy(db, "a");
    }
    print_ratio(TEXT("disk, 7 daily snapshots / none, %s a day", what), disk[0], disk[1], 1e6, "MB", goal);
}

static void measure_room(void) {
    measure_sharing("a tenth updated anywhere", "ordered", rows / 10, rows, false, 100);
    measure_sharing("a tenth updated anywhere", "loaded", rows / 10, rows, false, 0);
    measure_sharing("as many updates as rows in one user", "ordered", rows, rows / USERS, false, 98);
    measure_sharing("1,000 updates in one user, 'optimize'", "ordered", 1000, rows / USERS, true, 90);
    measure_sharing("1,000 updates anywhere, 'optimize'", "ordered", 1000, rows, true, 0);
    measure_days(rows / 1000, rows, ".1 % of rows", 1.1);
    measure_days(rows / 100, rows, "1 % of rows", 2);
    measure_days(rows / 100, rows / 20, "1 % of rows in 5 users", 0);
}

/* --- differences and growth --------------------------------------------------------------------------------------- */

#define DIFF   "SELECT count(*) FROM art_diff('t', 's', NULL)"
#define GROWTH "SELECT count(*), sum(growth) FROM art_growth('t', 'size', 's', NULL, '', '/')"
#define BOTH_SCANS                                                                                                     \
    "SELECT (SELECT sum(length(path) + row_version) FROM t), (SELECT sum(length(path) + row_version) FROM t WHERE "    \
    "snapshot = "                                                                                                      \
    "'s')"
#define BOTH_LISTS                                                                                                     \
    "SELECT (SELECT sum(length(path) + entries + size) FROM t('', '/')), "                                             \
    "(SELECT sum(length(path) + entries + size) FROM t('', '/', '', 's'))"

enum { IN_DIRECTORIES, ANYWHERE, MIXED, DELETES, GROWN, ALL };
static const struct changes {
    const char *what;
    bool growth;
    double goals[2]; /* of a million rows, of ten; ms, of all the share of both scans or listings */
    double swallowed[2];
} changes[] = {
    [IN_DIRECTORIES] = {"1,000 updates in 10 directories", false, {1.5, 3}, {1.5, 3}},
    [ANYWHERE] = {"1,000 updates anywhere", false, {1.5, 3}, {0}},
    [MIXED] = {"400 updates, 300 inserts, 300 deletes anywhere", false, {1.5, 3}, {8, 15}},
    [DELETES] = {"1,000 deletes anywhere", false, {1.5, 3}, {0}},
    [GROWN] = {"50 directories", true, {.3, .4}, {.3, .4}},
    [ALL] = {"all has changed", false, {1, 1}, {1, 1}},
};

static void make_changes(sqlite3 *db, int which) {
    switch (which) {
    case IN_DIRECTORIES:
    case GROWN:
        for (uint32_t n = 0, count = which == GROWN ? 50 : 10; n < count; n++)
            change(db, UPDATE, which == GROWN ? 18 : 100, n * (rows / count) / DIRECTORY_FILES * DIRECTORY_FILES,
                   DIRECTORY_FILES, BATCH_ROWS);
        break;
    case ANYWHERE:
        update(db, 1000, BATCH_ROWS);
        break;
    case MIXED:
        update(db, 400, BATCH_ROWS);
        change(db, INSERT, 300, 0, rows, BATCH_ROWS);
        change(db, DELETE, 300, 0, rows, BATCH_ROWS);
        break;
    case DELETES:
        change(db, DELETE, 1000, 0, rows, BATCH_ROWS);
        break;
    case ALL:
        sql_run(db, "UPDATE t SET size = size + 1");
        break;
    }
}

static void compare_states(sqlite3 *db, int which, const char *state, double goal) {
    const struct changes *what = &changes[which];
    double best[4] = {0};
    static const char *const sql[4] = {DIFF, BOTH_SCANS, GROWTH, BOTH_LISTS};
    bool all = which == ALL;
    for (int round = 0; round < (all ? 3 : repetitions); round++) {
        for (int i = 0; i < 4; i++)
            if (i != 1 || all || !round) tables_keep_best(&best[i], timed(db, sql[i]));
    }
    if (all) {
        print_ratio(TEXT("art_diff / both scans, %s, %s", what->what, state), best[0], best[1], 1e6, "ms", goal);
        print_ratio(TEXT("art_growth / both listings, %s, %s", what->what, state), best[2], best[3], 1e6, "ms", 1.6);
        return;
    }
    print(TEXT("art_diff, %s, %s", what->what, state), best[0] / 1e6, "ms", what->growth ? 0 : goal, 1);
    print(TEXT("  as fast as both scans by %.0f; rows: %lld; art_growth", best[1] / best[0],
               (long long)sql_int(db, DIFF)),
          best[2] / 1e6, "ms", what->growth ? goal : 0, 1);
}

static void measure_diff(void) {
    int large = rows >= 5000000;
    for (int which = IN_DIRECTORIES; which <= ALL; which++) {
        sqlite3 *db = open_copy("ordered", "a");
        sql_run(db, "INSERT INTO t(t, snapshot) VALUES('snapshot', 's')");
        make_changes(db, which);
        compare_states(db, which, "as is", changes[which].goals[large]);
        if (which != ALL) {
            sql_run(db, "INSERT INTO t(t) VALUES('flush')");
            compare_states(db, which, "flushed", changes[which].goals[large]);
        }
        sql_run(db, "INSERT INTO t(t) VALUES('optimize')");
        compare_states(db, which, "in order", changes[which].swallowed[large]);
        close_copy(db, "a");
    }
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

static bool read_arguments(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "-r") && i + 1 < argc) {
            repetitions = atoi(argv[++i]);
        } else if (!strcmp(argv[i], "-g") && i + 1 < argc) {
            only = argv[++i];
        } else {
            rows = (uint32_t)atoi(argv[i]);
        }
    }
    if (repetitions > 0 && repetitions <= 9 && rows >= 200000 && rows % (USERS * DIRECTORY_FILES) == 0) return true;
    fprintf(stderr, "usage: bench_snapshots [-r repetitions, up to 9] [-g making|thousand|reads|room|diff] "
                    "[rows, from 200000 on, a multiple of 10000]\n");
    return false;
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*measure)(void);
    } groups[] = {{"making", measure_making},
                  {"thousand", measure_thousand},
                  {"reads", measure_reads},
                  {"room", measure_room},
                  {"diff", measure_diff}};
    if (!read_arguments(argc, argv)) return 2;
    scratch = sql_scratch("snapshots");
    printf("SQLite %s, %u rows, the processor's time, best of %d\n", sqlite3_libversion(), rows, repetitions);
    load();
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        if (!only || !strcmp(only, groups[i].name)) groups[i].measure();
        kept_clear();
    }
    sql_scratch_remove(scratch);
    sqlite3_free(scratch);
    return 0;
}
