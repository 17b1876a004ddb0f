/* Numbers into rows and back. */
#include "tests/support/crash_rows.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/random.h"

enum { PIECES_EVERY = 40, HUGE_EVERY = 400 };

const char *const crash_summaries[] = {"summary=()", "summary=(sum(number))", "summary=(max(number), lookup(value))",
                                       "summary=(lookup(number), sum(number), hash(*))"};
/* As art_info() shows them. */
static const char *const shown_summaries[CRASH_SUMMARIES] = {
    "", "sum(\"number\")", "max(\"number\"), lookup(\"value\")", "hash(*), sum(\"number\"), lookup(\"number\")"};

static const uint64_t hash_start = 0xcbf29ce484222325u, hash_times = 0x100000001b3u; /* FNV-1a */

uint64_t crash_values_hash(const uint32_t *values) {
    uint64_t hash = hash_start;
    for (unsigned key = 0; key < CRASH_KEYS; key++) hash = (hash ^ values[key]) * hash_times;
    return hash | 1;
}

bool crash_has_snapshots(const struct crash_rows *rows) {
    uint64_t any = 0;
    for (unsigned i = 0; i < CRASH_SNAPSHOTS; i++) any |= rows->snapshot[i];
    return any != 0;
}

uint64_t crash_rows_hash(const struct crash_rows *rows) {
    uint64_t hash = hash_start;
    for (unsigned table = 0; table < CRASH_TABLES; table++) {
        for (unsigned key = 0; key < CRASH_KEYS; key++) hash = (hash ^ rows->value[table][key]) * hash_times;
        hash = (hash ^ rows->summary[table]) * hash_times;
    }
    for (unsigned i = 0; i < CRASH_SNAPSHOTS; i++) hash = (hash ^ rows->snapshot[i]) * hash_times;
    return (hash ^ (rows->second ? (unsigned char)rows->second_name : 0)) * hash_times;
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
    bool same = number && found && len == wanted && !memcmp(found, value, len);
    if (!same || sqlite3_column_int64(row, 2) != number) {
        *why = sqlite3_mprintf("table %s: the value of '%s' was never written", name, path);
        return false;
    }
    values[key] = number;
    return true;
}

static bool read_table(sqlite3 *db, const char *name, uint32_t *values, char **why) {
    sqlite3_stmt *rows = NULL;
    char sql[64];
    sqlite3_snprintf(sizeof sql, sql, "SELECT path, value, number FROM %s", name);
    if (sqlite3_prepare_v2(db, sql, -1, &rows, NULL)) return complain(db, why, name);
    bool good = true;
    int rc;
    while (good && (rc = sqlite3_step(rows)) == SQLITE_ROW) good = take_row(rows, values, name, why);
    if (good && rc != SQLITE_DONE) good = complain(db, why, name);
    sqlite3_finalize(rows);
    return good;
}

static bool read_summary(sqlite3 *db, const char *name, uint8_t *out, char **why) {
    sqlite3_stmt *ask = NULL;
    char sql[80];
    sqlite3_snprintf(sizeof sql, sql, "SELECT value FROM art_info('%s') WHERE property = 'summary'", name);
    if (sqlite3_prepare_v2(db, sql, -1, &ask, NULL)) return complain(db, why, name);
    int rc = sqlite3_step(ask);
    const char *text = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(ask, 0) : "";
    *out = 0;
    while (text && *out < CRASH_SUMMARIES && strcmp(text, shown_summaries[*out]) != 0) ++*out;
    bool good = rc == SQLITE_ROW || rc == SQLITE_DONE || complain(db, why, name);
    if (good && (!text || *out == CRASH_SUMMARIES)) {
        *why = sqlite3_mprintf("table %s: there is no summary '%s'", name, text);
        good = false;
    }
    sqlite3_finalize(ask);
    return good;
}

/* What the table shows of each folder is what its rows add up to. */
static bool read_sums(sqlite3 *db, const char *name, const uint32_t *values, unsigned summary, char **why) {
    sqlite3_stmt *level = NULL;
    int64_t count[CRASH_FOLDERS] = {0}, sum[CRASH_FOLDERS] = {0}, most[CRASH_FOLDERS] = {0};
    char sql[64];
    for (unsigned key = 0; key < CRASH_KEYS; key++) {
        unsigned folder = key / (CRASH_KEYS / CRASH_FOLDERS);
        count[folder] += values[key] != 0;
        sum[folder] += values[key];
        if (most[folder] < values[key]) most[folder] = values[key];
    }
    sqlite3_snprintf(sizeof sql, sql, "SELECT substr(path, 4), entries, number FROM %s('', '/')", name);
    if (sqlite3_prepare_v2(db, sql, -1, &level, NULL)) return complain(db, why, name);
    bool good = true;
    int rc;
    while (good && (rc = sqlite3_step(level)) == SQLITE_ROW) {
        unsigned folder = (unsigned)sqlite3_column_int(level, 0) % CRASH_FOLDERS;
        int64_t shown = sqlite3_column_int64(level, 2), wanted = summary == 2 ? most[folder] : sum[folder];
        bool none = sqlite3_column_type(level, 2) == SQLITE_NULL;
        good = sqlite3_column_int64(level, 1) == count[folder] && none == !summary && (none || shown == wanted);
        if (!good) *why = sqlite3_mprintf("table %s: folder %u shows %lld, and has %lld", name, folder, shown, wanted);
        count[folder] = 0;
    }
    if (good && rc != SQLITE_DONE) good = complain(db, why, name);
    sqlite3_finalize(level);
    for (unsigned folder = 0; good && folder < CRASH_FOLDERS; folder++) {
        if (!count[folder]) continue;
        *why = sqlite3_mprintf("table %s: folder %u is not listed", name, folder);
        good = false;
    }
    return good;
}

static bool read_snapshot(sqlite3 *db, const char *name, struct crash_rows *out, char **why) {
    uint32_t values[CRASH_KEYS] = {0};
    unsigned number = name && name[0] == 's' && !name[2] ? (unsigned)(name[1] - '0') : CRASH_SNAPSHOTS;
    char from[] = "a WHERE snapshot = 's0'";
    if (number >= CRASH_SNAPSHOTS) {
        *why = sqlite3_mprintf("there is a snapshot '%s'", name);
        return false;
    }
    from[sizeof from - 3] = name[1];
    if (!read_table(db, from, values, why)) return false;
    out->snapshot[number] = crash_values_hash(values);
    return true;
}

static bool read_snapshots(sqlite3 *db, struct crash_rows *out, char **why) {
    sqlite3_stmt *names = NULL;
    int rc = SQLITE_DONE;
    if (sqlite3_prepare_v2(db, "SELECT name FROM art_snapshots('a')", -1, &names, NULL)) {
        return complain(db, why, "art_snapshots");
    }
    bool good = true;
    while (good && (rc = sqlite3_step(names)) == SQLITE_ROW) {
        good = read_snapshot(db, (const char *)sqlite3_column_text(names, 0), out, why);
    }
    if (good && rc != SQLITE_DONE) good = complain(db, why, "art_snapshots");
    sqlite3_finalize(names);
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
        const char *name = crash_rows_name(out, table);
        good = read_table(db, name, out->value[table], why);
        if (!good || table == CRASH_PLAIN) continue;
        good = read_summary(db, name, &out->summary[table], why) &&
               read_sums(db, name, out->value[table], out->summary[table], why);
    }
    if (good) good = read_snapshots(db, out, why);
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
        if (wanted->summary[table] != found->summary[table]) {
            sqlite3_str_appendf(text, "its summary is %u and should be %u; ", found->summary[table],
                                wanted->summary[table]);
        }
    }
    for (unsigned i = 0; i < CRASH_SNAPSHOTS; i++) {
        if (wanted->snapshot[i] == found->snapshot[i]) continue;
        sqlite3_str_appendf(text, "snapshot s%u is %s; ", i,
                            !found->snapshot[i]    ? "not there"
                            : !wanted->snapshot[i] ? "there and should not be"
                                                   : "another state");
    }
    if (wanted->second != found->second || (wanted->second && wanted->second_name != found->second_name)) {
        sqlite3_str_appendf(text, "the second table is %s and should be %s",
                            found->second ? crash_rows_name(found, CRASH_B) : "not there",
                            wanted->second ? crash_rows_name(wanted, CRASH_B) : "not there");
    }
    return sqlite3_str_finish(text);
}
