/* When rows are searched best first, in the order of a summarised column (best.c): where few of them are wanted, and
 * the scan knows of all conditions that may throw rows away.
 */
#include "ext/query/planning.h"

/* Is this condition on the key one that leads to a range? Not a function of the application's, or its like(). */
static bool may_choose_range(const struct art_planning *planning, int i) {
    unsigned char op = planning->info->aConstraint[i].op;
    bool is_like = art_condition_means(op) == ART_ARGUMENT_LIKE && !art_condition_text(planning, i).len;
    if (is_like) return planning->info->aConstraintUsage[i].argvIndex;
    return op != SQLITE_INDEX_CONSTRAINT_REGEXP && op != SQLITE_INDEX_CONSTRAINT_MATCH &&
           op < SQLITE_INDEX_CONSTRAINT_FUNCTION;
}

/* An equality that is no filter, since it may be a part of a row value's IN. Best first it is taken: for such an IN
 * SQLite asks for a plan without, too, which is cheaper (costs.c). */
static bool is_equality_left(const struct art_planning *planning, int i) {
    bool left = !planning->info->aConstraintUsage[i].argvIndex && art_condition_may_be_row_value(planning, i);
    bool may_be_list = i >= ART_LISTS_KNOWN || art_condition_is_list(planning, i);
    return left && !may_be_list && art_condition_is_comparison(planning, i);
}

/* Will filters.c know which rows do not meet it? Of what is no literal that is hoped for, but for texts that may be a
 * part of a row value. */
static bool says_for_sure(const struct art_planning *planning, int i) {
    const struct sqlite3_index_constraint *constraint = &planning->info->aConstraint[i];
    enum art_affinity affinity = planning->vtab->columns.items[constraint->iColumn].affinity;
    sqlite3_value *value = art_condition_constant(planning, i);
    if (art_condition_is_about_nulls(planning, i)) return true;
    bool takes_texts = affinity == ART_AFFINITY_TEXT;
    bool is_open = constraint->op == SQLITE_INDEX_CONSTRAINT_GE || constraint->op == SQLITE_INDEX_CONSTRAINT_LE;
    if (!value) return !takes_texts || !is_open;
    if (sqlite3_value_type(value) == SQLITE_TEXT) return takes_texts || affinity == ART_AFFINITY_BLOB;
    return sqlite3_value_type(value) != SQLITE_BLOB && !takes_texts;
}

/* What a literal LIKE that the scan looks at says of the beginning of this column's texts. */
static struct art_bytes beginning_by_like(const struct art_planning *planning, int column) {
    const sqlite3_index_info *info = planning->info;
    for (int i = 0; i < info->nConstraint; i++) {
        const struct sqlite3_index_constraint *constraint = &info->aConstraint[i];
        if (constraint->iColumn != column || !info->aConstraintUsage[i].argvIndex) continue;
        if (art_condition_means(constraint->op) != ART_ARGUMENT_LIKE) continue;
        struct art_bytes pattern = art_condition_text(planning, i);
        if (pattern.len) return art_bytes(pattern.data, art_like_prefix((const char *)pattern.data));
    }
    return (struct art_bytes){0};
}

/* Is this one of the bounds that newer versions make of a LIKE for another column, too: note >= 'XY' and note < 'xz' by
 * NOCASE of note LIKE 'xy%'? They refuse no row that the LIKE takes, also if a user wrote them. */
static bool is_bound_of_like(const struct art_planning *planning, int i) {
    const struct sqlite3_index_constraint *constraint = &planning->info->aConstraint[i];
    bool is_low = constraint->op == SQLITE_INDEX_CONSTRAINT_GE, is_high = constraint->op == SQLITE_INDEX_CONSTRAINT_LT;
    if ((!is_low && !is_high) || !art_condition_is_on_other_column(planning, i)) return false;
    struct art_bytes begins = beginning_by_like(planning, constraint->iColumn), bound;
    if (!begins.len || !art_condition_is_by(planning, i, "NOCASE")) return false;
    bound = art_condition_text(planning, i);
    if (is_high) return art_pattern_bounds(begins, bound, true);
    return bound.len == begins.len &&
           !sqlite3_strnicmp((const char *)bound.data, (const char *)begins.data, (int)bound.len);
}

/* Does the cursor know of this condition? What SQLite alone knows of, an IN or a function, might refuse nearly all
 * rows, one by one; to sort those that are left takes a tenth of that. */
static bool is_looked_at(const struct art_planning *planning, int i) {
    const struct sqlite3_index_constraint *constraint = &planning->info->aConstraint[i];
    bool orders = constraint->iColumn == planning->info->aOrderBy[0].iColumn; /* its NULLs stand together */
    if (art_is_limit(constraint->op) || (orders && constraint->op == SQLITE_INDEX_CONSTRAINT_ISNOTNULL)) return true;
    bool taken = planning->info->aConstraintUsage[i].argvIndex;
    if (constraint->iColumn == ART_COLUMN_KEY)
        return taken || (may_choose_range(planning, i) && art_pattern_is_beginning(planning, i));
    if (art_hidden_column(planning->vtab, constraint->iColumn) >= 0) return taken;
    if (taken) return art_condition_means(constraint->op) >= ART_ARGUMENT_GLOB || says_for_sure(planning, i);
    return is_equality_left(planning, i) || is_bound_of_like(planning, i);
}

/* How many rows are asked for, as far as literals tell. 0: there is no LIMIT. */
static uint64_t rows_asked_for(const struct art_planning *planning) {
    const sqlite3_index_info *info = planning->info;
    uint64_t rows = 0;
    for (int i = 0; i < info->nConstraint; i++) {
        if (!art_is_limit(info->aConstraint[i].op)) continue;
        sqlite3_value *value = art_condition_constant(planning, i);
        sqlite3_int64 number = value ? sqlite3_value_int64(value) : 1;
        bool is_offset = info->aConstraint[i].op == SQLITE_INDEX_CONSTRAINT_OFFSET;
        if (number < 0) number = is_offset ? 0 : INT32_MAX; /* a LIMIT of -1 is none */
        rows += (uint64_t)number + !is_offset;
    }
    return rows;
}

/* Does the statement read the key, what is summarised, and columns of conditions that are shown here, and no more? Else
 * there may be a condition of which SQLite alone knows, which hides a LIMIT, and refuses nearly all rows. */
static bool reads_what_is_known(const struct art_planning *planning) {
    const sqlite3_index_info *info = planning->info;
    const struct art_summarised *summarised = &planning->vtab->summarised;
    sqlite3_uint64 known = (sqlite3_uint64)1 << ART_COLUMN_KEY;
    for (unsigned i = 0; i < summarised->count; i++) {
        unsigned column = summarised->items[i].column;
        if (summarised->items[i].measure && column < 63) known |= (sqlite3_uint64)1 << column; /* others share a bit */
    }
    for (int i = 0; i < info->nConstraint; i++) {
        int column = info->aConstraint[i].iColumn;
        if (column >= 0 && column < 63) known |= (sqlite3_uint64)1 << column;
    }
    return art_planning_reads_within(planning, known);
}

/* No LIMIT is told. May one row be wanted all the same? So SQLite asks for max(), and for min() of a column that is
 * declared NOT NULL; of any other it shows no order for min(). Before 3.46.1 IS NOT NULL hides a LIMIT, as other
 * conditions do. A query of all rows in this order looks just so, and is rarer (best.c).
 *
 * A bound from which the order begins says nothing of where the first row is: nearly all zones lie around it.
 *
 * All rows in this order take a walk for each batch. Where they are more than one, SQLite sorts them, unless nothing is
 * read but what max() has. */
static bool may_want_one(const struct art_planning *planning, int column) {
    enum { ROWS_OF_A_BATCH = 100000 };
    const sqlite3_index_info *info = planning->info;
    bool descending = info->aOrderBy[0].desc, not_null = planning->vtab->columns.items[column].not_null;
    if (info->nOrderBy != 1) return false;
    for (int i = 0; i < info->nConstraint; i++) {
        enum art_argument means = art_condition_means(info->aConstraint[i].op);
        bool is_null = info->aConstraint[i].op == SQLITE_INDEX_CONSTRAINT_ISNOTNULL;
        bool ends = descending ? means == ART_ARGUMENT_GREATER || means == ART_ARGUMENT_GREATER_EQUAL
                               : means == ART_ARGUMENT_LESS || means == ART_ARGUMENT_LESS_EQUAL;
        if (!info->aConstraint[i].usable) return false; /* of a join */
        if (info->aConstraint[i].iColumn != column) continue;
        if (!is_null && !ends) return false;
        not_null |= is_null && sqlite3_libversion_number() < ART_STRICT_LIMITS;
    }
    if (!descending && !not_null) return false;
    if (art_planning_guess_rows(planning) <= ROWS_OF_A_BATCH) return reads_what_is_known(planning);
    return column < 63 &&
           art_planning_reads_within(planning, (sqlite3_uint64)1 << ART_COLUMN_KEY | (sqlite3_uint64)1 << column);
}

/* There is a LIMIT, and it is small. SQLite tells of it only where it has no condition but those that it offers here.
 * So art can look at all that throw rows away: else a sort behind the conditions may cost a twentieth of what a search
 * does. */
static bool wants_few(const struct art_planning *planning, int column) {
    enum { SMALL_PART = 30 };
    if (sqlite3_vtab_distinct(planning->info)) return false;
    int equalities = 0;
    for (int i = 0; i < planning->info->nConstraint; i++) {
        if (!is_looked_at(planning, i)) return false;
        equalities += !art_is_limit(planning->info->aConstraint[i].op) && is_equality_left(planning, i);
    }
    if (equalities > planning->filters_left) return false;
    uint64_t asked = rows_asked_for(planning);
    if (asked) return asked <= 100 || asked < art_planning_guess_rows(planning) / SMALL_PART;
    if (planning->searches && sqlite3_libversion_number() < ART_STRICT_LIMITS) return true; /* a LIMIT is not told */
    return may_want_one(planning, column);
}

/* Rows in the order of a summarised column. That pays off where few of them are wanted. */
void art_best_plan(struct art_planning *planning) {
    sqlite3_index_info *info = planning->info;
    const struct art_vtab *vtab = planning->vtab;
    bool walks = planning->kind == ART_SCAN_RANGE && !planning->newer;
    bool ties = info->nOrderBy == 2 && info->aOrderBy[1].iColumn == ART_COLUMN_KEY;
    if (!walks || planning->lookups || (info->nOrderBy != 1 && !ties)) return;
    int column = info->aOrderBy[0].iColumn;
    int item = column > 0 ? art_summary_find_measured(&vtab->summarised, (unsigned)column) : -1;
    if (item < 0 || vtab->columns.items[column].collation || !wants_few(planning, column)) return;
    for (int i = 0; i < info->nConstraint; i++) {
        if (!is_equality_left(planning, i)) continue;
        art_planning_take_column(planning, i, info->aConstraint[i].iColumn, false, ART_ARGUMENT_EQUAL, false);
        planning->unsure++;
        planning->equalities++;
    }
    info->orderByConsumed = 1;
    planning->kind = ART_SCAN_BEST;
    planning->plan |= item << ART_PLAN_ITEM_SHIFT;
    if (!rows_asked_for(planning)) planning->plan |= ART_PLAN_NO_LIMIT;
    if (ties && info->aOrderBy[1].desc) planning->plan |= ART_PLAN_BACK;
    if (info->aOrderBy[0].desc) planning->plan |= ART_PLAN_DESCENDING;
    art_plan_text_append(&planning->words, ", best first by ");
    art_plan_text_append_name(&planning->words, &vtab->columns.items[column]);
    if (ties) art_plan_text_append(&planning->words, " and the path");
    if (planning->plan & ART_PLAN_BACK) art_plan_text_append(&planning->words, " backwards");
}
