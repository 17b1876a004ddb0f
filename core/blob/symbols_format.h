/* The table of symbols of a leaf blob with ART_BLOB_SYMBOLS, at a multiple of 8, and used where it stands.
 * Integers are little-endian.
 *
 *      0   u64 symbol[256]   code c stands for the first len[c] bytes of symbol[c]; behind them it is zero
 *   2048   u8  len[256]
 *
 *   code 0           the byte NUL: symbol 0, length 1. No other symbol has a NUL
 *   codes 1 .. n     symbols of 1 to 8 bytes: the shorter before the longer, those of one length as memcmp() sorts them
 *   codes .. 254     spare: symbol 0, length 0
 *   code 255         the escape, length 0: the byte behind it stands for itself. Its symbol is the rate, as how many
 *                    bytes of code 4,096 plain bytes of the sample came to when the table was made for it
 *
 * So a set of symbols is written in one way, and art_wrong_symbols() refuses any other.
 */
#ifndef ART_BLOB_SYMBOLS_FORMAT_H
#define ART_BLOB_SYMBOLS_FORMAT_H

#include <stddef.h>
#include <stdint.h>

enum {
    ART_ESCAPE = 255,
    ART_SYMBOL_MAX = 8, /* bytes of a symbol */
    ART_RATE_ONE = 4096,
    ART_RATE_MAX = 2 * ART_RATE_ONE /* of a table in which every byte is escaped */
};

struct art_symbols {
    uint64_t symbol[256]; /*    0 */
    uint8_t len[256];     /* 2048 */
};
_Static_assert(sizeof(struct art_symbols) == 2304, "symbols size");
_Static_assert(offsetof(struct art_symbols, len) == 2048, "symbols layout");

#endif
