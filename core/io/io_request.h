/* What every implementation asks of a batch before it touches anything. */
#ifndef ART_IO_REQUEST_H
#define ART_IO_REQUEST_H

#include "core/io/io.h"

/* ART_OK, or ART_MISUSE with a message: addresses, lengths and offsets must be whole pages, and the range must lie
 * within what a file can hold. */
enum art_rc art_requests_check(const struct art_io *io, const struct art_io_request *requests, unsigned count);

/* ART_CORRUPT, for a read that meets the end of the file: blobs are never cut short, so something was lost. */
enum art_rc art_read_past_end(const struct art_io *io, uint64_t offset, uint32_t len, uint64_t size);

#endif
