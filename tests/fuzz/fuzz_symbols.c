/* Tables of symbols (core/blob/symbols.h). What is no table is refused; whatever a table says, codes bring and are compared
 * as the naive model says (support/symbols.h), within their bounds. Texts teach a table, and come back.
 *
 * Input: u8 how. 0: texts, each u8 length and bytes. 1, 2: u8 symbols | each 9 bytes, which are u64 and u8 of a table as
 * they are, or a string, put in order | codes.
 */
#include "tests/fuzz/fuzz.h"
#include "tests/support/symbols.h"

static void must_not(const char *wrong) {
    if (wrong) fuzz_fail("%s", wrong);
}

static void read_table(struct fuzz_source *source, bool strings, struct art_symbols *symbols) {
    char string[ART_ESCAPE][ART_SYMBOL_MAX + 1] = {{0}};
    uint32_t count = 0;
    for (uint32_t n = fuzz_byte(source); count < n && source->end - source->at >= 9; source->at += 9)
        memcpy(string[count++], source->at, 9);
    *symbols = (struct art_symbols){.len = {1}};
    for (uint32_t c = 0; c < count; c++) {
        memcpy(&symbols->symbol[c + 1], string[c], 8);
        symbols->len[c + 1] = (uint8_t)string[c][8];
        string[c][8] = 0;
    }
    if (strings) symbols_of(string, art_min32(count, ART_ESCAPE - 1), symbols);
    must_not(judged_wrong(symbols));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct art_encoder encoder;
    struct fuzz_source source = {data, data + size};
    uint8_t texts[65536 + 256], how = fuzz_byte(&source) % 3;
    uint32_t ends[1000], count = 0, n = 0;
    if (how) {
        struct art_symbols symbols;
        read_table(&source, how == 2, &symbols);
        if (!art_wrong_symbols(&symbols))
            must_not(codes_wrong(&symbols, source.at, (uint32_t)(source.end - source.at)));
        return 0;
    }
    for (; source.at < source.end && count < 1000 && n < 65536; ends[count++] = n) {
        struct art_bytes text = fuzz_bytes(&source);
        memcpy(texts + n, text.data, text.len);
        n += text.len;
    }
    must_not(training_wrong(&encoder, texts, ends, count));
    return 0;
}
