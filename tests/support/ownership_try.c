#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/ownership.h"

enum { HANGS = 120 /* seconds */ };

static struct own_result *shared_result(void) {
    static struct own_result *shared;
    if (!shared) shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) abort();
    return shared;
}

void own_try(const struct own_script *script, const char *folder, struct own_result *out) {
    struct own_result *shared = shared_result();
    int status = 0;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        alarm(HANGS);
        own_run(script, folder, shared);
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) abort();
    *out = *shared;
    if (WIFEXITED(status) && !WEXITSTATUS(status)) return;
    out->failed = true;
    snprintf(out->why, sizeof out->why, "CRASH: the process ended with status %x", (unsigned)status);
}
