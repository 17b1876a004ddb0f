/* The undo list: the state of each key before its first change after each savepoint.
 *
 *   notes   0         1         2         3         4
 *           savepoint                savepoint                     positions are indexes
 *
 * A leaf remembers the number of its last note. If that is younger than the last savepoint, going back to any savepoint
 * passes a note with an older state anyway and no further note is needed. A note remembers the leaf's note before it,
 * so a rollback leaves the chains as they were.
 */
#include "core/memtable/inside.h"

#include "core/base/alloc.h"
#include "core/base/limits.h"

static void assert_undo(const struct art_undo *undo) {
    assert(undo->count <= undo->capacity && !undo->capacity == !undo->notes);
    assert(undo->base <= undo->savepoint && undo->savepoint <= undo->base + undo->count);
    (void)undo;
}

bool art_undo_reserve(struct art_undo *undo) {
    if (undo->count < undo->capacity) return true;
    size_t more =
        undo->capacity < ART_LIMIT(notes_kept) ? undo->capacity : undo->capacity / 4; /* it counts for spill_limit */
    size_t capacity = undo->capacity ? undo->capacity + more : ART_LIMIT(notes_first);
    struct art_undo_note *notes = art_resize(undo->notes, capacity * sizeof *notes);
    if (!notes) return false;
    undo->notes = notes;
    undo->capacity = capacity;
    assert(undo->count < undo->capacity);
    return true;
}

void art_undo_note(struct art_undo *undo, struct art_leaf *leaf, bool absent) {
    assert(undo->count < undo->capacity && !art_undo_noted_since_savepoint(undo, leaf));
    undo->notes[undo->count++] = (struct art_undo_note){
        .leaf = leaf,
        .csn_flags = leaf->csn_flags,
        .value = leaf->value,
        .noted = leaf->noted,
        .value_len = leaf->value_len,
        .absent = absent,
    };
    leaf->noted = undo->base + undo->count;
    assert_undo(undo);
}

void art_undo_clear(struct art_undo *undo) {
    art_free(undo->notes);
    *undo = (struct art_undo){0};
}

uint64_t art_memtable_savepoint(struct art_memtable *memtable) {
    struct art_undo *undo = &memtable->undo;
    undo->savepoint = undo->base + undo->count;
    assert_undo(undo);
    return undo->count;
}

void art_memtable_rollback(struct art_memtable *memtable, uint64_t position) {
    struct art_undo *undo = &memtable->undo;
    assert(position <= undo->count);
    while (undo->count > position) {
        const struct art_undo_note *note = &undo->notes[--undo->count];
        struct art_leaf *leaf = note->leaf;
        leaf->noted = note->noted;
        if (note->absent) {
            art_memtable_remove(memtable, leaf);
        } else {
            art_memtable_turn(memtable, leaf, note->csn_flags, art_bytes(note->value, note->value_len));
        }
    }
    undo->savepoint = undo->base + undo->count;
    assert_undo(undo);
    art_memtable_assert(memtable);
}

void art_memtable_forget_undo(struct art_memtable *memtable) {
    struct art_undo *undo = &memtable->undo;
    undo->base += undo->count;
    undo->savepoint = undo->base;
    undo->count = 0;
    if (undo->capacity > ART_LIMIT(notes_kept)) {
        art_free(undo->notes);
        undo->notes = NULL;
        undo->capacity = 0;
    }
    assert_undo(undo);
}

bool art_memtable_dirty(const struct art_memtable *memtable) {
    return memtable->undo.count > 0;
}
