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

#include <assert.h>

#include "core/base/bytes.h"
#include "core/base/codec.h"

enum art_entry_flags {
    ART_DELETE = 1,
    ART_SHADOWS_OLDER = 2,
    ART_OVERFLOW = 4,     /* the value is a reference to chunks in the second name space (core/tree) */
    ART_REPLACED = 8,     /* the value begins with what the shadowed row had in summed columns (summary.h) */
    ART_CHUNK = 16,       /* no row, in a table with a summary */
    ART_ENTRY_FLAGS = 31, /* those that are stored */
    ART_IN_BLOCK = 32     /* in memory alone: `value` is the block that has it, as number `row` (codec.h) */
};

struct art_entry {
    struct art_bytes value; /* as stored: see art_entry_value() */
    uint64_t csn;           /* commit sequence number of the last change, below 2^56 */
    uint8_t flags;
    uint8_t row; /* with ART_IN_BLOCK */
};

enum {
    ART_VALUE_INLINE_MAX = 4096, /* bytes of a value in one entry; longer ones go to chunks */
    ART_REPLACED_MAX = 88        /* bytes in front of it, with ART_REPLACED: 1 + 8 * 10, rounded up */
};

/* What it adds to the number of rows: 1, 0 or -1. */
static inline int art_entry_weight(uint8_t flags) {
    return !(flags & ART_DELETE) - !!(flags & ART_SHADOWS_OLDER);
}

/* Bytes in front of the value; a length from disk was checked (art_entry_is_sane()). */
static inline uint32_t art_entry_head(uint8_t flags, struct art_bytes stored) {
    assert(!(flags & ART_REPLACED) || stored.len > stored.data[0]);
    return flags & ART_REPLACED ? 1u + stored.data[0] : 0;
}

/* How a value is stored: by itself, or in a block. */
struct art_stored {
    struct art_bytes bytes; /* the value, or the block that has it */
    bool in_block;
    uint8_t row; /* its number there */
};
static inline struct art_stored art_stored_of(struct art_bytes value) {
    return (struct art_stored){.bytes = value};
}
/* The value. Of one in a block it comes into `room`, which has ART_VALUE_INLINE_MAX bytes; else that may be NULL. */
static inline struct art_bytes art_stored_plain(const struct art_stored *stored, uint8_t *room) {
    if (!stored->in_block) return stored->bytes;
    return art_bytes(room, art_codec()->value(stored->bytes, stored->row, room));
}

/* The entry's value as stored, with what is in front of it: out of a block as above. */
static inline struct art_bytes art_entry_plain(const struct art_entry *entry, uint8_t *room) {
    struct art_stored stored = {entry->value, entry->flags & ART_IN_BLOCK, entry->row};
    return art_stored_plain(&stored, room);
}

/* What the user has stored; empty for a delete. Of an entry whose value is in no block. */
static inline struct art_bytes art_entry_value(uint8_t flags, struct art_bytes stored) {
    uint32_t head = art_entry_head(flags, stored);
    return head ? art_bytes(stored.data + head, stored.len - head) : stored;
}

/* How what the user has stored is. */
static inline struct art_stored art_entry_stored(const struct art_entry *entry) {
    if (!(entry->flags & ART_IN_BLOCK)) return art_stored_of(art_entry_value(entry->flags, entry->value));
    return (struct art_stored){entry->value, true, entry->row};
}

/* Has the flag that asks for it what it says, and a delete nothing else? */
static inline bool art_entry_is_sane(uint8_t flags, struct art_bytes stored) {
    if (flags & ART_REPLACED) {
        if (!(flags & ART_SHADOWS_OLDER) || !stored.len || !stored.data[0]) return false;
        if (stored.data[0] >= ART_REPLACED_MAX || stored.len < 1u + stored.data[0]) return false;
    }
    return !(flags & ART_DELETE) || stored.len == art_entry_head(flags, stored);
}

#endif
