/* A sync that fails is told once to each who has the file open (Linux): what art asks of SQLite's files must not take
 * that away from SQLite.
 *
 * One simulated machine (tests/support/world.h), a database in WAL mode with synchronous=NORMAL, where nothing but a
 * checkpoint syncs: and art, before it removes the file of a dropped table.
 */
#include "core/tree/txn/txn.h"
#include "ext/art.h"
#include "tests/support/crash_work.h"
#include "tests/support/suite.h"
#include "tests/support/world.h"

static const struct crash_setting setting = {"WAL", "NORMAL", LASTS_NEVER, false, false, false};
static const char drop[] = "BEGIN; UPDATE o SET x = 2; DROP TABLE b; COMMIT";
static const char clean[] = "BEGIN; UPDATE o SET x = 2; INSERT INTO a(a) VALUES('clean'); COMMIT";
static const char *const removals[] = {drop, clean};

static struct world *world;

static int try(sqlite3 *db, const char *sql) {
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    if (rc && !sqlite3_get_autocommit(db)) sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

static void must(sqlite3 *db, const char *sql) {
    ck_assert_msg(!sqlite3_exec(db, sql, NULL, NULL, NULL), "%s: %s", sql, sqlite3_errmsg(db));
}

static sqlite3 *open_process(void) {
    char *why = NULL;
    world_enter(world, world_process_new(world));
    sqlite3 *db = crash_open(&setting, &why);
    ck_assert_msg(db != NULL, "%s", why);
    must(db, "PRAGMA wal_autocheckpoint=0");
    return db;
}

static void close_process(unsigned number, sqlite3 *db) {
    world_enter(world, world->processes[number]);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

static enum art_rc count_file(void *count, const char *name) {
    *(unsigned *)count += strstr(name, ".art") != NULL;
    return ART_OK;
}

static unsigned art_files(void) {
    unsigned count = 0;
    struct art_disk *disk = sim_disk_art(world->disk);
    ck_assert_int_eq(disk->methods->list(disk, WORLD_FOLDER, count_file, &count), ART_OK);
    return count;
}

/* Tables a and b with a file each; or a, and the file that b left behind. */
static sqlite3 *make_database(bool left_behind) {
    struct world_options options = {.seed = 1, .sector = 512, .characteristics = SQLITE_IOCAP_POWERSAFE_OVERWRITE};
    world = world_new(NULL, &options);
    sqlite3 *db = open_process();
    must(db, "PRAGMA page_size=512; PRAGMA journal_mode=WAL; CREATE TABLE o(x); INSERT INTO o VALUES(1);"
             "CREATE VIRTUAL TABLE a USING art; INSERT INTO a VALUES('a', 1); INSERT INTO a(a) VALUES('flush');"
             "CREATE VIRTUAL TABLE b USING art; INSERT INTO b VALUES('b', 1); INSERT INTO b(b) VALUES('flush')");
    if (left_behind) {
        world_arm(world, WORLD_FAIL_SYNC, 1, "-wal"); /* the one after the commit */
        must(db, "DROP TABLE b");
        ck_assert(world_disarm(world));
        ck_assert_int_eq(try(db, "PRAGMA wal_checkpoint(TRUNCATE)"), SQLITE_IOERR);
        world_disarm(world);
    }
    must(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    ck_assert_uint_eq(art_files(), 2);
    return db;
}

/* What is reported as done is on the disk. The next sync of SQLite's own is a checkpoint's. */
LOOP_TEST(test_a_sync_that_fails_before_a_file_is_removed_is_told, 2) {
    unsigned struck = 0;
    for (unsigned nth = 0; nth < 5; nth++) {
        sqlite3 *db = make_database(removals[_i] == clean);
        world_arm(world, WORLD_FAIL_SYNC, nth, "-wal");
        int rc = try(db, removals[_i]);
        bool failed = world_disarm(world);
        struck += failed;
        int checkpoint = try(db, "PRAGMA wal_checkpoint");
        ck_assert_msg(!failed || rc || checkpoint, "sync %u failed, and nobody was told", nth);
        ck_assert_msg(art_files() == (failed ? 2 : 1), "%u files after sync %u", art_files(), nth);
        must(db, "PRAGMA wal_checkpoint(TRUNCATE)");
        close_process(0, db);
        world_free(world);
    }
    ck_assert_uint_eq(struck, 3); /* art's before the commit, SQLite's of a new WAL's header, art's after it */
}

/* What is before it in the WAL may be lost, and it with that. */
LOOP_TEST(test_no_file_is_removed_where_a_sync_has_failed_for_another_process, 2) {
    sqlite3 *db = make_database(removals[_i] == clean);
    must(db, "UPDATE o SET x = 3");
    sqlite3 *other = open_process();
    world_arm(world, WORLD_FAIL_SYNC, 0, "-wal");
    ck_assert_int_eq(try(other, "PRAGMA wal_checkpoint"), SQLITE_IOERR);
    ck_assert(world_disarm(world));
    world_enter(world, world->processes[0]);
    ck_assert_int_eq(try(db, removals[_i]), SQLITE_IOERR);
    ck_assert_uint_eq(art_files(), 2);
    world_disarm(world);
    must(db, removals[_i]);
    ck_assert_uint_eq(art_files(), 1);
    close_process(1, other);
    close_process(0, db);
    world_free(world);
}

/* Is the copy whole on a disk that a loss of power leaves now, or does it say that it is not? */
static bool copy_is_whole(const char *copy, uint64_t seed) {
    struct world_image image;
    struct world_replay *replay = world_replay_new(world);
    while (world_replay_step(replay)) {
    }
    world_replay_crash(replay, WORLD_DROP_ALL, seed, &image);
    world_replay_free(replay);
    struct world *now = world, *after = world_new(&image, &world->options);
    sqlite3 *db = NULL;
    world_enter(after, world_process_new(after));
    ck_assert(!sqlite3_open(copy, &db) && !sqlite3_art_init(db, NULL, NULL));
    int rc = try(db, "SELECT art_verify()");
    bool unfinished = rc && strstr(sqlite3_errmsg(db), "unfinished");
    ck_assert_msg(!rc || unfinished, "%s", sqlite3_errmsg(db));
    sqlite3_close(db);
    world_free(after);
    world_image_clear(&image);
    world_enter(now, now->processes[now->process_count - 1]);
    return !rc;
}

/* What a sync has lost is still to be seen: the next run may not take it for blobs that are there. */
TEST(test_a_copy_whose_sync_failed_is_written_again) {
    static const char update[] = "SELECT art_backup('" WORLD_FOLDER "copy.db', 'main', 'update')";
    unsigned struck = 0;
    for (unsigned i = 0; i < 60; i++) {
        struct world_options options = {.seed = i, .sector = 512, .characteristics = SQLITE_IOCAP_POWERSAFE_OVERWRITE};
        world = world_new(NULL, &options);
        sqlite3 *db = open_process();
        must(db, "CREATE VIRTUAL TABLE a USING art(path, value, storage=file); WITH n(i) AS (SELECT 1 UNION ALL SELECT "
                 "i + 1 FROM n LIMIT 300) INSERT INTO a SELECT i, zeroblob(300) FROM n; INSERT INTO a(a) "
                 "VALUES('flush')");
        if (i % 2) must(db, update);
        must(db, "DELETE FROM a WHERE path < '2'; INSERT INTO a(a) VALUES('optimize')");
        world_arm(world, WORLD_FAIL_SYNC, i / 2 % 3, ".art");
        int failed = try(db, update);
        struck += world_disarm(world);
        close_process(0, db);
        db = open_process();
        must(db, update);
        ck_assert(copy_is_whole(WORLD_FOLDER "copy.db", i) || !failed);
        close_process(1, db);
        world_free(world);
    }
    ck_assert_uint_ge(struck, 20);
}

SUITE("lost syncs", .seconds = SUITE_FOREVER)
