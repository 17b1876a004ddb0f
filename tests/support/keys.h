/* Random keys, in families that trouble an index each in its own way, and sorted sets of them. */
#ifndef ART_TESTS_KEYS_H
#define ART_TESTS_KEYS_H

#include "core/base/entry.h"
#include "tests/support/random.h"

enum key_family {
    KEYS_DENSE,       /* NUL, 0xFF, each other's prefixes, the empty key */
    KEYS_RANDOM,      /* 32 bytes */
    KEYS_DIRECTORIES, /* dir-017/sub/001234 */
    KEYS_PATHS,       /* as on a machine: some end where others go on */
    KEYS_SHARED,      /* long shared prefixes and suffixes: wide columns */
    KEYS_WIDE,        /* nodes of every width */
    KEYS_LONG,        /* to 65,535 bytes */
    KEYS_NESTED,      /* a, aa, aaa, ... */
    KEYS_TWINS,       /* pairs that share some thousand bytes: long separators */
    KEY_FAMILIES
};

struct key_set {
    uint32_t count;
    struct art_bytes *keys; /* ascending, each once */
    uint32_t padding;       /* bytes that may be read behind each: all else a sanitizer sees */
};

/* A copy with 0xEE behind it; free() its data. */
struct art_bytes key_copy(const void *data, uint32_t len, uint32_t padding);
/* qsort()'s, of struct art_bytes. */
int key_compare(const void *a, const void *b);
/* At most `wanted` keys, in number as the family has them. */
void key_set_make(struct key_set *set, enum key_family family, uint32_t wanted, uint32_t padding,
                  struct random *random);
void key_set_clear(struct key_set *set);
/* Number of keys below `key`; is it in the set? */
uint32_t key_set_below(const struct key_set *set, struct art_bytes key);
bool key_set_has(const struct key_set *set, struct art_bytes key);
/* One of keys[from .. to), or something near one; free() its data. */
struct art_bytes key_set_probe(const struct key_set *set, uint32_t from, uint32_t to, struct random *random);

#endif
