/* The longest stored path that is a prefix of a given one: which mount, which route, which policy holds for it.
 *
 * In key order all prefixes of a path stand before it, the longest last. A descent for the path finds it in the bucket
 * where the path has its place, or finds there how long it can be at most, since it must be a prefix of what the path
 * shares with the keys between:
 *
 *     /api  /api/users  ...  /api/users/41/mail  /api/users/7      path /api/users/42/mail
 *                            ^ the bucket's first key: they share /api/users/4
 *           ^ found by the descent for /api/users/4
 *
 * So each descent answers for its source, or cuts the path, and with a delimiter cuts it back to the next place where
 * an answer may end. A source is asked again only when what is left is not longer than it can have. There are as many
 * descents in a source at most as such places (two a segment), without a delimiter as the path has bytes, and in any
 * case no more than the source has keys that begin as the path does: a handful for anything but keys that were made for
 * it.
 */
#include "core/tree/read/read.h"

/* What a source is known to have. */
struct reach {
    int64_t len;  /* no longer prefix of the path than this many bytes; <0: none at all */
    bool exact;   /* there is a prefix of just this length */
    bool deleted; /* exact: that prefix is deleted */
};

struct search {
    struct art_tree *tree;
    struct art_bytes key;      /* of the whole path */
    struct art_cursor *cursor; /* NULL until the rare case asks for it */
    unsigned sources;          /* the memtable, then the runs */
    unsigned asked;            /* the source that was asked last */
    struct art_found met;      /* the entry that made its reach exact, if `any`; borrowed until the next is asked */
    struct reach reach[ART_RUNS_CAPACITY + 1];
};

/* May an answer have `len` bytes, as far as the delimiter has a say? */
static bool may_end(struct art_bytes path, struct art_bytes delimiter, uint32_t len) {
    assert(len <= path.len);
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

static int64_t shared(struct art_bytes a, struct art_bytes b) {
    return (int64_t)art_common_prefix(a.data, b.data, art_min32(a.len, b.len));
}

/* By the predecessor of `key`, in key order: what the two share, or the key itself. Lengths here are those of tree
 * keys. */
static void reach_by_predecessor(struct art_bytes predecessor, struct art_bytes key, struct reach *out) {
    assert(key.len);
    out->len = shared(predecessor, key);
    out->exact = out->len == predecessor.len;
}

static enum art_rc reach_in_memtable(struct search *search, struct art_bytes key, struct reach *out) {
    struct art_memtable_cursor cursor;
    art_memtable_cursor_init(&cursor, search->tree->memtable);
    enum art_rc rc = art_memtable_seek_le(&cursor, key);
    if (!rc && cursor.valid) {
        art_memtable_cursor_entry(&cursor, &search->met.entry);
        reach_by_predecessor(cursor.key, key, out);
        out->deleted = search->met.entry.flags & ART_DELETE;
        search->met.any = search->met.in_memtable = true;
    }
    art_memtable_cursor_clear(&cursor);
    return rc;
}

/* The key stands at the very beginning of a bucket or blob: its predecessor lies in another one. */
static enum art_rc reach_beside(struct search *search, unsigned run, struct art_bytes key, struct reach *out) {
    struct art_merge *merge;
    enum art_rc rc = search->cursor ? ART_OK : art_cursor_open(search->tree, &search->cursor);
    if (!rc) rc = art_cursor_sources(search->cursor, &merge);
    if (rc) return rc;
    struct art_run_cursor *at = &merge->source[merge->count - search->tree->root->runs + run].run;
    assert(merge->count >= search->tree->root->runs && run < search->tree->root->runs);
    rc = art_run_seek_le(at, key);
    if (rc || !at->valid) return rc;
    reach_by_predecessor(art_run_key(at), key, out);
    out->deleted = art_blob_cursor_flags(&at->leaf) & ART_DELETE;
    return ART_OK;
}

static enum art_rc reach_in_run(struct search *search, unsigned run, struct art_bytes key, struct reach *out) {
    assert(run < search->tree->root->runs);
    struct art_tree *tree = search->tree;
    struct art_descent end;
    struct art_found *met = &search->met;
    enum art_rc rc = art_run_descend(tree, &tree->root->run[run], key, NULL, NULL, &end);
    if (rc) return rc;
    if (end.side < 0) return reach_beside(search, run, key, out);
    if (end.side > 0) { /* all keys below begin as the label does, and the key stands behind them */
        out->len = shared(end.ref.label, key);
        return ART_OK;
    }
    rc = art_blob_prefix(end.leaf, key, &out->len, &met->entry);
    if (rc == ART_NOTFOUND) return out->len < 0 ? reach_beside(search, run, key, out) : ART_OK;
    out->exact = met->any = !rc;
    out->deleted = !rc && (met->entry.flags & ART_DELETE);
    met->blob = end.leaf;
    return rc;
}

/* What source `index` has of the first `len` bytes of the path. */
static enum art_rc ask(struct search *search, unsigned index, int64_t len) {
    struct reach *reach = &search->reach[index];
    struct art_bytes key = art_bytes(search->key.data, (uint32_t)len + 1);
    assert(len >= 0 && key.len <= search->key.len);
    *reach = (struct reach){0};
    search->met = (struct art_found){0};
    search->asked = index;
    enum art_rc rc = index ? reach_in_run(search, index - 1, key, reach) : reach_in_memtable(search, key, reach);
    reach->len--; /* the name space's byte */
    if (reach->len == len && !reach->exact) reach->len--;
    return rc;
}

/* Is there a row of `len` bytes of the path? If not, *len becomes the length that one can have at most. */
static enum art_rc try_length(struct search *search, int64_t *len, bool *found) {
    assert(*len >= 0);
    int64_t longest = -1;
    bool deleted = false;
    *found = false;
    for (unsigned i = 0; i < search->sources; i++) {
        struct reach *reach = &search->reach[i];
        if (reach->len > *len || (reach->len == *len && !reach->exact)) {
            enum art_rc rc = ask(search, i, *len);
            if (rc) return rc;
        }
        if (reach->len == *len && reach->exact) { /* the newest that has the key decides */
            deleted |= reach->deleted;
            *found = !deleted;
            search->met.any &= search->asked == i;
            if (*found) return ART_OK;
            reach->exact = false;
            reach->len--;
        }
        if (reach->len > longest) longest = reach->len;
    }
    *len = longest;
    return ART_OK;
}

enum art_rc art_tree_longest_prefix(struct art_tree *tree, struct art_bytes path, struct art_bytes delimiter,
                                    struct art_buffer *out, struct art_row *row) {
    assert(tree->root->runs <= ART_RUNS_CAPACITY);
    struct search search = {.tree = tree, .sources = 1 + tree->root->runs};
    bool found = false;
    if (row) *row = (struct art_row){0};
    enum art_rc rc = art_tree_ready(tree);
    if (rc) return rc;
    int64_t len = last_end(path, delimiter, path.len);
    if (len > ART_PATH_MAX) len = last_end(path, delimiter, ART_PATH_MAX);
    if (len < 0) return ART_NOTFOUND;
    rc = art_row_key(tree->key, art_bytes(path.data, (uint32_t)len), &search.key);
    for (unsigned i = 0; i < search.sources; i++) search.reach[i].len = INT64_MAX;
    while (!rc && len >= 0 && !found) {
        rc = try_length(&search, &len, &found);
        if (!rc && !found) len = last_end(path, delimiter, len);
    }
    if (!rc) rc = found ? art_buffer_append(out, path.data, (size_t)len) : ART_NOTFOUND;
    if (!rc && row && search.met.any) {
        art_row_take(tree, &search.met, row);
    } else if (!rc && row) { /* its entry was let go when a later source was asked */
        rc = art_tree_get(tree, art_bytes(path.data, (uint32_t)len), row);
    }
    art_cursor_close(search.cursor);
    return rc;
}
