#include "tests/support/apart.h"

#include <check.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t apart_begin(void) {
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    return child;
}

int apart_end(pid_t child) {
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status), "the child died of signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

int apart_signal(pid_t child) {
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFSIGNALED(status), "the child ended with code %d", WEXITSTATUS(status));
    return WTERMSIG(status);
}

int apart(int (*work)(void)) {
    pid_t child = apart_begin();
    if (!child) {
        int code = work();
        fflush(NULL);
        _exit(code);
    }
    return apart_end(child);
}
