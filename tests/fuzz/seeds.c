/* Makes the seeds of the targets that take parcels, from stores that core itself has written (`tests/fuzz/run seeds`).
 *
 *     seeds <folder>      <folder>/fuzz_blob/seed-..., fuzz_store, fuzz_redo
 *
 * Small stores of every kind: one leaf; several runs with deletes; an index of one and two levels; wide buckets; values
 * of several lengths and in pieces; filters; long keys; a log behind the root; a list of retired slots; most of these
 * with a toy summary (support/toy_summary.h), too. And a leaf with coded suffixes. */
#include <stdio.h>
#include <sys/stat.h>

#include "core/blob/blob_format.h"
#include "core/blob/builder.h"
#include "core/tree/state/root_format.h"
#include "core/tree/txn/txn.h"
#include "tests/fuzz/hosted_store.h"
#include "tests/support/of_core.h"
#include "tests/support/random.h"
#include "tests/support/toy_summary.h"

static const char *folder;
static struct art_measures has; /* of the toy summary */

static void must(int rc) {
    if (rc) fuzz_fail("%s: %s", art_error_name(rc), art_error_message());
}

static void save(const char *target, const char *name, const struct art_buffer *bytes) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, target);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/%s/seed-%s", folder, target, name);
    FILE *out = fopen(path, "wb");
    if (!out || fwrite(bytes->data, 1, bytes->len, out) != bytes->len || fclose(out))
        fuzz_fail("cannot write %s", path);
}

/* --- the host ----------------------------------------------------------------------------------------------------- */

static struct art_tree *begin(uint32_t blob_pages) {
    uint8_t initial[ART_ROOT_INITIAL_MAX];
    uint32_t len = art_tree_initial_root(hosted_uuid, initial);
    host_clear();
    sim_disk_clear(host.disk, NULL);
    host.wal = true;
    host.has = has;
    host_write(&(struct art_commit){.write_root = true, .root = art_bytes(initial, len)});
    struct art_tree *tree = host_tree_with((struct art_tree_options){
        .cache_bytes = 16 << 20, .log_limit = 1 << 20, .spill_limit = 1 << 24, .blob_pages = blob_pages});
    must(host_refresh(tree));
    return tree;
}

static void commit(struct art_tree *tree) {
    struct art_commit commit;
    must(art_tree_prepare(tree, &commit));
    must(commit.spent ? ART_MISUSE : ART_OK); /* 'flush' leaves no row */
    host_write(&commit);
    art_tree_committed(tree);
}

static void flush(struct art_tree *tree) {
    must(art_tree_request(tree, ART_REQUEST_FLUSH));
    commit(tree);
}

/* --- packing ------------------------------------------------------------------------------------------------------ */

struct found {
    struct art_hash128 hashes[PARCEL_SLOTS];
    uint8_t levels[PARCEL_SLOTS];
};

static enum art_rc note_blob(void *context, const struct art_ref *ref) {
    struct found *found = context;
    if (ref->slot >= PARCEL_SLOTS) fuzz_fail("the seed has too many blobs");
    found->hashes[ref->slot] = ref->hash;
    found->levels[ref->slot] = ref->height;
    return ART_OK;
}

static void image_of(uint32_t slot, uint8_t *image) {
    for (uint32_t page = 0; page < ART_BLOB_PAGES; page++)
        memcpy(image + page * ART_BLOB_PAGE, host_page(NULL, slot, page), ART_BLOB_PAGE);
}

static void put_row(struct art_buffer *out, uint64_t csn, const struct art_buffer *row) {
    struct art_buffer packed = {0};
    must(art_buffer_append(&packed, &csn, sizeof csn));
    must(art_buffer_append(&packed, row->data + 16, row->len - 16));
    parcel_put(out, PARCEL_ROW, packed.data, packed.len);
    art_buffer_clear(&packed);
}

static void pack_log(struct art_buffer *out, const struct found *found, const char *name) {
    struct art_buffer root = {0}, *row = &host.rows[0].bytes;
    must(art_buffer_append(&root, row->data, row->len - 8));
    parcel_name_hashes(root.data, root.len, found->hashes, PARCEL_SLOTS, name);
    parcel_put(out, PARCEL_ROOT, root.data, root.len);
    for (unsigned i = 1; i < host.count; i++) put_row(out, host.rows[i].csn, &host.rows[i].bytes);
    art_buffer_clear(&root);
}

static const char questions[] = "\5\5dir-1\21\0\2\3dir\4\14dir-2/file-00\1\1x\7\6dir-4/\16\3zzz\10\5a/b/c";
static char blob_questions[] = "\15\6\1dir-1/\5\1dir\3\1zz\11\1dir-2/fi";

static void pack(struct art_tree *tree, const char *name) {
    static uint8_t image[ART_BLOB_BYTES] __attribute__((aligned(ART_BLOB_PAGE)));
    struct found found = {0};
    struct art_buffer store = {0}, log = {0};
    for (unsigned i = 0; i < tree->root->runs; i++) {
        must(art_run_each_ref(tree->store, &tree->root->run[i], note_blob, &found));
    }
    for (uint32_t level = 0, number = 0; level < ART_HEIGHTS_MAX; level++) {
        for (uint32_t slot = 0; slot < PARCEL_SLOTS; slot++) {
            if (!found.hashes[slot].low || found.levels[slot] != level) continue;
            struct art_buffer blob = {0};
            char blob_name[100];
            image_of(slot, image);
            parcel_put_blob(&store, image, found.hashes, PARCEL_SLOTS);
            image_of(slot, image);
            parcel_put_blob(&blob, image, found.hashes, PARCEL_SLOTS);
            blob_questions[0] = has.columns ? 13 + 16 : 13;
            parcel_put(&blob, PARCEL_OPS, blob_questions, sizeof blob_questions);
            snprintf(blob_name, sizeof blob_name, "%s-%u", name, slot);
            if (number++ < 6 || level) save("fuzz_blob", blob_name, &blob);
            art_buffer_clear(&blob);
        }
    }
    pack_log(&store, &found, tree->root->runs % 2 ? "refs to slot" : "hash of slot");
    if (host.retired.len) parcel_put(&store, PARCEL_RETIRED, host.retired.data, host.retired.len);
    parcel_put(&store, PARCEL_OPS, questions, sizeof questions);
    save("fuzz_store", name, &store);
    pack_log(&log, &found, "hash of slot");
    const struct art_buffer *raw = &host.rows[host.count > 1].bytes; /* a row, or the root */
    parcel_put(&log, PARCEL_OPS, raw->data, raw->len);
    save("fuzz_redo", name, &log);
    art_buffer_clear(&store);
    art_buffer_clear(&log);
    art_tree_close(tree);
}

/* --- stores ------------------------------------------------------------------------------------------------------- */

static void put(struct art_tree *tree, const char *key, uint32_t value_len) {
    static uint8_t value[100000];
    bool existed;
    for (uint32_t i = 0; i < value_len; i++) value[i] = (uint8_t)(key[i % (strlen(key) + 1)] + i / 100);
    struct art_bytes path = art_bytes(key, (uint32_t)strlen(key));
    uint64_t mix = art_hash64(path.data, path.len) + value_len;
    for (uint32_t i = 0; i < has.columns; i++, mix = mix * 0x9e3779b97f4a7c15u + 1) {
        static const uint8_t kinds[] = {1 + 35, 1, 1 + 35, 2, 1 + 35, 3, 0, 4}; /* small integers, and all others */
        uint32_t at = i * (uint32_t)ART_DATUM_BYTES;
        if (at + ART_DATUM_BYTES > value_len) break;
        value[at] = kinds[mix >> 61];
        art_store64(value + at + 1, value[at] == 2 ? 0x4012000000000000u + (mix & 0xffff00000000u) : mix >> 20);
    }
    must(art_tree_insert(tree, ART_WRITE_REPLACE, path, art_bytes(value, value_len), &existed));
}

static void drop(struct art_tree *tree, const char *key) {
    bool existed;
    must(art_tree_delete(tree, art_bytes(key, (uint32_t)strlen(key)), &existed));
}

static void put_files(struct art_tree *tree, int from, int to, int step, uint32_t value_len) {
    char key[100];
    for (int i = from; i < to; i += step) {
        snprintf(key, sizeof key, "dir-%d/file-%05d", i % 5, i);
        put(tree, key, value_len ? value_len : (uint32_t)i % 40);
    }
}

static void drop_files(struct art_tree *tree, int from, int to, int step) {
    char key[100];
    for (int i = from; i < to; i += step) {
        snprintf(key, sizeof key, "dir-%d/file-%05d", i % 5, i);
        drop(tree, key);
    }
}

static void seed_log(void) {
    struct art_tree *tree = begin(4);
    for (int i = 0; i < 4; i++) {
        put_files(tree, 5 * i, 5 * i + 12, 1, 0);
        if (i) drop_files(tree, 5 * i, 5 * i + 12, 4);
        put(tree, i % 2 ? "" : "x", 5);
        commit(tree);
    }
    pack(tree, "log");
    pack(begin(4), "empty");
}

static void seed_leaf(void) {
    struct art_tree *tree = begin(4);
    put_files(tree, 0, 20, 1, 8);
    flush(tree);
    pack(tree, "leaf");
    tree = begin(4);
    put(tree, "one", 3);
    flush(tree);
    pack(tree, "one");
    tree = begin(8);
    put_files(tree, 0, 300, 1, 0);
    flush(tree);
    pack(tree, "buckets");
}

/* Runs over runs, with what they delete and replace, and a log behind. */
static void seed_runs(void) {
    struct art_tree *tree = begin(4);
    put_files(tree, 0, 60, 1, 0);
    flush(tree);
    must(art_tree_request(tree, ART_REQUEST_OPTIMIZE));
    commit(tree);
    put_files(tree, 10, 90, 4, 20);
    drop_files(tree, 0, 60, 7);
    flush(tree);
    drop_files(tree, 10, 90, 8);
    put_files(tree, 0, 60, 14, 2);
    flush(tree);
    put_files(tree, 100, 110, 1, 3);
    drop_files(tree, 1, 30, 5);
    commit(tree);
    put(tree, "late", 4);
    commit(tree);
    pack(tree, "runs");
}

static void seed_index(const char *name, int rows, uint32_t blob_pages, uint32_t value_len) {
    struct art_tree *tree = begin(blob_pages);
    put_files(tree, 0, rows, 1, value_len);
    flush(tree);
    must(art_tree_request(tree, ART_REQUEST_OPTIMIZE));
    commit(tree);
    put_files(tree, 0, rows, 17, 4);
    flush(tree);
    pack(tree, name);
}

/* Long keys make wide buckets and buckets over several pages; long labels; bytes of every kind. */
static void seed_keys(void) {
    static char key[5000];
    struct art_tree *tree = begin(16);
    memset(key, 'k', sizeof key);
    for (int i = 0; i < 6; i++) {
        snprintf(key + 300, sizeof key - 300, "/%d", i * 37);
        put(tree, key, 30);
    }
    flush(tree);
    pack(tree, "wide");
    tree = begin(16);
    memset(key, 'l', sizeof key);
    for (int i = 0; i < 3; i++) {
        key[3000 + 700 * i] = 0;
        put(tree, key, 2000);
        key[3000 + 700 * i] = 'm';
    }
    flush(tree);
    pack(tree, "long");
    tree = begin(4);
    for (int i = 1; i < 256; i += 3) {
        char some[4] = {(char)i, (char)(i * 7 | 1), (char)(255 - i), 0};
        some[i % 4] = 0;
        put(tree, some, (uint32_t)i % 3);
    }
    flush(tree);
    pack(tree, "bytes");
}

/* A label as long as a page's third: an index blob has room for two or three references, and a few rows make three
 * levels. */
static void seed_levels(void) {
    static char key[1600];
    struct art_tree *tree = begin(2);
    memset(key, 'p', sizeof key);
    for (int i = 0; i < 10; i++) {
        snprintf(key + 1300, sizeof key - 1300, "%02d", i);
        put(tree, key, 1500);
    }
    flush(tree);
    pack(tree, "levels");
}

static void seed_values(void) {
    struct art_tree *tree = begin(8);
    put(tree, "piece/1", 5000);
    put(tree, "piece/2", 9000);
    put(tree, "small", 10);
    commit(tree);
    flush(tree);
    put(tree, "piece/1", 6000);
    drop(tree, "piece/2");
    commit(tree);
    pack(tree, "pieces");
}

static void delete_directory(struct art_tree *tree, const char *prefix) {
    uint8_t memory[64];
    struct art_range range = {0};
    uint64_t rows;
    art_range_of_prefix(art_bytes(prefix, (uint32_t)strlen(prefix)), memory, &range);
    must(art_tree_delete_range(tree, &range, &rows));
}

/* A root with cuts, and rows in the log. */
static void seed_cuts(void) {
    struct art_tree *tree = begin(2);
    put_files(tree, 0, 100, 1, 100);
    flush(tree);
    art_test_hooks.as_one = true;
    delete_directory(tree, "dir-3/");
    commit(tree);
    delete_directory(tree, "dir-1/file-0004");
    art_test_hooks.as_one = false;
    commit(tree);
    put_files(tree, 40, 60, 1, 3);
    commit(tree);
    pack(tree, "cuts");
}

/* A leaf with coded suffixes, the last so long that columns have two bytes; for that no store is small enough. */
static void seed_coded(void) {
    enum { COUNT = 160, LONG = 12 };
    static uint8_t image[ART_BLOB_BYTES] __attribute__((aligned(ART_BLOB_PAGE))), keys[COUNT * 500];
    static struct art_encoder encoder;
    struct art_builder_options options = {.kind = ART_BLOB_LEAF, .filter = true, .blocks = true};
    struct art_hash128 none[PARCEL_SLOTS] = {{0}};
    struct art_builder *builder;
    struct art_built built;
    struct art_buffer blob = {0};
    uint32_t ends[COUNT], len = 0, from = 0;
    bool full;
    for (uint32_t i = 0; i < COUNT; ends[i++] = len) {
        len += (uint32_t)sprintf((char *)keys + len, "\1dir-%u/file-%05u", i / 40, i);
        for (uint32_t k = 0; k < (i < COUNT - LONG ? 1 : 20); k++)
            len += (uint32_t)sprintf((char *)keys + len, "/some more/file-%05u", i * k);
    }
    art_encoder_train(&encoder, keys, ends, COUNT);
    memcpy(options.uuid, hosted_uuid, sizeof options.uuid);
    must(art_builder_open(&builder, &options));
    must(art_builder_symbols(builder, &encoder.symbols));
    art_builder_begin(builder, image);
    for (uint32_t i = 0; i < COUNT; from = ends[i++]) {
        struct art_entry entry = {.value = art_bytes(keys, i % 40), .csn = 5};
        must(art_builder_add(builder, art_bytes(keys + from, ends[i] - from), &entry, ART_SHARED_UNKNOWN, &full));
    }
    must(art_builder_finish(builder, 1, 1, &built));
    if (!(art_blob_trailer(image)->incompatible & ART_BLOB_SYMBOLS)) fuzz_fail("the seed is not coded");
    art_builder_close(builder);
    parcel_put_blob(&blob, image, none, PARCEL_SLOTS);
    parcel_put(&blob, PARCEL_OPS, blob_questions, sizeof blob_questions);
    save("fuzz_blob", "coded", &blob);
    art_buffer_clear(&blob);
}

/* Each form of a summary: a log of its own rows behind two runs; deep indexes, and values in pieces. */
static void seed_summed(void) {
    for (unsigned form = 0; form < TOY_FORMS; form++) {
        char name[20];
        has = toy_form(form);
        snprintf(name, sizeof name, "form-%u", form);
        struct art_tree *tree = begin(4);
        put_files(tree, 0, 30, 1, 40);
        flush(tree);
        put_files(tree, 0, 30, 4, 35);
        drop_files(tree, 0, 30, 7);
        flush(tree);
        put_files(tree, 0, 6, 1, 30);
        commit(tree);
        pack(tree, name);
    }
    has = toy_form(6);
    seed_index("summed-index", 60, 2, 200);
    seed_index("summed-deep", 22, 2, 1500);
    struct art_tree *tree = begin(8);
    put(tree, "piece/1", 5000);
    put(tree, "piece/2", 9000);
    put(tree, "piece/3", 4200);
    put(tree, "small", 30);
    flush(tree);
    put(tree, "piece/1", 6000);
    drop(tree, "piece/2");
    commit(tree);
    pack(tree, "summed-pieces");
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: seeds <folder>\n");
        return 2;
    }
    folder = argv[1];
    host.disk = sim_disk_new_steady(SIM_PAGES);
    seed_log();
    seed_leaf();
    seed_runs();
    seed_index("index", 60, 2, 200);
    seed_index("deep", 22, 2, 1500);
    seed_levels();
    seed_keys();
    seed_values();
    seed_cuts();
    seed_coded();
    seed_summed();
    return 0;
}
