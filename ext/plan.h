/* What planner.c tells cursor.c, in SQLite's idxNum. idxStr says the same in words, for EXPLAIN QUERY PLAN only.
 *
 *     bits  0..4    flags
 *     bits  5..9    meaning of argument 0 of xFilter
 *     bits 10..14   of argument 1, and so on: at most five, the first ART_ARGUMENT_NONE ends them
 *
 * The arguments are intersected. How their values are read, and who checks the row again:
 *
 *   meaning      value at run time              becomes                                          checked again by
 *   comparison   TEXT literal                   exactly that range                               nobody
 *   comparison   other TEXT                     that range                                       SQLite
 *   comparison   number, bound to a parameter   the range of its text                            SQLite
 *   comparison   number, from elsewhere         =: its text, then its other spellings; <, <=:    SQLite
 *                                               paths before ':'; >, >=: all. (Out of a column
 *                                               with a numeric affinity, '0123' = 123; what may
 *                                               look like a number begins before ':')
 *   comparison   BLOB                           <, <=: all rows, else none                       SQLite
 *   comparison   NULL                           none                                             SQLite
 *   GLOB         text of anything               prefix*: the prefix's range; no wildcard: that   nobody
 *                                               path, cut at a NUL, as SQLite sees it; else the
 *                                               prefix's range, each row by sqlite3_strglob()
 *   LIMIT        INTEGER >= 0                   the scan ends after so many rows                 SQLite
 *
 * So an art table gives the rows that an ordinary one gives, but for one case: a TEXT out of a column with a numeric
 * affinity, compared by order with a path that looks like a number, is compared as a text. And since an equality
 * promises SQLite a single row, UPDATE and DELETE ... WHERE path = <numeric column> change one spelling of that number
 * only, its own text if that is there.
 */
#ifndef ART_EXT_PLAN_H
#define ART_EXT_PLAN_H

enum art_plan_flags {
    ART_PLAN_POINT = 1,      /* one argument, an equality: at most one row */
    ART_PLAN_DESCENDING = 2, /* from the range's end */
    ART_PLAN_FLAG_BITS = 5
};

enum art_argument {
    ART_ARGUMENT_NONE,
    ART_ARGUMENT_EQUAL,
    ART_ARGUMENT_GREATER,
    ART_ARGUMENT_GREATER_EQUAL,
    ART_ARGUMENT_LESS,
    ART_ARGUMENT_LESS_EQUAL,
    ART_ARGUMENT_GLOB,
    ART_ARGUMENT_LIMIT,
    ART_ARGUMENT_BITS = 5,
    ART_ARGUMENTS_MAX = 5
};

static inline int art_plan_add(int plan, unsigned number, unsigned meaning) {
    return plan | (int)(meaning << (ART_PLAN_FLAG_BITS + number * ART_ARGUMENT_BITS));
}

static inline unsigned art_plan_argument(int plan, unsigned number) {
    return (unsigned)plan >> (ART_PLAN_FLAG_BITS + number * ART_ARGUMENT_BITS) & ((1u << ART_ARGUMENT_BITS) - 1);
}

#endif
