/* What the texts of the running statements say about a call that SQLite made the same for two kinds of statement.
 *
 * SQLite does not say which statement a call belongs to. So all that run have to be of the kind: one more that is of
 * another kind, or is not understood, only means that the answer is no. A view or a trigger has a text of its own,
 * which is not seen: the name has to be that of a table, and a virtual table has no triggers.
 */
#include "ext/query/running.h"
#include "ext/base/token.h"

#include <limits.h>

static struct art_token token_behind(const struct art_token *token) {
    return art_token_at(token->at + token->len);
}

static bool is_any_of(const struct art_token *token, const char *const *words) {
    for (; *words; words++) {
        if (art_token_is_word(token, *words)) return true;
    }
    return false;
}

static bool may_be_name(const struct art_token *token) {
    return token->kind == ART_TOKEN_WORD || token->kind == ART_TOKEN_QUOTED;
}

/* Is there a table of this name, and no view before it? *last: the name's last token. `wanted`: it has to be this one's
 * name; or NULL. */
static bool names_a_table(sqlite3 *db, struct art_token name, const char *wanted, struct art_token *last) {
    char *schema = NULL, *table = may_be_name(&name) ? art_token_text(&name) : NULL;
    struct art_token point = token_behind(&name);
    *last = name;
    if (table && art_token_is_mark(&point, '.')) {
        *last = token_behind(&point);
        schema = table;
        table = may_be_name(last) ? art_token_text(last) : NULL;
    }
    bool found = table && (!wanted || !sqlite3_stricmp(table, wanted)) &&
                 !sqlite3_table_column_metadata(db, schema, table, NULL, NULL, NULL, NULL, NULL, NULL);
    art_free(schema);
    art_free(table);
    return found;
}

/* --- a SELECT from one table -------------------------------------------------------------------------------------- */

/* FROM a, b */
static bool a_comma_follows(struct art_token token) {
    static const char *const ends[] = {"where", "group", "having", "order", "limit", NULL};
    int depth = 0;
    for (; token.kind != ART_TOKEN_END && !(depth == 0 && is_any_of(&token, ends)); token = token_behind(&token)) {
        depth += art_token_is_mark(&token, '(') - art_token_is_mark(&token, ')');
        if (depth == 0 && art_token_is_mark(&token, ',')) return true;
    }
    return false;
}

/* x IN table */
static bool hides_a_table(const struct art_token *token) {
    struct art_token next = token_behind(token);
    return art_token_is_word(token, "in") && !art_token_is_mark(&next, '(');
}

static bool selects_from_one_table(sqlite3 *db, const char *sql) {
    static const char *const others[] = {"select", "union",   "intersect", "except", "values",
                                         "join",   "natural", "with",      NULL};
    struct art_token token = art_token_at(sql);
    bool from = false;
    if (!art_token_is_word(&token, "select")) return false;
    for (token = token_behind(&token); token.kind != ART_TOKEN_END; token = token_behind(&token)) {
        if (is_any_of(&token, others) || hides_a_table(&token)) return false;
        if (!art_token_is_word(&token, "from")) continue;
        if (from || !names_a_table(db, token_behind(&token), NULL, &token) || a_comma_follows(token_behind(&token)))
            return false;
        from = true;
    }
    return from;
}

/* --- a SELECT that is prepared anew ------------------------------------------------------------------------------- */

/* What SQLite before 3.46.1 leaves out for a table to plan with its text (planner.c) is known as soon as a statement
 * runs. If it is better prepared anew, xFilter fails with SQLITE_SCHEMA before the first row: SQLite then does so
 * within sqlite3_step(), and begins again. What xBestIndex is asked meanwhile is about this statement, since nothing
 * else can run. The end of it is not told: the statement's own count of preparations is. */

static sqlite3_stmt *only_one_running(sqlite3 *db) {
    sqlite3_stmt *found = NULL;
    for (sqlite3_stmt *each = sqlite3_next_stmt(db, NULL); each; each = sqlite3_next_stmt(db, each)) {
        if (!sqlite3_stmt_busy(each)) continue;
        if (found) return NULL;
        found = each;
    }
    return found;
}

enum { RESTARTS_MAX = 2 };

static int count_prepared(sqlite3_stmt *statement) {
    return sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_REPREPARE, 0);
}

bool art_restart_ask(struct art_vtab *vtab) {
    sqlite3 *db = vtab->connection->db;
    sqlite3_stmt *statement = only_one_running(db);
    const char *sql = statement ? sqlite3_sql(statement) : NULL;
    if (!sql || !selects_from_one_table(db, sql)) return false;
    struct art_restart before = vtab->restart;
    vtab->restart = (struct art_restart){0};
    if (before.in_vain == RESTARTS_MAX) return false;
    int prepared = count_prepared(statement);
    if (before.statement == statement && before.prepared == prepared) return false; /* by sqlite3_prepare(): it fails */
    vtab->restart = (struct art_restart){.statement = statement, .prepared = prepared, .in_vain = before.in_vain + 1};
    return true;
}

static bool still_exists(sqlite3 *db, const sqlite3_stmt *statement) {
    sqlite3_stmt *each = sqlite3_next_stmt(db, NULL);
    while (each && each != statement) each = sqlite3_next_stmt(db, each);
    return each != NULL;
}

/* Within sqlite3_step(), that is. sqlite3_prepare() knows no second beginning: then the program has seen the error, and
 * what it prepares may be anything. A statement that has failed, and was not reset, takes no value; there is none of
 * this number, so that it gets none in any case. */
static bool has_just_failed(sqlite3 *db, sqlite3_stmt *statement) {
    return sqlite3_errcode(db) == SQLITE_SCHEMA && sqlite3_bind_null(statement, INT_MAX) == SQLITE_MISUSE;
}

bool art_restart_is_on(struct art_vtab *vtab) {
    struct art_restart *restart = &vtab->restart;
    sqlite3 *db = vtab->connection->db;
    if (!restart->statement) return false;
    const sqlite3_stmt *present = sqlite3_next_stmt(db, NULL); /* the newest is the one that SQLite is making */
    bool is_there = still_exists(db, restart->statement);
    if (!restart->planned) {
        restart->successor = is_there && has_just_failed(db, restart->statement) ? present : NULL;
        restart->planned = true;
    }
    bool on = is_there && present == restart->successor && present != restart->statement &&
              count_prepared(restart->statement) == restart->prepared;
    if (!on) restart->statement = NULL;
    return on;
}

void art_restart_was_worth_it(struct art_vtab *vtab) {
    vtab->restart.in_vain = 0;
}

void art_restart_end(struct art_vtab *vtab) {
    if (!vtab->restart.planned) return;
    vtab->restart = (struct art_restart){.in_vain = vtab->restart.in_vain};
}

/* --- an UPDATE of this table -------------------------------------------------------------------------------------- */

/* WITH ... UPDATE: what stands before it is no INSERT. */
static bool updates(const struct art_vtab *vtab, const char *sql) {
    static const char *const others[] = {"insert", "replace", "delete", NULL};
    struct art_token token = art_token_at(sql), last;
    if (art_token_is_word(&token, "with")) {
        while (token.kind != ART_TOKEN_END && !art_token_is_word(&token, "update")) {
            if (is_any_of(&token, others)) return false;
            token = token_behind(&token);
        }
    }
    if (!art_token_is_word(&token, "update")) return false;
    token = token_behind(&token);
    if (art_token_is_word(&token, "or")) {
        token = token_behind(&token);
        token = token_behind(&token);
    }
    return names_a_table(vtab->connection->db, token, vtab->name->table, &last);
}

bool art_running_updates_only(const struct art_vtab *vtab) {
    sqlite3 *db = vtab->connection->db;
    for (sqlite3_stmt *each = sqlite3_next_stmt(db, NULL); each; each = sqlite3_next_stmt(db, each)) {
        if (!sqlite3_stmt_busy(each) || sqlite3_stmt_readonly(each)) continue;
        const char *sql = sqlite3_sql(each);
        if (!sql || !updates(vtab, sql)) return false;
    }
    return true;
}
