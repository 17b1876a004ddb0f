/* Histories of tables that grow old: they keep about the same number of rows alive and turn them over again and again.
 *
 *     log        keys rise over the whole table, the oldest go: a log with retention, an outbox
 *     tenants    the same below each of 50 prefixes, in turn
 *     cache      rows anywhere get new values
 *     churn      rows anywhere go, others come elsewhere
 *     few-large  as `log`, beside ten small rows for each, which stay
 *
 * The same history goes to an art table and to an ordinary one.
 */
#ifndef ART_TESTS_AGE_H
#define ART_TESTS_AGE_H

#include <sqlite3.h>
#include <stdint.h>

#include "tests/support/random.h"

enum age_kind { AGE_LOG, AGE_TENANTS, AGE_CACHE, AGE_CHURN, AGE_FEW_LARGE, AGE_KINDS };
extern const char *const age_names[AGE_KINDS];

struct age {
    sqlite3 *db;
    enum age_kind kind;
    int64_t live;        /* rows that turn over */
    int value;           /* bytes of each one's value: half to one and a half times as many */
    int batch;           /* rows a transaction */
    int64_t first, next; /* numbers of the rows that are there */
    struct random random;
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
/* Bytes of all files in a folder. */
int64_t age_folder_bytes(const char *folder);

#endif
