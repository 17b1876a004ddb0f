/* The tree against a naive model: random statements, transactions, marks, refused commits, rollbacks, a second connection, reopening,
 * flushes, merges and spills all the time (tiny limits), over memory, the simulated disk and the system's files.
 *
 * The host is a toy: a list of log rows and a young list in memory, with one write transaction at a time. What the tree asks it to
 * write is kept aside until the toy's commit.
 */
#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/io/io.h"
#include "core/tree/tree.h"
#include "tests/sim_disk.h"

/* --- the toy host ---------------------------------------------------------------------------------------------------------------- */

enum { ROWS_MAX = 1 << 16 };

struct toy_row {
    uint64_t csn;
    uint8_t *data;
    uint32_t len;
};

struct toy_log {
    struct toy_row row[ROWS_MAX];
    unsigned rows;
};

struct toy {
    struct toy_log log;      /* committed */
    struct art_buffer young; /* committed */
    uint8_t uuid[16];
    bool wal;                /* pretend to be a WAL: young slots are kept until the salts change */
    uint8_t salts[8];
    uint64_t commits;
};

static void toy_put(struct toy_log *log, uint64_t csn, struct art_bytes bytes) {
    unsigned at = 0;
    while (at < log->rows && log->row[at].csn < csn) at++;
    if (at == log->rows || log->row[at].csn != csn) {
        ck_assert_uint_lt(log->rows, ROWS_MAX);
        memmove(&log->row[at + 1], &log->row[at], (log->rows - at) * sizeof log->row[0]);
        log->rows++;
    } else {
        free(log->row[at].data);
    }
    log->row[at] = (struct toy_row){csn, malloc(bytes.len + 1), bytes.len};
    memcpy(log->row[at].data, bytes.data, bytes.len);
}

static void toy_clear(struct toy_log *log) {
    for (unsigned i = 0; i < log->rows; i++) free(log->row[i].data);
    log->rows = 0;
}

static struct toy *toy_new(bool wal) {
    struct toy *toy = calloc(1, sizeof *toy);
    toy->wal = wal;
    for (int i = 0; i < 16; i++) toy->uuid[i] = (uint8_t)(i * 7 + 1);
    uint8_t root[ART_ROOT_INITIAL_MAX];
    toy_put(&toy->log, 0, art_bytes(root, art_tree_initial_root(toy->uuid, root)));
    return toy;
}

static void toy_free(struct toy *toy) {
    toy_clear(&toy->log);
    art_buffer_clear(&toy->young);
    free(toy);
}

static int toy_secure(void *context, bool *reuse) {
    (void)context;
    *reuse = true;
    return ART_OK;
}

static int toy_epoch(void *context, struct art_epoch *out) {
    struct toy *toy = context;
    *out = (struct art_epoch){.kind = toy->wal ? ART_EPOCH_WAL : ART_EPOCH_ROLLBACK};
    memcpy(out->salts, toy->salts, 8);
    return ART_OK;
}

static int toy_young(void *context, struct art_buffer *out) {
    struct toy *toy = context;
    return art_buffer_append(out, toy->young.data, toy->young.len);
}

static struct art_tree *toy_open(struct toy *toy, struct art_tree_options *options) {
    struct art_host host = {.context = toy, .secure = toy_secure, .epoch = toy_epoch, .load_young = toy_young};
    struct art_tree *tree;
    memcpy(options->uuid, toy->uuid, 16);
    ck_assert_msg(art_tree_open(&tree, options, &host) == ART_OK, "%s", art_error_message());
    return tree;
}

static void toy_refresh(struct toy *toy, struct art_tree *tree) {
    for (int attempt = 0; attempt < 2; attempt++) {
        uint64_t from;
        int rc = art_tree_refresh_begin(tree, &from);
        ck_assert_msg(rc == ART_OK, "%s", art_error_message());
        for (unsigned i = 0; !rc && i < toy->log.rows; i++) {
            struct toy_row *row = &toy->log.row[i];
            if (row->csn != 0 && row->csn < from) continue;
            rc = art_tree_refresh_row(tree, row->csn, art_bytes(row->data, row->len));
        }
        if (!rc) rc = art_tree_refresh_end(tree);
        if (!rc) return;
        art_tree_refresh_abort(tree);
        ck_assert_msg(rc == ART_REBUILD, "refresh: %s", art_error_message());
    }
    ck_abort_msg("the tree could not be rebuilt");
}

/* Prepares; with `refuse` the host then says BUSY, and nothing has happened. */
static int toy_commit(struct toy *toy, struct art_tree *tree, bool refuse) {
    struct art_commit commit;
    int rc = art_tree_prepare(tree, &commit);
    if (rc || refuse) return rc;
    if (commit.clear_log) toy_clear(&toy->log);
    if (commit.write_root) toy_put(&toy->log, 0, commit.root);
    if (commit.write_redo) toy_put(&toy->log, commit.csn, commit.redo);
    if (commit.write_young) {
        toy->young.len = 0;
        art_buffer_append(&toy->young, commit.young.data, commit.young.len);
    }
    art_tree_committed(tree);
    if (++toy->commits % 7 == 0) toy->salts[0]++; /* "the WAL was restarted": no reader stands on an older root */
    return ART_OK;
}

/* --- the model ------------------------------------------------------------------------------------------------------------------------ */

enum { MODEL_MAX = 3000 };

struct model_row {
    uint32_t key_len, value_len;
    uint8_t *key, *value;
};

struct model {
    struct model_row row[MODEL_MAX];
    unsigned rows;
};

static struct art_bytes row_key(const struct model_row *row) {
    return art_bytes(row->key, row->key_len);
}

static unsigned model_find(const struct model *model, struct art_bytes key, bool *found) {
    unsigned low = 0, high = model->rows;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (art_bytes_compare(row_key(&model->row[middle]), key) < 0) low = middle + 1;
        else high = middle;
    }
    *found = low < model->rows && art_bytes_equal(row_key(&model->row[low]), key);
    return low;
}

static void model_delete(struct model *model, struct art_bytes key) {
    bool found;
    unsigned at = model_find(model, key, &found);
    if (!found) return;
    free(model->row[at].key);
    free(model->row[at].value);
    memmove(&model->row[at], &model->row[at + 1], (model->rows - at - 1) * sizeof model->row[0]);
    model->rows--;
}

static void model_put(struct model *model, struct art_bytes key, struct art_bytes value) {
    model_delete(model, key);
    bool found;
    unsigned at = model_find(model, key, &found);
    ck_assert_uint_lt(model->rows, MODEL_MAX);
    memmove(&model->row[at + 1], &model->row[at], (model->rows - at) * sizeof model->row[0]);
    struct model_row row = {key.len, value.len, malloc(key.len + 1), malloc(value.len + 1)};
    if (key.len) memcpy(row.key, key.data, key.len);
    if (value.len) memcpy(row.value, value.data, value.len);
    model->row[at] = row;
    model->rows++;
}

static void model_clear(struct model *model) {
    while (model->rows) {
        model->rows--;
        free(model->row[model->rows].key);
        free(model->row[model->rows].value);
    }
}

static void model_copy(const struct model *from, struct model *to) {
    model_clear(to);
    for (unsigned i = 0; i < from->rows; i++) {
        const struct model_row *row = &from->row[i];
        struct model_row copy = {row->key_len, row->value_len, malloc(row->key_len + 1), malloc(row->value_len + 1)};
        memcpy(copy.key, row->key, row->key_len);
        memcpy(copy.value, row->value, row->value_len);
        to->row[to->rows++] = copy;
    }
}

/* --- random things ------------------------------------------------------------------------------------------------------------------------ */

static uint64_t state;

static uint64_t random64(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static uint32_t below(uint32_t n) {
    return (uint32_t)((random64() >> 11) % n);
}

static uint8_t key_bytes[70000], value_bytes[400000];

static struct art_bytes random_key(int family) {
    static const uint8_t letters[] = {0, 255, 'a', 'b', '/'};
    uint32_t n = 0;
    switch (family) {
    case 0:
        n = below(7);
        for (uint32_t i = 0; i < n; i++) key_bytes[i] = letters[below(5)];
        break;
    case 1:
        n = (uint32_t)sprintf((char *)key_bytes, "dir-%02u/sub/%04u", below(20), below(200));
        break;
    case 2:
        n = below(40) ? 1 + below(300) : below(60000);
        memset(key_bytes, 'q', n);
        for (int i = 0; i < 3 && n; i++) key_bytes[below(n)] = (uint8_t)('a' + below(3));
        break;
    default:
        n = 8;
        for (uint32_t i = 0; i < n; i++) key_bytes[i] = (uint8_t)random64();
        key_bytes[0] &= 3;
        key_bytes[1] &= 7;
        key_bytes[2] = key_bytes[3] = key_bytes[4] = key_bytes[5] = 0;
        key_bytes[6] &= 7;
        key_bytes[7] &= 7;
    }
    return art_bytes(key_bytes, n);
}

static struct art_bytes random_value(void) {
    uint32_t kind = below(100), n;
    if (kind < 60) n = below(60);
    else if (kind < 95) n = below(600);
    else if (kind < 99) n = below(20000);
    else n = below(sizeof value_bytes / 3);
    uint8_t seed = (uint8_t)random64();
    for (uint32_t i = 0; i < n; i++) value_bytes[i] = (uint8_t)(seed + i * 7 + (i >> 8));
    return art_bytes(value_bytes, n);
}

/* --- comparing ------------------------------------------------------------------------------------------------------------------------------ */

static void compare_row(struct art_tree *tree, struct art_cursor *cursor, const struct model_row *row) {
    ck_assert_msg(art_cursor_valid(cursor), "a row is missing");
    struct art_bytes key = art_cursor_key(cursor), value;
    ck_assert_msg(art_bytes_equal(key, row_key(row)), "wrong key");
    uint8_t *owned;
    ck_assert_msg(art_row_value(tree, art_cursor_row(cursor), &value, &owned) == ART_OK, "%s", art_error_message());
    ck_assert_msg(art_bytes_equal(value, art_bytes(row->value, row->value_len)), "wrong value");
    ck_assert_uint_eq(art_row_length(art_cursor_row(cursor)), row->value_len);
    art_free(owned);
}

static void compare_range(struct art_tree *tree, const struct model *model, const struct art_range *range) {
    bool found;
    unsigned low = 0, high = model->rows;
    if (range->low_set) {
        low = model_find(model, range->low, &found);
        if (found && range->low_open) low++;
    }
    if (range->high_set) {
        high = model_find(model, range->high, &found);
        if (found && !range->high_open) high++;
    }
    uint64_t count;
    ck_assert_msg(art_tree_count(tree, range, &count) == ART_OK, "%s", art_error_message());
    ck_assert_msg(count == (high > low ? high - low : 0), "count %llu instead of %u", (unsigned long long)count, high - low);
    struct art_cursor *cursor;
    ck_assert_int_eq(art_cursor_open(tree, &cursor), ART_OK);
    for (int backward = 0; backward < 2; backward++) {
        ck_assert_msg(art_cursor_seek(cursor, range, backward) == ART_OK, "%s", art_error_message());
        for (unsigned i = low; i < high; i++) {
            compare_row(tree, cursor, &model->row[backward ? high - 1 - (i - low) : i]);
            ck_assert_msg(art_cursor_next(cursor) == ART_OK, "%s", art_error_message());
        }
        ck_assert_msg(!art_cursor_valid(cursor), "a row too many");
    }
    art_cursor_close(cursor);
}

static void compare_all(struct art_tree *tree, const struct model *model, int family) {
    compare_range(tree, model, &(struct art_range){0});
    for (int i = 0; i < 4; i++) {
        struct art_bytes key = random_key(family), value;
        bool found;
        unsigned at = model_find(model, key, &found);
        struct art_row row;
        int rc = art_tree_get(tree, key, &row);
        ck_assert_msg(rc == (found ? ART_OK : ART_NOTFOUND), "get: %s", art_error_message());
        if (!found) continue;
        uint8_t *owned;
        ck_assert_int_eq(art_row_value(tree, &row, &value, &owned), ART_OK);
        ck_assert(art_bytes_equal(value, art_bytes(model->row[at].value, model->row[at].value_len)));
        art_free(owned);
        art_row_release(&row);
    }
    struct art_bytes key = random_key(family);
    uint8_t low[64], high[64];
    uint32_t low_len = art_min32(key.len, below(6)), high_len = art_min32(key.len, below(6));
    memcpy(low, key.data, low_len);
    key = random_key(family);
    high_len = art_min32(key.len, high_len);
    memcpy(high, key.data, high_len);
    struct art_range range = {art_bytes(low, low_len), art_bytes(high, high_len), below(4), below(4), below(2), below(2)};
    compare_range(tree, model, &range);
    art_range_of_prefix(art_bytes(low, low_len), high, &range);
    compare_range(tree, model, &range);
}

/* --- the walk ---------------------------------------------------------------------------------------------------------------------------------- */

enum { MARKS_MAX = 6 };

struct walk {
    struct toy *toy;
    struct art_tree_options options;
    struct art_tree *tree, *other;
    struct model now, committed, mark[MARKS_MAX];
    uint32_t marks;
    bool writing; /* a transaction is open (the toy's write lock is ours) */
    int family;
    unsigned steps;
};

static void begin(struct walk *walk) {
    if (walk->writing) {
        if (art_tree_unknown(walk->tree)) toy_refresh(walk->toy, walk->tree);
        return;
    }
    toy_refresh(walk->toy, walk->tree);
    walk->writing = true;
}

static void step_insert(struct walk *walk) {
    begin(walk);
    struct art_bytes key = random_key(walk->family), value = random_value();
    enum art_write mode = below(2) ? ART_WRITE_INSERT : ART_WRITE_REPLACE;
    bool existed, found;
    if (walk->now.rows > MODEL_MAX - 10) return;
    model_find(&walk->now, key, &found);
    ck_assert_msg(art_tree_insert(walk->tree, mode, key, value, &existed) == ART_OK, "%s", art_error_message());
    ck_assert_int_eq(existed, found);
    if (!found || mode == ART_WRITE_REPLACE) model_put(&walk->now, key, value);
}

static void step_delete(struct walk *walk) {
    begin(walk);
    struct art_bytes key = random_key(walk->family);
    if (below(2) && walk->now.rows) {
        struct model_row *row = &walk->now.row[below(walk->now.rows)];
        memcpy(key_bytes, row->key, row->key_len);
        key.len = row->key_len;
    }
    bool existed, found;
    model_find(&walk->now, key, &found);
    ck_assert_msg(art_tree_delete(walk->tree, key, &existed) == ART_OK, "%s", art_error_message());
    ck_assert_int_eq(existed, found);
    model_delete(&walk->now, key);
}

static void step_move(struct walk *walk) {
    begin(walk);
    if (!walk->now.rows) return;
    struct model_row *source = &walk->now.row[below(walk->now.rows)];
    uint8_t *from_bytes = malloc(source->key_len + 1), *value_copy = malloc(source->value_len + 1);
    memcpy(from_bytes, source->key, source->key_len);
    memcpy(value_copy, source->value, source->value_len);
    struct art_bytes from = art_bytes(from_bytes, source->key_len), old = art_bytes(value_copy, source->value_len);
    struct art_bytes to = random_key(walk->family), fresh = random_value();
    bool with_value = below(2), existed, found;
    enum art_write mode = below(2) ? ART_WRITE_INSERT : ART_WRITE_REPLACE;
    bool same = art_bytes_equal(from, to);
    model_find(&walk->now, to, &found);
    int rc = art_tree_move(walk->tree, mode, from, to, with_value ? &fresh : NULL, &existed);
    ck_assert_msg(rc == ART_OK, "%s", art_error_message());
    ck_assert_int_eq(existed, found && !same);
    if (!(found && !same && mode == ART_WRITE_INSERT)) {
        model_delete(&walk->now, from);
        model_put(&walk->now, to, with_value ? fresh : old);
    }
    free(from_bytes);
    free(value_copy);
}

static void step_mark(struct walk *walk) {
    if (walk->marks == MARKS_MAX) return;
    if (below(3)) begin(walk);
    else if (!walk->writing) return;
    uint32_t mark;
    ck_assert_int_eq(art_tree_mark(walk->tree, &mark), ART_OK);
    ck_assert_uint_eq(mark, walk->marks);
    model_copy(&walk->now, &walk->mark[walk->marks++]);
}

static void step_rollback_to(struct walk *walk) {
    if (!walk->writing) return;
    if (walk->marks && below(5)) {
        uint32_t mark = below(walk->marks);
        art_tree_rollback_to(walk->tree, mark);
        model_copy(&walk->mark[mark], &walk->now);
        walk->marks = mark + 1;
    } else {
        art_tree_rollback_to(walk->tree, ART_MARK_BEGIN);
        model_copy(&walk->committed, &walk->now);
        walk->marks = 0;
    }
    begin(walk);
}

static void step_release(struct walk *walk) {
    if (!walk->marks) return;
    uint32_t mark = below(walk->marks);
    art_tree_drop_marks(walk->tree, mark);
    walk->marks = mark;
}

static void step_commit(struct walk *walk) {
    if (!walk->writing) return;
    begin(walk);
    if (below(10) == 0) art_tree_request_flush(walk->tree);
    if (below(40) == 0) art_tree_request_optimize(walk->tree);
    bool refuse = below(4) == 0;
    ck_assert_msg(toy_commit(walk->toy, walk->tree, refuse) == ART_OK, "%s", art_error_message());
    if (refuse) return;
    model_copy(&walk->now, &walk->committed);
    walk->marks = 0;
    walk->writing = false;
}

static void step_rollback(struct walk *walk) {
    if (!walk->writing) return;
    art_tree_rolled_back(walk->tree);
    model_copy(&walk->committed, &walk->now);
    walk->marks = 0;
    walk->writing = false;
}

/* The other connection reads, or takes over as the writer. */
static void step_other(struct walk *walk) {
    if (!walk->other) return;
    toy_refresh(walk->toy, walk->other);
    compare_all(walk->other, &walk->committed, walk->family);
    if (walk->writing) return;
    struct art_tree *tree = walk->tree;
    walk->tree = walk->other;
    walk->other = tree;
}

static void step_reopen(struct walk *walk) {
    if (walk->writing || !walk->options.path) return;
    art_tree_close(walk->tree);
    walk->tree = toy_open(walk->toy, &walk->options);
}

static void step(struct walk *walk) {
    uint32_t kind = below(100);
    if (kind < 45) step_insert(walk);
    else if (kind < 60) step_delete(walk);
    else if (kind < 66) step_move(walk);
    else if (kind < 72) step_mark(walk);
    else if (kind < 76) step_rollback_to(walk);
    else if (kind < 79) step_release(walk);
    else if (kind < 91) step_commit(walk);
    else if (kind < 93) step_rollback(walk);
    else if (kind < 97) step_other(walk);
    else if (kind < 98) step_reopen(walk);
    else {
        if (!walk->writing || art_tree_unknown(walk->tree)) toy_refresh(walk->toy, walk->tree);
        compare_all(walk->tree, &walk->now, walk->family);
        if (below(3) == 0) ck_assert_msg(art_tree_check(walk->tree) == ART_OK, "%s", art_error_message());
    }
}

static unsigned scale(void) {
    const char *text = getenv("ART_TEST_SCALE");
    return text ? (unsigned)atoi(text) : 1;
}

static void run_walk(uint64_t seed, struct art_disk *disk, const char *path, const char *host_path, enum art_engine engine,
                     enum art_direct direct) {
    state = seed * 0x9E3779B97F4A7C15u | 1;
    struct walk *walk = calloc(1, sizeof *walk);
    walk->family = (int)(seed % 4);
    walk->toy = toy_new(below(2));
    walk->options = (struct art_tree_options){.disk = disk,
                                              .path = path,
                                              .host_path = host_path,
                                              .engine = engine,
                                              .direct = direct,
                                              .cache_bytes = below(2) ? 1 << 20 : 16 << 20,
                                              .blob_pages = below(3) ? 3 + below(6) : 0,
                                              .log_limit = 2000u << below(6),
                                              .spill_limit = (uint64_t)30000 << below(8)};
    walk->tree = toy_open(walk->toy, &walk->options);
    if (path) walk->other = toy_open(walk->toy, &walk->options);
    unsigned steps = 600;
    for (walk->steps = 0; walk->steps < steps; walk->steps++) step(walk);
    if (walk->writing) step_rollback(walk);
    toy_refresh(walk->toy, walk->tree);
    compare_all(walk->tree, &walk->committed, walk->family);
    ck_assert_msg(art_tree_check(walk->tree) == ART_OK, "%s", art_error_message());
    art_tree_close(walk->tree);
    art_tree_close(walk->other);
    toy_free(walk->toy);
    model_clear(&walk->now);
    model_clear(&walk->committed);
    for (int i = 0; i < MARKS_MAX; i++) model_clear(&walk->mark[i]);
    free(walk);
}

static void walks(unsigned count, uint64_t first, int mode) {
    char directory[] = "test_tree_XXXXXX", path[100], host[100];
    if (mode >= 2) ck_assert_ptr_nonnull(mkdtemp(directory));
    for (unsigned i = 0; i < count * scale(); i++) {
        uint64_t seed = first + i;
        printf("mode %d seed %llu\n", mode, (unsigned long long)seed);
        fflush(stdout);
        if (mode == 0) {
            run_walk(seed, NULL, NULL, NULL, ART_ENGINE_AUTO, ART_DIRECT_AUTO);
        } else if (mode == 1) {
            struct sim_disk *disk = sim_disk_new(seed);
            run_walk(seed, sim_disk_as_disk(disk), "dir/a.db-t-12345678.art", "dir/a.db", ART_ENGINE_AUTO, ART_DIRECT_AUTO);
            sim_disk_free(disk);
        } else {
            snprintf(path, sizeof path, "%s/a.db-t-12345678.art", directory);
            snprintf(host, sizeof host, "%s/a.db", directory);
            FILE *file = fopen(host, "w");
            fclose(file);
            run_walk(seed, NULL, path, host, mode == 2 ? ART_ENGINE_URING : ART_ENGINE_PWRITE,
                     mode == 4 ? ART_DIRECT_OFF : ART_DIRECT_AUTO);
            unlink(path);
            unlink(host);
        }
    }
    if (mode >= 2) rmdir(directory);
}

START_TEST(test_a_tree_in_memory_is_what_the_model_is) {
    walks(24, 1, 0);
}
END_TEST

START_TEST(test_a_tree_on_the_simulated_disk_is_what_the_model_is) {
    walks(24, 1000, 1);
}
END_TEST

START_TEST(test_a_tree_through_the_ring_is_what_the_model_is) {
    walks(12, 2000, 2);
}
END_TEST

START_TEST(test_a_tree_through_pwrite_is_what_the_model_is) {
    walks(8, 3000, 3);
}
END_TEST

START_TEST(test_a_tree_through_buffered_files_is_what_the_model_is) {
    walks(8, 4000, 4);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("tree");
    TCase *model = tcase_create("model");
    tcase_set_timeout(model, 600);
    tcase_add_test(model, test_a_tree_in_memory_is_what_the_model_is);
    tcase_add_test(model, test_a_tree_on_the_simulated_disk_is_what_the_model_is);
    tcase_add_test(model, test_a_tree_through_the_ring_is_what_the_model_is);
    tcase_add_test(model, test_a_tree_through_pwrite_is_what_the_model_is);
    tcase_add_test(model, test_a_tree_through_buffered_files_is_what_the_model_is);
    suite_add_tcase(suite, model);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
