/* What the running statements' texts say about a number that was bound to a parameter.
 *
 * A path is compared with such a number as with its text, but not if the number comes by way of something that has an
 * affinity, or has none on purpose; and SQLite calls it bound then, too:
 *
 *     path = CAST(? AS INTEGER)
 *     path = (SELECT number FROM o UNION SELECT ?)      rows of VALUES and of compounds have the affinity of any arm
 *     o.untyped = ? AND path > o.untyped                SQLite puts the parameter in the place of the column
 *
 * xBestIndex sees no trace of it, so the words of all statements that run are looked at: a word too many only costs
 * time. An equality with a column of the same table the planner does see (ART_PLAN_EQUATED); here it is about one with
 * another table's, so there has to be one: a join, a second FROM, or a view, when the table is not called by its name
 * where tables are. Nor is it by a statement that writes and sets off a trigger, whose text is not known.
 */
#include "ext/query/running.h"

#include <ctype.h>

struct text {
    const char *table;
    bool may_cast, equates, joins, names_table;
    bool expects_table;            /* as the next word */
    int tables, depth, from_depth; /* tables: words behind which one stands; from_depth: of an open FROM, or -1 */
};

static bool belongs_to_word(char c) {
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

static bool is_said(const char *word, size_t len, const char *wanted) {
    return strlen(wanted) == len && !sqlite3_strnicmp(word, wanted, (int)len);
}

static bool says_any(const char *word, size_t len, const char *const *words) {
    for (; *words; words++) {
        if (is_said(word, len, *words)) return true;
    }
    return false;
}

/* FROM main.t, UPDATE OR IGNORE t */
static void see_name(struct text *text, const char *word, size_t len) {
    static const char *const before_name[] = {"from", "join", "into", "update", NULL};
    static const char *const between[] = {"or", "rollback", "abort", "replace", "fail", "ignore", NULL};
    text->names_table |= text->expects_table && is_said(word, len, text->table);
    text->expects_table &= word[len] == '.' || says_any(word, len, between);
    text->expects_table |= says_any(word, len, before_name);
}

static void see_word(struct text *text, const char *word, size_t len) {
    static const char *const casts[] = {"cast", "values", "union", "intersect", "except", NULL};
    static const char *const ends_of_from[] = {"where", "group", "order", "limit", "returning", NULL};
    see_name(text, word, len);
    if (len == 2) text->equates |= is_said(word, len, "is") || is_said(word, len, "in");
    if (len < 4 || len > 9) return;
    bool from = is_said(word, len, "from");
    text->may_cast |= says_any(word, len, casts);
    text->joins |= is_said(word, len, "join");
    text->tables += from || is_said(word, len, "update");
    if (from) text->from_depth = text->depth;
    if (says_any(word, len, ends_of_from)) text->from_depth = -1;
}

static void see_mark(struct text *text, char before, char mark) {
    text->depth += (mark == '(') - (mark == ')');
    text->equates |= mark == '=' && !strchr("<>!", before);
    bool joins = mark == ',' && text->from_depth == text->depth;
    text->joins |= joins;
    text->expects_table |= joins;
}

static struct text see_text(const char *sql, const char *table) {
    struct text text = {.table = table, .from_depth = -1};
    char before = ' ';
    if (!sql) return (struct text){.may_cast = true, .equates = true};
    while (*sql) {
        size_t len = 0;
        while (belongs_to_word(sql[len])) len++;
        if (len) {
            see_word(&text, sql, len);
            sql += len;
            before = 'a';
            continue;
        }
        see_mark(&text, before, *sql);
        before = *sql++;
    }
    return text;
}

bool art_running_may_convert(const struct art_vtab *vtab, bool range) {
    for (sqlite3_stmt *each = sqlite3_next_stmt(vtab->connection->db, NULL); each;
         each = sqlite3_next_stmt(vtab->connection->db, each)) {
        if (!sqlite3_stmt_busy(each)) continue;
        struct text text = see_text(sqlite3_sql(each), vtab->name->table);
        bool others = text.joins || text.tables > 1 || !text.names_table;
        bool in_trigger = !text.names_table && !sqlite3_stmt_readonly(each);
        if (text.may_cast || in_trigger || (range && text.equates && others)) return true;
    }
    return false;
}
