/* Rows into numbers. */
#include "tests/support/crash_rows.h"

#include <string.h>

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

bool crash_has(const struct crash_rows *rows, enum crash_table table) {
    return table == CRASH_B ? rows->second : table != CRASH_X || rows->attached;
}

uint64_t crash_part_hash(const struct crash_rows *rows, enum crash_part part) {
    uint64_t hash = hash_start;
    for (unsigned table = 0; table < CRASH_TABLES; table++) {
        if (crash_part_of(table) != part) continue;
        for (unsigned key = 0; key < CRASH_KEYS; key++) hash = (hash ^ rows->value[table][key]) * hash_times;
        hash = (hash ^ rows->summary[table]) * hash_times;
        hash = (hash ^ rows->form[table]) * hash_times;
        hash = (hash ^ rows->notes[table]) * hash_times;
    }
    if (part == CRASH_TWO) return hash;
    for (unsigned i = 0; i < CRASH_SNAPSHOTS; i++) hash = (hash ^ rows->snapshot[i]) * hash_times;
    return (hash ^ (rows->second ? (unsigned char)rows->second_name : 0)) * hash_times;
}

uint64_t crash_rows_hash(const struct crash_rows *rows) {
    return crash_part_hash(rows, CRASH_MAIN) * 31 + crash_part_hash(rows, CRASH_TWO);
}

const char *crash_rows_name(const struct crash_rows *rows, enum crash_table table) {
    if (table == CRASH_A) return "a";
    if (table == CRASH_PLAIN) return "o";
    if (table == CRASH_X) return "x";
    return rows->second_name == 'c' ? "c" : rows->second_name == 'd' ? "d" : "b";
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static bool complain(sqlite3 *db, char **why, const char *name) {
    *why = sqlite3_mprintf("[%d] table %s: %s", sqlite3_extended_errcode(db), name, sqlite3_errmsg(db));
    return false;
}

static bool same_text(sqlite3_stmt *row, int column, const char *wanted) {
    const char *found = (const char *)sqlite3_column_text(row, column);
    return found && !strcmp(found, wanted);
}

/* Are these the values that follow from the number? */
static bool is_of_number(sqlite3_stmt *row, uint32_t number, unsigned notes) {
    char text[CRASH_WORDS_MAX];
    uint32_t wanted;
    const uint8_t *value = crash_value(number, &wanted), *found = sqlite3_column_blob(row, 1);
    if (!number || !found || (uint32_t)sqlite3_column_bytes(row, 1) != wanted || memcmp(found, value, wanted))
        return false;
    crash_words(number, text);
    if (!same_text(row, 3, text) || crash_notes_of(number) > notes) return false;
    for (unsigned i = 0; i < notes; i++) {
        crash_note(number, i, text);
        bool there = i < crash_notes_of(number);
        if (there ? !same_text(row, 4 + (int)i, text) : sqlite3_column_type(row, 4 + (int)i) != SQLITE_NULL)
            return false;
    }
    return true;
}

static bool take_row(sqlite3_stmt *row, enum crash_form form, unsigned notes, uint32_t *values, unsigned *last,
                     const char *name, char **why) {
    const char *literal = (const char *)sqlite3_column_text(row, 0);
    unsigned key = crash_key_of(form, literal, *last);
    if (key == CRASH_KEYS || values[key]) {
        *why = sqlite3_mprintf("table %s: the key %s is none of ours, or there twice", name, literal);
        return false;
    }
    uint32_t number = (uint32_t)sqlite3_column_int64(row, 2);
    if (!is_of_number(row, number, notes)) {
        *why = sqlite3_mprintf("table %s: the row of %s was never written", name, literal);
        return false;
    }
    values[key] = number;
    *last = key;
    return true;
}

bool crash_table_read(sqlite3 *db, const char *from, enum crash_form form, unsigned notes, uint32_t *values,
                      char **why) {
    static const char *const note_columns[] = {"", ", note0", ", note0, note1"};
    sqlite3_stmt *rows = NULL;
    char sql[160];
    sqlite3_snprintf(sizeof sql, sql, "SELECT %s, value, number, words%s FROM %s", crash_forms[form].quoted,
                     note_columns[notes], from);
    if (sqlite3_prepare_v2(db, sql, -1, &rows, NULL)) return complain(db, why, from);
    bool good = true;
    unsigned last = 0;
    int rc;
    while (good && (rc = sqlite3_step(rows)) == SQLITE_ROW) {
        good = take_row(rows, form, notes, values, &last, from, why);
    }
    if (good && rc != SQLITE_DONE) good = complain(db, why, from);
    sqlite3_finalize(rows);
    return good;
}

/* The text that the statement gives first, "" where it gives no row. sqlite3_free() it; NULL: *why. */
static char *ask_text(sqlite3 *db, const char *format, const char *name, char **why) {
    sqlite3_stmt *ask = NULL;
    char *sql = sqlite3_mprintf(format, name), *text = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &ask, NULL);
    if (!rc) rc = sqlite3_step(ask);
    if (rc == SQLITE_ROW || rc == SQLITE_DONE) {
        const char *found = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(ask, 0) : NULL;
        text = sqlite3_mprintf("%s", found ? found : "");
    } else {
        complain(db, why, name);
    }
    sqlite3_finalize(ask);
    sqlite3_free(sql);
    return text;
}

static bool read_summary(sqlite3 *db, const char *name, uint8_t *out, char **why) {
    char *text = ask_text(db, "SELECT value FROM art_info(%Q) WHERE property = 'summary'", name, why);
    if (!text) return false;
    *out = 0;
    while (*out < CRASH_SUMMARIES && strcmp(text, crash_summaries[*out].shown) != 0) ++*out;
    if (*out == CRASH_SUMMARIES) *why = sqlite3_mprintf("table %s: there is no summary '%s'", name, text);
    sqlite3_free(text);
    return *out < CRASH_SUMMARIES;
}

/* By the columns that the table has. */
static bool read_form(sqlite3 *db, const char *name, uint8_t *form, uint8_t *notes, char **why) {
    static const char *const columns[CRASH_FORMS] = {"path TEXT", "dir TEXT path TEXT", "path BLOB",
                                                     "dir INTEGER path TEXT"};
    char *text = ask_text(db, "SELECT group_concat(name || ' ' || type, ' ') FROM pragma_table_info(%Q)", name, why);
    if (!text) return false;
    *form = 0;
    while (*form < CRASH_FORMS) {
        size_t len = strlen(columns[*form]);
        if (!strncmp(text, columns[*form], len) && !strncmp(text + len, " value ", 7)) break;
        ++*form;
    }
    *notes = strstr(text, " note1") ? 2 : strstr(text, " note0") ? 1 : 0;
    if (*form == CRASH_FORMS) *why = sqlite3_mprintf("table %s: it has the columns %s", name, text);
    sqlite3_free(text);
    return *form < CRASH_FORMS;
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
    if (!crash_table_read(db, from, out->form[CRASH_A], out->notes[CRASH_A], values, why)) return false;
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
    out->attached = sqlite3_db_filename(db, "two") != NULL;
    if (good && count != (out->second ? 3 : 2)) {
        *why = sqlite3_mprintf("there are %u tables", count);
        good = false;
    }
    return good;
}

bool crash_rows_read(sqlite3 *db, struct crash_rows *out, struct crash_answers *answers, char **why) {
    *why = NULL;
    memset(out, 0, sizeof *out);
    bool outer = sqlite3_get_autocommit(db) && !sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);
    bool good = read_names(db, out, why);
    for (unsigned table = 0; good && table < CRASH_TABLES; table++) {
        if (!crash_has(out, table)) continue;
        const char *name = crash_rows_name(out, table);
        if (table != CRASH_PLAIN) {
            good = read_form(db, name, &out->form[table], &out->notes[table], why) &&
                   read_summary(db, name, &out->summary[table], why);
        }
        if (good) good = crash_table_read(db, name, out->form[table], out->notes[table], out->value[table], why);
    }
    if (good) good = read_snapshots(db, out, why) && crash_answers_check(db, out, answers, why);
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
                sqlite3_str_appendf(text, "%s %s is %u and should be %u; ", crash_rows_name(found, table),
                                    crash_key(CRASH_TEXT, key), found->value[table][key], wanted->value[table][key]);
            }
        }
        sqlite3_str_appendf(text, "%s: %u rows differ; ", crash_rows_name(wanted, table), differ);
        if (wanted->form[table] != found->form[table] || wanted->notes[table] != found->notes[table]) {
            sqlite3_str_appendf(text, "it has keys %u and %u notes, and should have %u and %u; ", found->form[table],
                                found->notes[table], wanted->form[table], wanted->notes[table]);
        }
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
