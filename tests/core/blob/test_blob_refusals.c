/* What a blob's builder and its readers refuse, sentence by sentence: options and entries that cannot stand in a blob,
 * and images whose hashes are right while one field of the trailer, or one hash, says what cannot be. And the layout's
 * far end: a full blob of so many small buckets that the short forms of the routing part do not reach.
 */
#include "core/base/format.h"
#include "core/blob/routing.h"
#include "tests/support/blob_one.h"
#include "tests/support/short_memory.h"

static void make(uint32_t wanted, uint32_t fill_pages, bool filter) {
    struct random random = {7};
    blob_run_make(&run, &rows, (struct blob_style){.family = KEYS_DIRECTORIES}, wanted, fill_pages, filter, &random);
}

/* --- the builder -------------------------------------------------------------------------------------------------- */

TEST(test_what_cannot_stand_in_a_blob_is_not_taken) {
    static uint8_t long_bytes[ART_KEY_MAX + 1 + ART_KEY_PADDING];
    static const uint8_t padded[1 + ART_KEY_PADDING] = {'k'};
    struct art_bytes key = art_bytes(padded, 1), too_long = art_bytes(long_bytes, ART_KEY_MAX + 1);
    struct art_ref ref = {.slot = 1, .leaf_pages = 1, .footer_pages = 1, .entries = 1, .count = 1};
    struct art_builder *leaf, *index;
    struct art_built built;
    uint8_t *image = blob_image_new();
    bool full;
    must(art_builder_open(&leaf, &(struct art_builder_options){.kind = ART_BLOB_LEAF}));
    must(art_builder_open(&index, &(struct art_builder_options){.kind = ART_BLOB_INDEX, .height = 2}));

    struct art_entry entry = {.value = art_bytes("v", 1)};
    art_builder_begin(leaf, image);
    art_builder_begin(index, image);
    refused(art_builder_add(leaf, too_long, &entry, ART_SHARED_UNKNOWN, &full), ART_TOOBIG, "does not fit");
    entry.value.len = ART_VALUE_INLINE_MAX + 1;
    refused(art_builder_add(leaf, key, &entry, ART_SHARED_UNKNOWN, &full), ART_TOOBIG, "does not fit");
    entry.value.len = 1;
    entry.flags = ART_DELETE;
    refused(art_builder_add(leaf, key, &entry, ART_SHARED_UNKNOWN, &full), ART_MISUSE, "this entry cannot go");
    entry.flags = 0x80;
    refused(art_builder_add(leaf, key, &entry, ART_SHARED_UNKNOWN, &full), ART_MISUSE, "this entry cannot go");
    entry.flags = 0;
    entry.csn = 1ull << 56;
    refused(art_builder_add(leaf, key, &entry, ART_SHARED_UNKNOWN, &full), ART_MISUSE, "this entry cannot go");
    entry.csn = 0;
    refused(art_builder_add(index, key, &entry, ART_SHARED_UNKNOWN, &full), ART_MISUSE, "this entry cannot go");
    refused(art_builder_add_ref(leaf, key, &ref, &full), ART_MISUSE, "this reference cannot go");
    refused(art_builder_add_ref(index, key, &ref, &full), ART_MISUSE, "this reference cannot go");
    ref.height = 1;
    refused(art_builder_add_ref(index, too_long, &ref, &full), ART_MISUSE, "this reference cannot go");
    ref.label = art_bytes(long_bytes, ART_LABEL_MAX + 1);
    refused(art_builder_add_ref(index, key, &ref, &full), ART_MISUSE, "this reference cannot go");

    /* nothing of all that is left behind */
    must(art_builder_add(leaf, key, &entry, ART_SHARED_UNKNOWN, &full));
    refused(art_builder_add(leaf, key, &entry, ART_SHARED_UNKNOWN, &full), ART_MISUSE, "must ascend");
    refused(art_builder_add(leaf, key, &entry, 2, &full), ART_MISUSE, "must ascend");
    refused(art_builder_add(leaf, art_bytes("a", 1), &entry, ART_SHARED_UNKNOWN, &full), ART_MISUSE, "must ascend");
    refused(art_builder_add(leaf, art_bytes("", 0), &entry, 0, &full), ART_MISUSE, "must ascend");
    entry.value = art_bytes(long_bytes, ART_VALUE_INLINE_MAX);
    must(art_builder_add(leaf, art_bytes("l", 1), &entry, 0, &full));
    must(art_builder_finish(leaf, 1, 1, &built));
    ck_assert_uint_eq(built.ref.entries, 2);
    ck_assert(!built.more);
    struct art_blob blob;
    must(art_blob_open(&blob, image, &built.ref, (const uint8_t[16]){0}, "test"));
    must(art_blob_verify_all(&blob));
    must(art_blob_check(&blob, true));
    art_builder_close(leaf);
    art_builder_close(index);
    free(image);
}

/* --- headers that lie --------------------------------------------------------------------------------------------- */

struct lie {
    size_t at;
    uint32_t value;
    unsigned bytes;
    const char *says;
};

#define FIELD(name, value, says)                                                                                       \
    { offsetof(struct art_blob_trailer, name), value, sizeof(((struct art_blob_trailer *)0)->name), says }

/* One field says something else, and the reference goes with it as far as it can. */
static void header_refused(const struct blob_image *from, const struct lie *lie) {
    uint8_t *image = blob_image_new();
    struct art_blob_trailer *trailer = blob_image_trailer(image);
    struct art_ref ref = from->ref;
    struct art_blob blob;
    memcpy(image, from->image, ART_BLOB_BYTES);
    memcpy((uint8_t *)trailer + lie->at, &lie->value, lie->bytes < 4 ? lie->bytes : 4);
    ref.leaf_pages = (uint8_t)trailer->leaf_pages;
    ref.footer_pages = (uint8_t)trailer->footer_pages;
    ref.label.len = trailer->common;
    ref.hash = art_hash128(image + (ART_BLOB_PAGES - 1) * ART_BLOB_PAGE, ART_BLOB_PAGE);
    refused(art_blob_open(&blob, image, &ref, blob_uuid, "test"), ART_CORRUPT, lie->says);
    free(image);
}

TEST(test_a_header_that_lies_is_refused_whatever_its_hash) {
    static const struct lie lies[] = {
        FIELD(magic, 0x41414141, "not a blob"),
        FIELD(format, ART_FORMAT - 1, "use the sqlite-art that made it"),
        FIELD(kind, ART_BLOB_INDEX, "another kind or height"),
        FIELD(height, 1, "another kind or height"),
        FIELD(lookups, 1, "its summary is not that of its reference"),
        FIELD(searches, 1, "its summary is not that of its reference"),
        FIELD(postings_at, 5, "postings that nobody wants"),
        FIELD(columns, 1, "its summary is not that of its reference"),
        FIELD(csn_min, 0xffffffff, "a lowest version above its highest"),
        FIELD(csn_max, 7, "its bounds are not those of its reference"),
        FIELD(overflows, 7, "its bounds are not those of its reference"),
        FIELD(key_max, 7, "its bounds are not those of its reference"),
        FIELD(leaf_pages, 0, "page counts that do not fit a blob"),
        FIELD(footer_pages, 0, "page counts that do not fit a blob"),
        FIELD(leaf_pages, ART_BLOB_PAGES, "page counts that do not fit a blob"),
        FIELD(footer_pages, ART_BLOB_PAGES, "page counts that do not fit a blob"),
        FIELD(flags, 0x80, "unknown flags"),
        FIELD(buckets, 0, "no buckets, or more than its entries or pages hold"),
        FIELD(filter, 64, "a filter that is not there"),
        FIELD(routing, 8, "the routing part lies outside"),
        FIELD(common, ART_LABEL_MAX + 1, "the label is too long"),
    };
    make(3000, 8, false);
    for (unsigned i = 0; i < sizeof lies / sizeof *lies; i++) header_refused(&run.slots[0], &lies[i]);
}

/* Somebody has made a value longer than its bucket, and all the hashes right. */
TEST(test_a_value_that_leaves_its_bucket_is_refused) {
    struct random random = {random_seed()};
    unsigned tried = 0;
    printf("long values: seed %llu\n", (unsigned long long)random.state);
    struct blob_style style = {KEYS_DIRECTORIES, VALUES_MIXED, FLAGS_PUTS, CSNS_BYTE};
    blob_run_make(&run, &rows, style, 600, 0, false, &random);
    struct blob_image *image = &run.slots[0];
    for (uint32_t b = 0; b < image->blob.buckets; b++) {
        struct art_bucket_view view;
        struct art_blob blob;
        art_bucket_view_open(&view, image->image + art_bucket_offset(&image->blob, b), &image->blob);
        if (!(view.form & ART_BUCKET_LENGTHS)) continue;
        uint8_t *end = (uint8_t *)view.value_ends + 2 * (view.count - 1);
        uint32_t before = view.count > 1 ? art_load16(end - 2) : 0, was = art_load16(end);
        art_store16(end, before + ART_VALUE_INLINE_MAX);
        blob_image_rehash(image->image, &image->ref);
        must(art_blob_open(&blob, image->image, &image->ref, blob_uuid, "test"));
        ck_assert_int_eq(art_blob_verify_all(&blob), ART_CORRUPT);
        art_store16(end, was);
        tried++;
    }
    ck_assert_uint_gt(tried, 0);
}

TEST(test_hashes_of_pages_that_do_not_fit_are_refused) {
    struct art_blob blob;
    make(20000, 0, true);
    struct blob_image *image = &run.slots[0];
    ck_assert_uint_gt(image->ref.footer_pages, 1);
    uint32_t page = ART_BLOB_PAGES - image->ref.footer_pages;
    image->image[page * ART_BLOB_PAGE + 100] ^= 1;
    refused(art_blob_open(&blob, image->image, &image->ref, blob_uuid, "test"), ART_CORRUPT, "hash of a footer page");
    image->image[page * ART_BLOB_PAGE + 100] ^= 1;

    /* the open blob's check looks at all hashes again, and at those that nobody needs */
    make(20000, 8, true);
    image = &run.slots[0];
    blob_image_trailer(image->image)->page_hash[image->ref.leaf_pages] = 1;
    blob_image_rehash(image->image, &image->ref);
    must(art_blob_open(&blob, image->image, &image->ref, blob_uuid, "test"));
    must(art_blob_verify_all(&blob));
    refused(art_blob_check(&blob, true), ART_CORRUPT, "a hash of an unused page");
}

TEST(test_a_reference_that_makes_no_sense_is_refused) {
    _Alignas(8) uint8_t bytes[ART_REF_MAX + 1];
    struct art_ref out, ref = {.slot = 9, .leaf_pages = 3, .footer_pages = 1, .entries = 10, .count = -10};
    struct art_ref_format *format = (void *)bytes;
    memset(bytes, 0, sizeof bytes);
    must(art_ref_decode(art_bytes(bytes, art_ref_encode(&ref, bytes)), &out));
    ck_assert_int_eq(art_ref_decode(art_bytes(bytes, ART_REF_MAX + 1), &out), ART_CORRUPT);
    struct art_ref_format good = *format;
#define NONSENSE(change)                                                                                               \
    do {                                                                                                               \
        *format = good;                                                                                                \
        change;                                                                                                        \
        ck_assert_msg(art_ref_decode(art_bytes(bytes, ART_REF_FIXED_BYTES), &out) == ART_CORRUPT, #change);            \
    } while (0)
    NONSENSE(format->height = ART_HEIGHT_MAX + 1);
    NONSENSE(format->columns = 1);
    NONSENSE(format->csn_floor = 1);
    NONSENSE(format->sums = 1);
    NONSENSE(format->lookups = 1);
    NONSENSE(format->searches = 1);
    NONSENSE(format->spare[1] = 1);
    NONSENSE(format->csn_max = 1ull << 56);
    NONSENSE(format->overflows = 11);
    NONSENSE(format->leaf_pages = 0);
    NONSENSE(format->footer_pages = 0);
    NONSENSE(format->footer_pages = ART_BLOB_PAGES - 2);
    NONSENSE(format->below = 0);
    NONSENSE(format->below = (uint64_t)INT64_MAX + 1);
    NONSENSE(format->count = 11);
    NONSENSE(format->count = -11);
    NONSENSE(memset(bytes, 0xff, sizeof bytes));
    NONSENSE(memset(bytes, 0, sizeof bytes));
}

/* --- the far end of the layout ------------------------------------------------------------------------------------ */

/* Keys of three bytes, each the one before plus one, with nothing in them: ten buckets a page. */
static struct art_bytes small_key(uint32_t i) {
    static uint8_t bytes[3 + ART_KEY_PADDING];
    bytes[0] = (uint8_t)(i >> 16);
    bytes[1] = (uint8_t)(i >> 8);
    bytes[2] = (uint8_t)i;
    return art_bytes(bytes, 3);
}

TEST(test_a_full_blob_of_a_thousand_buckets_finds_every_key) {
    struct art_builder *builder;
    struct art_built built;
    struct art_blob blob;
    struct art_entry entry = {.csn = 3}, found;
    uint8_t *image = blob_image_new();
    bool full = false;
    uint32_t count = 0;
    must(art_builder_open(&builder, &(struct art_builder_options){.kind = ART_BLOB_LEAF}));
    art_builder_begin(builder, image);
    while (!full) {
        /* every fourth of what begins with one byte is left out, so that some nodes have a map and others a list */
        uint32_t i = count * 5 / 4;
        must(art_builder_add(builder, small_key(i), &entry, ART_SHARED_UNKNOWN, &full));
        count += !full;
    }
    must(art_builder_finish(builder, 1, 1, &built));
    count = (uint32_t)built.ref.entries;
    must(art_blob_open(&blob, image, &built.ref, (const uint8_t[16]){0}, "test"));
    must(art_blob_verify_all(&blob));
    must(art_blob_check(&blob, true));
    ck_assert_uint_gt(blob.buckets, 512);
    struct art_routing_node root;
    art_node_open(&root, image + blob.at.begin[ART_PART_NODES], blob.flags & ART_BLOB_WIDE);
    ck_assert_int_eq(root.flags & ART_NODE_SMALL, 0);
    for (uint32_t row = 0; row < count; row++) {
        int64_t rank;
        uint32_t i = row * 5 / 4;
        must(art_blob_get(&blob, small_key(i), &found));
        must(art_blob_rank(&blob, small_key(i), &rank));
        ck_assert_int_eq(rank, row);
        if (i % 5 != 3) continue;
        ck_assert_int_eq(art_blob_get(&blob, small_key(i + 1), &found), ART_NOTFOUND);
    }
    /* its routing part is checked in memory that may be missing */
    short_memory_use();
    short_memory_fail_after(0);
    int rc = art_blob_open(&blob, image, &built.ref, (const uint8_t[16]){0}, "test");
    short_memory_fail_after(-1);
    ck_assert_int_eq(rc, ART_NOMEM);
    art_builder_close(builder);
    free(image);
}

SUITE("blob, refusals", .seconds = 60, .tear_down = tear_down)
