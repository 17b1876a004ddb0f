/* Every bit of a small store, turned over one at a time, each followed by a full read through core/tree: right rows, or
 * ART_CORRUPT. test_flips_sql.c does the like through SQL, where a read takes a hundred times as long.
 *
 *   runs     three runs over each other, with deletes, a filter, rows in the log, and a value in pieces
 *   index    a run with an index of two levels over its leaves
 *
 * Turned over are: all of slot 0, all pages of every blob that the root names, and the bytes of the root, the log's
 * rows and the list of retired slots. A bit of a blob, the root or a row must be noticed. What lies between the pages
 * of a blob is sampled.
 */
#include "core/blob/blob_format.h"
#include "core/tree/txn/txn.h"
#include "tests/support/flips.h"
#include "tests/support/of_core.h"
#include "tests/support/sim_disk.h"
#include "tests/support/suite.h"
#include "tests/support/tree_world.h"

enum { PAGE_BITS = 8 * ART_BLOB_PAGE, HOLE_SAMPLES = 200, PREFIXES = 3, SLOTS = SIM_PAGES / ART_BLOB_PAGES };
enum { WHOLE_MAX = 1 << 10 }; /* bytes of a row of the log of which each bit is turned over */

static const char file[] = "a.db-t-12345678.art";
static const char *const prefixes[PREFIXES] = {"", "dir-1/", "none"};
static struct sim_disk *disk;
static struct toy *toy;
static struct art_tree_options options;

/* What a full read gives. */
struct answer {
    uint64_t rows, digest, backward, counts[PREFIXES];
    struct art_buffer longest;
};
static struct answer expected;

static void must(int rc) {
    if (!rc) return;
    fprintf(stderr, "%s: %s\n", art_error_name(rc), art_error_message());
    abort();
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static uint64_t digest_of(uint64_t digest, const void *data, size_t len) {
    uint64_t both[2] = {digest, art_hash64(data, len)};
    return art_hash64(both, sizeof both);
}

static int scan(struct art_tree *tree, bool descending, uint64_t *digest, uint64_t *rows) {
    struct art_cursor *cursor;
    struct art_range all = {0};
    *digest = *rows = 0;
    int rc = art_cursor_open(tree, &cursor);
    if (rc) return rc;
    for (rc = art_cursor_seek(cursor, &all, descending); !rc && art_cursor_valid(cursor);
         rc = art_cursor_next(cursor)) {
        struct art_bytes key = art_cursor_key(cursor), value;
        const struct art_row *row = art_cursor_row(cursor);
        uint8_t *owned;
        *digest = digest_of(*digest, key.data, key.len);
        *digest = digest_of(*digest, &row->version, sizeof row->version);
        rc = art_row_value(tree, row, &value, &owned);
        if (rc) break;
        *digest = digest_of(*digest, value.data, value.len);
        art_free(owned);
        ++*rows;
    }
    art_cursor_close(cursor);
    return rc;
}

static int get_some(struct art_tree *tree) {
    static const char *const paths[] = {"dir-0/f3", "dir-1/f4", "dir-2/f38", "none", "big"};
    int rc = ART_OK;
    for (size_t i = 0; (!rc || rc == ART_NOTFOUND) && i < sizeof paths / sizeof *paths; i++) {
        struct art_row row = {0};
        rc = art_tree_get(tree, art_bytes(paths[i], (uint32_t)strlen(paths[i])), &row);
        art_row_release(&row);
    }
    return rc == ART_NOTFOUND ? ART_OK : rc;
}

static int ask(struct art_tree *tree, struct answer *out) {
    uint64_t rows;
    uint8_t buffer[20];
    out->longest.len = 0;
    int rc = scan(tree, false, &out->digest, &out->rows);
    if (!rc) rc = scan(tree, true, &out->backward, &rows);
    for (int i = 0; !rc && i < PREFIXES; i++) {
        struct art_range range;
        art_range_of_prefix(art_bytes(prefixes[i], (uint32_t)strlen(prefixes[i])), buffer, &range);
        rc = art_tree_count(tree, &range, &out->counts[i]);
    }
    if (!rc) rc = art_tree_longest_prefix(tree, art_bytes("dir-2/f1/x", 10), art_bytes(NULL, 0), &out->longest, NULL);
    if (rc == ART_NOTFOUND) rc = ART_OK;
    return rc ? rc : get_some(tree);
}

static bool same(const struct answer *a, const struct answer *b) {
    return a->rows == b->rows && a->digest == b->digest && a->backward == b->backward &&
           !memcmp(a->counts, b->counts, sizeof a->counts) &&
           art_bytes_equal(art_buffer_bytes(&a->longest), art_buffer_bytes(&b->longest));
}

static enum flip_verdict verdict_of(int rc) {
    if (rc && rc != ART_CORRUPT) flip_broken("%s: %s", art_error_name(rc), art_error_message());
    return rc ? FLIP_CORRUPT : FLIP_RIGHT;
}

/* A new tree, which has nothing in memory, reads everything; what it read before an error counts, too. */
static enum flip_verdict read_all(void) {
    static struct answer answer;
    struct art_tree *tree;
    sim_disk_renew(disk, file);
    must(toy_open(toy, &options, &tree));
    int rc = toy_refresh(toy, tree), checked = rc;
    if (!rc) rc = ask(tree, &answer);
    if (!rc && !same(&answer, &expected)) flip_broken("wrong rows");
    if (!checked) checked = art_tree_check(tree);
    enum flip_verdict read = verdict_of(rc), check = verdict_of(checked);
    if (read == FLIP_CORRUPT && check == FLIP_RIGHT) flip_broken("the check finds nothing where reading fails");
    art_tree_close(tree);
    return check;
}

/* --- stores ------------------------------------------------------------------------------------------------------- */

static void put(struct art_tree *tree, int from, int to, int step, uint32_t value_len) {
    char key[1400], value[6000];
    bool existed;
    for (int i = from; i < to; i += step) {
        int n = snprintf(key, sizeof key, "dir-%d/f%d", i % 3, i);
        memset(value, 'a' + i % 26, sizeof value);
        struct art_bytes path = art_bytes(key, (uint32_t)n);
        must(art_tree_insert(tree, ART_WRITE_REPLACE, path, art_bytes(value, value_len), &existed));
    }
}

static void drop(struct art_tree *tree, int from, int to, int step) {
    char key[40];
    bool existed;
    for (int i = from; i < to; i += step) {
        int n = snprintf(key, sizeof key, "dir-%d/f%d", i % 3, i);
        must(art_tree_delete(tree, art_bytes(key, (uint32_t)n), &existed));
    }
}

static void commit(struct art_tree *tree, bool flush) {
    struct art_commit commit;
    if (flush) must(art_tree_request(tree, ART_REQUEST_FLUSH));
    must(art_tree_prepare(tree, &commit));
    toy_write(toy, &commit);
    art_tree_committed(tree);
    must(toy_refresh(toy, tree));
}

static struct art_tree *begin(uint32_t blob_pages, uint64_t log_limit) {
    struct art_tree *tree;
    disk = sim_disk_new_steady(SIM_PAGES);
    toy = toy_new(true);
    options = (struct art_tree_options){.disk = sim_disk_art(disk),
                                        .path = file,
                                        .host_path = "a.db",
                                        .cache_bytes = 4 << 20,
                                        .log_limit = log_limit,
                                        .spill_limit = 1 << 24,
                                        .blob_pages = blob_pages};
    must(toy_open(toy, &options, &tree));
    must(toy_refresh(toy, tree));
    return tree;
}

static void finish(struct art_tree *tree) {
    must(art_tree_check(tree));
    must(ask(tree, &expected));
    art_tree_close(tree);
}

static void make_runs(void) {
    bool existed;
    static char big[4300];
    struct art_tree *tree = begin(8, 1 << 20);
    put(tree, 0, 40, 1, 9);
    memset(big, 'b', sizeof big);
    must(art_tree_insert(tree, ART_WRITE_INSERT, art_bytes("big", 3), art_bytes(big, sizeof big), &existed));
    must(art_tree_request(tree, ART_REQUEST_OPTIMIZE));
    commit(tree, false);
    put(tree, 0, 60, 7, 20);
    drop(tree, 1, 40, 5);
    commit(tree, true);
    put(tree, 3, 60, 9, 0);
    drop(tree, 0, 60, 14);
    commit(tree, true);
    put(tree, 50, 54, 1, 5);
    commit(tree, false);
    drop(tree, 2, 20, 6);
    commit(tree, false);
    ck_assert_uint_ge(tree->root->runs, 3);
    finish(tree);
}

static void make_index(void) {
    struct art_tree *tree = begin(2, 1 << 20);
    put(tree, 0, 9, 1, 1200);
    commit(tree, true);
    ck_assert_uint_eq(tree->root->run[tree->root->runs - 1].top.height, 1);
    finish(tree);
}

/* The log: the root of csn 5, the last two rows of the four that its flush has left, and two behind it. */
static void make_left(void) {
    struct art_tree *tree = begin(8, 18000);
    for (int i = 0; i < 7; i++) {
        put(tree, i, i + 1, 1, 4200);
        commit(tree, false);
    }
    ck_assert(tree->root->csn == 5 && tree->root->left_rows == 4 && toy->log.rows == 5);
    ck_assert(toy->log.row[1].csn == 3 && toy->log.row[3].csn == 6);
    finish(tree);
}

static void end(void) {
    art_buffer_clear(&expected.longest);
    toy_free(toy);
    sim_disk_free(disk);
}

/* --- flips -------------------------------------------------------------------------------------------------------- */

static void flip(uint8_t *byte, uint32_t bit, bool must_be_noticed) {
    *byte ^= (uint8_t)(1 << bit % 8);
    enum flip_verdict verdict = read_all();
    *byte ^= (uint8_t)(1 << bit % 8);
    if (verdict == FLIP_RIGHT && must_be_noticed) flip_broken("nobody noticed");
    flip_note(verdict);
}

static void flip_page(unsigned worker, uint32_t slot, uint32_t page, bool must_be_noticed) {
    uint8_t *bytes = sim_disk_page(disk, file, slot * ART_BLOB_PAGES + page);
    for (uint32_t bit = worker * flip_stride(); bit < PAGE_BITS; bit += FLIP_WORKERS * flip_stride()) {
        flip_at("slot %u, page %u, byte %u, bit %u", slot, page, bit / 8, bit % 8);
        flip(bytes + bit / 8, bit, must_be_noticed);
    }
}

static void flip_bytes(unsigned worker, const char *what, uint8_t *bytes, uint64_t len, bool must_be_noticed) {
    uint32_t stride = FLIP_WORKERS * (len > WHOLE_MAX ? flip_stride() : 1);
    for (uint32_t bit = worker; bit < 8 * len; bit += stride) {
        flip_at("%s, byte %u, bit %u", what, bit / 8, bit % 8);
        flip(bytes + bit / 8, bit, must_be_noticed);
    }
}

static enum art_rc note_ref(void *context, const struct art_ref *ref) {
    struct art_ref *refs = context;
    if (ref->slot >= SLOTS) abort();
    refs[ref->slot] = *ref;
    return ART_OK;
}

static void find_blobs(struct art_ref *refs) {
    struct art_tree *tree;
    must(toy_open(toy, &options, &tree));
    must(toy_refresh(toy, tree));
    for (unsigned i = 0; i < tree->root->runs; i++) {
        must(art_run_each_ref(tree->store, &tree->root->run[i], note_ref, refs));
    }
    art_tree_close(tree);
}

static bool is_used(const struct art_ref *ref, uint32_t page) {
    return ref->footer_pages && (page < ref->leaf_pages || page >= ART_BLOB_PAGES - (uint32_t)ref->footer_pages);
}

static void flip_file(unsigned worker) {
    struct art_ref refs[SLOTS] = {0};
    struct random random = {5 + worker};
    find_blobs(refs);
    flip_page(worker, 0, 0, true);
    flip_page(worker, 0, 1, false);
    flip_page(worker, 0, 2, false);
    for (uint32_t slot = 1; slot < SLOTS; slot++) {
        for (uint32_t page = 0; page < ART_BLOB_PAGES; page++) {
            if (is_used(&refs[slot], page)) flip_page(worker, slot, page, true);
        }
    }
    uint32_t pages = (uint32_t)(sim_disk_size(disk, file) / ART_BLOB_PAGE);
    for (int i = 0; i < HOLE_SAMPLES; i++) {
        uint32_t page = 3 + random_below(&random, pages - 3), bit = random_below(&random, PAGE_BITS);
        if (is_used(&refs[page / ART_BLOB_PAGES], page % ART_BLOB_PAGES)) continue;
        flip_at("page %u of the file, which no blob uses, byte %u, bit %u", page, bit / 8, bit % 8);
        flip(sim_disk_page(disk, file, page) + bit / 8, bit, false);
    }
}

static uint64_t csn_of_root(void) {
    struct art_root *root;
    must(art_root_decode(art_bytes(toy->log.row[0].data, toy->log.row[0].len), &root));
    uint64_t csn = root->csn;
    art_root_unref(root);
    return csn;
}

static void flip_log(unsigned worker) {
    uint64_t root = csn_of_root();
    char what[40];
    for (unsigned i = 0; i < toy->log.rows; i++) {
        struct toy_row *row = &toy->log.row[i];
        snprintf(what, sizeof what, "log row %llu", (unsigned long long)row->csn);
        bool left = row->csn && row->csn <= root; /* what it says is in the blobs */
        flip_bytes(worker, what, row->data, row->len, !left);
        snprintf(what, sizeof what, "number of row %llu", (unsigned long long)row->csn);
        flip_bytes(worker, what, (uint8_t *)&row->csn, sizeof row->csn, true);
    }
    flip_bytes(worker, "retired slots", toy->retired.data, toy->retired.len, false);
    if (read_all() != FLIP_RIGHT) flip_broken("the store is not what it was");
}

TEST(test_every_bit_of_runs_gives_right_rows_or_corrupt) {
    make_runs();
    flip_share("runs, the .art file", true, flip_file);
    end();
}

TEST(test_every_bit_of_an_index_gives_right_rows_or_corrupt) {
    make_index();
    flip_share("an index, the .art file", true, flip_file);
    end();
}

TEST(test_every_bit_of_the_log_gives_right_rows_or_corrupt) {
    make_runs();
    flip_share("runs, root and log", true, flip_log);
    end();
    make_index();
    flip_share("an index, root and log", true, flip_log);
    end();
    make_left();
    flip_share("rows left before a root", true, flip_log);
    end();
}

SUITE("flips", .seconds = SUITE_FOREVER)
