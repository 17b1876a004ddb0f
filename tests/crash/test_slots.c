/* The slot rule (core/tree/run/slots.c) under real SQLite: several processes on one database, killed at their I/O
 * calls.
 *
 *     writers      random transactions on t (an art table) and m (an ordinary one) alike; flush, merge and spill often;
 *                    some begin by reading, some are interrupted
 *     readers      hold a snapshot while slots are freed and used again, and compare t with m in it, row by row, in
 *                    scans so slow that commits pass, by listings and counts; a new one is not older than a commit that
 *                    anybody had seen before
 *     checkpointer PASSIVE, FULL, RESTART, TRUNCATE
 *     this process kills and replaces them, and now and then everything dies:
 *                    all are stopped, the folder is copied without -shm, the copy is opened (SQLite recovers it) and
 *                    compared, the processes go on; or all are really killed, and the database is opened in place
 *
 * m has for each row of t the numbers that its value is made from, so a snapshot is right or wrong by itself, whichever
 * transactions it holds. What a process has seen committed must be there ever after (struct world, `seen`).
 *
 * Deaths come where they hurt: this program has its own pwrite, ftruncate, fsync and fdatasync, which SQLite and the
 * extension call in the C library's stead. They
 *
 *   - kill the process, in particular after the last write of a commit to the -wal, before the wal-index tells others:
 *     a zombie, a commit that no process sees and that recovery revives
 *   - stop the process where its blobs are written and its commit is not: then "everything dies" by a copy
 *   - do not sync: a kill loses no write, so this test says nothing about syncs (power loss is for simulated disks)
 *
 * Where SQLite itself loses commits at recovery (support/spills.h), its page cache is not made to spill, and with blobs
 * in rows it is kept from it.
 *
 * SQLite 3.40.1 (not 3.53.2) also loses or mixes commits of killed writers with locking_mode=EXCLUSIVE, a rollback
 * journal and synchronous=OFF, where a writer takes over from another; with ordinary tables alone, too
 * (in most runs of half a minute). With NORMAL and FULL it does not, nor with a single writer. The
 * journal then stays, its header alone is overwritten, and OFF leaves the number of its records to the file's length.
 * So OFF is left out there.
 *
 * The rule, line by line, and who tests it: H, here, by chance and in number; W, test_slot_rule.c, by what is written,
 * synced and removed, and in which order; R, test_slot_readers.c, by what readers see, and whether the file grows.
 *
 *   beyond the file's end any time            H; R: everywhere before slots are free
 *   never what the base names                 H; R: what_the_committed_root_names_is_not_written
 *   nor what a savepoint's root names         H; R: a_savepoint_keeps_its_root (a cursor keeps none: it seeks again)
 *   1  own frame, synced, before any write    H: zombies; W: an_own_frame_and_the_database_are_synced
 *      the nonce is random                    W: who_does_the_same_to_the_same_database_writes_another_nonce
 *      no growth of CACHE_WRITE: extend       H: cache_spill=OFF; W: no_own_frame_comes, pages_of_another_database
 *      WAL and database synced at any level   W: an_own_frame_and_the_database_are_synced, a_sync_that_fails
 *      blobs durable before their root        W: blobs_are_synced_before_the_frames_that_name_them
 *      rollback journal and its folder        W: the_own_journal_and_its_folder, the_journals_folder_in_every_mode
 *   2  retired while a reader may stand there   H; W: a_reader_that_stays_keeps_its_slots; R: an_older_reader_counts,
 *                                             no_checkpoint_frees (each kind, by a connection with synchronous=OFF)
 *      other salts: the list is free          R: no_checkpoint_frees, at its end
 *      equal salts: it grows                  R: without_a_checkpoint_nothing_is_freed
 *      no own frame: unknown, not free        W: slots_of_an_unknown_epoch, a_flush_that_knows_no_epoch
 *      read again after ROLLBACK TO           H; W: the_epoch_is_read_again_after_rollback_to
 *      killed TRUNCATE                        H: deaths in ftruncate
 *      another's rollback, fresh connections,
 *      reopening                              H; R: retired_slots_outlive_the_connection_that_made_them
 *      rollback journal: nothing is retired     R: with_a_rollback_journal_nothing_is_retired
 *      truncating is writing                  H: 'vacuum'; R: cutting_the_file_is_writing
 *   the lock on the file, until all is reaped test_kill.c: the_lock_outlives_the_last_write; W: under_a_lock
 *
 * test_actors.c does what needs no kernel, on a simulated machine where a seed repeats it: so this runs for seconds.
 *
 * The interleaving is not repeated by a seed. With io_uring the writes of blobs are not seen here, their fdatasync is.
 *
 * ART_TEST_SCALE=n, ART_TEST_SEED; ART_TEST_SECONDS=n: for each setting; ART_TEST_SETTING=n: this one alone, from 0.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/features.h"
#include "tests/support/slot_world.h"
#include "tests/support/sql.h"
#include "tests/support/suite.h"

enum { FILES = 130, SLOT = 512 * 1024, FILE_LIMIT = 64 << 20, PROCESSES = 5, PATIENCE = 300 };
enum role { WRITER, READER, CHECKPOINTER };
static const enum role roles[PROCESSES] = {WRITER, WRITER, READER, READER, CHECKPOINTER};

static const struct setting settings[] = {
    {"WAL", "WAL", false, 8, ""},
    {"rollback journal", "DELETE", false, 4, ""},
    {"WAL, locking_mode=EXCLUSIVE", "WAL", true, 2, ""},
    {"rollback journal, locking_mode=EXCLUSIVE", "DELETE", true, 2, ""},
    {"WAL, blobs in the database", "WAL", false, 2, ", storage=inline"},
    {"rollback journal, blobs in the database", "DELETE", false, 2, ", storage=inline"},
};

/* ---- fate: the calls of the C library that SQLite and the extension make ----------------------------------------- */

enum kind { KIND_OTHER, KIND_WAL, KIND_ART };

static struct {
    bool armed;          /* this process may die */
    bool freezes;        /* and may stop, for a copy to be made */
    bool commit_frame;   /* the header of a commit frame is written, its page comes next */
    bool commit_in_file; /* so is its page */
    uint64_t counter;    /* m's counter as the present transaction sets it */
    uint64_t slot;       /* the one written last */
    struct random random;
} fate;

static enum kind kind_of(int fd) {
    char link[64], path[600];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof path - 1);
    if (len < 4) return KIND_OTHER;
    path[len] = 0;
    return !strcmp(path + len - 4, "-wal") ? KIND_WAL : !strcmp(path + len - 4, ".art") ? KIND_ART : KIND_OTHER;
}

static void die(void) {
    world->deaths++;
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

static void die_once_in(uint32_t times) {
    if (fate.armed && random_once_in(&fate.random, times)) die();
}

static void die_as_zombie_once_in(uint32_t times) {
    if (!random_once_in(&fate.random, times)) return;
    world->zombies++;
    world->zombie = fate.counter;
    die();
}

/* Blobs are in their slots and no commit names them: what is left if all die now? */
static void freeze_sometimes(void) {
    if (!fate.freezes || !random_once_in(&fate.random, world->zombie ? 4 : 60)) return;
    world->freezes++;
    raise(SIGSTOP);
}

static void note_slot(int fd, off_t offset) {
    struct stat now;
    uint64_t slot = (uint64_t)offset / SLOT;
    if (slot == 0 || slot == fate.slot || fstat(fd, &now)) return;
    fate.slot = slot;
    world->slots_written++;
    if ((off_t)((slot + 1) * SLOT) <= now.st_size) world->slots_reused++;
}

static ssize_t write_at(int fd, const void *data, size_t len, off_t offset) {
    enum kind kind = fate.armed ? kind_of(fd) : KIND_OTHER;
    die_once_in(4000);
    if (kind == KIND_ART) note_slot(fd, offset);
    ssize_t written = syscall(SYS_pwrite64, fd, data, len, offset);
    if (kind == KIND_ART) freeze_sometimes();
    if (kind == KIND_WAL && fate.commit_frame && len >= 512) {
        fate.commit_frame = false;
        fate.commit_in_file = true;
        die_as_zombie_once_in(25);
    }
    if (kind == KIND_WAL && len == 24) { /* a frame's header: page, size of the database after a commit or 0, ... */
        uint32_t size;
        memcpy(&size, (const char *)data + 4, 4);
        fate.commit_frame = size != 0;
    }
    die_once_in(4000);
    return written;
}

static int cut(int fd, off_t len) {
    die_once_in(20);
    int rc = (int)syscall(SYS_ftruncate, fd, len);
    die_once_in(40);
    return rc;
}

static int sync_nothing(int fd) {
    if (!fate.armed) return 0;
    if (kind_of(fd) == KIND_ART) freeze_sometimes();
    if (fate.commit_in_file) die_as_zombie_once_in(8);
    die_once_in(200);
    return 0;
}

#define INTERPOSE(type, name, parameters, call)                                                                        \
    __attribute__((visibility("default"))) type name parameters {                                                      \
        return call;                                                                                                   \
    }
INTERPOSE(ssize_t, pwrite, (int fd, const void *data, size_t len, off_t offset), write_at(fd, data, len, offset))
INTERPOSE(ssize_t, pwrite64, (int fd, const void *data, size_t len, off64_t offset), write_at(fd, data, len, offset))
INTERPOSE(int, ftruncate, (int fd, off_t len), cut(fd, len))
INTERPOSE(int, ftruncate64, (int fd, off64_t len), cut(fd, len))
INTERPOSE(int, fsync, (int fd), sync_nothing(fd))
INTERPOSE(int, fdatasync, (int fd), sync_nothing(fd))

/* ---- writers ----------------------------------------------------------------------------------------------------- */

static void prepare_all(struct session *session) {
    sqlite3 *db = session->db;
    const char *put[] = {"INSERT OR REPLACE INTO t(path, value) VALUES(?1, ?2)",
                         "INSERT OR REPLACE INTO m(path, seed, len) VALUES(?1, ?2, ?3)"};
    for (int i = 0; i < 2; i++) {
        const char *table = i ? "m" : "t";
        session->put[i] = sql_prepare(db, "%s", put[i]);
        session->remove[i] = sql_prepare(db, "DELETE FROM %s WHERE path = ?1", table);
        session->remove_directory[i] = sql_prepare(db, "DELETE FROM %s WHERE path GLOB ?1", table);
        session->move[i] = sql_prepare(db, "UPDATE OR IGNORE %s SET path = ?2 WHERE path = ?1", table);
    }
}

static void step(struct session *session, sqlite3_stmt *statement) {
    int rc = sqlite3_step(statement);
    if (!session->rc && rc != SQLITE_DONE) session->rc = rc;
    if (rc != SQLITE_DONE) fine(session->db, rc, sqlite3_sql(statement));
    sqlite3_reset(statement);
}

static void bind_path(sqlite3_stmt **statements, int at, struct random *random) {
    char path[40];
    uint32_t directory = random_below(random, SLOT_DIRECTORIES), file = random_below(random, FILES);
    snprintf(path, sizeof path, "directory-%u/file-%04u", directory, file);
    for (int i = 0; i < 2; i++) sqlite3_bind_text(statements[i], at, path, -1, SQLITE_TRANSIENT);
}

static void change_row(struct session *session) {
    struct random *random = session->random;
    uint32_t kind = random_below(random, 600);
    sqlite3_stmt **statements = kind < 370   ? session->put
                                : kind < 540 ? session->remove
                                : kind < 599 ? session->move
                                             : session->remove_directory;
    if (statements == session->remove_directory) {
        char pattern[40];
        snprintf(pattern, sizeof pattern, "directory-%u/*", random_below(random, SLOT_DIRECTORIES));
        for (int i = 0; i < 2; i++) sqlite3_bind_text(statements[i], 1, pattern, -1, SQLITE_TRANSIENT);
    } else {
        bind_path(statements, 1, random);
    }
    if (statements == session->move) bind_path(statements, 2, random);
    if (statements == session->put) {
        int64_t seed = random_next(random) >> 8, len = random_length(random);
        sqlite3_bind_blob(statements[0], 2, value_of(seed, len), (int)len, SQLITE_TRANSIENT);
        sqlite3_bind_int64(statements[1], 2, seed);
        sqlite3_bind_int64(statements[1], 3, len);
    }
    for (int i = 0; i < 2 && !session->rc; i++) step(session, statements[i]);
}

static void change_rows(struct session *session, uint32_t count) {
    while (count-- && !session->rc) change_row(session);
}

static void command(struct session *session, const char *word) {
    if (session->rc) return;
    int rc = sql_try(session->db, "INSERT INTO t(t) VALUES(%Q)", word);
    if (!fine(session->db, rc, word)) session->rc = rc;
}

static void say(struct session *session, const char *statement) {
    if (session->rc) return;
    int rc = sql_try(session->db, "%s", statement);
    if (!fine(session->db, rc, statement)) session->rc = rc;
}

static void mark_and_come_back(struct session *session, uint32_t rows) {
    say(session, "SAVEPOINT s");
    change_rows(session, rows);
    if (random_below(session->random, 3)) {
        say(session, "ROLLBACK TO s");
        world->savepoints++;
    }
    if (random_once_in(session->random, 2)) say(session, "RELEASE s");
}

static void empty(struct session *session) {
    for (int i = 0; i < 2 && !session->rc; i++) {
        sqlite3_bind_text(session->remove_directory[i], 1, "*", -1, SQLITE_STATIC);
        step(session, session->remove_directory[i]);
    }
    world->emptied++;
}

/* Large ones spill: blobs are written long before the commit, and ROLLBACK TO takes own frames out of the -wal. */
static void fill_transaction(struct session *session) {
    static const uint32_t sizes[] = {3, 8, 15, 15, 40, 150};
    struct random *random = session->random;
    uint32_t size = sizes[random_below(random, 6)];
    if (random_once_in(random, 5)) mark_and_come_back(session, 60);
    change_rows(session, 1 + random_below(random, size));
    for (uint32_t i = random_once_in(random, 3) ? 1 + random_below(random, 3) : 0; i > 0; i--) {
        mark_and_come_back(session, random_below(random, size));
        change_rows(session, random_below(random, 5));
    }
    if (random_once_in(random, 3) && !session->rc) {
        int rc = features_turn(session->db);
        if (!fine(session->db, rc, "features")) session->rc = rc;
    }
    if (random_once_in(random, 120)) empty(session);
    if (random_once_in(random, 10)) command(session, "flush");
    if (random_once_in(random, 25)) {
        command(session, "optimize");
        world->optimized++;
    }
    if (random_once_in(random, 15)) {
        command(session, "vacuum");
        world->vacuumed++;
    }
}

static void commit(struct session *session) {
    int rc = SQLITE_BUSY;
    for (int i = 0; i < 50 && is_busy(rc) && !session->rc; i++) {
        fate.commit_frame = fate.commit_in_file = false;
        rc = sql_try(session->db, "COMMIT");
        fate.commit_in_file = false;
        if (fine(session->db, rc, "COMMIT")) {
            if (!in_a_copy) world->zombie = 0;
            world->commits++;
            see(fate.counter);
            return;
        }
        if (is_busy(rc) && random_once_in(session->random, 3)) change_rows(session, 2);
    }
    sql_try(session->db, "ROLLBACK");
}

static void not_older_than(uint64_t counter, uint64_t seen, const char *who) {
    if (counter >= seen) return;
    violation("%s: commit %llu was seen, now the counter says %llu", who, (unsigned long long)seen,
              (unsigned long long)counter);
}

/* The transaction is open and has its snapshot. */
static void change_and_commit(struct session *session, const char *who) {
    fill_transaction(session);
    if (!session->rc && sqlite3_get_autocommit(session->db))
        violation("%s: rolled back, and no statement says so", who);
    if (!session->rc && random_once_in(session->random, 7)) {
        world->rollbacks++;
        return;
    }
    if (session->rc || !fine(session->db, sql_try(session->db, "UPDATE counter SET n = n + 1"), "the counter")) return;
    if (!interrupt_in && random_once_in(session->random, 20)) compare(session->db, session->random, who, true);
    commit(session);
}

static int count_down(void *unused) {
    (void)unused;
    bool now = interrupt_in == 1;
    interrupt_in = interrupt_in > 1 ? interrupt_in - 1 : -1;
    return now;
}

static void transaction(struct session *session, const char *who) {
    sqlite3 *db = session->db;
    session->rc = SQLITE_OK;
    uint64_t seen = world->seen;
    bool reads_first = random_once_in(session->random, 6);
    int rc = sql_try(db, reads_first ? "BEGIN; SELECT count(*) FROM t WHERE path < 'a'" : "BEGIN IMMEDIATE");
    if (fine(db, rc, "BEGIN")) {
        fate.counter = (uint64_t)ask(db, who, "SELECT n FROM counter") + 1;
        not_older_than(fate.counter - 1, seen, who);
        see(fate.counter - 1);
        if (random_once_in(session->random, 10)) compare(db, session->random, who, false);
        if (random_once_in(session->random, 5)) interrupt_in = 1 + (int)random_below(session->random, 200);
        if (interrupt_in) sqlite3_progress_handler(db, 50, count_down, NULL);
        change_and_commit(session, who);
        sqlite3_progress_handler(db, 0, NULL, NULL);
        interrupt_in = 0;
    }
    if (!sqlite3_get_autocommit(db)) sql_try(db, "ROLLBACK");
}

static void checkpoint(sqlite3 *db, int mode) {
    int rc = sqlite3_wal_checkpoint_v2(db, "main", mode, NULL, NULL);
    if (rc != SQLITE_LOCKED && fine(db, rc, "a checkpoint")) world->checkpoints++;
}

/* By a connection of its own: one that never made a WAL begin anew gives it random salts at frame 0, also again after
 * a ROLLBACK TO that leads there. */
static void empty_wal(const char *path, const struct setting *setting, struct random *random) {
    struct session session;
    if (setting->exclusive) return;
    session_open(&session, path, setting, random);
    sqlite3_busy_timeout(session.db, 40);
    checkpoint(session.db, SQLITE_CHECKPOINT_TRUNCATE);
    session_close(&session);
}

static void write_for_ever(const char *path, const struct setting *setting, struct random *random) {
    for (;;) {
        struct session session;
        session_open(&session, path, setting, random);
        bool ready = session_ready(&session);
        if (ready) prepare_all(&session);
        fate.armed = fate.freezes = true;
        if (random_once_in(random, 2)) empty_wal(path, setting, random);
        for (uint32_t i = ready ? 1 + random_below(random, random_once_in(random, 2) ? 6 : 60) : 0; i > 0; i--) {
            if (random_once_in(random, 8)) checkpoint(session.db, (int)random_below(random, 4));
            transaction(&session, "a writer");
            if (random_once_in(random, 40)) {
                static const char *const commands[] = {"flush", "optimize", "vacuum"};
                command(&session, commands[random_below(random, 3)]);
            }
            fate.commit_frame = fate.commit_in_file = false;
            if (random_once_in(random, 4)) usleep(random_below(random, 1500));
        }
        session_close(&session); /* the last one to close checkpoints and removes the -wal */
        fate.armed = false;
    }
}

/* ---- readers and the checkpointer -------------------------------------------------------------------------------- */

static void look_and_look_again(sqlite3 *db, struct random *random, uint64_t committed) {
    uint64_t seen = world->seen;
    bool wait_first = random_once_in(random, 2);
    uint64_t counter = wait_first ? 0 : compare(db, random, "a reader's new snapshot", random_once_in(random, 3));
    usleep(random_once_in(random, 6) ? random_below(random, 250000) : random_below(random, 25000));
    uint64_t again = compare(db, random, "a reader's old snapshot", true);
    if (counter && again != counter) violation("a reader's snapshot moved");
    not_older_than(again, committed, "a reader's snapshot");
    world->held += world->seen > seen;
    see(again);
}

/* The first read makes the snapshot, of a transaction or of a statement that is not at its end; t itself may see it
 * only later. */
static void hold_a_snapshot(struct session *session) {
    static const char *const firsts[] = {"SELECT path FROM t", "SELECT n FROM counter", "SELECT path FROM t"};
    sqlite3 *db = session->db;
    uint64_t committed = world->seen;
    uint32_t kind = random_below(session->random, 3);
    sqlite3_stmt *first = NULL;
    int rc = kind < 2 ? sql_try(db, "BEGIN") : SQLITE_OK;
    if (!rc) rc = sqlite3_prepare_v2(db, firsts[kind], -1, &first, NULL);
    if (!rc) rc = sqlite3_step(first);
    if (fine(db, rc, "a reader's first read") && rc == SQLITE_ROW) {
        if (kind < 2) sqlite3_reset(first);
        look_and_look_again(db, session->random, committed);
    }
    sqlite3_finalize(first);
    if (kind < 2) sql_try(db, "COMMIT");
}

static void read_for_ever(const char *path, const struct setting *setting, struct random *random) {
    for (;;) {
        struct session session;
        session_open(&session, path, setting, random);
        scan_pause = random_once_in(random, 3) ? 5000 : 0;
        for (uint32_t i = 1 + random_below(random, 20); i > 0; i--) {
            hold_a_snapshot(&session);
            if (random_once_in(random, 3)) usleep(random_below(random, 3000));
        }
        session_close(&session);
    }
}

static void checkpoint_for_ever(const char *path, const struct setting *setting, struct random *random) {
    for (;;) {
        struct session session;
        session_open(&session, path, setting, random);
        sqlite3_busy_timeout(session.db, 20);
        sql_try(session.db, "SELECT n FROM counter");
        fate.armed = true;
        for (uint32_t i = 1 + random_below(random, 30); i > 0; i--) {
            usleep(random_below(random, 4000));
            checkpoint(session.db, (int)random_below(random, 4));
        }
        fate.armed = false;
        session_close(&session);
    }
}

/* ---- after everything has died ----------------------------------------------------------------------------------- */

static void check_all(struct session *session, const char *who) {
    sqlite3 *db = session->db;
    sql_run(db, "BEGIN");
    uint64_t counter = compare(db, session->random, who, true);
    not_older_than(counter, world->seen, who);
    if (world->zombie && counter == world->zombie && counter > world->seen) world->revived++;
    sql_run(db, "COMMIT");
    char *answer = sql_rows(db, "PRAGMA integrity_check");
    if (strcmp(answer, "ok\n")) violation("%s: integrity_check: %.500s", who, answer);
    sqlite3_free(answer);
}

static void go_on(struct session *session, int transactions) {
    if (!session_ready(session)) violation("busy without company: %s", sqlite3_errmsg(session->db));
    prepare_all(session);
    while (transactions--) transaction(session, "the only process");
    check_all(session, "after transactions without company");
}

/* The same history under another kind of journal, or laid out anew. */
static void change_mode(struct session *session, const struct setting *setting) {
    bool wal = !strcmp(setting->journal, "WAL");
    uint32_t kind = random_below(session->random, 8);
    if (kind == 0) {
        sql_run(session->db, "PRAGMA journal_mode=%s", wal ? "DELETE" : "WAL");
        go_on(session, 6);
        sql_run(session->db, "PRAGMA journal_mode=%s", setting->journal);
    } else if (kind == 1) {
        sql_run(session->db, "VACUUM");
    } else if (kind < 4) {
        go_on(session, 3);
    }
}

static void recover_copy(const char *path, const struct setting *setting, struct random *random) {
    struct session session;
    in_a_copy = true;
    session_open(&session, path, setting, random);
    check_all(&session, "everything died (a copy)");
    if (random_once_in(random, 4)) go_on(&session, 4);
    session_close(&session);
    world->copies++;
}

static void recover_in_place(const char *path, const struct setting *setting, struct random *random) {
    struct session session;
    session_open(&session, path, setting, random);
    check_all(&session, "everything died (in place)");
    see(compare(session.db, random, "everything died (in place)", false));
    world->zombie = 0;
    change_mode(&session, setting);
    world->reopened++;
    if (random_once_in(random, 2)) session_close(&session);
}

static void create(const char *path, const struct setting *setting, struct random *random) {
    struct session session;
    session_open(&session, path, setting, random);
    sql_run(session.db, "PRAGMA page_size=%d", random_once_in(random, 2) ? 4096 : 1024);
    sql_run(session.db, "PRAGMA journal_mode=%s", setting->journal);
    char options[140];
    snprintf(options, sizeof options, "log_limit='4KB', cache='256KB', spill_limit='%s'%s",
             random_once_in(random, 2) ? "128KB" : "32KB", setting->storage);
    sql_create(session.db, "t", options);
    features_create(session.db, TEXT(", %s", options));
    features_create(session.db, NULL);
    sql_run(session.db, "CREATE TABLE m(path TEXT PRIMARY KEY NOT NULL, seed INTEGER, len INTEGER) WITHOUT ROWID;"
                        "CREATE TABLE counter(n INTEGER); INSERT INTO counter VALUES(0)");
    world->seen = world->zombie = 0;
    prepare_all(&session);
    sql_run(session.db, "BEGIN");
    change_rows(&session, 1500);
    sql_run(session.db, "COMMIT");
    check_all(&session, "a new database");
    session_close(&session);
}

/* ---- this process ------------------------------------------------------------------------------------------------ */

struct arena {
    const struct setting *setting;
    struct random random;
    char *folder, *copy, *path, *copy_path;
    pid_t process[PROCESSES]; /* 0: none */
    bool stopped[PROCESSES];
};

typedef void task(const char *path, const struct setting *setting, struct random *random);

static pid_t start(struct arena *arena, task *work, const char *path) {
    struct random random = {random_next(&arena->random)};
    pid_t parent = getpid();
    fflush(stdout);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child) return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(4);
    fate.random = (struct random){random_next(&random)};
    work(path, arena->setting, &random);
    _exit(0);
}

static void start_process(struct arena *arena, int i) {
    static task *const work[] = {write_for_ever, read_for_ever, checkpoint_for_ever};
    if (arena->setting->exclusive && roles[i] != WRITER) return;
    arena->process[i] = start(arena, work[roles[i]], arena->path);
    arena->stopped[i] = false;
}

static void note_end(struct arena *arena, int i, int status) {
    if (WIFSTOPPED(status)) {
        arena->stopped[i] = true;
        return;
    }
    arena->process[i] = 0;
    arena->stopped[i] = false;
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    if (!killed && !atomic_exchange(&world->failed, 1)) {
        snprintf(world->message, sizeof world->message, "process %d ended by itself, status %x", i, (unsigned)status);
    }
}

static void kill_all(struct arena *arena) {
    int status;
    for (int i = 0; i < PROCESSES; i++) {
        if (arena->process[i]) kill(arena->process[i], SIGKILL);
    }
    for (int i = 0; i < PROCESSES; i++) {
        while (arena->process[i] && waitpid(arena->process[i], &status, WUNTRACED) > 0) note_end(arena, i, status);
    }
}

static void stop_all(struct arena *arena) {
    int status;
    for (int i = 0; i < PROCESSES; i++) {
        if (arena->process[i] && !arena->stopped[i]) kill(arena->process[i], SIGSTOP);
    }
    for (int i = 0; i < PROCESSES; i++) {
        if (!arena->process[i] || arena->stopped[i]) continue;
        if (waitpid(arena->process[i], &status, WUNTRACED) > 0) note_end(arena, i, status);
    }
}

static void continue_all(struct arena *arena) {
    for (int i = 0; i < PROCESSES; i++) {
        if (arena->process[i]) kill(arena->process[i], SIGCONT);
        arena->stopped[i] = false;
    }
}

static void copy_file(const char *from, const char *to) {
    int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    ck_assert_int_ge(in, 0);
    ck_assert_int_ge(out, 0);
    ssize_t n;
    while ((n = copy_file_range(in, NULL, out, NULL, (size_t)1 << 30, 0)) > 0) {
    }
    ck_assert_msg(n == 0, "cannot copy %s: %s", from, strerror(errno));
    close(in);
    close(out);
}

/* Every file but the wal-index: that dies with the processes. */
static void copy_folder(struct arena *arena) {
    sql_scratch_remove(arena->copy);
    ck_assert_int_eq(mkdir(arena->copy, 0755), 0);
    DIR *list = opendir(arena->folder);
    ck_assert_ptr_nonnull(list);
    for (struct dirent *entry; (entry = readdir(list));) {
        size_t len = strlen(entry->d_name);
        if (entry->d_name[0] == '.' || (len > 4 && !strcmp(entry->d_name + len - 4, "-shm"))) continue;
        char *from = sqlite3_mprintf("%s/%s", arena->folder, entry->d_name);
        char *to = sqlite3_mprintf("%s/%s", arena->copy, entry->d_name);
        copy_file(from, to);
        sqlite3_free(from);
        sqlite3_free(to);
    }
    closedir(list);
}

static void run_alone(struct arena *arena, task *work, const char *path) {
    int status;
    pid_t child = start(arena, work, path);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    if (status && !atomic_exchange(&world->failed, 1)) {
        snprintf(world->message, sizeof world->message, "a process alone ended with status %x", (unsigned)status);
    }
}

static void everything_dies_in_a_copy(struct arena *arena) {
    stop_all(arena);
    if (world->failed) return;
    copy_folder(arena);
    run_alone(arena, recover_copy, arena->copy_path);
    continue_all(arena);
}

static double seconds_since(const struct timespec *from) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - from->tv_sec) + (double)(now.tv_nsec - from->tv_nsec) / 1e9;
}

/* The processes of the setting run for a while, with kills and copies; then all are killed. */
static void run_round(struct arena *arena) {
    struct timespec from;
    clock_gettime(CLOCK_MONOTONIC, &from);
    double span = 0.2 + random_below(&arena->random, 1000) / 1000.0;
    while (!world->failed && seconds_since(&from) < span) {
        bool frozen = false;
        for (int i = 0; i < PROCESSES; i++) {
            int status;
            if (arena->process[i] && waitpid(arena->process[i], &status, WNOHANG | WUNTRACED) > 0) {
                note_end(arena, i, status);
            }
            frozen |= arena->stopped[i];
            if (!arena->process[i]) start_process(arena, i);
        }
        if (frozen || random_once_in(&arena->random, 100)) everything_dies_in_a_copy(arena);
        uint32_t victim = random_below(&arena->random, 300);
        if (victim < PROCESSES && arena->process[victim]) {
            kill(arena->process[victim], SIGKILL);
            world->kills++;
        }
        usleep(500 + random_below(&arena->random, 1500));
    }
    kill_all(arena);
}

static void renew(struct arena *arena) {
    char *file = sql_find_file(arena->folder, ".art");
    struct stat now = {0};
    bool keep =
        stat(file ? file : arena->path, &now) == 0 && now.st_size < FILE_LIMIT && !random_once_in(&arena->random, 12);
    sqlite3_free(file);
    world->kept += keep;
    if (keep) return;
    const char *io = random_once_in(&arena->random, 3) ? NULL : "pwrite"; /* of all processes from here on */
    sql_ways(io, random_once_in(&arena->random, 4) ? NULL : "off");
    sql_scratch_remove(arena->folder);
    ck_assert_int_eq(mkdir(arena->folder, 0755), 0);
    run_alone(arena, create, arena->path);
}

static void report(const struct setting *setting) {
#define COUNT(name) (unsigned long long)world->name
    printf("%s: %llu commits, %llu rollbacks, %llu ROLLBACK TO, %llu 'optimize', %llu 'vacuum', %llu times emptied, "
           "%llu BUSY, %llu interrupted, %llu checkpoints; "
           "%llu slots written, %llu used again (ART_IO=pwrite)\n",
           setting->name, COUNT(commits), COUNT(rollbacks), COUNT(savepoints), COUNT(optimized), COUNT(vacuumed),
           COUNT(emptied), COUNT(busy), COUNT(interrupted), COUNT(checkpoints), COUNT(slots_written),
           COUNT(slots_reused));
    printf(
        "    %llu snapshots compared, %llu old ones; died %llu, %llu as zombies (%llu revived), killed %llu; "
        "everything died %llu times in a copy (%llu with blobs half written), %llu in place, %llu times with what was "
        "left before\n",
        COUNT(checks), COUNT(held), COUNT(deaths), COUNT(zombies), COUNT(revived), COUNT(kills), COUNT(copies),
        COUNT(freezes), COUNT(reopened), COUNT(kept));
#undef COUNT
    fflush(stdout);
}

/* Something of all that it is for has happened: it goes on for so long, however busy the machine is. */
static bool has_happened(const struct arena *arena) {
    const struct setting *setting = arena->setting;
    bool wal = !strcmp(setting->journal, "WAL"), in_file = !*setting->storage;
    return world->commits >= 10 && world->rollbacks && world->savepoints && world->checks >= 10 && world->checkpoints &&
           world->deaths && world->kills && world->copies && world->reopened && (world->zombies || !wal) &&
           (world->held || setting->exclusive || !wal) && ((world->slots_reused && world->freezes) || !in_file);
}

LOOP_TEST(test_no_slot_is_written_that_a_reader_or_a_recovery_may_need, (int)(sizeof settings / sizeof *settings)) {
    const struct setting *setting = &settings[_i];
    const char *asked = getenv("ART_TEST_SECONDS");
    double seconds = asked ? atof(asked) : setting->seconds * random_scale();
    const char *only = getenv("ART_TEST_SETTING");
    uint64_t seed = random_seed();
    unsetenv("ART_TABLE_OPTIONS");
    if (only && atoi(only) != _i) return;
    if (avoids_off(setting)) {
        printf("LEFT OUT: synchronous=OFF in \"%s\" on SQLite %s (ART_TEST_SLOTS_ALL=1 has it, too)\n", setting->name,
               sqlite3_libversion());
    }
    printf("%s: seed %llu\n", setting->name, (unsigned long long)seed);
    world = mmap(NULL, sizeof *world, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(world, MAP_FAILED);
    struct arena arena = {.setting = setting, .random = {seed}};
    char *scratch = sql_scratch("slots");
    arena.folder = sqlite3_mprintf("%s/live", scratch);
    arena.copy = sqlite3_mprintf("%s/copy", scratch);
    arena.path = sqlite3_mprintf("%s/slots.db", arena.folder);
    arena.copy_path = sqlite3_mprintf("%s/slots.db", arena.copy);

    struct timespec from;
    clock_gettime(CLOCK_MONOTONIC, &from);
    while (!world->failed &&
           (seconds_since(&from) < seconds || (!has_happened(&arena) && seconds_since(&from) < PATIENCE))) {
        renew(&arena);
        if (!world->failed) run_round(&arena);
        if (!world->failed) run_alone(&arena, recover_in_place, arena.path);
    }
    kill_all(&arena);
    report(setting);
    if (world->failed) printf("%s, after %.1f s: %s\n", setting->name, seconds_since(&from), world->message);
    fflush(stdout);
    ck_assert_msg(!world->failed, "seed %llu, after %.1f s, files in %s: %s", (unsigned long long)seed,
                  seconds_since(&from), scratch, world->message);
    ck_assert_msg(has_happened(&arena), "little of it has happened in %.1f s", seconds_since(&from));
    sql_scratch_remove(arena.folder);
    sql_scratch_remove(arena.copy);
    sql_scratch_remove(scratch);
    char *all[] = {arena.folder, arena.copy, arena.path, arena.copy_path, scratch};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) sqlite3_free(all[i]);
    munmap(world, sizeof *world);
}

SUITE("slots", .seconds = SUITE_FOREVER)
