/* What the texts of the running statements say about a call that SQLite made the same for two kinds of statement.
 *
 * SQLite does not say which statement a call belongs to. So all that run have to be of the kind: one more that is of
 * another kind, or is not understood, only means that the answer is no. A view or a trigger has a text of its own,
 * which is not seen: the name has to be that of a table, and of this one where triggers would run, since a virtual
 * table has none.
 */
#include "ext/query/running.h"
#include "ext/base/token.h"

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

/* UPDATE OR IGNORE t: the first token of the table's name */
static struct art_token behind_update(struct art_token update) {
    struct art_token token = token_behind(&update);
    if (!art_token_is_word(&token, "or")) return token;
    token = token_behind(&token);
    return token_behind(&token);
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
