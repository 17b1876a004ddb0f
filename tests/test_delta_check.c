/* What art_delta_check() is for: a delta that somebody broke, one invariant at a time, and the sentence that says so. Every
 * model test of the delta relies on it. And the drawing for people, to its letter.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "core/base/error.h"
#include "core/delta/inside.h"
#include "tests/support/short_memory.h"
#include "tests/support/suite.h"

static void put(struct art_delta *delta, const char *key, const char *value, uint8_t flags) {
    uint8_t padded[64 + ART_KEY_PADDING] = {0};
    uint32_t len = (uint32_t)strlen(key);
    memcpy(padded, key, len);
    struct art_entry entry = {.value = art_bytes(value, (uint32_t)strlen(value)), .csn = 7, .flags = flags};
    ck_assert_int_eq(art_delta_set(delta, art_bytes(padded, len), &entry), ART_OK);
}

/* "k", and "k" with so many bytes after it ('A' and up, with two keys under 'A'): the root is a node at depth 1. */
static struct art_delta *delta_of(unsigned children) {
    struct art_delta *delta;
    ck_assert_int_eq(art_delta_open(&delta), ART_OK);
    put(delta, "k", "end", 0);
    for (unsigned i = 0; i < children; i++) {
        char key[4] = {'k', (char)('A' + i), i ? 0 : '1', 0};
        put(delta, key, "value", 0);
    }
    put(delta, "kA2", "another", 0);
    art_delta_mark(delta);
    put(delta, "kA2", "another, again", 0);
    ck_assert_int_eq(art_delta_check(delta), ART_OK);
    return delta;
}

static struct art_node *root_of(struct art_delta *delta) {
    return art_link_node(delta->root);
}

static struct art_leaf *leaf_of(struct art_delta *delta, const char *key) {
    uint8_t padded[64 + ART_KEY_PADDING] = {0};
    uint32_t len = (uint32_t)strlen(key);
    memcpy(padded, key, len);
    const struct art_leaf *leaf = art_delta_nearest(delta, art_bytes(padded, len));
    ck_assert(leaf && art_bytes_equal(art_leaf_key(leaf), art_bytes(key, len)));
    return (struct art_leaf *)leaf;
}

static struct art_undo_note *last_note(struct art_delta *delta) {
    return &delta->undo.notes[delta->undo.count - 1];
}

static struct art_node *inner_of(struct art_delta *delta) {
    return art_link_node(((struct art_node4 *)root_of(delta))->child[0]);
}

/* --- how to break one --------------------------------------------------------------------------------------------- */

static void swap_bytes(struct art_delta *delta) {
    uint8_t *bytes = root_of(delta)->bytes, first = bytes[0];
    bytes[0] = bytes[1];
    bytes[1] = first;
}

static void lose_child(struct art_delta *delta) {
    ((struct art_node4 *)root_of(delta))->child[1] = 0;
}

static void count_child_twice(struct art_delta *delta) {
    root_of(delta)->children++;
}

static void share_place(struct art_delta *delta) {
    struct art_node48 *node = (struct art_node48 *)root_of(delta);
    node->place['C'] = node->place['D'];
}

static void leave_one_link(struct art_delta *delta) {
    root_of(delta)->children = 1;
    root_of(delta)->end = 0;
}

static void invent_type(struct art_delta *delta) {
    root_of(delta)->type = 9;
}

static void misalign(struct art_delta *delta) {
    static _Alignas(64) uint8_t room[128];
    memcpy(room + 8, root_of(delta), sizeof(struct art_node4));
    delta->root = (art_link)(room + 8);
}

static void lift_inner(struct art_delta *delta) {
    inner_of(delta)->depth = root_of(delta)->depth;
}

static void end_in_node(struct art_delta *delta) {
    root_of(delta)->end = (art_link)inner_of(delta);
}

static void weigh_more(struct art_delta *delta) {
    root_of(delta)->weight++;
}

static void note_the_future(struct art_delta *delta) {
    leaf_of(delta, "kB")->noted = delta->undo.base + delta->undo.count + 1;
}

static void note_another(struct art_delta *delta) {
    last_note(delta)->leaf = leaf_of(delta, "kB");
}

static void note_in_a_circle(struct art_delta *delta) {
    last_note(delta)->noted = leaf_of(delta, "kA2")->noted;
}

static void note_absent_twice(struct art_delta *delta) {
    last_note(delta)->absent = true;
}

static void forget_the_mark(struct art_delta *delta) {
    delta->undo.stretch = delta->undo.base;
}

static void flag_unknown(struct art_delta *delta) {
    leaf_of(delta, "kB")->csn_flags |= 0x80;
}

static void delete_value(struct art_delta *delta) {
    leaf_of(delta, "kB")->csn_flags |= ART_DELETE;
}

static void cut_end(struct art_delta *delta) {
    leaf_of(delta, "k")->key_len = 0;
}

static void cut_key(struct art_delta *delta) {
    leaf_of(delta, "kB")->key_len = 1;
}

static void change_byte(struct art_delta *delta) {
    leaf_of(delta, "kB")->key[1] = 'X';
}

static void sort_lower(struct art_delta *delta) {
    leaf_of(delta, "kB")->key[0] = 'a';
}

static void sort_higher(struct art_delta *delta) {
    leaf_of(delta, "kB")->key[0] = 'z';
}

static void count_key(struct art_delta *delta) {
    delta->keys++;
}

static void count_byte(struct art_delta *delta) {
    delta->bytes++;
}

static void count_row(struct art_delta *delta) {
    delta->weight++;
}

static void count_live(struct art_delta *delta) {
    delta->arena.live++;
}

static void use_nothing(struct art_delta *delta) {
    delta->arena.used = 0;
}

static void note_nobody(struct art_delta *delta) {
    delta->undo.count++;
}

static void let_go(struct art_delta *delta) {
    delta->references = 0;
}

START_TEST(test_every_broken_invariant_is_named) {
    static const struct {
        void (*broken)(struct art_delta *);
        const char *says;
        unsigned children;
    } ways[] = {
        {swap_bytes, "children out of order", 4},
        {lose_child, "a child without a link", 4},
        {count_child_twice, "wrong number of children", 20},
        {count_child_twice, "wrong number of children", 60},
        {share_place, "a shared place in a Node48", 20},
        {leave_one_link, "a node with less than two links", 4},
        {invent_type, "a node of an unknown type", 4},
        {misalign, "does not begin a cache line", 4},
        {lift_inner, "not deeper than the one above", 4},
        {end_in_node, "a node in the place of an end", 4},
        {weigh_more, "a node with a wrong weight", 4},
        {note_the_future, "a note from the future", 4},
        {note_another, "a broken chain of notes", 4},
        {note_in_a_circle, "a broken chain of notes", 4},
        {note_absent_twice, "a key that was absent after a note", 4},
        {forget_the_mark, "a key noted twice since the last mark", 4},
        {flag_unknown, "an entry with unknown flags", 4},
        {delete_value, "a delete with a value", 4},
        {cut_end, "a key in a wrong place", 4},
        {cut_key, "a key in a wrong place", 4},
        {change_byte, "a key in a wrong place", 4},
        {sort_lower, "keys out of order", 4},
        {sort_higher, "part at another depth", 4},
        {count_key, "a wrong number of keys", 4},
        {count_byte, "a wrong number of bytes", 4},
        {count_row, "a wrong count", 4},
        {count_live, "a wrong amount of garbage", 4},
        {use_nothing, "a wrong amount of garbage", 4},
        {note_nobody, "a note of a key that is not there", 4},
        {let_go, "no reference", 4},
    };
    for (unsigned i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct art_delta *delta = delta_of(ways[i].children);
        ways[i].broken(delta);
        ck_assert_msg(art_delta_check(delta) == ART_CORRUPT, "not noticed: %s", ways[i].says);
        ck_assert_msg(strstr(art_error_message(), ways[i].says) != NULL, "\"%s\" for: %s", art_error_message(),
                      ways[i].says);
        delta->references = 1;
        art_delta_unref(delta);
    }
}
END_TEST

/* --- the drawing -------------------------------------------------------------------------------------------------- */

static char *drawn(const struct art_delta *delta) {
    static char *text;
    static size_t size;
    FILE *out = open_memstream(&text, &size);
    art_delta_dump(delta, out);
    fclose(out);
    return text;
}

START_TEST(test_a_delta_is_drawn_key_by_key) {
    struct art_delta *delta;
    ck_assert_int_eq(art_delta_open(&delta), ART_OK);
    char *text = drawn(delta);
    ck_assert_int_eq(strncmp(text, "delta: 0 keys, count 0", 22), 0);
    ck_assert_ptr_eq(strchr(text, '\n') + 1, text + strlen(text));
    free(text);
    put(delta, "/u", "hello", ART_OVER);
    put(delta, "/u\\", "", ART_DELETE | ART_OVER);
    put(delta, "/u\"\x01", "of 28 bytes or so", ART_PIECES);
    text = drawn(delta);
    const char *tree = strchr(text, '\n') + 1;
    ck_assert_str_eq(tree, "Node4 at 2, weight 0\n"
                           "  end \"/u\": put over, csn 7, 5 bytes\n"
                           "  '\\x22' \"/u\\x22\\x01\": put pieces, csn 7, 17 bytes\n"
                           "  '\\x5c' \"/u\\x5c\": delete over, csn 7, 0 bytes\n");
    free(text);
    art_delta_unref(delta);
}
END_TEST

START_TEST(test_without_memory_the_check_says_so_and_the_drawing_ends_early) {
    short_memory_use();
    struct art_delta *delta = delta_of(20);
    int64_t blocks = short_memory_blocks();
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    short_memory_fail_after(0);
    int rc = art_delta_check(delta);
    art_delta_dump(delta, out);
    ck_assert_int_gt(short_memory_failures(), 0);
    short_memory_fail_after(-1);
    fclose(out);
    ck_assert_int_eq(rc, ART_NOMEM);
    ck_assert_ptr_nonnull(strstr(text, "(the rest is not shown: out of memory)"));
    free(text);
    ck_assert_int_eq(short_memory_blocks(), blocks);
    ck_assert_int_eq(art_delta_check(delta), ART_OK);
    art_delta_unref(delta);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("delta, check");
    TCase *tests = tcase_create("check");
    tcase_add_test(tests, test_every_broken_invariant_is_named);
    tcase_add_test(tests, test_a_delta_is_drawn_key_by_key);
    tcase_add_test(tests, test_without_memory_the_check_says_so_and_the_drawing_ends_early);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
