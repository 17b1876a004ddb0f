/* A range of keys as one thing: all of its entries leave a run, and others may come in there as one stream.
 *
 *     before   [ a  b | L  L | L  L | y  z ]        L: entries in [low, high)
 *                 ~~~~~~~~          ~~~~~~~          the leaf blobs across an edge, of which the other entries are
 *     behind   [ a | b  s  s  s  s  s  y | z ]       written anew, around the stream s
 *
 * The leaf blobs between the edges go by their references: they are not read. Above them only index blobs on the way to
 * the edges are written anew (splice.c). */
#include "core/tree/run/run.h"

/* Leaf blobs by their separators, [first, behind); to the run's end where `behind` has none. */
struct touched_leaves {
    struct art_buffer first, behind;
    bool to_end;
};

struct range_change {
    const struct art_run *run;
    struct art_bytes low, high;
    struct art_run_cursor at, leaves; /* entries; references to leaf blobs, where the run has an index */
    struct touched_leaves touched;
};

static bool is_past_range(const struct range_change *change, struct art_bytes key) {
    return art_bytes_compare(key, change->high) >= 0;
}

/* The separator of the leaf blob into which `key` falls; the cursor among the references stands on it, if there are
 * some. */
static enum art_rc find_leafs_separator(struct range_change *change, struct art_bytes key, struct art_buffer *out) {
    if (!change->run->top.height) return art_buffer_set_key(out, art_bytes(NULL, 0));
    art_run_cursor_reset(&change->leaves, &change->run->top, 1);
    enum art_rc rc = art_run_seek_le(&change->leaves, key);
    if (!rc && !change->leaves.valid) rc = art_run_first(&change->leaves);
    return rc ? rc : art_buffer_set_key(out, art_run_key(&change->leaves));
}

/* Where the first leaf blob begins that is touched; *any: some entry is in the range. A stream may begin before the
 * first of these, where another leaf blob has the place. */
static enum art_rc find_beginning(struct range_change *change, bool streams, bool *any) {
    art_run_cursor_reset(&change->at, &change->run->top, 0);
    enum art_rc rc = art_run_seek_ge(&change->at, change->low);
    *any = !rc && change->at.valid && !is_past_range(change, art_run_key(&change->at));
    bool at_entry = *any && !streams;
    if (rc) return rc;
    return find_leafs_separator(change, at_entry ? art_run_key(&change->at) : change->low, &change->touched.first);
}

/* Where the leaf blobs that are touched end. *copies: the last one has entries behind the range, which `at` stands on;
 * it begins in the range, or with the first one. */
static enum art_rc find_end(struct range_change *change, bool *copies) {
    struct touched_leaves *touched = &change->touched;
    *copies = false;
    touched->to_end = true;
    enum art_rc rc = art_run_seek_ge(&change->at, change->high);
    if (rc || !change->at.valid) return rc;
    rc = find_leafs_separator(change, art_run_key(&change->at), &touched->behind);
    if (rc) return rc;
    struct art_bytes begins = art_buffer_bytes(&touched->behind);
    *copies = art_bytes_equal(begins, art_buffer_bytes(&touched->first)) || !is_past_range(change, begins);
    touched->to_end = *copies && !change->run->top.height;
    if (!*copies || touched->to_end) return ART_OK;
    rc = art_run_next(&change->leaves);
    touched->to_end = !change->leaves.valid;
    return rc || touched->to_end ? rc : art_buffer_set_key(&touched->behind, art_run_key(&change->leaves));
}

/* Entries from where `at` stands up to `end` (NULL: all) into the build, as they are. */
static enum art_rc copy_entries(struct range_change *change, struct art_run_build *build, struct art_bytes end,
                                uint64_t *count) {
    struct art_run_cursor *at = &change->at;
    enum art_rc rc = at->valid ? art_run_build_names(build, at->path[0]) : ART_OK;
    while (!rc && at->valid && !(end.data && art_bytes_compare(art_run_key(at), end) >= 0)) {
        struct art_entry entry;
        art_blob_cursor_entry(&at->leaf, &entry);
        rc = art_run_build_add(build, art_run_key(at), &entry);
        if (!rc) rc = art_run_next(at);
        ++*count;
    }
    return rc;
}

static enum art_rc build_middle(struct art_tree *tree, struct range_change *change, struct art_run_build *build,
                                const struct art_stream *stream) {
    bool copies = false;
    uint64_t *count = &tree->count.edge_rows;
    struct art_bytes first = art_buffer_bytes(&change->touched.first);
    enum art_rc rc = first.len ? art_run_seek_ge(&change->at, first) : art_run_first(&change->at);
    if (!rc) rc = copy_entries(change, build, change->low, count);
    if (!rc && stream) rc = stream->add(stream->context, build);
    if (!rc) rc = find_end(change, &copies);
    struct art_bytes end = change->touched.to_end ? art_bytes(NULL, 0) : art_buffer_bytes(&change->touched.behind);
    return !rc && copies ? copy_entries(change, build, end, count) : rc;
}

static enum art_rc replace_touched(struct art_tree *tree, struct art_version_edit *edit, struct range_change *change,
                                   bool last, const struct art_stream *stream, struct art_run *out) {
    struct art_run_build *build = NULL;
    struct art_children middle = {0};
    enum art_rc rc = art_run_build_open(&build, tree, edit, last, 0, false);
    if (!rc) rc = build_middle(tree, change, build, stream);
    if (!rc) rc = art_run_build_children(build, &middle);
    art_run_build_close(build);
    struct touched_leaves *touched = &change->touched;
    struct art_bytes behind = touched->to_end ? art_bytes(NULL, 0) : art_buffer_bytes(&touched->behind);
    if (!rc) {
        rc = art_run_splice(tree, edit, change->run, art_buffer_bytes(&touched->first), behind, false, &middle, out);
    }
    art_children_clear(&middle);
    return rc;
}

enum art_rc art_run_replace_range(struct art_tree *tree, struct art_version_edit *edit, unsigned at,
                                  struct art_bytes low, struct art_bytes high, const struct art_stream *stream) {
    assert(at < edit->root->runs && low.len && art_bytes_compare(low, high) < 0);
    struct range_change change = {.run = &edit->root->run[at], .low = low, .high = high};
    struct art_run fresh = {0};
    bool any = false, last = at + 1 == edit->root->runs;
    enum art_rc rc = art_run_cursor_open(&change.at, tree->store);
    change.at.plain = true;
    if (!rc) rc = art_run_cursor_open(&change.leaves, tree->store);
    if (!rc) rc = find_beginning(&change, stream != NULL, &any);
    if (!rc && (any || stream)) {
        rc = replace_touched(tree, edit, &change, last, stream, &fresh);
        if (!rc && fresh.top.entries) rc = art_root_replace_run(edit->root, at, &fresh);
        if (!rc && !fresh.top.entries) art_root_remove_run(edit->root, at);
    }
    art_run_clear(&fresh);
    art_run_cursor_close(&change.at);
    art_run_cursor_close(&change.leaves);
    art_buffer_clear(&change.touched.first);
    art_buffer_clear(&change.touched.behind);
    return rc;
}
