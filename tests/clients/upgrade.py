"""A program whose art.so is replaced while it runs goes on with the one that it has, in new connections, too. One that loads
another art.so by another path has two of them side by side, on the same table. For test_upgrade.sh.

    upgrade.py FOLDER      with art.so in it, and in FOLDER/other; a line is printed before it is to be replaced, and one is read
                           behind
"""
import os
import sqlite3
import sys

folder = sys.argv[1]


def connect(library):
    db = sqlite3.connect(f"{folder}/u.db", isolation_level=None, timeout=30)
    db.enable_load_extension(True)
    db.load_extension(library)
    return db


def loaded():
    with open("/proc/self/maps") as maps:
        return len({line.split()[4] for line in maps if "/art.so" in line})


def write(db, name):
    for i in range(50):
        db.execute("INSERT INTO t VALUES(?, ?)", (f"{name}/{i:03d}", "x" * 300))


old = connect(f"{folder}/art")
old.execute("CREATE VIRTUAL TABLE t USING art(path, value, log_limit='10KB')")
write(old, "before")
print("replace it", flush=True)
sys.stdin.readline()
write(old, "old")
connect(f"{folder}/art")
assert loaded() == 1, loaded()
new = connect(f"{folder}/other/art")
assert loaded() == 2, loaded()
for i in range(10):
    write(old, f"old/{i}")
    write(new, f"new/{i}")
    for db in (old, new):
        db.execute("INSERT INTO t(t) VALUES('optimize')")
        assert db.execute("SELECT count(*) FROM t").fetchone() == (100 + 100 * (i + 1),)
assert old.execute("SELECT art_verify()").fetchone() == new.execute("SELECT art_verify()").fetchone() == ("ok: 1 art table",)
os._exit(0)
