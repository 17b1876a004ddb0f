/* search(path): what a word anywhere in a path costs to find, beside a scan and beside FTS5's trigrams.
 *
 *     bench_search [-r repetitions] [-t turnovers] [-f] [-p file of paths] [paths names digits]
 *                                                                                default: 420000 1000000 1000000
 *
 * -f leaves FTS5 out, whose loads take most of the time.
 *
 * Three sets of paths: real ones, a path a line (tests/bench/run makes the file); names of two random words and a
 * number; 32 random hexadecimal digits. A size below 1,000 leaves a set out. Each is loaded sorted and in random order,
 * 1,000 rows a transaction, into
 *
 *     searched    art, summary=(max(mtime), search(path))      plain     art, summary=(max(mtime))
 *     ordinary    a rowid table, the path unique
 *     fts, none   the same table, and beside it FTS5 with the trigram tokenizer, with detail=full and detail=none; its
 *                 rowid leads to the table's row
 *
 * and asked as loaded, put in order ('optimize', VACUUM), and after turnovers (ten, if -t says nothing else): each row
 * of the first three tables is updated so often, in random order, 100 rows a transaction. WAL, caches of 1 GB, warm;
 * loads by processor time, questions by medians within a transaction. What two tables answer has to be the same. A
 * ratio is the other's figure divided by that of `searched`.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/files.h"
#include "tests/support/random.h"
#include "tests/support/sql.h"
#include "tests/support/timing.h"

enum { BATCH_ROWS = 1000, TURNED_ROWS = 100, MOST_REPETITIONS = 99, WORDS = 2000, KEY_ROOM = 1000, WORD_ROOM = 16 };

/* The one place that says which column has it. */
#define SEARCH ", search(path)"

enum { SEARCHED, PLAIN, ORDINARY, FTS, NONE, TABLES };
#define ROWID_TABLE "CREATE TABLE t(id INTEGER PRIMARY KEY, path TEXT UNIQUE, size INTEGER, mtime INTEGER)"
static const struct {
    const char *name, *create;
} tables[TABLES] = {
    {"searched",
     "CREATE VIRTUAL TABLE t USING art(path, size INTEGER, mtime INTEGER, cache='1GB', summary=(max(mtime)" SEARCH
     "))"},
    {"plain", "CREATE VIRTUAL TABLE t USING art(path, size INTEGER, mtime INTEGER, cache='1GB', summary=(max(mtime)))"},
    {"ordinary", ROWID_TABLE},
    {"fts", ROWID_TABLE "; CREATE VIRTUAL TABLE f USING fts5(path, tokenize='trigram')"},
    {"none", ROWID_TABLE "; CREATE VIRTUAL TABLE f USING fts5(path, tokenize='trigram', detail=none)"},
};

static sqlite3 *db[TABLES];
static char **keys; /* sorted */
static uint32_t rows, *order;
static int repetitions = 9, turnovers = 10, used = TABLES;
static char *directory[TABLES], *paths = "build/bench/machine-paths";

/* --- paths -------------------------------------------------------------------------------------------------------- */

static int by_bytes(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_key(const char *key) {
    keys[rows] = strdup(key);
    if (!keys[rows++]) abort();
}

static void read_paths(uint32_t most) {
    char line[KEY_ROOM];
    FILE *file = fopen(paths, "r");
    if (!file) fprintf(stderr, "bench_search: there is no %s: find / -xdev >%s\n", paths, paths);
    while (file && rows < most && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        if (*line) add_key(line);
    }
    if (file) fclose(file);
}

/* Some words are frequent, most are not. */
static void make_names(uint32_t most) {
    static char words[WORDS][WORD_ROOM];
    struct random random = {7};
    for (int w = 0; w < WORDS; w++) {
        for (uint32_t i = 0, len = 4 + random_below(&random, 6); i < len; i++)
            words[w][i] = (i & 1 ? "aeiou"[random_below(&random, 5)] : "bcdfghklmnprstvwz"[random_below(&random, 17)]);
    }
    for (uint32_t i = 0; i < most; i++) {
        char key[KEY_ROOM];
        const char *word[2];
        for (int w = 0; w < 2; w++) {
            uint64_t draw = random_below(&random, WORDS);
            word[w] = words[draw * draw / WORDS];
        }
        snprintf(key, sizeof key, "%s/%s-%07u", word[0], word[1], i);
        add_key(key);
    }
}

static void make_digits(uint32_t most) {
    struct random random = {9};
    for (uint32_t i = 0; i < most; i++) {
        char key[KEY_ROOM];
        snprintf(key, sizeof key, "%016" PRIx64 "%016" PRIx64, random_next(&random), random_next(&random));
        add_key(key);
    }
}

static void make_orders(void) {
    struct random random = {1};
    qsort(keys, rows, sizeof *keys, by_bytes);
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t k = random_below(&random, i + 1);
        order[i] = order[k];
        order[k] = i;
    }
}

/* --- words and prefixes ------------------------------------------------------------------------------------------- */

/* The first of the rows that begin with `prefix`, or of those behind them. */
static uint32_t bound(const char *prefix, bool behind) {
    uint32_t low = 0, high = rows;
    size_t len = strlen(prefix);
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int differs = strncmp(keys[middle], prefix, len);
        bool before = differs < 0 || (behind && !differs);
        low = before ? middle + 1 : low;
        high = before ? high : middle;
    }
    return low;
}

static double off(double count, double wanted) {
    return count < 1 ? 1e9 : count > wanted ? count / wanted : wanted / count;
}

/* A directory, or another prefix where there are none, of about a tenth of the rows. */
static void choose_prefix(char *out) {
    struct random random = {3};
    double best = 1e9;
    bool directories = strchr(keys[0], '/') != NULL;
    for (int draw = 0; draw < 3000; draw++) {
        char prefix[KEY_ROOM];
        const char *key = keys[random_below(&random, rows)];
        for (size_t i = 0; key[i] && i < 40; i++) {
            snprintf(prefix, sizeof prefix, "%.*s", (int)i + 1, key);
            if ((directories && key[i] != '/') || strpbrk(prefix, "*?[")) continue;
            uint32_t count = bound(prefix, true) - bound(prefix, false);
            if (off(count, rows / 10.0) >= best) continue;
            best = off(count, rows / 10.0);
            strcpy(out, prefix);
        }
    }
}

/* Of letters and digits, which nearly `wanted` rows have, out of a row in [from, end) behind `skip` bytes. */
static void choose_word(char *out, double wanted, uint32_t from, uint32_t end, size_t skip) {
    struct random random = {5};
    double best = 1e9;
    for (int draw = 0; draw < 100 && best > 1.3; draw++) {
        const char *key = keys[from + random_below(&random, end - from)] + skip;
        char word[WORD_ROOM] = "";
        size_t at = random_below(&random, (uint32_t)strlen(key) + 1), len = 0;
        while (at && random_below(&random, 4) && isalnum((unsigned char)key[at - 1])) at--;
        while (len < 3 + (size_t)draw % 6 && isalnum((unsigned char)key[at + len])) len++;
        if (len < 3) continue;
        memcpy(word, key + at, len);
        uint32_t count = 0;
        for (uint32_t i = 0; i < rows && count < wanted * best; i++) count += strcasestr(keys[i], word) != NULL;
        if (off(count, wanted) >= best) continue;
        best = off(count, wanted);
        memcpy(out, word, sizeof word);
    }
}

/* --- loading ------------------------------------------------------------------------------------------------------ */

static int step(sqlite3_stmt *statement) {
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW || rc == SQLITE_DONE) return rc;
    fprintf(stderr, "%s: %s\n", sqlite3_sql(statement), sqlite3_errmsg(sqlite3_db_handle(statement)));
    exit(1);
}

static void open_tables(void) {
    for (int t = 0; t < used; t++) {
        char *path = sqlite3_mprintf("%s/s.db", directory[t]);
        files_make(directory[t]);
        db[t] = sql_open(path);
        sql_run(db[t], "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -1048576");
        sql_run(db[t], "%s", tables[t].create);
        sqlite3_free(path);
    }
}

static void close_tables(void) {
    for (int t = 0; t < used; t++) {
        sql_close(db[t]);
        files_remove(directory[t]);
    }
}

/* No two are alike. */
static int64_t mtime_of(uint32_t row) {
    return (int64_t)(row * 2654435761u);
}

static void insert(sqlite3_stmt *into, sqlite3_stmt *index, uint32_t i) {
    sqlite3_bind_text(into, 1, keys[i], -1, SQLITE_STATIC);
    sqlite3_bind_int64(into, 2, i % 100003);
    sqlite3_bind_int64(into, 3, mtime_of(i));
    step(into);
    sqlite3_reset(into);
    if (!index) return;
    sqlite3_bind_int64(index, 1, sqlite3_last_insert_rowid(sqlite3_db_handle(into)));
    sqlite3_bind_text(index, 2, keys[i], -1, SQLITE_STATIC);
    step(index);
    sqlite3_reset(index);
}

static void print_all(const char *what, const double of[TABLES], double unit, const char *unit_name) {
    printf("%-44s", what);
    for (int t = 0; t < used; t++) {
        printf("  %s %.4g%s", tables[t].name, of[t] / unit, unit_name);
        if (t != SEARCHED) printf(" (%.3g)", of[t] / of[SEARCHED]);
    }
    printf("\n");
    fflush(stdout);
}

/* Transactions of the tables [first, last] in turn, forth and back, so that the machine's moods meet all alike. */
static void load_in_turn(int first, int last, bool sorted, double spent[TABLES]) {
    sqlite3_stmt *into[TABLES], *index[TABLES] = {NULL};
    for (int t = first; t <= last; t++) {
        into[t] = sql_prepare(db[t], "INSERT INTO t(path, size, mtime) VALUES(?1, ?2, ?3)");
        if (t >= FTS) index[t] = sql_prepare(db[t], "INSERT INTO f(rowid, path) VALUES(?1, ?2)");
        spent[t] = 0;
    }
    for (uint32_t from = 0; from < rows; from += BATCH_ROWS) {
        for (int turn = first; turn <= last; turn++) {
            int t = from / BATCH_ROWS % 2 ? first + last - turn : turn;
            double begun = timing_cpu();
            sql_run(db[t], "BEGIN");
            for (uint32_t i = from; i < from + BATCH_ROWS && i < rows; i++)
                insert(into[t], index[t], sorted ? i : order[i]);
            sql_run(db[t], "COMMIT");
            spent[t] += timing_cpu() - begun;
        }
    }
    for (int t = first; t <= last; t++) {
        sqlite3_finalize(into[t]);
        sqlite3_finalize(index[t]);
    }
}

static void load(bool sorted) {
    double spent[TABLES];
    load_in_turn(SEARCHED, PLAIN, sorted, spent);
    load_in_turn(ORDINARY, used - 1, sorted, spent);
    print_all(sorted ? "sorted load, a row" : "random load, a row", spent, rows * 1e3, " us");
}

static void print_bytes(void) {
    double bytes[TABLES];
    for (int t = 0; t < used; t++) {
        sql_run(db[t], "PRAGMA wal_checkpoint(TRUNCATE)");
        bytes[t] = (double)files_bytes(directory[t]);
    }
    print_all("bytes a row", bytes, rows, "");
    printf("%-44s  searched %.2f", "bytes a row that it adds", (bytes[SEARCHED] - bytes[PLAIN]) / rows);
    for (int t = FTS; t < used; t++) printf("  %s %.2f", tables[t].name, (bytes[t] - bytes[ORDINARY]) / rows);
    printf("\n");
}

static void put_in_order(void) {
    double spent[TABLES];
    for (int t = 0; t < used; t++) {
        double begun = timing_cpu();
        if (t <= PLAIN) sql_command(db[t], "main", "t", "optimize");
        if (t >= FTS) sql_command(db[t], "main", "f", "optimize");
        spent[t] = timing_cpu() - begun;
        sql_run(db[t], t <= PLAIN ? "SELECT art_vacuum('t')" : "VACUUM");
    }
    spent[ORDINARY] = 0;
    print_all("'optimize'", spent, 1e9, " s");
}

static void shuffle(struct random *random) {
    for (uint32_t i = 1; i < rows; i++) {
        uint32_t k = random_below(random, i + 1), was = order[i];
        order[i] = order[k];
        order[k] = was;
    }
}

/* In the end each row has what it had before. */
static void turn_over(void) {
    struct random random = {11};
    double spent[TABLES] = {0};
    sqlite3_stmt *update[TABLES];
    for (int t = 0; t < FTS; t++) update[t] = sql_prepare(db[t], "UPDATE t SET mtime = ?2 WHERE path = ?1");
    for (int turn = turnovers; turn--;) {
        shuffle(&random);
        for (uint32_t from = 0; from < rows; from += TURNED_ROWS) {
            for (int t = 0; t < FTS; t++) {
                double begun = timing_cpu();
                sql_run(db[t], "BEGIN");
                for (uint32_t i = from; i < from + TURNED_ROWS && i < rows; i++) {
                    sqlite3_bind_text(update[t], 1, keys[order[i]], -1, SQLITE_STATIC);
                    sqlite3_bind_int64(update[t], 2, mtime_of(order[i]) + turn);
                    step(update[t]);
                    sqlite3_reset(update[t]);
                }
                sql_run(db[t], "COMMIT");
                spent[t] += timing_cpu() - begun;
            }
        }
    }
    for (int t = 0; t < FTS; t++) sqlite3_finalize(update[t]);
    print_all("an update", spent, rows * 1e3 * turnovers, " us");
}

/* --- questions ---------------------------------------------------------------------------------------------------- */

/* One execution; *sum: of what it answers, in any order. */
static double once(sqlite3_stmt *statement, uint64_t *sum, uint32_t *count) {
    double start = timing_now();
    *sum = *count = 0;
    for (; step(statement) == SQLITE_ROW; ++*count) {
        const char *text = (const char *)sqlite3_column_text(statement, 0);
        *sum += random_mix((uint64_t)sqlite3_column_int64(statement, 1), text);
    }
    double end = timing_now();
    sqlite3_reset(statement);
    return end - start;
}

static char *question(int t, const char *word, const char *rest) {
    if (t < FTS) return sqlite3_mprintf("SELECT path, size FROM t WHERE path LIKE '%%%q%%' %s", word, rest);
    return sqlite3_mprintf("SELECT t.path, size FROM f CROSS JOIN t ON t.id = f.rowid WHERE f.path LIKE '%%%q%%' %s",
                           word, rest);
}

static void ask(const char *name, const char *word, const char *rest) {
    enum { SLOW = 300000000, FEW = 3 };
    static double times[TABLES][MOST_REPETITIONS];
    sqlite3_stmt *statement[TABLES];
    double medians[TABLES];
    uint64_t sums[TABLES];
    uint32_t count;
    int done[TABLES] = {0};
    for (int t = 0; t < used; t++) {
        char *sql = question(t, word, rest);
        statement[t] = sql_prepare(db[t], "%s", sql);
        sqlite3_free(sql);
        sql_run(db[t], "BEGIN");
    }
    for (int r = 0; r < repetitions; r++) {
        for (int turn = 0; turn < used; turn++) {
            int t = r % 2 ? used - 1 - turn : turn;
            if (done[t] >= FEW && times[t][0] > SLOW) continue;
            double first = once(statement[t], &sums[t], &count); /* what the others have pushed out of the caches */
            times[t][done[t]++] = first > SLOW ? first : once(statement[t], &sums[t], &count);
        }
    }
    for (int t = 0; t < used; t++) {
        if (sums[t] != sums[0]) {
            fprintf(stderr, "%s: %s gives other rows\n", sqlite3_sql(statement[t]), tables[t].name);
            exit(1);
        }
        medians[t] = timing_median(times[t], done[t]);
        sqlite3_finalize(statement[t]);
        sql_run(db[t], "COMMIT");
    }
    char *what = sqlite3_mprintf("%s: '%s', %u rows", name, word, count);
    print_all(what, medians, 1e3, " us");
    sqlite3_free(what);
}

static void measure(const char *set) {
    char few[WORD_ROOM] = "", some[WORD_ROOM] = "", below[WORD_ROOM] = "", prefix[KEY_ROOM] = "";
    make_orders();
    choose_prefix(prefix);
    choose_word(few, 5, 0, rows, 0);
    choose_word(some, rows / 100.0, 0, rows, 0);
    choose_word(below, rows / 100.0, bound(prefix, false), bound(prefix, true), strlen(prefix));
    char *newest = sqlite3_mprintf("AND t.path GLOB '%q*' ORDER BY mtime DESC LIMIT 6", prefix);
    printf("\n%s, %u rows; below '%s' are %u\n", set, rows, prefix, bound(prefix, true) - bound(prefix, false));
    open_tables();
    load(true);
    close_tables();
    open_tables();
    load(false);
    for (int state = 0; state < (turnovers ? 3 : 2); state++) {
        static const char *const states[] = {"as loaded", "put in order", "after turnovers"};
        if (state == 1) put_in_order();
        if (state == 2) turn_over();
        printf("%s:\n", states[state]);
        print_bytes();
        ask("few", few, "");
        ask("a hundredth", some, "");
        ask("six newest below the prefix", below, newest);
    }
    close_tables();
    sqlite3_free(newest);
    while (rows) free(keys[--rows]);
}

int main(int argc, char **argv) {
    static void (*const make[])(uint32_t) = {read_paths, make_names, make_digits};
    static const char *const sets[] = {"real paths", "names", "digits"};
    uint32_t sizes[] = {420000, 1000000, 1000000}, most = 0;
    int given = 0;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "-r") && i + 1 < argc) {
            repetitions = atoi(argv[++i]);
            if (repetitions < 1 || repetitions > MOST_REPETITIONS) repetitions = MOST_REPETITIONS;
        } else if (!strcmp(argv[i], "-t") && i + 1 < argc) {
            turnovers = atoi(argv[++i]);
        } else if (!strcmp(argv[i], "-f")) {
            used = FTS;
        } else if (!strcmp(argv[i], "-p") && i + 1 < argc) {
            paths = argv[++i];
        } else if (isdigit((unsigned char)*argv[i]) && given < 3) {
            sizes[given++] = (uint32_t)strtoul(argv[i], NULL, 10);
        } else {
            fprintf(
                stderr,
                "usage: bench_search [-r repetitions] [-t turnovers] [-f] [-p file of paths] [paths names digits]\n");
            return 2;
        }
    }
    for (int s = 0; s < 3; s++) most = sizes[s] > most ? sizes[s] : most;
    keys = calloc(most + 1, sizeof *keys);
    order = calloc(most + 1, sizeof *order);
    if (!keys || !order) abort();
    char *scratch = sql_scratch("search");
    for (int t = 0; t < used; t++) directory[t] = sqlite3_mprintf("%s/%s", scratch, tables[t].name);
    printf("SQLite %s; warm, WAL, synchronous=NORMAL, caches of 1 GB; in parentheses: divided by searched\n",
           sqlite3_libversion());
    for (int s = 0; s < 3; s++) {
        if (sizes[s] >= BATCH_ROWS) make[s](sizes[s]);
        if (rows) measure(sets[s]);
    }
    sql_scratch_remove(scratch);
    for (int t = 0; t < used; t++) sqlite3_free(directory[t]);
    sqlite3_free(scratch);
    free(keys);
    free(order);
    return 0;
}
