/* Runs: walked through side by side, built, merged, and given other slots.
 *
 *   run_cursor.c  a walk through one run                     merge.c     sources side by side, newest first
 *   slots.c       which slots may be written; retired slots    edit.c      a root in the making
 *   run_build.c   entries in, a run out                      splice.c    new children for a part of a run
 *   training.c    tables of symbols for a build
 *   compact.c     flush, merges, optimize                    partial.c   a part of a run for the run below
 *   hidden.c      what newer runs hide of the last one
 *   append.c      new values behind all others              directory.c   a range of keys as one thing
 *   shrink.c      giving space back with each merge          vacuum.c    the same all at once
 *   held.c        what snapshots hold                        distinct.c  the blobs of several roots, each once
 *
 * Where nothing else is said a function returns ART_OK, or what reading and writing blobs failed with: ART_CORRUPT,
 * ART_IO, ART_NOMEM, ... (core/store/store.h). What has taken an edit leaves it, after an error, only to be
 * discarded. */
#ifndef ART_TREE_RUN_H
#define ART_TREE_RUN_H

#include "core/tree/state/state.h"

/* --- run_cursor.c ------------------------------------------------------------------------------------------------- */
/* A position in one run: at an entry of a leaf (bottom 0), or at a child reference of an index blob of height
 * `bottom`. In that case the keys are separators. Pins the blobs on its path. */
struct art_run_cursor {
    struct art_store *store;
    struct art_ref top; /* label borrowed from the root */
    unsigned bottom;
    bool valid;
    uint64_t newer_than;  /* 0, or set behind reset: what is not newer may be passed over, as far as bounds tell */
    bool shadows_nothing; /* newer_than is set, and this is the oldest source: deletes alone may be passed over, too */
    const struct art_limits *limits; /* NULL, or what is not wanted. Only of the last run, unless the caller asks the
                                        newer ones itself: what is passed over may hide an older entry */
    const struct art_bytes *stop;    /* with newer_than or limits: a key behind which nothing is asked for */
    struct art_tree *tree;           /* with limits: who may interrupt a search among leaves */
    bool plain;                      /* false, or set behind open: no entry is in a block */
    struct art_plain_bucket *room;   /* with it, once a blob with blocks was met */
    struct art_blob_cursor leaf;     /* at `bottom` */
    struct art_blob *path[ART_HEIGHTS_MAX];
    uint32_t index[ART_HEIGHTS_MAX], entries[ART_HEIGHTS_MAX];
    uint32_t ahead;         /* leaves that a walk has asked for and that are still to come */
    uint32_t entered;       /* index blobs, by this walk */
    struct art_buffer left; /* the key from which a step leads into another blob */
    uint8_t *key;           /* the bottom's key buffer */
    uint8_t *scratch;       /* keys of index blobs */
};
/* A cursor without a run, to be reset; ART_NOMEM. Closed, or a failed one, it has nothing, and may be closed again. */
enum art_rc art_run_cursor_open(struct art_run_cursor *cursor, struct art_store *store);
void art_run_cursor_close(struct art_run_cursor *cursor);
/* Lets all blobs go and takes the run. `top` is copied; its label must outlive the use. bottom <= top->height. */
void art_run_cursor_reset(struct art_run_cursor *cursor, const struct art_ref *top, unsigned bottom);
/* To an entry, or to none: ART_OK with `valid` either way; an error of reading: not valid. Keys are tree keys, padded.
 * next(), skip() and prev() go on from a valid cursor. Whatever the bytes are, next() comes to a key behind the one
 * that it leaves, prev() before it, or to the end, or is ART_CORRUPT: a walk by steps ends. A search may lead anywhere,
 * and who goes on by searches compares, as art_merge_seek() does. */
enum art_rc art_run_first(struct art_run_cursor *cursor);
enum art_rc art_run_last(struct art_run_cursor *cursor);
enum art_rc art_run_seek_ge(struct art_run_cursor *cursor, struct art_bytes key);
enum art_rc art_run_seek_le(struct art_run_cursor *cursor, struct art_bytes key);
enum art_rc art_run_next(struct art_run_cursor *cursor);
enum art_rc art_run_skip(struct art_run_cursor *cursor, uint32_t len, struct art_bytes behind); /* art_merge_skip() */
enum art_rc art_run_prev(struct art_run_cursor *cursor);
/* A run of plain puts: to the entry before which `rank` others stand; not valid where there are not so many. */
enum art_rc art_run_seek_rank(struct art_run_cursor *cursor, int64_t rank);
/* *out: the leaf blob behind the one that a valid cursor is in, where one index blob has both; else as it was. Borrowed
 * as art_store_blob() says. */
enum art_rc art_run_next_leaf(struct art_run_cursor *cursor, struct art_blob **out);
/* The key of a valid cursor, borrowed until it moves. */
static inline struct art_bytes art_run_key(const struct art_run_cursor *cursor) {
    return art_bytes(cursor->key, cursor->leaf.key_len);
}

/* --- merge.c ------------------------------------------------------------------------------------------------------ */
/* Sources side by side, newest first: source 0 may be a memtable. */
struct art_source {
    bool is_memtable;
    bool valid;
    struct art_bytes key; /* under the source's cursor */
    uint32_t agrees;      /* bytes that it has in common with the key before it in line */
    uint64_t left;        /* entries that still take part (compaction only) */
    struct art_memtable_cursor memtable;
    struct art_run_cursor run;
};
/* A merge has room for the memtable and ART_RUNS_CAPACITY runs. */
struct art_merge {
    struct art_source source[ART_RUNS_CAPACITY + 1];
    unsigned count, opened;
    unsigned waiting;                    /* sources in line */
    uint8_t line[ART_RUNS_CAPACITY + 1]; /* those that are valid, by their keys; the newest first among equal keys */
    bool valid;
    bool passed;   /* the last step has led others past the winner's key */
    uint32_t kept; /* behind a step: so many bytes of the winner's key, at least, are those of the winner's before */
    bool plain;
    struct art_store *store;
    struct art_buffer stored; /* what was combined, where it is nowhere else */
    uint32_t twice; /* of the winner, combined: deletes of a chunk that was deleted already, in a forged table */
};
/* No sources; cleared it has none again, and nothing of its own. `plain`: no entry is in a block, since the most of the
 * values are asked for. */
void art_merge_init(struct art_merge *merge, struct art_store *store, bool plain);
void art_merge_clear(struct art_merge *merge);
/* Takes sources, in the place of those there were: the memtable (may be NULL), then runs; all borrowed, `limits` and
 * the like of their cursors reset. On none of them yet. ART_NOMEM: no sources. */
enum art_rc art_merge_set(struct art_merge *merge, struct art_memtable *memtable, const struct art_run *runs,
                          unsigned count);
/* Positions every source, and moves those that hold the first (backward: last) key past it, but for the newest of them.
 * key.data NULL: the very first (last) key. All of these return ART_OK (look at `valid`) or an error of reading, and
 * are not valid then. */
enum art_rc art_merge_seek(struct art_merge *merge, struct art_bytes key, bool backward);
/* From the winner's key, which is valid, to the next one, in the direction of the seek. */
enum art_rc art_merge_step(struct art_merge *merge, bool backward);
/* Forward, past all keys that begin with the first `len` bytes of the present one; `behind`: the first key after
 * these. */
enum art_rc art_merge_skip(struct art_merge *merge, uint32_t len, struct art_bytes behind);
/* The winner has moved by itself, and `kept` bytes of its key are what they were: a step's other half. */
enum art_rc art_merge_moved(struct art_merge *merge, uint32_t kept, bool backward);
/* A merge of one run alone, of plain puts: to the row before which `rank` others stand. */
enum art_rc art_merge_seek_rank(struct art_merge *merge, int64_t rank);
/* Nothing but the winner is left. */
static inline bool art_merge_alone(const struct art_merge *merge) {
    return merge->waiting == 1;
}
/* The source under the merge's position. */
static inline struct art_source *art_merge_winner(struct art_merge *merge) {
    return &merge->source[merge->line[0]];
}
/* The source behind the winner, of several. */
static inline const struct art_source *art_merge_runner(const struct art_merge *merge) {
    return &merge->source[merge->line[1]];
}
/* A single source: to the first key not before `key`, or backward, the last one not behind it; key.data NULL: to the
 * first or last of all. The line is left as it is. */
enum art_rc art_source_seek(struct art_source *source, struct art_bytes key, bool backward);
/* What a valid source stands on; the value is borrowed from its memtable or image. */
void art_source_entry(struct art_source *source, struct art_entry *out);
/* For compaction, forward only: every source is positioned by art_merge_limit() (from.data NULL: its first entry) and
 * takes part with `entries` entries. When all are, begin_combined() lines them up. combine() gives the winner's entry
 * combined with what the older sources say, in a plain merge: it takes over their `shadows_older`, with what that
 * replaces; ART_CORRUPT where that breaks the rule, but for art_deletes_chunk(); its value is borrowed until the next
 * call. step_combined() goes on from a valid merge. */
enum art_rc art_merge_limit(struct art_merge *merge, unsigned index, struct art_bytes from, uint64_t entries);
void art_merge_begin_combined(struct art_merge *merge);
enum art_rc art_merge_combine(struct art_merge *merge, struct art_entry *out);
enum art_rc art_merge_step_combined(struct art_merge *merge);
/* A single source, valid: to its next entry, or the one before. The line is left as it is. */
enum art_rc art_source_step(struct art_source *source, bool backward);

/* --- slots.c ------------------------------------------------------------------------------------------------------ */
/* Makes slots.used right for tree->root; without I/O where it is. Else reads all index blobs: ART_CORRUPT where two
 * references lead to one slot or a blob lies behind the file's end. */
enum art_rc art_slots_know(struct art_tree *tree);
/* An .art file that nobody has claimed becomes this database's; no call to the system where there is nothing to claim.
 * ART_BUSY when the host does not wait any longer; as art_store_write_begin(). */
enum art_rc art_slots_claim(struct art_tree *tree);
/* Lock, secure, retired list: everything before the first slot of a transaction is written. Where the write phase is
 * under way it only asks again for the slots below the end. On an error of the first call nothing is locked. */
enum art_rc art_slots_begin(struct art_tree *tree);
/* A slot for a new blob of the edit, which names it from now on; within the write phase. ART_TOOBIG, ART_NOMEM: none is
 * taken. */
enum art_rc art_slots_take(struct art_tree *tree, struct art_version_edit *edit, uint32_t *slot);
/* Discards what lies in slots that neither the base nor the edit names, where that is wasted room: in `most` slots at
 * most. *all: no more are there, but for those that the next blobs overwrite. The others stay in the retired list.
 * ART_NOMEM, or what the host's rows said. */
enum art_rc art_slots_discard(struct art_tree *tree, const struct art_version_edit *edit, uint64_t most, bool *all);
/* Free slots that are left alone beside so many in use: the next merges take them. A small table has fewer to spare:
 * its log and level-0 runs, which do not shrink with it, take their share already. */
uint32_t art_slots_slack(uint32_t used);
/* The edit does not name the slot any more; the store has it back, unless base, present root or a savepoint name it. */
void art_slots_drop(struct art_tree *tree, struct art_version_edit *edit, uint32_t slot);
/* Calls `visit` with every reference of a run, from its top down, until it returns anything but ART_OK, which is
 * returned then. No leaf is read. The reference is borrowed for the call. */
enum art_rc art_run_each_ref(struct art_store *store, const struct art_run *run,
                             enum art_rc (*visit)(void *context, const struct art_ref *ref), void *context);
/* The list as the host has it committed, without slots from `end` on: the file has been cut there since, or the list
 * was made up. ART_CORRUPT, ART_NOMEM, or what the host said; the state of *out is
 * ART_RETIRED_UNREAD then. The caller clears its slots. */
enum art_rc art_retired_load(struct art_tree *tree, uint32_t end, struct art_retired *out);
/* The slots of a list, one by one, ascending; ends with what `visit` returns, unless that is ART_OK. ART_CORRUPT: no
 * such list. */
enum art_rc art_retired_each(struct art_bytes bytes, enum art_rc (*visit)(void *context, uint32_t slot), void *context);
/* Slots in a file of so many bytes, the last one cut short or not. */
uint32_t art_slots_in(uint64_t file_bytes);
/* The list to be committed with `used`, into pending.retired_bytes; says, too, whether a checkpoint is wanted. Within
 * the write phase. ART_NOMEM, or what the host said of its epoch. */
enum art_rc art_slots_retired(struct art_tree *tree, const struct art_slot_set *used);
/* Gives back to the store the slots of `from` that neither `keep` nor the base or a savepoint names. */
void art_slots_return(struct art_tree *tree, const struct art_slot_set *from, const struct art_slot_set *keep);
/* *to, a set that may have members, becomes a copy of its own. ART_NOMEM: it is what it was. */
enum art_rc art_slot_set_copy(const struct art_slot_set *from, struct art_slot_set *to);
/* The end of the write phase: the lock goes, and what was known for it alone. Nothing where there is none. */
void art_slots_end(struct art_tree *tree);
/* After work that has failed, or a rollback: what it has added to the file is cut off. Keeps the error's message. */
void art_slots_cut_back(struct art_tree *tree);
/* After the commit of a transaction that has spilled: cuts off what it has added to the file and the committed root
 * does not name, since only its own roots named that. Not where an earlier COMMIT was refused with a root: it may be in
 * the journal. */
void art_slots_cut_spilled(struct art_tree *tree);

/* --- held.c ------------------------------------------------------------------------------------------------------- */
/* A set of slots as bytes, which are cleared first; ART_NOMEM. */
enum art_rc art_slots_encode(const struct art_slot_set *set, struct art_buffer *out);
/* Adds the members below `end` to a set. *highest: of all members, 0 without any. ART_CORRUPT, ART_NOMEM: some are
 * added. */
enum art_rc art_slots_decode(struct art_bytes bytes, uint32_t end, struct art_slot_set *set, uint32_t *highest);
/* The host's two sets, to be cleared. */
struct art_held_rows {
    struct art_buffer held, let_go;
};
enum art_rc art_held_rows_load(struct art_tree *tree, struct art_held_rows *out); /* what the host said */
/* Before the write phase. What the host said, or ART_CORRUPT: the base says that there are some, and there are none; or
 * the other way round. */
enum art_rc art_held_read(struct art_tree *tree, struct art_held_rows *out);
void art_held_rows_clear(struct art_held_rows *rows);
/* The error for it: there are sets, and the root says that there are none; or the other way round. */
enum art_rc art_held_disagree(bool there);
/* At its beginning, when base is what the base root names: both come into it, and slots.held is set. *highest: the
 * highest slot that is held, which may lie behind the file's end. Slots that were let go may, too, in a copy of the
 * file (txn/copy.c): those are free. ART_CORRUPT, ART_NOMEM. */
enum art_rc art_held_begin(struct art_tree *tree, const struct art_held_rows *rows, uint32_t *highest);
/* Before a root is named: slots.held is set once more, since snapshots may have been dropped, and drops taken back.
 * pending.lets_go says whether there is something to empty. */
enum art_rc art_held_again(struct art_tree *tree);
/* Does what is pending still hold, behind a refused COMMIT that has emptied what was let go? Not where a snapshot was
 * dropped since. */
enum art_rc art_held_is_same(struct art_tree *tree, bool *same);

/* --- edit.c ------------------------------------------------------------------------------------------------------- */
/* A copy of the tree's root, with the next generation, in the write phase, which it begins if need be. On an error
 * there is no edit (root NULL), and discarding it is fine. */
enum art_rc art_edit_begin(struct art_tree *tree, struct art_version_edit *edit);
/* Before its root is named: do its runs hold what was put in and taken out of them? ART_CORRUPT. */
enum art_rc art_edit_check(const struct art_tree *tree, const struct art_version_edit *edit);
/* Gives up what was written for the edit, and its slots. Nothing where there is none. */
void art_edit_discard(struct art_tree *tree, struct art_version_edit *edit);
/* The edit's root has no run any more, and names no slot. Nothing is read, and nothing can fail. */
void art_edit_empty(struct art_tree *tree, struct art_version_edit *edit);
/* Writes a leaf blob once more, into a slot of its own: *out leads there, and borrows what `from` does. */
enum art_rc art_edit_move(struct art_tree *tree, struct art_version_edit *edit, const struct art_ref *from,
                          struct art_ref *out);
/* Finishes a builder's blob: takes a slot, writes it. `cold`: as art_store_write() is told. From the write on the
 * buffer is the store's (cleared), also where that fails; *out is borrowed from the builder. */
enum art_rc art_edit_write(struct art_tree *tree, struct art_version_edit *edit, struct art_builder *builder,
                           struct art_blob_buf *buffer, struct art_built *out, bool cold);

/* --- run_build.c -------------------------------------------------------------------------------------------------- */
/* What entries or references add up to, by which what was built is compared with what was to be: both wrap. */
struct art_tally {
    uint64_t entries, weight;
};
static inline void art_tally_add(struct art_tally *tally, const struct art_ref *ref) {
    tally->entries += ref->entries;
    tally->weight += (uint64_t)ref->count;
}
static inline void art_tally_take(struct art_tally *tally, const struct art_ref *ref) {
    tally->entries -= ref->entries;
    tally->weight -= (uint64_t)ref->count;
}
/* ART_CORRUPT where they differ. */
enum art_rc art_tally_compare(const struct art_tree *tree, const struct art_tally *expected,
                              const struct art_tally *built);

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
/* Frees all of them; zeros are fine, and are left. */
void art_children_clear(struct art_children *children);
/* Copies both to the end. ART_NOMEM: nothing was added. */
enum art_rc art_children_add(struct art_children *children, struct art_bytes separator, const struct art_ref *ref);
/* Without the last one, whose blob and pages no longer count. */
void art_children_drop_last(struct art_children *children);

struct art_run_build; /* entries in ascending order in, leaf blobs and their index out */
/* last: it is for the oldest run, or becomes it. So all are plain puts, which may stand in blocks, and leaf blobs need
 * a filter only where the table is larger than its cache: elsewhere a page of rows answers as soon. fill_pages: close
 * a leaf blob when it uses so many pages, 0: when it is full. whole: it ends with art_run_build_run(), and the children
 * are folded into index blobs on the way. Tree and edit outlive it. ART_NOMEM: *out is not set. */
enum art_rc art_run_build_open(struct art_run_build **out, struct art_tree *tree, struct art_version_edit *edit,
                               bool last, uint32_t fill_pages, bool whole);
/* The names of the oldest run are coded by a table of symbols (training.c). What is added from now on comes from these
 * sources, which stand where it begins; borrowed until the next call, NULL: it is not known from where. Of a merge
 * they say how many entries are left, and may be read ahead. Or it comes from a leaf blob, in which there may be a
 * table: what its pages say. */
void art_run_build_from(struct art_run_build *build, struct art_source *sources, unsigned count);
enum art_rc art_run_build_names(struct art_run_build *build, struct art_blob *leaf);
/* Copies one entry, which is in no block, behind all before. ART_CORRUPT: it does not follow them, or cannot stand in a
 * run; ART_TOOBIG, ART_NOMEM, or what the writes said. */
enum art_rc art_run_build_add(struct art_run_build *build, struct art_bytes key, const struct art_entry *entry);
/* Entries of its sources with this weight in all are left out on purpose: the edit's weight is without them. */
void art_run_build_leave_out(struct art_run_build *build, int64_t weight);
/* The entries of a plain cursor from where it stands, `most` at most; it stands behind them then. */
enum art_rc art_run_build_add_all(struct art_run_build *build, struct art_run_cursor *cursor, uint64_t most);
/* Only leaves: their references (for a splice), owned by the caller. Nothing can be added any more. ART_CORRUPT, as of
 * all that builds or replaces a part of a run: it is not all that was added. */
enum art_rc art_run_build_children(struct art_run_build *build, struct art_children *out);
/* A leaf blob that is there already, behind all that was added. */
enum art_rc art_run_build_add_leaf(struct art_run_build *build, struct art_bytes separator, const struct art_ref *ref);
/* A whole run; top.entries 0 when nothing was added. The label is owned by the caller (art_run_clear). Its level is
 * 0. */
enum art_rc art_run_build_run(struct art_run_build *build, struct art_run *out);
/* NULL is fine. What was written stays the edit's. */
void art_run_build_close(struct art_run_build *build);
/* Frees what the run owns; zeros are fine, and are left. */
void art_run_clear(struct art_run *run);
/* Index blobs of `height` over `children`, in order; their references to `out`, with blobs and pages counted. */
enum art_rc art_index_build(struct art_tree *tree, struct art_version_edit *edit, unsigned height,
                            const struct art_children *children, struct art_children *out);

/* --- training.c --------------------------------------------------------------------------------------------------- */
struct art_training; /* of one build; ART_NOMEM */
enum art_rc art_training_open(struct art_training **out, struct art_tree *tree);
void art_training_close(struct art_training *training); /* NULL is fine */
/* As art_run_build_from() and art_run_build_names(). */
void art_training_from(struct art_training *training, struct art_source *sources, unsigned count);
enum art_rc art_training_of_leaf(struct art_training *training, struct art_blob *leaf);
/* *out: the table for the next blob, borrowed until the next call; NULL: none. ART_NOMEM, or what reading said. */
enum art_rc art_training_choose(struct art_training *training, const struct art_symbols **out);

/* --- splice.c ----------------------------------------------------------------------------------------------------- */
/* Replaces the leaf blobs of `run` whose separators lie in [low, high) (high.data NULL: to the end) by `children` and
 * frees the replaced ones (`moved`: not the leaves, some of which `children` or another run name: the caller does, with
 * the others); the result, maybe empty (top.entries 0), is owned by the caller. */
enum art_rc art_run_splice(struct art_tree *tree, struct art_version_edit *edit, const struct art_run *run,
                           struct art_bytes low, struct art_bytes high, bool moved, const struct art_children *children,
                           struct art_run *out);
/* Frees all slots of a run (after it was merged away); reads its index blobs. */
enum art_rc art_run_drop(struct art_tree *tree, struct art_version_edit *edit, const struct art_run *run);

/* --- directory.c -------------------------------------------------------------------------------------------------- */
/* Entries that come into a run: add() gives them to the build, in order. */
struct art_stream {
    enum art_rc (*add)(void *context, struct art_run_build *build);
    void *context;
};
/* All entries in [low, high) leave the edit's run `at`, and those of the stream (NULL: none), whose keys lie in that
 * range, come in. A run of which nothing is left is out. */
enum art_rc art_run_replace_range(struct art_tree *tree, struct art_version_edit *edit, unsigned at,
                                  struct art_bytes low, struct art_bytes high, const struct art_stream *stream);

/* --- append.c ----------------------------------------------------------------------------------------------------- */
/* *low: a separator between the last key below `top`, which may be a leaf blob, and `first`; empty: that is not behind
 * it. */
enum art_rc art_run_separate(struct art_tree *tree, const struct art_ref *top, struct art_bytes first,
                             struct art_buffer *low);
/* Gives new values of the memtable to the end of the edit's last run, where they are many. *end, which the caller
 * clears: entries behind this key went there; empty: none did. */
enum art_rc art_append_values(struct art_tree *tree, struct art_version_edit *edit, const struct art_memtable *memtable,
                              struct art_buffer *end);

/* --- compact.c ---------------------------------------------------------------------------------------------------- */
/* The memtable, which stays as it is, becomes the edit's newest run, together with runs of earlier small flushes. */
enum art_rc art_compact_flush(struct art_tree *tree, struct art_version_edit *edit, struct art_memtable *memtable);
/* The same, reading nothing that was there before: only where the root has no place for another run the latest ones are
 * read, `most` at most; *joined: how many. For who has met damage. */
enum art_rc art_compact_flush_beside(struct art_tree *tree, struct art_version_edit *edit,
                                     struct art_memtable *memtable, unsigned most, unsigned *joined);
/* The stream becomes the only run of an edit that has none. */
enum art_rc art_compact_first(struct art_tree *tree, struct art_version_edit *edit, const struct art_stream *stream);
/* Merges what is due: the pages that the edit's root owes (UINT64_MAX: all), and after that until 4 MB are written or 5
 * ms gone. The root owes so much less then. Also ART_INTERRUPT. */
enum art_rc art_compact_merge(struct art_tree *tree, struct art_version_edit *edit);
/* Has the tree's own root, as it is, anything to be merged? False with an error. */
enum art_rc art_compact_due(struct art_tree *tree, bool *due);
/* The memtable and all runs become one run: what remains of them is all that is written; nothing, where they are one in
 * good order. Where snapshots hold blobs of it, those into which nothing falls stay, as long as the run is in good
 * order then. Also ART_INTERRUPT. */
enum art_rc art_compact_all(struct art_tree *tree, struct art_version_edit *edit, struct art_memtable *memtable);
/* The same in any case, with each entry as entry() changes it: a plain put, whose new value must stay where it is until
 * the next call. What entry() returns but ART_OK ends it. */
struct art_rewrite {
    enum art_rc (*entry)(void *context, struct art_bytes key, struct art_entry *entry);
    void *context;
};
enum art_rc art_compact_rewrite(struct art_tree *tree, struct art_version_edit *edit, struct art_memtable *memtable,
                                const struct art_rewrite *rewrite);
/* All that the merge's sources hold, in order; begin_combined() was called. `last`: nothing lies below the output, so
 * only plain puts may come out, and ART_CORRUPT says that another one did. Also ART_INTERRUPT. */
enum art_rc art_merge_into(struct art_tree *tree, struct art_merge *merge, struct art_run_build *build, bool last);

/* --- hidden.c ----------------------------------------------------------------------------------------------------- */
/* Makes `shadowed` right of a run of this root, by an estimate; damage counts as nothing hidden. Any other error of
 * reading. */
enum art_rc art_run_know_hidden(struct art_tree *tree, const struct art_root *root, struct art_run *run);
/* Slots' worth of the last run that newer runs hide, where that is more than merges leave. */
enum art_rc art_runs_hide_much(struct art_tree *tree, struct art_root *root, uint32_t *slots);
/* Does the memtable hide so much, by the average row, that a flush is due? */
bool art_memtable_shadows_much(const struct art_tree *tree);

/* A run as merges weigh it: of a last one with blocks the pages that its entries would take in the runs above it. For
 * merging takes time by the entry, however small blocks make it, and how often a row is merged must not hang on that.
 * Very few entries above it do not tell. */
static inline uint64_t art_pages_weighed(const struct art_root *root, const struct art_run *run) {
    enum { GAIN_MOST = 4, TELLING_PART = 64 };
    const struct art_run *last = &root->run[root->runs - 1];
    uint64_t pages = 0, entries = 0, most = GAIN_MOST * run->pages;
    if (run != last || !root->blocks) return run->pages;
    for (const struct art_run *above = root->run; above < last; above++) {
        pages += above->pages;
        entries += above->top.entries;
    }
    if (!entries || entries < run->top.entries / TELLING_PART) return run->pages;
    pages = run->top.entries * pages / entries;
    return pages < run->pages ? run->pages : pages < most ? pages : most;
}

/* --- partial.c ---------------------------------------------------------------------------------------------------- */
/* Gives a part of run `at`, maybe all of it, to the run below it, which there is. A run of which nothing is left is
 * out. */
enum art_rc art_compact_partially(struct art_tree *tree, struct art_version_edit *edit, unsigned at);

/* --- shrink.c ----------------------------------------------------------------------------------------------------- */
/* Moves one leaf blob from the file's end to a free slot before it, where that is worth while. *moved: the last slot in
 * use is a lower one now. */
enum art_rc art_shrink_step(struct art_tree *tree, struct art_version_edit *edit, bool *moved);
/* What the transaction has put behind the end that the file had moves before it, as far as slack allows. */
enum art_rc art_shrink_own(struct art_tree *tree, struct art_version_edit *edit);
/* Cuts off what is free at the file's end, where that is worth while; notes in `pending` what is left and gained. */
enum art_rc art_shrink_cut(struct art_tree *tree, const struct art_version_edit *edit);
/* Where snapshots may keep the file from being cut: free slots give their room back, some a commit, all with 'optimize'
 * and 'vacuum'. No write is under way. */
void art_shrink_punch(struct art_tree *tree, const struct art_version_edit *edit);

/* --- distinct.c --------------------------------------------------------------------------------------------------- */
struct art_distinct {
    uint64_t *item; /* slot << 32 | the lower half of the hash of the blob that was met there; 0: free */
    uint32_t count, capacity;
};
void art_distinct_clear(struct art_distinct *met); /* zeros are fine, and are left */
/* Notes the blob that a reference leads to. *first: no blob was met in its slot. ART_CORRUPT: another one was, or the
 * file does not reach it. */
enum art_rc art_distinct_meet(struct art_distinct *met, struct art_store *store, const struct art_ref *ref,
                              bool *first);
/* Calls `visit` with a reference to each blob of a root that was not met before, an index blob before what lies below
 * it, until it returns anything but ART_OK, which is returned then. No leaf is read. The reference is borrowed for the
 * call. */
enum art_rc art_distinct_walk(struct art_distinct *met, struct art_tree *tree, const struct art_root *root,
                              enum art_rc (*visit)(void *context, const struct art_ref *ref), void *context);

/* --- vacuum.c ----------------------------------------------------------------------------------------------------- */
/* Moves all that the free slots have room for, `most` blobs at most; nothing where no slot may be used again. Also
 * ART_INTERRUPT. */
enum art_rc art_vacuum(struct art_tree *tree, struct art_version_edit *edit, uint32_t most);
/* 'optimize' and 'vacuum' leave no slack. */
static inline bool art_wants_small(const struct art_tree *tree) {
    return art_tree_requested(tree, ART_REQUEST_OPTIMIZE | ART_REQUEST_VACUUM);
}

#endif
