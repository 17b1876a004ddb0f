/* A control group's limit holds for all groups below it, so the whole path is asked.
 *
 *   v2   /proc/self/cgroup has "0::PATH"            /sys/fs/cgroup PATH/memory.max, memory.high
 *   v1   /proc/self/cgroup has "N:..memory..:PATH"  /sys/fs/cgroup/memory PATH/memory.limit_in_bytes
 *
 * In a container PATH may be the one outside, which does not exist within: then what counts stands at the mount itself,
 * where the walk ends in any case. No limit is "max", or a number beyond any memory.
 */
#include "core/linux/machine.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/base/platform.h"
#include "core/linux/io_system.h"

enum { PATH_LEN = 4096, TEXT_LEN = 16384 }; /* the longest path of Linux; so much of /proc/self/cgroup is read */

static uint64_t least(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* The text of a file of the kernel's; no more of it than `size` allows. Without stdio, whose memory is not
 * SQLite's. */
static bool read_text(const char *path, char *out, size_t size) {
    int fd = art_system.open(path, O_RDONLY | O_CLOEXEC, 0);
    size_t len = 0;
    if (fd < 0) return false;
    for (ssize_t n; len < size - 1 && (n = read(fd, out + len, size - 1 - len)) > 0;) len += (size_t)n;
    close(fd);
    out[len] = 0;
    return true;
}

/* The number in a file; UINT64_MAX: none. */
static uint64_t number_in(const char *folder, const char *name) {
    char path[PATH_LEN + 300], text[32];
    int len = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (len >= (int)sizeof path || !read_text(path, text, sizeof text)) return UINT64_MAX;
    return *text >= '0' && *text <= '9' ? strtoull(text, NULL, 10) : UINT64_MAX;
}

/* `folder` is MOUNT PATH; upwards to the mount. */
static uint64_t least_on_the_way(char *folder, size_t mount, const char *const names[2]) {
    uint64_t limit = UINT64_MAX;
    for (;;) {
        for (unsigned i = 0; i < 2 && names[i]; i++) limit = least(limit, number_in(folder, names[i]));
        char *slash = strrchr(folder + mount, '/');
        if (!slash) return limit;
        *slash = 0;
    }
}

static uint64_t limit_of_line(const char *root, char *line) {
    static const char *const v2[2] = {"memory.max", "memory.high"}, *const v1[2] = {"memory.limit_in_bytes", NULL};
    char *controllers = strchr(line, ':'), *path = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!path) return UINT64_MAX;
    *controllers++ = *path++ = 0;
    bool unified = !*controllers;
    if (!unified && !strstr(controllers, "memory")) return UINT64_MAX;
    char folder[2 * PATH_LEN];
    int mount = snprintf(folder, sizeof folder, "%s/sys/fs/cgroup%s", root, unified ? "" : "/memory");
    int len = mount < PATH_LEN ? snprintf(folder + mount, sizeof folder - (size_t)mount, "%s", path) : -1;
    if (len < 0 || len >= (int)sizeof folder - mount) return UINT64_MAX;
    return least_on_the_way(folder, (size_t)mount, unified ? v2 : v1);
}

static uint64_t limit_of_groups(const char *root) {
    char path[PATH_LEN], text[TEXT_LEN];
    uint64_t limit = UINT64_MAX;
    int len = snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    if (len >= (int)sizeof path || !read_text(path, text, sizeof text)) return limit;
    for (char *line = text, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next) *next++ = 0;
        limit = least(limit, limit_of_line(root, line));
    }
    return limit;
}

uint64_t art_machine_memory_below(const char *root) {
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    uint64_t memory = pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : (uint64_t)1 << 30;
    struct rlimit space;
    if (!getrlimit(RLIMIT_AS, &space) && space.rlim_cur != RLIM_INFINITY) memory = least(memory, space.rlim_cur);
    return least(memory, limit_of_groups(root));
}

uint64_t art_platform_memory(void) {
    return art_machine_memory_below("");
}
