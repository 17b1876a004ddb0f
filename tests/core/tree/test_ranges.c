/* Ranges of keys as one thing, in runs of many leaf blobs under several heights of index blobs: deleted, moved, copied,
 * where blobs begin and end exactly at their edges, and beside rows that are deleted and not merged away yet.
 *
 * The model is a table of places, some directories of equal size. After each change of a range the check looks at all
 * blobs, and at the end of each transaction the rows are compared. Tiny blobs and long values make the runs high.
 */
#include "core/store/private.h"
#include "tests/support/short_memory.h"
#include "tests/support/small_tree.h"
#include "tests/support/toy_codec.h"

enum { DIRECTORIES = 5, PLACES = 1000, DIGITS = 3, NAME = 400, MARKS = 4, PAGES = 3 };
enum { VALUE_MOST = 1500, CHUNKED_MOST = 9000 };

struct place {
    bool live;
    uint32_t value; /* its length; the bytes follow from it */
    uint64_t csn;
};
struct rows {
    struct place at[DIRECTORIES][PLACES];
};

static struct rows now, committed, marked[MARKS];
static uint32_t mark[MARKS], marks;
static bool writing;
static struct random source;
static unsigned name_len; /* of a directory */
static unsigned highest;  /* of all runs so far */

static unsigned below(unsigned limit) {
    return random_below(&source, limit);
}

/* The path of a directory, or of the places in it whose numbers begin with `digits` digits of `place`. */
static struct art_bytes path_of(unsigned directory, unsigned place, unsigned digits) {
    static char path[8][NAME + 16];
    static unsigned turn;
    char *out = path[turn++ % 8], number[16];
    memset(out, 'n', name_len);
    out[0] = (char)('a' + 2 * directory);
    out[name_len] = '/';
    snprintf(number, sizeof number, "%0*u", DIGITS, place);
    memcpy(out + name_len + 1, number, digits);
    return art_bytes(out, name_len + 1 + digits);
}

static struct art_bytes value_of(uint32_t len) {
    static char bytes[CHUNKED_MOST + 1];
    for (uint32_t i = 0; i < len; i++) bytes[i] = (char)('A' + (len * 7 + i * i) % 50);
    return art_bytes(bytes, len);
}

static uint64_t csn(void) {
    return tree->txn.csn;
}

static void begin(void) {
    must(art_tree_begin(tree));
    writing = true;
}

static void put_place(unsigned directory, unsigned place, uint32_t value) {
    bool existed;
    begin();
    must(art_tree_insert(tree, ART_WRITE_REPLACE, path_of(directory, place, DIGITS), value_of(value), &existed));
    struct place *at = &now.at[directory][place];
    ck_assert_int_eq(existed, at->live);
    *at = (struct place){true, value, csn()};
}

static void delete_place(unsigned directory, unsigned place) {
    begin();
    ck_assert_int_eq(take_at(path_of(directory, place, DIGITS)), now.at[directory][place].live);
    now.at[directory][place].live = false;
}

static void rows_are_right(void) {
    uint64_t count = 0;
    struct art_cursor *cursor = cursor_on(NULL, false);
    for (unsigned d = 0; d < DIRECTORIES; d++) {
        for (unsigned p = 0; p < PLACES; p++) {
            const struct place *at = &now.at[d][p];
            if (!at->live) continue;
            count++;
            ck_assert(art_cursor_valid(cursor));
            ck_assert_msg(art_bytes_equal(art_cursor_key(cursor), path_of(d, p, DIGITS)), "%.*s: %c %u",
                          (int)art_cursor_key(cursor).len, (const char *)art_cursor_key(cursor).data, 'a' + 2 * d, p);
            const struct art_row *row = art_cursor_row(cursor);
            struct art_bytes value;
            uint8_t *owned;
            ck_assert_uint_eq(row->version, at->csn);
            if (p % 16 == 0 || row->overflows) {
                must(art_row_value(tree, row, &value, &owned));
                ck_assert(art_bytes_equal(value, value_of(at->value)));
                art_free(owned);
            }
            if (p % 8 == 0) {
                struct art_row found;
                must(art_tree_get(tree, path_of(d, p, DIGITS), &found));
                art_row_release(&found);
            }
            must(art_cursor_next(cursor));
        }
    }
    ck_assert(!art_cursor_valid(cursor));
    art_cursor_close(cursor);
    ck_assert_uint_eq(rows(), count);
}

static void newer_are_right(void) {
    uint64_t than = tree->csn > 3 ? tree->csn - below(4) : 0;
    struct art_range range = {.newer_than = than};
    uint64_t count = 0, wanted = 0;
    struct art_cursor *cursor = cursor_on(&range, below(2));
    for (; art_cursor_valid(cursor); must(art_cursor_next(cursor))) count++;
    art_cursor_close(cursor);
    for (unsigned d = 0; d < DIRECTORIES; d++)
        for (unsigned p = 0; p < PLACES; p++) wanted += now.at[d][p].live && now.at[d][p].csn > than;
    ck_assert_uint_eq(count, wanted);
}

static void blobs_are_right(void) {
    for (unsigned i = 0; i < tree->root->runs; i++)
        if (tree->root->run[i].top.height > highest) highest = tree->root->run[i].top.height;
    enum art_rc rc = art_tree_check(tree);
    ck_assert_msg(!rc, "%s", art_error_message());
}

static void compare(void) {
    rows_are_right();
    newer_are_right();
    blobs_are_right();
}

/* --- steps -------------------------------------------------------------------------------------------------------- */

static void step_commit(void);

static uint32_t some_value(void) {
    return below(30) ? 20 + below(VALUE_MOST) : 4100 + below(CHUNKED_MOST - 4100);
}

static void step_put(void) {
    unsigned d = below(DIRECTORIES), from = below(PLACES), n = 1 + below(below(4) ? 20 : 400), by = 1 + below(3);
    for (unsigned p = from; p < PLACES && n--; p += by) put_place(d, p, some_value());
}

static void step_delete(void) {
    unsigned d = below(DIRECTORIES), from = below(PLACES), n = 1 + below(below(4) ? 20 : 600), by = 1 + (below(3) == 0);
    for (unsigned p = from; p < PLACES && n--; p += by) delete_place(d, p);
}

/* The first key of some leaf blob of some run, or a place near it. */
static void some_edge(unsigned *directory, unsigned *place) {
    *directory = below(DIRECTORIES);
    *place = below(PLACES);
    if (!tree->root->runs || !below(3)) return;
    const struct art_run *run = &tree->root->run[below(tree->root->runs)];
    if (!run->top.height) return;
    struct art_run_cursor cursor, entry;
    must(art_run_cursor_open(&cursor, tree->store));
    must(art_run_cursor_open(&entry, tree->store));
    art_run_cursor_reset(&cursor, &run->top, 1 + below(run->top.height));
    art_run_cursor_reset(&entry, &run->top, 0);
    uint8_t key[ART_KEY_BUFFER] = {0};
    struct art_bytes path = path_of(*directory, *place, DIGITS), tree_key;
    must(art_row_key(key, path, &tree_key));
    must(art_run_seek_ge(&cursor, tree_key));
    if (cursor.valid) must(art_run_seek_ge(&entry, art_run_key(&cursor)));
    if (cursor.valid && entry.valid && art_run_key(&entry).data[0] == ART_SPACE_ROWS) {
        const uint8_t *bytes = art_run_key(&entry).data + 1;
        char number[DIGITS + 1] = {0};
        memcpy(number, bytes + name_len + 1, DIGITS);
        *directory = (unsigned)(bytes[0] - 'a') / 2;
        *place = (unsigned)atoi(number);
    }
    art_run_cursor_close(&cursor);
    art_run_cursor_close(&entry);
}

static void step_range(void) {
    unsigned d, p, d2, p2;
    uint64_t n, wanted = 0;
    some_edge(&d, &p);
    some_edge(&d2, &p2);
    unsigned first = d * PLACES + p, last = d2 * PLACES + p2, low = first < last ? first : last,
             high = first < last ? last : first;
    struct art_range range = {.low = path_of(low / PLACES, low % PLACES, DIGITS),
                              .high = path_of(high / PLACES, high % PLACES, DIGITS),
                              .low_set = below(8),
                              .high_set = below(8),
                              .low_open = below(4) == 0,
                              .high_open = below(2)};
    begin();
    low = range.low_set ? low + range.low_open : 0;
    high = range.high_set ? high + !range.high_open : DIRECTORIES * PLACES;
    for (unsigned i = low; i < high; i++) {
        struct place *at = &now.at[i / PLACES][i % PLACES];
        wanted += at->live;
        at->live = false;
    }
    must(art_tree_delete_range(tree, &range, &n));
    ck_assert_uint_eq(n, wanted);
    blobs_are_right();
}

static void step_move(void) {
    unsigned d, p, d2, p2, digits = below(DIGITS), span = 1;
    for (unsigned i = digits; i < DIGITS; i++) span *= 10;
    some_edge(&d, &p);
    some_edge(&d2, &p2);
    p -= p % span;
    p2 -= p2 % span;
    bool copies = below(2), taken = false, there = false, same = d == d2 && p == p2;
    if (same) return;
    begin();
    uint64_t n, wanted = 0;
    for (unsigned i = 0; i < span; i++) there |= now.at[d2][p2 + i].live;
    for (unsigned i = 0; i < span; i++) wanted += now.at[d][p + i].live;
    if (there && below(3)) { /* else most would be refused */
        uint8_t high[NAME + 16];
        struct art_range range;
        art_range_of_prefix(path_of(d2, p2, digits), high, &range);
        if (below(2)) {
            must(art_tree_delete_range(tree, &range, &n));
        } else {
            for (unsigned i = 0; i < span; i++)
                if (now.at[d2][p2 + i].live) delete_place(d2, p2 + i);
        }
        for (unsigned i = 0; i < span; i++) now.at[d2][p2 + i].live = false;
        there = false;
    }
    must(art_tree_move_prefix(tree, path_of(d, p, digits), path_of(d2, p2, digits), copies, &n, &taken));
    ck_assert_int_eq(taken, there && wanted);
    ck_assert_uint_eq(n, there ? 0 : wanted);
    if (there || !wanted) return;
    for (unsigned i = 0; i < span; i++) {
        struct place *from = &now.at[d][p + i], *to = &now.at[d2][p2 + i];
        if (!from->live) continue;
        *to = *from;
        to->csn = csn();
        if (!copies) from->live = false;
    }
    blobs_are_right();
}

/* A directory is emptied, its beginning up to the edge of a leaf blob as one thing and the rest row by row, so that a
 * leaf blob begins in it where a row could come before. Then another directory comes there. */
static void step_refill(void) {
    unsigned d, edge, from = below(DIRECTORIES);
    uint64_t n;
    bool taken;
    some_edge(&d, &edge);
    if (from == d || !edge) return;
    begin();
    struct art_range range = {.low = path_of(d, 0, 0),
                              .low_set = true,
                              .high = path_of(d, edge, DIGITS),
                              .high_set = true,
                              .high_open = true};
    must(art_tree_delete_range(tree, &range, &n));
    for (unsigned i = 0; i < edge; i++) now.at[d][i].live = false;
    for (unsigned i = edge; i < PLACES; i++)
        if (now.at[d][i].live) delete_place(d, i);
    if (below(2)) step_commit();
    begin();
    must(art_tree_move_prefix(tree, path_of(from, 0, 0), path_of(d, 0, 0), false, &n, &taken));
    ck_assert(!taken);
    for (unsigned i = 0; i < PLACES; i++) {
        struct place *old = &now.at[from][i];
        if (!old->live) continue;
        now.at[d][i] = *old;
        now.at[d][i].csn = csn();
        old->live = false;
    }
    blobs_are_right();
}

static void step_mark(void) {
    if (marks == MARKS) return;
    begin();
    must(art_tree_savepoint(tree, &mark[marks]));
    marked[marks++] = now;
}

static void step_back(void) {
    if (!marks) return;
    unsigned to = below(marks);
    art_tree_rollback_to(tree, mark[to]);
    if (!art_tree_is_known(tree)) must(toy_refresh(toy, tree));
    now = marked[to];
    marks = to + 1;
    begin();
}

static void step_release(void) {
    if (!marks) return;
    marks = below(marks);
    art_tree_release_savepoints(tree, mark[marks]);
}

static void step_commit(void) {
    static const unsigned requests[] = {0, 0, 0, ART_REQUEST_FLUSH, ART_REQUEST_FLUSH, ART_REQUEST_OPTIMIZE};
    unsigned request = requests[below(6)];
    if (!writing && !request) return;
    begin();
    if (request) must(art_tree_request(tree, request));
    commit();
    committed = now;
    writing = false;
    marks = 0;
    compare();
}

static void step_roll_back(void) {
    roll_back();
    now = committed;
    writing = false;
    marks = 0;
    compare();
}

static enum art_rc merge_nothing(struct art_tree *of, struct art_version_edit *edit) {
    return ART_OK;
}

static enum art_rc merge_some(struct art_tree *of, struct art_version_edit *edit) {
    enum art_rc rc = ART_OK;
    while (!rc && edit->root->runs > 1 && (edit->root->runs > 6 || below(4) == 0))
        rc = art_compact_partially(of, edit, below(edit->root->runs - 1));
    return rc;
}

static void step(void) {
    static void (*const kinds[])(void) = {step_put,    step_put,    step_put,    step_delete,   step_delete,
                                          step_range,  step_range,  step_move,   step_move,     step_move,
                                          step_refill, step_mark,   step_back,   step_release,  compare,
                                          step_commit, step_commit, step_commit, step_roll_back};
    kinds[below(sizeof kinds / sizeof *kinds)]();
}

LOOP_TEST(test_ranges_leave_runs_and_come_in_as_in_a_model, random_rounds(12)) {
    source = (struct random){random_seed() + (unsigned)_i}; /* each fails by itself */
    printf("ranges: seed %llu\n", (unsigned long long)source.state);
    fflush(stdout);
    toy_codec_lend(_i % 2);
    small_tree_make_of(below(2), (struct art_tree_options){.blob_pages = PAGES,
                                                           .cache_bytes = 64 << 20,
                                                           .log_limit = below(2) ? 1 << 20 : 1 << 16,
                                                           .spill_limit = below(2) ? 1 << 28 : 1 << 17});
    if (below(4)) art_test_hooks.merge = merge_some;
    name_len = below(2) ? 1 : 1 + below(NAME);
    memset(&now, 0, sizeof now);
    memset(&committed, 0, sizeof committed);
    writing = false;
    marks = 0;
    for (unsigned i = 0; i < 120; i++) {
        if (!random_span(&source)) continue;
        art_test_hooks.as_one = below(5) > 0;
        step();
    }
    step_commit();
    compare();
    printf("ranges: runs of height %u\n", highest);
}

/* Wherever leaf blobs begin. Rows of t/ are gone up to `gone` as one thing, and the others one by one. */
TEST(test_rows_come_in_before_the_leaf_blob_of_deleted_ones) {
    name_len = 1;
    for (unsigned gone = 1; gone < 200; gone++) {
        small_tree_make_of(false, (struct art_tree_options){.blob_pages = PAGES});
        art_test_hooks.merge = merge_nothing;
        art_test_hooks.as_one = true;
        memset(&now, 0, sizeof now);
        for (unsigned i = 0; i < 200; i++) put_place(1, i, 100);
        for (unsigned i = 0; i < 50; i++) put_place(0, i, 100);
        flush();
        struct art_range range = {.low = path_of(1, 0, 0), .high = path_of(1, gone, DIGITS), .high_open = true};
        range.low_set = range.high_set = true;
        uint64_t n;
        bool taken;
        begin();
        must(art_tree_delete_range(tree, &range, &n));
        commit();
        for (unsigned i = 0; i < gone; i++) now.at[1][i].live = false;
        for (unsigned i = gone; i < 200; i++) delete_place(1, i);
        put_place(3, 0, 100);
        flush();
        begin();
        must(art_tree_move_prefix(tree, path_of(3, 0, 0), path_of(1, 0, 0), false, &n, &taken));
        now.at[1][0] = now.at[3][0];
        now.at[1][0].csn = csn();
        now.at[3][0].live = false;
        commit();
        compare();
    }
}

/* They are found by what the references to leaf blobs say. */
TEST(test_a_directory_is_not_read_for_values_in_chunks_that_lie_elsewhere) {
    name_len = 1;
    small_tree_make_of(false, (struct art_tree_options){.blob_pages = PAGES});
    art_test_hooks.as_one = true;
    memset(&now, 0, sizeof now);
    for (unsigned i = 0; i < PLACES; i++) put_place(1, i, 1000);
    put_place(0, 0, CHUNKED_MOST);
    put_place(2, 0, CHUNKED_MOST);
    flush();
    optimize();
    small_tree_again();
    uint64_t n, pages = tree->store->count.pages_read;
    begin();
    must(art_tree_delete_range(
        tree,
        &(struct art_range){.low = path_of(1, 10, DIGITS), .low_set = true, .high = path_of(2, 0, 0), .high_set = true},
        &n));
    ck_assert_uint_eq(n, PLACES - 10);
    ck_assert_uint_lt(tree->store->count.pages_read - pages, 60); /* of some 300 */
    for (unsigned i = 10; i < PLACES; i++) now.at[1][i].live = false;
    commit();
    compare();
}

/* The first change of a transaction, which the host goes on with. */
TEST(test_what_fails_behind_a_spill_leaves_a_tree_that_can_be_used) {
    static uint8_t bytes[ART_PATH_MAX];
    struct art_bytes longest = art_bytes(memset(bytes, 'c', sizeof bytes), sizeof bytes);
    bool existed, taken;
    uint64_t n;
    name_len = 1;
    small_tree_make_of(false, (struct art_tree_options){.blob_pages = PAGES});
    art_test_hooks.as_one = true;
    memset(&now, 0, sizeof now);
    for (unsigned i = 0; i < 300; i++) put_place(1, i, 100);
    must(art_tree_insert(tree, ART_WRITE_INSERT, longest, value_of(CHUNKED_MOST), &existed));
    commit();
    must(art_tree_begin(tree));
    refused(art_tree_move_prefix(tree, text("c"), text("dd"), true, &n, &taken), ART_TOOBIG, "a shorter target");
    ck_assert(art_tree_is_known(tree));
    put_place(1, 300, 100);
    ck_assert(take_at(longest));
    commit();
    compare();
}

/* Its blobs stand behind the file's end then, and go with it, before the transaction ends. */
TEST(test_a_refused_directory_leaves_the_file_as_long_as_it_was) {
    static char name[ART_PATH_MAX + 1] = "c/z";
    struct art_bytes longest = art_bytes(memset(name + 3, 'x', ART_PATH_MAX - 3) - 3, ART_PATH_MAX);
    bool existed, taken;
    uint64_t n, before, behind;
    name_len = 1;
    small_tree_make_of(false, (struct art_tree_options){.blob_pages = PAGES});
    art_test_hooks.as_one = true;
    memset(&now, 0, sizeof now);
    for (unsigned i = 0; i < 300; i++) put_place(1, i, 100);
    must(art_tree_insert(tree, ART_WRITE_INSERT, longest, value_of(100), &existed));
    flush();
    sim_disk_file_bytes(disk, tree->options.path, &before);
    must(art_tree_begin(tree));
    refused(art_tree_move_prefix(tree, text("c"), text("dd"), false, &n, &taken), ART_TOOBIG, "a shorter target");
    sim_disk_file_bytes(disk, tree->options.path, &behind);
    ck_assert_uint_eq(behind, before);
    ck_assert(take_at(longest));
    commit();
    compare();
}

/* The savepoint before the first step, too. What was done goes, and the next try finds all as it was. */
LOOP_TEST(test_a_directory_in_steps_fails_with_each_of_its_allocations, 3) {
    enum { ROWS = 12 };
    bool moves = _i == 1, copies = _i == 2, taken = false;
    name_len = 1;
    short_memory_use();
    small_tree_make_of(false, (struct art_tree_options){.blob_pages = PAGES});
    art_test_hooks.as_one = false;
    memset(&now, 0, sizeof now);
    for (unsigned i = 0; i < ROWS; i++) put_place(1, i, i == 5 ? CHUNKED_MOST : 100);
    flush();
    committed = now;
    struct art_range range = {.low = path_of(1, 0, 0), .low_set = true};
    uint64_t n = 0, failures = 0;
    for (int64_t good = 0;; good++) {
        begin();
        short_memory_fail_once(good);
        enum art_rc rc = moves || copies
                             ? art_tree_move_prefix(tree, path_of(1, 0, 0), path_of(2, 0, 0), copies, &n, &taken)
                             : art_tree_delete_range(tree, &range, &n);
        bool struck = short_memory_failures() > 0;
        short_memory_fail_after(-1);
        ck_assert_int_eq(rc, struck ? ART_NOMEM : ART_OK);
        if (!rc) break;
        failures++;
        ck_assert_uint_eq(n, 0);
        ck_assert(!tree->txn.doomed && !tree->txn.savepoint_count);
        rows_are_right();
        step_roll_back();
    }
    ck_assert_uint_eq(n, ROWS);
    ck_assert_uint_eq(tree->count.directory_rows, 0);
    ck_assert_uint_gt(failures, 2);
    for (unsigned i = 0; i < ROWS; i++) {
        struct place *to = &now.at[2][i];
        *to = now.at[1][i];
        to->live = moves || copies;
        to->csn = csn();
        now.at[1][i].live = copies;
    }
    commit();
    compare();
}

static uint64_t room;
static uint64_t room_of_the_disk(void *context) {
    return room;
}

/* A DELETE shall not fail for want of blobs. What comes anywhere does. */
LOOP_TEST(test_a_full_disk_has_rows_deleted_one_by_one, 4) {
    bool is_known = _i % 2, chunked = _i / 2;
    name_len = 1;
    small_tree_make_of(false, (struct art_tree_options){.blob_pages = PAGES});
    art_test_hooks.as_one = true;
    memset(&now, 0, sizeof now);
    for (unsigned i = 0; i < PLACES; i++) put_place(1, i, chunked && i == 500 ? CHUNKED_MOST : 100);
    flush();
    begin();
    if (is_known) {
        tree->host.room = room_of_the_disk;
        room = 1 << 10;
    } else {
        sim_disk_set_capacity(disk, 0);
    }
    uint64_t n;
    struct sim_disk_stats before, after;
    sim_disk_stats(disk, &before);
    bool taken;
    struct art_range range = {.low = path_of(1, 10, DIGITS), .low_set = true};
    must(art_tree_delete_range(tree, &range, &n));
    ck_assert_uint_eq(n, PLACES - 10);
    ck_assert_uint_eq(tree->count.directory_rows, 0);
    sim_disk_stats(disk, &after);
    ck_assert_int_eq(after.faults > before.faults, !is_known);
    for (unsigned i = 10; i < PLACES; i++) now.at[1][i].live = false;
    if (!is_known) {
        refused(art_tree_move_prefix(tree, path_of(1, 0, 0), path_of(2, 0, 0), false, &n, &taken), ART_DISKFULL,
                "full");
        sim_disk_set_capacity(disk, UINT64_MAX);
    }
    tree->host.room = NULL;
    commit();
    compare();
}

int main(void) {
    return suite_run("ranges", .seconds = 600, .tear_down = small_tree_end);
}
