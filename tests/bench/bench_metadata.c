/* Real metadata: how many bytes a row takes, and which column has them. What statements cost: bench_everyday.c.
 *
 *     bench_metadata [-f list] [rows]                       default: build/bench/machine-files, all of it
 *
 * metadata.h has the sets. Each is loaded in random order and sorted, 1,000 rows a transaction, into an art table, an
 * ordinary one WITHOUT ROWID, RocksDB and LevelDB, which get path and fields as a key and a text; as loaded, and put in
 * order ('optimize' and art_vacuum(), VACUUM, a compaction). What a column takes is what a sorted table of path and
 * column has more than one of paths. What a part of art's leaf blobs takes is read out of the file.
 * BENCH_FORMER=/x/art.so has art of another build take part, too.
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
#include "tests/support/stored_blobs.h"

enum { ART, FORMER, ORDINARY, ENGINES };
static const char *const names[ENGINES] = {"art", "former", "ordinary"};
static char *libraries[ENGINES]; /* the art.so of each; NULL: it has no part */

static char *scratch;
static const struct metadata_set *set; /* of what runs, and its rows in the order of a load */
static uint32_t rows, *order;
static char *columns;

/* --- tables ------------------------------------------------------------------------------------------------------- */

/* Both builds of art are in this process: a connection has the one that is named when it opens. */
static sqlite3 *open_as(int engine, const char *folder) {
    setenv("ART_EXTENSION", libraries[engine], 1);
    return tables_open(folder);
}

static sqlite3 *make(int engine, const char *folder) {
    files_make(folder);
    sqlite3 *db = open_as(engine, folder);
    char *declared = metadata_columns(set, true);
    if (engine == ORDINARY) {
        sql_run(db, "CREATE TABLE t(path TEXT PRIMARY KEY%s) WITHOUT ROWID", declared);
    } else {
        sql_run(db, "CREATE VIRTUAL TABLE t USING art(path%s, cache='1GB')", declared);
    }
    sqlite3_free(declared);
    return db;
}

static void put_in_order(int engine, sqlite3 *db) {
    if (engine == ORDINARY) sql_run(db, "VACUUM");
    if (engine != ORDINARY) tables_put_in_order(db);
}

static void choose(const struct metadata_set *chosen) {
    set = chosen;
    rows = metadata_rows(set);
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
    sqlite3 *db = make(engine, folder);
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
    choose(&part);
    struct space space = space_of(engine, true);
    choose(whole);
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

/* Of the whole set, with sums, and paths and etags that can be searched. */
static void measure_blobs(void) {
    const char *folder = TEXT("%s/space", scratch);
    files_make(folder);
    sqlite3 *db = open_as(ART, folder);
    char *declared = metadata_columns(set, true);
    sql_run(db, "CREATE VIRTUAL TABLE t USING art(path%s, summary=(%s search(path)))", declared,
            set->fields[0] == SIZE ? "sum(size)," : "");
    sqlite3_free(declared);
    tables_write(&db, 1, insert(), bind_row, rows, BATCH_ROWS, NULL);
    tables_put_in_order(db);
    struct stored_blobs blobs = stored_blobs(db, folder, "t");
    double row = rows;
    printf("%-8s by part      art        names %.2f, values %.2f, versions and heads %.2f, routing %.2f, symbols %.2f, "
           "filter %.2f, postings %.2f, lost in pages %.2f; all %.2f\n",
           set->name, blobs.names / row, blobs.values / row, blobs.others / row, blobs.routing / row,
           blobs.symbols / row, blobs.filters / row, blobs.postings / row, blobs.lost / row, pages_of(ART, db));
    sql_close(db);
    sql_scratch_remove(folder);
}

static void measure_bytes(void) {
    for (int s = 0; s < METADATA_SETS; s++) {
        choose(&metadata_sets[s]);
        printf("%s: %u rows%s\n", set->name, rows, s == SET_OBJ ? "" : ", bytes a row");
        for (int sorted = 0; sorted < 2; sorted++) {
            for (int engine = 0; engine < ENGINES; engine++) {
                if (libraries[engine]) print_space(names[engine], sorted, space_of(engine, sorted));
            }
            measure_peers(sorted);
        }
        for (int engine = 0; engine < ENGINES; engine++) {
            if (libraries[engine]) measure_parts(engine, &metadata_sets[s]);
        }
        choose(&metadata_sets[s]);
        measure_blobs();
    }
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

static bool read_arguments(int argc, char **argv, const char **list, uint32_t *most) {
    bool known = true;
    for (int option; (option = getopt(argc, argv, "f:")) != -1;) {
        if (option == 'f') *list = optarg;
        if (option != 'f') known = false;
    }
    if (optind < argc) *most = (uint32_t)atoi(argv[optind]);
    if (known && *most >= 1000) return true;
    fprintf(stderr, "usage: bench_metadata [-f list] [rows, from 1000 on]\n");
    return false;
}

/* The ordinary table's connections load art's, too. */
static void choose_libraries(void) {
    const char *art = getenv("ART_EXTENSION"), *former = getenv("BENCH_FORMER");
    libraries[ART] = libraries[ORDINARY] = TEXT("%s", art ? art : "./art.so");
    if (former) libraries[FORMER] = TEXT("%s", former);
}

int main(int argc, char **argv) {
    const char *list = "build/bench/machine-files";
    uint32_t most = 1000000;
    if (!read_arguments(argc, argv, &list, &most) || !metadata_read(list, most)) return 2;
    choose_libraries();
    scratch = sql_scratch("metadata");
    printf("SQLite %s, bytes a row\n", sqlite3_libversion());
#ifndef BENCH_ROCKSDB
    printf("LEFT OUT rocksdb: rocksdb/c.h is not here (Debian: librocksdb-dev)\n");
#endif
#ifndef BENCH_LEVELDB
    printf("LEFT OUT leveldb: leveldb/c.h is not here (Debian: libleveldb-dev)\n");
#endif
    measure_bytes();
    sql_scratch_remove(scratch);
    sqlite3_free(scratch);
    sqlite3_free(columns);
    free(order);
    metadata_clear();
    return 0;
}
