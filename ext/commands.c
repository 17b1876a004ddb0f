/* Commands, as FTS5 has them: the hidden column that is named like the table takes them.
 *
 *     INSERT INTO objects(objects) VALUES('flush')
 */
#include "ext/ext.h"

int art_command_run(struct art_vtab *vtab, sqlite3_value *value) {
    static const struct {
        const char *name;
        int (*run)(struct art_tree *);
        bool at_commit;
    } commands[] = {{"flush", art_tree_request_flush, true},
                    {"optimize", art_tree_request_optimize, true},
                    {"adopt", art_tree_adopt, false}};
    static const char add_column[] = "add column ";
    const char *text = (const char *)sqlite3_value_text(value);
    if (text && !sqlite3_strnicmp(text, add_column, sizeof add_column - 1)) {
        return art_columns_add(vtab, text + sizeof add_column - 1);
    }
    for (size_t i = 0; text && i < sizeof commands / sizeof *commands; i++) {
        if (sqlite3_stricmp(text, commands[i].name)) continue;
        int rc = art_report(&vtab->base.zErrMsg, commands[i].run(vtab->table->tree));
        if (!rc && commands[i].at_commit) vtab->table->requested = true;
        return rc;
    }
    return art_complain(&vtab->base.zErrMsg, SQLITE_ERROR,
                        "art: there is no command '%s': known are flush, optimize, adopt, add column",
                        text ? text : "");
}
