/* One thing fails, and then the next: every allocation, every call of the disk and every question to the host in turn
 * (also where blobs are rows of the host's: every row, alone or with the transaction),
 * through whole transactions of a tree that has all there is: several runs, some with index blobs, deletes over them,
 * large values, retired and free slots, a log.
 *
 * A history of random transactions is made. Before each is committed, it is tried again and again from the same
 * committed state, and each time one more thing goes well before one fails. It must end with that failure or with what
 * it gives when nothing fails; after the rollback everything is as before, also for who opens the file anew.
 * test_tree_faults.c is the same at random and with more steps after a failure.
 */
#include "core/tree/txn/txn.h"
#include "tests/support/must.h"
#include "tests/support/short_memory.h"
#include "tests/support/sim_disk.h"
#include "tests/support/suite.h"
#include "tests/support/toy_codec.h"
#include "tests/support/tree_world.h"

static struct sim_disk *disk;
static struct toy *toy;
static struct art_tree *tree;
static struct art_tree_options options;

/* --- a host that fails -------------------------------------------------------------------------------------------- */

static int64_t questions_left = -1; /* the question after so many gets no answer; < 0: all do */
static bool question_failed;

static bool strikes(void) {
    if (questions_left < 0 || questions_left-- > 0) return false;
    question_failed = true;
    return true;
}

static enum art_rc failed(void) {
    return art_fail(ART_IO, "art: the host fails (test): try again");
}

static enum art_rc host_unmoved(void *context) {
    return strikes() ? failed() : ART_OK;
}

static enum art_rc host_secure(void *context, bool *reuse) {
    *reuse = true;
    return strikes() ? failed() : ART_OK;
}

static enum art_rc host_epoch(void *context, struct art_epoch *out) {
    *out = (struct art_epoch){.kind = toy->wal && !toy->inlined ? ART_EPOCH_WAL : ART_EPOCH_ROLLBACK};
    memcpy(out->salts, toy->salts, sizeof out->salts);
    return strikes() ? failed() : ART_OK;
}

static enum art_rc host_load_retired(void *context, struct art_buffer *out) {
    return strikes() ? failed() : art_buffer_append(out, toy->retired.data, toy->retired.len);
}

static bool host_wait(void *context, unsigned attempt) {
    return attempt < 2;
}

static bool host_interrupted(void *context) {
    return strikes();
}

static enum art_rc host_each_log_row(void *context, enum art_rc (*row)(void *to, int64_t csn, struct art_bytes ops),
                                     void *to) {
    return strikes() ? failed() : toy_each_row(toy, row, to);
}

/* --- rows of the host's: what a transaction did to them goes with it ---------------------------------------------- */

enum { MARKS = 64 };
static struct toy_blobs committed, at_mark[MARKS];
static bool row_ends; /* a failed row is the end of the transaction, and the host says so at once */

static int row_fails(void) {
    if (!strikes()) return ART_OK;
    if (row_ends && tree) {
        toy_blobs_copy(&committed, &toy->blobs);
        art_tree_rolled_back(tree);
    }
    return failed();
}

static enum art_rc row_read(void *context, uint64_t page, void *data) {
    int rc = row_fails();
    return rc ? rc : toy_blobs_read(context, page, data);
}

static enum art_rc row_write(void *context, uint64_t page, const void *data) {
    int rc = row_fails();
    if (!rc) toy_blobs_write(context, page, data);
    return rc;
}

static enum art_rc rows_remove(void *context, uint64_t from, uint64_t end) {
    int rc = row_fails();
    if (!rc) toy_blobs_remove(context, from, end);
    return rc;
}

static enum art_rc rows_end(void *context, uint64_t *pages) {
    *pages = toy_blobs_end(context);
    return row_fails();
}

static enum art_rc struck_scratch_open(void *context, void **file) {
    return strikes() ? failed() : scratch_open(options.disk, "", file);
}

static void roll_back(void) {
    toy_blobs_copy(&committed, &toy->blobs);
    art_tree_rolled_back(tree);
}

static void roll_back_to(uint32_t mark) {
    toy_blobs_copy(&at_mark[mark], &toy->blobs);
    art_tree_rollback_to(tree, mark);
}

static int open_tree(void) {
    static const struct art_scratch_files scratch = {struck_scratch_open, scratch_write, scratch_read, scratch_close};
    struct art_rows rows = {&toy->blobs, row_read, row_write, rows_remove, rows_end};
    struct art_host host = {.scratch = &scratch,
                            .unmoved = host_unmoved,
                            .secure = host_secure,
                            .epoch = host_epoch,
                            .load_retired = host_load_retired,
                            .wait = host_wait,
                            .interrupted = host_interrupted,
                            .each_log_row = host_each_log_row};
    if (toy->inlined) host.rows = &rows;
    memcpy(options.uuid, toy->uuid, sizeof options.uuid);
    return art_tree_open(&tree, &options, &host);
}

static void close_tree(void) {
    art_tree_close(tree);
    tree = NULL;
}

/* --- what fails --------------------------------------------------------------------------------------------------- */

struct fault {
    const char *name;
    void (*arm)(uint64_t n); /* the one after n good ones */
    bool (*disarm)(void);    /* did it come to that? */
    int code, other_code;
};

static void arm_memory(uint64_t n) {
    short_memory_fail_once((int64_t)n);
}

static void arm_memory_for_good(uint64_t n) {
    short_memory_fail_after((int64_t)n);
}

static bool disarm_memory(void) {
    bool struck = short_memory_failures() > 0;
    short_memory_fail_after(-1);
    return struck;
}

static uint64_t faults_before;

static uint64_t disk_faults(void) {
    struct sim_disk_stats stats;
    sim_disk_stats(disk, &stats);
    return stats.faults;
}

static void arm_disk(uint64_t n) {
    faults_before = disk_faults();
    sim_disk_fail(disk, SIM_ANY, n + 1, ART_IO, false);
}

static void arm_disk_for_good(uint64_t n) {
    faults_before = disk_faults();
    sim_disk_fail(disk, SIM_ANY, n + 1, ART_IO, true);
}

static void arm_lock(uint64_t n) {
    faults_before = disk_faults();
    sim_disk_fail(disk, SIM_LOCK, n + 1, ART_BUSY, true);
}

static bool disarm_disk(void) {
    sim_disk_fail_nothing(disk);
    return disk_faults() > faults_before;
}

static void arm_host(uint64_t n) {
    row_ends = false;
    question_failed = false;
    questions_left = (int64_t)n;
}

static void arm_host_to_end_all(uint64_t n) {
    arm_host(n);
    row_ends = true;
}

static bool disarm_host(void) {
    questions_left = -1;
    return question_failed;
}

static const struct fault faults[] = {
    {"memory", arm_memory, disarm_memory, ART_NOMEM, ART_NOMEM},
    {"all memory", arm_memory_for_good, disarm_memory, ART_NOMEM, ART_NOMEM},
    {"disk", arm_disk, disarm_disk, ART_IO, ART_IO},
    {"disk for good", arm_disk_for_good, disarm_disk, ART_IO, ART_POISONED},
    {"lock", arm_lock, disarm_disk, ART_BUSY, ART_BUSY},
    {"host", arm_host, disarm_host, ART_IO, ART_INTERRUPT},
    {"host, which ends all", arm_host_to_end_all, disarm_host, ART_IO, ART_INTERRUPT},
};

/* --- what is done ------------------------------------------------------------------------------------------------- */

/* All rows with their values, as one number. */
static int digest(uint64_t *out) {
    struct art_cursor *cursor;
    int rc = art_cursor_open(tree, &cursor);
    if (rc) return rc;
    *out = 0;
    for (rc = art_cursor_seek(cursor, &(struct art_range){0}, false); !rc && art_cursor_valid(cursor);
         rc = art_cursor_next(cursor)) {
        struct art_bytes key = art_cursor_key(cursor), value;
        const struct art_row *row = art_cursor_row(cursor);
        uint8_t *owned;
        rc = art_row_value(tree, row, &value, &owned);
        if (rc) break;
        *out = (*out * 31 + art_hash64(key.data, key.len)) * 31 + art_hash64(value.data, value.len) + row->version;
        art_free(owned);
    }
    art_cursor_close(cursor);
    return rc;
}

static struct art_bytes random_key(struct random *random) {
    static char text[80];
    uint32_t i = random_below(random, 1500);
    return art_bytes(text, (uint32_t)sprintf(text, "directory-%02u/subdirectory/file-%06u", i * 7919 % 40, i));
}

static struct art_bytes random_value(struct random *random) {
    static uint8_t bytes[80000];
    uint32_t len = random_once_in(random, 60) ? 4000 + random_below(random, 20000) : random_below(random, 200);
    if (random_once_in(random, 400)) len = 70000;
    memset(bytes, (int)random_below(random, 256), len);
    for (uint32_t i = 0; i < len; i += 97) bytes[i] = (uint8_t)random_next(random);
    return art_bytes(bytes, len);
}

static int random_change(struct random *random) {
    bool existed;
    uint8_t from[100 + ART_KEY_PADDING];
    struct art_bytes key = random_key(random), value;
    uint32_t kind = random_below(random, 10);
    if (kind < 6) return art_tree_insert(tree, ART_WRITE_REPLACE, key, random_value(random), &existed);
    if (kind < 9) return art_tree_delete(tree, key, &existed);
    struct art_bytes old = art_bytes(memcpy(from, key.data, key.len), key.len);
    value = random_value(random);
    int rc = art_tree_move(tree, ART_WRITE_REPLACE, old, random_key(random), random_once_in(random, 2) ? &value : NULL,
                           &existed);
    return rc == ART_NOTFOUND ? ART_OK : rc;
}

enum kind { PLAIN, FLUSH, OPTIMIZE, VACUUM, SPILL, KINDS };

struct work {
    enum kind kind;
    uint64_t seed;
    unsigned changes;
};

/* A transaction up to what the host is to write. */
static int transaction(const struct work *work, struct art_commit *commit) {
    struct random random = {work->seed};
    uint32_t mark;
    art_tree_set_limits(tree, options.cache_bytes, options.log_limit, work->kind == SPILL ? 40000 : 1 << 30);
    enum art_rc rc = toy_refresh(toy, tree);
    for (unsigned i = 0; !rc && i < work->changes; i++) {
        rc = random_change(&random);
        if (rc || work->kind != SPILL || i % 16) continue;
        rc = art_tree_savepoint(tree, &mark);
        if (!rc) ck_assert_uint_lt(mark, MARKS);
        if (!rc) toy_blobs_copy(&toy->blobs, &at_mark[mark]);
        if (rc || !random_once_in(&random, 4)) continue;
        roll_back_to(random_below(&random, mark + 1));
        if (art_tree_unknown(tree)) rc = toy_refresh(toy, tree);
    }
    if (!rc && work->kind == FLUSH) rc = art_tree_request(tree, ART_REQUEST_FLUSH);
    if (!rc && work->kind == OPTIMIZE) rc = art_tree_request(tree, ART_REQUEST_OPTIMIZE);
    if (!rc && work->kind == VACUUM) rc = art_tree_request(tree, ART_REQUEST_VACUUM);
    return rc ? rc : art_tree_prepare(tree, commit);
}

/* Reads in all ways; *out is what they say. */
static int reading(const struct work *work, uint64_t *out) {
    struct random random = {work->seed};
    struct art_cursor *cursor = NULL;
    struct art_tree_info info;
    uint64_t rows = 0;
    enum art_rc rc = toy_refresh(toy, tree);
    *out = 0;
    if (!rc) rc = art_cursor_open(tree, &cursor);
    for (unsigned i = 0; !rc && i < work->changes; i++) {
        struct art_bytes key = random_key(&random);
        struct art_range range = {.low = key, .low_set = true};
        struct art_buffer prefix = {0};
        bool backward = random_once_in(&random, 2);
        if (backward) range = (struct art_range){.high = key, .high_set = true};
        rc = art_tree_count(tree, &range, &rows);
        if (!rc) rc = art_tree_longest_prefix(tree, key, art_bytes("/", 1), &prefix, NULL);
        if (rc == ART_NOTFOUND) rc = ART_OK;
        if (!rc) rc = art_cursor_seek(cursor, &range, backward);
        if (!rc) rc = art_cursor_skip(cursor, random_below(&random, 1000));
        if (!rc && art_cursor_valid(cursor)) rc = art_cursor_skip_prefix(cursor, 12);
        if (!rc && art_cursor_valid(cursor)) rc = art_cursor_next(cursor);
        if (!rc && art_cursor_valid(cursor)) {
            key = art_cursor_key(cursor);
            *out = *out * 31 + art_hash64(key.data, key.len);
        }
        *out = *out * 31 + rows * 1000 + prefix.len;
        art_buffer_clear(&prefix);
    }
    art_cursor_close(cursor);
    if (!rc) rc = art_tree_info(tree, &info);
    if (!rc) *out = *out * 31 + info.keys * 1000 + info.retired_slots;
    return rc ? rc : art_tree_check(tree);
}

/* --- the sweep ---------------------------------------------------------------------------------------------------- */

static unsigned failures, rounds;

static bool all_wanted(void) {
    return random_stride() == 1;
}

/* The tree is what it was, here and for who comes anew. */
static void same_as(uint64_t before, const struct fault *fault, uint64_t n) {
    uint64_t now = 0;
    int rc = toy_refresh(toy, tree);
    if (!rc) rc = digest(&now);
    if (rc == ART_POISONED) return;
    ck_assert_msg(rc == ART_OK, "%s %llu, afterwards: %s: %s", fault->name, (unsigned long long)n, art_error_name(rc),
                  art_error_message());
    ck_assert_msg(now == before, "%s %llu: rows have changed", fault->name, (unsigned long long)n);
}

static void sweep(const struct fault *fault, const struct work *work, bool reads, uint64_t before, uint64_t after) {
    struct random random = {work->seed};
    bool struck = true;
    for (uint64_t n = 0; struck; n += random_stride() + random_below(&random, (uint32_t)n / (all_wanted() ? 4 : 2))) {
        struct art_commit commit;
        uint64_t result = 0;
        /* Mostly the connection that has met the failure before goes on; sometimes a new one, also in its opening. */
        bool anew = !tree || art_tree_poisoned(tree) || random_once_in(&random, 5);
        if (anew) close_tree();
        fault->arm(n);
        int rc = anew ? open_tree() : ART_OK;
        if (!rc) rc = reads ? reading(work, &result) : transaction(work, &commit);
        struck = fault->disarm();
        rounds++;
        failures += rc != ART_OK;
        ck_assert_msg(!rc || (struck && (rc == fault->code || rc == fault->other_code)), "%s %llu: %s: %s", fault->name,
                      (unsigned long long)n, art_error_name(rc), art_error_message());
        if (!rc && !reads) must(digest(&result));
        if (!rc)
            ck_assert_msg(result == after, "%s %llu: success, with another result", fault->name, (unsigned long long)n);
        if (!tree) continue;
        roll_back();
        same_as(before, fault, n);
    }
    close_tree();
    must(open_tree());
    same_as(before, fault, 0);
    must(art_tree_check(tree));
    close_tree();
}

static void make_world(uint64_t seed, bool wal, bool inlined) {
    uint8_t byte = 0;
    disk = sim_disk_new(seed);
    sim_disk_put_file(disk, "a.db", &byte, 1);
    options = (struct art_tree_options){.disk = sim_disk_art(disk),
                                        .path = "a.db-t-12345678.art",
                                        .host_path = "a.db",
                                        .cache_bytes = 1 << 14,
                                        .log_limit = 12000,
                                        .spill_limit = 1 << 30,
                                        .blob_pages = 3};
    if (inlined) options.path = options.host_path = NULL;
    toy = inlined ? toy_new_inline(wal) : toy_new(wal);
}

/* Tries the transaction with every fault, then commits it. */
static void step(const struct work *work, bool swept) {
    struct art_commit commit;
    uint64_t before, after, seen;
    must(open_tree());
    must(toy_refresh(toy, tree));
    must(digest(&before));
    must(transaction(work, &commit));
    must(digest(&after));
    roll_back();
    must(reading(work, &seen));
    close_tree();
    for (unsigned i = 0; swept && i < sizeof faults / sizeof *faults; i++) {
        sweep(&faults[i], work, false, before, after);
        if (work->kind == PLAIN || work->kind == OPTIMIZE) sweep(&faults[i], work, true, before, seen);
    }
    must(open_tree());
    must(transaction(work, &commit));
    toy_write(toy, &commit);
    art_tree_committed(tree);
    toy_blobs_copy(&toy->blobs, &committed);
    toy->salts[0]++;
    close_tree();
}

LOOP_TEST(test_whatever_fails_first_nothing_is_lost, 3) {
    short_memory_use();
    struct random random = random_announced("sweep");
    toy_codec_lend(_i > 0);
    make_world(random.state, _i & 1, _i > 1);
    for (unsigned i = 0; i < 40; i++) step(&(struct work){i % 4 ? PLAIN : FLUSH, random_next(&random), 120}, false);
    for (unsigned i = 0; i < KINDS * random_scale(); i++) {
        if (!random_span(&random)) continue;
        unsigned changes = 10 + random_below(&random, 60);
        enum kind kind = i % KINDS;
        step(&(struct work){kind, random_next(&random), kind == SPILL ? 100 : changes}, true);
        for (unsigned j = 0; j < 3; j++) step(&(struct work){PLAIN, random_next(&random), 100}, false);
    }
    printf("sweep: %u tries, %u of them failed\n", rounds, failures);
    ck_assert_uint_gt(failures, all_wanted() ? 500 : 200);
    toy_free(toy);
    toy_blobs_clear(&committed);
    for (unsigned i = 0; i < MARKS; i++) toy_blobs_clear(&at_mark[i]);
    sim_disk_free(disk);
    ck_assert_int_eq(short_memory_blocks() >= 0, 1);
}

SUITE("tree, sweep", .seconds = 600)
