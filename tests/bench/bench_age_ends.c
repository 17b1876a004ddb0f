/* Rows leave the ends of an order, as queues, caches and expiries have it: what they still cost those who ask for the
 * least or largest value, or for the first row of a prefix.
 *
 *     bench_age_ends [-k kind] [-o options] [rows]     default: all kinds, 200,000 rows
 *
 * An art table with a summary and an ordinary one WITHOUT ROWID with an index, the same rows, WAL, else default
 * settings. Paths are in no order of the values. Processor time; "ratio" is art / ordinary: below 1, art is better.
 * Each kind but the last ends with what one question costs a connection that has just opened the table.
 *
 *   queue      the row that is due first is picked, and is due again later: one transaction a pick
 *   lru        rows are touched, the one that was touched longest ago goes, and another comes
 *   expiry     DELETE of all that is due, a hundredth or a tenth; what is due next is asked once, and again
 *   newest     DELETE of the newest hundredth or tenth; the largest value is asked once, and again
 *   prefixes   without summary and index: the oldest hundredth of each of 50 prefixes goes by its range, as many rows
 *              come at its end, ten times; then the newest go; then a queue before all prefixes. A listing of the
 *              prefixes has no counterpart: its ratio is to what it took as loaded
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/sql.h"
#include "tests/support/timing.h"

enum { ART, ORDINARY, SIDES, KEY_ROOM = 40 };
enum { ASKED = 200, PICKS = 10000, TURNS = 10000, TOUCHES = 4, SWEEPS = 10, PREFIXES = 50, LISTED = 15, TAKEN = 3000 };
enum { QUEUE, LRU, EXPIRY, NEWEST, BY_PREFIX, KINDS };

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

/* The row whose path is bound. */
static void insert_bound(struct side *on) {
    static const char text[] = "what is to be done with it, and what has been noted down of it so far";
    sqlite3_bind_int64(on->insert, 2, on->clock++);
    sqlite3_bind_text(on->insert, 3, text, -1, SQLITE_STATIC);
    run(on, on->insert);
}

static void insert(struct side *on) {
    bind_path(on->insert, 1, on->next++);
    insert_bound(on);
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
    sqlite3_stmt **own[] = {&on->first, &on->last, &on->set, &on->remove, &on->insert, &on->expire, &on->drop};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        sqlite3_finalize(*own[i]);
        *own[i] = NULL; /* the next kind may have no such statement */
    }
    sql_close(on->db);
}

static void make(struct side *on, const char *folder, bool by_value) {
    on->path = sqlite3_mprintf("%s/%d.db", folder, (int)(on - side));
    on->clock = on->next = 0;
    on->random = 7;
    sqlite3 *db = sql_open(on->path);
    sql_run(db, "PRAGMA journal_mode = WAL");
    char *create = sqlite3_mprintf("CREATE VIRTUAL TABLE t USING art(path, due, note%s%s%s)",
                                   by_value ? ", summary=(max(due))" : "", *options ? ", " : "", options);
    sql_run(db, "%s", on == &side[ART] ? create : "CREATE TABLE t(path TEXT PRIMARY KEY, due, note) WITHOUT ROWID");
    if (on != &side[ART] && by_value) sql_run(db, "CREATE INDEX by_due ON t(due)");
    sqlite3_free(create);
    sql_close(db);
    if (!by_value) return;
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

static void print_steps(const char *what, void (*step)(struct side *on), int steps) {
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
}

static void measure_steps(const char *what, void (*step)(struct side *on), int steps) {
    print_steps(what, step, steps);
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

/* --- by prefix ---------------------------------------------------------------------------------------------------- */

static void open_prefixes(struct side *on) {
    on->db = sql_open(on->path);
    on->first = sql_prepare(on->db, "SELECT path FROM t WHERE path >= ?1 AND path < ?2 ORDER BY path LIMIT 1");
    on->last = sql_prepare(on->db, "SELECT path FROM t WHERE path >= ?1 AND path < ?2 ORDER BY path DESC LIMIT 1");
    on->remove = sql_prepare(on->db, "DELETE FROM t WHERE path = ?1");
    on->insert = sql_prepare(on->db, "INSERT INTO t VALUES(?1, ?2, ?3)");
    on->expire = sql_prepare(on->db, "DELETE FROM t WHERE path >= ?1 AND path < ?2");
}

static void bind_numbered(sqlite3_stmt *statement, int at, int prefix, int64_t number) {
    char key[KEY_ROOM];
    snprintf(key, sizeof key, "tenant%03d/%012lld", prefix, (long long)number);
    sqlite3_bind_text(statement, at, key, -1, SQLITE_TRANSIENT);
}

static void insert_numbered(struct side *on, int prefix, int64_t from, int64_t to) {
    for (int64_t i = from; i < to; i++) {
        bind_numbered(on->insert, 1, prefix, i);
        insert_bound(on);
    }
}

static void load_prefixes(struct side *on) {
    for (int prefix = 0; prefix < PREFIXES; prefix++) {
        sql_run(on->db, "BEGIN");
        insert_numbered(on, prefix, 0, rows / 10);
        sql_run(on->db, "COMMIT");
    }
    if (on == &side[ART]) sql_command(on->db, "main", "t", "flush");
}

/* The rows [from, to) of each prefix go, and those from `comes` on come instead. */
static void sweep_prefixes(struct spent *spent, int64_t from, int64_t to, int64_t comes) {
    for (int i = 0; i < SIDES * PREFIXES; i++) {
        struct side *on = &side[i % SIDES];
        sql_run(on->db, "BEGIN");
        bind_numbered(on->expire, 1, i / SIDES, from);
        bind_numbered(on->expire, 2, i / SIDES, to);
        double begun = timing_cpu();
        run(on, on->expire);
        spent->ns[i % SIDES] += timing_cpu() - begun;
        if (sqlite3_changes(on->db) != to - from) fail(on, "not all were deleted");
        insert_numbered(on, i / SIDES, comes, comes + to - from);
        sql_run(on->db, "COMMIT");
    }
    spent->times += PREFIXES;
}

static void print_edges(void) {
    for (int last = 0; last < 2; last++) {
        struct spent spent = {.times = PREFIXES * LISTED};
        for (int i = 0; i < SIDES * spent.times; i++) {
            struct side *on = &side[i % SIDES];
            sqlite3_stmt *statement = last ? on->last : on->first;
            bind_numbered(statement, 1, i / SIDES % PREFIXES, 0);
            bind_numbered(statement, 2, i / SIDES % PREFIXES, 999999999999);
            double begun = timing_cpu();
            ask(on, statement);
            spent.ns[i % SIDES] += timing_cpu() - begun;
        }
        print(last ? "  the newest row of a prefix" : "  the oldest row of a prefix", &spent);
    }
}

static double listing(int64_t rows_of_prefix) {
    double spent[LISTED];
    for (int i = 0; i < LISTED; i++) {
        double begun = timing_cpu();
        int64_t whole = sql_int(side[ART].db, "SELECT sum(entries = %lld) FROM t('', '/')", (long long)rows_of_prefix);
        spent[i] = timing_cpu() - begun;
        if (whole != PREFIXES) fail(&side[ART], "a listing is wrong");
    }
    return timing_median(spent, LISTED);
}

/* The first row of all is taken, one comes at the queue's end. */
static void take(struct side *on) {
    char key[KEY_ROOM];
    sql_run(on->db, "BEGIN");
    sqlite3_bind_text(on->first, 1, "", -1, SQLITE_STATIC);
    sqlite3_bind_text(on->first, 2, "u", -1, SQLITE_STATIC);
    find_first(on, on->remove);
    run(on, on->remove);
    snprintf(key, sizeof key, "queue/%012lld", (long long)on->next++);
    sqlite3_bind_text(on->insert, 1, key, -1, SQLITE_TRANSIENT);
    insert_bound(on);
    sql_run(on->db, "COMMIT");
}

static void measure_prefixes(void) {
    int64_t low = 0, share = rows / 1000;
    struct spent swept = {0}, back = {0};
    for (int i = ART; i < SIDES; i++) {
        open_prefixes(&side[i]);
        load_prefixes(&side[i]);
    }
    printf("%d prefixes of %lld rows, as loaded\n", PREFIXES, (long long)rows / 10);
    print_edges();
    double loaded = listing(rows / 10);
    for (; low < SWEEPS * share; low += share) sweep_prefixes(&swept, low, low + share, low + rows / 10);
    print("  DELETE of the oldest hundredth of a prefix", &swept);
    print_edges();
    print("  a listing of the prefixes, beside as loaded", &(struct spent){{listing(rows / 10), loaded}, 1});
    for (; low > 0; low -= share) sweep_prefixes(&back, low - share + rows / 10, low + rows / 10, low - share);
    print("  DELETE of the newest hundredth of a prefix", &back);
    print_edges();
    print("  a listing of the prefixes, beside as loaded", &(struct spent){{listing(rows / 10), loaded}, 1});
    print_steps("  first of a queue taken, one put at its end", take, TAKEN);
}

static void measure(int kind) {
    if (kind == QUEUE) {
        printf("queue: %d picks\n", PICKS);
        print_asking("  what comes first, as loaded", false, ASKED);
        measure_steps("  a pick", pick, PICKS);
    }
    if (kind == LRU) {
        printf("lru: %d turns, each of %d touches, an eviction, a new row\n", TURNS, TOUCHES);
        print_asking("  what comes first, as loaded", false, ASKED);
        measure_steps("  a turn", turn, TURNS);
    }
    if (kind == EXPIRY || kind == NEWEST) measure_ends(kind == NEWEST);
    if (kind == BY_PREFIX) measure_prefixes();
}

int main(int argc, char **argv) {
    static const char *const kinds[] = {"queue", "lru", "expiry", "newest", "prefixes"};
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
    for (int kind = 0; kind < KINDS; kind++) {
        if (only && strcmp(only, kinds[kind]) != 0) continue;
        char *folder = sql_scratch("age-ends");
        for (int i = ART; i < SIDES; i++) make(&side[i], folder, kind != BY_PREFIX);
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
