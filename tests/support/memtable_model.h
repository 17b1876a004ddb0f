/* A memtable that can't be wrong: an array.
 *
 * The keys that a round may ever set are fixed beforehand and sorted, so the model is a cell a key, in key order, and a
 * savepoint is a copy of all cells. A value is not stored but made again from its number.
 */
#ifndef ART_TESTS_MEMTABLE_MODEL_H
#define ART_TESTS_MEMTABLE_MODEL_H

#include <check.h>
#include <stdbool.h>

#include "core/memtable/memtable.h"
#include "tests/support/must.h"
#include "tests/support/random.h"

/* --- keys --------------------------------------------------------------------------------------------------------- */

#define MEMTABLE_KEY_FAMILIES(X)                                                                                       \
    X(DENSE)       /* NUL, 0xFF, each other's prefixes, the empty key */                                               \
    X(DIRECTORIES) /* as on a machine */                                                                               \
    X(OBJECTS)     /* bucket-17/path/sub/file-004711.bin */                                                            \
    X(RANDOM)      /* bytes */                                                                                         \
    X(WIDE)        /* nodes of every type */                                                                           \
    X(LONG)        /* to 65,535 bytes */                                                                               \
    X(NESTED)      /* a, aa, aaa, ... */

enum memtable_key_family {
#define MEMTABLE_KEY_FAMILY_ENUM(name) KEYS_##name,
    MEMTABLE_KEY_FAMILIES(MEMTABLE_KEY_FAMILY_ENUM)
#undef MEMTABLE_KEY_FAMILY_ENUM
        KEY_FAMILIES
};

struct key_set {
    uint32_t count;
    struct art_bytes *keys; /* ascending, each once */
};

const char *key_family_name(enum memtable_key_family family);
/* At most `wanted` keys. */
void key_set_make(struct key_set *set, enum memtable_key_family family, uint32_t wanted, struct random *random);
void key_set_clear(struct key_set *set);
/* Number of keys below `key`. */
uint32_t key_set_below(const struct key_set *set, struct art_bytes key);
/* A key of the set or something like one; free() its data. */
struct art_bytes key_set_probe(const struct key_set *set, struct random *random);

/* --- model -------------------------------------------------------------------------------------------------------- */

struct memtable_cell {
    bool present;
    uint8_t flags;
    uint64_t csn;
    uint32_t value_number, value_len;
};

struct memtable_model {
    const struct key_set *set;
    struct memtable_cell *cells;
};

void memtable_model_init(struct memtable_model *model, const struct key_set *set);
void memtable_model_copy(struct memtable_model *to, const struct memtable_model *from); /* both over the same set */
void memtable_model_clear(struct memtable_model *model);

/* A random entry for cells; its value goes through `memtable_value()`. */
struct memtable_cell memtable_cell_random(struct random *random, uint64_t csn, uint32_t value_most);
/* The bytes of a cell's value, in a buffer that the next call uses again. */
struct art_bytes memtable_value(const struct memtable_cell *cell);
struct art_entry memtable_cell_entry(const struct memtable_cell *cell);

/* Everything that can be asked: order both ways, gets, counters, ranks, seeks, jumps. Fails the test on a difference.
 * `probes`: how many random questions. */
void memtable_model_compare(const struct memtable_model *model, const struct art_memtable *memtable,
                            struct random *random, uint32_t probes);
/* A walk from anywhere, in either direction, that may pass over what is not newer than some version. */
void memtable_model_compare_newer(const struct memtable_model *model, struct art_memtable *memtable, uint64_t newest,
                                  struct random *random);
/* Both hold the same keys with the same entries, and the second one is sound. */
void memtables_equal(const struct art_memtable *a, const struct art_memtable *b);

#endif
