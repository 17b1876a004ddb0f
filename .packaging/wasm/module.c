/* SQLite and art in one WebAssembly module: every connection has art. What is exported is in the file `exports`.
 *
 * The VFS "remote" reads a database that JavaScript has: its name is a number in Module.remotes (remote.mjs). Nobody
 * writes it, so there are no journals and no locks.
 */
#include <emscripten.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "art.h"

struct remote {
    sqlite3_file file;
    int number;
};

EM_JS(int, remote_read, (int number, void *to, int bytes, double offset),
      { return Module.remotes.get(number).read(HEAPU8.subarray(to, to + bytes), offset); });
EM_JS(double, remote_size, (int number), { return Module.remotes.get(number).size; });
EM_JS(void, remote_announce, (int number, double bytes), { Module.remotes.get(number).announce(bytes); });
EM_JS(int, remote_exists, (int number), { return Module.remotes && Module.remotes.has(number) ? 1 : 0; });

static int number_of(sqlite3_file *file) {
    return ((struct remote *)file)->number;
}

static int close_nothing(sqlite3_file *file) {
    (void)file;
    return SQLITE_OK;
}

static int read_bytes(sqlite3_file *file, void *to, int bytes, sqlite3_int64 offset) {
    int there = bytes;
    double left = remote_size(number_of(file)) - (double)offset;
    if (left < bytes) there = left > 0 ? (int)left : 0;
    memset((char *)to + there, 0, (size_t)(bytes - there));
    if (there && !remote_read(number_of(file), to, there, (double)offset)) return SQLITE_IOERR_READ;
    return there < bytes ? SQLITE_IOERR_SHORT_READ : SQLITE_OK;
}

static int refuse_write(sqlite3_file *file, const void *from, int bytes, sqlite3_int64 offset) {
    (void)file;
    (void)from;
    (void)bytes;
    (void)offset;
    return SQLITE_READONLY;
}

static int refuse_truncate(sqlite3_file *file, sqlite3_int64 bytes) {
    (void)file;
    (void)bytes;
    return SQLITE_READONLY;
}

static int take_number(sqlite3_file *file, int number) {
    (void)file;
    (void)number;
    return SQLITE_OK;
}

static int tell_size(sqlite3_file *file, sqlite3_int64 *bytes) {
    *bytes = (sqlite3_int64)remote_size(number_of(file));
    return SQLITE_OK;
}

static int tell_no(sqlite3_file *file, int *answer) {
    (void)file;
    *answer = 0;
    return SQLITE_OK;
}

static int control(sqlite3_file *file, int operation, void *argument) {
    if (operation != ART_WILL_READ) return SQLITE_NOTFOUND;
    remote_announce(number_of(file), (double)*(sqlite3_int64 *)argument);
    return SQLITE_OK;
}

static int sector_size(sqlite3_file *file) {
    (void)file;
    return 4096;
}

static int is_immutable(sqlite3_file *file) {
    (void)file;
    return SQLITE_IOCAP_IMMUTABLE;
}

static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = close_nothing,
    .xRead = read_bytes,
    .xWrite = refuse_write,
    .xTruncate = refuse_truncate,
    .xSync = take_number,
    .xFileSize = tell_size,
    .xLock = take_number,
    .xUnlock = take_number,
    .xCheckReservedLock = tell_no,
    .xFileControl = control,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = is_immutable,
};

static int open_remote(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags) {
    (void)vfs;
    struct remote *remote = (struct remote *)file;
    remote->file.pMethods = NULL;
    if (!name || !(flags & SQLITE_OPEN_MAIN_DB) || !remote_exists(atoi(name))) return SQLITE_CANTOPEN;
    remote->number = atoi(name);
    remote->file.pMethods = &methods;
    if (out_flags) *out_flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_DB;
    return SQLITE_OK;
}

static int refuse_delete(sqlite3_vfs *vfs, const char *name, int sync) {
    (void)vfs;
    (void)name;
    (void)sync;
    return SQLITE_IOERR_DELETE;
}

static int tell_nothing_there(sqlite3_vfs *vfs, const char *name, int flags, int *answer) {
    (void)vfs;
    (void)name;
    (void)flags;
    *answer = 0;
    return SQLITE_OK;
}

static int copy_name(sqlite3_vfs *vfs, const char *name, int room, char *out) {
    (void)vfs;
    sqlite3_snprintf(room, out, "%s", name);
    return SQLITE_OK;
}

/* Time, randomness and the like are those of the module's own VFS. */
static void add_remote(void) {
    static sqlite3_vfs vfs;
    sqlite3_initialize();
    vfs = *sqlite3_vfs_find(NULL);
    vfs.szOsFile = sizeof(struct remote);
    vfs.zName = "remote";
    vfs.pNext = NULL;
    vfs.xOpen = open_remote;
    vfs.xDelete = refuse_delete;
    vfs.xAccess = tell_nothing_there;
    vfs.xFullPathname = copy_name;
    sqlite3_vfs_register(&vfs, 0);
}

__attribute__((constructor)) static void link_art(void) {
    sqlite3_auto_extension((void (*)(void))sqlite3_art_init);
    add_remote();
}
