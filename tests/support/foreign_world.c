#include "tests/support/foreign_world.h"

#include <check.h>
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/hash.h"
#include "core/store/private.h"
#include "tests/support/sanitized.h"

enum { NOBODY = 65534, HANGS = 100 /* seconds */ };

static void die(const char *what, const char *about) __attribute__((noreturn));

static void die(const char *what, const char *about) {
    fflush(stdout);
    perror("foreign_world");
    fprintf(stderr, "foreign_world: %s: %s\n", what, about);
    abort();
}

/* --- the extension ------------------------------------------------------------------------------------------------ */

static void (*entry)(void);

static void load_extension(void) {
    const char *extension = getenv("ART_EXTENSION");
    char *whole = realpath(extension && *extension ? extension : "./art.so", NULL);
    void *library = whole ? dlopen(whole, RTLD_NOW) : NULL;
    void *symbol = library ? dlsym(library, "sqlite3_art_init") : NULL;
    if (!symbol) die("cannot load the extension", whole ? dlerror() : "not there");
    memcpy(&entry, &symbol, sizeof entry);
    free(whole);
}

sqlite3 *foreign_connect(const char *path, int flags, int *rc) {
    sqlite3 *db = NULL;
    sqlite3_auto_extension(entry);
    *rc = sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_URI, NULL);
    sqlite3_reset_auto_extension();
    if (db) sqlite3_extended_result_codes(db, 1);
    return db;
}

static sqlite3 *connect(const char *path) {
    int rc;
    sqlite3 *db = foreign_connect(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &rc);
    if (rc) die("cannot open", path);
    return db;
}

/* --- files -------------------------------------------------------------------------------------------------------- */

char *foreign_join(const char *folder, const char *name) {
    return sqlite3_mprintf("%s/%s", folder, name);
}

const char *foreign_base(const char *path) {
    return strrchr(path, '/') + 1;
}

void foreign_set(char **text, char *now) {
    sqlite3_free(*text);
    *text = now;
}

void foreign_copy_replacing(const char *from, const char *to) {
    char *new = TEXT("%s.new", to);
    sql_copy_file(from, new);
    foreign_move(new, to);
}

void foreign_move(const char *from, const char *to) {
    if (rename(from, to)) die("cannot rename", from);
}

static void make_note(const char *folder, const char *name) {
    char *path = kept(foreign_join(folder, name));
    FILE *note = fopen(path, "w");
    if (!note || fprintf(note, "nobody's business\n") < 0 || fclose(note)) die("cannot write", path);
}

/* --- the world ---------------------------------------------------------------------------------------------------- */

char *foreign_digest(sqlite3 *db) {
    sqlite3_stmt *ask = NULL;
    char *text = NULL;
    int rc =
        sqlite3_prepare_v2(db, "SELECT count(*), sum(length(value)), min(path), max(value) FROM t", -1, &ask, NULL);
    if (!rc && sqlite3_step(ask) == SQLITE_ROW) {
        text = sqlite3_mprintf("%d rows, %d bytes, %s, %s", sqlite3_column_int(ask, 0), sqlite3_column_int(ask, 1),
                               sqlite3_column_text(ask, 2), sqlite3_column_text(ask, 3));
    }
    sqlite3_finalize(ask);
    return text;
}

char *foreign_art_file(const char *database, const char *table) {
    sqlite3 *db = connect(database);
    char *name = kept(sql_rows(db, "SELECT v FROM \"%w_artstate\" WHERE k = 'file'", table));
    sql_close(db);
    name[strlen(name) - 1] = 0;
    char *path = sqlite3_mprintf("%.*s%s", (int)(foreign_base(database) - database), database, name);
    return path;
}

static void make_table(sqlite3 *db, const char *table, const char *value) {
    sql_create(db, table, "");
    sql_run(db,
            "INSERT INTO %s(path, value) WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT %d) "
            "SELECT printf('path/%%05d', i), '%s ' || i FROM n",
            table, FOREIGN_ROWS, value);
    sql_command(db, "main", table, "flush");
}

/* In the folder `here`. */
static void make_databases(const char *here, const char *journal) {
    for (int i = 0; i < 2; i++) {
        char *path = kept(foreign_join(here, i ? "other.db" : "t.db"));
        sqlite3 *db = connect(path);
        sql_run(db, "PRAGMA journal_mode=%s; PRAGMA synchronous=OFF; CREATE TABLE plain(x)", journal);
        make_table(db, "t", i ? "other" : "value");
        if (!i) make_table(db, "u", "second");
        sql_run(db, "INSERT INTO t(path, value) VALUES('log/a', 1), ('log/b', 2)");
        sql_close(db);
    }
}

enum { TEMPLATES = 8 };
static struct template {
    const char *journal;
    char *here, *digest;
}
templates[TEMPLATES];

void foreign_begin(const char *const *journals) {
    load_extension();
    for (unsigned i = 0; journals[i]; i++) {
        struct template *template = &templates[i];
        template->journal = journals[i];
        template->here = sql_scratch("template");
        make_databases(template->here, journals[i]);
        char *path = kept(foreign_join(template->here, "t.db"));
        sqlite3 *db = connect(path);
        template->digest = foreign_digest(db);
        sql_close(db);
    }
}

void foreign_end(void) {
    for (unsigned i = 0; i < TEMPLATES && templates[i].here; i++) {
        sql_scratch_remove(templates[i].here);
        sqlite3_free(templates[i].here);
        sqlite3_free(templates[i].digest);
    }
}

/* As if the database beside it had made this copy: what it has of its own is its owner page. */
static void own(const char *file, const char *database) {
    struct art_superblock block;
    struct stat status, host;
    int fd = open(file, O_RDWR);
    if (fd < 0 || fstat(fd, &status) || stat(database, &host)) die("cannot look at", file);
    if (pread(fd, &block, sizeof block, 0) != sizeof block) die("cannot read", file);
    struct art_owner owner = {.own_inode = status.st_ino, .host_inode = host.st_ino, .host_path = database};
    uint8_t uuid[16];
    memcpy(uuid, block.identity.uuid, sizeof uuid);
    art_superblock_make(&block, uuid, &owner);
    if (pwrite(fd, &block, sizeof block, 0) != sizeof block || close(fd)) die("cannot write", file);
}

static void copy_databases(const char *from, const char *here) {
    DIR *list = opendir(from);
    for (struct dirent *entry; (entry = readdir(list));) {
        if (entry->d_name[0] == '.') continue;
        char *old = kept(foreign_join(from, entry->d_name)), *new = kept(foreign_join(here, entry->d_name));
        foreign_copy_replacing(old, new);
    }
    closedir(list);
    static const char *const tables[][2] = {{"t.db", "t"}, {"t.db", "u"}, {"other.db", "t"}};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        char *database = kept(foreign_join(here, tables[i][0])), *file = kept(foreign_art_file(database, tables[i][1]));
        char *real = realpath(database, NULL);
        own(file, real);
        free(real);
    }
}

void foreign_make(struct foreign_world *world, const char *journal) {
    const struct template *template = templates;
    while (strcmp(template->journal, journal) != 0) template ++;
    *world = (struct foreign_world){.journal = journal};
    world->root = sql_scratch_for_others("foreign");
    world->here = foreign_join(world->root, "here");
    world->elsewhere = foreign_join(world->root, "elsewhere");
    world->path = foreign_join(world->here, "t.db");
    if (mkdir(world->here, 0755) || mkdir(world->elsewhere, 0755)) die("cannot make folders", world->root);
    make_note(world->root, "outside.txt");
    make_note(world->here, "note.txt");
    make_note(world->elsewhere, "note.txt");
    copy_databases(template->here, world->here);
    world->expected = sqlite3_mprintf("%s", template->digest);
    world->file = foreign_art_file(world->path, "t");
    world->name = sqlite3_mprintf("%s", foreign_base(world->file));
}

char *foreign_named_file(const struct foreign_world *world) {
    return sqlite3_mprintf("%.*s%s", (int)(foreign_base(world->path) - world->path), world->path, world->name);
}

void foreign_free(struct foreign_world *world) {
    sql_scratch_remove(world->root);
    char *texts[] = {world->root, world->here,     world->elsewhere, world->path, world->uri,
                     world->file, world->expected, world->saved,     world->name, world->also};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) sqlite3_free(texts[i]);
    *world = (struct foreign_world){0};
}

void foreign_save(struct foreign_world *world, bool much) {
    char *database = kept(foreign_join(world->elsewhere, "saved.db")),
         *file = kept(foreign_join(world->elsewhere, "saved.art"));
    foreign_copy_replacing(world->path, database);
    foreign_copy_replacing(world->file, file);
    world->saved = sqlite3_mprintf("%s", world->expected);
    sqlite3 *db = connect(world->path);
    sql_run(db, "INSERT INTO t(path, value) VALUES('later', 'later'); INSERT INTO t(t) VALUES('flush')");
    for (int i = 0; much && i < 4; i++) { /* an empty WAL sets its slots free */
        sql_run(db, "UPDATE t SET value = 'round %d of ' || path; INSERT INTO t(t) VALUES('optimize')", i);
        sql_close(db);
        db = connect(world->path);
    }
    foreign_set(&world->expected, foreign_digest(db));
    sql_close(db);
}

/* --- tries -------------------------------------------------------------------------------------------------------- */

static void give_up_rights(void) {
    if (geteuid() == 0 && (setgroups(0, NULL) || setegid(NOBODY) || seteuid(NOBODY))) die("cannot become", "nobody");
}

static void limit_memory(uint64_t more) {
    unsigned long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    if (!statm || fscanf(statm, "%lu", &pages) != 1) die("cannot read", "/proc/self/statm");
    fclose(statm);
    struct rlimit limit;
    getrlimit(RLIMIT_AS, &limit);
    limit.rlim_cur = (rlim_t)pages * 4096 + more;
    if (setrlimit(RLIMIT_AS, &limit)) die("cannot limit", "memory");
}

struct trial {
    const struct foreign_world *world;
    enum foreign_try what;
    struct foreign_outcome *outcome; /* shared with the parent */
};

/* Nothing here is about power loss. */
static sqlite3 *open_tried(const struct foreign_world *world, int *rc) {
    sqlite3 *db = foreign_connect(world->uri ? world->uri : world->path, SQLITE_OPEN_READWRITE, rc);
    sqlite3_exec(db, "PRAGMA synchronous=OFF", NULL, NULL, NULL);
    return db;
}

/* False: the try ends here. */
static bool goes_well(struct foreign_outcome *out, sqlite3 *db, const char *sql) {
    out->code = sqlite3_exec(db, sql, NULL, NULL, NULL);
    if (out->code) snprintf(out->text, sizeof out->text, "%s", sqlite3_errmsg(db));
    return !out->code;
}

static bool says(struct foreign_outcome *out, sqlite3 *db, const char *expected, const char *sql) {
    if (!goes_well(out, db, sql)) return false;
    char *rows = kept(sql_rows(db, "%s", sql));
    bool equal = !strcmp(rows, expected);
    if (!equal) {
        out->wrong = true;
        snprintf(out->text, sizeof out->text, "%s gives %s and not %s", sql, rows, expected);
    }
    return equal;
}

static bool holds_what_it_should(struct foreign_outcome *out, sqlite3 *db, const struct foreign_world *world) {
    if (!goes_well(out, db, "SELECT count(*), sum(length(value)), min(path), max(value) FROM t")) return false;
    char *digest = kept(foreign_digest(db));
    bool equal = digest && !strcmp(digest, world->expected);
    if (!equal) {
        out->wrong = true;
        snprintf(out->text, sizeof out->text, "t holds %s and not %s", digest ? digest : sqlite3_errmsg(db),
                 world->expected);
    }
    return equal;
}

/* Writes a row and what `more` says, and finds it again over a new connection. */
static bool writes(struct foreign_outcome *out, sqlite3 **db, const struct foreign_world *world, const char *more) {
    int rows = atoi(world->expected), rc;
    char expected[64];
    if (!goes_well(out, *db, "INSERT INTO t(path, value) VALUES('path/00700/new', 'n')") || !goes_well(out, *db, more))
        return false;
    sql_close(*db);
    *db = open_tried(world, &rc);
    snprintf(expected, sizeof expected, "%d|n|0\n", rows + 1);
    /* What was forged in T_artstate, or that nobody owns the file, the check may tell, and nothing else. */
    return says(out, *db, expected,
                "SELECT count(*), (SELECT value FROM t WHERE path = 'path/00700/new'), (SELECT count(*) FROM "
                "art_check('t') WHERE problem NOT LIKE 'both owner pages are damaged%' AND "
                "(place IS NULL OR place NOT LIKE '%state%')) FROM t");
}

static int run_trial(void *context) {
    const struct trial *trial = context;
    const struct foreign_world *world = trial->world;
    struct foreign_outcome *out = trial->outcome;
    static const char flush[] = "INSERT INTO t(t) VALUES('flush'); INSERT INTO t(t) VALUES('optimize')";
    if (world->memory && !SANITIZED) limit_memory(world->memory);
    if (world->nobody) give_up_rights();
    sqlite3 *db = open_tried(world, &out->code);
    switch (trial->what) {
    case TRY_READ:
        holds_what_it_should(out, db, world);
        break;
    case TRY_WRITE:
        writes(out, &db, world, "");
        break;
    case TRY_FLUSH:
        writes(out, &db, world, flush);
        break;
    case TRY_CLEAN:
        goes_well(out, db, "INSERT INTO t(t) VALUES('clean')");
        break;
    case TRY_ADOPT:
        if (goes_well(out, db, "INSERT INTO t(t) VALUES('adopt')") && holds_what_it_should(out, db, world)) {
            writes(out, &db, world, flush);
        }
        break;
    default:
        if (goes_well(out, db, "DROP TABLE t")) {
            says(out, db, "0\n", "SELECT count(*) FROM sqlite_schema WHERE name GLOB 't*'");
        }
    }
    sql_close(db);
    return 0;
}

void foreign_try(const struct foreign_world *world, enum foreign_try what, struct foreign_outcome *out) {
    int channel[2];
    *out = (struct foreign_outcome){0};
    if (pipe(channel)) die("cannot make", "a pipe");
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct trial trial = {world, what, out};
        alarm(HANGS);
        run_trial(&trial);
        _exit(write(channel[1], out, sizeof *out) == sizeof *out ? 0 : 1);
    }
    close(channel[1]);
    bool told = read(channel[0], out, sizeof *out) == sizeof *out;
    close(channel[0]);
    int status;
    waitpid(child, &status, 0);
    if (told && WIFEXITED(status) && !WEXITSTATUS(status)) return;
    out->wrong = out->died = true;
    snprintf(out->text, sizeof out->text, "the process ended with status %x", status);
}

/* --- looking at all files ----------------------------------------------------------------------------------------- */

struct seen {
    char *path;
    mode_t mode;
    ino_t inode;
    off_t size;
    struct timespec time;
    uint64_t hash;
};

struct view {
    struct seen *items;
    unsigned count;
};

static uint64_t hash_of(const char *path, const struct stat *status) {
    static char data[1 << 16];
    uint64_t hash = 0;
    if (S_ISLNK(status->st_mode)) {
        ssize_t n = readlink(path, data, sizeof data);
        return art_hash64(data, n > 0 ? (size_t)n : 0);
    }
    int fd = S_ISREG(status->st_mode) && status->st_size < (1 << 26) ? open(path, O_RDONLY | O_NOFOLLOW) : -1;
    for (ssize_t n; fd >= 0 && (n = read(fd, data, sizeof data)) > 0;) hash = hash * 31 + art_hash64(data, (size_t)n);
    if (fd >= 0) close(fd);
    return hash;
}

static void look_below(struct view *view, const char *folder) {
    DIR *list = opendir(folder);
    if (!list) return;
    for (struct dirent *entry; (entry = readdir(list));) {
        struct stat status;
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        char *path = foreign_join(folder, entry->d_name);
        if (lstat(path, &status)) die("cannot look at", path);
        view->items = realloc(view->items, (view->count + 1) * sizeof *view->items);
        bool is_folder = S_ISDIR(status.st_mode);
        view->items[view->count++] = (struct seen){path,
                                                   status.st_mode,
                                                   status.st_ino,
                                                   is_folder ? 0 : status.st_size,
                                                   is_folder ? (struct timespec){0, 0} : status.st_mtim,
                                                   hash_of(path, &status)};
        if (is_folder) look_below(view, path);
    }
    closedir(list);
}

static struct view *look_at_all(const struct foreign_world *world) {
    struct view *view = calloc(1, sizeof *view);
    if (view) look_below(view, world->root);
    return view;
}

static void free_view(struct view *view) {
    for (unsigned i = 0; i < view->count; i++) sqlite3_free(view->items[i].path);
    free(view->items);
    free(view);
}

static const struct seen *find(const struct view *view, const char *path) {
    for (unsigned i = 0; i < view->count; i++) {
        if (!strcmp(view->items[i].path, path)) return &view->items[i];
    }
    return NULL;
}

static bool is_own(const struct foreign_world *world, const char *path) {
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    size_t len = strlen(world->path);
    for (unsigned i = 0; i < sizeof ends / sizeof *ends; i++) {
        if (!strncmp(path, world->path, len) && !strcmp(path + len, ends[i])) return true;
    }
    return (world->file && !strcmp(path, world->file)) || (world->also && !strcmp(path, world->also));
}

static bool may_be_made(const struct foreign_world *world, const char *path) {
    size_t len = strlen(world->path);
    return is_own(world, path) || (!strncmp(path, world->path, len) && path[len] == '-');
}

static bool same(const struct seen *a, const struct seen *b) {
    return a->mode == b->mode && a->inode == b->inode && a->size == b->size && a->hash == b->hash &&
           a->time.tv_sec == b->time.tv_sec && a->time.tv_nsec == b->time.tv_nsec;
}

/* What has changed that must not, or NULL. `own` false: whatever has changed. */
static char *difference(const struct foreign_world *world, const struct view *before, const struct view *after,
                        bool own) {
    for (unsigned i = 0; i < before->count; i++) {
        const struct seen *was = &before->items[i], *is = find(after, was->path);
        if (own && is_own(world, was->path)) continue;
        if (!is) return TEXT("%s is gone", was->path);
        if (!same(was, is)) return TEXT("%s was changed", was->path);
    }
    for (unsigned i = 0; i < after->count; i++) {
        const char *path = after->items[i].path;
        if (find(before, path) || (own && may_be_made(world, path))) continue;
        return TEXT("%s is new", path);
    }
    return NULL;
}

bool foreign_try_harmlessly(const struct foreign_world *world, enum foreign_try what, const char *why,
                            struct foreign_outcome *out) {
    struct view *before = look_at_all(world);
    foreign_try(world, what, out);
    struct view *after = look_at_all(world);
    const char *harm = difference(world, before, after, true);
    ck_assert_msg(!harm, "%s (%s): try %d: %s", why, world->journal, what, harm);
    bool changed = difference(world, before, after, false) != NULL;
    free_view(before);
    free_view(after);
    return changed;
}
