/* The file's size: what 'vacuum' and 'optimize' leave of it, with and without readers that may stand on what was. */
#include "tests/support/small_tree.h"

static void make_world(bool wal) {
    small_tree_make_of(wal, (struct art_tree_options){.log_limit = 20000, .spill_limit = 1 << 20, .blob_pages = 3});
}

/* The world with whole blobs, and a log that is flushed only when that is asked for. */
static void make_large_world(void) {
    small_tree_make_of(false, (struct art_tree_options){.log_limit = 64 << 20, .spill_limit = 64 << 20});
}

static void end_world(void) {
    must(art_tree_check(tree));
    small_tree_end();
}

static struct art_bytes key_of(unsigned i) {
    static char text[40];
    return art_bytes(text, (uint32_t)sprintf(text, "dir-%02u/file-%06u", i * 7919 % 50, i));
}

/* Rows in many small transactions, so that there are several runs. */
static void insert(unsigned from, unsigned to) {
    for (unsigned i = from; i < to; i++) {
        put_at(key_of(i), art_bytes("a value of some bytes", 21));
        if (i % 200 == 199) commit();
    }
    commit();
}

static void thin_out(unsigned from, unsigned to, unsigned keep) {
    for (unsigned i = from; i < to; i++) {
        if (i % keep) take_at(key_of(i));
        if (i % 400 == 399) commit();
    }
    commit();
}

static void checkpoint(void) {
    toy->salts[0]++; /* the next writer begins the WAL anew */
}

/* Slots in the file that hold nothing, the superblock's apart. */
static uint64_t holes(void) {
    uint64_t slots = info().store.file_bytes / ART_BLOB_BYTES;
    ck_assert_uint_ge(slots, 1 + info().blobs);
    return slots - 1 - info().blobs;
}

static void expect_rows(unsigned count) {
    ck_assert_uint_eq(rows(), count);
}

TEST(test_optimize_and_two_vacuums_leave_no_hole) {
    make_world(false);
    insert(0, 12000);
    thin_out(0, 12000, 6);
    uint64_t before = info().store.file_bytes;
    optimize();
    vacuum();
    vacuum();
    ck_assert_uint_eq(info().runs, 1);
    ck_assert_uint_eq(holes(), 0);
    ck_assert_uint_lt(info().store.file_bytes * 3, before);
    expect_rows(2000);
}

TEST(test_vacuum_alone_makes_a_file_of_several_runs_small) {
    make_world(false);
    insert(0, 12000);
    uint64_t full = info().store.file_bytes;
    thin_out(0, 12000, 6);
    insert(20000, 20300);
    struct art_tree_info before = info();
    ck_assert_uint_gt(before.runs, 1);
    ck_assert_uint_gt(before.log_rows, 0);
    vacuum();
    vacuum();
    struct art_tree_info after = info();
    ck_assert_uint_eq(after.runs, before.runs);
    ck_assert_uint_gt(after.log_rows, before.log_rows); /* it leaves the log as it is */
    ck_assert_uint_le(holes(), 3 * after.runs);         /* index blobs had to be written beside themselves */
    ck_assert_uint_lt(after.store.file_bytes, full);
    expect_rows(2300);
}

TEST(test_what_a_reader_may_stand_on_is_neither_written_nor_cut_off) {
    make_world(true);
    insert(0, 6000);
    struct art_tree *reader;
    struct toy *snapshot = toy_copy(toy); /* what the reader goes on seeing */
    must(toy_open(snapshot, &options, &reader));
    must(toy_refresh(snapshot, reader));
    struct art_tree_info of_reader;
    must(art_tree_info(reader, &of_reader));
    thin_out(0, 6000, 5);
    optimize();
    for (int i = 0; i < 3; i++) vacuum();
    ck_assert_uint_ge(info().store.file_bytes, of_reader.store.file_bytes);
    ck_assert_uint_gt(info().retired_slots, 0);
    uint64_t seen;
    must(art_tree_count(reader, &(struct art_range){0}, &seen));
    ck_assert_uint_eq(seen, 6000);
    must(art_tree_check(reader));
    art_tree_close(reader);
    toy_free(snapshot);
    checkpoint();
    vacuum();
    checkpoint();
    vacuum();
    ck_assert_uint_eq(holes(), 0);
    expect_rows(1200);
}

TEST(test_a_vacuum_with_nothing_to_do_writes_no_blob) {
    make_world(false);
    insert(0, 6000);
    optimize();
    vacuum();
    vacuum();
    struct art_tree_info before = info();
    vacuum();
    struct art_tree_info after = info();
    ck_assert_uint_le(after.store.count.pages_written, before.store.count.pages_written + 1); /* the copy of the root */
    ck_assert_uint_eq(after.store.file_bytes, before.store.file_bytes);
}

TEST(test_a_table_without_a_file_gets_none_by_vacuum) {
    bool existed;
    make_world(true);
    vacuum();
    must(art_tree_insert(tree, ART_WRITE_INSERT, key_of(1), art_bytes("x", 1), &existed));
    vacuum();
    ck_assert(!sim_disk_has_file(disk, options.path));
    expect_rows(1);
}

TEST(test_a_table_that_was_emptied_keeps_a_superblock) {
    make_world(false);
    insert(0, 4000);
    thin_out(0, 4000, 4001);
    take_at(key_of(0));
    commit();
    optimize();
    vacuum();
    optimize();
    ck_assert_uint_eq(info().runs, 0);
    expect_rows(0);
    insert(0, 500);
    expect_rows(500);
}

TEST(test_a_rollback_forgets_the_wish_and_gives_the_slots_back) {
    make_world(false);
    insert(0, 6000);
    thin_out(0, 6000, 3);
    optimize();
    struct art_tree_info before = info();
    struct art_commit unused;
    for (int i = 0; i < 3; i++) {
        must(art_tree_request(tree, ART_REQUEST_VACUUM));
        must(art_tree_prepare(tree, &unused));
        ck_assert(unused.write_root);
        roll_back();
        must(art_tree_prepare(tree, &unused));
        ck_assert(!unused.write_root);
    }
    ck_assert_uint_eq(info().generation, before.generation);
    ck_assert_uint_le(info().store.file_bytes, before.store.file_bytes);
    expect_rows(2000);
}

/* Long work can be interrupted between any two blobs, and begun again. */
TEST(test_an_interrupted_vacuum_changes_nothing) {
    make_world(false);
    insert(0, 15000);
    thin_out(0, 15000, 3);
    optimize();
    unsigned interrupted = 0;
    int rc;
    do {
        struct art_commit unused;
        must(art_tree_request(tree, ART_REQUEST_VACUUM));
        toy->patience = interrupted + 1;
        rc = art_tree_prepare(tree, &unused);
        toy->patience = 0;
        roll_back();
        expect_rows(5000);
        if (rc) ck_assert_int_eq(rc, ART_INTERRUPT);
        if (rc) interrupted++;
    } while (rc);
    ck_assert_uint_gt(interrupted, 3);
}

static void put_file(unsigned i) {
    char text[40];
    bool existed;
    uint32_t n = (uint32_t)sprintf(text, "files/file-%06u", i);
    must(
        art_tree_insert(tree, ART_WRITE_REPLACE, art_bytes(text, n), art_bytes("a value of some bytes", 21), &existed));
}

TEST(test_few_rows_written_again_and_again_do_not_make_the_run_larger) {
    enum { FILES = 60000, APART = 1500, ROUNDS = 40 };
    make_large_world();
    for (unsigned i = 0; i < FILES; i++) put_file(i);
    optimize();
    uint64_t before = tree->root->run[0].pages;
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = round * 331 % APART; i < FILES; i += APART) put_file(i);
        optimize();
    }
    uint64_t after = tree->root->run[0].pages;
    ck_assert_uint_eq(tree->root->runs, 1);
    ck_assert_uint_eq(tree->root->run[0].top.entries, FILES);
    ck_assert_msg(after * 100 <= before * 112, "%u pages, and %u before", (unsigned)after, (unsigned)before);
}

static uint64_t room;

static uint64_t room_of_the_disk(void *context) {
    return room;
}

/* Deletes files [from, to) with so many bytes left on the disk. *redo: the length of the log's row. */
static int delete_every(unsigned step, unsigned from, unsigned to, uint64_t left, uint64_t *redo) {
    char text[40];
    for (unsigned i = from; i < to; i += step) {
        uint32_t n = (uint32_t)sprintf(text, "files/file-%06u", i);
        take_at(art_bytes(text, n));
    }
    struct art_commit commit;
    room = left;
    int rc = art_tree_prepare(tree, &commit);
    if (rc) {
        art_tree_rolled_back(tree);
        return rc;
    }
    ck_assert(commit.write_redo);
    *redo = commit.redo.len;
    toy_write(toy, &commit);
    art_tree_committed(tree);
    must(toy_refresh(toy, tree));
    return ART_OK;
}

static int delete_files(unsigned from, unsigned to, uint64_t left, uint64_t *redo) {
    return delete_every(1, from, to, left, redo);
}

/* Left must be room for the row, for the log before it, and for the host's journal. The second row is as long as the
 * first, but for its numbers. A small DELETE is never refused. */
TEST(test_a_large_delete_leaves_the_room_that_vacuum_needs) {
    enum { FILES = 60000, AT_ONCE = 20000, JOURNAL = 256 << 10 };
    uint64_t redo, again;
    make_large_world();
    for (unsigned i = 0; i < FILES; i++) put_file(i);
    optimize();
    tree->host.room = room_of_the_disk;
    must(delete_files(0, AT_ONCE, UINT64_MAX, &redo));
    ck_assert_uint_gt(redo, 64 << 10);
    ck_assert_int_eq(delete_files(AT_ONCE, 2 * AT_ONCE, redo + JOURNAL, &again), ART_DISKFULL);
    ck_assert_ptr_nonnull(strstr(art_error_message(), "DELETE rows, then art_vacuum()"));
    expect_rows(FILES - AT_ONCE);
    must(delete_files(AT_ONCE, 2 * AT_ONCE, 2 * redo + JOURNAL + 100, &again));
    ck_assert_uint_lt(again, redo + 100);
    expect_rows(FILES - 2 * AT_ONCE);
    must(delete_files(2 * AT_ONCE, 2 * AT_ONCE + 100, 0, &again));
    room = UINT64_MAX;
    vacuum();
    expect_rows(FILES - 2 * AT_ONCE - 100);
}

static struct art_budget budget;
static unsigned looks; /* after so many, if any, nothing is left */

static enum art_rc budget_of_the_disk(void *context, struct art_budget *out) {
    *out = budget;
    if (looks && !--looks) budget.left = 0;
    return ART_OK;
}

/* Blobs are rows of the host's, whole ones, in some runs. */
static void make_world_of_rows(unsigned files) {
    make_large_world();
    art_tree_close(tree);
    toy_free(toy);
    toy = toy_new_inline(false);
    options.path = options.host_path = NULL;
    must(toy_open(toy, &options, &tree));
    toy->writer = tree;
    must(toy_refresh(toy, tree));
    for (unsigned i = 0; i < files; i++) {
        put_file(i * 7919 % files);
        if (i % (files / 4) != files / 4 - 1) continue;
        must(art_tree_request(tree, ART_REQUEST_FLUSH));
        commit();
    }
    tree->host.budget = budget_of_the_disk;
    budget = (struct art_budget){.left = UINT64_MAX};
    optimize();
    must(art_tree_request(tree, ART_REQUEST_OPTIMIZE)); /* removes what the last one has left */
    commit();
}

/* Pages that a vacuum has written. */
static uint64_t vacuum_rows(void) {
    uint64_t before = info().store.count.pages_written;
    must(art_tree_request(tree, ART_REQUEST_OPTIMIZE | ART_REQUEST_ALONE));
    vacuum();
    return info().store.count.pages_written - before;
}

/* Each transaction writes no more than the host has room for, and the last one leaves one run. */
TEST(test_blobs_in_rows_are_merged_in_portions_that_there_is_room_for) {
    enum { FILES = 480000, LEAST = 4 << 20 };
    make_world_of_rows(FILES);
    uint64_t redo, pages = info().blob_bytes / ART_BLOB_PAGE;
    must(delete_every(4, 0, FILES, UINT64_MAX, &redo)); /* a blob whose rows are all deleted would go unread */
    tree->host.room = NULL;
    budget.left = 0;
    ck_assert_uint_eq(vacuum_rows(), 0);
    ck_assert_uint_eq(info().log_rows, 1);
    budget.left = LEAST + 2 * redo;
    ck_assert_uint_lt(budget.left, pages * ART_BLOB_PAGE / 2);
    unsigned rounds = 0;
    for (; info().runs > 1 || info().log_rows; rounds++) {
        ck_assert_uint_lt(rounds, 60);
        ck_assert_uint_le(vacuum_rows() * ART_BLOB_PAGE, budget.left);
    }
    ck_assert_uint_ge(rounds, 2);
    expect_rows(FILES - FILES / 4);
}

/* What is written takes room, what is removed, too: a portion that leaves little takes much. */
TEST(test_what_is_removed_counts_as_what_is_written) {
    enum { FILES = 480000, PORTION = 4 << 20 };
    make_world_of_rows(FILES);
    uint64_t redo;
    must(delete_files(0, FILES / 10 * 9, UINT64_MAX, &redo));
    tree->host.room = NULL;
    budget.left = PORTION + redo;
    for (unsigned rounds = 0; info().runs > 1 || info().log_rows; rounds++) {
        ck_assert_uint_lt(rounds, 60);
        uint64_t before = toy->blobs.rows, written = vacuum_rows(), left = toy->blobs.rows;
        ck_assert_uint_le((before + written - left) * ART_BLOB_PAGE, budget.left + PORTION);
    }
    expect_rows(FILES / 10);
}

/* A journal that stays is written over: with nothing else left, what is free in the database is enough. */
TEST(test_a_journal_that_stays_is_room_for_what_is_removed) {
    enum { FILES = 240000 };
    uint64_t redo;
    make_world_of_rows(FILES);
    must(delete_every(4, 0, FILES, UINT64_MAX, &redo));
    tree->host.room = NULL;
    budget = (struct art_budget){.unused = 64 << 20};
    ck_assert_uint_eq(vacuum_rows(), 0);
    budget.journal = 4 << 20;
    for (unsigned rounds = 0; info().runs > 1 || info().log_rows; rounds++) {
        ck_assert_uint_lt(rounds, 60);
        vacuum_rows();
    }
    expect_rows(FILES - FILES / 4);
}

/* Nobody tells of a quota: each time that the host finds no room, half of what was written may be written next, and all
 * again when there was room for a portion after the other. */
TEST(test_what_a_full_disk_has_room_for_is_learned) {
    enum { FILES = 480000, LEAST = 2 << 20 };
    struct art_commit commit_of;
    uint64_t redo, before, most = UINT64_MAX;
    make_world_of_rows(FILES);
    must(delete_every(4, 0, FILES, UINT64_MAX, &redo));
    for (int i = 0; i < 3; i++) {
        struct toy *base = toy_copy(toy);
        must(art_tree_request(tree, ART_REQUEST_OPTIMIZE | ART_REQUEST_VACUUM | ART_REQUEST_ALONE));
        before = info().store.count.pages_written;
        must(art_tree_prepare(tree, &commit_of));
        uint64_t written = (info().store.count.pages_written - before) * ART_BLOB_PAGE;
        ck_assert_uint_le(written, most);
        most = written / 2 > LEAST ? written / 2 : LEAST;
        art_tree_note_full(tree);
        art_tree_rolled_back(tree);
        toy_restore(toy, base);
        toy_free(base);
        must(toy_refresh(toy, tree));
        ck_assert(info().full);
    }
    struct toy *whole =
        toy_copy(toy); /* a refusal of prepare() is learned there, and not once more by the host's word */
    must(art_tree_request(tree, ART_REQUEST_OPTIMIZE | ART_REQUEST_VACUUM | ART_REQUEST_ALONE));
    toy->fault.left = 3;
    toy->fault.code = ART_DISKFULL;
    toy->fault.for_good = true;
    ck_assert_int_eq(art_tree_prepare(tree, &commit_of), ART_DISKFULL);
    toy->fault.left = 0;
    toy->fault.for_good = false;
    uint64_t refused = info().store.count.no_room;
    art_tree_note_full(tree);
    ck_assert_uint_eq(info().store.count.no_room, refused);
    art_tree_rolled_back(tree);
    toy_restore(toy, whole);
    toy_free(whole);
    must(toy_refresh(toy, tree));
    for (int i = 0; i < 3; i++) { /* what no commit has proved is not learned */
        struct toy *base = toy_copy(toy);
        must(art_tree_request(tree, ART_REQUEST_OPTIMIZE | ART_REQUEST_VACUUM | ART_REQUEST_ALONE));
        must(art_tree_prepare(tree, &commit_of));
        art_tree_rolled_back(tree);
        toy_restore(toy, base);
        toy_free(base);
        must(toy_refresh(toy, tree));
        ck_assert_uint_eq(info().store.count.no_room, refused);
    }
    for (unsigned rounds = 0; info().runs > 1 || info().log_rows || info().retired_slots; rounds++) {
        ck_assert_uint_lt(rounds, 60);
        vacuum_rows();
    }
    ck_assert_uint_gt(info().store.count.no_room, 3);
    expect_rows(FILES - FILES / 4);
}

/* It adds no row to the log, however little is left: or each one would find some more to be done. */
TEST(test_a_vacuum_that_finds_nothing_to_do_leaves_nothing_to_be_done) {
    make_world_of_rows(240000);
    tree->host.room = NULL;
    for (uint64_t left = 0; left < 3 << 20; left += 100000) {
        budget.left = left;
        vacuum_rows();
        ck_assert_uint_eq(info().log_rows, 0);
    }
}

static int ask_with(uint64_t bytes, unsigned request) {
    struct art_commit commit;
    budget.left = bytes;
    must(art_tree_request(tree, request));
    int rc = art_tree_prepare(tree, &commit);
    if (!rc) toy_write(toy, &commit);
    if (!rc) art_tree_committed(tree);
    if (rc) art_tree_rolled_back(tree);
    must(toy_refresh(toy, tree));
    return rc;
}

static int flush_with(uint64_t bytes) {
    put_file(1);
    return ask_with(bytes, ART_REQUEST_FLUSH);
}

/* A COMMIT of a vacuum alone was refused when all that there was room for was a row of redo, without a change. Later
 * there is no room for anything: the row is in the log, and others may have seen its number. */
LOOP_TEST(test_a_row_that_a_refused_vacuum_has_left_has_a_number_that_is_not_given_again, 3) {
    enum { UNTOUCHED, BACK_TO_A_SAVEPOINT, ANOTHER_COMMAND, FILES = 8000 };
    struct art_commit commit_of;
    struct art_tree *reader;
    uint32_t mark;
    make_world_of_rows(FILES);
    put_file(1);
    commit();
    art_tree_close(tree); /* for the first row nothing tells beforehand how long it is */
    must(toy_open(toy, &options, &tree));
    toy->writer = tree;
    must(toy_refresh(toy, tree));
    tree->host.budget = budget_of_the_disk;
    must(art_tree_request(tree, ART_REQUEST_OPTIMIZE | ART_REQUEST_VACUUM));
    looks = 1;
    must(art_tree_prepare(tree, &commit_of));
    ck_assert(commit_of.write_redo && !commit_of.write_root);
    toy_write(toy, &commit_of);
    if (_i == BACK_TO_A_SAVEPOINT) {
        must(art_tree_savepoint(tree, &mark));
        art_tree_rollback_to(tree, mark);
        must(art_tree_request(tree, ART_REQUEST_OPTIMIZE | ART_REQUEST_VACUUM));
    }
    if (_i == ANOTHER_COMMAND) must(art_tree_request(tree, ART_REQUEST_FLUSH));
    budget.left = 0;
    int rc = art_tree_prepare(tree, &commit_of);
    if (!rc) toy_write(toy, &commit_of);
    if (!rc) art_tree_committed(tree);
    ck_assert_int_eq(rc, ART_OK);
    reader = another_tree();
    ck_assert_uint_eq(reader->csn, tree->csn);
    art_tree_close(reader);
    budget.left = UINT64_MAX;
}

/* Who adds rows is refused while 'vacuum' still finds room; who deletes many, or keeps a snapshot beside it, too. */
TEST(test_the_room_for_rows_that_vacuum_needs_is_kept) {
    enum { FILES = 240000, KEPT = 128 << 10, REMOVED = 1 << 20, A_ROW = 4096, PORTION = 2 << 20 };
    enum { RESERVE = ((3 << 20) + REMOVED) / 8 * 12 + KEPT };
    uint64_t redo;
    make_world_of_rows(FILES);
    ck_assert_int_eq(flush_with(RESERVE + A_ROW), ART_OK);
    ck_assert_int_eq(flush_with(RESERVE - 1), ART_DISKFULL);
    ck_assert_ptr_nonnull(strstr(art_error_message(), "DELETE rows, then art_vacuum()"));
    put_file(FILES);
    refused(art_tree_spill(tree), ART_DISKFULL, "are kept for deletes");
    roll_back();
    tree->host.room = room_of_the_disk;
    room = 1 << 20;
    ck_assert_int_eq(flush_with(UINT64_MAX), ART_DISKFULL);
    budget.unused = 8 << 20; /* free pages of the database */
    ck_assert_int_eq(flush_with(UINT64_MAX), ART_OK);
    budget = (struct art_budget){.left = PORTION + KEPT};
    ck_assert_int_eq(delete_files(0, 10000, UINT64_MAX, &redo), ART_DISKFULL);
    must(toy_refresh(toy, tree));
    must(delete_files(0, 100, UINT64_MAX, &redo));
    ck_assert_int_eq(ask_with(RESERVE - 1, ART_REQUEST_SNAPSHOT), ART_DISKFULL);
    ck_assert_int_eq(ask_with(RESERVE - 1, ART_REQUEST_FLUSH), ART_DISKFULL);
    ck_assert_int_eq(ask_with(2 * RESERVE, ART_REQUEST_OPTIMIZE), ART_DISKFULL);
    ck_assert_int_eq(ask_with(2 * RESERVE, ART_REQUEST_FLUSH), ART_OK);
    expect_rows(FILES - 100);
}

/* As one thing it takes room before it gives any. */
TEST(test_a_directory_without_room_is_deleted_row_by_row_and_moved_only_where_the_reserve_stays) {
    enum { FILES = 24000, IN_DIRECTORY = 100 };
    struct art_range range;
    uint8_t end[20];
    uint64_t changed;
    bool taken;
    make_world_of_rows(FILES);
    art_test_hooks.as_one = true;
    budget.left = 1 << 20;
    int rc = art_tree_move_prefix(tree, text("files/file-0001"), text("moved/"), false, &changed, &taken);
    refused(rc, ART_DISKFULL, "are kept for deletes");
    art_range_of_prefix(text("files/file-0001"), end, &range);
    must(art_tree_delete_range(tree, &range, &changed));
    ck_assert_uint_eq(changed, IN_DIRECTORY);
    commit();
    expect_rows(FILES - IN_DIRECTORY);
    ck_assert_uint_eq(tree->count.directory_rows, 0);
    budget.left = UINT64_MAX;
    tree->host.room = room_of_the_disk; /* as that of a table with its blobs in a file */
    room = info().blob_bytes / 3 + 1000;
    rc = art_tree_move_prefix(tree, text("files/file-0002"), text("moved/"), true, &changed, &taken);
    refused(rc, ART_DISKFULL, "are kept for deletes");
    room = UINT64_MAX;
    must(art_tree_move_prefix(tree, text("files/file-0002"), text("moved/"), false, &changed, &taken));
    commit();
    ck_assert_uint_eq(tree->count.directory_rows, IN_DIRECTORY);
    expect_rows(FILES - IN_DIRECTORY);
}

int main(void) {
    return suite_run("tree, vacuum", .seconds = 120, .tear_down = end_world);
}
