/* art_backup(): what lives in the copies, and what is refused. A copy that fails leaves nothing behind. (While others
 * write: test_backup_meanwhile.c; faults of the system: test_faults_backup.c; other ways to copy: test_copies.c.)
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/sql_one.h"

static const char *const modes[] = {"WAL", "DELETE"};

/* f has a file, i is inline, little lives in the log alone, none is empty; p is the ordinary mirror of f and i. */
static void make(const char *mode, unsigned rows) {
    sql_run(db,
            "PRAGMA synchronous=OFF; PRAGMA journal_mode=%s; CREATE VIRTUAL TABLE f USING art(path, value, "
            "storage=file, log_limit='20KB');"
            "CREATE VIRTUAL TABLE i USING art(path, value, storage=inline, log_limit='20KB');"
            "CREATE VIRTUAL TABLE little USING art(path, value, storage=file); CREATE VIRTUAL TABLE none USING art;"
            "CREATE TABLE p(path PRIMARY KEY, value); INSERT INTO little VALUES('a', 1), ('b', 2)",
            mode);
    sql_run(db,
            "BEGIN; INSERT INTO p SELECT printf('d%%d/%%06d', i %% 50, i), 'value ' || i FROM (WITH n(i) AS (SELECT 1 "
            "UNION ALL "
            "SELECT i + 1 FROM n LIMIT %u) SELECT i FROM n); INSERT INTO p VALUES('long', printf('%%.*c', 30000, 'x'));"
            "INSERT INTO f SELECT * FROM p; INSERT INTO i SELECT * FROM p; COMMIT",
            rows);
}

static void back_up(sqlite3 *from, const char *to) {
    char *said = kept(sql_rows(from, "SELECT art_backup(%Q)", to)), *wanted = TEXT("%s: ", to);
    ck_assert_msg(!strncmp(said, wanted, strlen(wanted)), "it said: %s", said);
}

static void remove_copy(void) {
    ck_assert_int_eq(sql_shell("rm -f copy.db copy.db-*"), 0);
}

static bool pair; /* f and i are the only art tables */

static void is_whole(sqlite3 *of) {
    sql_expect(of, "ok|ok\n", "SELECT art_check('f'), art_check('i')");
    sql_expect(of, "1|1\n", "SELECT (SELECT count(*) FROM f) = count(*), (SELECT count(*) FROM i) = count(*) FROM p");
    sql_expect(of, "0\n", "SELECT count(*) FROM (SELECT path, value FROM f EXCEPT SELECT * FROM p)");
    sql_expect(of, "0\n", "SELECT count(*) FROM (SELECT path, value FROM i EXCEPT SELECT * FROM p)");
    sql_expect(of, "ok\n", "PRAGMA integrity_check");
    if (pair) return;
    sql_expect(of, "a|1\nb|2\n", "SELECT * FROM little");
    sql_expect(of, "0|ok|ok\n", "SELECT count(*), art_check('little'), art_check('none') FROM none");
}

static void write_some(sqlite3 *to, struct random *random, unsigned commit) {
    sql_run(to, "BEGIN IMMEDIATE; CREATE TEMP TABLE IF NOT EXISTS some(path PRIMARY KEY, value); DELETE FROM some");
    for (int i = 0; i < 100; i++) { /* the rows that make() makes, and half as many more */
        unsigned row = random_below(random, 30000);
        sql_run(to, "INSERT OR REPLACE INTO some VALUES(printf('d%%d/%%06d', %u, %u), 'commit %u')", row % 50, row,
                commit);
    }
    for (const char *table = "pfi"; *table; table++) {
        sql_run(to,
                "DELETE FROM %c WHERE path IN (SELECT path FROM some WHERE rowid %% 4 = 0);"
                "INSERT OR REPLACE INTO %c SELECT * FROM some WHERE rowid %% 4",
                *table, *table);
    }
    if (commit % 10 == 0) sql_run(to, "INSERT INTO f(f) VALUES('%s')", commit % 20 ? "optimize" : "flush");
    sql_run(to, "COMMIT");
}

/* --- a life of its own -------------------------------------------------------------------------------------------- */

LOOP_TEST(test_a_copy_its_copy_and_their_original_live_beside_each_other, 2) {
    struct random random = {random_seed()};
    char *second_path = TEXT("%s/second copy.db", directory);
    make(modes[_i], 5000);
    back_up(db, copy_path);
    sqlite3 *copy = sql_open(copy_path);
    char *mode = kept(sql_rows(copy, "PRAGMA journal_mode"));
    ck_assert_int_eq(sqlite3_strnicmp(mode, modes[_i], (int)strlen(modes[_i])), 0);
    back_up(copy, second_path);
    sqlite3 *all[] = {db, copy, sql_open(second_path)};
    for (unsigned round = 0; round < 30; round++) {
        if (!random_span(&random)) continue;
        write_some(all[round % 3], &random, round);
        is_whole(all[round % 3]);
    }
    for (int i = 0; i < 3; i++) is_whole(all[i]);
    sql_run(db, "ATTACH %Q AS other", copy_path);
    sql_run(
        db,
        "BEGIN; DELETE FROM other.f; INSERT INTO other.f SELECT path, value FROM main.f; DELETE FROM other.p;"
        "INSERT INTO other.p SELECT * FROM main.p; DELETE FROM other.i; INSERT INTO other.i SELECT path, value FROM "
        "main.f; COMMIT");
    is_whole(db);
    is_whole(copy);
    sql_run(db, "DETACH other");
    sql_run(copy, "DROP TABLE f; DROP TABLE i; DROP TABLE little; DROP TABLE none");
    sql_close(copy);
    is_whole(db);
    is_whole(all[2]);
    sql_close(all[2]);
}

LOOP_TEST(test_whatever_schema_is_copied, 4) {
    static const char *const sources[] = {":memory:", "", "temp", "attached"};
    const char *source = sources[_i], *schema = _i < 2 ? "main" : source;
    sqlite3 *from = sql_open(_i < 2 ? source : ":memory:");
    if (_i == 3) sql_run(from, "ATTACH %Q AS attached", path);
    sql_run(from,
            "CREATE VIRTUAL TABLE \"%w\".t USING art; INSERT INTO t SELECT printf('%%06d', i), i FROM (WITH n(i) AS "
            "(SELECT 1 "
            "UNION ALL SELECT i + 1 FROM n LIMIT 5000) SELECT i FROM n); INSERT INTO t(t) VALUES('flush')",
            schema);
    sql_run(from, "INSERT INTO t VALUES('log', 1)");
    sql_run(from, "SELECT art_backup(%Q, %Q)", copy_path, schema);
    for (int again = 0; again < 2; again++) {
        sqlite3 *copy = sql_open(copy_path);
        ck_assert_int_eq(sql_int(copy, "SELECT count(*) FROM t"), 5001 + again);
        sql_expect(copy, "ok\n", "SELECT art_check('t')");
        sql_expect(copy, "ok\n", "PRAGMA integrity_check");
        sql_run(copy, "INSERT INTO t VALUES('more %d', 1)", again);
        sql_close(copy);
    }
    ck_assert_int_eq(sql_int(from, "SELECT count(*) FROM t"), 5001);
    sql_close(from);
}

/* SQLite's own tables alone, or nothing at all; and a table of a module that is not there. */
LOOP_TEST(test_a_database_without_art_tables_is_copied, 3) {
    if (_i) sql_run(db, "CREATE TABLE x(a); INSERT INTO x VALUES(1); CREATE VIEW v AS SELECT * FROM x");
    if (_i > 1) {
        sql_run(
            db,
            "PRAGMA writable_schema=ON; INSERT INTO sqlite_schema VALUES('table', 'u', 'u', 0, 'CREATE VIRTUAL TABLE u "
            "USING nowhere'); PRAGMA writable_schema=RESET");
    }
    back_up(db, copy_path);
    sqlite3 *copy = sql_open(copy_path);
    if (_i) sql_expect(copy, "1\n", "SELECT * FROM v");
    ck_assert_int_eq(sql_int(copy, "SELECT count(*) FROM sqlite_schema"), _i ? _i + 1 : 0);
    sql_close(copy);
}

TEST(test_names_of_any_kind_are_copied) {
    static const char *const tables[] = {"with \"quotes\" and 'quotes'", "\u00fcml\u00e4ut \u8868", "../../x", "%s%n",
                                         "select"};
    static const char *const files[] = {"my 'own' \"db\".db", "\u00fcn\u00ef.db", "%s%n?x=1&y#z", "-rf", "file:x.db"};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        sql_run(db,
                "CREATE VIRTUAL TABLE \"%w\" USING art; INSERT INTO \"%w\" VALUES('a', %d); INSERT INTO \"%w\"(\"%w\") "
                "VALUES('flush')",
                tables[i], tables[i], (int)i, tables[i], tables[i]);
    }
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        char *file = TEXT("%s/%s", directory, files[f]);
        ck_assert_int_eq(chdir(directory), 0);
        back_up(db, f % 2 ? file : files[f]);
        sqlite3 *copy = sql_open(file);
        for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
            ck_assert_int_eq(sql_int(copy, "SELECT value FROM \"%w\"", tables[i]), (int)i);
            sql_run(copy, "UPDATE \"%w\" SET value = 7; INSERT INTO \"%w\"(\"%w\") VALUES('optimize')", tables[i],
                    tables[i], tables[i]);
        }
        sql_close(copy);
    }
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        ck_assert_int_eq(sql_int(db, "SELECT value FROM \"%w\"", tables[i]), (int)i);
    }
}

TEST(test_a_copy_has_the_rights_of_its_original) {
    struct stat status;
    umask(022);
    make("WAL", 3000);
    ck_assert_int_eq(chmod(path, 0600), 0);
    back_up(db, copy_path);
    char *file = TEXT("ls -l '%s' | grep -c '^-rw------- .*copy'", directory);
    ck_assert_int_eq(stat(copy_path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0600);
    FILE *listed = popen(file, "r");
    int count = 0;
    ck_assert_int_eq(fscanf(listed, "%d", &count), 1);
    ck_assert_int_eq(count, 2);
    pclose(listed);
}

TEST(test_it_tells_tables_files_and_bytes) {
    struct stat status;
    make("WAL", 3000);
    char *said = kept(sql_rows(db, "SELECT art_backup(%Q)", copy_path));
    ck_assert_int_eq(stat(copy_path, &status), 0);
    int64_t bytes = status.st_size;
    DIR *folder = opendir(directory);
    for (struct dirent *entry; (entry = readdir(folder));) {
        char *name = TEXT("%s/%s", directory, entry->d_name);
        if (!strncmp(entry->d_name, "copy.db-", 8) && !stat(name, &status)) bytes += status.st_size;
    }
    closedir(folder);
    char *wanted = TEXT("%s: 4 art tables, %lld bytes in 2 files\n", copy_path, (long long)bytes);
    if (!sql_inline()) ck_assert_str_eq(said, wanted);
}

/* --- refusals ----------------------------------------------------------------------------------------------------- */

static int shown(const struct dirent *entry) {
    static const char *const own[] = {".", "..", "a.db-journal", "a.db-wal", "a.db-shm"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if (!strcmp(entry->d_name, own[i])) return 0;
    }
    return 1;
}

/* The names of all files but the source's own journals. */
static char *all_files(void) {
    struct dirent **entries;
    sqlite3_str *out = sqlite3_str_new(NULL);
    int count = scandir(directory, &entries, shown, alphasort);
    for (int i = 0; i < count; i++) {
        sqlite3_str_appendf(out, "%s\n", entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return sqlite3_str_finish(out);
}

static void leaves_nothing(const char *before) {
    char *after = kept(all_files());
    ck_assert_str_eq(after, before);
}

static void refused_cleanly(int code, const char *words, const char *sql) {
    char *before = kept(all_files());
    sql_refused(db, code, words, sql);
    leaves_nothing(before);
}

/* Where art_backup() was told to write; it is relative to the folder. */
static void cannot_be_written(const char *to, const char *words) {
    char *sql = TEXT("SELECT art_backup(%Q)", to);
    refused_cleanly(SQLITE_CANTOPEN, words, sql);
}

TEST(test_what_cannot_be_copied_to_is_refused) {
    static const char *const journals[] = {"copy.db-journal", "copy.db-wal", "copy.db-shm"};
    ck_assert_int_eq(chdir(directory), 0);
    make("WAL", 3000);
    cannot_be_written("a.db", "no copy of itself");
    cannot_be_written("no/copy.db", "No such file");
    cannot_be_written("", "is to be a file");
    cannot_be_written(":memory:", "is to be a file");
    cannot_be_written("/tmp/", "is to be a file");
    refused_cleanly(SQLITE_CANTOPEN, "is to be a file", "SELECT art_backup('copy.db' || char(0) || 'more')");
    ck_assert_int_eq(symlink("elsewhere.db", "link.db"), 0);
    cannot_be_written("link.db", "must be a new file");
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(symlink("nowhere", journals[i]), 0);
        cannot_be_written("copy.db", "a journal is there");
        ck_assert_int_eq(unlink(journals[i]), 0);
    }
    back_up(db, copy_path);
    cannot_be_written("copy.db", "must be a new file");
    sqlite3 *copy = sql_open(copy_path);
    is_whole(copy);
    sql_close(copy);
    sql_expect(db, "\n", "SELECT art_backup(NULL)");
    is_whole(db);
}

LOOP_TEST(test_what_is_not_committed_and_what_is_not_there_is_not_copied, 2) {
    char *sql = TEXT("SELECT art_backup(%Q)", copy_path), *other = TEXT("SELECT art_backup(%Q, 'nope')", copy_path);
    char *within = TEXT("INSERT INTO p SELECT 'x', art_backup(%Q)", copy_path);
    make(modes[_i], 3000);
    refused_cleanly(0, "nope", other);
    sql_run(db, "BEGIN; INSERT INTO f VALUES('x', 1)");
    refused_cleanly(SQLITE_LOCKED, "COMMIT first", sql);
    sql_run(db, "ROLLBACK; BEGIN; INSERT INTO p VALUES('x', 1)");
    refused_cleanly(SQLITE_LOCKED, "COMMIT first", sql);
    sql_run(db, "ROLLBACK");
    refused_cleanly(SQLITE_LOCKED, "COMMIT first", within);
    sql_run(db, "BEGIN");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM f"), 3001);
    back_up(db, copy_path); /* one that has only read has a snapshot, which is copied */
    sql_run(db, "COMMIT");
}

/* A collation that is not there: nobody can read the table's file, and without it the copy would be none. */
LOOP_TEST(test_a_table_that_cannot_be_opened_is_not_left_out, 2) {
    char *sql = TEXT("SELECT art_backup(%Q)", copy_path);
    sqlite3_create_collation(db, "mine", SQLITE_UTF8, NULL, sql_compare_bytes);
    sql_run(db,
            "CREATE VIRTUAL TABLE t USING art(path, value COLLATE mine, storage=%s); INSERT INTO t VALUES('a', 1);"
            "INSERT INTO t(t) VALUES('flush')",
            _i ? "inline" : "file");
    sql_reopen();
    if (_i) {
        back_up(db, copy_path); /* whole as it is */
    } else {
        refused_cleanly(SQLITE_ERROR, "mine", sql);
        sqlite3_create_collation(db, "mine", SQLITE_UTF8, NULL, sql_compare_bytes);
        back_up(db, copy_path);
    }
    sqlite3 *copy = sql_open(copy_path);
    sqlite3_create_collation(copy, "mine", SQLITE_UTF8, NULL, sql_compare_bytes);
    sql_expect(copy, "a|1|ok\n", "SELECT path, value, art_check('t') FROM t");
    sql_close(copy);
}

/* In a leaf page, and in the footer, which only the reference's hash tells. */
LOOP_TEST(test_a_damaged_blob_is_not_copied, 4) {
    char *sql = TEXT("SELECT art_backup(%Q)", copy_path);
    make(modes[_i / 2], 3000);
    sql_run(db, "INSERT INTO f(f) VALUES('optimize')");
    sql_reopen();
    int64_t slots = sql_file_size(directory, ".art") / (512 << 10);
    char *file = kept(sql_find_file(directory, ".art"));
    int fd = open(file, O_RDWR);
    for (int64_t slot = 1; slot <= slots; slot++) {
        off_t at = _i % 2 ? (slot + 1) * (512 << 10) - 50 : slot * (512 << 10) + 100;
        ck_assert_int_eq(pwrite(fd, "damage", 6, at), 6);
    }
    close(fd);
    refused_cleanly(SQLITE_CORRUPT_VTAB, file, sql);
}

/* Also where T_artstate no longer says that there is a file. */
LOOP_TEST(test_a_table_with_a_damaged_state_is_not_copied, 2) {
    static const struct {
        const char *damage, *words;
    } states[] = {
        {"DELETE FROM f_artstate WHERE k = 'file'", "the name of the .art file is lost (main.f_artstate)"},
        {"UPDATE f_artstate SET v = 'x' WHERE k = 'file'", "the name of the .art file is lost (main.f_artstate)"},
        {"DELETE FROM f_artstate", "the table has no id (main.f_artstate)"},
        {"DROP TABLE f_artstate", "cannot read main.f_artstate"},
        {"DELETE FROM little_artstate WHERE k = 'file'", "the name of the .art file is lost"},
        {"DELETE FROM i_artstate", "the table has no id (main.i_artstate)"},
        {"DELETE FROM i_artstate WHERE k = 'file'", "the name of the .art file is lost (main.i_artstate)"},
        {"DROP TABLE i_artstate", "cannot read main.i_artstate"},
        {"ALTER TABLE i_artstate RENAME COLUMN k TO q", "no such column"}};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        if (i) sql_set_up();
        char *sql = TEXT("SELECT art_backup(%Q)", copy_path);
        make(modes[_i], 3000);
        sql_run(db, "%s", states[i].damage);
        sql_close(db);
        char *before = kept(all_files());
        db = sql_open(path);
        refused_cleanly(SQLITE_CORRUPT_VTAB, states[i].words, sql);
        sql_close(db);
        leaves_nothing(before);
        db = sql_open(path);
        if (i + 1 < sizeof states / sizeof *states) sql_tear_down();
    }
}

TEST(test_a_table_is_copied_however_its_create_was_written) {
    static const char *const creates[] = {
        "CREATE VIRTUAL TABLE t USING art",
        "create virtual table if not exists main . t using ART(path, value)",
        "CREATE VIRTUAL TABLE /* USING fts5 */ [t] -- USING\n USING/**/\"art\"(path, 'value')",
        "CREATE VIRTUAL TABLE 'using' USING art; ALTER TABLE \"using\" RENAME TO t",
    };
    for (size_t i = 0; i < sizeof creates / sizeof *creates; i++) {
        sql_run(db, "%s; INSERT INTO t VALUES('a', 1); INSERT INTO t(t) VALUES('flush')", creates[i]);
        back_up(db, copy_path);
        sqlite3 *copy = sql_open(copy_path);
        sql_expect(copy, "a|1|ok\n", "SELECT path, value, art_check('t') FROM t");
        sql_run(copy, "DROP TABLE t");
        sql_close(copy);
        remove_copy();
        sql_run(db, "DROP TABLE t");
    }
}

/* There is a whole copy, which goes, or nothing new. */
static void whole_or_nothing(const char *before) {
    if (!access(copy_path, F_OK)) {
        sqlite3 *copy = sql_open(copy_path);
        is_whole(copy);
        sql_close(copy);
        remove_copy();
    }
    leaves_nothing(before);
}

static int steps_left;

static int stop(void *unused) {
    return --steps_left <= 0;
}

TEST(test_an_interrupt_anywhere_leaves_a_whole_copy_or_nothing) {
    unsigned interrupted = 0;
    make("WAL", 20000);
    char *before = kept(all_files());
    for (int steps = 1;; steps += 1 + steps / 8) {
        steps_left = steps;
        sqlite3_progress_handler(db, 1, stop, NULL);
        int rc = sql_try(db, "SELECT art_backup(%Q)", copy_path);
        sqlite3_progress_handler(db, 0, NULL, NULL);
        if (!rc) break;
        ck_assert_msg(rc == SQLITE_INTERRUPT, "%d: %s", rc, sqlite3_errmsg(db));
        whole_or_nothing(before); /* the interrupt may come behind the function, in the SELECT around it */
        interrupted++;
    }
    ck_assert_uint_gt(interrupted, 10);
    ck_assert_int_eq(access(copy_path, F_OK), 0);
    whole_or_nothing(before);
}

static struct { int left, answer; } rule;

static int authorize(void *unused, int action, const char *a, const char *b, const char *c, const char *d) {
    return rule.left-- == 1 ? rule.answer : SQLITE_OK;
}

/* Whatever it denies or hides: the copy has everything, or there is none. */
LOOP_TEST(test_an_authorizer_makes_no_half_copy, 2) {
    rule.answer = _i ? SQLITE_IGNORE : SQLITE_DENY;
    pair = true; /* what is asked about a table more is the same again */
    sql_reopen();
    make("WAL", 1000);
    sql_run(db, "DROP TABLE little; DROP TABLE none");
    sql_close(db);
    db = NULL;
    unsigned failed = 0;
    char *before = kept(all_files());
    for (int nth = 1; nth < 1000; nth++) {
        sqlite3 *from = sql_open(path);
        rule.left = 0;
        sqlite3_set_authorizer(from, authorize, NULL);
        rule.left = nth;
        int rc = sql_try(from, "SELECT art_backup(%Q)", copy_path);
        bool asked = rule.left < 1;
        ck_assert_int_ne(rc, SQLITE_DONE); /* a caller would take it for success */
        if (rc) {
            failed++;
            sqlite3_set_authorizer(from, NULL, NULL);
            is_whole(from);
        }
        sql_close(from);
        whole_or_nothing(before);
        if (!asked) break;
    }
    ck_assert_uint_gt(failed, 5);
    db = sql_open(path);
}

SUITE("copies", .seconds = 120, .set_up = sql_set_up, .tear_down = sql_tear_down)
