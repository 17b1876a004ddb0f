"""Brings an art table to the state of another one, or merges both, over a pipe such as ssh makes: see sync.md.
    sync.py serve DATABASE TABLE                        answers on standard input and output
    sync.py pull  DATABASE TABLE SNAPSHOT|- COMMAND...  TABLE becomes what COMMAND serves
    sync.py merge DATABASE TABLE SNAPSHOT COMMAND...    both have changed since SNAPSHOT, and become equal
SNAPSHOT is in the end what both have. Where both have changed a row, TABLE keeps its own, TABLE_conflict the other."""
import itertools, json, os, sqlite3, subprocess, sys
# Texts, BLOBs and integers travel as strings of bytes (Latin-1) behind a letter for their type, reals as numbers.
CELL = """CASE WHEN typeof({0}) NOT IN ('null', 'real') THEN CAST(substr(typeof({0}), 1, 1) || {0} AS BLOB)
    WHEN abs({0}) = 9e999 THEN iif({0} > 0, '9e999', '-9e999') ELSE {0} END"""
VALUE = """CASE CAST(substr({0}, 1, 1) AS TEXT) WHEN 't' THEN CAST(substr({0}, 2) AS TEXT) WHEN 'b' THEN substr({0}, 2)
    WHEN 'i' THEN CAST(CAST(substr({0}, 2) AS TEXT) AS INTEGER) ELSE CAST({0} AS REAL) END"""
TOTAL = "SELECT printf('%x', art_hash({name}, '')), art_write_version({name})"
LEVEL = """SELECT coalesce(substr(CAST({key} AS BLOB), length(?1) + 1), x''), printf('%x', {hash}) FROM {t}
    WHERE prefix = ?1 AND delimiter = '/' AND snapshot = ?2 || '' LIMIT ?3"""
BYTES = """WITH part(b) AS (VALUES {bytes}) SELECT b, printf('%x', iif(b = x'', (SELECT {hash} FROM {t} WHERE {key} =
    ?1 || '' AND snapshot = ?2 || ''), art_hash({name}, ?1 || b, ?2 || ''))) AS h FROM part WHERE h <> '0' AND ?3"""
fail = lambda what: sys.exit(f"sync: {side}: {what}")
sys.excepthook = lambda kind, error, trace: kind is KeyboardInterrupt or serves and kind is BrokenPipeError or print(
    f"sync: {side}:", "the other side has ended" if kind is BrokenPipeError else error, file=sys.stderr)
len(sys.argv) >= {"serve": 4, "pull": 6, "merge": 6}.get("".join(sys.argv[1:2]), 99) or sys.exit(__doc__)
command, file, table, *rest = sys.argv[1:]
serves, shot = command == "serve", "".join(rest[:1]).encode().decode("latin1")
side, since = "there" if serves else "here", shot if command == "merge" else None
os.path.exists(file) or fail(f"there is no database {file}")
db = sqlite3.connect(file, isolation_level=None, timeout=2 + os.urandom(1)[0] / 32 if serves else 60)
getattr(db, "enable_load_extension", lambda on: fail(f"{sys.executable} cannot load extensions: see sync.md"))(True)
db.load_extension(os.path.abspath(os.environ.get("ART_EXTENSION", "art")))
quoted = lambda name, by='"': by + name.replace(by, by + by) + by
columns = [quoted(name) for [name] in db.execute("""SELECT name FROM pragma_table_info(?1)
    WHERE 'TEXT' IN (SELECT type FROM pragma_table_xinfo(?1) WHERE pk AND NOT hidden)""", [table])]
columns or fail(f"{file} has no art table {table} whose key is a path")
words = dict(t=quoted(table), conflict=quoted(table + "_conflict"), sync=quoted(table + "_sync"), key=columns[0],
             name=quoted(table, "'"), hash="art_hash" if '"hash"' in map(str.lower, columns) else "hash",
             values=", ".join(VALUE.format(f"?{i + 1}") for i in range(len(columns))), columns=", ".join(columns),
             cells=", ".join(map(CELL.format, columns)), bytes="(x'')" + "".join(f",(x'{i:02x}')" for i in range(256)))
def run(sql, *values):
    rows = db.execute(sql.format(**words), [v.encode("latin1") if isinstance(v, str) else v for v in values])
    return ([v.decode("latin1") if isinstance(v, bytes) else v for v in row] for row in rows)
def names(prefix, parts=None):  # and hashes of what is below: a level, or parts by the next byte where a level is long
    found = dict(run(BYTES if parts else LEVEL, prefix, since, 250 if parts is None else -1))
    return names(prefix, True) if parts is None and len(found) == 250 else [prefix, bool(parts), found]
def compare(levels):  # as the other side has them: what differs further below, what the server has, what it has not
    deeper, there, gone = [], [], []
    for prefix, parts, told in levels:
        own = names(prefix, parts)[2]
        for name in {name for name, hash in told.items() ^ own.items()}:
            many, has = name.endswith("/") or parts and name != "", name in (own if serves else told)
            (deeper if many and name in told and name in own else there if has else gone).append([prefix + name, many])
    return [names(prefix) for prefix, many in deeper], there, gone
def load(rows, gone):
    for row in rows:
        run("INSERT INTO sync_theirs VALUES({values}, 0)", *row)
    for path, many in gone:
        run("INSERT INTO sync_theirs({key}, sync_gone) SELECT {key}, 1 FROM {t} WHERE prefix = ?1 AND delimiter = ''"
            " AND snapshot = ?2 || '' AND (?3 OR {key} = CAST(?1 AS TEXT))", path, since, many)
apply = lambda: (run("DELETE FROM {t} WHERE {key} IN (SELECT {key} FROM sync_theirs WHERE sync_gone)") and
                 run("INSERT OR REPLACE INTO {t} SELECT {columns} FROM sync_theirs WHERE NOT sync_gone") and run(TOTAL))
def begin(writes, hash):
    run("BEGIN IMMEDIATE" if writes else "BEGIN")
    run("CREATE TEMP TABLE sync_theirs({columns}, sync_gone, PRIMARY KEY({key}))")
    return [[*total, columns, hash and total[0] != hash and [names("")]] for total in run(TOTAL)]
def look(wanted, levels):
    deeper, there, gone = compare(levels)
    yield [deeper, gone]
    for path, many in wanted + there:
        yield from run("SELECT {cells} FROM {t}" + ("(?1)" if many else " WHERE {key} = CAST(?1 AS TEXT)"), path)
def send(output, messages):
    output.writelines(json.dumps(m, ensure_ascii=False, separators=(",", ":")).encode() + b"\n" for m in messages)
    output.flush()
def receive(line):
    line[-1:] == b"\n" or fail("the other side has ended")
    serves or line[:1] == b"[" and line[:8] != b'["begin"' or fail(
        f"the other side is not sync, or its shell prints at login: said '{line[:60].decode(errors='replace')[:-1]}'")
    return json.loads(line, parse_int=float)
def ask(*message):
    send(other.stdin, [message])
    return map(receive, iter(other.stdout.readline, b"null\n"))
if serves:
    does = dict(begin=begin, look=look, push=lambda *own: load(*own) or apply(), commit=lambda: run("COMMIT"))
    for what, *given in map(receive, sys.stdin.buffer):
        send(sys.stdout.buffer, itertools.chain(does[what](*given), [None]))
    sys.exit()
other = subprocess.Popen(rest[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
[[theirs, version, names_there, levels]] = ask("begin", since is not None, begin(True, None)[0][0])
names_there == columns or fail(f"the columns are {', '.join(columns)} here, {', '.join(names_there)} there")
shot == "-" or run("CREATE TABLE IF NOT EXISTS {sync}(snapshot PRIMARY KEY, version INTEGER)")
since and (levels or list(run("SELECT 1 FROM art_snapshots({name}) WHERE name = ?1 || '' AND art_hash({name}, '') ="
                              " art_hash({name}, '', name)", since))) and run("DROP TABLE IF EXISTS {conflict}")
since and run("CREATE TABLE IF NOT EXISTS {conflict} AS SELECT * FROM sync_theirs")  # kept if a merge was cut short
mine = lost = []
if levels:
    since and list(run("SELECT 1 FROM {sync} WHERE snapshot = ?1 || '' AND version > ?2", since, version)) and fail(
        "the table there is older than at the last sync: was it restored? A merge may delete rows here: see sync.md")
    run("CREATE TEMP TABLE sync_mine AS SELECT path, change FROM art_diff({name}, CAST(?1 AS TEXT), NULL)", since)
    while levels:
        deeper, wanted, gone = compare(levels)
        told = ask("look", wanted, deeper) if deeper or wanted else iter([[[], []]])
        levels, more = next(told)
        load(told, gone + more)
    if since:
        run("INSERT INTO {conflict} SELECT * FROM sync_theirs AS t WHERE {key} IN (SELECT path FROM sync_mine) AND iif("
            "sync_gone, EXISTS(SELECT 1 FROM {t} AS own WHERE own.{key} = t.{key}),"
            " EXISTS(SELECT {cells} EXCEPT SELECT {cells} FROM {t} AS own WHERE own.{key} = t.{key}))")
        own = "FROM sync_mine WHERE path NOT IN (SELECT {key} FROM sync_theirs EXCEPT SELECT {key} FROM {conflict})"
        mine = list(run("SELECT {cells} FROM {t} WHERE {key} IN (SELECT path " + own + ")"))
        lost = list(run("SELECT CAST(path AS BLOB), 0 " + own + " AND change = 'deleted'"))
        run("DELETE FROM sync_theirs WHERE {key} IN (SELECT path FROM sync_mine)")
        [[theirs, version]] = ask("push", mine, lost)
    [total[0] for total in apply()] == [theirs] or fail("the tables would differ, so nothing has changed")
    since and [run("COMMIT"), *ask("commit"), run("BEGIN IMMEDIATE")]
other.communicate()
if shot != "-" and [total[0] for total in run(TOTAL)] == [theirs]:
    run("INSERT INTO {t}({t}, snapshot) SELECT 'drop snapshot', name FROM art_snapshots({name}) WHERE name = ?1 || ''"
        " UNION ALL SELECT 'snapshot', ?1 || ''", shot)
    run("INSERT OR REPLACE INTO {sync} VALUES(?1 || '', ?2)", shot, version + bool(mine + lost))
run("COMMIT")
conflicts = list(run("SELECT 1 FROM {conflict}")) if since else []
[counts] = run("SELECT total(NOT sync_gone), total(sync_gone) FROM sync_theirs")
print("sync: %d rows taken, %d deleted; there %d taken, %d deleted; conflicts: %d%s" % (
    *counts, len(mine), len(lost), len(conflicts), f", see {table}_conflict" * bool(conflicts)), file=sys.stderr)
