/* Cursors that take many rows of a bucket as one stretch.
 *
 * Random walks over random trees of small blobs, a memtable and several runs, in both directions, against the model:
 * steps, jumps, and changes in between, with keys and values asked for or not. A key that is asked for late has to be
 * that of its row. The same with a host that chooses among the rows of blocks: none that it wants is left out. Then,
 * that what a forged bucket shows ascends, whichever keys are asked for.
 */
#include "core/blob/bucket.h"
#include "core/store/private.h"
#include "tests/support/small_tree.h"
#include "tests/support/toy_codec.h"
#include "tests/support/tree_model.h"

static struct model model, before;
static struct art_cursor *cursor;

/* --- changes ------------------------------------------------------------------------------------------------------ */

static void write_row(struct random *random, struct art_bytes key) {
    static uint8_t value[6000];
    bool existed, found;
    model_find(&model, key, &found);
    if (random_once_in(random, 3)) {
        existed = take_at(key);
        if (found) model_delete(&model, key);
    } else if (found || model.rows < MODEL_MAX) {
        uint32_t len = random_below(random, random_once_in(random, 50) ? sizeof value : 40);
        for (uint32_t i = 0; i < len && i < 8; i++) value[i] = (uint8_t)random_next(random);
        existed = put_at(key, art_bytes(value, len));
        model_put(&model, key, art_bytes(value, len));
    } else {
        return;
    }
    ck_assert_int_eq(existed, found);
}

static void write_rows(struct random *random, int family, unsigned count) {
    while (count--) write_row(random, model_random_key(random, family));
}

static void make_tree(struct random *random) {
    small_tree_make_of(false, (struct art_tree_options){.log_limit = 20000, .blob_pages = 3 + random_below(random, 6)});
    model_clear(&model);
}

/* 'optimize' once in so many times. */
static void write_and_merge(struct random *random, int family, unsigned optimizes) {
    write_rows(random, family, random_below(random, random_once_in(random, 3) ? 1500 : 60));
    commit();
    if (random_once_in(random, 2)) flush();
    if (random_once_in(random, optimizes)) optimize();
}

/* --- a walk ------------------------------------------------------------------------------------------------------- */

struct model_walk {
    struct art_range range;
    bool descending, valid;
    struct art_buffer key, value; /* of the row that it stands on, as it was when the walk came to it */
};

/* To the row that stands `count` rows on; 0: to the first from `at` on, which is a place among the model's rows. */
static void expect_at(struct model_walk *walk, int64_t at) {
    unsigned low, high;
    model_range(&model, &walk->range, &low, &high);
    walk->valid = at >= (int64_t)low && at < (int64_t)high;
    if (!walk->valid) return;
    const struct model_row *row = &model.row[at];
    walk->key.len = walk->value.len = 0;
    must(art_buffer_append(&walk->key, row->key, row->key_len));
    must(art_buffer_append(&walk->value, row->value, row->value_len));
}

static int64_t place_behind(const struct model_walk *walk) {
    bool found;
    unsigned at = model_find(&model, art_buffer_bytes(&walk->key), &found);
    return walk->descending ? (int64_t)at - 1 : (int64_t)at + found;
}

static void begin(struct model_walk *walk) {
    unsigned low, high;
    model_range(&model, &walk->range, &low, &high);
    must(art_cursor_seek(cursor, &walk->range, walk->descending));
    expect_at(walk, low < high ? (walk->descending ? (int64_t)high - 1 : (int64_t)low) : -1);
}

static void step(struct model_walk *walk, struct random *random) {
    unsigned what = random_below(random, 60);
    if (what == 0) {
        uint64_t count = random_below(random, random_once_in(random, 3) ? 400 : 4);
        must(art_cursor_skip(cursor, count));
        if (!count) return;
        expect_at(walk, place_behind(walk) + (walk->descending ? 1 - (int64_t)count : (int64_t)count - 1));
    } else if (what <= 2) {
        uint32_t len = random_below(random, (uint32_t)walk->key.len + 2);
        struct art_bytes prefix = art_bytes(walk->key.data, art_min32(len, (uint32_t)walk->key.len));
        must(art_cursor_skip_prefix(cursor, len));
        int64_t at = place_behind(walk), way = walk->descending ? -1 : 1;
        if (len > walk->key.len) prefix = art_bytes(NULL, UINT32_MAX);
        while (at >= 0 && at < (int64_t)model.rows && art_bytes_starts_with(model_key(&model.row[at]), prefix))
            at += way;
        expect_at(walk, at);
    } else {
        if (!art_cursor_pass(cursor)) must(art_cursor_next(cursor));
        expect_at(walk, place_behind(walk));
    }
}

static void look(const struct model_walk *walk, bool at_key, bool at_value) {
    ck_assert_int_eq(art_cursor_valid(cursor), walk->valid);
    if (!walk->valid) return;
    if (at_value) {
        struct art_bytes value;
        uint8_t *owned;
        must(art_row_value(tree, art_cursor_row(cursor), &value, &owned));
        ck_assert(art_bytes_equal(value, art_buffer_bytes(&walk->value)));
        art_free(owned);
    }
    if (at_key) {
        struct art_bytes key;
        bool has_no_nul;
        must(art_cursor_text(cursor, &key, &has_no_nul));
        ck_assert(art_bytes_equal(key, art_buffer_bytes(&walk->key)) && !key.data[key.len]);
        ck_assert(art_bytes_equal(key, art_cursor_key(cursor)));
        if (has_no_nul) ck_assert(!memchr(key.data, 0, key.len));
    }
}

/* Of the row itself, of its neighbours, or of any. */
static void change(struct model_walk *walk, struct random *random, int family) {
    uint32_t savepoint = 0;
    bool taken_back = random_once_in(random, 3);
    if (taken_back) must(art_tree_savepoint(tree, &savepoint));
    model_copy(&model, &before);
    if (random_once_in(random, 2)) {
        uint8_t key[ART_PATH_MAX];
        if (walk->key.len) memcpy(key, walk->key.data, walk->key.len);
        write_row(random, art_bytes(key, (uint32_t)walk->key.len));
    }
    write_rows(random, family, random_below(random, 4));
    if (taken_back) {
        if (random_once_in(random, 2)) {
            step(walk, random);
            look(walk, random_once_in(random, 2), false);
        }
        art_tree_rollback_to(tree, savepoint);
        art_tree_release_savepoints(tree, savepoint);
        model_copy(&before, &model);
    }
    if (random_once_in(random, 2)) commit();
    if (random_once_in(random, 20)) flush();
    if (random_once_in(random, 60)) optimize();
}

static void walk_once(struct random *random, int family) {
    struct model_walk walk = {.descending = random_once_in(random, 2)};
    unsigned asks_keys = 1 + random_below(random, 12), asks_values = 1 + random_below(random, 12);
    unsigned changes = random_once_in(random, 3) ? 1 + random_below(random, 60) : 0;
    if (random_once_in(random, 2)) model_random_range(random, family, &walk.range);
    begin(&walk);
    while (walk.valid) {
        bool at_value = random_once_in(random, asks_values);
        look(&walk, random_once_in(random, asks_keys), at_value && !changes);
        if (changes && random_once_in(random, changes)) change(&walk, random, family);
        if (!walk.valid) break;
        step(&walk, random);
        ck_assert_int_eq(art_cursor_valid(cursor), walk.valid);
    }
    look(&walk, true, true);
    art_buffer_clear(&walk.key);
    art_buffer_clear(&walk.value);
}

LOOP_TEST(test_stretches_are_what_the_model_says, 12) {
    struct random random = {random_seed() + (uint64_t)_i};
    int family = _i % MODEL_FAMILIES;
    printf("stretch: seed %llu\n", (unsigned long long)random.state);
    make_tree(&random);
    for (unsigned round = random_rounds(25); round--;) {
        if (!random_span(&random)) continue;
        write_and_merge(&random, family, 10);
        must(art_cursor_open(tree, &cursor));
        for (unsigned i = 0; i < 8; i++) walk_once(&random, family);
        art_cursor_close(cursor);
        commit();
    }
    must(art_tree_check(tree));
}

/* --- chosen rows -------------------------------------------------------------------------------------------------- */

static bool is_wanted(struct art_bytes value) {
    unsigned sum = 0;
    for (uint32_t i = 0; i < value.len; i++) sum += value.data[i];
    return value.len > ART_VALUE_INLINE_MAX || sum % 4 == 0;
}

/* References to overflow chunks it takes for values. */
static void choose(void *chooser, struct art_bytes block, struct art_row_set *rows) {
    uint8_t room[ART_VALUE_INLINE_MAX];
    ck_assert_ptr_eq(chooser, &model);
    for (uint32_t row = art_row_set_from(rows, 0); row < ART_BLOCK_ROWS_MAX; row = art_row_set_from(rows, row + 1)) {
        if (!is_wanted(art_bytes(room, art_codec()->value(block, row, room)))) art_row_set_remove(rows, row);
    }
}

/* The model's rows that lie strictly between, and those of them that are wanted. */
static unsigned count_between(int64_t from, int64_t to, unsigned *wanted) {
    unsigned count = 0;
    *wanted = 0;
    for (int64_t at = art_min32((uint32_t)(from + 1), (uint32_t)(to + 1)); at < (from < to ? to : from); at++) {
        const struct model_row *row = &model.row[at];
        *wanted += is_wanted(art_bytes(row->value, row->value_len));
        count++;
    }
    return count;
}

/* From place `from` on, `steps` rows were given, the last of which is the cursor's, or is none: its place. */
static int64_t place_of_chosen(const struct model_walk *walk, int64_t from, unsigned steps) {
    unsigned low, high, wanted;
    bool found;
    model_range(&model, &walk->range, &low, &high);
    int64_t at = walk->descending ? (int64_t)low - 1 : (int64_t)high;
    if (art_cursor_valid(cursor)) {
        at = model_find(&model, art_cursor_key(cursor), &found);
        ck_assert(found && at >= low && at < high && (walk->descending ? at < from : at > from));
        struct art_bytes value, is = art_bytes(model.row[at].value, model.row[at].value_len);
        uint8_t *owned;
        must(art_row_value(tree, art_cursor_row(cursor), &value, &owned));
        ck_assert(art_bytes_equal(value, is));
        art_free(owned);
    }
    unsigned count = count_between(from, at, &wanted);
    ck_assert_uint_le(wanted, steps - 1);
    ck_assert_uint_ge(count, steps - 1);
    return at;
}

/* From the row there over all that begin as it does. The last of them within the range. */
static int64_t jump_among_chosen(struct random *random, const struct model_walk *walk, int64_t at) {
    int64_t way = walk->descending ? -1 : 1;
    unsigned low, high;
    model_range(&model, &walk->range, &low, &high);
    uint8_t bytes[ART_PATH_MAX];
    struct art_bytes key = model_key(&model.row[at]);
    uint32_t len = key.len - random_below(random, art_min32(key.len, 6) + 1);
    if (len) memcpy(bytes, key.data, len);
    must(art_cursor_skip_prefix(cursor, len));
    while (at + way >= (int64_t)low && at + way < (int64_t)high &&
           art_bytes_starts_with(model_key(&model.row[at + way]), art_bytes(bytes, len)))
        at += way;
    return at;
}

static void walk_among_chosen(struct random *random, int family) {
    struct art_limits limits = {.choose = choose, .chooser = &model};
    struct model_walk walk = {.descending = random_once_in(random, 2)};
    unsigned asks = 1 + random_below(random, 12), low, high, steps = 1;
    if (random_once_in(random, 2)) model_random_range(random, family, &walk.range);
    walk.range.limits = &limits;
    must(art_cursor_seek(cursor, &walk.range, walk.descending));
    model_range(&model, &walk.range, &low, &high);
    if (low > high) high = low;
    int64_t at = walk.descending ? (int64_t)high : (int64_t)low - 1;
    while (art_cursor_valid(cursor)) {
        if (random_once_in(random, asks)) {
            at = place_of_chosen(&walk, at, steps);
            steps = 0;
            if (random_once_in(random, 30)) {
                walk.key.len = 0;
                must(art_buffer_append(&walk.key, model.row[at].key, model.row[at].key_len));
                write_rows(random, family, 1 + random_below(random, 3));
                if (random_once_in(random, 3)) commit();
                at = place_behind(&walk) + (walk.descending ? 1 : -1);
            } else if (art_cursor_valid(cursor) && random_once_in(random, 8)) {
                at = jump_among_chosen(random, &walk, at);
                steps = 1;
                continue;
            }
        }
        if (!art_cursor_pass(cursor)) must(art_cursor_next(cursor));
        steps++;
    }
    place_of_chosen(&walk, at, steps);
    art_buffer_clear(&walk.key);
}

/* A walk behind it learns where no rows are, but not from rows that it passed over. */
static void delete_many(struct random *random) {
    uint8_t key[ART_PATH_MAX];
    unsigned at = random_below(random, model.rows + 1);
    for (unsigned n = 20 + random_below(random, 60); n-- && at < model.rows; at += random_once_in(random, 20)) {
        struct art_bytes is = model_key(&model.row[at]);
        memcpy(key, is.data, is.len);
        ck_assert(take_at(art_bytes(key, is.len)));
        model_delete(&model, art_bytes(key, is.len));
    }
}

LOOP_TEST(test_chosen_rows_are_all_that_are_wanted, 8) {
    struct random random = {random_seed() + 100 + (uint64_t)_i};
    int family = _i % MODEL_FAMILIES;
    printf("chosen: seed %llu\n", (unsigned long long)random.state);
    toy_codec_lend(true);
    make_tree(&random);
    for (unsigned round = random_rounds(20); round--;) {
        if (!random_span(&random)) continue;
        write_and_merge(&random, family, 4);
        if (random_once_in(&random, 2)) delete_many(&random);
        must(art_cursor_open(tree, &cursor));
        for (unsigned i = 0; i < 8; i++) walk_among_chosen(&random, family);
        walk_once(&random, family);
        art_cursor_close(cursor);
        commit();
    }
    must(art_tree_check(tree));
}

static unsigned asked;

static void choose_none(void *chooser, struct art_bytes block, struct art_row_set *rows) {
    ck_assert(chooser == NULL && block.len);
    *rows = art_row_set_below(0);
    asked++;
}

static void put_alike(void) {
    char key[32];
    for (int i = 0; i < 20000; i++) {
        sprintf(key, "dir-%02d/%06d", i / 1000, i);
        put(key, "the same value in all rows");
    }
    optimize();
}

/* A walk that finds nothing ends behind its range, and not with the blob. */
LOOP_TEST(test_where_nothing_is_chosen_the_range_still_ends, 2) {
    struct art_limits limits = {.choose = choose_none};
    struct art_range range = {.low = text("dir-05"), .high = text("dir-06"), .low_set = true, .high_set = true};
    toy_codec_lend(true);
    small_tree_make(false);
    put_alike();
    must(art_cursor_open(tree, &cursor));
    range.limits = &limits;
    must(art_cursor_seek(cursor, &range, _i));
    for (asked = 0; art_cursor_valid(cursor);) must(art_cursor_next(cursor));
    ck_assert_uint_ge(asked, 1000 / ART_BLOCK_ROWS_MAX);
    ck_assert_uint_le(asked, 1000 / 32 + 3);
    art_cursor_close(cursor);
}

/* Nor is there a row at which SQLite could look whether it shall go on. */
LOOP_TEST(test_a_search_without_a_chosen_row_can_be_interrupted, 2) {
    struct art_limits limits = {.choose = choose_none};
    struct art_range range = {.limits = &limits};
    enum art_rc rc = ART_INTERRUPT;
    unsigned times = 0;
    toy_codec_lend(true);
    small_tree_make_of(false, (struct art_tree_options){.blob_pages = 2});
    put_alike();
    must(art_cursor_open(tree, &cursor));
    for (; rc; times++) {
        unsigned before = asked;
        toy->patience = times + 1;
        rc = art_cursor_seek(cursor, &range, _i);
        ck_assert(rc == ART_INTERRUPT || !rc);
        ck_assert_uint_le(asked - before, (times + 1) * 2 * ART_BLOB_PAGE / 32);
        ck_assert(!art_cursor_valid(cursor));
    }
    toy->patience = 0;
    ck_assert_uint_ge(times, info().blobs / 2);
    must(art_cursor_seek(cursor, &(struct art_range){0}, _i));
    ck_assert(art_cursor_valid(cursor));
    art_cursor_close(cursor);
}

/* --- a bucket whose keys lie -------------------------------------------------------------------------------------- */

enum { NAMES = 20 };

/* Two neighbours of one bucket have changed places. */
static void make_forged(unsigned at) {
    char key[20];
    struct art_blob *blob;
    struct art_bucket_view view = {0};
    small_tree_make(false);
    for (int i = 0; i < NAMES; i++) {
        sprintf(key, "x/%c", 'a' + i);
        put(key, "1");
    }
    flush();
    must(art_store_blob(tree->store, &tree->root->run[0].top, &blob));
    must(art_bucket_open(blob, 0, &view));
    uint8_t *first = (uint8_t *)view.first_bytes + at;
    ck_assert_uint_eq(view.count, NAMES);
    ck_assert_uint_eq(first[0], 'a' + at);
    first[0]++;
    first[1]--;
}

/* Each row's key is asked for, or each second one's, and so on. What is seen comes in order; the row whose key is found
 * to lie shows one before it, and the next step says so. */
LOOP_TEST(test_keys_of_a_stretch_that_are_in_no_order_end_the_walk, 2 * 5) {
    unsigned every = 1 + (unsigned)_i / 2, last_asked = (NAMES - 1) / every * every;
    for (unsigned at = 0; at + 1 < NAMES; at++) {
        unsigned lies = _i % 2 ? NAMES - 1 - at : at + 1; /* the number of the row that does */
        int last = _i % 2 ? 255 : -1;
        enum art_rc rc = ART_OK;
        make_forged(at);
        cursor = cursor_on(NULL, _i % 2);
        for (unsigned n = 0; art_cursor_valid(cursor); n++) {
            ck_assert_uint_lt(n, NAMES);
            if (n % every == 0) {
                struct art_bytes key;
                bool has_no_nul;
                ck_assert_int_eq(art_cursor_text(cursor, &key, &has_no_nul), n >= lies ? ART_CORRUPT : ART_OK);
                ck_assert(art_bytes_equal(key, art_cursor_key(cursor)));
                ck_assert(_i % 2 ? key.data[2] <= last : key.data[2] >= last);
                last = key.data[2];
            }
            rc = art_cursor_next(cursor);
        }
        ck_assert_int_eq(rc, last_asked >= lies ? ART_CORRUPT : ART_OK);
        art_cursor_close(cursor);
    }
}

/* What all keys of a blob begin with is the reference's, whatever a bucket has in its place: a NUL in it is one of each
 * key, and in the bucket alone it is none. */
LOOP_TEST(test_a_label_has_its_nuls_whatever_a_bucket_says, 2 * 2) {
    char name[] = "a?b/x";
    bool existed, backward = _i % 2, nul = _i / 2;
    struct art_blob *blob;
    struct art_bucket_view view = {0};
    small_tree_make(false);
    name[1] = nul ? 0 : '-';
    for (int i = 0; i < NAMES; i++) {
        name[4] = (char)('a' + i);
        must(art_tree_insert(tree, ART_WRITE_INSERT, art_bytes(name, 5), text("1"), &existed));
    }
    flush();
    must(art_store_blob(tree->store, &tree->root->run[0].top, &blob));
    must(art_bucket_open(blob, 0, &view));
    ck_assert_uint_eq(blob->label_len, 5);
    ((uint8_t *)view.prefix)[2] = nul ? '-' : 0;
    cursor = cursor_on(NULL, backward);
    unsigned n = 0, known = 0;
    for (; art_cursor_valid(cursor); n++) {
        struct art_bytes key;
        bool has_no_nul;
        must(art_cursor_text(cursor, &key, &has_no_nul));
        name[4] = (char)('a' + (backward ? NAMES - 1 - n : n));
        ck_assert(art_bytes_equal(key, art_bytes(name, 5)));
        ck_assert(!nul || !has_no_nul);
        known += has_no_nul;
        must(art_cursor_next(cursor));
    }
    ck_assert_uint_eq(n, NAMES);
    ck_assert(!known || !nul);
    art_cursor_close(cursor);
}

/* It lies, too, when a jump asks for it. */
LOOP_TEST(test_a_jump_from_a_stretch_that_lies_is_refused, 2) {
    make_forged(6);
    cursor = cursor_on(NULL, false);
    for (int n = 0; n < 9; n++) must(art_cursor_next(cursor));
    ck_assert_int_eq(_i ? art_cursor_skip(cursor, 1000) : art_cursor_skip_prefix(cursor, 3), ART_CORRUPT);
    ck_assert(!art_cursor_valid(cursor));
    art_cursor_close(cursor);
}

static void tear_down(void) {
    small_tree_end();
    toy_codec_lend(false);
}

SUITE("stretch", .seconds = SUITE_FOREVER, .tear_down = tear_down)
