/* The longest stored path that is a prefix of a given one: which mount, which route, which policy holds for it.
 *
 * In key order all prefixes of a path stand before it, the longest last. So the last key that is not behind the path
 * either is the answer, or it shows how far one can reach: a stored prefix stands before or at that key, which
 * itself is not behind the path, and is then a prefix of what the two share.
 *
 *     /api  /api/users  /api/users/41/mail  /api/users/7     path /api/users/42/mail
 *                            ^ the last before it            they share /api/users/4
 *           ^ the last that is not behind /api/users/4       the answer
 *
 * Each step cuts the path at what it shares with its predecessor, and with a delimiter back to the next place where an
 * answer may end. So there are at most as many steps as there are such places (2 a segment), or without a delimiter as
 * the path has bytes, and never more than keys that share something with it; each is a descent in those sources that may
 * still hold something that long.
 */
#include "core/tree/private.h"

/* May an answer have `len` bytes, as far as the delimiter has a say? */
static bool may_end(struct art_bytes path, struct art_bytes delimiter, uint32_t len) {
    uint32_t n = delimiter.len;
    if (!n || len == path.len) return true;
    if (len >= n && !memcmp(path.data + len - n, delimiter.data, n)) return true;
    return path.len - len >= n && !memcmp(path.data + len, delimiter.data, n);
}

/* The longest answer that may be, of at most `len` bytes; <0: none. */
static int64_t last_end(struct art_bytes path, struct art_bytes delimiter, int64_t len) {
    while (len >= 0 && !may_end(path, delimiter, (uint32_t)len)) len--;
    return len;
}

/* How much of `key` (a tree key) at most a key of the source that is a prefix of it can have. *entry: what the source
 * says of the key itself, if it has it. */
static int reach(struct art_source *source, struct art_bytes key, int64_t *len, struct art_entry *entry) {
    int rc = art_source_seek(source, key, true);
    if (rc) return rc;
    *len = -1;
    if (!source->valid) return ART_OK;
    uint32_t shared = art_common_prefix(source->key.data, key.data, art_min32(source->key.len, key.len));
    *len = (int64_t)shared - 1; /* without the name space's byte */
    if (shared == key.len) art_source_entry(source, entry);
    return ART_OK;
}

/* Is there a live row of `len` bytes of the path? If not, *len becomes what may be next. */
static int try_length(struct art_merge *merge, struct art_bytes path, int64_t *reached, int64_t *len, bool *found) {
    int64_t longest = -1;
    bool decided = false;
    *found = false;
    for (unsigned i = 0; i < merge->count; i++) {
        if (reached[i] >= *len) {
            struct art_entry entry;
            int rc = reach(&merge->source[i], art_bytes(path.data, (uint32_t)*len + 1), &reached[i], &entry);
            if (rc) return rc;
            if (reached[i] == *len) { /* the newest that has it decides */
                if (!decided) *found = !(entry.flags & ART_DELETE);
                decided = true;
                reached[i]--;
                if (*found) return ART_OK;
            }
        }
        if (reached[i] > longest) longest = reached[i];
    }
    *len = longest;
    return ART_OK;
}

int art_tree_longest_prefix(struct art_tree *tree, struct art_bytes path, struct art_bytes delimiter,
                            struct art_buffer *out) {
    int64_t reached[ART_RUNS_CAPACITY + 1];
    struct art_bytes key;
    struct art_cursor *cursor;
    struct art_merge *merge;
    bool found = false;
    int rc = art_tree_ready(tree);
    if (rc) return rc;
    int64_t len = last_end(path, delimiter, path.len);
    if (len > ART_PATH_MAX) len = last_end(path, delimiter, ART_PATH_MAX);
    rc = art_row_key(tree->key, art_bytes(path.data, (uint32_t)(len < 0 ? 0 : len)), &key);
    if (!rc) rc = art_cursor_open(tree, &cursor); /* for its sources */
    if (rc) return rc;
    rc = art_cursor_sources(cursor, &merge);
    for (unsigned i = 0; !rc && i < merge->count; i++) reached[i] = INT64_MAX;
    while (!rc && len >= 0 && !found) {
        rc = try_length(merge, key, reached, &len, &found);
        if (!rc && !found) len = last_end(path, delimiter, len);
    }
    art_cursor_close(cursor);
    if (rc) return rc;
    return found ? art_buffer_append(out, path.data, (size_t)len) : ART_NOTFOUND;
}
