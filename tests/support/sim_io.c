/* One open file of the simulated disk: the art_io methods. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/io/io_request.h"
#include "tests/support/sim_disk_private.h"

/* Begins a call: the lock is held until leave(), whatever the result. */
static int enter(struct art_io *io, enum sim_call call) {
    struct sim_handle *handle = (struct sim_handle *)io;
    sim_turn(handle->disk, sim_call_names[call]);
    pthread_mutex_lock(&handle->disk->lock);
    if (handle->dead) return art_fail(ART_IO, "art: the simulated machine stopped (%s): open the file again", io->name);
    return sim_meet_rules(handle->disk, call, io->name);
}

static int leave(struct art_io *io, int rc) {
    pthread_mutex_unlock(&((struct sim_handle *)io)->disk->lock);
    return rc;
}

static int may_write(const struct sim_handle *handle) {
    if (handle->io.read_only) return art_fail(ART_READONLY, "art: opened to be read only (%s)", handle->io.name);
    if (handle->poisoned) return art_fail(ART_POISONED, "art: an earlier sync failed (%s)", handle->io.name);
    return sim_may(handle->disk, handle->process, handle->io.name, true);
}

/* ---- writes in flight -------------------------------------------------------------------------------------------- */

/* What a page cache may go on showing. */
static void keep_before(struct sim_inode *inode, uint64_t offset, uint32_t len) {
    uint8_t page[ART_PAGE];
    for (uint64_t at = offset / ART_PAGE * ART_PAGE; at < offset + len; at += ART_PAGE) {
        if (sim_image_read(&inode->live, at, page, ART_PAGE) == ART_PAGE)
            sparse_write(&inode->before, at, page, ART_PAGE);
    }
}

void sim_change(struct sim_disk *disk, struct sim_inode *inode, uint8_t *data, uint64_t offset, uint32_t len) {
    if (data) {
        sim_image_write(&inode->live, offset, data, len);
    } else {
        sim_image_resize(&inode->live, offset);
    }
    if (disk->steady || inode->scratch) return free(data);
    world_note(disk->world,
               &(struct world_op){data ? WORLD_WRITE : WORLD_TRUNCATE, 0, inode->index, len, offset, data});
}

static void touch(struct sim_handle *handle, uint64_t offset, uint32_t len, bool write) {
    struct world *world = handle->disk->world;
    if (handle->disk->machine && world->touch) world->touch(world, handle->inode, offset, len, write);
}

static void make_live(struct sim_handle *handle, uint8_t *data, uint64_t offset, uint32_t len) {
    touch(handle, offset, len, true);
    if (handle->disk->stale_one_in && data) keep_before(handle->inode, offset, len);
    if (handle->disk->machine && data)
        handle->disk->machine->lie(handle->disk->world, handle->inode, data, offset, len);
    sim_change(handle->disk, handle->inode, data, offset, len);
}

void sim_land_all(struct sim_handle *handle) {
    for (uint64_t i = 0; i < handle->flight_count; i++) {
        struct sim_flight *flight = &handle->flights[i];
        if (memcmp(flight->borrowed, flight->op.data, flight->op.len)) {
            fprintf(stderr, "sim_disk: %s: a buffer was changed while it was being written at offset %" PRIu64 "\n",
                    handle->io.name, flight->op.offset);
            abort();
        }
        make_live(handle, flight->op.data, flight->op.offset, flight->op.len);
    }
    handle->flight_count = 0;
}

/* Part of a write: as many writes as it has pieces that came through. */
static void land_pieces(struct sim_handle *handle, const struct world_op *op) {
    uint32_t unit = random_below(&handle->disk->random, 2) ? 512 : 4096;
    for (uint32_t at = 0; at < op->len; at += unit) {
        if (random_below(&handle->disk->random, 2)) continue;
        make_live(handle, memcpy(sim_memory(NULL, unit), op->data + at, unit), op->offset + at, unit);
    }
}

void sim_land_by_chance(struct sim_handle *handle) {
    for (uint64_t i = 0; i < handle->flight_count; i++) {
        struct world_op *op = &handle->flights[i].op;
        uint64_t fate = handle->disk->steady ? 2 : random_below(&handle->disk->random, 3);
        if (fate == 0) {
            make_live(handle, op->data, op->offset, op->len);
            continue;
        }
        if (fate == 1) land_pieces(handle, op);
        free(op->data);
    }
    handle->flight_count = 0;
}

void sim_handle_die(struct sim_handle *handle) {
    if (handle->inode->locked_by == handle) handle->inode->locked_by = NULL;
    handle->dead = true;
}

static bool in_flight(const struct sim_handle *handle, const struct art_io_request *request) {
    for (uint64_t i = 0; i < handle->flight_count; i++) {
        const struct world_op *op = &handle->flights[i].op;
        if (op->offset < request->offset + request->len && request->offset < op->offset + op->len) return true;
    }
    return false;
}

/* ---- methods ----------------------------------------------------------------------------------------------------- */

/* Replaces some of the pages that were read by what they were before they were last written. */
static void make_stale(struct sim_handle *handle, const struct art_io_request *request) {
    struct sim_disk *disk = handle->disk;
    const struct sparse_file *before = &handle->inode->before;
    for (uint32_t at = 0; at < request->len; at += ART_PAGE) {
        uint64_t offset = request->offset + at;
        if (random_below(&disk->random, disk->stale_one_in) || offset + ART_PAGE > before->size) continue;
        uint8_t page[ART_PAGE], *read = (uint8_t *)request->data + at;
        sparse_read(before, offset, page, ART_PAGE);
        disk->stats.stale += memcmp(page, read, ART_PAGE) != 0;
        memcpy(read, page, ART_PAGE);
    }
}

static int read_one(struct sim_handle *handle, const struct art_io_request *request, enum art_read from) {
    if (in_flight(handle, request)) sim_land_all(handle);
    const struct sim_image *live = &handle->inode->live;
    if (sim_image_read(live, request->offset, request->data, request->len) < request->len) {
        return art_read_past_end(&handle->io, request->offset, request->len, live->len);
    }
    handle->disk->stats.bytes_read += request->len;
    touch(handle, request->offset, request->len, false);
    if (from == ART_READ_CACHED && handle->io.cached && handle->disk->stale_one_in) make_stale(handle, request);
    return ART_OK;
}

static enum art_rc sim_read_batch(struct art_io *io, struct art_io_request *requests, unsigned count,
                                  enum art_read from) {
    int rc = enter(io, SIM_READ);
    if (!rc) rc = art_requests_check(io, requests, count);
    for (unsigned i = 0; !rc && i < count; i++) rc = read_one((struct sim_handle *)io, &requests[i], from);
    return leave(io, rc);
}

/* No call that can fail; a reader must do without what it is refused. */
static bool sim_peek(struct art_io *io, const struct art_io_request *request) {
    struct sim_handle *handle = (struct sim_handle *)io;
    struct sim_disk *disk = handle->disk;
    pthread_mutex_lock(&disk->lock);
    bool at_hand =
        !handle->dead && io->cached && disk->at_hand_one_in && !random_below(&disk->random, disk->at_hand_one_in);
    if (at_hand) at_hand = !art_requests_check(io, request, 1) && !read_one(handle, request, ART_READ_CACHED);
    pthread_mutex_unlock(&disk->lock);
    return at_hand;
}

static void take_off(struct sim_handle *handle, const struct art_io_request *request) {
    if (handle->flight_count == handle->flight_room) {
        handle->flight_room = handle->flight_room ? handle->flight_room * 2 : 16;
        handle->flights = sim_memory(handle->flights, handle->flight_room * sizeof *handle->flights);
    }
    uint8_t *data = memcpy(sim_memory(NULL, request->len), request->data, request->len);
    struct world_op op = {WORLD_WRITE, 0, handle->inode->index, request->len, request->offset, data};
    handle->flights[handle->flight_count++] = (struct sim_flight){request->data, op};
}

/* Would the file fit if it ended there? */
static int fits_with(struct sim_handle *handle, uint64_t end) {
    struct sim_disk *disk = handle->disk;
    uint64_t len = handle->inode->live.len, others = sim_bytes_in_use(disk) - len;
    if (end <= len || (others + end <= disk->capacity && (!disk->steady || end <= disk->steady))) return ART_OK;
    disk->stats.faults++;
    return art_fail(ART_DISKFULL, "art: the simulated disk is full (%s)", handle->io.name);
}

/* Does the file, with all that is in flight, still fit? */
static int fits(struct sim_handle *handle) {
    uint64_t end = handle->inode->live.len;
    for (uint64_t i = 0; i < handle->flight_count; i++) {
        const struct world_op *op = &handle->flights[i].op;
        if (op->offset + op->len > end) end = op->offset + op->len;
    }
    return fits_with(handle, end);
}

static enum art_rc sim_write_batch(struct art_io *io, struct art_io_request *requests, unsigned count) {
    struct sim_handle *handle = (struct sim_handle *)io;
    int rc = enter(io, SIM_WRITE);
    if (handle->dead) return leave(io, rc);
    int refused = art_requests_check(io, requests, count);
    for (unsigned i = 0; i < count && !refused; i++) {
        refused = may_write(handle);
        if (refused) break;
        if (in_flight(handle, &requests[i])) sim_land_all(handle);
        if (!requests[i].len) continue;
        take_off(handle, &requests[i]);
        handle->disk->stats.bytes_written += requests[i].len;
    }
    if (!rc && !refused) rc = fits(handle);
    if (refused || handle->disk->machine) {
        sim_land_all(handle);
    } else if (rc) {
        sim_land_by_chance(handle);
    }
    return leave(io, refused ? refused : rc);
}

static enum art_rc sim_write_wait(struct art_io *io) {
    struct sim_handle *handle = (struct sim_handle *)io;
    int rc = enter(io, SIM_WAIT);
    if (handle->dead) return leave(io, rc);
    if (rc) {
        sim_land_by_chance(handle);
    } else {
        sim_land_all(handle);
    }
    return leave(io, rc);
}

static enum art_rc sim_sync(struct art_io *io) {
    struct sim_handle *handle = (struct sim_handle *)io;
    int rc = enter(io, SIM_SYNC);
    if (handle->dead) return leave(io, rc);
    int refused = io->read_only ? ART_OK : may_write(handle);
    if (refused) return leave(io, refused);
    sim_land_all(handle);
    struct sim_disk *disk = handle->disk;
    if (!rc && disk->machine) {
        handle->poisoned = disk->machine->sync_fails(disk->world, handle->inode, io->name, &handle->told);
        if (handle->poisoned) rc = art_fail(ART_IO, "art: the world fails this sync (%s)", io->name);
    } else if (!disk->steady) {
        enum world_op_kind kind = rc ? WORLD_SYNC_FAILED : WORLD_SYNC;
        world_note(disk->world, &(struct world_op){.kind = kind, .inode = handle->inode->index});
    }
    if (rc) handle->poisoned = disk->lost_something = true;
    return leave(io, rc);
}

static enum art_rc sim_size(struct art_io *io, uint64_t *bytes) {
    struct sim_handle *handle = (struct sim_handle *)io;
    int rc = enter(io, SIM_SIZE);
    if (!rc) {
        sim_land_all(handle);
        *bytes = handle->inode->live.len;
    }
    return leave(io, rc);
}

static enum art_rc sim_truncate(struct art_io *io, uint64_t bytes) {
    struct sim_handle *handle = (struct sim_handle *)io;
    int rc = enter(io, SIM_TRUNCATE);
    if (!rc) rc = may_write(handle);
    if (!rc) {
        sim_land_all(handle);
        rc = fits_with(handle, bytes);
        if (!rc) make_live(handle, NULL, bytes, 0);
    }
    return leave(io, rc);
}

/* A hole: zeros, which are on the disk or not as any other write. */
static void sim_give_back(struct art_io *io, uint64_t offset, uint64_t len) {
    struct sim_handle *handle = (struct sim_handle *)io;
    if (handle->dead || handle->poisoned || may_write(handle)) return;
    sim_land_all(handle);
    uint64_t there = handle->inode->live.len;
    if (offset >= there) return;
    if (len > there - offset) len = there - offset;
    make_live(handle, sim_zeroed(len), offset, (uint32_t)len);
}

static enum art_rc sim_identity(struct art_io *io, struct art_file_identity *out) {
    struct sim_handle *handle = (struct sim_handle *)io;
    int rc = enter(io, SIM_IDENTITY);
    if (!rc) {
        sim_land_all(handle);
        sim_describe(handle->disk, handle->inode, out);
        out->inode = handle->number;
        out->device = handle->device;
    }
    return leave(io, rc);
}

static enum art_rc sim_lock(struct art_io *io) {
    struct sim_handle *handle = (struct sim_handle *)io;
    int rc = enter(io, SIM_LOCK);
    if (!rc && io->read_only) rc = may_write(handle);
    if (!rc && handle->inode->locked_by && handle->inode->locked_by != handle) {
        rc = art_fail(ART_BUSY, "art: another connection is writing (%s): try again", io->name);
    }
    if (!rc) handle->inode->locked_by = handle;
    return leave(io, rc);
}

static void sim_unlock(struct art_io *io) {
    struct sim_handle *handle = (struct sim_handle *)io;
    pthread_mutex_lock(&handle->disk->lock);
    if (!handle->dead) sim_land_all(handle);
    if (handle->inode->locked_by == handle) handle->inode->locked_by = NULL;
    pthread_mutex_unlock(&handle->disk->lock);
}

static void sim_close(struct art_io *io) {
    struct sim_handle *handle = (struct sim_handle *)io;
    struct sim_disk *disk = handle->disk;
    pthread_mutex_lock(&disk->lock);
    if (!handle->dead) sim_land_all(handle);
    if (handle->inode->locked_by == handle) handle->inode->locked_by = NULL;
    struct sim_handle **at = &disk->handles;
    while (*at != handle) at = &(*at)->next;
    *at = handle->next;
    pthread_mutex_unlock(&disk->lock);
    free(handle->flights);
    free((char *)io->name);
    free(handle);
}

const struct art_io_methods sim_io_methods = {
    .read_batch = sim_read_batch,
    .write_batch = sim_write_batch,
    .write_wait = sim_write_wait,
    .peek = sim_peek,
    .sync = sim_sync,
    .size = sim_size,
    .truncate = sim_truncate,
    .give_back = sim_give_back,
    .identity = sim_identity,
    .lock = sim_lock,
    .unlock = sim_unlock,
    .close = sim_close,
};
