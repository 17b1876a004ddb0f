#include "tests/bench/files.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
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

static int warm(const char *path, const struct stat *status, int type, struct FTW *at) {
    static char bytes[1 << 20];
    (void)status;
    (void)at;
    int file = type == FTW_F ? open(path, O_RDONLY) : -1;
    while (file >= 0 && read(file, bytes, sizeof bytes) > 0) {
    }
    if (file >= 0) close(file);
    return 0;
}

void files_warm(const char *directory) {
    nftw(directory, warm, 16, FTW_PHYS);
}

static char largest[600];

static int look(const char *path, const struct stat *status, int type, struct FTW *at) {
    (void)at;
    if (type == FTW_F && (uint64_t)status->st_size > sum && strlen(path) < sizeof largest) {
        sum = (uint64_t)status->st_size;
        strcpy(largest, path);
    }
    return 0;
}

double files_sequential(const char *directory) {
    enum { PART = 1 << 20 };
    struct timespec begun, ended;
    void *buffer = NULL;
    ssize_t n = 0, all = 0;
    sum = 0;
    nftw(directory, look, 16, FTW_PHYS);
    int file = sum ? open(largest, O_RDONLY | O_DIRECT) : -1;
    if (file < 0 || posix_memalign(&buffer, 4096, PART)) return 0;
    clock_gettime(CLOCK_MONOTONIC, &begun);
    while ((n = read(file, buffer, PART)) > 0) all += n;
    clock_gettime(CLOCK_MONOTONIC, &ended);
    close(file);
    free(buffer);
    double ns = (double)(ended.tv_sec - begun.tv_sec) * 1e9 + (double)(ended.tv_nsec - begun.tv_nsec);
    return n == 0 && all ? ns / (double)all : 0;
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

uint64_t files_room(const char *directory) {
    struct statvfs room;
    return statvfs(directory, &room) == 0 ? (uint64_t)room.f_bavail * room.f_frsize : 0;
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
