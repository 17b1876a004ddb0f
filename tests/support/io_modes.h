/* The ways in which a file can be kept, for tests that must hold in each of them.
 *
 * A mode that this machine refuses is said aloud, once a test, and never counts as passed silently.
 */
#ifndef TESTS_IO_MODES_H
#define TESTS_IO_MODES_H

#include <stdbool.h>

#include "core/io/blob_pool.h"
#include "core/io/io.h"
#include "tests/support/sim_disk.h"

enum io_kind { IO_SYSTEM, IO_SIMULATED, IO_ROWS };

struct io_mode {
    const char *name;
    enum io_kind kind;
    enum art_engine engine;
    enum art_direct direct;
    bool with_pool; /* buffers from a slab, which a ring may register */
};

/* Rows of a host's (toy_rows.h) are no file, but a store may be in them: the mode behind the others. */
enum { IO_MODES = 8, STORE_MODES = 9 };
extern const struct io_mode io_modes[STORE_MODES];

/* Where a test's file lives in one mode. */
struct io_place {
    const struct io_mode *mode;
    struct art_disk *disk;
    struct sim_disk *sim; /* NULL: not in this mode */
    struct art_blob_pool *pool;
    char path[512];
};

/* False, with a message on stdout: this machine does not have the mode. `test` names the file. */
bool io_place_open(struct io_place *place, const struct io_mode *mode, const char *test);
/* Opens the place's file. */
int io_place_file(struct io_place *place, bool create, bool read_only, struct art_io **out);
/* Removes the file. */
void io_place_close(struct io_place *place);

/* A file of the system's. */
int io_file_open(const char *name, enum art_engine engine, enum art_direct direct, bool create,
                 struct art_blob_pool *pool, struct art_io **out);
/* Writes a batch of so many blobs, which `salt` tells from others, syncs it, and reads it back. Usable in a child. */
enum { IO_ROUND_TRIP = 8 };
bool io_round_trip(struct art_io *io, struct art_blob_pool *pool, int salt);

/* A directory for files of this test program: $TMPDIR, else /var/tmp, which is seldom a tmpfs. */
const char *io_directory(void);
void io_skip(const char *test, const char *why);
/* False, and that is said: no io_uring here. */
bool io_has_ring(const char *test);

#endif
