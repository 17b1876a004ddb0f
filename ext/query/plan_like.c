/* Which LIKEs, and which patterns beside a range, the planner takes.
 *
 * LIKE and GLOB are functions that an application can replace. GLOB is taken for SQLite's own, as fts5 takes it. An
 * application's like() is a common thing (ICU has one). So of LIKE the bounds are taken that SQLite makes of a pattern
 * that it knows, and only if the function is its own: every row has to meet them, even if a user wrote them. Where
 * there are none, SQLite is asked whether it would make them of a literal (like_is_sqlites()).
 */
#include <ctype.h>

#include "ext/query/planning.h"

/* --- bounds ------------------------------------------------------------------------------------------------------- */

/* Should a literal pattern with this beginning have bounds? Not if that, or what is next to it, may be a number. */
bool art_pattern_gets_bounds(struct art_bytes pattern, uint32_t prefix) {
    return prefix && (isalpha(pattern.data[0]) || (prefix > 1 && !strchr("0123456789+-. \t\n\v\f\r", pattern.data[0])));
}

static bool is_by_nocase(const struct art_planning *planning, int i) {
    return !planning->conditions[i].meaning && art_condition_is_on_key(planning, i) &&
           art_condition_is_by(planning, i, "NOCASE");
}

/* The lower one of the bounds that SQLite makes of a literal pattern, or -1. */
int art_like_bounds(const struct art_planning *planning) {
    const sqlite3_index_info *info = planning->info;
    if (art_columns_keys_are_blobs(&planning->vtab->columns)) return -1;
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

/* A statement with a literal pattern is prepared, and never run: art_best_index() is asked for its plan, too, and sees
 * whether it has bounds. */
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
void art_like_take(struct art_planning *planning) {
    int bounds = art_like_bounds(planning);
    if (bounds >= 0) {
        art_planning_take(planning, bounds, ART_ARGUMENT_LIKE_PREFIX, false);
        return;
    }
    for (int i = 0; i < planning->info->nConstraint; i++) {
        if (planning->conditions[i].meaning != ART_ARGUMENT_LIKE) continue;
        struct art_bytes pattern = art_condition_text(planning, i);
        uint32_t prefix = pattern.len ? art_like_prefix((const char *)pattern.data) : 0;
        if (pattern.len && (!prefix || art_pattern_gets_bounds(pattern, prefix))) continue;
        if (like_is_own(planning)) art_planning_take(planning, i, ART_ARGUMENT_LIKE, false);
        return;
    }
}

void art_nocase_take(struct art_planning *planning) {
    bool names = planning->kind != ART_SCAN_LEVEL && !art_columns_keys_are_blobs(&planning->vtab->columns);
    for (int i = 0; names && !planning->nocase && i < planning->info->nConstraint; i++) {
        bool equal = art_condition_means(planning->info->aConstraint[i].op) == ART_ARGUMENT_EQUAL;
        if (!equal || !is_by_nocase(planning, i) || art_condition_is_list(planning, i)) continue;
        art_planning_take(planning, i, ART_ARGUMENT_NOCASE, false);
        planning->nocase = true;
        planning->all_exact = false;
    }
}

/* --- patterns that choose no range -------------------------------------------------------------------------------- */

/* Has a literal pattern pieces behind its beginning? And its beginning, if it has one, bounds, as it would if it were
 * about all rows (art_condition_glob_lacks_bounds())? */
static bool is_worth_a_look(const struct art_planning *planning, struct art_bytes pattern, bool is_like, bool on_key) {
    const char *text = (const char *)pattern.data;
    uint32_t prefix = on_key ? art_like_prefix(text) : 0;
    bool foreign = on_key && art_pattern_gets_bounds(pattern, prefix) && art_like_bounds(planning) < 0;
    return !foreign && text[prefix + strspn(text + prefix, is_like ? "%_" : "*?")];
}

/* A LIKE for the path, or any pattern for another column. */
bool art_pattern_is_filter(struct art_planning *planning, int i) {
    enum art_argument meaning = art_condition_means(planning->info->aConstraint[i].op);
    bool is_like = meaning == ART_ARGUMENT_LIKE, on_key = art_condition_is_on_key(planning, i);
    if (!is_like && meaning != ART_ARGUMENT_GLOB) return false;
    bool on_texts = on_key && is_like && !art_columns_keys_are_blobs(&planning->vtab->columns);
    if (!on_texts && !art_condition_is_on_other_column(planning, i)) return false;
    struct art_bytes pattern = art_condition_text(planning, i);
    bool looks =
        pattern.len ? is_worth_a_look(planning, pattern, is_like, on_key) : !art_condition_constant(planning, i);
    return looks && (!is_like || like_is_own(planning));
}

/* Is this condition on the key about its beginning alone, as far as is known? */
bool art_pattern_is_beginning(const struct art_planning *planning, int i) {
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
int art_pattern_count_filters(const struct art_planning *planning) {
    int likes = 0, globs = 0;
    bool any = planning->globs > 1 || planning->of_key >> ART_ARGUMENT_LIKE & 1;
    for (int i = 0; any && i < planning->info->nConstraint; i++) {
        enum art_argument meaning = planning->conditions[i].meaning;
        if (meaning != ART_ARGUMENT_LIKE && meaning != ART_ARGUMENT_GLOB) continue;
        if (!planning->info->aConstraintUsage[i].argvIndex) continue;
        if (art_condition_text(planning, i).len && art_pattern_is_beginning(planning, i)) continue;
        likes += meaning == ART_ARGUMENT_LIKE;
        globs += meaning == ART_ARGUMENT_GLOB;
    }
    return likes + (globs ? globs - 1 : 0);
}
