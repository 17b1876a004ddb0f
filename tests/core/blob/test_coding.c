/* Buckets whose names are coded: when they are, names of every length, what codes do to columns, and codes that lie with
 * right hashes. test_blob and others read such blobs in every other way.
 */
#include "tests/support/blob_one.h"

static void set_up(void) {
    toy_codec_lend(true);
}

/* Rows of these keys, which ascend; values are empty, or as VALUES_ALIKE. Takes the keys over. */
static void rows_of(struct art_bytes *keys, uint32_t count, bool values, struct random *random) {
    struct blob_style style = {KEYS_DIRECTORIES, values ? VALUES_ALIKE : VALUES_EMPTY, FLAGS_PUTS, CSNS_BYTE};
    uint32_t n = 0;
    blob_run_clear(&run);
    blob_rows_clear(&rows);
    blob_rows_make(&rows, style, count + 60, random);
    ck_assert_uint_ge(rows.set.count, count);
    qsort(keys, count, sizeof *keys, key_compare);
    for (uint32_t i = 0; i < rows.set.count; i++) free((void *)rows.set.keys[i].data);
    for (uint32_t i = 0; i < count; i++) {
        bool again = n && art_bytes_equal(keys[i], rows.set.keys[n - 1]);
        if (!again) rows.set.keys[n++] = keys[i];
        if (again) free((void *)keys[i].data);
    }
    for (uint32_t i = n; i < rows.set.count; i++) free((void *)rows.entries[i].value.data);
    rows.set.count = n;
    for (uint32_t i = 0; i < n && !values; i++) rows.entries[i].value.len = 0;
    free(keys);
}

static struct art_bucket_view view_of(const struct art_blob *blob, uint32_t bucket) {
    struct art_bucket_view view;
    art_bucket_view_open(&view, blob->image + art_bucket_offset(blob, bucket), blob);
    return view;
}

/* Buckets with coded names, in all leaf blobs; each is as the check wants it, and holds its rows. */
static uint32_t coded_buckets(void) {
    uint32_t coded = 0;
    uint8_t *key = malloc(ART_KEY_MAX + ART_KEY_PADDING);
    for (uint32_t i = 0; i < run.level[0].count; i++) {
        struct blob_image *image = &run.slots[i];
        struct art_blob_cursor cursor;
        uint32_t row = image->first, before = coded;
        must(blob_image_check(image, NULL));
        for (uint32_t b = 0; b < image->blob.buckets; b++) coded += view_of(&image->blob, b).symbols != NULL;
        ck_assert_int_eq(coded > before, art_blob_trailer(image->image)->format == ART_BLOB_FORMAT_SYMBOLS);
        if (image->ref.label.len) memcpy(key, image->ref.label.data, image->ref.label.len);
        art_blob_cursor_init(&cursor, &image->blob, key);
        for (must(art_blob_first(&cursor)); cursor.valid; must(art_blob_next(&cursor)))
            ck_assert(art_bytes_equal(art_bytes(key, cursor.key_len), rows.set.keys[row++]));
        ck_assert_uint_eq(row, image->first + image->rows);
        for (must(art_blob_last(&cursor)); cursor.valid; must(art_blob_prev(&cursor)))
            ck_assert(art_bytes_equal(art_bytes(key, cursor.key_len), rows.set.keys[--row]));
        for (; row < image->first + image->rows; row++) {
            struct art_entry entry;
            must(art_blob_get(&image->blob, rows.set.keys[row], &entry));
        }
    }
    free(key);
    return coded;
}

/* --- building ----------------------------------------------------------------------------------------------------- */

static struct art_bytes words(uint32_t len, struct random *random) {
    static const char *const word[] = {"share/", "locale", "python3.", "\0\0", "\xff\xff", "doc", "e", ".so"};
    uint8_t *bytes = malloc(len + 16);
    for (uint32_t at = 0; at < len;) {
        const char *from = word[random_below(random, LENGTH(word))];
        uint32_t n = *from ? (uint32_t)strlen(from) : 2;
        memcpy(bytes + at, from, n);
        at += n;
    }
    struct art_bytes key = blob_padded(bytes, len);
    free(bytes);
    return key;
}

TEST(test_names_of_every_length_come_back) {
    struct random random = random_announced("lengths");
    static const uint32_t lengths[] = {0, 1, 2, 255, 256, 257, 4094, 4095, 4096, 4097, 8200, 40000, 65534, 65535};
    uint32_t coded = 0;
    for (int round = 0; round < 6; round++) {
        enum { COUNT = 3000 };
        struct art_bytes *keys = malloc(COUNT * sizeof *keys);
        blob_coded = true;
        blob_changing = round % 2;
        for (uint32_t i = 0; i < COUNT; i++) {
            bool odd = random_once_in(&random, round ? 20 : 200);
            keys[i] = words(odd ? lengths[random_below(&random, LENGTH(lengths))] : random_below(&random, 90), &random);
        }
        rows_of(keys, COUNT, round % 3 == 0, &random);
        blob_run_build(&run, &rows, round < 3 ? 0 : 5 + 3 * round, false);
        coded += coded_buckets();
    }
    printf("lengths: %u coded buckets\n", coded);
    ck_assert_uint_gt(coded, 200);
}

/* Nor is there a table then, and all is as without one. */
TEST(test_names_that_do_not_become_smaller_stay_plain) {
    struct random random = random_announced("plain");
    struct blob_run plain;
    blob_coded = true;
    blob_run_make(&run, &rows, (struct blob_style){KEYS_RANDOM, VALUES_SAME, FLAGS_PUTS, CSNS_SAME}, 9000, 0, false,
                  &random);
    ck_assert_uint_eq(coded_buckets(), 0);
    blob_coded = false;
    blob_run_build(&plain, &rows, 0, false);
    ck_assert_uint_eq(plain.level[0].count, run.level[0].count);
    for (uint32_t i = 0; i < plain.count; i++) ck_assert(art_hash128_equal(plain.slots[i].ref.hash, run.slots[i].ref.hash));
    blob_run_clear(&plain);
}

/* Symbols of lower case letters alone. */
static void code_words(void) {
    static struct art_encoder encoder;
    static uint8_t texts[100 * 16 + 16];
    uint32_t ends[100], end = 0;
    for (int i = 0; i < LENGTH(ends); i++)
        ends[i] = end += (uint32_t)sprintf((char *)texts + end, i % 3 ? "%dneighbours" : "/neighbour/e%d", i % 10);
    art_encoder_train(&encoder, texts, ends, LENGTH(ends));
    blob_symbols = &encoder.symbols;
    blob_coded = true;
}

/* One bucket: a first key with `odd` bytes that no symbol has, behind which others follow that become small. */
static struct art_bucket_view bucket_of_odd(uint32_t odd, struct random *random) {
    enum { COUNT = 60 };
    struct art_bytes *keys = malloc(COUNT * sizeof *keys);
    for (uint32_t i = 0; i < COUNT; i++) {
        uint8_t key[400] = "a";
        int len = snprintf((char *)key + 1, sizeof key - 1, "%04uneighbour/neighbour/e", i);
        if (!i) memset(key + 6, 0xfe, odd);
        keys[i] = blob_padded(key, i ? 1 + (uint32_t)len : 6 + odd);
    }
    keys[0].len = 6 + odd;
    ((uint8_t *)keys[0].data)[1] = '!'; /* what the keys share ends before it */
    rows_of(keys, COUNT, false, random);
    code_words();
    blob_run_build(&run, &rows, 0, false);
    ck_assert_uint_eq(run.slots[0].blob.buckets, 1);
    ck_assert_uint_eq(coded_buckets(), 1);
    return view_of(&run.slots[0].blob, 0);
}

/* The length column is of 16 bits from 256 on: by coded lengths, not by plain ones. */
TEST(test_a_first_name_that_grows_makes_its_bucket_wide) {
    struct random random = random_announced("wide");
    for (uint32_t odd = 120; odd < 132; odd++) {
        struct art_bucket_view view = bucket_of_odd(odd, &random);
        uint32_t len = art_bucket_suffix_len(&view, 0);
        ck_assert_uint_ge(len, 2 * odd);
        ck_assert_int_eq((view.form & ART_BUCKET_WIDE) != 0, len > 255);
    }
}

/* --- codes that lie ----------------------------------------------------------------------------------------------- */

/* Other bytes for a suffix of the blob's last bucket, which are read as the bucket says; the rest moves. */
static void put_suffix(struct blob_image *image, uint32_t entry, const uint8_t *bytes, uint32_t len) {
    struct art_bucket_view view = view_of(&image->blob, image->blob.buckets - 1);
    uint32_t old = art_bucket_suffix_len(&view, entry), size = (uint32_t)(view.values - view.suffixes);
    uint8_t *at = (uint8_t *)view.suffixes + art_bucket_suffix_at(&view, entry), *start = (uint8_t *)view.start;
    const uint8_t *end = art_bucket_values_end(&view);
    ck_assert(!(view.form & ART_BUCKET_WIDE) && len < 256);
    ck_assert(end - old + len <= image->image + image->blob.leaf_pages * ART_BLOB_PAGE);
    memmove(at + len, at + old, (size_t)(end - at - old));
    if (len < old) memset((uint8_t *)end - (old - len), 0, old - len);
    memcpy(at, bytes, len);
    ((uint8_t *)view.suffix_len)[entry] = (uint8_t)len;
    art_store16(start + 6, size + len - old);
}

/* All suffixes of the last bucket, coded or plain. */
static void turn_over(struct blob_image *image, const struct art_symbols *symbols) {
    uint32_t last = image->blob.buckets - 1, from = art_bucket_rank(&image->blob, last);
    uint8_t *start = image->image + art_bucket_offset(&image->blob, last), codes[512];
    struct art_encoder *encoder = malloc(sizeof *encoder);
    art_encoder_use(encoder, symbols);
    bool to_coded = !view_of(&image->blob, last).symbols;
    for (uint32_t i = 0; i < start[0]; i++) {
        struct art_bucket_view view = view_of(&image->blob, last);
        struct art_bytes key = rows.set.keys[image->first + from + i];
        uint32_t at = view.prefix_len + art_bucket_shared(&view, i) + 1;
        uint32_t len = key.len > at ? key.len - at : 0;
        if (to_coded) len = art_encode(encoder, key.data + at, len, codes);
        put_suffix(image, i, to_coded ? codes : key.data + at, len);
    }
    art_store16(start + 4, art_load16(start + 4) ^ ART_BUCKET_CODED);
    free(encoder);
}

/* As many buckets as there are names for, of 16 bytes each: these compress, those of `random` do not. */
static struct blob_image a_blob(uint32_t small, uint32_t large, struct random *random) {
    uint32_t count = small + large;
    struct art_bytes *keys = malloc(count * sizeof *keys);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t key[40];
        int len = snprintf((char *)key, sizeof key, "%c%05uneighbours", i < small ? 'a' : 'b', 7 * i);
        for (int at = 6; at < len && i >= small; at++) key[at] = (uint8_t)(128 + random_below(random, 128));
        keys[i] = blob_padded(key, (uint32_t)len);
    }
    rows_of(keys, count, false, random);
    code_words();
    blob_run_build(&run, &rows, 0, false);
    ck_assert_uint_eq(run.level[0].count, 1);
    return blob_image_copy(&run.slots[0]);
}

static void check_refuses(struct blob_image *image, const char *says) {
    blob_image_rehash_all(image->image, &image->ref);
    refused(blob_image_check(image, NULL), ART_CORRUPT, says);
    free(image->image);
}

TEST(test_a_code_that_the_encoder_would_not_give_is_refused) {
    struct random random = random_announced("codes");
    const char *otherwise = "the name is coded otherwise";
    for (int lie = 0; lie < 4; lie++) {
        struct blob_image image = a_blob(100, 0, &random);
        struct art_bucket_view view = view_of(&image.blob, 0);
        const struct art_symbols *symbols = image.blob.symbols;
        const uint8_t *code = view.suffixes + art_bucket_suffix_at(&view, 50);
        uint32_t len = art_bucket_suffix_len(&view, 50), n = 0;
        uint8_t lies[256];
        memcpy(lies, code, len);
        if (lie < 2) { /* a code that stands for nothing, before the others or behind them */
            uint32_t none = 254;
            while (symbols->len[none]) none--;
            if (!lie) memmove(lies + 1, lies, len);
            lies[lie ? len : 0] = (uint8_t)none;
            put_suffix(&image, 50, lies, len + 1);
        } else if (lie == 2) { /* the same name, in escapes */
            for (uint32_t i = 0; i < len; i++) {
                for (uint32_t at = 0; at < symbols->len[code[i]]; at++) {
                    lies[n++] = ART_ESCAPE;
                    lies[n++] = (uint8_t)(symbols->symbol[code[i]] >> 8 * at);
                }
            }
            put_suffix(&image, 50, lies, n);
        } else { /* an escape of what follows the name */
            lies[len] = ART_ESCAPE;
            put_suffix(&image, 50, lies, len + 1);
        }
        check_refuses(&image, lie == 3 ? "" : otherwise);
    }
}

TEST(test_a_bucket_that_should_be_of_the_other_kind_is_refused) {
    struct random random = random_announced("kinds");
    struct blob_image image = a_blob(100, 100, &random);
    ck_assert_uint_eq(image.blob.buckets, 2);
    ck_assert(view_of(&image.blob, 0).symbols && !view_of(&image.blob, 1).symbols);
    turn_over(&image, image.blob.symbols);
    check_refuses(&image, "names are coded, and would be smaller plain");
    image = a_blob(200, 0, &random);
    ck_assert(view_of(&image.blob, 0).symbols && view_of(&image.blob, 1).symbols);
    turn_over(&image, image.blob.symbols);
    check_refuses(&image, "names are plain, and would be smaller coded");
    image = a_blob(100, 0, &random);
    turn_over(&image, image.blob.symbols);
    struct art_symbols *symbols = (struct art_symbols *)image.blob.symbols;
    symbols = (struct art_symbols *)(image.image + ((const uint8_t *)symbols - run.slots[0].image));
    memset(symbols->len + 1, 0, sizeof symbols->len - 1);
    memset(symbols->symbol + 1, 0, sizeof symbols->symbol - 2 * sizeof *symbols->symbol);
    check_refuses(&image, "it has symbols, and no coded name");
}

SUITE("coding", .seconds = 300, .set_up = set_up, .tear_down = tear_down)
