"""Django over an art table: introspection, what its filters become, its ways of writing, and what does not work."""
import atexit
import io
import unittest

import django
from django.conf import settings
from django.db.backends.signals import connection_created

import twins

scratch = twins.scratch()
atexit.register(scratch.cleanup)
settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": scratch.name + "/t.db"}})
connection_created.connect(lambda sender, connection, **_: twins.load(connection.connection), weak=False)
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import DatabaseError, IntegrityError, connection, migrations, models, transaction  # noqa: E402
from django.db.migrations.state import ProjectState  # noqa: E402
from django.db.models import Count, F, Max, Min, Q, Sum, Value  # noqa: E402
from django.db.models.expressions import RawSQL  # noqa: E402
from django.db.models.functions import Concat  # noqa: E402


class Columns(models.Model):
    path = models.TextField(primary_key=True)
    size = models.IntegerField(null=True)
    mtime = models.FloatField(null=True)
    etag = models.TextField(null=True)
    meta = models.JSONField(null=True)

    class Meta:
        abstract = True
        app_label = "art"
        managed = False


class Plain(Columns):
    class Meta(Columns.Meta):
        abstract = False
        db_table = "plain"


class File(Columns):
    class Meta(Columns.Meta):
        abstract = False
        db_table = "files"


# Conditions, and whether they find their place in the tree.
FILTERS = [
    ("exact", Q(path="a/b/c"), True),
    ("in", Q(path__in=["a/b/c", "a/b/d", "nothing"]), True),
    ("range of paths", Q(path__gte="a/", path__lt="a0"), True),
    ("range", Q(path__range=("a/b", "a/c")), True),
    ("gt", Q(path__gt="bulk/6"), True),
    ("startswith", Q(path__startswith="a/"), True),
    ("startswith, wildcards", Q(path__startswith="a%b"), True),
    ("startswith, no letter", Q(path__startswith="'"), True),
    ("startswith, upper case", Q(path__startswith="A/"), True),
    ("istartswith", Q(path__istartswith="A/B"), True),
    ("iexact", Q(path__iexact="A/B/C"), True),
    ("startswith and more", Q(path__startswith="bulk/3/") & Q(size__lt=50), True),
    ("either", Q(path__startswith="a/") | Q(path="bulk/0/00000"), True),
    ("contains", Q(path__contains="/b"), False),
    ("endswith", Q(path__endswith="f"), False),
    ("another column", Q(size__lt=5), False),
]


class Case(unittest.TestCase):
    def setUp(self):
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS files")
            cursor.execute("DROP TABLE IF EXISTS plain")
        twins.make(connection.connection)
        self.sent = []

        def keep(execute, sql, params, many, context):
            self.sent.append(sql)
            return execute(sql, params, many, context)

        wrapper = connection.execute_wrapper(keep)
        wrapper.__enter__()
        self.addCleanup(wrapper.__exit__, None, None, None)


class Introspection(Case):
    def test_the_primary_key_and_the_types_are_seen_and_the_hidden_columns_are_not(self):
        with connection.cursor() as cursor:
            fields = connection.introspection.get_table_description(cursor, "files")
        self.assertEqual([(field.name, field.type_code, field.null_ok) for field in fields],
                         [("path", "TEXT", False), ("size", "INTEGER", True), ("mtime", "REAL", True),
                          ("etag", "TEXT", True), ("meta", "", True)])
        self.assertEqual([field.name for field in fields if field.pk], ["path"])

    def test_inspectdb_writes_a_model_but_for_the_primary_key(self):
        """Django 3.2 looks for the words PRIMARY KEY in CREATE TABLE, instead of asking SQLite. Write it by hand."""
        out = io.StringIO()
        call_command("inspectdb", "files", stdout=out)
        for line in ("path = models.TextField(", "size = models.IntegerField(blank=True, null=True)",
                     "mtime = models.FloatField(blank=True, null=True)", "db_table = 'files'"):
            self.assertIn(line, out.getvalue())
        self.assertNotIn("row_version", out.getvalue())

    def test_introspection_needs_the_parentheses(self):
        with connection.cursor() as cursor:
            cursor.execute("CREATE VIRTUAL TABLE bare USING art")
            with self.assertRaisesRegex(ValueError, "substring not found"):
                connection.introspection.get_primary_key_column(cursor, "bare")
            cursor.execute("DROP TABLE bare")

    def test_the_shadow_tables_are_hidden_by_their_names(self):
        names = connection.introspection.table_names()
        self.assertEqual(names, ["files", "files_artdata", "files_artstate", "plain"])
        self.assertEqual([name for name in names if not name.endswith(("_artdata", "_artstate"))], ["files", "plain"])


class Reading(Case):
    def test_filters_give_the_rows_of_an_ordinary_table_and_use_the_tree(self):
        for name, condition, indexed in FILTERS:
            with self.subTest(name):
                answers = [list(model.objects.filter(condition).order_by("path").values_list())
                           for model in (Plain, File)]
                self.assertEqual(*answers)
                plan = File.objects.filter(condition).explain()
                self.assertEqual(twins.by_index(plan), indexed, plan)

    def test_order_slices_aggregates_and_joins(self):
        queries = [lambda m: list(m.objects.order_by("-path")[:5].values_list("path")),
                   lambda m: list(m.objects.filter(path__gt="bulk").order_by("path")[100:105].values_list("path")),
                   lambda m: m.objects.filter(path__startswith="bulk/3").count(),
                   lambda m: m.objects.aggregate(Min("path"), Max("path"), Sum("size")),
                   lambda m: list(m.objects.values("etag").annotate(n=Count("path")).order_by("etag")),
                   lambda m: m.objects.filter(path__startswith="a/").exists(),
                   lambda m: m.objects.filter(path__startswith="nowhere/").exists(),
                   lambda m: (m.objects.earliest("path").path, m.objects.latest("path").path),
                   lambda m: list(m.objects.in_bulk(["a/b", "a/b/c"])),
                   lambda m: list(m.objects.exclude(path__startswith="bulk").order_by("path").values_list("path")),
                   lambda m: list(m.objects.filter(path__in=m.objects.filter(size=3).values("path")).values_list())]
        for query in queries:
            self.assertEqual(query(Plain), query(File))

    def test_a_listing_by_raw_sql(self):
        level = File.objects.raw("SELECT path, size, entries FROM files(%s, '/') WHERE path > %s ORDER BY path LIMIT 3",
                                 ["bulk/", "bulk/1/"])
        self.assertEqual([(file.path, file.entries) for file in level],
                         [("bulk/2/", 429), ("bulk/3/", 429), ("bulk/4/", 428)])

    def test_a_hidden_column_is_an_annotation(self):
        file = File.objects.annotate(version=RawSQL("files.row_version", ())).get(path="a/b")
        self.assertGreater(file.version, 0)
        self.assertEqual(File.objects.extra(where=["prefix = %s"], params=["a/b/"]).count(), 2)


class Writing(Case):
    def one_version(self, prefix):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*), count(DISTINCT row_version) FROM files WHERE path GLOB %s", [prefix + "*"])
            return cursor.fetchone()

    def test_bulk_create_is_one_transaction(self):
        File.objects.bulk_create(File(path=f"new/{i:04}", size=i, meta={"i": i}) for i in range(1000))
        self.assertEqual(self.one_version("new/"), (1000, 1))

    def test_every_way_of_writing(self):
        for model in (Plain, File):
            model(path="w/1", size=1, meta=[1, "two"]).save()
            file = model.objects.get(path="w/1")
            self.assertEqual(file.meta, [1, "two"])
            file.size = 2
            file.save()
            file.etag = "only"
            file.save(update_fields=["etag"])
            model.objects.create(path="w/2")
            model.objects.bulk_create([model(path="w/2", size=9), model(path="w/3")], ignore_conflicts=True)
            self.assertEqual(model.objects.get_or_create(path="w/3", defaults={"size": 9})[1], False)
            self.assertEqual(model.objects.get_or_create(path="w/4", defaults={"size": 4})[1], True)
            self.assertEqual(model.objects.update_or_create(path="w/4", defaults={"size": 5})[1], False)
            self.assertEqual(model.objects.update_or_create(path="w/5", defaults={"size": 5})[1], True)
            model.objects.bulk_update([model(path="w/2", size=20), model(path="w/3", size=30)], ["size"])
            self.assertEqual(model.objects.filter(path__startswith="w/").update(mtime=F("size") / 4.0), 5)
            self.assertEqual(model.objects.filter(path="w/5").update(path="w/6"), 1)
            moved = model.objects.filter(path__startswith="bulk/1").update(path=Concat(Value("old/"), "path"))
            self.assertEqual(moved, 429)
            self.assertEqual(model.objects.filter(path__startswith="bulk/2").delete()[0], 429)
            model.objects.get(path="a/b/c").delete()
        everything = [list(model.objects.order_by("path").values_list()) for model in (Plain, File)]
        self.assertEqual(*everything)
        self.assertEqual([sql for sql in self.sent if twins.writes_hidden(sql)], [])

    def test_an_atomic_block_takes_back_only_itself(self):
        with transaction.atomic():
            File.objects.create(path="s/1")
            with self.assertRaisesRegex(IntegrityError, "UNIQUE constraint failed: files.path"), transaction.atomic():
                File.objects.create(path="s/2")
                File.objects.create(path="s/1")
            File.objects.create(path="s/3")
        self.assertEqual([file.path for file in File.objects.filter(path__startswith="s/")], ["s/1", "s/3"])
        with self.assertRaises(ZeroDivisionError), transaction.atomic():
            File.objects.all().delete()
            1 / 0
        self.assertEqual(File.objects.count(), Plain.objects.count() + 2)

    def test_an_update_with_the_version_is_a_compare_and_set(self):
        versioned = File.objects.annotate(version=RawSQL("files.row_version", ()))
        version = versioned.get(path="a/b").version
        self.assertEqual(versioned.filter(path="a/b", version=version).update(size=1), 1)
        self.assertEqual(versioned.filter(path="a/b", version=version).update(size=2), 0)
        self.assertEqual(File.objects.get(path="a/b").size, 1)


class Migrations(Case):
    def tables(self):
        with connection.cursor() as cursor:
            cursor.execute("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'virtual' ORDER BY 1")
            return [name for name, in cursor.fetchall()]

    def test_a_table_is_made_and_dropped_by_run_sql(self):
        migration = migrations.Migration("0001_initial", "art")
        make = "CREATE VIRTUAL TABLE made USING art(path, size INTEGER)"
        migration.operations = [migrations.RunSQL(make, "DROP TABLE made")]
        for step, expected in ((migration.apply, ["files", "made"]), (migration.unapply, ["files"])):
            with connection.schema_editor(atomic=True) as editor:
                step(ProjectState(), editor)
            self.assertEqual(self.tables(), expected)

    def test_an_ordinary_table_is_remade_in_a_transaction_that_writes_to_an_art_table(self):
        added = models.TextField(default="added")
        added.set_attributes_from_name("added")
        with connection.schema_editor(atomic=True) as editor:
            File.objects.create(path="in the migration")
            editor.add_field(Plain, added)
            File.objects.filter(path="a/b").update(size=77)
        self.assertIsNone(File.objects.get(path="in the migration").size)
        self.assertEqual(File.objects.get(path="a/b").size, 77)
        with connection.cursor() as cursor:
            cursor.execute("SELECT added FROM plain LIMIT 1")
            self.assertEqual(cursor.fetchone(), ("added",))


class Limits(Case):
    """What SQLite has not for virtual tables, and the way around it."""

    def refused(self, message, sql):
        with self.assertRaisesRegex(DatabaseError, message), connection.cursor() as cursor:
            cursor.execute(sql)

    def test_a_foreign_key_to_an_art_table_is_refused_by_every_write(self):
        """Django turns foreign keys on; SQLite then looks for the parent in a b-tree that is not there."""
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE note(id INTEGER PRIMARY KEY, file_id TEXT REFERENCES files(path))")
        try:
            self.refused("malformed|mismatch", "INSERT INTO note VALUES(1, 'a/b')")
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM note")
                self.assertEqual(cursor.fetchone(), (0,))
        finally:
            with connection.constraint_checks_disabled(), connection.cursor() as cursor:
                cursor.execute("DROP TABLE note")
        with connection.cursor() as cursor:  # models.ForeignKey(File, db_constraint=False)
            cursor.execute("CREATE TABLE note(id INTEGER PRIMARY KEY, file_id TEXT)")
            cursor.execute("INSERT INTO note VALUES(1, 'a/b')")
            cursor.execute("SELECT size FROM note JOIN files ON path = file_id")
            self.assertEqual(cursor.fetchone(), (0,))
            cursor.execute("DROP TABLE note")

    def test_upsert_returning_indexes_and_new_columns_are_refused(self):
        self.refused("UPSERT not implemented", "INSERT INTO files(path) VALUES('a/b') ON CONFLICT DO NOTHING")
        self.refused("UPDATE RETURNING is not available", "UPDATE files SET size = 1 RETURNING path")
        self.refused("may not be indexed", "CREATE INDEX i ON files(size)")
        self.refused("may not be altered", "ALTER TABLE files ADD COLUMN owner TEXT")


if __name__ == "__main__":
    unittest.main()
