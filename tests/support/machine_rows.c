/* How the actors change rows: the art table t and the ordinary table o alike, and a copy of the numbers in `rows`. */
#include <stdarg.h>
#include <string.h>

#include "tests/support/machine.h"

enum { IN_FOLDER = MACHINE_KEYS / MACHINE_FOLDERS };

int machine_put(struct actor *actor, uint32_t *rows, uint32_t key) {
    int len, rc = SQLITE_OK;
    uint32_t number = ++actor->machine->next_number;
    const uint8_t *value = machine_value(number, &len);
    for (unsigned i = 0; !rc && i < 2; i++) {
        sqlite3_stmt *insert = NULL;
        char sql[160];
        sqlite3_snprintf(sizeof sql, sql,
                         i ? "REPLACE INTO o VALUES('dir%u/file%02u', %u)"
                           : "REPLACE INTO t(path, number, value) VALUES('dir%u/file%02u', %u, ?1)",
                         key / IN_FOLDER, key % IN_FOLDER, number);
        rc = sqlite3_prepare_v2(actor->db, sql, -1, &insert, NULL);
        if (!rc && !i) rc = sqlite3_bind_blob(insert, 1, value, len, SQLITE_TRANSIENT);
        if (!rc) sqlite3_step(insert);
        if (!rc) rc = sqlite3_finalize(insert);
        if (!machine_fine(actor, rc, sql)) break;
        if (!i) machine_note(actor, "%s (%d bytes)", sql, len);
    }
    if (!rc) rows[key] = number;
    return rc;
}

/* The same statement on both tables. */
static int both(struct actor *actor, const char *format, const char *argument, ...) {
    int rc = SQLITE_OK;
    va_list args;
    va_start(args, argument);
    char *rest = sqlite3_vmprintf(argument, args);
    va_end(args);
    for (unsigned i = 0; !rc && i < 2; i++) rc = machine_do(actor, format, i ? "o" : "t", rest);
    sqlite3_free(rest);
    return rc;
}

static int take(struct actor *actor, uint32_t *rows, uint32_t key) {
    int rc = both(actor, "DELETE FROM %s WHERE path = '%s'", "dir%u/file%02u", key / IN_FOLDER, key % IN_FOLDER);
    if (!rc) rows[key] = 0;
    return rc;
}

static int take_folder(struct actor *actor, uint32_t *rows, uint32_t folder) {
    int rc = both(actor, "DELETE FROM %s WHERE path GLOB '%s'", "dir%u/*", folder);
    if (!rc) memset(rows + folder * IN_FOLDER, 0, IN_FOLDER * sizeof *rows);
    return rc;
}

/* As one thing: a command of art's, and a statement for the ordinary table. */
static int folder_to(struct actor *actor, uint32_t *rows, uint32_t from, uint32_t to, bool moves) {
    static const char *const ordinary[] = {
        "INSERT INTO o SELECT 'dir%u/' || substr(path, 6), number FROM o WHERE path GLOB 'dir%u/*'",
        "UPDATE o SET path = 'dir%u/' || substr(path, 6) WHERE path GLOB 'dir%u/*'"};
    if (from == to) return SQLITE_OK;
    int rc = take_folder(actor, rows, to);
    if (!rc) rc = machine_do(actor, ordinary[moves], to, from);
    if (!rc)
        rc = machine_do(actor,
                        moves ? "INSERT INTO t(t, prefix, path) VALUES('move', 'dir%u/', 'dir%u/')"
                              : "INSERT INTO t(t, prefix, path) VALUES('copy', 'dir%u/', 'dir%u/')",
                        from, to);
    if (rc) return rc;
    memcpy(rows + to * IN_FOLDER, rows + from * IN_FOLDER, IN_FOLDER * sizeof *rows);
    if (moves) memset(rows + from * IN_FOLDER, 0, IN_FOLDER * sizeof *rows);
    actor->machine->counts.folders++;
    return SQLITE_OK;
}

/* All rows are written anew. */
static int change_summary(struct actor *actor) {
    static const char *const commands[] = {"summary=(sum(number))", "summary=(sum(number), lookup(number))",
                                           "summary=(hash(values), max(number), sum(number))"};
    uint32_t to = machine_below(actor, 3); /* features: another summary */
    actor->machine->counts.summaries++;
    return machine_do(actor, "INSERT INTO t(t) VALUES('%s')", commands[to]);
}

static int move(struct actor *actor, uint32_t *rows, uint32_t from, uint32_t to) {
    if (from == to || !rows[from]) return SQLITE_OK;
    int rc = both(actor, "UPDATE OR REPLACE %s SET %s", "path = 'dir%u/file%02u' WHERE path = 'dir%u/file%02u'",
                  to / IN_FOLDER, to % IN_FOLDER, from / IN_FOLDER, from % IN_FOLDER);
    if (rc) return rc;
    rows[to] = rows[from];
    rows[from] = 0;
    return SQLITE_OK;
}

static int put_many(struct actor *actor, uint32_t *rows) {
    uint32_t key = machine_below(actor, MACHINE_KEYS), n = 5 + machine_below(actor, 40);
    int rc = SQLITE_OK;
    for (; !rc && n && key < MACHINE_KEYS && machine_works(actor); n--) rc = machine_put(actor, rows, key++);
    return rc;
}

int machine_command(struct actor *actor) {
    static const char *const words[] = {"flush", "flush", "flush", "optimize", "vacuum", "clean"};
    return machine_do(actor, "INSERT INTO t(t) VALUES('%s')", words[machine_below(actor, 6)]);
}

static int savepoint(struct actor *actor, uint32_t *rows, struct machine_marks *marks) {
    uint32_t what = machine_below(actor, 3);
    int rc = SQLITE_OK;
    size_t bytes = MACHINE_KEYS * sizeof *rows;
    if (what == 0 && marks->count < MACHINE_SAVEPOINTS) {
        rc = machine_do(actor, "SAVEPOINT s%u", marks->count);
        memcpy(marks->rows[marks->count++], rows, bytes);
    } else if (what == 1 && marks->count) {
        uint32_t to = machine_below(actor, marks->count);
        rc = machine_do(actor, "ROLLBACK TO s%u", to);
        memcpy(rows, marks->rows[to], bytes);
        marks->count = to + 1;
    } else if (marks->count) {
        rc = machine_do(actor, "RELEASE s%u", --marks->count);
    }
    return rc;
}

int machine_change(struct actor *actor, uint32_t *rows, struct machine_marks *marks) {
    uint32_t what = machine_below(actor, 100), key = machine_below(actor, MACHINE_KEYS);
    if (what < 50) return machine_put(actor, rows, key);
    if (what < 62) return take(actor, rows, key);
    if (what < 72) return move(actor, rows, key, machine_below(actor, MACHINE_KEYS));
    if (what < 75) return take_folder(actor, rows, key / IN_FOLDER);
    if (what < 77) return folder_to(actor, rows, key / IN_FOLDER, machine_below(actor, MACHINE_FOLDERS), what == 75);
    if (what == 77 && machine_once_in(actor, 2)) return change_summary(actor);
    if (what < 82) return put_many(actor, rows);
    if (what < 90) return machine_command(actor);
    return savepoint(actor, rows, marks);
}
