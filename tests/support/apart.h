/* A part of a test in a child process: it can lose its rights, reach a limit or die, and the test goes on.
 *
 *     pid_t child = apart_begin();
 *     if (!child) _exit(work());
 *     ck_assert_int_eq(apart_end(child), 0);
 */
#ifndef ART_TESTS_APART_H
#define ART_TESTS_APART_H

#include <sys/types.h>

/* As fork(), with nothing left in the buffers of stdio; fails the test where there is no child. */
pid_t apart_begin(void);

/* Waits for the child. Its exit code; a signal fails the test. */
int apart_end(pid_t child);
/* Waits for the child. The signal that it died of; an exit fails the test. */
int apart_signal(pid_t child);

/* What the work returns in a child. */
int apart(int (*work)(void));

#endif
