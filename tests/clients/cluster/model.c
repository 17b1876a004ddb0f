/* See model.h. */
#include "tests/clients/cluster/model.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The rows that an answer must have, one after the other. */
struct walk {
    const struct model *model;
    const char *prefix;
    bool listing; /* one directory level, as table(prefix, '/') gives it */
    unsigned key; /* the next one to look at */
    char row[MODEL_TEXT], value[MODEL_TEXT];
    bool has_value;
    unsigned rows;
    char wrong[5 * MODEL_TEXT];
};

void model_path(unsigned key, char out[MODEL_TEXT]) {
    snprintf(out, MODEL_TEXT, "tenant%u/year%02u/object-%06u", key / 10000, key / 100 % 100, key);
}

void model_value(unsigned key, unsigned version, char out[MODEL_TEXT]) {
    snprintf(out, MODEL_TEXT, "version %u of %06u", version, key);
}

unsigned model_shuffled(unsigned position) {
    return (unsigned)((uint64_t)position * 77773 % MODEL_KEYS);
}

/* The next row goes to walk->row. */
static bool next(struct walk *walk) {
    char path[MODEL_TEXT];
    size_t len = strlen(walk->prefix);
    for (; walk->key < MODEL_KEYS; walk->key++) {
        if (!walk->model->version[walk->key]) continue;
        model_path(walk->key, path);
        if (strncmp(path, walk->prefix, len) != 0) continue;
        const char *slash = walk->listing ? strchr(path + len, '/') : NULL;
        if (slash) path[slash + 1 - path] = 0;
        if (slash && walk->rows && !strcmp(path, walk->row)) continue;
        walk->has_value = !slash;
        memcpy(walk->row, path, sizeof path);
        model_value(walk->key, walk->model->version[walk->key], walk->value);
        walk->key++;
        return true;
    }
    return false;
}

static bool same(const struct wire_value *value, const char *text) {
    return value->type == WIRE_TEXT && value->len == strlen(text) && !memcmp(value->text, text, value->len);
}

static int compare_row(void *context, const struct wire_value *values, unsigned columns) {
    struct walk *walk = context;
    bool more = next(walk);
    walk->rows++;
    bool good = more && columns == 2 && same(&values[0], walk->row) &&
                (walk->has_value ? same(&values[1], walk->value) : values[1].type == WIRE_NULL);
    if (!good) {
        const char *value = columns == 2 && values[1].type == WIRE_TEXT ? values[1].text : "no text";
        snprintf(walk->wrong, sizeof walk->wrong, "row %u is %s with %s, not %s with %s", walk->rows,
                 values[0].type == WIRE_TEXT ? values[0].text : "no text", value, more ? walk->row : "nothing",
                 walk->has_value ? walk->value : "no text");
    }
    return !good;
}

static int compare_rows(const struct model *model, struct wire *wire, const char *sql, const char *prefix,
                        bool listing) {
    struct walk walk = {.model = model, .prefix = prefix, .listing = listing};
    int rc = wire_query_sql(wire, sql, compare_row, &walk);
    if (!rc && next(&walk)) {
        snprintf(walk.wrong, sizeof walk.wrong, "%s is missing", walk.row);
        rc = -1;
    }
    if (rc) {
        char cause[sizeof wire->error];
        snprintf(cause, sizeof cause, "%s", wire->error);
        snprintf(wire->error, sizeof wire->error, "%.100s: %.290s", sql, walk.wrong[0] ? walk.wrong : cause);
    }
    return rc;
}

static int take_integer(void *context, const struct wire_value *values, unsigned columns) {
    *(int64_t *)context = columns == 1 && values[0].type == WIRE_INTEGER ? values[0].integer : -1;
    return 0;
}

static int compare_count(const struct model *model, struct wire *wire, const char *table, const char *prefix) {
    char sql[200];
    struct walk walk = {.model = model, .prefix = prefix};
    int64_t count = -1, expected = 0;
    while (next(&walk)) expected++;
    snprintf(sql, sizeof sql, "SELECT art_count('%s', '%s')", table, prefix);
    if (wire_query_sql(wire, sql, take_integer, &count)) return -1;
    if (count == expected) return 0;
    snprintf(wire->error, sizeof wire->error, "%s: %lld, not %lld", sql, (long long)count, (long long)expected);
    return -1;
}

static int take_ok(void *context, const struct wire_value *values, unsigned columns) {
    (void)context;
    return columns != 1 || !same(&values[0], "ok");
}

int model_compare(const struct model *model, struct wire *wire, const char *table) {
    static const char *const prefixes[] = {
        "", "tenant3/", "tenant3/year1", "tenant9/year99/", "tenant5/year50/object-05", "nobody/"};
    char sql[200];
    int rc = 0;
    for (unsigned i = 0; i < sizeof prefixes / sizeof *prefixes && !rc; i++) {
        rc = compare_count(model, wire, table, prefixes[i]);
        snprintf(sql, sizeof sql, "SELECT * FROM %s('%s', '/')", table, prefixes[i]);
        if (!rc) rc = compare_rows(model, wire, sql, prefixes[i], true);
        snprintf(sql, sizeof sql, "SELECT path, value FROM %s WHERE path GLOB '%s*'", table, prefixes[i]);
        if (!rc) rc = compare_rows(model, wire, sql, prefixes[i], false);
    }
    snprintf(sql, sizeof sql, "SELECT path, value FROM %s ORDER BY path", table);
    if (!rc) rc = compare_rows(model, wire, sql, "", false);
    if (!rc) rc = wire_query_sql(wire, "PRAGMA integrity_check", take_ok, NULL);
    snprintf(sql, sizeof sql, "SELECT art_check('%s')", table);
    if (!rc) rc = wire_query_sql(wire, sql, take_ok, NULL);
    return rc;
}
