/* A sum is given only where it is what SQLite's sum() of the same rows is: one without an integer, but for NULL, counts
 * 0 in core, and something there. */
#include "core/tree/read_rows.h"
#include "ext/access/access.h"

/* As an SQL text has it. */
static char *key_as_literal(const struct art_vtab *vtab, struct art_bytes key) {
    if (!art_columns_keys_are_blobs(&vtab->columns))
        return sqlite3_mprintf("'%.*q'", (int)key.len, (const char *)key.data);
    sqlite3_str *text = sqlite3_str_new(NULL);
    sqlite3_str_appendall(text, "x'");
    for (uint32_t i = 0; i < key.len; i++) sqlite3_str_appendf(text, "%02x", key.data[i]);
    sqlite3_str_appendall(text, "'");
    return sqlite3_str_finish(text);
}

static int refuse_sum(const struct art_vtab *vtab, unsigned item, struct art_bytes key, char **message) {
    const struct art_column *columns = vtab->columns.items;
    const char *column = columns[art_table_summarised(vtab->table)->items[item].column].name;
    char *literal = key_as_literal(vtab, key);
    if (!literal) return SQLITE_NOMEM;
    int rc =
        art_complain(message, SQLITE_ERROR,
                     "art: a sum is of integers, and this row has none (%s.%s where %s = %s): store integers, or add "
                     "the rows up by SELECT sum(%s)",
                     vtab->name->table, column, columns[ART_COLUMN_KEY].name, literal, column);
    sqlite3_free(literal);
    return rc;
}

int art_sum_check(const struct art_vtab *vtab, struct art_tree *tree, const struct art_range *range, unsigned item,
                  char **message) {
    struct art_buffer key = {0};
    enum art_rc art_rc = art_tree_find_other(tree, range, item, &key);
    if (art_rc == ART_NOTFOUND) return SQLITE_OK;
    int rc = art_rc ? art_report(message, art_rc) : refuse_sum(vtab, item, art_buffer_bytes(&key), message);
    art_buffer_clear(&key);
    return rc;
}
