/* The right table of a RIGHT or FULL JOIN. SQLite scans it twice: to join it, by the conditions of ON, and then for the
 * rows that have met none, by those of WHERE. Conditions may be split so, arguments may not: without its argument the
 * scan is one of another table, and what it gives is wrong. Parentheses give them to both scans (but SQLite forgets
 * them for the first one of a RIGHT JOIN, up to 3.41.1, of any module), and so does a subquery in place of the table.
 *
 * Nothing tells the second scan from another one. But it reads the same columns: those of the arguments, too, which an
 * earlier plan of the statement had. An arm of an OR may be planned without, and is not run so (or_arms.c).
 */
#include "ext/query/planning.h"

/* Arguments that the plan has or would have; `snapshot IS NULL` is one. */
static unsigned given_arguments(const struct art_planning *planning) {
    const sqlite3_index_info *info = planning->info;
    unsigned given = 0;
    for (int i = 0; planning->of_hidden && i < info->nConstraint; i++) {
        int hidden = art_hidden_column(planning->vtab, info->aConstraint[i].iColumn);
        unsigned char op = info->aConstraint[i].op;
        bool gives = op == SQLITE_INDEX_CONSTRAINT_EQ || op == SQLITE_INDEX_CONSTRAINT_ISNULL;
        if (hidden >= ART_HIDDEN_PREFIX && hidden <= ART_HIDDEN_SNAPSHOT && gives) given |= 1U << hidden;
    }
    return given;
}

/* Those whose columns are surely read: the last bit stands for several. An UPDATE ... FROM sets all of them. */
static unsigned read_arguments(const struct art_planning *planning) {
    sqlite3_uint64 used = planning->info->colUsed;
    unsigned found = 0, first = planning->vtab->columns.count;
    for (unsigned hidden = ART_HIDDEN_PREFIX; hidden <= ART_HIDDEN_SNAPSHOT && first + hidden < 63; hidden++)
        found |= (unsigned)(used >> (first + hidden) & 1) << hidden;
    return ~used ? found : 0;
}

int art_outer_join_refuse(struct art_vtab *vtab) {
    const char *table = vtab->name->table;
    return art_complain(
        &vtab->base.zErrMsg, SQLITE_ERROR,
        "art: a RIGHT or FULL JOIN scans its right table twice, and one scan lacks an argument (%s): give "
        "arguments in parentheses, or put (SELECT * FROM %s WHERE ...) on the left",
        table, table);
}

/* Without any condition it is no arm of an OR. Else the scan says it, if it comes to that. */
int art_outer_join_check(struct art_planning *planning, bool *lacks) {
    unsigned *before = &planning->reading->planned.arguments, given = given_arguments(planning);
    *lacks = read_arguments(planning) & *before & ~given;
    *before |= given;
    return *lacks && !planning->info->nConstraint ? art_outer_join_refuse(planning->vtab) : SQLITE_OK;
}
