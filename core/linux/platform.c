/* Linux, as core/base/platform.h asks for it. Memory: core/portable/posix.c; how much there is: machine.c. */
#include "core/base/platform.h"

#include <errno.h>
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

bool art_platform_huge_pages(void *at, size_t bytes, bool wanted) {
    return !madvise(at, bytes, wanted ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
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
