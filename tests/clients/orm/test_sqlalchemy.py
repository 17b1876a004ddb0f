"""SQLAlchemy over an art table: reflection, what its filters become, the unit of work, and what does not work."""
import concurrent.futures
import contextlib
import sqlite3
import unittest

import sqlalchemy
from sqlalchemy import JSON, Column, FetchedValue, Float, Integer, MetaData, Table, Text, and_, create_engine, delete
from sqlalchemy import event, func, insert, inspect, select, text, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.ext.automap import automap_base
from sqlalchemy.orm import Session, declarative_base
from sqlalchemy.orm.exc import StaleDataError

import twins

Base = declarative_base()


class Columns:
    path = Column(Text, primary_key=True)
    size = Column(Integer)
    mtime = Column(Float)
    etag = Column(Text)
    meta = Column(JSON)


class Plain(Columns, Base):
    __tablename__ = "plain"


class File(Columns, Base):
    __tablename__ = "files"


class Versioned(declarative_base()):
    __tablename__ = "files"
    __table_args__ = {"implicit_returning": False}
    path = Column(Text, primary_key=True)
    size = Column(Integer)
    version = Column("row_version", Integer, FetchedValue(), server_onupdate=FetchedValue())
    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}


# Name, condition, and whether it finds its place in the tree. None: the plan does not tell, the pattern does.
FILTERS = [
    ("==", lambda m: m.path == "a/b/c", True),
    ("in_", lambda m: m.path.in_(["a/b/c", "a/b/d", "nothing"]), True),
    ("range", lambda m: and_(m.path >= "a/", m.path < "a0"), True),
    ("between", lambda m: m.path.between("a/b", "a/c"), True),
    (">", lambda m: m.path > "bulk/6", True),
    ("GLOB", lambda m: m.path.op("GLOB")("a/*"), True),
    ("GLOB, escaped", lambda m: m.path.op("GLOB")("a/[[]*"), True),
    ("like", lambda m: m.path.like("a/%"), True),
    ("like, inner", lambda m: m.path.like("a/_/%"), True),
    ("like, escape", lambda m: m.path.like("a\\%%", escape="\\"), True),
    ("startswith", lambda m: m.path.startswith("a/"), True),
    ("startswith, no letter", lambda m: m.path.startswith("'"), True),
    ("startswith, autoescape", lambda m: m.path.startswith("a%b", autoescape=True), False),
    ("ilike", lambda m: m.path.ilike("A/%"), False),
    ("contains", lambda m: m.path.contains("/b"), None),
    ("another column", lambda m: m.size < 5, False),
]


class Case(unittest.TestCase):
    def setUp(self):
        self.scratch = twins.scratch()
        self.addCleanup(self.scratch.cleanup)
        self.engine = create_engine(f"sqlite:///{self.scratch.name}/t.db", future=True)
        self.addCleanup(self.engine.dispose)
        self.sent = []

        @event.listens_for(self.engine, "connect")
        def connect(connection, record):
            twins.load(connection)
            connection.isolation_level = None

        @event.listens_for(self.engine, "begin")
        def begin(connection):
            connection.exec_driver_sql("BEGIN")

        @event.listens_for(self.engine, "before_cursor_execute")
        def keep(connection, cursor, statement, parameters, context, many):
            self.sent.append((statement, parameters))

        with contextlib.closing(sqlite3.connect(f"{self.scratch.name}/t.db")) as connection:
            twins.load(connection)
            twins.make(connection)



class Reflection(Case):
    def test_the_primary_key_and_the_types_are_seen_and_the_hidden_columns_are_not(self):
        inspector = inspect(self.engine)
        columns = {column["name"]: column for column in inspector.get_columns("files")}
        self.assertEqual(list(columns), ["path", "size", "mtime", "etag", "meta"])
        self.assertEqual(inspector.get_pk_constraint("files")["constrained_columns"], ["path"])
        self.assertIsInstance(columns["path"]["type"], sqlalchemy.TEXT)
        self.assertIsInstance(columns["size"]["type"], sqlalchemy.INTEGER)
        self.assertIsInstance(columns["mtime"]["type"], sqlalchemy.REAL)
        self.assertIsInstance(columns["etag"]["type"], sqlalchemy.TEXT)
        self.assertFalse(columns["path"]["nullable"])
        self.assertTrue(columns["size"]["nullable"])

    def test_a_reflected_table_reads_and_writes(self):
        files = Table("files", MetaData(), autoload_with=self.engine)
        with self.engine.begin() as connection:
            connection.execute(insert(files), [{"path": "new/1", "size": 1}, {"path": "new/2", "size": 2}])
            found = connection.execute(select(files.c.path, files.c.size).where(files.c.path > "new")).all()
        self.assertEqual(found[:2], [("new/1", 1), ("new/2", 2)])

    def test_automap_finds_a_class(self):
        base = automap_base()
        base.prepare(autoload_with=self.engine)
        with Session(self.engine) as session:
            self.assertEqual(session.get(base.classes.files, "a/b/c").size, 1)

    def test_the_shadow_tables_are_hidden_by_their_names(self):
        self.assertEqual(set(inspect(self.engine).get_table_names()), {"files", "files_artdata", "files_artstate", "plain"})
        metadata = MetaData()
        metadata.reflect(self.engine, only=lambda name, _: not name.endswith(("_artdata", "_artstate")))
        self.assertEqual(set(metadata.tables), {"files", "plain"})

    def test_create_all_leaves_a_table_that_is_there(self):
        Base.metadata.create_all(self.engine)
        with self.engine.connect() as connection:
            sql = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE name = 'files'").scalar()
        self.assertTrue(sql.startswith("CREATE VIRTUAL TABLE"))


class Reading(Case):
    def test_filters_give_the_rows_of_an_ordinary_table_and_use_the_tree(self):
        with self.engine.connect() as connection:
            for name, condition, indexed in FILTERS:
                with self.subTest(name):
                    queries = [select(model.path, model.size).where(condition(model)).order_by(model.path)
                               for model in (Plain, File)]
                    answers = [connection.execute(query).all() for query in queries]
                    self.assertEqual(*answers)
                    if name != "startswith, no letter":
                        self.assertTrue(answers[0])
                    statement, parameters = self.sent[-1]
                    plan = connection.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, parameters).all()
                    self.assertIn(indexed, (twins.by_index(plan), None), plan)

    def test_order_limit_offset_count_and_joins(self):
        queries = [lambda m: select(m.path).order_by(m.path.desc()).limit(5),
                   lambda m: select(m.path).where(m.path > "bulk").order_by(m.path).limit(5).offset(100),
                   lambda m: select(func.count()).select_from(m).where(m.path.startswith("bulk/3")),
                   lambda m: select(func.min(m.path), func.max(m.path)),
                   lambda m: select(m.etag, func.count()).group_by(m.etag).order_by(m.etag),
                   lambda m: select(m.path).distinct().where(m.size < 9).order_by(m.path)]
        with self.engine.connect() as connection:
            for query in queries:
                self.assertEqual(connection.execute(query(Plain)).all(), connection.execute(query(File)).all())
            joined = select(File.path, Plain.size).join(Plain, Plain.path == File.path).where(File.path.like("a/%"))
            self.assertEqual(len(connection.execute(joined).all()),
                             connection.execute(select(func.count()).where(Plain.path.like("a/%"))).scalar())

    def test_select_star_has_the_columns_of_the_model(self):
        with self.engine.connect() as connection:
            self.assertEqual(list(connection.execute(text("SELECT * FROM files LIMIT 1")).keys()),
                             ["path", "size", "mtime", "etag", "meta"])

    def test_a_listing_by_text(self):
        level = text("SELECT path, entries FROM files(:p, :d) WHERE path > :after ORDER BY path LIMIT 3")
        with self.engine.connect() as connection:
            self.assertEqual(connection.execute(level, {"p": "bulk/", "d": "/", "after": "bulk/1/"}).all(),
                             [("bulk/2/", 429), ("bulk/3/", 429), ("bulk/4/", 428)])

    def test_a_listing_as_a_table_valued_function(self):
        level = func.files("bulk/", "/").table_valued("path", "entries")
        with self.engine.connect() as connection:
            self.assertEqual(connection.execute(select(func.count(), func.sum(level.c.entries))).one(), (7, 3000))


class Writing(Case):
    def one_version(self, condition):
        with self.engine.connect() as connection:
            count = text(f"SELECT count(*), count(DISTINCT row_version) FROM files WHERE {condition}")
            return connection.execute(count).one()

    def test_a_session_writes_many_rows_in_one_transaction(self):
        with Session(self.engine) as session, session.begin():
            session.add_all(File(path=f"new/{i}", size=i, meta={"i": i}) for i in range(500))
        self.assertEqual(self.one_version("path GLOB 'new/*'"), (500, 1))
        with self.engine.begin() as connection:
            connection.execute(insert(File), [{"path": f"core/{i}", "size": i} for i in range(500)])
        self.assertEqual(self.one_version("path GLOB 'core/*'"), (500, 1))

    def test_the_unit_of_work(self):
        for model in (Plain, File):
            with Session(self.engine) as session:
                session.add(model(path="x/1", size=1, meta=[1, "two"]))
                session.commit()
                file = session.get(model, "x/1")
                self.assertEqual(file.meta, [1, "two"])
                file.size = 2
                session.commit()
                file.path = "x/2"
                session.commit()
                self.assertEqual(session.get(model, "x/2").size, 2)
                self.assertIsNone(session.get(model, "x/1"))
                session.merge(model(path="x/2", size=3))
                session.commit()
                session.delete(session.get(model, "a/b"))
                session.bulk_save_objects([model(path=f"x/{i}") for i in range(5, 9)])
                alone = {"synchronize_session": False}
                session.execute(update(model).where(model.path.like("x/%")).values(etag="x"), execution_options=alone)
                session.execute(delete(model).where(model.path.like("bulk/0%")), execution_options=alone)
                session.commit()
        with self.engine.connect() as connection:
            everything = [connection.execute(text(f"SELECT * FROM {name} ORDER BY path")).all()
                          for name in ("plain", "files")]
        self.assertEqual(*everything)
        self.assertEqual([statement for statement, _ in self.sent if twins.writes_hidden(statement)], [])

    def test_a_savepoint_takes_back_only_itself(self):
        with Session(self.engine) as session:
            session.add(File(path="s/1"))
            session.flush()
            with self.assertRaises(IntegrityError) as caught, session.begin_nested():
                session.execute(insert(File).values(path="s/2"))
                session.execute(insert(File).values(path="s/1"))
            self.assertIn("UNIQUE constraint failed: files.path", str(caught.exception))
            session.add(File(path="s/3"))
            session.commit()
            self.assertEqual(session.scalars(select(File.path).where(File.path.like("s/%")).order_by(File.path)).all(),
                             ["s/1", "s/3"])

    def test_the_version_is_the_mappers_version(self):
        with Session(self.engine) as session:
            session.add(Versioned(path="v", size=0))
            session.commit()
            file = session.get(Versioned, "v")
            first = file.version
            file.size = 1
            session.flush()
            within = file.version
            file.size = 2  # twice in one transaction
            session.commit()
            self.assertGreater(first, 0)
            self.assertGreater(within, first)
            self.assertEqual(file.version, within)
        self.assertEqual([statement for statement, _ in self.sent if twins.writes_hidden(statement)], [])

    def test_threads_write_one_after_the_other(self):
        def write(number):
            for i in range(20):
                with Session(self.engine) as session, session.begin():
                    session.add(File(path=f"thread/{number}/{i}"))

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(write, range(4)))
        self.assertEqual(self.one_version("path GLOB 'thread/*'"), (80, 80))

    def test_a_stale_version_is_noticed(self):
        keep = {"expire_on_commit": False}
        with Session(self.engine, **keep) as mine, Session(self.engine, **keep) as theirs:
            file, same = mine.get(Versioned, "a/b"), theirs.get(Versioned, "a/b")
            mine.commit()  # ends the reads: nobody can write in an old snapshot
            theirs.commit()
            file.size, same.size = 100, 200
            theirs.commit()
            with self.assertRaises(StaleDataError):
                mine.commit()
            mine.rollback()
            self.assertEqual(mine.get(Versioned, "a/b").size, 200)


class Limits(Case):
    """What SQLite has not for virtual tables, and the way around it."""

    def refused(self, what, message, error=OperationalError):
        with self.assertRaisesRegex(error, message), self.engine.begin() as connection:
            connection.execute(what)

    def test_upsert_is_refused_and_or_replace_is_not(self):
        row = {"path": "a/b", "size": 99}
        upsert = sqlite.insert(File).values(**row)
        self.refused(upsert.on_conflict_do_update(index_elements=["path"], set_={"size": 99}), "UPSERT not implemented")
        self.refused(upsert.on_conflict_do_nothing(), "UPSERT not implemented")
        with self.engine.begin() as connection:
            connection.execute(insert(File).prefix_with("OR IGNORE").values(**row))
            self.assertEqual(connection.execute(select(File.size).where(File.path == "a/b")).scalar(), 0)
            connection.execute(insert(File).prefix_with("OR REPLACE").values(**row))
            self.assertEqual(connection.execute(select(File.size).where(File.path == "a/b")).scalar(), 99)

    def test_update_and_delete_return_no_rows(self):
        self.refused(text("UPDATE files SET size = 1 RETURNING path"), "UPDATE RETURNING is not available")
        self.refused(text("DELETE FROM files RETURNING path"), "DELETE RETURNING is not available")
        with self.engine.begin() as connection:
            returning = text("INSERT INTO files(path) VALUES('r') RETURNING path")
            self.assertEqual(connection.execute(returning).scalar(), "r")

    def test_indexes_and_new_columns_are_refused(self):
        self.refused(text("CREATE INDEX i ON files(size)"), "virtual tables may not be indexed")
        self.refused(text("ALTER TABLE files ADD COLUMN owner TEXT"), "virtual tables may not be altered")
        with self.engine.begin() as connection:
            connection.exec_driver_sql("INSERT INTO files(files) VALUES('add column owner TEXT')")
        self.assertEqual(inspect(self.engine).get_columns("files")[-1]["name"], "owner")


if __name__ == "__main__":
    unittest.main()
