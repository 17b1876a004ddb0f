/* Blobs of a table with a summary, against the array of their rows: sums before any key, zones of every bucket, the
 * references that carry both upwards, and what is refused when one of these bytes is another than it should be.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/blob/blob_format.h"
#include "core/blob/bucket.h"
#include "core/blob/search.h"
#include "tests/support/blob_model.h"
#include "tests/support/must.h"
#include "tests/support/of_core.h"
#include "tests/support/short_memory.h"
#include "tests/support/suite.h"
#include "tests/support/toy_columns.h"

/* --- a toy summary ------------------------------------------------------------------------------------------------ */

static void toy_open(struct art_summary *summary, uint32_t columns, uint32_t sums) {
    toy_columns_open(summary, (struct art_measures){(uint8_t)columns, (uint8_t)sums, 0, 0});
}

static void toy_open_random(struct art_summary *summary, struct random *random) {
    uint32_t columns = 1 + random_below(random, ART_SUMMARY_MAX);
    toy_open(summary, columns, random_below(random, columns + 1));
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

enum { REFERENCE = 28, SMALL_MOST = 60 };
enum shape { PUTS, PUTS_AND_DELETES, LARGE, SHAPES };

/* The rows of blob_model.h with other values, and what is in them. */
struct table {
    struct art_summary summary;
    struct blob_rows rows;
    struct art_datum (*data)[ART_SUMMARY_MAX]; /* [rows]: of what is put; NULLs of the rest */
    art_int128 (*sums)[ART_SUMMARY_MAX];       /* [rows + 1]: before each */
};

static int64_t integer_of(const struct art_datum *datum) {
    return datum->kind == ART_DATUM_INTEGER ? datum->integer : 0;
}

/* Data as bytes, in front of more of the value, or behind an overflow reference; returns how many in all. */
static uint32_t put_value(const struct art_summary *summary, const struct art_datum *data, uint8_t flags, uint32_t room,
                          struct random *random, uint8_t *out) {
    uint32_t bytes = summary->has.columns * (uint32_t)ART_DATUM_BYTES, more = random_below(random, room + 1);
    if (flags & ART_OVERFLOW) {
        memset(out, 0xc5, REFERENCE);
        art_data_encode(summary->has, data, out + REFERENCE);
        return REFERENCE + bytes;
    }
    art_data_encode(summary->has, data, out);
    memset(out + bytes, 0x3a, more);
    return bytes + more;
}

static uint8_t random_flags(enum shape shape, struct random *random) {
    static const uint8_t kinds[] = {0, 0, 0, ART_DELETE, ART_OVERFLOW, ART_CHUNK};
    if (shape == PUTS) return 0;
    uint8_t flags = kinds[random_below(random, sizeof kinds)];
    return flags | (random_once_in(random, 2) ? ART_SHADOWS_OLDER : 0);
}

static void make_entry(struct table *table, uint32_t at, enum shape shape, struct random *random) {
    const struct art_summary *summary = &table->summary;
    struct art_entry *entry = &table->rows.entries[at];
    struct art_datum before[ART_SUMMARY_MAX], *data = table->data[at];
    uint8_t value[ART_VALUE_INLINE_MAX], stored[ART_STORED_MAX];
    uint32_t head = 0, len = 0, room = shape == LARGE ? 3000 : SMALL_MOST;
    entry->flags = random_flags(shape, random);
    for (unsigned i = 0; i < summary->has.columns; i++) before[i] = toy_random_datum(random, 4);
    if (entry->flags & ART_SHADOWS_OLDER && !(entry->flags & ART_CHUNK)) {
        struct art_entry row = {.value = art_bytes(value, put_value(summary, before, 0, 9, random, value))};
        head = art_replaced_encode(summary, &row, stored);
        if (head) entry->flags |= ART_REPLACED;
    }
    for (unsigned i = 0; i < summary->has.columns; i++) data[i] = toy_random_datum(random, 4);
    if (!(entry->flags & ART_DELETE)) len = put_value(summary, data, entry->flags, room, random, stored + head);
    if (entry->flags & (ART_DELETE | ART_CHUNK)) memset(data, 0, sizeof *table->data);
    free((void *)entry->value.data);
    uint8_t *copy = malloc(head + len + 1);
    memcpy(copy, stored, head + len);
    entry->value = art_bytes(copy, head + len);
    for (unsigned i = 0; i < summary->has.sums; i++) {
        art_int128 taken = head ? integer_of(&before[i]) : 0;
        table->sums[at + 1][i] = table->sums[at][i] + integer_of(&data[i]) - taken;
    }
}

static void table_make(struct table *table, enum blob_family family, enum shape shape, uint32_t wanted,
                       struct random *random) {
    struct blob_rows *rows = &table->rows;
    blob_rows_make(rows, (struct blob_style){.family = family, .csns = CSNS_SHORT}, wanted, random);
    table->data = calloc(rows->count, sizeof *table->data);
    table->sums = calloc(rows->count + 1, sizeof *table->sums);
    for (uint32_t at = 0; at < rows->count; at++) {
        make_entry(table, at, shape, random);
        rows->rank[at + 1] = rows->rank[at] + art_entry_weight(rows->entries[at].flags);
    }
}

static void table_clear(struct table *table) {
    blob_rows_clear(&table->rows);
    free(table->data);
    free(table->sums);
}

/* --- sums and zones of a run -------------------------------------------------------------------------------------- */

static void add_all(const struct art_ref *ref, art_int128 *sum) {
    struct art_summed all;
    HOLDS(art_summed_decode(ref->has, ref->summed, &all));
    for (unsigned i = 0; i < ref->has.sums; i++) sum[i] += all.sum[i];
}

/* As core/tree goes down a run. */
static void run_sums(struct blob_run *run, const struct art_summary *summary, struct art_bytes key, art_int128 *sum) {
    struct art_ref ref = blob_run_root(run)->ref;
    for (;;) {
        int side = art_label_compare(ref.label, key);
        if (side > 0) add_all(&ref, sum);
        if (side) return;
        struct art_blob *blob = &run->slots[ref.slot].blob;
        int64_t rank, before;
        struct art_ref child;
        if (blob->kind == ART_BLOB_LEAF) must(art_blob_rank(blob, key, &before));
        if (blob->kind == ART_BLOB_INDEX) must(art_blob_child(blob, key, &child, &before));
        must(art_blob_sums(blob, key, summary, &ref, &rank, sum));
        HOLDS(rank == before);
        if (blob->kind == ART_BLOB_LEAF) return;
    }
}

static void check_run_sums(struct blob_run *run, const struct table *table, uint32_t probes, struct random *random) {
    for (uint32_t i = 0; i < probes; i++) {
        struct art_bytes key = blob_probe(&table->rows, 0, table->rows.count, random);
        art_int128 sum[ART_SUMMARY_MAX] = {0}, *expected = table->sums[blob_rows_below(&table->rows, key)];
        run_sums(run, &table->summary, key, sum);
        for (unsigned s = 0; s < ART_SUMMARY_MAX; s++) HOLDS(sum[s] == expected[s]);
        free((void *)key.data);
    }
}

static void add_row(const struct table *table, uint32_t at, struct art_zone *zones) {
    if (table->rows.entries[at].flags & (ART_DELETE | ART_CHUNK)) return;
    for (unsigned i = 0; i < table->summary.has.columns; i++) art_zone_add_datum(&zones[i], &table->data[at][i]);
}

static bool is_inside(const struct art_zone *zone, const struct art_datum *datum) {
    struct art_datum least = art_zone_end(zone, false), most = art_zone_end(zone, true);
    return zone->kinds && art_datum_compare(&least, datum) <= 0 && art_datum_compare(datum, &most) <= 0;
}

static bool zones_equal(const struct art_zone *a, const struct art_zone *b) {
    return a->kinds == b->kinds && a->low.integer == b->low.integer && a->high.integer == b->high.integer;
}

/* The zones of each bucket are those of its rows, or of its children. */
static void check_zones(const struct blob_run *run, const struct blob_image *image, const struct table *table) {
    const struct art_blob *blob = &image->blob;
    unsigned columns = table->summary.has.columns;
    uint32_t below = blob->height ? run->level[blob->height - 1].first : 0;
    for (uint32_t b = 0; b < blob->buckets; b++) {
        struct art_summed child, all = {0};
        for (uint32_t at = image->first + art_bucket_rank(blob, b); at < image->first + art_bucket_rank(blob, b + 1);
             at++) {
            if (!blob->height) {
                add_row(table, at, all.zone);
                continue;
            }
            const struct art_ref *ref = &run->slots[below + at].ref;
            HOLDS(art_summed_decode(ref->has, ref->summed, &child));
            art_summed_add(ref->has, &all, &child);
        }
        for (unsigned i = 0; i < columns; i++) {
            struct art_zone zone = art_blob_zone(blob, i, b);
            HOLDS(zones_equal(&zone, &all.zone[i]));
        }
    }
}

static uint32_t first_row(const struct blob_run *run, const struct blob_image *image) {
    while (image->blob.height) image = &run->slots[run->level[image->blob.height - 1].first + image->first];
    return image->first;
}

static uint32_t end_row(const struct blob_run *run, const struct blob_image *image) {
    while (image->blob.height)
        image = &run->slots[run->level[image->blob.height - 1].first + image->first + image->rows - 1];
    return image->first + image->rows;
}

/* What the reference says is what is in all rows below. */
static void check_reference(const struct blob_run *run, const struct blob_image *image, const struct table *table) {
    uint32_t from = first_row(run, image), to = end_row(run, image);
    struct art_zone zones[ART_SUMMARY_MAX] = {0};
    struct art_summed summed;
    HOLDS(art_summed_decode(image->ref.has, image->ref.summed, &summed));
    for (uint32_t at = from; at < to; at++) {
        bool row = !(table->rows.entries[at].flags & (ART_DELETE | ART_CHUNK));
        add_row(table, at, zones);
        for (unsigned i = 0; row && i < table->summary.has.columns; i++) {
            HOLDS(is_inside(&summed.zone[i], &table->data[at][i]));
        }
    }
    for (unsigned i = 0; i < table->summary.has.columns; i++) HOLDS(zones_equal(&summed.zone[i], &zones[i]));
    for (unsigned i = 0; i < table->summary.has.sums; i++) {
        HOLDS(summed.sum[i] == table->sums[to][i] - table->sums[from][i]);
    }
}

static enum art_rc check_image(struct blob_image *image, const struct art_summary *summary) {
    struct art_blob_expected expected = {.csn_max = UINT64_MAX, .label = &image->ref.label, .summary = summary};
    return art_blob_check_expected(&image->blob, &expected);
}

static void check_run(struct blob_run *run, const struct table *table) {
    for (uint32_t slot = 0; slot < run->count; slot++) {
        struct blob_image *image = &run->slots[slot];
        must(check_image(image, &table->summary));
        must(check_image(image, NULL));
        check_zones(run, image, table);
        check_reference(run, image, table);
    }
}

static uint32_t rows_wanted(enum blob_family family, enum shape shape, struct random *random) {
    uint32_t most = family == BLOB_LONG ? 40 : family == BLOB_TWINS ? 100 : shape == LARGE ? 400 : 4000;
    return 1 + random_below(random, most);
}

LOOP_TEST(test_a_run_has_the_sums_and_zones_of_its_rows, BLOB_FAMILIES) {
    enum blob_family family = (enum blob_family)_i;
    struct random random = random_announced("runs");
    random.state += family;
    for (unsigned round = random_rounds(24); round; round--) {
        enum shape shape = round % SHAPES;
        struct table table;
        struct blob_run run;
        toy_open_random(&table.summary, &random);
        table_make(&table, family, shape, rows_wanted(family, shape, &random), &random);
        blob_run_build_summed(&run, &table.rows, &table.summary,
                              random_once_in(&random, 4) ? 0 : 3 + random_below(&random, 12), round % 2);
        check_run(&run, &table);
        check_run_sums(&run, &table, 500, &random);
        blob_run_clear(&run);
        table_clear(&table);
    }
}

/* --- the builder -------------------------------------------------------------------------------------------------- */

CASE("facts")

TEST(test_a_builder_takes_no_reference_of_another_summary) {
    struct random random = {12};
    struct table table;
    struct blob_run run;
    bool full;
    toy_open(&table.summary, 2, 1);
    table_make(&table, BLOB_DIRECTORIES, PUTS, 200, &random);
    blob_run_build_summed(&run, &table.rows, &table.summary, 0, false);
    struct art_ref ref = run.slots[0].ref;
    uint8_t *image = blob_image_new(), impossible[ART_SUMMED_MAX];
    struct art_bytes key = run.slots[0].separator;
    struct art_builder *builder = blob_builder(&table.summary, 1, 0, false);
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
    blob_run_clear(&run);
    table_clear(&table);
}

TEST(test_the_longest_value_goes_in_with_all_that_it_replaces) {
    static uint8_t stored[ART_STORED_MAX + 1] = {ART_REPLACED_MAX - 1};
    static const uint8_t key[2 + ART_KEY_PADDING] = "k";
    struct art_entry found,
        entry = {.value = art_bytes(stored, ART_STORED_MAX), .flags = ART_SHADOWS_OLDER | ART_REPLACED};
    struct art_summary summary;
    struct blob_run run = {0};
    bool full;
    toy_open(&summary, 1, 1);
    struct art_builder *builder = blob_builder(&summary, 0, 0, false);
    art_builder_begin(builder, blob_run_next(&run, 0)->image);
    entry.value.len++;
    refused(art_builder_add(builder, art_bytes(key, 1), &entry, ART_SHARED_UNKNOWN, &full), ART_TOOBIG, "does not fit");
    entry.value.len--;
    entry.flags = 0;
    refused(art_builder_add(builder, art_bytes(key, 1), &entry, ART_SHARED_UNKNOWN, &full), ART_TOOBIG, "does not fit");
    entry.flags = ART_REPLACED;
    refused(art_builder_add(builder, art_bytes(key, 1), &entry, ART_SHARED_UNKNOWN, &full), ART_MISUSE, "cannot go");
    entry.flags = ART_SHADOWS_OLDER | ART_REPLACED;
    must(art_builder_add(builder, art_bytes(key, 1), &entry, ART_SHARED_UNKNOWN, &full));
    must(art_builder_add(builder, art_bytes(key, 2), &entry, ART_SHARED_UNKNOWN, &full));
    blob_run_finish(&run, builder, 2, false);
    must(check_image(&run.slots[0], &summary));
    must(art_blob_get(&run.slots[0].blob, art_bytes(key, 2), &found));
    ck_assert(blob_entry_equal(&entry, &found));
    art_builder_close(builder);
    blob_run_clear(&run);
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

/* A copy of a blob, that lies in one place, with hashes that are right. */
struct liar {
    struct blob_image image; /* the label is borrowed from the original's reference */
    uint8_t summed[ART_SUMMED_MAX];
};

static void liar_of(struct liar *liar, const struct blob_image *from) {
    liar->image = *from;
    liar->image.image = blob_image_new();
    memcpy(liar->image.image, from->image, ART_BLOB_BYTES);
}

static struct art_blob_trailer *trailer_of(const struct liar *liar) {
    return (struct art_blob_trailer *)(void *)(liar->image.image + ART_TRAILER_AT);
}

/* Hashes go with the lie, and the reference, too. */
static void make_plausible(struct liar *liar) {
    struct blob_image *image = &liar->image;
    struct art_blob_trailer *trailer = trailer_of(liar);
    memcpy(liar->summed, art_blob_summed(&image->blob), art_summed_bytes(image->ref.has));
    image->ref.summed = liar->summed;
    blob_image_rehash(image->image, &image->ref);
    trailer->own_hash = art_blob_trailer_hash(image->image + ART_LAST_PAGE_AT);
    blob_image_rehash(image->image, &image->ref);
}

/* Whatever it says, it is read within its bytes. */
static void ask(struct blob_image *image, const struct table *table, struct random *random) {
    for (int i = 0; i < 3; i++) {
        struct art_bytes key = blob_probe(&table->rows, 0, table->rows.count, random);
        art_int128 sum[ART_SUMMARY_MAX] = {0};
        struct art_ref child;
        int64_t rank;
        if (!art_label_compare(image->ref.label, key)) {
            int rc = art_blob_sums(&image->blob, key, &table->summary, &child, &rank, sum);
            HOLDS(rc == ART_OK || rc == ART_CORRUPT);
        }
        free((void *)key.data);
    }
    for (uint32_t b = 0; b < image->blob.buckets; b++) {
        for (unsigned i = 0; i < image->blob.has.columns; i++) {
            struct art_zone zone = art_blob_zone(&image->blob, i, b);
            HOLDS(art_zone_is_sane(&zone));
        }
    }
}

/* Opens and is checked: the first error, with its sentence. */
static int first_error(struct liar *liar, const struct table *table, struct random *random) {
    struct blob_image *image = &liar->image;
    int rc = art_blob_open(&image->blob, image->image, &image->ref, blob_uuid, "test");
    if (!rc) rc = art_blob_verify_all(&image->blob);
    if (rc) return rc;
    ask(image, table, random);
    int unknown = check_image(image, NULL); /* without the summary a leaf may say what it likes */
    HOLDS(unknown == ART_OK || unknown == ART_CORRUPT);
    return check_image(image, &table->summary);
}

static void every_byte_of_the_directories(const struct blob_image *from, const struct table *table,
                                          struct random *random, uint32_t *by_check) {
    struct liar liar;
    liar_of(&liar, from);
    struct art_blob *blob = &liar.image.blob;
    blob->image = liar.image.image;
    uint32_t begin = blob->routing + art_summed_at(blob->buckets, blob->flags & ART_BLOB_SUMS);
    uint32_t end = blob->root - blob->label_len;
    HOLDS(end - begin == ART_SUM_BYTES * blob->has.sums * (blob->buckets + 1) +
                             ART_ZONE_BYTES * blob->has.columns * blob->buckets + art_summed_bytes(blob->has));
    for (uint32_t at = begin; at < end; at++) {
        liar.image.image[at] ^= (uint8_t)(1 + random_below(random, 255));
        make_plausible(&liar);
        int rc = first_error(&liar, table, random);
        if (rc != ART_CORRUPT || !strlen(art_error_message()))
            ck_abort_msg("byte %u of %u..%u: %d", at, begin, end, rc);
        *by_check += strstr(art_error_message(), "is not that of the entries") != NULL;
        liar.image.image[at] = from->image[at];
        *blob = from->blob;
        blob->image = liar.image.image;
    }
    make_plausible(&liar);
    must(first_error(&liar, table, random));
    free(liar.image.image);
}

CASE("model", .seconds = 600)

TEST(test_every_byte_of_sums_and_zones_is_looked_at) {
    static const enum shape shapes[] = {PUTS, PUTS_AND_DELETES};
    static const uint8_t measures[][2] = {{2, 1}, {1, 0}, {3, 3}};
    struct random random = random_announced("flipped bytes");
    uint32_t by_check = 0;
    for (unsigned i = 0; i < 3; i++) {
        struct table table;
        struct blob_run run;
        toy_open(&table.summary, measures[i][0], measures[i][1]);
        table_make(&table, BLOB_DIRECTORIES, shapes[i % 2], 700, &random);
        blob_run_build_summed(&run, &table.rows, &table.summary, 4, i % 2);
        HOLDS(run.height > 1);
        every_byte_of_the_directories(&run.slots[0], &table, &random, &by_check);
        every_byte_of_the_directories(blob_run_root(&run), &table, &random, &by_check);
        blob_run_clear(&run);
        table_clear(&table);
    }
    printf("flipped bytes: %u found by the check alone\n", by_check);
    ck_assert_uint_gt(by_check, 0);
}

TEST(test_sums_and_zones_that_contradict_each_other_do_not_open) {
    struct random random = {14};
    struct table table;
    struct blob_run run;
    struct liar liar;
    toy_open(&table.summary, 2, 2);
    table_make(&table, BLOB_DIRECTORIES, PUTS, 300, &random);
    blob_run_build_summed(&run, &table.rows, &table.summary, 0, false);
    liar_of(&liar, &run.slots[0]);
    struct art_blob *blob = &liar.image.blob, good = run.slots[0].blob;
    uint8_t *image = liar.image.image, *all = image + good.root - good.label_len - art_summed_bytes(good.has);
    uint8_t *sums = image + good.routing + art_summed_at(good.buckets, good.flags & ART_BLOB_SUMS);
    uint8_t *zones = image + good.routing + art_zones_at(good.buckets, good.flags & ART_BLOB_SUMS, good.has);
    good.image = image;
#define LIE(change, says)                                                                                              \
    do {                                                                                                               \
        *blob = good;                                                                                                  \
        change;                                                                                                        \
        make_plausible(&liar);                                                                                         \
        refused(first_error(&liar, &table, &random), ART_CORRUPT, says);                                               \
        memcpy(image, run.slots[0].image, ART_BLOB_BYTES);                                                             \
        liar.image.ref.has = good.has;                                                                                 \
    } while (0)
    LIE(sums[0] ^= 1, "does not end with its sum");
    LIE(sums[ART_SUM_BYTES * good.buckets] ^= 1, "does not end with its sum");
    LIE(all[ART_SUM_BYTES] ^= 1, "does not end with its sum");
    LIE(all[ART_SUM_BYTES * 2] |= 0x80, "a zone of unknown kinds, or with its bounds reversed");
    LIE(zones[16 * good.buckets] |= 0x80, "a zone of unknown kinds, or with its bounds reversed");
    LIE(zones[0] ^= 1, "is not that of the entries");
    LIE(sums[ART_SUM_BYTES] ^= 1, "is not that of the entries");
    LIE(trailer_of(&liar)->sums = 1, "its summary is not that of its reference");
    LIE(trailer_of(&liar)->columns = 3, "its summary is not that of its reference");
    LIE((trailer_of(&liar)->sums = 3, liar.image.ref.has.sums = 3), "an impossible summary");
    LIE((trailer_of(&liar)->columns = 9, liar.image.ref.has.columns = 9), "an impossible summary");
    LIE((trailer_of(&liar)->columns = 3, liar.image.ref.has.columns = 3), "leaves the footer");
    LIE((trailer_of(&liar)->sums = 1, liar.image.ref.has.sums = 1), "leaves the footer");
    *blob = good;
    make_plausible(&liar);
    liar.summed[0] ^= 1;
    refused(first_error(&liar, &table, &random), ART_CORRUPT, "its sums and zones are not those of its reference");
    liar.image.ref.summed = NULL; /* who knows nothing of them is content */
    must(first_error(&liar, &table, &random));
    free(image);
    blob_run_clear(&run);
    table_clear(&table);
}

/* The index is sound in itself, and then the child is not what it says; or it is not. */
static void lie_is_found(struct liar *liar, struct blob_run *run, const struct table *table, uint32_t entry) {
    struct blob_image *index = &liar->image;
    struct art_bucket_view view;
    struct art_blob blob;
    struct art_ref ref;
    make_plausible(liar);
    blob_image_open(index);
    int rc = check_image(index, &table->summary), unknown = check_image(index, NULL);
    ck_assert_int_eq(rc, unknown);
    if (!rc) {
        must(art_bucket_open(&index->blob, 0, &view));
        must(art_ref_decode(art_bucket_value(&view, entry), &ref));
        rc = art_blob_open(&blob, run->slots[ref.slot].image, &ref, blob_uuid, "test");
        refused(rc, ART_CORRUPT, "its sums and zones are not those of its reference");
    }
    ck_assert_int_eq(rc, ART_CORRUPT);
}

TEST(test_what_an_index_says_wrong_of_a_child_is_found_in_one_of_them) {
    struct random random = random_announced("lies of an index");
    enum { ENTRY = 1 };
    struct table table;
    struct blob_run run;
    struct liar liar;
    struct art_bucket_view view;
    toy_open(&table.summary, 2, 1);
    table_make(&table, BLOB_DIRECTORIES, PUTS, 2000, &random);
    blob_run_build_summed(&run, &table.rows, &table.summary, 4, false);
    struct blob_image *root = blob_run_root(&run);
    must(art_bucket_open(&root->blob, 0, &view));
    uint32_t begin = (uint32_t)(art_bucket_value(&view, ENTRY).data - root->image) + ART_REF_FIXED_BYTES;
    liar_of(&liar, root);
    for (uint32_t at = begin; at < begin + art_summed_bytes(table.summary.has); at++) {
        liar.image.blob = root->blob;
        liar.image.blob.image = liar.image.image;
        liar.image.image[at] ^= (uint8_t)(1 + random_below(&random, 255));
        lie_is_found(&liar, &run, &table, ENTRY);
        liar.image.image[at] = root->image[at];
    }
    free(liar.image.image);
    blob_run_clear(&run);
    table_clear(&table);
}

TEST(test_a_child_of_another_summary_is_not_followed) {
    struct random random = {15};
    struct table table;
    struct blob_run run;
    struct liar liar;
    struct art_bucket_view view;
    struct art_ref child;
    int64_t before;
    art_int128 sum[ART_SUMMARY_MAX] = {0};
    toy_open(&table.summary, 2, 1);
    table_make(&table, BLOB_DIRECTORIES, PUTS, 2000, &random);
    blob_run_build_summed(&run, &table.rows, &table.summary, 4, false);
    struct blob_image *root = blob_run_root(&run);
    must(art_bucket_open(&root->blob, 0, &view));
    uint32_t at = (uint32_t)(art_bucket_value(&view, 0).data - root->image);
    liar_of(&liar, root);
    liar.image.blob.image = liar.image.image;
    liar.image.image[at + offsetof(struct art_ref_format, columns)] = 0;
    liar.image.image[at + offsetof(struct art_ref_format, sums)] = 0;
    make_plausible(&liar);
    blob_image_open(&liar.image);
    struct art_blob *blob = &liar.image.blob;
    ck_assert_int_eq(check_image(&liar.image, &table.summary), ART_CORRUPT);
    struct art_bytes key = table.rows.keys[0];
    refused(art_blob_child(blob, key, &child, NULL), ART_CORRUPT, "not a reference to a child");
    refused(art_blob_sums(blob, key, &table.summary, &child, &before, sum), ART_CORRUPT, "not a reference to a child");
    uint8_t *room = malloc(ART_KEY_MAX + ART_KEY_PADDING);
    struct art_blob_cursor cursor;
    art_blob_cursor_init(&cursor, blob, room);
    must(art_blob_first(&cursor));
    refused(art_blob_cursor_ref(&cursor, &child), ART_CORRUPT, "not a reference to a child");
    free(room);
    free(liar.image.image);
    blob_run_clear(&run);
    table_clear(&table);
}

/* Bytes of leaf pages and directories that somebody changed together with all hashes. */
TEST(test_made_up_bytes_are_refused_or_read_within_the_image) {
    struct random random = random_announced("made up");
    uint32_t passed = 0, found = 0;
    for (unsigned round = random_rounds(18); round; round--) {
        struct table table;
        struct blob_run run;
        toy_open_random(&table.summary, &random);
        table_make(&table, round % 2 ? BLOB_DIRECTORIES : BLOB_DENSE, PUTS_AND_DELETES, 900, &random);
        blob_run_build_summed(&run, &table.rows, &table.summary, 4, round % 3 == 0);
        for (int times = 0; times < 200; times++) {
            struct blob_image *from =
                random_once_in(&random, 3) ? blob_run_root(&run) : &run.slots[random_below(&random, run.count)];
            struct liar liar;
            liar_of(&liar, from);
            liar.image.blob.image = liar.image.image;
            uint32_t used = from->ref.leaf_pages * (uint32_t)ART_BLOB_PAGE, routing = from->blob.routing;
            for (uint32_t n = 1 + random_below(&random, 4); n; n--) {
                uint32_t at = random_below(&random, used);
                if (random_once_in(&random, 4)) at = routing + random_below(&random, from->blob.root - routing);
                liar.image.image[at] = (uint8_t)random_next(&random) >> random_below(&random, 8);
            }
            make_plausible(&liar);
            int rc = first_error(&liar, &table, &random);
            HOLDS(rc == ART_OK || rc == ART_CORRUPT);
            passed += rc == ART_OK;
            found += rc != ART_OK;
            free(liar.image.image);
        }
        blob_run_clear(&run);
        table_clear(&table);
    }
    printf("made up: %u refused, %u passed the check\n", found, passed);
    ck_assert_uint_gt(found, 0);
}

int main(void) {
    return suite_run("blob, summary", .seconds = 600);
}
