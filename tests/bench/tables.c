#include "tests/bench/tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/files.h"
#include "tests/support/sql.h"
#include "tests/support/timing.h"

uint32_t *tables_order(uint32_t rows, struct random *random) {
    uint32_t *order = malloc(rows * sizeof *order);
    if (!order) abort();
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t k = random_below(random, i + 1);
        order[i] = order[k];
        order[k] = i;
    }
    return order;
}

sqlite3 *tables_open(const char *folder) {
    sqlite3 *db = sql_open(TEXT("%s/t.db", folder));
    sql_run(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -1048576");
    return db;
}

void tables_copy(const char *from, const char *to) {
    files_make(to);
    sql_copy_file(TEXT("%s/t.db", from), TEXT("%s/t.db", to));
    char *art = sql_find_file(from, ".art");
    if (art) sql_copy_file(art, TEXT("%s%s", to, strrchr(art, '/')));
    sqlite3_free(art);
}

void tables_put_in_order(sqlite3 *db) {
    sql_run(db, "INSERT INTO t(t) VALUES('optimize'); SELECT art_vacuum('t')");
}

int64_t tables_fact(sqlite3 *db, const char *property) {
    return sql_info(db, property);
}

void tables_step(sqlite3_stmt *statement) {
    int rc;
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) continue;
    if (rc == SQLITE_DONE) rc = sqlite3_reset(statement);
    if (!rc) return;
    fprintf(stderr, "%s: %s\n", sqlite3_sql(statement), sqlite3_errmsg(sqlite3_db_handle(statement)));
    exit(1);
}

void tables_write(sqlite3 *const *db, int count, const char *sql, void (*bind)(sqlite3_stmt *, uint32_t), uint32_t rows,
                  uint32_t batch, double *spent) {
    enum { MOST = 8 };
    sqlite3_stmt *statements[MOST];
    if (count > MOST) abort();
    for (int d = 0; d < count; d++) statements[d] = sql_prepare(db[d], "%s", sql);
    for (uint32_t from = 0; from < rows; from += batch) {
        for (int d = 0; d < count; d++) {
            double begun = timing_cpu();
            sql_run(db[d], "BEGIN");
            for (uint32_t i = from; i - from < batch && i < rows; i++) {
                bind(statements[d], i);
                tables_step(statements[d]);
            }
            sql_run(db[d], "COMMIT");
            if (spent) spent[d] += timing_cpu() - begun;
        }
    }
    for (int d = 0; d < count; d++) sqlite3_finalize(statements[d]);
}

void tables_keep_best(double *best, double now) {
    if (!*best || now < *best) *best = now;
}
