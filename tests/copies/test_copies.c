/* README's section 'Copies': each way to copy a database, with storage=file and with storage=inline, what is then
 * there, and what art_verify() says of it.
 *
 * Made by connections without the extension wherever that can be, and looked at by one with it.
 *
 *     test_copies --readme     prints README's table
 */

#include "tests/support/readme.h"
#include "tests/support/sql_one.h"

static const char *skipped;

static void set_up(void) {
    sql_set_up_closed();
    skipped = NULL;
}

static sqlite3 *open_plain(const char *name) {
    sqlite3 *db;
    ck_assert_int_eq(sqlite3_open(name, &db), SQLITE_OK);
    sql_run(db, "PRAGMA synchronous=OFF");
    return db;
}

/* --- ways to copy ------------------------------------------------------------------------------------------------- */

static const char *extension(void) {
    const char *given = getenv("ART_EXTENSION");
    return given && strcmp(given, "linked") != 0 ? given : NULL;
}

static void copied_file(void) {
    ck_assert_int_eq(sql_shell("cp a.db copy.db"), 0);
}

static void copied_files(void) {
    ck_assert_int_eq(sql_shell("mkdir elsewhere && cp a.db* elsewhere/"), 0);
    sqlite3_free(copy_path);
    copy_path = sqlite3_mprintf("%s/elsewhere/a.db", directory);
}

static void backed_up_by_art(void) {
    sqlite3 *db = sql_open(path);
    sql_run(db, "SELECT art_backup(%Q)", copy_path);
    sql_close(db);
}

static void published(void) {
    sqlite3 *db = sql_open(path);
    sql_run(db, "SELECT art_publish(%Q)", copy_path);
    sql_close(db);
}

static void vacuumed_into(void) {
    sqlite3 *db = open_plain(path);
    sql_run(db, "VACUUM INTO %Q", copy_path);
    sqlite3_close(db);
}

static void copy_pages(sqlite3 *from, sqlite3 *to) {
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
    ck_assert_int_eq(sqlite3_backup_step(backup, -1), SQLITE_DONE);
    ck_assert_int_eq(sqlite3_backup_finish(backup), SQLITE_OK);
}

static void backed_up(void) {
    sqlite3 *db = open_plain(path), *to = open_plain(copy_path);
    copy_pages(db, to);
    sqlite3_close(db);
    sqlite3_close(to);
    if (sql_shell("sqlite3 a.db '.backup shell.db' 2>/dev/null")) {
        puts("SKIPPED .backup: the shell sqlite3 cannot be had here");
        return;
    }
    ck_assert_int_eq(sql_shell("sqlite3 copy.db .dump >copy.sql && sqlite3 shell.db .dump | cmp - copy.sql"), 0);
    sqlite3_free(copy_path);
    copy_path = sqlite3_mprintf("%s/shell.db", directory);
}

/* Without the extension, as with it. */
static void dumped(void) {
    if (sql_shell("sqlite3 a.db .dump >without.sql && sqlite3 without.db <without.sql")) skipped = "the shell sqlite3";
    if (skipped || !sql_extension_elsewhere()) {
        (void)sql_shell("sqlite3 copy.db <without.sql");
        return;
    }
    ck_assert_int_eq(
        sql_shell("printf '.load \"%%s\"\\n.dump\\n' '%s' | sqlite3 a.db >with.sql", sql_extension_elsewhere()), 0);
    ck_assert_int_eq(sql_shell("cmp with.sql without.sql"), 0);
    ck_assert_int_eq(
        sql_shell("printf '.load \"%%s\"\\n.read with.sql\\n' '%s' | sqlite3 copy.db", sql_extension_elsewhere()), 0);
    ck_assert_int_eq(
        sql_shell("sqlite3 copy.db .dump | cmp - without.sql && sqlite3 without.db .dump | cmp - without.sql"), 0);
}

static void cloned(void) {
    if (sql_shell("sqlite3 a.db '.clone copy.db' >clone.out 2>&1; command -v sqlite3 >/dev/null"))
        skipped = "the shell sqlite3";
}

static void serialized(void) {
    sqlite3 *from = open_plain(path), *to = open_plain(":memory:"), *file = open_plain(copy_path);
    sqlite3_int64 size;
    unsigned char *image = sqlite3_serialize(from, "main", &size, 0);
    image[18] = image[19] = 1; /* no WAL in memory */
    ck_assert_int_eq(sqlite3_deserialize(to, "main", image, size, size, SQLITE_DESERIALIZE_FREEONCLOSE), SQLITE_OK);
    copy_pages(to, file);
    sqlite3_close(from);
    sqlite3_close(to);
    sqlite3_close(file);
}

static void iterdumped(void) {
    static const char script[] = "import sqlite3, sys\n"
                                 "a = sqlite3.connect('a.db')\n"
                                 "try: a.enable_load_extension(True); a.load_extension(sys.argv[1])\n"
                                 "except Exception: sys.exit(77)\n"
                                 "lines = list(a.iterdump())\n"
                                 "rows = [x for x in lines if x.startswith('INSERT INTO \"t\" VALUES')]\n"
                                 "c = sqlite3.connect('copy.db')\n"
                                 "c.enable_load_extension(True); c.load_extension(sys.argv[1])\n"
                                 "try: c.executescript(chr(10).join(lines)); sys.exit(3)\n"
                                 "except sqlite3.Error: c.rollback()\n"
                                 "assert len(rows) == 3001\n"
                                 "c.close(); d = sqlite3.connect('rows.db')\n"
                                 "d.enable_load_extension(True); d.load_extension(sys.argv[1])\n"
                                 "d.execute('CREATE VIRTUAL TABLE t USING art')\n"
                                 "d.executescript('PRAGMA synchronous=OFF; BEGIN;' + chr(10).join(rows) + 'COMMIT;')\n"
                                 "assert d.execute('SELECT count(*) FROM t').fetchone() == (3001,)\n";
    char *name = TEXT("%s/iterdump.py", directory);
    FILE *file = fopen(name, "w");
    fputs(script, file);
    fclose(file);
    int rc = sql_extension_elsewhere() ? sql_shell("/usr/bin/python3 iterdump.py '%s'", sql_extension_elsewhere()) : -1;
    if (rc == -1 || rc == 77 << 8 || rc == 127 << 8) {
        skipped = "a Python that loads extensions";
    } else {
        ck_assert_int_eq(rc, 0);
    }
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

#define WHOLE   "whole"
#define MISSING "its file is missing"
#define NONE    "no table"

static const struct way {
    const char *what;
    void (*copy)(void);
    const char *file, *inlined;
} ways[] = {
    {"the database's file alone (`cp`, with nobody writing)", copied_file, MISSING, WHOLE},
    {"both files (`cp`, with nobody writing)", copied_files, WHOLE, WHOLE},
    {"`art_backup()`", backed_up_by_art, WHOLE, WHOLE},
    {"`art_publish()`", published, WHOLE, WHOLE},
    {"`VACUUM INTO`", vacuumed_into, MISSING, WHOLE},
    {"`sqlite3_backup()`, `.backup`", backed_up, MISSING, WHOLE},
    {"`sqlite3_serialize()`, `sqlite3_deserialize()`", serialized, MISSING, WHOLE},
    {"`.dump`", dumped, MISSING, WHOLE},
    {"`.clone`", cloned, NONE, NONE},
    {"Python's `iterdump()`", iterdumped, NONE, NONE},
};
enum { WAYS = sizeof ways / sizeof *ways };

static void make(const char *mode, const char *storage) {
    sqlite3 *db = sql_open(path);
    sql_run(db,
            "PRAGMA synchronous=OFF; PRAGMA journal_mode=%s; CREATE TABLE plain(x); INSERT INTO plain VALUES(1);"
            "CREATE VIRTUAL TABLE t USING art(path, value, storage=%s); INSERT INTO t SELECT printf('d%%d/%%06d', i %% "
            "50, i), "
            "'value ' || i FROM (WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000) SELECT i FROM n);"
            "INSERT INTO t(t) VALUES('flush'); INSERT INTO t VALUES('log', x'00ff')",
            mode, storage);
    sql_close(db);
}

/* The copy has it all, and is written. */
static void is_whole(void) {
    sqlite3 *copy = sql_open(copy_path);
    sql_expect(copy, "ok: 1 art table\n", "SELECT art_verify()");
    sql_expect(copy, "3001|ok\n", "SELECT count(*), art_check('t') FROM t");
    sql_expect(copy, "value 7\n", "SELECT value FROM t WHERE path = 'd7/000007'");
    sql_expect(copy, "00FF\n", "SELECT hex(value) FROM t WHERE path = 'log'");
    sql_run(copy, "INSERT INTO t VALUES('more', 1); INSERT INTO t(t) VALUES('optimize')");
    sql_expect(copy, "3002|ok\n", "SELECT count(*), art_check('t') FROM t");
    sql_close(copy);
}

/* Says so, and what to do; its file beside it is all that it needs. */
static void lacks_its_file(void) {
    static const char *const advice =
        "copy by art_backup(), or all files while nobody writes, or keep the blobs in the database (storage=inline)";
    sqlite3 *copy = sql_open(copy_path);
    sql_refused(copy, SQLITE_CORRUPT_VTAB, "main.t: the .art file is that of another database", "SELECT art_verify()");
    sql_refused(copy, SQLITE_CORRUPT_VTAB, advice, "SELECT art_verify()");
    sql_refused(copy, SQLITE_ERROR, "copy or move both together, or copy by art_backup()", "SELECT * FROM t");
    sql_refused(copy, SQLITE_ERROR, "copy or move both together", "INSERT INTO t VALUES('x', 1)");
    sql_expect(copy, "1\n", "SELECT * FROM plain");
    sql_close(copy);
    ck_assert_int_eq(sql_shell("mkdir -p moved && cp '%s' moved/a.db", copy_path), 0);
    char *moved = TEXT("%s/moved/a.db", directory);
    copy = sql_open(moved);
    sql_refused(copy, SQLITE_CORRUPT_VTAB, "main.t: the .art file is missing", "SELECT art_verify()");
    sql_refused(copy, SQLITE_CORRUPT_VTAB, advice, "SELECT art_verify()");
    sql_refused(copy, SQLITE_CANTOPEN, "copy the whole by art_backup()", "SELECT * FROM t");
    sql_close(copy);
    ck_assert_int_eq(sql_shell("cp a.db-t-*.art moved/"), 0);
    copy = sql_open(moved);
    sql_expect(copy, "ok: 1 art table\n", "SELECT art_verify()");
    sql_expect(copy, "3001|ok\n", "SELECT count(*), art_check('t') FROM t");
    sql_close(copy);
}

/* .clone leaves shadow tables, iterdump() nothing. */
static void has_no_table(void) {
    sqlite3 *copy = sql_open(copy_path);
    bool traces = sql_int(copy, "SELECT count(*) FROM sqlite_schema") > 0;
    sql_refused(copy, SQLITE_CORRUPT_VTAB,
                traces ? "main.t: the table is not there, its shadow tables are" : "there is nothing in this database",
                "SELECT art_verify()");
    sql_refused(copy, SQLITE_ERROR, "no such table", "SELECT * FROM t");
    sql_close(copy);
}

/* Who has no extension is told so, damages nothing, and finds the rest. */
static void is_sound_without_the_extension(const char *name, const char *word) {
    sqlite3 *db = open_plain(name);
    if (strcmp(word, NONE) != 0) {
        sql_refused(db, SQLITE_ERROR, "no such module: art", "SELECT * FROM t");
        sql_refused(db, SQLITE_ERROR, "no such module: art", "INSERT INTO t VALUES('x', 1)");
        sql_refused(db, SQLITE_ERROR, "no such module: art", "DROP TABLE t");
        sql_run(db, "INSERT INTO plain VALUES(2); DELETE FROM plain WHERE x = 2; VACUUM");
    }
    sql_expect(db, "ok\n", "PRAGMA integrity_check");
    sqlite3_close(db);
}

LOOP_TEST(test_each_way_to_copy_does_what_readme_says, WAYS * 4) {
    const struct way *way = &ways[_i / 4];
    const char *word = _i % 2 ? way->inlined : way->file;
    make(_i / 2 % 2 ? "WAL" : "DELETE", _i % 2 ? "inline" : "file");
    way->copy();
    if (skipped) {
        printf("SKIPPED %s: %s cannot be had here\n", way->what, skipped);
        return;
    }
    if (!getenv("ART_EXTENSION") || extension()) is_sound_without_the_extension(copy_path, word);
    if (!strcmp(word, WHOLE)) is_whole();
    if (!strcmp(word, MISSING)) lacks_its_file();
    if (!strcmp(word, NONE)) has_no_table();
    is_sound_without_the_extension(path, WHOLE);
    sqlite3 *db = sql_open(path);
    sql_expect(db, "3001|ok\n", "SELECT count(*), art_check('t') FROM t");
    sql_close(db);
}

/* --- README ------------------------------------------------------------------------------------------------------- */

static char *readme_row(unsigned i) {
    return sqlite3_mprintf("| %s | %s | %s |\n", ways[i].what, ways[i].file, ways[i].inlined);
}

TEST(test_readme_has_the_table) {
    readme_expect("test_copies", readme_row, WAYS);
}

int main(int argc, char **argv) {
    if (argc > 1 && !strcmp(argv[1], "--readme")) {
        readme_print("| copied by | `storage=file` | `storage=inline` |\n|---|---|---|\n", readme_row, WAYS);
        return 0;
    }
    return suite_run("copies", .seconds = 120, .set_up = set_up, .tear_down = sql_tear_down);
}
