/* Salvage in core: every page of a table damaged in turn, pairs and triples of them in a deeper one, logs and roots
 * that are gone, files cut short, and bytes that lie with right hashes. What comes out is held against all entries that
 * the table had (support/salvage_facts.h). */
#include "core/store/store_format.h"
#include "core/tree/state/root_format.h"
#include "tests/support/blob_model.h"
#include "tests/support/salvage_facts.h"
#include "tests/support/short_memory.h"
#include "tests/support/suite.h"
#include "tests/support/toy_codec.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SLOW = 10 }; /* each image is half a megabyte to be watched */
#else
enum { SLOW = 1 };
#endif

static struct random dice;
static uint8_t *whole_file;
static uint64_t whole_bytes;

static void keep_file(void) {
    uint8_t *bytes = sim_disk_file_bytes(disk, options.path, &whole_bytes);
    whole_file = malloc(whole_bytes);
    memcpy(whole_file, bytes, whole_bytes);
}

static void put_file_back(void) {
    sim_disk_put_file(disk, options.path, whole_file, whole_bytes);
}

/* Of so many runs, 0: a deep one. The oldest may have blocks. */
static void begin_with(unsigned runs, bool blocks) {
    toy_codec_lend(blocks);
    dice = (struct random){random_seed()};
    printf("ART_TEST_SEED=%llu\n", (unsigned long long)dice.state);
    if (runs)
        check_world_new(runs);
    else
        check_world_new_deep();
    facts_collect();
    keep_file();
}

static void begin(unsigned runs) {
    begin_with(runs, false);
}

static void end(void) {
    free(whole_file);
    facts_free();
    small_tree_end();
}

static unsigned judge(const struct damage *damage, unsigned count) {
    struct art_salvage_options source = salvage_options();
    return salvage_judge(&source, &(struct salvage_case){.damage = damage, .count = count});
}

static void spoil(const struct damage *damage) {
    check_slot(damage->slot)[damage->page * ART_BLOB_PAGE + random_below(&dice, ART_BLOB_PAGE)] ^=
        (uint8_t)(1 + random_below(&dice, 255));
}

/* Reads all; how many rows there are, and which of those of the log ("late/1" is bit 1). Aborts on an error. */
static unsigned read_all(const struct art_salvage_options *source, unsigned *late, struct art_lost *lost) {
    struct art_salvage *salvage;
    unsigned rows = 0;
    *late = 0;
    must(art_salvage_open(&salvage, source));
    for (must(art_salvage_next(salvage)); art_salvage_valid(salvage); must(art_salvage_next(salvage))) {
        struct art_bytes key = art_salvage_key(salvage);
        if (key.len == 6 && !memcmp(key.data, "late/", 5)) *late |= 1u << (key.data[5] - '0');
        rows++;
    }
    static char what[512];
    *lost = (struct art_lost){0};
    bool any = art_salvage_lost(salvage, lost);
    snprintf(what, sizeof what, "%s", any && lost->what ? lost->what : "");
    lost->what = what;
    art_salvage_close(salvage);
    return rows;
}

/* The file by itself, without its database. */
static struct art_salvage_options alone(const char *path) {
    struct art_salvage_options source = salvage_options();
    source.path = path;
    source.alone = true;
    source.uuid_known = false;
    source.each_log_row = NULL;
    return source;
}

/* --- pages -------------------------------------------------------------------------------------------------------- */

LOOP_TEST(test_a_sound_table_comes_whole_and_nothing_is_lost, 2) {
    begin_with(3, _i);
    unsigned rows = judge(NULL, 0);
    ck_assert_uint_gt(rows, CHECK_ROWS * 8 / 10);
    ck_assert_uint_eq(salvage_ranges(), 0);
}

LOOP_TEST(test_every_page_damaged_in_turn_costs_what_lies_in_it, 2) {
    begin_with(3, _i);
    unsigned count, rows = judge(NULL, 0), silent = 0;
    struct damage *pages = facts_pages(&count);
    ck_assert_uint_gt(count, 50);
    for (unsigned i = 0; i < count; i += SLOW) {
        spoil(&pages[i]);
        ck_assert_uint_le(judge(&pages[i], 1), rows + CHECK_ROWS / 10);
        silent += !salvage_ranges();
        put_file_back();
    }
    printf("%u pages, each damaged: %u hold only chunks that nobody needs\n", count, silent);
    ck_assert_uint_lt(silent, count / 10);
    free(pages);
}

/* Of one deep run, or of several. */
LOOP_TEST(test_pairs_and_triples_of_pages, 3) {
    begin_with(_i ? 3 : 0, _i > 1);
    unsigned count, rounds = random_rounds(60) / SLOW;
    struct damage *pages = facts_pages(&count), damage[3];
    for (unsigned i = 0; i < rounds; i++) {
        if (!random_span(&dice)) continue;
        unsigned n = 2 + i % 2;
        for (unsigned j = 0; j < n; j++) {
            damage[j] = pages[random_below(&dice, random_once_in(&dice, 3) ? art_min32(40, count) : count)];
            spoil(&damage[j]);
        }
        judge(damage, n);
        put_file_back();
    }
    free(pages);
}

/* The top of every run: all leaves below are found by their own footers. */
TEST(test_the_tops_of_all_runs_damaged_lose_no_row) {
    begin(3);
    struct damage damage[3];
    unsigned rows = judge(NULL, 0), n = 0;
    for (unsigned i = 0; i < tree->root->runs; i++) {
        if (tree->root->run[i].top.height) {
            damage[n] = (struct damage){tree->root->run[i].top.slot, ART_BLOB_PAGES - 1};
            spoil(&damage[n++]);
        }
    }
    ck_assert_uint_gt(n, 0);
    ck_assert_uint_ge(judge(damage, n), rows);
    ck_assert(salvage_told("deleted ones may be back"));
}

/* --- the log and the root ----------------------------------------------------------------------------------------- */

static void empty_row(unsigned i) {
    toy->log.row[i].len = 0;
}

static void remove_row(unsigned i) {
    free(toy->log.row[i].data);
    toy->log.rows--;
    memmove(&toy->log.row[i], &toy->log.row[i + 1], (toy->log.rows - i) * sizeof toy->log.row[0]);
}

static void forget_copies(void) {
    uint64_t bytes;
    uint8_t *file = sim_disk_file_bytes(disk, options.path, &bytes);
    memset(file + (size_t)ART_ROOT_COPY_FIRST_PAGE * ART_STORE_PAGE, 0,
           (size_t)ART_ROOT_COPIES * ART_ROOT_COPY_PAGES * ART_STORE_PAGE);
}

TEST(test_a_root_that_is_gone_is_found_in_the_file) {
    begin(3);
    unsigned rows = judge(NULL, 0);
    empty_row(0);
    ck_assert_uint_eq(judge(NULL, 0), rows); /* the rows of the log follow it */
    ck_assert_uint_eq(salvage_ranges(), 0);
    remove_row(0);
    ck_assert_uint_eq(judge(NULL, 0), rows);
}

TEST(test_an_emptied_log_loses_what_stood_in_it_alone) {
    begin(3);
    struct art_salvage_options source = salvage_options();
    struct salvage_case without = {.without_log = true};
    while (toy->log.rows) remove_row(0);
    unsigned rows = salvage_judge(&source, &without);
    ck_assert(salvage_told("may be lost: the log is empty"));
    source.each_log_row = NULL;
    ck_assert_uint_eq(salvage_judge(&source, &without), rows);
    ck_assert(salvage_told("may be lost"));
}

TEST(test_a_copy_of_a_later_generation_replaces_a_root_that_was_put_back) {
    begin(3);
    unsigned rows = judge(NULL, 0);
    struct art_salvage_options source = salvage_options();
    struct toy_row *row = &toy->log.row[0];
    struct art_buffer copy = {0};
    uint8_t initial[ART_ROOT_INITIAL_MAX];
    must(art_buffer_append(&copy, row->data, row->len));
    source.root = art_buffer_bytes(&copy);
    row->len = art_tree_initial_root(options.uuid, initial);
    memcpy(row->data, initial, row->len);
    ck_assert_uint_eq(salvage_judge(&source, &(struct salvage_case){0}), rows);
    art_buffer_clear(&copy);
}

/* Three rows: without the first the second cannot be verified, and the third can. */
TEST(test_rows_of_the_log_behind_a_lost_one_are_verified_by_each_other) {
    begin(1);
    put_at(text("late/4"), check_large(40, 4));
    commit();
    ck_assert_uint_eq(toy->log.rows, 4);
    struct art_salvage_options source = salvage_options();
    struct art_lost lost;
    unsigned late;
    remove_row(1);
    read_all(&source, &late, &lost);
    ck_assert_uint_eq(late, 1u << 4);
    ck_assert_msg(strstr(lost.what, "the changes of versions ") != NULL, "%s", lost.what);
    ck_assert(!lost.after_set && !lost.before_set);
}

TEST(test_a_damaged_row_of_the_log_hides_no_other) {
    begin(1);
    toy->log.row[1].data[toy->log.row[1].len - 1] ^= 1;
    struct art_salvage_options source = salvage_options();
    struct art_lost lost;
    unsigned late;
    read_all(&source, &late, &lost);
    ck_assert_uint_eq(late, 1u << 3);
}

/* No root anywhere: the blobs alone, each page damaged in turn. */
LOOP_TEST(test_without_a_root_all_blobs_are_read, 2) {
    begin_with(3, _i);
    struct art_salvage_options source = salvage_options();
    struct salvage_case what = {.without_root = true, .without_log = true};
    unsigned count;
    struct damage *pages = facts_pages(&count);
    while (toy->log.rows) remove_row(0);
    forget_copies();
    free(whole_file);
    keep_file();
    unsigned rows = salvage_judge(&source, &what);
    ck_assert_uint_gt(rows, CHECK_ROWS * 8 / 10);
    ck_assert(salvage_told("found without a root"));
    for (unsigned i = 0; i < count; i += 1 + count / 60) {
        spoil(&pages[i]);
        what.damage = &pages[i];
        what.count = 1;
        salvage_judge(&source, &what);
        put_file_back();
    }
    free(pages);
}

TEST(test_a_table_that_never_had_a_run_is_its_log) {
    begin(0);
    struct art_salvage_options source;
    struct art_lost lost;
    unsigned late;
    art_tree_close(tree);
    tree = NULL;
    toy_free(toy);
    toy = toy_new(true);
    options.path = "a.db-u-12345678.art";
    must(check_reopen());
    put_at(text("one"), check_large(10, 1));
    commit();
    remove_row(0);
    source = salvage_options();
    ck_assert_uint_eq(read_all(&source, &late, &lost), 1);
}

/* Chunks of a value that is nearly the same byte everywhere stand in blocks, as rows do. */
TEST(test_large_values_come_out_of_blocks) {
    static uint8_t bytes[30000];
    enum { VALUES = 20 };
    struct art_salvage_options source;
    struct art_salvage *salvage;
    unsigned found = 0;
    char path[20];
    begin_with(1, true);
    for (unsigned i = 0; i < VALUES; i++) {
        snprintf(path, sizeof path, "same/%02u", i);
        bytes[1000 * i] = 1;
        put_at(text(path), art_bytes(bytes, sizeof bytes));
    }
    must(art_tree_request(tree, ART_REQUEST_OPTIMIZE));
    commit();
    memset(bytes, 0, sizeof bytes);
    source = salvage_options();
    must(art_salvage_open(&salvage, &source));
    for (must(art_salvage_next(salvage)); art_salvage_valid(salvage); must(art_salvage_next(salvage))) {
        struct art_bytes key = art_salvage_key(salvage);
        if (key.len != 7 || memcmp(key.data, "same/", 5) != 0) continue;
        bytes[1000 * found++] = 1;
        ck_assert(art_bytes_equal(art_salvage_value(salvage), art_bytes(bytes, sizeof bytes)));
    }
    ck_assert_uint_eq(found, VALUES);
    art_salvage_close(salvage);
}

/* --- directories that were deleted as one thing ------------------------------------------------------------------- */

static struct art_bytes text_of(const char *text) {
    return art_bytes((const uint8_t *)text, (uint32_t)strlen(text));
}

enum { NAME_BYTES = 20 };

static const char *numbered(char name[NAME_BYTES], unsigned number) {
    snprintf(name, NAME_BYTES, "dir-%04u/", number % 10000);
    return name;
}

static void delete_directory(const char *prefix) {
    uint8_t memory[64];
    struct art_range range = {0};
    uint64_t rows;
    art_test_hooks.as_one = true;
    if (*prefix) art_range_of_prefix(text_of(prefix), memory, &range);
    must(art_tree_delete_range(tree, &range, &rows));
    art_test_hooks.as_one = false;
    ck_assert_uint_gt(rows, 0);
}

static void move_directory(const char *from, const char *to) {
    uint64_t rows;
    bool taken;
    art_test_hooks.as_one = true;
    must(art_tree_move_prefix(tree, text_of(from), text_of(to), false, &rows, &taken));
    art_test_hooks.as_one = false;
    ck_assert(rows && !taken);
}

static void put_some(const char *prefix, unsigned count) {
    char path[40];
    for (unsigned i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%sfresh-%04u", prefix, i);
        put_at(text(path), check_large(60, 9));
    }
}

/* What a salvage shows must be the table: the same number of rows in all, and below the prefix. */
static uint64_t rows_below(const char *prefix) {
    uint8_t memory[64];
    struct art_range range = {0};
    uint64_t rows;
    if (*prefix) art_range_of_prefix(text_of(prefix), memory, &range);
    must(art_tree_count(tree, &range, &rows));
    return rows;
}

static uint64_t shown_below(const struct art_salvage_options *source, const char *prefix) {
    struct art_salvage *salvage;
    uint64_t rows = 0;
    must(art_salvage_open(&salvage, source));
    for (must(art_salvage_next(salvage)); art_salvage_valid(salvage); must(art_salvage_next(salvage))) {
        rows += art_bytes_starts_with(art_salvage_key(salvage), text_of(prefix));
    }
    art_salvage_close(salvage);
    return rows;
}

struct indexes {
    struct damage blob[200];
    unsigned count;
};

static enum art_rc add_index(void *context, const struct art_ref *ref) {
    struct indexes *indexes = context;
    if (!ref->height) return ART_OK;
    ck_assert_uint_lt(indexes->count, 200);
    indexes->blob[indexes->count++] = (struct damage){ref->slot, ART_BLOB_PAGES - 1};
    return ART_OK;
}

/* All of them, and row 0: the copy of the root in the file is left. */
static void spoil_indexes_and_root(void) {
    struct indexes indexes = {0};
    for (unsigned i = 0; i < tree->root->runs; i++) {
        must(art_run_each_ref(tree->store, &tree->root->run[i], add_index, &indexes));
    }
    ck_assert_uint_gt(indexes.count, 0);
    for (unsigned i = 0; i < indexes.count; i++) spoil(&indexes.blob[i]);
    empty_row(0);
}

static void only_directory_deleted(const char *prefix) {
    uint64_t in_all = rows_below(""), below = rows_below(prefix);
    spoil_indexes_and_root();
    struct art_salvage_options source = salvage_options(), file = alone(options.path);
    ck_assert_uint_eq(shown_below(&source, prefix), below);
    ck_assert_uint_ge(shown_below(&source, ""), in_all);
    ck_assert_uint_eq(shown_below(&file, prefix), below);
}

TEST(test_a_directory_that_was_deleted_as_one_thing_stays_deleted) {
    begin(3);
    delete_directory("dir-0010/");
    flush();
    ck_assert_uint_eq(rows_below("dir-0010/"), 0);
    only_directory_deleted("dir-0010/");
}

/* In the transaction of the delete, and later: rows that come there are the table's. */
TEST(test_rows_that_came_into_a_deleted_directory_are_shown) {
    begin(3);
    delete_directory("dir-0010/");
    put_some("dir-0010/", 600);
    flush();
    put_some("dir-0010/later-", 600);
    flush();
    ck_assert_uint_eq(rows_below("dir-0010/"), 1200);
    only_directory_deleted("dir-0010/");
}

/* Rows of the memtable become blobs when the range goes. Those of the target lie behind them in the file. */
TEST(test_rows_of_the_memtable_that_go_with_their_directory_do_not_come_back) {
    begin(3);
    put_some("dir-0010/", 600);
    commit();
    put_some("dir-0010/more-", 600);
    move_directory("dir-0010/", "there/");
    flush();
    only_directory_deleted("dir-0010/");
}

TEST(test_a_directory_that_was_moved_away_is_where_it_went_alone) {
    begin(3);
    move_directory("dir-0010/", "moved/");
    flush();
    move_directory("moved/", "dir-0010/");
    flush();
    move_directory("dir-0010/", "there/");
    flush();
    uint64_t there = rows_below("there/");
    only_directory_deleted("dir-0010/");
    struct art_salvage_options source = salvage_options();
    ck_assert_uint_eq(shown_below(&source, "there/"), there);
    ck_assert_uint_eq(shown_below(&source, "moved/"), 0);
}

/* And deletes that were taken back hide nothing. */
TEST(test_a_delete_that_was_rolled_back_hides_nothing_in_a_salvage) {
    begin(3);
    uint32_t savepoint;
    put_at(text("first"), check_large(10, 1));
    must(art_tree_savepoint(tree, &savepoint));
    delete_directory("dir-0010/");
    art_tree_rollback_to(tree, savepoint);
    delete_directory("dir-0011/");
    flush();
    delete_directory("dir-0012/");
    roll_back();
    ck_assert_uint_gt(rows_below("dir-0010/"), 50);
    uint64_t kept = rows_below("dir-0012/");
    only_directory_deleted("dir-0010/");
    struct art_salvage_options source = salvage_options();
    ck_assert_uint_eq(shown_below(&source, "dir-0011/"), 0);
    ck_assert_uint_eq(shown_below(&source, "dir-0012/"), kept);
}

TEST(test_a_table_that_was_emptied_as_one_thing_stays_empty) {
    begin(3);
    delete_directory("");
    put_some("dir-0010/", 600);
    flush();
    ck_assert_uint_eq(rows_below(""), 600);
    only_directory_deleted("");
}

/* What is written anew needs no list: no blob of before is trusted. The next one begins with it. */
TEST(test_optimize_ends_the_list_of_deleted_directories) {
    char prefix[NAME_BYTES];
    begin(3);
    for (unsigned i = 0; i < 10; i++) {
        delete_directory(numbered(prefix, i));
        flush();
    }
    ck_assert_uint_eq(art_cuts_count(&tree->root->cuts), 10);
    put_at(text("zero"), check_large(10, 1)); /* what is in order already is not written anew, and keeps its list */
    must(art_tree_request(tree, ART_REQUEST_OPTIMIZE));
    commit();
    ck_assert_uint_eq(art_cuts_count(&tree->root->cuts), 1);
    put_some("dir-0010/", 600);
    delete_directory("dir-0011/");
    flush();
    ck_assert_uint_eq(art_cuts_count(&tree->root->cuts), 2);
    spoil_indexes_and_root();
    struct art_salvage_options source = salvage_options();
    ck_assert_uint_eq(shown_below(&source, ""), rows_below(""));
}

/* Directories deleted, moved and filled at random: what is shown is the table, with every index and the root gone. No
 * row is changed by itself: what came of that is in blobs of before, and may show. */
LOOP_TEST(test_whatever_directories_were_moved_a_salvage_shows_the_table, 6) {
    enum { DIRECTORIES = 12 };
    char name[NAME_BYTES], other[NAME_BYTES];
    begin(3);
    delete_directory("dir-0000/");
    put_at(text("zero"), check_large(10, 1));
    must(art_tree_request(tree, ART_REQUEST_OPTIMIZE));
    commit(); /* from here on no blob of before is trusted */
    put_some("dir-0003/", 1000);
    for (unsigned i = 0; i < 40; i++) {
        uint32_t savepoint;
        numbered(name, random_below(&dice, DIRECTORIES));
        numbered(other, random_below(&dice, DIRECTORIES));
        bool here = rows_below(name), there = rows_below(other);
        put_at(text("zero"), check_large(10, (uint8_t)i));
        must(art_tree_savepoint(tree, &savepoint));
        bool deletes = random_once_in(&dice, 3), back = deletes && here && random_once_in(&dice, 3);
        if (deletes && here)
            delete_directory(name);
        else if (here && !there)
            move_directory(name, other);
        else if (!here)
            put_some(name, 1 + random_below(&dice, 700));
        if (back) art_tree_rollback_to(tree, savepoint);
        art_tree_release_savepoints(tree, savepoint);
        if (random_once_in(&dice, 2)) commit_with(random_once_in(&dice, 2) ? ART_REQUEST_FLUSH : 0);
        if (random_once_in(&dice, 20)) must(art_tree_request(tree, ART_REQUEST_OPTIMIZE));
    }
    put_some("last/", 600); /* one run with an index, at least */
    flush();
    must(check_reopen());
    uint64_t rows[DIRECTORIES], all = rows_below("");
    for (unsigned i = 0; i < DIRECTORIES; i++) rows[i] = rows_below(numbered(name, i));
    spoil_indexes_and_root();
    struct art_salvage_options source = salvage_options();
    for (unsigned i = 0; i < DIRECTORIES; i++) ck_assert_uint_eq(shown_below(&source, numbered(name, i)), rows[i]);
    ck_assert_uint_eq(shown_below(&source, ""), all);
}

/* --- the file ----------------------------------------------------------------------------------------------------- */

TEST(test_a_file_alone_is_the_table_as_it_was_flushed) {
    begin(3);
    struct salvage_case what = {.without_log = true};
    struct art_salvage_options source = alone(options.path);
    unsigned rows = salvage_judge(&source, &what);
    ck_assert(salvage_told("are not in this file"));
    uint64_t bytes;
    memset(sim_disk_file_bytes(disk, options.path, &bytes), 0xaa, 3 * ART_STORE_PAGE);
    ck_assert_uint_eq(salvage_judge(&source, &what), rows); /* the copy of the root knows the id */
    forget_copies();
    what.without_root = true;
    ck_assert_uint_ge(salvage_judge(&source, &what), rows); /* and so does every blob */
}

/* The one that was written last is torn: the one before it leads to what was flushed before, as far as it is still
 * there. */
TEST(test_a_torn_copy_of_the_root_leaves_the_one_before) {
    begin(3);
    struct art_salvage_options source = alone(options.path);
    struct art_root_copy copy[ART_ROOT_COPIES];
    uint64_t bytes;
    uint8_t *at = sim_disk_file_bytes(disk, options.path, &bytes) + ART_ROOT_COPY_FIRST_PAGE * ART_STORE_PAGE;
    for (int i = 0; i < ART_ROOT_COPIES; i++) {
        memcpy(&copy[i], at + (size_t)i * ART_ROOT_COPY_PAGES * ART_STORE_PAGE, sizeof copy[i]);
        ck_assert_int_eq(memcmp(copy[i].magic, ART_ROOT_COPY_MAGIC, sizeof copy[i].magic), 0);
    }
    int newest = copy[1].sequence > copy[0].sequence;
    ck_assert_uint_eq(copy[newest].sequence, copy[!newest].sequence + 1);
    at[(size_t)newest * ART_ROOT_COPY_PAGES * ART_STORE_PAGE + sizeof copy[0] + 20] ^= 1;
    struct art_lost lost;
    unsigned late;
    ck_assert_uint_gt(read_all(&source, &late, &lost), CHECK_ROWS * 8 / 10);
    ck_assert_ptr_nonnull(strstr(lost.what, "are not in this file"));
}

TEST(test_a_file_cut_anywhere_gives_what_is_left) {
    begin(3);
    unsigned count;
    struct damage *pages = facts_pages(&count), *lost = malloc(count * sizeof *lost);
    for (unsigned i = 0; i < 40; i++) {
        uint64_t size = whole_bytes / 40 * i + random_below(&dice, 5000);
        if (size > whole_bytes) size = whole_bytes;
        unsigned n = 0;
        for (unsigned j = 0; j < count; j++) {
            uint64_t behind = (uint64_t)pages[j].slot * ART_BLOB_BYTES + (pages[j].page + 1) * (uint64_t)ART_BLOB_PAGE;
            if (behind > size) lost[n++] = pages[j];
        }
        sim_disk_put_file(disk, options.path, whole_file, size);
        judge(lost, n);
    }
    free(lost);
    free(pages);
}

TEST(test_a_missing_file_leaves_the_log) {
    begin(2);
    struct art_salvage_options source = salvage_options();
    struct art_salvage *salvage;
    struct art_lost lost;
    unsigned late;
    source.path = "nowhere.art";
    ck_assert_uint_eq(read_all(&source, &late, &lost), 3);
    source.alone = true;
    ck_assert_int_eq(art_salvage_open(&salvage, &source), ART_MISSING);
}

TEST(test_another_tables_file_is_refused_and_a_file_of_nothing) {
    begin(1);
    struct art_salvage_options source = salvage_options();
    struct art_salvage *salvage;
    static uint8_t nothing[3 * ART_BLOB_BYTES];
    source.uuid[0] ^= 1;
    ck_assert_int_eq(art_salvage_open(&salvage, &source), ART_FOREIGN);
    sim_disk_put_file(disk, "nothing.art", nothing, sizeof nothing);
    source = alone("nothing.art");
    ck_assert_int_eq(art_salvage_open(&salvage, &source), ART_FOREIGN);
}

/* --- lies --------------------------------------------------------------------------------------------------------- */

/* Bytes of a blob are changed, and all its hashes made right; without a root nobody contradicts. */
static void lie_about(uint32_t slot) {
    uint8_t *image = check_slot(slot);
    struct art_blob_trailer *trailer = blob_image_trailer(image);
    uint32_t leaf = trailer->leaf_pages, footer = trailer->footer_pages;
    for (unsigned n = 1 + random_below(&dice, 6); n; n--) {
        uint32_t at = random_below(&dice, 3) ? random_below(&dice, leaf * ART_BLOB_PAGE)
                                             : ART_BLOB_BYTES - 1 - random_below(&dice, footer * ART_BLOB_PAGE);
        image[at] =
            random_below(&dice, 2) ? (uint8_t)random_next(&dice) : (uint8_t)(image[at] ^ 1 << random_below(&dice, 8));
    }
    blob_image_rehash(image, &(struct art_ref){.leaf_pages = (uint8_t)leaf, .footer_pages = (uint8_t)footer});
    trailer->own_hash = art_blob_trailer_hash(image + ART_LAST_PAGE_AT);
}

static unsigned read_whatever_comes(const struct art_salvage_options *source) {
    struct art_salvage *salvage;
    struct art_lost lost;
    unsigned rows = 0;
    if (art_salvage_open(&salvage, source)) return 0;
    while (!art_salvage_next(salvage) && art_salvage_valid(salvage)) {
        struct art_bytes key = art_salvage_key(salvage), value = art_salvage_value(salvage);
        ck_assert_uint_le(key.len, ART_PATH_MAX);
        rows += art_hash64(key.data, key.len) != art_hash64(value.data, value.len);
        while (art_salvage_lost(salvage, &lost)) ck_assert_ptr_nonnull(lost.what);
    }
    art_salvage_close(salvage);
    return rows;
}

TEST(test_lies_with_right_hashes_do_no_harm) {
    begin(3);
    struct art_salvage_options source = salvage_options();
    unsigned count, rounds = random_rounds(60) / SLOW;
    struct damage *pages = facts_pages(&count);
    forget_copies();
    while (toy->log.rows) remove_row(0);
    free(whole_file);
    keep_file();
    for (unsigned i = 0; i < rounds; i++) {
        if (!random_span(&dice)) continue;
        for (unsigned n = 1 + random_below(&dice, 3); n; n--) lie_about(pages[random_below(&dice, count)].slot);
        read_whatever_comes(&source);
        put_file_back();
    }
    free(pages);
}

TEST(test_lies_in_the_tops_do_no_harm) {
    begin(3);
    struct art_salvage_options source = salvage_options();
    struct toy_row *row = &toy->log.row[0];
    uint8_t *root = malloc(row->len);
    memcpy(root, row->data, row->len);
    for (unsigned i = 0; i < random_rounds(60) / SLOW; i++) {
        if (!random_span(&dice)) continue;
        unsigned run = random_below(&dice, tree->root->runs);
        lie_about(tree->root->run[run].top.slot);
        check_reseal_top(run);
        read_whatever_comes(&source);
        put_file_back();
        memcpy(row->data, root, row->len);
        for (unsigned n = 1 + random_below(&dice, 4); n; n--) { /* and a root that says anything */
            row->data[random_below(&dice, row->len - 8)] = (uint8_t)random_next(&dice);
        }
        uint64_t sum = art_hash64(row->data, row->len - 8);
        memcpy(row->data + row->len - 8, &sum, sizeof sum);
        read_whatever_comes(&source);
        memcpy(row->data, root, row->len);
    }
    free(root);
}

/* --- want of memory, interrupts ----------------------------------------------------------------------------------- */

static unsigned patience;

static bool out_of_patience(void *context) {
    return patience && --patience == 0;
}

static int read_to_the_end(const struct art_salvage_options *source) {
    struct art_salvage *salvage;
    int rc = art_salvage_open(&salvage, source);
    if (rc) return rc;
    do {
        rc = art_salvage_next(salvage);
    } while (!rc && art_salvage_valid(salvage));
    art_salvage_close(salvage);
    return rc;
}

TEST(test_want_of_memory_is_said_and_leaves_nothing_behind) {
    short_memory_use();
    begin(2);
    struct art_salvage_options source = salvage_options();
    struct damage damage = {tree->root->run[1].top.slot, ART_BLOB_PAGES - 1};
    for (int what = 0; what < 2; what++) {
        if (what) spoil(&damage);
        int64_t blocks = short_memory_blocks();
        for (int64_t n = 0;; n += 1 + n / 40) {
            short_memory_fail_after(n);
            int rc = read_to_the_end(&source);
            bool failed = short_memory_failures() > 0;
            short_memory_fail_after(-1);
            ck_assert_int_eq(rc, failed ? ART_NOMEM : ART_OK);
            ck_assert_int_eq(short_memory_blocks(), blocks);
            if (!failed) break;
        }
    }
}

TEST(test_salvage_can_be_interrupted) {
    begin(2);
    struct art_salvage_options source = salvage_options();
    unsigned asked = 0;
    source.interrupted = out_of_patience;
    for (;; asked++) {
        patience = asked + 1;
        int rc = read_to_the_end(&source);
        if (!rc) break;
        ck_assert_int_eq(rc, ART_INTERRUPT);
    }
    ck_assert_uint_gt(asked, 10);
}

SUITE("salvage", .seconds = 600, .tear_down = end)
