/* The check of blobs, references, fences and slots: each kind of damage is made, alone, with all hashes right that are
 * not the damage, and must be named. What is wrong within one blob is test_blob_trust.c's; here it must be
 * reached. */
#include "core/blob/blob_format.h"
#include "core/store/store_format.h"
#include "tests/support/check_world.h"
#include "tests/support/of_core.h"
#include "tests/support/short_memory.h"
#include "tests/support/suite.h"

enum { BASE = 2 }; /* the oldest of three runs: the one with an index */

static void set_up(void) {
    check_enough = 0;
    check_world_new(3);
    ck_assert_uint_eq(tree->root->run[BASE].top.height, 1);
    ck_assert_uint_eq(tree->root->run[0].top.height, 0);
}

static void deep_world(void) {
    small_tree_end();
    check_world_new_deep();
}

static void reopened_finds(const char *words) {
    must(check_reopen());
    check_finds(words);
}

/* So many problems are told, and one of these words. */
static void reopened_tells(unsigned count, const char *words) {
    must(check_reopen());
    must(check_run(false));
    ck_assert_uint_eq(check_count, count);
    ck_assert(check_has(words));
}

/* The reference of leaf `number` of the oldest run. */
static struct art_ref leaf(uint32_t number) {
    struct art_run_cursor cursor;
    struct art_ref ref;
    must(art_run_cursor_open(&cursor, tree->store));
    art_run_cursor_reset(&cursor, &tree->root->run[BASE].top, 1);
    must(art_run_first(&cursor));
    while (number--) must(art_run_next(&cursor));
    ck_assert(cursor.valid);
    must(art_blob_cursor_ref(&cursor.leaf, &ref));
    art_run_cursor_close(&cursor);
    ref.label.data = NULL;
    return ref;
}

/* --- hashes ------------------------------------------------------------------------------------------------------- */

TEST(test_a_changed_page_is_named_with_slot_and_page) {
    struct art_ref ref = leaf(2);
    check_slot(ref.slot)[ART_BLOB_PAGE + 100] ^= 1;
    reopened_finds("the page's hash is not that of the blob's trailer");
    ck_assert_uint_eq(check_told[0].slot, ref.slot);
    ck_assert_uint_eq(check_told[0].page, 1);
    ck_assert_str_eq(check_told[0].place, options.path);
}

TEST(test_every_changed_page_is_named) {
    struct art_ref one = leaf(1), two = leaf(4);
    check_slot(one.slot)[100] ^= 1;
    check_slot(one.slot)[ART_BLOB_PAGE + 100] ^= 1;
    check_slot(two.slot)[ART_BLOB_BYTES - 2000] ^= 1;
    check_slot(tree->root->run[1].top.slot)[7] ^= 1;
    reopened_tells(4, "the hash of the blob's trailer");
}

TEST(test_damage_in_one_blob_does_not_hide_what_is_wrong_elsewhere) {
    uint64_t csn = tree->csn + 1;
    struct art_ref ref = leaf(2);
    check_slot(ref.slot)[100] ^= 1;
    must(check_reopen());
    check_plant(check_row_key("dir-0000/a"), art_bytes(NULL, 0), csn, ART_SHADOWS_OLDER); /* in the first leaf */
    check_plant(check_row_key("zzz"), art_bytes(NULL, 0), csn, ART_SHADOWS_OLDER);
    check_plant(check_row_key("dir-0036/file-03605"), art_bytes(NULL, 0), csn, 0);
    must(check_run(false));
    ck_assert(check_has("the page's hash") && check_has("dir-0000/a") && check_has("zzz") && check_has("file-03605"));
    ck_assert_uint_eq(check_count, 4);
}

TEST(test_a_damaged_index_hides_only_its_own_run) {
    check_slot(tree->root->run[BASE].top.slot)[20] ^= 1;
    check_slot(tree->root->run[0].top.slot)[20] ^= 1;
    reopened_tells(2, "");
}

TEST(test_a_read_that_fails_is_a_problem_and_not_the_end) {
    must(check_reopen());
    struct art_ref ref = tree->root->run[1].top;
    check_slot(ref.slot)[20] ^= 1;
    sim_disk_fail(disk, SIM_READ, 3, ART_IO, false);
    must(check_run(false));
    ck_assert_uint_ge(check_count, 1);
    sim_disk_fail_nothing(disk);
}

/* --- one blob's own ----------------------------------------------------------------------------------------------- */

LOOP_TEST(test_wrong_bounds, 3) {
    struct art_blob_trailer *trailer =
        (struct art_blob_trailer *)(void *)(check_slot(tree->root->run[0].top.slot) + ART_TRAILER_AT);
    if (_i == 0) trailer->csn_max++;
    if (_i == 1) trailer->key_max++;
    if (_i == 2) trailer->overflows++;
    check_reseal_top(0);
    reopened_finds("the bounds are not those of the entries");
}

static void third_labelled_otherwise(uint32_t number, struct art_buffer *separator, struct art_ref *ref) {
    static uint8_t label[ART_LABEL_MAX];
    if (number != 2) return;
    ck_assert_uint_gt(ref->label.len, 2);
    memcpy(label, ref->label.data, ref->label.len);
    label[ref->label.len - 1]++;
    ref->label.data = label;
}

TEST(test_a_reference_with_another_label_than_its_blob) {
    check_rebuild_index(BASE, third_labelled_otherwise);
    reopened_finds("the reference's label is not what the keys begin with");
    ck_assert_uint_eq(check_told[0].slot, leaf(2).slot);
}

/* The last run holds nothing but puts: one that refers to what lies below is not the last. */
TEST(test_the_last_run_with_a_delete) {
    struct art_root *root = check_root_take();
    art_root_remove_run(root, BASE);
    check_root_put(root);
    must(check_reopen());
    must(check_run(false));
    ck_assert(check_has("the last run holds something else than a first put"));
}

/* How the third child of the oldest run's index is changed. */
static enum { OUTSIDE, FROM_THE_FUTURE, COUNTS_MORE, BEGINS_LATER, BEGINS_EARLIER } how;

static void change_third(uint32_t number, struct art_buffer *separator, struct art_ref *ref) {
    if (number != 2) return;
    if (how == OUTSIDE) ref->slot = 4000000000u;
    if (how == FROM_THE_FUTURE) ref->generation += 1000;
    if (how == COUNTS_MORE) ref->count++, ref->entries++;
    if (how == BEGINS_LATER) separator->data[separator->len - 1]++; /* before it stand keys that it lets not through */
    if (how == BEGINS_EARLIER) separator->data[separator->len - 1]--;
}

static void rebuild(unsigned run, int so) {
    how = so;
    check_rebuild_index(run, change_third);
}

/* --- references --------------------------------------------------------------------------------------------------- */

static struct art_ref kept;

static void second_as_fourth(uint32_t number, struct art_buffer *separator, struct art_ref *ref) {
    if (number == 1) kept = *ref;
    if (number == 3) *ref = kept;
}

TEST(test_two_references_to_one_slot) {
    check_rebuild_index(BASE, second_as_fourth);
    must(check_reopen());
    must(check_run(true));
    ck_assert(check_has("two references lead to one slot"));
    must(check_run(false));
    ck_assert(check_has("two references lead to one slot") || check_has("before its separator"));
}

TEST(test_two_runs_with_one_blob) {
    struct art_root *root = check_root_take();
    must(art_root_replace_run(root, 0, &root->run[1]));
    check_root_put(root);
    reopened_tells(1, "two references lead to one slot");
}

TEST(test_a_reference_out_of_the_file) {
    rebuild(BASE, OUTSIDE);
    reopened_finds("a reference leads out of the file");
    ck_assert_uint_eq(check_told[0].slot, 4000000000u);
}

TEST(test_a_blob_of_another_generation) {
    rebuild(BASE, FROM_THE_FUTURE);
    reopened_tells(2, "a blob has a higher generation than the root that names it");
    ck_assert(check_has("it is of another generation than its reference"));
}

TEST(test_a_generation_that_the_root_has_not_reached) {
    struct art_root *root = check_root_take();
    root->generation = 2;
    check_root_put(root);
    reopened_tells(1, "a blob has a higher generation than the root that names it");
}

TEST(test_a_reference_that_counts_more_than_there_is) {
    rebuild(BASE, COUNTS_MORE);
    struct art_root *root = check_root_take();
    check_root_put(root);
    reopened_finds("its counts are not those of its reference");
}

TEST(test_a_run_with_another_number_of_blobs_or_pages) {
    for (int i = 0; i < 2; i++) {
        struct art_root *root = check_root_take();
        if (i)
            root->run[BASE].blobs++;
        else
            root->run[BASE].pages++;
        check_root_put(root);
        reopened_finds("its root says");
        root = check_root_take();
        root->run[BASE].blobs -= (unsigned)i;
        root->run[BASE].pages -= !i;
        check_root_put(root);
    }
}

TEST(test_a_run_that_is_too_deep) {
    struct art_root *root = check_root_take();
    root->run[BASE].top.height = ART_HEIGHTS_MAX;
    check_root_put(root);
    must(check_reopen());
    must(check_run(false));
    ck_assert(check_has("a run is deeper than 8 levels"));
}

/* --- fences ------------------------------------------------------------------------------------------------------- */

TEST(test_a_blob_that_begins_before_its_separator) {
    rebuild(BASE, BEGINS_LATER);
    reopened_finds("the blob's keys begin before the separator that leads to it");
    ck_assert_uint_eq(check_told[0].slot, leaf(2).slot);
}

TEST(test_a_blob_that_goes_on_behind_the_next_separator) {
    rebuild(BASE, BEGINS_EARLIER);
    reopened_finds("the blob's keys go on behind the next separator");
    ck_assert_uint_eq(check_told[0].slot, leaf(1).slot);
}

/* Over two levels: the first child of an index blob has that blob's fence, and the last one the next blob's. */
TEST(test_fences_hold_for_all_below_them) {
    deep_world();
    rebuild(0, BEGINS_LATER);
    reopened_finds("the blob's keys begin before the separator that leads to it");
    deep_world();
    rebuild(0, BEGINS_EARLIER);
    reopened_finds("the blob's keys go on behind the next separator");
}

/* The separator of the second leaf below an index blob. */
static void second_below(uint32_t slot, struct art_buffer *out) {
    struct art_run_cursor cursor;
    must(art_run_cursor_open(&cursor, tree->store));
    art_run_cursor_reset(&cursor, &tree->root->run[0].top, 1);
    for (must(art_run_first(&cursor)); cursor.leaf.blob->slot != slot; must(art_run_next(&cursor))) {
        ck_assert(cursor.valid);
    }
    must(art_run_next(&cursor));
    ck_assert_uint_eq(cursor.leaf.blob->slot, slot);
    must(art_buffer_set_key(out, art_run_key(&cursor)));
    art_run_cursor_close(&cursor);
}

static void third_begins_at_its_second_leaf(uint32_t number, struct art_buffer *separator, struct art_ref *ref) {
    if (number == 2) second_below(ref->slot, separator);
}

/* Between the bounds of the third index blob's first leaf lies no key then. The leaf's keys are left unread. A check of
 * the rows that goes from an unread range's beginning to its end would not get on. */
TEST(test_a_check_ends_where_separators_leave_no_key_to_a_leaf_that_is_unread) {
    deep_world();
    check_rebuild_index(0, third_begins_at_its_second_leaf);
    reopened_finds("the blob's keys begin before the separator that leads to it");
}

TEST(test_a_damaged_index_blob_hides_what_is_below_it) {
    deep_world();
    struct art_run_cursor cursor;
    struct art_ref ref;
    must(art_run_cursor_open(&cursor, tree->store));
    art_run_cursor_reset(&cursor, &tree->root->run[0].top, 2);
    must(art_run_first(&cursor));
    must(art_run_next(&cursor));
    must(art_blob_cursor_ref(&cursor.leaf, &ref));
    check_slot(ref.slot)[100] ^= 1;
    art_run_cursor_close(&cursor);
    uint64_t csn = tree->csn + 1;
    must(check_reopen());
    check_plant(check_row_key("dir-0000/a"), art_bytes(NULL, 0), csn, ART_SHADOWS_OLDER);
    check_plant(check_row_key("dir-0119/a"), art_bytes(NULL, 0), csn, ART_SHADOWS_OLDER);
    must(check_run(false));
    ck_assert_uint_eq(check_count, 3);
    ck_assert(check_has("the page's hash") && check_has("dir-0000/a") && check_has("dir-0119/a"));
}

/* --- slots -------------------------------------------------------------------------------------------------------- */

static void retired_list(const uint8_t *slots, uint8_t count) {
    uint8_t bytes[64] = {1, ART_EPOCH_WAL}, *at = bytes + 10;
    *at++ = count;
    for (uint8_t i = 0; i < count; i++) at += art_put_varint(at, slots[i] - (i ? slots[i - 1] : 0u));
    toy->retired.len = 0;
    must(art_buffer_append(&toy->retired, bytes, (size_t)(at - bytes)));
}

TEST(test_a_slot_in_use_that_is_retired) {
    uint8_t slot = (uint8_t)tree->root->run[1].top.slot, slots[] = {slot, 200, 220};
    retired_list(slots, 3);
    check_finds("a slot in use stands in the list of retired slots");
    ck_assert_uint_eq(check_told[0].slot, slot);
    ck_assert_str_eq(check_told[0].place, "the state table");
}

TEST(test_a_list_of_retired_slots_that_makes_no_sense) {
    uint8_t slots[] = {200, 210, 210};
    retired_list(slots, 3);
    check_finds("the list of retired slots cannot be decoded");
    retired_list(slots, 2);
    check_is_clean();
    toy->retired.len--;
    check_finds("the list of retired slots cannot be decoded");
    toy->retired.data[0] = 9;
    check_finds("the list of retired slots cannot be decoded");
}

TEST(test_a_connection_that_is_wrong_about_slots) {
    must(art_slots_know(tree));
    check_is_clean();
    must(art_slot_set_add(&tree->slots.used, 300));
    check_finds("a slot is taken for used by this connection and is not");
    ck_assert_uint_eq(check_told[0].slot, 300);
    art_slot_set_remove(&tree->slots.used, 300);
    art_slot_set_remove(&tree->slots.used, leaf(0).slot);
    check_finds("a slot is taken for free by this connection and is not");
    must(art_slot_set_add(&tree->slots.used, leaf(0).slot));
}

TEST(test_a_free_slot_that_the_table_uses) {
    struct art_commit commit;
    uint8_t value = 7;
    put_at(text("new"), art_bytes(&value, 1));
    must(art_tree_request(tree, ART_REQUEST_FLUSH));
    must(art_tree_prepare(tree, &commit));
    ck_assert(tree->slots.use != ART_SLOTS_IDLE);
    check_is_clean();
    must(art_slot_set_add(&tree->slots.free, leaf(1).slot));
    check_finds("a slot is free, and the table uses it");
    ck_assert_uint_eq(check_told[0].slot, leaf(1).slot);
    art_slot_set_remove(&tree->slots.free, leaf(1).slot);
}

/* --- the file ----------------------------------------------------------------------------------------------------- */

TEST(test_a_missing_file_is_one_problem) {
    sim_disk_remove_file(disk, options.path);
    reopened_finds("the .art file is missing");
    ck_assert_int_eq(check_told[0].rc, ART_MISSING);
}

TEST(test_a_file_cut_short) {
    uint64_t len;
    static uint8_t copy[64 * ART_BLOB_BYTES];
    uint8_t *bytes = sim_disk_file_bytes(disk, options.path, &len);
    ck_assert_uint_le(len, sizeof copy);
    memcpy(copy, bytes, len);
    sim_disk_put_file(disk, options.path, copy, 3 * ART_BLOB_BYTES);
    must(check_reopen());
    must(check_run(false));
    ck_assert_uint_ge(check_count, 2);
    ck_assert(check_has("a reference leads out of the file, which has 3 slots"));
}

TEST(test_owner_pages_of_which_none_is_left) {
    check_slot(0)[ART_STORE_PAGE + 5] ^= 1;
    check_slot(0)[2 * ART_STORE_PAGE + 5] ^= 1;
    reopened_finds("both owner pages are damaged");
}

TEST(test_a_superblock_that_was_changed) {
    check_slot(0)[40] ^= 1;
    reopened_tells(1, "");
    ck_assert_uint_eq(check_told[0].slot, 0);
}

/* --- quick, read-only, short of memory ---------------------------------------------------------------------------- */

TEST(test_the_quick_check_leaves_out_the_leaves) {
    check_slot(leaf(2).slot)[100] ^= 1;
    must(check_reopen());
    must(check_run(true));
    ck_assert_uint_eq(check_count, 0);
    check_slot(tree->root->run[BASE].top.slot)[100] ^= 1;
    must(check_reopen());
    must(check_run(true));
    ck_assert_uint_eq(check_count, 1);
    must(check_run(false));
    ck_assert_uint_eq(check_count, 1);
}

TEST(test_a_read_only_database_is_checked) {
    options.read_only = true;
    must(check_reopen());
    check_is_clean();
    check_slot(leaf(2).slot)[100] ^= 1;
    reopened_tells(1, "");
    ck_assert_uint_eq(sim_disk_calls(disk, SIM_LOCK), sim_disk_calls(disk, SIM_LOCK));
}

/* Neither a wrong problem nor a lost one: each allocation fails once. */
TEST(test_without_memory_it_says_so) {
    int64_t failures = 1, n = 0;
    unsigned fatal = 0;
    check_slot(leaf(2).slot)[100] ^= 1;
    for (; failures; n += random_stride()) {
        must(check_reopen());
        short_memory_fail_once(n);
        int rc = check_run(false);
        failures = short_memory_failures();
        short_memory_fail_after(-1);
        ck_assert_msg(rc == ART_OK || (rc == ART_NOMEM && failures), "%lld: %s", (long long)n, art_error_name(rc));
        if (rc == ART_OK) ck_assert_uint_eq(check_count, 1);
        fatal += rc == ART_NOMEM;
    }
    printf("%lld allocations, %u of those tried fatal\n", (long long)n, fatal);
    fflush(stdout);
    ck_assert_uint_gt(fatal * random_stride(), 40);
}

int main(void) {
    short_memory_use();
    return suite_run("check, blobs", .seconds = 120, .set_up = set_up, .tear_down = small_tree_end);
}
