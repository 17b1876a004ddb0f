"""Random histories of two databases whose table t is written, synced, copied, restored, damaged and salvaged, and of processes that are
killed meanwhile, against dictionaries. Hashes are equal exactly where dictionaries are.

    ART=art.so histories.py [how many histories [the first one's seed]]

A failure prints its seed and the last steps. The moment of a kill is no part of the seed.
"""
import glob, itertools, os, random, shutil, signal, sqlite3, subprocess, sys, tempfile, time, traceback

SYNC = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../sql/sync.py")
PATHS = [b"", b"a", b"a/", b"a/b", b"a/b/c", b"bad\xff\x80", b"new\nline/\"x", b"nul\0/x", b"d/e/f/g/h"] + [
    b"%s%s%d" % (top, sub, i) for top in (b"a/", b"b/", b"") for sub in (b"", b"x/y/z/", b"\xc3\xa9/") for i in range(40)] + [
    b"flat/%05d" % i for i in range(9000)]
PREFIXES = [b"a/", b"a/x/", b"a/x/y/z/", b"b/", b"b/\xc3\xa9/", b"flat/", b"flat/00", b"bad", b"1", b"m1/", b"m2/x/"]
VALUES = [None, 0, 1, 1.0, 1.5, -9e999, 9e999, 2**63 - 1, -2**63, "", "1", "text\0more", "\u00e9\n", b"", b"1", b"\x00\xff", 1e-300]
draw, stamps, work = random.Random(), itertools.count(1), tempfile.mkdtemp(prefix="histories-")
checks = failures = 0
steps, seen, meant, bases, copies = [], {}, {}, {}, {}

class Wrong(Exception):
    """The history goes no further"""

def same(what, came, right):
    global checks
    checks += 1
    if came != right:
        if isinstance(came, dict):
            came, right = ([item for item in one.items() if item not in other.items()][:4] for one, other in ((came, right), (right, came)))
        raise Wrong(f"{what}: {str(came)[:1500]}\n    and not {str(right)[:1500]}")

def cells(values):
    shown = [repr(v) if not isinstance(v, (str, bytes)) or len(v) < 99 else (len(v), hash(v)) for v in values]
    while shown and shown[-1] == "None":
        shown.pop()
    return tuple(shown)

class State:
    """rows: path -> (cells, the transaction that wrote it); shots: the rows of each snapshot; made: at the COMMIT"""
    def __init__(self, rows=(), shots=(), made=(), columns=3, mark=0):
        self.rows, self.shots, self.made, self.columns, self.mark = dict(rows), dict(shots), list(made), columns, mark

    def copy(self):
        return State(self.rows, self.shots, self.made, self.columns, self.mark)

def plain(rows):
    return {path: row[0] for path, row in rows.items()}

# ---- writing ----

def value():
    return draw.choice(VALUES) if draw.random() < .7 else draw.randbytes(draw.choice([9, 300, 300, 2000, 6000, 70000]) if
                                                                         draw.random() < .3 else 8).hex()

def command(new, stamp):
    """A command, if it may be given"""
    prefix, target, name = draw.choice(PREFIXES), draw.choice([b"m1/", b"m2/x/", b"b/", b"q"]), f"s{draw.randrange(3)}"
    what = draw.choice(["delete", "move", "move", "copy", "copy", "snapshot", "snapshot", "drop snapshot", "bring", "flush", "optimize"])
    source = new.shots.get(name, {}) if what == "bring" else new.rows
    below = {path: row for path, row in source.items() if path.startswith(prefix)}
    if what in ("flush", "optimize"):
        return "INSERT INTO t(t) VALUES(?)", what
    if what.endswith("snapshot"):
        if what == "snapshot" and name not in new.shots and name not in new.made:
            new.made.append(name)
        elif what != "snapshot" and name in new.shots:
            del new.shots[name]
        else:
            return None
        return "INSERT INTO t(t, snapshot) VALUES(?, ?)", what, name
    if not below or what != "delete" and any(path.startswith(target) for path in new.rows):
        return None
    if what in ("move", "copy") and (prefix.startswith(target) or target.startswith(prefix)):
        return None
    for path, row in below.items():
        if what in ("delete", "move"):
            del new.rows[path]
        if what != "delete":
            new.rows[target + path[len(prefix):]] = (row[0], stamp)
    if what == "delete":
        return "INSERT INTO t(t, prefix) VALUES(?, CAST(? AS TEXT))", what, prefix
    if what == "bring":
        return "INSERT INTO t(t, prefix, path, snapshot) VALUES('copy', CAST(? AS TEXT), CAST(? AS TEXT), ?)", prefix, target, name
    return "INSERT INTO t(t, prefix, path) VALUES(?, CAST(? AS TEXT), CAST(? AS TEXT))", what, prefix, target

def change(new, stamp):
    """A random statement, and what it does"""
    what, path, other = draw.random(), draw.choice(PATHS[:draw.choice([60, 369, len(PATHS)])]), draw.choice(PATHS)
    if what < .5:
        values = [value(), value(), draw.choice([None, 1, draw.randrange(-9999, 1 << 40)])] + [value() for _ in range(3, new.columns)]
        new.rows[path] = (cells(values), stamp)
        return f"INSERT OR REPLACE INTO t VALUES(CAST(? AS TEXT){', ?' * len(values)})", path, *values
    if what < .55:
        prefix = draw.choice([p for p in PREFIXES if p.endswith(b"/")])
        for path in [path for path in new.rows if path.startswith(prefix)]:
            del new.rows[path]
        return "DELETE FROM t WHERE path GLOB CAST(? AS TEXT) || '*'", prefix
    if what < .7:
        return command(new, stamp)
    if path not in new.rows:
        return None
    if what < .85:
        del new.rows[path]
        return "DELETE FROM t WHERE path = CAST(? AS TEXT)", path
    if what < .92 and other not in new.rows:
        new.rows[other] = (new.rows.pop(path)[0], stamp)
        return "UPDATE t SET path = CAST(? AS TEXT) WHERE path = CAST(? AS TEXT)", other, path
    return None

def transaction(state, most=None):
    """Its statements, and what it leaves"""
    new, stamp, statements, saved = state.copy(), next(stamps), [("BEGIN IMMEDIATE",)], []
    for _ in range(most or draw.choice([1, 1, 5, 30, 200])):
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
            statements += filter(None, [change(new, stamp)])
    if draw.random() < .15 and not most:
        return statements + [("ROLLBACK",)], state
    new.shots.update((name, dict(new.rows)) for name in new.made)
    new.made, new.mark = [], stamp
    return statements + [("UPDATE mark SET n = ?", stamp), ("COMMIT",)], new

# ---- databases ----

class Base:
    def __init__(self, name):
        self.name, self.connection, self.state, self.ever = name, None, State(), set()
        self.folder, self.file = f"{work}/{name}", f"{work}/{name}/data.db"
        self.kept = self.unfinished = False

    def make(self):
        shutil.rmtree(self.folder, True)
        os.mkdir(self.folder)
        sums = ["hash(*)"] + draw.sample(["hash(values)", "sum(n)", "max(n)", "search(path)", "lookup(a)"], draw.randrange(3))
        self.run(f"PRAGMA page_size={draw.choice([512, 1024, 4096, 4096, 65536])}")
        self.run(f"PRAGMA journal_mode={draw.choice(['WAL', 'WAL', 'DELETE', 'TRUNCATE', 'PERSIST'])}")
        self.run(f"CREATE VIRTUAL TABLE t USING art(path, a, \"b b\", n INTEGER, summary=({', '.join(sums)}), storage="
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
            self.connection.load_extension(os.environ["ART"])
            self.connection.execute("PRAGMA synchronous=OFF")
        return self.connection.execute(sql, values).fetchall()

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def commit(self, state):
        self.state = state
        self.ever.update(plain(state.rows).items())

    def read(self, table="t", where=""):
        return {row[0]: (cells(row[3:]), row[1]) for row in self.run(f"SELECT CAST(path AS BLOB), version, * FROM {table} {where}")}

    def read_as_it_is(self):
        rows, known = self.read(), self.state.rows
        same(f"rows of {self.name}", plain(rows), plain(known))
        pairs = {(row[1], known[path][1]) for path, row in rows.items()}
        same("versions are those of transactions", [len({pair[i] for pair in pairs}) for i in (0, 1)], [len(pairs)] * 2)

    def hashes(self, rows, *snapshot):
        for prefix in [b""] + draw.sample(PREFIXES, 2):
            below = frozenset((path, row) for path, row in plain(rows).items() if path.startswith(prefix))
            [[h, count]] = self.run("SELECT art_hash('t', ?1, ?2), art_count('t', ?1, ?2)", prefix, *snapshot or [None])
            same("count", count, len(below))
            same(f"hash below {prefix} of {self.name}", (seen.setdefault(h, below), meant.setdefault(below, h)), (below, h))

    def look(self, verify=False):
        state = self.state
        self.read_as_it_is()
        self.hashes(state.rows)
        same("snapshots", [name for [name] in self.run("SELECT name FROM art_snapshots('t')")], sorted(state.shots))
        for name in state.shots if verify else draw.sample(sorted(state.shots), min(1, len(state.shots))):
            then = state.shots[name]
            same(f"rows of the snapshot {name} of {self.name}", plain(self.read(where=f"WHERE snapshot = '{name}'")), plain(then))
            self.hashes(then, name)
            found = dict(self.run("SELECT CAST(path AS BLOB), change FROM art_diff('t', ?, NULL)", name))
            same(f"art_diff since {name} of {self.name}", found, differences(then, state.rows))
        if verify or draw.random() < .2:
            same(f"art_verify of {self.name}", self.run("SELECT art_verify()")[0][0][:15], "ok: 1 art table")

def differences(old, new):
    return {path: "added" if path not in old else "deleted" if path not in new else "changed" for path in {**old, **new}
            if old.get(path) != new.get(path)}

# ---- processes that are killed ----

def kill(pid, ended, *folders):
    """At a random moment, or just behind the next change of a file"""
    files = lambda: [[(entry.name, entry.stat().st_mtime_ns) for entry in os.scandir(folder)] for folder in folders]
    watches = draw.random() < .6
    try:
        before = files()
        while watches and not ended() and files() == before:
            time.sleep(.0001)
    except FileNotFoundError:
        pass
    time.sleep(draw.random() ** 3 * (.004 if watches else .1))
    if not ended():
        os.kill(pid, signal.SIGKILL)

def ends_by_itself(folder, base, plan):
    """Runs the statements in a process that may be killed"""
    for each in [*bases.values(), *copies.values()]:
        each.close()
    child = os.fork()
    if not child:
        try:
            for statement in plan:
                base.run(*statement)
            os._exit(0)
        except BaseException as error:
            print(f"in the other process: {error}", flush=True)
            os._exit(1)
    kill(child, lambda: os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT), folder)
    status = os.waitpid(child, 0)[1]
    same("how a process ended", status in (0, signal.SIGKILL), True)
    return status == 0

def settle(base, *candidates):
    for base.state in candidates:
        try:
            base.look(verify=True)
            return base.commit(base.state)
        except Wrong as wrong:
            last = wrong
    raise Wrong(f"{base.name} has none of {len(candidates)} states: {last}")

# ---- steps ----

def write(base, kills=False):
    plan, states = [], [base.state]
    for _ in range(draw.choice([1, 1, 3])):
        statements, state = transaction(states[-1])
        plan += statements
        states.append(state)
    if kills:
        ends_by_itself(base.folder, base, plan)
        [[mark]] = base.run("SELECT n FROM mark")
        states = [state for state in states if state.mark == mark]
        same("commits that are there", bool(states), True)
    else:
        for statement in plan:
            base.run(*statement)
    for state in states:
        base.commit(state)

def synced(merges, name, own, other):
    """What sync.py makes of both, and the conflicts"""
    own, other, stamp = own.copy(), other.copy(), next(stamps)
    was = own.shots[name] if merges else own.rows
    here, there, then = plain(own.rows), plain(other.rows), plain(was)
    conflicts = None
    if here != there:
        mine, theirs = set(differences(was, own.rows)), set(differences(then, there))
        conflicts = {path: there.get(path) for path in theirs & mine if here.get(path) != there.get(path)}
        for paths, into, rows in (theirs - {*conflicts}, own, there), (mine - (theirs - {*conflicts}), other, None):
            rows = rows or plain(own.rows)
            for path in paths:
                into.rows.pop(path, None)
                if path in rows:
                    into.rows[path] = (rows[path], stamp)
    if name != "-":
        own.shots[name] = dict(own.rows)
    return own, other, conflicts

def sync(base, kills=False):
    [server] = [other for other in bases.values() if other is not base]
    merges = "both" in base.state.shots and draw.random() < .7
    name = "both" if merges or draw.random() < .8 else "-"
    own, other, conflicts = synced(merges, name, base.state, server.state)
    steps.append(f"    merges: {merges}, {name}, conflicts: {conflicts and len(conflicts)}")
    python = ["/usr/bin/python3", "-S", SYNC]
    run = subprocess.Popen([*python, "merge" if merges else "pull", base.file, "t", name, "sh", "-c", 'echo $$ >pid; exec "$@"', "sh",
                            *python, "serve", server.file, "t"], stderr=subprocess.PIPE, cwd=work)
    if kills:
        time.sleep(draw.choice([.05, .05, .1]))
        pid = run.pid if draw.random() < .5 or not os.path.exists(work + "/pid") else int(open(work + "/pid").read() or run.pid)
        kill(pid, lambda: run.poll() is not None, base.folder, server.folder)
    said = run.communicate(timeout=100)[1]
    if kills and run.returncode:
        settle(server, other, server.state)
        settle(base, *[own, base.state] if server.state is other else [base.state])
        return
    same("what sync.py says", (run.returncode, said), (0, b""))
    base.commit(own)
    server.commit(other)
    if merges and conflicts is not None:
        found = base.run("SELECT CAST(path AS BLOB), * FROM t_conflict")
        same("conflicts", {path: None if gone else cells(values) for path, _, *values, gone in found}, conflicts)

def compare(base):
    for other in [*bases.values(), *copies.values()]:
        if other is base or other.unfinished or other.state.columns != base.state.columns:
            continue
        base.run("ATTACH ? AS other", other.file)
        one, two = (draw.choice([None, *each.state.shots]) for each in (base, other))
        old, new = (plain(each.state.shots[name] if name else each.state.rows) for each, name in ((base, one), (other, two)))
        prefix = draw.choice([b"", *PREFIXES])
        found = base.run("SELECT CAST(path AS BLOB), change FROM art_differences('main.t', 'other.t', ?, ?, ?)", prefix, one, two)
        same("the order of art_differences", found, sorted(found))
        same(f"art_differences of {base.name} and {other.name} below {prefix}, {one}, {two}", dict(found),
             {path: what for path, what in differences(old, new).items() if path.startswith(prefix)})
        base.run("DETACH other")

def kind(base):
    return base.run("SELECT v, (SELECT value FROM art_info('t') WHERE property = 'option storage') FROM t_artstate WHERE k = 'id'")

def copy(base, kills=False):
    name, form = draw.choice(["copy0", "copy1"]), draw.choice(["update"] * 6 + ["inline", "file"])
    new = name not in copies
    one = copies.setdefault(name, Base(name))
    if new:
        shutil.rmtree(one.folder, True)
        os.mkdir(one.folder)
    may = new or form == "update" and one.kept and one.kind == kind(base)
    sql, before = ("SELECT art_backup(?, 'main', ?)", one.file, form), one.state
    steps.append(f"    {name}, {form}, new: {new}, may: {may}, unfinished: {one.unfinished}")
    one.close()
    if not may:
        try:
            same("a copy that is refused", base.run(*sql), None)
        except sqlite3.Error as error:
            same(f"why a copy is refused: {error}", "no copy that can be" in str(error) or "must be a new file" in str(error), True)
    elif kills and not ends_by_itself(one.folder, base, [sql]):
        if new:
            del copies[name]
            return
        try:
            one.run("SELECT count(*) FROM t")
            settle(one, base.state, before)
            one.unfinished = False
        except sqlite3.Error as error:
            same(f"what an unfinished copy says: {error}", "this copy is unfinished" in str(error), True)
            one.unfinished = True
        steps.append(f"    killed, unfinished: {one.unfinished}")
    else:
        if not kills:
            base.run(*sql)
        one.ever |= base.ever
        one.commit(base.state)
        one.unfinished, one.kept, one.kind = False, form == "update", kind(one)
    if not one.unfinished:
        one.look(verify=True)
    one.close()

def whole_copy():
    return draw.choice([None, *(one for one in copies.values() if not one.unfinished)])

def write_copy(base):
    one = whole_copy()
    if one:
        steps.append(f"    {one.name}")
        before = one.state
        write(one)
        one.look()
        one.kept = one.kept and one.state is before

def level():
    most = max(base.state.columns for base in bases.values())
    for base in bases.values():
        state = base.state.copy()
        for state.columns in range(state.columns + 1, most + 1):
            base.run(f"INSERT INTO t(t) VALUES('add column c{state.columns}')")
        base.state = state

def add_column(base):
    if base.state.columns < 5:
        base.run(f"INSERT INTO t(t) VALUES('add column c{base.state.columns + 1}')")
        base.state = base.state.copy()
        base.state.columns += 1
        level()

def restore(base):
    one, way = whole_copy(), draw.randrange(3)
    if not one:
        return
    steps.append(f"    from {one.name}, {['art_backup', 'move', 'cp'][way]}")
    base.close()
    one.close()
    shutil.rmtree(base.folder)
    if way == 0:
        os.mkdir(base.folder)
        one.run("SELECT art_backup(?)", base.file)
        one.close()
    elif way == 1:
        os.rename(one.folder, base.folder)
        del copies[one.name]
    else:
        shutil.copytree(one.folder, base.folder)
    base.state, base.ever = one.state, set(one.ever)
    level()

def maintain(base):
    what = draw.choice(["INSERT INTO t(t) VALUES('optimize')", "INSERT INTO t(t) VALUES('flush')", "SELECT art_vacuum('t')", "VACUUM",
                        "INSERT INTO t(t) VALUES('vacuum')", "PRAGMA wal_checkpoint(TRUNCATE)", "close", "PRAGMA journal_mode=WAL",
                        "PRAGMA journal_mode=DELETE"])
    steps.append("    " + what)
    base.close() if what == "close" else base.run(what)

def hurt(base):
    """Some bytes of blobs are overwritten"""
    files = glob.glob(base.folder + "/*.art")
    for _ in range(draw.choice([0, 1, 1, 2, 5])):
        if files:
            file = draw.choice(files)
            at = draw.randrange(os.path.getsize(file))
            with open(file, "r+b") as written:
                written.seek(draw.choice([at, at | 0x7f000, at % 0x9000]))
                written.write(draw.randbytes(draw.choice([1, 8, 5000])))
        else:
            for page, data in base.run("SELECT page, data FROM t_artblob ORDER BY page"):
                at = draw.randrange(len(data))
                if draw.random() < .2:
                    base.run("UPDATE t_artblob SET data = ? WHERE page = ?", data[:at] + draw.randbytes(9)[:len(data) - at] + data[at + 9:], page)

def salvage(base):
    """Of a copy of its files that is damaged; at times what is left takes the base's place"""
    broken, state = Base("broken"), base.state
    base.close()
    shutil.rmtree(broken.folder, True)
    shutil.copytree(base.folder, broken.folder)
    broken.state = state
    hurt(broken)
    is_whole = False
    try:
        is_whole = broken.run("SELECT art_verify()")[0][0].startswith("ok")
    except sqlite3.Error:
        pass
    try:
        broken.look()
    except sqlite3.Error as error:
        same(f"a whole table says {error}", is_whole, False)
    broken.run("CREATE VIRTUAL TABLE temp.saved USING art_salvage('t')")
    saved = plain(broken.read("temp.saved"))
    lost = broken.run("SELECT CAST(after AS BLOB), CAST(before AS BLOB), what FROM art_lost('t')")
    steps.append(f"    whole: {is_whole}, {len(saved)} of {len(state.rows)} rows saved, lost: {str(lost)[:300]}")
    same("what is lost of a whole table", lost if is_whole else [], [])
    same("rows that were never there", [item for item in saved.items() if item not in base.ever][:4], [])
    sure = lambda rows: {path: row for path, row in rows.items() if not any(
        (after is None or path > after) and (before is None or path < before) for after, before, _ in lost)}
    same("rows outside of what is lost", sure(saved), sure(plain(state.rows)))
    if base.name in bases and draw.random() < .5:
        bases[base.name] = rescued = Base(base.name).make()
        columns = ", ".join(["path", "a", '"b b"', "n"] + [f"c{i}" for i in range(4, state.columns + 1)])
        level()
        broken.run("ATTACH ? AS rescued", rescued.file)
        broken.run(f"INSERT INTO rescued.t({columns}) SELECT {columns} FROM temp.saved")
        stamp = next(stamps)
        rescued.commit(State({path: (row, stamp) for path, row in saved.items()}, columns=rescued.state.columns))
    broken.close()

STEPS = [(write, 8), (sync, 6), (compare, 3), (copy, 6), (write_copy, 1), (add_column, .5), (restore, 1), (maintain, 3), (salvage, 2)]

def history():
    for name in ("here", "there"):
        bases[name] = Base(name).make()
    for _ in range(draw.choice([0, 1, 1, 3])):
        write(draw.choice(list(bases.values())))
    for _ in range(draw.randrange(5, 25)):
        [step], base = draw.choices(*zip(*STEPS)), draw.choice(list(bases.values()))
        kills = [True] if step in (write, sync, copy) and draw.random() < .3 else []
        steps.append(f"{step.__name__}({base.name}{', kills' * len(kills)})")
        step(base, *kills)
        for each in bases.values():
            each.look()
            if draw.random() < .2:
                each.close()

first = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 30)
for seed in range(first, first + int(sys.argv[1] if len(sys.argv) > 1 else 2)):
    draw.seed(seed)
    for kept in (steps, seen, meant, bases, copies):
        kept.clear()
    try:
        history()
    except Exception as error:
        failures += 1
        print(f"seed {seed}: {error}", "" if isinstance(error, Wrong) else traceback.format_exc(), "  behind:", *steps[-25:],
              sep="\n", flush=True)
    for each in [*bases.values(), *copies.values()]:
        each.close()
print(f"{100 * (checks - failures) // max(checks, 1)}%: Checks: {checks}, Failures: {failures}, Errors: 0")
sys.exit(failures > 0)
