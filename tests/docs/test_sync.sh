#!/usr/bin/env bash
# sql/sync.py, over two processes and a pipe, against dictionaries: pull and merge of random histories with rows of all kinds, keys that
# are empty or no UTF-8, a flat directory; equal tables are one request.
#
#   tests/docs/test_sync.sh [how many histories [the first one's seed]]
#
# With SYNC_NODE=<a node that has node:sqlite> it is sql/sync.mjs, which talks to itself and to sync.py.
set -u
cd "$(dirname "$0")/../.." || exit 1
export ART=${ART_EXTENSION:-$PWD/art.so} SYNC=$PWD/sql/sync.py
[[ $ART == /* ]] || ART=$PWD/$ART
work=$(mktemp -d "${TMPDIR:-/tmp}/sync-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
/usr/bin/python3 -c "import sqlite3; sqlite3.connect('').enable_load_extension" 2>/dev/null || {
    echo "SKIPPED: there is no Python that loads extensions"
    echo "100%: Checks: 0, Failures: 0, Errors: 0"
    exit 0
}
cat >test.py <<'END'
import glob, os, random, sqlite3, subprocess, sys

PATHS = [b"", b"a", b"a/", b"a/b", b"a/b/c", b"bad\xff\x80", b"new\nline/\"x", b"d/e/f/g/h"] + [
    b"%s%s%d" % (top, sub, i) for top in (b"a/", b"b/", b"") for sub in (b"", b"x/y/z/", b"\xc3\xa9/") for i in range(60)] + [
    b"flat/%c%05d" % (i % 251, i) for i in range(3000)]
VALUES = [None, 0, 1, 1.0, 1.5, -9e999, 9e999, 2**63 - 1, -2**63, "", "1", "text\0more", "\u00e9\n", b"", b"1", b"\x00\xff", 1e-300]
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
        print(f"seed {seed}: {what}: {[x for x in came if x not in right][:5]}, and not {[x for x in right if x not in came][:5]}")

def make(name, options):
    db = sqlite3.connect(name, isolation_level=None)
    db.enable_load_extension(True)
    db.load_extension(os.environ["ART"])
    db.execute(f"CREATE VIRTUAL TABLE t USING art(path, \"a b\", n INTEGER, summary=(hash(*)), log_limit='8KB'{options})")
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

def sync(*arguments):
    asks, serves = random.choice(PROGRAMS), random.choice(PROGRAMS)
    ran = subprocess.run([*asks, arguments[0], "here.db", "t", *arguments[1:], "bash", "-c", 'exec "$@" < <(tee asked)', "bash", *serves, "serve",
                          "there.db", "t"],
                         capture_output=True, text=True)
    same(f"what {arguments} says", (ran.returncode, ran.stdout, ran.stderr), (0, "", ""))
    return len(open("asked").readlines())

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
        sync("pull", "both")
        same("pull", read(here), theirs)
        same("requests of equal tables", sync("pull", "-"), 1)
        common, mine = dict(theirs), dict(theirs)
        most = random.choice([2, 30, 400])
        write(here, mine, some(most))
        write(there, theirs, some(most))
        conflicts, wanted = {}, {}
        for path in {*common, *mine, *theirs}:
            was, own, other = (rows.get(path) for rows in (common, mine, theirs))
            touched = path in diff(here)
            now = other if other != was and not touched else own
            if touched and other != was and own != other:
                conflicts[path] = other
            if now:
                wanted[path] = now
        equal = mine == theirs
        sync("merge", "both")
        same("merge, here", read(here), wanted)
        same("merge, there", read(there), wanted)
        if not equal:
            same("conflicts", read(here, "t_conflict"), {path: row or ["null", None, None] for path, row in conflicts.items()})
        same("checks", [db.execute("SELECT art_check('t')").fetchone() for db in (here, there)], [("ok",)] * 2)
        same("requests of equal tables", sync("merge", "both"), 1)
        theirs, mine = dict(wanted), dict(wanted)
        write(there, theirs, some(most))
        write(here, mine, some(most))

changed = {}
def diff(db):
    version = db.execute("SELECT max(version), count(*) FROM t").fetchone()
    if changed.get("of") != (seed, version):
        rows = db.execute("SELECT CAST(path AS BLOB) FROM art_diff('t', 'both', NULL)")
        changed.update(of=(seed, version), paths={path for [path] in rows})
    return changed["paths"]

memory = sqlite3.connect("")
first = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 30)
for seed in range(first, first + int(sys.argv[1] if len(sys.argv) > 1 else 2)):
    random.seed(seed)
    history()
print(f"{100 * (checks - failures) // checks}%: Checks: {checks}, Failures: {failures}, Errors: 0")
sys.exit(failures > 0)
END
/usr/bin/python3 test.py "$@"
