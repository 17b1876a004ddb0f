/* What a user writes where a table is made and commanded: the name, the arguments of CREATE VIRTUAL TABLE, options,
 * 'add column', commands, and the names that functions are given.
 *
 * Input: lines. The first is the table's name ("" for t), the second the arguments; then, by their first byte, commands
 * (anything), '?' names for functions, '<' a value to be written into all columns.
 *
 *   - all is done, or refused with a sentence of SQLite or of art; a CREATE that is refused leaves nothing behind
 *   - the columns are the same when the schema is read again
 *   - where an ordinary table takes the same columns it has the same names and types, and stores the same values
 */
#include "tests/fuzz/fuzz_sqlite.h"

enum { INPUT_MAX = 3000, LINES_MAX = 12 };

static bool is_refusal(int rc) {
    switch (rc & 0xff) {
    case SQLITE_ERROR:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_READONLY:
    case SQLITE_TOOBIG:
    case SQLITE_RANGE:
    case SQLITE_CANTOPEN: /* 'adopt' and the like of a table in memory */
        return true;
    }
    return false;
}

static bool try(sqlite3 *db, const char *sql) {
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    if (rc && !is_refusal(rc)) fuzz_fail("%d %s: %s", rc, sqlite3_errmsg(db), sql);
    return !rc;
}

static char *ask(sqlite3 *db, const char *sql) {
    sqlite3_stmt *statement;
    int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (rc) fuzz_fail("%s: %s", sql, sqlite3_errmsg(db));
    char *answer = fuzz_answer(statement, &rc);
    if (!answer) fuzz_fail("%d %s: %s", rc, sqlite3_errmsg(db), sql);
    sqlite3_finalize(statement);
    return answer;
}

static void must_agree(char *a, char *b, const char *what) {
    if (strcmp(a, b) != 0) fuzz_fail("%s\n%.3000s\nand %.3000s", what, a, b);
    sqlite3_free(a);
    sqlite3_free(b);
}

static char *columns_of(sqlite3 *db, const char *name) {
    char *sql = sqlite3_mprintf("SELECT * FROM pragma_table_xinfo(%Q)", name), *answer = ask(db, sql);
    sqlite3_free(sql);
    return answer;
}

static void must_survive_reading(sqlite3 *db, const char *name) {
    char *before = columns_of(db, name);
    fuzz_run(db, "PRAGMA writable_schema=RESET");
    must_agree(before, columns_of(db, name), "the columns are others when the schema is read again:");
}

/* --- beside an ordinary table ------------------------------------------------------------------------------------- */

/* The columns of an ordinary table that was made of the same text, if SQLite takes it; options are no columns. */
static bool make_plain(sqlite3 *db, const char *arguments) {
    if (strchr(arguments, '=') || strstr(arguments, "--") || strstr(arguments, "/*")) return false;
    char *sql = sqlite3_mprintf("CREATE TABLE plain_twin(%s\n)", arguments);
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    sqlite3_free(sql);
    return !rc;
}

static void must_have_the_same_columns(sqlite3 *db, const char *name) {
    char *art = sqlite3_mprintf("SELECT name, CASE cid WHEN 0 THEN '' ELSE type END FROM pragma_table_info(%Q)", name);
    must_agree(ask(db, art),
               ask(db, "SELECT name, CASE cid WHEN 0 THEN '' ELSE type END FROM pragma_table_info('plain_twin')"),
               "an ordinary table has other columns:");
    sqlite3_free(art);
}

/* By SQLite's rule of affinities; other keys than texts are refused. */
static bool has_blob_keys(sqlite3 *db, const char *name) {
    char *sql = sqlite3_mprintf("SELECT cid FROM pragma_table_info(%Q) WHERE cid = 0 AND type LIKE '%%BLOB%%' AND NOT "
                                "(type LIKE '%%CHAR%%' OR type LIKE '%%CLOB%%' OR type LIKE '%%TEXT%%')",
                                name);
    char *answer = ask(db, sql);
    bool blobs = strcmp(answer, "rows:") != 0;
    sqlite3_free(sql);
    sqlite3_free(answer);
    return blobs;
}

/* A row of one value over all columns but the key, in both tables; and what they then hold. */
static void write_value(sqlite3 *db, const char *name, const char *value, bool twin, int columns) {
    static const char *const tables[] = {NULL, "plain_twin"};
    const char *key = has_blob_keys(db, name) ? "x'6b6579'" : "'key'"; /* art refuses a text there */
    int codes[2] = {0, 0};
    for (int i = 0; i <= twin; i++) {
        sqlite3_str *sql = sqlite3_str_new(NULL);
        sqlite3_str_appendf(sql, "INSERT INTO \"%w\" VALUES(%s", i ? tables[1] : name, key);
        for (int k = 1; k < columns; k++) sqlite3_str_appendf(sql, ",?1");
        sqlite3_str_appendall(sql, ")");
        char *text = sqlite3_str_finish(sql);
        sqlite3_stmt *insert;
        if (!sqlite3_prepare_v2(db, text, -1, &insert, NULL)) {
            bool number = strspn(value, "0123456789-.") == strlen(value) && *value;
            if (!*value) {
                sqlite3_bind_null(insert, 1);
            } else if (number && value[0] == '-') {
                sqlite3_bind_double(insert, 1, atof(value + 1));
            } else if (number) {
                sqlite3_bind_int64(insert, 1, strtoll(value, NULL, 10));
            } else {
                sqlite3_bind_text(insert, 1, value, -1, SQLITE_STATIC);
            }
            sqlite3_step(insert);
        }
        codes[i] = sqlite3_finalize(insert) ? sqlite3_errcode(db) & 0xff : 0;
        if (codes[i] && !is_refusal(codes[i])) fuzz_fail("%d %s: %s", codes[i], sqlite3_errmsg(db), text);
        sqlite3_free(text);
    }
    if (!twin) return;
    if (!codes[0] != !codes[1])
        fuzz_fail("a row of '%s': %d where an ordinary table says %d", value, codes[0], codes[1]);
    char *sql = sqlite3_mprintf("SELECT * FROM \"%w\"", name);
    must_agree(ask(db, sql), ask(db, "SELECT * FROM plain_twin"), "an ordinary table stores other values:");
    sqlite3_free(sql);
    fuzz_run(db, "DELETE FROM plain_twin");
}

static int count_columns(sqlite3 *db, const char *name) {
    char *sql = sqlite3_mprintf("SELECT * FROM \"%w\"", name);
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL)) fuzz_fail("%s: %s", sql, sqlite3_errmsg(db));
    int count = sqlite3_column_count(statement);
    sqlite3_finalize(statement);
    sqlite3_free(sql);
    return count;
}

/* --- one input ---------------------------------------------------------------------------------------------------- */

static void ask_functions(sqlite3 *db, const char *name) {
    static const char *const calls[] = {"SELECT art_count(%Q, 'x')",
                                        "SELECT art_longest_prefix(%Q, 'x', '/')",
                                        "SELECT art_nth(%Q, '', 0)",
                                        "SELECT art_rank(%Q, 'x')",
                                        "SELECT art_check(%Q)",
                                        "SELECT count(*) FROM art_info(%Q)",
                                        "SELECT count(*) FROM art_debug(%Q)"};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        char *sql = sqlite3_mprintf(calls[i], name);
        try(db, sql);
        sqlite3_free(sql);
    }
}

static void command(sqlite3 *db, const char *name, const char *text) {
    char *sql = sqlite3_mprintf("INSERT INTO \"%w\"(\"%w\") VALUES(%Q)", name, name, text);
    try(db, sql);
    sqlite3_free(sql);
}

static void use_table(sqlite3 *db, const char *name, char *const *lines, int count) {
    bool twin = make_plain(db, lines[1]);
    if (twin) must_have_the_same_columns(db, name);
    must_survive_reading(db, name);
    int columns = count_columns(db, name);
    for (int i = 2; i < count; i++) {
        const char *line = lines[i];
        char *sql = sqlite3_mprintf("DELETE FROM \"%w\"", name);
        if (*line == '<') {
            write_value(db, name, line + 1, twin, columns);
            command(db, name, "flush");
            fuzz_run(db, sql);
        } else if (*line == '?') {
            ask_functions(db, line + 1);
        } else {
            command(db, name, line); /* of a table with a column of its own name it makes a row */
            fuzz_run(db, sql);
            int now = count_columns(db, name);
            if (now != columns) twin = false; /* a column was added */
            columns = now;
        }
        sqlite3_free(sql);
    }
    must_survive_reading(db, name);
    ask_functions(db, name);
    char *drop = sqlite3_mprintf("DROP TABLE \"%w\"", name);
    fuzz_run(db, drop);
    sqlite3_free(drop);
    sqlite3_free(ask(db, "SELECT 1"));
}

static void must_be_empty(sqlite3 *db) {
    char *left = ask(db, "SELECT name FROM sqlite_schema WHERE tbl_name NOT IN ('plain_twin', 'sqlite_sequence')");
    if (strcmp(left, "rows:") != 0) fuzz_fail("this was left behind: %s", left);
    sqlite3_free(left);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > INPUT_MAX) return -1;
    char *text = malloc(size + 1), *lines[LINES_MAX], *at = text;
    if (size) memcpy(text, data, size);
    text[size] = 0;
    int count = 0;
    while (count < LINES_MAX) {
        lines[count++] = at;
        char *end = strchr(at, '\n');
        if (!end) break;
        *end = 0;
        at = end + 1;
    }
    sqlite3 *db = fuzz_open(":memory:");
    const char *name = *lines[0] ? lines[0] : "t";
    const char *arguments = count > 1 ? lines[1] : "";
    char *create = sqlite3_mprintf("CREATE VIRTUAL TABLE \"%w\" USING art(%s\n)", name, arguments);
    /* Only the first statement of the text: what closes the parenthesis early is no part of the question. */
    sqlite3_stmt *statement = NULL;
    const char *rest = "";
    int rc = sqlite3_prepare_v2(db, create, -1, &statement, &rest);
    bool one = !rc && statement && !*rest && sqlite3_stricmp(name, "plain_twin");
    if (one) sqlite3_step(statement);
    rc = sqlite3_finalize(statement);
    if (rc && !is_refusal(rc)) fuzz_fail("%d %s: %s", rc, sqlite3_errmsg(db), create);
    if (!rc && one && count > 1) {
        use_table(db, name, lines, count);
    } else if (!rc && one) {
        must_survive_reading(db, name);
    }
    if (rc || !one || count > 1) must_be_empty(db);
    sqlite3_free(create);
    if (sqlite3_close(db)) fuzz_fail("the database does not close");
    free(text);
    return 0;
}
