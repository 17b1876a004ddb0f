/* The tables of SQLite: art, art with its blobs in the database, and an ordinary WITHOUT ROWID table with the best
 * statements that we know for each task.
 *
 * All in WAL mode, prepared once, keys and bounds bound. Where the ordinary table has a better way than one statement,
 * it takes that (a level by seeks of one prepared statement, the longest prefix by a few); level() by_query is the
 * recursive query that seeks and skips. "Not synced" is synchronous=OFF, "each commit synced" synchronous=FULL.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/bench/engine.h"
#include "tests/bench/walk.h"
#include "tests/support/sql.h"

enum {
    PUT,
    UPDATE,
    REMOVE,
    RENAME,
    GET,
    LIST,
    LIST_BACK,
    LEVEL,
    ANY,
    LONGEST,
    COUNT,
    COUNT_ROWS,
    SEEK,
    BEFORE,
    BEGIN,
    BEGIN_WRITE,
    COMMIT,
    STATEMENTS
};

struct table {
    sqlite3 *db;
    const char *name;
    bool art;
    sqlite3_stmt *statements[STATEMENTS];
};

static const char *const art_sql[STATEMENTS] = {
    [LIST] = "SELECT path, value FROM t(?1) ORDER BY path LIMIT ?3 OFFSET ?4",
    [LIST_BACK] = "SELECT path, value FROM t(?1) ORDER BY path DESC LIMIT ?3 OFFSET ?4",
    [LEVEL] = "SELECT path FROM t(?1, '/') ORDER BY path LIMIT ?3",
    [ANY] = "SELECT 1 FROM t(?1) LIMIT 1",
    [LONGEST] = "SELECT art_longest_prefix('t', ?1, '/')",
    [COUNT] = "SELECT art_count('t', ?1)",
    [COUNT_ROWS] = "SELECT count(*) FROM t(?1)",
};

/* In LEVEL, `p` is the last name shown; behind a common prefix the next row lies behind the greatest character. */
#define SHOWN                                                                                                          \
    "CASE instr(substr(path, length(?1) + 1), '/') WHEN 0 THEN path"                                                   \
    " ELSE substr(path, 1, length(?1) + instr(substr(path, length(?1) + 1), '/')) END"

static const char *const table_sql[STATEMENTS] = {
    [PUT] = "INSERT OR REPLACE INTO t(path, value) VALUES(?1, ?2)",
    [UPDATE] = "UPDATE t SET value = ?2 WHERE path = ?1",
    [REMOVE] = "DELETE FROM t WHERE path = ?1",
    [RENAME] = "UPDATE OR REPLACE t SET path = ?2 WHERE path = ?1",
    [GET] = "SELECT value FROM t WHERE path = ?1",
    [LIST] = "SELECT path, value FROM t WHERE path >= ?1 AND path < ?2 ORDER BY path LIMIT ?3 OFFSET ?4",
    [LIST_BACK] = "SELECT path, value FROM t WHERE path >= ?1 AND path < ?2 ORDER BY path DESC LIMIT ?3 OFFSET ?4",
    [LEVEL] = "WITH RECURSIVE level(p) AS ("
              "SELECT (SELECT " SHOWN " FROM t WHERE path >= ?1 AND path < ?2 ORDER BY path LIMIT 1) "
              "UNION ALL SELECT (SELECT " SHOWN " FROM t WHERE path > CASE WHEN substr(p, -1) = '/' THEN p || "
              "char(0x10ffff) ELSE p END AND path < ?2 ORDER BY path LIMIT 1) FROM level WHERE p IS NOT NULL LIMIT ?3) "
              "SELECT p FROM level WHERE p IS NOT NULL",
    [ANY] = "SELECT 1 FROM t WHERE path >= ?1 AND path < ?2 LIMIT 1",
    [COUNT] = "SELECT count(*) FROM t WHERE path >= ?1 AND path < ?2",
    [COUNT_ROWS] = "SELECT count(*) FROM t WHERE path >= ?1 AND path < ?2",
    [SEEK] = "SELECT path FROM t WHERE path >= ?1 AND path < ?2 ORDER BY path",
    [BEFORE] = "SELECT path FROM t WHERE path <= ?1 ORDER BY path DESC LIMIT 1",
    [BEGIN] = "BEGIN",
    [BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
};

static void check(struct table *table, int rc, const char *what) {
    if (rc != SQLITE_OK && rc != SQLITE_DONE && rc != SQLITE_ROW) {
        engine_fail(table->name, what, sqlite3_errmsg(table->db));
    }
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static struct table *table_open(const struct engine_settings *settings, const char *name) {
    bool art = strcmp(name, "table") != 0;
    struct table *table = calloc(1, sizeof *table);
    char *path = sqlite3_mprintf("%s/bench.db", settings->directory);
    table->name = name;
    table->art = art;
    table->db = sql_open(path);
    sqlite3_busy_timeout(table->db, 10000);
    sql_run(table->db, "PRAGMA journal_mode=WAL");
    if (settings->cache_bytes) {
        sql_run(table->db, "PRAGMA cache_size=-%lld", (long long)(art ? 8192 : settings->cache_bytes / 1024));
    }
    if (settings->create && art) {
        const char *storage = strcmp(name, "inline") ? "file" : "inline";
        char *options = settings->cache_bytes
                            ? sqlite3_mprintf("storage=%s, cache=%lld", storage, (long long)settings->cache_bytes)
                            : sqlite3_mprintf("storage=%s", storage);
        sql_create(table->db, "t", options);
        sqlite3_free(options);
    } else if (settings->create) {
        sql_run(table->db, "CREATE TABLE t(path TEXT PRIMARY KEY, value) WITHOUT ROWID");
    }
    sqlite3_free(path);
    return table;
}

static void *open_art(const struct engine_settings *settings) {
    return table_open(settings, "art");
}

static void *open_inline(const struct engine_settings *settings) {
    return table_open(settings, "inline");
}

static void *open_table(const struct engine_settings *settings) {
    return table_open(settings, "table");
}

static void sql_engine_close(void *store) {
    struct table *table = store;
    for (int i = 0; i < STATEMENTS; i++) sqlite3_finalize(table->statements[i]);
    sql_close(table->db);
    free(table);
}

static void set_sync(void *store, bool every_commit) {
    sql_run(((struct table *)store)->db, "PRAGMA synchronous=%s", every_commit ? "FULL" : "OFF");
}

/* ---- statements -------------------------------------------------------------------------------------------------- */

/* Prepared when it is first wanted, so that opening is opening. */
static sqlite3_stmt *statement_of(struct table *table, int which) {
    if (!table->statements[which]) {
        const char *sql = table->art && art_sql[which] ? art_sql[which] : table_sql[which];
        table->statements[which] = sql_prepare(table->db, "%s", sql);
    }
    return table->statements[which];
}

static void bind(sqlite3_stmt *statement, int at, struct art_bytes text) {
    sqlite3_bind_text(statement, at, (const char *)text.data, (int)text.len, SQLITE_STATIC);
}

/* ?1 and ?2: the rows below a prefix. A BLOB is greater than every text. */
static void bind_prefix(struct table *table, sqlite3_stmt *statement, struct art_bytes prefix, uint8_t *room) {
    bind(statement, 1, prefix);
    if (sqlite3_bind_parameter_count(statement) < 2 || table->art) return;
    struct art_bytes end = walk_end(prefix, room);
    if (end.len) {
        bind(statement, 2, end);
    } else {
        sqlite3_bind_zeroblob(statement, 2, 0);
    }
}

static void run(struct table *table, int which) {
    sqlite3_stmt *statement = statement_of(table, which);
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW) rc = SQLITE_MISUSE;
    check(table, rc, sqlite3_sql(statement));
    sqlite3_reset(statement);
}

static struct art_bytes column(sqlite3_stmt *statement, int at) {
    const void *data = sqlite3_column_blob(statement, at);
    return art_bytes(data, (uint32_t)sqlite3_column_bytes(statement, at));
}

static uint64_t read_rows(struct table *table, sqlite3_stmt *statement, uint64_t *digest) {
    uint64_t rows = 0;
    int rc, columns = sqlite3_column_count(statement);
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
        for (int i = 0; i < columns; i++) {
            struct art_bytes data = column(statement, i);
            digest_add(digest, data.data, data.len);
        }
        rows++;
    }
    check(table, rc, sqlite3_sql(statement));
    sqlite3_reset(statement);
    return rows;
}

static uint64_t read_number(struct table *table, sqlite3_stmt *statement) {
    int rc = sqlite3_step(statement);
    uint64_t number = rc == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
    check(table, rc, sqlite3_sql(statement));
    sqlite3_reset(statement);
    return number;
}

/* ---- the tasks --------------------------------------------------------------------------------------------------- */

static void begin(void *store, bool write, bool sorted) {
    (void)sorted;
    run(store, write ? BEGIN_WRITE : BEGIN);
}

static void commit(void *store) {
    run(store, COMMIT);
}

static void write_row(struct table *table, int which, struct art_bytes first, struct art_bytes second) {
    bind(statement_of(table, which), 1, first);
    if (second.data) bind(statement_of(table, which), 2, second);
    run(table, which);
}

static void put(void *store, struct art_bytes key, struct art_bytes value) {
    write_row(store, PUT, key, value);
}

static void update(void *store, struct art_bytes key, struct art_bytes value) {
    write_row(store, UPDATE, key, value);
}

static void remove_row(void *store, struct art_bytes key) {
    write_row(store, REMOVE, key, (struct art_bytes){0});
}

static void rename_row(void *store, struct art_bytes from, struct art_bytes to) {
    write_row(store, RENAME, from, to);
}

static bool get(void *store, struct art_bytes key, uint64_t *digest) {
    struct table *table = store;
    bind(statement_of(table, GET), 1, key);
    return read_rows(table, statement_of(table, GET), digest) > 0;
}

static uint64_t list(void *store, struct art_bytes prefix, bool descending, uint64_t offset, uint64_t limit,
                     uint64_t *digest) {
    struct table *table = store;
    sqlite3_stmt *statement = statement_of(table, descending ? LIST_BACK : LIST);
    uint8_t room[PATH_ROOM];
    bind_prefix(table, statement, prefix, room);
    sqlite3_bind_int64(statement, 3, (sqlite3_int64)limit);
    sqlite3_bind_int64(statement, 4, (sqlite3_int64)offset);
    return read_rows(table, statement, digest);
}

/* A client's loop: one statement that goes on over files, and is put behind each directory anew. */
static uint64_t level_by_seeks(struct table *table, struct art_bytes directory, uint64_t limit, uint64_t *digest) {
    sqlite3_stmt *statement = statement_of(table, SEEK);
    uint8_t room[PATH_ROOM], behind[PATH_ROOM];
    uint64_t names = 0;
    int rc;
    bind_prefix(table, statement, directory, room);
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
        struct art_bytes key = column(statement, 0);
        const uint8_t *slash = memchr(key.data + directory.len, '/', key.len - directory.len);
        if (slash) key.len = (uint32_t)(slash + 1 - key.data);
        digest_add(digest, key.data, key.len);
        if (++names == limit) break;
        if (!slash) continue;
        memcpy(behind, key.data, key.len);
        behind[key.len - 1]++;
        sqlite3_reset(statement);
        bind(statement, 1, art_bytes(behind, key.len));
    }
    check(table, rc, "a level by seeks");
    sqlite3_reset(statement);
    return names;
}

static uint64_t level(void *store, struct art_bytes directory, uint64_t limit, bool by_query, uint64_t *digest) {
    struct table *table = store;
    sqlite3_stmt *statement = statement_of(table, LEVEL);
    uint8_t room[PATH_ROOM];
    if (!table->art && !by_query) return level_by_seeks(table, directory, limit, digest);
    bind_prefix(table, statement, directory, room);
    sqlite3_bind_int64(statement, 3, (sqlite3_int64)limit);
    return read_rows(table, statement, digest);
}

static bool any(void *store, struct art_bytes prefix) {
    struct table *table = store;
    uint8_t room[PATH_ROOM];
    bind_prefix(table, statement_of(table, ANY), prefix, room);
    return read_number(table, statement_of(table, ANY)) == 1;
}

static bool longest_by_function(void *store, struct art_bytes path, uint64_t *digest) {
    struct table *table = store;
    sqlite3_stmt *statement = statement_of(table, LONGEST);
    bind(statement, 1, path);
    check(table, sqlite3_step(statement), "art_longest_prefix");
    struct art_bytes found = column(statement, 0);
    bool there = sqlite3_column_type(statement, 0) != SQLITE_NULL;
    if (there) digest_add(digest, found.data, found.len);
    sqlite3_reset(statement);
    return there;
}

static bool before(void *store, struct art_bytes key) {
    struct table *table = store;
    sqlite3_reset(statement_of(table, BEFORE));
    bind(statement_of(table, BEFORE), 1, key);
    int rc = sqlite3_step(statement_of(table, BEFORE));
    check(table, rc, "a seek");
    return rc == SQLITE_ROW;
}

static struct art_bytes key_before(void *store) {
    return column(statement_of(store, BEFORE), 0);
}

static bool longest_by_seeks(void *store, struct art_bytes path, uint64_t *digest) {
    static const struct walker walker = {.seek_before = before, .key = key_before};
    bool found = walk_longest(&walker, store, path, digest);
    sqlite3_reset(statement_of(store, BEFORE));
    return found;
}

static uint64_t count(void *store, struct art_bytes prefix, bool by_rows) {
    struct table *table = store;
    sqlite3_stmt *statement = statement_of(table, by_rows ? COUNT_ROWS : COUNT);
    uint8_t room[PATH_ROOM];
    bind_prefix(table, statement, prefix, room);
    return read_number(table, statement);
}

/* ---- rest -------------------------------------------------------------------------------------------------------- */

static uint64_t packed(void *store, const char *file) {
    struct stat status;
    sql_run(((struct table *)store)->db, "VACUUM INTO %Q", file);
    uint64_t bytes = stat(file, &status) == 0 ? (uint64_t)status.st_blocks * 512 : 0;
    remove(file);
    return bytes;
}

static void checkpoint(void *store) {
    sql_run(((struct table *)store)->db, "PRAGMA wal_checkpoint(TRUNCATE)");
}

/* For opening cold: the log is empty, too, as it is asked for; what replaying one costs has a figure of its own. */
static void keep_cache(void *store, uint64_t bytes) {
    struct table *table = store;
    sql_run(table->db, "INSERT INTO t(t) VALUES('cache=%llu')", (unsigned long long)bytes);
    sql_command(table->db, "main", "t", "flush");
    checkpoint(store);
}

static void optimize(void *store) {
    struct table *table = store;
    sql_run(table->db, "SELECT art_vacuum('t')");
}

/* The pages that it leaves are the database's to use again, and a VACUUM's to give back. */
static void optimize_inline(void *store) {
    optimize(store);
    sql_run(((struct table *)store)->db, "VACUUM");
    checkpoint(store);
}

/* What all tables do alike. */
#define COMMON                                                                                                         \
    .close = sql_engine_close, .set_sync = set_sync, .begin = begin, .commit = commit, .put = put, .update = update,   \
    .remove = remove_row, .rename = rename_row, .get = get, .list = list, .level = level, .any = any, .count = count,  \
    .quiesce = checkpoint

const struct engine engine_art = {
    .name = "art",
    .about = "this extension, through SQL; WAL",
    .open = open_art,
    .longest = longest_by_function,
    .settle = optimize,
    .keep_cache = keep_cache,
    COMMON,
};

const struct engine engine_inline = {
    .name = "inline",
    .about = "the same with storage=inline: its blobs are rows of the database",
    .open = open_inline,
    .longest = longest_by_function,
    .settle = optimize_inline,
    .packed = packed,
    .keep_cache = keep_cache,
    COMMON,
};

const struct engine engine_table = {
    .name = "table",
    .about = "an ordinary WITHOUT ROWID table of SQLite; WAL",
    .open = open_table,
    .longest = longest_by_seeks,
    .settle = checkpoint,
    .packed = packed,
    COMMON,
};
