"""peewee over an art table: introspection, what its filters become, its ways of writing, and what does not work."""
import unittest

import peewee
from peewee import SQL, FloatField, IntegerField, IntegrityError, Model, OperationalError, TextField, fn
from playhouse.reflection import Introspector
from playhouse.sqlite_ext import JSONField, SqliteExtDatabase, VirtualModel

import twins

database = SqliteExtDatabase(None)
database.load_extension(twins.EXTENSION)


def columns():
    return {"path": TextField(primary_key=True), "size": IntegerField(null=True), "mtime": FloatField(null=True),
            "etag": TextField(null=True), "meta": JSONField(null=True)}


def model(base, table):
    meta = type("Meta", (), {"database": database, "table_name": table})
    return type(table.title(), (base,), {**columns(), "Meta": meta})


Plain = model(Model, "plain")
File = model(VirtualModel, "files")
row_version = SQL("row_version")

# Name, condition, and whether it finds its place in the tree. None: the plan does not tell, the pattern does.
FILTERS = [
    ("==", lambda m: m.path == "a/b/c", True),
    ("in_", lambda m: m.path.in_(["a/b/c", "a/b/d", "nothing"]), True),
    ("range", lambda m: (m.path >= "a/") & (m.path < "a0"), True),
    ("between", lambda m: m.path.between("a/b", "a/c"), True),
    ("% (GLOB)", lambda m: m.path % "a/*", True),
    ("** (LIKE)", lambda m: m.path ** "a/%", True),
    ("startswith", lambda m: m.path.startswith("a/"), True),
    ("startswith, no letter", lambda m: m.path.startswith("'"), True),
    ("either", lambda m: m.path.startswith("a/") | (m.path == "bulk/0/00000"), True),
    ("startswith, wildcards", lambda m: m.path.startswith("a%b"), False),
    ("contains", lambda m: m.path.contains("/b"), None),
    ("another column", lambda m: m.size < 5, False),
]


class Case(unittest.TestCase):
    def setUp(self):
        self.scratch = twins.scratch()
        self.addCleanup(self.scratch.cleanup)
        database.init(self.scratch.name + "/t.db")
        database.connect()
        self.addCleanup(database.close)
        twins.make(database.connection())
        self.sent = []
        real = database.execute_sql

        def keep(sql, *rest, **more):
            self.sent.append(sql)
            return real(sql, *rest, **more)

        database.execute_sql = keep
        self.addCleanup(setattr, database, "execute_sql", real)


class Introspection(Case):
    def test_the_primary_key_and_the_types_are_seen_and_the_hidden_columns_are_not(self):
        self.assertEqual([(c.name, c.data_type, c.null, c.primary_key) for c in database.get_columns("files")],
                         [("path", "TEXT", False, True), ("size", "INTEGER", True, False),
                          ("mtime", "REAL", True, False), ("etag", "TEXT", True, False), ("meta", "", True, False)])
        self.assertEqual(database.get_primary_keys("files"), ["path"])
        model = Introspector.from_database(database).generate_models(table_names=["files"])["files"]
        self.assertEqual(model._meta.primary_key.name, "path")
        self.assertEqual(model.get_by_id("a/b/c").size, 1)

    def test_the_shadow_tables_are_hidden_by_their_names(self):
        names = database.get_tables()
        self.assertEqual([name for name in names if not name.endswith(("_artdata", "_artstate"))], ["files", "plain"])

    def test_create_table_with_peewees_own_list_of_columns(self):
        class Own(VirtualModel):
            path = TextField(primary_key=True)
            value = TextField()

            class Meta:
                database = database
                extension_module = "art"
                options = {"cache": "'8MB'"}

        database.create_tables([Own])
        Own.create(path="a", value=1)
        self.assertEqual([(c.name, c.data_type) for c in database.get_columns("own")],
                         [("path", "TEXT"), ("value", "")])
        self.assertEqual(Own.get_by_id("a").value, "1")
        database.drop_tables([Own])
        self.assertEqual(database.get_tables(), ["files", "files_artdata", "files_artstate", "plain"])


class Reading(Case):
    def test_filters_give_the_rows_of_an_ordinary_table_and_use_the_tree(self):
        for name, condition, indexed in FILTERS:
            with self.subTest(name):
                queries = [model.select().where(condition(model)).order_by(model.path) for model in (Plain, File)]
                answers = [list(query.tuples()) for query in queries]
                self.assertEqual(*answers)
                sql, parameters = queries[1].sql()
                plan = database.execute_sql("EXPLAIN QUERY PLAN " + sql, parameters).fetchall()
                self.assertIn(indexed, (twins.by_index(plan), None), plan)

    def test_order_limit_count_and_joins(self):
        queries = [lambda m: m.select(m.path).order_by(m.path.desc()).limit(5),
                   lambda m: m.select(m.path).where(m.path > "bulk").order_by(m.path).limit(5).offset(100),
                   lambda m: m.select(fn.COUNT(m.path)).where(m.path.startswith("bulk/3")),
                   lambda m: m.select(fn.MIN(m.path), fn.MAX(m.path)),
                   lambda m: m.select(m.etag, fn.COUNT(m.path)).group_by(m.etag).order_by(m.etag)]
        for query in queries:
            self.assertEqual(list(query(Plain).tuples()), list(query(File).tuples()))
        joined = File.select(File.path).join(Plain, on=(Plain.path == File.path)).where(File.path % "a/*")
        self.assertEqual(joined.count(), Plain.select().where(Plain.path % "a/*").count())

    def test_a_listing_by_raw_sql_and_the_hidden_version(self):
        level = File.raw("SELECT path, entries FROM files(?, '/') WHERE path > ? ORDER BY path LIMIT 2",
                         "bulk/", "bulk/1/")
        self.assertEqual([(file.path, file.entries) for file in level], [("bulk/2/", 429), ("bulk/3/", 429)])
        self.assertGreater(File.select(File, row_version).where(File.path == "a/b").get().row_version, 0)


class Writing(Case):
    def one_version(self, pattern):
        count = "SELECT count(*), count(DISTINCT row_version) FROM files WHERE path GLOB ?"
        return database.execute_sql(count, (pattern,)).fetchone()

    def test_insert_many_is_one_transaction_and_several_are_within_atomic(self):
        File.insert_many({"path": f"new/{i}", "size": i} for i in range(1000)).execute()
        self.assertEqual(self.one_version("new/*"), (1000, 1))
        with database.atomic():
            File.bulk_create([File(path=f"bulkier/{i}") for i in range(500)], batch_size=100)
        self.assertEqual(self.one_version("bulkier/*"), (500, 1))

    def test_every_way_of_writing(self):
        for model in (Plain, File):
            model.create(path="w/1", size=1, meta=[1, "two"])
            file = model.get_by_id("w/1")
            self.assertEqual(file.meta, [1, "two"])
            file.size = 2
            self.assertEqual(file.save(), 1)
            model(path="w/2").save(force_insert=True)
            model.insert_many([{"path": "w/2", "size": 9}, {"path": "w/3", "size": 3}]).on_conflict_ignore().execute()
            model.insert(path="w/3", size=33).on_conflict_replace().execute()
            model.replace(path="w/4", size=4).execute()
            self.assertEqual(model.get_or_create(path="w/4")[1], False)
            self.assertEqual(model.get_or_create(path="w/5", defaults={"size": 5})[1], True)
            self.assertEqual(model.update(etag="new").where(model.path.startswith("w/")).execute(), 5)
            self.assertEqual(model.update(path="w/6").where(model.path == "w/5").execute(), 1)
            self.assertEqual(model.update(path="old/" + model.path).where(model.path % "bulk/1*").execute(), 429)
            self.assertEqual(model.delete().where(model.path % "bulk/2*").execute(), 429)
            model.bulk_update([model(path="w/2", size=20), model(path="w/3", size=30)], [model.size])
            self.assertEqual(model.get_by_id("a/b/c").delete_instance(), 1)
        self.assertEqual(*[list(model.select().order_by(model.path).tuples()) for model in (Plain, File)])
        self.assertEqual([sql for sql in self.sent if twins.writes_hidden(sql)], [])

    def test_atomic_takes_back_only_itself(self):
        with database.atomic():
            File.create(path="s/1")
            with self.assertRaisesRegex(IntegrityError, "UNIQUE constraint failed: files.path"), database.atomic():
                File.create(path="s/2")
                File.create(path="s/1")
            File.create(path="s/3")
        self.assertEqual([file.path for file in File.select().where(File.path % "s/*")], ["s/1", "s/3"])

    def test_an_update_with_the_version_is_a_compare_and_set(self):
        before = File.select(File, row_version).where(File.path == "a/b").get().row_version
        for expected in (1, 0):
            update = File.update(size=1).where((File.path == "a/b") & (row_version == before))
            self.assertEqual(update.execute(), expected)


class Limits(Case):
    """What SQLite has not for virtual tables, and the way around it."""

    def test_upsert_and_returning_are_refused(self):
        with self.assertRaisesRegex(OperationalError, "UPSERT not implemented"):
            File.insert(path="a/b").on_conflict(conflict_target=[File.path], update={File.size: 1}).execute()
        with self.assertRaisesRegex(OperationalError, "UPDATE RETURNING is not available"):
            list(File.update(size=1).returning(File.path))
        with self.assertRaisesRegex(OperationalError, "DELETE RETURNING is not available"):
            list(File.delete().returning(File.path))
        self.assertEqual(list(File.insert_many([{"path": "r"}]).returning(File.path).tuples()), [("r",)])

    def test_an_index_is_refused(self):
        with self.assertRaisesRegex(OperationalError, "may not be indexed"):
            File.add_index(File.size)
            database.execute_sql("CREATE INDEX i ON files(size)")


if __name__ == "__main__":
    unittest.main()
