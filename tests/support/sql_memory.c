#include "tests/support/sql_memory.h"

#include <string.h>

#include "ext/art.h"

enum { NOBODYS = 0xa5, UNIT = 16 * 1024 };

/* --- allocations -------------------------------------------------------------------------------------------------- */

static sqlite3_mem_methods original;
static struct fault_counter memory;

/* Nobody may rely on what is in memory that is not his yet, or not his any more: in any build. */
static void *failing_malloc(int bytes) {
    void *memory_given = fault_counter_strikes(&memory) ? NULL : original.xMalloc(bytes);
    if (memory_given) memset(memory_given, NOBODYS, (size_t)bytes);
    return memory_given;
}

static void overwriting_free(void *old) {
    memset(old, NOBODYS, (size_t)original.xSize(old));
    original.xFree(old);
}

static void *failing_realloc(void *old, int bytes) {
    return fault_counter_strikes(&memory) ? NULL : original.xRealloc(old, bytes);
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
}

static bool is_no_memory(unsigned kind, unsigned error, int code, const char *message) {
    return (code & 0xff) == SQLITE_NOMEM || code == SQLITE_IOERR_NOMEM;
}

/* sqlite3_exec() without memory for its columns' names forgets why it stops when a virtual table's xClose asks SQLite
 * for anything; the connection still knows, or says what the statement had said before. */
static bool allocation_excuses(unsigned kind, unsigned error, int code, const char *message) {
    bool forgot = code == SQLITE_ROW && message;
    return is_no_memory(kind, error, code, message) ||
           (forgot && (!strcmp(message, "out of memory") || !strcmp(message, sqlite3_errstr(SQLITE_ROW))));
}

const struct fault_source sql_memory_faults = {.name = "memory",
                                               .what = "no memory",
                                               .kinds = 1,
                                               .counter = &memory,
                                               .excuses = allocation_excuses,
                                               .old_state = true};

/* --- the limit of the heap ---------------------------------------------------------------------------------------- */

static int64_t begun;

static unsigned units_taken(unsigned kind) {
    return (unsigned)((sqlite3_memory_highwater(0) - begun) / UNIT);
}

/* A limit of 0 would be none. */
static void limit_heap(unsigned kind, unsigned error, unsigned nth, bool stays) {
    begun = sqlite3_memory_used();
    sqlite3_memory_highwater(1);
    if (nth) sqlite3_hard_heap_limit64(begun + (int64_t)(nth - 1) * UNIT + 1);
}

static unsigned end_limit(void) {
    sqlite3_hard_heap_limit64(0);
    sqlite3_soft_heap_limit64(0); /* goes down with the hard one, and does not come back with it */
    return 1;
}

const struct fault_source sql_heap_limit_faults = {.name = "heap limit",
                                                   .what = "heap limit, in units of 16 KB",
                                                   .kinds = 1,
                                                   .calls = units_taken,
                                                   .arm = limit_heap,
                                                   .disarm = end_limit,
                                                   .excuses = is_no_memory,
                                                   .old_state = true};

/* --- SQLite's own points ------------------------------------------------------------------------------------------ */

static struct fault_counter point;
static bool asked;

/* 0 is the question whether this is installed. */
static int reached(int number) {
    return number && fault_counter_strikes(&point) ? SQLITE_NOMEM : SQLITE_OK;
}

static int answer(int number) {
    asked = true;
    return SQLITE_OK;
}

bool sql_fault_points_there(void) {
    asked = false;
    sqlite3_test_control(SQLITE_TESTCTRL_FAULT_INSTALL, answer);
    sqlite3_test_control(SQLITE_TESTCTRL_FAULT_INSTALL, reached);
    return asked;
}

/* Whatever it stands for there. */
static bool is_no_misuse(unsigned kind, unsigned error, int code, const char *message) {
    return (code & 0xff) != SQLITE_MISUSE && (code & 0xff) != SQLITE_INTERNAL;
}

const struct fault_source sql_fault_points = {
    .name = "SQLite's fault points", .what = "fault point", .kinds = 1, .counter = &point, .excuses = is_no_misuse};

sqlite3 *sql_memory_open(const char *path, const char *vfs) {
    sqlite3 *db;
    char *message = NULL;
    int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs);
    sqlite3_db_config(db, SQLITE_DBCONFIG_LOOKASIDE, NULL, 0, 0);
    sqlite3_extended_result_codes(db, 1);
    if (!rc) rc = sqlite3_art_init(db, &message, NULL);
    if (rc) fault_world_fail("cannot open %s: %d", path, rc);
    return db;
}

int sql_memory_try(sqlite3 *db, const char *sql, unsigned nth, bool stays, bool *struck) {
    fault_arm(&sql_memory_faults, 0, 0, nth, stays);
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    *struck = fault_disarm(&sql_memory_faults) > 0;
    return rc;
}
