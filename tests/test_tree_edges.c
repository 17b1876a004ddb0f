/* A tree where it is used as hosts rarely do: keys past the limit, a run so deep that its children are folded on the way,
 * cursors that outlive their tree, redo rows that the host cannot take, a log of another history, roots and young lists that
 * somebody made up; and what is drawn for people.
 */
#include <check.h>
#include <stdio.h>

#include "core/store/cache.h"
#include "core/store/private.h"
#include "core/tree/private.h"
#include "core/tree/root_format.h"
#include "tests/support/sim_disk.h"
#include "tests/support/tree_world.h"

static struct sim_disk *disk;
static struct toy *toy;
static struct art_tree *tree;
static struct art_tree_options options;

static void must(int rc) {
    ck_assert_msg(rc == ART_OK, "%s: %s", art_error_name(rc), art_error_message());
}

static void refused(int rc, int code, const char *says) {
    ck_assert_msg(rc == code, "%s, not %s: %s", art_error_name(rc), art_error_name(code), says);
    ck_assert_msg(strstr(art_error_message(), says) != NULL, "\"%s\" for: %s", art_error_message(), says);
}

static void open_tree(void) {
    must(toy_open(toy, &options, &tree));
    must(toy_refresh(toy, tree));
}

static void make_world(bool wal) {
    uint8_t byte = 0;
    disk = sim_disk_new(3);
    sim_disk_put_file(disk, "a.db", &byte, 1);
    options = (struct art_tree_options){.disk = sim_disk_art(disk),
                                        .path = "a.db-t-12345678.art",
                                        .host_path = "a.db",
                                        .cache_bytes = 1 << 20,
                                        .log_limit = 1 << 20,
                                        .spill_limit = 1 << 28};
    toy = toy_new(wal);
    open_tree();
}

static void end_world(void) {
    art_tree_close(tree);
    toy_free(toy);
    sim_disk_free(disk);
}

static void commit(void) {
    struct art_commit commit;
    must(art_tree_prepare(tree, &commit));
    toy_write(toy, &commit);
    art_tree_committed(tree);
    must(toy_refresh(toy, tree));
}

static void flush(void) {
    must(art_tree_request_flush(tree));
    commit();
}

static struct art_bytes text(const char *bytes) {
    return art_bytes(bytes, (uint32_t)strlen(bytes));
}

static void put(const char *key, const char *value) {
    bool existed;
    must(art_tree_insert(tree, ART_WRITE_REPLACE, text(key), text(value), &existed));
}

static uint64_t rows(void) {
    uint64_t count;
    must(art_tree_count(tree, &(struct art_range){0}, &count));
    return count;
}

/* --- keys ---------------------------------------------------------------------------------------------------------- */

START_TEST(test_a_path_past_the_limit_is_no_row_and_no_error_of_a_reader) {
    static uint8_t bytes[ART_PATH_MAX + 20];
    make_world(false);
    memset(bytes, 'x', sizeof bytes);
    struct art_bytes longest = art_bytes(bytes, ART_PATH_MAX), over = art_bytes(bytes, ART_PATH_MAX + 5);
    bool existed;
    struct art_row row;
    uint64_t count;
    refused(art_tree_insert(tree, ART_WRITE_REPLACE, over, text("v"), &existed), ART_TOOBIG, "store a shorter path");
    put("a", "first");
    must(art_tree_insert(tree, ART_WRITE_REPLACE, longest, text("v"), &existed));
    put("y", "last");
    for (int stage = 0; stage < 2; stage++) {
        ck_assert_int_eq(art_tree_get(tree, over, &row), ART_NOTFOUND);
        must(art_tree_delete(tree, over, &existed));
        ck_assert(!existed);
        refused(art_tree_move(tree, ART_WRITE_REPLACE, text("a"), over, NULL, &existed), ART_TOOBIG, "shorter path");
        refused(art_tree_move(tree, ART_WRITE_REPLACE, over, text("b"), NULL, &existed), ART_TOOBIG, "shorter path");

        /* as a bound it stands behind the longest key that it begins with */
        must(art_tree_count(tree, &(struct art_range){.low = over, .low_set = true}, &count));
        ck_assert_uint_eq(count, 1);
        must(art_tree_count(tree, &(struct art_range){.high = over, .high_set = true}, &count));
        ck_assert_uint_eq(count, 2);
        struct art_cursor *cursor;
        must(art_cursor_open(tree, &cursor));
        must(art_cursor_seek(cursor, &(struct art_range){.low = over, .low_set = true}, false));
        ck_assert(art_cursor_valid(cursor) && art_bytes_equal(art_cursor_key(cursor), text("y")));
        must(art_cursor_seek(cursor, &(struct art_range){.high = over, .high_set = true}, true));
        ck_assert(art_cursor_valid(cursor) && art_bytes_equal(art_cursor_key(cursor), longest));
        must(art_cursor_skip_prefix(cursor, 1));
        ck_assert(art_cursor_valid(cursor) && art_bytes_equal(art_cursor_key(cursor), text("a")));
        art_cursor_close(cursor);

        struct art_buffer found = {0};
        must(art_tree_longest_prefix(tree, over, art_bytes(NULL, 0), &found));
        ck_assert_uint_eq(found.len, ART_PATH_MAX);
        found.len = 0;
        ck_assert_int_eq(art_tree_longest_prefix(tree, over, text("/"), &found), ART_NOTFOUND);
        art_buffer_clear(&found);
        if (!stage) flush();
    }
    must(art_tree_check(tree));
    end_world();
}
END_TEST

/* --- runs ---------------------------------------------------------------------------------------------------------- */

enum { LONG_ROWS = 450, LONG_KEY = 60000 };

static struct art_bytes long_key(uint8_t *bytes, unsigned i) {
    memset(bytes, 'k', LONG_KEY);
    sprintf((char *)bytes + LONG_KEY - 7, "%06u", i);
    return art_bytes(bytes, LONG_KEY - 1);
}

/* Separators of 60 KB: so many wait for their index blob that they are folded before the run is complete. */
START_TEST(test_a_deep_run_is_folded_on_the_way_and_keeps_every_row) {
    static uint8_t bytes[LONG_KEY];
    bool existed;
    make_world(false);
    options.blob_pages = 80;
    art_tree_close(tree);
    open_tree();
    for (unsigned i = 0; i < LONG_ROWS; i++) {
        struct art_bytes key = long_key(bytes, i);
        must(art_tree_insert(tree, ART_WRITE_REPLACE, key, art_bytes(bytes + LONG_KEY - 7, 6), &existed));
    }
    flush();
    ck_assert_uint_eq(tree->root->runs, 1);
    ck_assert_uint_ge(tree->root->run[0].top.level, 3);
    ck_assert_uint_eq(rows(), LONG_ROWS);
    must(art_tree_check(tree));
    for (unsigned i = 0; i < LONG_ROWS; i += 7) {
        struct art_row row;
        must(art_tree_get(tree, long_key(bytes, i), &row));
        ck_assert(art_bytes_equal(row.stored, art_bytes(bytes + LONG_KEY - 7, 6)));
        art_row_release(&row);
    }
    struct art_cursor *cursor;
    must(art_cursor_open(tree, &cursor));
    must(art_cursor_seek(cursor, &(struct art_range){0}, true));
    for (unsigned i = LONG_ROWS; i--; must(art_cursor_next(cursor))) {
        ck_assert(art_cursor_valid(cursor) && art_bytes_equal(art_cursor_key(cursor), long_key(bytes, i)));
    }
    ck_assert(!art_cursor_valid(cursor));
    must(art_cursor_seek(cursor, &(struct art_range){0}, false));
    must(art_cursor_skip(cursor, 200));
    ck_assert(art_cursor_valid(cursor) && art_bytes_equal(art_cursor_key(cursor), long_key(bytes, 200)));
    art_cursor_close(cursor);

    /* a change in the middle, merged into it */
    for (unsigned i = 100; i < 110; i++) must(art_tree_delete(tree, long_key(bytes, i), &existed));
    must(art_tree_request_optimize(tree));
    commit();
    ck_assert_uint_eq(tree->root->runs, 1);
    ck_assert_uint_eq(rows(), LONG_ROWS - 10);
    must(art_tree_check(tree));
    end_world();
}
END_TEST

/* --- cursors ------------------------------------------------------------------------------------------------------- */

START_TEST(test_a_cursor_that_outlives_its_tree_can_only_be_closed) {
    make_world(false);
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
    end_world();
}
END_TEST

START_TEST(test_cursors_may_be_closed_in_any_order) {
    make_world(false);
    struct art_cursor *cursor[4];
    put("a", "1");
    for (int i = 0; i < 4; i++) must(art_cursor_open(tree, &cursor[i]));
    for (int i = 0; i < 4; i++) must(art_cursor_seek(cursor[i], &(struct art_range){0}, i % 2));
    art_cursor_close(cursor[1]);
    art_cursor_close(cursor[3]);
    art_cursor_close(cursor[0]);
    ck_assert(art_cursor_valid(cursor[2]) && art_bytes_equal(art_cursor_key(cursor[2]), text("a")));
    art_cursor_close(cursor[2]);
    art_tree_rolled_back(tree);
    end_world();
}
END_TEST

/* --- the log ------------------------------------------------------------------------------------------------------- */

START_TEST(test_a_redo_row_that_the_host_cannot_take_is_flushed_instead) {
    make_world(false);
    options.row_limit = 300;
    art_tree_close(tree);
    open_tree();
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
    end_world();
}
END_TEST

START_TEST(test_garbage_of_rolled_back_changes_is_given_back) {
    static char value[4000];
    make_world(false);
    options.log_limit = 64 << 20;
    art_tree_close(tree);
    open_tree();
    put("kept", "row");
    commit();
    for (int round = 0; round < 6; round++) {
        for (int i = 0; i < 100; i++) {
            char key[20];
            sprintf(key, "key-%02d", i);
            memset(value, 'a' + round, sizeof value - 1);
            put(key, value);
        }
        art_tree_rolled_back(tree);
        must(toy_refresh(toy, tree));
    }
    size_t before = art_delta_memory(tree->delta);
    ck_assert_uint_gt(art_delta_garbage(tree->delta), 1 << 20);
    struct art_cursor *cursor;
    must(art_cursor_open(tree, &cursor));
    must(art_cursor_seek(cursor, &(struct art_range){0}, false));
    put("another", "row");
    ck_assert_uint_lt(art_delta_memory(tree->delta), before / 2);
    ck_assert(art_cursor_valid(cursor) && art_bytes_equal(art_cursor_key(cursor), text("kept")));
    must(art_cursor_next(cursor));
    ck_assert(!art_cursor_valid(cursor));
    art_cursor_close(cursor);
    commit();
    ck_assert_uint_eq(rows(), 2);
    must(art_tree_check(tree));
    end_world();
}
END_TEST

/* Histories of one table that part somewhere, as after restored copies: whatever the numbers say, a tree that was in one of
 * them and is given another one's log stands where a new one would. */
START_TEST(test_a_log_of_another_history_is_read_from_its_root) {
    enum { HISTORIES = 14 };
    struct random random = {random_seed()};
    printf("histories: ART_TEST_SEED=%llu\n", (unsigned long long)random.state);
    fflush(stdout);
    make_world(true);
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
        open_tree();
        for (unsigned n = random_below(&random, 5); n--;) {
            char key[20];
            sprintf(key, "%u-%u", i, n);
            put(key, "value");
            if (random_once_in(&random, 2)) must(art_tree_request_flush(tree));
            commit();
        }
        art_tree_close(tree);
    }
    for (unsigned step = 0; step < 600; step++) {
        unsigned i = random_below(&random, HISTORIES);
        toy = history[i];
        options.path = path[i];
        must(art_tree_use_file(moving, path[i]));
        must(toy_refresh(toy, moving));
        tree = moving;
        uint64_t count = rows();
        open_tree();
        fresh = tree;
        ck_assert_uint_eq(count, rows());
        ck_assert_uint_eq(moving->csn, fresh->csn);
        ck_assert(art_hash128_equal(moving->chain, fresh->chain));
        ck_assert_uint_eq(moving->root->generation, fresh->root->generation);
        ck_assert_uint_eq(moving->root->runs, fresh->root->runs);
        for (unsigned run = 0; run < fresh->root->runs; run++) {
            ck_assert(art_hash128_equal(moving->root->run[run].top.hash, fresh->root->run[run].top.hash));
        }
        ck_assert_uint_eq(art_delta_keys(moving->delta), art_delta_keys(fresh->delta));
        ck_assert_int_eq(art_delta_count(moving->delta), art_delta_count(fresh->delta));
        art_tree_close(fresh);
    }
    tree = moving;
    toy = history[0];
    for (unsigned i = 1; i < HISTORIES; i++) toy_free(history[i]);
    end_world();
}
END_TEST

START_TEST(test_a_log_with_a_hole_is_damage_and_not_a_state) {
    make_world(false);
    for (char key[] = "a"; *key <= 'e'; ++*key) {
        put(key, "value");
        commit();
    }
    art_tree_close(tree);
    must(toy_open(toy, &options, &tree));
    ck_assert_uint_eq(toy->log.rows, 6);
    struct toy_log whole = toy->log;
    memmove(&toy->log.row[2], &toy->log.row[3], 3 * sizeof toy->log.row[0]);
    toy->log.rows--;
    refused(toy_refresh(toy, tree), ART_CORRUPT, "rows do not follow each other");
    ck_assert(art_tree_unknown(tree));
    toy->log = whole;
    memmove(&toy->log.row[0], &toy->log.row[1], 5 * sizeof toy->log.row[0]);
    toy->log.rows--;
    refused(toy_refresh(toy, tree), ART_CORRUPT, "the root is missing");
    toy->log.rows = 0;
    refused(toy_refresh(toy, tree), ART_CORRUPT, "empty or was replaced");
    toy->log = whole;
    must(toy_refresh(toy, tree));
    ck_assert_uint_eq(rows(), 5);
    put("f", "value");
    uint64_t from;
    refused(art_tree_refresh_begin(tree, &from), ART_MISUSE, "inside a transaction");
    art_tree_rolled_back(tree);
    end_world();
}
END_TEST

/* The log that is asked for is another one than the tree was refreshed from. */
START_TEST(test_the_check_compares_what_is_in_memory_with_the_log) {
    make_world(false);
    put("a", "1");
    commit();
    put("b", "2");
    commit();
    must(art_tree_check(tree));
    struct toy_log whole = toy->log;
    toy->log.rows--;
    refused(art_tree_check(tree), ART_CORRUPT, "another row than the log's last");
    toy->log = whole;
    struct art_hash128 chain = tree->chain;
    tree->chain.low++;
    refused(art_tree_check(tree), ART_CORRUPT, "another row than the log's last");
    tree->chain = chain;
    tree->root->generation++;
    refused(art_tree_check(tree), ART_CORRUPT, "another root than the log");
    tree->root->generation--;

    struct art_entry good, entry;
    uint8_t key[2 + ART_KEY_PADDING] = {ART_SPACE_ROWS, 'a'};
    must(art_delta_get(tree->delta, art_bytes(key, 2), &good));
    struct art_entry others[] = {good, good, good};
    others[0].value = text("3");
    others[1].csn++;
    others[2].flags |= ART_OVER;
    for (unsigned i = 0; i < 3; i++) {
        must(art_delta_set(tree->delta, art_bytes(key, 2), &others[i]));
        refused(art_tree_check(tree), ART_CORRUPT, "other rows in memory than the log");
        must(art_delta_set(tree->delta, art_bytes(key, 2), &good));
        must(art_tree_check(tree));
    }
    key[1] = '_';
    entry = good;
    entry.flags = ART_DELETE;
    entry.value.len = 0;
    must(art_delta_set(tree->delta, art_bytes(key, 2), &entry));
    refused(art_tree_check(tree), ART_CORRUPT, "other rows in memory than the log");
    end_world();
}
END_TEST

/* --- what somebody made up ----------------------------------------------------------------------------------------- */

static void root_refused(struct art_buffer *bytes, const char *says) {
    struct art_root *root;
    art_store64(bytes->data + bytes->len - 8, art_hash64(bytes->data, bytes->len - 8));
    refused(art_root_decode(art_buffer_bytes(bytes), &root), ART_CORRUPT, says);
}

START_TEST(test_a_root_that_makes_no_sense_is_refused_whatever_its_checksum) {
    make_world(false);
    put("a", "1");
    flush();
    struct art_buffer good = {0}, bytes = {0};
    struct art_root *root;
    must(art_root_encode(tree->root, &good));
    must(art_root_decode(art_buffer_bytes(&good), &root));
    ck_assert_uint_eq(root->runs, 1);
    art_root_unref(root);
    struct lie {
        size_t at;
        uint8_t byte;
        const char *says;
    } lies[] = {
        {offsetof(struct art_root_header, format), 9, "use a newer sqlite-art"},
        {offsetof(struct art_root_header, runs), 0, "makes no sense"},
        {offsetof(struct art_root_header, runs), 2, "makes no sense"},
        {offsetof(struct art_root_header, runs), 255, "makes no sense"},
        {offsetof(struct art_root_header, csn) + 7, 1, "makes no sense"},
        {offsetof(struct art_root_header, generation) + 7, 1, "makes no sense"},
        {sizeof(struct art_root_header) + offsetof(struct art_root_run, ref_len), 5, "makes no sense"},
        {sizeof(struct art_root_header) + offsetof(struct art_root_run, ref_len) + 2, 5, "makes no sense"},
        {sizeof(struct art_root_header) + sizeof(struct art_root_run) + 4, 99, "makes no sense"},
        {offsetof(struct art_root_header, magic), 0, "does not match its checksum"},
    };
    for (unsigned i = 0; i < sizeof lies / sizeof *lies; i++) {
        bytes.len = 0;
        must(art_buffer_append(&bytes, good.data, good.len));
        bytes.data[lies[i].at] = lies[i].byte;
        root_refused(&bytes, lies[i].says);
    }
    bytes.len = 0;
    must(art_buffer_append(&bytes, good.data, good.len - 60));
    root_refused(&bytes, "makes no sense");
    bytes.len = 0;
    must(art_buffer_append(&bytes, good.data, sizeof(struct art_root_header) + 8 + 10));
    root_refused(&bytes, "makes no sense");
    refused(art_root_decode(art_bytes(good.data, 47), &root), ART_CORRUPT, "cut short");
    art_buffer_clear(&good);
    art_buffer_clear(&bytes);
    end_world();
}
END_TEST

/* One blob, led to as a leaf by one reference and as something else by another, which has its hash. */
START_TEST(test_a_blob_that_is_at_hand_is_not_taken_for_what_another_reference_says) {
    make_world(false);
    put("a", "1");
    put("c", "2");
    flush();
    struct art_run good = tree->root->run[0];
    for (unsigned i = 0; i < 7; i++) {
        struct art_run lie = good;
        switch (i) {
        case 0:
            lie.top.level = 1;
            break;
        case 1:
            lie.top.entries++;
            break;
        case 2:
            lie.top.count--;
            break;
        case 3:
            lie.top.generation++;
            break;
        case 4:
            lie.top.leaf_pages++;
            break;
        case 5:
            lie.top.head_pages++;
            break;
        default:
            lie.top.label.len--;
        }
        must(art_root_insert_run(tree->root, 1, &lie));
        tree->changes++;
        for (unsigned held = 0; held < 2; held++) {
            struct art_row row;
            struct art_cursor *cursor;
            uint64_t count;
            must(art_tree_get(tree, text("a"), &row)); /* by the first run; the blob is here now */
            if (!held) art_row_release(&row);
            refused(art_tree_get(tree, text("ab"), &(struct art_row){0}), ART_CORRUPT, "its reference");
            refused(art_tree_count(tree, &(struct art_range){.low = text("ab"), .low_set = true}, &count), ART_CORRUPT,
                    "its reference");
            must(art_cursor_open(tree, &cursor));
            refused(art_cursor_seek(cursor, &(struct art_range){0}, held), ART_CORRUPT, "its reference");
            art_cursor_close(cursor);
            if (held) art_row_release(&row);
        }
        art_root_remove_run(tree->root, 1);
        ck_assert_uint_eq(rows(), 2);
    }
    end_world();
}
END_TEST

START_TEST(test_a_root_takes_no_more_runs_than_it_has_room_for) {
    struct art_root *root = art_root_new((const uint8_t[16]){0});
    struct art_run run = {.top = {.slot = 1, .leaf_pages = 1, .head_pages = 1, .entries = 1}};
    for (unsigned i = 0; i < ART_RUNS_CAPACITY; i++) must(art_root_insert_run(root, i, &run));
    refused(art_root_insert_run(root, 0, &run), ART_TOOBIG, "too many runs");
    ck_assert_uint_eq(root->runs, ART_RUNS_CAPACITY);
    art_root_unref(root);
}
END_TEST

START_TEST(test_a_young_list_that_makes_no_sense_stops_the_writer) {
    make_world(true);
    put("a", "1");
    flush();
    static const struct {
        uint8_t bytes[24];
        unsigned len;
    } lists[] = {
        {{1, 1}, 10},                                                        /* no count */
        {{2, 1}, 12},                                                        /* another version */
        {{1, 9}, 12},                                                        /* another kind */
        {{[0] = 1, [1] = 1, [10] = 0x80}, 11},                               /* a count that does not end */
        {{[0] = 1, [1] = 1, [10] = 2, [11] = 3}, 12},                        /* one slot of two */
        {{[0] = 1, [1] = 1, [10] = 1, [11] = 0}, 12},                        /* slot 0 */
        {{[0] = 1, [1] = 1, [10] = 2, 3, 0}, 13},                            /* one slot twice */
        {{[0] = 1, [1] = 1, [10] = 1, 0xff, 0xff, 0xff, 0xff, 0x10}, 16},    /* past the last slot */
        {{[0] = 1, [1] = 1, [10] = 2, 0xfe, 0xff, 0xff, 0xff, 0x0f, 9}, 17}, /* and by two steps */
        {{[0] = 1, [1] = 1, [10] = 1, 3, 3}, 13},                            /* bytes behind it */
    };
    struct art_buffer good = toy->young;
    for (unsigned i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct art_commit commit_of;
        toy->young = (struct art_buffer){.data = (uint8_t *)lists[i].bytes, .len = lists[i].len};
        put("b", "2");
        must(art_tree_request_flush(tree));
        refused(art_tree_prepare(tree, &commit_of), ART_CORRUPT, "the list of young slots makes no sense");
        refused(art_tree_check(tree), ART_CORRUPT, "the list of young slots makes no sense");
        art_tree_rolled_back(tree);
        ck_assert_uint_eq(rows(), 1);
    }
    toy->young = good;
    put("b", "2");
    flush();
    must(art_tree_check(tree));
    ck_assert_uint_eq(rows(), 2);
    end_world();
}
END_TEST

/* --- for people ----------------------------------------------------------------------------------------------------- */

static char *drawn(void (*draw)(FILE *out)) {
    static char *shown;
    static size_t size;
    FILE *out = open_memstream(&shown, &size);
    draw(out);
    fclose(out);
    return shown;
}

static void draw_tree(FILE *out) {
    art_tree_dump(tree, out);
}

static void draw_store(FILE *out) {
    art_store_dump(tree->store, out);
}

static void draw_superblock(FILE *out) {
    uint64_t len;
    art_superblock_dump((const void *)sim_disk_file_bytes(disk, options.path, &len), out);
}

static void shows(void (*draw)(FILE *out), const char *what) {
    char *text_of = drawn(draw);
    ck_assert_msg(strstr(text_of, what) != NULL, "\"%s\" is not in:\n%s", what, text_of);
    free(text_of);
}

START_TEST(test_tree_store_cache_and_superblock_are_drawn_as_they_are) {
    make_world(false);
    art_tree_forget(tree);
    shows(draw_tree, "csn 0, generation 0, root csn 0, unknown\n");
    shows(draw_store, "not open, 0 bytes, not writing\n");
    must(toy_refresh(toy, tree));
    put("a", "1");
    put("b", "2");
    flush();
    put("c", "3");
    commit();
    ck_assert_uint_eq(rows(), 3);
    shows(draw_tree, "tree a.db-t-12345678.art: csn 2, generation 1, root csn 1\n");
    shows(draw_tree, "  delta: 1 keys, ");
    shows(draw_tree, "  run 0: level 2, 2 entries, count 2, 1 blobs, 2 pages, top slot 1, depth 0\n");
    struct art_row row;
    must(art_tree_get(tree, text("a"), &row));
    shows(draw_store, "  holds slot 1, generation 1, ");
    shows(art_cache_dump, "slot 1: ");
    art_row_release(&row);
    shows(draw_superblock, "superblock: format 1, slots of 524288 bytes, sum good\n");
    shows(draw_superblock, "host a.db\n");
    must(art_store_check(tree->store));
    must(art_cache_check());

    put("d", "4");
    sim_disk_fail(disk, SIM_SYNC, 1, ART_IO, false);
    must(art_tree_request_flush(tree));
    struct art_commit commit_of;
    ck_assert_int_eq(art_tree_prepare(tree, &commit_of), ART_IO);
    shows(draw_store, ", writing, poisoned: ");
    art_tree_rolled_back(tree);
    sim_disk_corrupt(disk, options.path, 0, 3);
    sim_disk_corrupt(disk, options.path, ART_PAGE + 30, 3);
    shows(draw_superblock, "sum bad\n");
    end_world();

    options = (struct art_tree_options){.cache_bytes = 1 << 20};
    toy = toy_new(false);
    disk = sim_disk_new(1);
    open_tree();
    shows(draw_tree, "tree in memory: csn 0");
    shows(draw_store, "store in memory: ");
    end_world();
}
END_TEST

int main(void) {
    Suite *suite = suite_create("tree, edges");
    TCase *tests = tcase_create("edges");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, test_a_path_past_the_limit_is_no_row_and_no_error_of_a_reader);
    tcase_add_test(tests, test_a_deep_run_is_folded_on_the_way_and_keeps_every_row);
    tcase_add_test(tests, test_a_cursor_that_outlives_its_tree_can_only_be_closed);
    tcase_add_test(tests, test_cursors_may_be_closed_in_any_order);
    tcase_add_test(tests, test_a_redo_row_that_the_host_cannot_take_is_flushed_instead);
    tcase_add_test(tests, test_garbage_of_rolled_back_changes_is_given_back);
    tcase_add_test(tests, test_a_log_of_another_history_is_read_from_its_root);
    tcase_add_test(tests, test_a_log_with_a_hole_is_damage_and_not_a_state);
    tcase_add_test(tests, test_the_check_compares_what_is_in_memory_with_the_log);
    tcase_add_test(tests, test_a_root_that_makes_no_sense_is_refused_whatever_its_checksum);
    tcase_add_test(tests, test_a_blob_that_is_at_hand_is_not_taken_for_what_another_reference_says);
    tcase_add_test(tests, test_a_root_takes_no_more_runs_than_it_has_room_for);
    tcase_add_test(tests, test_a_young_list_that_makes_no_sense_stops_the_writer);
    tcase_add_test(tests, test_tree_store_cache_and_superblock_are_drawn_as_they_are);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
