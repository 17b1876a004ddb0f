/* The steps that look at many bytes at once give what a loop over the bytes gives: as this machine's vectors do them
 * here, in plain C in test_vectors_plain (ART_NO_VECTORS), which is this file once more. NEON's turn is on an emulated
 * aarch64 (tests/clients/platforms).
 */
#include "core/blob/simd.h"
#include "core/memtable/node.h"
#include "ext/base/nul.h"
#include "tests/support/suite.h"

enum { ROUNDS = 20000, COLUMN = 128, BEYOND = 64 };

#if defined(ART_NO_VECTORS)
static const char suite_name[] = "vectors, plain";
#else
static const char suite_name[] = "vectors";
#endif

static struct random random_bytes;

/* Bytes of few kinds are often equal, those of all kinds reach the signs. */
static void fill(uint8_t *bytes, uint32_t n) {
    uint32_t kinds = random_below(&random_bytes, 2) ? 256 : 3, from = random_below(&random_bytes, 256);
    for (uint32_t i = 0; i < n; i++) bytes[i] = (uint8_t)(from + random_below(&random_bytes, kinds));
}

static void sort(uint8_t *bytes, uint32_t n) {
    for (uint32_t i = 1; i < n; i++) {
        uint8_t byte = bytes[i];
        uint32_t at = i;
        for (; at && bytes[at - 1] > byte; at--) bytes[at] = bytes[at - 1];
        bytes[at] = byte;
    }
}

TEST(test_a_common_prefix_ends_at_the_first_difference) {
    uint8_t a[COLUMN + BEYOND], b[COLUMN + BEYOND];
    for (int round = 0; round < ROUNDS; round++) {
        if (!random_span(&random_bytes)) continue;
        uint32_t n = random_below(&random_bytes, COLUMN), same = 0;
        fill(a, sizeof a);
        memcpy(b, a, sizeof a);
        if (random_below(&random_bytes, 4)) b[random_below(&random_bytes, sizeof b)] ^= 0x80;
        while (same < n && a[same] == b[same]) same++;
        ck_assert_uint_eq(art_common_prefix_padded(a, b, n), same);
        ck_assert_uint_eq(art_common_prefix(a, b, n), same);
    }
}

TEST(test_a_copy_has_all_bytes_and_at_most_16_more) {
    uint8_t from[COLUMN + BEYOND], to[COLUMN + BEYOND], before[COLUMN + BEYOND];
    for (int round = 0; round < ROUNDS; round++) {
        if (!random_span(&random_bytes)) continue;
        uint32_t n = random_below(&random_bytes, COLUMN);
        fill(from, sizeof from);
        fill(to, sizeof to);
        memcpy(before, to, sizeof to);
        art_copy_padded(to, from, n);
        ck_assert_mem_eq(to, from, n);
        ck_assert_mem_eq(to + n + 16, before + n + 16, sizeof to - n - 16);
    }
}

TEST(test_ascending_bytes_are_counted_up_to_a_byte) {
    uint8_t bytes[32 + BEYOND];
    for (int round = 0; round < ROUNDS; round++) {
        if (!random_span(&random_bytes)) continue;
        uint32_t n = random_below(&random_bytes, 33), count = 0;
        fill(bytes, sizeof bytes);
        sort(bytes, n);
        uint8_t c = n && random_below(&random_bytes, 2) ? bytes[random_below(&random_bytes, n)]
                                                        : (uint8_t)random_below(&random_bytes, 256);
        while (count < n && bytes[count] <= c) count++;
        ck_assert_uint_eq(art_count_not_above(bytes, n, c), count);
    }
}

TEST(test_columns_are_hit_where_the_depth_or_the_byte_says_so) {
    uint8_t shared[64 + BEYOND], first[64 + BEYOND];
    for (int round = 0; round < ROUNDS; round++) {
        if (!random_span(&random_bytes)) continue;
        uint32_t n = 1 + random_below(&random_bytes, 64);
        fill(shared, sizeof shared);
        fill(first, sizeof first);
        uint8_t depth = random_below(&random_bytes, 4) ? shared[random_below(&random_bytes, n)] : 255;
        uint8_t c = random_below(&random_bytes, 4) ? first[random_below(&random_bytes, n)] : 0;
        uint64_t hit = 0;
        for (uint32_t i = 0; i < n; i++) {
            hit |= (uint64_t)(shared[i] < depth || (shared[i] == depth && first[i] >= c)) << i;
        }
        ck_assert_uint_eq(art_columns_hit(shared, first, n, depth, c) & UINT64_MAX >> (64 - n), hit);
    }
}

TEST(test_a_column_is_summed_up_to_an_entry) {
    uint8_t column[COLUMN + BEYOND];
    for (int round = 0; round < ROUNDS; round++) {
        if (!random_span(&random_bytes)) continue;
        uint32_t n = 1 + random_below(&random_bytes, COLUMN), i = random_below(&random_bytes, n), sum = 0;
        fill(column, sizeof column);
        if (round == 0) memset(column, 0xff, sizeof column), n = COLUMN, i = COLUMN - 1;
        for (uint32_t at = 0; at < i; at++) sum += column[at];
        ck_assert_uint_eq(art_column_sum(column, n, i), sum);
    }
}

TEST(test_a_node16_finds_the_place_of_a_byte_among_its_children_alone) {
    for (int round = 0; round < ROUNDS; round++) {
        if (!random_span(&random_bytes)) continue;
        struct art_node16 node = {.head.type = ART_NODE16, .head.children = (uint16_t)random_below(&random_bytes, 17)};
        fill(node.bytes, sizeof node.bytes); /* also behind the last child, where bytes mean nothing */
        uint8_t byte = node.bytes[random_below(&random_bytes, 16)] ^ (uint8_t)(random_below(&random_bytes, 4) == 0);
        int place = ART_CHILD_NONE;
        for (int i = node.head.children - 1; i >= 0; i--) {
            if (node.bytes[i] == byte) place = i;
        }
        ck_assert_int_eq(art_node16_index(&node, byte), place);
    }
}

TEST(test_a_text_is_copied_and_its_nul_found) {
    uint8_t from[COLUMN + BEYOND];
    char to[COLUMN + BEYOND];
    for (int round = 0; round < ROUNDS; round++) {
        if (!random_span(&random_bytes)) continue;
        uint32_t len = 1 + random_below(&random_bytes, COLUMN), nul = random_below(&random_bytes, 2 * len);
        for (uint32_t i = 0; i < sizeof from; i++) from[i] = (uint8_t)(1 + random_below(&random_bytes, 255));
        if (nul < len) from[nul] = 0;
        memset(to, '#', sizeof to);
        ck_assert_int_eq(art_copy_text(to, from, len), nul >= len);
        ck_assert_mem_eq(to, from, len);
        ck_assert_int_eq(to[len], '#');
        from[len] = 0;
        ck_assert_uint_eq(art_first_nul((const char *)from), strlen((const char *)from));
    }
}

int main(void) {
    random_bytes = random_announced_with(suite_name, random_seed());
    return suite_run(suite_name);
}
