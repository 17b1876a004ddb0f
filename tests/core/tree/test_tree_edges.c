/* A tree where it is used as hosts rarely do: keys past the limit, a run so deep that its children are folded on the
 * way, cursors that outlive their tree, values of megabytes, redo rows that the host cannot take, a log of another
 * history.
 */
#include <unistd.h>

#include "core/store/cache.h"
#include "core/store/private.h"
#include "core/tree/state/hooks.h"
#include "tests/support/apart.h"
#include "tests/support/short_memory.h"
#include "tests/support/small_tree.h"

static bool stands_on(struct art_cursor *cursor, const char *key) {
    return art_cursor_valid(cursor) && art_bytes_equal(art_cursor_key(cursor), text(key));
}

/* --- keys --------------------------------------------------------------------------------------------------------- */

TEST(test_a_path_past_the_limit_is_no_row_and_no_error_of_a_reader) {
    static uint8_t bytes[ART_PATH_MAX + 20];
    memset(bytes, 'x', sizeof bytes);
    struct art_bytes longest = art_bytes(bytes, ART_PATH_MAX), over = art_bytes(bytes, ART_PATH_MAX + 5);
    bool existed;
    refused(art_tree_insert(tree, ART_WRITE_REPLACE, over, text("v"), &existed), ART_TOOBIG, "store a shorter path");
    put("a", "first");
    put_at(longest, text("v"));
    put("y", "last");
    for (int stage = 0; stage < 2; stage++) {
        is_absent(over);
        ck_assert(!take_at(over));
        refused(art_tree_move(tree, ART_WRITE_REPLACE, text("a"), over, NULL, &existed), ART_TOOBIG, "shorter path");
        refused(art_tree_move(tree, ART_WRITE_REPLACE, over, text("b"), NULL, &existed), ART_TOOBIG, "shorter path");
        /* as a bound: test_mutants_tree */
        struct art_cursor *cursor = cursor_on(&(struct art_range){.high = over, .high_set = true}, true);
        ck_assert(art_cursor_valid(cursor) && art_bytes_equal(art_cursor_key(cursor), longest));
        must(art_cursor_skip_prefix(cursor, 1));
        ck_assert(stands_on(cursor, "a"));
        art_cursor_close(cursor);

        struct art_buffer found = {0};
        must(art_tree_longest_prefix(tree, over, art_bytes(NULL, 0), &found, NULL));
        ck_assert_uint_eq(found.len, ART_PATH_MAX);
        found.len = 0;
        ck_assert_int_eq(art_tree_longest_prefix(tree, over, text("/"), &found, NULL), ART_NOTFOUND);
        art_buffer_clear(&found);
        if (!stage) flush();
    }
    must(art_tree_check(tree));
}

/* --- runs --------------------------------------------------------------------------------------------------------- */

enum { LONG_ROWS = 450, LONG_KEY = 60000 };

static unsigned height_of_last_run(void) {
    return tree->root->runs ? tree->root->run[tree->root->runs - 1].top.height : 0;
}

static struct art_bytes long_key(uint8_t *bytes, unsigned i) {
    memset(bytes, 'k', LONG_KEY);
    sprintf((char *)bytes + LONG_KEY - 7, "%06u", i);
    return art_bytes(bytes, LONG_KEY - 1);
}

/* Separators of 60 KB: so many wait for their index blob that they are folded before the run is complete. */
TEST(test_a_deep_run_is_folded_on_the_way_and_keeps_every_row) {
    static uint8_t bytes[LONG_KEY], room[ART_VALUE_INLINE_MAX];
    small_tree_make_of(false, (struct art_tree_options){.blob_pages = 80});
    for (unsigned i = 0; i < LONG_ROWS; i++) {
        struct art_bytes key = long_key(bytes, i);
        put_at(key, art_bytes(bytes + LONG_KEY - 7, 6));
    }
    flush();
    ck_assert_uint_eq(tree->root->runs, 1);
    ck_assert_uint_ge(tree->root->run[0].top.height, 3);
    rows_are(LONG_ROWS);
    for (unsigned i = 0; i < LONG_ROWS; i += 7) {
        struct art_row row;
        must(art_tree_get(tree, long_key(bytes, i), &row));
        ck_assert(art_bytes_equal(art_stored_plain(&row.stored, room), art_bytes(bytes + LONG_KEY - 7, 6)));
        art_row_release(&row);
    }
    struct art_cursor *cursor = cursor_on(NULL, true);
    for (unsigned i = LONG_ROWS; i--; must(art_cursor_next(cursor))) {
        ck_assert(art_cursor_valid(cursor) && art_bytes_equal(art_cursor_key(cursor), long_key(bytes, i)));
    }
    ck_assert(!art_cursor_valid(cursor));
    must(art_cursor_seek(cursor, &(struct art_range){0}, false));
    must(art_cursor_skip(cursor, 200));
    ck_assert(art_cursor_valid(cursor) && art_bytes_equal(art_cursor_key(cursor), long_key(bytes, 200)));
    art_cursor_close(cursor);

    /* a change in the middle, merged into it */
    for (unsigned i = 100; i < 110; i++) take_at(long_key(bytes, i));
    optimize();
    ck_assert_uint_eq(tree->root->runs, 1);
    rows_are(LONG_ROWS - 10);

    /* what it left lies before it: it moves there, in more than one stretch, and the file ends earlier */
    struct art_tree_info before, after;
    must(art_tree_info(tree, &before));
    for (int i = 0; i < 2; i++) {
        vacuum();
        rows_are(LONG_ROWS - 10);
    }
    must(art_tree_info(tree, &after));
    ck_assert_uint_lt(after.store.file_bytes * 3, before.store.file_bytes * 2);
    for (unsigned i = 0; i < LONG_ROWS; i += 9) {
        struct art_row row;
        int rc = art_tree_get(tree, long_key(bytes, i), &row);
        ck_assert_int_eq(rc, i >= 100 && i < 110 ? ART_NOTFOUND : ART_OK);
        if (!rc) art_row_release(&row);
    }
}

/* Wherever the last leaf of a run falls: before, on and behind each number at which references are folded, also where a
 * fold sets off another one, and that the next. */
TEST(test_a_run_is_built_whole_wherever_it_ends) {
    static const uint8_t value[3000];
    char key[8];
    small_tree_make_of(false, (struct art_tree_options){.blob_pages = 2});
    art_test_hooks.fold_children = 3;
    for (unsigned i = 1; i <= 270; i++) {
        snprintf(key, sizeof key, "%06u", i);
        put_at(text(key), art_bytes(value, sizeof value));
        optimize();
        ck_assert_uint_eq(rows(), i);
    }
    ck_assert_uint_ge(height_of_last_run(), 5);
    must(art_tree_check(tree));
    art_test_hooks.fold_children = 0;
}

enum { WIDE_PATH = 600 };

/* Paths so long that an index blob has few children. */
static struct art_bytes wide_path(unsigned i) {
    static char path[WIDE_PATH + 16];
    memset(path, 'd', WIDE_PATH);
    snprintf(path + WIDE_PATH, 16, "%06u", i);
    return text(path);
}

static void put_wide(unsigned i) {
    static const uint8_t value[800];
    put_at(wide_path(i), art_bytes(value, sizeof value));
}

/* Each new row comes before all others: what was filled there would be split again and again. */
TEST(test_a_run_grows_no_deeper_than_its_rows_need) {
    enum { DESCENDING = 3600 };
    small_tree_make_of(false, (struct art_tree_options){.blob_pages = 3, .log_limit = 16 << 10});
    for (unsigned i = DESCENDING; i--;) {
        put_wide(i);
        if (i % 20 == 0) commit();
    }
    unsigned height = height_of_last_run();
    rows_are(DESCENDING);
    optimize();
    ck_assert_uint_ge(height_of_last_run(), 2);
    ck_assert_uint_le(height, height_of_last_run() + 1);
}

/* Of keys of 60 KB an index blob has two children, which cannot be shared so that both have room. */
TEST(test_an_index_that_would_be_too_deep_is_built_anew) {
    static uint8_t bytes[LONG_KEY];
    enum { DESCENDING = 90 };
    small_tree_make_of(false, (struct art_tree_options){.blob_pages = 3, .log_limit = 16 << 10});
    for (unsigned i = DESCENDING; i--;) {
        put_at(long_key(bytes, i), text("v"));
        if (i % 3 == 0) commit();
    }
    ck_assert_uint_lt(height_of_last_run(), ART_HEIGHTS_MAX);
    rows_are(DESCENDING);
}

/* --- cursors ------------------------------------------------------------------------------------------------------ */

TEST(test_a_tree_that_is_at_work_does_not_rest) {
    put("a", "1");
    put("b", "2");
    flush();
    struct art_cursor *cursor = cursor_on(NULL, false);
    art_tree_trim(tree);
    ck_assert(stands_on(cursor, "a"));
    must(art_cursor_next(cursor));
    ck_assert(stands_on(cursor, "b"));
    art_cursor_close(cursor);
    art_tree_trim(tree);
    ck_assert_uint_eq(rows(), 2);
}

TEST(test_a_cursor_that_outlives_its_tree_can_only_be_closed) {
    struct art_cursor *first, *second, *third;
    put("a", "1");
    put("b", "2");
    flush();
    put("c", "3");
    commit();
    must(art_cursor_open(tree, &first));
    must(art_cursor_open(tree, &second));
    must(art_cursor_open(tree, &third));
    must(art_cursor_seek(first, &(struct art_range){0}, false));
    must(art_cursor_seek(second, &(struct art_range){0}, true));
    must(art_cursor_next(second));
    art_cursor_close(third); /* idle, and freed with the tree */
    art_tree_close(tree);
    tree = NULL;
    ck_assert(!art_cursor_valid(first));
    must(art_cursor_next(first)); /* there is nothing under it */
    must(art_cursor_skip_prefix(first, 1));
    refused(art_cursor_seek(first, &(struct art_range){0}, false), ART_MISUSE, "closed under an open cursor");
    refused(art_cursor_seek(second, &(struct art_range){0}, true), ART_MISUSE, "closed under an open cursor");
    art_cursor_close(second);
    art_cursor_close(first);
    art_cursor_close(NULL);
}

TEST(test_cursors_may_be_closed_in_any_order) {
    struct art_cursor *cursor[4];
    put("a", "1");
    for (int i = 0; i < 4; i++) must(art_cursor_open(tree, &cursor[i]));
    for (int i = 0; i < 4; i++) must(art_cursor_seek(cursor[i], &(struct art_range){0}, i % 2));
    art_cursor_close(cursor[1]);
    art_cursor_close(cursor[3]);
    art_cursor_close(cursor[0]);
    ck_assert(stands_on(cursor[2], "a"));
    art_cursor_close(cursor[2]);
    art_tree_rolled_back(tree);
}

/* Before each jump over a directory the tree changes under the cursor: what lies behind is found, and nothing else. */
TEST(test_a_cursor_jumps_over_a_directory_that_is_not_what_it_was) {
    for (char key[] = "a/1"; key[0] <= 'e'; ++key[0]) {
        for (key[2] = '1'; key[2] <= '4'; ++key[2]) put(key, "value");
    }
    flush();
    struct art_cursor *cursor = cursor_on(NULL, false);
    put("a/9", "new, but passed over");
    take_at(text("b/1"));
    must(art_cursor_skip_prefix(cursor, 2));
    ck_assert(stands_on(cursor, "b/2"));
    put("bb", "between");
    must(art_cursor_skip_prefix(cursor, 2));
    ck_assert(stands_on(cursor, "bb"));
    roll_back();
    must(art_cursor_skip_prefix(cursor, 1));
    ck_assert(stands_on(cursor, "c/1"));
    must(art_cursor_skip_prefix(cursor, 200)); /* longer than the key: to the next row */
    ck_assert(stands_on(cursor, "c/2"));
    must(art_cursor_seek(cursor, &(struct art_range){0}, true));
    put("d/9", "new");
    must(art_cursor_skip_prefix(cursor, 2));
    ck_assert(stands_on(cursor, "d/9"));
    art_tree_forget(tree);
    refused(art_cursor_skip_prefix(cursor, 2), ART_MISUSE, "before it was brought up to date");
    ck_assert(!art_cursor_valid(cursor));
    must(art_cursor_skip_prefix(cursor, 2));
    must(art_cursor_skip(cursor, 1000));
    art_cursor_close(cursor);
    art_tree_rolled_back(tree);
}

/* --- values ------------------------------------------------------------------------------------------------------- */

enum { LARGE = 5 << 20 };

TEST(test_a_value_of_megabytes_is_put_read_moved_and_deleted_whole) {
    static uint8_t bytes[LARGE];
    bool existed;
    for (uint32_t i = 0; i < LARGE; i++) bytes[i] = (uint8_t)(i * 31 + (i >> 12));
    put_at(text("large"), art_bytes(bytes, LARGE));
    value_is(text("large"), art_bytes(bytes, LARGE));
    flush();
    value_is(text("large"), art_bytes(bytes, LARGE));
    must(art_tree_move(tree, ART_WRITE_REPLACE, text("large"), text("moved"), NULL, &existed));
    commit();
    value_is(text("moved"), art_bytes(bytes, LARGE));
    must(art_tree_check(tree));
    struct art_bytes shorter = art_bytes(bytes, LARGE / 3);
    ck_assert_int_eq(art_tree_move(tree, ART_WRITE_REPLACE, text("nowhere"), text("nowhere"), &shorter, &existed),
                     ART_NOTFOUND);
    must(art_tree_move(tree, ART_WRITE_REPLACE, text("moved"), text("again"), &shorter, &existed));
    flush();
    value_is(text("again"), art_bytes(bytes, LARGE / 3));
    must(art_tree_check(tree));
    take_at(text("again"));
    optimize();
    must(art_tree_check(tree));
    ck_assert_uint_eq(tree->root->runs, 0); /* nothing is left, pieces neither */
}

/* Each of these puts and takes chunks, and has many allocations in between. */
static enum art_rc change_large(unsigned which, struct art_bytes value) {
    bool existed;
    switch (which) {
    case 0:
        return art_tree_insert(tree, ART_WRITE_REPLACE, text("new"), value, &existed);
    case 1:
        return art_tree_insert(tree, ART_WRITE_REPLACE, text("large"), value, &existed);
    case 2:
        return art_tree_move(tree, ART_WRITE_REPLACE, text("large"), text("other"), &value, &existed);
    case 3:
        return art_tree_move(tree, ART_WRITE_REPLACE, text("large"), text("other"), NULL, &existed);
    default:
        return art_tree_delete(tree, text("large"), &existed);
    }
}

TEST(test_a_change_of_many_chunks_that_fails_leaves_none_of_them) {
    static uint8_t bytes[LARGE / 8];
    struct art_bytes value = art_bytes(bytes, sizeof bytes / 3 * 2);
    short_memory_use();
    for (uint32_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 31 + (i >> 12));
    for (unsigned which = 0; which < 5; which++) {
        unsigned failed = 0;
        bool done = false;
        for (int64_t n = 0; !done; n++) {
            small_tree_make(false);
            put("large", "");
            put("other", "small");
            put_at(text("large"), art_bytes(bytes, sizeof bytes));
            flush();
            put("x", "in the same transaction");
            short_memory_fail_once(n);
            enum art_rc rc = change_large(which, value);
            done = !short_memory_failures();
            short_memory_fail_after(-1);
            if (rc) {
                ck_assert_int_eq(rc, ART_NOMEM);
                failed++;
                value_is(text("large"), art_bytes(bytes, sizeof bytes));
                value_is(text("other"), text("small"));
                is_absent(text("new"));
            }
            flush();
            must(art_tree_check(tree)); /* a chunk that belongs to no row is an error */
        }
        ck_assert_msg(failed > 0, "statement %u", which);
    }
}

/* --- the log ------------------------------------------------------------------------------------------------------ */

TEST(test_a_redo_row_that_the_host_cannot_take_is_flushed_instead) {
    small_tree_make_of(false, (struct art_tree_options){.row_limit = 300});
    struct art_commit commit_of;
    put("small", "row");
    must(art_tree_prepare(tree, &commit_of));
    ck_assert(commit_of.write_redo && !commit_of.write_root);
    commit();
    for (char key[] = "a"; *key < 'z'; ++*key) put(key, "of some twenty bytes");
    must(art_tree_prepare(tree, &commit_of));
    ck_assert(!commit_of.write_redo && commit_of.write_root && commit_of.clear_log);
    commit();
    ck_assert_uint_eq(rows(), 26);
    ck_assert_uint_eq(toy->log.rows, 1);
    must(art_tree_check(tree));
}

TEST(test_blobs_stay_where_they_are_in_a_transaction_that_has_written_some) {
    struct art_tree_location other = {.path = "b.db-t-12345678.art", .host_path = "b.db"};
    put("a", "1");
    must(art_tree_spill(tree));
    refused(art_tree_use_location(tree, &other), ART_MISUSE, "ROLLBACK it");
    roll_back();
    must(art_tree_use_location(tree, &other));
}

/* What a command wants may find no room before a transaction has begun. */
TEST(test_a_full_disk_is_noted_without_a_transaction) {
    art_tree_note_full(tree);
    put("a", "1");
    commit();
    ck_assert_uint_eq(rows(), 1);
}

TEST(test_garbage_of_rolled_back_changes_is_given_back) {
    static char value[4000];
    small_tree_make_of(false, (struct art_tree_options){.log_limit = 64 << 20});
    put("kept", "row");
    commit();
    for (int round = 0; round < 6; round++) {
        for (int i = 0; i < 100; i++) {
            char key[20];
            sprintf(key, "key-%02d", i);
            memset(value, 'a' + round, sizeof value - 1);
            put(key, value);
        }
        roll_back();
    }
    size_t before = art_memtable_memory(tree->memtable);
    ck_assert_uint_gt(art_memtable_garbage(tree->memtable), 1 << 20);
    struct art_cursor *cursor = cursor_on(NULL, false);
    put("another", "row");
    ck_assert_uint_lt(art_memtable_memory(tree->memtable), before / 2);
    ck_assert(stands_on(cursor, "kept"));
    must(art_cursor_next(cursor));
    ck_assert(!art_cursor_valid(cursor));
    art_cursor_close(cursor);
    commit();
    rows_are(2);
}

/* Histories of one table that part somewhere, as after restored copies: whatever the numbers say, a tree that was in
 * one of them and is given another one's log stands where a new one would. */
TEST(test_a_log_of_another_history_is_read_from_its_root) {
    enum { HISTORIES = 14 };
    struct random random = random_announced("histories");
    small_tree_make(true);
    put("common", "row");
    commit();
    struct toy *history[HISTORIES] = {toy};
    struct art_tree *fresh, *moving = tree;
    char path[HISTORIES][40];
    strcpy(path[0], options.path);
    for (unsigned i = 1; i < HISTORIES; i++) {
        unsigned from = random_below(&random, i);
        toy = history[i] = toy_copy(history[from]);
        sprintf(path[i], "a.db-t-%08x.art", i);
        if (sim_disk_has_file(disk, path[from])) sim_disk_copy_file(disk, path[from], path[i]);
        options.path = path[i];
        small_tree_open();
        for (unsigned n = random_below(&random, 5); n--;) {
            char key[20];
            sprintf(key, "%u-%u", i, n);
            put(key, "value");
            if (random_once_in(&random, 2)) must(art_tree_request(tree, ART_REQUEST_FLUSH));
            commit();
        }
        art_tree_close(tree);
    }
    for (unsigned step = 0; step < 600; step++) {
        if (!random_span(&random)) continue;
        unsigned i = random_below(&random, HISTORIES);
        toy = history[i];
        options.path = path[i];
        must(art_tree_use_location(moving, &(struct art_tree_location){.path = path[i], .host_path = "a.db"}));
        must(toy_refresh(toy, moving));
        tree = moving;
        uint64_t count = rows();
        small_tree_open();
        fresh = tree;
        ck_assert_uint_eq(count, rows());
        ck_assert_uint_eq(moving->csn, fresh->csn);
        ck_assert(art_hash128_equal(moving->chain, fresh->chain));
        ck_assert_uint_eq(moving->root->generation, fresh->root->generation);
        ck_assert_uint_eq(moving->root->runs, fresh->root->runs);
        for (unsigned run = 0; run < fresh->root->runs; run++) {
            ck_assert(art_hash128_equal(moving->root->run[run].top.hash, fresh->root->run[run].top.hash));
        }
        ck_assert_uint_eq(art_memtable_keys(moving->memtable), art_memtable_keys(fresh->memtable));
        ck_assert_int_eq(art_memtable_count(moving->memtable), art_memtable_count(fresh->memtable));
        art_tree_close(fresh);
    }
    tree = moving;
    toy = history[0];
    for (unsigned i = 1; i < HISTORIES; i++) toy_free(history[i]);
}

/* --- hosts -------------------------------------------------------------------------------------------------------- */

static unsigned asked, patience;

static bool wait_some(void *context, unsigned attempt) {
    ck_assert_uint_eq(attempt, asked);
    return ++asked < patience;
}

static enum art_rc say_moved(void *context) {
    return art_fail(ART_READONLY, "art: the database was moved (test): put it back");
}

static enum art_rc no_other_name(void *context, unsigned attempt) {
    return art_fail(ART_CANTOPEN, "art: no name is left (test): give up");
}

TEST(test_who_waits_for_the_writer_lock_is_asked_how_long) {
    put("a", "1");
    flush();
    struct art_tree *first = tree, *second;
    struct art_commit commit_of;
    bool existed;
    must(art_tree_insert(first, ART_WRITE_REPLACE, text("b"), text("2"), &existed));
    must(art_tree_request(first, ART_REQUEST_FLUSH));
    must(art_tree_prepare(first, &commit_of)); /* has the lock until its transaction ends */
    second = another_tree();
    refused(art_tree_adopt(second), ART_BUSY, "");
    second->host.wait = wait_some;
    for (patience = 1; patience < 4; patience++) {
        asked = 0;
        refused(art_tree_adopt(second), ART_BUSY, "");
        ck_assert_uint_eq(asked, patience);
    }
    second->host.unmoved = say_moved;
    refused(art_tree_adopt(second), ART_READONLY, "put it back");
    second->host.unmoved = NULL;
    art_tree_rolled_back(first);
    must(art_tree_adopt(second));
    art_tree_close(second);
}

TEST(test_a_host_without_another_name_for_the_file_says_so) {
    static const char rubbish[] = "something that is not ours";
    struct art_commit commit_of;
    static uint8_t page_of[ART_BLOB_PAGE];
    memcpy(page_of, rubbish, sizeof rubbish);
    sim_disk_put_file(disk, options.path, page_of, sizeof page_of);
    put("a", "1");
    must(art_tree_request(tree, ART_REQUEST_FLUSH));
    refused(art_tree_prepare(tree, &commit_of), ART_FOREIGN, "move it away");
    tree->host.another_file = no_other_name;
    refused(art_tree_prepare(tree, &commit_of), ART_CANTOPEN, "no name is left");
    art_tree_rolled_back(tree);
    ck_assert_uint_eq(rows(), 0);
}

TEST(test_a_tree_that_is_read_only_is_read) {
    put("a", "1");
    flush();
    options.read_only = true;
    small_tree_again();
    bool existed;
    ck_assert_uint_eq(rows(), 1);
    refused(art_tree_insert(tree, ART_WRITE_REPLACE, text("b"), text("2"), &existed), ART_READONLY, "read-only");
    refused(art_tree_delete(tree, text("a"), &existed), ART_READONLY, "read-only");
    refused(art_tree_move(tree, ART_WRITE_REPLACE, text("a"), text("b"), NULL, &existed), ART_READONLY, "read-only");
    refused(art_tree_request(tree, ART_REQUEST_FLUSH), ART_READONLY, "read-only");
    must(art_tree_check(tree));
    tree->host.each_log_row = NULL; /* then the check does without the log */
    must(art_tree_check(tree));
}

/* --- fork --------------------------------------------------------------------------------------------------------- */

#define FORKED(call)                                                                                                   \
    if ((call) != ART_FORKED) return __LINE__

/* In the child: every call is refused, those that cannot fail do nothing, and nothing waits. */
static int child_of_fork(struct art_cursor *cursor) {
    struct art_row row;
    struct art_range range = {0};
    struct art_commit commit_of;
    struct art_buffer found = {0};
    uint64_t number;
    bool existed;
    FORKED(art_cursor_next(cursor));
    if (art_cursor_valid(cursor)) return __LINE__;
    FORKED(art_cursor_seek(cursor, &range, false));
    FORKED(art_tree_get(tree, text("a"), &row));
    FORKED(art_tree_count(tree, &range, &number));
    FORKED(art_tree_longest_prefix(tree, text("a"), text("/"), &found, NULL));
    FORKED(art_tree_insert(tree, ART_WRITE_REPLACE, text("c"), text("3"), &existed));
    FORKED(art_tree_prepare(tree, &commit_of));
    FORKED(art_tree_check(tree));
    FORKED(art_tree_refresh_begin(tree, &number));
    art_tree_rollback_to(tree, ART_SAVEPOINT_BEGIN);
    art_tree_rolled_back(tree);
    art_tree_committed(tree);
    art_tree_set_limits(tree, 1 << 14, 1 << 14, 1 << 14);
    art_cursor_close(cursor);
    art_tree_close(tree);
    return 0;
}

TEST(test_a_child_of_fork_is_refused_in_the_middle_of_a_transaction) {
    struct art_commit commit_of;
    put("a", "1");
    put("b", "2");
    flush();
    struct art_cursor *cursor = cursor_on(NULL, false);
    put("c", "3");
    must(art_tree_request(tree, ART_REQUEST_FLUSH));
    must(art_tree_prepare(tree, &commit_of));
    pid_t child = apart_begin();
    if (!child) _exit(child_of_fork(cursor));
    int line = apart_end(child);
    ck_assert_msg(!line, "line %d", line);
    toy_write(toy, &commit_of); /* and the parent goes on */
    art_tree_committed(tree);
    must(toy_refresh(toy, tree));
    must(art_cursor_next(cursor));
    ck_assert(stands_on(cursor, "b"));
    art_cursor_close(cursor);
    rows_are(3);
}

SUITE("tree, edges", .seconds = 120, .set_up = small_tree_begin, .tear_down = small_tree_end)
