/* art_backup(copy, schema, 'update') that dies at each of its calls in turn, by a kill or a loss of power. Then the
 * copy is the old one, or the new one, or says that it is unfinished; and the next run completes it.
 *
 * The calls are this program's own functions, for SQLite's files and ours (not through a ring). A loss of power takes
 * back what was written and not synced, each sector of it or not, and so it does names that were removed.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/features.h"
#include "tests/support/sql_one.h"

/* --- calls -------------------------------------------------------------------------------------------------------- */

enum { SECTOR = 512, DIED = 77, WRITES_MOST = 4000 };

struct unsynced {
    int fd; /* our own: theirs may be closed by then */
    ino_t inode;
    off_t at;
    size_t length;
    uint8_t *before;
    char *removed; /* a name, which is kept beside */
};

static struct {
    unsigned left;       /* calls before the last one; 0: never */
    const char *removes; /* the last one removes such a name; NULL: whatever it does */
    bool power;
    struct random random;
    struct unsynced unsynced[WRITES_MOST];
    unsigned count;
} machine;

static void take_back(const struct unsynced *write) {
    if (write->removed) {
        char *kept = sqlite3_mprintf("%s~", write->removed);
        if (random_below(&machine.random, 2)) rename(kept, write->removed);
        sqlite3_free(kept);
    }
    unsigned how = random_below(&machine.random, 3); /* all of it stays, none, a part */
    for (size_t i = 0; how && i < write->length; i += SECTOR) {
        size_t part = write->length - i < SECTOR ? write->length - i : SECTOR;
        if (how == 1 || random_below(&machine.random, 2))
            syscall(SYS_pwrite64, write->fd, write->before + i, part, write->at + i);
    }
}

/* What was written last may well be what lasts: then it must not say more than is true. */
static void die(void) {
    if (machine.power && machine.count && random_below(&machine.random, 2)) machine.count--;
    while (machine.power && machine.count) take_back(&machine.unsynced[--machine.count]);
    _exit(DIED);
}

/* Files without a name are only for a while. */
static bool is_last(int fd, struct stat *status) {
    fstat(fd, status);
    return status->st_nlink && machine.left && !--machine.left;
}

/* What is there, before it changes. */
static void note(int fd, off_t at, size_t length) {
    struct stat status;
    fstat(fd, &status);
    if (!machine.left || !machine.power || !status.st_nlink) return;
    char *name = sqlite3_mprintf("/proc/self/fd/%d", fd);
    struct unsynced *write = &machine.unsynced[machine.count++];
    ck_assert_uint_lt(machine.count, WRITES_MOST);
    *write = (struct unsynced){open(name, O_RDWR), status.st_ino, at, length, calloc(1, length + 1), NULL};
    if (pread(write->fd, write->before, length, at) < 0) _exit(1);
    sqlite3_free(name);
}

static int synced(int fd) {
    struct stat status;
    unsigned kept = 0;
    if (is_last(fd, &status)) die();
    for (unsigned i = 0; i < machine.count; i++) {
        const struct unsynced *write = &machine.unsynced[i];
        if (write->removed ? !S_ISDIR(status.st_mode) : write->inode != status.st_ino)
            machine.unsynced[kept++] = *write;
    }
    machine.count = kept;
    return 0;
}

__attribute__((visibility("default"))) ssize_t pwrite64(int fd, const void *data, size_t length, off_t at) {
    struct stat status;
    note(fd, at, length);
    bool last = is_last(fd, &status);
    ssize_t written = syscall(SYS_pwrite64, fd, data, last ? length / SECTOR / 2 * SECTOR : length, at);
    if (last) die();
    return written;
}

__attribute__((visibility("default"))) int ftruncate64(int fd, off_t length) {
    struct stat status;
    bool last = is_last(fd, &status);
    if (length < status.st_size) note(fd, length, (size_t)(status.st_size - length));
    if (last) die();
    return (int)syscall(SYS_ftruncate, fd, length);
}

/* As art calls them; SQLite says 64. */
__attribute__((visibility("default"))) ssize_t pwrite(int fd, const void *data, size_t length, off_t at) {
    return pwrite64(fd, data, length, at);
}

__attribute__((visibility("default"))) int ftruncate(int fd, off_t length) {
    return ftruncate64(fd, length);
}

__attribute__((visibility("default"))) int unlink(const char *name) {
    bool counts = machine.left && strstr(name, "copy.db");
    if (counts && (!--machine.left || (machine.removes && strstr(name, machine.removes)))) die();
    if (counts && machine.power && !access(name, F_OK)) {
        char *kept = sqlite3_mprintf("%s~", name);
        syscall(SYS_unlink, kept);
        if (link(name, kept)) _exit(1);
        sqlite3_free(kept);
        machine.unsynced[machine.count++] = (struct unsynced){.removed = sqlite3_mprintf("%s", name)};
    }
    return (int)syscall(SYS_unlink, name);
}

__attribute__((visibility("default"))) int fsync(int fd) {
    return synced(fd);
}

__attribute__((visibility("default"))) int fdatasync(int fd) {
    return synced(fd);
}

/* --- copies ------------------------------------------------------------------------------------------------------- */

static const char *const modes[] = {"WAL", "DELETE"};

static void change(const char *what) {
    for (int i = 0; i < 20; i++) {
        sql_run(db, "BEGIN");
        ck_assert_msg(!features_turn(db), "%s", sqlite3_errmsg(db));
        sql_run(db, "COMMIT");
    }
    sql_run(db,
            "BEGIN; UPDATE f SET value = hex(randomblob(300)) WHERE path GLOB '%s'; UPDATE i SET value = "
            "hex(randomblob(90)); "
            "UPDATE p SET value = '%s'; COMMIT; INSERT INTO f(f) VALUES('optimize'); VACUUM",
            what, what);
}

static void make(const char *mode) {
    sql_run(
        db,
        "PRAGMA journal_mode=%s; CREATE VIRTUAL TABLE f USING art(path, value, storage=file); CREATE VIRTUAL TABLE i "
        "USING art(path, value, storage=inline); CREATE VIRTUAL TABLE g USING art(path, value, storage=file); CREATE "
        "TABLE p(value)",
        mode);
    sql_run(db,
            "BEGIN; INSERT INTO f SELECT printf('d%%d/%%04d', i %% 7, i), hex(randomblob(300)) FROM (WITH n(i) AS "
            "(SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 5000) SELECT i FROM n); INSERT INTO i SELECT * FROM f LIMIT "
            "3; INSERT INTO p VALUES(1); INSERT INTO g VALUES(1, 1); COMMIT; INSERT INTO f(f) VALUES('optimize'); "
            "INSERT INTO f(f, snapshot) "
            "VALUES('snapshot', 's')");
    features_create(db, ", log_limit='20KB'");
    features_create(db, NULL);
    change("d1/*1");
}

static int update(void) {
    return sql_try(db, "SELECT art_backup(%Q, 'main', 'update')", copy_path);
}

static int update_and_die_at(unsigned nth, bool power, struct random *random) {
    int status;
    pid_t child = fork();
    if (!child) {
        machine.power = power;
        machine.random = *random;
        db = sql_open(path);
        machine.left = nth;
        if (update()) printf("%s\n", sqlite3_errmsg(db));
        fflush(stdout);
        _exit(sqlite3_errcode(db) != 0);
    }
    random_below(random, 2);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) != 1);
    return WEXITSTATUS(status);
}

static char *state_of(sqlite3 *of) {
    return sql_rows(
        of, "SELECT p.value, max(f.value), count(*), (SELECT max(value) FROM i), (SELECT max(value) FROM f WHERE "
            "snapshot = 's'), (SELECT max(value) FROM g), (SELECT n FROM turns) FROM f, p");
}

enum outcome { OLD, UNFINISHED, NEW };

static enum outcome look(const char *before, const char *after) {
    sqlite3 *copy = sql_open(copy_path);
    enum outcome outcome = UNFINISHED;
    if (sql_try(copy, "SELECT count(*) FROM f")) {
        ck_assert_msg(strstr(sqlite3_errmsg(copy), "unfinished") != NULL, "%s", sqlite3_errmsg(copy));
    } else {
        char *is = state_of(copy);
        outcome = strcmp(is, after) ? OLD : NEW;
        if (outcome == OLD) ck_assert_str_eq(is, before);
        const char *complaint = features_complaint(copy);
        ck_assert_msg(!complaint, "%s", complaint);
        sqlite3_free(is);
        sql_expect(copy, "1\n", "SELECT art_verify() LIKE 'ok%'");
    }
    sql_close(copy);
    return outcome;
}

/* `make check` tries a part of the calls. */
static unsigned stride(void) {
    return random_stride() > 1 ? 9 : 1;
}

/* Once at each call, without power three times; now and then the run after that dies, too. */
LOOP_TEST(test_an_update_that_dies_is_completed_by_the_next_one, 4) {
    struct random random = {random_seed()};
    unsigned seen[3] = {0}, twice[3] = {0}, nth = 1;
    bool power = _i / 2;
    sql_ways("pwrite", NULL);
    make(modes[_i % 2]);
    ck_assert_int_eq(sql_try(db, "SELECT art_backup(%Q)", copy_path), 0);
    ck_assert_int_eq(sql_shell("mkdir old; cp copy.db* old"), 0);
    char *before = state_of(db);
    change("d2/*2");
    sql_run(db, "INSERT INTO g VALUES(2, 2); INSERT INTO g(g) VALUES('flush')"); /* the first file of the copy's g */
    char *after = state_of(db);
    sql_close(db);
    unsigned step = stride();
    for (unsigned n = random_below(&random, step);; n += step) {
        nth = 1 + n / (power ? 3 : 1);
        ck_assert_int_eq(sql_shell("rm -f copy.db-[jwg]* copy.db*~; for f in old/*; do cat $f > ${f#old/}; done"), 0);
        int died = update_and_die_at(nth, power, &random);
        enum outcome outcome = look(before, after);
        if (!died && (step == 1 || seen[NEW])) break;
        if (!died) { /* few calls come behind the new state: each is tried */
            n -= step;
            step = 1;
            continue;
        }
        seen[outcome]++;
        if (n % 4 == 0 && update_and_die_at(1 + random_below(&random, 100), power, &random))
            twice[look(before, after)]++;
        db = sql_open(path);
        ck_assert_msg(!update(), "%u: %s", nth, sqlite3_errmsg(db));
        sql_close(db);
        ck_assert_int_eq(look(before, after), NEW);
    }
    db = sql_open(path);
    printf("%s at %u calls: %u old, %u unfinished, %u new; again: %u, %u, %u\n", power ? "power lost" : "killed",
           nth - 1, seen[OLD], seen[UNFINISHED], seen[NEW], twice[OLD], twice[UNFINISHED], twice[NEW]);
    ck_assert(seen[OLD] && seen[UNFINISHED] && seen[NEW]);
    sqlite3_free(before);
    sqlite3_free(after);
}

/* Twice at each call without power. One that was killed is completed by the next run, beside the original, whose file
 * its tables name at first. */
LOOP_TEST(test_a_new_copy_that_dies_is_whole_or_does_not_say_so, 4) {
    struct random random = {random_seed()};
    unsigned n = random_below(&random, stride()), whole = 0;
    bool power = _i / 2;
    sql_ways("pwrite", NULL);
    make(modes[_i % 2]);
    char *state = state_of(db);
    sql_close(db);
    for (int died = DIED; died; n += stride()) {
        ck_assert_int_eq(sql_shell("rm -f copy.db*"), 0);
        died = update_and_die_at(1 + n / (power ? 2 : 1), power, &random);
        sqlite3 *copy = sql_open(copy_path);
        bool opens = !sql_try(copy, "SELECT count(*) FROM f");
        sql_close(copy);
        whole += opens;
        if (opens) ck_assert_int_eq(look("", state), NEW);
        if (power) continue;
        db = sql_open(path);
        ck_assert_msg(!update(), "%u: %s", n, sqlite3_errmsg(db));
        sql_close(db);
        ck_assert_int_eq(look("", state), NEW);
    }
    printf("new copies, %s at %u calls: %u whole\n", power ? "power lost" : "killed", n / (power ? 2 : 1), whole);
    db = sql_open(path);
    sqlite3_free(state);
}

/* It is not named by the new state, so no later run would find it. */
TEST(test_the_file_of_a_dropped_table_goes_with_the_run_behind_one_that_dies) {
    sql_ways("pwrite", NULL);
    make(modes[0]);
    sql_run(db,
            "CREATE VIRTUAL TABLE h USING art(path, value, storage=file); INSERT INTO h SELECT * FROM i; INSERT INTO "
            "h(h) VALUES('flush')");
    ck_assert_int_eq(update(), 0);
    sql_run(db, "DROP TABLE h");
    sql_close(db);
    machine.removes = "copy.db-h-";
    ck_assert_int_eq(update_and_die_at(UINT32_MAX, false, &(struct random){1}), DIED);
    machine.removes = NULL;
    db = sql_open(path);
    ck_assert_int_eq(sql_shell("ls copy.db-h-*.art"), 0);
    ck_assert_int_eq(update(), 0);
    ck_assert_int_eq(sql_shell("! ls copy.db-h-*.art"), 0);
}

SUITE("updates of copies that die", .seconds = SUITE_FOREVER, .set_up = sql_set_up, .tear_down = sql_tear_down)
