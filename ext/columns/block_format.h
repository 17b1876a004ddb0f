/* The bytes of a block, which are a function of its values in their order. Numbers are little-endian.
 *
 *   block     u8 rows | u8 columns, ART_BLOCK_KEEPS_RAW | u16 for each column, where it ends | columns
 *             | raw rows | zeros up to ART_BLOCK_BYTES_MIN
 *   raw rows  with ART_BLOCK_KEEPS_RAW alone: an apart list of whole values, as BLOBs
 *   column    u8 encoding and flags | head | bitmap with ART_COLUMN_SPARSE | codes | body
 *             | an apart list with ART_COLUMN_HAS_APART
 *   apart     u8 count | u8 row for each, ascending | the values of these rows
 *   value     serial type, of one or two bytes | body; both as in a record (ext/base/value.c)
 *   bitmap    a bit for each row: has it a slot here? One without, and not apart, is NULL. Without a bitmap all have
 *             one
 *   codes     of `width` bits for each slot, from the lowest bit of a byte upward: 0 to 57, or 64
 *
 *   encoding  head                                    codes                            body
 *   integers  u8 width | a value, the base            the integer less the base        -
 *   entries   u8 how many, up to 64                   which entry                      the entries in a row
 *   bytes     u8 width | u16 slope | i16 base         where a slot's bytes end less    the slots' bytes
 *                                                     slope * (slot + 1) + base
 *
 * `bytes` is five encodings: texts, blobs and reals as they are, and texts of hexadecimal digits, two in a byte, in
 * lower and in upper case. The width of entries' codes is what the number of the last one needs: of one, 0.
 *
 * A row is raw that is no record, or not one as art_record_encode() makes it but for its integers: of more than
 * ART_BLOCK_COLUMNS_MAX columns, with NULL at its end, with lengths that do not fit. An integer in more bytes than it
 * needs is apart. All other records follow from their columns: they end with the last one that is not NULL.
 *
 * What each brings, in bytes a row of the 450,000 files of a machine in the order of their paths, in blocks of 128.
 * First (size, mtime, mode, owner, inode), which are 21.0 bytes as records; then (size, 32 hexadecimal digits, mtime,
 * type), of 60.5:
 *
 *   as it is                        3.65   18.94
 *   no entries but a single one     4.49   30.26
 *   no more than 16 entries         3.76   19.06
 *   no integers apart               3.84   19.05
 *   texts of digits as they are     3.65   34.94
 *   without bitmaps                 3.65   18.94   there are no NULLs; a column that has some takes a bit each
 */
#ifndef ART_EXT_BLOCK_FORMAT_H
#define ART_EXT_BLOCK_FORMAT_H

enum art_encoding {
    ART_COLUMN_INTEGERS,
    ART_COLUMN_ENTRIES,
    ART_COLUMN_BLOBS,
    ART_COLUMN_TEXTS,
    ART_COLUMN_REALS,
    ART_COLUMN_LOWER_HEX,
    ART_COLUMN_UPPER_HEX,
    ART_COLUMN_ENCODINGS
};

enum {
    ART_BLOCK_BYTES_MIN = 8,
    ART_BLOCK_COLUMNS_MAX = 64,
    ART_BLOCK_KEEPS_RAW = 128, /* beside the number of columns */
    ART_BLOCK_ENDS_AT = 2,
    ART_COLUMN_SPARSE = 8, /* beside the encoding */
    ART_COLUMN_HAS_APART = 16,
    ART_ENTRIES_MAX = 64,
    ART_WIDTH_MAX = 57, /* of codes that lie at any bit; wider ones take ART_WIDTH_WHOLE */
    ART_WIDTH_WHOLE = 64
};

#endif
