/* The arms of an OR beside the arguments of a listing: what the planner remembers between calls of one statement.
 *
 * prefix = (SELECT ...) AND (path = 'a' OR path GLOB 'b*'): SQLite may scan once for each arm. But to such a scan it
 * does not hand a term from beside the OR that holds a subquery or is a part of a row value: it compares the column,
 * which is NULL without its argument, and no row is left. Nor does it show when it asks for an arm, and what it shows
 * then depends on its version: only the arm's terms (3.40), or behind them the outer terms, all of them (3.53).
 *
 * So the arms have to lose to the single scan that takes the arguments, which SQLite asks for first. Literals in a
 * clause of a single table are no such arguments: each arm has them when it is run. An arm that is shown without the
 * arguments may even stand before the tables that they come from: no other plan is worse. One that is shown with them
 * costs what it costs, and in addition what any such scan so far did. A table that is listed twice in a statement may
 * look like this, too: then the best of its plans remains the best, and two arms still cost more than it.
 */
#include "ext/query/planning.h"

/* Does each arm surely get term `i`? A literal holds no subquery. And the parts of a row value stand behind all that
 * the clause has, of which at least two terms are not shown: the row value, and the OR. */
static bool is_handed_on(const struct art_planning *planning, int i) {
    const sqlite3_index_info *info = planning->info;
    int offset = info->aConstraint[i].iTermOffset, shown = 0;
    for (int k = 0; k < info->nConstraint; k++) shown += info->aConstraint[k].iTermOffset < offset;
    return art_condition_constant(planning, i) && offset - shown < 2;
}

/* A listing's arguments that are given here, and may be lost to an arm, as bits; and where in the clause the last one
 * stands, from 1. */
static unsigned find_arguments(const struct art_planning *planning, int *last) {
    const sqlite3_index_info *info = planning->info;
    unsigned found = 0;
    for (int i = 0; planning->of_hidden && i < info->nConstraint; i++) {
        int hidden = art_hidden_column(planning->vtab, info->aConstraint[i].iColumn);
        bool is_argument = hidden >= ART_HIDDEN_PREFIX && hidden <= ART_HIDDEN_SNAPSHOT;
        if (!is_argument || info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ) continue;
        if (is_handed_on(planning, i)) continue;
        found |= 1U << hidden;
        *last = info->aConstraint[i].iTermOffset + 1;
    }
    return found;
}

/* The columns of arguments that are read, or may be: bit 63 stands for all columns from there on. */
static unsigned read_arguments(const struct art_vtab *vtab, const sqlite3_index_info *info) {
    unsigned found = 0;
    for (unsigned hidden = ART_HIDDEN_PREFIX; hidden <= ART_HIDDEN_SNAPSHOT; hidden++) {
        unsigned column = vtab->columns.count + hidden;
        found |= (unsigned)(info->colUsed >> (column < 63 ? column : 63) & 1) << hidden;
    }
    return found;
}

/* Are these the terms of an arm and, behind them, those of the clause that was shown before? */
static bool is_before(const sqlite3_index_info *info, const struct art_planned *seen, int last) {
    int arm = last - seen->last, shown = info->nConstraint - seen->constraints;
    return seen->last && arm > 0 && shown >= 0 && shown <= arm;
}

/* Statements are told apart by the one that SQLite is making, the first in its list. One that gets the address of
 * another may be taken for it: a mistake as above. */
bool art_plan_is_first(const struct art_planning *planning) {
    struct art_planned *seen = &planning->reading->planned;
    const sqlite3_stmt *statement = sqlite3_next_stmt(planning->vtab->connection->db, NULL);
    if (seen->statement == statement) return false;
    *seen = (struct art_planned){.statement = statement};
    return true;
}

/* An arm reads the columns that its clause reads: another use of the table in the statement mostly reads others. */
void art_or_arms_price(const struct art_planning *planning) {
    const struct art_vtab *vtab = planning->vtab;
    sqlite3_index_info *info = planning->info;
    struct art_planned *seen = &planning->reading->planned;
    int last = 0;
    unsigned given = find_arguments(planning, &last);
    bool same = seen->columns == info->colUsed;
    if (!given) {
        if (same && seen->given && seen->given & read_arguments(vtab, info)) info->estimatedCost *= 1e60;
        return;
    }
    seen->given = given | (same ? seen->given : 0);
    seen->columns = info->colUsed;
    double cost = info->estimatedCost;
    sqlite3_int64 rows = info->estimatedRows;
    if (is_before(info, seen, last)) {
        info->estimatedCost += seen->cost;
        info->estimatedRows += seen->rows;
    } else {
        seen->last = last;
        seen->constraints = info->nConstraint;
    }
    if (cost > seen->cost) seen->cost = cost;
    if (rows > seen->rows) seen->rows = rows;
}
