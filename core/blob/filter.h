/* The filter: says of a key that it is not in this blob, without a look at the leaf pages.
 *
 * A blocked Bloom filter (F. Putze, P. Sanders, J. Singler 2007): each key sets 7 bits of one block of 512, a cache
 * line. With 10 bits a key about one absent key in a hundred passes. The upper half of the key's hash chooses the
 * block, the lower half, spread by a multiplication, the bits.
 */
#ifndef ART_BLOB_FILTER_H
#define ART_BLOB_FILTER_H

#include "core/blob/blob_format.h"

enum { ART_FILTER_BITS_PER_KEY = 10 };

/* Blocks for so many keys. */
static inline uint32_t art_filter_blocks(uint32_t keys) {
    return (uint32_t)(((uint64_t)keys * ART_FILTER_BITS_PER_KEY + 8 * ART_FILTER_BLOCK_BYTES - 1) /
                      (8 * ART_FILTER_BLOCK_BYTES));
}

/* Fills `blocks` blocks of ART_FILTER_BLOCK_BYTES bytes at `out` with so many keys. */
void art_filter_build(uint8_t *out, uint32_t blocks, const uint64_t *hashes, uint32_t count);

#endif
