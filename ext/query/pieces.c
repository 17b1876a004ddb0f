/* The literal pieces of a GLOB or LIKE pattern: a text that matches has them all, one behind the other.
 *
 *     LIKE 'files/%/IMG_%.jpg'     at the beginning "files/", "/img", and at the end ".jpg"     in small letters
 *     GLOB '*[0-9].log'            at the end ".log"
 *
 * To look for them takes a tenth of what SQLite's like() takes for a row. A text that has them may still not match:
 * a character between two pieces may be missing, or SQLite may see less of it, which ends for it at a NUL. Pieces hold
 * whole characters. Of a text that is no sound UTF-8 SQLite may take other bytes for the same character, so such a text
 * may match whatever a piece with characters beyond ASCII says.
 */
#include <assert.h>

#include "core/base/limits.h"
#include "core/base/vector.h"
#include "ext/query/scan.h"

/* Of a piece that may stand anywhere so many bytes are looked for: where a text and a piece are long and all of one
 * letter, each byte of the text takes a whole piece's time, and nobody can interrupt that. */

/* From what is frequent in paths to what is rare, and then all other bytes. */
static const char by_frequency[] = "/e.aosnitrlcd-_pmh0u1g2b3fy459687wvkxjqz";

static size_t rarity(uint8_t c) {
    const char *at = c ? strchr(by_frequency, c) : NULL;
    return at ? (size_t)(at - by_frequency) : sizeof by_frequency;
}

/* --- compiling ---------------------------------------------------------------------------------------------------- */

/* Behind a set of GLOB, which begins at `p` with its bracket. */
static const char *skip_set(const char *p) {
    p++;
    if (*p == '^') p++;
    if (*p == ']') p++;
    while (*p && *p != ']') p++;
    return *p ? p + 1 : p;
}

static void end_piece(struct art_pieces *pieces, uint32_t begin) {
    uint32_t len = (uint32_t)pieces->bytes.len - begin, rare = 0;
    if (!len) return;
    const uint8_t *bytes = pieces->bytes.data + begin;
    for (uint32_t i = 1; i < art_min32(len, ART_LIMIT(piece_bytes)); i++) {
        if (rarity(bytes[i]) > rarity(bytes[rare])) rare = i;
    }
    pieces->exact &= len <= ART_LIMIT(piece_bytes);
    pieces->piece[pieces->count++] = (struct art_piece){begin, len, rare};
}

int art_pieces_set(struct art_pieces *pieces, const char *pattern, bool folded) {
    const char *p = pattern, *wild = folded ? "%_" : "*?[";
    *pieces =
        (struct art_pieces){.bytes = pieces->bytes, .folded = folded, .exact = true, .head = *p && !strchr(wild, *p)};
    bool stars = true, any_star = false;
    pieces->is_ascii = true;
    pieces->bytes.len = 0;
    if (art_buffer_reserve(&pieces->bytes, strlen(pattern))) return SQLITE_NOMEM;
    uint32_t begin = 0;
    while (*p && pieces->count < ART_PIECES_MAX) {
        uint32_t n = (uint8_t)*p < 0x80 ? 1 : art_sound_character((const uint8_t *)p);
        bool is_wild = strchr(wild, *p), literal = n && !is_wild;
        pieces->is_ascii &= (uint8_t)*p < 0x80;
        for (uint32_t i = 0; literal && i < n; i++) {
            uint8_t c = (uint8_t)p[i];
            pieces->bytes.data[pieces->bytes.len++] = folded ? art_lower(c) : c;
        }
        pieces->tail = literal;
        if (!literal) {
            stars &= *p == '*';
            any_star |= *p == '*';
            pieces->head &= n > 0 || begin < pieces->bytes.len || pieces->count;
            end_piece(pieces, begin);
            begin = (uint32_t)pieces->bytes.len;
        }
        p = is_wild && *p == '[' ? skip_set(p) : p + (n ? n : 1);
    }
    assert(pieces->count <= ART_PIECES_MAX && pieces->bytes.len <= strlen(pattern));
    if (*p) {
        pieces->tail = pieces->exact = false;
    } else {
        end_piece(pieces, begin);
        pieces->exact &= !folded && stars && any_star && pieces->is_ascii;
    }
    return SQLITE_OK;
}

bool art_pattern_has_trigram(const char *pattern, bool folded) {
    const char *wild = folded ? "%_" : "*?[";
    uint32_t bytes = 0;
    for (const char *p = pattern; *p && bytes < ART_TRIGRAM;) {
        uint32_t n = (uint8_t)*p < 0x80 ? 1 : art_sound_character((const uint8_t *)p);
        bool is_wild = strchr(wild, *p);
        bytes = n && !is_wild ? bytes + n : 0;
        p = is_wild && *p == '[' ? skip_set(p) : p + (n ? n : 1);
    }
    return bytes >= ART_TRIGRAM;
}

/* --- looking for them --------------------------------------------------------------------------------------------- */

static bool is_at(const struct art_pieces *pieces, const struct art_piece *piece, uint32_t len, const uint8_t *at) {
    const uint8_t *bytes = pieces->bytes.data + piece->at;
    if (!pieces->folded) return !memcmp(bytes, at, len);
    for (uint32_t i = 0; i < len; i++) {
        if (art_lower(at[i]) != bytes[i]) return false;
    }
    return true;
}

/* The first letter `c`, large or small, in [at, end), or NULL: eight bytes at a time. */
static const uint8_t *find_letter(const uint8_t *at, const uint8_t *end, uint8_t c) {
    static const uint64_t ones = 0x0101010101010101;
    for (; end - at >= 8; at += 8) {
        uint64_t differs = (art_load64(at) | ones * 0x20) ^ ones * c;
        uint64_t zeros = (differs - ones) & ~differs & ones * 0x80;
        if (zeros) return at + __builtin_ctzll(zeros) / 8;
    }
    for (; at < end; at++) {
        if ((*at | 0x20) == c) return at;
    }
    return NULL;
}

#if defined(ART_HAVE_VECTORS)
/* Where a text has so many places for a piece of `len` bytes, at least 16: the first at which it stands, or UINT32_MAX.
 * Of two bytes side by side few places have both, and 16 are looked at together. */
static uint32_t find_by_two(const struct art_pieces *pieces, const struct art_piece *piece, uint32_t len,
                            const uint8_t *text, uint32_t places) {
    uint32_t rare = piece->rare, beside = rare ? rare - 1 : 1;
    const uint8_t *bytes = pieces->bytes.data + piece->at;
    uint8_t fold = pieces->folded ? 0x20 : 0; /* more may be equal then */
    art_vector folds = art_vector_all(fold), one = art_vector_all(bytes[rare] | fold);
    art_vector other = art_vector_all(bytes[beside] | fold);
    for (uint32_t at = 0; at < places; at += 16) {
        at = art_min32(at, places - 16);
        art_vector has_one = art_vector_equal(art_vector_or(art_vector_load(text + at + rare), folds), one);
        art_vector has_other = art_vector_equal(art_vector_or(art_vector_load(text + at + beside), folds), other);
        for (uint32_t hits = art_vector_bits(art_vector_and(has_one, has_other)); hits; hits &= hits - 1) {
            uint32_t hit = at + (uint32_t)__builtin_ctz(hits);
            if (is_at(pieces, piece, len, text + hit)) return hit;
        }
    }
    return UINT32_MAX;
}
#endif

/* Behind the first place of the piece at or behind `from`, or UINT32_MAX. */
static uint32_t find_piece(const struct art_pieces *pieces, const struct art_piece *piece, struct art_bytes text,
                           uint32_t from) {
    uint8_t rare = pieces->bytes.data[piece->at + piece->rare];
    bool two_spellings = pieces->folded && rare >= 'a' && rare <= 'z';
    uint32_t len = art_min32(piece->len, ART_LIMIT(piece_bytes));
    if (text.len < from + len) return UINT32_MAX;
#if defined(ART_HAVE_VECTORS)
    uint32_t places = text.len - from - len + 1;
    if (len > 1 && places >= 16) {
        uint32_t hit = find_by_two(pieces, piece, len, text.data + from, places);
        return hit == UINT32_MAX ? hit : from + hit + len;
    }
#endif
    const uint8_t *at = text.data + from + piece->rare, *end = text.data + text.len - (len - piece->rare) + 1;
    for (; at < end; at++) {
        at = two_spellings ? find_letter(at, end, rare) : memchr(at, rare, (size_t)(end - at));
        if (!at) return UINT32_MAX;
        if (is_at(pieces, piece, len, at - piece->rare)) return (uint32_t)(at - text.data) - piece->rare + len;
    }
    return UINT32_MAX;
}

static bool has_pieces(const struct art_pieces *pieces, struct art_bytes text) {
    uint32_t from = 0, first = pieces->head, last = pieces->count - pieces->tail;
    const struct art_piece *piece = pieces->piece;
    if (first > last) return text.len == piece->len && is_at(pieces, piece, piece->len, text.data); /* no wildcard */
    if (first) {
        if (text.len < piece->len || !is_at(pieces, piece, piece->len, text.data)) return false;
        from = piece->len;
    }
    for (uint32_t i = first; i < last; i++) {
        from = find_piece(pieces, &piece[i], text, from);
        if (from == UINT32_MAX) return false;
    }
    if (!pieces->tail) return true;
    return text.len - from >= piece[last].len &&
           is_at(pieces, &piece[last], piece[last].len, text.data + text.len - piece[last].len);
}

static bool has_nul(struct art_bytes text) {
    return text.len && memchr(text.data, 0, text.len);
}

enum art_pieces_answer art_pieces_look(const struct art_pieces *pieces, struct art_bytes text) {
    bool has = !pieces->count || has_pieces(pieces, text);
    if (has) return pieces->exact && !has_nul(text) ? ART_PIECES_YES : ART_PIECES_MAYBE;
    bool sees_less = pieces->tail && has_nul(text), sees_other = !pieces->is_ascii && !art_text_is_sound(text);
    return sees_less || sees_other ? ART_PIECES_MAYBE : ART_PIECES_NO;
}
