"""Brings an art table to the state of another one, or merges both, over a pipe such as ssh makes: see sync.md.

    sync.py serve DATABASE TABLE                        answers on standard input and output
    sync.py pull  DATABASE TABLE SNAPSHOT|- COMMAND...  TABLE becomes what COMMAND serves
    sync.py merge DATABASE TABLE SNAPSHOT COMMAND...    both have changed since SNAPSHOT, and become equal
SNAPSHOT is in the end what both have. Where both have changed a row, TABLE's own stays, TABLE_conflict has the other.
"""
import json, os, sqlite3, subprocess, sys

FEW = 41  # so many rows below a prefix are no longer told one by one
MOST = 251  # nor so many names of a level: these are told apart by the next byte, until no more are left
# Texts, BLOBs and integers travel as strings of bytes (Latin-1) behind a letter for their type.
CELL = """CASE WHEN typeof({0}) NOT IN ('null', 'real') THEN CAST(substr(typeof({0}), 1, 1) || {0} AS BLOB)
    WHEN {0} = 9e999 THEN x'2b' WHEN {0} = -9e999 THEN x'2d' ELSE {0} END"""
VALUE = """CASE iif(typeof({0}) = 'blob', CAST(substr({0}, 1, 1) AS TEXT), 'r') WHEN '+' THEN 9e999 WHEN '-' THEN -9e999
    WHEN 't' THEN CAST(substr({0}, 2) AS TEXT) WHEN 'b' THEN substr({0}, 2)
    WHEN 'i' THEN CAST(CAST(substr({0}, 2) AS TEXT) AS INTEGER) ELSE CAST({0} AS REAL) END"""
DIFFER = "own.{0} IS NOT theirs.{0} COLLATE BINARY OR typeof(own.{0}) <> typeof(theirs.{0})"
NAMES = """SELECT coalesce(substr(CAST({key} AS BLOB), length(?1) + 1), x''), printf('%x', hash) FROM {t}
    WHERE prefix = ?1 AND delimiter = '%' AND snapshot = {as_of} LIMIT ?3"""
BYTES = """WITH RECURSIVE part(k) AS (SELECT 0 UNION ALL
        SELECT k + iif({at} = ?1, 1, art_count({name}, {at}, {as_of})) FROM part WHERE {at} IS NOT NULL)
    SELECT coalesce(substr({at}, length(?1) + 1), x''), printf('%x', iif({at} = ?1, (SELECT hash FROM {t}
        WHERE {key} = CAST(?1 AS TEXT) AND snapshot = {as_of}), art_hash({name}, {at}, {as_of})))
    FROM part WHERE {at} IS NOT NULL AND ?3"""
TOTAL = "SELECT printf('%x', art_hash({name}, ''))"
FORMS = {"rows": NAMES.replace("%'", "'"), "level": NAMES.replace("%'", "/'"), "bytes": BYTES}
BOTH = """{key} IN (SELECT {key} FROM theirs LEFT JOIN {t} AS own USING({key})
    WHERE {key} IN (SELECT path FROM mine) AND iif(gone, own.{key} IS NOT NULL, {differ}))"""

command, file, table, *rest = sys.argv[1:]
db = sqlite3.connect(file, isolation_level=None, timeout=60)
db.enable_load_extension(True)
db.load_extension(os.environ.get("ART", "./art"))
columns = [f'"{name}"' for [name] in db.execute("SELECT name FROM pragma_table_info(?)", [table])]
words = {"t": f'"{table}"', "name": f"'{table}'", "conflict": f'"{table}_conflict"', "key": columns[0],
         "columns": ", ".join(columns), "cells": ", ".join(map(CELL.format, columns)), "as_of": "CAST(?2 AS TEXT)",
         "values": ", ".join(VALUE.format(f"?{i + 1}") for i in range(len(columns))),
         "differ": " OR ".join(map(DIFFER.format, columns))}
words["at"] = "substr(CAST(art_nth({name}, ?1, k, {as_of}) AS BLOB), 1, length(?1) + 1)".format(**words)

def run(sql, *values):
    rows = db.execute(sql.format(**words), [v.encode("latin1") if isinstance(v, str) else v for v in values])
    return ([value.decode("latin1") if isinstance(value, bytes) else value for value in row] for row in rows)

def each(sql):
    return lambda *keys: (row for key in keys for row in run(sql, key))

def names(prefix, snapshot=None, form=None):
    for form, limit in [(form, -1)] if form else [("rows", FEW), ("level", MOST), ("bytes", -1)]:
        found = list(run(FORMS[form], prefix, snapshot, limit))
        if len(found) != limit:
            return [form, found]

def push(gone, rows, wanted):
    list(each("DELETE FROM {t} WHERE {key} = CAST(?1 AS TEXT)")(*gone))
    for row in rows:
        run("INSERT OR REPLACE INTO {t} VALUES({values})", *row)
    [now] = run(TOTAL)
    run("COMMIT" if now == [wanted] else "ROLLBACK")
    return [now]

ANSWERS = {"begin": lambda writes: run("BEGIN IMMEDIATE" if writes else "BEGIN") and run(TOTAL), "push": push,
           "names": lambda *prefixes: map(names, prefixes), "below": each("SELECT {cells} FROM {t}(?1)"),
           "rows": each("SELECT {cells} FROM {t} WHERE {key} = CAST(?1 AS TEXT)")}

def send(output, *messages):
    output.writelines(json.dumps(m, ensure_ascii=False, separators=(",", ":")).encode() + b"\n" for m in messages)
    output.flush()

def ask(*message):
    send(other.stdin, message)
    return iter(lambda: json.loads(other.stdout.readline() or sys.exit("sync: the other side has ended")), None)

def fetch(snapshot):
    """temp.theirs: the rows that are there and not here, or not as here; here as it is, or was at the snapshot"""
    level, prefixes, paths = [""], [], []
    while level:
        asked, level = level, []
        for (form, there), prefix in zip(list(ask("names", *asked)), asked):
            there, here = dict(there), dict(names(prefix, snapshot, form)[1])
            for name in [name for name in {**there, **here} if there.get(name) != here.get(name)]:
                many = name != "" if form == "bytes" else form == "level" and name.endswith("/")
                if name in there:
                    (paths if not many else level if name in here else prefixes).append(prefix + name)
                else:
                    run("INSERT INTO theirs({key}, gone) SELECT {key}, 1 FROM {t} WHERE prefix = ?1 AND delimiter = ''"
                        " AND snapshot = {as_of} AND (?3 OR {key} = CAST(?1 AS TEXT))", prefix + name, snapshot, many)
    for request in ["below", *prefixes], ["rows", *paths]:
        for row in ask(*request) if request[1:] else []:
            run("INSERT INTO theirs VALUES({values}, 0)", *row)

if command == "serve":
    for line in sys.stdin.buffer:
        what, *given = json.loads(line)
        send(sys.stdout.buffer, *ANSWERS[what](*given), None)
    sys.exit()
snapshot, since = rest[0], rest[0] if command == "merge" else None
other = subprocess.Popen(rest[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
[own], [theirs] = ANSWERS["begin"](True), ask("begin", since is not None)
if own != theirs:
    run("CREATE TEMP TABLE theirs({columns}, gone, PRIMARY KEY({key}))")
    run("CREATE TEMP TABLE mine AS SELECT path FROM art_diff({name}, CAST(?1 AS TEXT), NULL)", since)
    fetch(since)
    if since:
        run("DROP TABLE IF EXISTS {conflict}")
        run("CREATE TABLE {conflict} AS SELECT * FROM theirs WHERE " + BOTH)
        run("DELETE FROM theirs WHERE " + BOTH)
    run("DELETE FROM {t} WHERE {key} IN (SELECT {key} FROM theirs WHERE gone)")
    run("INSERT OR REPLACE INTO {t} SELECT {columns} FROM theirs WHERE NOT gone")
    run("DELETE FROM mine WHERE path IN (SELECT {key} FROM theirs)")
    gone = [path for [path] in run("SELECT CAST(path AS BLOB) FROM mine WHERE path NOT IN (SELECT {key} FROM {t})")]
    rows = list(run("SELECT {cells} FROM {t} WHERE {key} IN (SELECT path FROM mine)"))
    [own] = run(TOTAL)
    if own != (list(ask("push", gone, rows, *own))[0] if since else theirs):
        sys.exit("sync: the tables would differ, so nothing has changed")
if snapshot != "-":
    run("INSERT INTO {t}({t}, snapshot) SELECT 'drop snapshot', name FROM art_snapshots({name})"
        " WHERE name = CAST(?1 AS TEXT) UNION ALL SELECT 'snapshot', CAST(?1 AS TEXT)", snapshot)
run("COMMIT")
