/* Trees whose oldest run has blocks: where they come to be, what reads and changes rows out of them, and who must
 * refuse such a table.
 *
 * The random walks of the other programs go over blocks, too (tree_world.h); here each way out of a block is taken by
 * itself. A row's value begins with its number, and all else of it is the same, so that the toy codec wins.
 */
#include "core/blob/blob_format.h"
#include "core/tree/read/read.h"
#include "core/tree/state/root_format.h"
#include "tests/support/small_tree.h"
#include "tests/support/toy_codec.h"
#include "tests/support/toy_columns.h"

enum { ROWS = 3000, TAIL = 60, LARGE = 30000 };

static struct art_summary summary;
static uint8_t room[ART_VALUE_INLINE_MAX];

static struct art_bytes path_of(unsigned i) {
    static char path[32];
    snprintf(path, sizeof path, "dir-%02u/file-%04u", i / 100, i);
    return text(path);
}

/* One datum, then so many bytes. */
static struct art_bytes value_of(int64_t number, uint32_t tail) {
    static uint8_t value[ART_DATUM_BYTES + LARGE];
    struct art_datum datum = {.kind = ART_DATUM_INTEGER, .integer = number};
    return art_bytes(value, toy_value_put(&summary, &datum, 0, tail, value));
}

static void put_number(unsigned i, int64_t number) {
    put_at(path_of(i), value_of(number, TAIL));
}

static void make(bool codec, uint32_t blob_pages) {
    toy_columns_open(&summary, (struct art_measures){.columns = 1, .sums = 1});
    toy_codec_lend(codec);
    small_tree_make_of(false, (struct art_tree_options){.summary = summary, .blob_pages = blob_pages});
}

static void make_rows(bool codec, uint32_t blob_pages) {
    make(codec, blob_pages);
    for (unsigned i = 0; i < ROWS; i++) put_number(i, i);
    flush();
    ck_assert_uint_eq(tree->root->runs, 1);
}

static bool has_blocks(void) {
    const struct art_run *last = &tree->root->run[tree->root->runs - 1];
    struct art_run_cursor at;
    bool any = false;
    must(art_run_cursor_open(&at, tree->store));
    art_run_cursor_reset(&at, &last->top, 0);
    for (must(art_run_first(&at)); at.valid; must(art_run_next(&at))) {
        struct art_entry entry;
        art_blob_cursor_entry(&at.leaf, &entry);
        any |= entry.flags & ART_IN_BLOCK;
    }
    art_run_cursor_close(&at);
    return any;
}

static int64_t number_in(struct art_bytes value) {
    int64_t number;
    ck_assert_uint_ge(value.len, ART_DATUM_BYTES);
    memcpy(&number, value.data + 1, 8);
    return number;
}

static void number_is(unsigned i, int64_t number, bool in_block) {
    struct art_row row;
    must(art_tree_get(tree, path_of(i), &row));
    ck_assert_int_eq(row.stored.in_block, in_block);
    struct art_bytes value = art_stored_plain(&row.stored, room);
    ck_assert_int_eq(number_in(value), number);
    value_is(path_of(i), value);
    art_row_release(&row);
}

static void sum_is(int64_t wanted) {
    art_int128 sum[ART_SUMMARY_MAX];
    must(art_tree_sums(tree, &(struct art_range){0}, sum));
    ck_assert(sum[0] == wanted);
}

static void extreme_is(const struct art_range *range, bool largest, int64_t wanted) {
    struct art_buffer bytes = {0};
    struct art_datum datum;
    must(art_tree_extreme(tree, range, 0, largest, &bytes, &datum));
    ck_assert_int_eq(datum.kind, ART_DATUM_INTEGER);
    ck_assert_int_eq(datum.integer, wanted);
    art_buffer_clear(&bytes);
}

static const int64_t ALL = (int64_t)ROWS * (ROWS - 1) / 2;

/* --- where they come to be ---------------------------------------------------------------------------------------- */

TEST(test_only_the_oldest_run_has_blocks_and_the_root_says_so) {
    make_rows(true, 0);
    ck_assert(has_blocks() && tree->root->blocks);
    for (unsigned i = 0; i < ROWS; i += 3) put_number(i, i);
    for (unsigned i = ROWS; i < ROWS + 500; i++) put_number(i, 0); /* and rows that replace none */
    flush();
    ck_assert_uint_eq(tree->root->runs, 2);
    number_is(0, 0, false);
    number_is(1, 1, true);
    for (unsigned i = ROWS; i < ROWS + 500; i++) number_is(i, 0, false);
    sum_is(ALL);
    must(art_tree_check(tree));
    optimize();
    ck_assert_uint_eq(tree->root->runs, 1);
    number_is(0, 0, true);
    number_is(ROWS, 0, true);
    sum_is(ALL);
    must(art_tree_check(tree));
}

static void merge_partially(void) {
    while (tree->root->runs > 1) {
        struct art_version_edit edit;
        must(art_tree_begin(tree));
        must(art_edit_begin(tree, &edit));
        must(art_compact_partially(tree, &edit, 0));
        must(art_store_wait(tree->store));
        struct art_memtable *empty;
        must(art_memtable_open_summed(&empty, art_tree_summary(tree)));
        must(art_spill_into(tree, ART_OK, &edit, empty));
        commit();
    }
}

TEST(test_a_table_without_blocks_goes_on_with_them) {
    make_rows(false, 4);
    ck_assert(!has_blocks() && !tree->root->blocks);
    uint64_t pages = tree->root->run[0].pages;
    toy_codec_lend(true);
    small_tree_again();
    for (unsigned i = 100; i < 200; i++) put_number(i, i);
    flush();
    merge_partially(); /* a part of it is written anew */
    ck_assert(has_blocks());
    ck_assert(tree->root->blocks);
    number_is(150, 150, true);
    number_is(ROWS - 1, ROWS - 1, false);
    must(art_tree_check(tree));
    sum_is(ALL);
    optimize();
    number_is(ROWS - 1, ROWS - 1, true);
    ck_assert_uint_lt(tree->root->run[0].pages, pages * 3 / 4);
    must(art_tree_check(tree));
}

/* Merges give them to the oldest run as they are; 'optimize' does not. */
TEST(test_blobs_of_a_newer_run_have_no_blocks_before_they_are_written_anew) {
    make_rows(true, 4);
    ck_assert(tree->root->all_blocks);
    for (unsigned i = ROWS; i < 2 * ROWS; i++) put_number(i, 0);
    flush();
    merge_partially();
    ck_assert_uint_gt(info().store.count.moved, 0);
    number_is(0, 0, true);
    number_is(2 * ROWS - 1, 0, false);
    ck_assert(!tree->root->all_blocks);
    optimize();
    ck_assert(tree->root->all_blocks);
    number_is(2 * ROWS - 1, 0, true);
    sum_is(ALL);
    must(art_tree_check(tree));
}

TEST(test_a_table_with_blocks_is_refused_where_nobody_can_read_them) {
    make_rows(true, 0);
    toy_codec_lend(false);
    art_tree_close(tree);
    must(toy_open(toy, &options, &tree));
    ck_assert_int_eq(toy_refresh(toy, tree), ART_CANTOPEN);
    ck_assert_msg(strstr(art_error_message(), "the root has feature 1, which") != NULL, "%s", art_error_message());
}

TEST(test_an_emptied_table_may_be_read_without_a_codec) {
    uint64_t deleted;
    make_rows(true, 0);
    must(art_tree_delete_range(tree, &(struct art_range){0}, &deleted));
    commit();
    optimize();
    ck_assert_uint_eq(tree->root->runs, 0);
    ck_assert(!tree->root->blocks);
}

/* --- names -------------------------------------------------------------------------------------------------------- */

/* Of two kinds, or of rows that have nothing for a table to do. */
static struct art_bytes name_of(unsigned kind, unsigned i) {
    static const char *const forms[] = {"a%08x/quarterly-report-%02u.txt", "b%08x=0123-4567-89ab-cdef=%02u", "c%07x"};
    static char name[64];
    snprintf(name, sizeof name, forms[kind], i * 2654435761u, i % 100);
    return text(name);
}

static void change_names(unsigned kind, bool come) {
    for (unsigned i = 0; i < ROWS; i++) {
        if (come) put_at(name_of(kind, i), value_of(i, TAIL));
        if (!come) take_at(name_of(kind, i));
    }
}

static void tables_are(uint64_t trained, uint64_t kept) {
    ck_assert_uint_eq(tree->count.tables_trained, trained);
    ck_assert_uint_eq(tree->count.tables_kept, kept);
    must(art_tree_check(tree));
}

TEST(test_a_merge_goes_on_with_the_table_of_the_names_that_it_reads_or_trains_one_anew) {
    make(true, 0);
    change_names(0, true);
    flush();
    tables_are(1, 0);
    put_number(1, 1);
    optimize();
    tables_are(1, 1);
    change_names(1, true); /* fewer than there are */
    optimize();
    tables_are(1, 2);
    put_number(2, 2);
    optimize();
    tables_are(2, 2);
    for (unsigned kind = 0; kind < 3; kind++) change_names(kind, kind == 2);
    optimize();
    tables_are(2, 2);
}

/* Whatever else it says. */
LOOP_TEST(test_a_root_with_blocks_comes_back_as_it_was, 8) {
    struct art_root *root, *again;
    struct art_buffer bytes = {0};
    make_rows(true, 0);
    must(art_root_clone(tree->root, &root));
    root->held = _i & 1;
    root->left_rows = _i & 2 ? 1 : 0;
    if (_i & 4) must(art_cuts_add(&root->cuts, text("\001b"), text("\001c"), 1));
    root->csn += 2;
    must(art_root_encode(root, &bytes));
    must(art_root_decode(art_buffer_bytes(&bytes), &again));
    ck_assert(again->blocks && again->all_blocks);
    ck_assert_int_eq(again->held, root->held);
    ck_assert_uint_eq(again->left_rows, root->left_rows);
    ck_assert_uint_eq(art_cuts_count(&again->cuts), _i & 4 ? 1 : 0);
    art_root_unref(again);
    art_root_unref(root);
    art_buffer_clear(&bytes);
}

/* --- what reads and changes them ---------------------------------------------------------------------------------- */

TEST(test_cursors_give_rows_out_of_blocks) {
    struct art_cursor *cursor;
    make_rows(true, 4);
    must(art_cursor_open(tree, &cursor));
    uint64_t visit = 0;
    for (int backward = 0; backward < 2; backward++) {
        unsigned n = 0, blocks = 0, visits = 0;
        struct art_bytes block = {0};
        must(art_cursor_seek(cursor, &(struct art_range){0}, backward));
        for (; art_cursor_valid(cursor); must(art_cursor_next(cursor)), n++) {
            int64_t wanted = backward ? ROWS - 1 - n : n;
            struct art_stored stored;
            ck_assert(art_cursor_value(cursor, &stored));
            blocks += stored.in_block;
            bool stays = stored.in_block && stored.bytes.data == block.data;
            ck_assert_int_eq(art_cursor_row_of_visit(cursor, visit), stays ? stored.row : -1);
            if (stored.in_block && !stays) {
                visit = art_cursor_visit(cursor);
                block = stored.bytes;
                visits++;
                ck_assert_int_eq(art_cursor_row_of_visit(cursor, visit), stored.row);
            }
            ck_assert_int_eq(number_in(art_stored_plain(&stored, room)), wanted);
            ck_assert_int_eq(number_in(art_stored_plain(&art_cursor_row(cursor)->stored, room)), wanted);
        }
        ck_assert_uint_eq(n, ROWS);
        ck_assert_uint_gt(blocks, ROWS / 2);
        ck_assert_uint_gt(visits, ROWS / 1000);
        ck_assert_uint_lt(visits, ROWS / 10);
    }
    art_cursor_close(cursor);
}

TEST(test_rows_in_blocks_are_updated_moved_and_deleted) {
    struct art_row row;
    bool existed;
    make_rows(true, 4);
    must(art_tree_get(tree, path_of(10), &row));
    ck_assert(row.stored.in_block);
    must(art_tree_update(tree, path_of(10), &row, value_of(1000010, TAIL)));
    art_row_release(&row);
    sum_is(ALL + 1000000);
    number_is(10, 1000010, false);
    char to[] = "moved";
    must(art_tree_move(tree, ART_WRITE_INSERT, path_of(20), text(to), NULL, &existed));
    must(art_tree_get(tree, text(to), &row));
    ck_assert_int_eq(number_in(row.stored.bytes), 20);
    art_row_release(&row);
    sum_is(ALL + 1000000);
    ck_assert(take_at(path_of(30)));
    sum_is(ALL + 1000000 - 30);
    commit();
    must(art_tree_check(tree));
    optimize();
    must(art_tree_check(tree));
    sum_is(ALL + 1000000 - 30);
}

/* As hot as it gets: of parts of buckets, which are read a column at a time. */
TEST(test_sums_and_extremes_of_parts_of_buckets_are_those_of_the_rows) {
    make_rows(true, 4);
    struct random random = random_announced("blocks");
    for (unsigned i = 0; i < 300; i++) {
        unsigned low = random_below(&random, ROWS), high = low + 1 + random_below(&random, ROWS - low);
        char low_path[32], high_path[32];
        snprintf(low_path, sizeof low_path, "%s", (const char *)path_of(low).data);
        snprintf(high_path, sizeof high_path, "%s", (const char *)path_of(high - 1).data);
        struct art_range range = {.low = text(low_path), .high = text(high_path), .low_set = true, .high_set = true};
        art_int128 sum[ART_SUMMARY_MAX];
        must(art_tree_sums(tree, &range, sum));
        ck_assert(sum[0] == (int64_t)(high - low) * (low + high - 1) / 2);
        extreme_is(&range, false, low);
        extreme_is(&range, true, high - 1);
    }
}

LOOP_TEST(test_rows_come_best_first_out_of_blocks, 2) {
    make_rows(true, 4);
    for (unsigned i = 0; i < ROWS; i += 2) put_number(i, -(int64_t)i);
    flush();
    struct art_best *best;
    struct art_bytes path;
    struct art_datum value;
    struct art_limits limits = {.summary = art_tree_summarised(tree), .count = _i ? 1 : 0};
    limits.limit[0] = (struct art_limit){.low_set = true, .low = {.kind = ART_DATUM_INTEGER, .integer = ROWS - 100}};
    must(art_best_open(tree, &(struct art_range){0},
                       &(struct art_best_order){.descending = true, .by_key = true, .limits = limits}, &best));
    for (int64_t wanted = ROWS - 1; wanted > ROWS - 50; wanted -= 2) {
        must(art_best_next(best, &path, &value));
        ck_assert_int_eq(value.integer, wanted);
        ck_assert(art_bytes_equal(path, path_of((unsigned)wanted)));
    }
    art_best_close(best);
}

/* References stand in blocks, and the chunks of a value that is always the same byte. */
TEST(test_large_values_come_out_of_blocks) {
    bool existed;
    make(true, 4);
    for (unsigned i = 0; i < 50; i++) put_at(path_of(i), value_of(i, LARGE));
    flush();
    struct art_row row;
    must(art_tree_get(tree, path_of(7), &row));
    ck_assert(row.overflows && row.stored.in_block);
    art_row_release(&row);
    for (unsigned i = 0; i < 50; i++) value_is(path_of(i), value_of(i, LARGE));
    sum_is(50 * 49 / 2);
    must(art_tree_check(tree));
    take_at(path_of(7));
    must(art_tree_move(tree, ART_WRITE_INSERT, path_of(8), text("moved"), NULL, &existed));
    value_is(text("moved"), value_of(8, LARGE));
    must(art_tree_get(tree, path_of(9), &row));
    must(art_tree_update(tree, path_of(9), &row, value_of(0, TAIL)));
    art_row_release(&row);
    commit();
    optimize();
    must(art_tree_check(tree));
    sum_is(50 * 49 / 2 - 7 - 9);
    ck_assert_uint_eq(tree->root->run[0].top.overflows, 48);
}

TEST(test_directories_move_out_of_blocks) {
    uint64_t moved;
    bool taken;
    make_rows(true, 4);
    art_test_hooks.as_one = true;
    must(art_tree_move_prefix(tree, text("dir-03/"), text("elsewhere/"), false, &moved, &taken));
    ck_assert_uint_eq(moved, 100);
    must(art_tree_move_prefix(tree, text("dir-05/"), text("copied/"), true, &moved, &taken));
    ck_assert_uint_eq(moved, 100);
    commit();
    must(art_tree_check(tree));
    struct art_row row;
    must(art_tree_get(tree, text("elsewhere/file-0333"), &row));
    ck_assert_int_eq(number_in(art_stored_plain(&row.stored, room)), 333);
    art_row_release(&row);
    sum_is(ALL + (500 + 599) * 50);
}

/* --- how their blobs move ----------------------------------------------------------------------------------------- */

enum { LEAVES_MAX = 100 };

struct leaves {
    unsigned count;
    uint8_t *image[LEAVES_MAX];
};

static enum art_rc keep_leaf(void *context, const struct art_ref *ref) {
    struct leaves *leaves = context;
    struct art_blob *blob;
    if (ref->height) return ART_OK;
    must(art_store_blob(tree->store, ref, &blob));
    struct art_pages missing = {0};
    for (uint32_t page = 0; page < blob->leaf_pages; page++) {
        if (!art_page_present(blob, page)) missing.bits[page >> 6] |= (uint64_t)1 << (page & 63);
    }
    if (missing.bits[0] | missing.bits[1]) must(blob->want(blob, &missing, ART_POINT));
    ck_assert_uint_lt(leaves->count, LEAVES_MAX);
    uint8_t *image = calloc(1, ART_BLOB_BYTES);
    uint32_t footer = ART_BLOB_BYTES - blob->footer_pages * ART_BLOB_PAGE;
    memcpy(image, blob->image, blob->leaf_pages * ART_BLOB_PAGE);
    memcpy(image + footer, blob->image + footer, ART_BLOB_BYTES - footer);
    leaves->image[leaves->count++] = image;
    return ART_OK;
}

static struct leaves leaves_of_last_run(void) {
    struct leaves leaves = {0};
    must(art_run_each_ref(tree->store, &tree->root->run[tree->root->runs - 1], keep_leaf, &leaves));
    return leaves;
}

/* Built again a blob could need two, and there would be no end of moving. */
TEST(test_a_blob_that_moves_stays_as_it_is) {
    unsigned moved = 0;
    uint64_t deleted;
    toy_columns_open(&summary, (struct art_measures){.columns = 1, .sums = 1, .lookups = 1});
    toy_codec_lend(true);
    small_tree_make_of(false, (struct art_tree_options){.summary = summary, .blob_pages = 4});
    for (unsigned i = 0; i < 3 * ROWS; i++) {
        put_at(path_of(i), value_of(i, i * 7919 % 500));
    }
    flush();
    optimize();
    art_test_hooks.as_one = true; /* blobs at the file's beginning go */
    must(art_tree_delete_range(tree, &(struct art_range){.high = text("dir-50"), .high_set = true}, &deleted));
    commit();
    struct leaves before = leaves_of_last_run();
    vacuum();
    struct leaves after = leaves_of_last_run();
    ck_assert_uint_eq(after.count, before.count);
    for (unsigned i = 0; i < after.count; i++) {
        struct art_blob_trailer was, is;
        memcpy(&was, before.image[i] + ART_TRAILER_AT, sizeof was);
        memcpy(&is, after.image[i] + ART_TRAILER_AT, sizeof is);
        ck_assert(is.incompatible & ART_BLOB_BLOCKS);
        ck_assert_uint_gt(is.postings_at, 0);
        moved += is.slot != was.slot;
        ck_assert_uint_eq(is.generation, is.slot == was.slot ? was.generation : tree->root->generation);
        was.slot = is.slot;
        was.generation = is.generation;
        was.own_hash = is.own_hash;
        memcpy(before.image[i] + ART_TRAILER_AT, &was, sizeof was);
        ck_assert_int_eq(memcmp(before.image[i], after.image[i], ART_BLOB_BYTES), 0);
        free(before.image[i]);
        free(after.image[i]);
    }
    printf("%u of %u blobs moved\n", moved, after.count);
    ck_assert_uint_gt(moved, 5);
    must(art_tree_check(tree));
}

/* --- how merges weigh them ---------------------------------------------------------------------------------------- */

/* Pages above it and the part of its entries that they have, and what it counts for: as multiples of its own. */
TEST(test_a_last_run_with_blocks_is_weighed_as_if_it_had_none) {
    static const unsigned cases[][3] = {{1, 2, 2}, {3, 1, 3}, {1, 1, 1}, {7, 1, 4}, {7, 100, 1}};
    make_rows(true, 0);
    struct art_root *root;
    must(art_root_clone(tree->root, &root));
    must(art_root_insert_run(root, 0, &root->run[0]));
    struct art_run *above = &root->run[0], *last = &root->run[1];
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        above->pages = cases[i][0] * last->pages;
        above->top.entries = last->top.entries / cases[i][1];
        ck_assert_uint_eq(art_pages_weighed(root, last), cases[i][2] * last->pages);
    }
    art_root_unref(root);
}

static enum art_rc give_all(struct art_tree *of, struct art_version_edit *edit) {
    enum art_rc rc = ART_OK;
    while (!rc && edit->root->runs > 1) rc = art_compact_partially(of, edit, 0);
    return rc;
}

TEST(test_parts_of_a_run_merge_each_blob_of_the_last_one_once) {
    enum { MANY = 64000, NEW = 8 };
    make(true, 8);
    for (unsigned i = 0; i < MANY; i += 2) put_number(i, i);
    flush();
    art_test_hooks.merge = give_all;
    uint64_t before = tree->count.in_blocks, all = MANY / 2 + MANY / NEW;
    for (unsigned i = 1; i < MANY; i += NEW) put_number(i, i);
    flush();
    ck_assert_uint_eq(tree->root->runs, 1);
    ck_assert_uint_le(tree->count.in_blocks - before, all + all / 10);
}

int main(void) {
    return suite_run("tree, blocks", .seconds = 120, .tear_down = small_tree_end);
}
