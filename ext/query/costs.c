/* What a plan costs, as far as constants and the sums in memory tell. */
#include "ext/query/planning.h"

enum {
    ROWS_ASSUMED = 1048576,     /* of a table without statistics, as SQLite does */
    ROWS_LEAST = 2,             /* of a range */
    LIST_ELEMENTS_ASSUMED = 25, /* as SQLite assumes of a subquery */
    SEARCH_ONE_PAGE_IN = 16,    /* one page in so many has the trigrams of a part of a name */
    SMALL_TABLE_ROWS = 4096     /* to go through it takes as long as to prepare some statements */
};

static const double step_cost = 2.8;

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
            art_key_range_compare(keys, meaning, art_condition_constant(planning, i));
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
        begins = planning->kind == ART_SCAN_LEVEL; /* else it is a list */
    } else if (meaning == ART_ARGUMENT_GLOB) {
        begins = begins_literally(planning, i);
    } else if (meaning == ART_ARGUMENT_LIKE) { /* nobody knows how many rows a literal one leaves */
        begins = !art_condition_constant(planning, i);
    } else if (meaning == ART_ARGUMENT_NONE) {
        begins = hidden == ART_HIDDEN_PREFIX;
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

/* Does SQLite have statistics? What it knows of other tables is then true, or as old as the last ANALYZE. The schema in
 * memory tells whether there is a table of them, and nothing tells what is in it. */
static bool has_statistics(const struct art_vtab *vtab) {
    const char *schema = vtab->name->schema;
    return !sqlite3_table_column_metadata(vtab->connection->db, schema, "sqlite_stat1", NULL, NULL, NULL, NULL, NULL,
                                          NULL);
}

uint64_t art_planning_guess_rows(const struct art_planning *planning) {
    const struct art_table *table = planning->vtab->table;
    struct art_key_range keys = {0};
    uint64_t rows = 0;
    bool meet = constants_meet(planning, &keys);
    if (!table || !art_tree_estimate(table->tree, meet ? &keys.range : NULL, &rows)) {
        rows = ROWS_ASSUMED;
        meet = false;
    }
    art_key_range_clear(&keys);
    return meet ? rows : share(count_bounds(planning, true), rows);
}

/* How many rows SQLite is to take the constants among the arguments to leave; `all`: how many the table to have.
 *
 * Without statistics SQLite assumes so many rows for every ordinary table. Beside such numbers a true one that is
 * smaller would always come first in a join, however large the table is. */
static uint64_t assume_rows(const struct art_planning *planning, uint64_t *all) {
    const struct art_table *table = planning->vtab->table;
    if (table && has_statistics(planning->vtab) && art_tree_estimate(table->tree, NULL, all))
        return art_planning_guess_rows(planning);
    *all = ROWS_ASSUMED;
    return share(count_bounds(planning, true), *all);
}

/* Nobody knows how many rows have one value; SQLite takes ten where it does not. Each blob's footer is asked. */
static void price_lookups(const struct art_planning *planning, uint64_t rows, double search) {
    sqlite3_index_info *info = planning->info;
    enum { FOUND_ROWS = 10, FOOTERS = 65536 };
    uint64_t found = rows / 4 < FOUND_ROWS ? rows / 4 : FOUND_ROWS;
    info->estimatedRows = (sqlite3_int64)found + 1;
    info->estimatedCost = search + (double)found * 2 * step_cost + (double)rows / FOOTERS;
}

/* Is the table so small that a join may as well begin with it? */
static bool is_small(const struct art_planning *planning) {
    const struct art_table *table = planning->vtab->table;
    uint64_t rows;
    return table && art_tree_estimate(table->tree, NULL, &rows) && rows <= SMALL_TABLE_ROWS;
}

/* The part of all rows, as a divisor, that meets an equality with another column, or 0: SQLite does not count it.
 *
 * It counts one with a parameter, and none with a column of another table, but does not tell which it is. To take a
 * parameter for a column may make a join go through the other table first, however large it is; to take a column for a
 * parameter may make it go through all of this one, and this one's size is known. */
static unsigned equality_divides(const struct art_planning *planning, int i) {
    sqlite3_value *value = art_condition_constant(planning, i);
    if (!value && !is_small(planning)) return 0;
    sqlite3_int64 number = value && sqlite3_value_type(value) == SQLITE_INTEGER ? sqlite3_value_int64(value) : 2;
    return number >= -1 && number <= 1 ? 2 : 4;
}

/* How many of the rows meet the conditions on other columns, by the guesses that SQLite makes for an ordinary table,
 * and for no virtual one: an equality leaves at most a quarter of all, or half if it is with -1, 0 or 1; and any
 * condition 94 %. */
static uint64_t guess_after_conditions(const struct art_planning *planning, uint64_t rows, uint64_t all) {
    const sqlite3_index_info *info = planning->info;
    uint64_t left = rows, most = rows;
    for (int i = 0; i < info->nConstraint; i++) {
        const struct sqlite3_index_constraint *constraint = &info->aConstraint[i];
        if (!art_condition_is_on_other_column(planning, i) || art_is_limit(constraint->op)) continue;
        bool equal = art_condition_means(constraint->op) == ART_ARGUMENT_EQUAL && !art_condition_is_list(planning, i);
        unsigned divisor = equal ? equality_divides(planning, i) : 1;
        if (!divisor) continue;
        left -= left / 16;
        if (equal && most > all / divisor) most = all / divisor;
    }
    return left < most ? left : most;
}

static double logarithm(uint64_t rows) {
    return 63 - __builtin_clzll(rows | 1);
}

/* As SQLite reckons for an ordinary table: a search takes the logarithm of the rows, and each row a step.
 *
 * Bounds that come from another table have to make a plan cheaper, whatever literals stand beside them and however few
 * rows there are: of plans that cost the same SQLite takes the one that waits for fewer tables. So a range and a list
 * are charged no search.
 *
 * SQLite charges a join no sort where it begins with a virtual table. So a plan that is asked for an order, and does
 * not give it, costs the sort, too. Of an order by another table's columns nothing is told. */
void art_planning_estimate(const struct art_planning *planning) {
    sqlite3_index_info *info = planning->info;
    uint64_t all, rows = assume_rows(planning, &all);
    double search = logarithm(all);
    if (planning->kind == ART_SCAN_POINT) {
        info->estimatedRows = 1;
        info->estimatedCost = search + step_cost;
        if (planning->plan & ART_PLAN_UNIQUE) info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
        return;
    }
    struct bounds unknown = count_bounds(planning, false);
    bool is_list = planning->kind == ART_SCAN_LIST, may_wait = unknown.low || unknown.high || is_list;
    double each = step_cost;
    if (is_list) rows = LIST_ELEMENTS_ASSUMED;
    rows = share(unknown, rows);
    if (planning->newer) rows /= 4;
    if (planning->searches) rows /= SEARCH_ONE_PAGE_IN;
    if (planning->lookups) {
        price_lookups(planning, rows, search);
        return;
    }
    if (planning->kind == ART_SCAN_LEVEL) {
        rows = rows / 50 + (may_wait ? 8 : 10);
        each = 5;
    }
    if (rows < ROWS_LEAST) rows = ROWS_LEAST;
    uint64_t left = guess_after_conditions(planning, rows, all);
    info->estimatedRows = (sqlite3_int64)(left < ROWS_LEAST ? ROWS_LEAST : left);
    info->estimatedCost = (double)rows * each;
    bool sorts = info->nOrderBy && !info->orderByConsumed && !may_wait;
    if (sorts) info->estimatedCost += 5 * (double)left * logarithm(left);
    if (planning->equalities && !may_wait) /* of a row value's IN? SQLite then sorts, as it does without them */
        info->estimatedCost += 5 * (double)rows * logarithm(rows);
    for (int i = 0; i < planning->unsure; i++) info->estimatedCost = info->estimatedCost * 1.25 + 2;
}
