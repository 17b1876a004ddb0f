/* Copies of one database that live side by side, databases that move while they are open, and names of every kind: what
 * takes more than one step and so has no line in test_foreign.c's table. Random histories: test_ownership.c. */
#include <glob.h>
#include <unistd.h>

#include "tests/support/foreign_world.h"
#include "tests/support/sql_one.h"

static const char *const journals[] = {"delete", "wal", NULL};

static sqlite3 *open_with(const char *name, const char *journal) {
    sqlite3 *db = sql_open(name);
    sql_run(db, "PRAGMA journal_mode=%s; PRAGMA synchronous=OFF", journal);
    return db;
}

static void fill(sqlite3 *db, const char *value) {
    sql_run(db,
            "INSERT INTO t(path, value) WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 500) "
            "SELECT printf('%s/%%05d', i), '%s ' || i FROM n",
            value, value);
}

static unsigned count_files(void) {
    char *pattern = kept(foreign_join(directory, "*.art"));
    glob_t files;
    int rc = glob(pattern, 0, NULL, &files);
    unsigned count = rc ? 0 : (unsigned)files.gl_pathc;
    if (!rc) globfree(&files);
    return count;
}

/* An original and its copy, made before the table had a file. */
static void make_twins(const char *journal, sqlite3 **original, sqlite3 **copy) {
    sqlite3 *db = open_with(path, journal);
    sql_run(db, "CREATE VIRTUAL TABLE t USING art; INSERT INTO t VALUES('both', 1)");
    sql_close(db);
    foreign_copy_replacing(path, copy_path);
    *original = open_with(path, journal);
    *copy = open_with(copy_path, journal);
}

static void are_twins(const char *journal) {
    sqlite3 *db = open_with(path, journal);
    sql_expect(db, "501|ok|501\n", "SELECT count(*), art_check('t'), art_count('t', '') FROM t");
    sql_expect(db, "500\n", "SELECT art_count('t', 'mine/')");
    sql_close(db);
    db = open_with(copy_path, journal);
    sql_expect(db, "501|ok|501\n", "SELECT count(*), art_check('t'), art_count('t', '') FROM t");
    sql_expect(db, "500\n", "SELECT art_count('t', 'yours/')");
    sql_close(db);
    ck_assert_uint_eq(count_files(), 2);
}

/* --- copied before there was an .art file ------------------------------------------------------------------------- */

LOOP_TEST(test_a_copy_made_before_the_first_flush_takes_a_file_of_its_own, 4) {
    sqlite3 *original, *copy, *other;
    const char *journal = journals[_i / 2];
    make_twins(journal, &original, &copy);
    other = open_with(_i % 2 ? path : copy_path, journal);
    sql_expect(other, "1\n", "SELECT count(*) FROM t"); /* knows the name that was */
    for (int i = 0; i < 2; i++) {
        sqlite3 *db = i == _i % 2 ? original : copy;
        fill(db, db == original ? "mine" : "yours");
        sql_command(db, "main", "t", "flush");
    }
    sql_expect(other, "501|ok\n", "SELECT count(*), art_check('t') FROM t");
    sql_run(other, "UPDATE t SET value = value || '!'; INSERT INTO t(t) VALUES('optimize')");
    sql_close(other);
    sql_expect(original, "501\n", "SELECT count(*) FROM t");
    sql_expect(copy, "501\n", "SELECT count(*) FROM t");
    sql_close(original);
    sql_close(copy);
    are_twins(journal);
    copy = open_with(copy_path, journal);
    sql_run(copy, "DROP TABLE t");
    ck_assert_uint_eq(count_files(), 1);
    sql_close(copy);
    original = open_with(path, journal);
    sql_expect(original, "501|ok\n", "SELECT count(*), art_check('t') FROM t");
    sql_run(original, "DROP TABLE t");
    ck_assert_uint_eq(count_files(), 0);
    sql_close(original);
}

/* Whichever comes first in the COMMIT: the original has locked its file when the copy comes to it, or has not. */
LOOP_TEST(test_a_copy_of_an_emptied_table_takes_a_file_of_its_own_in_one_commit_with_the_original, 4) {
    static const char fill_schema[] =
        "INSERT INTO %s.t(path, value) WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 500) "
        "SELECT printf('%s/%%05d', i), i FROM n; INSERT INTO %s.t(t) VALUES('flush')";
    const char *journal = journals[_i / 2];
    sqlite3 *db = open_with(path, journal);
    sql_run(db, "CREATE VIRTUAL TABLE t USING art");
    fill(db, "gone");
    sql_run(db, "INSERT INTO t(t) VALUES('flush'); DELETE FROM t; INSERT INTO t(t) VALUES('flush');"
                "INSERT INTO t VALUES('both', 1)");
    sql_close(db);
    foreign_copy_replacing(path, copy_path);
    db = open_with(path, journal);
    sql_run(db, "ATTACH %Q AS copy; BEGIN", copy_path);
    for (int i = 0; i < 2; i++) {
        bool original = i == _i % 2;
        const char *schema = original ? "main" : "copy";
        sql_run(db, fill_schema, schema, original ? "mine" : "yours", schema);
    }
    sql_run(db, "COMMIT");
    sql_close(db);
    are_twins(journal);
}

/* The name that was taken and the row that says so are two things: here the row is lost and the name kept. */
LOOP_TEST(test_a_name_that_was_rolled_back_is_written_with_the_next_root, 2) {
    sqlite3 *original, *copy;
    make_twins(journals[_i], &original, &copy);
    fill(original, "mine");
    sql_command(original, "main", "t", "flush");
    sql_command(copy, "main", "t", "spill_limit=4KB");
    sql_run(copy, "BEGIN");
    fill(copy, "yours"); /* spills, and so has taken the name */
    ck_assert_uint_eq(count_files(), 2);
    sql_run(copy, "ROLLBACK");
    sql_expect(copy, "1\n", "SELECT count(*) FROM t");
    sql_run(copy, "BEGIN; SAVEPOINT s");
    fill(copy, "lost");
    sql_run(copy, "ROLLBACK TO s");
    fill(copy, "yours");
    sql_run(copy, "COMMIT");
    sql_close(original);
    sql_close(copy);
    are_twins(journals[_i]);
}

LOOP_TEST(test_a_name_that_one_connection_lost_is_found_by_another, 2) {
    sqlite3 *original, *copy, *other;
    make_twins(journals[_i], &original, &copy);
    fill(original, "mine");
    sql_command(original, "main", "t", "flush");
    sql_command(copy, "main", "t", "spill_limit=4KB");
    other = open_with(copy_path, journals[_i]);
    sql_run(copy, "BEGIN");
    fill(copy, "lost");
    sql_run(copy, "ROLLBACK");
    fill(other, "yours");
    sql_command(other, "main", "t", "flush");
    sql_expect(copy, "501|ok\n", "SELECT count(*), art_check('t') FROM t");
    sql_run(copy, "UPDATE t SET value = 1; INSERT INTO t(t) VALUES('flush')");
    sql_expect(other, "501\n", "SELECT sum(value) FROM t");
    sql_close(original);
    sql_close(copy);
    sql_close(other);
    are_twins(journals[_i]);
}

/* The root is there already when the name cannot be read: that there was none before must not be forgotten. */
LOOP_TEST(test_a_name_that_could_not_be_read_is_read_the_next_time, 2) {
    sqlite3 *original, *copy, *other;
    make_twins(journals[_i], &original, &copy);
    other = open_with(copy_path, journals[_i]);
    sql_expect(other, "1\n", "SELECT count(*) FROM t"); /* knows the name that was */
    fill(original, "mine");
    sql_command(original, "main", "t", "flush");
    fill(copy, "yours");
    sql_command(copy, "main", "t", "flush");
    sql_forbid(other, SQLITE_DENY, SQLITE_READ, "t_artstate", NULL);
    ck_assert_int_ne(sql_try(other, "SELECT count(*) FROM t"), SQLITE_OK);
    sql_forbid(other, SQLITE_OK, 0, NULL, NULL);
    sql_expect(other, "501|ok\n", "SELECT count(*), art_check('t') FROM t");
    sql_close(original);
    sql_close(copy);
    sql_close(other);
    are_twins(journals[_i]);
}

/* --- who owns it -------------------------------------------------------------------------------------------------- */

static void make_original(const char *journal) {
    sqlite3 *db = open_with(path, journal);
    sql_run(db, "CREATE VIRTUAL TABLE t USING art");
    fill(db, "mine");
    sql_command(db, "main", "t", "flush");
    sql_close(db);
}

/* A file that has just been restored belongs to nobody yet: it is for the database of its name, though another comes
 * first. */
LOOP_TEST(test_of_two_databases_beside_a_restored_file_the_one_of_its_name_owns_it, 2) {
    make_original(journals[_i]);
    foreign_copy_replacing(path, copy_path);
    char *file = kept(foreign_art_file(path, "t"));
    foreign_copy_replacing(file, file);
    sqlite3 *original = open_with(path, journals[_i]), *copy = open_with(copy_path, journals[_i]);
    sql_refused(copy, SQLITE_ERROR, "made with one of another name", "SELECT count(*) FROM t");
    sql_refused(copy, SQLITE_ERROR, "made with one of another name", "INSERT INTO t VALUES('mine/x', 1)");
    sql_refused(copy, SQLITE_ERROR, "made with one of another name", "INSERT INTO t(t) VALUES('flush')");
    sql_expect(original, "500\n", "SELECT count(*) FROM t");
    sql_run(original, "INSERT INTO t VALUES('mine/x', 1); INSERT INTO t(t) VALUES('flush')");
    sql_refused(copy, SQLITE_ERROR, "another database", "SELECT count(*) FROM t");
    sql_run(copy, "DROP TABLE t");
    sql_close(copy);
    sql_expect(original, "501|ok\n", "SELECT count(*), art_check('t') FROM t");
    sql_close(original);
}

/* The first row that is written claims the file, although that goes into the log and not into the file. */
LOOP_TEST(test_a_restored_database_keeps_its_file_under_another_name_once_it_has_written_a_row, 2) {
    make_original(journals[_i]);
    foreign_copy_replacing(path, copy_path);
    char *file = kept(foreign_art_file(path, "t")), *prod = kept(foreign_join(directory, "prod.db"));
    foreign_copy_replacing(file, file);
    sqlite3 *db = open_with(path, journals[_i]);
    sql_run(db, "INSERT INTO t VALUES('mine/x', 1)");
    sql_close(db);
    foreign_move(path, prod);
    foreign_move(copy_path, path); /* bears the name now, too late */
    db = open_with(path, journals[_i]);
    sql_refused(db, SQLITE_ERROR, "stood here before", "SELECT count(*) FROM t");
    sql_close(db);
    db = open_with(prod, journals[_i]);
    sql_expect(db, "501|ok\n", "SELECT count(*), art_check('t') FROM t");
    sql_run(db, "INSERT INTO t(t) VALUES('optimize')");
    sql_close(db);
}

/* --- while it is open --------------------------------------------------------------------------------------------- */

LOOP_TEST(test_a_connection_whose_database_was_replaced_writes_no_more, 2) {
    char *aside = kept(foreign_join(directory, "aside"));
    make_original(journals[_i]);
    sqlite3 *db = open_with(path, journals[_i]);
    sql_run(db, "INSERT INTO t VALUES('mine/x', 1)");
    foreign_copy_replacing(path, copy_path);
    foreign_move(path, aside);
    foreign_move(copy_path, path);
    sqlite3 *other = open_with(path, journals[_i]);
    /* They share one WAL: of two databases a checkpoint brings only one up to date, with ordinary tables, too. */
    sql_run(other, "PRAGMA wal_autocheckpoint=0");
    sql_command(other, "main", "t", "adopt");
    sql_run(other, "UPDATE t SET value = 'taken'; INSERT INTO t(t) VALUES('optimize')");
    ck_assert_int_eq(sql_try(db, "INSERT INTO t VALUES('mine/y', 1); INSERT INTO t(t) VALUES('flush')") & 0xff,
                     SQLITE_READONLY); /* by SQLite itself with a rollback journal */
    ck_assert_int_eq(sql_try(db, "INSERT INTO t(t) VALUES('adopt')") & 0xff, SQLITE_READONLY);
    sql_expect(other, "500|ok\n",
               "SELECT count(*), art_check('t') FROM t WHERE path GLOB 'mine/*' AND value = 'taken' "
               "AND path <> 'mine/x'");
    sql_close(db);
    sql_close(other);
}

/* In WAL mode; with a rollback journal a reader keeps others from committing. */
TEST(test_a_reader_older_than_a_drop_reads_if_it_has_used_the_table) {
    make_original("wal");
    sqlite3 *used = open_with(path, "wal"), *fresh = open_with(path, "wal"), *writer = open_with(path, "wal");
    sql_expect(used, "500\n", "SELECT count(*) FROM t WHERE value GLOB 'mine*'");
    sql_run(used, "BEGIN; SELECT count(*) FROM sqlite_schema");
    sql_run(fresh, "BEGIN; SELECT count(*) FROM sqlite_schema");
    sql_run(writer, "DROP TABLE t");
    ck_assert_uint_eq(count_files(), 0);
    sql_expect(used, "500|500\n", "SELECT count(*), art_count('t', 'mine/') FROM t WHERE value GLOB 'mine*'");
    sql_refused(fresh, SQLITE_CANTOPEN, "end this transaction", "SELECT count(*) FROM t");
    sql_run(used, "COMMIT");
    sql_run(fresh, "COMMIT");
    sql_refused(used, SQLITE_ERROR, "no such table", "SELECT count(*) FROM t");
    sql_refused(fresh, SQLITE_ERROR, "no such table", "SELECT count(*) FROM t");
    sql_close(used);
    sql_close(fresh);
    sql_close(writer);
}

/* As `sqldiff a b | sqlite3 a` does without --table: the way back is in sql/copies.md. *own is the file that the
 * database had, *other the other database. */
static sqlite3 *write_over_shadow_tables(char **other, char **own) {
    make_original("delete");
    *other = foreign_join(directory, "other.db");
    *own = sql_find_file(directory, ".art");
    sqlite3 *db = sql_open(*other);
    sql_run(db, "CREATE VIRTUAL TABLE t USING art; INSERT INTO t VALUES('other', 1)");
    sql_command(db, "main", "t", "flush");
    sql_run(db, "ATTACH %Q AS mine", path);
    for (int i = 0; i < 2; i++) {
        const char *shadow = i ? "artdata" : "artstate";
        sql_run(db, "DELETE FROM mine.t_%s; INSERT INTO mine.t_%s SELECT * FROM main.t_%s", shadow, shadow, shadow);
    }
    sql_close(db);
    return sql_open(path);
}

TEST(test_shadow_tables_of_another_database_take_no_file_and_leave_a_way_back) {
    char *other, *own;
    sqlite3 *db = write_over_shadow_tables(&other, &own);
    sql_refused(db, SQLITE_ERROR, "is that of another database", "SELECT count(*) FROM t");
    sql_refused(db, SQLITE_ERROR, "is that of another database", "INSERT INTO t VALUES('x', 1)");
    sql_refused(db, SQLITE_ERROR, own, "INSERT INTO t(t) VALUES('adopt')");
    sql_run(db, "CREATE VIRTUAL TABLE temp.saved USING art_salvage(file=%Q, path, value)", own);
    sql_expect(db, "500\n", "SELECT count(*) FROM saved WHERE value GLOB 'mine*'");
    sql_run(db, "DROP TABLE t; CREATE VIRTUAL TABLE t USING art; INSERT INTO t SELECT path, value FROM saved");
    sql_expect(db, "500|ok\n", "SELECT count(*), art_check('t') FROM t WHERE value GLOB 'mine*'");
    sql_command(db, "main", "t", "clean");
    ck_assert_int_ne(access(own, F_OK), 0);
    sql_close(db);
    db = sql_open(other);
    sql_expect(db, "1|ok\n", "SELECT count(*), art_check('t') FROM t");
    sql_close(db);
    sqlite3_free(other);
    sqlite3_free(own);
}

static void clean_by_another_table(sqlite3 *db, const char *own) {
    sql_run(db, "CREATE VIRTUAL TABLE IF NOT EXISTS u USING art; INSERT INTO u(u) VALUES('clean')");
    ck_assert_int_eq(access(own, F_OK), 0);
    sql_expect(db, "1|0\n",
               "SELECT sum(property = 'unknown file' AND value GLOB '*may be that table''s*'), "
               "sum(property = 'orphan file') FROM art_info('u')");
}

TEST(test_clean_leaves_what_may_be_the_file_of_a_table_that_is_without_its_own) {
    char *other, *own;
    sqlite3 *db = write_over_shadow_tables(&other, &own);
    clean_by_another_table(db, own);
    char *taken = TEXT("%z.art", sqlite3_mprintf("%s-saved", own)), *others;
    ck_assert_int_eq(rename(own, taken), 0);
    sql_command(db, "main", "t", "adopt"); /* it is out of the way */
    sql_expect(db, "1|ok\n", "SELECT count(*), art_check('t') FROM t");
    ck_assert_int_eq(rename(taken, own), 0);
    others = sql_rows(db, "SELECT value FROM art_info('t') WHERE property = 'file'");
    others[strcspn(others, "\n")] = 0;
    sql_close(db);
    ck_assert_int_eq(remove(others), 0); /* the other database was in another folder */
    db = sql_open(path);
    clean_by_another_table(db, own);
    sql_run(db, "DROP TABLE t; INSERT INTO u(u) VALUES('clean')");
    ck_assert_int_ne(access(own, F_OK), 0);
    sql_close(db);
    sqlite3_free(others);
    sqlite3_free(other);
    sqlite3_free(own);
}

/* --- names -------------------------------------------------------------------------------------------------------- */

static char *long_name(const char *piece, size_t bytes) {
    sqlite3_str *text = sqlite3_str_new(NULL);
    while (sqlite3_str_length(text) + strlen(piece) <= bytes) sqlite3_str_appendall(text, piece);
    return sqlite3_str_finish(text);
}

static void live_under(const char *database, const char *table) {
    char *where = kept(foreign_join(directory, database));
    sqlite3 *db = sql_open(where);
    sql_run(db, "CREATE VIRTUAL TABLE \"%w\" USING art; INSERT INTO \"%w\" VALUES('a', 1), ('b', 2)", table, table);
    sql_command(db, "main", table, "flush");
    sql_close(db);
    char *file = kept(sql_find_file(directory, ".art"));
    ck_assert_msg(file != NULL, "no .art file for %s in %s", table, database);
    for (const char *p = foreign_base(file); *p; p++) {
        ck_assert_msg(strchr("._-", *p) || (*p >= '0' && *p <= '9') || ((*p | 32) >= 'a' && (*p | 32) <= 'z'), "%s",
                      file);
    }
    db = sql_open(where);
    sql_run(db, "INSERT INTO \"%w\" VALUES('c', 3); INSERT INTO \"%w\"(\"%w\") VALUES('optimize')", table, table,
            table);
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM \"%w\" WHERE value > 0", table), 3);
    ck_assert_int_eq(sql_int(db, "SELECT art_count(%Q, '')", table), 3);
    sql_run(db, "ALTER TABLE \"%w\" RENAME TO plainly; ALTER TABLE plainly RENAME TO \"%w\"", table, table);
    sql_command(db, "main", table, "clean");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM \"%w\"", table), 3);
    sql_run(db, "DROP TABLE \"%w\"", table);
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM sqlite_schema"), 0);
    ck_assert_int_ne(access(file, F_OK), 0);
    sql_close(db);
}

TEST(test_tables_and_databases_may_have_any_name) {
    char *wide = kept(long_name("\u8868", 200)), *narrow = kept(long_name("x", 200)),
         *dotted = kept(long_name("../", 200));
    const char *const tables[] = {"t",
                                  "with \"quotes\" and 'quotes'",
                                  "a b\tc\nd",
                                  "na\u00efve \u2013 \u8868",
                                  wide,
                                  narrow,
                                  "../../etc/passwd",
                                  dotted,
                                  "%s%n",
                                  "-",
                                  ".art",
                                  "*",
                                  "a\\b",
                                  "select"};
    const char *const databases[] = {
        "d.db", "my 'own' \"db\"; x.db", "\u00fcn\u00ef \u8868.db", "%s%n?x=1&y#z", "-rf", narrow, wide};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) live_under("d.db", tables[i]);
    for (size_t i = 0; i < sizeof databases / sizeof *databases; i++) live_under(databases[i], tables[i]);
}

int main(void) {
    foreign_begin(journals);
    int failed = suite_run("foreign, copies", .seconds = 120, .set_up = sql_set_up_closed, .tear_down = sql_tear_down);
    foreign_end();
    return failed;
}
