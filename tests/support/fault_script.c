/* The script: everything that SQL does with an art table, a step each. */
#include "tests/support/fault_world.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/features.h"
#include "tests/support/sql.h"

#define BOTH(text)                                                                                                     \
    { FAULT_BOTH, text, NULL }
#define PAIR(art, plain)                                                                                               \
    { FAULT_BOTH, art, plain }
#define ASK(text)                                                                                                      \
    { FAULT_ASK, text, NULL }
#define SAME(art, plain)                                                                                               \
    { FAULT_ASK, art, plain }
#define ART(text)                                                                                                      \
    { FAULT_ART, text, NULL }
#define ONE(text)                                                                                                      \
    { FAULT_ONE, text, NULL }
#define END                                                                                                            \
    { FAULT_END, NULL, NULL }
#define ROWS(from, count) "WITH n(i) AS (SELECT " #from " UNION ALL SELECT i + 1 FROM n LIMIT " #count ") "

/* --- writing ------------------------------------------------------------------------------------------------------ */

static const struct fault_line insert_lines[] = {
    BOTH("INSERT OR REPLACE INTO @t VALUES('new/1', 'x'), ('new/2', noise(2, 9000)), ('a/00100', 'again')"),
    BOTH("INSERT OR IGNORE INTO @t VALUES('new/1', 'ignored'), ('new/3', 3), ('new/4', 4.5), ('new/5', NULL)"),
    ASK("SELECT value FROM @t WHERE path = 'new/2'"), END};
static const struct fault_step insert_step = {.name = "insert", .lines = insert_lines};

static const struct fault_line change_lines[] = {
    BOTH("UPDATE @t SET value = substr(value || 'x', 2) WHERE path GLOB 'a/001*'"),
    BOTH("DELETE FROM @t WHERE path BETWEEN 'a/00200' AND 'a/00210'"),
    BOTH("INSERT OR REPLACE INTO @t SELECT 'b' || substr(path, 2), value FROM @t WHERE path GLOB 'a/0030*'"),
    BOTH("DELETE FROM @t WHERE path GLOB 'b/*'"),
    BOTH("UPDATE OR REPLACE @t SET path = 'moved/' || path WHERE path GLOB 'a/0031*'"),
    BOTH("UPDATE OR REPLACE @t SET path = substr(path, 7) WHERE path GLOB 'moved/*'"),
    BOTH("INSERT OR REPLACE INTO @t " ROWS(200, 11) "SELECT printf('a/%05d', i), noise(i, 50) FROM n"),
    END};
static const struct fault_step change_step = {.name = "change", .lines = change_lines};

static const struct fault_line folder_lines[] = {
    BOTH("DELETE FROM @t WHERE path GLOB 'c/*'"), /* where the last attempt's DELETE failed */
    PAIR("UPDATE t SET path = 'm/' WHERE prefix = '' AND delimiter = '/' AND path = 'a/'",
         "UPDATE plain_t SET path = 'm/' || substr(path, 3) WHERE path GLOB 'a/*'"),
    BOTH("UPDATE @t SET value = noise(7, 5000) WHERE path = 'm/00002'"),
    PAIR("INSERT INTO t(t, prefix, path) VALUES('copy', 'm/000', 'c/')",
         "INSERT INTO plain_t SELECT 'c/' || substr(path, 6), value FROM plain_t WHERE path GLOB 'm/000*'"),
    PAIR("DELETE FROM t WHERE prefix = '' AND delimiter = '/' AND path = 'c/'",
         "DELETE FROM plain_t WHERE path GLOB 'c/*'"),
    PAIR("INSERT INTO t(t, prefix, path) VALUES('move', 'm/', 'a/')",
         "UPDATE plain_t SET path = 'a/' || substr(path, 3) WHERE path GLOB 'm/*'"),
    END};
static const struct fault_step folder_step = {.name = "directories", .lines = folder_lines};

static const struct fault_line flush_lines[] = {
    BOTH("INSERT OR REPLACE INTO @t " ROWS(1, 40) "SELECT printf('f/%05d', i * 7), noise(i, 40) FROM n"),
    ART("INSERT INTO t(t) VALUES('flush')"), END};
static const struct fault_step flush_step = {.name = "flush", .lines = flush_lines};

static void make_retired_runs(struct fault_world *world) {
    for (int i = 0; i < 3; i++) {
        fault_world_run(world, "INSERT OR REPLACE INTO @t " ROWS(1, 20) "SELECT printf('f/%05d', i * 3), i FROM n",
                        "INSERT OR REPLACE INTO @t " ROWS(1, 20) "SELECT printf('f/%05d', i * 3), i FROM n");
        fault_world_run(world, "INSERT INTO t(t) VALUES('flush')", NULL);
    }
}
static const struct fault_step merge_step = {.name = "merge", .before = make_retired_runs, .lines = flush_lines};

static const struct fault_line wide_lines[] = {
    BOTH("DELETE FROM @t WHERE path GLOB 'w/*'"),
    BOTH("INSERT OR REPLACE INTO @t " ROWS(1, 450) "SELECT printf('w/%05d', i * 101 % 451), noise(i, 1500) FROM n"),
    ART("INSERT INTO t(t) VALUES('flush')"), END};
static const struct fault_step wide_step = {.name = "many blobs", .lines = wide_lines};

static const struct fault_line optimize_lines[] = {BOTH("DELETE FROM @t WHERE path GLOB 'f/*' AND path < 'f/00050'"),
                                                   ART("INSERT INTO t(t) VALUES('optimize')"), END};
static const struct fault_step optimize_step = {
    .name = "optimize", .before = make_retired_runs, .lines = optimize_lines};

static void make_holes(struct fault_world *world) {
    make_retired_runs(world);
    fault_world_run(world, "INSERT INTO t(t) VALUES('optimize'); PRAGMA wal_checkpoint(TRUNCATE)", NULL);
}
static const struct fault_line vacuum_lines[] = {BOTH("DELETE FROM @t WHERE path GLOB 'f/0000*'"),
                                                 ART("INSERT INTO t(t) VALUES('vacuum')"), END};
static const struct fault_step vacuum_step = {.name = "vacuum", .before = make_holes, .lines = vacuum_lines};

/* --- savepoints and spills ---------------------------------------------------------------------------------------- */

static const struct fault_line spill_lines[] = {
    BOTH("INSERT OR REPLACE INTO @t " ROWS(1, 300) "SELECT printf('s/%05d', i * 7 % 301), noise(i, 90) FROM n"),
    ONE("SAVEPOINT one"),
    BOTH("INSERT OR REPLACE INTO @t " ROWS(1, 500) "SELECT printf('s/%05d', i * 11 % 501), noise(i, 80) FROM n"),
    ONE("SAVEPOINT two"),
    BOTH("DELETE FROM @t WHERE path GLOB 's/*' AND path < 's/00200'"),
    BOTH("INSERT OR REPLACE INTO @t " ROWS(1, 400) "SELECT printf('s/%05d', i * 3), noise(i, 99) FROM n"),
    ASK("SELECT count(*), sum(length(value)) FROM @t"),
    ONE("ROLLBACK TO two"),
    BOTH("UPDATE @t SET value = 'u' WHERE path = 's/00250'"),
    ONE("ROLLBACK TO one"),
    ASK("SELECT count(*), sum(length(value)) FROM @t WHERE path GLOB 's/*'"),
    BOTH("DELETE FROM @t WHERE path GLOB 's/*' AND path > 's/00100'"),
    ONE("RELEASE one"),
    END};
static const struct fault_step spill_step = {.name = "spill", .lines = spill_lines};
static const struct fault_step spill_lost_step = {
    .name = "spill that is rolled back", .rolls_back = true, .lines = spill_lines};

static const struct fault_line deep_lines[] = {
    ONE("SAVEPOINT s1"),
    BOTH("INSERT OR REPLACE INTO @t VALUES('deep', 1), ('deep/1', noise(1, 5000))"),
    ONE("SAVEPOINT s2"),
    BOTH("UPDATE @t SET value = 2 WHERE path = 'deep'"),
    ONE("SAVEPOINT s3"),
    BOTH("DELETE FROM @t WHERE path GLOB 'deep*'"),
    ONE("SAVEPOINT s4"),
    BOTH("INSERT OR REPLACE INTO @t VALUES('deep', noise(4, 4200))"),
    ONE("SAVEPOINT s5"),
    BOTH("UPDATE @t SET path = 'deeper' WHERE path = 'deep'"),
    ONE("SAVEPOINT s6"),
    BOTH("DELETE FROM @t WHERE path GLOB 'a/0000*'"),
    ASK("SELECT count(*) FROM @t WHERE path GLOB 'a/*'"),
    ONE("ROLLBACK TO s4"),
    ASK("SELECT path, length(value) FROM @t WHERE path GLOB 'deep*'"),
    BOTH("INSERT OR REPLACE INTO @t VALUES('deep', 'four')"),
    ONE("RELEASE s3"),
    ONE("ROLLBACK TO s2"),
    BOTH("UPDATE @t SET value = value || 'two' WHERE path GLOB 'deep*'"),
    ONE("RELEASE s1"),
    BOTH("DELETE FROM @t WHERE path GLOB 'deep*' OR path = 'deeper'"),
    END};
static const struct fault_step deep_step = {.name = "savepoints", .lines = deep_lines};

/* --- tables that come and go -------------------------------------------------------------------------------------- */

#define CREATE_U                                                                                                       \
    PAIR("CREATE VIRTUAL TABLE u USING art(name, size INTEGER, note TEXT COLLATE NOCASE, log_limit='2KB')",            \
         "CREATE TABLE plain_u(name TEXT PRIMARY KEY NOT NULL, size INTEGER, note TEXT COLLATE NOCASE) WITHOUT ROWID")
#define FILL_U "INSERT INTO @u(name, size, note) " ROWS(1, 30) "SELECT 'u' || i, i, noise(i, 100) FROM n"

static void drop_u(struct fault_world *world) {
    static const char drop[] = "DROP TABLE IF EXISTS @u; DROP TABLE IF EXISTS @w; DROP TABLE IF EXISTS aux.@x";
    fault_world_run(world, drop, drop);
}

static void make_u(struct fault_world *world) {
    static const struct fault_line create = CREATE_U;
    drop_u(world);
    fault_world_run(world, create.text, create.plain);
    fault_world_run(world, FILL_U, FILL_U);
    fault_world_run(world, "INSERT INTO u(u) VALUES('flush')", NULL);
}

static const struct fault_line create_lines[] = {CREATE_U, BOTH(FILL_U), ART("INSERT INTO u(u) VALUES('flush')"),
                                                 BOTH("UPDATE @t SET value = 'c' WHERE path = 'a/00007'"), END};
static const struct fault_step create_step = {.name = "create", .before = drop_u, .lines = create_lines};
static const struct fault_step create_lost_step = {
    .name = "create that is rolled back", .before = drop_u, .rolls_back = true, .lines = create_lines};

static const struct fault_line drop_lines[] = {BOTH("UPDATE @u SET size = 5"), BOTH("DROP TABLE @u"),
                                               BOTH("UPDATE @t SET value = 'd' WHERE path = 'a/00008'"), END};
static const struct fault_step drop_step = {.name = "drop", .before = make_u, .lines = drop_lines};
static const struct fault_step drop_lost_step = {
    .name = "drop that is rolled back", .before = make_u, .rolls_back = true, .lines = drop_lines};

static const struct fault_line again_lines[] = {BOTH("DROP TABLE @u"), CREATE_U, BOTH(FILL_U),
                                                ART("INSERT INTO u(u) VALUES('flush')"), END};
static const struct fault_step again_step = {.name = "drop and create", .before = make_u, .lines = again_lines};

static const struct fault_line rename_lines[] = {
    BOTH("UPDATE @u SET note = 'renamed' WHERE size > 20"),           BOTH("ALTER TABLE @u RENAME TO @w"),
    BOTH("INSERT OR REPLACE INTO @w(name, size) VALUES('after', 1)"), ART("INSERT INTO w(w) VALUES('flush')"),
    ASK("SELECT count(*), sum(size) FROM @w WHERE note = 'RENAMED'"), END};
static const struct fault_step rename_step = {.name = "rename", .before = make_u, .lines = rename_lines};

static const struct fault_line column_lines[] = {
    PAIR("INSERT INTO u(u) VALUES('add column more REAL')", "ALTER TABLE plain_u ADD COLUMN more REAL"),
    BOTH("UPDATE @u SET more = size WHERE size < 10"),
    ART("INSERT INTO u(u) VALUES('summary=(sum(size), max(more))')"),
    BOTH("INSERT INTO @u VALUES('four', '4', 4, '4')"),
    ASK("SELECT * FROM @u WHERE more > 3 ORDER BY name"),
    ART("INSERT INTO u(u) VALUES('flush')"),
    END};
static const struct fault_step column_step = {.name = "add column", .before = make_u, .lines = column_lines};

static const struct fault_line aux_lines[] = {
    BOTH("INSERT OR REPLACE INTO aux.@v " ROWS(1, 30) "SELECT 'v/' || i, noise(i, 100) FROM n"),
    BOTH("UPDATE @t SET value = 'a' WHERE path = 'a/00009'"),
    PAIR("CREATE VIRTUAL TABLE aux.x USING art",
         "CREATE TABLE aux.plain_x(path TEXT PRIMARY KEY NOT NULL, value) WITHOUT ROWID"),
    BOTH("INSERT INTO aux.@x SELECT path, value FROM aux.@v"),
    ASK("SELECT count(*), max(x.value) FROM aux.@x AS x JOIN aux.@v AS v ON v.path = x.path"),
    ART("INSERT INTO aux.x(x) VALUES('flush')"),
    END};
static const struct fault_step aux_step = {.name = "attached", .before = drop_u, .lines = aux_lines};

/* --- other keys, searches, lookups, hashes ------------------------------------------------------------------------ */

/* The texts are not of SQLite's memory, which is counted. */
static void draw_features(struct fault_world *world) {
    if (!sql_int(world->db, "SELECT count(*) FROM sqlite_master WHERE name = 'fk'")) {
        char *options = sqlite3_mprintf(", log_limit='2KB', spill_limit='32KB'%s", world->mode->storage);
        features_create(world->db, options);
        features_create(world->db, NULL);
        sqlite3_free(options);
    }
    const char *complaint = features_complaint(world->db);
    if (complaint) fault_world_fail("%s", complaint);
    world->turns++;
    for (int i = 0; i < 2; i++) {
        char *text = features_text(!i, world->turns);
        free(world->features[i]);
        world->features[i] = strdup(text);
        sqlite3_free(text);
    }
}

static const struct fault_line feature_lines[] = {
    {FAULT_FEATURES, NULL, NULL},
    ASK("SELECT tenant, day, hex(part), n FROM @fk WHERE tenant = 't2' AND day > '2026-11-20' ORDER BY day DESC, part"),
    ASK("SELECT count(*), sum(n) FROM @fk WHERE body LIKE '%brownf%' OR n = 7"),
    SAME("SELECT coalesce((art_hash_values('fk', '') - sum(hash_values & 65535)) & 65535, 0) FROM fk", "SELECT 0"),
    SAME("SELECT coalesce(art_sum('fk', 'n', art_key('fk', 't3', '')), 0)",
         "SELECT coalesce(sum(n), 0) FROM plain_fk WHERE tenant = 't3'"),
    ASK("SELECT hex(path), n FROM @fb WHERE path > x'2f' AND value LIKE '%7th word%' ORDER BY path LIMIT 9"),
    ART("INSERT INTO fk(fk) VALUES('flush')"),
    ASK("SELECT max(n) FROM @fb"),
    END};
static const struct fault_step feature_step = {.name = "features", .before = draw_features, .lines = feature_lines};

/* --- commands ----------------------------------------------------------------------------------------------------- */

/* A file that a DROP could not remove: what was dropped, put back. */
static void leave_a_file(struct fault_world *world) {
    make_u(world);
    if (!world->directory) {
        drop_u(world);
        return;
    }
    char *file = sql_rows(world->db, "SELECT value FROM art_info('u') WHERE property = 'file'");
    file[strlen(file) - 1] = 0;
    char *kept = sqlite3_mprintf("%s.kept", file);
    if (link(file, kept)) fault_world_fail("cannot keep %s", file);
    drop_u(world);
    if (rename(kept, file)) fault_world_fail("cannot put %s back", file);
    sqlite3_free(file);
    sqlite3_free(kept);
}
static const struct fault_line clean_lines[] = {BOTH("UPDATE @t SET value = 'k' WHERE path = 'a/00010'"),
                                                ART("INSERT INTO t(t) VALUES('clean')"), END};
static const struct fault_step clean_step = {.name = "clean", .before = leave_a_file, .lines = clean_lines};

static const struct fault_line command_lines[] = {
    ART("INSERT INTO t(t) VALUES('cache=2MB'), ('log_limit=8KB')"), ART("INSERT INTO t(t) VALUES('integrity-check')"),
    BOTH("UPDATE @t SET value = value || 'y' WHERE path GLOB 'a/0000*'"),
    ART("INSERT INTO t(t) VALUES('flush'), ('optimize'), ('vacuum'), ('cache=1MB')"), END};
static const struct fault_step command_step = {.name = "commands", .lines = command_lines};

/* --- snapshots ---------------------------------------------------------------------------------------------------- */

/* Each shows what the last attempt has committed, which is then forgotten. */
static void make_snapshots(struct fault_world *world) {
    sqlite3 *db = world->db;
    sql_run(db, "CREATE TABLE IF NOT EXISTS shown(name, path, value)");
    char *names = sql_rows(db, "SELECT name FROM art_snapshots('t')"),
         *expected = sql_rows(db, "SELECT DISTINCT name FROM shown ORDER BY name");
    if (strcmp(names, expected) != 0) fault_world_fail("the snapshots are %s, not %s", names, expected);
    for (char *name = strtok(names, "\n"); name; name = strtok(NULL, "\n")) {
        int64_t differ =
            sql_int(db,
                    "SELECT count(*) FROM (SELECT path, value FROM t WHERE snapshot = %Q EXCEPT SELECT path, "
                    "value FROM shown WHERE name = %Q)",
                    name, name);
        int64_t rows = sql_int(db, "SELECT count(*) FROM t WHERE snapshot = %Q", name);
        differ += rows != sql_int(db, "SELECT count(*) FROM shown WHERE name = %Q", name);
        if (differ) fault_world_fail("the snapshot %s shows other rows", name);
    }
    sqlite3_free(names);
    sqlite3_free(expected);
    fault_world_run(world,
                    "INSERT INTO t(t, snapshot) SELECT 'drop snapshot', name FROM art_snapshots('t');"
                    "INSERT INTO t(t, snapshot) VALUES('snapshot', 'old')",
                    "DELETE FROM shown; INSERT INTO shown SELECT 'old', path, value FROM plain_t");
}

static const struct fault_line snapshot_lines[] = {
    BOTH("UPDATE @t SET value = noise(length(path), 30) WHERE path GLOB 'a/000*'"),
    SAME("SELECT count(*), sum(length(value)) FROM t WHERE snapshot = 'old'",
         "SELECT count(*), sum(length(value)) FROM shown WHERE name = 'old'"),
    BOTH("DELETE FROM @t WHERE path GLOB 'c/*'"), /* which an attempt may have left there */
    PAIR("INSERT INTO t(t, prefix, path, snapshot) VALUES('copy', 'a/000', 'c/', 'old')",
         "INSERT INTO plain_t SELECT 'c/' || substr(path, 6), value FROM shown WHERE name = 'old' AND path GLOB "
         "'a/000*'"),
    BOTH("DELETE FROM @t WHERE path GLOB 'c/*'"),
    ONE("SAVEPOINT one"),
    PAIR("INSERT INTO t(t, snapshot) VALUES('drop snapshot', 'old')", "DELETE FROM shown WHERE name = 'old'"),
    ONE("ROLLBACK TO one"),
    PAIR("INSERT INTO t(t, snapshot) VALUES('drop snapshot', 'old')", "DELETE FROM shown WHERE name = 'old'"),
    PAIR("INSERT INTO t(t, snapshot) VALUES('snapshot', 'new')",
         "INSERT INTO shown SELECT 'new', path, value FROM plain_t"),
    END};
static const struct fault_step snapshot_step = {.name = "snapshots", .before = make_snapshots, .lines = snapshot_lines};

static const struct fault_line alone_lines[] = {
    ONE("INSERT INTO feed " ROWS(1, 25) "SELECT printf('feed/%05d', i), noise(i, 300) FROM n"),
    ONE("INSERT INTO feed SELECT path, 'again' FROM t WHERE path GLOB 'feed/0000*'"),
    ART("INSERT INTO t(t) VALUES('adopt')"),
    ART("INSERT INTO t(t) VALUES('flush')"),
    SAME("SELECT art_count('t', 'feed/')", "SELECT count(*) FROM plain_t WHERE path GLOB 'feed/*'"),
    END};
static const struct fault_step alone_step = {.name = "autocommit", .autocommit = true, .lines = alone_lines};

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* What art_check() cannot read it says, as what it finds. */
#define READING                                                                                                        \
    ASK("SELECT count(*), sum(length(value)), min(path), max(path) FROM @t"),                                          \
        ASK("SELECT value FROM @t WHERE path = 'big'"),                                                                \
        ASK("SELECT path FROM @t ORDER BY path DESC LIMIT 7 OFFSET 3"),                                                \
        ASK("SELECT path, value FROM @t WHERE path > 'a/003' ORDER BY path LIMIT 5 OFFSET 20"),                        \
        ASK("SELECT count(*) FROM @t WHERE path GLOB 'a/002*'"),                                                       \
        ASK("SELECT count(*), max(path) FROM @t WHERE path LIKE 'A/0010%'"),                                           \
        ASK("SELECT path, length(value) FROM @t WHERE path IN ('big', 'a/00001', 5, 'a/00399', 'none')"),              \
        ASK("SELECT count(*) FROM @t AS x JOIN @t AS y ON y.path = x.path || '0' OR y.path = 'a/' || length(x.path)"), \
        SAME("SELECT path, entries FROM t('a/', '5') WHERE path > 'a/00014' LIMIT 1", "SELECT 'a/00015', 1"),          \
        SAME("SELECT group_concat(path), sum(entries) FROM (SELECT path, entries FROM t('', '/') WHERE path < 'c')",   \
             "SELECT 'a/,big', count(*) FROM plain_t WHERE path GLOB 'a/*'"),                                          \
        SAME("SELECT art_count('t', 'a/'), art_longest_prefix('main.t', 'a/00100/x', '/')",                            \
             "SELECT count(*), 'a/00100' FROM plain_t WHERE path GLOB 'a/*'"),                                         \
        SAME("SELECT iif(said LIKE 'art: %' AND said NOT LIKE '%from a backup%', 'ok', said) FROM (SELECT "            \
             "art_check('t') AS said)",                                                                                \
             "SELECT 'ok'"),                                                                                           \
        SAME("SELECT value FROM art_info('t') WHERE property = 'entries'", "SELECT count(*) FROM plain_t"),            \
        SAME("SELECT count(*) FROM art_info('t') WHERE property = 'orphan file'", "SELECT 0")

/* Made anew each time, since a fault may have kept it from being dropped. What the device cannot read (EIO) is left
 * out, so that no row may be wrong, and some may be missing. */
static const struct fault_line salvage_lines[] = {
    ART("DROP TABLE IF EXISTS temp.saved"),
    ART("CREATE VIRTUAL TABLE temp.saved USING art_salvage('t')"),
    SAME("SELECT count(*) FROM saved WHERE NOT EXISTS (SELECT 1 FROM plain_t WHERE plain_t.path = saved.path AND "
         "plain_t.value IS saved.value)",
         "SELECT 0"),
    SAME("SELECT count(*) >= 0 FROM art_lost('t')", "SELECT 1"),
    ART("DROP TABLE temp.saved"),
    END};
static const struct fault_step salvage_step = {.name = "salvage", .autocommit = true, .lines = salvage_lines};

static const struct fault_line read_lines[] = {READING, END};
static const struct fault_step read_step = {.name = "read", .lines = read_lines};
static const struct fault_step open_step = {
    .name = "open, read, close", .autocommit = true, .opens = true, .closes = true, .lines = read_lines};

static const struct fault_line open_write_lines[] = {
    ASK("SELECT value FROM @t WHERE path = 'a/00100'"), BOTH("UPDATE @t SET value = 'o' WHERE path = 'a/00100'"),
    BOTH("UPDATE aux.@v SET value = 'o' WHERE path = 'v/10'"), ART("INSERT INTO t(t) VALUES('flush')"), END};
static const struct fault_step open_write_step = {
    .name = "open, write, close", .opens = true, .closes = true, .lines = open_write_lines};

const struct fault_step *const fault_script[] = {
    &insert_step,    &change_step,  &folder_step,     &flush_step,  &merge_step,  &wide_step,        &optimize_step,
    &vacuum_step,    &spill_step,   &spill_lost_step, &deep_step,   &create_step, &create_lost_step, &drop_step,
    &drop_lost_step, &again_step,   &rename_step,     &column_step, &aux_step,    &clean_step,       &command_step,
    &snapshot_step,  &feature_step, &alone_step,      &read_step,   &open_step,   &open_write_step,  &salvage_step,
};
const int fault_script_length = sizeof fault_script / sizeof *fault_script;
