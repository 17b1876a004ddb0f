/* The slot rule (core/tree/run/slots.c), each line by itself: what is written, synced and removed, and in which order.
 *
 * This program has its own pwrite, fsync, fdatasync, ftruncate and unlink, which SQLite and the extension call in the C
 * library's stead. Each call leaves a letter:
 *
 *     w W   the -wal is written (x X: in vain), synced
 *                                              n   a slot behind the end of the .art file is written
 *     j J   the -journal                       r   a slot that was there when the watch began: it is used again
 *     d D   the database                       A   the .art file is synced; U it is unlinked
 *     F     a folder is synced                 s   slot 0 is written
 *
 * so that a transaction is a word, such as wWDrrrAww, and a rule is a condition on words. Whether a rule is needed is
 * test_slots.c's business, which lets processes die; here is what it takes for each of them to hold, with readers that
 * would see the difference. Blobs are written by pwrite (ART_IO).
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/support/apart.h"
#include "tests/support/sql.h"
#include "tests/support/suite.h"

enum { SLOT = 512 * 1024, ROWS = 500, EVENTS_MAX = 1 << 16 };

/* --- events ------------------------------------------------------------------------------------------------------- */

static char events[EVENTS_MAX];
static unsigned event_count;
static bool watching;
static char failing;       /* the sync with this letter fails */
static int wal_calls_left; /* writes and syncs of the -wal, then one fails; -1: none does */
static int wal_error;
static bool dying;           /* this process, when it would sync the frames of its commit */
static unsigned unlocked;    /* blobs that were written while nobody held the file's lock */
static uint64_t last_slot;   /* that was written: its second piece is no event */
static uint64_t slots_there; /* when the watch began, as the first write of a blob finds it */

static void event(char letter) {
    if (!watching || event_count + 1 >= EVENTS_MAX) return;
    events[event_count++] = letter;
    events[event_count] = 0;
}

static const char *path_of(int fd, char path[600]) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, 599);
    path[len < 0 ? 0 : len] = 0;
    return path;
}

static bool ends_with(const char *path, const char *end) {
    size_t len = strlen(path), n = strlen(end);
    return len >= n && !strcmp(path + len - n, end);
}

/* 'w', 'j', 'd', 'a', or 0. */
static char file_letter(const char *path) {
    return ends_with(path, "-wal")       ? 'w'
           : ends_with(path, "-journal") ? 'j'
           : ends_with(path, ".db")      ? 'd'
           : ends_with(path, ".art")     ? 'a'
                                         : 0;
}

/* Another descriptor meets a lock on the file. */
static bool is_locked(const char *path) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(path, O_RDWR | O_CLOEXEC);
    bool locked = fd >= 0 && !fcntl(fd, F_OFD_GETLK, &lock) && lock.l_type != F_UNLCK;
    if (fd >= 0) close(fd);
    return locked;
}

static void note_blob(int fd, const char *path, off_t offset) {
    struct stat now;
    uint64_t slot = (uint64_t)offset / SLOT;
    if (!slot) {
        event('s');
        return;
    }
    unlocked += !is_locked(path);
    if (slot == last_slot || fstat(fd, &now)) return;
    last_slot = slot;
    if (!slots_there) slots_there = (uint64_t)now.st_size / SLOT;
    event(slot < slots_there ? 'r' : 'n');
}

static bool wal_call_fails(void) {
    return wal_calls_left >= 0 && !wal_calls_left--;
}

static ssize_t noted_write(int fd, const void *data, size_t len, off_t offset) {
    char path[600], letter = watching ? file_letter(path_of(fd, path)) : 0;
    if (letter == 'a') {
        note_blob(fd, path, offset);
    } else if (letter == 'w' && wal_call_fails()) {
        event('x');
        errno = wal_error;
        return -1;
    } else if (letter) {
        event(letter);
    }
    return syscall(SYS_pwrite64, fd, data, len, offset);
}

static int noted_sync(int fd) {
    char path[600], letter = 0;
    struct stat now;
    if (watching && !fstat(fd, &now)) {
        letter = S_ISDIR(now.st_mode) ? 'F' : file_letter(path_of(fd, path));
        if (letter && letter != 'F') letter = (char)(letter - 'a' + 'A');
        if (letter == 'W' && wal_call_fails()) {
            event('X');
            errno = EIO;
            return -1;
        }
        if (letter) event(letter);
    }
    if (dying && letter == 'W' && strchr(events, 'A')) _exit(0);
    if (letter && letter == failing) {
        errno = EIO;
        return -1;
    }
    return 0; /* nothing here loses power */
}

static int noted_unlink(const char *path) {
    if (file_letter(path) == 'a') event('U');
    return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

#define INTERPOSE(type, name, parameters, call)                                                                        \
    __attribute__((visibility("default"))) type name parameters {                                                      \
        return call;                                                                                                   \
    }
INTERPOSE(ssize_t, pwrite, (int fd, const void *data, size_t len, off_t offset), noted_write(fd, data, len, offset))
INTERPOSE(ssize_t, pwrite64, (int fd, const void *data, size_t len, off64_t offset), noted_write(fd, data, len, offset))
INTERPOSE(int, fsync, (int fd), noted_sync(fd))
INTERPOSE(int, fdatasync, (int fd), noted_sync(fd))
INTERPOSE(int, unlink, (const char *path), noted_unlink(path))

static void watch(void) {
    event_count = 0;
    events[0] = 0;
    last_slot = slots_there = 0;
    watching = true;
}

static const char *seen(void) {
    watching = false;
    return events;
}

/* --- a database --------------------------------------------------------------------------------------------------- */

static char *folder, *path;
static sqlite3 *db;

static void set_up(void) {
    unsetenv("ART_TABLE_OPTIONS");
    sql_ways("pwrite", "off");
    folder = sql_scratch("slot_rule");
    path = sqlite3_mprintf("%s/rule.db", folder);
    unlocked = 0;
    failing = 0;
    wal_calls_left = -1;
}

static void tear_down(void) {
    watching = false;
    sql_close(db);
    sql_scratch_remove(folder);
    sqlite3_free(folder);
    sqlite3_free(path);
}

static sqlite3 *open_writer(const char *synchronous) {
    sqlite3 *writer = sql_open(path);
    sql_run(writer, "PRAGMA synchronous=%s; PRAGMA wal_autocheckpoint=0", synchronous);
    return writer;
}

/* Rows of 1.8 KB, all changed, and laid out anew: every blob is written to another slot. */
static int change_all(sqlite3 *writer, int n) {
    return sql_try(
        writer,
        "BEGIN IMMEDIATE;"
        "INSERT OR REPLACE INTO t(path, value) WITH i(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i LIMIT %d)"
        "  SELECT printf('directory/%%04d', i), '%d ' || hex(zeroblob(900)) FROM i;"
        "INSERT INTO t(t) VALUES('optimize');"
        "COMMIT",
        ROWS, n);
}

static void must_change_all(sqlite3 *writer, int n) {
    int rc = change_all(writer, n);
    ck_assert_msg(!rc, "%s", sqlite3_errmsg(writer));
}

/* Every row says `n`. */
static void all_are(sqlite3 *reader, int n, const char *who) {
    char *rows = sql_rows(reader, "SELECT count(*), min(value + 0), max(value + 0) FROM t");
    char *wanted = sqlite3_mprintf("%d|%d|%d\n", ROWS, n, n);
    ck_assert_msg(!strcmp(rows, wanted), "%s: %s instead of %s", who, rows, wanted);
    sqlite3_free(rows);
    sqlite3_free(wanted);
}

static void create(const char *journal, const char *synchronous) {
    db = open_writer(synchronous);
    sql_run(db, "PRAGMA journal_mode=%s", journal);
    sql_create(db, "t", "log_limit='4KB', cache='256KB'");
    must_change_all(db, 0);
}

/* All of the WAL goes into the database, and the next writer begins it anew: what was retired is free then. */
static void end_epoch(sqlite3 *writer) {
    sql_run(writer, "PRAGMA wal_checkpoint(TRUNCATE)");
}

/* All of the WAL goes into the database. Its header stays what it was until the next writer's first frame. */
static void finish_epoch(sqlite3 *writer) {
    sql_run(writer, "PRAGMA wal_checkpoint(RESTART)");
}

/* Does `word` have the letters, in this order, before its first `end`? */
static bool before(const char *word, char end, const char *letters) {
    for (; *letters && *word && *word != end; word++) letters += *word == *letters;
    return !*letters;
}

/* --- WAL ---------------------------------------------------------------------------------------------------------- */

static const char *const levels[] = {"OFF", "NORMAL", "FULL"};

LOOP_TEST(test_before_a_slot_is_used_again_an_own_frame_and_the_database_are_synced, 3) {
    unsigned reused = 0;
    create("WAL", levels[_i]);
    for (int n = 1; n < 12; n++) {
        end_epoch(db);
        watch();
        must_change_all(db, n);
        const char *word = seen();
        if (!strchr(word, 'r')) continue;
        reused++;
        ck_assert_msg(before(word, 'r', "wW"), "no own frame synced: %s", word);
        ck_assert_msg(before(word, 'r', "D"), "the database is not synced: %s", word);
    }
    ck_assert_uint_gt(reused, 6);
    all_are(db, 11, "the writer");
}

/* Root before data would be ...nww A. */
LOOP_TEST(test_blobs_are_synced_before_the_frames_that_name_them, 3) {
    create("WAL", levels[_i]);
    for (int n = 1; n < 6; n++) {
        watch();
        must_change_all(db, n);
        const char *word = seen(), *last = word;
        for (const char *at = word; *at; at++) last = *at == 'n' || *at == 'r' ? at : last;
        const char *synced = strchr(last, 'A'), *frame = strchr(last, 'w');
        ck_assert_msg(synced && frame && synced < frame, "the commit is not behind the sync of its blobs: %s", word);
    }
}

TEST(test_blobs_are_written_under_a_lock_on_their_own_file) {
    create("WAL", "OFF");
    watch();
    for (int n = 1; n < 4; n++) must_change_all(db, n);
    ck_assert(strchr(seen(), 'n'));
    ck_assert_uint_eq(unlocked, 0);
}

static void nonce_of(sqlite3 *from, char out[40]) {
    char *rows = sql_rows(from, "SELECT hex(v) FROM t_artstate WHERE k = 'nonce'");
    ck_assert_uint_eq(strlen(rows), 33);
    memcpy(out, rows, 33);
    sqlite3_free(rows);
}

/* A process that died as a zombie had begun with the same database, and did the same. */
TEST(test_who_does_the_same_to_the_same_database_writes_another_nonce) {
    char nonces[8][40];
    create("WAL", "OFF");
    for (int i = 0; i < 8; i++) {
        pid_t child = apart_begin();
        if (!child) {
            sqlite3 *own = open_writer("OFF");
            sql_run(own, "BEGIN IMMEDIATE");
            sql_run(own, "UPDATE t SET value = value || 'x' WHERE path < 'directory/0100'");
            sql_run(own, "INSERT INTO t(t) VALUES('flush')");
            sql_run(own, "COMMIT");
            char *wal = sqlite3_mprintf("%s/nonce", folder);
            nonce_of(own, nonces[0]);
            FILE *out = fopen(wal, "w");
            if (!out || fputs(nonces[0], out) < 0 || fclose(out)) _exit(2);
            _exit(0);
        }
        ck_assert_int_eq(apart_end(child), 0);
        char *name = sqlite3_mprintf("%s/nonce", folder);
        FILE *in = fopen(name, "r");
        ck_assert_ptr_nonnull(in);
        ck_assert_ptr_nonnull(fgets(nonces[i], sizeof nonces[i], in));
        fclose(in);
        unlink(name);
        sqlite3_free(name);
        for (int j = 0; j < i; j++) ck_assert_str_ne(nonces[i], nonces[j]);
    }
}

TEST(test_where_no_own_frame_comes_into_the_wal_the_file_grows) {
    create("WAL", "OFF");
    sql_run(db, "PRAGMA cache_spill=OFF");
    for (int n = 1; n < 5; n++) {
        finish_epoch(db);
        watch();
        must_change_all(db, n);
        ck_assert_msg(!strchr(seen(), 'r'), "a slot was used again: %s", seen());
    }
    sql_run(db, "PRAGMA cache_spill=ON");
    end_epoch(db);
    must_change_all(db, 5);
    end_epoch(db);
    watch();
    must_change_all(db, 6);
    ck_assert_msg(strchr(seen(), 'r'), "nothing was used again: %s", seen());
}

/* In one transaction, which uses no slot again. */
static void change_two_databases(int n) {
    watch();
    sql_run(db,
            "BEGIN IMMEDIATE; INSERT INTO m VALUES(%d, zeroblob(20000));"
            "UPDATE t SET value = '%d ' || hex(zeroblob(900)); INSERT INTO t(t) VALUES('optimize'); COMMIT",
            n, n);
    ck_assert_msg(!strchr(seen(), 'r'), "a slot was used again: %s", seen());
}

/* SQLite counts the pages that it writes for all databases of a connection together, and whether a cache may be written
 * early is asked of each: a PRAGMA within a transaction counts only for those that are attached later. */
TEST(test_pages_of_another_database_are_not_taken_for_the_own_frame) {
    create("WAL", "OFF");
    sql_run(db, "PRAGMA cache_spill=OFF; BEGIN; PRAGMA cache_spill=ON; COMMIT");
    sql_run(db, "ATTACH '%q/other.db' AS other; PRAGMA other.journal_mode=WAL; CREATE TABLE other.m(a, b)", folder);
    for (int n = 1; n < 4; n++) {
        finish_epoch(db);
        change_two_databases(n);
    }
    all_are(db, 3, "the writer");
}

/* As the nonce is written, somebody who read there leaves: the pages that were locked at the first flush go with the
 * second. */
static int end_reading_elsewhere(unsigned event, void *reader, void *statement, void *text) {
    const char *sql = sqlite3_sql(statement);
    if (strstr(sql, "t_artstate") && strstr(sql, "REPLACE")) sqlite3_exec(reader, "COMMIT", NULL, NULL, NULL);
    return 0;
}

TEST(test_pages_of_a_database_that_was_locked_are_not_taken_for_the_own_frame) {
    create("WAL", "OFF");
    sql_run(db, "PRAGMA cache_spill=OFF; BEGIN; PRAGMA cache_spill=ON; COMMIT");
    sql_run(db, "ATTACH '%q/other.db' AS other; CREATE TABLE other.m(a, b)", folder);
    char *name = sqlite3_mprintf("%s/other.db", folder);
    sqlite3 *reader = sql_open(name);
    sqlite3_trace_v2(db, SQLITE_TRACE_STMT, end_reading_elsewhere, reader);
    for (int n = 1; n < 4; n++) {
        finish_epoch(db);
        sql_run(reader, "BEGIN; SELECT * FROM m");
        change_two_databases(n);
        ck_assert(sqlite3_get_autocommit(reader));
    }
    all_are(db, 3, "the writer");
    sql_close(reader);
    sqlite3_free(name);
}

TEST(test_a_sync_that_fails_refuses_the_commit_and_lets_the_file_grow) {
    static const char syncs[] = "WD";
    for (int i = 0; i < 2; i++) {
        if (i) {
            tear_down();
            set_up();
        }
        create("WAL", "OFF");
        must_change_all(db, 0); /* which leaves slots that are free in the next epoch */
        end_epoch(db);
        failing = syncs[i];
        watch();
        int rc = change_all(db, 1);
        const char *word = seen();
        failing = 0;
        ck_assert_int_eq(rc & 0xff, SQLITE_IOERR);
        ck_assert_msg(sqlite3_get_autocommit(db), "the transaction is still open");
        all_are(db, 0, "after a failed sync");
        ck_assert_msg(strchr(word, syncs[i]) && !strchr(word, 'r'), "a slot was used again: %s", word);
        watch();
        must_change_all(db, 2); /* nobody knows what the failed one has lost */
        ck_assert_msg(!strchr(seen(), 'r'), "a slot was used again: %s", seen());
    }
}

/* SQLite counts a page as written before it is, and a zombie may lie where the frame should have come to. */
LOOP_TEST(test_a_frame_that_could_not_be_written_is_no_own_frame, 3) {
    static const int errors[] = {EIO, ENOSPC}, codes[] = {SQLITE_IOERR, SQLITE_FULL};
    int failures = 0;
    create("WAL", levels[_i]);
    wal_error = errors[_i % 2];
    for (;; failures++) {
        end_epoch(db);
        wal_calls_left = failures;
        watch();
        int rc = change_all(db, 1);
        const char *word = seen(), *failed = strpbrk(word, "xX");
        wal_calls_left = -1;
        if (!failed) break;
        int code = *failed == 'x' ? codes[_i % 2] : SQLITE_IOERR;
        ck_assert_msg((rc & 0xff) == code, "%d after %s: %s", rc, word, sqlite3_errmsg(db));
        ck_assert_msg(!strpbrk(failed, "nr"), "a blob was written all the same: %s", word);
        if (!sqlite3_get_autocommit(db)) sql_run(db, "ROLLBACK");
        all_are(db, 0, "after a failed write");
    }
    ck_assert_int_gt(failures, 6);
    all_are(db, 1, "the writer");
}

/* Its commit is in the WAL, and not in the wal-index. */
static void leave_a_zombie(int n) {
    pid_t child = apart_begin();
    if (!child) {
        sqlite3 *own = open_writer("FULL");
        dying = true;
        watch();
        change_all(own, n);
        _exit(1);
    }
    ck_assert_int_eq(apart_end(child), 0);
}

/* What is found when all processes have died. */
static void all_are_after_recovery(int n) {
    char *copies = sqlite3_mprintf("%s/copies", folder), *copy = sqlite3_mprintf("%s/rule.db", copies);
    char *file = sql_find_file(folder, ".art"), *file_copy = sqlite3_mprintf("%s%s", copies, strrchr(file, '/'));
    char *wal = sqlite3_mprintf("%s-wal", path), *wal_copy = sqlite3_mprintf("%s-wal", copy);
    ck_assert_int_eq(mkdir(copies, 0755), 0);
    sql_copy_file(path, copy);
    sql_copy_file(wal, wal_copy);
    sql_copy_file(file, file_copy);
    sqlite3 *after = sql_open(copy);
    all_are(after, n, "after recovery");
    sql_close(after);
    sql_scratch_remove(copies);
    char *all[] = {copies, copy, file, file_copy, wal, wal_copy};
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++) sqlite3_free(all[i]);
}

TEST(test_a_zombies_slots_are_its_own_when_the_next_writer_cannot_write_the_wal) {
    create("WAL", "FULL");
    for (int n = 1; n < 3; n++) {
        end_epoch(db);
        must_change_all(db, n);
    }
    end_epoch(db);
    leave_a_zombie(3);
    all_are(db, 2, "who does not see the zombie");
    wal_calls_left = 0;
    wal_error = ENOSPC;
    watch();
    ck_assert_int_eq(change_all(db, 4), SQLITE_FULL);
    ck_assert(strchr(seen(), 'x'));
    wal_calls_left = -1;
    all_are_after_recovery(3);
}

/* --- readers ------------------------------------------------------------------------------------------------------ */

static sqlite3 *begin_reading(int n) {
    sqlite3 *reader = sql_open(path);
    sql_run(reader, "BEGIN");
    all_are(reader, n, "a new reader");
    return reader;
}

static void end_reading(sqlite3 *reader, int n) {
    all_are(reader, n, "the reader that stayed");
    sql_run(reader, "COMMIT");
    sql_close(reader);
}

static void reopen(const char *synchronous) {
    sql_close(db);
    db = open_writer(synchronous);
}

TEST(test_a_reader_that_stays_keeps_its_slots) {
    create("WAL", "OFF");
    end_epoch(db);
    sqlite3 *reader = begin_reading(0);
    for (int n = 1; n < 8; n++) {
        must_change_all(db, n);
        if (n % 3 == 0) reopen("OFF");
        if (n == 5) sql_run(db, "PRAGMA wal_checkpoint(PASSIVE)");
    }
    end_reading(reader, 0);
    all_are(db, 7, "the writer");
}

/* The list of a flush without an own frame has no epoch; the next flush with one may give it one, and free nothing. */
TEST(test_slots_of_an_unknown_epoch_are_not_free) {
    create("WAL", "OFF");
    end_epoch(db);
    must_change_all(db, 1);
    sqlite3 *reader = begin_reading(1);
    sql_run(db, "PRAGMA cache_spill=OFF");
    must_change_all(db, 2);
    sql_run(db, "PRAGMA cache_spill=ON");
    for (int n = 3; n < 6; n++) must_change_all(db, n);
    end_reading(reader, 1);
}

/* A connection that does not know the present epoch cannot know that the list's has passed. */
TEST(test_a_flush_that_knows_no_epoch_keeps_the_list) {
    create("WAL", "OFF");
    end_epoch(db);
    must_change_all(db, 1);
    sqlite3 *reader = begin_reading(1);
    must_change_all(db, 2); /* the reader's slots are in a list with an epoch */
    sql_run(db, "PRAGMA cache_spill=OFF");
    must_change_all(db, 3);
    sql_run(db, "PRAGMA cache_spill=ON");
    for (int n = 4; n < 7; n++) must_change_all(db, n);
    end_reading(reader, 1);
}

/* At frame 0 of the WAL SQLite draws new salts for a header that a ROLLBACK TO has led before. */
TEST(test_the_epoch_is_read_again_after_rollback_to) {
    create("WAL", "OFF");
    sql_run(db, "INSERT INTO t(t) VALUES('spill_limit=128KB')");
    for (int n = 1; n < 6; n++) {
        end_epoch(db);
        reopen("OFF");
        sqlite3 *reader = begin_reading(n - 1);
        sql_run(db,
                "BEGIN IMMEDIATE; SAVEPOINT s;"
                "UPDATE t SET value = 'gone' || hex(zeroblob(900));" /* spills: an own frame */
                "ROLLBACK TO s;"
                "UPDATE t SET value = '%d ' || hex(zeroblob(900)); INSERT INTO t(t) VALUES('optimize'); COMMIT",
                n);
        must_change_all(db, n + 100);
        must_change_all(db, n);
        end_reading(reader, n - 1);
    }
}

/* Before a frame is in the WAL its header may still be any. */
TEST(test_the_epoch_of_a_list_is_that_of_the_wal_that_its_commit_is_in) {
    create("WAL", "OFF");
    for (int n = 1; n < 6; n++) {
        if (n == 3) sql_run(db, "INSERT INTO t(t) VALUES('spill_limit=128KB')"); /* slots are taken before the commit */
        end_epoch(db);
        reopen("OFF");
        sqlite3 *reader = begin_reading(n - 1);
        must_change_all(db, n + 100);
        char *list = sql_rows(db, "SELECT hex(substr(v, 3, 8)) FROM t_artstate WHERE k = 'retired'");
        char *name = sqlite3_mprintf("%s-wal", path), salts[20];
        uint8_t header[32];
        int fd = open(name, O_RDONLY | O_CLOEXEC);
        ck_assert_int_eq(pread(fd, header, sizeof header, 0), 32);
        close(fd);
        for (int i = 0; i < 8; i++) snprintf(salts + 2 * i, 3, "%02X", header[16 + i]);
        ck_assert_msg(!strncmp(list, salts, 16), "the list says %s, the WAL %s", list, salts);
        sqlite3_free(list);
        sqlite3_free(name);
        must_change_all(db, n);
        end_reading(reader, n - 1);
    }
}

/* --- rollback journal --------------------------------------------------------------------------------------------- */

LOOP_TEST(test_before_a_slot_is_used_again_the_own_journal_and_its_folder_are_synced, 3) {
    unsigned reused = 0;
    create("DELETE", levels[_i]);
    for (int n = 1; n < 6; n++) {
        watch();
        must_change_all(db, n);
        const char *word = seen();
        if (!strchr(word, 'r')) continue;
        reused++;
        ck_assert_msg(before(word, 'r', "jJF"), "the journal or its folder is not synced: %s", word);
    }
    ck_assert_uint_gt(reused, 2);
    all_are(db, 5, "the writer");
}

TEST(test_a_sync_of_the_journals_folder_that_fails_lets_the_file_grow) {
    create("DELETE", "OFF");
    for (int n = 1; n < 4; n++) must_change_all(db, n);
    failing = 'F';
    watch();
    must_change_all(db, 4);
    const char *word = seen();
    failing = 0;
    ck_assert_msg(strchr(word, 'F') && !strchr(word, 'r'), "a slot was used again: %s", word);
    watch();
    must_change_all(db, 5); /* nobody knows what the failed one has lost */
    ck_assert_msg(!strchr(seen(), 'r'), "a slot was used again: %s", seen());
    all_are(db, 5, "the writer");
}

/* Without a journal of this transaction: one before it, in another mode, may come back by its name. */
LOOP_TEST(test_before_a_slot_is_used_again_the_journals_folder_is_synced_in_every_mode, 2) {
    static const char *const modes[] = {"MEMORY", "OFF"};
    create("DELETE", "OFF");
    for (int n = 1; n < 6; n++) {
        must_change_all(db, 10 * n);
        sql_run(db, "PRAGMA journal_mode=%s", modes[_i]);
        watch();
        must_change_all(db, n);
        const char *word = seen();
        ck_assert_msg(before(word, 'r', "F"), "the folder is not synced: %s", word);
        sql_run(db, "PRAGMA journal_mode=DELETE");
    }
}

/* --- files that go ------------------------------------------------------------------------------------------------ */

LOOP_TEST(test_a_dropped_tables_file_goes_when_its_drop_is_durable, 2) {
    static const char *const journals[] = {"WAL", "DELETE"};
    create(journals[_i], "OFF");
    watch();
    sql_run(db, "DROP TABLE t");
    const char *word = seen();
    ck_assert_msg(strchr(word, 'U'), "the file is not removed: %s", word);
    ck_assert_msg(_i || before(word, 'U', "WDwW"), "removed before the WAL is synced: %s", word);
    ck_assert_msg(before(word, 'U', "DF"), "removed before the database and its folder are synced: %s", word);
}

/* A DROP that was not synced, and a process that died before it removed the file. */
TEST(test_clean_removes_a_file_when_nothing_that_needs_it_can_come_back) {
    char before_clean[40], after_clean[40];
    create("WAL", "OFF");
    sql_create(db, "u", "log_limit='4KB'");
    sql_run(db, "INSERT INTO u(path, value) VALUES('a', hex(zeroblob(9000))); INSERT INTO u(u) VALUES('flush')");
    char *name = sql_rows(db, "SELECT v FROM u_artstate WHERE k = 'file'");
    name[strlen(name) - 1] = 0;
    char *file = sqlite3_mprintf("%s/%s", folder, name), *aside = sqlite3_mprintf("%s/aside", folder);
    ck_assert_int_eq(link(file, aside), 0);
    sql_run(db, "DROP TABLE u");
    ck_assert_int_eq(rename(aside, file), 0);
    nonce_of(db, before_clean);
    watch();
    sql_run(db, "INSERT INTO t(t) VALUES('clean')");
    const char *word = seen();
    nonce_of(db, after_clean);
    ck_assert_msg(strchr(word, 'U'), "the file is not removed: %s", word);
    ck_assert_msg(before(word, 'U', "WDwWF"), "removed before the commit is durable: %s", word);
    ck_assert_str_ne(before_clean, after_clean);
    sqlite3_free(name);
    sqlite3_free(file);
    sqlite3_free(aside);
}

SUITE("slot_rule", .seconds = 120, .set_up = set_up, .tear_down = tear_down)
