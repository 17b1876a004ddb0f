#include "tests/support/age.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/sql.h"
#include "tests/support/timing.h"

enum { TENANTS = 50, SMALL_ROWS = 10, SMALL_VALUE = 16, KEY_ROOM = 64 };

const char *const age_names[AGE_KINDS] = {"log", "tenants", "cache", "churn", "few-large"};

static uint64_t draw(struct age *age) {
    age->random = age->random * 6364136223846793005u + 1442695040888963407u;
    return age->random >> 33;
}

/* What a row's key begins with, and how far rows of one prefix are apart. */
static void make_key(const struct age *age, int64_t number, char *out) {
    switch (age->kind) {
    case AGE_TENANTS:
        snprintf(out, KEY_ROOM, "tenant-%02d/job-%010lld", (int)(number % TENANTS), (long long)(number / TENANTS));
        break;
    case AGE_LOG:
        snprintf(out, KEY_ROOM, "log/%012lld", (long long)number);
        break;
    case AGE_FEW_LARGE:
        snprintf(out, KEY_ROOM, "blob/%012lld", (long long)number);
        break;
    case AGE_CACHE:
    case AGE_CHURN:
    case AGE_KINDS:
        snprintf(out, KEY_ROOM, "c/%08llx/%lld", (unsigned long long)(uint32_t)((uint64_t)number * 2654435761u),
                 (long long)number);
        break;
    }
}

/* Values do not repeat themselves: nothing here compresses, and nothing should. */
static void put(struct age *age, int64_t number) {
    char key[KEY_ROOM];
    make_key(age, number, key);
    int bytes = age->value / 2 + (int)(draw(age) % (unsigned)(age->value + 1));
    uint8_t *value = malloc((size_t)bytes + 8);
    for (int i = 0; i < bytes; i += 8) {
        uint64_t word = draw(age) * 0x9e3779b97f4a7c15u;
        memcpy(value + i, &word, 8);
    }
    sqlite3_bind_text(age->put, 1, key, -1, SQLITE_STATIC);
    sqlite3_bind_blob(age->put, 2, value, bytes, SQLITE_STATIC);
    if (sqlite3_step(age->put) != SQLITE_DONE) {
        fprintf(stderr, "put %s: %s\n", key, sqlite3_errmsg(age->db));
        exit(1);
    }
    sqlite3_reset(age->put);
    free(value);
}

static void step(struct age *age, sqlite3_stmt *statement) {
    if (sqlite3_step(statement) != SQLITE_DONE) {
        fprintf(stderr, "%s: %s\n", sqlite3_sql(statement), sqlite3_errmsg(age->db));
        exit(1);
    }
    sqlite3_reset(statement);
}

static void drop_one(struct age *age, int64_t number) {
    char key[KEY_ROOM];
    make_key(age, number, key);
    sqlite3_bind_text(age->drop_one, 1, key, -1, SQLITE_STATIC);
    step(age, age->drop_one);
}

/* Rows before `number`, of its prefix where there are several. */
static void drop_before(struct age *age, int64_t number) {
    char from[KEY_ROOM], to[KEY_ROOM];
    make_key(age, number % TENANTS, from);
    make_key(age, number, to);
    if (age->kind != AGE_TENANTS) make_key(age, 0, from);
    sqlite3_bind_text(age->drop, 1, from, -1, SQLITE_STATIC);
    sqlite3_bind_text(age->drop, 2, to, -1, SQLITE_STATIC);
    step(age, age->drop);
}

static void begin(struct age *age, double *at) {
    *at = timing_now();
    sql_run(age->db, "BEGIN");
}

static void commit(struct age *age, double at) {
    sql_run(age->db, "COMMIT");
    double spent = timing_now() - at;
    if (spent > age->worst) age->worst = spent;
}

static void fill(struct age *age) {
    double at;
    for (int64_t i = 0; i < age->live;) {
        begin(age, &at);
        for (int k = 0; k < 1000 && i < age->live; k++) put(age, i++);
        commit(age, at);
    }
    age->first = 0;
    age->next = age->live;
    if (age->kind != AGE_FEW_LARGE) return;
    sql_run(age->db,
            "INSERT INTO t WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT %lld) SELECT "
            "printf('file/%%06d', i), randomblob(%d) FROM n",
            (long long)(SMALL_ROWS * age->live), SMALL_VALUE);
}

void age_begin(struct age *age, const char *options) {
    if (options)
        sql_run(age->db, "CREATE VIRTUAL TABLE t USING art(%s)", options);
    else
        sql_run(age->db, "CREATE TABLE t(path TEXT PRIMARY KEY, value) WITHOUT ROWID");
    age->put = sql_prepare(age->db, "REPLACE INTO t(path, value) VALUES(?1, ?2)");
    age->drop = sql_prepare(age->db, "DELETE FROM t WHERE path >= ?1 AND path < ?2");
    age->drop_one = sql_prepare(age->db, "DELETE FROM t WHERE path = ?1");
    age->random = 1;
    fill(age);
    age->worst = 0;
}

/* One transaction: a batch of rows comes and as many go. */
static void turn(struct age *age) {
    double at;
    begin(age, &at);
    switch (age->kind) {
    case AGE_LOG:
    case AGE_FEW_LARGE:
        for (int i = 0; i < age->batch; i++) put(age, age->next++);
        age->first = age->next - age->live;
        drop_before(age, age->first);
        break;
    case AGE_TENANTS: { /* a batch for each tenant in turn: numbers step by TENANTS */
        int64_t tenant = age->next / age->batch % TENANTS, round = age->next / age->batch / TENANTS * age->batch;
        for (int i = 0; i < age->batch; i++) put(age, age->live / TENANTS * TENANTS + (round + i) * TENANTS + tenant);
        age->next += age->batch;
        drop_before(age, (round + age->batch) * TENANTS + tenant);
        break;
    }
    case AGE_CACHE:
        for (int i = 0; i < age->batch; i++) put(age, (int64_t)(draw(age) % (uint64_t)age->live));
        age->next += age->batch;
        break;
    case AGE_CHURN:
        for (int i = 0; i < age->batch; i++) {
            put(age, age->next++);
            drop_one(age, age->first++);
        }
        break;
    case AGE_KINDS:
        break;
    }
    commit(age, at);
}

void age_go_on(struct age *age, int64_t rows) {
    if (age->kind == AGE_TENANTS && age->next == age->live) age->next = 0;
    for (int64_t done = 0; done < rows; done += age->batch) turn(age);
}

void age_end(struct age *age) {
    sqlite3_finalize(age->put);
    sqlite3_finalize(age->drop);
    sqlite3_finalize(age->drop_one);
}

int64_t age_live_bytes(struct age *age) {
    return sql_int(age->db, "SELECT sum(length(path) + length(value)) FROM t");
}
