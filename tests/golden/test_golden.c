/* Golden files: small tables in each format that some version of art has written, made by that version
 * (tests/golden/make). Each is opened, compared with what it showed when it was made, checked, written to, and put in
 * order by 'optimize', behind which it is the same table. A version that cannot read one breaks a promise
 * (sql/machines.md). So from 1.0.0 on no archive is made anew: a version that writes something new gets one of its own,
 * beside those that are there.
 *
 * <case>-<storage>.db has a table t, and <case>.rows what it showed; <case>.<snapshot>.rows the same of a snapshot.
 */
#include <unistd.h>

#include "ext/columns/block_format.h"
#include "tests/support/sql_one.h"
#include "tests/support/stored_blobs.h"

/* Each in both storages. */
static const struct golden {
    const char *archive, *of;
    bool blobs, coded;         /* leaf blobs; some of them with coded names */
    int log_rows, runs, cuts;  /* log_rows: at least */
    const char *const *states; /* names of snapshots */
} goldens[] = {
    {"1.0", "plain", true, false, 4, 3, 0, NULL},
    {"1.0", "columns", true, false, 1, 2, 0, NULL},
    {"1.0", "many", true, false, 1, 1, 0, NULL},
    {"1.0", "summary", true, false, 4, 3, 0, NULL},
    {"1.0", "hashes", true, false, 4, 3, 0, NULL},
    {"1.0", "texts", true, false, 5, 3, 0, NULL},
    {"1.0", "names", true, true, 1, 2, 0, NULL},
    {"1.0", "keys", true, false, 1, 1, 0, NULL},
    {"1.0", "log", false, false, 4, 0, 0, NULL},
    {"1.0", "left", true, false, 1, 1, 0, NULL},
    {"1.0", "cuts", true, true, 1, 2, 1, NULL},
    {"1.0", "snapshots", true, false, 1, 1, 0, (const char *const[]){"monday", "tuesday", NULL}},
    {"1.0", "hot", true, false, 1, 3, 0, NULL},
    {"1.0", "wal", true, false, 1, 1, 0, NULL},
};
static const char *const storages[] = {"file", "inline"};
enum { STORAGES = LENGTH(storages), GOLDENS = STORAGES * LENGTH(goldens) };

static const struct golden *golden;
static const char *storage;

static char *in_folder(const char *suffix) {
    return TEXT("%s/%s-%s.db%s", directory, golden->of, storage, suffix);
}

static char *unpacked; /* a folder with a folder for each archive */

static bool unpack_all(void) {
    const char *last = "";
    unpacked = sql_scratch("golden");
    for (int i = 0; i < LENGTH(goldens); i++) {
        const char *name = goldens[i].archive;
        char *command = TEXT("mkdir '%s/%s' && gzip -dc tests/golden/%s.tar.gz | tar -xf - -C '%s/%s'", unpacked, name,
                             name, unpacked, name);
        if (strcmp(name, last) != 0 && system(command)) return false; // NOLINT(cert-env33-c)
        last = name;
    }
    return true;
}

static void take(int number) {
    golden = &goldens[number / STORAGES];
    storage = storages[number % STORAGES];
    char *from = TEXT("%s/%s/%s", unpacked, golden->archive, golden->of);
    ck_assert_int_eq(sql_shell("cp '%s-%s.db'* '%s'*.rows .", from, storage, from), 0);
    sqlite3_free(path);
    path = sqlite3_mprintf("%s", in_folder(""));
}

static void open_golden(int number) {
    take(number);
    db = sql_open(path);
    sql_run(db, "PRAGMA synchronous = OFF");
}

/* --- what they hold ----------------------------------------------------------------------------------------------- */

LOOP_TEST(test_the_golden_files_are_of_this_format, GOLDENS) {
    open_golden(_i);
    expect("10|0A00\n", "SELECT v, hex(substr(ops, 5, 2)) FROM t_artstate, t_artdata WHERE k = 'format' AND csn = 0");
    struct stored_blobs blobs = stored_blobs(db, directory, "t"); /* it opens all of them */
    ck_assert_int_eq(blobs.leaves > 0, golden->blobs);
    ck_assert_int_eq(blobs.coded > 0, golden->coded);
    ck_assert_int_ge(sql_info(db, "log rows"), golden->log_rows);
    ck_assert_int_eq(sql_info(db, "runs"), golden->runs);
    ck_assert_int_eq(sql_info(db, "cut ranges"), golden->cuts);
    ck_assert_int_eq(sql_info(db, "snapshots"), golden->states ? 2 : 0);
    if (golden->states) ck_assert_int_gt(sql_info(db, "held slots"), 0);
}

/* Else the next version would read what this one can do, and not what it has written. */
LOOP_TEST(test_blocks_of_every_kind_are_among_them, GOLDENS) {
    open_golden(_i);
    if (!golden->blobs) return;
    struct stored_blobs blobs = stored_blobs(db, directory, "t");
    ck_assert_int_gt(blobs.in_blocks, 0);
    if (!strcmp(golden->of, "columns")) {
        ck_assert_uint_eq(blobs.encodings, (1u << ART_COLUMN_ENCODINGS) - 1);
        ck_assert(blobs.sparse && blobs.apart && blobs.raw && blobs.references && blobs.plain);
    }
    if (!strcmp(golden->of, "many")) ck_assert(blobs.raw && !blobs.references);
}

/* Does the file begin with these bytes? */
static bool begins_with(const char *file, const char *bytes, size_t len) {
    char begins[16] = {0};
    FILE *from = fopen(file, "rb");
    if (!from) return false;
    bool same = fread(begins, len, 1, from) == 1 && memcmp(begins, bytes, len) == 0;
    fclose(from);
    return same;
}

/* Else SQLite has nothing to roll back or to read there, and the files tell nothing. */
LOOP_TEST(test_a_journal_among_them_is_hot_and_a_wal_has_commits, 2) {
    static const char journal_magic[] = "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7";
    for (int i = 0; i < GOLDENS; i++) {
        if (strcmp(goldens[i / STORAGES].of, _i ? "wal" : "hot") != 0) continue;
        take(i);
        char *journal = in_folder("-journal"), *wal = in_folder("-wal");
        if (!_i) ck_assert(begins_with(journal, journal_magic, 8));
        if (_i) ck_assert(begins_with(wal, "\x37\x7f\x06", 3));
        db = sql_open(path);
        expect(_i ? "0\n" : "40|0\n", _i ? "SELECT count(*) FROM t WHERE path GLOB 'usr/02/*'"
                                         : "SELECT count(*), sum(pad LIKE '-%') FROM other");
        ck_assert_int_ne(access(journal, F_OK), 0);
        sql_close(db);
        db = NULL;
    }
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

/* Each value by its type and bytes: no version of SQLite writes that otherwise. */
#define VALUE(column)                                                                                                  \
    "|| '|' || typeof(" column ") || CASE typeof(" column ") WHEN 'real' THEN printf('%%.3f', " column                 \
    ") WHEN 'text' THEN hex(" column ") WHEN 'blob' THEN hex(" column ") WHEN 'null' THEN '' ELSE " column " END"

static char *values_of(const char *table, const char *condition) {
    return sql_rows(db,
                    "SELECT ''" VALUE("path") VALUE("size") VALUE("price") VALUE("note")
                        VALUE("pad") " FROM %s %s ORDER BY path, price DESC, size",
                    table, condition);
}

static char *read_file(const char *name) {
    FILE *file = fopen(name, "rb");
    ck_assert_msg(file, "%s", name);
    ck_assert(!fseek(file, 0, SEEK_END));
    long size = ftell(file);
    char *text = sqlite3_malloc64((sqlite3_uint64)size + 1);
    rewind(file);
    ck_assert(text && fread(text, 1, (size_t)size, file) == (size_t)size);
    text[size] = 0;
    fclose(file);
    return text;
}

static void shows(const char *name, const char *condition) {
    char *expected = read_file(TEXT("%s/%s.rows", directory, name)), *rows = values_of("t", condition);
    ck_assert_msg(strlen(expected) > 100 && !strcmp(rows, expected), "%s-%s is not what it was", name, storage);
    sqlite3_free(expected);
    sqlite3_free(rows);
}

LOOP_TEST(test_hashes_of_the_rows_are_what_they_were, STORAGES) {
    for (int i = _i; i < GOLDENS; i += STORAGES) {
        if (strcmp(goldens[i / STORAGES].of, "hashes") != 0) continue;
        open_golden(i);
        expect("7690385622600899187|4668498595477318751|-924429149285213731\n",
               "SELECT art_hash('t', ''), art_hash_values('t', ''), art_hash('t', 'usr/')");
    }
}

static void is_whole(void) {
    expect("ok\n", "SELECT art_check('t')");
    expect("ok: 1 art table\n", "SELECT substr(art_verify(), 1, 15)");
}

static void snapshots_show_the_same(void) {
    for (const char *const *state = golden->states; state && *state; state++)
        shows(TEXT("%s.%s", golden->of, *state), TEXT("WHERE snapshot = '%s'", *state));
}

LOOP_TEST(test_each_is_read_as_it_was_made, GOLDENS) {
    open_golden(_i);
    shows(golden->of, "");
    snapshots_show_the_same();
    is_whole();
    sql_run(db, "CREATE VIRTUAL TABLE temp.seen USING art_salvage('t')");
    char *expected = values_of("t", ""), *rows = values_of("temp.seen", "");
    ck_assert(!strcmp(expected, rows));
    sqlite3_free(expected);
    sqlite3_free(rows);
}

/* Of a table with a summary: sums, a value and pieces of texts. */
LOOP_TEST(test_what_is_summed_and_found_in_each_is_right, GOLDENS) {
    open_golden(_i);
    sql_run(db, "CREATE TABLE twin(path, size, price, note); INSERT INTO twin SELECT path, size, price, note FROM t");
    EACH(same, "SELECT count(*), group_concat(path) FROM (SELECT path FROM @ WHERE note = 'note of 7' ORDER BY path)",
         "SELECT count(*), group_concat(path) FROM (SELECT path FROM @ WHERE path LIKE '%/file-01__5%' ORDER BY path)",
         "SELECT count(*), group_concat(path) FROM (SELECT path FROM @ WHERE note LIKE '%of 22%' ORDER BY path)",
         "SELECT count(*), group_concat(path) FROM (SELECT path FROM @ WHERE size > 1000 ORDER BY path)",
         "SELECT count(*), group_concat(path) FROM (SELECT path FROM @ WHERE size BETWEEN 20000 AND 30000 ORDER BY "
         "path)",
         "SELECT path, price FROM @ WHERE price IS NOT NULL ORDER BY price DESC, path LIMIT 20") {
        char *ours = sql_rows(db, "%s", kept(sql_named(same, "t"))),
             *theirs = sql_rows(db, "%s", kept(sql_named(same, "twin")));
        ck_assert_str_eq(ours, theirs);
        sqlite3_free(ours);
        sqlite3_free(theirs);
    }
    bool sums = golden->states;
    EACH(of, "summary", "cuts", "columns") sums |= !strcmp(golden->of, of);
    EACH(prefix, "usr/", "moved/0", "log/01", "lower/", "pads/001") {
        if (!sums) break;
        char *expected = sql_rows(
            db, "SELECT coalesce(sum(iif(typeof(size) = 'integer', size, 0)), 0) FROM twin WHERE path GLOB %Q || '*'",
            prefix);
        ck_assert_str_eq(kept(sql_rows(db, "SELECT coalesce(art_sum('t', 'size', %Q), 0)", prefix)), kept(expected));
    }
}

/* --- and on ------------------------------------------------------------------------------------------------------- */

static void expect_twin(void) {
    char *expected = values_of("twin", ""), *rows = values_of("t", "");
    ck_assert_msg(!strcmp(expected, rows), "%s-%s: not the ordinary table's rows", golden->of, storage);
    sqlite3_free(expected);
    sqlite3_free(rows);
}

static void on_both(const char *statement) {
    sql_run(db, "%s; %s", kept(sql_named(statement, "t")), kept(sql_named(statement, "twin")));
}

static void change_both(int round) {
    on_both(TEXT("INSERT INTO @(path, size, price, note, pad) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1"
                 " FROM n WHERE i < 60) SELECT 'usr/0' || (i %% 7) || '/new-%d-' || i, i, i / 2.0, 'new', NULL FROM n",
                 round));
    on_both("UPDATE @ SET note = 'written', size = 77 WHERE path GLOB '*/01/*' OR path GLOB 'long/*'");
    on_both("DELETE FROM @ WHERE path GLOB '*/06/*'");
}

/* Where no snapshot holds what was there before, most entries are in blocks by now. */
static void is_in_order(void) {
    expect("done\n", "SELECT substr(art_vacuum('t'), 1, 4)");
    struct stored_blobs blobs = stored_blobs(db, directory, "t");
    ck_assert_int_gt(blobs.in_blocks, blobs.plain);
    is_whole();
}

/* What was there before is written to, flushed, and put in order. */
LOOP_TEST(test_each_is_written_to_and_put_in_order, GOLDENS) {
    static const char *const commands[] = {NULL, "flush", "optimize"};
    open_golden(_i);
    sql_run(db, "CREATE TABLE twin(path TEXT, size INTEGER, price REAL, note TEXT, pad, UNIQUE(path, price, size));"
                "INSERT INTO twin SELECT path, size, price, note, pad FROM t");
    for (int round = 0; round < LENGTH(commands); round++) {
        sql_run(db, "BEGIN");
        change_both(round);
        if (commands[round]) sql_run(db, "INSERT INTO t(t) VALUES(%Q)", commands[round]);
        sql_run(db, "COMMIT");
        expect_twin();
    }
    snapshots_show_the_same();
    for (const char *const *state = golden->states; state && *state; state++)
        sql_run(db, "INSERT INTO t(t, snapshot) VALUES('drop snapshot', %Q)", *state);
    sql_reopen();
    is_whole();
    expect_twin();
    is_in_order();
}

LOOP_TEST(test_each_is_put_in_order_as_it_is, GOLDENS) {
    open_golden(_i);
    sql_run(db, "INSERT INTO t(t) VALUES('optimize')");
    sql_reopen();
    shows(golden->of, "");
    snapshots_show_the_same();
    is_whole();
    if (!golden->states) is_in_order();
    shows(golden->of, "");
}

int main(void) {
    bool there = unpack_all();
    if (!there) puts("FAILED: the archives cannot be unpacked: run the test in the project's folder");
    int failed =
        there ? suite_run("golden", .seconds = SUITE_FOREVER, .set_up = sql_set_up_closed, .tear_down = sql_tear_down)
              : 1;
    sql_scratch_remove(unpacked);
    sqlite3_free(unpacked);
    return failed != 0;
}
