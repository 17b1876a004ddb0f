/* From a handle to a tree that is up to date.
 *
 * xConnect knows only names: a handle finds its table when it is first used, by what T_artstate says in that
 * statement's own snapshot.
 *
 *     unused --ready()--> attached --ready()--> refreshed, once per data version
 */
#include "core/tree/place.h"
#include "ext/access/access.h"
#include "ext/host/host.h"

#include <assert.h>

int art_table_open_tree(struct art_table *table, const struct art_summary *summary, bool read_only,
                        struct art_tree **out, char **message) {
    const struct art_settings *settings = &table->settings;
    struct art_tree_options options = {.path = table->path,
                                       .host_path = table->database,
                                       .read_only = read_only,
                                       .apart = table->connection->recorder != NULL,
                                       .cache_bytes = settings->cache_bytes,
                                       .log_limit = settings->log_limit,
                                       .spill_limit = settings->spill_limit};
    memcpy(options.uuid, table->uuid, ART_UUID_BYTES);
    if (summary) options.summary = *summary;
    struct art_host host;
    enum art_rc art_rc = art_journal_host(table, &host);
    return art_report(message, art_rc ? art_rc : art_tree_open(out, &options, &host));
}

static bool is_read_only(sqlite3 *db, const char *schema) {
    return sqlite3_db_readonly(db, schema) == 1;
}

static int open_tree(struct art_table *table, const struct art_summarised *summarised, const char *file,
                     char **message) {
    const struct art_summary *summary;
    assert(!table->tree && !table->path);
    int rc = art_storage_use(table, art_storage_medium(table->settings.storage), file, message);
    if (!rc) rc = art_table_give_summary(table, summarised, &summary);
    if (rc) return rc;
    return art_table_open_tree(table, summary, table->read_only, &table->tree, message);
}

int art_table_new(struct art_vtab *vtab, const uint8_t *uuid, const struct art_settings *settings, const char *file,
                  struct art_table **out, char **message) {
    struct art_connection *connection = vtab->connection;
    const char *schema = vtab->name->schema;
    struct art_table *table = art_alloc_zeroed(sizeof *table);
    if (!table) return SQLITE_NOMEM;
    table->connection = connection;
    table->name = art_name_hold(vtab->name);
    table->settings = *settings;
    table->file = art_database_file(connection->db, schema);
    table->read_only = is_read_only(connection->db, schema);
    table->database = art_string_copy(art_database_name(connection->db, schema));
    table->exists = true;
    memcpy(table->uuid, uuid, ART_UUID_BYTES);
    int rc = table->database ? SQLITE_OK : SQLITE_NOMEM;
    if (!rc) rc = art_refuse_shared_cache(connection->db, schema, message);
    if (!rc) rc = open_tree(table, &vtab->summarised, file, message);
    if (rc) {
        art_table_free(table);
        return rc;
    }
    art_connection_add_table(table);
    *out = table;
    assert(table->tree && table->journal && table->stage == ART_STAGE_OUT);
    return SQLITE_OK;
}

/* Was its database detached since? A statement that is kept keeps the handle, and by it the table; and the database
 * that is attached next may have its files where that one had them in memory. A transaction's own is there. */
static bool is_left_behind(const struct art_table *table, bool read_only) {
    if (table->owner) return false;
    sqlite3 *db = table->connection->db;
    return table->read_only != read_only || art_database_file(db, table->name->schema) != table->file;
}

static struct art_table *find_table(struct art_connection *connection, const char *schema, const uint8_t *uuid) {
    const sqlite3_file *file = art_database_file(connection->db, schema);
    const char *database = art_database_name(connection->db, schema);
    bool read_only = is_read_only(connection->db, schema);
    for (struct art_table *table = *art_table_chain(connection, uuid); table; table = table->next) {
        if (table->file == file && !memcmp(table->uuid, uuid, ART_UUID_BYTES) && !strcmp(table->database, database) &&
            !is_left_behind(table, read_only)) {
            return table;
        }
    }
    return NULL;
}

/* Reads from T_artstate which columns were added, and the summary; *same: it is the one that this handle knows. A
 * handle that wrote rows without the added columns would lose their values. With another summary it can read no
 * blob. */
static int read_changes(const struct art_vtab *vtab, struct art_columns *columns, bool *sound, bool *same,
                        char **message) {
    sqlite3 *db = vtab->connection->db;
    char *summary;
    int rc = art_shadow_changes(db, vtab->name, columns, sound, &summary);
    const char *known = vtab->changed_summary;
    *same = summary && known ? !strcmp(summary, known) : summary == known;
    art_free(summary);
    if (!rc || rc == SQLITE_NOMEM) return rc;
    return art_report_sql(message, db, rc, "cannot read %s.%s_artstate", vtab->name->schema, vtab->name->table);
}

/* A handle declares its columns before it knows its table: what T_artstate says must be the same now, of those that
 * CREATE named, and of those that were added, which an authorizer may have hidden then. */
static int check_columns(const struct art_vtab *vtab, const struct art_state *state, char **message) {
    assert(vtab->created && vtab->created <= vtab->columns.count);
    struct art_columns columns, created = vtab->columns;
    created.count = vtab->created;
    const struct art_name *name = vtab->name;
    bool equal = false, damaged = true, sound = true, same = true;
    int rc = state->columns ? art_columns_parse(&columns, name->table, state->columns, message)
                            : art_columns_copy(&columns, name->table, &created, message);
    if (rc == SQLITE_NOMEM) return rc;
    if (!rc) {
        rc = art_columns_compare(&columns, &created, &equal);
        damaged = !rc && !equal;
        if (!rc && equal) rc = read_changes(vtab, &columns, &sound, &same, message);
        if (!rc && equal) rc = art_columns_compare(&columns, &vtab->columns, &equal);
        equal &= same;
        art_columns_clear(&columns);
        if (rc || (equal && sound)) return rc;
        damaged |= !sound;
    }
    if (damaged) {
        return art_complain(message, SQLITE_CORRUPT_VTAB,
                            "art: the columns are damaged (%s.%s_artstate): restore the database from a backup, or "
                            "copy out what is left by art_salvage",
                            name->schema, name->table);
    }
    return art_complain(message, SQLITE_ABORT,
                        "art: the columns or the summary are others than when this connection read the schema "
                        "(%s.%s_artstate): open the database anew",
                        name->schema, name->table);
}

/* Another connection may have changed it. */
static int follow_summary(struct art_table *table, const struct art_summarised *now, char **message) {
    const struct art_summary *summary;
    if (art_summaries_equal(art_table_summarised(table), now)) return SQLITE_OK;
    int rc = art_table_give_summary(table, now, &summary);
    return rc ? rc : art_report(message, art_tree_use_summary(table->tree, summary));
}

int art_vtab_parse_summary(struct art_vtab *vtab, char **message) {
    const char *option = vtab->changed_summary ? vtab->changed_summary : vtab->summary;
    if (!option) return SQLITE_OK;
    return art_summary_parse(option, &vtab->columns, vtab->name->table, &vtab->summarised, message);
}

/* A copy was put into the database's place, or came to its name behind a DETACH, while an older statement held the
 * table: its .art file is another one then, or the copy has the other storage. Who is at work on the table keeps it. */
static int use_named_file(const struct art_vtab *vtab, struct art_table *table, const struct art_state *state,
                          char **message) {
    const struct art_medium *medium = art_storage_medium(state->settings.storage);
    bool used = table->owner || table->scans || table->renamed, other = medium != art_tree_medium(table->tree);
    int moved = 0;
    for (const struct art_vtab *each = vtab->connection->vtabs; each; each = each->next)
        used |= each->table == table && each->pins;
    if (other && !table->owner) art_tree_forget(table->tree); /* its refresh follows */
    (void)sqlite3_file_control(vtab->connection->db, vtab->name->schema, SQLITE_FCNTL_HAS_MOVED, &moved);
    return used || other || moved ? SQLITE_OK : art_storage_use(table, medium, state->file, message);
}

int art_vtab_attach(struct art_vtab *vtab, char **message) {
    if (vtab->table) return SQLITE_OK;
    struct art_connection *connection = vtab->connection;
    struct art_state state;
    art_tables_free_unused(connection);
    int rc = art_shadow_read_state(connection, vtab->name, &vtab->settings, &state, message);
    if (rc) return rc;
    struct art_table *table = find_table(connection, vtab->name->schema, state.uuid);
    rc = check_columns(vtab, &state, message);
    if (!rc) rc = art_vtab_parse_summary(vtab, message);
    if (!rc && !table && !state.file_is_sound) {
        rc = art_complain(message, SQLITE_CORRUPT_VTAB,
                          "art: the name of the .art file is lost (%s.%s_artstate): restore the database from a "
                          "backup, or copy out what is left by art_salvage",
                          vtab->name->schema, vtab->name->table);
    } else if (!rc && !table) {
        rc = art_table_new(vtab, state.uuid, &state.settings, state.file, &table, message);
        if (!rc) rc = art_extract_note(table, art_buffer_bytes(&state.extract));
        if (rc && table) art_table_free_if_unused(table);
    } else if (!rc) {
        rc = follow_summary(table, &vtab->summarised, message);
        if (!rc && state.file_is_sound) rc = use_named_file(vtab, table, &state, message);
    }
    char *writers_need = state.writers_need;
    state.writers_need = NULL;
    art_state_clear(&state);
    if (rc) art_free(writers_need);
    if (rc) return rc;
    assert(table);
    table->vtabs++;
    if (table->fresh == ART_FRESH_AT_VERSION) table->fresh = ART_FRESH_UNKNOWN;
    table->snapshot_changes++; /* behind a DETACH and ATTACH SQLite counts the database's versions anew */
    table->keeps_cache = false;
    table->exists = true; /* T_artstate says so */
    table->columns = vtab->columns.count;
    vtab->table = table;
    art_free(table->writers_need);
    table->writers_need = writers_need;
    art_table_set_name(table, vtab->name);
    return SQLITE_OK;
}

int art_table_knows_writing(struct art_table *table, char **message) {
    if (!table->writers_need) return SQLITE_OK;
    return art_complain(message, SQLITE_READONLY,
                        "art: this table has the feature '%s', with which this version of art can read, but not write "
                        "(%s.%s_artstate): use a newer version",
                        table->writers_need, table->name->schema, table->name->table);
}

int art_table_may_write(struct art_table *table, char **message) {
    int rc = art_table_knows_writing(table, message);
    if (!rc) rc = art_report(message, art_tree_may_write(table->tree));
    return rc ? rc : art_storage_may_write(table, message);
}

void art_vtab_detach(struct art_vtab *vtab) {
    struct art_table *table = vtab->table;
    if (!table) return;
    assert(table->vtabs);
    art_scans_abandon(table, vtab);
    vtab->table = NULL;
    table->vtabs--;
    art_table_free_if_unused(table);
}

/* SQLITE_NOTFOUND: T_artstate is now another table's. */
static int refresh_from_log(struct art_table *table, char **message) {
    bool rebuild = false, ours = true;
    int rc = art_shadow_read_log(table, message, &rebuild);
    if (!rebuild) return rc;
    art_forget_message(message);
    rc = art_shadow_is_ours(table, &ours, message);
    if (rc) return rc;
    if (!ours) return SQLITE_NOTFOUND;
    return art_shadow_read_log(table, message, &rebuild);
}

int art_table_refresh(struct art_table *table, char **message) {
    unsigned version = art_database_version(table->connection->db, table->name->schema);
    if (table->fresh != ART_FRESH_UNKNOWN && version == table->data_version) return SQLITE_OK;
    /* Nobody else can commit, and after a COMMIT that met a lock the log holds this transaction's own rows. */
    bool own = table->fresh == ART_FRESH_LOCKED || art_tree_dirty(table->tree);
    if (own && !art_tree_unknown(table->tree)) return SQLITE_OK;
    art_scans_catch_up(table);
    art_extract_forget(table);
    table->fresh = ART_FRESH_UNKNOWN;
    /* A refresh that failed may have got as far as the root; and another root may have come with another place. */
    bool known = !art_tree_unknown(table->tree);
    uint64_t generation = art_tree_generation(table->tree);
    int rc = refresh_from_log(table, message);
    if (!rc && (!known || art_tree_generation(table->tree) != generation)) {
        rc = art_storage_follow(table, message);
        if (rc) art_tree_forget(table->tree);
    }
    if (rc) return rc;
    table->data_version = version;
    assert(!art_tree_unknown(table->tree));
    table->fresh = ART_FRESH_AT_VERSION;
    return SQLITE_OK;
}

int art_vtab_ready(struct art_vtab *vtab) {
    char **message = &vtab->base.zErrMsg;
    if (!vtab->awake) art_vtab_wake(vtab);
    for (int attempt = 0;; attempt++) {
        int rc = art_vtab_attach(vtab, message);
        if (!rc) rc = art_table_refresh(vtab->table, message);
        if (!rc && vtab->table->deleting) rc = art_deleting_settle(vtab->table, message);
        if (!rc) art_table_assert(vtab->table);
        if (rc != SQLITE_NOTFOUND) return rc;
        art_vtab_detach(vtab);
        if (attempt) {
            return art_complain(message, SQLITE_CORRUPT_VTAB,
                                "art: the table's id changes while it is read (%s.%s): try again", vtab->name->schema,
                                vtab->name->table);
        }
    }
}
