/* Buckets whose suffixes are coded. That they are read as others are show test_blob and the programs beside it, which
 * draw them; here is what is asked for together with the symbols, and what columns cannot say.
 */
#include "tests/support/blob_one.h"

static void make(enum key_family family, enum blob_values values, uint32_t wanted, struct random *random) {
    toy_codec_lend(true);
    blob_coded = true;
    blob_run_make(&run, &rows, (struct blob_style){family, values, FLAGS_PUTS, CSNS_BYTE}, wanted, 0, false, random);
}

/* The first bucket, from this one on, that is coded, and wide or not. */
static uint32_t coded_from(const struct art_blob *blob, uint32_t bucket, bool wide) {
    for (; bucket < blob->buckets; bucket++) {
        struct art_bucket_view view = view_of(blob, bucket);
        if (view.symbols && view.count > 4 && (view.form & ART_BUCKET_WIDE) == wide) break;
    }
    return bucket;
}

/* --- what is asked for -------------------------------------------------------------------------------------------- */

static unsigned asked;

static enum art_rc want_in_place(struct art_blob *blob, const struct art_pages *pages, enum art_intent intent) {
    enum art_rc rc = ART_OK;
    asked++;
    for (uint32_t page = 0; !rc && page < ART_BLOB_PAGES - 1; page++) {
        if (art_pages_has(pages, page) && !art_page_present(blob, page)) rc = art_blob_verify_page(blob, page);
    }
    return intent == ART_WALK ? ART_OK : rc; /* the page stays absent */
}

static void open_head(struct blob_image *image) {
    must(art_blob_open_head(&image->blob, image->image, &image->ref, blob_uuid, "test"));
    image->blob.want = want_in_place;
    asked = 0;
}

/* With the nodes where a key is searched for, else with the first leaf page; and whether they are right shows when they
 * are needed, and not before. */
TEST(test_symbols_come_with_what_leads_to_a_key_or_with_the_first_page) {
    struct random random = {7};
    struct art_entry entry;
    make(KEYS_DIRECTORIES, VALUES_SAME, 20000, &random);
    struct blob_image image = blob_image_copy(&run.slots[0]);
    uint32_t codes = image.blob.at.begin[ART_PART_SYMBOLS], row = image.rows / 2;
    ck_assert(coded_from(&image.blob, 0, false) == 0 && codes < ART_LAST_PAGE_AT);
    /* at first not; then its page; then the table, with its hash */
    for (unsigned damaged = 0; damaged < 3; damaged++) {
        const char *says[] = {"", "hash", "symbol"};
        image.image[codes] ^= damaged > 0;
        image.image[codes + offsetof(struct art_symbols, len) + 1] ^= damaged > 1 ? 64 : 0;
        if (damaged > 1) blob_image_rehash(image.image, &image.ref);
        open_head(&image);
        struct art_blob_cursor cursor = cursor_of(&image.blob, &image);
        enum art_rc rc = art_blob_get(&image.blob, rows.set.keys[row], &entry);
        if (!damaged) ck_assert(!rc && blob_entry_equal(&entry, &rows.entries[row]) && asked == 2);
        if (damaged) refused(rc, ART_CORRUPT, says[damaged]);
        open_head(&image);
        rc = art_blob_first(&cursor);
        if (!damaged) ck_assert(!rc && cursor.valid && asked == 1);
        if (damaged) refused(rc, ART_CORRUPT, says[damaged]);
    }
    free(image.image);
}

/* --- bytes that lie ----------------------------------------------------------------------------------------------- */

/* What is said when a byte of the image is another one, and all hashes are right; by a walk within limits, too. */
static void lie_refused(struct blob_image *image, const uint8_t *at, int byte, const struct art_limits *limits,
                        const char *says) {
    uint8_t *there = image->image + (at - image->image), was = *there;
    *there = (uint8_t)byte;
    blob_image_rehash(image->image, &image->ref);
    must(art_blob_open(&image->blob, image->image, &image->ref, blob_uuid, "test"));
    enum art_rc rc = art_blob_verify_all(&image->blob);
    struct art_blob_cursor cursor = cursor_of(&image->blob, image);
    must(art_blob_cursor_limit(&cursor, limits));
    if (!rc) rc = art_blob_first(&cursor);
    while (!rc && cursor.valid) rc = art_blob_next(&cursor);
    refused(rc, ART_CORRUPT, says);
    *there = was;
}

LOOP_TEST(test_a_coded_bucket_that_lies_is_refused, 2) {
    struct random random = random_announced("columns");
    struct blob_image *image = NULL;
    uint32_t bucket = 0, width = _i ? 2 : 1;
    for (int tries = 0; tries < 20 && (!image || bucket == image->blob.buckets); tries++) { /* rarely none is wide */
        if (image) tear_down();
        make(_i ? KEYS_SHARED : KEYS_DIRECTORIES, VALUES_SAME, 3000, &random);
        image = &run.slots[0];
        bucket = coded_from(&image->blob, 0, _i);
    }
    ck_assert_uint_lt(bucket, image->blob.buckets);
    struct art_bucket_view view = view_of(&image->blob, bucket);
    lie_refused(image, view.shared, 1, NULL, "a key shares more than its predecessor has");
    lie_refused(image, view.start, (int)view.count - 1, NULL, "a bucket's number of entries");
    lie_refused(image, view.suffix_len + width, view.suffix_len[width] + 1, NULL,
                "the suffixes do not fill their place");
    uint8_t alone[ART_BLOB_PAGE] = {1, 0};
    art_store16(alone + 4, ART_BUCKET_CODED);
    ck_assert_str_eq(art_bucket_insane(alone, sizeof alone, &image->blob, 1), "a bucket of an unknown form");
    /* beyond the predecessor, step by step or by a leap; and beyond the longest key */
    lie_refused(image, view.shared + 3 * width - 1, _i ? 0x40 : 0xff, NULL, "its keys are out of order");
    if (_i)
        lie_refused(image, view.suffix_len + 3 * width - 1, 0xff, NULL, "a key shares more than its predecessor has");
    for (uint32_t i = 2; i < 4; i++)
        memset(image->image + (view.shared - image->image) + i * width, _i ? 0x40 : 0xff, width);
    lie_refused(image, view.shared + 5 * width - 1, _i ? 0x40 : 0xff, &choose_thirds, "its keys are out of order");
}

SUITE("coded", .seconds = 300, .tear_down = tear_down)
