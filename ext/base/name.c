/* Under which name a table stands in the schema: counted, since savepoints remember it. */
#include "ext/base/base.h"

struct art_name *art_name_new(const char *schema, const char *table) {
    size_t schema_bytes = strlen(schema) + 1, table_bytes = strlen(table) + 1;
    struct art_name *name = art_alloc(sizeof *name + schema_bytes + table_bytes);
    if (!name) return NULL;
    name->references = 1;
    name->schema = (char *)(name + 1);
    name->table = name->schema + schema_bytes;
    memcpy(name->schema, schema, schema_bytes);
    memcpy(name->table, table, table_bytes);
    return name;
}

struct art_name *art_name_hold(struct art_name *name) {
    assert(name->references);
    name->references++;
    return name;
}

void art_name_release(struct art_name *name) {
    assert(!name || name->references);
    if (name && --name->references == 0) art_free(name);
}
