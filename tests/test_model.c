/* The differential model test: whatever an ordinary WITHOUT ROWID table returns, an art table returns.
 *
 * A history is a list of random steps (tests/support/workload.h). Each step runs on twin databases, `art` and `plain`, and
 * both must agree on: success or the class of failure, rows with their types and order, changes(), last_insert_rowid(),
 * and whether a transaction is open. Known and allowed differences are not generated; see workload.h.
 *
 * On a difference the history is replayed with parts left out, as long as it still fails, and what remains is printed
 * with its seed. ART_TEST_SEED=<seed> runs the history of that seed in every setting; ART_TEST_SCALE multiplies the
 * number of histories. The printed total counts statements on the art table's side.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/support/sql.h"
#include "tests/support/workload.h"

enum { SETUP = 6, STEPS = 260, HISTORIES = 8, CACHE = 8, SHRINK_SECONDS = 40 };

static const struct workload_setting settings[] = {
    {"a WAL database", "main", "WAL", NULL, 2, false},
    {"a DELETE journal", "main", "DELETE", NULL, 2, false},
    {"a TRUNCATE journal", "main", "TRUNCATE", NULL, 2, false},
    {"a PERSIST journal", "main", "PERSIST", NULL, 2, false},
    {"a journal in memory", "main", "MEMORY", NULL, 1, false},
    {"no journal", "main", "OFF", NULL, 1, true},
    {"an attached WAL database", "aux1", "WAL", NULL, 2, false},
    {"an attached database with a DELETE journal", "aux1", "DELETE", NULL, 2, false},
    {"the temp schema", "temp", NULL, NULL, 1, false},
    {":memory:", "main", NULL, ":memory:", 1, false},
    {"a WAL database of one connection", "main", "WAL", NULL, 1, false},
};

/* ---- one of the twins ---- */

struct cached {
    char *sql;
    sqlite3_stmt *statement;
};

struct twin {
    bool art;
    const char *directory;
    const struct workload_setting *setting;
    uint64_t seed;
    sqlite3 *db[WORKLOAD_CONNECTIONS];
    struct cached cache[WORKLOAD_CONNECTIONS][CACHE];
    unsigned next_cached;
    sqlite3_stmt *cursor[WORKLOAD_CONNECTIONS];
    char *cursor_key[WORKLOAD_CONNECTIONS];
};

/* pattern(seed, bytes, kind): text (0) or blob (1), the same for the same arguments, with no two stretches alike. */
static void pattern(sqlite3_context *context, int count, sqlite3_value **values) {
    (void)count;
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

static void twin_open_connection(struct twin *twin, int c) {
    const struct workload_setting *setting = twin->setting;
    const char *name = twin->art ? "art" : "plain";
    char *path =
        setting->file ? sqlite3_mprintf("%s", setting->file) : sqlite3_mprintf("%s/%s.db", twin->directory, name);
    sqlite3 *db = NULL;
    if (twin->art) {
        db = sql_open(path);
    } else {
        ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
        sqlite3_extended_result_codes(db, 1);
    }
    sqlite3_create_function(db, "pattern", 3, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, pattern, NULL, NULL);
    if (!strcmp(setting->schema, "aux1")) sql_run(db, "ATTACH '%q/%s-aux.db' AS aux1", twin->directory, name);
    if (setting->journal) sql_run(db, "PRAGMA %s.journal_mode=%s", setting->schema, setting->journal);
    sql_run(db, "PRAGMA %s.synchronous=%s", setting->schema, twin->seed & 1 ? "OFF" : "NORMAL");
    /* A spilling cache takes the exclusive lock early, for pages that the twin does not have. */
    bool locks = setting->connections > 1 && setting->journal && strcmp(setting->journal, "WAL") != 0;
    sql_run(db, "PRAGMA %s.cache_size=%d", setting->schema, locks ? 100000 : twin->seed & 2 ? 20 : 2000);
    twin->db[c] = db;
    sqlite3_free(path);
}

static void twin_close_cursor(struct twin *twin, int c) {
    sqlite3_finalize(twin->cursor[c]);
    sqlite3_free(twin->cursor_key[c]);
    twin->cursor[c] = NULL;
    twin->cursor_key[c] = NULL;
}

static void twin_close(struct twin *twin) {
    for (int c = 0; c < twin->setting->connections; c++) {
        twin_close_cursor(twin, c);
        for (int i = 0; i < CACHE; i++) {
            sqlite3_free(twin->cache[c][i].sql);
            sqlite3_finalize(twin->cache[c][i].statement);
            twin->cache[c][i] = (struct cached){NULL, NULL};
        }
        sql_close(twin->db[c]);
    }
}

static void twin_open(struct twin *twin) {
    for (int c = 0; c < twin->setting->connections; c++) twin_open_connection(twin, c);
}

/* Every second statement text is kept prepared, so that statements meet schema changes and are used again. */
static sqlite3_stmt *twin_prepare(struct twin *twin, int c, const char *sql, bool *keep) {
    uint64_t hash = 0;
    for (const char *p = sql; *p; p++) hash = hash * 31 + (unsigned char)*p;
    *keep = hash & 1;
    sqlite3_stmt *statement = NULL;
    if (!*keep) {
        sqlite3_prepare_v2(twin->db[c], sql, -1, &statement, NULL);
        return statement;
    }
    for (int i = 0; i < CACHE; i++) {
        struct cached *cached = &twin->cache[c][i];
        if (cached->sql && !strcmp(cached->sql, sql)) return cached->statement;
    }
    sqlite3_prepare_v3(twin->db[c], sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL);
    if (!statement) return NULL;
    struct cached *cached = &twin->cache[c][twin->next_cached++ % CACHE];
    sqlite3_free(cached->sql);
    sqlite3_finalize(cached->statement);
    *cached = (struct cached){sqlite3_mprintf("%s", sql), statement};
    return statement;
}

/* ---- what a step did ---- */

struct outcome {
    int rc;
    char *message;
    char **rows;
    int row_count;
    int changes;
    sqlite3_int64 rowid;
    bool in_transaction;
};

static void outcome_clear(struct outcome *outcome) {
    for (int i = 0; i < outcome->row_count; i++) sqlite3_free(outcome->rows[i]);
    sqlite3_free(outcome->rows);
    sqlite3_free(outcome->message);
    *outcome = (struct outcome){0};
}

static void outcome_add_row(struct outcome *outcome, sqlite3_stmt *statement) {
    sqlite3_str *row = sqlite3_str_new(NULL);
    for (int i = 0; i < sqlite3_column_count(statement); i++) {
        if (i) sqlite3_str_appendall(row, " | ");
        sql_append_value(row, sqlite3_column_value(statement, i));
    }
    if ((outcome->row_count & (outcome->row_count - 1)) == 0) {
        int room = outcome->row_count ? 2 * outcome->row_count : 1;
        outcome->rows = sqlite3_realloc64(outcome->rows, (sqlite3_uint64)room * sizeof *outcome->rows);
    }
    outcome->rows[outcome->row_count++] = sqlite3_str_finish(row);
}

static int compare_rows(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void bind(sqlite3_stmt *statement, const struct workload_step *step) {
    sqlite3_clear_bindings(statement);
    for (int i = 0; i < step->parameter_count; i++) {
        const struct workload_parameter *parameter = &step->parameters[i];
        if (parameter->is_null) continue;
        if (parameter->is_text) {
            sqlite3_bind_text(statement, i + 1, parameter->text, parameter->len, SQLITE_STATIC);
        } else {
            sqlite3_bind_int64(statement, i + 1, parameter->integer);
        }
    }
}

static void twin_sql(struct twin *twin, const struct workload_step *step, struct outcome *out) {
    int c = step->connection;
    const char *sql = !twin->art && step->plain_sql ? step->plain_sql : step->sql;
    bool keep;
    sqlite3_stmt *statement = twin_prepare(twin, c, sql, &keep);
    if (statement) {
        bind(statement, step);
        while ((out->rc = sqlite3_step(statement)) == SQLITE_ROW) outcome_add_row(out, statement);
        if (out->rc == SQLITE_DONE) out->rc = SQLITE_OK;
    } else {
        out->rc = sqlite3_extended_errcode(twin->db[c]);
    }
    out->message = sqlite3_mprintf("%s", out->rc ? sqlite3_errmsg(twin->db[c]) : "ok");
    out->changes = sqlite3_changes(twin->db[c]);
    /* VACUUM leaves the last row that it copied, which is ours for the log. */
    if (!strncmp(sql, "VACUUM", 6)) sqlite3_set_last_insert_rowid(twin->db[c], 0);
    out->rowid = sqlite3_last_insert_rowid(twin->db[c]);
    if (keep && statement) {
        sqlite3_reset(statement);
        sqlite3_clear_bindings(statement);
    } else {
        sqlite3_finalize(statement);
    }
}

/* What an open cursor sees of its own connection's writes is not laid down; that its keys rise is. */
static void twin_move_cursor(struct twin *twin, int c, struct outcome *out) {
    for (int i = 0; i < 3 && out->rc == SQLITE_OK; i++) {
        int rc = sqlite3_step(twin->cursor[c]);
        if (rc == SQLITE_DONE) break;
        out->rc = rc == SQLITE_ROW ? SQLITE_OK : rc;
        if (rc != SQLITE_ROW) {
            out->message = sqlite3_mprintf("%s", sqlite3_errmsg(twin->db[c]));
            break;
        }
        sqlite3_str *key = sqlite3_str_new(NULL);
        const unsigned char *text = sqlite3_column_text(twin->cursor[c], 0);
        for (int k = 0; k < sqlite3_column_bytes(twin->cursor[c], 0); k++) sqlite3_str_appendf(key, "%02x", text[k]);
        sqlite3_column_blob(twin->cursor[c], 1);
        char *now = sqlite3_str_finish(key), *before = twin->cursor_key[c];
        int order = before && now ? strcmp(before, now) : -1;
        if (order > 0 || (order == 0 && !sql_standin())) { /* an ordinary table may show a changed row again */
            out->rc = SQLITE_CORRUPT;
            out->message = sqlite3_mprintf("an open cursor went from %s back to %s", before, now);
        }
        sqlite3_free(before);
        twin->cursor_key[c] = now ? now : sqlite3_mprintf("");
    }
}

static void twin_run(struct twin *twin, const struct workload_step *step, struct outcome *out) {
    int c = step->connection;
    *out = (struct outcome){0};
    switch (step->kind) {
    case STEP_REOPEN:
        twin_close(twin);
        twin_open(twin);
        break;
    case STEP_CURSOR_OPEN:
        twin_close_cursor(twin, c);
        out->rc = sqlite3_prepare_v2(twin->db[c], step->sql, -1, &twin->cursor[c], NULL);
        if (out->rc == SQLITE_OK) {
            int rc = sqlite3_step(twin->cursor[c]);
            if (rc != SQLITE_ROW && rc != SQLITE_DONE) out->rc = rc;
        }
        if (out->rc) twin_close_cursor(twin, c);
        break;
    case STEP_CURSOR_MOVE:
        if (twin->cursor[c]) twin_move_cursor(twin, c, out);
        break;
    case STEP_CURSOR_CLOSE:
        twin_close_cursor(twin, c);
        break;
    default:
        twin_sql(twin, step, out);
        break;
    }
    if (!out->message) out->message = sqlite3_mprintf("%s", out->rc ? sqlite3_errmsg(twin->db[c]) : "ok");
    out->in_transaction = !sqlite3_get_autocommit(twin->db[c]);
}

/* ---- comparison ---- */

enum failure_class { SUCCESS, BUSY, CONSTRAINT, CURSOR_OVER, OTHER };

static enum failure_class class_of(int rc) {
    switch (rc & 0xff) {
    case SQLITE_OK:
        return SUCCESS;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return BUSY;
    case SQLITE_CONSTRAINT:
        return CONSTRAINT;
    case SQLITE_ABORT:
        return CURSOR_OVER;
    default:
        return OTHER;
    }
}

/* An error of the schema, which SQLite finds when it prepares a statement. Whether it does so before or after it meets a lock depends on
 * when the connection last read the schema, and that is not the same for twins which have met other locks before. */
static bool is_about_schema(const struct outcome *outcome) {
    return outcome->rc && outcome->message &&
           (strstr(outcome->message, "no such table") || strstr(outcome->message, "already exists"));
}

static char *difference(const struct workload_step *step, struct outcome *art, struct outcome *plain) {
    enum failure_class a = class_of(art->rc), p = class_of(plain->rc);
    if (step->kind == STEP_CURSOR_MOVE) {
        if (is_about_schema(art)) return NULL; /* its table was dropped, renamed or rolled back under it */
        return art->rc && a != CURSOR_OVER && a != BUSY ? sqlite3_mprintf("%s", art->message) : NULL;
    }
    if ((a == BUSY && is_about_schema(plain)) || (p == BUSY && is_about_schema(art))) return NULL;
    if (a != p && (step->flags & STEP_BUSY_MAY_DIFFER) && (a == BUSY || p == BUSY)) return NULL;
    if (a != p) {
        return sqlite3_mprintf("art: %d %s\n     plain: %d %s", art->rc, art->message, plain->rc, plain->message);
    }
    if (art->in_transaction != plain->in_transaction) {
        return sqlite3_mprintf("art %s a transaction, plain %s", art->in_transaction ? "in" : "not in",
                               plain->in_transaction ? "in" : "not in");
    }
    if (step->kind == STEP_CURSOR_OPEN || art->rc) return NULL;
    if ((step->flags & STEP_CHANGES) && art->changes != plain->changes) {
        return sqlite3_mprintf("changes(): art %d, plain %d", art->changes, plain->changes);
    }
    if (art->rowid != plain->rowid) {
        return sqlite3_mprintf("last_insert_rowid(): art %lld, plain %lld", art->rowid, plain->rowid);
    }
    if (step->flags & STEP_NO_ROWS) return NULL;
    if (step->flags & STEP_UNORDERED) {
        if (art->row_count) qsort(art->rows, (size_t)art->row_count, sizeof *art->rows, compare_rows);
        if (plain->row_count) qsort(plain->rows, (size_t)plain->row_count, sizeof *plain->rows, compare_rows);
    }
    for (int i = 0; i < art->row_count || i < plain->row_count; i++) {
        const char *x = i < art->row_count ? art->rows[i] : "(none)";
        const char *y = i < plain->row_count ? plain->rows[i] : "(none)";
        if (strcmp(x, y) != 0) {
            return sqlite3_mprintf("row %d of %d (art) and %d (plain):\n     art:   %.600s\n     plain: %.600s", i + 1,
                                   art->row_count, plain->row_count, x, y);
        }
    }
    return NULL;
}

/* ---- histories ---- */

struct pair {
    char *directory;
    struct twin art, plain;
};

static void pair_open(struct pair *pair, const struct workload_setting *setting, uint64_t seed) {
    memset(pair, 0, sizeof *pair);
    pair->directory = sql_scratch("model");
    pair->art = (struct twin){.art = true, .directory = pair->directory, .setting = setting, .seed = seed};
    pair->plain = (struct twin){.art = false, .directory = pair->directory, .setting = setting, .seed = seed};
    twin_open(&pair->art);
    twin_open(&pair->plain);
}

static void pair_close(struct pair *pair) {
    twin_close(&pair->art);
    twin_close(&pair->plain);
    sql_scratch_remove(pair->directory);
    sqlite3_free(pair->directory);
}

/* How the steps of this process ended, to see that they reach something. */
static struct {
    int ended[OTHER + 1];
    int with_rows, in_transaction;
} tally;

/* Runs one step on both; NULL when they agree, else what differs. `tables` gets the answer of a STEP_TABLES. */
static char *pair_step(struct pair *pair, const struct workload_step *step, struct workload *w) {
    struct outcome art, plain;
    twin_run(&pair->plain, step, &plain);
    twin_run(&pair->art, step, &art);
    char *differs = difference(step, &art, &plain);
    int c = step->connection;
    /* A cursor that has ended in one of them no longer holds the same locks as its twin. */
    if ((step->kind == STEP_CURSOR_MOVE || step->kind == STEP_CURSOR_OPEN) &&
        (art.rc || plain.rc || !sqlite3_stmt_busy(pair->art.cursor[c]) || !sqlite3_stmt_busy(pair->plain.cursor[c]))) {
        twin_close_cursor(&pair->art, c);
        twin_close_cursor(&pair->plain, c);
    }
    if (w) {
        tally.ended[class_of(art.rc)]++;
        tally.with_rows += art.row_count > 0;
        tally.in_transaction += art.in_transaction;
        w->cursor_open[c] = pair->plain.cursor[c] != NULL;
        for (int i = 0; i < w->setting->connections; i++) {
            w->in_transaction[i] = !sqlite3_get_autocommit(pair->plain.db[i]);
        }
        if (step->kind == STEP_TABLES && plain.row_count) w->tables[c] = (unsigned)atoi(plain.rows[0]);
        if (step->kind == STEP_TABLES && plain.rc) w->look_again[c] = true;
    }
    outcome_clear(&art);
    outcome_clear(&plain);
    return differs;
}

/* At the end of a history: what is stored is sound, and all connections closed and opened again see the same. */
static char *pair_check(struct pair *pair, const struct workload_setting *setting) {
    bool keeps = !setting->file && strcmp(setting->schema, "temp") != 0;
    struct workload_step step = {.kind = keeps ? STEP_REOPEN : STEP_CURSOR_CLOSE};
    if (setting->gentle && !sqlite3_get_autocommit(pair->art.db[0])) { /* nothing could roll it back */
        sql_run(pair->art.db[0], "COMMIT");
        sql_run(pair->plain.db[0], "COMMIT");
    }
    sqlite3_free(pair_step(pair, &step, NULL));
    char *answer = sql_rows(pair->art.db[0], "PRAGMA %s.integrity_check", setting->schema);
    if (strcmp(answer, "ok\n") != 0) return answer;
    sqlite3_free(answer);
    char *differs = NULL;
    for (int i = 0; i < 2 && !differs; i++) {
        step = (struct workload_step){.kind = STEP_SQL};
        step.sql = sqlite3_mprintf("SELECT path, value FROM %s.%s ORDER BY path", setting->schema, i ? "u" : "t");
        differs = pair_step(pair, &step, NULL);
        workload_step_clear(&step);
    }
    return differs;
}

/* Replays those steps of a history that `keep` names; true when it still fails, in much the same way. */
static bool replay(const struct workload_setting *setting, uint64_t seed, const struct workload_step *steps, int count,
                   const bool *keep, const char *failure) {
    struct pair pair;
    pair_open(&pair, setting, seed);
    char *differs = NULL;
    for (int i = 0; i < count && !differs; i++) {
        if (keep[i]) differs = pair_step(&pair, &steps[i], NULL);
    }
    if (!differs) differs = pair_check(&pair, setting);
    bool fails = differs && !strncmp(differs, failure, 48);
    sqlite3_free(differs);
    pair_close(&pair);
    return fails;
}

/* Leaves out ever smaller stretches, as long as the rest still fails. */
static void shrink(const struct workload_setting *setting, uint64_t seed, const struct workload_step *steps, int count,
                   bool *keep, const char *failure) {
    time_t until = time(NULL) + SHRINK_SECONDS;
    for (int i = 0; i < count; i++) keep[i] = true;
    if (!replay(setting, seed, steps, count, keep, failure)) {
        printf("(the history does not fail again when replayed, so it is not shortened)\n");
        return;
    }
    int setup = count < SETUP ? count : SETUP; /* stays */
    for (int size = count / 2; size >= 1; size = size > 1 ? size / 2 : 0) {
        for (int from = setup; from < count && time(NULL) < until; from += size) {
            bool saved[STEPS + 10];
            memcpy(saved, keep, sizeof saved);
            bool any = false;
            for (int i = from; i < from + size && i < count; i++) {
                any |= keep[i];
                keep[i] = false;
            }
            if (any && !replay(setting, seed, steps, count, keep, failure)) memcpy(keep, saved, sizeof saved);
        }
    }
}

static void report(const struct workload *w, uint64_t seed, struct workload_step *steps, int count,
                   const char *differs) {
    printf("\nseed %llu, in %s, options \"%s\": after %d steps:\n     %s\n", (unsigned long long)seed, w->setting->name,
           w->options, count, differs);
    char *last = workload_step_text(&steps[count - 1]);
    printf("     at %.1500s\n", last);
    sqlite3_free(last);
    fflush(stdout);
    bool keep[STEPS + 10];
    shrink(w->setting, seed, steps, count, keep, differs);
    for (int i = 0; i < count; i++) {
        if (!keep[i]) continue;
        char *text = workload_step_text(&steps[i]);
        printf("%4d %.1500s\n", i, text);
        sqlite3_free(text);
    }
    fflush(stdout);
}

/* Returns the number of steps that ran. */
static int run_history(const struct workload_setting *setting, uint64_t seed) {
    struct workload workload;
    struct workload_step steps[STEPS + 10];
    struct pair pair;
    int count = 0;
    char *differs = NULL;
    workload_init(&workload, setting, seed);
    pair_open(&pair, setting, seed);
    while (!differs && workload_setup(&workload, &steps[count])) differs = pair_step(&pair, &steps[count++], &workload);
    while (!differs && count < STEPS) {
        workload_next(&workload, &steps[count]);
        differs = pair_step(&pair, &steps[count++], &workload);
    }
    if (!differs) differs = pair_check(&pair, setting);
    pair_close(&pair);
    if (differs) report(&workload, seed, steps, count, differs);
    for (int i = 0; i < count; i++) workload_step_clear(&steps[i]);
    ck_assert_msg(!differs, "seed %llu in %s: %s", (unsigned long long)seed, setting->name, differs);
    return count;
}

START_TEST(test_an_art_table_answers_as_an_ordinary_table_does) {
    const struct workload_setting *setting = &settings[_i];
    const char *given = getenv("ART_TEST_SEED");
    uint64_t seed = random_seed();
    int histories = given && *given ? 1 : HISTORIES * (int)random_scale(), statements = 0;
    printf("%s: seeds from %llu\n", setting->name, (unsigned long long)seed);
    fflush(stdout);
    for (int i = 0; i < histories; i++) statements += run_history(setting, seed + (uint64_t)i);
    printf("%s: %d statements in %d histories agree (%d inside transactions, %d returned rows, %d met a lock, %d a "
           "constraint, "
           "%d failed otherwise)\n",
           setting->name, statements, histories, tally.in_transaction, tally.with_rows, tally.ended[BUSY],
           tally.ended[CONSTRAINT], tally.ended[OTHER]);
    fflush(stdout);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("model");
    TCase *tcase = tcase_create("differential");
    tcase_set_timeout(tcase, 0);
    tcase_add_loop_test(tcase, test_an_art_table_answers_as_an_ordinary_table_does, 0,
                        (int)(sizeof settings / sizeof *settings));
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
