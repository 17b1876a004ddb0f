/* Do sums, hashes, lookups, searches and snapshots answer what the rows say? Which of them are asked follows from the
 * rows, so that equal states are asked alike. */
#include <string.h>

#include "tests/support/crash_rows.h"
#include "tests/support/random.h"

struct asked {
    sqlite3 *db;
    const struct crash_rows *rows;
    enum crash_table table;
    const char *name;
    const struct crash_form_of *form;
    const uint32_t *values;
    const struct crash_summary *summary;
    struct crash_answers *answers;
    struct random random;
    char **why;
};

static bool complain(const struct asked *asked, const char *what) {
    *asked->why = sqlite3_mprintf("[%d] table %s: %s: %s", sqlite3_extended_errcode(asked->db), asked->name, what,
                                  sqlite3_errmsg(asked->db));
    return false;
}

/* ---- sums and hashes --------------------------------------------------------------------------------------------- */

/* The bytes of all keys, by art's own word: how it makes them is no question of crashes. */
static bool hash_of_row(const struct asked *asked, unsigned key, uint64_t *out) {
    static struct {
        uint8_t bytes[CRASH_KEY_MAX];
        size_t len;
    } made[CRASH_FORMS][CRASH_KEYS];
    enum crash_form form = asked->rows->form[asked->table];
    if (!made[form][key].len) {
        bool several = form == CRASH_SEVERAL || form == CRASH_DOWN;
        char is[2 * CRASH_KEY_MAX];
        sqlite3_snprintf(sizeof is, is, asked->form->is, key / CRASH_IN_FOLDER, key % CRASH_IN_FOLDER);
        char *sql = sqlite3_mprintf("SELECT %s FROM %s WHERE %s", several ? "art_key" : "path", asked->name, is);
        sqlite3_stmt *ask = NULL;
        int rc = sqlite3_prepare_v2(asked->db, sql, -1, &ask, NULL);
        if (!rc && sqlite3_step(ask) == SQLITE_ROW) {
            const void *bytes = sqlite3_column_blob(ask, 0);
            size_t len = (size_t)sqlite3_column_bytes(ask, 0);
            if (bytes && len <= CRASH_KEY_MAX) memcpy(made[form][key].bytes, bytes, made[form][key].len = len);
        }
        sqlite3_finalize(ask);
        sqlite3_free(sql);
        if (!made[form][key].len) return complain(asked, "art_key()");
    }
    *out = crash_hash_row(form, asked->values[key], made[form][key].bytes, made[form][key].len);
    return true;
}

/* count, sum and most; hash(*), hash(values) */
struct total {
    int64_t count, sum, most;
    uint64_t hash, hash_values;
};

static bool add_up(const struct asked *asked, unsigned folder, struct total *total) {
    memset(total, 0, sizeof *total);
    for (unsigned key = folder * CRASH_IN_FOLDER; key < (folder + 1) * CRASH_IN_FOLDER; key++) {
        uint32_t number = asked->values[key];
        uint64_t hash = 0;
        if (!number) continue;
        if (asked->summary->hash && !hash_of_row(asked, key, &hash)) return false;
        total->count++;
        total->sum += number;
        if (total->most < number) total->most = number;
        total->hash += hash;
        if (asked->summary->hash_values) {
            total->hash_values += crash_hash_values(asked->rows->form[asked->table], number);
        }
    }
    return true;
}

static bool is_shown(const struct asked *asked, sqlite3_stmt *row, const struct total *total) {
    const struct crash_summary *summary = asked->summary;
    if (sqlite3_column_int64(row, 0) != total->count) return false;
    if (summary->sum && sqlite3_column_int64(row, 1) != total->sum) return false;
    if (summary->most && sqlite3_column_int64(row, 1) != total->most) return false;
    if (summary->hash && (uint64_t)sqlite3_column_int64(row, 2) != total->hash) return false;
    return !summary->hash_values || (uint64_t)sqlite3_column_int64(row, 3) == total->hash_values;
}

static bool ask_folder(const struct asked *asked, unsigned folder) {
    const struct crash_summary *summary = asked->summary;
    struct total total;
    char prefix[CRASH_KEY_MAX];
    sqlite3_stmt *ask = NULL;
    const char *n = asked->name;
    if (!add_up(asked, folder, &total)) return false;
    crash_prefix(asked->rows->form[asked->table], n, folder, prefix);
    char *number = summary->sum    ? sqlite3_mprintf("art_sum('%s', 'number', %s)", n, prefix)
                   : summary->most ? sqlite3_mprintf("art_max('%s', 'number', %s)", n, prefix)
                                   : sqlite3_mprintf("0");
    char *hash = summary->hash ? sqlite3_mprintf("art_hash('%s', %s)", n, prefix) : sqlite3_mprintf("0");
    char *of_values =
        summary->hash_values ? sqlite3_mprintf("art_hash_values('%s', %s)", n, prefix) : sqlite3_mprintf("0");
    char *sql = sqlite3_mprintf("SELECT art_count('%s', %s), %s, %s, %s", n, prefix, number, hash, of_values);
    bool good = !sqlite3_prepare_v2(asked->db, sql, -1, &ask, NULL) && sqlite3_step(ask) == SQLITE_ROW;
    if (!good) {
        complain(asked, sql);
    } else if (!is_shown(asked, ask, &total)) {
        good = false;
        *asked->why = sqlite3_mprintf("%s: it is %s, %s, %s, %s and should be %lld, %lld or %lld, %lld, %lld", sql,
                                      sqlite3_column_text(ask, 0), sqlite3_column_text(ask, 1),
                                      sqlite3_column_text(ask, 2), sqlite3_column_text(ask, 3), total.count, total.sum,
                                      total.most, total.hash, total.hash_values);
    }
    if (asked->answers && (summary->sum || summary->most)) asked->answers->sums++;
    if (asked->answers && (summary->hash || summary->hash_values)) asked->answers->hashes++;
    sqlite3_finalize(ask);
    sqlite3_free(number);
    sqlite3_free(hash);
    sqlite3_free(of_values);
    sqlite3_free(sql);
    return good;
}

/* What a listing of the level shows of each folder is what its rows add up to. Of keys of several columns it is of the
 * first, which has no delimiter. */
static bool ask_listing(const struct asked *asked) {
    sqlite3_stmt *level = NULL;
    struct total total;
    unsigned next = 0;
    char sql[64];
    if (asked->rows->form[asked->table] != CRASH_TEXT && asked->rows->form[asked->table] != CRASH_BYTES) return true;
    sqlite3_snprintf(sizeof sql, sql, "SELECT substr(path, 4, 1), entries, number FROM %s('', '/')", asked->name);
    if (sqlite3_prepare_v2(asked->db, sql, -1, &level, NULL)) return complain(asked, sql);
    bool good = true;
    int rc;
    while (good && (rc = sqlite3_step(level)) == SQLITE_ROW) {
        unsigned folder = (unsigned)sqlite3_column_int(level, 0) % CRASH_FOLDERS;
        int64_t shown = sqlite3_column_int64(level, 2);
        bool none = sqlite3_column_type(level, 2) == SQLITE_NULL;
        for (good = folder >= next; good && next < folder; next++) {
            good = add_up(asked, next, &total) && !total.count;
        }
        next = folder + 1;
        if (good) good = add_up(asked, folder, &total) && sqlite3_column_int64(level, 1) == total.count;
        bool sums = asked->summary->sum || asked->summary->most;
        if (good) good = none == !sums && (none || shown == (asked->summary->sum ? total.sum : total.most));
        if (!good && !*asked->why) *asked->why = sqlite3_mprintf("table %s: the listing of folder %u", sql, folder);
    }
    if (good && rc != SQLITE_DONE) good = complain(asked, sql);
    sqlite3_finalize(level);
    for (; good && next < CRASH_FOLDERS; next++) good = add_up(asked, next, &total) && !total.count;
    if (!good && !*asked->why) *asked->why = sqlite3_mprintf("table %s: a folder is not listed", asked->name);
    return good;
}

/* ---- lookups and searches ---------------------------------------------------------------------------------------- */

/* Are these the rows that the condition gives? `sql` is freed. */
static bool gives(const struct asked *asked, char *sql, const void *value, uint32_t len, const bool *wanted) {
    sqlite3_stmt *ask = NULL;
    bool seen[CRASH_KEYS] = {false}, good = !sqlite3_prepare_v2(asked->db, sql, -1, &ask, NULL);
    unsigned last = 0;
    int rc = SQLITE_ERROR;
    if (good && value) sqlite3_bind_blob(ask, 1, value, (int)len, SQLITE_STATIC);
    while (good && (rc = sqlite3_step(ask)) == SQLITE_ROW) {
        const char *literal = (const char *)sqlite3_column_text(ask, 0);
        last = crash_key_of(asked->rows->form[asked->table], literal, last);
        good = last < CRASH_KEYS && wanted[last] && !seen[last];
        if (good) seen[last] = true;
        if (!good) *asked->why = sqlite3_mprintf("%s: gives %s", sql, literal);
    }
    if (good && rc != SQLITE_DONE) good = complain(asked, sql);
    if (!good && !*asked->why) complain(asked, sql);
    for (unsigned key = 0; good && key < CRASH_KEYS; key++) {
        if (seen[key] == wanted[key]) continue;
        *asked->why = sqlite3_mprintf("%s: does not give %s", sql, crash_key(asked->rows->form[asked->table], key));
        good = false;
    }
    sqlite3_finalize(ask);
    sqlite3_free(sql);
    return good;
}

/* A number that some row has, mostly; else one that none has any more, or yet. */
static uint32_t some_number(struct asked *asked) {
    unsigned from = random_below(&asked->random, CRASH_KEYS);
    for (unsigned i = 0; i < CRASH_KEYS && !random_once_in(&asked->random, 40); i++) {
        uint32_t number = asked->values[(from + i) % CRASH_KEYS];
        if (number) return number;
    }
    return 4 + random_below(&asked->random, 4000);
}

static bool ask_lookup(struct asked *asked) {
    bool wanted[CRASH_KEYS];
    uint32_t number = some_number(asked), len;
    char words[CRASH_WORDS_MAX];
    const char *column = asked->summary->lookup;
    if (!column) return true;
    for (unsigned key = 0; key < CRASH_KEYS; key++) wanted[key] = asked->values[key] == number;
    const uint8_t *value = crash_value(number, &len);
    crash_words(number, words);
    if (asked->answers) asked->answers->lookups++;
    bool bound = !strcmp(column, "value");
    char *what = bound                          ? sqlite3_mprintf("?1")
                 : strcmp(column, "words") != 0 ? sqlite3_mprintf("%u", number)
                                                : sqlite3_mprintf("%Q", words);
    char *sql = sqlite3_mprintf("SELECT %s FROM %s WHERE %s = %s", asked->form->quoted, asked->name, column, what);
    sqlite3_free(what);
    return gives(asked, sql, bound ? value : NULL, len, wanted);
}

static bool ask_search(struct asked *asked) {
    bool wanted[CRASH_KEYS];
    char words[CRASH_WORDS_MAX];
    const char *column = asked->summary->search;
    if (!column) return true;
    if (asked->answers) asked->answers->searches++;
    if (!strcmp(column, "path")) {
        unsigned key = random_below(&asked->random, CRASH_KEYS);
        unsigned folder = key / CRASH_IN_FOLDER, file = key % CRASH_IN_FOLDER;
        for (unsigned i = 0; i < CRASH_KEYS; i++) {
            wanted[i] = asked->values[i] && i / CRASH_IN_FOLDER == folder && i % CRASH_IN_FOLDER % 10 == file % 10;
        }
        return gives(asked,
                     sqlite3_mprintf("SELECT %s FROM %s WHERE path LIKE '%%IR%u/f%%' AND path LIKE '%%file_%u'",
                                     asked->form->quoted, asked->name, folder, file % 10),
                     NULL, 0, wanted);
    }
    crash_words(some_number(asked), words);
    unsigned from = random_below(&asked->random, (uint32_t)strlen(words) - 3), n = 3 + random_below(&asked->random, 5);
    char piece[CRASH_WORDS_MAX] = "", row[CRASH_WORDS_MAX];
    strncat(piece, words + from, n);
    for (unsigned key = 0; key < CRASH_KEYS; key++) {
        if (asked->values[key]) crash_words(asked->values[key], row);
        wanted[key] = asked->values[key] && strstr(row, piece);
    }
    return gives(
        asked, sqlite3_mprintf("SELECT %s FROM %s WHERE words LIKE '%%%s%%'", asked->form->quoted, asked->name, piece),
        NULL, 0, wanted);
}

/* ---- all --------------------------------------------------------------------------------------------------------- */

static bool ask_table(struct asked *asked) {
    bool good = ask_listing(asked) && ask_lookup(asked) && ask_search(asked);
    for (unsigned i = 0; good && i < 3; i++) good = ask_folder(asked, random_below(&asked->random, CRASH_FOLDERS));
    return good;
}

bool crash_answers_check(sqlite3 *db, const struct crash_rows *rows, struct crash_answers *answers, char **why) {
    struct random random = {crash_rows_hash(rows)};
    for (unsigned table = 0; table < CRASH_TABLES; table++) {
        if (table == CRASH_PLAIN || !crash_has(rows, table)) continue;
        struct asked asked = {db,
                              rows,
                              table,
                              crash_rows_name(rows, table),
                              &crash_forms[rows->form[table]],
                              rows->value[table],
                              &crash_summaries[rows->summary[table]],
                              answers,
                              {random_next(&random)},
                              why};
        if (!ask_table(&asked)) return false;
        if (!answers) continue;
        answers->form[rows->form[table]]++;
        answers->notes += rows->notes[table] != 0;
    }
    if (!answers) return true;
    answers->of_snapshots += crash_has_snapshots(rows);
    answers->attached += rows->attached;
    return true;
}
