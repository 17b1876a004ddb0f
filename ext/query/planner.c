/* xBestIndex: which of the constraints the cursor takes, in the words of plan.h. costs.c says what that costs.
 *
 * Nothing is read here: what is in memory tells how many rows there may be. Only comparisons by BINARY are taken, and
 * omit=1 is set only where the cursor is exact, so that every other row is checked by SQLite itself.
 *
 * LIKE and GLOB are functions that an application can replace. GLOB is taken for SQLite's own, as fts5 takes it. An
 * application's like() is a common thing (ICU has one). So of LIKE the bounds are taken that SQLite makes of a pattern
 * that it knows, and only if the function is its own: every row has to meet them, even if a user wrote them. Where
 * there are none, SQLite is asked whether it would make them of a literal (like_is_sqlites()).
 *
 * OFFSET is taken where every row of the scan is a row of the result, in its order. LIMIT is taken with it, since
 * SQLite may want all that it shows before an OFFSET taken; it counts the rows of a LIMIT itself. Before 3.46.1 it
 * offers OFFSET to each arm of a UNION ALL, which nothing tells from a SELECT by itself: so it is left to SQLite
 * there. And every version shows (path, value) > (?, ?) as path >= ?, as it shows >=: so >= and <= must be with a
 * literal, which no row value is.
 */
#include <assert.h>

#include "ext/query/planning.h"

#include <ctype.h>

enum {
    STRICT_LIMITS = 3046001, /* the version that offers them as it should */
    STRICT_GROUPS = 3053000, /* the version that surely tells GROUP BY from GROUP BY and ORDER BY */
    CONDITIONS_AT_HAND = 12
};

/* --- taking a condition ------------------------------------------------------------------------------------------- */

static const char *const argument_words[ART_ARGUMENTS] = ART_ARGUMENT_WORDS;

static const char *name_of(const struct art_planning *planning, int column) {
    const struct art_columns *columns = &planning->vtab->columns;
    return (unsigned)column < columns->count ? columns->items[column].name : "version";
}

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

/* Takes condition `i` as an argument of this meaning, in the plan and in its words. It compares column `compared`,
 * where 0 is the key, with a literal or not; -1: it compares no column. `exact`: SQLite need not test it again. */
static void take_as(struct art_planning *planning, int i, int compared, bool is_literal, enum art_argument meaning,
                    bool exact) {
    struct sqlite3_index_constraint_usage *usage = &planning->info->aConstraintUsage[i];
    bool limits = meaning == ART_ARGUMENT_LIMIT || meaning == ART_ARGUMENT_OFFSET;
    struct art_plan_text *words = &planning->words;
    if (words->len) art_plan_text_append(words, limits ? ", " : " AND ");
    if (compared > ART_COLUMN_KEY && !is_literal) art_plan_text_append(words, "bound ");
    if (compared >= 0) art_plan_text_append_name(words, name_of(planning, compared));
    art_plan_text_append(words, argument_words[meaning]);
    unsigned column = compared >= 0 ? (unsigned)compared : ART_COLUMN_KEY;
    if (is_searched(planning, i, column, meaning)) {
        art_plan_text_append(words, " (search)");
        planning->searches++;
    }
    const uint8_t term[ART_PLAN_TERM] = {(uint8_t)meaning, is_literal ? 0 : ART_TERM_UNKNOWN, column & 0xff,
                                         (uint8_t)(column >> 8)};
    memcpy(planning->conditions[i].term, term, sizeof term);
    usage->argvIndex = ++planning->arguments;
    usage->omit = exact;
}

static void take(struct art_planning *planning, int i, enum art_argument meaning, bool exact) {
    bool of_key = meaning >= ART_ARGUMENT_EQUAL && meaning <= ART_ARGUMENT_MATCH;
    take_as(planning, i, of_key ? ART_COLUMN_KEY : -1, true, meaning, exact);
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
        given = true;
        if (!constraint->usable) continue;
        take(planning, i, meaning, true);
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

/* SQLite does not tell arguments from WHERE: a fifth argument is a comparison of the column for commands. */
static int refuse_argument(const struct art_planning *planning, enum art_hidden hidden) {
    struct art_vtab *vtab = planning->vtab;
    const char *table = vtab->name->table, *name = art_columns_hidden_name(hidden);
    char **message = &vtab->base.zErrMsg;
    if (hidden == ART_HIDDEN_COMMAND) {
        return art_complain(
            message, SQLITE_ERROR,
            "art: the column that takes commands cannot be compared, nor be a fifth argument (%s): leave it out",
            table);
    }
    if (hidden == ART_HIDDEN_SNAPSHOT) {
        return art_complain(message, SQLITE_ERROR,
                            "art: there are no snapshots in this version (%s.snapshot): leave the argument out", table);
    }
    return art_complain(message, SQLITE_ERROR,
                        "art: %s is an argument, and only = gives it (%s.%s): write %s = ..., or compare %s", name,
                        table, name, name, vtab->columns.items[ART_COLUMN_KEY].name);
}

static bool argument_is_given(const struct art_planning *planning, int hidden) {
    const sqlite3_index_info *info = planning->info;
    for (int i = 0; hidden <= ART_HIDDEN_START_AFTER && i < info->nConstraint; i++) {
        bool same = art_hidden_column(planning->vtab, info->aConstraint[i].iColumn) == hidden;
        if (same && info->aConstraint[i].op == SQLITE_INDEX_CONSTRAINT_EQ) return true;
    }
    return false;
}

/* An argument that nobody gives is NULL in every row: any comparison but IS NULL would find nothing. */
static int refuse_arguments(const struct art_planning *planning) {
    const sqlite3_index_info *info = planning->info;
    int last = -1;
    for (int i = 0; i < info->nConstraint; i++) {
        int hidden = art_hidden_column(planning->vtab, info->aConstraint[i].iColumn);
        unsigned char op = info->aConstraint[i].op;
        bool compared = hidden >= ART_HIDDEN_PREFIX && hidden <= ART_HIDDEN_COMMAND && !art_is_limit(op);
        if (!compared || op == SQLITE_INDEX_CONSTRAINT_ISNULL || argument_is_given(planning, hidden)) continue;
        if (last < hidden) last = hidden;
    }
    return last < 0 ? SQLITE_OK : refuse_argument(planning, (enum art_hidden)last);
}

/* --- patterns ----------------------------------------------------------------------------------------------------- */

/* Should a literal pattern with this beginning have bounds? Not if that, or what is next to it, may be a number. */
static bool gets_bounds(struct art_bytes pattern, uint32_t prefix) {
    return prefix && (isalpha(pattern.data[0]) || (prefix > 1 && !strchr("0123456789+-. \t\n\v\f\r", pattern.data[0])));
}

/* SQLite 3.40 shows the GLOB of a LEFT JOIN's ON to the left table, too, which must not lose a row to it; but it does
 * not show the bounds of a literal pattern there. */
static bool lacks_its_bounds(const struct art_planning *planning, int i) {
    struct art_bytes pattern = art_condition_text(planning, i);
    return pattern.len && gets_bounds(pattern, art_glob_prefix((const char *)pattern.data)) &&
           !art_condition_glob_has_bounds(planning, i);
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
    const sqlite3_index_info *info = planning->info;
    for (int i = 0; i < info->nConstraint; i++) {
        const struct sqlite3_index_constraint *constraint = &info->aConstraint[i];
        int hidden = art_hidden_column(planning->vtab, constraint->iColumn);
        if (hidden == ART_HIDDEN_DELIMITER && constraint->op == SQLITE_INDEX_CONSTRAINT_EQ) return true;
    }
    return false;
}

static bool take_list(struct art_planning *planning) {
    int i = planning->kind == ART_SCAN_LEVEL ? -1 : find_equality(planning, true);
    if (i < 0) return false;
    sqlite3_vtab_in(planning->info, i, 1);
    take(planning, i, ART_ARGUMENT_IN, false);
    planning->kind = ART_SCAN_LIST;
    planning->all_exact = false;
    return true;
}

static bool is_text(const struct art_planning *planning, int i) {
    sqlite3_value *value = art_condition_constant(planning, i);
    return value && sqlite3_value_type(value) == SQLITE_TEXT;
}

/* By order with what is no literal: exactly, or the cursor refuses it (arguments.c). */
static void take_path_condition(struct art_planning *planning, int i, enum art_argument meaning) {
    bool glob = meaning == ART_ARGUMENT_GLOB, is_literal = art_condition_constant(planning, i);
    bool exact = glob ? !planning->glob : is_literal ? is_text(planning, i) : meaning >= ART_ARGUMENT_GREATER;
    take_as(planning, i, ART_COLUMN_KEY, !exact || glob, meaning, exact);
    bool bounded = glob && exact && art_condition_glob_is_bounds(planning, i);
    if (bounded) planning->conditions[i].term[1] |= ART_TERM_BOUNDED;
    bool may_be_row_value = !glob && !is_literal && meaning != ART_ARGUMENT_GREATER && meaning != ART_ARGUMENT_LESS;
    planning->all_exact &= exact && !may_be_row_value;
    planning->glob |= glob;
}

static void take_paths(struct art_planning *planning) {
    const sqlite3_index_info *info = planning->info;
    planning->all_taken = planning->all_exact = true;
    take_list(planning);
    for (int i = 0; i < info->nConstraint; i++) {
        enum art_argument meaning = planning->conditions[i].meaning;
        if (art_is_limit(info->aConstraint[i].op) || info->aConstraintUsage[i].argvIndex) continue;
        bool another_list = meaning == ART_ARGUMENT_EQUAL && art_condition_is_list(planning, i);
        bool foreign = meaning == ART_ARGUMENT_GLOB && lacks_its_bounds(planning, i);
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
    return art_condition_is_list(planning, i) ? ART_ARGUMENT_LOOKUP_IN : ART_ARGUMENT_LOOKUP;
}

/* An equality may be a part of a row value's IN, as it may for filters; it is taken all the same, or no join would find
 * anything. A row whose value such a list names in two spellings, 1 and '1', then comes twice. */
static void take_lookups(struct art_planning *planning) {
    bool walks = planning->kind == ART_SCAN_RANGE && !planning->newer;
    for (int i = 0; i < planning->info->nConstraint && walks && planning->lookups < ART_LOOKUPS_MAX; i++) {
        enum art_argument meaning = lookup_meaning(planning, i);
        if (!meaning) continue;
        if (meaning == ART_ARGUMENT_LOOKUP_IN) sqlite3_vtab_in(planning->info, i, 1);
        take_as(planning, i, planning->info->aConstraint[i].iColumn, true, meaning, false);
        planning->lookups++;
    }
}

/* A level's common prefixes have no version, and the elements of a list are looked up. */
static void take_versions(struct art_planning *planning) {
    bool walks = planning->kind == ART_SCAN_RANGE;
    for (int i = 0; i < planning->info->nConstraint && walks; i++) {
        if (!is_about_versions(planning, i)) continue;
        const struct sqlite3_index_constraint *constraint = &planning->info->aConstraint[i];
        take_as(planning, i, constraint->iColumn, true, art_condition_means(constraint->op), false);
        planning->unsure += !art_condition_constant(planning, i);
        planning->newer = true;
    }
}

/* --- LIKE --------------------------------------------------------------------------------------------------------- */

static bool is_by_nocase(const struct art_planning *planning, int i) {
    return !planning->conditions[i].meaning && art_condition_is_on_key(planning, i) &&
           art_condition_is_by(planning, i, "NOCASE");
}

/* The lower one of the bounds that SQLite makes of a literal pattern, or -1. */
static int find_bounds(const struct art_planning *planning) {
    const sqlite3_index_info *info = planning->info;
    for (int i = 0; i < info->nConstraint; i++) {
        if (info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_GE || !is_by_nocase(planning, i)) continue;
        struct art_bytes low = art_condition_text(planning, i);
        for (int j = 0; low.len && j < info->nConstraint; j++) {
            if (info->aConstraint[j].op != SQLITE_INDEX_CONSTRAINT_LT || !is_by_nocase(planning, j)) continue;
            if (art_pattern_bounds(low, art_condition_text(planning, j), true)) return i;
        }
    }
    return -1;
}

/* A statement with a literal pattern is prepared, and never run: this file is asked for its plan, too, and sees whether
 * it has bounds. */
static bool like_is_sqlites(struct art_vtab *vtab) {
    struct art_connection *connection = vtab->connection;
    sqlite3_stmt *statement = NULL;
    char *sql = sqlite3_mprintf("SELECT 1 FROM \"%w\".\"%w\" WHERE \"%w\" LIKE 'a%%'", vtab->name->schema,
                                vtab->name->table, vtab->columns.items[ART_COLUMN_KEY].name);
    connection->bounds = ART_BOUNDS_ASKED;
    if (sql && sqlite3_prepare_v2(connection->db, sql, -1, &statement, NULL)) statement = NULL;
    sqlite3_finalize(statement);
    sqlite3_free(sql);
    bool seen = connection->bounds == ART_BOUNDS_SEEN;
    connection->bounds = ART_BOUNDS_NOBODY_ASKS;
    return seen;
}

/* Every row then meets a pattern as SQLite understands it. Bounds that are there say nothing: a user may have written
 * them, or they are of LIKE ... ESCAPE, which is another function. */
static bool like_is_own(struct art_planning *planning) {
    if (planning->like == ART_LIKE_UNASKED)
        planning->like = like_is_sqlites(planning->vtab) ? ART_LIKE_OWN : ART_LIKE_ANOTHER;
    return planning->like == ART_LIKE_OWN;
}

/* Those that choose a range. */
static void take_like(struct art_planning *planning) {
    int bounds = find_bounds(planning);
    if (bounds >= 0) {
        take(planning, bounds, ART_ARGUMENT_LIKE_PREFIX, false);
        return;
    }
    for (int i = 0; i < planning->info->nConstraint; i++) {
        if (planning->conditions[i].meaning != ART_ARGUMENT_LIKE) continue;
        struct art_bytes pattern = art_condition_text(planning, i);
        uint32_t prefix = pattern.len ? art_like_prefix((const char *)pattern.data) : 0;
        if (pattern.len && (!prefix || gets_bounds(pattern, prefix))) continue;
        if (like_is_own(planning)) take(planning, i, ART_ARGUMENT_LIKE, false);
        return;
    }
}

/* --- conditions that choose no range ------------------------------------------------------------------------------ */

/* Has a literal pattern pieces behind its beginning? And its beginning, if it has one, bounds, as it would if it were
 * about all rows (lacks_its_bounds())? */
static bool is_worth_a_look(const struct art_planning *planning, struct art_bytes pattern, bool is_like, bool on_key) {
    const char *text = (const char *)pattern.data;
    uint32_t prefix = on_key ? art_like_prefix(text) : 0;
    bool foreign = on_key && gets_bounds(pattern, prefix) && find_bounds(planning) < 0;
    return !foreign && text[prefix + strspn(text + prefix, is_like ? "%_" : "*?")];
}

/* A LIKE for the path, or any pattern for another column. */
static bool is_pattern_filter(struct art_planning *planning, int i) {
    enum art_argument meaning = art_condition_means(planning->info->aConstraint[i].op);
    bool is_like = meaning == ART_ARGUMENT_LIKE, on_key = art_condition_is_on_key(planning, i);
    if (!is_like && meaning != ART_ARGUMENT_GLOB) return false;
    if (on_key ? !is_like : !art_condition_is_on_other_column(planning, i)) return false;
    struct art_bytes pattern = art_condition_text(planning, i);
    bool looks =
        pattern.len ? is_worth_a_look(planning, pattern, is_like, on_key) : !art_condition_constant(planning, i);
    return looks && (!is_like || like_is_own(planning));
}

/* Is this condition on the key about its beginning alone, as far as is known? */
static bool is_about_beginning(const struct art_planning *planning, int i) {
    enum art_argument meaning = planning->conditions[i].meaning;
    bool is_like = meaning == ART_ARGUMENT_LIKE;
    struct art_bytes pattern = {0};
    if (is_like || meaning == ART_ARGUMENT_GLOB) pattern = art_condition_text(planning, i);
    if (!pattern.len) return true;
    const char *text = (const char *)pattern.data, *rest = text + (is_like ? art_like_prefix : art_glob_prefix)(text);
    return rest > text && !rest[strspn(rest, is_like ? "%" : "*")];
}

/* How many patterns for the path, of those that are taken, the scan looks at as filters: a LIKE, and each GLOB but the
 * first, as far as they are about more than its beginning. Of one that is no literal nobody knows. */
static int count_pattern_filters(const struct art_planning *planning) {
    int likes = 0, globs = 0;
    for (int i = 0; i < planning->info->nConstraint; i++) {
        enum art_argument meaning = planning->conditions[i].meaning;
        if (!planning->info->aConstraintUsage[i].argvIndex) continue;
        if (meaning != ART_ARGUMENT_LIKE && meaning != ART_ARGUMENT_GLOB) continue;
        if (art_condition_text(planning, i).len && is_about_beginning(planning, i)) continue;
        likes += meaning == ART_ARGUMENT_LIKE;
        globs += meaning == ART_ARGUMENT_GLOB;
    }
    return likes + (globs ? globs - 1 : 0);
}

/* What is compared with no literal may come from another table, which then has to stand before this one. SQLite does
 * not say so. But where it is so it also asks for plans without, and takes one of these if it is cheaper (costs.c);
 * though never for one in which two arguments come from two other tables. */
static void take_filters(struct art_planning *planning) {
    int left = planning->kind != ART_SCAN_RANGE ? 0 : ART_FILTERS_MAX - count_pattern_filters(planning);
    int unknown = -1;
    for (int i = 0; i < planning->info->nConstraint && left > 0; i++) {
        if (planning->info->aConstraintUsage[i].argvIndex) continue;
        if (!art_condition_is_filter(planning, i) && !is_pattern_filter(planning, i)) continue;
        bool is_literal = art_condition_constant(planning, i) || art_condition_is_about_nulls(planning, i);
        if (unknown < 0) unknown = count_unknown(planning);
        if (!is_literal && unknown > 1) continue;
        const struct sqlite3_index_constraint *constraint = &planning->info->aConstraint[i];
        take_as(planning, i, constraint->iColumn, is_literal, art_condition_filters(planning, i), false);
        planning->unsure += !is_literal;
        left--;
    }
    planning->filters_left = left;
}

/* --- order and limits --------------------------------------------------------------------------------------------- */

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

static void take_equalities(struct art_planning *planning) {
    for (int i = 0; i < planning->info->nConstraint; i++) {
        if (!is_equality_left(planning, i)) continue;
        take_as(planning, i, planning->info->aConstraint[i].iColumn, false, ART_ARGUMENT_EQUAL, false);
        planning->unsure++;
        planning->equalities++;
    }
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
    if (art_is_limit(constraint->op)) return true;
    bool taken = planning->info->aConstraintUsage[i].argvIndex;
    if (constraint->iColumn == ART_COLUMN_KEY)
        return taken || (may_choose_range(planning, i) && is_about_beginning(planning, i));
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

/* There is a LIMIT, and it is small. SQLite tells of it only where it has no condition but those that it offers here.
 * So art can look at all that throw rows away: else a sort behind the conditions may cost a twentieth of what a search
 * does. Or nothing but that column is read, and it descends: so SQLite asks for max(), and wants the first row. Newer
 * versions ask for the key whatever is read, and are left to their walk; a min() they never ask for so. */
static bool wants_few(const struct art_planning *planning, int column) {
    const sqlite3_index_info *info = planning->info;
    enum { SMALL_PART = 30 };
    if (sqlite3_vtab_distinct(planning->info)) return false;
    int equalities = 0;
    for (int i = 0; i < info->nConstraint; i++) {
        if (!is_looked_at(planning, i)) return false;
        equalities += !art_is_limit(info->aConstraint[i].op) && is_equality_left(planning, i);
    }
    if (equalities > planning->filters_left) return false;
    uint64_t asked = rows_asked_for(planning);
    if (asked) return asked <= 100 || asked < art_planning_guess_rows(planning) / SMALL_PART;
    if (planning->searches && sqlite3_libversion_number() < STRICT_LIMITS) return true; /* a LIMIT is not told */
    return info->aOrderBy[0].desc && column < 63 && art_planning_reads_only(planning, column);
}

/* Rows in the order of a summarised column. That pays off where few of them are wanted. */
static void take_best_first(struct art_planning *planning) {
    sqlite3_index_info *info = planning->info;
    const struct art_vtab *vtab = planning->vtab;
    bool walks = planning->kind == ART_SCAN_RANGE && !planning->newer;
    bool ties = info->nOrderBy == 2 && info->aOrderBy[1].iColumn == ART_COLUMN_KEY;
    if (!walks || planning->lookups || (info->nOrderBy != 1 && !ties)) return;
    int column = info->aOrderBy[0].iColumn;
    int item = column > 0 ? art_summary_find_measured(&vtab->summarised, (unsigned)column) : -1;
    if (item < 0 || vtab->columns.items[column].collation || !wants_few(planning, column)) return;
    take_equalities(planning);
    info->orderByConsumed = 1;
    planning->kind = ART_SCAN_BEST;
    planning->plan |= item << ART_PLAN_ITEM_SHIFT;
    if (ties && info->aOrderBy[1].desc) planning->plan |= ART_PLAN_BACK;
    if (info->aOrderBy[0].desc) planning->plan |= ART_PLAN_DESCENDING;
    art_plan_text_append(&planning->words, ", best first by ");
    art_plan_text_append_name(&planning->words, vtab->columns.items[column].name);
    if (ties) art_plan_text_append(&planning->words, " and the path");
    if (planning->plan & ART_PLAN_BACK) art_plan_text_append(&planning->words, " backwards");
}

/* Paths are unique: what is sorted by the path first is sorted, and rows with the same path are adjacent in any order,
 * which is all that GROUP BY and DISTINCT want. SQLite 3.40 says so of GROUP BY also where the same terms are to be the
 * order of the result. */
static void take_order(struct art_planning *planning) {
    sqlite3_index_info *info = planning->info;
    int mode = sqlite3_vtab_distinct(info);
    bool any_order = mode == 2 || (mode == 1 && sqlite3_libversion_number() >= STRICT_GROUPS);
    for (int i = 0; i < info->nOrderBy && (i == 0 || any_order); i++) {
        if (info->aOrderBy[i].iColumn != ART_COLUMN_KEY) continue;
        info->orderByConsumed = 1;
        if (info->aOrderBy[i].desc) planning->plan |= ART_PLAN_DESCENDING;
        return;
    }
    take_best_first(planning);
}

static void take_offset(struct art_planning *planning) {
    const sqlite3_index_info *info = planning->info;
    int limit = -1, offset = -1;
    for (int i = 0; i < info->nConstraint; i++) {
        if (info->aConstraint[i].op == SQLITE_INDEX_CONSTRAINT_OFFSET && info->aConstraint[i].usable) offset = i;
        if (info->aConstraint[i].op == SQLITE_INDEX_CONSTRAINT_LIMIT && info->aConstraint[i].usable) limit = i;
    }
    bool exact = planning->all_taken && planning->all_exact;
    if (limit < 0 || offset < 0 || !exact || (info->nOrderBy && !info->orderByConsumed)) return;
    if (sqlite3_libversion_number() < STRICT_LIMITS) return;
    take(planning, limit, ART_ARGUMENT_LIMIT, false);
    take(planning, offset, ART_ARGUMENT_OFFSET, true);
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
    planning->kind = ART_SCAN_LONGEST;
    planning->plan |= ART_PLAN_UNIQUE;
    take(planning, match, ART_ARGUMENT_MATCH, true);
    art_plan_text_append(&planning->words, ", longest prefix");
    planning->info->orderByConsumed = planning->info->nOrderBy > 0;
    return rc;
}

static int plan_point(struct art_planning *planning, int equality) {
    planning->kind = ART_SCAN_POINT;
    take(planning, equality, ART_ARGUMENT_EQUAL, art_condition_text(planning, equality).len > 0);
    if (!art_condition_constant(planning, equality) || is_text(planning, equality)) planning->plan |= ART_PLAN_UNIQUE;
    take_order(planning); /* a number may have several spellings */
    return take_listing_arguments(planning);
}

static int plan_range(struct art_planning *planning) {
    int rc = take_listing_arguments(planning);
    if (rc) return rc;
    take_paths(planning);
    take_like(planning);
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

static int make_plan(struct art_planning *planning) {
    sqlite3_index_info *info = planning->info;
    int match, rc = refuse_arguments(planning);
    if (!rc) rc = find_match(planning, &match);
    if (rc) return rc;
    for (int i = 0; i < info->nConstraint; i++)
        planning->conditions[i].meaning = (uint8_t)art_condition_meaning(planning, i);
    int equality = match >= 0 || has_delimiter(planning) ? -1 : find_equality(planning, false);
    rc = match >= 0      ? plan_longest(planning, match)
         : equality >= 0 ? plan_point(planning, equality)
                         : plan_range(planning);
    if (rc) return rc;
    if (planning->kind == ART_SCAN_LEVEL && art_planning_reads_sums(planning)) planning->plan |= ART_PLAN_SUMS;
    art_planning_estimate(planning);
    art_or_arms_price(planning);
    return SQLITE_OK;
}

/* For idxStr; NULL: no memory. */
static char *finish_plan(struct art_planning *planning) {
    const sqlite3_index_info *info = planning->info;
    uint8_t terms[CONDITIONS_AT_HAND][ART_PLAN_TERM], (*all)[ART_PLAN_TERM] = terms;
    size_t len = (size_t)planning->arguments * ART_PLAN_TERM;
    if (planning->arguments > CONDITIONS_AT_HAND) all = sqlite3_malloc64(len);
    for (int i = 0; all && i < info->nConstraint; i++) {
        int argument = info->aConstraintUsage[i].argvIndex;
        assert(argument <= planning->arguments);
        if (argument) memcpy(all[argument - 1], planning->conditions[i].term, ART_PLAN_TERM);
    }
    planning->words.failed |= !all;
    char *plan = art_plan_text_finish(&planning->words, all, len);
    if (all != terms) sqlite3_free(all);
    return plan;
}

static int answer_with_plan(struct art_planning *planning) {
    sqlite3_index_info *info = planning->info;
    art_plan_text_begin(&planning->words);
    int rc = make_plan(planning);
    char *text = finish_plan(planning);
    if (!rc && !text) rc = SQLITE_NOMEM;
    if (rc) {
        sqlite3_free(text);
        return rc;
    }
    info->idxNum = planning->plan | (int)planning->kind;
    info->idxStr = text;
    info->needToFreeIdxStr = 1;
    return SQLITE_OK;
}

int art_best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
    struct art_condition at_hand[CONDITIONS_AT_HAND] = {0}, *many = NULL;
    struct art_planning planning = {.vtab = (struct art_vtab *)base, .info = info, .conditions = at_hand};
    planning.reading = art_reading_of(planning.vtab);
    if (!planning.reading) return SQLITE_NOMEM;
    if (info->nConstraint > CONDITIONS_AT_HAND) {
        uint64_t bytes = (uint64_t)info->nConstraint * sizeof *many;
        planning.conditions = many = sqlite3_malloc64(bytes);
        if (!many) return SQLITE_NOMEM;
        memset(many, 0, bytes);
    }
    int rc = SQLITE_OK;
    if (planning.vtab->connection->bounds == ART_BOUNDS_NOBODY_ASKS) {
        rc = answer_with_plan(&planning);
    } else if (find_bounds(&planning) >= 0) {
        planning.vtab->connection->bounds = ART_BOUNDS_SEEN;
    }
    sqlite3_free(many);
    return rc;
}
