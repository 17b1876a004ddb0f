#include "tests/support/sql_fault_points.h"

static struct fault_counter point;

/* 0 is the question whether this is installed. */
static int reached(int number) {
    return number && fault_counter_strikes(&point) ? SQLITE_NOMEM : SQLITE_OK;
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

static const char *describe(unsigned kind, unsigned error) {
    (void)kind;
    (void)error;
    return "fault point";
}

static void watch(void) {
    fault_counter_start(&point, 0, false);
}

static void arm(unsigned kind, unsigned error, unsigned nth, bool stays) {
    (void)kind;
    (void)error;
    fault_counter_start(&point, nth, stays);
}

static unsigned disarm(void) {
    return fault_counter_stop(&point);
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
    .errors = fault_one_error,
    .describe = describe,
    .watch = watch,
    .calls = calls,
    .arm = arm,
    .disarm = disarm,
    .excuses = excuses,
    .old_state = false,
};
