/* SQLite's WAL-reset bug (ext/host/checkpoint.c), forced: a checkpointer has read how many frames the WAL has; then
 * another connection begins the WAL anew, and only then the checkpointer reads how many of them are copied. It is
 * stopped there: SQLite calls xUnfetch between the two, if somebody has committed since it looked last. Of a database's
 * file a few methods are this program's, and all others SQLite's own. */
#define SQLITE_CORE 1
#include "ext/host/host.h"

#include "tests/support/sql_one.h"

enum { WRITE_LOCK = 0, CHECKPOINT_LOCK = 1, INDEX_FRAMES = 4, INDEX_COPIED = 24 };

static const char said_of_bug[] = "SELECT art_debug() LIKE '%WAL-reset bug: yes%'";

static sqlite3 *other;        /* the connection that begins the WAL anew; `db` makes the checkpoint */
static sqlite3_file *watched; /* db's */

static struct {
    enum { QUIET, WRITING, COMMITTED, RACING, LOOKING, RACED } stage;
    enum { BEFORE_IT_LOOKS, BEHIND_ITS_LOOK } when; /* the other connection copies all */
    unsigned checkpoints, idle;                     /* that db made; and with nothing to copy */
} race;

/* --- the VFS ------------------------------------------------------------------------------------------------------ */

static sqlite3_vfs *under;
static const sqlite3_io_methods *real; /* of a database's file, which stays SQLite's own */
static volatile uint32_t *wal_index;   /* of both connections, which share it */

static int file_close(sqlite3_file *file) {
    if (file == watched) watched = NULL;
    return real->xClose(file);
}

static int file_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out) {
    int rc = real->xShmMap(file, page, size, extend, out);
    if (!rc && !page) wal_index = *out;
    return rc;
}

/* The frames of all that was committed are in the database then, and there is one commit that db does not know. */
static void other_copies_all(void) {
    race.stage = RACING;
    sql_run(other, "UPDATE o SET x = x + 1 WHERE rowid = 1");
    char *copied = sql_rows(other, "PRAGMA wal_checkpoint");
    int log, done;
    ck_assert_int_eq(sscanf(copied, "0|%d|%d", &log, &done), 2);
    ck_assert_int_eq(log, done);
    sqlite3_free(copied);
}

static int file_shm_lock(sqlite3_file *file, int offset, int count, int flags) {
    bool mine = file == watched, asks = flags & SQLITE_SHM_LOCK,
         checkpoint = asks && offset == CHECKPOINT_LOCK && count == 1 && flags & SQLITE_SHM_EXCLUSIVE;
    if (mine && asks && race.stage == COMMITTED && (checkpoint || race.when == BEFORE_IT_LOOKS)) other_copies_all();
    int rc = real->xShmLock(file, offset, count, flags);
    if (mine && race.stage == WRITING && flags & SQLITE_SHM_UNLOCK && offset == WRITE_LOCK) race.stage = COMMITTED;
    if (!mine || rc || !checkpoint) return rc;
    if (race.stage == RACING) race.stage = LOOKING;
    race.checkpoints++;
    race.idle += wal_index[INDEX_COPIED] >= wal_index[INDEX_FRAMES];
    return rc;
}

static int file_unfetch(sqlite3_file *file, sqlite3_int64 offset, void *page) {
    if (file == watched && race.stage == LOOKING && !page) {
        race.stage = RACED;
        sql_run(other, "UPDATE o SET x = x + 1 WHERE rowid = 1");
    }
    return real->xUnfetch(file, offset, page);
}

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *flags_out) {
    static sqlite3_io_methods ours;
    int rc = under->xOpen(under, name, file, flags, flags_out);
    if (rc || !(flags & SQLITE_OPEN_MAIN_DB)) return rc;
    ck_assert(!real || real == file->pMethods);
    real = file->pMethods;
    ours = *real;
    ours.xClose = file_close;
    ours.xShmMap = file_shm_map;
    ours.xShmLock = file_shm_lock;
    ours.xUnfetch = file_unfetch;
    file->pMethods = &ours;
    return SQLITE_OK;
}

static void register_vfs(void) {
    static sqlite3_vfs vfs;
    sqlite3_initialize();
    if (under) return;
    under = sqlite3_vfs_find(NULL);
    vfs = *under;
    vfs.pNext = NULL;
    vfs.zName = "watched";
    vfs.xOpen = vfs_open;
    sqlite3_vfs_register(&vfs, 1);
}

/* --- the race ----------------------------------------------------------------------------------------------------- */

static void set_up(void) {
    register_vfs();
    sql_set_up();
    race.stage = QUIET;
    race.checkpoints = race.idle = 0;
    sql_run(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; CREATE TABLE o(x); INSERT INTO o VALUES(0)");
    sql_create(db, "t", "log_limit='4KB'");
    other = sql_open(path);
    sql_run(other, "PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=0");
    sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &watched);
}

static void tear_down(void) {
    if (other) sql_close(other);
    other = NULL;
    sql_tear_down();
}

/* A WAL of so many frames. */
static void write_long_log(int frames) {
    sql_run(other,
            "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT %d) "
            "INSERT INTO o SELECT zeroblob(4000) FROM n; DELETE FROM o WHERE rowid > 1",
            frames);
}

/* Fewer frames than the old WAL had: each is acknowledged. How many are there when everybody has gone? */
static int64_t lost_of(int commits) {
    int64_t before = sql_int(other, "SELECT count(*) FROM t");
    for (int i = 0; i < commits; i++) {
        sql_run(other, "BEGIN; INSERT INTO o VALUES(%d); INSERT INTO t VALUES('later/%d', %d); COMMIT", i, i, i);
    }
    sql_close(other);
    other = NULL;
    sql_reopen();
    int64_t rows = sql_int(db, "SELECT count(*) FROM o WHERE rowid > 1");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"), before + rows);
    return commits - rows;
}

static void race_behind_the_look(void) {
    write_long_log(200);
    sql_int(db, "SELECT count(*) FROM o");
    race.stage = COMMITTED;
    race.when = BEHIND_ITS_LOOK;
    sql_run(db, "PRAGMA wal_checkpoint");
    ck_assert_int_eq(race.stage, RACED);
}

/* What this test forces is the bug, and not something of its own: the newer SQLite has mended it. */
TEST(test_a_checkpoint_with_nothing_to_do_loses_commits_where_sqlite_has_the_bug) {
    race_behind_the_look();
    ck_assert_uint_eq(race.idle, 1);
    bool bug = sql_int(db, "%s", said_of_bug);
    int64_t lost = lost_of(20);
    ck_assert_msg(bug ? lost > 0 : !lost, "%lld of 20 commits are lost", (long long)lost);
}

static void fill(void) {
    sql_run(db, "INSERT INTO t WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 60000) "
                "SELECT printf('k/%%06d', i), printf('%%0100d', i) FROM n; INSERT INTO t(t) VALUES('optimize')");
}

/* The retired slots want an early checkpoint. */
static void change_all(void) {
    sql_run(db, "BEGIN IMMEDIATE; UPDATE t SET value = value || 'x'; INSERT INTO t(t) VALUES('optimize'); COMMIT");
}

/* The other connection has copied everything before art looks, or between its look and its checkpoint. */
LOOP_TEST(test_an_early_checkpoint_of_arts_loses_nothing, 2) {
    if (sql_has_no_file("an early checkpoint")) return;
    fill();
    sql_run(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    sql_int(other, "SELECT count(*) FROM t");
    race.checkpoints = race.idle = 0;
    write_long_log(200);
    race.stage = WRITING;
    race.when = _i ? BEHIND_ITS_LOOK : BEFORE_IT_LOOKS;
    change_all();
    ck_assert_int_eq(race.stage, _i ? RACED : RACING);
    ck_assert_uint_eq(race.checkpoints, _i);
    race.stage = QUIET;
    ck_assert_int_eq(lost_of(20), 0);
}

/* SQLite's own checkpoint behind the commit would have nothing to do. */
TEST(test_an_early_checkpoint_is_left_to_sqlite_where_it_makes_its_own) {
    if (sql_has_no_file("an early checkpoint")) return;
    fill();
    sql_run(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    for (int frames = 100; frames <= 2000; frames += 900) {
        write_long_log(frames);
        race.checkpoints = race.idle = 0;
        change_all();
        ck_assert_msg(race.checkpoints == 1 && !race.idle, "%d frames: %u checkpoints, %u with nothing to do", frames,
                      race.checkpoints, race.idle);
    }
}

/* The rows that SQLite has lost were in blobs of the .art file, whose copy of the root knows them. */
TEST(test_a_root_that_went_back_is_told_apart_from_damage) {
    if (sql_has_no_file("the file's copy of the root")) return;
    if (!sql_int(db, "%s", said_of_bug)) return;
    sql_run(other, "INSERT INTO t VALUES('kept', 1); INSERT INTO t(t) VALUES('flush')");
    race_behind_the_look();
    for (int i = 0; i < 20; i++) {
        sql_run(other, "BEGIN; INSERT INTO t VALUES('lost/%d', 1); INSERT INTO t(t) VALUES('flush'); COMMIT", i);
    }
    sql_close(other);
    other = NULL;
    sql_reopen();
    expect("1\n", "SELECT count(*) FROM t");
    expect("1\n", "SELECT art_check('t') LIKE '%the database is 20 commits behind its .art file%'");
    refuses(SQLITE_CORRUPT_VTAB, "main.t: the database is 20 commits behind its .art file", "SELECT art_verify()");
    sql_run(db, "INSERT INTO t(t) VALUES('adopt')");
    expect("ok|ok: 1 art table\n", "SELECT art_check('t'), art_verify()");
}

/* Without the write lock SQLite would make a passive checkpoint, and look while the writer begins the WAL anew. */
TEST(test_a_vacuum_beside_a_writer_makes_no_checkpoint_where_sqlite_has_the_bug) {
    fill();
    sql_run(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    sql_run(other, "BEGIN IMMEDIATE; UPDATE o SET x = 1");
    race.checkpoints = 0;
    refuses(SQLITE_BUSY, "another connection reads or writes", "SELECT art_vacuum('t')");
    ck_assert_uint_eq(race.checkpoints, !sql_int(db, "%s", said_of_bug));
    sql_run(other, "COMMIT");
    sql_run(db, "SELECT art_vacuum('t')");
}

/* sqlite.org says which: 3.51.3 mended it, and 3.50.7 and 3.44.6, but nothing that came between. */
TEST(test_the_versions_of_sqlite_that_have_the_bug_are_known) {
    static const struct {
        int version;
        bool has_it;
    } versions[] = {
        {3040001, true},  {3044005, true}, {3044006, false}, {3044999, false}, {3045000, true},  {3050006, true},
        {3050007, false}, {3051000, true}, {3051002, true},  {3051003, false}, {3052000, false},
    };
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        ck_assert_msg(art_sqlite_loses_commits(versions[i].version) == versions[i].has_it, "%d", versions[i].version);
    }
}

SUITE("wal_reset", .set_up = set_up, .tear_down = tear_down)
