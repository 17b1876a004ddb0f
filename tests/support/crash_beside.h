/* What lies beside the tables of a crash test: a copy that art_backup() brings up to date, a published file, and what
 * salvage gives. */
#ifndef TESTS_CRASH_BESIDE_H
#define TESTS_CRASH_BESIDE_H

#include "tests/support/crash_work.h"

#define CRASH_COPY WORLD_FOLDER "copy.db"
#define CRASH_SITE WORLD_FOLDER "site.db"

/* What a copy may be: by the marks, of one of these states. A new one that a power loss has met may be anything that is
 * not whole. */
enum { CRASH_COPIES = 24 };
struct crash_copy {
    unsigned states[CRASH_COPIES], count;
    bool whole;     /* it is: else it may say that it is unfinished */
    bool was_whole; /* once: there is something */
};
void crash_copy_meet(struct crash_copy *copy, enum crash_mark mark, unsigned state);

/* Opens one database alone, as who does not know of the other does, and reads all of it. */
bool crash_read_alone(const char *name, char **why);

/* All of these: false, *why says (sqlite3_free() it) what is wrong.
 *
 * Is the copy that a crash has left one that may be? */
bool crash_copy_check(const struct crash_work *work, const struct crash_copy *copy, char **why);
/* Brings the copy up to date, and compares it. Where it is refused, as a table has another storage now, *refused. */
bool crash_copy_update(sqlite3 *db, const struct crash_work *work, const struct crash_rows *rows, bool *refused,
                       char **why);
bool crash_publish(sqlite3 *db, const struct crash_work *work, const struct crash_rows *rows, char **why);

/* Of all art tables: these rows, and nothing is lost; or, `damaged`, each row was there once, and whatever is not as in
 * `rows` lies in a range of art_lost. */
bool crash_salvage_check(sqlite3 *db, const struct crash_work *work, const struct crash_rows *rows, bool damaged,
                         char **why);

#endif
