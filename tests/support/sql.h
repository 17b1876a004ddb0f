/* SQL for tests: a connection with the extension in it, statements that must succeed, scratch directories.
 *
 * ART_EXTENSION       the extension to load (default ./art.so); "linked": the program has made it an automatic one
 * ART_TABLE_OPTIONS   added to every art table, for instance "storage=inline"
 *
 * What must succeed and does not ends the process with the statement and SQLite's message on stderr: these functions
 * are used in forked children, too, where Check's own assertions cannot be. Texts are formatted by sqlite3_mprintf.
 */
#ifndef ART_TESTS_SQL_H
#define ART_TESTS_SQL_H

#include <sqlite3.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "ext/art.h"

/* The text, which goes with the process: the caller frees nothing. TEXT(): as sqlite3_mprintf() writes it. */
char *kept(char *text);
void kept_clear(void); /* for long random tests: behind each round */
#define TEXT(...) kept(sqlite3_mprintf(__VA_ARGS__))

/* How this process reads and writes the .art files that it opens from here on: ART_IO and ART_DIRECT. NULL: as it
 * can. */
void sql_ways(const char *io, const char *direct);

sqlite3 *sql_open(const char *path);
sqlite3 *sql_open_as(const char *path, bool art); /* false: without the extension, for ordinary tables */
sqlite3 *sql_open_flags(const char *path, int flags);
void sql_close(sqlite3 *db);
void sql_register(sqlite3 *db); /* the extension, once more */

/* From here on the extension that is linked in: art_test_hooks is its own. */
static inline void sql_link(void) {
    setenv("ART_EXTENSION", "linked", 1);
    sqlite3_auto_extension((void (*)(void))sqlite3_art_init);
}

/* Are the blobs of every art table in rows of the database (ART_TABLE_OPTIONS="storage=inline")? */
bool sql_inline(void);
/* The same, said aloud: the test is about the .art file. */
bool sql_has_no_file(const char *test);

/* CREATE statement of an art table with these options ("" for none) and, if they name no storage, those of
 * ART_TABLE_OPTIONS. sqlite3_free() it. */
char *sql_create_text(const char *table, const char *options);

void sql_create(sqlite3 *db, const char *table, const char *options);

/* Runs one or more statements; the result code (extended), 0 when all is well. sqlite3_errmsg() says what went
 * wrong. */
int sql_try(sqlite3 *db, const char *format, ...);

void sql_run(sqlite3 *db, const char *format, ...);
void sql_vrun(sqlite3 *db, const char *format, va_list args);

/* A command of the module, INSERT INTO t(t) VALUES('flush'); nothing for a stand-in. `table` without its schema. */
void sql_command(sqlite3 *db, const char *schema, const char *table, const char *command);

/* First column of the first row: an integer, or 0 without a row. */
int64_t sql_int(sqlite3 *db, const char *format, ...);
/* What art_info('t') or art_debug('t') says of the property. */
int64_t sql_info(sqlite3 *db, const char *property);
/* Of table t. */
int64_t sql_sum_in(sqlite3 *db, const char *snapshot); /* of `value` */
bool sql_state_has(sqlite3 *db, const char *key);      /* a row of its T_artstate */
void sql_snapshot(sqlite3 *db, const char *name);
void sql_snapshot_drop(sqlite3 *db, const char *name);

/* All rows, columns joined by '|', each row ended by a line feed. sqlite3_free() it. */
char *sql_rows(sqlite3 *db, const char *format, ...);

/* A value of a row for people and comparisons: type and content, long ones as type, length and hash. */
void sql_append_value(sqlite3_str *out, sqlite3_stmt *statement, int column);

/* All rows as sql_append_value() writes them, with SQLite's error at the end if there was one; sqlite3_free() it. The
 * statement is the caller's, and reset. */
char *sql_answer(sqlite3_stmt *statement);
char *sql_answer_to(sqlite3 *db, const char *query); /* kept() */

/* The function draw(n): below n, as the generator says. */
struct random;
void sql_lend_draw(sqlite3 *db, struct random *random);

/* A collation for the tests' own names: as BINARY, up to the end of the shorter one. */
int sql_compare_bytes(void *unused, int a, const void *left, int b, const void *right);

/* Did the last statement fail since SQLite does not tell what a number means that is compared with a key by order? */
bool sql_is_undecided(sqlite3 *db);

/* From now on the connection's authorizer answers so (SQLITE_DENY, SQLITE_IGNORE) where these are asked for, NULL for
 * any; SQLITE_OK: there is none. */
void sql_forbid(sqlite3 *db, int answer, int action, const char *first, const char *second);

sqlite3_stmt *sql_prepare(sqlite3 *db, const char *format, ...);
sqlite3_stmt *sql_first_row(sqlite3 *db, const char *format, ...); /* it stands on it */

/* Goes through all rows, and finalizes it. The steps of SQLite's machine: each row that it looks at costs some. */
int sql_steps(sqlite3_stmt *statement);

/* A fresh directory below TMPDIR (default /tmp); sqlite3_free() the name. sql_scratch_remove() takes
 * what is in it along. */
char *sql_scratch(const char *name);
/* One that another user may reach, for tests in which root gives its rights up: where a folder above TMPDIR is closed
 * to others (root's home, say), it is below /var/tmp or /tmp. A test that finds neither open says that it is
 * skipped. */
char *sql_scratch_for_others(const char *name);
bool sql_reached_by_others(const char *directory);
void sql_scratch_remove(const char *directory);

/* The first file in the directory that ends in `suffix`, NULL when there is none; sqlite3_free() it. */
char *sql_find_file(const char *directory, const char *suffix);
/* Its bytes; there is one. */
int64_t sql_file_size(const char *directory, const char *suffix);
/* Into the file of that name if there is one. */
void sql_copy_file(const char *from, const char *to);

#endif
