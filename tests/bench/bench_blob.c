/* Blobs alone, in RAM, ns an operation: bench_blob [keys ...]. Every access goes through an index blob to a leaf blob.
 *
 * Object keys with 49-byte values and random hexadecimal keys with 64-byte values, csns spread over 100. Lookups are
 * in random order, and each key is copied next to its neighbours beforehand: it is in the cache when it is asked for,
 * as it is when it comes from a caller. The fastest of several rounds, in CPU time, as machines are shared; B/key
 * counts whole pages, the index included, and in "footer" the footer pages alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "core/base/error.h"
#include "core/blob/builder.h"
#include "tests/support/of_core.h"
#include "tests/support/random.h"

enum { KEY_ROOM = 64, ROUNDS = 5, STRIDE = ART_BLOB_BYTES + 3 * ART_BLOB_PAGE };

static const uint8_t uuid[16] = "bench";
static uint32_t count, key_len, value_len;
static char *keys;    /* sorted, KEY_ROOM apart */
static char *asked;   /* the same, in random order */
static uint8_t *slab; /* blobs, STRIDE apart: equal offsets of blobs do not share cache sets */
static struct art_blob blobs[2000];
static struct art_ref refs[2000];
static uint32_t blob_count; /* the last is the index */
static uint8_t separators[2000][KEY_ROOM];
static uint32_t separator_lens[2000];
static uint8_t cursor_key[2][ART_KEY_MAX + ART_KEY_PADDING];
static uint64_t sink;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void must(int rc) {
    if (!rc) return;
    fprintf(stderr, "%s\n", art_error_message());
    exit(EXIT_FAILURE);
}

static struct art_bytes key_at(const char *from, uint32_t i) {
    return art_bytes(from + (size_t)i * KEY_ROOM, key_len);
}

static int compare(const void *a, const void *b) {
    return memcmp(a, b, key_len);
}

static void make_keys(int objects) {
    struct random random = {4711};
    value_len = objects ? 49 : 64;
    for (uint32_t i = 0; i < count; i++) {
        char *key = keys + (size_t)i * KEY_ROOM;
        if (objects) {
            key_len = (uint32_t)sprintf(key, "bucket-%02u/path/sub/file-%06u.bin", i % 32, i / 32);
        } else {
            key_len = (uint32_t)sprintf(key, "%016llx%016llx", (unsigned long long)random_next(&random),
                                        (unsigned long long)random_next(&random));
        }
    }
    qsort(keys, count, KEY_ROOM, compare);
    memcpy(asked, keys, (size_t)count * KEY_ROOM);
    for (uint32_t i = count; i > 1; i--) {
        char swap[KEY_ROOM], *a = asked + (size_t)(i - 1) * KEY_ROOM;
        char *b = asked + (size_t)random_below(&random, i) * KEY_ROOM;
        memcpy(swap, a, KEY_ROOM);
        memcpy(a, b, KEY_ROOM);
        memcpy(b, swap, KEY_ROOM);
    }
}

/* --- building ----------------------------------------------------------------------------------------------------- */

static uint8_t *image_of(uint32_t slot) {
    return slab + (size_t)slot * STRIDE;
}

static void finish(struct art_builder *builder) {
    struct art_built built;
    uint32_t slot = blob_count++;
    must(art_builder_finish(builder, slot, 1, &built));
    refs[slot] = built.ref;
    uint8_t *label = malloc(built.ref.label.len + 1);
    memcpy(label, built.ref.label.data, built.ref.label.len);
    refs[slot].label.data = label;
    separator_lens[slot] = built.separator.len;
    memcpy(separators[slot], built.separator.data, built.separator.len);
    if (built.more) art_builder_begin(builder, image_of(blob_count));
}

static double build_leaves(bool filter) {
    struct art_builder_options options = {.kind = ART_BLOB_LEAF, .filter = filter};
    struct art_builder *builder;
    uint8_t value[64];
    double begun;
    memcpy(options.uuid, uuid, sizeof uuid);
    memset(value, 'v', sizeof value);
    blob_count = 0;
    begun = now();
    must(art_builder_open(&builder, &options));
    art_builder_begin(builder, image_of(0));
    for (uint32_t i = 0; i < count; i++) {
        struct art_entry entry = {.value = art_bytes(value, value_len), .csn = 1000 + i % 100};
        bool full = true;
        while (full) {
            must(art_builder_add(builder, key_at(keys, i), &entry, ART_SHARED_UNKNOWN, &full));
            if (full) finish(builder);
        }
    }
    while (art_builder_pending(builder)) finish(builder);
    art_builder_close(builder);
    return (now() - begun) / count;
}

static void build_index(void) {
    struct art_builder_options options = {.kind = ART_BLOB_INDEX, .height = 1};
    struct art_builder *builder;
    memcpy(options.uuid, uuid, sizeof uuid);
    must(art_builder_open(&builder, &options));
    art_builder_begin(builder, image_of(blob_count));
    for (uint32_t i = 0; i < blob_count; i++) {
        bool full;
        must(art_builder_add_ref(builder, art_bytes(separators[i], separator_lens[i]), &refs[i], &full));
        if (full) {
            fprintf(stderr, "more blobs than one index holds\n");
            exit(EXIT_FAILURE);
        }
    }
    finish(builder);
    art_builder_close(builder);
    for (uint32_t i = 0; i < blob_count; i++) {
        must(art_blob_open(&blobs[i], image_of(i), &refs[i], uuid, NULL));
        must(art_blob_verify_all(&blobs[i]));
    }
}

/* --- operations --------------------------------------------------------------------------------------------------- */

static inline struct art_blob *leaf_of(struct art_bytes key, int64_t *before) {
    struct art_ref ref;
    must(art_blob_child(&blobs[blob_count - 1], key, &ref, before));
    return art_label_compare(ref.label, key) ? NULL : &blobs[ref.slot];
}

static double get(int change) {
    double begun = now();
    uint32_t found = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t key[KEY_ROOM + ART_KEY_PADDING];
        struct art_entry entry;
        memcpy(key, asked + (size_t)i * KEY_ROOM, KEY_ROOM);
        if (change) key[key_len - 1] ^= 1;
        struct art_bytes search = art_bytes(key, key_len);
        struct art_blob *leaf = leaf_of(search, NULL);
        if (leaf && !art_blob_get(leaf, search, &entry)) {
            found++;
            sink += entry.value.data[0];
        }
    }
    if (found != (change ? 0 : count)) printf("    (%u of %u found)\n", found, count);
    return (now() - begun) / count;
}

static double floor_seek(void) {
    double begun = now();
    struct art_blob_cursor cursor;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t key[KEY_ROOM + ART_KEY_PADDING];
        memcpy(key, asked + (size_t)i * KEY_ROOM, KEY_ROOM);
        key[key_len - 1] ^= 1;
        struct art_bytes search = art_bytes(key, key_len);
        struct art_blob *leaf = leaf_of(search, NULL);
        if (!leaf) continue;
        art_blob_cursor_init(&cursor, leaf, cursor_key[0]);
        must(art_blob_seek_le(&cursor, search));
        sink += cursor.key_len;
    }
    return (now() - begun) / count;
}

static double walk(int backward) {
    double begun = now();
    uint32_t rows = 0;
    struct art_blob_cursor index, leaf;
    struct art_entry entry;
    art_blob_cursor_init(&index, &blobs[blob_count - 1], cursor_key[1]);
    must(backward ? art_blob_last(&index) : art_blob_first(&index));
    while (index.valid) {
        struct art_ref ref;
        must(art_blob_cursor_ref(&index, &ref));
        memcpy(cursor_key[0], ref.label.data, ref.label.len);
        art_blob_cursor_init(&leaf, &blobs[ref.slot], cursor_key[0]);
        must(backward ? art_blob_last(&leaf) : art_blob_first(&leaf));
        while (leaf.valid) {
            art_blob_cursor_entry(&leaf, &entry);
            sink += entry.value.data[0] + leaf.key[leaf.key_len - 1];
            rows++;
            must(backward ? art_blob_prev(&leaf) : art_blob_next(&leaf));
        }
        must(backward ? art_blob_prev(&index) : art_blob_next(&index));
    }
    if (rows != count) printf("    (%u of %u rows)\n", rows, count);
    return (now() - begun) / count;
}

/* Rows whose key begins with the first bytes of some key: two ranks. */
static double prefix_count(void) {
    double begun = now();
    for (uint32_t i = 0; i < count; i++) {
        uint8_t key[KEY_ROOM + ART_KEY_PADDING];
        int64_t rank[2];
        uint32_t len = key_len - 6;
        memcpy(key, asked + (size_t)i * KEY_ROOM, KEY_ROOM);
        for (int side = 0; side < 2; side++, key[len - 1]++) {
            int64_t before, inside = 0;
            struct art_ref ref;
            struct art_bytes search = art_bytes(key, len);
            must(art_blob_child(&blobs[blob_count - 1], search, &ref, &before));
            int where = art_label_compare(ref.label, search);
            if (!where) must(art_blob_rank(&blobs[ref.slot], search, &inside));
            rank[side] = before + (where > 0 ? ref.count : inside);
        }
        sink += (uint64_t)(rank[1] - rank[0]);
    }
    return (now() - begun) / count;
}

static double kth(void) {
    double begun = now();
    struct random random = {17};
    struct art_blob_cursor index, leaf;
    for (uint32_t i = 0; i < count; i++) {
        int64_t k = random_below(&random, count);
        struct art_ref ref;
        art_blob_cursor_init(&index, &blobs[blob_count - 1], cursor_key[1]);
        must(art_blob_seek_rank(&index, k));
        k -= art_blob_cursor_rank(&index);
        must(art_blob_cursor_ref(&index, &ref));
        art_blob_cursor_init(&leaf, &blobs[ref.slot], cursor_key[0]);
        must(art_blob_seek_entry(&leaf, (uint32_t)k));
        sink += leaf.key_len;
    }
    return (now() - begun) / count;
}

static double hit(void) {
    return get(0);
}

static double miss(void) {
    return get(1);
}

static double forward(void) {
    return walk(0);
}

static double backward(void) {
    return walk(1);
}

static double build_plain(void) {
    return build_leaves(false);
}

static double build_filtered(void) {
    return build_leaves(true);
}

static double best(double (*operation)(void)) {
    double least = operation();
    for (int i = 1; i < ROUNDS; i++) {
        double time = operation();
        if (time < least) least = time;
    }
    return least;
}

static void bench(uint32_t keys_wanted, int objects) {
    count = keys_wanted;
    size_t room = (size_t)count * KEY_ROOM + 4096, slab_room = ((size_t)count * 150 / ART_BLOB_BYTES + 4) * STRIDE;
    keys = malloc(room);
    asked = malloc(room);
    slab = mmap(NULL, slab_room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!keys || !asked || slab == MAP_FAILED) exit(EXIT_FAILURE);
    madvise(slab, slab_room, MADV_HUGEPAGE);
    make_keys(objects);
    double filtered = best(build_filtered), built = best(build_plain);
    build_index();
    uint64_t pages = 0, footer = 0;
    for (uint32_t i = 0; i < blob_count; i++) {
        pages += refs[i].leaf_pages + refs[i].footer_pages;
        footer += refs[i].footer_pages;
    }
    printf("%-5s %8u  %6.1f %6.2f | %6.1f %6.1f | %6.1f %6.1f %6.1f | %5.1f %5.1f | %6.1f %6.1f\n",
           objects ? "obj" : "rand", count, (double)pages * ART_BLOB_PAGE / count,
           (double)footer * ART_BLOB_PAGE / count, built, filtered, best(hit), best(miss), best(floor_seek),
           best(forward), best(backward), best(prefix_count), best(kth));
    fflush(stdout);
    for (uint32_t i = 0; i < blob_count; i++) free((void *)refs[i].label.data);
    munmap(slab, slab_room);
    free(keys);
    free(asked);
}

int main(int argc, char **argv) {
    static const uint32_t sizes[] = {4000, 100000, 1000000, 2000000};
    printf(
        "data      keys   B/key   footer | build filter |    get   miss  floor |  next  prev |  count    kth   (ns)\n");
    for (int objects = 1; objects >= 0; objects--) {
        for (int i = 1; i < argc; i++) bench((uint32_t)strtoul(argv[i], NULL, 10), objects);
        for (int i = 0; argc == 1 && i < 4; i++) bench(sizes[i], objects);
    }
    return sink == 42;
}
