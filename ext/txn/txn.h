/* A transaction of SQLite, as the art tables in it hear of it.
 *
 *             .--> ALONE ---------.
 *             |      | BEGIN      |
 *     OUT ----|      v            |--xSync--> PREPARED --xCommit--> OUT
 *       first '--> CHANGING ------'             |  ^
 *       change                                  |  |  xSync
 *                        ROLLBACK TO, or xSync  v  |
 *                                             REFUSED
 *
 *   OUT        the table has no owner, no saved states, and no requests; its tree has no changes that are not committed
 *   ALONE      a handle of the table drives it, that of the one statement that runs. A BEGIN while it runs, or a DROP
 *              or RENAME, for which the listener takes over, leads to CHANGING
 *   CHANGING   the listener drives the table, or a handle of it where there is none. Saved states lead back
 *   PREPARED   the shadow tables have all that the commit needs. SQLite tries to commit, or the COMMIT was refused and
 *              the transaction goes on: it may be there all the same
 *   REFUSED    as PREPARED, but the shadow tables may lack something
 *
 * xRollback leads to OUT from everywhere, and so does xCommit where xSync had nothing to write. ext/table/stage.c has
 * the arrows, and asserts what holds in a stage behind each callback. tests/sql/test_ext_states.c has a model of it,
 * goes through all of its states, and prints the arrows.
 *
 *     transaction   joining, savepoints, sync, commit, rollback of a table
 *     listener      temp.art_txn, which hears of every savepoint, commit and rollback
 *     clean         .art files that no table needs */
#ifndef ART_EXT_TXN_H
#define ART_EXT_TXN_H

#include "ext/access/access.h"

/* transaction.c */
/* Makes the table part of the running transaction, before its first change in it. `vtab` is a handle that SQLite has
 * begun: it drives where there is no listener. */
int art_table_join(struct art_table *table, struct art_vtab *vtab, char **message);
void art_table_set_owner(struct art_table *table, sqlite3_vtab *owner); /* NULL: it leaves */
/* Is the listener's the owner, so that no callback can be missed? */
bool art_table_is_heard(const struct art_table *table);
int art_table_savepoint(struct art_table *table, int number);
void art_table_release(struct art_table *table, int number);
void art_table_rollback_to(struct art_table *table, int number);
int art_table_sync(struct art_table *table, char **message);
void art_table_committed(struct art_table *table);
void art_table_rolled_back(struct art_table *table);
/* Callbacks, of an art table's handle and of the listener: for all tables of which it is the owner. */
int art_owner_sync(sqlite3_vtab *owner);
int art_owner_commit(sqlite3_vtab *owner);
int art_owner_rollback(sqlite3_vtab *owner);
int art_owner_savepoint(sqlite3_vtab *owner, int number);
int art_owner_release(sqlite3_vtab *owner, int number);
int art_owner_rollback_to(sqlite3_vtab *owner, int number);
int art_vtab_begin(sqlite3_vtab *base); /* a handle's alone */

/* listener.c */
extern const sqlite3_module art_listener_module;
/* Makes temp.art_txn if it can be made and no statement runs; or in any case. That it cannot be made is no error,
 * unless the transaction ended with it. */
int art_listener_make(struct art_connection *connection);
int art_listener_make_now(struct art_connection *connection);
/* connection->owner is set afterwards, or stays NULL where there can be no listener. */
int art_listener_join(struct art_connection *connection, char **message);
/* For DROP and RENAME: joins, made now if need be, and drives all tables from here on. */
int art_listener_take_over(struct art_connection *connection, char **message);

/* clean.c */
int art_orphan_files_find(struct art_connection *connection, const char *schema, struct art_orphan_files *out,
                          char **message);
void art_orphan_files_clear(struct art_orphan_files *orphans);
int art_clean_look(struct art_table *table, char **message);    /* the command */
int art_clean_prepare(struct art_table *table, char **message); /* in xSync */
void art_clean_finish(struct art_table *table);                 /* in xCommit */
/* For 'adopt': an error where another database has the table's file, and one lies there that may be the table's own. */
int art_clean_allow_adoption(struct art_table *table, char **message);

#endif
