/* The check of the log, of memory, and of rows and large values: each kind of damage is made, alone, and must be named.
 * test_check_blobs.c has the blobs and slots. */
#include "core/memtable/inside.h"
#include "core/memtable/redo_reader.h"
#include "core/store/private.h"
#include "tests/support/check_world.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"
#include "tests/support/toy_codec.h"
#include "tests/support/toy_summary.h"

/* What is planted stays where it is until somebody looks. */
static enum art_rc leave_as_it_is(struct art_tree *tree, struct art_version_edit *edit) {
    return ART_OK;
}

static struct art_bytes word(const char *text) {
    return art_bytes((const uint8_t *)text, (uint32_t)strlen(text));
}

static void set_up(void) {
    art_test_hooks.merge = leave_as_it_is;
    check_enough = 0;
    toy_codec_lend(true);
    check_world_new(3);
}

static uint64_t now(void) {
    return tree->csn + 1; /* of the transaction that plants */
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

/* In the log, and then as a run. */
static void finds_in_log_and_run(const char *words) {
    check_finds(words);
    flush();
    check_finds(words);
    must(check_reopen());
    check_finds(words);
}

#define TEN(x) x x x x x x x x x x

/* A row, or what is to be none (its key is the tree's, and readable behind its end). A csn is the transaction's, or
 * less or more. */
enum { IN_THE_LOG = 1, ANY_KEY = 2, REACHED = -1000000 };
static const struct {
    const char *key, *value;
    int csn;
    uint8_t flags;
    unsigned how;
    const char *says;
} planted[] = {
    {"new", "x", 0, ART_SHADOWS_OLDER, 0, "row 'new': what it replaces is in no run below"},
    {"no\nwhere'", "", 0, ART_DELETE | ART_SHADOWS_OLDER, 0,
     "row 'no\\x0awhere\\x27': what it replaces is in no run below"},
    {TEN("pppppppp"), "x", 0, ART_SHADOWS_OLDER, IN_THE_LOG, "row '" TEN("pppp") "...': what"},
    {"dir-0001/file-00105", "x", 0, 0, 0, "row 'dir-0001/file-00105': it is to be new, but the row is there below it"},
    {"dir-0001/file-00111", "x", REACHED, ART_SHADOWS_OLDER, IN_THE_LOG,
     "row 'dir-0001/file-00111': an older run has a newer version"}, /* the second run's is 2 */
    {"new", "x", 1000, 0, IN_THE_LOG, "row 'new': a version that the table has not reached"},
    {"\7abc" TEN("\0"), "x", 0, 0, ANY_KEY,
     "row 'abc': its key begins with a byte that stands for neither rows nor chunks"},
    {"\0" TEN("\0\0"), "x", 0, 0, ANY_KEY,
     "row '': its key begins with a byte that stands for neither rows nor chunks"},
    {"\2abc" TEN("\0\0"), "x", 0, 0, ANY_KEY, "chunk 'abc': a chunk's key has another length"},
    {"new", "short", 0, ART_OVERFLOW, 0, "row 'new': a reference to chunks that cannot be decoded"},
};

LOOP_TEST(test_a_row_that_cannot_be_is_named, sizeof planted / sizeof *planted) {
    const char *key = planted[_i].key;
    uint64_t csn = planted[_i].csn == REACHED ? 1 : now() + (uint64_t)planted[_i].csn;
    struct art_bytes of = planted[_i].how & ANY_KEY ? word(key) : check_row_key(key);
    check_plant(of, word(planted[_i].value), csn, planted[_i].flags);
    if (planted[_i].how & IN_THE_LOG)
        check_finds(planted[_i].says);
    else
        finds_in_log_and_run(planted[_i].says);
}

TEST(test_a_row_that_replaces_what_is_deleted) {
    check_plant(check_row_key("dir-0001/file-00101"), word("x"), now(), ART_SHADOWS_OLDER);
    check_finds("row 'dir-0001/file-00101': it is to replace a row that is deleted below it");
    commit(); /* a merge would refuse it */
    check_finds("row 'dir-0001/file-00101': it is to replace a row that is deleted below it");
}

/* Many, so that they fill pages, which a merge would rather copy. */
TEST(test_a_merge_refuses_pages_of_rows_that_replace_what_is_nowhere) {
    struct art_commit commit;
    char path[40];
    for (int i = 0; i < 1000; i++) {
        snprintf(path, sizeof path, "new-%04d/file-%05d", i / 100, i);
        check_plant(check_row_key(path), word("x"), now(), ART_SHADOWS_OLDER);
    }
    flush();
    must(art_tree_request(tree, ART_REQUEST_OPTIMIZE));
    ck_assert_int_eq(art_tree_prepare(tree, &commit), ART_CORRUPT);
    ck_assert_ptr_nonnull(strstr(art_error_message(), "refers to a row that no run below it has"));
    art_tree_rolled_back(tree);
}

/* The log has come as far, but the root that names the blob has not. */
TEST(test_a_version_that_the_root_has_not_reached) {
    check_plant(check_row_key("new"), word("x"), now() + 1, 0);
    flush();
    put_at(text("more"), word("y"));
    commit();
    check_finds("a version that the table has not reached");
    ck_assert_uint_ne(check_told[0].slot, ART_NOWHERE);
}

TEST(test_a_row_without_a_version) {
    check_plant(check_row_key("new"), word("x"), 0, 0);
    finds_in_log_and_run("row 'new': a version that the table has not reached");
}

TEST(test_a_value_too_long_for_one_entry) {
    check_plant(check_row_key("new"), check_large(ART_VALUE_INLINE_MAX + 1, 1), now(), 0);
    check_finds("row 'new': a value too long for one entry");
}

/* --- large values ------------------------------------------------------------------------------------------------- */

enum { BIG = 10000, BIG_CSN = 1 }; /* "big/0": three chunks of the first transaction, whose counter began at 0 */

static const struct {
    uint64_t length, csn;
    const char *says;
} references[] = {
    {ART_VALUE_MAX + 1, 0, "row 'new': its value is longer than any can be"},
    {5000, 3, "row 'new': its value is newer than the row"},
    {5000, 0, "row 'new': chunk 0 of its value is missing"},
};

LOOP_TEST(test_a_reference_to_what_cannot_be_is_named, 3) {
    struct art_bytes reference = check_reference(references[_i].length, now() + references[_i].csn, 5, 0);
    check_plant(check_row_key("new"), reference, now(), ART_OVERFLOW);
    finds_in_log_and_run(references[_i].says);
}

/* Of a value of three pieces, or behind it. */
static const struct {
    uint32_t number, len;
    uint8_t seed, flags;
    const char *says;
} pieces[] = {
    {1, 100, 9, 0, "row 'new': chunk 1 of its value has another length"},
    {1, ART_OVERFLOW_CHUNK_BYTES, 77, 0, "row 'new': its value is not what its hash says"},
    {3, 10, 77, 0, "some belong to no row, or to several"},
    {0, ART_OVERFLOW_CHUNK_BYTES, 9, ART_OVERFLOW, "a chunk that refers to chunks"},
};

LOOP_TEST(test_a_piece_that_cannot_be_is_named, 4) {
    put_at(text("new"), check_large(9000, 9));
    check_plant(check_piece_key(now(), 0, pieces[_i].number), check_large(pieces[_i].len, pieces[_i].seed), now(),
                pieces[_i].flags);
    finds_in_log_and_run(pieces[_i].says);
}

TEST(test_a_missing_piece_in_the_middle) {
    check_plant(check_row_key("new"), check_reference(9000, now(), 5, 0), now(), ART_OVERFLOW);
    check_plant(check_piece_key(now(), 5, 0), check_large(ART_OVERFLOW_CHUNK_BYTES, 77), now(), 0);
    check_plant(check_piece_key(now(), 5, 2), check_large(9000 - 2 * ART_OVERFLOW_CHUNK_BYTES, 77), now(), 0);
    finds_in_log_and_run("row 'new': chunk 1 of its value is missing");
}

TEST(test_a_deleted_piece) {
    check_plant(check_piece_key(BIG_CSN, 0, 1), word(""), now(), ART_DELETE | ART_SHADOWS_OLDER);
    finds_in_log_and_run("row 'big/0': chunk 1 of its value is deleted");
}

/* Behind the reference: the first column is a text, of which a hash is kept, the second a number. */
LOOP_TEST(test_a_value_with_other_data_in_summed_columns, 6) {
    static struct art_measures has = {2, 1, 2, 0};
    struct art_entry row;
    uint8_t reference[ART_OVERFLOW_REF_BYTES_MAX], long_value[9000];
    small_tree_end();
    check_summary = toy_summary(&has);
    check_world_new(3);
    memcpy(long_value, check_large(sizeof long_value, 9).data, sizeof long_value);
    long_value[0] = _i % 2 ? ART_DATUM_INTEGER : ART_DATUM_NULL;
    long_value[ART_DATUM_BYTES] = _i % 2 ? ART_DATUM_TEXT : ART_DATUM_REAL;
    put_at(text("new"), art_bytes(long_value, sizeof long_value));
    check_is_clean();
    must(art_memtable_get(tree->memtable, check_row_key("new"), &row));
    uint32_t len = row.value.len, at = ART_OVERFLOW_REF_BYTES + (uint32_t)_i / 2 * ART_DATUM_BYTES + 1;
    ck_assert_uint_eq(len, ART_OVERFLOW_REF_BYTES + 2 * ART_DATUM_BYTES);
    memcpy(reference, row.value.data, len);
    reference[_i < 4 ? at : len - 1] ^= 1;
    check_plant(check_row_key("new"), art_bytes(reference, _i < 5 ? len : len - 1), now(), ART_OVERFLOW);
    finds_in_log_and_run("row 'new': its value has other data in summed columns");
    check_summary = (struct art_summary){0};
}

TEST(test_pieces_that_no_row_has) {
    check_plant(check_piece_key(now(), 7, 0), check_large(10, 77), now(), 0);
    check_plant(check_piece_key(now(), 7, 1), check_large(10, 78), now(), 0);
    finds_in_log_and_run("some belong to no row, or to several");
}

TEST(test_pieces_that_two_rows_have) {
    struct art_bytes value = check_large(BIG, 0);
    uint64_t hash = art_hash64(value.data, value.len);
    check_plant(check_row_key("other"), check_reference(BIG, BIG_CSN, 0, hash), now(), ART_OVERFLOW);
    finds_in_log_and_run("some belong to no row, or to several");
}

TEST(test_a_piece_of_another_version_than_its_id) {
    put_at(text("new"), check_large(4097, 9));
    check_plant(check_piece_key(now(), 0, 0), check_large(ART_OVERFLOW_CHUNK_BYTES, 9), now() - 1, 0);
    check_finds("a chunk of another version than its id");
}

TEST(test_strays_are_counted_among_many_values) {
    enum { MANY = 8192 + 700 };
    uint64_t csn = now();
    struct art_bytes value = check_large(20, 3);
    for (uint32_t i = 0; i < MANY; i++) {
        char path[20];
        check_plant(check_piece_key(csn, i, 0), value, csn, 0);
        snprintf(path, sizeof path, "v/%05u", i);
        if (i == 5 || i == MANY - 5) continue;
        check_plant(check_row_key(path), check_reference(value.len, csn, i, art_hash64(value.data, value.len)), csn,
                    ART_OVERFLOW);
    }
    must(check_run(false));
    unsigned chunks, named;
    ck_assert_uint_eq(check_count, 1);
    ck_assert_int_eq(
        sscanf(check_told[0].what, "there are %u chunks of large values, and rows name %u", &chunks, &named), 2);
    ck_assert_uint_ge(named, MANY - 2);
    ck_assert_uint_eq(chunks - named, 2);
}

/* --- the log ------------------------------------------------------------------------------------------------------ */

static struct toy_row *log_row(unsigned n) {
    return &toy->log.row[n];
}

static void drop_row(unsigned n) {
    struct toy_log *log = &toy->log;
    free(log->row[n].data);
    memmove(&log->row[n], &log->row[n + 1], (--log->rows - n) * sizeof log->row[0]);
}

static void change_a_row(void) {
    ck_assert_uint_eq(toy->log.rows, 3);
    log_row(1)->data[log_row(1)->len - 1] ^= 1;
}

static void cut_a_row(void) {
    log_row(2)->len = 5;
}

static void make_up_flags(void) {
    struct toy_row *row = log_row(2);
    struct art_hash128 before;
    memcpy(&before, log_row(1)->data, sizeof before);
    row->data[ART_REDO_HASH_BYTES + 1] = 0xff;
    struct art_hash128 hash =
        art_redo_hash(before, row->csn, row->data + ART_REDO_HASH_BYTES, row->len - ART_REDO_HASH_BYTES);
    memcpy(row->data, &hash, sizeof hash);
}

static void drop_a_row(void) {
    drop_row(1);
}

static void drop_the_root(void) {
    drop_row(0);
}

static void drop_all(void) {
    while (toy->log.rows) drop_row(0);
}

static void change_the_root(void) {
    log_row(0)->data[60] ^= 4;
}

/* A new connection cannot use it, and one that had it open has what was there. */
static void finds_in_log(const char *words, const char *reader_says) {
    check_finds(words);
    ck_assert(strstr(check_told[0].place, "log") != NULL);
    refused(check_reopen(), ART_CORRUPT, reader_says);
    ck_assert(art_tree_unknown(tree));
    check_finds(words);
}

static const struct {
    void (*damage)(void);
    const char *says, *reader_says;
} logs[] = {
    {change_a_row, "row 4 does not follow the row before it", ""},
    {cut_a_row, "a row of 16 bytes or less", ""},
    {make_up_flags, "redo bytes with unknown flags", ""},
    {drop_a_row, "row 4 is missing", "rows do not follow each other"},
    {drop_the_root, "the root is missing", "the root is missing"},
    {drop_all, "it has no rows, not even row 0 with the root", "empty or was replaced"},
    {change_the_root, "root does not match its checksum", ""},
};

LOOP_TEST(test_a_log_that_is_damaged_is_no_state, sizeof logs / sizeof *logs) {
    logs[_i].damage();
    finds_in_log(logs[_i].says, logs[_i].reader_says);
}

TEST(test_a_log_is_not_read_inside_a_transaction) {
    uint64_t from;
    put_at(text("new"), word("x"));
    refused(art_tree_refresh_begin(tree, &from), ART_MISUSE, "inside a transaction");
}

TEST(test_a_row_before_the_root) {
    struct art_root *root = check_root_take();
    root->csn = 4;
    memcpy(&root->chain, log_row(1)->data, sizeof root->chain);
    check_root_put(root);
    must(check_run(false));
    ck_assert(check_has("of the rows before the root, which has 4, 1 are left, and should be 0"));
}

/* Of rows 7 to 11 the last three are left before the root of csn 12, and rows 13 and 14 are behind it. */
static void leave_rows(void) {
    flush();
    options.log_limit = 30000;
    must(check_reopen());
    for (uint8_t i = 0; i < 8; i++) {
        put_at(text("large"), check_large(5000, i));
        commit();
    }
    ck_assert_uint_eq(toy->log.rows, 6);
    ck_assert_uint_eq(log_row(1)->csn, 9);
    must(check_run(false));
    ck_assert_uint_eq(check_count, 0);
}

TEST(test_rows_that_a_flush_has_left) {
    leave_rows();
    log_row(1)->data[log_row(1)->len - 1] ^= 1; /* nobody reads it */
    must(check_reopen());
    must(check_run(false));
    ck_assert_uint_eq(check_count, 0);
    drop_row(2); /* nor this one */
    must(check_reopen());
    check_finds("row 10 is missing");
}

TEST(test_one_row_less_than_a_flush_has_left) {
    leave_rows();
    drop_row(1);
    finds_in_log("of the rows before the root, which has 12, 2 are left, and should be 3", "");
}

TEST(test_a_row_with_a_negative_number) {
    struct toy_log *log = &toy->log;
    memmove(&log->row[1], &log->row[0], log->rows++ * sizeof log->row[0]);
    log->row[0] = (struct toy_row){UINT64_MAX - 4, calloc(1, 1), 1};
    must(check_run(false));
    ck_assert(check_has("a row has the number -5"));
    ck_assert_uint_eq(check_count, 1);
}

TEST(test_a_row_that_stands_there_twice) {
    struct toy_log *log = &toy->log;
    struct toy_row *last = log_row(log->rows - 1), *again = log_row(log->rows++);
    *again = (struct toy_row){last->csn, malloc(last->len), last->len};
    memcpy(again->data, last->data, last->len);
    check_finds("row 5 comes behind row 5");
}

/* Each bad row is named once, and what does not depend on them is looked at. */
TEST(test_damage_to_the_log_does_not_hide_other_damage) {
    for (int i = 0; i < 3; i++) {
        put_at(text("more"), check_large(5, (uint8_t)i));
        commit();
    }
    log_row(1)->data[log_row(1)->len - 1] ^= 1;
    log_row(4)->data[log_row(4)->len - 1] ^= 1;
    check_slot(tree->root->run[0].top.slot)[50] ^= 1;
    ck_assert_int_ne(check_reopen(), ART_OK);
    must(check_run(false));
    ck_assert_uint_eq(check_count, 3);
    ck_assert(check_has("row 4 does not") && check_has("row 7 does not") && check_has("the page's hash"));
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

TEST(test_a_connection_that_knows_another_last_row) {
    tree->chain.low++;
    check_finds("this connection stands at another row than the log's last");
    tree->chain.low--;
    drop_row(2);
    check_finds("this connection stands at another row than the log's last");
}

TEST(test_a_connection_that_has_another_root) {
    tree->root->generation++;
    check_finds("this connection has another root than the log");
}

/* Another value, another version, another flag; a row less, and one more. */
LOOP_TEST(test_a_connection_that_has_other_rows_in_memory, 5) {
    static const char *const keys[] = {"late/1", "late/1", "late/1", "late/1", "late/4"};
    struct art_entry entry;
    must(art_memtable_get(tree->memtable, check_row_key("late/1"), &entry));
    if (_i == 0) entry.value = word("changed");
    if (_i == 1) entry.csn++;
    if (_i == 2) entry.flags |= ART_SHADOWS_OLDER;
    if (_i == 3) entry = (struct art_entry){.csn = entry.csn, .flags = ART_DELETE};
    must(art_memtable_put(tree->memtable, check_row_key(keys[_i]), &entry, ART_PUT_PLAIN));
    must(check_run(false));
    ck_assert(check_has("this connection has other rows in memory than the log"));
}

TEST(test_a_memtable_that_does_not_agree_with_itself) {
    tree->memtable->bytes++;
    refused(art_tree_check(tree), ART_CORRUPT, "a wrong number of bytes");
    tree->memtable->bytes--;
}

TEST(test_a_store_that_does_not_agree_with_itself) {
    tree->store->pinned_pages++;
    refused(art_tree_check(tree), ART_MISUSE, "the pages of the pinned blobs are miscounted");
    tree->store->pinned_pages--;
}

TEST(test_counts_that_rows_do_not_add_up_to) {
    struct art_root *root = check_root_take();
    ck_assert_uint_eq(root->runs, 3);
    art_root_unref(root);
    tree->memtable->weight += 2;
    must(check_run(false));
    ck_assert(check_has("rows and chunks, and there are"));
    tree->memtable->weight -= 2;
}

/* --- transactions ------------------------------------------------------------------------------------------------- */

TEST(test_a_transaction_is_checked_with_what_it_has_changed) {
    put_at(text("new"), check_large(9000, 9));
    take_away("big/0");
    take_away("late/1");
    check_is_clean();
    must(art_tree_request(tree, ART_REQUEST_FLUSH));
    struct art_commit commit;
    must(art_tree_prepare(tree, &commit));
    check_is_clean(); /* the host has refused the COMMIT before it wrote */
    toy_write(toy, &commit);
    check_is_clean(); /* ... and after */
    art_tree_committed(tree);
    check_is_clean();
}

TEST(test_a_spilled_transaction_is_checked) {
    art_test_hooks.merge = NULL;
    tree->options.spill_limit = 1 << 16;
    char path[40];
    uint32_t mark;
    for (int i = 0; i < 3000; i++) {
        if (i % 1000 == 500) must(art_tree_savepoint(tree, &mark));
        snprintf(path, sizeof path, "spill/%05d", i % 2500);
        put_at(text(path), check_large(50, 1));
    }
    ck_assert(art_tree_has_spilled(tree));
    check_is_clean();
    art_tree_rollback_to(tree, 1);
    check_is_clean();
    art_tree_rollback_to(tree, 0);
    check_is_clean();
}

TEST(test_a_transaction_that_must_be_rolled_back_is_not_checked) {
    put_at(text("new"), check_large(9, 9));
    tree->txn.doomed = ART_IO;
    ck_assert_int_eq(check_run(false), ART_IO);
    ck_assert_uint_eq(check_count, 0);
    tree->txn.doomed = 0;
}

/* --- how it ends -------------------------------------------------------------------------------------------------- */

TEST(test_it_ends_when_the_host_has_heard_enough) {
    for (int i = 0; i < 50; i++) {
        char path[20];
        snprintf(path, sizeof path, "wrong/%d", i);
        check_plant(check_row_key(path), word("x"), now(), ART_SHADOWS_OLDER);
    }
    must(check_run(false));
    ck_assert_uint_eq(check_count, 50);
    check_enough = 7;
    must(check_run(false));
    ck_assert_uint_eq(check_count, 7);
}

TEST(test_the_first_problem_is_an_error_of_its_own) {
    check_plant(check_row_key("new"), word("x"), now(), ART_SHADOWS_OLDER);
    ck_assert_int_eq(art_tree_check(tree), ART_CORRUPT);
    ck_assert_ptr_nonnull(strstr(art_error_message(), "row 'new': what it replaces"));
    sim_disk_remove_file(disk, options.path);
    must(check_reopen());
    ck_assert_int_eq(art_tree_check(tree), ART_MISSING);
    ck_assert_ptr_nonnull(strstr(art_error_message(), "missing"));
}

TEST(test_it_can_be_interrupted_anywhere) {
    unsigned patience = 1;
    int rc = ART_INTERRUPT;
    for (; rc == ART_INTERRUPT; patience++) {
        toy->patience = patience;
        rc = check_run(false);
        ck_assert_uint_eq(check_count, 0);
    }
    ck_assert_int_eq(rc, ART_OK);
    ck_assert_uint_gt(patience, 30);
    toy->patience = 0;
    check_is_clean();
}

SUITE("check, rows", .seconds = 120, .set_up = set_up, .tear_down = small_tree_end)
