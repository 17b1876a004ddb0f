/* Runs a case of a script in two databases at once and compares after each statement; conformance.h says what. */
#include "tests/support/conformance.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/sql.h"

enum { CONNECTIONS = 3, STATEMENTS = 26, TABLES = 16 };

/* One of the two: the art tables' database, or the ordinary one. */
struct side {
    bool art;
    char *directory;
    const struct conformance_setting *setting;
    sqlite3 *db[CONNECTIONS];
    sqlite3_stmt *open[STATEMENTS]; /* 'a' to 'z' */
    char *tables[TABLES];           /* that CREATE ART TABLE has made, with their schemas */
    int table_count;
};

struct answer {
    int rc;
    char *message;
    char *text; /* all that is compared, as lines; without total_changes() */
    sqlite3_int64 total;
};

struct runner {
    struct side art, plain;
    int connection; /* the current one */
    char *wrong;
};

/* ---- two databases ----------------------------------------------------------------------------------------------- */

static sqlite3 *connection(struct side *side, int number) {
    if (side->db[number]) return side->db[number];
    bool memory = !side->setting->journal;
    char *path = memory ? sqlite3_mprintf(":memory:") : sqlite3_mprintf("%s/h.db", side->directory);
    sqlite3 *db = sql_open_as(path, side->art);
    sqlite3_free(path);
    /* Where another connection holds a lock, the journal is set already. */
    if (!memory) sql_try(db, "PRAGMA journal_mode=%s", side->setting->journal);
    sql_run(db, "PRAGMA synchronous=OFF");
    return side->db[number] = db;
}

static void close_all(struct side *side) {
    for (int i = 0; i < STATEMENTS; i++) {
        sqlite3_finalize(side->open[i]);
        side->open[i] = NULL;
    }
    for (int i = 0; i < CONNECTIONS; i++) {
        sql_close(side->db[i]);
        side->db[i] = NULL;
    }
}

static void side_begin(struct side *side, bool art, const struct conformance_setting *setting) {
    *side = (struct side){.art = art, .setting = setting, .directory = sql_scratch("conformance")};
}

static void side_end(struct side *side) {
    close_all(side);
    sql_scratch_remove(side->directory);
    sqlite3_free(side->directory);
    for (int i = 0; i < side->table_count; i++) sqlite3_free(side->tables[i]);
}

/* ---- statements -------------------------------------------------------------------------------------------------- */

static const char create[] = "CREATE ART TABLE ";

/* Replaces what means something else on each side. sqlite3_free() it. */
static char *translate(struct side *side, const char *sql) {
    if (strncmp(sql, create, sizeof create - 1) != 0) return sqlite3_mprintf("%s", sql);
    const char *name = sql + sizeof create - 1, *open = strchr(name, '('), *close = strrchr(name, ')');
    if (!open || !close) abort();
    int name_len = (int)(open - name), inner = (int)(close - open - 1);
    const char *clause = "IF NOT EXISTS ";
    const char *bare = strncmp(name, clause, strlen(clause)) ? name : name + strlen(clause);
    if (side->table_count < TABLES) {
        side->tables[side->table_count++] = sqlite3_mprintf("%.*s", (int)(open - bare), bare);
    }
    if (!side->art) {
        return sqlite3_mprintf("CREATE TABLE %.*s(%.*s) WITHOUT ROWID", name_len, name, inner, open + 1);
    }
    const char *general = getenv("ART_TABLE_OPTIONS");
    if (!general) general = "";
    const char *own = side->setting->options;
    return sqlite3_mprintf("CREATE VIRTUAL TABLE %.*s USING art(%.*s%s%s%s%s)", name_len, name, inner, open + 1,
                           *own ? ", " : "", own, *general ? ", " : "", general);
}

static bool is_change(const char *sql) {
    static const char *const words[] = {"INSERT", "UPDATE", "DELETE", "REPLACE", "WITH"};
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
        if (!sqlite3_strnicmp(sql, words[i], (int)strlen(words[i]))) return true;
    }
    return false;
}

static int compare_lines(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *read_row(sqlite3_stmt *statement) {
    sqlite3_str *row = sqlite3_str_new(NULL);
    for (int i = 0; i < sqlite3_column_count(statement); i++) {
        if (i) sqlite3_str_appendchar(row, 1, ' ');
        sql_append_value(row, statement, i);
    }
    return sqlite3_str_finish(row);
}

/* Steps to the end; rows in order, or sorted. */
static int read_rows(sqlite3_stmt *statement, sqlite3_str *out, bool ordered) {
    char **rows = NULL;
    size_t count = 0;
    int rc;
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
        rows = realloc(rows, (count + 1) * sizeof *rows);
        rows[count++] = read_row(statement);
    }
    if (!ordered && count) qsort(rows, count, sizeof *rows, compare_lines);
    for (size_t i = 0; i < count; i++) {
        sqlite3_str_appendf(out, "%s\n", rows[i]);
        sqlite3_free(rows[i]);
    }
    free(rows);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static void finish_answer(struct answer *answer, sqlite3 *db, sqlite3_str *out) {
    if (answer->rc) {
        answer->message = sqlite3_mprintf("%s", sqlite3_errmsg(db));
        sqlite3_str_appendf(out, "error %d: %s\n", answer->rc, answer->message);
    }
    answer->text = sqlite3_str_finish(out);
    if (!answer->text) answer->text = sqlite3_mprintf("");
}

static void clear_answer(struct answer *answer) {
    sqlite3_free(answer->message);
    sqlite3_free(answer->text);
    *answer = (struct answer){0};
}

static void run_sql(struct side *side, int number, const char *sql, struct answer *answer) {
    sqlite3 *db = connection(side, number);
    sqlite3_str *out = sqlite3_str_new(NULL);
    sqlite3_stmt *statement = NULL;
    char *text = translate(side, sql);
    sqlite3_int64 before = sqlite3_total_changes64(db);
    bool inside = !sqlite3_get_autocommit(db);
    *answer = (struct answer){.rc = sqlite3_prepare_v2(db, text, -1, &statement, NULL)};
    if (!answer->rc) {
        bool ordered = false;
        for (const char *at = sql; *at && !ordered; at++) ordered = !sqlite3_strnicmp(at, "ORDER BY", 8);
        answer->rc = read_rows(statement, out, ordered);
    }
    finish_answer(answer, db, out);
    sqlite3_finalize(statement);
    if (!answer->rc && is_change(sql)) {
        char *rows = answer->text;
        answer->text = sqlite3_mprintf("%schanges %lld\n", rows, sqlite3_changes64(db));
        sqlite3_free(rows);
    }
    /* VACUUM leaves the last row that it copied, which may be one of the log. */
    if (!sqlite3_strnicmp(sql, "VACUUM", 6)) sqlite3_set_last_insert_rowid(db, 0);
    inside &= !sqlite3_get_autocommit(db);
    answer->total = inside && is_change(sql) ? sqlite3_total_changes64(db) - before : 0;
    sqlite3_free(text);
}

static void run_open(struct side *side, int number, const struct conformance_step *statement, struct answer *answer) {
    sqlite3_stmt **open = &side->open[statement->name - 'a'];
    sqlite3 *db = *open ? sqlite3_db_handle(*open) : connection(side, number);
    sqlite3_str *out = sqlite3_str_new(NULL);
    *answer = (struct answer){0};
    if (statement->kind == CONFORMANCE_OPEN) {
        sqlite3_finalize(*open);
        answer->rc = sqlite3_prepare_v2(db, statement->sql, -1, open, NULL);
    } else if (statement->kind == CONFORMANCE_CLOSE) {
        sqlite3_finalize(*open);
        *open = NULL;
    } else {
        int rc = *open ? sqlite3_step(*open) : SQLITE_MISUSE;
        if (rc == SQLITE_ROW) {
            char *row = read_row(*open);
            sqlite3_str_appendf(out, "%s\n", row);
            sqlite3_free(row);
        } else if (rc == SQLITE_DONE) {
            sqlite3_str_appendall(out, "end\n");
            sqlite3_reset(*open);
        } else {
            answer->rc = rc;
        }
    }
    finish_answer(answer, db, out);
}

/* ---- comparison -------------------------------------------------------------------------------------------------- */

static void complain(struct runner *runner, const struct conformance_step *statement, const char *what,
                     const struct answer *art, const struct answer *plain) {
    if (runner->wrong) return;
    runner->wrong = sqlite3_mprintf("line %d: %s: %.300s\n-- art:\n%.1500s-- ordinary:\n%.1500s", statement->line, what,
                                    statement->sql ? statement->sql : "", art->text, plain->text);
}

static void compare_states(struct runner *runner, const struct conformance_step *statement, const struct answer *art,
                           const struct answer *plain) {
    sqlite3 *a = connection(&runner->art, runner->connection), *p = connection(&runner->plain, runner->connection);
    if (sqlite3_get_autocommit(a) != sqlite3_get_autocommit(p)) {
        complain(runner, statement, "one is in a transaction", art, plain);
    } else if (sqlite3_last_insert_rowid(a) != sqlite3_last_insert_rowid(p)) {
        complain(runner, statement, "last_insert_rowid()", art, plain);
    } else if (art->total != plain->total && !*runner->art.setting->options) {
        complain(runner, statement, "total_changes()", art, plain);
    }
}

static void compare(struct runner *runner, const struct conformance_step *statement, const struct answer *art,
                    const struct answer *plain) {
    bool same = !strcmp(art->text, plain->text);
    if (statement->differs) {
        if (same) complain(runner, statement, "is said to differ, and does not", art, plain);
        if (strcmp(art->text, statement->art ? statement->art : "") != 0) {
            complain(runner, statement, "differs otherwise than it should", art, plain);
        }
        return;
    }
    if (!same) complain(runner, statement, "differs", art, plain);
    if (art->rc && !statement->fails) complain(runner, statement, "fails", art, plain);
    if (statement->fails && (!plain->rc || !strstr(plain->message, statement->fails))) {
        complain(runner, statement, "does not fail as it should", art, plain);
    }
    compare_states(runner, statement, art, plain);
}

static void run_statement(struct runner *runner, const struct conformance_step *statement) {
    struct answer art = {0}, plain = {0};
    int number = runner->connection;
    if (statement->since > sqlite3_libversion_number()) return;
    if (statement->built && !sqlite3_compileoption_used(statement->built)) return;
    switch (statement->kind) {
    case CONFORMANCE_ON:
        runner->connection = statement->connection;
        return;
    case CONFORMANCE_REOPEN:
        close_all(&runner->art);
        close_all(&runner->plain);
        return;
    case CONFORMANCE_SQL:
        run_sql(&runner->plain, number, statement->sql, &plain);
        run_sql(&runner->art, number, statement->sql, &art);
        break;
    default:
        run_open(&runner->plain, number, statement, &plain);
        run_open(&runner->art, number, statement, &art);
        break;
    }
    compare(runner, statement, &art, &plain);
    clear_answer(&art);
    clear_answer(&plain);
    if (statement->instead) {
        run_sql(&runner->art, number, statement->instead, &art);
        if (art.rc) complain(runner, statement, "has no such way around", &art, &art);
        clear_answer(&art);
    }
}

/* ---- the end of a case ------------------------------------------------------------------------------------------- */

static void compare_both(struct runner *runner, const char *sql) {
    struct conformance_step statement = {.kind = CONFORMANCE_SQL, .sql = sqlite3_mprintf("%s", sql), .fails = NULL};
    struct answer art, plain;
    run_sql(&runner->plain, 0, sql, &plain);
    run_sql(&runner->art, 0, sql, &art);
    if (strcmp(art.text, plain.text) != 0) complain(runner, &statement, "at the end of the case", &art, &plain);
    clear_answer(&art);
    clear_answer(&plain);
    sqlite3_free(statement.sql);
}

static void compare_tables(struct runner *runner) {
    compare_both(runner,
                 "SELECT type, name, tbl_name FROM sqlite_master WHERE NOT (type = 'table' AND (name GLOB "
                 "'*_artdata' OR name GLOB '*_artstate' OR name GLOB '*_artblob')) AND name NOT GLOB 'sqlite_*'");
    compare_both(runner, "PRAGMA integrity_check");
    for (int i = 0; i < runner->plain.table_count; i++) {
        const char *name = runner->plain.tables[i];
        char *sql = sqlite3_mprintf("SELECT * FROM %s ORDER BY 1", name);
        compare_both(runner, sql);
        sqlite3_free(sql);
        sqlite3_stmt *check = NULL;
        char *plain_name = sqlite3_mprintf("%s", name);
        for (char *from = plain_name, *to = plain_name;; from++) {
            if (*from != '"') *to++ = *from;
            if (!*from) break;
        }
        sql = sqlite3_mprintf("SELECT art_check(%Q)", plain_name);
        if (!sqlite3_prepare_v2(runner->art.db[0], sql, -1, &check, NULL)) {
            bool there = sqlite3_step(check) == SQLITE_ROW;
            const char *said = there ? (const char *)sqlite3_column_text(check, 0) : "ok"; /* it was dropped */
            if (strcmp(said, "ok") != 0 && !runner->wrong) runner->wrong = sqlite3_mprintf("art_check: %s", said);
        }
        sqlite3_finalize(check);
        sqlite3_free(plain_name);
        sqlite3_free(sql);
    }
}

static void end_case(struct runner *runner) {
    struct side *sides[] = {&runner->art, &runner->plain};
    for (int i = 0; i < 2; i++) {
        for (int k = 0; k < STATEMENTS; k++) {
            sqlite3_finalize(sides[i]->open[k]);
            sides[i]->open[k] = NULL;
        }
        for (int k = 0; k < CONNECTIONS; k++) {
            if (sides[i]->db[k] && !sqlite3_get_autocommit(sides[i]->db[k])) sql_try(sides[i]->db[k], "ROLLBACK");
        }
    }
    compare_tables(runner);
    if (runner->wrong || !sides[0]->setting->journal) return;
    close_all(sides[0]);
    close_all(sides[1]);
    compare_tables(runner);
}

char *conformance_run(const struct conformance_script *script, int number, const struct conformance_setting *setting,
                      struct conformance_tally *tally) {
    const struct conformance_case *one = &script->cases[number];
    struct runner runner = {0};
    if (one->needs_file && !setting->journal) return NULL;
    side_begin(&runner.art, true, setting);
    side_begin(&runner.plain, false, setting);
    for (int i = 0; i < one->count && !runner.wrong; i++) {
        const struct conformance_step *statement = &script->steps[one->first + i];
        run_statement(&runner, statement);
        tally->statements++;
        tally->differences += statement->differs != NULL;
    }
    if (!runner.wrong) end_case(&runner);
    side_end(&runner.art);
    side_end(&runner.plain);
    tally->cases++;
    if (!runner.wrong) return NULL;
    char *text = sqlite3_mprintf("\"%s\", %s: %s", one->name, setting->name, runner.wrong);
    sqlite3_free(runner.wrong);
    return text;
}
