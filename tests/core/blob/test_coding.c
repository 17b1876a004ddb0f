/* Buckets whose names are coded: names of every length, what codes do to columns, and codes that lie with right
 * hashes. */
#include "tests/support/blob_one.h"

static void set_up(void) {
    toy_codec_lend(true);
    blob_coded = true;
}

/* Bytes that become few codes; before them so many `odd` ones, from 128 on, of which each becomes two mostly. */
static struct art_bytes name(const char *start, uint32_t len, uint32_t odd, struct random *random) {
    static const char words[] = "neighbours/\0\0share/\377\377/doc";
    uint8_t bytes[ART_KEY_MAX + 40];
    strcpy((char *)bytes, start);
    for (uint32_t at = (uint32_t)strlen(start); at < len; at++)
        bytes[at] = at < odd ? 128 + (uint8_t)random_below(random, 127) : (uint8_t)words[at % sizeof words];
    return blob_padded(bytes, len);
}

/* A run of rows without values, of these keys, which are taken. */
static void run_of(struct art_bytes *keys, uint32_t count, uint32_t fill_pages) {
    uint32_t n = 0;
    blob_run_clear(&run);
    blob_rows_clear(&rows);
    qsort(keys, count, sizeof *keys, key_compare);
    for (uint32_t i = 0; i < count; keys[n++] = keys[i++]) {
        if (n && art_bytes_equal(keys[i], keys[n - 1])) free((void *)keys[--n].data);
    }
    rows.set = (struct key_set){n, keys, ART_KEY_PADDING};
    rows.entries = calloc(n, sizeof *rows.entries);
    blob_run_build(&run, &rows, fill_pages, false);
}

/* Buckets that are coded. All blobs are as the check wants them, and have their rows. */
static uint32_t coded_buckets(void) {
    uint32_t coded = 0, row = 0;
    for (uint32_t i = 0; i < run.level[0].count; i++) {
        struct art_blob *blob = &run.slots[i].blob;
        must(blob_image_check(&run.slots[i], NULL));
        for (uint32_t b = 0; b < blob->buckets; b++) coded += view_of(blob, b).symbols != NULL;
        for (struct art_entry entry; row < run.slots[i].first + run.slots[i].rows; row++)
            must(art_blob_get(blob, rows.set.keys[row], &entry));
    }
    return coded;
}

TEST(test_names_of_every_length_come_back) {
    struct random random = random_announced("lengths");
    static const uint32_t lengths[] = {1, 2, 255, 256, 257, 4094, 4095, 4096, 4097, 8200, 40000, 65534, 65535};
    uint32_t coded = 0;
    for (uint32_t round = 0; round < 8; round++) {
        if (!random_span(&random)) continue;
        enum { COUNT = 3000 };
        struct art_bytes *keys = malloc(COUNT * sizeof *keys);
        for (uint32_t i = 0; i < COUNT; i++) {
            uint32_t len = random_once_in(&random, round % 4 < 2 ? 600 : 20)
                               ? lengths[random_below(&random, LENGTH(lengths))]
                               : random_below(&random, 90);
            char start[] = {(char)random_below(&random, 5), (char)random_below(&random, 256), 0};
            keys[i] = name(start, len, random_once_in(&random, 5) ? random_below(&random, len + 1) : 0, &random);
        }
        blob_changing = round % 2;
        run_of(keys, COUNT, round % 3 ? 4 + round : 0);
        coded += coded_buckets();
    }
    printf("lengths: %u coded buckets\n", coded);
    ck_assert_uint_gt(coded, 200);
}

/* Nor is there a table then, and all is as without one. */
TEST(test_names_that_do_not_become_smaller_stay_plain) {
    struct random random = random_announced("plain");
    struct blob_run plain;
    blob_run_make(&run, &rows, (struct blob_style){.family = KEYS_RANDOM}, 9000, 0, false, &random);
    ck_assert_uint_eq(coded_buckets(), 0);
    blob_coded = false;
    blob_run_build(&plain, &rows, 0, false);
    ck_assert_uint_eq(plain.count, run.count);
    for (uint32_t i = 0; i < run.count; i++)
        ck_assert(art_hash128_equal(plain.slots[i].ref.hash, run.slots[i].ref.hash));
    blob_run_clear(&plain);
}

/* One blob of names that become smaller, and then of others that do not. The first one has so many bytes more. */
static struct blob_image one_blob(uint32_t coded, uint32_t plain, uint32_t odd, struct random *random) {
    struct art_bytes *keys = malloc((coded + plain) * sizeof *keys);
    static struct art_symbols symbols;
    for (uint32_t i = 0; i < coded + plain; i++) {
        char start[8];
        snprintf(start, sizeof start, "%c%05u", i < coded ? 'a' : 'b', 7 * i);
        keys[i] = name(start, i ? 22 : 22 + odd, i && i < coded ? 0 : 22 + odd, random);
    }
    symbols = *blob_symbols_for(&(struct blob_rows){.set = {coded - 1, keys + 1, ART_KEY_PADDING}});
    blob_symbols = &symbols;
    run_of(keys, coded + plain, 0);
    ck_assert_uint_eq(run.level[0].count, 1);
    return blob_image_copy(&run.slots[0]);
}

/* The column of lengths has 16 bits from 256 on, by the lengths that are written. */
TEST(test_a_first_name_that_grows_makes_its_bucket_wide) {
    struct random random = random_announced("wide");
    for (uint32_t odd = 100; odd < 130; odd++) {
        free(one_blob(60, 0, odd, &random).image);
        struct art_bucket_view view = view_of(&run.slots[0].blob, 0);
        ck_assert_uint_eq(coded_buckets(), 1);
        ck_assert_uint_gt(art_bucket_suffix_len(&view, 0), 2 * odd);
        ck_assert_int_eq((view.form & ART_BUCKET_WIDE) != 0, art_bucket_suffix_len(&view, 0) > 255);
    }
}

/* The table of symbols counts with the bucket that brings it: the first coded one, behind so many others that it comes
 * last, wherever in a page. */
TEST(test_a_table_that_the_last_bucket_of_a_blob_brings_has_room) {
    enum { CODED = 300, PAGES = 40 };
    struct random random = random_announced("brought");
    static struct art_symbols symbols;
    uint32_t brought = 0, refused_once = 0;
    for (uint32_t plain = 3900; plain < 4300; plain += 10) {
        struct art_bytes *keys = malloc((plain + CODED) * sizeof *keys);
        for (uint32_t i = 0; i < plain + CODED; i++) {
            char start[8];
            snprintf(start, sizeof start, "%c%05u", i < plain ? 'a' : 'b', 7 * i);
            keys[i] = name(start, 40, i < plain ? 40 : 0, &random);
        }
        symbols = *blob_symbols_for(&(struct blob_rows){.set = {CODED, keys + plain, ART_KEY_PADDING}});
        blob_symbols = &symbols;
        run_of(keys, plain + CODED, PAGES);
        ck_assert_uint_gt(coded_buckets(), 0);
        const struct art_blob *first = &run.slots[0].blob;
        ck_assert_uint_le(first->leaf_pages + first->footer_pages, PAGES);
        brought += first->symbols && !view_of(first, first->buckets - 2).symbols;
        refused_once += !first->symbols && run.slots[0].rows >= plain;
    }
    ck_assert(brought && refused_once);
}

/* --- codes that lie ----------------------------------------------------------------------------------------------- */

enum { RIGHT, SPARE_BEFORE, SPARE_BEHIND, ESCAPES, ESCAPE_BEHIND, PLAIN };

/* Writes the suffixes of the last bucket anew, which may lie in the middle. */
static void recode(struct blob_image *image, int lie) {
    const struct art_symbols *symbols = run.slots[0].blob.symbols;
    struct art_encoder *encoder = malloc(sizeof *encoder);
    uint32_t last = image->blob.buckets - 1, n = 0;
    struct art_bucket_view view = view_of(&image->blob, last);
    uint8_t *suffixes = (uint8_t *)view.suffixes, spare = ART_ESCAPE - 1;
    while (symbols->len[spare]) spare--;
    art_encoder_use(encoder, symbols);
    for (uint32_t i = 0; i < view.count; i++) {
        struct art_bytes key = rows.set.keys[art_bucket_rank(&image->blob, last) + i];
        uint32_t from = n, at = view.prefix_len + art_bucket_shared(&view, i) + 1;
        int lies = i == view.count / 2 ? lie : lie == PLAIN ? PLAIN : RIGHT;
        if (lies == SPARE_BEFORE) suffixes[n++] = spare;
        if (lies != ESCAPES && lies != PLAIN) n += art_encode(encoder, key.data + at, key.len - at, suffixes + n);
        for (; (lies == ESCAPES || lies == PLAIN) && at < key.len; at++) {
            if (lies == ESCAPES) suffixes[n++] = ART_ESCAPE;
            suffixes[n++] = key.data[at];
        }
        if (lies == SPARE_BEHIND || lies == ESCAPE_BEHIND) suffixes[n++] = lies == SPARE_BEHIND ? spare : ART_ESCAPE;
        ((uint8_t *)view.suffix_len)[i] = (uint8_t)(n - from);
    }
    memset(suffixes + n, 0, (size_t)(image->image + image->blob.leaf_pages * ART_BLOB_PAGE - suffixes - n));
    art_store16((uint8_t *)view.start + 4, lie == PLAIN ? 0 : ART_BUCKET_CODED);
    art_store16((uint8_t *)view.start + 6, n);
    free(encoder);
}

/* NULL: it passes. */
static void check_says(struct blob_image image, const char *says) {
    blob_image_rehash_all(image.image, &image.ref);
    struct art_entry entry;
    enum art_rc rc = blob_image_check(&image, NULL);
    if (says) refused(rc, ART_CORRUPT, says);
    if (!says) must(rc);
    for (uint32_t row = 0; !says && row < rows.set.count; row++)
        must(art_blob_get(&image.blob, rows.set.keys[row], &entry));
    free(image.image);
}

/* Which names are coded, and how, is the writer's choice, as long as each has its codes to the end. */
TEST(test_codes_that_the_encoder_would_not_write_are_read_as_well) {
    struct random random = random_announced("codes");
    for (int lie = RIGHT; lie < PLAIN; lie++) {
        struct blob_image image = one_blob(100, 0, 0, &random);
        recode(&image, lie);
        check_says(image, lie == ESCAPE_BEHIND ? "the name ends in an escape" : NULL);
    }
    struct blob_image image = one_blob(128, 40, 0, &random);
    ck_assert(view_of(&image.blob, 0).symbols && !view_of(&image.blob, image.blob.buckets - 1).symbols);
    recode(&image, RIGHT);
    check_says(image, NULL);
    image = one_blob(200, 0, 0, &random);
    recode(&image, PLAIN);
    check_says(image, NULL);
}

SUITE("coding", .seconds = 300, .set_up = set_up, .tear_down = tear_down)
