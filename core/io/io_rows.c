/* A file's pages as rows of the host's own database: for tables that are to go wherever their database goes.
 *
 *   file   | 0 1 2 3 4 5 . . . 9 10 |       pages; '.' was never written
 *   rows     0 1 2 3 4 5       9 10         by their page
 *
 * Where rows may lie already, art_io_discard() comes before a write. The rows belong to the host's transaction, with
 * all that follows: nothing to sync, to lock or to wait for.
 */
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/io/io.h"
#include "core/io/io_request.h"

struct rows_io {
    struct art_io io;
    const struct art_rows *rows;
    uint64_t id;
};

/* Devices have smaller numbers. */
static const uint64_t ROWS_DEVICE = UINT64_MAX;

#ifdef ART_TEST_HOOKS
uint64_t art_test_process;
#endif

static inline struct rows_io *of(struct art_io *io) {
    return (struct rows_io *)io;
}

static enum art_rc rows_read_batch(struct art_io *io, struct art_io_request *requests, unsigned count,
                                   enum art_read from) {
    (void)from;
    const struct art_rows *rows = of(io)->rows;
    enum art_rc rc = art_requests_check(io, requests, count);
    for (unsigned i = 0; !rc && i < count; i++) {
        uint64_t page = requests[i].offset / ART_PAGE;
        uint8_t *to = requests[i].data, *end = to + requests[i].len;
        for (; !rc && to < end; to += ART_PAGE) rc = rows->read(rows->context, page++, to);
    }
    return rc;
}

static enum art_rc rows_write_batch(struct art_io *io, struct art_io_request *requests, unsigned count) {
    const struct art_rows *rows = of(io)->rows;
    enum art_rc rc = art_requests_check(io, requests, count);
    for (unsigned i = 0; !rc && i < count; i++) {
        uint64_t page = requests[i].offset / ART_PAGE;
        const uint8_t *from = requests[i].data, *end = from + requests[i].len;
        for (; !rc && from < end; from += ART_PAGE) rc = rows->write(rows->context, page++, from);
    }
    return rc;
}

static enum art_rc rows_discard(struct art_io *io, uint64_t offset, uint64_t len) {
    const struct art_rows *rows = of(io)->rows;
    return rows->remove(rows->context, offset / ART_PAGE, (offset + len) / ART_PAGE);
}

static enum art_rc nothing_to_wait_for(struct art_io *io) {
    (void)io;
    return ART_OK;
}

static enum art_rc rows_size(struct art_io *io, uint64_t *bytes) {
    const struct art_rows *rows = of(io)->rows;
    uint64_t pages = 0;
    enum art_rc rc = rows->end(rows->context, &pages);
    *bytes = pages * ART_PAGE;
    return rc;
}

static enum art_rc rows_truncate(struct art_io *io, uint64_t bytes) {
    assert(bytes % ART_PAGE == 0);
    const struct art_rows *rows = of(io)->rows;
    return rows->remove(rows->context, bytes / ART_PAGE, INT64_MAX);
}

static enum art_rc rows_identity(struct art_io *io, struct art_file_identity *out) {
    *out = (struct art_file_identity){.device = ROWS_DEVICE, .inode = of(io)->id, .links = 1, .permissions = 0600};
    return rows_size(io, &out->size);
}

static void rows_unlock(struct art_io *io) {
    (void)io;
}

static void rows_close(struct art_io *io) {
    art_free(of(io));
}

static const struct art_io_methods rows_methods = {
    .read_batch = rows_read_batch,
    .write_batch = rows_write_batch,
    .write_wait = nothing_to_wait_for,
    .sync = nothing_to_wait_for,
    .size = rows_size,
    .truncate = rows_truncate,
    .discard = rows_discard,
    .identity = rows_identity,
    .lock = nothing_to_wait_for,
    .unlock = rows_unlock,
    .close = rows_close,
};

enum art_rc art_io_rows_open(const struct art_rows *rows, uint64_t id, const char *name, struct art_io **out) {
    assert(rows && name);
    struct rows_io *io = art_alloc_zeroed(sizeof *io);
    if (!io) return art_nomem();
    io->io = (struct art_io){.methods = &rows_methods, .name = name, .engine = "inline"};
    io->rows = rows;
    io->id = id;
#ifdef ART_TEST_HOOKS
    io->id ^= art_test_process;
#endif
    *out = &io->io;
    return ART_OK;
}
