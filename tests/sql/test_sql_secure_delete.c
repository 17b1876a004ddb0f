/* PRAGMA secure_delete: what was deleted is in none of the database's files any more, once art_vacuum() has merged it
 * away and nobody reads what was before.
 *
 * Every value has a mark of its own. The files are searched for marks, byte by byte, and one that belongs to no row is
 * a trace: in a blob, in a free slot, between the pages of a blob, in slot 0, in the database or its journal. */
#include <dirent.h>

#include "tests/support/sql_one.h"

enum { MARKS_MAX = 200000, DIGITS = 8 };
static const char mark[] = "<mark:";
enum { MARK = sizeof mark - 1 };

static sqlite3_stmt *put, *removal;
static bool alive[MARKS_MAX];
static int marks;

static const struct way {
    const char *journal, *storage;
} ways[] = {{"WAL", "file"}, {"DELETE", "file"}, {"WAL", "inline"}, {"DELETE", "inline"}};
/* But for the last: with a rollback journal SQLite leaves what was rolled back in pages that were free. */
enum { WAYS = LENGTH(ways), WAYS_OF_ROLLBACK = WAYS - 1 };

static void set_up(void) {
    sql_set_up();
    marks = 0;
    memset(alive, 0, sizeof alive);
}

static void tear_down(void) {
    sqlite3_finalize(put);
    sqlite3_finalize(removal);
    put = removal = NULL;
    sql_tear_down();
}

static void create(int way, const char *options) {
    run("PRAGMA journal_mode=%s; PRAGMA secure_delete=ON", ways[way].journal);
    run("CREATE VIRTUAL TABLE t USING art(path, value, storage=%s%s)", ways[way].storage, options);
}

/* --- traces ------------------------------------------------------------------------------------------------------- */

struct found {
    int traces, live;
    char where[400]; /* the first trace */
};

static void search_file(const char *name, struct found *found) {
    FILE *in = fopen(TEXT("%s/%s", directory, name), "rb");
    ck_assert_ptr_nonnull(in);
    fseek(in, 0, SEEK_END);
    size_t bytes = (size_t)ftell(in);
    rewind(in);
    char *data = calloc(1, bytes + MARK + DIGITS + 2);
    ck_assert_uint_eq(fread(data, 1, bytes, in), bytes);
    for (char *at = data; (at = memmem(at, bytes - (size_t)(at - data), mark, MARK)); at += MARK) {
        if (at[MARK + DIGITS] != '>') continue; /* cut in two by a page's end */
        int number = atoi(at + MARK);
        ck_assert(number >= 0 && number < MARKS_MAX);
        if (alive[number]) {
            found->live++;
            continue;
        }
        if (!found->traces++) {
            size_t offset = (size_t)(at - data);
            snprintf(found->where, sizeof found->where, "mark %d in %s, slot %zu, page %zu", number, name,
                     offset / 524288, offset % 524288 / 4096);
        }
    }
    free(data);
    fclose(in);
}

static struct found search(void) {
    struct found found = {0};
    DIR *list = opendir(directory);
    for (struct dirent *entry; (entry = readdir(list));) {
        if (entry->d_name[0] != '.' && !strstr(entry->d_name, "-shm")) search_file(entry->d_name, &found);
    }
    closedir(list);
    return found;
}

/* An ordinary table's pages are in the WAL as long. */
static void no_traces(const char *when) {
    run("PRAGMA wal_checkpoint(TRUNCATE)");
    struct found found = search();
    ck_assert_msg(!found.traces, "%s: %d traces, the first: %s", when, found.traces, found.where);
    int rows = 0;
    for (int i = 0; i < marks; i++) rows += alive[i];
    ck_assert_msg(found.live >= rows, "%s: %d of %d rows found", when, found.live, rows);
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

/* A row has the mark at its value's beginning and end, and each chunk's length apart between them. */
static char *value_of(int number, int length) {
    char *value = malloc((size_t)length + 1), text[MARK + DIGITS + 2];
    int len = snprintf(text, sizeof text, "%s%0*d>", mark, DIGITS, number);
    memset(value, 'v', (size_t)length);
    value[length] = 0;
    for (int at = 0; at + len <= length; at += 4000) memcpy(value + at, text, (size_t)len);
    if (length >= 2 * len) memcpy(value + length - len, text, (size_t)len);
    return value;
}

/* Returns its number, under which it is not alive yet. */
static int put_row(int key, int length) {
    ck_assert_int_lt(marks, MARKS_MAX);
    if (!put) put = sql_prepare(db, "REPLACE INTO t VALUES(printf('d%%d/key-%%06d', ?1 %% 13, ?1), ?2)");
    sqlite3_bind_int(put, 1, key);
    sqlite3_bind_text(put, 2, value_of(marks, length), length, free);
    ck_assert_int_eq(sqlite3_step(put), SQLITE_DONE);
    sqlite3_reset(put);
    return marks++;
}

static void delete_row(int key) {
    if (!removal) removal = sql_prepare(db, "DELETE FROM t WHERE path = printf('d%%d/key-%%06d', ?1 %% 13, ?1)");
    sqlite3_bind_int(removal, 1, key);
    ck_assert_int_eq(sqlite3_step(removal), SQLITE_DONE);
    sqlite3_reset(removal);
}

static void put_rows(int from, int count, int length) {
    run("SAVEPOINT rows");
    for (int i = 0; i < count; i++) alive[put_row(from + i, length)] = true;
    run("RELEASE rows");
}

/* Every number was put once, under its own key, from `first` on. */
static void delete_rows(int first, int key, int count, int part) {
    run("SAVEPOINT rows");
    for (int i = 0; i < count; i += part) {
        delete_row(key + i);
        alive[first + i] = false;
    }
    run("RELEASE rows");
}

LOOP_TEST(test_what_was_deleted_is_in_no_file_behind_art_vacuum, 5 * WAYS) {
    static const struct {
        int rows, length, part;
    } tables[] = {{6000, 60, 3}, {1500, 3000, 2}, {400, 9000, 2}, {60, 100000, 2}, {6000, 60, 1}};
    create(_i % WAYS, "");
    int rows = tables[_i / WAYS].rows, length = tables[_i / WAYS].length;
    for (int i = 0; i < 5; i++) {
        put_rows(i * rows / 5, rows / 5, length);
        run("INSERT INTO t(t) VALUES('flush')");
    }
    delete_rows(0, 0, rows, tables[_i / WAYS].part);
    run("SELECT art_vacuum('t')");
    no_traces("vacuumed");
    run("DELETE FROM t; INSERT INTO t(t) VALUES('flush')");
    memset(alive, 0, sizeof alive);
    put_rows(rows, 3, length);
    run("SELECT art_vacuum('t')");
    no_traces("emptied");
    expect("3|ok\n", "SELECT count(*), art_check('t') FROM t");
}

/* What a snapshot shows is not deleted, and goes behind it. */
LOOP_TEST(test_rows_of_a_dropped_snapshot_are_in_no_file_behind_art_vacuum, WAYS) {
    create(_i, "");
    put_rows(0, 6000, 60);
    run("INSERT INTO t(t, snapshot) VALUES('snapshot', 'a')");
    delete_rows(0, 0, 6000, 2);
    run("INSERT INTO t(t) VALUES('flush'); INSERT INTO t(t, snapshot) VALUES('snapshot', 'b')");
    put_rows(6000, 300, 3000);
    run("SELECT art_vacuum('t'); PRAGMA wal_checkpoint(TRUNCATE)");
    ck_assert_int_ge(search().traces, 3000);
    run("INSERT INTO t(t, snapshot) VALUES('drop snapshot', 'b'); SELECT art_vacuum('t')");
    ck_assert_int_ge(search().traces, 3000);
    run("INSERT INTO t(t, snapshot) VALUES('drop snapshot', 'a'); SELECT art_vacuum('t')");
    no_traces("dropped and vacuumed");
    expect("3300|ok\n", "SELECT count(*), art_check('t') FROM t");
}

/* A flush by itself leaves long rows of the log to be written over: then no page is written as zeros that is soon taken
 * again. */
LOOP_TEST(test_long_rows_of_the_log_are_written_over_or_go_with_optimize, WAYS) {
    enum { LENGTH = 20000 };
    create(_i, "");
    int rows = 0, flushes = 0, pages = 0;
    for (; flushes < 5; rows++) {
        alive[put_row(rows, LENGTH)] = true;
        if (sql_info(db, "log rows")) continue;
        flushes++;
        ck_assert_int_gt(sql_int(db, "SELECT count(*) FROM t_artdata"), 100);
        if (flushes == 2) pages = (int)sql_int(db, "PRAGMA page_count");
        sqlite3 *fresh = sql_open(path);
        ck_assert_int_eq(sql_int(fresh, "SELECT count(*) FROM t"), rows + 1);
        sql_expect(fresh, "ok\n", "SELECT art_check('t')");
        sql_close(fresh);
    }
    bool in_file = !strcmp(ways[_i].storage, "file");
    if (in_file) ck_assert_int_lt(sql_int(db, "PRAGMA page_count"), pages + pages / 8);
    delete_rows(0, 0, rows, 2);
    run("SELECT art_vacuum('t')");
    expect("1\n", "SELECT count(*) FROM t_artdata");
    no_traces("vacuumed");
    expect("ok\n", "SELECT art_check('t')");
}

/* Another art_vacuum() finds all in order, but for what earlier blobs have left in the slots of later ones. */
LOOP_TEST(test_what_lies_between_the_pages_of_a_blob_is_overwritten_too, WAYS) {
    create(_i, ", log_limit='64KB'");
    for (int i = 0; i < 40; i++) {
        int first = marks;
        put_rows(i * 100, 200, 400);
        if (i % 3 == 0) delete_rows(first, i * 100, 200, 1);
        run("INSERT INTO t(t) VALUES('flush')");
    }
    memset(alive, 0, sizeof alive);
    run("DELETE FROM t; INSERT INTO t(t) VALUES('flush')");
    put_rows(100000, 150, 100);
    run("INSERT INTO t(t) VALUES('flush'); SELECT art_vacuum('t')");
    no_traces("vacuumed");
}

LOOP_TEST(test_what_was_rolled_back_is_in_no_file_either, WAYS_OF_ROLLBACK) {
    create(_i, ", spill_limit='32KB', log_limit='32KB'");
    put_rows(0, 300, 200);
    for (int i = 0; i < 3; i++) {
        run("BEGIN");
        for (int k = 0; k < 4; k++) {
            for (int row = 0; row < 200; row++) put_row(1000 + row, 300);
            run("SAVEPOINT s%d", k);
        }
        run("ROLLBACK TO s1; ROLLBACK TO s0");
        for (int row = 0; row < 300; row++) put_row(5000 + row, 300);
        run("ROLLBACK");
    }
    run("SELECT art_vacuum('t')");
    no_traces("vacuumed");
    expect("300|ok\n", "SELECT count(*), art_check('t') FROM t");
}

/* --- names -------------------------------------------------------------------------------------------------------- */

static bool is_in_a_file(const char *text) {
    run("PRAGMA wal_checkpoint(TRUNCATE)");
    return !sql_shell("grep -qaF '%s' *", text);
}

/* Names are coded by tables of what is frequent in them, which go from blob to blob. */
LOOP_TEST(test_what_was_frequent_in_deleted_names_is_in_no_table_of_symbols, WAYS) {
    create(_i, "");
    run("INSERT INTO t WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT 30000) SELECT "
        "printf('patients/%%08x/%%s', i * 2654435761 %% 4294967296, iif(i %% 2, 'HIV.pdf', 'visit-' || i)), i FROM n; "
        "INSERT INTO t(t) VALUES('optimize')");
    ck_assert(is_in_a_file("/HIV.pdf"));
    run("DELETE FROM t WHERE path GLOB '*/HIV.pdf'; SELECT art_vacuum('t')");
    ck_assert(!is_in_a_file("HIV.pdf"));
    expect("15000|ok\n", "SELECT count(*), art_check('t') FROM t");
}

/* A separator is the beginning of a row's path. What takes the place of a leaf blob begins with other rows, maybe. */
LOOP_TEST(test_no_separator_is_the_path_of_a_deleted_row, WAYS) {
    create(_i, "");
    run("INSERT INTO t WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT 24000) SELECT printf('%%s/%%07d', "
        "iif(i < 9000, 'a', iif(i < 15000, 'm/SECRET-DIRECTORY', 'z')), i), hex(randomblob(300)) FROM n; "
        "INSERT INTO t(t) VALUES('optimize'); INSERT INTO t(t, snapshot) VALUES('snapshot', 's'); "
        "CREATE TEMP TABLE d AS SELECT path FROM t('m/'); DELETE FROM t WHERE path IN (SELECT path FROM d); "
        "INSERT INTO t(t) VALUES('optimize'); INSERT INTO t(t, snapshot) VALUES('drop snapshot', 's'); "
        "SELECT art_vacuum('t')");
    ck_assert(!is_in_a_file("SECRET-DIRECTORY"));
    int64_t before = sql_info(db, "pages written");
    run("SELECT art_vacuum('t')");
    ck_assert_int_lt(sql_info(db, "pages written") - before, 8);
    expect("18000|ok\n", "SELECT count(*), art_check('t') FROM t");
}

/* What a reader stands on is there, and goes behind him. */
TEST(test_what_a_reader_sees_stays_until_he_has_ended) {
    create(0, "");
    put_rows(0, 3000, 300);
    run("INSERT INTO t(t) VALUES('flush')");
    sqlite3 *reader = sql_open(path);
    sql_run(reader, "BEGIN");
    sql_expect(reader, "3000\n", "SELECT count(*) FROM t");
    delete_rows(0, 0, 3000, 2);
    run("INSERT INTO t(t) VALUES('optimize'); INSERT INTO t(t) VALUES('optimize')");
    sql_expect(reader, "3000|ok\n", "SELECT count(*), art_check('t') FROM t WHERE value GLOB '<mark:*'");
    ck_assert_int_ge(search().traces, 1500);
    sql_run(reader, "COMMIT");
    run("SELECT art_vacuum('t')");
    no_traces("the reader has ended");
    sql_close(reader);
}

/* In a transaction it takes another one: the base must be there until the commit. */
LOOP_TEST(test_in_a_transaction_the_next_one_overwrites, WAYS) {
    create(_i, "");
    put_rows(0, 3000, 300);
    run("INSERT INTO t(t) VALUES('flush'); BEGIN");
    delete_rows(0, 0, 3000, 2);
    run("INSERT INTO t(t) VALUES('optimize'); COMMIT; PRAGMA wal_checkpoint(TRUNCATE); SELECT art_vacuum('t')");
    no_traces("vacuumed");
}

/* Where savepoints are open nothing is cut off, and no other transaction follows. (In WAL mode an older SQLite lets no
 * slot be written again there: ext/host/journal.c.) */
LOOP_TEST(test_what_stays_a_part_of_the_file_is_overwritten, WAYS) {
    if (_i == 0 && sqlite3_libversion_number() < 3053002) return;
    create(_i, "");
    put_rows(0, 8000, 400);
    run("INSERT INTO t(t) VALUES('flush'); BEGIN; SAVEPOINT s");
    delete_rows(0, 0, 8000, 2);
    run("INSERT INTO t(t) VALUES('optimize'); COMMIT; PRAGMA wal_checkpoint(TRUNCATE); BEGIN");
    put_rows(10000, 1, 50);
    run("SAVEPOINT s");
    put_rows(20000, 1, 50);
    run("INSERT INTO t(t) VALUES('optimize'); COMMIT");
    no_traces("again");
    expect("4002|ok\n", "SELECT count(*), art_check('t') FROM t");
}

/* A file that snapshots keep long has free slots, which are holes since somebody has overwritten them. Zeros are not
 * written there once more. */
LOOP_TEST(test_holes_of_the_file_stay_holes, 2) {
    enum { MEGABYTES = 256, PAGES_OF_THEM = MEGABYTES * 256 };
    create(_i, "");
    put_rows(0, 8000, 400);
    run("INSERT INTO t(t) VALUES('optimize')");
    delete_rows(0, 0, 8000, 2);
    ck_assert_int_eq(sql_shell("truncate -s %dM *.art", MEGABYTES), 0);
    int64_t before = sql_info(db, "pages written");
    run("INSERT INTO t(t) VALUES('optimize')");
    ck_assert_int_lt(sql_info(db, "pages written") - before, PAGES_OF_THEM / 8);
    run("PRAGMA wal_checkpoint(TRUNCATE); SELECT art_vacuum('t')");
    no_traces("vacuumed");
}

/* All keys of a run begin alike, and that stands in the root and its copies in slot 0, which were longer. */
LOOP_TEST(test_what_keys_had_in_common_is_not_in_the_roots_copies, WAYS) {
    create(_i, "");
    marks = 2;
    for (int i = 0; i < 3; i++) {
        run("INSERT INTO t SELECT printf('%%.3000c', 'p') || '<mark:00000001>/' || i, 1 FROM (WITH n(i) AS (SELECT %d "
            "UNION ALL SELECT i + 1 FROM n LIMIT 300) SELECT i FROM n); INSERT INTO t(t) VALUES('flush')",
            i * 1000);
    }
    if (_i < 2) ck_assert_int_ge(search().traces, 2);
    run("DELETE FROM t");
    put_rows(0, 10, 50);
    run("SELECT art_vacuum('t')");
    no_traces("vacuumed");
}

/* Nor the name of a directory that was deleted as one thing, which the root keeps for salvage. */
LOOP_TEST(test_the_name_of_a_deleted_directory_is_in_no_root, WAYS) {
    create(_i, "");
    marks = 2;
    run("WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 12400) INSERT INTO t "
        "SELECT iif(i <= 400, 'a/', 'b<mark:00000001>/') || i, 1 FROM n; INSERT INTO t(t) VALUES('flush')");
    run("INSERT INTO t(t, prefix) VALUES('delete', 'b<mark:00000001>/')");
    expect("1|12000\n", "SELECT (SELECT value FROM art_debug('t') WHERE property = 'cut ranges'), value FROM "
                        "art_debug('t') WHERE property = 'rows by directory'");
    ck_assert_int_ge(search().traces, 1);
    run("SELECT art_vacuum('t')");
    no_traces("vacuumed");
    expect("400|ok\n", "SELECT count(*), art_check('t') FROM t");
}

/* A table without a row has roots without a label, which are short. */
LOOP_TEST(test_what_was_in_an_emptied_table_is_in_no_file, 2 * WAYS) {
    bool optimizes = _i >= WAYS;
    create(_i % WAYS, "");
    marks = 2;
    run("INSERT INTO t SELECT printf('%%.3000c', 'p') || '<mark:00000001>/' || value, 1 FROM "
        "json_each('[1, 2, 3]'); INSERT INTO t(t) VALUES('flush')");
    put_rows(0, 3000, 300);
    run("INSERT INTO t(t) VALUES('flush')");
    put_rows(3000, 10, 9000);
    run("DELETE FROM t");
    memset(alive, 0, sizeof alive);
    expect("1\n", "SELECT value FROM art_debug('t') WHERE property = 'times emptied'");
    const char *pack = "INSERT INTO t(t) VALUES('optimize'); PRAGMA wal_checkpoint(TRUNCATE)";
    for (int i = 0; optimizes && i < 2; i++) run("%s", pack);
    if (!optimizes) run("SELECT art_vacuum('t')");
    no_traces(optimizes ? "optimized" : "vacuumed");
    expect("0|ok\n", "SELECT count(*), art_check('t') FROM t");
}

/* Set later, it holds for what was deleted before, too. (What SQLite left in free pages of the database goes with
 * VACUUM.) A table that is never without a row: else nothing would be left in any case. */
LOOP_TEST(test_off_leaves_traces_and_on_takes_them, 4) {
    TEXTS(settings, "OFF", "FAST");
    create(_i % 2, "");
    run("PRAGMA secure_delete=%s; INSERT INTO t VALUES('kept', 1)", settings[_i / 2]);
    for (int i = 0; i < 20; i++) {
        int first = marks;
        put_rows(i * 100, 400, 400);
        if (i % 2) delete_rows(first, i * 100, 400, 1);
        run("INSERT INTO t(t) VALUES('flush')");
    }
    memset(alive, 0, sizeof alive);
    run("DELETE FROM t WHERE path <> 'kept'");
    put_rows(100000, 1300, 100);
    run("SELECT art_vacuum('t'); VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
    ck_assert_int_gt(search().traces, 0);
    run("PRAGMA secure_delete=ON; SELECT art_vacuum('t')");
    no_traces("on");
}

LOOP_TEST(test_any_history_leaves_no_trace, WAYS) {
    enum { KEYS = 3000 };
    static int holds[KEYS];
    uint64_t seed = random_seed();
    struct random random = {seed};
    printf("secure_delete: %s, %s: seed %llu\n", ways[_i].journal, ways[_i].storage, (unsigned long long)seed);
    create(_i, ", spill_limit='64KB', log_limit='32KB'");
    for (int i = 0; i < KEYS; i++) holds[i] = -1;
    for (unsigned step = random_rounds(12); step--;) {
        if (!random_span(&random)) continue;
        bool back = random_once_in(&random, 4) && _i < WAYS_OF_ROLLBACK;
        run("BEGIN");
        for (unsigned i = random_below(&random, 1500); i--;) {
            int key = (int)random_below(&random, KEYS), length = 30 + (int)random_below(&random, 600);
            bool deletes = random_once_in(&random, 3);
            if (random_once_in(&random, 40)) length *= 30;
            if (random_once_in(&random, 60)) run("SAVEPOINT s");
            if (deletes) delete_row(key);
            int number = deletes ? -1 : put_row(key, length);
            if (back) continue;
            if (holds[key] >= 0) alive[holds[key]] = false;
            holds[key] = number;
            if (number >= 0) alive[number] = true;
        }
        run(back ? "ROLLBACK" : "COMMIT");
        if (random_once_in(&random, 3)) run("INSERT INTO t(t) VALUES('flush')");
        if (random_once_in(&random, 5)) {
            run("SELECT art_vacuum('t')");
            no_traces("vacuumed");
        }
    }
    run("SELECT art_vacuum('t')");
    no_traces("in the end");
    expect("ok\n", "SELECT art_check('t')");
}

SUITE("secure_delete", .seconds = 120, .set_up = set_up, .tear_down = tear_down)
