"""What reader.py reads beside what was there: rows that the golden archives record, and those that art gives of
new tables. For test_reader.sh.

    compare.py FOLDER [EXTENSION]   FOLDER has a folder for each archive, unpacked; new tables come into it, too
"""
import gc
import math
import pathlib
import random
import sqlite3
import sys

import reader

folder, extension = pathlib.Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None
draw, checks, failures = random.Random(57), 0, 0
printf = sqlite3.connect(":memory:")


def expect(what, wanted, found):
    global checks, failures
    checks += 1
    if wanted != found:
        failures += 1
        if isinstance(wanted, list):
            lengths = f"{len(wanted)} rows", f"{len(found)} rows"
            wanted, found = next((pair for pair in zip(wanted, found) if pair[0] != pair[1]), lengths)
        print(f"{what}\n    wanted: {wanted!r:.200}\n    found:  {found!r:.200}")


def refuses(what, says, *arguments):
    try:
        expect(f"{what} is refused", says, f"{len(list(reader.Table(*arguments).rows()))} rows")
    except reader.Refused as refused:
        expect(what, True, says in str(refused) or str(refused))
    gc.collect()  # what it had opened


# ---- the archives

def as_recorded(value):
    """As tests/golden/make writes a value."""
    if isinstance(value, float):
        return "|real" + printf.execute("SELECT printf('%.3f', ?)", (value,)).fetchone()[0]
    if isinstance(value, (str, bytes)):
        data = value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")
        return ("|blob" if isinstance(value, bytes) else "|text") + data.hex().upper()
    return "|null" if value is None else f"|integer{value}"


def golden():
    for rows in sorted(folder.glob("*/*.rows")):
        case, *snapshot = rows.name[:-5].split(".")
        made = sorted(rows.parent.glob(f"{case}-*.db"))
        expect(f"{rows} is of a table", True, bool(made))
        for database in made:
            table = reader.Table(database, "t", *snapshot)
            places = [table.names.index(name) for name in ("path", "size", "price", "note", "pad")]
            found = ["".join(as_recorded(row[place]) for place in places) for row in table.rows()]
            wanted = rows.read_text().splitlines()
            if case == "down":  # its key begins with other columns than the path, by which rows are recorded
                wanted, found = sorted(wanted), sorted(found)
            expect(f"{rows.parent.name}: {database.name} {snapshot}", wanted, found)


def unfinished():
    for database in sorted(folder.glob("*/unfinished-*.db")) + sorted(folder.glob("*/updated-*.db")):
        refuses(f"{database.name}, an unfinished copy", "is unfinished", database, "t")


# ---- new tables

def made(name, *statements):
    db = sqlite3.connect(folder / name, isolation_level=None)
    db.enable_load_extension(True)
    db.load_extension(extension)
    db.text_factory = reader.text
    for statement in ("PRAGMA synchronous = OFF", *statements):
        db.execute(statement)
    return db


def same(db, table, snapshot=None):
    """Are they the same rows, in values and types?"""
    condition = f" WHERE snapshot = '{snapshot}'" if snapshot else ""
    wanted = [list(map(repr, row)) for row in db.execute(f'SELECT * FROM "{table}"{condition}')]
    path = db.execute("PRAGMA database_list").fetchone()[2]
    found = [list(map(repr, row)) for row in reader.Table(path, table, snapshot).rows()]
    expect(f"{path}, {table} {snapshot}", wanted, found)


def paths(count):
    rows = [(f"usr/{i % 97:02d}/lib{i * 7919 % 1000003:07d}/file-{i}.txt", i * 3, i / 4,
             draw.choice([None, "root", "ada"]), draw.randbytes(draw.randrange(20)) if i % 3 else None)
            for i in range(count)]
    return draw.sample(rows, count)


def many_paths(storage, count):
    db = made(f"many-{storage}.db", f"""CREATE VIRTUAL TABLE t USING art(path, size INTEGER, mtime REAL,
        owner TEXT NOT NULL DEFAULT 'nobody', pad, storage={storage},
        summary=(sum(size), max(mtime), lookup(owner), search(path)))""", "BEGIN")
    db.executemany("INSERT INTO t VALUES(?, ?, ?, ?, ?)", paths(count))
    for i in range(40):
        large = draw.randbytes(draw.randrange(4096, 60000)) if i % 2 else "x" * draw.randrange(3000, 9000)
        db.execute("INSERT INTO t(path, size, pad) VALUES(?, ?, ?)", (f"large/{i}", i, large))
    db.execute("COMMIT")
    db.execute("INSERT INTO t SELECT path || '~', size, mtime, owner, pad FROM t WHERE path GLOB 'usr/0[0-3]*'")
    same(db, "t")
    return db


def references():
    """Those to the chunks of large values, in blocks: some are records by accident. So begins that to a record of
    16,386 bytes: a header of 2, a BLOB of 26."""
    db = made("references.db", "CREATE VIRTUAL TABLE t USING art(path, n INTEGER, v)", "BEGIN")
    for i in range(6000):
        large = bytes(16386 - 9 + i // 50 % 10) if i % 50 == 7 else None
        db.execute("INSERT INTO t VALUES(?, ?, ?)", (f"a/name/{i:06}", i, large))
    db.execute("COMMIT")
    db.execute("INSERT INTO t(t) VALUES('optimize')")
    same(db, "t")


def summaries():
    """Their columns are kept in another order than CREATE names them; and a summary that came later."""
    lists = "lookup(c), min(b), hash(values), sum(a), hash(*), lookup(b), max(d), sum(b)", "max(d), search(c), sum(b), max(b)"
    for number, named in enumerate(lists):
        db = made(f"summary-{number}.db", f"CREATE VIRTUAL TABLE t USING art(path, a INTEGER, b INTEGER, c, d REAL, summary=({named}))", "BEGIN")
        for i in range(3000):
            text = "large" * 2000 if i % 500 == 3 else draw.choice(["2025-11-29", "some text", None, i])
            db.execute("INSERT INTO t VALUES(?, ?, ?, ?, ?)", (f"{i % 7}/{i}", i, -1 - i, text, i / 8 + 5000))
        db.execute("COMMIT")
        if number:
            db.execute(f"INSERT INTO t(t) VALUES('summary=({lists[0]})')")
        db.execute("INSERT INTO t(t) VALUES('flush')")
        same(db, "t")


def odd_texts():
    """What counts as having any trigram, and what a search makes of other values."""
    notes = ["\ufffd", "a\ufffeb", "\uffff", b"\xed\xa0\x80", b"\xff", "ä€𝄞", "CAPITALS", "ab", "", "x" * 5000, -1234567, 0.5, None]
    db = made("odd.db", "CREATE VIRTUAL TABLE t USING art(path, note, summary=(search(path), search(note)))", "BEGIN")
    for n, note in enumerate(notes):
        texts = [(f"{n:02}/{i:03}", note) for i in range(300)]
        db.executemany(f"INSERT INTO t VALUES(?, {'CAST(? AS TEXT)' if isinstance(note, bytes) else '?'})", texts)
        if isinstance(note, (str, bytes)):
            db.execute("INSERT INTO t VALUES(CAST(?1 || ?2 AS TEXT), ?2)", (f"keys/{n:02}/", note))
    db.executemany("INSERT INTO t VALUES(?, ?)", [(f"long/{len(key):04}/{key}", b"a BLOB") for key in ("k" * 4172, "k" * 4173)])
    for statement in "COMMIT", "INSERT INTO t(t) VALUES('optimize')":
        db.execute(statement)
    same(db, "t")


def changed(db):
    for statement in ("INSERT INTO t(t, snapshot) VALUES('snapshot', 'then')",
                      "UPDATE t SET size = -size WHERE path GLOB 'usr/1*'", "DELETE FROM t WHERE path GLOB 'usr/2*'",
                      "INSERT INTO t(t) VALUES('add column \"one more\" REAL -- more')",
                      "UPDATE t SET \"one more\" = size WHERE path GLOB 'usr/3*'"):
        db.execute(statement)
    same(db, "t")
    db.execute("INSERT INTO t(t) VALUES('optimize')")
    same(db, "t")
    same(db, "t", "then")
    db.execute("SELECT art_publish(?)", (str(folder / "published.db"),))
    db = made("published.db")
    same(db, "t")
    same(db, "t", "then")


def keys(storage):
    """Keys of several columns, of each kind of value, and keys of bytes; in the log, in several runs, and in one."""
    tables = {"a": "a INTEGER, b, key=(a, b DESC)",
              "b": "key=(x DESC, y DESC), x REAL, n NOT NULL DEFAULT 2.5, y NUMERIC",
              "c": "t TEXT, b BLOB, v, key=(b DESC, t DESC)", "d": "t TEXT, b BLOB, v, key=(t, b)",
              "e": '"a ""path"", it is" MYBLOB, "key" DOUBLE', "f": "x LONG\nDOUBLE, key=(x)", "empty": "path, value"}
    db = made(f"keys-{storage}.db", *[f"CREATE VIRTUAL TABLE {table} USING art({columns}, storage={storage})"
                                      for table, columns in tables.items()])
    numbers = [None, math.inf, -math.inf, 0.0, 0.1, -0.1, 1e-300, -5e-324, 127, -128, 127.5, -127.5, -256, -255,
               2**53 + 1, 4503599627370495.5, -4503599627370495.5, 2**63 - 1, -2**63, 2.0**63, -2.0**63, -1e19, 2.0**62]
    texts = [b"", b"a", b"a\0", b"\0\0b", "ä€".encode(), b"\xff", b"\xff\0\xff", b"x" * 3000, b"k" * 60000]
    blobs = [b"", b"\0", b"\0\xff", b"\xff" * 5, b"abc"]
    in_reals = ["", "a", "inf", "nan", "1_0", "12", " 1e3", "0x10", b"", b"12", b"inf"]
    for command in "flush", "optimize", None:
        pairs = [(number, other) for number in numbers for other in draw.sample(numbers, 4)]
        db.execute("BEGIN")
        db.executemany("INSERT OR REPLACE INTO a VALUES(?1, CAST(?2 AS TEXT))", pairs)
        db.executemany("INSERT OR REPLACE INTO b(x, y) VALUES(?, ?)", pairs)
        db.executemany("INSERT OR REPLACE INTO e VALUES(CAST(?1 || '/' || ?2 AS BLOB), ?1)", filter(all, pairs))
        for value in numbers + in_reals:
            db.execute("INSERT OR REPLACE INTO b(x, y) VALUES(?1, ?1)", (value,))
            db.execute("INSERT OR REPLACE INTO f VALUES(?)", (value,))
        for table in "cd":
            db.executemany(f"INSERT OR REPLACE INTO {table} VALUES(CAST(?1 AS TEXT), ?2, CAST(?1 AS TEXT))",
                           [(text, blob) for text in draw.sample(texts, 6) for blob in blobs])
        db.execute("COMMIT")
        for table in tables:
            same(db, table)
            if command:
                db.execute(f"INSERT INTO {table}({table}) VALUES(?)", (command,))
    for i in range(600):  # neighbours are far apart in time
        db.execute("INSERT INTO empty VALUES(?, ?)", (i * 7919 % 601, i))
    db.execute("INSERT INTO empty(empty, snapshot) VALUES('snapshot', 'small')")
    same(db, "empty", "small")


# ---- what is not known, and what is damaged

def strange():
    db = made("strange.db", "CREATE VIRTUAL TABLE t USING art", "INSERT INTO t VALUES('a', 1), ('b', zeroblob(9000))",
              "INSERT INTO t(t) VALUES('flush')", "INSERT INTO t VALUES('c', 3)", "INSERT INTO t VALUES('d', 4)")
    path, file = folder / "strange.db", folder / db.execute("SELECT v FROM t_artstate WHERE k = 'file'").fetchone()[0]
    db.close()

    def with_rows(what, says, statement):
        refused = sqlite3.connect(path, isolation_level=None)
        before = [refused.execute(f"SELECT * FROM t_art{table}").fetchall() for table in ("state", "data")]
        refused.execute(statement)
        refuses(what, says, path, "t")
        for table, rows in zip(("state", "data"), before):
            refused.execute(f"DELETE FROM t_art{table}")
            refused.executemany(f"INSERT INTO t_art{table} VALUES(?, ?)", rows)

    def with_byte(what, says, at, verified=True):
        content = bytearray(file.read_bytes())
        content[at] ^= 64
        whole, module = file.read_bytes(), reader.xxhash
        file.write_bytes(content)
        reader.xxhash = module if verified else None
        if not verified or module:
            refuses(what, says, path, "t")
        reader.xxhash = module
        file.write_bytes(whole)

    root = "UPDATE t_artdata SET ops = CAST(substr(ops, 1, 52) || x'41' || substr(ops, 54) AS BLOB) WHERE csn = 0"
    with_rows("another format", "format 11", "UPDATE t_artstate SET v = 11 WHERE k = 'format'")
    with_rows("a feature of the table", "needs magic", "INSERT INTO t_artstate VALUES('needs magic', 1)")
    with_rows("a copy that is unfinished", "is unfinished", "INSERT INTO t_artstate VALUES('copied', zeroblob(24))")
    with_rows("a feature of the root", "the root has a format not known", root)
    with_rows("a row of the log that is lost", "row 3 of the log is lost", "DELETE FROM t_artdata WHERE csn = 3")
    with_rows("a log that is lost", "the rows of the log are lost", "DELETE FROM t_artdata WHERE csn > 0")
    with_byte("a feature of the file", ".art has a format not known", 36)
    with_byte("a feature of a blob", "slot 1 has a format not known", 524288 + 523144 + 1090, False)
    with_byte("a blob that lacks entries", "not all entries of slot 1 were found", 524288 + 523144 + 1052, False)
    with_byte("another blob", "slot 1 has another blob", 524288 + 523144 + 1040)
    with_byte("a damaged page", "page 0 of slot 1 is damaged", 524288 + 20)
    refuses("another table", "has the art tables t", path, "u")
    refuses("a snapshot that is not there", "no whole snapshot then", path, "t", "then")
    expect("and nothing has changed", ["a", "b", "c", "d"], [row[0] for row in reader.Table(path, "t").rows()])


def literals():
    """SQLite reads the values that are printed as they were."""
    printf.text_factory = reader.text
    for value in (None, 0, -2**63, 0.1, -1e300, math.inf, -math.inf, 1e15, 2.0**63, "it's", "ä€\n", "a\0b", "\udcff", b"", b"\0'"):
        expect("a literal", repr(value), repr(printf.execute(f"SELECT {reader.literal(value)}").fetchone()[0]))


golden()
unfinished()
literals()
if extension:
    many_paths("file", 50000).execute("INSERT INTO t(t) VALUES('optimize')")
    same(made("many-file.db"), "t")
    changed(many_paths("inline", 8000))
    keys("file")
    keys("inline")
    references()
    summaries()
    odd_texts()
    strange()
print(f"{100 * (checks - failures) // checks}%: Checks: {checks}, Failures: {failures}, Errors: 0")
sys.exit(failures > 0)
