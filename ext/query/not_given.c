/* Arguments that a statement reads, and that nothing gives.
 *
 * SQLite takes a column before an alias, and a subquery's column before that of a table around it. Every art table has
 * columns with the names of this very domain: so `prefix` in GROUP BY prefix, or in path GLOB prefix || '*' within a
 * subquery, is the argument, NULL in every row, where the alias or the other table's column is meant. The answer would
 * be a wrong one, or a DELETE would take all rows. So what is read and has no `=` is refused.
 *
 *     when the plan is made     nearly always
 *     when the scan begins      where SQLite shows no condition: it may know that no row meets them, as path IN (), and
 *                               then it asks for no scan; and where the delimiter is read, since arms of an OR may be
 *                               listings, each with arguments of its own, of which SQLite may show before what they
 *                               have in common, but this is the plan for the whole clause: it may meet no row, and
 *                               others come of that (outer joins)
 *     with the first row        where this may be such an arm, which is not shown all that its clause gives; where the
 *                               column is the 64th or a later one, of which SQLite tells by one bit; and of the table
 *                               that an UPDATE changes, since SQLite sets all bits there
 */
#include "ext/query/planning.h"

enum {
    LAST_BIT = 63,         /* of colUsed: for all columns from there on */
    ASKS_RIGHTLY = 3053000 /* a version whose UPDATE ... FROM surely asks for no column that it does not name */
};

/* Arguments, what takes commands, and what only an INSERT gives; and `entries`, which a delimiter gives. */
#define REFUSED                                                                                                        \
    (1U << ART_HIDDEN_PREFIX | 1U << ART_HIDDEN_DELIMITER | 1U << ART_HIDDEN_START_AFTER | 1U << ART_HIDDEN_SNAPSHOT | \
     1U << ART_HIDDEN_COMMAND | 1U << ART_HIDDEN_ENTRIES | 1U << ART_HIDDEN_CONFLICT)

/* By the whole clause, in any order of tables. `snapshot IS NULL` is the table as it is now. */
static unsigned given_hidden(const struct art_planning *planning) {
    const sqlite3_index_info *info = planning->info;
    unsigned given = 0;
    for (int i = 0; planning->of_hidden && i < info->nConstraint; i++) {
        int hidden = art_hidden_column(planning->vtab, info->aConstraint[i].iColumn);
        unsigned char op = info->aConstraint[i].op;
        bool now = hidden == ART_HIDDEN_SNAPSHOT && op == SQLITE_INDEX_CONSTRAINT_ISNULL;
        if (hidden >= 0 && (now || op == SQLITE_INDEX_CONSTRAINT_EQ)) given |= 1U << hidden;
    }
    return given & 1U << ART_HIDDEN_DELIMITER ? given | 1U << ART_HIDDEN_ENTRIES : given;
}

/* The columns that colUsed tells of by a bit of their own (`surely`), or by any. */
static unsigned read_hidden(const struct art_planning *planning, bool surely) {
    unsigned read = 0, first = planning->vtab->columns.count;
    if (!(planning->info->colUsed >> (first < LAST_BIT ? first : LAST_BIT))) return 0;
    for (unsigned hidden = 0; hidden < ART_HIDDEN_COLUMNS; hidden++) {
        unsigned column = first + hidden, bit = column < LAST_BIT ? column : LAST_BIT;
        if (column >= LAST_BIT && surely) continue;
        read |= (unsigned)(planning->info->colUsed >> bit & 1) << hidden;
    }
    return read & REFUSED;
}

int art_not_given_refuse(struct art_vtab *vtab, enum art_hidden hidden) {
    const struct art_columns *columns = &vtab->columns;
    const char *table = vtab->name->table, *name = art_columns_command_name(columns, table), *given = NULL;
    bool is_old = sqlite3_libversion_number() < ART_HEEDS_PARENTHESES;
    if (!*name) name = "\"\"";
    if (hidden != ART_HIDDEN_COMMAND) name = art_columns_hidden_name(columns, hidden);
    if (hidden <= ART_HIDDEN_SNAPSHOT) given = name;
    if (hidden == ART_HIDDEN_ENTRIES) given = art_columns_hidden_name(columns, ART_HIDDEN_DELIMITER);
    return art_complain(&vtab->base.zErrMsg, SQLITE_ERROR,
                        "art: %s is a hidden column of this table, and nothing gives it here (%s.%s): write x.%s for "
                        "a column of another table, rename an alias%s%s%s%s",
                        name, table, name, name, given ? ", or give it by " : "", given ? given : "",
                        given ? " = ... beside AND, for a RIGHT or FULL JOIN in parentheses" : "",
                        given && is_old ? " (before SQLite 3.41.2 write a RIGHT JOIN as a LEFT JOIN)" : "");
}

/* Which conditions are shown. SQLite asks for the whole clause first, in each order of tables, and then for arms of its
 * OR, each of which has a condition more, or others. */
static uint64_t hash_clause(const sqlite3_index_info *info) {
    uint64_t hash = (uint64_t)info->nConstraint;
    for (int i = 0; i < info->nConstraint; i++) {
        unsigned column = (unsigned)info->aConstraint[i].iColumn, at = (unsigned)info->aConstraint[i].iTermOffset;
        hash = (hash ^ ((uint64_t)column << 32 | at << 8 | info->aConstraint[i].op)) * 0x9e3779b97f4a7c15;
    }
    return hash;
}

int art_not_given_check(struct art_planning *planning, bool *lacks) {
    unsigned read = read_hidden(planning, false);
    bool updates = planning->info->colUsed == ~(sqlite3_uint64)0;
    if (!read || (updates && sqlite3_libversion_number() < ASKS_RIGHTLY)) return SQLITE_OK;
    struct art_planned *seen = &planning->reading->planned;
    uint64_t clause = hash_clause(planning->info);
    if (seen->read != planning->info->colUsed) {
        seen->offered = 0;
        seen->clause = clause;
    }
    unsigned given = given_hidden(planning), missing = read & ~given, may_come = seen->offered;
    seen->read = planning->info->colUsed;
    seen->offered |= given;
    if (updates || read & 1U << ART_HIDDEN_DELIMITER) may_come |= ~0U;
    unsigned refused = missing & read_hidden(planning, true) & ~may_come;
    planning->plan |= (int)missing << ART_PLAN_NOT_GIVEN_SHIFT;
    planning->refused = refused && !planning->info->nConstraint;
    if (planning->refused) refused = 0;
    *lacks |= planning->refused;
    *lacks |= !updates && seen->clause == clause && missing & read_hidden(planning, true);
    for (unsigned hidden = 0; refused && hidden < ART_HIDDEN_COLUMNS; hidden++) {
        if (refused >> hidden & 1) return art_not_given_refuse(planning->vtab, (enum art_hidden)hidden);
    }
    return SQLITE_OK;
}

/* Where the bit is that of others, too, and a statement is writing, it may be an UPDATE ... FROM, which asks for all
 * columns. */
bool art_scan_lacks(const struct art_scan *scan, unsigned hidden) {
    const struct art_vtab *vtab = art_scan_vtab(scan);
    bool by_its_bit = vtab->columns.count + hidden < LAST_BIT;
    return (unsigned)scan->plan >> ART_PLAN_NOT_GIVEN_SHIFT >> hidden & 1 &&
           (by_its_bit || !vtab->begun || !art_is_writing(vtab->connection->db));
}
