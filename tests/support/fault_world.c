/* The twins, an attempt at a step, and what must hold after it. */
#include "tests/support/fault_world.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/hash.h"
#include "core/tree/state/hooks.h"
#include "tests/support/random.h"
#include "tests/support/sql.h"

const struct fault_mode fault_modes[FAULT_MODES] = {
    {"uring-wal", NULL, NULL, "WAL", "", false},
    {"pwrite-wal", "pwrite", NULL, "WAL", "", false},
    {"buffered-wal", "pwrite", "off", "WAL", "", false},
    {"uring-delete", NULL, NULL, "DELETE", "", false},
    {"pwrite-truncate", "pwrite", NULL, "TRUNCATE", "", false},
    {"buffered-persist", NULL, "off", "PERSIST", "", false},
    {"memory", NULL, NULL, "MEMORY", "", true},
    {"rows-wal", NULL, NULL, "WAL", ", storage=inline", false},
};

const struct fault_mode *fault_mode_find(const char *name) {
    for (int i = 0; i < FAULT_MODES; i++) {
        if (!strcmp(fault_modes[i].name, name)) return &fault_modes[i];
    }
    fault_world_fail("there is no mode %s", name);
}

const struct fault_mode *fault_mode_draw(unsigned i, uint64_t draw) {
    return &fault_modes[i + (draw % 2 ? FAULT_WAYS : 0)];
}

/* --- failing for good --------------------------------------------------------------------------------------------- */

static char context[300];

void fault_world_context(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(context, sizeof context, format, arguments);
    va_end(arguments);
}

const char *fault_world_what(void) {
    return context;
}

void fault_world_fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fflush(stdout);
    fprintf(stderr, "\nfault [%s]: ", context);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    fflush(stderr);
    va_end(arguments);
    abort();
}

/* --- texts -------------------------------------------------------------------------------------------------------- */

static char *with_names(const char *text, const char *prefix) {
    sqlite3_str *out = sqlite3_str_new(NULL);
    for (; *text; text++) {
        if (*text == '@') {
            sqlite3_str_appendall(out, prefix);
        } else {
            sqlite3_str_appendchar(out, 1, *text);
        }
    }
    return sqlite3_str_finish(out);
}

/* noise(i, n): n letters that no compression would shorten, the same ones each time. */
static void noise(sqlite3_context *at, int count, sqlite3_value **values) {
    struct random random = {(uint64_t)sqlite3_value_int64(values[0]) * 7919 + 1};
    int length = count == 2 ? sqlite3_value_int(values[1]) : 0;
    char *text = sqlite3_malloc(length + 1);
    if (!text) {
        sqlite3_result_error_nomem(at);
        return;
    }
    for (int i = 0; i < length; i++) text[i] = (char)('a' + random_below(&random, 26));
    sqlite3_result_text(at, text, length, sqlite3_free);
}

/* --- connections -------------------------------------------------------------------------------------------------- */

static int load(const struct fault_world *world, sqlite3 *db, char **message) {
    art_test_hooks.as_one = true; /* of the one that is linked in */
    if (world->entry) return world->entry(db, message, NULL);
    const char *extension = getenv("ART_EXTENSION");
    sqlite3_enable_load_extension(db, 1);
    int rc = sqlite3_load_extension(db, extension && *extension ? extension : "./art.so", NULL, message);
    return rc == SQLITE_ERROR ? SQLITE_NOMEM : rc; /* it says so whatever the entry point said */
}

/* May fail; then *out is NULL. */
static int open_connection(const struct fault_world *world, sqlite3 **out) {
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI;
    sqlite3 *db = NULL;
    char *message = NULL, *sql = NULL;
    int rc = sqlite3_open_v2(world->path, &db, flags, world->vfs);
    if (!rc) rc = sqlite3_extended_result_codes(db, 1);
    if (!rc) rc = load(world, db, &message);
    sqlite3_free(message);
    if (!rc) rc = sqlite3_create_function(db, "noise", 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, noise, NULL, NULL);
    if (!rc) {
        sql = sqlite3_mprintf("PRAGMA synchronous=%s; ATTACH %Q AS aux; PRAGMA aux.synchronous=%s;", world->synchronous,
                              world->aux, world->synchronous);
        rc = sql ? sqlite3_exec(db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;
        sqlite3_free(sql);
    }
    if (rc) {
        if (sqlite3_close(db)) fault_world_fail("a connection that could not be opened cannot be closed");
        db = NULL;
    }
    *out = db;
    return rc;
}

static sqlite3 *open_surely(const struct fault_world *world) {
    sqlite3 *db;
    int rc = open_connection(world, &db);
    if (rc) fault_world_fail("cannot open a connection: %d", rc);
    return db;
}

static void close_surely(sqlite3 *db) {
    if (db && sqlite3_close(db)) fault_world_fail("cannot close the connection: %s", sqlite3_errmsg(db));
}

void fault_world_connect(struct fault_world *world) {
    if (!world->db) world->db = open_surely(world);
}

void fault_world_disconnect(struct fault_world *world) {
    close_surely(world->db);
    world->db = NULL;
}

static void run_surely(sqlite3 *db, const char *text) {
    int rc = sqlite3_exec(db, text, NULL, NULL, NULL);
    if (rc) fault_world_fail("%.300s: %s (%d)", text, sqlite3_errmsg(db), sqlite3_extended_errcode(db));
}

void fault_world_run(struct fault_world *world, const char *text, const char *plain) {
    char *first = with_names(text, ""), *second = plain ? with_names(plain, "plain_") : NULL;
    run_surely(world->db, first);
    if (second) run_surely(world->db, second);
    sqlite3_free(first);
    sqlite3_free(second);
}

static int open_descriptors(void) {
    DIR *list = opendir("/proc/self/fd");
    int count = 0;
    while (list && readdir(list)) count++;
    if (list) closedir(list);
    return count;
}

static const char fill_text[] =
    "INSERT INTO @t WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 400) SELECT printf('a/%05d', i), "
    "noise(i, 60) FROM n; INSERT INTO @t VALUES('big', noise(7, 20000));"
    "INSERT INTO aux.@v WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 50) SELECT 'v/' || i, noise(i, 50) "
    "FROM n";

static void fill(struct fault_world *world) {
    char *journal = sqlite3_mprintf("PRAGMA main.journal_mode=%s; PRAGMA aux.journal_mode=%s", world->mode->journal,
                                    world->mode->journal);
    run_surely(world->db, journal);
    sqlite3_free(journal);
    char *create =
        sqlite3_mprintf("CREATE VIRTUAL TABLE t USING art(log_limit='8KB', spill_limit='32KB', cache='1MB'%s);"
                        "CREATE VIRTUAL TABLE aux.v USING art(log_limit='2KB'%s)",
                        world->mode->storage, world->mode->storage);
    fault_world_run(world, create,
                    "CREATE TABLE @t(path TEXT PRIMARY KEY NOT NULL, value) WITHOUT ROWID;"
                    "CREATE TABLE aux.@v(path TEXT PRIMARY KEY NOT NULL, value) WITHOUT ROWID");
    sqlite3_free(create);
    fault_world_run(world,
                    "CREATE TABLE feed(path, value);"
                    "CREATE TRIGGER feed_in AFTER INSERT ON feed BEGIN INSERT OR REPLACE INTO t(path, value) "
                    "VALUES(new.path, new.value); INSERT OR REPLACE INTO plain_t VALUES(new.path, new.value); END",
                    NULL);
    fault_world_run(world, fill_text, fill_text);
    fault_world_run(world, "INSERT INTO t(t) VALUES('flush')", NULL);
}

void fault_world_open(struct fault_world *world) {
    sql_ways(world->mode->io, world->mode->direct);
    world->memory = sqlite3_memory_used();
    world->descriptors = open_descriptors();
    world->directory = world->mode->in_memory ? NULL : sql_scratch("faults");
    world->path = world->directory ? sqlite3_mprintf("%s/f.db", world->directory) : sqlite3_mprintf(":memory:");
    world->aux = world->directory ? sqlite3_mprintf("%s/aux.db", world->directory) : sqlite3_mprintf(":memory:");
    world->db = NULL;
    world->state = 0;
    fault_world_connect(world);
    fill(world);
    if (world->mode->in_memory) return;
    /* What the process keeps once the first connection was there does not count as lost. */
    fault_world_disconnect(world);
    world->memory = sqlite3_memory_used();
    world->descriptors = open_descriptors();
}

void fault_world_close(struct fault_world *world) {
    fault_world_disconnect(world);
    if (world->directory) sql_scratch_remove(world->directory);
    for (int i = 0; i < 2; i++) {
        free(world->features[i]);
        world->features[i] = NULL;
    }
    sqlite3_free(world->directory);
    sqlite3_free(world->path);
    sqlite3_free(world->aux);
}

/* --- an attempt --------------------------------------------------------------------------------------------------- */

struct attempt {
    struct fault_world *world;
    sqlite3 *db;
    struct fault_outcome *out;
};

static int note(struct attempt *attempt, int rc) {
    struct fault_outcome *out = attempt->out;
    enum { KEPT = sizeof out->codes / sizeof *out->codes };
    if (!rc) return rc;
    if (out->errors < KEPT) out->codes[out->errors] = rc;
    if (!out->errors && attempt->db) {
        const char *message = sqlite3_errmsg(attempt->db);
        snprintf(out->message, sizeof out->message, "%s", message ? message : "");
        if (!strncmp(out->message, "art:", 4) && strstr(out->message, "not an error"))
            fault_world_fail("the message does not say what failed: %s (%d)", out->message, rc);
    }
    out->errors++;
    return rc;
}

static int run(struct attempt *attempt, const char *text) {
    return sqlite3_exec(attempt->db, text, NULL, NULL, NULL);
}

static int collect(void *out, int columns, char **values, char **names) {
    for (int i = 0; i < columns; i++) {
        sqlite3_str_appendall(out, values[i] ? values[i] : "NULL");
        sqlite3_str_appendall(out, i + 1 < columns ? "|" : "\n");
    }
    return sqlite3_str_errcode(out);
}

static int ask(struct attempt *attempt, const char *text, char **answer) {
    sqlite3_str *out = sqlite3_str_new(NULL);
    int rc = sqlite3_exec(attempt->db, text, collect, out, NULL);
    if (sqlite3_str_errcode(out)) rc = sqlite3_str_errcode(out);
    *answer = sqlite3_str_finish(out);
    return rc;
}

static int run_both(struct attempt *attempt, const char *first, const char *second) {
    int rc = run(attempt, "SAVEPOINT pair");
    if (rc) return rc;
    rc = run(attempt, first);
    if (!rc) rc = run(attempt, second);
    if (!rc) return run(attempt, "RELEASE pair");
    note(attempt, rc);
    if (sqlite3_get_autocommit(attempt->db)) return rc;
    if (run(attempt, "ROLLBACK TO pair") || run(attempt, "RELEASE pair")) run(attempt, "ROLLBACK");
    return rc;
}

static int ask_both(struct attempt *attempt, const char *first, const char *second) {
    char *answers[2] = {NULL, NULL};
    int rc = ask(attempt, first, &answers[0]);
    if (!rc) rc = ask(attempt, second, &answers[1]);
    bool equal = rc || (!answers[0] && !answers[1]) || (answers[0] && answers[1] && !strcmp(answers[0], answers[1]));
    if (!equal) {
        fault_world_fail("%s\n  gave     %.300s\n  expected %.300s", first, answers[0] ? answers[0] : "(nothing)",
                         answers[1] ? answers[1] : "(nothing)");
    }
    sqlite3_free(answers[0]);
    sqlite3_free(answers[1]);
    return rc ? note(attempt, rc) : rc;
}

/* Returns whether the step may go on. */
static bool run_line(struct attempt *attempt, const struct fault_line *line, bool brave, bool autocommit) {
    char *const *drawn = attempt->world->features;
    bool features = line->kind == FAULT_FEATURES;
    char *first = with_names(features ? drawn[0] : line->text, "");
    char *second = with_names(features ? drawn[1] : line->plain ? line->plain : line->text, "plain_");
    unsigned errors = attempt->out->errors;
    if (!first || !second) {
        note(attempt, SQLITE_NOMEM);
    } else if (line->kind == FAULT_BOTH || features) {
        int rc = run_both(attempt, first, second);
        if (rc && attempt->out->errors == errors) note(attempt, rc);
    } else if (line->kind == FAULT_ASK) {
        ask_both(attempt, first, second);
    } else {
        note(attempt, run(attempt, first));
    }
    sqlite3_free(first);
    sqlite3_free(second);
    if (attempt->out->errors == errors) return true;
    if (autocommit) return brave;
    return brave && line->kind != FAULT_ONE && !sqlite3_get_autocommit(attempt->db);
}

static void run_lines(struct attempt *attempt, const struct fault_step *step, bool brave) {
    bool go_on = step->autocommit || !note(attempt, run(attempt, "BEGIN IMMEDIATE"));
    bool begun = go_on && !step->autocommit;
    for (const struct fault_line *line = step->lines; go_on && line->kind != FAULT_END; line++) {
        go_on = run_line(attempt, line, brave, step->autocommit);
    }
    if (go_on && begun) {
        const char *end = step->rolls_back ? "ROLLBACK" : "COMMIT";
        int rc = note(attempt, run(attempt, end));
        /* A COMMIT that left its transaction open may be tried again. */
        if (rc && brave && !sqlite3_get_autocommit(attempt->db)) rc = note(attempt, run(attempt, end));
        attempt->out->committed = !rc && !step->rolls_back;
    }
    for (int i = 0; i < 3 && !sqlite3_get_autocommit(attempt->db); i++) run(attempt, "ROLLBACK");
}

void fault_world_attempt(struct fault_world *world, const struct fault_step *step, bool brave,
                         struct fault_outcome *out) {
    struct attempt attempt = {world, world->db, out};
    *out = (struct fault_outcome){.committed = false};
    if (step->opens && !world->db) {
        int rc = open_connection(world, &world->db);
        attempt.db = world->db;
        if (rc) note(&attempt, rc);
    }
    if (world->db) run_lines(&attempt, step, brave);
    if (!step->closes || !world->db) return;
    int rc = sqlite3_close(world->db);
    if (rc) fault_world_fail("cannot close: %d", rc);
    world->db = NULL;
}

/* --- what must hold ----------------------------------------------------------------------------------------------- */

static uint64_t add_value(uint64_t hash, sqlite3_stmt *rows, int i) {
    int type = sqlite3_column_type(rows, i), length = 0;
    const void *bytes = type == SQLITE_NULL ? NULL : sqlite3_column_blob(rows, i);
    if (bytes) length = sqlite3_column_bytes(rows, i);
    uint64_t of_value = bytes ? art_hash64(bytes, (size_t)length) : 0;
    return ((hash ^ (uint64_t)type) * 0x100000001b3u ^ of_value) * 0x9e3779b97f4a7c15u;
}

/* Count and hash of all rows and columns. */
static uint64_t table_state(sqlite3 *db, const char *schema, const char *prefix, const char *table) {
    sqlite3_stmt *rows = sql_prepare(db, "SELECT * FROM \"%w\".\"%w%w\" ORDER BY 1", schema, prefix, table);
    uint64_t hash = 0xcbf29ce484222325u, count = 0;
    int rc;
    while ((rc = sqlite3_step(rows)) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(rows); i++) hash = add_value(hash, rows, i);
        count++;
    }
    if (rc != SQLITE_DONE) fault_world_fail("%s.%s%s cannot be read: %s", schema, prefix, table, sqlite3_errmsg(db));
    sqlite3_finalize(rows);
    return hash ^ count;
}

static int64_t integer(sqlite3 *db, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *text = sqlite3_vmprintf(format, arguments);
    va_end(arguments);
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db, text, -1, &statement, NULL) || sqlite3_step(statement) != SQLITE_ROW) {
        fault_world_fail("%.300s: %s", text, sqlite3_errmsg(db));
    }
    int64_t value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_free(text);
    return value;
}

static void expect_text(sqlite3 *db, const char *expected, const char *text) {
    char *answer = sql_rows(db, "%s", text);
    if (strcmp(answer, expected)) fault_world_fail("%s\n  gave     %.500s\n  expected %s", text, answer, expected);
    sqlite3_free(answer);
}

/* Every art table has its twin and equals it; returns what both are. */
static uint64_t twins_of(sqlite3 *db, const char *schema, bool check) {
    char *tables =
        sql_rows(db, "SELECT name FROM \"%w\".sqlite_master WHERE sql LIKE 'CREATE VIRTUAL%%' ORDER BY name", schema);
    uint64_t state = 0;
    int64_t count = 0;
    for (char *name = strtok(tables, "\n"); name; name = strtok(NULL, "\n"), count++) {
        uint64_t of_art = table_state(db, schema, "", name), of_plain = table_state(db, schema, "plain_", name);
        if (of_art != of_plain) {
            fault_world_fail("%s.%s has %lld rows, its twin %lld, and they differ", schema, name,
                             (long long)integer(db, "SELECT count(*) FROM %s.%s", schema, name),
                             (long long)integer(db, "SELECT count(*) FROM %s.plain_%s", schema, name));
        }
        state = state * 31 + of_plain + name[0];
        if (!check) continue;
        char *question = sqlite3_mprintf("SELECT art_check('%w.%w')", schema, name);
        expect_text(db, "ok\n", question);
        sqlite3_free(question);
        int64_t rows = integer(db, "SELECT count(*) FROM %s.plain_%s", schema, name);
        int64_t told = integer(db, "SELECT art_count('%w.%w', '')", schema, name);
        if (rows != told)
            fault_world_fail("art_count('%s', '') is %lld of %lld", name, (long long)told, (long long)rows);
    }
    sqlite3_free(tables);
    int64_t twins =
        integer(db, "SELECT count(*) FROM \"%w\".sqlite_master WHERE name LIKE 'plain!_%%' ESCAPE '!'", schema);
    if (twins != count)
        fault_world_fail("%lld art tables in %s, but %lld twins", (long long)count, schema, (long long)twins);
    return state;
}

static uint64_t state_of(sqlite3 *db, bool check) {
    return twins_of(db, "main", check) * 1000003u + twins_of(db, "aux", check);
}

uint64_t fault_world_state(sqlite3 *db) {
    return state_of(db, false);
}

static bool says_poisoned(sqlite3 *db) {
    return (sqlite3_errcode(db) & 0xff) == SQLITE_IOERR && strstr(sqlite3_errmsg(db), "an earlier sync failed");
}

/* Both twins take a row more. What has grown too long to wait may say that a sync had failed. */
static void check_usable(sqlite3 *db, unsigned number, const char *poisoned) {
    char *text = sqlite3_mprintf("BEGIN IMMEDIATE; INSERT OR REPLACE INTO t VALUES('usable', %u);"
                                 "INSERT OR REPLACE INTO plain_t VALUES('usable', %u); COMMIT",
                                 number, number);
    int rc = sqlite3_exec(db, text, NULL, NULL, NULL);
    sqlite3_free(text);
    if (!rc) return;
    if (strcmp(poisoned, "t") || !says_poisoned(db)) {
        fault_world_fail("the connection is not usable: %s (%d)", sqlite3_errmsg(db), sqlite3_extended_errcode(db));
    }
    if (!sqlite3_get_autocommit(db)) run_surely(db, "ROLLBACK");
}

static void check_flush(sqlite3 *db) {
    int rc = sqlite3_exec(db, "INSERT INTO t(t) VALUES('flush')", NULL, NULL, NULL);
    if (rc) fault_world_fail("'flush' fails afterwards: %s (%d)", sqlite3_errmsg(db), rc);
}

/* The table that has this .art file, "" for none. <directory>/<database>.db-<table>-<id>.art */
static void table_of(sqlite3 *db, const char *file, char table[16]) {
    enum { ID_AND_END = 13 };
    const char *begin = file ? strstr(file, ".db-") : NULL;
    *table = 0;
    if (!begin) return;
    begin += strlen(".db-");
    int length = (int)strlen(begin) - ID_AND_END;
    /* One that was dropped, or whose CREATE was taken back, may have had the name. */
    if (integer(db, "SELECT count(*) FROM pragma_table_list WHERE name = '%.*s'", length, begin) &&
        integer(db, "SELECT count(*) FROM art_info('%.*s') WHERE property = 'file' AND value = %Q", length, begin,
                file)) {
        snprintf(table, 16, "%.*s", length, begin);
    }
}

/* A table whose sync failed takes no flush, now and later, until the connection is opened anew. */
static void check_poisoned(sqlite3 *db, const char *table) {
    const char *schema = *table == 'v' || *table == 'x' ? "aux" : "main";
    for (int i = 0; i < 2; i++) {
        char *text = sqlite3_mprintf("INSERT INTO %s.%s(%s) VALUES('optimize')", schema, table, table);
        int rc = sqlite3_exec(db, text, NULL, NULL, NULL);
        sqlite3_free(text);
        if (!rc) fault_world_fail("a sync of %s failed, and %s it succeeded", table, i ? "later" : "then");
        if (!says_poisoned(db))
            fault_world_fail("a sync of %s failed, and then: %s (%d)", table, sqlite3_errmsg(db), rc);
    }
}

static int count_files(const char *directory, const char *suffix) {
    DIR *list = opendir(directory);
    int count = 0;
    for (struct dirent *entry; list && (entry = readdir(list));) {
        size_t length = strlen(entry->d_name), end = strlen(suffix);
        count += length > end && !strcmp(entry->d_name + length - end, suffix);
    }
    if (list) closedir(list);
    return count;
}

static void remove_unknown_files(sqlite3 *db) {
    for (const char *table = "t"; table; table = *table == 't' ? "aux.v" : NULL) {
        char *files = sql_rows(db, "SELECT value FROM art_info(%Q) WHERE property = 'unknown file'", table);
        for (char *file = strtok(files, "\n"); file; file = strtok(NULL, "\n")) {
            char *end = strstr(file, ".art (");
            if (end) end[4] = 0;
            if (unlink(file)) fault_world_fail("cannot remove %s", file);
        }
        sqlite3_free(files);
    }
}

/* What a failed removal has left behind goes with 'clean'. A file that may stay is not to be taken for a later table's,
 * which has none. */
static void check_files(struct fault_world *world, sqlite3 *db) {
    int tables =
        (int)integer(db, "SELECT (SELECT count(*) FROM main.sqlite_master WHERE sql LIKE 'CREATE VIRTUAL%%') + "
                         "(SELECT count(*) FROM aux.sqlite_master WHERE sql LIKE 'CREATE VIRTUAL%%')");
    if (count_files(world->directory, ".art") <= tables && !world->files_may_stay) return;
    run_surely(db, "INSERT INTO t(t) VALUES('clean'); INSERT INTO aux.v(v) VALUES('clean')");
    if (world->files_may_stay) remove_unknown_files(db);
    int files = count_files(world->directory, ".art");
    if (files > tables) fault_world_fail("%d .art files of %d tables, after 'clean'", files, tables);
}

static void check_nothing_lost(const struct fault_world *world) {
    int64_t memory = sqlite3_memory_used();
    int descriptors = open_descriptors();
    if (memory != world->memory) fault_world_fail("%lld bytes are lost", (long long)(memory - world->memory));
    if (descriptors != world->descriptors) {
        fault_world_fail("%d descriptors are lost", descriptors - world->descriptors);
    }
}

void fault_world_verify(struct fault_world *world, const struct fault_step *step, const struct fault_outcome *outcome,
                        const char *unsynced, uint64_t before) {
    bool old = before && !outcome->committed && !step->autocommit;
    char poisoned[16];
    world->attempts++;
    if (world->db) {
        if (!sqlite3_get_autocommit(world->db)) {
            if (!world->may_stay_open) fault_world_fail("no ROLLBACK ended the transaction");
            run_surely(world->db, "ROLLBACK");
        }
        uint64_t now = state_of(world->db, true);
        if (old && now != before) fault_world_fail("nothing was committed, and something changed");
        table_of(world->db, unsynced, poisoned);
        check_usable(world->db, world->attempts, poisoned);
        if (*poisoned) check_poisoned(world->db, poisoned);
        if (strcmp(poisoned, "t")) check_flush(world->db);
        world->state = state_of(world->db, false);
    }
    if (world->mode->in_memory) {
        expect_text(world->db, "ok\n", "PRAGMA main.integrity_check");
        return;
    }
    sqlite3 *other = open_surely(world);
    uint64_t now = state_of(other, true);
    if (old && !world->db && now != before) fault_world_fail("nothing was committed, and something changed");
    check_usable(other, world->attempts, "");
    check_flush(other);
    world->state = state_of(world->db ? world->db : other, true);
    expect_text(other, "ok\n", "PRAGMA main.integrity_check");
    expect_text(other, "ok\n", "PRAGMA aux.integrity_check");
    check_files(world, other);
    world->files_may_stay -= world->files_may_stay > 0;
    close_surely(other);
    fault_world_disconnect(world);
    check_nothing_lost(world);
}
