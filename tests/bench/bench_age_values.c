/* Rows leave the front of a column's order, as queues, caches and expiries have it: what they still cost those who ask
 * for the least or largest value.
 *
 *     bench_age_values [-k kind] [-o options] [rows]     default: all kinds, 200,000 rows
 *
 * An art table with a summary and an ordinary one WITHOUT ROWID with an index, the same rows, WAL, else default
 * settings. Paths are in no order of the values. Processor time; "ratio" is art / ordinary: below 1, art is better.
 * Each kind ends with what one question costs a connection that has just opened the table.
 *
 *   queue      the row that is due first is picked, and is due again later: one transaction a pick
 *   lru        rows are touched, the one that was touched longest ago goes, and another comes
 *   expiry     DELETE of all that is due, a hundredth or a tenth; what is due next is asked once, and again
 *   newest     DELETE of the newest hundredth or tenth; the largest value is asked once, and again
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/sql.h"
#include "tests/support/timing.h"

enum { ART, ORDINARY, SIDES, KEY_ROOM = 40, ASKED = 200, PICKS = 10000, TURNS = 10000, TOUCHES = 4, SWEEPS = 10 };

static int64_t rows = 200000;
static const char *options = "";

static struct side {
    sqlite3 *db;
    char *path;
    sqlite3_stmt *first, *last, *set, *touch, *remove, *insert, *expire, *drop;
    int64_t clock, next; /* values and rows that come are numbered */
    uint64_t random;
} side[SIDES];

static void fail(struct side *on, const char *what) {
    fprintf(stderr, "%s: %s\n", what, sqlite3_errmsg(on->db));
    exit(1);
}

static void run(struct side *on, sqlite3_stmt *statement) {
    while (sqlite3_step(statement) == SQLITE_ROW) continue;
    if (sqlite3_reset(statement)) fail(on, sqlite3_sql(statement));
}

static uint64_t draw(struct side *on) {
    on->random = on->random * 6364136223846793005u + 1442695040888963407u;
    return on->random >> 33;
}

/* The path of a row by its number: neighbours by number are none by path. */
static void bind_path(sqlite3_stmt *statement, int at, int64_t number) {
    char key[KEY_ROOM];
    uint64_t mixed = (uint64_t)number * 0x9e3779b97f4a7c15u;
    snprintf(key, sizeof key, "jobs/%03d/%016llx", (int)(mixed >> 58), (unsigned long long)mixed);
    sqlite3_bind_text(statement, at, key, -1, SQLITE_TRANSIENT);
}

static void insert(struct side *on) {
    static const char text[] = "what is to be done with it, and what has been noted down of it so far";
    bind_path(on->insert, 1, on->next++);
    sqlite3_bind_int64(on->insert, 2, on->clock++);
    sqlite3_bind_text(on->insert, 3, text, -1, SQLITE_STATIC);
    run(on, on->insert);
}

static void open_side(struct side *on) {
    on->db = sql_open(on->path);
    on->first = sql_prepare(on->db, "SELECT path FROM t ORDER BY due LIMIT 1");
    on->last = sql_prepare(on->db, on == &side[ART] ? "SELECT art_max('t', 'due', '')" : "SELECT max(due) FROM t");
    on->set = sql_prepare(on->db, "UPDATE t SET due = ?2 WHERE path = ?1");
    on->remove = sql_prepare(on->db, "DELETE FROM t WHERE path = ?1");
    on->insert = sql_prepare(on->db, "INSERT INTO t VALUES(?1, ?2, ?3)");
    on->expire = sql_prepare(on->db, "DELETE FROM t WHERE due < ?1");
    on->drop = sql_prepare(on->db, "DELETE FROM t WHERE due >= ?1");
}

static void close_side(struct side *on) {
    sqlite3_stmt *own[] = {on->first, on->last, on->set, on->remove, on->insert, on->expire, on->drop};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) sqlite3_finalize(own[i]);
    sql_close(on->db);
}

static void make(struct side *on, const char *folder) {
    on->path = sqlite3_mprintf("%s/%d.db", folder, (int)(on - side));
    on->clock = on->next = 0;
    on->random = 7;
    sqlite3 *db = sql_open(on->path);
    sql_run(db, "PRAGMA journal_mode = WAL");
    char *create = sqlite3_mprintf("CREATE VIRTUAL TABLE t USING art(path, due, note, summary=(max(due))%s%s)",
                                   *options ? ", " : "", options);
    sql_run(db, on == &side[ART] ? create
                                 : "CREATE TABLE t(path TEXT PRIMARY KEY, due, note) WITHOUT ROWID;"
                                   "CREATE INDEX by_due ON t(due)");
    sqlite3_free(create);
    sql_close(db);
    open_side(on);
    sql_run(on->db, "BEGIN");
    for (int64_t i = 0; i < rows; i++) insert(on);
    sql_run(on->db, "COMMIT");
    if (on == &side[ART]) sql_command(on->db, "main", "t", "optimize");
}

/* --- what is measured --------------------------------------------------------------------------------------------- */

/* Processor ns of each side for one of the things that were done. */
struct spent {
    double ns[SIDES];
    int times;
};

static void print(const char *what, const struct spent *spent) {
    double art = spent->ns[ART] / spent->times, other = spent->ns[ORDINARY] / spent->times;
    printf("%-58s %10.2f us %10.2f us  ratio %7.2f\n", what, art / 1e3, other / 1e3, art / other);
    fflush(stdout);
}

static void ask(struct side *on, sqlite3_stmt *statement) {
    if (sqlite3_step(statement) != SQLITE_ROW) fail(on, "no row");
    sqlite3_reset(statement);
}

static void spend_asking(struct spent *spent, bool last, int times) {
    for (int i = 0; i < times; i++) {
        for (int kind = ART; kind < SIDES; kind++) {
            double begun = timing_cpu();
            ask(&side[kind], last ? side[kind].last : side[kind].first);
            spent->ns[kind] += timing_cpu() - begun;
        }
    }
    spent->times += times;
}

static void print_asking(const char *what, bool last, int times) {
    struct spent spent = {0};
    spend_asking(&spent, last, times);
    print(what, &spent);
}

static void print_fresh(bool last) {
    for (int kind = ART; kind < SIDES; kind++) {
        close_side(&side[kind]);
        open_side(&side[kind]);
        sql_run(side[kind].db, "SELECT count(*) FROM t WHERE path = ''");
    }
    print_asking("  asked by a fresh connection, once", last, 1);
    print_asking("  asked again", last, ASKED);
}

/* The row that comes first, its path bound to `to`. */
static void find_first(struct side *on, sqlite3_stmt *to) {
    if (sqlite3_step(on->first) != SQLITE_ROW) fail(on, "no row");
    sqlite3_bind_text(to, 1, (const char *)sqlite3_column_text(on->first, 0), -1, SQLITE_TRANSIENT);
    sqlite3_reset(on->first);
}

static void pick(struct side *on) {
    sql_run(on->db, "BEGIN IMMEDIATE");
    find_first(on, on->set);
    sqlite3_bind_int64(on->set, 2, on->clock++);
    run(on, on->set);
    sql_run(on->db, "COMMIT");
}

static void turn(struct side *on) {
    sql_run(on->db, "BEGIN IMMEDIATE");
    for (int i = 0; i < TOUCHES; i++) {
        bind_path(on->set, 1, on->next - 1 - (int64_t)(draw(on) % (uint64_t)rows));
        sqlite3_bind_int64(on->set, 2, on->clock++);
        run(on, on->set);
    }
    find_first(on, on->remove);
    run(on, on->remove);
    insert(on);
    sql_run(on->db, "COMMIT");
}

static void measure_steps(const char *what, void (*step)(struct side *on), int steps) {
    struct spent spent = {0};
    for (int i = 0; i < steps; i++) {
        for (int kind = ART; kind < SIDES; kind++) {
            double begun = timing_cpu();
            step(&side[kind]);
            spent.ns[kind] += timing_cpu() - begun;
        }
    }
    spent.times = steps;
    print(what, &spent);
    print_asking("  what comes first, asked again", false, ASKED);
    print_fresh(false);
}

/* DELETE of a share at either end, then questions; values between `low` and `high` are left. */
static void measure_sweeps(bool newest, int64_t share, int64_t *low, int64_t *high) {
    struct spent swept = {0}, once = {0}, again = {0};
    for (int i = 0; i < SWEEPS; i++) {
        int64_t bound = newest ? (*high -= share) : (*low += share);
        for (int kind = ART; kind < SIDES; kind++) {
            sqlite3_stmt *statement = newest ? side[kind].drop : side[kind].expire;
            sqlite3_bind_int64(statement, 1, bound);
            double begun = timing_cpu();
            run(&side[kind], statement);
            swept.ns[kind] += timing_cpu() - begun;
        }
        swept.times++;
        spend_asking(&once, newest, 1);
        spend_asking(&again, newest, ASKED);
    }
    print(newest ? "  DELETE of the newest" : "  DELETE of what is due", &swept);
    print("  asked, once", &once);
    print("  asked again", &again);
    swept.ns[ART] += once.ns[ART];
    swept.ns[ORDINARY] += once.ns[ORDINARY];
    print("  both: swept, and asked once", &swept);
}

static void measure_ends(bool newest) {
    int64_t low = 0, high = rows;
    printf(newest ? "newest deleted, ten times a hundredth of the rows\n"
                  : "expiry, ten times a hundredth of the rows\n");
    print_asking("  asked, as loaded", newest, ASKED);
    measure_sweeps(newest, rows / 100, &low, &high);
    printf("  then nine times a tenth of what is left\n");
    measure_sweeps(newest, (high - low) / (SWEEPS + 1), &low, &high);
    print_fresh(newest);
}

static void measure(int kind) {
    if (kind == 0) {
        printf("queue: %d picks\n", PICKS);
        print_asking("  what comes first, as loaded", false, ASKED);
        measure_steps("  a pick", pick, PICKS);
    }
    if (kind == 1) {
        printf("lru: %d turns, each of %d touches, an eviction, a new row\n", TURNS, TOUCHES);
        print_asking("  what comes first, as loaded", false, ASKED);
        measure_steps("  a turn", turn, TURNS);
    }
    if (kind >= 2) measure_ends(kind == 3);
}

int main(int argc, char **argv) {
    static const char *const kinds[] = {"queue", "lru", "expiry", "newest"};
    const char *only = NULL;
    for (int option; (option = getopt(argc, argv, "k:o:")) != -1;) {
        if (option == 'k') only = optarg;
        if (option == 'o') options = optarg;
        if (option == '?') return 2;
    }
    if (optind < argc) rows = atoll(argv[optind]);
    if (rows < 10000) rows = 10000;
    printf("SQLite %s, %lld rows; art, ordinary with an index; processor time\n", sqlite3_libversion(),
           (long long)rows);
    for (int kind = 0; kind < 4; kind++) {
        if (only && strcmp(only, kinds[kind]) != 0) continue;
        char *folder = sql_scratch("age-values");
        for (int i = ART; i < SIDES; i++) make(&side[i], folder);
        measure(kind);
        for (int i = ART; i < SIDES; i++) {
            close_side(&side[i]);
            sqlite3_free(side[i].path);
        }
        sql_scratch_remove(folder);
        sqlite3_free(folder);
    }
    return 0;
}
