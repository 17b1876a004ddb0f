/* Index blobs with fence pointers (core/blob/fences.c) give what the same blobs give without: the child's reference,
 * its number, the sum before it. And where no fences can be right there are none: a page that is not there, a separator
 * out of order, a reference that is none, no memory.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/blob/bucket.h"
#include "tests/support/blob_model.h"
#include "tests/support/must.h"
#include "tests/support/short_memory.h"
#include "tests/support/suite.h"

enum { PROBES = 400, MOST_CHILDREN = 1024, MOST_KEY_BYTES = 64 * 1024 };

/* A reader's own copy of the blob, which may have fences once it was asked for more than its children. */
static struct art_blob reader_of(const struct blob_image *image) {
    struct art_blob blob;
    memcpy(&blob, &image->blob, sizeof blob);
    blob.keeps_fences = true;
    return blob;
}

static void ask_often(struct art_blob *blob, struct art_bytes key) {
    struct art_ref child;
    for (uint32_t i = 0; i <= blob->entries; i++) {
        ck_assert_ptr_null(blob->fences);
        art_blob_child(blob, key, &child, NULL);
    }
}

static bool refs_equal(const struct art_ref *a, const struct art_ref *b) {
    return a->slot == b->slot && a->level == b->level && a->leaf_pages == b->leaf_pages &&
           a->footer_pages == b->footer_pages && a->generation == b->generation &&
           art_hash128_equal(a->hash, b->hash) && a->entries == b->entries && a->count == b->count &&
           a->csn_max == b->csn_max && a->overflows == b->overflows && a->key_max == b->key_max &&
           art_measures_equal(a->has, b->has) && a->summed == b->summed && art_bytes_equal(a->label, b->label);
}

static void both_say_the_same(struct art_blob *plain, struct art_blob *fenced, struct art_bytes key) {
    struct art_ref expected, child;
    int64_t sum_expected, sum;
    uint32_t number_expected, number;
    must(art_blob_child(plain, key, &expected, &sum_expected));
    must(art_blob_child(fenced, key, &child, &sum));
    HOLDS(refs_equal(&expected, &child));
    HOLDS(sum == sum_expected);
    must(art_blob_child_number(plain, key, &expected, &number_expected));
    must(art_blob_child_number(fenced, key, &child, &number));
    HOLDS(refs_equal(&expected, &child));
    HOLDS(number == number_expected);
}

static struct art_bytes any_key_of(const struct blob_image *image) {
    return image->ref.label;
}

/* Bytes of all separators, behind the label. */
static uint64_t separator_bytes(struct blob_run *run, uint32_t level, const struct blob_image *image) {
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < image->rows; i++)
        bytes += run->slots[run->level[level - 1].first + image->first + i].separator.len - image->ref.label.len;
    return bytes;
}

static bool blob_is_the_same_with_fences(struct blob_run *run, uint32_t level, struct blob_image *image,
                                         const struct blob_rows *rows, struct random *random) {
    struct art_blob fenced = reader_of(image);
    ask_often(&fenced, any_key_of(image));
    bool few = image->rows <= MOST_CHILDREN && separator_bytes(run, level, image) <= MOST_KEY_BYTES;
    ck_assert_int_eq(fenced.fences != NULL, image->rows > 1 && few);
    for (uint32_t i = 0; fenced.fences && i < PROBES; i++) {
        struct art_bytes key = blob_probe(rows, 0, rows->count, random);
        if (!art_label_compare(image->ref.label, key)) both_say_the_same(&image->blob, &fenced, key);
        free((void *)key.data);
    }
    for (uint32_t i = 0; fenced.fences && i < image->rows; i++) {
        struct art_bytes key = run->slots[run->level[level - 1].first + image->first + i].separator;
        if (!art_label_compare(image->ref.label, key)) both_say_the_same(&image->blob, &fenced, key);
    }
    bool had = fenced.fences;
    art_blob_drop_fences(&fenced);
    ck_assert_ptr_null(fenced.fences);
    return had;
}

START_TEST(test_fences_lead_where_the_blob_leads) {
    struct random random = random_announced("fences");
    uint32_t fenced = 0;
    for (uint32_t round = 0; round < 4 * BLOB_FAMILIES * random_scale(); round++) {
        struct blob_style style = {(enum blob_family)(round % BLOB_FAMILIES), VALUES_MIXED, FLAGS_ANY, CSNS_SAME};
        struct blob_rows rows;
        struct blob_run run;
        uint32_t wanted = style.family == BLOB_LONG || style.family == BLOB_TWINS ? 100 : 20000;
        blob_rows_make(&rows, style, wanted, &random);
        blob_run_build(&run, &rows, 2 + random_below(&random, 4), false);
        for (uint32_t level = 1; level < run.height; level++) {
            for (uint32_t i = 0; i < run.level[level].count; i++) {
                struct blob_image *image = &run.slots[run.level[level].first + i];
                fenced += blob_is_the_same_with_fences(&run, level, image, &rows, &random);
            }
        }
        blob_run_clear(&run);
        blob_rows_clear(&rows);
    }
    printf("%u index blobs with fences\n", fenced);
    ck_assert_uint_gt(fenced, 0);
}
END_TEST

/* --- where there are none ----------------------------------------------------------------------------------------- */

static struct blob_rows rows;
static struct blob_run run;
static struct blob_image *parent; /* of leaf blobs */

static void begin(void) {
    struct random random = {7};
    blob_rows_make(&rows, (struct blob_style){BLOB_DIRECTORIES, VALUES_LARGE, FLAGS_PUTS, CSNS_SAME}, 3000, &random);
    blob_run_build(&run, &rows, 8, false);
    parent = &run.slots[run.level[1].first];
    ck_assert_uint_gt(parent->rows, 8);
    ck_assert_uint_gt(parent->blob.leaf_pages, 1);
}

static void end(void) {
    blob_run_clear(&run);
    blob_rows_clear(&rows);
}

START_TEST(test_nobody_makes_fences_unasked) {
    begin();
    ask_often(&parent->blob, any_key_of(parent)); /* whose reader would not drop them */
    ask_often(&parent->blob, any_key_of(parent));
    ck_assert_ptr_null(parent->blob.fences);
    struct art_blob blob = reader_of(parent);
    struct art_ref child;
    for (uint32_t i = 0; i < blob.entries; i++) must(art_blob_child(&blob, any_key_of(parent), &child, NULL));
    ck_assert_ptr_null(blob.fences); /* until they pay */
    end();
}
END_TEST

static unsigned loads;
static enum art_rc load(struct art_blob *blob, uint32_t first, uint32_t n) {
    loads++;
    for (uint32_t page = first; page < first + n; page++) must(art_blob_verify_page(blob, page));
    return ART_OK;
}

START_TEST(test_fences_wait_for_pages_that_are_not_there) {
    begin();
    struct art_blob blob = reader_of(parent);
    blob.load = load;
    atomic_store(&blob.present[0], 0);
    ask_often(&blob, any_key_of(parent));
    ck_assert_ptr_null(blob.fences);
    ck_assert_uint_eq(loads, 1); /* the page of the first bucket, and no other */
    must(art_blob_verify_all(&blob));
    struct art_ref child;
    must(art_blob_child(&blob, any_key_of(parent), &child, NULL));
    ck_assert_ptr_nonnull(blob.fences);
    art_blob_drop_fences(&blob);
    end();
}
END_TEST

START_TEST(test_without_memory_the_blob_is_searched) {
    begin();
    short_memory_use();
    unsigned failed = 0;
    for (int64_t n = 0;; n++) {
        struct art_blob blob = reader_of(parent);
        blob.asked = blob.entries;
        struct art_ref child;
        short_memory_fail_after(n);
        enum art_rc rc = art_blob_child(&blob, rows.keys[0], &child, NULL);
        short_memory_fail_after(-1);
        must(rc);
        bool done = blob.fences;
        art_blob_drop_fences(&blob);
        if (done) break;
        failed++;
    }
    ck_assert_uint_ge(failed, 3);
    end();
}
END_TEST

/* A made-up image, with all its hashes right. */
static struct blob_image lie_in(struct art_bucket_view *view) {
    struct blob_image lie = *parent;
    lie.image = blob_image_new();
    memcpy(lie.image, parent->image, ART_BLOB_BYTES);
    memcpy(&lie.blob, &parent->blob, sizeof lie.blob);
    lie.blob.image = lie.image;
    must(art_bucket_fetch(&lie.blob, 0, &view->start));
    art_bucket_view_open(view, view->start);
    return lie;
}

static void open_lie(struct blob_image *lie) {
    blob_image_rehash(lie->image, &lie->ref);
    must(art_blob_open(&lie->blob, lie->image, &lie->ref, blob_uuid, "test"));
    must(art_blob_verify_all(&lie->blob));
}

START_TEST(test_a_senseless_reference_is_told_as_ever) {
    begin();
    struct art_bucket_view view;
    struct blob_image lie = lie_in(&view);
    lie.image[art_bucket_value(&view, 1).data - lie.image + 4] = ART_LEVEL_MAX + 1;
    open_lie(&lie);
    struct art_blob blob = reader_of(&lie);
    struct art_ref child;
    ask_often(&blob, any_key_of(parent));
    ck_assert_ptr_null(blob.fences);
    must(art_blob_child(&blob, any_key_of(parent), &child, NULL));
    refused(art_blob_child(&blob, run.slots[parent->first + 1].separator, &child, NULL), ART_CORRUPT,
            "not a reference to a child");
    free(lie.image);
    end();
}
END_TEST

START_TEST(test_separators_out_of_order_have_no_fences) {
    begin();
    struct art_bucket_view view;
    struct blob_image lie = lie_in(&view);
    ck_assert_uint_gt(view.count, 3);
    uint8_t *last = lie.image + (view.first_bytes - lie.image) + view.count - 1;
    *last = 0; /* before its neighbours */
    open_lie(&lie);
    struct art_blob blob = reader_of(&lie);
    ask_often(&blob, any_key_of(parent));
    ck_assert_ptr_null(blob.fences);
    free(lie.image);
    end();
}
END_TEST

int main(void) {
    Suite *suite = suite_create("fences");
    TCase *tcase = tcase_create("fences");
    tcase_set_timeout(tcase, 0);
    tcase_add_test(tcase, test_fences_lead_where_the_blob_leads);
    tcase_add_test(tcase, test_nobody_makes_fences_unasked);
    tcase_add_test(tcase, test_fences_wait_for_pages_that_are_not_there);
    tcase_add_test(tcase, test_without_memory_the_blob_is_searched);
    tcase_add_test(tcase, test_a_senseless_reference_is_told_as_ever);
    tcase_add_test(tcase, test_separators_out_of_order_have_no_fences);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
