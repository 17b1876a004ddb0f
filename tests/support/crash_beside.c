/* Copies, published files and salvage. */
#include "tests/support/crash_beside.h"

#include <string.h>

#include "ext/art.h"
#include "tests/support/crash_change.h"

static bool complain(sqlite3 *db, const char *what, char **why) {
    *why = sqlite3_mprintf("[%d] %s: %s", sqlite3_extended_errcode(db), what, sqlite3_errmsg(db));
    return false;
}

/* ---- copies ------------------------------------------------------------------------------------------------------ */

void crash_copy_meet(struct crash_copy *copy, enum crash_mark mark, unsigned state) {
    if (mark == CRASH_COPIED) copy->count = 0;
    copy->was_whole |= mark == CRASH_COPIED;
    copy->whole = mark == CRASH_COPIED;
    if (copy->count < CRASH_COPIES) copy->states[copy->count++] = state;
}

static sqlite3 *open_file(const char *name, int flags, char **why) {
    sqlite3 *db = NULL;
    int rc = sqlite3_open_v2(name, &db, flags | SQLITE_OPEN_NOMUTEX, "unix");
    if (!rc) rc = sqlite3_art_init(db, NULL, NULL);
    if (!rc) return db;
    complain(db, name, why);
    sqlite3_close(db);
    return NULL;
}

bool crash_read_alone(const char *name, char **why) {
    sqlite3 *db = open_file(name, SQLITE_OPEN_READWRITE, why);
    if (!db) return false;
    bool good = !sqlite3_exec(db, "PRAGMA integrity_check; SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
    if (!good) complain(db, name, why);
    if (sqlite3_close(db) && good) good = complain(db, "it cannot be closed", why);
    return good;
}

/* The rows of a file of its own. */
static bool read_file(const char *name, struct crash_rows *rows, char **why) {
    sqlite3 *db = open_file(name, SQLITE_OPEN_READWRITE, why);
    if (!db) return false;
    bool good = crash_rows_read(db, rows, NULL, why);
    if (good && sqlite3_exec(db, "SELECT art_verify()", NULL, NULL, NULL)) good = complain(db, "art_verify()", why);
    if (sqlite3_close(db) && good) good = complain(db, "it cannot be closed", why);
    return good;
}

bool crash_copy_check(const struct crash_work *work, const struct crash_copy *copy, char **why) {
    struct crash_rows found;
    char *said = NULL;
    if (!read_file(CRASH_COPY, &found, &said)) {
        bool none = *said == '[' || strstr(said, "there are 0 tables");
        if (!copy->whole && (strstr(said, "this copy is unfinished") || (none && !copy->was_whole))) {
            sqlite3_free(said);
            return true;
        }
        *why = sqlite3_mprintf("the copy (%s, %u): %s", copy->whole ? "whole" : "perhaps unfinished",
                               copy->count ? copy->states[copy->count - 1] : 0, said);
        sqlite3_free(said);
        return false;
    }
    uint64_t hash = crash_part_hash(&found, CRASH_MAIN);
    for (unsigned i = 0; i < copy->count; i++) {
        if (work->states[copy->states[i]].hash[CRASH_MAIN] == hash) return true;
    }
    unsigned wanted = copy->count ? copy->states[copy->count - 1] : 0;
    char *differ = crash_rows_compare(&work->states[wanted].rows, &found);
    *why = sqlite3_mprintf("the copy is none of %u states; it should be %u: %s", copy->count, wanted, differ);
    sqlite3_free(differ);
    return false;
}

static bool is_same(const char *name, const struct crash_rows *rows, char **why) {
    struct crash_rows found;
    if (!read_file(name, &found, why)) return false;
    if (crash_part_hash(&found, CRASH_MAIN) == crash_part_hash(rows, CRASH_MAIN)) return true;
    char *differ = crash_rows_compare(rows, &found);
    *why = sqlite3_mprintf("%s: %s", name, differ);
    sqlite3_free(differ);
    return false;
}

bool crash_copy_update(sqlite3 *db, const struct crash_work *work, const struct crash_rows *rows, bool *refused,
                       char **why) {
    *refused = false;
    if (!sqlite3_exec(db, "SELECT art_backup('" CRASH_COPY "', 'main', 'update')", NULL, NULL, NULL)) {
        return is_same(CRASH_COPY, rows, why);
    }
    *refused = work->setting->inlined && strstr(sqlite3_errmsg(db), "storage");
    return *refused || complain(db, "art_backup()", why);
}

bool crash_publish(sqlite3 *db, const struct crash_work *work, const struct crash_rows *rows, char **why) {
    if (sqlite3_exec(db, "SELECT art_publish('" CRASH_SITE "')", NULL, NULL, NULL)) {
        return complain(db, "art_publish()", why);
    }
    return is_same(CRASH_SITE, rows, why);
}

/* ---- salvage ----------------------------------------------------------------------------------------------------- */

static char *text_of(sqlite3 *db, const char *sql) {
    sqlite3_stmt *ask = NULL;
    char *text = NULL;
    if (!sqlite3_prepare_v2(db, sql, -1, &ask, NULL) && sqlite3_step(ask) == SQLITE_ROW) {
        text = sqlite3_mprintf("%s", sqlite3_column_text(ask, 0));
    }
    sqlite3_finalize(ask);
    return text;
}

/* Does a range of the table `lost` have this key? Of keys of several columns it may be said a little too wide. */
static bool is_said_lost(sqlite3 *db, const struct crash_rows *rows, enum crash_table table, unsigned key) {
    enum crash_form form = rows->form[table];
    const char *literal = crash_key(form, key);
    bool several = form == CRASH_SEVERAL || form == CRASH_DOWN;
    if (several) { /* art_key() of a table that is damaged may fail */
        crash_run(db, "CREATE VIRTUAL TABLE IF NOT EXISTS temp.keyed%u USING art(%s%s)", form,
                  crash_forms[form].columns, crash_forms[form].tail);
    }
    char *least = several ? sqlite3_mprintf("art_key('keyed%u', %s)", form, literal) : sqlite3_mprintf("%s", literal);
    char *most = several ? sqlite3_mprintf("CAST(%s || X'FF' AS BLOB)", least) : sqlite3_mprintf("%s", literal);
    char *sql = sqlite3_mprintf("SELECT 1 FROM temp.lost WHERE (after IS NULL OR after < %s) AND (before IS NULL OR "
                                "before > %s)",
                                most, least);
    sqlite3_stmt *ask = NULL;
    bool said = !sqlite3_prepare_v2(db, sql, -1, &ask, NULL) && sqlite3_step(ask) == SQLITE_ROW;
    sqlite3_finalize(ask);
    sqlite3_free(least);
    sqlite3_free(most);
    sqlite3_free(sql);
    return said;
}

static bool compare_saved(sqlite3 *db, const struct crash_work *work, const struct crash_rows *rows,
                          enum crash_table table, bool damaged, const uint32_t *saved, char **why) {
    for (unsigned key = 0; key < CRASH_KEYS; key++) {
        uint32_t is = saved[key], was = rows->value[table][key];
        bool good = is == was || (damaged && is >> 2 < work->next_value && is_said_lost(db, rows, table, key));
        if (good) continue;
        char *said = text_of(db, "SELECT group_concat(quote(after) || ' - ' || quote(before) || ': ' || problem, "
                                 "'; ') FROM temp.lost");
        *why = sqlite3_mprintf("salvage of %s gives %u for %s, where %u was (%s): %s", crash_rows_name(rows, table), is,
                               crash_key(rows->form[table], key), was,
                               is >> 2 < work->next_value ? "not said" : "never written", said);
        sqlite3_free(said);
        return false;
    }
    return true;
}

static bool salvage_table(sqlite3 *db, const struct crash_work *work, const struct crash_rows *rows,
                          enum crash_table table, bool damaged, char **why) {
    const char *name = crash_rows_name(rows, table);
    uint32_t saved[CRASH_KEYS] = {0};
    sqlite3_stmt *lost = NULL;
    if (crash_run(db, "CREATE VIRTUAL TABLE temp.saved USING art_salvage('%s')", name) ||
        crash_run(db, "CREATE TEMP TABLE lost AS SELECT * FROM art_lost('%s')", name)) {
        return complain(db, "salvage", why);
    }
    bool good = crash_table_read(db, "saved", rows->form[table], rows->notes[table], saved, why) &&
                compare_saved(db, work, rows, table, damaged, saved, why);
    if (good && !damaged && !sqlite3_prepare_v2(db, "SELECT problem FROM temp.lost", -1, &lost, NULL) &&
        sqlite3_step(lost) == SQLITE_ROW) {
        *why = sqlite3_mprintf("of %s something is lost: %s", name, sqlite3_column_text(lost, 0));
        good = false;
    }
    sqlite3_finalize(lost);
    if (crash_run(db, "DROP TABLE temp.saved; DROP TABLE temp.lost") && good) good = complain(db, "DROP", why);
    return good;
}

static bool salvage_snapshots(sqlite3 *db, const struct crash_rows *rows, char **why) {
    for (unsigned i = 0; i < CRASH_SNAPSHOTS; i++) {
        uint32_t saved[CRASH_KEYS] = {0};
        if (!rows->snapshot[i]) continue;
        if (crash_run(db, "CREATE VIRTUAL TABLE temp.saved USING art_salvage('a', snapshot='s%u')", i)) {
            return complain(db, "salvage of a snapshot", why);
        }
        bool good = crash_table_read(db, "saved", rows->form[CRASH_A], rows->notes[CRASH_A], saved, why);
        if (good && crash_values_hash(saved) != rows->snapshot[i]) {
            *why = sqlite3_mprintf("salvage gives another s%u than there is", i);
            good = false;
        }
        if (crash_run(db, "DROP TABLE temp.saved") && good) good = complain(db, "DROP", why);
        if (!good) return false;
    }
    return true;
}

bool crash_salvage_check(sqlite3 *db, const struct crash_work *work, const struct crash_rows *rows, bool damaged,
                         char **why) {
    for (unsigned table = 0; table < CRASH_TABLES; table++) {
        if (table == CRASH_PLAIN || !crash_has(rows, table)) continue;
        if (!salvage_table(db, work, rows, table, damaged, why)) return false;
    }
    return damaged || salvage_snapshots(db, rows, why);
}
