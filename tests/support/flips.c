#include "tests/support/flips.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/random.h"
#include "tests/support/sanitized.h"

enum { STRIDE = SANITIZED ? 61 : 1 };

uint32_t flip_stride(void) {
    return STRIDE > 1 ? STRIDE : random_stride();
}

/* In memory that the workers share with the test. */
struct tally {
    uint64_t flips, seen[FLIP_VERDICTS];
    char failure[600], at[200];
};
static struct tally *mine;

void flip_at(const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(mine->at, sizeof mine->at, format, args);
    va_end(args);
}

void flip_note(enum flip_verdict verdict) {
    mine->flips++;
    mine->seen[verdict]++;
}

void flip_broken(const char *format, ...) {
    va_list args;
    if (mine->failure[0]) return; /* the first is enough */
    int n = snprintf(mine->failure, sizeof mine->failure, "%s: ", mine->at);
    va_start(args, format);
    vsnprintf(mine->failure + n, sizeof mine->failure - (size_t)n, format, args);
    va_end(args);
}

void flip_share(const char *what, bool all, void (*work)(unsigned worker)) {
    struct tally *tallies =
        mmap(NULL, FLIP_WORKERS * sizeof *tallies, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(tallies, MAP_FAILED);
    pid_t workers[FLIP_WORKERS];
    fflush(stdout);
    for (unsigned i = 0; i < FLIP_WORKERS; i++) {
        workers[i] = fork();
        ck_assert_int_ge(workers[i], 0);
        if (workers[i]) continue;
        mine = &tallies[i];
        work(i);
        fflush(stdout);
        _exit(0);
    }
    struct tally sum = {0};
    int status[FLIP_WORKERS];
    for (unsigned i = 0; i < FLIP_WORKERS; i++) ck_assert_int_eq(waitpid(workers[i], &status[i], 0), workers[i]);
    for (unsigned i = 0; i < FLIP_WORKERS; i++) {
        ck_assert_msg(!status[i], "%s: status %d at %s", what, status[i], tallies[i].at);
        ck_assert_msg(!tallies[i].failure[0], "%s: %s", what, tallies[i].failure);
        sum.flips += tallies[i].flips;
        for (int v = 0; v < FLIP_VERDICTS; v++) sum.seen[v] += tallies[i].seen[v];
    }
    printf("%s: %llu bits turned over (%s): %llu right, %llu corrupt, %llu other errors\n", what,
           (unsigned long long)sum.flips, all && flip_stride() == 1 ? "all" : "a sample",
           (unsigned long long)sum.seen[FLIP_RIGHT], (unsigned long long)sum.seen[FLIP_CORRUPT],
           (unsigned long long)sum.seen[FLIP_OTHER_ERROR]);
    fflush(stdout);
    ck_assert_uint_gt(sum.seen[FLIP_CORRUPT], 0);
    munmap(tallies, FLIP_WORKERS * sizeof *tallies);
}
