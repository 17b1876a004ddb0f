/* The host of a whole store that a parcel (parcel.h) says: an .art file on a disk in memory, the log's rows and the
 * retired list, and trees that are opened on them as ext does it. For fuzz_store and fuzz_salvage. */
#ifndef TESTS_FUZZ_HOSTED_STORE_H
#define TESTS_FUZZ_HOSTED_STORE_H

#include "core/tree/commit.h"
#include "core/tree/history.h"
#include "core/tree/inspect.h"
#include "core/tree/write_rows.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/parcel.h"
#include "tests/support/sim_disk.h"

enum { HOST_ROWS = 40, HOST_STEPS = 4000 /* rows that anybody waits for */ };

struct host_row {
    uint64_t csn; /* 0: the root */
    struct art_buffer bytes;
};

struct hosted_store {
    struct sim_disk *disk;
    struct host_row rows[HOST_ROWS];
    unsigned count;
    struct art_buffer retired;
    bool wal;
    unsigned patience; /* questions until it interrupts; 0: never */
    struct art_measures
        has;      /* of a toy summary (support/toy_summary.h) that the trees are opened with: what the first run says */
    bool runs;    /* the root says that there are some */
    bool checked; /* the check has found all sound, and nobody interrupts: every read must be right */
};

extern struct hosted_store host;
extern const char hosted_file[];
extern const uint8_t hosted_uuid[16];

/* One input: the store that the parcel says, and its OPS. */
void host_run(const uint8_t *data, size_t size, void (*run)(struct fuzz_source ops));
/* True: go on. What hostile bytes may lead to is no failure, unless all was found sound. */
bool host_sound(int rc, const char *what);
void host_write(const struct art_commit *commit);
struct art_tree *host_tree(bool small_cache);
int host_refresh(struct art_tree *tree);
/* 4 KB of a slot; NULL: no parcel has that slot. */
uint8_t *host_page(void *context, uint32_t slot, uint32_t page);

#endif
