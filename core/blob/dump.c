/* Draws a blob for people: the trailer, the routing nodes, the buckets and, if asked, the entries. */
#include <ctype.h>
#include <inttypes.h>

#include "core/base/alloc.h"
#include "core/blob/bucket.h"
#include "core/blob/cursor.h"
#include "core/blob/routing.h"

enum { SHOWN_BYTES = 120 };

static void print_bytes(FILE *out, const uint8_t *data, uint32_t len) {
    fputc('"', out);
    for (uint32_t i = 0; i < len && i < SHOWN_BYTES; i++) {
        if (isprint(data[i]) && data[i] != '"' && data[i] != '\\') {
            fputc(data[i], out);
        } else {
            fprintf(out, "\\x%02x", data[i]);
        }
    }
    fputc('"', out);
    if (len > SHOWN_BYTES) fprintf(out, "... (%u bytes)", len);
}

static void dump_trailer(const struct art_blob *blob, FILE *out) {
    const struct art_blob_trailer *trailer = art_blob_trailer(blob->image);
    fprintf(out, "blob slot %u generation %" PRIu64 ": %s, level %u\n", blob->slot, blob->generation,
            blob->kind == ART_BLOB_LEAF ? "leaf" : "index", blob->level);
    fprintf(out, "  pages     %u leaf, %u footer; label of %u bytes\n", blob->leaf_pages, blob->footer_pages,
            blob->label_len);
    fprintf(out, "  entries   %u here, %" PRIu64 " below, count %" PRId64 ", csn %" PRIu64 " to %" PRIu64 "\n",
            blob->entries, trailer->below, blob->count, trailer->csn_min, trailer->csn_max);
    fprintf(out, "  routing   %u buckets, %u bytes from %u, nodes from %u%s%s\n", blob->buckets,
            (blob->filter ? blob->filter : (uint32_t)ART_TRAILER_AT) - blob->routing, blob->routing, blob->root,
            blob->flags & ART_BLOB_WIDE ? ", wide" : "", blob->flags & ART_BLOB_SUMS ? ", sums" : "");
    if (blob->filter) fprintf(out, "  filter    %u blocks from %u\n", blob->filter_blocks, blob->filter);
}

/* In the order in which they lie: level by level. */
static void dump_nodes(const struct art_blob *blob, FILE *out) {
    uint32_t end = blob->filter ? blob->filter : (uint32_t)ART_TRAILER_AT, at = blob->root, nodes = 1;
    bool wide = blob->flags & ART_BLOB_WIDE;
    for (uint32_t i = 0; i < nodes && at < end; i++) {
        struct art_routing_node node;
        art_node_open(&node, blob->image + at, wide);
        fprintf(out, "  node +%u%s ", at - blob->root, node.flags & ART_NODE_VALUE ? " value" : "");
        print_bytes(out, node.path, node.path_len);
        for (uint32_t child = 0, key = 0; child < node.children; child++, key++) {
            if (node.flags & ART_NODE_MAP) {
                while (!(node.keys[key >> 3] >> (key & 7) & 1)) key++;
            }
            uint32_t ref = art_node_ref(&node, child, wide);
            fprintf(out, " %02x:", node.flags & ART_NODE_MAP ? key : (uint32_t)node.keys[child]);
            if (node.flags & ART_NODE_SMALL) fputc('+', out);
            fprintf(out, "%u", art_node_bucket(&node, child, 0));
            if (ref) {
                fprintf(out, "->%u", ref);
                nodes++;
            }
        }
        fputc('\n', out);
        at = (uint32_t)(node.end - blob->image);
    }
}

static void dump_entry(const struct art_blob_cursor *cursor, FILE *out) {
    struct art_entry entry;
    struct art_ref ref;
    art_blob_cursor_entry(cursor, &entry);
    fprintf(out, "    ");
    print_bytes(out, cursor->key + cursor->blob->label_len, cursor->key_len - cursor->blob->label_len);
    if (cursor->blob->kind == ART_BLOB_INDEX) {
        if (art_ref_decode(entry.value, &ref)) {
            fprintf(out, " not a reference\n");
            return;
        }
        fprintf(out, " -> slot %u generation %" PRIu64 ", %u+%u pages, %" PRIu64 " entries, count %" PRId64 ", label ",
                ref.slot, ref.generation, ref.leaf_pages, ref.footer_pages, ref.entries, ref.count);
        print_bytes(out, ref.label.data, ref.label.len);
    } else {
        fprintf(out, " csn %" PRIu64 "%s%s%s, %u bytes", entry.csn, entry.flags & ART_DELETE ? " delete" : " put",
                entry.flags & ART_SHADOWS_OLDER ? " shadows" : "", entry.flags & ART_OVERFLOW ? " chunks" : "",
                entry.value.len);
    }
    fputc('\n', out);
}

static void dump_bucket(struct art_blob_cursor *cursor, FILE *out, bool entries) {
    const struct art_bucket_view *view = &cursor->view;
    const struct art_blob *blob = cursor->blob;
    uint32_t b = cursor->bucket, at = art_bucket_offset(blob, b);
    fprintf(out, "  bucket %u at page %u +%u: %u entries, rank %u, sum %" PRId64 ", %u bytes%s%s%s, prefix ", b,
            at / ART_BLOB_PAGE, at % ART_BLOB_PAGE, view->count, art_bucket_rank(blob, b), art_bucket_sum(blob, b),
            art_bucket_end(blob, b) - at, view->form & ART_BUCKET_WIDE ? ", wide" : "",
            view->form & ART_BUCKET_LENGTHS ? ", lengths" : "", view->form & ART_BUCKET_FLAGS ? ", flags" : "");
    print_bytes(out, view->prefix, view->prefix_len);
    fputc('\n', out);
    for (uint32_t i = 0; entries && i < view->count; i++) {
        if (i && art_blob_next(cursor)) return;
        dump_entry(cursor, out);
    }
}

void art_blob_dump(struct art_blob *blob, FILE *out, bool entries) {
    struct art_blob_cursor cursor;
    dump_trailer(blob, out);
    dump_nodes(blob, out);
    uint8_t *key = art_alloc(ART_KEY_MAX + ART_KEY_PADDING);
    if (!key) {
        fprintf(out, "  (no memory for the buckets)\n");
        return;
    }
    art_blob_cursor_init(&cursor, blob, key);
    for (uint32_t b = 0; b < blob->buckets; b++) {
        if (art_blob_cursor_place(&cursor, b, 0)) {
            fprintf(out, "  bucket %u cannot be read\n", b);
            continue;
        }
        dump_bucket(&cursor, out, entries);
    }
    art_free(key);
}
