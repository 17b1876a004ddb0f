/* One world, many processes: see slot_world.h. */
#include "tests/support/slot_world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/features.h"
#include "tests/support/spills.h"
#include "tests/support/sql.h"

struct world *world;
bool in_a_copy;
int interrupt_in;
unsigned scan_pause;

void violation(const char *format, ...) {
    if (!atomic_exchange(&world->failed, 1)) {
        va_list args;
        va_start(args, format);
        vsnprintf(world->message, sizeof world->message, format, args);
        va_end(args);
    }
    _exit(3);
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

const uint8_t *value_of(int64_t seed, int64_t len) {
    static uint64_t words[SLOT_VALUE_MAX / 8 + 1];
    uint64_t x = (uint64_t)seed * 2 + 1;
    for (int64_t i = 0; i <= len / 8; i++) words[i] = x = x * 6364136223846793005u + 1442695040888963407u;
    return (const uint8_t *)words;
}

/* Most rows are wide, so that few of them make many blobs; some are cut into pieces; a few make their commit flush. */
int64_t random_length(struct random *random) {
    uint32_t kind = random_below(random, 300);
    if (kind == 0) return SLOT_VALUE_MAX - random_below(random, 4000);
    if (kind < 10) return 4000 + random_below(random, 6000);
    return kind < 200 ? 800 + random_below(random, 2800) : random_below(random, 60);
}

bool is_busy(int rc) {
    return (rc & 0xff) == SQLITE_BUSY || (rc & 0xff) == SQLITE_PROTOCOL;
}

bool fine(sqlite3 *db, int rc, const char *what) {
    if (rc == SQLITE_OK || rc == SQLITE_ROW || rc == SQLITE_DONE) return true;
    if (rc == SQLITE_INTERRUPT && interrupt_in < 0) {
        world->interrupted++;
        return false;
    }
    if (!is_busy(rc)) violation("%s: %s (%d)", what, sqlite3_errmsg(db), rc);
    world->busy++;
    return false;
}

bool avoids_off(const struct setting *setting) {
    bool shaky = setting->exclusive && !strcmp(setting->journal, "DELETE") && !spills_well();
    return shaky && !getenv("ART_TEST_SLOTS_ALL");
}

void session_open(struct session *session, const char *path, const struct setting *setting, struct random *random) {
    *session = (struct session){.db = sql_open(path), .random = random};
    sqlite3 *db = session->db;
    sqlite3_busy_timeout(db, random_once_in(random, 2) ? 3000 : 60);
    /* Before anything is read, or the wal-index is shared all the same. */
    if (setting->exclusive) sql_run(db, "PRAGMA locking_mode=EXCLUSIVE");
    static const char *const levels[] = {"NORMAL", "FULL", "OFF"};
    sql_try(db, "PRAGMA synchronous=%s", levels[random_below(random, avoids_off(setting) ? 2 : 3)]);
    sql_try(db, "PRAGMA wal_autocheckpoint=%d", random_once_in(random, 2) ? 0 : (int)random_below(random, 300));
    bool keeps = *setting->storage && !spills_well();
    if (random_once_in(random, 6) || keeps) sql_run(db, "PRAGMA cache_spill=OFF");
    if (spills_well() && random_once_in(random, 6)) sql_try(db, "PRAGMA cache_size=10");
}

bool session_ready(struct session *session) {
    int rc = sql_try(session->db, "SELECT (SELECT n FROM counter), (SELECT count(*) FROM t WHERE path < 'a')");
    return fine(session->db, rc, "the first statement");
}

void session_close(struct session *session) {
    sqlite3_stmt **all[] = {session->put, session->remove, session->remove_directory, session->move};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        sqlite3_finalize(all[i][0]);
        sqlite3_finalize(all[i][1]);
    }
    sql_close(session->db);
}

void see(uint64_t counter) {
    if (in_a_copy) return;
    uint64_t seen = world->seen;
    while (seen < counter && !atomic_compare_exchange_weak(&world->seen, &seen, counter)) {
    }
}

/* ---- comparing --------------------------------------------------------------------------------------------------- */

int64_t ask(sqlite3 *db, const char *who, const char *query) {
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, query, -1, &statement, NULL);
    if (!rc) rc = sqlite3_step(statement);
    if (rc != SQLITE_ROW) violation("%s: %s: %s (%d)", who, query, sqlite3_errmsg(db), rc);
    int64_t answer = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return answer;
}

static void expect_same(sqlite3 *db, const char *who, const char *what, const char *where) {
    char query[200];
    snprintf(query, sizeof query, "SELECT %s FROM t %s", what, where);
    int64_t of_t = ask(db, who, query);
    snprintf(query, sizeof query, "SELECT %s FROM m %s", what, where);
    int64_t of_m = ask(db, who, query);
    if (of_t != of_m) violation("%s: %s %s: t says %lld, m %lld", who, what, where, (long long)of_t, (long long)of_m);
}

static void expect_row(const char *who, sqlite3_stmt *of_t, sqlite3_stmt *of_m) {
    const char *path = (const char *)sqlite3_column_text(of_t, 0), *wanted = (const char *)sqlite3_column_text(of_m, 0);
    if (!path || !wanted || strcmp(path, wanted)) violation("%s: t has %s where m has %s", who, path, wanted);
    const void *value = sqlite3_column_blob(of_t, 1);
    int64_t len = sqlite3_column_bytes(of_t, 1), wanted_len = sqlite3_column_int64(of_m, 2);
    const uint8_t *data = value_of(sqlite3_column_int64(of_m, 1), wanted_len);
    if (len == wanted_len && (!len || (value && !memcmp(value, data, (size_t)len)))) return;
    violation("%s: %s has another value (%lld bytes, wanted %lld)", who, path, (long long)len, (long long)wanted_len);
}

static void expect_listing(sqlite3 *db, const char *who) {
    static const char listings[] =
        "SELECT (SELECT group_concat(path || entries) FROM (SELECT path, entries FROM t('', '/') ORDER BY path)) IS "
        "(SELECT group_concat(d || n) FROM (SELECT substr(path, 1, 12) AS d, count(*) AS n FROM m GROUP BY 1 ORDER BY "
        "1))"
        " AND NOT EXISTS (SELECT 1 FROM t('', '/') WHERE art_count('t', path) IS NOT entries)";
    if (!ask(db, who, listings)) violation("%s: t lists other directories, or numbers of rows, than m", who);
}

uint64_t compare(sqlite3 *db, struct random *random, const char *who, bool all) {
    char where[60], query[200];
    snprintf(where, sizeof where, "WHERE path GLOB 'directory-%u/*'", random_below(random, SLOT_DIRECTORIES));
    uint64_t counter = (uint64_t)ask(db, who, "SELECT n FROM counter");
    expect_same(db, who, "count(*)", where);
    if (all) expect_same(db, who, "count(*)", "");
    const char *order = random_once_in(random, 3) ? "DESC" : "ASC";
    snprintf(query, sizeof query, "%s ORDER BY path %s", all ? "" : where, order);
    sqlite3_stmt *of_t = sql_prepare(db, "SELECT path, value FROM t %s", query);
    sqlite3_stmt *of_m = sql_prepare(db, "SELECT path, seed, len FROM m %s", query);
    for (;;) {
        int rc = sqlite3_step(of_t), wanted = sqlite3_step(of_m);
        if (rc != wanted || (rc != SQLITE_ROW && rc != SQLITE_DONE)) {
            violation("%s, at counter %llu: t says %d, m %d: %s", who, (unsigned long long)counter, rc, wanted,
                      sqlite3_errmsg(db));
        }
        if (rc == SQLITE_DONE) break;
        expect_row(who, of_t, of_m);
        if (scan_pause && random_once_in(random, 50)) usleep(random_below(random, scan_pause));
    }
    sqlite3_finalize(of_t);
    sqlite3_finalize(of_m);
    if (random_once_in(random, 3)) expect_listing(db, who);
    if (all && random_once_in(random, 2)) {
        int64_t keys = ask(db, who, "SELECT value FROM art_info('t') WHERE property = 'entries'");
        int64_t rows = ask(db, who, "SELECT count(*) FROM m");
        if (keys != rows) violation("%s: art_info says %lld keys of %lld", who, (long long)keys, (long long)rows);
    }
    /* What a transaction keeps can be read behind it. */
    if (all && random_once_in(random, 4) && sqlite3_txn_state(db, "main") != SQLITE_TXN_WRITE) {
        const char *complaint = features_complaint(db);
        if (complaint) violation("%s: %s", who, complaint);
    }
    world->checks++;
    return counter;
}
