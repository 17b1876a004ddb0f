/* Stores for tests: a place for a database and its .art file in each I/O mode, and blobs to put into it. Brings
 * must.h and suite.h along. */
#ifndef TESTS_STORE_WORLD_H
#define TESTS_STORE_WORLD_H

#include "core/store/store.h"
#include "tests/support/io_modes.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"

struct store_place {
    const struct io_mode *mode;
    struct art_disk *disk; /* NULL: rows */
    struct art_rows *rows; /* of toy_rows.h; NULL: none */
    struct sim_disk *sim;  /* NULL: not in this mode */
    char path[512], host_path[512];
};

/* False: this machine does not have the mode, and that was said. */
bool store_place_open(struct store_place *place, const struct io_mode *mode, const char *test);
void store_place_close(struct store_place *place);
/* A simulated place whose disk has this seed. */
void store_place_simulated(struct store_place *place, uint64_t seed);

/* The place of most tests, and the store of those that do not close theirs. */
extern struct store_place place;
extern struct art_store *store;
/* Closes both, and frees all blobs that were made; nothing may be cached then. */
void end_world(void);
void new_world(uint64_t seed); /* simulated, in the place of the one before */

struct art_store_options store_options(const struct store_place *place, uint64_t cache_bytes);

struct art_store *store_open(const struct store_place *place, uint64_t cache_bytes);
struct art_store *store_open_as(const struct store_place *place, const char *path, const char *host_path);

/* A leaf blob of about `pages` pages, its rows made from `seed`; freed with the world, or before. */
struct store_blob {
    struct art_ref ref;
    uint8_t *image;
    uint64_t seed;
};
extern const uint8_t store_uuid[16];
void store_blob_make(struct store_blob *blob, uint32_t slot, uint64_t generation, uint64_t seed, uint32_t pages);
void store_blob_free(struct store_blob *blob);

int store_begin(struct art_store *store, bool fresh); /* art_store_write_begin() */
void store_end(struct art_store *store);              /* syncs, and ends the phase */
/* Takes a slot, makes a blob for it and writes it; what the store said. */
int store_write_new(struct art_store *store, struct store_blob *blob, uint64_t generation, uint64_t seed,
                    uint32_t pages);
extern bool store_writes_cold; /* as art_store_write() is told */
int store_write_again(struct art_store *store, const struct store_blob *blob);
/* A whole write phase: `count` new blobs, synced. Fails the test when anything fails. */
void store_fill(struct art_store *store, bool fresh, struct store_blob *blobs, unsigned count, uint32_t pages);

/* Asks for the blob and all its pages; what the store said. Fails the test when a byte differs from what was
 * written. */
int store_read(struct art_store *store, const struct store_blob *blob);
/* The same for one page. */
int store_read_page(struct art_store *store, const struct store_blob *blob, uint32_t page);
/* Asks a pinned blob for leaf pages [first, first + n). */
int store_want(struct art_blob *blob, uint32_t first, uint32_t n, enum art_intent intent);
void store_expect(struct art_store *store, const struct store_blob *blobs, unsigned count);

struct art_store_stats store_stats_of(struct art_store *store);
/* Pages that this store has read; bytes in the process's cache, which is checked. */
uint64_t store_pages_read(struct art_store *store);
uint64_t store_cached_bytes(void);
void store_nothing_cached(void); /* all stores are closed */

#define EXPECT_OK(call)                                                                                                \
    do {                                                                                                               \
        int expect_rc = (call);                                                                                        \
        ck_assert_msg(expect_rc == ART_OK, "%s: %s: %s", #call, art_error_name(expect_rc), art_error_message());       \
    } while (0)
#define EXPECT_RC(code, call)                                                                                          \
    do {                                                                                                               \
        int expect_rc = (call);                                                                                        \
        ck_assert_msg(expect_rc == (code), "%s: %s, wanted %s: %s", #call, art_error_name(expect_rc),                  \
                      art_error_name(code), art_error_message());                                                      \
    } while (0)
#define EXPECT_MESSAGE(part)                                                                                           \
    ck_assert_msg(strstr(art_error_message(), part), "no '%s' in: %s", part, art_error_message())

#endif
