/* A file in memory, for :memory: and temporary databases: the I/O table over an array of chunks.
 *
 *   chunks  [ * | NULL | * | ... ]      64 KB each; NULL was never written and reads as zeroes
 *   size    in bytes; what lies past it is always zero, so that growing shows no old data
 *
 * It has one user, lives as long as its art_io and cannot fail but for want of memory.
 */
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/io/io.h"
#include "core/io/io_request.h"

enum { CHUNK = 64 * 1024 };

struct memory_io {
    struct art_io io;
    uint8_t **chunks;
    uint64_t chunk_count; /* length of the array */
    uint64_t size;
    uint64_t inode;
};

/* Every file in memory has a number of its own: caches tell files apart by device and inode. */
static const uint64_t MEMORY_DEVICE = UINT64_MAX;
static _Atomic uint64_t last_inode;

static enum art_rc grow_array(struct memory_io *memory, uint64_t chunks) {
    if (chunks <= memory->chunk_count) return ART_OK;
    uint64_t count = memory->chunk_count ? memory->chunk_count : 16;
    while (count < chunks) count *= 2;
    uint8_t **grown = art_resize(memory->chunks, count * sizeof *grown);
    if (!grown) return art_nomem();
    memset(grown + memory->chunk_count, 0, (count - memory->chunk_count) * sizeof *grown);
    memory->chunks = grown;
    memory->chunk_count = count;
    return ART_OK;
}

static enum art_rc memory_read_batch(struct art_io *io, struct art_io_request *requests, unsigned count,
                                     enum art_read from) {
    (void)from;
    struct memory_io *memory = (struct memory_io *)io;
    enum art_rc rc = art_requests_check(io, requests, count);
    if (rc) return rc;
    for (unsigned i = 0; i < count; i++) {
        if (requests[i].offset + requests[i].len > memory->size) {
            return art_read_past_end(io, requests[i].offset, requests[i].len, memory->size);
        }
        for (uint32_t done = 0; done < requests[i].len; done += ART_PAGE) {
            uint64_t at = requests[i].offset + done;
            uint8_t *to = (uint8_t *)requests[i].data + done;
            const uint8_t *chunk = at / CHUNK < memory->chunk_count ? memory->chunks[at / CHUNK] : NULL;
            if (chunk) {
                memcpy(to, chunk + at % CHUNK, ART_PAGE);
            } else {
                memset(to, 0, ART_PAGE);
            }
        }
    }
    return ART_OK;
}

/* All memory is taken before a byte is written, so a batch that fails has changed nothing but NULL chunks. */
static enum art_rc prepare_chunks(struct memory_io *memory, const struct art_io_request *request) {
    uint64_t end = (request->offset + request->len + CHUNK - 1) / CHUNK;
    enum art_rc rc = grow_array(memory, end);
    if (rc) return rc;
    for (uint64_t c = request->offset / CHUNK; c < end; c++) {
        if (!memory->chunks[c] && !(memory->chunks[c] = art_alloc_zeroed(CHUNK))) return art_nomem();
    }
    return ART_OK;
}

static enum art_rc memory_write_batch(struct art_io *io, struct art_io_request *requests, unsigned count) {
    struct memory_io *memory = (struct memory_io *)io;
    enum art_rc rc = art_requests_check(io, requests, count);
    for (unsigned i = 0; !rc && i < count; i++) {
        if (requests[i].len) rc = prepare_chunks(memory, &requests[i]);
    }
    if (rc) return rc;
    for (unsigned i = 0; i < count; i++) {
        for (uint32_t done = 0; done < requests[i].len; done += ART_PAGE) {
            uint64_t at = requests[i].offset + done;
            memcpy(memory->chunks[at / CHUNK] + at % CHUNK, (const uint8_t *)requests[i].data + done, ART_PAGE);
        }
        uint64_t end = requests[i].offset + requests[i].len;
        if (requests[i].len && end > memory->size) memory->size = end;
    }
    return ART_OK;
}

static enum art_rc memory_nothing_to_wait_for(struct art_io *io) {
    (void)io;
    return ART_OK;
}

static enum art_rc memory_size(struct art_io *io, uint64_t *bytes) {
    *bytes = ((struct memory_io *)io)->size;
    return ART_OK;
}

static enum art_rc memory_truncate(struct art_io *io, uint64_t bytes) {
    struct memory_io *memory = (struct memory_io *)io;
    if (bytes < memory->size) {
        uint64_t whole = (bytes + CHUNK - 1) / CHUNK;
        for (uint64_t c = whole; c < memory->chunk_count; c++) {
            art_free(memory->chunks[c]);
            memory->chunks[c] = NULL;
        }
        uint32_t kept = bytes % CHUNK;
        if (kept && whole <= memory->chunk_count && memory->chunks[whole - 1]) {
            memset(memory->chunks[whole - 1] + kept, 0, CHUNK - kept);
        }
    }
    memory->size = bytes;
    return ART_OK;
}

static enum art_rc memory_identity(struct art_io *io, struct art_file_identity *out) {
    struct memory_io *memory = (struct memory_io *)io;
    *out = (struct art_file_identity){
        .device = MEMORY_DEVICE, .inode = memory->inode, .links = 1, .size = memory->size, .permissions = 0600};
    return ART_OK;
}

static void memory_unlock(struct art_io *io) {
    (void)io;
}

static void memory_close(struct art_io *io) {
    struct memory_io *memory = (struct memory_io *)io;
    for (uint64_t c = 0; c < memory->chunk_count; c++) art_free(memory->chunks[c]);
    art_free(memory->chunks);
    art_free(memory);
}

static const struct art_io_methods memory_methods = {
    .read_batch = memory_read_batch,
    .write_batch = memory_write_batch,
    .write_wait = memory_nothing_to_wait_for,
    .sync = memory_nothing_to_wait_for,
    .size = memory_size,
    .truncate = memory_truncate,
    .identity = memory_identity,
    .lock = memory_nothing_to_wait_for,
    .unlock = memory_unlock,
    .close = memory_close,
};

enum art_rc art_io_memory_open(struct art_io **out) {
    struct memory_io *memory = art_alloc_zeroed(sizeof *memory);
    if (!memory) return art_nomem();
    memory->io = (struct art_io){.methods = &memory_methods, .name = "in memory", .engine = "memory"};
    memory->inode = atomic_fetch_add(&last_inode, 1) + 1;
    *out = &memory->io;
    return ART_OK;
}
