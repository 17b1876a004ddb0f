/* The right table of a RIGHT or FULL JOIN. SQLite scans it twice: to join it, by the conditions of ON, and then for the
 * rows that have met none, by those of WHERE. Conditions may be split so, arguments may not: without its argument the
 * scan is one of another table, and what it gives is wrong. Parentheses give them to both scans (but SQLite forgets
 * them for the first one of a RIGHT JOIN, up to 3.41.1, of any module); a subquery takes the place of the table.
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
static unsigned arguments_that_are_read(const struct art_planning *planning) {
    sqlite3_uint64 used = planning->info->colUsed;
    unsigned found = 0, first = planning->vtab->columns.count;
    for (unsigned hidden = ART_HIDDEN_PREFIX; hidden <= ART_HIDDEN_SNAPSHOT && first + hidden < 63; hidden++)
        found |= (unsigned)(used >> (first + hidden) & 1) << hidden;
    return ~used ? found : 0;
}

/* What the first plan of the statement gave that read the same columns; false: this is it. (The arms of an OR come
 * later, and may each have a delimiter of its own.) */
static bool was_given(const struct art_planning *planning, unsigned given, unsigned *first) {
    struct art_planned *planned = &planning->reading->planned;
    unsigned i = 0, known = planned->uses < ART_USES_KNOWN ? planned->uses : ART_USES_KNOWN;
    while (i < known && planned->use[i].columns != planning->info->colUsed) i++;
    if (i == known) {
        i = planned->uses++ % ART_USES_KNOWN;
        planned->use[i] = (struct art_planned_use){.columns = planning->info->colUsed, .given = given};
        return false;
    }
    *first = planned->use[i].given;
    return true;
}

/* The scan says it, if it comes to that: a clause that is one OR may look like this, too. Where SQLite itself forgets
 * what is in parentheses, it compares the '' that keeps a place with the key, before it reads what is missing. */
bool art_outer_join_lacks(const struct art_planning *planning) {
    unsigned read = arguments_that_are_read(planning), given = given_arguments(planning), first = 0;
    if (!read) return false;
    bool forgets = sqlite3_libversion_number() < ART_HEEDS_PARENTHESES && planning->vtab->columns.keys;
    bool known = was_given(planning, given, &first);
    return read & ~given & (known || !forgets ? first : ~0U);
}

int art_outer_join_refuse(const struct art_scan *scan) {
    unsigned hidden = ART_HIDDEN_PREFIX;
    while (hidden < ART_HIDDEN_COLUMNS && !art_scan_lacks(scan, hidden)) hidden++;
    if (hidden == ART_HIDDEN_COLUMNS) hidden = ART_HIDDEN_SNAPSHOT; /* of those that share a bit */
    return art_not_given_refuse(art_scan_vtab(scan), (enum art_hidden)hidden);
}
