/* Builds blobs from one sorted stream of entries: leaf blobs of a run, or index blobs from references.
 *
 *   art_builder_begin(b, buffer)                      an empty blob in `buffer` (512 KB, 4 KB-aligned, any content)
 *   art_builder_add(b, key, entry, ...)   repeated    ART_OK: taken.  *full set: NOT taken, the blob is full:
 *   art_builder_finish(b, slot, generation, &built)       closes it: routing, filter, hashes, trailer
 *   art_builder_begin(b, next buffer), add again      what the builder still held back goes to the new blob by itself
 *   ...
 *   art_builder_finish()                              until built.more is false: normally once, rarely twice
 *
 * Keys must ascend strictly over the whole stream, not only within a blob. Only used pages need to be written:
 * built.leaf_pages from the front, built.footer_pages at the back; unused bytes inside them are zero.
 */
#ifndef ART_BLOB_BUILDER_H
#define ART_BLOB_BUILDER_H

#include "core/blob/blob.h"

struct art_builder;

struct art_builder_options {
    enum art_blob_kind kind;
    uint8_t height;                    /* of the blobs that are built: 0 for leaf blobs, 1.. for index blobs */
    bool filter;                       /* leaf blobs */
    bool blocks;                       /* leaf blobs of the oldest run: values in blocks, if there is a codec */
    const struct art_summary *summary; /* NULL: none */
    uint8_t uuid[16];                  /* the table's id */
    /* close a blob when it uses this many pages; 0: 128, all. A leaf takes its first entry, an index its first two,
     * whatever they need. */
    uint32_t fill_pages;
    uint32_t page_spare; /* bytes at the end of each leaf page that stay zero, unless a single entry needs them */
};

/* The options do not contradict each other; the summary is borrowed. ART_NOMEM, and then *out is NULL. */
enum art_rc art_builder_open(struct art_builder **out, const struct art_builder_options *options);
/* Frees the builder; NULL is fine. The buffer is the caller's. */
void art_builder_close(struct art_builder *builder);

/* Between two blobs: what suffixes of keys in the next ones are coded with, where that makes a bucket smaller; NULL:
 * they stay plain. The table is sane and copied. Nothing comes of it without `blocks`. ART_NOMEM: only
 * art_builder_close() is left. */
enum art_rc art_builder_symbols(struct art_builder *builder, const struct art_symbols *symbols);

/* The blob before this one is finished. The buffer is borrowed until art_builder_finish(). */
void art_builder_begin(struct art_builder *builder, uint8_t *buffer);

/* `shared`: bytes that `key` shares with the key added before, or ART_SHARED_UNKNOWN. Key and value are copied.
 * A blob was begun. ART_TOOBIG; ART_MISUSE: out of order, or an entry of another kind; ART_NOMEM: only
 * art_builder_close() is left. */
#define ART_SHARED_UNKNOWN UINT32_MAX
enum art_rc art_builder_add(struct art_builder *builder, struct art_bytes key, const struct art_entry *entry,
                            uint32_t shared, bool *full);
/* Index blobs: `separator` must sort above all keys of the children before and not above any of this child's. The first
 * separator of a run's index is the empty key. The reference is copied. Errors as above. */
enum art_rc art_builder_add_ref(struct art_builder *builder, struct art_bytes separator, const struct art_ref *ref,
                                bool *full);

struct art_built {
    struct art_ref ref; /* complete, for the parent; label borrowed until the next call on the builder */
    /* The shortest key above the previous blob's last key and not above this one's first, empty for the stream's first
     * blob; borrowed as the label is. */
    struct art_bytes separator;
    uint32_t entries;                  /* of an index blob: children */
    uint32_t plain_names, coded_names; /* bytes */
    uint32_t in_blocks;                /* entries whose values a block has */
    bool more;                         /* entries are still held back: begin a new blob and finish again */
};
/* Closes the blob, which was begun and has entries, reads it as a stranger would (proof.c), and lets its buffer go.
 * ART_NOMEM, or ART_CORRUPT where it is not what it should be: only art_builder_close() is left. */
enum art_rc art_builder_finish(struct art_builder *builder, uint32_t slot, uint64_t generation, struct art_built *out);

/* Entries taken that are not in a finished blob yet. 0: nothing to finish. */
uint32_t art_builder_pending(const struct art_builder *builder);

#endif
