/* The parts of a footer before its trailer, each described once, in the order in which they lie (blob_format.h draws
 * their bytes). Who opens a blob, builds, checks or damages one goes through this list.
 *
 *   PART(name, n, says, align, comes, chosen, bytes, check, put)
 *
 *   name, n    ART_PART_name, and n - 1 more of the same kind behind it, as `i` tells: zones of each column
 *   says       how a message calls it
 *   align      it begins at a multiple of that, as far back as it can; 0: right behind the part before it
 *   comes      which blobs have its pages in their head, so that they come with the trailer
 *   chosen     it is the writer's choice, as long as it keeps its promise: a key passes the filter, a separator
 *              divides, a term leads to its rows. Otherwise it follows from the entries to the byte
 *   bytes      how many it takes, as `of` (struct art_geometry) tells
 *   check      (blob_open.c) is it sane, now that its pages are there? It may rely on the parts behind it
 *   put        (footer.c) writes it
 */
#ifndef ART_BLOB_PARTS_H
#define ART_BLOB_PARTS_H

#include "core/base/summary.h"

enum art_part_comes { ART_COMES_LATER, ART_COMES_IN_INDEX, ART_COMES_ALWAYS };
enum art_part_chosen { ART_FOLLOWS, ART_CHOSEN };

#define ART_BLOB_PARTS(PART)                                                                                           \
    PART(POSTINGS, 1, "table of postings", ART_POSTINGS_ALIGN, ART_COMES_LATER, ART_CHOSEN, of->postings, NULL,        \
         put_postings)                                                                                                 \
    PART(FILTER, 1, "filter", ART_FILTER_BLOCK_BYTES, ART_COMES_LATER, ART_CHOSEN,                                     \
         ART_FILTER_BLOCK_BYTES * of->filter_blocks, NULL, put_filter)                                                 \
    PART(BOUNDS, 1, "directory of bounds", 8, ART_COMES_IN_INDEX, ART_FOLLOWS, ART_BOUNDS_BYTES * of->buckets, NULL,   \
         put_bounds)                                                                                                   \
    PART(ZONES, 8, "directory of zones", 0, ART_COMES_LATER, ART_FOLLOWS,                                              \
         i < of->has.columns ? ART_ZONE_BYTES * of->buckets : 0, check_zones, put_zones)                               \
    PART(SUMS, 1, "directory of sums", 0, ART_COMES_LATER, ART_FOLLOWS,                                                \
         ART_SUM_BYTES * of->has.sums * (of->buckets + 1), check_column_sums, put_column_sums)                         \
    PART(NODES, 1, "tree of separators", 0, ART_COMES_IN_INDEX, ART_CHOSEN, of->nodes, check_routing, put_nodes)       \
    PART(SYMBOLS, 1, "symbol table", 8, ART_COMES_LATER, ART_CHOSEN, of->symbols ? sizeof(struct art_symbols) : 0,     \
         check_symbols, put_symbols)                                                                                   \
    PART(OFFSETS, 1, "directory of buckets", 8, ART_COMES_ALWAYS, ART_FOLLOWS, 2 * of->buckets, check_offsets,         \
         put_offsets)                                                                                                  \
    PART(RANKS, 1, "directory of ranks", 0, ART_COMES_ALWAYS, ART_FOLLOWS, 4 * (of->buckets + 1), check_ranks,         \
         put_ranks)                                                                                                    \
    PART(WEIGHTS, 1, "directory of weights", 0, ART_COMES_ALWAYS, ART_FOLLOWS,                                         \
         of->weights ? 8 * (of->buckets + 1) : 0, check_weights, put_weights)                                          \
    PART(SUMMED, 1, "summary", 0, ART_COMES_ALWAYS, ART_FOLLOWS, art_summed_bytes(of->has), check_summed, put_summed)  \
    PART(HEADS, 1, "copy of the postings' heads", 0, ART_COMES_ALWAYS, ART_FOLLOWS,                                    \
         of->index ? 0 : art_postings_heads_bytes(of->has, of->buckets), NULL, put_heads)                              \
    PART(LABEL, 1, "label", 0, ART_COMES_ALWAYS, ART_FOLLOWS, of->label, NULL, put_label)

/* A table has a row for each part: of a kind with several parts the same one as often. */
#define ART_PART_ROWS_1(...) {__VA_ARGS__},
#define ART_PART_ROWS_8(...)                                                                                           \
    {__VA_ARGS__}, {__VA_ARGS__}, {__VA_ARGS__}, {__VA_ARGS__}, {__VA_ARGS__}, {__VA_ARGS__}, {__VA_ARGS__},           \
        {__VA_ARGS__},
_Static_assert(ART_SUMMARY_MAX == 8, "zones of so many columns");

#define ART_PART_NUMBER(name, n, ...) ART_PART_##name, ART_PART_##name##_LAST = ART_PART_##name + (n)-1,
enum art_part { ART_BLOB_PARTS(ART_PART_NUMBER) ART_PARTS };
#undef ART_PART_NUMBER
_Static_assert(ART_PARTS <= 32, "a blob has a bit for each");

/* Where each part begins, in bytes of the image, and where the trailer does. A part ends where the next one begins,
 * but for the bytes that bring that to its multiple. */
struct art_parts {
    uint32_t begin[ART_PARTS + 1];
};

/* What decides where the parts lie: of a blob that is to be written how long they are. Of one that is read its trailer
 * says where three of them begin, and with them how long postings and nodes are. */
struct art_geometry {
    uint32_t buckets, label, filter_blocks;
    bool index, weights, symbols;
    struct art_measures has;
    uint32_t nodes, postings;                   /* bytes */
    uint32_t bounds_at, filter_at, postings_at; /* 0: where there is room */
};

/* Nothing is checked: of a trailer that lies they may lie anywhere, and in any order. */
void art_parts_place(const struct art_geometry *geometry, struct art_parts *out);
/* Bytes of all parts and the trailer, with all that may lie between them, at most. */
uint64_t art_parts_bytes(const struct art_geometry *geometry);
/* They begin behind each other, the first one from byte `from` on. */
bool art_parts_ascend(const struct art_parts *at, uint32_t from);
/* Does it come with the trailer? */
bool art_part_is_in_head(unsigned part, bool index);
bool art_part_is_chosen(unsigned part);
const char *art_part_name(unsigned part);

#endif
