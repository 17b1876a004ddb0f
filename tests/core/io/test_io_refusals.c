/* Kernels, limits and file systems that refuse what we would like, and files that we must refuse: each met for real
 * where this machine lets us, in a child process where the change would stick. */
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "tests/support/apart.h"
#include "tests/support/io_faults.h"
#include "tests/support/io_modes.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"

enum { REQUESTS = IO_ROUND_TRIP, CHILD_SKIPPED = 77 };

static char path[512], other_path[512];
static struct art_io *io, *inherited;
static struct art_blob_pool *pool, *inherited_pool;

static void name_files(const char *test) {
    snprintf(path, sizeof path, "%s/%s.%ld.art", io_directory(), test, (long)getpid());
    snprintf(other_path, sizeof other_path, "%s/%s.%ld.other", io_directory(), test, (long)getpid());
    unlink(path);
    unlink(other_path);
}

static void close_file(void) {
    art_io_close(io);
    io = NULL;
    unlink(path);
}

static void tear_down(void) {
    io_fault_nothing();
    close_file();
    unlink(other_path);
    art_blob_pool_close(pool);
    pool = NULL;
}

#define CHILD_EXPECT(condition)                                                                                        \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: in a child: %s (%s)\n", __FILE__, __LINE__, #condition, art_error_message());      \
            return 1;                                                                                                  \
        }                                                                                                              \
    } while (0)

/* ---- files that are refused -------------------------------------------------------------------------------------- */

static void must_refuse(const char *what, bool read_only) {
    struct art_io *io;
    struct art_file_options options = {.path = path, .read_only = read_only};
    int rc = art_disk_system()->methods->open(art_disk_system(), &options, &io);
    ck_assert_msg(rc == ART_CANTOPEN, "%s: %s", what, art_error_name(rc));
    ck_assert_ptr_null(io);
    ck_assert_ptr_nonnull(strstr(art_error_message(), path));
}

TEST(test_only_regular_files_are_opened) {
    name_files("refused");
    for (int read_only = 0; read_only < 2; read_only++) {
        ck_assert_int_eq(mkfifo(path, 0600), 0);
        must_refuse("a pipe", read_only); /* and does not wait for its other end */
        unlink(path);
        ck_assert_int_eq(mkdir(path, 0700), 0);
        must_refuse("a directory", read_only);
        rmdir(path);
        FILE *file = fopen(other_path, "w");
        fclose(file);
        ck_assert_int_eq(symlink(other_path, path), 0);
        must_refuse("a symbolic link", read_only);
        struct art_file_identity identity;
        ck_assert_int_eq(art_disk_system()->methods->stat(art_disk_system(), path, &identity), ART_OK); /* follows */
        unlink(path);
        unlink(other_path);
        snprintf(path, sizeof path, "/dev/null");
        must_refuse("a device", read_only);
        name_files("refused");
    }
}

TEST(test_permissions_of_a_new_file_are_as_asked_whatever_the_umask) {
    name_files("permissions");
    mode_t old = umask(077);
    struct art_file_options options = {
        .path = path, .create = true, .permissions = 0664, .owner = geteuid(), .group = getegid()};
    must(art_disk_system()->methods->open(art_disk_system(), &options, &io));
    umask(old);
    struct art_file_identity identity;
    must(io->methods->identity(io, &identity));
    ck_assert_uint_eq(identity.permissions, 0664);
    ck_assert_uint_eq(identity.owner, geteuid());
}

TEST(test_a_new_file_gets_the_owner_of_its_database) {
    if (geteuid()) {
        io_skip("a new file's owner", "only root may give files away");
        return;
    }
    name_files("owner");
    struct art_file_options options = {
        .path = path, .create = true, .permissions = 0600, .owner = 12345, .group = 54321};
    struct art_file_identity identity;
    must(art_disk_system()->methods->open(art_disk_system(), &options, &io));
    must(io->methods->identity(io, &identity));
    if (identity.owner != 12345) io_skip("a new file's owner", "this root may not give files away");
    if (identity.owner == 12345) ck_assert_uint_eq(identity.group, 54321);
}

TEST(test_the_folder_of_a_name_is_synced_wherever_it_is) {
    struct art_disk *disk = art_disk_system();
    must(disk->methods->sync_directory(disk, "in-the-current-folder.art"));
    must(disk->methods->sync_directory(disk, "/in-the-root.art"));
    ck_assert_int_eq(disk->methods->sync_directory(disk, "/no/such/folder/x.art"), ART_CANTOPEN);
    ck_assert_ptr_nonnull(strstr(art_error_message(), "(/no/such/folder)"));
}

/* ---- O_DIRECT refused -------------------------------------------------------------------------------------------- */

TEST(test_files_in_memory_file_systems_are_buffered) {
    struct statfs attributes;
    if (statfs("/dev/shm", &attributes) || attributes.f_type != TMPFS_MAGIC || access("/dev/shm", W_OK)) {
        io_skip("buffered on tmpfs", "/dev/shm is no tmpfs that we may write to");
        return;
    }
    snprintf(path, sizeof path, "/dev/shm/test_io.%ld.art", (long)getpid());
    unlink(path);
    must(art_blob_pool_open(&pool, 4));
    ck_assert_int_eq(io_file_open(path, ART_ENGINE_AUTO, ART_DIRECT_ON, true, pool, &io), ART_CANTOPEN);
    ck_assert_ptr_nonnull(strstr(art_error_message(), "ART_DIRECT=on"));
    ck_assert_int_eq(access(path, F_OK), -1);
    must(io_file_open(path, ART_ENGINE_AUTO, ART_DIRECT_AUTO, true, pool, &io));
    ck_assert(!io->direct);
    ck_assert(io_round_trip(io, pool, 1));
}

/* Each row is a file system; `error` FAULT_SHORT tells the alignment that it asks for. */
static const struct {
    const char *what, *call;
    int error;
    uint32_t alignment;
    bool direct;
} file_systems[] = {
    {"asks for 8 KB", "direct_alignment", FAULT_SHORT, 8192, false},
    {"says that direct I/O is impossible", "direct_alignment", FAULT_SHORT, 0, false},
    {"asks for 4 KB", "direct_alignment", FAULT_SHORT, 4096, true},
    {"does not say", "direct_alignment", EOPNOTSUPP, 0, true},
    {"refuses the flag", "set_flags", EINVAL, 0, false},
};

LOOP_TEST(test_direct_io_is_used_where_pages_are_aligned_enough, (int)(sizeof file_systems / sizeof *file_systems)) {
    name_files("alignment");
    if (io_file_open(path, ART_ENGINE_AUTO, ART_DIRECT_ON, true, NULL, &io)) {
        if (!_i) io_skip("alignment of direct I/O", art_error_message());
        return;
    }
    art_io_close(io);
    io = NULL;
    for (int insist = 0; insist < 2; insist++) {
        io_fault(file_systems[_i].call, 1, 1, file_systems[_i].error, file_systems[_i].alignment);
        int rc = io_file_open(path, ART_ENGINE_AUTO, insist ? ART_DIRECT_ON : ART_DIRECT_AUTO, false, NULL, &io);
        io_fault_nothing();
        ck_assert_msg(rc == (insist && !file_systems[_i].direct ? ART_CANTOPEN : ART_OK), "%s", file_systems[_i].what);
        if (rc) continue;
        ck_assert_msg(io->direct == file_systems[_i].direct, "%s", file_systems[_i].what);
        art_io_close(io);
        io = NULL;
    }
}

/* All that is in flight was begun as direct I/O: each of them is refused, and the first refusal has already turned the
 * file. */
TEST(test_every_direct_transfer_in_flight_may_be_refused_and_goes_on_buffered) {
    if (!io_has_ring("refused direct transfers in flight")) return;
    must(art_blob_pool_open(&pool, 0));
    for (unsigned first = 1; first <= REQUESTS + 1; first += REQUESTS) { /* the writes, or the reads */
        name_files("einvals");
        must(io_file_open(path, ART_ENGINE_URING, ART_DIRECT_AUTO, true, pool, &io));
        if (!io->direct) {
            io_skip("refused direct transfers in flight", "no direct I/O here");
        } else {
            io_fault("ring_result", first, REQUESTS, EINVAL, 0);
            ck_assert_msg(io_round_trip(io, pool, 7), "%s", art_error_message());
            ck_assert(!io->direct);
            ck_assert_uint_eq(io_faults_given(), REQUESTS);
            io_fault("ring_result", 2, 1, EINVAL, 0);
            ck_assert(io_round_trip(io, pool, 8)); /* buffered it is the ring's */
            ck_assert_str_eq(io->engine, "pwrite");
            io_fault_nothing();
        }
        close_file();
    }
}

/* Some file systems take the flag and refuse the transfer. */
TEST(test_a_refused_direct_transfer_turns_to_buffered_io_unless_insisted) {
    static const char *const calls[2][2] = {{"pwrite", "pread"}, {"ring_result", "ring_result"}};
    must(art_blob_pool_open(&pool, 0));
    for (int uring = 0; uring < 2; uring++) {
        if (uring && !io_has_ring("refused direct transfers of the ring")) continue;
        name_files("einval");
        enum art_engine engine = uring ? ART_ENGINE_URING : ART_ENGINE_PWRITE;
        if (io_file_open(path, engine, ART_DIRECT_ON, true, pool, &io)) {
            io_skip("refused direct transfers", art_error_message());
            break;
        }
        io_fault(calls[uring][0], 2, 3, EINVAL, 0);
        ck_assert(!io_round_trip(io, pool, 1));
        ck_assert_ptr_nonnull(strstr(art_error_message(), "ART_DIRECT=off"));
        ck_assert(io->direct);
        art_io_close(io);
        must(io_file_open(path, engine, ART_DIRECT_AUTO, false, pool, &io));
        ck_assert(io->direct);
        io_fault(calls[uring][0], 2, 1, EINVAL, 0);
        ck_assert(io_round_trip(io, pool, 2));
        ck_assert(!io->direct);
        io_fault_nothing();
        close_file();
    }
}

/* It goes by a descriptor that was never for direct I/O. */
TEST(test_a_refused_read_through_the_page_cache_leaves_direct_io_as_it_is) {
    struct art_blob_buf buffer;
    must(art_blob_pool_open(&pool, 0));
    must(art_blob_buf_get(pool, &buffer));
    name_files("einval-cached");
    must(io_file_open(path, ART_ENGINE_PWRITE, ART_DIRECT_AUTO, true, pool, &io));
    if (io->direct && io->cached) {
        struct art_io_request page = {buffer.data, ART_PAGE, 0};
        ck_assert(io_round_trip(io, pool, 1));
        io_fault("pread", 1, 1, EINVAL, 0);
        ck_assert_int_eq(art_io_read_from(io, &page, 1, ART_READ_CACHED), ART_IO);
        ck_assert(io->direct);
        io_fault_nothing();
        must(art_io_read_from(io, &page, 1, ART_READ_CACHED));
    } else {
        io_skip("refused reads beside direct I/O", "no direct I/O here");
    }
    close_file();
    art_blob_buf_put(&buffer);
}

/* ---- the ring refused -------------------------------------------------------------------------------------------- */

/* From now on this process gets EPERM from that system call. False: we may not filter. */
static bool deny(long number) {
#if defined(__x86_64__) || defined(__aarch64__)
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) && !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
#else
    return false;
#endif
}

static int refused_before_the_first_ring(void) {
    struct art_blob_pool *pool;
    struct art_io *io, *later;
    CHILD_EXPECT(!art_blob_pool_open(&pool, REQUESTS));
    CHILD_EXPECT(!io_file_open(path, ART_ENGINE_URING, ART_DIRECT_AUTO, true, pool, &io));
    CHILD_EXPECT(!strcmp(io->engine, "uring"));
    if (!deny(__NR_io_uring_setup)) return CHILD_SKIPPED;
    CHILD_EXPECT(!art_io_uring_available());
    CHILD_EXPECT(io_round_trip(io, pool, 1));
    CHILD_EXPECT(!strcmp(io->engine, "pwrite"));
    CHILD_EXPECT(!io_file_open(path, ART_ENGINE_AUTO, ART_DIRECT_AUTO, false, pool, &later));
    CHILD_EXPECT(!strcmp(later->engine, "pwrite")); /* known by now */
    art_io_close(later);
    art_io_close(io);
    art_blob_pool_close(pool);
    return 0;
}

/* A sandbox that closes behind us: the ring is there, but takes and gives nothing any more. */
static int refused_with_writes_in_flight(void) {
    struct art_blob_pool *pool;
    struct art_io *io;
    struct art_blob_buf buf;
    CHILD_EXPECT(!art_blob_pool_open(&pool, REQUESTS));
    CHILD_EXPECT(!io_file_open(path, ART_ENGINE_URING, ART_DIRECT_AUTO, true, pool, &io));
    CHILD_EXPECT(!art_blob_buf_get_zeroed(pool, &buf));
    CHILD_EXPECT(!art_io_write(io, &(struct art_io_request){buf.data, ART_BLOB_SIZE, 9 * ART_BLOB_SIZE}, 1));
    if (!deny(__NR_io_uring_enter)) return CHILD_SKIPPED;
    CHILD_EXPECT(io_round_trip(io, pool, 1));
    CHILD_EXPECT(!strcmp(io->engine, "pwrite"));
    art_blob_buf_put(&buf);
    art_io_close(io);
    art_blob_pool_close(pool);
    return 0;
}

static void expect_of_child(const char *test, int (*work)(void), const char *why) {
    name_files(test);
    if (!io_has_ring(test)) return;
    int code = apart(work);
    if (code == CHILD_SKIPPED) io_skip(test, why);
    ck_assert(code == CHILD_SKIPPED || code == 0);
    unlink(path);
}

TEST(test_a_kernel_that_refuses_rings_is_met_with_pwrite) {
    expect_of_child("ring_refused", refused_before_the_first_ring, "we may not filter system calls");
}

TEST(test_a_sandbox_that_closes_behind_the_ring_loses_nothing) {
    expect_of_child("enter_refused", refused_with_writes_in_flight, "we may not filter system calls");
}

/* The next pool often has the addresses of the last one, and other pages behind them. */
TEST(test_a_ring_knows_no_buffers_of_a_pool_that_was_closed) {
    if (!io_has_ring("buffers of a closed pool")) return;
    for (int i = 0; i < 4; i++) {
        struct art_io *io, *other;
        name_files("pools");
        must(art_blob_pool_open(&pool, 2 * REQUESTS));
        must(io_file_open(path, ART_ENGINE_URING, ART_DIRECT_AUTO, true, pool, &io));
        must(io_file_open(other_path, ART_ENGINE_URING, ART_DIRECT_AUTO, true, NULL, &other));
        ck_assert(io_round_trip(io, pool, 16 * i));
        ck_assert(io_round_trip(other, pool, 16 * i + 8));
        art_io_close(other);
        tear_down();
    }
}

/* ---- descriptors that are shared --------------------------------------------------------------------------------- */

static void write_page(const char *name, int byte) {
    struct art_io *io;
    static _Alignas(ART_PAGE) uint8_t page[ART_PAGE];
    memset(page, byte, sizeof page);
    must(io_file_open(name, ART_ENGINE_PWRITE, ART_DIRECT_AUTO, true, NULL, &io));
    must(art_io_write(io, &(struct art_io_request){page, ART_PAGE, 0}, 1));
    art_io_close(io);
}

static enum art_rc read_page(struct art_io *io, enum art_read from, int *byte) {
    static _Alignas(ART_PAGE) uint8_t page[ART_PAGE];
    struct art_io_request request = {page, ART_PAGE, 0};
    enum art_rc rc = art_io_read_from(io, &request, 1, from);
    *byte = page[0];
    return rc;
}

static struct art_io *reader(void) {
    struct art_file_options options = {.path = path, .read_only = true};
    struct art_io *io;
    must(art_disk_system()->methods->open(art_disk_system(), &options, &io));
    return io;
}

TEST(test_readers_of_a_replaced_file_read_what_each_has_opened) {
    int byte;
    name_files("replaced");
    write_page(path, 'a');
    struct art_io *first = reader(), *second = reader();
    write_page(other_path, 'b');
    ck_assert_int_eq(rename(other_path, path), 0);
    struct art_io *third = reader();
    ck_assert(!read_page(first, ART_READ_CACHED, &byte) && byte == 'a');
    ck_assert(!read_page(third, ART_READ_CACHED, &byte) && byte == 'b');
    ck_assert(!read_page(third, ART_READ_DEVICE, &byte) && byte == 'b');
    enum art_rc rc = read_page(first, ART_READ_DEVICE, &byte); /* may want to open the file once more */
    ck_assert(rc ? rc == ART_CANTOPEN && first->cached : byte == 'a');
    art_io_close(first);
    ck_assert(!read_page(second, ART_READ_CACHED, &byte) && byte == 'a');
    art_io_close(second);
    ck_assert(!read_page(third, ART_READ_CACHED, &byte) && byte == 'b');
    art_io_close(third);
}

static int open_what_the_parent_shares(void) {
    int byte;
    CHILD_EXPECT(read_page(inherited, ART_READ_CACHED, &byte) == ART_FORKED);
    struct art_io *own = reader();
    CHILD_EXPECT(!read_page(own, ART_READ_CACHED, &byte) && byte == 'a');
    art_io_close(inherited);
    CHILD_EXPECT(!read_page(own, ART_READ_DEVICE, &byte) && byte == 'a');
    art_io_close(own);
    return 0;
}

TEST(test_a_child_reads_by_a_descriptor_of_its_own) {
    int byte;
    name_files("fork_shared");
    write_page(path, 'a');
    inherited = reader();
    ck_assert_int_eq(apart(open_what_the_parent_shares), 0);
    ck_assert(!read_page(inherited, ART_READ_CACHED, &byte) && byte == 'a');
    art_io_close(inherited);
}

/* ---- RLIMIT_MEMLOCK ---------------------------------------------------------------------------------------------- */

static bool drop_memlock_privilege(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[2] = {{0, 0, 0}, {0, 0, 0}};
    if (syscall(SYS_capget, &header, sets)) return false;
    sets[0].effective &= ~(1u << CAP_IPC_LOCK);
    sets[0].permitted &= ~(1u << CAP_IPC_LOCK);
    sets[0].inheritable &= ~(1u << CAP_IPC_LOCK);
    return !syscall(SYS_capset, &header, sets);
}

static uint32_t memlock_limit;

static int with_little_memlock(void) {
    struct rlimit limit = {memlock_limit, memlock_limit};
    if (!drop_memlock_privilege() || setrlimit(RLIMIT_MEMLOCK, &limit)) return CHILD_SKIPPED;
    struct art_blob_pool *pool;
    struct art_io *io;
    CHILD_EXPECT(!art_blob_pool_open(&pool, REQUESTS));
    CHILD_EXPECT(!io_file_open(path, ART_ENGINE_URING, ART_DIRECT_AUTO, true, pool, &io));
    io_fault("ring_register_buffers", 0, 0, 0, 0); /* counts the tries: 8 slots, 4, 2, 1 */
    CHILD_EXPECT(io_round_trip(io, pool, 1));
    unsigned tries = io_fault_calls();
    /* Newer kernels count the ring itself, and what other rings of this user hold until they are torn down. */
    bool refused = !strcmp(io->engine, "pwrite") && !tries;
    CHILD_EXPECT(refused || !strcmp(io->engine, "uring"));
    CHILD_EXPECT(refused || tries == 4 || (tries == 3 && memlock_limit >= 2 * ART_BLOB_SIZE));
    if (refused && memlock_limit) io_skip("memlock", "the ring itself was refused, by what other rings hold");
    art_io_close(io);
    art_blob_pool_close(pool);
    return 0;
}

TEST(test_too_little_memlock_means_fewer_or_no_registered_buffers) {
    static const uint32_t limits[] = {0, ART_BLOB_SIZE / 2, 3 * ART_BLOB_SIZE};
    for (unsigned i = 0; i < 3; i++) {
        memlock_limit = limits[i];
        expect_of_child("memlock", with_little_memlock, "we may not lower our own limits");
    }
}

/* ---- fork -------------------------------------------------------------------------------------------------------- */

static int use_what_came_through_fork(void) {
    uint64_t size;
    struct art_blob_buf buf;
    CHILD_EXPECT(!art_blob_buf_get_zeroed(inherited_pool, &buf));
    struct art_io_request request = {buf.data, ART_PAGE, 0};
    const struct art_io_methods *methods = inherited->methods;
    CHILD_EXPECT(art_io_read(inherited, &request, 1) == ART_FORKED);
    CHILD_EXPECT(art_io_write(inherited, &request, 1) == ART_FORKED);
    CHILD_EXPECT(art_io_wait(inherited) == ART_FORKED);
    CHILD_EXPECT(art_io_sync(inherited) == ART_FORKED);
    CHILD_EXPECT(methods->size(inherited, &size) == ART_FORKED);
    CHILD_EXPECT(methods->truncate(inherited, 0) == ART_FORKED);
    CHILD_EXPECT(methods->lock(inherited) == ART_FORKED);
    methods->unlock(inherited); /* must not take the parent's lock away */
    struct art_io *own;
    CHILD_EXPECT(!io_file_open(path, ART_ENGINE_AUTO, ART_DIRECT_AUTO, false, inherited_pool, &own));
    CHILD_EXPECT(own->methods->lock(own) == ART_BUSY);
    art_io_close(inherited);
    CHILD_EXPECT(own->methods->lock(own) == ART_BUSY);
    art_io_close(own);
    return 0;
}

static void fork_with_writes_in_flight(enum art_engine engine) {
    struct art_blob_buf buffers[REQUESTS];
    struct art_io_request requests[REQUESTS];
    name_files("fork");
    must(art_blob_pool_open(&inherited_pool, 2 * REQUESTS));
    must(io_file_open(path, engine, ART_DIRECT_AUTO, true, inherited_pool, &inherited));
    must(inherited->methods->lock(inherited));
    for (int i = 0; i < REQUESTS; i++) {
        must(art_blob_buf_get(inherited_pool, &buffers[i]));
        memset(buffers[i].data, i + 1, ART_BLOB_SIZE);
        requests[i] = (struct art_io_request){buffers[i].data, ART_BLOB_SIZE, (uint64_t)i * ART_BLOB_SIZE};
    }
    must(art_io_write(inherited, requests, REQUESTS));
    ck_assert_int_eq(apart(use_what_came_through_fork), 0);
    must(art_io_wait(inherited));
    for (int i = 0; i < REQUESTS; i++) art_blob_buf_put(&buffers[i]);
    ck_assert(io_round_trip(inherited, inherited_pool, 3));
    art_io_close(inherited);
    art_blob_pool_close(inherited_pool);
    unlink(path);
}

TEST(test_after_fork_the_child_is_refused_and_the_parent_goes_on) {
    fork_with_writes_in_flight(ART_ENGINE_PWRITE);
    fork_with_writes_in_flight(ART_ENGINE_URING);
}

static int pipe_ends[2];

/* Opens, locks and makes a ring; leaves a child that lives on, and dies without giving anything back. */
static int die_with_the_lock(void) {
    struct art_io *io;
    CHILD_EXPECT(!art_blob_pool_open(&inherited_pool, REQUESTS));
    CHILD_EXPECT(!io_file_open(path, ART_ENGINE_AUTO, ART_DIRECT_AUTO, true, inherited_pool, &io));
    CHILD_EXPECT(io_round_trip(io, inherited_pool, 1));
    CHILD_EXPECT(!io->methods->lock(io));
    pid_t child = fork();
    CHILD_EXPECT(child >= 0);
    if (!child) {
        char byte;
        close(pipe_ends[1]);
        _exit(read(pipe_ends[0], &byte, 1) != 0);
    }
    return 0;
}

/* Neither by a descriptor nor by a ring, which knows the file too. A ring is torn down some time after its process. */
TEST(test_a_living_child_does_not_keep_the_lock_of_its_dead_parent) {
    name_files("fork_lock");
    ck_assert_int_eq(pipe(pipe_ends), 0);
    ck_assert_int_eq(apart(die_with_the_lock), 0);
    must(io_file_open(path, ART_ENGINE_AUTO, ART_DIRECT_AUTO, false, NULL, &io));
    int rc = ART_BUSY;
    for (int i = 0; rc == ART_BUSY && i < 3000; i++) {
        rc = io->methods->lock(io);
        if (rc) usleep(1000);
    }
    must(rc);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
}

SUITE("io_refusals", .seconds = 120, .tear_down = tear_down)
