/* The difference of two states of one history, and how much has grown between them: against both states, scanned.
 *
 * A random history goes on, with directories that move, spills, merges and uncommitted changes. States of it are kept:
 * copies of the host's tables, each with a tree of its own. Two of them, or one and the present, are compared in both
 * directions, in any prefix, and also while the table changes. Then larger tables, in which deletes were swallowed.
 */
#include "core/tree/read/states.h"
#include "tests/support/short_memory.h"
#include "tests/support/small_tree.h"
#include "tests/support/toy_summary.h"

static struct art_measures has = {.columns = 1, .sums = 1};

/* --- a state, scanned --------------------------------------------------------------------------------------------- */

struct scanned_row {
    uint8_t *path;
    uint32_t len;
    uint64_t version;
};
struct scanned {
    struct scanned_row *row;
    uint32_t rows, capacity;
};

static struct art_bytes scanned_path(const struct scanned_row *row) {
    return art_bytes(row->path, row->len);
}

static void forget(struct scanned *scanned) {
    for (uint32_t i = 0; i < scanned->rows; i++) free(scanned->row[i].path);
    free(scanned->row);
    *scanned = (struct scanned){0};
}

static void scan(struct art_tree *of, const struct art_range *range, struct scanned *out) {
    struct art_cursor *cursor;
    forget(out);
    must(art_cursor_open(of, &cursor));
    for (must(art_cursor_seek(cursor, range, false)); art_cursor_valid(cursor); must(art_cursor_next(cursor))) {
        struct art_bytes path = art_cursor_key(cursor);
        if (out->rows == out->capacity) {
            out->capacity = 2 * out->capacity + 64;
            out->row = realloc(out->row, out->capacity * sizeof *out->row);
        }
        struct scanned_row *row = &out->row[out->rows++];
        *row = (struct scanned_row){malloc(path.len + 1), path.len, art_cursor_row(cursor)->version};
        memcpy(row->path, path.data, path.len);
    }
    art_cursor_close(cursor);
}

/* --- differences -------------------------------------------------------------------------------------------------- */

struct both {
    struct scanned *from, *to;
    uint32_t i, j;
};

/* The next path whose row is another one. */
static bool next_different(struct both *both, struct art_changed *out) {
    for (;;) {
        const struct scanned_row *from = both->i < both->from->rows ? &both->from->row[both->i] : NULL;
        const struct scanned_row *to = both->j < both->to->rows ? &both->to->row[both->j] : NULL;
        if (!from && !to) return false;
        int c = !from ? 1 : !to ? -1 : art_bytes_compare(scanned_path(from), scanned_path(to));
        *out = (struct art_changed){scanned_path(c <= 0 ? from : to), c <= 0 ? from->version : 0,
                                    c >= 0 ? to->version : 0};
        both->i += c <= 0;
        both->j += c >= 0;
        if (out->old_version != out->version) return true;
    }
}

static bool is_behind(struct art_bytes path, struct art_bytes last, bool any) {
    return !any || art_bytes_compare(path, last) > 0;
}

/* What is still to be told behind `last`: `both` is at its beginning. */
static void expect_changed(struct both *both, struct art_bytes last, bool any, struct art_changed *told, int rc) {
    struct art_changed wanted;
    bool found;
    do {
        found = next_different(both, &wanted);
    } while (found && !is_behind(wanted.path, last, any));
    if (!found) {
        HOLDS(rc == ART_NOTFOUND);
        return;
    }
    must(rc);
    ck_assert_msg(art_bytes_equal(told->path, wanted.path), "another path was told: '%.*s' instead of '%.*s'",
                  (int)told->path.len, told->path.data, (int)wanted.path.len, wanted.path.data);
    HOLDS(told->old_version == wanted.old_version && told->version == wanted.version);
}

static struct scanned scanned_from, scanned_to;

/* All of the difference; *changes, if not NULL, gets its length. */
static void compare(struct art_tree *from, struct art_tree *to, const struct art_range *range) {
    struct both both = {&scanned_from, &scanned_to, 0, 0};
    struct art_changed told;
    struct art_diff *diff;
    int rc;
    scan(from, range, both.from);
    scan(to, range, both.to);
    must(art_diff_open(from, to, range, &diff));
    do {
        rc = art_diff_next(diff, &told);
        expect_changed(&both, art_bytes(NULL, 0), false, &told, rc);
    } while (!rc);
    HOLDS(art_diff_next(diff, &told) == ART_NOTFOUND);
    art_diff_close(diff);
}

/* --- growth ------------------------------------------------------------------------------------------------------- */

/* Bytes of the path that are its name. */
static uint32_t name_of(struct art_bytes path, const struct art_growing *what, bool *whole) {
    uint32_t at = what->prefix.len;
    for (uint64_t i = 0; i < what->depth; i++) {
        uint32_t end = at;
        while (end + what->delimiter.len <= path.len &&
               memcmp(path.data + end, what->delimiter.data, what->delimiter.len))
            end++;
        *whole = end + what->delimiter.len > path.len;
        if (*whole) return path.len;
        at = end + what->delimiter.len;
    }
    return at;
}

static void expect_grown(struct art_tree *from, struct art_tree *to, const struct art_growing *what,
                         struct art_bytes name, bool whole, const struct art_grown *told) {
    static uint8_t buffer[ART_PATH_MAX + 1];
    struct art_range range = {.low = name, .high = name, .low_set = true, .high_set = true};
    art_int128 sum[2][ART_SUMMARY_MAX];
    uint64_t rows[2];
    if (!whole) art_range_of_prefix(name, buffer, &range);
    ck_assert_msg(art_bytes_equal(told->path, name), "another name was told: '%.*s' instead of '%.*s'",
                  (int)told->path.len, told->path.data, (int)name.len, name.data);
    must(art_tree_count(from, &range, &rows[0]));
    must(art_tree_count(to, &range, &rows[1]));
    must(art_tree_sums(from, &range, sum[0]));
    must(art_tree_sums(to, &range, sum[1]));
    HOLDS(told->old_rows == rows[0] && told->rows == rows[1]);
    HOLDS(told->old_sum == (what->sum < 0 ? 0 : sum[0][what->sum]));
    HOLDS(told->sum == (what->sum < 0 ? 0 : sum[1][what->sum]));
}

/* Adds a difference to added, changed or deleted. */
static void count_changed(const struct art_changed *changed, uint64_t count[3]) {
    count[!changed->old_version ? 0 : changed->version ? 1 : 2]++;
}

static void expect_counts(const struct art_grown *told, const uint64_t count[3]) {
    HOLDS(told->added == count[0] && told->changed == count[1] && told->deleted == count[2]);
}

/* Of all levels: each has what begins with it. */
static void expect_levels(struct art_tree *from, struct art_tree *to, const struct art_growing *what,
                          struct art_growth *growth, struct both *both) {
    struct art_changed changed;
    struct art_grown told;
    while (!art_growth_next(growth, &told)) {
        uint64_t count[3] = {0};
        for (both->i = both->j = 0; next_different(both, &changed);)
            if (art_bytes_starts_with(changed.path, told.path)) count_changed(&changed, count);
        HOLDS(count[0] + count[1] + count[2] > 0);
        if (what->counts) expect_counts(&told, count);
        if (what->totals) expect_grown(from, to, what, told.path, false, &told);
    }
}

static void compare_growth(struct art_tree *from, struct art_tree *to, const struct art_growing *what) {
    static uint8_t buffer[ART_PATH_MAX + 1], last[ART_PATH_MAX];
    struct both both = {&scanned_from, &scanned_to, 0, 0};
    struct art_changed changed;
    struct art_grown told;
    struct art_growth *growth;
    struct art_range range;
    bool whole = false, more;
    art_range_of_prefix(what->prefix, buffer, &range);
    scan(from, &range, both.from);
    scan(to, &range, both.to);
    must(art_growth_open(from, to, what, &growth));
    for (more = what->depth && next_different(&both, &changed); more;) {
        uint64_t count[3] = {0};
        uint32_t len = name_of(changed.path, what, &whole);
        memcpy(last, changed.path.data, len);
        do {
            count_changed(&changed, count);
            more = next_different(&both, &changed);
        } while (more && !whole && art_bytes_starts_with(changed.path, art_bytes(last, len)));
        must(art_growth_next(growth, &told));
        expect_grown(from, to, what, art_bytes(last, len), whole, &told);
        if (what->counts) expect_counts(&told, count);
    }
    if (!what->depth) expect_levels(from, to, what, growth, &both);
    HOLDS(art_growth_next(growth, &told) == ART_NOTFOUND);
    HOLDS(art_growth_next(growth, &told) == ART_NOTFOUND);
    art_growth_close(growth);
}

/* --- random histories --------------------------------------------------------------------------------------------- */

enum { STATES = 4 };

struct state {
    struct toy *toy;
    struct art_tree *tree;
};
static struct state kept[STATES];
static struct random source;
static struct walk *walk;

static void let_go(struct state *state) {
    art_tree_close(state->tree);
    if (state->toy) toy_free(state->toy);
    *state = (struct state){0};
}

/* The state that the walk has committed last. */
static void keep(struct state *state) {
    let_go(state);
    state->toy = toy_copy(walk_committed(walk));
    must(toy_open(state->toy, &walk->options, &state->tree));
    must(toy_refresh(state->toy, state->tree));
}

/* One of the states, or the present. */
static struct art_tree *draw_tree(void) {
    struct state *state = &kept[random_below(&source, STATES)];
    return random_once_in(&source, 2) || !state->tree ? walk->tree : state->tree;
}

/* Some bytes of some key, and one of its bytes, or none. */
static void draw_level(struct art_growing *what) {
    static uint8_t prefix[ART_PATH_MAX], delimiter[2];
    struct art_bytes key = model_random_key(&source, walk->family);
    uint32_t len = random_once_in(&source, 2) ? 0 : random_below(&source, key.len + 1);
    if (len) memcpy(prefix, key.data, len);
    delimiter[0] = delimiter[1] = len < key.len ? key.data[len + random_below(&source, key.len - len)] : '/';
    *what = (struct art_growing){.prefix = art_bytes(prefix, len),
                                 .delimiter = art_bytes(delimiter, 1 + random_below(&source, 8) / 7),
                                 .depth = random_below(&source, 4),
                                 .sum = random_once_in(&source, 3) ? -1 : 0,
                                 .counts = random_once_in(&source, 2),
                                 .totals = random_once_in(&source, 2)};
}

static bool is_current(void) {
    return walk->writing && !art_tree_unknown(walk->tree);
}

static void look(void) {
    static uint8_t buffer[ART_PATH_MAX];
    struct art_tree *from = draw_tree(), *to = draw_tree();
    struct art_growing what;
    struct art_range range;
    if (!is_current()) must(toy_refresh(walk->toy, walk->tree));
    draw_level(&what);
    compare_growth(from, to, &what);
    art_range_of_prefix(what.prefix, buffer, &range);
    if (random_once_in(&source, 3)) model_random_range(&source, walk->family, &range);
    compare(from, to, &range);
}

/* The table changes while its difference is read: what is told lies behind what was told before, and is right then. */
static void look_while_it_changes(void) {
    static uint8_t last[ART_PATH_MAX];
    struct art_tree *state = kept[random_below(&source, STATES)].tree;
    struct both both = {&scanned_from, &scanned_to, 0, 0};
    struct art_range all = {0};
    struct art_changed told;
    struct art_diff *diff;
    uint32_t len = 0;
    bool any = false, turned = random_once_in(&source, 2);
    int rc = ART_OK;
    if (!state || !is_current()) return;
    struct art_tree *from = turned ? walk->tree : state, *to = turned ? state : walk->tree;
    must(art_diff_open(from, to, &all, &diff));
    while (!rc) {
        scan(from, &all, both.from);
        scan(to, &all, both.to);
        both.i = both.j = 0;
        rc = art_diff_next(diff, &told);
        expect_changed(&both, art_bytes(last, len), any, &told, rc);
        if (rc) break;
        if ((len = told.path.len) != 0) memcpy(last, told.path.data, len);
        any = true;
        for (unsigned n = random_below(&source, 3); n--;) {
            bool existed;
            struct art_bytes key = model_random_key(&source, walk->family);
            model_find(&walk->now, key, &existed);
            if (existed || walk->now.rows > MODEL_MAX - 10) {
                must(art_tree_delete(walk->tree, key, &existed));
                model_delete(&walk->now, key);
            } else {
                must(art_tree_insert(walk->tree, ART_WRITE_INSERT, key, key, &existed));
                model_put(&walk->now, key, key);
            }
        }
    }
    art_diff_close(diff);
}

static void make_walk(uint64_t seed, unsigned number) {
    struct art_tree_options of = {0};
    source.state = seed;
    printf("difference: seed %llu\n", (unsigned long long)seed);
    fflush(stdout); /* a test that fails takes with it what is not written */
    of.summary = toy_summary(&has);
    walk = walk_new_inline(seed + number, &of, false);
    if (!walk->options.blob_pages) return;
    walk->options.blob_pages = 16; /* of less, with sums and long keys, a run may become deeper than it may be */
    art_tree_close(walk->tree);
    must(toy_open(walk->toy, &walk->options, &walk->tree));
}

static void end_walk(void) {
    for (int i = 0; i < STATES; i++) let_go(&kept[i]);
    forget(&scanned_from);
    forget(&scanned_to);
    walk_finish(walk);
    walk_free(walk);
}

LOOP_TEST(test_a_difference_is_that_of_both_states_as_they_are_scanned, 12) {
    make_walk(random_seed(), (unsigned)_i);
    for (unsigned step = random_rounds(400); step--;) {
        if (!random_span(&source)) continue;
        walk_step(walk);
        if (random_once_in(&source, 60)) keep(&kept[random_below(&source, STATES)]);
        if (random_once_in(&source, 10)) look();
        if (random_once_in(&source, 100)) look_while_it_changes();
    }
    end_walk();
}

/* --- many rows ---------------------------------------------------------------------------------------------------- */

enum { ROWS = 20000 };

static struct toy *old_toy;
static struct art_tree *old;

static struct art_bytes path_of(unsigned i) {
    static char path[32];
    snprintf(path, sizeof path, "%02u/%03u/%05u", i / 1000, i / 50, i);
    return text(path);
}

static void put_row(unsigned i, int64_t number) {
    uint8_t value[9] = {ART_DATUM_INTEGER};
    memcpy(value + 1, &number, 8);
    put_at(path_of(i), art_bytes(value, 9));
}

static void delete_row(unsigned i) {
    take_at(path_of(i));
}

static void end_states(void) {
    art_tree_close(old);
    if (old_toy) toy_free(old_toy);
    old = NULL;
    old_toy = NULL;
}

/* The older state: readers of a WAL stand on it, so its blobs stay. */
static void keep_old(void) {
    end_states();
    old_toy = toy_copy(toy);
    must(toy_open(old_toy, &options, &old));
    must(toy_refresh(old_toy, old));
}

static void make_rows(void) {
    end_states();
    small_tree_make_of(true, (struct art_tree_options){.summary = toy_summary(&has), .blob_pages = 8});
    for (unsigned i = 0; i < ROWS; i++) put_row(i, i);
    flush();
    optimize();
    keep_old();
}

/* Where few rounds are asked for, each depth in one of the three ways, by turns. */
static void compare_all(void) {
    static const unsigned depths[] = {1, 2, 3, 0};
    static unsigned turn;
    struct art_range all = {0}, some = {.low = text("03/"), .high = text("11/234"), .low_set = true, .high_set = true};
    compare(old, tree, &all);
    compare(tree, old, &all);
    compare(old, tree, &some);
    for (int i = 0; i < LENGTH(depths); i++) {
        struct art_growing what = {.delimiter = text("/"), .depth = depths[i], .counts = true, .totals = true};
        unsigned way = random_stride() > 1 ? turn++ % 3 : 3;
        if (way == 0 || way == 3) compare_growth(old, tree, &what);
        if (way == 1 || way == 3) compare_growth(tree, old, &what);
        what.prefix = text("07/");
        if (way >= 2) compare_growth(old, tree, &what);
    }
}

static uint64_t halved(void) {
    return tree->count.halved;
}

static void tear_down(void) {
    forget(&scanned_from);
    forget(&scanned_to);
    end_states();
    small_tree_end();
}

CASE("rows", .seconds = SUITE_FOREVER, .set_up = make_rows, .tear_down = tear_down)

/* Without a trace in the newer state, alone and beside other changes; few, and nearly all of a part. */
LOOP_TEST(test_deletes_that_merges_have_swallowed_are_found_by_counts, 4) {
    for (unsigned i = 7; i < ROWS; i += 251) delete_row(i);
    for (unsigned i = 5000; _i % 2 && i < 6100; i++) delete_row(i);
    flush();
    optimize();
    uint64_t before = halved();
    compare_all();
    ck_assert_uint_gt(halved(), before + 100);
    for (unsigned i = 9; _i / 2 && i < ROWS; i += 97) put_row(i, 7);
    for (unsigned i = 11; _i / 2 && i < ROWS; i += 113) delete_row(i);
    compare_all();
}

TEST(test_a_directory_that_was_deleted_as_one_is_found_by_counts) {
    struct art_range range;
    uint8_t buffer[8];
    uint64_t deleted;
    art_range_of_prefix(text("04/"), buffer, &range);
    must(art_tree_delete_range(tree, &range, &deleted));
    ck_assert_uint_eq(deleted, 1000);
    compare_all(); /* before it is committed, too */
    commit();
    compare_all();
    bool taken;
    must(art_tree_move_prefix(tree, text("05/"), text("99/"), false, &deleted, &taken));
    compare_all();
    commit();
    compare_all();
}

TEST(test_all_rows_of_a_table_may_have_changed) {
    for (unsigned i = 0; i < ROWS; i++) put_row(i, 2 * i);
    compare_all();
    flush();
    compare_all();
    optimize();
    uint64_t before = halved();
    compare_all();
    ck_assert_uint_eq(halved(), before);
    for (unsigned i = 0; i < ROWS; i++) delete_row(i);
    compare_all();
}

/* Newer deletes of rows that the older state does not have either: nothing below the name is another row. */
TEST(test_a_name_below_which_nothing_has_changed_is_not_told) {
    struct art_growing what = {.delimiter = text("/"), .depth = 1};
    put_row(19000, 5);
    for (unsigned i = 0; i < 50; i++) put_row(ROWS + i, 1);
    flush();
    for (unsigned i = 0; i < 50; i++) delete_row(ROWS + i);
    flush();
    compare_growth(old, tree, &what);
    what.counts = true;
    put_row(ROWS + 40, 1);
    delete_row(19999);
    compare_growth(old, tree, &what);
}

/* The first rows cost what they cost, not all of the difference. */
TEST(test_the_first_rows_of_a_difference_come_before_all_is_looked_at) {
    for (unsigned i = 0; i < ROWS; i++) put_row(i, 2 * i);
    flush();
    struct art_diff *diff;
    struct art_changed told;
    must(art_diff_open(old, tree, &(struct art_range){0}, &diff));
    uint64_t asked = info().store.count.hits;
    must(art_diff_next(diff, &told));
    uint64_t first = info().store.count.hits - asked;
    while (!art_diff_next(diff, &told)) continue;
    ck_assert_uint_lt(first * 5, info().store.count.hits - asked);
    art_diff_close(diff);
}

/* --- what fails --------------------------------------------------------------------------------------------------- */

static int read_all(void) {
    static const struct art_range all = {0};
    struct art_diff *diff = NULL;
    struct art_changed changed;
    struct art_grown grown;
    int rc = art_diff_open(old, tree, &all, &diff);
    while (!rc) rc = art_diff_next(diff, &changed);
    art_diff_close(diff);
    struct art_differences *differences = NULL;
    if (rc == ART_NOTFOUND) rc = art_differences_open(&(struct art_differing){old, tree, 0, 0}, &all, &differences);
    while (!rc) rc = art_differences_next(differences, &changed);
    art_differences_close(differences);
    for (unsigned depth = 0; depth <= 2 && rc == ART_NOTFOUND; depth += 2) {
        struct art_growing what = {.delimiter = text("/"), .depth = depth, .counts = true, .totals = true};
        struct art_growth *growth = NULL;
        rc = art_growth_open(tree, old, &what, &growth);
        while (!rc) rc = art_growth_next(growth, &grown);
        art_growth_close(growth);
    }
    return rc == ART_NOTFOUND ? ART_OK : rc;
}

static void swallow_deletes(void) {
    for (unsigned i = 7; i < ROWS; i += 251) delete_row(i);
    flush();
    optimize();
}

TEST(test_any_allocation_may_fail) {
    swallow_deletes();
    for (unsigned i = 0; i < ROWS; i += 99) put_row(i, 1);
    int64_t failed = 0;
    for (;; failed++) {
        art_tree_trim(old);
        art_tree_trim(tree);
        short_memory_fail_after(failed);
        int rc = read_all();
        short_memory_fail_after(-1);
        if (!rc) break;
        ck_assert_int_eq(rc, ART_NOMEM);
    }
    ck_assert_int_gt(failed, 10);
    compare_all();
}

TEST(test_a_difference_may_be_interrupted) {
    swallow_deletes();
    unsigned asked = 0;
    for (;; asked++) {
        toy->patience = old_toy->patience = asked + 1;
        int rc = read_all();
        bool heard = !toy->patience || !old_toy->patience;
        toy->patience = old_toy->patience = 0;
        if (!heard) break;
        ck_assert_int_eq(rc, ART_INTERRUPT);
    }
    ck_assert_uint_gt(asked, 10);
    compare_all();
}

int main(void) {
    short_memory_use();
    return suite_run("diff", .seconds = SUITE_FOREVER, .tear_down = tear_down);
}
