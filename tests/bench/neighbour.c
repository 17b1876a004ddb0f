#include "tests/bench/neighbour.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINE = 64 };
static pid_t neighbour;

static void walk(volatile unsigned char *memory, size_t bytes) {
    for (;;) {
        for (size_t i = 0; i < bytes; i += LINE) memory[i]++;
        if (getppid() == 1) _exit(0);
    }
}

bool neighbour_start(unsigned megabytes) {
    size_t bytes = (size_t)megabytes << 20;
    unsigned char *memory = malloc(bytes);
    if (!memory) return false;
    neighbour = fork();
    if (neighbour == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        walk(memory, bytes);
    }
    free(memory);
    return neighbour > 0;
}

void neighbour_stop(void) {
    if (neighbour <= 0) return;
    kill(neighbour, SIGKILL);
    waitpid(neighbour, NULL, 0);
    neighbour = 0;
}
