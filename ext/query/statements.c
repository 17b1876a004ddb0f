/* What the running statements' texts say about a number that was bound to a parameter.
 *
 * A path is compared with such a number as with its text, but not if the number comes by way of something that has an
 * affinity, or has none on purpose; and SQLite calls it bound then, too:
 *
 *     path = CAST(? AS INTEGER)
 *     path = (SELECT number FROM o UNION SELECT ?)      rows of VALUES and of compounds have the affinity of any arm
 *     o.untyped = ? AND path > o.untyped                SQLite puts the parameter in the place of the column
 *
 * xBestIndex sees no trace of it, so the words of all statements that run are looked at: for a word too many a query
 * may be refused (doubts.c). An equality with a column of the same table the planner does see (ART_PLAN_EQUATED);
 * here it is about one with another table's, so there has to be one: a join, a second FROM, or a view, when the
 * table is not called by its name where tables are. An equality of two columns that are called o.id, as NATURAL and
 * USING make them, is no danger, since a parameter needs another one: unless one of them is a subquery's, which may be
 * called after a parameter, (SELECT ? AS id FROM o), and which SQLite puts in its place first. A view has no
 * parameters. Nor is a bound number known by a statement that writes and sets off a trigger, whose text is not known.
 */
#include "ext/base/token.h"
#include "ext/query/running.h"

#include <ctype.h>

struct text {
    const char *table;
    bool may_cast, equates, joins, names_table;
    bool equates_columns;
    bool comments;                 /* in which there are words, too */
    bool qualified;                /* the last word is one like o.id */
    bool expects_set;              /* of an UPDATE */
    int set_depth;                 /* of that SET while it lasts, or -1 */
    bool expects_table;            /* as the next word */
    int tables, depth, from_depth; /* tables: words behind which one stands; from_depth: of an open FROM, or -1 */
    int selects;
};

static bool belongs_to_word(char c) {
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

static const char *behind_word(const char *sql) {
    while (belongs_to_word(*sql)) sql++;
    return sql;
}

static const char *behind_blanks(const char *sql) {
    while (art_is_blank(*sql)) sql++;
    return sql;
}

/* = o.id: a column, whatever else the statement says. */
static bool a_column_follows(const char *sql) {
    const char *table = behind_blanks(sql + (*sql == '=')), *point = behind_word(table);
    if (point == table || *point != '.') return false;
    const char *end = behind_word(point + 1);
    return end > point + 1 && *behind_blanks(end) != '(';
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

/* CAST(x'00' AS ...). A string before a point is a name. */
static bool a_literal_follows(const char *sql) {
    const char *at = behind_blanks(sql + (*sql == '('));
    if (*sql != '(') return false;
    if (art_is_digit(*at)) return true;
    at += (*at == 'x' || *at == 'X') && at[1] == '\'';
    struct art_token string = art_token_at(at), next = art_token_at(at + string.len);
    bool blanks_only = string.at == at && next.at == behind_blanks(at + string.len); /* and no comment */
    return *at == '\'' && blanks_only && string.kind == ART_TOKEN_QUOTED && art_token_is_word(&next, "as");
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
    static const char *const arms[] = {"values", "union", "intersect", "except", NULL};
    static const char *const ends_of_from[] = {"where", "group", "order", "limit", "returning", NULL};
    static const char *const equalities[] = {"natural", "using", NULL};
    see_name(text, word, len);
    if (text->expects_set && is_said(word, len, "set")) {
        text->set_depth = text->depth;
        text->expects_set = false;
    }
    const char *next = behind_blanks(word + len);
    bool in_select = *next == '(' && !sqlite3_strnicmp(behind_blanks(next + 1), "select", 6);
    if (len == 2) text->equates |= is_said(word, len, "is") || (is_said(word, len, "in") && !in_select);
    if (len < 4 || len > 9) return;
    bool from = is_said(word, len, "from");
    text->may_cast |= says_any(word, len, arms) || (is_said(word, len, "cast") && !a_literal_follows(next));
    text->equates_columns |= says_any(word, len, equalities);
    text->joins |= is_said(word, len, "join");
    text->selects += is_said(word, len, "select");
    text->tables += from || is_said(word, len, "update");
    if (from) text->from_depth = text->depth;
    bool ends = says_any(word, len, ends_of_from);
    if (ends) text->from_depth = -1;
    if (ends || from) text->set_depth = -1;
}

static void see_mark(struct text *text, char before, const char *sql) {
    char mark = *sql;
    text->depth += (mark == '(') - (mark == ')');
    bool between_columns = text->qualified && a_column_follows(sql + (sql[1] == '='));
    bool assigns = text->set_depth == text->depth; /* SET size = ? is no condition */
    bool equates = mark == '=' && !assigns && !strchr("<>!=", before);
    text->equates |= equates && !between_columns;
    text->equates_columns |= equates;
    text->comments |= (mark == '-' && sql[1] == '-') || (mark == '/' && sql[1] == '*');
    bool joins = mark == ',' && text->from_depth == text->depth;
    text->joins |= joins;
    text->expects_table |= joins;
}

static struct text see_text(const char *sql, const char *table) {
    struct text text = {.table = table, .from_depth = -1, .set_depth = -1};
    char before = ' ';
    if (!sql) return (struct text){.may_cast = true, .equates = true};
    text.expects_set = !sqlite3_strnicmp(sql, "update", 6);
    while (*sql) {
        size_t len = 0;
        while (belongs_to_word(sql[len])) len++;
        if (len) {
            see_word(&text, sql, len);
            text.qualified = before == '.';
            sql += len;
            before = 'a';
            continue;
        }
        see_mark(&text, before, sql);
        text.qualified &= art_is_blank(*sql) || *sql == '=';
        before = *sql++;
    }
    bool subqueries = text.selects > 1 || text.tables > 1;
    text.equates |= text.equates_columns && (subqueries || text.comments);
    return text;
}

bool art_running_may_convert(const struct art_vtab *vtab, bool range, bool equated) {
    for (sqlite3_stmt *each = sqlite3_next_stmt(vtab->connection->db, NULL); each;
         each = sqlite3_next_stmt(vtab->connection->db, each)) {
        if (!sqlite3_stmt_busy(each)) continue;
        struct text text = see_text(sqlite3_sql(each), vtab->name->table);
        bool others = text.joins || text.tables > 1 || !text.names_table;
        bool in_trigger = !text.names_table && !sqlite3_stmt_readonly(each);
        if (text.may_cast || in_trigger || (range && text.equates && (others || equated))) return true;
    }
    return false;
}
