/* What the files behind SQLite's cursor share.
 *
 *     cursor.c      SQLite's callbacks: open, filter, next, columns, close
 *     arguments.c   from xFilter's arguments to a range of keys, a list of IN, a pattern
 *     key_range.c   where conditions on the key meet
 *     or_arms.c     what the planner remembers between two calls for one statement
 *     lookups.c     rows found by a column's value
 *     searches.c    rows found by the pieces of patterns
 *     filters.c     conditions on other columns, which pass over rows before SQLite sees them
 *     pattern.c     what GLOB and LIKE say about a path's beginning
 *     pieces.c      and about the rest of it, or another text
 *     step.c        from row to row, and counting where nobody looks at the rows
 *     listing.c     one level of a directory
 *     in_list.c     the elements of an IN
 */
#ifndef ART_EXT_QUERY_SCAN_H
#define ART_EXT_QUERY_SCAN_H

#include "ext/query/plan.h"
#include "ext/query/query.h"

/* --- the range (key_range.c) -------------------------------------------------------------------------------------- */

/* Where a statement's arguments meet. */
struct art_key_range {
    struct art_range range; /* of paths; its bytes are in low and high */
    bool empty;
    int rc; /* SQLite's */
    struct art_buffer low, high, scratch;
};

void art_key_range_reset(struct art_key_range *keys);
void art_key_range_clear(struct art_key_range *keys); /* frees */
/* `comparison` is one of EQUAL to LESS_EQUAL. */
void art_key_range_compare(struct art_key_range *keys, enum art_argument comparison, sqlite3_value *value);
void art_key_range_low(struct art_key_range *keys, struct art_bytes low, bool open);
void art_key_range_high(struct art_key_range *keys, struct art_bytes high, bool open);
void art_key_range_prefix(struct art_key_range *keys, struct art_bytes prefix);
/* Its part with all paths that may look like a number. */
struct art_range art_range_of_numbers(const struct art_range *range);
bool art_key_range_has(const struct art_key_range *keys, struct art_bytes path);
/* Contradictions. */
void art_key_range_finish(struct art_key_range *keys);

/* --- patterns (pattern.c) ----------------------------------------------------------------------------------------- */

/* In small letters, as LIKE compares: of ASCII alone. */

/* Bytes of a pattern that can only match themselves. */
uint32_t art_glob_prefix(const char *pattern);
uint32_t art_like_prefix(const char *pattern);
/* As far as the text is sound UTF-8. */
uint32_t art_sound_prefix(const char *text);

/* A beginning in which capitals are not told from small letters, as LIKE sees it. */
struct art_folded {
    struct art_buffer lower, seek; /* the prefix in small letters; a spelling to go to */
    bool letters;                  /* there are several spellings */
};
enum art_rc art_folded_set(struct art_folded *folded, struct art_bytes prefix); /* ART_* */
/* From the first spelling to the last. */
void art_folded_range(const struct art_folded *folded, struct art_key_range *keys);
bool art_folded_matches(const struct art_folded *folded, struct art_bytes path);
/* For a path that does not match: into folded->seek the next spelling behind it (before it). False: none. */
bool art_folded_next(struct art_folded *folded, struct art_bytes path, bool descending);
/* Do `low` and `high`, in any capitals, bound exactly the paths that begin with `low`? */
bool art_folded_bounds(struct art_bytes low, struct art_bytes high);

/* --- pieces of patterns (pieces.c) -------------------------------------------------------------------------------- */

struct art_piece {
    uint32_t at, len; /* in `bytes` */
    uint32_t rare;    /* its rarest byte, from `at` on */
};
enum { ART_PIECES_MAX = 8 }; /* further ones are not looked for */

struct art_pieces {
    struct art_buffer bytes;
    struct art_piece piece[ART_PIECES_MAX];
    uint32_t count;
    bool folded;     /* of LIKE: small letters */
    bool head, tail; /* the first is the text's beginning, the last its end */
    bool is_ascii;   /* the pattern */
    bool exact;      /* there is nothing else in the pattern */
};
enum art_pieces_answer { ART_PIECES_NO, ART_PIECES_MAYBE, ART_PIECES_YES };

int art_pieces_set(struct art_pieces *pieces, const char *pattern, bool folded); /* SQLite's code */
/* Whether a piece has so many bytes that it can be searched for. */
bool art_pattern_has_trigram(const char *pattern, bool folded);
/* Does the text match, for SQLite's own glob() or like()? */
enum art_pieces_answer art_pieces_look(const struct art_pieces *pieces, struct art_bytes text);

/* --- the scan ----------------------------------------------------------------------------------------------------- */

/* An argument that a hidden column shows. */
struct art_shown {
    int type;               /* 0: not given */
    struct art_buffer text; /* as bytes, whatever the type */
};

enum art_scan_state { ART_SCAN_END, ART_SCAN_POINT, ART_SCAN_RANGE, ART_SCAN_GONE /* its table is another */ };
enum art_scan_match { ART_MATCH_ALL, ART_MATCH_GLOB, ART_MATCH_NUMBER, ART_MATCH_FOLDED };

/* A comparison with a column of the record, or a pattern for that or the path. */
struct art_filter {
    unsigned column; /* as declared: 0 is the path */
    enum art_argument comparison;
    bool is_literal;
    struct art_datum value; /* a number, or a text, its bytes in `text` */
    struct art_buffer text;
    struct art_pieces pieces; /* of GLOB and LIKE */
};
static inline bool art_filter_is_pattern(const struct art_filter *filter) {
    return filter->comparison == ART_ARGUMENT_GLOB || filter->comparison == ART_ARGUMENT_LIKE;
}
enum { ART_FILTERS_MAX = 4 }; /* SQLite looks at all conditions, also at those beyond */

struct art_in_list {
    struct art_buffer bytes, ends; /* all paths, one behind the other; where each ends (uint32_t) */
    uint32_t count, left;          /* left: still to come */
    bool numbers;                  /* and all paths that may look like one, as a range */
};

struct art_scan {
    struct art_open_scan open;
    enum art_scan_state state;
    enum art_scan_match matching; /* which rows of the range are given */
    bool descending;
    bool plain;      /* every row of the range is given as it is */
    bool filtered;   /* plain, but for conditions on other columns */
    bool listing;    /* rolled up at the delimiter */
    bool several;    /* a list of IN, and perhaps a range */
    bool range_due;  /* several: the range is still to be walked */
    bool bounded;    /* SQLite has made bounds of the first GLOB */
    bool touched;    /* a column of this row was asked for */
    bool counting;   /* `left` is known */
    uint32_t rolled; /* listing: bytes of the path that stands for this row and all others below it, 0: a row itself */
    unsigned untouched; /* rows passed since one was touched */
    uint64_t behind, left, limit, offset;
    enum art_rc failure;      /* met while settling, told by the next step */
    struct art_row row;       /* POINT */
    bool totalled;            /* `totals` are of the present row, a common prefix, */
    bool follows;             /* `span` is of the row before, and there is no other between */
    enum art_totalled wanted; /* is or will be asked for beside the number of rows */
    bool fetched; /* the present row's record is in `reader`, and `value` its chunks put together, or NULL */
    struct art_totals totals;
    struct art_span span;
    struct art_buffer extreme; /* the bytes of the text or blob that was found last */
    struct art_record_reader reader;
    uint8_t *value;
    struct art_cursor *cursor;
    struct art_best_scan *best;               /* best.c: rows in the order of a column's values; NULL: by paths */
    struct art_limits limits;                 /* conditions on summarised columns */
    struct art_buffer sought[ART_SOUGHT_MAX]; /* hashes that they have, or trigrams */
    double number;                            /* MATCH_NUMBER */
    struct art_buffer key;                    /* POINT: its key; matching: the row's path with a NUL */
    struct art_buffer pattern;                /* of GLOB, or the number's text, with a NUL */
    struct art_pieces pieces;                 /* MATCH_GLOB */
    struct art_folded folded;
    struct art_key_range keys;
    struct art_range range; /* RANGE: what is walked; bytes in `keys` */
    struct art_shown prefix, delimiter, start_after;
    struct art_in_list in_list;
    struct art_filter filters[ART_FILTERS_MAX];
    unsigned filter_count;
    unsigned filters_wanted;  /* rows in a row that may be wanted, */
    unsigned filters_resting; /* and so many more are not looked at */
    int writers;              /* listing: statements that were writing when it began */
};

static inline struct art_vtab *art_scan_vtab(const struct art_scan *scan) {
    return (struct art_vtab *)scan->open.base.pVtab;
}

static inline struct art_tree *art_scan_tree(const struct art_scan *scan) {
    return art_scan_vtab(scan)->table->tree;
}

/* The table was replaced under an open query, behind SQLite's back. */
static inline bool art_scan_is_gone(const struct art_scan *scan) {
    return scan->state == ART_SCAN_GONE || !art_scan_vtab(scan)->table;
}

/* On a row of a range, and the tree's cursor is, too: a scan over a range that goes stands among the table's, and so is
 * told when the table goes (art_scans_abandon()). */
static inline bool art_scan_has_arrived(const struct art_scan *scan) {
    return scan->state == ART_SCAN_RANGE && !scan->counting && !scan->failure;
}

/* Every row of the one range is a row of the result, where no condition on another column drops it. */
static inline bool art_scan_gives_range(const struct art_scan *scan) {
    return scan->matching == ART_MATCH_ALL && !scan->listing && !scan->several;
}

static inline const struct art_row *art_scan_row(const struct art_scan *scan) {
    return scan->state == ART_SCAN_POINT ? &scan->row : art_cursor_row(scan->cursor);
}

/* The path that the row shows. */
static inline struct art_bytes art_scan_path(const struct art_scan *scan) {
    if (scan->state == ART_SCAN_POINT) return art_buffer_bytes(&scan->key);
    struct art_bytes key = art_cursor_key(scan->cursor);
    if (scan->rolled) key.len = scan->rolled;
    return key;
}

/* Nearly all records: short, and whole where the scan stands. */
static inline bool art_scan_short_record(const struct art_scan *scan, struct art_bytes *out) {
    *out = scan->row.stored;
    return scan->state == ART_SCAN_POINT ? !scan->row.overflows : art_cursor_value(scan->cursor, out);
}

/* step.c: SQLite's codes for an ART_* code, and for a scan that is gone */
int art_scan_fail(const struct art_scan *scan, enum art_rc rc);
int art_scan_gone(const struct art_scan *scan);

/* arguments.c: SQLite's code; scan->keys and all that belongs to it is set. */
int art_scan_arguments(struct art_scan *scan, const char *words, int argc, sqlite3_value **argv);

/* cursor.c: the plan, and what a listing shows, go by the summary that the handle knows. */
enum art_rc art_scan_check_summary(const struct art_scan *scan);
/* The row is left. */
static inline void art_scan_forget_value(struct art_scan *scan) {
    scan->follows = scan->totalled;
    scan->totalled = false;
    if (!scan->fetched) return;
    art_free(scan->value);
    scan->value = NULL;
    scan->fetched = false;
}

/* filters.c */
/* For xFilter: what the statement compares a column with that is not the key. SQLite's code. */
int art_filters_add(struct art_scan *scan, unsigned column, enum art_argument comparison, sqlite3_value *value,
                    bool is_literal);
/* The same for a pattern; column 0 is the path. */
int art_filters_add_pattern(struct art_scan *scan, unsigned column, enum art_argument comparison, sqlite3_value *value);
/* False: the row on which the tree's cursor stands surely is none of the result. */
bool art_filters_may_want(struct art_scan *scan);
/* The same of an entry, while the scan stands on no row. */
bool art_filters_may_want_entry(struct art_scan *scan, struct art_bytes path, const struct art_entry *entry);
void art_filters_clear(struct art_scan *scan);
/* Those on summarised columns, as limits. */
void art_filters_limits(const struct art_scan *scan, struct art_limits *out);

/* lookups.c */
/* For xFilter: a value by which rows are found. SQLite's code. */
int art_lookups_add(struct art_scan *scan, unsigned column, enum art_argument meaning, sqlite3_value *value);
void art_lookups_clear_scan(struct art_scan *scan);

/* searches.c */
/* For xFilter, when all patterns are known. SQLite's code. */
int art_searches_add(struct art_scan *scan);

/* step.c: ART_* */
enum art_rc art_rows_ready(struct art_scan *scan); /* the tree is known, also after a ROLLBACK */
enum art_rc art_rows_point(struct art_scan *scan, struct art_bytes key);
enum art_rc art_rows_number(struct art_scan *scan, sqlite3_value *value, bool unique); /* `unique`: one at most */
enum art_rc art_rows_range(struct art_scan *scan, const struct art_range *range);
enum art_rc art_rows_matches(struct art_scan *scan, struct art_bytes path, bool *matches);
enum art_rc art_rows_settle(struct art_scan *scan);
void art_rows_settle_open(struct art_scan *scan);

/* best.c: ART_* */
/* The first of the rows in `range` in the order of the summary's column `item`, those with one value in any order, or
 * by_key; art_best_scan_next(): the one behind. */
enum art_rc art_best_scan_begin(struct art_scan *scan, const struct art_range *range, unsigned item, bool by_key);
enum art_rc art_best_scan_next(struct art_scan *scan);
void art_best_scan_end(struct art_scan *scan);

/* in_list.c: ART_*, or SQLite's code */
int art_in_list_collect(struct art_in_list *list, sqlite3_value *given);
void art_in_list_clear(struct art_in_list *list);
enum art_rc art_in_list_next(struct art_scan *scan);

/* listing.c */
/* Bytes of what `path` is rolled up to, 0: it stands for itself. */
uint32_t art_listing_rolls_up(const struct art_scan *scan, struct art_bytes path);
/* From the wanted range of paths that are shown to the range of keys behind them. */
void art_listing_begin(struct art_scan *scan);
enum art_rc art_listing_entries(struct art_scan *scan, uint64_t *out); /* ART_* */
/* A sum of the rows that a common prefix stands for, or the least or largest value; `sum`, `column`: numbers in the
 * summary. */
enum art_rc art_listing_sum(struct art_scan *scan, unsigned sum, art_int128 *out);
enum art_rc art_listing_extreme(struct art_scan *scan, unsigned column, bool largest, struct art_datum *out);
bool art_is_writing(sqlite3 *db); /* a statement is, whatever it writes */

#endif
