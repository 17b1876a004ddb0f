/* The engine without a ring: pread and pwrite, one request after the other, done when the call returns. */
#include "core/base/error.h"
#include "core/io/io_request.h"
#include "core/linux/io_file.h"

static enum art_rc transfer_all(struct art_io *io, struct art_io_request *requests, unsigned count, bool writing,
                                enum art_read from) {
    struct art_file *file = (struct art_file *)io;
    enum art_rc rc = art_file_usable(file, writing);
    if (!rc) rc = art_requests_check(io, requests, count);
    if (!rc && !writing) rc = art_file_prepare_read(file, from);
    for (unsigned i = 0; !rc && i < count; i++) {
        struct art_transfer transfer;
        art_transfer_begin(file, &transfer, &requests[i], writing, from);
        if (art_transfer_by_system_call(file, &transfer) == ART_TRANSFER_FAILED)
            rc = art_transfer_error(file, &transfer);
    }
    return rc;
}

enum art_rc art_pwrite_read_batch(struct art_io *io, struct art_io_request *requests, unsigned count,
                                  enum art_read from) {
    return transfer_all(io, requests, count, false, from);
}

enum art_rc art_pwrite_write_batch(struct art_io *io, struct art_io_request *requests, unsigned count) {
    return transfer_all(io, requests, count, true, ART_READ_DEVICE);
}

/* Only a file whose ring was given up can have an error left to tell. */
static enum art_rc pwrite_wait(struct art_io *io) {
    struct art_file *file = (struct art_file *)io;
    enum art_rc rc = art_file_usable(file, false);
    return rc ? rc : art_file_report_writes(file);
}

const struct art_io_methods art_pwrite_methods = {
    .read_batch = art_pwrite_read_batch,
    .write_batch = art_pwrite_write_batch,
    .write_wait = pwrite_wait,
    .peek = art_file_peek,
    .sync = art_file_sync,
    .size = art_file_size,
    .truncate = art_file_truncate,
    .identity = art_file_identity,
    .take_rights = art_file_take_rights,
    .give_back = art_file_give_back,
    .clone_range = art_file_clone_range,
    .lock = art_file_lock,
    .unlock = art_file_unlock,
    .close = art_file_close,
};
