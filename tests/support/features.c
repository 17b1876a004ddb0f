#include "tests/support/features.h"

#include "tests/support/differential.h"
#include "tests/support/random.h"
#include "tests/support/sql.h"

/* Of {this|that} an art table gets this; '@' is nothing for it, and "plain_" for the other. */
static char *text_of(const char *text, bool art) {
    char *chosen = text_for(text, art);
    sqlite3_str *out = sqlite3_str_new(NULL);
    for (const char *at = chosen; *at; at++) {
        if (*at != '@')
            sqlite3_str_appendchar(out, 1, *at);
        else if (!art)
            sqlite3_str_appendall(out, "plain_");
    }
    sqlite3_free(chosen);
    return sqlite3_str_finish(out);
}

static int change(sqlite3 *db, bool art, char *text) {
    char *sql = text_of(text, art);
    int rc = sql_try(db, "%s", sql);
    sqlite3_free(sql);
    sqlite3_free(text);
    return rc;
}

void features_create(sqlite3 *db, const char *options) {
    if (!options) {
        sql_run(db, "CREATE TABLE plain_fk(tenant TEXT, day TEXT, part BLOB, n INTEGER, body TEXT, "
                    "PRIMARY KEY(tenant, day DESC, part)) WITHOUT ROWID;"
                    "CREATE TABLE plain_fb(path BLOB PRIMARY KEY NOT NULL, value TEXT, n INTEGER) WITHOUT ROWID;"
                    "CREATE TABLE kept_fk(name TEXT, tenant TEXT, day TEXT, part BLOB, n INTEGER, body TEXT);"
                    "CREATE TABLE turns(n INTEGER); INSERT INTO turns VALUES(0)");
        return;
    }
    sql_run(db,
            "CREATE VIRTUAL TABLE fk USING art(tenant TEXT, day TEXT, part BLOB, n INTEGER, body TEXT, key=(tenant, "
            "day DESC, part), summary=(sum(n), lookup(n), search(body), hash(values))%s)",
            options);
    sql_run(db,
            "CREATE VIRTUAL TABLE fb USING art(path BLOB, value TEXT, n INTEGER, summary=(max(n), search(value))%s)",
            options);
}

/* ---- changing ---------------------------------------------------------------------------------------------------- */

#define NUMBERS "WITH x(i) AS (SELECT %u UNION ALL SELECT i + 1 FROM x LIMIT %u) "
/* Words that have letters in common with each other's ends. */
#define BODY  "'the ' || (i * 31 %% 97) || 'th word, ' || substr('quickbrownfoxjumps', i %% 13 + 1, 6) || i %% 5"
#define BYTES "CAST(substr(x'00ff2f80c3a90061', i %% 7 + 1, 2) || (i * 17 %% 331) AS BLOB)"

static char *draw_change(struct random *random) {
    unsigned from = random_below(random, 5000), rows = 1 + random_below(random, random_once_in(random, 5) ? 90 : 9),
             tenant = random_below(random, 6), day = 1 + random_below(random, 28);
    switch (random_below(random, 12)) {
    default:
        return sqlite3_mprintf("INSERT OR REPLACE INTO @fk(tenant, day, part, n, body) " NUMBERS
                               "SELECT 't' || (i %% 6), printf('2026-11-%%02d', i / 7 %% 28 + 1), " BYTES
                               ", i %% 50, " BODY " FROM x",
                               from, rows);
    case 0:
    case 1:
        return sqlite3_mprintf("INSERT OR REPLACE INTO @fb(path, value, n) " NUMBERS "SELECT " BYTES ", " BODY
                               ", i %% 1000 FROM x",
                               from, rows);
    case 2:
        return sqlite3_mprintf("DELETE FROM @fk WHERE tenant = 't%u' AND day < '2026-11-%02u'", tenant, day);
    case 3:
        return sqlite3_mprintf(
            "UPDATE @fk SET n = n + 1, body = body || ' again' WHERE tenant = 't%u' AND day = '2026-11-%02u'", tenant,
            day);
    case 4:
        return sqlite3_mprintf("INSERT OR REPLACE INTO @fk(tenant, day, part, n, body) SELECT 't%u', day, part, n, "
                               "body FROM @fk WHERE tenant = 't%u' AND day BETWEEN '2026-11-%02u' AND '2026-11-%02u';"
                               "DELETE FROM @fk WHERE tenant = 't%u' AND day = '2026-11-%02u'",
                               (tenant + 1) % 6, tenant, day, day + 2, tenant, day);
    case 5:
        return sqlite3_mprintf("DELETE FROM @fb WHERE path >= x'%02x' AND path < x'%02x'", from % 200, from % 200 + 20);
    case 6:
        return sqlite3_mprintf("UPDATE @fb SET value = NULL, n = -n WHERE n BETWEEN %u AND %u", from % 900,
                               from % 900 + 40);
    }
}

enum { ADDED_EVERY = 12, ADDED = 3, KEPT_EVERY = 5, KEPT = 4 };

static const char *column(int64_t i) {
    static const char *const names[ADDED] = {"n, body, more", "n, body, more, most", "n, body, more, most, last"};
    return i > ADDED ? names[ADDED - 1] : i > 0 ? names[i - 1] : "n, body";
}

/* The table is made wider thrice in its life; each fifth state is kept until four others are. */
static int change_table(sqlite3 *db, bool art, int64_t n) {
    static const char *const added[ADDED] = {"more INTEGER", "most TEXT", "last REAL"};
    int rc = SQLITE_OK;
    if (n % ADDED_EVERY == 0 && n && n / ADDED_EVERY <= ADDED) {
        const char *what = added[n / ADDED_EVERY - 1];
        rc = change(db, art,
                    sqlite3_mprintf("{INSERT INTO fk(fk) VALUES('add column %s')|ALTER TABLE plain_fk ADD COLUMN %s; "
                                    "ALTER TABLE kept_fk ADD COLUMN %s}",
                                    what, what, what));
    }
    if (!rc && n >= ADDED_EVERY && n % 3 == 0)
        rc = change(db, art, sqlite3_mprintf("UPDATE @fk SET more = n WHERE n = %lld", (long long)n % 50));
    if (rc || n % KEPT_EVERY) return rc;
    if (n > KEPT_EVERY * KEPT) {
        rc =
            change(db, art,
                   sqlite3_mprintf("{INSERT INTO fk(fk, snapshot) SELECT 'drop snapshot', name FROM "
                                   "art_snapshots('fk') WHERE name = 's%lld'|DELETE FROM kept_fk WHERE name = 's%lld'}",
                                   (long long)n - KEPT_EVERY * KEPT, (long long)n - KEPT_EVERY * KEPT));
    }
    const char *columns = column(n / ADDED_EVERY);
    if (rc) return rc;
    return change(db, art,
                  sqlite3_mprintf("{INSERT INTO fk(fk, snapshot) VALUES('snapshot', 's%lld')|INSERT INTO kept_fk(name, "
                                  "tenant, day, part, %s) SELECT 's%lld', tenant, day, part, %s FROM plain_fk}",
                                  (long long)n, columns, (long long)n, columns));
}

char *features_text(bool art, int64_t n) {
    struct random random = {(uint64_t)n * 2654435761u};
    sqlite3_str *out = sqlite3_str_new(NULL);
    for (unsigned i = 1 + random_below(&random, 4); i; i--) {
        char *drawn = draw_change(&random), *sql = text_of(drawn, art);
        sqlite3_str_appendf(out, "%s;", sql);
        sqlite3_free(drawn);
        sqlite3_free(sql);
    }
    return sqlite3_str_finish(out);
}

int features_change(sqlite3 *db, bool art, int64_t n) {
    char *rows = features_text(art, n);
    int rc = sql_try(db, "%s", rows);
    sqlite3_free(rows);
    return rc ? rc : change_table(db, art, n);
}

/* An interrupt may come at each step. */
static int next_turn(sqlite3 *db, int64_t *n) {
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, "UPDATE turns SET n = n + 1 RETURNING n", -1, &statement, NULL);
    if (!rc && sqlite3_step(statement) == SQLITE_ROW) *n = sqlite3_column_int64(statement, 0);
    while (!rc && *n && sqlite3_step(statement) == SQLITE_ROW) continue;
    return rc ? rc : sqlite3_finalize(statement);
}

int features_turn(sqlite3 *db) {
    int64_t n = 0;
    int rc = next_turn(db, &n);
    for (int art = 0; !rc && art < 2; art++) rc = features_change(db, art, n);
    return rc;
}

/* ---- asking ------------------------------------------------------------------------------------------------------ */

/* The sum of rows' hashes modulo 2^64, which SQLite's sum() is not. */
#define HALF(shift) "sum(hash_values >> " #shift " & 4294967295)"
#define HASH        "((((" HALF(32) " + (" HALF(0) " >> 32)) & 4294967295) << 32) + (" HALF(0) " & 4294967295))"

TEXTS(questions, "SELECT * FROM @fk ORDER BY tenant, day DESC, part", "SELECT * FROM @fb ORDER BY path DESC",
      "SELECT count(*), sum(n) FROM @fk WHERE tenant = 't2' AND day >= '2026-11-11'",
      "SELECT tenant, day, part FROM @fk WHERE n IN (7, 49) ORDER BY 1, 2, 3",
      "SELECT tenant, day, part FROM @fk WHERE body LIKE '%brownf%' ORDER BY 1, 2, 3",
      "SELECT count(*) FROM @fk WHERE body GLOB '*7th word*again*'",
      "SELECT path, n FROM @fb WHERE value LIKE '%Oxjump%' ORDER BY path",
      "SELECT path FROM @fb WHERE n >= 990 ORDER BY n DESC, path LIMIT 5", "SELECT max(n) FROM @fb",
      "SELECT {coalesce(art_sum('fk', 'n', art_key('fk', 't3', '')), 0)|coalesce(sum(n), 0) FROM plain_fk WHERE tenant "
      "= 't3'}",
      "SELECT DISTINCT tenant, day FROM @fk ORDER BY tenant, day DESC LIMIT 20",
      "SELECT {coalesce(art_hash_values('fk', ''), 0) = coalesce(" HASH ", 0) FROM fk|1}",
      "SELECT {name FROM art_snapshots('fk')|DISTINCT name FROM kept_fk} ORDER BY 1",
      "SELECT name, count(f.n), sum(f.n), min(day), max(body), sum(body LIKE '%brownf%') FROM {art_snapshots('fk') AS "
      "s JOIN fk AS f ON f.snapshot = s.name|kept_fk AS f} GROUP BY name ORDER BY name",
      "SELECT {s.name, (SELECT count(*) FROM fk WHERE snapshot = s.name AND n = 7) FROM art_snapshots('fk') AS s|name, "
      "sum(n IS 7) FROM kept_fk GROUP BY name} ORDER BY 1");

char *features_answers(sqlite3 *db, bool art) {
    sqlite3_str *out = sqlite3_str_new(NULL);
    for (int i = 0; i < LENGTH(questions); i++) {
        char *sql = text_of(questions[i], art);
        sqlite3_stmt *statement = NULL;
        sqlite3_str_appendf(out, "%s\n", questions[i]);
        if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL)) {
            sqlite3_str_appendf(out, "error at once: %s\n", sqlite3_errmsg(db));
        } else {
            char *answer = sql_answer(statement);
            sqlite3_str_appendf(out, "%s\n", answer);
            sqlite3_free(answer);
        }
        sqlite3_finalize(statement);
        sqlite3_free(sql);
    }
    return sqlite3_str_finish(out);
}

const char *features_differ(const char *given, const char *expected) {
    size_t same = 0, question = 0, line = 0;
    for (; given[same] && given[same] == expected[same]; same++) {
        if (given[same] != '\n') continue;
        if (!strncmp(given + same + 1, "SELECT", 6)) question = same + 1;
        line = same + 1;
    }
    return TEXT("%.*s\n  gave     %.300s\n  expected %.300s\n", (int)strcspn(given + question, "\n"), given + question,
                given + line, expected + line);
}

const char *features_complaint(sqlite3 *db) {
    char *given = features_answers(db, true), *expected = features_answers(db, false);
    const char *complaint = strcmp(given, expected) ? features_differ(given, expected) : NULL;
    sqlite3_free(given);
    sqlite3_free(expected);
    return complaint;
}
