"""Brings an art table to the state of another one, or merges both, over a pipe such as ssh makes: see sync.md.

    sync.py serve DATABASE TABLE                        answers on standard input and output
    sync.py pull  DATABASE TABLE SNAPSHOT|- COMMAND...  TABLE becomes what COMMAND serves
    sync.py merge DATABASE TABLE SNAPSHOT COMMAND...    both have changed since SNAPSHOT, and become equal
SNAPSHOT is in the end what both have. Where both have changed a row, TABLE's own stays, TABLE_conflict has the other.
"""
import json, os, sqlite3, sys

# Texts, BLOBs and integers travel as strings of bytes (Latin-1) behind a letter for their type.
CELL = """CASE WHEN typeof({0}) NOT IN ('null', 'real') THEN CAST(substr(typeof({0}), 1, 1) || {0} AS BLOB)
    WHEN {0} = 9e999 THEN x'2b' WHEN {0} = -9e999 THEN x'2d' ELSE {0} END"""
VALUE = """CASE iif(typeof({0}) = 'blob', CAST(substr({0}, 1, 1) AS TEXT), 'r') WHEN '+' THEN 9e999 WHEN '-' THEN -9e999
    WHEN 't' THEN CAST(substr({0}, 2) AS TEXT) WHEN 'b' THEN substr({0}, 2)
    WHEN 'i' THEN CAST(CAST(substr({0}, 2) AS TEXT) AS INTEGER) ELSE CAST({0} AS REAL) END"""
DIFFER = "own.{0} IS NOT theirs.{0} COLLATE BINARY OR typeof(own.{0}) <> typeof(theirs.{0})"
BOTH = """{key} IN (SELECT {key} FROM theirs LEFT JOIN {t} AS own USING({key})
    WHERE {key} IN (SELECT path FROM mine) AND iif(gone, own.{key} IS NOT NULL, {differ}))"""
TOTAL = "SELECT printf('%x', art_hash({name}, ''))"
NAMES = """SELECT coalesce(substr(CAST({key} AS BLOB), length(?1) + 1), x''), printf('%x', {hash}) FROM {t}
    WHERE prefix = ?1 AND delimiter = '*' AND snapshot = {as_of} LIMIT ?3"""
BYTES = """WITH RECURSIVE part(i, byte) AS (SELECT 0, x'' UNION ALL SELECT i + 1, substr({bytes}, i + 1, 1) FROM part WHERE i < 256)
    SELECT byte, printf('%x', sum) FROM (SELECT byte, iif(i, art_hash({name}, ?1 || byte, {as_of}), (SELECT {hash} FROM {t}
        WHERE {key} = CAST(?1 AS TEXT) AND snapshot = {as_of})) AS sum FROM part) WHERE sum AND ?3"""
FORMS = {"": NAMES.replace("*", ""), "/": NAMES.replace("*", "/"), "*": BYTES}  # rows; a level; parts by the next byte

sys.excepthook = lambda kind, error, trace: print("sync:", error, file=sys.stderr)
if len(sys.argv) < {"serve": 4, "pull": 6, "merge": 6}.get("".join(sys.argv[1:2]), 99):
    sys.exit(__doc__)
command, file, table, *rest = sys.argv[1:]
serves, since = command == "serve", rest[0] if command == "merge" else None
# Where both sides ask at once, and wait for each other, the server that gives up first lets the other one go on.
db = sqlite3.connect(file, isolation_level=None, timeout=os.urandom(1)[0] / 32 if serves else 60)
db.enable_load_extension(True)
db.load_extension(os.environ.get("ART", "./art"))
columns = [name for [name] in db.execute("""SELECT printf('"%w"', name) FROM pragma_table_info(?1)
    WHERE EXISTS(SELECT * FROM pragma_table_xinfo(?1) WHERE pk AND type = 'TEXT' AND NOT hidden)""", [table])]
words = dict(columns=", ".join(columns), cells=", ".join(map(CELL.format, columns)), key=[*columns, ""][0],
             values=", ".join(VALUE.format(f"?{i + 1}") for i in range(len(columns))), as_of="CAST(?2 AS TEXT)",
             differ=" OR ".join(map(DIFFER.format, columns)), bytes=f"x'{bytes(range(256)).hex()}'",
             hash="art_hash" if '"hash"' in map(str.lower, columns) else "hash")
[[words["t"], words["conflict"], words["name"]]] = db.execute(
    "SELECT printf('\"%w\"', ?1), printf('\"%w_conflict\"', ?1), quote(?1)", [table])

def run(sql, *values):
    rows = db.execute(sql.format(**words), [v.encode("latin1") if isinstance(v, str) else v for v in values])
    return ([v.decode("latin1") if isinstance(v, bytes) else v for v in row] for row in rows)

def names(prefix, form=None):  # and hashes of what lies below the prefix, in this form, or in one that is short
    [[of]] = run("SELECT coalesce(?3, iif(art_count({name}, ?1, {as_of}) <= 40, '', '/'))", prefix, since, form)
    found = dict(run(FORMS[of], prefix, since, 250 if form is None else -1))
    return [prefix, of, found] if len(found) < 250 or form is not None else names(prefix, "*")

def compare(levels):  # as the other side has them: which levels differ below, what the server has, what it has not
    deeper, there, gone = [], [], []
    for prefix, form, told in levels:
        own = names(prefix, form)[2]
        for name in {name for name, hash in told.items() ^ own.items()}:
            many = "" not in (name, form) and name.endswith(form.strip("*"))
            if many and name in told and name in own:
                deeper.append(names(prefix + name))
            else:
                (there if name in (own if serves else told) else gone).append([prefix + name, many])
    return deeper, there, gone

def load(rows, gone):
    for row in rows:
        run("INSERT INTO theirs VALUES({values}, 0)", *row)
    for path, many in gone:
        run("INSERT INTO theirs({key}, gone) SELECT {key}, 1 FROM {t} WHERE prefix = ?1 AND delimiter = ''"
            " AND snapshot = {as_of} AND (?3 OR {key} = CAST(?1 AS TEXT))", path, since, many)

def apply():
    run("DELETE FROM {t} WHERE {key} IN (SELECT {key} FROM theirs WHERE gone)")
    run("INSERT OR REPLACE INTO {t} SELECT {columns} FROM theirs WHERE NOT gone")
    return run(TOTAL)

def begin(writes, hash):
    run("BEGIN IMMEDIATE" if writes else "BEGIN")
    run("CREATE TEMP TABLE theirs({columns}, gone, PRIMARY KEY({key}))")
    [[own]] = run(TOTAL)
    return [[own, columns, hash and own != hash and [names("")]]]

def look(wanted, levels):
    deeper, there, gone = compare(levels)
    yield [deeper, gone]
    for path, many in wanted + there:
        yield from run("SELECT {cells} FROM {t}" + ("(?1)" if many else " WHERE {key} = CAST(?1 AS TEXT)"), path)

def send(output, messages):
    output.writelines(json.dumps(m, ensure_ascii=False, separators=(",", ":")).encode() + b"\n" for m in messages)
    output.flush()

def ask(*message):
    send(other.stdin, [message])
    for line in iter(other.stdout.readline, b"null\n"):
        yield json.loads(line if line.endswith(b"\n") else sys.exit("sync: the other side has ended"))

if not columns:
    sys.exit(f"sync: {file} has no art table {table} whose key is a path")
if serves:
    answers = dict(begin=begin, look=look, push=lambda *given: load(*given) or apply(), commit=lambda: run("COMMIT"))
    for line in sys.stdin.buffer:
        what, *given = json.loads(line)
        send(sys.stdout.buffer, answers[what](*given))
        send(sys.stdout.buffer, [None])
    sys.exit()
import subprocess
other = subprocess.Popen(rest[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
[[own, *_]] = begin(True, None)
[[theirs, columns_there, levels]] = ask("begin", since is not None, own)
if columns_there != columns:
    sys.exit(f"sync: the columns are {', '.join(columns)} here, {', '.join(columns_there)} there")
if levels:
    run("CREATE TEMP TABLE mine AS SELECT path FROM art_diff({name}, CAST(?1 AS TEXT), NULL)", since)
    while levels:
        deeper, wanted, gone = compare(levels)
        told = ask("look", wanted, deeper) if deeper or wanted else iter([[[], []]])
        levels, more = next(told)
        load(told, gone + more)
    if since:
        run("DROP TABLE IF EXISTS {conflict}")
        run("CREATE TABLE {conflict} AS SELECT * FROM theirs WHERE " + BOTH)
        run("DELETE FROM theirs WHERE " + BOTH)
    [[own]] = apply()
    if since:
        run("DELETE FROM mine WHERE path IN (SELECT {key} FROM theirs)")
        gone = run("SELECT CAST(path AS BLOB), 0 FROM mine WHERE path NOT IN (SELECT {key} FROM {t})")
        rows = run("SELECT {cells} FROM {t} WHERE {key} IN (SELECT path FROM mine)")
        [[theirs]] = ask("push", list(rows), list(gone))
    if own != theirs:
        sys.exit("sync: the tables would differ, so nothing has changed")
    if since:
        run("COMMIT")
        list(ask("commit"))
        run("BEGIN IMMEDIATE")
other.communicate()
if rest[0] != "-" and [[own]] == list(run(TOTAL)):
    run("INSERT INTO {t}({t}, snapshot) SELECT 'drop snapshot', name FROM art_snapshots({name})"
        " WHERE name = CAST(?1 AS TEXT) UNION ALL SELECT 'snapshot', CAST(?1 AS TEXT)", rest[0])
run("COMMIT")
