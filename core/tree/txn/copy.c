/* Where a tree's blobs are: in a file, or in rows of the host's database. And a copy of all of them for a copy of the
 * database, in either: every blob that the root or a snapshot names goes into the same slot there, once and as it is.
 */
#include "core/base/limits.h"
#include "core/tree/txn/txn.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* Numbers trees that are apart. Not by address: a later tree may get it, and would find this one's pages in the
 * cache. */
static _Atomic uint64_t apart;
static const char inline_name[] = "the table of blobs"; /* in messages */

/* An original and its copy have tables of one id, and not one cache: who verifies the copy is to read the copy. */
struct art_store_location art_location_of(struct art_tree *tree, const struct art_tree_location *location) {
    assert(!location->path || location->host_path);
    if (location->path) return (struct art_store_location){.path = location->path, .host_path = location->host_path};
    struct art_store_location rows = {.path = inline_name, .rows = location->rows ? location->rows : art_rows_of(tree)};
    memcpy(&rows.rows_id, tree->options.uuid, sizeof rows.rows_id);
    if (location->host_path) rows.rows_id ^= art_hash64(location->host_path, strlen(location->host_path));
    if (tree->options.apart) rows.rows_id = ++apart;
    return rows;
}

const struct art_medium *art_tree_medium(const struct art_tree *tree) {
    return art_store_medium(tree->store);
}

enum art_rc art_tree_use_location(struct art_tree *tree, const struct art_tree_location *location) {
    art_rows_catch_up(tree);
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

struct art_copier {
    struct art_tree *tree;
    struct art_store *to;
    bool onto, made; /* an earlier copy's file; a file that goes if it does not come to be complete */
    struct art_distinct met;
    struct art_ref *refs; /* sorted by slot; without labels */
    uint32_t count, capacity, at, written;
};

/* Of labels the length alone counts here; their bytes may go. */
static enum art_rc collect_blob(void *context, const struct art_ref *ref) {
    struct art_copier *copier = context;
    enum art_rc rc = art_tree_interrupted(copier->tree);
    if (rc) return rc;
    if (copier->count == copier->capacity) {
        uint32_t capacity = copier->capacity ? 2 * copier->capacity : ART_LIMIT(copied_first);
        struct art_ref *more = art_resize(copier->refs, capacity * sizeof *more);
        if (!more) return art_nomem();
        copier->refs = more;
        copier->capacity = capacity;
    }
    copier->refs[copier->count] = *ref;
    art_ref_leave(&copier->refs[copier->count++]);
    return ART_OK;
}

static enum art_rc collect_snapshot(void *context, const char *name, struct art_bytes bytes) {
    struct art_copier *copier = context;
    struct art_root *root;
    (void)name;
    enum art_rc rc = art_root_decode(bytes, &root);
    if (rc) return rc;
    rc = art_distinct_walk(&copier->met, copier->tree, root, collect_blob, copier);
    art_root_unref(root);
    return rc;
}

static int compare_slots(const void *a, const void *b) {
    uint32_t left = ((const struct art_ref *)a)->slot, right = ((const struct art_ref *)b)->slot;
    return (left > right) - (left < right);
}

static enum art_rc collect_blobs(struct art_copier *copier) {
    struct art_tree *tree = copier->tree;
    const struct art_host *host = &tree->host;
    assert(tree->root);
    enum art_rc rc = art_distinct_walk(&copier->met, tree, tree->root, collect_blob, copier);
    if (!rc && host->each_snapshot) rc = host->each_snapshot(host->context, collect_snapshot, copier);
    art_distinct_clear(&copier->met);
    if (copier->count) qsort(copier->refs, copier->count, sizeof *copier->refs, compare_slots);
    return rc;
}

/* An earlier copy's file may be locked for some ms yet by a process that was killed. */
static enum art_rc lock_copy(struct art_copier *copier, bool fresh) {
    const struct art_host *host = &copier->tree->host;
    for (unsigned attempt = 0;; attempt++) {
        uint32_t end;
        enum art_rc rc = art_store_write_begin(copier->to, fresh, &end);
        if (rc != ART_BUSY || !host->wait || !host->wait(host->context, attempt)) return rc;
    }
}

static enum art_rc begin_copier(struct art_copier *copier, const struct art_tree_location *location) {
    struct art_tree *tree = copier->tree;
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
    enum art_rc rc = art_tree_ready(tree);
    if (!rc) rc = art_store_open(&copier->to, &options);
    if (!rc && art_tree_has_runs(tree)) rc = art_store_ready(tree->store);
    if (!rc) rc = lock_copy(copier, !location->onto);
    copier->onto = location->onto;
    copier->made = !rc && !location->onto && location->path;
    return rc ? rc : collect_blobs(copier);
}

enum art_rc art_copier_begin(struct art_tree *tree, const struct art_tree_location *location, struct art_copier **out) {
    struct art_copier *copier = art_alloc_zeroed(sizeof *copier);
    *out = NULL;
    if (!copier) return art_nomem();
    copier->tree = tree;
    enum art_rc rc = begin_copier(copier, location);
    if (rc) {
        art_copier_close(copier);
    } else {
        *out = copier;
    }
    return rc;
}

void art_copier_tell(const struct art_copier *copier, struct art_copy_progress *out) {
    *out = (struct art_copy_progress){copier->count - copier->at, copier->count, copier->written};
}

/* An earlier copy may be of a later state, with runs: its file must not go on saying so. */
static enum art_rc note_root(struct art_tree *tree, struct art_store *to, bool onto) {
    struct art_buffer bytes = {0};
    enum art_rc rc = art_tree_has_runs(tree) || onto ? art_root_encode(tree->root, &bytes) : ART_OK;
    if (bytes.len && !rc) rc = art_store_put_root(to, art_buffer_bytes(&bytes));
    art_buffer_clear(&bytes);
    return rc;
}

/* What a failed sync has lost is still to be seen, and no later one brings it back: the next run is not to take it for
 * blobs that are there. So the file goes. */
static enum art_rc sync_copy(struct art_copier *copier) {
    enum art_rc rc = art_store_sync(copier->to);
    if (rc && copier->onto) copier->made = true;
    return rc;
}

static enum art_rc complete(struct art_copier *copier) {
    enum art_rc rc = copier->onto ? art_store_keep_only(copier->to, copier->refs, copier->count) : ART_OK;
    if (!rc) rc = sync_copy(copier);
    if (!rc) rc = note_root(copier->tree, copier->to, copier->onto);
    if (!rc) rc = art_store_note_copied(copier->to);
    if (!rc) copier->made = false;
    return rc;
}

enum art_rc art_copier_step(struct art_copier *copier) {
    struct art_ref refs[ART_LIMIT_MOST(copied_a_step)];
    unsigned looked = art_min32(ART_LIMIT(copied_a_step), copier->count - copier->at), count = looked;
    enum art_rc rc = art_tree_interrupted(copier->tree);
    if (count) memcpy(refs, &copier->refs[copier->at], count * sizeof *refs);
    if (!rc && copier->onto) rc = art_store_leave_out_same(copier->to, refs, &count);
    for (unsigned i = 0; !rc && i < count; i += ART_COPY_MAX) {
        rc = art_store_copy(copier->tree->store, refs + i, art_min32(ART_COPY_MAX, count - i), copier->to);
        if (!rc) rc = art_tree_interrupted(copier->tree);
    }
    if (rc) return rc;
    copier->at += looked;
    copier->written += count;
    return copier->at < copier->count ? ART_OK : complete(copier);
}

/* The first error's sentence is the one to tell. */
static void remove_unfinished(const char *path) {
    struct art_kept_error why;
    art_error_keep(&why);
    art_file_remove(path);
    art_error_restore(&why);
}

void art_copier_close(struct art_copier *copier) {
    if (copier->made) remove_unfinished(art_store_path(copier->to));
    art_store_close(copier->to);
    art_free(copier->refs);
    art_free(copier);
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
