/* The columns of an art table: what CREATE VIRTUAL TABLE ... USING art(path, size INTEGER, ...) declares.
 *
 *     the user's      the key, then what a row's record holds     definition.c reads one
 *     hidden          enum art_hidden                              the same in every table, but for taken names
 *
 * The schema says what they are: the arguments of CREATE, and behind them what 'add column' added, each as the name of
 * a column of T_artstate (shadow.c). T_artstate also keeps those of CREATE as a text, under 'columns'. All of it may be
 * anything when DEFENSIVE is off, so it is parsed carefully; what does not agree is damage.
 *
 * NOT NULL is kept by update.c. It is declared to SQLite where listings show no NULL, either: of `size IS NULL` SQLite
 * makes false, and rows that are rolled up show NULL in most columns. Declared it shows min(size) to the planner, which
 * it does of no other column. DEFAULT is kept in update.c, too: SQLite forgets that of a virtual table, and hands over
 * NULL for a column that an INSERT leaves out.
 */
#include "ext/base/token.h"
#include "ext/schema/schema.h"

static const struct {
    const char *name, *aside; /* where a column of the user's has the name; of hashes also where the table has it */
    const char *type;
} hidden_columns[] = {
    [ART_HIDDEN_PREFIX] = {"prefix", "art_prefix", "TEXT"},
    [ART_HIDDEN_DELIMITER] = {"delimiter", "art_delimiter", "TEXT"},
    [ART_HIDDEN_START_AFTER] = {"start_after", "art_start_after", "TEXT"},
    [ART_HIDDEN_SNAPSHOT] = {"snapshot", "art_snapshot", ""},
    [ART_HIDDEN_COMMAND] = {"", "", ""},
    [ART_HIDDEN_ENTRIES] = {"entries", "art_entries", "INTEGER"},
    [ART_HIDDEN_VERSION] = {"row_version", "art_row_version", "INTEGER"},
    [ART_HIDDEN_CONFLICT] = {"conflict", "art_conflict", "TEXT"},
    [ART_HIDDEN_HASH] = {"hash", "art_hash", "INTEGER"},
    [ART_HIDDEN_HASH_VALUES] = {"hash_values", "art_hash_values", "INTEGER"},
};
_Static_assert(sizeof hidden_columns / sizeof *hidden_columns == (size_t)ART_HIDDEN_COLUMNS, "all hidden columns");

void art_column_clear(struct art_column *column) {
    art_free(column->name);
    art_free(column->type);
    art_free(column->collation);
    art_free(column->literal);
    sqlite3_value_free(column->stand_in);
    *column = (struct art_column){0};
}

void art_columns_clear(struct art_columns *columns) {
    for (unsigned i = 0; i < columns->count; i++) art_column_clear(&columns->items[i]);
    art_free(columns->items);
    art_free(columns->key_list);
    *columns = (struct art_columns){0};
}

/* SQLite's rule: the first of these that is found anywhere in the type, as INT is in POINT. */
enum art_affinity art_affinity_of(const char *type) {
    static const struct {
        const char *word;
        enum art_affinity affinity;
    } rules[] = {{"INT", ART_AFFINITY_INTEGER}, {"CHAR", ART_AFFINITY_TEXT}, {"CLOB", ART_AFFINITY_TEXT},
                 {"TEXT", ART_AFFINITY_TEXT},   {"BLOB", ART_AFFINITY_BLOB}, {"REAL", ART_AFFINITY_REAL},
                 {"FLOA", ART_AFFINITY_REAL},   {"DOUB", ART_AFFINITY_REAL}};
    if (!*type) return ART_AFFINITY_BLOB;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        int len = (int)strlen(rules[i].word);
        for (const char *at = type; *at; at++) {
            if (!sqlite3_strnicmp(at, rules[i].word, len)) return rules[i].affinity;
        }
    }
    return ART_AFFINITY_NUMERIC;
}

/* --- one after the other ------------------------------------------------------------------------------------------ */

bool art_columns_hide(const struct art_columns *columns, const char *name) {
    for (unsigned i = 0; i < art_columns_hidden(columns); i++) {
        if (i != ART_HIDDEN_COMMAND && !sqlite3_stricmp(name, art_columns_hidden_name(columns, i))) return true;
    }
    return false;
}

/* A table that is called like one of its columns takes no commands. */
const char *art_columns_command_name(const struct art_columns *columns, const char *table) {
    return art_columns_have(columns, table) || art_columns_hide(columns, table) ? "" : table;
}

const char *art_columns_hidden_name(const struct art_columns *columns, enum art_hidden hidden) {
    assert(hidden < ART_HIDDEN_COLUMNS && hidden != ART_HIDDEN_COMMAND);
    const char *name = hidden_columns[hidden].name, *aside = hidden_columns[hidden].aside;
    bool called = hidden >= ART_HIDDEN_HASH && hidden == columns->called && !art_columns_have(columns, aside);
    return called || art_columns_have(columns, name) ? aside : name;
}

int art_columns_check_names(const struct art_columns *columns, const char *table, char **message) {
    for (unsigned i = 0; i < columns->count; i++) {
        const char *name = columns->items[i].name;
        bool aside = false;
        for (unsigned j = 0; j < ART_HIDDEN_HASH; j++) aside |= !sqlite3_stricmp(name, hidden_columns[j].aside);
        if (!aside) continue;
        return art_complain(message, SQLITE_ERROR, "art: %s is a hidden column's name (%s.%s): take another name", name,
                            table, name);
    }
    return SQLITE_OK;
}

bool art_columns_lists(const struct art_columns *columns, unsigned place) {
    const struct art_column *column = &columns->items[art_columns_key(columns, place)];
    bool texts = column->affinity == ART_AFFINITY_TEXT || column->affinity == ART_AFFINITY_BLOB;
    return texts && !column->descending;
}

bool art_column_is_of_numbers(const struct art_column *column) {
    return column->affinity >= ART_AFFINITY_NUMERIC || !*column->type;
}

int art_columns_find(const struct art_columns *columns, const char *name) {
    for (unsigned i = 0; i < columns->count; i++) {
        if (!sqlite3_stricmp(name, columns->items[i].name)) return (int)i;
    }
    return -1;
}

bool art_columns_have(const struct art_columns *columns, const char *name) {
    return art_columns_find(columns, name) >= 0;
}

/* Takes the column over, whatever comes of it. */
static int append(struct art_columns *columns, const char *table, struct art_column *column, char **message) {
    assert(column->name && *column->name && column->type);
    int rc = SQLITE_OK;
    if (art_columns_have(columns, column->name)) {
        rc = art_complain(message, SQLITE_ERROR, "art: two columns have one name (%s.%s): rename one of them", table,
                          column->name);
    }
    if (!rc && (columns->count & (columns->count - 1)) == 0) { /* 1, 2, 4, 8, ... are full */
        size_t capacity = columns->count ? 2 * (size_t)columns->count : 1;
        struct art_column *items = art_resize(columns->items, capacity * sizeof *items);
        if (items) columns->items = items;
        rc = items ? SQLITE_OK : SQLITE_NOMEM;
    }
    if (rc) {
        art_column_clear(column);
    } else {
        columns->items[columns->count++] = *column;
    }
    return rc;
}

/* --- a key of several columns ------------------------------------------------------------------------------------- */

static const char key_form[] = "write key=(a, b DESC) with columns of the table";

static int complain_keys(const char *table, const char *what, char **message) {
    return art_complain(message, SQLITE_ERROR, "art: %s (%s): %s", what, table, key_form);
}

int art_columns_begin_keys(struct art_columns *columns, const char *table, const char *argument, char **message) {
    static const char key[] = "art_key";
    struct art_column column = {.affinity = ART_AFFINITY_BLOB, .not_null = true, .word = sizeof key - 1};
    if (columns->key_list) return SQLITE_OK; /* the first one counts; CREATE refuses a second */
    assert(!columns->count && art_definition_is_option(argument, "key"));
    columns->key_list = art_string_copy(argument);
    column.name = art_string_copy(key);
    column.type = art_string_copy("BLOB");
    if (columns->key_list && column.name && column.type) return append(columns, table, &column, message);
    art_column_clear(&column);
    return SQLITE_NOMEM;
}

static void next_key_token(struct art_token *token) {
    *token = art_token_at(token->at + token->len);
}

/* a [ASC | DESC] */
static int take_key_column(struct art_columns *columns, const char *table, struct art_token *token, char **message) {
    bool named = token->kind == ART_TOKEN_WORD || token->kind == ART_TOKEN_QUOTED;
    char *name = named ? art_token_text(token) : NULL;
    if (named && !name) return SQLITE_NOMEM;
    int found = named ? art_columns_find(columns, name) : -1;
    art_free(name);
    if (found < 0) return complain_keys(table, "a key of a column that is not there", message);
    struct art_column *column = &columns->items[found];
    if (found == ART_COLUMN_KEY || column->place) return complain_keys(table, "the key has a column twice", message);
    if (strpbrk(column->name, "()"))
        return complain_keys(table, "a column of the key has a parenthesis in its name", message);
    if (column->collation) return complain_keys(table, "a column of the key is compared by BINARY", message);
    if (columns->keys == ART_KEYS_MAX) return complain_keys(table, "a key has at most 16 columns", message);
    columns->key[columns->keys++] = (unsigned)found;
    column->place = columns->keys;
    /* Without a type a column of an ordinary key would hold anything, 5 and '5' beside each other. */
    if (!*column->type) column->affinity = ART_AFFINITY_TEXT;
    next_key_token(token);
    column->descending = art_token_is_word(token, "DESC");
    if (column->descending || art_token_is_word(token, "ASC")) next_key_token(token);
    return SQLITE_OK;
}

int art_columns_end_keys(struct art_columns *columns, const char *table, char **message) {
    if (!columns->key_list) return SQLITE_OK;
    struct art_token token = art_token_at(columns->key_list);
    next_key_token(&token); /* key */
    next_key_token(&token); /* = */
    if (!art_token_is_mark(&token, '(')) return complain_keys(table, "the list of key columns is not closed", message);
    do {
        next_key_token(&token);
        int rc = take_key_column(columns, table, &token, message);
        if (rc) return rc;
    } while (art_token_is_mark(&token, ','));
    if (!art_token_is_mark(&token, ')')) return complain_keys(table, "the list of key columns is not closed", message);
    next_key_token(&token);
    return token.kind == ART_TOKEN_END || art_token_is_mark(&token, ',')
               ? SQLITE_OK
               : complain_keys(table, "something stands behind the key", message);
}

enum art_rc art_key_append(struct art_buffer *key, const struct art_column *column, sqlite3_value *value, bool open) {
    struct art_field field;
    struct art_datum datum;
    enum art_rc rc = art_field_set(&field, value, column->affinity);
    if (rc) return rc;
    art_field_datum(&field, &datum);
    return art_ordered_append(key, &datum, column->descending, open);
}

static bool may_have(const struct art_column *column, enum art_datum_kind kind) {
    if (kind == ART_DATUM_NULL) return !column->not_null;
    if (column->affinity == ART_AFFINITY_TEXT) return kind == ART_DATUM_TEXT;
    return column->affinity != ART_AFFINITY_BLOB || kind == ART_DATUM_BLOB;
}

/* What is left behind all columns. */
static bool is_end_of_key(const struct art_columns *columns, struct art_bytes left) {
    const struct art_column *last = &columns->items[art_columns_key(columns, columns->keys)];
    return last->descending && left.len == 1 && *left.data == ART_KEY_END;
}

bool art_columns_key_part(const struct art_columns *columns, sqlite3_value *value, struct art_key_part *out) {
    struct art_bytes bytes;
    bool blob = sqlite3_value_type(value) == SQLITE_BLOB, sound = art_value_bytes(value, &bytes);
    *out = (struct art_key_part){.open = ART_DATUM_NULL, .beginning = true};
    sound = sound && (blob || !bytes.len);
    while (sound && bytes.len && out->columns < columns->keys && !out->open) {
        const struct art_column *column = &columns->items[art_columns_key(columns, out->columns + 1)];
        struct art_datum datum;
        bool open;
        sound = art_ordered_next(&bytes, column->descending, NULL, &datum, &open);
        out->beginning = out->beginning && sound && may_have(column, datum.kind);
        if (open) out->open = datum.kind;
        if (!open) out->columns++;
    }
    if (!sound || !bytes.len) return sound;
    out->beginning = false;
    return out->columns == columns->keys && is_end_of_key(columns, bytes);
}

bool art_columns_key_is_whole(const struct art_columns *columns, struct art_bytes key) {
    bool whole = true, open = false;
    assert(columns->keys);
    for (unsigned place = 1; whole && place <= columns->keys; place++) {
        const struct art_column *column = &columns->items[art_columns_key(columns, place)];
        struct art_datum datum;
        whole = art_ordered_next(&key, column->descending, NULL, &datum, &open) && !open;
    }
    return whole && (columns->items[art_columns_key(columns, columns->keys)].descending ? is_end_of_key(columns, key)
                                                                                        : !key.len);
}

bool art_result_of_key(sqlite3_context *context, const struct art_columns *columns, unsigned place,
                       struct art_bytes key, struct art_key_passed *passed) {
    struct art_buffer room = {0};
    struct art_datum datum = {.kind = ART_DATUM_NULL};
    const struct art_column *column = NULL;
    bool sound = true, open;
    uint32_t whole = key.len;
    if (passed->columns >= place) *passed = (struct art_key_passed){0};
    assert(passed->bytes <= key.len);
    if (passed->bytes) key = art_bytes(key.data + passed->bytes, key.len - passed->bytes);
    for (unsigned at = passed->columns + 1; sound && at <= place; at++) {
        column = &columns->items[art_columns_key(columns, at)];
        sound = art_ordered_next(&key, column->descending, at == place ? &room : NULL, &datum, &open);
    }
    assert(column);
    *passed = sound ? (struct art_key_passed){place, whole - key.len} : (struct art_key_passed){0};
    if (datum.kind == ART_DATUM_INTEGER && column->affinity == ART_AFFINITY_REAL)
        datum = (struct art_datum){.kind = ART_DATUM_REAL, .real = (double)datum.integer};
    if (sound) art_result_datum(context, &datum);
    art_buffer_clear(&room);
    return sound;
}

/* --- as a text ---------------------------------------------------------------------------------------------------- */

static int parse_one(struct art_columns *columns, const char *table, const char *text, const char **end,
                     char **message) {
    struct art_column column;
    int rc = art_definition_parse(text, end, table, columns->count == ART_COLUMN_KEY, &column, message);
    return rc ? rc : append(columns, table, &column, message);
}

int art_columns_append(struct art_columns *columns, const char *table, const char *definition, char **message) {
    return parse_one(columns, table, definition, NULL, message);
}

/* key=(...), and the comma behind it, if the text begins so. */
static int parse_key_list(struct art_columns *columns, const char *table, const char **text, char **message) {
    if (!art_definition_is_option(*text, "key")) return SQLITE_OK;
    const char *list = *text, *end = strchr(list, ')');
    if (!end || end[1] != ',') return complain_keys(table, "the list of key columns is not closed", message);
    *text = end + 2;
    return art_columns_begin_keys(columns, table, list, message);
}

int art_columns_parse(struct art_columns *columns, const char *table, const char *text, char **message) {
    *columns = (struct art_columns){0};
    int rc = parse_key_list(columns, table, &text, message);
    bool more = !rc;
    while (more) {
        rc = columns->count == ART_COLUMNS_MAX
                 ? art_complain(message, SQLITE_ERROR, "art: too many columns (%s)", table)
                 : parse_one(columns, table, text, &text, message);
        more = !rc && *text++ == ',';
    }
    if (!rc) rc = art_columns_end_keys(columns, table, message);
    if (rc) art_columns_clear(columns);
    return rc;
}

int art_columns_default(struct art_columns *columns) {
    char *ignored = NULL;
    int rc = art_columns_parse(columns, "", "path, value", &ignored);
    sqlite3_free(ignored);
    return rc;
}

int art_columns_check_count(const struct art_columns *columns, sqlite3 *db, const char *table, char **message) {
    int most = sqlite3_limit(db, SQLITE_LIMIT_COLUMN, -1) - (int)art_columns_hidden(columns);
    if ((int)columns->count <= most) return SQLITE_OK;
    return art_complain(message, SQLITE_ERROR, "art: %u columns are too many (%s): a table has at most %d here",
                        columns->count, table, most > 0 ? most : 0);
}

static void append_name(sqlite3_str *out, const char *name) {
    sqlite3_str_appendf(out, art_definition_is_plain_name(name) ? "%s" : "\"%w\"", name);
}

/* A name of a column with a parenthesis would end the list for art_columns_parse(): such keys are refused. */
static void append_keys(sqlite3_str *out, const struct art_columns *columns) {
    for (unsigned place = 1; place <= columns->keys; place++) {
        const struct art_column *column = &columns->items[art_columns_key(columns, place)];
        sqlite3_str_appendall(out, place == 1 ? "key=(" : ", ");
        append_name(out, column->name);
        if (column->descending) sqlite3_str_appendall(out, " DESC");
    }
    sqlite3_str_appendall(out, "), ");
}

char *art_columns_show(const struct art_columns *columns) {
    assert(!columns->count == !columns->items);
    sqlite3_str *out = sqlite3_str_new(NULL);
    unsigned first = columns->keys ? 1 : 0;
    if (first) append_keys(out, columns);
    for (unsigned i = first; i < columns->count; i++) {
        const struct art_column *column = &columns->items[i];
        if (i > first) sqlite3_str_appendall(out, ", ");
        append_name(out, column->name);
        bool usual = i == ART_COLUMN_KEY && !strcmp(column->type, "TEXT");
        if (*column->type && !usual) sqlite3_str_appendf(out, " %s", column->type);
        if (column->not_null && i != ART_COLUMN_KEY) sqlite3_str_appendall(out, " NOT NULL");
        if (column->literal) sqlite3_str_appendf(out, " DEFAULT %s", column->literal);
        if (!column->collation) continue;
        sqlite3_str_appendall(out, " COLLATE ");
        append_name(out, column->collation);
    }
    return sqlite3_str_finish(out);
}

int art_columns_copy(struct art_columns *columns, const char *table, const struct art_columns *from, char **message) {
    assert(columns != from && from->count);
    *columns = (struct art_columns){0};
    char *text = art_columns_show(from);
    int rc = text ? art_columns_parse(columns, table, text, message) : SQLITE_NOMEM;
    sqlite3_free(text);
    return rc;
}

int art_columns_compare(const struct art_columns *a, const struct art_columns *b, bool *equal) {
    char *text_of_a = art_columns_show(a), *text_of_b = art_columns_show(b);
    int rc = text_of_a && text_of_b ? SQLITE_OK : SQLITE_NOMEM;
    *equal = !rc && !strcmp(text_of_a, text_of_b);
    sqlite3_free(text_of_a);
    sqlite3_free(text_of_b);
    return rc;
}

/* --- for SQLite --------------------------------------------------------------------------------------------------- */

/* Is the column NULL in no row, and in none that a listing rolls up, either? That has the columns of a key as far as to
 * the one whose texts are listed, and the sum, least or largest value of what is summarised. */
static bool is_never_null(const struct art_columns *columns, const struct art_summarised *summarised, unsigned i) {
    const struct art_column *column = &columns->items[i];
    if (!column->not_null || i == ART_COLUMN_KEY) return column->not_null;
    if (!column->place) return art_summary_find_measured(summarised, i) >= 0;
    for (unsigned place = 1; place < column->place; place++) {
        if (art_columns_lists(columns, place)) return false;
    }
    return true;
}

/* Several snapshots or listings give a path twice. Of a PRIMARY KEY SQLite thinks that none does, and leaves a DISTINCT
 * out; but not where the key is unique by another collation than the one that is compared by. So the key has one of its
 * own, which is BINARY by another name: rows are told apart by it all the same (multi-index OR, RIGHT JOIN, DELETE). */
static const char key_collation[] = "art_key";

static int compare_keys(void *unused, int left_len, const void *left, int right_len, const void *right) {
    (void)unused;
    return art_bytes_compare(art_bytes(left, (uint32_t)left_len), art_bytes(right, (uint32_t)right_len));
}

int art_columns_register(sqlite3 *db) {
    return sqlite3_create_collation_v2(db, key_collation, SQLITE_UTF8, NULL, compare_keys, NULL);
}

/* A key of a type that SQLite does not know would be compared, and copied, as a number. */
const char *art_columns_declared_type(const struct art_columns *columns, unsigned i) {
    const struct art_column *column = &columns->items[i];
    bool is_text = i == ART_COLUMN_KEY && art_affinity_of(column->type) == ART_AFFINITY_NUMERIC;
    return is_text || (column->place && !*column->type) ? "TEXT" : column->type;
}

static char *declaration(const struct art_columns *columns, const struct art_summarised *summarised,
                         const char *table) {
    assert(columns->count && columns->items[ART_COLUMN_KEY].not_null && !columns->items[ART_COLUMN_KEY].collation);
    sqlite3_str *sql = sqlite3_str_new(NULL);
    sqlite3_str_appendall(sql, "CREATE TABLE x(");
    for (unsigned i = 0; i < columns->count; i++) {
        const struct art_column *column = &columns->items[i];
        sqlite3_str_appendf(sql, "\"%w\" %s", column->name, art_columns_declared_type(columns, i));
        if (column->collation) sqlite3_str_appendf(sql, " COLLATE \"%w\"", column->collation);
        if (i == ART_COLUMN_KEY && columns->keys) sqlite3_str_appendall(sql, " HIDDEN");
        sqlite3_str_appendall(sql, is_never_null(columns, summarised, i) ? " NOT NULL, " : ", ");
    }
    for (unsigned i = 0; i < art_columns_hidden(columns); i++) {
        const char *name =
            i == ART_HIDDEN_COMMAND ? art_columns_command_name(columns, table) : art_columns_hidden_name(columns, i);
        sqlite3_str_appendf(sql, "%s\"%w\" %s HIDDEN", i ? ", " : "", name, hidden_columns[i].type);
    }
    sqlite3_str_appendf(sql, ", PRIMARY KEY(\"%w\" COLLATE %s)) WITHOUT ROWID", columns->items[ART_COLUMN_KEY].name,
                        key_collation);
    return sqlite3_str_finish(sql);
}

static int evaluate_literal(struct art_column *column, sqlite3 *db) {
    sqlite3_stmt *literal;
    int rc = art_prepare(db, 0, &literal, sqlite3_mprintf("SELECT %s", column->literal));
    if (!rc) rc = sqlite3_step(literal);
    sqlite3_value_free(column->stand_in);
    column->stand_in = rc == SQLITE_ROW ? sqlite3_value_dup(sqlite3_column_value(literal, 0)) : NULL;
    if (rc == SQLITE_ROW) rc = column->stand_in ? SQLITE_OK : SQLITE_NOMEM;
    sqlite3_finalize(literal);
    return rc;
}

/* A failure is one of the surroundings, a collation that nobody has registered above all: what SQLite cannot parse was
 * refused before. */
int art_columns_declare(struct art_columns *columns, const struct art_summarised *summarised, sqlite3 *db,
                        const char *table, char **message) {
    columns->hashes = summarised->hashes;
    columns->called = 0;
    for (unsigned i = ART_HIDDEN_HASH; i < ART_HIDDEN_COLUMNS; i++) {
        if (!sqlite3_stricmp(table, hidden_columns[i].name)) columns->called = (uint8_t)i;
    }
    char *sql = declaration(columns, summarised, table);
    int rc = sql ? sqlite3_declare_vtab(db, sql) : SQLITE_NOMEM;
    sqlite3_free(sql);
    for (unsigned i = 0; !rc && i < columns->count; i++) {
        if (columns->items[i].literal) rc = evaluate_literal(&columns->items[i], db);
    }
    if (!rc || rc == SQLITE_NOMEM) return rc;
    if (!strcmp(sqlite3_errmsg(db), "not authorized")) { /* which SQLite says by SQLITE_ERROR */
        return art_complain(message, SQLITE_AUTH,
                            "art: an authorizer forbids to declare the columns (of %s): allow SQLITE_INSERT and "
                            "SQLITE_UPDATE of sqlite_master, which SQLite asks for without writing there",
                            table);
    }
    return art_complain(message, rc, "art: %s (the columns of %s): register what is missing, then use the table",
                        sqlite3_errmsg(db), table);
}
