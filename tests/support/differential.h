/* Programs that do and ask the same of an art table and an ordinary one, in random histories, with small blobs.
 *
 * The extension is linked in, and the linker puts a function of differential.c before art_tree_open() (--wrap, in the
 * Makefile), so that a few thousand rows make runs of several levels. At its end a program says how much it has
 * compared.
 *
 * ART_TEST_STATEMENTS=n: goes through all its tests again, with new seeds, until it has compared so many.
 */
#ifndef ART_TESTS_DIFFERENTIAL_H
#define ART_TESTS_DIFFERENTIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/support/random.h"
#include "tests/support/sql.h"
#include "tests/support/suite.h"

/* Of the blobs of all trees that are opened from now on. 0: full ones. */
extern uint32_t pages_of_blobs;

/* Statements are written once for both tables: of {t('a/')|plain} the art table gets the first part. sqlite3_free()
 * it. */
char *text_for(const char *text, bool art);

/* What a history does next: begins or ends a transaction or a savepoint, or gives table t a command, which is done
 * here; or else the program writes, or opens its connection again. */
enum next_step { STEP_DONE, STEP_WRITE, STEP_REOPEN };
enum next_step take_step(sqlite3 *db, struct random *random, unsigned *savepoints);

/* A history is over in which so many statements were given to both tables, or asked of both, and agreed. */
void note_compared(unsigned statements);

/* suite_run() over and over, until ART_TEST_STATEMENTS were compared. What main() returns. */
int differential_run(struct suite_case of);

#endif
