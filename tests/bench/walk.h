/* The tasks, for engines that have an ordered cursor and no other way: LMDB, RocksDB, and partly core.
 *
 * A file describes its cursor in a constant struct walker and calls these functions with it; they are inlined there, so
 * that no call goes through a pointer and no engine pays for being compared.
 */
#ifndef ART_BENCH_WALK_H
#define ART_BENCH_WALK_H

#include <string.h>

#include "tests/bench/engine.h"
#include "tests/bench/keys.h"

#define WALK static inline __attribute__((always_inline))

/* Each returns whether the cursor stands on a row. */
struct walker {
    bool (*seek)(void *store, struct art_bytes key); /* to the first at or behind the key */
    bool (*seek_before)(void *store,
                        struct art_bytes key); /* to the last at or before it; with len 0: the last of all */
    bool (*next)(void *store);
    bool (*previous)(void *store);
    struct art_bytes (*key)(void *store);
    struct art_bytes (*value)(void *store);
};

WALK bool walk_begins(struct art_bytes key, struct art_bytes prefix) {
    return key.len >= prefix.len && !memcmp(key.data, prefix.data, prefix.len);
}

/* The least text behind all that begin with the prefix; len 0 when there is none. `out` has room for the prefix. */
WALK struct art_bytes walk_end(struct art_bytes prefix, uint8_t *out) {
    memcpy(out, prefix.data, prefix.len);
    while (prefix.len > 0 && out[prefix.len - 1] == 0xff) prefix.len--;
    if (prefix.len > 0) out[prefix.len - 1]++;
    return art_bytes(out, prefix.len);
}

WALK uint64_t walk_list(const struct walker *walker, void *store, struct art_bytes prefix, bool descending,
                        uint64_t offset, uint64_t limit, uint64_t *digest) {
    uint8_t room[PATH_ROOM + ART_KEY_PADDING];
    bool there;
    if (!descending) {
        there = walker->seek(store, prefix);
    } else {
        struct art_bytes end = walk_end(prefix, room);
        there = walker->seek_before(store, end);
        /* The end itself lies outside. */
        if (there && end.len && !walk_begins(walker->key(store), prefix)) there = walker->previous(store);
    }
    uint64_t rows = 0;
    for (; there && rows < limit; there = descending ? walker->previous(store) : walker->next(store)) {
        struct art_bytes key = walker->key(store);
        if (!walk_begins(key, prefix)) break;
        if (offset > 0) {
            offset--;
            continue;
        }
        struct art_bytes value = walker->value(store);
        digest_add(digest, key.data, key.len);
        digest_add(digest, value.data, value.len);
        rows++;
    }
    return rows;
}

WALK uint64_t walk_level(const struct walker *walker, void *store, struct art_bytes directory, uint64_t limit,
                         uint64_t *digest) {
    uint64_t names = 0;
    bool there = walker->seek(store, directory);
    while (there && names < limit) {
        struct art_bytes key = walker->key(store);
        if (!walk_begins(key, directory)) break;
        names++;
        const uint8_t *slash = memchr(key.data + directory.len, '/', key.len - directory.len);
        if (slash) {
            uint8_t behind[PATH_ROOM + ART_KEY_PADDING];
            key.len = (uint32_t)(slash + 1 - key.data);
            digest_add(digest, key.data, key.len);
            if (names == limit) break;
            memcpy(behind, key.data, key.len);
            behind[key.len - 1]++;
            there = walker->seek(store, art_bytes(behind, key.len));
        } else {
            digest_add(digest, key.data, key.len);
            if (names == limit) break;
            there = walker->next(store);
        }
    }
    return names;
}

WALK bool walk_any(const struct walker *walker, void *store, struct art_bytes prefix) {
    return walker->seek(store, prefix) && walk_begins(walker->key(store), prefix);
}

/* Is `key` what struct engine's longest() may answer for `path`? */
WALK bool walk_ends_well(struct art_bytes key, struct art_bytes path) {
    return key.len == path.len || path.data[key.len] == '/' || (key.len > 0 && path.data[key.len - 1] == '/');
}

/* The greatest key up to the path; if it is no beginning of it, a stored beginning is no longer than what both
 * share. */
WALK bool walk_longest(const struct walker *walker, void *store, struct art_bytes path, uint64_t *digest) {
    struct art_bytes most = path;
    while (most.len > 0 && walker->seek_before(store, most)) {
        struct art_bytes key = walker->key(store);
        uint32_t shared = 0, shorter = key.len < most.len ? key.len : most.len;
        while (shared < shorter && key.data[shared] == path.data[shared]) shared++;
        if (shared == key.len && walk_ends_well(key, path)) {
            digest_add(digest, key.data, key.len);
            return true;
        }
        most.len = shared < key.len ? shared : shared - 1;
    }
    return false;
}

WALK uint64_t walk_count(const struct walker *walker, void *store, struct art_bytes prefix) {
    uint64_t rows = 0;
    for (bool there = walker->seek(store, prefix); there; there = walker->next(store)) {
        if (!walk_begins(walker->key(store), prefix)) break;
        rows++;
    }
    return rows;
}

/* The tasks of an engine, by its walker; enter(store) before each, leave(store) behind. */
#define WALK_TASKS(walker, enter, leave)                                                                               \
    static uint64_t list(void *store, struct art_bytes prefix, bool descending, uint64_t offset, uint64_t limit,       \
                         uint64_t *digest) {                                                                           \
        enter(store);                                                                                                  \
        uint64_t rows = walk_list(walker, store, prefix, descending, offset, limit, digest);                           \
        leave(store);                                                                                                  \
        return rows;                                                                                                   \
    }                                                                                                                  \
    static uint64_t level(void *store, struct art_bytes directory, uint64_t limit, bool by_query, uint64_t *digest) {  \
        (void)by_query;                                                                                                \
        enter(store);                                                                                                  \
        uint64_t names = walk_level(walker, store, directory, limit, digest);                                          \
        leave(store);                                                                                                  \
        return names;                                                                                                  \
    }                                                                                                                  \
    static bool any(void *store, struct art_bytes prefix) {                                                            \
        enter(store);                                                                                                  \
        bool there = walk_any(walker, store, prefix);                                                                  \
        leave(store);                                                                                                  \
        return there;                                                                                                  \
    }                                                                                                                  \
    static bool longest(void *store, struct art_bytes path, uint64_t *digest) {                                        \
        enter(store);                                                                                                  \
        bool there = walk_longest(walker, store, path, digest);                                                        \
        leave(store);                                                                                                  \
        return there;                                                                                                  \
    }                                                                                                                  \
    static uint64_t count(void *store, struct art_bytes prefix, bool by_rows) {                                        \
        (void)by_rows;                                                                                                 \
        enter(store);                                                                                                  \
        uint64_t rows = walk_count(walker, store, prefix);                                                             \
        leave(store);                                                                                                  \
        return rows;                                                                                                   \
    }

#endif
