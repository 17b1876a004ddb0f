/* What the tree is like, for people: art_info, check and dump. */
#include "core/blob/blob_format.h"
#include "core/io/io.h"
#include "core/tree/private.h"

static int count_rows(struct art_tree *tree, uint64_t *out) {
    struct art_range all = {0};
    return art_tree_count(tree, &all, out);
}

static uint64_t set_size(const struct art_slot_set *set) {
    return art_slot_set_count(set, 0, UINT32_MAX);
}

/* Young slots as the host has them committed. */
static int count_young(struct art_tree *tree, uint64_t file_bytes, uint64_t *out) {
    if (tree->slots.young.loaded) {
        *out = set_size(&tree->slots.young.slots);
        return ART_OK;
    }
    struct art_young young = {0};
    int rc = art_young_load(tree, art_slots_in(file_bytes), &young);
    if (!rc) *out = set_size(&young.slots);
    art_slot_set_clear(&young.slots);
    return rc;
}

int art_tree_info(struct art_tree *tree, struct art_tree_info *out) {
    *out = (struct art_tree_info){0};
    int rc = art_tree_ready(tree);
    if (!rc) rc = count_rows(tree, &out->keys);
    if (!rc) rc = art_slots_know(tree);
    struct art_store_stats stats;
    if (!rc) rc = art_store_stats(tree->store, &stats);
    if (!rc) rc = count_young(tree, stats.file_bytes, &out->young_slots);
    if (rc) return rc;
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
    out->file_bytes = stats.file_bytes;
    out->delta_keys = art_delta_keys(tree->delta);
    out->delta_bytes = art_delta_memory(tree->delta);
    out->log_rows = tree->log_rows;
    out->log_bytes = tree->log_bytes;
    uint64_t slots = stats.file_bytes / ART_BLOB_BYTES, taken = 1 + set_size(&tree->slots.used) + out->young_slots;
    out->free_slots = slots > taken ? slots - taken : 0;
    out->cache_bytes = stats.cache_bytes;
    out->cache_limit = stats.cache_limit;
    out->cache_hits = stats.hits;
    out->cache_misses = stats.misses;
    out->pages_read = stats.pages_read;
    out->pages_written = stats.pages_written;
    out->syncs = stats.syncs;
    out->engine = stats.engine;
    out->direct = stats.direct;
    out->file = stats.file;
    return ART_OK;
}

/* --- check -------------------------------------------------------------------------------------------------------- */

struct checker {
    struct art_tree *tree;
    bool last; /* the run under check is the last */
    uint64_t blobs, pages;
    struct art_slot_set seen;
};

static int check_blob(void *context, const struct art_ref *ref) {
    struct checker *checker = context;
    struct art_tree *tree = checker->tree;
    struct art_blob *blob;
    if (art_slot_set_has(&checker->seen, ref->slot)) {
        return art_corrupt(tree->options.path, ref->slot, ART_NOWHERE, "two references lead to one slot");
    }
    int rc = art_store_blob(tree->store, ref, &blob);
    if (rc) return rc;
    art_blob_hold(blob);
    rc = art_slot_set_add(&checker->seen, ref->slot);
    if (!rc) rc = art_blob_check(blob, checker->last && ref->level == 0);
    art_blob_release(blob);
    checker->blobs++;
    checker->pages += art_ref_pages(ref);
    art_store_relax(tree->store);
    return rc;
}

/* A key that stands in a run is found there from the top. */
static int check_route(struct art_tree *tree, const struct art_run *run, struct art_bytes key) {
    memcpy(tree->key, key.data, key.len);
    memset(tree->key + key.len, 0, ART_KEY_PADDING);
    struct art_entry entry;
    int rc = art_run_get(tree, run, art_bytes(tree->key, key.len), &entry);
    if (rc != ART_NOTFOUND) return rc;
    return art_corrupt(tree->options.path, run->top.slot, ART_NOWHERE, "a key of a run is not found from its top");
}

/* Blob by blob; then in order, with the sums that the references promise. */
static int check_run(struct checker *checker, const struct art_run *run) {
    struct art_tree *tree = checker->tree;
    checker->blobs = checker->pages = 0;
    int rc = art_run_each_ref(tree->store, run, check_blob, checker);
    if (rc) return rc;
    if (checker->blobs != run->blobs || checker->pages != run->pages) {
        return art_corrupt(tree->options.path, run->top.slot, ART_NOWHERE,
                           "a run has %llu blobs of %llu pages, its root says %llu of %llu",
                           (unsigned long long)checker->blobs, (unsigned long long)checker->pages,
                           (unsigned long long)run->blobs, (unsigned long long)run->pages);
    }
    struct art_run_cursor cursor;
    struct art_buffer last = {0};
    const struct art_blob *blob = NULL;
    uint64_t entries = 0;
    int64_t count = 0;
    rc = art_run_cursor_open(&cursor, tree->store);
    if (rc) return rc;
    art_run_cursor_reset(&cursor, &run->top, 0);
    for (rc = art_run_first(&cursor); !rc && cursor.valid; rc = art_run_next(&cursor)) {
        struct art_bytes key = art_run_key(&cursor);
        if (entries++ && art_bytes_compare(art_bytes(last.data, (uint32_t)last.len), key) >= 0) {
            rc = art_corrupt(tree->options.path, cursor.leaf.blob->slot, ART_NOWHERE, "keys of a run are out of order");
            break;
        }
        last.len = 0;
        rc = art_buffer_append(&last, key.data, key.len);
        if (!rc && (cursor.leaf.blob != blob || entries % 64 == 0)) rc = check_route(tree, run, key);
        blob = cursor.leaf.blob;
        if (rc) break;
        struct art_entry entry;
        art_blob_cursor_entry(&cursor.leaf, &entry);
        count += art_entry_weight(entry.flags);
    }
    art_run_cursor_close(&cursor);
    art_buffer_clear(&last);
    if (!rc && (entries != run->top.entries || count != run->top.count)) {
        rc = art_corrupt(tree->options.path, run->top.slot, ART_NOWHERE,
                         "a run's entries do not add up to its reference");
    }
    return rc;
}

/* Over all sources: what each says of the rows below it is true, and nothing refers to a row that is nowhere. */
static int check_sources(struct art_tree *tree) {
    struct art_merge *merge = art_alloc(sizeof *merge);
    if (!merge) return art_nomem();
    art_merge_init(merge, tree->store);
    int64_t rows = 0, count = art_delta_count(tree->delta);
    int rc = art_merge_set(merge, tree->delta, tree->root->run, tree->root->runs);
    for (unsigned i = 0; !rc && i < merge->count; i++) rc = art_merge_limit(merge, i, art_bytes(NULL, 0), UINT64_MAX);
    if (!rc) art_merge_begin_combined(merge);
    for (; !rc && merge->valid; rc = art_merge_step_combined(merge)) {
        struct art_entry entry;
        rc = art_merge_combine(merge, &entry);
        if (!rc && (entry.flags & ART_OVER)) {
            rc = art_corrupt(tree->options.path, ART_NOWHERE, ART_NOWHERE, "an entry refers to a row that no run has");
        }
        if (rc) break;
        rows += !(entry.flags & ART_DELETE);
    }
    art_merge_clear(merge);
    art_free(merge);
    for (unsigned i = 0; i < tree->root->runs; i++) count += tree->root->run[i].top.count;
    if (!rc && rows != count)
        rc = art_corrupt(tree->options.path, ART_NOWHERE, ART_NOWHERE, "rows do not add up to the runs' counts");
    return rc;
}

int art_tree_check(struct art_tree *tree) {
    int rc = art_tree_ready(tree);
    struct checker checker = {.tree = tree};
    for (unsigned i = 0; !rc && i < tree->root->runs; i++) {
        checker.last = i + 1 == tree->root->runs;
        rc = check_run(&checker, &tree->root->run[i]);
    }
    art_slot_set_clear(&checker.seen);
    return rc ? rc : check_sources(tree);
}

void art_tree_dump(struct art_tree *tree, FILE *out) {
    const struct art_root *root = tree->root;
    fprintf(out, "tree %s: csn %llu, generation %llu, root csn %llu%s\n",
            tree->options.path ? tree->options.path : "in memory", (unsigned long long)tree->csn,
            (unsigned long long)root->generation, (unsigned long long)root->csn, tree->unknown ? ", unknown" : "");
    fprintf(out, "  delta: %llu keys, %zu bytes; log: %llu rows, %llu bytes\n",
            (unsigned long long)art_delta_keys(tree->delta), art_delta_memory(tree->delta),
            (unsigned long long)tree->log_rows, (unsigned long long)tree->log_bytes);
    for (unsigned i = 0; i < root->runs; i++) {
        const struct art_run *run = &root->run[i];
        fprintf(out, "  run %u: level %u, %llu entries, count %lld, %llu blobs, %llu pages, top slot %u, depth %u\n", i,
                run->level, (unsigned long long)run->top.entries, (long long)run->top.count,
                (unsigned long long)run->blobs, (unsigned long long)run->pages, run->top.slot, run->top.level);
    }
}

void art_build_describe(struct art_build *out) {
#ifdef ART_HAVE_URING
    const char *engines = "uring, pwrite, memory";
#else
    const char *engines = "pwrite, memory";
#endif
    *out = (struct art_build){.engines = engines,
                              .uring_works = art_io_uring_available(),
                              .format = ART_BLOB_FORMAT,
                              .blob_bytes = ART_BLOB_BYTES,
                              .page_bytes = ART_BLOB_PAGE};
}
