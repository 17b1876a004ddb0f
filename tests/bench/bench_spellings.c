/* One prefix, asked for in all the ways in which SQL can say it: is a statement much slower than on an ordinary table?
 *
 *     bench_spellings [rows ...]         default: 100000
 *
 * A matrix, generated: 35 spellings of a condition on the path, times 24 contexts in which a statement may have it.
 * Both tables have the same rows: an art table with a lookup, and an ordinary one WITHOUT ROWID with indexes, one of
 * them by NOCASE, for LIKE. o and few are ordinary tables in both databases. Each statement is run in both, as loaded
 * and after ten turnovers (so many rows are written anew), without ANALYZE and with. The least processor time of some
 * runs counts, of a statement that is prepared; its rows have to be the same.
 *
 * To be added to: a line in spellings[] or contexts[].
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/sql.h"
#include "tests/support/timing.h"

enum {
    ART,
    ORDINARY,
    ROWS = 100000,
    REPETITIONS = 3,
    TURNOVERS = 10,
    ROWS_A_DIRECTORY = 50,
    OVER = 3, /* times an ordinary table's time */
    AGAIN = 5,
    LONG_NS = 20000000, /* is run once */
    NOTHING_NS = 20000  /* is not looked at: it is the price of a few calls */
};

/* DIR and LATE are two directories, DIR0 is what stands behind all that is in DIR. {art|ordinary}: what only one of
 * them understands. bind() says what the parameters are. */
static const char *const spellings[] = {
    "t.path GLOB 'DIR/*'",
    "t.path LIKE 'DIR/%'",
    "{t.prefix = 'DIR/'|t.path >= 'DIR/' AND t.path < 'DIR0'}",
    "t.path >= 'DIR/' AND t.path < 'DIR0'",
    "t.path BETWEEN 'DIR/' AND 'DIR/~'",
    "t.path > 'DIR/'",
    "t.path = 'DIR' OR t.path GLOB 'DIR/*'",
    "t.path = 'DIR' OR t.path LIKE 'DIR/%'",
    "t.path = 'DIR' OR t.path >= 'DIR/' AND t.path < 'DIR0'",
    "t.path GLOB 'DIR/*' OR t.path GLOB 'LATE/*'",
    "t.path LIKE 'DIR/%' OR t.path LIKE 'LATE/%'",
    "t.path > 'LATE/' OR t.path = 'DIR/x'",
    "t.path < 'DIR/' OR t.path > 'LATE/'",
    "t.path IN (SELECT path FROM few) OR t.path GLOB 'DIR/*'",
    "t.path LIKE 'DIR/%.txt'",
    "t.path GLOB 'DIR/*.txt'",
    "t.path GLOB 'DIR/*' AND t.path NOT GLOB 'DIR/*/*'",
    "t.path LIKE 'DIR/%' AND t.size > 500",
    "t.path GLOB 'DIR/*' AND t.type = 'f'",
    "(t.path = 'DIR' OR t.path LIKE 'DIR/%') AND t.type = 'f'",
    "t.path LIKE 'DIR/%' AND (t.type = 'd' OR t.size > 900)",
    "t.path GLOB 'DIR/*' AND t.hash = 'h7'",
    "t.hash = 'h7' OR t.path GLOB 'DIR/*'",
    "(t.path, t.size) >= ('DIR/', 0) AND t.path < 'DIR0'",
    "t.path GLOB ?1",
    "t.path LIKE ?2",
    "t.path >= ?3 AND t.path < ?4",
    "t.path = ?5 OR t.path GLOB ?1",
    "t.path = ?5 OR t.path LIKE ?2",
    "t.path LIKE ?3 || '%'",
    "t.path GLOB ?3 || '*'",
    "{t.prefix = ?3|t.path >= ?3 AND t.path < ?4}",
    "t.path > ?4 OR t.path = ?5",
    "t.path < ?3 OR t.path > ?4",
    "t.path BETWEEN ?3 AND ?4",
};

static const struct {
    const char *text; /* THIS: the condition */
    bool any_rows;    /* any of those that meet it: only their number is compared */
} contexts[] = {
    {"SELECT count(*) FROM t WHERE THIS", false},
    {"SELECT t.path, t.size FROM t WHERE THIS", false},
    {"SELECT t.path, t.size FROM t WHERE THIS ORDER BY t.path", false},
    {"SELECT t.path, t.size FROM t WHERE THIS ORDER BY t.path LIMIT 10", false},
    {"SELECT t.path, t.size FROM t WHERE THIS ORDER BY t.path DESC LIMIT 10", false},
    {"SELECT t.path, t.size FROM t WHERE THIS LIMIT 10", true},
    {"SELECT min(t.path) FROM t WHERE THIS", false},
    {"SELECT max(t.path) FROM t WHERE THIS", false},
    {"SELECT sum(t.size) FROM t WHERE THIS", false},
    {"SELECT t.type, count(*) FROM t WHERE THIS GROUP BY t.type", false},
    {"SELECT DISTINCT t.type FROM t WHERE THIS", false},
    {"SELECT count(*) FROM o JOIN t ON t.path = o.path WHERE THIS", false},
    {"SELECT count(*) FROM few JOIN t ON t.path = few.path WHERE THIS", false},
    {"SELECT count(*) FROM t JOIN o ON o.id = t.id WHERE THIS", false},
    {"SELECT count(o.id) FROM t LEFT JOIN o ON o.path = t.path WHERE THIS", false},
    {"SELECT count(*) FROM o JOIN t ON t.hash = o.hash WHERE THIS", false},
    {"SELECT count(*) FROM few JOIN t ON t.hash = few.hash WHERE THIS", false},
    {"SELECT EXISTS (SELECT 1 FROM t WHERE THIS)", false},
    {"SELECT count(*) FROM few WHERE EXISTS (SELECT 1 FROM t WHERE t.path = few.path AND THIS)", false},
    {"SELECT count(*) FROM few WHERE few.path IN (SELECT t.path FROM t WHERE THIS)", false},
    {"SELECT count(*) FROM (SELECT t.path AS p FROM t WHERE THIS) WHERE p > 'a'", false},
    {"SELECT count(*) FROM o WHERE o.id IN (SELECT t.id FROM t WHERE THIS)", false},
    {"SELECT t.path FROM t WHERE THIS UNION ALL SELECT path FROM few", false},
    {"WITH c AS (SELECT t.path, t.size FROM t WHERE THIS) SELECT count(*), max(size) FROM c", false},
};

enum { SPELLINGS = sizeof spellings / sizeof *spellings, CONTEXTS = sizeof contexts / sizeof *contexts };

static sqlite3 *db[2];
static char directory[32], late[32];

/* --- the tables --------------------------------------------------------------------------------------------------- */

static void create(int table) {
    static const char columns[] = "size INTEGER, mtime INTEGER, type TEXT, hash TEXT, id INTEGER";
    if (table == ART) {
        sql_run(db[ART], "CREATE VIRTUAL TABLE t USING art(path TEXT, %s, summary='lookup(hash)')", columns);
    } else {
        sql_run(db[ORDINARY],
                "CREATE TABLE t(path TEXT PRIMARY KEY, %s) WITHOUT ROWID;"
                "CREATE INDEX t_like ON t(path COLLATE NOCASE); CREATE INDEX t_hash ON t(hash)",
                columns);
    }
    sql_run(db[table], "CREATE TABLE o(id INTEGER PRIMARY KEY, path TEXT, hash TEXT); CREATE INDEX o_path ON o(path);"
                       "CREATE TABLE few(id INTEGER PRIMARY KEY, path TEXT, hash TEXT);"
                       "CREATE TABLE n(i INTEGER PRIMARY KEY)");
}

/* Row i lies in one of many directories; a hash is that of three rows. In an order as if at random. */
static void load(int table, uint32_t rows) {
    uint32_t directories = rows / ROWS_A_DIRECTORY;
    sql_run(db[table], "INSERT INTO n WITH c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c LIMIT %u) SELECT i FROM c",
            rows);
    sql_run(db[table],
            "INSERT INTO t SELECT printf('srv/data/d%%05d/f%%07d%%s', k %% %u, k, iif(k %% 7, '.txt', '.png')),"
            " k * 7919 %% 1000, k * 104729 %% 1000000, iif(k %% 10, 'f', 'd'), 'h' || (k / 3), k"
            " FROM (SELECT i * 7919 %% %u AS k FROM n)",
            directories, rows);
    sql_run(db[table], "INSERT INTO o SELECT id, path, hash FROM t WHERE id * 104729 %% 50 = 0;"
                       "INSERT INTO few SELECT id, path, hash FROM o WHERE id %% 1000 = 0");
    (void)snprintf(directory, sizeof directory, "srv/data/d%05u", directories / 3);
    (void)snprintf(late, sizeof late, "srv/data/d%05u", directories - directories / 5);
}

static void turn_over(int table) {
    enum { PARTS = 20 };
    for (uint32_t i = 0; i < TURNOVERS * PARTS; i++)
        sql_run(db[table], "UPDATE t SET mtime = mtime + 1 WHERE id %% %d = %u", PARTS, i * 7 % PARTS);
}

/* SQLite takes a table of statistics for some, even an empty one; and reads them when it opens a database. */
static void analyze(bool with) {
    for (int t = 0; t < 2; t++) {
        sql_run(db[t], with ? "ANALYZE" : "DROP TABLE sqlite_stat1; DROP TABLE IF EXISTS sqlite_stat4");
        char *path = sqlite3_mprintf("%s", sqlite3_db_filename(db[t], "main"));
        sql_close(db[t]);
        db[t] = sql_open(path);
        sqlite3_free(path);
    }
}

/* --- statements --------------------------------------------------------------------------------------------------- */

static void append_words(sqlite3_str *out, const char *text, int table) {
    int side = -1; /* which of the two is being read */
    for (const char *at = text; *at; at++) {
        if (*at == '{') {
            side = ART;
        } else if (side == ART && *at == '|') {
            side = ORDINARY;
        } else if (*at == '}') {
            side = -1;
        } else if (side >= 0 && side != table) {
            continue;
        } else if (!strncmp(at, "DIR", 3) || !strncmp(at, "LATE", 4)) {
            sqlite3_str_appendall(out, *at == 'D' ? directory : late);
            at += *at == 'D' ? 2 : 3;
        } else {
            sqlite3_str_appendchar(out, 1, *at);
        }
    }
}

static char *make_text(int table, int spelling, int context) {
    sqlite3_str *out = sqlite3_str_new(NULL);
    const char *text = contexts[context].text, *at = strstr(text, "THIS");
    sqlite3_str_append(out, text, (int)(at - text));
    sqlite3_str_appendall(out, "(");
    append_words(out, spellings[spelling], table);
    sqlite3_str_appendall(out, ")");
    sqlite3_str_appendall(out, at + 4);
    return sqlite3_str_finish(out);
}

static void bind(sqlite3_stmt *statement) {
    static const char *const ends[] = {"/*", "/%", "/", "0", ""}; /* behind DIR */
    char text[40];
    for (int i = 0; i < sqlite3_bind_parameter_count(statement); i++) {
        (void)snprintf(text, sizeof text, "%s%s", directory, ends[i]);
        sqlite3_bind_text(statement, i + 1, text, -1, SQLITE_TRANSIENT);
    }
}

/* A sum of all rows, in whatever order they come. */
static uint64_t rows_of(sqlite3_stmt *statement, bool any_rows) {
    uint64_t sum = 0;
    int rc;
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
        uint64_t row = 1;
        for (int c = 0; c < sqlite3_column_count(statement); c++) {
            const char *text = (const char *)sqlite3_column_text(statement, c);
            for (; text && *text; text++) row = row * 31 + (unsigned char)*text;
            row = row * 31 + 7;
        }
        sum += any_rows ? 1 : row;
    }
    if (rc != SQLITE_DONE) {
        (void)fprintf(stderr, "%s: %s\n", sqlite3_sql(statement), sqlite3_errmsg(sqlite3_db_handle(statement)));
        exit(1);
    }
    sqlite3_reset(statement);
    return sum;
}

/* Processor ns. */
static double time_of(int table, const char *sql, bool any_rows, int repetitions, uint64_t *sum) {
    sqlite3_stmt *statement = sql_prepare(db[table], "%s", sql);
    double least = 1e18;
    bind(statement);
    for (int i = 0; i < repetitions && (i == 0 || least < LONG_NS); i++) {
        double begun = timing_clock(CLOCK_THREAD_CPUTIME_ID);
        *sum = rows_of(statement, any_rows);
        double took = timing_clock(CLOCK_THREAD_CPUTIME_ID) - begun;
        if (took < least) least = took;
    }
    sqlite3_finalize(statement);
    return least;
}

static void show_plan(int table, const char *sql) {
    sqlite3_stmt *plan = sql_prepare(db[table], "EXPLAIN QUERY PLAN %s", sql);
    printf("        %-8s ", table == ART ? "art" : "ordinary");
    for (bool first = true; sqlite3_step(plan) == SQLITE_ROW; first = false)
        printf("%s%s", first ? "" : " | ", (const char *)sqlite3_column_text(plan, 3));
    printf("\n");
    sqlite3_finalize(plan);
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

/* Is it a lookup that an index stands beside? That costs what it costs (sql/searching.md), and is counted by itself. */
static bool looks_up(int spelling, int context) {
    return strstr(spellings[spelling], "t.hash") || strstr(contexts[context].text, "t.hash");
}

struct compared {
    char *sql[2];
    double times[2];
};

/* Of two statements, one for each table. */
static void measure(struct compared *compared, bool any_rows, int repetitions) {
    uint64_t sums[2];
    for (int t = 0; t < 2; t++) compared->times[t] = time_of(t, compared->sql[t], any_rows, repetitions, &sums[t]);
    if (sums[ART] == sums[ORDINARY]) return;
    (void)fprintf(stderr, "%s: art and the ordinary table give other rows\n", compared->sql[ART]);
    exit(1);
}

static bool is_over(const struct compared *compared) {
    return compared->times[ART] > OVER * compared->times[ORDINARY] && compared->times[ART] > NOTHING_NS;
}

/* The ratio of the two times. What is over is measured once more: others may have had the processor. */
static double compare(int spelling, int context, int repetitions) {
    struct compared compared;
    for (int t = 0; t < 2; t++) compared.sql[t] = make_text(t, spelling, context);
    measure(&compared, contexts[context].any_rows, repetitions);
    if (is_over(&compared)) measure(&compared, contexts[context].any_rows, repetitions * AGAIN);
    bool over = is_over(&compared);
    double art = compared.times[ART], ordinary = compared.times[ORDINARY];
    if (over && !looks_up(spelling, context)) {
        printf("    %8.3f ms, ordinary %8.3f, %6.1f x: %s\n", art / 1e6, ordinary / 1e6, art / ordinary,
               compared.sql[ART]);
        for (int t = 0; t < 2; t++) show_plan(t, compared.sql[t]);
    }
    for (int t = 0; t < 2; t++) sqlite3_free(compared.sql[t]);
    return !over && art > OVER * ordinary ? OVER : art / ordinary;
}

static void report(const char *what, double *ratios, int count) {
    int over = 0;
    for (int i = 0; i < count; i++) over += ratios[i] > OVER;
    double median = timing_median(ratios, count); /* it sorts them */
    printf("    %d %s: art's time is %.2f of an ordinary table's in the middle, %.2f at one in ten, %.1f at most; "
           "%d over %d\n",
           count, what, median, ratios[count - 1 - count / 10], ratios[count - 1], over, OVER);
    (void)fflush(stdout);
}

static void compare_all(const char *state) {
    static double ratios[2][SPELLINGS * CONTEXTS];
    int counts[2] = {0};
    printf("  %s\n", state);
    for (int i = 0; i < SPELLINGS; i++) {
        for (int k = 0; k < CONTEXTS; k++) {
            bool by_lookup = looks_up(i, k);
            ratios[by_lookup][counts[by_lookup]++] = compare(i, k, REPETITIONS);
        }
    }
    report("statements", ratios[false], counts[false]);
    report("with a lookup, beside an index", ratios[true], counts[true]);
}

static void measure_all(uint32_t rows) {
    char *scratch = sql_scratch("contexts");
    printf("spellings in contexts, %u rows; over %d times an ordinary table's time, and %d us:\n", rows, OVER,
           NOTHING_NS / 1000);
    for (int t = 0; t < 2; t++) {
        char *path = sqlite3_mprintf("%s/%d.db", scratch, t);
        db[t] = sql_open(path);
        sqlite3_free(path);
        sql_run(db[t], "PRAGMA journal_mode = WAL");
        create(t);
        load(t, rows);
    }
    compare_all("as loaded");
    analyze(true);
    compare_all("as loaded, with ANALYZE");
    analyze(false);
    for (int t = 0; t < 2; t++) turn_over(t);
    compare_all("after ten turnovers");
    analyze(true);
    compare_all("after ten turnovers, with ANALYZE");
    for (int t = 0; t < 2; t++) sql_close(db[t]);
    sql_scratch_remove(scratch);
    sqlite3_free(scratch);
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (atoi(argv[i]) <= 0) {
            fprintf(stderr, "usage: bench_spellings [rows ...]\n");
            return 2;
        }
        measure_all((uint32_t)atoi(argv[i]));
    }
    if (argc == 1) measure_all(ROWS);
    return 0;
}
