/* A summary over values that begin with their data, ART_DATUM_BYTES each: a kind and 8 bytes, which are those of a text
 * or a blob, or its hashes in a table with lookups. */
#ifndef ART_TESTS_TOY_COLUMNS_H
#define ART_TESTS_TOY_COLUMNS_H

#include <math.h>
#include <string.h>

#include "tests/support/toy_cut.h"

static inline void toy_columns_read(void *context, struct art_bytes value, unsigned wanted, struct art_datum *out) {
    const struct art_summary *summary = context;
    const uint8_t *at = value.data;
    for (unsigned i = 0; i < summary->has.columns; i++, at += ART_DATUM_BYTES) {
        out[i] = (struct art_datum){.kind = ART_DATUM_INTEGER, .integer = 0x5a5a5a}; /* nobody is to look at it */
        if (!(wanted >> i & 1)) continue;
        out[i] = (struct art_datum){.kind = ART_DATUM_NULL};
        if (value.len < summary->has.columns * ART_DATUM_BYTES || *at > ART_DATUM_BLOB) continue;
        out[i].kind = (enum art_datum_kind) * at;
        out[i].by_hash = summary->has.lookups && out[i].kind >= ART_DATUM_TEXT;
        if (out[i].kind >= ART_DATUM_TEXT && !out[i].by_hash) {
            out[i].bytes = art_bytes(at + 1, 8);
        } else {
            memcpy(&out[i].integer, at + 1, 8);
        }
        if (out[i].kind == ART_DATUM_REAL && isnan(out[i].real)) out[i].kind = ART_DATUM_NULL;
    }
}

static inline void toy_columns_open(struct art_summary *summary, struct art_measures has) {
    *summary = (struct art_summary){.has = has, .read = toy_columns_read, .cut = toy_cut, .context = summary};
}

#endif
