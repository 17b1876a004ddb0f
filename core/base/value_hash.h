/* Hashes of values, to find rows by them: values that SQLite may call equal, whatever affinities apply, have a hash in
 * common. The opposite is not true.
 *
 * SQLite compares 1 and 1.0 exactly, a text with a text by its bytes (BINARY), a blob with a blob by its bytes, too.
 * Where an affinity makes it convert one side, a text that looks like a number may equal that number.
 *
 *   number          one hash; 1 and 1.0 have the same
 *   text            one hash, of its bytes; up to 18 digits alone, with or without a sign, have their number's
 *   other text that may read as a number: '1.5', ' 7', '1e3', '7' and a NUL        its own, and ART_HASH_ODD
 *   'Inf' and '-Inf', as which an infinity becomes a text           the same
 *   blob            one hash, of its bytes
 *   NULL            none
 *
 * So a search for a number in a column that may hold texts asks for its hash and for ART_HASH_ODD.
 */
#ifndef ART_BASE_VALUE_HASH_H
#define ART_BASE_VALUE_HASH_H

#include "core/base/summary.h"

enum { ART_VALUE_HASHES = 2 }; /* of one value, at most */
#define ART_HASH_ODD 0x6f646421u

/* Its hashes into `out`; returns how many, 0 for a NULL. */
unsigned art_value_hashes(const struct art_datum *datum, uint32_t out[ART_VALUE_HASHES]);
/* Or is another value equal to this text? */
bool art_text_may_equal_number(struct art_bytes text);
/* Is one of the value's hashes among the sought ones, which ascend? */
bool art_value_has_hash(const struct art_datum *datum, const struct art_term_query *query);
/* The same, or is the value the only one that is sought? Most texts have another length. */
static inline bool art_value_has_term(const struct art_datum *datum, const struct art_term_query *query) {
    const struct art_datum *only = &query->only;
    if (only->kind == ART_DATUM_TEXT && datum->kind == ART_DATUM_TEXT && art_datum_has_bytes(datum))
        return art_bytes_equal(datum->bytes, only->bytes);
    if (only->kind != ART_DATUM_NULL && (datum->kind < ART_DATUM_TEXT || art_datum_has_bytes(datum)))
        return !art_datum_compare(datum, only);
    return art_value_has_hash(datum, query);
}

#endif
