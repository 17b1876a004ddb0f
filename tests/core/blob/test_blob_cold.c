/* Blobs as a reader meets them who has their heads alone: all other pages of the image hold rubbish, and come one by
 * one as they are asked for. Each question, to a blob that nobody has asked before, has the answer of a blob that was
 * opened whole, and it is the same with another rubbish, for which the same pages are asked: no byte of a page is used
 * that was not asked for.
 *
 * All kinds: leaf and index, with and without symbols, weights, a filter, sums, zones, postings, labels; of as many
 * buckets as change what the format says: a number that gets a byte or a bit longer, a part that gets over the end of a
 * page.
 */
#include "core/blob/postings.h"
#include "core/blob/search.h"
#include "tests/support/blob_one.h"
#include "tests/support/toy_columns.h"
#include "tests/support/toy_summary.h"

/* --- rows --------------------------------------------------------------------------------------------------------- */

enum names { NAMES_FILES, NAMES_NUMBERS, NAMES_DIRECTORIES, NAMES_LABEL, NAMES_LONG_LABEL, NAMES };

/* The key with number `at`; they ascend. Of few bytes, but for what all begin with. */
static uint32_t name_of(enum names names, uint32_t at, char *out, size_t room) {
    static const int labels[] = {[NAMES_LABEL] = 300, [NAMES_LONG_LABEL] = 3000};
    switch (names) {
    case NAMES_FILES:
        return (uint32_t)snprintf(out, room, "IMG_%06u.jpeg", at);
    case NAMES_NUMBERS:
        return (uint32_t)snprintf(out, room, "%06u", at);
    case NAMES_DIRECTORIES:
        return (uint32_t)snprintf(out, room, "usr/%03u/lib/%06u.so", at / 700, at);
    default:
        return (uint32_t)snprintf(out, room, "%0*d/%06u", labels[names], 7, at);
    }
}

/* Integers alone may have extremes; else one datum in so many may be something else. */
static uint32_t odd;

/* One value in so many has data of the columns; the others are empty, and NULL in each. 0: none has. */
static struct art_entry make_entry(uint32_t one_in, enum blob_flags_style style, struct random *random) {
    static const uint8_t flags[] = {0, 0, ART_SHADOWS_OLDER, ART_DELETE};
    struct art_entry entry = {.csn = 1000 + (style == FLAGS_ANY ? random_below(random, 200) : 0)};
    struct art_datum data[ART_SUMMARY_MAX];
    uint8_t value[ART_VALUE_INLINE_MAX];
    uint32_t len = 0;
    if (style == FLAGS_ANY) entry.flags = flags[random_below(random, LENGTH(flags))];
    bool some = one_in && rows.summary.has.columns && random_once_in(random, one_in);
    for (unsigned i = 0; i < rows.summary.has.columns; i++)
        data[i] = rows.summary.has.lookups ? toy_hashed_datum(random, 90) : toy_random_datum(random, odd);
    if (some && !(entry.flags & ART_DELETE)) len = toy_value_put(&rows.summary, data, 0, 0, value);
    entry.value = key_copy(value, len, 0);
    return entry;
}

static void make_rows(struct art_measures has, enum names names, uint32_t count, uint32_t one_in,
                      enum blob_flags_style style, struct random *random) {
    static char name[4000];
    blob_rows_clear(&rows);
    toy_columns_open(&rows.summary, has);
    rows.set = (struct key_set){.count = count, .padding = ART_KEY_PADDING};
    rows.set.keys = calloc(count, sizeof *rows.set.keys);
    rows.entries = calloc(count, sizeof *rows.entries);
    for (uint32_t i = 0; i < count; i++) {
        rows.set.keys[i] = blob_padded(name, name_of(names, i, name, sizeof name));
        rows.entries[i] = make_entry(one_in, style, random);
    }
}

/* --- a cold reader ------------------------------------------------------------------------------------------------ */

enum rubbish { ALL_ONES, ALL_ZEROS, ANY_BYTES, RUBBISH };

struct reader {
    struct art_blob blob;
    const struct blob_image *of;
    uint8_t *image;
    struct art_pages asked;
};

static void bring(struct reader *reader, const struct art_pages *pages) {
    for (uint32_t page = 0; (page = art_pages_from(pages, page)) < ART_BLOB_PAGES; page++) {
        size_t at = (size_t)page * ART_BLOB_PAGE;
        memcpy(reader->image + at, reader->of->image + at, ART_BLOB_PAGE);
    }
}

/* These pages and no others. */
static enum art_rc want(struct art_blob *blob, const struct art_pages *pages, enum art_intent intent) {
    struct reader *reader = blob->owner;
    struct art_pages present = art_blob_present(blob), missing;
    for (unsigned i = 0; i < 2; i++) missing.bits[i] = pages->bits[i] & ~present.bits[i];
    bring(reader, &missing);
    art_pages_join(&reader->asked, &missing);
    for (uint32_t page = 0; (page = art_pages_from(&missing, page)) < ART_BLOB_PAGES; page++)
        must(art_blob_verify_page(blob, page));
    return ART_OK;
}

static void fill_with(uint8_t *image, enum rubbish rubbish) {
    static uint8_t any[ART_BLOB_BYTES];
    struct random random = {99};
    for (uint32_t i = 0; !any[0] && i < ART_BLOB_BYTES; i++) any[i] = (uint8_t)(random_next(&random) | 1);
    if (rubbish == ANY_BYTES)
        memcpy(image, any, ART_BLOB_BYTES);
    else
        memset(image, rubbish == ALL_ONES ? 0xff : 0, ART_BLOB_BYTES);
}

/* As the store opens it: the last page says which others the head has. */
static void open_head(struct reader *reader, const struct blob_image *of, enum rubbish rubbish) {
    struct art_pages last = art_pages_of(ART_BLOB_PAGES - 1, 1);
    reader->of = of;
    reader->asked = (struct art_pages){{0, 0}};
    fill_with(reader->image, rubbish);
    bring(reader, &last);
    struct art_pages head = art_blob_head_pages(reader->image, of->ref.footer_pages);
    bring(reader, &head);
    must(art_blob_open_head(&reader->blob, reader->image, &of->ref, blob_uuid, "test"));
    reader->blob.want = want;
    reader->blob.owner = reader;
}

/* --- questions ---------------------------------------------------------------------------------------------------- */

/* What an answer adds up to. */
static uint64_t answer;

static void add(const void *data, size_t len) {
    answer = (answer ^ art_hash64(data, len)) * 0x9e3779b97f4a7c15u + len;
}

static void add_number(int64_t number) {
    add(&number, sizeof number);
}

static void add_entry(const struct art_entry *entry) {
    uint8_t room[ART_VALUE_INLINE_MAX];
    struct art_bytes value = art_entry_plain(entry, room);
    add_number(entry->flags & ART_ENTRY_FLAGS);
    add(value.data ? value.data : room, value.len);
}

static void add_ref(const struct art_ref *ref) {
    add_number(ref->slot);
    add_number((int64_t)ref->entries);
    add(ref->label.data, ref->label.len);
    if (ref->summed) add(ref->summed, art_summed_bytes(ref->has));
}

static void add_cursor(const struct art_blob_cursor *cursor) {
    struct art_entry entry;
    add_number(cursor->valid);
    if (!cursor->valid) return;
    add(cursor->key, cursor->key_len);
    art_blob_cursor_entry(cursor, &entry);
    add_number((int64_t)entry.csn);
    add_entry(&entry);
}

struct question {
    struct art_blob *blob;
    const struct blob_image *image;
    struct art_bytes key, other; /* that begin with the label */
    uint32_t row, bucket;
    const struct art_summary *summary;
    struct random random;
};

static void ask_get(struct question *ask) {
    struct art_entry entry;
    struct art_spot spot;
    int rc = art_blob_get(ask->blob, ask->key, &entry);
    add_number(rc);
    if (!rc) add_entry(&entry);
    must(art_blob_spot(ask->blob, ask->key, &spot));
    add_number(spot.page);
}

static void ask_filter(struct question *ask) {
    add_number(art_blob_ask_filter(ask->blob, art_blob_key_hash(ask->key)));
}

static void ask_rank(struct question *ask) {
    int64_t rank;
    must(art_blob_rank(ask->blob, ask->key, &rank));
    add_number(rank);
}

static void ask_before(struct question *ask) {
    uint32_t entries;
    int64_t weights;
    must(art_blob_before(ask->blob, ask->key, &entries, &weights));
    add_number(entries);
    add_number(weights);
}

static void ask_prefix(struct question *ask) {
    struct art_entry entry;
    int64_t len = 0;
    int rc = art_blob_prefix(ask->blob, ask->key, &len, &entry);
    add_number(rc);
    add_number(len);
    if (!rc) add_entry(&entry);
}

static void ask_child(struct question *ask) {
    struct art_ref child;
    int64_t before;
    uint32_t number;
    must(art_blob_child(ask->blob, ask->key, &child, &before));
    add_ref(&child);
    add_number(before);
    must(art_blob_child_number(ask->blob, ask->key, &child, &number));
    add_number(number);
}

static void walk(struct art_blob_cursor *cursor, uint32_t steps, bool backward) {
    for (uint32_t i = 0; cursor->valid && i < steps; i++) {
        add_cursor(cursor);
        must(backward ? art_blob_prev(cursor) : art_blob_next(cursor));
    }
    add_number(cursor->valid);
}

static void ask_ceiling(struct question *ask) {
    struct art_blob_cursor cursor = cursor_of(ask->blob, ask->image);
    must(art_blob_seek_ge(&cursor, ask->key));
    walk(&cursor, 150, false);
}

static void ask_floor(struct question *ask) {
    struct art_blob_cursor cursor = cursor_of(ask->blob, ask->image);
    must(art_blob_seek_le(&cursor, ask->key));
    walk(&cursor, 150, true);
}

static void ask_ends(struct question *ask) {
    struct art_blob_cursor cursor = cursor_of(ask->blob, ask->image);
    must(art_blob_first(&cursor));
    walk(&cursor, 2, false);
    must(art_blob_last(&cursor));
    walk(&cursor, 2, true);
}

static void ask_entry(struct question *ask) {
    struct art_blob_cursor cursor = cursor_of(ask->blob, ask->image);
    must(art_blob_seek_entry(&cursor, ask->row));
    add_cursor(&cursor);
    if (cursor.valid) add_number(art_blob_cursor_rank(&cursor));
}

static void ask_all(struct question *ask) {
    struct art_blob_cursor cursor = cursor_of(ask->blob, ask->image);
    cursor.window = 1;
    must(art_blob_first(&cursor));
    walk(&cursor, UINT32_MAX, false);
}

/* Only what is newer than most. */
static void ask_newer(struct question *ask) {
    struct art_blob_cursor cursor = cursor_of(ask->blob, ask->image);
    must(art_blob_want_part(ask->blob, ART_PART_BOUNDS));
    add_number((int64_t)art_bucket_bounds(ask->blob, ask->bucket).csn_max);
    add_number(art_bucket_bounds(ask->blob, ask->bucket).key_max);
    cursor.newer_than = ask->row % 2 ? 1195 : 999;
    must(art_blob_seek_ge(&cursor, ask->key));
    walk(&cursor, 40, false);
}

/* Over a subtree. */
static void ask_skip(struct question *ask) {
    struct art_blob_cursor cursor = cursor_of(ask->blob, ask->image);
    must(art_blob_seek_entry(&cursor, ask->row)); /* which asks for no nodes */
    if (!cursor.valid || cursor.key_len < 2 || !cursor.key[cursor.key_len - 2]) return;
    uint32_t len = cursor.key_len - 1;
    struct art_bytes behind = blob_padded(cursor.key, len);
    bool done;
    ((uint8_t *)behind.data)[len - 1]++;
    must(art_blob_skip_near(&cursor, len, behind, &done));
    add_number(done);
    add_cursor(&cursor);
    free((void *)behind.data);
}

static void ask_sums(struct question *ask) {
    art_int128 sum[ART_SUMMARY_MAX] = {0};
    struct art_ref child = {0};
    int64_t before;
    if (!ask->summary->has.sums) return;
    must(art_blob_sums(ask->blob, ask->key, ask->summary, &child, &before, sum));
    add_number(before);
    add(sum, sizeof sum);
    if (ask->blob->kind == ART_BLOB_INDEX) add_ref(&child);
}

static void ask_extreme(struct question *ask) {
    struct art_ref edge[2] = {{0}, {0}};
    for (unsigned column = 0; column < ask->summary->has.columns; column++) {
        struct art_extreme search = {.summary = ask->summary, .column = column, .largest = ask->row % 2};
        must(art_blob_extreme(ask->blob, ask->key, ask->other, &search, edge));
        add_number(search.any + 2 * search.lost);
        if (search.any && !search.lost) add_number(search.best);
        for (unsigned i = 0; i < 2; i++)
            if (edge[i].summed) add_ref(&edge[i]);
    }
}

static void ask_best(struct question *ask) {
    for (unsigned column = 0; column < ask->summary->has.columns; column++) {
        struct art_bucket_search search = {.column = column, .largest = ask->row % 2, .to = ask->blob->buckets};
        struct art_datum value = {0};
        uint32_t bucket;
        must(art_blob_want_part(ask->blob, ART_PART_ZONES + column));
        bool found = art_blob_best_bucket(ask->blob, &search, &bucket, &value);
        add_number(found);
        if (found) add_number(bucket);
    }
}

static void add_visited(void *context, uint32_t number, const struct art_entry *entry) {
    add_number(number);
    add_entry(entry);
}

static void ask_bucket(struct question *ask) {
    uint32_t from = art_bucket_rank(ask->blob, ask->bucket), to = art_bucket_rank(ask->blob, ask->bucket + 1);
    must(art_blob_each(ask->blob, ask->bucket, from, to, add_visited, NULL));
}

static struct art_term_query query_of(unsigned field, uint32_t *term, struct question *ask) {
    uint32_t parts[64];
    struct art_bytes name = rows.set.keys[ask->row];
    if (name.len > 20) name = art_bytes(name.data + name.len - 20, 20);
    uint32_t count = toy_cut(name, 0, parts);
    *term = field == ART_FIELD_KEYS && count != ART_CUT_ANY && count ? parts[random_below(&ask->random, count)]
                                                                     : (uint32_t)random_next(&ask->random);
    return (struct art_term_query){.field = field, .count = 1, .term = term};
}

/* What the postings of one field say, and a walk within limits. */
static void ask_terms(struct question *ask) {
    struct art_limits limits = {.summary = ask->summary, .query_count = 1};
    uint32_t fields = art_measures_fields(ask->summary->has), term;
    struct art_units units;
    if (!fields) return;
    for (uint32_t other = ask->row % (uint32_t)__builtin_popcount(fields); other; other--) fields &= fields - 1;
    limits.queries[0] = query_of((unsigned)__builtin_ctz(fields), &term, ask);
    must(art_blob_units_with_terms(ask->blob, &limits, &units));
    add(&units, sizeof units);
    struct art_blob_cursor cursor = cursor_of(ask->blob, ask->image);
    must(art_blob_cursor_limit(&cursor, &limits));
    must(art_blob_seek_ge(&cursor, ask->key));
    walk(&cursor, 40, false);
}

static void ask_within(struct question *ask) {
    if (!ask->summary->has.columns) return;
    struct art_limits limits = {.summary = ask->summary, .count = 1};
    limits.limit[0] = (struct art_limit){.low_set = true, .low = {.kind = ART_DATUM_INTEGER, .integer = 1 << 20}};
    struct art_blob_cursor cursor = cursor_of(ask->blob, ask->image);
    must(art_blob_cursor_limit(&cursor, &limits));
    must(art_blob_seek_ge(&cursor, ask->key));
    walk(&cursor, 40, false);
}

static void ask_check(struct question *ask) {
    struct art_blob_expected expected = {
        .csn_max = UINT64_MAX, .label = &ask->image->ref.label, .summary = ask->blob->height ? NULL : ask->summary};
    must(art_blob_check_expected(ask->blob, &expected));
}

static const struct {
    const char *name;
    void (*ask)(struct question *);
    enum art_blob_kind kind; /* 0: of both */
} questions[] = {{"get", ask_get, ART_BLOB_LEAF},
                 {"filter", ask_filter, ART_BLOB_LEAF},
                 {"rank", ask_rank, ART_BLOB_LEAF},
                 {"before", ask_before, ART_BLOB_LEAF},
                 {"prefix", ask_prefix, ART_BLOB_LEAF},
                 {"child", ask_child, ART_BLOB_INDEX},
                 {"ceiling", ask_ceiling, 0},
                 {"floor", ask_floor, 0},
                 {"ends", ask_ends, 0},
                 {"entry", ask_entry, 0},
                 {"all", ask_all, 0},
                 {"newer", ask_newer, 0},
                 {"skip", ask_skip, 0},
                 {"sums", ask_sums, 0},
                 {"extreme", ask_extreme, 0},
                 {"best", ask_best, 0},
                 {"bucket", ask_bucket, 0},
                 {"terms", ask_terms, ART_BLOB_LEAF},
                 {"within", ask_within, 0},
                 {"check", ask_check, 0}};

static uint64_t answer_to(int question, struct question ask) {
    answer = 1;
    questions[question].ask(&ask);
    return answer;
}

/* A key of the blob, or behind it in its range, or beside one that is there. */
static struct art_bytes draw_key(const struct blob_image *image, struct random *random) {
    struct art_bytes key = rows.set.keys[random_below(random, rows.set.count)], label = image->ref.label;
    struct art_bytes made = blob_padded(key.data, key.len);
    uint8_t *bytes = (uint8_t *)made.data;
    if (made.len > label.len && random_once_in(random, 3)) bytes[made.len - 1] ^= 1 << random_below(random, 8);
    if (made.len > label.len + 1 && random_once_in(random, 6)) memset(bytes + --made.len, 0xee, 1);
    if (!art_label_compare(label, made)) return made;
    free(bytes);
    return blob_padded(label.data, label.len);
}

static struct question draw_question(const struct blob_image *image, struct random *random) {
    struct question ask = {.image = image, .summary = &rows.summary, .random = {random_next(random)}};
    ask.key = draw_key(image, random);
    ask.other = draw_key(image, random);
    if (key_compare(&ask.key, &ask.other) > 0) {
        struct art_bytes key = ask.key;
        ask.key = ask.other;
        ask.other = key;
    }
    ask.row = random_below(random, image->blob.entries);
    ask.bucket = random_below(random, image->blob.buckets);
    return ask;
}

/* --- the comparison ----------------------------------------------------------------------------------------------- */

static struct reader cold, warming; /* asked once; asked all questions, in any order */
static uint64_t asked_cold;

static void set_up(void) {
    cold.image = blob_image_new();
    warming.image = blob_image_new();
}

static void clean_up(void) {
    tear_down();
    free(cold.image);
    free(warming.image);
}

static void ask_cold(int number, struct question ask, struct art_blob *whole, const char *what) {
    struct art_pages asked = {{0, 0}};
    ask.blob = whole;
    uint64_t expected = answer_to(number, ask);
    for (enum rubbish rubbish = 0; rubbish < RUBBISH; rubbish++) {
        open_head(&cold, ask.image, rubbish);
        ask.blob = &cold.blob;
        uint64_t answered = answer_to(number, ask);
        ck_assert_msg(answered == expected, "%s: '%s' of a blob of %u buckets has another answer with rubbish %d", what,
                      questions[number].name, whole->buckets, rubbish);
        if (!rubbish) asked = cold.asked;
        ck_assert_msg(!memcmp(&asked, &cold.asked, sizeof asked),
                      "%s: '%s' of a blob of %u buckets asks for other pages with rubbish %d", what,
                      questions[number].name, whole->buckets, rubbish);
        asked_cold++;
    }
    ask.blob = &warming.blob;
    ck_assert_msg(answer_to(number, ask) == expected, "%s: '%s' of a blob of %u buckets, later", what,
                  questions[number].name, whole->buckets);
}

static void all_questions(struct blob_image *image, struct random *random, const char *what) {
    open_head(&warming, image, random_below(random, RUBBISH));
    for (int left = LENGTH(questions), first = (int)random_below(random, LENGTH(questions)); left--; first++) {
        int number = first % LENGTH(questions);
        if (questions[number].kind && questions[number].kind != image->blob.kind) continue;
        struct question ask = draw_question(image, random);
        ask_cold(number, ask, &image->blob, what);
        free((void *)ask.key.data);
        free((void *)ask.other.data);
    }
}

/* --- as many buckets as that -------------------------------------------------------------------------------------- */

/* The first of the rows that are one blob of this many buckets; false: no number of them is. */
static bool build_buckets(uint32_t buckets, bool filter, struct random *random) {
    uint32_t all = rows.set.count, low = 0, high = all, count = all - random_below(random, ART_BUCKET_ENTRIES);
    bool made = false, fit = true;
    while (!made && fit && low < high) { /* the first `low` are too few, the first `high` are enough */
        rows.set.count = count;
        blob_run_clear(&run);
        blob_run_leaves(&run, &rows, 0, filter);
        uint32_t found = run.slots[0].blob.buckets;
        made = run.count == 1 && found == buckets;
        fit = run.count == 1 || found >= buckets;
        if (run.count == 1 && found < buckets)
            low = count;
        else
            high = count - 1;
        uint32_t guess = run.count > 1 ? 0 : count + (buckets - found) * ART_BUCKET_ENTRIES;
        count = guess > low && guess <= high ? guess : low + (high - low + 1) / 2;
    }
    for (uint32_t i = rows.set.count; i < all; i++) {
        free((void *)rows.set.keys[i].data);
        free((void *)rows.entries[i].value.data);
    }
    return made;
}

/* A bucket more, a bucket fewer: numbers of one byte, of units with eight bits, of 492 buckets whose directories end
 * with the last page, of units that have two buckets. */
static const uint32_t numbers[] = {1,   2,   3,   127, 128, 129, 149, 150, 151, 152, 255,  256,  257,
                                   490, 491, 492, 493, 511, 512, 513, 514, 767, 768, 1023, 1024, 1025};

static bool ask_blob_of(uint32_t buckets, unsigned form, enum names names, enum blob_flags_style style,
                        struct random *random) {
    uint32_t one_in = random_once_in(random, 4) ? 0 : 1 + random_below(random, 60);
    odd = random_once_in(random, 2) ? 4 : UINT32_MAX;
    bool filter = random_once_in(random, 4);
    toy_codec_lend(style == FLAGS_PUTS && random_once_in(random, 2));
    if (names == NAMES_LONG_LABEL && buckets > 257) names = NAMES_LABEL;
    make_rows(toy_form(form), names, buckets * ART_BUCKET_ENTRIES, one_in, style, random);
    if (!build_buckets(buckets, filter, random)) return false;
    char what[100];
    snprintf(what, sizeof what, "form %u, names %d, %s, %s, one in %u", form, (int)names,
             blob_coded ? "coded" : "plain", filter ? "with a filter" : "without a filter", one_in);
    all_questions(&run.slots[0], random, what);
    return true;
}

LOOP_TEST(test_a_dense_blob_is_read_from_its_head, 2) {
    struct random random = random_announced("dense");
    uint32_t most = 0;
    blob_coded = _i;
    for (int i = 0; i < LENGTH(numbers); i++) {
        bool made = false;
        /* what is drawn fills it sometimes with fewer */
        for (int tries = numbers[i] <= 513 ? 5 : 1; !made && tries; tries--)
            made = ask_blob_of(numbers[i], 0, _i ? NAMES_FILES : NAMES_NUMBERS, FLAGS_PUTS, &random);
        if (made) most = numbers[i];
    }
    ck_assert_uint_ge(most, 513);
}

TEST(test_blobs_of_all_kinds_are_read_from_their_heads) {
    struct random random = random_announced("kinds");
    unsigned made = 0, rounds = random_rounds(250);
    for (unsigned round = 0; round < rounds; round++) {
        if (!random_span(&random)) continue;
        blob_coded = random_once_in(&random, 2);
        made += ask_blob_of(numbers[random_below(&random, LENGTH(numbers))], random_below(&random, TOY_FORMS),
                            random_below(&random, NAMES), random_once_in(&random, 3) ? FLAGS_ANY : FLAGS_PUTS, &random);
    }
    printf("%u of %u blobs, %llu questions\n", made, rounds, (unsigned long long)asked_cold);
    ck_assert_uint_gt(made * 4, rounds);
}

/* Rows as the other tests of blobs draw them; several leaves, and the index blobs over them. */
TEST(test_runs_are_read_from_the_heads_of_their_blobs) {
    struct random random = random_announced("runs");
    for (unsigned round = random_rounds(40); round; round--) {
        if (!random_span(&random)) continue;
        struct blob_style style = {random_below(&random, KEY_FAMILIES), 0,
                                   random_once_in(&random, 2) ? FLAGS_ANY : FLAGS_PUTS, CSNS_SHORT};
        uint32_t wanted = style.family == KEYS_LONG ? 40 : style.family == KEYS_TWINS ? 100 : 4000;
        tear_down();
        blob_forms_draw(&random);
        blob_rows_make_summed(&rows, toy_form(random_below(&random, TOY_FORMS)), style, 60,
                              random_once_in(&random, 2) ? 0 : 30, wanted, &random);
        blob_run_build(&run, &rows, random_once_in(&random, 2) ? 0 : 5 + random_below(&random, 60),
                       random_once_in(&random, 2));
        for (uint32_t i = 0; i < 4; i++)
            all_questions(i ? &run.slots[random_below(&random, run.count)] : blob_run_root(&run), &random, "a run");
    }
}

SUITE("blob cold", .seconds = 900, .set_up = set_up, .tear_down = clean_up)
