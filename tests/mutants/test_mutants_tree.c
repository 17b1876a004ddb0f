/* What the lists of deliberate defects (tests/mutants) have shown nobody to
 * look at in core/tree: COMMITs that the host refuses, and how they go on;
 * bounds beyond the longest path; pieces of long values.
 */
#include "tests/support/small_tree.h"

/* --- a tree and a host that may refuse its COMMIT ----------------------------------------------------------------- */

static void set_up(void) {
    small_tree_make_of(false,
                       (struct art_tree_options){.cache_bytes = 16 << 20, .spill_limit = 16 << 20, .blob_pages = 4});
}

static void insert(const char *path) {
    bool existed;
    must(art_tree_insert(tree, ART_WRITE_INSERT, text(path), text(path), &existed));
    ck_assert(!existed);
}

/* What xSync does; the host then goes on, or says BUSY. */
static void prepare(void) {
    struct art_commit commit;
    must(art_tree_prepare(tree, &commit));
    toy_write(toy, &commit);
}

static void commit_alone(void) {
    prepare();
    art_tree_committed(tree); /* who commits need not look again */
}

static void commit_alone_with(unsigned request) {
    must(art_tree_request(tree, request));
    commit_alone();
}

/* Another connection finds these paths, and nothing wrong. */
static void others_see(const char *paths) {
    struct art_tree *other;
    struct art_cursor *cursor;
    char seen[400] = "";
    other = another_tree();
    must(art_tree_check(other));
    must(art_cursor_open(other, &cursor));
    must(art_cursor_seek(cursor, &(struct art_range){0}, false));
    for (; art_cursor_valid(cursor); must(art_cursor_next(cursor))) {
        struct art_bytes key = art_cursor_key(cursor);
        snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%.*s ", (int)key.len, (const char *)key.data);
    }
    ck_assert_str_eq(seen, paths);
    art_cursor_close(cursor);
    art_tree_close(other);
}

static const char *long_path(char path[100], const char *beginning, int i) {
    snprintf(path, 100, "%s/%04d/and a long rest that fills the blobs of this file", beginning, i);
    return path;
}

static void insert_many(const char *beginning) {
    for (int i = 0; i < 300; i++) {
        char path[100];
        insert(long_path(path, beginning, i));
    }
}

/* The refused COMMIT has put a root into row 0, whose blobs are given back; the
 * next one has none to put there. */
TEST(test_a_root_of_a_refused_commit_does_not_stay) {
    struct art_commit out;
    struct art_tree *other;
    uint32_t mark;
    insert_many("a");
    commit_alone_with(ART_REQUEST_FLUSH);
    insert("b");
    commit_alone_with(ART_REQUEST_OPTIMIZE); /* behind the slots that this frees */
    insert("c");
    must(art_tree_request(tree, ART_REQUEST_VACUUM));
    prepare(); /* into them */
    must(art_tree_savepoint(tree, &mark));
    art_tree_rollback_to(tree, mark); /* forgets the wish, and with it the root */
    insert("d");
    commit_alone();
    insert_many("e"); /* into the same slots again, in vain */
    must(art_tree_request(tree, ART_REQUEST_FLUSH));
    must(art_tree_prepare(tree, &out));
    art_tree_rolled_back(tree);
    other = another_tree();
    must(art_tree_check(other));
    uint64_t rows;
    must(art_tree_count(other, &(struct art_range){0}, &rows));
    ck_assert_uint_eq(rows, 303);
    art_tree_close(other);
}

/* As above; and the transaction has changed no row at all. */
TEST(test_a_log_that_a_refused_commit_has_emptied_is_filled_again) {
    uint32_t mark;
    insert("a");
    commit_alone();
    must(art_tree_request(tree, ART_REQUEST_FLUSH));
    prepare();
    must(art_tree_savepoint(tree, &mark));
    art_tree_rollback_to(tree, mark);
    commit_alone();
    others_see("a ");
    insert("b");
    commit_alone();
    others_see("a b ");
}

/* Nobody would ever find them again. */
TEST(test_pieces_go_with_the_value_that_they_were) {
    static uint8_t longer[300000];
    struct art_tree_info info;
    bool existed;
    for (int i = 0; i < 4; i++) {
        struct art_bytes value = art_bytes(longer, i % 2 ? 10 : sizeof longer);
        put_at(text("a"), value);
        put_at(text(i % 2 ? "b" : "c"), value);
        must(art_tree_move(tree, ART_WRITE_REPLACE, text(i % 2 ? "b" : "c"), text("d"), NULL, &existed));
        commit_alone_with(ART_REQUEST_OPTIMIZE);
        must(art_tree_info(tree, &info));
        ck_assert_uint_eq(info.keys, 2);
        ck_assert_uint_eq(info.run[0].entries,
                          i % 2 ? 2
                                : 2 + 2 * ((sizeof longer + ART_OVERFLOW_CHUNK_BYTES - 1) / ART_OVERFLOW_CHUNK_BYTES));
    }
    take_at(text("a"));
    take_at(text("d"));
    commit_alone_with(ART_REQUEST_OPTIMIZE);
    must(art_tree_info(tree, &info));
    ck_assert_uint_eq(info.runs, 0);
}

/* ---- bounds beyond the longest path ------------------------------------------------------------------------------ */

static void range_holds(struct art_range range, const char *firsts) {
    struct art_cursor *cursor;
    uint64_t rows;
    must(art_tree_count(tree, &range, &rows));
    ck_assert_uint_eq(rows, strlen(firsts));
    must(art_cursor_open(tree, &cursor));
    for (int descending = 0; descending < 2; descending++) {
        size_t n = 0;
        must(art_cursor_seek(cursor, &range, descending));
        for (; art_cursor_valid(cursor); must(art_cursor_next(cursor)), n++) {
            ck_assert_uint_lt(n, rows);
            ck_assert_int_eq(art_cursor_key(cursor).data[0], firsts[descending ? rows - 1 - n : n]);
        }
        ck_assert_uint_eq(n, rows);
    }
    art_cursor_close(cursor);
}

TEST(test_a_bound_longer_than_any_path_lies_behind_its_longest_beginning) {
    static uint8_t longest[ART_PATH_MAX + 9];
    bool existed;
    memset(longest, 'b', sizeof longest);
    insert("a");
    insert("c");
    must(art_tree_insert(tree, ART_WRITE_INSERT, art_bytes(longest, ART_PATH_MAX), text("b"), &existed));
    for (int in_runs = 0; in_runs < 2; in_runs++) {
        struct art_bytes bound = art_bytes(longest, sizeof longest);
        for (int open = 0; open < 2; open++) {
            range_holds((struct art_range){.low = bound, .low_set = true, .low_open = open}, "c");
            range_holds((struct art_range){.high = bound, .high_set = true, .high_open = open}, "ab");
        }
        bound.len = ART_PATH_MAX;
        range_holds((struct art_range){.low = bound, .low_set = true}, "bc");
        range_holds((struct art_range){.low = bound, .low_set = true, .low_open = true}, "c");
        range_holds((struct art_range){.high = bound, .high_set = true}, "ab");
        range_holds((struct art_range){.high = bound, .high_set = true, .high_open = true}, "a");
        commit_alone_with(ART_REQUEST_FLUSH);
    }
}

/* --- refused commits of transactions that have spilled ------------------------------------------------------------ */

enum { NUMBERS = 1500, PARTS_MAX = 6 };

static struct random dice;
static struct model *now, *base, *marked[PARTS_MAX];

/* Some neighbouring keys are set, or deleted. */
static void change_some(void) {
    uint32_t from = random_below(&dice, NUMBERS), count = 40 + random_below(&dice, 500);
    bool deletes = random_once_in(&dice, 3);
    for (uint32_t i = from; i < from + count && i < NUMBERS; i++) {
        char key[12], value[160];
        snprintf(key, sizeof key, "k%05u", i);
        memset(value, (int)('a' + random_below(&dice, 26)), sizeof value);
        struct art_bytes bytes = art_bytes(value, 60 + random_below(&dice, 100));
        if (deletes) {
            take_at(text(key));
            model_delete(now, text(key));
        } else {
            put_at(text(key), bytes);
            model_put(now, text(key), bytes);
        }
    }
}

static void is_what(const struct model *model) {
    if (art_tree_unknown(tree)) must(toy_refresh(toy, tree));
    must(model_compare(&dice, tree, model, 0));
}

static void ask_for_less(void) {
    must(random_once_in(&dice, 2) ? art_tree_request(tree, ART_REQUEST_OPTIMIZE)
                                  : art_tree_request(tree, ART_REQUEST_VACUUM));
}

/* One history: the COMMIT is refused, and then tried again, taken back to a
 * savepoint, or rolled back. */
static void refuse_once(void) {
    struct art_commit refused_commit;
    uint32_t marks = 0, mark;
    for (uint32_t i = 1 + random_below(&dice, 3); i; i--) {
        change_some();
        if (random_once_in(&dice, 2)) must(art_tree_request(tree, ART_REQUEST_FLUSH));
        if (random_once_in(&dice, 2)) ask_for_less();
        commit_alone();
    }
    model_copy(now, base);
    for (uint32_t i = 1 + random_below(&dice, PARTS_MAX); i; i--) {
        change_some();
        if (marks == PARTS_MAX || random_once_in(&dice, 2)) continue;
        must(art_tree_savepoint(tree, &mark));
        ck_assert_uint_eq(mark, marks);
        model_copy(now, marked[marks++]);
    }
    ask_for_less();
    must(art_tree_prepare(tree, &refused_commit));
    is_what(now);
    uint32_t end = random_below(&dice, 3);
    if (end == 0) {
        roll_back();
        model_copy(base, now);
    } else if (end == 1 && marks) {
        mark = random_below(&dice, marks);
        art_tree_rollback_to(tree, mark);
        model_copy(marked[mark], now);
    }
    is_what(now);
    if (end) change_some();
    commit_alone();
    is_what(now);
    must(art_tree_check(tree));
}

TEST(test_a_refused_commit_cuts_nothing_off_that_is_needed_again) {
    uint64_t first = random_seed();
    printf("refused commits: seeds %llu on\n", (unsigned long long)first);
    fflush(stdout);
    now = calloc(1, sizeof *now);
    base = calloc(1, sizeof *base);
    for (int i = 0; i < PARTS_MAX; i++) marked[i] = calloc(1, sizeof *marked[i]);
    for (uint64_t seed = first; seed < first + random_rounds(120); seed++) {
        if (!random_span(&(struct random){seed})) continue;
        small_tree_end();
        set_up();
        dice = (struct random){seed};
        model_clear(now);
        art_tree_set_limits(tree, 1 << 14, 1 << 20, (uint64_t)15000 << random_below(&dice, 4));
        for (int i = 0; i < 3; i++) refuse_once();
    }
    for (int i = 0; i < PARTS_MAX; i++) model_clear(marked[i]), free(marked[i]);
    model_clear(now);
    model_clear(base);
    free(now);
    free(base);
}

/* ---- what the bytes say ------------------------------------------------------------------------------------------ */

/* Pieces of one value under the reference of another of the same length. */
TEST(test_pieces_of_another_value_are_refused) {
    struct art_row row;
    struct art_bytes value;
    uint8_t *owned, bytes[9000], id[28];
    bool existed;
    memset(bytes, 'x', sizeof bytes);
    must(art_tree_insert(tree, ART_WRITE_INSERT, text("x"), art_bytes(bytes, sizeof bytes), &existed));
    memset(bytes, 'y', sizeof bytes);
    must(art_tree_insert(tree, ART_WRITE_INSERT, text("y"), art_bytes(bytes, sizeof bytes), &existed));
    commit_alone();
    must(art_tree_get(tree, text("x"), &row));
    ck_assert(row.overflows && row.stored.bytes.len == sizeof id);
    memcpy(id, row.stored.bytes.data, sizeof id);
    id[8 + 8 + 3] ^= 1; /* its counter: that of the other */
    struct art_row forged = row;
    forged.stored = art_stored_of(art_bytes(id, sizeof id));
    int rc = art_row_value(tree, &forged, &value, &owned);
    ck_assert_int_eq(rc, ART_CORRUPT);
    must(art_row_value(tree, &row, &value, &owned));
    ck_assert_uint_eq(value.len, sizeof bytes);
    ck_assert_int_eq(value.data[0], 'x');
    free(owned);
    art_row_release(&row);
}

SUITE("mutants, tree", .seconds = 120, .set_up = set_up, .tear_down = small_tree_end)
