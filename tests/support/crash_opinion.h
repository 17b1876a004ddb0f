/* reader.py's opinion (second_opinion.h) on a disk that a crash left. */
#ifndef TESTS_CRASH_OPINION_H
#define TESTS_CRASH_OPINION_H

#include "tests/support/crash_rows.h"
#include "tests/support/world.h"

/* `db` has recovered the image, and read these rows from it; the reader recovers a copy by itself. False: *why. */
bool crash_opinion(sqlite3 *db, const struct world_image *image, const struct crash_rows *rows, char **why);

#endif
