#include "tests/bench/operations.h"

#include <string.h>

/* The order is that of measuring: reads first, then writes, which leave the keys nearly as they were. */
const struct operation operations[] = {
    {"get", "get, in a transaction", VERB_GET, READING, .steps = 50000},
    {"get-alone", "get, autocommit", VERB_GET, ALONE, .steps = 50000},
    {"miss", "miss, in a transaction", VERB_MISS, READING, .steps = 50000},
    {"list", "list 100 below a prefix", VERB_LIST, READING, .steps = 10000},
    {"list-back", "list 100, descending", VERB_LIST_BACK, READING, .steps = 10000},
    {"level", "one level, 8 entries (table: recursive query)", VERB_LEVEL, READING, .steps = 10000},
    {"level-seeks", "one level, 8 entries (table: client's seeks)", VERB_LEVEL_SEEKS, READING, .steps = 10000},
    {"is-empty", "is it empty?", VERB_ANY, READING, .steps = 20000},
    {"longest-prefix", "longest prefix", VERB_LONGEST, READING, .steps = 20000},
    {"count", "count a fortieth of all", VERB_COUNT, READING, .steps = 10000},
    {"count-rows", "... with count(*)", VERB_COUNT_ROWS, READING, .steps = 1000},
    {"count-small", "count some 150 keys", VERB_COUNT_SMALL, READING, .steps = 10000},
    {"count-all", "count all", VERB_COUNT_ALL, READING, .steps = 10000},
    {"page-near", "50 rows behind the first 100", VERB_PAGE_NEAR, READING, .steps = 5000},
    {"page-far", "50 rows behind nine tenths", VERB_PAGE_FAR, READING, .steps = 5000},
    {"scan", "scan a fortieth, a row", VERB_SCAN, READING, .by_row = true, .steps = 64},
    {"scan-all", "scan all, a row", VERB_SCAN_ALL, READING, .by_row = true, .steps = 1},
    {"put", "put, 1,000 a durable transaction", VERB_CREATE, BATCHES, .sync = true, .writes = true, .steps = 5000},
    {"delete", "delete, 1,000 a durable transaction", VERB_DELETE, BATCHES, .sync = true, .writes = true,
     .steps = 5000},
    {"update", "update, 1,000 a durable transaction", VERB_UPDATE, BATCHES, .sync = true, .writes = true,
     .steps = 5000},
    {"mixed", "mixed 50/50, 1,000 a durable transaction", VERB_MIXED, BATCHES, .sync = true, .writes = true,
     .steps = 5000},
    {"put-alone", "put, autocommit, not synced", VERB_CREATE, ALONE, .writes = true, .steps = 4000},
    {"put-durable", "put, autocommit, durable", VERB_CREATE, ALONE, .sync = true, .writes = true, .steps = 100},
    {"create-delete", "create and delete, autocommit, not synced", VERB_CREATE_DELETE, ALONE, .writes = true,
     .steps = 2000},
    {"rename", "rename of a key, autocommit, not synced", VERB_RENAME, ALONE, .writes = true, .steps = 2000},
    {"metadata", "metadata mix, 1,000 a transaction, not synced", VERB_METADATA, BATCHES, .writes = true,
     .steps = 10000},
    {"metadata-batches", "metadata mix, 1,000 a durable transaction", VERB_METADATA, BATCHES, .sync = true,
     .writes = true, .steps = 5000},
    {"metadata-alone", "metadata mix, autocommit, not synced", VERB_METADATA, ALONE, .writes = true, .steps = 3000},
    {"metadata-durable", "metadata mix, autocommit, durable", VERB_METADATA, ALONE, .sync = true, .writes = true,
     .steps = 150},
    {"get-after", "get, after these writes", VERB_GET, READING, .steps = 50000},
    {"miss-after", "miss, after these writes", VERB_MISS, READING, .steps = 50000},
    {"list-after", "list 100, after these writes", VERB_LIST, READING, .steps = 10000},
    {NULL, NULL, 0, 0, .steps = 0},
};

const struct operation *operation_find(const char *name) {
    for (const struct operation *each = operations; each->name; each++) {
        if (!strcmp(each->name, name)) return each;
    }
    return NULL;
}
