/* What planner.c tells cursor.c: flags in SQLite's idxNum, and in idxStr
 *
 *     the words that EXPLAIN QUERY PLAN shows, and a NUL     for people: nobody parses them
 *     ART_PLAN_TERM bytes for each argument of xFilter       u8 meaning (enum art_argument) | u8 1: what it is compared
 *                                                            with is no literal, and for the key: nobody checks the
 *                                                            row again | u16 column, little-endian
 *
 * SQLite hands idxStr on as a pointer and shows it as far as the NUL. The words look like this; each '?' is an
 * argument:
 *
 *     prefix=? AND delimiter=? AND start_after=? AND key>? AND key GLOB ?, level listing, descending, limit ?
 *     "the key">=? AND "the key"<? AND size>? AND bound mtime=?
 *     all rows AND version>? AND size>?, descending
 *     prefix=? AND etag=? (lookup) AND owner IN (?) (lookup)
 *     prefix=? AND size<?, best first by size, descending, limit ?
 *
 * The arguments are intersected. How their values are read, and who checks the row again:
 *
 *   meaning      value at run time              becomes                                          checked again by
 *   prefix       anything but NULL              paths that begin with these bytes                nobody
 *   delimiter    anything but NULL, not ''      a listing: everything else below is about the    nobody
 *                                               path that it shows (listing.c)
 *   start_after  anything but NULL              keys behind these bytes (listing.c)              nobody
 *   comparison   TEXT literal                   exactly that range                               nobody
 *   comparison   other TEXT                     that range                                       nobody; SQLite for =
 *   comparison   number, bound to a parameter   the range of its text                            nobody; SQLite for =
 *                (that no CAST or UNION can touch;
 *                and for order not in the place of
 *                a column, statements.c)
 *   comparison   number, from elsewhere         =: all its spellings, in order (number.c; in a   SQLite
 *                                               listing: paths before ':').
 *                                               <, <=: paths before ':'; >, >=: all. A path has  nobody
 *                                               to be above it however they are compared, or the
 *                                               statement fails or is prepared anew (doubts.c)
 *   comparison   number, a literal              the same                                         SQLite
 *   comparison   BLOB                           <, <=: all rows, else none                       nobody; SQLite for =
 *   comparison   NULL                           none                                             nobody; SQLite for =
 *   IN           TEXT                           that path                                        SQLite
 *   IN           number                         paths before ':', since it is out of a column    SQLite
 *                                               with a numeric affinity
 *   IN           BLOB, NULL                     nothing                                          SQLite
 *   GLOB         text of anything               prefix*: the prefix's range; no wildcard: that   nobody, or
 *                                               path, cut at a NUL, as SQLite sees it; else the  SQLite for any
 *                                               prefix's range, each row by sqlite3_strglob()    but the first
 *   LIKE         text: the lower one of the     paths that begin with the pattern's literal      SQLite
 *                bounds that SQLite makes of    prefix, in capitals or not
 *                LIKE
 *   column       number or TEXT, literal or     rows are passed over that surely do not meet     SQLite
 *                bound (a "bound" one may       the comparison (filters.c)
 *                also be something else)
 *   column       anything else                  no row is passed over                            SQLite
 *   lookup       anything                       rows are passed over that surely have another    SQLite
 *                                               value (lookups.c)
 *   version      INTEGER, REAL                  >, >=, =: only rows above that version are       SQLite
 *                                               given; buckets and blobs without are passed over
 *   version      anything else                  no row is passed over                            SQLite
 *   LIMIT        INTEGER >= 0                   the scan ends after so many rows                 SQLite
 *   OFFSET       INTEGER >= 0                   so many rows are skipped                         nobody
 *
 * So an art table gives the rows that an ordinary one gives, but for three cases: a TEXT out of a column with a numeric
 * affinity, compared by order with a path that looks like a number, is compared as a text; so is, for equality, a bound
 * number that SQLite puts in the place of such a column (x.n = ? AND path = x.n); and so may be one that comes to a
 * trigger (path = CAST(NEW.y AS INTEGER)) by a statement that itself names the table, too. And since an equality
 * promises SQLite a single row, UPDATE and DELETE ... WHERE path = <numeric column> change one spelling of that number
 * only, its own text if that is there, and SQLite drops a LEFT JOIN on path = <numeric column> that nothing else asks
 * for, though it would double the rows of a number with two spellings. (A row value, (path, value) IN (SELECT <numeric
 * column>, ...), SQLite hands over element by element, and then compares numbers with paths of any virtual table as
 * texts.)
 *
 * Where rows are looked up by a value, two more: a text that reads as a number, out of a UNION's column with a numeric
 * affinity (lookups.c), and a row value's IN, which may give a row once for each of two spellings of its value.
 */
#ifndef ART_EXT_QUERY_PLAN_H
#define ART_EXT_QUERY_PLAN_H

#include <stdbool.h>

enum art_plan_flags {
    ART_PLAN_POINT = 1,      /* the first argument is an equality, and at most one row comes of it */
    ART_PLAN_DESCENDING = 2, /* from the range's end */
    ART_PLAN_SORTED = 4,     /* SQLite relies on the order */
    ART_PLAN_BOUNDED = 8,    /* the first GLOB is a literal, for which SQLite has added bounds */
    ART_PLAN_EQUATED = 16,   /* another column is equal to what may be a parameter */
    ART_PLAN_BEST = 64,      /* in the order of a summarised column; DESCENDING is that of its values */
    ART_PLAN_SUMS = 128,     /* a column with a sum is asked for */
};
enum { ART_PLAN_ITEM_SHIFT = 8 }; /* above the flags: that column's number in the summary */

enum art_argument {
    ART_ARGUMENT_NONE,
    ART_ARGUMENT_PREFIX,
    ART_ARGUMENT_DELIMITER,
    ART_ARGUMENT_START_AFTER,
    ART_ARGUMENT_EQUAL,
    ART_ARGUMENT_IN,
    ART_ARGUMENT_GREATER,
    ART_ARGUMENT_GREATER_EQUAL,
    ART_ARGUMENT_LESS,
    ART_ARGUMENT_LESS_EQUAL,
    ART_ARGUMENT_GLOB,
    ART_ARGUMENT_LIKE,
    ART_ARGUMENT_LOOKUP, /* a column is equal */
    ART_ARGUMENT_LOOKUP_IS,
    ART_ARGUMENT_LOOKUP_IN,
    ART_ARGUMENT_LIMIT,
    ART_ARGUMENT_OFFSET,
    ART_ARGUMENTS
};

/* Behind the column's name, if there is one. */
#define ART_ARGUMENT_WORDS                                                                                             \
    {                                                                                                                  \
        "", "prefix=?", "delimiter=?", "start_after=?", "=?", " IN (?)", ">?", ">=?", "<?", "<=?", " GLOB ?",          \
            " LIKE prefix ?", "=? (lookup)", " IS ? (lookup)", " IN (?) (lookup)", "limit ?", "offset ?"    \
    }

enum { ART_PLAN_TERM = 4 };

#endif
