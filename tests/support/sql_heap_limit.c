#include "tests/support/sql_heap_limit.h"

enum { UNIT = 16 * 1024 };

static int64_t begun;

static const char *describe(unsigned kind, unsigned error) {
    (void)kind;
    (void)error;
    return "heap limit, in units of 16 KB";
}

static void watch(void) {
    begun = sqlite3_memory_used();
    sqlite3_memory_highwater(1);
}

static unsigned calls(unsigned kind) {
    (void)kind;
    return (unsigned)((sqlite3_memory_highwater(0) - begun) / UNIT);
}

/* A limit of 0 would be none. */
static void arm(unsigned kind, unsigned error, unsigned nth, bool stays) {
    (void)kind;
    (void)error;
    (void)stays;
    begun = sqlite3_memory_used();
    sqlite3_hard_heap_limit64(begun + (int64_t)(nth - 1) * UNIT + 1);
}

static unsigned disarm(void) {
    sqlite3_hard_heap_limit64(0);
    sqlite3_soft_heap_limit64(0); /* goes down with the hard one, and does not come back with it */
    return 1;
}

static bool excuses(unsigned kind, unsigned error, int code, const char *message) {
    (void)kind;
    (void)error;
    (void)message;
    return (code & 0xff) == SQLITE_NOMEM || code == SQLITE_IOERR_NOMEM;
}

const struct fault_source sql_heap_limit_faults = {
    .name = "heap limit",
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
