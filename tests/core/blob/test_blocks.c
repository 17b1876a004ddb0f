/* Buckets whose values are a block: what is read of them, how full their pages become and how seldom a value is encoded
 * twice, and blocks that lie. The toy codec is lent; test_blob and others read the same blobs in every other way.
 */
#include "core/base/format.h"
#include "tests/support/blob_one.h"

static void set_up(void) {
    toy_codec_lend(true);
}

static void make(struct blob_style style, uint32_t wanted, uint32_t fill_pages, struct random *random) {
    blob_run_make(&run, &rows, style, wanted, fill_pages, false, random);
}

/* Of all leaf blobs: buckets, those with a block, and the bytes of buckets in all leaf pages but the last of each blob,
 * with the number of these pages. */
struct totals {
    uint32_t buckets, blocks;
    uint64_t pages, used;
};

static struct totals totals(void) {
    struct totals all = {0};
    for (uint32_t i = 0; i < run.level[0].count; i++) {
        const struct art_blob *blob = &run.slots[i].blob;
        for (uint32_t b = 0; b < blob->buckets; b++) {
            struct art_bucket_view view = view_of(blob, b);
            all.blocks += art_bucket_has_block(&view);
            if (art_bucket_offset(blob, b) / ART_BLOB_PAGE + 1 == blob->leaf_pages) continue;
            all.used += (uint64_t)(art_bucket_values_end(&view) - view.start);
        }
        all.buckets += blob->buckets;
        all.pages += blob->leaf_pages - 1;
    }
    return all;
}

static uint16_t features_of(const struct blob_image *image) {
    return art_blob_trailer(image->image)->incompatible;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

struct met {
    uint32_t from, next, in_blocks;
};

static void meet(void *context, uint32_t number, const struct art_entry *entry) {
    struct met *met = context;
    uint8_t room[ART_VALUE_INLINE_MAX];
    const struct art_entry *row = &rows.entries[met->from + met->next];
    ck_assert_uint_eq(number, met->next++);
    ck_assert(art_bytes_equal(art_entry_plain(entry, room), row->value));
    ck_assert_uint_eq(entry->flags & ART_ENTRY_FLAGS, row->flags);
    met->in_blocks += entry->flags & ART_IN_BLOCK ? 1 : 0;
}

TEST(test_an_entry_says_where_in_a_block_its_value_is) {
    struct random random = random_announced("places");
    uint32_t places = 0;
    make((struct blob_style){KEYS_DIRECTORIES, VALUES_ALIKE, FLAGS_PUTS, CSNS_BYTE}, 20000, 20, &random);
    ck_assert_uint_gt(totals().blocks, totals().buckets / 2);
    for (uint32_t i = 0; i < run.level[0].count; i++) {
        struct blob_image *image = &run.slots[i];
        struct met met = {.from = image->first};
        for (uint32_t b = 0; b < image->blob.buckets; b++) {
            uint32_t from = art_bucket_rank(&image->blob, b);
            must(art_blob_each(&image->blob, b, from, art_bucket_rank(&image->blob, b + 1), meet, &met));
        }
        ck_assert_uint_eq(met.next, image->rows);
        places += met.in_blocks;
        ck_assert_uint_eq(features_of(image), met.in_blocks ? ART_BLOB_BLOCKS : 0);
    }
    ck_assert_uint_gt(places, rows.set.count / 2);
}

static uint32_t decoded;

static void decode_and_count(struct art_bytes block, uint32_t from, uint32_t to, uint8_t *out, uint32_t *ends) {
    decoded++;
    toy_codec.values(block, from, to, out, ends);
}

/* And is not asked for a single one; the room serves one blob after the other. */
TEST(test_a_walk_that_wants_all_values_has_each_block_decoded_once) {
    struct random random = random_announced("walks");
    struct art_codec counting = toy_codec;
    struct art_plain_bucket *plain = malloc(sizeof *plain);
    uint32_t row = 0;
    counting.values = decode_and_count;
    counting.value = NULL;
    make((struct blob_style){KEYS_DIRECTORIES, VALUES_ALIKE, FLAGS_PUTS, CSNS_BYTE}, 9000, 10, &random);
    art_codec_use(&counting);
    decoded = 0;
    for (uint32_t i = 0; i < run.level[0].count; i++) {
        struct blob_image *image = &run.slots[i];
        struct art_blob_cursor cursor = cursor_of(&image->blob, image);
        struct art_entry entry;
        art_blob_cursor_plain(&cursor, plain);
        for (must(art_blob_first(&cursor)); cursor.valid; must(art_blob_next(&cursor)), row++) {
            art_blob_cursor_entry(&cursor, &entry);
            ck_assert_uint_eq(entry.flags, rows.entries[row].flags);
            ck_assert(art_bytes_equal(entry.value, rows.entries[row].value));
            art_blob_cursor_value(&cursor, &entry);
            ck_assert(art_bytes_equal(entry.value, rows.entries[row].value));
        }
    }
    ck_assert_uint_eq(row, rows.set.count);
    ck_assert_uint_eq(decoded, totals().blocks);
    free(plain);
}

/* Blobs one after the other in one buffer, as a cursor may get them: what was decoded there before is of another. */
TEST(test_a_room_forgets_the_blob_before) {
    struct random random = random_announced("rooms");
    struct art_plain_bucket *plain = malloc(sizeof *plain);
    uint8_t *buffer = blob_image_new();
    uint32_t at_first = 0;
    make((struct blob_style){KEYS_DIRECTORIES, VALUES_ALIKE, FLAGS_PUTS, CSNS_BYTE}, 9000, 6, &random);
    for (uint32_t i = 0; i < run.level[0].count; i++) {
        const struct blob_image *image = &run.slots[i];
        struct art_entry entry;
        struct art_blob blob;
        memcpy(buffer, image->image, ART_BLOB_BYTES);
        must(art_blob_open(&blob, buffer, &image->ref, blob_uuid, "test"));
        must(art_blob_verify_all(&blob));
        struct art_blob_cursor cursor = cursor_of(&blob, image);
        art_blob_cursor_plain(&cursor, plain);
        must(art_blob_first(&cursor));
        at_first += art_bucket_has_block(&cursor.view);
        art_blob_cursor_entry(&cursor, &entry);
        ck_assert(art_bytes_equal(entry.value, rows.entries[image->first].value));
    }
    ck_assert_uint_gt(at_first, 5);
    free(buffer);
    free(plain);
}

/* --- building ----------------------------------------------------------------------------------------------------- */

/* Rows in a table: keys of a directory, values of which so many bytes are their own. */
static void make_own(uint32_t least, uint32_t spread, uint32_t wanted, struct random *random) {
    struct blob_style style = {KEYS_DIRECTORIES, VALUES_EMPTY, FLAGS_PUTS, CSNS_BYTE};
    enum { SAME = 30 };
    blob_run_clear(&run);
    blob_rows_clear(&rows);
    blob_rows_make(&rows, style, wanted, random);
    for (uint32_t row = 0; row < rows.set.count; row++) {
        uint32_t len = SAME + least + random_below(random, spread);
        uint8_t *value = realloc((void *)rows.entries[row].value.data, len);
        memset(value, 'a', SAME);
        for (uint32_t i = SAME; i < len; i++) value[i] = (uint8_t)random_next(random);
        rows.entries[row].value = art_bytes(value, len);
    }
    toy_codec_encoded = 0;
    blob_run_build(&run, &rows, 0, false);
}

TEST(test_pages_with_blocks_are_full_and_few_values_are_encoded_twice) {
    struct random random = random_announced("full pages");
    static const uint32_t sizes[][2] = {{4, 1}, {6, 6}, {12, 8}, {20, 12}, {30, 30}, {60, 80}};
    double full_of_all = 0;
    for (int i = 0; i < LENGTH(sizes); i++) {
        make_own(sizes[i][0], sizes[i][1], 30000, &random);
        struct totals all = totals();
        double full = (double)all.used / (double)(all.pages * ART_BLOB_PAGE);
        double encoded = (double)toy_codec_encoded / rows.set.count;
        printf("%u to %u bytes a row: %.1f %% of pages used, %.3f encodings a row, %u blocks of %u buckets\n",
               sizes[i][0], sizes[i][0] + sizes[i][1], 100 * full, encoded, all.blocks, all.buckets);
        ck_assert(full > 0.95);
        full_of_all += full;
        ck_assert(encoded < 1.15);
        ck_assert_uint_ge(all.blocks, all.buckets - all.buckets / 20 - run.level[0].count);
    }
    ck_assert(full_of_all / LENGTH(sizes) > 0.98);
}

TEST(test_values_that_no_block_makes_smaller_stay_as_they_are) {
    struct random random = random_announced("plain");
    struct blob_style style = {KEYS_DIRECTORIES, VALUES_MIXED, FLAGS_PUTS, CSNS_BYTE};
    uint32_t blobs;
    make(style, 5000, 0, &random);
    ck_assert_uint_eq(totals().blocks, 0);
    for (uint32_t i = 0; i < run.count; i++) ck_assert_uint_eq(features_of(&run.slots[i]), 0);
    blobs = run.level[0].count;
    blob_run_clear(&run);
    toy_codec_lend(false);
    blob_run_build(&run, &rows, 0, false);
    ck_assert_uint_le(blobs, run.level[0].count + 1);
}

TEST(test_the_end_of_a_page_that_is_spared_stays_empty) {
    struct random random = random_announced("spare");
    enum { SPARE = 64 };
    static const uint8_t zeros[SPARE];
    struct art_builder_options options = {.kind = ART_BLOB_LEAF, .blocks = true, .page_spare = SPARE};
    struct art_builder *builder;
    struct art_built built;
    uint8_t *image = blob_image_new();
    bool full = false;
    blob_rows_make(&rows, (struct blob_style){KEYS_DIRECTORIES, VALUES_ALIKE, FLAGS_PUTS, CSNS_BYTE}, 9000, &random);
    must(art_builder_open(&builder, &options));
    art_builder_begin(builder, image);
    for (uint32_t row = 0; row < rows.set.count && !full; row++)
        must(art_builder_add(builder, rows.set.keys[row], &rows.entries[row], ART_SHARED_UNKNOWN, &full));
    must(art_builder_finish(builder, 1, 1, &built));
    ck_assert_uint_eq(art_blob_trailer(image)->incompatible, ART_BLOB_BLOCKS);
    for (uint32_t page = 0; page < built.ref.leaf_pages; page++)
        ck_assert(memcmp(image + (page + 1) * ART_BLOB_PAGE - SPARE, zeros, SPARE) == 0);
    art_builder_close(builder);
    free(image);
}

/* Rows that blocks make smaller, then others, in one stream. */
TEST(test_only_blobs_with_blocks_have_their_feature) {
    struct random random = random_announced("features of a run");
    uint32_t features[2] = {0};
    blob_rows_make(&rows, (struct blob_style){KEYS_DIRECTORIES, VALUES_ALIKE, FLAGS_PUTS, CSNS_BYTE}, 9000, &random);
    for (uint32_t row = rows.set.count / 2; row < rows.set.count; row++) {
        uint8_t *value = (uint8_t *)rows.entries[row].value.data;
        for (uint32_t i = 0; i < rows.entries[row].value.len; i++) value[i] = (uint8_t)random_next(&random);
    }
    blob_run_build(&run, &rows, 8, false);
    for (uint32_t i = 0; i < run.level[0].count; i++) {
        const struct art_blob *blob = &run.slots[i].blob;
        bool blocks = false;
        for (uint32_t b = 0; b < blob->buckets; b++) {
            struct art_bucket_view view = view_of(blob, b);
            blocks |= art_bucket_has_block(&view);
        }
        ck_assert_uint_eq(features_of(&run.slots[i]), blocks ? ART_BLOB_BLOCKS : 0);
        features[blocks]++;
    }
    ck_assert_uint_gt(features[0], 1);
    ck_assert_uint_gt(features[1], 1);
}

/* Deletes and what shadows an older entry stand in no block, nor do chunks. */
TEST(test_only_first_puts_stand_in_blocks) {
    struct random random = random_announced("puts");
    static const uint8_t odd[] = {ART_CHUNK, ART_DELETE, ART_SHADOWS_OLDER};
    uint32_t in_blocks = 0, row = 0;
    blob_rows_make(&rows, (struct blob_style){KEYS_DIRECTORIES, VALUES_ALIKE, FLAGS_PUTS, CSNS_BYTE}, 9000, &random);
    for (uint32_t i = 0; i < rows.set.count; i++) {
        if (random_once_in(&random, 5)) rows.entries[i].flags = ART_OVERFLOW;
        if (!random_once_in(&random, 300)) continue;
        rows.entries[i].flags = odd[random_below(&random, sizeof odd)];
        if (rows.entries[i].flags & ART_DELETE) rows.entries[i].value.len = 0;
    }
    blob_run_build(&run, &rows, 0, false);
    ck_assert_uint_gt(totals().blocks, 0);
    for (uint32_t i = 0; i < run.level[0].count; i++) {
        const struct art_blob *blob = &run.slots[i].blob;
        must(art_blob_check(&run.slots[i].blob, false));
        for (uint32_t b = 0; b < blob->buckets; b++) {
            struct art_bucket_view view = view_of(blob, b);
            for (uint32_t entry = 0; entry < view.count; entry++, row++) {
                if (!art_bucket_has_block(&view)) continue;
                ck_assert(!(rows.entries[row].flags & ~ART_OVERFLOW));
                in_blocks++;
            }
        }
    }
    ck_assert_uint_gt(in_blocks, rows.set.count / 3);
}

/* --- what is refused ---------------------------------------------------------------------------------------------- */

TEST(test_a_blob_is_refused_by_what_this_version_does_not_know) {
    struct random random = random_announced("features");
    struct art_blob blob;
    make((struct blob_style){KEYS_DIRECTORIES, VALUES_ALIKE, FLAGS_PUTS, CSNS_BYTE}, 3000, 8, &random);
    struct blob_image *image = &run.slots[0];
    struct art_blob_trailer *trailer = blob_image_trailer(image->image);
    ck_assert_uint_eq(features_of(image), ART_BLOB_BLOCKS);
    toy_codec_lend(false);
    refused(art_blob_open(&blob, image->image, &image->ref, blob_uuid, "test"), ART_CORRUPT,
            "a blob has feature 1, which this version cannot read (test, slot 0): use a newer sqlite-art");
    toy_codec_lend(true);
    trailer->compatible = 0x8001;
    blob_image_rehash(image->image, &image->ref);
    must(art_blob_open(&blob, image->image, &image->ref, blob_uuid, "test"));
    trailer->incompatible |= 0x8000;
    blob_image_rehash(image->image, &image->ref);
    refused(art_blob_open(&blob, image->image, &image->ref, blob_uuid, "test"), ART_CORRUPT, "a blob has feature 16");
    trailer->format = ART_FORMAT + 1;
    blob_image_rehash(image->image, &image->ref);
    refused(art_blob_open(&blob, image->image, &image->ref, blob_uuid, "test"), ART_CORRUPT,
            "a blob has format 11, this version reads 10");
    struct blob_image *index = blob_run_root(&run);
    ck_assert_int_eq(index->blob.kind, ART_BLOB_INDEX);
    blob_image_trailer(index->image)->incompatible = ART_BLOB_BLOCKS;
    blob_image_rehash(index->image, &index->ref);
    refused(art_blob_open(&blob, index->image, &index->ref, blob_uuid, "test"), ART_CORRUPT,
            "an index with what only leaves have");
}

/* Some bytes of bucket 1 say something else, and the hashes are right. */
static void bucket_refused(const struct blob_image *from, uint32_t at, uint8_t byte, const char *says) {
    struct blob_image image = blob_image_copy(from);
    uint32_t start = art_bucket_offset(&from->blob, 1);
    ck_assert_uint_ne(image.image[start + at], byte);
    image.image[start + at] = byte;
    blob_image_rehash(image.image, &image.ref);
    must(art_blob_open(&image.blob, image.image, &image.ref, blob_uuid, "test"));
    refused(art_blob_verify_all(&image.blob), ART_CORRUPT, says);
    free(image.image);
}

TEST(test_a_bucket_that_lies_about_its_block_is_refused) {
    struct random random = {11};
    make((struct blob_style){KEYS_DIRECTORIES, VALUES_ALIKE, FLAGS_PUTS, CSNS_SAME}, 3000, 0, &random);
    struct blob_image *image = &run.slots[0], copy;
    struct art_bucket_view view = view_of(&image->blob, 1);
    uint32_t block = (uint32_t)(view.values - view.start);
    ck_assert(art_bucket_has_block(&view));
    bucket_refused(image, 1, view.form | ART_BUCKET_LENGTHS, "of an unknown form");
    bucket_refused(image, 5, 0x7f, "the block does not fit");
    bucket_refused(image, 5, (uint8_t)(view.value_len >> 8 | 0x80), "of an unknown form"); /* coded, without symbols */
    bucket_refused(image, 5, (uint8_t)((view.value_len >> 8) + 1), "the block does not fit");
    bucket_refused(image, 4, (uint8_t)(view.value_len - 1), "toy block");
    bucket_refused(image, 8, ART_DELETE, "something else than first puts in a block");
    bucket_refused(image, 8, ART_SHADOWS_OLDER, "something else than first puts in a block");
    bucket_refused(image, 8, ART_IN_BLOCK, "unknown flags");
    bucket_refused(image, block, (uint8_t)(view.count - 1), "a toy block of another bucket");
    bucket_refused(image, block + 3, 0xff, "a toy block without its shared parts");
    /* with the deep check, what stands behind a block */
    copy = blob_image_copy(image);
    uint32_t bucket = 1;
    while (art_bucket_values_end(&view) - image->image == art_bucket_end(&image->blob, bucket))
        view = view_of(&image->blob, ++bucket);
    copy.image[art_bucket_values_end(&view) - image->image] = 1;
    blob_image_rehash(copy.image, &copy.ref);
    refused(blob_image_check(&copy, NULL), ART_CORRUPT, "unused bytes behind the bucket are not zero");
    /* and in a blob without blocks, the same bucket */
    blob_image_trailer(copy.image)->incompatible = 0;
    blob_image_rehash(copy.image, &copy.ref);
    must(art_blob_open(&copy.blob, copy.image, &copy.ref, blob_uuid, "test"));
    refused(art_blob_verify_all(&copy.blob), ART_CORRUPT, "of an unknown form");
    free(copy.image);
}

SUITE("blocks", .seconds = 300, .set_up = set_up, .tear_down = tear_down)
