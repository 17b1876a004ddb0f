#include "tests/support/age.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/support/sql.h"
#include "tests/support/timing.h"

enum { TENANTS = 50, SMALL_ROWS = 10, SMALL_VALUE = 16, KEY_ROOM = 64, LOADED_AT_ONCE = 1000 };

const char *const age_names[AGE_KINDS] = {"log", "tenants", "cache", "churn", "few-large"};

/* Numbers of one tenant are TENANTS apart. */
static void make_key(const struct age *age, int64_t number, char *out) {
    uint32_t scattered = (uint32_t)((uint64_t)number * 2654435761u);
    switch (age->kind) {
    case AGE_TENANTS:
        snprintf(out, KEY_ROOM, "tenant-%02d/job-%010lld", (int)(number % TENANTS), (long long)(number / TENANTS));
        break;
    case AGE_LOG:
    case AGE_FEW_LARGE:
        snprintf(out, KEY_ROOM, "log/%012lld", (long long)number);
        break;
    case AGE_CACHE:
    case AGE_CHURN:
    case AGE_KINDS:
        snprintf(out, KEY_ROOM, "cache/%08x/%lld", scattered, (long long)number);
        break;
    }
}

static void step(struct age *age, sqlite3_stmt *statement) {
    if (sqlite3_step(statement) != SQLITE_DONE) {
        fprintf(stderr, "%s: %s\n", sqlite3_sql(statement), sqlite3_errmsg(age->db));
        exit(1);
    }
    sqlite3_reset(statement);
}

static void put(struct age *age, int64_t number) {
    char key[KEY_ROOM];
    make_key(age, number, key);
    size_t bytes = (size_t)age->value / 2 + random_below(&age->random, (uint64_t)age->value + 1);
    uint8_t *value = malloc(bytes + sizeof(uint64_t));
    for (size_t i = 0; i < bytes; i += sizeof(uint64_t)) {
        uint64_t word = random_next(&age->random);
        memcpy(value + i, &word, sizeof word);
    }
    sqlite3_bind_text(age->put, 1, key, -1, SQLITE_STATIC);
    sqlite3_bind_blob(age->put, 2, value, (int)bytes, SQLITE_STATIC);
    step(age, age->put);
    free(value);
}

static void drop_one(struct age *age, int64_t number) {
    char key[KEY_ROOM];
    make_key(age, number, key);
    sqlite3_bind_text(age->drop_one, 1, key, -1, SQLITE_STATIC);
    step(age, age->drop_one);
}

/* Rows before `number`: of its tenant, where there are some. */
static void drop_before(struct age *age, int64_t number) {
    char from[KEY_ROOM], to[KEY_ROOM];
    make_key(age, age->kind == AGE_TENANTS ? number % TENANTS : 0, from);
    make_key(age, number, to);
    sqlite3_bind_text(age->drop, 1, from, -1, SQLITE_STATIC);
    sqlite3_bind_text(age->drop, 2, to, -1, SQLITE_STATIC);
    step(age, age->drop);
}

/* One transaction: a batch of rows comes, and as many go. */
static void turn(struct age *age) {
    int64_t rounds = age->next / age->batch, tenant = rounds % TENANTS, oldest = rounds / TENANTS * age->batch;
    for (int i = 0; i < age->batch; i++) {
        switch (age->kind) {
        case AGE_TENANTS:
            put(age, age->live / TENANTS * TENANTS + (oldest + i) * TENANTS + tenant);
            break;
        case AGE_CACHE:
            put(age, (int64_t)random_below(&age->random, (uint64_t)age->live));
            break;
        case AGE_CHURN:
            drop_one(age, age->first + i);
            put(age, age->next + i);
            break;
        case AGE_LOG:
        case AGE_FEW_LARGE:
        case AGE_KINDS:
            put(age, age->next + i);
            break;
        }
    }
    age->first += age->batch;
    age->next += age->batch;
    if (age->kind == AGE_TENANTS) drop_before(age, (oldest + age->batch) * TENANTS + tenant);
    if (age->kind == AGE_LOG || age->kind == AGE_FEW_LARGE) drop_before(age, age->first);
}

void age_begin(struct age *age, const char *options) {
    if (options)
        sql_create(age->db, "t", options);
    else
        sql_run(age->db, "CREATE TABLE t(path TEXT PRIMARY KEY, value) WITHOUT ROWID");
    age->put = sql_prepare(age->db, "REPLACE INTO t(path, value) VALUES(?1, ?2)");
    age->drop = sql_prepare(age->db, "DELETE FROM t WHERE path >= ?1 AND path < ?2");
    age->drop_one = sql_prepare(age->db, "DELETE FROM t WHERE path = ?1");
    age->random = (struct random){1};
    for (int64_t i = 0; i < age->live; i++) {
        if (i % LOADED_AT_ONCE == 0) sql_run(age->db, "BEGIN");
        put(age, i);
        if ((i + 1) % LOADED_AT_ONCE == 0 || i + 1 == age->live) sql_run(age->db, "COMMIT");
    }
    age->first = 0;
    age->next = age->kind == AGE_TENANTS ? 0 : age->live;
    age->worst = 0;
    if (age->kind != AGE_FEW_LARGE) return;
    sql_run(age->db,
            "INSERT INTO t WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT %lld) SELECT "
            "printf('file/%%06d', i), zeroblob(%d) FROM n",
            (long long)(SMALL_ROWS * age->live), SMALL_VALUE);
}

void age_go_on(struct age *age, int64_t rows) {
    for (int64_t done = 0; done < rows; done += age->batch) {
        double begun = timing_now();
        sql_run(age->db, "BEGIN");
        turn(age);
        sql_run(age->db, "COMMIT");
        double spent = timing_now() - begun;
        if (spent > age->worst) age->worst = spent;
    }
}

void age_end(struct age *age) {
    sqlite3_finalize(age->put);
    sqlite3_finalize(age->drop);
    sqlite3_finalize(age->drop_one);
}

int64_t age_live_bytes(struct age *age) {
    return sql_int(age->db, "SELECT sum(length(path) + length(value)) FROM t");
}

int64_t age_folder_bytes(const char *folder) {
    int64_t bytes = 0;
    DIR *names = opendir(folder);
    for (struct dirent *entry; names && (entry = readdir(names));) {
        struct stat file;
        char *path = sqlite3_mprintf("%s/%s", folder, entry->d_name);
        if (!stat(path, &file) && S_ISREG(file.st_mode)) bytes += file.st_size;
        sqlite3_free(path);
    }
    if (names) closedir(names);
    return bytes;
}
