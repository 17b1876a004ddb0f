/* A walk through the leaves of one run, in order, around what is damaged: a bucket, a leaf, an index blob with all
 * below it.
 *
 *     damage        what is skipped                      where the walk goes on
 *     a leaf page   its buckets                          the next bucket of the leaf
 *     a leaf footer the leaf                             the next child
 *     an index      all below; leaves are looked for     the next child of the index above
 *                   by their own footers
 *
 * What is skipped lies between the walk's last key before it and its first one behind: that range is reported
 * (salvage_lost.c). The walk holds no image: where the one that it stands in had to go, it is read again.
 *
 * A single leaf that no index names is walked in the same way; its label is what its buckets begin with. */
#include "core/tree/salvage/private.h"

static enum art_rc note(struct art_detour *walk, enum art_rc rc, uint32_t slot, bool index, uint64_t generation) {
    return art_is_damage(rc) ? art_damage_note(walk, slot, index, generation) : rc;
}

/* --- index blobs -------------------------------------------------------------------------------------------------- */

/* The child that the step is at. ART_NOTFOUND: there are no more. Damage: it is skipped, or the bucket that it is
 * in. */
static enum art_rc child_at_step(struct art_detour *walk, struct art_detour_step *step, struct art_ref *child) {
    struct art_salvage *salvage = walk->salvage;
    struct art_image *image;
    struct art_blob_cursor at;
    assert(step->ref.height && step->ref.height <= walk->top);
    enum art_rc rc = art_image_get(salvage, &step->ref, &image);
    if (rc) {
        step->bucket = UINT32_MAX;
        return rc;
    }
    if (step->bucket >= image->blob.buckets) return ART_NOTFOUND;
    art_blob_cursor_init(&at, &image->blob, salvage->scratch);
    rc = art_blob_cursor_set(&at, step->bucket, step->entry);
    if (rc || ++step->entry >= at.view.count) {
        step->bucket++;
        step->entry = 0;
    }
    return rc ? rc : art_blob_cursor_ref(&at, child);
}

static enum art_rc note_named(struct art_detour *walk, const struct art_ref *ref) {
    if (!walk->named || ref->slot >= walk->salvage->slots) return ART_OK;
    return art_slot_set_add(walk->named, ref->slot) ? art_nomem() : ART_OK;
}

/* Where references form a knot, a walk that goes by all of them would not end. */
static enum art_rc meet(struct art_detour *walk, const struct art_ref *ref) {
    if (ref->slot >= walk->salvage->slots) return ART_OK; /* nothing can be read there */
    if (art_slot_set_has(&walk->met, ref->slot))
        return art_corrupt(walk->salvage->place, ref->slot, ART_NOWHERE, "two references lead to one slot");
    return art_slot_set_add(&walk->met, ref->slot);
}

/* The next leaf's reference. ART_NOTFOUND: there is none. */
static enum art_rc next_leaf(struct art_detour *walk, struct art_ref *ref) {
    unsigned height = 1;
    while (height <= walk->top) {
        struct art_detour_step *step = &walk->step[height];
        struct art_ref child;
        if (step->bucket == UINT32_MAX) {
            height++;
            continue;
        }
        enum art_rc rc = child_at_step(walk, step, &child);
        if (!rc) rc = meet(walk, &child);
        if (rc == ART_NOTFOUND) {
            step->bucket = UINT32_MAX;
        } else if (rc) {
            rc = note(walk, rc, step->ref.slot, true, step->ref.generation);
            if (rc) return rc;
        } else {
            bool known = walk->named && height > 1 && art_slot_set_has(walk->named, child.slot);
            if (known) continue;
            rc = note_named(walk, &child);
            *ref = child;
            if (rc || height == 1) return rc;
            art_ref_leave(&child);
            walk->step[--height] = (struct art_detour_step){.ref = child};
        }
    }
    return ART_NOTFOUND;
}

/* --- leaves ------------------------------------------------------------------------------------------------------- */

static enum art_rc open_leaf(struct art_detour *walk, const struct art_ref *ref) {
    struct art_detour_leaf *leaf = &walk->leaf;
    assert(!ref->height && !leaf->open);
    enum art_rc rc = art_buffer_set(&leaf->label, ref->label.data, ref->label.data ? ref->label.len : 0);
    leaf->ref = *ref;
    art_ref_leave(&leaf->ref);
    leaf->serial = 0;
    leaf->bucket = UINT32_MAX;
    leaf->entry = leaf->count = 0;
    if (!rc) rc = art_image_get(walk->salvage, &leaf->ref, &leaf->image);
    leaf->open = !rc;
    return rc;
}

/* To the next entry that can be read, or the leaf's end. Damage: the rest of the bucket is skipped. */
static enum art_rc step_in_leaf(struct art_detour *walk) {
    struct art_detour_leaf *leaf = &walk->leaf;
    assert(leaf->open && !walk->valid);
    if (++leaf->entry >= leaf->count) {
        leaf->bucket++;
        leaf->entry = leaf->count = 0;
    }
    enum art_rc rc = ART_OK;
    bool here = leaf->serial && leaf->image->serial == leaf->serial;
    if (!here) rc = art_image_get(walk->salvage, &leaf->ref, &leaf->image);
    if (rc) {
        leaf->open = false;
        return rc;
    }
    if (leaf->bucket >= leaf->image->blob.buckets) {
        leaf->open = false;
        return ART_OK;
    }
    if (!here) art_blob_cursor_init(&leaf->cursor, &leaf->image->blob, walk->scratch);
    leaf->serial = leaf->image->serial;
    if (here && leaf->entry) {
        rc = art_blob_next(&leaf->cursor);
    } else {
        rc = art_blob_cursor_set(&leaf->cursor, leaf->bucket, leaf->entry);
    }
    leaf->count = rc ? 0 : leaf->cursor.view.count;
    if (rc) leaf->serial = 0;
    return rc;
}

/* The entry under the leaf's cursor becomes the walk's. Keys that do not ascend were made by nobody. */
static enum art_rc take_entry(struct art_detour *walk) {
    struct art_detour_leaf *leaf = &walk->leaf;
    uint32_t label = leaf->image->blob.label_len;
    assert(leaf->serial == leaf->image->serial && leaf->cursor.valid && (walk->alone || leaf->label.len == label));
    if (label) memcpy(walk->scratch, walk->alone ? leaf->cursor.view.prefix : leaf->label.data, label);
    struct art_bytes key = art_bytes(walk->scratch, leaf->cursor.key_len);
    if (walk->any && art_bytes_compare(key, art_buffer_bytes(&walk->last)) <= 0) {
        return art_corrupt(walk->salvage->place, leaf->ref.slot, ART_NOWHERE, "a key does not follow its predecessor");
    }
    struct art_entry entry;
    uint8_t room[ART_VALUE_INLINE_MAX];
    art_blob_cursor_entry(&leaf->cursor, &entry);
    struct art_bytes value = art_entry_plain(&entry, room);
    enum art_rc rc = art_buffer_set(&walk->value, value.data, value.len);
    walk->key = key;
    walk->csn = entry.csn;
    walk->flags = entry.flags & ART_ENTRY_FLAGS;
    walk->generation = leaf->ref.generation;
    walk->valid = !rc;
    return rc;
}

static enum art_rc within_leaf(struct art_detour *walk) {
    enum art_rc rc = ART_OK;
    while (!rc && walk->leaf.open) {
        rc = step_in_leaf(walk);
        if (!rc && walk->leaf.open) rc = take_entry(walk);
        if (walk->valid) return ART_OK;
        if (rc) rc = note(walk, rc, walk->leaf.ref.slot, false, 0);
    }
    return rc;
}

enum art_rc art_detour_next(struct art_detour *walk) {
    struct art_ref ref;
    enum art_rc rc = ART_OK;
    if (walk->valid) {
        rc = art_buffer_set(&walk->last, walk->key.data, walk->key.len);
        walk->any = true;
    }
    walk->valid = false;
    while (!rc) {
        rc = within_leaf(walk);
        if (rc || walk->valid) break;
        rc = next_leaf(walk, &ref);
        if (rc) break;
        rc = open_leaf(walk, &ref);
        if (rc) rc = note(walk, rc, ref.slot, false, 0);
    }
    if (rc && rc != ART_NOTFOUND) return rc;
    return art_damage_close(walk);
}

/* --- a walk ------------------------------------------------------------------------------------------------------- */

/* The top: an index blob to begin with, or the only leaf. */
static enum art_rc enter_top(struct art_detour *walk, const struct art_ref *top) {
    if (top->height >= ART_HEIGHTS_MAX) {
        enum art_rc rc = art_corrupt(walk->salvage->place, top->slot, ART_NOWHERE, "a run is deeper than %d levels",
                                     ART_HEIGHTS_MAX);
        return note(walk, rc, top->slot, true, top->generation);
    }
    walk->top = top->height;
    for (unsigned height = 1; height < top->height; height++) walk->step[height].bucket = UINT32_MAX;
    if (top->height) {
        walk->step[top->height] = (struct art_detour_step){.ref = *top};
        art_ref_leave(&walk->step[top->height].ref);
        return ART_OK;
    }
    enum art_rc rc = open_leaf(walk, top);
    return rc ? note(walk, rc, top->slot, false, 0) : ART_OK;
}

enum art_rc art_detour_open(struct art_salvage *salvage, const struct art_ref *top, const char *effect,
                            struct art_detour **out) {
    struct art_detour *walk = art_alloc_zeroed(sizeof *walk);
    if (!walk) return art_nomem();
    walk->salvage = salvage;
    walk->effect = effect;
    walk->damage.end = &walk->damage.first;
    walk->scratch = art_alloc(ART_KEY_BUFFER);
    enum art_rc rc = walk->scratch ? enter_top(walk, top) : art_nomem();
    if (rc) art_detour_close(walk);
    *out = rc ? NULL : walk;
    return rc;
}

void art_detour_close(struct art_detour *walk) {
    if (!walk) return;
    art_damage_forget(walk);
    art_slot_set_clear(&walk->met);
    art_buffer_clear(&walk->leaf.label);
    art_buffer_clear(&walk->last);
    art_buffer_clear(&walk->value);
    art_free(walk->scratch);
    art_free(walk);
}

enum art_rc art_detour_named(struct art_salvage *salvage, const struct art_ref *top, struct art_slot_set *named,
                             bool *damaged) {
    struct art_detour *walk = NULL;
    struct art_ref ref;
    if (art_slot_set_has(named, top->slot)) return ART_OK;
    enum art_rc rc = art_detour_open(salvage, top, NULL, &walk);
    if (rc || !walk) return rc;
    walk->named = named;
    rc = note_named(walk, top);
    while (!rc) rc = next_leaf(walk, &ref);
    if (damaged) *damaged |= walk->damage.open;
    art_detour_close(walk);
    return rc == ART_NOTFOUND ? ART_OK : rc;
}
