/* The tree, drawn for people: a line a node, a line a key, indented by nesting.
 *
 *     memtable: 3 keys, count 2, 120 bytes, 4208 bytes of memory, 0 of garbage, 3 notes
 *     Node4 at 2, weight 2
 *       end "/u": put shadows, csn 7, 5 bytes
 *       'a' "/usr": put, csn 7, 5 bytes
 */
#include "core/memtable/inside.h"
#include "core/memtable/walk.h"

#include <ctype.h>
#include <inttypes.h>

#include "core/base/error.h"

enum { KEY_SHOWN = 100, INDENT_MOST = 60 };

static void print_byte(uint8_t byte, FILE *out) {
    if (isprint(byte) && byte != '\\' && byte != '"') {
        fputc(byte, out);
    } else {
        fprintf(out, "\\x%02x", byte);
    }
}

static void print_leaf(const struct art_leaf *leaf, FILE *out) {
    struct art_entry entry;
    art_leaf_entry(leaf, &entry);
    fputc('"', out);
    for (uint32_t i = 0; i < leaf->key_len && i < KEY_SHOWN; i++) print_byte(leaf->key[i], out);
    fputc('"', out);
    if (leaf->key_len > KEY_SHOWN) fprintf(out, "... (%u bytes)", leaf->key_len);
    fprintf(out, ": %s%s%s, csn %" PRIu64 ", %u bytes\n", entry.flags & ART_DELETE ? "delete" : "put",
            entry.flags & ART_SHADOWS_OLDER ? " shadows" : "", entry.flags & ART_OVERFLOW ? " chunks" : "", entry.csn,
            entry.value.len);
}

static enum art_rc print_link(struct art_memtable_walk *walk, art_link link, FILE *out) {
    const struct art_walk_step *above = art_walk_top(walk);
    int indent = walk->depth * 2 < INDENT_MOST ? (int)walk->depth * 2 : INDENT_MOST;
    fprintf(out, "%*s", indent, "");
    if (above && above->child == ART_CHILD_END) {
        fputs("end ", out);
    } else if (above) {
        fputc('\'', out);
        print_byte(art_node_byte(above->node, above->child), out);
        fputs("' ", out);
    }
    if (art_link_is_leaf(link)) {
        print_leaf(art_link_leaf(link), out);
        return ART_OK;
    }
    const struct art_node *node = art_link_node(link);
    fprintf(out, "%s at %u, weight %" PRId64 "\n", art_node_name(node->type), node->depth, node->weight);
    return art_walk_enter(walk, link);
}

void art_memtable_dump(const struct art_memtable *memtable, FILE *out) {
    fprintf(out,
            "memtable: %" PRIu64 " keys, count %" PRId64 ", %" PRIu64
            " bytes, %zu bytes of memory, %zu of garbage, %zu notes\n",
            memtable->keys, memtable->weight, memtable->bytes, art_memtable_memory(memtable),
            art_memtable_garbage(memtable), memtable->undo.count);
    struct art_memtable_walk walk = {0};
    enum art_rc rc = memtable->root ? print_link(&walk, memtable->root, out) : ART_OK;
    while (!rc && walk.depth) {
        art_link link = art_walk_next(&walk);
        if (link) {
            rc = print_link(&walk, link, out);
        } else {
            art_walk_leave(&walk);
        }
    }
    if (rc) fprintf(out, "(the rest is not shown: %s)\n", art_error_text(rc));
    art_walk_clear(&walk);
}
