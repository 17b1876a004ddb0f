/* What the targets that go through SQL share: a database in memory with the linked extension in it, and answers as
 * texts. */
#ifndef TESTS_FUZZ_FUZZ_SQLITE_H
#define TESTS_FUZZ_FUZZ_SQLITE_H

#include <sqlite3.h>

#include "ext/art.h"
#include "tests/fuzz/fuzz.h"

static inline sqlite3 *fuzz_open(const char *path) {
    sqlite3 *db;
    char *message = NULL;
    if (sqlite3_open(path, &db) || sqlite3_art_init(db, &message, NULL)) fuzz_fail("no database: %s", message);
    sqlite3_extended_result_codes(db, 1);
    return db;
}

static inline void fuzz_run(sqlite3 *db, const char *sql) {
    if (sqlite3_exec(db, sql, NULL, NULL, NULL)) fuzz_fail("%s: %s", sql, sqlite3_errmsg(db));
}

/* All rows: type, length and bytes of each value. NULL: an error, *rc says which. sqlite3_free() it. The statement is
 * reset. */
static inline char *fuzz_answer(sqlite3_stmt *statement, int *rc) {
    sqlite3_str *out = sqlite3_str_new(NULL);
    sqlite3_str_appendall(out, "rows:");
    while ((*rc = sqlite3_step(statement)) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            const uint8_t *data = sqlite3_column_blob(statement, i);
            int len = sqlite3_column_bytes(statement, i);
            sqlite3_str_appendf(out, "%c%d:%d:", i ? '|' : '\n', sqlite3_column_type(statement, i), len);
            for (int k = 0; k < len; k++) {
                bool plain = data[k] >= ' ' && data[k] < 0x7f && data[k] != '\\';
                sqlite3_str_appendf(out, plain ? "%c" : "\\%02x", data[k]);
            }
        }
    }
    if (*rc == SQLITE_DONE) *rc = SQLITE_OK;
    sqlite3_reset(statement);
    char *text = sqlite3_str_finish(out);
    if (*rc == SQLITE_OK) return text;
    sqlite3_free(text);
    return NULL;
}

#endif
