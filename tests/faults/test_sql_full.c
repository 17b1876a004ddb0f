/* A small disk that is filled by inserts, and left by DELETE and art_vacuum() alone.
 *
 * On a tmpfs of its own, in a process and a name space of its own, by root; else that is skipped, aloud. Rows are
 * inserted until SQLITE_FULL, in transactions of several sizes, so that it comes at several moments: the message must
 * say how to get out, and what it says must do it. */
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/sql.h"
#include "tests/support/suite.h"

enum { MB = 1 << 20, DISK = 24 * MB, SKIPPED = 77 };

static const struct filling {
    const char *journal;
    int rows, smallest; /* of a transaction; and down to so many where that many are refused */
    int deletes;        /* rows that one DELETE takes; 0: a half of all */
    int statements;     /* how many of them */
    bool inlined;
} fillings[] = {
    {"DELETE", 1000, 1000, 20000, 3, false}, {"WAL", 1000, 1000, 20000, 3, false},
    {"DELETE", 1000, 10, 20000, 3, false},   {"WAL", 1000, 10, 20000, 3, false},
    {"DELETE", 3000, 100, 40000, 4, false},  {"WAL", 3000, 100, 0, 2, false},
    {"WAL", 100, 100, 5000, 8, false},       {"PERSIST", 700, 70, 30000, 2, false},
    {"DELETE", 1000, 10, 20000, 3, true},    {"WAL", 1000, 10, 20000, 3, true},
    {"DELETE", 3000, 100, 0, 2, true},       {"WAL", 3000, 100, 0, 2, true},
    {"PERSIST", 100, 100, 5000, 8, true},    {"WAL", 100, 100, 5000, 8, true},
};
enum { FILLINGS = sizeof fillings / sizeof *fillings };

/* A file system over `folder` that this process alone sees. */
static bool mount_alone(const char *folder, const char *type, const char *options) {
    return geteuid() == 0 && !unshare(CLONE_NEWNS) && !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
           !mount("none", folder, type, 0, options);
}

static bool mount_small_disk(const char *folder) {
    char options[40];
    snprintf(options, sizeof options, "size=%d", DISK);
    return mount_alone(folder, "tmpfs", options);
}

/* In a process of its own: 0, SKIPPED, or where it has failed. */
static void run_apart(const char *what, int (*run)(const char *folder, const struct filling *filling),
                      const struct filling *filling) {
    char *folder = sql_scratch("full");
    int status;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        alarm(200);
        int end = run(folder, filling);
        fflush(stdout);
        _exit(end);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status), "status %x", status);
    if (WEXITSTATUS(status) == SKIPPED) printf("SKIPPED %s: mounts cannot be had here\n", what);
    ck_assert(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == SKIPPED);
    sql_scratch_remove(folder);
    sqlite3_free(folder);
}

static int insert(sqlite3 *db, int first, int rows) {
    return sql_try(db,
                   "INSERT INTO t(path, value) WITH n(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n LIMIT %d) "
                   "SELECT printf('bucket-%%02d/path/file-%%07d', i %% 40, i), printf('v%%048d', i * 7919) FROM n",
                   first, rows);
}

static long room(const char *folder) {
    struct statvfs attributes;
    if (statvfs(folder, &attributes)) _exit(1);
    return (long)(attributes.f_bavail * attributes.f_frsize);
}

/* Pages that are free within the database are room for its rows, and so is a journal that stays, for what it is for. */
static long room_for_rows(sqlite3 *db, const char *folder, const struct filling *filling) {
    struct stat journal = {0};
    char *name = TEXT("%s/a.db-journal", folder);
    long unused = filling->inlined ? sql_int(db, "SELECT freelist_count * page_size FROM pragma_freelist_count, "
                                                 "pragma_page_size")
                                   : 0;
    if (stat(name, &journal)) journal.st_size = 0;
    return room(folder) + unused + (long)journal.st_size;
}

/* Its rows are deleted in portions until none is left: a rollback journal has no room for all of the table at once. */
static int drop(sqlite3 *db) {
    for (int left = 100; left && sql_int(db, "SELECT count(*) FROM t") > 0; left--) {
        int rc = sql_try(db, "DELETE FROM t WHERE path IN (SELECT path FROM t LIMIT 20000)");
        if (!rc || (rc & 0xff) == SQLITE_FULL) rc = sql_try(db, "SELECT art_vacuum('t')");
        if (rc) return rc;
    }
    return sql_try(db, "DROP TABLE t");
}

#define EXPECT(condition, ...)                                                                                         \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            printf("%s:%d: %s: ", filling->journal, __LINE__, #condition);                                             \
            printf(__VA_ARGS__);                                                                                       \
            printf("\n");                                                                                              \
            return 1;                                                                                                  \
        }                                                                                                              \
    } while (0)

static int fill_and_leave(const char *folder, const struct filling *filling) {
    if (!mount_small_disk(folder)) return SKIPPED;
    char *path = TEXT("%s/a.db", folder);
    sqlite3 *db = sql_open(path);
    sql_run(db, "PRAGMA journal_mode=%s; PRAGMA synchronous=OFF", filling->journal);
    sql_create(db, "t", filling->inlined ? "storage=inline" : "");
    int inserted = 0, rc = SQLITE_OK;
    for (int rows = filling->rows; rows >= filling->smallest; rows /= 10) {
        while (!(rc = insert(db, inserted, rows))) inserted += rows;
        EXPECT((rc & 0xff) == SQLITE_FULL, "%d %s", rc, sqlite3_errmsg(db));
        EXPECT(strstr(sqlite3_errmsg(db), "DELETE rows, then art_vacuum()"), "%s", sqlite3_errmsg(db));
    }
    long full = room_for_rows(db, folder, filling);
    EXPECT(sql_int(db, "SELECT count(*) FROM t") == inserted, "of %d", inserted);
    int deletes = filling->deletes ? filling->deletes : inserted / 2, deleted = 0, refused = 0;
    for (int wanted = deletes * filling->statements, at_once = deletes; deleted < wanted && deleted < inserted;) {
        rc = sql_try(db, "DELETE FROM t WHERE path IN (SELECT path FROM t LIMIT %d)", at_once);
        if (!rc) {
            deleted += sqlite3_changes(db);
            continue;
        }
        EXPECT((rc & 0xff) == SQLITE_FULL && strstr(sqlite3_errmsg(db), "DELETE rows, then art_vacuum()"), "%d %s", rc,
               sqlite3_errmsg(db));
        refused++;
        at_once /= 2; /* no room for that many at once: as many as there is room for, and then art_vacuum() */
        EXPECT(at_once >= 1000, "even few are refused: %s", sqlite3_errmsg(db));
        if (deleted) sql_try(db, "SELECT art_vacuum('t')");
    }
    rc = sql_try(db, "SELECT art_vacuum('t')");
    EXPECT(!rc, "%ld KB left when full, %ld now: %d %s", full >> 10, room(folder) >> 10, rc, sqlite3_errmsg(db));
    long now = room_for_rows(db, folder, filling);
    EXPECT(now > full + deleted * 40L, "%ld bytes left, and %ld before", now, full);
    EXPECT(sql_int(db, "SELECT count(*) FROM t") == inserted - deleted, "of %d", inserted - deleted);
    char *check = kept(sql_rows(db, "SELECT art_check('t')"));
    EXPECT(!strcmp(check, "ok\n"), "%s", check);
    int again = filling->inlined ? deleted / 4 * 3 : deleted / 4;
    rc = insert(db, inserted, again);
    EXPECT(!rc, "%d %s", rc, sqlite3_errmsg(db));
    EXPECT(sql_int(db, "SELECT count(*) FROM t WHERE path > ''") == inserted - deleted + again, "of %d", inserted);
    rc = filling->inlined ? drop(db) : SQLITE_OK;
    EXPECT(!rc, "DROP: %d %s", rc, sqlite3_errmsg(db));
    sql_close(db);
    printf("%s%s, %d rows a transaction: full with %d rows and %ld KB left; %ld KB after DELETE of %d, %d times too "
           "many\n",
           filling->journal, filling->inlined ? ", inline" : "", filling->rows, inserted, full >> 10, now >> 10,
           deleted, refused);
    umount2(folder, MNT_DETACH);
    return 0;
}

/* A part is asked for: every third. */
static bool left_out(int i) {
    return random_stride() > 1 && i % 3;
}

LOOP_TEST(test_a_full_disk_is_left_by_delete_and_vacuum, FILLINGS) {
    if (left_out(_i)) return;
    if (sql_has_no_file("test_a_full_disk_is_left_by_delete_and_vacuum")) return;
    run_apart(fillings[_i].journal, fill_and_leave, &fillings[_i]);
}

/* Rows of so many bytes, so many of them in a transaction. The way out is there at once: deleted rows become room long
 * before the last one goes. */
static const struct large_rows {
    struct filling filling; /* its journal, and `inlined`, alone */
    int bytes, rows;
    bool sorted, secure;
} large_rows[] = {
    {{.journal = "DELETE", .inlined = true}, 800, 300, false, true},
    {{.journal = "TRUNCATE", .inlined = true}, 445, 1173, true, false},
    {{.journal = "TRUNCATE", .inlined = true}, 1376, 219, false, true},
    {{.journal = "PERSIST", .inlined = true}, 1248, 278, true, true},
    {{.journal = "PERSIST", .inlined = true}, 1098, 314, false, true},
    {{.journal = "DELETE", .inlined = true}, 1098, 314, false, true},
    {{.journal = "PERSIST"}, 906, 481, true, false},
    {{.journal = "TRUNCATE"}, 490, 775, true, false},
    {{.journal = "TRUNCATE", .inlined = true}, 553, 282, false, false},
};
enum { LARGE_ROWS = sizeof large_rows / sizeof *large_rows };

static int insert_large(sqlite3 *db, const struct large_rows *large, int first, int rows) {
    return sql_try(db,
                   "REPLACE INTO t(path, value) WITH n(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n LIMIT %d) "
                   "SELECT printf('d%%02d/%%07d', iif(%d, i / 10000, i * 7919 %% 99), iif(%d, i, i * 7919 %% "
                   "1000003)), randomblob(%d) FROM n",
                   first, rows, large->sorted, large->sorted, large->bytes);
}

static sqlite3 *open_small(const char *folder, const struct filling *filling, bool secure) {
    sqlite3 *db = sql_open(kept(sqlite3_mprintf("%s/a.db", folder)));
    sql_run(db, "PRAGMA journal_mode=%s; PRAGMA synchronous=OFF; PRAGMA secure_delete=%d", filling->journal, secure);
    sql_create(db, "t", filling->inlined ? "storage=inline" : "");
    return db;
}

/* Large rows leave less in reserve than their log takes, so a rollback journal may have no room to clear it. */
static int fill_with_large_rows(const char *folder, const struct filling *filling) {
    const struct large_rows *large = (const struct large_rows *)(const void *)filling;
    if (!mount_small_disk(folder)) return SKIPPED;
    sqlite3 *db = open_small(folder, filling, large->secure);
    int rc = SQLITE_OK, done = SQLITE_OK, next = 0;
    for (; !rc; next += large->rows) rc = insert_large(db, large, next, large->rows);
    if ((rc & 0xff) != SQLITE_FULL) return printf("%d %s\n", rc, sqlite3_errmsg(db)), 1;
    int all = (int)sql_int(db, "SELECT count(*) FROM t"), left = all;
    bool works = false;
    for (rc = SQLITE_OK; !rc && left; left = (int)sql_int(db, "SELECT count(*) FROM t")) {
        rc = sql_try(db, "DELETE FROM t WHERE path IN (SELECT path FROM t LIMIT 1000)");
        done = sql_try(db, "SELECT art_vacuum('t')");
        if (done && (done & 0xff) != SQLITE_FULL) return printf("%d %s\n", done, sqlite3_errmsg(db)), 2;
        if (!works && left < all / 2) {
            if (insert_large(db, large, next, 100)) return printf("%d of %d: %s\n", left, all, sqlite3_errmsg(db)), 4;
            works = true;
        }
    }
    rc = sql_try(db, "INSERT INTO t(path) VALUES('x')");
    printf("large rows: art_vacuum() %d, and then INSERT %d\n", done, rc);
    sql_close(db);
    return rc ? 3 : 0;
}

LOOP_TEST(test_a_disk_that_large_rows_have_filled_is_left_by_delete_and_vacuum, LARGE_ROWS) {
    if (left_out(_i)) return;
    if (sql_has_no_file("test_a_disk_that_large_rows_have_filled_is_left_by_delete_and_vacuum")) return;
    run_apart("large rows", fill_with_large_rows, &large_rows[_i].filling);
}

/* Worlds of directories and snapshots; `rows` is a seed. In the first two a snapshot beside a DELETE once took the last
 * room. */
static const struct filling directories[] = {
    {"DELETE", .rows = 0, .inlined = true},  {"TRUNCATE", .rows = 15, .inlined = true}, {"WAL", .rows = 1},
    {"PERSIST", .rows = 2, .inlined = true}, {"WAL", .rows = 5, .inlined = true},       {"DELETE", .rows = 3},
};
enum { DIRECTORIES = sizeof directories / sizeof *directories, CHANGES = 150, WAYS_OUT = 10 };

static int put_rows(sqlite3 *db, struct random *random, int rows) {
    uint32_t a = random_below(random, 1000), bytes = random_below(random, 4);
    return sql_try(db,
                   "REPLACE INTO t(path, value) WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT %d) "
                   "SELECT printf('d%%02d/f%%04d', (i * 7919 + %u) %% 30, (i * 104729 + %u) %% 3000), "
                   "randomblob(CASE (i + %u) %% 4 WHEN 0 THEN 3 WHEN 1 THEN 60 WHEN 2 THEN 900 ELSE 6000 END) FROM n",
                   rows, a, a, bytes);
}

static int change_directories(sqlite3 *db, struct random *random, int step) {
    uint32_t what = random_below(random, 20), from = random_below(random, 30), to = random_below(random, 30);
    const char *verb = what < 15 ? "move" : "copy", *kind = what % 2 ? "dm" : "md";
    int rc = sql_try(db, "BEGIN IMMEDIATE");
    if (!rc && what < 10) rc = put_rows(db, random, what < 5 ? 5 : 400);
    if (!rc && what >= 10) rc = sql_try(db, "INSERT INTO t(t, prefix) VALUES('delete', '%c%02u/')", kind[1], to);
    if (!rc && what >= 12 && what < 18)
        rc = sql_try(db, "INSERT INTO t(t, prefix, path) VALUES('%s', '%c%02u/', '%c%02u/')", verb, kind[0], from,
                     kind[1], to);
    if (!rc && what > 18)
        rc = sql_try(db, "INSERT INTO t(t, snapshot) SELECT 'drop snapshot', name FROM art_snapshots('t') LIMIT 1");
    if (!rc && random_once_in(random, 6))
        rc = sql_try(db, "INSERT INTO t(t, snapshot) VALUES('snapshot', 's%d')", step);
    if (!rc) rc = sql_try(db, "COMMIT");
    return rc;
}

/* What commands.md says: snapshots go, directories go, art_vacuum(). */
static int lead_out(sqlite3 *db) {
    sql_try(db, "SELECT art_vacuum('t')");
    int rc = sql_try(db, "INSERT INTO t(t, snapshot) SELECT 'drop snapshot', name FROM art_snapshots('t')");
    for (int i = 0; !rc && i < 3; i++)
        rc = sql_try(db, "INSERT INTO t(t, prefix) SELECT 'delete', path FROM t('', '/') LIMIT 1");
    return rc ? rc
              : sql_try(db, "REPLACE INTO t(path, value) WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT "
                            "200) SELECT printf('new/%%d', i), randomblob(900) FROM n");
}

static int fill_with_directories(const char *folder, const struct filling *filling) {
    struct random random = {(uint64_t)filling->rows};
    if (!mount_small_disk(folder)) return SKIPPED;
    sqlite3 *db = open_small(folder, filling, true);
    int64_t rows = 0, refused = 0;
    int left = WAYS_OUT;
    for (int step = 0; step < CHANGES; step++) {
        int rc = change_directories(db, &random, step);
        EXPECT(!rc || (rc & 0xff) == SQLITE_FULL, "%d %s", rc, sqlite3_errmsg(db));
        if (rc && !sqlite3_get_autocommit(db)) sql_try(db, "ROLLBACK");
        int64_t now = sql_int(db, "SELECT art_count('t', '')");
        EXPECT(!rc || now == rows, "%lld rows, not %lld", (long long)now, (long long)rows);
        rows = now;
        refused += rc != 0;
    }
    EXPECT(refused && sql_int(db, "SELECT art_check('t') = 'ok'"), "%lld refused", (long long)refused);
    while (left && lead_out(db)) left--;
    printf("directories, %s: %lld times full\n", filling->journal, (long long)refused);
    EXPECT(left, "there is no way out: %s", sqlite3_errmsg(db));
    sql_close(db);
    return 0;
}

LOOP_TEST(test_a_disk_that_directories_and_snapshots_have_filled_is_left_by_dropping_them, DIRECTORIES) {
    if (sql_has_no_file("test_a_disk_that_directories_and_snapshots_have_filled_is_left_by_dropping_them")) return;
    run_apart("directories", fill_with_directories, &directories[_i]);
}

/* statfs() of a ramfs says 0 of everything, as that of some file systems in user space. */
static int load_where_nothing_is_counted(const char *folder, const struct filling *unused) {
    struct statvfs attributes;
    if (!mount_alone(folder, "ramfs", NULL) || statvfs(folder, &attributes) || attributes.f_blocks) return SKIPPED;
    char *path = TEXT("%s/a.db", folder);
    sqlite3 *db = sql_open(path);
    sql_create(db, "t", "");
    for (int i = 0; i < 5; i++) {
        if (insert(db, i * 20000, 20000)) return printf("%s\n", sqlite3_errmsg(db)), 1;
    }
    if (sql_try(db, "DELETE FROM t WHERE path < 'bucket-30'; SELECT art_vacuum('t')")) {
        return printf("%s\n", sqlite3_errmsg(db)), 2;
    }
    if (sql_int(db, "SELECT count(*) FROM t") != 25000) return 3;
    sql_close(db);
    return 0;
}

TEST(test_a_file_system_that_counts_no_blocks_is_not_full) {
    run_apart("ramfs", load_where_nothing_is_counted, NULL);
}

SUITE("sql_full", .seconds = 240)
