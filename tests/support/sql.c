#include "tests/support/sql.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/random.h"

static void die(sqlite3 *db, const char *what, const char *text) __attribute__((noreturn));

static void die(sqlite3 *db, const char *what, const char *text) {
    fflush(stdout);
    fprintf(stderr, "sql: %s: %s (%d)\n     %.2000s\n", what, db ? sqlite3_errmsg(db) : "no connection",
            db ? sqlite3_extended_errcode(db) : 0, text);
    fflush(stderr);
    abort();
}

static char **texts;
static size_t text_count;

void kept_clear(void) {
    while (text_count) sqlite3_free(texts[--text_count]);
    free(texts);
    texts = NULL;
}

char *kept(char *text) {
    static bool cleared_at_exit;
    bool full = !(text_count & (text_count + 1)); /* at 0, 1, 3, 7 ... */
    if (!cleared_at_exit) cleared_at_exit = !atexit(kept_clear);
    if (full) texts = realloc(texts, 2 * (text_count + 1) * sizeof *texts);
    if (!texts) abort();
    return texts[text_count++] = text;
}

static void say_way(const char *variable, const char *value) {
    if (value) setenv(variable, value, 1);
    if (!value) unsetenv(variable);
}

void sql_ways(const char *io, const char *direct) {
    say_way("ART_IO", io);
    say_way("ART_DIRECT", direct);
}

bool sql_inline(void) {
    const char *general = getenv("ART_TABLE_OPTIONS");
    return general && strstr(general, "storage=inline");
}

bool sql_has_no_file(const char *test) {
    if (!sql_inline()) return false;
    printf("SKIPPED %s: storage=inline has no file\n", test);
    fflush(stdout);
    return true;
}

static sqlite3 *open_plain(const char *path, int flags) {
    sqlite3 *db = NULL;
    if (sqlite3_open_v2(path, &db, flags, NULL) != SQLITE_OK) die(db, "cannot open", path);
    sqlite3_extended_result_codes(db, 1);
    return db;
}

sqlite3 *sql_open_flags(const char *path, int flags) {
    sqlite3 *db = open_plain(path, flags);
    sql_register(db);
    return db;
}

void sql_register(sqlite3 *db) {
    const char *extension = getenv("ART_EXTENSION");
    if (!extension || !*extension) extension = "./art.so";
    if (!strcmp(extension, "linked")) return;
    sqlite3_enable_load_extension(db, 1);
    char *message = NULL;
    if (sqlite3_load_extension(db, extension, NULL, &message) != SQLITE_OK) {
        die(db, "cannot load the extension", message ? message : extension);
    }
}

enum { USUAL = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI };

sqlite3 *sql_open(const char *path) {
    return sql_open_flags(path, USUAL);
}

sqlite3 *sql_open_as(const char *path, bool art) {
    return art ? sql_open(path) : open_plain(path, USUAL);
}

void sql_close(sqlite3 *db) {
    if (db && sqlite3_close(db) != SQLITE_OK) die(db, "cannot close", "sqlite3_close");
}

char *sql_create_text(const char *table, const char *options) {
    const char *general = getenv("ART_TABLE_OPTIONS");
    if (!general || strstr(options, "storage=")) general = "";
    const char *between = *options && *general ? ", " : "";
    if (!*options && !*general) return sqlite3_mprintf("CREATE VIRTUAL TABLE %s USING art", table);
    return sqlite3_mprintf("CREATE VIRTUAL TABLE %s USING art(%s%s%s)", table, options, between, general);
}

void sql_create(sqlite3 *db, const char *table, const char *options) {
    char *text = sql_create_text(table, options);
    sql_run(db, "%s", text);
    sqlite3_free(text);
}

int sql_try(sqlite3 *db, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = sqlite3_vmprintf(format, args);
    va_end(args);
    int rc = sqlite3_exec(db, text, NULL, NULL, NULL);
    sqlite3_free(text);
    return rc;
}

/* Statements that make tables with other options of their own, and say nothing of storage, get the general ones, too.
 * Takes the text. */
static char *with_general_options(char *text) {
    static const char using[] = "USING art(";
    const char *general = getenv("ART_TABLE_OPTIONS"), *at = text, *next;
    if (!general || !*general || !(next = strstr(text, using)) || strstr(text, "storage") || strstr(text, general))
        return text;
    sqlite3_str *out = sqlite3_str_new(NULL);
    for (; next; next = strstr(at, using)) {
        next += strlen(using);
        sqlite3_str_appendf(out, "%.*s%s, ", (int)(next - at), at, general);
        at = next;
    }
    sqlite3_str_appendall(out, at);
    sqlite3_free(text);
    return sqlite3_str_finish(out);
}

void sql_run(sqlite3 *db, const char *format, ...) {
    va_list args;
    va_start(args, format);
    sql_vrun(db, format, args);
    va_end(args);
}

void sql_vrun(sqlite3 *db, const char *format, va_list args) {
    char *text = with_general_options(sqlite3_vmprintf(format, args));
    if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK) die(db, "statement failed", text);
    sqlite3_free(text);
}

void sql_command(sqlite3 *db, const char *schema, const char *table, const char *command) {
    sql_run(db, "INSERT INTO \"%w\".\"%w\"(\"%w\") VALUES(%Q)", schema, table, table, command);
}

static struct {
    int answer, action;
    const char *first, *second;
} forbidden;

static bool is_meant(const char *name, const char *meant) {
    return !meant || (name && !sqlite3_stricmp(name, meant));
}

static int authorize(void *unused, int action, const char *first, const char *second, const char *schema,
                     const char *inside) {
    bool meant = action == forbidden.action && is_meant(first, forbidden.first) && is_meant(second, forbidden.second);
    return meant ? forbidden.answer : SQLITE_OK;
}

void sql_forbid(sqlite3 *db, int answer, int action, const char *first, const char *second) {
    forbidden.answer = answer;
    forbidden.action = action;
    forbidden.first = first;
    forbidden.second = second;
    sqlite3_set_authorizer(db, answer ? authorize : NULL, NULL);
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *format, va_list args) {
    char *text = sqlite3_vmprintf(format, args);
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v3(db, text, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) != SQLITE_OK) {
        die(db, "cannot prepare", text);
    }
    sqlite3_free(text);
    return statement;
}

bool sql_is_undecided(sqlite3 *db) {
    return sqlite3_errcode(db) == SQLITE_ERROR && strstr(sqlite3_errmsg(db), "as a text or as a number");
}

sqlite3_stmt *sql_prepare(sqlite3 *db, const char *format, ...) {
    va_list args;
    va_start(args, format);
    sqlite3_stmt *statement = prepare(db, format, args);
    va_end(args);
    return statement;
}

sqlite3_stmt *sql_first_row(sqlite3 *db, const char *format, ...) {
    va_list args;
    va_start(args, format);
    sqlite3_stmt *statement = prepare(db, format, args);
    va_end(args);
    if (sqlite3_step(statement) != SQLITE_ROW) die(db, "no row", sqlite3_sql(statement));
    return statement;
}

int sql_steps(sqlite3_stmt *statement) {
    while (sqlite3_step(statement) == SQLITE_ROW) continue;
    int steps = sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, 0);
    if (sqlite3_reset(statement)) die(sqlite3_db_handle(statement), "query failed", sqlite3_sql(statement));
    sqlite3_finalize(statement);
    return steps;
}

int64_t sql_int(sqlite3 *db, const char *format, ...) {
    va_list args;
    va_start(args, format);
    sqlite3_stmt *statement = prepare(db, format, args);
    va_end(args);
    int rc = sqlite3_step(statement);
    int64_t result = rc == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) die(db, "query failed", sqlite3_sql(statement));
    sqlite3_finalize(statement);
    return result;
}

int64_t sql_info(sqlite3 *db, const char *property) {
    return sql_int(db,
                   "SELECT value FROM (SELECT * FROM art_debug('t') UNION ALL SELECT * FROM art_info('t')) WHERE "
                   "property = %Q",
                   property);
}

static void draw(sqlite3_context *context, int argc, sqlite3_value **argv) {
    struct random *random = sqlite3_user_data(context);
    sqlite3_result_int(context, (int)random_below(random, (uint32_t)sqlite3_value_int(argv[0])));
}

void sql_lend_draw(sqlite3 *db, struct random *random) {
    sqlite3_create_function(db, "draw", 1, SQLITE_UTF8, random, draw, NULL, NULL);
}

int sql_compare_bytes(void *unused, int a, const void *left, int b, const void *right) {
    return memcmp(left, right, (size_t)(a < b ? a : b));
}

int64_t sql_sum_in(sqlite3 *db, const char *snapshot) {
    return sql_int(db, "SELECT sum(value) FROM t WHERE snapshot = %Q", snapshot);
}

bool sql_state_has(sqlite3 *db, const char *key) {
    return sql_int(db, "SELECT count(*) FROM t_artstate WHERE k = %Q", key);
}

void sql_snapshot(sqlite3 *db, const char *name) {
    sql_run(db, "INSERT INTO t(t, snapshot) VALUES('snapshot', %Q)", name);
}

void sql_snapshot_drop(sqlite3 *db, const char *name) {
    sql_run(db, "INSERT INTO t(t, snapshot) VALUES('drop snapshot', %Q)", name);
}

static uint64_t hash_bytes(const uint8_t *data, int len) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (int i = 0; i < len; i++) hash = (hash ^ data[i]) * 0x100000001b3u;
    return hash;
}

static void append_bytes(sqlite3_str *out, const uint8_t *data, int len) {
    for (int i = 0; i < len; i++) {
        if (data[i] < 0x20 || data[i] == 0x7f || data[i] == '\\') {
            sqlite3_str_appendf(out, "\\%02x", data[i]);
        } else {
            sqlite3_str_appendchar(out, 1, (char)data[i]);
        }
    }
}

void sql_append_value(sqlite3_str *out, sqlite3_stmt *statement, int column) {
    int type = sqlite3_column_type(statement, column);
    switch (type) {
    case SQLITE_NULL:
        sqlite3_str_appendall(out, "NULL");
        return;
    case SQLITE_INTEGER:
        sqlite3_str_appendf(out, "%lld", sqlite3_column_int64(statement, column));
        return;
    case SQLITE_FLOAT:
        sqlite3_str_appendf(out, "%!.17g", sqlite3_column_double(statement, column));
        return;
    }
    bool text = type == SQLITE_TEXT;
    const uint8_t *data = text ? sqlite3_column_text(statement, column) : sqlite3_column_blob(statement, column);
    int len = sqlite3_column_bytes(statement, column);
    if (len > 100) {
        sqlite3_str_appendf(out, "%s of %d bytes, hash %016llx", text ? "text" : "blob", len,
                            (unsigned long long)hash_bytes(data, len));
    } else if (text) {
        sqlite3_str_appendchar(out, 1, '\'');
        append_bytes(out, data, len);
        sqlite3_str_appendchar(out, 1, '\'');
    } else {
        sqlite3_str_appendall(out, "x'");
        for (int i = 0; i < len; i++) sqlite3_str_appendf(out, "%02x", data[i]);
        sqlite3_str_appendchar(out, 1, '\'');
    }
}

char *sql_rows(sqlite3 *db, const char *format, ...) {
    va_list args;
    va_start(args, format);
    sqlite3_stmt *statement = prepare(db, format, args);
    va_end(args);
    sqlite3_str *out = sqlite3_str_new(NULL);
    int rc;
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            if (i) sqlite3_str_appendchar(out, 1, '|');
            const char *text = (const char *)sqlite3_column_text(statement, i);
            sqlite3_str_appendall(out, text ? text : "");
        }
        sqlite3_str_appendchar(out, 1, '\n');
    }
    if (rc != SQLITE_DONE) die(db, "query failed", sqlite3_sql(statement));
    sqlite3_finalize(statement);
    char *text = sqlite3_str_finish(out);
    return text ? text : sqlite3_mprintf("");
}

char *sql_answer(sqlite3_stmt *statement) {
    sqlite3_str *out = sqlite3_str_new(NULL);
    int rc, columns = sqlite3_column_count(statement);
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
        for (int i = 0; i < columns; i++) {
            sql_append_value(out, statement, i);
            sqlite3_str_appendall(out, i + 1 < columns ? " " : "\n");
        }
    }
    if (rc != SQLITE_DONE) {
        sqlite3_str_appendf(out, "error %d: %s", rc, sqlite3_errmsg(sqlite3_db_handle(statement)));
    }
    sqlite3_reset(statement);
    char *text = sqlite3_str_finish(out);
    return text ? text : sqlite3_mprintf("");
}

char *sql_answer_to(sqlite3 *db, const char *query) {
    sqlite3_stmt *statement = sql_prepare(db, "%s", query);
    char *rows = kept(sql_answer(statement));
    sqlite3_finalize(statement);
    return rows;
}

static const char *temporary_folder(void) {
    const char *given = getenv("TMPDIR");
    return given && *given ? given : "/tmp";
}

/* Its name is of any length: what takes a message, or a path, has room for it. */
static char *scratch_below(const char *folder, const char *name) {
    int zeros = (int)(random_seed() % 120);
    char *directory = sqlite3_mprintf("%s/%s-%0*d-XXXXXX", folder, name, zeros, 0);
    if (!mkdtemp(directory)) die(NULL, "cannot make a directory", directory);
    return directory;
}

char *sql_scratch(const char *name) {
    return scratch_below(temporary_folder(), name);
}

bool sql_reached_by_others(const char *directory) {
    char *real = realpath(directory, NULL);
    bool open = real != NULL;
    for (char *end = real; open && (end = strchr(end + 1, '/'));) {
        struct stat status;
        *end = 0;
        open = !stat(real, &status) && status.st_mode & S_IXOTH;
        *end = '/';
    }
    free(real);
    return open;
}

char *sql_scratch_for_others(const char *name) {
    static const char *const folders[] = {"/var/tmp", "/tmp"};
    char *directory = sql_scratch(name);
    for (unsigned i = 0; i < 2 && geteuid() == 0 && !sql_reached_by_others(directory); i++) {
        if (access(folders[i], W_OK | X_OK)) continue;
        rmdir(directory);
        sqlite3_free(directory);
        directory = scratch_below(folders[i], name);
    }
    return directory;
}

void sql_scratch_remove(const char *directory) {
    DIR *list = opendir(directory);
    if (!list) return;
    for (struct dirent *entry; (entry = readdir(list));) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        char *path = sqlite3_mprintf("%s/%s", directory, entry->d_name);
        if (unlink(path)) { /* a folder */
            chmod(path, 0755);
            sql_scratch_remove(path);
        }
        sqlite3_free(path);
    }
    closedir(list);
    rmdir(directory);
}

char *sql_find_file(const char *directory, const char *suffix) {
    DIR *list = opendir(directory);
    char *found = NULL;
    if (!list) return NULL;
    for (struct dirent *entry; !found && (entry = readdir(list));) {
        size_t len = strlen(entry->d_name), wanted = strlen(suffix);
        if (len >= wanted && !strcmp(entry->d_name + len - wanted, suffix)) {
            found = sqlite3_mprintf("%s/%s", directory, entry->d_name);
        }
    }
    closedir(list);
    return found;
}

int64_t sql_file_size(const char *directory, const char *suffix) {
    struct stat now;
    char *file = sql_find_file(directory, suffix);
    if (!file || stat(file, &now)) die(NULL, "no file to look at", suffix);
    sqlite3_free(file);
    return now.st_size;
}

void sql_copy_file(const char *from, const char *to) {
    static char data[65536];
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    if (!in || !out) die(NULL, "cannot copy", from);
    for (size_t n; (n = fread(data, 1, sizeof data, in)) > 0;) {
        if (fwrite(data, 1, n, out) != n) die(NULL, "cannot copy", from);
    }
    if (ferror(in) || fclose(out)) die(NULL, "cannot copy", from);
    fclose(in);
}
