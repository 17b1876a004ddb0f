/* Real metadata: how many bytes a row takes and which column has them, and what rows of such columns cost.
 *
 *     bench_metadata [-r repetitions] [-g group] [-f list] [-e engine] [-o line] [rows]
 *                                                    default: 9 times, all groups, build/bench/machine-files, all of it
 *
 * metadata.h has the sets. "bytes": each is loaded in random order and sorted, into an art table, an ordinary one
 * WITHOUT ROWID, RocksDB and LevelDB, which get path and fields as a key and a text; as loaded, and put in order
 * ('optimize' and art_vacuum(), VACUUM, a compaction). What a column takes is what a sorted table of path and column
 * has more than one of paths. "reads" and "writes": the set `objects`, at most 300,000 rows, 1,000 a transaction where
 * nothing else is said; `rich` has summary=(sum(size), max(mtime), lookup(etag)), `small` a cache of a third of its
 * bytes. Caches of 1 GB, warm, WAL, synchronous=NORMAL; the processor's time, batches in turn, of reads the best of
 * the repetitions. BENCH_FORMER=/x/art.so has art of another build take its turns, too. A ratio is that engine's
 * figure / art's.
 *
 * -e: this engine alone; -o: this line of "reads". So a profiler sees one thing (ART_EXTENSION=build/shipped/art.so):
 *     valgrind --tool=callgrind --toggle-collect=do_measured
 *         build/shipped/tests/bench_metadata -r 1 -e ordinary -o "GLOB ? LIMIT 100, in order" 60000
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/engine.h"
#include "tests/bench/files.h"
#include "tests/bench/metadata.h"
#include "tests/bench/peers.h"
#include "tests/bench/tables.h"
#include "tests/support/sql.h"
#include "tests/support/timing.h"

enum { TIMED_ROWS = 300000, PREFIX_ROWS = 150, PATTERN_ROOM = 1000 };
enum { ART, FORMER, ORDINARY, ENGINES };
static const char *const names[ENGINES] = {"art", "former", "ordinary"};
static char *libraries[ENGINES]; /* the art.so of each; NULL: it has no part */

static int repetitions = 9;
static const char *only, *alone, *alone_on;
static char *scratch;
static const struct metadata_set *set; /* of what runs, and its rows in the order of a load */
static uint32_t rows, *order;
static char *columns;

/* --- tables ------------------------------------------------------------------------------------------------------- */

static bool takes_part(int engine) {
    return libraries[engine] && (!alone_on || !strcmp(names[engine], alone_on));
}

/* Both builds of art are in this process: a connection has the one that is named when it opens. */
static sqlite3 *open_as(int engine, const char *folder) {
    if (libraries[engine]) setenv("ART_EXTENSION", libraries[engine], 1);
    return tables_open(folder);
}

static sqlite3 *make(int engine, const char *folder, const char *summary) {
    files_make(folder);
    sqlite3 *db = open_as(engine, folder);
    char *declared = metadata_columns(set, true);
    if (engine == ORDINARY) {
        sql_run(db, "CREATE TABLE t(path TEXT PRIMARY KEY%s) WITHOUT ROWID", declared);
    } else {
        sql_run(db, "CREATE VIRTUAL TABLE t USING art(path%s, cache='1GB'%s)", declared, summary);
    }
    sqlite3_free(declared);
    return db;
}

static void put_in_order(int engine, sqlite3 *db) {
    if (engine == ORDINARY) sql_run(db, "VACUUM");
    if (engine != ORDINARY) tables_put_in_order(db);
}

static void choose(const struct metadata_set *chosen, uint32_t most) {
    set = chosen;
    rows = metadata_rows(set) < most ? metadata_rows(set) : most;
    free(order);
    sqlite3_free(columns);
    order = tables_order(rows, &(struct random){1});
    columns = metadata_columns(set, false);
}

static void bind_row(sqlite3_stmt *statement, uint32_t i) {
    metadata_bind(statement, set, i);
}

static void bind_any(sqlite3_stmt *statement, uint32_t i) {
    metadata_bind(statement, set, order[i]);
}

static const char *insert(void) {
    return TEXT("INSERT INTO t(path%s) VALUES(?1%.*s)", columns, 4 * set->count, ", ?2, ?3, ?4, ?5, ?6");
}

/* --- bytes -------------------------------------------------------------------------------------------------------- */

struct space {
    double disk[2], pages[2]; /* a row, as loaded and in order: of all files, and of the pages that art has in use */
};

static double pages_of(int engine, sqlite3 *db) {
    return engine == ORDINARY ? 0 : (double)tables_fact(db, "bytes") / rows;
}

static struct space space_of(int engine, bool sorted) {
    const char *folder = TEXT("%s/space", scratch);
    struct space space;
    sqlite3 *db = make(engine, folder, "");
    tables_write(&db, 1, insert(), sorted ? bind_row : bind_any, rows, BATCH_ROWS, NULL);
    for (int in_order = 0; in_order < 2; in_order++) {
        if (in_order) put_in_order(engine, db);
        space.pages[in_order] = pages_of(engine, db);
        sql_close(db);
        space.disk[in_order] = (double)files_bytes(folder) / rows;
        if (!in_order) db = open_as(engine, folder);
    }
    sql_scratch_remove(folder);
    return space;
}

static struct space space_of_peer(const struct engine *peer, bool sorted) {
    const char *folder = TEXT("%s/space", scratch);
    struct space space = {.disk = {0}};
    files_make(folder);
    struct engine_settings settings = {.directory = folder, .create = true};
    void *store = peer->open(&settings);
    peer->set_sync(store, false);
    for (uint32_t i = 0; i < rows; i++) {
        char value[MOST_FIELDS * FIELD_ROOM];
        uint32_t row = sorted ? i : order[i], len = metadata_value(set, row, value);
        if (i % BATCH_ROWS == 0) peer->begin(store, true, false);
        peer->put(store, metadata_path(set, row), art_bytes(value, len));
        if (i % BATCH_ROWS == BATCH_ROWS - 1 || i + 1 == rows) peer->commit(store);
    }
    peer->quiesce(store);
    space.disk[0] = (double)files_bytes(folder) / rows;
    peer->settle(store);
    peer->close(store);
    space.disk[1] = (double)files_bytes(folder) / rows;
    sql_scratch_remove(folder);
    return space;
}

static void print_space(const char *name, bool sorted, struct space space) {
    printf("%-8s %-12s %-9s  as loaded %7.2f  in order %7.2f", set->name, sorted ? "sorted" : "random order", name,
           space.disk[0], space.disk[1]);
    if (space.pages[1] > 0) printf("  pages in use %7.2f %7.2f", space.pages[0], space.pages[1]);
    printf("\n");
    fflush(stdout);
}

static void measure_peers(bool sorted) {
#ifdef BENCH_ROCKSDB
    print_space("rocksdb", sorted, space_of_peer(&engine_rocksdb, sorted));
#endif
#ifdef BENCH_LEVELDB
    print_space("leveldb", sorted, space_of_peer(&engine_leveldb, sorted));
#endif
    (void)space_of_peer;
    (void)sorted;
}

/* Of a table with the path and `count` of the fields from `first` on; of art its pages, so that files' ends do not
 * count. */
static double bytes_with(int engine, const struct metadata_set *whole, int first, int count) {
    struct metadata_set part = {whole->name, count, {whole->fields[first]}};
    if (count > 1) part = *whole;
    choose(&part, UINT32_MAX);
    struct space space = space_of(engine, true);
    choose(whole, UINT32_MAX);
    return engine == ORDINARY ? space.disk[1] : space.pages[1];
}

static void measure_parts(int engine, const struct metadata_set *whole) {
    double keys = bytes_with(engine, whole, 0, 0), all = bytes_with(engine, whole, 0, whole->count), sum = keys;
    printf("%-8s by column    %-9s  keys %.2f", whole->name, names[engine], keys);
    for (int i = 0; i < whole->count; i++) {
        struct metadata_set column = {whole->name, 1, {whole->fields[i]}};
        char *name = metadata_columns(&column, false);
        double bytes = bytes_with(engine, whole, i, 1) - keys;
        printf("%s %.2f", name, bytes);
        sqlite3_free(name);
        sum += bytes;
    }
    printf(", together %+.2f, all %.2f\n", all - sum, all);
    fflush(stdout);
}

static void measure_bytes(void) {
    for (int s = 0; s < METADATA_SETS; s++) {
        choose(&metadata_sets[s], UINT32_MAX);
        printf("%s: %u rows%s\n", set->name, rows, s == SET_OBJ ? "" : ", bytes a row");
        for (int sorted = 0; sorted < 2; sorted++) {
            for (int engine = 0; engine < ENGINES; engine++) {
                if (takes_part(engine)) print_space(names[engine], sorted, space_of(engine, sorted));
            }
            measure_peers(sorted);
        }
        for (int engine = 0; engine < ENGINES; engine++) {
            if (takes_part(engine)) measure_parts(engine, &metadata_sets[s]);
        }
    }
}

/* --- tables that are timed ---------------------------------------------------------------------------------------- */

enum { PLAIN, RICH, SMALL, SHAPES };
enum { LOADED, ORDERED, STATES };
static const char *const states[STATES] = {"as loaded", "in order"};

static const char *folder_of(int engine, int shape, int state) {
    return TEXT("%s/%s-%d-%d", scratch, names[engine], shape, state);
}

static bool exists(int engine, int shape) {
    return takes_part(engine) && (engine != ORDINARY || shape != RICH);
}

/* Each engine's time for one of `units`. */
static void print_times(const char *what, const double spent[ENGINES], double units) {
    printf("%-54s", what);
    for (int engine = 0; engine < ENGINES; engine++) {
        double ns = spent[engine] / units;
        if (ns <= 0) continue;
        printf("  %s %9.3f us", names[engine], ns / 1e3);
        if (engine != ART && spent[ART] > 0) printf(" (%.3f x)", spent[engine] / spent[ART]);
    }
    printf("\n");
    fflush(stdout);
}

/* Runs it on the engines' databases in turn, which are NULL where one has no part. */
static void write_all(const char *what, sqlite3 *const db[ENGINES], const char *sql,
                      void (*bind)(sqlite3_stmt *, uint32_t), uint32_t count, uint32_t batch) {
    sqlite3 *there[ENGINES];
    double spent[ENGINES] = {0}, of[ENGINES] = {0};
    int number = 0;
    for (int engine = 0; engine < ENGINES; engine++) {
        if (db[engine]) there[number++] = db[engine];
    }
    tables_write(there, number, sql, bind, count, batch, spent);
    for (int engine = 0, n = 0; engine < ENGINES; engine++) {
        if (db[engine]) of[engine] = spent[n++];
    }
    print_times(what, of, count);
}

static void close_all(sqlite3 *const db[ENGINES]) {
    for (int engine = 0; engine < ENGINES; engine++) sql_close(db[engine]);
}

static void load_timed(int shape) {
    sqlite3 *db[ENGINES] = {NULL};
    for (int engine = 0; engine < ENGINES; engine++) {
        if (exists(engine, shape))
            db[engine] = make(engine, folder_of(engine, shape, LOADED),
                              shape == RICH ? ", summary=(sum(size), max(mtime), lookup(etag))" : "");
    }
    write_all(shape == RICH ? "load in random order, rich" : "load in random order", db, insert(), bind_any, rows,
              BATCH_ROWS);
    close_all(db);
    for (int engine = 0; engine < ENGINES; engine++) {
        if (!exists(engine, shape)) continue;
        tables_copy(folder_of(engine, shape, LOADED), folder_of(engine, shape, ORDERED));
        sqlite3 *ordered = open_as(engine, folder_of(engine, shape, ORDERED));
        put_in_order(engine, ordered);
        sql_close(ordered);
    }
}

/* A copy of a plain table whose cache has a third of its bytes. */
static void make_small(int engine, int state) {
    tables_copy(folder_of(engine, PLAIN, state), folder_of(engine, SMALL, state));
    if (engine == ORDINARY) return;
    sqlite3 *db = open_as(engine, folder_of(engine, SMALL, state));
    sql_run(db, "INSERT INTO t(t) VALUES('cache=%lld')", (long long)tables_fact(db, "bytes") / 3);
    sql_close(db);
}

static sqlite3 *open_timed(int engine, int shape, int state) {
    sqlite3 *db = open_as(engine, folder_of(engine, shape, state));
    if (engine == ORDINARY && shape == SMALL) {
        int64_t bytes = sql_int(db, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size");
        sql_run(db, "PRAGMA cache_size = -%lld", (long long)bytes / 3 / 1024);
    }
    sql_int(db, "SELECT sum(length(path) + size) FROM t");
    return db;
}

/* --- reads -------------------------------------------------------------------------------------------------------- */

enum bound { NOTHING, PATH, PATTERN, DIRECTORY, TAG, THRESHOLD };
static const struct read {
    const char *name, *sql;
    enum bound bound; /* ?1 */
    int shape, count;
    enum { EACH, A_ROW, ART_ONLY } time; /* of one, or of a row; an ordinary table has no such thing, or scans */
} reads[] = {
    {"GLOB ? LIMIT 100", "SELECT path, size FROM t WHERE path GLOB ?1 LIMIT 100", PATTERN, PLAIN, 500, EACH},
    {"get of a column", "SELECT size FROM t WHERE path = ?1", PATH, PLAIN, 10000, EACH},
    {"get of all columns", "SELECT * FROM t WHERE path = ?1", PATH, PLAIN, 10000, EACH},
    {"get, a third in the cache", "SELECT size FROM t WHERE path = ?1", PATH, SMALL, 10000, EACH},
    {"scan of path and size, a row", "SELECT path, size FROM t", NOTHING, PLAIN, 1, A_ROW},
    {"scan of size and mtime, a row", "SELECT size, mtime FROM t", NOTHING, PLAIN, 1, A_ROW},
    {"scan of all columns, a row", "SELECT * FROM t", NOTHING, PLAIN, 1, A_ROW},
    {"count(*) WHERE size > ?, one in a thousand", "SELECT count(*) FROM t WHERE size > ?1", THRESHOLD, PLAIN, 1, EACH},
    {"count(*) WHERE type = 'text/html'", "SELECT count(*) FROM t WHERE type = 'text/html'", NOTHING, PLAIN, 1, EACH},
    {"level with two summaries", "SELECT path, entries, size, mtime FROM t(?1, '/')", DIRECTORY, RICH, 500, ART_ONLY},
    {"top 20 by size", "SELECT path, size FROM t ORDER BY size DESC LIMIT 20", NOTHING, RICH, 20, ART_ONLY},
    {"the 20 newest", "SELECT path, mtime FROM t ORDER BY mtime DESC LIMIT 20", NOTHING, RICH, 20, ART_ONLY},
    {"lookup by etag", "SELECT path FROM t WHERE etag = ?1", TAG, RICH, 2000, ART_ONLY},
};
enum { READS = sizeof reads / sizeof *reads };
static const char *label(const struct read *read, int state) {
    return TEXT("%s, %s", read->name, states[state]);
}

static int64_t threshold; /* a thousandth of the rows is larger */

static int by_size(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static void choose_threshold(void) {
    int64_t *sizes = malloc(rows * sizeof *sizes);
    if (!sizes) abort();
    for (uint32_t i = 0; i < rows; i++) sizes[i] = metadata_number(SIZE, i);
    qsort(sizes, rows, sizeof *sizes, by_size);
    threshold = sizes[rows - rows / 1000 - 1];
    free(sizes);
}

/* What PREFIX_ROWS rows in a row begin with, of which GLOB takes no byte for a sign. */
static uint32_t draw_pattern(struct random *random, char *out) {
    uint32_t len = 0;
    while (!len) {
        uint32_t row = random_below(random, rows - PREFIX_ROWS);
        struct art_bytes first = metadata_path(set, row), last = metadata_path(set, row + PREFIX_ROWS - 1);
        while (len < first.len && len < PATTERN_ROOM - 1 && first.data[len] == last.data[len] &&
               !strchr("*?[", first.data[len]))
            len++;
        memcpy(out, first.data, len);
    }
    out[len] = '*';
    return len + 1;
}

static void bind_drawn(sqlite3_stmt *statement, enum bound bound, struct random *random) {
    char text[PATTERN_ROOM];
    uint32_t row = random_below(random, rows);
    struct art_bytes path = metadata_path(set, row);
    switch (bound) {
    case NOTHING:
        break;
    case PATH:
        sqlite3_bind_text(statement, 1, (const char *)path.data, (int)path.len, SQLITE_STATIC);
        break;
    case PATTERN:
        sqlite3_bind_text(statement, 1, text, (int)draw_pattern(random, text), SQLITE_TRANSIENT);
        break;
    case DIRECTORY:
        while (path.len && path.data[path.len - 1] != '/') path.len--;
        sqlite3_bind_text(statement, 1, (const char *)path.data, (int)path.len, SQLITE_STATIC);
        break;
    case TAG:
        metadata_text(ETAG, row, text);
        sqlite3_bind_text(statement, 1, text, -1, SQLITE_TRANSIENT);
        break;
    case THRESHOLD:
        sqlite3_bind_int64(statement, 1, threshold);
        break;
    }
}

struct answer {
    uint64_t rows, digest;
};

/* Rows are read as a program reads them. A profiler looks at what is below this function. */
static void __attribute__((noinline)) do_measured(sqlite3_stmt *statement, struct answer *answer) {
    int rc;
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
        answer->rows++;
        for (int c = 0; c < sqlite3_data_count(statement); c++) {
            if (sqlite3_column_type(statement, c) == SQLITE_INTEGER) {
                answer->digest = answer->digest * 31 + (uint64_t)sqlite3_column_int64(statement, c);
            } else {
                const unsigned char *text = sqlite3_column_text(statement, c);
                int len = sqlite3_column_bytes(statement, c);
                answer->digest = answer->digest * 31 + (uint64_t)len + (len ? text[len - 1] : 0);
            }
        }
    }
    if (rc != SQLITE_DONE || sqlite3_reset(statement)) {
        fprintf(stderr, "%s: %s\n", sqlite3_sql(statement), sqlite3_errmsg(sqlite3_db_handle(statement)));
        exit(1);
    }
}

static double batch(const struct read *read, sqlite3_stmt *statement, uint64_t seed, struct answer *answer) {
    struct random random = {seed};
    *answer = (struct answer){0};
    double begun = timing_cpu();
    for (int i = 0; i < read->count; i++) {
        bind_drawn(statement, read->bound, &random);
        do_measured(statement, answer);
    }
    return (timing_cpu() - begun) / (double)(read->time == A_ROW ? answer->rows : (uint64_t)read->count);
}

static void measure_read(const struct read *read, sqlite3 *const db[ENGINES], int state) {
    sqlite3_stmt *statements[ENGINES] = {NULL};
    double best[ENGINES] = {0};
    struct answer answers[ENGINES];
    for (int engine = 0; engine < ENGINES; engine++) {
        if (db[engine] && !(engine == ORDINARY && read->time == ART_ONLY))
            statements[engine] = sql_prepare(db[engine], "%s", read->sql);
    }
    for (int round = 0; round < repetitions; round++) {
        int first = -1;
        for (int engine = 0; engine < ENGINES; engine++) {
            if (!statements[engine]) continue;
            tables_keep_best(&best[engine], batch(read, statements[engine], (uint64_t)round % 3 + 1, &answers[engine]));
            if (first < 0) first = engine;
            if (answers[engine].rows == answers[first].rows && answers[engine].digest == answers[first].digest)
                continue;
            fprintf(stderr, "%s: %s and %s give other rows\n", read->sql, names[first], names[engine]);
            exit(1);
        }
    }
    print_times(label(read, state), best, 1);
    for (int engine = 0; engine < ENGINES; engine++) sqlite3_finalize(statements[engine]);
}

static void measure_reads(void) {
    choose_threshold();
    for (int state = LOADED; state < STATES; state++) {
        sqlite3 *db[SHAPES][ENGINES] = {{NULL}};
        for (int engine = 0; engine < ENGINES; engine++) {
            if (!takes_part(engine)) continue;
            make_small(engine, state);
            for (int shape = PLAIN; shape < SHAPES; shape++)
                db[shape][engine] = exists(engine, shape) ? open_timed(engine, shape, state) : NULL;
        }
        for (int i = 0; i < READS; i++) {
            if (!alone || !strcmp(alone, label(&reads[i], state))) measure_read(&reads[i], db[reads[i].shape], state);
        }
        for (int shape = PLAIN; shape < SHAPES; shape++) close_all(db[shape]);
    }
}

/* --- writes ------------------------------------------------------------------------------------------------------- */

static void bind_change(sqlite3_stmt *statement, uint32_t i) {
    uint32_t row = order[rows - 1 - i];
    struct art_bytes path = metadata_path(set, row);
    sqlite3_bind_text(statement, 1, (const char *)path.data, (int)path.len, SQLITE_STATIC);
    if (sqlite3_bind_parameter_count(statement) > 1) sqlite3_bind_int64(statement, 2, metadata_number(SIZE, row) + 1);
}

static void measure_writes(void) {
    sqlite3 *db[ENGINES] = {NULL};
    for (int engine = 0; engine < ENGINES; engine++) {
        if (takes_part(engine)) db[engine] = make(engine, TEXT("%s/%s-sorted", scratch, names[engine]), "");
    }
    write_all("sorted load in one transaction", db, insert(), bind_row, rows, rows);
    close_all(db);
    for (int engine = 0; engine < ENGINES; engine++)
        db[engine] = takes_part(engine) ? open_timed(engine, PLAIN, LOADED) : NULL;
    write_all("update of a fifth", db, "UPDATE t SET size = ?2, mtime = mtime + 1 WHERE path = ?1", bind_change,
              rows / 5, BATCH_ROWS);
    write_all("put of a fifth", db, "INSERT OR REPLACE INTO t(path, size) VALUES(?1 || '.new', ?2)", bind_change,
              rows / 5, BATCH_ROWS);
    write_all("delete of a fifth", db, "DELETE FROM t WHERE path = ?1", bind_change, rows / 5, BATCH_ROWS);
    close_all(db);
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

static bool in_group(const char *name) {
    return (!only || !strcmp(only, name)) && (!alone || !strcmp(name, "reads"));
}

static bool read_arguments(int argc, char **argv, const char **list, uint32_t *most) {
    for (int option; (option = getopt(argc, argv, "r:g:f:o:e:")) != -1;) {
        switch (option) {
        case 'r':
            repetitions = atoi(optarg);
            break;
        case 'g':
            only = optarg;
            break;
        case 'f':
            *list = optarg;
            break;
        case 'o':
            alone = optarg;
            break;
        case 'e':
            alone_on = optarg;
            break;
        default:
            repetitions = 0;
        }
    }
    if (optind < argc) *most = (uint32_t)atoi(argv[optind]);
    if (repetitions > 0 && *most >= 1000) return true;
    fprintf(stderr, "usage: bench_metadata [-r repetitions] [-g bytes|reads|writes] [-f list] [-e engine] [-o line] "
                    "[rows, from 1000 on]\n");
    return false;
}

static bool is_read(const char *line) {
    for (int i = 0; i < READS * STATES; i++) {
        if (!strcmp(line, label(&reads[i / STATES], i % STATES))) return true;
    }
    fprintf(stderr, "bench: there is no line \"%s\"\n", line);
    return false;
}

/* The ordinary table's connections load art's, too. */
static bool choose_libraries(void) {
    const char *art = getenv("ART_EXTENSION"), *former = getenv("BENCH_FORMER");
    libraries[ART] = libraries[ORDINARY] = kept(sqlite3_mprintf("%s", art ? art : "./art.so"));
    if (former) libraries[FORMER] = kept(sqlite3_mprintf("%s", former));
    for (int engine = 0; engine < ENGINES; engine++) {
        if (takes_part(engine)) return true;
    }
    fprintf(stderr, "bench: there is no engine %s here (former: BENCH_FORMER=/x/art.so)\n", alone_on);
    return false;
}

int main(int argc, char **argv) {
    const char *list = "build/bench/machine-files";
    uint32_t most = 1000000;
    if (!read_arguments(argc, argv, &list, &most) || !metadata_read(list, most)) return 2;
    if (!choose_libraries() || (alone && !is_read(alone))) return 2;
    scratch = sql_scratch("metadata");
    printf("SQLite %s, bytes a row and the processor's time, of reads the best of %d\n", sqlite3_libversion(),
           repetitions);
#ifndef BENCH_ROCKSDB
    printf("LEFT OUT rocksdb: rocksdb/c.h is not here (Debian: librocksdb-dev)\n");
#endif
#ifndef BENCH_LEVELDB
    printf("LEFT OUT leveldb: leveldb/c.h is not here (Debian: libleveldb-dev)\n");
#endif
    if (in_group("bytes")) measure_bytes();
    choose(&metadata_sets[SET_OBJECTS], TIMED_ROWS);
    if (in_group("reads") || in_group("writes")) {
        load_timed(PLAIN);
        load_timed(RICH);
    }
    if (in_group("reads")) measure_reads();
    if (in_group("writes")) measure_writes();
    sql_scratch_remove(scratch);
    sqlite3_free(scratch);
    sqlite3_free(columns);
    free(order);
    metadata_clear();
    return 0;
}
