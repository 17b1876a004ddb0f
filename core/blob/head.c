/* Building the routing part: the ART over the separators, breadth first. See head.h and blob_format.h. */
#include "core/blob/head.h"

#include <assert.h>

#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/blob/filter.h"

/* What a separator adds to the nodes at most, beside its bytes that its predecessor does not share: in a trie of n
 * strings there are fewer than n inner nodes (4 bytes before their path), at most n tails (3) and fewer than 2n
 * children (6). */
enum { NODE_COST = 4 + 3 + 12, NODE_SLACK = 8 };

/* Separators first .. end-1 agree in `depth` bytes; the reference to their node is to be written at `patch`. */
struct art_node_span {
    uint32_t first, end, depth, patch;
};

enum art_rc art_grow(void *array, uint32_t *room, uint32_t need, size_t size) {
    void *old, *larger;
    if (need <= *room) return ART_OK;
    uint32_t wanted = *room + *room / 2 < need ? need + 16 : *room + *room / 2;
    memcpy(&old, array, sizeof old);
    larger = art_resize(old, wanted * size);
    if (!larger) return art_nomem();
    memcpy(array, &larger, sizeof larger);
    *room = wanted;
    return ART_OK;
}

void art_head_init(struct art_head *head) {
    memset(head, 0, sizeof *head);
}

void art_head_clear(struct art_head *head) {
    art_free(head->offset);
    art_free(head->rank);
    art_free(head->sum);
    art_free(head->separator_at);
    art_free(head->separators);
    art_free(head->hashes);
    art_free(head->spans);
    art_free(head->scratch);
    memset(head, 0, sizeof *head);
}

void art_head_reset(struct art_head *head, uint32_t used_hashes) {
    assert(used_hashes <= head->hash_count);
    head->hash_count -= used_hashes;
    if (head->hash_count) memmove(head->hashes, head->hashes + used_hashes, head->hash_count * sizeof *head->hashes);
    head->buckets = 0;
    head->sums = false;
    head->nodes_bound = 0;
}

/* The four arrays share one size; when one of them cannot grow, the others are merely larger than that. */
static enum art_rc reserve_buckets(struct art_head *head, uint32_t buckets) {
    uint32_t need = head->buckets + buckets + 1, old = head->bucket_room, room = old;
    enum art_rc rc = art_grow(&head->offset, &room, need, sizeof *head->offset);
    room = old;
    if (!rc) rc = art_grow(&head->rank, &room, need, sizeof *head->rank);
    room = old;
    if (!rc) rc = art_grow(&head->sum, &room, need, sizeof *head->sum);
    room = old;
    if (!rc) rc = art_grow(&head->separator_at, &room, need, sizeof *head->separator_at);
    if (!rc) head->bucket_room = room;
    return rc;
}

enum art_rc art_head_reserve(struct art_head *head, uint32_t buckets, uint32_t separator_bytes, uint32_t hashes) {
    uint32_t used = head->buckets ? head->separator_at[head->buckets] : 0;
    enum art_rc rc = reserve_buckets(head, buckets);
    if (!rc) rc = art_grow(&head->separators, &head->separator_room, used + separator_bytes, 1);
    if (!rc) rc = art_grow(&head->hashes, &head->hash_room, head->hash_count + hashes, sizeof *head->hashes);
    return rc;
}

static struct art_bytes separator_of(const struct art_head *head, uint32_t bucket) {
    uint32_t at = head->separator_at[bucket], len = head->separator_at[bucket + 1] - at;
    return art_bytes(len ? head->separators + at : NULL, len); /* the first is empty, and may be all there is */
}

uint32_t art_head_node_cost(const struct art_head *head, struct art_bytes separator) {
    uint32_t shared = 0;
    if (head->buckets) {
        struct art_bytes before = separator_of(head, head->buckets - 1);
        shared = art_common_prefix(before.data, separator.data, art_min32(before.len, separator.len));
    }
    return (head->buckets ? 0 : NODE_SLACK) + NODE_COST + separator.len - shared;
}

void art_head_push(struct art_head *head, struct art_bytes separator, uint32_t offset, uint32_t entries, int64_t sum) {
    uint32_t b = head->buckets;
    assert(b + 1 < head->bucket_room && (b || !separator.len));
    if (!b) {
        head->separator_at[0] = head->rank[0] = 0;
        head->sum[0] = 0;
    }
    head->nodes_bound += art_head_node_cost(head, separator);
    uint32_t at = head->separator_at[b];
    assert(at + separator.len <= head->separator_room);
    if (separator.len) memcpy(head->separators + at, separator.data, separator.len);
    head->separator_at[b + 1] = at + separator.len;
    head->offset[b] = offset;
    head->rank[b + 1] = head->rank[b] + entries;
    head->sum[b + 1] = head->sum[b] + sum;
    head->buckets = b + 1;
}

void art_head_truncate(struct art_head *head, uint32_t buckets, uint32_t nodes_bound) {
    assert(buckets <= head->buckets);
    head->buckets = buckets;
    head->nodes_bound = nodes_bound;
}

/* --- nodes -------------------------------------------------------------------------------------------------------- */

struct art_node_writer {
    struct art_head *head;
    uint32_t skip; /* bytes of every separator that are left out: the label */
    bool wide,
        spacious; /* spacious: nothing in its short form, so that one more separator costs no more than NODE_COST */
    uint8_t *out;
    uint32_t at, spans;
};

static uint32_t written_len(const struct art_node_writer *writer, uint32_t bucket) {
    return bucket ? separator_of(writer->head, bucket).len - writer->skip : 0;
}

static const uint8_t *written_separator(const struct art_node_writer *writer, uint32_t bucket) {
    return bucket ? separator_of(writer->head, bucket).data + writer->skip : (const uint8_t *)"";
}

static void put_ref(struct art_node_writer *writer, uint32_t at, uint32_t ref) {
    if (writer->wide) {
        art_store32(writer->out + at, ref);
    } else {
        art_store16(writer->out + at, ref);
    }
}

static void put_keys(struct art_node_writer *writer, const uint8_t *keys, uint32_t n) {
    uint8_t *out = writer->out + writer->at;
    if (n <= 32) {
        memcpy(out, keys, n);
        writer->at += n;
        return;
    }
    memset(out, 0, ART_NODE_MAP_BYTES);
    for (uint32_t i = 0; i < n; i++) out[keys[i] >> 3] |= (uint8_t)(1u << (keys[i] & 7));
    writer->at += ART_NODE_MAP_BYTES;
}

/* First buckets and references of the children; first[n] is the end of the last one. */
static void put_children(struct art_node_writer *writer, const uint32_t *first, uint32_t n, uint32_t node_first,
                         bool small, uint32_t depth) {
    for (uint32_t i = 0; i < n; i++) {
        if (small) {
            writer->out[writer->at++] = (uint8_t)(first[i] - node_first);
        } else {
            art_store16(writer->out + writer->at, first[i]);
            writer->at += 2;
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        put_ref(writer, writer->at, 0);
        if (first[i + 1] - first[i] > 1 || written_len(writer, first[i]) > depth + 1) {
            writer->head->spans[writer->spans++] =
                (struct art_node_span){first[i], first[i + 1], depth + 1, writer->at};
        }
        writer->at += writer->wide ? 4 : 2;
    }
}

static void put_node(struct art_node_writer *writer, const struct art_node_span *span) {
    uint8_t keys[256];
    uint32_t first[257], n = 0;
    const uint8_t *low = written_separator(writer, span->first), *high = written_separator(writer, span->end - 1);
    uint32_t low_len = written_len(writer, span->first), high_len = written_len(writer, span->end - 1);
    uint32_t depth = span->depth, path_len = low_len - depth;
    if (span->end - span->first > 1) {
        path_len = art_common_prefix(low + depth, high + depth, art_min32(path_len, high_len - depth));
    }
    depth += path_len;
    bool value = low_len == depth;
    for (uint32_t b = span->first + value; b < span->end; b++) {
        uint8_t c = written_separator(writer, b)[depth];
        if (n && keys[n - 1] == c) continue;
        keys[n] = c;
        first[n++] = b;
    }
    first[n] = span->end;
    bool small = n && first[n - 1] - span->first < 256 && !writer->spacious;
    uint8_t *out = writer->out;
    out[writer->at++] =
        (uint8_t)(n ? (value ? ART_NODE_VALUE : 0) | (n > 32 ? ART_NODE_MAP : 0) | (small ? ART_NODE_SMALL : 0)
                    : ART_NODE_TAIL) |
        (uint8_t)(art_min32(path_len, ART_NODE_PATH_SHORT) << 4);
    if (n) out[writer->at++] = (uint8_t)(n - 1);
    if (path_len >= ART_NODE_PATH_SHORT) {
        art_store16(out + writer->at, path_len);
        writer->at += 2;
    }
    memcpy(out + writer->at, low + depth - path_len, path_len);
    writer->at += path_len;
    if (!n) return;
    put_keys(writer, keys, n);
    put_children(writer, first, n, span->first, small, depth);
}

/* Bytes of the nodes, 0 when references of 16 bits do not reach. */
static uint32_t put_nodes(struct art_node_writer writer) {
    struct art_head *head = writer.head;
    writer.spans = 1;
    head->spans[0] = (struct art_node_span){0, head->buckets, 0, 0};
    for (uint32_t i = 0; i < writer.spans; i++) {
        struct art_node_span span = head->spans[i];
        if (!writer.wide && writer.at > UINT16_MAX) return 0;
        if (i) put_ref(&writer, span.patch, writer.at);
        put_node(&writer, &span);
    }
    return writer.at;
}

static enum art_rc reserve_scratch(struct art_head *head, uint32_t bytes) {
    enum art_rc rc = art_grow(&head->scratch, &head->scratch_room, bytes, 1);
    return rc ? rc : art_grow(&head->spans, &head->span_room, 2 * head->buckets + 2, sizeof *head->spans);
}

enum art_rc art_head_measure(struct art_head *head) {
    if (!head->buckets) return ART_OK;
    enum art_rc rc = reserve_scratch(head, head->nodes_bound);
    if (rc) return rc;
    uint32_t bytes =
        put_nodes((struct art_node_writer){.head = head, .wide = true, .spacious = true, .out = head->scratch});
    assert(bytes <= head->nodes_bound);
    head->nodes_bound = bytes + NODE_SLACK;
    return ART_OK;
}

/* --- the whole head ----------------------------------------------------------------------------------------------- */

uint32_t art_head_pages(uint32_t buckets, bool sums, uint32_t filter_keys, uint32_t node_bytes) {
    uint32_t filter = art_filter_blocks(filter_keys) * ART_FILTER_BLOCK;
    uint64_t bytes = sizeof(struct art_blob_header) + (filter ? filter + ART_FILTER_BLOCK : 0) +
                     (uint64_t)art_directory_bytes(buckets, sums) + node_bytes + 8;
    return (uint32_t)((bytes + ART_BLOB_PAGE - 1) / ART_BLOB_PAGE);
}

static uint32_t put_directories(const struct art_head *head, uint8_t *out) {
    uint32_t at = 0;
    for (uint32_t b = 0; b < head->buckets; b++, at += 2) art_store16(out + at, head->offset[b] / ART_BUCKET_ALIGN);
    for (uint32_t b = 0; b <= head->buckets; b++, at += 4) art_store32(out + at, head->rank[b]);
    for (uint32_t b = 0; head->sums && b <= head->buckets; b++, at += 8) art_store64(out + at, (uint64_t)head->sum[b]);
    return at;
}

enum art_rc art_head_write(struct art_head *head, uint32_t label_len, uint32_t filter_keys, uint8_t *image,
                           struct art_head_layout *out) {
    uint32_t directory = art_directory_bytes(head->buckets, head->sums), filter_end = ART_HEADER_AT;
    enum art_rc rc = reserve_scratch(head, directory + head->nodes_bound);
    if (rc) return rc;
    put_directories(head, head->scratch);
    struct art_node_writer writer = {.head = head, .skip = label_len, .out = head->scratch + directory};
    uint32_t nodes = put_nodes(writer);
    if (!nodes) {
        writer.wide = true;
        nodes = put_nodes(writer);
    }
    assert(nodes <= head->nodes_bound);
    if (art_head_pages(head->buckets, head->sums, filter_keys, nodes) > ART_BLOB_PAGES) return ART_TOOBIG;
    memset(out, 0, sizeof *out);
    out->flags = (uint8_t)((writer.wide ? ART_BLOB_WIDE : 0) | (head->sums ? ART_BLOB_SUMS : 0));
    uint32_t end = ART_HEADER_AT;
    if (filter_keys) {
        out->flags |= ART_BLOB_FILTER;
        out->filter_blocks = art_filter_blocks(filter_keys);
        end = (end - out->filter_blocks * ART_FILTER_BLOCK) & ~(uint32_t)(ART_FILTER_BLOCK - 1);
        out->filter = end;
        filter_end = end + out->filter_blocks * ART_FILTER_BLOCK;
        art_filter_build(image + end, out->filter_blocks, head->hashes, filter_keys);
    }
    out->routing = (end - directory - nodes) & ~7u;
    out->root = out->routing + directory;
    out->head_pages = (ART_BLOB_BYTES - out->routing + ART_BLOB_PAGE - 1) / ART_BLOB_PAGE;
    uint32_t begin = ART_BLOB_BYTES - out->head_pages * ART_BLOB_PAGE, routing_end = out->routing + directory + nodes;
    memset(image + begin, 0, out->routing - begin);
    memcpy(image + out->routing, head->scratch, directory + nodes);
    memset(image + routing_end, 0, end - routing_end);
    memset(image + filter_end, 0, ART_HEADER_AT - filter_end);
    return ART_OK;
}
