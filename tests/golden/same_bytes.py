#!/usr/bin/python3
"""Are the art tables of two folders the same bytes? Each table t of a *.db that both have, row by row of its shadow
tables and page by page of its blobs, but for what is random (the table's id, the nonce) and what follows from it: the
file's name, and hashes. Numbers in comments are sections of core/FORMAT.md. An index blob has hashes of its children:
tables with one are never the same.

    same_bytes.py FOLDER FOLDER     a line for each table; exit status 1: one is other bytes
"""
import pathlib
import sqlite3
import sys

from reader import PAGE, SLOT, TRAILER, number

RANDOM = ("id", "file", "nonce", "retired")  # rows of T_artstate; `retired` has the WAL's salts


def without(data, *stretches):
    for begin, end in stretches:
        data = data[:begin] + bytes(len(data[begin:end])) + data[end:]
    return data


def root(data):
    """4, without the hash of the log, that of each run's topmost blob, and its own."""
    data, at = without(data, (24, 40), (len(data) - 8, len(data))), 56
    for _ in range(data[6]):
        data = without(data, (at + 21 + 16, at + 21 + 32))
        at += 21 + number(data, at + 16, 4)
    return data


def snapshot(data):
    """2: without when it was made, and hashes."""
    n = number(data, 17, 4)
    return without(data, (9, 17), (len(data) - 8, len(data)))[:21] + root(data[21:21 + n]) + data[21 + n:-8]


class Table:
    def __init__(self, path):
        self.db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        state = dict(self.db.execute("SELECT k, v FROM t_artstate"))
        self.slots = {}
        if state["storage"] == "inline":
            for page, data in self.db.execute("SELECT page, data FROM t_artblob WHERE page >= 0"):
                self.slots.setdefault(page // 128, {})[page % 128] = data.ljust(PAGE, b"\0")
        elif (path.parent / state["file"]).exists():
            with open(path.parent / state["file"], "rb") as file:
                file.seek(SLOT)  # slot 0 says whose the file is
                while data := file.read(SLOT):
                    slot = {page: data[page * PAGE:][:PAGE] for page in range(128)}
                    self.slots[file.tell() // SLOT] = slot if any(map(any, slot.values())) else {}
        self.state = state

    def blob(self, slot):
        """5, without uuid and hashes."""
        trailer = TRAILER - 127 * PAGE
        last = without(slot[127], (trailer, trailer + 1016), (trailer + 1024, trailer + 1040), (PAGE - 24, PAGE - 16))
        return {**slot, 127: last}

    def bytes(self):
        for key, value in sorted(self.state.items()):
            if key not in RANDOM:
                value = snapshot(value) if key.startswith("snapshot ") and value else value
                value = root(value) if key == "root" else value
                value = without(value, (len(value) - 8, len(value))) if key in ("held", "let go") else value
                yield f"{key} of T_artstate", value
        for csn, ops in self.db.execute("SELECT csn, ops FROM t_artdata ORDER BY csn"):
            yield f"row {csn} of T_artdata", without(ops, (0, 16)) if csn else root(ops)
        for slot, pages in sorted(self.slots.items()):
            for page, data in sorted(self.blob(pages).items()) if pages else ():
                yield f"page {page} of slot {slot}", data


def compare(name, one, other):
    one, other = dict(Table(one).bytes()), dict(Table(other).bytes())
    differ = [what for what in {**one, **other} if one.get(what) != other.get(what)]
    print(f"{name}: {len(one)} rows and pages,", "the same bytes" if not differ else f"{len(differ)} differ: {differ[:8]}")
    return not differ


folders = [pathlib.Path(folder) for folder in sys.argv[1:3]]
names = sorted({path.name for path in folders[0].glob("*.db")} & {path.name for path in folders[1].glob("*.db")})
sys.exit(not all([compare(name, *[folder / name for folder in folders]) for name in names]) or not names)
