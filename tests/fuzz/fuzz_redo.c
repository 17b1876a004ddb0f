/* Row 0 and the redo rows of T_artdata, of any bytes.
 *
 * Input: a parcel (parcel.h) of a ROOT, ROWs and OPS. What stands in OPS is also taken as it is for a root, a row and a
 * whole memtable, with all sums and hashes wrong or right as they come.
 *
 *   - every call answers or says ART_CORRUPT (a row that does not follow: ART_REBUILD, another format: ART_CANTOPEN)
 *   - what verify() has found sound is applied without an error, makes a memtable that passes its own check and holds
 *     what the row says, and is the same after it was written and read again
 *   - all of it with a toy summary (support/toy_summary.h) as well; sums before a key are those of the entries before
 *     it
 *   - a root that was read and written is the same when it is read again
 *
 * fuzz_store takes the same parcels, and has a tree read them.
 */
#include "core/memtable/inside.h"
#include "core/memtable/redo_reader.h"
#include "core/tree/txn/txn.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/parcel.h"
#include "tests/support/memtable_model.h"
#include "tests/support/of_core.h"
#include "tests/support/toy_summary.h"

static struct art_measures has;
static struct art_summary summary;

enum { SUMS_MAX = 200 };

static bool sound(int rc, const char *what) {
    return rc != ART_REBUILD && fuzz_sound(rc, what);
}

/* --- the root ----------------------------------------------------------------------------------------------------- */

static bool same_ref(const struct art_ref *a, const struct art_ref *b) {
    return a->slot == b->slot && a->height == b->height && a->leaf_pages == b->leaf_pages &&
           a->footer_pages == b->footer_pages && a->generation == b->generation && a->entries == b->entries &&
           a->count == b->count && art_hash128_equal(a->hash, b->hash) && art_bytes_equal(a->label, b->label);
}

static void try_root(struct art_bytes bytes) {
    struct art_root *root, *again, *copy;
    struct art_buffer written = {0};
    int rc = art_root_decode(bytes, &root);
    if (rc == ART_CANTOPEN || !fuzz_sound(rc, "root") || rc) return; /* a later version's may not be opened */
    if (art_root_encode(root, &written)) fuzz_fail("a root cannot be written");
    if (art_root_decode(art_buffer_bytes(&written), &again)) fuzz_fail("a root cannot be read again");
    if (again->csn != root->csn || again->generation != root->generation || again->runs != root->runs ||
        !art_hash128_equal(again->chain, root->chain)) {
        fuzz_fail("a root is another when it is read again");
    }
    if (art_root_clone(root, &copy)) fuzz_fail("a root cannot be copied");
    struct art_bytes cuts = art_buffer_bytes(&root->cuts);
    if (!art_bytes_equal(cuts, art_buffer_bytes(&again->cuts)) || !art_bytes_equal(cuts, art_buffer_bytes(&copy->cuts)))
        fuzz_fail("a root has other cuts when it is read again");
    fuzz_touch(cuts);
    for (unsigned i = 0; i < root->runs; i++) {
        if (!same_ref(&root->run[i].top, &again->run[i].top) || !same_ref(&root->run[i].top, &copy->run[i].top)) {
            fuzz_fail("run %u of a root is another when it is read again", i);
        }
        fuzz_touch(root->run[i].top.label);
    }
    while (copy->runs) art_root_remove_run(copy, copy->runs / 2);
    art_root_unref(copy);
    art_root_unref(again);
    art_root_unref(root);
    art_buffer_clear(&written);
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

static void must_add_up(const struct art_memtable *memtable) {
    art_int128 before[ART_SUMMARY_MAX] = {0};
    struct art_memtable_cursor cursor;
    art_memtable_cursor_init(&cursor, memtable);
    int rc = art_memtable_first(&cursor);
    for (unsigned i = 0; !rc && cursor.valid; i++, rc = art_memtable_next(&cursor)) {
        art_int128 sum[ART_SUMMARY_MAX] = {0};
        struct art_entry entry;
        if (i < SUMS_MAX) art_memtable_sums(memtable, cursor.key, sum);
        if (i < SUMS_MAX && memcmp(sum, before, sizeof sum) != 0) fuzz_fail("other sums before a key");
        art_memtable_cursor_entry(&cursor, &entry);
        art_summary_sums(memtable->summary, cursor.key, &entry, before);
    }
    if (rc) fuzz_fail("a memtable cannot be read");
    art_memtable_cursor_clear(&cursor);
}

static void must_be_sound(const struct art_memtable *memtable) {
    struct art_buffer all = {0};
    struct art_memtable *again, *compact;
    if (art_memtable_check(memtable)) fuzz_fail("a memtable made of redo: %s", art_error_message());
    if (memtable->summary) must_add_up(memtable);
    if (art_redo_encode_all(memtable, &all) || art_memtable_open_summed(&again, memtable->summary))
        fuzz_fail("a memtable cannot be written");
    int rc = art_redo_decode_all(art_buffer_bytes(&all), again);
    if (rc || art_memtable_compact(memtable, &compact))
        fuzz_fail("a memtable cannot be read again: %s", art_error_message());
    memtables_equal(memtable, again);
    memtables_equal(memtable, compact);
    art_memtable_unref(again);
    art_memtable_unref(compact);
    art_buffer_clear(&all);
}

/* Every entry of the row is there, as the row says, and nothing that it does not say. */
static void must_hold(struct art_memtable *memtable, struct art_bytes row, uint64_t csn, uint64_t most_keys) {
    struct art_redo_reader reader;
    struct art_bytes key;
    struct art_entry said, found;
    uint64_t keys = 0;
    struct art_bytes body = art_bytes(row.data + ART_REDO_HASH_BYTES, row.len - ART_REDO_HASH_BYTES);
    int rc = art_redo_reader_init(&reader, body, ART_REDO_ROW, csn);
    while (!rc) {
        rc = art_redo_reader_next(&reader, &key, &said);
        if (rc) break;
        keys++;
        if (art_memtable_get(memtable, key, &found)) fuzz_fail("a key of a row is not in the memtable");
        if (!art_memtable_may_contain(memtable, art_hash64(key.data, key.len))) fuzz_fail("the memtable's filter lies");
        /* What an entry says of the row below, the memtable knew better where it held the key. */
        enum { OF_THE_ROW_BELOW = ART_SHADOWS_OLDER | ART_REPLACED };
        struct art_bytes value = art_entry_value(said.flags, said.value);
        if (found.csn != csn || (found.flags | OF_THE_ROW_BELOW) != (said.flags | OF_THE_ROW_BELOW) ||
            !art_bytes_equal(art_entry_value(found.flags, found.value), value)) {
            fuzz_fail("a key of a row has another entry in the memtable");
        }
    }
    art_redo_reader_clear(&reader);
    if (rc != ART_NOTFOUND) fuzz_fail("a sound row: %s", art_error_message());
    if (art_memtable_keys(memtable) > most_keys + keys) fuzz_fail("the memtable has keys that no row has");
}

/* The row behind `previous` into the memtable; false: it is none. */
static bool try_row(struct art_bytes row, uint64_t csn, struct art_hash128 *previous, struct art_memtable *memtable) {
    struct art_hash128 hash;
    int rc = art_redo_verify(row, csn, *previous, &hash);
    if (!sound(rc, "verify") || rc) return false;
    uint64_t keys = art_memtable_keys(memtable);
    rc = art_redo_replay(row, csn, memtable);
    if (csn >> 56) {
        if (rc != ART_CORRUPT) fuzz_fail("an impossible csn was taken");
        return false;
    }
    if (rc) fuzz_fail("replay of a sound row: %s", art_error_message());
    must_hold(memtable, row, csn, keys);
    *previous = hash;
    return true;
}

/* --- one input ---------------------------------------------------------------------------------------------------- */

static void try_raw(struct art_bytes bytes, const struct art_summary *with) {
    struct art_memtable *memtable;
    struct art_hash128 hash = {1, 2};
    if (art_memtable_open_summed(&memtable, with)) fuzz_fail("no memtable");
    try_root(bytes);
    try_row(bytes, 1, &hash, memtable);
    art_memtable_unref(memtable);
    if (art_memtable_open_summed(&memtable, with)) fuzz_fail("no memtable");
    int rc = art_redo_decode_all(bytes, memtable);
    if (fuzz_sound(rc, "decode_all") && !rc) must_be_sound(memtable);
    art_memtable_unref(memtable);
}

static void try_all(const uint8_t *data, size_t size, const struct art_summary *with) {
    uint8_t *copy = malloc(size + 1);
    if (size) memcpy(copy, data, size);
    struct parcel parcel;
    struct parcel_place place = {0};
    struct art_buffer root = {0}, row = {0};
    struct art_memtable *memtable;
    struct art_hash128 chain = {0};
    uint64_t csn;
    parcel_read(&parcel, copy, size);
    struct parcel_section *packed = parcel_find(&parcel, PARCEL_ROOT), *ops = parcel_find(&parcel, PARCEL_OPS);
    if (packed) {
        parcel_open_root(&place, packed, &root);
        try_root(art_buffer_bytes(&root));
        if (root.len >= 40) memcpy(&chain, root.data + 24, sizeof chain);
    }
    struct art_hash128 made = chain;
    if (art_memtable_open_summed(&memtable, with)) fuzz_fail("no memtable");
    for (unsigned i = 0; i < parcel.count; i++) {
        if (parcel.sections[i].kind != PARCEL_ROW || !parcel_open_row(&parcel.sections[i], &made, &csn, &row)) continue;
        if (!try_row(art_buffer_bytes(&row), csn, &chain, memtable)) break;
    }
    must_be_sound(memtable);
    art_memtable_unref(memtable);
    if (ops) try_raw(art_bytes(ops->data, ops->len), with);
    art_buffer_clear(&root);
    art_buffer_clear(&row);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    summary = (struct art_summary){0};
    try_all(data, size, NULL);
    has = toy_form((unsigned)size);
    summary = toy_summary(&has);
    try_all(data, size, &summary);
    return 0;
}
