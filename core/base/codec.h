/* Blocks: the values of a bucket as the host's codec keeps them, smaller than one by one (blob/blob_format.h).
 *
 * There is one codec in a process, as there is one allocator: its functions are pure, and what they write is part of
 * the format. A host that lends none has tables without blocks, and cannot read others.
 */
#ifndef ART_BASE_CODEC_H
#define ART_BASE_CODEC_H

#include "core/base/bytes.h"

enum {
    ART_BLOCK_ROWS_MAX = 128,
    ART_BLOCK_PLAIN_MAX = 16384 /* bytes of all values of a block; each has ART_VALUE_INLINE_MAX at most */
};

struct art_codec {
    /* The block of `count` values, 1 to ART_BLOCK_ROWS_MAX, of at most ART_BLOCK_PLAIN_MAX bytes together, in `space`
     * bytes at `out`. Returns its bytes, of which the same values always make the same ones. 0: it needs more than
     * `space`. */
    uint32_t (*encode)(const struct art_bytes *values, uint32_t count, uint8_t *out, uint32_t space);
    /* NULL, or what is wrong with a block of `count` values. After it no other function reads outside of the block or
     * writes more than it says, whatever the bytes are. */
    const char *(*insane)(struct art_bytes block, uint32_t count);
    /* Value `row` of a sane block into `out`, which has room for ART_VALUE_INLINE_MAX bytes. Returns its bytes. */
    uint32_t (*value)(struct art_bytes block, uint32_t row, uint8_t *out);
    /* The values of rows [from, to), one behind the other, into `out`, which has room for ART_BLOCK_PLAIN_MAX bytes;
     * ends[i]: where value from + i ends. */
    void (*values)(struct art_bytes block, uint32_t from, uint32_t to, uint8_t *out, uint32_t *ends);
};

/* The process's; NULL: none. */
const struct art_codec *art_codec(void);
/* Before the first tree is opened. */
void art_codec_use(const struct art_codec *codec);

#endif
