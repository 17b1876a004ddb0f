/* The tree from the inside. Each file of this folder is one idea; this header says what they share.
 *
 *   tree.c       opening, limits, key buffers                run_cursor.c  a walk through one run
 *   refresh.c    what other connections committed            merge.c       sources side by side, newest first
 *   lookup.c     get, rank, count                            cursor.c      the host's cursor
 *   select.c     the row of a rank                           prefix.c      the longest stored prefix
 *   estimate.c   guesses without reading                   gap.c         where all is deleted
 *   write.c      insert, delete, move                        pieces.c      values over the threshold
 *   marks.c      savepoints                                  spill.c       a transaction larger than memory
 *   slots.c      which slots may be written; young slots     edit.c        a root in the making
 *   run_build.c  entries in, a run out                       splice.c      new children for a part of a run
 *   compact.c    flush, merges, optimize                     slice.c       a part of a run for the run below
 *   shrink.c     giving space back with each merge           vacuum.c      the same all at once
 *   commit.c     prepare, committed, rolled back          rows.c        blobs in the host's own rows
 *                                                         move.c        from a file into rows, or back
 *   check.h      the check, in files of its own              info.c        what the tree is like, for people
 *
 * A key in here begins with its name space: ART_SPACE_ROWS + path, or ART_SPACE_PIECES + id + piece number.
 */
#ifndef ART_TREE_PRIVATE_H
#define ART_TREE_PRIVATE_H

#include <assert.h>

#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/blob/builder.h"
#include "core/delta/delta.h"
#include "core/store/store.h"
#include "core/tree/root.h"
#include "core/tree/tree.h"

enum { ART_SPACE_ROWS = 1, ART_SPACE_PIECES = 2 };
enum { ART_KEY_BUFFER = ART_KEY_MAX + 1 + 2 * ART_KEY_PADDING, ART_LEVELS_MAX = 8 };

/* A root in the making: flush, merge and splice work on it; it becomes the tree's root (spill), or the pending root
 * of a commit. */
struct art_edit {
    struct art_root *root;    /* owned, not shared yet */
    struct art_slot_set used; /* slots that it names */
    uint64_t pages_written;
};

/* The young list of T_artstate (slots.c). */
struct art_young {
    bool loaded;
    bool freed;             /* found to be free in this transaction */
    struct art_epoch epoch; /* of the list; kind UNKNOWN or WAL */
    struct art_slot_set slots;
};

struct art_mark {
    uint64_t undo;         /* position in the delta's undo list */
    struct art_root *root; /* held */
    bool imaged;           /* the transaction spilled since: the delta is in `image` */
    bool beginning;        /* same state as the transaction's beginning */
    bool moved;            /* the blobs had been moved by then */
    bool big;
    struct art_slot_set used; /* imaged: slots that root names */
    uint32_t *image;          /* slots with the encoded delta */
    uint32_t image_slots;
    uint64_t image_bytes;
};

/* Where no row is (gap.c). */
struct art_gap {
    uint64_t stamp;             /* the tree's `changes` that it holds for */
    struct art_bytes low, high; /* no row in [low, high); without a `high` there is none */
    struct art_bytes edge;      /* of the walk under way: from here on all was deleted */
    bool within;                /* which has come into the remembered gap */
    uint8_t *room, *scratch;    /* for the keys, and ART_KEY_BUFFER bytes for whoever walks; NULL at first */
};

struct art_tree {
    struct art_tree_options options; /* paths are copies */
    struct art_host host;
    struct art_store *store;
    struct { /* the place before, in a transaction that has moved (move.c) */
        bool moved, inlined;
        const char *path, *host_path;
    } before;
    struct { /* blobs in rows of the host's (rows.c) */
        struct art_rows host, ours;
        unsigned inside;  /* calls of the host's that are under way */
        bool rolled_back; /* within one: still to be done here */
        struct art_io *scratch;
        uint32_t scratch_end;
    } rows;

    /* the committed state that is known, plus this transaction's changes */
    bool unknown;
    bool file_ready;       /* the file was found and accepted */
    struct art_root *root; /* what reads use */
    struct art_delta *delta;
    uint64_t csn;             /* of the last committed row or root */
    struct art_hash128 chain; /* its hash */
    uint64_t log_bytes, log_rows;
    uint64_t changes; /* counts what makes a cursor seek again */
    struct art_gap gap;

    struct { /* a refresh under way */
        bool active, rebuild, root_seen, row_seen, followed;
        uint64_t from;
    } refresh;

    struct {                          /* the running transaction */
        bool active;                  /* begun: csn fixed */
        bool dirty;                   /* something was changed, maybe taken back */
        bool adds;                    /* something else than deletes, maybe taken back */
        bool spilled;                 /* root is the transaction's own */
        bool big;                     /* holds a value that does not go through the log */
        bool flush, optimize, vacuum; /* asked for */
        bool alone;                   /* one statement: where its commit is refused, all of it is taken back */
        /* What an earlier prepare() made the host write in this transaction, and a refused COMMIT did not take back: the log is
         * empty but for a root; row 0 holds another root than the base. No ROLLBACK TO resets these: a savepoint may be younger. */
        bool cleared, rooted;
        bool shown,
            shown_before; /* a COMMIT may have left such a root in the journal; and as it was before the last prepare() */
        int doomed;       /* an error after which only a rollback helps */
        uint64_t csn;
        uint32_t pieces; /* counter of piece ids, never taken back */
        uint64_t change; /* tree->changes at the last prepare */
        struct art_root *base;
        struct art_mark *marks;
        uint32_t mark_count, mark_capacity;
    } txn;

    struct {                      /* slots */
        bool known;               /* `used` is right for `root` */
        bool writing;             /* the write phase has begun */
        bool reuse;               /* slots below the end may be taken */
        struct art_slot_set used; /* named by `root` (and images) */
        struct art_slot_set base; /* named by the base */
        struct art_slot_set free; /* handed to the store */
        struct art_young young;
        uint32_t end;
    } slots;

    struct { /* what prepare() found */
        bool ready;
        struct art_edit edit; /* root NULL: no new root */
        struct art_commit commit;
        struct art_hash128 chain;
        bool flushed;
        bool loose, gained;      /* the file stays larger than it need be; it was cut */
        struct art_delta *empty; /* the delta after a flush */
        struct art_buffer redo, root, young_bytes;
    } pending;

    struct art_buffer sweep[ART_LEVELS_MAX]; /* by level: separator at which the next slice begins */
    uint64_t redo_since_merge;               /* bytes of redo since the last merge: merging is paid by the way */
    bool small_slices;                       /* slice.c */
    bool full;                               /* the disk was, when blobs were last written; */
    unsigned attempt,
        thrift; /* the last way to vacuum, and the first that may not be too much for the disk (commit.c) */
    bool loose; /* the last root left the file larger than it need be, and another one may give more back */

    uint8_t *key;            /* ART_KEY_BUFFER bytes: the padded key of the call under way */
    uint8_t *second_key;     /* for calls with two keys */
    struct art_cursor *idle; /* closed cursors, to be used again */
    struct art_cursor *open; /* open ones: they must not outlive the tree unnoticed */
};

/* --- tree.c ------------------------------------------------------------------------------------------------------- */
/* For options that name none: 0 is full blobs. A test under SQL makes small ones, and with them many, of a few rows. */
extern uint32_t art_tree_blob_pages;
/* Pages of a full blob. */
static inline uint32_t art_tree_full_pages(const struct art_tree *tree) {
    return tree->options.blob_pages ? tree->options.blob_pages : ART_BLOB_PAGES;
}
/* The tree key of a path, padded; borrowed until the buffer's next use. ART_TOOBIG. */
int art_row_key(uint8_t *buffer, struct art_bytes path, struct art_bytes *out);
/* Long work asks the host now and then. ART_INTERRUPT. */
int art_tree_interrupted(struct art_tree *tree);
/* The key in a buffer, padded; with `after` the smallest one above it. */
static inline struct art_bytes art_bound_key(uint8_t *buffer, struct art_bytes key, bool after) {
    if (key.data != buffer) memcpy(buffer, key.data, key.len);
    memset(buffer + key.len, 0, 1 + ART_KEY_PADDING);
    return art_bytes(buffer, key.len + after);
}
/* As art_tree_ready, and begins the transaction. */
int art_tree_begin(struct art_tree *tree);

/* --- lookup.c ----------------------------------------------------------------------------------------------------- */
struct art_found {
    struct art_entry entry; /* the newest */
    bool any;               /* some source has an entry */
    bool live;              /* and it is a put */
    bool in_delta;
    struct art_blob *blob; /* where the entry lies, when it is not in the delta */
};
int art_tree_find(struct art_tree *tree, struct art_bytes key, struct art_found *out);
/* For whoever sets the key then, whatever is found: with its place in the delta. */
int art_tree_find_place(struct art_tree *tree, struct art_bytes key, struct art_found *out,
                        struct art_delta_place *place);
/* What one run says of a key: ART_OK, ART_NOTFOUND. */
int art_run_get(struct art_tree *tree, const struct art_run *run, struct art_bytes key, struct art_entry *out);
/* The tree keys (padded) at which a range begins and ends: what is not before the one and before the other is in it. */
struct art_bytes art_range_low(uint8_t *buffer, const struct art_range *range);
struct art_bytes art_range_high(uint8_t *buffer, const struct art_range *range);
/* Sum of weights of all keys < key. */
int art_tree_rank(struct art_tree *tree, struct art_bytes key, int64_t *out);
/* The `over` that an entry for this key must carry in the delta. */
static inline uint8_t art_found_over(const struct art_found *found) {
    return found->in_delta ? found->entry.flags & ART_OVER : found->live ? ART_OVER : 0;
}

/* --- select.c ----------------------------------------------------------------------------------------------------- */
/* Two keys, and room of ART_KEY_BUFFER bytes for each and for keys on the way. */
struct art_between {
    struct art_bytes low, high; /* padded, in the buffers */
    uint8_t *low_buffer, *high_buffer, *scratch;
};
/* The key of the row in [low, high) before which `rank` rows of the whole tree stand; rank(low) <= rank < rank(high).
 * The bounds close in on it; *key is borrowed from a buffer or the delta. Whoever gets it must see that it is a row's:
 * where the sums on disk lie it may be any key, or ART_NOTFOUND. */
int art_tree_select(struct art_tree *tree, int64_t rank, struct art_between *between, struct art_bytes *key);

/* --- gap.c -------------------------------------------------------------------------------------------------------- */
void art_gap_clear(struct art_gap *gap);
/* Surely no row there? */
bool art_gap_has(const struct art_tree *tree, struct art_bytes key);
/* A walk has passed many deletes and stands on another one. gap->within: it may go on at the gap's other end. */
int art_gap_enter(struct art_tree *tree, struct art_bytes key);
/* It has come to the next row, or to what it ends at. */
void art_gap_leave(struct art_tree *tree, struct art_bytes end, bool backward);
/* Counts a change. `same`: what had no row in the gap has none. */
static inline void art_tree_changed(struct art_tree *tree, bool same) {
    tree->gap.stamp += same && tree->gap.stamp == tree->changes;
    tree->changes++;
}

/* --- run_cursor.c ------------------------------------------------------------------------------------------------- */
/* A position in one run: at an entry of a leaf (bottom 0), or at a child reference of an index blob of level
 * `bottom`. In that case the keys are separators. Holds the blobs on its path. */
struct art_run_cursor {
    struct art_store *store;
    struct art_ref top; /* label borrowed from the root */
    unsigned bottom;
    bool valid;
    struct art_blob_cursor leaf; /* at the bottom level */
    struct art_blob *path[ART_LEVELS_MAX];
    uint32_t index[ART_LEVELS_MAX], entries[ART_LEVELS_MAX];
    uint32_t window, ahead; /* of a walk: leaves to have asked for at a time; asked for and still to come */
    uint8_t *key;           /* the bottom's key buffer */
    uint8_t *scratch;       /* keys of upper levels */
};
int art_run_cursor_open(struct art_run_cursor *cursor, struct art_store *store);
void art_run_cursor_close(struct art_run_cursor *cursor);
/* Lets all blobs go and takes the run. `top` is copied; its label must outlive the use. bottom <= top->level. */
void art_run_cursor_reset(struct art_run_cursor *cursor, const struct art_ref *top, unsigned bottom);
int art_run_first(struct art_run_cursor *cursor);
int art_run_last(struct art_run_cursor *cursor);
int art_run_seek_ge(struct art_run_cursor *cursor, struct art_bytes key);
int art_run_seek_le(struct art_run_cursor *cursor, struct art_bytes key);
int art_run_next(struct art_run_cursor *cursor);
int art_run_skip(struct art_run_cursor *cursor, uint32_t len, struct art_bytes behind); /* art_merge_skip() */
int art_run_prev(struct art_run_cursor *cursor);
/* A run of plain puts: to the entry before which `rank` others stand. */
int art_run_seek_rank(struct art_run_cursor *cursor, int64_t rank);
static inline struct art_bytes art_run_key(const struct art_run_cursor *cursor) {
    return art_bytes(cursor->key, cursor->leaf.key_len);
}

/* --- merge.c ------------------------------------------------------------------------------------------------------ */
/* Sources side by side, newest first: source 0 may be a delta. */
struct art_source {
    bool is_delta;
    bool valid;
    struct art_bytes key; /* under the source's cursor */
    uint64_t left;        /* entries that still take part (compaction only) */
    struct art_delta_cursor delta;
    struct art_run_cursor run;
};
/* The sources of a state; `sources` has room for ART_RUNS_CAPACITY + 1. */
struct art_merge {
    struct art_source source[ART_RUNS_CAPACITY + 1];
    unsigned count, opened;
    unsigned winner; /* the source under the merge's position */
    unsigned runner; /* the source next in order */
    bool valid;
    struct art_store *store;
    struct art_buffer padded; /* a key of the delta's, to be searched for */
};
void art_merge_init(struct art_merge *merge, struct art_store *store);
void art_merge_clear(struct art_merge *merge);
/* Takes sources: the delta (may be NULL), then runs. */
int art_merge_set(struct art_merge *merge, struct art_delta *delta, const struct art_run *runs, unsigned count);
/* Positions every source; then art_merge_select_*() finds the smallest (largest) key's newest entry and moves the
 * others past it. */
int art_merge_seek(struct art_merge *merge, struct art_bytes key,
                   bool backward); /* key.data NULL: the very first (last) */
int art_merge_step(struct art_merge *merge, bool backward);
/* Forward, past all keys that begin with the first `len` bytes of the present one; `behind`: the first key after these. */
int art_merge_skip(struct art_merge *merge, uint32_t len, struct art_bytes behind);
/* The winner has moved by itself, past the runner: whose turn is it? */
int art_merge_moved(struct art_merge *merge, bool backward);
/* A merge of one run alone, of plain puts. */
int art_merge_seek_rank(struct art_merge *merge, int64_t rank);
enum { ART_NO_SOURCE = UINT8_MAX };
/* Nothing but the winner is left. */
static inline bool art_merge_alone(const struct art_merge *merge) {
    return merge->runner == ART_NO_SOURCE;
}
static inline struct art_source *art_merge_winner(struct art_merge *merge) {
    return &merge->source[merge->winner];
}
/* A single source: to the first key not before `key`, or backward, the last one not behind it. */
int art_source_seek(struct art_source *source, struct art_bytes key, bool backward);
void art_source_entry(struct art_source *source, struct art_entry *out);
/* For compaction, forward only: every source is positioned by art_merge_limit() (from.data NULL: its first entry) and
 * takes part with `entries` entries; the winner's entry is combined with what the older sources say: it takes over
 * their `over`, the rule is checked. */
int art_merge_limit(struct art_merge *merge, unsigned index, struct art_bytes from, uint64_t entries);
void art_merge_begin_combined(struct art_merge *merge);
int art_merge_combine(struct art_merge *merge, struct art_entry *out);
int art_merge_step_combined(struct art_merge *merge);
/* Buckets [from, to) of the winner's blob, which begin with its entry, in which no other source has a say and which hold
 * nothing but plain puts: may go into the output as they are. None: from == to. */
struct art_stretch {
    struct art_blob *blob;
    uint32_t from, to;
};
int art_merge_stretch(struct art_merge *merge, struct art_stretch *out);
/* Entries in the first `buckets` of them. */
static inline uint64_t art_stretch_entries(const struct art_stretch *stretch, uint32_t buckets) {
    return art_blob_entries_in(stretch->blob, stretch->from, stretch->from + buckets);
}
/* Steps past so many entries of the winner, all of a stretch. */
int art_merge_skip_combined(struct art_merge *merge, uint64_t entries);
/* A single source: to its next entry. */
int art_source_next(struct art_source *source);

/* --- slots.c ------------------------------------------------------------------------------------------------------ */
/* Makes slots.used right for tree->root. */
int art_slots_know(struct art_tree *tree);
/* An .art file that nobody has claimed becomes this database's; no call to the system where there is nothing to claim. */
int art_slots_claim(struct art_tree *tree);
/* Lock, secure, young list: everything before the first slot of a transaction is written. */
int art_slots_begin(struct art_tree *tree);
int art_slots_take(struct art_tree *tree, struct art_edit *edit, uint32_t *slot);
/* Discards what lies in slots that neither the base nor the edit names, where that is wasted room. */
int art_slots_discard(struct art_tree *tree, const struct art_edit *edit);
/* The edit does not name the slot any more. */
void art_slots_drop(struct art_tree *tree, struct art_edit *edit, uint32_t slot);
/* Calls `visit` with every reference of a run, its top included. */
int art_run_each_ref(struct art_store *store, const struct art_run *run,
                     int (*visit)(void *context, const struct art_ref *ref), void *context);
/* The list as the host has it committed, without slots from `end` on: the file has been cut there since, or the list was
 * made by nobody. */
int art_young_load(struct art_tree *tree, uint32_t end, struct art_young *out);
/* Its slots one by one, ascending; ends with what `visit` returns, unless that is ART_OK. */
int art_young_each(struct art_bytes bytes, int (*visit)(void *context, uint32_t slot), void *context);
/* Slots in a file of so many bytes. */
uint32_t art_slots_in(uint64_t file_bytes);
/* The list to be committed with `used`. */
int art_slots_young(struct art_tree *tree, const struct art_slot_set *used);
/* Gives back what `from` names and `keep` does not. */
void art_slots_return(struct art_tree *tree, const struct art_slot_set *from, const struct art_slot_set *keep);
int art_slot_set_copy(const struct art_slot_set *from, struct art_slot_set *to);
void art_slots_end(struct art_tree *tree);
/* After work that has failed, or a rollback: what it has added to the file is cut off. Keeps the error's message. */
void art_slots_cut_back(struct art_tree *tree);

/* --- edit.c ------------------------------------------------------------------------------------------------------- */
int art_edit_begin(struct art_tree *tree, struct art_edit *edit);
void art_edit_discard(struct art_tree *tree, struct art_edit *edit);
/* Finishes a builder's blob: takes a slot, writes it. *inside, if not NULL: entries (index blobs: children) in it. */
int art_edit_write(struct art_tree *tree, struct art_edit *edit, struct art_builder *builder,
                   struct art_blob_buf *buffer, struct art_built *out, uint32_t *inside);

/* --- run_build.c -------------------------------------------------------------------------------------------------- */
struct art_child { /* a child reference with its separator; both owned */
    struct art_bytes separator;
    struct art_ref ref;
};
struct art_children {
    struct art_child *child;
    uint32_t count, capacity;
    uint64_t bytes;        /* of separators and labels */
    uint64_t blobs, pages; /* of all blobs that were written for them */
};
void art_children_clear(struct art_children *children);
int art_children_add(struct art_children *children, struct art_bytes separator, const struct art_ref *ref);

struct art_run_build; /* entries in ascending order in, leaf blobs and their index out */
/* fill_pages: close a leaf blob when it uses so many pages, 0: when it is full. whole: it ends with art_run_build_run(), and the
 * children are folded into index blobs on the way. */
int art_run_build_open(struct art_run_build **out, struct art_tree *tree, struct art_edit *edit, bool filter,
                       uint32_t fill_pages, bool whole);
int art_run_build_add(struct art_run_build *build, struct art_bytes key, const struct art_entry *entry);
/* Takes buckets as they are, pages at a time; *taken: so many, 0 when it would not pay off or they do not begin a page. */
int art_run_build_copy(struct art_run_build *build, const struct art_stretch *stretch, uint32_t *taken);
/* Only leaves: their references (for a splice). */
int art_run_build_children(struct art_run_build *build, struct art_children *out);
/* A whole run; top.entries 0 when nothing was added. The label is owned by the caller (art_run_clear). */
int art_run_build_run(struct art_run_build *build, struct art_run *out);
void art_run_build_close(struct art_run_build *build);
void art_run_clear(struct art_run *run);
/* Index blobs of `level` over `children`, their references to `out`. */
int art_index_build(struct art_tree *tree, struct art_edit *edit, unsigned level, const struct art_children *children,
                    struct art_children *out);

/* --- splice.c ----------------------------------------------------------------------------------------------------- */
/* Replaces the leaf blobs of `run` whose separators lie in [low, high) (high.data NULL: to the end) by `children` and
 * frees the replaced ones (`moved`: not the leaves, some of which `children` or another run name: the caller does, with
 * the others); the result, maybe empty (top.entries 0), is owned by the caller. */
int art_run_splice(struct art_tree *tree, struct art_edit *edit, const struct art_run *run, struct art_bytes low,
                   struct art_bytes high, bool moved, const struct art_children *children, struct art_run *out);
/* Frees all slots of a run (after it was merged away). */
int art_run_drop(struct art_tree *tree, struct art_edit *edit, const struct art_run *run);

/* --- compact.c ---------------------------------------------------------------------------------------------------- */
int art_compact_flush(struct art_tree *tree, struct art_edit *edit, const struct art_delta *delta);
/* Merges what is due: pages that are owed, and after that until 4 MB are written or 5 ms gone (UINT64_MAX: all). */
int art_compact_merge(struct art_tree *tree, struct art_edit *edit, uint64_t owed_pages);
bool art_compact_due(const struct art_tree *tree);
/* The delta and all runs become one run: what remains of them is all that is written. */
int art_compact_all(struct art_tree *tree, struct art_edit *edit, struct art_delta *delta);
/* The same by and by, from the newest run on, without the delta: each slice leaves about as many slots as it takes. */
int art_compact_some(struct art_tree *tree, struct art_edit *edit, unsigned slices);
/* All that the merge's sources hold, in order. `last`: nothing lies below the output, so only plain puts may come out. */
int art_merge_into(struct art_tree *tree, struct art_merge *merge, struct art_run_build *build, bool last);

/* --- slice.c ------------------------------------------------------------------------------------------------------ */
/* Gives a part of run `at`, maybe all of it, to the run below it. */
int art_slice_give(struct art_tree *tree, struct art_edit *edit, unsigned at);

/* --- shrink.c ----------------------------------------------------------------------------------------------------- */
/* The leaf blob's entries in new blobs. */
int art_leaf_build_again(struct art_tree *tree, struct art_edit *edit, const struct art_run *run,
                         struct art_bytes separator, const struct art_ref *leaf, bool filter, struct art_children *out);
/* Moves one leaf blob from the file's end to a free slot before it, where that is worth while. */
int art_shrink_step(struct art_tree *tree, struct art_edit *edit, bool *moved);
/* Cuts off what is free at the file's end, where that is worth while. */
int art_shrink_cut(struct art_tree *tree, const struct art_edit *edit);

/* --- vacuum.c ----------------------------------------------------------------------------------------------------- */
/* Moves all that the free slots have room for, `most` blobs at most. */
int art_vacuum(struct art_tree *tree, struct art_edit *edit, uint32_t most);
/* 'optimize' and 'vacuum' leave no slack. */
static inline bool art_wants_small(const struct art_tree *tree) {
    return tree->txn.optimize || tree->txn.vacuum;
}

/* --- commit.c ----------------------------------------------------------------------------------------------------- */
/* What an earlier prepare() made is not wanted any more: before anything else changes which slots the tree names. */
void art_pending_forget(struct art_tree *tree);

/* --- move.c ------------------------------------------------------------------------------------------------------- */
struct art_store_place art_place_of(struct art_tree *tree, const struct art_tree_place *place);
/* The place that options name, with copies of the paths; the options' own are not freed. */
int art_place_copy(struct art_tree_options *options, const struct art_tree_place *place);
void art_move_back(struct art_tree *tree);
void art_move_end(struct art_tree *tree);

/* --- rows.c ------------------------------------------------------------------------------------------------------- */
/* The host's rows, seen through here. */
const struct art_rows *art_rows_of(struct art_tree *tree);
/* A rollback in the middle of a call is noted, and done by whatever is asked next. */
void art_rows_note_rollback(struct art_tree *tree);
void art_rows_catch_up(struct art_tree *tree);
static inline bool art_tree_inside(const struct art_tree *tree) {
    return tree->rows.inside > 0;
}
/* Slots of a file that ends with the transaction, and that no ROLLBACK TO touches. */
int art_scratch_take(struct art_tree *tree, uint32_t *slot);
int art_scratch_write(struct art_tree *tree, uint32_t slot, const struct art_blob_buf *buffer);
int art_scratch_read(struct art_tree *tree, uint32_t slot, struct art_blob_buf *buffer);
void art_scratch_end(struct art_tree *tree);

/* --- spill.c, marks.c --------------------------------------------------------------------------------------------- */
int art_tree_spill(struct art_tree *tree);
void art_marks_clear(struct art_tree *tree, uint32_t from);
int art_image_read(struct art_tree *tree, const struct art_mark *mark, struct art_delta **out);

/* --- pieces.c ----------------------------------------------------------------------------------------------------- */
enum { ART_PIECE_BYTES = 4032, ART_PIECES_REF = 28, ART_BIG_VALUE = 65536 };
/* Cuts `value` into entries of the delta and writes the row's reference (ART_PIECES_REF bytes). */
int art_pieces_put(struct art_tree *tree, struct art_bytes value, uint8_t *ref);
int art_pieces_delete(struct art_tree *tree, struct art_bytes ref);
uint64_t art_pieces_length(struct art_bytes ref);
enum { ART_PIECE_ID = 12, ART_PIECE_KEY = 1 + ART_PIECE_ID + 4 };
struct art_pieces_ref {
    uint64_t length, hash;
    uint8_t id[ART_PIECE_ID]; /* csn and counter, big-endian */
};
struct art_pieces_ref art_pieces_decode(struct art_bytes bytes); /* length 0: senseless */
struct art_bytes art_piece_key(uint8_t key[ART_PIECE_KEY + ART_KEY_PADDING], const uint8_t id[ART_PIECE_ID],
                               uint32_t number);

/* --- cursor.c ----------------------------------------------------------------------------------------------------- */
void art_cursors_free(struct art_tree *tree);
/* The sources of an open cursor, today's, for whoever only wants to look into each. The cursor is not valid then. */
int art_cursor_sources(struct art_cursor *cursor, struct art_merge **out);

#endif
