/* One prefix, asked for in all the ways in which SQL can say it: what does a row cost in each?
 *
 *     bench_spellings [-r repetitions] [-s set] [rows ...]         default: obj, 30000 300000 1000000
 *     bench_spellings contexts [rows ...]                                  many spellings in many contexts (contexts.c)
 *
 * An art table and an ordinary one WITHOUT ROWID hold the same rows, loaded in random order, 1,000 a transaction. Both
 * are asked as loaded and after 'optimize'. Each question is a batch of prepared statements within a transaction; the
 * batches of both tables alternate, and the medians of their processor time count. Default settings but for WAL. The
 * last column is art's time against that of t(?): one prefix should have one price.
 *
 * `make` is preparing a statement, stepping to its first row, and letting it go: what planning costs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/contexts.h"
#include "tests/bench/keys.h"
#include "tests/support/random.h"
#include "tests/support/sql.h"
#include "tests/support/timing.h"

enum {
    BATCH_ROWS = 1000,
    MOST_REPETITIONS = 199,
    PREFIX_ROOM = 660,
    CONTEXT_ROWS = 100000,
    IN_CONTEXTS = 3,
    ART = 0,
    ORDINARY = 1
};

static int repetitions = 21;
static const char *set = "obj";
static sqlite3 *db[2];
static struct keys keys;
static double price_of_call; /* art's, of t(?) */

/* --- questions ---------------------------------------------------------------------------------------------------- */

enum bound { KEY, PATTERN, PREFIX, PREFIX_AND_END };

struct question {
    const char *name;
    enum bound bound;
    bool made_anew; /* prepared for each execution */
    bool is_call;
    int batch;
    const char *sql[2];
};

#define BOTH(sql)                                                                                                      \
    { sql, sql }

static const struct question questions[] = {
    {"get", KEY, false, false, 4000, BOTH("SELECT value FROM t WHERE path = ?1")},
    {"t(?)",
     PREFIX_AND_END,
     false,
     true,
     200,
     {"SELECT path, value FROM t(?1) LIMIT 100", "SELECT path, value FROM t WHERE path >= ?1 AND path < ?2 LIMIT 100"}},
    {"GLOB ?", PATTERN, false, false, 200, BOTH("SELECT path, value FROM t WHERE path GLOB ?1 LIMIT 100")},
    {"GLOB ?, descending", PATTERN, false, false, 200,
     BOTH("SELECT path, value FROM t WHERE path GLOB ?1 ORDER BY path DESC LIMIT 100")},
    {">= ? AND < ?", PREFIX_AND_END, false, false, 200,
     BOTH("SELECT path, value FROM t WHERE path >= ?1 AND path < ?2 LIMIT 100")},
    {">= ? AND < ?, descending", PREFIX_AND_END, false, false, 200,
     BOTH("SELECT path, value FROM t WHERE path >= ?1 AND path < ?2 ORDER BY path DESC LIMIT 100")},
    {"BETWEEN ? AND ?", PREFIX_AND_END, false, false, 200,
     BOTH("SELECT path, value FROM t WHERE path BETWEEN ?1 AND ?2 LIMIT 100")},
    {"> ?", PREFIX, false, false, 200, BOTH("SELECT path, value FROM t WHERE path > ?1 ORDER BY path LIMIT 100")},
    {"make =", KEY, true, false, 400, BOTH("SELECT value FROM t WHERE path = ?1")},
    {"make GLOB ?", PATTERN, true, false, 400, BOTH("SELECT path, value FROM t WHERE path GLOB ?1 LIMIT 1")},
    {"make >= ? AND < ?", PREFIX_AND_END, true, false, 400,
     BOTH("SELECT path, value FROM t WHERE path >= ?1 AND path < ?2 LIMIT 1")},
};
enum { QUESTIONS = sizeof questions / sizeof *questions };

static void bind(sqlite3_stmt *statement, enum bound bound, struct random *random) {
    char text[PREFIX_ROOM];
    struct art_bytes from =
        bound == KEY ? keys.sorted[random_below(random, keys.count)] : keys.few[random_below(random, FEW_PREFIXES)];
    memcpy(text, from.data, from.len);
    text[from.len] = '*';
    sqlite3_bind_text(statement, 1, text, (int)(from.len + (bound == PATTERN)), SQLITE_TRANSIENT);
    if (bound != PREFIX_AND_END) return;
    text[from.len - 1]++;
    sqlite3_bind_text(statement, 2, text, (int)from.len, SQLITE_TRANSIENT);
}

/* Rows are read as an application reads them. */
static uint64_t run(sqlite3_stmt *statement) {
    uint64_t sum = 0;
    int rc;
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
        for (int c = 0; c < sqlite3_column_count(statement); c++) {
            const unsigned char *text = sqlite3_column_text(statement, c);
            int len = sqlite3_column_bytes(statement, c);
            sum = sum * 31 + (uint64_t)len + (len ? text[len - 1] : 0);
        }
    }
    if (rc != SQLITE_DONE) {
        fprintf(stderr, "%s: %s\n", sqlite3_sql(statement), sqlite3_errmsg(sqlite3_db_handle(statement)));
        exit(1);
    }
    sqlite3_reset(statement);
    return sum;
}

static double batch(const struct question *question, int table, sqlite3_stmt *kept, int round, uint64_t *sum) {
    struct random random = {(uint64_t)round + 1};
    double begun = timing_clock(CLOCK_THREAD_CPUTIME_ID);
    *sum = 0;
    for (int i = 0; i < question->batch; i++) {
        sqlite3_stmt *statement = question->made_anew ? sql_prepare(db[table], "%s", question->sql[table]) : kept;
        bind(statement, question->bound, &random);
        *sum = *sum * 31 + run(statement);
        if (question->made_anew) sqlite3_finalize(statement);
    }
    return (timing_clock(CLOCK_THREAD_CPUTIME_ID) - begun) / question->batch;
}

static void ask(const struct question *question) {
    static double times[2][MOST_REPETITIONS];
    sqlite3_stmt *kept[2];
    for (int t = 0; t < 2; t++) kept[t] = sql_prepare(db[t], "%s", question->sql[t]);
    for (int round = 0; round < repetitions; round++) {
        uint64_t sums[2];
        for (int t = 0; t < 2; t++) times[t][round] = batch(question, t, kept[t], round, &sums[t]);
        if (sums[ART] == sums[ORDINARY]) continue;
        fprintf(stderr, "%s: art and the ordinary table give other rows\n", question->name);
        exit(1);
    }
    for (int t = 0; t < 2; t++) sqlite3_finalize(kept[t]);
    double art = timing_median(times[ART], repetitions), ordinary = timing_median(times[ORDINARY], repetitions);
    if (question->is_call) price_of_call = art;
    printf("    %-28s art %9.3f us   ordinary %9.3f us   %5.2f x", question->name, art / 1e3, ordinary / 1e3,
           ordinary / art);
    if (question->bound != KEY && !question->made_anew) printf("   %5.2f of t(?)", art / price_of_call);
    printf("\n");
    fflush(stdout);
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

static void load(int table) {
    sqlite3_stmt *insert = sql_prepare(db[table], "INSERT INTO t(path, value) VALUES(?1, ?2)");
    char value[VALUE_MAX];
    for (uint32_t i = 0; i < keys.count; i++) {
        struct art_bytes key = keys.sorted[keys.order[i]];
        if (i % BATCH_ROWS == 0) sql_run(db[table], "BEGIN");
        keys_value(&keys, i, value);
        sqlite3_bind_text(insert, 1, (const char *)key.data, (int)key.len, SQLITE_STATIC);
        sqlite3_bind_text(insert, 2, value, (int)keys.value_len, SQLITE_STATIC);
        run(insert);
        if (i % BATCH_ROWS == BATCH_ROWS - 1 || i == keys.count - 1) sql_run(db[table], "COMMIT");
    }
    sqlite3_finalize(insert);
}

static void ask_all(const char *state) {
    printf("%s, %u keys, %s\n", set, keys.count, state);
    for (int t = 0; t < 2; t++) sql_run(db[t], "BEGIN");
    for (int i = 0; i < QUESTIONS; i++) ask(&questions[i]);
    for (int t = 0; t < 2; t++) sql_run(db[t], "COMMIT");
}

static bool measure(uint32_t rows) {
    static const char *const create[] = {
        "CREATE VIRTUAL TABLE t USING art(path, value)",
        "CREATE TABLE t(path TEXT PRIMARY KEY, value) WITHOUT ROWID",
    };
    if (!keys_make(&keys, set, rows, "build/bench/paths")) return false;
    char *scratch = sql_scratch("spellings");
    for (int t = 0; t < 2; t++) {
        char *path = sqlite3_mprintf("%s/%d.db", scratch, t);
        db[t] = sql_open(path);
        sqlite3_free(path);
        sql_run(db[t], "PRAGMA journal_mode = WAL; %s", create[t]);
        load(t);
    }
    ask_all("as loaded");
    sql_command(db[ART], "main", "t", "optimize");
    ask_all("after 'optimize'");
    for (int t = 0; t < 2; t++) sql_close(db[t]);
    sql_scratch_remove(scratch);
    sqlite3_free(scratch);
    keys_clear(&keys);
    return true;
}

int main(int argc, char **argv) {
    static const uint32_t sizes[] = {30000, 300000, 1000000};
    bool any = false, done = true, in_contexts = false;
    printf("SQLite %s; default settings, WAL; medians of batches in turn, processor time\n", sqlite3_libversion());
    for (int i = 1; i < argc && done; i++) {
        if (!strcmp(argv[i], "-r") && i + 1 < argc) {
            repetitions = atoi(argv[++i]);
            if (repetitions < 1 || repetitions > MOST_REPETITIONS) repetitions = MOST_REPETITIONS;
        } else if (!strcmp(argv[i], "-s") && i + 1 < argc) {
            set = argv[++i];
        } else if (!strcmp(argv[i], "contexts")) {
            in_contexts = true;
        } else if (atoi(argv[i]) >= BATCH_ROWS) {
            any = true;
            if (in_contexts)
                contexts_measure((uint32_t)atoi(argv[i]), IN_CONTEXTS);
            else
                done = measure((uint32_t)atoi(argv[i]));
        } else {
            fprintf(stderr, "usage: bench_spellings [-r repetitions] [-s set] [contexts] [rows ...]\n");
            return 2;
        }
    }
    for (int i = 0; i < 3 && !any && done && !in_contexts; i++) done = measure(sizes[i]);
    if (!any && done) contexts_measure(CONTEXT_ROWS, IN_CONTEXTS);
    return done ? 0 : 1;
}
