/* What the files of the check share.
 *
 *   check.c         what is a problem and what a hindrance; the order of things; slots
 *   check_log.c     the log, and whether it says what is in memory
 *   check_run.c     a run, blob by blob
 *   check_snapshots.c   the runs of snapshots, and what slots these hold
 *   check_rows.c    all sources side by side, row by row
 *   check_values.c  large values and their chunks
 *
 * A function of the check returns ART_OK also when it has found something; anything else ends the check
 * (ART_NOTFOUND: the host has heard enough).
 *
 * An unread range is a part of the key space of which a run cannot be read. It has been reported when it is noted; what
 * lies in one is not looked at again, and what only the whole table can tell is left open then.
 */
#ifndef ART_TREE_CHECK_H
#define ART_TREE_CHECK_H

#include "core/tree/inspect.h"
#include "core/tree/txn/txn.h"

enum { ART_CHECK_UNREAD_MAX = 128 };

struct art_fence { /* [low, high) of the key space; a missing bound is open */
    struct art_buffer low, high;
    bool low_set, high_set;
};

struct art_checker {
    struct art_tree *tree;
    const struct art_check_options *options;

    /* What the log says. */
    struct art_root *log_root; /* NULL: it has none */
    struct art_memtable *log_memtable;
    struct art_hash128 log_chain;
    uint64_t log_csn;
    bool log_whole; /* all rows are in log_memtable */

    /* The state under check: the tree's, or where that is unknown the log's. */
    const struct art_root *root;
    struct art_memtable *memtable;
    uint64_t csn; /* no version is above it */

    struct art_slot_set seen;  /* slots that references of the root name */
    struct art_distinct met;   /* blobs of all roots */
    uint32_t end;              /* slots in the file */
    bool file_ready;           /* blobs can be read */
    const char *snapshot;      /* the one whose blobs are looked at; NULL: the table's own are */
    struct art_slot_set named; /* slots that references of snapshots name */
    bool torn;                 /* some of these could not be followed */
    struct art_fence unread[ART_CHECK_UNREAD_MAX];
    unsigned unread_count;
};

/* check.c */
/* Takes the result `rc` with its message: a problem is reported (ART_OK, or ART_NOTFOUND: the host has heard enough), a
 * hindrance is passed on, as ART_OK and ART_NOTFOUND are. */
enum art_rc art_check_note(struct art_checker *checker, enum art_rc rc);
/* A problem that no function has failed with, reported as damage: results as art_check_note(). */
enum art_rc art_check_say(struct art_checker *checker, const char *place, uint32_t slot, uint32_t page,
                          const char *format, ...) __attribute__((format(printf, 5, 6)));
/* Copies the fence; one too many makes the last unread range endless. ART_NOMEM. */
enum art_rc art_check_add_unread(struct art_checker *checker, const struct art_fence *fence);
/* One bound of a fence: a copy of the key, padded. ART_NOMEM, and then it is only to be cleared. */
enum art_rc art_fence_set(struct art_buffer *to, bool *set, struct art_bytes key);
/* Frees both bounds; zeros are fine, and are left. */
void art_fence_clear(struct art_fence *fence);
/* A user's key for people, without its name space, cut short. Returns `out`, which has ART_SHOWN_KEY_BYTES. */
enum { ART_SHOWN_KEY_BYTES = 200 };
const char *art_check_show(struct art_bytes tree_key, char *out);

/* check_log.c: the whole log, and whether it says what is in memory. Fills the log_... fields, whose root and memtable
 * the caller frees. */
enum art_rc art_check_log(struct art_checker *checker);
/* check_run.c: all blobs of a run of a root, with `quick` the index blobs. Of the table's root: adds the ranges that
 * stay unread, and the slots to `seen`. Of a snapshot's: blobs that were met before are only followed, their slots are
 * added to `named`, and where that cannot be done for all of them `torn` is set. */
enum art_rc art_check_run(struct art_checker *checker, const struct art_root *root, unsigned number);
/* check_snapshots.c: behind all runs of the table's root. */
enum art_rc art_check_snapshots(struct art_checker *checker);
/* check_rows.c: all rows and chunks outside of unread ranges, their number, their sums and their large values. */
enum art_rc art_check_rows(struct art_checker *checker);

/* check_values.c */
struct art_value_checker {
    struct art_checker *checker;
    struct art_merge *merge; /* a walk of its own through the chunks */
    struct art_hash_stream *hash;
    struct art_buffer value;    /* the one under way, where it is put together */
    struct art_hash128 balance; /* of the values that rows have, minus those that chunks make: zero when they agree */
    uint64_t chunks, named;     /* live chunks; those that rows name */
    bool missed;                /* a row was reported that names one which is not there */
    uint8_t id[ART_OVERFLOW_ID_BYTES]; /* of the chunks under way */
    uint32_t count;                    /* of them, so far */
    bool open;
};
/* *values is zeros before. ART_NOMEM: to be closed all the same. */
enum art_rc art_values_open(struct art_value_checker *values, struct art_checker *checker);
/* Frees all; zeros are fine. */
void art_values_close(struct art_value_checker *values);
/* A row with a large value: reads it, and takes its id down. */
enum art_rc art_values_row(struct art_value_checker *values, struct art_bytes key, const struct art_entry *entry);
/* A live chunk, in the order of keys; counted. */
enum art_rc art_values_chunk(struct art_value_checker *values, struct art_bytes key);
/* After the last row and chunk: do the two agree? */
enum art_rc art_values_end(struct art_value_checker *values);

#endif
