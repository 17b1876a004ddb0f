/* A load for killing: transaction n does the same on either table, an art table or an ordinary one.
 *
 * t has a summary or none, and another one now and then: `counter` says which.
 *
 * What it does follows from the seed and n alone, so that another process can do the same to an ordinary table in
 * memory and compare row by row. `u` is a second art table, with the numbers of t's last transactions.
 */
#ifndef ART_TESTS_KILL_LOAD_H
#define ART_TESTS_KILL_LOAD_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

struct target {
    sqlite3 *db;
    bool art;
};

/* Tables for target_open(): counter, and t and u, both art tables with these options, or ordinary ones (NULL). The
 * options begin with no column. */
void load_create(sqlite3 *db, const char *options);
struct target target_open(sqlite3 *db, bool art);
void target_close(struct target *target);
/* The n-th transaction, whole. */
void load_transaction(struct target *target, uint64_t seed, int64_t n);
/* How many are committed. */
int64_t load_counter(sqlite3 *db);
/* Both hold the same, or the process ends with a message. */
void load_compare(sqlite3 *db, sqlite3 *model, uint64_t seed);

#endif
