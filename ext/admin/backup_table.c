/* art_backup() as a table: a row for each step, as it goes.
 *
 *     SELECT * FROM art_backup('copy.db', 'main', 'update');
 *
 *     step                                                      remaining  total
 *     pages                                                     0          12         of the database, copied
 *     objects                                                   1891       1955       blobs, compared or copied
 *     ...
 *     copy.db: 1 art table, 2056273920 bytes in 2 files; ...                          it is done
 *
 * A statement that is reset before its last row leaves what an error would.
 */
#include "ext/admin/admin.h"

enum { COLUMN_STEP, COLUMN_REMAINING, COLUMN_TOTAL, COLUMN_FILE };

struct backup_cursor {
    struct art_function_cursor base;
    struct art_backup *backup; /* NULL: it has ended */
    struct art_backup_progress progress;
    char *said;
};

static void clear_backup(struct art_function_cursor *base) {
    struct backup_cursor *cursor = (struct backup_cursor *)base;
    char *message = NULL;
    sqlite3_free(cursor->said);
    art_backup_end(cursor->backup, SQLITE_INTERRUPT, &cursor->said, &message);
    sqlite3_free(message);
    cursor->backup = NULL;
    cursor->said = NULL;
}

/* It ends here after an error, too, which is told then. */
static int end_backup(struct backup_cursor *cursor, int rc, char **message) {
    struct art_backup *backup = cursor->backup;
    cursor->backup = NULL;
    return art_backup_end(backup, rc, &cursor->said, message);
}

static int begin_backup(struct art_function_cursor *base, const char *text,
                        sqlite3_value *const values[ART_FUNCTION_ARGUMENTS], char **message) {
    struct backup_cursor *cursor = (struct backup_cursor *)base;
    const char *words[2] = {"main", NULL};
    for (unsigned i = 0; i < 2; i++) {
        if (!values[i + 1]) continue;
        if (sqlite3_value_type(values[i + 1]) == SQLITE_NULL) return SQLITE_OK;
        words[i] = (const char *)sqlite3_value_text(values[i + 1]);
        if (!words[i]) return SQLITE_NOMEM;
    }
    if (strlen(text) != (size_t)sqlite3_value_bytes(values[0])) text = ""; /* no file has such a name */
    int rc = art_backup_begin(((struct art_function_vtab *)base->base.pVtab)->connection, text, words[0], words[1],
                              false, &cursor->backup, message);
    return rc ? end_backup(cursor, rc, message) : SQLITE_OK;
}

static int next_backup_step(struct art_function_cursor *base, char **message) {
    struct backup_cursor *cursor = (struct backup_cursor *)base;
    base->valid = cursor->backup != NULL;
    if (!base->valid) return SQLITE_OK;
    int rc = art_backup_step(cursor->backup, &cursor->progress, message);
    return rc || cursor->progress.done ? end_backup(cursor, rc, message) : SQLITE_OK;
}

static void show_backup_step(struct art_function_cursor *base, sqlite3_context *context, int column) {
    struct backup_cursor *cursor = (struct backup_cursor *)base;
    const struct art_backup_progress *progress = &cursor->progress;
    const char *step = cursor->said ? cursor->said : progress->table ? progress->table : "pages";
    if (column == COLUMN_STEP) sqlite3_result_text(context, step, -1, SQLITE_TRANSIENT);
    if (progress->done) return;
    if (column == COLUMN_REMAINING) sqlite3_result_int64(context, progress->of.remaining);
    if (column == COLUMN_TOTAL) sqlite3_result_int64(context, progress->of.total);
}

const struct art_table_function art_backup_function = {
    .name = "art_backup",
    .declaration =
        "CREATE TABLE x(step TEXT, remaining INTEGER, total INTEGER, file HIDDEN, \"schema\" HIDDEN, mode HIDDEN)",
    .argument = COLUMN_FILE,
    .needed = 1,
    .most = 3,
    .example = "SELECT * FROM art_backup('copy.db')",
    .only_for_people = true,
    .cursor_bytes = sizeof(struct backup_cursor),
    .clear = clear_backup,
    .begin_with = begin_backup,
    .next = next_backup_step,
    .column = show_backup_step,
};
