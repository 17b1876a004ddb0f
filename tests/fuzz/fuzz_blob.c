/* A blob's image of any bytes, behind its hashes: opened, read in every way, checked.
 *
 * Input: a parcel (parcel.h) of one BLOB and OPS: u8 how | keys to look for, each u8 length and bytes.
 *
 *   - every call answers or says ART_CORRUPT, and reads nothing outside of the image, nor in pages that were not loaded
 *     (which are poisoned, but for the padding that core/blob/simd.h allows itself)
 *   - no walk is longer than the number of entries
 *   - the same of values in blocks, with the toy codec lent
 *   - the same with a toy summary (support/toy_summary.h) of as many columns as the trailer says
 *   - what art_blob_check() finds sound is sound: keys rise, and each is found by every way that leads to it
 */
#include <sanitizer/asan_interface.h>

#include "core/blob/blob_format.h"
#include "core/blob/bucket.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/parcel.h"
#include "tests/support/of_core.h"
#include "tests/support/toy_codec.h"
#include "tests/support/toy_summary.h"

enum { HOW_LAZY = 1, HOW_BACKWARD = 4, HOW_ONLY_PUTS = 8, HOW_SUMMED = 16, HOW_OTHER_SUMS = 32, HOW_PLAIN = 64 };
enum { PADDING = 64, KEYS_MAX = 200 };

static uint8_t *image;
static bool dirty[ART_BLOB_PAGES];
static struct art_summary summary;
static uint8_t label[1 << 16], cursor_key[ART_KEY_MAX + ART_KEY_PADDING], wanted[ART_KEY_MAX + ART_KEY_PADDING];

static uint8_t *page_of_image(void *context, uint32_t slot, uint32_t page) {
    (void)context;
    (void)slot;
    dirty[page] = true;
    return image + page * ART_BLOB_PAGE;
}

/* One at a time: it has the room for keys. */
static struct art_blob_cursor cursor_of(struct art_blob *blob) {
    struct art_blob_cursor cursor;
    memcpy(cursor_key, label, blob->label_len);
    art_blob_cursor_init(&cursor, blob, cursor_key);
    return cursor;
}

static void begin(void) {
    if (!image) image = aligned_alloc(ART_BLOB_PAGE, ART_BLOB_BYTES);
    static bool begun;
    ASAN_UNPOISON_MEMORY_REGION(image, ART_BLOB_BYTES);
    for (uint32_t page = 0; page < ART_BLOB_PAGES; page++) {
        if (!begun || dirty[page]) memset(image + page * ART_BLOB_PAGE, 0, ART_BLOB_PAGE);
        dirty[page] = false;
    }
    begun = true;
    toy_codec_lend(true);
}

/* --- pages that are not there ------------------------------------------------------------------------------------- */

static enum art_rc want(struct art_blob *blob, const struct art_pages *pages, enum art_intent intent) {
    for (uint32_t page = 0; intent == ART_POINT && page < ART_BLOB_PAGES; page++) {
        if (!art_pages_has(pages, page) || art_page_present(blob, page)) continue;
        ASAN_UNPOISON_MEMORY_REGION(image + page * ART_BLOB_PAGE, ART_BLOB_PAGE);
        int rc = art_blob_verify_page(blob, page);
        if (rc) return rc;
    }
    return ART_OK;
}

static void hide_pages(const struct art_blob *blob) {
    for (uint32_t page = 0; page < ART_BLOB_PAGES; page++) {
        if (art_page_present(blob, page)) continue;
        ASAN_POISON_MEMORY_REGION(image + page * ART_BLOB_PAGE + PADDING, ART_BLOB_PAGE - PADDING);
    }
}

static void show_pages(const struct art_blob *blob) {
    size_t footer = blob->footer_pages * ART_BLOB_PAGE;
    ASAN_UNPOISON_MEMORY_REGION(image, blob->leaf_pages * ART_BLOB_PAGE);
    ASAN_UNPOISON_MEMORY_REGION(image + ART_BLOB_BYTES - footer, footer);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static void look_at(struct art_blob_cursor *cursor) {
    struct art_entry entry;
    struct art_ref ref;
    uint8_t room[ART_VALUE_INLINE_MAX];
    art_blob_cursor_entry(cursor, &entry);
    fuzz_touch(entry.value);
    fuzz_touch(art_entry_plain(&entry, room));
    fuzz_touch(art_bytes(cursor->key + cursor->blob->label_len, cursor->key_len - cursor->blob->label_len));
    if (cursor->key_len > ART_KEY_MAX) fuzz_fail("a key of %u bytes", cursor->key_len);
    if (cursor->blob->kind == ART_BLOB_INDEX && fuzz_sound(art_blob_cursor_ref(cursor, &ref), "a reference")) {
        fuzz_touch(ref.label);
    }
    art_blob_cursor_shared(cursor);
    art_blob_cursor_rank(cursor);
    if (art_blob_cursor_flags(cursor) != (entry.flags & ART_ENTRY_FLAGS)) fuzz_fail("an entry with two kinds of flags");
}

static struct art_bytes padded(struct art_bytes key) {
    memcpy(wanted, key.data, key.len);
    memset(wanted + key.len, 0, ART_KEY_PADDING);
    return art_bytes(wanted, key.len);
}

/* From the key on, and before it. */
static void ask_extremes(struct art_blob *blob, struct art_bytes key) {
    struct art_bytes none = {0};
    for (unsigned i = 0; i < 2u * blob->has.columns; i++) {
        struct art_extreme search = {.summary = &summary, .column = i / 2, .largest = i % 2};
        struct art_ref edge[2];
        if (!fuzz_sound(art_blob_extreme(blob, key, none, &search, edge), "extreme") || !edge[0].summed) continue;
        fuzz_touch(edge[0].label);
        fuzz_sound(art_blob_extreme(blob, none, key, &search, edge), "extreme");
        fuzz_sound(art_blob_extreme(blob, key, key, &search, edge), "extreme");
    }
}

/* For a child, of a reader that has the separators decoded as soon as all pages are there. */
static void ask_keeper(const struct art_blob *blob, struct art_bytes key) {
    struct art_blob keeper;
    struct art_ref ref;
    int64_t before;
    uint32_t number;
    uint64_t searched = 0;
    memcpy(&keeper, blob, sizeof keeper);
    keeper.separators_searched = &searched;
    keeper.asked = keeper.entries;
    int rc = art_blob_child(&keeper, key, &ref, &before);
    if (fuzz_sound(rc, "child") && !rc) fuzz_touch(ref.label);
    rc = art_blob_child_number(&keeper, key, &ref, &number);
    if (fuzz_sound(rc, "child's number") && !rc && number >= keeper.entries) fuzz_fail("a child that is none");
    art_blob_drop_separators(&keeper);
}

/* Every question there is about one key. */
static void ask(struct art_blob *blob, struct art_bytes key) {
    struct art_entry entry;
    struct art_ref ref;
    int64_t number;
    if (key.len < blob->label_len || memcmp(key.data, label, blob->label_len) != 0 || key.len > ART_KEY_MAX) return;
    key = padded(key);
    art_blob_ask_filter(blob, art_blob_key_hash(key));
    if (art_blob_estimate(blob, key, &number, &ref) == ART_ESTIMATE_CHILD) fuzz_touch(ref.label);
    int rc = art_blob_get(blob, key, &entry);
    if (fuzz_sound(rc, "get") && !rc) fuzz_touch(entry.value);
    if (blob->kind == ART_BLOB_LEAF) {
        fuzz_sound(art_blob_rank(blob, key, &number), "rank");
        rc = art_blob_prefix(blob, key, &number, &entry);
        if (fuzz_sound(rc, "prefix") && !rc) fuzz_touch(entry.value);
    } else {
        rc = art_blob_child(blob, key, &ref, &number);
        if (fuzz_sound(rc, "child") && !rc) fuzz_touch(ref.label);
        ask_keeper(blob, key);
    }
    art_int128 sum[ART_SUMMARY_MAX] = {0};
    int64_t rank;
    rc = art_blob_sums(blob, key, &summary, &ref, &rank, sum);
    if (fuzz_sound(rc, "sums") && blob->kind == ART_BLOB_INDEX) fuzz_touch(ref.label);
    ask_extremes(blob, key);
    struct art_blob_cursor cursor = cursor_of(blob);
    if (fuzz_sound(art_blob_seek_le(&cursor, key), "seek_le") && cursor.valid) {
        look_at(&cursor);
        if (fuzz_sound(art_blob_next(&cursor), "next") && cursor.valid) look_at(&cursor);
    }
    if (fuzz_sound(art_blob_seek_ge(&cursor, key), "seek_ge") && cursor.valid) {
        look_at(&cursor);
    }
}

/* All entries in one direction; the number of steps, or -1 where it ended in an error. */
static int64_t walk(struct art_blob *blob, uint8_t how, uint64_t newer_than, const struct art_limits *limits) {
    static struct art_plain_bucket plain;
    bool backward = how & HOW_BACKWARD;
    int64_t steps = 0;
    struct art_blob_cursor cursor = cursor_of(blob);
    cursor.newer_than = newer_than;
    art_blob_cursor_limit(&cursor, limits);
    if (how & HOW_PLAIN) art_blob_cursor_plain(&cursor, &plain);
    int rc = backward ? art_blob_last(&cursor) : art_blob_first(&cursor);
    for (; fuzz_sound(rc, "a walk") && cursor.valid; steps++) {
        if (steps == blob->entries) fuzz_fail("a walk that does not end");
        look_at(&cursor);
        rc = backward ? art_blob_prev(&cursor) : art_blob_next(&cursor);
    }
    return rc ? -1 : steps;
}

/* --- summaries ---------------------------------------------------------------------------------------------------- */

static void look_at_zone(const struct art_zone *zone, const struct art_limits *limits) {
    struct art_datum least = art_zone_end(zone, false), most = art_zone_end(zone, true);
    struct art_datum zero = {.kind = ART_DATUM_INTEGER};
    art_datum_compare(&least, &zero);
    art_datum_compare(&zero, &most);
    for (unsigned i = 0; i < limits->count; i++) art_zone_may_have(zone, &limits->limit[i]);
}

struct look {
    const struct art_blob *blob;
    const struct art_limits *limits;
};

static void look_at_entry(void *context, uint32_t number, const struct art_entry *entry) {
    const struct look *look = context;
    struct art_datum data[ART_SUMMARY_MAX];
    uint8_t room[ART_VALUE_INLINE_MAX];
    (void)number;
    fuzz_touch(entry->value);
    if (look->blob->kind == ART_BLOB_LEAF) {
        art_summary_read(&summary, entry, ART_ALL_COLUMNS, room, data);
        return;
    }
    for (unsigned i = 0; i < summary.has.columns; i++) {
        struct art_zone zone = art_ref_zone(entry->value, summary.has, i);
        look_at_zone(&zone, look->limits);
    }
}

/* Each bucket comes out once, and its bounds get no better. */
static void best_buckets(const struct art_blob *blob, struct art_bucket_search search) {
    uint32_t found = 0, bucket;
    struct art_datum end;
    while (art_blob_best_bucket(blob, &search, &bucket, &end) && bucket < search.to) {
        int64_t value = end.integer;
        bool better = search.largest ? value > search.last : value < search.last;
        if (search.begun && (better || (value == search.last && bucket <= search.given)))
            fuzz_fail("bucket %u comes behind worse ones", bucket);
        search.begun = true;
        search.given = bucket;
        search.last = value;
        found++;
    }
    if (found && found != search.to - search.from) fuzz_fail("%u buckets of %u", found, search.to - search.from);
}

static void ask_summary(struct art_blob *blob, uint8_t how) {
    struct art_datum data[ART_SUMMARY_MAX] = {{.kind = ART_DATUM_NULL}};
    struct art_limits limits = toy_limits(summary.has, how, data);
    struct look look = {blob, &limits};
    for (uint32_t b = 0; b < blob->buckets; b++) {
        uint32_t from = art_blob_entries_in(blob, 0, b);
        for (unsigned i = 0; i < summary.has.columns; i++) {
            struct art_zone zone = art_blob_zone(blob, i, b);
            look_at_zone(&zone, &limits);
        }
        int rc = art_blob_each(blob, b, from, from + art_blob_entries_in(blob, b, b + 1), look_at_entry, (void *)&look);
        if (!fuzz_sound(rc, "each")) break;
    }
    for (unsigned i = 0; i < 4u * summary.has.columns; i++) {
        struct art_bucket_search search = {
            .column = i / 4, .largest = i & 1, .nulls_count = i & 2, .from = how % blob->buckets, .to = blob->buckets};
        best_buckets(blob, search);
    }
    walk(blob, how, 0, &limits);
}

/* The entries by their numbers, and questions about keys beside them. */
static void ask_around(struct art_blob *blob) {
    static uint8_t key[ART_KEY_MAX + ART_KEY_PADDING];
    uint32_t step = blob->entries / 6 + 1;
    for (uint32_t i = 0; i < blob->entries + step; i += step) {
        struct art_blob_cursor cursor = cursor_of(blob);
        int64_t rank = blob->count > 0 ? (int64_t)i % (blob->count + 1) : 0;
        if (fuzz_sound(art_blob_seek_rank(&cursor, rank), "seek_rank") && cursor.valid) look_at(&cursor);
        if (!fuzz_sound(art_blob_seek_entry(&cursor, i), "seek_entry") || !cursor.valid) continue;
        look_at(&cursor);
        uint32_t len = cursor.key_len;
        memcpy(key, cursor.key, len);
        ask(blob, art_bytes(key, len));
        if (len < ART_KEY_MAX) key[len] = 'x';
        ask(blob, art_bytes(key, len < ART_KEY_MAX ? len + 1 : len));
        if (len) key[len - 1] ^= i & 8 ? 1 : 0x80;
        ask(blob, art_bytes(key, len));
        ask(blob, art_bytes(key, len / 2));
    }
}

/* --- what is sound ------------------------------------------------------------------------------------------------ */

static void must_find(struct art_blob *blob, struct art_blob_cursor *cursor, int64_t number) {
    struct art_entry here, there;
    struct art_bytes key = padded(art_bytes(cursor->key, cursor->key_len));
    static uint8_t other_key[ART_KEY_MAX + ART_KEY_PADDING];
    struct art_blob_cursor other;
    art_blob_cursor_entry(cursor, &here);
    int rc = art_blob_get(blob, key, &there);
    bool same = art_bytes_equal(here.value, there.value) && here.flags == there.flags && here.csn == there.csn;
    if (rc || !same || (here.flags & ART_IN_BLOCK && here.row != there.row)) {
        fuzz_fail("entry %lld of a sound blob is not found by its key", (long long)number);
    }
    if (art_blob_ask_filter(blob, art_blob_key_hash(key))) fuzz_fail("a filter that lies");
    memcpy(other_key, label, blob->label_len);
    art_blob_cursor_init(&other, blob, other_key);
    rc = art_blob_seek_entry(&other, (uint32_t)number);
    if (rc || !other.valid || !art_bytes_equal(key, art_bytes(other.key, other.key_len))) {
        fuzz_fail("entry %lld of a sound blob has another key by its number", (long long)number);
    }
    if (blob->kind != ART_BLOB_LEAF) return;
    int64_t rank;
    if (art_blob_rank(blob, key, &rank) || rank != art_blob_cursor_rank(cursor)) {
        fuzz_fail("entry %lld of a sound blob has two ranks", (long long)number);
    }
}

/* What an entry adds, and bounds of it. */
static void weigh(const struct art_blob_cursor *cursor, struct art_summed *out) {
    struct art_entry entry;
    struct art_ref ref;
    uint8_t room[ART_VALUE_INLINE_MAX];
    art_blob_cursor_entry(cursor, &entry);
    if (cursor->blob->kind == ART_BLOB_LEAF) {
        entry.value = art_entry_plain(&entry, room);
        entry.flags &= ART_ENTRY_FLAGS;
        art_summary_weigh(&summary, art_bytes(cursor->key, cursor->key_len), &entry, out);
    } else if (art_blob_cursor_ref(cursor, &ref) || !art_summed_decode(ref.has, ref.summed, out)) {
        fuzz_fail("a reference of a sound blob");
    }
}

static bool same_zone(const struct art_zone *a, const struct art_zone *b) {
    return a->kinds == b->kinds && a->low.integer == b->low.integer && a->high.integer == b->high.integer;
}

static bool is_wanted(const struct art_limits *limits, const struct art_summed *summed,
                      const struct art_blob_cursor *cursor) {
    struct art_entry entry;
    art_blob_cursor_entry(cursor, &entry);
    if (cursor->blob->kind == ART_BLOB_LEAF && !art_summary_seeks(&summary, &entry, limits)) return false;
    for (unsigned i = 0; i < limits->count; i++) {
        if (!art_zone_may_have(&summed->zone[limits->limit[i].column], &limits->limit[i])) return false;
    }
    return true;
}

/* Entries that are wanted, by a walk that may pass over the others, and by one that does not. */
static void compare_limited(struct art_blob *blob, const struct art_limits *limits, bool backward) {
    int64_t wanted_rows[2] = {0};
    for (unsigned i = 0; i < limits->query_count; i++)
        if (limits->queries[i].field >= ART_FIELD_SEARCHES) return; /* art_summary_seeks() cuts no texts */
    for (int limited = 0; limited < 2; limited++) {
        struct art_summed summed;
        struct art_blob_cursor cursor = cursor_of(blob);
        art_blob_cursor_limit(&cursor, limited ? limits : NULL);
        int rc = backward ? art_blob_last(&cursor) : art_blob_first(&cursor);
        for (; !rc && cursor.valid; rc = backward ? art_blob_prev(&cursor) : art_blob_next(&cursor)) {
            weigh(&cursor, &summed);
            wanted_rows[limited] += is_wanted(limits, &summed, &cursor);
        }
        if (rc) fuzz_fail("a walk of a sound blob: %s", art_error_message());
    }
    if (wanted_rows[0] != wanted_rows[1])
        fuzz_fail("%lld entries are wanted, and %lld are found", (long long)wanted_rows[0], (long long)wanted_rows[1]);
}

static void must_add_up(struct art_blob *blob, uint8_t how) {
    art_int128 before[ART_SUMMARY_MAX] = {0};
    struct art_summed all, summed;
    struct art_datum some[ART_SUMMARY_MAX] = {{.kind = ART_DATUM_NULL}};
    struct art_blob_cursor cursor = cursor_of(blob);
    int rc = art_blob_first(&cursor);
    for (uint32_t number = 0; !rc && cursor.valid; rc = art_blob_next(&cursor), number++) {
        struct art_ref ref;
        art_int128 sum[ART_SUMMARY_MAX] = {0};
        int64_t rank;
        struct art_bytes key = padded(art_bytes(cursor.key, cursor.key_len));
        if (number < KEYS_MAX &&
            (art_blob_sums(blob, key, &summary, &ref, &rank, sum) || memcmp(sum, before, sizeof sum)))
            fuzz_fail("entry %u of a sound blob has other sums before it", number);
        weigh(&cursor, &summed);
        for (unsigned i = 0; i < summary.has.sums; i++) before[i] = art_add128(before[i], summed.sum[i]);
        for (unsigned i = 0; i < summary.has.columns; i++) {
            struct art_zone zone = art_blob_zone(blob, i, cursor.bucket), more = zone;
            art_zone_add(&more, &summed.zone[i]);
            if (!same_zone(&zone, &more)) fuzz_fail("entry %u is not within its bucket's zone", number);
            if (number == blob->entries / 2) some[i] = art_zone_end(&summed.zone[i], how & 1);
        }
    }
    art_summed_decode(summary.has, art_blob_summed(blob), &all);
    if (rc || memcmp(all.sum, before, summary.has.sums * sizeof *before))
        fuzz_fail("a sound blob's sums are not those of its entries");
    for (unsigned turn = 0; turn < 16; turn++) {
        struct art_limits limits = toy_limits(summary.has, (uint8_t)(turn * 17 + how), some);
        compare_limited(blob, &limits, turn & 1);
    }
}

static void must_be_sound(struct art_blob *blob) {
    static uint8_t before[ART_KEY_MAX];
    uint32_t before_len = 0;
    struct art_blob_cursor cursor = cursor_of(blob);
    int64_t number = 0;
    int rc = art_blob_first(&cursor);
    for (; !rc && cursor.valid; rc = art_blob_next(&cursor), number++) {
        struct art_bytes key = art_bytes(cursor.key, cursor.key_len);
        if (number && art_bytes_compare(art_bytes(before, before_len), key) >= 0)
            fuzz_fail("keys of a sound blob fall");
        memcpy(before, key.data, key.len);
        before_len = key.len;
        if (number < KEYS_MAX) must_find(blob, &cursor, number);
    }
    if (rc || number != blob->entries) fuzz_fail("a sound blob ends after %lld entries", (long long)number);
    if (walk(blob, HOW_BACKWARD | HOW_PLAIN, 0, NULL) != number) fuzz_fail("a sound blob is shorter backward");
}

/* --- one input ---------------------------------------------------------------------------------------------------- */

/* The label is the caller's: what the blob's own first bucket has in that place. */
static void make_label(struct art_blob *blob) {
    memset(label, 0, blob->label_len);
    if (!art_page_present(blob, 0) && want(blob, &(struct art_pages){{1, 0}}, ART_POINT)) return;
    struct art_bucket_view view;
    const uint8_t *start;
    if (art_bucket_fetch(blob, 0, &start)) return;
    art_bucket_view_open(&view, start, blob);
    memcpy(label, view.prefix, blob->label_len);
}

static void read_all(struct art_blob *blob, uint8_t how, struct fuzz_source ops) {
    static struct art_measures has;
    has = blob->has;
    summary = toy_summary(&has);
    make_label(blob);
    if (!(how & HOW_LAZY)) show_pages(blob);
    if (!(how & HOW_LAZY)) fuzz_sound(art_blob_verify_all(blob), "verify_all");
    while (ops.at < ops.end) ask(blob, fuzz_bytes(&ops));
    if (how & HOW_BACKWARD) walk(blob, how, how, NULL);
    ask_around(blob);
    walk(blob, how & HOW_PLAIN, 0, NULL);
    walk(blob, HOW_BACKWARD | (how & HOW_PLAIN), 0, NULL);
    walk(blob, 0, blob->csn_min + 1, NULL);
    if (has.columns) ask_summary(blob, how);
    show_pages(blob);
    int rc = art_blob_check(blob, how & HOW_ONLY_PUTS);
    if (fuzz_sound(rc, "check") && !rc) must_be_sound(blob);
    if (rc || !has.columns) return;
    struct art_blob_expected expected = {.only_puts = how & HOW_ONLY_PUTS, .csn_max = UINT64_MAX, .summary = &summary};
    rc = art_blob_check_expected(blob, &expected);
    if (fuzz_sound(rc, "check with a summary") && !rc) must_add_up(blob, how);
}

/* The sums and zones that the trailer leads to, as a parent would have them; or with one bit turned over. */
static const uint8_t *own_summed(const struct art_ref *ref, uint8_t how) {
    static uint8_t bytes[ART_SUMMED_MAX];
    uint64_t n = art_measures_are_sane(ref->has) ? art_summed_bytes(ref->has) : 0;
    uint32_t at = art_trailer_parts(art_blob_trailer(image)).begin[ART_PART_SUMMED];
    if (!(how & HOW_SUMMED) || !n || at > ART_TRAILER_AT) return NULL;
    memcpy(bytes, image + at, n);
    if (how & HOW_OTHER_SUMS) bytes[how % n] ^= 1;
    return bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *copy = malloc(size + 1);
    if (size) memcpy(copy, data, size);
    struct parcel parcel;
    struct parcel_place place = {.page = page_of_image};
    begin();
    parcel_read(&parcel, copy, size);
    struct parcel_section *packed = parcel_find(&parcel, PARCEL_BLOB), *ops = parcel_find(&parcel, PARCEL_OPS);
    if (!packed || !parcel_open_blob(&place, packed)) goto done;
    struct parcel_section *damage = parcel_find(&parcel, PARCEL_DAMAGE);
    const struct art_blob_trailer *trailer = art_blob_trailer(image);
    struct art_ref ref;
    art_ref_of_trailer(image + ART_LAST_PAGE_AT, &ref);
    ref.label.data = label;
    struct fuzz_source source = ops ? (struct fuzz_source){ops->data, ops->data + ops->len} : (struct fuzz_source){0};
    uint8_t how = fuzz_byte(&source);
    ref.summed = own_summed(&ref, how);
    if (damage) parcel_damage(&place, damage);
    ref.hash = art_hash128(image + ART_BLOB_BYTES - ART_BLOB_PAGE, ART_BLOB_PAGE);
    struct art_blob blob;
    int rc = (how & HOW_LAZY ? art_blob_open_head : art_blob_open)(&blob, image, &ref, trailer->uuid, "fuzzed.art");
    if (fuzz_sound(rc, "open") && !rc) {
        if (ref.summed && how & HOW_OTHER_SUMS && !damage) fuzz_fail("other sums than the reference's");
        hide_pages(&blob);
        blob.want = want;
        read_all(&blob, how, source);
    }
done:
    free(copy);
    return 0;
}
