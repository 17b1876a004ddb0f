"""The wheel, installed: wheel.py queries|apsw|refusals|cannot <version>"""
import base64
import hashlib
import importlib.metadata
import os
import shutil
import sys
import tempfile

import sqlite_art

PROBE = "SELECT art_version(), art_count('t', 'a/'), art_check('t')"


def shown(docstring):
    """(statement, what it gives) for each in the docstring."""
    import sqlite3

    statement, given = "", []
    for line in docstring[docstring.index("CREATE VIRTUAL TABLE") :].splitlines():
        if line.startswith("-->"):
            given.append(line[4:])
        elif line and not line.startswith("--"):
            if sqlite3.complete_statement(statement):
                yield statement, given
                statement, given = "", []
            statement += line + "\n"
    yield statement, given


def queries(version):
    import sqlite3

    assert sqlite_art.__version__ == version, sqlite_art.__version__
    assert not sqlite_art.loadable_path().endswith(".so")
    db = sqlite3.connect("docstring.db", isolation_level=None)
    sqlite_art.load(db)
    for file in importlib.metadata.files("sqlite-art"):
        if file.hash:
            digest = hashlib.new(file.hash.mode, file.locate().read_bytes()).digest()
            assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == file.hash.value, file
    ran = 0
    for statement, wanted in shown(sqlite_art.__doc__):
        got = ["|".join("" if value is None else str(value) for value in row) for row in db.execute(statement)]
        assert got == wanted, (statement, got, wanted)
        ran += 1
    assert ran >= 10, ran
    try:
        db.execute("SELECT load_extension(?)", (sqlite_art.loadable_path(),))
        assert False, "extensions can still be loaded"
    except sqlite3.OperationalError as error:
        assert "not authorized" in str(error), error


def apsw(version):
    from apsw import Connection

    db = Connection(":memory:")
    sqlite_art.load(db)
    cursor = db.cursor()
    cursor.execute("CREATE VIRTUAL TABLE t USING art(path); INSERT INTO t VALUES('a/1'), ('a/2'), ('b')")
    assert list(cursor.execute(PROBE)) == [(version, 2, "ok")]


def refused(module, db, *words):
    try:
        module.load(db)
    except RuntimeError as error:
        for word in words:
            assert word in str(error), (word, str(error))
    else:
        assert False, "loaded"


def refusals(version):
    import importlib.util
    import sqlite3

    refused(sqlite_art, 1, "sqlite-art: builtins.int cannot load extensions")
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "sqlite_art.py")
        shutil.copy(sqlite_art.__file__, source)
        spec = importlib.util.spec_from_file_location("elsewhere", source)
        elsewhere = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(elsewhere)
        refused(elsewhere, sqlite3.connect(":memory:"), folder, "cannot open shared object", "which is for m", " on linux-")
        with open(os.path.join(folder, "art.so"), "wb") as file:
            file.write(b"MZ\0\0 a binary of another system")
        refused(elsewhere, sqlite3.connect(":memory:"), "--force-reinstall")


def cannot(version):
    """With a Python that has no extension loading."""
    import sqlite3

    assert not hasattr(sqlite3.Connection, "enable_load_extension")
    refused(sqlite_art, sqlite3.connect(":memory:"), "sqlite3.Connection cannot load extensions", "built without them")


globals()[sys.argv[1]](sys.argv[2])
