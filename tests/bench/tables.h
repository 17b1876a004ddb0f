/* Tables of the programs here that ask SQL alone: opened with large caches, filled, copied. What fails ends the process
 * with a message. */
#ifndef ART_BENCH_TABLES_H
#define ART_BENCH_TABLES_H

#include <sqlite3.h>
#include <stdint.h>

#include "tests/support/random.h"

enum { BATCH_ROWS = 1000 }; /* of a transaction that fills a table */

/* A random order of [0, rows); free() it. */
uint32_t *tables_order(uint32_t rows, struct random *random);

/* The folder's t.db: WAL, synchronous=NORMAL, a cache of 1 GB for SQLite's own tables. */
sqlite3 *tables_open(const char *folder);
/* Makes `to`, with the t.db of `from` and the .art file that is there: a copy is a table of its own. */
void tables_copy(const char *from, const char *to);
/* 'optimize' and art_vacuum() of an art table `t`. */
void tables_put_in_order(sqlite3 *db);
int64_t tables_fact(sqlite3 *db, const char *property); /* of art_info('t') or art_debug('t') */

void tables_step(sqlite3_stmt *statement); /* to its end, and reset */
/* Binds and runs the statement for each number below `rows`, `batch` of them in a transaction: one transaction on each
 * of the databases in turn, so that the machine's moods meet all alike. Adds the processor's time to spent[], which may
 * be NULL. */
void tables_write(sqlite3 *const *db, int count, const char *sql, void (*bind)(sqlite3_stmt *, uint32_t), uint32_t rows,
                  uint32_t batch, double *spent);

/* The smaller of both; 0 is none yet. */
void tables_keep_best(double *best, double now);

#endif
