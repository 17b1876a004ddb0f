/* Copies, the check and salvage know snapshots. (What holds of snapshots themselves: test_snapshots.c, whose random
 * walks are checked with their snapshots, too; under SQL: test_sql_snapshots_kept.c.)
 */
#include "core/base/hash.h"
#include "core/tree/salvage.h"
#include "core/tree/state/root_format.h"
#include "tests/support/short_memory.h"
#include "tests/support/small_tree.h"

enum { FAMILY = 3, ROWS = 1200 };
static struct model now;
static struct random dice;

static void make_world(void) {
    small_tree_make_of(false, (struct art_tree_options){.log_limit = 20000, .spill_limit = 1 << 20, .blob_pages = 3});
    model_clear(&now);
    dice.state = 7;
}

static void end_world(void) {
    small_tree_end();
    model_clear(&now);
}

static void write_rows(unsigned from, unsigned to, char fill) {
    char key[40], value[120];
    memset(value, fill, sizeof value);
    for (unsigned i = from; i < to; i++) {
        struct art_bytes path = art_bytes(key, (uint32_t)sprintf(key, "dir-%02u/file-%05u", i / 100, i));
        put_at(path, art_bytes(value, sizeof value));
        model_put(&now, path, art_bytes(value, sizeof value));
    }
}

static void delete_rows(unsigned from, unsigned to) {
    char key[40];
    for (unsigned i = from; i < to; i++) {
        struct art_bytes path = art_bytes(key, (uint32_t)sprintf(key, "dir-%02u/file-%05u", i / 100, i));
        take_at(path);
        model_delete(&now, path);
    }
}

static void finish(unsigned requests) {
    struct art_commit commit;
    bool own = toy_snapshots_any_own(&toy->snapshots);
    if (own) requests |= ART_REQUEST_SNAPSHOT;
    if (requests) must(art_tree_request(tree, requests));
    must(art_tree_prepare(tree, &commit));
    toy_write(toy, &commit);
    if (own) must(toy_snapshots_fill(&toy->snapshots, tree, &now));
    art_tree_committed(tree);
    toy_snapshots_committed(&toy->snapshots);
    must(toy_refresh(toy, tree));
}

static void snapshot(void) {
    toy_snapshots_make(&toy->snapshots);
    finish(0);
}

/* Two snapshots and the table share a part. */
static void make_snapshots(void) {
    make_world();
    write_rows(0, ROWS, 'a');
    finish(ART_REQUEST_OPTIMIZE);
    snapshot();
    write_rows(0, 100, 'b');
    snapshot();
    write_rows(300, 320, 'c');
    finish(ART_REQUEST_FLUSH);
}

/* --- copies ------------------------------------------------------------------------------------------------------- */

static struct art_tree_options copy_options(void) {
    struct art_tree_options at = options;
    uint8_t byte = 0;
    sim_disk_put_file(disk, "copy.db", &byte, 1);
    at.path = "copy.db-t-12345678.art";
    at.host_path = "copy.db";
    return at;
}

/* Opened with the copy's file, whose slots are those of the original. */
static void copy_is_whole(struct art_tree_options *at) {
    struct toy *tables = toy_copy(toy);
    struct art_tree *copy;
    must(toy_open(tables, at, &copy));
    must(toy_refresh(tables, copy));
    must(model_compare(&dice, copy, &now, FAMILY));
    must(art_tree_check(copy));
    must(toy_snapshots_check(tables, at, &dice, FAMILY, true));
    art_tree_close(copy);
    toy_free(tables);
}

static enum art_rc copy_to(const struct art_tree_options *at) {
    struct art_tree_location location = {.path = at->path, .host_path = at->host_path};
    struct art_copy_progress left = {.remaining = 1};
    struct art_copier *copier;
    enum art_rc rc = art_copier_begin(tree, &location, &copier);
    if (rc) return rc;
    while (!rc && left.remaining) {
        rc = art_copier_step(copier);
        art_copier_tell(copier, &left);
    }
    art_copier_close(copier);
    return rc;
}

static void copy_all(struct art_tree_options *at) {
    must(copy_to(at));
}

LOOP_TEST(test_a_copy_has_what_snapshots_name_beside_the_table_and_of_an_empty_one, 2) {
    make_snapshots();
    if (_i) {
        delete_rows(0, ROWS);
        finish(ART_REQUEST_FLUSH);
        ck_assert_uint_eq(info().runs, 0);
    }
    struct art_tree_options at = copy_options();
    copy_all(&at);
    copy_is_whole(&at);
}

/* By the number of blobs that are read for it. */
TEST(test_what_several_roots_name_is_copied_once) {
    make_snapshots();
    snapshot();
    snapshot();
    small_tree_again();
    uint64_t slots = info().blobs + info().held_slots, before = info().store.count.pages_read;
    struct art_tree_options at = copy_options();
    copy_all(&at);
    ck_assert_uint_gt(slots, 10);
    ck_assert_uint_le(info().store.count.pages_read - before, slots * (options.blob_pages + 2));
    copy_is_whole(&at);
}

TEST(test_no_memory_for_a_copy_is_an_error_at_each_step) {
    short_memory_use();
    make_snapshots();
    struct art_tree_options at = copy_options();
    int rc = ART_NOMEM;
    for (int64_t n = 0; rc == ART_NOMEM; n++) {
        short_memory_fail_once(n);
        rc = copy_to(&at);
        short_memory_fail_once(-1);
        HOLDS(rc == ART_OK || rc == ART_NOMEM);
        if (rc && sim_disk_has_file(disk, at.path))
            sim_disk_remove_file(disk, at.path); /* it asks the system for that */
    }
    copy_is_whole(&at);
}

/* --- the check ---------------------------------------------------------------------------------------------------- */

static unsigned found, found_others;
static const char *wanted;

static bool note_problem(void *context, const struct art_problem *problem) {
    found += strstr(problem->sentence, wanted) != NULL;
    found_others += !strstr(problem->sentence, wanted);
    return true;
}

static void check_finds(const char *words) {
    found = found_others = 0;
    wanted = words;
    must(art_tree_check_all(tree, &(struct art_check_options){.problem = note_problem}));
    ck_assert_msg(found && !found_others, "%s: %u times, and %u others", words, found, found_others);
}

static void check_finds_nothing(void) {
    must(art_tree_check(tree));
}

/* A root of a snapshot becomes another one. */
enum forgery { OTHER_BLOB, NEWER, NO_ROOT, LEADS_OUT, LATER };
static void forge_root(unsigned number, enum forgery how) {
    struct art_buffer *bytes = &toy->snapshots.item[number].root;
    struct art_root *root;
    must(art_root_decode(art_buffer_bytes(bytes), &root));
    if (how == OTHER_BLOB) root->run[root->runs - 1].top.hash.low ^= 1;
    if (how == NEWER) root->csn = art_tree_csn(tree) + 1;
    if (how == LEADS_OUT) root->run[0].top.slot = 100000;
    must(art_root_encode(root, bytes));
    if (how == LATER) {
        bytes->data[offsetof(struct art_root_header, incompatible)] |= 8;
        art_store64(bytes->data + bytes->len - 8, art_hash64(bytes->data, bytes->len - 8));
    }
    if (how == NO_ROOT) bytes->data[bytes->len - 1] ^= 1;
    art_root_unref(root);
}

static void another_set(struct art_buffer *set, const char *stretch, bool without) {
    struct art_buffer less = {0};
    struct art_bytes other = art_bytes(stretch, 2);
    if (!without) must(art_slots_unite(set, other));
    if (without) must(art_slots_without(art_buffer_bytes(set), other, &less));
    if (!without) return;
    art_buffer_clear(set);
    *set = less;
}

TEST(test_sound_snapshots_are_found_sound_whatever_they_share) {
    make_snapshots();
    check_finds_nothing();
    delete_rows(0, ROWS);
    finish(ART_REQUEST_FLUSH);
    check_finds_nothing();
    toy_snapshots_drop(&toy->snapshots, 0);
    check_finds_nothing();
    finish(0);
    check_finds_nothing();
    write_rows(0, 10, 'd');
    finish(ART_REQUEST_FLUSH);
    check_finds_nothing();
}

TEST(test_slots_that_are_not_held_as_roots_name_them_are_found) {
    struct art_buffer set = {0};
    char last[] = {0, 1};
    uint32_t highest;
    struct art_slot_set slots = {0};
    make_snapshots();
    struct toy_snapshot *item = &toy->snapshots.item[1];
    must(art_slots_decode(art_buffer_bytes(&item->slots), UINT32_MAX, &slots, &highest));
    ck_assert_uint_lt(highest, 127);
    last[0] = (char)highest;
    must(art_buffer_append(&set, item->slots.data, item->slots.len));
    another_set(&item->slots, last, true);
    check_finds("of snapshots not held for them, so that the next commit may write there (the state table, slot");
    must(art_slots_unite(&item->slots, art_bytes(last, 2)));
    check_finds_nothing();
    for (uint32_t slot = art_slot_set_next(&tree->slots.used, 0); slot != UINT32_MAX;
         slot = art_slot_set_next(&tree->slots.used, slot + 1)) {
        if (!art_slot_set_has(&slots, slot)) last[0] = (char)slot; /* of the table alone */
    }
    ck_assert_int_ne(last[0], (char)highest);
    art_slot_set_clear(&slots);
    another_set(&item->slots, last, false);
    check_finds("held for snapshots that are not there (the state table, slot");
    art_buffer_clear(&item->slots);
    item->slots = set;
    check_finds_nothing();
    must(art_buffer_append(&toy->snapshots.let_go, item->slots.data, item->slots.len));
    check_finds_nothing(); /* as where one is dropped and made again */
    toy->snapshots.let_go.data[1] = 0;
    check_finds("a set of slots cannot be decoded");
    toy->snapshots.let_go.len = 0;
    static const char far[] = "\377\377\1\1"; /* slot 32767 */
    must(art_slots_unite(&item->slots, art_bytes(far, 4)));
    check_finds("a slot is held for a snapshot, and the file ends before it");
}

TEST(test_a_root_that_does_not_say_that_there_are_snapshots_is_found) {
    struct art_buffer none = {0};
    make_snapshots();
    toy->forged_held = &none;
    check_finds("(the state table");
    toy->forged_held = NULL;
    check_finds_nothing();
}

TEST(test_forged_roots_of_snapshots_are_found_and_told_from_the_table) {
    static const struct {
        enum forgery how;
        const char *words;
    } forgeries[] = {
        {OTHER_BLOB,
         "snapshot 's0', which can be dropped: two references lead to one slot, and expect different blobs"},
        {NEWER, "snapshot 's0', which can be dropped: its root is newer than the table's"},
        {NO_ROOT, "snapshot 's0', which can be dropped: root does not match its checksum"},
        {LEADS_OUT, "snapshot 's0', which can be dropped: a reference leads out of the file"},
        {LATER, "snapshot 's0': the root has feature 4, which this version cannot read"},
    };
    for (int i = 0; i < LENGTH(forgeries); i++) {
        make_world();
        write_rows(0, ROWS, 'a');
        finish(ART_REQUEST_OPTIMIZE);
        snapshot();
        forge_root(0, forgeries[i].how);
        check_finds(forgeries[i].words);
        end_world();
    }
}

/* Each page in turn of what only snapshots name; the table itself is sound. */
TEST(test_each_damaged_page_of_a_snapshot_is_found) {
    make_snapshots();
    write_rows(0, ROWS, 'e');
    finish(ART_REQUEST_OPTIMIZE);
    uint64_t bytes;
    unsigned pages = 0;
    struct art_slot_set alone = {0};
    uint32_t last;
    must(art_slots_decode(art_buffer_bytes(&toy->snapshots.held), UINT32_MAX, &alone, &last));
    for (uint32_t slot = 1; slot <= last; slot++)
        if (art_slot_set_has(&tree->slots.used, slot)) art_slot_set_remove(&alone, slot);
    uint8_t *file = sim_disk_file_bytes(disk, options.path, &bytes);
    for (uint64_t at = ART_BLOB_BYTES; at < bytes; at += ART_BLOB_PAGE) {
        bool empty = true;
        for (unsigned i = 0; empty && i < ART_BLOB_PAGE; i++) empty = !file[at + i];
        if (empty || !art_slot_set_has(&alone, (uint32_t)(at / ART_BLOB_BYTES))) continue;
        file[at + at % 4000] ^= 1;
        small_tree_again();
        check_finds("snapshot 's");
        file = sim_disk_file_bytes(disk, options.path, &bytes);
        file[at + at % 4000] ^= 1;
        pages++;
    }
    ck_assert_uint_gt(pages, 30);
    art_slot_set_clear(&alone);
}

/* --- salvage ------------------------------------------------------------------------------------------------------ */

static struct art_salvage_options salvage_of(const struct art_buffer *snapshots_root) {
    struct art_salvage_options of = {.disk = options.disk,
                                     .path = options.path,
                                     .uuid_known = true,
                                     .report = true,
                                     .each_log_row = toy_each_row,
                                     .each_snapshot = toy_each_snapshot,
                                     .context = toy};
    memcpy(of.uuid, toy->uuid, sizeof of.uuid);
    if (!snapshots_root) return of;
    of.snapshot = true;
    of.root = art_buffer_bytes(snapshots_root);
    return of;
}

/* Its rows: how many there are, and of these how many are in the model as they are there. */
static unsigned salvage(const struct art_salvage_options *of, const struct model *model, unsigned *same, bool *lost) {
    struct art_salvage *salvage;
    struct art_lost what;
    unsigned rows = 0;
    *same = 0;
    must(art_salvage_open(&salvage, of));
    for (must(art_salvage_next(salvage)); art_salvage_valid(salvage); must(art_salvage_next(salvage))) {
        struct art_bytes value = art_salvage_value(salvage);
        bool is_there;
        const struct model_row *row = &model->row[model_find(model, art_salvage_key(salvage), &is_there)];
        *same += is_there && art_bytes_equal(art_bytes(row->value, row->value_len), value);
        rows++;
    }
    *lost = art_salvage_lost(salvage, &what);
    art_salvage_close(salvage);
    return rows;
}

static void gives(const struct art_salvage_options *of, const struct model *model, bool loses) {
    unsigned same;
    bool lost;
    unsigned shown = salvage(of, model, &same, &lost);
    ck_assert_msg(shown == model->rows && same == shown && lost == loses,
                  "%u rows, %u as they should be, of %u; lost: %d", shown, same, model->rows, lost);
}

static struct art_ref top_of(const struct art_buffer *snapshots_root) {
    struct art_root *root;
    if (!snapshots_root) return tree->root->run[tree->root->runs - 1].top;
    must(art_root_decode(art_buffer_bytes(snapshots_root), &root));
    struct art_ref top = root->run[root->runs - 1].top;
    art_ref_leave(&top);
    art_root_unref(root);
    return top;
}

/* Of the last run: an index blob's footer. */
static void damage_top(const struct art_buffer *snapshots_root) {
    uint64_t bytes;
    struct art_ref top = top_of(snapshots_root);
    ck_assert_uint_gt(top.height, 0);
    uint8_t *file = sim_disk_file_bytes(disk, options.path, &bytes);
    uint64_t end = (uint64_t)(top.slot + 1) * ART_BLOB_BYTES;
    ck_assert_uint_le(end, bytes);
    file[end - 100] ^= 1;
}

/* Rows 500 to 699 are in the first snapshot alone, rows 0 to 9 are others in the table. */
static struct model first, second;
static void make_three_states(void) {
    make_world();
    write_rows(0, ROWS, 'a');
    finish(ART_REQUEST_OPTIMIZE);
    snapshot();
    model_copy(&now, &first);
    delete_rows(500, 700);
    finish(ART_REQUEST_OPTIMIZE);
    snapshot();
    model_copy(&now, &second);
    write_rows(0, 10, 'f');
    finish(ART_REQUEST_OPTIMIZE);
    must(art_tree_check(tree));
}

static void end_states(void) {
    model_clear(&first);
    model_clear(&second);
    end_world();
}

TEST(test_salvage_of_a_snapshot_gives_its_state_and_nothing_of_the_log) {
    make_three_states();
    write_rows(20, 30, 'g'); /* in the log alone */
    finish(0);
    struct art_salvage_options of = salvage_of(&toy->snapshots.item[0].root);
    gives(&of, &first, false);
    of = salvage_of(&toy->snapshots.item[1].root);
    gives(&of, &second, false);
    of = salvage_of(NULL);
    gives(&of, &now, false);
    forge_root(0, NO_ROOT);
    of = salvage_of(&toy->snapshots.item[0].root);
    struct art_salvage *none;
    refused(art_salvage_open(&none, &of), ART_CORRUPT, "the snapshot's root is damaged");
    end_states();
}

TEST(test_rows_that_were_deleted_before_the_last_snapshot_do_not_come_back) {
    struct art_salvage_options of;
    unsigned same;
    bool lost;
    make_three_states();
    damage_top(NULL);
    of = salvage_of(NULL);
    gives(&of, &now, true);
    /* Where that snapshot cannot be read, either, nobody knows which leaves were left behind. */
    damage_top(&toy->snapshots.item[1].root);
    ck_assert_uint_gt(salvage(&of, &now, &same, &lost), now.rows);
    ck_assert(same == now.rows && lost);
    end_states();
}

TEST(test_leaves_of_a_snapshot_are_found_below_its_damaged_index) {
    unsigned same;
    bool lost;
    make_three_states();
    damage_top(&toy->snapshots.item[0].root);
    struct art_salvage_options of = salvage_of(&toy->snapshots.item[0].root);
    salvage(&of, &first, &same, &lost);
    ck_assert_uint_eq(same, first.rows);
    ck_assert(lost);
    end_states();
}

SUITE("snapshots_kept", .seconds = 300, .tear_down = end_world)
