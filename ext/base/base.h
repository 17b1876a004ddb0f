/* What all rooms of ext/ stand on: SQLite's functions, codes and sentences, names and files of databases, values.
 *
 *     connection   what SQLite's connection is at just now
 *     errors       from core's codes and sentences to SQLite's, and back
 *     name         under which name a table stands in the schema
 *     database     a database's file and folder, and the names of the .art files beside it
 *     value        SQLite's values, and the records that hold them (nul.h: where a text has a NUL)
 *     token        SQL cut into tokens (token.h)
 *
 * Functions here return SQLite's codes, where they say nothing else; those of core return enum art_rc, and errors.c
 * alone turns one into the other. Where a function can fail with something to say, its last argument takes the sentence
 * (sqlite3_free() it). */
#ifndef ART_EXT_BASE_H
#define ART_EXT_BASE_H

#include <assert.h>
#include <limits.h>

#include <sqlite3ext.h>

#include "core/base/alloc.h"
#include "core/base/buffer.h"
#include "core/base/bytes.h"
#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/base/limits.h"
#include "core/tree/tree.h"
#include "ext/art.h"

SQLITE_EXTENSION_INIT3

/* --- connection (connection.c) ------------------------------------------------------------------------------------ */

struct art_table;
struct art_vtab;

/* The numbers of the savepoints that a handle was told of, ascending (txn/transaction.c: note_savepoint(),
 * art_owner_rollback_to()). */
enum { ART_SAVEPOINT_NONE = INT_MIN, ART_SAVEPOINTS_ALL = INT_MAX };
struct art_savepoints {
    int *items;
    unsigned count, capacity;
    int missed; /* could not be noted, and nothing was changed since; or ART_SAVEPOINT_NONE */
    int cut;    /* SQLite has none from here on: a statement goes on whose savepoint went; or ART_SAVEPOINTS_ALL */
};

enum { ART_TABLE_CHAINS = 64 };

/* Is told of each page of blobs in rows that is read, in the order of reading. */
struct art_recorder {
    enum art_rc (*page)(struct art_recorder *recorder, uint64_t page, const void *data);
};

struct art_connection {
    sqlite3 *db;
    unsigned references; /* registered modules and functions, handles */
    struct art_connection *next;
    bool loaded; /* all modules and functions are registered */
    struct art_vtab *vtabs;
    struct art_table *tables[ART_TABLE_CHAINS];    /* by the first byte of their ids */
    bool left_over;                                /* some of them have no handle, and may be free to go */
    struct art_table *changing;                    /* those that have an owner */
    struct art_vtab *awake[ART_LIMIT_MOST(awake)]; /* access/awake.c; NULL: none */
    unsigned awake_turn;
    struct art_vtab *planned;         /* the last that xBestIndex was called for, good until SQLite prepares again */
    struct art_table_ref *table_refs; /* access/table_ref.c */
    unsigned stepping; /* statements of ours that SQLite is working on just now: nothing may be freed under them */
    int ended;         /* the code of the last one whose failure ends the transaction; SQLITE_OK as xSync begins */
    bool journal_asked, journal_hidden; /* host/journal.c: does SQLite show its journal's file? */
    struct art_recorder *recorder;      /* NULL but for admin/publish.c: then tables share no cache with others */
    bool verifying;                     /* admin/verify.c looks at the art tables: integrity_check need not */
    enum { ART_BOUNDS_NOBODY_ASKS, ART_BOUNDS_ASKED, ART_BOUNDS_SEEN } bounds; /* query/plan_like.c: whose is like()? */
    bool blobs_never_match; /* SQLite was built so that GLOB matches no BLOB */
    /* txn/listener.c */
    unsigned listeners; /* handles of temp.art_txn */
    sqlite3_stmt *join;
    sqlite3_vtab *owner;  /* the one that drives the running transaction, or NULL */
    bool joined;          /* it is sure to hear everything from here on */
    sqlite3_stmt *listen; /* art_interrupted() */
    struct art_savepoints savepoints;
};

void art_connection_forget_join(struct art_connection *connection);
/* All statements that are kept for the connection itself: they would keep it from being closed. */
void art_connection_forget_statements(struct art_connection *connection);
/* `sql` is taken; NULL: no memory. The tables that it names are no virtual ones. */
int art_prepare(sqlite3 *db, unsigned flags, sqlite3_stmt **out, char *sql);
/* Prepares `sql`, which is taken as by art_prepare(), steps it once, and finalizes it; `blob` is its ?1, or NULL. */
int art_run_once(sqlite3 *db, char *sql, const void *blob, int len);
/* sqlite3_step() for statements that run while a table is being worked on. A schema may have put views or triggers in
 * their place that call functions of art, which would read the shadow tables again, and so on: art_shadow_busy()
 * refuses them meanwhile. And one that fails for want of memory or disk makes SQLite roll the transaction back within
 * it, call xRollback, and let go of every handle that no statement of the user's holds: nothing may be freed then of
 * the table, or finalized.
 *
 * All others need no such thing, since what runs is not among the table's statements, and what is used afterwards
 * stays: xUpdate's, xDestroy's and xRename's handle is held by SQLite, and by it the table; in xSync SQLite calls no
 * xRollback, and a table that is in the transaction is not freed. That is so of clean.c, shadow.c where it makes,
 * drops, alters shadow tables, and listener.c. In module.c (xCreate), extension.c and table_ref.c (a name is looked up)
 * no table is in use yet. What such a statement may take away is a name: it is held, or not looked at again. */
int art_shadow_step(struct art_connection *connection, sqlite3_stmt *statement);
int art_shadow_busy(const struct art_connection *connection, const char *name, char **message);
/* Why the statement that is running will fail in any case: SQLITE_INTERRUPT, or SQLITE_NOMEM in one within it; or
 * SQLITE_OK. */
int art_stopped(struct art_connection *connection);
/* What a pragma says; `untold` where it cannot be had (no memory, an authorizer). */
sqlite3_int64 art_ask_number(struct art_connection *connection, const char *pragma, int untold);
/* Has somebody called sqlite3_interrupt(), or does a progress handler say so? It is called once in so many steps of
 * SQLite's virtual machine as it was made for. What works on without SQLite asks here, and each question counts as a
 * hundred steps. */
bool art_interrupted(struct art_connection *connection);
/* In xSync: has a statement of ours found no memory, so that SQLite's COMMIT would end in an error though it
 * commits? */
bool art_out_of_memory(struct art_connection *connection);

/* Before a file is opened by a path that SQL gives: an application that lets nobody ATTACH, or VACUUM INTO, a file, is
 * asked as they ask. */
int art_may_open(sqlite3 *db, const char *path, char **message);

/* --- errors (errors.c) -------------------------------------------------------------------------------------------- */

int art_sqlite_code(enum art_rc rc);
/* Does SQLite undo the whole transaction where a statement within another one ends so? Never to be passed over. */
bool art_ends_transaction(int rc);
/* What quotes keys and file names may have any bytes, or be cut; what SQLite gives out is UTF-8. NULL: nothing. */
void art_make_sound(char *message);
/* Core's last message and its code as SQLite's. */
int art_report(char **message, enum art_rc rc);
/* SQLite's last message, in front of it what was being done; `rc` is returned, or what it means for an art table. Of
 * statements on shadow tables, where SQLITE_ERROR is damage. */
int art_report_sql(char **message, sqlite3 *db, int rc, const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Of all else that SQLite is asked for. */
int art_report_host(char **message, sqlite3 *db, int rc, const char *format, ...) __attribute__((format(printf, 4, 5)));
/* SQLITE_INTERRUPT, in SQLite's own words whatever was under way: nothing is wrong. */
int art_report_interrupt(char **message);
int art_complain(char **message, int rc, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* After an error that was none in the end: SQLite would show the sentence with its own next error. */
void art_forget_message(char **message);
/* The other way, for the callbacks of core: notes SQLite's message. Of shadow tables, and of all else. */
enum art_rc art_fail_sql(sqlite3 *db, int rc, const char *what);
enum art_rc art_fail_host(sqlite3 *db, int rc, const char *what);
/* SQLite's sentence about a statement of ours, and what to do. */
int art_report_own(char **message, int rc, const char *text);
/* Where SQLite gives a code and no message. */
enum art_rc art_fail_code(int rc, const char *what);
/* What a function of ours has returned, with its message, which is taken over; without one `what` was being done. */
enum art_rc art_fail_reported(int rc, char *message, const char *what);

/* --- names (name.c) ----------------------------------------------------------------------------------------------- */

/* Under which name a table stands in the schema; counted, since savepoints remember it. */
struct art_name {
    unsigned references;
    char *schema, *table; /* in the same allocation */
};
struct art_name *art_name_new(const char *schema, const char *table); /* NULL without memory */
struct art_name *art_name_hold(struct art_name *name);
void art_name_release(struct art_name *name);

/* --- values that sort as bytes (ordered.c) ------------------------------------------------------------------------ */

enum {
    ART_KEY_END = 0x80,    /* ends a key whose last column is in descending order */
    ART_KEY_BEHIND = 0xff, /* is above all that follows a value in a key */
    ART_KEY_BEFORE = 0x01  /* is below all that follows a value in descending order */
};

/* Appends a value. `open`: a text or blob without its end, so that others may begin with these bytes. */
enum art_rc art_ordered_append(struct art_buffer *out, const struct art_datum *datum, bool descending, bool open);
/* Reads the next one, and moves *bytes behind it. Texts and blobs are where they were, or appended to `room`. NULL:
 * only their kind is told. False: there is none, or no memory. *open: a text or blob without its end, which is the
 * rest. */
bool art_ordered_next(struct art_bytes *bytes, bool descending, struct art_buffer *room, struct art_datum *out,
                      bool *open);

/* --- databases and files (database.c) ----------------------------------------------------------------------------- */

/* The path of a file in a database's folder; *out NULL: the database has none. art_free() it. enum art_rc. */
enum art_rc art_path_beside(const char *database, const char *file, char **out);
sqlite3_file *art_database_file(sqlite3 *db, const char *schema);
const char *art_database_name(sqlite3 *db, const char *schema); /* its file's, "" for none */
/* The folder of the schema's database with '/' at its end, or NULL for a database without a file. art_free() it. */
int art_database_folder(sqlite3 *db, const char *schema, char **out);
int art_refuse_shared_cache(sqlite3 *db, const char *schema, char **message);
unsigned art_database_version(sqlite3 *db, const char *schema);
/* How the names of all .art files of a database begin. sqlite3_free() it; NULL: no memory. */
char *art_file_beginning(sqlite3 *db, const char *schema);
/* The name of the .art file beside a database's file, without the folder. sqlite3_free() it. */
char *art_file_name(const char *database, const char *table, const uint8_t uuid[ART_UUID_BYTES], unsigned attempt);
/* Does the .art file name this database, and the table of this id? Only such a file is ever removed. */
bool art_file_belongs(const char *path, const char *database, const uint8_t uuid[ART_UUID_BYTES]);

/* --- values (value.c) --------------------------------------------------------------------------------------------- */

/* The bytes of a BLOB, or of anything else as a text, valid as long as the value is; false: NULL, or no memory. */
bool art_value_bytes(sqlite3_value *value, struct art_bytes *out);

/* A value on its way into a record. */
struct art_field {
    uint64_t serial;     /* its type and length, as in a record */
    const uint8_t *body; /* borrowed from the value, from another record, or `number` */
    uint8_t number[8];
};
enum art_affinity {
    ART_AFFINITY_BLOB, /* none: every value stays as it is */
    ART_AFFINITY_TEXT,
    ART_AFFINITY_NUMERIC,
    ART_AFFINITY_INTEGER,
    ART_AFFINITY_REAL
};

/* The value as a column of this affinity holds it. The value may be converted on the way. */
enum art_rc art_field_set(struct art_field *field, sqlite3_value *value, enum art_affinity affinity);
/* The first fields of a record; NULLs where it ends early. */
enum art_rc art_record_fields(struct art_bytes record, struct art_field *fields, unsigned count);
bool art_record_is_sound(struct art_bytes record); /* all types are known, and neither they nor the values are cut */
/* The fields as one record; *out is overwritten. */
enum art_rc art_record_encode(struct art_buffer *out, const struct art_field *fields, unsigned count);
/* What the field holds; texts and blobs are borrowed. */
void art_field_datum(const struct art_field *field, struct art_datum *out);
void art_result_init(void); /* once SQLite can be asked for its version */
/* A text as a function's result, copied; and one that has a NUL behind it already, and ART_KEY_PADDING bytes. */
void art_result_text(sqlite3_context *context, const uint8_t *data, uint64_t len);
/* A table's key, copied. */
void art_result_key(sqlite3_context *context, bool blob, struct art_bytes key);
/* Bytes of a sound UTF-8 character beyond ASCII, 0 for anything else: SQLite reads every unsound one as U+FFFD. */
uint32_t art_sound_character(const uint8_t *p);
bool art_text_is_sound(struct art_bytes text); /* only such characters, and ASCII */
static inline uint8_t art_lower(uint8_t c) {
    return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}
/* A text with a NUL, and ART_KEY_PADDING bytes, behind it. */
void art_result_ended_text(sqlite3_context *context, const char *data, uint64_t len, bool has_no_nul);
/* Column 0 of a short record that has no other, as nearly all tables' rows; false: it is another one. */
bool art_record_single_result(sqlite3_context *context, struct art_bytes record);
struct art_block_reader;
/* Columns of a record as a function's result, fastest in ascending order: it remembers where the last one ended. Of a
 * record in a block any column costs the same. */
struct art_record_reader {
    struct art_bytes record;                    /* borrowed; handing it on (`whole`) ends the reader's use */
    bool in_block;                              /* `record` is the block that has it, */
    uint8_t row;                                /* as this row */
    struct art_block_reader *blocks;            /* which was begun with the block, or NULL */
    const uint8_t *types, *end_of_types, *body; /* (private) of field `column`; NULL: not looked at yet */
    unsigned column;
};
static inline void art_record_reader_set(struct art_record_reader *reader, struct art_stored record) {
    reader->record = record.bytes;
    reader->in_block = record.in_block;
    reader->row = record.row;
    reader->blocks = NULL;
    reader->types = NULL;
}
enum art_rc art_record_reader_result(struct art_record_reader *reader, sqlite3_context *context, unsigned column,
                                     uint8_t **whole);
/* The same for core; texts and blobs are borrowed, or, out of a block, may come into `room`, of ART_VALUE_INLINE_MAX
 * bytes. */
enum art_rc art_record_reader_datum(struct art_record_reader *reader, unsigned column, uint8_t *room,
                                    struct art_datum *out);
/* The commonest case of that at once: an integer behind numbers and short texts. False: it may be one, too. */
bool art_record_integer(struct art_bytes record, unsigned column, int64_t *out);
/* Takes those of entries[row], which are records, from `rows` that do not have what is sought in a column. */
void art_records_choose(const struct art_entry *entries, unsigned column, const struct art_term_query *query,
                        struct art_row_set *rows);
/* Of these columns, in ascending order, those whose `item` has a bit in `wanted`, each to out[item]; NULLs from where
 * the record is damaged. `room` as above. */
struct art_record_columns {
    unsigned count;
    struct art_record_column {
        unsigned column, item;
    } column[ART_SUMMARY_MAX];
};
void art_record_data(const struct art_record_columns *in_record, const struct art_stored *record, unsigned wanted,
                     uint8_t *room, struct art_datum *out);
/* A datum as a function's result, copied. */
void art_result_datum(sqlite3_context *context, const struct art_datum *datum);
/* The same of a block's field, whose `room` has ART_KEY_PADDING bytes more. */
static inline void art_result_field(sqlite3_context *context, const struct art_datum *datum, uint8_t *room) {
    if (__builtin_expect(datum->kind == ART_DATUM_INTEGER, 1)) {
        sqlite3_result_int64(context, datum->integer);
    } else if (datum->kind != ART_DATUM_TEXT) {
        art_result_datum(context, datum);
    } else if (datum->bytes.data != room) {
        art_result_text(context, datum->bytes.data, datum->bytes.len);
    } else { /* of digits */
        room[datum->bytes.len] = 0;
        art_result_ended_text(context, (const char *)room, datum->bytes.len, true);
    }
}
/* SQLITE_ERROR, as the function's result, where it is no integer of SQLite's. */
int art_result_sum(sqlite3_context *context, art_int128 sum);

#endif
