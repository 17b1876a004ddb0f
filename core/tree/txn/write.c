/* insert, delete, move: what one statement does to one row. Each finds the row first (for its `shadows_older`, and for
 * the chunks that go with it), then changes the memtable; an error in the middle takes back what was done.
 */
#include "core/tree/txn/txn.h"
#include "core/tree/write_rows.h"

/* The common beginning: the transaction runs, and there is room in memory. What spills has changed something: else it
 * could be committed with nothing to write, and its root with it. */
static enum art_rc ready_to_write(struct art_tree *tree) {
    enum art_rc rc = art_tree_begin(tree);
    bool large = tree->options.spill_limit && art_memtable_used(tree->memtable) > tree->options.spill_limit;
    return !rc && large && tree->txn.state >= ART_TXN_CHANGED ? art_tree_spill(tree) : rc;
}

/* What an entry for a found key says of the sources below the memtable. */
struct shadow {
    uint8_t flags; /* ART_SHADOWS_OLDER, ART_REPLACED */
    uint32_t len;
    uint8_t head[ART_REPLACED_MAX];
};

/* A copy: the memtable may change under what was found. */
static void shadow_of(const struct art_tree *tree, struct art_bytes key, const struct art_found *found,
                      struct shadow *out) {
    const struct art_summary *summary = art_tree_summary(tree);
    out->flags = 0;
    out->len = 0;
    if (found->in_memtable) {
        out->flags = found->entry.flags & (ART_SHADOWS_OLDER | ART_REPLACED);
        out->len = art_entry_head(found->entry.flags, found->entry.value);
        if (out->len) memcpy(out->head, found->entry.value.data, out->len);
    } else if (found->live) {
        out->flags = ART_SHADOWS_OLDER;
        if (summary) out->len = art_replaced_encode(summary, key, &found->entry, out->head);
        if (out->len) out->flags |= ART_REPLACED;
    }
    assert(out->len <= sizeof out->head); /* by art_entry_is_sane(), and art_replaced_encode() */
}

/* The entry as it is stored; its value has ART_VALUE_INLINE_MAX bytes at most. */
_Static_assert(ART_LIMIT_MOST(value_inline) <= (int)ART_VALUE_INLINE_MAX, "the format has such entries");
_Static_assert((int)ART_OVERFLOW_REF_BYTES_MAX <= (int)ART_VALUE_INLINE_MAX, "also a reference to chunks");
static void cast_shadow(struct art_tree *tree, const struct shadow *shadow, struct art_entry *entry) {
    assert(shadow->len <= sizeof shadow->head && shadow->len + entry->value.len <= ART_STORED_MAX);
    entry->flags |= shadow->flags;
    if (!shadow->len) return;
    memcpy(tree->stored, shadow->head, shadow->len);
    if (entry->value.len) memcpy(tree->stored + shadow->len, entry->value.data, entry->value.len);
    entry->value = art_bytes(tree->stored, shadow->len + entry->value.len);
}

/* Sets the row's entry; a long value becomes chunks. `position` is NULL where the memtable has changed since it was
 * found. */
static enum art_rc put_row(struct art_tree *tree, struct art_bytes key, const struct art_memtable_position *position,
                           struct art_bytes value, const struct shadow *shadow) {
    struct art_entry entry = {.value = value, .csn = tree->txn.csn};
    uint8_t ref[ART_OVERFLOW_REF_BYTES_MAX];
    assert(art_tree_in_txn(tree) && key.data[0] == ART_SPACE_ROWS);
    tree->txn.adds = true;
    if (value.len > ART_LIMIT(value_inline)) {
        enum art_rc rc = art_overflow_put(tree, value, ref, &entry.value.len);
        if (rc) return rc;
        entry.value.data = ref;
        entry.flags |= ART_OVERFLOW;
        position = NULL;
    }
    cast_shadow(tree, shadow, &entry);
    return position ? art_memtable_set_at(tree->memtable, key, position, &entry)
                    : art_memtable_set(tree->memtable, key, &entry);
}

static enum art_rc delete_row(struct art_tree *tree, struct art_bytes key, const struct art_memtable_position *position,
                              const struct shadow *shadow) {
    assert(art_tree_in_txn(tree) && key.data[0] == ART_SPACE_ROWS);
    struct art_entry entry = {.csn = tree->txn.csn, .flags = ART_DELETE};
    cast_shadow(tree, shadow, &entry);
    return position ? art_memtable_set_at(tree->memtable, key, position, &entry)
                    : art_memtable_set(tree->memtable, key, &entry);
}

/* The reference to chunks of a found row, copied: the memtable may change under it. */
static struct art_bytes overflow_of(const struct art_found *found, uint8_t ref[ART_OVERFLOW_REF_BYTES]) {
    uint8_t room[ART_VALUE_INLINE_MAX];
    assert(found->any || !found->live);
    if (!found->live || !(found->entry.flags & ART_OVERFLOW)) return art_bytes(NULL, 0);
    struct art_stored stored = art_entry_stored(&found->entry);
    struct art_bytes value = art_stored_plain(&stored, room);
    if (value.len < ART_OVERFLOW_REF_BYTES) return art_bytes(NULL, 0);
    memcpy(ref, value.data, ART_OVERFLOW_REF_BYTES);
    return art_bytes(ref, ART_OVERFLOW_REF_BYTES);
}

/* `to`: the key of the new row, if there is one. */
static enum art_rc finish(struct art_tree *tree, enum art_rc rc, uint64_t before, const struct art_bytes *to) {
    assert(art_tree_in_txn(tree));
    if (rc) {
        art_memtable_rollback(tree->memtable, before);
    } else if (tree->txn.state == ART_TXN_BEGUN) {
        tree->txn.state = ART_TXN_CHANGED;
    }
    if (to) art_gap_end(tree, *to);
    art_tree_changed(tree, !rc);
    art_tree_invariants(tree);
    return rc;
}

static enum art_rc check_value(struct art_bytes value) {
    if (value.len <= ART_VALUE_MAX) return ART_OK;
    return art_fail(ART_TOOBIG, "art: value of %u bytes is over the limit of 2 GB: store it in parts", value.len);
}

/* In the place of what was found. */
static enum art_rc put_found(struct art_tree *tree, struct art_bytes key, const struct art_found *found,
                             const struct art_memtable_position *position, struct art_bytes value) {
    assert(key.data[0] == ART_SPACE_ROWS);
    assert(!found->live || found->any);
    uint8_t ref[ART_OVERFLOW_REF_BYTES];
    struct shadow shadow;
    shadow_of(tree, key, found, &shadow);
    struct art_bytes old = overflow_of(found, ref);
    bool steps = old.len || value.len > ART_LIMIT(value_inline); /* one set is atomic by itself */
    uint64_t before = steps ? art_memtable_savepoint(tree->memtable) : 0;
    enum art_rc rc = old.len ? art_overflow_delete(tree, old) : ART_OK;
    if (!rc) rc = put_row(tree, key, steps ? NULL : position, value, &shadow);
    if (rc && !steps) return rc;
    return finish(tree, rc, before, &key);
}

enum art_rc art_tree_insert(struct art_tree *tree, enum art_write mode, struct art_bytes path, struct art_bytes value,
                            bool *existed) {
    *existed = false;
    struct art_bytes key;
    enum art_rc rc = ready_to_write(tree);
    if (!rc) rc = check_value(value);
    if (!rc) rc = art_row_key(tree->key, path, &key);
    if (rc) return rc;
    struct art_found found;
    struct art_memtable_position position;
    rc = art_tree_find_position(tree, key, &found, &position);
    if (rc) return rc;
    *existed = found.live;
    if (found.live && mode == ART_WRITE_INSERT) return ART_OK;
    return put_found(tree, key, &found, &position, value);
}

enum art_rc art_tree_delete(struct art_tree *tree, struct art_bytes path, bool *existed) {
    *existed = false;
    struct art_bytes key;
    enum art_rc rc = ready_to_write(tree);
    if (rc || path.len > ART_PATH_MAX) return rc;
    rc = art_row_key(tree->key, path, &key);
    if (rc) return rc;
    struct art_found found;
    struct art_memtable_position position;
    rc = art_tree_find_position(tree, key, &found, &position);
    if (rc || !found.live) return rc;
    *existed = true;
    uint8_t ref[ART_OVERFLOW_REF_BYTES];
    struct shadow shadow;
    shadow_of(tree, key, &found, &shadow);
    struct art_bytes old = overflow_of(&found, ref);
    uint64_t before = art_memtable_savepoint(tree->memtable);
    if (old.len) rc = art_overflow_delete(tree, old);
    if (!rc) rc = delete_row(tree, key, old.len ? NULL : &position, &shadow);
    return finish(tree, rc, before, NULL);
}

/* The row's own bytes (or the reference to its chunks) go to the new key as they are. */
static enum art_rc move_entry(struct art_tree *tree, struct art_bytes to, const struct art_entry *from,
                              const struct shadow *shadow) {
    uint8_t room[ART_VALUE_INLINE_MAX];
    assert(to.data[0] == ART_SPACE_ROWS);
    struct art_stored stored = art_entry_stored(from);
    struct art_entry entry = {
        .value = art_stored_plain(&stored, room), .csn = tree->txn.csn, .flags = from->flags & ART_OVERFLOW};
    if (entry.value.len > ART_VALUE_INLINE_MAX) /* forged: a leaf may have more bytes, and a log any number */
        return art_corrupt(tree->options.path, ART_NOWHERE, ART_NOWHERE, "a row's value is longer than any is stored");
    cast_shadow(tree, shadow, &entry);
    tree->txn.adds = true;
    return art_memtable_set(tree->memtable, to, &entry);
}

enum art_rc art_tree_move(struct art_tree *tree, enum art_write mode, struct art_bytes from, struct art_bytes to,
                          const struct art_bytes *value, bool *existed) {
    *existed = false;
    struct art_bytes from_key, to_key;
    enum art_rc rc = ready_to_write(tree);
    if (!rc && value) rc = check_value(*value);
    if (!rc) rc = art_row_key(tree->key, from, &from_key);
    if (!rc) rc = art_row_key(tree->second_key, to, &to_key);
    if (rc) return rc;
    struct art_found source, target;
    struct art_memtable_position position;
    bool stays = art_bytes_equal(from, to);
    rc = stays ? art_tree_find_position(tree, from_key, &source, &position) : art_tree_find(tree, from_key, &source);
    if (rc) return rc;
    if (!source.live) return ART_NOTFOUND;
    if (stays) return value ? put_found(tree, from_key, &source, &position, *value) : ART_OK;
    if (source.blob) art_blob_pin(source.blob);
    rc = art_tree_find(tree, to_key, &target);
    if (!rc && !(target.live && mode == ART_WRITE_INSERT)) {
        uint8_t source_ref[ART_OVERFLOW_REF_BYTES], target_ref[ART_OVERFLOW_REF_BYTES];
        struct art_bytes replaced = overflow_of(&target, target_ref), left = overflow_of(&source, source_ref);
        struct shadow source_shadow, target_shadow;
        shadow_of(tree, from_key, &source, &source_shadow);
        shadow_of(tree, to_key, &target, &target_shadow);
        uint64_t before = art_memtable_savepoint(tree->memtable);
        if (replaced.len) rc = art_overflow_delete(tree, replaced);
        if (!rc && value && left.len) rc = art_overflow_delete(tree, left);
        if (!rc)
            rc = value ? put_row(tree, to_key, NULL, *value, &target_shadow)
                       : move_entry(tree, to_key, &source.entry, &target_shadow);
        if (!rc) rc = delete_row(tree, from_key, NULL, &source_shadow);
        rc = finish(tree, rc, before, &to_key);
    }
    if (!rc) *existed = target.live;
    if (source.blob) art_blob_unpin(source.blob);
    return rc;
}

/* What art_tree_get() has found. */
static struct art_found found_row(const struct art_row *row) {
    assert(row->flags & ART_REPLACED || !row->head);
    struct art_found found = {.any = true, .live = true, .in_memtable = row->held_memtable, .blob = row->pinned_blob};
    struct art_bytes stored = {row->stored.bytes.data - row->head, row->stored.bytes.len + row->head};
    found.entry = (struct art_entry){.value = stored, .csn = row->version, .flags = row->flags, .row = row->stored.row};
    return found;
}

enum art_rc art_tree_update(struct art_tree *tree, struct art_bytes path, const struct art_row *row,
                            struct art_bytes value) {
    struct art_bytes key;
    struct art_memtable_position position;
    enum art_rc rc = ready_to_write(tree);
    if (!rc) rc = check_value(value);
    if (!rc) rc = art_row_key(tree->key, path, &key);
    if (rc) return rc;
    if (row->changes != tree->changes) {
        bool existed;
        return art_tree_move(tree, ART_WRITE_INSERT, path, path, &value, &existed);
    }
    struct art_found found = found_row(row);
    assert(!row->pinned_blob != !row->held_memtable);
    art_memtable_look(tree->memtable, key, &position);
    return put_found(tree, key, &found, &position, value);
}
