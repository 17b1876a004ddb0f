/* Snapshots under the check: their runs, and the slots that are held for them.
 *
 *     snapshot a   root ---> blobs ---+
 *     snapshot b   root ---> blobs ---+---> slots that they name   ==   held     nobody writes there
 *                                           of snapshots that were dropped:  let go     nor there, until the next root
 *
 * What is named and not held, a commit may write over; what is held and not named says that a snapshot's row is gone.
 */
#include "core/tree/check/check.h"

#include <assert.h>

static const char *const the_state = "the state table";

#define SAY(...) art_check_say(checker, the_state, ART_NOWHERE, ART_NOWHERE, __VA_ARGS__)

/* --- their runs --------------------------------------------------------------------------------------------------- */

static enum art_rc check_snapshots_root(struct art_checker *checker, const struct art_root *root) {
    assert(checker->snapshot);
    if (root->csn > checker->csn || root->generation > checker->root->generation)
        return SAY("its root is newer than the table's");
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

enum art_rc art_check_snapshots(struct art_checker *checker) {
    const struct art_host *host = &checker->tree->host;
    if (!host->each_snapshot) return ART_OK;
    return art_check_note(checker, host->each_snapshot(host->context, check_snapshot, checker));
}

#undef SAY
