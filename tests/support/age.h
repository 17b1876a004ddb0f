/* Histories of tables that grow old: logs with retention, caches, queues by tenant. Each keeps about the same number of
 * rows alive and turns them over again and again.
 *
 *     log        keys rise over the whole table, the oldest go
 *     tenants    the same below each of 50 prefixes, in turn
 *     cache      rows anywhere get new values
 *     churn      rows anywhere go, others come elsewhere
 *     few-large  as `log`, beside ten small rows for each, which stay
 */
#ifndef ART_TESTS_AGE_H
#define ART_TESTS_AGE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

enum age_kind { AGE_LOG, AGE_TENANTS, AGE_CACHE, AGE_CHURN, AGE_FEW_LARGE, AGE_KINDS };
extern const char *const age_names[AGE_KINDS];

struct age {
    sqlite3 *db;
    enum age_kind kind;
    int64_t live;        /* rows that turn over */
    int value;           /* bytes of each one's value: half to one and a half times as many */
    int batch;           /* rows a transaction */
    int64_t first, next; /* numbers of the rows that are there */
    uint64_t random;
    double worst; /* ns, the longest transaction since it was last set to 0 */
    sqlite3_stmt *put, *drop, *drop_one;
};

/* Makes the table `t`, an art table with these options or an ordinary one (options NULL), and its first rows. */
void age_begin(struct age *age, const char *options);
/* Goes on until so many rows have come. */
void age_go_on(struct age *age, int64_t rows);
void age_end(struct age *age);
/* Bytes of keys and values that are there. */
int64_t age_live_bytes(struct age *age);

#endif
