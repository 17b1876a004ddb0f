/* Building the filter and asking it; filter.h says how it works. */
#include "core/blob/filter.h"

#include <assert.h>

#include "core/base/hash.h"

enum { PROBES = 7 }; /* nine bits of a hash of 64 for each, which is all of them */

static inline uint32_t block_of(uint64_t hash, uint32_t blocks) {
    return (uint32_t)(((hash >> 32) * blocks) >> 32);
}

/* Nine bits of this word, from the top, name each bit to look at. */
static inline uint64_t spread(uint64_t hash) {
    return (hash & UINT32_MAX) * 0x9e3779b97f4a7c15ull;
}

uint64_t art_blob_key_hash(struct art_bytes key) {
    return art_hash64(key.data, key.len);
}

void art_filter_build(uint8_t *out, uint32_t blocks, const uint64_t *hashes, uint32_t count) {
    assert(blocks == art_filter_blocks(count));
    memset(out, 0, (size_t)blocks * ART_FILTER_BLOCK_BYTES);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *block = out + (size_t)block_of(hashes[i], blocks) * ART_FILTER_BLOCK_BYTES;
        uint64_t bits = spread(hashes[i]);
        for (int probe = 0; probe < PROBES; probe++, bits <<= 9) {
            uint32_t bit = (uint32_t)(bits >> 55);
            block[bit >> 3] |= (uint8_t)(1u << (bit & 7));
        }
    }
}

enum art_rc art_blob_ask_filter(struct art_blob *blob, uint64_t key_hash) {
    if (!blob->filter_blocks) return ART_OK;
    uint32_t begin = blob->at.begin[ART_PART_FILTER];
    assert(begin % ART_FILTER_BLOCK_BYTES == 0 && blob->flags & ART_BLOB_FILTER);
    uint32_t at = begin + block_of(key_hash, blob->filter_blocks) * ART_FILTER_BLOCK_BYTES;
    enum art_rc rc = art_blob_want_bytes(blob, at, ART_FILTER_BLOCK_BYTES);
    if (rc) return rc;
    const uint8_t *block = blob->image + at;
    uint64_t bits = spread(key_hash);
    uint32_t set = 1;
    for (int probe = 0; probe < PROBES; probe++, bits <<= 9) {
        uint32_t bit = (uint32_t)(bits >> 55);
        set &= (uint32_t)block[bit >> 3] >> (bit & 7);
    }
    return set & 1 ? ART_OK : ART_NOTFOUND;
}
