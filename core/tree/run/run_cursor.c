/* A walk through one run: index blobs from the top down to the height that is asked for, one child at a time.
 *
 *     top (height 2)     [ .. * .. ]           path[2], index[2]
 *                             |
 *     height 1           [ * ..  ]             path[1], index[1]
 *                          |
 *     bottom (height 0)  [ .. * .. ]           leaf: a cursor in the blob path[0]
 *
 * Of an index blob the cursor knows only a number: which child. A child's label is checked against the key at every
 * step down, since a key may route to a child although it lies before or behind all that the child holds.
 */
#include "core/base/limits.h"
#include "core/tree/run/run.h"

enum art_rc art_run_cursor_open(struct art_run_cursor *cursor, struct art_store *store) {
    *cursor = (struct art_run_cursor){.store = store};
    cursor->key = art_alloc(ART_KEY_BUFFER);
    cursor->scratch = art_alloc(ART_KEY_BUFFER);
    if (cursor->key && cursor->scratch) return ART_OK;
    art_run_cursor_close(cursor);
    return art_nomem();
}

/* What was asked for and not taken: because the walk ends, goes on elsewhere, or has met an error on its way there. */
static void end_ahead(struct art_run_cursor *cursor) {
    if (cursor->leaf.window > ART_LIMIT(window_pages)) art_store_readahead_end(cursor->store, cursor);
    cursor->ahead = cursor->leaf.window = cursor->entered = 0;
}

static void let_blobs_go(struct art_run_cursor *cursor) {
    end_ahead(cursor);
    for (unsigned height = 0; height <= cursor->top.height && height < ART_HEIGHTS_MAX;
         height++) { /* no other was entered */
        if (cursor->path[height]) art_blob_unpin(cursor->path[height]);
        cursor->path[height] = NULL;
    }
    cursor->valid = false;
}

void art_run_cursor_close(struct art_run_cursor *cursor) {
    let_blobs_go(cursor);
    art_free(cursor->key);
    art_free(cursor->scratch);
    art_free(cursor->room);
    art_buffer_clear(&cursor->left);
    *cursor = (struct art_run_cursor){0};
}

void art_run_cursor_reset(struct art_run_cursor *cursor, const struct art_ref *top, unsigned bottom) {
    assert(bottom <= top->height);
    let_blobs_go(cursor);
    cursor->top = *top;
    cursor->bottom = bottom;
    cursor->newer_than = 0;
    cursor->shadows_nothing = false;
    cursor->limits = NULL;
    cursor->stop = NULL;
    cursor->tree = NULL;
}

/* Of a leaf only these units are looked into. */
static void note_passed(struct art_run_cursor *cursor, const struct art_blob *leaf, const struct art_units *units) {
    assert(!cursor->tree || cursor->limits);
    if (!cursor->tree || !cursor->limits->query_count) return;
    cursor->tree->count.pages_passed += art_blob_pages_passed(leaf, units);
}

/* Of a blob that has blocks. */
static enum art_rc lend_room(struct art_run_cursor *cursor) {
    assert(cursor->plain && !cursor->bottom);
    if (!cursor->room) cursor->room = art_alloc(sizeof *cursor->room);
    if (!cursor->room) return art_nomem();
    art_blob_cursor_plain(&cursor->leaf, cursor->room);
    return ART_OK;
}

/* Takes the blob of `ref` as the cursor's at `height`. */
static enum art_rc enter(struct art_run_cursor *cursor, unsigned height, const struct art_ref *ref) {
    if (height >= ART_HEIGHTS_MAX) {
        return art_corrupt(NULL, ref->slot, ART_NOWHERE, "a run is deeper than %d levels", ART_HEIGHTS_MAX);
    }
    struct art_blob *blob;
    assert(ref->height == height && height >= cursor->bottom);
    enum art_rc rc = art_store_blob(cursor->store, ref, &blob);
    if (rc) return rc;
    if (cursor->path[height] != blob) {
        art_blob_pin(blob);
        if (cursor->path[height]) art_blob_unpin(cursor->path[height]);
        cursor->path[height] = blob;
    }
    cursor->entries[height] = blob->entries;
    if (height == cursor->bottom) {
        uint32_t window = cursor->leaf.window;
        uint64_t visits = cursor->leaf.visits;
        art_blob_cursor_init(&cursor->leaf, blob, cursor->key);
        cursor->leaf.window = window;
        cursor->leaf.visits = visits;
        cursor->leaf.newer_than = cursor->newer_than;
        cursor->leaf.shadows_nothing = cursor->shadows_nothing;
        rc = art_blob_cursor_limit(&cursor->leaf, cursor->limits);
        if (!rc && cursor->newer_than) rc = art_blob_want_part(blob, ART_PART_BOUNDS);
        if (rc) return rc;
        cursor->leaf.stop = cursor->stop;
        if (cursor->limits && !height) note_passed(cursor, blob, &cursor->leaf.units);
        if (ref->label.len) memcpy(cursor->key, ref->label.data, ref->label.len);
        if (cursor->plain && blob->blocks) return lend_room(cursor);
    }
    return ART_OK;
}

/* The reference of child `index` of the index blob at `height`; its label lies in that blob. */
static enum art_rc look_at_child(struct art_run_cursor *cursor, unsigned height, uint32_t index, struct art_ref *out) {
    struct art_blob_cursor at;
    art_blob_cursor_init(&at, cursor->path[height], cursor->scratch);
    assert(index < cursor->entries[height]);
    enum art_rc rc = art_blob_seek_entry(&at, index);
    if (!rc) rc = art_blob_cursor_ref(&at, out);
    assert(rc || out->height + 1u == height);
    return rc;
}

static enum art_rc child_ref(struct art_run_cursor *cursor, unsigned height, uint32_t index, struct art_ref *out) {
    enum art_rc rc = look_at_child(cursor, height, index, out);
    if (!rc) cursor->index[height] = index;
    return rc;
}

enum art_rc art_run_next_leaf(struct art_run_cursor *cursor, struct art_blob **out) {
    struct art_ref ref;
    assert(cursor->valid && !cursor->bottom);
    if (!cursor->top.height || cursor->index[1] + 1 >= cursor->entries[1]) return ART_OK;
    enum art_rc rc = look_at_child(cursor, 1, cursor->index[1] + 1, &ref);
    return rc ? rc : art_store_blob(cursor->store, &ref, out);
}

static bool passes_over(const struct art_run_cursor *cursor) {
    return cursor->newer_than || cursor->limits;
}

static bool chooses_rows(const struct art_run_cursor *cursor) {
    return cursor->limits && cursor->limits->choose;
}

/* May whole leaves be left out? */
static bool passes_over_leaves(const struct art_run_cursor *cursor) {
    return cursor->newer_than || (cursor->limits && (cursor->limits->count || cursor->limits->query_count));
}

static bool is_wanted_child(const struct art_run_cursor *cursor, const struct art_ref *ref) {
    struct art_summed summed;
    const struct art_limits *limits = cursor->limits;
    if (cursor->newer_than && ref->csn_max <= cursor->newer_than) return false;
    if (cursor->shadows_nothing && art_ref_has_only_deletes(ref)) return false;
    if (!limits || !limits->count) return true;
    art_summed_decode(ref->has, ref->summed, &summed);
    for (unsigned i = 0; i < limits->count; i++) {
        if (!art_zone_may_have(&summed.zone[limits->limit[i].column], &limits->limit[i])) return false;
    }
    return true;
}

/* A cursor for the children of the blob at `height`, on the first one from `index` on that bounds leave in. */
static enum art_rc look_from(struct art_run_cursor *cursor, unsigned height, uint32_t index,
                             struct art_blob_cursor *out) {
    assert(index < cursor->entries[height]);
    art_blob_cursor_init(out, cursor->path[height], cursor->scratch);
    out->newer_than = cursor->newer_than;
    enum art_rc rc = art_blob_cursor_limit(out, cursor->limits);
    return rc ? rc : art_blob_seek_entry(out, index);
}

/* Do all keys with the child's label lie behind the walk's end? */
static bool is_behind(const struct art_run_cursor *cursor, const struct art_ref *ref, bool backward) {
    int c = cursor->stop ? art_label_compare(ref->label, *cursor->stop) : 0;
    return backward ? c > 0 : c < 0;
}

/* The child under the cursor, or the next one that is wanted. */
static enum art_rc next_wanted(struct art_run_cursor *cursor, struct art_blob_cursor *at, bool backward,
                               struct art_ref *out) {
    enum art_rc rc = ART_OK;
    while (!rc && at->valid) {
        rc = art_blob_cursor_ref(at, out);
        if (!rc && is_behind(cursor, out, backward)) at->valid = false;
        if (rc || !at->valid || is_wanted_child(cursor, out)) return rc;
        rc = backward ? art_blob_prev(at) : art_blob_next(at);
    }
    return rc;
}

/* Leaves that are asked together, so that their memory is waited for together: one first, then twice as many. */
struct probe {
    struct art_blob *leaf[ART_LIMIT_MOST(probes)];
    uint32_t index[ART_LIMIT_MOST(probes)], count;
};

static enum art_rc fill_probe(struct art_run_cursor *cursor, struct art_blob_cursor *at, bool backward, uint32_t most,
                              struct probe *out) {
    assert(most && most <= ART_LIMIT(probes));
    struct art_ref ref;
    struct art_blob *leaf;
    out->count = 0;
    while (out->count < most) {
        enum art_rc rc = next_wanted(cursor, at, backward, &ref);
        if (rc || !at->valid) return rc;
        rc = art_store_blob(cursor->store, &ref, &leaf);
        if (rc) return rc;
        out->leaf[out->count] = leaf;
        out->index[out->count++] = art_blob_cursor_index(at);
        rc = backward ? art_blob_prev(at) : art_blob_next(at);
        if (rc) return rc;
    }
    return ART_OK;
}

/* The first leaf from `index` on whose footer says that it may have what is sought. More are asked at a time the longer
 * nothing is found. */
static enum art_rc find_leaf(struct art_run_cursor *cursor, uint32_t index, bool backward, struct art_ref *out,
                             bool *found) {
    assert(cursor->limits && cursor->path[1]);
    struct art_blob_cursor at;
    struct probe probe;
    uint32_t most = 1;
    *found = false;
    enum art_rc rc = look_from(cursor, 1, index, &at);
    while (!rc && at.valid && !*found) {
        rc = fill_probe(cursor, &at, backward, most, &probe);
        uint32_t first = 0;
        if (!rc) rc = art_blobs_first_with_terms(probe.leaf, probe.count, cursor->limits, &first);
        if (rc) break;
        static const struct art_units none;
        for (uint32_t i = 0; i < first; i++) note_passed(cursor, probe.leaf[i], &none);
        *found = first < probe.count;
        if (*found) index = probe.index[first];
        art_store_relax(cursor->store); /* else a search would keep all leaves that it has asked */
        if (most == ART_LIMIT(probes) && cursor->tree) rc = art_tree_interrupted(cursor->tree);
        most = art_min32(2 * most, ART_LIMIT(probes));
    }
    return rc || !*found ? rc : child_ref(cursor, 1, index, out);
}

/* The reference of child `index`, or of the next one in the walk's direction that may have something wanted. *found:
 * there is one. */
static enum art_rc wanted_child(struct art_run_cursor *cursor, unsigned height, uint32_t index, bool backward,
                                struct art_ref *out, bool *found) {
    assert(height > cursor->bottom);
    *found = true;
    if (!passes_over(cursor)) return child_ref(cursor, height, index, out);
    if (height == 1 && cursor->limits && cursor->limits->query_count)
        return find_leaf(cursor, index, backward, out, found);
    struct art_blob_cursor at;
    enum art_rc rc = look_from(cursor, height, index, &at);
    if (!rc) rc = next_wanted(cursor, &at, backward, out);
    *found = at.valid;
    return rc || !at.valid ? rc : child_ref(cursor, height, art_blob_cursor_index(&at), out);
}

/* Before the step to leaf `index`: asks for this one and the next ones, more of them the longer the walk goes on, each
 * once. What cannot be read shows when its turn comes. */
static void read_ahead(struct art_run_cursor *cursor, uint32_t index, bool backward) {
    assert(index < cursor->entries[1] && cursor->bottom == 0);
    struct art_ref refs[ART_WINDOW_BLOBS_MAX];
    uint32_t left = backward ? index + 1 : cursor->entries[1] - index, n = 0;
    uint32_t window = cursor->leaf.window = art_window_widen(cursor->leaf.window);
    if (window <= ART_LIMIT(window_pages)) return; /* one step is not a walk yet */
    uint32_t wanted = art_min32(window / ART_LIMIT(window_pages), left), asked = cursor->ahead;
    assert(wanted <= sizeof refs / sizeof *refs);
    for (; asked + n < wanted; n++) {
        ART_AT(ART_EVENT_AHEAD);
        if (look_at_child(cursor, 1, backward ? index - asked - n : index + asked + n, &refs[n])) break;
    }
    if (n) asked += art_store_readahead_start(cursor->store, cursor, refs, n);
    cursor->ahead = asked ? asked - 1 : 0;
}

/* Where references form a knot, a walk that passes over all leaves would go on and on. A run has no more index blobs
 * than its file has slots. */
static enum art_rc count_entered(struct art_run_cursor *cursor, uint32_t slot) {
    uint32_t slots;
    if (++cursor->entered % ART_LIMIT(ask_blobs)) return ART_OK;
    enum art_rc rc = cursor->tree ? art_tree_interrupted(cursor->tree) : ART_OK;
    if (!rc) rc = art_store_slots(cursor->store, &slots);
    if (rc || cursor->entered <= slots) return rc;
    return art_corrupt(cursor->path[cursor->top.height]->file, slot, ART_NOWHERE, "two references lead to one slot");
}

/* From `height`, whose reference is `ref`, down to the first or last entry below that may be wanted. *end: where the
 * way ends, the bottom's height if all goes well; else nothing below the child at that height is wanted. */
static enum art_rc descend_edge(struct art_run_cursor *cursor, unsigned height, struct art_ref ref, bool last,
                                unsigned *end) {
    assert(height >= cursor->bottom);
    enum art_rc rc = enter(cursor, height, &ref);
    *end = height;
    for (; !rc && height > cursor->bottom; *end = --height) {
        bool found = false;
        rc = count_entered(cursor, ref.slot);
        if (!rc) rc = wanted_child(cursor, height, last ? cursor->entries[height] - 1 : 0, last, &ref, &found);
        if (rc || !found) return rc;
        rc = enter(cursor, height - 1, &ref);
    }
    if (!rc) rc = last ? art_blob_last(&cursor->leaf) : art_blob_first(&cursor->leaf);
    cursor->valid = !rc && cursor->leaf.valid;
    return rc;
}

/* To the neighbouring child in the lowest blob on the path, from `height` up, that has one. */
static enum art_rc step_up_from(struct art_run_cursor *cursor, unsigned height, bool backward) {
    assert(height > cursor->bottom);
    cursor->valid = false;
    for (bool in_vain = false; height <= cursor->top.height; in_vain = true) {
        uint32_t index = cursor->index[height];
        bool found = backward ? index > 0 : index + 1 < cursor->entries[height];
        struct art_ref ref = {0};
        enum art_rc rc = ART_OK;
        index = backward ? index - 1 : index + 1;
        if (found && height == 1 && !passes_over_leaves(cursor)) read_ahead(cursor, index, backward);
        if (chooses_rows(cursor)) art_store_relax(cursor->store);
        if (chooses_rows(cursor) && in_vain) /* there may be nothing wanted in any leaf */
            rc = art_tree_interrupted(cursor->tree);
        if (!rc && found) rc = wanted_child(cursor, height, index, backward, &ref, &found);
        if (!rc && found) rc = descend_edge(cursor, height - 1, ref, backward, &height);
        if (rc || cursor->valid) return rc;
        height++;
    }
    return ART_OK;
}

static enum art_rc step_up(struct art_run_cursor *cursor, bool backward) {
    return step_up_from(cursor, cursor->bottom + 1, backward);
}

/* From the last entry of a blob, or backward the first one, into a neighbour. */
static enum art_rc step_across(struct art_run_cursor *cursor, bool backward) {
    struct art_bytes key = art_run_key(cursor);
    enum art_rc rc = art_buffer_set(&cursor->left, key.data, key.len);
    if (!rc) rc = step_up(cursor, backward);
    if (rc || !cursor->valid) return rc;
    int c = art_bytes_compare(art_run_key(cursor), art_buffer_bytes(&cursor->left));
    if (backward ? c < 0 : c > 0) return ART_OK;
    cursor->valid = false;
    const struct art_blob *leaf = cursor->leaf.blob;
    return art_corrupt(leaf->file, leaf->slot, ART_NOWHERE, "the blob's keys and its neighbour's are out of order");
}

static enum art_rc go_to_edge(struct art_run_cursor *cursor, bool last) {
    unsigned end;
    cursor->valid = false;
    end_ahead(cursor);
    enum art_rc rc = descend_edge(cursor, cursor->top.height, cursor->top, last, &end);
    return rc || cursor->valid ? rc : step_up_from(cursor, end + 1, last);
}

enum art_rc art_run_first(struct art_run_cursor *cursor) {
    return go_to_edge(cursor, false);
}

enum art_rc art_run_last(struct art_run_cursor *cursor) {
    return go_to_edge(cursor, true);
}

enum art_rc art_run_seek_rank(struct art_run_cursor *cursor, int64_t rank) {
    struct art_ref ref = cursor->top;
    cursor->valid = false;
    end_ahead(cursor);
    for (;;) {
        unsigned height = ref.height;
        enum art_rc rc = enter(cursor, height, &ref);
        if (rc) return rc;
        if (height == cursor->bottom) break;
        struct art_blob_cursor at;
        art_blob_cursor_init(&at, cursor->path[height], cursor->scratch);
        rc = art_blob_seek_rank(&at, rank);
        if (rc || !at.valid) return rc;
        rank = (int64_t)((uint64_t)rank - (uint64_t)art_blob_cursor_rank(&at));
        rc = child_ref(cursor, height, art_blob_cursor_index(&at), &ref);
        if (rc) return rc;
    }
    enum art_rc rc = art_blob_seek_rank(&cursor->leaf, rank);
    cursor->valid = !rc && cursor->leaf.valid;
    return rc;
}

enum art_rc art_run_next(struct art_run_cursor *cursor) {
    assert(cursor->valid);
    enum art_rc rc = art_blob_next(&cursor->leaf);
    if (__builtin_expect(!rc && cursor->leaf.valid, 1)) return ART_OK;
    cursor->valid = false;
    return rc ? rc : step_across(cursor, false);
}

enum art_rc art_run_prev(struct art_run_cursor *cursor) {
    assert(cursor->valid);
    enum art_rc rc = art_blob_prev(&cursor->leaf);
    if (__builtin_expect(!rc && cursor->leaf.valid, 1)) return ART_OK;
    cursor->valid = false;
    return rc ? rc : step_across(cursor, true);
}

/* Down to the bottom blob whose range holds `key`. *side: where the key stands to that blob's label. */
static enum art_rc route(struct art_run_cursor *cursor, struct art_bytes key, int *side) {
    struct art_ref ref = cursor->top;
    unsigned height = ref.height;
    assert(!cursor->valid);
    end_ahead(cursor);
    for (;;) {
        *side = art_label_compare(ref.label, key);
        enum art_rc rc = enter(cursor, height, &ref);
        if (rc || height == cursor->bottom) return rc;
        if (*side == 0) {
            rc = art_blob_child_number(cursor->path[height], key, &ref, &cursor->index[height]);
        } else {
            rc = child_ref(cursor, height, *side < 0 ? 0 : cursor->entries[height] - 1, &ref);
        }
        if (rc) return rc;
        height--;
    }
}

/* To the first key not before `key`; backward, the last one not behind it. */
static enum art_rc seek_key(struct art_run_cursor *cursor, struct art_bytes key, bool backward) {
    ART_INSTEAD(seek, cursor, backward);
    struct art_blob_cursor *leaf = &cursor->leaf;
    cursor->valid = false;
    int side;
    enum art_rc rc = route(cursor, key, &side);
    if (rc) return rc;
    if (backward ? side < 0 : side > 0) return step_up(cursor, backward);
    if (side)
        rc = backward ? art_blob_last(leaf) : art_blob_first(leaf);
    else
        rc = backward ? art_blob_seek_le(leaf, key) : art_blob_seek_ge(leaf, key);
    if (rc) return rc;
    cursor->valid = leaf->valid;
    return cursor->valid ? ART_OK : step_up(cursor, backward);
}

enum art_rc art_run_seek_ge(struct art_run_cursor *cursor, struct art_bytes key) {
    return seek_key(cursor, key, false);
}

enum art_rc art_run_seek_le(struct art_run_cursor *cursor, struct art_bytes key) {
    return seek_key(cursor, key, true);
}

/* Where a blob's keys are in no order, which nobody looks at, the present one may be shorter. */
enum art_rc art_run_skip(struct art_run_cursor *cursor, uint32_t len, struct art_bytes behind) {
    assert(cursor->valid);
    bool done;
    if (cursor->leaf.key_len < len) return art_run_seek_ge(cursor, behind);
    enum art_rc rc = art_blob_skip_near(&cursor->leaf, len, behind, &done);
    if (rc) cursor->valid = false;
    return rc || done ? rc : art_run_seek_ge(cursor, behind);
}
