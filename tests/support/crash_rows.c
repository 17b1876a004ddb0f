/* Numbers into rows and back. */
#include "tests/support/crash_rows.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/random.h"

enum { PIECES_EVERY = 40, HUGE_EVERY = 400 };

uint64_t crash_rows_hash(const struct crash_rows *rows) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (unsigned table = 0; table < CRASH_TABLES; table++) {
        for (unsigned key = 0; key < CRASH_KEYS; key++) hash = (hash ^ rows->value[table][key]) * 0x100000001b3u;
    }
    return (hash ^ (rows->second ? (unsigned char)rows->second_name : 0)) * 0x100000001b3u;
}

const char *crash_rows_name(const struct crash_rows *rows, enum crash_table table) {
    if (table == CRASH_A) return "a";
    if (table == CRASH_PLAIN) return "o";
    return rows->second_name == 'c' ? "c" : rows->second_name == 'd' ? "d" : "b";
}

void crash_path(unsigned key, char out[CRASH_PATH_MAX]) {
    unsigned in_folder = CRASH_KEYS / CRASH_FOLDERS;
    sqlite3_snprintf(CRASH_PATH_MAX, out, "dir%u/file%02u", key / in_folder, key % in_folder);
}

static uint32_t value_length(uint32_t number) {
    struct random random = {number};
    if (number % HUGE_EVERY == 7) return 66000 + random_below(&random, 4000);
    if (number % PIECES_EVERY == 3) return 4000 + random_below(&random, 9000);
    return 8 + random_below(&random, 240);
}

const uint8_t *crash_value(uint32_t number, uint32_t *len) {
    static uint64_t words[CRASH_VALUE_MAX / 8 + 1];
    struct random random = {~(uint64_t)number};
    *len = value_length(number);
    for (uint32_t i = 0; i < *len; i += 8) words[i / 8] = random_next(&random);
    memcpy(words, &number, sizeof number);
    return (const uint8_t *)words;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static bool complain(sqlite3 *db, char **why, const char *name) {
    *why = sqlite3_mprintf("table %s: %s", name, sqlite3_errmsg(db));
    return false;
}

static bool take_row(sqlite3_stmt *row, uint32_t *values, const char *name, char **why) {
    const char *path = (const char *)sqlite3_column_text(row, 0);
    const uint8_t *found = sqlite3_column_blob(row, 1);
    uint32_t len = (uint32_t)sqlite3_column_bytes(row, 1), number = 0, wanted;
    unsigned in_folder = CRASH_KEYS / CRASH_FOLDERS;
    char made[CRASH_PATH_MAX] = "";
    unsigned key = CRASH_KEYS;
    if (path && strlen(path) == 11) {
        key = (unsigned)(path[3] - '0') * in_folder + (unsigned)(path[9] - '0') * 10 + (unsigned)(path[10] - '0');
    }
    if (key < CRASH_KEYS) crash_path(key, made);
    if (!path || strcmp(path, made) || values[key]) {
        *why = sqlite3_mprintf("table %s: path '%s' is none of ours, or there twice", name, path);
        return false;
    }
    if (found && len >= sizeof number) memcpy(&number, found, sizeof number);
    const uint8_t *value = crash_value(number, &wanted);
    if (!number || !found || len != wanted || memcmp(found, value, len)) {
        *why = sqlite3_mprintf("table %s: the value of '%s' was never written", name, path);
        return false;
    }
    values[key] = number;
    return true;
}

static bool read_table(sqlite3 *db, const char *name, uint32_t *values, char **why) {
    sqlite3_stmt *rows = NULL;
    char sql[64];
    sqlite3_snprintf(sizeof sql, sql, "SELECT path, value FROM %s", name);
    if (sqlite3_prepare_v2(db, sql, -1, &rows, NULL)) return complain(db, why, name);
    bool good = true;
    int rc;
    while (good && (rc = sqlite3_step(rows)) == SQLITE_ROW) good = take_row(rows, values, name, why);
    if (good && rc != SQLITE_DONE) good = complain(db, why, name);
    sqlite3_finalize(rows);
    return good;
}

static bool read_names(sqlite3 *db, struct crash_rows *out, char **why) {
    sqlite3_stmt *names = NULL;
    static const char sql[] = "SELECT name FROM sqlite_schema WHERE type = 'table' AND length(name) = 1";
    if (sqlite3_prepare_v2(db, sql, -1, &names, NULL)) return complain(db, why, "sqlite_schema");
    unsigned count = 0;
    int rc;
    while ((rc = sqlite3_step(names)) == SQLITE_ROW) {
        char name = *(const char *)sqlite3_column_text(names, 0);
        count++;
        if (name < 'b' || name > 'd') continue;
        out->second = true;
        out->second_name = name;
    }
    bool good = rc == SQLITE_DONE || complain(db, why, "sqlite_schema");
    sqlite3_finalize(names);
    if (good && count != (out->second ? 3 : 2)) {
        *why = sqlite3_mprintf("there are %u tables", count);
        good = false;
    }
    return good;
}

bool crash_rows_read(sqlite3 *db, struct crash_rows *out, char **why) {
    *why = NULL;
    memset(out, 0, sizeof *out);
    bool outer = sqlite3_get_autocommit(db) && !sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);
    bool good = read_names(db, out, why);
    for (unsigned table = 0; good && table < CRASH_TABLES; table++) {
        if (table == CRASH_B && !out->second) continue;
        good = read_table(db, crash_rows_name(out, table), out->value[table], why);
    }
    if (outer && sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) && good) good = complain(db, why, "COMMIT");
    return good;
}

char *crash_rows_compare(const struct crash_rows *wanted, const struct crash_rows *found) {
    sqlite3_str *text = sqlite3_str_new(NULL);
    unsigned shown = 0;
    for (unsigned table = 0; table < CRASH_TABLES; table++) {
        unsigned differ = 0;
        for (unsigned key = 0; key < CRASH_KEYS; key++) {
            if (wanted->value[table][key] == found->value[table][key]) continue;
            if (!differ++ && shown++ < 3) {
                char path[CRASH_PATH_MAX];
                crash_path(key, path);
                sqlite3_str_appendf(text, "%s %s is %u and should be %u; ", crash_rows_name(found, table), path,
                                    found->value[table][key], wanted->value[table][key]);
            }
        }
        sqlite3_str_appendf(text, "%s: %u rows differ; ", crash_rows_name(wanted, table), differ);
    }
    if (wanted->second != found->second || (wanted->second && wanted->second_name != found->second_name)) {
        sqlite3_str_appendf(text, "the second table is %s and should be %s",
                            found->second ? crash_rows_name(found, CRASH_B) : "not there",
                            wanted->second ? crash_rows_name(wanted, CRASH_B) : "not there");
    }
    return sqlite3_str_finish(text);
}
