/* hash(*) and hash(values): of the same rows the same sums, whatever has happened to them.
 *
 * Random statements are run on an art table and on an ordinary one. Of the latter's rows a function of the test's own
 * makes the hashes, as sql/sums.md says they are made, out of what SQLite shows.
 */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/tree/state/hooks.h"
#include "tests/support/sql_one.h"

/* --- what the hashes are ------------------------------------------------------------------------------------------ */

/* A record, as SQLite's page about its file format says, of at most 13,000 bytes. */
struct record {
    uint8_t header[20], body[13000];
    size_t types, bytes;
};

static void add_type(struct record *record, uint64_t type) {
    if (type >= 0x4000) record->header[++record->types] = (uint8_t)(type >> 14 | 0x80);
    if (type >= 0x80) record->header[++record->types] = (uint8_t)(type >> 7 | 0x80);
    record->header[++record->types] = type & 0x7f;
}

static void add_number(struct record *record, uint64_t type, uint64_t number, unsigned bytes) {
    add_type(record, type);
    while (bytes--) record->body[record->bytes++] = (uint8_t)(number >> 8 * bytes);
}

static void add_integer(struct record *record, int64_t x) {
    static const uint8_t bytes[] = {1, 2, 3, 4, 6, 8};
    unsigned type = 0;
    while (type < 5 && (x < -(INT64_C(1) << (8 * bytes[type] - 1)) || x >= INT64_C(1) << (8 * bytes[type] - 1))) type++;
    add_number(record, x == 0 || x == 1 ? 8 + (uint64_t)x : type + 1, (uint64_t)x, x == 0 || x == 1 ? 0 : bytes[type]);
}

static void add_value(struct record *record, sqlite3_value *value) {
    int type = sqlite3_value_type(value);
    double real = sqlite3_value_double(value);
    uint64_t bits;
    memcpy(&bits, &real, 8);
    if (type == SQLITE_NULL) add_type(record, 0);
    if (type == SQLITE_INTEGER) add_integer(record, sqlite3_value_int64(value));
    if (type == SQLITE_FLOAT) add_number(record, 7, bits, 8);
    if (type != SQLITE_TEXT && type != SQLITE_BLOB) return;
    const void *data = sqlite3_value_blob(value);
    size_t len = (size_t)sqlite3_value_bytes(value);
    add_type(record, 12 + 2 * len + (type == SQLITE_TEXT));
    ck_assert_uint_le(record->bytes + len, sizeof record->body);
    if (len) memcpy(record->body + record->bytes, data, len);
    record->bytes += len;
}

static uint64_t hash_record(sqlite3_value **values, int count) {
    struct record record = {.types = 0};
    uint8_t whole[sizeof record];
    while (count && sqlite3_value_type(values[count - 1]) == SQLITE_NULL) count--;
    for (int i = 0; i < count; i++) add_value(&record, values[i]);
    record.header[0] = (uint8_t)++record.types;
    memcpy(whole, record.header, record.types);
    memcpy(whole + record.types, record.body, record.bytes);
    return XXH3_64bits(whole, count ? record.types + record.bytes : 0);
}

/* row_hash(key or NULL, values ...) */
static void row_hash(sqlite3_context *context, int count, sqlite3_value **values) {
    uint64_t hash = hash_record(values + 1, count - 1);
    const void *key = sqlite3_value_blob(values[0]);
    size_t len = (size_t)sqlite3_value_bytes(values[0]);
    if (sqlite3_value_type(values[0]) != SQLITE_NULL) hash = XXH3_64bits_withSeed(key ? key : "", len, hash);
    sqlite3_result_int64(context, (sqlite3_int64)hash);
}

/* sum64(integer): modulo 2^64. */
static void add_hash(sqlite3_context *context, int count, sqlite3_value **values) {
    uint64_t *sum = sqlite3_aggregate_context(context, sizeof *sum);
    *sum += (uint64_t)sqlite3_value_int64(values[0]) * (uint64_t)count;
}

static void end_hash(sqlite3_context *context) {
    uint64_t *sum = sqlite3_aggregate_context(context, 0);
    sqlite3_result_int64(context, sum ? (sqlite3_int64)*sum : 0);
}

static void set_up(void) {
    ART_IN_TESTS(sql_link(); art_test_hooks = (struct art_test_hooks){.blob_pages = 4};)
    sql_set_up();
    sqlite3_create_function(db, "row_hash", -1, SQLITE_UTF8, NULL, row_hash, NULL, NULL);
    sqlite3_create_function(db, "sum64", 1, SQLITE_UTF8, NULL, NULL, add_hash, end_hash);
}

/* --- histories ---------------------------------------------------------------------------------------------------- */

/* So many columns; the last one is added later. */
static const char *columns;

static void compare_all(const char *prefix) {
    const char *rows = TEXT("(SELECT path, row_hash(path, %s) AS h, row_hash(NULL, %s) AS v FROM b)", columns, columns);
    int n = (int)strlen(prefix);
    alike_as("SELECT path, hash, hash_values FROM t ORDER BY path",
             TEXT("SELECT path, h, v FROM %s ORDER BY path", rows));
    alike_as(TEXT("SELECT art_hash('t', '%s'), art_hash_values('t', '%s')", prefix, prefix),
             TEXT("SELECT sum64(h), sum64(v) FROM %s WHERE substr(path, 1, %d) = '%s'", rows, n, prefix));
    alike_as(TEXT("SELECT path, hash, hash_values FROM t WHERE prefix = '%s' AND delimiter = '/'", prefix),
             TEXT("SELECT CASE instr(substr(path, %d), '/') WHEN 0 THEN path ELSE substr(path, 1, %d + "
                  "instr(substr(path, %d), '/')) END AS name, sum64(h), sum64(v) FROM %s WHERE substr(path, 1, %d) = "
                  "'%s' GROUP BY 1 ORDER BY 1",
                  n + 1, n, n + 1, rows, n, prefix));
}

/* Values of all types, in columns of all; some in chunks, some that SQLite keeps in another way than it shows. */
static void put(unsigned rows) {
    run("DELETE FROM r; INSERT OR REPLACE INTO r WITH i(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i LIMIT %u) SELECT "
        "printf('%%c/%%c/f%%d', 97 + draw(3), 120 + draw(3), draw(90)), "
        "CASE draw(9) WHEN 0 THEN 1 WHEN 1 THEN 1.0 WHEN 2 THEN x'' WHEN 3 THEN '' WHEN 4 THEN x'31' WHEN 5 THEN '1' "
        "WHEN 6 THEN -9223372036854775807 - draw(2) WHEN 7 THEN 'text ' || i END, draw(1000) - 500, draw(3), CASE "
        "draw(20) WHEN 0 THEN hex(zeroblob(2000 + draw(4000))) WHEN 1 THEN NULL ELSE 'note ' || draw(5) END FROM i",
        rows);
    both("INSERT OR REPLACE INTO @(path, any, size, part, note) SELECT * FROM r");
}

static void go_to(const char *verb, char from, char to, bool stays) {
    both(TEXT("DELETE FROM @ WHERE path GLOB '%c/*'", to));
    run("INSERT INTO t(t, prefix, path) VALUES('%s', '%c/', '%c/')", verb, from, to);
    run("CREATE TEMP TABLE g AS SELECT * FROM b WHERE path GLOB '%c/*'", from);
    run("UPDATE g SET path = '%c' || substr(path, 2); INSERT INTO b SELECT * FROM g; DROP TABLE g", to);
    if (!stays) run("DELETE FROM b WHERE path GLOB '%c/*'", from);
}

static void change(struct random *random) {
    uint32_t n = random_below(random, 1000);
    char from = "abc"[n % 3], to = "bcd"[n % 3];
    switch (random_below(random, 10)) {
    case 0:
        both(TEXT("DELETE FROM @ WHERE size %% 5 = %u", n % 5));
        return;
    case 1:
        if (strstr(columns, "more")) both(TEXT("UPDATE @ SET more = size WHERE size %% 5 = %u", n % 5));
        both(TEXT("UPDATE @ SET %s WHERE size %% 7 = %u",
                  n % 2 ? "size = size + 1, part = NULL" : "note = any, any = note", n % 7));
        return;
    case 2:
        both(TEXT("UPDATE OR REPLACE @ SET path = path || '%u' WHERE size %% 11 = %u", n % 10, n % 11));
        return;
    case 3:
        go_to(n % 2 ? "move" : "copy", from, to, n % 2 == 0);
        return;
    case 4:
        run("INSERT INTO t(t) VALUES('%s')", n % 3 ? "flush" : "optimize");
        return;
    case 5:
        both(TEXT("DELETE FROM @ WHERE path GLOB '%c/*'", from));
        return;
    default:
        put(n % 4 ? 30 : 600);
    }
}

static void change_schema(struct random *random, unsigned step, unsigned rounds) {
    if (step == rounds / 2) {
        run("INSERT INTO t(t) VALUES('summary=(max(size))')");
        change(random);
        run("INSERT INTO t(t) VALUES('summary=(sum(size), hash(values), hash(*))')");
    } else if (step == rounds / 3) {
        run("INSERT INTO t(t) VALUES('add column more REAL'); ALTER TABLE b ADD COLUMN more REAL");
        columns = "any, size, part, note, more";
    }
}

/* What a snapshot has, and rows that come back out of it; and what moves blobs. */
static void look_back(struct random *random) {
    sql_snapshot(db, "s");
    run("CREATE TEMP TABLE k AS SELECT * FROM b");
    for (unsigned n = 3; n--;) change(random);
    if (random_once_in(random, 2)) run("VACUUM; SELECT art_vacuum('t')");
    alike_as("SELECT art_hash('t', '', 's'), art_hash_values('t', '', 's')",
             TEXT("SELECT sum64(row_hash(path, %s)), sum64(row_hash(NULL, %s)) FROM k", columns, columns));
    both("DELETE FROM @ WHERE path GLOB 'b/*'");
    run("INSERT INTO t(path, %s) SELECT path, %s FROM t WHERE snapshot = 's' AND path GLOB 'b/*';"
        "INSERT INTO b SELECT * FROM k WHERE path GLOB 'b/*'; DROP TABLE k",
        columns, columns);
    sql_snapshot_drop(db, "s");
    compare_all("b/");
}

LOOP_TEST(test_hashes_are_those_of_the_rows_whatever_was_done, 4) {
    TEXTS(variants, "log_limit='2KB'", "log_limit='1KB', spill_limit='4KB'", "storage=inline",
          "storage=inline, log_limit='1KB', spill_limit='8KB'");
    struct random random = random_announced_with("hashes", random_seed() + (uint64_t)_i);
    sql_lend_draw(db, &random);
    run("PRAGMA page_size = %d", _i % 2 ? 512 : 8192);
    run("CREATE VIRTUAL TABLE t USING art(path, any, size INTEGER, part REAL, note TEXT, %s, "
        "summary=(hash(*), hash(values)))",
        variants[_i]);
    run("CREATE TABLE b(path TEXT PRIMARY KEY, any, size INTEGER, part REAL, note TEXT) WITHOUT ROWID;"
        "CREATE TABLE r(path TEXT PRIMARY KEY, any, size, part, note)");
    columns = "any, size, part, note";
    for (unsigned rounds = random_rounds(60), step = rounds; step--;) {
        if (!random_span(&random)) continue;
        bool within = random_once_in(&random, 3);
        ART_IN_TESTS(art_test_hooks.as_one = random_once_in(&random, 2); art_test_hooks.few_names = step % 2;)
        change_schema(&random, step, rounds);
        run(within ? "BEGIN; SAVEPOINT s" : "SAVEPOINT s");
        for (unsigned n = random_below(&random, 4); n--;) change(&random);
        if (random_once_in(&random, 3)) run("ROLLBACK TO s");
        compare_all(random_once_in(&random, 2) ? "" : "b/");
        run(within ? random_once_in(&random, 4) ? "ROLLBACK" : "COMMIT" : "RELEASE s");
        if (random_once_in(&random, 8)) look_back(&random);
        kept_clear();
    }
    expect("ok\n", "SELECT art_check('t')");
    /* and, after few rounds, that it has no file yet */
    expect("ok: 1 art table\n", "SELECT substr(art_verify(), 1, 15)");
}

/* The same rows in another table, another storage, another order of writing; and what is not the same. */
TEST(test_other_tables_have_equal_hashes_of_equal_rows) {
    run("CREATE VIRTUAL TABLE t USING art(path, a, b, summary=(hash(*), hash(values)));"
        "CREATE VIRTUAL TABLE u USING art(path, a, b, storage=inline, summary=(max(b), hash(values), hash(*)))");
    run("INSERT INTO t(path, a, b) VALUES('a/1', 1, NULL), ('a/2', NULL, 1), ('b/1', 1, NULL), ('c/2', 1.0, 2)");
    run("INSERT INTO u(path, a, b) SELECT path, a, b FROM t ORDER BY path DESC");
    expect("1|1\n",
           "SELECT art_hash('t', '') = art_hash('u', ''), art_hash_values('t', 'c') = art_hash_values('u', 'c')");
    expect("1|0|0\n", "SELECT art_hash_values('t', 'a/1') = art_hash_values('t', 'b/1'), art_hash('t', 'a/1') = "
                      "art_hash('t', 'b/1'), art_hash_values('t', 'a/1') = art_hash_values('t', 'a/2')");
    sql_snapshot(db, "s");
    run("UPDATE t SET a = CAST(a AS INTEGER) WHERE path = 'c/2'");
    expect("0|1|0\n", "SELECT art_hash('t', '', NULL) = art_hash('u', ''), art_hash('t', '', 's') = art_hash('u', ''), "
                      "art_hash('t', 'none') + art_hash_values('t', 'none')");
    expect(
        "c/|1|1\n",
        "WITH g AS (SELECT * FROM art_growth('t', 'hash', 's', NULL, '', '/')) SELECT path, old_total = art_hash('u', "
        "'c/'), total = (SELECT sum64(x) FROM (SELECT old_total AS x FROM g UNION ALL SELECT growth FROM g)) FROM g");
    expect("c/2|1|1\n", "SELECT path, total = hash_values, hash = art_hash('t', path) FROM art_growth('t', "
                        "'hash_values', 's', NULL, '', '/', 2) JOIN t USING (path)");
}

/* Keys of several columns, and of BLOBs: their bytes. */
TEST(test_the_bytes_of_keys_are_hashed) {
    run("CREATE VIRTUAL TABLE t USING art(key=(place, n DESC), place TEXT, n INTEGER, value, summary=(hash(*)));"
        "CREATE VIRTUAL TABLE u USING art(id BLOB, value, summary=(hash(*)))");
    run("INSERT INTO t(place, n, value) VALUES('x', 1, 'v'), ('x', 2, NULL), ('y', 1, 2.5);"
        "INSERT INTO u(id, value) VALUES(x'', 1), (x'00', 'v'), (x'00ff', NULL)");
    alike_as("SELECT art_hash('t', ''), art_hash('t', art_key('t', 'x'))",
             "SELECT sum64(h), sum64(iif(place = 'x', h, 0)) FROM (SELECT place, row_hash(art_key, NULL, NULL, value) "
             "AS h FROM t)");
    alike_as("SELECT art_hash('u', x''), art_hash('u', x'00')",
             "SELECT sum64(h), sum64(iif(id > x'', h, 0)) FROM (SELECT id, row_hash(id, value) AS h FROM u)");
}

/* Keys of several columns that came in another order, and rows that have nothing but a path. */
TEST(test_what_has_no_values_or_many_keys_has_equal_hashes_too) {
    run("CREATE VIRTUAL TABLE t USING art(key=(place, n DESC), place TEXT, n INTEGER, value, summary=(hash(*)));"
        "CREATE VIRTUAL TABLE u USING art(key=(place, n DESC), place TEXT, n INTEGER, value, storage=inline, "
        "summary=(hash(values), hash(*))); CREATE VIRTUAL TABLE w USING art(path, summary=(hash(*), hash(values)))");
    run("WITH i(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i LIMIT 3000) INSERT INTO t(place, n, value) SELECT "
        "printf('%%c', 97 + i %% 5), i, nullif(i %% 3, 0) FROM i; INSERT INTO t(t) VALUES('flush')");
    run("BEGIN; INSERT INTO u(place, n, value) SELECT place, n, value + n FROM t ORDER BY n %% 17, n; COMMIT;"
        "UPDATE u SET value = value - n; INSERT INTO u(u) VALUES('optimize');"
        "INSERT INTO w(path) SELECT place || n FROM t");
    expect("1|1\n", "SELECT art_hash('t', '') = art_hash('u', ''), art_hash('t', art_key('t', 'c')) = "
                    "art_hash('u', art_key('u', 'c'))");
    alike_as("SELECT art_hash('w', ''), art_hash_values('w', 'b')",
             "SELECT sum64(row_hash(path)), sum64(iif(path GLOB 'b*', row_hash(NULL), 0)) FROM w");
}

TEST(test_hidden_columns_of_hashes_are_read) {
    run("CREATE VIRTUAL TABLE t USING art(path, hash, summary=(hash(*)))");
    run("INSERT INTO t(path, hash) VALUES('a', 5), ('b', 6)");
    expect("1|1\n", "SELECT sum(art_hash = art_hash('t', path)) = 2, count(hash_values) = 0 FROM t");
    EACH(write, "INSERT INTO t(path, art_hash) VALUES('c', 1)", "UPDATE t SET art_hash = 1",
         "UPDATE t SET art_hash = 1 FROM (SELECT 'a' AS p) WHERE p = path") {
        refuses(SQLITE_ERROR, "the hidden column art_hash cannot be written", write);
    }
    run("UPDATE t SET hash = n FROM (SELECT 'a' AS p, 7 AS n UNION ALL SELECT 'b', 8) WHERE p = path");
    expect("a|7\nb|8\n", "SELECT path, hash FROM t");
    refuses(SQLITE_ERROR, "art_hash is a hidden column's name", "INSERT INTO t(t) VALUES('add column art_hash')");
    run("INSERT INTO t(t) VALUES('summary=(sum(hash))')");
    run("INSERT INTO t(t) VALUES('add column hash_values')");
    refuses(SQLITE_ERROR, "art: the table has no hash(*) (main.t)", "SELECT art_hash('t', '')");
    refuses(SQLITE_ERROR, "art: the table has no hash(values) (main.t)",
            "SELECT * FROM art_growth('t', 'art_hash_values', NULL, NULL, '', '/')");
}

/* Its name is that of the column which takes commands. */
TEST(test_a_table_called_hash_takes_commands) {
    run("CREATE VIRTUAL TABLE hash USING art(path, value, summary=(hash(*)))");
    run("INSERT INTO hash(path, value) VALUES('a', 1); INSERT INTO hash(hash) VALUES('flush')");
    expect("1|\n", "SELECT art_hash = art_hash('hash', ''), hash_values FROM hash");
    refuses(SQLITE_ERROR, "art: hash is a hidden column of this table", "SELECT hash FROM hash");
    refuses(SQLITE_ERROR, "art_hash is a hidden column's name", "INSERT INTO hash(hash) VALUES('add column art_hash')");
    run("ALTER TABLE hash RENAME TO hash_values; INSERT INTO hash_values(hash_values) VALUES('add column more')");
    expect("1|\n", "SELECT hash = art_hash('hash_values', ''), art_hash_values FROM hash_values");
    refuses(SQLITE_ERROR, "art: hash_values is a hidden column of this table", "SELECT hash_values FROM hash_values");
    run("INSERT INTO hash_values(hash_values) VALUES('summary=(hash(values))')");
    expect("1|\n", "SELECT art_hash_values = art_hash_values('hash_values', ''), hash FROM hash_values");
}

CASE("files", .seconds = 300, .set_up = set_up, .tear_down = sql_tear_down)

TEST(test_copies_and_what_is_salvaged_have_equal_hashes) {
    static const char rows[] = "(path, a, b REAL, c TEXT, summary=(hash(*), max(b), hash(values)))";
    run("CREATE VIRTUAL TABLE t USING art%s; CREATE VIRTUAL TABLE saved USING art%s", rows, rows);
    run("WITH i(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i LIMIT 3000) INSERT INTO t(path, a, b, c) SELECT "
        "printf('%%c/%%d', 97 + i %% 5, i), nullif(i %% 7, 0), i / 4.0, iif(i %% 500, NULL, hex(zeroblob(i + 2000))) "
        "FROM i; INSERT INTO t(t) VALUES('optimize'); UPDATE t SET a = x'01' WHERE path GLOB 'c/*1'");
    EACH(copy, "art_backup('%q')", "art_backup('%q', 'main', 'inline')", "art_publish('%q')") {
        static unsigned number;
        char *file = TEXT("%s/copy-%u.db", directory, number++), *call = TEXT(copy, file);
        run("SELECT %s; ATTACH '%q' AS other", call, file);
        expect("1|1|1\n", "SELECT art_hash('t', 'c/') = art_hash('other.t', 'c/'), art_hash_values('t', '') = "
                          "art_hash_values('other.t', ''), art_hash('t', '') = art_hash('other.t', '')");
        expect("ok\n", "SELECT art_check('other.t')");
        run("DETACH other");
    }
    run("CREATE VIRTUAL TABLE temp.s USING art_salvage('t'); INSERT INTO saved(path, a, b, c) SELECT path, a, b, c "
        "FROM s ORDER BY length(path), path");
    expect(
        "1|1\n",
        "SELECT art_hash('t', '') = art_hash('saved', ''), art_hash_values('t', 'b') = art_hash_values('saved', 'b')");
}

SUITE("sql_hashes", .seconds = 300, .set_up = set_up, .tear_down = sql_tear_down)
