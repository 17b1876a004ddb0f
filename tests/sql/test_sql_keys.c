/* Keys that are declared BLOB, and paths by NOCASE, beside an ordinary table with the same rows: random rows, and
 * random queries with literals, subqueries and columns of all types.
 */
#include "tests/support/grammar.h"
#include "tests/support/sql_one.h"

enum { ROUNDS = 6, QUERIES = 60 };

/* The ordinary table has no index that SQLite finds keys by: it would miss BLOBs (workload_rules.c). */
static void set_up(void) {
    sql_set_up();
    run("CREATE VIRTUAL TABLE t USING art(key BLOB, n, summary=(sum(n)));"
        "CREATE TABLE b(key BLOB NOT NULL, n); CREATE UNIQUE INDEX bk ON b(coalesce(key, 0));"
        "CREATE TABLE any(v, i INTEGER, x TEXT);"
        "INSERT INTO any VALUES(x'61', 5, 'a'), ('a', 97, 'ab'), (x'', NULL, ''), (5, 6, '5'), (NULL, 0, NULL), "
        "(x'612f', 61, 'a/'), (x'ff80', 1, x'61'), (x'00', 2, x'ff')");
}

/* Few bytes, among them those that end a text or begin no character, so that keys meet and begin with each other. */
static const char *const of_blobs[] = {
    "byte: 00 | 2f | 61 | 61 | 62 | 80 | ff",
    "blob: x'' | x'$byte' | 2*x'$byte$byte' | 3*x'$byte$byte$byte' | x'61612f$byte$byte$byte$byte'",
    "other: 'a' | '' | 'a/' | 5 | -2.5 | NULL | 'zz'",
    "value: 4*$blob | $other | (SELECT $blob) | (SELECT $other) | (SELECT v FROM any WHERE i = $(0-6))",
    "change: 5*INSERT OR REPLACE INTO @ VALUES($blob, $(0-999)) | DELETE FROM @ WHERE $condition AND $condition | "
    "UPDATE OR REPLACE @ SET n = $(0-999)$(2?, key = CAST($blob || key AS BLOB)) WHERE key = $value | DELETE FROM @ "
    "WHERE key = $value",
    "query: SELECT key, typeof(key), n FROM @ WHERE $where ORDER BY key$(| DESC)$(| LIMIT $(1-9)$(| OFFSET $(0-9))) | "
    "SELECT count(*), min(key), max(key), sum(n) FROM @ WHERE $where | SELECT any.rowid, s.key FROM any $(|LEFT) JOIN "
    "@ AS s ON s.key $by any.$(v|i|x) ORDER BY any.rowid, s.key | SELECT a.key, z.key FROM @ AS a JOIN @ AS z ON z.key "
    "= CAST(a.key || $blob AS BLOB) WHERE a.key < $blob ORDER BY 1 | SELECT key, n FROM @ WHERE $where ORDER BY n "
    "DESC, key LIMIT 5",
    "where: $condition | $condition AND $condition | $condition OR $condition | key GLOB 'a*' OR key GLOB 'a*' AND "
    "$condition | NOT ($condition)",
    "by: = | < | <= | > | >= | <> | IS | IS NOT",
    "condition: 4*key $by $value | key BETWEEN $value AND $value | key IN ($value, $value, $value) | key IN (SELECT "
    "$(v|x) FROM any) | key $(GLOB|LIKE|NOT LIKE) $('a*'|'a%'|'*'|'%b'|x'612a'|'ab') | key IS $(|NOT) NULL | n > "
    "$(0-999) | (key, n) $(<|>|<=|>=) ($value, $(0-999))",
    NULL};

LOOP_TEST(test_keys_of_bytes_are_those_of_an_ordinary_table, 4) {
    struct random random = random_announced_with("blob keys", random_seed() + (uint64_t)_i);
    for (int round = 0; round < ROUNDS; round++) {
        if (!random_span(&random)) continue;
        run("BEGIN");
        for (int i = 0; i < 30; i++) both(grammar_drawn(&random, of_blobs, "$change"));
        run("COMMIT");
        if (random_once_in(&random, 3)) command(random_once_in(&random, 2) ? "flush" : "optimize");
        for (int i = 0; i < QUERIES; i++) alike(grammar_drawn(&random, of_blobs, "$query"));
        expect("ok\n", "SELECT art_check('t')");
        expect("0\n", "SELECT count(*) FROM (SELECT key, row_number() OVER (ORDER BY key) - 1 AS i FROM b) AS b WHERE "
                      "art_nth('t', x'', i) IS NOT key OR art_longest_prefix('t', key) IS NOT key OR "
                      "art_count('t', key) <> (SELECT count(*) FROM b AS o WHERE hex(o.key) GLOB hex(b.key) || '*')");
    }
}

/* --- paths by NOCASE ---------------------------------------------------------------------------------------------- */

static const char *const of_paths[] = {
    "letter: a | A | b | B | / | _ | z | Z | [ | 0 | \xc3\xa9",
    "text: | $letter | 2*$letter$letter | 2*$letter$letter$letter | $letter$letter$letter$letter/$letter | 5 | 05",
    "path: 9*'$text' | CAST(x'6100$(61|41|62)' AS TEXT) | 5 | NULL | x'61'",
    "value: 3*$path | (SELECT $path) | (SELECT x FROM any WHERE i = $(0-6))",
    "change: INSERT OR REPLACE INTO @ VALUES('$text', $(0-99)) | INSERT OR REPLACE INTO @ SELECT "
    "CAST(x'6100$(61|41|62)' AS TEXT), 1",
    "query: SELECT path, n FROM @ WHERE $condition$(| AND $condition) ORDER BY path$(| DESC)$(2*| LIMIT $(1-4)$(| "
    "OFFSET $(0-3))) | SELECT any.rowid, s.path FROM any $(|LEFT) JOIN @ AS s ON s.path $(=|IS) any.$(v|i|x) COLLATE "
    "NOCASE ORDER BY 1, 2 | SELECT path, n FROM @ WHERE $condition OR $condition ORDER BY path",
    "condition: 4*path COLLATE NOCASE $(=|IS) $value | path COLLATE NOCASE IN ($path, $path) | path COLLATE NOCASE IN "
    "(SELECT $(x|i) FROM any) | path $(<|>=) '$text' | path LIKE '$text%' | n > $(0-99)",
    NULL};

LOOP_TEST(test_paths_by_nocase_are_those_of_an_ordinary_table, 4) {
    struct random random = random_announced_with("nocase", random_seed() + (uint64_t)_i);
    run("DROP TABLE t; DROP TABLE b; CREATE VIRTUAL TABLE t USING art(path, n);"
        "CREATE TABLE b(path TEXT PRIMARY KEY NOT NULL, n) WITHOUT ROWID");
    for (int round = 0; round < ROUNDS; round++) {
        if (!random_span(&random)) continue;
        run("BEGIN");
        for (int i = 0; i < 100; i++) both(grammar_drawn(&random, of_paths, "$change"));
        run("COMMIT");
        if (random_once_in(&random, 2)) command("flush");
        for (int i = 0; i < QUERIES; i++) alike(grammar_drawn(&random, of_paths, "$query"));
    }
    plan_has("SELECT n FROM @ WHERE path = ? COLLATE NOCASE", "path=? NOCASE");
    plan_lacks("SELECT n FROM @ WHERE path COLLATE NOCASE IN ('a', 'b')", "NOCASE");
}

/* A directory's name is not looked for among what lies below it. */
TEST(test_a_name_by_nocase_passes_over_what_goes_on_behind_it) {
    run("CREATE VIRTUAL TABLE u USING art(path); INSERT INTO u WITH i(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM i "
        "LIMIT 5000) SELECT printf('Usr/%%05d', i) FROM i; INSERT INTO u VALUES('USR'), ('usr'), ('uSr')");
    expect("USR\nuSr\nusr\n", "SELECT path FROM u WHERE path = 'Usr' COLLATE NOCASE");
    expect("usr\nuSr\nUSR\n", "SELECT path FROM u WHERE path = 'Usr' COLLATE NOCASE ORDER BY path DESC");
    ck_assert_int_lt(sql_int(db, "SELECT value FROM art_debug('u') WHERE property = 'rows filtered'"), 100);
}

TEST(test_prefixes_delimiters_and_what_begins_behind_are_blobs) {
    run("INSERT INTO t VALUES(x'61', 1), (x'6100', 2), (x'612f62', 4), (x'612fff00', 8), (x'62', 16), (x'ffff', 32)");
    expect("61|1\n6100|2\n612F62|4\n612FFF00|8\n", "SELECT hex(key), n FROM t(x'61')");
    expect("61||1\n6100||2\n612F|2|12\n", "SELECT hex(key), entries, n FROM t(x'61', x'2f')");
    expect("612F62\n612FFF00\n", "SELECT hex(key) FROM t(x'61') WHERE start_after = x'6100'");
    expect("blob|FFFF\n", "SELECT typeof(key), hex(key) FROM t(x'ff')");
    expect("15|15\n", "SELECT art_sum('t', 'n', x'61'), art_sum('t', 'n', 'a')");
    expect("4|612F62\n", "SELECT art_count('t', x'61'), hex(art_nth('t', x'61', 2))");
    expect("6100\n", "SELECT hex(key) FROM t WHERE key MATCH x'61000506'");
    run("INSERT INTO t(t, prefix, key) VALUES('copy', x'612f', x'ff61'), ('move', x'6100', x'7a')");
    run("UPDATE t SET key = x'2f' WHERE prefix = x'61' AND delimiter = x'2f' AND key = x'612f'");
    expect("2F62\n2FFF00\n61\n62\n7A\nFF6162\nFF61FF00\nFFFF\n", "SELECT hex(key) FROM t");
    run("DELETE FROM t WHERE prefix = x'' AND delimiter = x'2f' AND key = x'2f'");
    expect("61\n62\n7A\nFF6162\nFF61FF00\nFFFF\n", "SELECT hex(key) FROM t");
    run("INSERT INTO t(t, snapshot) VALUES('snapshot', 's'); DELETE FROM t WHERE key > x'7a'");
    expect("FF6162|blob\nFF61FF00|blob\nFFFF|blob\n", "SELECT hex(path), typeof(path) FROM art_diff('t', 's')");
    expect("FF61|2\nFFFF|1\n", "SELECT hex(path), deleted FROM art_growth('t', NULL, 's', NULL, x'ff', x'61')");
    plan_has("SELECT n FROM @ WHERE key = ?", "key=?");
    plan_has("SELECT n FROM @ WHERE key >= x'61' AND key < ? ORDER BY key DESC", "key>=? AND key<?");
    plan_has("SELECT n FROM @ WHERE key GLOB 'a*'", "all rows");
}

TEST(test_other_keys_are_refused_and_a_salvaged_key_is_a_blob) {
    refuses(SQLITE_MISMATCH, "art: a key of this table is a BLOB (t.key): CAST it AS BLOB",
            "INSERT INTO t VALUES('a', 1)");
    refuses(SQLITE_MISMATCH, "art: a key of this table is a BLOB (t.key)", "INSERT INTO t VALUES(5, 1)");
    refuses(SQLITE_CONSTRAINT_NOTNULL, "NOT NULL constraint failed: t.key", "INSERT INTO t VALUES(NULL, 1)");
    run("INSERT INTO t VALUES(x'', 1), (x'ff', 2); INSERT INTO t(t) VALUES('flush')");
    refuses(SQLITE_MISMATCH, "art: a key of this table is a BLOB (t.key)", "UPDATE t SET key = 'a'");
    sql_reopen();
    expect("|1|blob\nFF|2|blob\n", "SELECT hex(key), n, typeof(key) FROM t");
    expect("key|BLOB|1|1\n", "SELECT name, type, \"notnull\", pk FROM pragma_table_info('t') LIMIT 1");
    run("CREATE VIRTUAL TABLE temp.s USING art_salvage('t')");
    expect("|1|blob\nFF|2|blob\n", "SELECT hex(key), n, typeof(key) FROM s");
}

SUITE("keys", .seconds = 120, .set_up = set_up, .tear_down = sql_tear_down)
