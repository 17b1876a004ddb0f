/* What a plan costs, as far as constants and the sums in memory tell.
 *
 * The model is SQLite's for an ordinary table: a plan goes through `rows` of `all` rows, each of them a step, and what
 * has to be found first costs the logarithm of `all`. That is the true number where SQLite has statistics, else
 * 1,048,576, which it assumes of every table without. What leaves how many rows:
 *
 *     the path                    one; it has to be found
 *     bounds                      a quarter, 1/64 from both sides, and half of that for each further one, as in SQLite
 *     literals as bounds          what lies between them, as far as it is known (assume_rows())
 *     the path by NOCASE          the least, since few spellings are there
 *     GLOB, LIKE                  bounds from both sides, if they begin with letters or may do so
 *     a search                    1/64: as a range of which nothing is known
 *     a version                   a quarter
 *     lookups                     10 rows, and half of that for each further one (price_lookups())
 *     IN                          25 elements
 *     a listing                   a fiftieth of its range; each name is found
 *
 * An OR is the sum of its arms, which nothing tells from other plans (or_arms.c). */
#include "ext/query/planning.h"

enum {
    ROWS_ASSUMED = 1048576,     /* of a table without statistics, as SQLite does */
    ROWS_LEAST = 2,             /* of a range */
    FOUND_ROWS = 10,            /* with one value, as SQLite assumes */
    BOTH_BOUNDS_LEAVE = 64,     /* one row in so many, as SQLite assumes */
    ONE_BOUND_LEAVES = 4,       /* the same */
    LIST_ELEMENTS_ASSUMED = 25, /* as SQLite assumes of a subquery */
    SMALL_TABLE_ROWS = 4096     /* to go through it takes as long as to prepare some statements */
};

/* SQLite charges a scan of a table of its own 3.0 times the rows, with statistics 2.6 (whereLoopAddBtree()). */
static const double step_cost = 2.8;

/* --- the range ---------------------------------------------------------------------------------------------------- */

/* What the argument that condition `i` became means for the range of keys, or NONE. */
static enum art_argument range_argument(const struct art_planning *planning, int i) {
    const struct sqlite3_index_constraint *constraint = &planning->info->aConstraint[i];
    int hidden = art_hidden_column(planning->vtab, constraint->iColumn);
    bool is_listings = hidden >= ART_HIDDEN_PREFIX && hidden <= ART_HIDDEN_START_AFTER;
    bool bounds = constraint->iColumn == ART_COLUMN_KEY || is_listings;
    if (!bounds || !planning->info->aConstraintUsage[i].argvIndex || art_is_limit(constraint->op))
        return ART_ARGUMENT_NONE;
    return (enum art_argument)planning->conditions[i].term.meaning;
}

static struct art_bytes beginning_of_pattern(const struct art_planning *planning, int i) {
    struct art_bytes pattern = art_condition_text(planning, i);
    const char *text = (const char *)pattern.data;
    if (!pattern.len) return pattern;
    bool is_like = planning->conditions[i].meaning == ART_ARGUMENT_LIKE;
    return art_bytes(pattern.data, is_like ? art_like_prefix(text) : art_glob_prefix(text));
}

/* The bounds that SQLite makes of a literal LIKE are in capitals: what it begins with as it is written. */
static struct art_bytes beginning_of_like(const struct art_planning *planning) {
    struct art_bytes beginning = {0};
    for (int i = 0; i < planning->info->nConstraint && !beginning.len; i++) {
        if (planning->conditions[i].meaning == ART_ARGUMENT_LIKE) beginning = beginning_of_pattern(planning, i);
    }
    return beginning;
}

/* Narrows `keys` by argument `i`. False: it is no constant, or no bound. */
static bool narrow(const struct art_planning *planning, int i, struct art_key_range *keys) {
    enum art_argument argument = range_argument(planning, i);
    struct art_bytes text = argument ? art_condition_text(planning, i) : (struct art_bytes){0};
    if (argument == ART_ARGUMENT_LIKE_PREFIX) text = beginning_of_like(planning);
    if (argument == ART_ARGUMENT_GLOB || argument == ART_ARGUMENT_LIKE) text = beginning_of_pattern(planning, i);
    if (!text.len || argument == ART_ARGUMENT_DELIMITER || argument == ART_ARGUMENT_IN) return false;
    if (argument == ART_ARGUMENT_NOCASE) argument = ART_ARGUMENT_EQUAL;
    if (argument == ART_ARGUMENT_START_AFTER) {
        art_key_range_low(keys, text, true);
    } else if (argument >= ART_ARGUMENT_EQUAL && argument <= ART_ARGUMENT_LESS_EQUAL) {
        art_key_range_compare(keys, argument, art_condition_constant(planning, i));
    } else {
        art_key_range_prefix(keys, text);
    }
    return true;
}

/* An estimate of the rows whose keys meet all conditions with constants. False: no condition has a constant, or there
 * is no estimate. The range of a LIKE has the letters as they are written; if it is empty, other letters may still
 * have rows. */
static bool rows_between_constants(const struct art_planning *planning, uint64_t *rows) {
    const struct art_table *table = planning->vtab->table;
    struct art_key_range keys = {.of_blobs = art_columns_keys_are_blobs(&planning->vtab->columns)};
    bool any = false, like = false;
    for (int i = 0; i < planning->info->nConstraint; i++) {
        bool narrows = narrow(planning, i, &keys);
        any |= narrows;
        like |= narrows && range_argument(planning, i) >= ART_ARGUMENT_LIKE;
    }
    bool known = any && table && art_tree_estimate(table->tree, &keys.range, rows) && (*rows || !like);
    art_key_range_clear(&keys);
    return known;
}

/* How many conditions bound a range's ends. */
struct bounds {
    int low, high;
};

static void add_bounds(const struct art_planning *planning, int i, struct bounds *bounds) {
    bool low = false, high = false;
    switch (range_argument(planning, i)) {
    case ART_ARGUMENT_GLOB:
    case ART_ARGUMENT_LIKE: /* one that is not known may begin with anything */
        low = high = !art_condition_text(planning, i).len || beginning_of_pattern(planning, i).len;
        break;
    case ART_ARGUMENT_EQUAL: /* of a listing */
    case ART_ARGUMENT_PREFIX:
    case ART_ARGUMENT_LIKE_PREFIX:
    case ART_ARGUMENT_NOCASE:
        low = high = true;
        break;
    case ART_ARGUMENT_START_AFTER:
    case ART_ARGUMENT_GREATER:
    case ART_ARGUMENT_GREATER_EQUAL:
        low = true;
        break;
    case ART_ARGUMENT_LESS:
    case ART_ARGUMENT_LESS_EQUAL:
        high = true;
        break;
    default:
        break;
    }
    bounds->low += low;
    bounds->high += high;
}

/* Among the arguments: by constants, and by what is not known before the scan. */
static void count_bounds(const struct art_planning *planning, struct bounds *known, struct bounds *unknown) {
    *known = *unknown = (struct bounds){0};
    for (int i = 0; i < planning->info->nConstraint; i++) {
        bool has_bounds =
            planning->conditions[i].meaning == ART_ARGUMENT_GLOB && art_condition_glob_has_bounds(planning, i);
        if (has_bounds || !planning->info->aConstraintUsage[i].argvIndex) continue;
        add_bounds(planning, i, art_condition_constant(planning, i) ? known : unknown);
    }
}

/* Of rows about whose bounds nothing else is known. Each counts: it may be the one for which SQLite goes through
 * another table first, beside those that are the same for all of its rows. */
static uint64_t share(struct bounds bounds, uint64_t rows) {
    bool both = bounds.low && bounds.high;
    int others = bounds.low + bounds.high - (both ? 2 : 1);
    if (others < 0) return rows;
    rows /= both ? BOTH_BOUNDS_LEAVE : ONE_BOUND_LEAVES;
    return others < 32 ? rows >> others : 0;
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

/* Does SQLite have statistics? What it knows of other tables is then true, or as old as the last ANALYZE. The schema in
 * memory tells whether there is a table of them, and nothing tells what is in it. */
static bool has_statistics(const struct art_vtab *vtab) {
    const char *schema = vtab->name->schema;
    return !sqlite3_table_column_metadata(vtab->connection->db, schema, "sqlite_stat1", NULL, NULL, NULL, NULL, NULL,
                                          NULL);
}

/* How many rows the table has. False: nobody knows. */
static bool true_rows(const struct art_planning *planning, uint64_t *rows) {
    const struct art_table *table = planning->vtab->table;
    return table && art_tree_estimate(table->tree, NULL, rows);
}

uint64_t art_planning_guess_rows(const struct art_planning *planning) {
    uint64_t rows;
    struct bounds known, unknown;
    if (rows_between_constants(planning, &rows)) return rows;
    if (!true_rows(planning, &rows)) rows = ROWS_ASSUMED;
    count_bounds(planning, &known, &unknown);
    return share(known, rows);
}

/* Where the GLOB whose bounds SQLite knows, a literal's or a parameter's, stands in the clause; or -1. It stands behind
 * all that was written. */
static int offset_of_glob(const struct art_planning *planning) {
    for (int i = 0; i < planning->info->nConstraint; i++) {
        if (planning->conditions[i].meaning == ART_ARGUMENT_GLOB && art_condition_glob_has_bounds(planning, i))
            return planning->info->aConstraint[i].iTermOffset;
    }
    return -1;
}

/* Is this the only plan that SQLite asks for? It is no arm of an OR; there is such a GLOB, nothing that may come from
 * another table, and no term that is not shown but the GLOB as it was written: no OR, no subquery. Then no number
 * chooses a plan of this table, and each pattern that is bound is prepared without the descents of an estimate. */
static bool is_only_plan(const struct art_planning *planning) {
    const sqlite3_index_info *info = planning->info;
    int glob = planning->first ? offset_of_glob(planning) : -1, shown = 0;
    if (glob < 0) return false;
    for (int i = 0; i < info->nConstraint; i++) {
        const struct sqlite3_index_constraint *constraint = &info->aConstraint[i];
        bool is_own = art_is_limit(constraint->op) || art_condition_is_about_nulls(planning, i) ||
                      constraint->iTermOffset == glob || art_condition_constant(planning, i);
        if (!constraint->usable || !is_own) return false;
        shown += constraint->iTermOffset < glob;
    }
    return glob - shown == 1;
}

/* How many rows SQLite is to take the table to have, and the constants among the arguments to leave.
 *
 * Without statistics it guesses of every other table how many rows there are, and how many a literal leaves. Beside
 * such numbers a true one that is smaller would always come first in a join, however large the table is. So literals
 * leave what SQLite guesses, or more where it is known that more of a large table lies between two of them. */
static uint64_t assume_rows(const struct art_planning *planning, struct bounds known, uint64_t *all) {
    uint64_t rows, most, guess = share(known, ROWS_ASSUMED);
    *all = ROWS_ASSUMED;
    if (is_only_plan(planning)) return guess;
    if (has_statistics(planning->vtab) && true_rows(planning, all)) return art_planning_guess_rows(planning);
    bool is_worth_it = known.low && known.high && true_rows(planning, &most) && most > SMALL_TABLE_ROWS;
    if (!is_worth_it || !rows_between_constants(planning, &rows)) return guess;
    rows = (uint64_t)((double)*all * ((double)rows / (double)most));
    return rows > guess ? rows : guess;
}

/* Nobody knows how many rows have one value; SQLite takes ten where it does not. Each blob's footer is asked. A range
 * has its part of the ten. Each lookup counts: it may be another table that has the rare one of two values. */
static void price_lookups(const struct art_planning *planning, uint64_t rows, uint64_t all, double search) {
    sqlite3_index_info *info = planning->info;
    enum { FOOTERS = 65536 };
    uint64_t found = all / 4 < FOUND_ROWS ? all / 4 : FOUND_ROWS;
    found = (uint64_t)((double)found * ((double)rows / (double)(all ? all : 1))) >> (planning->lookups - 1);
    info->estimatedRows = (sqlite3_int64)found + 1;
    info->estimatedCost = search + (double)found * 2 * step_cost + (double)rows / FOOTERS;
}

/* Is the table so small that a join may as well begin with it? */
static bool is_small(const struct art_planning *planning) {
    uint64_t rows;
    return true_rows(planning, &rows) && rows <= SMALL_TABLE_ROWS;
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
    for (int i = 0; planning->of_others && i < info->nConstraint; i++) {
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

/* Rows in the order of the path, between one bound and an end. An OR that has them as an arm does not keep the order.
 * But SQLite adds its arms without a sort, and forgets a walk in order that costs more than they do. So such a plan is
 * charged what to sort its rows for a LIMIT takes, and no more than the walk. */
static double price_open_range(double cost, double all) {
    enum { A_SORT_COSTS = 6 }; /* times the steps, as in SQLite */
    double sorted = cost * A_SORT_COSTS;
    return sorted < all * step_cost ? sorted : all * step_cost;
}

static bool is_open_range(const struct art_planning *planning, struct bounds known, struct bounds unknown) {
    const sqlite3_index_info *info = planning->info;
    bool low = known.low || unknown.low, high = known.high || unknown.high;
    if (low == high || planning->newer || planning->searches) return false;
    if (!info->nOrderBy || !info->orderByConsumed || planning->kind != ART_SCAN_RANGE) return false;
    for (int i = 0; i < info->nConstraint; i++) {
        if (!info->aConstraint[i].usable) return false; /* of a join, where the sort is thought of */
    }
    return true;
}

/* A plan that gives one row at most. False: it may give more. */
static bool price_one_row(const struct art_planning *planning, double search) {
    sqlite3_index_info *info = planning->info;
    unsigned keys = planning->vtab->columns.keys;
    bool longest = planning->kind == ART_SCAN_LONGEST;
    bool whole_key = keys && planning->fixed == keys && planning->kind == ART_SCAN_RANGE;
    if (!longest && !whole_key && planning->kind != ART_SCAN_POINT) return false;
    info->estimatedRows = 1;
    info->estimatedCost = longest ? 1 : search + step_cost;
    if (whole_key || planning->plan & ART_PLAN_UNIQUE) info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
    return true;
}

/* How many of the rows the scan goes through: what its conditions leave, but for those that lookups have. */
static uint64_t rows_of_scan(const struct art_planning *planning, struct bounds unknown, uint64_t rows) {
    if (planning->kind == ART_SCAN_LIST) rows = LIST_ELEMENTS_ASSUMED;
    rows = share(unknown, rows);
    if (planning->nocase) rows = ROWS_LEAST;
    if (planning->fixed && rows > FOUND_ROWS) rows = FOUND_ROWS;
    if (planning->bounded_low || planning->bounded_high)
        rows /= planning->bounded_low && planning->bounded_high ? BOTH_BOUNDS_LEAVE : ONE_BOUND_LEAVES;
    if (planning->newer) rows /= ONE_BOUND_LEAVES;
    if (planning->searches) rows /= BOTH_BOUNDS_LEAVE;
    return rows;
}

static double price_sort(uint64_t rows) {
    return 5 * (double)rows * logarithm(rows);
}

/* Bounds that come from another table have to make a plan cheaper, whatever literals stand beside them and however few
 * rows there are: of plans that cost the same SQLite takes the one that waits for fewer tables. So a range and a list
 * are charged no search.
 *
 * A MATCH is charged next to nothing: no plan without it gives its row, and the arms of an OR beside it would be such
 * plans.
 *
 * SQLite charges a join no sort where it begins with a virtual table. So a plan that is asked for an order, and does
 * not give it, costs the sort, too. Of an order by another table's columns nothing is told. */
void art_planning_estimate(const struct art_planning *planning) {
    sqlite3_index_info *info = planning->info;
    struct bounds known, unknown;
    count_bounds(planning, &known, &unknown);
    uint64_t all, rows = assume_rows(planning, known, &all);
    double search = logarithm(all), each = step_cost;
    if (price_one_row(planning, search)) return;
    bool may_wait = unknown.low || unknown.high || planning->kind == ART_SCAN_LIST;
    rows = rows_of_scan(planning, unknown, rows);
    if (planning->lookups) {
        price_lookups(planning, rows, all, search);
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
    if (is_open_range(planning, known, unknown))
        info->estimatedCost = price_open_range(info->estimatedCost, (double)all);
    if (info->nOrderBy && !info->orderByConsumed && !may_wait) info->estimatedCost += price_sort(left);
    if (planning->equalities && !may_wait) /* of a row value's IN? SQLite then sorts, as it does without them */
        info->estimatedCost += price_sort(rows);
    for (int i = 0; i < planning->unsure; i++) info->estimatedCost = info->estimatedCost * 1.25 + 2;
}
