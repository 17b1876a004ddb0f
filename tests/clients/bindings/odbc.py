"""sqlite-art through ODBC, here from Python's pyodbc: odbc.py <art.so> <database>

Any program that speaks ODBC gives the same connection string: LoadExt= does it.
"""
import re
import sys

import pyodbc

extension, database = sys.argv[1:]
db = pyodbc.connect(f"Driver=SQLite3;Database={database};LoadExt={extension};BigInt=yes", autocommit=True)
print("SQLite {}, art {}".format(*db.execute("SELECT sqlite_version(), art_version()").fetchone()))

db.execute("CREATE VIRTUAL TABLE files USING art(path, size INTEGER, mtime REAL, etag TEXT)")

# Many rows: in one transaction.
insert = "INSERT INTO files(path, size, mtime) VALUES(?, ?, ?)"
db.autocommit = False
for i in range(1000):
    db.execute(insert, (f"photos/{2023 + i // 250}/{i:04}.jpg", 1000 * i, 1700000000 + i))
db.execute(insert, ("photos/[raw]/1.dng", 24000000, 1700001000))
db.execute(insert, ("photos/index.html", 2048, 1700001001))
db.commit()
db.autocommit = True
db.execute("INSERT INTO files(files) VALUES('optimize')")
print(db.execute("SELECT count(*) FROM files").fetchval(), "rows")

# A prefix, as a pattern and as it is.
query = "SELECT path, size, typeof(mtime) FROM files WHERE path GLOB ? ORDER BY path LIMIT 2"
for path, size, kind in db.execute(query, "photos/2025/*"):
    print(path, size, kind)
for path, size in db.execute("SELECT path, size FROM files(?)", "photos/[raw]/"):
    print(path, size)

# One level of the tree: a row for each file, and one for each directory with the number of files below it.
for path, entries in db.execute("SELECT path, entries FROM files(?, '/')", "photos/"):
    print(path, "-" if entries is None else entries)

# Compare and set: only who knows the row as it is may change it.
version = db.execute("SELECT row_version FROM files WHERE path = 'photos/index.html'").fetchval()
update = "UPDATE files SET etag = ? WHERE path = 'photos/index.html' AND row_version = ?"
first = db.execute(update, "e1", version).rowcount
second = db.execute(update, "e2", version).rowcount
print(f"etag set: {first}, with the old version: {second}")

for value in ("photos/index.html", b"photos/index.html"):
    try:
        db.execute(insert, value, 1, 1)
    except pyodbc.Error as error:
        print(re.fullmatch(r"\[HY000\] \[SQLite\](.*?)( \(\w+\))*", error.args[1])[1])
db.close()
