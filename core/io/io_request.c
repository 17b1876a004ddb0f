/* Checks and errors that all implementations of the I/O table share. */
#include "core/io/io_request.h"

#include <stddef.h>

#include "core/base/error.h"
#include "core/io/blob_pool.h"

enum art_rc art_requests_check(const struct art_io *io, const struct art_io_request *requests, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        const struct art_io_request *r = &requests[i];
        if (((uintptr_t)r->data | r->len | r->offset) % ART_PAGE || (r->len && !r->data)) {
            return art_fail(
                ART_MISUSE,
                "art: a request that is not whole pages (%s, %u bytes at offset %llu, address %p): align all "
                "three to %d",
                io->name, r->len, (unsigned long long)r->offset, r->data, ART_PAGE);
        }
        if (r->offset > (uint64_t)INT64_MAX - r->len) {
            return art_fail(ART_MISUSE,
                            "art: a request beyond what a file can hold (%s, offset %llu): check the slot's number",
                            io->name, (unsigned long long)r->offset);
        }
    }
    return ART_OK;
}

enum art_rc art_read_past_end(const struct art_io *io, uint64_t offset, uint32_t len, uint64_t size) {
    assert(size < offset + len);
    uint64_t slot = offset / ART_BLOB_SIZE;
    return art_corrupt(io->name, slot < ART_NOWHERE ? (uint32_t)slot : ART_NOWHERE,
                       (uint32_t)(offset % ART_BLOB_SIZE / ART_PAGE),
                       "the file ends at byte %llu, before the end of %u bytes at offset %llu",
                       (unsigned long long)size, len, (unsigned long long)offset);
}
