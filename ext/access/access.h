/* From a name or a handle to a table that is up to date. A file calls only those above it:
 *
 *     tables       all art tables of a database
 *     awake        which of SQLite's handles were used lately
 *     attach       a handle finds its table, and the table's tree what was committed since
 *     snapshot_trees   trees of snapshots that a table keeps open
 *     handle       handles come and go
 *     table_ref    from a table's name in an SQL text to its handle, with a snapshot of its database held
 *     sums         which sums are given */
#ifndef ART_EXT_ACCESS_H
#define ART_EXT_ACCESS_H

#include "ext/table/table.h"

/* tables.c */
int art_schema_known(sqlite3 *db, const char *schema, char **message);
/* SQLite's error of a read: a database in WAL mode may be unreadable only because its folder may not be written. */
bool art_may_lack_wal_files(int rc);
int art_report_unreadable(char **message, sqlite3 *db, int rc, const char *what);
/* A stepped SELECT, and with it a snapshot of the database; finalize it, also after an error. */
int art_snapshot_hold(sqlite3 *db, const char *schema, sqlite3_stmt **out, char **message);
typedef int art_table_visit(void *context, const char *name, char **message);
/* Visits the art tables of a database, as this connection shows them, until one fails. */
int art_tables_each(sqlite3 *db, const char *schema, art_table_visit *visit, void *context, char **message);

/* awake.c */
/* Frees what its next use makes again. */
void art_vtab_trim(struct art_vtab *vtab);
/* A handle that is not awake is used: another one is trimmed in its place. */
void art_vtab_wake(struct art_vtab *vtab);
void art_vtab_forget_awake(struct art_vtab *vtab); /* before it is freed */

/* attach.c */
/* Finds the table behind a handle (reading T_artstate) and brings its tree up to date. First thing in every read. */
int art_vtab_ready(struct art_vtab *vtab);
/* Finds the table without looking at its rows. */
int art_vtab_attach(struct art_vtab *vtab, char **message);
void art_vtab_detach(struct art_vtab *vtab);
/* SQLITE_READONLY where T_artstate has a feature that who writes has to know, and this version does not. */
int art_table_knows_writing(struct art_table *table, char **message);
/* That, the same by the root, and whether the place allows it. The tree is up to date. */
int art_table_may_write(struct art_table *table, char **message);
/* A table that CREATE has just made. */
int art_table_new(struct art_vtab *vtab, const uint8_t *uuid, const struct art_settings *settings, const char *file,
                  struct art_table **out, char **message);
int art_table_refresh(struct art_table *table, char **message);
/* vtab->summarised, by the option that counts. */
int art_vtab_parse_summary(struct art_vtab *vtab, char **message);

/* Another tree of the table's, where its own is; unknown, to be closed. `summary` outlives it. */
int art_table_open_tree(struct art_table *table, const struct art_summary *summary, bool read_only,
                        struct art_tree **out, char **message);

/* snapshot_trees.c */
struct art_snapshot_tree {
    struct art_tree *tree;
    struct art_snapshot_trees *trees; /* (private) from here on: the table's */
    struct art_snapshot_tree *next;
    unsigned readers;
    bool retired;          /* not found any more, and closed with its last reader */
    uint64_t hash;         /* of the row that it was opened by */
    unsigned data_version; /* the table's, and its snapshot_changes, when the row was read last */
    unsigned changes;
    uint32_t name_len;
    uint8_t name[];
};
/* The tree of a snapshot of a table that is ready, to be released. It stays as it is, whatever becomes of the table.
 * SQLITE_ERROR: there is no such snapshot, or it is not committed yet. */
int art_snapshot_tree_hold(struct art_table *table, struct art_bytes name, struct art_snapshot_tree **out,
                           char **message);
void art_snapshot_tree_release(struct art_snapshot_tree *snapshot);
/* The same by an argument of an SQL statement's; *out = NULL: it is NULL, the table as it is now. SQLITE_MISMATCH: it
 * is no text. */
int art_snapshot_argument(struct art_table *table, sqlite3_value *name, struct art_snapshot_tree **out, char **message);
/* Does a scan of this connection read it? Asked before it is dropped. */
bool art_snapshot_is_read(const struct art_table *table, struct art_bytes name);

/* handle.c */
/* With the schema and the name out of the arguments of xConnect. */
int art_vtab_new(sqlite3 *db, const char *const *argv, struct art_vtab **out);
void art_vtab_free(struct art_vtab *vtab);
/* xDisconnect */
int art_vtab_disconnect(sqlite3_vtab *base);
void art_vtab_pin(struct art_vtab *vtab);
void art_vtab_unpin(struct art_vtab *vtab);
/* What an SQL text named, while a snapshot of its database is held, and kept for the next time. */
struct art_table_ref {
    struct art_table_ref *next;
    struct art_connection *connection;
    struct art_vtab *vtab;  /* NULL: gone */
    sqlite3_stmt *snapshot; /* stepped while it is held */
    bool held;
    bool pins; /* and `vtab` outlives its xDisconnect */
    bool once; /* not to be kept */
    char text[];
};
void art_table_ref_free(struct art_table_ref *ref); /* one that is listed */

/* table_ref.c */
/* 'table' or 'schema.table'. Must be released. */
int art_table_ref_hold(struct art_connection *connection, const char *text, struct art_table_ref **out, char **message);
void art_table_ref_release(struct art_table_ref *ref);
/* The handle alone, good until the next statement; *out = NULL: there is no such table. Not fresh: by
 * the schemas that SQLite has, for an xCreate: up to 3.45 it frees the table being made when it reads one anew. */
int art_table_ref_look(struct art_connection *connection, const char *text, bool fresh, struct art_vtab **out,
                       char **message);
int art_table_ref_unknown(const char *text, char **message); /* says so */
/* The handle of schema.table, made if need be by naming the table in a statement; *out = NULL: no art table. */
int art_find_vtab(struct art_connection *connection, const char *schema, const char *table, struct art_vtab **out,
                  char **message);
/* The handle of schema.name, pinned: art_vtab_unpin(). */
int art_table_open(struct art_connection *connection, const char *schema, const char *name, struct art_vtab **out,
                   char **message);
/* art_vtab_ready(), with its message. */
int art_table_ref_ready(struct art_vtab *vtab, char **message);
/* SQLITE_ERROR, with a message: the table has no column for commands, and art's own ones would be rows. */
int art_vtab_check_commands(const struct art_vtab *vtab, char **message);

/* sums.c */
/* Is what art_tree_sums() says of the range in this column of the summary what SQLite's sum() says of its rows? Else
 * SQLITE_ERROR, and the message names a row. */
struct art_range;
int art_sum_check(const struct art_vtab *vtab, struct art_tree *tree, const struct art_range *range, unsigned item,
                  char **message);

#endif
