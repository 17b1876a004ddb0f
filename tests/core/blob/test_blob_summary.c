/* Blobs of a table with a summary, against the array of their rows: sums before any key, zones of every bucket, the
 * references that carry both upwards, and what is refused when one of these bytes is another than it should be.
 */
#include "core/base/alloc.h"
#include "core/blob/search.h"
#include "tests/support/blob_one.h"
#include "tests/support/short_memory.h"
#include "tests/support/toy_columns.h"

enum { SMALL = 60, LARGE = 3000 }; /* most bytes of a value behind its data */

/* Of a table with so many columns and sums. */
static void make(unsigned columns, unsigned sums, struct blob_style style, uint32_t more, uint32_t wanted,
                 uint32_t fill_pages, bool filter, struct random *random) {
    tear_down();
    blob_forms_draw(random);
    style.csns = CSNS_SHORT;
    blob_rows_make_summed(&rows, (struct art_measures){(uint8_t)columns, (uint8_t)sums, 0, 0}, style, more, 0, wanted,
                          random);
    blob_run_build(&run, &rows, fill_pages, filter);
}

static void make_directories(unsigned columns, unsigned sums, uint32_t wanted, uint32_t fill_pages) {
    struct random random = {12};
    struct blob_style style = {.family = KEYS_DIRECTORIES};
    make(columns, sums, style, SMALL, wanted, fill_pages, false, &random);
}

/* --- sums and zones of a run -------------------------------------------------------------------------------------- */

static void add_all(const struct art_ref *ref, art_int128 *sum) {
    struct art_summed all;
    HOLDS(art_summed_decode(ref->has, ref->summed, &all));
    for (unsigned i = 0; i < ref->has.sums; i++) sum[i] += all.sum[i];
}

/* As core/tree goes down a run. */
static void run_sums(struct art_bytes key, art_int128 *sum) {
    struct art_ref ref = blob_run_root(&run)->ref;
    for (;;) {
        int side = art_label_compare(ref.label, key);
        if (side > 0) add_all(&ref, sum);
        if (side) return;
        struct art_blob *blob = &run.slots[ref.slot].blob;
        int64_t rank, before;
        struct art_ref child;
        if (blob->kind == ART_BLOB_LEAF) must(art_blob_rank(blob, key, &before));
        if (blob->kind == ART_BLOB_INDEX) must(art_blob_child(blob, key, &child, &before));
        must(art_blob_sums(blob, key, &rows.summary, &ref, &rank, sum));
        HOLDS(rank == before);
        if (blob->kind == ART_BLOB_LEAF) return;
    }
}

static void check_run_sums(uint32_t probes, struct random *random) {
    for (uint32_t i = 0; i < probes; i++) {
        struct art_bytes key = key_set_probe(&rows.set, 0, rows.set.count, random);
        art_int128 sum[ART_SUMMARY_MAX] = {0}, *expected = rows.sums[key_set_below(&rows.set, key)];
        run_sums(key, sum);
        for (unsigned s = 0; s < ART_SUMMARY_MAX; s++) HOLDS(sum[s] == expected[s]);
        free((void *)key.data);
    }
}

static void add_row(uint32_t at, struct art_zone *zones) {
    if (rows.entries[at].flags & (ART_DELETE | ART_CHUNK)) return;
    for (unsigned i = 0; i < rows.summary.has.columns; i++) art_zone_add_datum(&zones[i], &rows.data[at][i]);
}

/* The zones of each bucket are those of its rows, or of its children. */
static void check_zones(const struct blob_image *image) {
    const struct art_blob *blob = &image->blob;
    uint32_t below = blob->height ? run.level[blob->height - 1].first : 0;
    for (uint32_t b = 0; b < blob->buckets; b++) {
        struct art_summed child, all = {0};
        for (uint32_t at = image->first + art_bucket_rank(blob, b); at < image->first + art_bucket_rank(blob, b + 1);
             at++) {
            if (!blob->height) {
                add_row(at, all.zone);
                continue;
            }
            const struct art_ref *ref = &run.slots[below + at].ref;
            HOLDS(art_summed_decode(ref->has, ref->summed, &child));
            art_summed_add(ref->has, &all, &child);
        }
        for (unsigned i = 0; i < rows.summary.has.columns; i++) {
            struct art_zone zone = art_blob_zone(blob, i, b);
            HOLDS(toy_zones_equal(&zone, &all.zone[i]));
        }
    }
}

/* The first row below, or the one behind the last. */
static uint32_t row_below(const struct blob_image *image, bool end) {
    while (image->blob.height) {
        uint32_t child = image->first + (end ? image->rows - 1 : 0);
        image = &run.slots[run.level[image->blob.height - 1].first + child];
    }
    return image->first + (end ? image->rows : 0);
}

/* What the reference says is what is in all rows below. */
static void check_reference(const struct blob_image *image) {
    uint32_t from = row_below(image, false), to = row_below(image, true);
    struct art_zone zones[ART_SUMMARY_MAX] = {0};
    struct art_summed summed;
    HOLDS(art_summed_decode(image->ref.has, image->ref.summed, &summed));
    for (uint32_t at = from; at < to; at++) {
        bool row = !(rows.entries[at].flags & (ART_DELETE | ART_CHUNK));
        add_row(at, zones);
        for (unsigned i = 0; row && i < rows.summary.has.columns; i++) {
            HOLDS(toy_zone_has(&summed.zone[i], &rows.data[at][i]));
        }
    }
    for (unsigned i = 0; i < rows.summary.has.columns; i++) HOLDS(toy_zones_equal(&summed.zone[i], &zones[i]));
    for (unsigned i = 0; i < rows.summary.has.sums; i++) HOLDS(summed.sum[i] == rows.sums[to][i] - rows.sums[from][i]);
}

LOOP_TEST(test_a_run_has_the_sums_and_zones_of_its_rows, KEY_FAMILIES) {
    struct random random = random_announced("runs");
    random.state += (unsigned)_i;
    for (unsigned round = random_rounds(24); round; round--) {
        if (!random_span(&random)) continue;
        bool large = round % 3 == 0;
        uint32_t most = _i == KEYS_LONG ? 40 : _i == KEYS_TWINS ? 100 : large ? 400 : 4000;
        uint32_t columns = 1 + random_below(&random, ART_SUMMARY_MAX);
        make(columns, random_below(&random, columns + 1),
             (struct blob_style){.family = _i, .flags = round % 3 == 1 ? FLAGS_PUTS : FLAGS_ANY}, large ? LARGE : SMALL,
             1 + random_below(&random, most), random_once_in(&random, 4) ? 0 : 3 + random_below(&random, 12), round % 2,
             &random);
        for (uint32_t slot = 0; slot < run.count; slot++) {
            must(blob_image_check(&run.slots[slot], &rows.summary));
            must(blob_image_check(&run.slots[slot], NULL));
            check_zones(&run.slots[slot]);
            check_reference(&run.slots[slot]);
        }
        check_run_sums(500, &random);
    }
}

/* --- the builder -------------------------------------------------------------------------------------------------- */

CASE("facts", .tear_down = tear_down)

TEST(test_a_builder_takes_no_reference_of_another_summary) {
    bool full;
    make_directories(2, 1, 200, 0);
    struct art_ref ref = run.slots[0].ref;
    uint8_t *image = blob_image_new(), impossible[ART_SUMMED_MAX];
    struct art_bytes key = run.slots[0].separator;
    struct art_builder *builder = blob_builder(&rows.summary, 1, 0, false);
    art_builder_begin(builder, image);
    ref.has.sums = 0;
    refused(art_builder_add_ref(builder, key, &ref, &full), ART_MISUSE, "this reference cannot go");
    ref.has = (struct art_measures){3, 1, 0, 0};
    refused(art_builder_add_ref(builder, key, &ref, &full), ART_MISUSE, "this reference cannot go");
    ref = run.slots[0].ref;
    memcpy(impossible, ref.summed, art_summed_bytes(ref.has));
    impossible[ART_SUM_BYTES] = 0xff;
    ref.summed = impossible;
    refused(art_builder_add_ref(builder, key, &ref, &full), ART_MISUSE, "sums and zones make no sense");
    must(art_builder_add_ref(builder, key, &run.slots[0].ref, &full));
    art_builder_close(builder);
    builder = blob_builder(NULL, 1, 0, false);
    art_builder_begin(builder, image);
    refused(art_builder_add_ref(builder, key, &run.slots[0].ref, &full), ART_MISUSE, "this reference cannot go");
    art_builder_close(builder);
    free(image);
}

TEST(test_the_longest_value_goes_in_with_all_that_it_replaces) {
    static uint8_t stored[ART_STORED_MAX + 1] = {ART_REPLACED_MAX - 1};
    static const uint8_t key[2 + ART_KEY_PADDING] = "k";
    static const struct {
        uint8_t flags;
        uint32_t len;
        enum art_rc code;
        const char *says;
    } lies[] = {{ART_SHADOWS_OLDER | ART_REPLACED, ART_STORED_MAX + 1, ART_TOOBIG, "does not fit"},
                {0, ART_STORED_MAX, ART_TOOBIG, "does not fit"},
                {ART_REPLACED, ART_STORED_MAX, ART_MISUSE, "cannot go"}};
    struct art_entry found,
        entry = {.value = art_bytes(stored, ART_STORED_MAX), .flags = ART_SHADOWS_OLDER | ART_REPLACED};
    struct art_summary summary;
    bool full;
    toy_columns_open(&summary, (struct art_measures){1, 1, 0, 0});
    struct art_builder *builder = blob_builder(&summary, 0, 0, false);
    art_builder_begin(builder, blob_run_next(&run, 0)->image);
    for (unsigned i = 0; i < 3; i++) {
        struct art_entry lie = {.value = art_bytes(stored, lies[i].len), .flags = lies[i].flags};
        refused(art_builder_add(builder, art_bytes(key, 1), &lie, ART_SHARED_UNKNOWN, &full), lies[i].code,
                lies[i].says);
    }
    must(art_builder_add(builder, art_bytes(key, 1), &entry, ART_SHARED_UNKNOWN, &full));
    must(art_builder_add(builder, art_bytes(key, 2), &entry, ART_SHARED_UNKNOWN, &full));
    blob_run_finish(&run, builder, 2, false);
    must(blob_image_check(&run.slots[0], &summary));
    must(art_blob_get(&run.slots[0].blob, art_bytes(key, 2), &found));
    ck_assert(blob_entry_equal(&entry, &found));
    art_builder_close(builder);
}

/* --- references --------------------------------------------------------------------------------------------------- */

static struct art_ref random_ref(struct random *random, const uint8_t *summed, const uint8_t *label) {
    struct art_ref ref = {.slot = (uint32_t)random_next(random),
                          .height = (uint8_t)random_below(random, 5),
                          .leaf_pages = (uint8_t)(1 + random_below(random, 100)),
                          .footer_pages = (uint8_t)(1 + random_below(random, 28)),
                          .generation = random_next(random),
                          .hash = {random_next(random), random_next(random)},
                          .entries = 1 + random_below(random, UINT32_MAX),
                          .key_max = (uint16_t)random_next(random),
                          .csn_max = random_next(random) >> 8};
    uint32_t len = random_once_in(random, 3) ? ART_LABEL_MAX - random_below(random, 3) : random_below(random, 40);
    ref.count = -(int64_t)(ref.entries / 2);
    ref.overflows = ref.entries / 3;
    ref.has.columns = (uint8_t)random_below(random, ART_SUMMARY_MAX + 1);
    ref.has.sums = (uint8_t)random_below(random, ref.has.columns + 1u);
    ref.summed = ref.has.columns ? summed : NULL;
    ref.label = art_bytes(label, len);
    return ref;
}

static void same_ref(const struct art_ref *a, const struct art_ref *b) {
    HOLDS(a->slot == b->slot && a->height == b->height && a->leaf_pages == b->leaf_pages);
    HOLDS(a->footer_pages == b->footer_pages && a->generation == b->generation && a->entries == b->entries);
    HOLDS(art_hash128_equal(a->hash, b->hash) && a->count == b->count && a->csn_max == b->csn_max);
    HOLDS(a->overflows == b->overflows && a->key_max == b->key_max);
    HOLDS(a->has.columns == b->has.columns && a->has.sums == b->has.sums && !a->summed == !b->summed);
    HOLDS(!a->summed || !memcmp(a->summed, b->summed, art_summed_bytes(a->has)));
    HOLDS(art_bytes_equal(a->label, b->label));
}

TEST(test_a_reference_carries_sums_and_zones_and_can_own_them) {
    struct random random = random_announced("references");
    uint8_t summed[ART_SUMMED_MAX], label[ART_LABEL_MAX];
    for (unsigned round = random_rounds(2000); round; round--) {
        for (uint32_t i = 0; i < sizeof summed; i++) summed[i] = (uint8_t)random_next(&random);
        for (uint32_t i = 0; i < sizeof label; i++) label[i] = (uint8_t)random_next(&random);
        struct art_ref decoded, ref = random_ref(&random, summed, label);
        uint32_t len = art_ref_bytes(&ref), fixed = len - ref.label.len;
        uint8_t *bytes = malloc(len); /* exactly: a sanitizer then sees every access past it */
        HOLDS(len <= ART_REF_MAX);
        HOLDS(art_ref_encode(&ref, bytes) == len);
        must(art_ref_decode(art_bytes(bytes, len), &decoded));
        same_ref(&ref, &decoded);
        for (uint32_t cut = 0; cut < fixed; cut++) {
            HOLDS(art_ref_decode(art_bytes(bytes, cut), &decoded) == ART_CORRUPT);
        }
        must(art_ref_decode(art_bytes(bytes, len), &decoded));
        must(art_ref_own(&decoded));
        memset(bytes, 0xee, len);
        free(bytes);
        same_ref(&ref, &decoded);
        struct art_ref taken = decoded;
        art_ref_leave(&decoded);
        art_ref_release(&decoded);
        same_ref(&ref, &taken);
        HOLDS(!memcmp(taken.label.data + taken.label.len, (uint8_t[ART_KEY_PADDING]){0}, ART_KEY_PADDING));
        art_ref_release(&taken);
        HOLDS(!taken.label.data && !taken.summed);
    }
}

TEST(test_a_reference_with_an_impossible_summary_is_refused) {
    struct random random = {13};
    uint8_t summed[ART_SUMMED_MAX] = {0}, label[ART_LABEL_MAX] = {0}, bytes[ART_REF_MAX];
    struct art_ref decoded, ref = random_ref(&random, summed, label);
    ref.has = (struct art_measures){ART_SUMMARY_MAX, ART_SUMMARY_MAX, 0, 0};
    ref.summed = summed;
    ref.label.len = ART_LABEL_MAX;
    uint32_t len = art_ref_encode(&ref, bytes);
    ck_assert_uint_eq(len, ART_REF_MAX);
    for (unsigned columns = 0; columns < 256; columns++) {
        for (unsigned sums = 0; sums < 256; sums++) {
            bytes[offsetof(struct art_ref_format, columns)] = (uint8_t)columns;
            bytes[offsetof(struct art_ref_format, sums)] = (uint8_t)sums;
            /* fewer sums and zones would make the label longer than any is */
            bool good = columns == ART_SUMMARY_MAX && sums == ART_SUMMARY_MAX;
            HOLDS(art_ref_decode(art_bytes(bytes, len), &decoded) == (good ? ART_OK : ART_CORRUPT));
        }
    }
}

TEST(test_a_reference_without_memory_owns_nothing) {
    uint8_t summed[ART_SUMMED_MAX] = {0};
    struct art_ref ref = {.has = {2, 1, 0, 0}, .summed = summed, .label = art_bytes("label", 5)};
    short_memory_use();
    int64_t blocks = short_memory_blocks();
    short_memory_fail_after(0);
    int rc = art_ref_own(&ref);
    short_memory_fail_after(-1);
    ck_assert_int_eq(rc, ART_NOMEM);
    art_ref_release(&ref);
    ck_assert_int_eq(short_memory_blocks(), blocks);
    art_alloc_use(NULL);
}

/* --- bytes that lie ----------------------------------------------------------------------------------------------- */

/* A copy of a blob, that lies in one position, with hashes that are right. */
static struct blob_image liar;
static uint8_t liars_summed[ART_SUMMED_MAX];

static void liar_of(const struct blob_image *from) {
    free(liar.image);
    liar = blob_image_copy(from);
}

/* Hashes go with the lie, and the reference, too. */
static void make_plausible(void) {
    memcpy(liars_summed, art_blob_summed(&liar.blob), art_summed_bytes(liar.ref.has));
    liar.ref.summed = liars_summed;
    blob_image_rehash_all(liar.image, &liar.ref);
}

/* Whatever it says, it is read within its bytes. */
static void ask(struct random *random) {
    for (int i = 0; i < 3; i++) {
        struct art_bytes key = key_set_probe(&rows.set, 0, rows.set.count, random);
        art_int128 sum[ART_SUMMARY_MAX] = {0};
        struct art_ref child;
        int64_t rank;
        if (!art_label_compare(liar.ref.label, key)) {
            int rc = art_blob_sums(&liar.blob, key, &rows.summary, &child, &rank, sum);
            HOLDS(rc == ART_OK || rc == ART_CORRUPT);
        }
        free((void *)key.data);
    }
    for (uint32_t b = 0; b < liar.blob.buckets; b++) {
        for (unsigned i = 0; i < liar.blob.has.columns; i++) {
            struct art_zone zone = art_blob_zone(&liar.blob, i, b);
            HOLDS(art_zone_is_sane(&zone));
        }
    }
}

/* Opens and is checked: the first error, with its sentence. */
static int first_error(struct random *random) {
    int rc = art_blob_open(&liar.blob, liar.image, &liar.ref, blob_uuid, "test");
    if (!rc) rc = art_blob_verify_all(&liar.blob);
    if (rc) return rc;
    ask(random);
    int unknown = blob_image_check(&liar, NULL); /* without the summary a leaf may say what it likes */
    HOLDS(unknown == ART_OK || unknown == ART_CORRUPT);
    return blob_image_check(&liar, &rows.summary);
}

static void every_byte_of_the_directories(const struct blob_image *from, struct random *random, uint32_t *by_check) {
    liar_of(from);
    struct art_blob *blob = &liar.blob;
    uint32_t begin = blob->at.begin[ART_PART_ZONES], each = blob->at.begin[ART_PART_NODES] - begin;
    HOLDS(each ==
          ART_SUM_BYTES * blob->has.sums * (blob->buckets + 1) + ART_ZONE_BYTES * blob->has.columns * blob->buckets);
    uint32_t end = begin + each + art_summed_bytes(blob->has);
    for (uint32_t i = begin; i < end; i++) {
        uint32_t at = i < begin + each ? i : blob->at.begin[ART_PART_SUMMED] + i - begin - each;
        liar.image[at] ^= (uint8_t)(1 + random_below(random, 255));
        make_plausible();
        int rc = first_error(random);
        if (rc != ART_CORRUPT || !strlen(art_error_message()))
            ck_abort_msg("byte %u of %u..%u: %d", at, begin, end, rc);
        *by_check += strstr(art_error_message(), "is not that of the entries") != NULL;
        liar.image[at] = from->image[at];
        *blob = from->blob;
        blob->image = liar.image;
    }
    make_plausible();
    must(first_error(random));
}

CASE("model", .seconds = 600, .tear_down = tear_down)

TEST(test_every_byte_of_sums_and_zones_is_looked_at) {
    static const uint8_t measures[][2] = {{2, 1}, {1, 0}, {3, 3}};
    struct random random = random_announced("flipped bytes");
    uint32_t by_check = 0;
    for (unsigned i = 0; i < 3; i++) {
        struct blob_style style = {.family = KEYS_DIRECTORIES, .flags = i % 2 ? FLAGS_ANY : FLAGS_PUTS};
        make(measures[i][0], measures[i][1], style, SMALL, 700, 4, i % 2, &random);
        HOLDS(run.height > 1);
        every_byte_of_the_directories(&run.slots[0], &random, &by_check);
        every_byte_of_the_directories(blob_run_root(&run), &random, &by_check);
    }
    printf("flipped bytes: %u found by the check alone\n", by_check);
    ck_assert_uint_gt(by_check, 0);
}

TEST(test_sums_and_zones_that_contradict_each_other_do_not_open) {
    struct random random = {14};
    make_directories(2, 2, 300, 0);
    liar_of(&run.slots[0]);
    struct art_blob *blob = &liar.blob, good = liar.blob;
    struct art_blob_trailer *trailer = blob_image_trailer(liar.image);
    uint8_t *image = liar.image, *all = image + good.at.begin[ART_PART_SUMMED];
    uint8_t *sums = image + good.at.begin[ART_PART_SUMS], *zones = image + good.at.begin[ART_PART_ZONES];
#define LIE(change, says)                                                                                              \
    do {                                                                                                               \
        *blob = good;                                                                                                  \
        change;                                                                                                        \
        make_plausible();                                                                                              \
        refused(first_error(&random), ART_CORRUPT, says);                                                              \
        memcpy(image, run.slots[0].image, ART_BLOB_BYTES);                                                             \
        liar.ref.has = good.has;                                                                                       \
    } while (0)
    LIE(sums[0] ^= 1, "does not end with its sum");
    LIE(sums[ART_SUM_BYTES * good.buckets] ^= 1, "does not end with its sum");
    LIE(all[ART_SUM_BYTES] ^= 1, "does not end with its sum");
    LIE(all[ART_SUM_BYTES * 2] |= 0x80, "a zone of unknown kinds, or with its bounds reversed");
    LIE(zones[16 * good.buckets] |= 0x80, "a zone of unknown kinds, or with its bounds reversed");
    LIE(zones[0] ^= 1, "is not that of the entries");
    LIE(sums[ART_SUM_BYTES] ^= 1, "is not that of the entries");
    LIE(trailer->sums = 1, "its summary is not that of its reference");
    LIE(trailer->columns = 3, "its summary is not that of its reference");
    LIE((trailer->sums = 3, liar.ref.has.sums = 3), "an impossible summary");
    LIE((trailer->columns = 9, liar.ref.has.columns = 9), "an impossible summary");
    LIE((trailer->columns = 3, liar.ref.has.columns = 3), "leaves the footer");
    LIE((trailer->sums = 1, liar.ref.has.sums = 1), "the first bucket is not the first");
    *blob = good;
    make_plausible();
    liars_summed[0] ^= 1;
    refused(first_error(&random), ART_CORRUPT, "its sums and zones are not those of its reference");
    liar.ref.summed = NULL; /* who knows nothing of them is content */
    must(first_error(&random));
}

/* Where an index says something of a child: its reference's bytes. */
static uint32_t reference_at(const struct blob_image *index, uint32_t entry) {
    struct art_bucket_view view;
    must(art_bucket_open((struct art_blob *)&index->blob, 0, &view));
    return (uint32_t)(art_bucket_value(&view, entry).data - index->image);
}

/* The index is sound in itself, and then the child is not what it says; or it is not. */
TEST(test_what_an_index_says_wrong_of_a_child_is_found_in_one_of_them) {
    struct random random = random_announced("lies of an index");
    enum { ENTRY = 1 };
    make_directories(2, 1, 2000, 4);
    struct blob_image *root = blob_run_root(&run);
    uint32_t begin = reference_at(root, ENTRY) + ART_REF_FIXED_BYTES;
    liar_of(root);
    for (uint32_t at = begin; at < begin + art_summed_bytes(rows.summary.has); at++) {
        struct art_bucket_view view;
        struct art_ref ref;
        struct art_blob blob;
        liar.blob = root->blob;
        liar.blob.image = liar.image;
        liar.image[at] ^= (uint8_t)(1 + random_below(&random, 255));
        make_plausible();
        int rc = blob_image_check(&liar, &rows.summary);
        ck_assert_int_eq(rc, blob_image_check(&liar, NULL));
        if (!rc) {
            must(art_bucket_open(&liar.blob, 0, &view));
            must(art_ref_decode(art_bucket_value(&view, ENTRY), &ref));
            rc = art_blob_open(&blob, run.slots[ref.slot].image, &ref, blob_uuid, "test");
            refused(rc, ART_CORRUPT, "its sums and zones are not those of its reference");
        }
        ck_assert_int_eq(rc, ART_CORRUPT);
        liar.image[at] = root->image[at];
    }
}

TEST(test_a_child_of_another_summary_is_not_followed) {
    struct art_ref child;
    int64_t before;
    art_int128 sum[ART_SUMMARY_MAX] = {0};
    make_directories(2, 1, 2000, 4);
    struct blob_image *root = blob_run_root(&run);
    uint32_t at = reference_at(root, 0);
    liar_of(root);
    liar.image[at + offsetof(struct art_ref_format, columns)] = 0;
    liar.image[at + offsetof(struct art_ref_format, sums)] = 0;
    make_plausible();
    blob_image_open(&liar);
    struct art_blob *blob = &liar.blob;
    struct art_bytes key = rows.set.keys[0];
    ck_assert_int_eq(blob_image_check(&liar, &rows.summary), ART_CORRUPT);
    refused(art_blob_child(blob, key, &child, NULL), ART_CORRUPT, "not a reference to a child");
    refused(art_blob_sums(blob, key, &rows.summary, &child, &before, sum), ART_CORRUPT, "not a reference to a child");
    struct art_blob_cursor cursor = cursor_of(blob, &liar);
    must(art_blob_first(&cursor));
    refused(art_blob_cursor_ref(&cursor, &child), ART_CORRUPT, "not a reference to a child");
}

/* Bytes of leaf pages and directories that somebody changed together with all hashes. */
TEST(test_made_up_bytes_are_refused_or_read_within_the_image) {
    struct random random = random_announced("made up");
    uint32_t passed = 0, found = 0;
    for (unsigned round = random_rounds(18); round; round--) {
        if (!random_span(&random)) continue;
        uint32_t columns = 1 + random_below(&random, ART_SUMMARY_MAX);
        struct blob_style style = {.family = round % 2 ? KEYS_DIRECTORIES : KEYS_DENSE, .flags = FLAGS_ANY};
        make(columns, random_below(&random, columns + 1), style, SMALL, 900, 4, round % 3 == 0, &random);
        for (int times = 0; times < 200; times++) {
            bool root = random_once_in(&random, 3);
            const struct blob_image *from = root ? blob_run_root(&run) : &run.slots[random_below(&random, run.count)];
            liar_of(from);
            uint32_t used = from->ref.leaf_pages * (uint32_t)ART_BLOB_PAGE,
                     routing = from->blob.at.begin[ART_PART_BOUNDS];
            for (uint32_t n = 1 + random_below(&random, 4); n; n--) {
                uint32_t at = random_below(&random, used);
                if (random_once_in(&random, 4)) at = routing + random_below(&random, ART_TRAILER_AT - routing);
                liar.image[at] = (uint8_t)random_next(&random) >> random_below(&random, 8);
            }
            make_plausible();
            int rc = first_error(&random);
            HOLDS(rc == ART_OK || rc == ART_CORRUPT);
            passed += rc == ART_OK;
            found += rc != ART_OK;
        }
    }
    printf("made up: %u refused, %u passed the check\n", found, passed);
    ck_assert_uint_gt(found, 0);
}

SUITE("blob, summary", .seconds = 600, .tear_down = tear_down)
