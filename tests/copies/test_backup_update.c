/* art_backup(copy, schema, 'update'): what an earlier copy has in the end, also where a run was killed on the way, and
 * which files are refused. (Faults of the system: test_faults_backup.c.)
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/store/store_format.h"
#include "tests/support/features.h"
#include "tests/support/sql_one.h"
#include "tests/support/timing.h"

static const char *const modes[] = {"WAL", "DELETE"};

/* p is the ordinary mirror of f and i, and sure of what f's snapshot has. */
static void make(const char *mode) {
    sql_run(db,
            "PRAGMA synchronous=OFF; PRAGMA journal_mode=%s; CREATE VIRTUAL TABLE f USING art(path, value, "
            "storage=file, log_limit='20KB'); CREATE VIRTUAL TABLE i USING art(path, value, storage=inline, "
            "log_limit='20KB'); CREATE TABLE p(path PRIMARY KEY, value); CREATE TABLE sure(path, value)",
            mode);
    sql_run(db, "BEGIN; INSERT INTO p SELECT printf('d%%d/%%06d', i %% 50, i), hex(randomblob(60)) FROM (WITH n(i) AS "
                "(SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000) SELECT i FROM n); INSERT INTO f SELECT * FROM p; "
                "INSERT INTO i SELECT * FROM p; COMMIT; INSERT INTO f(f) VALUES('optimize'); INSERT INTO f(f, "
                "snapshot) VALUES('snapshot', 's'); INSERT INTO sure SELECT * FROM p");
}

/* fk, fb and their twins are in the random histories alone. */
static bool has_features(sqlite3 *of) {
    return sql_int(of, "SELECT count(*) FROM sqlite_schema WHERE name = 'turns'");
}

static void change(sqlite3 *of, struct random *random) {
    sql_run(of, "BEGIN IMMEDIATE");
    if (has_features(of)) ck_assert_msg(!features_turn(of), "%s", sqlite3_errmsg(of));
    sql_run(of, "COMMIT");
    unsigned directory_number = random_below(random, 50), what = random_below(random, 8);
    sql_run(
        of,
        "BEGIN IMMEDIATE; DELETE FROM p WHERE path GLOB 'd%u/*1'; UPDATE p SET value = hex(randomblob(50)) WHERE path "
        "GLOB 'd%u/*3*'; INSERT OR REPLACE INTO p VALUES('d%u/new', %u);"
        "DELETE FROM f WHERE path GLOB 'd%u/*'; INSERT INTO f SELECT * FROM p WHERE path GLOB 'd%u/*';"
        "DELETE FROM i WHERE path GLOB 'd%u/*'; INSERT INTO i SELECT * FROM p WHERE path GLOB 'd%u/*'; COMMIT",
        directory_number, directory_number, directory_number, random_below(random, 1000), directory_number,
        directory_number, directory_number, directory_number);
    if (what < 2) sql_run(of, "INSERT INTO f(f) VALUES('%s')", what ? "optimize" : "flush");
    if (what == 2)
        sql_run(of, "DROP TABLE IF EXISTS g; CREATE VIRTUAL TABLE g USING art(storage=file); INSERT INTO g "
                    "SELECT path, 1 FROM f; INSERT INTO g(g) VALUES('flush')");
    if (what == 3) sql_run(of, "DROP TABLE IF EXISTS g");
    if (what == 4) sql_run(of, "SELECT art_vacuum('f')");
    if (what == 5)
        sql_run(of, "INSERT INTO f(f, snapshot) VALUES('drop snapshot', 's'); INSERT INTO f(f, snapshot) "
                    "VALUES('snapshot', 's'); DELETE FROM sure; INSERT INTO sure SELECT * FROM p");
}

static void is_whole(sqlite3 *of) {
    for (const char *table = "fi"; *table; table++) {
        ck_assert_int_eq(
            sql_int(of, "SELECT count(*) FROM (SELECT path, value FROM %c EXCEPT SELECT * FROM p)", *table), 0);
        ck_assert_int_eq(sql_int(of, "SELECT (SELECT count(*) FROM %c) = count(*) FROM p", *table), 1);
    }
    sql_expect(of, "0\n",
               "SELECT count(*) FROM (SELECT path, value FROM f WHERE snapshot = 's' EXCEPT SELECT * FROM sure)");
    const char *complaint = has_features(of) ? features_complaint(of) : NULL;
    ck_assert_msg(!complaint, "%s", complaint);
    char *said = kept(sql_rows(of, "SELECT art_verify()"));
    ck_assert_msg(!strncmp(said, "ok: ", 4), "%s", said);
}

static int update_from(sqlite3 *from) {
    return sql_try(from, "SELECT art_backup(%Q, 'main', 'update')", copy_path);
}

static bool unfinished(sqlite3 *copy) {
    return sql_try(copy, "SELECT count(*) FROM f") && strstr(sqlite3_errmsg(copy), "unfinished");
}

static bool is_being_written(int fd) {
    struct art_owner_page pages[2];
    ck_assert_int_eq(pread(fd, pages, sizeof pages, sizeof *pages), sizeof pages);
    return !pages[pages[1].sequence > pages[0].sequence].copied;
}

/* A power loss keeps a part of what was written and not yet synced. */
static void tear(sqlite3 *copy, struct random *random) {
    struct stat status;
    uint8_t nothing[4096] = {0};
    char *file = kept(sql_rows(copy, "SELECT v FROM f_artstate WHERE k = 'file'"));
    char *beside = TEXT("%s/%.*s", directory, (int)strlen(file) - 1, file);
    int fd = open(beside, O_RDWR);
    ck_assert_int_eq(fstat(fd, &status), 0);
    off_t slot = 1 + random_below(random, (unsigned)(status.st_size >> 19));
    off_t at = random_below(random, 2) ? slot << 19 : ((slot + 1) << 19) - 4096;
    if (is_being_written(fd) && at + 4096 <= status.st_size) ck_assert_int_eq(pwrite(fd, nothing, 4096, at), 4096);
    close(fd);
}

/* Some time after its beginning; or halfway, as it copies f: then the copy is unfinished. */
static void update_and_be_killed(const char *source, struct random *random, bool halfway) {
    unsigned wait = random_below(random, 60000);
    pid_t child = fork();
    if (!child) {
        sqlite3 *from = sql_open(source);
        if (!halfway) _exit(update_from(from) != 0);
        sqlite3_stmt *steps = sql_prepare(from, "SELECT step FROM art_backup(%Q, 'main', 'update')", copy_path);
        while (sqlite3_step(steps) == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(steps, 0), "f") != 0)
            continue;
        raise(SIGKILL);
    }
    if (!halfway) {
        nanosleep(&(struct timespec){0, wait * 1000}, NULL);
        kill(child, SIGKILL);
    }
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
}

/* From the original and from a copy of it that goes its own way, in turns. An idle connection of the copy sees all. */
LOOP_TEST(test_a_copy_is_brought_to_any_state, 2) {
    struct random random = {random_seed()};
    char *second = TEXT("%s/second.db", directory);
    const char *sources[] = {path, second};
    unsigned killed = 0, marked = 0;
    make(modes[_i]);
    features_create(db, ", log_limit='20KB'");
    features_create(db, NULL);
    ck_assert_int_eq(sql_try(db, "SELECT art_backup(%Q)", second), 0);
    ck_assert_int_eq(sql_try(db, "SELECT art_backup(%Q)", copy_path), 0);
    for (unsigned rounds = random_rounds(30) + 3; rounds; rounds--) {
        if (!random_span(&random)) continue;
        const char *source = sources[random_below(&random, 2)];
        sql_close(db);
        sqlite3 *idle = _i ? sql_open(copy_path) : NULL;
        if (idle) is_whole(idle);
        db = sql_open(source);
        sql_run(db, "PRAGMA synchronous=OFF");
        change(db, &random);
        if (random_below(&random, 2)) {
            sql_close(db);
            bool halfway = random_once_in(&random, 3) || !marked;
            update_and_be_killed(source, &random, halfway);
            sqlite3 *copy = sql_open(copy_path);
            bool is = unfinished(copy);
            ck_assert(is || !halfway);
            if (!is) is_whole(copy);
            if (is && idle) ck_assert(unfinished(idle));
            if (is && random_below(&random, 2)) tear(copy, &random);
            sql_close(copy);
            db = sql_open(source);
            killed++;
            marked += is;
        }
        ck_assert_msg(!update_from(db), "%s", sqlite3_errmsg(db));
        sqlite3 *copy = idle ? idle : sql_open(copy_path);
        is_whole(copy);
        char *has = kept(sql_rows(copy, "SELECT count(*), max(value), min(value) FROM p"));
        sql_expect(db, has, "SELECT count(*), max(value), min(value) FROM p");
        sql_close(copy);
    }
    printf("%u killed, %u of them left an unfinished copy\n", killed, marked);
}

/* --- refusals ----------------------------------------------------------------------------------------------------- */

static void write_to_copy(const char *sql) {
    sqlite3 *copy = sql_open(copy_path);
    sql_run(copy, "%s", sql);
    sql_close(copy);
}

/* It stays as it is, byte by byte. */
static void stays(const char *words, const char *what) {
    ck_assert_int_eq(sql_shell("cat copy.db* > before"), 0);
    ck_assert_int_ne(update_from(db), SQLITE_OK);
    ck_assert_msg(strstr(sqlite3_errmsg(db), words) != NULL, "%s: %s", what, sqlite3_errmsg(db));
    ck_assert_msg(!sql_shell("cat copy.db* | cmp - before"), "%s", what);
}

LOOP_TEST(test_what_is_no_earlier_copy_is_not_written_over, 2) {
    static const char *const writes[] = {"INSERT INTO p VALUES('x', 1)",
                                         "INSERT INTO f VALUES('x', 1)",
                                         "CREATE TABLE x(a)",
                                         "UPDATE i SET value = 1 WHERE path = 'd1/000001'",
                                         "INSERT INTO f(f) VALUES('flush')",
                                         "INSERT INTO f(f, snapshot) VALUES('snapshot', 'of the copy')",
                                         "UPDATE f_artstate SET v = v + 1 WHERE k = 'log_limit'",
                                         "PRAGMA user_version = 7",
                                         "DROP TABLE i",
                                         "VACUUM"};
    static const struct {
        const char *shell, *words;
    } others[] = {{"rm copy.db; echo 'what is this, it is no database at all' > copy.db", "not a database"},
                  {"rm copy.db", "it is of another database"},
                  {"for f in copy.db-*.art; do cp $f n; mv n $f; done", "no database has claimed"},
                  {"ln copy.db old.db", "is a hard link"},
                  {"for f in copy.db-*.art; do ln $f old.art; done", "is a hard link"}};
    make(modes[_i]);
    sql_run(db, "INSERT INTO f VALUES('in the log', 1)");
    ck_assert_int_eq(sql_try(db, "SELECT art_backup(%Q, 'main', 'inline')", copy_path), 0);
    stays("another storage", "inline");
    for (size_t i = 0; i < sizeof writes / sizeof *writes; i++) {
        ck_assert_int_eq(sql_shell("rm copy.db*"), 0);
        ck_assert_int_eq(update_from(db), SQLITE_OK);
        write_to_copy("SELECT count(*) FROM f; SELECT art_verify()");
        ck_assert_msg(!update_from(db), "%s", sqlite3_errmsg(db)); /* who only reads does no harm */
        write_to_copy(writes[i]);
        stays("somebody has written to it since", writes[i]);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        ck_assert_int_eq(sql_shell("rm copy.db*"), 0);
        ck_assert_int_eq(update_from(db), SQLITE_OK);
        ck_assert_int_eq(sql_shell("%s", others[i].shell), 0);
        if (i == 1) write_to_copy("CREATE VIRTUAL TABLE f USING art; INSERT INTO f VALUES(1, 1)");
        stays(others[i].words, others[i].shell);
    }
}

TEST(test_a_copy_that_is_open_elsewhere_is_refused) {
    make("WAL");
    ck_assert_int_eq(update_from(db), SQLITE_OK);
    sqlite3 *copy = sql_open(copy_path);
    is_whole(copy);
    ck_assert_int_eq(update_from(db), SQLITE_BUSY);
    ck_assert(strstr(sqlite3_errmsg(db), "another connection has it") != NULL);
    ck_assert_int_eq(sql_try(db, "SELECT art_backup(%Q, 'main', 'update')", path), SQLITE_CANTOPEN); /* onto itself */
    sql_close(copy);
    sql_run(db, "PRAGMA journal_mode=DELETE; PRAGMA page_size=1024; VACUUM");
    ck_assert_msg(!update_from(db), "%s", sqlite3_errmsg(db)); /* with pages of another size */
    copy = sql_open(copy_path);
    is_whole(copy);
    sql_expect(copy, "1024\n", "PRAGMA page_size");
    sql_run(copy, "BEGIN; SELECT count(*) FROM p");
    sql_run(db, "PRAGMA busy_timeout=300");
    double begun = timing_now();
    ck_assert_int_eq(update_from(db), SQLITE_BUSY);
    ck_assert_double_ge(timing_now() - begun, 200e6);
    sql_close(copy);
    ck_assert_msg(!update_from(db), "%s", sqlite3_errmsg(db));
}

TEST(test_a_table_that_was_empty_for_a_while_is_read_by_who_has_the_copy_open) {
    make("DELETE");
    ck_assert_int_eq(update_from(db), SQLITE_OK);
    sqlite3 *copy = sql_open(copy_path);
    is_whole(copy);
    sql_run(db, "INSERT INTO f(f, snapshot) VALUES('drop snapshot', 's'); DELETE FROM f; INSERT INTO f(f) "
                "VALUES('optimize'); DELETE FROM sure");
    ck_assert_int_eq(update_from(db), SQLITE_OK);
    sql_expect(copy, "0\n", "SELECT count(*) FROM f");
    sql_run(db,
            "UPDATE p SET value = 'new'; INSERT INTO f SELECT * FROM p; INSERT INTO f(f) VALUES('optimize'); INSERT "
            "INTO f(f, snapshot) VALUES('snapshot', 's'); INSERT INTO sure SELECT * FROM p; DELETE FROM i; INSERT "
            "INTO i SELECT * FROM p");
    ck_assert_int_eq(update_from(db), SQLITE_OK);
    is_whole(copy);
    sql_close(copy);
}

TEST(test_what_has_a_journals_name_stays) {
    make("WAL");
    ck_assert_int_eq(update_from(db), SQLITE_OK);
    ck_assert_int_eq(sql_try(db, "SELECT art_backup('%s-shm', 'main', 'update')", path), SQLITE_CANTOPEN);
    ck_assert(strstr(sqlite3_errmsg(db), "name of a journal") != NULL);
    ck_assert_int_eq(sql_shell("ln -s copy.db link; echo mine > link-journal"), 0);
    ck_assert_int_eq(sql_try(db, "SELECT art_backup('%s/link', 'main', 'update')", directory), SQLITE_OK);
    ck_assert_int_eq(sql_shell("grep -q mine link-journal && ! test -e copy.db-journal"), 0);
}

/* --- what it says ------------------------------------------------------------------------------------------------- */

static void flip(const char *file, off_t at) {
    uint8_t byte;
    int fd = open(file, O_RDWR);
    ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
    byte ^= 1;
    ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

/* A page that is not looked at stays as it is, and who reads it says so; a blob that is written anew is whole again. */
TEST(test_a_copy_that_rots_is_found_where_it_is_read_and_mended_where_it_is_written) {
    make("WAL");
    ck_assert_int_eq(sql_try(db, "SELECT art_backup(%Q)", copy_path), 0);
    ck_assert_int_eq(sql_shell("ln -s copy.db-f-*.art link"), 0);
    char *file = TEXT("%s/link", directory);
    flip(file, (1 << 19) + 100);
    ck_assert_msg(!update_from(db), "%s", sqlite3_errmsg(db));
    sqlite3 *copy = sql_open(copy_path);
    ck_assert_int_eq(sql_try(copy, "SELECT art_verify()"), SQLITE_CORRUPT_VTAB);
    sql_close(copy);
    flip(file, (2 << 19) - 100); /* its trailer */
    char *said = kept(sql_rows(db, "SELECT art_backup(%Q, 'main', 'update')", copy_path));
    ck_assert_msg(strstr(said, "; 1 of ") != NULL, "%s", said);
    copy = sql_open(copy_path);
    is_whole(copy);
    sql_close(copy);
}

/* The copy's .art file has a copy of its last root, which must not make the database seem behind it. */
TEST(test_a_copy_of_an_original_that_went_back_to_before_its_first_blob_is_whole) {
    sql_run(db, "CREATE VIRTUAL TABLE f USING art(path, value, storage=file); INSERT INTO f VALUES('a', 1)");
    sql_close(db);
    char *shell = TEXT("cp %s older.db", path);
    ck_assert_int_eq(sql_shell(shell), 0);
    db = sql_open(path);
    sql_run(db, "INSERT INTO f(f) VALUES('flush')");
    ck_assert_msg(!update_from(db), "%s", sqlite3_errmsg(db));
    sql_close(db);
    shell = TEXT("cat older.db > %s && rm %s-f-*.art", path, path);
    ck_assert_int_eq(sql_shell(shell), 0);
    db = sql_open(path);
    ck_assert_msg(!update_from(db), "%s", sqlite3_errmsg(db));
    sqlite3 *copy = sql_open(copy_path);
    sql_expect(copy, "a|1\n", "SELECT * FROM f");
    sql_expect(copy, "1\n", "SELECT art_verify() LIKE 'ok: 1 art table%'");
    sql_close(copy);
}

TEST(test_each_step_of_a_backup_is_a_row) {
    sqlite3_stmt *steps;
    make("WAL");
    for (unsigned again = 0; again < 2; again++) {
        char *said =
            kept(sql_rows(db, "SELECT step, remaining, total FROM art_backup(%Q, 'main', 'Update')", copy_path));
        ck_assert_msg(strstr(said, "pages|0|") && strstr(said, "\nf|0|") && strstr(said, "copy.db: 2 art tables"), "%s",
                      said);
        ck_assert_msg(!strstr(said, "; 0 of") == !again, "%s", said);
    }
    sql_run(db, "UPDATE f SET value = 1; INSERT INTO f(f) VALUES('optimize')");
    for (unsigned how = 0; how < 3; how++) { /* ends early: reset, interrupted, its connection writes */
        char *sql = TEXT("SELECT * FROM art_backup(%Q, 'main', 'update')", copy_path);
        ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &steps, NULL), SQLITE_OK);
        while (sqlite3_step(steps) == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(steps, 0), "f") != 0)
            continue;
        if (how == 1) sqlite3_interrupt(db);
        if (how == 2)
            sql_run(db, "INSERT INTO p VALUES('while it is copied', 1); INSERT INTO f SELECT * FROM p WHERE value = 1");
        if (how) ck_assert_int_eq(sqlite3_step(steps), how == 1 ? SQLITE_INTERRUPT : SQLITE_LOCKED);
        sqlite3_finalize(steps);
        sqlite3 *copy = sql_open(copy_path);
        ck_assert(unfinished(copy));
        sql_run(copy, "CREATE VIRTUAL TABLE temp.saved USING art_salvage(f)");
        ck_assert_int_gt(sql_int(copy, "SELECT count(*) FROM saved"), 0);
        sql_close(copy);
    }
    sql_run(db, "DELETE FROM i; INSERT INTO i SELECT * FROM p; DELETE FROM f; INSERT INTO f SELECT * FROM p");
    ck_assert_msg(!update_from(db), "%s", sqlite3_errmsg(db));
    sqlite3 *copy = sql_open(copy_path);
    is_whole(copy);
    sql_close(copy);
    ck_assert_int_eq(sql_try(db, "SELECT * FROM art_backup()"), SQLITE_ERROR);
    ck_assert(strstr(sqlite3_errmsg(db), "art_backup('copy.db')") != NULL);
    ck_assert_int_eq(sql_try(db, "CREATE VIEW v AS SELECT * FROM art_backup('x'); SELECT * FROM v"), SQLITE_ERROR);
}

SUITE("copies brought up to date", .seconds = 120, .set_up = sql_set_up, .tear_down = sql_tear_down)
