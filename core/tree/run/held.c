/* What snapshots hold.
 *
 * A snapshot is a root that the host keeps, and the set of slots that it names. Core keeps neither: it says behind a
 * prepare() what they are (art_tree_snapshot()), and asks the host for two sets before it takes its first slot:
 *
 *   held     slots that any snapshot names. They are as good as the base's: not written, not retired, not moved, not
 *            cut off
 *   let go   slots that none names any more, since the last one was dropped. A reader may still stand on them, and a
 *            crash bring the snapshot back: they stay in the base until a new root retires them, with all that the base
 *            names and the new root does not. The host then empties this set (art_commit.lets_go)
 *
 * So nobody counts how many name a slot, and dropping a snapshot is the host's own affair: rows of SQL, which a
 * ROLLBACK TO takes back. The root says whether there are such sets (art_root.held): where they are missing, what a
 * snapshot names would be overwritten, and nothing would notice.
 *
 * A set as bytes: for each stretch of neighbours a varint of the slots before it that are not in the set, and one of
 * its slots. Neither is 0. Slot 0 is the file's own and in no set. A root of 3,000 slots has some 10 bytes.
 */
#include "core/tree/history.h"
#include "core/tree/run/run.h"

/* --- sets as bytes ------------------------------------------------------------------------------------------------ */

enum { STRETCH_BYTES_MAX = 2 * ART_VARINT_MAX };

struct stretch {
    uint32_t first, behind;
};

/* A walk through one: the stretch [first, behind), or none where it has come to the end. */
struct stretch_reader {
    const uint8_t *at, *end;
    uint64_t first, behind;
    bool valid;
};

static enum art_rc next_stretch(struct stretch_reader *reader) {
    uint64_t gap, length;
    uint32_t n;
    reader->valid = false;
    if (reader->at == reader->end) return ART_OK;
    if (!(n = art_get_varint(reader->at, reader->end, &gap))) goto bad;
    reader->at += n;
    if (!(n = art_get_varint(reader->at, reader->end, &length))) goto bad;
    reader->at += n;
    if (!gap || !length || gap > ART_SLOTS_MAX || length > ART_SLOTS_MAX) goto bad;
    reader->first = reader->behind + gap;
    reader->behind = reader->first + length;
    if (reader->behind > ART_SLOTS_MAX) goto bad;
    reader->valid = true;
    return ART_OK;
bad:
    return art_corrupt("the state table", ART_NOWHERE, ART_NOWHERE, "a set of slots cannot be decoded");
}

static enum art_rc first_stretch(struct stretch_reader *reader, struct art_bytes set) {
    *reader = (struct stretch_reader){.at = set.data, .end = set.len ? set.data + set.len : set.data};
    return next_stretch(reader);
}

/* Stretches on their way into bytes: the last one may still grow. */
struct stretch_writer {
    struct art_buffer *out;
    uint64_t end, first, behind; /* of what was written; of the one that is held back, if behind > first */
};

static enum art_rc write_held_back(struct stretch_writer *writer) {
    uint8_t bytes[STRETCH_BYTES_MAX];
    if (writer->behind == writer->first) return ART_OK;
    uint32_t n = art_put_varint(bytes, writer->first - writer->end);
    n += art_put_varint(bytes + n, writer->behind - writer->first);
    assert(n <= sizeof bytes && writer->first > writer->end);
    writer->end = writer->behind;
    return art_buffer_append(writer->out, bytes, n);
}

/* Ascending by `first`; overlaps are fine. */
static enum art_rc add_stretch(struct stretch_writer *writer, uint64_t first, uint64_t behind) {
    assert(first < behind && first >= writer->first);
    if (first <= writer->behind && writer->behind > writer->first) {
        if (behind > writer->behind) writer->behind = behind;
        return ART_OK;
    }
    enum art_rc rc = write_held_back(writer);
    writer->first = first;
    writer->behind = behind;
    return rc;
}

enum art_rc art_slots_unite(struct art_buffer *set, struct art_bytes other) {
    struct art_buffer united = {0};
    struct stretch_writer writer = {.out = &united};
    struct stretch_reader a, b;
    enum art_rc rc = first_stretch(&a, art_buffer_bytes(set));
    if (!rc) rc = first_stretch(&b, other);
    while (!rc && (a.valid || b.valid)) {
        struct stretch_reader *next = !b.valid || (a.valid && a.first <= b.first) ? &a : &b;
        rc = add_stretch(&writer, next->first, next->behind);
        if (!rc) rc = next_stretch(next);
    }
    if (!rc) rc = write_held_back(&writer);
    art_buffer_clear(rc ? &united : set);
    if (!rc) *set = united;
    return rc;
}

enum art_rc art_slots_all(struct art_buffer *set) {
    struct stretch_writer writer = {.out = set, .first = 1, .behind = ART_SLOTS_MAX};
    set->len = 0;
    return write_held_back(&writer);
}

enum art_rc art_slots_without(struct art_bytes all, struct art_bytes others, struct art_buffer *out) {
    struct stretch_writer writer = {.out = out};
    struct stretch_reader a, b;
    out->len = 0;
    enum art_rc rc = first_stretch(&a, all);
    if (!rc) rc = first_stretch(&b, others);
    for (uint64_t from = 0; !rc && a.valid;) {
        if (from < a.first) from = a.first;
        while (!rc && b.valid && b.behind <= from) rc = next_stretch(&b);
        if (rc) break;
        bool cut = b.valid && b.first < a.behind;
        uint64_t end = cut ? b.first : a.behind;
        if (from < end) rc = add_stretch(&writer, from, end);
        if (cut) from = b.behind;
        if (!rc && (!cut || from >= a.behind)) rc = next_stretch(&a);
    }
    return rc ? rc : write_held_back(&writer);
}

enum art_rc art_slots_number(struct art_bytes set, uint64_t *out) {
    struct stretch_reader reader;
    enum art_rc rc = first_stretch(&reader, set);
    for (*out = 0; !rc && reader.valid; rc = next_stretch(&reader)) *out += reader.behind - reader.first;
    return rc;
}

enum art_rc art_slots_encode(const struct art_slot_set *set, struct art_buffer *out) {
    struct stretch_writer writer = {.out = out};
    enum art_rc rc = ART_OK;
    out->len = 0;
    for (uint32_t slot = art_slot_set_next(set, 0); !rc && slot != UINT32_MAX; slot = art_slot_set_next(set, slot + 1))
        rc = add_stretch(&writer, slot, (uint64_t)slot + 1);
    return rc ? rc : write_held_back(&writer);
}

enum art_rc art_slots_decode(struct art_bytes bytes, uint32_t end, struct art_slot_set *set, uint32_t *highest) {
    struct stretch_reader reader;
    enum art_rc rc = first_stretch(&reader, bytes);
    for (*highest = 0; !rc && reader.valid;) {
        *highest = (uint32_t)(reader.behind - 1);
        for (uint64_t slot = reader.first; !rc && slot < reader.behind && slot < end; slot++)
            rc = art_slot_set_add(set, (uint32_t)slot);
        if (!rc) rc = next_stretch(&reader);
    }
    return rc;
}

/* --- what the host has of them ------------------------------------------------------------------------------------ */

enum art_rc art_held_rows_load(struct art_tree *tree, struct art_held_rows *out) {
    out->held.len = out->let_go.len = 0;
    return tree->host.load_held ? tree->host.load_held(tree->host.context, &out->held, &out->let_go) : ART_OK;
}

enum art_rc art_held_disagree(bool there) {
    return art_corrupt("the state table", ART_NOWHERE, ART_NOWHERE,
                       there ? "there are slots that snapshots hold, and the root knows of no snapshot"
                             : "the root knows of snapshots, and which slots they hold is missing");
}

enum art_rc art_held_read(struct art_tree *tree, struct art_held_rows *out) {
    assert(!tree->slots.use && art_tree_in_txn(tree) && !art_tree_has_spilled(tree));
    enum art_rc rc = art_held_rows_load(tree, out);
    bool there = out->held.len || out->let_go.len;
    if (rc || there == tree->txn.base->held) return rc;
    return art_held_disagree(there);
}

void art_held_rows_clear(struct art_held_rows *rows) {
    art_buffer_clear(&rows->held);
    art_buffer_clear(&rows->let_go);
}

enum art_rc art_held_begin(struct art_tree *tree, const struct art_held_rows *rows, uint32_t *highest) {
    assert(tree->slots.use && !art_slot_set_highest(&tree->slots.held));
    uint32_t end = tree->slots.end, last_let_go;
    enum art_rc rc = art_slots_decode(art_buffer_bytes(&rows->held), end, &tree->slots.held, highest);
    if (!rc) rc = art_slots_decode(art_buffer_bytes(&rows->held), end, &tree->slots.base, highest);
    if (!rc) rc = art_slots_decode(art_buffer_bytes(&rows->let_go), end, &tree->slots.base, &last_let_go);
    return rc;
}

#ifndef NDEBUG
/* What a host counts that this transaction makes, or has forgotten to count before, would be found here. */
static bool held_is_in_base(const struct art_tree *tree) {
    return !art_slot_set_count_others(&tree->slots.held, &tree->slots.base, 0);
}
#endif

enum art_rc art_held_again(struct art_tree *tree) {
    assert(tree->slots.use);
    struct art_held_rows rows = {0};
    struct art_slot_set *held = &tree->slots.held;
    uint32_t last;
    if (!tree->txn.base->held) return ART_OK; /* nor has the host any */
    enum art_rc rc = art_held_rows_load(tree, &rows);
    art_slot_set_clear(held);
    if (!rc) rc = art_slots_decode(art_buffer_bytes(&rows.held), tree->slots.end, held, &last);
    assert(rc || held_is_in_base(tree));
    tree->pending.lets_go = rows.let_go.len;
    tree->pending.held = art_hash64(rows.held.data, rows.held.len);
    art_held_rows_clear(&rows);
    return rc;
}

enum art_rc art_held_is_same(struct art_tree *tree, bool *same) {
    struct art_held_rows rows = {0};
    *same = true;
    if (!tree->txn.base->held || !tree->pending.commit.write_root) return ART_OK;
    enum art_rc rc = art_held_rows_load(tree, &rows);
    *same = !rows.let_go.len && art_hash64(rows.held.data, rows.held.len) == tree->pending.held;
    art_held_rows_clear(&rows);
    return rc;
}

/* --- a snapshot --------------------------------------------------------------------------------------------------- */

/* Without what it says of the log and of other snapshots. */
static enum art_rc encode_alone(const struct art_root *root, struct art_buffer *out) {
    struct art_root *alone;
    enum art_rc rc = art_root_clone(root, &alone);
    if (rc) return rc;
    alone->left_rows = 0;
    alone->held = false;
    rc = art_root_encode(alone, out);
    art_root_unref(alone);
    return rc;
}

enum art_rc art_tree_snapshot(struct art_tree *tree, struct art_buffer *root, struct art_buffer *slots, uint64_t *csn) {
    const struct art_version_edit *edit = &tree->pending.edit;
    bool is_new = tree->pending.made_for && edit->root;
    const struct art_root *named = is_new ? edit->root : tree->root;
    assert(is_new ? tree->pending.snapshot : !tree->pending.made_for && !art_memtable_keys(tree->memtable));
    enum art_rc rc = is_new ? ART_OK : art_slots_know(tree);
    if (!rc) rc = encode_alone(named, root);
    if (!rc) rc = art_slots_encode(is_new ? &edit->used : &tree->slots.used, slots);
    *csn = named->csn;
    return rc;
}

enum art_rc art_tree_slots(struct art_tree *tree, struct art_buffer *out) {
    enum art_rc rc = art_tree_ready(tree);
    if (!rc) rc = art_slots_know(tree);
    return rc ? rc : art_slots_encode(&tree->slots.used, out);
}

/* Stretches, and no bit map: a set out of a row may name slots that no file has. */
struct bytes_of_slots {
    struct stretch *stretch; /* owned, ascending */
    uint32_t count, capacity;
    uint64_t pages;
};

static enum art_rc take_stretches(struct bytes_of_slots *bytes, struct art_bytes set) {
    struct stretch_reader reader;
    enum art_rc rc = first_stretch(&reader, set);
    for (; !rc && reader.valid; rc = next_stretch(&reader)) {
        rc = art_grow(&bytes->stretch, &bytes->capacity, bytes->count + 1, sizeof *bytes->stretch);
        if (rc) return rc;
        bytes->stretch[bytes->count++] = (struct stretch){(uint32_t)reader.first, (uint32_t)reader.behind};
    }
    return rc;
}

static enum art_rc add_pages_of_slot(void *context, const struct art_ref *ref) {
    struct bytes_of_slots *bytes = context;
    uint32_t from = 0, to = bytes->count;
    while (from < to) { /* to the first stretch that ends behind the slot */
        uint32_t middle = from + (to - from) / 2;
        if (bytes->stretch[middle].behind > ref->slot)
            to = middle;
        else
            from = middle + 1;
    }
    if (from < bytes->count && bytes->stretch[from].first <= ref->slot) bytes->pages += art_ref_pages(ref);
    return ART_OK;
}

enum art_rc art_tree_bytes_of_slots(struct art_tree *tree, struct art_bytes set, uint64_t *out) {
    struct bytes_of_slots bytes = {0};
    enum art_rc rc = art_tree_ready(tree);
    if (!rc) rc = take_stretches(&bytes, set);
    for (unsigned i = 0; !rc && bytes.count && i < tree->root->runs; i++) {
        rc = art_run_each_ref(tree->store, &tree->root->run[i], add_pages_of_slot, &bytes);
        if (!rc) rc = art_tree_interrupted(tree);
    }
    *out = bytes.pages * ART_BLOB_PAGE;
    art_free(bytes.stretch);
    return rc;
}
