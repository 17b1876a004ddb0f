/* Postings: in which pages of a leaf blob a row may have a term.
 *
 * A term is 32 bits that a row has: a hash of a column's value, by which the value is looked up (value_hash.h), or
 * what the host cuts out of a text, by which the text is searched. Each column that can be looked up or searched has a
 * field of its own (art_measures_fields()).
 *
 *   postings       u16 groups, u16 units           for each field
 *                  u16 begin[groups + 1]           then for each of them: where a group begins, in units of 2 bytes
 *                  u8  any[16]                     a bit for each page that may have any term
 *                  u8  data[2 * units]
 *   group          terms in ascending order, a byte of 0 behind them where their bytes are odd
 *   term           u8 print, then one of:
 *                  u8 page[n]                      ascending, bit 7 is set in the last one
 *                  127, u8 pages[16]               a bit for each page: more than ART_LISTED_PAGES
 *                  255                             a third of the pages or more have it: it tells nothing
 *
 * A term chooses the group by its upper bits and is recognised by its lower eight. A group has three terms on
 * average, so one that is not in the blob leads to a page in about one blob of ninety. A value of its own takes 2.7
 * bytes a row, paths of a file system take 4 (their trigrams, 4.5 for each row and page).
 *
 * What names of random letters would take is bounded. Where a field has more than ART_POSTING_BYTES_A_ROW, the pages
 * with more terms a row than that are marked as having any, and if that is not enough, all pages are. A blob of so
 * many small rows that a field would have more than ART_POSTING_BYTES_MAX takes no more rows. To build a field takes
 * 13 MB of memory at most.
 */
#ifndef ART_BLOB_POSTINGS_H
#define ART_BLOB_POSTINGS_H

#include "core/blob/terms.h"

enum {
    ART_GROUP_TERMS = 3,
    ART_LISTED_PAGES = 16,
    ART_POSTING_BYTES_A_ROW = 12,
    ART_POSTING_BYTES_ANYWAY = 16 * 1024, /* of a field, beside those a row */
    ART_POSTING_BYTES_MAX = 111 * 1024,   /* of a field: with a seventh more, of zeros, a u16 reaches each group */
    ART_POSTING_TERMS_MAX = 1 << 17,      /* of a field that is being built: more mark their page as having any */
    ART_POSTINGS_ALIGN = 8
};

/* --- of a blob that is being built -------------------------------------------------------------------------------- */

struct art_posting_cell {
    uint32_t term, number; /* term 0: none */
};
struct art_posting {
    uint32_t term;
    uint8_t pages, last; /* how many, and the number of the last one */
};
/* Postings have numbers, in the order in which their terms came. */
struct art_posting_field {
    uint32_t count, mask, bytes;   /* bytes: of the postings at most */
    struct art_posting_cell *cell; /* [mask + 1], open addressing */
    struct art_posting *posting;
    uint32_t *pushed; /* the numbers of the first page's, then of the next, and so on */
    uint32_t capacity, pushed_count, pushed_capacity;
    struct art_pages any;
    uint16_t terms[ART_BLOB_PAGES]; /* of each page: so many of `pushed` */
};
struct art_postings {
    uint32_t fields;                        /* a bit for each */
    uint32_t rows, rows_in[ART_BLOB_PAGES]; /* all, and of each page */
    uint32_t last_page;
    struct art_posting_field *field[ART_FIELDS_MAX];
    uint32_t *scratch;
    uint32_t scratch_capacity;
};

/* Frees all, and leaves zeros, of which it is made. */
void art_postings_clear(struct art_postings *postings);
/* Back to no buckets, with the memory that it has. */
void art_postings_reset(struct art_postings *postings);
/* Room for one more bucket's. ART_NOMEM. */
enum art_rc art_postings_reserve(struct art_postings *postings, const struct art_terms *bucket);
/* Room must have been reserved, and pages ascend. */
void art_postings_push(struct art_postings *postings, const struct art_terms *bucket, uint32_t rows, uint32_t page);
/* Bytes that they take at most, with those of one more bucket of so many rows (or NULL). */
uint32_t art_postings_bytes(const struct art_postings *postings, const struct art_terms *more, uint32_t rows);
/* Would a field be too large with those of one more bucket, though its terms are worth their bytes? */
bool art_postings_are_full(const struct art_postings *postings, const struct art_terms *more, uint32_t rows);
/* Writes them, of a blob with so many leaf pages, to where art_postings_bytes() is room; *bytes: how many.
 * ART_NOMEM. */
enum art_rc art_postings_write(struct art_postings *postings, uint32_t leaf_pages, uint8_t *out, uint32_t *bytes);

/* --- of a blob ---------------------------------------------------------------------------------------------------- */

/* Bytes of the postings at `at`, of so many fields (a bit for each); 0: they go beyond `limit`. */
uint32_t art_postings_measure(const uint8_t *at, uint32_t limit, uint32_t fields);
/* What of them stands in a blob's head, too (blob_format.h). */
static inline uint32_t art_postings_heads_bytes(struct art_measures has) {
    return (uint32_t)(4 + ART_BLOB_PAGES / 8) * (uint32_t)__builtin_popcount(art_measures_fields(has));
}
void art_postings_copy_heads(struct art_bytes postings, struct art_measures has, uint8_t *out);
/* Those of an open blob that has some, as bytes of its image. */
struct art_bytes art_blob_postings(const struct art_blob *blob);

#endif
