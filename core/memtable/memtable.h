/* The memtable: what changed lately, as a mutable ART in memory.
 *
 * Nodes of 4, 16, 48 and 256 children with path compression (V. Leis et al., "The Adaptive Radix Tree", ICDE 2013).
 * Each inner node also holds the sum of the weights below it, so that counts under any prefix take one descent. Keys
 * are any bytes; a key may be a prefix of another; the empty key is a key.
 *
 * All memory of a memtable is one arena, given back whole. A memtable is counted: a cursor that stands on one of its
 * values holds a reference, because the values (immutable once written) lie in the arena.
 *
 * Changes are noted in an undo list. A position in it is a savepoint: art_memtable_rollback() brings back exactly the
 * state that was there. Nothing is noted while undo is off (replay).
 *
 * What it keeps beside keys and entries, and what that costs with 50,000 paths of 40 bytes set in no order, where one
 * set takes some 1,500 instructions without it:
 *
 *   what          answers                         who asks                  memory                   a set
 *   weights       rows before a key; the row of   count, OFFSET, estimates  8 bytes a node           in the descent
 *                 a rank
 *   sums, zones   sums before a key; the best     a table with a summary:   16 bytes a sum and 24    650 instructions
 *                 parts by a column's value       totals, extremes, best    a column, in each node   (1 sum, 2 columns)
 *   filter        is the key absent?              point reads, writes       2 to 8 bytes a key       220, with the
 *   undo list     what was there before?          ROLLBACK, redo            40 bytes a touched key   undo list
 *   newest        is anything below newer?        newer_than                7 bytes of a node        60, once asked
 *   value index   which keys may have a value?    lookups                   24 to 48 bytes a value   a hash a value,
 *                                                                                                    once asked
 *   redo          the transaction as bytes        commit, spills            none                     none
 */
#ifndef ART_MEMTABLE_MEMTABLE_H
#define ART_MEMTABLE_MEMTABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/base/buffer.h"
#include "core/base/bytes.h"
#include "core/base/entry.h"
#include "core/base/hash.h"
#include "core/base/summary.h"

struct art_memtable;

/* With one reference, *out; ART_NOMEM, and then it is NULL. `summary` (NULL: none) must outlive all changes. */
enum art_rc art_memtable_open_summed(struct art_memtable **out, const struct art_summary *summary);
enum art_rc art_memtable_open(struct art_memtable **out); /* without a summary */
/* One more reference, and one less, with the last of which all memory goes. Not from several threads. */
struct art_memtable *art_memtable_ref(struct art_memtable *memtable);
void art_memtable_unref(struct art_memtable *memtable); /* NULL is fine */

/* The entry of a key: ART_OK or ART_NOTFOUND. `out->value` lives as long as the memtable. */
enum art_rc art_memtable_get(const struct art_memtable *memtable, struct art_bytes key, struct art_entry *out);

/* False: the key whose art_hash64() this is has no entry here. */
bool art_memtable_may_contain(struct art_memtable *memtable, uint64_t hash);

/* Sets the key's entry (put or delete, with `shadows_older` as given; keeping an older `shadows_older` is the caller's
 * business). The value is copied; a delete's, but for what it replaces, is left out. ART_OK, or ART_NOMEM, ART_TOOBIG
 * (key over ART_KEY_MAX), and then nothing changed. */
enum art_rc art_memtable_set(struct art_memtable *memtable, struct art_bytes key, const struct art_entry *entry);

/* A get and a set of one key with one search. The position is good until the memtable changes. */
struct art_memtable_position {
    uint64_t hash; /* art_hash64() of the key */
    void *nearest; /* (private) the leaf that shares most with the key */
};
/* Where the key stands, or would; then the entry, as art_memtable_get(); then art_memtable_set() there. */
void art_memtable_look(const struct art_memtable *memtable, struct art_bytes key, struct art_memtable_position *out);
enum art_rc art_memtable_get_at(struct art_bytes key, const struct art_memtable_position *position,
                                struct art_entry *out);
enum art_rc art_memtable_set_at(struct art_memtable *memtable, struct art_bytes key,
                                const struct art_memtable_position *position, const struct art_entry *entry);

/* Undo. Positions grow; 0 is the beginning of the transaction. The old entry of a key is noted once per savepoint:
 * noting again between two savepoints is skipped. A rollback to a position that was passed, or is now, needs no
 * memory. */
uint64_t art_memtable_savepoint(struct art_memtable *memtable);
void art_memtable_rollback(struct art_memtable *memtable, uint64_t position); /* cannot fail */
void art_memtable_forget_undo(struct art_memtable *memtable);                 /* commit: position 0 is now here */
bool art_memtable_dirty(const struct art_memtable *memtable);                 /* anything noted? */
/* Entries of the redo of this transaction, or a few more; entries of redo that were replayed since it was opened. */
uint64_t art_memtable_noted(const struct art_memtable *memtable);
uint64_t art_memtable_replayed(const struct art_memtable *memtable);
/* How often art_memtable_visit() has found zones too wide, and made them narrower, since it was opened. */
uint64_t art_memtable_narrowed(const struct art_memtable *memtable);

/* Memory of arena and undo list, in bytes; how much of the arena no key refers to any more; keys (deletes included);
 * bytes of keys and values as a flush would write them; sum of weights. */
size_t art_memtable_memory(const struct art_memtable *memtable);
size_t art_memtable_garbage(const struct art_memtable *memtable);
uint64_t art_memtable_keys(const struct art_memtable *memtable);
uint64_t art_memtable_bytes(const struct art_memtable *memtable);
int64_t art_memtable_count(const struct art_memtable *memtable);
/* The memory without those parts of chunks that nothing was cut off yet: what grows with each change. */
size_t art_memtable_used(const struct art_memtable *memtable);
/* Sum of the weights of all entries with keys < `key`. */
int64_t art_memtable_rank(const struct art_memtable *memtable, struct art_bytes key);
/* The same, with the summary's sums of these entries added to `sum`. */
int64_t art_memtable_sums(const struct art_memtable *memtable, struct art_bytes key, art_int128 *sum);
/* A part of the memtable in which keys from [low, high) may be: a node, or one key. With a summary. */
struct art_memtable_part {
    uintptr_t link;
    bool is_key;
    const struct art_zone *zones; /* bounds of all rows below, maybe wide; of a key: its own; borrowed */
    struct art_bytes key;         /* of a key; in the arena */
    struct art_entry entry;       /* the same */
};
/* The parts of a part (`link` 0: of the whole) one after the other, until visit() returns anything but ART_OK, which is
 * returned then. Deletes are left out. The part is borrowed for the call. Where no part has what the zone says of the
 * least, or largest, number of the column, or of its kinds, the zone is made narrow again, and those above it. */
enum art_rc art_memtable_visit(struct art_memtable *memtable, uintptr_t link, unsigned column, bool largest,
                               struct art_bytes low, struct art_bytes high,
                               enum art_rc (*visit)(void *context, const struct art_memtable_part *part),
                               void *context);
/* Kinds of zones (enum art_zone_kinds) of all rows in a column, maybe more. With a summary. */
uint8_t art_memtable_kinds(const struct art_memtable *memtable, unsigned column);
/* Looks at all entries in [low, high), or the search is lost. With a summary. It narrows zones, too. */
void art_memtable_extreme(struct art_memtable *memtable, struct art_bytes low, struct art_bytes high,
                          struct art_extreme *search);
/* The entry in [low, high) that weighs one and before which all weights add up to `rank`, if between the two bounds no
 * entry weighs less than nothing (what stands beside them may). *key lies in the arena. ART_OK, ART_NOTFOUND. */
enum art_rc art_memtable_select(const struct art_memtable *memtable, struct art_bytes low, struct art_bytes high,
                                int64_t rank, struct art_bytes *key);

/* A copy without garbage and without undo list, in a new arena, with one reference. ART_NOMEM, and *out is NULL. */
enum art_rc art_memtable_compact(const struct art_memtable *memtable, struct art_memtable **out);

/* --- cursor ------------------------------------------------------------------------------------------------------- */

/* The same verbs as a blob's. Valid until the memtable changes in any way; then seek again. It holds no reference and
 * may be moved in memory. */
enum { ART_MEMTABLE_DEPTH_INLINE = 32 };
struct art_memtable_cursor {
    const struct art_memtable *memtable;
    bool valid;
    struct art_bytes key; /* in the arena; with a NUL behind it, and readable ART_KEY_PADDING bytes past that */
    uint32_t kept;        /* behind next() and prev(): so many bytes of the key, at least, are what they were */
    /* (private) */
    uint64_t newer_than; /* 0: all */
    void *leaf;
    bool chooses;
    struct art_buffer chosen; /* leaves in order */
    uint32_t at;              /* among them */
    uint32_t depth, capacity;
    struct art_memtable_step {
        void *node;
        int32_t child; /* -1: the value that ends at the node itself */
    } * steps, inline_steps[ART_MEMTABLE_DEPTH_INLINE];
};
/* On no key; the memtable is borrowed. clear() frees, and leaves the cursor as after init. */
void art_memtable_cursor_init(struct art_memtable_cursor *cursor, const struct art_memtable *memtable);
void art_memtable_cursor_clear(struct art_memtable_cursor *cursor);
/* Behind init: the cursor walks only through keys of rows with what is sought, which may be none; but through all keys
 * where such rows are frequent, so that a walk meets them soon. ART_NOMEM, and then it walks through all. */
enum art_rc art_memtable_cursor_choose(struct art_memtable_cursor *cursor, struct art_memtable *memtable,
                                       const struct art_limits *limits);
/* Behind init: what is not newer may be passed over. ART_NOMEM, and then it is not. */
enum art_rc art_memtable_cursor_newer(struct art_memtable_cursor *cursor, struct art_memtable *memtable,
                                      uint64_t newer_than);
/* ART_OK (look at `valid`) or ART_NOMEM, and then not valid. next() and prev() go on from a valid cursor. */
enum art_rc art_memtable_first(struct art_memtable_cursor *cursor);
enum art_rc art_memtable_last(struct art_memtable_cursor *cursor);
enum art_rc art_memtable_seek_ge(struct art_memtable_cursor *cursor, struct art_bytes key);
enum art_rc art_memtable_seek_le(struct art_memtable_cursor *cursor, struct art_bytes key);
enum art_rc art_memtable_next(struct art_memtable_cursor *cursor);
enum art_rc art_memtable_prev(struct art_memtable_cursor *cursor);
/* What stands at a valid cursor; the value lives as long as the memtable. */
void art_memtable_cursor_entry(const struct art_memtable_cursor *cursor, struct art_entry *out);
void art_memtable_cursor_prefetch(const struct art_memtable_cursor *cursor); /* it will be asked for its entry soon */

/* --- redo: a transaction's net effect as bytes -------------------------------------------------------------------- */

/* Row: XXH3-128(previous hash, csn, body) | body. Body: per key that has an undo note, in key order, its net effect:
 * put or delete, value, flags, and `shadows_older` meaning here: was the key live before this transaction (seen over
 * memtable and runs; taken from the first noted entry of the key, or, where the memtable did not hold the key then,
 * from its `shadows_older`). ART_REPLACED is of that row. Memtable-coded keys. *hash is the previous row's on entry and
 * this row's on return. Appends to `out`. */
enum art_rc art_redo_encode(const struct art_memtable *memtable, uint64_t csn, struct art_hash128 *hash,
                            struct art_buffer *out);
/* Entries of the memtable, each with its own csn, flags and `shadows_older` (for savepoints of a spilled transaction),
 * to be decoded by themselves: from the cursor on, until there are `enough` bytes or little more than that. Appends to
 * `out`. ART_NOMEM, and then there may be some of them. */
enum art_rc art_redo_encode_some(struct art_memtable_cursor *cursor, size_t enough, struct art_buffer *out);
/* Sets these entries as they are, whatever the memtable held. Errors as art_redo_replay(). */
enum art_rc art_redo_decode_all(struct art_bytes bytes, struct art_memtable *memtable);

/* Checks the chain: ART_OK and the row's hash, ART_REBUILD when the row does not follow `previous`, ART_CORRUPT when it
 * is too short. verify() also looks at each entry, as replay() does: ART_CORRUPT when they make no sense, ART_NOMEM. */
enum art_rc art_redo_follows(struct art_bytes row, uint64_t csn, struct art_hash128 previous, struct art_hash128 *hash);
enum art_rc art_redo_verify(struct art_bytes row, uint64_t csn, struct art_hash128 previous, struct art_hash128 *hash);
/* Applies a row that follows: keeps the `shadows_older` of an entry that the memtable already holds, with what it
 * replaces. No undo is noted; the memtable is not dirty (nor for art_redo_decode_all). ART_NOMEM, ART_CORRUPT (the
 * memtable is then half changed: throw it away). */
enum art_rc art_redo_replay(struct art_bytes row, uint64_t csn, struct art_memtable *memtable);

#endif
