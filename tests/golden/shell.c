/* SQLite's shell, as far as tests/golden/make needs it, for platforms that have none (elsewhere compiles it).
 *
 *     shell DATABASE < SCRIPT     rows with | between columns; it ends with the first error
 *
 *     .load FILE                  nothing, where the extension is linked in (-DSHELL_STATIC)
 *     .output FILE, .output       where rows go from here on
 *     .bail on                    as it is in any case
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef SHELL_STATIC
int sqlite3_art_init(sqlite3 *db, char **message, const struct sqlite3_api_routines *api);
#endif

static sqlite3 *db;
static FILE *out;

static void give_up(const char *what, const char *why) {
    fprintf(stderr, "%.300s: %s\n", what, why);
    exit(1);
}

static void run(const char *sql) {
    while (*sql) {
        sqlite3_stmt *statement = NULL;
        const char *rest = sql;
        if (sqlite3_prepare_v2(db, sql, -1, &statement, &rest)) give_up(sql, sqlite3_errmsg(db));
        while (sqlite3_step(statement) == SQLITE_ROW) {
            for (int i = 0; i < sqlite3_column_count(statement); i++) {
                const char *value = (const char *)sqlite3_column_text(statement, i);
                fprintf(out, "%s%s", i ? "|" : "", value ? value : "");
            }
            fputc('\n', out);
        }
        if (sqlite3_finalize(statement)) give_up(sql, sqlite3_errmsg(db));
        sql = rest;
    }
}

static void load(const char *file) {
#ifdef SHELL_STATIC
    (void)file;
    if (sqlite3_art_init(db, NULL, NULL)) give_up("the extension", "it cannot be initialised");
#else
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, NULL);
    char *message = NULL;
    if (sqlite3_load_extension(db, file, NULL, &message)) give_up(file, message ? message : "it cannot be loaded");
#endif
}

/* In binary mode: rows are compared byte by byte. */
static void output(const char *file) {
    if (out != stdout) fclose(out);
    out = *file ? fopen(file, "wb") : stdout;
    if (!out) give_up(file, "it cannot be written");
}

static void command(char *line) {
    if (!strncmp(line, ".load ", 6)) {
        load(line + 6);
    } else if (!strncmp(line, ".output", 7)) {
        output(line[7] ? line + 8 : "");
    } else if (strcmp(line, ".bail on") != 0) {
        give_up(line, "there is no such command here");
    }
}

/* The script; a text that ends with 0. */
static char *read_all(void) {
    size_t len = 0, room = 1 << 16, n;
    char *text = malloc(room);
    while (text && (n = fread(text + len, 1, room - len - 1, stdin)) > 0) {
        len += n;
        if (len + 1 == room) text = realloc(text, room *= 2);
    }
    if (!text) give_up("the script", "no memory");
    text[len] = 0;
    return text;
}

int main(int count, char **arguments) {
    out = stdout;
    if (count != 2 || sqlite3_open(arguments[1], &db)) give_up("shell DATABASE", "it cannot be opened");
    char *script = read_all(), *begin = script;
    for (char *line = script, *end; *line; line = end) {
        end = strchr(line, '\n');
        end = end ? end + 1 : line + strlen(line);
        if (line != begin || *line != '.') {
            char after = *end;
            *end = 0;
            if (sqlite3_complete(begin)) {
                run(begin);
                begin = end;
            }
            *end = after;
        } else {
            line[strcspn(line, "\r\n")] = 0;
            command(line);
            begin = end;
        }
    }
    if (strspn(begin, " \r\n") != strlen(begin)) give_up(begin, "it does not end");
    output("");
    free(script);
    return sqlite3_close(db) != SQLITE_OK;
}
