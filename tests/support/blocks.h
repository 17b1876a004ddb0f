/* Blocks of ext/columns, beside what the records themselves say. Both answer NULL, or what is wrong. */
#ifndef ART_TESTS_BLOCKS_H
#define ART_TESTS_BLOCKS_H

#include "core/base/bytes.h"

/* These values, made a block, which comes in `block` (of ART_BLOCK_PLAIN_MAX * 2 bytes, or NULL) and *bytes: every
 * value, field and column comes back, any rows can be chosen by a column, and the block takes no more space than it
 * says. */
const char *block_wrong(const struct art_bytes *values, uint32_t count, uint8_t *block, uint32_t *bytes);

/* Any bytes: everything that can be read is, if the block is not refused. Under AddressSanitizer nothing outside of it
 * is, and nothing is written behind the room for it. *insane: it was refused. */
const char *block_damaged(struct art_bytes block, uint32_t count, const char **insane);

#endif
