/* Runs and times SQL for the scripts beside it; measure.py says what they ask. A request is a line: a JSON array of
 * texts, of which the first is its name. The answer is a line, too. Whatever fails ends the process with a message.
 * Times are in nanoseconds, the processor's and all. Arguments are made by SQL, in the database `plan`, and lie ready
 * before a clock runs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/engine.h"
#include "tests/bench/files.h"
#include "tests/bench/peers.h"
#include "tests/support/random.h"
#include "tests/support/sql.h"
#include "tests/support/stored_blobs.h"
#include "tests/support/timing.h"

enum { MOST_DATABASES = 8, MOST_WORDS = 32, MOST_STATEMENTS = 8, BATCH_ROWS = 1000, SLOW = 50000000 };

static struct {
    char *name;
    sqlite3 *db;
} databases[MOST_DATABASES];
static sqlite3 *plan;
static char *words[MOST_WORDS];

static void fail(const char *what, const char *name) {
    fprintf(stderr, "bench_measure: %s: %s\n", what, name);
    exit(1);
}

static sqlite3 **place_of(const char *name) {
    for (int i = 0; i < MOST_DATABASES; i++) {
        if (databases[i].name && !strcmp(databases[i].name, name)) return &databases[i].db;
    }
    fail("no such database", name);
    return NULL;
}

/* --- what is timed ------------------------------------------------------------------------------------------------ */

struct task {
    sqlite3 *db;
    sqlite3_stmt *statement[MOST_STATEMENTS];
    int statements;
    double cpu, wall;
    uint64_t times, rows, digest; /* of the rows, in whichever order they came */
};

/* Rows of arguments. */
struct arguments {
    int count, columns;
    sqlite3_value **values;
};

static void start(struct task *task) {
    task->cpu -= timing_cpu();
    task->wall -= timing_now();
}

static void stop(struct task *task) {
    task->wall += timing_now();
    task->cpu += timing_cpu();
}

static void print_task(const struct task *task) {
    printf("%.0f %.0f %llu %llu %llu ", task->cpu, task->wall, (unsigned long long)task->times,
           (unsigned long long)task->rows, (unsigned long long)task->digest);
}

static void read_arguments(sqlite3_stmt *from, int most, struct arguments *out) {
    out->columns = sqlite3_column_count(from);
    out->values = realloc(out->values, (size_t)most * (size_t)out->columns * sizeof *out->values);
    if (!out->values) abort();
    for (out->count = 0; out->count < most && sqlite3_step(from) == SQLITE_ROW; out->count++) {
        for (int c = 0; c < out->columns; c++)
            out->values[out->count * out->columns + c] = sqlite3_value_dup(sqlite3_column_value(from, c));
    }
}

static void free_arguments(struct arguments *arguments) {
    for (int i = 0; i < arguments->count * arguments->columns; i++) sqlite3_value_free(arguments->values[i]);
}

/* Rows are read as a program reads them. */
static uint64_t read_value(sqlite3_stmt *statement, int column) {
    if (sqlite3_column_type(statement, column) < SQLITE_TEXT) return (uint64_t)sqlite3_column_int64(statement, column);
    const char *value = (const char *)sqlite3_column_text(statement, column);
    int len = sqlite3_column_bytes(statement, column);
    return (uint64_t)len * 257 + (len ? (unsigned char)value[len - 1] : 0);
}

static void bind(sqlite3_stmt *statement, const struct arguments *arguments, int at, const sqlite3_value *it) {
    int of_it = sqlite3_bind_parameter_index(statement, ":it"), parameters = sqlite3_bind_parameter_count(statement);
    for (int c = 0; c < parameters && c < arguments->columns; c++)
        sqlite3_bind_value(statement, c + 1, arguments->values[at * arguments->columns + c]);
    if (of_it) sqlite3_bind_value(statement, of_it, it);
}

/* ":it" is the first column of the row that came last. */
static void run_once(struct task *task, const struct arguments *arguments, int at) {
    sqlite3_value *it = NULL;
    for (int s = 0; s < task->statements; s++) {
        sqlite3_stmt *statement = task->statement[s];
        bind(statement, arguments, at, it);
        while (sqlite3_step(statement) == SQLITE_ROW) {
            uint64_t row = 0;
            for (int c = 0; c < sqlite3_data_count(statement); c++) row = row * 31 + read_value(statement, c);
            if (s + 1 < task->statements) {
                sqlite3_value_free(it);
                it = sqlite3_value_dup(sqlite3_column_value(statement, 0));
            }
            task->rows++;
            task->digest += row * row;
        }
        if (sqlite3_reset(statement)) fail(sqlite3_errmsg(task->db), sqlite3_sql(statement));
    }
    sqlite3_value_free(it);
    task->times++;
}

/* Statements that are run one after the other, with the same arguments. */
static void prepare(struct task *task, const char *sql) {
    while (*sql) {
        if (task->statements == MOST_STATEMENTS) fail("too many statements", sql);
        if (sqlite3_prepare_v2(task->db, sql, -1, &task->statement[task->statements++], &sql))
            fail(sqlite3_errmsg(task->db), sql);
    }
}

static void finalize(struct task *task) {
    while (task->statements) sqlite3_finalize(task->statement[--task->statements]);
}

static void run_all(struct task *task, const struct arguments *arguments, bool together) {
    start(task);
    if (together) sql_run(task->db, "BEGIN");
    for (int i = 0; i < arguments->count; i++) run_once(task, arguments, i);
    if (together) sql_run(task->db, "COMMIT");
    stop(task);
}

/* --- requests ----------------------------------------------------------------------------------------------------- */

static void open_database(void) {
    for (int i = 0; i < MOST_DATABASES; i++) {
        if (databases[i].name) continue;
        if (words[3]) setenv("ART_EXTENSION", words[3], 1); /* several builds of art may be in this process */
        databases[i].name = strdup(words[1]);
        databases[i].db = sql_open(words[2]);
        return;
    }
    fail("too many databases", words[1]);
}

static void close_database(void) {
    for (int i = 0; i < MOST_DATABASES; i++) {
        if (!databases[i].name || strcmp(databases[i].name, words[1]) != 0) continue;
        sql_close(databases[i].db);
        free(databases[i].name);
        databases[i].name = NULL;
    }
}

/* Any SQL; rows: that were changed. */
static void run(void) {
    struct task task = {.db = *place_of(words[1]), .times = 1};
    start(&task);
    sql_run(task.db, "%s", words[2]);
    stop(&task);
    task.rows = (uint64_t)sqlite3_changes(task.db);
    print_task(&task);
}

static void value(void) {
    sqlite3_stmt *statement = sql_prepare(*place_of(words[1]), "%s", words[2]);
    if (sqlite3_step(statement) == SQLITE_ROW) printf("%s", (const char *)sqlite3_column_text(statement, 0));
    if (sqlite3_finalize(statement)) fail("no answer", words[2]);
}

static void show_plan(void) {
    sqlite3_stmt *statement = sql_prepare(*place_of(words[1]), "EXPLAIN QUERY PLAN %s", words[2]);
    for (bool first = true; sqlite3_step(statement) == SQLITE_ROW; first = false)
        printf("%s%s", first ? "" : " | ", (const char *)sqlite3_column_text(statement, 3));
    sqlite3_finalize(statement);
}

/* A connection is opened, asks, and is closed, some times. */
static void visit(void) {
    struct task task = {.db = NULL};
    for (int i = 0, times = atoi(words[3]); i < times; i++) {
        start(&task);
        task.db = sql_open(words[1]);
        prepare(&task, words[2]);
        run_once(&task, &(struct arguments){.count = 0}, 0);
        finalize(&task);
        sql_close(task.db);
        stop(&task);
    }
    if (!task.rows) fail("no row", words[2]);
    print_task(&task);
}

/* Pairs of database and SQL (prepare()), each run for all arguments, `batch` of them in turn, forth and back, so that
 * the machine's moods meet all alike. 'batches': each is a transaction; 'one': all are in one, whose begin and end do
 * not count; 'alone': in none; 'warm': the same, but only the second of two runs counts, unless the first was slow. */
static void ask(void) {
    bool together = !strcmp(words[1], "batches"), one = !strcmp(words[1], "one"), warm = !strcmp(words[1], "warm");
    int batch = atoi(words[2]), count = 0;
    sqlite3_stmt *from = sql_prepare(plan, "%s", words[3]);
    struct task tasks[MOST_WORDS / 2] = {{0}};
    struct arguments arguments = {.count = batch};
    for (char **word = words + 4; *word; word += 2, count++) {
        sqlite3 *db = tasks[count].db = *place_of(word[0]);
        prepare(&tasks[count], word[1]);
        if (one) sql_run(db, "BEGIN");
    }
    for (int turn = 0; arguments.count == batch; turn++) {
        read_arguments(from, batch, &arguments);
        for (int i = 0; i < count; i++) {
            struct task *task = &tasks[turn % 2 ? count - 1 - i : i], before = *task;
            run_all(task, &arguments, together);
            if (!warm || task->wall > SLOW) continue;
            *task = before;
            run_all(task, &arguments, together);
        }
        free_arguments(&arguments);
    }
    free(arguments.values);
    sqlite3_finalize(from);
    for (int i = 0; i < count; i++) {
        finalize(&tasks[i]);
        if (one) sql_run(tasks[i].db, "COMMIT");
        print_task(&tasks[i]);
    }
}

/* Bytes that the parts of an art table's leaf blobs take. */
static void show_blobs(void) {
    struct stored_blobs blobs = stored_blobs(*place_of(words[1]), words[2], "t");
    uint64_t bytes[] = {blobs.names,   blobs.values,  blobs.others,   blobs.routing,
                        blobs.symbols, blobs.filters, blobs.postings, blobs.lost};
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) printf("%llu ", (unsigned long long)bytes[i]);
}

/* Which has keys and values, and no SQL. NULL: it is not on this machine. */
static const struct engine *peer_named(const char *name) {
#ifdef BENCH_ROCKSDB
    if (!strcmp(name, "rocksdb")) return &engine_rocksdb;
#endif
#ifdef BENCH_LEVELDB
    if (!strcmp(name, "leveldb")) return &engine_leveldb;
#endif
    (void)name;
    return NULL;
}

/* Rows of two arguments, loaded into a new store in that folder: its bytes then, and when they were put in order. */
static void load_peer(void) {
    const struct engine *peer = peer_named(words[1]);
    if (!peer) return;
    files_make(words[2]);
    sqlite3_stmt *from = sql_prepare(plan, "%s", words[3]);
    void *store = peer->open(&(struct engine_settings){.directory = words[2], .create = true});
    peer->set_sync(store, false);
    peer->begin(store, true, false);
    for (int row = 1; sqlite3_step(from) == SQLITE_ROW; row++) {
        struct art_bytes pair[2];
        for (int c = 0; c < 2; c++) {
            const char *text = (const char *)sqlite3_column_text(from, c);
            pair[c] = art_bytes(text, (uint32_t)sqlite3_column_bytes(from, c));
        }
        peer->put(store, pair[0], pair[1]);
        if (row % BATCH_ROWS) continue;
        peer->commit(store);
        peer->begin(store, true, false);
    }
    peer->commit(store);
    sqlite3_finalize(from);
    peer->quiesce(store);
    printf("%llu ", (unsigned long long)files_bytes(words[2]));
    peer->settle(store);
    peer->close(store);
    printf("%llu", (unsigned long long)files_bytes(words[2]));
    files_remove(words[2]);
}

static const struct {
    const char *name;
    void (*answer)(void);
} requests[] = {{"open", open_database}, {"close", close_database}, {"run", run},
                {"value", value},        {"plan", show_plan},       {"visit", visit},
                {"blobs", show_blobs},   {"peer", load_peer},       {"ask", ask}};

static void answer(void) {
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        if (strcmp(requests[i].name, words[0]) != 0) continue;
        requests[i].answer();
        printf("\n");
        fflush(stdout);
        return;
    }
    fail("no such request", words[0]);
}

/* draw(n, limit) of the plan: below the limit, the same for the same n. */
static void draw(sqlite3_context *context, int count, sqlite3_value **values) {
    (void)count;
    struct random random = {(uint64_t)sqlite3_value_int64(values[0])};
    random_next(&random);
    sqlite3_result_int64(context, random_below(&random, (uint32_t)sqlite3_value_int64(values[1])));
}

int main(void) {
    char *line = NULL;
    size_t room = 0;
    plan = sql_open(":memory:");
    databases[0].name = strdup("plan");
    databases[0].db = plan;
    sqlite3_create_function(plan, "draw", 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, draw, NULL, NULL);
    sqlite3_stmt *parse = sql_prepare(plan, "SELECT value FROM json_each(?1)");
    while (getline(&line, &room, stdin) > 0) {
        int count = 0;
        sqlite3_bind_text(parse, 1, line, -1, SQLITE_TRANSIENT);
        while (sqlite3_step(parse) == SQLITE_ROW && count < MOST_WORDS - 1)
            words[count++] = strdup((const char *)sqlite3_column_text(parse, 0));
        sqlite3_reset(parse);
        words[count] = NULL;
        answer();
        while (count) free(words[--count]);
    }
    sqlite3_finalize(parse);
    sql_close(plan);
    free(databases[0].name);
    free(line);
    return 0;
}
