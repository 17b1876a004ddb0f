#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/hash.h"
#include "tests/support/ownership_private.h"

const char *const own_answers[OWN_ANSWERS] = {
    [OWN_WORKS] = "works",         [OWN_MISSING] = "missing",
    [OWN_ANOTHERS] = "another's",  [OWN_ANOTHER_NAMES] = "another name's",
    [OWN_REPLACED] = "replaced",   [OWN_ANOTHER_TABLES] = "another table's",
    [OWN_TWO_NAMES] = "two names", [OWN_IN_THE_WAY] = "in the way",
    [OWN_NEWER] = "newer",         [OWN_DAMAGED] = "damaged",
    [OWN_BUSY] = "busy",           [OWN_UNKNOWN] = "UNKNOWN",
    [OWN_SKIPPED] = "-",           [OWN_COPIED_UP] = "copied up",
    [OWN_BEHIND] = "behind",
};

static const struct {
    const char *says;
    enum own_answer answer;
} words[] = {
    {"the .art file is missing", OWN_MISSING},
    {"the .art file is that of another database", OWN_ANOTHERS},
    {"the .art file is a copy that no database has claimed, made with one of another name", OWN_ANOTHER_NAMES},
    {"the .art file belongs to another database file that stood here before", OWN_REPLACED},
    {"the .art file can be read and not written", OWN_COPIED_UP},
    {"the .art file is that of another table", OWN_ANOTHER_TABLES},
    {"a hard link leads two databases to one file", OWN_TWO_NAMES},
    {"a file that is not ours has the name", OWN_IN_THE_WAY},
    {"the .art file is newer than this database", OWN_NEWER},
    {"behind its .art file", OWN_BEHIND},
    {"or copy out what is left by art_salvage", OWN_DAMAGED},
};

enum own_answer own_answer_of(int code, const char *message) {
    if (!code) return OWN_WORKS;
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
        if (strstr(message, words[i].says)) return words[i].answer;
    }
    return (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED ? OWN_BUSY : OWN_UNKNOWN;
}

void own_fail(struct own_world *world, const char *format, ...) {
    va_list args;
    if (world->result->failed) return; /* the first is what counts */
    world->result->failed = true;
    va_start(args, format);
    vsnprintf(world->result->why, sizeof world->result->why, format, args);
    va_end(args);
}

sqlite3 *own_connect(const struct own_world *world, const char *name) {
    char full[PATH_MAX];
    sqlite3 *db = NULL;
    own_full(world, name, full);
    sqlite3_open_v2(full, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    sqlite3_extended_result_codes(db, 1);
    sqlite3_exec(db, "PRAGMA synchronous=OFF", NULL, NULL, NULL); /* nothing here is about power loss */
    return db;
}

/* --- tables and their files --------------------------------------------------------------------------------------- */

/* The art tables of the connection's main database; their state is read as any table. */
static void list(const struct own_world *world, sqlite3 *db, const char *name, struct own_look *out) {
    sqlite3_stmt *tables = NULL, *state = NULL;
    sqlite3_prepare_v2(db,
                       "SELECT substr(name, 1, length(name) - 9) FROM sqlite_schema WHERE name LIKE '%\\_artstate' "
                       "ESCAPE '\\' ORDER BY name",
                       -1, &tables, NULL);
    while (tables && sqlite3_step(tables) == SQLITE_ROW && out->count < OWN_TABLES) {
        struct own_table *table = &out->tables[out->count++];
        *table = (struct own_table){.runs = 0};
        snprintf(table->name, sizeof table->name, "%s", (const char *)sqlite3_column_text(tables, 0));
        char *sql = sqlite3_mprintf("SELECT k, v FROM \"%w_artstate\" WHERE k IN ('file', 'storage')", table->name);
        sqlite3_prepare_v2(db, sql, -1, &state, NULL);
        while (state && sqlite3_step(state) == SQLITE_ROW) {
            const char *key = (const char *)sqlite3_column_text(state, 0);
            const char *value = (const char *)sqlite3_column_text(state, 1);
            if (!strcmp(key, "file")) snprintf(table->file, sizeof table->file, "%s", value ? value : "");
            if (!strcmp(key, "storage")) table->inlined = value && !strcmp(value, "inline");
        }
        sqlite3_finalize(state);
        sqlite3_free(sql);
        char path[OWN_NAME];
        own_beside(name, table->file, path);
        table->object = table->inlined ? 0 : own_object_at(world, path);
    }
    sqlite3_finalize(tables);
}

void own_list_tables(const struct own_world *world, const char *name, struct own_look *out) {
    char full[PATH_MAX];
    sqlite3 *db = NULL;
    *out = (struct own_look){.object = own_object_at(world, name)};
    if (!out->object) return;
    own_full(world, name, full);
    sqlite3_open_v2(full, &db, SQLITE_OPEN_READWRITE, NULL);
    list(world, db, name, out);
    sqlite3_close(db);
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

static sqlite3_stmt *ask(sqlite3 *db, const char *format, const char *table, int *rc) {
    sqlite3_stmt *statement = NULL;
    char *sql = sqlite3_mprintf(format, table);
    *rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    sqlite3_free(sql);
    return statement;
}

static bool same_column(sqlite3_stmt *a, sqlite3_stmt *b, int column) {
    const void *left = sqlite3_column_blob(a, column), *right = sqlite3_column_blob(b, column);
    int len = sqlite3_column_bytes(a, column);
    return len == sqlite3_column_bytes(b, column) && (!len || !memcmp(left, right, (size_t)len));
}

static uint64_t hash_row(uint64_t hash, sqlite3_stmt *row) {
    for (int i = 0; i < 2; i++) {
        const void *data = sqlite3_column_blob(row, i);
        hash = hash * 31 + art_hash64(data ? data : "", (size_t)sqlite3_column_bytes(row, i));
    }
    return hash;
}

/* The rows of the table beside those of its mirror, which are read to their end. False: they differ. */
static bool compare(sqlite3_stmt *rows, sqlite3_stmt *mirror, struct own_table *table, int *rc) {
    uint64_t hash = 1;
    bool same = true;
    while (sqlite3_step(mirror) == SQLITE_ROW) {
        hash = hash_row(hash, mirror);
        if (*rc || !same) continue;
        int step = sqlite3_step(rows);
        if (step == SQLITE_ROW) {
            same = same_column(rows, mirror, 0) && same_column(rows, mirror, 1);
        } else {
            *rc = step == SQLITE_DONE ? 0 : step;
            same = step != SQLITE_DONE;
        }
    }
    table->mirror = hash;
    if (!*rc && same) {
        int step = sqlite3_step(rows);
        same = step != SQLITE_ROW;
        if (step != SQLITE_DONE && step != SQLITE_ROW) *rc = step;
    }
    return same;
}

static unsigned runs_of(sqlite3 *db, const char *table) {
    int rc;
    sqlite3_stmt *info = ask(db, "SELECT value FROM art_debug(%Q) WHERE property = 'runs'", table, &rc);
    unsigned runs = info && sqlite3_step(info) == SQLITE_ROW ? (unsigned)sqlite3_column_int(info, 0) : 0;
    sqlite3_finalize(info);
    return runs;
}

/* What searches, lookups and ranges of keys find, where all rows are right. */
static bool finds_alike(sqlite3 *db, const char *table) {
    static const char question[] =
        "SELECT (SELECT count(*) FROM %s WHERE value LIKE '%%7 xxx%%') = (SELECT count(*) FROM %s_m WHERE value LIKE "
        "'%%7 xxx%%') AND (SELECT count(*) FROM %s WHERE value = (SELECT min(value) FROM %s_m)) = (SELECT "
        "count(*) FROM %s_m WHERE value = (SELECT min(value) FROM %s_m)) AND (SELECT count(*) FROM %s WHERE path >= "
        "x'6b2f3035') = (SELECT count(*) FROM %s_m WHERE path >= x'6b2f3035')";
    char *sql = sqlite3_mprintf(question, table, table, table, table, table, table, table, table);
    sqlite3_stmt *asked = NULL;
    sqlite3_prepare_v2(db, sql, -1, &asked, NULL);
    bool alike = asked && sqlite3_step(asked) == SQLITE_ROW && sqlite3_column_int(asked, 0);
    sqlite3_finalize(asked);
    sqlite3_free(sql);
    return alike;
}

static void look_at_table(struct own_world *world, sqlite3 *db, const char *name, struct own_table *table) {
    int rc, mirrored;
    sqlite3_stmt *rows = ask(db, "SELECT path, value FROM \"%w\" ORDER BY path", table->name, &rc);
    if (rc) snprintf(table->message, sizeof table->message, "%s", sqlite3_errmsg(db));
    sqlite3_stmt *mirror = ask(db, "SELECT path, value FROM \"%w_m\" ORDER BY path", table->name, &mirrored);
    if (mirrored) own_fail(world, "%s has no mirror of %s: %s", name, table->name, sqlite3_errmsg(db));
    bool same = mirrored || compare(rows, mirror, table, &rc);
    if (rc && !*table->message) snprintf(table->message, sizeof table->message, "%s", sqlite3_errmsg(db));
    sqlite3_finalize(rows);
    sqlite3_finalize(mirror);
    if (!same && !rc) own_fail(world, "WRONG ROWS: %s: %s does not hold what it should", name, table->name);
    if (same && !rc && !finds_alike(db, table->name))
        own_fail(world, "WRONG ANSWERS: %s: %s finds other rows than it has (%s)", name, table->name,
                 sqlite3_errmsg(db));
    table->answer = own_answer_of(rc, table->message);
    table->reads = !rc;
    if (table->answer == OWN_UNKNOWN || table->answer == OWN_BUSY) {
        own_fail(world, "%s: reading %s says something that README does not have (%d): %s", name, table->name, rc,
                 table->message);
    }
    if (table->reads) table->runs = runs_of(db, table->name);
}

void own_look_through(struct own_world *world, sqlite3 *db, const char *name, struct own_look *out) {
    *out = (struct own_look){.there = true, .fresh = true, .object = own_object_at(world, name)};
    list(world, db, name, out);
    for (unsigned i = 0; i < out->count; i++) look_at_table(world, db, name, &out->tables[i]);
}

void own_look_at(struct own_world *world, const char *name, struct own_look *out) {
    if (!own_object_at(world, name)) {
        *out = (struct own_look){.fresh = true};
        return;
    }
    sqlite3 *db = own_connect(world, name);
    own_look_through(world, db, name, out);
    if (sqlite3_close(db)) own_fail(world, "%s cannot be closed", name);
}
