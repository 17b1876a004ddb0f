"""sqlite-utils' Python API over an art table. Lines beginning with "# -->" are the output.

    python3 recipe_sqlite_utils.py [art.so [files.db]]
"""
import sys

from sqlite_utils import Database

db = Database(sys.argv[2] if len(sys.argv) > 2 else "files.db")
db.conn.enable_load_extension(True)
db.conn.load_extension(sys.argv[1] if len(sys.argv) > 1 else "./art.so")
db.conn.enable_load_extension(False)

db.execute("CREATE VIRTUAL TABLE files USING art(path, size INTEGER, mtime REAL, etag TEXT, meta)")
files = db["files"]

# Many rows in one transaction. insert_all() and upsert_all() make one for each batch of 100, and 999 values at most.
with db.conn:
    rows = ((f"usr/lib/{i:03}.so", i) for i in range(100))
    db.conn.executemany("INSERT INTO files(path, size, etag) VALUES(?, ?, 'new')", rows)
files.insert({"path": "usr/share/doc/readme", "size": 7, "meta": {"lang": "en"}}, pk="path")
files.upsert({"path": "usr/share/words", "size": 9}, pk="path")

# What lies under a prefix.
for row in files.rows_where("path GLOB ?", ["usr/share/*"], order_by="path"):
    print(row["path"], row["size"], row["meta"])
# --> usr/share/doc/readme 7 {"lang": "en"}
# --> usr/share/words 9 None

# One directory level, with the number of files below each directory.
for row in db.query("SELECT path, size, entries FROM files(?, '/') ORDER BY path LIMIT 1000", ["usr/"]):
    print(*row.values())
# --> usr/lib/ None 100
# --> usr/share/ None 2

# Compare and set.
with db.conn:
    (version,) = db.execute("SELECT row_version FROM files WHERE path = ?", ["usr/share/words"]).fetchone()
    update = "UPDATE files SET size = ? WHERE path = 'usr/share/words' AND row_version = ?"
    print(db.execute(update, [10, version]).rowcount)
with db.conn:
    print(db.execute(update, [11, version]).rowcount)
# --> 1
# --> 0

print(files.get("usr/share/words")["size"], files.pks, files.virtual_table_using,
      {name: type.__name__ for name, type in files.columns_dict.items()})
# --> 10 ['path'] ART {'path': 'str', 'size': 'int', 'mtime': 'float', 'etag': 'str', 'meta': 'str'}

# Tables without the shadow tables.
print([name for name in db.table_names() if not name.endswith(("_artdata", "_artstate"))])
# --> ['files']
