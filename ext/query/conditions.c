/* What SQLite's constraints are to the planner: which column, which comparison, with what constant. */
#include "ext/query/planning.h"

enum art_argument art_condition_means(unsigned char op) {
    switch (op) {
    case SQLITE_INDEX_CONSTRAINT_EQ:
    case SQLITE_INDEX_CONSTRAINT_IS:
        return ART_ARGUMENT_EQUAL;
    case SQLITE_INDEX_CONSTRAINT_GT:
        return ART_ARGUMENT_GREATER;
    case SQLITE_INDEX_CONSTRAINT_GE:
        return ART_ARGUMENT_GREATER_EQUAL;
    case SQLITE_INDEX_CONSTRAINT_LT:
        return ART_ARGUMENT_LESS;
    case SQLITE_INDEX_CONSTRAINT_LE:
        return ART_ARGUMENT_LESS_EQUAL;
    case SQLITE_INDEX_CONSTRAINT_GLOB:
        return ART_ARGUMENT_GLOB;
    case SQLITE_INDEX_CONSTRAINT_LIKE:
        return ART_ARGUMENT_LIKE;
    default:
        return ART_ARGUMENT_NONE;
    }
}

bool art_condition_is_on_key(const struct art_planning *planning, int i) {
    const struct sqlite3_index_constraint *constraint = &planning->info->aConstraint[i];
    return constraint->usable && constraint->iColumn == ART_COLUMN_KEY;
}

bool art_condition_is_by(const struct art_planning *planning, int i, const char *wanted) {
    return !sqlite3_stricmp(sqlite3_vtab_collation(planning->info, i), wanted);
}

/* Is this a condition that a range of BLOBs can have? Whether a pattern matches BLOBs is SQLite's to say; and a text at
 * the other side of a comparison may be a bound that it has made of a pattern. */
static bool is_of_blobs(const struct art_planning *planning, int i, enum art_argument meaning) {
    if (meaning == ART_ARGUMENT_EQUAL) return true;
    if (meaning == ART_ARGUMENT_GLOB || meaning == ART_ARGUMENT_LIKE) return false;
    return !art_condition_text(planning, i).data;
}

enum art_argument art_condition_meaning(const struct art_planning *planning, int i) {
    if (!art_condition_is_on_key(planning, i)) return ART_ARGUMENT_NONE;
    enum art_argument meaning = art_condition_means(planning->info->aConstraint[i].op);
    bool compares = meaning >= ART_ARGUMENT_EQUAL && meaning <= ART_ARGUMENT_LESS_EQUAL;
    if (compares && !art_condition_is_by(planning, i, "BINARY")) return ART_ARGUMENT_NONE;
    if (art_columns_keys_are_blobs(&planning->vtab->columns) && !is_of_blobs(planning, i, meaning))
        return ART_ARGUMENT_NONE;
    return meaning == ART_ARGUMENT_EQUAL && i >= ART_LISTS_KNOWN ? ART_ARGUMENT_NONE : meaning;
}

bool art_is_limit(unsigned char op) {
    return op == SQLITE_INDEX_CONSTRAINT_LIMIT || op == SQLITE_INDEX_CONSTRAINT_OFFSET;
}

static void ask_for_constant(const struct art_planning *planning, int i) {
    struct art_condition *condition = &planning->conditions[i];
    sqlite3_value *value = NULL;
    condition->is_asked = true;
    if (sqlite3_vtab_rhs_value(planning->info, i, &value)) return;
    condition->constant = value;
    if (!value || sqlite3_value_type(value) != SQLITE_TEXT) return;
    const void *text = sqlite3_value_text(value);
    condition->text = art_bytes(text, text ? (uint32_t)sqlite3_value_bytes(value) : 0);
}

sqlite3_value *art_condition_constant(const struct art_planning *planning, int i) {
    if (!planning->conditions[i].is_asked) ask_for_constant(planning, i);
    return planning->conditions[i].constant;
}

struct art_bytes art_condition_text(const struct art_planning *planning, int i) {
    if (!planning->conditions[i].is_asked) ask_for_constant(planning, i);
    return planning->conditions[i].text;
}

bool art_condition_is_list(const struct art_planning *planning, int i) {
    return sqlite3_vtab_in(planning->info, i, -1);
}

bool art_condition_is_on_other_column(const struct art_planning *planning, int i) {
    const struct sqlite3_index_constraint *constraint = &planning->info->aConstraint[i];
    const struct art_vtab *vtab = planning->vtab;
    bool other = constraint->iColumn > ART_COLUMN_KEY && art_hidden_column(vtab, constraint->iColumn) < 0;
    return constraint->usable && other && !vtab->columns.items[constraint->iColumn].place;
}

enum art_argument art_condition_filters(const struct art_planning *planning, int i) {
    unsigned char op = planning->info->aConstraint[i].op;
    if (op == SQLITE_INDEX_CONSTRAINT_NE) return ART_ARGUMENT_NOT_EQUAL;
    if (op == SQLITE_INDEX_CONSTRAINT_ISNULL) return ART_ARGUMENT_NULL;
    return op == SQLITE_INDEX_CONSTRAINT_ISNOTNULL ? ART_ARGUMENT_NOT_NULL : art_condition_means(op);
}

bool art_condition_is_about_nulls(const struct art_planning *planning, int i) {
    enum art_argument meaning = art_condition_filters(planning, i);
    return meaning == ART_ARGUMENT_NULL || meaning == ART_ARGUMENT_NOT_NULL;
}

bool art_condition_may_be_row_value(const struct art_planning *planning, int i) {
    bool equal = planning->info->aConstraint[i].op == SQLITE_INDEX_CONSTRAINT_EQ;
    return equal && !art_condition_constant(planning, i);
}

bool art_condition_is_comparison(const struct art_planning *planning, int i) {
    if (!art_condition_is_on_other_column(planning, i)) return false;
    enum art_argument meaning = art_condition_filters(planning, i);
    if (art_condition_is_about_nulls(planning, i)) return true;
    bool compares = meaning >= ART_ARGUMENT_EQUAL && meaning <= ART_ARGUMENT_LESS_EQUAL;
    if (!compares && meaning != ART_ARGUMENT_NOT_EQUAL) return false;
    return art_condition_is_by(planning, i, "BINARY");
}

/* An equality may be a part of a row value's IN, which SQLite does not tell: it would run a scan for each element, and
 * give a row once for each that is equal by its affinity. So it has to be with a literal, or IS. */
bool art_condition_is_filter(const struct art_planning *planning, int i) {
    return art_condition_is_comparison(planning, i) && !art_condition_may_be_row_value(planning, i);
}

/* The constant on the right of a comparison that is term number `offset` of the WHERE clause. */
static struct art_bytes bound_at(const struct art_planning *planning, int offset, enum art_argument meaning) {
    const sqlite3_index_info *info = planning->info;
    for (int i = 0; i < info->nConstraint; i++) {
        bool compares = planning->vtab->columns.keys ? art_condition_means(info->aConstraint[i].op) == meaning
                                                     : planning->conditions[i].meaning == meaning;
        if (info->aConstraint[i].iTermOffset != offset || !info->aConstraint[i].usable || !compares) continue;
        return art_condition_text(planning, i);
    }
    return (struct art_bytes){0};
}

static struct art_bytes glob_bound(const struct art_planning *planning, int i) {
    struct art_condition *condition = &planning->conditions[i];
    int offset = planning->info->aConstraint[i].iTermOffset;
    if (condition->is_bound_sought) return condition->glob_bound;
    struct art_bytes low = bound_at(planning, offset - 2, ART_ARGUMENT_GREATER_EQUAL);
    struct art_bytes high = bound_at(planning, offset - 1, ART_ARGUMENT_LESS);
    if (art_pattern_bounds(low, high, false)) condition->glob_bound = low;
    condition->is_bound_sought = true;
    return condition->glob_bound;
}

bool art_condition_glob_has_bounds(const struct art_planning *planning, int i) {
    return glob_bound(planning, i).len > 0;
}

bool art_condition_glob_lacks_bounds(const struct art_planning *planning, int i) {
    struct art_bytes pattern = art_condition_text(planning, i);
    return pattern.len && art_pattern_gets_bounds(pattern, art_glob_prefix((const char *)pattern.data)) &&
           !art_condition_glob_has_bounds(planning, i);
}

bool art_condition_glob_is_bounds(const struct art_planning *planning, int i) {
    struct art_bytes pattern = art_condition_text(planning, i), low = glob_bound(planning, i);
    if (!pattern.len || !low.len || low.len + 1 != pattern.len || pattern.data[low.len] != '*') return false;
    return art_bytes_starts_with(pattern, low) && strcspn((const char *)pattern.data, "*?[") == low.len;
}

bool art_planning_reads_within(const struct art_planning *planning, sqlite3_uint64 known) {
    unsigned hidden = planning->vtab->columns.count;
    for (unsigned i = ART_HIDDEN_PREFIX; i <= ART_HIDDEN_SNAPSHOT && hidden + i < 63; i++) {
        known |= (sqlite3_uint64)1 << (hidden + i);
    }
    return (planning->info->colUsed & ~known) == 0;
}

bool art_planning_reads_only(const struct art_planning *planning, int column) {
    return art_planning_reads_within(planning, (sqlite3_uint64)1 << column);
}

bool art_planning_reads_sums(const struct art_planning *planning) {
    const struct art_summarised *summarised = &planning->vtab->summarised;
    bool any = false;
    for (unsigned i = 0; i < summarised->sums; i++) {
        unsigned column = summarised->items[i].column;
        any |= planning->info->colUsed >> (column < 63 ? column : 63) & 1;
    }
    return any;
}
