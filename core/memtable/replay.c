/* Applying redo.
 *
 * Whether a key lives in the runs below was settled by the first row that touched it. So an entry that is held keeps
 * its `shadows_older`, and a row that is applied again changes nothing. Only for a key that the memtable does not hold
 * is the row's `shadows_older`, "live before the transaction", the same as "live below".
 */
#include <assert.h>

#include "core/memtable/inside.h"
#include "core/memtable/redo_reader.h"

#include "core/base/error.h"

static enum art_rc too_short(void) {
    return art_corrupt("redo log", ART_NOWHERE, ART_NOWHERE, "a row of %d bytes or less", ART_REDO_HASH_BYTES);
}

static struct art_bytes body_of(struct art_bytes row) {
    assert(row.len > ART_REDO_HASH_BYTES);
    return art_bytes(row.data + ART_REDO_HASH_BYTES, row.len - ART_REDO_HASH_BYTES);
}

enum art_rc art_redo_follows(struct art_bytes row, uint64_t csn, struct art_hash128 previous,
                             struct art_hash128 *hash) {
    if (row.len <= ART_REDO_HASH_BYTES) return too_short();
    struct art_bytes body = body_of(row);
    struct art_hash128 stored = {art_load64(row.data), art_load64(row.data + 8)};
    if (!art_hash128_equal(stored, art_redo_hash(previous, csn, body.data, body.len))) {
        return art_fail(ART_REBUILD, "art: log row %llu does not follow the rows before it", (unsigned long long)csn);
    }
    *hash = stored;
    return ART_OK;
}

enum art_rc art_redo_verify(struct art_bytes row, uint64_t csn, struct art_hash128 previous, struct art_hash128 *hash) {
    struct art_hash128 stored;
    enum art_rc rc = art_redo_follows(row, csn, previous, &stored);
    if (rc) return rc;
    struct art_redo_reader reader;
    struct art_bytes key;
    struct art_entry entry;
    rc = art_redo_reader_init(&reader, body_of(row), ART_REDO_ROW, csn);
    while (!rc) rc = art_redo_reader_next(&reader, &key, &entry);
    art_redo_reader_clear(&reader);
    if (rc != ART_NOTFOUND) return rc;
    *hash = stored;
    return ART_OK;
}

static enum art_rc apply(struct art_bytes body, enum art_redo_kind kind, uint64_t csn, enum art_put_mode mode,
                         struct art_memtable *memtable) {
    assert(!art_memtable_dirty(memtable));
    if (csn >> 56) return art_corrupt("redo log", ART_NOWHERE, ART_NOWHERE, "a row has an impossible number");
    struct art_redo_reader reader;
    struct art_bytes key;
    struct art_entry entry;
    enum art_rc rc = art_redo_reader_init(&reader, body, kind, csn);
    while (!rc) {
        rc = art_redo_reader_next(&reader, &key, &entry);
        if (!rc) rc = art_memtable_put(memtable, key, &entry, mode);
        memtable->replayed += !rc;
    }
    art_redo_reader_clear(&reader);
    return rc == ART_NOTFOUND ? ART_OK : rc;
}

enum art_rc art_redo_replay(struct art_bytes row, uint64_t csn, struct art_memtable *memtable) {
    if (row.len <= ART_REDO_HASH_BYTES) return too_short();
    return apply(body_of(row), ART_REDO_ROW, csn, ART_PUT_KEEP_SHADOWS, memtable);
}

enum art_rc art_redo_decode_all(struct art_bytes bytes, struct art_memtable *memtable) {
    return apply(bytes, ART_REDO_ALL, 0, ART_PUT_PLAIN, memtable);
}
