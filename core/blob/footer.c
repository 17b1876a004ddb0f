/* Building the routing part: the ART over the separators, breadth first. See footer.h and blob_format.h. */
#include "core/blob/footer.h"

#include <assert.h>

#include "core/base/alloc.h"
#include "core/base/buffer.h"
#include "core/base/error.h"
#include "core/blob/filter.h"

/* What a separator adds to the nodes at most, beside its bytes that its predecessor does not share: in a trie of n
 * strings there are fewer than n inner nodes (4 bytes before their path), at most n tails (3) and fewer than 2n
 * children (6). */
enum { NODE_COST_BYTES = 4 + 3 + 12, NODE_SLACK_BYTES = 8 };

/* Separators first .. end-1 agree in `depth` bytes; the reference to their node is to be written at `patch`. */
struct art_node_span {
    uint32_t first, end, depth, patch;
};

void art_footer_clear(struct art_footer *footer) {
    art_free(footer->offset);
    art_free(footer->rank);
    art_free(footer->sum);
    art_free(footer->bounds);
    art_free(footer->summed);
    art_free(footer->zones);
    art_free(footer->separator_at);
    art_free(footer->separators);
    art_free(footer->hashes);
    art_free(footer->spans);
    art_free(footer->scratch);
    art_postings_clear(&footer->postings);
    memset(footer, 0, sizeof *footer);
}

void art_footer_reset(struct art_footer *footer, uint32_t used_hashes) {
    assert(used_hashes <= footer->hash_count);
    footer->hash_count -= used_hashes;
    if (footer->hash_count)
        memmove(footer->hashes, footer->hashes + used_hashes, footer->hash_count * sizeof *footer->hashes);
    footer->buckets = 0;
    footer->symbols = NULL;
    footer->sums = false;
    footer->nodes_bound = 0;
    art_postings_reset(&footer->postings);
}

/* The arrays share one size; when one of them cannot grow, the others are merely larger than that. */
static enum art_rc reserve_buckets(struct art_footer *footer, uint32_t buckets) {
    const struct {
        void *array;
        size_t size;
    } all[] = {{&footer->offset, sizeof *footer->offset},
               {&footer->rank, sizeof *footer->rank},
               {&footer->sum, sizeof *footer->sum},
               {&footer->bounds, sizeof *footer->bounds},
               {&footer->summed, footer->has.sums * sizeof *footer->summed},
               {&footer->zones, footer->has.columns * sizeof *footer->zones},
               {&footer->separator_at, sizeof *footer->separator_at}};
    uint32_t capacity = footer->bucket_capacity;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        capacity = footer->bucket_capacity;
        enum art_rc rc =
            all[i].size ? art_grow(all[i].array, &capacity, footer->buckets + buckets + 1, all[i].size) : ART_OK;
        if (rc) return rc;
    }
    assert(capacity > footer->buckets + buckets);
    footer->bucket_capacity = capacity;
    return ART_OK;
}

enum art_rc art_footer_reserve(struct art_footer *footer, uint32_t buckets, uint32_t separator_bytes, uint32_t hashes) {
    uint32_t used = footer->buckets ? footer->separator_at[footer->buckets] : 0;
    enum art_rc rc = reserve_buckets(footer, buckets);
    if (!rc)
        rc = art_grow(&footer->separators, &footer->separator_capacity, used + separator_bytes + ART_KEY_PADDING, 1);
    if (!rc)
        rc = art_grow(&footer->hashes, &footer->hash_capacity, footer->hash_count + hashes, sizeof *footer->hashes);
    return rc;
}

struct art_bytes art_footer_separator(const struct art_footer *footer, uint32_t bucket) {
    uint32_t at = footer->separator_at[bucket], len = footer->separator_at[bucket + 1] - at;
    return art_bytes(len ? footer->separators + at : NULL, len); /* the first is empty, and may be all there is */
}

uint32_t art_footer_node_cost(const struct art_footer *footer, struct art_bytes separator) {
    uint32_t shared = 0;
    if (footer->buckets) {
        struct art_bytes before = art_footer_separator(footer, footer->buckets - 1);
        shared = art_common_prefix(before.data, separator.data, art_min32(before.len, separator.len));
    }
    return (footer->buckets ? 0 : NODE_SLACK_BYTES) + NODE_COST_BYTES + separator.len - shared;
}

void art_footer_note_summed(struct art_footer *footer, uint32_t bucket, const struct art_summed *summed) {
    struct art_measures has = footer->has;
    assert(bucket <= footer->buckets && bucket < footer->bucket_capacity);
    for (size_t i = 0, at = (size_t)bucket * has.sums; i < has.sums; i++, at++) {
        if (!bucket) footer->summed[at] = 0;
        footer->summed[at + has.sums] = art_add128(footer->summed[at], summed->sum[i]);
    }
    memcpy(footer->zones + (size_t)bucket * has.columns, summed->zone, has.columns * sizeof *footer->zones);
}

void art_footer_summed(const struct art_footer *footer, struct art_summed *out) {
    struct art_measures has = footer->has;
    *out = (struct art_summed){0};
    if (has.sums) memcpy(out->sum, footer->summed + (size_t)footer->buckets * has.sums, has.sums * sizeof *out->sum);
    for (uint32_t b = 0; b < footer->buckets; b++) {
        for (unsigned i = 0; i < has.columns; i++)
            art_zone_add(&out->zone[i], &footer->zones[(size_t)b * has.columns + i]);
    }
}

void art_footer_push(struct art_footer *footer, struct art_bytes separator, uint32_t offset, uint32_t entries,
                     int64_t sum, const struct art_bounds *bounds, const struct art_summed *summed) {
    uint32_t b = footer->buckets;
    assert(b + 1 < footer->bucket_capacity && (b || !separator.len));
    assert(entries && entries <= ART_BUCKET_ENTRIES && (!b || offset > footer->offset[b - 1]));
    if (footer->has.columns) art_footer_note_summed(footer, b, summed);
    if (!b) {
        footer->separator_at[0] = footer->rank[0] = 0;
        footer->sum[0] = 0;
    }
    footer->nodes_bound += art_footer_node_cost(footer, separator);
    uint32_t at = footer->separator_at[b];
    assert(at + separator.len + ART_KEY_PADDING <= footer->separator_capacity);
    if (separator.len) memcpy(footer->separators + at, separator.data, separator.len);
    memset(footer->separators + at + separator.len, 0, ART_KEY_PADDING); /* the proof searches for it */
    footer->separator_at[b + 1] = at + separator.len;
    footer->offset[b] = offset;
    footer->bounds[b] = *bounds;
    footer->rank[b + 1] = footer->rank[b] + entries;
    footer->sum[b + 1] = footer->sum[b] + sum;
    footer->buckets = b + 1;
}

/* --- nodes -------------------------------------------------------------------------------------------------------- */

struct art_node_writer {
    struct art_footer *footer;
    uint32_t skip; /* bytes of every separator that are left out: the label */
    bool wide;
    bool spacious; /* nothing in its short form, so that one more separator costs NODE_COST_BYTES at most */
    uint8_t *out;
    uint32_t at, spans;
    bool full; /* nodes_bound was wrong: there is no room for the next node */
};

static uint32_t written_len(const struct art_node_writer *writer, uint32_t bucket) {
    return bucket ? art_footer_separator(writer->footer, bucket).len - writer->skip : 0;
}

static const uint8_t *written_separator(const struct art_node_writer *writer, uint32_t bucket) {
    return bucket ? art_footer_separator(writer->footer, bucket).data + writer->skip : (const uint8_t *)"";
}

static void put_ref(struct art_node_writer *writer, uint32_t at, uint32_t ref) {
    if (writer->wide) {
        art_store32(writer->out + at, ref);
    } else {
        art_store16(writer->out + at, ref);
    }
}

static void put_keys(struct art_node_writer *writer, const uint8_t *keys, uint32_t n) {
    assert(n && n <= 256);
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
            writer->footer->spans[writer->spans++] =
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
    assert(span->first < span->end && span->end <= writer->footer->buckets);
    assert(low_len >= span->depth && high_len >= span->depth);
    uint32_t depth = span->depth, path_len = low_len - depth;
    if (span->end - span->first > 1) {
        path_len = art_common_prefix(low + depth, high + depth, art_min32(path_len, high_len - depth));
    }
    depth += path_len;
    bool value = low_len == depth;
    for (uint32_t b = span->first + value; b < span->end; b++) {
        uint8_t c = written_separator(writer, b)[depth];
        if (n && keys[n - 1] == c) continue;
        assert(!n || keys[n - 1] < c);
        keys[n] = c;
        first[n++] = b;
    }
    first[n] = span->end;
    assert(n || (value && span->end == span->first + 1));
    bool small = n && first[n - 1] - span->first < 256 && !writer->spacious;
    uint8_t *out = writer->out;
    uint32_t size = 1 + (path_len >= ART_NODE_PATH_SHORT ? 2 : 0) + path_len;
    if (n) size += 1 + art_min32(n, ART_NODE_MAP_BYTES) + n * (small ? 1 : 2) + n * (writer->wide ? 4 : 2);
    writer->full = size > writer->footer->nodes_bound - writer->at;
    if (writer->full) return;
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

/* *bytes: of the nodes, 0 when references of 16 bits do not reach. ART_TOOBIG: they take more than was foretold. */
static enum art_rc write_nodes(struct art_node_writer writer, uint32_t *bytes) {
    struct art_footer *footer = writer.footer;
    writer.spans = 1;
    *bytes = 0;
    footer->spans[0] = (struct art_node_span){0, footer->buckets, 0, 0};
    for (uint32_t i = 0; i < writer.spans; i++) {
        struct art_node_span span = footer->spans[i];
        if (!writer.wide && writer.at > UINT16_MAX) return ART_OK;
        if (i) put_ref(&writer, span.patch, writer.at);
        put_node(&writer, &span);
        if (writer.full) return ART_TOOBIG;
    }
    *bytes = writer.at;
    return ART_OK;
}

static enum art_rc reserve_scratch(struct art_footer *footer, uint32_t bytes) {
    enum art_rc rc = art_grow(&footer->scratch, &footer->scratch_capacity, bytes, 1);
    return rc ? rc : art_grow(&footer->spans, &footer->span_capacity, 2 * footer->buckets + 2, sizeof *footer->spans);
}

enum art_rc art_footer_measure(struct art_footer *footer) {
    if (!footer->buckets) return ART_OK;
    enum art_rc rc = reserve_scratch(footer, footer->nodes_bound);
    if (rc) return rc;
    uint32_t bytes;
    rc = write_nodes((struct art_node_writer){.footer = footer, .wide = true, .spacious = true, .out = footer->scratch},
                     &bytes);
    if (rc) return rc;
    footer->nodes_bound = bytes + NODE_SLACK_BYTES;
    return ART_OK;
}

/* --- the whole footer --------------------------------------------------------------------------------------------- */

struct art_geometry art_footer_geometry(const struct art_footer *footer, uint32_t filter_keys) {
    return (struct art_geometry){.buckets = footer->buckets,
                                 .filter_blocks = art_filter_blocks(filter_keys),
                                 .index = footer->kind == ART_BLOB_INDEX,
                                 .weights = footer->sums,
                                 .symbols = footer->symbols,
                                 .has = footer->has};
}

/* What art_footer_write() puts into the image, and what it has made for it. */
struct art_footer_put {
    const struct art_footer *footer;
    struct art_bytes label, nodes, postings;
    uint64_t csn_min;
    uint32_t filter_keys, filter_blocks;
};

/* A part of `put` to where it lies; of several, number i. */
typedef void part_put(const struct art_footer_put *put, unsigned i, uint8_t *to);

static void put_bytes(struct art_bytes bytes, uint8_t *to) {
    if (bytes.len) memcpy(to, bytes.data, bytes.len);
}

static void put_postings(const struct art_footer_put *put, unsigned i, uint8_t *to) {
    put_bytes(put->postings, to + i);
}

static void put_filter(const struct art_footer_put *put, unsigned i, uint8_t *to) {
    art_filter_build(to + i, put->filter_blocks, put->footer->hashes, put->filter_keys);
}

static void put_bounds(const struct art_footer_put *put, unsigned i, uint8_t *to) {
    const struct art_bounds *bounds = put->footer->bounds + i;
    uint32_t n = put->footer->buckets;
    for (uint32_t b = 0; b < n; b++, to += 4) {
        uint64_t newest = bounds[b].csn_max - put->csn_min;
        art_store32(to, newest < ART_NEWEST_UNKNOWN ? (uint32_t)newest : ART_NEWEST_UNKNOWN);
    }
    for (uint32_t b = 0; b < n; b++, to += 2) art_store16(to, bounds[b].key_max);
    for (uint32_t b = 0; b < n; b++) *to++ = bounds[b].overflows;
}

static void put_zones(const struct art_footer_put *put, unsigned i, uint8_t *to) {
    uint32_t n = put->footer->buckets, columns = put->footer->has.columns;
    for (uint32_t b = 0; b < n; b++) {
        const struct art_zone *zone = &put->footer->zones[(size_t)b * columns + i];
        assert(art_zone_is_sane(zone)); /* or nobody would open the blob */
        memcpy(to + 8 * b, &zone->low, 8);
        memcpy(to + 8 * n + 8 * b, &zone->high, 8);
        to[16 * n + b] = zone->kinds;
    }
}

/* A column of numbers after the other. */
static void put_column_sums(const struct art_footer_put *put, unsigned i, uint8_t *to) {
    uint32_t sums = put->footer->has.sums;
    for (; i < sums; i++) {
        for (uint32_t b = 0; b <= put->footer->buckets; b++, to += ART_SUM_BYTES)
            art_store_sum(to, put->footer->summed[(size_t)b * sums + i]);
    }
}

static void put_nodes(const struct art_footer_put *put, unsigned i, uint8_t *to) {
    put_bytes(put->nodes, to + i);
}

static void put_symbols(const struct art_footer_put *put, unsigned i, uint8_t *to) {
    memcpy(to, put->footer->symbols + i, sizeof *put->footer->symbols);
}

static void put_offsets(const struct art_footer_put *put, unsigned i, uint8_t *to) {
    for (uint32_t b = i; b < put->footer->buckets; b++)
        art_store16(to + 2 * b, put->footer->offset[b] / ART_BUCKET_ALIGN);
}

static void put_ranks(const struct art_footer_put *put, unsigned i, uint8_t *to) {
    for (uint32_t b = i; b <= put->footer->buckets; b++) art_store32(to + 4 * b, put->footer->rank[b]);
}

static void put_weights(const struct art_footer_put *put, unsigned i, uint8_t *to) {
    for (uint32_t b = i; b <= put->footer->buckets; b++) art_store64(to + 8 * b, (uint64_t)put->footer->sum[b]);
}

static void put_summed(const struct art_footer_put *put, unsigned i, uint8_t *to) {
    struct art_summed all;
    art_footer_summed(put->footer, &all);
    art_summed_encode(put->footer->has, &all, to + i);
}

static void put_heads(const struct art_footer_put *put, unsigned i, uint8_t *to) {
    if (put->postings.len) art_postings_copy_heads(put->postings, put->footer->has, put->footer->buckets, to + i);
}

static void put_label(const struct art_footer_put *put, unsigned i, uint8_t *to) {
    put_bytes(put->label, to + i);
}

/* Nodes and postings, into the scratch memory, which has the room that was foretold. */
static enum art_rc put_scratch(struct art_footer *footer, uint32_t label, uint32_t *nodes, struct art_bytes *posted,
                               bool *wide) {
    uint32_t postings = art_postings_bytes(&footer->postings, NULL, 0);
    enum art_rc rc = reserve_scratch(footer, footer->nodes_bound + postings);
    if (rc) return rc;
    struct art_node_writer writer = {.footer = footer, .skip = label, .out = footer->scratch};
    rc = write_nodes(writer, nodes);
    *wide = writer.wide = !rc && !*nodes;
    if (*wide) rc = write_nodes(writer, nodes);
    *posted = art_bytes(footer->scratch + *nodes, 0);
    if (rc || !footer->postings.fields) return rc;
    return art_postings_write(&footer->postings, footer->scratch + *nodes, postings, &posted->len);
}

/* Into the bytes that it has in an image, all zeros. Some parts have none. */
static void put_footer_part(const struct art_footer_put *put, unsigned part, uint8_t *to) {
#define PART_PUT(name, n, says, align, comes, chosen, bytes, check, put) ART_PART_ROWS_##n(put, ART_PART_##name)
    static const struct {
        part_put *put;
        unsigned first;
    } puts[ART_PARTS] = {ART_BLOB_PARTS(PART_PUT)};
    puts[part].put(put, part - puts[part].first, to);
}

unsigned art_footer_differs(const struct art_footer *footer, struct art_bytes label, uint64_t csn_min,
                            const struct art_blob *blob, uint8_t *scratch, uint32_t *byte) {
    struct art_footer_put put = {footer, .label = label, .csn_min = csn_min};
    if (blob->postings) put.postings = art_blob_postings(blob);
    for (unsigned part = 0; part < ART_PARTS; part++) {
        uint32_t from = blob->at.begin[part], len = blob->at.begin[part + 1] - from;
        if (!len || art_part_is_chosen(part)) continue;
        memset(scratch, 0, len);
        put_footer_part(&put, part, scratch);
        for (uint32_t i = 0; i < len; i++) {
            if (scratch[i] == blob->image[from + i]) continue;
            *byte = from + i;
            return part;
        }
    }
    return ART_PARTS;
}

enum art_rc art_footer_write(struct art_footer *footer, struct art_bytes label, uint64_t csn_min, uint32_t filter_keys,
                             uint32_t room_pages, uint8_t *image, struct art_footer_layout *out) {
    struct art_geometry geometry = art_footer_geometry(footer, filter_keys);
    struct art_footer_put put = {footer, .label = label, .csn_min = csn_min, .filter_keys = filter_keys};
    bool wide;
    enum art_rc rc = put_scratch(footer, label.len, &geometry.nodes, &put.postings, &wide);
    if (rc) return rc;
    put.nodes = art_bytes(footer->scratch, geometry.nodes);
    put.filter_blocks = geometry.filter_blocks;
    geometry.postings = put.postings.len;
    geometry.label = label.len;
    if (art_parts_bytes(&geometry) > ART_BLOB_BYTES) return ART_TOOBIG;
    memset(out, 0, sizeof *out);
    art_parts_place(&geometry, &out->at);
    uint32_t bytes = ART_BLOB_BYTES - out->at.begin[0], pages = (bytes + ART_BLOB_PAGE - 1) / ART_BLOB_PAGE;
    if (pages > room_pages) return ART_TOOBIG;
    out->footer_pages = pages;
    out->filter_blocks = geometry.filter_blocks;
    out->postings = geometry.postings;
    out->flags = (uint8_t)((wide ? ART_BLOB_WIDE : 0) | (footer->sums ? ART_BLOB_SUMS : 0) |
                           (geometry.filter_blocks ? ART_BLOB_FILTER : 0));
    uint32_t begin = ART_BLOB_BYTES - pages * ART_BLOB_PAGE;
    memset(image + begin, 0, ART_TRAILER_AT - begin);
    for (unsigned part = 0; part < ART_PARTS; part++)
        if (out->at.begin[part] < out->at.begin[part + 1]) put_footer_part(&put, part, image + out->at.begin[part]);
    return ART_OK;
}
