/* One of the twin databases of the differential model test: its connections, and how a step of the workload runs on
 * it. */
#ifndef ART_TESTS_TWIN_H
#define ART_TESTS_TWIN_H

#include "tests/support/workload.h"

enum { TWIN_CACHE = 8 };

struct twin {
    bool art;
    const char *directory;
    const struct workload_setting *setting;
    uint64_t seed;
    sqlite3 *db[WORKLOAD_CONNECTIONS];
    struct twin_cached {
        char *sql;
        sqlite3_stmt *statement;
    } cache[WORKLOAD_CONNECTIONS][TWIN_CACHE];
    unsigned next_cached;
    sqlite3_stmt *cursor[WORKLOAD_CONNECTIONS];
    char *cursor_key[WORKLOAD_CONNECTIONS];
};

void twin_open(struct twin *twin);
void twin_close(struct twin *twin);
void twin_close_cursor(struct twin *twin, int connection);

/* What a step did. */
struct outcome {
    int rc;
    char *message;
    char **rows;
    int row_count;
    int changes;
    sqlite3_int64 rowid;
    bool in_transaction;
};

void twin_run(struct twin *twin, const struct workload_step *step, struct outcome *out);
void outcome_clear(struct outcome *outcome);

#endif
