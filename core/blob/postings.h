/* Postings: in which units of a leaf blob a row may have a term.
 *
 * A term is 32 bits that a row has: a hash of a column's value, by which the value is looked up (value_hash.h), or
 * what the host cuts out of a text, by which the text is searched. Each column that can be looked up or searched has a
 * field of its own (art_measures_fields()).
 *
 * A unit is a bucket, some 128 rows. Of more than ART_UNITS_MAX buckets two are one, or four, and so on: so many that
 * they suffice (art_unit_shift()).
 *
 *   postings       u16 groups, u16 words           for each field
 *                  u16 begin[groups + 1]           then for each of them: where a group begins, in words of 2 bytes
 *                  u8  any[(units + 7) / 8]        a bit for each unit that may have any term
 *                  u8  data[2 * words]
 *   group          as bits (posting_code.h): the number of its terms, 8 bits of each, its print, in ascending order of
 *                  the terms, then what is behind the print of each; and zeros to the next word. Of no term: nothing
 *   term           its print; the number n of its units; and if they are not more than ART_LISTED_UNITS
 *                  8 bits, or 9 if there are more than 256 units: the first one
 *                  n - 1 steps, each from a unit to the next: 2 is that behind it, 3 the next but one, and so on
 *
 * A term chooses the group by its upper bits and is recognised by its lower eight. A group has four terms on
 * average, so one that is not in the blob leads to a unit in about one blob of sixty. A value of its own takes 3
 * bytes a row, paths of a file system take as much (their trigrams; 4.3 for each row and bucket). A term in more than
 * ART_LISTED_UNITS units tells nothing.
 *
 * What names of random letters would take is bounded. Where a field has more than ART_POSTING_BYTES_A_ROW, the units
 * with more terms a row than that are marked as having any, and if that is not enough, all units are. A blob of so
 * many small rows that a field would have more than ART_POSTING_BYTES_MAX takes no more rows. To build a field takes
 * 20 MB of memory at most.
 */
#ifndef ART_BLOB_POSTINGS_H
#define ART_BLOB_POSTINGS_H

#include "core/base/limits.h"
#include "core/blob/terms.h"

enum {
    ART_GROUP_TERMS = 4,
    ART_POSTING_BYTES_A_ROW = 12,
    /* Of a field: with 15 bits of zeros behind each group, whose terms take 17 or more, a u16 reaches all of it. */
    ART_POSTING_BYTES_MAX = 104 * 1024,
    ART_POSTING_TERMS_MAX = 1 << 17, /* of a field that is being built: more mark their page as having any */
    ART_POSTINGS_ALIGN = 8,
    ART_POSTINGS_HEAD_BYTES = 4
};

/* --- of a blob that is being built -------------------------------------------------------------------------------- */

struct art_posting_cell {
    uint32_t term, number; /* term 0: none */
};
struct art_posting {
    uint32_t term;
    uint32_t last : 9, units : 10; /* the last unit; how many */
    uint32_t bits : 13;            /* what it takes, its first unit in ART_UNIT_BITS */
};
_Static_assert(1 << 9 == ART_UNITS_MAX && 1 << 10 > ART_UNITS_MAX, "units and pages of a posting");
/* Postings have numbers, in the order in which their terms came. */
struct art_posting_field {
    uint32_t count, mask, bits;    /* bits: of all postings */
    uint32_t frequent;             /* so many of them tell nothing */
    struct art_posting_cell *cell; /* [mask + 1], open addressing */
    struct art_posting *posting;
    uint32_t *pushed; /* the numbers of the first unit's, then of the next, and so on */
    uint32_t capacity, pushed_count, pushed_capacity;
    struct art_units any;
    uint32_t terms[ART_UNITS_MAX]; /* of each unit: so many of `pushed` */
};
struct art_postings {
    uint32_t fields;                       /* a bit for each */
    uint32_t rows, rows_in[ART_UNITS_MAX]; /* all, and of each unit */
    uint32_t buckets, shift, last_unit;
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
/* Room must have been reserved. */
void art_postings_push(struct art_postings *postings, const struct art_terms *bucket, uint32_t rows);
/* Bytes that they take at most, with those of one more bucket of so many rows (or NULL). */
uint32_t art_postings_bytes(const struct art_postings *postings, const struct art_terms *more, uint32_t rows);
/* Would a field be too large with those of one more bucket, though its terms are worth their bytes? */
bool art_postings_are_full(const struct art_postings *postings, const struct art_terms *more, uint32_t rows);
/* Writes them to where there is so much room; *bytes: how many. ART_NOMEM; ART_TOOBIG (no message): there is not, which
 * never comes of a room of art_postings_bytes(). */
enum art_rc art_postings_write(struct art_postings *postings, uint8_t *out, uint32_t room, uint32_t *bytes);

/* Do they lead, in the open blob that they were written into, from a term of each unit to it, and from some terms of a
 * bucket to that? Errors as art_blob_want_postings(). */
enum art_rc art_postings_prove(const struct art_postings *postings, struct art_blob *blob, uint32_t bucket,
                               const struct art_terms *terms, bool *lead);

/* Do `most` terms of a bucket of the blob, at most, of each field lead to it? Errors as art_blob_want_postings(). */
enum art_rc art_blob_terms_lead(struct art_blob *blob, uint32_t bucket, const struct art_terms *terms, uint32_t most,
                                bool *lead);

/* --- of a blob ---------------------------------------------------------------------------------------------------- */

/* What of them stands in a blob's head, too (blob_format.h). */
uint32_t art_postings_heads_bytes(struct art_measures has, uint32_t buckets);
void art_postings_copy_heads(struct art_bytes postings, struct art_measures has, uint32_t buckets, uint8_t *out);
/* Those of an open blob that has some, as bytes of its image. */
struct art_bytes art_blob_postings(const struct art_blob *blob);

#endif
