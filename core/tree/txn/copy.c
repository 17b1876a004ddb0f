/* Where a tree's blobs are: in a file, or in rows of the host's database. And a copy of all of them for a copy of the
 * database, in either: every blob that the root or a snapshot names goes into the same slot there, once and as it is.
 */
#include "core/tree/txn/txn.h"

#include <stdatomic.h>
#include <stdio.h>

/* Numbers trees that are apart. Not by address: a later tree may get it, and would find this one's pages in the
 * cache. */
static _Atomic uint64_t apart;
static const char inline_name[] = "the table of blobs"; /* in messages */

/* Two databases with a table of one id would only push each other's blobs out of the cache: who asks goes by the
 * hash. */
struct art_store_location art_location_of(struct art_tree *tree, const struct art_tree_location *location) {
    assert(!location->path || location->host_path);
    if (location->path) return (struct art_store_location){.path = location->path, .host_path = location->host_path};
    struct art_store_location rows = {.path = inline_name, .rows = location->rows ? location->rows : art_rows_of(tree)};
    memcpy(&rows.rows_id, tree->options.uuid, sizeof rows.rows_id);
    if (tree->options.apart) rows.rows_id = ++apart;
    return rows;
}

const struct art_medium *art_tree_medium(const struct art_tree *tree) {
    return art_store_medium(tree->store);
}

enum art_rc art_tree_use_location(struct art_tree *tree, const struct art_tree_location *location) {
    if (tree->slots.use) {
        return art_fail(ART_MISUSE,
                        "art: the blobs cannot be elsewhere in a transaction that has written some (%s): "
                        "ROLLBACK it",
                        tree->options.path);
    }
    struct art_store_location at = art_location_of(tree, location);
    enum art_rc rc = art_store_use(tree->store, &at);
    if (rc) return rc;
    tree->options.path = art_store_path(tree->store);
    tree->file_ready = false;
    assert(!tree->slots.use);
    tree->changes++;
    return ART_OK;
}

struct copier {
    struct art_tree *tree;
    struct art_store *to;
    const struct art_tree_location *location;
    struct art_distinct met;
    struct art_slot_set named;         /* of a copy onto an earlier one */
    struct art_ref refs[ART_COPY_MAX]; /* collected */
    unsigned count;
};

static enum art_rc copy_collected(struct copier *copier) {
    assert(copier->count <= ART_COPY_MAX);
    unsigned count = copier->count;
    copier->count = 0;
    const struct art_tree_location *location = copier->location;
    if (location->blobs) *location->blobs += count;
    enum art_rc rc = location->onto ? art_store_leave_out_same(copier->to, copier->refs, &count) : ART_OK;
    if (rc) return rc;
    if (location->written) *location->written += count;
    return art_store_copy(copier->tree->store, copier->refs, count, copier->to);
}

/* Of labels the length alone counts here; their bytes may go. */
static enum art_rc collect_blob(void *context, const struct art_ref *ref) {
    struct copier *copier = context;
    enum art_rc rc = art_tree_interrupted(copier->tree);
    if (!rc && copier->count == ART_COPY_MAX) rc = copy_collected(copier);
    if (!rc && copier->location->onto) rc = art_slot_set_add(&copier->named, ref->slot);
    if (rc) return rc;
    copier->refs[copier->count] = *ref;
    assert(copier->count < ART_COPY_MAX);
    art_ref_leave(&copier->refs[copier->count++]);
    return ART_OK;
}

static enum art_rc copy_snapshot(void *context, const char *name, struct art_bytes bytes) {
    struct copier *copier = context;
    struct art_root *root;
    (void)name;
    enum art_rc rc = art_root_decode(bytes, &root);
    if (rc) return rc;
    rc = art_distinct_walk(&copier->met, copier->tree, root, collect_blob, copier);
    art_root_unref(root);
    return rc;
}

static enum art_rc copy_roots(struct copier *copier) {
    struct art_tree *tree = copier->tree;
    const struct art_host *host = &tree->host;
    assert(tree->root);
    enum art_rc rc = art_distinct_walk(&copier->met, tree, tree->root, collect_blob, copier);
    if (!rc && host->each_snapshot) rc = host->each_snapshot(host->context, copy_snapshot, copier);
    art_distinct_clear(&copier->met);
    return rc ? rc : copy_collected(copier);
}

static enum art_rc note_root(struct art_tree *tree, struct art_store *to) {
    struct art_buffer bytes = {0};
    enum art_rc rc = art_tree_has_runs(tree) ? art_root_encode(tree->root, &bytes) : ART_OK;
    if (bytes.len && !rc) rc = art_store_put_root(to, art_buffer_bytes(&bytes));
    art_buffer_clear(&bytes);
    return rc;
}

static enum art_rc copy_all(struct art_tree *tree, const struct art_tree_location *location, bool *begun) {
    struct art_store_location at = art_location_of(tree, location);
    struct art_store_options options = {.disk = tree->options.disk,
                                        .path = at.path,
                                        .host_path = at.host_path,
                                        .rows = at.rows,
                                        .rows_id = at.rows_id,
                                        .engine = tree->options.engine,
                                        .direct = tree->options.direct,
                                        .for_another = true,
                                        .onto = location->onto};
    memcpy(options.uuid, tree->options.uuid, sizeof options.uuid);
    struct copier copier = {.tree = tree, .location = location};
    uint32_t end;
    enum art_rc rc = art_store_open(&copier.to, &options);
    if (!rc) rc = art_store_ready(tree->store);
    if (!rc) rc = art_store_write_begin(copier.to, !location->onto, &end);
    *begun = !rc && !location->onto;
    if (!rc) rc = copy_roots(&copier);
    if (!rc && location->onto) rc = art_store_keep_only(copier.to, &copier.named);
    if (!rc) rc = art_store_sync(copier.to);
    if (!rc) rc = note_root(tree, copier.to);
    if (!rc) rc = art_store_note_copied(copier.to);
    art_slot_set_clear(&copier.named);
    art_store_close(copier.to);
    return rc;
}

/* The first error's sentence is the one to tell. */
static void remove_unfinished(const char *path) {
    struct art_kept_error why;
    art_error_keep(&why);
    art_file_remove(path);
    art_error_restore(&why);
}

enum art_rc art_tree_copy(struct art_tree *tree, const struct art_tree_location *location) {
    bool made = false;
    enum art_rc rc = art_tree_ready(tree);
    if (!rc) rc = copy_all(tree, location, &made);
    if (rc && made && location->path) remove_unfinished(location->path);
    return rc;
}

struct footer_reader {
    struct art_tree *tree;
    bool postings;
};

static enum art_rc read_footer_of(void *context, const struct art_ref *ref) {
    const struct footer_reader *reader = context;
    struct art_store *store = reader->tree->store;
    struct art_blob *blob;
    enum art_rc rc = art_tree_interrupted(reader->tree);
    if (!rc) rc = art_store_blob(store, ref, &blob);
    if (!rc && !ref->height) rc = reader->postings ? art_blob_want_postings(blob) : art_blob_want_routing(blob);
    return rc;
}

enum art_rc art_tree_read_footers(struct art_tree *tree, bool postings) {
    struct footer_reader reader = {tree, postings};
    struct art_distinct met = {0};
    enum art_rc rc = art_tree_ready(tree);
    if (!rc) rc = art_distinct_walk(&met, tree, tree->root, read_footer_of, &reader);
    art_distinct_clear(&met);
    return rc;
}
