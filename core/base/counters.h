/* What art_info counts, one list: the member, and the property's name. Each policy has a counter that moves when it
 * helps: that says whether it earns its place. They count one table in one connection since it was opened, those behind
 * CACHE all of the process. */
#ifndef ART_BASE_COUNTERS_H
#define ART_BASE_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

#define ART_COUNTER_LIST(X)                                                                                            \
    X(hits, "cache hits")     /* blobs asked for: found in memory, */                                                  \
    X(misses, "cache misses") /* or not */                                                                             \
    X(pages_read, "pages read")                                                                                        \
    X(pages_written, "pages written")                                                                                  \
    X(syncs, "syncs")                                                                                                  \
    X(stale, "stale pages")            /* pages and footers that were older in the page cache than on the device */    \
    X(ring_failures, "ring failures")  /* requests that a ring failed to do, and that were done without it */          \
    X(ring_batches, "ring batches")    /* calls that handed requests to a ring */                                      \
    X(blobs_ahead, "blobs read ahead") /* a walk came to them, */                                                      \
    X(blobs_in_vain, "blobs read in vain")     /* or none did */                                                       \
    X(pages_ahead, "pages read ahead")         /* with the one that a walk had come to */                              \
    X(pages_behind, "pages read behind")       /* with the one that a point read needed: the rest of its blob */       \
    X(whole_indexes, "index blobs read whole") /* where their footer was needed */                                     \
    X(bypassed, "pages past the cache")        /* looked into by a point read, while the cache was full */             \
    X(separators, "separators searched")       /* searches of an index blob in its decoded separators */               \
    X(finger, "lookups side by side")          /* begun in the leaf where the last ones had ended */                   \
    X(filters, "lookups filtered")             /* searches of a leaf blob that its filter made needless */             \
    X(memtable, "memtable passed")             /* searches of the memtable that its filter made needless */            \
    X(gaps, "gaps passed")                     /* searches that began behind deleted rows instead of among them */     \
    X(pages_passed, "pages passed")            /* of leaf blobs, by a search or a lookup */                            \
    X(flushes, "flushes")                      /* of the memtable; */                                                  \
    X(joined, "flushes joined")                /* so many earlier ones went into them */                               \
    X(appended, "flushes appended")            /* their values went behind all others of the last run at once */       \
    X(merges, "merges")                        /* steps */                                                             \
    X(moved, "blobs moved")                    /* from one run to the next, by merges that did not read them */        \
    X(dropped, "blobs dropped")                /* of deleted rows alone, by merges that did not read them */           \
    X(trims, "rests")                          /* times that what can be made again was given back */                  \
    /* CACHE */                                                                                                        \
    X(footers_kept, "footers kept")    /* of blobs that had lost their leaf pages, and were asked for again */         \
    X(spares, "buffers used again")    /* of a whole blob that went, with the memory that it had */                    \
    X(large, "buffers in large pages") /* asked for; the system may have none */

struct art_counters {
#define ART_COUNTER_MEMBER(member, property) uint64_t member;
    ART_COUNTER_LIST(ART_COUNTER_MEMBER)
#undef ART_COUNTER_MEMBER
};

/* What a store tells of itself. */
struct art_store_stats {
    const char *file;                  /* path, or NULL in rows */
    const char *engine;                /* "uring", "pwrite", "inline", "none" before it was needed */
    bool direct, cached;               /* writes go past the page cache; reads do not */
    uint64_t file_bytes;               /* 0 when there is no file */
    uint64_t cache_bytes, cache_limit; /* of the process */
    struct art_counters count;
};

#endif
