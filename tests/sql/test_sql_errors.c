/* Every message that a user can meet: produced, and compared with the sources and with sql/messages.md.
 *
 * errors[] says what produces it: SQL that must succeed, a change of the surroundings, and SQL that must fail with just
 * this. How the message begins is enough to find its text in the sources; its code is the one that sql/messages.md has
 * beside it. elsewhere[] says of each other message of the sources why it is not produced here.
 */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/hash.h"
#include "core/store/store_format.h"
#include "tests/support/readme.h"
#include "tests/support/sql.h"
#include "tests/support/suite.h"

/* --- surroundings ------------------------------------------------------------------------------------------------- */

#define NEW_U "PRAGMA journal_mode=MEMORY; CREATE VIRTUAL TABLE u USING art; INSERT INTO u(path) VALUES('x')"

/* Each error is produced in a process of its own, with a database of its own:
 *
 *     t   an art table of 300 rows in its .art file and 2 in the log     plain(x)   an ordinary one */
static char *directory, *path, *file;
static sqlite3 *db;

enum { CANNOT_BE_HAD_HERE = 77 };

static _Noreturn void cannot_be_had_here(const char *why) {
    printf("%s; ", why);
    fflush(stdout);
    _exit(CANNOT_BE_HAD_HERE);
}

static void open_database(void) {
    db = sql_open(path);
}

static void make_database(void) {
    sql_ways("pwrite", NULL);
    open_database();
    sql_run(db, "PRAGMA synchronous=OFF; CREATE VIRTUAL TABLE t USING art(path, value); CREATE TABLE plain(x);"
                "INSERT INTO t(path, value) WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 300) "
                "SELECT printf('path/%%05d', i), 'value ' || i FROM n; INSERT INTO t(t) VALUES('flush');"
                "INSERT INTO t(path, value) VALUES('a', 1), ('b', 2)");
    file = sql_find_file(directory, ".art");
}

/* Each process ends with what it has in memory. */
static char *beside(const char *name) {
    return sqlite3_mprintf("%s/%s", directory, name);
}

static void reopen(void) {
    sql_close(db);
    open_database();
}

enum { SLOT = 512 * 1024, PAGE = 4096 };

/* A page of slot 0 that is sound but says something else. */
static void forge_page(unsigned number, off_t offset, uint8_t byte) {
    uint8_t page[PAGE];
    sql_close(db);
    int fd = open(file, O_RDWR);
    ck_assert_int_eq(pread(fd, page, PAGE, number * PAGE), PAGE);
    page[offset] ^= byte;
    uint64_t sum = art_hash64(page, PAGE - sizeof sum);
    memcpy(page + PAGE - sizeof sum, &sum, sizeof sum);
    ck_assert_int_eq(pwrite(fd, page, PAGE, number * PAGE), PAGE);
    close(fd);
    open_database();
}

static void newer_file(void) {
    forge_page(0, offsetof(struct art_superblock_page, format), 2);
}

static void file_with_a_feature(void) {
    forge_page(0, offsetof(struct art_superblock_page, incompatible), 2);
}

static void file_of_another_table(void) {
    forge_page(0, 16, 0xff);
}

/* The time of birth that the owner page notes of the database. */
static void copied_up(void) {
    forge_page(2, offsetof(struct art_owner_page, host_birth), 1);
    ck_assert_int_eq(sql_int(db, "SELECT art_check('t') = 'ok' AND (SELECT count(*) FROM t WHERE value > '')"), 1);
}

/* Both files as they were once, then only the .art file as it is when this has been done. */
static void be_older_than(const char *sql) {
    char *before = beside("before");
    sql_close(db);
    sql_copy_file(path, before);
    open_database();
    sql_run(db, "%s", sql);
    sql_close(db);
    sql_copy_file(before, path);
    open_database();
}

static void older_database(void) {
    be_older_than("INSERT INTO t(path) VALUES('later'); INSERT INTO t(t) VALUES('flush')");
}

#define ROUND(n) "UPDATE t SET value = " #n "; INSERT INTO t(t) VALUES('optimize');"

static void restore_an_old_database(void) {
    be_older_than(ROUND(1) ROUND(2) ROUND(3) ROUND(4));
}

static void damage_plain(void) {
    int64_t page = sql_int(db, "SELECT rootpage FROM sqlite_schema WHERE name = 'plain'"),
            size = sql_int(db, "PRAGMA page_size");
    sql_close(db);
    int fd = open(path, O_RDWR);
    ck_assert_int_eq(pwrite(fd, "damage", 6, (page - 1) * size), 6);
    close(fd);
    open_database();
}

static void take_shadow_tables_of_another(void) {
    sql_run(db,
            "ATTACH '%q/other.db' AS o; CREATE VIRTUAL TABLE o.t USING art; INSERT INTO o.t VALUES('other', 1);"
            "INSERT INTO o.t(t) VALUES('flush'); INSERT INTO main.t(t) VALUES('flush')",
            directory);
    sql_run(db, "DELETE FROM main.t_artstate; INSERT INTO main.t_artstate SELECT * FROM o.t_artstate;"
                "DELETE FROM main.t_artdata; INSERT INTO main.t_artdata SELECT * FROM o.t_artdata");
    reopen();
}

/* A file in the place where the table's first flush wants to make one. */
static void file_in_the_way(void) {
    sql_run(db, "CREATE VIRTUAL TABLE u USING art; INSERT INTO u(path) VALUES('x')");
    char *name = sql_rows(db, "SELECT value FROM art_info('u') WHERE property = 'file'");
    int id_at = (int)strlen(name) - 14;
    for (int i = 1; i <= 16; i++) { /* and all others that a flush would take instead */
        char number[8] = "", *taken;
        if (i > 1) snprintf(number, sizeof number, "-%d", i);
        taken = sqlite3_mprintf("%.*s%s%.13s", id_at, name, number, name + id_at);
        FILE *other = fopen(taken, "wb");
        ck_assert_ptr_nonnull(other);
        for (int n = 0; n < 20000; n++) fputs("not ours ", other);
        fclose(other);
    }
}

static void nobody(void) {
    reopen();
    sql_run(db, "SELECT 1 FROM plain");
    ck_assert_int_eq(chmod(file, 0), 0);
    if (geteuid() == 0) ck_assert_int_eq(seteuid(65534), 0);
}

static void no_more_files(void) {
    reopen();
    sql_run(db, "PRAGMA journal_mode=MEMORY; SELECT 1 FROM plain");
    int next = dup(0);
    close(next);
    struct rlimit limit = {(rlim_t)next, (rlim_t)next};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void no_large_files(void) {
    struct rlimit limit = {SLOT + SLOT / 2, RLIM_INFINITY};
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void folder_moved_away(void) {
    sql_run(db, "PRAGMA journal_mode=WAL; SELECT 1 FROM plain");
    char *other = sqlite3_mprintf("%s.moved", directory);
    ck_assert_int_eq(rename(directory, other), 0);
    directory = other; /* to be removed under this name */
}

/* Its blob's second leaf page is gone, after the first was read. */
static void cut_under_reader(void) {
    sql_run(
        db,
        "INSERT INTO t(path, value) WITH n(i) AS (SELECT 301 UNION ALL SELECT i + 1 FROM n LIMIT 3000) "
        "SELECT printf('path/%%05d', i), hex(randomblob(60)) FROM n; INSERT INTO t(t) VALUES('optimize'), ('cache=0')");
    reopen();
    sql_run(db, "SELECT value FROM t WHERE path = 'path/00001'");
    ck_assert_int_eq(truncate(file, SLOT + PAGE), 0);
}

/* A child goes on with the connection, in which t was used. */
static void forked(void) {
    int status;
    sql_run(db, "SELECT art_count('t', '')");
    pid_t child = fork();
    if (child == 0) return;
    waitpid(child, &status, 0);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

static void run_in_between(sqlite3_context *context, int count, sqlite3_value **values) {
    sqlite3_exec(db, sqlite3_user_data(context), NULL, NULL, NULL);
    sqlite3_result_int(context, 1);
}

static void let_between_run(char *sql) {
    sqlite3_create_function(db, "in_between", 0, SQLITE_UTF8, sql, run_in_between, NULL, NULL);
}

static void replace_in_between(void) {
    sql_run(db, "CREATE VIRTUAL TABLE u USING art");
    let_between_run("DELETE FROM t_artdata; INSERT INTO t_artdata SELECT * FROM u_artdata;"
                    "REPLACE INTO t_artstate SELECT * FROM u_artstate; SELECT count(*) FROM t");
}

static void replace_badly_in_between(void) {
    sql_run(db, "CREATE VIRTUAL TABLE u USING art");
    let_between_run(
        "DELETE FROM t_artdata; INSERT INTO t_artdata SELECT * FROM u_artdata;"
        "UPDATE t_artstate SET v = randomblob(16) WHERE k = 'id'; UPDATE t_artstate SET v = '' WHERE k = 'file';"
        "SELECT count(*) FROM t");
}

static void another_copy(void) {
    ck_assert(!chdir(directory));
    sql_run(db, "SELECT art_backup('copy.db', 'main', 'inline')");
}

static void write_in_between(void) {
    ck_assert(!chdir(directory));
    let_between_run("INSERT INTO t(path) VALUES('in between')");
}

static void add_column_in_between(void) {
    let_between_run("INSERT INTO t(t) VALUES('add column more')");
}

/* The statement stays open. */
static void read_the_snapshot(void) {
    sqlite3_step(sql_prepare(db, "SELECT value FROM t WHERE snapshot = 's'"));
}

static void few_columns(void) {
    sqlite3_limit(db, SQLITE_LIMIT_COLUMN, 9);
}

static void short_rows(void) {
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 100000);
}

static void utf16(void) {
    sql_close(db);
    db = sql_open(":memory:");
    sql_run(db, "PRAGMA encoding='UTF-16le'; CREATE TABLE plain(x)");
}

static void shared_cache(void) {
    char *name = sqlite3_mprintf("file:%s?cache=shared", path);
    sql_close(db);
    db = sql_open(name);
}

/* A connection that has it open still has a database. (memdb's has a name in older versions of SQLite only.) */
static void no_place_for_files(void) {
    char *gone = beside("gone.db");
    sql_close(db);
    db = sql_open(gone);
    sql_run(db, "PRAGMA journal_mode=MEMORY; CREATE TABLE x(a)");
    unlink(gone);
}

/* As a cipher does. */
static void reserve_area(void) {
    int bytes = 8;
    ck_assert_int_eq(sqlite3_file_control(db, "main", SQLITE_FCNTL_RESERVE_BYTES, &bytes), SQLITE_OK);
    sql_run(db, "VACUUM");
}

static void copy_to(const char *name) {
    sqlite3 *from = db;
    db = sql_open(name);
    sqlite3_backup *backup = sqlite3_backup_init(db, "main", from, "main");
    ck_assert_ptr_nonnull(backup);
    ck_assert_int_eq(sqlite3_backup_step(backup, -1), SQLITE_DONE);
    sqlite3_backup_finish(backup);
    sql_close(from);
}

static void shared_memory(void) {
    copy_to("file:/memory?vfs=memdb");
}

static void copied_to_memory(void) {
    copy_to(":memory:");
}

static void deserialized(void) {
    sqlite3_int64 size;
    unsigned char *image = sqlite3_serialize(db, "main", &size, 0);
    ck_assert_ptr_nonnull(image);
    sql_close(db);
    db = sql_open(":memory:");
    ck_assert_int_eq(sqlite3_deserialize(db, "main", image, size, size, SQLITE_DESERIALIZE_FREEONCLOSE), SQLITE_OK);
}

static void other_reader(void) {
    sqlite3_step(sql_prepare(sql_open(path), "SELECT path FROM t"));
}

static void no_listener(void) {
    reopen();
    sql_run(db, "CREATE TEMP TABLE art_txn(x)");
}

static void other_writer(void) {
    int fd = open(file, O_RDWR);
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    ck_assert_int_eq(fcntl(fd, F_OFD_SETLK, &range), 0);
}

/* --- an authorizer ------------------------------------------------------------------------------------------------ */

#define AUTHORIZER(name, ...)                                                                                          \
    static void name(void) {                                                                                           \
        sql_forbid(db, __VA_ARGS__);                                                                                   \
    }
AUTHORIZER(forbid_reading_t, SQLITE_DENY, SQLITE_READ, "t", NULL)
AUTHORIZER(forbid_reading_log, SQLITE_DENY, SQLITE_READ, "t_artdata", NULL)
AUTHORIZER(forbid_reading_state, SQLITE_DENY, SQLITE_READ, "t_artstate", NULL)

AUTHORIZER(ignore_alter, SQLITE_IGNORE, SQLITE_ALTER_TABLE, NULL, NULL)
AUTHORIZER(forbid_filling, SQLITE_DENY, SQLITE_INSERT, "u_artstate", NULL)
AUTHORIZER(forbid_writing_log, SQLITE_DENY, SQLITE_INSERT, "t_artdata", NULL)
AUTHORIZER(forbid_clearing_log, SQLITE_DENY, SQLITE_DELETE, "t_artdata", NULL)
AUTHORIZER(hide_numbers, SQLITE_IGNORE, SQLITE_READ, "t_artdata", "csn")
AUTHORIZER(forbid_writing_state, SQLITE_DENY, SQLITE_INSERT, "t_artstate", NULL)
AUTHORIZER(ignore_writing_state, SQLITE_IGNORE, SQLITE_INSERT, "t_artstate", NULL)
AUTHORIZER(forbid_writing_blobs, SQLITE_DENY, SQLITE_INSERT, "i_artblob", NULL)
AUTHORIZER(hide_writing_blobs, SQLITE_IGNORE, SQLITE_INSERT, "i_artblob", NULL)
AUTHORIZER(forbid_deleting_blobs, SQLITE_DENY, SQLITE_DELETE, "i_artblob", NULL)

/* Before there is a handle. */
static void forbid_columns(void) {
    sqlite3_close(db);
    db = sql_open(path);
    sql_forbid(db, SQLITE_DENY, SQLITE_READ, "t_artstate", NULL);
}

static void hide_id(void) {
    sql_run(db, "SELECT count(*) FROM t");
    sql_forbid(db, SQLITE_IGNORE, SQLITE_READ, "t_artstate", "v");
}

AUTHORIZER(forbid_listing, SQLITE_DENY, SQLITE_PRAGMA, "database_list", NULL)
AUTHORIZER(forbid_schema, SQLITE_DENY, SQLITE_READ, "sqlite_master", NULL)
AUTHORIZER(hide_schema, SQLITE_IGNORE, SQLITE_READ, "sqlite_master", NULL)
AUTHORIZER(forbid_encoding, SQLITE_DENY, SQLITE_SELECT, NULL, NULL)
AUTHORIZER(hide_encoding, SQLITE_IGNORE, SQLITE_SELECT, NULL, NULL)
AUTHORIZER(forbid_journal_mode, SQLITE_DENY, SQLITE_PRAGMA, "journal_mode", NULL)
AUTHORIZER(hide_journal_mode, SQLITE_IGNORE, SQLITE_PRAGMA, "journal_mode", NULL)

/* --- system calls that fail --------------------------------------------------------------------------------------- */

/* From now on `call` fails with `error`, where its argument `argument` and `mask` are `value`. */
static void fail_call(unsigned call, int error, unsigned argument, uint32_t mask, uint32_t value) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, args) + 8 * argument),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {LENGTH(code), code};
    bool filtered = !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) && !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
    if (!filtered) cannot_be_had_here("this kernel has no seccomp filters");
}

#define REFUSES(name, before, ...)                                                                                     \
    static void name(void) {                                                                                           \
        before;                                                                                                        \
        fail_call(__VA_ARGS__);                                                                                        \
    }
REFUSES(no_random_bytes, (void)0, __NR_getrandom, EIO, 0, 0, 0)
REFUSES(no_opening, reopen(), __NR_openat, EIO, 2, O_NOFOLLOW, O_NOFOLLOW)
REFUSES(no_modes, reopen(), __NR_fcntl, EIO, 1, UINT32_MAX, F_SETFL)
REFUSES(no_locks, (void)0, __NR_fcntl, ENOLCK, 1, UINT32_MAX, F_OFD_SETLK)
REFUSES(folder_is_not_read, (void)0, __NR_getdents64, EIO, 0, 0, 0)
REFUSES(no_permissions, sql_run(db, NEW_U), __NR_fchmod, EIO, 0, 0, 0)
REFUSES(no_folder, sql_run(db, NEW_U), __NR_openat, EIO, 2, O_DIRECTORY, O_DIRECTORY)
REFUSES(no_file_for_the_folder, sql_run(db, NEW_U), __NR_openat, EMFILE, 2, O_DIRECTORY, O_DIRECTORY)
/* The database's own syncs are switched off; those that art asks of it may fail. */
REFUSES(no_folder_syncs, sql_run(db, "PRAGMA synchronous=OFF;" NEW_U), __NR_fsync, EIO, 0, 0, 0)
REFUSES(no_syncs, sql_run(db, "PRAGMA synchronous=OFF;" NEW_U), __NR_fdatasync, EIO, 0, 0, 0)

static void no_direct(void) {
    sql_ways("pwrite", "on");
    reopen();
    fail_call(__NR_fcntl, EINVAL, 1, UINT32_MAX, F_SETFL);
}

static void no_room_at_all(void) {
    struct rlimit limit = {0, RLIM_INFINITY};
    ck_assert_int_eq(chdir(directory), 0);
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void folder_of_others(void) {
    ck_assert_int_eq(chdir(directory), 0);
    ck_assert_int_eq(chmod(".", 0555), 0);
    if (geteuid() == 0) ck_assert_int_eq(seteuid(65534), 0);
}

static void journal_of_a_copy(void) {
    ck_assert_int_eq(chdir(directory), 0);
    ck_assert_int_eq(symlink("nowhere", "copy.db-wal"), 0);
}

static void no_files_of_a_wal(void) {
    char *name = sqlite3_mprintf("file:%s?mode=ro&readonly_shm=1", path);
    sql_run(db, "PRAGMA journal_mode=WAL");
    sql_close(db);
    db = sql_open_flags(name, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
    if (sqlite3_exec(db, "SELECT 1", NULL, NULL, NULL)) {
        cannot_be_had_here("this SQLite reads the schema for any statement, and fails before art is asked");
    }
}

static void forbid_declaring(void) {
    sqlite3_close(db);
    db = sql_open(path);
    sql_forbid(db, SQLITE_DENY, SQLITE_INSERT, "sqlite_master", NULL);
    if (!sqlite3_exec(db, "SELECT * FROM t", NULL, NULL, NULL))
        cannot_be_had_here("this SQLite asks no authorizer about what a module declares");
}

static void forbid_attach(void) {
    ck_assert_int_eq(chdir(directory), 0);
    sql_forbid(db, SQLITE_DENY, SQLITE_ATTACH, "copy.db", NULL);
}

static void in_the_folder(void) {
    ck_assert_int_eq(chdir(directory), 0);
}

static void forget_collation(void) {
    ck_assert_int_eq(chdir(directory), 0);
    sqlite3_create_collation(db, "mine", SQLITE_UTF8, NULL, sql_compare_bytes);
    sql_run(db, "CREATE VIRTUAL TABLE u USING art(path, a COLLATE mine, storage=file)");
    reopen();
}

static void no_syncs_before(void) {
    no_syncs();
    sql_try(db, "INSERT INTO u(u) VALUES('flush')");
}

/* The database has larger pages than the .art file. A look into the page cache starts a read there, which a fast disk
 * may have ended: what is present is read by no pread. */
static void no_reads(void) {
    sql_run(db, "PRAGMA page_size=16384; VACUUM");
    reopen();
    sql_run(db, "SELECT * FROM plain");
    fail_call(__NR_preadv2, EAGAIN, 0, 0, 0);
    fail_call(__NR_pread64, EIO, 2, UINT32_MAX, PAGE);
}

/* --- the tables --------------------------------------------------------------------------------------------------- */

struct error {
    const char *says;   /* how its text in the sources begins, behind "art: "; all of it where others begin so, too */
    const char *sql;    /* fails, */
    const char *before; /* after SQL that succeeds */
    const char *spoil;  /* or such SQL and a new connection, */
    const char *files;  /* what the shell makes of the folder, whose .art file is $f, while nothing is open, */
    const char *opens;  /* in another database than e.db, */
    void (*then)(void); /* and that */
    bool also;          /* sql/messages.md shows one for this and for those before it, down to the first without this */
};

#include "tests/support/error_table.h"

enum { ERRORS = LENGTH(errors), ELSEWHERE = LENGTH(elsewhere) };

/* --- messages of the sources -------------------------------------------------------------------------------------- */

/* What tests/sql/messages prints. */
struct message {
    char *place, *pattern, *shown, *many, *text;
};

static struct {
    struct message *items;
    unsigned count;
} sources;

static bool read_sources(void) {
    FILE *from = popen("tests/sql/messages", "r");
    struct message next = {0};
    char **const parts[] = {&next.place, &next.pattern, &next.shown, &next.many, &next.text}, *text = NULL;
    size_t room = 0;
    for (int at = 0; from && getdelim(&text, &room, 0, from) > 0; at = (at + 1) % LENGTH(parts)) {
        *parts[at] = sqlite3_mprintf("%s", text);
        if (at < LENGTH(parts) - 1) continue;
        sources.items = realloc(sources.items, (sources.count + 1) * sizeof *sources.items);
        sources.items[sources.count++] = next;
    }
    free(text);
    return from && !pclose(from) && sources.count;
}

static const char *behind_art(const char *text) {
    return strncmp(text, "art: ", 5) ? text : text + 5;
}

static bool begins(const struct message *message, const char *says) {
    size_t n = strlen(says);
    return !strncmp(behind_art(message->text), says, n) || (says[n - 1] == '/' && !strncmp(message->place, says, n));
}

/* The one message that says this, else the one that begins so, else NULL. Two that begin so fail the test. */
static const struct message *message_of(const char *says) {
    const struct message *found = NULL;
    for (unsigned i = 0; i < sources.count; i++) {
        if (!strcmp(behind_art(sources.items[i].text), says)) return &sources.items[i];
    }
    for (unsigned i = 0; i < sources.count; i++) {
        if (!begins(&sources.items[i], says)) continue;
        ck_assert_msg(!found || !strcmp(found->text, sources.items[i].text) || says[strlen(says) - 1] == '/',
                      "\"%s\" begins several messages", says);
        found = &sources.items[i];
    }
    return found;
}

TEST(test_every_message_of_the_sources_is_listed_and_every_listed_one_is_in_the_sources) {
    unsigned missing = 0;
    bool *listed = sqlite3_malloc64(sources.count);
    memset(listed, 0, sources.count);
    for (unsigned i = 0, k = 0; i < ERRORS + ELSEWHERE;) {
        const char *says = i < ERRORS ? errors[i].says : elsewhere[i - ERRORS].messages[k++];
        if (i < ERRORS || !says) {
            i++;
            k = 0;
        }
        if (!says) continue;
        const struct message *message = message_of(says);
        if (!message) missing += printf("no source says \"%s\"\n", says) > 0;
        for (unsigned m = 0; message && m < sources.count; m++) {
            bool folder = says[strlen(says) - 1] == '/' && begins(&sources.items[m], says);
            listed[m] |= folder || !strcmp(sources.items[m].text, message->text);
        }
    }
    for (unsigned m = 0; m < sources.count; m++) {
        if (!listed[m])
            missing += printf("%s: not listed: \"%s\"\n", sources.items[m].place, sources.items[m].text) > 0;
    }
    fflush(stdout);
    ck_assert_msg(missing == 0, "%u messages are in one of errors[] or elsewhere[] and the sources alone", missing);
    sqlite3_free(listed);
}

/* --- sql/messages.md ---------------------------------------------------------------------------------------------- */

static const struct {
    int code;
    const char *name;
} codes[] = {
#define CODE(name)                                                                                                     \
    { name, #name }
    CODE(SQLITE_ERROR),
    CODE(SQLITE_ABORT),
    CODE(SQLITE_BUSY),
    CODE(SQLITE_LOCKED),
    CODE(SQLITE_READONLY),
    CODE(SQLITE_IOERR),
    CODE(SQLITE_IOERR_WRITE),
    CODE(SQLITE_CORRUPT_VTAB),
    CODE(SQLITE_FULL),
    CODE(SQLITE_CANTOPEN),
    CODE(SQLITE_TOOBIG),
    CODE(SQLITE_MISMATCH),
    CODE(SQLITE_MISUSE),
    CODE(SQLITE_AUTH),
    CODE(SQLITE_CONSTRAINT_NOTNULL),
    CODE(SQLITE_CONSTRAINT_PRIMARYKEY)};

/* How the row of a message begins; `of_many`: damage is told in many ways that mean one thing, and have one row. */
static char *row_of(const struct error *error, bool of_many) {
    const struct message *message = message_of(error->says);
    ck_assert_msg(message != NULL, "no source says \"%s\"", error->says);
    char *shown = sqlite3_mprintf("%s", of_many ? message->many : message->shown);
    for (char *p = shown; *p; p++) {
        if (*p == '|') *p = '/';
    }
    return sqlite3_mprintf("\n| %z | `", shown);
}

/* Where sql/messages.md has it. */
static const char *documented(const struct error *error) {
    while (error->also) error--;
    char *row = row_of(error, false), *many = row_of(error, true);
    const char *at = strstr(readme_text(), row);
    if (!at && *message_of(error->says)->many) at = strstr(readme_text(), many);
    ck_assert_msg(at != NULL, "sql/messages.md lacks:%s...", row);
    at += !strncmp(at, row, strlen(row)) ? strlen(row) : strlen(many);
    sqlite3_free(row);
    sqlite3_free(many);
    return at;
}

static int code_of(const struct error *error) {
    const char *name = documented(error);
    for (unsigned i = 0; i < LENGTH(codes); i++) {
        size_t n = strlen(codes[i].name);
        if (!strncmp(name, codes[i].name, n) && name[n] == '`') return codes[i].code;
    }
    ck_abort_msg("no code is called %.40s", name);
}

/* --- producing them ----------------------------------------------------------------------------------------------- */

enum { MESSAGE_SIZE = 4000 };
struct outcome {
    int code;
    char message[MESSAGE_SIZE];
};

static void change_files(const char *script) {
    char *command = sqlite3_mprintf("cd '%s'; f='%s'; %s", directory, file, script ? script : ":");
    ck_assert_msg(!system(command), "%s", command);
}

static void produce(const struct error *error, struct outcome *outcome) {
    make_database();
    if (error->before) sql_run(db, "%s", error->before);
    if (error->spoil) sql_run(db, "%s", error->spoil);
    if (error->spoil || error->files) {
        sql_close(db);
        change_files(error->files);
        db = sql_open(error->opens ? beside(error->opens) : path);
    }
    if (error->then) error->then();
    outcome->code = sqlite3_exec(db, error->sql, NULL, NULL, NULL);
    snprintf(outcome->message, sizeof outcome->message, "%s", sqlite3_errmsg(db));
}

/* In a child, whose limits, filters and user nobody else suffers from. The folder may have moved. */
static int produce_apart(const struct error *error, struct outcome *outcome) {
    int channel[2], status;
    ck_assert_int_eq(pipe(channel), 0);
    fflush(stdout);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct outcome mine = {0};
        produce(error, &mine);
        _exit(write(channel[1], &mine, sizeof mine) == sizeof mine ? 0 : 1);
    }
    close(channel[1]);
    ssize_t got = read(channel[0], outcome, sizeof *outcome);
    close(channel[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == CANNOT_BE_HAD_HERE) return CANNOT_BE_HAD_HERE;
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0 && got == sizeof *outcome, "%s: status %x", error->says,
                  (unsigned)status);
    return 0;
}

static void remove_scratch(void) {
    chmod(directory, 0700);
    char *moved = TEXT("%s.moved", directory);
    char *folder = kept(sql_find_file(directory, ".art"));
    if (folder) rmdir(folder);
    sql_scratch_remove(directory);
    sql_scratch_remove(moved);
}

static bool by_another_user(const struct error *error) {
    return error->then == nobody || error->then == folder_of_others;
}

LOOP_TEST(test_an_error_says_what_where_and_what_to_do, ERRORS) {
    const struct error *error = &errors[_i];
    struct outcome outcome = {0};
    const struct message *message = message_of(error->says);
    int code = code_of(error);
    directory = by_another_user(error) ? sql_scratch_for_others("errors") : sql_scratch("errors");
    path = sqlite3_mprintf("%s/e.db", directory);
    int skipped = produce_apart(error, &outcome);
    remove_scratch();
    if (skipped) {
        printf("skipped: \"%s\"\n", error->says);
    } else {
        const char *pattern = message->pattern;
        ck_assert_msg(sqlite3_strglob(pattern, outcome.message) == 0 && outcome.code == code,
                      "%s\n  gave  %d \"%s\"\n  not   %d \"%s\"", error->sql, outcome.code, outcome.message, code,
                      pattern);
    }
    sqlite3_free(directory);
    sqlite3_free(path);
}

/* What sql/messages.md shows is produced here. */
TEST(test_every_row_of_messages_is_of_an_error) {
    const char *at = strstr(readme_text(), "\n# Messages\n"), *end = at ? strstr(at + 1, "\n# ") : NULL;
    unsigned rows = 0, left = 0;
    ck_assert_ptr_nonnull(at);
    for (at = strstr(at, "` | "); at && (!end || at < end); at = strstr(at + 1, "` | ")) left++;
    for (unsigned i = 0; i < ERRORS; i++) {
        const char *row = errors[i].also ? NULL : documented(&errors[i]);
        for (unsigned k = 0; row && k < i; k++) {
            if (!errors[k].also && documented(&errors[k]) == row) row = NULL;
        }
        rows += row != NULL;
    }
    ck_assert_uint_eq(rows, left);
}

int main(void) {
    if (!read_sources()) {
        puts("tests/sql/messages finds no sources: run the test in the project's folder, with /usr/bin/python3");
        return 1;
    }
    return suite_run("sql_errors", .seconds = 60);
}
