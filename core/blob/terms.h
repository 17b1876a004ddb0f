/* The terms of a bucket that is being filled (postings.h says what they are): a list of different ones, and a table
 * small enough for the processor's first cache that says which of them are there.
 *
 * Texts are kept as they come, and cut when there are many: to cut each by itself takes three times as long.
 */
#ifndef ART_BLOB_TERMS_H
#define ART_BLOB_TERMS_H

#include "core/blob/blob_format.h"

enum {
    ART_BUCKET_TERMS = 4096, /* different ones in a bucket; with more its page has any */
    ART_BUCKET_VALUES = 2 * ART_BUCKET_ENTRIES,
    ART_BUCKET_TEXT_BYTES = 2 * ART_BLOB_PAGE /* bytes of texts that are cut together */
};

struct art_term_set {
    uint32_t count, mask; /* mask: of `cell`, which is open addressing */
    bool any;             /* too many, or what they are is not known */
    uint32_t term[ART_BUCKET_TERMS + 1];
    uint32_t cell[2 * ART_BUCKET_TERMS + 1]; /* the same; 0: none, as the first always is */
    uint32_t texts_len, texts_count;         /* texts that are not cut yet, an ART_TEXT_END behind each */
    uint8_t texts[ART_BUCKET_TEXT_BYTES];
};
struct art_terms {
    struct art_term_set *set[ART_FIELDS_MAX]; /* NULL: no such field */
    uint32_t *cut;
};

/* Makes room for these fields (a bit for each), with no terms. ART_NOMEM: to be cleared all the same. */
enum art_rc art_terms_open(struct art_terms *terms, uint32_t fields);
/* Frees all; zeros are fine. */
void art_terms_clear(struct art_terms *terms);
/* Back to no terms. */
void art_terms_reset(struct art_terms *terms);
/* Adds those of an entry, with what art_summary_add() has read of it. `known`: so many bytes of the key are those of
 * another one of this bucket. */
void art_terms_add(struct art_terms *terms, const struct art_summary *summary, struct art_bytes key, uint32_t known,
                   const struct art_entry *entry, const struct art_datum *data);
/* Behind the bucket's last entry: before this some are missing. */
void art_terms_end(struct art_terms *terms, const struct art_summary *summary);
static inline uint32_t art_term_not_zero(uint32_t term) {
    return term + !term;
}

#endif
