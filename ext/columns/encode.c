/* Records become a block: each column is given what takes the fewest bytes.
 *
 *   shapes.c     where the fields are
 *   entries.c, integers.c, texts.c    encodings, and what each would take
 *   parts.c      what they are written of
 */
#include "ext/columns/encode.h"

/* Of which class most cells are; CLASS_NULL: there is nothing else. */
static uint32_t main_class(struct column *column) {
    uint32_t count[CLASS_TEXT + 1] = {0}, best = CLASS_NULL, classes = 0;
    for (uint32_t i = FIRST_SHAPE; i < column->sheet->shapes; i++)
        classes |= class_of_serial(column->serials[i * NEXT_SHAPE]);
    column->pure = !(classes & (classes - 1)) && !column->sheet->has_empty &&
                   !(column->sheet->raw.word[0] | column->sheet->raw.word[1]);
    classes &= CLASS_INTEGER | CLASS_REAL | CLASS_TEXT | CLASS_BLOB;
    if (!(classes & (classes - 1))) return classes ? classes : CLASS_NULL;
    for (uint32_t row = 0; row < column->rows; row++) {
        uint32_t class = class_of_serial(serial_of(column, row));
        if (class <= CLASS_TEXT) count[class]++;
    }
    for (uint32_t class = CLASS_INTEGER; class <= CLASS_TEXT; class <<= 1) {
        if (best == CLASS_NULL || count[class] > count[best]) best = class;
    }
    return best;
}

static bool put_column(struct writer *out, const struct sheet *sheet, uint32_t number, struct column *column) {
    column->serials = &sheet->shape[0].serial[number];
    column->nulls = column->absents = column->entries = 0;
    column->absent = column->apart = (struct art_row_set){{0, 0}};
    uint32_t class = main_class(column);
    return class == CLASS_INTEGER ? art_integers_put(out, column) : art_others_put(out, column, class);
}

/* --- the block ---------------------------------------------------------------------------------------------------- */

static bool put_raw(struct writer *out, const struct sheet *sheet) {
    if (!art_row_list_put(out, &sheet->raw, sheet->rows)) return false;
    for (uint32_t row = 0; row < sheet->rows; row++) {
        const struct art_bytes *value = &sheet->values[row];
        if (art_row_set_has(&sheet->raw, row) && !put_value(out, ART_SERIAL_BLOB + 2 * value->len, value->data))
            return false;
    }
    return true;
}

uint32_t art_block_encode(const struct art_bytes *values, uint32_t count, uint8_t *out, uint32_t space) {
    struct sheet sheet;
    struct column column;
    struct writer writer = {out, out + space};
    assert(count && count <= ART_BLOCK_ROWS_MAX);
    sheet.values = column.values = values;
    sheet.rows = column.rows = count;
    memset(column.number, 0, sizeof column.number);
    memset(column.code, 0, sizeof column.code);
    art_shapes_find(&sheet);
    column.sheet = &sheet;
    column.shape_of = sheet.shape_of;
    uint32_t ends = ART_BLOCK_ENDS_AT + 2 * sheet.columns;
    if (space < ends || space < ART_BLOCK_BYTES_MIN) return 0;
    out[0] = (uint8_t)count;
    out[1] = (uint8_t)(sheet.columns | (sheet.raw.word[0] | sheet.raw.word[1] ? ART_BLOCK_KEEPS_RAW : 0));
    writer.at += ends;
    for (uint32_t i = 0; i < sheet.columns; i++) {
        if (!put_column(&writer, &sheet, i, &column)) return 0;
        art_store16(out + ART_BLOCK_ENDS_AT + 2 * (size_t)i, (uint32_t)(writer.at - out));
    }
    if (!put_raw(&writer, &sheet)) return 0;
    while (writer.at - out < ART_BLOCK_BYTES_MIN) *writer.at++ = 0;
    return (uint32_t)(writer.at - out);
}
