/* Tables of symbols (core/blob/symbols.h): wrong ones are refused, others bring from any codes what the naive model
 * says (support/symbols.h), within their bounds. Texts teach a table, and come back.
 *
 * Input: u8 how. 0: texts, each with a line's end. 1, 2: u8 symbols | each 9 bytes: u64 and u8, or a string | codes. */
#include "tests/fuzz/fuzz.h"
#include "tests/support/symbols.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct art_encoder encoder;
    struct fuzz_source source = {data, data + size};
    struct art_symbols symbols = {.len = {1}};
    char strings[ART_ESCAPE][ART_SYMBOL_MAX + 1] = {{0}};
    uint32_t how = fuzz_byte(&source) % 3, n = how ? fuzz_byte(&source) : 0, count = 0, ends[1000];
    for (; count < n && source.end - source.at >= 9; source.at += 9) {
        memcpy(strings[count++], source.at, 8);
        memcpy(&symbols.symbol[count], source.at, 8);
        symbols.len[count] = source.at[8];
    }
    if (how == 2) symbols_of(strings, art_min32(count, ART_ESCAPE - 1), &symbols);
    const char *wrong = judged_wrong(&symbols);
    n = (uint32_t)(source.end - source.at);
    if (how && !wrong && !art_wrong_symbols(&symbols)) wrong = codes_wrong(&symbols, source.at, n);
    for (uint32_t i = 0; !how && i < n && count < 1000; i++) {
        if (source.at[i] == '\n') ends[count++] = i + 1;
    }
    if (!how) wrong = trained_wrong(&encoder, source.at, ends, count);
    if (wrong) fuzz_fail("%s", wrong);
    return 0;
}
