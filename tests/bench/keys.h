/* The keys of a run: sorted, in the random order in which they are loaded, and what is asked about them.
 *
 *     obj     bucket-07/path/sub/file-012345.bin               49-byte values
 *     fs      /usr/local/share/category-7/file-012345          24-byte values
 *     hex     32 random bytes in hex                           24-byte values
 *     real    paths of Debian's packages, millions of them     24-byte values
 *
 * `real` is the list that tests/bench/fetch leaves in build/bench/paths. Of it a run takes whole directories, as many
 * as give the wanted number of keys, so that neighbours stay neighbours at every size.
 *
 * All engines run in processes that are forked behind keys_make(): they share this memory, and none changes it.
 */
#ifndef ART_BENCH_KEYS_H
#define ART_BENCH_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/bytes.h"

enum {
    DIRECTORIES = 4096,
    FEW_PREFIXES = 1024,
    MANY_PREFIXES = 32,
    LEVEL_ENTRIES = 8,
    VALUE_MAX = 64,
    PATH_ROOM = 640
};

struct keys {
    const char *set;
    const char *shape;        /* for people */
    struct art_bytes *sorted; /* each readable ART_KEY_PADDING bytes behind its end */
    uint32_t *order;          /* a random permutation */
    uint32_t count, value_len;
    uint64_t payload;                          /* bytes of all keys and values */
    struct art_bytes directories[DIRECTORIES]; /* random ancestors of random keys: at least LEVEL_ENTRIES entries */
    struct art_bytes few[FEW_PREFIXES];        /* the longest that at least 150 keys begin with */
    struct art_bytes many[MANY_PREFIXES];      /* ... a fortieth of all keys */
    struct art_bytes common;                   /* what all keys begin with, less its last byte */
    struct art_bytes arena;
};

/* False, with the reason on stderr, when there is no such set or its list is not there. */
bool keys_make(struct keys *keys, const char *set, uint32_t count, const char *paths);
void keys_clear(struct keys *keys);

/* The value of a key's n-th writing: value_len bytes. */
void keys_value(const struct keys *keys, uint64_t n, char *out);

/* The number of keys that begin with it. */
uint32_t keys_below(const struct keys *keys, struct art_bytes prefix);

#endif
