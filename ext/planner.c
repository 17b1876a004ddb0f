/* xBestIndex: which of the constraints the cursor takes, in the words of plan.h, and what that costs.
 *
 * Nothing is read here, neither rows nor the number of them: a guess stands in the table since it was last scanned.
 * Only comparisons by BINARY are taken, and omit=1 is set only where the cursor is exact, so that every other row is
 * checked by SQLite itself. GLOB is exact by sqlite3_strglob(), also if the application has replaced glob().
 */
#include "ext/ext.h"
#include "ext/plan.h"

#ifndef SQLITE_INDEX_CONSTRAINT_LIMIT
#define SQLITE_INDEX_CONSTRAINT_LIMIT  73
#define SQLITE_INDEX_CONSTRAINT_OFFSET 74
#endif

enum { ROWS_UNKNOWN = 1000000 };

struct planning {
    sqlite3_index_info *info;
    int plan;
    unsigned arguments;
    bool low, high, glob;
    bool all_taken; /* no constraint is left for SQLite to check */
};

static unsigned meaning_of(unsigned char op) {
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
    default:
        return ART_ARGUMENT_NONE;
    }
}

/* What constraint i means, or NONE: not for the path, not usable, or by another collation. */
static unsigned constraint_meaning(const struct planning *planning, int i) {
    const struct sqlite3_index_constraint *constraint = &planning->info->aConstraint[i];
    if (!constraint->usable || constraint->iColumn != ART_COLUMN_KEY) return ART_ARGUMENT_NONE;
    unsigned meaning = meaning_of(constraint->op);
    if (meaning != ART_ARGUMENT_NONE && meaning != ART_ARGUMENT_GLOB) {
        const char *collation = sqlite3_vtab_collation(planning->info, i);
        if (collation && sqlite3_stricmp(collation, "BINARY")) return ART_ARGUMENT_NONE;
    }
    return meaning;
}

static void take(struct planning *planning, int i, unsigned meaning) {
    struct sqlite3_index_constraint_usage *usage = &planning->info->aConstraintUsage[i];
    sqlite3_value *value = NULL;
    bool exact = meaning == ART_ARGUMENT_GLOB;
    if (meaning != ART_ARGUMENT_GLOB && meaning != ART_ARGUMENT_LIMIT &&
        sqlite3_vtab_rhs_value(planning->info, i, &value) == SQLITE_OK && value) {
        exact = sqlite3_value_type(value) == SQLITE_TEXT;
    }
    planning->plan = art_plan_add(planning->plan, planning->arguments++, meaning);
    usage->argvIndex = (int)planning->arguments;
    usage->omit = exact;
    if (!exact) planning->all_taken = false;
}

static bool take_equality(struct planning *planning) {
    for (int i = 0; i < planning->info->nConstraint; i++) {
        if (constraint_meaning(planning, i) != ART_ARGUMENT_EQUAL) continue;
        take(planning, i, ART_ARGUMENT_EQUAL);
        planning->plan |= ART_PLAN_POINT;
        return true;
    }
    return false;
}

static void take_ranges(struct planning *planning) {
    planning->all_taken = true;
    for (int i = 0; i < planning->info->nConstraint; i++) {
        unsigned char op = planning->info->aConstraint[i].op;
        if (op == SQLITE_INDEX_CONSTRAINT_LIMIT || op == SQLITE_INDEX_CONSTRAINT_OFFSET) continue;
        unsigned meaning = constraint_meaning(planning, i);
        bool more_globs = meaning == ART_ARGUMENT_GLOB && planning->glob;
        if (meaning == ART_ARGUMENT_NONE || more_globs || planning->arguments == ART_ARGUMENTS_MAX) {
            planning->all_taken = false;
            continue;
        }
        take(planning, i, meaning);
        planning->glob |= meaning == ART_ARGUMENT_GLOB;
        planning->low |= meaning == ART_ARGUMENT_GREATER || meaning == ART_ARGUMENT_GREATER_EQUAL;
        planning->high |= meaning == ART_ARGUMENT_LESS || meaning == ART_ARGUMENT_LESS_EQUAL;
    }
}

/* Paths are unique: what is sorted by the path first is sorted. */
static void take_order(struct planning *planning) {
    sqlite3_index_info *info = planning->info;
    if (!info->nOrderBy || info->aOrderBy[0].iColumn != ART_COLUMN_KEY) return;
    info->orderByConsumed = 1;
    if (info->aOrderBy[0].desc) planning->plan |= ART_PLAN_DESCENDING;
}

/* Only where every row that the scan gives is a row of the result, in the result's order. */
static void take_limit(struct planning *planning) {
    const sqlite3_index_info *info = planning->info;
    int limit = -1;
    if (!planning->all_taken || planning->arguments == ART_ARGUMENTS_MAX) return;
    if (info->nOrderBy && !info->orderByConsumed) return;
    for (int i = 0; i < info->nConstraint; i++) {
        if (info->aConstraint[i].op == SQLITE_INDEX_CONSTRAINT_OFFSET) return;
        if (info->aConstraint[i].op == SQLITE_INDEX_CONSTRAINT_LIMIT && info->aConstraint[i].usable) limit = i;
    }
    if (limit >= 0) take(planning, limit, ART_ARGUMENT_LIMIT);
}

static void estimate(const struct planning *planning, uint64_t rows) {
    sqlite3_index_info *info = planning->info;
    if (planning->plan & ART_PLAN_POINT) {
        info->estimatedRows = 1;
        info->estimatedCost = 2;
        info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
        return;
    }
    if (planning->glob) {
        rows /= 20;
    } else if (planning->low && planning->high) {
        rows /= 16;
    } else if (planning->low || planning->high) {
        rows /= 4;
    }
    info->estimatedRows = (sqlite3_int64)rows + 2;
    info->estimatedCost = 5 + (double)rows * (info->colUsed & ~(sqlite3_uint64)1 ? 1.0 : 0.6);
}

/* SQLite plans a query with a bound pattern each time the pattern changes: one allocation, no formatting. */
static char *in_words(const struct planning *planning) {
    static const char *const words[] = {"", "path=?", "path>?", "path>=?", "path<?", "path<=?", "path GLOB ?"};
    char text[192], *end = text;
    bool limit = false;
    for (unsigned i = 0; i < planning->arguments; i++) {
        unsigned meaning = art_plan_argument(planning->plan, i);
        if (meaning == ART_ARGUMENT_LIMIT) {
            limit = true;
            continue;
        }
        if (end > text) end = stpcpy(end, " AND ");
        end = stpcpy(end, words[meaning]);
    }
    if (end == text) end = stpcpy(end, "all rows");
    if (planning->plan & ART_PLAN_DESCENDING) end = stpcpy(end, ", descending");
    if (!(planning->info->colUsed & ~(sqlite3_uint64)1)) end = stpcpy(end, ", keys only");
    if (limit) end = stpcpy(end, ", limit");
    char *copy = sqlite3_malloc64((sqlite3_uint64)(end - text) + 1);
    if (copy) memcpy(copy, text, (size_t)(end - text) + 1);
    return copy;
}

int art_best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
    const struct art_vtab *vtab = (const struct art_vtab *)base;
    struct planning planning = {.info = info};
    uint64_t rows = vtab->table && vtab->table->rows_guess ? vtab->table->rows_guess : ROWS_UNKNOWN;
    if (take_equality(&planning)) {
        info->orderByConsumed = info->nOrderBy > 0;
    } else {
        take_ranges(&planning);
        take_order(&planning);
        take_limit(&planning);
    }
    estimate(&planning, rows);
    info->idxNum = planning.plan;
    info->idxStr = in_words(&planning);
    if (!info->idxStr) return SQLITE_NOMEM;
    info->needToFreeIdxStr = 1;
    return SQLITE_OK;
}
