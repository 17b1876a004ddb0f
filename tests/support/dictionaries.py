"""Databases with an art table t, and dictionaries of what it has: for tests/stress/histories.py.

A row is its values as texts, without NULLs at its end: so 'add column' changes none.
"""
import itertools, os, random, shutil, sqlite3

PATHS = [b"", b"a", b"a/", b"a/b", b"a/b/c", b"bad\xff\x80", b"new\nline/\"x", b"nul\0/x", b"d/e/f/g/h"] + [
    top + sub + b"%d" % i for top in (b"a/", b"b/", b"") for sub in (b"", b"x/y/z/", b"\xc3\xa9/") for i in range(40)]
FLAT = [b"flat/%05d" % i for i in range(9000)]
PREFIXES = [b"a/", b"a/x/", b"a/x/y/z/", b"b/", b"b/\xc3\xa9/", b"flat/", b"flat/00", b"bad", b"1", b"m1/", b"m2/x/"]
VALUES = [None, 0, 1, 1.0, 1.5, -9e999, 9e999, 1e-300, 2**63 - 1, -2**63, "", "1", "text\0more", "\u00e9\n", b"", b"1",
          b"\x00\xff"]
COMMANDS = ["delete", *["move", "copy", "snapshot"] * 2, "drop snapshot", "bring", "flush", "optimize"]
draw, stamps = random.Random(), itertools.count(1)
checks, seen, meant = [0], {}, {}  # how many; hash -> what has it, and back

class Wrong(Exception):
    """The history goes no further"""

def same(what, came, right):
    checks[0] += 1
    if came != right and isinstance(came, dict) and isinstance(right, dict):
        came, right = ([item for item in one.items() if item not in other.items()][:4]
                       for one, other in ((came, right), (right, came)))
    if came != right:
        raise Wrong(f"{what}: {str(came)[:1500]}\n    and not {str(right)[:1500]}")

def as_row(values):
    row = [(len(v), hash(v)) if isinstance(v, (str, bytes)) and len(v) > 99 else repr(v) for v in values]
    while row and row[-1] == "None":
        row.pop()
    return tuple(row)

def plain(rows):
    return {path: row[0] for path, row in rows.items()}

def differences(old, new):
    return {path: "added" if path not in old else "deleted" if path not in new else "changed" for path in {**old, **new}
            if old.get(path) != new.get(path)}

class State:
    """rows: path -> (row, its transaction); those of each snapshot, and the snapshots that the COMMIT makes; the last
    transaction of our own, and all rows that it has written"""
    def __init__(self, rows=(), shots=(), made=(), columns=3, mark=0, written=()):
        self.rows, self.shots, self.made, self.columns, self.mark = dict(rows), dict(shots), list(made), columns, mark
        self.written = list(written)

    def copy(self):
        return State(self.rows, self.shots, self.made, self.columns, self.mark, self.written)

    def put(self, path, row, stamp):
        self.rows[path] = (row, stamp)
        self.written.append((path, row))

# ---- what a transaction does ----

def value():
    if draw.random() < .7:
        return draw.choice(VALUES)
    return draw.randbytes(draw.choice([6000, 70000] if draw.random() < .02 else [4, 8, 30, 300, 1000])).hex()

def command(new, stamp):
    """A command, if it may be given"""
    what, prefix, name = draw.choice(COMMANDS), draw.choice(PREFIXES), f"s{draw.randrange(3)}"
    target = draw.choice([b"m1/", b"m2/x/", b"b/", b"q"])
    source = new.shots.get(name, {}) if what == "bring" else new.rows
    below = {path: row for path, row in source.items() if path.startswith(prefix)}
    if what in ("flush", "optimize"):
        return "INSERT INTO t(t) VALUES(?)", what
    if what.endswith("snapshot"):
        if (name in new.shots) == (what == "snapshot") or name in new.made:
            return None
        new.made.append(name) if what == "snapshot" else new.shots.pop(name)
        return "INSERT INTO t(t, snapshot) VALUES(?, ?)", what, name
    if not below or what != "delete" and any(path.startswith(target) for path in new.rows):
        return None
    if what in ("move", "copy") and (prefix.startswith(target) or target.startswith(prefix)):
        return None
    for path, row in below.items():
        if what in ("delete", "move"):
            del new.rows[path]
        if what != "delete":
            new.put(target + path[len(prefix):], row[0], stamp)
    if what == "delete":
        return "INSERT INTO t(t, prefix) VALUES(?, CAST(? AS TEXT))", what, prefix
    if what == "bring":
        return ("INSERT INTO t(t, prefix, path, snapshot) VALUES('copy', CAST(? AS TEXT), CAST(? AS TEXT), ?)", prefix,
                target, name)
    return "INSERT INTO t(t, prefix, path) VALUES(?, CAST(? AS TEXT), CAST(? AS TEXT))", what, prefix, target

def change(new, stamp, most):
    """A random statement, if it finds something, and what it does"""
    what, other = draw.random(), draw.choice(PATHS)
    path = draw.choice(FLAT if draw.random() * 4000 < most else PATHS[:draw.choice([30, 369])])
    if what < .5:
        values = [value() for _ in range(new.columns)]
        values[2] = draw.choice([None, 1, draw.randrange(-9999, 1 << 40)])
        new.put(path, as_row(values), stamp)
        return f"INSERT OR REPLACE INTO t VALUES(CAST(? AS TEXT){', ?' * len(values)})", path, *values
    if what < .5 + 3 / most:
        prefix = draw.choice([p for p in PREFIXES if p.endswith(b"/")])
        for path in [path for path in new.rows if path.startswith(prefix)]:
            del new.rows[path]
        return "DELETE FROM t WHERE path GLOB CAST(? AS TEXT) || '*'", prefix
    if what < .6 + 5 / most:
        return command(new, stamp)
    if path not in new.rows or what > .9:
        return None
    if what < .8 or other in new.rows:
        del new.rows[path]
        return "DELETE FROM t WHERE path = CAST(? AS TEXT)", path
    new.put(other, new.rows.pop(path)[0], stamp)
    return "UPDATE t SET path = CAST(? AS TEXT) WHERE path = CAST(? AS TEXT)", other, path

def transaction(state):
    """Its statements, and what it leaves"""
    new, stamp, statements, saved = state.copy(), next(stamps), [("BEGIN IMMEDIATE",)], []
    new.written, most = [], draw.choice([1, 1, 5, 30, 200] * 5 + [4000])
    for _ in range(most):
        what = draw.random()
        if what < .03:
            saved.append(new.copy())
            statements.append((f"SAVEPOINT s{len(saved)}",))
        elif what < .05 and saved:
            new = saved[-1].copy()
            statements.append((f"ROLLBACK TO s{len(saved)}",))
        elif what < .06 and saved:
            statements.append((f"RELEASE s{len(saved)}",))
            saved.pop()
        else:
            statements += filter(None, [change(new, stamp, max(most, 30))])
    if draw.random() < .15:
        return statements + [("ROLLBACK",)], state
    new.shots.update((name, dict(new.rows)) for name in new.made)
    new.made, new.mark = [], stamp
    return statements + [("UPDATE mark SET n = ?", stamp), ("COMMIT",)], new

# ---- databases ----

def some_sums():
    extra = draw.sample(["hash(values)", "sum(n)", "max(n)", "search(path)", "lookup(a)"], draw.randrange(3))
    return f"summary=({', '.join(['hash(*)', *extra])})"

class Base:
    """A folder with data.db; ever: all rows that a transaction has written and not taken back"""
    def __init__(self, work, name):
        self.work, self.name, self.connection, self.state, self.ever = work, name, None, State(), set()
        self.folder, self.file = f"{work}/{name}", f"{work}/{name}/data.db"
        self.kept = self.unfinished = False  # as a copy: one for 'update', that nobody has written to

    def empty(self):
        self.close()
        shutil.rmtree(self.folder, True)
        os.mkdir(self.folder)
        return self

    def make(self):
        self.empty().run(f"PRAGMA page_size={draw.choice([512, 1024, 4096, 4096, 65536])}")
        self.run(f"PRAGMA journal_mode={draw.choice(['WAL', 'WAL', 'DELETE', 'TRUNCATE', 'PERSIST'])}")
        self.run(f"CREATE VIRTUAL TABLE t USING art(path, a, \"b b\", n INTEGER, {some_sums()}, storage="
                 f"{draw.choice(['file', 'file', 'inline'])}, log_limit='{draw.choice([4, 20, 100])}KB', spill_limit='"
                 f"{draw.choice(['100KB', '64MB'])}')")
        self.run("CREATE TABLE mark(n)")
        self.run("INSERT INTO mark VALUES(0)")
        return self

    def run(self, sql, *values):
        if not self.connection:
            self.connection = sqlite3.connect(self.file, isolation_level=None, timeout=30)
            self.connection.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
            self.connection.enable_load_extension(True)
            self.connection.load_extension(os.environ["ART_EXTENSION"])
            self.connection.execute("PRAGMA synchronous=OFF")
        return self.connection.execute(sql, values).fetchall()

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def commit(self, state):
        self.state = state
        self.ever.update(plain(state.rows).items())
        self.ever.update(state.written)

    def read(self, table="t", where=""):
        [[version]] = self.run("SELECT name FROM pragma_table_xinfo('t') "
                               "WHERE hidden AND name IN ('row_version', 'version')") # 1.0.0 calls it version
        rows = self.run(f"SELECT CAST(path AS BLOB), {version}, * FROM {table} {where}")
        return {path: (as_row(values), version) for path, version, _, *values in rows}

    def read_as_it_is(self):
        same(f"the last own transaction of {self.name}", self.run("SELECT n FROM mark"), [(self.state.mark,)])
        same("columns", self.run("SELECT count(*) FROM pragma_table_info('t')"), [(1 + self.state.columns,)])
        rows, known = self.read(), self.state.rows
        same(f"rows of {self.name}", plain(rows), plain(known))
        pairs = {(row[1], known[path][1]) for path, row in rows.items()}
        same("versions for transactions", [len({pair[i] for pair in pairs}) for i in (0, 1)], [len(pairs)] * 2)
        found = sorted(path for [path] in self.run("SELECT CAST(path AS BLOB) FROM t WHERE a = '1'"))
        same("rows with a value", found, sorted(path for path, row in known.items() if row[0][:1] == ("'1'",)))

    def ask(self, function, *arguments):
        [[value]] = self.run(f"SELECT {function}('t'{', ?' * len(arguments)})", *arguments)
        return value

    def sums(self, rows, summary, snapshot=None):
        rows = plain(rows)
        for prefix in [b"", *draw.sample(PREFIXES, 2)]:
            below = {path: row for path, row in rows.items() if path.startswith(prefix)}
            same("count", self.ask("art_count", prefix, snapshot), len(below))
            hashed = {"art_hash": frozenset(below.items())}
            if "hash(values)" in summary:
                hashed["art_hash_values"] = tuple(sorted(map(str, below.values())))
            for function, what in hashed.items():
                h = self.ask(function, prefix, snapshot)
                known = seen.setdefault((function, h), what), meant.setdefault(what, h)
                same(f"{function} below {prefix} of {self.name}", known, (what, h))
            if "sum(n)" in summary:
                numbers = [row[2] for row in below.values() if len(row) > 2]
                same("sum", self.ask("art_sum", "n", prefix, snapshot), sum(int(n) for n in numbers if n != "None"))

    def look(self, verify=False):
        state = self.state
        self.read_as_it_is()
        [[summary]] = self.run("SELECT value FROM art_info('t') WHERE property = 'summary'")
        self.sums(state.rows, summary)
        same("snapshots", [name for [name] in self.run("SELECT name FROM art_snapshots('t')")], sorted(state.shots))
        for name in state.shots if verify else draw.sample(sorted(state.shots), min(1, len(state.shots))):
            then, found = state.shots[name], self.read(where=f"WHERE snapshot = '{name}'")
            same(f"rows of the snapshot {name} of {self.name}", plain(found), plain(then))
            self.sums(then, summary, name)
            found = self.run("SELECT CAST(path AS BLOB), change FROM art_diff('t', ?, NULL)", name)
            same(f"art_diff since {name} of {self.name}", dict(found), differences(then, state.rows))
        if verify or draw.random() < .2:
            same(f"art_verify of {self.name}", self.run("SELECT art_verify()")[0][0][:15], "ok: 1 art table")
