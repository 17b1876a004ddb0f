/* What planner.c tells cursor.c: the kind of scan and flags in SQLite's idxNum, and in idxStr
 *
 *     the words                          for people: nobody parses them
 *     " [" ... "]", of its arguments     of each its meaning (enum art_argument, 'A' for 1), enum art_term_flags, if
 *                                        any ('a' for 0), and the column's number, if it is not the key:
 *                                        path=? AND size>? [EGb1]
 *
 * SQLite hands it on as a pointer, and shows all of it. Nothing lies behind the NUL: what copies it as the text that it
 * is, as a module that stands before this one does, hands on all. The words look like this; each '?' is an argument:
 *
 *     prefix=? AND delimiter=? AND start_after=? AND key>? AND key GLOB ?, level listing, descending
 *     "the key">=? AND "the key"<? AND size>? AND bound mtime=?
 *     all rows AND row_version>? AND size>?, descending, limit ?, offset ?
 *     prefix=? AND etag=? (lookup) AND owner IN (?) (lookup)
 *     prefix=? AND size<?, best first by size, descending
 *     prefix=?, best first by size and the path
 *     all rows AND path LIKE ? (search) AND note GLOB ? (search)
 *     delimiter=? AND path MATCH ?, longest prefix
 *     bucket=? AND key>=? AND key<? AND key GLOB ?                of a key of several columns
 *
 * The arguments are intersected. How their values are read, and who checks the row again:
 *
 *   meaning      value at run time              becomes                                          checked again by
 *   prefix       anything but NULL              paths that begin with these bytes                nobody
 *   delimiter    anything but NULL, not ''      a listing: everything else below is about the    nobody
 *                                               path that it shows (level.c)
 *   start_after  anything but NULL              keys behind these bytes (level.c)              nobody
 *   snapshot     TEXT                           all else is about the rows of that snapshot        nobody
 *   snapshot     NULL                           nothing: the table as it is                      nobody
 *   snapshot     anything else                  the query is refused (snapshot_trees.c)            nobody
 *   comparison   TEXT                           exactly that range                               nobody; SQLite for =
 *                                                                                                with no literal
 *   comparison   number, a literal              =: all keys that are its text, or are equal to   SQLite
 *                                               it by numeric affinity (in a listing: paths
 *                                               before ':'). <, <=: paths before ':'; >, >=: all
 *   comparison   number, from elsewhere         =: the same.                                     SQLite
 *                                               by order: the query is refused (arguments.c)     nobody
 *   comparison   BLOB                           <, <=: all rows, else none                       nobody; SQLite for =
 *   comparison   NULL                           none                                             nobody; SQLite for =
 *   IN           TEXT                           that path                                        SQLite
 *   IN           number                         paths before ':', since it is out of a column    SQLite
 *                                               with a numeric affinity
 *   IN           BLOB, NULL                     nothing                                          SQLite
 *   GLOB         text of anything               prefix*: the prefix's range; no wildcard: that   nobody, or
 *                                               path, cut at a NUL, as SQLite sees it; else the  SQLite for any
 *                                               prefix's range, each row by sqlite3_strglob()    but the first
 *   LIKE         text of anything               paths that begin with the pattern's literal      SQLite
 *                                               prefix, in capitals or not, and have its other
 *                                               literal pieces (pieces.c)
 *   LIKE prefix  text: the lower one of the     the same                                         SQLite
 *                bounds that SQLite makes of
 *                LIKE
 *   NOCASE       TEXT                           paths that are the same but for capitals         SQLite
 *   NOCASE       NULL, BLOB                     none                                             SQLite
 *   NOCASE       number                         no path is passed over                           SQLite
 *   MATCH        anything but NULL              the row of the longest path that these bytes      nobody
 *                                               begin with (longest.c); with a delimiter only
 *                                               where a component of them ends
 *   column       number or TEXT, literal or     rows are passed over that surely do not meet     SQLite
 *                bound (a "bound" one may       the comparison (filters.c)
 *                also be something else: that
 *                counts best first alone)
 *   column       GLOB, LIKE: text of anything   rows are passed over that are texts without      SQLite
 *                                               the pattern's pieces (pieces.c); with a search
 *                                               also pages, by their trigrams (searches.c)
 *   column       IS NULL, IS NOT NULL           rows that do not meet it are passed over         SQLite
 *   column       <, <=, >, >=, <> of NULL       none                                             SQLite
 *   column       anything else                  no row is passed over                            SQLite
 *   column of    anything that it can be        with all of the first ones =, IS or IS NULL, and  SQLite
 *   a key of     compared with                  the next one compared or GLOB: a range of keys
 *   several                                     (several.c), or of the names of a listing; a
 *                                               number for a column of texts: none, or refused if
 *                                               it is neither a literal nor bound
 *   lookup       anything                       rows are passed over that surely have another    SQLite
 *                                               value (lookups.c)
 *   row_version  INTEGER, REAL                  >, >=, =: only rows above that version are       SQLite
 *                                               given; buckets and blobs without are passed over
 *   row_version  anything else                  no row is passed over                            SQLite
 *   LIMIT        anything                       nothing (planner.c)                              SQLite
 *   OFFSET       INTEGER >= 0                   so many rows are skipped                         nobody
 *   PLACE        '', an argument by its place   nothing                                          nobody
 *                (planner.c, find_places())
 *
 * So an art table gives the rows that an ordinary one gives, but for one case: a TEXT that has a numeric affinity (it
 * is no number, or its column is a UNION's or another virtual table's) is compared as a text. And since an equality
 * promises SQLite a single row, UPDATE and DELETE are refused where there are several keys for a number that is no
 * literal, and SQLite drops a LEFT JOIN on path = <numeric column> that nothing else asks for, though it would double
 * the rows of a number with two spellings. (A row value, (path, value) IN (SELECT <numeric column>, ...), SQLite hands
 * over element by element, and then compares numbers with paths of any virtual table as texts.)
 *
 * Where rows are looked up by a value, two more: a text that reads as a number, out of a UNION's column with a numeric
 * affinity (lookups.c), and a row value's IN, which may give a row once for each of two spellings of its value.
 */
#ifndef ART_EXT_QUERY_PLAN_H
#define ART_EXT_QUERY_PLAN_H

#include <stdbool.h>
#include <stdint.h>

/* What a scan goes through. */
enum art_scan_kind {
    ART_SCAN_RANGE,   /* of keys */
    ART_SCAN_POINT,   /* the first argument is an equality */
    ART_SCAN_LEVEL,   /* a range, rolled up at the delimiter; a RANGE where that is '' */
    ART_SCAN_LIST,    /* the elements of an IN */
    ART_SCAN_BEST,    /* a range in the order of a summarised column; DESCENDING is that of its values */
    ART_SCAN_LONGEST, /* the longest path that is a prefix of what it is to MATCH */
    ART_SCAN_REFUSED, /* without its arguments (outer_joins.c, not_given.c) */
};

enum art_plan_flags {
    ART_PLAN_KIND = 7,       /* enum art_scan_kind */
    ART_PLAN_DESCENDING = 8, /* from the range's end */
    ART_PLAN_UNIQUE = 16,    /* POINT, LONGEST: SQLite was told so: an UPDATE or a DELETE looks at one row */
    ART_PLAN_BACK = 32,      /* BEST: rows with one value from the last path to the first, else from the first on */
    ART_PLAN_SUMS = 64,      /* LEVEL: a column with a sum is asked for */
    ART_PLAN_NO_LIMIT = 64,  /* BEST: SQLite did not tell of a LIMIT: one row is wanted, or all */
    ART_PLAN_SNAPSHOT = 128, /* POINT: the second argument, the last one, is a snapshot's name */
    /* Above the flags. BEST: that column's number in the summary. RANGE: of rows that have the same values in so many
     * first columns of the key, one is enough; 0: all are wanted. */
    ART_PLAN_ITEM_SHIFT = 8,
    /* Above these: hidden columns that the statement reads, and nothing gives, as bits of enum art_hidden. */
    ART_PLAN_NOT_GIVEN_SHIFT = 20,
    ART_PLAN_ITEM_MAX = (1 << (ART_PLAN_NOT_GIVEN_SHIFT - ART_PLAN_ITEM_SHIFT)) - 1,
};

/* The second byte of a term. */
enum art_term_flags {
    ART_TERM_UNKNOWN = 1, /* what it is compared with is no literal; of the key also: nobody checks the row again */
    ART_TERM_BOUNDED = 2, /* a GLOB beside which SQLite has added bounds */
    ART_TERM_IS = 4,      /* of a column of the key: NULL is equal to NULL */
    ART_TERM_DOUBT = 8,   /* the same: a parameter may stand for a column that is one of numbers */
    ART_TERM_FLAGS = 15,  /* all of them */
};

enum art_argument {
    ART_ARGUMENT_NONE,
    ART_ARGUMENT_PREFIX,
    ART_ARGUMENT_DELIMITER,
    ART_ARGUMENT_START_AFTER,
    ART_ARGUMENT_SNAPSHOT,
    ART_ARGUMENT_EQUAL,
    ART_ARGUMENT_IN,
    ART_ARGUMENT_GREATER,
    ART_ARGUMENT_GREATER_EQUAL,
    ART_ARGUMENT_LESS,
    ART_ARGUMENT_LESS_EQUAL,
    ART_ARGUMENT_GLOB,
    ART_ARGUMENT_LIKE,
    ART_ARGUMENT_LIKE_PREFIX,
    ART_ARGUMENT_NOCASE, /* is equal by that collation */
    ART_ARGUMENT_MATCH,
    ART_ARGUMENT_LOOKUP, /* a column is equal */
    ART_ARGUMENT_LOOKUP_IS,
    ART_ARGUMENT_LOOKUP_IN,
    ART_ARGUMENT_NOT_EQUAL, /* of a column, as the next two */
    ART_ARGUMENT_NULL,
    ART_ARGUMENT_NOT_NULL,
    ART_ARGUMENT_LIMIT,
    ART_ARGUMENT_OFFSET,
    ART_ARGUMENT_PLACE,
    ART_ARGUMENTS
};

/* Behind the column's name, if there is one. */
#define ART_ARGUMENT_WORDS                                                                                             \
    {                                                                                                                  \
        "", "prefix=?", "delimiter=?", "start_after=?", "snapshot=?", "=?", " IN (?)", ">?", ">=?", "<?", "<=?",       \
            " GLOB ?", " LIKE ?", " LIKE prefix ?", "=? NOCASE", " MATCH ?", "=? (lookup)", " IS ? (lookup)",          \
            " IN (?) (lookup)", "<>?", " IS NULL", " IS NOT NULL", "limit ?", "offset ?", ""                           \
    }

/* What the plan says of an argument. */
struct art_term {
    uint8_t meaning, flags; /* enum art_argument, enum art_term_flags */
    uint16_t column;
};

#endif
