/* Golden files: small tables in each format that some version of art has written, made by that version
 * (tests/golden/make), or by its library for another platform (elsewhere). Each is opened, compared with what it
 * showed when it was made, checked, written to, and put in order by 'optimize', behind which it is the same table. A
 * version that cannot read one breaks a promise (sql/machines.md). So from 1.0.0 on no archive is made anew: a version
 * that writes something new gets one of its own, beside those that are there.
 *
 * <case>-<storage>.db has a table t, and <case>.rows what it showed; <case>.<snapshot>.rows the same of a snapshot.
 */

#include "core/tree/state/hooks.h"
#include "ext/columns/block_format.h"
#include "tests/support/second_opinion.h"
#include "tests/support/sql_one.h"
#include "tests/support/stored_blobs.h"

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

#if defined(__SANITIZE_ADDRESS__)
#define EVERYWHERE "1.0", "1.0.1"
#else /* almost the bytes of 1.0 once more (same_bytes.py) */
#define EVERYWHERE "1.0", "1.0.1", "1.0-linux-aarch64-gnu", "1.0-windows-x86_64", "1.0-wasm32"
#endif

static const struct golden {
    const char *const *archives; /* that have it */
    const char *of;
    bool blobs, coded;         /* leaf blobs; some of them with coded names */
    int log_rows, runs, cuts;  /* log_rows: at least */
    const char *const *states; /* names of snapshots */
    const char *only;          /* this storage; NULL: both */
    const char *database;      /* its page size, auto_vacuum, and how many pages it has at least */
    int indexes;               /* index blobs, at least: where there are none, no run has two leaf blobs */
} goldens[] = {
    {NAMES("1.0", "1.0.1"), "plain", .blobs = true, .log_rows = 4, .runs = 3},
    {NAMES(EVERYWHERE), "columns", .blobs = true, .log_rows = 1, .runs = 2},
    {NAMES("1.0", "1.0.1"), "many", .blobs = true, .log_rows = 1, .runs = 1},
    {NAMES("1.0", "1.0.1", "1.0-vacuum"), "summary", .blobs = true, .log_rows = 4, .runs = 3},
    {NAMES(EVERYWHERE), "hashes", .blobs = true, .log_rows = 4, .runs = 3},
    {NAMES(EVERYWHERE), "texts", .blobs = true, .log_rows = 5, .runs = 3},
    {NAMES(EVERYWHERE), "names", .blobs = true, .coded = true, .log_rows = 1, .runs = 2},
    {NAMES(EVERYWHERE, "1.0-vacuum"), "keys", .blobs = true, .log_rows = 1, .runs = 1},
    {NAMES("1.0", "1.0.1"), "log", .log_rows = 4},
    {NAMES("1.0", "1.0.1"), "left", .blobs = true, .log_rows = 1, .runs = 1},
    {NAMES("1.0", "1.0.1"), "cuts", .blobs = true, .coded = true, .log_rows = 1, .runs = 2, .cuts = 1},
    {NAMES(EVERYWHERE), "snapshots", .blobs = true, .log_rows = 1, .runs = 1, .states = NAMES("monday", "tuesday")},
    {NAMES("1.0", "1.0.1"), "hot", .blobs = true, .log_rows = 1, .runs = 3},
    {NAMES("1.0", "1.0.1"), "wal", .blobs = true, .log_rows = 1, .runs = 1},
    {NAMES("1.0-large", "1.0.1-large"), "far", .blobs = true, .log_rows = 2, .runs = 2,
     .states = NAMES("4100", "8200")},
    {NAMES("1.0-large", "1.0.1-large"), "small", .blobs = true, .log_rows = 1, .runs = 2, .only = "inline",
     .database = "512|0|400"},
    {NAMES("1.0-large", "1.0.1-large"), "full", .blobs = true, .log_rows = 1, .runs = 2, .only = "inline",
     .database = "4096|1|10"},
    {NAMES("1.0-large", "1.0.1-large"), "incremental", .blobs = true, .log_rows = 1, .runs = 2, .only = "inline",
     .database = "4096|2|10"},
    {NAMES("1.0-large", "1.0.1-large"), "wide", .blobs = true, .log_rows = 1, .runs = 2, .only = "inline",
     .database = "65536|0|65537"},
    {NAMES("1.0-more", "1.0.1"), "index", .blobs = true, .log_rows = 1, .runs = 3, .states = NAMES("monday", "tuesday"),
     .indexes = 2},
    {NAMES("1.0-more", "1.0.1"), "published", .blobs = true, .runs = 1, .only = "inline", .indexes = 1},
    {NAMES("1.0-more", "1.0.1"), "units", .blobs = true, .runs = 1, .only = "file"},
    {NAMES("1.0-more", "1.0.1"), "bytes", .blobs = true, .log_rows = 1, .runs = 1, .only = "file"},
    {NAMES("1.0-more", "1.0.1"), "down", .blobs = true, .log_rows = 1, .runs = 1, .only = "file"},
    {NAMES("1.0-more", "1.0.1"), "changed", .blobs = true, .log_rows = 1, .runs = 1, .only = "file"},
    {NAMES("1.0-vacuum", "1.0.1"), "forgotten", .blobs = true, .coded = true, .log_rows = 1, .runs = 1},
    {NAMES("1.0.1-unquiet"), "zombie", .blobs = true, .runs = 1},
    {NAMES("1.0.1-unquiet"), "unsynced", .blobs = true, .log_rows = 1, .runs = 3},
    {NAMES("1.0.1-unquiet"), "retired", .blobs = true, .runs = 1},
    {NAMES("1.0.1-unquiet"), "spilled", .blobs = true, .log_rows = 1, .runs = 3},
    {NAMES("1.0.1-unquiet"), "stuck", .blobs = true, .log_rows = 1, .runs = 3},
    {NAMES("1.0.1-unquiet"), "refused", .blobs = true, .log_rows = 1, .runs = 3},
    {NAMES("1.0.1-unquiet"), "adopted", .blobs = true, .log_rows = 1, .runs = 3, .only = "file"},
    {NAMES("1.0.1-unquiet"), "torn", .blobs = true, .log_rows = 1, .runs = 3, .only = "file"},
};
TEXTS(storages, "file", "inline");

/* Each golden in each of its storages and archives. All are read. Where few rounds are asked for, those of one archive
 * are written to, and under a sanitizer read: the draw says which. */
static struct table {
    const struct golden *golden;
    const char *archive, *storage;
    bool drawn;
} tables[200];
static int table_count;
#define GOLDENS table_count

static bool has_table(const struct golden *of, const char *archive, const char *in) {
    if (of->only) return !strcmp(of->only, in);
    return !strcmp(in, "inline") || !(strstr(archive, "windows") || strstr(archive, "wasm"));
}

static void list_tables(void) {
    struct random random = random_announced("test_golden");
    bool all = random_rounds(100) >= 100;
    for (int i = 0; i < LENGTH(storages) * LENGTH(goldens); i++) {
        const struct golden *of = &goldens[i / LENGTH(storages)];
        int first = table_count;
        for (const char *const *archive = of->archives; *archive; archive++) {
            struct table table = {of, *archive, storages[i % LENGTH(storages)], all};
            if (!has_table(of, *archive, table.storage)) continue;
            if (table_count == LENGTH(tables)) abort();
            tables[table_count++] = table;
        }
        if (table_count > first)
            tables[first + (int)random_below(&random, (uint32_t)(table_count - first))].drawn = true;
    }
}

static const struct golden *golden;
static const char *storage;

static bool is_of(const char *of) {
    return !strcmp(golden->of, of);
}

static char *in_folder(const char *suffix) {
    return TEXT("%s/%s-%s.db%s", directory, golden->of, storage, suffix);
}

static char *unpacked; /* a folder with a folder for each archive */

static bool unpack_all(void) {
    unpacked = sql_scratch("golden");
    for (int i = 0; i < GOLDENS; i++) {
        char *command = TEXT(
            "test -e '%s/%s' || { mkdir '%s/%s' && gzip -dc tests/golden/%s.tar.gz | tar -xf - -C '%s/%s'; }", unpacked,
            tables[i].archive, unpacked, tables[i].archive, tables[i].archive, unpacked, tables[i].archive);
        if (system(command)) return false; // NOLINT(cert-env33-c)
    }
    return true;
}

static void take(int number) {
    golden = tables[number].golden;
    storage = tables[number].storage;
    char *from = TEXT("%s/%s/%s", unpacked, tables[number].archive, golden->of);
    ck_assert_int_eq(sql_shell("cp '%s-%s.db'* '%s'*.rows .", from, storage, from), 0);
    sqlite3_free(path);
    path = sqlite3_mprintf("%s", in_folder(""));
}

static void reopen(void) {
    sql_reopen();
    sql_run(db, "PRAGMA synchronous = OFF");
}

static void open_golden(int number) {
    take(number);
    reopen();
}

/* --- what they hold ----------------------------------------------------------------------------------------------- */

LOOP_TEST(test_the_golden_files_are_of_this_format, GOLDENS) {
    open_golden(_i);
    expect("10|0A00\n", "SELECT v, hex(substr(ops, 5, 2)) FROM t_artstate, t_artdata WHERE k = 'format' AND csn = 0");
    struct stored_blobs blobs = stored_blobs(db, directory, "t"); /* it opens all of them */
    ck_assert_int_eq(blobs.leaves > 0, golden->blobs);
    ck_assert_int_eq(blobs.coded > 0, golden->coded);
    ck_assert_int_ge(blobs.indexes, golden->indexes);
    if (is_of("units")) ck_assert_int_gt(blobs.buckets, 512);
    if (is_of("changed"))
        expect("2\n", "SELECT count(*) FROM pragma_table_info('t_artstate') WHERE name GLOB 'summary *'");
    if (is_of("published")) expect("48\n", "SELECT length(v) FROM t_artstate WHERE k = 'extract'");
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
    if (is_of("columns")) {
        ck_assert_uint_eq(blobs.encodings, (1u << ART_COLUMN_ENCODINGS) - 1);
        ck_assert(blobs.sparse && blobs.apart && blobs.raw && blobs.references && blobs.plain);
    }
    if (is_of("many")) ck_assert(blobs.raw && !blobs.references);
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
        take(i);
        if (!is_of(_i ? "wal" : "hot")) continue;
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

TEST(test_hashes_of_the_rows_are_what_they_were) {
    for (int i = 0; i < GOLDENS; i++) {
        if (strcmp(tables[i].golden->of, "hashes") != 0) continue;
        sql_close(db);
        db = NULL;
        ck_assert_int_eq(sql_shell("rm -f *"), 0);
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
    if (!tables[_i].drawn && random_rounds(100) < 10) return;
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

/* Else random tests could ask for ever (second_opinion.h). */
TEST(test_a_second_opinion_notices_rows_that_are_lost_or_others) {
    open_golden(0);
    char *why;
    ck_assert_msg(second_opinion(db, "SELECT * FROM t", path, "t", NULL, &why), "%s", why);
    if (!second_opinion_count()) return;
    EACH(otherwise, "SELECT * FROM t LIMIT 5", "SELECT * FROM t UNION ALL SELECT 'new', 1, 2, 3, 4",
         "SELECT path, size + (path = 'edge/largest'), price, note, pad FROM t") {
        ck_assert(!second_opinion(db, otherwise, path, "t", NULL, &why));
        ck_assert_ptr_nonnull(strstr(why, "wanted"));
        sqlite3_free(why);
    }
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
        char *ours = kept(sql_rows(db, "%s", kept(sql_named(same, "t")))),
             *theirs = kept(sql_rows(db, "%s", kept(sql_named(same, "twin"))));
        ck_assert_str_eq(ours, theirs);
    }
    bool sums = golden->states || golden->database;
    EACH(of, "summary", "cuts", "columns", "published", "units", "changed") sums |= is_of(of);
    EACH(prefix, "usr/", "moved/0", "log/01", "lower/", "pads/001") {
        if (!sums) break;
        const char *asks = TEXT("SELECT art_sum('t', 'size', %Q)", prefix);
        if (sql_int(db,
                    "SELECT count(*) FROM twin WHERE path GLOB %Q || '*' AND typeof(size) NOT IN ('integer', 'null')",
                    prefix)) {
            refuses(SQLITE_ERROR, "art: a sum is of integers, and this row has none", asks);
            continue;
        }
        char *expected = sql_rows(db, "SELECT coalesce(sum(size), 0) FROM twin WHERE path GLOB %Q || '*'", prefix);
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
                 " FROM n WHERE i < 60) SELECT CAST('usr/0' || (i %% 7) || '/new-%d-' || i AS %s), i, i / 2.0, 'new',"
                 " NULL FROM n",
                 round, is_of("bytes") ? "BLOB" : "TEXT"));
    on_both("UPDATE @ SET note = 'written', size = 77 WHERE path GLOB '*/01/*' OR path GLOB 'long/*'");
    on_both("DELETE FROM @ WHERE path GLOB '*/06/*'");
}

static bool is_inline(void) {
    return !strcmp(storage, "inline");
}

/* Where no snapshot holds what was there before, most entries are in blocks by now. */
static void is_in_order(void) {
    expect("done\n", "SELECT substr(art_vacuum('t'), 1, 4)");
    int64_t bytes = is_inline() ? sql_int(db, "SELECT count(*) * 4096 FROM t_artblob") : sql_info(db, "file bytes");
    ck_assert_int_lt(bytes, 4 << 20);
    struct stored_blobs blobs = stored_blobs(db, directory, "t");
    ck_assert_int_gt(blobs.in_blocks, blobs.plain);
    is_whole();
}

/* Of a file whose owner page is torn nobody says any more that this database had adopted it. */
static void adopt_what_is_torn(void) {
    if (!is_of("torn")) return;
    refuses(SQLITE_ERROR, "art: the .art file is a copy that no database has claimed", "DELETE FROM t");
    sql_run(db, "INSERT INTO t(t) VALUES('adopt')");
}

/* What was there before is written to, flushed, and put in order. */
LOOP_TEST(test_each_is_written_to_and_put_in_order, GOLDENS) {
    static const char *const commands[] = {NULL, "flush", "optimize"};
    if (!tables[_i].drawn) return;
    open_golden(_i);
    adopt_what_is_torn();
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
    reopen();
    is_whole();
    expect_twin();
    is_in_order();
}

LOOP_TEST(test_each_is_put_in_order_as_it_is, GOLDENS) {
    if (!tables[_i].drawn) return;
    open_golden(_i);
    adopt_what_is_torn();
    sql_run(db, "INSERT INTO t(t) VALUES('optimize')");
    reopen();
    shows(golden->of, "");
    snapshots_show_the_same();
    is_whole();
    if (!golden->states) is_in_order();
    shows(golden->of, "");
}

/* --- in the middle of something ----------------------------------------------------------------------------------- */

TEXTS(copies, "unfinished-file", "unfinished-inline", "updated-file", "updated-inline");

LOOP_TEST(test_a_copy_that_art_backup_has_not_finished_is_refused_and_can_be_salvaged, LENGTH(copies)) {
    ck_assert_int_eq(sql_shell("cp '%s/1.0.1-unquiet/%s.db'* .", unpacked, copies[_i]), 0);
    sqlite3_free(path);
    path = sqlite3_mprintf("%s/%s.db", directory, copies[_i]);
    reopen();
    EACH(asks, "SELECT * FROM t", "DELETE FROM t", "INSERT INTO t(t) VALUES('optimize')",
         "INSERT INTO t(t) VALUES('adopt')", "SELECT art_verify()")
    refuses(sqlite3_strglob("*art_verify*", asks) ? SQLITE_ERROR : SQLITE_CORRUPT_VTAB, "this copy is unfinished",
            asks);
    expect("1\n", "SELECT art_check('t') GLOB '*this copy is unfinished*'");
    sql_run(db, "CREATE VIRTUAL TABLE temp.seen USING art_salvage('t')");
    ck_assert_int_ge(sql_int(db, "SELECT count(*) FROM temp.seen"), 400);
    sql_run(db, "DROP TABLE t");
    expect("other\n", "SELECT name FROM sqlite_schema WHERE type = 'table'");
}

/* --- offsets beyond 4 GB, and pages of other sizes ---------------------------------------------------------------- */

static const int64_t GB = 1 << 30;

/* Of all files of the folder together. */
static void holes_are_holes(void) {
    ck_assert_int_eq(sql_shell("test $(du -sk . | cut -f 1) -lt 4096"), 0);
}

static void open_named(const char *of, const char *in) {
    int number = 0;
    while (number < GOLDENS && (strcmp(tables[number].golden->of, of) != 0 || strcmp(tables[number].storage, in) != 0))
        number++;
    ck_assert_int_lt(number, GOLDENS);
    open_golden(number);
}

static void expect_all(void) {
    shows(golden->of, "");
    snapshots_show_the_same();
    is_whole();
}

/* Also `tar` and `cp`, by which they have come here, leave the holes. */
LOOP_TEST(test_blobs_beyond_4_gb_are_in_the_newest_run, LENGTH(storages)) {
    open_named("far", storages[_i]);
    expect("09200000\n", "SELECT hex(substr(ops, 78, 4)) FROM t_artdata WHERE csn = 0"); /* slot 8201 */
    int64_t end = is_inline() ? sql_int(db, "SELECT max(page) * 4096 FROM t_artblob") : sql_info(db, "file bytes");
    ck_assert_int_gt(end, 4 * GB);
    if (is_inline()) ck_assert_int_eq(sql_info(db, "file bytes"), 0);
    holes_are_holes();
}

/* In both storages, and onto an earlier copy: each blob comes to its own slot. */
LOOP_TEST(test_blobs_beyond_4_gb_are_copied, LENGTH(storages)) {
    open_named("far", storages[_i]);
    sql_run(db, "SELECT art_backup(%Q)", copy_path);
    sql_run(db,
            "INSERT INTO t(path) VALUES('gone'); INSERT INTO t(t) VALUES('flush'); DELETE FROM t WHERE path = 'gone';"
            "INSERT INTO t(t) VALUES('flush')");
    sql_run(db, "SELECT art_backup(%Q, 'main', 'update')", copy_path);
    EACH(other, "file", "inline") sql_run(db, "SELECT art_backup('%s/%s.db', 'main', '%s')", directory, other, other);
    EACH(name, "copy", "file", "inline") {
        sql_close(db);
        db = sql_open(TEXT("%s/%s.db", directory, name));
        expect_all();
    }
    holes_are_holes();
}

/* Where nothing can be brought into the WAL, no slot is written again: the file grows. Blobs are small, so that a run
 * has many, under index blobs. */
TEST(test_blobs_are_written_beyond_4_gb) {
    sql_link();
    art_test_hooks.blob_pages = 4;
    open_named("far", "file");
    int64_t before = sql_info(db, "file bytes");
    sql_run(db, "CREATE TABLE twin(path TEXT, size INTEGER, price REAL, note TEXT, pad, UNIQUE(path, price, size));"
                "INSERT INTO twin SELECT path, size, price, note, pad FROM t; PRAGMA journal_mode = WAL;"
                "PRAGMA cache_spill = OFF");
    for (int round = 0; round < 3; round++) {
        change_both(round);
        on_both(
            TEXT("INSERT INTO @(path, size) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <"
                 " 2000) SELECT hex(i * %d) || '/' || i, i FROM n",
                 7919 + round));
        sql_run(db, "INSERT INTO t(t) VALUES('flush')");
        expect_twin();
    }
    ck_assert_int_gt(sql_info(db, "file bytes"), before + (16 << 20));
    sql_run(db, "SELECT art_backup(%Q)", copy_path);
    sql_close(db);
    db = sql_open(copy_path); /* of which nothing is in the cache */
    expect_twin();
    snapshots_show_the_same();
    is_whole();
    holes_are_holes();
}

TEXTS(other_pages, "small", "full", "incremental", "wide");

/* To vacuum a database of 4 GB in its place writes as much. */
LOOP_TEST(test_a_database_of_other_pages_is_whole_and_can_be_vacuumed, LENGTH(other_pages)) {
    open_named(other_pages[_i], "inline");
    char *found = kept(sql_rows(db, "SELECT format('%%s|%%s|', page_size, auto_vacuum) || page_count"
                                    " FROM pragma_page_size, pragma_auto_vacuum, pragma_page_count"));
    const char *least = strrchr(golden->database, '|') + 1;
    ck_assert_msg(!strncmp(found, golden->database, (size_t)(least - golden->database)), "%s", found);
    ck_assert_int_ge(atoll(strrchr(found, '|') + 1), atoll(least));
    expect("ok\n", "PRAGMA integrity_check");
    holes_are_holes();
    if (is_of("wide")) {
        sql_run(db, "VACUUM INTO %Q", copy_path);
        sql_close(db);
        db = sql_open(copy_path);
    } else {
        sql_run(db, "PRAGMA page_size = 2048; PRAGMA auto_vacuum = %s; VACUUM", is_of("full") ? "NONE" : "FULL");
    }
    expect_all();
    sql_run(db, "INSERT INTO t(t) VALUES('optimize')");
    expect_all();
}

int main(void) {
    list_tables();
    bool there = unpack_all();
    if (!there) puts("FAILED: the archives cannot be unpacked: run the test in the project's folder");
    int failed =
        there ? suite_run("golden", .seconds = SUITE_FOREVER, .set_up = sql_set_up_closed, .tear_down = sql_tear_down)
              : 1;
    sql_scratch_remove(unpacked);
    sqlite3_free(unpacked);
    return failed != 0;
}
