/* Redo bytes. A row of T_artdata:
 *
 *      0  16   hash      XXH3-128 of (previous row's hash, 16 bytes; csn, 8 bytes; body)
 *     16   1   kind      ART_REDO_ROW                                                   \
 *     17   .   entries, one a key, in ascending key order, to the end of the row        / body
 *
 * A complete memtable (art_redo_encode_all) is the same without the hash, under kind ART_REDO_ALL. An entry:
 *
 *      1       flags     enum art_entry_flags; other bits 0
 *      varint  shared    bytes that the key has in common with the one before, as many as there are; first key: 0
 *      varint  suffix    bytes of the key behind them
 *      .                 these bytes
 *      varint  csn       ART_REDO_ALL only: difference to the entry before (first: to 0), zigzag
 *      varint  length    puts, and deletes with ART_REPLACED: of the value as it is stored (core/base/entry.h)
 *      .                 the value
 *
 * In a row, ART_SHADOWS_OLDER says whether the key was live before the transaction, and ART_REPLACED is of the row as
 * it was then; in a complete memtable both are the entry's own. Varints are LEB128 (core/base/bytes.h); the hash is
 * stored low half first.
 */
#ifndef ART_MEMTABLE_REDO_FORMAT_H
#define ART_MEMTABLE_REDO_FORMAT_H

#include "core/base/entry.h"

enum art_redo_kind { ART_REDO_ROW = 1, ART_REDO_ALL = 2 };

enum {
    ART_REDO_HASH_BYTES = 16, /* bytes of a hash */
    /* Most bytes of an entry beside key and value: flags, what its key shares and adds, its csn, the value's length,
     * and what stands in front of the value. */
    ART_REDO_ENTRY_OVERHEAD = 1 + 3 + 3 + ART_VARINT_MAX + 5 + ART_REPLACED_MAX
};

_Static_assert(ART_KEY_MAX < 1 << 21, "lengths within a key take three bytes at most");

#endif
