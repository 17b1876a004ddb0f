/* The module `art`: CREATE, connect, DROP, RENAME, and the table of its callbacks.
 *
 *     CREATE VIRTUAL TABLE objects USING art;                         (path TEXT PRIMARY KEY NOT NULL, value, and
 *                                                                      hidden columns) WITHOUT ROWID
 *     CREATE VIRTUAL TABLE files USING art(path, size INTEGER, mtime REAL, cache='64MB')
 *
 * CREATE makes the shadow tables and nothing else: the .art file comes with the first flush. Its name is
 * <database>-<table>-<first 8 hex digits of the id>.art and is chosen so that no such file is there yet. Connecting
 * reads the columns out of T_artstate and never fails for what is on disk, else a damaged table could not be dropped;
 * the first read or write says what is wrong. DROP takes the shadow tables at once, and the file when the transaction
 * is safely committed.
 *
 * An art table does nothing that an ordinary one does not, so views and triggers may use it (INNOCUOUS).
 */
#include "ext/module.h"

#include "ext/admin/admin.h"
#include "ext/host/host.h"
#include "ext/query/query.h"
#include "ext/write/write.h"

#include <stddef.h>

enum { NAME_ATTEMPTS = 16 }; /* random ones: a second is never needed, but where somebody makes all files */

/* --- the id and the file's name ----------------------------------------------------------------------------------- */

/* A random id, and a name that no file has. sqlite3_free() the name. */
static int choose_id(sqlite3 *db, const struct art_name *name, uint8_t *uuid, char **file, char **message) {
    char *folder;
    int rc = art_database_folder(db, name->schema, &folder);
    for (int i = 0; !rc; i++) {
        rc = art_report(message, art_random(uuid, ART_UUID_BYTES));
        if (rc) break;
        *file = art_file_name(art_database_name(db, name->schema), name->table, uuid, 0);
        char *path = sqlite3_mprintf("%s%s", folder ? folder : "", *file);
        bool taken = path && folder && art_file_exists(path);
        sqlite3_free(path);
        if (!path || !*file) rc = SQLITE_NOMEM;
        if (!rc && !taken) break;
        sqlite3_free(*file);
        *file = NULL;
        if (i < NAME_ATTEMPTS) continue;
        rc = art_complain(message, SQLITE_CANTOPEN,
                          "art: each name that was tried for the .art file is taken (%s.%s): look what makes files in "
                          "the database's folder",
                          name->schema, name->table);
    }
    assert(rc || *file);
    art_free(folder);
    return rc;
}

/* --- handles ------------------------------------------------------------------------------------------------------ */

static int declare(struct art_vtab *vtab, char **message) {
    assert(vtab->columns.count && !vtab->fields);
    sqlite3 *db = vtab->connection->db;
    unsigned values = vtab->columns.count - 1;
    vtab->fields = values ? art_alloc(values * sizeof *vtab->fields) : NULL;
    if (values && !vtab->fields) return SQLITE_NOMEM;
    int rc = art_columns_declare(&vtab->columns, &vtab->summarised, db, vtab->name->table, message);
    if (!rc) rc = sqlite3_vtab_config(db, SQLITE_VTAB_CONSTRAINT_SUPPORT, 1);
    return rc ? rc : sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
}

/* `name = value` is an option, everything else a column. */
static int take_argument(struct art_vtab *vtab, const char *argument, char **message) {
    if (art_definition_is_blank(argument)) return SQLITE_OK;
    if (art_definition_is_option(argument, "summary")) {
        if (!vtab->summary) vtab->summary = art_string_copy(argument);
        return vtab->summary ? SQLITE_OK : SQLITE_NOMEM;
    }
    if (art_definition_is_option(argument, "key")) return SQLITE_OK; /* taken before (begin_columns()) */
    if (art_definition_is_option(argument, NULL)) return art_settings_parse(&vtab->settings, argument, message);
    return art_columns_append(&vtab->columns, vtab->name->table, argument, message);
}

/* Which columns make the key has to be known before any of them. */
static int begin_columns(struct art_vtab *vtab, int argc, const char *const *argv, char **message) {
    int rc = SQLITE_OK;
    for (int i = 3; !rc && i < argc; i++) {
        if (art_definition_is_option(argv[i], "key"))
            rc = art_columns_begin_keys(&vtab->columns, vtab->name->table, argv[i], message);
    }
    return rc;
}

/* What CREATE said, or where that cannot be understood, what every table had once (the first use will say what is
 * wrong); and what was added or changed since. No row is read: within BEGIN that would take the transaction's
 * snapshot while its first statement is prepared, and a write would then find the database locked, or changed since,
 * with no busy timeout. */
static int find_columns(struct art_vtab *vtab, bool understood, char **message) {
    int rc = SQLITE_OK;
    bool sound; /* if not, attaching says so */
    if (!understood || !vtab->columns.count) {
        art_columns_clear(&vtab->columns);
        rc = art_columns_default(&vtab->columns);
    }
    vtab->created = vtab->columns.count;
    if (!rc) rc = art_shadow_changes(vtab->connection->db, vtab->name, &vtab->columns, &sound, &vtab->changed_summary);
    if (rc == SQLITE_AUTH) { /* it would know no better when it may, and stays as long as the schema does */
        return art_complain(message, rc, "art: the columns may not be read (%s.%s_artstate): not authorized",
                            vtab->name->schema, vtab->name->table);
    }
    return rc == SQLITE_ERROR ? SQLITE_OK : rc; /* for the first use to say */
}

/* What it says is needed when the table is planned for; what is wrong with it, the first use says. */
static int understand_summary(struct art_vtab *vtab) {
    char *ignored = NULL;
    int rc = art_vtab_parse_summary(vtab, &ignored);
    sqlite3_free(ignored);
    return rc == SQLITE_NOMEM ? rc : SQLITE_OK;
}

/* What cannot be understood the first use says; without memory nobody knows. */
static int leave_to_first_use(int failed, char **ignored, bool *understood) {
    sqlite3_free(*ignored);
    *ignored = NULL;
    *understood &= !failed;
    return failed == SQLITE_NOMEM ? failed : SQLITE_OK;
}

static int connect_table(sqlite3 *db, void *context, int argc, const char *const *argv, sqlite3_vtab **out,
                         char **message) {
    (void)context;
    struct art_vtab *vtab;
    char *ignored = NULL;
    bool understood = true;
    int rc = art_vtab_new(db, argv, &vtab);
    if (rc) return rc;
    rc = leave_to_first_use(begin_columns(vtab, argc, argv, &ignored), &ignored, &understood);
    for (int i = 3; !rc && i < argc; i++) { /* what it does not know was written by a newer version, or by nobody */
        bool option = art_definition_is_option(argv[i], NULL), known = true;
        rc = leave_to_first_use(take_argument(vtab, argv[i], &ignored), &ignored, &known);
        understood &= option || known;
    }
    if (!rc) {
        int failed = art_columns_end_keys(&vtab->columns, vtab->name->table, &ignored);
        rc = leave_to_first_use(failed, &ignored, &understood);
    }
    if (!rc) rc = find_columns(vtab, understood, message);
    if (!rc) rc = understand_summary(vtab);
    if (!rc) rc = declare(vtab, message);
    if (!rc) rc = art_listener_make(vtab->connection);
    if (rc) {
        art_vtab_free(vtab);
        return rc == SQLITE_INTERRUPT ? art_report_interrupt(message) : rc; /* else SQLite blames the table */
    }
    assert(vtab->created && vtab->created <= vtab->columns.count && !vtab->table);
    *out = &vtab->base;
    return SQLITE_OK;
}

/* --- CREATE ------------------------------------------------------------------------------------------------------- */

/* By the bytes of a text, since PRAGMA encoding may be refused. */
static int check_encoding(sqlite3 *db, char **message) {
    sqlite3_stmt *ask = NULL;
    int bytes = 0;
    int rc = sqlite3_prepare_v2(db, "SELECT CAST('a' AS BLOB)", -1, &ask, NULL);
    if (!rc && sqlite3_step(ask) == SQLITE_ROW) bytes = sqlite3_column_bytes(ask, 0);
    int end = sqlite3_finalize(ask);
    if (!rc) rc = end;
    if (rc) return art_report_host(message, db, rc, "cannot ask for the encoding");
    if (bytes == 1) return SQLITE_OK;
    if (!bytes) return art_complain(message, SQLITE_AUTH, "art: cannot ask for the encoding: not authorized");
    return art_complain(message, SQLITE_ERROR,
                        "art: the database is in UTF-16, art tables need UTF-8: PRAGMA encoding='UTF-8' in a new "
                        "database");
}

/* From here on the table is part of the transaction: it did not exist at its beginning. */
static int create_table(struct art_vtab *vtab, char **message) {
    assert(!vtab->table && vtab->created == vtab->columns.count);
    sqlite3 *db = vtab->connection->db;
    uint8_t uuid[ART_UUID_BYTES];
    char *file = NULL;
    struct art_table *table = NULL;
    int rc = choose_id(db, vtab->name, uuid, &file, message);
    if (!rc) rc = art_table_new(vtab, uuid, &vtab->settings, file, &table, message);
    if (!rc) {
        table->vtabs++;
        table->columns = vtab->columns.count;
        vtab->table = table;
        table->remove_allowed = true;
        table->exists = false;
        rc = art_listener_make_now(vtab->connection); /* CREATE opens no cursor behind this */
        if (!rc) rc = art_table_join(table, vtab, message);
        table->exists = true;
    }
    if (!rc) rc = art_shadow_fill(db, vtab->name, uuid, &vtab->settings, file, &vtab->columns, message);
    if (rc && table) table->exists = false;
    sqlite3_free(file);
    return rc;
}

/* SQLite's own names begin with "sqlite_", and so would those of the shadow tables. */
static int check_name(const char *table, char **message) {
    if (sqlite3_stricmp(table, "sqlite") != 0) return SQLITE_OK;
    return art_complain(
        message, SQLITE_ERROR,
        "art: an art table cannot be called %s, as SQLite keeps the names of its shadow tables for itself "
        "(%s_artstate): take another name",
        table, table);
}

static int create(sqlite3 *db, void *context, int argc, const char *const *argv, sqlite3_vtab **out, char **message) {
    (void)context;
    struct art_vtab *vtab;
    int rc = art_vtab_new(db, argv, &vtab);
    if (rc) return rc;
    rc = check_name(vtab->name->table, message);
    if (!rc) rc = art_definition_check_options(vtab->name->table, argc - 3, argv + 3, message);
    if (!rc) rc = begin_columns(vtab, argc, argv, message);
    for (int i = 3; !rc && i < argc; i++) rc = take_argument(vtab, argv[i], message);
    if (!rc) rc = art_columns_end_keys(&vtab->columns, vtab->name->table, message);
    if (!rc && !vtab->columns.count) rc = art_columns_default(&vtab->columns);
    if (!rc) rc = art_columns_check_names(&vtab->columns, vtab->name->table, message);
    if (!rc) rc = art_vtab_parse_summary(vtab, message);
    if (!rc) rc = art_summary_check_sums(&vtab->summarised, &vtab->columns, vtab->name->table, message);
    vtab->columns.hashes = vtab->summarised.hashes;
    if (!rc) rc = art_columns_check_count(&vtab->columns, db, vtab->name->table, message);
    if (!rc) rc = declare(vtab, message);
    vtab->created = vtab->columns.count;
    if (!rc) rc = check_encoding(db, message);
    if (!rc) rc = art_shadow_create(db, vtab->name, message);
    if (!rc) rc = art_storage_resolve(vtab->connection, vtab->name, &vtab->settings.storage, message);
    if (!rc) rc = create_table(vtab, message);
    if (rc) {
        if (vtab->table && vtab->table->owner == &vtab->base) art_table_rolled_back(vtab->table);
        art_vtab_free(vtab);
        return rc;
    }
    vtab->begun = true; /* SQLite counts it in, and never calls xBegin */
    assert(vtab->table && vtab->table->owner && vtab->table->exists);
    art_table_assert(vtab->table);
    *out = &vtab->base;
    return SQLITE_OK;
}

/* --- DROP and RENAME ---------------------------------------------------------------------------------------------- */

/* Without the listener nobody would hear that a DROP or RENAME was taken back, and uncommitted rows would be lost. Nor
 * would SQLite tell this handle of the end: a table that is not in the transaction yet stays out of it. */
static int join_for_change(struct art_vtab *vtab, const char *what) {
    assert(vtab->table && !vtab->table->deleting); /* the statement has a savepoint, or is the transaction */
    struct art_table *table = vtab->table;
    int rc = art_listener_take_over(vtab->connection, &vtab->base.zErrMsg);
    if (!rc && vtab->connection->joined) rc = art_table_join(table, vtab, &vtab->base.zErrMsg);
    if (rc || art_table_is_heard(table) || !art_tree_dirty(table->tree)) return rc;
    return art_complain(&vtab->base.zErrMsg, SQLITE_LOCKED, "art: %s has uncommitted changes: COMMIT them before %s",
                        vtab->name->table, what);
}

/* Only a file that is surely this database's goes with the table: one that was copied with it is claimed first, if it
 * can be. */
static int claim_file(struct art_table *table, char **message) {
    int rc = art_table_refresh(table, message);
    if (art_ends_transaction(rc)) return rc;
    art_forget_message(message);
    if (!rc && !table->writers_need) (void)art_tree_claim(table->tree);
    return SQLITE_OK;
}

static int destroy(sqlite3_vtab *base) {
    struct art_vtab *vtab = (struct art_vtab *)base;
    int rc = art_vtab_attach(vtab, &base->zErrMsg);
    if (art_ends_transaction(rc)) return rc;
    art_forget_message(&base->zErrMsg); /* if damaged, its shadow tables go, the file stays */
    struct art_table *table = vtab->table;
    rc = table ? claim_file(table, &base->zErrMsg) : SQLITE_OK;
    if (!rc && table) rc = join_for_change(vtab, "DROP");
    if (rc) return rc;
    if (table) {
        table->remove_allowed = true;
        art_shadow_finalize(table);
    }
    rc = art_shadow_drop(vtab->connection->db, vtab->name, &base->zErrMsg);
    if (rc) return rc;
    if (table) {
        assert(table->vtabs);
        table->exists = false;
        bool heard = art_table_is_heard(table);
        if (!heard) table->remove_allowed = false; /* nobody will tell whether the DROP lasts */
        if (!heard && table->owner == base) art_table_committed(table);
        art_table_assert(table);
    }
    art_vtab_free(vtab);
    return SQLITE_OK;
}

static int rename_table(sqlite3_vtab *base, const char *to) {
    struct art_vtab *vtab = (struct art_vtab *)base;
    int rc = check_name(to, &base->zErrMsg);
    if (!rc) rc = art_vtab_attach(vtab, &base->zErrMsg);
    if (!rc) rc = art_table_knows_writing(vtab->table, &base->zErrMsg);
    if (!rc) rc = join_for_change(vtab, "RENAME");
    if (rc) return rc;
    struct art_name *name = art_name_new(vtab->name->schema, to);
    if (!name) return SQLITE_NOMEM;
    assert(vtab->table && strcmp(vtab->table->name->schema, vtab->name->schema) == 0);
    art_shadow_finalize(vtab->table);
    rc = art_shadow_rename(vtab->connection->db, vtab->name, to, &base->zErrMsg);
    if (!rc) {
        art_table_set_name(vtab->table, name);
        art_name_release(vtab->name);
        vtab->name = art_name_hold(name);
        art_table_assert(vtab->table);
    }
    art_name_release(name);
    return rc;
}

static int is_shadow_name(const char *suffix) {
    return !sqlite3_stricmp(suffix, "artstate") || !sqlite3_stricmp(suffix, "artdata") ||
           !sqlite3_stricmp(suffix, "artblob");
}

/* --- integrity_check, since SQLite 3.44 --------------------------------------------------------------------------- */

/* quick_check leaves out the leaf blobs. */
static int check_integrity(sqlite3_vtab *base, const char *schema, const char *name, int quick, char **error) {
    if (((struct art_vtab *)base)->connection->verifying) return SQLITE_OK;
    struct art_findings findings = {.most = ART_FINDINGS_MAX};
    char *before = sqlite3_mprintf("%s.%s: ", schema, name), *message = NULL; /* which SQLite does not ask for */
    int rc = before ? art_check_table((struct art_vtab *)base, quick & 1, &findings, &message) : SQLITE_NOMEM;
    if (!rc && findings.count) {
        *error = art_findings_text(&findings, before);
        if (!*error) rc = SQLITE_NOMEM;
    }
    sqlite3_free(message);
    sqlite3_free(before);
    art_findings_clear(&findings);
    return rc;
}

/* SQLite looks at xIntegrity by iVersion 4; headers before 3.44 end one member short of it. */
struct module_with_integrity {
    sqlite3_module module;
#if SQLITE_VERSION_NUMBER < 3044000
    int (*xIntegrity)(sqlite3_vtab *base, const char *schema, const char *name, int quick, char **error);
#endif
};
#if SQLITE_VERSION_NUMBER < 3044000
_Static_assert(offsetof(struct module_with_integrity, xIntegrity) == sizeof(sqlite3_module), "the next member");
#else
_Static_assert(offsetof(sqlite3_module, xIntegrity) == offsetof(sqlite3_module, xShadowName) + sizeof(void *),
               "where a header without it ends");
#endif

static const struct module_with_integrity module = {
    .module =
        {
            .iVersion = 4,
            .xCreate = create,
            .xConnect = connect_table,
            .xBestIndex = art_best_index,
            .xDisconnect = art_vtab_disconnect,
            .xDestroy = destroy,
            .xOpen = art_scan_open,
            .xClose = art_scan_close,
            .xFilter = art_scan_filter,
            .xNext = art_scan_next,
            .xEof = art_scan_eof,
            .xColumn = art_scan_column,
            .xRowid = art_scan_rowid,
            .xUpdate = art_update,
            .xBegin = art_vtab_begin,
            .xSync = art_owner_sync,
            .xCommit = art_owner_commit,
            .xRollback = art_owner_rollback,
            .xRename = rename_table,
            .xSavepoint = art_owner_savepoint,
            .xRelease = art_owner_release,
            .xRollbackTo = art_owner_rollback_to,
            .xShadowName = is_shadow_name,
#if SQLITE_VERSION_NUMBER >= 3044000
            .xIntegrity = check_integrity,
        },
#else
        },
    .xIntegrity = check_integrity,
#endif
};

const sqlite3_module *art_module(void) {
    return &module.module;
}
