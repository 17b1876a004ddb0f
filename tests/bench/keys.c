#include "tests/bench/keys.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/random.h"

/* ---- memory: one piece for all bytes, so that ten million keys are not ten million allocations ------------------- */

struct pile {
    uint8_t *bytes;
    size_t len, room;
    size_t *starts; /* of each key; addresses come when the bytes no longer move */
    uint32_t count, slots;
};

static void *must(void *memory) {
    if (memory) return memory;
    fprintf(stderr, "bench: out of memory for the keys\n");
    exit(1);
}

static size_t pile_add(struct pile *pile, const void *bytes, size_t len) {
    if (pile->len + len + ART_KEY_PADDING > pile->room) {
        pile->room = 2 * pile->room + len + 65536;
        pile->bytes = must(realloc(pile->bytes, pile->room));
    }
    size_t start = pile->len;
    memcpy(pile->bytes + start, bytes, len);
    memset(pile->bytes + start + len, 0, ART_KEY_PADDING);
    pile->len += len;
    return start;
}

static void pile_key(struct pile *pile, const char *key, size_t len) {
    if (pile->count == pile->slots) {
        pile->slots = 2 * pile->slots + 1024;
        pile->starts = must(realloc(pile->starts, (pile->slots + 1) * sizeof *pile->starts));
    }
    pile->starts[pile->count++] = pile_add(pile, key, len);
}

/* ---- sets -------------------------------------------------------------------------------------------------------- */

static void make_generated(struct pile *pile, const char *set, uint32_t count) {
    struct random random = {7};
    char key[128];
    for (uint32_t i = 0; i < count; i++) {
        if (!strcmp(set, "obj")) {
            snprintf(key, sizeof key, "bucket-%02u/path/sub/file-%06u.bin", i % 32, i);
        } else if (!strcmp(set, "fs")) {
            snprintf(key, sizeof key, "/usr/local/share/category-%u/file-%06u", i % 100, i);
        } else {
            for (int k = 0; k < 4; k++) snprintf(key + 16 * k, 17, "%016llx", (unsigned long long)random_next(&random));
        }
        pile_key(pile, key, strlen(key));
    }
}

static uint64_t directory_hash(const char *path) {
    const char *end = strrchr(path, '/');
    uint64_t hash = 0xcbf29ce484222325u;
    for (const char *at = path; end && at < end; at++) hash = (hash ^ (unsigned char)*at) * 0x100000001b3u;
    return random_next(&(struct random){hash});
}

static bool make_real(struct pile *pile, uint32_t count, const char *paths) {
    FILE *file = fopen(paths, "r");
    if (!file) {
        fprintf(stderr, "SKIPPED: the set real: %s: %s (tests/bench/fetch paths makes it)\n", paths, strerror(errno));
        return false;
    }
    char line[PATH_ROOM];
    uint64_t lines = 0;
    while (fgets(line, sizeof line, file)) lines++;
    rewind(file);
    /* A little more than is wanted, for the directories' sizes differ; the rest is cut off below. */
    double share = lines ? ((double)count * 1.1 + 40 * sqrt(count)) / (double)lines : 1;
    uint64_t below = share >= 1 ? UINT64_MAX : (uint64_t)(share * 18446744073709551615.0);
    while (fgets(line, sizeof line, file) && pile->count < 4 * (uint64_t)count) {
        line[strcspn(line, "\n")] = 0;
        if (*line && directory_hash(line) <= below) pile_key(pile, line, strlen(line));
    }
    fclose(file);
    if (!pile->count) fprintf(stderr, "SKIPPED: the set real: %s is empty\n", paths);
    return pile->count > 0;
}

static int compare_keys(const void *a, const void *b) {
    const struct art_bytes *x = a, *y = b;
    int order = memcmp(x->data, y->data, x->len < y->len ? x->len : y->len);
    return order ? order : (x->len > y->len) - (x->len < y->len);
}

/* The keys' bytes in their order, as a sorted file has them. */
static void lay_in_order(struct keys *keys, struct pile *pile) {
    uint8_t *bytes = must(calloc(1, pile->len + ART_KEY_PADDING)), *at = bytes;
    for (uint32_t i = 0; i < keys->count; i++) {
        struct art_bytes *key = &keys->sorted[i];
        memcpy(at, key->data, key->len);
        key->data = at;
        at += key->len;
    }
    keys->arena = art_bytes(bytes, 0);
    free(pile->bytes);
}

static void finish(struct keys *keys, struct pile *pile, uint32_t count) {
    pile->starts[pile->count] = pile->len;
    keys->count = pile->count;
    keys->sorted = must(malloc(pile->count * sizeof *keys->sorted));
    for (uint32_t i = 0; i < pile->count; i++) {
        keys->sorted[i] = art_bytes(pile->bytes + pile->starts[i], (uint32_t)(pile->starts[i + 1] - pile->starts[i]));
    }
    free(pile->starts);
    qsort(keys->sorted, keys->count, sizeof *keys->sorted, compare_keys);
    /* Too many: evenly spread ones go. */
    for (uint32_t kept = 0; keys->count > count && kept <= count; kept++) {
        if (kept == count) {
            keys->count = count;
        } else {
            keys->sorted[kept] = keys->sorted[(uint64_t)kept * keys->count / count];
        }
    }
    lay_in_order(keys, pile);
    struct random random = {42};
    keys->order = must(malloc(keys->count * sizeof *keys->order));
    for (uint32_t i = 0; i < keys->count; i++) {
        keys->order[i] = i;
        keys->payload += keys->sorted[i].len + keys->value_len;
    }
    for (uint32_t i = keys->count; i > 1; i--) {
        uint32_t j = random_below(&random, i), k = keys->order[i - 1];
        keys->order[i - 1] = keys->order[j];
        keys->order[j] = k;
    }
}

/* ---- prefixes ---------------------------------------------------------------------------------------------------- */

/* The first key that begins with the prefix or is greater; behind = true: the first behind all that begin with it. */
static uint32_t first_at(const struct keys *keys, struct art_bytes prefix, bool behind) {
    uint32_t low = 0, high = keys->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        struct art_bytes key = keys->sorted[middle];
        int order = memcmp(key.data, prefix.data, key.len < prefix.len ? key.len : prefix.len);
        if (order < 0 || (order == 0 && key.len < prefix.len) || (behind && order == 0)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

uint32_t keys_below(const struct keys *keys, struct art_bytes prefix) {
    return first_at(keys, prefix, true) - first_at(keys, prefix, false);
}

static struct art_bytes make_prefix(const struct keys *keys, struct random *random, uint32_t least) {
    struct art_bytes key = keys->sorted[random_below(random, keys->count)];
    while (key.len > 0 && keys_below(keys, key) < least) key.len--;
    return key;
}

static bool has_entries(const struct keys *keys, struct art_bytes directory, uint32_t wanted) {
    uint32_t at = first_at(keys, directory, false), end = first_at(keys, directory, true), entries = 0;
    while (at < end && entries < wanted) {
        struct art_bytes key = keys->sorted[at];
        const uint8_t *slash = memchr(key.data + directory.len, '/', key.len - directory.len);
        entries++;
        at = slash ? first_at(keys, art_bytes(key.data, (uint32_t)(slash + 1 - key.data)), true) : at + 1;
    }
    return entries >= wanted;
}

static struct art_bytes make_directory(const struct keys *keys, struct random *random) {
    for (int tries = 0; tries < 100; tries++) {
        struct art_bytes key = keys->sorted[random_below(random, keys->count)];
        uint32_t ends[PATH_ROOM + 1], found = 0;
        for (uint32_t len = 0; len < key.len; len++) {
            if (len == 0 || key.data[len - 1] == '/') ends[found++] = len;
        }
        key.len = ends[random_below(random, found)];
        if (has_entries(keys, key, LEVEL_ENTRIES)) return key;
    }
    return art_bytes(keys->sorted[0].data, 0);
}

static void make_questions(struct keys *keys) {
    struct random random = {3};
    for (int i = 0; i < FEW_PREFIXES; i++) keys->few[i] = make_prefix(keys, &random, keys->count < 300 ? 2 : 150);
    for (int i = 0; i < MANY_PREFIXES; i++) keys->many[i] = make_prefix(keys, &random, keys->count / 40 + 1);
    for (int i = 0; i < DIRECTORIES; i++) keys->directories[i] = make_directory(keys, &random);
    keys->common = keys->sorted[0];
    while (keys->common.len > 0 && keys_below(keys, keys->common) < keys->count) keys->common.len--;
}

bool keys_make(struct keys *keys, const char *set, uint32_t count, const char *paths) {
    static const char *const shapes[][2] = {
        {"obj", "bucket-%02d/path/sub/file-%06d.bin, 49-byte values"},
        {"fs", "/usr/local/share/category-%d/file-%06d, 24-byte values"},
        {"hex", "32 random bytes in hex, 24-byte values"},
        {"real", "paths of Debian's packages, whole directories, 24-byte values"},
    };
    *keys = (struct keys){.set = set, .value_len = strcmp(set, "obj") ? 24 : 49};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (!strcmp(set, shapes[i][0])) keys->shape = shapes[i][1];
    }
    if (!keys->shape || count < 100) {
        fprintf(stderr, "bench: no set %s of %u keys: the sets are obj, fs, hex and real, of at least 100 keys\n", set,
                count);
        return false;
    }
    struct pile pile = {0};
    if (strcmp(set, "real") != 0) {
        make_generated(&pile, set, count);
    } else if (!make_real(&pile, count, paths)) {
        return false;
    }
    finish(keys, &pile, count);
    make_questions(keys);
    return true;
}

void keys_clear(struct keys *keys) {
    free((void *)keys->arena.data);
    free(keys->sorted);
    free(keys->order);
    *keys = (struct keys){0};
}

/* Without printf: bulk loads make their values while the clock runs. */
void keys_value(const struct keys *keys, uint64_t n, char *out) {
    char text[VALUE_MAX + 1] = "{\"size\":########,\"etag\":\"################\",\"storage\":1}      ";
    uint64_t size = n % 100000000, etag = n * 0x9e3779b97f4a7c15u;
    for (char *at = strchr(text, ',') - 1; *at == '#'; at--, size /= 10) *at = (char)('0' + size % 10);
    for (char *at = strrchr(text, ',') - 2; *at == '#'; at--, etag >>= 4) *at = "0123456789abcdef"[etag & 15];
    memcpy(out, text, keys->value_len);
}
