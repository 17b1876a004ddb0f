"""Django over an art table. Lines beginning with "# -->" are the output.

    python3 recipe_django.py [art.so [files.db]]

In a project, load_art() goes into the ready() of an AppConfig, CREATE VIRTUAL TABLE into a migrations.RunSQL.
"""
import sys

import django
from django.conf import settings
from django.db.backends.signals import connection_created

extension = sys.argv[1] if len(sys.argv) > 1 else "./art.so"
settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3",
                           "NAME": sys.argv[2] if len(sys.argv) > 2 else "files.db"}})


def load_art(sender, connection, **kwargs):
    if connection.vendor == "sqlite":
        connection.connection.enable_load_extension(True)
        connection.connection.load_extension(extension)
        connection.connection.enable_load_extension(False)


connection_created.connect(load_art)
django.setup()

from django.db import IntegrityError, connection, models, transaction  # noqa: E402
from django.db.models.expressions import RawSQL  # noqa: E402


class FileManager(models.Manager):
    """The hidden column is read with each row, and never written: it is no field."""

    def get_queryset(self):
        return super().get_queryset().annotate(version=RawSQL("files.row_version", ()))


class File(models.Model):
    path = models.TextField(primary_key=True)
    size = models.IntegerField(null=True)
    mtime = models.FloatField(null=True)
    etag = models.TextField(null=True)
    meta = models.JSONField(null=True)
    objects = FileManager()

    class Meta:
        app_label = "recipe"
        db_table = "files"
        managed = False  # a migration would make an ordinary table


with connection.cursor() as cursor:
    cursor.execute("CREATE VIRTUAL TABLE files USING art(path, size INTEGER, mtime REAL, etag TEXT, meta)")

# Many rows: one transaction (bulk_create is one by itself; atomic() for several).
with transaction.atomic():
    File.objects.bulk_create(File(path=f"usr/lib/{i:03}.so", size=i, etag="new") for i in range(100))
    File.objects.create(path="usr/share/doc/readme", size=7, meta={"lang": "en"})
    File.objects.create(path="usr/share/words", size=9)

# What lies under a prefix: a range of paths. '0' is the character behind '/'.
for file in File.objects.filter(path__gte="usr/share/", path__lt="usr/share0").order_by("path"):
    print(file.path, file.size, file.meta)
# --> usr/share/doc/readme 7 {'lang': 'en'}
# --> usr/share/words 9 None

# One directory level, with the number of files below each directory.
for file in File.objects.raw("SELECT path, size, entries FROM files(%s, '/') ORDER BY path LIMIT 1000", ["usr/"]):
    print(file.path, file.size, file.entries)
# --> usr/lib/ None 100
# --> usr/share/ None 2

# Compare and set: update() says how many rows there were.
file = File.objects.get(path="usr/share/words")
print(File.objects.filter(path=file.path, version=file.version).update(size=10))
print(File.objects.filter(path=file.path, version=file.version).update(size=11))
# --> 1
# --> 0

# Conflicts are IntegrityErrors; a failed statement takes only its savepoint back.
with transaction.atomic():
    try:
        with transaction.atomic():
            File.objects.create(path="usr/share/words")
    except IntegrityError as error:
        print(error)
    print(File.objects.get_or_create(path="usr/share/words")[1],
          File.objects.update_or_create(path="usr/share/new", defaults={"size": 1})[1])
# --> UNIQUE constraint failed: files.path
# --> False True
