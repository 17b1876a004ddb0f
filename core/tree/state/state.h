/* A tree in memory: what all rooms of core/tree share.
 *
 *   state.c   what a tree is at, and who may call when; its keys
 *   root.c    the runs of one state of the table (root.h, root_format.h)
 *   cuts.c    ranges that have left all runs as one thing, for salvage
 *   gap.c     where all is deleted
 *   front.c   where the best rows of a page are all hidden
 *   files.c   files and folders, for hosts that have no other way to them
 *   hooks.h   what tests see and change from inside, and is nothing in what is given out
 *
 * The rooms, each of which knows those before it:
 *
 *   state/   run/   read/   txn/   check/ and salvage/   tree.c (opening and closing)
 *
 * A key in here begins with its name space: ART_SPACE_ROWS + path, or ART_SPACE_OVERFLOW + id + chunk number. */
#ifndef ART_TREE_STATE_H
#define ART_TREE_STATE_H

#include <assert.h>

#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/blob/builder.h"
#include "core/memtable/memtable.h"
#include "core/store/store.h"
#include "core/tree/commit.h"
#include "core/tree/read_rows.h"
#include "core/tree/state/hooks.h"
#include "core/tree/state/root.h"

enum { ART_SPACE_ROWS = 1, ART_SPACE_OVERFLOW = 2 };
/* Chunks are deleted without a lookup (txn/overflow.c). So where a row's reference was a lie, such a delete may have
 * nothing below it, whatever its ART_SHADOWS_OLDER says. Reading the row reports the lie; merges do not. */
static inline bool art_deletes_chunk(struct art_bytes key, uint8_t flags) {
    return flags & ART_DELETE && key.len && key.data[0] == ART_SPACE_OVERFLOW;
}
enum { ART_KEY_BUFFER = ART_KEY_MAX + 1 + 2 * ART_KEY_PADDING, ART_HEIGHTS_MAX = 8 };

/* A root in the making: flush, merge and splice work on it; it becomes the tree's root (spill), or the pending root
 * of a commit. */
struct art_version_edit {
    struct art_root *root;    /* owned, not shared yet */
    struct art_slot_set used; /* slots that it names */
    uint64_t weight; /* of all entries in its runs, as it should be by what was put in and taken out: it wraps */
    uint64_t pages_written;
    uint64_t pages_merged; /* that partial compactions had to read */
    bool small_portions;   /* partial compactions take little (run/partial.c) */
};

/* The retired list of T_artstate (run/slots.c). */
enum art_retired_state {
    ART_RETIRED_UNREAD,
    ART_RETIRED_WAITING, /* a reader may stand on these slots, as far as is known */
    ART_RETIRED_FREE     /* found to be free in this transaction */
};
struct art_retired {
    enum art_retired_state state;
    struct art_epoch epoch; /* of the list; kind UNKNOWN or WAL */
    struct art_slot_set slots;
    struct art_slot_set spared; /* of these, whose rows stay until blobs overwrite them */
};

/* Where the state of a savepoint is. */
enum art_savepoint_kind {
    ART_SAVEPOINT_OF_BEGINNING, /* that of the transaction's beginning: undone, or in the host's log */
    ART_SAVEPOINT_UNDO,         /* a position in the memtable's undo list */
    ART_SAVEPOINT_SAVED         /* the transaction has spilled since: the memtable is in the scratch file */
};
struct art_savepoint {
    enum art_savepoint_kind kind;
    uint64_t undo;         /* position in the memtable's undo list */
    struct art_root *root; /* held */
    const struct art_summary *summary;
    struct art_slot_set used; /* SAVED: slots that root names, */
    bool shares;              /* unless the next older one has them: one spill has saved both */
    uint32_t *saved;          /* places in the scratch file with parts of the encoded memtable, ascending */
    uint32_t saved_parts;
};

/* Where no row is (gap.c). */
struct art_gap {
    uint8_t *bytes; /* the two keys, and padding */
    uint32_t low_len, high_len;
};
struct art_gaps {
    uint64_t stamp;      /* the tree's `changes` that they hold for */
    struct art_gap *gap; /* in the order of their keys, apart from each other */
    unsigned count;
    unsigned turn;
    size_t bytes;
    uint8_t *scratch; /* two buffers of ART_KEY_BUFFER bytes for walks; NULL at first */
};

/* No row of a bucket, or of what lies below a blob, comes before this in an order (front.c). */
struct art_front {
    uint8_t kind;    /* enum art_datum_kind, or ART_FRONT_NONE */
    uint8_t entry;   /* of a bucket's entries with this value, those before it are no rows; of a blob 0 */
    int64_t integer; /* INTEGER and REAL: the number's bytes; TEXT: its code; of a blob nothing is known but the kind */
};
enum { ART_FRONT_NONE = ART_DATUM_BEYOND + 1 /* there is no row at all */ };
struct art_fronts {
    struct art_fronts *next;
    struct art_hash128 blob; /* of its last page, which is the hash of all of it */
    uint64_t csn;            /* what hides rows here is no newer */
    uint8_t order;           /* art_front_order() */
    bool used;               /* since the last time that memory was short */
    uint32_t buckets;
    struct art_front best; /* of the buckets' */
    struct art_front bucket[];
};
struct art_front_map {
    struct art_fronts **chain; /* NULL: there is nothing in it yet */
    size_t bytes;
    uint64_t csn; /* what hides rows is no newer */
};

enum art_tree_state {
    ART_TREE_UNKNOWN,    /* freshly opened, or what is in memory is no state of the table: a refresh rebuilds it */
    ART_TREE_REBUILDING, /* a refresh is under way, which begins with the root */
    ART_TREE_CONTINUING, /* a refresh is under way, which begins behind the last row that is known */
    ART_TREE_KNOWN       /* may be read */
};

/* What a refresh waits for. */
enum art_refresh_step {
    ART_REFRESH_ROOT,
    ART_REFRESH_OWN_ROW,   /* the last row that is known, to see that it is the same */
    ART_REFRESH_FIRST_ROW, /* one behind the root, which says that there is one */
    ART_REFRESH_ROWS       /* whatever rows there are */
};

/* Where a transaction stands: the diagram at the head of txn/txn.h. */
enum art_txn_state {
    ART_TXN_NONE,
    ART_TXN_BEGUN,   /* its csn is fixed, its base is kept */
    ART_TXN_CHANGED, /* something was changed, maybe taken back; the undo list leads back to the beginning */
    ART_TXN_SPILLED  /* the root is the transaction's own: the host's log leads back, and saved memtables do */
};

/* What a commit writes into the host's tables. Each kind writes what the one before it does, and more. */
enum art_commit_kind {
    ART_COMMIT_NOTHING,
    ART_COMMIT_ROW,  /* a row of redo; the root may be marked */
    ART_COMMIT_ROOT, /* another root in row 0 */
    ART_COMMIT_FLUSH /* a root that has all: rows of the log go */
};

/* May a journal hold a root of this transaction's, so that a crash could bring it back? */
enum art_root_shown {
    ART_ROOT_HIDDEN,
    ART_ROOT_OFFERED, /* the last prepare() has handed one over: a COMMIT was tried, unless the host finds no room */
    ART_ROOT_SHOWN
};

/* What 'optimize' and 'vacuum' do with what blobs that are gone have left in the file. */
enum art_leftovers {
    ART_LEFTOVERS_STAY,
    ART_LEFTOVERS_HOSTS, /* the host overwrites its rows */
    ART_LEFTOVERS_ZEROED,
    ART_LEFTOVERS_PUNCHED /* given back: the disk is nearly full */
};

/* What a root leaves to later commits to give back, beside the free slots that are left alone (art_slots_slack()). */
enum art_slack {
    ART_SLACK_USUAL,
    ART_SLACK_HIDDEN, /* the file is as small as its blobs allow, but newer rows hide much of what is in them */
    ART_SLACK_LOOSE,  /* the file is larger than its blobs need */
    ART_SLACK_LARGE   /* the file is much larger, or is larger and newer rows hide much of it */
};

struct art_tree {
    struct art_tree_options options; /* `path` is the store's, for messages */
    struct art_host host;
    struct art_store *store;
    struct { /* blobs in rows of the host's (txn/rows.c) */
        struct art_rows host, ours;
        unsigned inside;  /* calls of the host's that are under way */
        bool rolled_back; /* the host has rolled back within such a call: the tree's part is still to be done */
    } rows;

    struct {
        void *file;   /* NULL: there is none yet */
        uint32_t end; /* places before it are taken */
    } scratch;        /* txn/scratch.c */

    /* the committed state that is known, plus this transaction's changes */
    enum art_tree_state state;
    bool file_ready;                   /* the file was found and accepted */
    struct art_root *root;             /* what reads use */
    const struct art_summary *summary; /* that root and memtable are built with; NULL: none */
    struct art_memtable *memtable;
    uint64_t csn;             /* of the last committed row or root */
    struct art_hash128 chain; /* the hash of that row or root */
    uint64_t log_bytes, log_rows, log_entries;
    uint64_t changes; /* counts what makes a cursor seek again, from 1 */
    struct art_gaps gaps;
    struct art_front_map fronts;
    struct art_counters count; /* what the tree counts; the store has its own */
    char damage[400];          /* that a merge has met last, which was given up; "": none has */
    uint32_t damaged_slot;     /* where that is; ART_NOWHERE: in no blob alone */
    uint64_t rewritten; /* entries, pages and blobs of the run that was written anew as a whole, last by this tree */

    struct { /* a refresh under way */
        enum art_refresh_step step;
        uint64_t first_left; /* of the rows before the root that were handed over; 0: there was none */
    } refresh;

    struct { /* the running transaction */
        enum art_txn_state state;
        /* The most that prepare() has made the host write: it is there after a refused COMMIT. No ROLLBACK TO lowers
         * it: a savepoint may be younger. */
        enum art_commit_kind handed_over;
        enum art_root_shown shown;
        enum art_leftovers leftovers;
        unsigned requested; /* enum art_request */
        bool adds;          /* something else than deletes, maybe taken back */
        enum art_rc doomed; /* an error after which only a rollback helps */
        uint64_t csn;
        uint64_t to_flush;        /* bytes of the memtable when it began */
        uint32_t overflow_values; /* counter of their ids, never taken back */
        struct art_root *base;
        const struct art_summary *base_summary;
        struct art_savepoint *savepoints;
        uint32_t savepoint_count, savepoint_capacity;
    } txn;

    struct { /* slots */
        enum {
            ART_SLOTS_IDLE,     /* no write phase: nothing is locked */
            ART_SLOTS_EXTENDED, /* the write phase has begun: slots are taken behind the end */
            ART_SLOTS_REUSED    /* slots are taken behind the end, and free ones below it */
        } use;
        bool known;               /* false: index blobs must be read before `used` is what `root` names */
        struct art_slot_set used; /* named by `root` */
        struct art_slot_set base; /* named by the base, by snapshots, or by those that were dropped (run/held.c) */
        struct art_slot_set held; /* of these, named by snapshots */
        struct art_slot_set free; /* the store may take them for its next blobs */
        struct art_retired retired;
        uint32_t end;
    } slots;

    struct {                    /* run/training.c: */
        uint32_t in_vain, wait; /* so many blobs were to pass, and are, since a training brought nothing */
    } training;

    struct {                          /* what prepare() found */
        uint64_t made_for;            /* tree->changes then; 0: nothing is prepared */
        enum art_commit_kind kind;    /* so far */
        struct art_version_edit edit; /* root NULL: no new root */
        struct art_commit commit;
        struct art_hash128 chain;   /* of the row of redo */
        enum art_slack slack;       /* that this root leaves */
        uint32_t slots_cut;         /* that the file has lost */
        bool snapshot;              /* a snapshot of it was asked for */
        bool discarded;             /* all that is dead could go */
        bool lets_go;               /* slots that snapshots have let go are retired with this root */
        uint64_t held;              /* a hash of what snapshots hold, as that root was made */
        struct art_memtable *empty; /* the memtable after a flush */
        uint64_t entries;           /* of the row of redo */
        struct art_buffer redo, root, retired_bytes;
    } pending;

    /* By level: the separator at which the next input begins. */
    struct art_buffer compaction_cursor[ART_RUN_LEVEL_LAST + 1];
    uint64_t redo_since_merge; /* bytes of redo since the last merge: merging is paid by the way */
    uint64_t redo_until_look;  /* bytes of redo that may be written before room is asked for again (txn/room.c) */
    uint64_t budget;      /* bytes that 'vacuum' may write at once; UINT64_MAX: the disk is not full (txn/room.c) */
    enum art_slack slack; /* that the last root has left, where another one may give more back */

    /* One piece of memory, there once the tree is ready; NULL before, and after a trim. */
    uint8_t *key;            /* ART_KEY_BUFFER bytes: the padded key of the call under way */
    uint8_t *second_key;     /* for calls with two keys */
    uint8_t *stored;         /* ART_STORED_MAX bytes: an entry on its way into the memtable; with a summary */
    struct art_cursor *idle; /* closed cursors, to be used again */
    struct art_cursor *open; /* open ones: they must not outlive the tree unnoticed */
};

/* Is this transaction's prepare() asked for one of these? */
static inline bool art_tree_requested(const struct art_tree *tree, unsigned requests) {
    return tree->txn.requested & requests;
}
/* Was the disk full when blobs were last written, or had it no room to let go all that is dead? */
static inline bool art_tree_is_full(const struct art_tree *tree) {
    return tree->budget != UINT64_MAX;
}
/* May it be read, but for a rollback that is still to be done (rows.rolled_back)? */
static inline bool art_tree_is_known(const struct art_tree *tree) {
    return tree->state == ART_TREE_KNOWN;
}
/* NULL: none. */
static inline const struct art_summary *art_tree_summary(const struct art_tree *tree) {
    return tree->summary;
}
static inline struct art_measures art_tree_measures(const struct art_tree *tree) {
    return tree->summary ? tree->summary->has : (struct art_measures){0};
}
static inline bool art_tree_in_txn(const struct art_tree *tree) {
    return tree->txn.state != ART_TXN_NONE;
}
static inline bool art_tree_has_spilled(const struct art_tree *tree) {
    return tree->txn.state == ART_TXN_SPILLED;
}

/* --- state.c ------------------------------------------------------------------------------------------------------ */
/* Takes over a reference to the root that reads use from now on. */
void art_tree_set_root(struct art_tree *tree, struct art_root *root);
/* Pages of a full blob. */
static inline uint32_t art_tree_full_pages(const struct art_tree *tree) {
    return tree->options.blob_pages ? tree->options.blob_pages : ART_BLOB_PAGES;
}
/* Allocates the buffers for keys unless they are there. ART_NOMEM. art_tree_give_key_buffers() frees them, and the keys
 * in them are gone. */
enum art_rc art_tree_take_key_buffers(struct art_tree *tree);
void art_tree_give_key_buffers(struct art_tree *tree);
/* The tree key of a path, padded, in `buffer` of ART_KEY_BUFFER bytes; borrowed until its next use. ART_TOOBIG. */
enum art_rc art_row_key(uint8_t *buffer, struct art_bytes path, struct art_bytes *out);
/* Long work asks the host now and then. ART_INTERRUPT. */
enum art_rc art_tree_interrupted(struct art_tree *tree);
/* The key in a buffer, padded; with `after` the smallest one above it. */
static inline struct art_bytes art_bound_key(uint8_t *buffer, struct art_bytes key, bool after) {
    assert(key.len + 1 + ART_KEY_PADDING <= ART_KEY_BUFFER);
    if (key.data != buffer) memcpy(buffer, key.data, key.len);
    memset(buffer + key.len, 0, 1 + ART_KEY_PADDING);
    return art_bytes(buffer, key.len + after);
}

/* A call of the host's is under way. */
static inline bool art_tree_inside(const struct art_tree *tree) {
    return tree->rows.inside > 0;
}

/* --- gap.c -------------------------------------------------------------------------------------------------------- */
/* Frees all; zeros are fine, and are left. */
void art_gaps_clear(struct art_gaps *gaps);
/* Is `key` (`below`: what lies just below it) in a gap that is known? No row is in [low, high). The two are borrowed
 * until the next change, and not set where there is none. */
bool art_gap_find(const struct art_tree *tree, struct art_bytes key, bool below, struct art_bytes *low,
                  struct art_bytes *high);
/* There is surely no row in [low, high): both are copied. Without memory that is not remembered. */
void art_gap_learn(struct art_tree *tree, struct art_bytes low, struct art_bytes high);
/* A row comes to this key: before art_tree_changed() counts it, the gap that it lies in is forgotten. */
void art_gap_end(struct art_tree *tree, struct art_bytes key);

/* --- front.c ------------------------------------------------------------------------------------------------------ */
/* An order by a column's values; where NULLs come first they count, unless they are skipped. */
static inline uint8_t art_front_order(const struct art_best_order *order) {
    return (uint8_t)(order->column << 2 | (unsigned)order->descending << 1 | order->skip_nulls);
}
static inline bool art_front_descends(uint8_t order) {
    return order & 2;
}
/* The fronts of a blob, borrowed until the next that are added; NULL: none are known. */
struct art_fronts *art_fronts_find(struct art_front_map *map, struct art_hash128 blob, uint8_t order);
/* New ones, all of zeros, for the caller to set: `bucket`, then `best` by art_fronts_set(). NULL: there is no memory,
 * or no more is given to them. */
struct art_fronts *art_fronts_add(struct art_front_map *map, struct art_hash128 blob, uint8_t order, uint32_t buckets);
/* A bucket's front is another one now; `csn`: what hides the rows before it is no newer. */
void art_fronts_set(struct art_front_map *map, struct art_fronts *fronts, uint32_t bucket, struct art_front front,
                    uint64_t csn);
/* The front as a value, and back. False: there is no row. */
bool art_front_value(const struct art_front *front, struct art_datum *out);
struct art_front art_front_of(const struct art_datum *value, uint32_t entry);
/* What is newer than `csn` was taken back, and may hide nothing any more. */
void art_fronts_forget_newer(struct art_front_map *map, uint64_t csn);
/* Frees all; zeros are fine, and are left. */
void art_fronts_clear(struct art_front_map *map);

/* Counts a change. `same`: what had no row in the gaps has none. */
static inline void art_tree_changed(struct art_tree *tree, bool same) {
    tree->gaps.stamp += same && tree->gaps.stamp == tree->changes;
    tree->changes++;
}

#endif
