/* Every policy has a counter in art_debug, which moves when the policy helps: here each is made to help once. */
#include "tests/support/sql_one.h"

static void set_up(void) {
    sql_set_up();
    sql_create(db, "t", "cache='2MB'");
}

static void fill(const char *prefix, unsigned rows) {
    fill_rows("OR REPLACE INTO t(path, value)", 0, rows, "printf('%q/%%06d', i), printf('%%0100d', i)", prefix);
}

static void flush(void) {
    run("INSERT INTO t(t) VALUES('flush')");
}

static void is_more(const char *property, sqlite3_int64 than) {
    sqlite3_int64 now = sql_info(db, property);
    ck_assert_msg(now > than, "'%s' is %lld, and was %lld", property, (long long)now, (long long)than);
}

TEST(test_lookups_count_what_they_were_spared) {
    fill("k", 5000);
    flush();
    run("INSERT INTO t VALUES('k/000100/x', 1), ('k/004900/x', 1)");
    flush();
    run("INSERT INTO t VALUES('a', 1)");
    sqlite3_int64 filtered = sql_info(db, "lookups filtered"), passed = sql_info(db, "memtable passed");
    for (int i = 0; i < 2; i++) {
        expect("1000\n", "WITH n(i) AS (SELECT 200 UNION ALL SELECT i + 1 FROM n LIMIT 1000) "
                         "SELECT count(value) FROM n CROSS JOIN t ON path = printf('k/%06d', i)");
    }
    ck_assert_int_ge(sql_info(db, "lookups filtered"), filtered + 1900);
    ck_assert_int_ge(sql_info(db, "memtable passed"), passed + 1900);
    run("DELETE FROM t WHERE path < 'k/001000'");
    sqlite3_int64 gaps = sql_info(db, "gaps passed");
    for (int i = 0; i < 3; i++) sql_int(db, "SELECT min(path) > '' FROM t");
    is_more("gaps passed", gaps);
}

/* Adds 2,000 rows to one run: how many of these did a filter tell to be new? *pages: read for it. */
static sqlite3_int64 filtered_of_new_rows(sqlite3_int64 *pages) {
    run("INSERT INTO t(t) VALUES('optimize')");
    sqlite3_int64 before = sql_info(db, "lookups filtered"), read = sql_info(db, "pages read");
    run("BEGIN; INSERT INTO t(path) WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT 2000) "
        "SELECT printf('k%%08X', i * 2654435761 & 4294967295) || 'new' FROM n");
    *pages = sql_info(db, "pages read") - read;
    sqlite3_int64 filtered = sql_info(db, "lookups filtered") - before;
    run("ROLLBACK");
    return filtered;
}

TEST(test_a_new_row_of_a_table_larger_than_its_cache_reads_no_others) {
#ifdef __EMSCRIPTEN__
    printf("skipped: a table larger than its cache: no part of a blob's memory can be given back\n");
    return;
#endif
    sqlite3_int64 pages;
    for (int half = 0; half < 2; half++)
        fill_rows("INTO t(path, value)", 0, 30000, "'k' || hex(randomblob(8)), randomblob(80)");
    ck_assert_int_ge(filtered_of_new_rows(&pages), 1900);
    ck_assert_int_le(pages, 100);
    run("INSERT INTO t(t) VALUES('cache=64MB')"); /* there pages are at hand, and filters only take room */
    run("UPDATE t SET value = 1 WHERE path < 'k1'");
    ck_assert_int_eq(filtered_of_new_rows(&pages), 0);
}

/* Rows are taken from the front of an old run, and asked for what comes next. */
TEST(test_the_best_rows_are_sought_behind_those_that_are_known_to_be_hidden) {
    sql_create(db, "queue", "summary=(max(value))");
    fill_rows("INTO queue(path, value)", 0, 3000, "printf('k%%08x', i * 2654435761 & 4294967295), i");
    sql_command(db, "main", "queue", "flush");
    run("DELETE FROM queue WHERE value < 300");
    ck_assert_int_eq(sql_int(db, "SELECT value FROM queue ORDER BY value LIMIT 1"), 300);
    sqlite3_int64 passed = sql_int(db, "SELECT value FROM art_debug('queue') WHERE property = 'fronts passed'");
    ck_assert_int_eq(sql_int(db, "SELECT value FROM queue ORDER BY value LIMIT 1"), 300);
    sqlite3_int64 again = sql_int(db, "SELECT value FROM art_debug('queue') WHERE property = 'fronts passed'");
    ck_assert_int_gt(again, passed);
    sql_int(db, "SELECT sum(value) FROM (SELECT value FROM queue ORDER BY value LIMIT 90)");
    passed = sql_int(db, "SELECT value FROM art_debug('queue') WHERE property = 'fronts passed'");
    ck_assert_int_lt(passed - again, 60); /* once a page, whatever it gives */
    sqlite3_int64 bytes = sql_int(db, "SELECT value FROM art_debug('queue') WHERE property = 'front bytes'");
    ck_assert_int_gt(bytes, 0);
    ck_assert_int_le(bytes, 4 << 20);
}

/* Rows leave the front of a memtable whose nodes have bounds of all that were ever there. */
TEST(test_bounds_in_memory_are_narrowed_by_the_search_that_finds_them_wide) {
    sql_create(db, "queue", "summary=(max(value))");
    run("INSERT INTO queue(path, value) WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT 3000) SELECT "
        "printf('k%%08x', i * 2654435761 & 4294967295), i FROM n; DELETE FROM queue WHERE value < 300");
    ck_assert_int_eq(sql_int(db, "SELECT value FROM art_debug('queue') WHERE property = 'zones narrowed'"), 0);
    ck_assert_int_eq(sql_int(db, "SELECT value FROM queue ORDER BY value LIMIT 1"), 300);
    sqlite3_int64 once = sql_int(db, "SELECT value FROM art_debug('queue') WHERE property = 'zones narrowed'");
    ck_assert_int_gt(once, 0);
    ck_assert_int_eq(sql_int(db, "SELECT value FROM queue ORDER BY value LIMIT 1"), 300);
    sqlite3_int64 twice = sql_int(db, "SELECT value FROM art_debug('queue') WHERE property = 'zones narrowed'");
    ck_assert_int_lt(twice - once, once / 2); /* those on other ways */
    ck_assert_int_eq(sql_int(db, "SELECT value FROM art_debug('queue') WHERE property = 'front bytes'"), 0);
}

TEST(test_commits_count_what_they_merge_and_what_they_need_not_read) {
    fill("k", 120000);
    flush();
    ck_assert_int_eq(sql_info(db, "flushes"), 1);
    /* Row by row: it does not begin with the range's first. */
    run("DELETE FROM t WHERE path BETWEEN 'k/005000' AND 'k/115000' AND path <> 'k/005000'");
    flush();
    is_more("merges", 0);
    is_more("blobs dropped", 4);
    ck_assert_int_eq(sql_info(db, "flushes joined"), 0);
    run("INSERT INTO t VALUES('k/000001/x', 1)");
    flush();
    fill("k", 300);
    flush();
    ck_assert_int_eq(sql_info(db, "flushes"), 4);
    is_more("flushes joined", 0);
}

/* A row between two directories is a flush. Nothing is to be merged for them. */
TEST(test_rows_between_directories_share_a_run) {
    enum { DIRECTORIES = 10, ROWS = 10000 };
    fill("k", DIRECTORIES * ROWS);
    flush();
    sqlite3_int64 runs = sql_info(db, "runs"), merges = sql_info(db, "merges");
    run("BEGIN");
    for (int i = 0; i < DIRECTORIES; i++) {
        run("INSERT INTO t VALUES('a/%d', 1); INSERT INTO t(t, prefix) VALUES('delete', 'k/0%d')", i, i);
    }
    run("COMMIT");
    ck_assert_int_eq(sql_info(db, "rows by directory"), DIRECTORIES * ROWS);
    ck_assert_int_eq(sql_info(db, "entries"), DIRECTORIES);
    is_more("flushes joined", DIRECTORIES / 2);
    ck_assert_int_le(sql_info(db, "runs"), runs);
    ck_assert_int_eq(sql_info(db, "merges"), merges);
}

/* A flush ends it; what is smaller than a turn of merging does not. */
TEST(test_redo_counts_until_a_commit_merges) {
    ck_assert_int_eq(sql_info(db, "redo bytes since merge"), 0);
    fill("k", 100);
    sqlite3_int64 first = sql_info(db, "redo bytes since merge");
    ck_assert_int_eq(first, sql_info(db, "log bytes"));
    fill("l", 100);
    is_more("redo bytes since merge", first + 100 * 100);
    flush();
    ck_assert_int_eq(sql_info(db, "redo bytes since merge"), 0);
}

TEST(test_scans_count_the_rows_that_sqlite_need_not_see) {
    fill("k", 3000);
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t WHERE path LIKE '%%1234'"), 1);
    ck_assert_int_eq(sql_info(db, "rows filtered"), 2999);
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t WHERE path GLOB '*12[3]4'"), 1);
    ck_assert_int_eq(sql_info(db, "rows filtered"), 2 * 2999);
}

/* All is as right without blocks, and takes twice the room. */
TEST(test_blocks_and_what_scans_have_of_them_are_counted) {
    fill("k", 3000);
    ck_assert_int_eq(sql_info(db, "rows put in blocks"), 0);
    flush();
    ck_assert_int_eq(sql_info(db, "rows put in blocks"), 3000);
    ck_assert_int_lt(sql_info(db, "bytes"), 3000 * 100 * 2 / 3); /* two digits take a byte */
    ck_assert_int_eq(sql_info(db, "blocks chosen from"), 0);
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t WHERE value = '%0100d'", 7), 1);
    sqlite3_int64 blocks = sql_info(db, "blocks chosen from"), stretches = sql_info(db, "stretches");
    ck_assert_int_ge(blocks, 3000 / 128);
    ck_assert_int_lt(blocks, 3000 / 32);
    ck_assert_int_eq(sql_int(db, "SELECT sum(length(value)) FROM t"), 3000 * 100);
    ck_assert_int_eq(sql_info(db, "blocks chosen from"), blocks);
    ck_assert_int_ge(sql_info(db, "stretches") - stretches, 3000 / 128);
    ck_assert_int_lt(sql_info(db, "stretches") - stretches, 3000 / 4);
    run("UPDATE t SET value = value || 'x' WHERE path >= 'k/002000'");
    flush();
    ck_assert_int_eq(sql_info(db, "rows put in blocks"), 3000); /* another run lies below */
    command("optimize");
    ck_assert_int_eq(sql_info(db, "rows put in blocks"), 2 * 3000);
}

TEST(test_coded_names_and_their_tables_are_counted) {
    fill_rows("INTO t", 1, 3000,
              "printf('%%08x/quarterly-report-%%02d.txt', i * 2654435761 %% 4294967296, i %% 100), i");
    flush();
    run("INSERT INTO t VALUES('n', 1); INSERT INTO t(t) VALUES('optimize')");
    ck_assert_int_eq(sql_info(db, "symbol tables trained"), 1);
    ck_assert_int_eq(sql_info(db, "symbol tables kept"), 1);
    ck_assert_int_lt(sql_info(db, "name bytes coded"), sql_info(db, "name bytes") / 2);
}

static void turn(sqlite3_context *context, int argc, sqlite3_value **argv) {
    static int turns;
    sqlite3_result_int(context, turns++);
}

TEST(test_scans_that_count_are_counted) {
    fill("k", 3000);
    ck_assert_int_eq(sql_int(db, "SELECT count(value) FROM t"), 3000);
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t WHERE path LIKE '%%1234'"), 1);
    ck_assert_int_eq(sql_info(db, "scans counted"), 0);
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t WHERE path GLOB 'k/001*'"), 1000);
    ck_assert_int_eq(sql_info(db, "scans counted"), 1);
    ck_assert_int_eq(sqlite3_create_function(db, "turn", 0, SQLITE_UTF8, NULL, turn, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sql_int(db, "SELECT sum(iif(turn() %% 1000 = 0, length(value), 0)) FROM t"), 3 * 100);
    ck_assert_int_eq(sql_info(db, "scans counted"), 2); /* though it has gone to three rows meanwhile */
}

static void look_up(unsigned rows, unsigned step) {
    ck_assert_int_eq(sql_int(db,
                             "WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT %u) "
                             "SELECT count(value) FROM n CROSS JOIN t ON path = printf('k/%%06d', i * %u %% %u)",
                             rows, step, rows),
                     rows);
}

TEST(test_lookups_count_decoded_separators_and_pages_past_the_cache) {
    command("cache=64MB");
    fill("k", 2000);
    flush();
    look_up(2000, 777); /* one blob has no separators above it */
    ck_assert_int_eq(sql_info(db, "separators searched"), 0);
    fill("k", 60000);
    command("optimize");
    look_up(60000, 7777);
    is_more("separators searched", 30000);
    ck_assert_int_eq(sql_info(db, "pages past the cache"), 0);
    command("cache=1MB");
    look_up(60000, 7777);
    is_more("pages past the cache", 1000);
}

TEST(test_flushes_count_what_they_append_and_merges_what_they_move) {
    for (unsigned i = 0; i < 3; i++) {
        fill_rows("INTO t(path, value)", 0, 300, "printf('%u/%%06d', i), randomblob(20000)", i);
        flush();
        ck_assert_int_eq(sql_info(db, "flushes appended"), i);
    }
    ck_assert_int_eq(sql_info(db, "blobs moved"), 0);
    for (unsigned i = 0; i < 40; i++) {
        char prefix[8];
        snprintf(prefix, sizeof prefix, "k%02u", i);
        fill(prefix, 10000);
        flush();
    }
    ck_assert_int_eq(sql_info(db, "flushes appended"), 2);
    is_more("blobs moved", 10);
}

TEST(test_a_difference_counts_the_ranges_that_it_halves) {
    fill("k", 20000);
    command("optimize");
    run("INSERT INTO t(t, snapshot) VALUES('snapshot', 's')");
    run("DELETE FROM t WHERE path IN (SELECT path FROM t LIMIT 1 OFFSET 7777)");
    int64_t before = sql_info(db, "ranges halved");
    expect("1\n", "SELECT count(*) FROM art_diff('t', 's', NULL)");
    ck_assert_int_eq(sql_info(db, "ranges halved"), before);
    command("optimize");
    expect("1\n", "SELECT count(*) FROM art_diff('t', 's', NULL)");
    is_more("ranges halved", before + 3);
}

TEST(test_what_snapshots_share_is_counted) {
    fill("k", 60000);
    command("optimize");
    run("INSERT INTO t VALUES('k/000001/x', 1)");
    command("optimize");
    ck_assert_int_eq(sql_info(db, "blobs kept"), 0);
    run("INSERT INTO t(t, snapshot) VALUES('snapshot', 's')");
    run("INSERT INTO t VALUES('k/000001/y', 1)");
    command("optimize");
    is_more("blobs kept", 1);
    int64_t kept_once = sql_info(db, "blobs kept");
    command("optimize"); /* of nothing */
    ck_assert_int_eq(sql_info(db, "blobs kept"), kept_once);
}

TEST(test_snapshots_that_are_found_open_are_counted) {
    fill("k", 100);
    run("INSERT INTO t(t, snapshot) VALUES('snapshot', 's')");
    expect("100\n", "SELECT count(*) FROM t WHERE snapshot = 's'");
    ck_assert_int_eq(sql_info(db, "snapshots found open"), 0);
    expect("100\n", "SELECT count(*) FROM t WHERE snapshot = 's'");
    ck_assert_int_eq(sql_info(db, "snapshots found open"), 1);
    run("INSERT INTO t(t, snapshot) VALUES('drop snapshot', 's')");
    run("INSERT INTO t(t, snapshot) VALUES('snapshot', 's')");
    expect("100\n", "SELECT count(*) FROM t WHERE snapshot = 's'");
    ck_assert_int_eq(sql_info(db, "snapshots found open"), 1);
}

TEST(test_searches_count_the_pages_that_they_pass_over) {
    static const char needle[] = "SELECT count(*) FROM s WHERE path LIKE '%needle%'";
    sql_create(db, "s", "path, mtime INTEGER, summary=(search(path), max(mtime), lookup(mtime)), log_limit='64MB'");
    fill_rows("INTO s(path, mtime)", 0, 200000, "printf('d%%06d', i) || iif(i = 40000, 'needle', ''), i");
    sql_command(db, "main", "s", "optimize");
    int64_t all = sql_int(db, "SELECT value / 4096 FROM art_info('s') WHERE property = 'bytes'");
    TEXTS(asked, needle, "SELECT count(*) FROM s WHERE mtime = 777",
          "SELECT count(*) FROM (SELECT mtime FROM s WHERE path LIKE '%needle%' ORDER BY mtime DESC LIMIT 3)");
    for (unsigned i = 0, was = 0; i < 3; i++) {
        ck_assert_int_eq(sql_int(db, "%s", asked[i]), 1);
        int64_t passed = sql_int(db, "SELECT value FROM art_debug('s') WHERE property = 'pages passed'") - was;
        ck_assert_msg(passed > all / 2 && passed < all, "%s: %lld of %lld", asked[i], (long long)passed,
                      (long long)all);
        was += (unsigned)passed;
    }
    int64_t chosen = sql_int(db, "SELECT value FROM art_debug('s') WHERE property = 'blocks chosen from'");
    ck_assert(chosen && chosen < 20); /* of the pages that may have the value */
    int64_t before = sql_int(db, "SELECT value FROM art_debug('s') WHERE property = 'pages passed'");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM s WHERE +path LIKE '%%needle%%'"), 1);
    ck_assert_int_eq(sql_int(db, "SELECT value FROM art_debug('s') WHERE property = 'pages passed'"), before);
}

TEST(test_walks_count_what_was_read_ahead_and_batches_of_a_ring) {
    fill("k", 60000);
    flush();
    sqlite3_int64 before = sql_info(db, "blobs read ahead");
    ck_assert_int_eq(sql_int(db, "SELECT sum(length(value)) FROM t"), 60000 * 100);
    bool ring = sql_int(db, "SELECT value = 'uring' FROM art_debug('t') WHERE property = 'io'");
    ck_assert_int_eq(sql_info(db, "ring batches") > 0, ring);
    ck_assert_int_eq(sql_info(db, "blobs read ahead") > before, ring);
    ck_assert_int_eq(sql_info(db, "blobs read in vain"), 0);
    command("cache=4MB");
    ck_assert_int_eq(sql_int(db, "SELECT sum(length(value)) FROM (SELECT value FROM t LIMIT 20000)"), 20000 * 100);
    ck_assert_int_eq(sql_info(db, "blobs read in vain") > 0, ring);
}

/* Slots that wait for the WAL to begin anew. */
TEST(test_a_commit_that_makes_a_checkpoint_counts_it) {
    if (sql_has_no_file("an early checkpoint")) return;
    run("PRAGMA journal_mode=WAL");
    fill("k", 60000);
    flush();
    ck_assert_int_eq(sql_info(db, "early checkpoints"), 0);
    for (int i = 0; i < 2; i++) {
        run("BEGIN; UPDATE t SET value = value || 'x'; INSERT INTO t(t) VALUES('optimize'); COMMIT");
    }
    is_more("early checkpoints", 0);
}

/* One more than stay awake. */
TEST(test_a_table_that_is_trimmed_counts_it) {
    ck_assert_int_eq(sql_info(db, "trims"), 0);
    for (unsigned i = 0; i < 20; i++) {
        char name[8];
        snprintf(name, sizeof name, "u%u", i);
        sql_create(db, name, "");
        run("INSERT INTO %s VALUES('a', 1)", name);
    }
    is_more("trims", 0);
}

/* The host finds no room for what the commit leaves. */
TEST(test_a_commit_without_room_is_counted) {
    sql_create(db, "u", "storage=inline");
    run("INSERT INTO u VALUES('a', zeroblob(100000)); INSERT INTO u(u) VALUES('flush')");
    sqlite3_int64 before = sql_int(db, "SELECT value FROM art_debug('u') WHERE property = 'times short of room'");
    ck_assert_int_eq(before, 0);
    run("PRAGMA max_page_count=%d", (int)sql_int(db, "PRAGMA page_count") + 5);
    ck_assert_int_eq(sql_try(db, "INSERT INTO u VALUES('b', randomblob(2000000))") & 0xff, SQLITE_FULL);
    ck_assert_int_eq(sql_int(db, "SELECT value FROM art_debug('u') WHERE property = 'times short of room'"), 1);
}

SUITE("sql_counters", .seconds = 120, .set_up = set_up, .tear_down = sql_tear_down)
