/* System calls that fail, for tests of core/io: the table of core/linux/io_system.h with each entry watched. */
#ifndef TESTS_IO_FAULTS_H
#define TESTS_IO_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

enum { FAULT_SHORT = -1, FAULT_ZERO = -2, FAULT_FULL = -3 };

/* Lets the `nth` (from 1) of the calls of that name, and `times` in a row, fail with `error`; FAULT_SHORT: the call
 * does its work but owns up to `bytes` of it only; FAULT_ZERO: to none; FAULT_FULL: of a write, as a disk that is full
 * within a page: as FAULT_SHORT, and a write that begins within a page finds no room. Names are those of struct
 * art_system_calls. `times` UINT_MAX: from then on. */
void io_fault(const char *call, unsigned nth, unsigned times, int error, uint32_t bytes);
/* io_fault("", 0, 0, 0, 0) lets none fail and counts. Calls of this name since the last io_fault(). */
unsigned io_fault_count(const char *call);
/* From now on fsync and fdatasync do nothing, where they are not to fail: for tests that are not about power loss. */
void io_fault_skip_syncs(void);
/* From now on a file system that shares blocks between files is played. */
void io_fault_copy_clones(bool copy);
/* Back to the system's own. */
void io_fault_nothing(void);
/* Calls of that name since io_fault(), and how many were made to fail. */
unsigned io_fault_calls(void);
unsigned io_faults_given(void);
/* The file whose fdatasync() was made to fail last since io_fault(), "" for none. */
const char *io_fault_unsynced(void);
/* A read or write that was not whole pages was seen since io_fault(), and not with FAULT_FULL. */
bool io_fault_saw_misaligned(void);

#endif
