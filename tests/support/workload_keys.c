/* w, the table of the model test whose key is no path: one column of BLOBs, or several columns, some in descending
 * order. What is written and asked stands in workload_rules.c. Its columns are a, b, c and v. Where the key may hold
 * NULL the ordinary table has rowids and a unique index in which NULL is a value like others; else its PRIMARY KEY has
 * the same columns.
 */
#include <string.h>

#include "tests/support/sql.h"
#include "tests/support/workload_private.h"

enum { COLUMNS = 3 };

/* The types of a, b and c; which of them are the key, + or - for their order. */
static const struct form {
    const char *types[COLUMNS], *key;
} forms[] = {
    {{"BLOB NOT NULL", "", "TEXT"}, "+a"},
    {{"TEXT NOT NULL", "TEXT NOT NULL", ""}, "+a+b"},
    {{"TEXT NOT NULL", "TEXT NOT NULL", "INTEGER NOT NULL"}, "+a+b-c"},
    {{"TEXT", "TEXT", "INTEGER"}, "+a+b-c"},
    {{"INTEGER NOT NULL", "TEXT NOT NULL", "BLOB"}, "+a+b"},
    {{"NUMERIC", "BLOB", "TEXT"}, "+a-c+b"},
    {{"INTEGER", "REAL", "BLOB"}, "+c-a"},
    {{"TEXT NOT NULL", "BLOB NOT NULL", "REAL NOT NULL"}, "-b+a-c"},
    {{"REAL", "TEXT", "NUMERIC"}, "-a-c+b"},
};

static const struct form *form_of(const struct writer *x) {
    return &forms[x->w->form];
}

static unsigned places(const struct form *form) {
    return (unsigned)strlen(form->key) / 2;
}

static unsigned column_at(const struct form *form, unsigned place) {
    return (unsigned)(form->key[2 * place + 1] - 'a');
}

static bool is_descending(const struct form *form, unsigned place) {
    return form->key[2 * place] == '-';
}

static bool is_needed(const struct form *form, unsigned column) {
    return strstr(form->types[column], "NOT NULL") != NULL;
}

static bool has_nulls(const struct form *form) {
    for (unsigned i = 0; i < places(form); i++) {
        if (!is_needed(form, column_at(form, i))) return true;
    }
    return false;
}

unsigned form_choose(struct workload *w) {
    return once_in(w, 5) ? 0 : below(w, sizeof forms / sizeof *forms);
}

/* ---- CREATE ------------------------------------------------------------------------------------------------------ */

static char *key_list(const struct form *form) {
    sqlite3_str *list = sqlite3_str_new(NULL);
    for (unsigned i = 0; i < places(form); i++) {
        sqlite3_str_appendf(list, "%s%c%s", i ? ", " : "", 'a' + column_at(form, i),
                            is_descending(form, i) ? " DESC" : "");
    }
    return sqlite3_str_finish(list);
}

void put_create_of_keys(struct writer *x) {
    const struct form *form = form_of(x);
    const char *schema = x->w->setting->schema;
    sqlite3_str *columns = sqlite3_str_new(NULL);
    for (unsigned i = 0; i < COLUMNS; i++) sqlite3_str_appendf(columns, "%c %s, ", 'a' + i, form->types[i]);
    sqlite3_str_appendall(columns, "v INTEGER");
    char *text = sqlite3_str_finish(columns), *key = key_list(form);
    bool bytes = places(form) == 1;
    if (has_nulls(form)) {
        PUT_PLAIN(x, "CREATE TABLE %s.w(%s)", schema, text);
    } else {
        PUT_PLAIN(x, "CREATE TABLE %s.w(%s, PRIMARY KEY(%s)) WITHOUT ROWID", schema, text, key);
    }
    char *options =
        sqlite3_mprintf("%s, %s%s%ssummary=(sum(v), max(v), lookup(v), search(v))%s%s", text, bytes ? "" : "key=(",
                        bytes ? "" : key, bytes ? "" : "), ", *x->w->options ? ", " : "", x->w->options);
    char *table = sqlite3_mprintf("%s.w", schema), *create = sql_create_text(table, options);
    PUT_ART(x, "%s", create);
    sqlite3_free(options);
    sqlite3_free(create);
    sqlite3_free(table);
    sqlite3_free(text);
    sqlite3_free(key);
    MEET(x, CREATE);
    writer_meet(x, bytes ? "KEYS_BLOB" : "KEYS_SEVERAL");
}

/* NULL is there what no column of its type can have. */
void put_index_of_keys(struct writer *x) {
    const struct form *form = form_of(x);
    if (!has_nulls(form)) {
        PUT(x, "SELECT 1 WHERE 0");
        return;
    }
    PUT_PLAIN(x, "CREATE UNIQUE INDEX %s.w_key ON w(", x->w->setting->schema);
    for (unsigned i = 0; i < places(form); i++) {
        unsigned column = column_at(form, i);
        const char *none = strncmp(form->types[column], "BLOB", 4) != 0 ? "x'00'" : "''";
        PUT_PLAIN(x, "%scoalesce(%c, %s)", i ? ", " : "", 'a' + column, none);
    }
    PUT_PLAIN(x, ")");
    PUT_ART(x, "SELECT 1 WHERE 0");
}

/* DROP and CREATE, a column more. */
void put_change_of_keys(struct writer *x) {
    struct workload *w = x->w;
    w->look_again[0] = w->look_again[1] = true;
    if (!x->table->exists) {
        put_create_of_keys(x);
    } else if (!has_nulls(form_of(x)) && once_in(w, 3)) {
        MEET(x, DROP);
        PUT(x, "DROP TABLE %s.w", w->setting->schema);
    } else {
        put_added_column(x);
    }
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

static void put_value_of(struct writer *x, unsigned column) {
    const struct form *form = form_of(x);
    const char *type = form->types[column];
    struct workload *w = x->w;
    if (!is_needed(form, column) && once_in(w, 10)) return put_null(x);
    if (!*type) return writer_draw(x, "$value");
    put_part(x, *type == 'T' ? PART_TEXT : *type == 'B' ? PART_BLOB : *type == 'R' ? PART_REAL : PART_NUMBER);
}

void put_part_picked(struct writer *x) {
    x->column = below(x->w, COLUMNS);
    if (!once_in(x->w, 4)) x->column = column_at(form_of(x), below(x->w, places(form_of(x))));
    if (x->alias) PUT(x, "%s.", x->alias);
    PUT(x, "%c", 'a' + x->column);
}

void put_of_part(struct writer *x) {
    put_value_of(x, x->column);
}

void put_row_of_keys(struct writer *x) {
    for (unsigned i = 0; i < COLUMNS; i++) {
        /* Without a journal nothing that came before a refused NULL would be taken back. */
        bool null = !x->w->setting->gentle && once_in(x->w, 60);
        PUT(x, i ? ", " : "");
        null ? put_null(x) : put_value_of(x, i);
    }
}

/* For a row made of the number i. The last column of the key makes most of them differ. */
void put_many_of_keys(struct writer *x) {
    const struct form *form = form_of(x);
    for (unsigned i = 0; i < COLUMNS; i++) {
        bool last = i == column_at(form, places(form) - 1);
        const char *number = last ? "i" : "i % 4", *type = form->types[i];
        PUT(x, i ? ", " : "");
        if (*type == 'T') {
            PUT(x, "substr('a/b/ba5', 1 + i %% 3, i / 3 %% 4)%s", last ? " || i" : "");
        } else if (*type == 'B') {
            PUT(x, "CAST(substr(x'61ff002f', 1 + i %% 3, 1 + i / 3 %% 2)%s AS BLOB)", last ? " || i" : "");
        } else {
            PUT(x, *type == 'R' ? "(%s) / 2.0" : "(%s) - 1", number);
        }
    }
}

/* ---- the key in a statement -------------------------------------------------------------------------------------- */

static void put_equal(struct writer *x, unsigned place) {
    unsigned column = column_at(form_of(x), place);
    PUT(x, "%c %s ", 'a' + column, once_in(x->w, 3) || !is_needed(form_of(x), column) ? "IS" : "=");
    put_value_of(x, column);
    PUT(x, " AND ");
}

void put_fixed_again(struct writer *x) {
    for (unsigned i = 0; i < x->fixed; i++) put_equal(x, i);
}

/* The first columns of the key have a value: x->fixed of them. */
void put_fixed(struct writer *x) {
    x->fixed = once_in(x->w, 3) ? 0 : below(x->w, places(form_of(x)) + 1);
    put_fixed_again(x);
}

void put_fixed_all(struct writer *x) {
    x->fixed = places(form_of(x));
    put_fixed_again(x);
}

/* As the table's own. */
void put_key_order(struct writer *x) {
    char *list = key_list(form_of(x));
    PUT(x, "%s", list);
    sqlite3_free(list);
}

/* The key, as bytes that rise in its order. */
void put_key_bytes(struct writer *x) {
    PUT(x, "%s", places(form_of(x)) > 1 ? "art_key" : "a");
}

/* Of an UPSERT: the columns beside the key and v keep what they have where NULL is given. */
void put_kept(struct writer *x) {
    const struct form *form = form_of(x);
    for (unsigned i = 0; i < COLUMNS; i++) {
        char name[] = {(char)('a' + i), 0};
        if (!strchr(form->key, *name)) PUT(x, ", %s = coalesce(excluded.%s, %s)", name, name, name);
    }
}

/* An order that no two rows share, mostly as the key's or its reverse. */
void put_rest(struct writer *x) {
    const struct form *form = form_of(x);
    bool turned = once_in(x->w, 2), odd = once_in(x->w, 6), all = once_in(x->w, 3) || x->fixed == places(form);
    for (unsigned i = all ? 0 : x->fixed, first = i; i < places(form); i++) {
        bool descending = odd ? once_in(x->w, 2) : is_descending(form, i) != turned;
        PUT(x, "%s%c%s", i > first ? ", " : "", 'a' + column_at(form, i), descending ? " DESC" : "");
    }
    if (once_in(x->w, 6)) PUT(x, ", v");
}

void put_key_columns(struct writer *x) {
    for (unsigned i = 0; i < places(form_of(x)); i++) {
        PUT(x, i ? ", " : ""), PUT(x, x->alias ? "%s." : "%s", x->alias ? x->alias : "");
        PUT(x, "%c", 'a' + column_at(form_of(x), i));
    }
}

void put_leading(struct writer *x) {
    unsigned count = 1 + below(x->w, places(form_of(x)));
    for (unsigned i = 0; i < count; i++) PUT(x, "%s%c", i ? ", " : "", 'a' + column_at(form_of(x), i));
}

/* ---- listings and functions -------------------------------------------------------------------------------------- */

static bool is_text(const struct form *form, unsigned place) {
    return *form->types[column_at(form, place)] == 'T';
}

static bool is_bytes(const struct form *form, unsigned place) {
    return is_text(form, place) || *form->types[column_at(form, place)] == 'B';
}

/* Of a text or of BLOBs in ascending order, where the columns before it have values. */
void put_listing_of_keys(struct writer *x) {
    const struct form *form = form_of(x);
    unsigned place = below(x->w, places(form));
    if (!is_bytes(form, place) || is_descending(form, place)) return writer_draw(x, "$keyed_rows");
    x->fixed = place;
    x->column = column_at(form, place);
    writer_draw(x, is_text(form, place) ? "$keyed_texts" : "$keyed_bytes");
}

void put_part_again(struct writer *x) {
    PUT(x, "%c", 'a' + x->column);
}

void put_beginning(struct writer *x) {
    put_part(x, *form_of(x)->types[x->column] == 'T' ? PART_TEXT : PART_BLOB);
}

/* By an equality the listing would be of the next column, if that is one of texts. */
void put_name_compared(struct writer *x) {
    const struct form *form = form_of(x);
    bool next = x->fixed + 1 < places(form) && is_bytes(form, x->fixed + 1);
    PUT(x, "%s", next ? PICK(x->w, ">", "<=") : PICK(x->w, ">", "<=", "=", "IS"));
}

/* The bytes of a key that begins with these values, of which the last one may go on; and the condition that says so. */
static void put_beginning_of_keys(struct writer *x, sqlite3_str *condition) {
    const struct form *form = form_of(x);
    bool several = places(form) > 1;
    unsigned count = 1 + below(x->w, places(form));
    if (several) PUT_ART(x, "art_key('%s.w', ", x->w->setting->schema);
    for (unsigned i = 0; i < count; i++) {
        x->column = column_at(form, i);
        char *value = writer_capture(x, several ? put_of_part : put_beginning), name = (char)('a' + x->column);
        PUT_ART(x, "%s%s", i ? ", " : "", value);
        if (i + 1 < count || !is_bytes(form, i)) {
            bool real = *form->types[x->column] == 'R'; /* a key has what is stored, of 2^53 + 1 the nearest */
            sqlite3_str_appendf(condition, real ? "%c IS CAST(%s AS REAL) AND " : "%c IS %s AND ", name, value);
        } else {
            sqlite3_str_appendf(
                condition,
                "CASE WHEN %s IS NULL THEN %c IS NULL ELSE %c IS NOT NULL AND coalesce(substr(CAST(%c AS "
                "BLOB), 1, length(CAST(%s AS BLOB))), x'') = CAST(%s AS BLOB) END AND ",
                value, name, name, name, value, value);
        }
        sqlite3_free(value);
    }
    sqlite3_str_appendall(condition, "1");
    if (several) PUT_ART(x, ")");
}

/* What stands before and behind, of an art table and of an ordinary one. */
static void put_about_beginning(struct writer *x, const char *const art[2], const char *const plain[2]) {
    const char *schema = x->w->setting->schema;
    sqlite3_str *condition = sqlite3_str_new(NULL);
    PUT_ART(x, art[0], schema);
    put_beginning_of_keys(x, condition);
    PUT_ART(x, "%s", art[1]);
    char *text = sqlite3_str_finish(condition);
    PUT_PLAIN(x, plain[0], schema);
    PUT_PLAIN(x, "%s%s", text, plain[1]);
    sqlite3_free(text);
}

void put_count_of_keys(struct writer *x) {
    put_about_beginning(x, (const char *const[]){"art_count('%s.w', ", ")"},
                        (const char *const[]){"(SELECT count(*) FROM %s.w WHERE ", ")"});
}

void put_delete_of_keys(struct writer *x) {
    x->step->flags &= ~(unsigned)STEP_CHANGES;
    put_about_beginning(x, (const char *const[]){"INSERT INTO %s.w(w, prefix) VALUES('delete', ", ")"},
                        (const char *const[]){"DELETE FROM %s.w WHERE ", ""});
}
