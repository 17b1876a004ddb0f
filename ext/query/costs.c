/* What a plan costs, as far as constants and the sums in memory tell. */
#include "ext/query/planning.h"

enum {
    ROWS_UNKNOWN = 1000000, /* of a table of which nothing is known */
    LIST_GUESS = 20         /* elements, but not more than a part of the rows */
};

/* Where the constants among the arguments meet. False: there are none. */
static bool constants_meet(const struct art_planning *planning, struct art_key_range *keys) {
    const sqlite3_index_info *info = planning->info;
    bool any = false;
    for (int i = 0; i < info->nConstraint; i++) {
        enum art_argument meaning = planning->conditions[i].meaning;
        if (!info->aConstraintUsage[i].argvIndex || meaning >= ART_ARGUMENT_GLOB) continue;
        struct art_bytes text = art_condition_text(planning, i);
        if (!text.len) continue;
        int hidden = art_hidden_column(planning->vtab, info->aConstraint[i].iColumn);
        if (hidden == ART_HIDDEN_PREFIX) {
            art_key_range_prefix(keys, text);
        } else if (hidden == ART_HIDDEN_START_AFTER) {
            art_key_range_low(keys, text, true);
        } else if (info->aConstraint[i].iColumn == ART_COLUMN_KEY && meaning >= ART_ARGUMENT_EQUAL) {
            art_key_range_compare(keys, meaning, art_condition_constant(planning, i), true);
        } else {
            continue;
        }
        any = true;
    }
    return any;
}

/* Or may, for all that is known. */
static bool begins_literally(const struct art_planning *planning, int i) {
    struct art_bytes pattern = art_condition_text(planning, i);
    return !pattern.len || art_glob_prefix((const char *)pattern.data) > 0;
}

/* How many conditions bound a range's ends. */
struct bounds {
    int low, high;
};

static void add_bounds(const struct art_planning *planning, int i, struct bounds *bounds) {
    const struct sqlite3_index_constraint *constraint = &planning->info->aConstraint[i];
    enum art_argument meaning = planning->conditions[i].meaning;
    int hidden = art_hidden_column(planning->vtab, constraint->iColumn);
    bool begins = false;
    if (meaning == ART_ARGUMENT_EQUAL) {
        begins = planning->listing; /* else it is a list */
    } else if (meaning == ART_ARGUMENT_GLOB) {
        begins = begins_literally(planning, i);
    } else if (meaning == ART_ARGUMENT_NONE || meaning == ART_ARGUMENT_LIKE) { /* LIKE prefix, other columns */
        begins = art_condition_is_on_key(planning, i);
        begins |= hidden == ART_HIDDEN_PREFIX;
    }
    bounds->low += hidden == ART_HIDDEN_START_AFTER;
    bounds->low += begins || meaning == ART_ARGUMENT_GREATER || meaning == ART_ARGUMENT_GREATER_EQUAL;
    bounds->high += begins || meaning == ART_ARGUMENT_LESS || meaning == ART_ARGUMENT_LESS_EQUAL;
}

/* Among the arguments: by constants, or by what is not known before the scan. */
static struct bounds count_bounds(const struct art_planning *planning, bool constants) {
    const sqlite3_index_info *info = planning->info;
    struct bounds bounds = {0};
    for (int i = 0; i < info->nConstraint; i++) {
        if (!info->aConstraintUsage[i].argvIndex || art_is_limit(info->aConstraint[i].op)) continue;
        if (planning->conditions[i].meaning == ART_ARGUMENT_GLOB && art_condition_glob_has_bounds(planning, i))
            continue;
        if ((art_condition_constant(planning, i) != NULL) == constants) add_bounds(planning, i, &bounds);
    }
    return bounds;
}

/* Of rows about whose bounds nothing else is known. Each counts: it may be the one for which SQLite goes through
 * another table first, beside those that are the same for all of its rows. */
static uint64_t share(struct bounds bounds, uint64_t rows) {
    bool both = bounds.low && bounds.high;
    int others = bounds.low + bounds.high - (both ? 2 : 1);
    if (others < 0) return rows;
    rows /= both ? 64 : 4;
    return others < 32 ? rows >> others : 0;
}

uint64_t art_planning_guess_rows(const struct art_planning *planning) {
    struct art_vtab *vtab = planning->vtab;
    const struct art_table *table = vtab->table;
    struct art_key_range keys = {
        .low = vtab->planned_low, .high = vtab->planned_high, .scratch = vtab->planned_scratch};
    uint64_t rows = 0;
    bool meet = constants_meet(planning, &keys);
    if (!table || !art_tree_estimate(table->tree, meet ? &keys.range : NULL, &rows)) {
        rows = ROWS_UNKNOWN;
        meet = false;
    }
    vtab->planned_low = keys.low;
    vtab->planned_high = keys.high;
    vtab->planned_scratch = keys.scratch;
    return meet ? rows : share(count_bounds(planning, true), rows);
}

/* Nobody knows how many rows have one value; SQLite takes ten where it does not. Each blob's footer is asked. */
static void price_lookups(const struct art_planning *planning, uint64_t rows) {
    sqlite3_index_info *info = planning->info;
    enum { FOUND = 10, ROWS_A_BLOB = 8192, READ = 40 };
    uint64_t found = rows / 4 < FOUND ? rows / 4 : FOUND;
    info->estimatedRows = (sqlite3_int64)found + 1;
    info->estimatedCost = 6 + (double)(rows < READ * FOUND ? rows : READ * FOUND) + (double)rows / ROWS_A_BLOB;
}

/* How many of the rows meet the conditions on other columns, by guesses like those that SQLite makes for an ordinary
 * table: an equality leaves a quarter, or half if it is with -1, 0 or 1; any other condition 93 %. SQLite makes no
 * such guess for a virtual table, and would begin a join with either of two tables where one of them has such a
 * condition. */
static uint64_t guess_after_conditions(const struct art_planning *planning, uint64_t rows) {
    const sqlite3_index_info *info = planning->info;
    uint64_t left = rows, most = rows;
    for (int i = 0; i < info->nConstraint; i++) {
        const struct sqlite3_index_constraint *constraint = &info->aConstraint[i];
        if (!art_condition_is_on_other_column(planning, i) || art_is_limit(constraint->op)) continue;
        left -= left / 14;
        if (art_condition_means(constraint->op) != ART_ARGUMENT_EQUAL) continue;
        sqlite3_value *value = art_condition_constant(planning, i);
        sqlite3_int64 number = value && sqlite3_value_type(value) == SQLITE_INTEGER ? sqlite3_value_int64(value) : 2;
        uint64_t equal = rows / (number >= -1 && number <= 1 ? 2 : 4);
        if (most > equal) most = equal;
    }
    return left < most ? left : most;
}

/* Bounds that come from another table have to make a plan cheaper, whatever literals stand beside them and however few
 * rows there are: of plans that cost the same SQLite takes the one that waits for fewer tables. */
void art_planning_estimate(const struct art_planning *planning) {
    sqlite3_index_info *info = planning->info;
    if (planning->point) {
        info->estimatedRows = 1;
        info->estimatedCost = 2;
        info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
        return;
    }
    struct bounds unknown = count_bounds(planning, false);
    bool may_wait = unknown.low || unknown.high || planning->list;
    uint64_t rows = art_planning_guess_rows(planning);
    double each = art_planning_reads_only(planning, ART_COLUMN_KEY) ? 0.6 : 1.0;
    if (planning->list && rows / 4 < LIST_GUESS) {
        rows /= 4;
    } else if (planning->list) {
        rows = LIST_GUESS;
    }
    rows = share(unknown, rows);
    if (planning->newer) rows /= 4;
    if (planning->lookups) {
        price_lookups(planning, rows);
        return;
    }
    if (planning->list) {
        each = 2;
    } else if (planning->listing) {
        rows = rows / 50 + (may_wait ? 8 : 10);
        each = 5;
    }
    info->estimatedRows = (sqlite3_int64)guess_after_conditions(planning, rows) + 2;
    info->estimatedCost = (may_wait ? 4 : 5) + (double)rows * each;
    for (int i = 0; i < planning->unsure; i++) info->estimatedCost = info->estimatedCost * 1.25 + 2;
}
