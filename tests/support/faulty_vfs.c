#include "tests/support/faulty_vfs.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* --- what fails --------------------------------------------------------------------------------------------------- */

enum call { OPEN, DELETE, ACCESS, READ, WRITE, TRUNCATE, SYNC, SIZE, LOCK, UNLOCK, SHM_MAP, SHM_LOCK, CALLS };
enum { CODES_MAX = 4, NOTHING_DONE = 0, HALF_DONE = 0x10000, ALL_DONE = 0x20000 };

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

struct faulty_file {
    sqlite3_file base;
    sqlite3_file *real; /* behind this struct, in the same memory */
};

static sqlite3_vfs *under;

static sqlite3_file *real_of(sqlite3_file *file) {
    return ((struct faulty_file *)file)->real;
}

static int file_close(sqlite3_file *file) {
    sqlite3_file *real = real_of(file);
    return real->pMethods ? real->pMethods->xClose(real) : SQLITE_OK;
}

static int file_read(sqlite3_file *file, void *data, int length, sqlite3_int64 offset) {
    int done, rc = strikes(READ, &done);
    sqlite3_file *real = real_of(file);
    if (rc == SQLITE_OK) return real->pMethods->xRead(real, data, length, offset);
    if (done == HALF_DONE) real->pMethods->xRead(real, data, length / 2, offset);
    return rc;
}

static int file_write(sqlite3_file *file, const void *data, int length, sqlite3_int64 offset) {
    int done, rc = strikes(WRITE, &done);
    sqlite3_file *real = real_of(file);
    if (rc == SQLITE_OK) return real->pMethods->xWrite(real, data, length, offset);
    if (done == HALF_DONE) real->pMethods->xWrite(real, data, length / 2, offset);
    return rc;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size) {
    int done, rc = strikes(TRUNCATE, &done);
    sqlite3_file *real = real_of(file);
    int result = done == ALL_DONE ? real->pMethods->xTruncate(real, size) : SQLITE_OK;
    return rc ? rc : result;
}

/* Nothing here is about power loss. */
static int file_sync(sqlite3_file *file, int flags) {
    int done;
    (void)file;
    (void)flags;
    return strikes(SYNC, &done);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size) {
    int done, rc = strikes(SIZE, &done);
    return rc ? rc : real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int file_lock(sqlite3_file *file, int level) {
    int done, rc = strikes(LOCK, &done);
    return rc ? rc : real_of(file)->pMethods->xLock(real_of(file), level);
}

/* A descriptor that is closed, or a process that ends, lets go of its locks whatever xUnlock said. */
static int file_unlock(sqlite3_file *file, int level) {
    int done, rc = strikes(UNLOCK, &done);
    int result = real_of(file)->pMethods->xUnlock(real_of(file), level);
    return rc ? rc : result;
}

static int file_check_reserved(sqlite3_file *file, int *out) {
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), out);
}

static int file_control(sqlite3_file *file, int operation, void *argument) {
    return real_of(file)->pMethods->xFileControl(real_of(file), operation, argument);
}

static int file_sector(sqlite3_file *file) {
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int file_characteristics(sqlite3_file *file) {
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int file_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out) {
    int done, rc = strikes(SHM_MAP, &done);
    return rc ? rc : real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, out);
}

/* To let go of a lock never fails. */
static int file_shm_lock(sqlite3_file *file, int offset, int count, int flags) {
    int done, rc = flags & SQLITE_SHM_UNLOCK ? SQLITE_OK : strikes(SHM_LOCK, &done);
    return rc ? rc : real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}

static void file_shm_barrier(sqlite3_file *file) {
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int file_shm_unmap(sqlite3_file *file, int remove) {
    return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

static const sqlite3_io_methods file_methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_characteristics,
    .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_shm_barrier,
    .xShmUnmap = file_shm_unmap,
};

/* --- the VFS ------------------------------------------------------------------------------------------------------ */

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *flags_out) {
    struct faulty_file *faulty = (struct faulty_file *)file;
    int done, rc = strikes(OPEN, &done);
    (void)vfs;
    faulty->base.pMethods = NULL;
    faulty->real = (sqlite3_file *)(faulty + 1);
    if (rc) return rc;
    rc = under->xOpen(under, name, faulty->real, flags, flags_out);
    if (!rc) faulty->base.pMethods = &file_methods;
    return rc;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync) {
    int done, rc = strikes(DELETE, &done);
    (void)vfs;
    (void)sync;
    int result = done == ALL_DONE ? under->xDelete(under, name, 0) : SQLITE_OK;
    return rc ? rc : result;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out) {
    int done, rc = strikes(ACCESS, &done);
    (void)vfs;
    return rc ? rc : under->xAccess(under, name, flags, out);
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *name, int length, char *out) {
    (void)vfs;
    return under->xFullPathname(under, name, length, out);
}

void faulty_vfs_register(void) {
    static sqlite3_vfs vfs;
    sqlite3_initialize();
    if (sqlite3_vfs_find("faulty")) return;
    under = sqlite3_vfs_find(NULL);
    vfs = *under;
    vfs.pNext = NULL;
    vfs.zName = "faulty";
    vfs.szOsFile = (int)sizeof(struct faulty_file) + under->szOsFile;
    vfs.xOpen = vfs_open;
    vfs.xDelete = vfs_delete;
    vfs.xAccess = vfs_access;
    vfs.xFullPathname = vfs_full_path;
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

static void watch(void) {
    memset(&fault, 0, sizeof fault);
    fault.call = CALLS;
}

static unsigned seen[CALLS]; /* until disarm() */

static unsigned counted(unsigned call) {
    return seen[call];
}

static void arm(unsigned call, unsigned number, unsigned nth, bool stays) {
    watch();
    fault.call = call;
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
    (void)call;
    (void)number;
    (void)message;
    int primary = code & 0xff;
    return primary == SQLITE_IOERR || primary == SQLITE_FULL || primary == SQLITE_NOMEM || primary == SQLITE_CANTOPEN ||
           primary == SQLITE_BUSY || primary == SQLITE_PROTOCOL;
}

const struct fault_source faulty_vfs_calls = {
    .name = "SQLite's files",
    .kinds = CALLS,
    .errors = count_codes,
    .describe = describe,
    .watch = watch,
    .calls = counted,
    .arm = arm,
    .disarm = disarm,
    .excuses = excuses,
};
