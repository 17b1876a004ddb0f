/* For people: figures of a tree, a check of all that it has, and how core was built.
 */
#ifndef ART_TREE_INSPECT_H
#define ART_TREE_INSPECT_H

#include "core/base/counters.h"
#include "core/tree/tree.h"

/* --- figures ------------------------------------------------------------------------------------------------------ */

struct art_tree_info {
    const char
        *damage;   /* that a merge has met last, and passed over, of what is still there; NULL: none. As long as the
                           tree */
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

/* --- the check ---------------------------------------------------------------------------------------------------- */

/* The check. It tells the host of one thing that is wrong after the other (what a damaged page holds stays unknown, the
 * rest is looked at), changes nothing, reads every page, and holds no more in memory than any scan does. It may be
 * called on an unknown tree, after a refresh that has failed. Fails only when it is hindered: ART_NOMEM,
 * ART_INTERRUPT, ART_BUSY, ART_FORKED, or the error of a transaction that can only be rolled back.
 *
 *   the log       a root, then consecutive rows, each with the hash over its predecessor; they make the memtable
 *   the file      whose it is; no slot named twice, no retired slot in use
 *   every blob    hashes, order, label, routing part, directories, filter, sums, its place between its parent's fences
 *   every row     that the runs agree on whether it was there, versions, the chunks of large values, and what the host
 *                 says of it
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
    /* NULL, or what is wrong with a row, as it was written: a text that lasts, or NULL. `value`: NULL where it is in a
     * block or in chunks. */
    const char *(*wrong_row)(void *context, struct art_bytes key, const struct art_bytes *value);
    void *context;
};
enum art_rc art_tree_check_all(struct art_tree *tree, const struct art_check_options *options);

/* --- the build ---------------------------------------------------------------------------------------------------- */

/* How this core was built. */
struct art_build {
    const char *engines; /* compiled in */
    bool uring_works;    /* this kernel gives us a ring */
    unsigned format;     /* of all that lies in files */
    uint32_t blob_bytes, page_bytes;
};
/* Cannot fail; tries whether the kernel gives a ring. */
void art_build_describe(struct art_build *out);

#endif
