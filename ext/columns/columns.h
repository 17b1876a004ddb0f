/* Blocks: the records of a bucket by columns, and not one by one; what ext lends core as its codec. Pure memory.
 *
 *   block_format.h   the bytes, and what each encoding brings
 *   encode.c         records become a block: its head names the files that share the work (encode.h, private)
 *   cells.c          the checks of a block, and one column of it, opened
 *   read.c           fields, columns and whole values out of a block, and which rows have wanted ones
 *   cells.h          what all of them share (private)
 */
#ifndef ART_EXT_COLUMNS_H
#define ART_EXT_COLUMNS_H

#include "core/base/codec.h"
#include "core/base/error.h"
#include "core/base/row_set.h"
#include "core/base/summary.h"

extern const struct art_codec art_columns_codec;

/* One field of one row of a sane block, as art_record_reader_datum() gives it of the record: a column behind the
 * record's end is NULL, and what is no sound record is ART_CORRUPT with the same sentence. A text or blob points into
 * the block, or into `room`, of ART_VALUE_INLINE_MAX bytes, where it had to be made. */
enum art_rc art_block_field(struct art_bytes block, unsigned row, unsigned column, uint8_t *room,
                            struct art_datum *out);
/* The same for who reads many fields of one block, most of them of the same columns. NULL: no memory, and fine to free.
 * Between begin() and the last field the block stays what it is. */
struct art_block_reader;
struct art_block_reader *art_block_reader_new(void);
void art_block_reader_free(struct art_block_reader *reader);
void art_block_reader_begin(struct art_block_reader *reader, struct art_bytes block);
enum art_rc art_block_reader_field(struct art_block_reader *reader, unsigned row, unsigned column, uint8_t *room,
                                   struct art_datum *out);
/* A field of the rows from `from` to before `to`, out[0] being row `from`; `room` has ART_BLOCK_PLAIN_MAX bytes. Rows
 * that have a text from a dictionary point to the same place. Where there is no sound record, the kind is
 * ART_DATUM_BEYOND, and art_block_field() says what is wrong. */
void art_block_column(struct art_bytes block, unsigned column, unsigned from, unsigned to, uint8_t *room,
                      struct art_datum *out);

/* Which values of a column are wanted. */
struct art_column_test {
    bool null;         /* a NULL is */
    int64_t low, high; /* low <= high: integers between them are, these included; */
    bool outside;      /* with it, none of these is, and all others are */
    bool singly;       /* in place of that wants() is asked of each integer */
    /* All that are no NULLs, integers as the bounds say, if those do. Texts and blobs are borrowed. */
    bool (*wants)(const void *context, const struct art_datum *value);
    const void *context;
};
static inline bool art_column_test_integer(const struct art_column_test *test, int64_t integer) {
    return ((uint64_t)integer - (uint64_t)test->low <= (uint64_t)test->high - (uint64_t)test->low) != test->outside;
}
/* Takes the rows of a sane block from `rows` whose value in the column is not wanted; what is no sound record stays. A
 * value of a dictionary is asked for once. `room` has ART_VALUE_INLINE_MAX bytes. */
void art_block_choose(struct art_bytes block, unsigned column, const struct art_column_test *test, uint8_t *room,
                      struct art_row_set *rows);

#endif
