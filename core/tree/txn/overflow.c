/* Values over the threshold: overflow chunks, in the second name space.
 *
 *   key of a chunk     ART_SPACE_OVERFLOW | csn, 8 bytes big-endian | counter, 4 bytes big-endian | number, 4 bytes
 *                      big-endian
 *   the row's value    u64 length | csn, 8 bytes big-endian | counter, 4 bytes big-endian | u64 XXH3-64 of the value |
 *                      with a summary: the row's data (core/base/summary.h)
 *
 * The id (csn, counter in the transaction) is never given twice: no savepoint takes the counter back, so a chunk is
 * known to be new when it is put (`shadows_older` 0) and known to be there when it is deleted (`shadows_older` 1,
 * unless the memtable still holds it): neither needs a lookup.
 */
#include <assert.h>

#include "core/base/limits.h"
#include "core/tree/txn/txn.h"

/* Memory before the first chunk was read; a length that is believed without a look at the value's last chunk. */

/* Of a reference from disk, whose length may be anything. */
static bool possible(const struct art_overflow_ref *ref) {
    return ref->length && ref->length <= ART_VALUE_MAX;
}

struct art_overflow_ref art_overflow_decode(struct art_bytes bytes) {
    struct art_overflow_ref ref = {0};
    if (bytes.len < ART_OVERFLOW_REF_BYTES || bytes.len > ART_OVERFLOW_REF_BYTES_MAX) return ref;
    ref.length = art_load64(bytes.data);
    memcpy(ref.id, bytes.data + 8, ART_OVERFLOW_ID_BYTES);
    ref.hash = art_load64(bytes.data + 8 + ART_OVERFLOW_ID_BYTES);
    return ref;
}

struct art_bytes art_overflow_key(uint8_t key[ART_OVERFLOW_KEY_BYTES + ART_KEY_PADDING],
                                  const uint8_t id[ART_OVERFLOW_ID_BYTES], uint32_t number) {
    memset(key, 0, ART_OVERFLOW_KEY_BYTES + ART_KEY_PADDING);
    key[0] = ART_SPACE_OVERFLOW;
    memcpy(key + 1, id, ART_OVERFLOW_ID_BYTES);
    art_store32_be(key + 1 + ART_OVERFLOW_ID_BYTES, number);
    return art_bytes(key, ART_OVERFLOW_KEY_BYTES);
}

static uint8_t chunk_flag(const struct art_tree *tree) {
    return art_tree_summary(tree) ? ART_CHUNK : 0;
}

uint32_t art_overflow_put_data(const struct art_summary *summary, struct art_bytes value,
                               uint8_t ref[ART_OVERFLOW_REF_BYTES_MAX]) {
    struct art_datum data[ART_SUMMARY_MAX];
    if (!summary) return ART_OVERFLOW_REF_BYTES;
    assert(summary->has.columns <= ART_SUMMARY_MAX);
    struct art_stored stored = art_stored_of(value);
    art_summary_read_stored(summary, &stored, ART_ALL_COLUMNS, NULL, data);
    art_data_encode(summary, data, ref + ART_OVERFLOW_REF_BYTES);
    return ART_OVERFLOW_REF_BYTES + summary->has.columns * (uint32_t)ART_DATUM_BYTES;
}

enum art_rc art_overflow_put(struct art_tree *tree, struct art_bytes value, uint8_t ref[ART_OVERFLOW_REF_BYTES_MAX],
                             uint32_t *len) {
    assert(art_tree_in_txn(tree) && value.len > ART_LIMIT(value_inline));
    uint8_t id[ART_OVERFLOW_ID_BYTES], key[ART_OVERFLOW_KEY_BYTES + ART_KEY_PADDING];
    if (tree->txn.overflow_values == UINT32_MAX)
        return art_fail(ART_TOOBIG, "art: a transaction writes at most %u large values: COMMIT earlier", UINT32_MAX);
    art_store64_be(id, tree->txn.csn);
    art_store32_be(id + 8, tree->txn.overflow_values++);
    uint32_t number = 0;
    for (uint64_t at = 0; at < value.len; at += ART_OVERFLOW_CHUNK_BYTES) {
        uint32_t n = art_min32(ART_OVERFLOW_CHUNK_BYTES, value.len - (uint32_t)at);
        struct art_entry entry = {
            .value = art_bytes(value.data + at, n), .csn = tree->txn.csn, .flags = chunk_flag(tree)};
        enum art_rc rc = art_memtable_set(tree->memtable, art_overflow_key(key, id, number++), &entry);
        if (rc) return rc;
    }
    assert(number == (value.len + ART_OVERFLOW_CHUNK_BYTES - 1) / ART_OVERFLOW_CHUNK_BYTES);
    art_store64(ref, value.len);
    memcpy(ref + 8, id, ART_OVERFLOW_ID_BYTES);
    art_store64(ref + 8 + ART_OVERFLOW_ID_BYTES, art_hash64(value.data, value.len));
    *len = art_overflow_put_data(art_tree_summary(tree), value, ref);
    return ART_OK;
}

/* Did anybody put them? Half a million deletes for a length that is a lie would be too many; a few thousand are not. */
static enum art_rc were_put(struct art_tree *tree, const struct art_overflow_ref *ref, bool *out) {
    uint8_t key[ART_OVERFLOW_KEY_BYTES + ART_KEY_PADDING];
    *out = possible(ref);
    if (!*out || ref->length <= ART_LIMIT(value_believed_bytes)) return ART_OK;
    struct art_found last;
    enum art_rc rc = art_tree_find(
        tree, art_overflow_key(key, ref->id, (uint32_t)((ref->length - 1) / ART_OVERFLOW_CHUNK_BYTES)), &last);
    *out = last.live;
    return rc;
}

enum art_rc art_overflow_delete(struct art_tree *tree, struct art_bytes bytes) {
    assert(art_tree_in_txn(tree));
    struct art_overflow_ref ref = art_overflow_decode(bytes);
    uint8_t key_bytes[ART_OVERFLOW_KEY_BYTES + ART_KEY_PADDING];
    uint32_t number = 0;
    bool there;
    enum art_rc found = were_put(tree, &ref, &there);
    if (found || !there) return found; /* the row shall go all the same */
    assert(possible(&ref));
    for (uint64_t at = 0; at < ref.length; at += ART_OVERFLOW_CHUNK_BYTES) {
        struct art_bytes key = art_overflow_key(key_bytes, ref.id, number++);
        struct art_entry entry = {.csn = tree->txn.csn, .flags = ART_DELETE | ART_SHADOWS_OLDER}, present;
        if (!art_memtable_get(tree->memtable, key, &present))
            entry.flags = ART_DELETE | (present.flags & ART_SHADOWS_OLDER);
        entry.flags |= chunk_flag(tree);
        enum art_rc rc = art_memtable_set(tree->memtable, key, &entry);
        if (rc) return rc;
    }
    return ART_OK;
}

/* Room for `need` bytes of `whole`: no more than twice what was found, since a length from disk may be a lie. */
static enum art_rc grow(uint8_t **value, uint64_t *capacity, uint64_t need, uint64_t whole) {
    assert(need <= whole);
    if (need <= *capacity) return ART_OK;
    uint64_t wanted = *capacity ? 2 * *capacity : ART_LIMIT(value_first_bytes);
    if (wanted > whole) wanted = whole;
    uint8_t *more = art_resize(*value, wanted);
    if (!more) return art_nomem();
    *value = more;
    *capacity = wanted;
    return ART_OK;
}

static enum art_rc read_chunks(struct art_tree *tree, const struct art_overflow_ref *ref, uint8_t **value) {
    assert(possible(ref));
    uint8_t key[ART_OVERFLOW_KEY_BYTES + ART_KEY_PADDING], room[ART_VALUE_INLINE_MAX];
    uint32_t number = 0;
    uint64_t capacity = 0;
    for (uint64_t at = 0; at < ref->length; at += ART_OVERFLOW_CHUNK_BYTES) {
        uint64_t n = ref->length - at < ART_OVERFLOW_CHUNK_BYTES ? ref->length - at : ART_OVERFLOW_CHUNK_BYTES;
        struct art_found found;
        enum art_rc rc = art_tree_find(tree, art_overflow_key(key, ref->id, number++), &found);
        struct art_bytes chunk = rc || !found.live ? art_bytes(NULL, 0) : art_entry_plain(&found.entry, room);
        if (!rc && (!found.live || chunk.len != n)) {
            rc = art_corrupt(tree->options.path, ART_NOWHERE, ART_NOWHERE, "chunk %u of a large value is missing",
                             number - 1);
        }
        if (!rc) rc = grow(value, &capacity, at + n, ref->length);
        if (rc) return rc;
        assert(*value && chunk.data && at + n <= capacity);
        memcpy(*value + at, chunk.data, n);
        if (number % ART_LIMIT(relax_chunks)) continue;
        art_store_relax(tree->store);
        rc = art_tree_interrupted(tree);
        if (rc) return rc;
    }
    if (art_hash64(*value, ref->length) == ref->hash) return ART_OK;
    return art_corrupt(tree->options.path, ART_NOWHERE, ART_NOWHERE,
                       "the chunks of a large value do not match its checksum");
}

static enum art_rc copy_out(const struct art_stored *stored, struct art_bytes *out, uint8_t **owned) {
    assert(stored->in_block);
    *owned = art_alloc(ART_VALUE_INLINE_MAX);
    if (!*owned) return art_nomem();
    *out = art_stored_plain(stored, *owned);
    return ART_OK;
}

enum art_rc art_row_value(struct art_tree *tree, const struct art_row *row, struct art_bytes *out, uint8_t **owned) {
    uint8_t room[ART_VALUE_INLINE_MAX], *value = NULL;
    *owned = NULL;
    *out = row->stored.bytes;
    if (!row->overflows) return row->stored.in_block ? copy_out(&row->stored, out, owned) : ART_OK;
    enum art_rc rc = art_tree_ready(tree);
    if (rc) return rc;
    struct art_overflow_ref ref = art_overflow_decode(art_stored_plain(&row->stored, room));
    if (!possible(&ref)) {
        return art_corrupt(tree->options.path, ART_NOWHERE, ART_NOWHERE,
                           "a row's reference to its chunks has an impossible length");
    }
    rc = read_chunks(tree, &ref, &value);
    if (rc) {
        art_free(value);
        return rc;
    }
    *out = art_bytes(value, (uint32_t)ref.length);
    assert(value);
    *owned = value;
    return ART_OK;
}
