/* What a table is called, has and is set to: columns and options as CREATE says them, and the shadow tables that keep
 * them.
 *
 *     definition   one column's definition, as SQLite would read it
 *     columns      all of a table's
 *     options      cache, log_limit, ... with their values
 *     shadow       T_artstate, T_artdata, T_artblob: made, dropped, renamed
 *     state        what T_artstate says of the table */
#ifndef ART_EXT_SCHEMA_H
#define ART_EXT_SCHEMA_H

#include "ext/base/base.h"

/* --- columns (columns.c, definition.c) ---------------------------------------------------------------------------- */

struct art_column {
    char *name;      /* without quotes */
    size_t word;     /* its bytes, where it needs none */
    char *type;      /* as declared, "" for none */
    char *collation; /* NULL: BINARY */
    char *literal;   /* of NOT NULL DEFAULT, as it was typed; NULL: none */
    enum art_affinity affinity;
    bool not_null;
    sqlite3_value *stand_in; /* the literal's value, once the table is declared */
    unsigned place;          /* in a key of several columns, from 1 on; 0: in none */
    bool descending;         /* there */
};

/* Of what is summed up and is no column, the last one. */
enum { ART_COLUMN_KEY = 0, ART_KEYS_MAX = 16, ART_COLUMN_NONE = 1 << 20 };

/* The user's columns: the key first, the others are what a row's record holds. With key=(a, b, ...) the first one is
 * hidden, and has the bytes of the key (ext/base/ordered.c); a record has NULLs for the columns of which they are. */
struct art_columns {
    struct art_column *items;
    unsigned count;
    unsigned keys;              /* how many make the key; 0: the first one is it */
    unsigned key[ART_KEYS_MAX]; /* which, in their order */
    char *key_list;             /* key=(...) as CREATE has it, or NULL */
    bool hashes;                /* there are hidden columns for them, as the summary says */
    uint8_t called;             /* enum art_hidden: the one of these that is called as the table is; 0: none */
};
/* The column at a place of the key, from 1 on. */
static inline unsigned art_columns_key(const struct art_columns *columns, unsigned place) {
    return columns->key[place - 1];
}
static inline bool art_columns_keys_are_blobs(const struct art_columns *columns) {
    return columns->items[ART_COLUMN_KEY].affinity == ART_AFFINITY_BLOB;
}

/* The hidden columns stand behind the user's, in this order; a column's number minus columns.count is one of these. */
enum art_hidden {
    ART_HIDDEN_PREFIX,      /* argument: literal beginning of the paths */
    ART_HIDDEN_DELIMITER,   /* argument: what ends a common prefix that is rolled up */
    ART_HIDDEN_START_AFTER, /* argument: the key behind which the rows begin */
    ART_HIDDEN_SNAPSHOT,    /* argument: a snapshot's name, of which the rows are */
    /* Named like the table, or "" where that is the name of another column; no argument goes beyond it. */
    ART_HIDDEN_COMMAND,
    ART_HIDDEN_ENTRIES,  /* rows below a common prefix */
    ART_HIDDEN_VERSION,  /* csn of the row's last change */
    ART_HIDDEN_CONFLICT, /* of an INSERT: what is done with a row that is there; always NULL */
    /* With a sum of hashes both: the hash of a row, or the sum of all below a common prefix; NULL without that sum. */
    ART_HIDDEN_HASH,
    ART_HIDDEN_HASH_VALUES,
    ART_HIDDEN_COLUMNS
};

enum { ART_COLUMNS_MAX = 32767 }; /* no SQLite allows more */

/* definition.c: `table` is for messages. */
/* One column. `end`: behind it may follow a comma and others, *end is set to it; NULL: nothing may follow. */
int art_definition_parse(const char *text, const char **end, const char *table, bool key, struct art_column *out,
                         char **message);
bool art_definition_is_option(const char *text, const char *which); /* name = ..., of that name (NULL: of any) */
/* Refuses an option that is named twice. */
int art_definition_check_options(const char *table, int count, const char *const *arguments, char **message);
bool art_definition_is_ours(const char *sql); /* CREATE VIRTUAL TABLE ... USING art */
bool art_definition_is_blank(const char *text);
bool art_definition_is_plain_name(const char *text); /* one that needs no quotes */

/* columns.c */
int art_columns_register(sqlite3 *db); /* what art_columns_declare() needs of a connection */
enum art_affinity art_affinity_of(const char *type);
bool art_column_is_of_numbers(const struct art_column *column); /* as far as it is declared */
/* May it have a least and a largest value? Numbers, texts, and what has no type. */
static inline bool art_column_has_order(const struct art_column *column) {
    return column->affinity == ART_AFFINITY_TEXT || art_column_is_of_numbers(column);
}
void art_column_clear(struct art_column *column);
void art_columns_clear(struct art_columns *columns);
int art_columns_default(struct art_columns *columns); /* path, value */
int art_columns_append(struct art_columns *columns, const char *table, const char *definition, char **message);
/* The option, before any column; and once all columns are there, which they are. */
int art_columns_begin_keys(struct art_columns *columns, const char *table, const char *argument, char **message);
int art_columns_end_keys(struct art_columns *columns, const char *table, char **message);
/* Appends a value as a column of the key has it; `open` as of art_ordered_append(). */
enum art_rc art_key_append(struct art_buffer *key, const struct art_column *column, sqlite3_value *value, bool open);
/* Can a listing be of the column at this place of the key: of texts or BLOBs, in ascending order? */
bool art_columns_lists(const struct art_columns *columns, unsigned place);
/* How much of a key some bytes are, with which others may begin. */
struct art_key_part {
    unsigned columns;         /* so many are whole */
    enum art_datum_kind open; /* the next one has begun, a text or a blob; NULL: it has not */
    bool beginning;           /* of keys of the table: each column may have what it has here, and it is no whole key
                               * with the byte that ends one */
};
/* An argument that keys of several columns are to begin with, as art_key() makes it: a BLOB, or nothing at all. A text
 * is none, whatever its bytes mean. False: no key begins so, or there is no memory. */
bool art_columns_key_part(const struct art_columns *columns, sqlite3_value *value, struct art_key_part *out);
/* Has a row's key all columns, each of them whole, and nothing behind them? Of a table with several. */
bool art_columns_key_is_whole(const struct art_columns *columns, struct art_bytes key);
/* So many columns of a key end behind so many of its bytes; {0}: none is known. */
struct art_key_passed {
    unsigned columns;
    uint32_t bytes;
};
/* What it has in a key, as a function's result. False: the key has no such column, or there is no memory. `passed`:
 * what was read of the key before, and is known now. */
bool art_result_of_key(sqlite3_context *context, const struct art_columns *columns, unsigned place,
                       struct art_bytes key, struct art_key_passed *passed);
/* The other way round from art_columns_show(). On failure none. */
int art_columns_parse(struct art_columns *columns, const char *table, const char *text, char **message);
int art_columns_copy(struct art_columns *columns, const char *table, const struct art_columns *from, char **message);
char *art_columns_show(const struct art_columns *columns);                 /* sqlite3_free() it; NULL without memory */
int art_columns_find(const struct art_columns *columns, const char *name); /* its number, or -1 */
bool art_columns_have(const struct art_columns *columns, const char *name);
static inline unsigned art_columns_hidden(const struct art_columns *columns) { /* how many there are */
    return columns->hashes ? ART_HIDDEN_COLUMNS : ART_HIDDEN_HASH;
}
/* Is this a hidden column's name? The one for commands has the table's. */
bool art_columns_hide(const struct art_columns *columns, const char *name);
const char *art_columns_command_name(const struct art_columns *columns, const char *table);
/* Of another than that one: art_row_version where the user's columns have a `row_version`, and so on. */
const char *art_columns_hidden_name(const struct art_columns *columns, enum art_hidden hidden);
int art_columns_compare(const struct art_columns *a, const struct art_columns *b, bool *equal);
/* Of CREATE: is no column called as a hidden one may be? */
int art_columns_check_names(const struct art_columns *columns, const char *table, char **message);
int art_columns_check_count(const struct art_columns *columns, sqlite3 *db, const char *table, char **message);
/* As SQLite is told it: for the table itself, and for what shows its rows. */
const char *art_columns_declared_type(const struct art_columns *columns, unsigned i);
/* Declares the table to SQLite, and asks it for the values of literals. */
struct art_summarised;
int art_columns_declare(struct art_columns *columns, const struct art_summarised *summarised, sqlite3 *db,
                        const char *table, char **message);

/* --- what is summed up (summary.c) -------------------------------------------------------------------------------- */

enum art_measure {
    ART_MEASURE_NONE,
    ART_MEASURE_SUM,
    ART_MEASURE_MIN,
    ART_MEASURE_MAX,
    ART_MEASURE_HASH, /* of rows, of no column; and of their values alone */
    ART_MEASURE_HASH_VALUES
};
static inline bool art_measure_hashes(enum art_measure measure) {
    return measure >= ART_MEASURE_HASH;
}
static inline enum art_measure art_hidden_measure(enum art_hidden hidden) {
    return hidden == ART_HIDDEN_HASH ? ART_MEASURE_HASH : ART_MEASURE_HASH_VALUES;
}
struct art_summarised_column {
    unsigned column; /* of the table */
    enum art_measure measure;
    bool lookup, search;
};
struct art_summarised {
    struct art_summarised_column items[ART_SUMMARY_MAX]; /* in core's order */
    unsigned count, sums;
    uint8_t hashes; /* so many of the first sums are of hashes, that of hash(*) before that of hash(values) */
    bool search_key;
    struct art_record_columns in_record; /* where they are in a record, by ascending columns */
};
/* An argument that is the option, summary=(...). On an error none is summarised. */
int art_summary_parse(const char *argument, const struct art_columns *columns, const char *table,
                      struct art_summarised *out, char **message);
/* Of CREATE and of the command: has no sum a column whose numbers are all REALs, so that it could only be 0? (What
 * 1.0.0 has made so is still read.) */
int art_summary_check_sums(const struct art_summarised *summarised, const struct art_columns *columns,
                           const char *table, char **message);
static inline bool art_summary_is_empty(const struct art_summarised *summarised) {
    return !summarised->count && !summarised->search_key;
}
/* The list without its parentheses; NULL for an empty one. */
char *art_summary_show(const struct art_summarised *summarised, const struct art_columns *columns);
int art_summary_option(const char *list, char **out); /* summary=(list); art_free() it */
bool art_summaries_equal(const struct art_summarised *a, const struct art_summarised *b);
/* The order may be another. */
bool art_summaries_mean_the_same(const struct art_summarised *a, const struct art_summarised *b);
/* The number of the column's summary, or -1. */
int art_summary_find(const struct art_summarised *summarised, unsigned column);
/* The same of a sum of hashes. */
int art_summary_find_hash(const struct art_summarised *summarised, enum art_measure measure);
/* -1 also where it has no sum, min or max. */
int art_summary_find_measured(const struct art_summarised *summarised, unsigned column);
enum { ART_TRIGRAM = ART_CUT_WIDTH }; /* bytes */
/* trigrams.c, as core wants terms (core/base/summary.h): of each three bytes, ASCII letters in their small form. */
uint32_t art_trigrams(struct art_bytes texts, uint32_t ends, uint32_t *terms);
/* `summarised` must live as long as what it returns. */
struct art_summary art_summary_for_core(const struct art_summarised *summarised);

/* --- options (options.c) ------------------------------------------------------------------------------------------ */

struct art_settings {
    uint64_t cache_bytes, log_limit, spill_limit;
    enum art_storage storage; /* as asked for; in T_artstate what it was resolved to */
};
/* What it is like there. Where T_artstate does not say (ART_STORAGE_AUTO) there may be a file. */
static inline const struct art_medium *art_storage_medium(enum art_storage storage) {
    return storage == ART_STORAGE_INLINE ? &art_medium_rows : &art_medium_file;
}
/* A part of a text. */
struct art_text {
    const char *at;
    int len;
};
struct art_text art_text_trimmed(const char *at, const char *end); /* without the blanks around it */
bool art_text_is(struct art_text text, const char *word);          /* in capitals or not */
bool art_storage_parse(struct art_text text, enum art_storage *out);
void art_settings_default(struct art_settings *settings);
bool art_settings_equal(const struct art_settings *a, const struct art_settings *b);
/* One argument of USING art(...), for instance "cache = 64 MB"; there is a '=' in it. */
int art_settings_parse(struct art_settings *settings, const char *argument, char **message);
/* One setting by its name as it is stored; SQLITE_NOTFOUND: there is none of that name. */
int art_settings_take(struct art_settings *settings, const char *key, const char *value, char **message);
/* A setting by its number (0..), as it stands in T_artstate; false behind the last. sqlite3_free() the text. */
bool art_settings_show(const struct art_settings *settings, unsigned number, const char **key, char **text);

/* --- shadow tables (shadow.c) ------------------------------------------------------------------------------------- */

enum { ART_NONCE_BYTES = 16, ART_STAMP_BYTES = 24 /* of a copy: admin/onto.c */ };
/* A snapshot's key in T_artstate is this, with its name behind it; the other one is above all of these. */
#define ART_SNAPSHOT_KEY      "snapshot "
#define ART_SNAPSHOT_KEYS_END "snapshot!"
/* T_artstate and T_artdata, empty; and what is in them at first, with T_artblob where blobs are in rows. */
int art_shadow_create(sqlite3 *db, const struct art_name *name, char **message);
int art_shadow_fill(sqlite3 *db, const struct art_name *name, const uint8_t *uuid, const struct art_settings *settings,
                    const char *file, const struct art_columns *columns, char **message);
/* Is there a T_artblob? Also an empty one that a copy has left (admin/copy.c). */
int art_shadow_has_blobs(sqlite3 *db, const struct art_name *name, bool *has);
int art_shadow_create_blobs(sqlite3 *db, const struct art_name *name, char **message);
int art_shadow_drop(sqlite3 *db, const struct art_name *name, char **message);
int art_shadow_rename(sqlite3 *db, const struct art_name *name, const char *to, char **message);
/* A plain name in the database's own folder, with the id's first digits at its end. */
bool art_shadow_file_name_is_sound(const char *text, const uint8_t uuid[ART_UUID_BYTES]);
/* Appends to `columns` what was added since CREATE, without a look at any row. *sound = false: some of it is not
 * understood, and left out. *summary (if not NULL; art_free() it): the one that the table was given last, as the option
 * has it, or NULL for that of CREATE. */
int art_shadow_changes(sqlite3 *db, const struct art_name *name, struct art_columns *columns, bool *sound,
                       char **summary);

/* Adds a column to T, as a change of the schema that other connections notice and that a ROLLBACK takes back. */
int art_shadow_add_column(sqlite3 *db, const struct art_name *name, const char *definition, char **message);
/* Another summary: a list without its parentheses, or NULL. */
int art_shadow_set_summary(sqlite3 *db, const struct art_name *name, const char *list, char **message);

/* --- what T_artstate says (state.c) ------------------------------------------------------------------------------- */

struct art_state {
    bool has_format, has_id, file_is_sound, is_copy;
    bool is_unfinished; /* a copy */
    uint8_t copied[ART_STAMP_BYTES];
    int64_t format;
    uint8_t uuid[ART_UUID_BYTES];
    struct art_settings settings;
    char *file;                         /* not sound: anything; NULL: no name */
    char *columns;                      /* NULL: nothing is said of them */
    char *needs, *writers_need;         /* a feature that this version does not know; NULL: none */
    struct art_buffer root, extract;    /* empty: none */
    bool any, keys_shown, values_shown; /* rows; any that is not NULL in them */
};
void art_state_clear(struct art_state *state);
struct art_state_query {
    struct art_connection *connection; /* that asks */
    sqlite3 *db;                       /* in which the table is: the connection's, or a copy */
    const char *schema, *table;
    const struct art_settings *defaults; /* NULL: art's */
    /* Is told, if not NULL, what is wrong with a key. */
    void (*wrong)(void *context, const char *key, const char *what);
    void *context;
};
/* SQLite's code, SQLITE_ERROR for no such table; *out then has what was read before. Clear it in any case. */
int art_state_read(const struct art_state_query *query, struct art_state *out);
/* For a handle: format and features are known, but for `writers_need`, and there is an id. On an error there is nothing
 * to clear. */
int art_shadow_read_state(struct art_connection *connection, const struct art_name *name,
                          const struct art_settings *defaults, struct art_state *out, char **message);

#endif
