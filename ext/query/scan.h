/* What the files behind SQLite's cursor share. A scan is of a kind, which the planner chooses (enum art_scan_kind in
 * plan.h); what all kinds have stands in struct art_scan, the rest in a struct of the kind's own.
 *
 *     key_range.c   where conditions on the key meet
 *     pieces.c      what GLOB and LIKE say about a text
 *     pattern.c     and about a path's beginning; which paths match
 *     filters.c     conditions on other columns, which pass over rows before SQLite sees them
 *     lookups.c     pages passed over by a column's value
 *     searches.c    and by the pieces of patterns
 *     batch.c       the first rows of an order, out of many
 *     rows.c        what scans of all kinds do, and how they walk the tree's cursor
 *     range.c       RANGE: from row to row of a range, and counting where nobody looks at the rows
 *     level.c       LEVEL: one level of a directory
 *     point.c       POINT: the row of one path, or of a number
 *     list.c        LIST: the elements of an IN
 *     best.c        BEST: rows in the order of a column
 *     longest.c     LONGEST: the row that what is to MATCH begins with
 *     arguments.c   from xFilter's arguments to a range of keys, a list of IN, a pattern
 *     cursor.c      SQLite's callbacks: open, filter, next, columns, close
 *
 * A file calls only those above it. The planner's are listed in planning.h.
 */
#ifndef ART_EXT_QUERY_SCAN_H
#define ART_EXT_QUERY_SCAN_H

#include "ext/columns/columns.h"
#include "ext/query/plan.h"
#include "ext/query/query.h"

/* --- the range (key_range.c) -------------------------------------------------------------------------------------- */

/* Where a statement's arguments meet. */
struct art_key_range {
    struct art_range range; /* of paths; its bytes are in low and high */
    bool of_blobs;          /* the keys are BLOBs */
    bool empty;
    int rc; /* SQLite's */
    struct art_buffer low, high, scratch;
};

void art_key_range_clear(struct art_key_range *keys); /* frees */
/* `comparison` is one of EQUAL to LESS_EQUAL. */
void art_key_range_compare(struct art_key_range *keys, enum art_argument comparison, sqlite3_value *value);
void art_key_range_low(struct art_key_range *keys, struct art_bytes low, bool open);
void art_key_range_high(struct art_key_range *keys, struct art_bytes high, bool open);
void art_key_range_prefix(struct art_key_range *keys, struct art_bytes prefix);
/* Its part with all paths that may look like a number. */
struct art_range art_range_of_numbers(const struct art_range *range);
bool art_key_range_has(const struct art_range *range, struct art_bytes path);
/* Contradictions. */
void art_key_range_finish(struct art_key_range *keys);

/* --- patterns (pattern.c) ----------------------------------------------------------------------------------------- */

/* Bytes of a pattern that can only match themselves. */
uint32_t art_glob_prefix(const char *pattern);
uint32_t art_like_prefix(const char *pattern);
/* As far as the text is sound UTF-8. */
uint32_t art_sound_prefix(const char *text);

/* A beginning, or a whole path, in which capitals are not told from small letters, as LIKE and NOCASE see it. */
struct art_folded {
    struct art_buffer lower, seek; /* it in small letters; a spelling to go to */
    bool whole;                    /* nothing may follow it */
};
enum art_rc art_folded_set(struct art_folded *folded, struct art_bytes text, bool whole); /* ART_* */
/* From the first spelling to the last. False: there is only one. */
bool art_folded_range(const struct art_folded *folded, struct art_key_range *keys);
bool art_folded_matches(const struct art_folded *folded, struct art_bytes path);
/* For a path that does not match: into folded->seek the next spelling behind it (before it). False: none. */
bool art_folded_next(struct art_folded *folded, struct art_bytes path, bool descending);
/* Do `low` and `high` bound exactly the paths that begin with `low`? `folded`: in any capitals. */
bool art_pattern_bounds(struct art_bytes low, struct art_bytes high, bool folded);

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
    bool is_ascii;   /* the pattern is */
    bool exact;      /* the pattern has nothing beside the pieces and what stands for any text */
};
enum art_pieces_answer { ART_PIECES_NO, ART_PIECES_MAYBE, ART_PIECES_YES };

int art_pieces_set(struct art_pieces *pieces, const char *pattern, bool folded); /* SQLite's code */
/* Whether a piece has so many bytes that it can be searched for. */
bool art_pattern_has_trigram(const char *pattern, bool folded);
/* Does the text match, for SQLite's own glob() or like()? */
enum art_pieces_answer art_pieces_look(const struct art_pieces *pieces, struct art_bytes text);

/* Which paths of its range a scan gives. */
enum art_matching { ART_MATCH_ALL, ART_MATCH_GLOB, ART_MATCH_NUMBER, ART_MATCH_FOLDED };
struct art_match {
    enum art_matching by;
    double number;
    struct art_buffer text; /* of GLOB, or the number's, with a NUL */
    struct art_buffer path; /* with a NUL */
    struct art_pieces pieces;
    struct art_folded folded;
};
enum art_rc art_match_path(struct art_match *match, struct art_bytes path, bool *matches); /* ART_* */

/* --- conditions on columns (filters.c) ---------------------------------------------------------------------------- */

/* A comparison with a column of the record, or a pattern for that or the path. */
struct art_filter {
    unsigned column; /* as declared: 0 is the path */
    enum art_argument comparison;
    bool is_literal;
    struct art_datum value; /* a number, or a text, its bytes in `text` */
    struct art_buffer text;
    struct art_pieces pieces;           /* of GLOB and LIKE */
    struct art_column_test column_test; /* the same, for all rows of a block */
};
static inline bool art_filter_is_pattern(const struct art_filter *filter) {
    return filter->comparison == ART_ARGUMENT_GLOB || filter->comparison == ART_ARGUMENT_LIKE;
}
enum { ART_FILTERS_MAX = 4 }; /* SQLite looks at all conditions, also at those beyond */
struct art_filters {
    struct art_filter items[ART_FILTERS_MAX];
    unsigned count;
    bool of_path, of_record; /* some are about the path, about other columns */
    unsigned wanted;         /* so many rows in a row were not left out; the last of them not looked at (filters.c) */
};

/* --- the first rows of an order (batch.c) ------------------------------------------------------------------------- */

struct art_batch_order {
    bool descending; /* by values */
    bool back;       /* by paths, of rows with one value */
};
struct art_batch_row {
    struct art_batch_order order; /* of its batch */
    struct art_datum value;
    struct art_bytes path, record; /* no record: it has to be sought */
    bool has_record;
    uint64_t version;
};
struct art_batch_entry {
    uint64_t code; /* of the value; where two are equal it says nothing */
    const struct art_batch_row *row;
};
struct art_batch {
    struct art_batch_entry *rows;
    struct art_batch_chunk *chunks; /* in which the rows lie, each with its bytes behind it */
    uint32_t count, capacity, given;
    uint32_t most; /* rows, if there are more */
    uint64_t bytes, bytes_max;
    struct art_batch_order order;
    bool full;                    /* rows were left out, all behind these */
    struct art_batch_entry worst; /* `full`: what is behind it is not taken */
};
/* <0, 0, >0, as a batch sorts them. */
int art_batch_compare(struct art_batch_order order, const struct art_datum *value, struct art_bytes path,
                      const struct art_datum *other, struct art_bytes other_path);
/* Before the first one: they take as many rows as there is memory for. */
void art_batch_take_most(struct art_batch *batch);
/* An empty batch, for more rows than the one before. */
void art_batch_begin(struct art_batch *batch, struct art_batch_order order);
void art_batch_clear(struct art_batch *batch); /* frees */
/* Of a sorted batch that is not full: nothing but its last row, which is not given yet. */
enum art_rc art_batch_keep_last(struct art_batch *batch);
bool art_batch_wants(const struct art_batch *batch, const struct art_datum *value, struct art_bytes path);
enum art_rc art_batch_take(struct art_batch *batch, const struct art_batch_row *offered); /* copies; ART_* */
void art_batch_sort(struct art_batch *batch);                                             /* when all were offered */
/* The next row, borrowed until the batch is begun again or cleared; NULL: there is none. */
const struct art_batch_row *art_batch_next(struct art_batch *batch);

/* --- kinds of scans ----------------------------------------------------------------------------------------------- */

/* RANGE: `straight`: every row that the tree's cursor comes to is given. `plain`: and it comes to every row of the
 * range. While COUNTING the scan stands `behind` rows behind the tree's cursor, and `left` rows are behind it. */
struct art_range_scan {
    bool straight, plain;
    unsigned unseen; /* plain: rows up to this one that SQLite has not looked at */
    unsigned places; /* DISTINCT: as ART_PLAN_ITEM_SHIFT says */
    uint64_t behind, left;
    enum art_rc failure; /* FAILED: with this */
};

struct art_level_scan {
    uint32_t rolled; /* bytes of the path that stands for this row and all others below it, 0: a row itself */
    enum { ART_TOTALS_NONE, ART_TOTALS_OF_ROW, ART_TOTALS_OF_ROW_BEFORE } known; /* whose `totals` and `span` are */
    enum art_totalled wanted; /* is or will be asked for beside the number of rows */
    struct art_totals totals;
    struct art_span span;
};

struct art_list_scan {
    uint32_t count, left; /* elements in memory; those of them that are still to come */
    bool walks;           /* they came in another order than that of paths: the whole range is the scan's */
    enum { ART_NUMBERS_NONE, ART_NUMBERS_DUE, ART_NUMBERS_BEGUN } numbers; /* all paths that may look like one */
    struct art_range points;                                               /* where the paths have to lie */
};

struct art_best_scan {
    struct art_best_order order;
    struct art_batch_order rows; /* in which they are given */
    bool any;                    /* a row was given: `last` means something */
    bool again;                  /* a row was given, and it is another search by now */
    bool collects;               /* the search is given up: rows are of batches */
    bool ahead;                  /* the batch's last row has another value than those before it */
    uint64_t sought;             /* so many rows more are, before the search is given up */
    struct art_datum last;       /* the last row's value; its path is in `scratch` */
};

struct art_longest_scan {
    struct art_bytes wanted; /* in xFilter: what is to MATCH, borrowed from its argument */
};

/* --- the scan ----------------------------------------------------------------------------------------------------- */

/* Where a scan is.
 *
 *     xFilter --> ON_ROW, ON_CURSOR --> END     POINT, LONGEST and BEST: ON_ROW. RANGE and LEVEL: ON_CURSOR. LIST: both
 *     ON_CURSOR <--> COUNTING                   RANGE, where SQLite looks at no row; back when it looks at one, or the
 *     COUNTING --> FAILED                       table is about to change; that may fail
 *     all but END --> GONE                      the table was replaced, behind SQLite's back */
enum art_scan_state {
    ART_SCAN_END, /* nothing of the tree is held */
    ART_SCAN_ON_ROW,
    ART_SCAN_ON_CURSOR,
    ART_SCAN_COUNTING,
    ART_SCAN_FAILED,
    ART_SCAN_GONE,
};

/* An argument that a hidden column shows. */
struct art_shown {
    int type;               /* 0: not given */
    struct art_buffer text; /* as bytes, whatever the type */
};
enum { ART_SHOWN = ART_HIDDEN_START_AFTER + 1 }; /* from ART_HIDDEN_PREFIX on */

struct art_scan {
    struct art_open_scan open;
    struct art_snapshot_tree *snapshot; /* that is read, until the END; NULL: the table as it is */
    enum art_scan_kind kind;
    enum art_scan_state state;
    bool begun;                       /* since the last END, though it may not stand on a row */
    int plan;                         /* enum art_plan_flags */
    bool listed, several, has_rolled; /* since it was opened: a LEVEL, more than one, and one with common prefixes */
    bool descending;
    uint64_t offset;
    struct art_cursor *cursor; /* ON_CURSOR */
    struct art_best *search;   /* BEST */
    struct art_batch batch;    /* BEST */
    struct art_row row;        /* ON_ROW */
    struct art_buffer key;     /* ON_ROW: its path */
    struct {                   /* of the present row, as far as it was looked at */
        bool fetched;          /* the record is in `reader` */
        uint8_t *value;        /* the chunks of a long record put together, or NULL */
        struct art_record_reader reader;
        struct art_block_reader *blocks; /* memory for it, or NULL */
        uint64_t visit;                  /* of the cursor, whose block `blocks` has; 0: none */
    } record;
    struct art_key_passed passed; /* of the present row's key, */
    struct art_bytes passed_key;  /* which is this */
    struct art_key_range keys;    /* what is walked, or was asked for */
    struct art_match match;
    struct art_filters filters;
    struct art_limits limits;                      /* conditions by which the tree passes over pages */
    struct art_buffer terms[ART_TERM_QUERIES_MAX]; /* of `limits`: the hashes of values, or trigrams */
    struct art_buffer planned;                     /* struct art_term of each argument */
    struct art_shown shown[ART_SHOWN];
    union {
        struct art_range_scan range;
        struct art_level_scan level;
        struct art_list_scan list;
        struct art_best_scan best;
        struct art_longest_scan longest;
    } of;                            /* `kind` */
    struct art_buffer scratch[2];    /* memory for the kind, from scan to scan */
    struct art_list_file *list_file; /* of LIST, until the END: what is not in memory (list.c); NULL: none */
    /* Of a key of several columns: the values that all its keys begin with; with the prefix; with start_after; and the
     * delimiter behind a text's tag. */
    struct art_buffer base, below, behind, parting;
};

/* What LEVEL, LIST and BEST have in `scratch`. */
enum {
    ART_SCRATCH_EXTREME = 0,   /* the bytes of the text or blob that was found last */
    ART_SCRATCH_PATHS = 0,     /* all elements, one behind the other */
    ART_SCRATCH_ENDS = 1,      /* where each element ends (uint32_t) */
    ART_SCRATCH_LAST = 0,      /* the bytes of the last row's value */
    ART_SCRATCH_LAST_PATH = 1, /* and its path */
};

enum { ART_USES_KNOWN = 3 };

/* What SQLite has shown of a statement with a listing's arguments (or_arms.c). */
struct art_planned {
    const sqlite3_stmt *statement; /* never looked into */
    sqlite3_uint64 columns;        /* those that it reads, where it was listed last */
    unsigned given;                /* the arguments that it gives, hidden columns as bits */
    int last;                      /* where the last argument stands, from 1 */
    int constraints;               /* their number */
    double cost;                   /* of the dearest scan with arguments */
    sqlite3_int64 rows;
    struct art_planned_use {
        sqlite3_uint64 columns; /* that a use of the table reads, arguments among them */
        unsigned given;         /* those arguments that it gives, hidden columns as bits */
    } use[ART_USES_KNOWN];      /* the last ones (outer_joins.c), */
    unsigned uses;              /* of so many */
    sqlite3_uint64 read;        /* the columns that it reads, where it was planned last (not_given.c), */
    unsigned offered;           /* the hidden ones that were given there, as bits, */
    uint64_t clause;            /* and a hash of the conditions of its whole clause */
};

/* What this folder keeps at a handle. */
struct art_reading {
    struct art_kept kept;
    struct art_scan *idle; /* a closed one, for the next xOpen, or NULL */
    struct art_planned planned;
    const struct art_scan *listed; /* a LEVEL that has ended, and no scan has begun or ended since; else NULL */
    bool ended_on_snapshot;        /* the scan that has ended last did read one */
};
struct art_reading *art_reading_of(struct art_vtab *vtab); /* cursor.c; NULL without memory */

static inline struct art_vtab *art_scan_vtab(const struct art_scan *scan) {
    return (struct art_vtab *)scan->open.base.pVtab;
}

/* The prefix, and what the rows begin behind, as bytes of keys. */
static inline const struct art_buffer *art_scan_prefix(const struct art_scan *scan) {
    return art_scan_vtab(scan)->columns.keys ? &scan->below : &scan->shown[ART_HIDDEN_PREFIX].text;
}
static inline const struct art_buffer *art_scan_start(const struct art_scan *scan) {
    return art_scan_vtab(scan)->columns.keys ? &scan->behind : &scan->shown[ART_HIDDEN_START_AFTER].text;
}
void art_scan_begin_behind(struct art_scan *scan);
/* The number behind the plan's flags. */
static inline unsigned art_scan_item(const struct art_scan *scan) {
    return (unsigned)scan->plan >> ART_PLAN_ITEM_SHIFT & ART_PLAN_ITEM_MAX;
}
/* not_given.c: does the statement read this hidden column, which the scan's plan is not given? */
bool art_scan_lacks(const struct art_scan *scan, unsigned hidden);
int art_not_given_refuse(struct art_vtab *vtab, enum art_hidden hidden); /* SQLITE_ERROR, with a message */
/* Nobody knows whether a column of texts is compared with it as a text or as a number (arguments.c). */
int art_scan_refuse_number(const struct art_scan *scan, const struct art_column *column, sqlite3_value *number);
/* `term`: of each argument (plan.h). */
int art_several_arguments(struct art_scan *scan, const struct art_term *term, int argc, sqlite3_value **argv);
/* Of the columns at so many first places; 0: the key lacks some. */
uint32_t art_several_bytes(const struct art_scan *scan, struct art_bytes key, unsigned places);
uint32_t art_several_roll_up(const struct art_scan *scan, struct art_bytes key, uint32_t from);

static inline struct art_tree *art_scan_tree(const struct art_scan *scan) {
    return scan->snapshot ? scan->snapshot->tree : art_scan_vtab(scan)->table->tree;
}

/* Bytes of the path that a row of a listing is rolled up to, 0: it stands for itself. */
static inline uint32_t art_scan_rolled(const struct art_scan *scan) {
    return scan->kind == ART_SCAN_LEVEL ? scan->of.level.rolled : 0;
}

static inline const struct art_row *art_scan_row(const struct art_scan *scan) {
    return scan->state == ART_SCAN_ON_ROW ? &scan->row : art_cursor_row(scan->cursor);
}

/* The path that the row shows. */
static inline struct art_bytes art_scan_path(const struct art_scan *scan) {
    if (scan->state == ART_SCAN_ON_ROW) return art_buffer_bytes(&scan->key);
    struct art_bytes key = art_cursor_key(scan->cursor);
    uint32_t rolled = art_scan_rolled(scan);
    if (rolled) key.len = rolled;
    return key;
}

/* Nearly all records: short, and whole where the scan stands, or in a block there. */
static inline bool art_scan_short_record(const struct art_scan *scan, struct art_stored *out) {
    *out = scan->row.stored;
    return scan->state == ART_SCAN_ON_ROW ? !scan->row.overflows : art_cursor_value(scan->cursor, out);
}

/* SQLite's code for an ART_* code, with its message. */
static inline int art_scan_fail(const struct art_scan *scan, enum art_rc rc) {
    return rc ? art_report(&scan->open.base.pVtab->zErrMsg, rc) : SQLITE_OK;
}

/* A short record, for `reader`. */
static inline void art_scan_read(struct art_scan *scan, struct art_stored record) {
    art_record_reader_set(&scan->record.reader, record);
    scan->record.fetched = true;
    if (!record.in_block || scan->state != ART_SCAN_ON_CURSOR) return;
    uint64_t visit = art_cursor_visit(scan->cursor);
    if (!scan->record.blocks) scan->record.blocks = art_block_reader_new();
    if (!scan->record.blocks) return;
    if (scan->record.visit != visit) art_block_reader_begin(scan->record.blocks, record.bytes);
    scan->record.visit = visit;
    scan->record.reader.blocks = scan->record.blocks;
}

static inline void art_scan_forget_value(struct art_scan *scan) {
    scan->record.fetched = false;
    if (!scan->record.value) return;
    art_free(scan->record.value);
    scan->record.value = NULL;
}

/* --- what all kinds do (rows.c) ----------------------------------------------------------------------------------- */

/* ART_*: the tree is known, also after a ROLLBACK */
enum art_rc art_scan_ready(const struct art_scan *scan);
/* At the end: lets go of all that is held of the tree, and of the tree itself. */
void art_scan_end(struct art_scan *scan);
/* For xFilter: the scan reads the snapshot of this name, or the table where that is NULL. SQLite's code. */
int art_scan_read_snapshot(struct art_scan *scan, sqlite3_value *name);
/* ART_*: the plan, and what a listing shows, go by the summary that the handle knows. */
enum art_rc art_scan_check_summary(const struct art_scan *scan);

/* The tree's cursor in scan->keys, for RANGE, LEVEL and LIST. */
enum art_rc art_rows_begin(struct art_scan *scan);
/* What the cursor has not done yet: the rows behind `key`. */
struct art_range art_rows_behind(const struct art_scan *scan, struct art_bytes key);
/* The step has failed, since the tree is unknown: the cursor has its key still. */
enum art_rc art_rows_step_again(struct art_scan *scan);
static inline enum art_rc art_rows_step(struct art_scan *scan) {
    enum art_rc rc = art_cursor_next(scan->cursor);
    if (__builtin_expect(rc == ART_MISUSE, 0) && art_tree_unknown(art_scan_tree(scan)))
        return art_rows_step_again(scan);
    return rc;
}
/* LEVEL: bytes of what `path`, which begins with the prefix, is rolled up to; 0: it stands for itself. */
uint32_t art_rows_roll_up(const struct art_scan *scan, struct art_bytes path);
/* To the first row that is given, by its path and by the filters: from where the cursor has just come to, or, if it
 * `leaves`, from the row that it stands on. At the range's end, and after an error, the scan is at its END. */
enum art_rc art_rows_next(struct art_scan *scan, bool leaves);

/* --- from arguments to ranges and conditions ---------------------------------------------------------------------- */

int art_outer_join_refuse(const struct art_scan *scan); /* outer_joins.c: SQLITE_ERROR, with a message */
/* arguments.c: SQLite's code; scan->keys and all that belongs to it is set. */
int art_scan_arguments(struct art_scan *scan, const char *plan, int argc, sqlite3_value **argv);
/* plan_text.c: what the plan's text says of so many arguments. False: it is not as the planner made it. */
bool art_plan_read(const char *plan, int count, struct art_term *terms);

/* filters.c */
/* A text's or blob's bytes are the value's. False: no memory. */
bool art_datum_of(sqlite3_value *value, struct art_datum *out);
/* For xFilter: what the statement compares a column with that is not the key. SQLite's code. */
int art_filters_add(struct art_scan *scan, unsigned column, enum art_argument comparison, sqlite3_value *value,
                    bool is_literal);
/* The same for a pattern; column 0 is the path. */
int art_filters_add_pattern(struct art_scan *scan, unsigned column, enum art_argument comparison, sqlite3_value *value);
/* False: the row on which the tree's cursor stands surely is none of the result. */
bool art_filters_may_want(struct art_scan *scan);
/* Behind such a row, which is not given: passes over more of them. Returns how many. */
unsigned art_filters_pass(struct art_scan *scan);
/* The same of an entry, while the scan stands on no row. */
bool art_filters_may_want_entry(struct art_scan *scan, struct art_bytes path, const struct art_entry *entry);
/* Those on summarised columns, as limits; and among the rows of blocks all choose. */
void art_filters_limits(struct art_scan *scan, struct art_limits *out);

/* lookups.c, for xFilter: a value by which rows are found. SQLite's code. */
int art_lookups_add(struct art_scan *scan, unsigned column, enum art_argument meaning, sqlite3_value *value);

/* searches.c, for xFilter, when all patterns are known. SQLite's code. */
int art_searches_add(struct art_scan *scan);

/* --- what each kind does: ART_*, and the scan's state is set ------------------------------------------------------ */

/* _open(): to the first row of scan->keys; _next(): from a row to the one behind. */
enum art_rc art_point_scan_open(struct art_scan *scan);
enum art_rc art_point_scan_next(struct art_scan *scan);
enum art_rc art_range_scan_open(struct art_scan *scan);
enum art_rc art_range_scan_next(struct art_scan *scan);
enum art_rc art_level_scan_open(struct art_scan *scan);
enum art_rc art_level_scan_next(struct art_scan *scan);
enum art_rc art_list_scan_open(struct art_scan *scan);
enum art_rc art_list_scan_next(struct art_scan *scan);
enum art_rc art_best_scan_open(struct art_scan *scan);
enum art_rc art_best_scan_next(struct art_scan *scan);
enum art_rc art_longest_scan_open(struct art_scan *scan);

/* For arguments.c: the path is to be equal to a number. SQLite's code. */
int art_point_scan_number(struct art_scan *scan, sqlite3_value *number);
/* ON_ROW, if there is one with this path. */
enum art_rc art_point_scan_find(struct art_scan *scan, struct art_bytes path);

/* xNext of a RANGE from a row that SQLite has looked at, with no long value in memory, or COUNTING. SQLite's code. */
int art_range_scan_next_quickly(struct art_scan *scan);
/* COUNTING: the tree's cursor goes where the scan claims to be. */
void art_range_scan_catch_up(struct art_scan *scan);

/* level.c */
/* For arguments.c: from the wanted range of paths that are shown to the range of keys behind them. */
void art_level_scan_bound(struct art_scan *scan);
/* Column `column` of a common prefix, SQLite's code. */
int art_level_scan_column(struct art_scan *scan, int column, sqlite3_context *context);
bool art_is_writing(sqlite3 *db); /* a statement is, whatever it writes */

/* list.c: SQLite's code */
int art_list_scan_collect(struct art_scan *scan, sqlite3_value *given);
void art_list_scan_close_file(struct art_scan *scan); /* it has one */

#endif
