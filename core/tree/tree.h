/* The tree of one table on behalf of one connection: the memtable over the runs, and a transaction's way through them.
 *
 * This header is all that a host (ext/, or a test) needs of core. The host owns the truth: a state of the tree is the
 * root and the log rows that the host has committed. The host
 *
 *   - brings the tree up to date at the beginning of a statement     art_tree_refresh_*()
 *   - reads                                                          art_tree_get(), art_cursor_*(), art_tree_count()
 *   - writes                                                         art_tree_insert(), ...; savepoints for savepoints
 *   - asks what to write into its own tables at commit               art_tree_prepare() -> struct art_commit
 *   - says how it ended                                              art_tree_committed(), art_tree_rolled_back()
 *
 * and lends the tree what only a host can do (struct art_host). Keys here are the user's (0..ART_PATH_MAX bytes, any
 * bytes), values any byte strings; both are copied. A tree is used by one thread at a time. All functions return enum
 * art_rc.
 */
#ifndef ART_TREE_TREE_H
#define ART_TREE_TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/base/buffer.h"
#include "core/base/bytes.h"
#include "core/base/counters.h"
#include "core/base/medium.h"
#include "core/base/options.h"
#include "core/base/rows.h"
#include "core/base/summary.h"

enum { ART_PATH_MAX = ART_KEY_MAX - 1, ART_UUID_BYTES = 16, ART_RUNS_MAX = 8 };
#define ART_VALUE_MAX ((uint64_t)1 << 31)

struct art_tree;
struct art_disk;

/* What a host's journal looks like at this moment: slots that were freed under another one have no reader left. */
enum art_epoch_kind {
    ART_EPOCH_UNKNOWN,  /* a WAL without an own frame of this transaction: nothing can be said */
    ART_EPOCH_WAL,      /* salts of the WAL header while an own frame of this transaction is in the file */
    ART_EPOCH_ROLLBACK, /* rollback journal, or no journal and no other process: no reader outlives a commit */
};
struct art_epoch {
    enum art_epoch_kind kind;
    uint8_t salts[8];
};

/* What the host's file system has for blobs in rows. */
struct art_budget {
    uint64_t left;    /* bytes, for the database and its journal; UINT64_MAX: that cannot be told */
    uint64_t unused;  /* bytes that are free within the database, and will be used first */
    uint64_t journal; /* bytes that its journal has already, and writes over: it stays from one commit to the next */
    bool twice;       /* what is written takes room in the journal, too (a WAL), as what is removed does in any case */
};

/* Files of the host's that have no name and are gone when they are closed. Errors as those of art_rows. */
struct art_scratch_files {
    enum art_rc (*open)(void *context, void **file);
    enum art_rc (*write)(void *file, const void *data, uint32_t len, uint64_t offset);
    enum art_rc (*read)(void *file, void *data, uint32_t len, uint64_t offset);
    void (*close)(void *file);
};

struct art_host {
    void *context;
    /* Is the database file still the one that its name leads to? Asked before the .art file is locked; ART_READONLY if
     * not: who renames or replaces a database that is open would have the .art file follow the name. May be NULL. */
    enum art_rc (*unmoved)(void *context);
    /* No root names anything in the .art file, and the file of its name belongs to another database (this one is a
     * copy that was made before). The host thinks of another name, attempt 0, 1, ..., hands it to
     * art_tree_use_location(), and writes it into its tables with the next root. May be NULL: then it is an error. */
    enum art_rc (*another_file)(void *context, unsigned attempt);
    /* Makes sure that no other root than the base can come back, whatever dies next. *reuse = false when that
     * cannot be had now (then the tree only extends the file). Called within a write transaction; does its work once
     * per transaction. */
    enum art_rc (*secure)(void *context, bool *reuse);
    /* The epoch; flushes an own frame again if a ROLLBACK TO came since. */
    enum art_rc (*epoch)(void *context, struct art_epoch *out);
    /* The retired list as this transaction sees it committed (art_commit.retired of an earlier commit); empty when
     * there is none. */
    enum art_rc (*load_retired)(void *context, struct art_buffer *out);
    /* Two sets of slots as bytes, as this transaction sees them: the union of what snapshots name, and what snapshots
     * named that were dropped since the last new root (art_commit.lets_go). Empty: none. Snapshots that the
     * transaction makes do not count before it is committed, even if a refused COMMIT has left them in the host's
     * tables: the next one names another root. May be NULL: there are none. */
    enum art_rc (*load_held)(void *context, struct art_buffer *held, struct art_buffer *let_go);
    /* The roots of all snapshots, as art_tree_snapshot() gave them, for the check, copies and salvage; ends with what
     * `root` returns, unless that is ART_OK. May be NULL: there are none. */
    enum art_rc (*each_snapshot)(void *context, enum art_rc (*root)(void *to, const char *name, struct art_bytes root),
                                 void *to);
    /* The writer lock is taken: wait a little and return true to try again, or false to give up (busy timeout). */
    bool (*wait)(void *context, unsigned attempt);
    /* Asked now and then by long work: true to stop with ART_INTERRUPT. May be NULL. */
    bool (*interrupted)(void *context);
    /* Bytes that the file system of the database has left for this process; UINT64_MAX where that cannot be told. May
     * be NULL. */
    uint64_t (*room)(void *context);
    /* For blobs in rows. May be NULL: as much as is wanted. What cannot be told is so, too; an error counts only where
     * the host has ended the transaction because of it. */
    enum art_rc (*budget)(void *context, struct art_budget *out);
    /* Are deleted rows to leave nothing in the file? Asked for 'optimize' and 'vacuum', whose commits then overwrite
     * what they may. May be NULL: they are not. */
    bool (*secure_delete)(void *context);
    /* Is the transaction still there? A host may have ended it within a callback that failed, and says so nowhere
     * else. */
    bool (*alive)(void *context);
    /* Where blobs are that are inlined. NULL: they never are. Copied. */
    const struct art_rows *rows;
    /* For what a spilled transaction's savepoints need and a ROLLBACK TO must not take away. */
    const struct art_scratch_files *scratch;
    /* For the check: hands all rows of the log over, in the order of their numbers; ends with what `row` returns,
     * unless that is ART_OK. May be NULL: the log is not looked at then. */
    enum art_rc (*each_log_row)(void *context, enum art_rc (*row)(void *to, int64_t csn, struct art_bytes ops),
                                void *to);
};

struct art_tree_options {
    struct art_disk *disk; /* NULL: the system's files */
    const char *path;      /* of the .art file; NULL: inlined, blobs are rows of the host's */
    const char *host_path; /* of the database file */
    uint8_t uuid[ART_UUID_BYTES];
    enum art_engine engine;
    enum art_direct direct;
    bool read_only;
    uint64_t cache_bytes; /* or ART_CACHE_AUTO */
    uint64_t log_limit;   /* bytes of redo in the log before it is flushed, or ART_LOG_AUTO (txn/log_cost.c) */
    uint64_t spill_limit; /* bytes of memory of an uncommitted transaction before it spills; default 64 MB */
    uint32_t blob_pages;  /* 0: full blobs, 128 pages; tests make small ones, and with them deep runs and many merges */
    struct art_summary summary; /* at first; no columns: none. Its functions read nothing of the tree */
    uint64_t row_limit;         /* a longer row of redo is flushed instead: a quarter of the host's limit; 0: none */
};

/* An unknown tree, to be closed; no file is opened. Options and host are copied, paths with them; their functions and
 * contexts are borrowed. ART_NOMEM, ART_MISUSE: *out is not set. */
enum art_rc art_tree_open(struct art_tree **out, const struct art_tree_options *options, const struct art_host *host);
/* NULL is fine. Rolls back what is not committed; open cursors may then only be closed. */
void art_tree_close(struct art_tree *tree);
/* Gives back the memory that the next call asks for again: buffers, idle cursors, references to cached blobs. Nothing
 * happens in a transaction, or with an open cursor. A tree that is known stays so, without its gaps and its finger. No
 * savepoint is set. */
void art_tree_trim(struct art_tree *tree);
/* The limits, in bytes, may be changed between statements. */
void art_tree_set_limits(struct art_tree *tree, uint64_t cache_bytes, uint64_t log_limit, uint64_t spill_limit);
void art_tree_set_row_limit(struct art_tree *tree, uint64_t bytes);
/* The encoded root of an empty table, for T_artdata's row 0. At most ART_ROOT_INITIAL_MAX bytes; returns the length. */
enum { ART_ROOT_INITIAL_MAX = 256 };
uint32_t art_tree_initial_root(const uint8_t uuid[ART_UUID_BYTES], uint8_t *out);

/* --- refresh: what other connections committed, and rebuilding ---------------------------------------------------- */

/* Begins. The host then reads, in one snapshot:  SELECT csn, ops FROM T_artdata WHERE csn <= 0 OR csn >= *from ORDER BY
 * csn and hands over each row. In a transaction that has changed the tree a refresh is ART_MISUSE unless
 * art_tree_unknown(). */
enum art_rc art_tree_refresh_begin(struct art_tree *tree, uint64_t *from);
/* Once the root was handed over: it is enough to read the rows from here on; and if *from was 0, the csn of the first
 * row behind row 0. */
uint64_t art_tree_refresh_from(const struct art_tree *tree);
/* ART_REBUILD: what is in memory is not continued by this log (restored, rolled back): abort, and begin again: *from
 * will be 0. ART_CORRUPT: the log itself is damaged. */
enum art_rc art_tree_refresh_row(struct art_tree *tree, uint64_t csn, struct art_bytes ops);
/* Installs. ART_REBUILD as above (a row was missing). */
enum art_rc art_tree_refresh_end(struct art_tree *tree);
/* Any failure, also of the host's SELECT: the tree is unknown until a refresh has succeeded. */
void art_tree_refresh_abort(struct art_tree *tree);
/* Must be rebuilt before it is used: freshly opened, after a failed refresh, after a rollback that memory could not
 * undo. Reads and writes are refused with ART_MISUSE until then. */
bool art_tree_unknown(const struct art_tree *tree);
/* A sync of the .art file has failed, so nothing more is written by this tree. */
bool art_tree_poisoned(const struct art_tree *tree);
/* Asserts what must hold of a tree between two calls, whatever it is at: behind each transition, in test builds. */
#ifdef NDEBUG
#define art_tree_invariants(tree) ((void)(tree))
#else
void art_tree_invariants(const struct art_tree *tree);
#endif
void art_tree_forget(struct art_tree *tree); /* makes it unknown (host: the schema's table was replaced, ...) */
/* csn of the last committed change that the tree knows. */
uint64_t art_tree_csn(const struct art_tree *tree);
/* Has the root that is known any runs, or have snapshots, so that there must be an .art file? */
bool art_tree_has_runs(const struct art_tree *tree);
/* Does that root say that the host has slots of snapshots (art_host.load_held)? */
bool art_tree_has_held(const struct art_tree *tree);
/* Where the blobs are. */
struct art_tree_location {
    const char *path, *host_path; /* as in art_tree_options */
    const struct art_rows *rows;  /* of a copy that is inlined; NULL: the host's */
};
/* What that place is like. Never NULL. */
const struct art_medium *art_tree_medium(const struct art_tree *tree);
/* They are somewhere else from now on: the database was replaced by a copy, or nothing was written yet. On an error all
 * is as before. ART_MISUSE in a transaction that has written blobs. */
enum art_rc art_tree_use_location(struct art_tree *tree, const struct art_tree_location *location);
/* Opens the .art file if the root needs one, as every reading call does first: from here on it may lose its name.
 * Refuses a tree that is unknown (ART_MISUSE), forked (ART_FORKED) or in a doomed transaction (its error). */
enum art_rc art_tree_ready(struct art_tree *tree);
/* Copies all blobs of the root and of all snapshots, each once, into a new file or into rows, into the same slots,
 * verified; the file is synced. For a copy of the database, while the host holds a snapshot of that. On an error no
 * file is left; ART_CANTOPEN with art_error_errno() == EEXIST: its name is taken. */
enum art_rc art_tree_copy(struct art_tree *tree, const struct art_tree_location *location);
/* What the copy of a root in the .art file says, which was written when its commit was over. */
struct art_root_mark {
    uint64_t csn, generation; /* 0: there is no copy */
};
/* Of the newest copy; of a tree that is ready. Errors are those of art_tree_ready(), and ART_NOMEM. */
enum art_rc art_tree_file_mark(struct art_tree *tree, struct art_root_mark *out);
/* Is the root that is known older? Then the host shows an old snapshot, or it has lost commits. */
bool art_tree_is_behind(const struct art_tree *tree, const struct art_root_mark *mark);
/* Counts the roots that were committed: another one may have come with another location. */
uint64_t art_tree_generation(const struct art_tree *tree);

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* Where nothing else is said, here and behind it, a function fails as art_tree_ready() does, or with what reading blobs
 * failed with: ART_CORRUPT, ART_MISSING, ART_FOREIGN, ART_CANTOPEN, ART_IO, ART_NOMEM, or what the host said. */

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
/* A guess at the rows of a range (NULL: all), from what is in memory: no I/O, no failure, no change of state; false:
 * nothing is known (unknown tree). For the planner, outside of any read transaction. */
bool art_tree_estimate(struct art_tree *tree, const struct art_range *range, uint64_t *rows);

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

/* What differs between two states of one history (read/diff.c): trees of one table, each brought up to date with a
 * root that the other's history has, too. Only one of them may be in a transaction, whose changes count. Each path
 * whose row is another one, in the order of the paths: what was deleted and inserted again has changed, whatever its
 * value. */
struct art_changed {
    struct art_bytes path;         /* borrowed until the next call */
    uint64_t old_version, version; /* of the rows in `from` and `to`; 0: there is none */
};
struct art_diff;
/* To be closed, before the trees are; the range's bytes are copied. What the two states have in common is passed over,
 * and memory is bounded. ART_NOMEM. */
enum art_rc art_diff_open(struct art_tree *from, struct art_tree *to, const struct art_range *range,
                          struct art_diff **out);
void art_diff_close(struct art_diff *diff); /* NULL is fine */
/* ART_NOTFOUND: that was all. The trees may change between two calls: it goes on behind the last path. ART_CORRUPT,
 * too: the states' counts of rows do not agree. */
enum art_rc art_diff_next(struct art_diff *diff, struct art_changed *out);

/* How much has grown between two such states, by the names of a level below which a row is another one
 * (read/growth.c). A name is a path up to the end of its `depth`th delimiter behind the prefix, or the whole path. */
struct art_growing {
    struct art_bytes prefix, delimiter; /* copied; a delimiter has a byte at least */
    uint64_t depth;                     /* from 1 */
    int sum;                            /* a column of the summary with a sum, which both trees have; <0: rows alone */
};
struct art_grown {
    struct art_bytes path;   /* borrowed until the next call */
    uint64_t old_rows, rows; /* that begin with the name, or are it, in `from` and `to` */
    art_int128 old_sum, sum; /* 0 without a column */
};
struct art_growth;
/* As art_diff_open() and the others. */
enum art_rc art_growth_open(struct art_tree *from, struct art_tree *to, const struct art_growing *what,
                            struct art_growth **out);
void art_growth_close(struct art_growth *growth);
enum art_rc art_growth_next(struct art_growth *growth, struct art_grown *out);

/* --- writing: within a write transaction of the host, after a refresh in it --------------------------------------- */

enum art_write { ART_WRITE_INSERT, ART_WRITE_REPLACE };
/* Each is atomic by itself: done, or an error and nothing changed (ART_NOMEM, ART_TOOBIG, errors of reading and
 * spilling). *existed: was there a row at `key`? INSERT with a row there changes nothing. */
enum art_rc art_tree_insert(struct art_tree *tree, enum art_write mode, struct art_bytes key, struct art_bytes value,
                            bool *existed);
/* Deletes the row at `key`. *existed: there was one; else nothing changes. */
enum art_rc art_tree_delete(struct art_tree *tree, struct art_bytes key, bool *existed);
/* Changes a row's path, and its value when `value` is not NULL (else value and chunks move along). *existed: a row
 * was at `to` (!= from): INSERT changes nothing then. ART_NOTFOUND when nothing is at `from`. */
enum art_rc art_tree_move(struct art_tree *tree, enum art_write mode, struct art_bytes from, struct art_bytes to,
                          const struct art_bytes *value, bool *existed);
/* Gives the row at `key`, as art_tree_get() found it, another value. If anything has changed since, the row is looked
 * for again; ART_NOTFOUND then: it is not there any more. */
enum art_rc art_tree_update(struct art_tree *tree, struct art_bytes key, const struct art_row *row,
                            struct art_bytes value);
/* Deletes all rows of a range, and says how many they were. Each of these is atomic by itself; see txn/directory.c. */
enum art_rc art_tree_delete_range(struct art_tree *tree, const struct art_range *range, uint64_t *rows);
/* Is a range of so many rows deleted as one thing, since that costs less? Not all rows where blobs are rows of the
 * host: a commit that empties the table discards them at once only if nothing was done as one thing before. */
enum art_rc art_tree_range_pays(struct art_tree *tree, uint64_t rows, bool *pays);
/* Gives all rows whose paths begin with `from` paths that begin with `to` instead; `copies`: other rows, and those
 * stay. Neither begins with the other, or is longer than a path. *taken: there are rows below `to`, so nothing has
 * changed. ART_TOOBIG: a path would be too long. */
enum art_rc art_tree_move_prefix(struct art_tree *tree, struct art_bytes from, struct art_bytes to, bool copies,
                                 uint64_t *rows, bool *taken);
/* Copies so rows of the source, which is the tree of a snapshot of this table, open for reading. `from` and `to` may
 * also begin alike, or be empty. */
enum art_rc art_tree_copy_from(struct art_tree *tree, struct art_tree *source, struct art_bytes from,
                               struct art_bytes to, uint64_t *rows, bool *taken);
/* Has this transaction changed anything (also if taken back since)? Or has a COMMIT of it that was refused left rows in
 * the host's log? After that COMMIT the log no longer says how the transaction began. */
bool art_tree_dirty(const struct art_tree *tree);

/* Savepoints: a stack of states of the running transaction. *savepoint is the new savepoint's number, counted from 0.
 * ART_NOMEM; ART_MISUSE within a call of the host's for a blob. */
enum art_rc art_tree_savepoint(struct art_tree *tree, uint32_t *savepoint);
/* Drops savepoints >= `from`. */
void art_tree_release_savepoints(struct art_tree *tree, uint32_t from);
/* Back to the state at `savepoint` (which stays; later ones go), or to the transaction's beginning
 * (ART_SAVEPOINT_BEGIN; all go). Cannot fail: where memory alone does not hold the state, the work is done by the next
 * call, or the tree becomes unknown. */
#define ART_SAVEPOINT_BEGIN UINT32_MAX
void art_tree_rollback_to(struct art_tree *tree, uint32_t savepoint);

/* The summary as of now; NULL: none. */
const struct art_summary *art_tree_summarised(const struct art_tree *tree);
/* Another summary from here on, NULL for none: all rows are written anew, with it, as one run under a root of the
 * transaction's own. A rollback, or one to a savepoint before it, brings the former one back. It needs as much new
 * space as the table has. On an error nothing has changed, or the transaction can only be rolled back (a savepoint
 * could not be kept). `summary` must outlive the tree. */
enum art_rc art_tree_resummarise(struct art_tree *tree, const struct art_summary *summary);
/* Somebody else has committed this summary: the tree is unknown until it is refreshed. ART_MISUSE in a transaction. */
enum art_rc art_tree_use_summary(struct art_tree *tree, const struct art_summary *summary);

/* Commands, carried out by this transaction's prepare(). A ROLLBACK forgets them, and so does a ROLLBACK TO.
 *
 * 'flush': what is collected in the log becomes a run. 'optimize': all runs become one; it needs as much new space as
 * the table has. 'vacuum': what lies at the file's end moves into free slots, as far as the slot rule allows now, and
 * what is free at the end is cut off.
 *
 * A slot is free only when no reader can stand on it and no older root can come back: not in the transaction that
 * leaves it. So what vacuum has moved away from is cut off by the next one, in WAL mode only after a checkpoint that
 * got to the end of the WAL (PRAGMA wal_checkpoint(RESTART), no reader on an older snapshot). The file is smallest
 * after
 *
 *     vacuum, checkpoint, vacuum                 when 'optimize' was not wanted
 *     optimize, checkpoint, vacuum, checkpoint, vacuum
 *
 * and with a rollback journal the same without checkpoints. The host may go on so by itself (ext/admin/vacuum.c). On a
 * full disk 'vacuum' does as much as there is room for (room.c). */
enum art_request {
    ART_REQUEST_FLUSH = 1,
    ART_REQUEST_OPTIMIZE = 2,
    ART_REQUEST_VACUUM = 4,
    ART_REQUEST_ALONE = 8,     /* the transaction is one statement, and the host takes all of it back if its commit is
                            * refused. Then what 'vacuum' leaves in rows of the host's, or the delete of the last row,
                            * is gone with it */
    ART_REQUEST_SNAPSHOT = 16, /* of the state that is committed: all that is collected in the log becomes a run, where
                                * there is anything. For the next prepare() alone. See art_tree_snapshot() */
    ART_REQUEST_OF_HOST = 32,  /* the host's own, which the tree does not look at */
};
/* Does the transaction leave no row where there were blobs? Its commit then names none of them any more, unless a
 * queue's long rows would go with them. Where there is no room for their removal, it waits for a later commit. */
bool art_tree_empties(struct art_tree *tree);
/* Begins the transaction where none is running, and fails only in that: as art_tree_claim(). What it was asked for
 * before, it is asked for still. */
enum art_rc art_tree_request(struct art_tree *tree, unsigned requests);
/* The command 'adopt': the .art file belongs to this database from now on, whatever its owner page says. Done at once,
 * no ROLLBACK takes it back; nothing to do where there are no runs and no file. ART_MISUSE in a transaction that has
 * written to the file: what is in memory does not count. */
enum art_rc art_tree_adopt(struct art_tree *tree);
/* An .art file that nobody has claimed is claimed for this database, if it is the one that it was copied with. A
 * transaction's first change does it by itself; a host that is about to remove the file asks for it. Nothing to do
 * within a transaction. ART_READONLY, ART_BUSY, ART_FOREIGN, ... */
enum art_rc art_tree_claim(struct art_tree *tree);
/* Whose is a file that looks like an .art file? For the command 'clean': reads only the superblock. *ours: its owner
 * page names this very file and this host file, by their inodes. ART_FOREIGN: another file that had its path, or the
 * file is a copy that nobody has claimed. ART_NOTFOUND: no .art file (another magic, too short, not a regular file).
 * ART_MISSING, ART_CANTOPEN, ART_CORRUPT, ... */
enum art_rc art_file_identify(const char *path, const char *host_path, uint8_t uuid[ART_UUID_BYTES], bool *ours);
/* True also where that cannot be told. */
bool art_file_exists(const char *path);
/* Its size in bytes, and how many names it has; 0 of both with an error: ART_MISSING, ART_IO, ... */
enum art_rc art_file_look(const char *path, uint64_t *bytes, uint64_t *names);
/* Can someone read the one file who cannot read the other, by their permissions? False where one of them cannot be
 * looked at. */
bool art_file_is_more_open(const char *path, const char *than);
/* Makes an empty file with the permissions and the owner of another one, or for its owner alone where there is no such
 * file: ART_CANTOPEN, with art_error_errno() == EEXIST where something has its name. */
enum art_rc art_file_make(const char *path, const char *like);
/* Removes a file; ART_MISSING where there is none. */
enum art_rc art_file_remove(const char *path);
/* Makes the names in the folder that holds `path` durable. ART_CANTOPEN, ART_NOMEM: nothing was tried; ART_IO. */
enum art_rc art_file_sync_folder(const char *path);
/* The names in a folder, in any order, until visit() returns anything but ART_OK, which is returned then. */
enum art_rc art_folder_list(const char *folder, enum art_rc (*visit)(void *context, const char *name), void *context);

/* --- commit ------------------------------------------------------------------------------------------------------- */

/* What the host must write in its own transaction, in this order. Bytes are borrowed until the next call on the tree.
 * Everything named in it is durable. */
struct art_commit {
    uint64_t csn;    /* of this transaction, the same on every retry */
    bool clear_log;  /* 1. DELETE FROM T_artdata (all rows, the root too) */
    uint64_t spent;  /*    or, if not 0, the first of rows 1 to this one: the committed root has them in its runs */
    bool write_root; /* 2. INSERT OR REPLACE (0, root), and a copy into T_artstate */
    bool mark_root;  /*    INSERT OR REPLACE (0, root): it is the same, and says now that rows follow it */
    struct art_bytes root;
    bool write_redo; /* 3. INSERT OR REPLACE (csn, redo) */
    struct art_bytes redo;
    bool write_retired; /* 4. into T_artstate */
    struct art_bytes retired;
    bool lets_go; /*    and the set of slots that were let go (art_host.load_held) is emptied: they are retired */
    bool wants_checkpoint; /* many slots wait for a new epoch: a checkpoint soon keeps the file small */
};
/* May be called again after a failed commit, with or without changes in between. ART_OK with nothing to write when
 * the transaction changed nothing. */
enum art_rc art_tree_prepare(struct art_tree *tree, struct art_commit *out);
/* A snapshot of the state that is committed: behind a prepare() that had ART_REQUEST_SNAPSHOT, also where nothing is to
 * be written, and before art_tree_committed(). *root: as row 0 of a log without any other row: a tree that is read only
 * and refreshed with it reads that state. *slots: what it names, as a set of bytes. *csn: up to which it has all
 * changes. ART_NOMEM, or an error of reading.
 *
 * The host keeps root and set as long as it likes, and says in load_held() what all such sets name together, from the
 * next transaction on. As long as a transaction has a snapshot to be made, the host asks for it anew before each
 * prepare(): behind a refused COMMIT another root may be committed, or the snapshot be gone. The set of a snapshot that
 * is dropped the host adds to what was let go, but for what other snapshots name, until a commit has lets_go. The first
 * snapshot's root says that there are some, and the first new root behind the last drop that there are none. */
enum art_rc art_tree_snapshot(struct art_tree *tree, struct art_buffer *root, struct art_buffer *slots, uint64_t *csn);
/* Sets of slots as bytes: *set gets the members of another one; *out becomes `all` without `others`; how many there
 * are. ART_CORRUPT: no such set; ART_NOMEM. unite() leaves *set as it was then. */
enum art_rc art_slots_unite(struct art_buffer *set, struct art_bytes other);
enum art_rc art_slots_all(struct art_buffer *set); /* it gets every slot that a file may have; ART_NOMEM */
enum art_rc art_slots_without(struct art_bytes all, struct art_bytes others, struct art_buffer *out);
enum art_rc art_slots_number(struct art_bytes set, uint64_t *out);
/* The slots that the tree's root names, as a set of bytes; and the used bytes of the blobs of these that lie in a set.
 * Index blobs are read, where they have not been before. Errors of reading. */
enum art_rc art_tree_slots(struct art_tree *tree, struct art_buffer *out);
enum art_rc art_tree_bytes_of_slots(struct art_tree *tree, struct art_bytes set, uint64_t *out);
/* The host found no room for what it was to write, so that no COMMIT was tried: what blobs took is given back, and from
 * now on a transaction that only deletes leaves blobs alone, until they were written again. */
void art_tree_note_full(struct art_tree *tree);
void art_tree_count_checkpoint(struct art_tree *tree); /* the host has made the one that a commit wanted */
void art_tree_committed(struct art_tree *tree);        /* cannot fail */
void art_tree_rolled_back(struct art_tree *tree);      /* cannot fail; the tree may be unknown afterwards */

/* --- for people --------------------------------------------------------------------------------------------------- */

struct art_tree_info {
    uint64_t keys; /* live rows */
    uint64_t csn, generation;
    unsigned runs;
    struct {
        unsigned level;                 /* 0: as flushed */
        uint64_t entries, blobs, bytes; /* bytes: used pages */
    } run[ART_RUNS_MAX + 8];
    uint64_t blobs, blob_bytes;
    double fill; /* used bytes of all blobs / their slots */
    uint64_t memtable_keys, memtable_bytes, front_bytes, log_rows, log_bytes;
    uint64_t redo_since_merge; /* bytes that this connection has committed since one of its commits merged last */
    uint64_t retired_slots, free_slots;
    uint64_t held_slots; /* that snapshots name, or those that were dropped lately, and the present root does not */
    bool end_is_held;    /* a snapshot names the file's last slot: it cannot be cut, whatever is free below */
    uint64_t left_rows;  /* of the log before the root, which later commits delete */
    unsigned cuts;       /* ranges that were deleted or moved as one thing, as the root knows them for salvage */
    struct art_store_stats store;
    bool full; /* the disk was, when blobs were last written, or had no room to let go all that is dead */
};
/* An error of reading: what is in *out means nothing. Its texts are borrowed from the tree. */
enum art_rc art_tree_info(struct art_tree *tree, struct art_tree_info *out);
/* The check. It tells the host of one thing that is wrong after the other (what a damaged page holds stays unknown, the
 * rest is looked at), changes nothing, reads every page, and holds no more in memory than any scan does. It may be
 * called on an unknown tree, after a refresh that has failed. Fails only when it is hindered: ART_NOMEM,
 * ART_INTERRUPT, ART_BUSY, ART_FORKED, or the error of a transaction that can only be rolled back.
 *
 *   the log       a root, then consecutive rows, each with the hash over its predecessor; they make the memtable
 *   the file      whose it is; no slot named twice, no retired slot in use
 *   every blob    hashes, order, label, routing part, directories, filter, sums, its place between its parent's fences
 *   every row     that the runs agree on whether it was there, versions, and the chunks of large values
 *
 * quick: the log, the file, and the index blobs. */
struct art_problem {
    enum art_rc rc;
    const char *sentence; /* as an error message has it */
    const char *what;     /* the sentence in parts: what is wrong */
    const char *place;    /* in which file or table, or NULL */
    uint32_t slot, page;  /* UINT32_MAX: not known */
};
struct art_check_options {
    bool quick;
    bool (*problem)(void *context, const struct art_problem *problem); /* false: that is enough */
    void *context;
};
enum art_rc art_tree_check_all(struct art_tree *tree, const struct art_check_options *options);

/* How this core was built. */
struct art_build {
    const char *engines; /* compiled in */
    bool uring_works;    /* this kernel gives us a ring */
    unsigned format;     /* of the blobs */
    uint32_t blob_bytes, page_bytes;
};
/* Cannot fail; tries whether the kernel gives a ring. */
void art_build_describe(struct art_build *out);

#endif
