#include "tests/support/fault_calls.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "core/io/io.h"
#include "tests/support/io_faults.h"

enum { ERRORS_MAX = 16, SHORT_BYTES = 4096 + 512, BLOCK_BYTES = 1024 };

static const struct call {
    const char *name;
    int errors[ERRORS_MAX]; /* 0 ends them */
} calls[] = {
    {"open", {EIO, ENOSPC, EDQUOT, EINTR, EMFILE, ENFILE, ENOMEM, EACCES, EROFS, ENOENT, EAGAIN, EEXIST, EPERM}},
    {"close", {EIO, EINTR, EBADF, ENOSPC, EDQUOT}},
    {"fstat", {EIO, ENOMEM, EBADF, EOVERFLOW}},
    {"stat", {EIO, ENOMEM, EACCES, ENOENT, ELOOP}},
    {"direct_alignment", {EOPNOTSUPP, EINVAL, FAULT_SHORT, FAULT_ZERO}},
    {"in_memory", {ENOSYS, EIO}},
    {"set_flags", {EINVAL, EIO, EBADF, EAGAIN}},
    {"lock", {EAGAIN, EACCES, EINTR, ENOLCK, EINVAL, EBADF, EIO, ENOMEM}},
    {"fchmod", {EIO, EPERM, EROFS, EBADF, ENOSPC}},
    {"fchown", {EIO, EPERM, EINVAL, EDQUOT, EROFS, EBADF}},
    {"unlink", {EIO, EACCES, EPERM, EBUSY, EROFS, ENOENT, ENOMEM}},
    {"opendir", {EIO, EACCES, EMFILE, ENOMEM, ENOENT}},
    {"readdir", {EIO, EBADF, ENOMEM}},
    {"fsync", {EIO, ENOSPC, EDQUOT, EINTR, EINVAL, EBADF, EROFS, ECANCELED}},
    {"fdatasync", {EIO, ENOSPC, EDQUOT, EINTR, EINVAL, EBADF, EROFS, ENOMEM, ECANCELED, EAGAIN}},
    {"ftruncate", {EIO, ENOSPC, EDQUOT, EFBIG, EINVAL, EINTR, EPERM, EBADF}},
    {"pread", {EIO, EAGAIN, EINTR, EINVAL, ENOMEM, EBADF, ECANCELED, FAULT_SHORT, FAULT_ZERO}},
    {"pread_present", {EAGAIN, EOPNOTSUPP, EIO, EINTR, FAULT_SHORT, FAULT_ZERO}},
    {"pwrite",
     {EIO, ENOSPC, EDQUOT, EAGAIN, EINTR, EINVAL, ENOMEM, EBADF, ECANCELED, EFBIG, FAULT_SHORT, FAULT_ZERO,
      FAULT_FULL}},
    {"ring_init", {ENOMEM, EPERM, ENOSYS, EMFILE, ENFILE, EINVAL, EAGAIN}},
    {"ring_register_buffers", {ENOMEM, EFAULT, EINVAL, EBUSY, EOPNOTSUPP}},
    {"ring_submit", {EAGAIN, EBUSY, EINTR, ENXIO, EBADF, EINVAL, ENOMEM, EIO}},
    {"ring_submit_and_wait", {EAGAIN, EBUSY, EINTR, ETIME, ENXIO, EBADF, EINVAL, ENOMEM, EIO}},
    {"ring_result",
     {EIO, ENOSPC, EDQUOT, EAGAIN, EINTR, EINVAL, ENOMEM, EBADF, ECANCELED, EFAULT, EBUSY, FAULT_SHORT, FAULT_ZERO,
      FAULT_FULL}},
};
enum { CALLS = sizeof calls / sizeof *calls };

static struct {
    unsigned kind, error;
    unsigned counted[CALLS];
} now;

static unsigned count_errors(unsigned kind) {
    unsigned count = 0;
    while (count < ERRORS_MAX && calls[kind].errors[count]) count++;
    return count;
}

static const char *describe(unsigned kind, unsigned error) {
    static char text[80];
    int number = calls[kind].errors[error];
    snprintf(text, sizeof text, "%s: %s", calls[kind].name,
             number == FAULT_SHORT  ? "short"
             : number == FAULT_ZERO ? "zero"
             : number == FAULT_FULL ? "full within a page"
                                    : strerror(number));
    return text;
}

static void arm(unsigned kind, unsigned error, unsigned nth, bool stays) {
    now.kind = kind;
    now.error = error;
    if (!nth) return io_fault("", 0, 0, 0, 0);
    int number = calls[kind].errors[error];
    bool alignment = !strcmp(calls[kind].name, "direct_alignment");
    if (alignment && number == FAULT_ZERO) {
        io_fault(calls[kind].name, nth, stays ? UINT_MAX : 1, FAULT_SHORT, 0); /* not at all */
    } else if (number == FAULT_FULL) {
        io_fault(calls[kind].name, nth, stays ? UINT_MAX : 1, number, BLOCK_BYTES);
    } else {
        io_fault(calls[kind].name, nth, stays ? UINT_MAX : 1, number, alignment ? 2 * SHORT_BYTES : SHORT_BYTES);
    }
}

static unsigned disarm(void) {
    for (unsigned kind = 0; kind < CALLS; kind++) now.counted[kind] = io_fault_count(calls[kind].name);
    unsigned given = io_faults_given();
    if (io_fault_saw_misaligned()) fault_world_fail("a read or write was not of whole pages");
    io_fault_nothing();
    art_io_uring_available(); /* a ring that was refused is remembered, until one is given */
    return given;
}

static unsigned counted(unsigned kind) {
    return now.counted[kind];
}

/* What cannot be: that somebody has a lock on a file made just now, which its maker then leaves alone, empty; that a
 * database in use has no file, so that its .art file does not say whose it is. */
static bool leaves_file(unsigned kind, unsigned error) {
    int number = calls[kind].errors[error];
    bool locked = !strcmp(calls[kind].name, "lock") && (number == EAGAIN || number == EACCES);
    return locked || (!strcmp(calls[kind].name, "stat") && number == ENOENT);
}

/* An error of input and output, in words that say of what; never one that blames the statement or the data. */
static bool excuses(unsigned kind, unsigned error, int code, const char *message) {
    int primary = code & 0xff;
    /* Of as many names as are tried, each was taken by a file that its maker could not lock. */
    if (leaves_file(kind, error) && message && strstr(message, "a file that is not ours has the name")) return true;
    if (message && primary != SQLITE_NOMEM && strncmp(message, "art: ", 5)) return false;
    if (calls[kind].errors[error] == FAULT_FULL && primary == SQLITE_IOERR) return false;
    return primary == SQLITE_IOERR || primary == SQLITE_FULL || primary == SQLITE_NOMEM || primary == SQLITE_CANTOPEN ||
           primary == SQLITE_READONLY || primary == SQLITE_BUSY;
}

/* What a hundred tries more got over is no failure. */
static const char *unsynced(void) {
    enum { TRIES = 100 };
    bool got_over = calls[now.kind].errors[now.error] == EINTR && io_faults_given() <= TRIES;
    return got_over || !*io_fault_unsynced() ? NULL : io_fault_unsynced();
}

const struct fault_source fault_calls = {
    .name = "system calls",
    .kinds = CALLS,
    .errors = count_errors,
    .describe = describe,
    .calls = counted,
    .arm = arm,
    .disarm = disarm,
    .excuses = excuses,
    .unsynced = unsynced,
    .leaves_file = leaves_file,
    .spares_rollback = true,
    .old_state = true,
};
