/* Statements that change rows, tables, summaries and snapshots. */
#include "tests/support/crash_change.h"

#include <stdarg.h>
#include <string.h>

#include "core/tree/state/hooks.h"

static uint32_t below(struct crash_work *work, uint32_t limit) {
    return random_below(&work->random, limit);
}

static bool once_in(struct crash_work *work, uint32_t times) {
    return random_once_in(&work->random, times);
}

int crash_run(sqlite3 *db, const char *format, ...) {
    va_list args;
    if (!db) return SQLITE_OK;
    va_start(args, format);
    char *sql = sqlite3_vmprintf(format, args);
    va_end(args);
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    sqlite3_free(sql);
    return rc;
}

static const struct crash_form_of *form_of(const struct crash_rows *rows, enum crash_table table) {
    return &crash_forms[rows->form[table]];
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

int crash_put(struct crash_work *work, sqlite3 *db, struct crash_rows *rows, enum crash_table table, unsigned key) {
    static const char *const note_columns[] = {"", ", note0", ", note0, note1"}, *const notes[] = {"", ", ?4",
                                                                                                   ", ?4, ?5"};
    char words[CRASH_WORDS_MAX], note[CRASH_NOTES][CRASH_WORDS_MAX];
    uint32_t len, number = work->next_value++ << 2 | rows->notes[table];
    const uint8_t *value = crash_value(number, &len);
    sqlite3_stmt *insert = NULL;
    rows->value[table][key] = number;
    if (!db) return SQLITE_OK;
    crash_words(number, words);
    char *sql =
        sqlite3_mprintf("INSERT OR REPLACE INTO %s(%s, value, number, words%s) VALUES(%s, ?1, ?2, ?3%s)",
                        crash_rows_name(rows, table), form_of(rows, table)->names, note_columns[rows->notes[table]],
                        crash_key(rows->form[table], key), notes[rows->notes[table]]);
    int rc = sqlite3_prepare_v2(db, sql, -1, &insert, NULL);
    sqlite3_free(sql);
    if (rc) return rc;
    sqlite3_bind_blob(insert, 1, value, (int)len, SQLITE_STATIC);
    sqlite3_bind_int64(insert, 2, number);
    sqlite3_bind_text(insert, 3, words, -1, SQLITE_STATIC);
    for (unsigned i = 0; i < rows->notes[table]; i++) {
        crash_note(number, i, note[i]);
        sqlite3_bind_text(insert, 4 + (int)i, note[i], -1, SQLITE_STATIC);
    }
    sqlite3_step(insert);
    return sqlite3_finalize(insert);
}

/* "key is this one", or "the key becomes this one". */
static void say_key(const char *pattern, unsigned key, char out[2 * CRASH_KEY_MAX]) {
    sqlite3_snprintf(2 * CRASH_KEY_MAX, out, pattern, key / CRASH_IN_FOLDER, key % CRASH_IN_FOLDER);
}

static int take(sqlite3 *db, struct crash_rows *rows, enum crash_table table, unsigned key) {
    char is[2 * CRASH_KEY_MAX];
    say_key(form_of(rows, table)->is, key, is);
    int rc = crash_run(db, "DELETE FROM %s WHERE %s", crash_rows_name(rows, table), is);
    if (!rc) rows->value[table][key] = 0;
    return rc;
}

static int move(sqlite3 *db, struct crash_rows *rows, enum crash_table table, unsigned from, unsigned to) {
    char is[2 * CRASH_KEY_MAX], becomes[2 * CRASH_KEY_MAX];
    say_key(form_of(rows, table)->is, from, is);
    say_key(form_of(rows, table)->assign, to, becomes);
    if (from == to || !rows->value[table][from]) return SQLITE_OK;
    int rc = crash_run(db, "UPDATE OR REPLACE %s SET %s WHERE %s", crash_rows_name(rows, table), becomes, is);
    if (rc) return rc;
    rows->value[table][to] = rows->value[table][from];
    rows->value[table][from] = 0;
    return SQLITE_OK;
}

static int take_all(struct crash_work *work, sqlite3 *db, struct crash_rows *rows, enum crash_table table) {
    int rc = crash_run(db, "DELETE FROM %s", crash_rows_name(rows, table));
    if (!rc) memset(rows->value[table], 0, sizeof rows->value[table]);
    if (!rc && db) work->counts.emptied++;
    return rc;
}

/* ---- folders ----------------------------------------------------------------------------------------------------- */

/* Row by row, by the name that a listing gives, or as one thing. */
static int take_folder(struct crash_work *work, sqlite3 *db, struct crash_rows *rows, enum crash_table table,
                       unsigned folder) {
    enum crash_form form = rows->form[table];
    const char *name = crash_rows_name(rows, table);
    unsigned way = table == CRASH_PLAIN ? 0 : below(work, 3);
    char prefix[CRASH_KEY_MAX], where[2 * CRASH_KEY_MAX];
    crash_prefix(form, name, folder, prefix);
    sqlite3_snprintf(sizeof where, where, crash_forms[form].folder, folder, folder);
    int rc;
    if (way == 2) {
        rc = crash_run(db, "INSERT INTO %s(%s, prefix) VALUES('delete', %s)", name, name, prefix);
    } else if (way == 1 && form == CRASH_TEXT) {
        rc = crash_run(db, "DELETE FROM %s WHERE prefix = '' AND delimiter = '/' AND path = %s", name, prefix);
    } else {
        rc = crash_run(db, "DELETE FROM %s WHERE %s", name, where);
    }
    if (!rc) memset(&rows->value[table][folder * CRASH_IN_FOLDER], 0, CRASH_IN_FOLDER * sizeof **rows->value);
    return rc;
}

static bool is_empty(const uint32_t *folder) {
    for (unsigned i = 0; i < CRASH_IN_FOLDER; i++) {
        if (folder[i]) return false;
    }
    return true;
}

static int take_folder_along(sqlite3 *db, const struct crash_rows *rows, enum crash_table table, bool copies,
                             unsigned from, unsigned to) {
    const char *name = crash_rows_name(rows, table);
    char prefix[2][CRASH_KEY_MAX];
    crash_prefix(rows->form[table], name, from, prefix[0]);
    crash_prefix(rows->form[table], name, to, prefix[1]);
    if (table != CRASH_PLAIN) {
        return crash_run(db, "INSERT INTO %s(%s, prefix, %s) VALUES(%Q, %s, %s)", name, name, form_of(rows, table)->to,
                         copies ? "copy" : "move", prefix[0], prefix[1]);
    }
    if (!copies) {
        return crash_run(db, "UPDATE o SET path = 'dir%u' || substr(path, 5) WHERE path GLOB 'dir%u/*'", to, from);
    }
    return crash_run(db,
                     "INSERT INTO o SELECT 'dir%u' || substr(path, 5), value, number, words FROM o "
                     "WHERE path GLOB 'dir%u/*'",
                     to, from);
}

/* A folder goes; or its rows come to one that is empty. */
static int change_folder(struct crash_work *work, sqlite3 *db, struct crash_rows *rows, enum crash_table table) {
    unsigned from = below(work, CRASH_FOLDERS), to = 0;
    uint32_t *values = rows->value[table];
    bool copies = once_in(work, 2);
    art_test_hooks.as_one = once_in(work, 2);
    while (to < CRASH_FOLDERS && !is_empty(values + to * CRASH_IN_FOLDER)) to++;
    if (db) work->counts.folders++;
    if (to == CRASH_FOLDERS || from == to) return take_folder(work, db, rows, table, from);
    int rc = take_folder_along(db, rows, table, copies, from, to);
    if (rc) return rc;
    memcpy(values + to * CRASH_IN_FOLDER, values + from * CRASH_IN_FOLDER, CRASH_IN_FOLDER * sizeof *values);
    if (!copies) memset(values + from * CRASH_IN_FOLDER, 0, CRASH_IN_FOLDER * sizeof *values);
    return SQLITE_OK;
}

/* ---- tables ------------------------------------------------------------------------------------------------------ */

/* What searches paths is for keys of one text. */
static uint8_t any_summary(struct crash_work *work, const struct crash_rows *rows, enum crash_table table) {
    return (uint8_t)below(work, rows->form[table] == CRASH_TEXT ? CRASH_SUMMARIES : CRASH_SUMMARIES - 1);
}

int crash_create(struct crash_work *work, sqlite3 *db, struct crash_rows *rows, enum crash_table table) {
    static const char *const limits[] = {"log_limit=3000", "log_limit=12000", "log_limit=600"};
    static const char *const spills[] = {"", ", spill_limit=20000", ", spill_limit=45000"};
    bool inlined = work->setting->inlined && (table == CRASH_A || once_in(work, 2));
    rows->form[table] = (uint8_t)(once_in(work, 3) ? CRASH_TEXT : below(work, CRASH_FORMS));
    rows->summary[table] = any_summary(work, rows, table);
    rows->notes[table] = 0;
    const struct crash_form_of *form = form_of(rows, table);
    return crash_run(
        db, "CREATE VIRTUAL TABLE %s%s USING art(%s, value, number INTEGER, words TEXT, cache=1000000, %s, %s%s%s%s)",
        table == CRASH_X ? "two." : "", crash_rows_name(rows, table), form->columns,
        crash_summaries[rows->summary[table]].sql, limits[below(work, 3)], spills[below(work, 3)],
        inlined ? ", storage=inline" : ", storage=file", form->tail);
}

static void forget_second(struct crash_rows *rows) {
    rows->second = false;
    rows->summary[CRASH_B] = rows->form[CRASH_B] = rows->notes[CRASH_B] = 0;
    memset(rows->value[CRASH_B], 0, sizeof rows->value[CRASH_B]);
}

int crash_change_schema(struct crash_work *work, sqlite3 *db, struct crash_rows *rows) {
    int rc;
    if (!rows->second) {
        rows->second_name = (char)('b' + below(work, 3));
        rc = crash_create(work, db, rows, CRASH_B);
        rows->second = !rc;
    } else if (once_in(work, 2)) {
        char to = (char)('b' + below(work, 3));
        if (to == rows->second_name) return SQLITE_OK;
        rc = crash_run(db, "ALTER TABLE %s RENAME TO %c", crash_rows_name(rows, CRASH_B), to);
        if (!rc) rows->second_name = to;
        work->counts.renames++;
    } else {
        rc = crash_run(db, "DROP TABLE %s", crash_rows_name(rows, CRASH_B));
        if (!rc) forget_second(rows);
        work->counts.drops++;
    }
    return rc;
}

/* ---- commands ---------------------------------------------------------------------------------------------------- */

int crash_command(sqlite3 *db, const struct crash_rows *rows, enum crash_table table, const char *word) {
    const char *name = crash_rows_name(rows, table);
    return crash_run(db, "INSERT INTO %s(%s) VALUES(%Q)", name, name, word);
}

static int change_summary(struct crash_work *work, sqlite3 *db, struct crash_rows *rows, enum crash_table table) {
    uint8_t to = any_summary(work, rows, table);
    int rc = crash_command(db, rows, table, crash_summaries[to].sql);
    if (!rc) rows->summary[table] = to;
    if (!rc && db) work->counts.summaries++;
    return rc;
}

static int add_column(struct crash_work *work, sqlite3 *db, struct crash_rows *rows, enum crash_table table) {
    static const char *const words[] = {"add column note0 TEXT", "add column note1"};
    if (rows->notes[table] == CRASH_NOTES) return SQLITE_OK;
    int rc = crash_command(db, rows, table, words[rows->notes[table]]);
    if (!rc) rows->notes[table]++;
    if (!rc && db) work->counts.columns++;
    return rc;
}

/* A snapshot is of what its transaction commits: until then nobody knows its rows. */
enum { SNAPSHOT_OF_THE_COMMIT = 2 };

void crash_settle_snapshots(struct crash_rows *rows) {
    for (unsigned i = 0; i < CRASH_SNAPSHOTS; i++) {
        if (rows->snapshot[i] == SNAPSHOT_OF_THE_COMMIT) rows->snapshot[i] = crash_values_hash(rows->value[CRASH_A]);
    }
}

static int change_snapshot(struct crash_work *work, sqlite3 *db, struct crash_rows *rows) {
    unsigned i = below(work, CRASH_SNAPSHOTS);
    bool drops = rows->snapshot[i] != 0;
    int rc = crash_run(db, "INSERT INTO a(a, snapshot) VALUES('%s', 's%u')", drops ? "drop snapshot" : "snapshot", i);
    if (!rc) rows->snapshot[i] = drops ? 0 : SNAPSHOT_OF_THE_COMMIT;
    if (!rc && db) work->counts.named++;
    return rc;
}

static int command(struct crash_work *work, sqlite3 *db, struct crash_rows *rows, enum crash_table table) {
    static const char *const words[] = {"flush", "flush", "flush", "optimize", "vacuum", "clean"};
    if (table == CRASH_PLAIN) table = CRASH_A;
    if (once_in(work, 12)) return add_column(work, db, rows, table);
    if (once_in(work, 4)) {
        bool named = table == CRASH_A && (crash_has_snapshots(rows) || once_in(work, 2));
        return named ? change_snapshot(work, db, rows) : change_summary(work, db, rows, table);
    }
    return crash_command(db, rows, table, words[below(work, 6)]);
}

/* ---- any --------------------------------------------------------------------------------------------------------- */

static enum crash_table any_table(struct crash_work *work, const struct crash_rows *rows) {
    static const enum crash_table tables[] = {CRASH_A, CRASH_A, CRASH_B, CRASH_B, CRASH_PLAIN, CRASH_X, CRASH_X};
    enum crash_table table = tables[below(work, rows->attached ? 7 : 5)];
    return crash_has(rows, table) ? table : CRASH_A;
}

int crash_change(struct crash_work *work, sqlite3 *db, struct crash_rows *rows) {
    enum crash_table table = any_table(work, rows);
    unsigned key = below(work, CRASH_KEYS), what = below(work, 100);
    if (what < 58) return crash_put(work, db, rows, table, key);
    if (what < 71) return take(db, rows, table, key);
    if (what < 79) return move(db, rows, table, key, below(work, CRASH_KEYS));
    if (what < 80) return take_all(work, db, rows, table);
    if (what < 84) return change_folder(work, db, rows, table);
    if (what < 88) return crash_change_schema(work, db, rows);
    return command(work, db, rows, table);
}

int crash_put_many(struct crash_work *work, sqlite3 *db, struct crash_rows *rows) {
    enum crash_table table = any_table(work, rows);
    unsigned from = below(work, CRASH_KEYS), n = 10 + below(work, 60);
    int rc = SQLITE_OK;
    for (unsigned i = 0; !rc && i < n && from + i < CRASH_KEYS; i++) {
        rc = crash_put(work, db, rows, table, from + i);
    }
    return rc;
}
