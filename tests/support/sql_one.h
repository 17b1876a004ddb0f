/* What most programs of SQL work on: a folder of their own, and one database in it. Brings suite.h along. */
#ifndef ART_TESTS_SQL_ONE_H
#define ART_TESTS_SQL_ONE_H

#include "tests/support/sql_expect.h"
#include "tests/support/suite.h"

extern char *directory, *path, *copy_path; /* copy_path: copy.db beside it, which is not there yet */
extern sqlite3 *db;

/* For CASE and suite_run(). sql_tear_down() goes with all of them. */
void sql_set_up(void);
void sql_set_up_closed(void);     /* with db NULL: the program opens it, or something else */
void sql_set_up_for_others(void); /* in a folder that another user may reach (sql_scratch_for_others()) */
void sql_set_up_in_memory(void);  /* without a folder */
void sql_tear_down(void);

void sql_reopen(void);

/* What the shell makes of a command in the folder. */
int sql_shell(const char *format, ...);
/* art.so for programs without a sanitizer in them, as the shell sqlite3; NULL: this build's cannot be loaded there. */
const char *sql_extension_elsewhere(void);

/* Of db, as sql_run() does, and sql_command() of its table t. */
void run(const char *format, ...);
void command(const char *text);
/* fill_rows("INTO t(path, size)", 1, 500, "printf('%%05d', i), i * %d", 7): INSERT, with i from 1 to 500. */
void fill_rows(const char *into, int first, int rows, const char *values, ...);
/* Of db, as sql_expect() and sql_refused(). */
void expect(const char *expected, const char *query);
void refuses(int code, const char *words, const char *statement);
/* As sql_plan_has() and sql_plan_lacks(). What plan_says() wants sorts nothing, besides. */
void plan_has(const char *statement, const char *words);
void plan_lacks(const char *statement, const char *words);
void plan_says(const char *statement, const char *words);

/* The statement with parameters that are these values, in their order and over again, as SQL writes them: "5, x'61'".
 */
sqlite3_stmt *bound(const char *query, const char *values);

/* The art table t, and an ordinary one beside it with the same rows. In a text '@' is the table's name. */
extern const char *twin; /* its name: b, where the program says nothing else */
char *named(const char *text, int of_twin);
void both(const char *statement);
/* Both give the same rows; alike_as(): two texts do. */
void alike(const char *query);
void alike_bound(const char *query, const char *values);
void alike_as(const char *query, const char *ordinary);
/* The same error may end both, or the first is refused (sql_alike()). */
void alike_or_undecided(const char *query, const char *values);
/* Of the query on t, to its end (sql_steps()). */
int steps_of(const char *query, const char *values);

#endif
