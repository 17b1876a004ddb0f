/* What art_memtable_check() is for: a memtable that somebody broke, one invariant at a time, and the sentence that says
 * so. Every model test of the memtable relies on it. And the drawing for people, to its letter.
 */
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

/* A memtable of so many children is broken in one way, and the check says how. */
#define BROKEN(children, says, ...)                                                                                    \
    do {                                                                                                               \
        struct art_memtable *memtable = memtable_of(children);                                                         \
        __VA_ARGS__;                                                                                                   \
        ck_assert_msg(art_memtable_check(memtable) == ART_CORRUPT, "not noticed: %s", says);                           \
        ck_assert_msg(strstr(art_error_message(), says) != NULL, "\"%s\" for: %s", art_error_message(), says);         \
        memtable->references = 1;                                                                                      \
        art_memtable_unref(memtable);                                                                                  \
    } while (0)

TEST(test_every_broken_invariant_is_named) {
    static _Alignas(64) uint8_t room[128];
    BROKEN(4, "children out of order", uint8_t *bytes = root_of(memtable)->bytes, first = bytes[0]; bytes[0] = bytes[1];
           bytes[1] = first);
    BROKEN(4, "a child without a link", ((struct art_node4 *)root_of(memtable))->child[1] = 0);
    BROKEN(20, "wrong number of children", root_of(memtable)->children++);
    BROKEN(60, "wrong number of children", root_of(memtable)->children++);
    BROKEN(20, "a shared index in a Node48", struct art_node48 *node = (struct art_node48 *)root_of(memtable);
           node->index['C'] = node->index['D']);
    BROKEN(4, "a node with less than two links", root_of(memtable)->children = 1; root_of(memtable)->end = 0);
    BROKEN(4, "a node of an unknown type", root_of(memtable)->type = 9);
    BROKEN(4, "does not begin a cache line", memcpy(room + 8, root_of(memtable), sizeof(struct art_node4));
           memtable->root = (art_link)(room + 8));
    BROKEN(4, "not deeper than the one above", inner_of(memtable)->depth = root_of(memtable)->depth);
    BROKEN(4, "a node in the index of an end", root_of(memtable)->end = (art_link)inner_of(memtable));
    BROKEN(4, "a node with a wrong weight", root_of(memtable)->weight++);
    BROKEN(4, "a note from the future",
           leaf_of(memtable, "kB")->noted = memtable->undo.base + memtable->undo.count + 1);
    BROKEN(4, "a broken chain of notes", last_note(memtable)->leaf = leaf_of(memtable, "kB"));
    BROKEN(4, "a broken chain of notes", last_note(memtable)->noted = leaf_of(memtable, "kA2")->noted);
    BROKEN(4, "a key that was absent after a note", last_note(memtable)->absent = true);
    BROKEN(4, "a key noted twice since the last savepoint", memtable->undo.savepoint = memtable->undo.base);
    BROKEN(4, "an entry with unknown flags", leaf_of(memtable, "kB")->csn_flags |= 0x80);
    BROKEN(4, "a delete with a value", leaf_of(memtable, "kB")->csn_flags |= ART_DELETE);
    BROKEN(4, "a key in a wrong index", leaf_of(memtable, "k")->key_len = 0);
    BROKEN(4, "a key in a wrong index", leaf_of(memtable, "kB")->key_len = 1);
    BROKEN(4, "a key in a wrong index", leaf_of(memtable, "kB")->key[1] = 'X');
    BROKEN(4, "keys out of order", leaf_of(memtable, "kB")->key[0] = 'a');
    BROKEN(4, "part at another depth", leaf_of(memtable, "kB")->key[0] = 'z');
    BROKEN(4, "a wrong number of keys", memtable->keys++);
    BROKEN(4, "a wrong number of bytes", memtable->bytes++);
    BROKEN(4, "a wrong count", memtable->weight++);
    BROKEN(4, "a wrong amount of garbage", memtable->arena.live++);
    BROKEN(4, "a wrong amount of garbage", memtable->arena.used = 0);
    BROKEN(4, "a note of a key that is not there", memtable->undo.count++);
    BROKEN(4, "no reference", memtable->references = 0);
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

SUITE("memtable, check")
