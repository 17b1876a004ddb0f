/* Blocks (ext/columns). What is no block is refused or read without a look outside; what values went into one come
 * back.
 *
 * Input: u8 how | u8 rows; odd: the bytes of a block, or even: values, each u8 length and bytes. A block is then
 * changed as the rest of the input says, a place and a byte at a time, and read once more.
 */
#include "core/base/codec.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/blocks.h"

enum { BLOCK_MAX = 2 * ART_BLOCK_PLAIN_MAX };

static void must_be_read(struct art_bytes block, uint32_t rows) {
    const char *insane, *wrong = block_damaged(block, rows, &insane);
    if (wrong) fuzz_fail("a block of %u rows: %s", rows, wrong);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t block[BLOCK_MAX + 16];
    struct fuzz_source source = {data, data + size};
    uint8_t how = fuzz_byte(&source);
    uint32_t rows = 1 + fuzz_byte(&source) % ART_BLOCK_ROWS_MAX, bytes = 0, count = 0, used = 0;
    if (how & 1) {
        uint32_t n = (uint32_t)(source.end - source.at);
        must_be_read(art_bytes(source.at, n < BLOCK_MAX ? n : BLOCK_MAX), rows);
        return 0;
    }
    struct art_bytes values[ART_BLOCK_ROWS_MAX];
    while (count < rows && source.at < source.end) {
        values[count] = fuzz_bytes(&source);
        if (used + values[count].len > ART_BLOCK_PLAIN_MAX) break;
        used += values[count++].len;
    }
    for (; count && count < rows && how & 2 && used + values[0].len <= ART_BLOCK_PLAIN_MAX; count++) {
        values[count] = values[count / 2]; /* more of the same */
        used += values[count].len;
    }
    if (used > ART_BLOCK_PLAIN_MAX) count--;
    if (!count) return 0;
    const char *wrong = block_wrong(values, count, block, &bytes);
    if (wrong) fuzz_fail("%u values: %s", count, wrong);
    for (int i = 0; i < 8; i++) {
        uint32_t at = fuzz_byte(&source);
        at |= (uint32_t)fuzz_byte(&source) << 8;
        block[at % bytes] ^= fuzz_byte(&source);
        must_be_read(art_bytes(block, bytes), count);
    }
    return 0;
}
