#include "tests/support/faulty_vfs.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- what fails --------------------------------------------------------------------------------------------------- */

enum call { OPEN, DELETE, ACCESS, READ, WRITE, TRUNCATE, SYNC, SIZE, LOCK, UNLOCK, SHM_MAP, SHM_LOCK, CALLS };
enum { CODES_MAX = 4, KINDS_MAX = 8, NOTHING_DONE = 0, HALF_DONE = 0x10000, ALL_DONE = 0x20000 };

/* A call that fails may have done its work, or half of it. */
static const struct {
    const char *name;
    int codes[CODES_MAX];
} calls[CALLS] = {
    [OPEN] = {"xOpen", {SQLITE_CANTOPEN, SQLITE_IOERR, SQLITE_NOMEM}},
    [DELETE] = {"xDelete", {SQLITE_IOERR_DELETE, SQLITE_IOERR_DELETE | ALL_DONE, SQLITE_IOERR_DELETE_NOENT}},
    [ACCESS] = {"xAccess", {SQLITE_IOERR_ACCESS}},
    [READ] = {"xRead", {SQLITE_IOERR_READ, SQLITE_IOERR_READ | HALF_DONE}},
    [WRITE] = {"xWrite", {SQLITE_IOERR_WRITE, SQLITE_FULL, SQLITE_IOERR_WRITE | HALF_DONE, SQLITE_FULL | HALF_DONE}},
    [TRUNCATE] = {"xTruncate", {SQLITE_IOERR_TRUNCATE, SQLITE_IOERR_TRUNCATE | ALL_DONE}},
    [SYNC] = {"xSync", {SQLITE_IOERR_FSYNC, SQLITE_FULL}},
    [SIZE] = {"xFileSize", {SQLITE_IOERR_FSTAT}},
    [LOCK] = {"xLock", {SQLITE_BUSY, SQLITE_IOERR_LOCK}},
    [UNLOCK] = {"xUnlock", {SQLITE_IOERR_UNLOCK}},
    [SHM_MAP] = {"xShmMap", {SQLITE_IOERR_SHMMAP, SQLITE_IOERR_SHMSIZE, SQLITE_NOMEM}},
    [SHM_LOCK] = {"xShmLock", {SQLITE_BUSY, SQLITE_IOERR_SHMLOCK}},
};

static struct {
    unsigned counted[CALLS];
    unsigned call, first, times, given;
    int code;
} fault = {.call = CALLS};

/* SQLITE_OK: it does not fail. Else the code; *done says how much of the work is to be done all the same. */
static int strikes(enum call call, int *done) {
    unsigned nth = ++fault.counted[call];
    *done = ALL_DONE;
    if (call != fault.call || nth < fault.first || nth - fault.first >= fault.times) return SQLITE_OK;
    fault.given++;
    *done = fault.code & (HALF_DONE | ALL_DONE);
    return fault.code & 0xffff;
}

/* --- files -------------------------------------------------------------------------------------------------------- */

/* SQLite's own methods with those below in their places; what has none below goes on to SQLite. */
static struct methods {
    sqlite3_io_methods faulty;
    const sqlite3_io_methods *real; /* NULL: nothing is here yet */
} kinds[KINDS_MAX];

static sqlite3_vfs *under;

static const sqlite3_io_methods *real_of(sqlite3_file *file) {
    return ((const struct methods *)file->pMethods)->real;
}

static int file_read(sqlite3_file *file, void *data, int length, sqlite3_int64 offset) {
    int done, rc = strikes(READ, &done);
    const sqlite3_io_methods *real = real_of(file);
    if (rc == SQLITE_OK) return real->xRead(file, data, length, offset);
    if (done == HALF_DONE) real->xRead(file, data, length / 2, offset);
    return rc;
}

static int file_write(sqlite3_file *file, const void *data, int length, sqlite3_int64 offset) {
    int done, rc = strikes(WRITE, &done);
    const sqlite3_io_methods *real = real_of(file);
    if (rc == SQLITE_OK) return real->xWrite(file, data, length, offset);
    if (done == HALF_DONE) real->xWrite(file, data, length / 2, offset);
    return rc;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size) {
    int done, rc = strikes(TRUNCATE, &done);
    const sqlite3_io_methods *real = real_of(file);
    int result = done == ALL_DONE ? real->xTruncate(file, size) : SQLITE_OK;
    return rc ? rc : result;
}

/* Nothing here is about power loss. */
static int file_sync(sqlite3_file *file, int flags) {
    int done;
    return strikes(SYNC, &done);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size) {
    int done, rc = strikes(SIZE, &done);
    return rc ? rc : real_of(file)->xFileSize(file, size);
}

static int file_lock(sqlite3_file *file, int level) {
    int done, rc = strikes(LOCK, &done);
    return rc ? rc : real_of(file)->xLock(file, level);
}

/* A descriptor that is closed, or a process that ends, lets go of its locks whatever xUnlock said. */
static int file_unlock(sqlite3_file *file, int level) {
    int done, rc = strikes(UNLOCK, &done);
    int result = real_of(file)->xUnlock(file, level);
    return rc ? rc : result;
}

static int file_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out) {
    int done, rc = strikes(SHM_MAP, &done);
    return rc ? rc : real_of(file)->xShmMap(file, page, size, extend, out);
}

/* To let go of a lock never fails. */
static int file_shm_lock(sqlite3_file *file, int offset, int count, int flags) {
    int done, rc = flags & SQLITE_SHM_UNLOCK ? SQLITE_OK : strikes(SHM_LOCK, &done);
    return rc ? rc : real_of(file)->xShmLock(file, offset, count, flags);
}

static const sqlite3_io_methods *faulty_for(const sqlite3_io_methods *real) {
    struct methods *kind = kinds;
    while (kind->real && kind->real != real) kind++;
    if (kind == kinds + KINDS_MAX - 1) abort();
    if (kind->real) return &kind->faulty;
    *kind = (struct methods){*real, real};
    if (real->iVersion > 2) kind->faulty.iVersion = 2; /* no memory is mapped */
    kind->faulty.xRead = file_read;
    kind->faulty.xWrite = file_write;
    kind->faulty.xTruncate = file_truncate;
    kind->faulty.xSync = file_sync;
    kind->faulty.xFileSize = file_size;
    kind->faulty.xLock = file_lock;
    kind->faulty.xUnlock = file_unlock;
    kind->faulty.xShmMap = file_shm_map;
    kind->faulty.xShmLock = file_shm_lock;
    return &kind->faulty;
}

/* --- the VFS ------------------------------------------------------------------------------------------------------ */

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *flags_out) {
    int done, rc = strikes(OPEN, &done);
    file->pMethods = NULL;
    if (!rc) rc = under->xOpen(vfs, name, file, flags, flags_out);
    if (!rc) file->pMethods = faulty_for(file->pMethods);
    return rc;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync) {
    int done, rc = strikes(DELETE, &done);
    int result = done == ALL_DONE ? under->xDelete(under, name, 0) : SQLITE_OK;
    return rc ? rc : result;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out) {
    int done, rc = strikes(ACCESS, &done);
    return rc ? rc : under->xAccess(under, name, flags, out);
}

void faulty_vfs_register(void) {
    static sqlite3_vfs vfs;
    sqlite3_initialize();
    if (sqlite3_vfs_find("faulty")) return;
    under = sqlite3_vfs_find(NULL);
    vfs = *under;
    vfs.pNext = NULL;
    vfs.zName = "faulty";
    vfs.xOpen = vfs_open;
    vfs.xDelete = vfs_delete;
    vfs.xAccess = vfs_access;
    sqlite3_vfs_register(&vfs, 0);
}

/* --- as a source of faults ---------------------------------------------------------------------------------------- */

static unsigned count_codes(unsigned call) {
    unsigned count = 0;
    while (count < CODES_MAX && calls[call].codes[count]) count++;
    return count;
}

static const char *describe(unsigned call, unsigned number) {
    static char text[80];
    int code = calls[call].codes[number];
    snprintf(text, sizeof text, "%s: %d%s", calls[call].name, code & 0xffff,
             code & HALF_DONE  ? ", half done"
             : code & ALL_DONE ? ", but done"
                               : "");
    return text;
}

static unsigned seen[CALLS]; /* until disarm() */

static unsigned counted(unsigned call) {
    return seen[call];
}

static void arm(unsigned call, unsigned number, unsigned nth, bool stays) {
    memset(&fault, 0, sizeof fault);
    fault.call = nth ? call : CALLS;
    fault.code = calls[call].codes[number];
    fault.first = nth;
    /* SQLite waits for a reader's lock of the WAL with ever longer sleeps. */
    unsigned long_enough = call == SHM_LOCK && fault.code == SQLITE_BUSY ? 4 : UINT_MAX;
    fault.times = stays ? long_enough : 1;
}

static unsigned disarm(void) {
    memcpy(seen, fault.counted, sizeof seen);
    fault.call = CALLS;
    return fault.given;
}

/* What SQLite makes of these codes. SQLITE_CORRUPT is a page of its own that it could not read whole; a schema that
 * could not be read ends in SQLITE_ERROR. */
static bool excuses(unsigned call, unsigned number, int code, const char *message) {
    int primary = code & 0xff;
    return primary == SQLITE_IOERR || primary == SQLITE_FULL || primary == SQLITE_NOMEM || primary == SQLITE_CANTOPEN ||
           primary == SQLITE_BUSY || primary == SQLITE_PROTOCOL;
}

const struct fault_source faulty_vfs_calls = {
    .name = "SQLite's files",
    .kinds = CALLS,
    .errors = count_codes,
    .describe = describe,
    .calls = counted,
    .arm = arm,
    .disarm = disarm,
    .excuses = excuses,
};
