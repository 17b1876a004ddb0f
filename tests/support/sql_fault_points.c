#include "tests/support/sql_fault_points.h"

static struct {
    unsigned calls, nth, given;
    bool watching, stays;
} point;

/* 0 is the question whether this is installed. */
static int reached(int number) {
    if (!point.watching || !number) return SQLITE_OK;
    point.calls++;
    if (!point.nth || point.calls < point.nth || (point.calls > point.nth && !point.stays)) return SQLITE_OK;
    point.given++;
    return SQLITE_NOMEM;
}

static bool asked;

static int answer(int number) {
    (void)number;
    asked = true;
    return SQLITE_OK;
}

bool sql_fault_points_there(void) {
    asked = false;
    sqlite3_test_control(SQLITE_TESTCTRL_FAULT_INSTALL, answer);
    sqlite3_test_control(SQLITE_TESTCTRL_FAULT_INSTALL, reached);
    return asked;
}

static unsigned errors(unsigned kind) {
    (void)kind;
    return 1;
}

static const char *describe(unsigned kind, unsigned error) {
    (void)kind;
    (void)error;
    return "fault point";
}

static void start(unsigned nth, bool stays) {
    point.calls = point.given = 0;
    point.nth = nth;
    point.stays = stays;
    point.watching = true;
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
    point.watching = false;
    return point.given;
}

static unsigned calls(unsigned kind) {
    (void)kind;
    return point.calls;
}

static bool excuses(unsigned kind, unsigned error, int code, const char *message) {
    (void)kind;
    (void)error;
    (void)message;
    return (code & 0xff) != SQLITE_MISUSE && (code & 0xff) != SQLITE_INTERNAL; /* whatever it stands for there */
}

const struct fault_source sql_fault_points = {
    .name = "SQLite's fault points",
    .kinds = 1,
    .errors = errors,
    .describe = describe,
    .watch = watch,
    .calls = calls,
    .arm = arm,
    .disarm = disarm,
    .excuses = excuses,
    .old_state = false,
};
