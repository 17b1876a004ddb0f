/* Directories as one thing: deleted, moved and copied, beside an ordinary table.
 *
 *     bench_directories [-r repetitions] [-g group] [rows]         default: 3 times, all groups, 1000000
 *
 * Volumes of so many rows of four columns, each with ten directories, loaded in random order: one volume a table, three
 * in the group "large". A "rich" table has summary=(sum(size), max(mtime), search(path)). Each measurement has a fresh
 * copy of the files, all of it in caches of 1 GB, and is a statement with its commit, by the processor's time of the
 * process, the best of the repetitions, which alternate. WAL, synchronous=NORMAL. "ratio" is
 * art / the ordinary table, or what the line says; behind it stands the goal, where there is one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/files.h"
#include "tests/bench/tables.h"
#include "tests/support/random.h"
#include "tests/support/sql.h"
#include "tests/support/timing.h"

enum { VOLUMES = 3, TOPS = 10, SUB_ROWS = 1000, KEY_ROOM = 200 };
static const uint32_t sizes[] = {100, 1000, 2000, 3000, 5000, 8000}; /* of directories in one of the ten */
enum { SIZES = sizeof sizes / sizeof *sizes };

static uint32_t volume = 1000000;
static int repetitions = 3;
static const char *only;
static char *scratch;
static uint32_t *order; /* in which rows are loaded */

/* Files: of a kind, as loaded, put in order, or of three volumes. */
enum { PLAIN, RICH, INLINE, ORDINARY, KINDS, ORDERED = KINDS, LARGE = 2 * KINDS };
#define ART "CREATE VIRTUAL TABLE t USING art(path, size INTEGER, mtime INTEGER, tag TEXT, cache='1GB'%s)"
static const struct {
    const char *name, *create, *options;
} kinds[KINDS] = {
    {"plain", ART, ""},
    {"rich", ART, ", summary=(sum(size), max(mtime), search(path))"},
    {"inline", ART, ", storage=inline"},
    {"ordinary", "CREATE TABLE t(path TEXT PRIMARY KEY, size INTEGER, mtime INTEGER, tag TEXT) WITHOUT ROWID%s", ""},
};

#define DELETE(prefix)      "INSERT INTO t(t, prefix) VALUES('delete', '" prefix "')"
#define DELETE_ROWS(prefix) "DELETE FROM t WHERE path GLOB '" prefix "*'"
#define MOVE(from, to)      "INSERT INTO t(t, prefix, path) VALUES('move', '" from "', '" to "')"
#define MOVE_ROWS(from, to)                                                                                            \
    "UPDATE t SET path = '" to "' || substr(path, length('" from "') + 1) WHERE path GLOB '" from "*'"
#define COPY(from, to) "INSERT INTO t(t, prefix, path) VALUES('copy', '" from "', '" to "')"
#define COPY_ROWS(from, to)                                                                                            \
    "INSERT INTO t(path, size, mtime, tag) SELECT '" to "' || substr(path, length('" from                              \
    "') + 1), size, mtime, tag FROM t WHERE path GLOB '" from "*'"
#define TENTH "vol-0/top-4/"
#define MOVED "vol-0/top-7-moved/"

/* --- rows --------------------------------------------------------------------------------------------------------- */

static void key_of(uint32_t i, char *out) {
    uint32_t of_top = volume / TOPS, top = i % volume / of_top, at = i % of_top;
    for (unsigned s = 0; top == 3 && s < SIZES; s++) {
        if (at < sizes[s]) {
            snprintf(out, KEY_ROOM, "vol-%u/top-3/size-%u/file-%07u.bin", i / volume, sizes[s], at);
            return;
        }
        at -= sizes[s];
    }
    snprintf(out, KEY_ROOM, "vol-%u/top-%u/sub-%03u/file-%07u.bin", i / volume, top, at / SUB_ROWS, at);
}

static void bind_row(sqlite3_stmt *put, uint32_t n) {
    char key[KEY_ROOM], tag[40];
    uint32_t i = order[n];
    uint64_t mixed = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
    key_of(i, key);
    snprintf(tag, sizeof tag, "%016llx%016llx", (unsigned long long)mixed, (unsigned long long)(mixed ^ mixed >> 29));
    sqlite3_bind_text(put, 1, key, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(put, 2, (int64_t)(i * UINT64_C(2654435761) % 1000003));
    sqlite3_bind_int64(put, 3, 1000000 + (int64_t)(i % 100000));
    sqlite3_bind_text(put, 4, tag, -1, SQLITE_TRANSIENT);
}

/* --- files -------------------------------------------------------------------------------------------------------- */

static const char *folder_of(int files) {
    return TEXT("%s/%s-%d", scratch, kinds[files % KINDS].name, files / KINDS);
}

static void load(int files) {
    int kind = files % KINDS;
    uint32_t rows = files < LARGE ? volume : VOLUMES * volume;
    order = tables_order(rows, &(struct random){1});
    files_make(folder_of(files));
    sqlite3 *db = tables_open(folder_of(files));
    sql_run(db, kinds[kind].create, kinds[kind].options);
    tables_write(&db, 1, "INSERT INTO t(path, size, mtime, tag) VALUES(?1, ?2, ?3, ?4)", bind_row, rows, BATCH_ROWS,
                 NULL);
    sql_close(db);
    free(order);
    if (files >= LARGE) return;
    tables_copy(folder_of(files), folder_of(files + ORDERED));
    db = tables_open(folder_of(files + ORDERED));
    if (kind == ORDINARY) sql_run(db, "VACUUM");
    if (kind != ORDINARY) tables_put_in_order(db);
    sql_close(db);
}

/* What a process does with its first write is done: a batch as those of the load, since a single row would be flushed;
 * in order, nothing is left of it. */
static sqlite3 *open_copy(int files, const char *folder, const char *before) {
    tables_copy(folder_of(files), folder);
    sqlite3 *db = tables_open(folder);
    sql_run(db, files / KINDS == 1 ? "INSERT INTO t(path) VALUES('w'); DELETE FROM t WHERE path = 'w'"
                                   : "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000) "
                                     "INSERT INTO t(path) SELECT 'w' || i FROM n");
    if (before) sql_run(db, "%s", before);
    sql_int(db, "SELECT sum(length(path) + size) FROM t");
    return db;
}

static void close_copy(sqlite3 *db, const char *folder) {
    sql_close(db);
    sql_scratch_remove(folder);
}

/* --- measuring ---------------------------------------------------------------------------------------------------- */

struct spent {
    double ns;
    int64_t pages, by_directory;
};

static int64_t fact(sqlite3 *db, int files, const char *property) {
    return files % KINDS == ORDINARY ? 0 : tables_fact(db, property);
}

static struct spent once(int files, const char *sql, const char *before) {
    const char *folder = TEXT("%s/copy", scratch);
    sqlite3 *db = open_copy(files, folder, before);
    int64_t pages = fact(db, files, "pages written"), rows = fact(db, files, "rows by directory");
    double begun = timing_cpu();
    sql_run(db, "%s", sql);
    struct spent spent = {.ns = timing_cpu() - begun};
    spent.pages = fact(db, files, "pages written") - pages;
    spent.by_directory = fact(db, files, "rows by directory") - rows;
    close_copy(db, folder);
    return spent;
}

/* --- what is compared --------------------------------------------------------------------------------------------- */

#define EIGHT(DO)                                                                                                      \
    "BEGIN;" DO("0") ";" DO("1") ";" DO("2") ";" DO("3") ";" DO("4") ";" DO("5") ";" DO("6") ";" DO("7") ";COMMIT"
#define SUB(n)             "vol-0/top-5/sub-0" n
#define TO(n)              "vol-0/top-" n "/moved"
#define INSERTED(n)        ";INSERT INTO t(path) VALUES('vol-0/top-2/new-" n "')"
#define DELETE_ONE(n)      DELETE(SUB(n)) INSERTED(n)
#define DELETE_ITS_ROWS(n) DELETE_ROWS(SUB(n)) INSERTED(n)
#define MOVE_ONE(n)        MOVE(SUB(n), TO(n)) INSERTED(n)
#define MOVE_ITS_ROWS(n)   MOVE_ROWS(SUB(n), TO(n)) INSERTED(n)
#define LONG(part)         "UPDATE t SET tag = hex(zeroblob(5000)) WHERE path GLOB '" TENTH "*' AND size % " part " = 0"
#define FIVE(DO, tens)     DO(tens "0") ";" DO(tens "1") ";" DO(tens "2") ";" DO(tens "3") ";" DO(tens "4")
#define TEN(DO)            FIVE(DO, "0") ";" FIVE(DO, "4")
#define DELETE_1000(n)     DELETE_ROWS(SUB(n "/"))
#define DELETE_10(n)       DELETE_ROWS(SUB(n "/file-00" n "00"))
#define DELETE_BETWEEN     "DELETE FROM t WHERE path >= '" TENTH "' AND path < 'vol-0/top-40'"
#define TENTH_DELETED      DELETE(TENTH), DELETE_ROWS(TENTH)
#define TENTH_MOVED        MOVE(TENTH, MOVED), MOVE_ROWS(TENTH, MOVED)
#define TENTH_COPIED       COPY(TENTH, MOVED), COPY_ROWS(TENTH, MOVED)
#define THIRD_MOVED        MOVE("vol-1/", "vol-2-moved/"), MOVE_ROWS("vol-1/", "vol-2-moved/")

/* `rows` is for the ordinary table with the same rows; pages: that art may write, 0: any. */
static const struct comparison {
    const char *group, *what;
    int files;
    const char *sql, *rows;
    double goal;
    int pages;
    const char *before;
} comparisons[] = {
    {"tenth", "delete of a tenth", PLAIN, TENTH_DELETED, 1 / 3.0, 1000, NULL},
    {"tenth", "delete of a tenth", PLAIN + ORDERED, TENTH_DELETED, 1 / 8.0, 250, NULL},
    {"tenth", "delete of a tenth", RICH, TENTH_DELETED, 0, 0, NULL},
    {"tenth", "delete of a tenth", RICH + ORDERED, TENTH_DELETED, 0, 0, NULL},
    {"tenth", "delete of a tenth", INLINE, TENTH_DELETED, 0, 0, NULL},
    {"tenth", "move of a tenth", PLAIN, TENTH_MOVED, 1 / 7.0, 0, NULL},
    {"tenth", "move of a tenth", PLAIN + ORDERED, TENTH_MOVED, 0, 0, NULL},
    {"tenth", "move of a tenth", RICH, TENTH_MOVED, 1 / 3.0, 0, NULL},
    {"tenth", "move of a tenth", INLINE, TENTH_MOVED, 0, 0, NULL},
    {"tenth", "copy of a tenth", PLAIN, TENTH_COPIED, 1 / 4.0, 0, NULL},
    {"tenth", "copy of a tenth", RICH, TENTH_COPIED, 0, 0, NULL},
    {"plain", "DELETE by GLOB of a tenth", PLAIN, DELETE_ROWS(TENTH), DELETE_ROWS(TENTH), 1.2, 0, NULL},
    {"plain", "DELETE by GLOB of a tenth", PLAIN + ORDERED, DELETE_ROWS(TENTH), DELETE_ROWS(TENTH), 1.2, 0, NULL},
    {"plain", "DELETE by GLOB of a tenth", RICH, DELETE_ROWS(TENTH), DELETE_ROWS(TENTH), 0, 0, NULL},
    {"plain", "DELETE by GLOB of a tenth", INLINE, DELETE_ROWS(TENTH), DELETE_ROWS(TENTH), 0, 0, NULL},
    {"plain", "DELETE by GLOB of all", PLAIN, DELETE_ROWS(""), DELETE_ROWS(""), 1.2, 0, NULL},
    {"plain", "DELETE by GLOB of all", PLAIN + ORDERED, DELETE_ROWS(""), DELETE_ROWS(""), 1.2, 0, NULL},
    {"plain", "DELETE of a range of a tenth", PLAIN, DELETE_BETWEEN, DELETE_BETWEEN, 0, 0, NULL},
    {"plain", "ten DELETEs by GLOB of 1,000", PLAIN, TEN(DELETE_1000), TEN(DELETE_1000), 0, 0, NULL},
    {"plain", "ten DELETEs by GLOB of 10", PLAIN, TEN(DELETE_10), TEN(DELETE_10), 0, 0, NULL},
    {"others", "delete of nearly all", PLAIN, DELETE("vol"), DELETE_ROWS("vol"), 0, 0, NULL},
    {"others", "move of nearly all", PLAIN, MOVE("vol", "moved"), MOVE_ROWS("vol", "moved"), 0, 0, NULL},
    {"others", "eight deleted, INSERTs between", PLAIN, EIGHT(DELETE_ONE), EIGHT(DELETE_ITS_ROWS), 0, 0, NULL},
    {"others", "eight moved, INSERTs between", PLAIN, EIGHT(MOVE_ONE), EIGHT(MOVE_ITS_ROWS), 0, 0, NULL},
    {"others", "delete of a tenth, a 111th of 10 KB", PLAIN, TENTH_DELETED, 0, 0, LONG("111")},
    {"others", "delete of a tenth, an 11th of 10 KB", PLAIN, TENTH_DELETED, 0, 0, LONG("11")},
    {"others", "move of a tenth, a 111th of 10 KB", PLAIN, TENTH_MOVED, 0, 0, LONG("111")},
    {"others", "move of a tenth, an 11th of 10 KB", PLAIN, TENTH_MOVED, 0, 0, LONG("11")},
    {"large", "delete of a third", PLAIN + LARGE, DELETE("vol-1/"), DELETE_ROWS("vol-1/"), 1 / 20.0, 0, NULL},
    {"large", "move of a third", PLAIN + LARGE, THIRD_MOVED, 1 / 15.0, 0, NULL},
    {"large", "move of a third", RICH + LARGE, THIRD_MOVED, 1 / 6.0, 0, NULL},
};

static void print_ratio(const char *what, int files, double a, double b, const char *unit, double goal) {
    static const char *const states[] = {"loaded", "in order", "three volumes"};
    printf("%-42s %-6s %-13s %9.2f %9.2f %s  ratio %6.3f", what, kinds[files % KINDS].name, states[files / KINDS], a, b,
           unit, a / b);
    if (goal > 0) printf(" of %.3f %s", goal, a <= goal * b ? "ok" : "MISSED");
}

static void compare(struct comparison it, int other) {
    struct spent best = {0}, others_best = {0};
    for (int r = 0; r < repetitions; r++) {
        struct spent now = once(it.files, it.sql, it.before);
        if (!r || now.ns < best.ns) best = now;
        now = once(other, it.rows, it.before);
        if (!r || now.ns < others_best.ns) others_best = now;
    }
    print_ratio(it.what, it.files, best.ns / 1e6, others_best.ns / 1e6, "ms", it.goal);
    printf("; %lld rows as one, %lld pages", (long long)best.by_directory, (long long)best.pages);
    if (it.pages) printf(" of %d %s", it.pages, best.pages <= it.pages ? "ok" : "MISSED");
    printf("\n");
    fflush(stdout);
}

/* As the command chooses, beside row by row: a DELETE in two halves, which is not taken for one of a directory. */
static void measure_small(int files) {
    for (unsigned s = 0; s < SIZES; s++) {
        const char *from = TEXT("vol-0/top-3/size-%u/", sizes[s]);
        struct comparison small = {.files = files, .goal = sizes[s] <= 5000 ? 1.1 : 0};
        small.what = TEXT("delete of %u / by rows", sizes[s]);
        small.sql = TEXT(DELETE("%s"), from);
        small.rows = TEXT("BEGIN;" DELETE_ROWS("%s") " AND size %% 2;" DELETE_ROWS("%s") " AND NOT size %% 2; COMMIT",
                          from, from);
        compare(small, files);
        small.what = TEXT("move of %u / by rows", sizes[s]);
        small.sql = TEXT(MOVE("%s", MOVED), from);
        small.rows = TEXT(MOVE_ROWS("%s", MOVED), from, from);
        compare(small, files);
    }
}

/* --- reads of a moved directory ----------------------------------------------------------------------------------- */

enum { READS = 4, ROUNDS = 7 };
static const struct {
    const char *name, *sql;
    int count;
} reads[READS] = {
    {"get", "SELECT size FROM t WHERE path = ?1", 20000},
    {"list 100", "SELECT path, size FROM t WHERE path >= ?1 AND path < ?2 || 'x' LIMIT 100", 500},
    {"scan", "SELECT sum(size) FROM t WHERE path >= ?2 AND path < ?2 || 'x'", 3},
    {"count", "SELECT art_count('t', ?2)", 5000},
};

/* Nanoseconds of one. */
static double read_below(sqlite3 *db, int which, const char *below) {
    struct random random = {7};
    sqlite3_stmt *statement = sql_prepare(db, "%s", reads[which].sql);
    sql_run(db, "BEGIN");
    double begun = timing_cpu();
    for (int i = 0; i < reads[which].count; i++) {
        char key[KEY_ROOM], moved[2 * KEY_ROOM];
        key_of(4 * (volume / TOPS) + random_below(&random, volume / TOPS), key);
        snprintf(moved, sizeof moved, "%s%s", below, key + strlen(TENTH));
        sqlite3_bind_text(statement, 1, moved, -1, SQLITE_TRANSIENT);
        sqlite3_bind_text(statement, 2, below, -1, SQLITE_TRANSIENT);
        if (sqlite3_step(statement) != SQLITE_ROW) fprintf(stderr, "no row %s\n", moved);
        while (sqlite3_step(statement) == SQLITE_ROW) continue;
        sqlite3_reset(statement);
    }
    double spent = (timing_cpu() - begun) / reads[which].count;
    sql_run(db, "COMMIT");
    sqlite3_finalize(statement);
    return spent;
}

static void measure_reads(int files) {
    const char *folders[2] = {TEXT("%s/before", scratch), TEXT("%s/behind", scratch)};
    sqlite3 *db[2] = {open_copy(files, folders[0], NULL), open_copy(files, folders[1], MOVE(TENTH, MOVED))};
    for (int which = 0; which < READS; which++) {
        double best[2] = {0};
        for (int round = 0; round < ROUNDS; round++) {
            for (int side = 0; side < 2; side++) {
                double now = read_below(db[side], which, side ? MOVED : TENTH);
                if (!round || now < best[side]) best[side] = now;
            }
        }
        print_ratio(TEXT("%s in a moved tenth / before", reads[which].name), files, best[1] / 1e3, best[0] / 1e3, "us",
                    1.03);
        printf("\n");
    }
    for (int side = 0; side < 2; side++) close_copy(db[side], folders[side]);
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

static bool in_group(const char *name) {
    return !only || !strcmp(only, name);
}

static bool read_arguments(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "-r") && i + 1 < argc) {
            repetitions = atoi(argv[++i]);
        } else if (!strcmp(argv[i], "-g") && i + 1 < argc) {
            only = argv[++i];
        } else {
            volume = (uint32_t)atoi(argv[i]);
        }
    }
    if (repetitions > 0 && volume >= 200000) return true;
    fprintf(
        stderr,
        "usage: bench_directories [-r repetitions] [-g tenth|plain|others|small|reads|large] [rows from 200000 on]\n");
    return false;
}

int main(int argc, char **argv) {
    if (!read_arguments(argc, argv)) return 2;
    scratch = sql_scratch("directories");
    printf("SQLite %s, %u rows a volume; art, ordinary, the processor's time, best of %d\n", sqlite3_libversion(),
           volume, repetitions);
    bool large = in_group("large"), small = !only || !large;
    for (int kind = 0; kind < KINDS; kind++) {
        if (small) load(kind);
        if (large && kind != INLINE) load(kind + LARGE);
    }
    for (size_t i = 0; i < sizeof comparisons / sizeof *comparisons; i++) {
        const struct comparison *it = &comparisons[i];
        if (in_group(it->group)) compare(*it, it->files / KINDS * KINDS + ORDINARY);
    }
    for (int files = PLAIN; files < LARGE; files++) {
        if (files % KINDS == ORDINARY) continue;
        if (in_group("small")) measure_small(files);
        if (in_group("reads")) measure_reads(files);
    }
    sql_scratch_remove(scratch);
    sqlite3_free(scratch);
    return 0;
}
