/* What the place is like in which blobs lie: the .art file, or rows of the host's database (storage=inline).
 *
 * Code asks for the property that it needs, and not which of the two places it is. So a comment here says once what
 * differs, and a third place would be a third row in medium.c. Which of the two it is only those ask that open one,
 * choose one, or write one.
 */
#ifndef ART_BASE_MEDIUM_H
#define ART_BASE_MEDIUM_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/limits.h"

/* What a partial compaction takes: blobs are added to its input until it and its overlaps are `begin`; within a blob it
 * ends before it gets larger than `most` (core/tree/run/partial.c). */
struct art_portion {
    unsigned begin, most;
};

struct art_medium {
    const char *name; /* as the option "storage" has it */

    /* Whose the blobs are. */
    bool has_superblock; /* slot 0 says which database they belong to, is locked, and has copies of the root */
    bool goes_with_host; /* who copies, moves or drops the database does so with them; else there is a file beside it,
                          * which may be missing, another's, or left over */

    /* How room comes back. One of the two holds. */
    bool is_cut;   /* by cutting the end off: a free slot before it takes room, and is written again */
    bool discards; /* by art_store_discard(), each blob by itself: a dead one takes room until then */

    /* What is the host's. */
    bool in_hosts_journal;   /* all that is written and removed goes there first: art_host.budget says how much can */
    bool in_hosts_snapshots; /* no reader sees a slot change, and no root comes back without what it names */
    bool under_hosts_lock;   /* ART_BUSY at a blob is ART_BUSY at the commit, too */
    bool host_overwrites;    /* what is deleted, if secure_delete asks for it; else 'vacuum' does */
    bool host_reads;         /* an error of a read may be the end of its transaction; how long it waits is measured */

    /* What goes through a journal, and into a file once more, is done less at a time. */
    uint32_t pause_pages;       /* that a commit merges beyond what it owes, at most */
    uint32_t merge_every_bytes; /* of redo */
    struct art_portion portion;
    uint32_t page_spare; /* bytes of zeros at a page's end for the host's own, at least */
};

/* Where in_hosts_journal holds, in_hosts_snapshots and under_hosts_lock hold, too, and the host reads the blobs. */
extern ART_CONST_BUT_SMALL struct art_medium art_medium_file, art_medium_rows;

#endif
