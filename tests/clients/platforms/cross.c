/* One history of statements that every platform goes through, so that what one of them has written another one reads:
 * the same rows, to the last byte.
 *
 *     cross <extension> <database> <storage> write     makes the database; prints "14037 rows, <hash>, in <storage>"
 *     cross <extension> <database> <storage> read      asks the same questions; prints the same line
 *
 * An ordinary table beside the art table gets the same rows, and every question is put to both. The hash is over all
 * columns of the art table's rows. The extension is loaded, or linked in (-DCROSS_STATIC) where there is no loading.
 * No part is about time.
 */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef CROSS_STATIC
int sqlite3_art_init(sqlite3 *db, char **message, const struct sqlite3_api_routines *api);
#endif

enum { ROWS = 20000, COMMIT_EVERY = 5000, POINT_READS = 200, SMALL_COMMITS = 30, MOST_FAILURES = 10 };

static sqlite3 *db;
static int failures;

static void give_up(const char *what, const char *why) {
    printf("FAILED: %s: %s\n", what, why);
    exit(1);
}

/* All values of all rows in one text, which the next call takes over. */
static const char *ask(const char *sql) {
    static char *answer;
    sqlite3_stmt *statement = NULL;
    sqlite3_str *out = sqlite3_str_new(db);
    int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    while (!rc && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
        rc = SQLITE_OK;
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            const char *value = (const char *)sqlite3_column_text(statement, i);
            sqlite3_str_appendf(out, "%s|", value ? value : "NULL");
        }
    }
    if (rc != SQLITE_DONE) sqlite3_str_appendf(out, "error: %s", sqlite3_errmsg(db));
    sqlite3_finalize(statement);
    sqlite3_free(answer);
    if (sqlite3_str_errcode(out)) give_up(sql, "no memory");
    answer = sqlite3_str_finish(out);
    return answer ? answer : "";
}

static void gives(const char *sql, const char *wanted) {
    const char *got = ask(sql);
    if (!strcmp(got, wanted)) return;
    if (++failures > MOST_FAILURES) give_up("too much", "the rest is not asked");
    printf("FAILED: %s\n    wanted: %s\n    got: %.2000s\n", sql, wanted, got);
}

static void run(const char *sql) {
    gives(sql, "");
}

/* The statement with each "@" as the art table and as the ordinary one. */
static void instead_of_at(const char *sql, char art[600], char plain[600]) {
    size_t a = 0, p = 0;
    for (; *sql && a < 590 && p < 590; sql++) {
        if (*sql == '@') {
            a += (size_t)sprintf(art + a, "art");
            p += (size_t)sprintf(plain + p, "plain");
        } else {
            art[a++] = plain[p++] = *sql;
        }
    }
    art[a] = plain[p] = 0;
}

static void run_in_both(const char *sql) {
    char art[600], plain[600];
    instead_of_at(sql, art, plain);
    run(art);
    run(plain);
}

static void same_in_both(const char *sql) {
    char art[600], plain[600];
    instead_of_at(sql, art, plain);
    char *wanted = sqlite3_mprintf("%s", ask(plain));
    if (!wanted || !*wanted || strstr(wanted, "error: ")) give_up(plain, wanted ? wanted : "no memory");
    gives(art, wanted);
    sqlite3_free(wanted);
}

/* --- the rows ----------------------------------------------------------------------------------------------------- */

/* Each number below ROWS once, in an order that jumps. */
static unsigned shuffled(unsigned i) {
    return (unsigned)((uint64_t)i * 30011 % ROWS);
}

static void key_of(unsigned number, char key[64]) {
    static const char *const kinds[] = {"photo", "walk", "Report", "\xc3\xa9t\xc3\xa9"};
    snprintf(key, 64, "dir-%02u/sub-%03u/%s-%05u.dat", number % 20, number % 397, kinds[number % 4], number);
}

static void insert(const char *table) {
    sqlite3_stmt *statement = NULL;
    uint32_t x = 12345;
    char sql[100], key[64], etag[32];
    snprintf(sql, sizeof sql, "INSERT INTO %s VALUES(?, ?, ?, ?, ?)", table);
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL)) give_up(sql, sqlite3_errmsg(db));
    run("BEGIN");
    for (unsigned i = 0; i < ROWS; i++) {
        x = x * 1664525u + 1013904223u;
        key_of(shuffled(i), key);
        snprintf(etag, sizeof etag, "%08x", x % 5000);
        sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
        sqlite3_bind_int64(statement, 2, (int64_t)(x % 1000000) * (x & 1 ? 1 : 5000000));
        sqlite3_bind_int64(statement, 3, 1700000000 + x % 100000000);
        sqlite3_bind_text(statement, 4, etag, -1, SQLITE_STATIC);
        switch (x >> 8 & 3) {
        case 0:
            sqlite3_bind_null(statement, 5);
            break;
        case 1:
            sqlite3_bind_double(statement, 5, (double)x / 3);
            break;
        case 2:
            sqlite3_bind_blob(statement, 5, &(uint8_t[]){0, (uint8_t)x, 0xff}, 3, SQLITE_TRANSIENT);
            break;
        default:
            sqlite3_bind_zeroblob(statement, 5, i % 1000 ? (int)(x >> 20 & 31) : 20000);
        }
        if (sqlite3_step(statement) != SQLITE_DONE) give_up(sql, sqlite3_errmsg(db));
        sqlite3_reset(statement);
        if (i % COMMIT_EVERY == COMMIT_EVERY - 1) {
            run("COMMIT");
            run("BEGIN");
        }
    }
    sqlite3_finalize(statement);
    run("COMMIT");
}

/* --- the history -------------------------------------------------------------------------------------------------- */

static void create(const char *storage) {
    char sql[300];
    gives("PRAGMA journal_mode=WAL", "wal|");
    snprintf(sql, sizeof sql,
             "CREATE VIRTUAL TABLE art USING art(key, size INTEGER, mtime INTEGER, etag TEXT, other, storage=%s,"
             " spill_limit='1MB', summary=(sum(size), max(mtime), lookup(etag), search(key)))",
             storage);
    run(sql);
    run("CREATE TABLE plain(key TEXT PRIMARY KEY, size INTEGER, mtime INTEGER, etag TEXT, other) WITHOUT ROWID");
}

/* Rows whose hashes are known: of integers of all lengths, reals, texts, one of them in chunks, blobs and NULLs. */
static void create_hashed(const char *storage) {
    char sql[200];
    snprintf(sql, sizeof sql,
             "CREATE VIRTUAL TABLE hashed USING art(path, a, b REAL, c, storage=%s, summary=(hash(*), hash(values)))",
             storage);
    run(sql);
    run("WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT 300) INSERT INTO hashed(path, a, b, c)"
        " SELECT printf('d%d/caf\xc3\xa9-%03d', i % 3, i), CASE i % 5 WHEN 0 THEN (i - 100) << (i % 56)"
        " WHEN 1 THEN i / 8.0 WHEN 2 THEN 'text ' || i WHEN 3 THEN CAST('blob ' || i AS BLOB) END,"
        " i - 7, CASE i % 50 WHEN 7 THEN hex(zeroblob(3000 + i)) WHEN 8 THEN '' END FROM n");
    run("INSERT INTO hashed(hashed) VALUES('flush')");
}

/* As sql/sums.md says they are made; worked out by another program. */
static void ask_hashes(void) {
    gives("SELECT art_hash('hashed', ''), art_hash('hashed', 'd1/'), art_hash_values('hashed', '')",
          "8992524890965096577|-2303442087826461979|2681921358502229920|");
}

static void change(void) {
    char key[64], sql[300];
    run("BEGIN");
    run("SAVEPOINT outer_one");
    run_in_both("UPDATE @ SET size = size + 1 WHERE key GLOB 'dir-01/*'");
    run("SAVEPOINT inner_one");
    run_in_both("DELETE FROM @ WHERE key GLOB 'dir-0*'");
    same_in_both("SELECT count(*), sum(size) FROM @");
    run("ROLLBACK TO inner_one");
    same_in_both("SELECT count(*), sum(size) FROM @");
    run("RELEASE inner_one");
    run_in_both("INSERT INTO @ VALUES('zz/new', 1, 2, 'new', 'x')");
    run("COMMIT");
    run("BEGIN");
    run_in_both("DELETE FROM @");
    gives("SELECT art_count('art', '')", "0|");
    run("ROLLBACK");
    for (unsigned i = 0; i < SMALL_COMMITS; i++) {
        snprintf(sql, sizeof sql, "INSERT INTO @ VALUES('zz/one-%02u', %u, 2, 'one', NULL)", i, i);
        run_in_both(sql);
    }
    for (unsigned i = 0; i < SMALL_COMMITS; i++) {
        key_of(i * 1009, key);
        snprintf(sql, sizeof sql, "UPDATE @ SET key = 'moved/' || key, mtime = %u WHERE key = '%s'", i, key);
        run_in_both(sql);
    }
    run_in_both("DELETE FROM @ WHERE key GLOB '*/sub-??[137]/*'");
}

static void read_points(void) {
    char key[64], sql[200];
    for (unsigned i = 0; i < POINT_READS; i++) {
        key_of(i * 79 % ROWS, key);
        snprintf(sql, sizeof sql, "SELECT count(*), min(etag), max(size) FROM @ WHERE key = '%s'", key);
        same_in_both(sql);
    }
}

static void ask_everything(void) {
    same_in_both("SELECT count(*), sum(size), max(mtime), min(key), max(key) FROM @");
    same_in_both("SELECT count(*), sum(size) FROM @ WHERE key GLOB 'dir-1[0-3]/*0.dat'");
    same_in_both("SELECT key FROM @ WHERE key LIKE 'DIR-05/SUB-00%' ORDER BY key LIMIT 3");
    same_in_both("SELECT key FROM @ WHERE key < 'dir-11' ORDER BY key DESC LIMIT 5");
    same_in_both("SELECT key, size FROM @ WHERE key GLOB 'dir-07/*' ORDER BY size DESC, key LIMIT 3");
    same_in_both("SELECT key, mtime FROM @ ORDER BY mtime DESC, key LIMIT 3");
    same_in_both("SELECT group_concat(key) FROM (SELECT key FROM @ WHERE etag = '00000007' ORDER BY key)");
    same_in_both("SELECT group_concat(key) FROM (SELECT key FROM @ WHERE key LIKE '%walk-0012%' ORDER BY key)");
    same_in_both("SELECT count(*), max(key) FROM @ WHERE key LIKE '%\xc3\xa9t\xc3\xa9%'");
    same_in_both("SELECT count(*), sum(length(other)), typeof(max(other)) FROM @ WHERE other > 7");
    same_in_both("SELECT count(*) FROM @ WHERE key = 1000");
    gives("SELECT key, art.size = (SELECT sum(size) FROM plain WHERE plain.key GLOB art.key || '*'),"
          " entries = (SELECT count(*) FROM plain WHERE plain.key GLOB art.key || '*')"
          " FROM art('', '/') WHERE key GLOB 'dir-0[3-5]/'",
          "dir-03/|1|1|dir-04/|1|1|dir-05/|1|1|");
    gives("SELECT art_count('art', 'dir-07/') = (SELECT count(*) FROM plain WHERE key GLOB 'dir-07/*'),"
          " art_sum('art', 'size', 'dir-07/') = (SELECT sum(size) FROM plain WHERE key GLOB 'dir-07/*'),"
          " art_max('art', 'mtime', 'dir-03/') = (SELECT max(mtime) FROM plain WHERE key GLOB 'dir-03/*'),"
          " art_nth('art', '', 1000) = (SELECT key FROM plain ORDER BY key LIMIT 1 OFFSET 1000)",
          "1|1|1|1|");
    gives("SELECT count(*) FROM (SELECT * FROM art EXCEPT SELECT * FROM plain)", "0|");
    gives("SELECT count(*) FROM (SELECT * FROM plain EXCEPT SELECT * FROM art)", "0|");
    read_points();
    ask_hashes();
    gives("SELECT art_check('art')", "ok|");
    gives("SELECT art_verify()", "ok: 2 art tables|");
    gives("PRAGMA integrity_check", "ok|");
}

/* FNV-1a over types, lengths and bytes. */
static uint64_t mixed(uint64_t hash, const void *data, int len) {
    const uint8_t *bytes = data;
    for (int i = 0; i < len; i++) hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return (hash ^ (uint32_t)len) * 0x100000001b3u;
}

static void print_hash(const char *storage) {
    sqlite3_stmt *statement = NULL;
    uint64_t hash = 0xcbf29ce484222325u;
    long rows = 0;
    if (sqlite3_prepare_v2(db, "SELECT key, size, mtime, etag, typeof(other), other FROM art ORDER BY key", -1,
                           &statement, NULL)) {
        give_up("all rows", sqlite3_errmsg(db));
    }
    for (; sqlite3_step(statement) == SQLITE_ROW; rows++) {
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            /* Not a number's text, which newer versions of SQLite give more digits. */
            double real = sqlite3_column_double(statement, i);
            bool is_real = sqlite3_column_type(statement, i) == SQLITE_FLOAT;
            const void *data = is_real ? &real : sqlite3_column_blob(statement, i);
            hash = mixed(hash, data, is_real ? (int)sizeof real : sqlite3_column_bytes(statement, i));
        }
    }
    if (sqlite3_finalize(statement)) give_up("all rows", sqlite3_errmsg(db));
    printf("%ld rows, %016" PRIx64 ", in %s\n", rows, hash, storage);
}

/* --- ------------------------------------------------------------------------------------------------------------- */

static void open_database(const char *extension, const char *name) {
    char *message = NULL;
    if (sqlite3_open(name, &db)) give_up(name, sqlite3_errmsg(db));
#ifdef CROSS_STATIC
    (void)extension;
    if (sqlite3_art_init(db, &message, NULL)) give_up("sqlite3_art_init()", message ? message : "?");
#else
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, NULL);
    if (sqlite3_load_extension(db, extension, NULL, &message)) give_up(extension, message ? message : "?");
#endif
}

int main(int argc, char **argv) {
    if (argc != 5) give_up("usage", "cross <extension> <database> <storage> write|read");
    const char *extension = argv[1], *name = argv[2], *storage = argv[3];
    bool writes = !strcmp(argv[4], "write");
    open_database(extension, name);
    if (writes) {
        printf("%s\n", ask("SELECT art_debug()")); /* for people: which SQLite and compiler, what the processor knows */
        create(storage);
        create_hashed(storage);
        insert("art");
        insert("plain");
        run("INSERT INTO art(art) VALUES('flush')");
        ask_everything();
        change();
        ask_everything();
        run("INSERT INTO art(art) VALUES('optimize')");
        run("INSERT INTO hashed(hashed) VALUES('optimize')");
        gives("SELECT art_check('art')", "ok|");
        run_in_both("INSERT INTO @ VALUES('zz/last', 1, 2, 'last', 0.1)"); /* stays in the log of the root */
        sqlite3_close(db);
        open_database(extension, name);
    }
    ask_everything();
    print_hash(storage);
    if (sqlite3_close(db)) give_up("close", "something is left open");
    if (failures) printf("FAILED: %d questions\n", failures);
    return failures != 0;
}
