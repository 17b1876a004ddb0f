"""A database that is written while others copy it, and what a copy of it is worth. For test_fs_snapshots.sh and rsync.

    copies.py write EXTENSION DATABASE STORAGE TOLD     until it is killed: an art table t and an ordinary one p, written alike,
                                                        each COMMIT durable; its number stands in the file TOLD once it is
    copies.py look EXTENSION DATABASE [NUMBER]          0: whole, t and p agree, commit NUMBER is in it, and it can be written
                                                        1: art_verify() refuses it
                                                        2: art_verify() says ok, and it is not
    copies.py load EXTENSION DATABASE STORAGE ROUNDS    writes as much, and ends
    copies.py can EXTENSION                             0: this Python loads the extension
"""
import os
import random
import sqlite3
import sys


def connect(extension, database):
    db = sqlite3.connect(database, isolation_level=None, timeout=30)
    db.enable_load_extension(True)
    db.load_extension(extension)
    return db


def prepare(extension, database, storage):
    db = connect(extension, database)
    db.execute(f"PRAGMA journal_mode={os.environ.get('ART_COPIES_JOURNAL', 'WAL')}")
    db.execute("PRAGMA synchronous=FULL")
    db.execute(f"CREATE VIRTUAL TABLE IF NOT EXISTS t USING art(path, value, storage={storage}, log_limit='64KB')")
    db.execute("CREATE TABLE IF NOT EXISTS p(path TEXT PRIMARY KEY, value) WITHOUT ROWID")
    db.execute("CREATE TABLE IF NOT EXISTS c(n)")
    if not db.execute("SELECT count(*) FROM c").fetchone()[0]:
        db.execute("INSERT INTO c VALUES(0)")
    return db


def commit(db, draw):
    db.execute("BEGIN IMMEDIATE")
    for _ in range(draw.randrange(1, 200)):
        path, value = f"d{draw.randrange(40)}/{draw.randrange(20000):06d}", draw.randbytes(draw.randrange(60)).hex()
        for table in "tp":
            if len(value) < 12:
                db.execute(f"DELETE FROM {table} WHERE path = ?", (path,))
            else:
                db.execute(f"INSERT OR REPLACE INTO {table} VALUES(?, ?)", (path, value))
    db.execute("UPDATE c SET n = n + 1")
    db.execute("COMMIT")


def write(extension, database, storage, told):
    db, draw = prepare(extension, database, storage), random.Random()
    out = os.open(told, os.O_WRONLY | os.O_CREAT, 0o644)
    while True:
        commit(db, draw)
        os.pwrite(out, b"%012d\n" % db.execute("SELECT n FROM c").fetchone()[0], 0)


def load(extension, database, storage, rounds):
    db, draw = prepare(extension, database, storage), random.Random()
    for _ in range(int(rounds)):
        commit(db, draw)


def differs(db, number):
    if db.execute("PRAGMA integrity_check(1)").fetchone()[0] != "ok":
        return "integrity_check"
    for a, b in ("tp", "pt"):
        if db.execute(f"SELECT count(*) FROM (SELECT path, value FROM {a} EXCEPT SELECT path, value FROM {b})").fetchone()[0]:
            return "the two tables do not agree"
    if db.execute("SELECT n FROM c").fetchone()[0] < number:
        return "a commit is lost"
    db.execute("INSERT INTO t VALUES('one more', 1)")
    db.execute("INSERT INTO t(t) VALUES('optimize')")
    db.execute("SELECT art_verify()")
    return None


def look(extension, database, number="0"):
    try:
        db = connect(extension, database)
        said = db.execute("SELECT art_verify()").fetchone()[0]
    except sqlite3.Error as error:
        print("refused:", str(error).split("\n", 1)[0])
        return 1
    try:
        wrong = differs(db, int(number))
    except sqlite3.Error as error:
        wrong = str(error)
    print(f"WRONG ({said}): {wrong}" if wrong else said)
    return 2 if wrong else 0


def can(extension):
    try:
        connect(extension, ":memory:")
    except (AttributeError, sqlite3.Error):
        return 1
    return 0


if __name__ == "__main__":
    sys.exit({"write": write, "look": look, "load": load, "can": can}[sys.argv[1]](*sys.argv[2:]))
