/* core/base: errors and their messages, bytes, varints, hashing, allocation. */
#include <pthread.h>

#include "core/base/alloc.h"
#include "core/base/buffer.h"
#include "core/base/entry.h"
#include "core/base/hash.h"
#include "tests/support/of_core.h"
#include "tests/support/suite.h"

/* ---- errors ------------------------------------------------------------------------------------------------------ */

TEST(test_every_code_has_a_name) {
    ck_assert_str_eq(art_error_name(ART_OK), "OK");
    ck_assert_str_eq(art_error_name(ART_CORRUPT), "CORRUPT");
    for (int code = 0; code < ART_ERROR_COUNT; code++) {
        ck_assert_str_ne(art_error_name(code), "?");
    }
    ck_assert_str_eq(art_error_name(-1), "?");
    ck_assert_str_eq(art_error_name(ART_ERROR_COUNT), "?");
}

TEST(test_a_failure_is_its_code_and_leaves_its_sentence) {
    ck_assert_int_eq(art_fail(ART_TOOBIG, "art: %d bytes", 7), ART_TOOBIG);
    ck_assert_str_eq(art_error_message(), "art: 7 bytes");
    ck_assert_int_eq(art_error_errno(), 0);
    ck_assert_int_eq(art_nomem(), ART_NOMEM);
    ck_assert_ptr_nonnull(strstr(art_error_message(), "memory"));
}

TEST(test_some_errnos_choose_the_code) {
    static const struct {
        int error, code;
    } rows[] = {
        {ENOSPC, ART_DISKFULL}, {EDQUOT, ART_DISKFULL}, {ENOMEM, ART_NOMEM}, {EROFS, ART_READONLY}, {EIO, ART_IO}};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_int_eq(art_fail_errno(ART_IO, rows[i].error, "art: write (%s)", "x"), rows[i].code);
        ck_assert_int_eq(art_error_errno(), rows[i].error);
        ck_assert_ptr_nonnull(strstr(art_error_message(), "art: write (x): "));
        ck_assert_ptr_nonnull(strstr(art_error_message(), strerror(rows[i].error)));
    }
}

TEST(test_a_long_message_is_cut_not_overrun) {
    char *path = malloc(5000);
    memset(path, 'p', 4999);
    path[4999] = 0;
    ck_assert_int_eq(art_fail(ART_IO, "art: (%s)", path), ART_IO);
    ck_assert_uint_lt(strlen(art_error_message()), 5000);
    ck_assert_int_eq(art_fail_errno(ART_IO, EIO, "art: (%s)", path), ART_IO);
    ck_assert_int_eq(art_corrupt(path, 1, 2, "%s", path), ART_CORRUPT);
    free(path);
}

TEST(test_corruption_says_where) {
    ck_assert_int_eq(art_corrupt("f.art", 3, 4, "bad %s", "sum"), ART_CORRUPT);
    ck_assert_ptr_nonnull(strstr(art_error_message(), "bad sum (f.art, slot 3, page 4)"));
    art_corrupt("/x/f.art", 3, 4, "bad");
    ck_assert_ptr_nonnull(strstr(art_error_message(), "page 4): restore the database and its .art file together"));
    art_corrupt("f.art", 3, ART_NOWHERE, "bad");
    ck_assert_ptr_nonnull(strstr(art_error_message(), "(f.art, slot 3)"));
    art_corrupt(NULL, ART_NOWHERE, ART_NOWHERE, "bad");
    ck_assert_ptr_nonnull(strstr(art_error_message(), "(the table): restore the database from a backup"));
}

static void *fail_elsewhere(void *unused) {
    art_fail(ART_IO, "art: elsewhere");
    return unused;
}

TEST(test_a_sentence_that_is_not_ours_is_a_fault_of_no_place) {
    art_fail(ART_IO, "the host says no");
    struct art_fault fault = art_error_fault();
    ck_assert_str_eq(fault.what, "the host says no");
    ck_assert_ptr_null(fault.place);
    ck_assert_uint_eq(fault.slot, ART_NOWHERE);
    art_fail(ART_IO, "art: cannot read: look");
    ck_assert_str_eq(art_error_fault().what, "cannot read: look");
    ck_assert_str_eq(art_error_name(-1), "?");
}

CASE("threads")

TEST(test_each_thread_has_its_own_message) {
    pthread_t thread;
    art_fail(ART_BUSY, "art: here");
    ck_assert_int_eq(pthread_create(&thread, NULL, fail_elsewhere, NULL), 0);
    pthread_join(thread, NULL);
    ck_assert_str_eq(art_error_message(), "art: here");
}

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

CASE("base")

TEST(test_integers_are_stored_at_any_address) {
    uint8_t space[24];
    for (unsigned shift = 0; shift < 8; shift++) {
        art_store16(space + shift, 0xbeef);
        ck_assert_uint_eq(art_load16(space + shift), 0xbeef);
        ck_assert_uint_eq(space[shift], 0xef);
        art_store32(space + shift, 0x12345678);
        ck_assert_uint_eq(art_load32(space + shift), 0x12345678);
        art_store64(space + shift, 0x0102030405060708);
        ck_assert_uint_eq(art_load64(space + shift), 0x0102030405060708);
        ck_assert_uint_eq(space[shift], 8);
        art_store32_be(space + shift, 0x01020304);
        ck_assert_int_eq(memcmp(space + shift, "\1\2\3\4", 4), 0);
        art_store64_be(space + shift, 0x0102030405060708);
        ck_assert_int_eq(memcmp(space + shift, "\1\2\3\4\5\6\7\10", 8), 0);
    }
}

TEST(test_bytes_compare_as_memcmp_with_prefixes_first) {
    struct random random = {11};
    uint8_t a[24], b[24];
    for (unsigned round = 0; round < 20000; round++) {
        uint32_t n = random_below(&random, 24), m = random_below(&random, 24);
        for (unsigned i = 0; i < 24; i++) a[i] = b[i] = random_below(&random, 2) ? 0xff : 0;
        b[random_below(&random, 24)] ^= 0xff;
        uint32_t least = n < m ? n : m, common = 0;
        while (common < least && a[common] == b[common]) common++;
        int expected = common < least ? (a[common] < b[common] ? -1 : 1) : (n > m) - (n < m);
        int c = art_bytes_compare(art_bytes(a, n), art_bytes(b, m));
        ck_assert_int_eq((c > 0) - (c < 0), expected);
        ck_assert(art_bytes_equal(art_bytes(a, n), art_bytes(b, m)) == (expected == 0));
        ck_assert(art_bytes_starts_with(art_bytes(a, n), art_bytes(b, m)) == (common == m));
        ck_assert_uint_eq(art_common_prefix(a, b, least), common);
    }
    ck_assert_int_eq(art_bytes_compare(art_bytes(NULL, 0), art_bytes("", 0)), 0);
    ck_assert_int_lt(art_bytes_compare(art_bytes(NULL, 0), art_bytes("a", 1)), 0);
    ck_assert(art_bytes_starts_with(art_bytes("a", 1), art_bytes(NULL, 0)));
}

TEST(test_a_varint_comes_back_and_a_cut_one_is_refused) {
    uint8_t space[16];
    for (unsigned bits = 0; bits <= 64; bits++) {
        for (int memtable = -1; memtable <= 1; memtable++) {
            uint64_t x = (bits < 64 ? (uint64_t)1 << bits : 0) + (uint64_t)memtable, y = 0;
            uint32_t n = art_put_varint(space, x);
            ck_assert_uint_le(n, 10);
            ck_assert_uint_eq(art_get_varint(space, space + n, &y), n);
            ck_assert_uint_eq(x, y);
            for (uint32_t cut = 0; cut < n; cut++) ck_assert_uint_eq(art_get_varint(space, space + cut, &y), 0);
        }
    }
    uint64_t y;
    memset(space, 0x80, sizeof space);
    ck_assert_uint_eq(art_get_varint(space, space + sizeof space, &y), 0);
}

TEST(test_the_weight_of_an_entry_is_put_minus_over) {
    ck_assert_int_eq(art_entry_weight(0), 1);
    ck_assert_int_eq(art_entry_weight(ART_SHADOWS_OLDER), 0);
    ck_assert_int_eq(art_entry_weight(ART_DELETE), 0);
    ck_assert_int_eq(art_entry_weight(ART_DELETE | ART_SHADOWS_OLDER), -1);
    ck_assert_int_eq(art_entry_weight(ART_OVERFLOW), 1);
}

/* ---- hashes ------------------------------------------------------------------------------------------------------ */

TEST(test_hashes_are_xxh3_and_of_parts_as_of_the_whole) {
    /* XXH3 of nothing, as published by the library's test vectors. */
    ck_assert(art_hash64("", 0) == 0x2d06800538d394c2);
    uint8_t data[600];
    for (unsigned i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * 7);
    struct art_hash128 whole = art_hash128(data, sizeof data);
    for (unsigned cut = 0; cut <= sizeof data; cut += 40) {
        struct art_hash_part parts[3] = {{data, cut}, {data + cut, 0}, {data + cut, sizeof data - cut}};
        ck_assert(art_hash128_equal(art_hash128_parts(parts, 3), whole));
    }
    data[599] ^= 1;
    ck_assert(!art_hash128_equal(art_hash128(data, sizeof data), whole));
}

TEST(test_random_bytes_differ) {
    uint8_t a[32] = {0}, b[32] = {0};
    ck_assert_int_eq(art_random(a, sizeof a), ART_OK);
    ck_assert_int_eq(art_random(b, sizeof b), ART_OK);
    ck_assert_int_ne(memcmp(a, b, sizeof a), 0);
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static unsigned taken, released;

static void *counting_allocate(uint64_t bytes) {
    taken++;
    return malloc(bytes);
}

static void *counting_resize(void *old, uint64_t bytes) {
    if (!old) taken++;
    return realloc(old, bytes);
}

static void counting_release(void *memory) {
    released++;
    free(memory);
}

static void *no_allocate(uint64_t bytes) {
    return NULL;
}

TEST(test_all_memory_goes_through_the_allocator) {
    static const struct art_allocator counting = {counting_allocate, counting_resize, counting_release};
    static const struct art_allocator none = {no_allocate, counting_resize, counting_release};
    taken = released = 0;
    art_alloc_use(&counting);
    uint8_t *zeroed = art_alloc_zeroed(100);
    for (int i = 0; i < 100; i++) ck_assert_int_eq(zeroed[i], 0);
    zeroed = art_resize(zeroed, 200);
    art_free(zeroed);
    art_free(NULL);
    void *empty = art_alloc(0);
    ck_assert_ptr_nonnull(empty);
    art_free(empty);
    for (size_t alignment = 16; alignment <= 4096; alignment *= 2) {
        uint8_t *aligned = art_alloc_aligned(1000, alignment);
        ck_assert_uint_eq((uintptr_t)aligned % alignment, 0);
        memset(aligned, 1, 1000);
        art_free_aligned(aligned);
    }
    art_free_aligned(NULL);
    ck_assert_uint_eq(taken, 11);
    ck_assert_uint_eq(released, taken);
    art_alloc_use(&none);
    ck_assert_ptr_null(art_alloc(1));
    ck_assert_ptr_null(art_alloc_zeroed(1));
    ck_assert_ptr_null(art_alloc_aligned(1, 64));
    art_alloc_use(NULL);
}

static void *no_resize(void *old, uint64_t bytes) {
    return NULL;
}

TEST(test_a_buffer_grows_and_is_unchanged_when_it_cannot) {
    static const struct art_allocator none = {no_allocate, no_resize, free};
    struct art_buffer buffer = {0};
    ck_assert_int_eq(art_buffer_append(&buffer, NULL, 0), ART_OK);
    for (unsigned i = 0; i < 1000; i++) ck_assert_int_eq(art_buffer_append(&buffer, &i, sizeof i), ART_OK);
    ck_assert_uint_eq(buffer.len, 1000 * sizeof(unsigned));
    for (unsigned i = 0; i < 1000; i++) ck_assert_uint_eq(art_load32(buffer.data + i * sizeof i), i);
    art_alloc_use(&none);
    ck_assert_int_eq(art_buffer_reserve(&buffer, 1 << 20), ART_NOMEM);
    art_alloc_use(NULL);
    ck_assert_uint_eq(buffer.len, 1000 * sizeof(unsigned));
    ck_assert_uint_eq(art_load32(buffer.data + 4), 1);
    art_buffer_clear(&buffer);
    ck_assert_ptr_null(buffer.data);
    art_buffer_clear(&buffer);
}

SUITE("base")
