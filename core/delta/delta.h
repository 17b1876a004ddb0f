/* The delta: what changed lately, as a mutable ART in memory.
 *
 * Nodes of 4, 16, 48 and 256 children with path compression (V. Leis et al., "The Adaptive Radix Tree", ICDE 2013).
 * Each inner node also holds the sum of the weights below it, so that counts under any prefix take one descent. Keys
 * are any bytes; a key may be a prefix of another; the empty key is a key.
 *
 * All memory of a delta is one arena, given back whole. A delta is counted: a cursor that stands on one of its values
 * holds a reference, because the values (immutable once written) lie in the arena.
 *
 * Changes are noted in an undo list. A position in it is a savepoint: art_delta_rollback() brings back exactly the
 * state that was there. Nothing is noted while undo is off (replay).
 */
#ifndef ART_DELTA_DELTA_H
#define ART_DELTA_DELTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/base/buffer.h"
#include "core/base/bytes.h"
#include "core/base/entry.h"
#include "core/base/hash.h"

struct art_delta;

int art_delta_open(struct art_delta **out); /* with one reference */
struct art_delta *art_delta_ref(struct art_delta *delta);
void art_delta_unref(struct art_delta *delta); /* NULL is fine */

/* An art_delta_unref(), before which the empty `next` takes over up to `most` bytes of memory that nobody else needs. */
void art_delta_hand_over(struct art_delta *delta, struct art_delta *next, size_t most);
/* Whether a key is in none of several deltas, the present one and those that were flushed before it: remember() makes a
 * filter of so many bytes, pass_on() hands it to the delta that follows, which is empty. While the present one remembers,
 * art_delta_may_contain() says no only where all of them would. remember() is false without memory, or when there are too
 * many keys; a filter that gets too full ceases to remember. */
bool art_delta_remember(struct art_delta *delta, size_t bytes);
bool art_delta_remembers(const struct art_delta *delta);
void art_delta_pass_on(struct art_delta *delta, struct art_delta *next);
/* Were its keys, to judge by the first ones, set in ascending order? */
bool art_delta_came_in_order(const struct art_delta *delta);

/* The entry of a key: ART_OK or ART_NOTFOUND. `out->value` lives as long as the delta. */
int art_delta_get(const struct art_delta *delta, struct art_bytes key, struct art_entry *out);

/* False: the key whose art_hash64() this is has no entry here. */
bool art_delta_may_contain(const struct art_delta *delta, uint64_t hash);

/* Sets the key's entry (put or delete, with `over` as given; keeping an older `over` is the caller's business). The
 * value is copied, a delete's is left out. ART_OK, or ART_NOMEM, ART_TOOBIG (key over ART_KEY_MAX), and then nothing
 * changed. */
int art_delta_set(struct art_delta *delta, struct art_bytes key, const struct art_entry *entry);

/* A get and a set of one key with one search. The place is good until the delta changes. */
struct art_delta_place {
    uint64_t hash; /* art_hash64() of the key */
    void *nearest; /* (private) the leaf that shares most with the key */
};
void art_delta_look(const struct art_delta *delta, struct art_bytes key, struct art_delta_place *out);
int art_delta_get_at(const struct art_delta *delta, struct art_bytes key, const struct art_delta_place *place,
                     struct art_entry *out);
int art_delta_set_at(struct art_delta *delta, struct art_bytes key, const struct art_delta_place *place,
                     const struct art_entry *entry);

/* Undo. Positions grow; 0 is the beginning of the transaction. The old entry of a key is noted once per mark: noting
 * again between two marks is skipped (art_delta_mark() starts a new stretch). */
uint64_t art_delta_mark(struct art_delta *delta);
void art_delta_rollback(struct art_delta *delta, uint64_t position); /* cannot fail */
void art_delta_forget_undo(struct art_delta *delta);                 /* commit: position 0 is now here */
bool art_delta_dirty(const struct art_delta *delta);                 /* anything noted? */

/* Memory of arena and undo list, in bytes; how much of the arena no key refers to any more; keys (deletes included);
 * bytes of keys and values as a flush would write them; sum of weights. */
size_t art_delta_memory(const struct art_delta *delta);
size_t art_delta_garbage(const struct art_delta *delta);
uint64_t art_delta_keys(const struct art_delta *delta);
uint64_t art_delta_bytes(const struct art_delta *delta);
int64_t art_delta_count(const struct art_delta *delta);
/* The memory without those parts of chunks that nothing was cut off yet: what grows with each change. */
size_t art_delta_used(const struct art_delta *delta);
/* Sum of the weights of all entries with keys < `key`. */
int64_t art_delta_rank(const struct art_delta *delta, struct art_bytes key);
/* The entry in [low, high) that weighs one and before which all weights add up to `rank`, if between the two bounds no
 * entry weighs less than nothing (what stands beside them may). *key lies in the arena. ART_OK, ART_NOTFOUND. */
int art_delta_select(const struct art_delta *delta, struct art_bytes low, struct art_bytes high, int64_t rank,
                     struct art_bytes *key);

/* A copy without garbage and without undo list, in a new arena. */
int art_delta_compact(const struct art_delta *delta, struct art_delta **out);

/* --- cursor --- */

/* The same verbs as a blob's. Valid until the delta changes in any way; then seek again. It holds no reference and may be moved in
 * memory. */
enum { ART_DELTA_DEPTH_INLINE = 32 };
struct art_delta_cursor {
    const struct art_delta *delta;
    bool valid;
    struct art_bytes key; /* in the arena; readable ART_KEY_PADDING bytes past its end is not promised */
    /* (private) */
    void *leaf;
    uint32_t depth, capacity;
    struct art_delta_step {
        void *node;
        int32_t child; /* -1: the value that ends at the node itself */
    } * steps, inline_steps[ART_DELTA_DEPTH_INLINE];
};
void art_delta_cursor_init(struct art_delta_cursor *cursor, const struct art_delta *delta);
void art_delta_cursor_clear(struct art_delta_cursor *cursor);
/* ART_OK (look at `valid`) or ART_NOMEM. */
int art_delta_first(struct art_delta_cursor *cursor);
int art_delta_last(struct art_delta_cursor *cursor);
int art_delta_seek_ge(struct art_delta_cursor *cursor, struct art_bytes key);
int art_delta_seek_le(struct art_delta_cursor *cursor, struct art_bytes key);
int art_delta_next(struct art_delta_cursor *cursor);
int art_delta_prev(struct art_delta_cursor *cursor);
/* To the first key behind all that begin as the current key does in its first `len` bytes; backward: to the last
 * before. */
int art_delta_skip_prefix(struct art_delta_cursor *cursor, uint32_t len, bool backward);
void art_delta_cursor_entry(const struct art_delta_cursor *cursor, struct art_entry *out);

/* --- redo: a transaction's net effect as bytes -------------------------------------------------------------------- */

/* Row: XXH3-128(previous hash, csn, body) | body. Body: per key that has an undo note, in key order, its net effect:
 * put or delete, value, flags, and `over` meaning here: was the key live before this transaction (seen over delta and
 * runs; taken from the first noted entry of the key, or, where the delta did not hold the key then, from its `over`).
 * Delta-coded keys. *hash is the previous row's on entry and this row's on return. Appends to `out`. */
int art_redo_encode(const struct art_delta *delta, uint64_t csn, struct art_hash128 *hash, struct art_buffer *out);
/* Every entry of the delta, with its own csn, flags and `over` (for savepoints of a spilled transaction). */
int art_redo_encode_all(const struct art_delta *delta, struct art_buffer *out);
int art_redo_decode_all(struct art_bytes bytes, struct art_delta *delta);

/* Checks the chain without applying: ART_OK and the row's hash, ART_REBUILD when it does not follow `previous`,
 * ART_CORRUPT when its bytes make no sense, ART_NOMEM. */
int art_redo_verify(struct art_bytes row, uint64_t csn, struct art_hash128 previous, struct art_hash128 *hash);
/* Applies a verified row: keeps the `over` of an entry that the delta already holds. No undo is noted.
 * ART_NOMEM, ART_CORRUPT (the delta is then half changed: throw it away); ART_MISUSE when the delta is dirty (this and
 * art_redo_decode_all). */
int art_redo_replay(struct art_bytes row, uint64_t csn, struct art_delta *delta);

void art_delta_dump(const struct art_delta *delta, FILE *out);
/* Structure, sums and counters; ART_CORRUPT with a sentence. For tests. */
int art_delta_check(const struct art_delta *delta);

#endif
