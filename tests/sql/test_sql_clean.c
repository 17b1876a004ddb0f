/* 'clean' must never remove a file that a table needs: databases that change places, authorizers that hide tables. What
 * it does otherwise is in test_sql_commands.c. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/sql_one.h"
#include "tests/support/suite.h"

/* A table with a file. */
static void make_table(const char *table) {
    sql_run(db, "CREATE VIRTUAL TABLE %s USING art", table);
    sql_run(db,
            "INSERT INTO %s(path, value) WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 300) "
            "SELECT printf('path/%%05d', i), i FROM n",
            table);
    sql_run(db, "INSERT INTO %s(%s) VALUES('flush')", table, table);
}

static void move_database(const char *from, const char *to) {
    sql_close(db);
    ck_assert_int_eq(rename(from, to), 0);
}

/* Someone puts a database aside, tries another one in its place, cleans up there, and takes the first one back. */
TEST(test_a_database_that_was_put_aside_keeps_its_file) {
    char *aside = sqlite3_mprintf("%s/aside.db", directory), *other = sqlite3_mprintf("%s/other.db", directory);
    make_table("t");
    move_database(path, aside);
    db = sql_open(path);
    make_table("n");
    expect("0\n", "SELECT count(*) FROM art_info('n') WHERE property = 'orphan file'");
    expect("1\n",
           "SELECT count(*) FROM art_info('n') WHERE property = 'unknown file' AND value GLOB '*stood in this place*'");
    sql_run(db, "INSERT INTO n(n) VALUES('clean')");
    expect("ok|300\n", "SELECT art_check('n'), art_count('n', '')");
    move_database(path, other);
    ck_assert_int_eq(rename(aside, path), 0);
    db = sql_open(path);
    expect("ok|300\n", "SELECT art_check('t'), art_count('t', '')");
    sqlite3_free(aside);
    sqlite3_free(other);
}

/* What the first 'clean' asked for lasts, what the second one saw does not. */
TEST(test_a_drop_that_is_taken_back_keeps_its_file) {
    make_table("t");
    make_table("u");
    sql_run(db, "BEGIN; INSERT INTO t(t) VALUES('clean'); SAVEPOINT s; DROP TABLE u; INSERT INTO t(t) VALUES('clean');"
                "ROLLBACK TO s; COMMIT");
    expect("ok|300\n", "SELECT art_check('u'), art_count('u', '')");
    sql_run(db, "BEGIN; INSERT INTO t(t) VALUES('clean'); SAVEPOINT s; DROP TABLE u; INSERT INTO t(t) VALUES('clean');"
                "ROLLBACK TO s; DROP TABLE t; COMMIT");
    expect("ok|300\n", "SELECT art_check('u'), art_count('u', '')");
}

/* A copy without its file finds another name; what it wrote there and took back is left over, until it takes that
 * name. */
TEST(test_a_name_that_is_taken_with_the_same_commit_is_in_use) {
    if (sql_has_no_file("clean")) return;
    char *copy = sqlite3_mprintf("%s/a.db2", directory);
    static const char some[] = "INSERT INTO t(path) WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 30000) "
                               "SELECT printf('path/%05d', i) FROM n";
    sql_run(db, "CREATE VIRTUAL TABLE t USING art; INSERT INTO t(t) VALUES('spill_limit=1MB')");
    sql_copy_file(path, copy);
    sql_run(db, "INSERT INTO t VALUES('a', 1); INSERT INTO t(t) VALUES('flush')");
    sql_close(db);
    db = sql_open(copy);
    sql_run(db, "BEGIN");
    sql_run(db, "%s", some);
    sql_run(db, "ROLLBACK");
    sql_close(db);
    db = sql_open(copy);
    expect("1\n", "SELECT count(*) FROM art_info('t') WHERE property = 'orphan file'");
    sql_run(db, "BEGIN; INSERT INTO t(t) VALUES('clean'); INSERT INTO t VALUES('a', 1);"
                "INSERT INTO t(t) VALUES('flush'); COMMIT");
    expect("0\n", "SELECT count(*) FROM art_info('t') WHERE property = 'orphan file'");
    sql_close(db);
    db = sql_open(copy);
    expect("ok|1\n", "SELECT art_check('t'), art_count('t', '')");
    sqlite3_free(copy);
}

/* --- authorizers that hide without an error ----------------------------------------------------------------------- */

struct veil {
    int action;
    const char *table, *column; /* NULL: any */
    const char *denied;         /* a table that may not even be read */
};

static int authorize(void *context, int action, const char *one, const char *two, const char *schema, const char *by) {
    const struct veil *veil = context;
    (void)schema;
    (void)by;
    if (veil->denied && action == SQLITE_READ && one && !strcmp(one, veil->denied)) return SQLITE_DENY;
    if (action != veil->action) return SQLITE_OK;
    if (veil->table && (!one || strcmp(one, veil->table) != 0)) return SQLITE_OK;
    return veil->column && (!two || strcmp(two, veil->column) != 0) ? SQLITE_OK : SQLITE_IGNORE;
}

TEST(test_tables_that_an_authorizer_hides_keep_their_files) {
    static const struct veil veils[] = {{SQLITE_READ, "sqlite_master", NULL, NULL},
                                        {SQLITE_READ, "sqlite_master", "name", NULL},
                                        {SQLITE_READ, "sqlite_master", "type", NULL},
                                        {SQLITE_READ, "sqlite_master", "rootpage", NULL},
                                        {SQLITE_READ, "u_artstate", NULL, NULL},
                                        {SQLITE_READ, "u_artstate", "k", NULL},
                                        {SQLITE_READ, "u_artstate", "v", NULL},
                                        {SQLITE_READ, "u_artstate", NULL, "u"},
                                        {SQLITE_READ, "u_artstate", "k", "u"},
                                        {SQLITE_READ, "u_artstate", "v", "u"},
                                        {SQLITE_SELECT, NULL, NULL, NULL}};
    make_table("t");
    make_table("u");
    for (size_t i = 0; i < sizeof veils / sizeof *veils; i++) {
        sql_reopen();
        sqlite3_set_authorizer(db, authorize, (void *)&veils[i]);
        int rc = sqlite3_exec(db, "INSERT INTO t(t) VALUES('clean')", NULL, NULL, NULL);
        ck_assert_msg(rc != SQLITE_OK, "veil %zu: 'clean' saw nothing wrong", i);
        sqlite3_set_authorizer(db, NULL, NULL);
        expect("ok|ok\n", "SELECT art_check('t'), art_check('u')");
    }
    sql_run(db, "CREATE TABLE any_artstate(k, v); CREATE TABLE none_artstate(x); INSERT INTO any_artstate VALUES('a', "
                "NULL), (1, 2)");
    sql_run(db, "INSERT INTO t(t) VALUES('clean')");
    expect("ok|ok\n", "SELECT art_check('t'), art_check('u')");
}

static void put_file(const char *end) {
    char *name = sqlite3_mprintf("%s-%s", path, end);
    FILE *file = fopen(name, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fclose(file), 0);
    sqlite3_free(name);
}

TEST(test_files_that_are_only_nearly_called_so_are_nobodys) {
    static const char *const names[] = {"t+01234567.art", "t-0123456g.art", "t-0123456.art",
                                        "t-ABCDEF01.art", "t-01234567.arx", "t-01234567.art.old"};
    make_table("t");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) put_file(names[i]);
    expect("", "SELECT property FROM art_info('t') WHERE property GLOB '* file'");
    put_file("t-01234567.art");
    expect("unknown file\n", "SELECT property FROM art_info('t') WHERE property GLOB '* file'");
    sql_run(db, "INSERT INTO t(t) VALUES('clean')");
    expect("unknown file\n", "SELECT property FROM art_info('t') WHERE property GLOB '* file'");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *name = sqlite3_mprintf("%s-%s", path, names[i]);
        ck_assert_msg(!access(name, F_OK), "%s is gone", name);
        sqlite3_free(name);
    }
}

int main(void) {
    if (sql_standin()) return 0;
    return suite_run("sql_clean", .seconds = 60, .set_up = sql_set_up, .tear_down = sql_tear_down);
}
