/* What every implementation of the I/O table promises, run against each of them (tests/support/io_modes.h). What only
 * the system's files can do wrong is in test_io_faults.c. */
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/discard.h"
#include "tests/support/io_modes.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"

enum { FILE_PAGES = 1024, BATCH_MAX = 80, BUFFERS = 6 };

/* Most tests want a place with one open file in it. */
static struct io_place place;
static struct art_io *io;

#define IN_MODE_OR_RETURN(test)                                                                                        \
    if (!io_place_open(&place, &io_modes[_i], test)) return;                                                           \
    ck_assert_msg(!io_place_file(&place, true, false, &io), "%s: %s", io_modes[_i].name, art_error_message())

static void leave_mode(void) {
    art_io_close(io);
    if (place.mode) io_place_close(&place);
}

static int read_pages(struct art_io *from, uint8_t *data, uint64_t page, uint32_t pages) {
    struct art_io_request request = {data, pages * ART_PAGE, page * ART_PAGE};
    return art_io_read(from, &request, 1);
}

static int write_pages(struct art_io *to, uint8_t *data, uint64_t page, uint32_t pages) {
    struct art_io_request request = {data, pages * ART_PAGE, page * ART_PAGE};
    enum art_rc rc = art_io_write(to, &request, 1);
    return rc ? rc : art_io_wait(to);
}

static void fill(uint8_t *data, uint32_t len, struct random *random) {
    for (uint32_t i = 0; i < len; i += 8) {
        uint64_t x = random_next(random);
        memcpy(data + i, &x, 8);
    }
}

/* ---- round trips ------------------------------------------------------------------------------------------------- */

struct round {
    struct random *random;
    struct art_blob_buf buffers[BUFFERS];
    uint8_t *model; /* FILE_PAGES */
    uint64_t end;   /* pages */
};

/* A batch of requests that do not overlap, each with pages of its own in the buffers. */
static unsigned plan_batch(struct round *round, struct art_io_request *requests, uint64_t limit) {
    unsigned count = 0, wanted = 1 + random_below(round->random, BATCH_MAX);
    uint32_t used = 0, room = BUFFERS * (ART_BLOB_SIZE / ART_PAGE);
    uint64_t page = random_below(round->random, 8);
    while (count < wanted && used < room) {
        uint32_t left = ART_BLOB_SIZE / ART_PAGE - used % (ART_BLOB_SIZE / ART_PAGE);
        uint32_t pages = 1 + random_below(round->random, random_once_in(round->random, 8) ? left : left < 8 ? left : 8);
        if (page + pages > limit) break;
        uint8_t *data = round->buffers[used / (ART_BLOB_SIZE / ART_PAGE)].data +
                        (size_t)(used % (ART_BLOB_SIZE / ART_PAGE)) * ART_PAGE;
        requests[count++] = (struct art_io_request){data, pages * ART_PAGE, page * ART_PAGE};
        used += pages;
        page += pages + random_below(round->random, 24);
    }
    for (unsigned i = count; i > 1; i--) { /* in any order */
        unsigned j = random_below(round->random, i);
        struct art_io_request swapped = requests[i - 1];
        requests[i - 1] = requests[j];
        requests[j] = swapped;
    }
    return count;
}

static void write_some(struct round *round) {
    struct art_io_request requests[BATCH_MAX];
    unsigned count = plan_batch(round, requests, FILE_PAGES);
    for (unsigned i = 0; i < count; i++) {
        fill(requests[i].data, requests[i].len, round->random);
        memcpy(round->model + requests[i].offset, requests[i].data, requests[i].len);
        uint64_t end = (requests[i].offset + requests[i].len) / ART_PAGE;
        if (end > round->end) round->end = end;
    }
    unsigned first = random_below(round->random, count + 1); /* in two batches, both in flight */
    must(art_io_write(io, requests, first));
    must(art_io_write(io, requests + first, count - first));
    if (random_once_in(round->random, 3)) {
        static _Alignas(4096) uint8_t seen[ART_BLOB_SIZE];
        const struct art_io_request *any = &requests[random_below(round->random, count)];
        struct art_io_request again = {seen, any->len, any->offset};
        must(art_io_read(io, &again, 1));
        ck_assert_int_eq(memcmp(seen, any->data, any->len), 0);
    }
    must(art_io_wait(io));
}

static void read_some(struct round *round) {
    struct art_io_request requests[BATCH_MAX];
    unsigned count = plan_batch(round, requests, round->end);
    for (unsigned i = 0; i < count; i++) memset(requests[i].data, 0xaa, requests[i].len);
    enum art_read from = random_once_in(round->random, 3) ? ART_READ_DEVICE : ART_READ_CACHED;
    must(art_io_read_from(io, requests, count, from));
    for (unsigned i = 0; i < count; i++) {
        ck_assert_msg(!memcmp(requests[i].data, round->model + requests[i].offset, requests[i].len),
                      "%s: other bytes at %llu + %u", place.mode->name, (unsigned long long)requests[i].offset,
                      requests[i].len);
    }
}

LOOP_TEST(test_what_was_written_is_read_back, IO_MODES) {
    IN_MODE_OR_RETURN("round_trip");
    uint64_t seed = random_seed();
    printf("test_io: %s: engine %s, %s, seed %llu\n", io_modes[_i].name, io->engine,
           io->direct ? "direct" : "not direct", (unsigned long long)seed);
    struct random random = {seed};
    struct round round = {.random = &random, .model = calloc(FILE_PAGES, ART_PAGE)};
    for (int i = 0; i < BUFFERS; i++) must(art_blob_buf_get(place.pool, &round.buffers[i]));
    for (unsigned step = 0; step < 12 * random_scale(); step++) {
        if (!random_span(&random)) continue;
        write_some(&round);
        read_some(&round);
        uint64_t size;
        must(io->methods->size(io, &size));
        ck_assert_uint_eq(size, round.end * ART_PAGE);
        if (random_once_in(&random, 4)) must(art_io_sync(io));
        if (random_once_in(&random, 6)) {
            art_io_close(io);
            must(io_place_file(&place, false, random_once_in(&random, 2), &io));
            read_some(&round);
            art_io_close(io);
            must(io_place_file(&place, false, false, &io));
        }
    }
    if (io_modes[_i].engine == ART_ENGINE_URING) ck_assert_str_eq(io->engine, "uring");
    if (io_modes[_i].direct == ART_DIRECT_ON) ck_assert(io->direct);
    for (int i = 0; i < BUFFERS; i++) art_blob_buf_put(&round.buffers[i]);
    free(round.model);
}

static _Alignas(4096) uint8_t two[8 * ART_PAGE];

LOOP_TEST(test_a_hole_reads_as_zeroes, IO_MODES) {
    IN_MODE_OR_RETURN("hole");
    memset(two, 7, sizeof two);
    must(write_pages(io, two, 300, 1));
    must(read_pages(io, two, 297, 4));
    for (unsigned i = 0; i < 4 * ART_PAGE; i++) ck_assert_int_eq(two[i], i < 3 * ART_PAGE ? 0 : 7);
}

/* Where nobody knows, nothing is called a hole. */
LOOP_TEST(test_what_was_written_is_no_hole_until_it_is_given_back, IO_MODES) {
    IN_MODE_OR_RETURN("is_hole");
    memset(two, 7, sizeof two);
    must(write_pages(io, two, 300, 1));
    bool known = art_io_is_hole(io, 0, 256 * ART_PAGE);
    ck_assert(!art_io_is_hole(io, 300 * ART_PAGE, ART_PAGE));
    ck_assert(!art_io_is_hole(io, 0, 301 * ART_PAGE));
    if (!known) return;
    must(write_pages(io, two, 600, 1));
    art_io_give_back(io, 300 * ART_PAGE, ART_PAGE);
    ck_assert(art_io_is_hole(io, 0, 512 * ART_PAGE));
    must(read_pages(io, two, 300, 1));
    ck_assert_uint_eq(two[0], 0);
    ck_assert(art_io_is_hole(io, 1024 * ART_PAGE, ART_PAGE));
}

LOOP_TEST(test_a_file_cut_and_grown_again_shows_zeroes, IO_MODES) {
    IN_MODE_OR_RETURN("truncate");
    uint64_t size;
    memset(two, 7, sizeof two);
    must(write_pages(io, two, 0, 8));
    must(io->methods->truncate(io, 3 * ART_PAGE));
    must(io->methods->size(io, &size));
    ck_assert_uint_eq(size, 3 * ART_PAGE);
    ck_assert_int_eq(read_pages(io, two, 2, 2), ART_CORRUPT);
    must(io->methods->truncate(io, 8 * ART_PAGE));
    must(read_pages(io, two, 0, 8));
    for (unsigned i = 0; i < 8 * ART_PAGE; i++) ck_assert_int_eq(two[i], i < 3 * ART_PAGE ? 7 : 0);
    must(io->methods->truncate(io, 0));
    must(io->methods->size(io, &size));
    ck_assert_uint_eq(size, 0);
}

LOOP_TEST(test_a_read_past_the_end_is_corruption_that_names_the_file, IO_MODES) {
    IN_MODE_OR_RETURN("past_end");
    must(write_pages(io, two, 0, 2));
    ck_assert_int_eq(read_pages(io, two, 2, 1), ART_CORRUPT);
    ck_assert_ptr_nonnull(strstr(art_error_message(), io->name));
    ck_assert_int_eq(read_pages(io, two, 1, 2), ART_CORRUPT);
    struct art_io_request requests[3] = {
        {two, ART_PAGE, 0}, {two + ART_PAGE, 2 * ART_PAGE, 200 * ART_PAGE}, {two + 3 * ART_PAGE, ART_PAGE, ART_PAGE}};
    ck_assert_int_eq(art_io_read(io, requests, 3), ART_CORRUPT);
    ck_assert_msg(strstr(art_error_message(), "slot 1, page 72"), "%s", art_error_message());
    must(read_pages(io, two, 0, 2));
}

/* ---- readings ---------------------------------------------------------------------------------------------------- */

enum { READINGS = 5, READING_PAGES = 16 };

static _Alignas(4096) uint8_t written[READINGS * READING_PAGES * ART_PAGE], seen[READINGS * READING_PAGES * ART_PAGE];

static struct art_io_reading reading_of(unsigned i) {
    size_t at = (size_t)i * READING_PAGES * ART_PAGE;
    return (struct art_io_reading){
        .requests = {{seen + at, 5 * ART_PAGE, at}, {seen + at + 5 * ART_PAGE, 11 * ART_PAGE, at + 5 * ART_PAGE}},
        .count = 2,
        .from = i % 2 ? ART_READ_DEVICE : ART_READ_CACHED};
}

LOOP_TEST(test_readings_go_on_beside_reads_and_writes, IO_MODES) {
    IN_MODE_OR_RETURN("readings");
    struct random random = {3};
    struct art_io_reading readings[READINGS];
    fill(written, sizeof written, &random);
    must(write_pages(io, written, 0, READINGS * READING_PAGES));
    for (unsigned round = 0; round < 20; round++) {
        memset(seen, 0xaa, sizeof seen);
        for (unsigned i = 0; i < READINGS; i++) {
            readings[i] = reading_of(i);
            art_io_read_start(io, &readings[i]);
        }
        struct art_io_request batch[2] = {{two, 2 * ART_PAGE, 0}, {two + 2 * ART_PAGE, 2 * ART_PAGE, 9 * ART_PAGE}};
        must(art_io_read(io, batch, 2));
        ck_assert_int_eq(memcmp(two, written, 2 * ART_PAGE), 0);
        ck_assert_int_eq(memcmp(two + 2 * ART_PAGE, written + 9 * ART_PAGE, 2 * ART_PAGE), 0);
        must(write_pages(io, two, 500, 4));
        for (unsigned i = READINGS; i-- > 0;) must(art_io_read_finish(io, &readings[i]));
        ck_assert_int_eq(memcmp(seen, written, sizeof seen), 0);
    }
}

LOOP_TEST(test_a_write_waits_for_the_reading_that_it_overlaps, IO_MODES) {
    IN_MODE_OR_RETURN("overlapped reading");
    for (unsigned round = 0; round < 50; round++) {
        struct art_io_reading reading = reading_of(0);
        memset(written, (int)round, READING_PAGES * ART_PAGE);
        must(write_pages(io, written, 0, READING_PAGES));
        art_io_read_start(io, &reading);
        bool started = reading.started;
        memset(written, (int)round + 1, READING_PAGES * ART_PAGE);
        must(write_pages(io, written, 0, READING_PAGES));
        must(art_io_read_finish(io, &reading));
        memset(written, (int)(round + !started), READING_PAGES * ART_PAGE);
        ck_assert_int_eq(memcmp(seen, written, READING_PAGES * ART_PAGE), 0);
    }
}

LOOP_TEST(test_what_a_reading_cannot_have_is_told_when_it_is_finished, IO_MODES) {
    IN_MODE_OR_RETURN("failed reading");
    struct art_io_reading reading = reading_of(1);
    must(write_pages(io, written, 0, READING_PAGES + 8));
    art_io_read_start(io, &reading);
    ck_assert_int_eq(art_io_read_finish(io, &reading), ART_CORRUPT);
    ck_assert_ptr_nonnull(strstr(art_error_message(), io->name));
    reading = reading_of(0);
    reading.requests[1].offset += 512;
    art_io_read_start(io, &reading);
    ck_assert_int_eq(art_io_read_finish(io, &reading), ART_MISUSE);
    reading = reading_of(0);
    art_io_read_start(io, &reading); /* closing waits for it */
    art_io_close(io);
    io = NULL;
    ck_assert_uint_eq(reading.under_way, 0);
}

/* ---- what is refused --------------------------------------------------------------------------------------------- */

LOOP_TEST(test_misaligned_calls_are_refused_and_change_nothing, IO_MODES) {
    IN_MODE_OR_RETURN("misaligned");
    memset(two, 1, sizeof two);
    must(write_pages(io, two, 0, 8));
    struct art_io_request wrong[] = {
        {two + 512, ART_PAGE, 0}, {two, 512, 0},
        {two, ART_PAGE, 512},     {two, ART_PAGE, (uint64_t)1 << 63},
        {two, 4097, 0},           {two, ART_PAGE, UINT64_MAX - ART_PAGE + 1},
        {NULL, ART_PAGE, 0},
    };
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct art_io_request batch[2] = {{two, ART_PAGE, 0}, wrong[i]};
        memset(two, 2, sizeof two);
        ck_assert_int_eq(art_io_write(io, batch, 2), ART_MISUSE);
        must(art_io_wait(io));
        ck_assert_int_eq(art_io_read(io, batch, 2), ART_MISUSE);
    }
    must(read_pages(io, two, 0, 8));
    for (unsigned i = 0; i < sizeof two; i++) ck_assert_int_eq(two[i], 1);
    struct art_io_request empty = {NULL, 0, 0};
    must(art_io_write(io, &empty, 1));
    must(art_io_write(io, NULL, 0));
    must(art_io_wait(io));
    must(art_io_read(io, &empty, 1));
}

LOOP_TEST(test_the_lock_is_seen_by_another_descriptor, IO_MODES) {
    IN_MODE_OR_RETURN("lock");
    struct art_io *other;
    must(io_place_file(&place, false, false, &other));
    must(io->methods->lock(io));
    ck_assert_int_eq(other->methods->lock(other), ART_BUSY);
    other->methods->unlock(other);
    ck_assert_int_eq(other->methods->lock(other), ART_BUSY);
    io->methods->unlock(io);
    must(other->methods->lock(other));
    ck_assert_int_eq(io->methods->lock(io), ART_BUSY);
    struct art_io_request requests[3] = {
        {two, ART_PAGE, 0}, {two + ART_PAGE, ART_PAGE, ART_PAGE}, {two + 2 * ART_PAGE, ART_PAGE, 2 * ART_PAGE}};
    must(art_io_write(other, requests, 3));
    art_io_close(other); /* waits, and gives up the lock at once although a ring was there */
    must(io->methods->lock(io));
    io->methods->unlock(io);
}

LOOP_TEST(test_a_file_opened_to_read_only_is_never_changed, IO_MODES) {
    IN_MODE_OR_RETURN("read_only");
    memset(two, 3, sizeof two);
    must(write_pages(io, two, 0, 2));
    art_io_close(io);
    must(io_place_file(&place, false, true, &io));
    ck_assert(io->read_only);
    memset(two, 4, sizeof two);
    ck_assert_int_eq(write_pages(io, two, 0, 1), ART_READONLY);
    ck_assert_int_eq(io->methods->truncate(io, 0), ART_READONLY);
    ck_assert_int_eq(io->methods->lock(io), ART_READONLY);
    must(art_io_wait(io));
    must(read_pages(io, two, 0, 2));
    ck_assert_int_eq(two[0], 3);
}

/* ---- names and identity ------------------------------------------------------------------------------------------ */

LOOP_TEST(test_identity_tells_file_size_and_permissions, IO_MODES) {
    IN_MODE_OR_RETURN("identity");
    struct art_file_identity identity, by_name, other;
    must(write_pages(io, two, 0, 2));
    must(io->methods->identity(io, &identity));
    ck_assert_uint_eq(identity.size, 2 * ART_PAGE);
    ck_assert_uint_eq(identity.links, 1);
    ck_assert_uint_eq(identity.permissions, 0600);
    struct art_io *second;
    must(io_place_file(&place, false, false, &second));
    must(second->methods->identity(second, &other));
    art_io_close(second);
    bool same = other.device == identity.device && other.inode == identity.inode;
    ck_assert(same);
    must(place.disk->methods->stat(place.disk, place.path, &by_name));
    ck_assert(by_name.device == identity.device && by_name.inode == identity.inode);
    ck_assert_uint_eq(by_name.size, identity.size);
}

LOOP_TEST(test_missing_and_existing_files_are_told_apart, IO_MODES) {
    IN_MODE_OR_RETURN("names");
    struct art_io *other;
    struct art_file_identity identity;
    const struct art_disk_methods *methods = place.disk->methods;
    ck_assert_int_eq(io_place_file(&place, true, false, &other), ART_CANTOPEN);
    ck_assert_ptr_null(other);
    ck_assert_ptr_nonnull(strstr(art_error_message(), place.path));
    must(methods->sync_directory(place.disk, place.path));
    art_io_close(io);
    must(methods->remove(place.disk, place.path));
    ck_assert_int_eq(methods->remove(place.disk, place.path), ART_MISSING);
    ck_assert_int_eq(methods->stat(place.disk, place.path, &identity), ART_MISSING);
    ck_assert_int_eq(io_place_file(&place, false, false, &other), ART_MISSING);
    ck_assert_ptr_nonnull(strstr(art_error_message(), place.path));
    must(methods->sync_directory(place.disk, place.path));
    must(io_place_file(&place, true, false, &io));
}

LOOP_TEST(test_closing_waits_for_writes_in_flight, IO_MODES) {
    IN_MODE_OR_RETURN("close");
    struct art_blob_buf buffers[BUFFERS];
    struct art_io_request requests[BUFFERS];
    for (int i = 0; i < BUFFERS; i++) {
        must(art_blob_buf_get(place.pool, &buffers[i]));
        memset(buffers[i].data, i + 1, ART_BLOB_SIZE);
        requests[i] = (struct art_io_request){buffers[i].data, ART_BLOB_SIZE, (uint64_t)i * ART_BLOB_SIZE};
    }
    must(art_io_write(io, requests, BUFFERS));
    art_io_close(io);
    must(io_place_file(&place, false, false, &io));
    for (int i = 0; i < BUFFERS; i++) memset(buffers[i].data, 0, ART_BLOB_SIZE);
    must(art_io_read(io, requests, BUFFERS));
    for (int i = 0; i < BUFFERS; i++) {
        ck_assert_int_eq(buffers[i].data[0], i + 1);
        ck_assert_int_eq(buffers[i].data[ART_BLOB_SIZE - 1], i + 1);
        art_blob_buf_put(&buffers[i]);
    }
}

/* Were it otherwise, the ring would fill pages that the program no longer sees. */
LOOP_TEST(test_discarded_buffers_still_take_part_in_io, IO_MODES) {
    IN_MODE_OR_RETURN("discard");
    struct art_blob_buf first, second;
    must(art_blob_buf_get(place.pool, &first));
    must(art_blob_buf_get(place.pool, &second));
    memset(first.data, 1, ART_BLOB_SIZE);
    memset(second.data, 2, ART_BLOB_SIZE);
    struct art_io_request requests[2] = {{first.data, ART_BLOB_SIZE, 0}, {second.data, ART_BLOB_SIZE, ART_BLOB_SIZE}};
    must(art_io_write(io, requests, 2));
    must(art_io_wait(io));
    discard_for_sure(&first, 0, ART_BLOB_SIZE);
    discard_for_sure(&second, ART_PAGE, 8 * ART_PAGE);
    must(art_io_read(io, requests, 2));
    for (unsigned i = 0; i < ART_BLOB_SIZE; i++) ck_assert(first.data[i] == 1 && second.data[i] == 2);
    memset(first.data, 3, ART_BLOB_SIZE);
    discard_for_sure(&second, 0, ART_BLOB_SIZE);
    memset(second.data, 4, ART_BLOB_SIZE);
    must(art_io_write(io, requests, 2));
    must(art_io_wait(io));
    must(read_pages(io, two, ART_BLOB_SIZE / ART_PAGE, 1));
    ck_assert_int_eq(two[0], 4);
    art_blob_buf_put(&first);
    art_blob_buf_put(&second);
}

SUITE("io", .seconds = 120, .tear_down = leave_mode)
