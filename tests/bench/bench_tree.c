/* The core alone, without SQLite: what a tree costs per operation.
 *
 *     bench_tree [keys] [directory]
 *
 * Random load in transactions of 1,000, point reads (hit, miss), scans both ways, counts, skips, random updates; then
 * the same reads after 'optimize'. A toy host keeps the log in memory, so that what is measured is the tree, its merges
 * and the file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/tree/tree.h"

static enum art_rc host_secure(void *context, bool *reuse) {
    (void)context;
    *reuse = true;
    return ART_OK;
}

static enum art_rc host_epoch(void *context, struct art_epoch *out) {
    (void)context;
    *out = (struct art_epoch){.kind = ART_EPOCH_ROLLBACK};
    return ART_OK;
}

static enum art_rc host_retired(void *context, struct art_buffer *out) {
    (void)context;
    (void)out;
    return ART_OK;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void must(int rc) {
    if (!rc) return;
    fprintf(stderr, "bench_tree: %s\n", art_error_message());
    exit(1);
}

static uint64_t state = 88172645463325252u;

static uint32_t below(uint32_t n) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)((state >> 11) % n);
}

static uint32_t keys;

static struct art_bytes make_key(uint32_t i, char *out) {
    uint32_t in_bucket = keys / 32 + 1;
    int n = snprintf(out, 100, "bucket-%02u/path/sub/file-%06u.bin", i / in_bucket, i % in_bucket);
    return art_bytes(out, (uint32_t)n);
}

static struct art_bytes make_value(uint32_t i, char *out) {
    int n = snprintf(out, 100, "{\"size\":%10u,\"etag\":\"%08x\",\"class\":\"STD\"}   ", i, i * 2654435761u);
    return art_bytes(out, (uint32_t)n);
}

static void commit(struct art_tree *tree, uint64_t *log) {
    struct art_commit commit;
    must(art_tree_prepare(tree, &commit));
    *log += commit.redo.len + commit.root.len;
    art_tree_committed(tree);
}

static void report(const char *what, double begun, uint64_t operations) {
    printf("  %-28s %8.1f ns\n", what, (now() - begun) / (double)operations);
}

static void reads(struct art_tree *tree, const uint32_t *order) {
    char text[100];
    struct art_row row;
    uint32_t n = keys < 500000 ? keys : 500000;
    double begun = now();
    for (uint32_t i = 0; i < n; i++) {
        must(art_tree_get(tree, make_key(order[i], text), &row));
        art_row_release(&row);
    }
    report("get, hit (with making keys)", begun, n);
    begun = now();
    for (uint32_t i = 0; i < n; i++) {
        struct art_bytes key = make_key(order[i], text);
        text[key.len - 1] = 'x';
        if (art_tree_get(tree, key, &row) != ART_NOTFOUND) abort();
    }
    report("get, miss", begun, n);
    struct art_cursor *cursor;
    must(art_cursor_open(tree, &cursor));
    for (int backward = 0; backward < 2; backward++) {
        uint64_t rows = 0;
        begun = now();
        for (must(art_cursor_seek(cursor, &(struct art_range){0}, backward)); art_cursor_valid(cursor);
             must(art_cursor_next(cursor)))
            rows++;
        report(backward ? "scan backward, a row" : "scan, a row", begun, rows);
        if (rows != keys + 32) abort();
    }
    struct art_range range;
    uint8_t high[100];
    begun = now();
    for (uint32_t i = 0; i < n; i++) {
        struct art_bytes key = make_key(order[i], text);
        key.len -= 6;
        art_range_of_prefix(key, high, &range);
        must(art_cursor_seek(cursor, &range, false));
    }
    report("seek a prefix", begun, n);
    begun = now();
    for (uint32_t i = 0; i < n; i++) {
        uint64_t count;
        art_range_of_prefix(art_bytes(make_key(order[i], text).data, 14), high, &range);
        must(art_tree_count(tree, &range, &count));
    }
    report("count a prefix", begun, n);
    double wrong = 0;
    begun = now();
    for (uint32_t i = 0; i < n; i++) {
        uint64_t guess;
        art_range_of_prefix(art_bytes(make_key(order[i], text).data, 14 + i % 2 * 15), high, &range);
        if (!art_tree_estimate(tree, &range, &guess)) abort();
    }
    report("estimate a prefix", begun, n);
    for (uint32_t i = 0; i < 2000; i++) {
        uint64_t guess, count;
        art_range_of_prefix(art_bytes(make_key(order[i], text).data, 14 + i % 2 * 15), high, &range);
        must(art_tree_count(tree, &range, &count));
        art_tree_estimate(tree, &range, &guess);
        double more = (double)(guess + 1) / (double)(count + 1);
        if (more < 1) more = 1 / more;
        if (more > wrong) wrong = more;
    }
    printf("  %-28s %8.1f times\n", "an estimate is off by most", wrong);
    art_cursor_close(cursor);
}

static void skips(struct art_tree *tree, const uint32_t *order) {
    struct art_cursor *cursor;
    must(art_cursor_open(tree, &cursor));
    for (int kind = 0; kind < 3; kind++) {
        static const char *const names[] = {"skip any number of rows", "skip backward", "skip 9 rows of 10"};
        uint32_t n = keys < 20000 ? keys : 20000;
        double begun = now();
        for (uint32_t i = 0; i < n; i++) {
            must(art_cursor_seek(cursor, &(struct art_range){0}, kind == 1));
            must(art_cursor_skip(cursor, kind == 2 ? keys / 10 * 9 : order[i]));
            if (!art_cursor_valid(cursor)) abort();
        }
        report(names[kind], begun, n);
    }
    art_cursor_close(cursor);
}

/* Paths below stored routes: of three segments beside many others, and of one with nothing near it. */
static void prefixes(struct art_tree *tree, const uint32_t *order) {
    struct art_buffer out = {0};
    for (int kind = 0; kind < 4; kind++) {
        static const char *const names[] = {"longest prefix, a row's child", "the same, at a delimiter",
                                            "longest prefix, a neighbour", "the same, at a delimiter"};
        uint32_t n = keys < 200000 ? keys : 200000;
        char text[100];
        double begun = now();
        for (uint32_t i = 0; i < n; i++) {
            struct art_bytes path = make_key(order[i], text);
            if (kind >= 2) path.len -= 6; /* digits are missing: only the bucket's own row is a prefix */
            memcpy(text + path.len, "/part-7/x", 9);
            path.len += 9;
            out.len = 0;
            must(art_tree_longest_prefix(tree, path, art_bytes("/", kind % 2), &out, NULL));
        }
        report(names[kind], begun, n);
    }
    art_buffer_clear(&out);
}

static void describe(struct art_tree *tree, uint64_t payload) {
    struct art_tree_info info;
    must(art_tree_info(tree, &info));
    printf("  %u runs and %llu keys in memory:", info.runs, (unsigned long long)info.memtable_keys);
    for (unsigned i = 0; i < info.runs; i++) printf(" L%u %.1f MB", info.run[i].level, (double)info.run[i].bytes / 1e6);
    printf("; %.1f bytes a key in blobs (payload %.1f), fill %.2f, file %.1f MB, written %.1f x payload, %s%s\n",
           (double)info.blob_bytes / keys, (double)payload / keys, info.fill, (double)info.store.file_bytes / 1e6,
           (double)info.store.count.pages_written * 4096 / (double)payload, info.store.engine,
           info.store.direct ? " direct" : "");
}

int main(int argc, char **argv) {
    keys = argc > 1 ? (uint32_t)atoi(argv[1]) : 100000;
    char path[300], host_path[300];
    snprintf(path, sizeof path, "%s/bench_tree.art", argc > 2 ? argv[2] : ".");
    snprintf(host_path, sizeof host_path, "%s/bench_tree.db", argc > 2 ? argv[2] : ".");
    unlink(path);
    fclose(fopen(host_path, "w"));
    uint32_t *order = malloc(keys * sizeof *order);
    for (uint32_t i = 0; i < keys; i++) order[i] = i;
    for (uint32_t i = keys; i > 1; i--) {
        uint32_t j = below(i), x = order[i - 1];
        order[i - 1] = order[j];
        order[j] = x;
    }
    struct art_tree_options options = {
        .path = path, .host_path = host_path, .cache_bytes = 1u << 30, .log_limit = 1 << 20, .spill_limit = 64 << 20};
    if (getenv("LOG_LIMIT")) options.log_limit = (uint64_t)atoll(getenv("LOG_LIMIT"));
    struct art_host host = {.secure = host_secure, .epoch = host_epoch, .load_retired = host_retired};
    struct art_tree *tree;
    must(art_tree_open(&tree, &options, &host));
    uint64_t from, log = 0, payload = 0;
    uint8_t root[ART_ROOT_INITIAL_MAX];
    must(art_tree_refresh_begin(tree, &from));
    must(art_tree_refresh_row(tree, 0, art_bytes(root, art_tree_initial_root(options.uuid, root))));
    must(art_tree_refresh_end(tree));
    printf("%u object-store keys, random load in transactions of 1,000\n", keys);
    char text[100], value[100];
    bool existed;
    for (uint32_t i = 0; i < 32; i++) {
        struct art_bytes bucket = art_bytes(text, (uint32_t)sprintf(text, "bucket-%02u", i));
        must(art_tree_insert(tree, ART_WRITE_INSERT, bucket, make_value(i, value), &existed));
    }
    double begun = now(), worst = 0;
    for (uint32_t i = 0; i < keys;) {
        double first = now();
        for (uint32_t end = i + 1000; i < end && i < keys; i++) {
            struct art_bytes k = make_key(order[i], text), v = make_value(order[i], value);
            payload += k.len + v.len;
            must(art_tree_insert(tree, ART_WRITE_INSERT, k, v, &existed));
        }
        commit(tree, &log);
        if (now() - first > worst) worst = now() - first;
    }
    report("insert", begun, keys);
    printf("  %-28s %8.2f ms\n", "slowest transaction", worst / 1e6);
    describe(tree, payload);
    reads(tree, order);
    skips(tree, order);
    prefixes(tree, order);
    begun = now();
    uint32_t updates = keys < 200000 ? keys : 200000;
    for (uint32_t i = 0; i < updates;) {
        for (uint32_t end = i + 1000; i < end && i < updates; i++) {
            uint32_t key = below(keys);
            must(art_tree_insert(tree, ART_WRITE_REPLACE, make_key(key, text), make_value(i, value), &existed));
        }
        commit(tree, &log);
    }
    report("random update", begun, updates);
    describe(tree, payload);
    skips(tree, order);
    prefixes(tree, order);
    begun = now();
    must(art_tree_request(tree, ART_REQUEST_OPTIMIZE));
    commit(tree, &log);
    report("optimize, a key", begun, keys);
    describe(tree, payload);
    for (int i = 0; i < 2; i++) { /* the first moves, the second cuts */
        begun = now();
        must(art_tree_request(tree, ART_REQUEST_VACUUM));
        commit(tree, &log);
        report("vacuum, a key", begun, keys);
    }
    describe(tree, payload);
    reads(tree, order);
    skips(tree, order);
    prefixes(tree, order);
    art_tree_close(tree);
    unlink(path);
    unlink(host_path);
    return 0;
}
