/* Bits turned over one at a time, each followed by a full read, by two processes that share the work: what test_flips.c
 * and test_flips_sql.c have in common. */
#ifndef TESTS_FLIPS_H
#define TESTS_FLIPS_H

#include <stdbool.h>
#include <stdint.h>

enum flip_verdict { FLIP_RIGHT, FLIP_CORRUPT, FLIP_OTHER_ERROR, FLIP_VERDICTS };

enum { FLIP_WORKERS = 2 };

/* Of so many bits one is turned over: 1, or more where a sanitizer makes everything slow, or a part is asked for; odd,
 * so that it is not always the same bits of a byte. */
uint32_t flip_stride(void);

/* Runs work(0) and work(1) in processes of their own, and prints what they have seen together; `all`: is that every bit
 * there is, but for the stride? A crash, and what flip_broken() was told, fail the test. */
void flip_share(const char *what, bool all, void (*work)(unsigned worker));

/* Within work(): where we are, for messages, also after a crash; what a flip led to; a promise that is broken. */
void flip_at(const char *format, ...) __attribute__((format(printf, 1, 2)));
void flip_note(enum flip_verdict verdict);
void flip_broken(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
