/* A run, blob by blob: from the top down, the blobs on the way held.
 *
 *     [ a . . | m . . | t . . ]      an index blob: a child and the separator before it; the next one is the fence
 *                                    behind it
 *       [ ]     [ ]     [ ]          each child: fetched by its reference, checked for itself, and against its fences
 *
 * The keys of a blob that cannot be read, or is not what it should be, are left unread from fence to fence, and so are
 * those of a blob that was met before: its children are not visited, so that the walk ends whatever the references say.
 *
 * A snapshot shares blobs with the table and with other snapshots. Each blob is checked once, where it is met first. A
 * snapshot's walk goes through those that the table has, since they hold slots for it; not through those that an
 * earlier snapshot's walk went through. All its rows may be old ones, so no range of keys is left unread for it.
 */
#include "core/tree/check/check.h"

#include <assert.h>

struct run_step {
    struct art_blob *blob; /* held */
    uint32_t child;        /* the next one to visit */
    struct art_buffer label;
    struct art_fence fence;
};

struct run_check {
    struct art_checker *checker;
    const struct art_root *root;
    const struct art_run *run;
    bool last;             /* the run under all others */
    bool found;            /* something was wrong in this run: its sums need not agree */
    uint64_t blobs, pages; /* visited */
    unsigned depth;        /* steps in use */
    struct run_step step[ART_HEIGHTS_MAX];
    struct art_fence fence; /* of the child that is visited next */
    uint8_t *key;           /* ART_KEY_BUFFER */
};

#define SAY(slot, ...)                                                                                                 \
    (check->found = true,                                                                                              \
     art_check_say(check->checker, check->checker->tree->options.path, slot, ART_NOWHERE, __VA_ARGS__))

static enum art_rc mark_unread(struct run_check *check, enum art_rc rc) {
    check->found = true;
    return rc || check->checker->snapshot ? rc : art_check_add_unread(check->checker, &check->fence);
}

/* --- one blob ----------------------------------------------------------------------------------------------------- */

/* Every page that cannot be read is named. */
static enum art_rc check_pages(struct run_check *check, struct art_blob *blob, bool *whole) {
    struct art_pages on_demand = art_blob_pages_on_demand(blob);
    *whole = true;
    for (uint32_t page = 0; page < ART_BLOB_PAGES; page++) {
        if (!art_pages_has(&on_demand, page) || art_page_present(blob, page)) continue;
        struct art_pages pages = art_pages_of(page, 1);
        enum art_rc rc = blob->want(blob, &pages, ART_POINT);
        if (rc) *whole = false;
        if (rc) rc = art_check_note(check->checker, rc);
        if (rc) return rc;
    }
    return ART_OK;
}

/* A cursor's key buffer with the label in front. */
static void start(struct run_check *check, struct art_blob *blob, struct art_bytes label, struct art_blob_cursor *at) {
    assert(label.len == blob->label_len);
    art_blob_cursor_init(at, blob, check->key);
    if (label.len) memcpy(check->key, label.data, label.len);
}

/* The first and the last key of a leaf blob, or separator of an index blob, lie between the fences. What routes to the
 * first child need not be behind its separator. */
static enum art_rc check_fences(struct run_check *check, const struct art_ref *ref, struct art_blob *blob) {
    struct art_blob_cursor at;
    start(check, blob, ref->label, &at);
    enum art_rc rc = art_blob_seek_entry(&at, ref->height ? 1 : 0);
    if (!rc && at.valid && check->fence.low_set &&
        art_bytes_compare(art_bytes(at.key, at.key_len), art_buffer_bytes(&check->fence.low)) < 0) {
        return mark_unread(check, SAY(blob->slot, "the blob's keys begin before the separator that leads to it"));
    }
    if (!rc) rc = art_blob_last(&at);
    if (!rc && at.valid && check->fence.high_set &&
        art_bytes_compare(art_bytes(at.key, at.key_len), art_buffer_bytes(&check->fence.high)) >= 0) {
        return mark_unread(check, SAY(blob->slot, "the blob's keys go on behind the next separator"));
    }
    return rc;
}

/* What stands in a leaf is found from the run's top. */
static enum art_rc check_route(struct run_check *check, const struct art_ref *ref, struct art_blob *blob, bool last) {
    struct art_blob_cursor at;
    struct art_entry entry;
    start(check, blob, ref->label, &at);
    enum art_rc rc = last ? art_blob_last(&at) : art_blob_first(&at);
    if (rc) return rc;
    memset(check->key + at.key_len, 0, ART_KEY_PADDING);
    rc = art_run_get(check->checker->tree, check->run, art_bytes(check->key, at.key_len), &entry);
    if (rc != ART_NOTFOUND) return rc;
    return SAY(blob->slot, "a key of the blob is not found from the top of its run");
}

/* Then the root has rows of the transaction under way. */
static bool has_spilled(const struct run_check *check) {
    return !check->checker->snapshot && art_tree_has_spilled(check->checker->tree);
}

/* *deeper: it is sound, and its children may be visited. */
static enum art_rc check_blob(struct run_check *check, const struct art_ref *ref, struct art_blob *blob, bool *deeper) {
    const struct art_checker *checker = check->checker;
    struct art_blob_expected expected = {.only_puts = check->last && !ref->height,
                                         .csn_max = has_spilled(check) ? checker->csn : check->root->csn,
                                         .label = &ref->label,
                                         .summary = art_tree_summary(checker->tree)};
    bool whole;
    enum art_rc rc = check_pages(check, blob, &whole);
    if (rc) return rc;
    if (!whole) return mark_unread(check, ART_OK);
    rc = art_blob_check_expected(blob, &expected);
    if (rc) return mark_unread(check, art_check_note(check->checker, rc));
    rc = check_fences(check, ref, blob);
    *deeper = !rc && !check->found;
    return rc;
}

/* --- the walk ----------------------------------------------------------------------------------------------------- */

/* Is this the first reference to a slot of the file, in the walk of the table or in those of snapshots? *met: the blob
 * was checked before. */
static enum art_rc check_slot(struct run_check *check, const struct art_ref *ref, bool *first, bool *met) {
    struct art_checker *checker = check->checker;
    struct art_slot_set *slots = checker->snapshot ? &checker->named : &checker->seen;
    uint32_t slot = ref->slot;
    *first = *met = false;
    if (!slot || slot >= checker->end)
        return mark_unread(check, SAY(slot, "a reference leads out of the file, which has %u slots", checker->end));
    bool again = art_slot_set_has(slots, slot), fresh = true;
    if (again && !checker->snapshot) return mark_unread(check, SAY(slot, "two references lead to one slot"));
    bool compares = checker->snapshot || checker->root->held;
    enum art_rc rc = compares ? art_distinct_meet(&checker->met, checker->tree->store, ref, &fresh) : ART_OK;
    if (rc) return mark_unread(check, art_check_note(checker, rc));
    *first = !again;
    *met = !fresh;
    return again ? ART_OK : art_slot_set_add(slots, slot);
}

/* Takes the blob as the next step. */
static enum art_rc go_down(struct run_check *check, const struct art_ref *ref, struct art_blob *blob) {
    struct run_step *step = &check->step[check->depth];
    assert(check->depth < ART_HEIGHTS_MAX && ref->height &&
           (!check->depth || step[-1].blob->height == ref->height + 1));
    *step = (struct run_step){.blob = blob, .fence = check->fence};
    check->fence = (struct art_fence){0};
    check->depth++;
    art_blob_pin(blob);
    return ref->label.len ? art_buffer_append(&step->label, ref->label.data, ref->label.len) : ART_OK;
}

/* A blob of a snapshot that was checked before: what is wrong with it was reported then. */
static enum art_rc follow_shared(struct run_check *check, const struct art_ref *ref) {
    struct art_blob *blob;
    if (!ref->height) return ART_OK;
    enum art_rc rc = art_store_blob(check->checker->tree->store, ref, &blob);
    if (!rc) return go_down(check, ref, blob);
    check->found = true;
    return rc == ART_CORRUPT || rc == ART_IO ? ART_OK : art_check_note(check->checker, rc);
}

static enum art_rc visit(struct run_check *check, const struct art_ref *ref) {
    assert(check->depth < ART_HEIGHTS_MAX || ref->height == 0);
    struct art_checker *checker = check->checker;
    struct art_store *store = checker->tree->store;
    struct art_blob *blob;
    bool first, met, deeper = false;
    enum art_rc rc = check_slot(check, ref, &first, &met);
    if (rc || !first) return rc;
    check->blobs++;
    check->pages += art_ref_pages(ref);
    if (met) return follow_shared(check, ref);
    if (ref->generation > check->root->generation)
        rc = SAY(ref->slot, "a blob has a higher generation than the root that names it");
    if (rc || (checker->options->quick && !ref->height)) return rc;
    rc = art_store_blob(store, ref, &blob);
    if (rc) return mark_unread(check, art_check_note(checker, rc));
    art_blob_pin(blob);
    bool before = check->found;
    check->found = false;
    rc = check_blob(check, ref, blob, &deeper);
    if (!rc && deeper && ref->height) rc = go_down(check, ref, blob);
    if (!rc && deeper && !ref->height) rc = check_route(check, ref, blob, false);
    if (!rc && deeper && !ref->height) rc = check_route(check, ref, blob, true);
    check->found |= before;
    art_blob_unpin(blob);
    return rc ? rc : art_tree_interrupted(checker->tree);
}

static void ascend(struct run_check *check) {
    assert(check->depth);
    struct run_step *step = &check->step[--check->depth];
    art_blob_unpin(step->blob);
    art_buffer_clear(&step->label);
    art_fence_clear(&step->fence);
}

/* A child and its fences: its separator and the next; at the ends those of the blob itself. */
static enum art_rc next_child(struct run_check *check, struct run_step *step, struct art_ref *ref) {
    assert(check->depth && step == &check->step[check->depth - 1]);
    struct art_blob_cursor at;
    struct art_fence *own = &step->fence, *fence = &check->fence;
    assert(step->child < step->blob->entries);
    start(check, step->blob, art_buffer_bytes(&step->label), &at);
    art_fence_clear(fence);
    enum art_rc rc = art_blob_seek_entry(&at, step->child);
    if (rc) return rc;
    if (step->child) {
        rc = art_fence_set(&fence->low, &fence->low_set, art_bytes(at.key, at.key_len));
    } else if (own->low_set) {
        rc = art_fence_set(&fence->low, &fence->low_set, art_buffer_bytes(&own->low));
    }
    if (!rc) rc = art_blob_cursor_ref(&at, ref);
    if (!rc) rc = art_blob_next(&at);
    if (!rc && at.valid) {
        rc = art_fence_set(&fence->high, &fence->high_set, art_bytes(at.key, at.key_len));
    } else if (!rc && own->high_set) {
        rc = art_fence_set(&fence->high, &fence->high_set, art_buffer_bytes(&own->high));
    }
    step->child++;
    return rc;
}

static enum art_rc walk(struct run_check *check) {
    assert(!check->depth);
    enum art_rc rc = visit(check, &check->run->top);
    while (!rc && check->depth) {
        struct run_step *step = &check->step[check->depth - 1];
        struct art_ref ref;
        art_store_relax(check->checker->tree->store); /* the blobs on the way are held */
        if (step->child == step->blob->entries) {
            ascend(check);
            continue;
        }
        rc = next_child(check, step, &ref);
        if (!rc) rc = visit(check, &ref);
    }
    return rc;
}

enum art_rc art_check_run(struct art_checker *checker, const struct art_root *root, unsigned number) {
    const struct art_run *run = &root->run[number];
    assert(number < root->runs && checker->file_ready);
    struct run_check *check = art_alloc_zeroed(sizeof *check);
    if (!check) return art_nomem();
    *check = (struct run_check){.checker = checker, .root = root, .run = run, .last = number + 1 == root->runs};
    check->key = art_alloc(ART_KEY_BUFFER);
    enum art_rc rc = check->key ? ART_OK : art_nomem();
    if (!rc && run->top.height >= ART_HEIGHTS_MAX) {
        rc = mark_unread(check, SAY(run->top.slot, "a run is deeper than %d levels", ART_HEIGHTS_MAX));
    } else if (!rc) {
        rc = walk(check);
    }
    bool differs = check->blobs != run->blobs || check->pages != run->pages;
    if (!rc && !check->found && differs && !checker->snapshot) {
        rc = SAY(run->top.slot, "a run has %llu blobs of %llu pages, its root says %llu of %llu",
                 (unsigned long long)check->blobs, (unsigned long long)check->pages, (unsigned long long)run->blobs,
                 (unsigned long long)run->pages);
    }
    checker->torn |= check->found && checker->snapshot;
    while (check->depth) ascend(check);
    art_fence_clear(&check->fence);
    art_free(check->key);
    art_free(check);
    return art_check_note(checker, rc);
}

#undef SAY
