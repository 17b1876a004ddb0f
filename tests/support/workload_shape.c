/* The tables of the model test: their keys and columns.
 *
 * A column's name says what it is (`size` is an INTEGER wherever it is met), so that the generator knows a table by the
 * names that the ordinary twin shows, whatever was added and rolled back.
 */
#include <assert.h>
#include <string.h>

#include "tests/support/sql.h"
#include "tests/support/workload_private.h"

static const struct workload_column columns[] = {
    {"value", "", AFFINITY_NONE, false},
    {"size", "INTEGER", AFFINITY_INTEGER, false},
    {"mtime", "REAL", AFFINITY_REAL, false},
    {"etag", "TEXT", AFFINITY_TEXT, false},
    {"meta", "", AFFINITY_NONE, false},
    {"n", "NUMERIC", AFFINITY_NUMERIC, false},
    {"b", "BLOB", AFFINITY_NONE, false},
    {"c", "TEXT COLLATE NOCASE NOT NULL", AFFINITY_TEXT, true},
    {"rights", "BIGINT NOT NULL", AFFINITY_INTEGER, true},
    {"price", "DECIMAL(10,2)", AFFINITY_NUMERIC, false},
    {"point", "FLOATING POINT", AFFINITY_INTEGER, false}, /* so are SQLite's rules: it holds INT */
    {"Odd Name", "VARCHAR(20) COLLATE RTRIM", AFFINITY_TEXT, false},
    /* those that are added */
    {"owner", "TEXT", AFFINITY_TEXT, false},
    {"x1", "", AFFINITY_NONE, false},
    {"x2", "INTEGER", AFFINITY_INTEGER, false},
    {"x3", "REAL", AFFINITY_REAL, false},
    {"x4", "TEXT COLLATE NOCASE", AFFINITY_TEXT, false},
};
enum { FIRST_ADDED = 12 };

struct shape {
    const char *key;
    const char *others[8];
};

static const struct shape shapes[] = {
    {"path", {"value"}}, /* what an art table without columns has */
    {"path", {"size", "mtime", "etag", "meta", "n", "b", "c"}},
    {"path", {NULL}},
    {"Key Name", {"meta", "size"}},
    {"k", {"Odd Name", "rights", "price", "point", "c", "etag"}},
    {"path", {"value", "etag"}},
};

const struct workload_column *shape_column(const char *name) {
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        if (!strcmp(columns[i].name, name)) return &columns[i];
    }
    return &columns[0];
}

/* Without a journal SQLite takes nothing back: no column there may refuse a value in the middle of a statement. */
unsigned shape_choose(struct workload *w) {
    if (once_in(w, 4)) return 0;
    unsigned shape = below(w, sizeof shapes / sizeof *shapes);
    bool refuses = false;
    for (unsigned i = 0; shapes[shape].others[i]; i++) refuses |= shape_column(shapes[shape].others[i])->not_null;
    return refuses && w->setting->gentle ? 0 : shape;
}

const struct workload_column *shape_new_column(struct workload *w, const struct workload_table *table) {
    unsigned added = sizeof columns / sizeof *columns - FIRST_ADDED;
    for (unsigned i = below(w, added), n = 0; n < added && table->columns < WORKLOAD_COLUMNS;
         i = (i + 1) % added, n++) {
        bool has = false;
        for (unsigned k = 0; k < table->columns; k++) has |= !strcmp(table->names[k], columns[FIRST_ADDED + i].name);
        if (!has) return &columns[FIRST_ADDED + i];
    }
    return NULL;
}

static void append_declarations(sqlite3_str *out, unsigned number, const char *of_key) {
    const struct shape *shape = &shapes[number];
    sqlite3_str_appendf(out, "\"%w\"%s", shape->key, of_key);
    for (unsigned i = 0; shape->others[i]; i++) {
        const char *type = shape_column(shape->others[i])->type;
        sqlite3_str_appendf(out, ", \"%w\"%s%s", shape->others[i], *type ? " " : "", type);
    }
}

void put_create(struct writer *x, const char *schema, const char *name, unsigned shape) {
    char *table = sqlite3_mprintf("%s.%s", schema, name);
    sqlite3_str *arguments = sqlite3_str_new(NULL);
    if (shape) append_declarations(arguments, shape, PICK(x->w, "", " TEXT", ""));
    if (shape && *x->w->options) sqlite3_str_appendall(arguments, ", ");
    sqlite3_str_appendall(arguments, x->w->options);
    char *text = sqlite3_str_finish(arguments);
    PUT_PLAIN(x, "CREATE TABLE %s(", table);
    append_declarations(x->plain, shape, " TEXT PRIMARY KEY NOT NULL");
    PUT_PLAIN(x, ") WITHOUT ROWID");
    char *create = sql_create_text(table, text ? text : "");
    PUT_ART(x, "%s", create);
    sqlite3_free(create);
    sqlite3_free(text);
    sqlite3_free(table);
    MEET(x, CREATE);
    if (shape) MEET(x, TYPED);
}

/* It writes, changes and deletes a row of t, and refuses some. */
void put_trigger(struct writer *x, unsigned number) {
    const struct workload_setting *setting = x->w->setting;
    const struct shape *shape = &shapes[number];
    const char *other = shape->others[0];
    PUT(x, "CREATE TRIGGER %s.copy AFTER INSERT ON side BEGIN INSERT OR REPLACE INTO t(\"%w\"", setting->schema,
        shape->key);
    for (unsigned i = 0; shape->others[i]; i++) PUT(x, ", \"%w\"", shape->others[i]);
    PUT(x, ") VALUES('trg/' || new.a");
    for (unsigned i = 0; shape->others[i]; i++) {
        PUT(x, ", %s", shape_column(shape->others[i])->not_null ? "coalesce(new.b, new.a)" : "new.b");
    }
    PUT(x, "); UPDATE t SET \"%w\" = new.a || '/' WHERE \"%w\" = new.a || '/'; DELETE FROM t WHERE \"%w\" = new.a; ",
        other ? other : shape->key, shape->key, shape->key);
    PUT(x, "SELECT RAISE(ABORT, 'no') WHERE %s AND new.a GLOB 'aa*'; END", setting->gentle ? "0" : "1");
}

/* INSERT INTO the view on v puts a row into v. */
void put_view_trigger(struct writer *x) {
    const struct workload_table *table = x->table;
    PUT(x, "CREATE TRIGGER %s.show INSTEAD OF INSERT ON showing BEGIN INSERT INTO v(\"%w\"", x->w->setting->other,
        table->names[0]);
    for (unsigned i = 1; i < table->columns; i++) PUT(x, ", \"%w\"", table->names[i]);
    PUT(x, ") VALUES(new.\"%w\"", table->names[0]);
    for (unsigned i = 1; i < table->columns; i++) PUT(x, ", length(new.\"%w\")", table->names[0]);
    PUT(x, "); END");
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

static void put_quoted(struct writer *x, const char *name) {
    bool plain = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789") == strlen(name);
    if (x->alias) PUT(x, "%s.", x->alias);
    PUT(x, plain ? "%s" : "\"%w\"", name);
}

void put_path(struct writer *x) {
    assert(x->number != TABLE_W); /* which rules of its own are about: its key may be several columns */
    put_quoted(x, x->table->names[0]);
}

void put_column(struct writer *x, unsigned i) {
    put_quoted(x, x->table->names[i]);
}

unsigned any_column(struct writer *x) {
    return x->table->columns > 1 ? 1 + below(x->w, x->table->columns - 1) : 0;
}

void put_all_columns(struct writer *x) {
    for (unsigned i = 0; i < x->table->columns; i++) {
        if (i) PUT(x, ", ");
        put_column(x, i);
    }
}

void put_name(struct writer *x) {
    PUT(x, "%s.%s", workload_table_schema(x->w->setting, x->number), workload_table_name(x->number));
}
