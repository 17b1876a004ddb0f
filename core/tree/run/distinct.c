/* The blobs of several roots, each once: of the table and of its snapshots, which share most of theirs.
 *
 *     a snapshot     [ x | y | z ]              its index blob is another one
 *                      |   |   |
 *                     L1  L2  L3                L1 and L3 are met in the table's walk, L2 is not
 *                      |       |
 *     the table      [ x | Y | z ]
 *
 * What lies below a blob that was met before was met, too: so a walk through a thousand roots reads each index blob
 * once. The memory is eight bytes a slot, of the hash by which a reference leads there. Two references to one slot that
 * expect different blobs show that one of these was overwritten (rule 1).
 */
#include "core/tree/run/run.h"

struct distinct_step { /* in an index blob */
    struct art_blob *blob; /* held */
    uint32_t child;        /* the next one */
};

struct distinct_walk {
    struct art_tree *tree;
    struct art_distinct *met;
    enum art_rc (*visit)(void *context, const struct art_ref *ref);
    void *context;
    unsigned depth; /* steps in use */
    struct distinct_step step[ART_HEIGHTS_MAX];
    uint8_t *scratch; /* for keys */
};

void art_distinct_clear(struct art_distinct *met) {
    art_free(met->hash);
    *met = (struct art_distinct){0};
}

static enum art_rc reserve_slot(struct art_distinct *met, uint32_t slot) {
    uint32_t before = met->capacity;
    enum art_rc rc = art_grow(&met->hash, &met->capacity, slot + 1, sizeof *met->hash);
    if (!rc) memset(met->hash + before, 0, (met->capacity - before) * sizeof *met->hash);
    return rc;
}

enum art_rc art_distinct_meet(struct art_distinct *met, struct art_store *store, const struct art_ref *ref,
                              bool *first) {
    uint64_t hash = ref->hash.low ? ref->hash.low : 1;
    *first = false;
    enum art_rc rc = art_store_reaches(store, ref);
    if (!rc && ref->slot >= met->capacity) rc = reserve_slot(met, ref->slot);
    if (rc) return rc;
    uint64_t before = met->hash[ref->slot];
    if (before && before != hash) {
        return art_corrupt(art_store_path(store), ref->slot, ART_NOWHERE,
                           "two references lead to one slot, and expect different blobs in it");
    }
    met->hash[ref->slot] = hash;
    *first = !before;
    return ART_OK;
}

static enum art_rc enter_index(struct distinct_walk *walk, const struct art_ref *ref) {
    struct art_blob *blob;
    assert(ref->height && walk->depth < ART_HEIGHTS_MAX);
    enum art_rc rc = art_store_blob(walk->tree->store, ref, &blob);
    if (rc) return rc;
    art_blob_pin(blob);
    walk->step[walk->depth++] = (struct distinct_step){.blob = blob};
    return ART_OK;
}

static enum art_rc come_to(struct distinct_walk *walk, const struct art_ref *ref) {
    bool first;
    enum art_rc rc = art_distinct_meet(walk->met, walk->tree->store, ref, &first);
    if (!rc && first) rc = walk->visit(walk->context, ref);
    return !rc && first && ref->height ? enter_index(walk, ref) : rc;
}

static enum art_rc walk_run(struct distinct_walk *walk, const struct art_ref *top) {
    assert(!walk->depth);
    if (top->height >= ART_HEIGHTS_MAX) {
        return art_corrupt(art_store_path(walk->tree->store), top->slot, ART_NOWHERE,
                           "a run is deeper than %d levels", ART_HEIGHTS_MAX);
    }
    enum art_rc rc = come_to(walk, top);
    while (!rc && walk->depth) {
        struct distinct_step *step = &walk->step[walk->depth - 1];
        struct art_blob_cursor at;
        struct art_ref child;
        art_store_relax(walk->tree->store); /* the blobs on the way are held */
        if (step->child == step->blob->entries) {
            art_blob_unpin(step->blob);
            walk->depth--;
            continue;
        }
        art_blob_cursor_init(&at, step->blob, walk->scratch);
        rc = art_blob_seek_entry(&at, step->child++);
        if (!rc) rc = art_blob_cursor_ref(&at, &child);
        if (!rc) rc = come_to(walk, &child);
    }
    return rc;
}

enum art_rc art_distinct_walk(struct art_distinct *met, struct art_tree *tree, const struct art_root *root,
                              enum art_rc (*visit)(void *context, const struct art_ref *ref), void *context) {
    struct distinct_walk walk = {tree, met, visit, context, .scratch = art_alloc(ART_KEY_BUFFER)};
    enum art_rc rc = walk.scratch ? ART_OK : art_nomem();
    for (unsigned i = 0; !rc && i < root->runs; i++) rc = walk_run(&walk, &root->run[i].top);
    while (walk.depth) art_blob_unpin(walk.step[--walk.depth].blob);
    art_free(walk.scratch);
    return rc;
}
