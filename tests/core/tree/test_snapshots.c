/* Snapshots in core: their slots are never written, retired, moved or cut off, whatever happens.
 *
 * Sets of slots as bytes against sets of numbers; then random walks (tests/support/tree_world.h) with snapshots, each
 * of which is read again and again: on the simulated disk, also with power loss between any two steps, and in rows of
 * the host's; then single cases.
 */
#include "core/tree/run/run.h"
#include "core/tree/state/root_format.h"
#include "tests/support/own_clock.h"
#include "tests/support/short_memory.h"
#include "tests/support/small_tree.h"
#include "tests/support/walk_disk.h"

/* --- sets of slots as bytes --------------------------------------------------------------------------------------- */

enum { NUMBERS = 200 };

static void draw_set(struct random *random, bool set[NUMBERS], struct art_buffer *out) {
    struct art_slot_set slots = {0};
    uint32_t dense = 1 + random_below(random, 8);
    for (unsigned i = 1; i < NUMBERS; i++) {
        set[i] = random_below(random, 8) < dense ? i > 1 && set[i - 1] : random_once_in(random, 2);
        if (set[i]) must(art_slot_set_add(&slots, i));
    }
    must(art_slots_encode(&slots, out));
    art_slot_set_clear(&slots);
}

static void set_is(struct art_bytes bytes, const bool wanted[NUMBERS]) {
    struct art_slot_set slots = {0};
    uint32_t highest, last = 0;
    uint64_t number, count = 0;
    must(art_slots_decode(bytes, NUMBERS, &slots, &highest));
    for (unsigned i = 0; i < NUMBERS; i++) {
        HOLDS(art_slot_set_has(&slots, i) == wanted[i]);
        if (wanted[i]) last = i;
        count += wanted[i];
    }
    must(art_slots_number(bytes, &number));
    ck_assert_uint_eq(number, count);
    ck_assert_uint_eq(highest, last);
    art_slot_set_clear(&slots);
}

TEST(test_sets_of_slots_unite_and_part_as_sets_do) {
    struct random random = {random_seed()};
    struct art_buffer a = {0}, b = {0}, out = {0}, again = {0};
    for (unsigned round = 0; round < 4000; round++) {
        bool in_a[NUMBERS] = {false}, in_b[NUMBERS] = {false}, wanted[NUMBERS] = {false};
        draw_set(&random, in_a, &a);
        draw_set(&random, in_b, &b);
        set_is(art_buffer_bytes(&a), in_a);
        for (unsigned i = 0; i < NUMBERS; i++) wanted[i] = in_a[i] && !in_b[i];
        must(art_slots_without(art_buffer_bytes(&a), art_buffer_bytes(&b), &out));
        set_is(art_buffer_bytes(&out), wanted);
        must(art_slots_unite(&out, art_buffer_bytes(&b)));
        for (unsigned i = 0; i < NUMBERS; i++) wanted[i] = in_a[i] || in_b[i];
        set_is(art_buffer_bytes(&out), wanted);
        must(art_slots_unite(&a, art_buffer_bytes(&b))); /* one set has one way to be written */
        ck_assert(art_bytes_equal(art_buffer_bytes(&a), art_buffer_bytes(&out)));
    }
    art_buffer_clear(&a);
    art_buffer_clear(&b);
    art_buffer_clear(&out);
    art_buffer_clear(&again);
}

TEST(test_what_is_no_set_of_slots_is_refused) {
    static const struct {
        const char *bytes;
        uint32_t len;
    } bad[] = {{"\1", 1},                                        /* cut short */
               {"\0\1", 2},                                      /* slot 0 */
               {"\1\0", 2},                                      /* of no slots */
               {"\1\1\0\1", 4},                                  /* two stretches that are one */
               {"\1\377\377\377\377\17", 6},                     /* beyond the largest slot */
               {"\377\377\377\377\377\377\377\377\377\1\1", 11}, /* larger than that */
               {"\1\1\377", 3}};
    struct art_buffer set = {0};
    struct art_slot_set slots = {0};
    uint64_t number;
    uint32_t highest;
    must(art_buffer_append(&set, "\3\2", 2));
    for (int i = 0; i < LENGTH(bad); i++) {
        struct art_bytes bytes = art_bytes(bad[i].bytes, bad[i].len), good = art_buffer_bytes(&set);
        struct art_buffer out = {0};
        refused(art_slots_unite(&set, bytes), ART_CORRUPT, "a set of slots cannot be decoded");
        ck_assert_uint_eq(set.len, 2);
        refused(art_slots_without(bytes, good, &out), ART_CORRUPT, "a set of slots cannot be decoded");
        refused(art_slots_number(bytes, &number), ART_CORRUPT, "a set of slots cannot be decoded");
        refused(art_slots_decode(bytes, 10, &slots, &highest), ART_CORRUPT, "a set of slots cannot be decoded");
        art_buffer_clear(&out);
    }
    art_slot_set_clear(&slots);
    art_buffer_clear(&set);
}

/* --- walks -------------------------------------------------------------------------------------------------------- */

static void go_with_snapshots(struct walk *walk, struct sim_disk *on) {
    walk->snapshots = true;
    for (unsigned steps = 400; steps--;) walk_step(walk);
}

TEST(test_snapshots_of_a_tree_in_a_file_stay_what_they_were) {
    walks_go((struct walks){"file", 16, .beside = true, .go = go_with_snapshots}, random_seed());
}

TEST(test_snapshots_of_a_tree_in_the_hosts_rows_stay_what_they_were) {
    walks_go((struct walks){"rows", 16, .rows = true, .beside = true, .go = go_with_snapshots}, random_seed());
}

static unsigned failures;

/* A disk, or a row of the host's, that fails: the transaction is rolled back, or goes on. */
static void go_with_failures(struct walk *walk, struct sim_disk *on) {
    static const int codes[] = {ART_IO, ART_DISKFULL, ART_NOMEM, ART_INTERRUPT};
    walk->snapshots = true;
    for (unsigned i = 0; i < 300; i++) {
        if (on && random_once_in(&walk->random, 12)) {
            sim_disk_fail_nothing(on);
            sim_disk_fail(on, random_below(&walk->random, SIM_CALLS + 1), 1 + random_below(&walk->random, 8),
                          codes[random_below(&walk->random, 4)], random_once_in(&walk->random, 4));
        }
        if (!on && random_once_in(&walk->random, 8))
            walk_fail_row(walk, 1 + random_below(&walk->random, 40), codes[random_below(&walk->random, 4)], false,
                          random_once_in(&walk->random, 2));
        walk->faulty = true;
        walk_step(walk);
        if (!walk->failed) continue;
        failures++;
        if (on) sim_disk_fail_nothing(on);
        walk_fail_row(walk, 0, 0, false, false);
        if (walk->tree && random_once_in(&walk->random, 2))
            walk->failed = 0;
        else
            walk_recover(walk);
    }
    walk_heals(walk, on);
}

LOOP_TEST(test_snapshots_stay_what_they_were_whatever_fails, 2) {
    struct walks walks = {_i ? "failing rows" : "failing disk", 12, .rows = _i, .beside = _i, .go = go_with_failures};
    unsigned count = walks_go(walks, random_seed());
    printf("%u steps failed\n", failures);
    ck_assert_uint_gt(failures, count < 8 ? 0 : count);
}

TEST(test_a_power_loss_between_any_two_steps_loses_no_snapshot) {
    unsigned count = 10;
    uint64_t first = walk_seeds("power loss", &count, random_seed());
    for (uint64_t seed = first; seed < first + count; seed++) walk_loses_power(seed, true);
}

/* --- single cases ------------------------------------------------------------------------------------------------- */

enum { FAMILY = 3 }; /* of keys that are asked for: short ones, and few */
static struct model now;
static struct random dice;

static void make_world(bool wal, bool inlined) {
    small_tree_make_of(wal, (struct art_tree_options){.log_limit = 20000, .spill_limit = 1 << 20, .blob_pages = 3});
    model_clear(&now);
    dice.state = 7;
    if (!inlined) return;
    art_tree_close(tree);
    toy_free(toy);
    toy = toy_new_inline(wal);
    small_tree_open();
    toy->writer = tree;
}

static void end_world(void) {
    small_tree_end();
    model_clear(&now);
}

CASE("single cases", .seconds = 60, .tear_down = end_world)

static void write_rows(unsigned from, unsigned to, unsigned step, char fill) {
    char key[40], value[120];
    memset(value, fill, sizeof value);
    for (unsigned i = from; i < to; i += step) {
        struct art_bytes path = art_bytes(key, (uint32_t)sprintf(key, "dir-%02u/file-%05u", i / 100, i));
        put_at(path, art_bytes(value, sizeof value));
        model_put(&now, path, art_bytes(value, sizeof value));
    }
}

static void delete_rows(unsigned most) {
    for (; now.rows && most; most--) {
        take_at(model_key(&now.row[now.rows - 1]));
        model_delete(&now, model_key(&now.row[now.rows - 1]));
    }
}

/* Up to the host's COMMIT, which may be refused then. */
static void offer(unsigned requests, struct art_commit *commit) {
    bool own = toy_snapshots_any_own(&toy->snapshots);
    if (own) requests |= ART_REQUEST_SNAPSHOT;
    if (requests) must(art_tree_request(tree, requests));
    must(art_tree_prepare(tree, commit));
    toy_write(toy, commit);
    if (own) must(toy_snapshots_fill(&toy->snapshots, tree, &now));
}

static void look(void) {
    must(toy_refresh(toy, tree));
    must(model_compare(&dice, tree, &now, FAMILY));
    must(art_tree_check(tree));
    must(toy_snapshots_check(toy, &options, &dice, FAMILY, true));
}

static struct art_commit finish(unsigned requests) {
    struct art_commit made;
    offer(requests, &made);
    art_tree_committed(tree);
    toy_snapshots_committed(&toy->snapshots);
    look();
    return made;
}

static struct art_commit snapshot(void) {
    toy_snapshots_make(&toy->snapshots);
    return finish(0);
}

static void drop(unsigned at) {
    toy_snapshots_drop(&toy->snapshots, at);
}

/* Does the root say so? */
static bool is_held(void) {
    return toy->log.row[0].data[offsetof(struct art_root_header, read_only)] & ART_ROOT_HELD;
}

static void checkpoint(void) {
    toy->salts[0]++;
}

/* Nothing but what the present root names. */
static uint64_t slots_beside(void) {
    return info().store.file_bytes / ART_BLOB_BYTES - 1 - info().blobs;
}

LOOP_TEST(test_a_snapshot_flushes_and_one_of_an_unchanged_table_writes_nothing, 2) {
    make_world(_i, false);
    write_rows(0, 100, 1, 'a');
    struct art_commit made = snapshot();
    ck_assert(made.write_root && !made.write_redo);
    ck_assert(is_held());
    ck_assert_uint_eq(info().log_rows, 0);
    uint64_t csn = art_tree_csn(tree), written = info().store.count.pages_written;
    made = snapshot();
    ck_assert(!made.write_root && !made.write_redo && !made.csn);
    ck_assert_uint_eq(toy->snapshots.item[1].csn, csn);
    ck_assert_uint_eq(art_tree_csn(tree), csn);
    ck_assert_uint_eq(info().store.count.pages_written, written);
    ck_assert(art_bytes_equal(art_buffer_bytes(&toy->snapshots.item[0].root),
                              art_buffer_bytes(&toy->snapshots.item[1].root)));
}

TEST(test_the_first_snapshot_of_a_flushed_table_is_the_same_runs_under_another_root) {
    make_world(true, false);
    write_rows(0, 2000, 1, 'a');
    finish(ART_REQUEST_FLUSH);
    uint64_t written = info().store.count.pages_written;
    unsigned runs = info().runs;
    struct art_commit made = snapshot();
    ck_assert(made.write_root && !made.write_redo);
    ck_assert(is_held());
    ck_assert_uint_le(info().store.count.pages_written - written, 2); /* the root's copy */
    ck_assert_uint_eq(info().runs, runs);
}

TEST(test_a_snapshot_of_a_table_without_runs_holds_nothing_and_makes_no_file) {
    make_world(true, false);
    struct art_commit made = snapshot();
    ck_assert(!made.csn && !sim_disk_has_file(disk, options.path));
    ck_assert_uint_eq(toy->snapshots.held.len, 0);
    write_rows(0, 10, 1, 'a');
    finish(ART_REQUEST_FLUSH);
    ck_assert(!is_held());
    drop(0);
    finish(0);
}

LOOP_TEST(test_what_a_dropped_snapshot_named_comes_back_with_the_next_roots, 2) {
    make_world(_i, false);
    write_rows(0, 2000, 1, 'a');
    snapshot();
    write_rows(0, 2000, 1, 'b');
    finish(ART_REQUEST_OPTIMIZE);
    uint64_t held = info().held_slots;
    ck_assert_uint_gt(held, 20);
    ck_assert_uint_ge(slots_beside(), held);
    drop(0);
    struct art_commit made = finish(0);
    ck_assert(!made.csn); /* rows of the host's are all that it takes */
    ck_assert(is_held());
    ck_assert_uint_eq(info().held_slots, held);
    write_rows(0, 1, 1, 'c');
    made = finish(ART_REQUEST_FLUSH);
    ck_assert(made.lets_go);
    ck_assert(!is_held());
    ck_assert_uint_eq(info().held_slots, 0);
    for (int i = 0; i < 3; i++) {
        checkpoint();
        finish(ART_REQUEST_OPTIMIZE | ART_REQUEST_VACUUM);
    }
    checkpoint();
    finish(ART_REQUEST_VACUUM);
    ck_assert_uint_eq(slots_beside(), 0);
}

/* Its file would be begun anew, as that of a table that has never had a row. */
LOOP_TEST(test_an_emptied_table_goes_on_beside_its_snapshot, 2) {
    make_world(_i, false);
    write_rows(0, 2000, 1, 'a');
    snapshot();
    delete_rows(2000);
    finish(ART_REQUEST_FLUSH);
    ck_assert_uint_eq(info().runs, 0);
    small_tree_again();
    write_rows(500, 1500, 1, 'b');
    finish(ART_REQUEST_FLUSH);
    small_tree_again();
    look();
    delete_rows(2000);
    finish(ART_REQUEST_FLUSH);
    drop(0);
    finish(0);
    write_rows(0, 10, 1, 'c'); /* a reader may still stand on what was let go */
    finish(ART_REQUEST_FLUSH);
    ck_assert(!is_held());
    small_tree_again();
    look();
}

/* What a table without runs has lost is begun anew, but for this. */
TEST(test_a_file_that_snapshots_need_and_that_is_gone_is_not_made_again) {
    make_world(true, false);
    struct art_commit made;
    write_rows(0, 500, 1, 'a');
    snapshot();
    delete_rows(500);
    finish(ART_REQUEST_FLUSH);
    ck_assert_uint_eq(info().runs, 0);
    sim_disk_remove_file(disk, options.path);
    small_tree_again();
    write_rows(0, 10, 1, 'b');
    must(art_tree_request(tree, ART_REQUEST_FLUSH));
    ck_assert_int_eq(art_tree_prepare(tree, &made), ART_MISSING);
    ck_assert(!sim_disk_has_file(disk, options.path));
    art_tree_rolled_back(tree);
}

static void commit_rows(unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        write_rows(i, i + 1, 1, 'd');
        commit();
        checkpoint();
    }
}

/* Free slots would seem to be many, and each commit would merge to give them back, and move the same blobs to and
 * fro. Where the clock says that each pause is over, the merges of the three flushes come in parts. */
LOOP_TEST(test_slots_that_are_held_make_no_commit_merge, 4) {
    bool slow = _i & 2;
    make_world(_i & 1, false);
    own_clock_step(slow ? OWN_CLOCK_SLOW : 0);
    write_rows(0, 2500, 1, 'a');
    snapshot();
    for (char fill = 'b'; fill < 'd'; fill++) {
        write_rows(0, 2500, 1, fill);
        finish(ART_REQUEST_OPTIMIZE);
        checkpoint();
    }
    commit_rows(120); /* until what is really free has been given back */
    uint64_t written = info().store.count.pages_written;
    commit_rows(360);
    look();
    ck_assert_uint_le(info().store.count.pages_written - written, slow ? 100 : 50);
}

/* What lies before it cannot be given back. */
LOOP_TEST(test_a_held_end_of_the_file_is_no_slack, 2) {
    make_world(_i, false);
    for (char fill = 'a'; fill < 'c'; fill++) {
        write_rows(0, 2500, 1, fill);
        finish(ART_REQUEST_OPTIMIZE); /* behind the slots that this frees */
        checkpoint();
    }
    snapshot();
    delete_rows(2300);
    finish(ART_REQUEST_OPTIMIZE);
    checkpoint();
    uint64_t slots = info().store.file_bytes / ART_BLOB_BYTES;
    ck_assert_uint_gt(slots, 3 * (info().blobs + info().held_slots) / 2);
    for (int i = 0; i < 3; i++) {
        write_rows(0, 10, 1, 'e');
        finish(ART_REQUEST_FLUSH);
        checkpoint();
        ck_assert_int_lt(tree->slack, ART_SLACK_LOOSE);
    }
    ck_assert_uint_eq(info().store.file_bytes / ART_BLOB_BYTES, slots);
}

TEST(test_vacuum_moves_what_no_snapshot_names) {
    make_world(false, false);
    struct art_buffer used = {0};
    write_rows(0, 1000, 1, 'a');
    finish(ART_REQUEST_OPTIMIZE);
    write_rows(0, 1000, 1, 'b');
    finish(ART_REQUEST_OPTIMIZE); /* behind the slots that this frees */
    snapshot();
    uint64_t written = info().store.count.pages_written, bytes = info().store.file_bytes;
    for (int i = 0; i < 3; i++) finish(ART_REQUEST_VACUUM);
    must(art_slots_know(tree));
    must(art_slots_encode(&tree->slots.used, &used));
    ck_assert(art_bytes_equal(art_buffer_bytes(&used), art_buffer_bytes(&toy->snapshots.item[0].slots)));
    ck_assert_uint_eq(info().store.file_bytes, bytes);
    ck_assert_uint_le(info().store.count.pages_written - written, 10); /* copies of roots */
    toy->extends = true;
    write_rows(100, 110, 1, 'c');
    finish(ART_REQUEST_FLUSH); /* behind the end */
    toy->extends = false;
    ck_assert_uint_gt(info().store.file_bytes, bytes);
    for (int i = 0; i < 3; i++) finish(ART_REQUEST_VACUUM);
    ck_assert_uint_eq(info().store.file_bytes, bytes);
    ck_assert_uint_eq(info().held_slots, 0); /* the new run alone has moved */
    art_buffer_clear(&used);
}

/* A reader of the host's old state goes on with a snapshot that others have dropped. */
TEST(test_a_reader_goes_on_with_a_snapshot_that_was_dropped) {
    make_world(true, false);
    write_rows(0, 1000, 1, 'a');
    snapshot();
    write_rows(0, 1000, 1, 'b');
    finish(ART_REQUEST_OPTIMIZE);
    struct toy *seen = toy_copy(toy);
    drop(0);
    finish(0);
    for (unsigned i = 0; i < 8; i++) {
        write_rows(0, 1000, 1 + i % 3, (char)('c' + i));
        finish(i % 2 ? ART_REQUEST_OPTIMIZE : ART_REQUEST_VACUUM);
        must(toy_snapshots_check(seen, &options, &dice, FAMILY, true));
    }
    toy_free(seen);
}

/* What was emptied for a COMMIT that was refused must be emptied again only with a root that retires it. */
LOOP_TEST(test_a_snapshot_may_be_dropped_behind_a_refused_commit, 8) {
    make_world(_i & 1, false);
    bool changes = _i & 2, own = _i & 4;
    struct art_commit made;
    write_rows(0, 500, 1, 'a');
    snapshot();
    write_rows(0, 500, 1, 'b');
    snapshot();
    drop(0);
    finish(0);
    write_rows(0, 500, 1, 'c');
    if (own) toy_snapshots_make(&toy->snapshots);
    offer(ART_REQUEST_OPTIMIZE, &made);
    ck_assert(made.lets_go);
    drop(0);
    if (own) drop(0);
    if (changes) write_rows(0, 500, 2, 'd');
    made = finish(0);
    ck_assert(made.lets_go && !toy->snapshots.held.len && !toy->snapshots.let_go.len);
    ck_assert(!is_held());
}

TEST(test_a_refused_commit_is_offered_again_as_it_was) {
    make_world(true, false);
    struct art_commit made, again;
    write_rows(0, 500, 1, 'a');
    snapshot();
    write_rows(0, 500, 1, 'b');
    toy_snapshots_make(&toy->snapshots);
    offer(ART_REQUEST_OPTIMIZE, &made);
    uint64_t written = info().store.count.pages_written;
    again = finish(0);
    ck_assert_uint_eq(made.csn, again.csn);
    ck_assert_uint_le(info().store.count.pages_written - written, 2); /* the root's copy */
}

/* A snapshot's sets, too, are the host's to make and to write. */
static int try_a_snapshot(void) {
    struct art_buffer root = {0}, slots = {0}, rest = {0};
    struct art_commit made;
    uint64_t csn;
    int rc = art_tree_request(tree, ART_REQUEST_SNAPSHOT);
    if (!rc) rc = art_tree_prepare(tree, &made);
    if (!rc) rc = art_tree_snapshot(tree, &root, &slots, &csn);
    if (!rc) rc = art_slots_without(art_buffer_bytes(&slots), art_bytes("\1\1", 2), &rest);
    if (!rc) rc = art_slots_unite(&slots, art_buffer_bytes(&rest));
    art_buffer_clear(&root);
    art_buffer_clear(&slots);
    art_buffer_clear(&rest);
    return rc;
}

TEST(test_every_allocation_of_a_snapshot_may_fail) {
    make_world(true, false);
    short_memory_use();
    write_rows(0, 400, 1, 'a');
    snapshot();
    write_rows(0, 400, 2, 'b');
    snapshot();
    drop(0);
    finish(0);
    bool struck = true;
    for (int64_t n = 0; struck; n++) {
        for (unsigned i = 0; i < 50; i++) take_at(model_key(&now.row[i]));
        short_memory_fail_once(n);
        int rc = try_a_snapshot();
        struck = short_memory_failures();
        short_memory_fail_after(-1);
        ck_assert_msg(!rc || (rc == ART_NOMEM && struck), "allocation %d: %s", (int)n, art_error_message());
        roll_back();
    }
    look();
}

TEST(test_lists_that_are_missing_or_made_up_stop_who_writes) {
    make_world(true, false);
    uint64_t seen;
    write_rows(0, 500, 1, 'a');
    finish(ART_REQUEST_FLUSH);
    struct {
        const char *held, *says;
        bool snapshot;
    } tries[] = {{"", "the root knows of snapshots, and which slots they hold is missing", true},
                 {"\1\1", "there are slots that snapshots hold, and the root knows of no snapshot", false},
                 {"\1", "a set of slots cannot be decoded", true},
                 {"\1\1\377\1\1", "the file is cut short", true}};
    for (int i = 0; i < LENGTH(tries); i++) {
        if (tries[i].snapshot && !toy->snapshots.count) snapshot();
        if (!tries[i].snapshot && toy->snapshots.count) {
            drop(0);
            write_rows(0, 1, 1, 'b');
            finish(ART_REQUEST_FLUSH);
        }
        struct art_buffer forged = {0};
        must(art_buffer_append(&forged, tries[i].held, strlen(tries[i].held)));
        toy->forged_held = &forged;
        take_at(model_key(&now.row[0]));
        commit_fails(ART_REQUEST_FLUSH, ART_CORRUPT, tries[i].says);
        must(art_tree_count(tree, &(struct art_range){0}, &seen)); /* readers go on */
        ck_assert_uint_eq(seen, 500);
        toy->forged_held = NULL;
        art_buffer_clear(&forged);
        finish(0);
    }
}

SUITE("snapshots", .seconds = 600)
