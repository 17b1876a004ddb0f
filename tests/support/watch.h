/* What processes do to their .art files, seen from outside: counts, in memory that all share.
 *
 *   struct watch *watch = watch_new();      shared by this process and all that it forks
 *   watch_begin(watch);                     this process tells from now on
 *   sqlite3 *db = watch_open(path);         the extension is linked in, so that core's calls pass through here
 *
 *   watch_die_at(WATCH_AT_WRITE, 3);        SIGKILL, by its own hand, when the kernel has been given the third write
 *
 * Two ways in: core's table of system calls, and its hooks for tests. Threads may share a watch.
 */
#ifndef ART_TESTS_WATCH_H
#define ART_TESTS_WATCH_H

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdint.h>

#include "core/tree/state/hooks.h"

enum watch_event { WATCH_AT_LOCK, WATCH_AT_WRITE, WATCH_AT_SYNC, WATCH_AFTER_SYNC, WATCH_AT_CUT, WATCH_AT_UNLOCK };
enum { WATCH_EVENTS = WATCH_AT_UNLOCK + 1 };

struct watch {
    _Atomic int in_flight;                    /* requests that a ring has taken and not answered */
    _Atomic uint64_t last_offset;             /* of what a ring was given last */
    _Atomic uint64_t flushes, merges, spills; /* that have ended, well or not */
    _Atomic uint64_t slots_written, slots_reused;
    _Atomic uint64_t early; /* unlocked while a ring had not answered all that this thread had given it: never */
};

struct watch *watch_new(void);
void watch_free(struct watch *watch);
void watch_begin(struct watch *watch);
/* nth from 1; 0: live on. */
void watch_die_at(enum watch_event event, unsigned nth);
/* This program's fsync and fdatasync, SQLite's too, do nothing: a kill loses no write, and tests are faster. */
void watch_skip_syncs(int skip);

sqlite3 *watch_open(const char *path);

#endif
