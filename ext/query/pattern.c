/* Which paths match: what a GLOB or LIKE pattern says about their beginning, and all of what is asked of a path.
 *
 * LIKE does not tell capitals from small letters (of ASCII), so its literal prefix stands for many spellings, which lie
 * far apart: between "A/USR" and "a/usr" sorts whatever begins with "B" to "Z" or "_". A scan goes through them like an
 * odometer. At a path that is no match it computes the next spelling behind it and seeks there:
 *
 *     prefix "usr/"     USR/  USr/  UsR/  Usr/  uSR/  uSr/  usR/  usr/       in the order of bytes
 *     at    "etc/..."   'e' is between 'U' and 'u': the first spelling that begins with 'u': "uSR/"
 *     at    "uppercase" 'p' is between 'S' and 's': "usR/"
 *
 * On real paths that is a handful of seeks, since most spellings have no path near them. Of 1 M files under
 * /Host-NN/usr, '/Host-00/usr/share/doc/%' finds its 6,170 in 1.2 ms; all paths from the first spelling to the last,
 * each looked at by SQLite, are 134 ms, and so are all paths up to the first letter.
 */
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>

#include <assert.h>

#include "ext/query/scan.h"

static inline uint8_t upper(uint8_t c) {
    return c >= 'a' && c <= 'z' ? c - 32 : c;
}

/* --- literal prefixes --------------------------------------------------------------------------------------------- */

/* Before the first wildcard, and before broken UTF-8. */
static uint32_t literal_prefix(const char *pattern, const char *wildcards) {
    const uint8_t *p = (const uint8_t *)pattern, *end = p + strcspn(pattern, wildcards);
    while (p < end && *p < 0x80) p++;
    for (uint32_t n = 1; n && p < end; p += n) n = *p < 0x80 ? 1 : art_sound_character(p);
    return (uint32_t)(p - (const uint8_t *)pattern);
}

uint32_t art_like_prefix(const char *pattern) {
    return literal_prefix(pattern, "%_");
}

uint32_t art_glob_prefix(const char *pattern) {
    return literal_prefix(pattern, "*?[");
}

uint32_t art_sound_prefix(const char *text) {
    return literal_prefix(text, "");
}

/* --- spellings ---------------------------------------------------------------------------------------------------- */

enum art_rc art_folded_set(struct art_folded *folded, struct art_bytes text, bool whole) {
    folded->lower.len = folded->seek.len = 0;
    folded->whole = whole;
    enum art_rc rc = art_buffer_append(&folded->lower, text.data, text.len);
    if (!rc) rc = art_buffer_reserve(&folded->seek, text.len);
    for (uint32_t i = 0; !rc && i < text.len; i++) folded->lower.data[i] = art_lower(text.data[i]);
    return rc;
}

bool art_folded_range(const struct art_folded *folded, struct art_key_range *keys) {
    struct art_bytes last = art_buffer_bytes(&folded->lower);
    struct art_range range;
    if (!last.len) return false;
    keys->scratch.len = 0;
    if (art_buffer_reserve(&keys->scratch, last.len)) {
        keys->rc = SQLITE_NOMEM;
        return false;
    }
    art_range_of_prefix(last, keys->scratch.data, &range);
    if (folded->whole) {
        art_key_range_high(keys, last, false);
    } else if (range.high_set) {
        art_key_range_high(keys, range.high, true);
    }
    struct art_bytes first = art_bytes(keys->scratch.data, last.len);
    for (uint32_t i = 0; i < last.len; i++) keys->scratch.data[i] = upper(last.data[i]);
    art_key_range_low(keys, first, false);
    return !art_bytes_equal(first, last);
}

static uint32_t matching_bytes(const struct art_folded *folded, struct art_bytes path) {
    uint32_t n = art_min32(path.len, (uint32_t)folded->lower.len), i = 0;
    while (i < n && art_lower(path.data[i]) == folded->lower.data[i]) i++;
    return i;
}

bool art_folded_matches(const struct art_folded *folded, struct art_bytes path) {
    return matching_bytes(folded, path) == folded->lower.len && !(folded->whole && path.len > folded->lower.len);
}

/* The path matches up to `at`. Forward, the next spelling keeps the path's letters before the turning point, has a
 * greater one there, and capitals behind it; backward, a smaller one, and small letters. A path that goes on behind all
 * of it (`whole`) has the next spelling in itself, backward. */
bool art_folded_next(struct art_folded *folded, struct art_bytes path, bool descending) {
    const uint8_t *small = folded->lower.data;
    uint32_t at = matching_bytes(folded, path), len = (uint32_t)folded->lower.len;
    bool ended = at == path.len, turned = false; /* an ended path lies before all its continuations */
    uint8_t there = ended ? 0 : path.data[at], turn = 0;
    assert(at < len || (folded->whole && !ended));
    if (at == len && descending) {
        memcpy(folded->seek.data, path.data, len);
        folded->seek.len = len;
        return true;
    }
    if (at < len && !descending && (ended || there < small[at])) {
        turn = ended || there < upper(small[at]) ? upper(small[at]) : small[at];
        turned = true;
    } else if (at < len && descending && !ended && there > upper(small[at])) {
        turn = there > small[at] ? small[at] : upper(small[at]);
        turned = true;
    }
    while (!turned && at) { /* carry */
        at--;
        uint8_t other = descending ? upper(small[at]) : small[at];
        turned = path.data[at] != other;
        turn = other;
    }
    if (!turned) return false;
    memcpy(folded->seek.data, path.data, at);
    folded->seek.data[at] = turn;
    for (uint32_t i = at + 1; i < len; i++) folded->seek.data[i] = descending ? small[i] : upper(small[i]);
    folded->seek.len = len;
    return true;
}

/* As SQLite makes them of GLOB 'usr*', 'usr' and 'uss', and of LIKE 'Usr/%', 'USR/' and 'usr0'. Newer versions carry at
 * the last byte that goes on in UTF-8: behind d0 bf is d1 80. */
bool art_pattern_bounds(struct art_bytes low, struct art_bytes high, bool folded) {
    if (low.len != high.len || low.len == 0) return false;
    uint32_t last = low.len - 1;
    while (last && low.data[last] == 0xbf && high.data[last] == 0x80) last--;
    if (!folded)
        return !memcmp(low.data, high.data, last) && low.data[last] + 1 == high.data[last] &&
               !memchr(low.data, 0, last + 1);
    for (uint32_t i = 0; i <= last; i++) {
        uint8_t from = low.data[i], to = high.data[i];
        if (!from || art_lower(from) + (i == last) != art_lower(to)) return false;
    }
    return true;
}

/* --- a path ------------------------------------------------------------------------------------------------------- */

/* A path that is equal to the number by numeric affinity ("07", "7.0", " 7", "70e-1"), or so near to it that SQLite,
 * which rounds in its own way and has the last word, has to say. strtod() knows hexadecimal numbers, infinities and
 * NaN, too, which are texts for SQLite; and of the point what the program's locale says. */
static bool spells_number(const char *path, double number) {
    char *end;
    if (strpbrk(path, "xXnN")) return false;
    if (strchr(path, '.') && strcmp(localeconv()->decimal_point, ".") != 0) return true; /* for SQLite to say */
    double value = strtod(path, &end);
    if (end == path || end[strspn(end, " \t\n\v\f\r")]) return false;
    return value == number || fabs(value - number) <= fabs(number) * 1e-14 + DBL_MIN;
}

enum art_rc art_match_path(struct art_match *match, struct art_bytes path, bool *matches) {
    *matches = match->by != ART_MATCH_FOLDED || art_folded_matches(&match->folded, path);
    if (match->by == ART_MATCH_ALL || match->by == ART_MATCH_FOLDED) return ART_OK;
    if (match->by == ART_MATCH_GLOB) {
        enum art_pieces_answer answer = art_pieces_look(&match->pieces, path);
        *matches = answer == ART_PIECES_YES;
        if (answer != ART_PIECES_MAYBE) return ART_OK;
    }
    match->path.len = 0;
    if (art_buffer_reserve(&match->path, path.len + 1)) return art_nomem();
    if (path.len) memcpy(match->path.data, path.data, path.len);
    match->path.data[path.len] = 0;
    const char *text = (const char *)match->path.data, *wanted = (const char *)match->text.data;
    *matches = match->by == ART_MATCH_GLOB ? sqlite3_strglob(wanted, text) == 0
                                           : !strcmp(text, wanted) || spells_number(text, match->number);
    return ART_OK;
}
