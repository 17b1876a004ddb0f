/* The memtable alone, in ns an operation: bench_memtable [keys]. Keys are object names, values 49 bytes, order
 * random. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/error.h"
#include "core/memtable/memtable.h"
#include "tests/support/of_core.h"
#include "tests/support/random.h"

enum { KEY_ROOM = 64 };

static uint32_t count;
static struct art_bytes *keys, *misses;
static char value[49];

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void report(const char *what, double begun, uint64_t operations) {
    printf("  %-44s %8.1f ns\n", what, (now() - begun) / (double)operations);
}

static void must(int rc) {
    if (!rc) return;
    fprintf(stderr, "%s\n", art_error_message());
    exit(EXIT_FAILURE);
}

/* Names of the numbers 0 .. count - 1 in `order`, one behind the other: a caller's key is in the cache when it is
 * used. */
static struct art_bytes *names(const char *format, const uint32_t *order) {
    struct art_bytes *out = calloc(count, sizeof *out);
    char *text = calloc(count, KEY_ROOM);
    for (uint32_t i = 0; i < count; i++, text += KEY_ROOM) {
        out[i] = art_bytes(text, (uint32_t)snprintf(text, KEY_ROOM, format, order[i] % 32, order[i]));
    }
    return out;
}

static void make_keys(void) {
    struct random random = {1};
    uint32_t *order = calloc(count, sizeof *order);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t j = random_below(&random, i + 1);
        order[i] = order[j];
        order[j] = i;
    }
    keys = names("bucket-%02u/path/sub/file-%06u.bin", order);
    misses = names("bucket-%02u/path/sub/file-%06u.tmp", order);
    free(order);
}

static struct art_entry entry_for(uint64_t csn, uint8_t flags) {
    return (struct art_entry){.value = art_bytes(value, sizeof value), .csn = csn, .flags = flags};
}

static void bench_sets(struct art_memtable *memtable) {
    struct art_entry entry = entry_for(1, 0), found;
    double begun = now();
    for (uint32_t i = 0; i < count; i++) must(art_memtable_set(memtable, keys[i], &entry));
    report("set, new key", begun, count);
    art_memtable_forget_undo(memtable);

    printf("  %-44s %8.1f bytes\n", "memory a key beside key and value",
           (double)(art_memtable_memory(memtable) - art_memtable_bytes(memtable)) / count);
    printf("  %-44s %8.1f bytes\n", "garbage a key", (double)art_memtable_garbage(memtable) / count);

    entry.flags = ART_SHADOWS_OLDER;
    begun = now();
    for (uint32_t i = 0; i < count; i++) must(art_memtable_set(memtable, keys[i], &entry));
    report("set, other value and weight, noted", begun, count);
    begun = now();
    for (uint32_t i = 0; i < count; i++) must(art_memtable_set(memtable, keys[i], &entry));
    report("set again, noted already", begun, count);
    begun = now();
    art_memtable_rollback(memtable, 0);
    report("rollback of a value", begun, count);
    begun = now();
    for (uint32_t i = 0; i < count; i++) {
        if (art_memtable_get(memtable, keys[i], &found)) found.flags = 0;
        entry.flags = found.flags & ART_SHADOWS_OLDER;
        must(art_memtable_set(memtable, keys[i], &entry));
    }
    report("get and set with a note: one xUpdate", begun, count);
    art_memtable_forget_undo(memtable);
}

static void bench_reads(const struct art_memtable *memtable) {
    struct art_entry entry;
    uint64_t found = 0;
    double begun = now();
    for (uint32_t i = 0; i < count; i++) found += art_memtable_get(memtable, keys[i], &entry) == ART_OK;
    report("get", begun, count);
    begun = now();
    for (uint32_t i = 0; i < count; i++) found += art_memtable_get(memtable, misses[i], &entry) == ART_OK;
    report("get, no such key", begun, count);
    if (found != count) abort();
    begun = now();
    int64_t ranks = 0;
    for (uint32_t i = 0; i < count; i++) ranks += art_memtable_rank(memtable, keys[i]);
    report("rank", begun, count);
    if (ranks != (int64_t)count * (count - 1) / 2) abort();

    struct art_memtable_cursor cursor;
    art_memtable_cursor_init(&cursor, memtable);
    begun = now();
    for (uint32_t i = 0; i < count; i++) must(art_memtable_seek_ge(&cursor, keys[i]));
    report("seek", begun, count);
    art_memtable_cursor_clear(&cursor);
}

static void bench_walk(const struct art_memtable *memtable, const char *there, const char *back) {
    struct art_memtable_cursor cursor;
    uint64_t seen = 0, bytes = 0;
    art_memtable_cursor_init(&cursor, memtable);
    double begun = now();
    for (must(art_memtable_first(&cursor)); cursor.valid; must(art_memtable_next(&cursor)), seen++)
        bytes += cursor.key.len;
    report(there, begun, seen);
    begun = now();
    for (must(art_memtable_last(&cursor)); cursor.valid; must(art_memtable_prev(&cursor)), seen++)
        bytes += cursor.key.len;
    report(back, begun, count);
    if (seen != 2 * (uint64_t)count || !bytes) abort();
    art_memtable_cursor_clear(&cursor);
}

/* Transactions of `batch` random keys on a full memtable: redo written, replayed elsewhere. */
static void bench_redo(struct art_memtable *memtable, struct art_memtable *reader, uint32_t batch, uint32_t times) {
    double encode = 0, verify = 0, apply = 0;
    uint64_t bytes = 0;
    struct art_buffer row = {0};
    struct random random = {2};
    for (uint32_t i = 0; i < times; i++) {
        uint64_t csn = i + 2;
        struct art_entry entry = entry_for(csn, 0);
        for (uint32_t j = 0; j < batch; j++)
            must(art_memtable_set(memtable, keys[random_below(&random, count)], &entry));
        struct art_hash128 hash = {0, 0}, begin = hash;
        row.len = 0;
        double t0 = now();
        must(art_redo_encode(memtable, csn, &hash, &row));
        double t1 = now();
        struct art_bytes bytes_of_row = art_bytes(row.data, (uint32_t)row.len);
        must(art_redo_verify(bytes_of_row, csn, begin, &hash));
        double t2 = now();
        must(art_redo_replay(bytes_of_row, csn, reader));
        apply += now() - t2;
        verify += t2 - t1;
        encode += t1 - t0;
        bytes += row.len;
        art_memtable_forget_undo(memtable);
    }
    double operations = (double)batch * times;
    printf("  redo of %4u keys: encode %.1f, verify %.1f, replay %.1f ns a key; %.1f bytes a key\n", batch,
           encode / operations, verify / operations, apply / operations, (double)bytes / operations);
    art_buffer_clear(&row);
}

int main(int argc, char **argv) {
    count = argc > 1 ? (uint32_t)atoi(argv[1]) : 100000;
    if (!count) return EXIT_FAILURE;
    memset(value, 'v', sizeof value);
    make_keys();
    struct art_memtable *memtable, *reader, *compact;
    must(art_memtable_open(&memtable));
    must(art_memtable_open(&reader));
    printf("memtable, %u keys of %u bytes, values of %zu\n", count, keys[0].len, sizeof value);

    struct art_entry entry = entry_for(1, 0);
    for (uint32_t i = 0; i < count; i++) must(art_memtable_set(memtable, keys[i], &entry));
    double begun = now();
    art_memtable_rollback(memtable, 0);
    report("rollback of a new key", begun, count);
    art_memtable_unref(memtable);
    must(art_memtable_open(&memtable));

    bench_sets(memtable);
    bench_reads(memtable);
    bench_walk(memtable, "next", "prev");

    struct art_buffer all = {0};
    begun = now();
    must(art_redo_encode_all(memtable, &all));
    report("encode all", begun, count);
    begun = now();
    must(art_redo_decode_all(art_bytes(all.data, (uint32_t)all.len), reader));
    report("decode all", begun, count);
    begun = now();
    must(art_memtable_compact(memtable, &compact));
    report("compact", begun, count);
    bench_walk(compact, "next, keys set in order", "prev, keys set in order");
    bench_redo(memtable, reader, 1, 20000);
    bench_redo(memtable, reader, 33, 1000);
    bench_redo(memtable, reader, 1000, 100);
    art_buffer_clear(&all);
    art_memtable_unref(compact);
    art_memtable_unref(reader);
    art_memtable_unref(memtable);
    return EXIT_SUCCESS;
}
