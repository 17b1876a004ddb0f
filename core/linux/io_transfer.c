/* What the result of a read or write means, whichever engine brought it, and the sentence when it is an error. */
#include "core/linux/io_transfer.h"

#include <errno.h>
#include <sched.h>

#include "core/base/error.h"
#include "core/io/io_request.h"
#include "core/linux/io_file.h"
#include "core/linux/io_system.h"

/* Signals interrupt a call a few times; what never goes on is an error. */
enum { FRUITLESS_MAX = 100 };

void art_transfer_begin(const struct art_file *file, struct art_transfer *transfer,
                        const struct art_io_request *request, bool writing, enum art_read from) {
    assert(((uintptr_t)request->data | request->len | request->offset) % ART_PAGE == 0);
    bool cached = !writing && from == ART_READ_CACHED && file->io.cached;
    *transfer = (struct art_transfer){
        .data = request->data,
        .offset = request->offset,
        .left = request->len,
        .writing = writing,
        .cached = cached,
        .direct = file->io.direct && !cached,
        .whole_offset = request->offset,
        .whole_len = request->len,
    };
}

int art_transfer_fd(const struct art_file *file, const struct art_transfer *transfer) {
    return transfer->cached ? file->read_fd : file->fd;
}

/* What is left ends where all of it does. */
static void assert_transfer(const struct art_transfer *transfer) {
    assert(transfer->left <= transfer->whole_len && transfer->offset >= transfer->whole_offset);
    assert(transfer->offset + transfer->left == transfer->whole_offset + transfer->whole_len);
    (void)transfer;
}

static bool worth_another_try(int error) {
    return error == EINTR || error == EAGAIN || error == EBUSY || error == ECANCELED;
}

/* Nothing came of this try. A read may have met the end of the file, which another try does not change. */
static enum art_transfer_state without_progress(struct art_file *file, struct art_transfer *transfer) {
    assert(transfer->left);
    struct stat attributes;
    if (!transfer->writing && !art_system.fstat(art_transfer_fd(file, transfer), &attributes) &&
        transfer->offset + transfer->left > (uint64_t)attributes.st_size) {
        transfer->past_end = true;
        transfer->file_size = (uint64_t)attributes.st_size;
        return ART_TRANSFER_FAILED;
    }
    return ++transfer->fruitless < FRUITLESS_MAX ? ART_TRANSFER_AGAIN : ART_TRANSFER_FAILED;
}

/* Turns to buffered I/O if the file is direct and the user did not insist. Was anything changed? */
static bool drop_direct(struct art_file *file) {
    if (!file->io.direct || file->direct_required) return false;
    assert(file->fd >= 0);
    if (art_system.set_flags(file->fd, 0)) return false;
    file->io.direct = false;
    return true;
}

/* A file system whose blocks are smaller than a page moves a part of one when it gets full, and the same part at each
 * try: what is behind it fails for the reason. The bytes in all that the system has taken, then; or less, and why. */
static ssize_t write_behind(struct art_file *file, struct art_transfer *transfer, ssize_t taken) {
    assert(transfer->writing && taken > 0 && (uint64_t)taken < transfer->left);
    ssize_t more = art_system.pwrite(art_transfer_fd(file, transfer), transfer->data + taken,
                                     transfer->left - (size_t)taken, (off_t)transfer->offset + taken);
    bool full = more < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG);
    if (full) transfer->error = errno;
    return more < 0 ? taken : taken + more;
}

enum art_transfer_state art_transfer_advance(struct art_file *file, struct art_transfer *transfer, ssize_t result) {
    assert_transfer(transfer);
    bool part = transfer->writing && result > 0 && result < ART_PAGE && (uint64_t)result < transfer->left;
    if (part && transfer->fruitless + 1 >= FRUITLESS_MAX) result = write_behind(file, transfer, result);
    if (result < 0) {
        int error = (int)-result;
        if (worth_another_try(error) && ++transfer->fruitless < FRUITLESS_MAX) return ART_TRANSFER_AGAIN;
        /* Of several that were under way the first has turned the file already. */
        if (error == EINVAL && transfer->direct && (!file->io.direct || drop_direct(file))) {
            transfer->direct = false;
            return ART_TRANSFER_AGAIN;
        }
        transfer->error = error;
        return ART_TRANSFER_FAILED;
    }
    uint32_t moved = (uint64_t)result >= transfer->left ? transfer->left : (uint32_t)result & ~(uint32_t)(ART_PAGE - 1);
    if (!moved && transfer->left) return without_progress(file, transfer);
    transfer->fruitless = 0;
    transfer->data += moved;
    transfer->offset += moved;
    transfer->left -= moved;
    assert_transfer(transfer);
    return transfer->left ? ART_TRANSFER_AGAIN : ART_TRANSFER_DONE;
}

enum art_transfer_state art_transfer_by_system_call(struct art_file *file, struct art_transfer *transfer) {
    enum art_transfer_state state = transfer->left ? ART_TRANSFER_AGAIN : ART_TRANSFER_DONE;
    while (state == ART_TRANSFER_AGAIN) {
        if (transfer->fruitless > 1) sched_yield();
        int fd = art_transfer_fd(file, transfer);
        assert(fd >= 0);
        ssize_t result = transfer->writing
                             ? art_system.pwrite(fd, transfer->data, transfer->left, (off_t)transfer->offset)
                             : art_system.pread(fd, transfer->data, transfer->left, (off_t)transfer->offset);
        state = art_transfer_advance(file, transfer, result < 0 ? -errno : result);
    }
    return state;
}

static const char *advice(int error) {
    switch (error) {
    case ENOSPC:
        return "make room on its file system" ART_MAKE_LESS;
    case EDQUOT:
        return "raise the disk quota" ART_MAKE_LESS;
    case EFBIG:
        return "its file system or a limit of this process allows no larger file";
    case EINVAL:
        return "its file system refuses direct I/O, set ART_DIRECT=off";
    default:
        return "check the disk and the system's log";
    }
}

enum art_rc art_transfer_error(const struct art_file *file, const struct art_transfer *transfer) {
    assert(!transfer->past_end ||
           (!transfer->writing && transfer->file_size < transfer->whole_offset + transfer->whole_len));
    if (transfer->past_end) {
        return art_read_past_end(&file->io, transfer->whole_offset, transfer->whole_len, transfer->file_size);
    }
    const char *verb = transfer->writing ? "write" : "read";
    if (!transfer->error) {
        return art_fail(ART_IO, "art: cannot %s (%s, %u bytes at offset %llu): the system moves no bytes; %s", verb,
                        file->io.name, transfer->whole_len, (unsigned long long)transfer->whole_offset, advice(0));
    }
    return art_fail_errno(ART_IO, transfer->error, "art: cannot %s (%s, %u bytes at offset %llu): %s", verb,
                          file->io.name, transfer->whole_len, (unsigned long long)transfer->whole_offset,
                          advice(transfer->error));
}
