"""Everything is asked cold: tables of every density are made, closed, and asked each kind of question by a process that
has read nothing of them before, in all modes of I/O; so are what art_publish() and art_backup() make of them, and what
art_salvage() shows. An ordinary table has the same rows, and reader.py reads them by core/FORMAT.md alone.

    cold.py <library without .so> <folder> [how many cases [the first one]]

This process never loads the library: what it forks has no cache of it. For test_cold.sh.
"""
import collections
import hashlib
import os
import pathlib
import pickle
import random
import shutil
import sqlite3
import sys
import traceback
import zlib

import reader

extension, folder = sys.argv[1], pathlib.Path(sys.argv[2])
percent = int(os.environ.get("ART_TEST_PERCENT", 100)) * int(os.environ.get("ART_TEST_SCALE", 1))
cases = int(sys.argv[3]) if len(sys.argv) > 3 else max(1, 50 * percent // 100)
first = int(sys.argv[4]) if len(sys.argv) > 4 else 0
drawn = os.environ.get("ART_TEST_DRAW")
seed = int(str(os.environ.get("ART_TEST_SEED") or (zlib.crc32(f"{drawn} cold".encode()) if drawn else random.randrange(1 << 40))), 0)
print(f"cold: ART_TEST_SEED={seed}", flush=True)
counts, failures = collections.Counter(), 0

# A number that gets longer, a part that leaves its page, units of two buckets; one below and one above.
BUCKETS = [1, 2, 3, 50, 127, 128, 129, 149, 150, 151, 255, 256, 257, 390, 490, 491, 492, 493, 511, 512, 513, 600, 767, 1025]
# What 1.0.0 could not read, or did not write; and in `make check` at least one table of many small commits.
FIRST = [("files", "inline", 513), ("files", "file", 511), ("crowded", "inline", 256),
         ("frequent", "file", 150), ("paths", "file", 60)]
MODES = [{}, {"ART_IO": "pwrite"}, {"ART_DIRECT": "off"}, {"ART_IO": "pwrite", "ART_DIRECT": "off"}]
VALUES = "size INTEGER, mtime REAL, owner TEXT, note"


# ---- a process for each question

def connect(uri, image=None):
    db = sqlite3.connect(uri, uri=True, isolation_level=None)
    db.enable_load_extension(True)
    db.load_extension(extension)
    db.text_factory = reader.text
    if image:
        db.deserialize(pathlib.Path(image).read_bytes())
    return db


def elsewhere(function, mode={}):
    """What the function returns in a process of its own, or an error"""
    down, up = os.pipe()
    child = os.fork()
    if not child:
        status = 1
        try:
            os.environ.update(mode)
            with os.fdopen(up, "wb") as pipe:
                try:
                    pickle.dump(function(), pipe)
                except Exception as error:
                    pickle.dump(f"{type(error).__name__}: {error}", pipe)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(status)
    os.close(up)
    with os.fdopen(down, "rb") as pipe:
        data = pipe.read()
    status = os.waitpid(child, 0)[1]
    counts["processes"] += 1
    return pickle.loads(data) if data and not status else f"the process has ended with {os.waitstatus_to_exitcode(status)}"


def told(rows):
    """Rows with their types: a few as they are, else how many, and a hash"""
    rows = [tuple(map(repr, row)) for row in rows]
    size = sum(len(value) for row in rows for value in row)
    return rows if len(rows) < 60 and size < 5000 else (len(rows), hashlib.md5(repr(rows).encode("utf-8", "replace")).hexdigest())


def expect(case, what, wanted, found):
    global failures
    counts["answers"] += 1
    if wanted != found:
        failures += 1
        case.wrong += 1
        print(f"case {case.number} ({case}): {what}\n    wanted: {wanted!r:.300}\n    found:  {found!r:.300}", flush=True)


# ---- tables

class Case:
    """A table: what CREATE says of it, its rows, and how they come into it"""

    def __init__(self, number):
        self.number, self.draw, self.wrong = number, random.Random(f"{seed} {number}"), 0
        draw = self.draw
        self.shape, self.storage, self.buckets = (FIRST[number:number + 1] or [
            (draw.choice(list(SHAPES)), draw.choice(["file", "inline"]), draw.choice(BUCKETS))])[0]
        self.page_size = draw.choice([512, 1024, 4096, 4096, 4096, 8192, 65536])
        self.journal = draw.choice(["WAL", "DELETE"])
        self.keys = {"bytes": "blob", "pairs": "blob", "several": "several"}.get(self.shape, "text")
        self.summary = self.draw_summary()
        self.steps = "optimize" if number < 4 else draw.choice(["optimize", "optimize", "flush", "", "changed", "changed optimize"])
        self.commits = 1 if number < 4 else 40 if number == 4 else draw.choice([1, 1, 5, 40])
        count = max(1, 128 * self.buckets + draw.choice([-127, -64, -1, 0, 0, 1]))
        self.rows = sorted({row[0]: row for row in SHAPES[self.shape](draw, count)}.values(), key=lambda row: ordered(row[0]))
        if number > 4 and draw.random() < .3:
            draw.shuffle(self.rows)

    def draw_summary(self):
        draw, possible = self.draw, ["sum(size)", "max(mtime)", "min(size)", "min(note)", "lookup(owner)", "lookup(note)",
                                     "search(note)", "hash(*)"] + ["search(path)"] * (self.keys == "text")
        if self.shape in ("notes", "crowded", "frequent"):
            return ["search(note)"]
        return draw.choice([[], draw.sample(possible, 1), draw.sample(possible, 3), draw.sample(possible, len(possible))])

    def __str__(self):
        return (f"{self.shape}, {len(self.rows)} rows for {self.buckets} buckets, storage={self.storage}, "
                f"pages of {self.page_size}, {self.journal}, {self.commits} commits, {self.steps or 'as loaded'}, "
                f"summary=({', '.join(self.summary)})")

    def create(self):
        names = {"text": "path", "blob": "path BLOB", "several": "a TEXT, b INTEGER, key=(a, b DESC)"}[self.keys]
        summary = f", summary=({', '.join(self.summary)})" if self.summary else ""
        return f"CREATE VIRTUAL TABLE t USING art({names}, {VALUES}, storage={self.storage}{summary})"

    def ordinary(self):
        key = "a, b DESC" if self.keys == "several" else "path"
        names = {"text": "path TEXT", "blob": "path BLOB", "several": "a TEXT, b INTEGER"}[self.keys]
        return f"CREATE TABLE t({names}, {VALUES}, PRIMARY KEY({key})) WITHOUT ROWID"

    def insert(self):
        return f"INSERT INTO t VALUES({', '.join('?' * (6 if self.keys == 'several' else 5))})"

    def flat(self, row):
        return (*row[0], *row[1:]) if self.keys == "several" else row

    def changes(self):
        key = "a" if self.keys == "several" else "path"
        middle = self.flat(self.rows[len(self.rows) // 2])[0]
        return [(f"DELETE FROM t WHERE {key} < ? AND length({key}) % 3 = 1", (middle,)),
                (f"UPDATE t SET size = 77, owner = 'somebody' WHERE {key} > ? AND mtime > 5", (middle,)),
                (f"DELETE FROM t WHERE size % 5 = 1", ())]

    def fill(self, db, art):
        """Into both tables the same"""
        part = -(-len(self.rows) // self.commits)
        for at in range(0, len(self.rows), part):
            db.execute("BEGIN")
            db.executemany(self.insert(), map(self.flat, self.rows[at:at + part]))
            db.execute("COMMIT")
        if "changed" in self.steps:
            if art:
                db.execute("INSERT INTO t(t) VALUES('flush')")
                db.execute("INSERT INTO t(t, snapshot) VALUES('snapshot', 'then')")
            for change in self.changes():
                db.execute(*change)
        if art and self.steps.split()[-1:] in (["optimize"], ["flush"]):
            db.execute("INSERT INTO t(t) VALUES(?)", self.steps.split()[-1:])

    def make(self, path):
        """Returns what only art says of it."""
        db = connect(f"file:{path}")
        for statement in (f"PRAGMA page_size={self.page_size}", f"PRAGMA journal_mode={self.journal}", "PRAGMA synchronous=OFF", self.create()):
            db.execute(statement).fetchall()
        self.fill(db, True)
        said = {"hash": told(db.execute(self.hash()).fetchall())} if "hash(*)" in self.summary else {}
        db.close()
        return said

    def hash(self):
        return f"SELECT art_hash('t', {'x' * (self.keys != 'text')}'')"


def copied(path, backup, published, storage):
    """By a process that has read nothing of it, either"""
    db = connect(f"file:{path}")
    db.execute("SELECT art_backup(?, 'main', ?)", (str(backup), storage)).fetchall()
    db.execute("SELECT art_publish(?)", (str(published),)).fetchall()
    db.close()


def ordered(key):
    """A key that sorts as SQLite's do"""
    return (key[0].encode(), -key[1]) if isinstance(key, tuple) else key if isinstance(key, bytes) else key.encode()


# ---- what rows look like

def rare(draw, one_in, value):
    return value() if draw.randrange(one_in) == 0 else None


def values(draw, at):
    note = draw.choice([None, "", f"note {at % 50}", draw.randbytes(draw.randrange(30)), at, "2026-11-30"])
    return at % 1000 * 37, at / 4, draw.choice([None, "root", "ada", f"user{at % 40}"]), note


def files(draw, count):
    one_in = draw.choice([count + 1, 900])
    return [(f"IMG_{at:06}.jpeg", rare(draw, one_in, lambda: at), None, None, None) for at in range(count)]


def numbers(draw, count):
    return [(f"{at:07}", None, None, None, None) for at in range(count)]


def texts(draw, count, every, texts, size):
    """Of many words each, among rows of hardly a byte"""
    letters = "".join(map(chr, range(33, 97)))
    return [(f"{at:07}", None, None, None, "".join(draw.choices(letters, k=size))
             if at % every == 5 and at // every < texts else None) for at in range(count)]


def notes(draw, count):
    every, several = draw.choice([50, 256, 256, 1000]), draw.randrange(60)
    return texts(draw, max(1, count - 56 * several), every, several, draw.randrange(1000, 1800))


def crowded(draw, count):
    """One blob of exactly 256 buckets, with terms that eight bits a unit have room for, and nine have not"""
    return texts(draw, draw.randrange(31400, 31500), 256, 28, 1710)


def frequent(draw, count):
    """A text that gets into its 151st unit with the last rows of a blob that is full"""
    letters = "".join(map(chr, range(33, 97)))
    common, own = "".join(draw.choices(letters, k=1600)), lambda: "".join(draw.choices(letters, k=1290))
    rows = [(None, None, draw.randbytes(906), common + own()) for _ in range(18)]
    rows += [(None, None, draw.randbytes(100) if at % 129 == 128 else None, common if at % 129 in (0, 128) else None)
             for at in range(5031)]
    rows += [(None, None, draw.randbytes(2196), common) for _ in range(55)]
    return [(f"{at:07}", *row) for at, row in enumerate(rows)]


def paths(draw, count):
    count = min(count, 40000)
    return [(f"usr/{at % 97:02}/lib{at * 7919 % 1000003:07}/file-{at}.txt", *values(draw, at)) for at in range(count)]


def same(draw, count):
    """All have one and the same values, or one of two"""
    return [(f"home/ada/photos/{at // 1000:04}/{at:08}", 4096, 17.5, "ada", draw.choice(["x", "x", "y"])) for at in range(min(count, 60000))]


def random_keys(draw, count):
    return [(draw.randbytes(12).hex(), *values(draw, at)) for at in range(min(count, 20000))]


def long_keys(draw, count):
    begin = "d" * draw.choice([100, 1000, 3700, 3900])
    return [(f"{begin}/{at * 7919 % 100003:06}{'e' * draw.choice([0, 0, 300, 9000])}", *values(draw, at)) for at in range(min(count, 1500))]


def bytes_of_any_kind(draw, count):
    return [(draw.randbytes(draw.choice([1, 3, 9, 60])) + draw.choice([b"", b"\0", b"\xff\xff"]), *values(draw, at))
            for at in range(min(count, 15000))]


def pairs(draw, count):
    return [(bytes([at // 256, at % 256]), None, None, None, None) for at in range(min(count, 65536))]


def several(draw, count):
    return [((f"tenant{at % 29}" + "\0" * (at % 7 == 0), at * 7919 % 100003 - 50000), *values(draw, at)) for at in range(min(count, 25000))]


def large(draw, count):
    sizes = [0, 1, 4095, 4096, 4097, 16383, 16384, 16385, 65535, 65537, 524288, 2000000, 5000000]
    return [(f"large/{size:07}-{i}", size, None, "ada", draw.randbytes(size) if i else "x" * size) for size in sizes for i in range(2)]


SHAPES = {"files": files, "numbers": numbers, "notes": notes, "crowded": crowded, "frequent": frequent, "paths": paths,
          "same": same, "random": random_keys, "long": long_keys, "bytes": bytes_of_any_kind, "pairs": pairs,
          "several": several, "large": large}


# ---- questions: a name; what an art table is asked, and an ordinary one; arguments

def questions(case):
    draw, summary = case.draw, case.summary
    keys = [case.flat(row)[0] for row in draw.choices(case.rows, k=4)]
    key = "a, b DESC" if case.keys == "several" else "path"
    asked = [("all", f"SELECT * FROM t ORDER BY {key}", None, ()),
             ("in its order", "SELECT * FROM t", f"SELECT * FROM t ORDER BY {key}", ()),
             ("aggregates", "SELECT count(*), count(size), sum(size), max(mtime), min(mtime), max(note) FROM t", None, ()),
             ("a condition", "SELECT count(*), min(size) FROM t WHERE size > 20000 AND owner IS NOT 'ada'", None, ()),
             ("best", "SELECT size FROM t ORDER BY size DESC LIMIT 20", None, ()),
             ("least", "SELECT mtime FROM t WHERE mtime IS NOT NULL ORDER BY mtime LIMIT 20", None, ()),
             ("owner", f"SELECT * FROM t WHERE owner = ? ORDER BY {key} LIMIT 300", None, (draw.choice(["root", "user7", "somebody", "nobody"]),)),
             ("a note", f"SELECT * FROM t WHERE note = ? ORDER BY {key} LIMIT 300", None, (draw.choice(["note 7", "y", 12, "2026-11-30"]),)),
             ("offset", f"SELECT * FROM t ORDER BY {key} LIMIT 3 OFFSET ?", None, (draw.randrange(len(case.rows)),)),
             ("check", "SELECT art_check('t')", "SELECT 'ok'", ()),
             ("verify", "SELECT substr(art_verify(), 1, 15)", "SELECT 'ok: 1 art table'", ())]
    asked += {"text": of_paths, "blob": of_bytes, "several": of_several}[case.keys](case, keys)
    if "changed" in case.steps:
        asked.append(("a snapshot", f"SELECT * FROM t WHERE snapshot = 'then' ORDER BY {key}", f"SELECT * FROM before ORDER BY {key}", ()))
    return asked


def below(case, part):
    """The functions that go by a prefix, and what an ordinary table says"""
    sql = f"FROM t WHERE substr(path, 1, {len(part)}) = ?1"
    asked = [("count", "SELECT art_count('t', ?1)", f"SELECT count(*) {sql}", (part,)),
             ("nth", "SELECT art_nth('t', ?1, 5)", f"SELECT (SELECT path {sql} ORDER BY path LIMIT 1 OFFSET 5)", (part,)),
             ("rank", "SELECT art_rank('t', ?1)", "SELECT count(*) FROM t WHERE path < ?1", (part,))]
    if "sum(size)" in case.summary:
        asked.append(("sum", "SELECT art_sum('t', 'size', ?1)", f"SELECT ifnull(sum(size), 0) {sql}", (part,)))
    for column, one in ("mtime", "max(mtime)"), ("size", "min(size)"):
        if one in case.summary:
            asked.append(("extremes", f"SELECT art_max('t', '{column}', ?1), art_min('t', '{column}', ?1)",
                          f"SELECT max({column}), min({column}) {sql}", (part,)))
    return asked


def of_paths(case, keys):
    one, two = sorted(keys[:2], key=ordered)
    part, word = keys[2][:case.draw.randrange(len(keys[2]) + 1)], keys[3][-case.draw.choice([3, 5, 7, 9]):]
    at = f"instr(substr(path, {len(part)} + 1), '/')"
    names = f"""SELECT CASE WHEN {at} THEN substr(path, 1, {len(part)} + {at}) ELSE path END, CASE WHEN {at} THEN count(*) END
        FROM t WHERE substr(path, 1, {len(part)}) = ?1 GROUP BY 1 ORDER BY 1"""
    return below(case, part) + [
        ("point", "SELECT * FROM t WHERE path = ?", None, (keys[0],)),
        ("a name that is not there", "SELECT * FROM t WHERE path = ?", None, (keys[0] + "~",)),
        ("points", "SELECT * FROM t WHERE path IN (?, ?, ?) ORDER BY path", None, (keys[1], keys[2], keys[3] + "x")),
        ("range", "SELECT * FROM t WHERE path >= ? AND path < ? ORDER BY path LIMIT 400", None, (one, two)),
        ("range, backwards", "SELECT * FROM t WHERE path < ? ORDER BY path DESC LIMIT 40", None, (two,)),
        ("glob", "SELECT * FROM t WHERE path GLOB ? ORDER BY path LIMIT 400", None, (part + "*",)),
        ("search", "SELECT * FROM t WHERE path LIKE ? ORDER BY path LIMIT 200", None, (f"%{word}%",)),
        ("search of notes", "SELECT * FROM t WHERE note LIKE ? ORDER BY path LIMIT 200", None, (case.draw.choice(["%ote 4%", "%-11-%", "%xyz%"]),)),
        ("best below", "SELECT size FROM t WHERE path GLOB ? ORDER BY size DESC LIMIT 7", None, (part + "*",)),
        ("listing", "SELECT path, entries FROM t WHERE prefix = ?1 AND delimiter = '/'", names, (part,)),
        ("longest prefix", "SELECT art_longest_prefix('t', ?1)", "SELECT max(path) FROM t WHERE substr(?1, 1, length(path)) = path",
         (keys[1] + "/x",))]


def of_bytes(case, keys):
    one, two = sorted(keys[:2])
    return below(case, keys[2][:case.draw.randrange(len(keys[2]) + 1)]) + [
        ("point", "SELECT * FROM t WHERE path = ?", None, (keys[0],)),
        ("a name that is not there", "SELECT * FROM t WHERE path = ?", None, (keys[0] + b"\0\1",)),
        ("range", "SELECT * FROM t WHERE path >= ? AND path < ? ORDER BY path LIMIT 400", None, (one, two)),
        ("range, backwards", "SELECT * FROM t WHERE path < ? ORDER BY path DESC LIMIT 40", None, (two,))]


def of_several(case, keys):
    (a, b), (c, d) = (row[0] for row in case.draw.choices(case.rows, k=2))
    return [("point", "SELECT * FROM t WHERE a = ? AND b = ?", None, (a, b)),
            ("a name that is not there", "SELECT * FROM t WHERE a = ? AND b = ?", None, (a, b + 1)),
            ("a tenant", "SELECT * FROM t WHERE a = ? ORDER BY b DESC LIMIT 300", None, (c,)),
            ("range", "SELECT * FROM t WHERE a = ? AND b < ? ORDER BY b DESC LIMIT 50", None, (c, d)),
            ("range, backwards", "SELECT * FROM t WHERE a = ? AND b > ? ORDER BY b LIMIT 50", None, (c, d)),
            ("count", "SELECT art_count('t', art_key('t', ?1))",
             "SELECT count(*) FROM t WHERE substr(CAST(a AS BLOB), 1, length(CAST(?1 AS BLOB))) = CAST(?1 AS BLOB)", (c,)),
            ("rows of one", "SELECT count(*), max(b) FROM t WHERE a = ?", None, (a,))]


# ---- one case

def forget(*paths):
    """The system has none of it at hand"""
    for path in paths:
        with open(path, "rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def saved_rows(path, key):
    def ask():
        db = connect(f"file:{path}")
        db.execute("CREATE VIRTUAL TABLE temp.saved USING art_salvage('t')")
        return told(db.execute(f"SELECT * FROM temp.saved ORDER BY {key}").fetchall())
    return ask


def run(case):
    here = folder / str(case.number)
    here.mkdir()
    path, backup, published = here / "a.db", here / "backup.db", here / "published.db"
    said = elsewhere(lambda: case.make(path))
    if not isinstance(said, dict):
        return expect(case, "it is made", "no error", said)
    copies = elsewhere(lambda: copied(path, backup, published, case.draw.choice(["inline", "file"])))
    expect(case, "it is copied", None, copies)
    plain = sqlite3.connect(":memory:", isolation_level=None)
    plain.text_factory = reader.text
    plain.execute(case.ordinary())
    plain.execute(case.ordinary().replace("TABLE t", "TABLE before"))
    plain.executemany(case.insert().replace("INTO t", "INTO before"), map(case.flat, case.rows))
    case.fill(plain, False)
    asked = [(name, sql, told(plain.execute(other or sql, arguments).fetchall()), arguments)
             for name, sql, other, arguments in questions(case)]
    if "hash" in said:
        asked.append(("hash", case.hash(), said["hash"], ()))
    places = [("", f"file:{path}", mode, None) for mode in (MODES if case.storage == "file" else MODES[:1])]
    if not copies:
        places += [("backup ", f"file:{backup}", {}, None), ("published ", f"file:{published}?immutable=1&mode=ro", {}, None),
                   ("published, in memory ", ":memory:", {}, published)]
    for number, (where, uri, mode, image) in enumerate(places):
        if case.draw.random() < .5:
            forget(*here.glob("*"))
        # most questions of `make check` are those to the table as it is
        some = asked if not number or percent >= 100 else case.draw.sample(asked, min(6, len(asked)))
        for name, sql, wanted, arguments in some:
            if case.wrong > 4:
                break
            found = elsewhere(lambda: told(connect(uri, image).execute(sql, arguments).fetchall()), mode)
            expect(case, f"{where}{name} {mode or ''}: {sql}, {arguments!r:.100}", wanted, found)
    everything = asked[0][2]
    expect(case, "salvage", everything, elsewhere(saved_rows(path, "a, b DESC" if case.keys == "several" else "path")))
    if len(case.rows) < 6000 or percent >= 100:
        found = elsewhere(lambda: told(reader.Table(path, "t").rows()))
        expect(case, "reader.py", everything, found)


for number in range(first, first + cases):
    case = Case(number)
    run(case)
    counts["cases"] += 1
    shutil.rmtree(folder / str(number))
print(", ".join(f"{count} {what}" for what, count in counts.items()))
print(f"{100 * (counts['answers'] - failures) // max(1, counts['answers'])}%: Checks: {counts['answers']}, Failures: {failures}, Errors: 0")
sys.exit(failures > 0)
