/* SQLite's own files behind a watcher: a VFS over the default one, "faulty", whose calls fail when told to.
 *
 * It is for faults, not for power loss: its xSync only counts, since thousands of real ones take hours. One at a time
 * may fail; not for use by several threads.
 */
#ifndef ART_TESTS_FAULTY_VFS_H
#define ART_TESTS_FAULTY_VFS_H

#include "tests/support/fault_sweep.h"

/* Registers the VFS (not as default); again is fine. */
void faulty_vfs_register(void);

/* Its calls as a source of faults: xOpen, xDelete, xAccess, xRead, xWrite, xTruncate, xSync, xFileSize, xLock, xUnlock,
 * xShmMap, xShmLock, each with the codes that SQLite's own VFS gives. */
extern const struct fault_source faulty_vfs_calls;

#endif
