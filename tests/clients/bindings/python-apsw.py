"""sqlite-art from Python's apsw: python-apsw.py <art.so> <database>"""
import sys

import apsw

extension, database = sys.argv[1:]
db = apsw.Connection(database)
db.enableloadextension(True)
db.loadextension(extension)
db.enableloadextension(False)
print("SQLite {}, art {}".format(*db.execute("SELECT sqlite_version(), art_version()").fetchone()))

db.execute("CREATE VIRTUAL TABLE files USING art(path, size INTEGER, mtime REAL, etag TEXT)")

# Many rows: in one transaction, which is a savepoint here.
insert = "INSERT INTO files(path, size, mtime) VALUES(?, ?, ?)"
with db:
    db.executemany(insert, ((f"photos/{2023 + i // 250}/{i:04}.jpg", 1000 * i, 1700000000 + i) for i in range(1000)))
    db.execute(insert, ("photos/[raw]/1.dng", 24000000, 1700001000))
    db.execute(insert, ("photos/index.html", 2048, 1700001001))
db.execute("INSERT INTO files(files) VALUES('optimize')")
print(db.execute("SELECT count(*) FROM files").fetchone()[0], "rows")

# A prefix, as a pattern and as it is.
query = "SELECT path, size, typeof(mtime) FROM files WHERE path GLOB ? ORDER BY path LIMIT 2"
for path, size, kind in db.execute(query, ("photos/2025/*",)):
    print(path, size, kind)
for path, size in db.execute("SELECT path, size FROM files(?)", ("photos/[raw]/",)):
    print(path, size)

# One level of the tree: a row for each file, and one for each directory with the number of files below it.
for path, entries in db.execute("SELECT path, entries FROM files(?, '/')", ("photos/",)):
    print(path, "-" if entries is None else entries)

# Compare and set: only who knows the row as it is may change it.
[version] = db.execute("SELECT row_version FROM files WHERE path = 'photos/index.html'").fetchone()
update = "UPDATE files SET etag = ? WHERE path = 'photos/index.html' AND row_version = ?"
db.execute(update, ("e1", version))
first = db.changes()
db.execute(update, ("e2", version))
second = db.changes()
print(f"etag set: {first}, with the old version: {second}")

for value in ("photos/index.html", b"photos/index.html"):
    try:
        db.execute(insert, (value, 1, 1))
    except apsw.Error as error:
        print(str(error).partition(": ")[2])  # behind the name of the code
db.close()
