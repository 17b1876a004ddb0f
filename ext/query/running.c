/* What the texts of the running statements say about a call that SQLite made the same for two kinds of statement.
 *
 * SQLite does not say which statement a call belongs to. So all that run have to be of the kind: one more that is of
 * another kind, or is not understood, only means that the answer is no. A view or a trigger has a text of its own,
 * which is not seen: the name has to be that of a table, and of this one where triggers would run, since a virtual
 * table has none.
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

/* `schema` NULL: in the first one that has the name. A view is none. */
static bool table_exists(sqlite3 *db, const char *schema, const char *table) {
    return !sqlite3_table_column_metadata(db, schema, table, NULL, NULL, NULL, NULL, NULL, NULL);
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
    bool found = table && (!wanted || !sqlite3_stricmp(table, wanted)) && table_exists(db, schema, table);
    art_free(schema);
    art_free(table);
    return found;
}

/* --- a statement about one table ---------------------------------------------------------------------------------- */

/* UPDATE OR IGNORE t: the first token of the table's name */
static struct art_token behind_update(struct art_token update) {
    struct art_token token = token_behind(&update);
    if (!art_token_is_word(&token, "or")) return token;
    token = token_behind(&token);
    return token_behind(&token);
}

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

/* Is that the name of this very table? Without a schema SQLite looks in temp, then in main; an attached database's
 * table has to be named with its schema to be sure. */
static bool names_this_table(const struct art_vtab *vtab, struct art_token name, struct art_token *last) {
    sqlite3 *db = vtab->connection->db;
    const char *schema = vtab->name->schema, *table = vtab->name->table;
    struct art_token point = token_behind(&name);
    if (!names_a_table(db, name, table, last)) return false;
    if (art_token_is_mark(&point, '.')) {
        char *named = art_token_text(&name);
        bool ours = named && !sqlite3_stricmp(named, schema);
        art_free(named);
        return ours;
    }
    return !sqlite3_stricmp(schema, "temp") || (!sqlite3_stricmp(schema, "main") && !table_exists(db, "temp", table));
}

/* A SELECT from one table, or an UPDATE or a DELETE of this one, which has no triggers, and whose rows SQLite collects
 * before it changes any. A write that asks for changes() would be told of the run that failed.
 *
 * `once`: by a single scan. An OR may have several, one behind the other. */
static bool is_about_one_table(const struct art_vtab *vtab, const char *sql, bool *once) {
    static const char *const others[] = {"select", "union",   "intersect", "except", "values",
                                         "join",   "natural", "with",      NULL};
    sqlite3 *db = vtab->connection->db;
    struct art_token token = art_token_at(sql);
    bool selects = art_token_is_word(&token, "select"), updates = art_token_is_word(&token, "update");
    bool named = false;
    *once = true;
    if (!selects && !updates && !art_token_is_word(&token, "delete")) return false;
    if (updates) named = names_this_table(vtab, behind_update(token), &token);
    if (updates && !named) return false;
    for (token = token_behind(&token); token.kind != ART_TOKEN_END; token = token_behind(&token)) {
        if (is_any_of(&token, others) || hides_a_table(&token)) return false;
        if (!selects && art_token_is_word(&token, "changes")) return false;
        *once &= !art_token_is_word(&token, "or");
        if (!art_token_is_word(&token, "from")) continue;
        struct art_token name = token_behind(&token);
        bool known = selects ? names_a_table(db, name, NULL, &token) : names_this_table(vtab, name, &token);
        if (named || !known || a_comma_follows(token_behind(&token))) return false;
        named = true;
    }
    return named;
}

/* --- a statement that is prepared anew ---------------------------------------------------------------------------- */

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

/* For certain: no step of it, in this run or a former one, has come to its end. */
static bool has_given_nothing(sqlite3_stmt *statement) {
    return sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, 0) == 0;
}

bool art_restart_ask(struct art_vtab *vtab, enum art_restart_reason reason) {
    sqlite3 *db = vtab->connection->db;
    sqlite3_stmt *statement = only_one_running(db);
    const char *sql = statement ? sqlite3_sql(statement) : NULL;
    bool once;
    if (!sql || !is_about_one_table(vtab, sql, &once) || (!once && !has_given_nothing(statement))) return false;
    struct art_restart before = vtab->restart;
    vtab->restart = (struct art_restart){0};
    bool may_be_in_vain = reason == ART_RESTART_OFFSET;
    if (may_be_in_vain && before.in_vain == RESTARTS_MAX) return false;
    int prepared = count_prepared(statement);
    if (before.statement == statement && before.prepared == prepared) return false; /* by sqlite3_prepare(): it fails */
    vtab->restart = (struct art_restart){.statement = statement, .prepared = prepared, .reason = reason};
    vtab->restart.in_vain = before.in_vain + may_be_in_vain;
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

enum art_restart_reason art_restart_is_on(struct art_vtab *vtab) {
    struct art_restart *restart = &vtab->restart;
    sqlite3 *db = vtab->connection->db;
    if (!restart->statement) return ART_RESTART_NONE;
    const sqlite3_stmt *present = sqlite3_next_stmt(db, NULL); /* the newest is the one that SQLite is making */
    bool is_there = still_exists(db, restart->statement);
    if (!restart->planned) {
        restart->successor = is_there && has_just_failed(db, restart->statement) ? present : NULL;
        restart->planned = true;
    }
    bool on = is_there && present == restart->successor && present != restart->statement &&
              count_prepared(restart->statement) == restart->prepared;
    if (!on) restart->statement = NULL;
    return on ? restart->reason : ART_RESTART_NONE;
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
    return names_a_table(vtab->connection->db, behind_update(token), vtab->name->table, &last);
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
