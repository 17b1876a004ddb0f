/* A codec for blobs of core's tests, whose blocks are never the values' own bytes:
 *
 *   u16 n, begin, end   values; bytes that all of them begin and end with
 *   u16 at[n]           where the rest of each value ends, from the first on
 *   begin, end, rests   each byte XORed, and of each rest repeated bytes are counted
 *
 * A rest is packed in pieces: u8 c < 128, and c + 1 bytes; or c >= 128, and a byte that stands there c - 126 times.
 */
#ifndef ART_TESTS_TOY_CODEC_H
#define ART_TESTS_TOY_CODEC_H

#include <stdbool.h>

#include "core/base/codec.h"

extern const struct art_codec toy_codec;
/* Values that have been encoded, and blocks. */
extern uint64_t toy_codec_encoded, toy_codec_blocks;

/* Lends it, or takes it back. */
void toy_codec_lend(bool lends);

#endif
