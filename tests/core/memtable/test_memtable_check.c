/* What art_memtable_check() is for: a memtable that somebody broke, one invariant at a time, and the sentence that says
 * so. Every model test of the memtable relies on it. And the drawing for people, to its letter.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/memtable/inside.h"
#include "tests/support/of_core.h"
#include "tests/support/short_memory.h"
#include "tests/support/suite.h"

static void put(struct art_memtable *memtable, const char *key, const char *value, uint8_t flags) {
    uint8_t padded[64 + ART_KEY_PADDING] = {0};
    uint32_t len = (uint32_t)strlen(key);
    memcpy(padded, key, len);
    struct art_entry entry = {.value = art_bytes(value, (uint32_t)strlen(value)), .csn = 7, .flags = flags};
    ck_assert_int_eq(art_memtable_set(memtable, art_bytes(padded, len), &entry), ART_OK);
}

/* "k", and "k" with so many bytes after it ('A' and up, with two keys under 'A'): the root is a node at depth 1. */
static struct art_memtable *memtable_of(unsigned children) {
    struct art_memtable *memtable;
    ck_assert_int_eq(art_memtable_open(&memtable), ART_OK);
    put(memtable, "k", "end", 0);
    for (unsigned i = 0; i < children; i++) {
        char key[4] = {'k', (char)('A' + i), i ? 0 : '1', 0};
        put(memtable, key, "value", 0);
    }
    put(memtable, "kA2", "another", 0);
    art_memtable_savepoint(memtable);
    put(memtable, "kA2", "another, again", 0);
    ck_assert_int_eq(art_memtable_check(memtable), ART_OK);
    return memtable;
}

static struct art_node *root_of(struct art_memtable *memtable) {
    return art_link_node(memtable->root);
}

static struct art_leaf *leaf_of(struct art_memtable *memtable, const char *key) {
    uint8_t padded[64 + ART_KEY_PADDING] = {0};
    uint32_t len = (uint32_t)strlen(key);
    memcpy(padded, key, len);
    const struct art_leaf *leaf = art_link_nearest(memtable->root, art_bytes(padded, len));
    ck_assert(leaf && art_bytes_equal(art_leaf_key(leaf), art_bytes(key, len)));
    return (struct art_leaf *)leaf;
}

static struct art_undo_note *last_note(struct art_memtable *memtable) {
    return &memtable->undo.notes[memtable->undo.count - 1];
}

static struct art_node *inner_of(struct art_memtable *memtable) {
    return art_link_node(((struct art_node4 *)root_of(memtable))->child[0]);
}

/* --- how to break one --------------------------------------------------------------------------------------------- */

static void swap_bytes(struct art_memtable *memtable) {
    uint8_t *bytes = root_of(memtable)->bytes, first = bytes[0];
    bytes[0] = bytes[1];
    bytes[1] = first;
}

static void lose_child(struct art_memtable *memtable) {
    ((struct art_node4 *)root_of(memtable))->child[1] = 0;
}

static void count_child_twice(struct art_memtable *memtable) {
    root_of(memtable)->children++;
}

static void share_place(struct art_memtable *memtable) {
    struct art_node48 *node = (struct art_node48 *)root_of(memtable);
    node->place['C'] = node->place['D'];
}

static void leave_one_link(struct art_memtable *memtable) {
    root_of(memtable)->children = 1;
    root_of(memtable)->end = 0;
}

static void invent_type(struct art_memtable *memtable) {
    root_of(memtable)->type = 9;
}

static void misalign(struct art_memtable *memtable) {
    static _Alignas(64) uint8_t room[128];
    memcpy(room + 8, root_of(memtable), sizeof(struct art_node4));
    memtable->root = (art_link)(room + 8);
}

static void lift_inner(struct art_memtable *memtable) {
    inner_of(memtable)->depth = root_of(memtable)->depth;
}

static void end_in_node(struct art_memtable *memtable) {
    root_of(memtable)->end = (art_link)inner_of(memtable);
}

static void weigh_more(struct art_memtable *memtable) {
    root_of(memtable)->weight++;
}

static void note_the_future(struct art_memtable *memtable) {
    leaf_of(memtable, "kB")->noted = memtable->undo.base + memtable->undo.count + 1;
}

static void note_another(struct art_memtable *memtable) {
    last_note(memtable)->leaf = leaf_of(memtable, "kB");
}

static void note_in_a_circle(struct art_memtable *memtable) {
    last_note(memtable)->noted = leaf_of(memtable, "kA2")->noted;
}

static void note_absent_twice(struct art_memtable *memtable) {
    last_note(memtable)->absent = true;
}

static void forget_the_mark(struct art_memtable *memtable) {
    memtable->undo.savepoint = memtable->undo.base;
}

static void flag_unknown(struct art_memtable *memtable) {
    leaf_of(memtable, "kB")->csn_flags |= 0x80;
}

static void delete_value(struct art_memtable *memtable) {
    leaf_of(memtable, "kB")->csn_flags |= ART_DELETE;
}

static void cut_end(struct art_memtable *memtable) {
    leaf_of(memtable, "k")->key_len = 0;
}

static void cut_key(struct art_memtable *memtable) {
    leaf_of(memtable, "kB")->key_len = 1;
}

static void change_byte(struct art_memtable *memtable) {
    leaf_of(memtable, "kB")->key[1] = 'X';
}

static void sort_lower(struct art_memtable *memtable) {
    leaf_of(memtable, "kB")->key[0] = 'a';
}

static void sort_higher(struct art_memtable *memtable) {
    leaf_of(memtable, "kB")->key[0] = 'z';
}

static void count_key(struct art_memtable *memtable) {
    memtable->keys++;
}

static void count_byte(struct art_memtable *memtable) {
    memtable->bytes++;
}

static void count_row(struct art_memtable *memtable) {
    memtable->weight++;
}

static void count_live(struct art_memtable *memtable) {
    memtable->arena.live++;
}

static void use_nothing(struct art_memtable *memtable) {
    memtable->arena.used = 0;
}

static void note_nobody(struct art_memtable *memtable) {
    memtable->undo.count++;
}

static void let_go(struct art_memtable *memtable) {
    memtable->references = 0;
}

TEST(test_every_broken_invariant_is_named) {
    static const struct {
        void (*broken)(struct art_memtable *);
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
        {forget_the_mark, "a key noted twice since the last savepoint", 4},
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
        struct art_memtable *memtable = memtable_of(ways[i].children);
        ways[i].broken(memtable);
        ck_assert_msg(art_memtable_check(memtable) == ART_CORRUPT, "not noticed: %s", ways[i].says);
        ck_assert_msg(strstr(art_error_message(), ways[i].says) != NULL, "\"%s\" for: %s", art_error_message(),
                      ways[i].says);
        memtable->references = 1;
        art_memtable_unref(memtable);
    }
}

TEST(test_without_memory_the_check_says_so) {
    short_memory_use();
    struct art_memtable *memtable = memtable_of(20);
    int64_t blocks = short_memory_blocks();
    short_memory_fail_after(0);
    int rc = art_memtable_check(memtable);
    ck_assert_int_gt(short_memory_failures(), 0);
    short_memory_fail_after(-1);
    ck_assert_int_eq(rc, ART_NOMEM);
    ck_assert_int_eq(short_memory_blocks(), blocks);
    ck_assert_int_eq(art_memtable_check(memtable), ART_OK);
    art_memtable_unref(memtable);
}

int main(void) {
    return suite_run("memtable, check");
}
