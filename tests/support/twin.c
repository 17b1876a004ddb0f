#include "tests/support/twin.h"

#include <string.h>

#include "tests/support/sql.h"

/* ---- functions --------------------------------------------------------------------------------------------------- */

/* pattern(seed, bytes, kind): text (0) or blob (1), the same for the same arguments, with no two stretches alike. */
static void pattern(sqlite3_context *context, int count, sqlite3_value **values) {
    struct random random = {(uint64_t)sqlite3_value_int64(values[0])};
    int len = sqlite3_value_int(values[1]);
    char *data = sqlite3_malloc(len + 1);
    bool text = sqlite3_value_int(values[2]) == 0;
    for (int i = 0; i < len; i++) {
        uint64_t x = random_next(&random);
        data[i] = text ? (char)('a' + x % 26) : (char)x;
    }
    if (text) {
        sqlite3_result_text(context, data, len, sqlite3_free);
    } else {
        sqlite3_result_blob(context, data, len, sqlite3_free);
    }
}

/* like() and glob() as an application may have them: here a matter of lengths. */
static void odd_match(sqlite3_context *context, int count, sqlite3_value **values) {
    if (sqlite3_value_type(values[0]) == SQLITE_NULL || sqlite3_value_type(values[1]) == SQLITE_NULL) return;
    sqlite3_result_int(context, (sqlite3_value_bytes(values[0]) + sqlite3_value_bytes(values[1])) % 3 == 0);
}

/* As SQLite's own, which some builds let match no blob: art asks how SQLite was built, and not glob(). */
static void same_glob(sqlite3_context *context, int count, sqlite3_value **values) {
    for (int i = 0; i < count; i++) {
        if (sqlite3_value_type(values[i]) != SQLITE_BLOB) continue;
        if (!sqlite3_compileoption_used("LIKE_DOESNT_MATCH_BLOBS")) continue;
        sqlite3_result_int(context, 0);
        return;
    }
    const char *glob = (const char *)sqlite3_value_text(values[0]);
    const char *text = (const char *)sqlite3_value_text(values[1]);
    if (glob && text) sqlite3_result_int(context, sqlite3_strglob(glob, text) == 0);
}

static int replace_function(sqlite3 *db, const char *what) {
    bool like = what[0] == 'l';
    void (*function)(sqlite3_context *, int, sqlite3_value **) = strstr(what, "odd")    ? odd_match
                                                                 : strstr(what, "same") ? same_glob
                                                                                        : NULL;
    int rc = sqlite3_create_function(db, like ? "like" : "glob", 2, SQLITE_UTF8, NULL, function, NULL, NULL);
    if (!rc && like) rc = sqlite3_create_function(db, "like", 3, SQLITE_UTF8, NULL, function, NULL, NULL);
    return rc;
}

/* ---- connections ------------------------------------------------------------------------------------------------- */

static bool uses(const struct workload_setting *setting, const char *schema) {
    return !strcmp(setting->schema, schema) || !strcmp(setting->other, schema);
}

/* The ordinary twin need not outlive a power loss: half of the test's time would go there. */
static const char *synchronous(const struct twin *twin) {
    return !twin->art || twin->seed & 1 ? "OFF" : "NORMAL";
}

static void attach(const struct twin *twin, sqlite3 *db) {
    const struct workload_setting *setting = twin->setting;
    if (uses(setting, "again")) sql_run(db, "ATTACH '%q' AS again", sqlite3_db_filename(db, "main"));
    if (!uses(setting, "aux1")) return;
    /* Where another connection has locked it, it stays detached until the next time. */
    if (sql_try(db, "ATTACH '%q/%s-aux.db' AS aux1", twin->directory, twin->art ? "art" : "plain")) return;
    /* Inside a transaction neither can be set. */
    if (setting->journal) sql_try(db, "PRAGMA aux1.journal_mode=%s", setting->journal);
    sql_try(db, "PRAGMA aux1.synchronous=%s", synchronous(twin));
}

/* What applications set when they open a database, and plans that SQLite would not choose by itself. */
static void configure(const struct twin *twin, sqlite3 *db) {
    struct random random = {twin->seed ^ 0x636f6e66};
    if (random_once_in(&random, 3)) sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    if (random_once_in(&random, 3)) sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (random_once_in(&random, 3)) sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_QPSG, 1, NULL);
    if (random_once_in(&random, 3)) {
        unsigned disabled = (unsigned)random_next(&random) & (unsigned)random_next(&random);
        sqlite3_test_control(SQLITE_TESTCTRL_OPTIMIZATIONS, db, disabled);
    }
}

static void open_connection(struct twin *twin, int c) {
    const struct workload_setting *setting = twin->setting;
    const char *name = twin->art ? "art" : "plain";
    char *path =
        setting->file ? sqlite3_mprintf("%s", setting->file) : sqlite3_mprintf("%s/%s.db", twin->directory, name);
    sqlite3 *db = sql_open_as(path, twin->art);
    sqlite3_create_function(db, "pattern", 3, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, pattern, NULL, NULL);
    configure(twin, db);
    attach(twin, db);
    if (setting->journal) sql_run(db, "PRAGMA %s.journal_mode=%s", setting->schema, setting->journal);
    sql_run(db, "PRAGMA %s.synchronous=%s", setting->schema, synchronous(twin));
    /* A spilling cache takes the exclusive lock early, for pages that the twin does not have. And SQLite's temp schema
     * is malformed now and then (3.40.1 and 3.53.2, two ordinary tables) when pages were spilled before a ROLLBACK. */
    bool locks = setting->connections > 1 && setting->journal && strcmp(setting->journal, "WAL") != 0;
    locks |= !strcmp(setting->schema, "temp");
    sql_run(db, "PRAGMA %s.cache_size=%d", setting->schema, locks ? 100000 : twin->seed & 2 ? 20 : 2000);
    twin->db[c] = db;
    sqlite3_free(path);
}

void twin_close_cursor(struct twin *twin, int c) {
    sqlite3_finalize(twin->cursor[c]);
    sqlite3_free(twin->cursor_key[c]);
    twin->cursor[c] = NULL;
    twin->cursor_key[c] = NULL;
}

void twin_close(struct twin *twin) {
    for (int c = 0; c < twin->setting->connections; c++) {
        twin_close_cursor(twin, c);
        for (int i = 0; i < TWIN_CACHE; i++) {
            sqlite3_free(twin->cache[c][i].sql);
            sqlite3_finalize(twin->cache[c][i].statement);
            twin->cache[c][i] = (struct twin_cached){NULL, NULL};
        }
        sql_close(twin->db[c]);
    }
}

void twin_open(struct twin *twin) {
    for (int c = 0; c < twin->setting->connections; c++) open_connection(twin, c);
}

static int attach_again(struct twin *twin, int c) {
    sqlite3 *db = twin->db[c];
    int rc = sqlite3_db_filename(db, "aux1") ? sql_try(db, "DETACH aux1") : SQLITE_OK;
    if (!rc) attach(twin, db);
    return rc ? rc : sqlite3_db_filename(db, "aux1") ? SQLITE_OK : SQLITE_BUSY;
}

/* ---- statements -------------------------------------------------------------------------------------------------- */

/* Every second statement text is kept prepared, so that statements meet schema changes and are used again. */
static sqlite3_stmt *prepare(struct twin *twin, int c, const char *sql, bool *keep) {
    uint64_t hash = 0;
    for (const char *p = sql; *p; p++) hash = hash * 31 + (unsigned char)*p;
    *keep = hash & 1;
    sqlite3_stmt *statement = NULL;
    if (!*keep) {
        sqlite3_prepare_v2(twin->db[c], sql, -1, &statement, NULL);
        return statement;
    }
    for (int i = 0; i < TWIN_CACHE; i++) {
        struct twin_cached *cached = &twin->cache[c][i];
        if (cached->sql && !strcmp(cached->sql, sql)) return cached->statement;
    }
    sqlite3_prepare_v3(twin->db[c], sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL);
    if (!statement) return NULL;
    struct twin_cached *cached = &twin->cache[c][twin->next_cached++ % TWIN_CACHE];
    sqlite3_free(cached->sql);
    sqlite3_finalize(cached->statement);
    *cached = (struct twin_cached){sqlite3_mprintf("%s", sql), statement};
    return statement;
}

void outcome_clear(struct outcome *outcome) {
    for (int i = 0; i < outcome->row_count; i++) sqlite3_free(outcome->rows[i]);
    sqlite3_free(outcome->rows);
    sqlite3_free(outcome->message);
    *outcome = (struct outcome){0};
}

static void keep_row(struct outcome *outcome, sqlite3_str *row) {
    if ((outcome->row_count & (outcome->row_count - 1)) == 0) {
        int room = outcome->row_count ? 2 * outcome->row_count : 1;
        outcome->rows = sqlite3_realloc64(outcome->rows, (sqlite3_uint64)room * sizeof *outcome->rows);
    }
    outcome->rows[outcome->row_count++] = sqlite3_str_finish(row);
}

static void add_row(struct outcome *outcome, sqlite3_stmt *statement) {
    sqlite3_str *row = sqlite3_str_new(NULL);
    for (int i = 0; i < sqlite3_column_count(statement); i++) {
        if (i) sqlite3_str_appendall(row, " | ");
        sql_append_value(row, statement, i);
    }
    keep_row(outcome, row);
}

static void bind(sqlite3_stmt *statement, const struct workload_step *step) {
    sqlite3_clear_bindings(statement);
    for (int i = 0; i < step->parameter_count; i++) {
        const struct workload_parameter *parameter = &step->parameters[i];
        switch (parameter->type) {
        case PARAMETER_NULL:
            break;
        case PARAMETER_INTEGER:
            sqlite3_bind_int64(statement, i + 1, parameter->integer);
            break;
        case PARAMETER_REAL:
            sqlite3_bind_double(statement, i + 1, parameter->real);
            break;
        case PARAMETER_TEXT:
            sqlite3_bind_text(statement, i + 1, parameter->data, parameter->len, SQLITE_STATIC);
            break;
        case PARAMETER_BLOB:
            sqlite3_bind_blob(statement, i + 1, parameter->data, parameter->len, SQLITE_STATIC);
            break;
        }
    }
}

static const char *text_of(const struct twin *twin, const struct workload_step *step) {
    return !twin->art && step->plain_sql ? step->plain_sql : step->sql;
}

static void run_sql(struct twin *twin, const struct workload_step *step, struct outcome *out) {
    int c = step->connection;
    const char *sql = text_of(twin, step);
    bool keep;
    sqlite3_int64 before = sqlite3_last_insert_rowid(twin->db[c]);
    sqlite3_stmt *statement = prepare(twin, c, sql, &keep);
    if (statement) {
        bind(statement, step);
        while ((out->rc = sqlite3_step(statement)) == SQLITE_ROW) add_row(out, statement);
        if (out->rc == SQLITE_DONE) out->rc = SQLITE_OK;
    } else {
        out->rc = sqlite3_extended_errcode(twin->db[c]);
    }
    out->message = sqlite3_mprintf("%s", out->rc ? sqlite3_errmsg(twin->db[c]) : "ok");
    out->changes = sqlite3_changes(twin->db[c]);
    /* VACUUM leaves the last row that it copied, which is ours for the log. */
    if (!strncmp(sql, "VACUUM", 6)) sqlite3_set_last_insert_rowid(twin->db[c], 0);
    if (step->flags & STEP_OWN_ROWIDS) sqlite3_set_last_insert_rowid(twin->db[c], before);
    out->rowid = sqlite3_last_insert_rowid(twin->db[c]);
    if (keep && statement) {
        sqlite3_reset(statement);
        sqlite3_clear_bindings(statement);
    } else {
        sqlite3_finalize(statement);
    }
}

/* A row for each of the tables that can be named: its name and its columns. */
static void look(struct twin *twin, int c, struct outcome *out) {
    for (int i = 0; i < WORKLOAD_TABLES; i++) {
        const char *schema = workload_table_schema(twin->setting, (enum workload_table_number)i);
        const char *name = workload_table_name((enum workload_table_number)i);
        char *sql = sqlite3_mprintf("SELECT * FROM %s.%s LIMIT 0", schema, name);
        sqlite3_stmt *statement = NULL;
        int rc = sqlite3_prepare_v2(twin->db[c], sql, -1, &statement, NULL);
        sqlite3_free(sql);
        if (!rc) sqlite3_step(statement);
        if (!rc) rc = sqlite3_reset(statement);
        if (rc && (rc & 0xff) != SQLITE_ERROR) out->rc = rc; /* else there is no such table */
        if (rc) sqlite3_finalize(statement);
        if (rc) continue;
        sqlite3_str *row = sqlite3_str_new(NULL);
        sqlite3_str_appendall(row, name);
        for (int k = 0; k < sqlite3_column_count(statement); k++) {
            sqlite3_str_appendf(row, ",%s", sqlite3_column_name(statement, k));
        }
        sqlite3_finalize(statement);
        keep_row(out, row);
    }
}

/* What an open cursor sees of its own connection's writes is not laid down; that its keys rise is. */
static void move_cursor(struct twin *twin, int c, struct outcome *out) {
    for (int i = 0; i < 3 && out->rc == SQLITE_OK; i++) {
        int rc = sqlite3_step(twin->cursor[c]);
        if (rc == SQLITE_DONE) break;
        out->rc = rc == SQLITE_ROW ? SQLITE_OK : rc;
        if (rc != SQLITE_ROW) {
            out->message = sqlite3_mprintf("%s", sqlite3_errmsg(twin->db[c]));
            break;
        }
        add_row(out, twin->cursor[c]);
        sqlite3_str *key = sqlite3_str_new(NULL);
        const unsigned char *text = sqlite3_column_text(twin->cursor[c], 0);
        for (int k = 0; k < sqlite3_column_bytes(twin->cursor[c], 0); k++) sqlite3_str_appendf(key, "%02x", text[k]);
        sqlite3_column_blob(twin->cursor[c], 1);
        char *now = sqlite3_str_finish(key), *before = twin->cursor_key[c];
        int order = before && now ? strcmp(before, now) : -1;
        if (order >= 0 && twin->art) { /* an ordinary table may show a changed row again */
            out->rc = SQLITE_CORRUPT;
            out->message = sqlite3_mprintf("an open cursor went from %s back to %s", before, now);
        }
        sqlite3_free(before);
        twin->cursor_key[c] = now ? now : sqlite3_mprintf("");
    }
}

void twin_run(struct twin *twin, const struct workload_step *step, struct outcome *out) {
    int c = step->connection;
    *out = (struct outcome){0};
    switch (step->kind) {
    case STEP_TABLES:
        look(twin, c, out);
        break;
    case STEP_REOPEN:
        twin_close(twin);
        twin_open(twin);
        break;
    case STEP_ATTACH:
        out->rc = attach_again(twin, c);
        break;
    case STEP_FUNCTION:
        out->rc = replace_function(twin->db[c], step->sql);
        break;
    case STEP_CURSOR_OPEN:
        twin_close_cursor(twin, c);
        out->rc = sqlite3_prepare_v2(twin->db[c], text_of(twin, step), -1, &twin->cursor[c], NULL);
        if (out->rc == SQLITE_OK) {
            int rc = sqlite3_step(twin->cursor[c]);
            if (rc != SQLITE_ROW && rc != SQLITE_DONE) out->rc = rc;
        }
        if (out->rc) twin_close_cursor(twin, c);
        break;
    case STEP_REGISTER:
        if (twin->art) sql_register(twin->db[c]);
        break;
    case STEP_CURSOR_MOVE:
        if (twin->cursor[c]) move_cursor(twin, c, out);
        break;
    case STEP_CURSOR_CLOSE:
        twin_close_cursor(twin, c);
        break;
    default:
        run_sql(twin, step, out);
        break;
    }
    if (!out->message) out->message = sqlite3_mprintf("%s", out->rc ? sqlite3_errmsg(twin->db[c]) : "ok");
    out->in_transaction = !sqlite3_get_autocommit(twin->db[c]);
}
