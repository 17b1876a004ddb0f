"""SQLAlchemy over an art table. Lines beginning with "# -->" are the output.

    python3 recipe_sqlalchemy.py [art.so [files.db]]
"""
import sys

from sqlalchemy import JSON, Column, FetchedValue, Float, Integer, MetaData, Table, Text
from sqlalchemy import create_engine, event, inspect, select, text
from sqlalchemy.orm import Session, declarative_base
from sqlalchemy.orm.exc import StaleDataError

extension = sys.argv[1] if len(sys.argv) > 1 else "./art.so"
engine = create_engine("sqlite:///" + (sys.argv[2] if len(sys.argv) > 2 else "files.db"), future=True)


@event.listens_for(engine, "connect")
def load_art(connection, record):
    connection.enable_load_extension(True)
    connection.load_extension(extension)
    connection.enable_load_extension(False)
    connection.isolation_level = None  # with the listener below: transactions and savepoints begin where they say so


@event.listens_for(engine, "begin")
def begin(connection):
    connection.exec_driver_sql("BEGIN")


class File(declarative_base()):
    __tablename__ = "files"
    __table_args__ = {"implicit_returning": False}
    path = Column(Text, primary_key=True)
    size = Column(Integer)
    mtime = Column(Float)
    etag = Column(Text)
    meta = Column(JSON)
    version = Column("row_version", Integer, FetchedValue(), server_onupdate=FetchedValue())  # hidden: read it alone
    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}


with engine.begin() as connection:  # before create_all(), which would make an ordinary table
    connection.exec_driver_sql("CREATE VIRTUAL TABLE files USING art(path, size INTEGER, mtime REAL, etag TEXT, meta)")

# Many rows: one transaction.
with Session(engine) as session, session.begin():
    session.add_all(File(path=f"usr/lib/{i:03}.so", size=i, etag="new") for i in range(100))
    session.add(File(path="usr/share/doc/readme", size=7, meta={"lang": "en"}))
    session.add(File(path="usr/share/words", size=9))

# What lies under a prefix: a range of paths. '0' is the character behind '/'.
with Session(engine) as session:
    below = (File.path >= "usr/share/") & (File.path < "usr/share0")
    for file in session.scalars(select(File).where(below).order_by(File.path)):
        print(file.path, file.size, file.meta)
# --> usr/share/doc/readme 7 {'lang': 'en'}
# --> usr/share/words 9 None

# One directory level, with the number of files below each directory.
level = text("SELECT path, size, entries FROM files(:prefix, '/') ORDER BY path LIMIT 1000")
with engine.connect() as connection:
    for row in connection.execute(level, {"prefix": "usr/"}):
        print(*row)
# --> usr/lib/ None 100
# --> usr/share/ None 2

# Compare and set: the mapper adds "AND row_version = ?" and counts the rows. (Without expire_on_commit=False it would
# look again before it writes. The commits end the reads: nobody can write in a snapshot that has grown old.)
with Session(engine, expire_on_commit=False) as mine, Session(engine, expire_on_commit=False) as theirs:
    file, same = mine.get(File, "usr/share/words"), theirs.get(File, "usr/share/words")
    mine.commit(), theirs.commit()
    file.size, same.size = 10, 11
    theirs.commit()
    try:
        mine.commit()
    except StaleDataError:
        mine.rollback()
        print("somebody else was first:", file.size)
# --> somebody else was first: 11

# Reflection. Hide the shadow tables by their names.
mirror = MetaData()
mirror.reflect(engine, only=lambda name, _: not name.endswith(("_artdata", "_artstate")))
print(*mirror.tables, [column["name"] for column in inspect(engine).get_columns("files")])
print(Table("files", mirror).primary_key.columns.keys(), repr(Table("files", mirror).c.size.type))
# --> files ['path', 'size', 'mtime', 'etag', 'meta']
# --> ['path'] INTEGER()
