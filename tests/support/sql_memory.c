#include "tests/support/sql_memory.h"

#include <stdio.h>
#include <string.h>

enum { NOBODYS = 0xa5 };

static sqlite3_mem_methods original;
static struct fault_counter memory;
static unsigned serious;
static int benign; /* depth */

static bool fails_now(void) {
    if (!fault_counter_strikes(&memory)) return false;
    serious += !benign;
    return true;
}

/* Nobody may rely on what is in memory that is not his yet, or not his any more: in any build. */
static void *failing_malloc(int bytes) {
    void *memory_given = fails_now() ? NULL : original.xMalloc(bytes);
    if (memory_given) memset(memory_given, NOBODYS, (size_t)bytes);
    return memory_given;
}

static void overwriting_free(void *old) {
    memset(old, NOBODYS, (size_t)original.xSize(old));
    original.xFree(old);
}

static void *failing_realloc(void *old, int bytes) {
    return fails_now() ? NULL : original.xRealloc(old, bytes);
}

static void benign_begin(void) {
    benign++;
}

static void benign_end(void) {
    benign--;
}

void sql_memory_install(void) {
    if (original.xMalloc) return;
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &original);
    sqlite3_mem_methods failing = original;
    failing.xMalloc = failing_malloc;
    failing.xFree = overwriting_free;
    failing.xRealloc = failing_realloc;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &failing);
    sqlite3_initialize();
    sqlite3_test_control(SQLITE_TESTCTRL_BENIGN_MALLOC_HOOKS, benign_begin, benign_end);
}

unsigned sql_memory_serious(void) {
    return serious;
}

/* --- as a source of faults ---------------------------------------------------------------------------------------- */

static const char *describe(unsigned kind, unsigned error) {
    (void)kind;
    (void)error;
    return "no memory";
}

static void start(unsigned nth, bool stays) {
    serious = 0;
    fault_counter_start(&memory, nth, stays);
}

static void watch(void) {
    start(0, false);
}

static void arm(unsigned kind, unsigned error, unsigned nth, bool stays) {
    (void)kind;
    (void)error;
    start(nth, stays);
}

static unsigned disarm(void) {
    return fault_counter_stop(&memory);
}

static unsigned calls(unsigned kind) {
    (void)kind;
    return memory.calls;
}

static bool excuses(unsigned kind, unsigned error, int code, const char *message) {
    (void)kind;
    (void)error;
    /* sqlite3_exec() without memory for its columns' names forgets why it stops when a virtual table's xClose asks
     * SQLite for anything; the connection still knows, or says what the statement had said before. */
    if (code == SQLITE_ROW) {
        return message && (!strcmp(message, "out of memory") || !strcmp(message, sqlite3_errstr(SQLITE_ROW)));
    }
    return (code & 0xff) == SQLITE_NOMEM || code == SQLITE_IOERR_NOMEM;
}

const struct fault_source sql_memory_faults = {
    .name = "memory",
    .kinds = 1,
    .errors = fault_one_error,
    .describe = describe,
    .watch = watch,
    .calls = calls,
    .arm = arm,
    .disarm = disarm,
    .excuses = excuses,
    .old_state = true,
};
