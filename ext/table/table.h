/* A table that this process has open, and SQLite's handles of it.
 *
 *     connection   one per sqlite3*: all art tables that it has met (connections.c)
 *       table      one per database file and table id: the tree, and its part in the running transaction
 *         vtab     SQLite's handles; there may be several for one table, even within one transaction
 *           scan   SQLite's cursors (query/)
 *
 *     savepoints       the numbers of those that a handle was told of
 *     stage            where a table stands in the running transaction, and what holds there
 *     deleting         a DELETE of a whole range, which SQLite hands over row by row
 *     shadow_rows      a table's rows in T_artstate and T_artdata
 *     snapshots        named snapshots: rows of T_artstate
 *     extract          copies of pages side by side, in a published table (extract_format.h)
 *     table_function   read-only tables whose rows are made when they are asked for (table_function.h) */
#ifndef ART_EXT_TABLE_H
#define ART_EXT_TABLE_H

#include "core/tree/commit.h"
#include "core/tree/read_rows.h"
#include "ext/schema/schema.h"

/* --- savepoints (savepoints.c) ------------------------------------------------------------------------------------ */

/* What ROLLBACK TO brings back. */
struct art_saved_table {
    int number;         /* of SQLite's savepoint */
    uint32_t savepoint; /* of the tree, or ART_SAVEPOINT_BEGIN */
    struct art_name *name;
    struct art_settings settings;
    unsigned requested, made_count;
    bool exists;
};

int art_savepoints_push(struct art_savepoints *savepoints, int number);
void art_savepoints_begin(struct art_savepoints *savepoints); /* none: before all else, and with a transaction */
void art_savepoints_drop(struct art_savepoints *savepoints, int from); /* those >= from */
void art_savepoints_free(struct art_savepoints *savepoints);           /* frees */

/* --- a table ------------------------------------------------------------------------------------------------------ */

/* What commands leave to the commit beside the tree's requests. HELD: which slots snapshots hold is to be worked out
 * from their rows (snapshots.c). */
enum { ART_REQUEST_CLEAN = ART_REQUEST_OF_HOST, ART_REQUEST_HELD = ART_REQUEST_CLEAN << 1 };

/* .art files that no table needs (clean.c). */
struct art_orphan_file {
    char *path;
    uint8_t uuid[ART_UUID_BYTES];
    bool known;   /* it is this database's, and no table needs it; else it is only called so, and */
    char *reason; /* this is why it cannot be told */
    bool kept;    /* not known, since a table without its file may need it */
};
struct art_orphan_files {
    struct art_orphan_file *items;
    unsigned count;
};

enum art_statement {
    ART_LOG_ROOT,
    ART_LOG_READ,
    ART_LOG_READ_ROWS,
    ART_LOG_CLEAR,
    ART_LOG_SPEND,
    ART_LOG_PUT,
    ART_STATE_GET,
    ART_STATE_PUT,
    ART_STATE_REMOVE,
    ART_BLOB_READ,
    ART_BLOB_READ_ROWS,
    ART_BLOB_WRITE,
    ART_BLOB_REMOVE,
    ART_BLOB_LAST,
    ART_STATEMENTS /* their number */
};

/* Where a table stands in the running transaction: the diagram at the head of txn/txn.h. Only stage.c sets it. */
enum art_stage {
    ART_STAGE_OUT,
    ART_STAGE_ALONE, /* the transaction is this one statement, as far as is known */
    ART_STAGE_CHANGING,
    ART_STAGE_PREPARED, /* xSync has written what the tree wanted: SQLite tries to commit, or has tried */
    ART_STAGE_REFUSED,  /* it has tried, and ROLLBACK TO or xSync came since: that COMMIT may be there */
    ART_STAGES          /* their number */
};

/* How far the tree is known to be up to date. */
enum art_freshness {
    ART_FRESH_UNKNOWN,
    ART_FRESH_AT_VERSION, /* as long as the database's data version is the same */
    ART_FRESH_LOCKED      /* until the transaction's end: it was read under the lock of a writer */
};

/* What a folder keeps at a table or a handle, and alone looks into. */
struct art_kept {
    void (*trim)(struct art_kept *kept); /* frees what its next use makes again */
};

/* A cursor of SQLite's as its table knows it. Where it stands, query/ alone knows. */
struct art_open_scan {
    sqlite3_vtab_cursor base;
    const struct art_scan_methods *methods;
    struct art_open_scan *next, **link; /* table->scans */
};
struct art_scan_methods {
    /* Has it given all rows of a range, each as it is, maybe of a snapshot? The first question alone gets a yes. The
     * range's bytes are borrowed. */
    bool (*swept)(struct art_open_scan *scan, struct art_range *range);
    void (*catch_up)(struct art_open_scan *scan); /* the table changes: go to where you claim to be */
    void (*abandon)(struct art_open_scan *scan);  /* the table is gone: be at your end, and off its list */
};

/* Is an .art file in clear, while the database's pages are not? Then no more is written to it (host/storage.c). Where a
 * VFS could be given a key at any time, each transaction asks anew. */
enum art_clear { ART_CLEAR_UNASKED, ART_CLEAR_NO, ART_CLEAR_YES };

struct art_table {
    struct art_connection *connection;
    struct art_table *next;                           /* in its chain */
    struct art_table *changing_next, **changing_link; /* connection->changing */
    unsigned vtabs;                                   /* handles that use it */
    sqlite3_file *file;                               /* with `database` and `uuid`: which table it is */
    char *database;                                   /* file name, "" for none */
    bool read_only;                                   /* so the database was opened */
    uint8_t uuid[ART_UUID_BYTES];
    struct art_name *name;
    struct art_settings settings;
    unsigned columns;                    /* the user's, as T_artstate says */
    struct art_given_summary *summaries; /* table.c: what the tree was given */
    bool keeps_cache;                    /* SQLite was told not to spill its cache */
    struct art_rows rows;
    char *writers_need; /* a feature that who writes has to know, and this version does not; NULL: none */
    char *path;         /* of the .art file; NULL: blobs are rows of T_artblob */
    bool renamed;       /* T_artstate may not say yet that this is its name */
    enum art_clear clear;
    bool remove_allowed; /* DROP takes the .art file along, if it belongs to this table */
    struct art_tree *tree;
    struct art_kept *snapshot_trees; /* of access/, or NULL */
    struct art_extract *extract;     /* NULL: it was not published */

    enum art_freshness fresh;
    unsigned data_version; /* not UNKNOWN: the one that the tree is up to date with */
    sqlite3_stmt *statements[ART_STATEMENTS];
    bool stale; /* they are to be finalized, and one of them runs */
    struct art_open_scan *scans;
    unsigned snapshot_changes; /* counts what may have changed rows of snapshots, as this connection reads them */
    uint64_t filtered;         /* rows that scans passed over by conditions on other columns, or by patterns */
    uint64_t given_up;         /* scans best first that went on by walks */
    uint64_t counted;          /* scans whose rows SQLite only counted, and that did not walk through them */
    uint64_t recognised;       /* DELETEs of a range whose rows went as one thing */
    uint64_t found_open;       /* reads of snapshots whose tree was open */
    uint64_t extracted;        /* pages read out of the extract */
    bool trim_later;

    /* The running transaction (transaction.c). */
    sqlite3_vtab *owner; /* whose callbacks count; NULL: the table has no part in it */
    struct art_saved_table begin;
    struct art_saved_table *saved; /* by savepoints */
    unsigned saved_count, saved_capacity;
    bool exists; /* as of now: created and not dropped */
    bool noted;  /* the last savepoint saved the table */
    enum art_stage stage;
    unsigned requested;            /* enum art_request: what commands have left to the commit */
    struct art_deleting *deleting; /* rows that a DELETE has handed over, and that are still there (deleting.c) */
    char **made;                   /* names of snapshots that it makes, of dropped ones, too */
    unsigned made_count, made_capacity;
    struct art_orphan_files orphans;

    struct art_journal *journal; /* what SQLite's journal was asked in it: host/journal.c alone looks into it */
    bool sync_failed;            /* for ever: a sync of the database's own files failed */
};

/* --- SQLite's handles --------------------------------------------------------------------------------------------- */

struct art_vtab {
    sqlite3_vtab base;
    unsigned pins;     /* by functions that are at work on it, of which SQLite knows nothing */
    bool disconnected; /* SQLite has let go of it: it read the schema anew in a statement of such a function */
    struct art_connection *connection;
    struct art_vtab *next, **link; /* connection->vtabs */
    bool awake;                    /* in connection->awake */
    struct art_name *name;
    struct art_settings settings; /* from the schema, where T_artstate says nothing */
    struct art_columns columns;
    unsigned created;                 /* how many of them CREATE named */
    char *summary;                    /* the option as CREATE has it, or NULL */
    char *changed_summary;            /* the same as T_artstate has it, or NULL */
    struct art_summarised summarised; /* what the last one says, if it can be understood */
    struct art_table *table;          /* NULL until it is first used */
    struct art_savepoints savepoints;
    bool begun;               /* part of SQLite's transaction: it will hear of its end */
    unsigned owned;           /* tables whose owner it is; the listener does not count its own */
    struct art_kept *reading; /* of query/, or NULL */
    struct art_buffer record; /* the row that is being written */
    struct art_buffer key;    /* its key, of several columns */
    struct art_field *fields; /* the values of that row: one a column but the key */
};

/* Which hidden column that is; negative: one of the user's. */
static inline int art_hidden_column(const struct art_vtab *vtab, int column) {
    return column - (int)vtab->columns.count;
}

/* --- connections.c ------------------------------------------------------------------------------------------------ */

struct art_connection *art_connection_hold(sqlite3 *db); /* NULL without memory */
bool art_connections_any(void);
void art_connection_release(void *connection);
static inline struct art_table **art_table_chain(struct art_connection *connection, const uint8_t *uuid) {
    return &connection->tables[uuid[0] % ART_TABLE_CHAINS];
}
void art_connection_add_table(struct art_table *table);
void art_connection_remove_table(struct art_table *table);

/* --- stage.c ------------------------------------------------------------------------------------------------------ */

/* Is that an arrow of the diagram in txn/txn.h? */
bool art_stage_leads_to(enum art_stage from, enum art_stage to);
/* Goes along an arrow of the diagram. */
void art_table_set_stage(struct art_table *table, enum art_stage stage);
/* Assert what must hold in the stage that the table is in, and of an owner's savepoints: behind each callback. */
#ifdef NDEBUG
#define art_table_assert(table)           ((void)(table))
#define art_savepoints_assert(savepoints) ((void)(savepoints))
#else
void art_table_assert(const struct art_table *table);
void art_savepoints_assert(const struct art_savepoints *savepoints);
#endif
/* A COMMIT that ended in an error may be there all the same. */
static inline bool art_commit_attempted(const struct art_table *table) {
    return table->stage == ART_STAGE_PREPARED || table->stage == ART_STAGE_REFUSED;
}

/* --- table.c ------------------------------------------------------------------------------------------------------ */

void art_table_set_name(struct art_table *table, struct art_name *name);
void art_table_free(struct art_table *table);
void art_table_free_if_unused(struct art_table *table);
void art_tables_free_unused(struct art_connection *connection);
/* Gives back what its next use makes again; in a transaction, when that has ended. */
void art_table_trim(struct art_table *table);
/* The .art file of this name in the database's folder, from now on, for the table and its tree; NULL: rows. */
enum art_rc art_table_set_file(struct art_table *table, const char *file);
/* Another name for the .art file: the one that CREATE would give, or one of its kin. enum art_rc. */
enum art_rc art_file_rename(struct art_table *table, unsigned attempt);
void art_settings_use(struct art_table *table, const struct art_settings *settings);
/* What the tree sums up as of now. */
const struct art_summarised *art_table_summarised(const struct art_table *table);
/* What a row adds to a sum of hashes. */
enum art_rc art_row_hash(struct art_tree *tree, struct art_bytes path, const struct art_row *row,
                         enum art_measure measure, int64_t *out);
/* For the tree: NULL in *out for none. */
int art_table_give_summary(struct art_table *table, const struct art_summarised *summarised,
                           const struct art_summary **out);
/* Before the table changes: scans that only count go to where they claim to be. */
void art_scans_catch_up(struct art_table *table);
/* Scans of this handle, NULL: of all, are at their end, and off the table. */
void art_scans_abandon(struct art_table *table, const struct art_vtab *of);
void art_scans_enter(struct art_open_scan *scan);
void art_scans_leave(struct art_open_scan *scan);

/* --- deleting.c --------------------------------------------------------------------------------------------------- */

/* For a row that xUpdate deletes. *noted: it goes with others, now or later. Else the caller deletes it, and those that
 * were noted before are gone. */
int art_deleting_note(struct art_table *table, struct art_bytes path, bool *noted, char **message);
/* Deletes the rows that are noted, if any: before anybody reads or writes the table, or takes a savepoint. */
int art_deleting_settle(struct art_table *table, char **message);
void art_deleting_forget(struct art_table *table); /* they stay */

/* --- extract.c ---------------------------------------------------------------------------------------------------- */

/* What T_artstate says of an extract, of a table that is new. */
int art_extract_note(struct art_table *table, struct art_bytes head);
/* Of a table that has one: the number behind the last page of the table, and a page. Not found, where it is of no
 * use. */
int art_extract_end(struct art_table *table, uint64_t *end, bool *found);
int art_extract_find(struct art_table *table, uint64_t page, void *data, bool *found);
/* What is in memory of it, which its next use reads again: where another root may come, or blobs be written. */
void art_extract_forget(struct art_table *table);
void art_extract_note_write(struct art_table *table);
void art_extract_free(struct art_table *table);
/* Its rows: they are of no use behind another root. */
int art_extract_remove(struct art_table *table, char **message);

/* --- shadow_rows.c ------------------------------------------------------------------------------------------------ */

int art_shadow_statement(struct art_table *table, enum art_statement which, sqlite3_stmt **out, char **message);
void art_shadow_finalize(struct art_table *table);
/* Is T_artstate there, with this table's id? */
int art_shadow_is_ours(struct art_table *table, bool *ours, char **message);
int art_shadow_read_log(struct art_table *table, char **message, bool *rebuild);
/* All rows from that one on, for the check and for art_salvage. enum art_rc. */
enum art_rc art_shadow_each_log_row(struct art_connection *connection, const char *schema, const char *table,
                                    int64_t from, enum art_rc (*row)(void *to, int64_t csn, struct art_bytes ops),
                                    void *to);
int art_shadow_write(struct art_table *table, const struct art_commit *commit, char **message);
/* One value of T_artstate; *out is appended to. */
int art_shadow_get(struct art_table *table, const char *key, struct art_buffer *out, char **message);
/* The same; and is there a row, even an empty one? */
int art_shadow_find(struct art_table *table, const char *key, struct art_buffer *out, bool *there, char **message);
int art_shadow_put(struct art_table *table, const char *key, const void *data, uint64_t len, char **message);
/* The name of the .art file as T_artstate has it now; *out NULL: none that is sound. art_free() it. */
int art_shadow_get_file(struct art_table *table, char **out, char **message);
int art_shadow_put_text(struct art_table *table, const char *key, const char *text, char **message);
int art_shadow_remove(struct art_table *table, const char *key, char **message); /* a row that is there */

/* --- snapshots.c -------------------------------------------------------------------------------------------------- */

enum { ART_SNAPSHOT_NAME_MAX = 255 }; /* bytes */
/* It has one byte at least and no more than that, none of them 0. */
bool art_snapshot_name_is_sound(struct art_bytes name);

struct art_snapshot_row {
    bool there;
    uint64_t csn, time;      /* the version that it shows; when it was made, in milliseconds since 1970 */
    uint64_t hash;           /* of the row: with another one it is another snapshot */
    struct art_bytes root;   /* empty: it is still to be made, by the commit of the running transaction */
    struct art_bytes slots;  /* that the root names, as core has sets */
    struct art_buffer bytes; /* what these lie in, where they are not borrowed */
};
/* The snapshot of that name; none: SQLITE_OK, and it is not there. SQLITE_CORRUPT_VTAB: it is, and its row is damaged.
 * Clear it in any case. */
int art_snapshot_read(struct art_table *table, struct art_bytes name, struct art_snapshot_row *out, char **message);
void art_snapshot_row_clear(struct art_snapshot_row *row);
/* For salvage: the root in a row's value, which may be damaged; a root has a checksum of its own. False: there is
 * none. */
bool art_snapshot_root_left(struct art_bytes value, struct art_bytes *root);
/* All, in the order of their names, until `visit` returns another code than SQLITE_OK, which is returned. The row is
 * borrowed, and the names are sound. `visit` may read, and write nothing. SQLITE_CORRUPT_VTAB: a row is damaged. */
typedef int art_snapshot_visit(void *context, struct art_bytes name, const struct art_snapshot_row *row,
                               char **message);
int art_snapshots_each(struct art_table *table, art_snapshot_visit *visit, void *context, char **message);
int art_snapshots_count(struct art_table *table, uint64_t *out, char **message);
/* The two sets of slots, without their hashes, and without those of snapshots that this transaction makes; what it has
 * dropped is let go. What was in the buffers is replaced. SQLITE_CORRUPT_VTAB: they are damaged, or missing. */
int art_snapshots_held(struct art_table *table, struct art_buffer *held, struct art_buffer *let_go, char **message);
/* SQLITE_ERROR, with the message for a name that there is not. */
int art_snapshot_unknown(const struct art_table *table, struct art_bytes name, char **message);
/* The commands, in a transaction that the table has joined. Names have 1 to ART_SNAPSHOT_NAME_MAX bytes. */
int art_snapshot_make(struct art_table *table, const char *name, char **message);
int art_snapshot_drop(struct art_table *table, const char *name, char **message);
/* In xSync: before and behind prepare(). */
int art_snapshots_before_commit(struct art_table *table, char **message);
int art_snapshots_commit(struct art_table *table, const struct art_commit *commit, char **message);
/* Names that the transaction has noted behind the first `keep`: they were taken back, or it is over. */
void art_snapshots_forget_made(struct art_table *table, unsigned keep);

#endif
