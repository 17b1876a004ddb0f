/* MB/s of blobs of 512 KB, written and read in batches, for each way that this machine has: a table.
 *
 *   bench_io [megabytes [batch]]      a file in the current directory, removed afterwards; 512 MB and 16 blobs by
 *                                     default
 *
 * Written: new slots at the end of the file, then the same slots again, as a flush does; each with one sync at the end,
 * whose time is included. "overlap" starts a batch before it waits for the one before, as a merge does. Read: random
 * slots. The page cache is told to forget the file before reads; direct I/O does not need that. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/io/blob_pool.h"
#include "core/io/io.h"
#include "tests/support/of_core.h"
#include "tests/support/random.h"

enum { BATCH_MAX = 64 };

struct way {
    const char *name;
    enum art_engine engine;
    enum art_direct direct;
    bool with_pool;
};

static const struct way ways[] = {
    {"uring, direct, registered buffers", ART_ENGINE_URING, ART_DIRECT_ON, true},
    {"uring, direct", ART_ENGINE_URING, ART_DIRECT_ON, false},
    {"pwrite, direct", ART_ENGINE_PWRITE, ART_DIRECT_ON, false},
    {"uring, buffered", ART_ENGINE_URING, ART_DIRECT_OFF, false},
    {"pwrite, buffered", ART_ENGINE_PWRITE, ART_DIRECT_OFF, false},
};

static const char *const path = "bench_io.tmp.art";
static unsigned blobs = 1024, batch = 16;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void must(int rc) {
    if (!rc) return;
    fprintf(stderr, "%s: %s\n", art_error_name(rc), art_error_message());
    unlink(path);
    exit(1);
}

static void forget_pages(void) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    close(fd);
}

static unsigned plan(struct art_io_request *requests, struct art_blob_buf *bufs, unsigned from) {
    unsigned count = blobs - from < batch ? blobs - from : batch;
    for (unsigned i = 0; i < count; i++) {
        requests[i] = (struct art_io_request){bufs[i].data, ART_BLOB_SIZE, (uint64_t)(from + i) * ART_BLOB_SIZE};
    }
    return count;
}

/* Two halves of the buffers: with `overlap`, one is filled by the program while the other is written. */
static double write_all(struct art_io *io, struct art_blob_buf *bufs, bool overlap) {
    struct art_io_request requests[BATCH_MAX];
    double begin = now();
    unsigned half = 0;
    for (unsigned from = 0; from < blobs; from += batch, half ^= 1) {
        unsigned count = plan(requests, bufs + half * batch, from);
        if (overlap) {
            for (unsigned i = 0; i < count; i++) memset(requests[i].data, (int)(from + i), ART_BLOB_SIZE);
            must(art_io_wait(io));
        }
        must(art_io_write(io, requests, count));
        if (!overlap) must(art_io_wait(io));
    }
    must(art_io_sync(io));
    return now() - begin;
}

static double read_all(struct art_io *io, struct art_blob_buf *bufs) {
    struct art_io_request requests[BATCH_MAX];
    struct random random = {1};
    forget_pages();
    double begin = now();
    for (unsigned from = 0; from < blobs; from += batch) {
        unsigned count = plan(requests, bufs, from);
        for (unsigned i = 0; i < count; i++)
            requests[i].offset = (uint64_t)random_below(&random, blobs) * ART_BLOB_SIZE;
        must(art_io_read(io, requests, count));
    }
    return now() - begin;
}

static void measure(const struct way *way) {
    struct art_blob_pool *pool;
    struct art_blob_buf bufs[2 * BATCH_MAX];
    struct art_io *io;
    struct art_file_options options = {.path = path,
                                       .engine = way->engine,
                                       .direct = way->direct,
                                       .create = true,
                                       .permissions = 0600,
                                       .owner = geteuid(),
                                       .group = getegid()};
    must(art_blob_pool_open(&pool, 2 * batch));
    if (way->with_pool) options.pool = pool;
    if (art_disk_system()->methods->open(art_disk_system(), &options, &io)) {
        printf("%-34s SKIPPED: %s\n", way->name, art_error_message());
        art_blob_pool_close(pool);
        return;
    }
    for (unsigned i = 0; i < 2 * batch; i++) {
        must(art_blob_buf_get(pool, &bufs[i]));
        memset(bufs[i].data, (int)i, ART_BLOB_SIZE);
    }
    double megabytes = blobs * (ART_BLOB_SIZE / 1048576.0);
    double appended = write_all(io, bufs, false), again = write_all(io, bufs, false);
    double overlapped = write_all(io, bufs, true), read = read_all(io, bufs);
    printf("%-34s %-8s %9.0f %9.0f %9.0f %9.0f\n", way->name, io->engine, megabytes / appended, megabytes / again,
           megabytes / overlapped, megabytes / read);
    fflush(stdout);
    for (unsigned i = 0; i < 2 * batch; i++) art_blob_buf_put(&bufs[i]);
    art_io_close(io);
    art_blob_pool_close(pool);
    unlink(path);
}

int main(int argc, char **argv) {
    if (argc > 1) blobs = (unsigned)atoi(argv[1]) * 2;
    if (argc > 2) batch = (unsigned)atoi(argv[2]);
    if (!blobs || !batch || batch > BATCH_MAX) {
        fprintf(stderr, "usage: bench_io [megabytes [batch, 1..%d]]\n", BATCH_MAX);
        return 2;
    }
    printf("%u MB in batches of %u blobs of 512 KB, MB/s\n\n", blobs / 2, batch);
    printf("%-34s %-8s %9s %9s %9s %9s\n", "", "engine", "append", "rewrite", "overlap", "read");
    for (unsigned i = 0; i < sizeof ways / sizeof *ways; i++) measure(&ways[i]);
    return 0;
}
