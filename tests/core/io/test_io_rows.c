/* Rows of the host's behind the I/O table (core/io/io_rows.c): how requests become rows, and what is asked of the host.
 *
 * The host is the toy's (tests/support/toy_rows.h), which insists on what core/base/rows.h says; that rows are the
 * tree's, with transactions and failures, is tested by the walks of test_tree and test_tree_faults.
 */
#include "core/io/io.h"
#include "tests/support/suite.h"
#include "tests/support/toy_rows.h"

enum { BLOB = 128, SLOTS = 20, BYTES = BLOB * ART_PAGE };

static struct art_rows *rows;
static struct art_io *io;

static const struct toy_blobs *table(void) {
    return rows->context;
}

static void set_up(void) {
    rows = toy_blobs_host();
    ck_assert_int_eq(art_io_rows_open(rows, 7, "rows", &io), ART_OK);
}

static void tear_down(void) {
    art_io_close(io);
    toy_blobs_host_free(rows);
}

static uint8_t *pages(uint32_t count, uint8_t with) {
    uint8_t *data = aligned_alloc(ART_PAGE, (size_t)count * ART_PAGE);
    for (uint32_t i = 0; i < count; i++) memset(data + (size_t)i * ART_PAGE, with + (int)i, ART_PAGE);
    return data;
}

static int write_pages(uint64_t page, uint32_t count, uint8_t with) {
    uint8_t *data = pages(count, with);
    struct art_io_request request = {data, count * ART_PAGE, page * ART_PAGE};
    int rc = art_io_write(io, &request, 1);
    if (!rc) rc = art_io_wait(io);
    free(data);
    return rc;
}

/* All `count` pages are there, the first of them filled with `with`. */
static int read_pages(uint64_t page, uint32_t count, uint8_t with) {
    uint8_t *data = pages(count, 0), *wanted = pages(count, with);
    struct art_io_request request = {data, count * ART_PAGE, page * ART_PAGE};
    int rc = art_io_read(io, &request, 1);
    if (!rc) ck_assert(!memcmp(data, wanted, (size_t)count * ART_PAGE));
    free(data);
    free(wanted);
    return rc;
}

TEST(test_a_request_becomes_a_row_a_page) {
    ck_assert_int_eq(write_pages(128, 19, 1), ART_OK);
    ck_assert_int_eq(write_pages(253, 3, 50), ART_OK); /* the footer at a slot's end */
    ck_assert_uint_eq(table()->rows, 22);
    for (unsigned i = 0; i < 22; i++) ck_assert_uint_eq(table()->row[i].page, i < 19 ? 128 + i : 253 - 19 + i);
    uint64_t bytes;
    ck_assert_int_eq(io->methods->size(io, &bytes), ART_OK);
    ck_assert_uint_eq(bytes, 256 * ART_PAGE);
    ck_assert_str_eq(io->engine, "inline");
}

TEST(test_any_part_of_what_was_written_is_read_back) {
    ck_assert_int_eq(write_pages(128, 100, 1), ART_OK);
    for (uint32_t from = 0; from < 100; from++) {
        for (uint32_t count = 1; from + count <= 100; count += 1 + count / 3) {
            ck_assert_int_eq(read_pages(128 + from, count, (uint8_t)(1 + from)), ART_OK);
        }
    }
}

TEST(test_what_was_not_written_is_corrupt) {
    ck_assert_int_eq(read_pages(128, 1, 0), ART_CORRUPT);
    ck_assert_int_eq(write_pages(128, 19, 1), ART_OK);
    ck_assert_int_eq(read_pages(128, 20, 1), ART_CORRUPT); /* the last is not there */
    ck_assert_int_eq(read_pages(147, 1, 1), ART_CORRUPT);
    ck_assert_int_eq(read_pages(200, 1, 1), ART_CORRUPT);
    ck_assert_int_eq(read_pages(127, 1, 1), ART_CORRUPT);
    ck_assert_int_eq(read_pages(128, 19, 1), ART_OK);
}

TEST(test_discarding_takes_whole_slots_and_no_neighbour) {
    for (unsigned slot = 1; slot < 6; slot++) ck_assert_int_eq(write_pages(slot * BLOB, BLOB, (uint8_t)slot), ART_OK);
    ck_assert_int_eq(art_io_discard(io, 2 * (uint64_t)BYTES, BYTES), ART_OK);
    ck_assert_int_eq(art_io_discard(io, 4 * (uint64_t)BYTES, 2 * (uint64_t)BYTES), ART_OK);
    ck_assert_uint_eq(table()->rows, 2 * BLOB);
    ck_assert_int_eq(read_pages(1 * BLOB, BLOB, 1), ART_OK);
    ck_assert_int_eq(read_pages(3 * BLOB, BLOB, 3), ART_OK);
    ck_assert_int_eq(read_pages(2 * BLOB, 1, 2), ART_CORRUPT);
    ck_assert_int_eq(write_pages(2 * BLOB, 5, 9), ART_OK);
    ck_assert_int_eq(read_pages(2 * BLOB, 5, 9), ART_OK);
    ck_assert_int_eq(io->methods->truncate(io, 2 * (uint64_t)BYTES), ART_OK);
    ck_assert_uint_eq(table()->rows, BLOB);
}

TEST(test_misaligned_requests_are_refused_and_change_nothing) {
    uint8_t *data = pages(2, 1);
    struct art_io_request wrong[] = {{data, 100, BYTES}, {data, ART_PAGE, BYTES + 1}, {data + 8, ART_PAGE, BYTES}};
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(art_io_write(io, &wrong[i], 1), ART_MISUSE);
        ck_assert_int_eq(art_io_read(io, &wrong[i], 1), ART_MISUSE);
    }
    ck_assert_uint_eq(table()->rows, 0);
    free(data);
}

TEST(test_nothing_is_synced_or_locked_and_the_identity_is_the_tables) {
    struct art_file_identity identity, other_identity;
    struct art_io *other;
    ck_assert_int_eq(art_io_sync(io), ART_OK);
    ck_assert_int_eq(io->methods->lock(io), ART_OK);
    io->methods->unlock(io);
    ck_assert_int_eq(art_io_rows_open(rows, 8, "other rows", &other), ART_OK);
    ck_assert_int_eq(io->methods->identity(io, &identity), ART_OK);
    ck_assert_int_eq(other->methods->identity(other, &other_identity), ART_OK);
    ck_assert_uint_eq(identity.inode, 7);
    ck_assert_uint_eq(other_identity.inode, 8);
    ck_assert_uint_eq(identity.device, other_identity.device);
    art_io_close(other);
}

/* Slots as a store uses them, against an array. */
TEST(test_slots_are_what_was_last_written_into_them) {
    uint32_t leaves[SLOTS] = {0}, footers[SLOTS] = {0};
    uint8_t with[SLOTS] = {0};
    struct random random = {random_seed()};
    for (unsigned i = 0; i < 2000; i++) {
        uint32_t slot = 1 + random_below(&random, SLOTS - 1);
        if (random_once_in(&random, 3)) {
            ck_assert_int_eq(art_io_discard(io, slot * (uint64_t)BYTES, BYTES), ART_OK);
            leaves[slot] = footers[slot] = 0;
            if (random_once_in(&random, 3)) continue;
            leaves[slot] = 1 + random_below(&random, 124);
            footers[slot] = 1 + random_below(&random, 3);
            with[slot] = (uint8_t)i;
            uint8_t *data = pages(leaves[slot], with[slot]), *footer = pages(footers[slot], 77);
            struct art_io_request both[] = {
                {data, leaves[slot] * ART_PAGE, slot * (uint64_t)BYTES},
                {footer, footers[slot] * ART_PAGE, (slot + 1) * (uint64_t)BYTES - footers[slot] * ART_PAGE}};
            ck_assert_int_eq(art_io_write(io, both, 2), ART_OK);
            free(data);
            free(footer);
        } else if (leaves[slot]) {
            uint32_t from = random_below(&random, leaves[slot]), most = leaves[slot] - from;
            ck_assert_int_eq(
                read_pages(slot * BLOB + from, 1 + random_below(&random, most), (uint8_t)(with[slot] + from)), ART_OK);
            ck_assert_int_eq(read_pages((slot + 1) * BLOB - footers[slot], footers[slot], 77), ART_OK);
        } else {
            ck_assert_int_eq(read_pages(slot * BLOB + random_below(&random, BLOB), 1, 0), ART_CORRUPT);
        }
    }
}

SUITE("io_rows", .seconds = 120, .set_up = set_up, .tear_down = tear_down)
