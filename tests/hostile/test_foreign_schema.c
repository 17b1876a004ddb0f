/* A database that was written by an attacker: T_artstate, T_artdata and the schema around them say anything.
 *
 * Whatever they say, each statement ends soon, with an answer or an error, in bounded memory, and touches no file that
 * is not the database's own. Where only something is broken that is not the rows, answers are right. Roots and rows of
 * the log are forged with valid sums and hashes, as an attacker can.
 */

#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/tree/state/root.h"
#include "ext/columns/columns.h"
#include "tests/support/foreign_world.h"
#include "tests/support/suite.h"

static const char *const journals[] = {"delete", "wal", NULL};
enum { MB = 1 << 20, MEMORY = 300 * MB };

static sqlite3 *open_plainly(const struct foreign_world *world) {
    sqlite3 *db = NULL;
    ck_assert_int_eq(sqlite3_open(world->path, &db), SQLITE_OK); /* without art: nothing protects shadow tables */
    return db;
}

/* How a world is forged, to be done again for each try that finds it unchanged no more. */
struct forging {
    void (*forge)(sqlite3 *db, const void *how);
    const void *how;
    const char *journal, *what;
    bool lies; /* the rows are not those that were there */
};

static void make_forged(struct foreign_world *world, const struct forging *forging) {
    foreign_make(world, forging->journal);
    world->also = foreign_art_file(world->path, "u"); /* of the same database, which harms itself */
    world->memory = MEMORY;
    sqlite3 *db = open_plainly(world);
    forging->forge(db, forging->how);
    sqlite3_close(db);
}

static void survive(const struct forging *forging) {
    struct foreign_world world = {0};
    for (enum foreign_try try = 0; try < FOREIGN_TRIES; try++) {
        struct foreign_outcome outcome;
        if (!world.root) make_forged(&world, forging);
        bool changed = foreign_try_harmlessly(&world, try, forging->what, &outcome);
        ck_assert_msg(!outcome.died && !(outcome.wrong && !forging->lies), "%s (%s): try %d: %s", forging->what,
                      forging->journal, try, outcome.text);
        ck_assert_msg((outcome.code & 0xff) != SQLITE_NOMEM, "%s: try %d took more memory than it should",
                      forging->what, try);
        if (changed) foreign_free(&world);
    }
    if (world.root) foreign_free(&world);
}

/* --- by SQL ------------------------------------------------------------------------------------------------------- */

#define STATE(key, value) "UPDATE t_artstate SET v = " value " WHERE k = '" key "'"
#define INSTEAD(table)    "CREATE TABLE kept AS SELECT * FROM " table "; DROP TABLE " table ";"

static const struct forgery {
    const char *sql;
    bool lies;
} forgeries[] = {
    {STATE("file", "'../here/note.txt'"), false},
    {STATE("file", "'../outside.art'"), false},
    {STATE("file", "'/etc/passwd.art'"), false},
    {STATE("file", "'a/b.art'"), false},
    {STATE("file", "'..'"), false},
    {STATE("file", "'.art'"), false},
    {STATE("file", "''"), false},
    {STATE("file", "NULL"), false},
    {STATE("file", "12"), false},
    {STATE("file", "x'00ff2e617274'"), false},
    {STATE("file", "v || char(0) || '.art'"), false},
    {STATE("file", "'x' || char(0) || v"), false},
    {STATE("file", "'../elsewhere/' || v"), false},
    {STATE("file", "replace(v, 't.db', '''\"; $(touch x); ')"), false},
    {STATE("file", "replace(hex(zeroblob(1000)), '0', 'x') || v"), false},
    {STATE("file", "replace(hex(zeroblob(500000)), '0', 'x') || v"), false},
    {STATE("file", "'t.db'"), false},
    {STATE("file", "'t.db-wal'"), false},
    {STATE("file", "'other.db'"), false},
    {STATE("file", "'note.txt'"), false},
    {STATE("file", "(SELECT v FROM u_artstate WHERE k = 'file')"), false},
    {STATE("id", "(SELECT v FROM u_artstate WHERE k = 'id')"), false},
    {"UPDATE t_artstate SET v = (SELECT v FROM u_artstate u WHERE u.k = t_artstate.k) WHERE k IN ('file', 'id')",
     false},
    {"DELETE FROM t_artstate; INSERT INTO t_artstate SELECT * FROM u_artstate", false},
    {"DELETE FROM t_artstate; INSERT INTO t_artstate SELECT * FROM u_artstate; DELETE FROM t_artdata; INSERT INTO "
     "t_artdata SELECT * FROM u_artdata",
     true},
    {STATE("id", "NULL"), false},
    {STATE("id", "zeroblob(16)"), false},
    {STATE("id", "randomblob(15)"), false},
    {STATE("id", "randomblob(1000000)"), false},
    {STATE("id", "'0123456789abcdef'"), false},
    {STATE("id", "1e300"), false},
    {STATE("nonce", "randomblob(1000000)"), false},
    {"REPLACE INTO t_artstate VALUES('nonce', NULL)", false},
    {"REPLACE INTO t_artstate VALUES('retired', randomblob(1000000))", false},
    {"REPLACE INTO t_artstate VALUES('retired', x'0101' || zeroblob(8))", false},
    /* one slot, of number 4,294,967,294 */
    {"REPLACE INTO t_artstate VALUES('retired', x'0101000000000000000001feffffff0f')", false},
    {"REPLACE INTO t_artstate VALUES('retired', x'0100000000000000000001feffffff0f')", false},
    {"REPLACE INTO t_artstate VALUES('retired', x'010100000000000000000201feffffff0e')", false},
    {"REPLACE INTO t_artstate VALUES('retired', x'01010000000000000000ffffffffffffffffff01')", false},
    {"REPLACE INTO t_artstate VALUES('retired', x'010200000000000000000101')", false},
    {"REPLACE INTO t_artstate VALUES('retired', 'text')", false},
    {"REPLACE INTO t_artstate VALUES('retired', 12345)", false},
    {STATE("columns", "NULL"), false},
    {STATE("columns", "''"), false},
    {STATE("columns", "'path, path'"), false},
    {STATE("columns", "'('"), false},
    {STATE("columns", "'path, value); DROP TABLE plain; --'"), false},
    {STATE("columns", "'path' || char(0) || ', value'"), false},
    {STATE("columns", "replace(hex(zeroblob(500000)), '00', 'a, ')"), false},
    {STATE("columns", "replace(hex(zeroblob(500000)), '0', '((((')"), false},
    {STATE("format", "1"), false},
    {STATE("format", "3"), false},
    {STATE("format", "5"), false},
    {STATE("format", "NULL"), false},
    {STATE("format", "'1; DROP TABLE plain'"), false},
    {STATE("format", "9223372036854775807"), false},
    {STATE("cache", "'99999999999GB'"), false},
    {STATE("cache", "-1"), false},
    {STATE("cache", "NULL"), false},
    {STATE("cache", "'0'"), false},
    {STATE("log_limit", "'0'"), false},
    {STATE("log_limit", "'1; DROP'"), false},
    {STATE("spill_limit", "'0'"), false},
    {STATE("spill_limit", "9223372036854775807"), false},
    {STATE("storage", "'evil'"), false},
    {STATE("direct", "x'00'"), false},
    {"DELETE FROM t_artstate", false},
    {"DELETE FROM t_artstate WHERE k <> 'id'", false},
    {"INSERT INTO t_artstate WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100000) SELECT 'x' || i, i "
     "FROM n",
     false},
    {"INSERT INTO t_artstate VALUES(x'00', 1), ('file' || char(0), 2), (replace(hex(zeroblob(500000)), '0', 'x'), 3)",
     false},
    {"ALTER TABLE t_artstate ADD COLUMN \"added: evil\"", false},
    {"ALTER TABLE t_artstate ADD COLUMN \"added: evil); DROP TABLE plain\"", false},
    {"ALTER TABLE t_artstate ADD COLUMN x AS (randomblob(1000000))", false},

    {"DELETE FROM t_artdata", false},
    {"DELETE FROM t_artdata WHERE csn = 0", false},
    {"UPDATE t_artdata SET ops = NULL", false},
    {"UPDATE t_artdata SET ops = 'text'", false},
    {"UPDATE t_artdata SET ops = x'41'", false},
    {"UPDATE t_artdata SET ops = 12 WHERE csn = 0", false},
    {"UPDATE t_artdata SET ops = randomblob(1000000)", false},
    {"UPDATE t_artdata SET ops = zeroblob(20000000) WHERE csn > 0", false},
    {"UPDATE t_artdata SET ops = substr(ops, 1, length(ops) - 1) WHERE csn > 0", false},
    {"UPDATE t_artdata SET ops = ops || x'00' WHERE csn = 0", false},
    {"UPDATE t_artdata SET ops = (SELECT ops FROM u_artdata WHERE csn = 0) WHERE csn = 0", true},
    {"UPDATE t_artdata SET csn = -csn", true},
    {"UPDATE t_artdata SET csn = 9223372036854775807 WHERE csn > 0", false},
    {"INSERT INTO t_artdata VALUES(9223372036854775807, randomblob(100))", false},
    {"INSERT INTO t_artdata VALUES(-9223372036854775808, randomblob(100))", false},
    {"INSERT INTO t_artdata SELECT csn + 1, ops FROM t_artdata WHERE csn > 0", false},
    {"INSERT INTO t_artdata WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100000) SELECT i + 1000, x'00' "
     "FROM n",
     false},

    {INSTEAD("t_artdata") "CREATE TABLE t_artdata(csn, ops); INSERT INTO t_artdata SELECT * FROM kept", true},
    {INSTEAD("t_artdata") "CREATE TABLE t_artdata(csn TEXT, ops INTEGER); INSERT INTO t_artdata SELECT * FROM kept",
     true},
    {INSTEAD("t_artdata") "CREATE TABLE t_artdata(csn, ops); INSERT INTO t_artdata SELECT kept.* FROM kept, "
                          "(VALUES(1), (2), (3))",
     true},
    {INSTEAD(
         "t_artdata") "CREATE TABLE t_artdata(csn, ops); INSERT INTO t_artdata SELECT * FROM kept ORDER BY csn DESC",
     true},
    {INSTEAD("t_artdata") "CREATE TABLE t_artdata(a, b)", false},
    {INSTEAD("t_artdata") "CREATE TABLE t_artdata(csn INTEGER PRIMARY KEY, ops AS (randomblob(100)))", false},
    {INSTEAD("t_artdata") "CREATE VIEW t_artdata AS SELECT * FROM kept", true},
    {INSTEAD("t_artdata") "CREATE VIEW t_artdata AS SELECT * FROM t_artdata", false},
    {INSTEAD("t_artdata") "CREATE VIEW t_artdata AS SELECT count(*) AS csn, max(path) AS ops FROM t", false},
    {INSTEAD("t_artdata") "CREATE VIEW t_artdata AS SELECT 0 AS csn, art_count('t', '') AS ops", false},
    {INSTEAD("t_artdata") "CREATE VIEW t_artdata AS SELECT 0 AS csn, value AS ops FROM art_info('t')", false},
    {INSTEAD("t_artdata") "CREATE VIEW t_artdata AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                          "LIMIT 1000000) SELECT i AS csn, x'00' AS ops FROM n",
     false},
    {INSTEAD("t_artdata") "CREATE VIRTUAL TABLE t_artdata USING fts5(csn, ops)", false},
    {INSTEAD("t_artdata") "CREATE VIRTUAL TABLE t_artdata USING rtree(csn, a, b)", false},
    {INSTEAD("t_artstate") "CREATE TABLE t_artstate(k, v); INSERT INTO t_artstate SELECT kept.* FROM kept, (VALUES(1), "
                           "(2))",
     true},
    {INSTEAD("t_artstate") "CREATE TABLE t_artstate(k INTEGER, v REAL); INSERT INTO t_artstate SELECT * FROM kept",
     false},
    {INSTEAD("t_artstate") "CREATE TABLE t_artstate(v, k); INSERT INTO t_artstate(k, v) SELECT * FROM kept", true},
    {INSTEAD("t_artstate") "CREATE TABLE t_artstate(x)", false},
    {INSTEAD("t_artstate") "CREATE VIEW t_artstate AS SELECT * FROM kept", true},
    {INSTEAD("t_artstate") "CREATE VIEW t_artstate AS SELECT * FROM t_artstate", false},
    {INSTEAD("t_artstate") "CREATE VIEW t_artstate AS SELECT path AS k, value AS v FROM t", false},
    {INSTEAD("t_artstate") "CREATE VIEW t_artstate AS SELECT 'id' AS k, art_count('t', '') AS v", false},
    {INSTEAD("t_artstate") "CREATE VIEW t_artstate AS SELECT k, iif(art_count('t', '') > 0, v, v) AS v FROM kept",
     false},
    {INSTEAD("t_artstate") "CREATE VIEW t_artstate AS SELECT property AS k, value AS v FROM art_info('t')", false},
    {INSTEAD("t_artstate") "CREATE VIRTUAL TABLE t_artstate USING fts5(k, v)", false},

    {"CREATE TRIGGER x AFTER INSERT ON t_artdata BEGIN INSERT INTO t(path) VALUES('x'); END", true},
    {"CREATE TRIGGER x AFTER INSERT ON t_artdata BEGIN DELETE FROM t; END", true},
    {"CREATE TRIGGER x AFTER INSERT ON t_artdata BEGIN SELECT art_count('t', ''); END", true},
    {"CREATE TRIGGER x AFTER INSERT ON t_artdata BEGIN DELETE FROM t_artdata; END", true},
    {"CREATE TRIGGER x AFTER INSERT ON t_artstate BEGIN INSERT INTO t(path) VALUES('x'); END", true},
    {"CREATE TRIGGER x AFTER INSERT ON t_artstate BEGIN DELETE FROM t_artstate; END", true},
    {"CREATE TRIGGER x AFTER INSERT ON t_artstate BEGIN SELECT art_count('t', ''); END", true},
    {"CREATE TRIGGER x AFTER INSERT ON t_artstate BEGIN SELECT * FROM t; END", true},
    {"CREATE TRIGGER x BEFORE DELETE ON t_artdata BEGIN SELECT RAISE(IGNORE); END", true},
    {"CREATE TRIGGER x BEFORE INSERT ON t_artdata BEGIN SELECT RAISE(IGNORE); END", true},
    {"CREATE TRIGGER x BEFORE INSERT ON t_artstate BEGIN SELECT RAISE(FAIL, 'no'); END", true},
    {"CREATE TRIGGER x BEFORE INSERT ON t_artdata BEGIN SELECT RAISE(ROLLBACK, 'no'); END", true},
    {"PRAGMA recursive_triggers=ON; CREATE TRIGGER x AFTER INSERT ON t_artdata BEGIN REPLACE INTO t_artdata "
     "VALUES(new.csn + 1, new.ops); END",
     true},
};
enum { FORGERIES = sizeof forgeries / sizeof *forgeries };

/* SQLite itself refuses some: what was made by then is tried. */
static void forge_by_sql(sqlite3 *db, const void *how) {
    const char *sql = how;
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    if (rc && !strstr(sql, "art_info") && !strstr(sql, "AS (randomblob"))
        ck_abort_msg("%s: %s", sql, sqlite3_errmsg(db));
}

LOOP_TEST(test_a_forged_schema_leads_to_answers_or_errors_and_nowhere_else, FORGERIES) {
    const struct forgery *forgery = &forgeries[_i];
    for (int j = 0; j < 2; j++) { /* the other journal, too, when there is time */
        if (j && random_scale() == 1) return;
        survive(&(struct forging){forge_by_sql, forgery->sql, journals[(_i + j) % 2], forgery->sql, forgery->lies});
    }
}

/* --- with valid sums ---------------------------------------------------------------------------------------------- */

static void read_root(sqlite3 *db, struct art_root **out) {
    sqlite3_stmt *row;
    ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT ops FROM t_artdata WHERE csn = 0", -1, &row, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(row), SQLITE_ROW);
    struct art_bytes bytes = {sqlite3_column_blob(row, 0), (uint32_t)sqlite3_column_bytes(row, 0)};
    art_codec_use(&art_columns_codec); /* the extension is not loaded here yet */
    ck_assert_int_eq(art_root_decode(bytes, out), ART_OK);
    sqlite3_finalize(row);
}

static void put_row(sqlite3 *db, uint64_t csn, const void *data, size_t len) {
    sqlite3_stmt *put;
    ck_assert_int_eq(sqlite3_prepare_v2(db, "REPLACE INTO t_artdata VALUES(?1, ?2)", -1, &put, NULL), SQLITE_OK);
    sqlite3_bind_int64(put, 1, (sqlite3_int64)csn);
    sqlite3_bind_blob64(put, 2, data, len, SQLITE_STATIC);
    ck_assert_int_eq(sqlite3_step(put), SQLITE_DONE);
    sqlite3_finalize(put);
}

#define TOP(field)  offsetof(struct art_root, run[0].top.field), sizeof((struct art_ref *)0)->field
#define RUN(field)  offsetof(struct art_root, run[0].field), sizeof((struct art_run *)0)->field
#define ROOT(field) offsetof(struct art_root, field), sizeof((struct art_root *)0)->field

/* One field of a root with one run. */
static const struct {
    size_t at, size;
    uint64_t value;
} root_lies[] = {
    {TOP(slot), 0},
    {TOP(slot), UINT32_MAX},
    {TOP(slot), UINT32_MAX - 1},
    {TOP(slot), 1000000},
    {TOP(slot), 2},
    {TOP(generation), UINT64_MAX},
    {TOP(generation), 0},
    {TOP(hash.low), 1},
    {TOP(entries), INT64_MAX},
    {TOP(entries), 1},
    {TOP(count), 0},
    {TOP(count), (uint64_t)-FOREIGN_ROWS},
    {TOP(height), 1},
    {TOP(height), 24},
    {TOP(leaf_pages), 1},
    {TOP(leaf_pages), 127},
    {TOP(footer_pages), 100},
    {TOP(label.len), 0},
    {RUN(level), 255},
    {RUN(blobs), UINT64_MAX},
    {RUN(blobs), 0},
    {RUN(pages), UINT64_MAX},
    {ROOT(csn), UINT64_MAX},
    {ROOT(csn), INT64_MAX},
    {ROOT(csn), 0},
    {ROOT(generation), UINT64_MAX},
    {ROOT(generation), 0},
    {ROOT(chain.low), 1},
};
enum { ROOT_LIES = sizeof root_lies / sizeof *root_lies, MORE_LIES = 4 };

static void change_root(struct art_root *root, unsigned which) {
    struct art_run *run = &root->run[0];
    if (which < ROOT_LIES) {
        memcpy((uint8_t *)root + root_lies[which].at, &root_lies[which].value, root_lies[which].size);
        return;
    }
    which -= ROOT_LIES;
    if (which == 0) art_root_remove_run(root, 0);
    if (which == 1) art_root_insert_run(root, 0, run); /* twice the same */
    while (which >= 2 && root->runs < root->capacity) art_root_insert_run(root, 0, run);
    if (which == 3) root->run[3].top.slot = 4000000000u;
}

struct root_lie {
    unsigned which;
    bool alone; /* without the rows behind it */
};

static void forge_root(sqlite3 *db, const void *how) {
    const struct root_lie *lie = how;
    struct art_root *decoded, *root;
    struct art_buffer bytes = {0};
    read_root(db, &decoded);
    ck_assert_int_eq(art_root_clone(decoded, &root), ART_OK); /* with room for more runs */
    art_root_unref(decoded);
    change_root(root, lie->which);
    ck_assert_int_eq(art_root_encode(root, &bytes), ART_OK);
    if (lie->alone) sqlite3_exec(db, "DELETE FROM t_artdata", NULL, NULL, NULL);
    put_row(db, 0, bytes.data, bytes.len);
    art_buffer_clear(&bytes);
    art_root_unref(root);
}

LOOP_TEST(test_a_forged_root_with_the_right_sum_costs_nothing, 2 * (ROOT_LIES + MORE_LIES)) {
    struct root_lie lie = {(unsigned)_i / 2, _i % 2};
    char what[40];
    snprintf(what, sizeof what, "root %u%s", lie.which, lie.alone ? ", alone" : "");
    survive(&(struct forging){forge_root, &lie, journals[lie.which % 2], what, true});
}

enum { BODY_MAX = 200 };
struct body {
    const char *bytes;
    size_t len;
};

/* The row behind the root, with the hash that it must have. */
static void forge_redo(sqlite3 *db, const void *how) {
    const struct body *body = how;
    struct art_root *root;
    read_root(db, &root);
    uint64_t csn = root->csn + 1;
    uint8_t row[16 + BODY_MAX];
    struct art_hash_part parts[] = {{&root->chain, 16}, {&csn, 8}, {body->bytes, body->len}};
    struct art_hash128 hash = art_hash128_parts(parts, 3);
    memcpy(row, &hash, 16);
    memcpy(row + 16, body->bytes, body->len);
    sqlite3_exec(db, "DELETE FROM t_artdata WHERE csn > 0", NULL, NULL, NULL);
    put_row(db, csn, row, 16 + body->len);
    art_root_unref(root);
}

TEST(test_a_forged_row_of_the_log_with_the_right_hash_costs_nothing) {
    static const struct body bodies[] = {
#define BODY(text) {text, sizeof text - 1}
        BODY(""),
        BODY("\x01"),
        BODY("\x02"),
        BODY("\xff"),
        BODY("\x01\x00"),
        BODY("\x01\xff\x00\x02\x01x\x00"),
        BODY("\x01\x00\x00\x02\x01x\x00"),                                     /* a row 'x' */
        BODY("\x01\x00\x00\x02\x05x\x00"),                                     /* unknown name space */
        BODY("\x01\x00\x00\x00\x00"),                                          /* an empty key */
        BODY("\x01\x00\x00\x02\x01x\xff\xff\xff\xff\x0f"),                     /* a value of 4 GB */
        BODY("\x01\x00\x00\x02\x01x\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), /* of 2^64 - 1 bytes */
        BODY("\x01\x00\x00\xff\xff\xff\xff\x0f\x01x\x00"),                     /* a key of 4 GB */
        BODY("\x01\x00\xff\xff\xff\xff\x0f\x01\x01x\x00"),                     /* that shares 4 GB */
        BODY("\x01\x00\x00\x02\x01y\x00\x00\x00\x02\x01x\x00"),                /* out of order */
        BODY("\x01\x00\x00\x02\x01x\x00\x00\x00\x02\x01x\x00"),                /* twice */
        BODY("\x01\x01\x00\x02\x01x"),                                         /* a delete of nothing */
        BODY("\x01\x02\x00\x02\x01x\x00"),                                     /* over nothing */
        BODY("\x01\x04\x00\x02\x01x\x1cxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),         /* pieces that are nowhere */
        BODY("\x01\x00\x00\x02\x01x\x05\xff\xff\xff\xff\xff"),                 /* a record of nothing */
    };
    for (unsigned i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        char what[40];
        snprintf(what, sizeof what, "redo row %u", i);
        survive(&(struct forging){forge_redo, &bodies[i], journals[i % 2], what, true});
    }
}

TEST(test_random_bytes_with_the_right_hash_cost_nothing) {
    uint64_t seed = random_seed();
    printf("seed %llu\n", (unsigned long long)seed);
    struct random random = {seed};
    for (uint64_t i = 0; i < random_rounds(12); i++) {
        if (!random_span(&random)) continue;
        uint8_t bytes[BODY_MAX];
        struct body body = {(const char *)bytes, 1 + random_below(&random, BODY_MAX - 1)};
        unsigned range = random_once_in(&random, 3) ? 256 : 4;
        for (size_t n = 0; n < body.len; n++) bytes[n] = (uint8_t)random_below(&random, range);
        bytes[0] = 1;
        char what[60];
        snprintf(what, sizeof what, "seed %llu, row %llu", (unsigned long long)seed, (unsigned long long)i);
        survive(&(struct forging){forge_redo, &body, journals[i % 2], what, true});
    }
}

int main(void) {
    foreign_begin(journals);
    int failed = suite_run("foreign, schema", .seconds = 300);
    foreign_end();
    return failed;
}
