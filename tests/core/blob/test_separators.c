/* Index blobs that keep their separators decoded (core/blob/separators.c) give what the same blobs give without: the
 * child's reference, its number, the sum before it. And where that cannot be right nothing is kept: a page is not
 * there, a separator out of order, a reference none, or there is no memory.
 */
#include "tests/support/blob_one.h"
#include "tests/support/short_memory.h"

enum { PROBES = 400, MOST_CHILDREN = 1024, MOST_KEY_BYTES = 64 * 1024 };

static uint64_t searched;

/* A reader's own copy of the blob, which may keep its separators once it was asked more often than it has children. */
static struct art_blob reader_of(const struct blob_image *image) {
    struct art_blob blob;
    memcpy(&blob, &image->blob, sizeof blob);
    blob.separators_searched = &searched;
    return blob;
}

static void ask_often(struct art_blob *blob, struct art_bytes key) {
    struct art_ref child;
    for (uint32_t i = 0; i <= blob->entries; i++) {
        ck_assert_ptr_null(blob->separators);
        art_blob_child(blob, key, &child, NULL);
    }
}

static bool refs_equal(const struct art_ref *a, const struct art_ref *b) {
    return a->slot == b->slot && a->height == b->height && a->leaf_pages == b->leaf_pages &&
           a->footer_pages == b->footer_pages && a->generation == b->generation &&
           art_hash128_equal(a->hash, b->hash) && a->entries == b->entries && a->count == b->count &&
           a->csn_max == b->csn_max && a->overflows == b->overflows && a->key_max == b->key_max &&
           art_measures_equal(a->has, b->has) && a->summed == b->summed && art_bytes_equal(a->label, b->label);
}

static void both_say_the_same(struct art_blob *plain, struct art_blob *keeper, struct art_bytes key) {
    struct art_ref expected, child;
    int64_t sum_expected, sum;
    uint32_t number_expected, number;
    must(art_blob_child(plain, key, &expected, &sum_expected));
    must(art_blob_child(keeper, key, &child, &sum));
    HOLDS(refs_equal(&expected, &child));
    HOLDS(sum == sum_expected);
    must(art_blob_child_number(plain, key, &expected, &number_expected));
    must(art_blob_child_number(keeper, key, &child, &number));
    HOLDS(refs_equal(&expected, &child));
    HOLDS(number == number_expected);
}

static struct art_bytes any_key_of(const struct blob_image *image) {
    return image->ref.label;
}

static struct art_bytes separator_of(const struct blob_image *image, uint32_t level, uint32_t child) {
    return run.slots[run.level[level - 1].first + image->first + child].separator;
}

/* Bytes of all separators, behind the label. */
static uint64_t separator_bytes(uint32_t level, const struct blob_image *image) {
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < image->rows; i++) bytes += separator_of(image, level, i).len - image->ref.label.len;
    return bytes;
}

static bool blob_is_the_same_with_kept_separators(uint32_t level, struct blob_image *image, struct random *random) {
    struct art_blob keeper = reader_of(image);
    ask_often(&keeper, any_key_of(image));
    bool few = image->rows <= MOST_CHILDREN && separator_bytes(level, image) <= MOST_KEY_BYTES;
    ck_assert_int_eq(keeper.separators != NULL, image->rows > 1 && few);
    for (uint32_t i = 0; keeper.separators && i < PROBES + image->rows; i++) {
        struct art_bytes probe = key_set_probe(&rows.set, 0, rows.set.count, random);
        struct art_bytes key = i < PROBES ? probe : separator_of(image, level, i - PROBES);
        if (!art_label_compare(image->ref.label, key)) both_say_the_same(&image->blob, &keeper, key);
        free((void *)probe.data);
    }
    bool had = keeper.separators;
    art_blob_drop_separators(&keeper);
    ck_assert_ptr_null(keeper.separators);
    return had;
}

TEST(test_they_lead_where_the_blob_leads) {
    struct random random = random_announced("separators");
    uint32_t kept = 0;
    for (uint32_t round = 0; round < 4 * KEY_FAMILIES * random_scale(); round++) {
        if (!random_span(&random)) continue;
        struct blob_style style = {(enum key_family)(round % KEY_FAMILIES), VALUES_MIXED, FLAGS_ANY, CSNS_SAME};
        uint32_t wanted = style.family == KEYS_LONG || style.family == KEYS_TWINS ? 100 : 20000;
        blob_run_make(&run, &rows, style, wanted, 2 + random_below(&random, 4), false, &random);
        for (uint32_t level = 1; level < run.height; level++) {
            for (uint32_t i = 0; i < run.level[level].count; i++) {
                struct blob_image *image = &run.slots[run.level[level].first + i];
                kept += blob_is_the_same_with_kept_separators(level, image, &random);
            }
        }
    }
    printf("%u index blobs kept theirs\n", kept);
    ck_assert_uint_gt(kept, 0);
}

/* --- separators that no table has --------------------------------------------------------------------------------- */

/* Pieces of which separators are put together, so that many have the same 8 bytes, end within them, or have zeros. */
static const struct art_bytes pieces[] = {
#define PIECE(text)                                                                                                    \
    { (const uint8_t *)(text), sizeof(text) - 1 }
    PIECE("usr/share/doc/package-"),
    PIECE("12345678"),
    PIECE("\0\0\0\0\0\0\0\0"),
    PIECE("\0\0\0"),
    PIECE("\0"),
    PIECE("\xff\xff\xff\xff\xff\xff\xff\xff"),
    PIECE("a"),
    PIECE("b/"),
    PIECE("\xff"),
#undef PIECE
};

static struct art_bytes made_up_key(struct random *random) {
    uint8_t bytes[8 * 24];
    uint32_t len = 0;
    for (uint32_t n = random_below(random, 8); n; n--) {
        struct art_bytes piece = pieces[random_below(random, sizeof pieces / sizeof *pieces)];
        memcpy(bytes + len, piece.data, piece.len);
        len += piece.len;
    }
    if (random_once_in(random, 2)) bytes[len++] = (uint8_t)random_below(random, 256);
    return blob_padded(bytes, len);
}

/* An index blob of the first `*count` keys that fit, and that are not equal to the one before. */
static void index_of(struct art_bytes *keys, uint32_t *count, struct blob_image *out) {
    struct art_builder_options options = {.kind = ART_BLOB_INDEX, .height = 1};
    struct art_builder *builder;
    struct art_built built;
    uint32_t taken = 0;
    memcpy(options.uuid, blob_uuid, sizeof options.uuid);
    memset(out, 0, sizeof *out);
    out->image = blob_image_new();
    qsort(keys, *count, sizeof *keys, key_compare);
    must(art_builder_open(&builder, &options));
    art_builder_begin(builder, out->image);
    for (uint32_t i = 0; i < *count; i++) {
        struct art_ref ref = {.slot = i + 1, .leaf_pages = 1, .footer_pages = 1, .entries = i + 9, .count = (int64_t)i};
        bool full = false;
        if (i && art_bytes_equal(keys[i], keys[i - 1])) continue;
        must(art_builder_add_ref(builder, keys[i], &ref, &full));
        if (full) break;
        taken++;
    }
    must(art_builder_finish(builder, 1, 1, &built));
    out->ref = built.ref;
    out->rows = taken - art_builder_pending(builder);
    out->ref.label = blob_padded(built.ref.label.data, built.ref.label.len);
    must(art_blob_open(&out->blob, out->image, &out->ref, blob_uuid, "test"));
    must(art_blob_verify_all(&out->blob));
    art_builder_close(builder);
}

TEST(test_equal_heads_zeros_and_ends_lead_where_the_blob_leads) {
    struct random random = random_announced("made up separators");
    uint32_t kept = 0, many = 0;
    for (uint32_t round = 0; round < 150 * random_scale(); round++) {
        if (!random_span(&random)) continue;
        struct art_bytes keys[2 * MOST_CHILDREN];
        uint32_t count = 2 + random_below(&random, random_once_in(&random, 8) ? 2 * MOST_CHILDREN - 2 : 60);
        struct blob_image image;
        for (uint32_t i = 0; i < count; i++) keys[i] = made_up_key(&random);
        index_of(keys, &count, &image);
        struct art_blob keeper = reader_of(&image);
        ask_often(&keeper, any_key_of(&image));
        ck_assert_int_eq(keeper.separators != NULL, image.rows > 1 && image.rows <= MOST_CHILDREN);
        for (uint32_t i = 0; keeper.separators && i < count + PROBES; i++) {
            struct art_bytes key = i < count ? blob_padded(keys[i].data, keys[i].len) : made_up_key(&random);
            if (!art_label_compare(image.ref.label, key)) both_say_the_same(&image.blob, &keeper, key);
            free((void *)key.data);
        }
        kept += keeper.separators != NULL;
        many += image.rows > MOST_CHILDREN;
        art_blob_drop_separators(&keeper);
        for (uint32_t i = 0; i < count; i++) free((void *)keys[i].data);
        free((void *)image.ref.label.data);
        free(image.image);
    }
    printf("%u index blobs kept theirs, %u have too many\n", kept, many);
    ck_assert_uint_gt(kept, 0);
}

/* --- where there are none ----------------------------------------------------------------------------------------- */

static struct blob_image *parent; /* of leaf blobs */

static void begin(void) {
    struct random random = {7};
    struct blob_style style = {KEYS_DIRECTORIES, VALUES_LARGE, FLAGS_PUTS, CSNS_SAME};
    blob_run_make(&run, &rows, style, 3000, 8, false, &random);
    parent = &run.slots[run.level[1].first];
    ck_assert_uint_gt(parent->rows, 8);
    ck_assert_uint_gt(parent->blob.leaf_pages, 1);
}

CASE("facts", .set_up = begin, .tear_down = tear_down)

TEST(test_they_are_kept_when_it_pays_and_the_reader_wants_it) {
    ask_often(&parent->blob, any_key_of(parent)); /* whose reader would not drop them */
    ask_often(&parent->blob, any_key_of(parent));
    ck_assert_ptr_null(parent->blob.separators);
    struct art_blob blob = reader_of(parent);
    struct art_ref child;
    for (uint32_t i = 0; i < blob.entries; i++) must(art_blob_child(&blob, any_key_of(parent), &child, NULL));
    ck_assert_ptr_null(blob.separators); /* until they pay */
}

static unsigned loads;
static enum art_rc want(struct art_blob *blob, const struct art_pages *pages, enum art_intent intent) {
    loads++;
    for (uint32_t page = 0; page < blob->leaf_pages; page++) {
        if (art_pages_has(pages, page)) must(art_blob_verify_page(blob, page));
    }
    return ART_OK;
}

TEST(test_they_wait_for_pages_that_are_not_there) {
    struct art_blob blob = reader_of(parent);
    blob.want = want;
    atomic_store(&blob.present[0], 0);
    ask_often(&blob, any_key_of(parent));
    ck_assert_ptr_null(blob.separators);
    ck_assert_uint_eq(loads, 1); /* the page of the first bucket, and no other */
    must(art_blob_verify_all(&blob));
    struct art_ref child;
    must(art_blob_child(&blob, any_key_of(parent), &child, NULL));
    ck_assert_ptr_nonnull(blob.separators);
    art_blob_drop_separators(&blob);
}

TEST(test_without_memory_the_blob_is_searched) {
    short_memory_use();
    unsigned failed = 0;
    for (int64_t n = 0;; n++) {
        struct art_blob blob = reader_of(parent);
        blob.asked = blob.entries;
        struct art_ref child;
        short_memory_fail_after(n);
        enum art_rc rc = art_blob_child(&blob, rows.set.keys[0], &child, NULL);
        short_memory_fail_after(-1);
        must(rc);
        bool done = blob.separators;
        art_blob_drop_separators(&blob);
        ck_assert_int_eq(short_memory_blocks(), 0);
        if (done) break;
        failed++;
    }
    ck_assert_uint_ge(failed, 3);
}

/* A made-up image, with all its hashes right. */
static struct blob_image lie_in(struct art_bucket_view *view) {
    struct blob_image lie = blob_image_copy(parent);
    must(art_bucket_fetch(&lie.blob, 0, &view->start));
    art_bucket_view_open(view, view->start, &lie.blob);
    return lie;
}

static void open_lie(struct blob_image *lie) {
    blob_image_rehash(lie->image, &lie->ref);
    blob_image_open(lie);
}

static const uint8_t lies[] = {ART_HEIGHT_MAX + 1, 1}; /* impossible; not that of a child here */

LOOP_TEST(test_an_impossible_reference_is_reported_as_ever, sizeof lies) {
    struct art_bucket_view view;
    struct blob_image lie = lie_in(&view);
    uint8_t *height =
        lie.image + (art_bucket_value(&view, 1).data - lie.image) + offsetof(struct art_ref_format, height);
    *height = lies[_i];
    open_lie(&lie);
    struct art_blob blob = reader_of(&lie);
    struct art_ref child;
    ask_often(&blob, any_key_of(parent));
    ck_assert_ptr_null(blob.separators);
    must(art_blob_child(&blob, any_key_of(parent), &child, NULL));
    refused(art_blob_child(&blob, run.slots[parent->first + 1].separator, &child, NULL), ART_CORRUPT,
            "not a reference to a child");
    free(lie.image);
}

TEST(test_separators_out_of_order_are_not_kept) {
    struct art_bucket_view view;
    struct blob_image lie = lie_in(&view);
    ck_assert_uint_gt(view.count, 3);
    uint8_t *last = lie.image + (view.first_bytes - lie.image) + view.count - 1;
    *last = 0; /* before its neighbours */
    open_lie(&lie);
    struct art_blob blob = reader_of(&lie);
    ask_often(&blob, any_key_of(parent));
    ck_assert_ptr_null(blob.separators);
    free(lie.image);
}

SUITE("separators", .seconds = SUITE_FOREVER, .tear_down = tear_down)
