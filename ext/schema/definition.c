/* One column's definition: an argument of USING art(...), a part of T_artstate's text, or what follows 'add column'.
 *
 *     definition   name [type] constraint...
 *     name         word, "quoted", [quoted], `quoted` or 'quoted'
 *     type         word... [(number [, number])]
 *     constraint   NOT NULL | NULL | DEFAULT literal | COLLATE name | PRIMARY KEY [ASC] | UNIQUE, the last two for the
 *                  key only; a literal other than NULL needs NOT NULL
 *     literal      NULL | TRUE | FALSE | [+|-] number | 'text' | x'blob'
 *
 * SQLite hands arguments over as they were typed, comments included; T_artstate may hold anything. What this parser
 * lets through is sure to be one column for SQLite's own parser, too, since it is shown to it in
 * sqlite3_declare_vtab(). What an ordinary table may have and an art table may not is refused by a sentence of its own,
 * never ignored.
 */
#include "ext/base/token.h"
#include "ext/schema/schema.h"

struct definition {
    const char *table; /* for messages */
    bool key;
    const char *at; /* behind the token */
    struct art_token token;
    struct art_column *column;
    char **message;
};

/* --- tokens ------------------------------------------------------------------------------------------------------- */

static void next_token(struct definition *definition) {
    definition->token = art_token_at(definition->at);
    definition->at = definition->token.at + definition->token.len;
}

static bool skip_keyword(struct definition *definition, const char *word) {
    if (!art_token_is_word(&definition->token, word)) return false;
    next_token(definition);
    return true;
}

/* --- refusals ----------------------------------------------------------------------------------------------------- */

static const struct {
    const char *word, *what, *todo;
} refusals[] = {
    {"CHECK", "an art table has no CHECK", "leave it out and check values before they are written"},
    {"UNIQUE", "only the first column of an art table is unique", "leave UNIQUE out"},
    {"PRIMARY", "the first column of an art table is its key, alone",
     "leave PRIMARY KEY out, and name the column that is to be the key first, or write key=(a, b)"},
    {"REFERENCES", "an art table has no foreign keys", "leave REFERENCES out"},
    {"FOREIGN", "an art table has no foreign keys", "leave FOREIGN KEY out"},
    {"GENERATED", "an art table has no generated columns", "leave it out and compute it in a view"},
    {"AS", "an art table has no generated columns", "leave it out and compute it in a view"},
    {"ON", "an art table has no ON CONFLICT of its own", "leave it out and write INSERT OR REPLACE, OR IGNORE, ..."},
    {"HIDDEN", "a column of an art table cannot be HIDDEN", "leave the word out"},
    {"CONSTRAINT", "constraints of an art table have no names", "leave CONSTRAINT and the name out"},
    {"AUTOINCREMENT", "the key of an art table is no number", "leave AUTOINCREMENT out"},
};

/* The words that SQLite never takes as names without quotes. */
static const char *const reserved[] = {
    "ADD",     "ALL",     "ALTER",      "AND",    "AS",      "AUTOINCREMENT", "BETWEEN", "CASE",       "CHECK",
    "COLLATE", "COMMIT",  "CONSTRAINT", "CREATE", "DEFAULT", "DEFERRABLE",    "DELETE",  "DISTINCT",   "DROP",
    "ELSE",    "ESCAPE",  "EXCEPT",     "EXISTS", "FOREIGN", "FROM",          "GROUP",   "HAVING",     "IN",
    "INDEX",   "INSERT",  "INTERSECT",  "INTO",   "IS",      "ISNULL",        "JOIN",    "LIMIT",      "NOT",
    "NOTHING", "NOTNULL", "NULL",       "ON",     "OR",      "ORDER",         "PRIMARY", "REFERENCES", "RETURNING",
    "SELECT",  "SET",     "TABLE",      "THEN",   "TO",      "TRANSACTION",   "UNION",   "UNIQUE",     "UPDATE",
    "USING",   "VALUES",  "WHEN",       "WHERE"};
/* And these not as a part of a type, either. */
static const char *const reserved_in_types[] = {"CROSS", "FULL",    "INDEXED", "INNER",
                                                "LEFT",  "NATURAL", "OUTER",   "RIGHT"};

static bool is_one_of(const struct art_token *token, const char *const *words, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (art_token_is_word(token, words[i])) return true;
    }
    return false;
}

static bool is_reserved(const struct art_token *token) {
    return is_one_of(token, reserved, sizeof reserved / sizeof *reserved);
}

static int refuse(const struct definition *definition, const char *what, const char *todo) {
    const char *name = definition->column->name;
    bool named = name && *name;
    return art_complain(definition->message, SQLITE_ERROR, "art: %s (%s%s%s): %s", what, definition->table,
                        named ? "." : "", named ? name : "", todo);
}

/* The token stands where it cannot. */
static int refuse_token(const struct definition *definition, const char *todo) {
    const struct art_token *token = &definition->token;
    const char *name = definition->column->name;
    enum { SHOWN_BYTES = 40 };
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        if (art_token_is_word(token, refusals[i].word)) return refuse(definition, refusals[i].what, refusals[i].todo);
    }
    if (token->kind == ART_TOKEN_END) return refuse(definition, "a column's definition is cut off", todo);
    if (token->kind == ART_TOKEN_BROKEN && !art_is_digit(*token->at))
        return refuse(definition, "a quote is not closed", todo);
    return art_complain(definition->message, SQLITE_ERROR, "art: '%.*s' is not understood (%s%s%s): %s",
                        token->len < SHOWN_BYTES ? (int)token->len : SHOWN_BYTES, token->at, definition->table,
                        name ? "." : "", name ? name : "", todo);
}

/* --- the parts of a definition ------------------------------------------------------------------------------------ */

static const char form[] = "write a name, a type, and if wanted NOT NULL, DEFAULT or COLLATE";

static int parse_name(struct definition *definition) {
    const struct art_token *token = &definition->token;
    bool named = token->kind == ART_TOKEN_WORD || token->kind == ART_TOKEN_QUOTED;
    for (size_t i = 0; named && i < sizeof refusals / sizeof *refusals; i++) { /* a constraint of the table, perhaps */
        if (art_token_is_word(token, refusals[i].word) && is_reserved(token)) return refuse_token(definition, form);
    }
    if (named && is_reserved(token)) return refuse_token(definition, "a keyword is a name only in quotes");
    if (!named) return refuse_token(definition, form);
    definition->column->name = art_token_text(token);
    if (!definition->column->name) return SQLITE_NOMEM;
    if (!*definition->column->name) return refuse(definition, "a column has no name", form);
    size_t word = art_word_bytes(definition->column->name);
    if (!definition->column->name[word]) definition->column->word = word;
    next_token(definition);
    return SQLITE_OK;
}

/* The token is a part of the type. It is shown as it was typed, as that of an ordinary table, but for comments: what is
 * in them is no part of it. */
static void take_into_type(struct definition *definition, sqlite3_str *type) {
    const struct art_token *token = &definition->token;
    if (sqlite3_str_length(type)) {
        const char *blank = token->before;
        while (art_is_blank(*blank)) blank++;
        if (blank == token->at) {
            sqlite3_str_append(type, token->before, (int)(token->at - token->before));
        } else {
            sqlite3_str_appendchar(type, 1, ' ');
        }
    }
    assert(token->kind != ART_TOKEN_END && token->len);
    sqlite3_str_append(type, token->at, (int)token->len);
    next_token(definition);
}

static bool parse_type_number(struct definition *definition, sqlite3_str *type) {
    if (art_token_is_mark(&definition->token, '+') || art_token_is_mark(&definition->token, '-'))
        take_into_type(definition, type);
    if (definition->token.kind != ART_TOKEN_NUMBER) return false;
    take_into_type(definition, type);
    return true;
}

/* (10) or (10, 2) */
static bool parse_type_numbers(struct definition *definition, sqlite3_str *type) {
    assert(art_token_is_mark(&definition->token, '('));
    take_into_type(definition, type);
    if (!parse_type_number(definition, type)) return false;
    if (art_token_is_mark(&definition->token, ',')) {
        take_into_type(definition, type);
        if (!parse_type_number(definition, type)) return false;
    }
    if (!art_token_is_mark(&definition->token, ')')) return false;
    take_into_type(definition, type);
    return true;
}

static bool is_type_word(const struct art_token *token) {
    if (token->kind != ART_TOKEN_WORD || art_token_is_word(token, "HIDDEN") || art_token_is_word(token, "GENERATED"))
        return false;
    return !is_reserved(token) &&
           !is_one_of(token, reserved_in_types, sizeof reserved_in_types / sizeof *reserved_in_types);
}

/* STRING, ANY, NAME, UUID, DATETIME, ...: NUMERIC to SQLite since it does not know them, but a key of texts works in an
 * ordinary table, too. */
static bool is_of_texts(const struct art_column *key) {
    if (key->affinity != ART_AFFINITY_NUMERIC) return false;
    return sqlite3_strlike("%num%", key->type, 0) && sqlite3_strlike("%dec%", key->type, 0);
}

static int parse_type(struct definition *definition) {
    sqlite3_str *type = sqlite3_str_new(NULL);
    bool words = false, sound = true;
    while (is_type_word(&definition->token)) {
        take_into_type(definition, type);
        words = true;
    }
    if (words && art_token_is_mark(&definition->token, '(')) sound = parse_type_numbers(definition, type);
    int rc = sqlite3_str_errcode(type);
    char *text = sqlite3_str_finish(type);
    if (!rc) {
        definition->column->type = art_string_copy(text ? text : definition->key ? "TEXT" : "");
        if (!definition->column->type) rc = SQLITE_NOMEM;
    }
    sqlite3_free(text);
    if (rc) return rc;
    if (!sound) return refuse_token(definition, "behind a type stand one or two numbers, as in DECIMAL(10,2)");
    definition->column->affinity = art_affinity_of(definition->column->type);
    enum art_affinity affinity = definition->column->affinity;
    if (!definition->key || affinity == ART_AFFINITY_TEXT || affinity == ART_AFFINITY_BLOB) return SQLITE_OK;
    if (is_of_texts(definition->column)) {
        definition->column->affinity = ART_AFFINITY_TEXT;
        return SQLITE_OK;
    }
    return refuse(definition, "the first column is the key, and keys are texts or BLOBs", "write TEXT or BLOB");
}

static int parse_collation(struct definition *definition) {
    const struct art_token *token = &definition->token;
    struct art_column *column = definition->column;
    if (token->kind != ART_TOKEN_QUOTED && (token->kind != ART_TOKEN_WORD || is_reserved(token))) {
        return refuse_token(definition, "behind COLLATE stands the name of a collation");
    }
    art_free(column->collation);
    column->collation = art_token_text(token);
    if (!column->collation) return SQLITE_NOMEM;
    next_token(definition);
    if (sqlite3_stricmp(column->collation, "BINARY")) {
        if (!definition->key) return SQLITE_OK;
        return refuse(definition, "the key is compared byte by byte",
                      "leave COLLATE out, and write keys in one case by lower()");
    }
    art_free(column->collation);
    column->collation = NULL;
    return SQLITE_OK;
}

static int parse_primary_key(struct definition *definition) {
    assert(definition->key);
    next_token(definition);
    if (!skip_keyword(definition, "KEY")) return refuse_token(definition, form);
    if (art_token_is_word(&definition->token, "DESC")) {
        return refuse(definition, "the key is in ascending order", "leave DESC out and write ORDER BY ... DESC");
    }
    skip_keyword(definition, "ASC");
    return SQLITE_OK;
}

static bool skip_literal(struct definition *definition) {
    const struct art_token *token = &definition->token;
    if (skip_keyword(definition, "NULL") || skip_keyword(definition, "TRUE") || skip_keyword(definition, "FALSE"))
        return true;
    bool is_signed = art_token_is_mark(token, '+') || art_token_is_mark(token, '-');
    if (is_signed || (art_token_is_word(token, "x") && token->at[1] == '\'')) next_token(definition);
    bool is_literal =
        token->kind == ART_TOKEN_NUMBER || (!is_signed && token->kind == ART_TOKEN_QUOTED && *token->at == '\'');
    if (is_literal) next_token(definition);
    return is_literal;
}

/* Behind the word. */
static int parse_default(struct definition *definition) {
    struct art_column *column = definition->column;
    const char *at = definition->token.at;
    bool is_null = art_token_is_word(&definition->token, "NULL");
    if (!skip_literal(definition))
        return refuse_token(definition, "write a number, a text or a blob, or leave DEFAULT out");
    art_free(column->literal);
    column->literal = NULL;
    if (is_null) return SQLITE_OK;
    size_t len = (size_t)(definition->token.before - at);
    column->literal = art_alloc(len + 1);
    if (!column->literal) return SQLITE_NOMEM;
    memcpy(column->literal, at, len);
    column->literal[len] = 0;
    return SQLITE_OK;
}

static int parse_constraint(struct definition *definition) {
    if (art_token_is_word(&definition->token, "PRIMARY") && definition->key) return parse_primary_key(definition);
    if (definition->key && skip_keyword(definition, "UNIQUE")) return SQLITE_OK;
    if (skip_keyword(definition, "NULL")) return SQLITE_OK;
    if (skip_keyword(definition, "COLLATE")) return parse_collation(definition);
    if (art_token_is_word(&definition->token, "NOT")) {
        next_token(definition);
        if (!skip_keyword(definition, "NULL")) return refuse_token(definition, form);
        definition->column->not_null = true;
        return SQLITE_OK;
    }
    if (skip_keyword(definition, "DEFAULT")) return parse_default(definition);
    return refuse_token(definition, form);
}

static int parse(struct definition *definition, const char **end) {
    next_token(definition);
    int rc = parse_name(definition);
    if (!rc) rc = parse_type(definition);
    while (!rc && definition->token.kind != ART_TOKEN_END && !(end && art_token_is_mark(&definition->token, ','))) {
        rc = parse_constraint(definition);
    }
    if (rc) return rc;
    if (end) *end = definition->token.at;
    if (definition->column->literal && definition->key)
        return refuse(definition, "a key has no DEFAULT", "leave DEFAULT out");
    if (definition->column->literal && !definition->column->not_null) {
        return refuse(definition,
                      "SQLite does not tell an art table which columns an INSERT leaves out, so they are NULL",
                      "write NOT NULL DEFAULT, or leave DEFAULT out");
    }
    definition->column->not_null |= definition->key;
    return SQLITE_OK;
}

int art_definition_parse(const char *text, const char **end, const char *table, bool key, struct art_column *out,
                         char **message) {
    *out = (struct art_column){0};
    struct definition definition = {.table = table, .key = key, .at = text, .column = out, .message = message};
    int rc = parse(&definition, end);
    assert(rc || (out->name && *out->name && out->type));
    if (rc) art_column_clear(out);
    return rc;
}

bool art_definition_is_option(const char *text, const char *which) {
    struct art_token name = art_token_at(text), next = art_token_at(name.at + name.len);
    if (name.kind != ART_TOKEN_WORD && name.kind != ART_TOKEN_QUOTED) return false;
    return art_token_is_mark(&next, '=') && (!which || art_token_is_word(&name, which));
}

int art_definition_check_options(const char *table, int count, const char *const *arguments, char **message) {
    for (int i = 0; i < count; i++) {
        struct art_token name = art_token_at(arguments[i]);
        if (!art_definition_is_option(arguments[i], NULL)) continue;
        for (int k = 0; k < i; k++) {
            struct art_token other = art_token_at(arguments[k]);
            bool same = art_definition_is_option(arguments[k], NULL) && other.len == name.len;
            if (!same || sqlite3_strnicmp(other.at, name.at, (int)name.len) != 0) continue;
            return art_complain(message, SQLITE_ERROR, "art: the option %.*s is given twice (%s): write it once",
                                (int)name.len, name.at, table);
        }
    }
    return SQLITE_OK;
}

/* Is this text of a schema that of an art table? SQLite keeps CREATE VIRTUAL TABLE <name> USING <module>, as it was
 * typed. */
bool art_definition_is_ours(const char *sql) {
    static const char *const words[] = {"CREATE", "VIRTUAL", "TABLE", NULL, "USING", "art"};
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
        struct art_token token = art_token_at(sql);
        size_t quote = token.kind == ART_TOKEN_QUOTED, len = token.len - 2 * quote;
        if (token.kind != ART_TOKEN_WORD && !quote) return false;
        bool same = !words[i] || (len == strlen(words[i]) && !sqlite3_strnicmp(token.at + quote, words[i], (int)len));
        if (!same) return false;
        sql = token.at + token.len;
    }
    return true;
}

bool art_definition_is_blank(const char *text) {
    return art_token_at(text).kind == ART_TOKEN_END;
}

bool art_definition_is_plain_name(const char *text) {
    struct art_token token = art_token_at(text);
    return token.kind == ART_TOKEN_WORD && token.at == text && !text[token.len] &&
           !sqlite3_keyword_check(text, (int)token.len);
}
