/* Reading a tree: one row, the number of a range's rows and their sums, rows in the order of a column, and cursors. It
 * changes nothing, within a transaction or without one.
 */
#ifndef ART_TREE_READ_ROWS_H
#define ART_TREE_READ_ROWS_H

#include "core/tree/tree.h"

/* --- one row ------------------------------------------------------------------------------------------------------ */

/* A row under a cursor or found by get(). The value of a small row, or the block that has it, lies where it was found
 * and stays valid while the row is held; a large one is a reference that art_row_value() follows. */
struct art_row {
    struct art_stored stored;          /* the value, or the reference to its chunks */
    uint64_t version;                  /* csn of the row's last change */
    bool overflows;                    /* `stored` is a reference to overflow chunks */
    bool deleted;                      /* (art_range.deletes) there is no row any more, since `version`; nor a value */
    void *pinned_blob, *held_memtable; /* (private) */
    uint64_t changes;                  /* (private) the tree's when art_tree_get() found the row; 0: it did not */
    uint8_t flags, head;               /* (private) of the entry that it found */
};

/* ART_OK, ART_NOTFOUND, or an error of reading. *row must be released; it survives every change of the tree. */
enum art_rc art_tree_get(struct art_tree *tree, struct art_bytes key, struct art_row *row);
/* The longest stored path that is a prefix of `path`; with a delimiter (len > 0) only one that is `path` itself, ends
 * with the delimiter, or is followed by it in `path`. Appended to *out. ART_OK, ART_NOTFOUND. `row`, if not NULL:
 * becomes its row, as of art_tree_get(). */
enum art_rc art_tree_longest_prefix(struct art_tree *tree, struct art_bytes path, struct art_bytes delimiter,
                                    struct art_buffer *out, struct art_row *row);
void art_row_release(struct art_row *row); /* clears; a cleared row is fine */
/* The whole value. Where it lies as it is that is row->stored, and *owned = NULL. Out of a block it comes into *owned,
 * and so does a large one, chunk by chunk (art_free() it). ART_CORRUPT: chunks are missing or other ones; ART_NOMEM.
 * art_stored_plain() of row->stored gives a small one without any memory of its own. */
enum art_rc art_row_value(struct art_tree *tree, const struct art_row *row, struct art_bytes *out, uint8_t **owned);

/* --- a range: how many, their sums, the least and the largest ----------------------------------------------------- */

/* A range of keys. A missing bound is NULL in *_set. */
struct art_range {
    struct art_bytes low, high;
    bool low_set, high_set;
    bool low_open, high_open; /* true: the bound itself is outside */
    uint64_t newer_than;      /* for cursors alone: only rows whose version is above it; 0: all */
    bool deletes;             /* with newer_than: deletes come as rows, too, but for those that merges have swallowed */
    /* for cursors alone: rows that are not wanted may be left out; NULL: all are given. What is sought is borrowed by
     * the cursor until it is closed or goes to another range. */
    const struct art_limits *limits;
};
/* All keys with this prefix, as a range; `high` is written to `buffer` of prefix.len bytes (no upper bound if all
 * 0xFF). */
void art_range_of_prefix(struct art_bytes prefix, uint8_t *buffer, struct art_range *out);

/* Exact number of rows in the range, in two descents per source. */
enum art_rc art_tree_count(struct art_tree *tree, const struct art_range *range, uint64_t *out);
/* The sums of all rows in the range, for each of the summary's columns that has one; the others' are 0. */
enum art_rc art_tree_sums(struct art_tree *tree, const struct art_range *range, art_int128 sum[ART_SUMMARY_MAX]);
/* What lies before the beginning, or the end, of a range. (private) */
struct art_edge {
    bool known, sums; /* `rows`, `sum` */
    uint64_t changes; /* the state of the tree that this is of */
    int64_t rows;
    art_int128 sum[ART_SUMMARY_MAX];
};
/* What descents for a range have found, for those of the next one. */
struct art_span {
    bool follows; /* said by the caller: no row lies between the range of which it is, and the next */
    struct art_edge low, high;
};
/* The number of rows in the range, and if wanted their sums, of the same descents. *span: where the range begins and
 * ends. If it `follows` another, its beginning need not be looked for. */
enum art_totalled { ART_TOTALLED_ROWS, ART_TOTALLED_SUMS };
struct art_totals {
    uint64_t rows;
    art_int128 sum[ART_SUMMARY_MAX];
};
enum art_rc art_tree_totals(struct art_tree *tree, const struct art_range *range, enum art_totalled wanted,
                            struct art_span *span, struct art_totals *out);
/* The least, or the largest, value of a column of the summary in the range, in SQLite's order; NULLs do not count, but
 * where there is nothing else. A text's or blob's bytes are put into `bytes`. */
enum art_rc art_tree_extreme(struct art_tree *tree, const struct art_range *range, unsigned column, bool largest,
                             struct art_buffer *bytes, struct art_datum *out);
/* ART_OK: in this column of the summary a row of the range has what is neither an integer nor NULL, so that SQLite's
 * sum() of them is another one than art_tree_sums() gives; `path` gets the row's. ART_NOTFOUND: none has. */
enum art_rc art_tree_find_other(struct art_tree *tree, const struct art_range *range, unsigned column,
                                struct art_buffer *path);
/* A guess at the rows of a range (NULL: all), from what is in memory: no I/O, no failure, no change of state; false:
 * nothing is known (unknown tree). For the planner, outside of any read transaction. */
bool art_tree_estimate(struct art_tree *tree, const struct art_range *range, uint64_t *rows);

/* --- rows in the order of a column -------------------------------------------------------------------------------- */

/* Rows by the values of a column, best first. Without `descending` the least value comes first. */
struct art_best_order {
    unsigned column; /* of the summary */
    bool descending, skip_nulls;
    bool by_key;              /* rows with one value come in the order of their keys, else in any */
    struct art_limits limits; /* rows that are not wanted may be left out */
    /* NULL, or says of a row whether it may be wanted, before it is sought in newer sources. */
    enum art_rc (*matches)(void *context, struct art_bytes path, const struct art_entry *entry, bool *wanted);
    void *context;
    bool matches_paths; /* else matches() is given none: rows of a bucket then come out one by one */
    uint64_t patience;  /* after so many parts the search is given up; 0: it is not */
};
struct art_best;
/* A search, to be closed; `order` is copied, what its limits seek is borrowed. The column is one of the summary. *out
 * is NULL with an error. */
enum art_rc art_best_open(struct art_tree *tree, const struct art_range *range, const struct art_best_order *order,
                          struct art_best **out);
void art_best_close(struct art_best *best); /* NULL is fine */
/* The next row: its path and value, borrowed until the next call. ART_NOTFOUND: there is none, or the search is given
 * up. ART_REBUILD: the tree has changed since the search began, which is over. */
enum art_rc art_best_next(struct art_best *best, struct art_bytes *path, struct art_datum *value);
/* Behind ART_NOTFOUND: there may be more rows. To find them a walk through the range is cheaper. */
bool art_best_is_given_up(const struct art_best *best);

/* --- rows in the order of their keys ------------------------------------------------------------------------------ */

struct art_cursor;
/* On no row, to be closed; ART_NOMEM. To close NULL is fine. */
enum art_rc art_cursor_open(struct art_tree *tree, struct art_cursor **out);
void art_cursor_close(struct art_cursor *cursor);
/* To the first row of the range in key order, or the last for `descending`; art_cursor_next() goes on in that
 * direction and stops at the range's end. The range's bytes are copied. A cursor survives every change of its tree,
 * rollback and close included (it finds its place again by its key); after art_tree_close() only art_cursor_close()
 * may be called. */
enum art_rc art_cursor_seek(struct art_cursor *cursor, const struct art_range *range, bool descending);
enum art_rc art_cursor_next(struct art_cursor *cursor);
/* The commonest step of art_cursor_next(): on to a row that is there. False: nothing has happened. */
bool art_cursor_pass(struct art_cursor *cursor);
/* So many such steps as lead to rows, stored by themselves, that the host does not want. Returns how many. */
uint32_t art_cursor_pass_unwanted(struct art_cursor *cursor, bool (*wants)(void *context, struct art_bytes value),
                                  void *context);
/* Does it stand on a row? The functions below want it so; but next() and the two that skip do nothing where it does
 * not. */
bool art_cursor_valid(const struct art_cursor *cursor);
/* Borrowed until the cursor moves; behind the key a NUL, and ART_KEY_PADDING bytes that can be read. Behind a next()
 * that has failed since the tree is unknown, the key that it stood on. */
struct art_bytes art_cursor_key(struct art_cursor *cursor);
/* The same; *has_no_nul: the key surely has no NUL inside. ART_CORRUPT: it is none of the walk's direction, as the next
 * step would say. */
enum art_rc art_cursor_text(struct art_cursor *cursor, struct art_bytes *key, bool *has_no_nul);
const struct art_row *art_cursor_row(struct art_cursor *cursor); /* borrowed until the cursor moves; held */
/* The row's value, borrowed as these, out of a block or not (art_stored_plain()); false: it lies in overflow chunks. */
bool art_cursor_value(struct art_cursor *cursor, struct art_stored *out);
/* What the cursor calls its stay in the bucket of that row, and so in the block that this has, until it is closed: no
 * other one is called so. 0: there is no bucket. */
uint64_t art_cursor_visit(const struct art_cursor *cursor);
/* The row's number in the bucket, if it is the same visit. -1: it is another one, or the value lies in chunks. */
int art_cursor_row_of_visit(const struct art_cursor *cursor, uint64_t visit);
/* Jumps over all rows that share the first `len` bytes of the current key. */
enum art_rc art_cursor_skip_prefix(struct art_cursor *cursor, uint32_t len);
/* Moves on by `count` live rows in the cursor's direction from the row under it (0: stays), within the range; invalid
 * when the range ends first. A few descents per source, however many rows. */
enum art_rc art_cursor_skip(struct art_cursor *cursor, uint64_t count);

#endif
