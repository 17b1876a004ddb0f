/* The modes, and what a test needs to work in one of them. */
#include "tests/support/io_modes.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/error.h"

const struct io_mode io_modes[STORE_MODES] = {
    {"uring, direct, registered buffers", IO_SYSTEM, ART_ENGINE_URING, ART_DIRECT_ON, true},
    {"uring, direct", IO_SYSTEM, ART_ENGINE_URING, ART_DIRECT_ON, false},
    {"uring, buffered", IO_SYSTEM, ART_ENGINE_URING, ART_DIRECT_OFF, true},
    {"pwrite, direct", IO_SYSTEM, ART_ENGINE_PWRITE, ART_DIRECT_ON, true},
    {"pwrite, buffered", IO_SYSTEM, ART_ENGINE_PWRITE, ART_DIRECT_OFF, false},
    {"whatever is best", IO_SYSTEM, ART_ENGINE_AUTO, ART_DIRECT_AUTO, true},
    {"pwrite, direct writes, cached reads", IO_SYSTEM, ART_ENGINE_PWRITE, ART_DIRECT_AUTO, false},
    {"simulated", IO_SIMULATED, ART_ENGINE_AUTO, ART_DIRECT_AUTO, true},
    {"rows", IO_ROWS, ART_ENGINE_AUTO, ART_DIRECT_AUTO, false},
};

const char *io_directory(void) {
    const char *given = getenv("TMPDIR");
    return given && *given ? given : "/var/tmp";
}

void io_skip(const char *test, const char *why) {
    printf("SKIPPED %s: %s\n", test, why);
    fflush(stdout);
}

bool io_has_ring(const char *test) {
    if (art_io_uring_available()) return true;
    io_skip(test, "no io_uring in this build or from this kernel");
    return false;
}

/* Does the machine give what the mode insists on? Tried with a file of its own. */
static bool mode_is_there(struct io_place *place, const char *test) {
    char about[256];
    if (place->mode->kind != IO_SYSTEM) return true;
    snprintf(about, sizeof about, "%s (%s)", test, place->mode->name);
    if (place->mode->engine == ART_ENGINE_URING && !io_has_ring(about)) return false;
    if (place->mode->direct == ART_DIRECT_ON) {
        struct art_io *io;
        if (io_place_file(place, true, false, &io)) {
            io_skip(about, art_error_message());
            return false;
        }
        art_io_close(io);
        unlink(place->path);
    }
    return true;
}

bool io_place_open(struct io_place *place, const struct io_mode *mode, const char *test) {
    *place = (struct io_place){.mode = mode};
    /* a simulated disk has no directory to stay in, and knows short names only */
    const char *directory = mode->kind == IO_SYSTEM ? io_directory() : "/simulated";
    snprintf(place->path, sizeof place->path, "%s/%s.%ld.art", directory, test, (long)getpid());
    if (mode->kind == IO_SYSTEM) place->disk = art_disk_system();
    if (mode->kind == IO_SIMULATED) {
        place->sim = sim_disk_new(1);
        place->disk = sim_disk_art(place->sim);
    }
    ck_assert_int_eq(art_blob_pool_open(&place->pool, mode->with_pool ? 12 : 0), ART_OK);
    if (mode->kind == IO_SYSTEM) unlink(place->path);
    if (mode_is_there(place, test)) return true;
    art_blob_pool_close(place->pool);
    *place = (struct io_place){0};
    return false;
}

int io_place_file(struct io_place *place, bool create, bool read_only, struct art_io **out) {
    struct art_file_options options = {
        .path = place->path,
        .engine = place->mode->engine,
        .direct = place->mode->direct,
        .read_only = read_only,
        .create = create,
        .permissions = 0600,
        .owner = geteuid(),
        .group = getegid(),
        .pool = place->mode->with_pool ? place->pool : NULL,
    };
    return place->disk->methods->open(place->disk, &options, out);
}

void io_place_close(struct io_place *place) {
    ck_assert_int_eq(place->disk->methods->remove(place->disk, place->path), ART_OK);
    art_blob_pool_close(place->pool);
    sim_disk_free(place->sim);
}

int io_file_open(const char *name, enum art_engine engine, enum art_direct direct, bool create,
                 struct art_blob_pool *pool, struct art_io **out) {
    struct art_file_options options = {.path = name,
                                       .engine = engine,
                                       .direct = direct,
                                       .create = create,
                                       .permissions = 0600,
                                       .owner = geteuid(),
                                       .group = getegid(),
                                       .pool = pool};
    return art_disk_system()->methods->open(art_disk_system(), &options, out);
}

bool io_round_trip(struct art_io *io, struct art_blob_pool *pool, int salt) {
    struct art_blob_buf buffers[IO_ROUND_TRIP];
    struct art_io_request requests[IO_ROUND_TRIP];
    bool good = true;
    for (int i = 0; i < IO_ROUND_TRIP; i++) {
        if (art_blob_buf_get(pool, &buffers[i])) return false;
        memset(buffers[i].data, i + salt, ART_BLOB_SIZE);
        requests[i] = (struct art_io_request){buffers[i].data, ART_BLOB_SIZE, (uint64_t)i * ART_BLOB_SIZE};
    }
    int rc = art_io_write(io, requests, IO_ROUND_TRIP);
    if (!rc) rc = art_io_wait(io);
    if (!rc) rc = art_io_sync(io);
    for (int i = 0; i < IO_ROUND_TRIP; i++) memset(buffers[i].data, 0, ART_BLOB_SIZE);
    if (!rc) rc = art_io_read(io, requests, IO_ROUND_TRIP);
    for (int i = 0; i < IO_ROUND_TRIP; i++) {
        good = good && buffers[i].data[0] == i + salt && buffers[i].data[ART_BLOB_SIZE - 1] == i + salt;
        art_blob_buf_put(&buffers[i]);
    }
    if (!rc && !good) fprintf(stderr, "round trip: other bytes\n");
    return !rc && good;
}
