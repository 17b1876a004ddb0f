/* art_backup('copy.db' [, schema]): a whole database in one consistent copy, with the .art files of its tables, while others
 * go on writing.
 *
 * A SELECT stays stepped from the first page to the last blob: it holds the snapshot, and as long as it does no slot that
 * this snapshot's roots name is written. SQLite's own backup copies the pages; then each table's blobs go into a new file
 * beside the copy, verified, one after the other, into the same slots, and the copy's T_state gets the file's name. The new
 * file notes the copy as its owner, so both may be used, side by side. Tables with storage=inline need nothing of this.
 *
 * The copy is a new file, made by ourselves, so that nobody else's is written or removed. One that fails is removed. It is
 * complete, and durable, when the function returns.
 */
#include "ext/ext.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX_ROOM "-journal" /* behind the name of the copy */

enum { PAGES_A_STEP = 1000 }; /* copied between two looks whether anybody has interrupted */

struct backup {
    struct art_connection *connection;
    const char *schema;
    sqlite3 *to;
    char *file;            /* that was made for the copy, to be removed if it comes to nothing */
    const char *to_path;   /* as SQLite calls it */
    sqlite3_stmt *snapshot;
    char **made;           /* files beside the copy */
    unsigned made_count;
};

static int prepare(sqlite3 *db, sqlite3_stmt **out, char *sql) {
    *out = NULL;
    if (!sql) return SQLITE_NOMEM;
    int rc = sqlite3_prepare_v2(db, sql, -1, out, NULL);
    sqlite3_free(sql);
    return rc;
}

static int hold_snapshot(struct backup *backup, char **message) {
    sqlite3 *db = backup->connection->db;
    if (sqlite3_txn_state(db, backup->schema) < 0) {
        return art_complain(message, SQLITE_ERROR, "art: there is no database of that name (%s): give 'main' or an attached one",
                            backup->schema);
    }
    if (sqlite3_txn_state(db, backup->schema) == SQLITE_TXN_WRITE) {
        return art_complain(message, SQLITE_LOCKED,
                            "art: this transaction has written, a copy would have what is not committed (%s): COMMIT first",
                            backup->schema);
    }
    int rc = prepare(db, &backup->snapshot, sqlite3_mprintf("SELECT count(*) FROM \"%w\".sqlite_master", backup->schema));
    if (!rc) rc = sqlite3_step(backup->snapshot);
    if (rc == SQLITE_ROW) return SQLITE_OK; /* in an empty database, too */
    return art_report_sql(message, db, rc, "cannot read %s", backup->schema);
}

/* Any statement looks at the flag. */
static bool interrupted(sqlite3 *db) {
    sqlite3_stmt *nothing = NULL;
    int rc = sqlite3_prepare_v2(db, "SELECT 1", -1, &nothing, NULL);
    if (!rc) sqlite3_step(nothing);
    int end = sqlite3_finalize(nothing);
    return ((rc ? rc : end) & 0xff) == SQLITE_INTERRUPT;
}

static int copy_pages(struct backup *backup, char **message) {
    sqlite3 *db = backup->connection->db;
    sqlite3_backup *pages = sqlite3_backup_init(backup->to, "main", db, backup->schema);
    if (!pages) return art_report_sql(message, backup->to, sqlite3_errcode(backup->to), "cannot begin the copy");
    int rc;
    do {
        rc = interrupted(db) ? SQLITE_INTERRUPT : sqlite3_backup_step(pages, PAGES_A_STEP);
    } while (!rc);
    int end = sqlite3_backup_finish(pages);
    if (rc == SQLITE_DONE) rc = end;
    return rc ? art_complain(message, rc, "art: cannot copy the database: %s", sqlite3_errstr(rc)) : SQLITE_OK;
}

/* Notes the path, which is taken. */
static int note_file(struct backup *backup, char *path) {
    char **more = path ? art_resize(backup->made, (backup->made_count + 1) * sizeof *more) : NULL;
    if (!more) {
        art_free(path);
        return SQLITE_NOMEM;
    }
    backup->made = more;
    more[backup->made_count++] = path;
    return SQLITE_OK;
}

static int run_with_name(struct backup *backup, const char *sql, const char *table, const char *value, char **message) {
    sqlite3_stmt *statement;
    int rc = prepare(backup->to, &statement, sqlite3_mprintf(sql, table));
    if (!rc && value) rc = sqlite3_bind_text(statement, 1, value, -1, SQLITE_STATIC);
    if (!rc) sqlite3_step(statement);
    int end = sqlite3_finalize(statement);
    if (!rc) rc = end;
    return rc ? art_report_sql(message, backup->to, rc, "cannot write the copy's tables") : SQLITE_OK;
}

/* The file's name in the copy's T_state; and young slots are none there, where nobody reads yet. */
static int name_file(struct backup *backup, const struct art_table *table, const char *file, char **message) {
    const char *name = table->name->table;
    int rc = run_with_name(backup, "UPDATE main.\"%w_state\" SET v = ?1 WHERE k = 'file'", name, file, message);
    if (!rc) rc = run_with_name(backup, "DELETE FROM main.\"%w_state\" WHERE k = 'young'", name, NULL, message);
    return rc;
}

static int copy_table(struct backup *backup, struct art_table *table, char **message) {
    if (table->inlined) return SQLITE_OK;
    char *file = art_file_name_beside(backup->to_path, table->name->table, table->uuid);
    const char *slash = strrchr(backup->to_path, '/');
    size_t folder = slash ? (size_t)(slash - backup->to_path) + 1 : 0;
    char *path = file ? art_alloc(folder + strlen(file) + 1) : NULL;
    int rc = path ? SQLITE_OK : SQLITE_NOMEM;
    if (path) {
        memcpy(path, backup->to_path, folder);
        memcpy(path + folder, file, strlen(file) + 1);
    }
    if (!rc && art_tree_has_runs(table->tree)) {
        struct art_tree_place place = {.path = path, .host_path = backup->to_path};
        rc = access(path, F_OK) ? SQLITE_OK
                                : art_complain(message, SQLITE_CANTOPEN, "art: the copy's file is there (%s): move it away",
                                               path);
        if (!rc) rc = note_file(backup, path);
        path = rc ? path : NULL;
        if (!rc) rc = art_report(message, art_tree_copy(table->tree, &place));
    }
    if (!rc) rc = name_file(backup, table, file, message);
    art_free(path);
    sqlite3_free(file);
    return rc;
}

/* Does the copy need a file for this table, says its T_state? */
static int needs_file(struct backup *backup, const char *name, bool *needs) {
    sqlite3_stmt *state;
    int rc = prepare(backup->to, &state,
                     sqlite3_mprintf("SELECT 1 FROM main.\"%w_state\" WHERE k = 'file' AND NOT EXISTS "
                                     "(SELECT 1 FROM main.\"%w_state\" WHERE k = 'storage' AND v = 'inline')",
                                     name, name));
    *needs = !rc && sqlite3_step(state) == SQLITE_ROW;
    sqlite3_finalize(state);
    return rc == SQLITE_NOMEM ? rc : SQLITE_OK;
}

/* The table may be of another module, which may have its own troubles. */
static int copy_without_handle(struct backup *backup, const char *name, char **message) {
    bool needs;
    int rc = needs_file(backup, name, &needs);
    if (rc || !needs) return rc;
    rc = art_report_sql(message, backup->connection->db, SQLITE_ERROR, "cannot open the table (%s.%s)", backup->schema,
                        name);
    return rc == SQLITE_NOMEM ? rc : SQLITE_ERROR;
}

static int copy_named(struct backup *backup, const char *name, char **message) {
    struct art_vtab *vtab;
    int rc = art_find_vtab(backup->connection, backup->schema, name, &vtab, message);
    if (rc) return rc;
    if (!vtab) return copy_without_handle(backup, name, message);
    art_vtab_pin(vtab);
    rc = art_vtab_ready(vtab);
    if (rc) {
        sqlite3_free(*message);
        *message = vtab->base.zErrMsg;
        vtab->base.zErrMsg = NULL;
    } else {
        rc = copy_table(backup, vtab->table, message);
    }
    art_vtab_unpin(vtab);
    return rc;
}

/* The copy says which tables there are: no authorizer hides them there. */
static int copy_tables(struct backup *backup, char **message) {
    sqlite3_stmt *tables;
    int rc = prepare(backup->to, &tables,
                     sqlite3_mprintf("SELECT name FROM main.sqlite_schema WHERE type = 'table' AND rootpage = 0"));
    while (!rc && sqlite3_step(tables) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(tables, 0);
        rc = name ? copy_named(backup, name, message) : SQLITE_NOMEM;
        if (rc) {
            sqlite3_finalize(tables);
            return rc;
        }
    }
    int end = sqlite3_finalize(tables);
    if (!rc) rc = end;
    return rc ? art_report_sql(message, backup->to, rc, "cannot read the copy's tables") : SQLITE_OK;
}

/* Our own table in temp is none of the copy's, where it could not be. */
static int forget_tracker(struct backup *backup, char **message) {
    if (sqlite3_stricmp(backup->schema, "temp") != 0) return SQLITE_OK;
    int rc = sqlite3_exec(backup->to,
                          "PRAGMA writable_schema = ON; DELETE FROM main.sqlite_schema WHERE name = 'art_txn' AND "
                          "rootpage = 0; PRAGMA writable_schema = RESET",
                          NULL, NULL, NULL);
    return rc ? art_report_sql(message, backup->to, rc, "cannot write the copy's tables") : SQLITE_OK;
}

static int complete(struct backup *backup, char **message) {
    int rc = sqlite3_exec(backup->to, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (rc) return art_report_sql(message, backup->to, rc, "cannot write the copy's tables");
    rc = copy_tables(backup, message);
    if (!rc) rc = forget_tracker(backup, message);
    if (rc) return rc;
    rc = sqlite3_exec(backup->to, "COMMIT", NULL, NULL, NULL);
    /* While an error can still be told: what a close cannot move out of the WAL stays in it, and is easily left behind. */
    if (!rc) rc = sqlite3_wal_checkpoint_v2(backup->to, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    return rc ? art_report_sql(message, backup->to, rc, "cannot write the copy's tables") : SQLITE_OK;
}

/* With the rights of the original. */
static int make_file(const struct backup *backup, const char *path, char **message) {
    struct stat status;
    const char *original = art_database_name(backup->connection->db, backup->schema);
    mode_t mode = *original && !stat(original, &status) ? (status.st_mode & 0777) | S_IRUSR | S_IWUSR : 0644;
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd >= 0) {
        close(fd);
        return SQLITE_OK;
    }
    if (errno == EEXIST) {
        return art_complain(message, SQLITE_CANTOPEN, "art: the copy is to be a new file (%s): give another name", path);
    }
    return art_complain(message, SQLITE_CANTOPEN, "art: cannot make the copy (%s): %s", path, strerror(errno));
}

static int open_copy(struct backup *backup, const char *path, char **message) {
    if (!*path || !strcmp(path, ":memory:")) {
        return art_complain(message, SQLITE_CANTOPEN, "art: the copy is to be a file ('%s'): give its name", path);
    }
    char *file = sqlite3_mprintf("%s%s%s", *path == '/' ? "" : "./", path, SUFFIX_ROOM); /* never taken for a URI */
    if (!file) return SQLITE_NOMEM;
    file[strlen(file) - strlen(SUFFIX_ROOM)] = 0;
    int rc = make_file(backup, file, message);
    if (rc) {
        sqlite3_free(file);
        return rc;
    }
    backup->file = file;
    rc = sqlite3_open_v2(file, &backup->to, SQLITE_OPEN_READWRITE, NULL);
    if (rc) return art_report_sql(message, backup->to, rc, "cannot open the copy");
    backup->to_path = sqlite3_db_filename(backup->to, "main");
    return SQLITE_OK;
}

/* Removes what was made where it came to nothing. */
static int finish(struct backup *backup, int rc, char **message) {
    sqlite3_finalize(backup->snapshot);
    int closed = sqlite3_close(backup->to);
    if (!rc && closed) rc = art_complain(message, closed, "art: cannot finish the copy: %s", sqlite3_errstr(closed));
    for (unsigned i = 0; i < backup->made_count; i++) {
        if (rc) art_file_remove(backup->made[i]);
        art_free(backup->made[i]);
    }
    art_free(backup->made);
    static const char *const suffixes[] = {"", "-journal", "-wal", "-shm"};
    size_t length = backup->file ? strlen(backup->file) : 0;
    for (size_t i = 0; rc && backup->file && i < sizeof suffixes / sizeof *suffixes; i++) {
        strcpy(backup->file + length, suffixes[i]); /* there may be no memory for another name */
        unlink(backup->file);
    }
    sqlite3_free(backup->file);
    return rc;
}

int art_backup(struct art_connection *connection, const char *path, const char *schema, char **message) {
    struct backup backup = {.connection = connection, .schema = schema};
    int rc = art_shadow_busy(connection, schema, message);
    if (!rc) rc = hold_snapshot(&backup, message);
    if (!rc) rc = open_copy(&backup, path, message);
    if (!rc) rc = copy_pages(&backup, message);
    if (!rc) rc = complete(&backup, message);
    return finish(&backup, rc, message);
}
