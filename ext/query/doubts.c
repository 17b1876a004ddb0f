/* Conditions on the key with a number of which nobody tells how it is compared.
 *
 * What SQLite does depends on what stands on the right side, and a virtual table is not told that:
 *
 *     a parameter, an expression        the number becomes a text
 *     a column with numeric affinity    a key that looks like a number becomes one; any other is above all numbers
 *     a column without an affinity      every key, a text, is above all numbers
 *
 * A number that is bound to a parameter is known to be one of the first kind (statements.c). For any other a key has to
 * be above it in all three ways. Where one is not, the query fails, with what to write. In return SQLite need not look
 * at the keys of a range again, which is a third of its price.
 */
#include "ext/query/scan.h"

int art_doubts_add(struct art_scan *scan, enum art_argument comparison, sqlite3_value *number) {
    struct art_doubt *doubt = &scan->doubts[scan->doubt_count];
    const char *text = (const char *)sqlite3_value_text(number);
    doubt->comparison = comparison;
    doubt->value = sqlite3_value_double(number);
    doubt->text.len = 0;
    if (!text || art_buffer_append(&doubt->text, text, strlen(text) + 1)) return SQLITE_NOMEM;
    scan->doubt_count++;
    return SQLITE_OK;
}

void art_doubts_clear(struct art_scan *scan) {
    for (unsigned i = 0; i < ART_DOUBTS_MAX; i++) art_buffer_clear(&scan->doubts[i].text);
}

/* What is as near as SQLite's own rounding is not. */
static bool is_surely_above(const struct art_doubt *doubt, const char *path, size_t len) {
    struct art_bytes text = art_bytes(doubt->text.data, (uint32_t)doubt->text.len - 1);
    double value;
    if (art_bytes_compare(art_bytes(path, (uint32_t)len), text) <= 0) return false;
    return !art_number_read(path, &value) || (value > doubt->value && !art_numbers_are_near(value, doubt->value));
}

static enum art_rc refuse_doubt(const struct art_scan *scan, const struct art_doubt *doubt, const char *path) {
    const struct art_vtab *vtab = art_scan_vtab(scan);
    const char *key = vtab->columns.items[ART_COLUMN_KEY].name;
    return art_fail(ART_MISUSE,
                    "art: SQLite does not tell whether %s.%s is compared with %s as a text or as a number, and for "
                    "'%.60s' it matters: write CAST(... AS TEXT) around the number, or CAST(%s AS NUMERIC)",
                    vtab->name->table, key, (const char *)doubt->text.data, path, key);
}

enum art_rc art_doubts_decide(const struct art_scan *scan, const char *path, size_t len, bool *matches) {
    for (unsigned i = 0; i < scan->doubt_count; i++) {
        const struct art_doubt *doubt = &scan->doubts[i];
        if (!is_surely_above(doubt, path, len)) return refuse_doubt(scan, doubt, path);
        *matches &= doubt->comparison == ART_ARGUMENT_GREATER || doubt->comparison == ART_ARGUMENT_GREATER_EQUAL;
    }
    return ART_OK;
}
