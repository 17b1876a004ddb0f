/* What the tables of a crash test hold: an art table a, a second one that is dropped, made anew and renamed, and an
 * ordinary table o; each row's value follows from a number, which is a column of its own that the art tables may sum
 * up: which summary they have is a part of the state, too, and so are the snapshots of a. So a whole state of the
 * database is an array of numbers, and a savepoint is a copy of it. */
#ifndef TESTS_CRASH_ROWS_H
#define TESTS_CRASH_ROWS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

enum crash_table { CRASH_A, CRASH_B, CRASH_PLAIN, CRASH_TABLES };
enum { CRASH_KEYS = 240, CRASH_FOLDERS = 8, CRASH_PATH_MAX = 24, CRASH_VALUE_MAX = 80000, CRASH_SNAPSHOTS = 3 };

struct crash_rows {
    uint32_t value[CRASH_TABLES][CRASH_KEYS]; /* 0: no such row */
    bool second;                              /* there is a table of CRASH_B, called */
    char second_name;                         /* 'b', 'c' or 'd' */
    uint8_t summary[CRASH_TABLES];            /* of an art table, below CRASH_SUMMARIES */
    uint64_t snapshot[CRASH_SNAPSHOTS];       /* of CRASH_A, s0 and so on: a hash of its rows; 0: no such one */
};

/* As CREATE and the command have it. */
extern const char *const crash_summaries[];
enum { CRASH_SUMMARIES = 4 };

uint64_t crash_rows_hash(const struct crash_rows *rows);
uint64_t crash_values_hash(const uint32_t *values); /* of the rows of one table; never 0 */
bool crash_has_snapshots(const struct crash_rows *rows);
/* The name of a table as it is in this state. */
const char *crash_rows_name(const struct crash_rows *rows, enum crash_table table);
/* Paths are in the order of their numbers. */
void crash_path(unsigned key, char out[CRASH_PATH_MAX]);
/* Borrowed until the next call. Most are short; some are cut into pieces, a few are too large for the log. */
const uint8_t *crash_value(uint32_t number, uint32_t *len);
/* False: the database cannot be read, or holds what nobody has written, or sums
 * up something else; *why is what was found (sqlite3_free() it). */
bool crash_rows_read(sqlite3 *db, struct crash_rows *out, char **why);
/* Where the two differ, for people. sqlite3_free() it. */
char *crash_rows_compare(const struct crash_rows *wanted, const struct crash_rows *found);

#endif
