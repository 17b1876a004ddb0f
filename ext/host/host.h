/* What core asks of SQLite for a table: its journal, and where its blobs are.
 *
 *     journal        what a flush asks of the database's journal before it uses a slot again
 *     checkpoint     the checkpoints that art makes by itself
 *     inline_blobs   blobs as rows of T_artblob
 *     scratch        temporary files of SQLite's
 *     storage        in a file beside the database, or inline
 *     disk_pages     whether the database's pages lie on the disk as SQLite has them */
#ifndef ART_EXT_HOST_H
#define ART_EXT_HOST_H

#include "ext/table/table.h"

/* One of SQLite's counts of the connection's caches, SQLITE_DBSTATUS_CACHE_... */
static inline int art_cache_count(sqlite3 *db, int which) {
    int count = 0, highest;
    sqlite3_db_status(db, which, &count, &highest, 0);
    return count;
}
/* Is this a host that has put a log of its own into the place of SQLite's? */
bool art_journal_is_hidden(struct art_connection *connection);
/* Does this PRAGMA of the schema answer with the word? *told: it answers; an authorizer may keep it from that. SQLite's
 * code. */
int art_pragma_ask(struct art_connection *connection, const char *schema, const char *pragma, const char *word,
                   bool *told, bool *says);
/* enum art_rc. */
enum art_rc art_journal_is_wal(struct art_table *table, bool *wal);
/* With what the table keeps for it: the same for each of its trees. enum art_rc. */
enum art_rc art_journal_host(struct art_table *table, struct art_host *out);
/* `all`: to the transaction's beginning, or to a savepoint that the table has never heard of. */
void art_journal_rolled_back_to(struct art_table *table, bool all);
/* Want of memory or disk in a statement of ours ends the whole transaction, and within xSync SQLite calls no xRollback
 * for it: whatever is written then is a transaction of its own, which commits by itself. */
bool art_journal_alive(const struct art_table *table);
/* May this transaction still be committed? */
bool art_journal_must_abort(const struct art_table *table);
int art_journal_sound(const struct art_table *table, char **message);
/* Random bytes into T_artstate, so that this transaction has a page of its own to commit. enum art_rc. */
enum art_rc art_journal_write_nonce(struct art_table *table);
/* Before the commit, and after it: SQLITE_OK once it cannot be lost any more. */
int art_journal_prepare_to_harden(struct art_table *table, char **message);
int art_journal_harden(struct art_table *table);
void art_journal_leave(struct art_table *table); /* the transaction has ended */
/* In xSync and xCommit: retired slots are free once SQLite's log begins anew, so a checkpoint is made early. */
void art_journal_note_checkpoint(struct art_table *table, bool wants_checkpoint);
void art_journal_end_epoch(struct art_table *table);

/* checkpoint.c */
/* Has SQLite of this version number the WAL-reset bug? */
bool art_sqlite_loses_commits(int version);
enum art_wal_users {
    ART_WAL_UNTOLD, /* there is no WAL, or an authorizer hides what it is */
    ART_WAL_SHARED, /* its index is in shared memory */
    ART_WAL_ALONE,  /* locking_mode=exclusive: there may be no such memory */
    ART_WAL_HIDDEN  /* art_journal_is_hidden() */
};
/* Who may use the WAL? Runs statements. */
enum art_wal_users art_wal_users(struct art_connection *connection, const char *schema);
/* Behind a commit, without a lock: copies what the WAL has into the database as far as readers let it. True: it did.
 * Not where nothing is to be copied, nor where the WAL has the frames of wal_autocheckpoint. Runs no statement. */
bool art_checkpoint_early(sqlite3 *db, const char *schema, enum art_wal_users users, uint32_t autocheckpoint);
/* Outside of transactions: all of the WAL, which is then empty. One of SQLite's codes. *log: -1 where it is
 * SQLITE_BUSY and SQLite's busy handler was not called. */
int art_checkpoint_truncate(struct art_connection *connection, const char *schema, int *log);

/* storage.c */
/* What `auto` stands for here; or a sentence why it cannot be. The table's T_artstate is there. */
int art_storage_resolve(struct art_connection *connection, const struct art_name *name, enum art_storage *storage,
                        char **message);
/* The table's blobs are there from now on: in the .art file of this name where there is one. An error, and all as
 * before, where none can be beside the database; it is a copy, then, or is to become one. */
int art_storage_use(struct art_table *table, const struct art_medium *medium, const char *file, char **message);
/* Another root may have come with another place of the blobs: what does T_artstate say? */
int art_storage_follow(struct art_table *table, char **message);

/* Of a table with a file: has the database been given a key, say, since the table was made? Looks, and notes it. */
bool art_storage_is_in_clear(struct art_table *table);
/* SQLITE_READONLY where it has, and a write was to come. */
int art_storage_refuse_clear(const struct art_table *table, char **message);
/* At the beginning of each transaction: looks once, or where a VFS could have been given a key each time. */
int art_storage_may_write(struct art_table *table, char **message);

/* disk_pages.c */
enum art_disk_pages {
    ART_DISK_PAGES_PLAIN,
    ART_DISK_PAGES_CHANGED,   /* encrypted, compressed, with sums */
    ART_DISK_PAGES_UNWRITTEN, /* the file is empty, or cannot be read */
};
/* Is it a VFS beside SQLite's own that could change them? */
bool art_disk_pages_have_vfs(sqlite3 *db, const char *schema);
/* Of a database that is a file. Runs no statement. */
enum art_disk_pages art_disk_pages(sqlite3 *db, const char *schema);
/* For a table that is being made, with an empty T_artstate: *plain = false where its database's pages are changed, or
 * that cannot be told. May write what the database's first transaction has in the cache. */
int art_disk_pages_of_new(struct art_connection *connection, const struct art_name *name, bool *plain, char **message);

/* scratch.c; the context is a table. */
extern const struct art_scratch_files art_sqlite_scratch;

/* inline_blobs.c */
void art_blobs_host(struct art_table *table, struct art_rows *out);
/* A page out of the first column of a row of T_artblob. False: it is not there. */
bool art_blobs_take(sqlite3_stmt *row, void *data, enum art_rc *art_rc);
/* And into the two parameters of a statement that writes one; `data` is borrowed. */
int art_blobs_bind(sqlite3_stmt *write, uint64_t page, const uint8_t *data);

#endif
