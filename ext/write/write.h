/* Writing: INSERT, UPDATE, DELETE, and commands. */
#ifndef ART_EXT_WRITE_H
#define ART_EXT_WRITE_H

#include "ext/txn/txn.h"

/* update.c */
int art_update(sqlite3_vtab *base, int argc, sqlite3_value **argv, sqlite3_int64 *rowid);

/* All rows whose paths begin with `prefix`, or with `from`. SQLITE_CONSTRAINT_PRIMARYKEY: there are rows at the
 * target. */
int art_delete_prefix(struct art_vtab *vtab, struct art_bytes prefix);
int art_move_prefix(struct art_vtab *vtab, struct art_bytes from, struct art_bytes to, bool copies);
/* Copies them out of a snapshot, which `name` is. */
int art_copy_from_snapshot(struct art_vtab *vtab, sqlite3_value *name, struct art_bytes from, struct art_bytes to);

/* commands.c */
/* `columns`: as INSERT gives them, the user's first. */
int art_command_run(struct art_vtab *vtab, sqlite3_value **columns);

/* add_column.c */
/* The command 'add column': `definition` is what follows these words. */
int art_columns_add(struct art_vtab *vtab, const char *definition);
/* As of now: another row of the same statement may have added one already. On failure, too, to be cleared. */
int art_columns_present(const struct art_vtab *vtab, struct art_columns *out, char **message);

/* resummarise.c */
/* The command 'summary=(...)': the option as it was given. */
int art_summary_change(struct art_vtab *vtab, const char *option);

#endif
