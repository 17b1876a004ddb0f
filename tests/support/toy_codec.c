#include "tests/support/toy_codec.h"

#include "core/base/entry.h"

enum { MASK = 0x5c, LITERALS_MAX = 128, REPEATS_MIN = 3, REPEATS_MAX = 129 };

uint64_t toy_codec_encoded, toy_codec_blocks;

enum { HEAD_BYTES = 6 };

struct toy_block {
    const uint8_t *bytes;
    uint32_t count, begin, end, rests; /* where the rests begin in the block; the two shared parts stand before */
};

static struct toy_block open_block(struct art_bytes block) {
    uint32_t count = art_load16(block.data), begin = art_load16(block.data + 2), end = art_load16(block.data + 4);
    return (struct toy_block){block.data, count, begin, end, HEAD_BYTES + 2 * count + begin + end};
}

static uint32_t rest_end(const struct toy_block *block, uint32_t row) {
    return art_load16(block->bytes + HEAD_BYTES + 2 * row);
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

struct output {
    uint8_t *at, *limit; /* at = NULL: it does not fit */
};

static void put(struct output *out, const uint8_t *bytes, uint32_t len) {
    if (!out->at || (size_t)(out->limit - out->at) < len) {
        out->at = NULL;
        return;
    }
    for (uint32_t i = 0; i < len; i++) *out->at++ = bytes[i] ^ MASK;
}

static uint32_t repeats(const uint8_t *bytes, uint32_t len) {
    uint32_t n = 1;
    while (n < len && n < REPEATS_MAX && bytes[n] == bytes[0]) n++;
    return n;
}

static void pack(struct output *out, const uint8_t *bytes, uint32_t len) {
    while (len) {
        uint32_t n = repeats(bytes, len);
        uint8_t control = (uint8_t)(n + 126);
        if (n >= REPEATS_MIN) {
            put(out, &control, 1);
            put(out, bytes, 1);
        } else {
            for (n = 0; n < len && n < LITERALS_MAX && repeats(bytes + n, len - n) < REPEATS_MIN;) n++;
            control = (uint8_t)(n - 1);
            put(out, &control, 1);
            put(out, bytes, n);
        }
        bytes += n;
        len -= n;
    }
}

static uint32_t encode(const struct art_bytes *values, uint32_t count, uint8_t *out, uint32_t space) {
    uint32_t begin = values[0].len, end = values[0].len, least = values[0].len;
    toy_codec_encoded += count;
    toy_codec_blocks++;
    for (uint32_t i = 1; i < count; i++) {
        if (values[i].len < least) least = values[i].len;
        uint32_t n = 0;
        while (n < begin && n < values[i].len && values[i].data[n] == values[0].data[n]) n++;
        begin = n;
        for (n = 0; n < end && n < values[i].len;) {
            if (values[i].data[values[i].len - 1 - n] != values[0].data[values[0].len - 1 - n]) break;
            n++;
        }
        end = n;
    }
    if (end > least - begin) end = least - begin;
    if (space < HEAD_BYTES + 2 * count) return 0;
    struct output output = {out + HEAD_BYTES + 2 * count, out + space};
    art_store16(out, count);
    art_store16(out + 2, begin);
    art_store16(out + 4, end);
    put(&output, values[0].data, begin);
    put(&output, values[0].data + values[0].len - end, end);
    const uint8_t *rests = output.at;
    for (uint32_t i = 0; i < count && output.at; i++) {
        pack(&output, values[i].data + begin, values[i].len - begin - end);
        if (output.at) art_store16(out + HEAD_BYTES + 2 * i, (uint32_t)(output.at - rests));
    }
    return output.at ? (uint32_t)(output.at - out) : 0;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* The bytes that a rest has when it is unpacked, to `out` if there is one. UINT32_MAX: it is none. */
static uint32_t unpack(const uint8_t *from, const uint8_t *end, uint8_t *out) {
    uint32_t len = 0;
    while (from < end) {
        uint32_t control = *from++ ^ MASK, n = control < LITERALS_MAX ? control + 1 : control - 126;
        uint32_t stored = control < LITERALS_MAX ? n : 1;
        if ((size_t)(end - from) < stored || len + n > ART_VALUE_INLINE_MAX) return UINT32_MAX;
        for (uint32_t i = 0; out && i < n; i++) out[len + i] = from[stored == 1 ? 0 : i] ^ MASK;
        from += stored;
        len += n;
    }
    return len;
}

static const char *insane(struct art_bytes block, uint32_t count) {
    uint32_t from = 0, total = 0;
    if (block.len < HEAD_BYTES + 2 * count || open_block(block).count != count) return "a toy block of another bucket";
    struct toy_block toy = open_block(block);
    if (toy.rests > block.len) return "a toy block without its shared parts";
    for (uint32_t i = 0; i < count; i++) {
        uint32_t end = rest_end(&toy, i);
        if (end < from || end > block.len - toy.rests) return "a toy block whose values leave it";
        uint32_t len = unpack(block.data + toy.rests + from, block.data + toy.rests + end, NULL);
        if (len == UINT32_MAX || len + toy.begin + toy.end > ART_VALUE_INLINE_MAX)
            return "a toy value that is too long";
        total += len + toy.begin + toy.end;
        from = end;
    }
    if (from != block.len - toy.rests) return "a toy block that is longer than its values";
    return total > ART_BLOCK_PLAIN_MAX ? "a toy block of too many bytes" : NULL;
}

static uint32_t decode(const struct toy_block *toy, uint32_t row, uint8_t *out) {
    const uint8_t *rests = toy->bytes + toy->rests, *begin = rests - toy->end - toy->begin;
    for (uint32_t i = 0; i < toy->begin; i++) out[i] = begin[i] ^ MASK;
    uint32_t len = unpack(rests + (row ? rest_end(toy, row - 1) : 0), rests + rest_end(toy, row), out + toy->begin);
    for (uint32_t i = 0; i < toy->end; i++) out[toy->begin + len + i] = begin[toy->begin + i] ^ MASK;
    return toy->begin + len + toy->end;
}

static uint32_t value(struct art_bytes block, uint32_t row, uint8_t *out) {
    struct toy_block toy = open_block(block);
    return decode(&toy, row, out);
}

static void values(struct art_bytes block, uint32_t from, uint32_t to, uint8_t *out, uint32_t *ends) {
    struct toy_block toy = open_block(block);
    uint32_t end = 0;
    for (uint32_t row = from; row < to; row++) *ends++ = end += decode(&toy, row, out + end);
}

const struct art_codec toy_codec = {encode, insane, value, values};

void toy_codec_lend(bool lends) {
    art_codec_use(lends ? &toy_codec : NULL);
}
