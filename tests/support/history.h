/* Histories of the differential model test: steps of a workload on twin databases, one after another, compared.
 *
 * Both twins must agree on success or the class of failure, rows with their types and order, changes(),
 * last_insert_rowid(), and whether a transaction is open. In some histories of one connection the versions of all rows
 * are watched as well (versions.c).
 *
 * On a difference the steps are printed; ART_TEST_SHRINK leaves those that it takes (tests/support/shrink.h).
 */
#ifndef ART_TESTS_HISTORY_H
#define ART_TESTS_HISTORY_H

#include "tests/support/twin.h"

enum { HISTORY_STEPS = 420 };

/* What histories have met; in memory that forked children share. */
struct history_tally {
    int64_t statements, histories, with_rows, rows, in_transaction, busy, constraint, failed, versions_checked;
    int64_t opinions;
    int64_t ended; /* histories that ended early, since their twins were none any more */
    struct {
        int64_t met, worked, rows; /* worked: success; rows: returned or changed */
    } feature[WORKLOAD_FEATURES];
};
struct history_tally *history_tally(void);
/* For people: what was met how often. The number of features that never worked. */
int history_print_tally(const struct history_tally *tally);

extern const struct workload_setting history_settings[];
extern const int history_setting_count;

/* NULL when the twins agree to the end, else what differs, which has been reported. sqlite3_free() it. */
char *history_run(const struct workload_setting *setting, uint64_t seed);
/* The same with the choices that these bytes make, as many steps as they last. The seed says no more than what the
 * connections are like. */
char *history_run_fed(const struct workload_setting *setting, uint64_t seed, const uint8_t *data, size_t size);

struct pair {
    char *directory;
    const struct workload_setting *setting;
    struct twin art, plain;
    bool versions;
    sqlite3_int64 transaction; /* counts them, where versions are watched */
    /* A ROLLBACK may have taken temp.art_txn back: then the art twin's connection reads all schemas anew, which another
     * connection's lock on any of them can refuse. */
    bool rolled_back[WORKLOAD_CONNECTIONS];
    bool undisturbed[WORKLOAD_CONNECTIONS]; /* since its cursor was opened, the connection has only read */
    const char *broken;                     /* why the history ends early, by no fault of ours; NULL: it goes on */
};

/* versions.c: after a step, what is wrong with the versions that the art twin shows, or NULL. */
char *versions_check(struct pair *pair, const struct workload_step *step, const struct outcome *art, bool was_inside);

#endif
