#include "tests/support/store_world.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/blob/builder.h"
#include "core/store/cache.h"
#include "tests/support/of_core.h"
#include "tests/support/random.h"
#include "tests/support/toy_rows.h"

const uint8_t store_uuid[16] = {0x51, 0x0e, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

/* ---- places ------------------------------------------------------------------------------------------------------ */

void store_place_simulated(struct store_place *place, uint64_t seed) {
    *place = (struct store_place){.mode = &io_modes[IO_MODES - 1]};
    ck_assert_int_eq(place->mode->kind, IO_SIMULATED);
    place->sim = sim_disk_new(seed);
    place->disk = sim_disk_art(place->sim);
    strcpy(place->path, "here/a.db-objects-510e0203.art");
    strcpy(place->host_path, "here/a.db");
    sim_disk_put_file(place->sim, place->host_path, "host", 4);
}

bool store_place_open(struct store_place *place, const struct io_mode *mode, const char *test) {
    if (mode->kind == IO_SIMULATED) {
        store_place_simulated(place, 1);
        return true;
    }
    *place = (struct store_place){.mode = mode};
    if (mode->kind == IO_ROWS) {
        place->rows = toy_blobs_host();
        strcpy(place->path, "the toy's rows");
        return true;
    }
    struct io_place probe; /* says what the machine refuses */
    if (!io_place_open(&probe, mode, test)) return false;
    art_blob_pool_close(probe.pool);
    place->disk = art_disk_system();
    snprintf(place->host_path, sizeof place->host_path, "%s/%s.%ld.db", io_directory(), test, (long)getpid());
    snprintf(place->path, sizeof place->path, "%s/%s.%ld.db-t-510e0203.art", io_directory(), test, (long)getpid());
    unlink(place->path);
    FILE *host = fopen(place->host_path, "w");
    ck_assert_ptr_nonnull(host);
    fclose(host);
    return true;
}

void store_place_close(struct store_place *place) {
    sim_disk_free(place->sim);
    if (place->rows) toy_blobs_host_free(place->rows);
    if (place->mode->kind != IO_SYSTEM) return;
    unlink(place->path);
    unlink(place->host_path);
}

struct art_store_options store_options(const struct store_place *place, uint64_t cache_bytes) {
    struct art_store_options options = {
        .disk = place->disk,
        .path = place->path,
        .host_path = place->disk ? place->host_path : NULL,
        .engine = place->mode->engine,
        .direct = place->mode->direct,
        .cache_bytes = cache_bytes,
        .rows = place->rows,
        .rows_id = 1,
    };
    memcpy(options.uuid, store_uuid, sizeof options.uuid);
    return options;
}

struct art_store *store_open(const struct store_place *place, uint64_t cache_bytes) {
    struct art_store *store = NULL;
    struct art_store_options options = store_options(place, cache_bytes);
    EXPECT_OK(art_store_open(&store, &options));
    return store;
}

struct art_store *store_open_as(const struct store_place *place, const char *path, const char *host_path) {
    struct store_place other = *place;
    snprintf(other.path, sizeof other.path, "%s", path);
    snprintf(other.host_path, sizeof other.host_path, "%s", host_path);
    return store_open(&other, 64 << 20);
}

/* ---- blobs ------------------------------------------------------------------------------------------------------- */

static struct store_blob *made;
static unsigned made_count;

static struct art_bytes row_key(uint64_t seed, uint32_t row, uint8_t buffer[64]) {
    int length = snprintf((char *)buffer, 64 - ART_KEY_PADDING, "dir-%04u/%07u", (unsigned)(seed % 10000), row * 3);
    return art_bytes(buffer, (uint32_t)length);
}

void store_blob_make(struct store_blob *blob, uint32_t slot, uint64_t generation, uint64_t seed, uint32_t pages) {
    struct art_builder *builder;
    struct art_builder_options options = {.kind = ART_BLOB_LEAF, .fill_pages = pages};
    struct art_built built;
    struct random random = {seed};
    bool full = false;
    memcpy(options.uuid, store_uuid, sizeof options.uuid);
    ck_assert_int_eq(art_builder_open(&builder, &options), ART_OK);
    *blob = (struct store_blob){.image = aligned_alloc(4096, ART_BLOB_SIZE), .seed = seed};
    ck_assert_ptr_nonnull(blob->image);
    memset(blob->image, 0xee, ART_BLOB_SIZE);
    art_builder_begin(builder, blob->image);
    for (uint32_t row = 0; !full; row++) {
        uint8_t buffer[64] = {0}, value[48];
        for (unsigned i = 0; i < sizeof value; i += 8) art_store64(value + i, random_next(&random));
        struct art_entry entry = {art_bytes(value, sizeof value), generation, 0, 0};
        EXPECT_OK(art_builder_add(builder, row_key(seed, row, buffer), &entry, ART_SHARED_UNKNOWN, &full));
    }
    EXPECT_OK(art_builder_finish(builder, slot, generation, &built));
    blob->ref = built.ref;
    uint8_t *label = malloc(built.ref.label.len + 1);
    ck_assert_ptr_nonnull(label);
    memcpy(label, built.ref.label.data, built.ref.label.len);
    blob->ref.label.data = label;
    made = realloc(made, (made_count + 1) * sizeof *made);
    made[made_count++] = *blob;
    art_builder_close(builder);
}

void store_blob_free(struct store_blob *blob) {
    unsigned at = 0;
    while (at < made_count && made[at].image != blob->image) at++;
    if (at == made_count) return; /* an empty one */
    free((uint8_t *)made[at].ref.label.data);
    free(made[at].image);
    made[at] = made[--made_count];
}

bool store_writes_cold;

int store_write_again(struct art_store *store, const struct store_blob *blob) {
    struct art_blob_buf buffer;
    int rc = art_store_buffer(store, &buffer);
    if (rc) return rc;
    memset(buffer.data, 0xdd, ART_BLOB_SIZE);
    size_t front = (size_t)blob->ref.leaf_pages * ART_PAGE, back = (size_t)blob->ref.footer_pages * ART_PAGE;
    memcpy(buffer.data, blob->image, front);
    memcpy(buffer.data + ART_BLOB_SIZE - back, blob->image + ART_BLOB_SIZE - back, back);
    rc = art_store_write(store, &blob->ref, &buffer, store_writes_cold);
    ck_assert_ptr_null(buffer.data);
    return rc;
}

int store_write_new(struct art_store *store, struct store_blob *blob, uint64_t generation, uint64_t seed,
                    uint32_t pages) {
    uint32_t slot;
    *blob = (struct store_blob){.image = NULL};
    int rc = art_store_take_slot(store, &slot);
    if (rc) return rc;
    store_blob_make(blob, slot, generation, seed, pages);
    return store_write_again(store, blob);
}

int store_begin(struct art_store *store, bool fresh) {
    uint32_t slots;
    return art_store_write_begin(store, fresh, &slots);
}

void store_end(struct art_store *store) {
    EXPECT_OK(art_store_sync(store));
    art_store_write_end(store);
}

void store_fill(struct art_store *store, bool fresh, struct store_blob *blobs, unsigned count, uint32_t pages) {
    EXPECT_OK(store_begin(store, fresh));
    for (unsigned i = 0; i < count; i++) EXPECT_OK(store_write_new(store, &blobs[i], 1, 100 + i, pages));
    store_end(store);
    EXPECT_OK(art_store_check(store));
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

int store_want(struct art_blob *blob, uint32_t first, uint32_t n, enum art_intent intent) {
    struct art_pages pages = art_pages_of(first, n);
    return blob->want(blob, &pages, intent);
}

/* As a walk, which looks further ahead with each read. */
static int load(struct art_blob *blob, uint32_t first, uint32_t n) {
    uint32_t window = 0;
    for (uint32_t page = first; page < first + n; page++) {
        if (atomic_load(&blob->present[page / 64]) >> (page % 64) & 1) continue;
        window = art_window_widen(window);
        int rc = n > 1 ? store_want(blob, page, art_min32(window, first + n - page), ART_WALK) : ART_OK;
        if (!rc) rc = store_want(blob, page, 1, ART_POINT);
        if (rc) return rc;
        ck_assert(atomic_load(&blob->present[page / 64]) >> (page % 64) & 1);
    }
    return ART_OK;
}

static int read_pages(struct art_store *store, const struct store_blob *blob, uint32_t first, uint32_t n) {
    struct art_blob *found;
    int rc = art_store_blob(store, &blob->ref, &found);
    if (rc) return rc;
    uint32_t footer = ART_BLOB_SIZE - (uint32_t)blob->ref.footer_pages * ART_PAGE;
    ck_assert_uint_eq(found->slot, blob->ref.slot);
    ck_assert_uint_eq(found->leaf_pages, blob->ref.leaf_pages);
    ck_assert(!memcmp(found->image + footer, blob->image + footer, ART_BLOB_SIZE - footer));
    rc = load(found, first, n);
    if (rc) return rc;
    ck_assert(!memcmp(found->image + first * ART_PAGE, blob->image + first * ART_PAGE, n * ART_PAGE));
    return ART_OK;
}

int store_read_page(struct art_store *store, const struct store_blob *blob, uint32_t page) {
    return read_pages(store, blob, page, 1);
}

int store_read(struct art_store *store, const struct store_blob *blob) {
    int rc = read_pages(store, blob, 0, blob->ref.leaf_pages);
    if (rc) return rc;
    struct art_blob *found;
    struct art_entry entry;
    uint8_t buffer[64] = {0};
    EXPECT_OK(art_store_blob(store, &blob->ref, &found));
    EXPECT_OK(art_blob_get(found, row_key(blob->seed, found->entries / 2, buffer), &entry));
    ck_assert_uint_eq(entry.csn, blob->ref.generation);
    return ART_OK;
}

void store_expect(struct art_store *store, const struct store_blob *blobs, unsigned count) {
    for (unsigned i = 0; i < count; i++) EXPECT_OK(store_read(store, &blobs[i]));
}

struct art_store_stats store_stats_of(struct art_store *store) {
    struct art_store_stats stats;
    EXPECT_OK(art_store_stats(store, &stats));
    return stats;
}

uint64_t store_pages_read(struct art_store *store) {
    return store_stats_of(store).count.pages_read;
}

uint64_t store_cached_bytes(void) {
    struct art_cache_stats cache;
    art_cache_stats(&cache);
    return cache.bytes;
}

void store_nothing_cached(void) {
    struct art_cache_stats cache;
    art_cache_stats(&cache);
    ck_assert_uint_eq(cache.entries, 0);
    ck_assert_uint_eq(cache.bytes, 0);
    ck_assert_uint_eq(cache.limit, 0);
}

/* ---- one for most tests ------------------------------------------------------------------------------------------ */

struct store_place place;
struct art_store *store;

void end_world(void) {
    art_store_close(store);
    store = NULL;
    store_nothing_cached();
    while (made_count) store_blob_free(made);
    free(made);
    made = NULL;
    if (place.mode) store_place_close(&place);
    place = (struct store_place){0};
}

void new_world(uint64_t seed) {
    end_world();
    store_place_simulated(&place, seed);
}
