/* Rows expire at the front of several prefixes, as logs by tenant and queues by state have it: what deleted rows still
 * cost those who read there.
 *
 *     bench_age_gaps [-r repetitions] [-s sweeps] [-p prefixes] [rows of a prefix]     default: 15, 10, 50, 20000
 *
 * An art table and an ordinary one WITHOUT ROWID with the same rows, default settings but for WAL. A sweep deletes the
 * oldest hundredth of each prefix by its range and inserts as many rows at its end, in one transaction a prefix. What
 * is measured alternates, and the medians of the processor's time count. "ratio" is art / ordinary: below 1, art is
 * better. A listing of the prefixes has no counterpart: its ratio is to what it took as loaded.
 *
 * With ART_BENCH_ONCE=oldest, newest, listing, delete or queue set, that alone is done behind the sweeps, for
 * valgrind --tool=callgrind --toggle-collect='once_edge*' (once_listing*, once_delete*, once_queue*). A listing is done
 * twice: the first one finds the gaps.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/sql.h"
#include "tests/support/timing.h"

enum { ART, ORDINARY, MOST_REPETITIONS = 199, KEY_ROOM = 32 };

static int repetitions = 15, sweeps = 10, prefixes = 50;
static int64_t rows = 20000;

static struct side {
    sqlite3 *db;
    sqlite3_stmt *oldest, *newest, *listing, *delete, *insert, *begin, *commit, *first, *remove;
    int64_t low, high; /* the sequence numbers that every prefix has */
    int64_t head, tail;
    int turn;
} side[2];

static void print(const char *what, double art, double other) {
    printf("%-58s %10.2f us %10.2f us  ratio %6.2f\n", what, art / 1e3, other / 1e3, art / other);
    fflush(stdout);
}

static void fail(struct side *on, const char *what) {
    fprintf(stderr, "%s: %s\n", what, sqlite3_errmsg(on->db));
    exit(1);
}

static void run(struct side *on, sqlite3_stmt *statement) {
    while (sqlite3_step(statement) == SQLITE_ROW) continue;
    if (sqlite3_reset(statement)) fail(on, sqlite3_sql(statement));
}

static void bind_key(sqlite3_stmt *statement, int at, int prefix, int64_t number) {
    char key[KEY_ROOM];
    snprintf(key, sizeof key, "tenant%03d/%012lld", prefix, (long long)number);
    sqlite3_bind_text(statement, at, key, -1, SQLITE_TRANSIENT);
}

static void bind_text(sqlite3_stmt *statement, int at, const char *format, int prefix) {
    char key[KEY_ROOM];
    snprintf(key, sizeof key, format, prefix);
    sqlite3_bind_text(statement, at, key, -1, SQLITE_TRANSIENT);
}

static void make(struct side *on, const char *path) {
    on->db = sql_open(path);
    sql_run(on->db, "PRAGMA journal_mode = WAL");
    sql_run(on->db, on == &side[ART] ? "CREATE VIRTUAL TABLE t USING art(key, value)"
                                     : "CREATE TABLE t(key TEXT PRIMARY KEY, value) WITHOUT ROWID");
    on->oldest = sql_prepare(on->db, "SELECT key FROM t WHERE key >= ?1 AND key < ?2 ORDER BY key LIMIT 1");
    on->newest = sql_prepare(on->db, "SELECT key FROM t WHERE key >= ?1 AND key < ?2 ORDER BY key DESC LIMIT 1");
    if (on == &side[ART]) on->listing = sql_prepare(on->db, "SELECT key, entries FROM t('', '/')");
    on->delete = sql_prepare(on->db, "DELETE FROM t WHERE key >= ?1 AND key < ?2");
    on->insert = sql_prepare(on->db, "INSERT INTO t VALUES(?1, ?2)");
    on->begin = sql_prepare(on->db, "BEGIN");
    on->commit = sql_prepare(on->db, "COMMIT");
    on->first = sql_prepare(on->db, "SELECT key FROM t ORDER BY key LIMIT 1");
    on->remove = sql_prepare(on->db, "DELETE FROM t WHERE key = ?1");
}

static void finish(struct side *on) {
    sqlite3_stmt *own[] = {on->oldest, on->newest, on->listing, on->delete, on->insert,
                           on->begin,  on->commit, on->first,   on->remove};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) sqlite3_finalize(own[i]);
    sql_close(on->db);
}

static void insert(struct side *on, int prefix, int64_t from, int64_t to) {
    char value[100];
    for (int64_t i = from; i < to; i++) {
        bind_key(on->insert, 1, prefix, i);
        int len = snprintf(value, sizeof value, "%lld of %d: what has been noted down of it, some words only",
                           (long long)i * 7919, prefix);
        sqlite3_bind_text(on->insert, 2, value, len, SQLITE_STATIC);
        run(on, on->insert);
    }
}

static void load(struct side *on) {
    for (int prefix = 0; prefix < prefixes; prefix++) {
        run(on, on->begin);
        insert(on, prefix, 0, rows);
        run(on, on->commit);
    }
    on->low = 0;
    on->high = rows;
    if (on == &side[ART]) sql_command(on->db, "main", "t", "flush");
}

/* --- what is measured --------------------------------------------------------------------------------------------- */

#define ONCE __attribute__((noinline))

static ONCE void once_edge(struct side *on, sqlite3_stmt *statement) {
    bind_text(statement, 1, "tenant%03d/", on->turn % prefixes);
    bind_text(statement, 2, "tenant%03d0", on->turn++ % prefixes);
    if (sqlite3_step(statement) != SQLITE_ROW) fail(on, "no row");
    sqlite3_reset(statement);
}

static ONCE void once_listing(struct side *on) {
    int names = 0;
    while (sqlite3_step(on->listing) == SQLITE_ROW) {
        if (sqlite3_column_int64(on->listing, 1) != on->high - on->low) fail(on, "entries are wrong");
        names++;
    }
    sqlite3_reset(on->listing);
    if (names != prefixes) fail(on, "names are missing");
}

static ONCE void once_delete(struct side *on, int prefix) {
    bind_text(on->delete, 1, "tenant%03d/", prefix);
    bind_key(on->delete, 2, prefix, on->low + rows / 100);
    run(on, on->delete);
    if (sqlite3_changes(on->db) != rows / 100) fail(on, "not all were deleted");
}

/* One prefix apart from the others, before them: its first row goes, one comes at its end. */
static ONCE void once_queue(struct side *on) {
    run(on, on->begin);
    if (sqlite3_step(on->first) != SQLITE_ROW) fail(on, "no row");
    sqlite3_bind_text(on->remove, 1, (const char *)sqlite3_column_text(on->first, 0), -1, SQLITE_TRANSIENT);
    sqlite3_reset(on->first);
    run(on, on->remove);
    if (sqlite3_changes(on->db) != 1) fail(on, "nothing was taken");
    sqlite3_clear_bindings(on->remove);
    char key[KEY_ROOM];
    snprintf(key, sizeof key, "queue/%012lld", (long long)on->tail++);
    sqlite3_bind_text(on->insert, 1, key, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(on->insert, 2, "work", -1, SQLITE_STATIC);
    run(on, on->insert);
    run(on, on->commit);
}

static double spend_oldest(struct side *on) {
    double begun = timing_cpu();
    for (int i = 0; i < prefixes; i++) once_edge(on, on->oldest);
    return (timing_cpu() - begun) / prefixes;
}

static double spend_newest(struct side *on) {
    double begun = timing_cpu();
    for (int i = 0; i < prefixes; i++) once_edge(on, on->newest);
    return (timing_cpu() - begun) / prefixes;
}

static double spend_listing(struct side *on) {
    double begun = timing_cpu();
    once_listing(on);
    return timing_cpu() - begun;
}

static double spend_queue(struct side *on) {
    enum { TIMES = 200 };
    double begun = timing_cpu();
    for (int i = 0; i < TIMES; i++) once_queue(on);
    return (timing_cpu() - begun) / TIMES;
}

static double measure(const char *what, double (*spend)(struct side *on)) {
    double spent[2][MOST_REPETITIONS];
    for (int i = 0; i < repetitions; i++) {
        for (int kind = ART; kind <= ORDINARY; kind++) spent[kind][i] = spend(&side[kind]);
    }
    double art = timing_median(spent[ART], repetitions);
    print(what, art, timing_median(spent[ORDINARY], repetitions));
    return art;
}

static double measure_listing(void) {
    double spent[MOST_REPETITIONS];
    for (int i = 0; i < repetitions; i++) spent[i] = spend_listing(&side[ART]);
    return timing_median(spent, repetitions);
}

/* The time of the DELETE alone, a prefix. */
static double sweep(struct side *on) {
    double spent = 0;
    int64_t share = rows / 100;
    for (int prefix = 0; prefix < prefixes; prefix++) {
        run(on, on->begin);
        double begun = timing_cpu();
        once_delete(on, prefix);
        spent += timing_cpu() - begun;
        insert(on, prefix, on->high, on->high + share);
        run(on, on->commit);
    }
    on->low += share;
    on->high += share;
    return spent / prefixes;
}

/* At the other end: the newest go, and as many older ones come back. */
static void sweep_back(struct side *on) {
    int64_t share = rows / 100;
    for (int prefix = 0; prefix < prefixes; prefix++) {
        run(on, on->begin);
        bind_key(on->delete, 1, prefix, on->high - share);
        bind_key(on->delete, 2, prefix, on->high);
        run(on, on->delete);
        insert(on, prefix, on->low - share, on->low);
        run(on, on->commit);
    }
    on->low -= share;
    on->high -= share;
}

static double measure_sweeps(void) {
    double spent[2][MOST_REPETITIONS];
    for (int i = 0; i < sweeps; i++) {
        for (int kind = ART; kind <= ORDINARY; kind++) spent[kind][i] = sweep(&side[kind]);
    }
    double art = timing_median(spent[ART], sweeps);
    print("DELETE of the oldest hundredth of a prefix, its range", art, timing_median(spent[ORDINARY], sweeps));
    return art;
}

static void print_state(void) {
    char *state =
        sql_rows(side[ART].db, "SELECT value || ' ' || property FROM art_info('t') WHERE property IN ('runs', "
                               "'memtable keys', 'blobs')");
    for (char *end = state; (end = strchr(end, '\n')) && end[1];) *end = ',';
    printf("  art: %s", state);
    sqlite3_free(state);
}

static void measure_all(void) {
    print_state();
    measure("the oldest row of a prefix, as loaded", spend_oldest);
    measure("the newest row of a prefix, as loaded", spend_newest);
    double loaded = measure_listing();
    measure_sweeps();
    print_state();
    measure("the oldest row of a prefix, behind the sweeps", spend_oldest);
    measure("the newest row of a prefix, behind the sweeps", spend_newest);
    print("a listing of the prefixes, beside as loaded", measure_listing(), loaded);
    for (int i = 0; i < sweeps; i++) {
        for (int kind = ART; kind <= ORDINARY; kind++) sweep_back(&side[kind]);
    }
    print_state();
    measure("the oldest row of a prefix, behind sweeps at both ends", spend_oldest);
    measure("the newest row of a prefix, behind sweeps at both ends", spend_newest);
    print("a listing of the prefixes, beside as loaded", measure_listing(), loaded);
    measure("first of a queue taken, one put at its end, in a transaction", spend_queue);
}

static void do_once(const char *what) {
    for (int i = 0; i < sweeps; i++) sweep(&side[ART]);
    for (int i = 0; i < 2 * prefixes; i++) {
        if (!strcmp(what, "oldest")) once_edge(&side[ART], side[ART].oldest);
        if (!strcmp(what, "newest")) once_edge(&side[ART], side[ART].newest);
    }
    for (int i = 0; i < 2 && !strcmp(what, "listing"); i++) once_listing(&side[ART]);
    for (int i = 0; i < 1000 && !strcmp(what, "queue"); i++) once_queue(&side[ART]);
}

int main(int argc, char **argv) {
    bool right = true;
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] != '-') {
            rows = atoll(argv[i]);
        } else if (i + 1 < argc && strchr("rsp", argv[i][1])) {
            *(argv[i][1] == 'r' ? &repetitions : argv[i][1] == 's' ? &sweeps : &prefixes) = atoi(argv[i + 1]);
            i++;
        } else {
            right = false;
        }
    }
    right &= repetitions > 0 && repetitions <= MOST_REPETITIONS && sweeps >= 0 && sweeps <= MOST_REPETITIONS;
    if (!right || prefixes < 1 || prefixes > 999 || rows < 100) {
        fprintf(stderr, "usage: %s [-r repetitions] [-s sweeps] [-p prefixes] [rows of a prefix]\n", argv[0]);
        return 2;
    }
    const char *once = getenv("ART_BENCH_ONCE");
    char *directory = sql_scratch("age-gaps");
    for (int kind = ART; kind <= ORDINARY; kind++) {
        char *path = sqlite3_mprintf("%s/%d.db", directory, kind);
        make(&side[kind], path);
        sqlite3_free(path);
        if (!once || kind == ART) load(&side[kind]);
    }
    printf("SQLite %s, %d prefixes of %lld rows, %d sweeps; art, ordinary; medians of %d\n", sqlite3_libversion(),
           prefixes, (long long)rows, sweeps, repetitions);
    if (once)
        do_once(once);
    else
        measure_all();
    for (int kind = ART; kind <= ORDINARY; kind++) finish(&side[kind]);
    sql_scratch_remove(directory);
    sqlite3_free(directory);
    return 0;
}
