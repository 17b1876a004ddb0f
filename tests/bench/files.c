#include "tests/bench/files.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t sum;

static int add(const char *path, const struct stat *status, int type, struct FTW *at) {
    (void)path;
    (void)at;
    if (type == FTW_F) sum += (uint64_t)status->st_blocks * 512;
    return 0;
}

uint64_t files_bytes(const char *directory) {
    sum = 0;
    nftw(directory, add, 16, FTW_PHYS);
    return sum;
}

static int evict(const char *path, const struct stat *status, int type, struct FTW *at) {
    (void)status;
    (void)at;
    int file = type == FTW_F ? open(path, O_RDONLY) : -1;
    if (file >= 0) {
        fsync(file);
        posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
        close(file);
    }
    return 0;
}

void files_evict(const char *directory) {
    nftw(directory, evict, 16, FTW_PHYS);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *at) {
    (void)status;
    (void)type;
    (void)at;
    remove(path);
    return 0;
}

void files_remove(const char *directory) {
    nftw(directory, remove_one, 16, FTW_PHYS | FTW_DEPTH);
}

void files_make(const char *directory) {
    if (mkdir(directory, 0755) == 0) return;
    fprintf(stderr, "bench: cannot make %s: %s\n", directory, strerror(errno));
    exit(1);
}

static uint64_t number_in(const char *file, const char *name) {
    FILE *in = fopen(file, "r");
    char line[200];
    uint64_t number = 0;
    while (in && fgets(line, sizeof line, in)) {
        size_t len = strlen(name);
        if (!strncmp(line, name, len) && line[len] == ':') number = strtoull(line + len + 1, NULL, 10);
    }
    if (in) fclose(in);
    return number;
}

uint64_t process_io(const char *name) {
    return number_in("/proc/self/io", name);
}

uint64_t process_memory(void) {
    return number_in("/proc/self/status", "VmRSS") * 1024;
}
