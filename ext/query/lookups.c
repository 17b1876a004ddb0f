/* Conditions by which rows are found by a column's value: etag = ?, owner IS ?, etag IN (...), t.etag = o.etag.
 *
 * The tree is asked for hashes (core/base/value_hash.h). Values that SQLite may call equal have one in common, whatever
 * affinity it applies, so no row is lost; and SQLite looks at each row again, so none is given that it would not give.
 * Where no other value is equal to the one that is sought, rows are compared with this one, and need not be hashed.
 *
 * What a value is looked for as:
 *
 *   number       in a column that has only numbers by its affinity: as this number. Else also as whatever other texts
 *                may read as a number
 *   text         in a column with a numeric affinity also as the number that it reads as
 *   NULL         = never finds anything; IS reads all rows
 *
 * One case is left out: a text that reads as a number, out of a column that has a numeric affinity all the same (a
 * UNION's by its first SELECT, another virtual table's), is sought in a column without one as a text. SQLite does not
 * tell of it, and to ask for the odd texts each time would read all of a column of decimals.
 */
#include <assert.h>

#include "ext/query/scan.h"

#include <stdlib.h>

#include "core/base/limits.h"
#include "core/base/value_hash.h"

static int add_hash(struct art_buffer *hashes, uint32_t hash) {
    return art_buffer_append(hashes, &hash, sizeof hash) ? SQLITE_NOMEM : SQLITE_OK;
}

/* The number that a text reads as, if it is one. The value becomes that number, which SQLite allows for. (A copy would
 * belong to no connection, and newer versions of SQLite convert none that does not.) */
static int add_number_of(struct art_buffer *hashes, sqlite3_value *text) {
    struct art_datum number;
    uint32_t hash[ART_VALUE_HASHES];
    int type = sqlite3_value_numeric_type(text);
    if (type != SQLITE_INTEGER && type != SQLITE_FLOAT) return SQLITE_OK;
    art_datum_of(text, &number);
    art_value_hashes(&number, hash);
    return add_hash(hashes, hash[0]);
}

static int add_value(struct art_buffer *hashes, enum art_affinity affinity, sqlite3_value *value) {
    struct art_datum datum;
    uint32_t hash[ART_VALUE_HASHES];
    if (!art_datum_of(value, &datum)) return SQLITE_NOMEM;
    if (!art_value_hashes(&datum, hash)) return SQLITE_OK;
    bool numbers = affinity >= ART_AFFINITY_NUMERIC;
    int rc = add_hash(hashes, hash[0]);
    if (!rc && datum.kind == ART_DATUM_TEXT && numbers) rc = add_number_of(hashes, value);
    bool is_number = datum.kind == ART_DATUM_INTEGER || datum.kind == ART_DATUM_REAL;
    return !rc && is_number && !numbers ? add_hash(hashes, ART_HASH_ODD) : rc;
}

static int compare_hashes(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* They ascend; there may be equal ones. Where the summary has changed since the plan was made, all rows are read. */
static int add_term_query(struct art_scan *scan, unsigned column, struct art_buffer *hashes,
                          const struct art_datum *only) {
    const struct art_summarised *summarised = art_table_summarised(art_scan_vtab(scan)->table);
    int item = art_summary_find(summarised, column);
    if (item < 0 || !summarised->items[item].lookup) return SQLITE_OK;
    uint32_t count = (uint32_t)(hashes->len / sizeof(uint32_t)), bytes = (uint32_t)hashes->len;
    qsort(hashes->data, count, sizeof(uint32_t), compare_hashes);
    struct art_term_query query = {.field = (unsigned)item, .count = count, .only = *only};
    if (only->kind == ART_DATUM_TEXT) {
        if (art_buffer_append(hashes, only->bytes.data, only->bytes.len)) return SQLITE_NOMEM;
        query.only.bytes = art_bytes(hashes->data + bytes, only->bytes.len);
    }
    query.term = (uint32_t *)(void *)hashes->data;
    scan->limits.queries[scan->limits.query_count++] = query;
    return SQLITE_OK;
}

/* NULL, or the value to which no other one is equal, whatever affinities apply: a text that is far from any number, or
 * in a column of texts any; in a column that has only numbers, an integer. */
static struct art_datum only_value(enum art_affinity affinity, sqlite3_value *value) {
    struct art_datum datum;
    if (art_datum_of(value, &datum)) {
        if (datum.kind == ART_DATUM_INTEGER && affinity >= ART_AFFINITY_NUMERIC) return datum;
        bool is_short = datum.kind == ART_DATUM_TEXT && datum.bytes.len <= ART_VALUE_INLINE_MAX;
        if (is_short && (affinity == ART_AFFINITY_TEXT || !art_text_may_equal_number(datum.bytes))) return datum;
    }
    return (struct art_datum){.kind = ART_DATUM_NULL};
}

static int add_elements(struct art_buffer *hashes, enum art_affinity affinity, sqlite3_value *list, bool *too_many) {
    sqlite3_value *value;
    unsigned elements = 0;
    int rc = sqlite3_vtab_in_first(list, &value);
    for (; !rc && value; rc = sqlite3_vtab_in_next(list, &value)) {
        *too_many = ++elements > ART_LIMIT(lookup_elements);
        int failed = *too_many ? SQLITE_OK : add_value(hashes, affinity, value);
        if (failed || *too_many) return failed;
    }
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int art_lookups_add(struct art_scan *scan, unsigned column, enum art_argument meaning, sqlite3_value *value) {
    enum art_affinity affinity = art_scan_vtab(scan)->columns.items[column].affinity;
    _Static_assert((int)ART_LOOKUPS_MAX <= (int)ART_TERM_QUERIES_MAX, "the planner takes no more");
    if (scan->limits.query_count == ART_TERM_QUERIES_MAX) return SQLITE_OK; /* SQLite looks at each row again */
    struct art_buffer *hashes = &scan->terms[scan->limits.query_count];
    struct art_datum only = {.kind = ART_DATUM_NULL};
    bool too_many = false;
    int rc;
    hashes->len = 0;
    if (meaning == ART_ARGUMENT_LOOKUP_IN) {
        rc = add_elements(hashes, affinity, value, &too_many);
    } else {
        bool is_null = sqlite3_value_type(value) == SQLITE_NULL;
        if (is_null && meaning == ART_ARGUMENT_LOOKUP_IS) return SQLITE_OK;
        rc = add_value(hashes, affinity, value);
        only = only_value(affinity, value);
    }
    if (!rc && !hashes->len) scan->keys.empty = true;
    if (rc || !hashes->len || too_many) return rc;
    return add_term_query(scan, column, hashes, &only);
}
