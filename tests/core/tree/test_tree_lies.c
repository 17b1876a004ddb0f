/* What somebody made up who knows the formats and the hashes: roots, lists of retired slots, references to chunks and
 * to blobs, runs that disagree. An error says what is wrong; nothing is written on that ground; what is right stays
 * readable.
 */
#include "core/blob/search.h"
#include "core/tree/read/read.h"
#include "core/tree/state/root_format.h"
#include "tests/support/short_memory.h"
#include "tests/support/small_tree.h"
#include "tests/support/toy_summary.h"

/* --- rows --------------------------------------------------------------------------------------------------------- */

static const uint8_t large[9000];

/* A row whose reference was made up. */
static void forge(const char *key, uint64_t length, uint64_t csn) {
    uint8_t bytes[64 + ART_KEY_PADDING] = {ART_SPACE_ROWS}, ref[ART_OVERFLOW_REF_BYTES] = {0};
    memcpy(bytes + 1, key, strlen(key));
    art_store64(ref, length);
    art_store64_be(ref + 8, csn);
    struct art_entry entry = {.value = art_bytes(ref, sizeof ref), .csn = 1, .flags = ART_OVERFLOW};
    must(art_memtable_set(tree->memtable, art_bytes(bytes, (uint32_t)strlen(key) + 1), &entry));
}

TEST(test_a_reference_to_pieces_that_nobody_put_is_damage_and_can_be_deleted) {
    static const struct {
        uint64_t length;
        const char *says;
    } lies[] = {{0, "has an impossible length"},
                {ART_VALUE_MAX + 1, "has an impossible length"},
                {100, "chunk 0 of a large value is missing"},
                {ART_VALUE_MAX, "chunk 0 of a large value is missing"},
                {17 << 20, "chunk 0 of a large value is missing"}};
    for (unsigned i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct art_row row;
        struct art_bytes value;
        uint8_t *owned;
        small_tree_make(false);
        put("a", "1");
        forge("forged", lies[i].length, 1);
        tree->changes++;
        must(art_tree_get(tree, text("forged"), &row));
        refused(art_row_value(tree, &row, &value, &owned), ART_CORRUPT, lies[i].says);
        ck_assert_ptr_null(owned);
        art_row_release(&row);
        ck_assert_int_eq(art_tree_check(tree), ART_CORRUPT);
        size_t before = art_memtable_keys(tree->memtable);
        ck_assert(take_at(text("forged")));
        ck_assert_uint_le(art_memtable_keys(tree->memtable), before + 1); /* no deletes of chunks that are not there */
        commit();
        ck_assert_uint_eq(rows(), 1);
    }
}

/* Of three rows with one reference the first that is deleted takes the chunks along; of one alone nobody put any. Their
 * deletes go from run to run, over nothing. */
LOOP_TEST(test_a_deleted_row_whose_pieces_are_not_there_stops_no_merge, 4) {
    enum { IN_A_RUN = 1, PUT = 2 };
    static const char *const forged[] = {"forged-1", "forged-2", "forged-3"};
    put("a", "1");
    if (_i & PUT) put_at(text("large"), art_bytes(large, sizeof large));
    if (_i & IN_A_RUN) flush();
    put("b", "2");
    for (unsigned i = 0; i < 3; i++) forge(forged[i], sizeof large, 1);
    if (_i & IN_A_RUN) flush();
    for (unsigned i = 0; i < 3; i++) {
        ck_assert(take_at(text(forged[i])));
        if (i) flush();
        if (!i) commit();
    }
    ck_assert_int_eq(take_at(text("large")), (_i & PUT) != 0);
    optimize();
    rows_are(2);
    put("c", "3");
    optimize();
    rows_are(3);
}

/* One piece more than was put. Without a run there is nothing that its delete could hide, now or later. */
TEST(test_a_flush_into_an_empty_table_leaves_out_deletes_of_pieces) {
    put_at(text("large"), art_bytes(large, sizeof large));
    forge("large", sizeof large + 4032, 1);
    take_at(text("large"));
    flush();
    must(art_tree_check(tree));
    ck_assert_uint_eq(tree->root->runs, 0);
}

TEST(test_a_transaction_writes_no_more_large_values_than_there_are_numbers) {
    bool existed;
    put("a", "1");
    tree->txn.overflow_values = UINT32_MAX;
    refused(art_tree_insert(tree, ART_WRITE_REPLACE, text("large"), art_bytes(large, sizeof large), &existed),
            ART_TOOBIG, "at most 4294967295 large values");
    commit();
    ck_assert_uint_eq(rows(), 1);
}

/* --- runs that disagree ------------------------------------------------------------------------------------------- */

static void lie_about(const char *key, uint8_t flags) {
    uint8_t bytes[64 + ART_KEY_PADDING] = {ART_SPACE_ROWS};
    memcpy(bytes + 1, key, strlen(key));
    struct art_entry entry = {.value = flags & ART_DELETE ? art_bytes(NULL, 0) : text("v"), .csn = 2, .flags = flags};
    must(art_memtable_set(tree->memtable, art_bytes(bytes, (uint32_t)strlen(key) + 1), &entry));
}

TEST(test_runs_that_disagree_on_a_row_are_not_merged) {
    static const struct {
        const char *key;
        uint8_t flags;
        const char *says;
    } lies[] = {
        {"nobody", ART_SHADOWS_OLDER, "a row that no run below it has"},
        {"nobody", ART_DELETE | ART_SHADOWS_OLDER, "a row that no run below it has"},
        {"a", 0, "two runs disagree"},
    };
    for (unsigned i = 0; i < sizeof lies / sizeof *lies; i++) {
        small_tree_make(false);
        put("a", "1");
        flush();
        put("b", "2");
        lie_about(lies[i].key, lies[i].flags);
        flush();
        ck_assert_uint_eq(tree->root->runs, 2);
        commit_fails(ART_REQUEST_OPTIMIZE, ART_CORRUPT, lies[i].says);
        ck_assert_int_eq(art_tree_check(tree), ART_CORRUPT);
        is_there(text("b"));
    }
}

/* Of which the sum is more than there can be: it wraps around, and is no undefined behaviour. */
TEST(test_counts_that_somebody_made_up_are_added) {
    put("a", "1");
    flush();
    tree->root->run[0].top.count = INT64_MAX;
    put_at(text("c"), text("3"));
    ck_assert(!art_tree_empties(tree));
    commit_fails(ART_REQUEST_OPTIMIZE | ART_REQUEST_VACUUM, ART_CORRUPT, "its counts are not those of its reference");
}

static struct art_bucket_view bucket_of(unsigned run, uint32_t bucket) {
    struct art_blob *blob;
    struct art_bucket_view view = {0};
    must(art_store_blob(tree->store, &tree->root->run[run].top, &blob));
    must(art_bucket_open(blob, bucket, &view));
    return view;
}

static void walk_refused(const struct art_range *range, bool backward, int most_steps, const char *says) {
    struct art_cursor *cursor;
    must(art_cursor_open(tree, &cursor));
    enum art_rc rc = art_cursor_seek(cursor, range, backward);
    for (int steps = 0; !rc && art_cursor_valid(cursor); steps++) {
        ck_assert_int_lt(steps, most_steps);
        rc = art_cursor_next(cursor);
    }
    refused(rc, ART_CORRUPT, says);
    art_cursor_close(cursor);
}

/* The run below has a key behind the cursor's, and then one that lies before it and is shorter than what is skipped. */
TEST(test_a_jump_meets_a_run_whose_keys_are_in_no_order) {
    put("m/2", "1");
    put("z", "2");
    flush();
    put("m/1", "3");
    put("n", "4");
    flush();
    ck_assert_uint_eq(tree->root->runs, 2);
    struct art_bucket_view view = bucket_of(1, 0);
    ck_assert_uint_eq(view.first_bytes[1], 'z');
    ((uint8_t *)view.first_bytes)[1] = 'a';
    struct art_cursor *cursor = cursor_on(NULL, false);
    ck_assert(art_cursor_valid(cursor) && art_bytes_equal(art_cursor_key(cursor), text("m/1")));
    refused(art_cursor_skip_prefix(cursor, 2), ART_CORRUPT, "leads back");
    art_cursor_close(cursor);
}

/* The first two keys change places. A walk shows the first of them, and then: forward, the next one lies before it;
 * backward, from the end, the last but one behind the last. Deletes in a newer run lie behind both, so that a walk that
 * goes on would search for what comes behind them, and find the first key again: without an end. */
LOOP_TEST(test_a_walk_over_keys_in_no_order_ends, 2) {
    char key[20];
    put("b", "1");
    put("z", "2");
    for (int i = 0; i < 60; i++) {
        sprintf(key, "zz%02d", i);
        put(key, "3");
    }
    flush();
    for (int i = 0; i < 60; i++) {
        sprintf(key, "zz%02d", i);
        take_at(text(key));
    }
    flush();
    ck_assert_uint_eq(tree->root->runs, 2);
    struct art_bucket_view view = bucket_of(1, 0);
    ck_assert(view.first_bytes[0] == 'b' && view.first_bytes[1] == 'z');
    ((uint8_t *)view.first_bytes)[0] = 'z';
    ((uint8_t *)view.first_bytes)[1] = 'b';
    walk_refused(&(struct art_range){0}, _i, 3,
                 _i ? "" : "its keys are out of order"); /* backward the sums are met first */
}

LOOP_TEST(test_a_walk_over_buckets_in_no_order_ends, 2) {
    enum { KEYS = 400 };
    char key[20];
    for (int i = 0; i < KEYS; i++) {
        sprintf(key, "%c%03d", i < KEYS / 2 ? 'b' : 'c', i);
        put(key, "1");
    }
    flush();
    for (uint32_t bucket = 1;; bucket++) { /* to one of the second half alone: its first byte stands in its prefix */
        struct art_bucket_view view = bucket_of(0, bucket);
        if (!view.prefix_len || view.prefix[1] != 'c') continue;
        ((uint8_t *)view.prefix)[1] = 'a';
        break;
    }
    walk_refused(&(struct art_range){0}, _i, KEYS, "its keys are out of order");
}

/* --- references that form a knot ---------------------------------------------------------------------------------- */

enum { KNOT_CHILDREN = 40, KNOT_HEIGHT = 5 };

/* An index blob whose children are all the same one, which the reference leads to. */
static void tie(struct art_version_edit *edit, struct art_ref *ref) {
    struct art_children children = {0}, above = {0};
    char separator[20] = "";
    for (int i = 0; i < KNOT_CHILDREN; i++) {
        if (i) sprintf(separator, "\1k%02d", i);
        must(art_children_add(&children, text(separator), ref));
    }
    must(art_index_build(tree, edit, ref->height + 1u, &children, &above));
    ck_assert_uint_eq(above.count, 1);
    art_ref_release(ref);
    *ref = above.child[0].ref;
    must(art_ref_own(ref));
    art_children_clear(&children);
    art_children_clear(&above);
}

static enum art_rc count_refs(void *context, const struct art_ref *ref) {
    ck_assert_uint_lt(++*(unsigned *)context, 3 * KNOT_CHILDREN);
    ck_assert(ref->slot);
    return ART_OK;
}

/* Each hash is right, and one leaf is named a hundred million times: no walk goes by all of these names, neither one
 * that shows rows nor one that passes over all that it meets. */
TEST(test_references_that_form_a_knot_end_every_walk) {
    static const uint8_t value[] = {ART_DATUM_INTEGER, 5, 0, 0, 0, 0, 0, 0, 0};
    struct art_measures has = {.columns = 1, .lookups = 1};
    struct art_datum nobody = {.kind = ART_DATUM_INTEGER, .integer = 6}, datum;
    struct art_summary summary = toy_summary(&has);
    struct art_limits limits = {.query_count = 1};
    struct art_version_edit edit = {0};
    struct art_best *best;
    struct art_bytes path;
    bool existed;
    unsigned refs = 0;
    small_tree_make_of(false, (struct art_tree_options){.summary = summary, .blob_pages = 8});
    must(art_tree_insert(tree, ART_WRITE_INSERT, text("a"), art_bytes(value, sizeof value), &existed));
    must(art_tree_insert(tree, ART_WRITE_INSERT, text("b"), art_bytes(value, sizeof value), &existed));
    flush();
    must(art_tree_begin(tree));
    must(art_edit_begin(tree, &edit));
    struct art_run run = tree->root->run[0];
    must(art_ref_own(&run.top));
    while (run.top.height < KNOT_HEIGHT) tie(&edit, &run.top);
    must(art_root_replace_run(edit.root, 0, &run));
    struct art_root *good = tree->root;
    tree->root = edit.root;
    tree->changes++;

    walk_refused(&(struct art_range){0}, false, 3, "its neighbour's are out of order");
    walk_refused(&(struct art_range){0}, true, 3, "its neighbour's are out of order");
    limits.summary = art_tree_summary(tree);
    limits.queries[0] = toy_sought(has, &nobody);
    walk_refused(&(struct art_range){.limits = &limits}, false, 3, "two references lead to one slot");
    walk_refused(&(struct art_range){.limits = &limits}, true, 3, "two references lead to one slot");
    refused(art_run_each_ref(tree->store, &run, count_refs, &refs), ART_CORRUPT, "its neighbour's are out of order");
    must(art_best_open(tree, &(struct art_range){0}, &(struct art_best_order){0}, &best));
    enum art_rc rc = art_best_next(best, &path, &datum);
    for (int steps = 0; !rc; steps++) {
        ck_assert_int_lt(steps, 3);
        rc = art_best_next(best, &path, &datum);
    }
    refused(rc, ART_CORRUPT, "two references lead to one slot");
    art_best_close(best);

    tree->root = good;
    tree->changes++;
    art_run_clear(&run);
    art_edit_discard(tree, &edit);
    art_tree_rolled_back(tree);
    ck_assert_uint_eq(rows(), 2);
}

/* --- rather a transaction that fails than rows that are gone ------------------------------------------------------ */

static void commit_refused(const char *says) {
    commit_fails(ART_REQUEST_FLUSH, ART_CORRUPT, says);
    small_tree_again();
    rows_are(1);
}

TEST(test_a_root_that_nobody_could_read_is_not_committed) {
    put("a", "1");
    flush();
    put("b", "2");
    tree->root->generation = ART_ROOT_CSN_MAX; /* the next one is too large */
    commit_refused("impossible counts or references");
}

TEST(test_a_blob_that_is_in_use_is_not_overwritten_whoever_gives_its_slot_back) {
    put("a", "1");
    flush();
    put("b", "2");
    must(art_slots_begin(tree));
    art_store_return_slot(tree->store, tree->root->run[0].top.slot);
    commit_with(ART_REQUEST_FLUSH); /* the flush is made once more, in another slot */
    ck_assert_ptr_nonnull(strstr(tree->damage, "a blob that is in use was about to be overwritten"));
    rows_are(2);
}

/* As sums that lie have it. */
TEST(test_a_rank_that_is_not_between_the_bounds_leads_to_no_row) {
    struct art_bytes key;
    put("a", "1");
    for (int64_t rank = -1; rank <= 1; rank += 2) {
        struct art_between between = {.low_rank = 0, .high_rank = 1};
        ck_assert_int_eq(art_tree_select(tree, rank, &between, &key), ART_NOTFOUND);
    }
    art_tree_rolled_back(tree);
}

/* As a log may have it that somebody made up. */
static void forge_long_value(const char *key, uint32_t len) {
    uint8_t bytes[64 + ART_KEY_PADDING] = {ART_SPACE_ROWS}, *value = calloc(1, len);
    memcpy(bytes + 1, key, strlen(key));
    struct art_entry entry = {.value = art_bytes(value, len), .csn = 1};
    must(art_memtable_set(tree->memtable, art_bytes(bytes, (uint32_t)strlen(key) + 1), &entry));
    art_memtable_forget_undo(tree->memtable);
    tree->changes++;
    free(value);
}

/* In front of it stands what the row had in summed columns that was there. */
TEST(test_a_value_longer_than_any_goes_to_no_other_row) {
    static const uint8_t value[] = {ART_DATUM_INTEGER, 5, 0, 0, 0, 0, 0, 0, 0};
    struct art_measures has = {.columns = 1, .sums = 1};
    bool existed;
    small_tree_make_of(false, (struct art_tree_options){.summary = toy_summary(&has)});
    must(art_tree_insert(tree, ART_WRITE_INSERT, text("b"), art_bytes(value, sizeof value), &existed));
    flush();
    forge_long_value("a", ART_STORED_MAX);
    refused(art_tree_move(tree, ART_WRITE_REPLACE, text("a"), text("b"), NULL, &existed), ART_CORRUPT,
            "a row's value is longer than any is stored");
    art_tree_rolled_back(tree);
    small_tree_again();
    value_is(text("b"), art_bytes(value, sizeof value));
}

/* The savepoint leads back to it, and the run that is written has it no more. */
TEST(test_a_value_longer_than_any_is_saved_for_no_savepoint) {
    enum { LIMIT = 1 << 20, LONG = ART_BLOB_SIZE + 1 };
    static const uint8_t value[ART_VALUE_INLINE_MAX];
    char key[16];
    uint32_t savepoint;
    bool existed;
    small_tree_make_of(false, (struct art_tree_options){.spill_limit = LIMIT});
    put("b", "2");
    commit();
    forge_long_value("a", LONG);
    put("b", "3");
    must(art_tree_savepoint(tree, &savepoint));
    put("a", "1");
    enum art_rc rc = ART_OK;
    for (unsigned i = 0; !rc && i < 2 * LIMIT / sizeof value; i++) {
        snprintf(key, sizeof key, "c%u", i);
        rc = art_tree_insert(tree, ART_WRITE_INSERT, text(key), art_bytes(value, sizeof value), &existed);
    }
    refused(rc, ART_CORRUPT, "a row's value is longer than any is stored");
    art_tree_rolled_back(tree);
    small_tree_again();
    ck_assert_uint_eq(rows(), 1);
}

/* --- what somebody made up ---------------------------------------------------------------------------------------- */

static void root_refused_by(enum art_rc code, struct art_buffer *bytes, const char *says) {
    struct art_root *root;
    art_store64(bytes->data + bytes->len - 8, art_hash64(bytes->data, bytes->len - 8));
    refused(art_root_decode(art_buffer_bytes(bytes), &root), code, says);
}

static void root_refused(struct art_buffer *bytes, const char *says) {
    root_refused_by(ART_CORRUPT, bytes, says);
}

TEST(test_a_root_that_makes_no_sense_is_refused_whatever_its_checksum) {
    put("a", "1");
    flush();
    struct art_buffer good = {0}, bytes = {0};
    struct art_root *root;
    must(art_root_encode(tree->root, &good));
    must(art_root_decode(art_buffer_bytes(&good), &root));
    ck_assert_uint_eq(root->runs, 1);
    art_root_unref(root);
    enum { RUN = sizeof(struct art_root_header), REF = RUN + sizeof(struct art_root_run) };
    static const char impossible[] = "impossible counts or references";
    struct lie {
        size_t at;
        uint8_t byte;
        const char *says;
    } lies[] = {
        {offsetof(struct art_root_header, runs), 0, impossible},
        {offsetof(struct art_root_header, runs), 2, impossible},
        {offsetof(struct art_root_header, runs), 255, impossible},
        {offsetof(struct art_root_header, csn) + 7, 1, impossible},
        {offsetof(struct art_root_header, generation) + 7, 1, impossible},
        {offsetof(struct art_root_header, left_rows) + 3, 1, impossible},
        {RUN + offsetof(struct art_root_run, ref_len), 5, impossible},
        {RUN + offsetof(struct art_root_run, level), ART_RUN_LEVEL_LAST + 1, impossible},
        {RUN + offsetof(struct art_root_run, ref_len) + 2, 5, impossible},
        {REF + 4, 99, impossible},
        {RUN + offsetof(struct art_root_run, level), 255, impossible},
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
    root_refused(&bytes, "impossible counts or references");
    bytes.len = 0;
    must(art_buffer_append(&bytes, good.data, sizeof(struct art_root_header) + 8 + 10));
    root_refused(&bytes, "impossible counts or references");
    refused(art_root_decode(art_bytes(good.data, 47), &root), ART_CORRUPT, "cut short");
    art_buffer_clear(&good);
    art_buffer_clear(&bytes);
}

/* One blob, led to as a leaf by one reference and as something else by another, which has its hash. */
TEST(test_a_blob_that_is_at_hand_is_not_taken_for_what_another_reference_says) {
    put("a", "1");
    put("c", "2");
    flush();
    struct art_run good = tree->root->run[0];
    for (unsigned i = 0; i < 7; i++) {
        struct art_run lie = good;
        lie.top.height += i == 0;
        lie.top.entries += i == 1;
        lie.top.count -= i == 2;
        lie.top.generation += i == 3;
        lie.top.leaf_pages += i == 4;
        lie.top.footer_pages += i == 5;
        lie.top.label.len -= i == 6;
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
}

/* There is no level behind the last one, however many pages somebody says that a run of it has. */
TEST(test_a_run_of_the_last_level_is_never_too_large_for_it) {
    bool due;
    put("a", "1");
    flush();
    tree->root->run[0].level = ART_RUN_LEVEL_LAST;
    struct art_run lie = tree->root->run[0];
    lie.pages = UINT64_MAX;
    must(art_root_insert_run(tree->root, 0, &lie));
    must(art_compact_due(tree, &due));
    ck_assert(!due);
}

TEST(test_a_root_takes_no_more_runs_than_it_has_room_for) {
    struct art_root *empty = art_root_new((const uint8_t[16]){0}), *root;
    must(art_root_clone(empty, &root));
    art_root_unref(empty);
    struct art_run run = {.top = {.slot = 1, .leaf_pages = 1, .footer_pages = 1, .entries = 1}};
    for (unsigned i = 0; i < ART_RUNS_CAPACITY; i++) must(art_root_insert_run(root, i, &run));
    refused(art_root_insert_run(root, 0, &run), ART_TOOBIG, "too many runs");
    ck_assert_uint_eq(root->runs, ART_RUNS_CAPACITY);
    art_root_unref(root);
}

TEST(test_a_retired_list_that_makes_no_sense_stops_the_writer) {
    small_tree_make(true);
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
    struct art_buffer good = toy->retired;
    for (unsigned i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct art_commit commit_of;
        toy->retired = (struct art_buffer){.data = (uint8_t *)lists[i].bytes, .len = lists[i].len};
        put("b", "2");
        must(art_tree_request(tree, ART_REQUEST_FLUSH));
        refused(art_tree_prepare(tree, &commit_of), ART_CORRUPT, "the list of retired slots cannot be decoded");
        refused(art_tree_check(tree), ART_CORRUPT, "the list of retired slots cannot be decoded");
        art_tree_rolled_back(tree);
        ck_assert_uint_eq(rows(), 1);
    }
    toy->retired = good;
    put("b", "2");
    flush();
    rows_are(2);
}

/* --- a check with much to say ------------------------------------------------------------------------------------- */

static unsigned problems;
static int64_t questions_left;

static bool count_problem(void *context, const struct art_problem *problem) {
    problems++;
    return true;
}

static bool count_down(void *context) {
    return questions_left-- == 0;
}

static int check_all(void) {
    problems = 0;
    return art_tree_check_all(tree, &(struct art_check_options){.problem = count_problem});
}

/* Rows without their chunks, chunks without their row, in memory and in two runs. */
TEST(test_a_check_that_finds_much_ends_with_what_hinders_it_or_finds_it_all) {
    static uint8_t value[30000];
    short_memory_use();
    small_tree_make_of(false, (struct art_tree_options){.cache_bytes = 1 << 14, .blob_pages = 3});
    for (unsigned part = 0; part < 3; part++) {
        unsigned count = part == 0 ? 36 : 12, step = part == 1 ? 0 : 2000; /* so much less that it stays a run */
        for (unsigned i = 0; i < count; i++) {
            char key[30];
            sprintf(key, "large-%u-%02u", part, i);
            memset(value, (int)i + 1, sizeof value);
            struct art_bytes bytes = art_bytes(value, 5000 + step * (i % 12));
            put_at(text(key), bytes);
        }
        lie_about(part == 1 ? "large-0-03" : "large-9-99", part == 1 ? ART_DELETE | ART_SHADOWS_OLDER : 0);
        forge("forged", 9000 + part, part + 1);
        if (part < 2) flush();
    }
    lie_about("large-1-07", ART_DELETE | ART_SHADOWS_OLDER);
    tree->changes++;
    must(check_all());
    unsigned all = problems, hindered = 0;
    ck_assert_uint_gt(all, 4);
    bool failed = true;
    for (int64_t n = 0; failed; n += 1 + n / 30) {
        art_store_relax(tree->store);
        short_memory_fail_once(n);
        int rc = check_all();
        failed = short_memory_failures() > 0;
        short_memory_fail_after(-1);
        ck_assert_msg(rc ? failed && rc == ART_NOMEM : problems == all, "%s: %s", art_error_name(rc),
                      art_error_message());
        hindered += rc != ART_OK;
    }
    tree->host.interrupted = count_down;
    for (int64_t n = 0, rc = ART_INTERRUPT; rc; n++) {
        questions_left = n;
        rc = check_all();
        ck_assert(rc ? rc == ART_INTERRUPT : problems == all);
        hindered += rc != ART_OK;
    }
    tree->host.interrupted = NULL;
    failed = true;
    for (unsigned n = 1; failed; n += 1 + n / 30) { /* what cannot be read is one of the problems */
        struct sim_disk_stats before, after;
        sim_disk_stats(disk, &before);
        sim_disk_fail(disk, SIM_READ, n, ART_IO, false);
        must(check_all());
        sim_disk_fail_nothing(disk);
        sim_disk_stats(disk, &after);
        failed = after.faults > before.faults;
        ck_assert_uint_ge(problems, failed ? 1 : all);
    }
    ck_assert_uint_gt(hindered, 20);
    must(check_all());
    ck_assert_uint_eq(problems, all);
    art_tree_rolled_back(tree);
}

/* --- cuts --------------------------------------------------------------------------------------------------------- */

/* What lies in another range leaves the list, and so does the oldest where it is too long. */
TEST(test_the_list_of_cuts_is_bounded_and_has_the_latest) {
    struct art_buffer cuts = {0};
    char low[40], high[40];
    for (uint64_t i = 1; i <= 200; i++) {
        snprintf(low, sizeof low, "\1%04u/tenants/", (unsigned)i);
        snprintf(high, sizeof high, "\1%04u/tenants0", (unsigned)i);
        must(art_cuts_add(&cuts, text(low), text(high), i));
        ck_assert_uint_le(cuts.len, ART_CUTS_BYTES_MAX);
        ck_assert(art_cuts_have(&cuts, text(low), i) && !art_cuts_have(&cuts, text(low), i + 1));
        ck_assert(!art_cuts_have(&cuts, text(high), 1) && !art_cuts_have(&cuts, text("\1"), 1));
    }
    unsigned count = art_cuts_count(&cuts);
    ck_assert_uint_ge(count, 40);
    ck_assert(!art_cuts_have(&cuts, text("\0010001/tenants/x"), 1));
    ck_assert(art_cuts_have(&cuts, text("\0010190/tenants/x"), 190));
    must(art_cuts_add(&cuts, text("\0010190/"), text("\00101900"), 300)); /* one within it, another behind */
    ck_assert_uint_eq(art_cuts_count(&cuts), count);
    must(art_cuts_add(&cuts, text("\0010190/"), text("\0010191/tenants/b"), 301)); /* itself, and not 191 */
    ck_assert_uint_eq(art_cuts_count(&cuts), count);
    uint8_t *long_key = calloc(1, ART_CUTS_BYTES_MAX);
    memset(long_key, 1, ART_CUTS_BYTES_MAX);
    must(art_cuts_add(&cuts, art_bytes(long_key, ART_CUTS_BYTES_MAX), text("\2"), 302));
    ck_assert_uint_eq(art_cuts_count(&cuts), count);
    must(art_cuts_add(&cuts, text("\1"), text("\2"), 303));
    ck_assert_uint_eq(art_cuts_count(&cuts), 1);
    free(long_key);
    art_buffer_clear(&cuts);
}

TEST(test_a_root_whose_cuts_make_no_sense_is_refused_whatever_its_checksum) {
    put("a", "1");
    flush();
    struct art_buffer good = {0}, bytes = {0};
    struct art_root *root;
    must(art_root_clone(tree->root, &root));
    must(art_cuts_add(&root->cuts, text("\001b"), text("\001c"), 1));
    must(art_root_encode(root, &good));
    art_root_unref(root);
    must(art_root_decode(art_buffer_bytes(&good), &root));
    ck_assert_uint_eq(art_cuts_count(&root->cuts), 1);
    ck_assert(art_cuts_have(&root->cuts, text("\001bx"), 1));
    art_root_unref(root);
    size_t cut = good.len - 8 - sizeof(struct art_root_cut) - 4;
    struct lie {
        size_t at;
        uint8_t byte;
    } lies[] = {
        {offsetof(struct art_root_header, runs), 0},
        {offsetof(struct art_root_header, runs), 2},
        {cut + offsetof(struct art_root_cut, generation) + 6, 1}, /* of a root to come */
        {cut + offsetof(struct art_root_cut, low_len), 0},
        {cut + offsetof(struct art_root_cut, high_len), 1}, /* a byte behind it */
        {cut + offsetof(struct art_root_cut, high_len), 3}, /* beyond the end */
        {cut + sizeof(struct art_root_cut) + 1, 'c'},       /* from c to c */
    };
    for (unsigned i = 0; i < LENGTH(lies); i++) {
        bytes.len = 0;
        must(art_buffer_append(&bytes, good.data, good.len));
        bytes.data[lies[i].at] = lies[i].byte;
        root_refused(&bytes, "impossible counts or references");
    }
    bytes.len = 0; /* more than there may be */
    must(art_buffer_append(&bytes, good.data, good.len - 8));
    while (bytes.len <= cut + ART_CUTS_BYTES_MAX) {
        must(art_buffer_append(&bytes, good.data + cut, sizeof(struct art_root_cut) + 4));
    }
    must(art_buffer_append(&bytes, good.data, 8));
    root_refused(&bytes, "impossible counts or references");
    art_buffer_clear(&good);
    art_buffer_clear(&bytes);
}

/* In row 0 of the log, while the tree is open. */
static void forge_number(size_t at, uint64_t number) {
    struct toy_row *root = &toy->log.row[0];
    art_store64(root->data + at, number);
    art_store64(root->data + root->len - 8, art_hash64(root->data, root->len - 8));
    small_tree_again();
}

/* Else its writer's rows would be in a table that nobody can open any more: of the next root all numbers are larger. */
LOOP_TEST(test_a_root_whose_numbers_are_near_the_end_is_read_and_not_written, 2) {
    size_t at = _i ? offsetof(struct art_root_header, csn) : offsetof(struct art_root_header, generation);
    static const char refusal[] = "the numbers of this table's transactions are used up";
    bool existed;
    put("a", "1");
    flush();
    for (uint64_t below = 0; below <= (uint64_t)1 << 32; below += (uint64_t)1 << 31) {
        forge_number(at, ART_ROOT_CSN_MAX - below);
        ck_assert_uint_eq(rows(), 1);
        refused(art_tree_insert(tree, ART_WRITE_REPLACE, text("b"), text("1"), &existed), ART_READONLY, refusal);
        refused(art_tree_claim(tree), ART_READONLY, refusal);
        refused(art_tree_request(tree, ART_REQUEST_OPTIMIZE), ART_READONLY, refusal);
        must(art_tree_check(tree));
    }
    forge_number(at, ART_ROOT_CSN_MAX - ((uint64_t)1 << 32) - 1);
    put("b", "1");
    flush();
    small_tree_again();
    ck_assert_uint_eq(rows(), 2);
    refused(art_tree_insert(tree, ART_WRITE_REPLACE, text("c"), text("1"), &existed), ART_READONLY, refusal);
}

/* --- what a later version brings ---------------------------------------------------------------------------------- */

/* In row 0 of the log, as that version writes it. */
static void change_features(size_t set, uint32_t features) {
    struct toy_row *root = &toy->log.row[0];
    art_store32(root->data + set, features);
    art_store64(root->data + root->len - 8, art_hash64(root->data, root->len - 8));
}

static void set_feature(size_t set, unsigned feature) {
    change_features(set, art_load32(toy->log.row[0].data + set) | 1u << (feature - 1));
    small_tree_again();
}

TEST(test_a_compatible_feature_of_a_root_is_ignored_and_ends_with_the_next_root) {
    enum { SET = offsetof(struct art_root_header, compatible) };
    put("a", "1");
    flush();
    set_feature(SET, 32);
    put("b", "1");
    flush();
    ck_assert_uint_eq(rows(), 2);
    ck_assert_uint_eq(art_load32(toy->log.row[0].data + SET) >> 31, 0);
}

TEST(test_a_table_with_a_read_only_feature_is_read_and_not_written) {
    bool existed;
    put("a", "1");
    flush();
    set_feature(offsetof(struct art_root_header, read_only), 7);
    ck_assert_uint_eq(rows(), 1);
    refused(art_tree_insert(tree, ART_WRITE_REPLACE, text("b"), text("1"), &existed), ART_READONLY,
            "the root has feature 7, with which this version can read, but not write");
    refused(art_tree_claim(tree), ART_READONLY, "feature 7");
    rows_are(1);
    change_features(offsetof(struct art_root_header, read_only), 0); /* while the tree is open */
    must(toy_refresh(toy, tree));
    must(art_tree_may_write(tree));
    change_features(offsetof(struct art_root_header, read_only), 1u << 8);
    must(toy_refresh(toy, tree));
    refused(art_tree_may_write(tree), ART_READONLY, "feature 9");
    ck_assert_uint_eq(rows(), 1);
}

TEST(test_a_root_with_an_incompatible_feature_is_refused) {
    struct art_buffer bytes = {0};
    must(art_root_encode(tree->root, &bytes));
    art_store32(bytes.data + offsetof(struct art_root_header, incompatible), 1u << 16);
    root_refused_by(ART_CANTOPEN, &bytes,
                    "the root has feature 17, which this version cannot read (the log): use a newer sqlite-art");
    art_store16(bytes.data + offsetof(struct art_root_header, format), 9);
    root_refused_by(ART_CANTOPEN, &bytes, "use the sqlite-art that made it");
    art_buffer_clear(&bytes);
}

TEST(test_what_a_later_version_has_behind_the_cuts_of_a_root_is_ignored) {
    static const uint8_t none[sizeof(struct art_root_cut)] = {0};
    struct art_buffer bytes = {0};
    struct art_root *root, *later;
    put("a", "1");
    flush();
    must(art_root_clone(tree->root, &root));
    for (unsigned cuts = 0; cuts < 2; cuts++) {
        if (cuts) must(art_cuts_add(&root->cuts, text("\001b"), text("\001c"), 1));
        must(art_root_encode(root, &bytes));
        bytes.len -= 8;
        must(art_buffer_append(&bytes, none, sizeof none));
        must(art_buffer_append(&bytes, "anything", 8 + 1));
        uint64_t sum = art_hash64(bytes.data, bytes.len);
        must(art_buffer_append(&bytes, &sum, sizeof sum));
        must(art_root_decode(art_buffer_bytes(&bytes), &later));
        ck_assert_uint_eq(art_cuts_count(&later->cuts), cuts);
        ck_assert_uint_eq(later->runs, 1);
        art_root_unref(later);
    }
    art_root_unref(root);
    art_buffer_clear(&bytes);
}

int main(void) {
    return suite_run("tree, lies", .seconds = 120, .set_up = small_tree_begin, .tear_down = small_tree_end);
}
