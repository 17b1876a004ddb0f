/* Which slots may be written, and which become retired.
 *
 *   base     slots that the committed root names, and those that snapshots hold or have let go (held.c). Never
 *            written.
 *   used     slots that the tree's present root names (the base's, or a spilled transaction's own). The root of a
 *            COMMIT that was refused is not the present one, so its slots may be written again: a transaction goes on
 *            only where SQLite has written no frame that commits it (BUSY), and any other failure ends it. But the file
 *            is not cut there (art_slots_cut_back()).
 *   retired  freed by committed transactions, perhaps still under a reader's snapshot (T_artstate's list, with its
 *            epoch). Where blobs are rows of the host's, nobody stands on them, but they are there until the next
 *            transaction that writes blobs discards them: one whose COMMIT is refused goes on with the base.
 *   free     the rest below the end of the file: may be written once the host has made sure that no other root can
 *            come back (art_host.secure); else the file is extended.
 *
 * test_slots.c holds this against SQLite itself: readers of old snapshots, writers that die in their commits.
 */
#include "core/base/limits.h"
#include "core/tree/run/run.h"

enum art_rc art_slot_set_copy(const struct art_slot_set *from, struct art_slot_set *to) {
    assert(from != to);
    struct art_slot_set copy = {0};
    if (from->capacity) {
        copy.words = art_alloc(from->capacity / 8);
        if (!copy.words) return art_nomem();
        memcpy(copy.words, from->words, from->capacity / 8);
        copy.capacity = from->capacity;
    }
    art_slot_set_clear(to);
    *to = copy;
    return ART_OK;
}

/* Calls `visit` with every reference of a run, its top included, from the top down, height by height. */
enum art_rc art_run_each_ref(struct art_store *store, const struct art_run *run,
                             enum art_rc (*visit)(void *context, const struct art_ref *ref), void *context) {
    enum art_rc rc = visit(context, &run->top);
    if (rc || !run->top.height) return rc;
    struct art_run_cursor cursor;
    rc = art_run_cursor_open(&cursor, store);
    for (unsigned height = run->top.height; !rc && height >= 1; height--) {
        art_run_cursor_reset(&cursor, &run->top, height);
        for (rc = art_run_first(&cursor); !rc && cursor.valid; rc = art_run_next(&cursor)) {
            struct art_ref ref;
            rc = art_blob_cursor_ref(&cursor.leaf, &ref);
            if (!rc) rc = visit(context, &ref);
            if (rc) break;
        }
    }
    art_run_cursor_close(&cursor);
    return rc;
}

uint32_t art_slots_in(uint64_t file_bytes) {
    uint64_t slots = file_bytes / ART_BLOB_BYTES + (file_bytes % ART_BLOB_BYTES > 0);
    return slots < ART_SLOTS_MAX ? (uint32_t)slots : ART_SLOTS_MAX;
}

/* A leaf's reference is taken without a look at the leaf; and a set of slots has the size of its largest number. */
static enum art_rc note_used(void *context, const struct art_ref *ref) {
    struct art_tree *tree = context;
    assert(!tree->slots.known);
    enum art_rc rc = art_store_reaches(tree->store, ref);
    if (rc) return rc;
    if (art_slot_set_has(&tree->slots.used, ref->slot)) {
        return art_corrupt(tree->options.path, ref->slot, ART_NOWHERE, "two references lead to one slot");
    }
    return art_slot_set_add(&tree->slots.used, ref->slot);
}

enum art_rc art_slots_know(struct art_tree *tree) {
    if (tree->slots.known) return ART_OK;
    enum art_rc rc = ART_OK;
    art_slot_set_clear(&tree->slots.used);
    for (unsigned i = 0; !rc && i < tree->root->runs; i++) {
        rc = art_run_each_ref(tree->store, &tree->root->run[i], note_used, tree);
    }
    tree->slots.known = !rc;
    assert(!tree->root->runs || rc || art_slot_set_highest(&tree->slots.used));
    return rc;
}

/* --- the retired list as bytes: u8 version | u8 kind | salts | count and ascending slots as varint differences ---- */

/* Version, kind and salts. */
enum { RETIRED_VERSION = 1, RETIRED_HEADER_BYTES = 10 };

enum art_rc art_retired_each(struct art_bytes bytes, enum art_rc (*visit)(void *context, uint32_t slot),
                             void *context) {
    if (!bytes.len) return ART_OK;
    const uint8_t *p = bytes.data, *end = bytes.data + bytes.len;
    uint64_t count, slot = 0, step;
    uint32_t n;
    if (bytes.len < RETIRED_HEADER_BYTES + 1 || p[0] != RETIRED_VERSION || p[1] > ART_EPOCH_WAL) goto bad;
    p += RETIRED_HEADER_BYTES;
    if (!(n = art_get_varint(p, end, &count))) goto bad;
    p += n;
    while (count--) {
        if (!(n = art_get_varint(p, end, &step))) goto bad;
        p += n;
        slot += step;
        if (!step || step > UINT32_MAX || slot >= ART_SLOTS_MAX) goto bad;
        enum art_rc rc = visit(context, (uint32_t)slot);
        if (rc) return rc;
    }
    if (p == end) return ART_OK;
bad:
    return art_corrupt("the state table", ART_NOWHERE, ART_NOWHERE, "the list of retired slots cannot be decoded");
}

struct retired_reader {
    struct art_slot_set *slots;
    uint32_t end_of_file;
};

static enum art_rc add_slot(void *context, uint32_t slot) {
    struct retired_reader *reader = context;
    return slot < reader->end_of_file ? art_slot_set_add(reader->slots, slot) : ART_OK;
}

/* Slots from `end_of_file` on are left out: what lies behind the file may always be written. */
static enum art_rc retired_decode(struct art_bytes bytes, uint32_t end_of_file, struct art_retired *out) {
    struct retired_reader reader = {&out->slots, end_of_file};
    art_slot_set_clear(&out->slots);
    out->epoch = (struct art_epoch){.kind = ART_EPOCH_WAL}; /* an empty list is free in any epoch */
    enum art_rc rc = art_retired_each(bytes, add_slot, &reader);
    if (rc || !bytes.len) return rc;
    out->epoch.kind = bytes.data[1];
    memcpy(out->epoch.salts, bytes.data + 2, 8);
    return ART_OK;
}

static enum art_rc retired_encode(const struct art_slot_set *slots, const struct art_epoch *epoch,
                                  struct art_buffer *out) {
    assert(epoch->kind <= ART_EPOCH_WAL);
    out->len = 0;
    uint8_t bytes[16] = {RETIRED_VERSION, (uint8_t)epoch->kind};
    memcpy(bytes + 2, epoch->salts, 8);
    enum art_rc rc = art_buffer_append(out, bytes, RETIRED_HEADER_BYTES);
    if (!rc) rc = art_buffer_append(out, bytes, art_put_varint(bytes, art_slot_set_count(slots, 0, UINT32_MAX)));
    uint32_t last = 0;
    for (uint32_t slot = art_slot_set_next(slots, 0); !rc && slot != UINT32_MAX;
         slot = art_slot_set_next(slots, slot + 1)) {
        assert(slot > last);
        rc = art_buffer_append(out, bytes, art_put_varint(bytes, slot - last));
        last = slot;
    }
    return rc;
}

static bool epoch_passed(const struct art_epoch *list, const struct art_epoch *now) {
    if (now->kind == ART_EPOCH_ROLLBACK) return true;
    if (now->kind != ART_EPOCH_WAL || list->kind != ART_EPOCH_WAL) return false;
    return memcmp(list->salts, now->salts, sizeof now->salts) != 0;
}

/* --- beginning and end of the write phase ------------------------------------------------------------------------- */

/* Behind each change of the use. */
static void assert_slots(const struct art_tree *tree) {
    const struct art_retired *retired = &tree->slots.retired;
    if (tree->slots.use == ART_SLOTS_IDLE) {
        assert(!tree->slots.base.capacity && !tree->slots.held.capacity && !tree->slots.free.capacity);
        assert(!retired->slots.capacity && !retired->spared.capacity && retired->state == ART_RETIRED_UNREAD);
    } else {
        assert(retired->state != ART_RETIRED_UNREAD && tree->slots.end);
        assert(retired->state != ART_RETIRED_FREE || tree->slots.use == ART_SLOTS_REUSED);
    }
    (void)retired;
}

static enum art_rc lock_file(struct art_tree *tree, bool fresh) {
    assert(!tree->slots.use);
    for (unsigned attempt = 0;; attempt++) {
        enum art_rc rc = art_store_write_begin(tree->store, fresh, &tree->slots.end);
        if (rc != ART_BUSY || !tree->host.wait || !tree->host.wait(tree->host.context, attempt)) return rc;
    }
}

enum art_rc art_slots_claim(struct art_tree *tree) {
    assert(!tree->slots.use);
    if (!art_store_unclaimed(tree->store)) return ART_OK;
    enum art_rc rc = tree->host.unmoved ? tree->host.unmoved(tree->host.context) : ART_OK;
    if (!rc) rc = lock_file(tree, false);
    if (!rc) art_store_write_end(tree->store);
    return rc;
}

/* A copy of a database that had no .art file yet finds the original's under the name of its own; or, where both are
 * written in one transaction, the one that the original has just begun. A file that snapshots hold is not begun
 * anew. */
static enum art_rc lock_own_file(struct art_tree *tree) {
    assert(!tree->slots.use);
    enum { NAMES_MAX = 16 };
    enum art_rc rc = tree->host.unmoved ? tree->host.unmoved(tree->host.context) : ART_OK;
    bool fresh = tree->root->runs == 0 && !tree->root->held;
    if (!rc) rc = lock_file(tree, fresh);
    bool free_to_choose = fresh && tree->host.another_file;
    for (unsigned i = 0; rc == ART_FOREIGN && free_to_choose && i < NAMES_MAX; i++) {
        rc = tree->host.another_file(tree->host.context, i);
        if (!rc) rc = lock_file(tree, fresh);
    }
    return rc;
}

enum art_rc art_retired_load(struct art_tree *tree, uint32_t end, struct art_retired *out) {
    struct art_buffer bytes = {0};
    enum art_rc rc = tree->host.load_retired(tree->host.context, &bytes);
    if (!rc) rc = retired_decode(art_bytes(bytes.data, (uint32_t)bytes.len), end, out);
    art_buffer_clear(&bytes);
    assert(rc || !end || art_slot_set_highest(&out->slots) < end);
    out->state = rc ? ART_RETIRED_UNREAD : ART_RETIRED_WAITING;
    return rc;
}

/* Everything below the end that neither the base nor an unpassed retired list names, but no more than FREE_SLOTS_MAX
 * slots behind the last one of these: what somebody has made longer, by whatever, is cut off and not counted slot by
 * slot. On a full disk dead blobs in rows are not overwritten: their rows would go to the host's journal. */
static enum art_rc find_free(struct art_tree *tree) {
    assert(tree->slots.use == ART_SLOTS_REUSED);
    enum { FREE_SLOTS_MAX = 1 << 20 };
    struct art_retired *retired = &tree->slots.retired;
    struct art_epoch now;
    enum art_rc rc = tree->host.epoch(tree->host.context, &now);
    if (rc) return rc;
    bool none = art_slot_set_next(&retired->slots, 0) == UINT32_MAX;
    retired->state = none || epoch_passed(&retired->epoch, &now) ? ART_RETIRED_FREE : ART_RETIRED_WAITING;
    art_slot_set_clear(&tree->slots.free);
    uint32_t last = art_slot_set_highest(&tree->slots.base), last_retired = art_slot_set_highest(&retired->slots);
    if (last_retired > last) last = last_retired;
    for (uint32_t slot = 1; slot < tree->slots.end && (slot <= last || slot - last <= FREE_SLOTS_MAX); slot++) {
        if (art_slot_set_has(&tree->slots.base, slot)) continue;
        bool waits =
            retired->state == ART_RETIRED_WAITING || (art_tree_is_full(tree) && art_tree_medium(tree)->discards);
        if (waits && art_slot_set_has(&retired->slots, slot)) continue;
        rc = art_slot_set_add(&tree->slots.free, slot);
        if (rc) return rc;
    }
    art_store_reuse(tree->store, &tree->slots.free);
    assert_slots(tree);
    return ART_OK;
}

/* The host may refuse while a savepoint could lead back, and agree at the commit. */
static enum art_rc ask_for_free(struct art_tree *tree) {
    assert(tree->slots.use && tree->slots.retired.state == ART_RETIRED_WAITING);
    bool reuse = false;
    enum art_rc rc = tree->host.secure(tree->host.context, &reuse);
    if (rc) return rc; /* the host may have rolled back within it */
    tree->slots.use = reuse ? ART_SLOTS_REUSED : ART_SLOTS_EXTENDED;
    return reuse ? find_free(tree) : ART_OK;
}

/* The file is locked. */
static enum art_rc begin_phase(struct art_tree *tree, const struct art_held_rows *rows) {
    uint32_t last = art_slot_set_highest(&tree->slots.base), last_held = 0;
    tree->slots.use = ART_SLOTS_EXTENDED;
    enum art_rc rc = art_held_begin(tree, rows, &last_held);
    if (last_held > last) last = last_held;
    /* Slots are taken behind the end: it must lie behind all that the base names, even if another has cut off or hidden
     * what was there. */
    if (!rc && last >= tree->slots.end && last)
        rc = art_corrupt(tree->options.path, last, ART_NOWHERE, "the file is cut short");
    if (!rc) rc = art_retired_load(tree, tree->slots.end, &tree->slots.retired);
    if (!rc) rc = ask_for_free(tree);
    if (rc) art_slots_end(tree);
    assert_slots(tree);
    return rc;
}

enum art_rc art_slots_begin(struct art_tree *tree) {
    if (tree->slots.use) return tree->slots.use == ART_SLOTS_REUSED ? ART_OK : ask_for_free(tree);
    assert(art_tree_in_txn(tree) && !art_tree_has_spilled(tree));
    struct art_held_rows rows = {0};
    enum art_rc rc = art_slots_know(tree);
    if (!rc) rc = art_slot_set_copy(&tree->slots.used, &tree->slots.base);
    if (!rc) rc = art_held_read(tree, &rows);
    if (!rc) rc = lock_own_file(tree);
    if (!rc) rc = begin_phase(tree, &rows);
    art_held_rows_clear(&rows);
    return rc;
}

void art_slots_end(struct art_tree *tree) {
    if (!tree->slots.use) return;
    art_store_write_end(tree->store);
    tree->slots.use = ART_SLOTS_IDLE;
    art_slot_set_clear(&tree->slots.base);
    art_slot_set_clear(&tree->slots.held);
    art_slot_set_clear(&tree->slots.free);
    art_slot_set_clear(&tree->slots.retired.slots);
    art_slot_set_clear(&tree->slots.retired.spared);
    tree->slots.retired.state = ART_RETIRED_UNREAD;
    assert_slots(tree);
}

/* What came to nothing takes no room: all behind the end that the file had when the write phase began is this
 * transaction's. Not after a COMMIT was tried with a root: one that has ended in another error than BUSY may be there
 * all the same, in the journal. */
void art_slots_cut_back(struct art_tree *tree) {
    bool ours = tree->slots.use && art_tree_medium(tree)->is_cut;
    if (!ours || tree->txn.shown != ART_ROOT_HIDDEN || art_tree_has_spilled(tree)) return;
    for (uint32_t i = 0; i < tree->txn.savepoint_count; i++) {
        const struct art_savepoint *savepoint = &tree->txn.savepoints[i];
        if (art_slot_set_highest(&savepoint->used) >= tree->slots.end) return;
    }
    art_store_cut_back(tree->store, tree->slots.end, art_tree_is_full(tree));
}

void art_slots_cut_spilled(struct art_tree *tree) {
    assert(tree->slots.known);
    uint32_t last = art_slot_set_highest(&tree->slots.used), end = tree->slots.end;
    bool ours = tree->slots.use && art_tree_medium(tree)->is_cut;
    if (!ours || !art_tree_has_spilled(tree) || tree->txn.shown == ART_ROOT_SHOWN) return;
    art_store_cut_back(tree->store, last < end ? end : last + 1, art_tree_is_full(tree));
}

/* The next merges write into them: a file without free slots would be cut and grow again. A file below 32 MB leaves
 * less, since its log and what a flush has just written weigh more there. */
uint32_t art_slots_slack(uint32_t used) {
    enum { SLACK_LEAST_SLOTS = 2, SLACK_PART = 4, SMALL_FILE_SLOTS = 64, SLACK_PART_OF_SMALL = 8 };
    uint32_t share = used / (used < SMALL_FILE_SLOTS ? SLACK_PART_OF_SMALL : SLACK_PART);
    return share > SLACK_LEAST_SLOTS ? share : SLACK_LEAST_SLOTS;
}

/* Does anything that may be needed again in this transaction name the slot? */
static bool kept(const struct art_tree *tree, uint32_t slot) {
    if (art_slot_set_has(&tree->slots.base, slot)) return true;
    for (uint32_t i = 0; i < tree->txn.savepoint_count; i++) {
        if (art_slot_set_has(&tree->txn.savepoints[i].used, slot)) return true;
    }
    return false;
}

/* Those of `from` that are not in `used`. */
static enum art_rc add_others(struct art_slot_set *list, const struct art_slot_set *from,
                              const struct art_slot_set *used) {
    assert(list != from && list != used);
    enum art_rc rc = ART_OK;
    for (uint32_t slot = art_slot_set_next(from, 0); slot != UINT32_MAX && !rc;
         slot = art_slot_set_next(from, slot + 1)) {
        if (!art_slot_set_has(used, slot)) rc = art_slot_set_add(list, slot);
    }
    return rc;
}

/* Is no slot to keep rows for blobs to come? */
static bool keeps_none(const struct art_tree *tree) {
    const struct art_root *root = tree->pending.edit.root;
    return art_wants_small(tree) || (root && !root->runs);
}

/* Nobody goes on with the base: no ROLLBACK TO can come, and a COMMIT that is refused takes back all. */
static bool leaves_the_base(const struct art_tree *tree) {
    assert(tree->slots.use);
    bool alone = art_tree_requested(tree, ART_REQUEST_ALONE) && keeps_none(tree);
    return alone && !tree->txn.savepoint_count && !art_tree_has_spilled(tree);
}

/* May a root need what is in the slot, if this transaction is committed or goes on? */
static bool is_named(const struct art_tree *tree, const struct art_version_edit *edit, uint32_t slot) {
    if (art_slot_set_has(&edit->used, slot) || art_slot_set_has(&tree->slots.held, slot)) return true;
    return !leaves_the_base(tree) && (art_slot_set_has(&tree->slots.used, slot) || kept(tree, slot));
}

/* Parts `garbage` into what is discarded, `most` slots at most, and what is spared: a few slots, which the next blobs
 * overwrite. So the host need not write that their rows are gone. What is spared beyond these waits for a later
 * transaction. */
static enum art_rc spare_some(const struct art_slot_set *garbage, uint32_t few, uint64_t most,
                              struct art_slot_set *spared, struct art_slot_set *gone) {
    assert(garbage != spared && garbage != gone && !art_slot_set_has(garbage, 0));
    art_slot_set_clear(spared);
    enum art_rc rc = ART_OK;
    for (uint32_t slot = art_slot_set_next(garbage, 0), at = 0; !rc && slot != UINT32_MAX;
         slot = art_slot_set_next(garbage, slot + 1), at++) {
        bool stays = at < few || at - few >= most;
        rc = art_slot_set_add(stays ? spared : gone, slot);
    }
    return rc;
}

enum art_rc art_slots_discard(struct art_tree *tree, const struct art_version_edit *edit, uint64_t most, bool *all) {
    assert(tree->slots.use && edit == &tree->pending.edit && edit->root);
    struct art_slot_set gone = {0};
    *all = true;
    if (!art_tree_medium(tree)->discards) return ART_OK;
    struct art_slot_set *garbage = &tree->slots.retired.slots, *others = &tree->slots.free;
    enum art_rc rc = leaves_the_base(tree) ? add_others(garbage, &tree->slots.base, &edit->used) : ART_OK;
    /* Where a transaction went on after work that had failed, something may lie where nobody looks. */
    for (uint32_t slot = keeps_none(tree) ? art_slot_set_next(others, 0) : UINT32_MAX; !rc && slot != UINT32_MAX;
         slot = art_slot_set_next(others, slot + 1)) {
        bool nowhere = !art_slot_set_has(garbage, slot) && !is_named(tree, edit, slot);
        if (nowhere) rc = art_slot_set_add(&gone, slot);
    }
    for (uint32_t slot = rc ? UINT32_MAX : art_slot_set_next(garbage, 0); slot != UINT32_MAX;
         slot = art_slot_set_next(garbage, slot + 1)) {
        if (is_named(tree, edit, slot)) art_slot_set_remove(garbage, slot);
    }
    uint32_t dead = art_slot_set_count(garbage, 0, UINT32_MAX), few = 0;
    if (!keeps_none(tree))
        few = art_slots_slack(art_slot_set_count(&edit->used, 0, UINT32_MAX)); /* for blobs to come */
    *all = dead <= few || dead - few <= most;
    if (!rc) rc = spare_some(garbage, few, most, &tree->slots.retired.spared, &gone);
    if (!rc) rc = art_store_discard(tree->store, &gone);
    art_slot_set_clear(&gone);
    return rc;
}

/* --- taking and giving back --------------------------------------------------------------------------------------- */

enum art_rc art_slots_take(struct art_tree *tree, struct art_version_edit *edit, uint32_t *slot) {
    assert(tree->slots.use && edit->root);
    enum art_rc rc = art_store_take_slot(tree->store, slot);
    if (rc) return rc;
    /* Rather a transaction that fails than rows that are gone. */
    if (kept(tree, *slot) || art_slot_set_has(&edit->used, *slot) || art_slot_set_has(&tree->slots.used, *slot))
        return art_corrupt(tree->options.path, *slot, ART_NOWHERE, "a blob that is in use was about to be overwritten");
    ART_AT(*slot < tree->slots.end ? ART_EVENT_SLOT_AGAIN : ART_EVENT_SLOT_NEW);
    rc = art_slot_set_add(&edit->used, *slot);
    if (rc) art_store_return_slot(tree->store, *slot);
    return rc;
}

void art_slots_drop(struct art_tree *tree, struct art_version_edit *edit, uint32_t slot) {
    assert(art_slot_set_has(&edit->used, slot)); /* art_slots_know() takes no root that names one twice */
    art_slot_set_remove(&edit->used, slot);
    if (kept(tree, slot) || art_slot_set_has(&tree->slots.used, slot)) return;
    art_store_return_slot(tree->store, slot);
}

void art_slots_return(struct art_tree *tree, const struct art_slot_set *from, const struct art_slot_set *keep) {
    assert((tree->slots.use || !from->capacity) && from != keep);
    for (uint32_t slot = art_slot_set_next(from, 0); slot != UINT32_MAX; slot = art_slot_set_next(from, slot + 1)) {
        if (art_slot_set_has(keep, slot) || kept(tree, slot)) continue;
        art_store_return_slot(tree->store, slot);
    }
}

/* Are so many slots waiting for a new epoch that the host should bring it about? What waits is so much more file. */
static bool too_many_wait(const struct art_tree *tree, const struct art_slot_set *waiting,
                          const struct art_slot_set *used) {
    assert(waiting != used);
    enum { CROWD_PART = 8 };
    uint32_t count = art_slot_set_count(waiting, 0, UINT32_MAX), all = art_slot_set_count(used, 0, UINT32_MAX);
    return count &&
           (tree->pending.slack >= ART_SLACK_LOOSE || (count >= ART_LIMIT(crowd_slots) && count >= all / CROWD_PART));
}

/* The list that goes with a root: what is still retired of the old list, and what the base names and neither `used` nor
 * a snapshot does. */
enum art_rc art_slots_retired(struct art_tree *tree, const struct art_slot_set *used) {
    assert(tree->slots.use && !art_slot_set_has(used, 0));
    struct art_retired *retired = &tree->slots.retired;
    struct art_epoch now;
    enum art_rc rc = tree->host.epoch(tree->host.context, &now);
    if (rc) return rc;
    struct art_slot_set list = {0};
    const struct art_slot_set *held = &tree->slots.held;
    bool old = retired->state != ART_RETIRED_FREE && !epoch_passed(&retired->epoch, &now),
         discards = art_tree_medium(tree)->discards;
    bool gone = discards && leaves_the_base(tree);
    for (uint32_t slot = old ? art_slot_set_next(&retired->slots, 0) : UINT32_MAX; slot != UINT32_MAX && !rc;
         slot = art_slot_set_next(&retired->slots, slot + 1)) {
        if (!art_slot_set_has(used, slot)) rc = art_slot_set_add(&list, slot);
    }
    if (!rc && !gone && (now.kind != ART_EPOCH_ROLLBACK || discards)) rc = add_others(&list, &tree->slots.base, used);
    if (!rc && !gone && discards) rc = add_others(&list, &tree->slots.used, used);
    if (!rc && discards) rc = add_others(&list, &retired->spared, used);
    for (uint32_t slot = art_slot_set_next(held, 0); slot != UINT32_MAX; slot = art_slot_set_next(held, slot + 1))
        art_slot_set_remove(&list, slot);
    if (now.kind == ART_EPOCH_ROLLBACK) now = (struct art_epoch){.kind = ART_EPOCH_WAL};
    tree->pending.commit.wants_checkpoint = !discards && too_many_wait(tree, &list, used);
    if (!rc) rc = retired_encode(&list, &now, &tree->pending.retired_bytes);
    art_slot_set_clear(&list);
    return rc;
}
