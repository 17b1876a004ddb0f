// sqlite-art from C++'s SQLiteCpp: c++ example.cpp -lSQLiteCpp -lsqlite3 -o example && ./example <art.so> <database>
#include <SQLiteCpp/SQLiteCpp.h>
#include <SQLiteCpp/VariadicBind.h>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <string>

static void insert(SQLite::Statement &statement, const std::string &path, int64_t size, double mtime) {
    SQLite::bind(statement, path, size, mtime);
    statement.exec();
    statement.reset();
}

int main(int, char **argv) {
    SQLite::Database db(argv[2], SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    db.loadExtension(argv[1], nullptr);
    SQLite::Statement versions(db, "SELECT sqlite_version(), art_version()");
    versions.executeStep();
    std::cout << "SQLite " << versions.getColumn(0) << ", art " << versions.getColumn(1) << '\n';

    db.exec("CREATE VIRTUAL TABLE files USING art(path, size INTEGER, mtime REAL, etag TEXT)");

    // Many rows: in one transaction.
    SQLite::Statement statement(db, "INSERT INTO files(path, size, mtime) VALUES(?, ?, ?)");
    SQLite::Transaction transaction(db);
    for (int i = 0; i < 1000; i++) {
        char path[64];
        std::snprintf(path, sizeof path, "photos/%d/%04d.jpg", 2023 + i / 250, i);
        insert(statement, path, 1000 * i, 1700000000 + i);
    }
    insert(statement, "photos/[raw]/1.dng", 24000000, 1700001000);
    insert(statement, "photos/index.html", 2048, 1700001001);
    transaction.commit();
    db.exec("INSERT INTO files(files) VALUES('optimize')");
    std::cout << db.execAndGet("SELECT count(*) FROM files") << " rows\n";

    // A prefix, as a pattern and as it is.
    SQLite::Statement glob(db, "SELECT path, size, typeof(mtime) FROM files WHERE path GLOB ? ORDER BY path LIMIT 2");
    SQLite::bind(glob, "photos/2025/*");
    while (glob.executeStep())
        std::cout << glob.getColumn(0) << ' ' << glob.getColumn(1) << ' ' << glob.getColumn(2) << '\n';
    SQLite::Statement below(db, "SELECT path, size FROM files(?)");
    SQLite::bind(below, "photos/[raw]/");
    while (below.executeStep()) std::cout << below.getColumn(0) << ' ' << below.getColumn(1) << '\n';

    // One level of the tree: a row for each file, and one for each directory with the number of files below it.
    SQLite::Statement level(db, "SELECT path, entries FROM files(?, '/')");
    SQLite::bind(level, "photos/");
    while (level.executeStep()) {
        std::cout << level.getColumn(0) << ' ' << (level.isColumnNull(1) ? "-" : level.getColumn(1).getString()) << '\n';
    }

    // Compare and set: only who knows the row as it is may change it.
    const int64_t version = db.execAndGet("SELECT row_version FROM files WHERE path = 'photos/index.html'").getInt64();
    int changes[2];
    for (int i = 0; i < 2; i++) {
        SQLite::Statement update(db, "UPDATE files SET etag = ? WHERE path = 'photos/index.html' AND row_version = ?");
        SQLite::bind(update, i ? "e2" : "e1", version);
        changes[i] = update.exec();
    }
    std::cout << "etag set: " << changes[0] << ", with the old version: " << changes[1] << '\n';

    for (bool blob : {false, true}) {
        try {
            SQLite::Statement again(db, "INSERT INTO files(path) VALUES(?)");
            if (blob) {
                again.bind(1, static_cast<const void *>("photos/index.html"), 17);
            } else {
                again.bind(1, "photos/index.html");
            }
            again.exec();
        } catch (const SQLite::Exception &error) {
            std::cout << error.what() << '\n';
        }
    }
}
