/* An entry: what one source (the memtable or a run) says about one key.
 *
 *   put or delete, a value, the csn of the change, and `shadows_older`: was the key live in the sources below?
 *
 * Its weight, put - shadows_older (+1, 0, -1), is what it adds to the number of rows. Sums of weights, over all
 * sources, are exact counts of live rows. Where two sources meet in a merge, the upper entry wins and takes the lower
 * one's `shadows_older`; upper.shadows_older must equal lower.put. A delete whose `shadows_older` is 0 says nothing and
 * is dropped by flush and merge. The last run holds only puts without `shadows_older`.
 */
#ifndef ART_BASE_ENTRY_H
#define ART_BASE_ENTRY_H

#include "core/base/bytes.h"

enum art_entry_flags {
    ART_DELETE = 1,
    ART_SHADOWS_OLDER = 2,
    ART_OVERFLOW = 4, /* the value is a reference to chunks in the second name space (core/tree) */
    ART_ENTRY_FLAGS = 7
};

struct art_entry {
    struct art_bytes value; /* empty for a delete */
    uint64_t csn;           /* commit sequence number of the last change, below 2^56 */
    uint8_t flags;
};

enum { ART_VALUE_INLINE_MAX = 4096 }; /* bytes of a value in one entry; longer ones go to chunks */

static inline int art_entry_weight(uint8_t flags) {
    return !(flags & ART_DELETE) - !!(flags & ART_SHADOWS_OLDER);
}

#endif
