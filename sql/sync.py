"""Brings an art table to the state of another one, or merges both, over a pipe such as ssh makes: see sync.md.

    sync.py serve DATABASE TABLE                        answers on standard input and output
    sync.py pull  DATABASE TABLE SNAPSHOT|- COMMAND...  TABLE becomes what COMMAND serves
    sync.py merge DATABASE TABLE SNAPSHOT COMMAND...    both have changed since SNAPSHOT, and become equal
SNAPSHOT is in the end what both have. Where both have changed a row, TABLE's own stays, TABLE_conflict has the other.
"""
import json, os, random, sqlite3, sys

# Texts, BLOBs and integers travel as strings of bytes (Latin-1) behind a letter for their type.
CELL = """CASE WHEN typeof({0}) NOT IN ('null', 'real') THEN CAST(substr(typeof({0}), 1, 1) || {0} AS BLOB)
    WHEN {0} = 9e999 THEN x'2b' WHEN {0} = -9e999 THEN x'2d' ELSE {0} END"""
VALUE = """CASE iif(typeof({0}) = 'blob', CAST(substr({0}, 1, 1) AS TEXT), 'r') WHEN '+' THEN 9e999 WHEN '-' THEN -9e999
    WHEN 't' THEN CAST(substr({0}, 2) AS TEXT) WHEN 'b' THEN substr({0}, 2)
    WHEN 'i' THEN CAST(CAST(substr({0}, 2) AS TEXT) AS INTEGER) ELSE CAST({0} AS REAL) END"""
DIFFER = "own.{0} IS NOT theirs.{0} COLLATE BINARY OR typeof(own.{0}) <> typeof(theirs.{0})"
# What lies below a prefix is told apart by its rows, if they are few, by names of a level, or by the next byte.
FORM = "SELECT iif(art_count({name}, ?1, {as_of}) <= 40, '', '/')"
MOST = 250
NAMES = """SELECT coalesce(substr(CAST({key} AS BLOB), length(?1) + 1), x''), printf('%x', {hash}) FROM {t}
    WHERE prefix = ?1 AND delimiter = '*' AND snapshot = {as_of} LIMIT ?3"""
BYTES = """WITH RECURSIVE part(k) AS (SELECT 0 UNION ALL
        SELECT k + iif({at} = ?1, 1, art_count({name}, {at}, {as_of})) FROM part WHERE {at} IS NOT NULL)
    SELECT coalesce(substr({at}, length(?1) + 1), x''), printf('%x', iif({at} = ?1, (SELECT {hash} FROM {t}
        WHERE {key} = CAST(?1 AS TEXT) AND snapshot = {as_of}), art_hash({name}, {at}, {as_of})))
    FROM part WHERE {at} IS NOT NULL AND ?3"""
FORMS = {"": NAMES.replace("*", ""), "/": NAMES.replace("*", "/"), "*": BYTES}
ROWS = {0: "SELECT {cells} FROM {t} WHERE {key} = CAST(?1 AS TEXT)", 1: "SELECT {cells} FROM {t}(?1)"}
TOTAL = "SELECT printf('%x', art_hash({name}, ''))"
BOTH = """{key} IN (SELECT {key} FROM theirs LEFT JOIN {t} AS own USING({key})
    WHERE {key} IN (SELECT path FROM mine) AND iif(gone, own.{key} IS NOT NULL, {differ}))"""

sys.excepthook = lambda kind, error, trace: print("sync:", error, file=sys.stderr)
if len(sys.argv) < {"serve": 4, "pull": 6, "merge": 6}.get("".join(sys.argv[1:2]), 9e9):
    sys.exit(__doc__)
command, file, table, *rest = sys.argv[1:]
serves, since = command == "serve", rest[0] if command == "merge" else None
db = sqlite3.connect(file, isolation_level=None, timeout=random.randrange(10) if serves else 60)
db.enable_load_extension(True)
db.load_extension(os.environ.get("ART", "./art"))
columns = [name for [name] in db.execute("SELECT printf('\"%w\"', name) FROM pragma_table_info(?)", [table])]
if not list(db.execute("SELECT 1 FROM pragma_table_xinfo(?) WHERE pk AND NOT hidden AND type = 'TEXT'", [table])):
    sys.exit(f"sync: {file} has no art table {table} whose key is a path")
[[t, conflict, name]] = db.execute("SELECT printf('\"%w\"', ?1), printf('\"%w_conflict\"', ?1), quote(?1)", [table])
words = {"t": t, "conflict": conflict, "name": name, "key": columns[0], "as_of": "CAST(?2 AS TEXT)",
         "hash": "art_hash" if '"hash"' in map(str.lower, columns) else "hash", "columns": ", ".join(columns),
         "cells": ", ".join(map(CELL.format, columns)), "differ": " OR ".join(map(DIFFER.format, columns)),
         "values": ", ".join(VALUE.format(f"?{i + 1}") for i in range(len(columns)))}
words["at"] = "substr(CAST(art_nth({name}, ?1, k, {as_of}) AS BLOB), 1, length(?1) + 1)".format(**words)

def run(sql, *values):
    rows = db.execute(sql.format(**words), [v.encode("latin1") if isinstance(v, str) else v for v in values])
    return ([value.decode("latin1") if isinstance(value, bytes) else value for value in row] for row in rows)

def names(prefix, form=None):
    """A prefix, and a dictionary of names below it with their hashes, in this form or the first that is short"""
    [[of]] = [[form]] if form is not None else run(FORM, prefix, since)
    found = dict(run(FORMS[of], prefix, since, -1 if form is not None else MOST))
    return [prefix, of, found] if form is not None or len(found) < MOST else names(prefix, "*")

def compare(levels):
    """Of levels that the other side has told: those below that differ, rows that the server has, and what it has not"""
    deeper, rows, gone = [], [], []
    for prefix, form, there in levels:
        here = names(prefix, form)[2]
        for name in [name for name in {**there, **here} if there.get(name) != here.get(name)]:
            many = "" not in (name, form) and name.endswith(form.strip("*"))
            if many and name in there and name in here:
                deeper.append(names(prefix + name))
            else:
                (rows if name in (here if serves else there) else gone).append([prefix + name, many])
    return deeper, rows, gone

def begin(writes, total):
    run("BEGIN IMMEDIATE" if writes else "BEGIN")
    [[own]] = run(TOTAL)
    return [[own, columns, [names("")] if own != total else []]]

def look(asked, levels):
    deeper, rows, gone = compare(levels)
    yield [deeper, gone]
    for path, many in asked + rows:
        yield from run(ROWS[many], path)

def push(gone, rows):
    for path in gone:
        run("DELETE FROM {t} WHERE {key} = CAST(?1 AS TEXT)", path)
    for row in rows:
        run("INSERT OR REPLACE INTO {t} VALUES({values})", *row)
    return run(TOTAL)

def send(output, messages):
    output.writelines(json.dumps(m, ensure_ascii=False, separators=(",", ":")).encode() + b"\n" for m in messages)
    output.flush()

def answer():
    line = other.stdout.readline()
    try:
        return json.loads(line)
    except ValueError:
        sys.exit(f"sync: the other side has {f'said {line[:80]}' if line else 'ended'}")

def ask(*message):
    send(other.stdin, [message])
    return iter(answer, None)

def fetch(levels):
    """temp.theirs: the rows that are there and not here, or not as here; here as it is, or was at the snapshot"""
    while levels:
        deeper, wanted, gone = compare(levels)
        told = ask("look", wanted, deeper) if deeper or wanted else iter([[[], []]])
        levels, more = next(told)
        for row in told:
            run("INSERT INTO theirs VALUES({values}, 0)", *row)
        for path, many in gone + more:
            run("INSERT INTO theirs({key}, gone) SELECT {key}, 1 FROM {t} WHERE prefix = ?1 AND delimiter = ''"
                " AND snapshot = {as_of} AND (?3 OR {key} = CAST(?1 AS TEXT))", path, since, many)

if serves:
    answers = {"begin": begin, "look": look, "push": push, "commit": lambda: run("COMMIT")}
    for line in sys.stdin.buffer:
        what, *given = json.loads(line)
        send(sys.stdout.buffer, answers[what](*given))
        send(sys.stdout.buffer, [None])
    sys.exit()
import subprocess
other = subprocess.Popen(rest[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
[[own, _, _]] = begin(True, "")
[[theirs, names_there, levels]] = ask("begin", since is not None, own)
if names_there != columns:
    sys.exit(f"sync: the columns are {', '.join(columns)} here, {', '.join(names_there)} there")
if levels:
    run("CREATE TEMP TABLE theirs({columns}, gone, PRIMARY KEY({key}))")
    run("CREATE TEMP TABLE mine AS SELECT path FROM art_diff({name}, CAST(?1 AS TEXT), NULL)", since)
    fetch(levels)
    if since:
        run("DROP TABLE IF EXISTS {conflict}")
        run("CREATE TABLE {conflict} AS SELECT * FROM theirs WHERE " + BOTH)
        run("DELETE FROM theirs WHERE " + BOTH)
    run("DELETE FROM {t} WHERE {key} IN (SELECT {key} FROM theirs WHERE gone)")
    run("INSERT OR REPLACE INTO {t} SELECT {columns} FROM theirs WHERE NOT gone")
    run("DELETE FROM mine WHERE path IN (SELECT {key} FROM theirs)")
    gone = [path for [path] in run("SELECT CAST(path AS BLOB) FROM mine WHERE path NOT IN (SELECT {key} FROM {t})")]
    rows = list(run("SELECT {cells} FROM {t} WHERE {key} IN (SELECT path FROM mine)"))
    [[own]] = run(TOTAL)
    if own != (list(ask("push", gone, rows))[0][0] if since else theirs):
        sys.exit("sync: the tables would differ, so nothing has changed")
    if since:
        run("COMMIT")
        list(ask("commit"))
        run("BEGIN IMMEDIATE")
other.stdin.close()
other.wait()
if rest[0] != "-" and [[own]] == list(run(TOTAL)):
    run("INSERT INTO {t}({t}, snapshot) SELECT 'drop snapshot', name FROM art_snapshots({name})"
        " WHERE name = CAST(?1 AS TEXT) UNION ALL SELECT 'snapshot', CAST(?1 AS TEXT)", rest[0])
run("COMMIT")
