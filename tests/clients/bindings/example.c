/* sqlite-art from C, loaded and linked in:
 *
 *     cc example.c -lsqlite3 -o example && ./example art.so <database>
 *     cc -DART_STATIC example.c libart.a -lsqlite3 -luring -lpthread -lm -o example && ./example - <database>
 *
 * Instead of -lsqlite3, a sqlite3.c of one's own.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef ART_STATIC
#include "art.h"
#endif

static sqlite3 *db;

static int failed(const char *what) {
    fprintf(stderr, "%s: %s\n", what, sqlite3_errmsg(db));
    exit(1);
}

static sqlite3_stmt *prepare(const char *sql) {
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL)) failed(sql);
    return statement;
}

static void execute(const char *sql) {
    if (sqlite3_exec(db, sql, NULL, NULL, NULL)) failed(sql);
}

/* Prints the rows of a query that has one parameter, or none (NULL). */
static void print(const char *sql, const char *parameter) {
    sqlite3_stmt *query = prepare(sql);
    if (parameter) sqlite3_bind_text(query, 1, parameter, -1, SQLITE_STATIC);
    while (sqlite3_step(query) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(query); i++) {
            const char *text = (const char *)sqlite3_column_text(query, i);
            printf("%s%s", i > 0 ? " " : "", text ? text : "-");
        }
        puts("");
    }
    if (sqlite3_finalize(query)) failed(sql);
}

static void insert(sqlite3_stmt *statement, const char *path, sqlite3_int64 size, double mtime) {
    sqlite3_bind_text(statement, 1, path, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 2, size);
    sqlite3_bind_double(statement, 3, mtime);
    sqlite3_step(statement);
    if (sqlite3_reset(statement)) failed(path);
}

static int set_etag(const char *etag, sqlite3_int64 version) {
    sqlite3_stmt *update = prepare("UPDATE files SET etag = ? WHERE path = 'photos/index.html' AND row_version = ?");
    sqlite3_bind_text(update, 1, etag, -1, SQLITE_STATIC);
    sqlite3_bind_int64(update, 2, version);
    sqlite3_step(update);
    if (sqlite3_finalize(update)) failed("set_etag");
    return sqlite3_changes(db);
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
#ifdef ART_STATIC
    sqlite3_auto_extension((void (*)(void))sqlite3_art_init); /* once, before the first connection */
    if (sqlite3_open(argv[2], &db)) failed("open");
#else
    char *message = NULL;
    if (sqlite3_open(argv[2], &db)) failed("open");
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, NULL); /* the C function alone, not the SQL one */
    if (sqlite3_load_extension(db, argv[1], NULL, &message)) failed(message);
#endif
    print("SELECT format('SQLite %s, art %s', sqlite_version(), art_version())", NULL);

    execute("CREATE VIRTUAL TABLE files USING art(path, size INTEGER, mtime REAL, etag TEXT)");

    /* Many rows: in one transaction. */
    sqlite3_stmt *statement = prepare("INSERT INTO files(path, size, mtime) VALUES(?, ?, ?)");
    execute("BEGIN");
    for (int i = 0; i < 1000; i++) {
        char path[64];
        snprintf(path, sizeof path, "photos/%d/%04d.jpg", 2023 + i / 250, i);
        insert(statement, path, 1000 * i, 1700000000 + i);
    }
    insert(statement, "photos/[raw]/1.dng", 24000000, 1700001000);
    insert(statement, "photos/index.html", 2048, 1700001001);
    execute("COMMIT");
    execute("INSERT INTO files(files) VALUES('optimize')");
    print("SELECT count(*), 'rows' FROM files", NULL);

    /* A prefix, as a pattern and as it is. */
    print("SELECT path, size, typeof(mtime) FROM files WHERE path GLOB ? ORDER BY path LIMIT 2", "photos/2025/*");
    print("SELECT path, size FROM files(?)", "photos/[raw]/");

    /* One level of the tree: a row for each file, and one for each directory with the number of files below it. */
    print("SELECT path, entries FROM files(?, '/')", "photos/");

    /* Compare and set: only who knows the row as it is may change it. */
    sqlite3_stmt *query = prepare("SELECT row_version FROM files WHERE path = 'photos/index.html'");
    sqlite3_step(query);
    sqlite3_int64 version = sqlite3_column_int64(query, 0);
    sqlite3_finalize(query);
    int first = set_etag("e1", version);
    printf("etag set: %d, with the old version: %d\n", first, set_etag("e2", version));

    sqlite3_bind_text(statement, 1, "photos/index.html", -1, SQLITE_STATIC);
    if (sqlite3_step(statement) == SQLITE_CONSTRAINT) puts(sqlite3_errmsg(db));
    sqlite3_reset(statement);
    sqlite3_bind_blob(statement, 1, "photos/index.html", 17, SQLITE_STATIC);
    if (sqlite3_step(statement) == SQLITE_MISMATCH) puts(sqlite3_errmsg(db));
    sqlite3_finalize(statement);
    return sqlite3_close(db) ? failed("close") : 0;
}
