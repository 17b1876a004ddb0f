/* Writing redo: what a transaction did, net, in key order.
 *
 * The touched keys stand in the undo list in the order of their first change and are sorted; a load that came in order
 * costs next to nothing. Where a good part of the whole memtable was touched, walking it in order is quicker.
 */
#include "core/memtable/inside.h"
#include "core/memtable/redo_reader.h"

#include "core/base/alloc.h"
#include "core/base/error.h"

/* --- entries ------------------------------------------------------------------------------------------------------ */

struct redo_writer {
    struct art_buffer *out;
    enum art_redo_kind kind;
    struct art_bytes previous; /* key of the entry before, in the arena */
    uint64_t csn;              /* of the entry before */
};

static enum art_rc start_redo(struct redo_writer *writer, enum art_redo_kind kind, struct art_buffer *out) {
    uint8_t byte = (uint8_t)kind;
    *writer = (struct redo_writer){.out = out, .kind = kind};
    return art_buffer_append(out, &byte, 1);
}

static inline uint64_t zigzag(uint64_t difference) {
    return difference << 1 ^ (0 - (difference >> 63));
}

/* `head`: what the value begins with as it is stored, in front of `value`. */
static enum art_rc write_entry(struct redo_writer *writer, const struct art_leaf *leaf, uint8_t flags,
                               struct art_bytes head, struct art_bytes value) {
    struct art_bytes key = art_leaf_key(leaf), previous = writer->previous;
    uint32_t shared = art_common_prefix(previous.data, key.data, art_min32(previous.len, key.len));
    assert(!previous.data || art_bytes_compare(previous, key) < 0);
    enum art_rc rc = art_buffer_reserve(writer->out, ART_REDO_ENTRY_OVERHEAD + (size_t)key.len + value.len);
    if (rc) return rc;
    uint8_t *p = writer->out->data + writer->out->len;
    *p++ = flags;
    p += art_put_varint(p, shared);
    p += art_put_varint(p, key.len - shared);
    if (key.len > shared) memcpy(p, key.data + shared, key.len - shared);
    p += key.len - shared;
    if (writer->kind == ART_REDO_ALL) {
        uint64_t csn = leaf->csn_flags >> 8;
        p += art_put_varint(p, zigzag(csn - writer->csn));
        writer->csn = csn;
    }
    if (!(flags & ART_DELETE) || flags & ART_REPLACED) {
        p += art_put_varint(p, (uint64_t)head.len + value.len);
        if (head.len) memcpy(p, head.data, head.len);
        if (value.len) memcpy(p + head.len, value.data, value.len);
        p += head.len + value.len;
    }
    writer->out->len = (size_t)(p - writer->out->data);
    assert(writer->out->len <= writer->out->capacity && !(flags & ~ART_ENTRY_FLAGS));
    writer->previous = key;
    return ART_OK;
}

enum { WALK_FROM = 8 }; /* one touched key in so many makes walking quicker than sorting */

/* --- a transaction ------------------------------------------------------------------------------------------------ */

/* ART_SHADOWS_OLDER if the key was live before this transaction, and ART_REPLACED with *head if that row had sums. */
static uint8_t row_before(const struct art_memtable *memtable, const struct art_leaf *leaf,
                          uint8_t buffer[ART_REPLACED_MAX], struct art_bytes *head) {
    assert(art_undo_noted_in_transaction(&memtable->undo, leaf));
    const struct art_undo_note *note = art_undo_at(&memtable->undo, leaf->noted);
    while (note->noted > memtable->undo.base) note = art_undo_at(&memtable->undo, note->noted);
    if (note->absent) {
        uint8_t flags = art_leaf_flags(leaf);
        *head = art_bytes(leaf->value, art_entry_head(flags, art_leaf_value(leaf)));
        return flags & (ART_SHADOWS_OLDER | ART_REPLACED);
    }
    struct art_entry row = {.value = art_bytes(note->value, note->value_len), .flags = (uint8_t)note->csn_flags};
    if (row.flags & ART_DELETE) return 0;
    if (memtable->summary)
        *head = art_bytes(buffer, art_replaced_encode(memtable->summary, art_leaf_key(leaf), &row, buffer));
    return ART_SHADOWS_OLDER | (head->len ? ART_REPLACED : 0);
}

static enum art_rc write_touched(struct redo_writer *writer, const struct art_memtable *memtable,
                                 const struct art_leaf *leaf) {
    uint8_t buffer[ART_REPLACED_MAX], flags = art_leaf_flags(leaf);
    struct art_bytes head = {0}, value = art_entry_value(flags, art_leaf_value(leaf));
    flags &= (uint8_t) ~(ART_SHADOWS_OLDER | ART_REPLACED);
    flags |= row_before(memtable, leaf, buffer, &head);
    return write_entry(writer, leaf, flags, head, value);
}

/* Merge sort, the runs of `width` in turn between `leaves` and `spare`; returns the one that holds the result. */
static const struct art_leaf **sort_leaves(const struct art_leaf **leaves, const struct art_leaf **spare,
                                           size_t count) {
    assert(leaves != spare);
    for (size_t width = 1; width < count; width *= 2) {
        const struct art_leaf **to = spare;
        for (size_t begin = 0; begin < count; begin += 2 * width) {
            const struct art_leaf **a = leaves + begin, **end = leaves + count;
            const struct art_leaf **a_end = end - a > (ptrdiff_t)width ? a + width : end, **b = a_end;
            const struct art_leaf **b_end = end - b > (ptrdiff_t)width ? b + width : end;
            if (b < b_end && art_bytes_compare(art_leaf_key(a_end[-1]), art_leaf_key(b[0])) > 0) {
                while (a < a_end && b < b_end) {
                    bool first = art_bytes_compare(art_leaf_key(*a), art_leaf_key(*b)) < 0;
                    *to++ = first ? *a++ : *b++;
                }
            }
            while (a < a_end) *to++ = *a++;
            while (b < b_end) *to++ = *b++;
        }
        spare = leaves;
        leaves = to - count;
    }
    return leaves;
}

static enum art_rc write_sorted(struct redo_writer *writer, const struct art_memtable *memtable) {
    const struct art_undo *undo = &memtable->undo;
    if (!undo->count) return ART_OK;
    const struct art_leaf **leaves = art_alloc(2 * undo->count * sizeof *leaves);
    if (!leaves) return art_nomem();
    size_t count = 0;
    for (size_t i = 0; i < undo->count; i++) {
        bool first = undo->notes[i].noted <= undo->base; /* of its key in this transaction */
        if (first) leaves[count++] = undo->notes[i].leaf;
    }
    const struct art_leaf **sorted = sort_leaves(leaves, leaves + count, count);
    assert(count && count <= undo->count);
    enum art_rc rc = ART_OK;
    for (size_t i = 0; !rc && i < count; i++) rc = write_touched(writer, memtable, sorted[i]);
    art_free(leaves);
    return rc;
}

/* Looks at every key of the memtable. */
static enum art_rc write_walking(struct redo_writer *writer, const struct art_memtable *memtable) {
    struct art_memtable_cursor cursor;
    art_memtable_cursor_init(&cursor, memtable);
    enum art_rc rc = art_memtable_first(&cursor);
    while (!rc && cursor.valid) {
        if (art_undo_noted_in_transaction(&memtable->undo, cursor.leaf))
            rc = write_touched(writer, memtable, cursor.leaf);
        if (!rc) rc = art_memtable_next(&cursor);
    }
    art_memtable_cursor_clear(&cursor);
    return rc;
}

enum art_rc art_redo_encode(const struct art_memtable *memtable, uint64_t csn, struct art_hash128 *hash,
                            struct art_buffer *out) {
    assert(csn && !(csn >> 56)); /* a root has half of the bits at most, and each row one more (ART_ROOT_CSN_MAX) */
    static const uint8_t unknown_hash[ART_REDO_HASH_BYTES];
    size_t row = out->len;
    struct redo_writer writer;
    enum art_rc rc = art_buffer_append(out, unknown_hash, sizeof unknown_hash);
    if (!rc) rc = start_redo(&writer, ART_REDO_ROW, out);
    bool much = memtable->undo.count > memtable->keys / WALK_FROM;
    if (!rc) rc = much ? write_walking(&writer, memtable) : write_sorted(&writer, memtable);
    if (rc) {
        out->len = row;
        return rc;
    }
    assert(out->len - row > ART_REDO_HASH_BYTES);
    *hash = art_redo_hash(*hash, csn, out->data + row + ART_REDO_HASH_BYTES, out->len - row - ART_REDO_HASH_BYTES);
    art_store64(out->data + row, hash->low);
    art_store64(out->data + row + 8, hash->high);
    return ART_OK;
}

enum art_rc art_redo_encode_some(struct art_memtable_cursor *cursor, size_t enough, struct art_buffer *out) {
    assert(enough);
    size_t begin = out->len;
    struct redo_writer writer;
    enum art_rc rc = start_redo(&writer, ART_REDO_ALL, out);
    while (!rc && cursor->valid && out->len - begin < enough) {
        const struct art_leaf *leaf = cursor->leaf;
        rc = write_entry(&writer, leaf, art_leaf_flags(leaf), art_bytes(NULL, 0), art_leaf_value(leaf));
        if (!rc) rc = art_memtable_next(cursor);
    }
    return rc;
}
