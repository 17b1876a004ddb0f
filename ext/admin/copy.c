/* The copy's side of art_backup(), as copy.h has it.
 *
 * All files are made by ourselves, as ones that were not there: somebody else's is neither written nor removed. A
 * leftover journal of the copy's name would be taken for the copy's own, by SQLite, so then it gets no such name. An
 * .art file that is there has only taken a name, and the copy's gets the next one.
 *
 * The copy is locked as long as it is made. All that is written is synced, whatever SQLite was built to do by itself:
 * a new copy's pages once, before its stamp. The folder comes last: a rollback journal that comes back after a power
 * loss would take back what it was for.
 */
#include "ext/admin/copy.h"

#include <errno.h>
#include <stdlib.h>

#include "core/base/platform.h"

#define JOURNAL_SUFFIX "-journal" /* behind the file's name */

enum { NAMES_MOST = 100 }; /* files of earlier copies that are in the way; what is taken beyond is an error */

static int cannot_write(const struct art_copy *copy, int rc, char **message) {
    return rc ? art_report_host(message, copy->db, rc, "cannot write the copy's tables") : SQLITE_OK;
}

/* --- its file ----------------------------------------------------------------------------------------------------- */

static const char *const journal_suffixes[] = {"-journal", "-wal", "-shm"};
enum { JOURNAL_SUFFIXES = sizeof journal_suffixes / sizeof *journal_suffixes };

struct journal_look {
    const char *name;
    const char *found;
};

static enum art_rc look_for_journal(void *context, const char *name) {
    struct journal_look *look = context;
    size_t length = strlen(look->name);
    if (strncmp(name, look->name, length)) return ART_OK;
    for (unsigned i = 0; i < JOURNAL_SUFFIXES; i++) {
        if (!strcmp(name + length, journal_suffixes[i])) look->found = journal_suffixes[i];
    }
    return ART_OK;
}

/* By their names: a link is there, too, also one that leads nowhere. */
static int refuse_journals(const char *file, char **message) {
    const char *slash = strrchr(file, '/');
    struct journal_look look = {slash + 1, NULL};
    char *folder = sqlite3_mprintf("%.*s", (int)(slash - file) + 1, file);
    if (!folder) return SQLITE_NOMEM;
    int rc = art_report(message, art_folder_list(folder, look_for_journal, &look));
    sqlite3_free(folder);
    if (rc || !look.found) return rc;
    return art_complain(
        message, SQLITE_CANTOPEN,
        "art: a journal is there that SQLite would take for the copy's (%s%s): give another name, or move it "
        "away",
        file, look.found);
}

/* Is the file, in a folder of that path, the journal of this database? By their names: such a journal may not be there
 * yet. */
static bool is_journal_of(const char *database, const char *folder, const char *name) {
    const char *slash = strrchr(database, '/');
    if (!slash) return false;
    size_t before = (size_t)(slash - database), base = strlen(slash + 1);
    bool beside = strlen(folder) == before && !sqlite3_strnicmp(folder, database, (int)before);
    if (!beside || strlen(name) <= base || sqlite3_strnicmp(name, slash + 1, (int)base) != 0) return false;
    for (unsigned i = 0; i < JOURNAL_SUFFIXES; i++) {
        if (!strcmp(name + base, journal_suffixes[i])) return true;
    }
    return false;
}

static int refuse_original(sqlite3 *db, const char *schema, const char *file, char **message) {
    char *real = art_platform_real_path(file);
    bool same = real && !strcmp(real, art_database_name(db, schema));
    free(real);
    if (!same) return SQLITE_OK;
    return art_complain(message, SQLITE_CANTOPEN, "art: a database is no copy of itself (%s): give another name", file);
}

/* SQLite would take the copy for the journal of a database that this connection has open. */
static int refuse_names_of_journals(sqlite3 *db, const char *file, char **message) {
    const char *slash = strrchr(file, '/');
    char *given = sqlite3_mprintf("%.*s", (int)(slash - file) + 1, file);
    char *folder = given ? art_platform_real_path(given) : NULL;
    sqlite3_stmt *list = NULL;
    int rc = given ? SQLITE_OK : SQLITE_NOMEM;
    if (folder && !rc) rc = sqlite3_prepare_v2(db, "PRAGMA database_list", -1, &list, NULL);
    if (rc) rc = art_report_host(message, db, rc, "cannot list the databases (PRAGMA database_list)");
    while (!rc && list && sqlite3_step(list) == SQLITE_ROW) {
        const char *schema = (const char *)sqlite3_column_text(list, 1);
        const char *database = schema ? art_database_name(db, schema) : "";
        if (!is_journal_of(database, strcmp(folder, "/") ? folder : "", slash + 1)) continue;
        rc = art_complain(message, SQLITE_CANTOPEN,
                          "art: the copy cannot have the name of a journal of this connection's database (%s): give "
                          "another name",
                          file);
    }
    int end = sqlite3_finalize(list);
    if (!rc && end) rc = art_report_host(message, db, end, "cannot list the databases (PRAGMA database_list)");
    free(folder);
    sqlite3_free(given);
    return rc;
}

static int refuse_file(const char *file, char **message) {
    return art_complain(message, SQLITE_CANTOPEN,
                        "art: the copy must be a new file (%s): give another name; art_backup() with 'update' brings "
                        "an earlier copy up to "
                        "date, and completes one that was killed",
                        file);
}

static int make_new_file(const char *file, const char *original, char **message) {
    enum art_rc rc = art_file_make(file, original);
    if (rc != ART_CANTOPEN || art_error_errno() != EEXIST) return art_report(message, rc);
    return refuse_file(file, message);
}

/* sqlite3_free() it; it is never taken for a URI. */
static char *name_for_journals(const char *path) {
    char *file = sqlite3_mprintf("%s%s%s", *path == '/' ? "" : "./", path, JOURNAL_SUFFIX);
    if (file) file[strlen(file) - strlen(JOURNAL_SUFFIX)] = 0;
    return file;
}

/* Where art keeps no files, SQLite makes the copy's: its VFS says whether there is one of that name, or a journal. */
static int choose_name(struct art_copy *copy, const char *path, char **message) {
    sqlite3_vfs *vfs = sqlite3_vfs_find(copy->vfs);
    int there = 0, rc = vfs ? SQLITE_OK : SQLITE_ERROR;
    char *file = sqlite3_mprintf("%s%s", path, JOURNAL_SUFFIX);
    if (!file) return SQLITE_NOMEM;
    for (unsigned i = 0; !rc && !there && i <= JOURNAL_SUFFIXES; i++) {
        strcpy(file + strlen(path), i ? journal_suffixes[i - 1] : "");
        rc = vfs->xAccess(vfs, file, SQLITE_ACCESS_EXISTS, &there);
    }
    if (rc) {
        rc = art_complain(message, SQLITE_CANTOPEN, "art: cannot look for a file of that name (%s): %s", file,
                          sqlite3_errstr(rc));
    } else if (there) {
        rc = refuse_file(file, message);
    }
    copy->file = rc ? NULL : file;
    file[strlen(path)] = 0;
    if (rc) sqlite3_free(file);
    return rc;
}

static int make_copy_file(struct art_copy *copy, const char *path, sqlite3 *from, const char *schema, char **message) {
    assert(!copy->file && !copy->db);
    if (!*path || !strcmp(path, ":memory:") || path[strlen(path) - 1] == '/') {
        return art_complain(message, SQLITE_CANTOPEN, "art: the copy is to be a file ('%s'): give its name", path);
    }
    if (!art_platform_has_files()) return choose_name(copy, path, message);
    char *file = name_for_journals(path);
    int rc = file ? refuse_original(from, schema, file, message) : SQLITE_NOMEM;
    if (!rc) rc = refuse_names_of_journals(from, file, message);
    if (!rc) rc = make_new_file(file, art_database_name(from, schema), message);
    bool made = !rc;
    if (!rc) rc = refuse_journals(file, message);
    if (!rc) {
        copy->file = file;
        return SQLITE_OK;
    }
    if (made) art_file_remove(file);
    sqlite3_free(file);
    return rc;
}

/* What its VFS does to the original's pages (sums, ciphers) it does to the copy's; NULL: the default one. */
static const char *vfs_of(sqlite3 *db, const char *schema) {
    sqlite3_vfs *vfs = NULL;
    const char *name = art_database_name(db, schema);
    if (!*name || !art_file_exists(name)) return NULL;
    if (sqlite3_file_control(db, schema, SQLITE_FCNTL_VFS_POINTER, &vfs) || !vfs) return NULL;
    return strcmp(vfs->zName, "memdb") ? vfs->zName : NULL;
}

static int open_copy_file(struct art_copy *copy, char **message) {
    int create = art_platform_has_files() ? 0 : SQLITE_OPEN_CREATE;
    int rc = sqlite3_open_v2(copy->file, &copy->db, SQLITE_OPEN_READWRITE | create, copy->vfs);
    if (!rc) rc = sqlite3_db_config(copy->db, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
    if (!rc)
        rc = sqlite3_exec(copy->db, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = EXTRA", NULL, NULL, NULL);
    if (rc) return art_report_host(message, copy->db, rc, "cannot open the copy (%s)", copy->file);
    copy->path = sqlite3_db_filename(copy->db, "main");
    if (!art_platform_has_files()) return SQLITE_OK;
    /* A program may change its folder between two steps, and a link's name is not that of its journals. */
    char *file = name_for_journals(copy->path);
    if (!file) return SQLITE_NOMEM;
    sqlite3_free(copy->file);
    copy->file = file;
    return SQLITE_OK;
}

int art_copy_run(struct art_copy *copy, const char *sql, char **message) {
    return cannot_write(copy, sqlite3_exec(copy->db, sql, NULL, NULL, NULL), message);
}

int art_copy_make(struct art_copy *copy, const char *path, sqlite3 *from, const char *schema, char **message) {
    copy->vfs = vfs_of(from, schema);
    int rc = make_copy_file(copy, path, from, schema, message);
    return rc ? rc : open_copy_file(copy, message);
}

int art_copy_open(struct art_copy *copy, const char *path, sqlite3 *from, const char *schema, char **message) {
    copy->is_there = true;
    copy->vfs = vfs_of(from, schema);
    copy->file = name_for_journals(path);
    int rc = copy->file ? refuse_original(from, schema, copy->file, message) : SQLITE_NOMEM;
    if (!rc) rc = refuse_names_of_journals(from, copy->file, message);
    return rc ? rc : open_copy_file(copy, message);
}

static int close_copy_file(struct art_copy *copy, char **message) {
    int rc = sqlite3_close(copy->db);
    copy->db = NULL;
    copy->path = NULL;
    return rc ? art_complain(message, rc, "art: cannot finish the copy: %s", sqlite3_errstr(rc)) : SQLITE_OK;
}

int art_copy_reopen(struct art_copy *copy, char **message) {
    int rc = close_copy_file(copy, message);
    return rc ? rc : open_copy_file(copy, message);
}

/* --- what its tables are told ------------------------------------------------------------------------------------- */

/* Takes the SQL. */
static int run_formatted(struct art_copy *copy, char **message, char *sql) {
    return cannot_write(copy, art_run_once(copy->db, sql, NULL, 0), message);
}

/* --- .art files --------------------------------------------------------------------------------------------------- */

/* What a killed run left of a new file is taken up, too; or made anew, where that is next to nothing. */
static bool is_earlier(const struct art_copy *copy, const struct art_table *table, const char *path) {
    struct art_earlier *earlier = art_onto_find(copy, table->uuid);
    if (earlier && earlier->begun) art_file_remove(path);
    if (earlier) earlier->begun = false; /* other names are tried behind its own */
    return copy->onto && art_file_belongs(path, copy->path, table->uuid);
}

/* *taken: something has this name. A table without blobs needs no file; one that is there is emptied, and not removed:
 * who has the copy open would go on reading it where a new one came to be. */
static int begin_file(struct art_copy *copy, struct art_table *table, const char *file, bool *taken, char **message) {
    assert(copy->path);
    char *path;
    char **more = art_resize(copy->art_files, (copy->count + 1) * sizeof *more);
    *taken = false;
    if (!more) return SQLITE_NOMEM;
    copy->art_files = more;
    enum art_rc rc = art_path_beside(copy->path, file, &path);
    struct art_tree_location location = {.path = path, .host_path = copy->path};
    location.onto = !rc && is_earlier(copy, table, path);
    bool needed = location.onto || art_tree_has_runs(table->tree);
    if (!rc && needed) rc = art_copier_begin(table->tree, &location, &copy->copier);
    if (!rc && needed) {
        more[copy->count++] = path;
        return SQLITE_OK;
    }
    *taken = rc == ART_CANTOPEN && art_error_errno() == EEXIST;
    art_free(path);
    return art_report(message, rc);
}

static int copy_to_file(struct art_copy *copy, struct art_table *table, const char *name, char **message) {
    assert(copy->path && !art_tree_unknown(table->tree));
    bool taken = false;
    if (art_disk_pages(table->connection->db, table->name->schema) == ART_DISK_PAGES_CHANGED) {
        return art_complain(message, SQLITE_ERROR,
                            "art: the copy's .art file would not be encrypted as this database is, nor changed in "
                            "another way on its way to the disk (%s): art_backup() with 'inline'",
                            table->database);
    }
    int rc;
    struct art_earlier *earlier = art_onto_find(copy, table->uuid);
    if (earlier) earlier->needed = true;
    for (unsigned attempt = 0;; attempt++) {
        char *file = !attempt && earlier && earlier->file ? sqlite3_mprintf("%s", earlier->file)
                                                          : art_file_name(copy->path, name, table->uuid, attempt);
        rc = file ? SQLITE_OK : SQLITE_NOMEM;
        if (!rc) rc = begin_file(copy, table, file, &taken, message);
        if (!rc)
            rc = run_formatted(
                copy, message,
                sqlite3_mprintf("INSERT OR REPLACE INTO main.\"%w_artstate\"(k, v) VALUES('file', %Q)", name, file));
        sqlite3_free(file);
        if (!rc || !taken || attempt == NAMES_MOST) return rc;
        art_forget_message(message);
    }
}

/* --- rows of T_artblob: only written, there are none yet ---------------------------------------------------------- */

static enum art_rc put_page(void *put, uint64_t page, const void *data) {
    int rc = art_blobs_bind(put, page, data);
    if (!rc) sqlite3_step(put);
    int end = sqlite3_reset(put);
    if (!rc && !end) return ART_OK;
    return art_fail_host(sqlite3_db_handle(put), rc ? rc : end, "cannot write the copy's tables");
}

static enum art_rc remove_no_page(void *put, uint64_t from, uint64_t end) {
    (void)put;
    (void)from;
    (void)end;
    return ART_OK;
}

static enum art_rc tell_no_page(void *put, uint64_t *pages) {
    (void)put;
    *pages = 0;
    return ART_OK;
}

static int begin_rows(struct art_copy *copy, struct art_table *table, const char *name, char **message) {
    assert(!art_tree_unknown(table->tree) && !copy->put);
    int rc = art_prepare(copy->db, 0, &copy->put,
                         sqlite3_mprintf("INSERT INTO main.\"%w_artblob\"(page, data) VALUES(?1, ?2)", name));
    if (rc) return cannot_write(copy, rc, message);
    copy->rows = (struct art_rows){copy->put, NULL, put_page, remove_no_page, tell_no_page};
    struct art_tree_location location = {.rows = &copy->rows};
    return art_report(message, art_copier_begin(table->tree, &location, &copy->copier));
}

/* There is one, and empty, in a copy that was given files. */
static int copy_to_rows(struct art_copy *copy, struct art_table *table, const char *name, char **message) {
    bool has;
    struct art_name *of = art_name_new("main", name);
    int rc = of ? art_shadow_has_blobs(copy->db, of, &has) : SQLITE_NOMEM;
    if (!rc && !has) rc = art_shadow_create_blobs(copy->db, of, message);
    if (!rc && art_tree_has_runs(table->tree)) rc = begin_rows(copy, table, name, message);
    art_name_release(of);
    return rc;
}

int art_copy_table(struct art_copy *copy, struct art_table *table, const char *name, char **message) {
    assert(!art_tree_unknown(table->tree));
    const struct art_medium *was = art_tree_medium(table->tree), *is = copy->medium ? copy->medium : was;
    if (is == was && is->goes_with_host) return SQLITE_OK;
    int rc = is->goes_with_host ? copy_to_rows(copy, table, name, message) : copy_to_file(copy, table, name, message);
    /* Nothing can be dropped while the tables are being listed. */
    if (!rc && was->goes_with_host) {
        rc = run_formatted(copy, message, sqlite3_mprintf("DELETE FROM main.\"%w_artblob\"", name));
    }
    if (!rc && is != was) {
        rc = run_formatted(
            copy, message,
            sqlite3_mprintf("INSERT OR REPLACE INTO main.\"%w_artstate\"(k, v) VALUES('storage', %Q)", name, is->name));
    }
    if (rc) return rc;
    /* None of its slots is retired, where nobody reads yet. */
    return run_formatted(copy, message, sqlite3_mprintf("DELETE FROM main.\"%w_artstate\" WHERE k = 'retired'", name));
}

static void end_table(struct art_copy *copy) {
    if (copy->copier) art_copier_close(copy->copier);
    sqlite3_finalize(copy->put);
    copy->copier = NULL;
    copy->put = NULL;
}

int art_copy_step(struct art_copy *copy, struct art_copy_progress *out, char **message) {
    assert(copy->copier);
    int rc = art_report(message, art_copier_step(copy->copier));
    art_copier_tell(copy->copier, out);
    if (rc || out->remaining) return rc;
    if (!copy->put) {
        copy->blobs += out->total;
        copy->written += out->written;
    }
    end_table(copy);
    return SQLITE_OK;
}

/* --- its transaction, and its end --------------------------------------------------------------------------------- */

int art_copy_begin(struct art_copy *copy, char **message) {
    assert(copy->db && copy->file);
    return art_copy_run(copy, "BEGIN IMMEDIATE", message);
}

/* What a close cannot move out of the WAL would stay in it, without an error, and is easily left behind. */
int art_copy_commit(struct art_copy *copy, char **message) {
    int rc = sqlite3_exec(copy->db, "COMMIT", NULL, NULL, NULL);
    if (!rc && copy->onto) {
        rc = art_onto_bring(copy, message);
        if (rc) return rc;
    }
    if (!rc) rc = sqlite3_wal_checkpoint_v2(copy->db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    return cannot_write(copy, rc, message);
}

static void remove_copy_file(const struct art_copy *copy) {
    sqlite3_vfs *vfs = art_platform_has_files() ? NULL : sqlite3_vfs_find(copy->vfs);
    if (vfs) {
        vfs->xDelete(vfs, copy->file, 0);
    } else {
        art_file_remove(copy->file);
    }
}

/* In the room behind the name: there may be no memory for another. */
static void remove_with_suffix(struct art_copy *copy, const char *suffix) {
    assert(strlen(suffix) < sizeof JOURNAL_SUFFIX);
    size_t length = strlen(copy->file);
    strcpy(copy->file + length, suffix);
    remove_copy_file(copy);
    copy->file[length] = 0;
}

static void remove_all(struct art_copy *copy) {
    assert(!copy->count || copy->file);
    for (unsigned i = 0; i < copy->count; i++) art_file_remove(copy->art_files[i]);
    if (!copy->file) return;
    for (unsigned i = 0; i < JOURNAL_SUFFIXES; i++) remove_with_suffix(copy, journal_suffixes[i]);
    remove_copy_file(copy); /* last: once its name is free, those may be somebody else's */
}

static void measure(const struct art_copy *copy, struct art_made *made) {
    assert(copy->file);
    uint64_t bytes, names;
    for (unsigned i = 0; i <= copy->count; i++) {
        if (art_file_look(i ? copy->art_files[i - 1] : copy->file, &bytes, &names)) continue;
        made->files++;
        made->bytes += bytes;
    }
}

static void measure_pages(const struct art_copy *copy, struct art_made *made) {
    sqlite3_stmt *ask = NULL;
    static const char bytes[] = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
    if (!sqlite3_prepare_v2(copy->db, bytes, -1, &ask, NULL) && sqlite3_step(ask) == SQLITE_ROW) {
        made->files = 1;
        made->bytes = (uint64_t)sqlite3_column_int64(ask, 0);
    }
    sqlite3_finalize(ask);
}

int art_copy_finish(struct art_copy *copy, int rc, struct art_made *made, char **message) {
    bool files = art_platform_has_files();
    end_table(copy);
    if (!rc && !files) measure_pages(copy, made);
    /* Of before the copy's WAL, or of its last commit: while the lock is held, nobody has begun another. */
    if (!rc && files) remove_with_suffix(copy, "-journal");
    int closed = close_copy_file(copy, rc ? NULL : message);
    sqlite3_close(copy->onto);
    copy->onto = NULL;
    if (!rc) rc = closed;
    if (!rc && files) rc = art_report(message, art_file_sync_folder(copy->file));
    if (rc) {
        if (!copy->is_there) remove_all(copy);
    } else if (files) {
        measure(copy, made);
    }
    for (unsigned i = 0; i < copy->count; i++) art_free(copy->art_files[i]);
    art_free(copy->art_files);
    art_onto_clear(copy);
    sqlite3_free(copy->file);
    return rc;
}
