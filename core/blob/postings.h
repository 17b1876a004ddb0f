/* Postings: in which pages of a leaf blob a row may have a feature.
 *
 * A feature is 32 bits that a row has: a hash of a column's value, by which the value is looked up (value_hash.h), or
 * what the host cuts out of a text, by which the text is searched. Each column that can be looked up or searched has a
 * table of its own (art_measures_tables()).
 *
 *   postings       u16 groups, u16 units           for each table
 *                  u16 begin[groups + 1]           then for each of them: where a group begins, in units of 2 bytes
 *                  u8  any[16]                     a bit for each page that may have any feature
 *                  u8  data[2 * units]
 *   group          features in ascending order, a byte of 0 behind them where their bytes are odd
 *   feature        u8 print, then one of:
 *                  u8 page[n]                      ascending, bit 7 is set in the last one
 *                  127, u8 pages[16]               a bit for each page: more than ART_LISTED_PAGES
 *                  255                             a third of the pages or more have it: it tells nothing
 *
 * A feature chooses the group by its upper bits and is recognised by its lower eight. A group has three features on
 * average, so one that is not in the blob leads to a page in about one blob of ninety. A value of its own takes 2.7
 * bytes a row, paths of a file system take 4 (their trigrams, 4.5 for each row and page).
 *
 * What names of random letters would take is bounded. Where a table has more than ART_POSTING_BYTES_A_ROW, the pages
 * with more features a row than that are marked as having any, and if that is not enough, all pages are. To build a
 * table takes 13 MB of memory at most.
 */
#ifndef ART_BLOB_POSTINGS_H
#define ART_BLOB_POSTINGS_H

#include "core/blob/features.h"

enum {
    ART_GROUP_FEATURES = 3,
    ART_LISTED_PAGES = 16,
    ART_POSTING_BYTES_A_ROW = 12,
    ART_POSTING_BYTES_ANYWAY = 16 * 1024, /* of a table, beside those a row */
    ART_POSTING_BYTES_MAX = 111 * 1024,   /* of a table: with a seventh more, of zeros, a u16 reaches each group */
    ART_POSTING_FEATURES_MAX = 1 << 17,   /* of a table that is being built: more mark their page as having any */
    ART_POSTINGS_ALIGN = 8
};

/* --- of a blob that is being built -------------------------------------------------------------------------------- */

struct art_posting_cell {
    uint32_t feature, number; /* feature 0: none */
};
struct art_posting {
    uint32_t feature;
    uint8_t pages, last; /* how many, and the number of the last one */
};
/* Postings have numbers, in the order in which their features came. */
struct art_posting_table {
    uint32_t count, mask, bytes;   /* bytes: of the postings at most */
    struct art_posting_cell *cell; /* [mask + 1], open addressing */
    struct art_posting *posting;
    uint32_t *pushed; /* the numbers of the first page's, then of the next, and so on */
    uint32_t room, pushed_count, pushed_room;
    struct art_pages any;
    uint16_t features[ART_BLOB_PAGES]; /* of each page: so many of `pushed` */
};
struct art_postings {
    uint32_t tables;                        /* a bit for each */
    uint32_t rows, rows_in[ART_BLOB_PAGES]; /* all, and of each page */
    uint32_t last_page;
    struct art_posting_table *table[ART_TABLES_MAX];
    uint32_t *scratch;
    uint32_t scratch_room;
};

/* Frees all, and leaves zeros, of which it is made. */
void art_postings_clear(struct art_postings *postings);
/* Back to no buckets, with the room that it has. */
void art_postings_reset(struct art_postings *postings);
/* Room for one more bucket's. ART_NOMEM. */
enum art_rc art_postings_reserve(struct art_postings *postings, const struct art_features *bucket);
/* Room must have been reserved, and pages ascend. */
void art_postings_push(struct art_postings *postings, const struct art_features *bucket, uint32_t rows, uint32_t page);
/* Bytes that they take at most, with those of one more bucket of so many rows (or NULL). */
uint32_t art_postings_bytes(const struct art_postings *postings, const struct art_features *more, uint32_t rows);
/* Writes them, of a blob with so many leaf pages, to where art_postings_bytes() is room; *bytes: how many.
 * ART_NOMEM. */
enum art_rc art_postings_write(struct art_postings *postings, uint32_t leaf_pages, uint8_t *out, uint32_t *bytes);

/* --- of a blob ---------------------------------------------------------------------------------------------------- */

/* Bytes of the postings at `at`, of so many tables (a bit for each); 0: they leave the `room`. */
uint32_t art_postings_measure(const uint8_t *at, uint32_t room, uint32_t tables);
/* Those of an open blob that has some, as bytes of its image. */
struct art_bytes art_blob_postings(const struct art_blob *blob);

#endif
