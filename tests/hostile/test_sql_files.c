/* The .art file beside the database: when it comes and goes, whose rights it has, and two ways to be damaged. (What
 * becomes of files that were copied, moved, restored or lost: test_foreign.c. Each bit turned over: test_flips_sql.c.)
 */
#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/apart.h"
#include "tests/support/sql_one.h"

static void make_table(const char *options) {
    sql_create(db, "t", options);
    sql_run(db, "INSERT INTO t WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 2000) "
                "SELECT printf('path/%%05d', i), 'value ' || i FROM n");
    sql_command(db, "main", "t", "flush");
}

static bool file_there(void) {
    char *file = kept(sql_find_file(directory, ".art"));
    bool there = file != NULL;
    return there;
}

static const char *base_name(const char *file) {
    return strrchr(file, '/') + 1;
}

TEST(test_the_file_is_named_after_database_and_table_and_has_the_databases_mode) {
    ck_assert_int_eq(chmod(path, 0640), 0);
    make_table("");
    char *file = kept(sql_find_file(directory, ".art"));
    ck_assert_ptr_nonnull(file);
    ck_assert_msg(!strncmp(base_name(file), "a.db-t-", 7), "%s", file);
    ck_assert_uint_eq(strlen(base_name(file)), strlen("a.db-t-12345678.art"));
    struct stat status;
    ck_assert_int_eq(stat(file, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0640);
}

TEST(test_an_authorizer_that_hides_the_journal_mode_keeps_the_file_and_not_the_table) {
    static const int answers[] = {SQLITE_DENY, SQLITE_IGNORE};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        make_table("");
        sql_forbid(db, answers[i], SQLITE_PRAGMA, NULL, NULL);
        sql_run(db, "DROP TABLE t");
        sql_forbid(db, SQLITE_OK, 0, NULL, NULL);
        ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM sqlite_master"), 0);
        ck_assert(file_there());
    }
    make_table("");
    sql_run(db, "INSERT INTO t(t) VALUES('clean'); DROP TABLE t");
    ck_assert(!file_there());
}

TEST(test_a_forged_name_makes_no_drop_take_another_databases_file) {
    char *other_path = TEXT("%s-foo", path);
    sqlite3 *other = sql_open(other_path);
    sql_create(other, "t", "");
    sql_run(other, "INSERT INTO t VALUES('kept', 1)");
    sql_command(other, "main", "t", "flush");
    char *file = kept(sql_find_file(directory, ".art"));
    sql_create(db, "t", "");
    sql_run(
        db,
        "ATTACH %Q AS other; UPDATE t_artstate SET v = (SELECT v FROM other.t_artstate AS o WHERE o.k = t_artstate.k)"
        " WHERE k IN ('file', 'id')",
        other_path);
    sql_reopen();
    sql_run(db, "DROP TABLE t");
    ck_assert_int_eq(access(file, F_OK), 0);
    ck_assert_int_eq(sql_int(other, "SELECT count(*) FROM t WHERE path = 'kept'"), 1);
    sql_close(other);
}

TEST(test_a_drop_that_is_rolled_back_leaves_everything) {
    make_table("");
    sql_run(db, "BEGIN; DROP TABLE t; ROLLBACK");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"), 2000);
    sql_run(db, "BEGIN; SAVEPOINT s; DROP TABLE t; ROLLBACK TO s; COMMIT");
    ck_assert(file_there());
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t WHERE value GLOB 'value *'"), 2000);
    sql_run(db, "BEGIN; INSERT INTO t VALUES('late', 1); SAVEPOINT s");
    if (sql_try(db, "DROP TABLE t") == SQLITE_OK) sql_run(db, "ROLLBACK TO s");
    sql_run(db, "COMMIT");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"), 2001);
}

TEST(test_a_create_that_is_rolled_back_leaves_nothing) {
    sql_run(db, "BEGIN");
    make_table("log_limit='1KB', spill_limit='4KB'");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"), 2000);
    sql_run(db, "ROLLBACK");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM sqlite_master"), 0);
    make_table("");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"), 2000);
    sql_run(db,
            "SAVEPOINT s; CREATE VIRTUAL TABLE u USING art; INSERT INTO u VALUES('a', 1); ROLLBACK TO s; RELEASE s");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM sqlite_master WHERE name GLOB 'u*'"), 0);
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"), 2000);
}

TEST(test_memory_and_temp_databases_make_no_file) {
    make_table("");
    sql_run(db, "CREATE VIRTUAL TABLE temp.m USING art(log_limit='1KB'); INSERT INTO m SELECT path, value FROM t");
    sql_run(db, "INSERT INTO m(m) VALUES('flush')");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM m JOIN t USING (path, value)"), 2000);
    sqlite3 *memory = sql_open(":memory:");
    sql_create(memory, "t", "log_limit='1KB'");
    sql_run(memory,
            "INSERT INTO t WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 5000) SELECT 'p' || i, i FROM n");
    sql_run(memory, "INSERT INTO t(t) VALUES('optimize')");
    ck_assert_int_eq(sql_int(memory, "SELECT count(*) FROM t"), 5000);
    sql_close(memory);
    sql_run(db, "SELECT count(*) FROM t; DROP TABLE t");
    ck_assert(!file_there());
}

/* The file is written there and then; what the transaction has in memory neither goes with it nor is lost. */
TEST(test_adopting_in_a_transaction_leaves_what_it_has_written) {
    make_table("");
    sql_run(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    sql_close(db);
    char *beside = TEXT("%s/copy.db", directory);
    sql_copy_file(path, beside);
    ck_assert_int_eq(rename(beside, path), 0); /* another inode: it reads and writes when it has adopted */
    db = sql_open(path);
    sql_run(db, "CREATE VIRTUAL TABLE other USING art; BEGIN; INSERT INTO other(path) VALUES('x')");
    ck_assert_int_eq(sql_try(db, "INSERT INTO t VALUES('new', 1)"), SQLITE_ERROR);
    sql_run(db,
            "INSERT INTO t(t) VALUES('adopt'); INSERT INTO t VALUES('new', 1); UPDATE t SET value = 'changed' WHERE "
            "path = 'path/00001'; DELETE FROM t WHERE path = 'path/00002'; INSERT INTO t(t) VALUES('adopt')");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t WHERE path IN ('new', 'path/00002') OR value = 'changed'"), 2);
    sql_run(db, "ROLLBACK; INSERT INTO t(t) VALUES('flush')"); /* the adoption stays */
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t WHERE path = 'path/00002' OR value = 'value 1'"), 2);
    ck_assert_int_eq(sql_int(db, "SELECT art_check('t') = 'ok' AND count(*) = 2000 FROM t"), 1);
    sql_run(db, "BEGIN; INSERT INTO t VALUES('first', 1); SAVEPOINT s; INSERT INTO t VALUES('second', 2);"
                "INSERT INTO t(t) VALUES('adopt'); ROLLBACK TO s; INSERT INTO t VALUES('third', 3);"
                "INSERT INTO t(t) VALUES('flush'); INSERT INTO t(t) VALUES('adopt'); COMMIT");
    for (int i = 0; i < 2; i++) {
        sql_expect(db, "first\nthird\n", "SELECT path FROM t WHERE path NOT GLOB 'path/*'");
        ck_assert_int_eq(sql_int(db, "SELECT art_check('t') = 'ok' AND count(*) = 2002 FROM t"), 1);
        sql_reopen();
    }
}

TEST(test_a_table_without_a_file_has_nothing_to_adopt) {
    sql_create(db, "t", "");
    sql_run(db,
            "INSERT INTO t(t) VALUES('adopt'); BEGIN; INSERT INTO t VALUES('a', 1); INSERT INTO t(t) VALUES('adopt');"
            "COMMIT");
    ck_assert(!file_there());
    sql_run(db, "INSERT INTO t(t) VALUES('flush'); INSERT INTO t(t) VALUES('adopt')");
    ck_assert(file_there());
    ck_assert_int_eq(sql_int(db, "SELECT art_check('t') = 'ok' AND count(*) = 1 FROM t"), 1);
}

static struct stat attributes_of_file(void) {
    struct stat out;
    char *file = kept(sql_find_file(directory, ".art"));
    ck_assert_int_eq(stat(file, &out), 0);
    return out;
}

TEST(test_the_file_follows_the_rights_of_its_database) {
    static const mode_t modes[] = {0600, 0664, 0640, 0666, 0606, 0644};
    make_table("");
    for (unsigned i = 0; i < sizeof modes / sizeof *modes; i++) {
        ck_assert_int_eq(chmod(path, modes[i]), 0);
        sql_run(db, "INSERT INTO t VALUES('new %u', 1)", i);
        sql_command(db, "main", "t", "flush");
        ck_assert_uint_eq(attributes_of_file().st_mode & 0777, modes[i]);
    }
    if (geteuid()) {
        printf("skipped: only root may give files away\n");
        return;
    }
    ck_assert_int_eq(chown(path, 12345, 54321), 0);
    sql_run(db, "INSERT INTO t VALUES('given away', 1)");
    sql_command(db, "main", "t", "flush");
    ck_assert_uint_eq(attributes_of_file().st_uid, 12345);
    ck_assert_uint_eq(attributes_of_file().st_gid, 54321);
    ck_assert_uint_eq(attributes_of_file().st_mode & 0777, 0644);
}

/* A flush may be far away. Who only reads changes nothing. */
TEST(test_the_first_change_of_a_connection_closes_a_file_that_too_many_may_read) {
    make_table("");
    sql_close(db);
    ck_assert_int_eq(chmod(path, 0600), 0);
    ck_assert_uint_eq(attributes_of_file().st_mode & 0777, 0644);
    db = sql_open(path);
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t WHERE value <> ''"), 2000);
    ck_assert_uint_eq(attributes_of_file().st_mode & 0777, 0644);
    sql_run(db, "INSERT INTO t VALUES('new', 1)");
    ck_assert_uint_eq(attributes_of_file().st_mode & 0777, 0600);
}

/* As another user: the file keeps a group that the database has not, and must be closed to it. */
static int flush_as_nobody(void) {
    sqlite3 *own = sql_open(":memory:");
    if (setgroups(0, NULL) || setgid(65534) || setuid(65534)) return 77;
    sql_close(own);
    if (!sql_reached_by_others(directory)) return 77;
    own = sql_open(path);
    sql_run(own, "INSERT INTO t VALUES('new %ld', 1)", (long)getpid());
    sql_command(own, "main", "t", "flush");
    sql_close(own);
    return 0;
}

TEST(test_a_file_that_cannot_have_the_databases_group_is_closed_to_its_own) {
    static const struct { mode_t database, file; } modes[] = {{0640, 0600}, {0664, 0644}, {0646, 0644}, {0660, 0600}};
    if (geteuid()) {
        printf("skipped: only root may give files away\n");
        return;
    }
    make_table("");
    sql_close(db);
    char *file = kept(sql_find_file(directory, ".art"));
    ck_assert_int_eq(chmod(directory, 0777), 0);
    ck_assert_int_eq(chown(path, 65534, 54321), 0);
    ck_assert_int_eq(chown(file, 65534, 65534), 0);
    for (unsigned i = 0; i < sizeof modes / sizeof *modes; i++) {
        ck_assert_int_eq(chmod(path, modes[i].database), 0);
        ck_assert_int_eq(chmod(file, 0664), 0);
        int end = apart(flush_as_nobody);
        if (end == 77) {
            printf("skipped: %s cannot be reached by another user\n", directory);
            break;
        }
        ck_assert_int_eq(end, 0);
        ck_assert_uint_eq(attributes_of_file().st_mode & 0777, modes[i].file);
    }
    db = sql_open(path);
}

TEST(test_a_table_keeps_its_file_when_it_is_renamed) {
    make_table("");
    char *before = kept(sql_find_file(directory, ".art"));
    sql_run(db, "ALTER TABLE t RENAME TO other");
    char *after = kept(sql_find_file(directory, ".art"));
    ck_assert_str_eq(before, after);
    sql_run(db, "CREATE VIRTUAL TABLE t USING art; INSERT INTO t VALUES('mine', 1); INSERT INTO t(t) VALUES('flush')");
    sql_run(db, "INSERT INTO other VALUES('more', 1); INSERT INTO other(other) VALUES('optimize')");
    sql_reopen();
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM other"), 2001);
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"), 1);
    sql_run(db, "DROP TABLE other");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"), 1);
    sql_run(db, "DROP TABLE t");
    ck_assert(!file_there());
}

static int lock_as_another_writer(const char *file) {
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    int fd = open(file, O_RDWR);
    ck_assert_int_eq(fcntl(fd, F_OFD_SETLK, &range), 0);
    return fd;
}

/* A writer that has committed may still have the lock. Back from another file a later flush would find this one without
 * a word of the slots that readers need. */
TEST(test_an_emptied_table_whose_file_is_locked_is_busy_and_keeps_the_file) {
    static const char rows[] = "SELECT count(*), sum(length(value)), max(value) FROM t";
    sql_run(db, "PRAGMA journal_mode=WAL");
    make_table("");
    char *file = kept(sql_find_file(directory, ".art"));
    sqlite3 *reader = sql_open(path);
    sql_run(reader, "BEGIN");
    char *before = kept(sql_rows(reader, "%s", rows));
    for (int i = 0; i < 2; i++) {
        sql_run(db, "DELETE FROM t; INSERT INTO t(t) VALUES('flush')");
        int fd = lock_as_another_writer(file);
        sql_run(db, "INSERT INTO t VALUES('new %d', zeroblob(300000))", i);
        refuses(SQLITE_BUSY, "another connection is writing", "INSERT INTO t(t) VALUES('flush')");
        close(fd);
        sql_command(db, "main", "t", "flush");
        ck_assert_str_eq(kept(sql_rows(db, "SELECT value FROM art_info('t') WHERE property = 'file'")),
                         TEXT("%s\n", file));
        sql_expect(db, "1|ok\n", "SELECT count(*), art_check('t') FROM t");
        sql_expect(reader, before, rows);
    }
    sql_close(reader);
}

/* --- a damaged one ------------------------------------------------------------------------------------------------ */

enum { PAGE = 4096 };

/* A page behind the first of a long row of the log, and one that leads to another. */
static bool leads_on(const char page[PAGE]) {
    int marks = 0;
    for (int i = 4; i < PAGE; i++) marks += page[i] == 'x';
    return marks > PAGE / 2 && !page[0] && memcmp(page, "\0\0\0\0", 4) != 0;
}

/* Where SQLite cannot read a row of the log, its reason is told, although a statement was reset behind the one that
 * failed. */
TEST(test_the_reason_is_told_why_the_log_cannot_be_read) {
    char page[PAGE];
    sql_create(db, "t", "");
    for (int i = 0; i < 4; i++) sql_run(db, "INSERT INTO t VALUES('k%d', printf('%%.*c', 20000, 'x'))", i);
    sql_close(db);
    int fd = open(path, O_RDWR), turned = 0;
    for (off_t at = 0; pread(fd, page, PAGE, at) == PAGE; at += PAGE) {
        if (leads_on(page)) turned += pwrite(fd, "\x7f\xff\xff\xff", 4, at) == 4;
    }
    close(fd);
    ck_assert_int_gt(turned, 0);
    db = sql_open(path);
    refuses(SQLITE_CORRUPT, "art: cannot read main.t_artdata: database disk image is malformed", "SELECT * FROM t");
}

/* The scan has counted rows without going to them. A write has it go there, where nothing can be read: the write may be
 * done, and the scan has to say so, also behind its last row. */
LOOP_TEST(test_a_counting_scan_that_cannot_go_to_its_row_says_so, 2) {
    sql_create(db, "t", "cache='256KB'");
    sql_run(db, "INSERT INTO t WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT 3000) "
                "SELECT printf('k%%05d', i), printf('%%0300d', i) FROM n");
    sql_command(db, "main", "t", "flush");
    sql_reopen();
    sqlite3_stmt *scan = sql_prepare(db, "SELECT 1 FROM t");
    for (int i = 0; i < (_i ? 3000 : 2000); i++) ck_assert_int_eq(sqlite3_step(scan), SQLITE_ROW);
    char *art = kept(sql_find_file(directory, ".art")), lies[PAGE];
    int fd = open(art, O_RDWR);
    memset(lies, 'x', sizeof lies);
    for (off_t at = (512 << 10) + 4 * PAGE; at + PAGE <= sql_file_size(directory, ".art"); at += PAGE)
        ck_assert_int_eq(pwrite(fd, lies, PAGE, at), PAGE);
    close(fd);
    sql_run(db, "INSERT INTO t VALUES('a', 1)");
    ck_assert_int_eq(sqlite3_step(scan), SQLITE_CORRUPT_VTAB);
    sqlite3_finalize(scan);
}

SUITE("sql_files", .seconds = 60, .set_up = sql_set_up_for_others, .tear_down = sql_tear_down)
