#!/usr/bin/env bash
# sql/sync.py, over two processes and a pipe, against dictionaries: pull and merge of random histories with rows of all
# kinds, keys that are empty or no UTF-8, a flat directory, pipes that are cut, sides that are killed. Equal tables are
# one request. What cannot be done is told in a sentence. Both sides may ask at once.
#
#   tests/docs/test_sync.sh [how many histories [the first one's seed]]
#
# With SYNC_NODE=<a node that has node:sqlite> it is sql/sync.mjs, which talks to itself and to sync.py.
set -u
cd "$(dirname "$0")/../.." || exit 1
export ART_EXTENSION=${ART_EXTENSION:-$PWD/art.so} SYNC=$PWD/sql/sync.py
[[ $ART_EXTENSION == /* ]] || ART_EXTENSION=$PWD/$ART_EXTENSION
work=$(mktemp -d "${TMPDIR:-/tmp}/sync-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
/usr/bin/python3 -c "import sqlite3; sqlite3.connect('').enable_load_extension" 2>/dev/null || {
    echo "SKIPPED: there is no Python that loads extensions"
    echo "100%: Checks: 0, Failures: 0, Errors: 0"
    exit 0
}
cat >test.py <<'END'
import glob, os, random, re, sqlite3, subprocess, sys

PATHS = [b"", b"a", b"a/", b"a/b", b"a/b/c", b"bad\xff\x80", b"new\nline/\"x", b"nul\0/x", b"d/e/f/g/h"] + [
    b"%s%s%d" % (a, b, i) for a in (b"a/", b"b/", b"") for b in (b"", b"x/y/z/", b"\xc3\xa9/") for i in range(60)
] + [
    b"flat/%c%05d" % (i % 251, i) for i in range(3000)]
VALUES = [None, 0, 1, 1.0, 1.5, -9e999, 9e999, 1e-300, 1234567890123456789.0, 1e20, 2**63 - 1, -2**63, "", "1",
          "text\0more", "\u00e9\n", b"", b"1", b"\x00\xff"]
PROGRAMS = [["/usr/bin/python3", os.environ["SYNC"]]]
if "SYNC_NODE" in os.environ:
    PROGRAMS.append([os.environ["SYNC_NODE"], "--no-warnings", os.environ["SYNC"].replace(".py", ".mjs")])
checks = failures = 0

def same(what, came, right):
    global checks, failures
    checks += 1
    if came != right:
        failures += 1
        came, right = ([*was.items()] if isinstance(was, dict) else [was] for was in (came, right))
        came, right = [x for x in came if x not in right], [x for x in right if x not in came]
        print(f"seed {seed}: {what}: {came[:5]}, and not {right[:5]}")

def connect(name):
    db = sqlite3.connect(name, isolation_level=None)
    db.enable_load_extension(True)
    db.load_extension(os.environ["ART_EXTENSION"])
    return db

def make(name, options):
    db, columns = connect(name), 'path, "a b", n INTEGER'
    db.execute(f"CREATE VIRTUAL TABLE t USING art({columns}, summary=(hash(*)), log_limit='8KB'{options})")
    return db

def read(db, table="t"):
    rows = db.execute(f"""SELECT CAST(path AS BLOB), typeof("a b"), CAST("a b" AS BLOB), n FROM {table}""")
    return {path: row for path, *row in rows}

def as_read(value):
    return next([*row] for row in memory.execute("SELECT typeof(?1), CAST(?1 AS BLOB)", [value]))

def write(db, model, paths):
    db.execute("BEGIN")
    for path in paths:
        if path in model and random.random() < .4:
            db.execute("DELETE FROM t WHERE path = CAST(? AS TEXT)", [path])
            del model[path]
        else:
            value, n = random.choice(VALUES), random.randrange(3)
            db.execute("INSERT OR REPLACE INTO t VALUES(CAST(? AS TEXT), ?, ?)", [path, value, n])
            model[path] = [*as_read(value), n]
    db.execute("COMMIT")

def ask(program, what, file, table, *rest):
    pipe, extension = subprocess.PIPE, os.environ["ART_EXTENSION"]
    env = {**os.environ, "ART_EXTENSION": random.choice([extension, extension.removesuffix(".so")])}
    return subprocess.Popen([*program, what, file, table, *rest], stdout=pipe, stderr=pipe, text=True, env=env)

def through(script, program):
    return ["bash", "-c", script, "bash", *program, "serve", "there.db", "t"]

def sync(*arguments):
    asks, serves = random.choice(PROGRAMS), random.choice(PROGRAMS)
    what, *rest = arguments
    ran = ask(asks, what, "here.db", "t", *rest, *through('exec "$@" < <(tee asked)', serves))
    out, said = ran.communicate()
    told = re.fullmatch(r"sync: (\d+) rows taken, (\d+) deleted; there (\d+) taken, (\d+) deleted; "
                        r"conflicts: (\d+)(, see t_conflict)?\n", said)
    same(f"what {arguments} says", (out, said if not told else "", ran.returncode), ("", "", 0))
    return len(open("asked").readlines()), [int(n) for n in told.groups()[:5]] if told else []

def broken(here, there, mine, theirs, wanted, what):
    """The pipe is cut, or a side killed: each table is as it was, or as it becomes"""
    size, after = f"dd bs=1 count={int(10 ** random.uniform(0, 4.5))} 2>/dev/null", random.uniform(0, .4)
    cut = [f'exec "$@" < <({size})', f'exec {size} < <("$@")', f'"$@" <&0 & sleep {after}; kill -9 $! 2>/dev/null',
           'exec "$@"', """exec sed -u '/^."[0-9a-f]*",[0-9]*.$/Q' < <("$@")""",
           """exec "$@" < <(sed -u '/^."commit".$/Q')""", """exec sed -u '/^."[0-9a-f]*",[0-9]*.$/{n;q}' < <("$@")"""]
    which = random.randrange(7 if what == "merge" else 4)
    ran = ask(random.choice(PROGRAMS), what, "here.db", "t", "both", *through(cut[which], random.choice(PROGRAMS)))
    try:
        said = ran.communicate(timeout=after if which == 3 else 60)[1]
    except subprocess.TimeoutExpired:
        same("the other side is not waited for", which, 3)
        ran.kill()
        said = ran.communicate()[1]
    same("a broken pipe is told in sentences", [line for line in said.splitlines() if line[:6] != "sync: "], [])
    # A merge is cut at the answer to what it pushes, when nothing is committed, and around the other side's COMMIT.
    may = {4: [mine], 5: [wanted], 6: [wanted]}.get(which, [mine, wanted])
    same(f"{what} broken by {cut[which]}, here", read(here) in may, True)
    same(f"{what} broken by {cut[which]}, there", read(there) in ([theirs] if which in (4, 5) else [theirs, wanted]), True)

def moved(old, new):
    return [sum(old.get(path) != row for path, row in new.items()), len(old.keys() - new.keys())]

def history():
    for file in glob.glob("*here.db*"):
        os.remove(file)
    here, there = (make(name, random.choice(["", ", storage=inline"])) for name in ("here.db", "there.db"))
    mine, theirs = {}, {}
    flat = random.choice([0, 200, 3000])
    some = lambda most: random.sample(PATHS[:len(PATHS) - 3000 + flat], random.randrange(most))
    write(there, theirs, PATHS[:len(PATHS) - 3000 + flat])
    write(here, mine, some(300))
    for step in range(4):
        if step % 2:
            broken(here, there, mine, theirs, theirs, "pull")
        told = sync("pull", "both")[1]
        same("what a pull counts", told, told if step % 2 else [*moved(mine, theirs), 0, 0, 0])
        same("pull", read(here), theirs)
        same("requests of equal tables", sync("pull", "-"), (1, [0] * 5))
        common, mine = dict(theirs), dict(theirs)
        most = random.choice([2, 30, 400])
        write(here, mine, some(most))
        write(there, theirs, some(most))
        conflicts, wanted, pushed = {}, {}, [0, 0]
        for path in {*common, *mine, *theirs}:
            was, own, other = (rows.get(path) for rows in (common, mine, theirs))
            touched = path in diff(here)
            now = other if other != was and not touched else own
            if touched and other != was and own != other:
                conflicts[path] = other
            if now:
                wanted[path] = now
            pushed[now is None] += touched and not own == other != was
        equal = mine == theirs
        # rows that were written again as they were are pushed along with others, and not alone
        right = [0] * 5 if equal else [*moved(mine, wanted), *pushed, len(conflicts)]
        if random.random() < .5:
            broken(here, there, mine, theirs, wanted, "merge")
            ends = "SELECT art_hash('t', '', 'both') = art_hash('t', '')"  # it was whole, and has told of them
            right, conflicts = None, {} if here.execute(ends).fetchone()[0] else conflicts
        told = sync("merge", "both")[1]
        same("what a merge counts", told, right or told)
        same("merge, here", read(here), wanted)
        same("merge, there", read(there), wanted)
        if not equal:
            conflicts = {path: row or ["null", None, None] for path, row in conflicts.items()}
            same("conflicts", read(here, "t_conflict"), conflicts)
        same("checks", [db.execute("SELECT art_check('t')").fetchone() for db in (here, there)], [("ok",)] * 2)
        same("requests of equal tables", sync("merge", "both"), (1, [0] * 5))
        same("conflicts of equal tables", read(here, "t_conflict"), {})
        theirs, mine = dict(wanted), dict(wanted)
        write(there, theirs, some(most))
        write(here, mine, some(most))

def fresh(name, *tables):
    for file in glob.glob(f"*{name}*"):
        os.remove(file)
    db = make(name, "")
    for sql in tables:
        db.execute(sql)
    return db

def errors(program):
    """What cannot be done is told in a sentence or two, and nothing has changed"""
    tables = ["CREATE VIRTUAL TABLE plain USING art(path, v)", "CREATE TABLE ordinary(path TEXT PRIMARY KEY)",
              "CREATE VIRTUAL TABLE pair USING art(a, b, key=(a, b), summary=(hash(*)))",
              "CREATE VIRTUAL TABLE other USING art(path, b, summary=(hash(*)))"]
    here, there = fresh("here.db", *tables), fresh("there.db", *tables)
    write(here, {}, PATHS[:9])
    was = read(here)
    for what, table, snapshot, other, says in [
            ("pull", "t", "-", ["./nosuch"], "nosuch"), ("pull", "t", "-", ["false"], "the other side has ended"),
            ("pull", "t", "-", ["sh", "-c", "echo hello; cat >&2"], "said 'hello'"),
            ("merge", "t", "x", ["cat"], """said '["begin",true,"""),
            ("pull", "no", "-", ["cat"], "here: here.db has no art table no"),
            ("pull", "t", "-", [*program, "serve", "no.db", "t"], "there: there is no database no.db"),
            ("pull", "pair", "-", ["cat"], "whose key is a path"),
            ("pull", "plain", "-", ["cat"], "the table has no hash(*)"),
            ("pull", "ordinary", "-", ["cat"], "there is no art table"), ("pull", "t", "-", [], "sync."),
            ("pull", "t", "-", [*program, "serve", "there.db", "other"], "the columns are"),
            ("pull", "t", "-", [*program, "serve", "there.db", "plain"], "the table has no hash(*)"),
            ("merge", "t", "none", [*program, "serve", "there.db", "t"], "no snapshot"),
            ("push", "t", "-", ["cat"], "sync.")]:
        ran = ask(program, what, "here.db", table, snapshot, *other)
        said = ran.communicate()[1]
        told = ran.returncode == 1 and says in said and "Traceback" not in said and "    at " not in said
        same(f"{program}: {what} {table} {other}", [] if told else said, [])
    same("nothing has changed", read(here), was)

def both_ask():
    """Two that ask each other at once: both pull, and of two merges one at least gives up in time"""
    here, there = fresh("here.db"), fresh("there.db")
    write(there, {}, PATHS[:9])
    sync("pull", "both")
    sides = [("here.db", "there.db"), ("there.db", "here.db")]
    for what in "pull", "merge":
        run = [ask(PROGRAMS[-1], what, own, "t", "both", *PROGRAMS[0], "serve", other, "t") for own, other in sides]
        said = [re.sub("sync: .* conflicts: 0\n", "", ran.communicate()[1]) for ran in run]
        same(f"both {what}", [text for text in said if text and (what == "pull" or "locked" not in text)], [])
        same("one has gone on", read(here) == read(there) or said.count("") == 0, True)
        write(here, {}, [b"here/1", b"here/2"])
        write(there, {}, [b"there/1"])
    sync("merge", "both")
    for db in here, there:
        same("nothing is lost", [path for path in read(db) if b"here" in path], [b"here/1", b"here/2", b"there/1"])

def restored(program):
    """A merge with a copy from before the last one is refused, until that side has pulled"""
    here, there = fresh("here.db"), fresh("there.db")
    write(there, {}, PATHS[:9])
    sync("pull", "both")
    for file in glob.glob("older.db*"):
        os.remove(file)
    there.execute("SELECT art_backup('older.db')")
    write(here, {}, [b"here/1"])
    write(there, {}, [b"there/1"])
    sync("merge", "both")
    before = read(here)
    there.close()
    for file in glob.glob("there.db*"):
        os.remove(file)
    connect("older.db").execute("SELECT art_backup('there.db')")
    ran = ask(program, "merge", "here.db", "t", "both", *PROGRAMS[0], "serve", "there.db", "t")
    same("a merge with an older copy", ("was it restored?" in ran.communicate()[1], ran.returncode), (True, 1))
    same("rows behind it", read(here), before)
    ran = ask(program, "pull", "there.db", "t", "-", *PROGRAMS[0], "serve", "here.db", "t")
    same("the copy pulls", (ran.communicate()[1][:19], ran.returncode), ("sync: 2 rows taken,", 0))
    random.choice([lambda: sync("merge", "both"), lambda: here.execute("DELETE FROM t_sync")])()
    write(here, {}, [b"here/2"])
    same("and the next merge", sync("merge", "both")[1], [0, 0, 1, 0, 0])

def strange_names(program):
    table, column = "we'ird \" t.x {t} $& \u00e9", "g\"o'n {0} $&"
    name, other = (name.replace('"', '""') for name in (table, column))
    sql = f'CREATE VIRTUAL TABLE "{name}" USING art("pa""th", "{other}", "Hash", summary=(hash(*)))'
    dbs = fresh("here.db", sql), fresh("there.db", sql)
    for what in "pull", "merge", "merge":
        for i, db in enumerate(dbs):
            db.execute(f'INSERT OR REPLACE INTO "{name}" VALUES(?, ?, ?)', [f"{what}/{i}", what, -0.0 if i else 7])
        ran = ask(program, what, "here.db", table, "it's", *random.choice(PROGRAMS), "serve", "there.db", table)
        same("strange names", ran.communicate()[1].endswith("conflicts: 0\n"), True)
        rows = [list(db.execute(f'SELECT * FROM "{name}"')) for db in dbs]
        same("rows of strange names", rows[0], rows[1])

changed = {}
def diff(db):
    version = db.execute("SELECT max(row_version), count(*) FROM t").fetchone()
    if changed.get("of") != (seed, version):
        rows = db.execute("SELECT CAST(path AS BLOB) FROM art_diff('t', 'both', NULL)")
        changed.update(of=(seed, version), paths={path for [path] in rows})
    return changed["paths"]

memory = sqlite3.connect("")
first = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 30)
seed = 0
for program in PROGRAMS:
    errors(program)
    strange_names(program)
    restored(program)
both_ask()
for seed in range(first, first + int(sys.argv[1] if len(sys.argv) > 1 else 2)):
    random.seed(seed)
    history()
print(f"{100 * (checks - failures) // checks}%: Checks: {checks}, Failures: {failures}, Errors: 0")
sys.exit(failures > 0)
END
/usr/bin/python3 test.py "$@"
