/* What the files of ext/ share: a module of SQLite over core/tree.
 *
 *     connection   one per sqlite3*: all art tables that it has met, and the tracker of its transactions
 *       table      one per database file and table id: the tree, and its part in the running transaction
 *         vtab     SQLite's handles; there may be several for one table, even within one transaction
 *           scan   SQLite's cursors
 *
 * Reading order: extension.c (how it is loaded), module.c (CREATE, connect, DROP, RENAME), table.c (from a handle to an
 * up-to-date tree), planner.c and cursor.c with plan.h and scan.h between them (reading), update.c and commands.c
 * (writing), transaction.c and
 * tracker.c (savepoints, commit, rollback), journal.c (what a flush asks of the database's journal), blobs.c and storage.c (storage=inline).
 *
 * Functions here return SQLite's codes; those of core return enum art_rc, and errors.c alone turns one into the other.
 * Where a function can fail with something to say, its last argument takes the sentence (sqlite3_free() it).
 */
#ifndef ART_EXT_EXT_H
#define ART_EXT_EXT_H

#include <sqlite3ext.h>

#include "core/base/alloc.h"
#include "core/base/buffer.h"
#include "core/base/bytes.h"
#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/tree/tree.h"
#include "ext/art.h"

SQLITE_EXTENSION_INIT3

struct art_vtab;

/* --- columns ------------------------------------------------------------------------------------------------------ */

enum art_affinity {
    ART_AFFINITY_BLOB, /* none: every value stays as it is */
    ART_AFFINITY_TEXT,
    ART_AFFINITY_NUMERIC,
    ART_AFFINITY_INTEGER,
    ART_AFFINITY_REAL
};

struct art_column {
    char *name;      /* without quotes */
    char *type;      /* as declared, "" for none */
    char *collation; /* NULL: BINARY */
    enum art_affinity affinity;
    bool not_null;
};

/* The user's columns: the key first, the others are what a row's record holds. */
struct art_columns {
    struct art_column *items;
    unsigned count;
};
enum { ART_COLUMN_KEY = 0 };

/* The hidden columns stand behind the user's, in this order; a column's number minus columns.count is one of these. */
enum art_hidden {
    ART_HIDDEN_PREFIX,      /* argument: literal beginning of the paths */
    ART_HIDDEN_DELIMITER,   /* argument: what ends a common prefix that is rolled up */
    ART_HIDDEN_START_AFTER, /* argument: the key behind which the rows begin */
    ART_HIDDEN_SNAPSHOT,    /* argument, refused as yet */
    ART_HIDDEN_COMMAND, /* named like the table, or "" where that is the name of another column; no argument goes beyond it */
    ART_HIDDEN_ENTRIES, /* rows below a common prefix */
    ART_HIDDEN_VERSION, /* csn of the row's last change */
    ART_HIDDEN_COLUMNS
};

enum { ART_COLUMNS_MAX = 32767 }; /* no SQLite allows more */

/* definition.c: `table` is for messages. */
/* One column. `end`: behind it may follow a comma and others, *end is set to it; NULL: nothing may follow. */
int art_definition_parse(const char *text, const char **end, const char *table, bool key, struct art_column *out,
                         char **message);
bool art_definition_is_option(const char *text); /* name = ... */
bool art_definition_is_ours(const char *sql);    /* CREATE VIRTUAL TABLE ... USING art */
bool art_definition_is_blank(const char *text);
bool art_definition_is_plain_name(const char *text); /* one that needs no quotes */

/* columns.c */
enum art_affinity art_affinity_of(const char *type);
void art_column_clear(struct art_column *column);
void art_columns_clear(struct art_columns *columns);
int art_columns_default(struct art_columns *columns); /* path, value */
int art_columns_append(struct art_columns *columns, const char *table, const char *definition, char **message);
/* The other way round from art_columns_show(). On failure none. */
int art_columns_parse(struct art_columns *columns, const char *table, const char *text, char **message);
char *art_columns_show(const struct art_columns *columns); /* sqlite3_free() it; NULL without memory */
bool art_columns_have(const struct art_columns *columns, const char *name);
/* Is this a hidden column's name? The one for commands has the table's. */
bool art_columns_hide(const char *name);
const char *art_columns_hidden_name(enum art_hidden hidden);
int art_columns_compare(const struct art_columns *a, const struct art_columns *b, bool *equal);
int art_columns_check_count(const struct art_columns *columns, sqlite3 *db, const char *table, char **message);
/* The command 'add column': `definition` is what follows these words. */
int art_columns_add(struct art_vtab *vtab, const char *definition);
/* Declares the table to SQLite. */
int art_columns_declare(const struct art_columns *columns, sqlite3 *db, const char *table, char **message);

/* --- names -------------------------------------------------------------------------------------------------------- */

/* Under which name a table stands in the schema; counted, since savepoints remember it. */
struct art_name {
    unsigned references;
    char *schema, *table; /* in the same allocation */
};
struct art_name *art_name_new(const char *schema, const char *table); /* NULL without memory */
struct art_name *art_name_hold(struct art_name *name);
void art_name_release(struct art_name *name);

/* --- options ------------------------------------------------------------------------------------------------------ */

struct art_settings {
    uint64_t cache_bytes, log_limit, spill_limit;
    enum art_engine engine;
    enum art_direct direct;
    enum art_storage storage; /* as asked for; in T_artstate what it was resolved to */
};
/* A part of a text. */
struct art_text {
    const char *at;
    int len;
};
struct art_text art_text_trimmed(const char *at, const char *end); /* without the blanks around it */
bool art_text_is(struct art_text text, const char *word);          /* in capitals or not */
void art_settings_default(struct art_settings *settings);
bool art_settings_equal(const struct art_settings *a, const struct art_settings *b);
/* One argument of USING art(...), for instance "cache = 64 MB"; there is a '=' in it. */
int art_settings_parse(struct art_settings *settings, const char *argument, char **message);
/* A setting by its number (0..), as it stands in T_artstate; false behind the last. sqlite3_free() the text. */
bool art_settings_show(const struct art_settings *settings, unsigned number, const char **key, char **text);

/* --- savepoints --------------------------------------------------------------------------------------------------- */

/* The numbers of the savepoints that a handle was told of, ascending. */
struct art_levels {
    int *items;
    unsigned count, capacity;
    bool missed; /* `missed_level` could not be noted, and nothing was changed since */
    int missed_level;
    bool cut; /* SQLite has none from `cut_level` on: a statement is still going on whose savepoint went */
    int cut_level;
};

/* What ROLLBACK TO brings back. */
struct art_moment {
    int level;
    uint32_t mark; /* of the tree, or ART_MARK_BEGIN */
    struct art_name *name;
    struct art_settings settings;
    unsigned requested;
    bool exists;
};

/* --- connection, table, handle ------------------------------------------------------------------------------------ */

struct art_connection {
    sqlite3 *db;
    unsigned references; /* registered modules and handles */
    struct art_connection *next;
    struct art_vtab *vtabs;
    struct art_table *tables;
    struct art_named *named; /* named.c */
    unsigned stepping; /* statements of ours that SQLite is working on just now: nothing may be freed under them */
    bool journal_asked, journal_hidden; /* journal.c: does SQLite show its journal's file? */
    bool verifying;                     /* verify.c looks at the art tables: integrity_check need not */
    bool blobs_never_match;             /* SQLite was built so that GLOB matches no BLOB */
    enum { ART_BOUNDS_NOBODY_ASKS, ART_BOUNDS_ASKED, ART_BOUNDS_ADDED } bounds; /* planner.c: whose is like()? */
    struct art_connection *finishes; /* this is a second connection of ours (finish.c), on behalf of that one */
    /* tracker.c */
    unsigned trackers; /* handles of temp.art_txn */
    sqlite3_stmt *join;
    sqlite3_vtab *driver; /* the one that drives the running transaction, or NULL */
    bool joined;          /* it is sure to hear everything from here on */
    struct art_levels levels;
};

/* What commands leave to the commit. */
enum art_request {
    ART_REQUEST_FLUSH = 1,
    ART_REQUEST_OPTIMIZE = 2,
    ART_REQUEST_VACUUM = 4,
    ART_REQUEST_CLEAN = 8,
    ART_REQUEST_MOVE = 16, /* to the other storage */
};

/* .art files that no table needs (clean.c). */
struct art_leftover {
    char *path;
    uint8_t uuid[ART_UUID_BYTES];
    bool known;   /* it is this database's; else it is only called so, and */
    char *reason; /* this is why it cannot be told */
};
struct art_leftovers {
    struct art_leftover *items;
    unsigned count;
};

enum art_statement {
    ART_LOG_READ,
    ART_LOG_CLEAR,
    ART_LOG_PUT,
    ART_STATE_GET,
    ART_STATE_RAISE,
    ART_STATE_PUT,
    ART_BLOB_READ,
    ART_BLOB_WRITE,
    ART_BLOB_REMOVE,
    ART_BLOB_LAST,
    ART_STATEMENTS /* their number */
};

/* What goes on behind the commit of a 'vacuum' (finish.c), as asked before it. */
struct art_finish {
    unsigned wanted; /* of enum art_request: vacuum, optimize */
    bool alone;      /* the transaction is one statement */
    bool shuts_out;  /* it has the database for itself */
    bool wal;
    int checkpoint_every, busy_timeout, synchronous;
    char *said; /* what became of the last one; sqlite3_free() it */
};

struct art_table {
    struct art_connection *connection;
    struct art_table *next;
    unsigned vtabs;     /* handles that use it */
    sqlite3_file *file; /* with `database` and `uuid`: which table it is */
    char *database;     /* file name, "" for none */
    uint8_t uuid[ART_UUID_BYTES];
    struct art_name *name;
    struct art_settings settings;
    unsigned columns; /* the user's, as T_artstate says */
    bool inlined;     /* blobs are rows of T_artblob */
    struct {          /* move.c: in a transaction that has moved the blobs, where they were */
        bool moved, inlined;
        char *path;
    } before;
    bool keeps_cache; /* SQLite was told not to spill its cache */
    struct art_rows rows;
    char *path;          /* of the .art file; NULL: inlined, or in memory */
    bool renamed;        /* T_artstate may not say yet that this is its name */
    bool remove_allowed; /* DROP takes the .art file along, if it belongs to this table */
    struct art_tree *tree;

    bool version_known; /* `data_version` is the one that the tree is up to date with */
    unsigned data_version;
    sqlite3_stmt *statements[ART_STATEMENTS];
    bool stale;             /* they are to be finalized, and one of them runs */
    struct art_scan *scans; /* open ones */

    /* The running transaction (transaction.c). */
    sqlite3_vtab *driver; /* whose callbacks count; NULL: the table has no part in it */
    struct art_moment begin;
    struct art_moment *moments;
    unsigned moment_count, moment_capacity;
    bool exists;               /* as of now: created and not dropped */
    bool refreshed;            /* known to be up to date in this transaction */
    bool alone;                /* which is a single statement, as far as is known */
    bool noted;                /* the last savepoint made a moment */
    bool prepared;             /* xSync has written what the tree wanted */
    bool tried;                /* and SQLite has tried to commit: who knows whether it did, whatever it says */
    unsigned requested, asked; /* enum art_request: by commands; of these, what the tree was asked for */
    struct art_leftovers leftovers;
    struct art_finish finish;

    /* What the host's journal was asked in it (journal.c). */
    bool secured, reuse, own_frame;
    bool sync_failed; /* for ever: a sync of the database's own files failed */
    bool flushed;     /* SQLite's cache, in the running transaction */
    bool lost;        /* which may not be committed, since the journal may not hold it */
    int waited;       /* ms waited for the writer lock */
    bool crowded;     /* the .art file grows until SQLite's log begins anew */
    bool may_harden;
    sqlite3_file *own_wal; /* to sync it after the commit */
};

enum { ART_LISTED_MAX = 4 };

/* What SQLite has shown of a statement with a listing's arguments (planner.c). */
struct art_planned {
    const sqlite3_stmt *statement; /* never looked into */
    struct art_listed {            /* the table may be listed several times: */
        sqlite3_uint64 columns;    /* those that are read, */
        unsigned given;            /* and the arguments that were given, hidden columns as bits */
    } listed[ART_LISTED_MAX];
    unsigned count;  /* may be more than have room */
    int last;        /* in the last clause: where the last argument stands, from 1, */
    int constraints; /* and how many constraints there are */
    double cost;     /* of the dearest scan with arguments */
    sqlite3_int64 rows;
};

/* A statement that is to be prepared anew, since its text allows a better plan (running.c). */
struct art_restart {
    sqlite3_stmt *statement; /* NULL: none */
    int prepared;            /* how often it had been prepared anew */
    bool planned;            /* under way, as `successor` */
    const sqlite3_stmt *successor;
    unsigned in_vain; /* so many times in a row no better plan came of it */
};

struct art_vtab {
    sqlite3_vtab base;
    unsigned pins;     /* by functions that are at work on it: SQLite knows nothing of them, */
    bool disconnected; /* and lets go of it when it reads the schema anew in a statement of theirs */
    struct art_connection *connection;
    struct art_vtab *next;
    struct art_name *name;
    struct art_settings settings; /* from the schema, where T_artstate says nothing */
    struct art_columns columns;
    unsigned created;        /* how many of them CREATE named */
    struct art_table *table; /* NULL until it is first used */
    struct art_levels levels;
    bool begun;            /* part of SQLite's transaction: it will hear of its end */
    struct art_scan *idle; /* a closed scan, for the next xOpen */
    struct art_planned planned;
    struct art_restart restart;
    struct art_buffer record; /* the row that is being written, */
    struct art_field *fields; /* and its values: one a column but the key */
};

/* extension.c */
const sqlite3_api_routines *art_extension_api(void);     /* NULL where art is linked in */
struct art_connection *art_connection_hold(sqlite3 *db); /* NULL without memory */
void art_connection_release(void *connection);
void art_connection_add_table(struct art_table *table);
void art_connection_remove_table(struct art_table *table);

/* table.c */
/* Finds the table behind a handle (reading T_artstate) and brings its tree up to date. First thing in every read. */
int art_vtab_ready(struct art_vtab *vtab);
/* Finds the table without looking at its rows. */
int art_vtab_attach(struct art_vtab *vtab, char **message);
void art_vtab_detach(struct art_vtab *vtab);
/* A table that CREATE has just made. */
int art_table_new(struct art_vtab *vtab, const uint8_t *uuid, const struct art_settings *settings, const char *file,
                  struct art_table **out, char **message);
int art_table_refresh(struct art_table *table, char **message);
void art_table_set_name(struct art_table *table, struct art_name *name);
void art_table_free_if_unused(struct art_table *table);
void art_tables_free_unused(struct art_connection *connection);
/* The .art file of this name in the database's folder, from now on, for the table and its tree. enum art_rc. */
int art_table_set_file(struct art_table *table, const char *file);
/* The path of a file in a database's folder; *out NULL: the database has none. art_free() it. enum art_rc. */
int art_path_beside(const char *database, const char *file, char **out);
sqlite3_file *art_database_file(sqlite3 *db, const char *schema);
const char *art_database_name(sqlite3 *db, const char *schema); /* its file's, "" for none */
/* The folder of the schema's database with '/' at its end, or NULL for a database without a file. art_free() it. */
int art_database_folder(sqlite3 *db, const char *schema, char **out);
int art_refuse_shared_cache(sqlite3 *db, const char *schema, char **message);

/* shadow.c */
/* `sql` is taken; NULL: no memory. The tables that it names are no virtual ones. */
int art_prepare(sqlite3 *db, unsigned flags, sqlite3_stmt **out, char *sql);
int art_shadow_statement(struct art_table *table, enum art_statement which, sqlite3_stmt **out, char **message);
void art_shadow_finalize(struct art_table *table);
int art_shadow_create(sqlite3 *db, const struct art_name *name, const uint8_t *uuid,
                      const struct art_settings *settings, const char *file, const char *columns, char **message);
/* Is there a T_artblob? Also where blobs have been moved out of it. */
bool art_shadow_has_blobs(sqlite3 *db, const struct art_name *name);
int art_shadow_create_blobs(sqlite3 *db, const struct art_name *name, char **message);
int art_shadow_empty_blobs(sqlite3 *db, const struct art_name *name, char **message);
int art_shadow_drop(sqlite3 *db, const struct art_name *name, char **message);
int art_shadow_rename(sqlite3 *db, const struct art_name *name, const char *to, char **message);
/* T_artstate as a handle finds it. */
struct art_state {
    uint8_t uuid[ART_UUID_BYTES];
    struct art_settings settings;
    char *file;    /* NULL: no name, or one that is refused */
    char *columns; /* NULL: nothing is said of them */
};
/* The others: with the blobs in the database, up to eight pages a row; a page a row. Older versions would not find them. */
enum {
    ART_STATE_FORMAT = 1,
    ART_STATE_FORMAT_JOINED_ROWS = 2,
    ART_STATE_FORMAT_INLINE = 3,
    ART_NONCE_BYTES = 16,
};
static inline bool art_state_format_known(int64_t format) {
    return format >= ART_STATE_FORMAT && format <= ART_STATE_FORMAT_INLINE;
}
void art_state_clear(struct art_state *state);
/* sqlite3_step() for statements that run while a table is being worked on. A schema may have put views or triggers in
 * their place that call functions of art, which would read the shadow tables again, and so on: art_shadow_busy() refuses them
 * meanwhile. And one that fails for want of memory or disk makes SQLite roll the transaction back within it, call xRollback, and
 * let go of every handle that no statement of the user's holds: nothing may be freed then of the table, or finalized.
 *
 * All others need no such thing, since what runs is not among the table's statements, and what is used afterwards stays:
 * xUpdate's, xDestroy's and xRename's handle is held by SQLite, and by it the table; in xSync SQLite calls no
 * xRollback, and a table that is in the transaction is not freed. That is so of clean.c, shadow.c where it makes, drops,
 * alters shadow tables, and tracker.c. In module.c (xCreate), extension.c and named.c (a name is looked up) no table is in
 * use yet. What such a statement may take away is a name: it is held, or not looked at again. */
int art_shadow_step(struct art_connection *connection, sqlite3_stmt *statement);
int art_shadow_busy(const struct art_connection *connection, const char *name, char **message);
/* A plain name in the database's own folder, with the id's first digits at its end. */
enum { ART_FILE_NAME_ROOM = 256 };
bool art_shadow_file_name_is_sound(const char *text, const uint8_t uuid[ART_UUID_BYTES]);
int art_shadow_read_state(struct art_connection *connection, const struct art_name *name,
                          const struct art_settings *defaults, struct art_state *out, char **message);
/* Adds a column to T, as a change of the schema that other connections notice and that a ROLLBACK takes back. */
int art_shadow_add_column(struct art_table *table, const char *definition, char **message);
/* Appends to `columns` what was added since CREATE, without a look at any row. *sound = false: some of it is not
 * understood, and left out. */
int art_shadow_added_columns(sqlite3 *db, const struct art_name *name, struct art_columns *columns, bool *sound);
/* Is T_artstate there, with this table's id? */
int art_shadow_is_ours(struct art_table *table, bool *ours, char **message);
int art_shadow_read_log(struct art_table *table, char **message, bool *rebuild);
/* All rows, for the check. enum art_rc. */
int art_shadow_each_log_row(struct art_table *table, int (*row)(void *to, int64_t csn, struct art_bytes ops), void *to);
int art_shadow_write(struct art_table *table, const struct art_commit *commit, char **message);
/* One value of T_artstate; *out is appended to. */
int art_shadow_get(struct art_table *table, const char *key, struct art_buffer *out, char **message);
int art_shadow_put(struct art_table *table, const char *key, const void *data, uint64_t len, char **message);
/* The name of the .art file as T_artstate has it now; *out NULL: none that is sound. art_free() it. */
int art_shadow_get_file(struct art_table *table, char **out, char **message);
int art_shadow_put_text(struct art_table *table, const char *key, const char *text, char **message);
int art_shadow_put_storage(struct art_table *table, bool inlined, char **message);

/* transaction.c */
int art_levels_push(struct art_levels *levels, int level);
void art_levels_drop(struct art_levels *levels, int from); /* those >= from */
void art_levels_clear(struct art_levels *levels);          /* frees */
/* Makes the table part of the running transaction, before its first change in it. `vtab` is a handle that SQLite has
 * begun: it drives where there is no tracker. */
int art_table_join(struct art_table *table, struct art_vtab *vtab, char **message);
/* Is the tracker's the driver, so that no callback can be missed? */
bool art_table_tracked(const struct art_table *table);
int art_table_savepoint(struct art_table *table, int level);
void art_table_release(struct art_table *table, int level);
void art_table_rollback_to(struct art_table *table, int level);
int art_table_sync(struct art_table *table, char **message);
void art_table_committed(struct art_table *table);
void art_table_rolled_back(struct art_table *table);
/* All tables that `driver` drives; `levels` are the driver's. */
int art_driver_savepoint(struct art_connection *connection, sqlite3_vtab *driver, struct art_levels *levels, int level);
void art_driver_release(struct art_connection *connection, sqlite3_vtab *driver, int level);
void art_driver_rollback_to(struct art_connection *connection, sqlite3_vtab *driver, struct art_levels *levels,
                            int level);
int art_driver_sync(struct art_connection *connection, sqlite3_vtab *driver, char **message);
void art_driver_committed(struct art_connection *connection, sqlite3_vtab *driver);
void art_driver_rolled_back(struct art_connection *connection, sqlite3_vtab *driver);

int art_vtab_begin(sqlite3_vtab *base);
int art_vtab_sync(sqlite3_vtab *base);
int art_vtab_commit(sqlite3_vtab *base);
int art_vtab_rollback(sqlite3_vtab *base);
int art_vtab_savepoint(sqlite3_vtab *base, int level);
int art_vtab_release(sqlite3_vtab *base, int level);
int art_vtab_rollback_to(sqlite3_vtab *base, int level);

/* tracker.c */
extern const sqlite3_module art_tracker_module;
/* Makes temp.art_txn if it can be made and no statement runs; or in any case. That it cannot be made is no error, unless
 * the transaction ended with it. */
int art_tracker_make(struct art_connection *connection);
int art_tracker_make_now(struct art_connection *connection);
/* connection->driver is set afterwards, or stays NULL where there can be no tracker. */
int art_tracker_join(struct art_connection *connection, char **message);
/* For DROP and RENAME: joins, made now if need be, and drives all tables from here on. */
int art_tracker_take_over(struct art_connection *connection, char **message);
void art_tracker_forget(struct art_connection *connection);

/* journal.c */
/* Is this a host that has put a log of its own into the place of SQLite's? */
bool art_journal_is_hidden(struct art_connection *connection);
/* enum art_rc. */
int art_journal_is_wal(struct art_table *table, bool *wal);
void art_journal_host(struct art_table *table, struct art_host *out);

/* finish.c */
/* Before the commit asks what is wanted behind it. */
int art_finish_prepare(struct art_table *table, char **message);
/* What 'vacuum' means besides, enum art_request: where no second connection will do it. */
unsigned art_finish_requests(const struct art_table *table);
/* In xCommit. */
void art_finish_run(struct art_table *table);
void art_finish_clear(struct art_table *table);
/* `all`: to the transaction's beginning, or to a savepoint that the table has never heard of. */
void art_journal_rolled_back_to(struct art_table *table, bool all);
/* Want of memory or disk in a statement of ours ends the whole transaction, and within xSync SQLite calls no xRollback for it:
 * whatever is written then is a transaction of its own, which commits by itself. */
bool art_journal_alive(const struct art_table *table);
/* May this transaction still be committed? */
int art_journal_sound(const struct art_table *table, char **message);
/* Why the statement that is running will fail in any case: SQLITE_INTERRUPT, or SQLITE_NOMEM in one within it; or SQLITE_OK. */
int art_stopped(struct art_connection *connection);
/* Has somebody called sqlite3_interrupt()? */
bool art_interrupted(struct art_connection *connection);
/* In xSync: has a statement of ours found no memory, so that SQLite's COMMIT would end in an error though it commits? */
bool art_out_of_memory(struct art_connection *connection);
/* Random bytes into T_artstate, so that this transaction has a page of its own to commit. enum art_rc. */
int art_journal_write_nonce(struct art_table *table);
/* Before the commit, and after it: SQLITE_OK once it cannot be lost any more. */
int art_journal_prepare_to_harden(struct art_table *table, char **message);
int art_journal_harden(struct art_table *table);
void art_journal_leave(struct art_table *table); /* the transaction has ended */
/* In xSync and xCommit: young slots are free once SQLite's log begins anew, so a checkpoint is made early. */
void art_journal_note_crowd(struct art_table *table, bool crowded);
void art_journal_end_epoch(struct art_table *table);
unsigned art_journal_data_version(sqlite3 *db, const char *schema);

/* storage.c */
/* What `auto` stands for here; or a sentence why it cannot be. */
int art_storage_resolve(struct art_connection *connection, const char *schema, enum art_storage *storage,
                        char **message);
/* In xSync, before the tree prepares its commit: to the other storage. */
int art_storage_move(struct art_table *table, char **message);
/* After a rollback of whatever kind: follows the tree, where that has gone back. */
void art_storage_go_back(struct art_table *table);
void art_storage_finish(struct art_table *table); /* in xCommit */
/* Another connection may have moved the blobs: what does T_artstate say? */
int art_storage_follow(struct art_table *table, char **message);

/* blobs.c */
void art_blobs_host(struct art_table *table, struct art_rows *out);
/* A page out of a row (page, data) of T_artblob, which has up to ART_JOINED_PAGES in an older table. False: it is not there. */
enum { ART_JOINED_PAGES = 8 };
bool art_blobs_take(sqlite3_stmt *row, uint64_t page, void *data, int *art_rc);

/* planner.c, cursor.c with the files that scan.h lists, update.c */
int art_best_index(sqlite3_vtab *base, sqlite3_index_info *info);
int art_scan_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out);
int art_scan_close(sqlite3_vtab_cursor *base);
int art_scan_filter(sqlite3_vtab_cursor *base, int plan, const char *words, int argc, sqlite3_value **argv);
int art_scan_next(sqlite3_vtab_cursor *base);
int art_scan_eof(sqlite3_vtab_cursor *base);
int art_scan_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column);
int art_scan_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid);
/* Before the table changes: scans that only count go to where they claim to be. */
void art_scans_settle(struct art_table *table);
void art_scans_abandon(struct art_vtab *vtab); /* its scans are at their end, and off the table */
/* Has a listing in the statement that is changing the table rolled rows up to this path? */
bool art_listing_has_rolled_up(const struct art_table *table, struct art_bytes path);
void art_scan_free(struct art_scan *scan);
int art_update(sqlite3_vtab *base, int argc, sqlite3_value **argv, sqlite3_int64 *rowid);

/* commands.c */
/* `columns`: as INSERT gives them, the user's first. */
int art_command_run(struct art_vtab *vtab, sqlite3_value **columns);
void art_settings_use(struct art_table *table, const struct art_settings *settings);

/* clean.c */
int art_leftovers_find(sqlite3 *db, const char *schema, struct art_leftovers *out, char **message);
void art_leftovers_clear(struct art_leftovers *leftovers);
int art_clean_look(struct art_table *table, char **message);    /* the command */
int art_clean_prepare(struct art_table *table, char **message); /* in xSync */
void art_clean_finish(struct art_table *table);                 /* in xCommit */
/* Does the .art file name this database, and the table of this id? Only such a file is ever removed. */
bool art_file_belongs(const char *path, const char *database, const uint8_t uuid[ART_UUID_BYTES]);

/* value.c */
/* The bytes of a BLOB, or of anything else as a text, valid as long as the value is; false: NULL, or no memory. */
bool art_value_bytes(sqlite3_value *value, struct art_bytes *out);

/* A value on its way into a record. */
struct art_field {
    uint64_t serial;     /* its type and length, as in a record */
    const uint8_t *body; /* borrowed from the value, from another record, or `number` */
    uint8_t number[8];
};
/* The value as a column of this affinity holds it. The value may be converted on the way. */
int art_field_set(struct art_field *field, sqlite3_value *value, enum art_affinity affinity);
/* The first fields of a record; NULLs where it ends early. */
int art_record_fields(struct art_bytes record, struct art_field *fields, unsigned count);
/* The fields as one record; *out is overwritten. */
int art_record_encode(struct art_buffer *out, const struct art_field *fields, unsigned count);
void art_result_init(void); /* once SQLite can be asked for its version */
/* A text as a function's result, copied; and one that has a NUL behind it already, and ART_KEY_PADDING bytes. */
void art_result_text(sqlite3_context *context, const uint8_t *data, uint64_t len);
void art_result_ended_text(sqlite3_context *context, const char *data, uint64_t len);
/* Column `column` of a record as a function's result. *whole: the record's own memory, which may be handed on (or
 * NULL). */
int art_record_result(sqlite3_context *context, struct art_bytes record, unsigned column, uint8_t **whole);
/* Column 0 of a short record that has no other, as nearly all tables' rows; false: it is another one. */
bool art_record_single_result(sqlite3_context *context, struct art_bytes record);
/* The same for several columns of one record, fastest in ascending order: it remembers where the last one ended. */
struct art_record_reader {
    struct art_bytes record;                    /* borrowed; handing it on (`whole`) ends the reader's use */
    const uint8_t *types, *end_of_types, *body; /* (private) of field `column`; NULL: not looked at yet */
    unsigned column;
};
void art_record_reader_set(struct art_record_reader *reader, struct art_bytes record);
int art_record_reader_result(struct art_record_reader *reader, sqlite3_context *context, unsigned column,
                             uint8_t **whole);
/* A value without its surroundings; `type` is SQLite's. */
struct art_held {
    int type;
    int64_t integer;
    double real;
    struct art_bytes bytes; /* of a text or blob; borrowed */
};
int art_record_reader_held(struct art_record_reader *reader, unsigned column, struct art_held *out);

/* Which hidden column that is; negative: one of the user's. */
static inline int art_hidden_column(const struct art_vtab *vtab, int column) {
    return column - (int)vtab->columns.count;
}

/* module.c */
const sqlite3_module *art_module(void);
void art_vtab_pin(struct art_vtab *vtab);
void art_vtab_unpin(struct art_vtab *vtab);
/* How the names of all .art files of a database begin. sqlite3_free() it; NULL: no memory. */
char *art_file_beginning(sqlite3 *db, const char *schema);
/* Another name for the .art file: the one that CREATE would give, or one of its kin. enum art_rc. */
int art_file_rename(struct art_table *table, unsigned attempt);
/* The name of the .art file beside a database's file, without the folder. sqlite3_free() it. */
char *art_file_name(const char *database, const char *table, const uint8_t uuid[ART_UUID_BYTES], unsigned attempt);

/* tables.c */
int art_schema_known(sqlite3 *db, const char *schema, char **message);
/* A stepped SELECT, and with it a snapshot of the database; finalize it, also after an error. */
int art_snapshot_hold(sqlite3 *db, const char *schema, sqlite3_stmt **out, char **message);
typedef int art_table_visit(void *context, const char *name, char **message);
/* Visits the art tables of a database, as this connection shows them, until one fails. */
int art_tables_each(sqlite3 *db, const char *schema, art_table_visit *visit, void *context, char **message);
/* The handle of schema.name, pinned: art_vtab_unpin(). */
int art_table_open(struct art_connection *connection, const char *schema, const char *name, struct art_vtab **out,
                   char **message);

/* backup.c */
struct art_made {
    unsigned tables, files; /* art tables, wherever their blobs are */
    uint64_t bytes;         /* of the files */
};
int art_backup(struct art_connection *connection, const char *path, const char *schema, struct art_made *made,
               char **message);

/* verify.c */
/* Fails if any art table of the database is not whole and sound; else *text says 'ok' and more, sqlite3_free() it. */
int art_verify(struct art_connection *connection, const char *schema, char **text, char **message);

/* named.c */
/* What an SQL text named, while a snapshot of its database is held, and kept for the next time. */
struct art_named {
    struct art_named *next;
    struct art_connection *connection;
    struct art_vtab *vtab;  /* NULL: gone */
    sqlite3_stmt *snapshot; /* stepped while it is held */
    bool held;
    bool pins; /* and `vtab` outlives its xDisconnect */
    bool once; /* not to be kept */
    char text[];
};
/* 'table' or 'schema.table'. Must be released. */
int art_named_hold(struct art_connection *connection, const char *text, struct art_named **out, char **message);
void art_named_release(struct art_named *named);
/* The handle alone, good until the next statement; *out = NULL: there is no such table. */
int art_named_look(struct art_connection *connection, const char *text, struct art_vtab **out, char **message);
int art_named_unknown(const char *text, char **message); /* says so */
/* The handle of schema.table, made if need be by naming the table in a statement; *out = NULL: no art table. */
int art_find_vtab(struct art_connection *connection, const char *schema, const char *table, struct art_vtab **out,
                  char **message);
/* art_vtab_ready(), with its message. */
int art_named_ready(struct art_vtab *vtab, char **message);
void art_named_forget(struct art_vtab *vtab); /* before it is freed */

/* check.c */
struct art_finding {
    int rc;
    char *sentence, *what, *place; /* as in struct art_problem; sqlite3_free() */
    uint32_t slot, page;           /* ART_NOWHERE */
    bool apart;                    /* the .art file is missing, or not that of this database */
};
enum { ART_FINDINGS_MAX = 100 };
struct art_findings {
    struct art_finding *items;
    unsigned count, capacity, most; /* `most`: 1: the first and no more, or ART_FINDINGS_MAX */
    bool more, nomem;
};
void art_findings_clear(struct art_findings *findings);
/* The sentences, a line each, `before` in front of each. sqlite3_free() it; NULL: none, or no memory. */
char *art_findings_text(const struct art_findings *findings, const char *before);
/* Does this code say nothing about the table, but that it could not be looked at? */
bool art_check_hindered(int rc);
/* Fails only with what hinders the check. */
int art_check_table(struct art_vtab *vtab, bool quick, struct art_findings *findings, char **message);
/* By the name of a table, in a snapshot. */
int art_check_named(struct art_connection *connection, const char *text, struct art_findings *findings, char **message);
/* check_table.c */
extern const sqlite3_module art_check_module;

/* salvage.c, lost.c; both by salvage_source.c */
extern const sqlite3_module art_salvage_module, art_lost_module;

/* info.c, functions.c */
/* For tables that are asked with a table's name, in a hidden column. */
int art_best_index_of_name(sqlite3_index_info *info, int column);
extern const sqlite3_module art_info_module;
int art_functions_register(sqlite3 *db);

/* errors.c */
int art_sqlite_code(int art_rc);
/* Does SQLite undo the whole transaction where a statement within another one ends so? Never to be passed over. */
bool art_ends_transaction(int rc);
/* Core's last message and its code as SQLite's. */
int art_report(char **message, int art_rc);
/* SQLite's last message, in front of it what was being done; `rc` is returned, or what it means for an art table. */
int art_report_sql(char **message, sqlite3 *db, int rc, const char *format, ...) __attribute__((format(printf, 4, 5)));
/* SQLITE_INTERRUPT, in SQLite's own words whatever was under way: nothing is wrong. */
int art_report_interrupt(char **message);
int art_complain(char **message, int rc, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* After an error that was none in the end: SQLite would show the sentence with its own next error. */
void art_forget_message(char **message);
/* The other way, for the callbacks of core: notes SQLite's message. */
int art_fail_sql(sqlite3 *db, int rc, const char *what);
/* SQLite's sentence about a statement of ours, and what to do. */
int art_report_own(char **message, int rc, const char *text);
/* Where SQLite gives a code and no message. */
int art_fail_code(int rc, const char *what);

#endif
