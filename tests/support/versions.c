/* The hidden column `version`, watched after each step of a history.
 *
 * The ordinary twin keeps a table `seen` with the version and a hash of each row, as the art twin showed them after the
 * last step. It is written in the very transaction and between the same savepoints, so whatever SQLite takes back there
 * shows what versions the art twin has to come back to. The rules:
 *
 *   - a step that writes no rows changes no version: so do ROLLBACK, flush, merge, reopening, RENAME
 *   - a row that is new or has other values has the version of the running transaction
 *   - no other version changes, except by being written with the values that it had
 *   - a transaction has one version, above all that were committed before
 *   - an UPDATE gives as many rows a new version as changes() says
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/history.h"
#include "tests/support/sql.h"

struct watch {
    struct pair *pair;
    const char *schema, *name, *home; /* the table's schema; `home` is where `seen` is */
    bool may_write, was_inside;
    sqlite3_int64 top, top_transaction; /* highest version that was seen, and in which transaction */
    sqlite3_int64 fresh;                /* the running transaction's, 0: not seen yet */
    int fresh_rows;
    char *wrong;
    sqlite3_stmt *now, *seen; /* rows of the table, of `seen`: in the order of their keys */
    sqlite3_stmt *note, *forget;
};

static sqlite3 *plain(const struct watch *watch) {
    return watch->pair->plain.db[0];
}

static sqlite3_int64 hash_row(sqlite3_stmt *row) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (int i = 1; i < sqlite3_column_count(row) - 1; i++) {
        int type = sqlite3_column_type(row, i);
        if (type == SQLITE_NULL) continue; /* so that an added column changes nothing */
        const unsigned char *data = type == SQLITE_BLOB ? sqlite3_column_blob(row, i) : sqlite3_column_text(row, i);
        int len = sqlite3_column_bytes(row, i);
        hash = (hash ^ (uint64_t)(i * 8 + type)) * 0x100000001b3u;
        for (; len > 0; data += 8, len -= 8) { /* in words: values are long, and all are read after each step */
            uint64_t word = 0;
            memcpy(&word, data, len < 8 ? (size_t)len : 8);
            hash = (hash ^ word ^ hash >> 32) * 0x100000001b3u;
        }
    }
    return (sqlite3_int64)(hash >> 1);
}

/* The version of a row that was written by this step. */
static void meet_fresh(struct watch *watch, const char *key, sqlite3_int64 version) {
    sqlite3_int64 running = watch->pair->transaction;
    watch->fresh_rows++;
    if (watch->wrong || watch->fresh == version) return;
    if (watch->fresh) {
        watch->wrong = sqlite3_mprintf("version: one statement gave %lld and %lld (%s)", watch->fresh, version, key);
    } else if (watch->was_inside && watch->top_transaction == running && version != watch->top) {
        watch->wrong = sqlite3_mprintf("version: one transaction gave %lld and %lld (%s)", watch->top, version, key);
    } else if (!(watch->was_inside && watch->top_transaction == running) && version <= watch->top) {
        watch->wrong = sqlite3_mprintf("version: %lld was given before (%s): now %lld", watch->top, key, version);
    }
    watch->fresh = version;
}

static void compare(struct watch *watch, bool known) {
    sqlite3_stmt *now = watch->now, *seen = watch->seen, *note = watch->note;
    int columns = sqlite3_column_count(now);
    const char *key = (const char *)sqlite3_column_text(now, 0);
    int len = sqlite3_column_bytes(now, 0);
    sqlite3_int64 version = sqlite3_column_int64(now, columns - 1), hash = hash_row(now);
    sqlite3_int64 old = known ? sqlite3_column_int64(seen, 1) : 0;
    bool same_hash = known && sqlite3_column_int64(seen, 2) == hash;
    if (same_hash && old == version) return;
    if (!watch->wrong && (version <= 0 || sqlite3_column_type(now, columns - 1) != SQLITE_INTEGER)) {
        watch->wrong = sqlite3_mprintf("version: %s shows none", key);
    } else if (!watch->wrong && !watch->may_write) {
        watch->wrong = sqlite3_mprintf("version: of %s was %lld, is %lld, and nothing was written", key, old, version);
    } else if (!watch->wrong && known && !same_hash && old == version &&
               !(watch->was_inside && watch->top_transaction == watch->pair->transaction && version == watch->top)) {
        watch->wrong = sqlite3_mprintf("version: %s was changed and keeps %lld", key, old);
    }
    meet_fresh(watch, key, version);
    sqlite3_bind_text(note, 1, key, len, SQLITE_TRANSIENT);
    sqlite3_bind_int64(note, 2, version);
    sqlite3_bind_int64(note, 3, hash);
    sqlite3_step(note);
    sqlite3_reset(note);
}

static int compare_keys(sqlite3_stmt *a, sqlite3_stmt *b) {
    const void *x = sqlite3_column_text(a, 0), *y = sqlite3_column_text(b, 0);
    int n = sqlite3_column_bytes(a, 0), m = sqlite3_column_bytes(b, 0);
    int order = n && m ? memcmp(x, y, (size_t)(n < m ? n : m)) : 0;
    return order ? order : (n > m) - (n < m);
}

static void forget(struct watch *watch) {
    const char *key = (const char *)sqlite3_column_text(watch->seen, 0);
    if (!watch->wrong && !watch->may_write) {
        watch->wrong = sqlite3_mprintf("version: %s is gone, and nothing was written", key);
    }
    sqlite3_bind_text(watch->forget, 1, key, sqlite3_column_bytes(watch->seen, 0), SQLITE_TRANSIENT);
    sqlite3_step(watch->forget);
    sqlite3_reset(watch->forget);
}

static void walk(struct watch *watch) {
    sqlite3_stmt *now = watch->now, *seen = watch->seen;
    int left = sqlite3_step(now), right = sqlite3_step(seen);
    while (left == SQLITE_ROW || right == SQLITE_ROW) {
        int order = left != SQLITE_ROW ? 1 : right != SQLITE_ROW ? -1 : compare_keys(now, seen);
        if (order > 0) {
            forget(watch);
        } else {
            compare(watch, order == 0);
        }
        if (order <= 0) left = sqlite3_step(now);
        if (order >= 0) right = sqlite3_step(seen);
    }
    if (left != SQLITE_DONE && !watch->wrong) {
        watch->wrong =
            sqlite3_mprintf("version: cannot read %s: %s", watch->name, sqlite3_errmsg(sqlite3_db_handle(now)));
    }
}

/* The highest version so far stands beside the rows, under a key that no row has. */
static void find_top(struct watch *watch) {
    sqlite3_stmt *top = sql_prepare(plain(watch), "SELECT version, hash FROM %s.seen WHERE tbl = '%s' AND key = x''",
                                    watch->home, watch->name);
    if (sqlite3_step(top) == SQLITE_ROW) {
        watch->top = sqlite3_column_int64(top, 0);
        watch->top_transaction = sqlite3_column_int64(top, 1);
    }
    sqlite3_finalize(top);
}

static bool open_statements(struct watch *watch) {
    sqlite3 *art = watch->pair->art.db[0];
    /* Of a key of several columns its bytes, as a text; else the key. */
    static const char *const keys[] = {"hex(art_key), ", ""};
    for (int i = 0; i < 2 && !watch->now; i++) {
        char *text =
            sqlite3_mprintf("SELECT %s*, row_version FROM %s.%s ORDER BY 1", keys[i], watch->schema, watch->name);
        sqlite3_prepare_v2(art, text, -1, &watch->now, NULL);
        sqlite3_free(text);
    }
    if (!watch->now) {
        watch->wrong = sqlite3_mprintf("version: cannot read %s: %s", watch->name, sqlite3_errmsg(art));
        return false;
    }
    /* The plus makes SQLite sort, so that all is read before anything is written. */
    watch->seen = sql_prepare(plain(watch),
                              "SELECT key, version, hash FROM %s.seen WHERE tbl = '%s' AND typeof(key) = 'text' "
                              "ORDER BY +key",
                              watch->home, watch->name);
    watch->note =
        sql_prepare(plain(watch), "INSERT OR REPLACE INTO %s.seen VALUES('%s', ?1, ?2, ?3)", watch->home, watch->name);
    watch->forget =
        sql_prepare(plain(watch), "DELETE FROM %s.seen WHERE tbl = '%s' AND key = ?1", watch->home, watch->name);
    return true;
}

/* Takes the statement, for the ordinary twin. */
static void run(struct pair *pair, char *sql) {
    int rc = sqlite3_exec(pair->plain.db[0], sql, NULL, NULL, NULL);
    if ((rc & 0xff) == SQLITE_CORRUPT) pair->broken = "the ordinary twin is malformed";
    if (rc && !pair->broken) {
        printf("%s: %s\n", sql, sqlite3_errmsg(pair->plain.db[0]));
        abort();
    }
    sqlite3_free(sql);
}

static void check_table(struct watch *watch) {
    find_top(watch);
    if (open_statements(watch)) walk(watch);
    sqlite3_finalize(watch->now);
    sqlite3_finalize(watch->seen);
    sqlite3_finalize(watch->note);
    sqlite3_finalize(watch->forget);
    if (!watch->fresh) return;
    run(watch->pair, sqlite3_mprintf("INSERT OR REPLACE INTO %s.seen VALUES('%s', x'', max(%lld, %lld), %lld)",
                                     watch->home, watch->name, watch->fresh, watch->top, watch->pair->transaction));
}

static bool has_field(const struct pair *pair, const char *schema, const char *name) {
    return sql_int(pair->plain.db[0], "SELECT count(*) FROM %s.sqlite_master WHERE type = 'table' AND name = '%s'",
                   schema, name);
}

/* DROP forgets, RENAME calls by another name. */
static void follow_schema(struct pair *pair, const struct workload_step *step, bool renamed) {
    const char *home = pair->setting->schema;
    bool t = has_field(pair, home, "t"), u = has_field(pair, home, "u"), w = has_field(pair, home, "w");
    if (renamed) {
        run(pair,
            sqlite3_mprintf("UPDATE %s.seen SET tbl = '%s' WHERE tbl = '%s'", home, t ? "t" : "u", t ? "u" : "t"));
    } else if (step->kind == STEP_SQL && !(t && u && w)) {
        run(pair,
            sqlite3_mprintf("DELETE FROM %s.seen WHERE (tbl = 't' AND NOT %d) OR (tbl = 'u' AND NOT %d) OR (tbl = "
                            "'w' AND NOT %d)",
                            home, t, u, w));
    }
}

static char *check_all(struct pair *pair, const struct workload_step *step, const struct outcome *art,
                       bool was_inside) {
    const struct workload_setting *setting = pair->setting;
    bool counted = step->flags & STEP_VERSION_EACH && !art->rc && !was_inside && !art->in_transaction;
    follow_schema(pair, step, step->flags & STEP_RENAMES && !art->rc);
    char *wrong = NULL;
    int fresh = 0;
    for (int i = 0; i < WORKLOAD_TABLES && !wrong; i++) {
        struct watch watch = {.pair = pair,
                              .schema = workload_table_schema(setting, (enum workload_table_number)i),
                              .name = workload_table_name((enum workload_table_number)i),
                              .home = setting->schema,
                              .was_inside = was_inside};
        watch.may_write = step->flags & STEP_WRITES && (!art->rc || step->flags & STEP_KEEPS_SOME);
        if (!has_field(pair, watch.schema, watch.name)) continue;
        check_table(&watch);
        wrong = watch.wrong;
        fresh += watch.fresh_rows;
    }
    if (!wrong && counted && fresh != art->changes) {
        wrong = sqlite3_mprintf("version: changes() is %d, and %d rows have a new version", art->changes, fresh);
    }
    return wrong;
}

char *versions_check(struct pair *pair, const struct workload_step *step, const struct outcome *art, bool was_inside) {
    sqlite3 *db = pair->plain.db[0];
    if (!pair->versions || !has_field(pair, pair->setting->schema, "seen")) return NULL;
    bool outside = sqlite3_get_autocommit(db);
    if (outside) run(pair, sqlite3_mprintf("SAVEPOINT noting"));
    char *wrong = check_all(pair, step, art, was_inside);
    if (outside) {
        run(pair, sqlite3_mprintf("RELEASE noting"));
        pair->transaction++;
    }
    return wrong;
}
