"""For the tests of this folder: `files`, an art table, and `plain`, an ordinary table with the same columns and rows.

What a library sends is right when both give the same rows, and fast when EXPLAIN QUERY PLAN shows that the module was
given a place in the tree: its words, behind "VIRTUAL TABLE INDEX <number>:", are then not "all rows".

ART_EXTENSION is the extension to load.
"""
import os
import re
import tempfile

EXTENSION = os.environ.get("ART_EXTENSION", "./art.so")
DEFINITION = "path, size INTEGER, mtime REAL, etag TEXT, meta"
HIDDEN = ["prefix", "delimiter", "start_after", "snapshot", "entries", "row_version", "conflict"]
AWKWARD = ["a/b", "a/b/c", "a/b/d", "A/b/e", "a/B/f", "a%b/1", "a_b/2", "a\\b/3", "a/b%", "a/b_", "a/b*", "a/[b]",
           "a/b?", "a//b", "é/1", "É/2", "a0", "a.", "a/", "a", "z/\U0001f600", "'quoted'/\"x\""]


def load(connection):
    """Into a connection of Python's sqlite3."""
    connection.enable_load_extension(True)
    connection.load_extension(EXTENSION)
    connection.enable_load_extension(False)


def rows():
    for i, path in enumerate(AWKWARD):
        yield path, i, i / 4, f"e{i}", None
    for i in range(3000):
        yield f"bulk/{i % 7}/{i:05}", i, i / 4, f"e{i % 3}", None


def make(connection):
    """Both tables, half of the art table's rows in its file and half of them in the log."""
    connection.execute(f"CREATE VIRTUAL TABLE files USING art({DEFINITION})")
    ordinary = DEFINITION.replace("path", "path TEXT PRIMARY KEY NOT NULL", 1)
    connection.execute(f"CREATE TABLE plain({ordinary}) WITHOUT ROWID")
    all_rows = list(rows())
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO plain VALUES(?, ?, ?, ?, ?)", all_rows)
    connection.executemany("INSERT INTO files VALUES(?, ?, ?, ?, ?)", all_rows[::2])
    connection.execute("INSERT INTO files(files) VALUES('flush')")
    connection.execute("COMMIT")
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO files VALUES(?, ?, ?, ?, ?)", all_rows[1::2])
    connection.execute("COMMIT")


def scratch():
    """A directory that goes when the object does."""
    return tempfile.TemporaryDirectory(prefix="art-orm-")


def words(plan):
    """What the module says that it does, from the rows or the text of EXPLAIN QUERY PLAN. One string for each scan."""
    text = plan if isinstance(plan, str) else "\n".join(str(row[-1]) for row in plan)
    return re.findall(r"VIRTUAL TABLE INDEX \d+:(.*)", text)


def by_index(plan):
    found = words(plan)
    return bool(found) and not any("all rows" in each for each in found)


def writes_hidden(statement):
    """Does an INSERT or UPDATE name a hidden column among those that it writes?"""
    insert = re.match(r"\s*(?:INSERT|REPLACE)\b[^(]*\(([^)]*)\)", statement, re.I)
    update = re.match(r"\s*UPDATE\b.*?\bSET\b(.*?)(?:\bWHERE\b|$)", statement, re.I | re.S)
    named = insert.group(1) if insert else update.group(1) if update else ""
    return [name for name in HIDDEN if re.search(rf"\b{name}\b", named)]
