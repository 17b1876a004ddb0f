/* The memory that this process may use, by control groups that a folder of files imitates. */
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/platform.h"
#include "core/linux/machine.h"
#include "tests/support/apart.h"
#include "tests/support/io_modes.h"
#include "tests/support/suite.h"

#define MB ((uint64_t)1 << 20)

static char root[512];

static void set_up(void) {
    snprintf(root, sizeof root, "%s/machine.XXXXXX", io_directory());
    ck_assert_ptr_nonnull(mkdtemp(root));
}

static void tear_down(void) {
    char command[600];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    ck_assert_int_eq(system(command), 0);
}

/* A file below the root, with the folders that it lies in. */
static void put(const char *path, const char *text) {
    char whole[1024];
    snprintf(whole, sizeof whole, "%s/%s", root, path);
    for (char *at = whole + strlen(root) + 1; (at = strchr(at, '/')); at++) {
        *at = 0;
        mkdir(whole, 0700);
        *at = '/';
    }
    FILE *file = fopen(whole, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

TEST(test_without_groups_it_is_the_machines) {
    uint64_t all = art_machine_memory_below(root);
    ck_assert_uint_gt(all, 16 * MB);
    put("proc/self/cgroup", "");
    ck_assert_uint_eq(art_machine_memory_below(root), all);
    put("proc/self/cgroup", "nonsense\n0:\n::\n0::/nowhere/at/all\n4:memory:/nowhere\n");
    ck_assert_uint_eq(art_machine_memory_below(root), all);
    put("sys/fs/cgroup/memory.max", "max\n");
    put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    ck_assert_uint_eq(art_machine_memory_below(root), all);
    ck_assert_uint_le(art_platform_memory(), all);
}

TEST(test_the_least_limit_above_the_group_counts) {
    put("proc/self/cgroup", "0::/user.slice/app.service/worker\n");
    put("sys/fs/cgroup/user.slice/memory.max", "12582912\n");
    put("sys/fs/cgroup/user.slice/app.service/memory.max", "max\n");
    put("sys/fs/cgroup/user.slice/app.service/worker/memory.max", "15728640\n");
    ck_assert_uint_eq(art_machine_memory_below(root), 12 * MB);
    put("sys/fs/cgroup/user.slice/app.service/worker/memory.high", "8388608\n");
    ck_assert_uint_eq(art_machine_memory_below(root), 8 * MB);
    put("sys/fs/cgroup/memory.max", "4194304\n"); /* of a container, whose own root it is */
    ck_assert_uint_eq(art_machine_memory_below(root), 4 * MB);
}

TEST(test_the_first_version_of_groups_counts_too) {
    put("proc/self/cgroup", "9:name=systemd:/\n5:cpu,memory:/docker/0123\n0::/\n");
    put("sys/fs/cgroup/memory/memory.limit_in_bytes", "10485760\n");
    ck_assert_uint_eq(art_machine_memory_below(root), 10 * MB); /* within, the path of outside is not there */
    put("sys/fs/cgroup/memory/docker/0123/memory.limit_in_bytes", "5242880\n");
    ck_assert_uint_eq(art_machine_memory_below(root), 5 * MB);
}

TEST(test_a_long_path_is_no_group) {
    static char line[9000];
    memset(line, 'x', sizeof line - 1);
    memcpy(line, "0::/", 4);
    uint64_t all = art_machine_memory_below(root);
    put("proc/self/cgroup", line);
    ck_assert_uint_eq(art_machine_memory_below(root), all);
    ck_assert_uint_gt(art_machine_memory_below(line), 16 * MB);
}

TEST(test_the_limit_of_the_address_space_counts) {
    pid_t child = apart_begin();
    if (child == 0) {
        struct rlimit limit = {512 * MB, 512 * MB}, now = limit;
        setrlimit(RLIMIT_AS, &limit);
        getrlimit(RLIMIT_AS, &now);
        if (now.rlim_cur != limit.rlim_cur) _exit(2);
        _exit(art_platform_memory() <= 512 * MB ? 0 : 1);
    }
    int end = apart_end(child);
    if (end == 2) {
        printf("SKIPPED test_the_limit_of_the_address_space_counts: an emulator that sets no such limit\n");
        return;
    }
    ck_assert_int_eq(end, 0);
}

SUITE("machine", .set_up = set_up, .tear_down = tear_down)
