/* What the tree is like, for people: art_info and art_debug. */
#include "core/base/format.h"
#include "core/blob/blob_format.h"
#include "core/io/io.h"
#include "core/tree/inspect.h"
#include "core/tree/txn/txn.h"

static uint64_t set_size(const struct art_slot_set *set) {
    return art_slot_set_count(set, 0, UINT32_MAX);
}

/* Retired slots as the host has them committed. */
static enum art_rc count_retired(struct art_tree *tree, uint64_t file_bytes, uint64_t *out) {
    assert(art_tree_is_known(tree));
    if (tree->slots.retired.state) {
        *out = set_size(&tree->slots.retired.slots);
        return ART_OK;
    }
    struct art_retired retired = {0};
    enum art_rc rc = art_retired_load(tree, art_slots_in(file_bytes), &retired);
    if (!rc) *out = set_size(&retired.slots);
    art_slot_set_clear(&retired.slots);
    return rc;
}

/* Slots that snapshots hold or have let go, and that the present root does not name; and is the last one held? */
static enum art_rc count_held(struct art_tree *tree, struct art_tree_info *out) {
    struct art_held_rows rows = {0};
    struct art_slot_set set = {0};
    uint32_t end = art_slots_in(out->store.file_bytes), last = 0, last_let_go;
    enum art_rc rc = art_held_rows_load(tree, &rows);
    if (!rc) rc = art_slots_decode(art_buffer_bytes(&rows.held), end, &set, &last);
    if (!rc) rc = art_slots_decode(art_buffer_bytes(&rows.let_go), end, &set, &last_let_go);
    out->end_is_held = last && last + 1 >= end;
    const struct art_slot_set *used = &tree->slots.used;
    for (uint32_t slot = art_slot_set_next(used, 0); slot != UINT32_MAX; slot = art_slot_set_next(used, slot + 1))
        art_slot_set_remove(&set, slot);
    out->held_slots = set_size(&set);
    art_slot_set_clear(&set);
    art_held_rows_clear(&rows);
    return rc;
}

/* A root without runs may have gone back behind the first flush, and so may a file be another's. */
static bool has_readable_file(struct art_tree *tree) {
    return art_store_exists(tree->store) && !art_store_ready(tree->store);
}

enum art_rc art_tree_file_mark(struct art_tree *tree, struct art_root_mark *out) {
    struct art_buffer bytes = {0};
    struct art_root *root = NULL;
    *out = (struct art_root_mark){0};
    enum art_rc rc = art_tree_ready(tree);
    if (!rc && (art_tree_has_runs(tree) || has_readable_file(tree))) rc = art_store_noted_root(tree->store, &bytes);
    if (!rc && bytes.len) rc = art_root_decode(art_buffer_bytes(&bytes), &root);
    if (root) *out = (struct art_root_mark){root->csn, root->generation};
    art_root_unref(root);
    art_buffer_clear(&bytes);
    return rc == ART_CORRUPT || rc == ART_CANTOPEN ? ART_OK : rc; /* it is salvage's, and damages nothing */
}

enum art_rc art_tree_info(struct art_tree *tree, struct art_tree_info *out) {
    *out = (struct art_tree_info){0};
    enum art_rc rc = art_tree_ready(tree);
    if (!rc) rc = art_tree_count(tree, &(struct art_range){0}, &out->keys);
    if (!rc) rc = art_slots_know(tree);
    if (!rc) rc = art_store_stats(tree->store, &out->store);
    if (!rc) rc = count_retired(tree, out->store.file_bytes, &out->retired_slots);
    if (!rc) rc = count_held(tree, out);
    if (rc) return rc;
#define ADD_COUNTER(member, property) out->store.count.member += tree->count.member;
    ART_COUNTER_LIST(ADD_COUNTER)
#undef ADD_COUNTER
    bool gone = tree->damaged_slot != ART_NOWHERE && !art_slot_set_has(&tree->slots.used, tree->damaged_slot);
    out->damage = *tree->damage && !gone ? tree->damage : NULL;
    out->csn = tree->csn;
    out->generation = tree->root->generation;
    out->runs = tree->root->runs;
    uint64_t pages = 0;
    for (unsigned i = 0; i < tree->root->runs; i++) {
        const struct art_run *run = &tree->root->run[i];
        out->run[i].level = run->level;
        out->run[i].entries = run->top.entries;
        out->run[i].blobs = run->blobs;
        out->run[i].bytes = run->pages * ART_BLOB_PAGE;
        out->blobs += run->blobs;
        pages += run->pages;
    }
    out->blob_bytes = pages * ART_BLOB_PAGE;
    out->fill = out->blobs ? (double)pages / (double)(out->blobs * ART_BLOB_PAGES) : 0;
    out->full = art_tree_is_full(tree);
    out->left_rows = art_root_left(tree->root, tree->csn);
    out->cuts = art_cuts_count(&tree->root->cuts);
    out->memtable_keys = art_memtable_keys(tree->memtable);
    out->memtable_bytes = art_memtable_memory(tree->memtable);
    out->front_bytes = tree->fronts.bytes;
    out->log_rows = tree->log_rows;
    out->log_bytes = tree->log_bytes;
    out->redo_since_merge = tree->redo_since_merge;
    uint64_t slots = out->store.file_bytes / ART_BLOB_BYTES,
             taken = 1 + set_size(&tree->slots.used) + out->retired_slots + out->held_slots;
    out->free_slots = slots > taken ? slots - taken : 0;
    return ART_OK;
}

void art_build_describe(struct art_build *out) {
    *out = (struct art_build){.engines = art_io_engines(),
                              .uring_works = art_io_uring_available(),
                              .format = ART_FORMAT,
                              .blob_bytes = ART_BLOB_BYTES,
                              .page_bytes = ART_BLOB_PAGE};
}
