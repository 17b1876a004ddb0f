/* Cuts: ranges of keys that have left all runs as one thing, the latest ones of a root.
 *
 *     at generation g     run 0   . . . [ x x x ) . . .      leaf blobs of generation g or older have no row
 *                         run 1   . [ x x x x x x x ) .      in the range any more that is the table's
 *
 * No delete is left of these rows (run/directory.c). Their leaf blobs lie in free slots until something else is written
 * there, and where an index is damaged, salvage finds leaves by their own footers: this list tells it what in them is
 * dead. Nobody else reads it. Rows that come into the range later, also in the same transaction, lie in leaf blobs of
 * later generations. So a number of each blob decides, and no csn.
 *
 * 'optimize' writes all rows anew, so that no older leaf blob has one: a single cut of all rows then stands for the
 * list. Where it keeps blobs that snapshots hold, the list stays as it is. It is a part of the root: what brings a root
 * back, a savepoint, a copy, a refresh, brings its cuts along.
 * root_format.h has its bytes. */
#ifndef ART_TREE_CUTS_H
#define ART_TREE_CUTS_H

#include "core/base/buffer.h"

/* Each root is written twice or three times, so its list is short: some 40 cuts with keys of 20 bytes. */
enum { ART_CUTS_BYTES_MAX = 2048 };

/* Puts [low, high) into the list. Those that lie in it go, and the oldest where it becomes too long; one that is too
 * long by itself is not put in. `generation` is no lower than those of the list. ART_NOMEM: nothing has changed. */
enum art_rc art_cuts_add(struct art_buffer *cuts, struct art_bytes low, struct art_bytes high, uint64_t generation);
/* Does an entry of this key, in a leaf blob of this generation, lie in one of them? */
bool art_cuts_have(const struct art_buffer *cuts, struct art_bytes key, uint64_t generation);
unsigned art_cuts_count(const struct art_buffer *cuts);
/* Bytes of the list at the beginning of these: to one of generation 0, or to their end. */
uint32_t art_cuts_len(struct art_bytes bytes);
/* Can bytes be the list of a root of this generation? */
bool art_cuts_are_sound(struct art_bytes bytes, uint64_t generation);

#endif
