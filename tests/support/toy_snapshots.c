#include "tests/support/toy_snapshots.h"

#include <check.h>

#include "core/tree/run/run.h"
#include "tests/support/must.h"
#include "tests/support/tree_world.h"

struct toy_state {
    unsigned references;
    struct model model;
};

static void state_unref(struct toy_state *state) {
    if (!state || --state->references) return;
    model_clear(&state->model);
    free(state);
}

static void buffer_set(struct art_buffer *to, const struct art_buffer *from) {
    to->len = 0;
    must(art_buffer_append(to, from->data, from->len));
}

static void item_clear(struct toy_snapshot *item) {
    art_buffer_clear(&item->root);
    art_buffer_clear(&item->slots);
    state_unref(item->state);
    *item = (struct toy_snapshot){0};
}

void toy_snapshots_clear(struct toy_snapshots *snapshots) {
    for (unsigned i = 0; i < snapshots->count; i++) item_clear(&snapshots->item[i]);
    snapshots->count = 0;
    art_buffer_clear(&snapshots->held);
    art_buffer_clear(&snapshots->let_go);
}

void toy_snapshots_copy(const struct toy_snapshots *from, struct toy_snapshots *to) {
    toy_snapshots_clear(to);
    for (unsigned i = 0; i < from->count; i++) {
        const struct toy_snapshot *item = &from->item[i];
        struct toy_snapshot *copy = &to->item[to->count++];
        *copy = (struct toy_snapshot){.own = item->own, .csn = item->csn, .state = item->state};
        buffer_set(&copy->root, &item->root);
        buffer_set(&copy->slots, &item->slots);
        if (copy->state) copy->state->references++;
    }
    buffer_set(&to->held, &from->held);
    buffer_set(&to->let_go, &from->let_go);
}

int toy_snapshots_unite(const struct toy_snapshots *snapshots, bool own, struct art_buffer *out) {
    int rc = ART_OK;
    out->len = 0;
    for (unsigned i = 0; !rc && i < snapshots->count; i++)
        if (own || !snapshots->item[i].own) rc = art_slots_unite(out, art_buffer_bytes(&snapshots->item[i].slots));
    return rc;
}

void toy_snapshots_make(struct toy_snapshots *snapshots) {
    ck_assert_uint_lt(snapshots->count, TOY_SNAPSHOTS_MAX);
    snapshots->item[snapshots->count++] = (struct toy_snapshot){.own = true};
}

void toy_snapshots_drop(struct toy_snapshots *snapshots, unsigned at) {
    struct toy_snapshot dropped = snapshots->item[at];
    struct art_buffer only = {0};
    snapshots->item[at] = snapshots->item[--snapshots->count];
    snapshots->item[snapshots->count] = (struct toy_snapshot){0};
    must(toy_snapshots_unite(snapshots, false, &snapshots->held));
    must(art_slots_without(art_buffer_bytes(&dropped.slots), art_buffer_bytes(&snapshots->held), &only));
    if (!dropped.own) must(art_slots_unite(&snapshots->let_go, art_buffer_bytes(&only)));
    art_buffer_clear(&only);
    item_clear(&dropped);
}

bool toy_snapshots_any_own(const struct toy_snapshots *snapshots) {
    for (unsigned i = 0; i < snapshots->count; i++)
        if (snapshots->item[i].own) return true;
    return false;
}

int toy_snapshots_fill(struct toy_snapshots *snapshots, struct art_tree *tree, const struct model *model) {
    struct toy_state *state = calloc(1, sizeof *state);
    int rc = ART_OK;
    state->references = 1;
    model_copy(model, &state->model);
    for (unsigned i = 0; !rc && i < snapshots->count; i++) {
        struct toy_snapshot *item = &snapshots->item[i];
        if (!item->own) continue;
        rc = art_tree_snapshot(tree, &item->root, &item->slots, &item->csn);
        state_unref(item->state);
        item->state = state;
        state->references++;
    }
    state_unref(state);
    return rc ? rc : toy_snapshots_unite(snapshots, true, &snapshots->held);
}

void toy_snapshots_committed(struct toy_snapshots *snapshots) {
    for (unsigned i = 0; i < snapshots->count; i++) {
        ck_assert(snapshots->item[i].state);
        snapshots->item[i].own = false;
    }
}

/* --- what must hold ----------------------------------------------------------------------------------------------- */

static int check_one(const struct toy *toy, const struct toy_snapshot *snapshot, struct art_tree_options options,
                     struct random *random, int family, bool whole) {
    struct art_tree *tree;
    struct art_buffer walked = {0};
    struct toy *view = toy_view(toy, art_buffer_bytes(&snapshot->root));
    options.read_only = true;
    int rc = toy_open(view, &options, &tree);
    if (rc) {
        toy_free(view);
        return rc;
    }
    rc = toy_refresh(view, tree);
    if (!rc) rc = model_compare(random, tree, &snapshot->state->model, family);
    if (!rc && whole) rc = art_tree_check(tree);
    if (!rc) rc = art_tree_ready(tree);
    if (!rc) rc = art_slots_know(tree);
    if (!rc) {
        must(art_slots_encode(&tree->slots.used, &walked));
        ck_assert_msg(art_bytes_equal(art_buffer_bytes(&walked), art_buffer_bytes(&snapshot->slots)),
                      "a snapshot's set of slots is not what its root names");
        ck_assert_uint_eq(art_tree_csn(tree), snapshot->csn);
    }
    art_buffer_clear(&walked);
    art_tree_close(tree);
    toy_free(view);
    return rc;
}

static enum art_rc slot_is_nobodys(void *context, uint32_t slot) {
    ck_assert_msg(!art_slot_set_has(context, slot), "slot %u is retired and held, or let go", slot);
    return ART_OK;
}

static void check_sets(const struct toy *toy) {
    const struct toy_snapshots *snapshots = &toy->snapshots;
    struct art_buffer all = {0};
    struct art_slot_set set = {0};
    struct art_root *root;
    uint32_t highest;
    must(toy_snapshots_unite(snapshots, true, &all));
    for (unsigned i = 0; i < snapshots->count; i++) ck_assert(!snapshots->item[i].own);
    ck_assert_msg(art_bytes_equal(art_buffer_bytes(&all), art_buffer_bytes(&snapshots->held)),
                  "what is held is not the union of all snapshots");
    must(art_root_decode(art_bytes(toy->log.row[0].data, toy->log.row[0].len), &root));
    ck_assert_msg(root->held == (snapshots->held.len || snapshots->let_go.len),
                  "the root says that there are %s slots of snapshots", root->held ? "some" : "no");
    art_root_unref(root);
    must(art_slots_decode(art_buffer_bytes(&snapshots->held), UINT32_MAX, &set, &highest));
    must(art_slots_decode(art_buffer_bytes(&snapshots->let_go), UINT32_MAX, &set, &highest));
    must(art_retired_each(art_buffer_bytes(&toy->retired), slot_is_nobodys, &set));
    art_slot_set_clear(&set);
    art_buffer_clear(&all);
}

int toy_snapshots_check(const struct toy *toy, const struct art_tree_options *options, struct random *random,
                        int family, bool whole) {
    int rc = ART_OK;
    check_sets(toy);
    for (unsigned i = 0; !rc && i < toy->snapshots.count; i++)
        if (whole || random_once_in(random, 2))
            rc = check_one(toy, &toy->snapshots.item[i], *options, random, family, whole);
    return rc;
}
