/* The longest stored path that is a prefix of a given one. */
#include "core/tree/private.h"

/* May the first `len` bytes of `path` be an answer, as far as the delimiter has a say? */
static bool is_candidate(struct art_bytes path, struct art_bytes delimiter, uint32_t len) {
    uint32_t n = delimiter.len;
    if (!n || len == path.len) return true;
    if (len >= n && !memcmp(path.data + len - n, delimiter.data, n)) return true;
    return path.len - len >= n && !memcmp(path.data + len, delimiter.data, n);
}

int art_tree_longest_prefix(struct art_tree *tree, struct art_bytes path, struct art_bytes delimiter,
                            struct art_buffer *out) {
    for (uint32_t len = path.len;; len--) {
        if (is_candidate(path, delimiter, len)) {
            struct art_row row;
            int rc = art_tree_get(tree, art_bytes(path.data, len), &row);
            if (!rc) art_row_release(&row);
            if (!rc) return art_buffer_append(out, path.data, len);
            if (rc != ART_NOTFOUND) return rc;
        }
        if (!len) return ART_NOTFOUND;
    }
}
