/* The shapes of records, which are their headers. Few of a bucket's are different: serial types and places of fields
 * are worked out once for each.
 */
#include "ext/columns/encode.h"

const uint8_t art_class_of_number[12] = {CLASS_NULL,    CLASS_INTEGER, CLASS_INTEGER, CLASS_INTEGER,
                                         CLASS_INTEGER, CLASS_INTEGER, CLASS_INTEGER, CLASS_REAL,
                                         CLASS_INTEGER, CLASS_INTEGER, CLASS_ANY,     CLASS_ANY};

/* The bytes of a record with this header; 0: none that its columns give back. */
static uint32_t work_out(const uint8_t *record, struct shape *shape, uint8_t *columns) {
    uint32_t at = record[0], column = 0, serial = 0;
    const uint8_t *p = record + 1, *end = record + at;
    for (; p < end; column++) {
        if (column == ART_BLOCK_COLUMNS_MAX) return 0;
        serial = *p++;
        if (serial >= 0x80) {
            if (serial == 0x80 || p == end || *p >= 0x80) return 0;
            serial = (serial & 0x7f) << 7 | *p++;
        }
        if (serial >= ART_SERIAL_NONE && serial < ART_SERIAL_BLOB) return 0;
        shape->serial[column] = (uint16_t)serial;
        shape->at[column] = (uint16_t)at;
        at += art_serial_bytes(serial);
        if (at > ART_VALUE_INLINE_MAX) return 0;
    }
    *columns = (uint8_t)column;
    return serial ? at : 0;
}

static uint32_t add_shape(struct sheet *sheet, uint32_t row, uint64_t start) {
    uint32_t shape = sheet->shapes++;
    sheet->start[shape] = start;
    sheet->row[shape] = (uint8_t)row;
    sheet->columns_of[shape] = 0;
    sheet->bytes[shape] = (uint16_t)work_out(sheet->values[row].data, &sheet->shape[shape], &sheet->columns_of[shape]);
    if (sheet->bytes[shape] != sheet->values[row].len) sheet->columns_of[shape] = sheet->bytes[shape] = 0;
    if (sheet->columns_of[shape] > sheet->columns) sheet->columns = sheet->columns_of[shape];
    return shape;
}

static inline uint32_t find_shape(struct sheet *sheet, uint32_t row, uint32_t before) {
    struct art_bytes record = sheet->values[row];
    if (record.len < 2) return record.len ? SHAPE_RAW : SHAPE_EMPTY;
    uint32_t header = record.data[0], shape;
    if (header - 2 >= 0x80 - 2 || header > record.len) return SHAPE_RAW;
    uint64_t start = 0;
    if (header >= 8) {
        start = art_load64(record.data);
    } else if (record.len >= 8) {
        start = art_load64(record.data) << (64 - 8 * header);
    } else {
        memcpy(&start, record.data, header);
    }
    if (start == sheet->start[before] && header <= 8) {
        shape = before;
    } else {
        for (uint32_t at = (uint32_t)(start * 0x9e3779b97f4a7c15 >> 56);; at = (at + 1) % SHAPES_HASHED) {
            shape = sheet->shape_of_hash[at];
            if (!shape) {
                sheet->shape_of_hash[at] = (uint8_t)sheet->shapes;
                shape = add_shape(sheet, row, start);
                break;
            }
            const uint8_t *known = sheet->values[sheet->row[shape]].data;
            if (sheet->start[shape] == start && (header <= 8 || !memcmp(known, record.data, header))) break;
        }
    }
    return sheet->bytes[shape] == record.len ? shape : SHAPE_RAW;
}

void art_shapes_find(struct sheet *sheet) {
    uint32_t shape = SHAPE_RAW;
    sheet->columns = sheet->columns_of[SHAPE_RAW] = sheet->columns_of[SHAPE_EMPTY] = 0;
    sheet->shapes = FIRST_SHAPE;
    sheet->has_empty = false;
    sheet->start[SHAPE_RAW] = sheet->start[SHAPE_EMPTY] = 0;
    sheet->bytes[SHAPE_RAW] = sheet->bytes[SHAPE_EMPTY] = 0;
    sheet->raw = (struct art_row_set){{0, 0}};
    memset(sheet->shape_of_hash, 0, sizeof sheet->shape_of_hash);
    for (uint32_t row = 0; row < sheet->rows; row++) {
        shape = find_shape(sheet, row, shape);
        sheet->shape_of[row] = (uint8_t)shape;
        if (shape >= FIRST_SHAPE) continue;
        if (shape == SHAPE_RAW) art_row_set_add(&sheet->raw, row);
        if (shape == SHAPE_EMPTY) sheet->has_empty = true;
    }
    for (uint32_t i = 0; i < sheet->shapes; i++) {
        for (uint32_t column = sheet->columns_of[i]; column < sheet->columns; column++) {
            sheet->shape[i].serial[column] = i == SHAPE_RAW ? ART_SERIAL_NONE : 0;
            sheet->shape[i].at[column] = 0;
        }
    }
}
