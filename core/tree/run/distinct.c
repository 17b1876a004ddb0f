/* The blobs of several roots, each once: of the table and of its snapshots, which share most of theirs.
 *
 *     a snapshot     [ x | y | z ]              its index blob is another one
 *                      |   |   |
 *                     L1  L2  L3                L1 and L3 are met in the table's walk, L2 is not
 *                      |       |
 *     the table      [ x | Y | z ]
 *
 * What lies below a blob that was met before was met, too: so a walk through a thousand roots reads each index blob
 * once. The memory is a hash table, 11 to 22 bytes for each blob: its slot, and a part of the hash by which a reference
 * leads there. Two references to one slot that expect different blobs show that one of these was overwritten (rule 1).
 */
#include "core/base/limits.h"
#include "core/tree/run/run.h"

struct distinct_step {     /* in an index blob */
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
    art_free(met->item);
    *met = (struct art_distinct){0};
}

/* Where the slot's blob is noted, or is to be. */
static uint64_t *find_met(const struct art_distinct *met, uint32_t slot) {
    assert(met->count < met->capacity && slot);
    uint32_t at = slot * 0x9e3779b1u & (met->capacity - 1);
    while (met->item[at] && met->item[at] >> 32 != slot) at = (at + 1) & (met->capacity - 1);
    return &met->item[at];
}

static enum art_rc enlarge(struct art_distinct *met) {
    struct art_distinct larger = {.capacity = met->capacity ? 2 * met->capacity : ART_LIMIT(distinct_first),
                                  .count = met->count};
    larger.item = art_alloc_zeroed(larger.capacity * sizeof *larger.item);
    if (!larger.item) return art_nomem();
    for (uint32_t i = 0; i < met->capacity; i++) {
        if (met->item[i]) *find_met(&larger, (uint32_t)(met->item[i] >> 32)) = met->item[i];
    }
    art_free(met->item);
    *met = larger;
    return ART_OK;
}

enum art_rc art_distinct_meet(struct art_distinct *met, struct art_store *store, const struct art_ref *ref,
                              bool *first) {
    uint64_t wanted = (uint64_t)ref->slot << 32 | (uint32_t)ref->hash.low;
    *first = false;
    enum art_rc rc = art_store_reaches(store, ref);
    if (!rc && met->count >= met->capacity / 4 * 3) rc = enlarge(met);
    if (rc) return rc;
    uint64_t *item = find_met(met, ref->slot);
    if (*item && *item != wanted) {
        return art_corrupt(art_store_path(store), ref->slot, ART_NOWHERE,
                           "two references lead to one slot, and expect different blobs in it");
    }
    *first = !*item;
    met->count += *first;
    *item = wanted;
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
        return art_corrupt(art_store_path(walk->tree->store), top->slot, ART_NOWHERE, "a run is deeper than %d levels",
                           ART_HEIGHTS_MAX);
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
