/* Commands, as FTS5 has them: the hidden column that is named like the table takes them.
 *
 *     INSERT INTO objects(objects) VALUES('flush')
 *
 * One table below says which there are; parsing, the list in the error, and the reference's table (a test compares
 * them) depend on it. Upper and lower case are the same, blanks around a command and around '=' mean nothing. A command
 * is a text and stands alone: other columns given beside it are an error.
 *
 *   at commit    'flush', 'optimize', 'vacuum' are noted, and done by the commit of the transaction; a ROLLBACK, or a
 *                ROLLBACK TO a savepoint before them, forgets them. 'clean' (clean.c) looks now and removes then.
 *                'snapshot' takes the name now, and the state then (ext/table/snapshots.c).
 *   at once      'integrity-check' fails with what it finds. 'add column <definition>' (add_column.c) is taken back by
 *                a ROLLBACK as any change is. 'adopt' writes into the .art file, and no ROLLBACK takes it back.
 *   settings     'cache=128MB' and the other options of CREATE, by the same names. They go into T_artstate, so they
 *                belong to the transaction and are there for connections that open the table from then on. This
 *                connection goes by them at once; a ROLLBACK brings back what was. A connection that has the table open
 *                keeps what it opened it with. But 'storage=...' is refused, unless it is so already. And 'summary=...'
 *                writes all rows anew, at once (resummarise.c); every connection follows, and a ROLLBACK takes it back.
 */
#include "ext/admin/admin.h"
#include "ext/host/host.h"
#include "ext/write/write.h"

#include <ctype.h>

struct command {
    const char *name;
    int (*run)(struct art_vtab *vtab, const struct command *command, const char *argument);
    unsigned request; /* enum art_request */
    bool argument;    /* something follows the name; else nothing may */
};

/* About all rows below a prefix: the hidden column `prefix` names it, and `path` where they go. */
struct directory_command {
    const char *name;
    bool goes, copies;
};

/* About a snapshot: the hidden column `snapshot` names it. */
struct snapshot_command {
    const char *name;
    bool drops;
};

/* What the commit will do can be done, as far as is known now. */
static int check_readable(struct art_vtab *vtab) {
    struct art_row row = {0};
    enum art_rc art_rc = art_tree_get(vtab->table->tree, art_bytes(NULL, 0), &row);
    art_row_release(&row);
    return art_rc && art_rc != ART_NOTFOUND ? art_report(&vtab->base.zErrMsg, art_rc) : SQLITE_OK;
}

/* Noted for the commit, and refused now if it could not be done then. */
static int run_at_commit(struct art_vtab *vtab, const struct command *command, const char *argument) {
    assert(command->request && vtab->table->owner);
    (void)argument;
    int rc = check_readable(vtab);
    if (!rc) vtab->table->requested |= command->request;
    return rc;
}

static int run_clean(struct art_vtab *vtab, const struct command *command, const char *argument) {
    assert(command->request == ART_REQUEST_CLEAN);
    (void)argument;
    int rc = art_clean_look(vtab->table, &vtab->base.zErrMsg);
    if (!rc) vtab->table->requested |= command->request;
    return rc;
}

static int run_adopt(struct art_vtab *vtab, const struct command *command, const char *argument) {
    (void)command;
    (void)argument;
    int rc = art_clean_allow_adoption(vtab->table, &vtab->base.zErrMsg);
    return rc ? rc : art_report(&vtab->base.zErrMsg, art_tree_adopt(vtab->table->tree));
}

static int run_check(struct art_vtab *vtab, const struct command *command, const char *argument) {
    (void)command;
    (void)argument;
    struct art_findings findings = {.most = 1};
    int rc = art_check_table(vtab, false, &findings, &vtab->base.zErrMsg);
    if (!rc && findings.count) {
        rc = art_complain(&vtab->base.zErrMsg, findings.items[0].rc, "%s", findings.items[0].sentence);
    }
    art_findings_clear(&findings);
    return rc;
}

static int run_add_column(struct art_vtab *vtab, const struct command *command, const char *argument) {
    (void)command;
    return art_columns_add(vtab, argument);
}

static const struct command commands[] = {
    {"flush", run_at_commit, ART_REQUEST_FLUSH, false},
    {"optimize", run_at_commit, ART_REQUEST_OPTIMIZE, false},
    {"vacuum", run_at_commit, ART_REQUEST_VACUUM, false},
    {"clean", run_clean, ART_REQUEST_CLEAN, false},
    {"adopt", run_adopt, 0, false},
    {"integrity-check", run_check, 0, false},
    {"add column", run_add_column, 0, true},
};
static const struct directory_command directory_commands[] = {
    {"delete", false, false},
    {"move", true, false},
    {"copy", true, true},
};
static const struct snapshot_command snapshot_commands[] = {{"snapshot", false}, {"drop snapshot", true}};
enum {
    COMMANDS = sizeof commands / sizeof *commands,
    DIRECTORY_COMMANDS = sizeof directory_commands / sizeof *directory_commands,
    SNAPSHOT_COMMANDS = sizeof snapshot_commands / sizeof *snapshot_commands
};

/* What follows the name in the text, or NULL; a blank in the name stands for any number of them. */
static const char *text_behind(struct art_text text, const char *name) {
    const char *at = text.at, *end = text.at + text.len;
    for (; *name; name++) {
        bool blank = at < end && isspace((unsigned char)*at);
        if (at == end || (*name == ' ' ? !blank : sqlite3_strnicmp(at, name, 1) != 0)) return NULL;
        at++;
        while (blank && isspace((unsigned char)*at)) at++; /* the text ends without one */
    }
    return at == end || isspace((unsigned char)*at) ? at : NULL;
}

static int complain(struct art_vtab *vtab, struct art_text given) {
    sqlite3_str *known = sqlite3_str_new(vtab->connection->db);
    for (unsigned i = 0; i < COMMANDS; i++) sqlite3_str_appendf(known, "%s%s", i ? ", " : "", commands[i].name);
    for (unsigned i = 0; i < DIRECTORY_COMMANDS; i++) sqlite3_str_appendf(known, ", %s", directory_commands[i].name);
    for (unsigned i = 0; i < SNAPSHOT_COMMANDS; i++) sqlite3_str_appendf(known, ", %s", snapshot_commands[i].name);
    const char *key;
    char *value;
    for (unsigned i = 0; art_settings_show(&vtab->table->settings, i, &key, &value); i++) {
        if (strcmp(key, "storage") != 0) sqlite3_str_appendf(known, ", %s=", key);
        sqlite3_free(value);
    }
    sqlite3_str_appendall(known, ", summary=");
    char *list = sqlite3_str_finish(known);
    if (!list) return SQLITE_NOMEM;
    int rc = art_complain(&vtab->base.zErrMsg, SQLITE_ERROR, "art: there is no command '%.*s' (%s): known are %s",
                          given.len < 100 ? given.len : 100, given.at, vtab->name->table, list);
    sqlite3_free(list);
    return rc;
}

/* --- settings ----------------------------------------------------------------------------------------------------- */

static int refuse_storage(struct art_vtab *vtab, enum art_storage storage) {
    assert(vtab->table);
    int rc = art_storage_resolve(vtab->connection, vtab->name, &storage, &vtab->base.zErrMsg);
    const struct art_medium *wanted = art_storage_medium(storage);
    if (rc || wanted == art_tree_medium(vtab->table->tree)) return rc;
    return art_complain(&vtab->base.zErrMsg, SQLITE_ERROR,
                        "art: a table keeps the storage that it was created with (%s): CREATE another one with "
                        "storage=%s, INSERT INTO it SELECT * FROM this one, DROP this one, and ALTER TABLE the other "
                        "RENAME TO its name",
                        vtab->name->table, wanted->name);
}

static int run_setting(struct art_vtab *vtab, const char *text) {
    struct art_table *table = vtab->table;
    struct art_settings settings = table->settings;
    char **message = &vtab->base.zErrMsg;
    if (art_definition_is_option(text, "summary")) return art_summary_change(vtab, text);
    int rc = art_settings_parse(&settings, text, message);
    struct art_text name = art_text_trimmed(text, strchr(text, '='));
    if (!rc && art_text_is(name, "storage")) return refuse_storage(vtab, settings.storage);
    const char *key;
    char *value;
    for (unsigned i = 0; !rc && art_settings_show(&settings, i, &key, &value); i++) {
        if (!value) {
            rc = SQLITE_NOMEM;
        } else if (art_text_is(name, key)) {
            rc = art_shadow_put_text(table, key, value, message);
        }
        sqlite3_free(value);
    }
    if (!rc) art_settings_use(table, &settings);
    return rc;
}

/* --- directories -------------------------------------------------------------------------------------------------- */

static int complain_arguments(struct art_vtab *vtab, const char *command, const char *what, const char *columns) {
    const char *table = vtab->name->table;
    return art_complain(&vtab->base.zErrMsg, SQLITE_ERROR, "art: '%s' %s (%s): write INSERT INTO %s(%s, %s) ...",
                        command, what, table, table, table, columns);
}

static int complain_prefix(struct art_vtab *vtab, const struct directory_command *command, const char *what) {
    const char *prefix = art_columns_hidden_name(&vtab->columns, ART_HIDDEN_PREFIX);
    char *columns = command->goes ? sqlite3_mprintf("%s, %s", prefix, vtab->columns.items[ART_COLUMN_KEY].name)
                                  : sqlite3_mprintf("%s", prefix);
    int rc = columns ? complain_arguments(vtab, command->name, what, columns) : SQLITE_NOMEM;
    sqlite3_free(columns);
    return rc;
}

/* What stands behind the source's prefix is to stand behind the target's: both have to end at one place of a key. */
static int check_parts(struct art_vtab *vtab, bool goes, sqlite3_value *from, sqlite3_value *to) {
    struct art_key_part source = {0}, target = {0};
    const char *table = vtab->name->table;
    bool sound = art_columns_key_part(&vtab->columns, from, &source) && source.beginning;
    if (sound && goes) sound = art_columns_key_part(&vtab->columns, to, &target) && target.beginning;
    if (sound && goes) sound = source.columns == target.columns && source.open == target.open;
    if (sound) return SQLITE_OK;
    return art_complain(
        &vtab->base.zErrMsg, SQLITE_ERROR,
        "art: the prefixes are not of one part of a key (%s): write art_key('%s', ...) with as many values in each",
        table, table);
}

static bool names_snapshot(const struct art_vtab *vtab, const struct directory_command *command,
                           sqlite3_value **columns) {
    return command->copies && sqlite3_value_type(columns[vtab->columns.count + ART_HIDDEN_SNAPSHOT]) != SQLITE_NULL;
}

/* Are those columns given that the command wants, as texts or BLOBs, and no others? */
static int check_given(struct art_vtab *vtab, const struct directory_command *command, sqlite3_value **columns) {
    unsigned count = vtab->columns.count, prefix = count + ART_HIDDEN_PREFIX;
    bool goes = command->goes, of_snapshot = names_snapshot(vtab, command, columns);
    for (unsigned i = 0; i < count + art_columns_hidden(&vtab->columns); i++) {
        bool is_key = i == prefix || i == ART_COLUMN_KEY,
             of_blobs = is_key && art_columns_keys_are_blobs(&vtab->columns);
        bool wanted = i == prefix || (goes && i == ART_COLUMN_KEY) || i == count + ART_HIDDEN_COMMAND;
        int type = sqlite3_value_type(columns[i]);
        if (wanted && type != SQLITE_TEXT && !(of_blobs && type == SQLITE_BLOB))
            return complain_prefix(vtab, command, of_blobs ? "wants BLOBs" : goes ? "wants two texts" : "wants a text");
        bool may = wanted || (of_snapshot && i == count + ART_HIDDEN_SNAPSHOT);
        if (!may && type != SQLITE_NULL) return complain_prefix(vtab, command, "takes no other column");
    }
    return SQLITE_OK;
}

static int run_directory(struct art_vtab *vtab, const struct directory_command *command, sqlite3_value **columns) {
    sqlite3_value *prefix = columns[vtab->columns.count + ART_HIDDEN_PREFIX], *path = columns[ART_COLUMN_KEY];
    bool goes = command->goes;
    struct art_bytes from = {0}, to = {0};
    int rc = check_given(vtab, command, columns);
    if (rc) return rc;
    if (!art_value_bytes(prefix, &from) || (goes && !art_value_bytes(path, &to))) return SQLITE_NOMEM;
    if (from.len > ART_PATH_MAX || to.len > ART_PATH_MAX)
        return complain_prefix(vtab, command, "has too long a prefix");
    if (vtab->columns.keys) rc = check_parts(vtab, goes, prefix, path);
    if (rc) return rc;
    if (names_snapshot(vtab, command, columns))
        return art_copy_from_snapshot(vtab, columns[vtab->columns.count + ART_HIDDEN_SNAPSHOT], from, to);
    return goes ? art_move_prefix(vtab, from, to, command->copies) : art_delete_prefix(vtab, from);
}

/* --- snapshots ---------------------------------------------------------------------------------------------------- */

static int run_snapshot(struct art_vtab *vtab, const struct snapshot_command *command, sqlite3_value **columns) {
    static const char column[] = "snapshot";
    unsigned named = vtab->columns.count + ART_HIDDEN_SNAPSHOT, text = vtab->columns.count + ART_HIDDEN_COMMAND;
    struct art_bytes name = {0};
    for (unsigned i = 0; i < vtab->columns.count + art_columns_hidden(&vtab->columns); i++) {
        bool given = sqlite3_value_type(columns[i]) != SQLITE_NULL;
        if (given && i != named && i != text)
            return complain_arguments(vtab, command->name, "takes no other column", column);
    }
    if (sqlite3_value_type(columns[named]) != SQLITE_TEXT)
        return complain_arguments(vtab, command->name, "wants a name, which is a text", column);
    if (!art_value_bytes(columns[named], &name)) return SQLITE_NOMEM;
    if (!art_snapshot_name_is_sound(name))
        return complain_arguments(vtab, command->name, "wants a name of 1 to 255 bytes, none of them 0", column);
    if (command->drops && art_snapshot_is_read(vtab->table, name)) {
        return art_complain(&vtab->base.zErrMsg, SQLITE_LOCKED,
                            "art: the snapshot '%.*s' is read by a statement of this connection (%s): finish that one "
                            "first",
                            (int)name.len, (const char *)name.data, vtab->name->table);
    }
    char *copy = sqlite3_mprintf("%.*s", (int)name.len, (const char *)name.data);
    if (!copy) return SQLITE_NOMEM;
    int rc = command->drops ? SQLITE_OK : check_readable(vtab);
    if (!rc) {
        rc = command->drops ? art_snapshot_drop(vtab->table, copy, &vtab->base.zErrMsg)
                            : art_snapshot_make(vtab->table, copy, &vtab->base.zErrMsg);
    }
    sqlite3_free(copy);
    return rc;
}

/* --- the column --------------------------------------------------------------------------------------------------- */

static int check_alone(struct art_vtab *vtab, sqlite3_value **columns) {
    unsigned command = vtab->columns.count + ART_HIDDEN_COMMAND,
             all = vtab->columns.count + art_columns_hidden(&vtab->columns);
    for (unsigned i = 0; i < all; i++) {
        if (i == command || sqlite3_value_type(columns[i]) == SQLITE_NULL) continue;
        return art_complain(&vtab->base.zErrMsg, SQLITE_ERROR,
                            "art: a command stands alone (%s): give no other column beside it", vtab->name->table);
    }
    return SQLITE_OK;
}

/* Of those that stand alone; NULL: it is none. */
static const struct command *find_command(struct art_text given, const char **argument) {
    for (unsigned i = 0; i < COMMANDS; i++) {
        const char *rest = text_behind(given, commands[i].name);
        if (!rest || (*rest && !commands[i].argument && rest < given.at + given.len)) continue;
        *argument = rest;
        return &commands[i];
    }
    return NULL;
}

int art_command_run(struct art_vtab *vtab, sqlite3_value **columns) {
    assert(vtab->table->owner && vtab->table->fresh == ART_FRESH_LOCKED);
    sqlite3_value *value = columns[vtab->columns.count + ART_HIDDEN_COMMAND];
    int refused = art_vtab_check_commands(vtab, &vtab->base.zErrMsg);
    if (refused) return refused;
    if (sqlite3_value_type(value) != SQLITE_TEXT) {
        return art_complain(&vtab->base.zErrMsg, SQLITE_ERROR, "art: a command is a text (%s): write it in quotes",
                            vtab->name->table);
    }
    const char *text = (const char *)sqlite3_value_text(value);
    if (!text) return SQLITE_NOMEM;
    struct art_text given = art_text_trimmed(text, text + sqlite3_value_bytes(value));
    if (memchr(given.at, 0, (size_t)given.len)) return complain(vtab, given);
    for (unsigned i = 0; i < DIRECTORY_COMMANDS; i++) {
        if (art_text_is(given, directory_commands[i].name)) return run_directory(vtab, &directory_commands[i], columns);
    }
    for (unsigned i = 0; i < SNAPSHOT_COMMANDS; i++) {
        const struct snapshot_command *command = &snapshot_commands[i];
        const char *rest = text_behind(given, command->name);
        if (!rest) continue;
        if (rest == given.at + given.len) return run_snapshot(vtab, command, columns);
        return complain_arguments(vtab, command->name, "wants its name in the column snapshot", "snapshot");
    }
    const char *argument = NULL;
    const struct command *command = find_command(given, &argument);
    bool sets = !command && strchr(text, '=') && !art_definition_is_option(text, "key");
    if (!command && !sets) return complain(vtab, given);
    int rc = check_alone(vtab, columns);
    if (rc) return rc;
    return sets ? run_setting(vtab, text) : command->run(vtab, command, argument);
}
