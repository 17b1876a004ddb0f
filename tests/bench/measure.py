"""What the scripts here share that ask SQL alone: databases in another process, bench_measure.c, which runs and times what they say,
so that Python's own time is in no figure; and the lines that they print.

A script is run by tests/bench/run, which has built the program (BENCH_MEASURE). Times are in nanoseconds.
"""
import argparse
import collections
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile

BATCH = 1000  # rows of a transaction that fills a table
program = subprocess.Popen([os.environ["BENCH_MEASURE"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

# The processor's time, and all; how often it was run; rows that came or were changed, and a sum of them in whichever order they came.
Spent = collections.namedtuple("Spent", "cpu wall times rows digest")


def request(*words):
    program.stdin.write(json.dumps([str(word) for word in words]) + "\n")
    program.stdin.flush()
    line = program.stdout.readline()
    if not line:
        sys.exit(1)
    return line.rstrip("\n")


def spent(*words):
    numbers = [int(number) for number in request(*words).split()]
    return [Spent(*numbers[i:i + 5]) for i in range(0, len(numbers), 5)]


class Database:
    """A connection. In a folder: its t.db, with WAL, synchronous=NORMAL and a cache of 1 GB for SQLite's own tables."""
    opened = 0

    SETTING = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -1048576"

    def __init__(self, folder=None, path=None, library=None, setting=SETTING):
        if folder:
            os.makedirs(folder, exist_ok=True)
        self.folder, self.path = folder, path or folder + "/t.db"
        Database.opened += 1
        self.name = "%d" % Database.opened
        request("open", self.name, self.path, *[library] * bool(library))
        self.run(setting)

    def run(self, sql):
        return spent("run", self.name, sql)[0]

    def value(self, sql):
        return request("value", self.name, sql)

    def plan(self, sql):
        """How SQLite goes about it, in a line."""
        return request("plan", self.name, sql)

    def number(self, sql):
        return float(self.value(sql) or 0)

    def fact(self, name):
        """Of art_info('t') or art_debug('t')."""
        return self.number("SELECT value FROM (SELECT * FROM art_debug('t') UNION ALL SELECT * FROM art_info('t')) WHERE property = '%s'" % name)

    def put_in_order(self):
        self.run("INSERT INTO t(t) VALUES('optimize'); SELECT art_vacuum('t')")

    def close(self, remove=False):
        request("close", self.name)
        if remove:
            shutil.rmtree(self.folder)

    def bytes(self):
        """Of all files, on the disk."""
        self.run("PRAGMA wal_checkpoint(TRUNCATE)")
        return sum(os.stat(os.path.join(self.folder, name)).st_blocks * 512 for name in os.listdir(self.folder))


def copied(folder, to):
    """The t.db and the .art file of a table that nobody has open: a copy is a table of its own."""
    os.makedirs(to, exist_ok=True)
    for name in os.listdir(folder):
        if name == "t.db" or name.endswith(".art"):
            with open(os.path.join(folder, name), "rb") as file, open(os.path.join(to, name), "wb") as copy:
                shutil.copyfileobj(file, copy)


def plan(sql):
    """In the database in memory that arguments are drawn from. It has the function draw(n, limit)."""
    request("run", "plan", sql)


def number_rows(count):
    """The plan's table n(i, at) has the numbers below `count`, in a random order by `at`."""
    plan("DROP TABLE IF EXISTS n; CREATE TABLE n(at INTEGER PRIMARY KEY, i); INSERT INTO n(i) WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL "
         "SELECT i + 1 FROM c LIMIT %d) SELECT i FROM c ORDER BY draw(i, 1 << 31), i" % count)


def give(folder, table, columns, rows):
    """A table of the plan's: these rows, numbered by i from 1 on."""
    path = os.path.join(folder, table + ".db")
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE %s(i INTEGER PRIMARY KEY, %s)" % (table, ", ".join(columns)))
    database.executemany("INSERT INTO %s(%s) VALUES(%s)" % (table, ", ".join(columns), ", ".join("?" * len(columns))), rows)
    database.commit()
    database.close()
    plan("ATTACH '%s' AS of_%s" % (path, table))


def take_back(folder, table):
    plan("DETACH of_" + table)
    os.remove(os.path.join(folder, table + ".db"))


def numbers(count):
    """A table c(n) of the numbers below `count`, for the beginning of a statement."""
    return "WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c LIMIT %d) " % count


def ask(how, sides, arguments="SELECT 1", batch=1 << 20):
    """Of pairs of database and SQL, what each spends, for all arguments. The SQL may be up to eight statements, in which ":it" is what
    the one before has found. How: 'batches', each in a transaction; 'alone', in none; 'warm', the same, but the second time; 'one': in
    one transaction on each database, which does not count."""
    return spent("ask", how, batch, arguments, *[word for db, sql in sides for word in (db.name, sql)])


def write(dbs, sql, arguments, batch=BATCH):
    return ask("batches", [(db, sql) for db in dbs], arguments, batch)


def visit(path, sql, times=1):
    """A connection opened, asked and closed; one of them."""
    of_all = spent("visit", path, sql, times)[0]
    return of_all._replace(cpu=of_all.cpu / times, wall=of_all.wall / times)


def in_turn(rounds, *sides):
    """What each of these functions gives, as often, one after the other."""
    answers = [[] for _ in sides]
    for _ in range(rounds):
        for answer, side in zip(answers, sides):
            answer.append(side())
    return answers


def best_of(rounds, *sides):
    return [min(answer) for answer in in_turn(rounds, *sides)]


def medians_of(rounds, *sides):
    return [statistics.median_high(answer) for answer in in_turn(rounds, *sides)]


def arguments_of(description, repetitions, rows, **groups):
    """-r, the rows, and -g of these."""
    parser = argparse.ArgumentParser(description=description.split("\n")[0])
    parser.add_argument("-r", type=int, default=repetitions, metavar="repetitions", choices=range(1, 200))
    if groups:
        parser.add_argument("-g", choices=groups, help="only this")
    parser.add_argument("rows", type=int, nargs="?", default=rows)
    return parser.parse_args()


def time_text(ns):
    return "%10.2f us" % (ns / 1e3) if ns < 1e6 else "%10.2f ms" % (ns / 1e6)


def reached(goal, figure):
    """Behind a figure that is at most its goal; none: 0."""
    return " of %.4g %s" % (goal, "ok" if figure <= goal else "MISSED") if goal else ""


def scratch():
    """A folder that goes with the process."""
    folder = tempfile.TemporaryDirectory(prefix="bench-")
    scratch.kept = folder
    return folder.name
