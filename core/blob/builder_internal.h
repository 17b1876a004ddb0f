/* The builder's inside, shared by builder.c (the stream), pending.c (the bucket that is being filled), fitting.c (how
 * much of it fits, when its values become a block and its suffixes are coded) and proof.c (can it be read?).
 *
 *   add() -> pending bucket -> emit -> leaf pages of the current buffer, a row in the footer's directories
 *
 * The pending bucket is kept as columns until its page is full; it may outlive its blob and open the next one.
 * Invariant: it fits into what is left of the page at `at`, or it holds one entry that crosses pages (`alone`), or how
 * much it takes is not known before its values are encoded (`blocks`).
 *
 * With a table of symbols each suffix is coded when it is added, and kept beside the plain one: which of the two a
 * bucket has is decided when it is fitted into its page, and a bucket that goes on with another table needs the plain
 * ones. What the first key has behind the prefix is known then, too.
 */
#ifndef ART_BLOB_BUILDER_INTERNAL_H
#define ART_BLOB_BUILDER_INTERNAL_H

#include "core/base/limits.h"
#include "core/blob/builder.h"
#include "core/blob/footer.h"

enum {
    ART_NAMES_MAX = 16384, /* bytes of plain suffixes in the pending bucket; coded they may fit into a page */
    ART_CODES_PER_BYTE = 2 /* at most: an escape, and the byte */
};

/* What decides on the form, and so on the size, of a bucket. */
struct art_bucket_shape {
    bool wide; /* as either kind of suffixes needs it, until it is decided which of them is written */
    bool same_length, same_flags;
    uint32_t row;                       /* bytes of an entry in the columns, by all the others */
    uint32_t least_shared, most_shared; /* of entries 1..; whole lengths */
    uint64_t csn_least, csn_most;
};

/* What suffixes are coded with, and the codes of the pending bucket's: made with the first table. */
struct art_coding {
    struct art_encoder encoder;
    uint8_t suffixes[ART_CODES_PER_BYTE * ART_NAMES_MAX];
    uint8_t first[ART_CODES_PER_BYTE * ART_BLOB_PAGE];
};

struct art_pending {
    uint32_t count; /* 0: nothing pending */
    struct art_bucket_shape shape;
    bool alone;
    bool blocks;            /* its values may become a block. What is said of all entries is summed up in the end */
    uint32_t behind;        /* with `blocks`: entries behind the bucket's `count`, for the next one */
    struct art_bytes block; /* which is written instead of the values; its len 0: none */
    /* NULL: suffixes stay plain. Else it is decided in the end whether they are written `coded`. `key_bytes` are those
     * of prefix and suffixes as they are written; until then, about so many. */
    struct art_coding *coding;
    bool coded;
    uint32_t key_bytes;
    uint32_t first_len, value_bytes;
    uint32_t suffix_bytes, coded_bytes;            /* of entries 1.. only */
    int64_t sum;                                   /* of weights */
    bool odd_weight;                               /* some weight is not 1 */
    uint64_t below;                                /* index: leaf entries under the children */
    struct art_bounds bounds;                      /* of all entries; csn_max is exact */
    uint64_t overflows;                            /* entries with ART_OVERFLOW, here or below */
    struct art_summed summed;                      /* with a summary: of all entries */
    struct art_text_bounds texts[ART_SUMMARY_MAX]; /* of which its zones do not know yet */
    struct art_terms terms;                        /* the same, with lookups or searches */
    uint32_t label_shared; /* index: bytes that all children's labels have in common with the first key */
    uint16_t shared[ART_BUCKET_ENTRIES], value_end[ART_BUCKET_ENTRIES];
    uint16_t suffix_len[ART_BUCKET_ENTRIES], coded_len[ART_BUCKET_ENTRIES]; /* of the first entry, decided in the end */
    uint8_t first_byte[ART_BUCKET_ENTRIES], flags[ART_BUCKET_ENTRIES];
    uint64_t csn[ART_BUCKET_ENTRIES];
    uint8_t suffixes[ART_NAMES_MAX + ART_KEY_PADDING];
    uint8_t values[ART_BLOCK_PLAIN_MAX];
    uint8_t first_key[ART_KEY_MAX + ART_KEY_PADDING];
};

_Static_assert(ART_BLOCK_PLAIN_MAX >= ART_BLOB_PAGE + ART_STORED_MAX, "room for a page, and the entry that crosses");

/* An entry on its way in. */
struct art_arrival {
    struct art_bytes key;
    const struct art_entry *entry;
    uint32_t shared; /* with the key before */
    int64_t weight;
    uint64_t below, csn_max, overflows;
    uint32_t key_max;
    const struct art_summary *summary; /* NULL: none */
    const struct art_summed *summed;   /* of a reference, with a summary */
    struct art_bytes label;
};

struct art_key_copy {
    uint32_t len;
    uint8_t bytes[ART_KEY_MAX + ART_KEY_PADDING];
};

/* What proof.c knows of the stream: some of its entries, by their hashes; and what it reads a blob with. */
enum { ART_SAMPLES_MAX = 64 };
struct art_proving {
    struct {
        uint64_t number, key, entry; /* in the stream; hashes */
    } sample[ART_SAMPLES_MAX];
    uint32_t samples, since;  /* bytes of entries since the last sample */
    uint64_t taken, finished; /* entries of the stream, and of those, in finished blobs */
    struct art_terms terms;
    struct art_plain_bucket plain;
    uint8_t key[ART_KEY_MAX + ART_KEY_PADDING];
};

struct art_builder {
    struct art_builder_options options;
    uint8_t *buffer;             /* NULL: no blob begun */
    uint32_t at;                 /* where the next bucket goes */
    bool refused;                /* the pending bucket does not fit into this blob */
    bool any_added, any_emitted; /* in the stream: `last`, `emitted_last` mean something */
    uint32_t entries;            /* in this blob's buckets */
    uint64_t below, csn_min, csn_max, overflows;
    uint32_t key_max;
    /* What buckets of this blob may be coded with (`codes`; NULL: there was no table yet), how many are, and what
     * struct art_built says of names. */
    struct art_coding *coding;
    bool codes;
    uint32_t coded_buckets, plain_names, coded_names;
    bool used[256]; /* codes */
    struct art_symbols
        symbols;            /* the blob's: of those alone that its names have. What was deleted has no trace there */
    uint32_t label_shared;  /* index: of all children's labels with the blob's first key */
    uint32_t separator_len; /* the blob's separator: so many bytes of its first key */
    uint32_t in_blocks;     /* of them, those whose values a block has */
    uint32_t ratio;         /* how small blocks have become lately: ART_RATIO_ONE, as large as plain */
    struct art_footer footer;
    struct art_pending pending;
    uint8_t block[ART_BLOCK_PLAIN_MAX];
    uint8_t summed[ART_SUMMED_MAX];                /* of the finished blob */
    struct art_key_copy last, emitted_last, first; /* added last; last of the last bucket; first of this blob */
    struct art_proving proving;
};

/* `key` has ART_KEY_MAX bytes at most, and does not lie in the copy. */
static inline void art_key_copy_set(struct art_key_copy *copy, const uint8_t *key, uint32_t len) {
    copy->len = len;
    if (len) memcpy(copy->bytes, key, len);
}

/* --- pending.c ---------------------------------------------------------------------------------------------------- */

/* Bytes that the pending bucket takes, a multiple of 8, at most; with `coding`, about that many before it is
 * decided. */
uint32_t art_pending_size(const struct art_pending *pending);
/* The same of its keys alone, of its first entry alone, and with a block of so many bytes. */
uint32_t art_pending_size_of_keys(const struct art_pending *pending);
uint32_t art_pending_size_of_first(const struct art_pending *pending);
uint32_t art_pending_size_with(const struct art_pending *pending, uint32_t block_len);
/* Takes one more entry if the bucket then still has at most `limit` bytes, or (with `blocks`) its keys have and its
 * values can be those of a block; else, or with ART_BUCKET_ENTRIES entries, false, and nothing has changed. Something
 * is pending. */
bool art_pending_add(struct art_pending *pending, const struct art_arrival *arrival, uint32_t limit);
/* Begins a new bucket with this entry. `coding`: with `blocks`, or NULL. */
void art_pending_begin(struct art_pending *pending, const struct art_arrival *arrival, bool blocks,
                       struct art_coding *coding);
/* Writes the bucket; returns its size, a multiple of 8 and not above art_pending_size(). Does not empty it. */
uint32_t art_pending_write(const struct art_pending *pending, uint8_t *out);

/* With `blocks`: */
/* Leaves the first `count` entries of all in the bucket; the others are behind it. */
void art_pending_cut(struct art_pending *pending, uint32_t count);
/* Whether its suffixes are written coded: where that is smaller. The length of the first one. */
void art_pending_decide(struct art_pending *pending);
/* It goes on with other symbols, or (NULL) none. */
void art_pending_recode(struct art_pending *pending, struct art_coding *coding);
/* How many of all entries a bucket of at most `limit` bytes can have, with its values as they are. */
uint32_t art_pending_plain_fit(const struct art_pending *pending, uint32_t limit);
/* What is said of all entries of the bucket: bounds, sums, zones, terms. */
void art_pending_sum_up(struct art_pending *pending, const struct art_summary *summary);
/* The key before those that are behind, into `last`; they become the bucket. There are some. */
void art_pending_follow(struct art_pending *pending, struct art_key_copy *last);

/* --- proof.c ------------------------------------------------------------------------------------------------------ */

/* Is the blob in the buffer, which this reference leads to, what the builder has noted? ART_CORRUPT with a sentence
 * that says so; ART_NOMEM. */
enum art_rc art_builder_prove(struct art_builder *builder, const struct art_ref *ref);
/* Begins, and ends, with the builder. ART_NOMEM: to be ended all the same. */
enum art_rc art_proof_open(struct art_builder *builder);
void art_proof_close(struct art_builder *builder);
/* An entry was taken. */
void art_proof_sample(struct art_builder *builder, struct art_bytes key, const struct art_entry *entry);
static inline void art_proof_note(struct art_builder *builder, struct art_bytes key, const struct art_entry *entry) {
    struct art_proving *proving = &builder->proving;
    proving->since += key.len + entry->value.len;
    if (ART_UNLIKELY(proving->since >= ART_LIMIT(sample_bytes))) art_proof_sample(builder, key, entry);
    proving->taken++;
}
/* The blob is finished. */
void art_proof_next(struct art_builder *builder);
/* The error for it, ART_CORRUPT. */
enum art_rc art_built_wrong(const char *what) __attribute__((cold));

/* --- fitting.c ---------------------------------------------------------------------------------------------------- */

enum { ART_RATIO_ONE = 4096 };

/* Where the next bucket may begin in its page, and how many bytes of it are left there for entries. */
static inline uint32_t art_left_in_page(uint32_t at) {
    return ART_BLOB_PAGE - at % ART_BLOB_PAGE;
}

static inline uint32_t art_bytes_left_in_page(const struct art_builder *builder) {
    uint32_t left = art_left_in_page(builder->at), spare = builder->options.page_spare;
    return left > spare ? left - spare : 0;
}

/* What is left of the page stays empty. */
static inline void art_give_page_up(struct art_builder *builder) {
    uint32_t left = art_left_in_page(builder->at);
    memset(builder->buffer + builder->at, 0, left);
    builder->at += left;
}

/* A bucket with `blocks` is pending. */
/* It has been begun, or its page is another one: little that is left of a page is given up. */
void art_fit_begin(struct art_builder *builder);
/* Will it fill its page, as far as is known? */
bool art_fit_is_due(const struct art_builder *builder);
/* Encodes it and cuts it to what fits, of one entry at least; `block` is set. */
void art_fit_bucket(struct art_builder *builder);

#endif
