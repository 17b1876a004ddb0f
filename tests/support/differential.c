#include "tests/support/differential.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "ext/art.h"
#include "tests/support/suite.h"

char *text_for(const char *text, bool art) {
    sqlite3_str *out = sqlite3_str_new(NULL);
    bool first = false, second = false;
    for (const char *at = text; *at; at++) {
        bool turn = *at == '|' && first;
        if (*at == '{' || turn || *at == '}') {
            first = *at == '{';
            second = turn;
        } else if (!(art ? second : first)) {
            sqlite3_str_appendchar(out, 1, *at);
        }
    }
    return sqlite3_str_finish(out);
}

/* In memory that the forked tests share. */
static struct { uint64_t statements, histories; } * compared;

/* --- a world ------------------------------------------------------------------------------------------------------ */

__extension__ typedef __int128 int128 __attribute__((aligned(8)));

struct summed {
    int128 is;
    bool others; /* neither integers nor NULL are among them */
};

/* exact_sum(): of the integers, exact. SQLite's own gives up where it overflows in between. */
static void sum_step(sqlite3_context *context, int count, sqlite3_value **values) {
    struct summed *sum = sqlite3_aggregate_context(context, sizeof *sum);
    int type = count ? sqlite3_value_type(*values) : SQLITE_NULL;
    if (type == SQLITE_INTEGER) sum->is += sqlite3_value_int64(*values);
    sum->others |= type != SQLITE_INTEGER && type != SQLITE_NULL;
}

static void sum_end(sqlite3_context *context) {
    struct summed *sum = sqlite3_aggregate_context(context, 0);
    int128 is = sum ? sum->is : 0;
    if (is < INT64_MIN || is > INT64_MAX) return sqlite3_result_error(context, "integer overflow", -1);
    sqlite3_result_int64(context, (int64_t)is);
}

/* art_sums(), as art has them: that, or none. */
static void art_sum_end(sqlite3_context *context) {
    struct summed *sum = sqlite3_aggregate_context(context, 0);
    if (sum && sum->others) return sqlite3_result_error(context, "art: a sum is of integers", -1);
    sum_end(context);
}

/* alike(): 9007199254740992 and 9007199254740992.0 are one value; which of the two comes first is nobody's promise. */
static void show_alike(sqlite3_context *context, int count, sqlite3_value **values) {
    double real = sqlite3_value_double(*values);
    bool whole = count && sqlite3_value_type(*values) == SQLITE_FLOAT && real > -9e18 && real < 9e18;
    if (whole && real == (double)(int64_t)real) return sqlite3_result_int64(context, (int64_t)real);
    sqlite3_result_value(context, *values);
}

static sqlite3 *open_one(const struct both *both) {
    sqlite3 *db = sql_open(both->memory ? ":memory:" : both->path);
    sql_run(db, "PRAGMA journal_mode=%s; PRAGMA synchronous=OFF; PRAGMA busy_timeout=0",
            both->rollback ? "DELETE" : "WAL");
    sqlite3_create_function(db, "exact_sum", 1, SQLITE_UTF8, NULL, NULL, sum_step, sum_end);
    sqlite3_create_function(db, "art_sums", 1, SQLITE_UTF8, NULL, NULL, sum_step, art_sum_end);
    sqlite3_create_function(db, "alike", 1, SQLITE_UTF8, NULL, show_alike, NULL, NULL);
    return db;
}

static void open_both(struct both *both) {
    both->db = open_one(both);
    if (!both->memory) both->reader = open_one(both);
}

static bool is_reading(const struct both *both) {
    return both->reader && !sqlite3_get_autocommit(both->reader);
}

static void end_read(struct both *both) {
    if (is_reading(both)) sql_run(both->reader, "COMMIT");
}

/* For a statement that commits by itself, which the reader would refuse. */
static void make_way(struct both *both) {
    if (both->rollback && sqlite3_get_autocommit(both->db)) end_read(both);
}

static void close_both(struct both *both) {
    end_read(both);
    sql_close(both->reader);
    sql_close(both->db);
}

void both_open(struct both *both, const char *name) {
    printf("%s: seed %llu\n", name, (unsigned long long)both->random.state);
    art_test_hooks.few_names = once_in(both, 2);
    art_test_hooks.blob_pages = once_in(both, 4) ? 0 : 3 + below(both, 4);
    both->directory = sql_scratch(name);
    both->path = sqlite3_mprintf("%s/s.db", both->directory);
    both->committed = both->now;
    open_both(both);
}

/* --- both tables -------------------------------------------------------------------------------------------------- */

/* A sum has failed: which row comes first, and so why it has, is another thing in both tables. */
static char *lack_of_sum(const char *given) {
    char *overflow = strstr(given, "error 1: integer overflow"),
         *others = strstr(given, "error 1: art: a sum is of integers");
    return overflow ? overflow : others;
}

/* Where a query ends with an error, only that. */
static char *answer(sqlite3 *db, const char *text, bool art) {
    char *sql = text_for(text, art), *out;
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL)) {
        out = sqlite3_mprintf("error at once: %s", sqlite3_errmsg(db));
    } else {
        out = sql_answer(statement);
        if (lack_of_sum(out)) {
            sqlite3_free(out);
            out = sqlite3_mprintf("error 1: no sum");
        }
    }
    sqlite3_finalize(statement);
    sqlite3_free(sql);
    return out;
}

void both_same(struct both *both, sqlite3 *db, char *text) {
    char *given = answer(db, text, true), *expected = answer(db, text, false);
    size_t same = 0;
    both->statements++;
    both->answers += *expected != 0;
    both->errors += !strncmp(expected, "error", 5);
    while (given[same] && given[same] == expected[same]) same++;
    while (same && given[same - 1] != '\n') same--;
    ck_assert_msg(!strcmp(given, expected), "statement %u: %s\n  gave     %.600s\n  expected %.600s\n  at byte %zu",
                  both->statements, text, given + same, expected + same, same);
    sqlite3_free(given);
    sqlite3_free(expected);
    sqlite3_free(text);
}

void both_asks(struct both *both, sqlite3 *db, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    both_same(both, db, sqlite3_vmprintf(format, arguments));
    va_end(arguments);
}

void both_write(struct both *both, char *text) {
    bool alone = both->versions && sqlite3_get_autocommit(both->db);
    int rc[2], changes[2];
    make_way(both);
    if (alone) sql_run(both->db, "BEGIN");
    for (int art = 1; art >= 0; art--) {
        char *sql = text_for(text, art);
        rc[art] = sql_try(both->db, "%s", sql) & 0xff;
        changes[art] = rc[art] ? 0 : sqlite3_changes(both->db);
        sqlite3_free(sql);
    }
    both->statements++;
    both->errors += rc[0] != SQLITE_OK;
    ck_assert_msg(rc[0] == rc[1] && changes[0] == changes[1],
                  "statement %u: %s\n  %d and %d, changed %d and %d rows (%s)", both->statements, text, rc[1], rc[0],
                  changes[1], changes[0], sqlite3_errmsg(both->db));
    if (alone) sql_run(both->db, "COMMIT");
    sqlite3_free(text);
}

void both_writes(struct both *both, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    both_write(both, sqlite3_vmprintf(format, arguments));
    va_end(arguments);
}

/* With a rollback journal a reader of an older state is in the way of a commit. */
static void flush_if_no_reader_waits(struct both *both) {
    int code = sql_try(both->db, "INSERT INTO t(t) VALUES('flush')");
    ck_assert_msg(!code || (both->rollback && code == SQLITE_BUSY), "%s", sqlite3_errmsg(both->db));
}

void both_write_while_asking(struct both *both, unsigned rows, const char *column, char *where) {
    bool descending = once_in(both, 2), more = true;
    const char *order = descending ? "DESC" : "ASC";
    char *last = sqlite3_mprintf("1");
    sqlite3_stmt *query =
        sql_prepare(both->db, "SELECT hex(path), quote(%s) FROM t WHERE %s ORDER BY path %s", column, where, order);
    for (; rows && more; rows--) {
        char *expected =
            sql_rows(both->db, "SELECT hex(path), quote(%s) FROM plain WHERE (%s) AND %s ORDER BY path %s LIMIT 1",
                     column, where, last, order);
        int code = sqlite3_step(query);
        more = code == SQLITE_ROW;
        ck_assert_msg(more || code == SQLITE_DONE, "%s: %s", sqlite3_sql(query), sqlite3_errmsg(both->db));
        const char *path = more ? (const char *)sqlite3_column_text(query, 0) : NULL;
        char *given = more ? sqlite3_mprintf("%s|%s\n", path, sqlite3_column_text(query, 1)) : sqlite3_mprintf("");
        ck_assert_msg(!strcmp(given, expected), "%s: gave %s, not %s", sqlite3_sql(query), given, expected);
        sqlite3_free(last);
        last = sqlite3_mprintf("path %s CAST(x'%s' AS TEXT)", descending ? "<" : ">", path ? path : "");
        sqlite3_free(expected);
        sqlite3_free(given);
        if (once_in(both, 3)) both->write(both);
        if (once_in(both, 20)) flush_if_no_reader_waits(both);
    }
    sqlite3_finalize(query);
    sqlite3_free(where);
    sqlite3_free(last);
}

/* --- a history ---------------------------------------------------------------------------------------------------- */

static void begin(struct both *both) {
    if (!sqlite3_get_autocommit(both->db)) return;
    sql_run(both->db, "BEGIN");
    both->begun = both->now;
}

static void change_table(struct both *both) {
    make_way(both);
    both->change(both);
    both->changed++;
    if (sqlite3_get_autocommit(both->db)) both->committed = both->now;
}

static void roll_back_to(struct both *both, unsigned savepoint) {
    sql_run(both->db, "ROLLBACK TO s%u", savepoint);
    both->now = both->saved[savepoint];
    both->savepoints = savepoint + 1;
}

/* What a reader has refused may go on, and be given up at last. */
static void end(struct both *both) {
    if (sqlite3_get_autocommit(both->db)) return;
    bool back = once_in(both, 4);
    while (!back && sql_try(both->db, "COMMIT")) {
        ck_assert_int_eq(sqlite3_errcode(both->db), SQLITE_BUSY);
        both->refused++;
        if (once_in(both, 3)) both->write(both);
        if (once_in(both, 3) && both->change) change_table(both);
        if (once_in(both, 3)) both->ask(both, both->db, &both->now);
        if (once_in(both, 3) && both->savepoints) roll_back_to(both, 0);
        if (once_in(both, 2)) end_read(both);
        back = once_in(both, 6);
    }
    if (back) {
        sql_run(both->db, "ROLLBACK");
        both->now = both->begun;
    }
    both->committed = both->now;
    both->savepoints = 0;
}

static void set_savepoint(struct both *both) {
    if (both->savepoints == BOTH_SAVEPOINTS) return;
    if (sqlite3_get_autocommit(both->db)) both->begun = both->now;
    sql_run(both->db, "SAVEPOINT s%u", both->savepoints);
    both->saved[both->savepoints++] = both->now;
}

/* The first one may be the transaction. */
static void leave_savepoint(struct both *both) {
    if (!both->savepoints) return;
    if (both->savepoints == 1 || !once_in(both, 3)) return roll_back_to(both, below(both, both->savepoints));
    sql_run(both->db, "RELEASE s%u", --both->savepoints);
}

static void use_reader(struct both *both) {
    if (is_reading(both)) {
        if (once_in(both, 12)) return end_read(both);
        return both->ask(both, both->reader, &both->read);
    }
    bool locked = both->rollback && !sqlite3_get_autocommit(both->db); /* maybe */
    if (!both->reader || locked) return;
    if (once_in(both, 3)) return both->ask(both, both->reader, &both->committed);
    sql_run(both->reader, "BEGIN; SELECT 1 FROM plain LIMIT 1");
    both->read = both->committed;
}

/* What VACUUM INTO writes is a whole copy where no table has a file of its own. */
static void move_to_a_copy(struct both *both) {
    char *copy = sqlite3_mprintf("%s/copy%u.db", both->directory, ++both->copied);
    bool vacuums = both->inlined && once_in(both, 2);
    sql_run(both->db, vacuums ? "VACUUM INTO %Q" : "SELECT art_backup(%Q)", copy);
    close_both(both);
    sqlite3_free(both->path);
    both->path = copy;
    open_both(both);
    both->check(both, both->db, &both->now);
}

static void take_step(struct both *both) {
    TEXTS(commands, "flush", "flush", "optimize", "vacuum");
    if (both->change && once_in(both, both->changes)) change_table(both);
    switch (below(both, 24)) {
    case 0:
        return begin(both);
    case 1:
    case 2:
        return set_savepoint(both);
    case 3:
    case 4:
        return leave_savepoint(both);
    case 5:
    case 6:
        return end(both);
    case 7:
        make_way(both);
        return sql_command(both->db, "main", "t", commands[below(both, 4)]);
    case 8:
        if (both->memory || !sqlite3_get_autocommit(both->db) || !once_in(both, 3)) return;
        if (both->copies && once_in(both, 2)) return move_to_a_copy(both);
        close_both(both);
        return open_both(both);
    default:
        if (once_in(both, 3)) begin(both);
        both->write(both);
    }
}

void both_go(struct both *both, unsigned steps) {
    for (unsigned step = steps; step--;) {
        if (!random_span(&both->random)) continue;
        take_step(both);
        if (once_in(both, 2)) both->ask(both, both->db, &both->now);
        if (once_in(both, 3)) use_reader(both);
        if (step % 50 == 0) both->check(both, both->db, &both->now);
        if (step % 50 == 1 && is_reading(both)) both->check(both, both->reader, &both->read);
    }
    printf("%u statements, %u with rows, %u with errors; %u refused commits, %u changes of the table, %u copies\n",
           both->statements, both->answers, both->errors, both->refused, both->changed, both->copied);
    if (steps > 50) ck_assert_uint_gt(both->answers, 0);
    __atomic_fetch_add(&compared->statements, both->statements, __ATOMIC_RELAXED);
    __atomic_fetch_add(&compared->histories, 1, __ATOMIC_RELAXED);
}

void both_close(struct both *both) {
    close_both(both);
    sql_scratch_remove(both->directory);
    sqlite3_free(both->directory);
    sqlite3_free(both->path);
}

int differential_run(struct suite_case of) {
    const char *asked = getenv("ART_TEST_STATEMENTS");
    uint64_t wanted = asked ? strtoull(asked, NULL, 0) : 0;
    int failed;
    sql_link();
    compared = mmap(NULL, sizeof *compared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (compared == MAP_FAILED) abort();
    do {
        failed = suite_run_as(of);
    } while (!failed && compared->statements < wanted);
    printf("compared: %llu statements in %llu histories, SQLite %s%s\n", (unsigned long long)compared->statements,
           (unsigned long long)compared->histories, sqlite3_libversion(), failed ? ", and not all agreed" : "");
    return failed;
}
