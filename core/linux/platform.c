/* Linux, as core/base/platform.h asks for it; memory is machine.c's. */
#include "core/base/platform.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/statvfs.h>
#include <unistd.h>

bool art_platform_has_files(void) {
    return true;
}

int art_platform_random(void *out, size_t len) {
    uint8_t *at = out;
    while (len) {
        ssize_t n = getrandom(at, len, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return errno;
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

void *art_platform_reserve(size_t bytes, size_t alignment) {
    size_t mapped = bytes + alignment;
    /* cppcheck-suppress invalidFunctionArg ; without a file there is no offset into it, and -1 is the manual's fd */
    uint8_t *raw = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (raw == MAP_FAILED) return NULL;
    uint8_t *reserved = raw + (-(uintptr_t)raw & (alignment - 1));
    size_t before = (size_t)(reserved - raw);
    if (before) munmap(raw, before);
    munmap(reserved + bytes, mapped - before - bytes);
    /* cppcheck-suppress deallocret ; only what lies around it was given back */
    return reserved;
}

void art_platform_release(void *reserved, size_t bytes) {
    munmap(reserved, bytes);
}

bool art_platform_commit(void *at, size_t bytes) {
    (void)at;
    (void)bytes;
    return true;
}

void art_platform_discard(void *at, size_t bytes) {
    madvise(at, bytes, MADV_DONTNEED);
}

bool art_platform_huge_pages(void *at, size_t bytes, bool wanted) {
    return !madvise(at, bytes, wanted ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
}

bool art_platform_at_fork(void (*before)(void), void (*in_parent)(void), void (*in_child)(void)) {
    return !pthread_atfork(before, in_parent, in_child);
}

void art_platform_user(uint32_t *owner, uint32_t *group) {
    *owner = geteuid();
    *group = getegid();
}

uint64_t art_platform_room(const char *path) {
    struct statvfs attributes;
    /* ramfs and some of FUSE count no blocks */
    if (statvfs(path, &attributes) || !attributes.f_blocks) return UINT64_MAX;
    return (uint64_t)attributes.f_bavail * attributes.f_frsize;
}

char *art_platform_real_path(const char *path) {
    return realpath(path, NULL);
}

bool art_platform_says_full(int error) {
    return error == ENOSPC || error == EDQUOT;
}

bool art_platform_says_damaged(int error) {
    return error == EIO || error == EREMOTEIO || error == EBADMSG || error == EUCLEAN || error == ENODATA;
}
