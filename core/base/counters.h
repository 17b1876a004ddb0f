/* What art_debug counts, one list: the member, and the property's name. Each policy has a counter that moves when the
 * policy helps, and so says whether the policy earns its place. The counters are of one table in one connection since
 * it was opened; those behind CACHE are of the process. */
#ifndef ART_BASE_COUNTERS_H
#define ART_BASE_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

#define ART_COUNTER_LIST(X)                                                                                            \
    X(hits, "cache hits")     /* blobs asked for that were in memory */                                                \
    X(misses, "cache misses") /* blobs asked for that were not */                                                      \
    X(pages_read, "pages read")                                                                                        \
    X(pages_written, "pages written")                                                                                  \
    X(syncs, "syncs")                                                                                                  \
    X(stale, "stale pages")                /* pages and footers, older in the page cache than on the device */         \
    X(ring_failures, "ring failures")      /* requests that a ring failed to do, and that were done without it */      \
    X(ring_stalls, "ring stalls")          /* times that a ring completed nothing for ten seconds */                   \
    X(ring_batches, "ring batches")        /* calls that handed requests to a ring */                                  \
    X(blobs_ahead, "blobs read ahead")     /* blobs that were read on their way to a walk */                           \
    X(blobs_in_vain, "blobs read in vain") /* blobs that were, and no walk came to them */                             \
    X(pages_ahead, "pages read ahead")     /* pages read with the one that a walk had come to */                       \
    X(pages_behind, "pages read behind")   /* the rest of a blob, read with the page that a point read needed */       \
    X(bypassed, "pages past the cache")    /* point reads that looked into a page past the cache, which was full */    \
    X(separators, "separators searched")   /* searches of an index blob in its decoded separators */                   \
    X(filters, "lookups filtered")         /* searches of a leaf blob that its filter made needless */                 \
    X(memtable, "memtable passed")         /* searches of the memtable that its filter made needless */                \
    X(gaps, "gaps passed")                 /* searches that began behind deleted rows instead of among them */         \
    X(fronts, "fronts passed")             /* searches best first that began a page behind rows known to be hidden */  \
    X(narrowed, "zones narrowed")          /* nodes of the memtable whose bounds a search best first made narrower */  \
    X(pages_passed, "pages passed")        /* pages of leaf blobs that a search or a lookup passed over */             \
    X(chosen, "blocks chosen from")        /* blocks whose rows a scan was told by conditions, all at once */          \
    X(walked, "lookups walked")            /* lookups that went on by a walk, since very many rows had the value */    \
    X(stretches, "stretches")              /* runs of rows that a scan stepped through by a number alone */            \
    X(halved, "ranges halved")             /* to find deletes that merges had swallowed, between two states */         \
    X(flushes, "flushes")                  /* flushes of the memtable */                                               \
    X(joined, "flushes joined")            /* earlier flushes that later ones took in */                               \
    X(appended, "flushes appended")        /* flushes whose values went behind all others of the last run */           \
    X(emptied, "times emptied")            /* commits that left no row, and so dropped all blobs unread */             \
    X(in_blocks, "rows put in blocks")     /* entries of blobs that were written, whose values a block has */          \
    X(tables_trained, "symbol tables trained") /* for leaf blobs of the oldest run, from a sample of their names */    \
    X(tables_kept, "symbol tables kept")       /* leaf blobs that went on with one that was there */                   \
    X(names_plain, "name bytes")           /* of leaf blobs of the oldest run: what names take in buckets, plain */    \
    X(names_coded, "name bytes coded")     /* and as they were written */                                              \
    X(merges, "merges")                    /* steps of merges */                                                       \
    X(passed_over, "merges given up")      /* since they met damage: what was to be committed was, without them */     \
    X(moved, "blobs moved")                /* blobs that merges gave to the next run without reading them */           \
    X(dropped, "blobs dropped")            /* blobs of deleted rows alone that merges dropped without reading */       \
    X(directory_rows, "rows by directory") /* rows that were deleted, moved or copied with all of a range */           \
    X(edge_rows, "rows at edges")          /* rows of blobs at the edges of such a range, which were written anew */   \
    X(shared, "blobs kept")                /* blobs that 'optimize' left as they were, since snapshots hold them */    \
    X(punched, "free slots punched")       /* times that a free slot below what snapshots hold gave its room back */   \
    X(checkpoints, "early checkpoints")    /* checkpoints after a commit, so that its slots are free soon */           \
    X(trims, "trims")                      /* times that what can be made again was given back */                      \
    X(no_room, "times short of room")      /* times that a full disk refused a commit or 'vacuum', or cut it short */  \
    /* CACHE */                                                                                                        \
    X(footers_kept, "footers kept")    /* blobs that were asked for when only their footer was left */                 \
    X(spares, "buffers used again")    /* buffers of whole blobs that took one that had gone, with its memory */       \
    X(large, "buffers in large pages") /* buffers that large pages were asked for; the system may have none */

struct art_counters {
#define ART_COUNTER_MEMBER(member, property) uint64_t member;
    ART_COUNTER_LIST(ART_COUNTER_MEMBER)
#undef ART_COUNTER_MEMBER
};

/* What a store tells of itself. */
struct art_store_stats {
    const char *engine;                /* "uring", "pwrite", "inline", "none" before it was needed */
    bool direct, cached;               /* writes go past the page cache; reads do not */
    uint64_t file_bytes;               /* 0 when there is no file */
    uint64_t cache_bytes, cache_limit; /* of the process */
    struct art_counters count;
};

#endif
