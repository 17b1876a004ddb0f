"""peewee over an art table. Lines beginning with "# -->" are the output.

    python3 recipe_peewee.py [art.so [files.db]]
"""
import sys

from peewee import SQL, FloatField, IntegerField, IntegrityError, TextField
from playhouse.sqlite_ext import JSONField, SqliteExtDatabase, VirtualModel

database = SqliteExtDatabase(sys.argv[2] if len(sys.argv) > 2 else "files.db")
database.load_extension(sys.argv[1] if len(sys.argv) > 1 else "./art.so")  # into each connection that it opens


class File(VirtualModel):
    path = TextField(primary_key=True)
    size = IntegerField(null=True)
    mtime = FloatField(null=True)
    etag = TextField(null=True)
    meta = JSONField(null=True)

    class Meta:
        database = database
        table_name = "files"
        # With extension_module = "art" peewee names the columns itself, without their types.
        extension_module = SQL("art(path, size INTEGER, mtime REAL, etag TEXT, meta)")


row_version = SQL("row_version")  # hidden: read it, compare with it, never write it

database.create_tables([File])

# Many rows: one transaction.
with database.atomic():
    File.insert_many({"path": f"usr/lib/{i:03}.so", "size": i, "etag": "new"} for i in range(100)).execute()
    File.create(path="usr/share/doc/readme", size=7, meta={"lang": "en"})
    File.create(path="usr/share/words", size=9)

# What lies under a prefix: GLOB, or a range of paths ('0' is the character behind '/').
for file in File.select().where(File.path % "usr/share/*").order_by(File.path):
    print(file.path, file.size, file.meta)
# --> usr/share/doc/readme 7 {'lang': 'en'}
# --> usr/share/words 9 None
print(File.select().where((File.path >= "usr/lib/") & (File.path < "usr/lib0")).count())
# --> 100

# One directory level, with the number of files below each directory.
for file in File.raw("SELECT path, size, entries FROM files(?, '/') ORDER BY path LIMIT 1000", "usr/"):
    print(file.path, file.size, file.entries)
# --> usr/lib/ None 100
# --> usr/share/ None 2

# Compare and set: execute() says how many rows there were.
file = File.select(File, row_version).where(File.path == "usr/share/words").get()
print(File.update(size=10).where((File.path == file.path) & (row_version == file.row_version)).execute())
print(File.update(size=11).where((File.path == file.path) & (row_version == file.row_version)).execute())
# --> 1
# --> 0

# Conflicts: an error, or IGNORE or REPLACE. on_conflict(update=...) would be an UPSERT, which SQLite has not here.
with database.atomic():
    try:
        with database.atomic():
            File.create(path="usr/share/words")
    except IntegrityError as error:
        print(error)
    File.insert(path="usr/share/words", size=0).on_conflict_ignore().execute()
    File.replace(path="usr/share/new", size=1).execute()
    print(File.get_or_create(path="usr/share/words")[0].size)
# --> UNIQUE constraint failed: files.path
# --> 10
