/* One read or write on its way, and the one place that decides what a result means: done, again, or failed.
 *
 * Short transfers go on at the last whole page (direct I/O wants its alignment also then). EINTR, EAGAIN, EBUSY and
 * ECANCELED (the thread that started a ring's request has ended) are tried again, a bounded number of times without
 * progress; a write that gets no further than into a page is tried within it then, to hear why. EINVAL under O_DIRECT,
 * where the user did not insist on it, turns the file to buffered I/O. Private to core/io.
 */
#ifndef ART_IO_TRANSFER_H
#define ART_IO_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/io/io.h"

struct art_file;

struct art_transfer {
    uint8_t *data; /* what is left */
    uint64_t offset;
    uint32_t left;
    unsigned fruitless; /* tries in a row without progress */
    bool writing;
    bool cached;           /* by the descriptor that reads through the system's page cache */
    bool direct;           /* the file was, when this was begun */
    bool past_end;         /* it failed because the file ended */
    int error;             /* errno of any other failure; 0: the system transferred nothing, again and again */
    uint64_t whole_offset; /* as asked for, for the message */
    uint32_t whole_len;
    uint64_t file_size; /* with past_end */
};

enum art_transfer_state { ART_TRANSFER_DONE, ART_TRANSFER_AGAIN, ART_TRANSFER_FAILED };

/* All of a request, still to be done; its memory is borrowed until it is done or has failed. */
void art_transfer_begin(const struct art_file *file, struct art_transfer *transfer,
                        const struct art_io_request *request, bool writing, enum art_read from);

/* `result`: bytes moved, or a negative errno. Notes what is left; FAILED: and why. May turn the file to buffered
 * I/O. */
enum art_transfer_state art_transfer_advance(struct art_file *file, struct art_transfer *transfer, ssize_t result);

/* The rest of the transfer by pread or pwrite: DONE or FAILED. */
enum art_transfer_state art_transfer_by_system_call(struct art_file *file, struct art_transfer *transfer);

/* The descriptor that it goes by. */
int art_transfer_fd(const struct art_file *file, const struct art_transfer *transfer);

/* The code and message of a failed transfer: ART_CORRUPT where the file ended, else as art_fail_errno() with ART_IO. */
enum art_rc art_transfer_error(const struct art_file *file, const struct art_transfer *transfer);

#endif
