/* Leaves that a snapshot names are no orphans of a later state, where it is known that this has superseded them.
 *
 *     snapshot 1     A  B  C
 *     snapshot 2     A  D  C          B was superseded before snapshot 2: whatever came later has not named it again
 *     the table      A  ?  ?          below a damaged index blob: C may be there, D may be there, B is not
 *
 * So the newest snapshot before the state that is read says which leaves of all older ones may still be part of it. Its
 * own leaves stay: which of them the table has left behind, only the damaged index blob has known. If it cannot be read
 * itself, nothing is known.
 */
#include "core/tree/salvage/private.h"

struct superseded {
    struct art_salvage *salvage;
    struct art_root *newest; /* before the state that is read */
    struct art_slot_set kept, older;
};

/* NULL: it does not decode. */
static enum art_rc decode_snapshot(struct art_bytes bytes, struct art_root **out) {
    *out = NULL;
    enum art_rc rc = art_root_decode(bytes, out);
    return rc == ART_NOMEM ? rc : ART_OK;
}

static enum art_rc find_newest(void *context, const char *name, struct art_bytes bytes) {
    struct superseded *all = context;
    const struct art_root *now = all->salvage->root;
    struct art_root *root;
    (void)name;
    enum art_rc rc = decode_snapshot(bytes, &root);
    if (rc || !root) return rc;
    bool before = !now || root->generation < now->generation;
    bool newer = before && (!all->newest || root->generation > all->newest->generation);
    if (newer) {
        art_root_unref(all->newest);
        all->newest = root;
    } else {
        art_root_unref(root);
    }
    return ART_OK;
}

static enum art_rc name_slots(struct art_salvage *salvage, const struct art_root *root, struct art_slot_set *named,
                              bool *damaged) {
    enum art_rc rc = ART_OK;
    for (unsigned i = 0; !rc && i < root->runs; i++)
        rc = art_detour_named(salvage, &root->run[i].top, named, damaged);
    return rc;
}

static enum art_rc name_older(void *context, const char *name, struct art_bytes bytes) {
    struct superseded *all = context;
    struct art_root *root;
    (void)name;
    enum art_rc rc = decode_snapshot(bytes, &root);
    if (rc || !root) return rc;
    if (root->generation < all->newest->generation) rc = name_slots(all->salvage, root, &all->older, NULL);
    art_root_unref(root);
    return rc;
}

enum art_rc art_superseded_name(struct art_salvage *salvage) {
    const struct art_salvage_options *options = &salvage->options;
    struct superseded all = {.salvage = salvage};
    bool damaged = false;
    if (!options->each_snapshot) return ART_OK;
    enum art_rc rc = options->each_snapshot(options->context, find_newest, &all);
    if (!rc && all.newest) rc = name_slots(salvage, all.newest, &all.kept, &damaged);
    bool known = !rc && all.newest && !damaged;
    if (known) rc = options->each_snapshot(options->context, name_older, &all);
    for (uint32_t slot = art_slot_set_next(&all.older, 0); !rc && slot != UINT32_MAX;
         slot = art_slot_set_next(&all.older, slot + 1)) {
        if (!art_slot_set_has(&all.kept, slot)) rc = art_slot_set_add(&salvage->named, slot);
    }
    art_root_unref(all.newest);
    art_slot_set_clear(&all.kept);
    art_slot_set_clear(&all.older);
    return rc;
}
