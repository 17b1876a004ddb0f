/* What the files of core/store share: the store itself, and the verbs that one file offers the others. Each file calls
 * only those above it in this list:
 *
 *   slot_set.c     sets of slots
 *   superblock.c   the bytes of slot 0; root_copy.c: copies of the root there; identify.c: whose a file is
 *   cache.c        the process's cache; cached_memory.c: its memory
 *   write_pool.c   what blobs are written from; fork.c: what a child does with both
 *   pins.c         what a store holds: pinned blobs, pages past the cache, blobs on their way
 *   file.c         the .art file: lazily opened, created, checked
 *   writing.c      the write phase
 *   loading.c      pages, read and verified when somebody wants them
 *   readahead.c    whole blobs on their way before they are asked for
 *   bypass.c       single pages for searches, past a full cache
 *   reading.c      a reference becomes a blob
 *   location.c     to another location; copies of blobs
 *   store.c        open, close, settings, statistics
 */
#ifndef ART_STORE_PRIVATE_H
#define ART_STORE_PRIVATE_H

#include <stdatomic.h>

#include "core/base/error.h"
#include "core/base/limits.h"
#include "core/store/cache.h"
#include "core/store/fork.h"
#include "core/store/store.h"
#include "core/store/store_format.h"
#include "core/store/write_pool.h"

enum {
    ART_WRITES_MAX = 8,    /* blobs under way before we wait: the other buffers of the pool are for builders */
    ART_READAHEAD_MAX = 8, /* blobs on their way to walks */
    ART_BYPASSES = 4,      /* pages */
};

/* A cached blob that a store has pinned: a copy of what is known of it, so that its want() knows by which descriptor to
 * read. Counted: the store's pin is one reference, art_blob_pin() makes more. Keeps the cached entry and the
 * store's memory alive. */
struct art_pinned {
    struct art_blob blob; /* first: what callers are given */
    _Atomic uint32_t references;
    struct art_store *store;
    struct art_cached *cached;          /* NULL: the page of a bypass */
    struct art_pinned *next, *previous; /* in the store's list of pinned blobs */
    bool superseded;                    /* nobody will ask for it again: the entry goes, too */
    uint32_t pages;                     /* counted in store->pinned_pages while in that list */
    uint32_t place;                     /* in store->pins, while in that list */
};

/* A page past the cache. */
struct art_bypass {
    uint8_t bytes[ART_PAGE + ART_PAGE_PADDING]; /* first: art_io wants whole pages, aligned */
    struct art_pinned pinned;                   /* its references keep the bytes */
    struct art_hash128 hash;                    /* of the blob under whose footer the page was verified */
    uint32_t page;
    bool filled;
};

/* The store's own reference to a pinned blob, found by its slot: a place in a hash table, at least half of which is
 * empty. So it takes as much as is pinned, whatever numbers the slots have. */
struct art_pin {
    struct art_pinned *pinned; /* NULL: none */
    uint32_t slot;             /* 0: none */
    struct art_hash128 hash;   /* of the reference that the blob was asked for by */
};

/* A blob on its way to a walk. The entry is known to nobody else until it was verified. */
struct art_readahead {
    struct art_cached *cached; /* NULL: a free entry */
    const void *walk;
    struct art_ref ref; /* label: only its length counts */
    struct art_pages pages;
    struct art_io_reading reading;
};

struct art_queued_write {
    struct art_ref ref; /* label: only its length counts */
    struct art_blob_buf buffer;
    bool cold; /* as art_store_write() was told */
};

struct art_old_path {
    struct art_old_path *next;
    char *path;
};

/* Where the blobs are, and what is known of it. */
struct art_whereabouts {
    char *path, *host_path;
    const struct art_rows *rows;
    uint64_t rows_id;
    const struct art_medium *medium;
    struct art_io *io;        /* NULL: not open */
    struct art_io *reader;    /* in a write phase, where `io` has the lock: what is read by afterwards */
    bool io_for_writing;      /* opened with the write pool */
    const char *wrote_by;     /* the engine of the last write phase */
    bool checked;             /* superblock and owner were accepted for reading */
    bool unclaimed;           /* ours as far as is known, and the owner page does not say so, or others may read it */
    struct art_cache_key key; /* slot unused */
    uint64_t file_bytes;      /* as last seen */
};

struct art_store {
    _Atomic uint32_t references; /* the user's and one a pinned blob */
    uint32_t fork_generation;
    bool closed;
    struct art_disk *disk;
    struct art_whereabouts location;
    struct art_old_path *old_paths; /* pinned blobs name them in messages */
    uint8_t uuid[16];
    enum art_engine engine;
    enum art_direct direct;
    bool read_only;
    bool reads_singly;
    bool for_another, onto;              /* as in art_store_options */
    bool clones_not;                     /* tried: blobs of other files cannot be shared here */
    uint64_t cache_setting, cache_bytes; /* as it was given; what it comes to */

    struct art_pin *pins; /* 2^(32 - pin_shift) places: a blob is in the first free one from its slot's own place on */
    uint32_t pin_shift, pin_count;
    struct art_pinned *pinned; /* list of all */
    uint64_t pinned_pages;
    uint64_t pressure_seen;
    struct art_readahead *readahead; /* ART_READAHEAD_MAX, which stay where they are: reads are under way into them */
    uint32_t readahead_count;
    struct art_bypass *bypass[ART_BYPASSES]; /* NULL: not used yet */
    uint32_t bypass_turn, bypass_wanted;     /* the next to be filled; pages that might have gone past the cache */
    struct art_counters count;               /* without those of the cache and of open files: art_store_stats() */

    struct { /* the write phase */
        bool active;
        uint64_t owner_sequence; /* of the owner page that counts */
        bool was_copied;         /* what it said when the phase began */
        uint32_t end;            /* slots in the file, those taken included */
        struct art_slot_set *reusable;
        uint32_t reuse_from;       /* no member of `reusable` below */
        bool leaves_nothing, full; /* art_store_leave_nothing() */
        struct art_slot_set returned;
        struct art_blob_pool *pool;       /* write_pool.h */
        struct art_queued_write *pending; /* ART_WRITES_MAX, once there was such a phase */
        unsigned pending_count;
        enum art_rc failed; /* of a write since the last sync, with its message */
        char *failure;      /* ART_MESSAGE_SIZE bytes, behind `pending` */
    } phase;
    bool poisoned;
    char poison[ART_MESSAGE_SIZE]; /* what happened */
};

/* --- pins.c ------------------------------------------------------------------------------------------------------- */
/* ART_OK; ART_FORKED in the child of a fork(); ART_MISUSE once the store was closed. */
enum art_rc art_store_usable(const struct art_store *store);
/* One reference less: the user's, or that of a pinned blob. The last one frees the store's memory; what it had open is
 * closed by then. */
void art_store_unref(struct art_store *store);
/* One reference less, from any thread. With the last one the copy goes, and its references to the cached entry (which
 * in a forked child is the parent's, and stays) and to the store; of a bypass the page. */
void art_pinned_release(struct art_pinned *pinned);
/* The store's own reference to the blob in this slot goes, or those to all blobs; one that somebody else has pinned
 * stays. Where there is none nothing happens. */
void art_store_drop_pin(struct art_store *store, uint32_t slot);
void art_store_drop_pins(struct art_store *store);
/* The store's own reference to a blob, which takes over the caller's: found by its slot from now on, where no other one
 * is pinned. ART_NOMEM: the reference stays the caller's. */
enum art_rc art_store_pin(struct art_store *store, struct art_pinned *pinned, struct art_hash128 hash);
/* No blob is pinned: the table of pins is empty from here on, and takes no memory. */
void art_store_forget_pins(struct art_store *store);
/* A slot's own place: neighbours lie far from each other. */
static inline uint32_t art_pin_home(const struct art_store *store, uint32_t slot) {
    return slot * 0x9e3779b1u >> store->pin_shift;
}
/* The slot's pin, or an empty one. */
static inline struct art_pin *art_store_find_pin(const struct art_store *store, uint32_t slot) {
    uint32_t last = UINT32_MAX >> store->pin_shift, place = art_pin_home(store, slot);
    while (store->pins[place].slot && store->pins[place].slot != slot) place = (place + 1) & last;
    return &store->pins[place];
}
static inline bool art_store_has_pinned(const struct art_pinned *pinned) {
    return art_store_find_pin(pinned->store, pinned->blob.slot)->pinned == pinned;
}
/* The store's own references to its bypasses go; a page that a row has pinned stays. */
void art_store_drop_bypasses(struct art_store *store);
/* Waits for what is on its way and forgets it; in a forked child it only forgets. Before the file is closed. */
void art_store_readahead_drop(struct art_store *store);

/* --- location.c --------------------------------------------------------------------------------------------------- */
/* A location that nothing is open at, with copies of the paths. ART_NOMEM: *to has none. */
enum art_rc art_location_copy(struct art_whereabouts *to, const struct art_store_location *from);

/* --- file.c ------------------------------------------------------------------------------------------------------- */
/* Opens or (`fresh`) creates the file, locks it and accepts it for writing, with `adopt` whatever its owner pages say;
 * rows are only opened. ART_BUSY: somebody else has the lock. ART_MISSING, ART_FOREIGN, ART_READONLY (hard links),
 * ART_CANTOPEN, ART_CORRUPT, ART_IO, ART_NOMEM, ... On failure nothing is locked, and what was created is removed,
 * unless somebody else has locked it. */
enum art_rc art_store_lock_file(struct art_store *store, bool fresh, bool adopt);
/* Closes both descriptors, and with them goes the lock; waits for what is on its way. The next read opens the file
 * anew. */
void art_store_close_file(struct art_store *store);
/* The end of a write phase: the descriptor that had the lock goes, and the one for reading is there again. */
void art_store_close_writer(struct art_store *store);
/* Writes the next owner page, which names this database, and syncs it. The file is locked, and its owner_sequence
 * known. A failed sync poisons the store; else, on failure, the page that counted counts. `copied`: as in the page. */
enum art_rc art_store_write_owner(struct art_store *store, bool copied);
/* Returns `rc`, the failure of a sync, after it has noted that failure's message: from now on writing fails with it
 * (ART_POISONED). */
enum art_rc art_store_poison(struct art_store *store, enum art_rc rc);

/* --- writing.c ---------------------------------------------------------------------------------------------------- */
/* Waits for all writes under way; their blobs enter the cache where there is room. Fails with what any write since the
 * last sync failed with; that stays noted until art_store_sync() or art_store_give_up(). */
enum art_rc art_store_finish_writes(struct art_store *store);
/* Is a write to this slot under way? */
bool art_store_is_pending(const struct art_store *store, uint32_t slot);
/* Gives back the buffers of all writes that were under way: they have ended, or (in a forked child) are the
 * parent's. */
void art_store_drop_pending(struct art_store *store);

/* --- loading.c ---------------------------------------------------------------------------------------------------- */
/* The cache's key of a slot, in the file or the rows that art_store_ready() has accepted. */
struct art_cache_key art_store_key_of(const struct art_store *store, uint32_t slot);
/* May a blob be read as a whole where the device must be asked? If the file fits, and the cache, which other files use,
 * too, has room. */
static inline bool art_store_loads_whole(const struct art_store *store) {
    return !store->reads_singly && art_store_fits(store) && art_cache_allows(ART_BLOB_PAGES);
}
/* Is it worth large pages? Of those a small blob would use little. */
static inline bool art_ref_is_large(const struct art_ref *ref) {
    return ref->leaf_pages + ref->footer_pages >= ART_BLOB_PAGES / 4;
}
/* The used pages of a blob, to be read or written: two requests, or one where the blob has no hole. */
static inline unsigned art_whole_requests(uint8_t *image, const struct art_ref *ref, struct art_io_request *requests) {
    assert(ref->footer_pages && ref->leaf_pages + ref->footer_pages <= ART_BLOB_PAGES);
    uint32_t footer = ART_BLOB_PAGES - ref->footer_pages;
    uint64_t at = (uint64_t)ref->slot * ART_BLOB_SIZE;
    size_t before = (size_t)footer * ART_PAGE;
    bool hole = ref->leaf_pages < footer;
    requests[0] = (struct art_io_request){image, hole ? (uint32_t)ref->leaf_pages * ART_PAGE : ART_BLOB_SIZE, at};
    if (hole) {
        requests[1] = (struct art_io_request){image + before, (uint32_t)ref->footer_pages * ART_PAGE, at + before};
    }
    return hole ? 2 : 1;
}
/* Reads, and counts the pages. art_store_peek_requests() reads only what the system's page cache has; false: it lacks
 * some of them. */
enum art_rc art_store_read_requests(struct art_store *store, struct art_io_request *requests, unsigned count,
                                    enum art_read from);
bool art_store_peek_requests(struct art_store *store, const struct art_io_request *requests, unsigned count);
/* A request for pages [first, first + n) into the entry's image, which get their memory: so many of them had none. */
uint32_t art_store_request_pages(struct art_cached *cached, uint32_t first, uint32_t n, struct art_io_request *request);
/* So many of a footer's last pages are read at once where the device must be asked. With postings, mostly all that is
 * needed lies there, and the last one tells whether more is. Pages of rows each cost the same. */
static inline uint32_t art_store_footer_at_once(const struct art_store *store, const struct art_ref *ref) {
    if (ref->height) return ref->footer_pages;
    if (art_store_medium(store)->host_reads) return 1;
    return !art_measures_fields(ref->has) ? ref->footer_pages : art_min32(ref->footer_pages, ART_LIMIT(footer_pages));
}
/* Requests for a blob of which nothing is there, but for what of its footer comes on demand: into the entry's image,
 * whose pages get their memory. Returns how many: two, or one where there is no hole; `requests` has room for two.
 * *pages: which. Nobody else fills the image. */
unsigned art_store_request_whole(const struct art_store *store, struct art_cached *cached, const struct art_ref *ref,
                                 struct art_io_request *requests, struct art_pages *pages);
/* `pages` were read into the image, the last one among them, and nothing is verified: reads what is missing of the
 * blob's head as `from` says, and makes the entry ready. A bad page of those that come on demand is no reason to refuse
 * the others: it stays absent, and who needs it will read it again and hear what is wrong. ART_CORRUPT, or what a read
 * said: the entry is not ready. Under `loading`, or nobody else knows the entry. */
enum art_rc art_store_open_image(struct art_store *store, struct art_cached *cached, const struct art_ref *ref,
                                 const struct art_pages *pages, enum art_read from);
/* A failed read of what nobody has asked for is forgotten, and what is needed is read by itself. But behind rows stands
 * the host: what it says may have ended a transaction, or was an interrupt, and comes only once. */
bool art_store_may_read_again(const struct art_store *store, enum art_rc rc);
/* art_blob.want of pinned blobs. */
enum art_rc art_store_want(struct art_blob *blob, const struct art_pages *pages, enum art_intent intent);

/* --- readahead.c -------------------------------------------------------------------------------------------------- */
/* *out: the blob, if it is on its way: waited for, verified, everybody's, with a reference that the caller gives back.
 * NULL with ART_OK: it was not. NULL with an error: it did not come whole and sound, and is not on its way any more. */
enum art_rc art_store_readahead_take(struct art_store *store, const struct art_ref *ref, struct art_cached **out);

/* --- superblock.c ------------------------------------------------------------------------------------------------- */
struct art_owner { /* who we are */
    uint64_t own_inode, own_birth, host_inode, host_birth;
    const char *host_path;
    uint64_t host_links; /* 0: not known */
};
/* What the owner page that counts says of a file and a database. */
struct art_names {
    bool own;  /* it was written in this very file */
    bool host; /* the database is this one, by its file */
    bool path; /* ... by its path */
    bool base; /* ... by the last part of its path */
};
enum art_ownership {
    ART_OWNED,           /* ours, and noted exactly so */
    ART_OWNED_NOTE,      /* ours, under another path than is noted */
    ART_OWNED_UNCLAIMED, /* a copy that is ours by the database's name */
    ART_OWNED_BEFORE,    /* by another database file that had our path */
    ART_OWNED_BY_OTHER,
    ART_OWNED_BY_COPIED_UP, /* by a database file of this inode and another time of birth */
    ART_OWNED_BY_COPY,      /* unclaimed, and for a database of another name */
    ART_OWNER_UNKNOWN       /* both owner pages are damaged */
};
/* Slot 0 of a new file: its superblock page and the owner page of sequence 1; the rest is zero. */
void art_superblock_make(struct art_superblock *out, const uint8_t uuid[16], const struct art_owner *owner);
/* ART_OK; ART_CORRUPT: none, or damaged; ART_CANTOPEN: of another format; ART_FOREIGN: another table's. `file` for
 * messages. */
enum art_rc art_superblock_check(const struct art_superblock *block, const uint8_t uuid[16], const char *file);
/* Could only a file that we began and never finished look so? */
bool art_superblock_is_unfinished(const struct art_superblock *block, const uint8_t uuid[16]);
/* The last part of the owner's path, borrowed from the page; empty where the page has not all of it. */
struct art_bytes art_owner_page_base(const struct art_owner_page *page);
/* Whose the file is, by the table at the head of superblock.c. *counts: the owner page that counts, borrowed from
 * `block`, or NULL (ART_OWNER_UNKNOWN). */
enum art_ownership art_superblock_owner(const struct art_superblock *block, const uint8_t uuid[16],
                                        const struct art_owner *me, const struct art_owner_page **counts);
/* What the page that counts says of `me`; nothing is true where none counts. The superblock was checked. */
void art_superblock_names(const struct art_superblock *block, const struct art_owner *me, struct art_names *out);
/* An owner page of this sequence, with its sum. Of a path of more than ART_OWNER_PATH_MAX bytes the last ones are
 * kept. */
void art_owner_page_make(struct art_owner_page *out, const uint8_t uuid[16], const struct art_owner *owner,
                         uint64_t sequence, bool copied);
/* Where the page of this sequence stands in the file, in bytes. */
uint64_t art_owner_page_offset(uint64_t sequence);

#endif
