/* xBestIndex: which of the constraints the cursor takes, in the words of plan.h. costs.c says what that costs.
 *
 * Nothing is read here: what is in memory tells how many rows there may be. Only comparisons by BINARY are taken, and
 * omit=1 is set only where the cursor is exact, so that every other row is checked by SQLite itself.
 *
 * OFFSET is taken where every row of the scan is a row of the result, in its order. LIMIT is taken with it, since
 * SQLite may want all that it shows before an OFFSET taken; it counts the rows of a LIMIT itself. Before 3.46.1 it
 * offers OFFSET to each arm of a UNION ALL, which nothing tells from a SELECT by itself: so it is left to SQLite
 * there. And every version shows (path, value) > (?, ?) as path >= ?, as it shows >=: so >= and <= must be with a
 * literal, which no row value is.
 */
#include <assert.h>
#include <stddef.h>

#include "ext/query/planning.h"

#define UNKNOWN_COSTS 1e60 /* more than any plan that knows its snapshot */

enum { CONDITIONS_AT_HAND = 12 };

/* --- taking a condition ------------------------------------------------------------------------------------------- */

static const char *const argument_words[ART_ARGUMENTS] = ART_ARGUMENT_WORDS;

/* Is condition `i` a pattern that trigrams of this column narrow? One whose text is not known yet is taken for such a
 * one. */
static bool is_searched(const struct art_planning *planning, int i, unsigned column, enum art_argument meaning) {
    const struct art_summarised *summarised = &planning->vtab->summarised;
    if (meaning != ART_ARGUMENT_GLOB && meaning != ART_ARGUMENT_LIKE) return false;
    int item = column ? art_summary_find(summarised, column) : -1;
    if (column ? item < 0 || !summarised->items[item].search : !summarised->search_key) return false;
    const char *pattern = (const char *)art_condition_text(planning, i).data;
    if (!pattern) return !art_condition_constant(planning, i);
    bool begins = !column && meaning == ART_ARGUMENT_GLOB; /* with what bounds the range */
    return art_pattern_has_trigram(pattern + (begins ? art_glob_prefix(pattern) : 0), meaning == ART_ARGUMENT_LIKE);
}

void art_planning_take_column(struct art_planning *planning, int i, int compared, bool is_literal,
                              enum art_argument meaning, bool exact) {
    const struct art_columns *columns = &planning->vtab->columns;
    struct sqlite3_index_constraint_usage *usage = &planning->info->aConstraintUsage[i];
    bool limits = meaning == ART_ARGUMENT_LIMIT || meaning == ART_ARGUMENT_OFFSET;
    struct art_plan_text *words = &planning->words;
    bool says = argument_words[meaning][0];
    if (words->len && limits) art_plan_text_append(words, ", ");
    if (words->len && !limits && says) art_plan_text_append(words, " AND ");
    bool is_own = compared >= 0 && (unsigned)compared < columns->count;
    bool of_key = is_own && columns->items[compared].place;
    if (compared > ART_COLUMN_KEY && !is_literal && !of_key) art_plan_text_append(words, "bound ");
    if (is_own) art_plan_text_append_name(words, &columns->items[compared]);
    if (compared >= 0 && !is_own) art_plan_text_append(words, art_columns_hidden_name(columns, ART_HIDDEN_VERSION));
    art_plan_text_append(words, argument_words[meaning]);
    unsigned column = compared >= 0 ? (unsigned)compared : ART_COLUMN_KEY;
    if (is_searched(planning, i, column, meaning)) {
        art_plan_text_append(words, " (search)");
        planning->searches++;
    }
    planning->conditions[i].term =
        (struct art_term){(uint8_t)meaning, is_literal ? 0 : ART_TERM_UNKNOWN, (uint16_t)column};
    planning->conditions[planning->arguments].nth = i;
    usage->argvIndex = ++planning->arguments;
    usage->omit = exact;
}

void art_planning_take(struct art_planning *planning, int i, enum art_argument meaning, bool exact) {
    bool of_key = meaning >= ART_ARGUMENT_EQUAL && meaning <= ART_ARGUMENT_MATCH;
    art_planning_take_column(planning, i, of_key ? ART_COLUMN_KEY : -1, true, meaning, exact);
}

/* --- hidden columns as arguments ---------------------------------------------------------------------------------- */

/* SQLITE_CONSTRAINT: there is such an argument, but it is not known yet: this order of tables will not do. Of several,
 * SQLite compares the others with the column. */
static int take_hidden(struct art_planning *planning, enum art_hidden hidden, enum art_argument meaning, bool *taken) {
    const sqlite3_index_info *info = planning->info;
    bool given = false;
    *taken = false;
    for (int i = 0; i < info->nConstraint && !*taken; i++) {
        const struct sqlite3_index_constraint *constraint = &info->aConstraint[i];
        if (constraint->op != SQLITE_INDEX_CONSTRAINT_EQ) continue;
        if (art_hidden_column(planning->vtab, constraint->iColumn) != (int)hidden) continue;
        if (planning->conditions[i].meaning == ART_ARGUMENT_PLACE) continue;
        given = true;
        if (!constraint->usable) continue;
        art_planning_take(planning, i, meaning, true);
        *taken = true;
    }
    return given && !*taken ? SQLITE_CONSTRAINT : SQLITE_OK;
}

static int take_listing_arguments(struct art_planning *planning) {
    bool prefix, delimiter = false, start_after;
    int rc = take_hidden(planning, ART_HIDDEN_PREFIX, ART_ARGUMENT_PREFIX, &prefix);
    if (!rc) rc = take_hidden(planning, ART_HIDDEN_DELIMITER, ART_ARGUMENT_DELIMITER, &delimiter);
    if (delimiter) planning->kind = ART_SCAN_LEVEL;
    return rc ? rc : take_hidden(planning, ART_HIDDEN_START_AFTER, ART_ARGUMENT_START_AFTER, &start_after);
}

/* Is one of the names a literal? */
static bool snapshot_is_literal(const struct art_planning *planning) {
    const sqlite3_index_info *info = planning->info;
    for (int i = 0; i < info->nConstraint; i++) {
        bool is_name = art_hidden_column(planning->vtab, info->aConstraint[i].iColumn) == ART_HIDDEN_SNAPSHOT &&
                       info->aConstraint[i].op == SQLITE_INDEX_CONSTRAINT_EQ;
        if (is_name && art_condition_constant(planning, i)) return true;
    }
    return false;
}

/* Where no order of tables makes the name known, as in a.snapshot = b.snapshot alone, the table is read as it is now:
 * NULL is its name. Any order that makes it known must win, or rows would be missing: the price sees to it. A literal
 * that is not usable stands in the ON of a LEFT JOIN whose left table this is: a mistake. */
static int take_snapshot_argument(struct art_planning *planning) {
    bool taken;
    int rc = take_hidden(planning, ART_HIDDEN_SNAPSHOT, ART_ARGUMENT_SNAPSHOT, &taken);
    if (taken && planning->kind == ART_SCAN_POINT) planning->plan |= ART_PLAN_SNAPSHOT;
    if (rc != SQLITE_CONSTRAINT || snapshot_is_literal(planning)) return rc;
    planning->snapshot_unknown = true;
    return SQLITE_OK;
}

/* SQLite does not tell arguments from WHERE: a fifth argument is a comparison of the column for commands. */
static int refuse_argument(const struct art_planning *planning, enum art_hidden hidden) {
    struct art_vtab *vtab = planning->vtab;
    const char *table = vtab->name->table, *name;
    char **message = &vtab->base.zErrMsg;
    if (hidden == ART_HIDDEN_COMMAND) {
        return art_complain(
            message, SQLITE_ERROR,
            "art: the column that takes commands cannot be compared, nor be a fifth argument (%s): leave it out",
            table);
    }
    name = art_columns_hidden_name(&vtab->columns, hidden);
    return art_complain(message, SQLITE_ERROR,
                        "art: %s is an argument, and only = gives it (%s.%s): write %s = ..., or compare %s", name,
                        table, name, name, vtab->columns.items[ART_COLUMN_KEY].name);
}

/* The first argument of t(...) is the first hidden column, and of a key of several columns that is the key, a BLOB. A
 * '' keeps its place: t('', 'a/', '/'), and with it each '' that is written for another argument: what is given here by
 * place alone is no listing, which would leave NULLs out. SQLite must not compare a '' with the key, as it does behind
 * so many terms. */
static bool keeps_place(const struct art_planning *planning, int i) {
    const struct sqlite3_index_constraint *constraint = &planning->info->aConstraint[i];
    if (constraint->op != SQLITE_INDEX_CONSTRAINT_EQ || i >= ART_TERMS_OMITTED) return false;
    return art_condition_text(planning, i).data && !art_condition_text(planning, i).len;
}

static void find_places(struct art_planning *planning) {
    const sqlite3_index_info *info = planning->info;
    bool by_place = false;
    for (int i = 0; i < info->nConstraint; i++)
        by_place |= info->aConstraint[i].iColumn == ART_COLUMN_KEY && keeps_place(planning, i);
    for (int i = 0; by_place && i < info->nConstraint; i++) {
        int hidden = art_hidden_column(planning->vtab, info->aConstraint[i].iColumn);
        bool is_argument = hidden >= ART_HIDDEN_PREFIX && hidden <= ART_HIDDEN_START_AFTER;
        is_argument |= info->aConstraint[i].iColumn == ART_COLUMN_KEY;
        if (is_argument && keeps_place(planning, i)) planning->conditions[i].meaning = ART_ARGUMENT_PLACE;
    }
    planning->by_place = by_place;
}

static int refuse_place(const struct art_planning *planning) {
    struct art_vtab *vtab = planning->vtab;
    const sqlite3_index_info *info = planning->info;
    const char *table = vtab->name->table;
    for (int i = 0; vtab->columns.keys && i < info->nConstraint; i++) {
        bool of_key = info->aConstraint[i].iColumn == ART_COLUMN_KEY && art_condition_text(planning, i).data;
        if (!of_key || planning->conditions[i].meaning == ART_ARGUMENT_PLACE) continue;
        return art_complain(&vtab->base.zErrMsg, SQLITE_ERROR,
                            "art: with a key of several columns the first argument is '' (%s): write %s('', prefix, "
                            "delimiter), or WHERE prefix = ... AND delimiter = ...",
                            table, table);
    }
    return SQLITE_OK;
}

static void take_places(struct art_planning *planning) {
    for (int i = 0; planning->by_place && i < planning->info->nConstraint; i++) {
        if (planning->conditions[i].meaning == ART_ARGUMENT_PLACE)
            art_planning_take(planning, i, ART_ARGUMENT_PLACE, true);
    }
}

static bool argument_is_given(const struct art_planning *planning, int hidden) {
    const sqlite3_index_info *info = planning->info;
    for (int i = 0; hidden <= ART_HIDDEN_SNAPSHOT && i < info->nConstraint; i++) {
        bool same = art_hidden_column(planning->vtab, info->aConstraint[i].iColumn) == hidden;
        if (same && info->aConstraint[i].op == SQLITE_INDEX_CONSTRAINT_EQ) return true;
    }
    return false;
}

/* An argument that nobody gives is NULL in every row: any comparison but IS NULL would find nothing. */
static int refuse_arguments(const struct art_planning *planning) {
    const sqlite3_index_info *info = planning->info;
    int last = -1;
    for (int i = 0; planning->of_hidden && i < info->nConstraint; i++) {
        int hidden = art_hidden_column(planning->vtab, info->aConstraint[i].iColumn);
        unsigned char op = info->aConstraint[i].op;
        bool compared = hidden >= ART_HIDDEN_PREFIX && hidden <= ART_HIDDEN_COMMAND && !art_is_limit(op);
        if (!compared || op == SQLITE_INDEX_CONSTRAINT_ISNULL || argument_is_given(planning, hidden)) continue;
        if (last < hidden) last = hidden;
    }
    return last < 0 ? SQLITE_OK : refuse_argument(planning, (enum art_hidden)last);
}

/* --- conditions on the path --------------------------------------------------------------------------------------- */

/* One row at most; in a listing an equality is a range like any other. Rather one with a literal: the other side may be
 * a column of this very table, which is known to SQLite alone, and then it has no use for the plan. */
static int find_equality(const struct art_planning *planning, bool list) {
    const sqlite3_index_info *info = planning->info;
    int found = -1;
    for (int i = 0; i < info->nConstraint; i++) {
        if (planning->conditions[i].meaning != ART_ARGUMENT_EQUAL || art_condition_is_list(planning, i) != list)
            continue;
        if (art_condition_constant(planning, i)) return i;
        if (found < 0) found = i;
    }
    return found;
}

static bool has_delimiter(const struct art_planning *planning) {
    return planning->of_hidden && argument_is_given(planning, ART_HIDDEN_DELIMITER);
}

static bool take_list(struct art_planning *planning) {
    bool may_be_list = planning->of_key >> ART_ARGUMENT_EQUAL & 1 && planning->kind != ART_SCAN_LEVEL;
    int i = may_be_list ? find_equality(planning, true) : -1;
    if (i < 0) return false;
    sqlite3_vtab_in(planning->info, i, 1);
    art_planning_take(planning, i, ART_ARGUMENT_IN, false);
    planning->kind = ART_SCAN_LIST;
    planning->all_exact = false;
    return true;
}

/* Is the key compared with this constant by their bytes? With a BLOB any value is, or the answer is plain. */
static bool is_key(const struct art_planning *planning, int i) {
    return art_columns_keys_are_blobs(&planning->vtab->columns) || art_condition_text(planning, i).data;
}

/* By order with what is no literal: exactly, or the cursor refuses it (arguments.c). */
static void take_path_condition(struct art_planning *planning, int i, enum art_argument meaning) {
    bool glob = meaning == ART_ARGUMENT_GLOB, is_literal = art_condition_constant(planning, i);
    bool exact = glob ? !planning->globs : is_literal ? is_key(planning, i) : meaning >= ART_ARGUMENT_GREATER;
    art_planning_take_column(planning, i, ART_COLUMN_KEY, !exact || glob, meaning, exact);
    bool bounded =
        glob && exact &&
        (is_literal ? art_condition_glob_is_bounds(planning, i) : art_condition_glob_has_bounds(planning, i));
    if (bounded) planning->conditions[i].term.flags |= ART_TERM_BOUNDED;
    bool may_be_row_value = !glob && !is_literal && meaning != ART_ARGUMENT_GREATER && meaning != ART_ARGUMENT_LESS;
    planning->all_exact &= exact && !may_be_row_value;
    planning->globs += glob;
}

static void take_paths(struct art_planning *planning) {
    const sqlite3_index_info *info = planning->info;
    planning->all_taken = planning->all_exact = true;
    take_list(planning);
    for (int i = 0; i < info->nConstraint; i++) {
        enum art_argument meaning = planning->conditions[i].meaning;
        if (art_is_limit(info->aConstraint[i].op) || info->aConstraintUsage[i].argvIndex) continue;
        if (meaning == ART_ARGUMENT_PLACE) continue;
        bool another_list = meaning == ART_ARGUMENT_EQUAL && art_condition_is_list(planning, i);
        bool foreign = meaning == ART_ARGUMENT_GLOB && art_condition_glob_lacks_bounds(planning, i);
        if (meaning == ART_ARGUMENT_NONE || meaning == ART_ARGUMENT_LIKE || another_list || foreign) {
            planning->all_taken = false;
        } else {
            take_path_condition(planning, i, meaning);
        }
    }
}

/* --- conditions on other columns ---------------------------------------------------------------------------------- */

/* Whether constraint i bounds the version from below: by >, >=, IS, or = with a literal. Versions are integers, so no
 * affinity is in the way. */
static bool is_about_versions(const struct art_planning *planning, int i) {
    const struct sqlite3_index_constraint *constraint = &planning->info->aConstraint[i];
    if (art_hidden_column(planning->vtab, constraint->iColumn) != ART_HIDDEN_VERSION || !constraint->usable)
        return false;
    enum art_argument meaning = art_condition_means(constraint->op);
    if (meaning == ART_ARGUMENT_GREATER || meaning == ART_ARGUMENT_GREATER_EQUAL) return true;
    return meaning == ART_ARGUMENT_EQUAL &&
           (constraint->op == SQLITE_INDEX_CONSTRAINT_IS || art_condition_constant(planning, i));
}

/* Arguments so far that may come from other tables. */
static int count_unknown(const struct art_planning *planning) {
    int count = 0;
    for (int i = 0; i < planning->info->nConstraint; i++) {
        count += planning->info->aConstraintUsage[i].argvIndex && !is_about_versions(planning, i) &&
                 !art_condition_constant(planning, i);
    }
    return count;
}

/* ART_ARGUMENT_NONE: no row can be found by constraint i. */
static enum art_argument lookup_meaning(const struct art_planning *planning, int i) {
    const struct sqlite3_index_constraint *constraint = &planning->info->aConstraint[i];
    const struct art_vtab *vtab = planning->vtab;
    if (!art_condition_is_on_other_column(planning, i)) return ART_ARGUMENT_NONE;
    int item = art_summary_find(&vtab->summarised, (unsigned)constraint->iColumn);
    if (item < 0 || !vtab->summarised.items[item].lookup || !art_condition_is_by(planning, i, "BINARY"))
        return ART_ARGUMENT_NONE;
    if (constraint->op == SQLITE_INDEX_CONSTRAINT_IS) return ART_ARGUMENT_LOOKUP_IS;
    if (constraint->op != SQLITE_INDEX_CONSTRAINT_EQ || i >= ART_LISTS_KNOWN) return ART_ARGUMENT_NONE;
    if (!art_condition_is_list(planning, i)) return ART_ARGUMENT_LOOKUP;
    return planning->arguments < ART_LISTS_KNOWN ? ART_ARGUMENT_LOOKUP_IN : ART_ARGUMENT_NONE;
}

/* An equality may be a part of a row value's IN, as it may for filters; it is taken all the same, or no join would find
 * anything. A row whose value such a list names in two spellings, 1 and '1', then comes twice. */
static void take_lookups(struct art_planning *planning) {
    bool walks = planning->of_others && planning->kind == ART_SCAN_RANGE && !planning->newer;
    for (int i = 0; i < planning->info->nConstraint && walks && planning->lookups < ART_LOOKUPS_MAX; i++) {
        enum art_argument meaning = lookup_meaning(planning, i);
        if (!meaning) continue;
        if (meaning == ART_ARGUMENT_LOOKUP_IN) sqlite3_vtab_in(planning->info, i, 1);
        art_planning_take_column(planning, i, planning->info->aConstraint[i].iColumn, true, meaning, false);
        planning->lookups++;
    }
}

/* A level's common prefixes have no version, and the elements of a list are looked up. */
static void take_versions(struct art_planning *planning) {
    bool walks = planning->of_hidden && planning->kind == ART_SCAN_RANGE;
    for (int i = 0; i < planning->info->nConstraint && walks; i++) {
        if (!is_about_versions(planning, i)) continue;
        const struct sqlite3_index_constraint *constraint = &planning->info->aConstraint[i];
        art_planning_take_column(planning, i, constraint->iColumn, true, art_condition_means(constraint->op), false);
        planning->unsure += !art_condition_constant(planning, i);
        planning->newer = true;
    }
}

/* --- conditions that choose no range ------------------------------------------------------------------------------ */

/* What is compared with no literal may come from another table, which then has to stand before this one. SQLite does
 * not say so. But where it is so it also asks for plans without, and takes one of these if it is cheaper (costs.c);
 * though never for one in which two arguments come from two other tables. */
static void take_filters(struct art_planning *planning) {
    int left = planning->kind != ART_SCAN_RANGE ? 0 : ART_FILTERS_MAX - art_pattern_count_filters(planning);
    int unknown = -1;
    bool any = planning->of_others || planning->of_key >> ART_ARGUMENT_LIKE & 1;
    for (int i = 0; any && i < planning->info->nConstraint && left > 0; i++) {
        if (planning->info->aConstraintUsage[i].argvIndex) continue;
        if (!art_condition_is_filter(planning, i) && !art_pattern_is_filter(planning, i)) continue;
        bool is_literal = art_condition_constant(planning, i) || art_condition_is_about_nulls(planning, i);
        if (unknown < 0) unknown = count_unknown(planning);
        if (!is_literal && unknown > 1) continue;
        const struct sqlite3_index_constraint *constraint = &planning->info->aConstraint[i];
        art_planning_take_column(planning, i, constraint->iColumn, is_literal, art_condition_filters(planning, i),
                                 false);
        planning->unsure += !is_literal;
        left--;
    }
    planning->filters_left = left;
}

/* --- order and limits --------------------------------------------------------------------------------------------- */

/* Paths are unique: what is sorted by the path first is sorted, and rows with the same path are adjacent in any order,
 * which is all that GROUP BY and DISTINCT want. SQLite 3.40 says so of GROUP BY also where the same terms are to be the
 * order of the result. */
static void take_order(struct art_planning *planning) {
    sqlite3_index_info *info = planning->info;
    int mode = sqlite3_vtab_distinct(info);
    bool descending = false;
    if (planning->vtab->columns.keys && art_several_order(planning, &descending)) {
        info->orderByConsumed = 1;
        if (descending) planning->plan |= ART_PLAN_DESCENDING;
        return;
    }
    bool any_order = mode == 2 || (mode == 1 && sqlite3_libversion_number() >= ART_STRICT_PLANS);
    for (int i = 0; i < info->nOrderBy && (i == 0 || any_order); i++) {
        if (info->aOrderBy[i].iColumn != ART_COLUMN_KEY) continue;
        info->orderByConsumed = 1;
        if (info->aOrderBy[i].desc) planning->plan |= ART_PLAN_DESCENDING;
        return;
    }
    art_best_plan(planning);
}

static void take_offset(struct art_planning *planning) {
    const sqlite3_index_info *info = planning->info;
    int limit = -1, offset = -1;
    for (int i = 0; planning->of_offset && i < info->nConstraint; i++) {
        if (info->aConstraint[i].op == SQLITE_INDEX_CONSTRAINT_OFFSET && info->aConstraint[i].usable) offset = i;
        if (info->aConstraint[i].op == SQLITE_INDEX_CONSTRAINT_LIMIT && info->aConstraint[i].usable) limit = i;
    }
    bool exact = planning->all_taken && planning->all_exact;
    if (limit < 0 || offset < 0 || !exact || (info->nOrderBy && !info->orderByConsumed)) return;
    if (sqlite3_libversion_number() < ART_STRICT_LIMITS) return;
    art_planning_take(planning, limit, ART_ARGUMENT_LIMIT, false);
    art_planning_take(planning, offset, ART_ARGUMENT_OFFSET, true);
}

/* --- xBestIndex --------------------------------------------------------------------------------------------------- */

/* The condition path MATCH ..., or -1. SQLITE_CONSTRAINT: there is one whose text is not known yet. Without it SQLite
 * would call its own match() for each row, which only fails. */
static int find_match(const struct art_planning *planning, int *found) {
    const sqlite3_index_info *info = planning->info;
    *found = -1;
    for (int i = 0; i < info->nConstraint; i++) {
        const struct sqlite3_index_constraint *constraint = &info->aConstraint[i];
        if (constraint->op != SQLITE_INDEX_CONSTRAINT_MATCH || constraint->iColumn != ART_COLUMN_KEY) continue;
        if (!constraint->usable) return SQLITE_CONSTRAINT;
        if (*found < 0) *found = i;
    }
    return SQLITE_OK;
}

/* One row at most, so it has every order. */
static int plan_longest(struct art_planning *planning, int match) {
    int rc = take_listing_arguments(planning);
    if (!rc) rc = take_snapshot_argument(planning);
    planning->kind = ART_SCAN_LONGEST;
    planning->plan |= ART_PLAN_UNIQUE;
    art_planning_take(planning, match, ART_ARGUMENT_MATCH, true);
    art_plan_text_append(&planning->words, ", longest prefix");
    planning->info->orderByConsumed = planning->info->nOrderBy > 0;
    return rc;
}

static int plan_point(struct art_planning *planning, int equality) {
    planning->kind = ART_SCAN_POINT;
    art_planning_take(planning, equality, ART_ARGUMENT_EQUAL, art_condition_text(planning, equality).len > 0);
    if (!art_condition_constant(planning, equality) || is_key(planning, equality)) planning->plan |= ART_PLAN_UNIQUE;
    take_order(planning); /* a number may have several spellings */
    int rc = take_snapshot_argument(planning);
    return rc ? rc : take_listing_arguments(planning);
}

static int plan_range(struct art_planning *planning) {
    int rc = planning->of_hidden ? take_listing_arguments(planning) : SQLITE_OK;
    if (!rc && planning->of_hidden) rc = take_snapshot_argument(planning);
    if (rc) return rc;
    /* Comparisons by NOCASE choose nothing before art_like_take() has folded them. */
    bool folds = planning->of_key & (1U << ART_ARGUMENT_NONE | 1U << ART_ARGUMENT_LIKE);
    take_paths(planning);
    if (folds) art_like_take(planning);
    rc = planning->vtab->columns.keys ? art_several_take(planning) : SQLITE_OK;
    if (rc) return rc;
    if (folds) art_nocase_take(planning);
    if (!planning->arguments) art_plan_text_append(&planning->words, "all rows");
    take_versions(planning);
    take_lookups(planning);
    take_filters(planning);
    take_order(planning);
    if (planning->kind == ART_SCAN_LEVEL) art_plan_text_append(&planning->words, ", level listing");
    if (planning->plan & ART_PLAN_DESCENDING) art_plan_text_append(&planning->words, ", descending");
    if (art_planning_reads_only(planning, ART_COLUMN_KEY)) art_plan_text_append(&planning->words, ", keys only");
    take_offset(planning);
    return SQLITE_OK;
}

/* What the conditions are about: most statements have few of all that is looked for below. */
static void survey(struct art_planning *planning) {
    const sqlite3_index_info *info = planning->info;
    if (planning->vtab->columns.keys) find_places(planning);
    for (int i = 0; i < info->nConstraint; i++) {
        const struct sqlite3_index_constraint *constraint = &info->aConstraint[i];
        int hidden = art_hidden_column(planning->vtab, constraint->iColumn);
        planning->of_offset |= constraint->op == SQLITE_INDEX_CONSTRAINT_OFFSET;
        if (art_is_limit(constraint->op)) continue;
        enum art_argument meaning = art_condition_meaning(planning, i);
        if (planning->conditions[i].meaning == ART_ARGUMENT_PLACE) meaning = ART_ARGUMENT_PLACE;
        planning->conditions[i].meaning = (uint8_t)meaning;
        if (hidden >= 0) {
            planning->of_hidden |= 1U << hidden;
        } else if (constraint->iColumn == ART_COLUMN_KEY) {
            planning->of_key |= 1U << meaning;
        } else {
            planning->of_others = true;
        }
    }
}

static int make_plan(struct art_planning *planning) {
    sqlite3_index_info *info = planning->info;
    planning->first = art_plan_is_first(planning);
    survey(planning);
    bool lacks = false;
    int match, rc = refuse_arguments(planning);
    if (!rc) rc = refuse_place(planning);
    if (!rc) rc = art_not_given_check(planning, &lacks);
    if (!rc) rc = find_match(planning, &match);
    if (rc) return rc;
    bool half = art_outer_join_lacks(planning);
    bool may_be_point = planning->of_key >> ART_ARGUMENT_EQUAL & 1 && match < 0 && !has_delimiter(planning);
    int equality = may_be_point ? find_equality(planning, false) : -1;
    rc = match >= 0      ? plan_longest(planning, match)
         : equality >= 0 ? plan_point(planning, equality)
                         : plan_range(planning);
    if (rc) return rc;
    take_places(planning);
    if (planning->kind == ART_SCAN_LEVEL && art_planning_reads_sums(planning)) planning->plan |= ART_PLAN_SUMS;
    art_planning_estimate(planning);
    art_or_arms_price(planning);
    bool is_clause = half && !info->nConstraint; /* no arm of an OR, which may be run with what it lacks here */
    if (planning->snapshot_unknown || is_clause) info->estimatedCost *= UNKNOWN_COSTS;
    if (planning->refused) info->estimatedCost = 0;
    if (lacks || half) planning->kind = ART_SCAN_REFUSED;
    return SQLITE_OK;
}

/* For idxStr; NULL: no memory. */
static char *finish_plan(struct art_planning *planning) {
    const struct art_condition *conditions = planning->conditions;
    if (planning->arguments) art_plan_text_append(&planning->words, " [");
    for (int k = 0; k < planning->arguments; k++)
        art_plan_text_append_term(&planning->words, &conditions[conditions[k].nth].term);
    if (planning->arguments) art_plan_text_append(&planning->words, "]");
    return art_plan_text_finish(&planning->words);
}

static int answer_with_plan(struct art_planning *planning) {
    sqlite3_index_info *info = planning->info;
    art_plan_text_begin(&planning->words);
    int rc = make_plan(planning);
    char *text = finish_plan(planning);
    if (!rc && !text) rc = SQLITE_NOMEM;
    if (rc) {
        sqlite3_free(text);
        /* Refused, the statement is gone, and the next one may have its address. */
        if (rc != SQLITE_CONSTRAINT) planning->reading->planned = (struct art_planned){0};
        return rc;
    }
    info->idxNum = planning->plan | (int)planning->kind;
    info->idxStr = text;
    info->needToFreeIdxStr = 1;
    return SQLITE_OK;
}

int art_best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
    struct art_condition at_hand[CONDITIONS_AT_HAND], *many = NULL;
    struct art_planning planning;
    memset(&planning, 0, offsetof(struct art_planning, words));
    planning.vtab = (struct art_vtab *)base;
    planning.vtab->connection->planned = planning.vtab;
    planning.info = info;
    planning.conditions = at_hand;
    planning.reading = art_reading_of(planning.vtab);
    if (!planning.reading) return SQLITE_NOMEM;
    uint64_t bytes = (uint64_t)info->nConstraint * sizeof *many;
    if (info->nConstraint > CONDITIONS_AT_HAND) {
        planning.conditions = many = sqlite3_malloc64(bytes);
        if (!many) return SQLITE_NOMEM;
    }
    memset(planning.conditions, 0, bytes);
    int rc = SQLITE_OK;
    if (planning.vtab->connection->bounds == ART_BOUNDS_NOBODY_ASKS) {
        rc = answer_with_plan(&planning);
    } else if (art_like_bounds(&planning) >= 0) {
        planning.vtab->connection->bounds = ART_BOUNDS_SEEN;
    }
    sqlite3_free(many);
    return rc;
}
