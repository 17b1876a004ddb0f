"""Brings an art table to the state of another one, or merges both, over a pipe such as ssh makes: see sync.md.

    sync.py serve DATABASE TABLE                        answers on standard input and output
    sync.py pull  DATABASE TABLE SNAPSHOT|- COMMAND...  TABLE becomes what COMMAND serves
    sync.py merge DATABASE TABLE SNAPSHOT COMMAND...    both have changed since SNAPSHOT, and become equal
SNAPSHOT is in the end what both have. Where both have changed a row, TABLE keeps its own, TABLE_conflict the other."""
import itertools, json, os, sqlite3, sys
# Texts, BLOBs and integers travel as strings of bytes (Latin-1) behind a letter for their type, reals as numbers.
CELL = """CASE WHEN typeof({0}) NOT IN ('null', 'real') THEN CAST(substr(typeof({0}), 1, 1) || {0} AS BLOB)
    WHEN abs({0}) = 9e999 THEN iif({0} > 0, '9e999', '-9e999') ELSE {0} END"""
VALUE = """CASE CAST(substr({0}, 1, 1) AS TEXT) WHEN 't' THEN CAST(substr({0}, 2) AS TEXT) WHEN 'b' THEN substr({0}, 2)
    WHEN 'i' THEN CAST(CAST(substr({0}, 2) AS TEXT) AS INTEGER) ELSE CAST({0} AS REAL) END"""
TOTAL = "SELECT printf('%x', art_hash({name}, ''))"
LEVEL = """SELECT coalesce(substr(CAST({key} AS BLOB), length(?1) + 1), x''), printf('%x', {hash}) FROM {t}
    WHERE prefix = ?1 AND delimiter = '/' AND snapshot = {as_of} LIMIT ?3"""
BYTES = """WITH part(b) AS (VALUES {bytes}) SELECT b, printf('%x', iif(b = x'', (SELECT {hash} FROM {t} WHERE {key} =
    ?1 || '' AND snapshot = {as_of}), art_hash({name}, ?1 || b, {as_of}))) AS h FROM part WHERE h <> '0' AND ?3"""

sys.excepthook = lambda kind, error, trace: print(
    "sync:", "the other side has ended" if kind in (json.JSONDecodeError, BrokenPipeError) else error, file=sys.stderr)
len(sys.argv) >= {"serve": 4, "pull": 6, "merge": 6}.get("".join(sys.argv[1:2]), 99) or sys.exit(__doc__)
command, file, table, *rest = sys.argv[1:]
serves, since = command == "serve", rest[0] if command == "merge" else None
db = sqlite3.connect(file, isolation_level=None, timeout=2 + os.urandom(1)[0] / 32 if serves else 60)
db.enable_load_extension(True)
db.load_extension(os.environ.get("ART", "./art"))
receive = lambda line: json.loads(line, parse_int=float)
quoted = lambda name, by='"': by + name.replace(by, by + by) + by
columns = [quoted(name) for [name] in db.execute("""SELECT name FROM pragma_table_info(?1) WHERE EXISTS(
    SELECT * FROM pragma_table_xinfo(?1) WHERE pk AND type = 'TEXT' AND NOT hidden)""", [table])]
columns or sys.exit(f"sync: {file} has no art table {table} whose key is a path")
words = dict(t=quoted(table), conflict=quoted(table + "_conflict"), name=quoted(table, "'"), as_of="(?2 || '')",
             columns=", ".join(columns), hash="art_hash" if '"hash"' in map(str.lower, columns) else "hash",
             values=", ".join(VALUE.format(f"?{i + 1}") for i in range(len(columns))), key=columns[0],
             cells=", ".join(map(CELL.format, columns)), bytes="(x'')" + "".join(f",(x'{i:02x}')" for i in range(256)))
LEVEL, BYTES = LEVEL.format(**words), BYTES.format(**words)
def run(sql, *values):
    rows = db.execute(sql.format(**words), [v.encode("latin1") if isinstance(v, str) else v for v in values])
    return ([v.decode("latin1") if isinstance(v, bytes) else v for v in row] for row in rows)

def names(prefix, parts=None):  # and hashes of what is below: a level, or parts by the next byte where a level is long
    rows = db.execute(BYTES if parts else LEVEL, [prefix.encode("latin1"), since, 250 if parts is None else -1])
    found = {name.decode("latin1"): hash for name, hash in rows}
    return names(prefix, True) if parts is None and len(found) == 250 else [prefix, bool(parts), found]

def compare(levels):  # as the other side has them: what differs further below, what the server has, what it has not
    deeper, there, gone = [], [], []
    for prefix, parts, told in levels:
        own = names(prefix, parts)[2]
        for name in {name for name, hash in told.items() ^ own.items()}:
            many, has = name.endswith("/") or parts and name != "", name in (own if serves else told)
            kind = deeper if many and name in told and name in own else there if has else gone
            kind.append([prefix + name, many])
    return [names(prefix) for prefix, many in deeper], there, gone

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
    return [[own, columns, hash and own != hash and [names("")]] for [own] in run(TOTAL)]

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
    return map(receive, iter(other.stdout.readline, b"null\n"))

if serves:
    answers = dict(begin=begin, look=look, push=lambda *given: load(*given) or apply(), commit=lambda: run("COMMIT"))
    for what, *given in map(receive, sys.stdin.buffer):
        send(sys.stdout.buffer, itertools.chain(answers[what](*given), [None]))
    sys.exit()
import subprocess
other = subprocess.Popen(rest[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
[[own, *_]] = begin(True, None)
[[theirs, names_there, levels]] = ask("begin", since is not None, own)
names_there == columns or sys.exit(f"sync: the columns are {', '.join(columns)} here, {', '.join(names_there)} there")
if levels:
    run("CREATE TEMP TABLE mine AS SELECT path, change FROM art_diff({name}, CAST(?1 AS TEXT), NULL)", since)
    while levels:
        deeper, wanted, gone = compare(levels)
        told = ask("look", wanted, deeper) if deeper or wanted else iter([[[], []]])
        levels, more = next(told)
        load(told, gone + more)
    if since:
        run("DROP TABLE IF EXISTS {conflict}")
        run("CREATE TABLE {conflict} AS SELECT * FROM theirs WHERE {key} IN (SELECT path FROM mine) AND iif(gone,"
            " EXISTS(SELECT 1 FROM {t} AS own WHERE own.{key} = theirs.{key}),"
            " EXISTS(SELECT {cells} EXCEPT SELECT {cells} FROM {t} AS own WHERE own.{key} = theirs.{key}))")
        run("DELETE FROM theirs WHERE {key} IN (SELECT {key} FROM {conflict})")
        mine = run("SELECT {cells} FROM {t} WHERE {key} IN (SELECT path FROM mine)")
        gone = run("SELECT CAST(path AS BLOB), 0 FROM mine WHERE change = 'deleted'")
        [[theirs]] = ask("push", list(mine), list(gone))
    list(apply()) == [[theirs]] or sys.exit("sync: the tables would differ, so nothing has changed")
    if since:
        run("COMMIT")
        list(ask("commit"))
        run("BEGIN IMMEDIATE")
other.communicate()
if rest[0] != "-" and list(run(TOTAL)) == [[theirs]]:
    run("INSERT INTO {t}({t}, snapshot) SELECT 'drop snapshot', name FROM art_snapshots({name}) WHERE name = ?1 || ''"
        " UNION ALL SELECT 'snapshot', ?1 || ''", rest[0])
run("COMMIT")
