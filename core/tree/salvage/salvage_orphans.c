/* Leaves that no index names: below a damaged index blob, or where there is no root at all.
 *
 *   catalog    every slot that no readable index names, whose last page verifies by its own hash as that of a leaf
 *              of this table; sorted by the beginnings of their first keys
 *   group      those of them that may have keys in one damaged range: each is walked when the order comes to it, and of
 *              entries of one key the newest wins
 *
 *     catalog   [a ... f]   [c ... h]                [k ... m]
 *     group, at 'd':  two leaves are active; the third waits
 *
 * Superseded leaves are among them, as long as their slots were not used again. */
#include "core/tree/salvage/private.h"

#include <stdlib.h>

static uint8_t cut_key(struct art_bytes key, uint8_t out[ART_CATALOG_KEY_BYTES]) {
    uint32_t n = art_min32(key.len, ART_CATALOG_KEY_BYTES);
    if (n) memcpy(out, key.data, n);
    return (uint8_t)n;
}

static struct art_bytes low_of(const struct art_orphan_leaf *orphan) {
    return art_bytes(orphan->low, orphan->low_len);
}

/* Does all that the leaf may have stand before the key? */
static bool ends_before(const struct art_orphan_leaf *orphan, struct art_bytes key) {
    if (!orphan->high_known) return false;
    struct art_bytes high = art_bytes(orphan->high, orphan->high_len);
    if (orphan->high_cut && art_bytes_starts_with(key, high)) return false;
    return art_bytes_compare(high, key) < 0;
}

/* --- the catalog -------------------------------------------------------------------------------------------------- */

/* The keys in the first and the last bucket, if they can be read. */
static enum art_rc look_at_ends(struct art_salvage *salvage, const struct art_ref *ref, struct art_orphan_leaf *out) {
    struct art_image *image;
    struct art_blob_cursor cursor;
    enum art_rc rc = art_image_get(salvage, ref, &image);
    if (rc) return rc;
    uint32_t label = image->blob.label_len;
    assert(image->blob.kind == ART_BLOB_LEAF);
    art_blob_cursor_init(&cursor, &image->blob, salvage->scratch);
    rc = art_blob_first(&cursor);
    if (!rc) {
        memcpy(salvage->scratch, cursor.view.prefix, label);
        out->low_len = cut_key(art_bytes(salvage->scratch, cursor.key_len), out->low);
    }
    if (rc && !art_is_damage(rc)) return rc;
    rc = art_blob_last(&cursor);
    if (!rc) {
        memcpy(salvage->scratch, cursor.view.prefix, label);
        out->high_len = cut_key(art_bytes(salvage->scratch, cursor.key_len), out->high);
        out->high_cut = cursor.key_len > ART_CATALOG_KEY_BYTES;
        out->high_known = true;
    }
    return art_is_damage(rc) ? ART_OK : rc;
}

static enum art_rc add_orphan_leaf(struct art_salvage *salvage, const struct art_ref *ref) {
    enum art_rc rc =
        art_grow(&salvage->orphan, &salvage->orphan_capacity, salvage->orphans + 1, sizeof *salvage->orphan);
    if (rc) return rc;
    struct art_orphan_leaf *orphan = &salvage->orphan[salvage->orphans];
    *orphan = (struct art_orphan_leaf){.slot = ref->slot, .generation = ref->generation};
    salvage->singly = true;
    rc = look_at_ends(salvage, ref, orphan);
    salvage->singly = false;
    if (!rc) salvage->orphans++;
    return rc;
}

/* *blank: nothing was ever there. */
static enum art_rc look_at_slot(struct art_salvage *salvage, uint32_t slot, bool *blank) {
    struct art_ref ref;
    uint8_t uuid[ART_UUID_BYTES];
    *blank = false;
    enum art_rc rc = art_image_own_ref(salvage, slot, &ref, uuid);
    if (rc == ART_NOTFOUND) {
        *blank = true;
        return ART_OK;
    }
    if (!rc && memcmp(uuid, salvage->uuid, sizeof uuid) != 0) return ART_OK;
    if (!rc && ref.height) return ART_OK;
    if (!rc) rc = add_orphan_leaf(salvage, &ref);
    if (!art_is_damage(rc)) return rc;
    if (salvage->root) return ART_OK; /* free, or reported where its place is */
    struct art_fault fault = art_error_fault();
    return art_lost_everywhere(salvage, salvage->place, slot, fault.page, "rows may be missing: %s", fault.what);
}

static int compare_orphans(const void *a, const void *b) {
    const struct art_orphan_leaf *first = a, *second = b;
    int c = art_bytes_compare(low_of(first), low_of(second));
    return c ? c : first->slot < second->slot ? -1 : first->slot > second->slot;
}

enum art_rc art_catalog_make(struct art_salvage *salvage) {
    uint32_t blanks = 0;
    enum art_rc rc = ART_OK;
    if (salvage->catalogued) return ART_OK;
    salvage->orphans = 0; /* of a try that failed */
    art_slot_set_clear(&salvage->named);
    for (unsigned i = 0; !rc && salvage->root && i < salvage->root->runs; i++) {
        rc = art_detour_named(salvage, &salvage->root->run[i].top, &salvage->named, NULL);
    }
    if (!rc) rc = art_superseded_name(salvage);
    for (uint32_t slot = 1; !rc && slot < salvage->slots && blanks < ART_BLANK_SLOTS_MAX; slot++) {
        bool blank = false;
        if (art_slot_set_has(&salvage->named, slot)) continue;
        rc = look_at_slot(salvage, slot, &blank);
        blanks = blank ? blanks + 1 : 0;
    }
    if (rc) return rc;
    assert(salvage->orphans <= salvage->slots);
    if (salvage->orphans) qsort(salvage->orphan, salvage->orphans, sizeof *salvage->orphan, compare_orphans);
    salvage->catalogued = true;
    return ART_OK;
}

static enum art_rc own_ref_again(struct art_salvage *salvage, const struct art_orphan_leaf *orphan,
                                 struct art_ref *ref) {
    uint8_t uuid[ART_UUID_BYTES];
    enum art_rc rc = art_image_own_ref(salvage, orphan->slot, ref, uuid);
    if (rc == ART_NOTFOUND || (!rc && (ref->height || memcmp(uuid, salvage->uuid, sizeof uuid) != 0))) {
        rc = art_corrupt(salvage->place, orphan->slot, ART_NOWHERE, "the blob has changed while it was read");
    }
    return rc;
}

/* --- groups ------------------------------------------------------------------------------------------------------- */

enum art_rc art_orphans_fill(struct art_salvage *salvage, const struct art_bytes *low, const struct art_bytes *high,
                             uint64_t generation, const char *effect) {
    enum art_rc rc = art_catalog_make(salvage);
    if (rc || !salvage->orphans) return rc;
    assert(!low || !high || art_bytes_compare(*low, *high) < 0);
    struct art_group *group = art_alloc_zeroed(sizeof *group);
    if (!group) return art_nomem();
    group->generation = generation;
    group->effect = effect;
    group->low_set = low != NULL;
    group->high_set = high != NULL;
    if (low) rc = art_buffer_append(&group->low, low->data, low->len);
    if (!rc && high) rc = art_buffer_append(&group->high, high->data, high->len);
    group->next = salvage->groups;
    salvage->groups = group;
    return rc ? rc : art_group_next(salvage, group, NULL);
}

static bool is_within(const struct art_group *group, const struct art_orphan_leaf *orphan) {
    if (orphan->generation > group->generation) return false;
    return !group->low_set || !ends_before(orphan, art_buffer_bytes(&group->low));
}

static bool is_past(const struct art_group *group, struct art_bytes key) {
    return group->high_set && art_bytes_compare(key, art_buffer_bytes(&group->high)) >= 0;
}

static void drop_active(struct art_group *group, unsigned i) {
    assert(i < group->count);
    art_detour_close(group->active[i]);
    group->active[i] = group->active[--group->count];
}

/* Not where the group's range has not begun, nor what was deleted with all of a range (state/cuts.h). */
static bool is_passed_over(const struct art_group *group, const struct art_detour *walk) {
    if (group->low_set && art_bytes_compare(walk->key, art_buffer_bytes(&group->low)) <= 0) return true;
    const struct art_root *root = walk->salvage->root;
    return root && art_cuts_have(&root->cuts, walk->key, walk->generation);
}

/* The leaf's next key in the group's range; false: there is none. */
static enum art_rc step_active(struct art_group *group, struct art_detour *walk, bool *more) {
    enum art_rc rc;
    do {
        rc = art_detour_next(walk);
    } while (!rc && walk->valid && is_passed_over(group, walk));
    *more = !rc && walk->valid && !is_past(group, walk->key);
    return rc;
}

static enum art_rc activate(struct art_salvage *salvage, struct art_group *group,
                            const struct art_orphan_leaf *orphan) {
    struct art_detour *walk;
    struct art_ref ref;
    bool more = false;
    if (group->count == ART_SALVAGE_ACTIVE) {
        bool first = !group->crowded;
        group->crowded = true;
        return first ? art_lost_everywhere(salvage, salvage->place, orphan->slot, ART_NOWHERE,
                                           "rows may be missing: too many blobs lie beside each other")
                     : ART_OK;
    }
    enum art_rc rc = own_ref_again(salvage, orphan, &ref);
    if (!rc) rc = art_detour_open(salvage, &ref, group->effect, &walk);
    if (rc) return art_is_damage(rc) ? ART_OK : rc;
    assert(group->count < ART_SALVAGE_ACTIVE && !walk->top);
    walk->alone = true;
    rc = step_active(group, walk, &more);
    if (more) {
        group->active[group->count++] = walk;
    } else {
        art_detour_close(walk);
    }
    return rc;
}

static bool is_newer(const struct art_detour *a, const struct art_detour *b) {
    return a->csn != b->csn ? a->csn > b->csn : a->generation > b->generation;
}

static void choose_active(struct art_group *group) {
    struct art_detour *best = NULL;
    for (unsigned i = 0; i < group->count; i++) {
        struct art_detour *walk = group->active[i];
        int c = best ? art_bytes_compare(walk->key, best->key) : -1;
        if (c < 0 || (c == 0 && is_newer(walk, best))) best = walk;
    }
    group->winner = best;
}

/* A blob that may have a key before the first known one joins. */
static enum art_rc let_in(struct art_salvage *salvage, struct art_group *group) {
    enum art_rc rc = ART_OK;
    choose_active(group);
    while (!rc && group->at < salvage->orphans) {
        const struct art_orphan_leaf *orphan = &salvage->orphan[group->at];
        struct art_bytes low = low_of(orphan);
        if (group->winner && art_bytes_compare(low, group->winner->key) > 0) break;
        if (is_past(group, low)) break;
        group->at++;
        if (!is_within(group, orphan)) continue;
        rc = activate(salvage, group, orphan);
        choose_active(group);
    }
    return rc;
}

enum art_rc art_group_next(struct art_salvage *salvage, struct art_group *group, const struct art_bytes *key) {
    for (unsigned i = 0; key && i < group->count;) {
        bool more = true;
        int c = art_bytes_compare(group->active[i]->key, *key);
        enum art_rc rc = c <= 0 ? step_active(group, group->active[i], &more) : ART_OK;
        if (rc) return rc;
        if (!more) {
            drop_active(group, i);
        } else if (c > 0 || art_bytes_compare(group->active[i]->key, *key) > 0) {
            i++;
        }
    }
    return let_in(salvage, group);
}

void art_groups_clear(struct art_salvage *salvage) {
    while (salvage->groups) {
        struct art_group *group = salvage->groups;
        salvage->groups = group->next;
        while (group->count) drop_active(group, group->count - 1);
        art_buffer_clear(&group->low);
        art_buffer_clear(&group->high);
        art_free(group);
    }
}

/* --- one key ------------------------------------------------------------------------------------------------------ */

/* By the first bucket that can be read. */
static bool has_label(struct art_image *image, uint8_t *scratch, struct art_bytes key) {
    struct art_blob_cursor cursor;
    art_blob_cursor_init(&cursor, &image->blob, scratch);
    for (uint32_t bucket = 0; bucket < image->blob.buckets; bucket++) {
        if (art_blob_cursor_set(&cursor, bucket, 0)) continue;
        return !art_label_compare(art_bytes(cursor.view.prefix, image->blob.label_len), key);
    }
    return false;
}

static enum art_rc find_in(struct art_salvage *salvage, const struct art_orphan_leaf *orphan, struct art_bytes key,
                           struct art_entry *out) {
    struct art_image *image;
    struct art_ref ref;
    enum art_rc rc = own_ref_again(salvage, orphan, &ref);
    if (!rc) rc = art_image_get(salvage, &ref, &image);
    if (!rc) rc = has_label(image, salvage->scratch, key) ? art_blob_get(&image->blob, key, out) : ART_NOTFOUND;
    return rc;
}

enum art_rc art_orphans_find(struct art_salvage *salvage, struct art_bytes key, struct art_entry *out) {
    if (!salvage->catalogued) return ART_NOTFOUND;
    for (uint32_t i = 0; i < salvage->orphans; i++) {
        const struct art_orphan_leaf *orphan = &salvage->orphan[i];
        if (art_bytes_compare(low_of(orphan), key) > 0) break;
        if (ends_before(orphan, key)) continue;
        enum art_rc rc = find_in(salvage, orphan, key, out);
        if (!rc && !(out->flags & ART_DELETE)) return ART_OK;
        if (rc && rc != ART_NOTFOUND && !art_is_damage(rc)) return rc;
    }
    return ART_NOTFOUND;
}
