/* What the tables of a crash test hold: an art table a, a second one that is dropped, made anew and renamed, an
 * ordinary table o; and an art table x in a second database, where one is attached. Each row's values follow from a
 * number (crash_form.h), which is a column of its own that the art tables may sum up. Which summary, keys and added
 * columns they have is a part of the state, too, and so are the snapshots of a. So a whole state of the databases is an
 * array of numbers, and a savepoint is a copy of it.
 *
 * A state has two parts, one a database: with rollback journals a crash leaves both of one state, with a WAL each
 * database commits by itself (sql/machines.md). */
#ifndef TESTS_CRASH_ROWS_H
#define TESTS_CRASH_ROWS_H

#include <sqlite3.h>

#include "tests/support/crash_form.h"

enum crash_table { CRASH_A, CRASH_B, CRASH_PLAIN, CRASH_X, CRASH_TABLES };
enum crash_part { CRASH_MAIN, CRASH_TWO, CRASH_PARTS };
enum { CRASH_SNAPSHOTS = 3 };

struct crash_rows {
    uint32_t value[CRASH_TABLES][CRASH_KEYS]; /* 0: no such row */
    bool second;                              /* there is a table of CRASH_B, called */
    char second_name;                         /* 'b', 'c' or 'd' */
    bool attached;                            /* there is a table of CRASH_X */
    uint8_t summary[CRASH_TABLES];            /* of an art table, below CRASH_SUMMARIES */
    uint8_t form[CRASH_TABLES];               /* of its keys */
    uint8_t notes[CRASH_TABLES];              /* added columns */
    uint64_t snapshot[CRASH_SNAPSHOTS];       /* of CRASH_A, s0 and so on: a hash of its rows; 0: no such one */
};

/* How often each kind of question was asked. */
struct crash_answers {
    uint64_t sums, hashes, lookups, searches, of_snapshots, notes, form[CRASH_FORMS], attached;
};

static inline enum crash_part crash_part_of(enum crash_table table) {
    return table == CRASH_X ? CRASH_TWO : CRASH_MAIN;
}
uint64_t crash_part_hash(const struct crash_rows *rows, enum crash_part part);
uint64_t crash_rows_hash(const struct crash_rows *rows); /* of both */
uint64_t crash_values_hash(const uint32_t *values);      /* of the rows of one table; never 0 */
bool crash_has_snapshots(const struct crash_rows *rows);
bool crash_has(const struct crash_rows *rows, enum crash_table table);
/* The name of a table as it is in this state. */
const char *crash_rows_name(const struct crash_rows *rows, enum crash_table table);
/* False: the database cannot be read, or holds what nobody has written, or sums up or finds something else; *why is
 * what was found, or an error with its code in brackets (sqlite3_free() it). `answers` (or NULL) counts on. */
bool crash_rows_read(sqlite3 *db, struct crash_rows *out, struct crash_answers *answers, char **why);
/* One table's rows, with what is behind its name: a condition, or a table that art_salvage makes. */
bool crash_table_read(sqlite3 *db, const char *from, enum crash_form form, unsigned notes, uint32_t *values,
                      char **why);
/* crash_answers.c: what sums, hashes, lookups, searches and snapshots answer, where these are the rows. */
bool crash_answers_check(sqlite3 *db, const struct crash_rows *rows, struct crash_answers *answers, char **why);
/* Where the two differ, for people. sqlite3_free() it. */
char *crash_rows_compare(const struct crash_rows *wanted, const struct crash_rows *found);

#endif
