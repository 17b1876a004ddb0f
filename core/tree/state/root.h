/* The root: the runs of one state of the table, newest first. Immutable once it is shared, and counted: the tree,
 * savepoints, cursors and pending commits hold it. While it is being made (art_root_clone, one owner) runs may be put
 * in, replaced and taken out. */
#ifndef ART_TREE_ROOT_H
#define ART_TREE_ROOT_H

#include "core/base/buffer.h"
#include "core/base/hash.h"
#include "core/blob/blob.h"
#include "core/tree/state/cuts.h"
#include "core/tree/tree.h"

/* Runs: a few more than may be committed, since a long transaction spills between two merges; the last merge level. */
enum { ART_RUNS_CAPACITY = ART_RUNS_MAX + 8, ART_RUN_LEVEL_LAST = 5 };

struct art_run {
    struct art_ref top;   /* the label is owned by the run */
    uint8_t level;        /* merge level: 0 as flushed, 1 .. by size (run/compact.c) */
    uint64_t blobs;       /* index blobs included */
    uint64_t pages;       /* used pages of all blobs */
    uint64_t shadowed;    /* about so many pages of the last run are dead by this run's entries (run/hidden.c) */
    uint64_t shadowed_of; /* pages of the last run when `shadowed` was found */
    bool shadowed_known;  /* `shadowed` and `shadowed_of` mean something */
};

struct art_root {
    unsigned references;
    uint64_t csn;
    uint64_t generation;
    struct art_hash128 chain;
    bool followed;      /* as it was decoded: rows follow it in the log */
    uint32_t left_rows; /* rows csn - left_rows to csn - 1 are in the log, too: the next ones are written over them */
    bool held;          /* the host has slots that snapshots hold or have let go (run/held.c) */
    bool blocks;        /* some blob of it, or of a snapshot, may have blocks */
    uint32_t read_only; /* features that who writes has to know, and this version does not */
    bool all_blocks;    /* all leaf blobs of the last run were made when there was a codec */
    uint64_t owed;      /* pages of merging that the running transaction owes with this root; 0: a committed one */
    struct art_buffer cuts; /* cuts.h */
    unsigned runs, capacity;
    struct art_run run[];
};

struct art_root *art_root_new(const uint8_t uuid[ART_UUID_BYTES]); /* for good without runs; NULL: no memory */
/* One more reference; returns `root`. */
struct art_root *art_root_ref(struct art_root *root);
void art_root_unref(struct art_root *root); /* NULL is fine */
/* A copy with room for ART_RUNS_CAPACITY runs, and one reference; `followed` is not copied. ART_NOMEM. */
enum art_rc art_root_clone(const struct art_root *root, struct art_root **out);

/* Puts a run in at `at`, takes one out, or puts another one in its place; what is put in is copied with its label, what
 * is taken out is freed. ART_NOMEM, ART_TOOBIG (no room for one more): the root is as it was. One owner. */
enum art_rc art_root_insert_run(struct art_root *root, unsigned at, const struct art_run *run);
void art_root_remove_run(struct art_root *root, unsigned at);
enum art_rc art_root_replace_run(struct art_root *root, unsigned at, const struct art_run *run);

/* Of the blobs that it named none stays. While there are snapshots it goes on to say that some may have blocks: theirs,
 * so that who cannot read them touches neither table nor snapshots. */
static inline void art_root_rewritten(struct art_root *root) {
    root->blocks &= root->held;
}

enum art_rc art_root_encode(const struct art_root *root, struct art_buffer *out); /* clears `out` first */
enum art_rc art_root_decode(struct art_bytes bytes, struct art_root **out);       /* ART_CORRUPT, ART_NOMEM;
                                                                                   * ART_CANTOPEN: a newer one */
void art_root_note_rows(struct art_buffer *encoded);                              /* rows will follow it in the log */

/* All entries' weights, those of `above` included: what rows and chunks there are. Of a forged root it may be any
 * number: who adds counts of the disk lets them wrap around. */
static inline int64_t art_root_count(const struct art_root *root, int64_t above) {
    uint64_t count = (uint64_t)above;
    for (unsigned i = 0; i < root->runs; i++) count += (uint64_t)root->run[i].top.count;
    return (int64_t)count;
}

/* Of the rows that were left, those that still are where row `csn` is the log's last. */
static inline uint64_t art_root_left(const struct art_root *root, uint64_t csn) {
    return csn - root->csn < root->left_rows ? root->left_rows - (csn - root->csn) : 0;
}

/* Row `csn` deletes rows 1 to this one; 0: none. */
static inline uint64_t art_root_spent(const struct art_root *root, uint64_t csn) {
    return csn - root->csn <= root->left_rows ? csn - root->left_rows - 1 : 0;
}

/* Used pages of its blob. */
static inline uint32_t art_ref_pages(const struct art_ref *ref) {
    return (uint32_t)ref->leaf_pages + ref->footer_pages;
}

#endif
