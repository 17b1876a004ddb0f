/* What the tests use of POSIX and mingw's C library lacks; compiled in by -include. */
#ifndef TEST_PLATFORMS_WINDOWS_POSIX_H
#define TEST_PLATFORMS_WINDOWS_POSIX_H

#include <direct.h>
#include <errno.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define X_OK    0
#define S_IXOTH 0
#define srandom srand
#define random  rand

static inline int setenv(const char *name, const char *value, int replace) {
    (void)replace;
    return _putenv_s(name, value);
}

static inline int unsetenv(const char *name) {
    return _putenv_s(name, "");
}

static inline int geteuid(void) {
    return 1000;
}

static inline char *realpath(const char *path, char *out) {
    return _fullpath(out, path, 0);
}

/* The name ends in XXXXXX. */
static inline char *mkdtemp(char *name) {
    static unsigned number;
    for (int i = 0; i < 1000; i++) {
        snprintf(name + strlen(name) - 6, 7, "%06u", ((unsigned)_getpid() * 100 + number++) % 1000000);
        if (!_mkdir(name)) return name;
        if (errno != EEXIST) return NULL;
    }
    return NULL;
}

#endif
