/* SQL functions, and tables that say something about art tables: checks, copies, salvage, figures. */
#ifndef ART_EXT_ADMIN_H
#define ART_EXT_ADMIN_H

#include "core/tree/place.h"
#include "ext/host/host.h"
#include "ext/table/table_function.h"
#include "ext/txn/txn.h"

/* backup.c */
struct art_backup;
struct art_backup_progress {
    const char *table; /* whose blobs are being copied; NULL: the pages of the database */
    struct art_copy_progress of;
    bool done;
};
/* With `publish` the copy is for a web server (publish.c); `storage` is 'inline' then. 'update' in its place: onto an
 * earlier copy, if there is one (onto.c). Also after an error end() follows, with *out, which may be NULL. */
int art_backup_begin(struct art_connection *connection, const char *path, const char *schema, const char *storage,
                     bool publish, struct art_backup **out, char **message);
int art_backup_step(struct art_backup *backup, struct art_backup_progress *out, char **message);
/* With an error what was made is removed; *said: else, what it is, sqlite3_free() it. */
int art_backup_end(struct art_backup *backup, int rc, char **said, char **message);
/* All at once. */
int art_backup(struct art_connection *connection, const char *path, const char *schema, const char *storage,
               bool publish, char **said, char **message);
/* backup_table.c */
extern const struct art_table_function art_backup_function;
/* publish.c: loads art into a connection. extension.c sets it. */
extern int (*art_load_into)(sqlite3 *db);

/* vacuum.c */
/* *outcome: what it has done, in words. */
int art_vacuum_table(struct art_connection *connection, const char *name, const char **outcome, char **message);

/* verify.c */
/* Fails if any art table of the database is not whole and sound; else *text says 'ok' and more, sqlite3_free() it. */
int art_verify(struct art_connection *connection, const char *schema, char **text, char **message);

/* behind.c: of the tables of one schema. */
struct art_behind {
    struct art_connection *connection;
    bool can_tell; /* no snapshot was held at its beginning */
    char *schema;
    struct art_suspect {
        char *table;
        uint8_t uuid[ART_UUID_BYTES];
        struct art_root_mark mark; /* of its file */
    } * items;
    unsigned count, capacity;
};
/* Takes the sentence; NULL: no memory. */
typedef int art_behind_found(void *context, char *sentence);
void art_behind_begin(struct art_behind *behind, struct art_connection *connection);
/* At a table that is up to date. Fails where the file cannot be read. */
int art_behind_look(struct art_behind *behind, const struct art_vtab *vtab, char **message);
/* Tells of the tables whose database is older than their .art file, when no snapshot is held any more. */
int art_behind_end(struct art_behind *behind, art_behind_found *found, void *context, char **message);
void art_behind_clear(struct art_behind *behind);

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
void art_result_number(sqlite3_context *context, uint32_t number); /* of a slot or page; ART_NOWHERE is NULL */
extern const struct art_table_function art_check_function;

/* salvage.c, lost.c; both by salvage_source.c */
extern const sqlite3_module art_salvage_module;
extern const struct art_table_function art_lost_function;

/* snapshots.c */
extern const struct art_table_function art_snapshots_function;

/* diff.c */
extern const struct art_table_function art_diff_function, art_differences_function, art_growth_function;

/* info.c, functions.c */
extern const struct art_table_function art_info_function, art_debug_function;
/* The column's number in the summary: it has a sum. */
/* For a function: the bytes of a prefix, or of a path; of key=(...) those of a key. SQLite's code. */
int art_take_key(const struct art_vtab *vtab, sqlite3_value *value, struct art_bytes *out, char **message);
int art_find_sum(const struct art_vtab *vtab, const char *column, unsigned *item, char **message);
/* The same of a sum of hashes. */
int art_find_hash(const struct art_vtab *vtab, enum art_measure measure, unsigned *item, char **message);
int art_functions_register(sqlite3 *db);

#endif
