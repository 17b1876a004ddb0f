"""Brings an art table to the state of another one, or merges both, over a pipe such as ssh makes: see sync.md.

    sync.py serve DATABASE TABLE                                    answers on standard input and output
    sync.py pull  DATABASE TABLE SNAPSHOT|- COMMAND...              TABLE becomes what COMMAND serves
    sync.py merge DATABASE TABLE SNAPSHOT mine|theirs|- COMMAND...  both have changed since SNAPSHOT; whose row wins a conflict

SNAPSHOT is in the end what both have. Texts, BLOBs and integers travel as strings of bytes (Latin-1) behind a letter for their type.
"""
import json, os, sqlite3, subprocess, sys

FEW = 40  # rows below a prefix are told one by one
MOST = 250  # names of a level; a larger one is told apart by the next byte of its names, until no more are left
CELL = """CASE WHEN typeof({0}) IN ('null', 'real') THEN iif({0} IN (9e999, -9e999), CAST(iif({0} > 0, '+', '-') AS BLOB), {0})
    ELSE CAST(substr(typeof({0}), 1, 1) || {0} AS BLOB) END"""
VALUE = """CASE iif(typeof({0}) = 'blob', CAST(substr({0}, 1, 1) AS TEXT), 'r') WHEN 't' THEN CAST(substr({0}, 2) AS TEXT) WHEN 'b' THEN substr({0}, 2)
    WHEN 'i' THEN CAST(CAST(substr({0}, 2) AS TEXT) AS INTEGER) WHEN '+' THEN 9e999 WHEN '-' THEN -9e999 ELSE CAST({0} AS REAL) END"""
DIFFER = "own.{0} IS NOT theirs.{0} COLLATE BINARY OR typeof(own.{0}) <> typeof(theirs.{0})"
NAMES = "SELECT coalesce(substr(CAST({key} AS BLOB), length(?1) + 1), x''), printf('%x', hash) FROM {t} WHERE prefix = ?1 AND delimiter = '%' AND snapshot = {as_of} LIMIT ?3"
BYTES = """WITH RECURSIVE part(k) AS
        (SELECT 0 UNION ALL SELECT k + iif({at} = ?1, 1, art_count({name}, {at}, {as_of})) FROM part WHERE {at} IS NOT NULL)
    SELECT coalesce(substr({at}, length(?1) + 1), x''), printf('%x', iif({at} = ?1, (SELECT hash FROM {t} WHERE prefix = ?1 AND delimiter = '/' AND snapshot = {as_of} LIMIT 1),
        art_hash({name}, {at}, {as_of}))) FROM part WHERE {at} IS NOT NULL AND ?3"""
FORMS = {"rows": NAMES.replace("%'", "'"), "level": NAMES.replace("%'", "/'"), "bytes": BYTES}
BOTH = """{key} IN (SELECT {key} FROM theirs LEFT JOIN {t} AS own USING({key})
    WHERE {key} IN (SELECT path FROM mine) AND iif(gone, own.{key} IS NOT NULL, {differ}))"""

def use(file, table):
    global db, words
    db = sqlite3.connect(file, isolation_level=None, timeout=60)
    db.enable_load_extension(True)
    db.load_extension(os.environ.get("ART", "./art"))
    columns = [f'"{name}"' for [name] in db.execute("SELECT name FROM pragma_table_info(?)", [table])]
    each = lambda text: [text.format(column) for column in columns]
    words = {"t": f'"{table}"', "name": f"'{table}'", "conflict": f'"{table}_conflict"', "key": columns[0], "as_of": "CAST(?2 AS TEXT)",
             "columns": ", ".join(columns), "cells": ", ".join(each(CELL)), "differ": " OR ".join(each(DIFFER)),
             "values": ", ".join(VALUE.format(f"?{i + 1}") for i in range(len(columns)))}
    words["at"] = "substr(CAST(art_nth({name}, ?1, k, {as_of}) AS BLOB), 1, length(?1) + 1)".format(**words)

def run(sql, *values):
    rows = db.execute(sql.format(**words), [value.encode("latin1") if isinstance(value, str) else value for value in values])
    return ([value.decode("latin1") if isinstance(value, bytes) else value for value in row] for row in rows)

def total():
    return next(run("SELECT printf('%x', art_hash({name}, ''))"))[0]

def names(prefix, snapshot=None, form=None):
    forms = [(form, -1)] if form else [("rows", FEW), ("level", MOST), ("bytes", -1)]
    return next([form, found] for form, limit in forms for found in [list(run(FORMS[form], prefix, snapshot, limit + (limit > 0)))]
                if limit < 0 or len(found) <= limit)

def push(before, gone, rows):
    run("COMMIT")  # it began when this side began to serve
    run("BEGIN IMMEDIATE")
    if total() == before:
        for path in gone:
            run("DELETE FROM {t} WHERE {key} = CAST(?1 AS TEXT)", path)
        for row in rows:
            run("INSERT OR REPLACE INTO {t} VALUES({values})", *row)
        yield total()

ANSWERS = {"hash": lambda: [total()], "push": push, "names": lambda *prefixes: map(names, prefixes),
           "below": lambda *prefixes: (row for prefix in prefixes for row in run("SELECT {cells} FROM {t}(?1)", prefix)),
           "rows": lambda *paths: (row for path in paths for row in run("SELECT {cells} FROM {t} WHERE {key} = CAST(?1 AS TEXT)", path))}

def send(*messages):
    for message in messages:
        output.write(json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
    output.flush()

def ask(*message):
    send(message)
    return iter(lambda: json.loads(input.readline() or sys.exit("sync: the other side has ended")), None)

def serve():
    run("BEGIN")
    for line in input:
        what, *given = json.loads(line)
        send(*ANSWERS[what](*given), None)
    run("COMMIT")

def fetch(snapshot):
    """temp.theirs: the rows that are there and not here, or not as here; here as it is, or was at the snapshot"""
    level, prefixes, paths = [""], [], []
    while level:
        asked, level = level, []
        for (form, there), prefix in zip(ask("names", *asked), asked):
            there, here = dict(there), dict(names(prefix, snapshot, form)[1])
            for name in [name for name in {**there, **here} if there.get(name) != here.get(name)]:
                many = name != "" if form == "bytes" else form == "level" and name.endswith("/")
                if many and name in there and name in here:
                    level.append(prefix + name)
                elif name in there:
                    (prefixes if many else paths).append(prefix + name)
                elif many:
                    run("INSERT INTO theirs({key}, gone) SELECT {key}, 1 FROM {t} WHERE prefix = ?1 AND delimiter = '' AND snapshot = {as_of}", prefix + name, snapshot)
                else:
                    run("INSERT INTO theirs({key}, gone) VALUES(CAST(?1 AS TEXT), 1)", prefix + name)
    for request in ["below", *prefixes], ["rows", *paths]:
        for row in ask(*request) if request[1:] else []:
            run("INSERT INTO theirs VALUES({values}, 0)", *row)

command, file, table, *rest = sys.argv[1:]
use(file, table)
input, output = sys.stdin.buffer, sys.stdout.buffer
if command == "serve":
    serve()
    sys.exit()
snapshot, prefer = rest.pop(0), rest.pop(0) if command == "merge" else "theirs"
other = subprocess.Popen(rest, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
input, output = other.stdout, other.stdin
run("CREATE TEMP TABLE theirs({columns}, gone, PRIMARY KEY({key}))")
run("CREATE TEMP TABLE mine(path PRIMARY KEY)")
run("BEGIN IMMEDIATE")
[hash] = ask("hash")
if hash != total():
    if command == "merge":
        run("INSERT INTO mine SELECT path FROM art_diff({name}, CAST(?1 AS TEXT), NULL)", snapshot)
    fetch(snapshot if command == "merge" else None)
    run("DROP TABLE IF EXISTS {conflict}")
    if prefer == "-" and list(run("SELECT 1 FROM theirs WHERE " + BOTH + " LIMIT 1")):
        run("CREATE TABLE {conflict} AS SELECT * FROM theirs WHERE " + BOTH)
    if prefer != "theirs":
        run("DELETE FROM theirs WHERE " + BOTH)
    run("DELETE FROM {t} WHERE {key} IN (SELECT {key} FROM theirs WHERE gone)")
    run("INSERT OR REPLACE INTO {t} SELECT {columns} FROM theirs WHERE NOT gone")
    if list(run("SELECT 1 FROM pragma_table_info(?1)", table + "_conflict")):
        run("COMMIT")
        sys.exit(f"sync: conflicts, which {table}_conflict has as they are there; the table keeps its own")
    run("DELETE FROM mine WHERE path IN (SELECT {key} FROM theirs)")
    if command == "merge":
        gone = [path for [path] in run("SELECT CAST(path AS BLOB) FROM mine WHERE path NOT IN (SELECT {key} FROM {t})")]
        rows = list(run("SELECT {cells} FROM {t} WHERE {key} IN (SELECT path FROM mine)"))
        hash = [*ask("push", hash, gone, rows), "?"][0]
    if hash != total():
        sys.exit("sync: the two tables differ, or the other one has changed meanwhile; nothing has changed here: run it again")
if snapshot != "-":
    run("INSERT INTO {t}({t}, snapshot) SELECT 'drop snapshot', name FROM art_snapshots({name}) WHERE name = CAST(?1 AS TEXT)", snapshot)
    run("INSERT INTO {t}({t}, snapshot) VALUES('snapshot', CAST(?1 AS TEXT))", snapshot)
run("COMMIT")
