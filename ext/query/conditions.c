/* What SQLite's constraints are to the planner: which column, which comparison, with what constant. */
#include "ext/query/planning.h"

const uint8_t art_means[256] = {
    [SQLITE_INDEX_CONSTRAINT_EQ] = ART_ARGUMENT_EQUAL,   [SQLITE_INDEX_CONSTRAINT_IS] = ART_ARGUMENT_EQUAL,
    [SQLITE_INDEX_CONSTRAINT_GT] = ART_ARGUMENT_GREATER, [SQLITE_INDEX_CONSTRAINT_GE] = ART_ARGUMENT_GREATER_EQUAL,
    [SQLITE_INDEX_CONSTRAINT_LT] = ART_ARGUMENT_LESS,    [SQLITE_INDEX_CONSTRAINT_LE] = ART_ARGUMENT_LESS_EQUAL,
    [SQLITE_INDEX_CONSTRAINT_GLOB] = ART_ARGUMENT_GLOB,  [SQLITE_INDEX_CONSTRAINT_LIKE] = ART_ARGUMENT_LIKE,
};

bool art_condition_is_by(const struct art_planning *planning, int i, const char *wanted) {
    struct art_condition *condition = &planning->conditions[i];
    if (!condition->collation) condition->collation = sqlite3_vtab_collation(planning->info, i);
    return !strcmp(condition->collation, wanted) || !sqlite3_stricmp(condition->collation, wanted);
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

void art_condition_ask(const struct art_planning *planning, int i) {
    struct art_condition *condition = &planning->conditions[i];
    sqlite3_value *value = NULL;
    condition->is_asked = true;
    if (sqlite3_vtab_rhs_value(planning->info, i, &value)) return;
    condition->constant = value;
    if (!value || sqlite3_value_type(value) != SQLITE_TEXT) return;
    const void *text = sqlite3_value_text(value);
    condition->text = art_bytes(text, text ? (uint32_t)sqlite3_value_bytes(value) : 0);
}

bool art_condition_is_list(const struct art_planning *planning, int i) {
    return sqlite3_vtab_in(planning->info, i, -1);
}

/* Older versions of SQLite offer <> and IS NOT NULL of a LEFT JOIN's ON clause as if they stood in WHERE. */
enum art_argument art_condition_filters(const struct art_planning *planning, int i) {
    unsigned char op = planning->info->aConstraint[i].op;
    bool strict = sqlite3_libversion_number() >= ART_STRICT_PLANS;
    if (strict && op == SQLITE_INDEX_CONSTRAINT_NE) return ART_ARGUMENT_NOT_EQUAL;
    if (strict && op == SQLITE_INDEX_CONSTRAINT_ISNOTNULL) return ART_ARGUMENT_NOT_NULL;
    return op == SQLITE_INDEX_CONSTRAINT_ISNULL ? ART_ARGUMENT_NULL : art_condition_means(op);
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
    return (compares || meaning == ART_ARGUMENT_NOT_EQUAL) && art_condition_is_by(planning, i, "BINARY");
}

/* An equality may be a part of a row value's IN, which SQLite does not tell: it would run a scan for each element, and
 * give a row once for each that is equal by its affinity. So it has to be with a literal, or IS. */
bool art_condition_is_filter(const struct art_planning *planning, int i) {
    return art_condition_is_comparison(planning, i) && !art_condition_may_be_row_value(planning, i);
}

/* SQLite puts them before it, the lower one first. */
void art_condition_seek_glob_bound(const struct art_planning *planning, int i) {
    const sqlite3_index_info *info = planning->info;
    struct art_condition *condition = &planning->conditions[i];
    struct art_bytes low = {0}, high = {0};
    int offset = info->aConstraint[i].iTermOffset, column = info->aConstraint[i].iColumn;
    for (int k = 0; k < info->nConstraint; k++) {
        const struct sqlite3_index_constraint *constraint = &info->aConstraint[k];
        int before = offset - constraint->iTermOffset;
        if ((before != 1 && before != 2) || !constraint->usable || constraint->iColumn != column) continue;
        enum art_argument meaning =
            planning->vtab->columns.keys ? art_condition_means(constraint->op) : planning->conditions[k].meaning;
        if (before == 2 && meaning == ART_ARGUMENT_GREATER_EQUAL) low = art_condition_text(planning, k);
        if (before == 1 && meaning == ART_ARGUMENT_LESS) high = art_condition_text(planning, k);
    }
    if (art_pattern_bounds(low, high, false)) condition->glob_bound = low;
    condition->is_bound_sought = true;
}

bool art_condition_glob_lacks_bounds(const struct art_planning *planning, int i) {
    struct art_bytes pattern = art_condition_text(planning, i);
    return pattern.len && art_pattern_gets_bounds(pattern, art_glob_prefix((const char *)pattern.data)) &&
           !art_condition_glob_has_bounds(planning, i);
}

bool art_condition_glob_is_bounds(const struct art_planning *planning, int i) {
    struct art_bytes pattern = art_condition_text(planning, i), low = art_condition_glob_bound(planning, i);
    if (!pattern.len || !low.len || low.len + 1 != pattern.len || pattern.data[low.len] != '*') return false;
    return art_bytes_starts_with(pattern, low) && strcspn((const char *)pattern.data, "*?[") == low.len;
}

bool art_planning_reads_within(const struct art_planning *planning, sqlite3_uint64 known) {
    unsigned hidden = planning->vtab->columns.count;
    sqlite3_uint64 arguments = ((sqlite3_uint64)2 << ART_HIDDEN_SNAPSHOT) - 1;
    if (hidden < 63) known |= arguments << hidden & INT64_MAX; /* the last bit is that of others, too */
    return (planning->info->colUsed & ~known) == 0;
}

bool art_planning_reads_only(const struct art_planning *planning, int column) {
    return art_planning_reads_within(planning, (sqlite3_uint64)1 << column);
}

bool art_planning_reads_sums(const struct art_planning *planning) {
    const struct art_summarised *summarised = &planning->vtab->summarised;
    bool any = false;
    for (unsigned i = 0; i < summarised->sums; i++) {
        enum art_measure measure = summarised->items[i].measure;
        unsigned column = summarised->items[i].column;
        if (art_measure_hashes(measure))
            column = planning->vtab->columns.count + ART_HIDDEN_HASH + (measure == ART_MEASURE_HASH_VALUES);
        any |= planning->info->colUsed >> (column < 63 ? column : 63) & 1;
    }
    return any;
}
