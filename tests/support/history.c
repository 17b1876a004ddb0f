#include "tests/support/history.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "core/tree/state/hooks.h"
#include "tests/support/second_opinion.h"
#include "tests/support/sql.h"

const struct workload_setting history_settings[] = {
    {"a WAL database", "main", "main", "WAL", NULL, 2, false},
    {"a DELETE journal", "main", "main", "DELETE", NULL, 2, false},
    {"a TRUNCATE journal", "main", "main", "TRUNCATE", NULL, 2, false},
    {"a PERSIST journal", "main", "main", "PERSIST", NULL, 2, false},
    {"a journal in memory", "main", "aux1", "MEMORY", NULL, 1, false},
    {"no journal", "main", "main", "OFF", NULL, 1, true},
    {"an attached WAL database", "aux1", "aux1", "WAL", NULL, 2, false},
    {"an attached database with a DELETE journal", "aux1", "aux1", "DELETE", NULL, 2, false},
    {"the temp schema", "temp", "main", NULL, NULL, 1, false},
    {":memory:", "main", "temp", NULL, ":memory:", 1, false},
    {"a WAL database of one connection", "main", "aux1", "WAL", NULL, 1, false},
    {"a DELETE journal of one connection", "main", "main", "DELETE", NULL, 1, false},
    {"a WAL database under two names", "main", "again", "WAL", NULL, 1, false},
};
const int history_setting_count = (int)(sizeof history_settings / sizeof *history_settings);

/* ---- comparison -------------------------------------------------------------------------------------------------- */

enum failure_class { SUCCESS, BUSY, CONSTRAINT, CURSOR_OVER, BROKEN, OTHER };

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
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
    case SQLITE_FULL:
    case SQLITE_INTERNAL:
        return BROKEN;
    default:
        return OTHER;
    }
}

/* An error of the schema, which SQLite finds when it prepares a statement. Whether it does so before or after it meets
 * a lock depends on when the connection last read the schema, and that is not the same for twins which have met other
 * locks before. */
static bool is_about_schema(const struct outcome *outcome) {
    return outcome->rc && outcome->message &&
           (strstr(outcome->message, "no such table") || strstr(outcome->message, "no such column") ||
            strstr(outcome->message, "already exists"));
}

static int compare_rows(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *row_difference(const struct workload_step *step, struct outcome *art, struct outcome *plain) {
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

/* A reader whose snapshot is older than another connection's DROP needs a file that is gone, if it has not opened it
 * yet. */
static bool is_dropped_file(const struct workload_step *step, const struct outcome *art, bool was_inside) {
    return was_inside && !(step->flags & STEP_WRITES) && art->rc == SQLITE_CANTOPEN && art->message &&
           strstr(art->message, ".art file is missing");
}

/* Who evaluates the conditions of a WHERE in another order may meet a pattern over SQLite's limit that the other never
 * does. */
static bool depends_on_order(const struct outcome *art, const struct outcome *plain) {
    const struct outcome *failed = art->rc ? art : plain;
    return !art->rc != !plain->rc && strstr(failed->message, "pattern too complex");
}

/* A statement that compares keys by order with a number that is no literal, or writes by one that several keys spell:
 * art refuses it (test_sql_doubts.c). So it does a DELETE of directories by an OR for which SQLite lists twice
 * (test_sql_listing.c). */
static bool is_undecided(const struct workload_step *step, const struct outcome *art, const struct outcome *plain) {
    if (step->kind != STEP_SQL || plain->rc || art->rc != SQLITE_ERROR) return false;
    if (strstr(step->sql, " OR ") && strstr(art->message, "one of several listings")) return true;
    return strstr(art->message, "as a text or as a number");
}

static bool only_reads(const struct workload_step *step) {
    bool with = !sqlite3_strnicmp(step->sql, "with", 4) && !(step->flags & STEP_WRITES);
    return with || !sqlite3_strnicmp(step->sql, "select", 6);
}

/* A writer that spills pages into the WAL and rolls back makes the snapshots of others stale. The ordinary twin has
 * pages to spill where the art twin has none. */
static bool is_spilled(const struct outcome *art, const struct outcome *plain) {
    return !art->rc && plain->rc == SQLITE_BUSY_SNAPSHOT;
}

/* Written for columns that are no longer there, and art did not have to look: the plain text names them all. */
static bool is_stale(const struct workload_step *step, const struct outcome *art, const struct outcome *plain) {
    return step->plain_sql && step->kind == STEP_SQL && !art->rc && is_about_schema(plain);
}

static char *difference(const struct workload_step *step, struct outcome *art, struct outcome *plain, bool was_inside,
                        bool undisturbed) {
    enum failure_class a = class_of(art->rc), p = class_of(plain->rc);
    if (step->kind == STEP_CURSOR_MOVE) {
        if (is_about_schema(art)) return NULL; /* its table was dropped, renamed or rolled back under it */
        if (art->rc && a != CURSOR_OVER && a != BUSY) return sqlite3_mprintf("%s", art->message);
        return undisturbed && !art->rc && !plain->rc ? row_difference(step, art, plain) : NULL;
    }
    if (is_stale(step, art, plain) || is_undecided(step, art, plain)) return NULL;
    if (is_dropped_file(step, art, was_inside) || depends_on_order(art, plain)) return NULL;
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
    return step->flags & STEP_NO_ROWS ? NULL : row_difference(step, art, plain);
}

/* ---- what was met ------------------------------------------------------------------------------------------------ */

struct history_tally *history_tally(void) {
    static struct history_tally *tally;
    if (!tally) {
        tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (tally == MAP_FAILED) abort();
    }
    return tally;
}

static void count_step(const struct workload_step *step, const struct outcome *art) {
    struct history_tally *tally = history_tally();
    bool selected = art->row_count > 0, changed = step->flags & STEP_CHANGES && !art->rc;
    tally->statements++;
    tally->with_rows += selected;
    tally->rows += art->row_count;
    tally->in_transaction += art->in_transaction;
    tally->busy += class_of(art->rc) == BUSY;
    tally->constraint += class_of(art->rc) == CONSTRAINT;
    tally->failed += class_of(art->rc) == OTHER;
    for (unsigned i = 0; i < WORKLOAD_FEATURES; i++) {
        if (!workload_feature_met(&step->met, i)) continue;
        tally->feature[i].met++;
        tally->feature[i].worked += !art->rc;
        tally->feature[i].rows += art->row_count + (changed ? art->changes : 0);
    }
}

int history_print_tally(const struct history_tally *tally) {
    int never = 0;
    printf(
        "%lld statements in %lld histories agree: %lld inside transactions, %lld returned %lld rows, %lld met a lock, "
        "%lld a constraint, %lld failed otherwise; %lld steps with all versions checked; %lld histories ended early\n",
        (long long)tally->statements, (long long)tally->histories, (long long)tally->in_transaction,
        (long long)tally->with_rows, (long long)tally->rows, (long long)tally->busy, (long long)tally->constraint,
        (long long)tally->failed, (long long)tally->versions_checked, (long long)tally->ended);
    printf("met (times:rows):");
    for (unsigned i = 0; i < WORKLOAD_FEATURES; i++) {
        printf("%s %s %lld:%lld", i ? "," : "", workload_feature_name(i), (long long)tally->feature[i].met,
               (long long)tally->feature[i].rows);
        never += tally->feature[i].worked == 0;
    }
    printf("\n");
    if (never) printf("NEVER WORKED:");
    for (unsigned i = 0; i < WORKLOAD_FEATURES; i++) {
        if (!tally->feature[i].worked) printf(" [%s]", workload_feature_name(i));
    }
    if (never) printf("\n");
    second_opinion_tell("model", (unsigned long long)tally->opinions);
    return never;
}

/* ---- twins ------------------------------------------------------------------------------------------------------- */

static void pair_open(struct pair *pair, const struct workload *w, uint64_t seed) {
    memset(pair, 0, sizeof *pair);
    pair->directory = sql_scratch("model");
    pair->setting = w->setting;
    pair->versions = w->versions;
    pair->transaction = 1;
    pair->art = (struct twin){.art = true, .directory = pair->directory, .setting = w->setting, .seed = seed};
    pair->plain = (struct twin){.art = false, .directory = pair->directory, .setting = w->setting, .seed = seed};
    twin_open(&pair->art);
    twin_open(&pair->plain);
}

static void pair_close(struct pair *pair) {
    twin_close(&pair->art);
    twin_close(&pair->plain);
    sql_scratch_remove(pair->directory);
    sqlite3_free(pair->directory);
}

/* What the generator has to know of what happened. */
static void tell_of(struct pair *pair, const struct workload_step *step, const struct outcome *plain,
                    struct workload *w) {
    int c = step->connection;
    w->cursor_open[c] = pair->plain.cursor[c] != NULL;
    for (int i = 0; i < w->setting->connections; i++) {
        bool inside = !sqlite3_get_autocommit(pair->plain.db[i]);
        if (w->in_transaction[i] && !inside) w->look_again[0] = w->look_again[1] = true; /* OR ROLLBACK, among others */
        w->in_transaction[i] = inside;
    }
    if (step->kind != STEP_TABLES) return;
    if (plain->rc) {
        w->look_again[c] = true;
    } else {
        workload_saw_tables(w, c, plain->rows, plain->row_count);
    }
}

/* ART_TEST_ASK: a SELECT that both are asked once they differ, for a developer who looks into it. */
static void ask(struct pair *pair, int connection) {
    struct workload_step step = {.kind = STEP_SQL, .connection = connection, .sql = getenv("ART_TEST_ASK")};
    struct twin *twins[] = {&pair->art, &pair->plain};
    for (int i = 0; step.sql && i < 2; i++) {
        struct outcome outcome;
        twin_run(twins[i], &step, &outcome);
        printf("%s says %s\n", i ? "plain" : "art", outcome.message);
        for (int row = 0; row < outcome.row_count; row++) printf("  %s\n", outcome.rows[row]);
        outcome_clear(&outcome);
    }
}

/* Runs one step on both; NULL when they agree, else what differs. */
static char *pair_step(struct pair *pair, const struct workload_step *step, struct workload *w) {
    struct outcome art, plain;
    int c = step->connection;
    bool was_inside = !sqlite3_get_autocommit(pair->plain.db[c]);
    twin_run(&pair->plain, step, &plain);
    twin_run(&pair->art, step, &art);
    if ((plain.rc & 0xff) == SQLITE_CORRUPT) pair->broken = "the ordinary twin is malformed";
    if (step->flags & STEP_WRITES && depends_on_order(&art, &plain)) {
        pair->broken = "one of two has evaluated a condition that the other has not";
    }
    if (is_undecided(step, &art, &plain) && !only_reads(step)) {
        pair->broken = "art has refused a write that the ordinary twin has done";
    }
    if (is_spilled(&art, &plain)) pair->broken = "a ROLLBACK elsewhere has made the ordinary twin's snapshot stale";
    bool reads_schemas = pair->rolled_back[c] && class_of(art.rc) == BUSY && !plain.rc && !(step->flags & STEP_WRITES);
    bool moves = step->kind == STEP_CURSOR_MOVE, reads = step->kind == STEP_SQL && only_reads(step);
    bool opens = step->kind == STEP_CURSOR_OPEN && step->sql && !strstr(step->sql, "art_key"); /* a column of art's */
    pair->undisturbed[c] = opens || (pair->undisturbed[c] && (moves || reads));
    char *differs = NULL;
    if (!pair->broken && !reads_schemas) differs = difference(step, &art, &plain, was_inside, pair->undisturbed[c]);
    if (step->sql && !strncmp(step->sql, "ROLLBACK", 8)) {
        pair->rolled_back[c] = true;
    } else if (!art.rc && art.row_count) { /* it has read them */
        pair->rolled_back[c] = false;
    }
    /* A cursor that has ended in one of them no longer holds the same locks as its twin. */
    if ((step->kind == STEP_CURSOR_MOVE || step->kind == STEP_CURSOR_OPEN) &&
        (art.rc || plain.rc || !sqlite3_stmt_busy(pair->art.cursor[c]) || !sqlite3_stmt_busy(pair->plain.cursor[c]))) {
        twin_close_cursor(&pair->art, c);
        twin_close_cursor(&pair->plain, c);
    }
    if (is_stale(step, &art, &plain) && !pair->setting->gentle) { /* one has a lock now that the other has not */
        sql_try(pair->art.db[c], "ROLLBACK");
        sql_try(pair->plain.db[c], "ROLLBACK");
    }
    if (!differs && !pair->broken) differs = versions_check(pair, step, &art, was_inside);
    if (pair->broken) {
        sqlite3_free(differs);
        differs = NULL;
    }
    if (differs && w) ask(pair, c);
    if (w) {
        count_step(step, &art);
        if (pair->versions) history_tally()->versions_checked++;
        tell_of(pair, step, &plain, w);
    }
    outcome_clear(&art);
    outcome_clear(&plain);
    return differs;
}

/* Where a table and another one are not of the same rows: NULL, or a sentence. */
static char *rows_differ(sqlite3 *db, const char *table, const char *other) {
    char *count = sql_rows(db,
                           "SELECT (SELECT count(*) FROM %s) - (SELECT count(*) FROM %s), count(*) FROM (SELECT * FROM "
                           "%s EXCEPT SELECT * FROM %s)",
                           table, other, table, other);
    if (strcmp(count, "0|0\n") != 0) return sqlite3_mprintf("%s and %s: %s", table, other, count);
    sqlite3_free(count);
    return NULL;
}

static char *refused(sqlite3 *db, const char *what) {
    return sqlite3_mprintf("%s: %s", what, sqlite3_errmsg(db));
}

/* What art_salvage() shows of a table that is whole, and what a copy has of it, is all of its rows. (A build without
 * files makes no copies.) */
static char *copies_check(struct pair *pair) {
    const char *schema = pair->setting->schema;
    sqlite3 *db = pair->art.db[0];
    char *differs = NULL, *path = sqlite3_mprintf("%s/copy.db", pair->directory);
    bool copied = !sql_try(db, "SELECT art_backup(%Q, %Q)", path, schema);
    if (!copied && !strstr(sqlite3_errmsg(db), "this build of art makes no files")) return refused(db, "art_backup()");
    if (copied && sql_try(db, "ATTACH %Q AS model_copy", path)) return refused(db, path);
    char *names = sql_rows(db, "SELECT name FROM %s.sqlite_schema WHERE sql LIKE '%%USING art(%%'",
                           copied ? "model_copy" : schema);
    for (char *name = strtok(names, "\n"); name && !differs; name = strtok(NULL, "\n")) {
        char *table = sqlite3_mprintf("%s.\"%w\"", schema, name), *copy = sqlite3_mprintf("model_copy.\"%w\"", name);
        if (copied) differs = rows_differ(db, table, copy);
        bool made = !sql_try(db, "CREATE VIRTUAL TABLE temp.model_saved USING art_salvage('%s.%w')", schema, name);
        if (!differs) differs = made ? rows_differ(db, table, "temp.model_saved") : refused(db, "art_salvage");
        if (made) sql_run(db, "DROP TABLE temp.model_saved");
        sqlite3_free(table);
        sqlite3_free(copy);
    }
    if (copied) sql_run(db, "DETACH model_copy");
    sqlite3_free(names);
    sqlite3_free(path);
    return differs;
}

/* At the end of a history: what is stored is sound, and all connections closed and opened again see the same. */
/* By the ordinary twin's rows. Tables of `temp` and in memory nobody else can read. */
static char *second_opinion_of(struct pair *pair, const char *schema, const char *name) {
    const char *file = sqlite3_db_filename(pair->art.db[0], schema);
    char *why = NULL, *sql = sqlite3_mprintf("SELECT * FROM %s.%s", schema, name);
    bool there = sql_int(pair->art.db[0], "SELECT count(*) FROM %s.sqlite_schema WHERE name = '%s'", schema, name);
    unsigned before = second_opinion_count();
    if (there && file && *file) second_opinion(pair->plain.db[0], sql, file, name, NULL, &why);
    history_tally()->opinions += second_opinion_count() - before;
    sqlite3_free(sql);
    return why;
}

static char *pair_check(struct pair *pair) {
    const struct workload_setting *setting = pair->setting;
    bool keeps = !setting->file && strcmp(setting->schema, "temp") != 0;
    struct workload_step step = {.kind = keeps ? STEP_REOPEN : STEP_CURSOR_CLOSE};
    if (setting->gentle && !sqlite3_get_autocommit(pair->art.db[0])) { /* nothing could roll it back */
        sql_run(pair->art.db[0], "COMMIT");
        sql_run(pair->plain.db[0], "COMMIT");
    }
    char *differs = pair_step(pair, &step, NULL);
    if (differs) return differs;
    char *answer = sql_rows(pair->art.db[0], "PRAGMA %s.integrity_check", setting->schema);
    if (strcmp(answer, "ok\n") != 0) return answer;
    sqlite3_free(answer);
    for (int i = 0; i < WORKLOAD_TABLES && !differs; i++) {
        const char *schema = workload_table_schema(setting, (enum workload_table_number)i),
                   *name = workload_table_name((enum workload_table_number)i);
        step = (struct workload_step){.kind = STEP_SQL, .flags = i == TABLE_W ? STEP_UNORDERED : 0};
        step.sql = sqlite3_mprintf("SELECT * FROM %s.%s ORDER BY 1", schema, name);
        differs = pair_step(pair, &step, NULL);
        workload_step_clear(&step);
        if (differs) continue;
        step = (struct workload_step){.kind = STEP_SQL};
        step.sql =
            sqlite3_mprintf("SELECT art_check('%s.%s') FROM (SELECT count(*) FROM %s.%s)", schema, name, schema, name);
        step.plain_sql = sqlite3_mprintf("SELECT 'ok' FROM (SELECT count(*) FROM %s.%s)", schema, name);
        differs = pair_step(pair, &step, NULL);
        workload_step_clear(&step);
        if (!differs && keeps) differs = second_opinion_of(pair, schema, name);
    }
    return differs || !keeps ? differs : copies_check(pair);
}

/* ---- histories --------------------------------------------------------------------------------------------------- */

struct history {
    struct workload workload;
    uint64_t seed;
    struct workload_step steps[HISTORY_STEPS];
    int count, setup; /* so many of the first ones set the schema up */
};

/* The rest of the setup is the same in all histories. */
static bool shows_shape(const struct workload_step *step) {
    return workload_meets(&step->met, "CREATE") || step->flags & STEP_WRITES;
}

static void report(const struct history *history, const char *differs) {
    const struct workload *w = &history->workload;
    printf("\nseed %llu, in %s, options \"%s\": after %d steps:\n     %s\n", (unsigned long long)history->seed,
           w->setting->name, w->options, history->count, differs);
    char *last = workload_step_text(&history->steps[history->count - 1]);
    printf("     at %.3000s\n", last);
    sqlite3_free(last);
    for (int i = 0; i < history->count; i++) {
        if (i < history->setup && !shows_shape(&history->steps[i])) continue;
        char *text = workload_step_text(&history->steps[i]);
        printf("%4d %.3000s\n", i, text);
        sqlite3_free(text);
    }
    fflush(stdout);
}

static char *run(struct history *history, const struct workload_setting *setting, uint64_t seed) {
    struct pair pair;
    char *differs = NULL;
    history->seed = seed;
    ART_IN_TESTS(sql_link(); art_test_hooks.as_one = seed % 3 > 0; art_test_hooks.few_names = seed % 2;)
    workload_init(&history->workload, setting, seed);
    pair_open(&pair, &history->workload, seed);
    while (!differs && !pair.broken && workload_setup(&history->workload, &history->steps[history->count])) {
        differs = pair_step(&pair, &history->steps[history->count++], &history->workload);
    }
    history->setup = history->count;
    for (int i = history->setup; i < HISTORY_STEPS && !differs && !pair.broken && !random_is_hungry(); i++) {
        if (!random_span(&history->workload.random)) continue;
        workload_next(&history->workload, &history->steps[history->count]);
        differs = pair_step(&pair, &history->steps[history->count++], &history->workload);
    }
    if (!differs && !pair.broken) differs = pair_check(&pair);
    pair_close(&pair);
    if (pair.broken) printf("seed %llu ended early: %s\n", (unsigned long long)seed, pair.broken);
    if (differs) report(history, differs);
    for (int i = 0; i < history->count; i++) workload_step_clear(&history->steps[i]);
    history_tally()->histories++;
    history_tally()->ended += pair.broken != NULL;
    return differs;
}

char *history_run(const struct workload_setting *setting, uint64_t seed) {
    struct history *history = calloc(1, sizeof *history);
    if (!history) abort();
    char *differs = run(history, setting, seed);
    free(history);
    return differs;
}

char *history_run_fed(const struct workload_setting *setting, uint64_t seed, const uint8_t *data, size_t size) {
    struct history *history = calloc(1, sizeof *history);
    if (!history) abort();
    random_feed(&history->workload.random, data, size);
    char *differs = run(history, setting, seed);
    random_feed(NULL, NULL, 0);
    free(history);
    return differs;
}
