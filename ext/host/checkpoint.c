/* The checkpoints that art makes by itself: an early one after a commit (journal.c), and those of art_vacuum().
 *
 * SQLite before 3.51.3 can lose commits that it has acknowledged ("the WAL-reset bug", sqlite.org/wal.html). A
 * checkpoint reads how many frames the WAL has, and then how many of them are copied. If all are, there is nothing to
 * do. But if another connection begins the WAL anew between the two, no frame of the new WAL is copied, and the
 * checkpoint copies what it finds. Then it notes that the old number of frames is copied. Frames that come to these
 * places later are read by nobody, and the next WAL is written over them.
 *
 * So art's early checkpoint keeps others from beginning the WAL anew. They want all of the WAL's read locks for it, and
 * art holds one of them, shared: one whose mark no reader uses, so that the checkpoint itself does not want it. Writers
 * are not hindered, they append. Under this lock art looks into the WAL's index. If nothing is to be copied, it makes
 * no checkpoint. And where the WAL is so long that SQLite makes its own checkpoint behind this commit, art leaves it
 * to that one: behind art's it would have nothing to do.
 *
 * The checkpoint of art_vacuum() wants the write lock, under which nobody begins a WAL. But where it does not get that
 * lock, SQLite goes on without. So a SQLite that has the bug is not asked while another connection writes. What is left
 * is a writer that comes between this look and SQLite's, and stays longer than the busy handler waits.
 */
#include "ext/host/host.h"

/* The WAL's index in shared memory, in numbers of 32 bits (sqlite.org/walformat.html), and its locks. */
enum { INDEX_BYTES = 32768, INDEX_FRAMES = 4, INDEX_COPIED = 24, INDEX_MARKS = 25 };
enum { WRITE_LOCK = 0, READ_LOCKS = 3, READERS = 5 }; /* the locks' numbers */
enum { LOCK_SHARED = SQLITE_SHM_LOCK | SQLITE_SHM_SHARED, LOCK_WHOLLY = SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE };
enum {
    UNLOCK_SHARED = SQLITE_SHM_UNLOCK | SQLITE_SHM_SHARED,
    UNLOCK_WHOLLY = SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE
};

/* 3.51.3 has the mend, and so have the older branches from 3.44.6 and 3.50.7 on. */
bool art_sqlite_loses_commits(int version) {
    enum { FIXED_344 = 3044006, END_344 = 3045000, FIXED_350 = 3050007, END_350 = 3051000, FIXED = 3051003 };
    bool backported = (version >= FIXED_344 && version < END_344) || (version >= FIXED_350 && version < END_350);
    return version < FIXED && !backported;
}

static bool pragma_says(struct art_connection *connection, const char *schema, const char *pragma, const char *word) {
    bool told, says;
    return !art_pragma_ask(connection, schema, pragma, word, &told, &says) && says;
}

enum art_wal_users art_wal_users(struct art_connection *connection, const char *schema) {
    if (art_journal_is_hidden(connection)) return ART_WAL_HIDDEN;
    if (!pragma_says(connection, schema, "journal_mode", "wal")) return ART_WAL_UNTOLD;
    if (pragma_says(connection, schema, "locking_mode", "normal")) return ART_WAL_SHARED;
    return pragma_says(connection, schema, "locking_mode", "exclusive") ? ART_WAL_ALONE : ART_WAL_UNTOLD;
}

/* NULL where the VFS has no shared memory, whatever its version is. */
static sqlite3_file *file_with_index(sqlite3 *db, const char *schema) {
    sqlite3_file *file = art_database_file(db, schema);
    const sqlite3_io_methods *methods = file ? file->pMethods : NULL;
    return methods && methods->iVersion >= 2 && methods->xShmMap ? file : NULL;
}

static uint32_t index_number(const volatile uint32_t *index, int at) {
    assert(index && at >= 0 && at < INDEX_BYTES / (int)sizeof *index);
    return __atomic_load_n(index + at, __ATOMIC_ACQUIRE);
}

/* A mark changes only under its lock, exclusively. -1: readers use all of them. */
static int hold_read_lock(sqlite3_file *file, const volatile uint32_t *index) {
    for (int reader = READERS - 1; reader > 0; reader--) {
        if (index_number(index, INDEX_MARKS + reader) != UINT32_MAX) continue;
        if (file->pMethods->xShmLock(file, READ_LOCKS + reader, 1, LOCK_SHARED)) continue;
        if (index_number(index, INDEX_MARKS + reader) == UINT32_MAX) return reader;
        file->pMethods->xShmLock(file, READ_LOCKS + reader, 1, UNLOCK_SHARED);
    }
    return -1;
}

/* Under the read lock. */
static bool has_work(const volatile uint32_t *index, uint32_t autocheckpoint) {
    uint32_t frames = index_number(index, INDEX_FRAMES);
    return frames < autocheckpoint && index_number(index, INDEX_COPIED) < frames;
}

static bool make_checkpoint(sqlite3 *db, const char *schema) {
    return !sqlite3_wal_checkpoint_v2(db, schema, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

static bool checkpoint_beside_others(sqlite3 *db, const char *schema, uint32_t autocheckpoint) {
    void volatile *index = NULL;
    sqlite3_file *file = file_with_index(db, schema);
    if (!file || file->pMethods->xShmMap(file, 0, INDEX_BYTES, 0, &index) || !index) return false;
    int reader = hold_read_lock(file, index);
    if (reader < 0) return false;
    assert(reader > 0 && reader < READERS);
    bool made = has_work(index, autocheckpoint) && make_checkpoint(db, schema);
    file->pMethods->xShmLock(file, READ_LOCKS + reader, 1, UNLOCK_SHARED);
    return made;
}

bool art_checkpoint_early(sqlite3 *db, const char *schema, enum art_wal_users users, uint32_t autocheckpoint) {
    assert(autocheckpoint);
    if (users == ART_WAL_UNTOLD) return false;
    if (users == ART_WAL_SHARED) return checkpoint_beside_others(db, schema, autocheckpoint);
    return make_checkpoint(db, schema);
}

static bool another_writes(struct art_connection *connection, const char *schema) {
    if (!art_sqlite_loses_commits(sqlite3_libversion_number())) return false;
    if (art_wal_users(connection, schema) != ART_WAL_SHARED) return false;
    sqlite3_file *file = file_with_index(connection->db, schema);
    if (!file) return false;
    if (file->pMethods->xShmLock(file, WRITE_LOCK, 1, LOCK_WHOLLY)) return true;
    file->pMethods->xShmLock(file, WRITE_LOCK, 1, UNLOCK_WHOLLY);
    return false;
}

int art_checkpoint_truncate(struct art_connection *connection, const char *schema, int *log) {
    *log = -1;
    if (another_writes(connection, schema)) return SQLITE_BUSY;
    *log = 0;
    return sqlite3_wal_checkpoint_v2(connection->db, schema, SQLITE_CHECKPOINT_TRUNCATE, log, NULL);
}
