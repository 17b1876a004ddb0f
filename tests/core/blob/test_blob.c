/* Blobs against a sorted array: every verb, over keys and values of every sort, in one blob and in runs of several
 * levels; pages that come one at a time, labels that change, filters. */
#include "core/base/alloc.h"
#include "core/blob/footer.h"
#include "tests/support/blob_one.h"

static struct blob_style some_style(struct random *random, uint32_t round) {
    return (struct blob_style){.family = round % KEY_FAMILIES,
                               .values = random_below(random, VALUES_STYLES),
                               .flags = random_once_in(random, 2) ? FLAGS_PUTS : random_below(random, FLAGS_STYLES),
                               .csns = random_below(random, CSNS_STYLES)};
}

static uint32_t rows_wanted(struct random *random, struct blob_style style) {
    uint32_t most = style.family == KEYS_LONG                                   ? 14
                    : style.family == KEYS_SHARED || style.family == KEYS_TWINS ? 600
                                                                                : 3000;
    return 1 + random_below(random, style.values == VALUES_LARGE ? most / 8 + 1 : most);
}

/* --- one blob ----------------------------------------------------------------------------------------------------- */

/* A cursor in a leaf blob, beside the rows that it must show. */
struct beside {
    const struct blob_rows *rows;
    struct blob_image *image;
    struct art_blob_cursor cursor;
    uint8_t *key;
    struct art_plain_bucket plain;
};

static void beside_open(struct beside *beside, const struct blob_rows *rows, struct blob_image *image,
                        bool decodes_blocks) {
    beside->rows = rows;
    beside->image = image;
    beside->key = malloc(ART_KEY_MAX + ART_KEY_PADDING);
    if (image->ref.label.len) memcpy(beside->key, image->ref.label.data, image->ref.label.len);
    art_blob_cursor_init(&beside->cursor, &image->blob, beside->key);
    if (decodes_blocks) art_blob_cursor_plain(&beside->cursor, &beside->plain);
}

static void beside_close(struct beside *beside) {
    free(beside->key);
}

/* The cursor stands on row `row`, or on none when that is not in the blob. */
static void stands_on(struct beside *beside, int64_t row) {
    const struct blob_image *image = beside->image;
    struct art_blob_cursor *cursor = &beside->cursor;
    struct art_entry entry;
    bool inside = row >= image->first && row < (int64_t)image->first + image->rows;
    ck_assert_int_eq(cursor->valid, inside);
    if (!inside) return;
    ck_assert(art_bytes_equal(art_bytes(cursor->key, cursor->key_len), beside->rows->set.keys[row]));
    art_blob_cursor_entry(cursor, &entry);
    ck_assert(blob_entry_equal(&entry, &beside->rows->entries[row]));
    ck_assert(!cursor->plain || !(entry.flags & ART_IN_BLOCK));
    ck_assert_uint_eq(art_blob_cursor_index(cursor), row - image->first);
    ck_assert_int_eq(art_blob_cursor_rank(cursor), beside->rows->rank[row] - beside->rows->rank[image->first]);
}

/* The cursor has moved from one row to a neighbour, and `kept` bytes of the key, at least, are what they were. */
static void keeps_what_is_shared(const struct beside *beside, int64_t before, int64_t row) {
    if (!beside->cursor.valid) return;
    struct art_bytes a = beside->rows->set.keys[before], b = beside->rows->set.keys[row];
    ck_assert_uint_le(beside->cursor.kept, art_common_prefix(a.data, b.data, art_min32(a.len, b.len)));
}

static void walks_both_ways(struct beside *beside) {
    const struct blob_image *image = beside->image;
    int64_t row = image->first;
    must(art_blob_first(&beside->cursor));
    for (; beside->cursor.valid; row++) {
        stands_on(beside, row);
        uint32_t shared = art_blob_cursor_shared(&beside->cursor);
        if (row > image->first) {
            struct art_bytes a = beside->rows->set.keys[row - 1], b = beside->rows->set.keys[row];
            uint32_t truth = art_common_prefix(a.data, b.data, art_min32(a.len, b.len));
            ck_assert_uint_le(shared, truth);
            if (beside->cursor.entry) ck_assert_uint_eq(shared, truth);
        } else {
            ck_assert_uint_eq(shared, 0);
        }
        must(art_blob_next(&beside->cursor));
        keeps_what_is_shared(beside, row, row + 1);
    }
    ck_assert_int_eq(row, (int64_t)image->first + image->rows);
    must(art_blob_next(&beside->cursor));
    ck_assert(!beside->cursor.valid);
    must(art_blob_last(&beside->cursor));
    for (; beside->cursor.valid; must(art_blob_prev(&beside->cursor))) stands_on(beside, --row);
    ck_assert_int_eq(row, image->first);
}

static void steps_at_random(struct beside *beside, int64_t row, struct random *random) {
    for (uint32_t steps = random_below(random, 12); steps && beside->cursor.valid; steps--) {
        int64_t before = row;
        if (random_once_in(random, 2)) {
            must(art_blob_next(&beside->cursor));
            row++;
        } else {
            must(art_blob_prev(&beside->cursor));
            row--;
        }
        keeps_what_is_shared(beside, before, row);
        stands_on(beside, row);
    }
}

static void walks_over_chosen_rows(struct beside *beside) {
    struct art_blob_cursor *cursor = &beside->cursor;
    must(art_blob_cursor_limit(cursor, &choose_thirds));
    for (unsigned backward = 0; backward < 2; backward++) {
        uint32_t met = 0;
        for (must(backward ? art_blob_last(cursor) : art_blob_first(cursor)); cursor->valid; met++) {
            ck_assert_uint_eq(cursor->entry % 3, 1);
            stands_on(beside, (int64_t)beside->image->first + art_blob_cursor_index(cursor));
            must(backward ? art_blob_prev(cursor) : art_blob_next(cursor));
        }
        ck_assert_uint_ge(met, (beside->image->rows - beside->image->blob.buckets) / 3);
    }
    must(art_blob_cursor_limit(cursor, NULL));
}

/* What is found is the longest prefix; what is not found is not longer than was said. */
static void finds_the_longest_prefix(struct beside *beside, struct art_bytes probe, struct random *random) {
    const struct blob_rows *rows = beside->rows;
    struct blob_image *image = beside->image;
    uint8_t *bytes = calloc(1, probe.len + 2 + 20 + ART_KEY_PADDING);
    if (probe.len) memcpy(bytes, probe.data, probe.len);
    struct art_bytes key = art_bytes(bytes, probe.len);
    if (random_once_in(random, 2)) bytes[key.len++] = (uint8_t)random_next(random);
    if (random_once_in(random, 2)) bytes[key.len++] = '/';
    int64_t longest = -1, len;
    for (uint32_t row = 0; row < image->first + image->rows; row++) { /* of this blob, or before it */
        struct art_bytes stored = rows->set.keys[row];
        if (art_bytes_starts_with(key, stored) && (int64_t)stored.len > longest) longest = stored.len;
    }
    struct art_entry entry;
    int rc = art_blob_prefix(&image->blob, key, &len, &entry);
    if (rc == ART_OK) {
        ck_assert_int_eq(len, longest);
        uint32_t at = (uint32_t)key_set_below(&rows->set, art_bytes(key.data, (uint32_t)len));
        ck_assert(blob_entry_equal(&entry, &rows->entries[at]));
    } else {
        ck_assert_int_eq(rc, ART_NOTFOUND);
        ck_assert(len < 0 || longest <= len);
        ck_assert(len <= (int64_t)key.len);
    }
    free(bytes);
}

static void answers_a_probe(struct beside *beside, struct random *random) {
    const struct blob_rows *rows = beside->rows;
    struct blob_image *image = beside->image;
    struct art_blob *blob = &image->blob;
    uint32_t end = image->first + image->rows;
    struct art_bytes probe = key_set_probe(&rows->set, image->first, end, random);
    int64_t at = key_set_below(&rows->set, probe), rank;
    bool hit = at < rows->set.count && art_bytes_equal(rows->set.keys[at], probe);
    int side = art_label_compare(image->ref.label, probe);
    if (side) {
        ck_assert(side < 0 ? at <= image->first : at >= end);
    } else {
        struct art_entry entry;
        bool inside = hit && at >= image->first && at < end;
        ck_assert_int_eq(art_blob_get(blob, probe, &entry), inside ? ART_OK : ART_NOTFOUND);
        if (inside) ck_assert(blob_entry_equal(&entry, &rows->entries[at]));
        if (inside) ck_assert(!art_blob_ask_filter(blob, art_blob_key_hash(probe)));
        int64_t ceiling = at < image->first ? image->first : at, floor = hit ? at : at - 1;
        if (floor >= end) floor = (int64_t)end - 1;
        must(art_blob_rank(blob, probe, &rank));
        ck_assert_int_eq(rank, rows->rank[ceiling < end ? ceiling : end] - rows->rank[image->first]);
        if (random_once_in(random, 8)) finds_the_longest_prefix(beside, probe, random);
        must(art_blob_seek_ge(&beside->cursor, probe));
        stands_on(beside, ceiling);
        if (beside->cursor.valid) steps_at_random(beside, ceiling, random);
        must(art_blob_seek_le(&beside->cursor, probe));
        stands_on(beside, floor);
        if (beside->cursor.valid) steps_at_random(beside, floor, random);
    }
    free((void *)probe.data);
}

static void jumps_by_number(struct beside *beside, struct random *random, bool not_negative) {
    const struct blob_rows *rows = beside->rows;
    const struct blob_image *image = beside->image;
    uint32_t index = random_below(random, image->rows + 2);
    must(art_blob_seek_entry(&beside->cursor, index));
    stands_on(beside, (int64_t)image->first + index);
    if (!not_negative) return;
    int64_t base = rows->rank[image->first], total = rows->rank[image->first + image->rows] - base;
    int64_t k = (int64_t)random_below(random, (uint32_t)total + 2) - 1, row = image->first;
    while (row < (int64_t)image->first + image->rows && rows->rank[row + 1] - base <= k) row++;
    must(art_blob_seek_rank(&beside->cursor, k));
    stands_on(beside, k < 0 || k >= total ? -1 : row);
}

static void blob_is_the_array(const struct blob_rows *rows, struct blob_image *image, struct random *random,
                              uint32_t probes, bool not_negative) {
    struct beside beside;
    uint32_t end = image->first + image->rows;
    ck_assert_uint_eq(image->blob.entries, image->rows);
    ck_assert_int_eq(image->blob.count, rows->rank[end] - rows->rank[image->first]);
    ck_assert_uint_le(image->ref.leaf_pages + image->ref.footer_pages, ART_BLOB_PAGES);
    beside_open(&beside, rows, image, random_once_in(random, 2));
    walks_both_ways(&beside);
    walks_over_chosen_rows(&beside);
    for (uint32_t i = image->first; i < end; i++) {
        struct art_entry entry;
        must(art_blob_get(&image->blob, rows->set.keys[i], &entry));
        ck_assert(blob_entry_equal(&entry, &rows->entries[i]));
    }
    for (uint32_t i = 0; i < probes; i++) {
        answers_a_probe(&beside, random);
        jumps_by_number(&beside, random, not_negative);
    }
    must(art_blob_check(&image->blob, false));
    beside_close(&beside);
}

TEST(test_a_blob_answers_like_a_sorted_array) {
    struct random random = random_announced("one blob");
    for (uint32_t round = 0; round < 60 * random_scale(); round++) {
        if (!random_span(&random)) continue;
        struct blob_style style = some_style(&random, round);
        blob_forms_draw(&random);
        blob_run_make(&run, &rows, style, rows_wanted(&random, style), 0, random_once_in(&random, 2), &random);
        for (uint32_t i = 0; i < run.level[0].count; i++) {
            blob_is_the_array(&rows, &run.slots[i], &random, 300, style.flags != FLAGS_ANY);
        }
    }
}

/* --- runs of several levels --------------------------------------------------------------------------------------- */

static int run_get(struct art_bytes key, struct art_entry *out) {
    struct blob_image *at = blob_run_root(&run);
    while (at->blob.kind == ART_BLOB_INDEX) {
        struct art_ref child;
        if (art_label_compare(at->ref.label, key)) return ART_NOTFOUND;
        must(art_blob_child(&at->blob, key, &child, NULL));
        at = &run.slots[child.slot];
        ck_assert(art_bytes_equal(child.label, at->ref.label));
        ck_assert(art_hash128_equal(child.hash, at->ref.hash));
    }
    if (art_label_compare(at->ref.label, key)) return ART_NOTFOUND;
    return art_blob_get(&at->blob, key, out);
}

static int64_t run_rank(struct art_bytes key) {
    struct blob_image *at = blob_run_root(&run);
    int64_t sum = 0, before;
    for (;;) {
        int side = art_label_compare(at->ref.label, key);
        if (side) return side < 0 ? sum : sum + at->ref.count;
        if (at->blob.kind == ART_BLOB_LEAF) break;
        struct art_ref child;
        must(art_blob_child(&at->blob, key, &child, &before));
        sum += before;
        at = &run.slots[child.slot];
    }
    must(art_blob_rank(&at->blob, key, &before));
    return sum + before;
}

/* References, separators, labels and sums of every index blob against the rows below. */
static void level_is_sound(uint32_t level) {
    for (uint32_t i = 0; i < run.level[level].count; i++) {
        struct blob_image *image = &run.slots[run.level[level].first + i];
        struct art_blob_cursor cursor = cursor_of(&image->blob, image);
        int64_t count = 0;
        uint64_t entries = 0;
        uint32_t child_at = 0;
        must(art_blob_check(&image->blob, false));
        for (must(art_blob_first(&cursor)); cursor.valid; must(art_blob_next(&cursor)), child_at++) {
            struct art_ref ref;
            must(art_blob_cursor_ref(&cursor, &ref));
            struct blob_image *child = &run.slots[run.level[level - 1].first + image->first + child_at];
            ck_assert_uint_eq(ref.slot, (uint32_t)(child - run.slots));
            ck_assert(art_bytes_equal(art_bytes(cursor.key, cursor.key_len), child->separator));
            ck_assert(art_bytes_starts_with(ref.label, image->ref.label));
            ck_assert_int_eq(art_blob_cursor_rank(&cursor), count);
            count += ref.count;
            entries += ref.entries;
        }
        ck_assert_uint_eq(child_at, image->rows);
        ck_assert_int_eq(count, image->ref.count);
        ck_assert_uint_eq(entries, image->ref.entries);
    }
}

/* A leaf's separator sorts above the row before it and not above its first; its label is what its rows share. */
static void leaves_are_sound(void) {
    for (uint32_t i = 0; i < run.level[0].count; i++) {
        struct blob_image *leaf = &run.slots[i];
        struct art_bytes first = rows.set.keys[leaf->first], last = rows.set.keys[leaf->first + leaf->rows - 1];
        uint32_t label_len = art_common_prefix(first.data, last.data, art_min32(first.len, last.len));
        ck_assert_uint_eq(leaf->ref.label.len, art_min32(label_len, ART_LABEL_MAX));
        ck_assert(art_bytes_starts_with(first, leaf->separator));
        if (!i) {
            ck_assert_uint_eq(leaf->separator.len, 0);
            continue;
        }
        struct art_bytes before = rows.set.keys[leaf->first - 1];
        ck_assert_int_lt(art_bytes_compare(before, leaf->separator), 0);
        struct art_bytes shorter = art_bytes(leaf->separator.data, leaf->separator.len - 1);
        ck_assert_int_ge(art_bytes_compare(before, shorter), 0);
    }
}

TEST(test_a_run_of_many_blobs_answers_like_a_sorted_array) {
    struct random random = random_announced("a run");
    uint32_t highest = 0;
    for (uint32_t round = 0; round < 24 * random_scale(); round++) {
        if (!random_span(&random)) continue;
        struct blob_style style = some_style(&random, round);
        blob_forms_draw(&random);
        blob_run_make(&run, &rows, style, 3 * rows_wanted(&random, style), 2 + random_below(&random, 3),
                      random_once_in(&random, 2), &random);
        if (run.height > highest) highest = run.height;
        leaves_are_sound();
        for (uint32_t level = 1; level < run.height; level++) level_is_sound(level);
        ck_assert_int_eq(blob_run_root(&run)->ref.count, rows.rank[rows.set.count]);
        ck_assert_uint_eq(blob_run_root(&run)->ref.entries, rows.set.count);
        for (uint32_t i = 0; i < 2000; i++) {
            struct art_entry entry;
            struct art_bytes probe = key_set_probe(&rows.set, 0, rows.set.count, &random);
            uint32_t at = key_set_below(&rows.set, probe);
            bool hit = at < rows.set.count && art_bytes_equal(rows.set.keys[at], probe);
            ck_assert_int_eq(run_get(probe, &entry), hit ? ART_OK : ART_NOTFOUND);
            if (hit) ck_assert(blob_entry_equal(&entry, &rows.entries[at]));
            ck_assert_int_eq(run_rank(probe), rows.rank[at]);
            free((void *)probe.data);
        }
        blob_is_the_array(&rows, &run.slots[random_below(&random, run.level[0].count)], &random, 100,
                          style.flags != FLAGS_ANY);
    }
    printf("a run: up to %u levels\n", highest);
    ck_assert_uint_ge(highest, 3);
}

TEST(test_an_index_finds_the_kth_child_by_counts) {
    struct random random = random_announced("k-th child");
    blob_run_make(&run, &rows, (struct blob_style){.family = KEYS_DIRECTORIES}, 60000, 3, false, &random);
    ck_assert_uint_ge(run.height, 2);
    for (uint32_t i = 0; i < 2000; i++) {
        int64_t k = random_below(&random, rows.set.count), left = k;
        struct blob_image *at = blob_run_root(&run);
        struct art_blob_cursor cursor = cursor_of(&at->blob, at);
        while (at->blob.kind == ART_BLOB_INDEX) {
            struct art_ref ref;
            must(art_blob_seek_rank(&cursor, left));
            left -= art_blob_cursor_rank(&cursor);
            must(art_blob_cursor_ref(&cursor, &ref));
            at = &run.slots[ref.slot];
            cursor = cursor_of(&at->blob, at);
        }
        must(art_blob_seek_rank(&cursor, left));
        ck_assert(cursor.valid);
        ck_assert(art_bytes_equal(art_bytes(cursor.key, cursor.key_len), rows.set.keys[k]));
    }
}

/* --- pages one at a time ------------------------------------------------------------------------------------------ */

struct disk {
    const uint8_t *image;
    uint8_t *memory;
    uint32_t calls, pages;
};

static enum art_rc want_from_disk(struct art_blob *blob, const struct art_pages *pages, enum art_intent intent) {
    struct disk *disk = blob->owner;
    disk->calls++;
    for (uint32_t page = blob->leaf_pages; page-- > 0;) { /* in any order */
        if (!art_pages_has(pages, page)) continue;
        memcpy(disk->memory + page * ART_BLOB_PAGE, disk->image + page * ART_BLOB_PAGE, ART_BLOB_PAGE);
        must(art_blob_verify_page(blob, page));
        disk->pages++;
    }
    return ART_OK;
}

static void only_the_head(struct disk *disk, struct art_blob *blob, struct blob_image *image) {
    uint32_t footer = image->ref.footer_pages * ART_BLOB_PAGE;
    memset(disk->memory, 0xdb, ART_BLOB_BYTES);
    memcpy(disk->memory + ART_BLOB_BYTES - footer, image->image + ART_BLOB_BYTES - footer, footer);
    disk->image = image->image;
    must(art_blob_open(blob, disk->memory, &image->ref, blob_uuid, "test"));
    blob->want = want_from_disk;
    blob->owner = disk;
    disk->calls = disk->pages = 0;
}

TEST(test_a_lookup_reads_one_page_and_a_walk_reads_each_page_once) {
    struct random random = random_announced("pages");
    struct disk disk = {.memory = blob_image_new()};
    for (uint32_t round = 0; round < 12 * random_scale(); round++) {
        if (!random_span(&random)) continue;
        struct blob_style style = some_style(&random, round);
        struct art_blob blob;
        blob_forms_draw(&random);
        blob_run_make(&run, &rows, style, rows_wanted(&random, style), 0, false, &random);
        struct blob_image *image = &run.slots[0];
        for (uint32_t i = 0; i < 40; i++) {
            uint32_t row = random_below(&random, image->rows);
            struct art_entry entry;
            only_the_head(&disk, &blob, image);
            must(art_blob_get(&blob, rows.set.keys[row], &entry));
            ck_assert(blob_entry_equal(&entry, &rows.entries[row]));
            ck_assert_uint_eq(disk.calls, 1);
            uint32_t size = rows.set.keys[row].len + rows.entries[row].value.len;
            if (size < 300) ck_assert_uint_eq(disk.pages, 1);
            ck_assert_uint_le(disk.pages, size / ART_BLOB_PAGE + 2);
        }
        only_the_head(&disk, &blob, image);
        struct art_blob_cursor cursor = cursor_of(&blob, image);
        uint32_t row = 0;
        for (must(art_blob_first(&cursor)); cursor.valid; must(art_blob_next(&cursor)), row++) {
            ck_assert(art_bytes_equal(art_bytes(cursor.key, cursor.key_len), rows.set.keys[row]));
        }
        ck_assert_uint_eq(row, image->rows);
        ck_assert_uint_ge(disk.pages, image->ref.leaf_pages);
        only_the_head(&disk, &blob, image);
        for (must(art_blob_last(&cursor)); cursor.valid; must(art_blob_prev(&cursor))) row--;
        ck_assert_uint_eq(row, 0);
        only_the_head(&disk, &blob, image);
        must(art_blob_check(&blob, false));
    }
    free(disk.memory);
}

static enum art_rc want_that_fails(struct art_blob *blob, const struct art_pages *pages, enum art_intent intent) {
    uint32_t first = 0;
    while (!art_pages_has(pages, first)) first++;
    return art_fail(ART_IO, "slot %u, page %u cannot be read", blob->slot, first);
}

static enum art_rc want_that_lies(struct art_blob *blob, const struct art_pages *pages, enum art_intent intent) {
    return ART_OK;
}

TEST(test_what_want_says_is_what_every_verb_returns) {
    struct random random = random_announced("load fails");
    struct disk disk = {.memory = blob_image_new()};
    struct art_blob blob;
    struct art_entry entry;
    int64_t rank;
    blob_run_make(&run, &rows, (struct blob_style){.family = KEYS_DIRECTORIES}, 3000, 0, false, &random);
    only_the_head(&disk, &blob, &run.slots[0]);
    struct art_blob_cursor cursor = cursor_of(&blob, &run.slots[0]);
    for (int nobody = 0; nobody < 2; nobody++) {
        int expected = nobody ? ART_MISUSE : ART_IO;
        blob.want = nobody ? NULL : want_that_fails;
        ck_assert_int_eq(art_blob_get(&blob, rows.set.keys[7], &entry), expected);
        ck_assert_int_eq(art_blob_rank(&blob, rows.set.keys[7], &rank), expected);
        ck_assert_int_eq(art_blob_first(&cursor), expected);
        ck_assert(!cursor.valid);
        ck_assert_int_eq(art_blob_last(&cursor), expected);
        ck_assert_int_eq(art_blob_seek_ge(&cursor, rows.set.keys[7]), expected);
        ck_assert_int_eq(art_blob_seek_le(&cursor, rows.set.keys[7]), expected);
        ck_assert_int_eq(art_blob_seek_entry(&cursor, 5), expected);
        ck_assert_int_eq(art_blob_seek_rank(&cursor, 5), expected);
        ck_assert(!cursor.valid);
        ck_assert_int_eq(art_blob_check(&blob, true), expected);
    }
    refused(art_blob_get(&blob, rows.set.keys[0], &entry), ART_MISUSE, "nobody can load them");
    refused(art_blob_check(&blob, false), ART_MISUSE, "nobody can load them");
    blob.want = want_that_lies;
    refused(art_blob_get(&blob, rows.set.keys[0], &entry), ART_MISUSE, "was not loaded when asked for");
    /* in the middle of a walk */
    blob.want = want_from_disk;
    must(art_blob_first(&cursor));
    blob.want = want_that_fails;
    int rc = ART_OK;
    while (!rc && cursor.valid) rc = art_blob_next(&cursor);
    ck_assert_int_eq(rc, ART_IO);
    ck_assert(!cursor.valid);
    free(disk.memory);
}

/* --- labels ------------------------------------------------------------------------------------------------------- */

TEST(test_a_blob_shows_its_keys_under_the_label_of_its_reference) {
    struct random random = random_announced("labels");
    struct blob_rows moved = {0};
    toy_codec_lend(true);
    blob_run_make(&run, &rows, (struct blob_style){.family = KEYS_DIRECTORIES, .values = VALUES_ALIKE}, 9000, 12, false,
                  &random);
    for (uint32_t i = 0; i < run.level[0].count; i++) {
        struct blob_image *image = &run.slots[i];
        uint8_t label[64];
        ck_assert_uint_ge(image->ref.label.len, 4);
        memset(label, 'M', sizeof label);
        /* the same rows, moved: their keys begin with other bytes of the same number */
        moved.set.count = image->rows;
        moved.set.padding = rows.set.padding;
        moved.set.keys = calloc(moved.set.count, sizeof *moved.set.keys);
        moved.entries = rows.entries + image->first;
        moved.rank = rows.rank + image->first;
        for (uint32_t row = 0; row < moved.set.count; row++) {
            moved.set.keys[row] =
                blob_padded(rows.set.keys[image->first + row].data, rows.set.keys[image->first + row].len);
            memcpy((uint8_t *)moved.set.keys[row].data, label, image->ref.label.len);
        }
        struct blob_image again = *image;
        again.first = 0;
        again.ref.label.data = label;
        must(art_blob_open(&again.blob, again.image, &again.ref, blob_uuid, "test"));
        must(art_blob_verify_all(&again.blob));
        blob_is_the_array(&moved, &again, &random, 300, true);
        for (uint32_t row = 0; row < moved.set.count; row++) free((void *)moved.set.keys[row].data);
        free(moved.set.keys);
    }
}

/* --- filter ------------------------------------------------------------------------------------------------------- */

TEST(test_a_filter_never_denies_a_key_and_seldom_lets_another_pass) {
    struct random random = random_announced("filter");
    uint32_t asked = 0, passed = 0;
    blob_run_make(&run, &rows, (struct blob_style){.family = KEYS_DIRECTORIES}, 40000, 0, true, &random);
    for (uint32_t i = 0; i < run.level[0].count; i++) {
        struct art_blob *blob = &run.slots[i].blob;
        ck_assert_uint_gt(blob->filter_blocks, 0);
        for (uint32_t row = 0; row < run.slots[i].rows; row++) {
            ck_assert(!art_blob_ask_filter(blob, art_blob_key_hash(rows.set.keys[run.slots[i].first + row])));
        }
        for (uint32_t n = 0; n < 100000; n++) {
            char text[40];
            int len = snprintf(text, sizeof text, "dir-%03u/nub/%06u", random_below(&random, 50), n);
            passed += !art_blob_ask_filter(blob, art_blob_key_hash(art_bytes(text, (uint32_t)len)));
            asked++;
        }
    }
    printf("filter: %.2f %% of absent keys pass\n", 100.0 * passed / asked);
    ck_assert_uint_lt(passed, asked / 50);
}

/* --- the builder -------------------------------------------------------------------------------------------------- */

static bool same_bytes(const struct blob_image *a, const struct blob_image *b) {
    if (!art_hash128_equal(a->ref.hash, b->ref.hash)) return false;
    for (uint32_t page = 0; page < ART_BLOB_PAGES; page++) {
        if (!blob_page_used(&a->ref, page)) continue;
        if (memcmp(a->image + page * ART_BLOB_PAGE, b->image + page * ART_BLOB_PAGE, ART_BLOB_PAGE)) return false;
    }
    return true;
}

TEST(test_the_same_rows_give_the_same_bytes) {
    struct random random = random_announced("determinism");
    for (uint32_t round = 0; round < KEY_FAMILIES * 2; round++) {
        if (!random_span(&random)) continue;
        struct blob_style style = some_style(&random, round);
        struct blob_run again;
        blob_forms_draw(&random);
        blob_run_make(&run, &rows, style, rows_wanted(&random, style), 8, round % 2, &random);
        blob_run_build(&again, &rows, 8, round % 2);
        ck_assert_uint_eq(run.count, again.count);
        for (uint32_t i = 0; i < run.count; i++) ck_assert(same_bytes(&run.slots[i], &again.slots[i]));
        blob_run_clear(&again);
    }
}

TEST(test_a_blob_is_as_full_as_its_pages_allow) {
    struct random random = random_announced("fill");
    for (int coded = 0; coded < 2; coded++) { /* the table of symbols is counted where it stands */
        toy_codec_lend(coded);
        blob_coded = blob_changing = coded;
        blob_run_make(&run, &rows, (struct blob_style){.family = KEYS_DIRECTORIES, .values = VALUES_SAME}, 120000, 0,
                      true, &random);
        for (uint32_t i = 0; i + 1 < run.level[0].count; i++)
            ck_assert_uint_ge(run.slots[i].ref.leaf_pages + run.slots[i].ref.footer_pages, ART_BLOB_PAGES - 1);
        for (uint32_t i = 0; i < run.level[0].count; i++) must(art_blob_check(&run.slots[i].blob, true));
    }
    blob_run_clear(&run);
    for (uint32_t pages = 2; pages < 40; pages += 9) {
        blob_run_build(&run, &rows, pages, false);
        for (uint32_t i = 0; i < run.level[0].count; i++) {
            uint32_t used = run.slots[i].ref.leaf_pages + run.slots[i].ref.footer_pages;
            ck_assert_uint_le(used, pages);
            if (i + 1 < run.level[0].count) ck_assert_uint_eq(used, pages);
        }
        blob_run_clear(&run);
    }
}

TEST(test_long_separators_fill_several_head_pages) {
    struct random random = random_announced("long separators");
    uint32_t wide = 0;
    blob_run_make(&run, &rows, (struct blob_style){KEYS_TWINS, VALUES_LARGE, FLAGS_PUTS, CSNS_SAME}, 2000, 0, true,
                  &random);
    for (uint32_t i = 0; i < run.level[0].count; i++) {
        wide += run.slots[i].blob.flags & ART_BLOB_WIDE;
        blob_is_the_array(&rows, &run.slots[i], &random, 300, false);
    }
    ck_assert_uint_gt(run.slots[0].ref.footer_pages, 10);
    ck_assert_uint_gt(wide, 0);
    struct blob_image liar = blob_image_copy(&run.slots[0]); /* nodes are looked at with the last of their pages */
    struct art_parts at = liar.blob.at;
    liar.image[at.begin[ART_PART_NODES]] = ART_NODE_TAIL;
    blob_image_rehash_all(liar.image, &liar.ref);
    must(art_blob_open_head(&liar.blob, liar.image, &liar.ref, blob_uuid, "test"));
    for (uint32_t page = at.begin[ART_PART_NODES + 1] / ART_BLOB_PAGE;
         --page > at.begin[ART_PART_NODES] / ART_BLOB_PAGE;)
        must(art_blob_verify_page(&liar.blob, page));
    refused(art_blob_verify_page(&liar.blob, at.begin[ART_PART_NODES] / ART_BLOB_PAGE), ART_CORRUPT,
            "a tail for more than one bucket");
    free(liar.image);
}

/* What nodes take is measured in a blob that is nearly full, which then takes some buckets more: at the numbers from
 * which on a child's first bucket has two bytes, with names so long that references have four. */
TEST(test_nodes_take_no_more_than_was_measured_before_the_last_buckets) {
    enum { OF_FIRST_CHILD = 57, LEN = 340 };
    uint8_t *image = aligned_alloc(ART_BLOB_PAGE, ART_BLOB_BYTES), bytes[LEN + ART_KEY_PADDING];
    const struct art_bounds bounds = {.csn_max = 1, .key_max = LEN};
    memset(bytes, 'x', sizeof bytes);
    for (uint32_t measured = 253; measured < 260; measured++) {
        for (uint32_t more = 1; more < 5; more++) {
            struct art_footer footer = {.kind = ART_BLOB_LEAF};
            struct art_footer_layout layout;
            for (uint32_t b = 0; b < measured + more; b++) {
                bytes[0] = (uint8_t)(b < OF_FIRST_CHILD ? 0 : b - OF_FIRST_CHILD + 1);
                bytes[1] = (uint8_t)(b < OF_FIRST_CHILD ? b : 0);
                if (b == measured) must(art_footer_measure(&footer));
                must(art_footer_reserve(&footer, 1, LEN, 0));
                art_footer_push(&footer, art_bytes(bytes, b ? LEN : 0), 24 * b, 1, 1, &bounds, NULL);
            }
            enum art_rc rc = art_footer_write(&footer, (struct art_bytes){0}, 1, 0, ART_BLOB_PAGES, image, &layout);
            ck_assert_int_eq(rc, ART_OK);
            ck_assert(layout.flags & ART_BLOB_WIDE);
            art_footer_clear(&footer);
        }
    }
    free(image);
}

SUITE("blob", .seconds = 600, .tear_down = tear_down)
