/* Snapshots under the check: their runs, and the slots that are held for them.
 *
 *     snapshot a   root ---> blobs ---+
 *     snapshot b   root ---> blobs ---+---> slots that they name   ==   held     nobody writes there
 *                                           of snapshots that were dropped:  let go     nor there, until the next root
 *
 * What is named and not held, a commit may write over; what is held and not named says that a snapshot's row is gone.
 * What was let go may be held again, by a snapshot of the same root: held counts. Whatever it says, the next root only
 * retires what nobody names.
 */
#include "core/tree/check/check.h"
#include "core/tree/history.h"

#include <assert.h>

static const char *const the_state = "the state table";

#define SAY(...) art_check_say(checker, the_state, ART_NOWHERE, ART_NOWHERE, __VA_ARGS__)

/* --- their runs --------------------------------------------------------------------------------------------------- */

static enum art_rc check_snapshots_root(struct art_checker *checker, const struct art_root *root) {
    assert(checker->snapshot);
    if (root->csn > checker->csn || root->generation > checker->root->generation) {
        checker->torn = true;
        return SAY("its root is newer than the table's");
    }
    enum art_rc rc = ART_OK;
    for (unsigned i = 0; !rc && i < root->runs; i++) rc = art_check_run(checker, root, i);
    return rc;
}

static enum art_rc check_snapshot(void *context, const char *name, struct art_bytes bytes) {
    struct art_checker *checker = context;
    struct art_root *root = NULL;
    assert(!checker->snapshot);
    checker->snapshot = name;
    enum art_rc rc = art_root_decode(bytes, &root);
    checker->torn |= rc != ART_OK;
    rc = rc ? art_check_note(checker, rc) : check_snapshots_root(checker, root);
    art_root_unref(root);
    checker->snapshot = NULL;
    return rc;
}

/* --- slots -------------------------------------------------------------------------------------------------------- */

/* Members of `set` that are not in the other one; *first: the lowest. */
static uint32_t count_others(const struct art_slot_set *set, const struct art_slot_set *other, uint32_t *first) {
    uint32_t count = 0;
    *first = ART_NOWHERE;
    for (uint32_t slot = art_slot_set_next(set, 0); slot != UINT32_MAX; slot = art_slot_set_next(set, slot + 1)) {
        if (art_slot_set_has(other, slot)) continue;
        if (!count++) *first = slot;
    }
    return count;
}

static enum art_rc say_of_slots(struct art_checker *checker, uint32_t count, uint32_t first, const char *what) {
    if (!count) return ART_OK;
    return art_check_say(checker, the_state, first, ART_NOWHERE, "%u slot%s %s", count, count == 1 ? "" : "s", what);
}

static enum art_rc read_held(struct art_checker *checker, struct art_slot_set *held) {
    struct art_held_rows rows = {0};
    uint32_t last = 0;
    uint64_t let_go;
    enum art_rc rc = art_held_rows_load(checker->tree, &rows);
    bool there = !rc && (rows.held.len || rows.let_go.len);
    if (!rc) rc = art_slots_decode(art_buffer_bytes(&rows.held), checker->end, held, &last);
    if (!rc) rc = art_slots_number(art_buffer_bytes(&rows.let_go), &let_go);
    art_held_rows_clear(&rows);
    if (rc) return rc;
    if (there != checker->root->held) return art_held_disagree(there);
    if (last < checker->end || !last) return ART_OK;
    return art_corrupt(the_state, last, ART_NOWHERE, "a slot is held for a snapshot, and the file ends before it");
}

/* Against what the roots of snapshots name. */
static enum art_rc compare_with_named(struct art_checker *checker, const struct art_slot_set *held) {
    uint32_t first, count;
    count = count_others(&checker->named, held, &first);
    enum art_rc rc =
        say_of_slots(checker, count, first, "of snapshots not held for them, so that the next commit may write there");
    if (rc || checker->torn) return rc;
    count = count_others(held, &checker->named, &first);
    return say_of_slots(checker, count, first, "held for snapshots that are not there");
}

/* Behind a refused COMMIT the set is of a root that has not come. */
enum art_rc art_check_snapshots(struct art_checker *checker) {
    struct art_tree *tree = checker->tree;
    const struct art_host *host = &tree->host;
    struct art_slot_set held = {0};
    if (!host->each_snapshot || tree->txn.handed_over >= ART_COMMIT_ROOT) return ART_OK;
    enum art_rc rc = host->each_snapshot(host->context, check_snapshot, checker);
    checker->torn |= rc != ART_OK;
    rc = art_check_note(checker, rc);
    if (rc) return rc;
    rc = read_held(checker, &held);
    rc = rc ? art_check_note(checker, rc) : compare_with_named(checker, &held);
    art_slot_set_clear(&held);
    return rc;
}

#undef SAY
