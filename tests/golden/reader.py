#!/usr/bin/python3
"""Reads art tables without art: the format (core/FORMAT.md) as a program that runs.

    reader.py DATABASE                      its art tables, and their snapshots
    reader.py DATABASE TABLE [SNAPSHOT]     the rows, in the order of the key, as literals of SQL

Python's standard library is enough; with xxhash (Debian: python3-xxhash) all that is read is verified, too. Nothing is written,
except that SQLite rolls back what a crash has left. Numbers in the comments are the document's sections.
"""
import functools
import heapq
import os
import re
import sqlite3
import struct
import sys
import urllib.parse

try:
    import xxhash
except ImportError:
    xxhash = None

SLOT, PAGE, TRAILER = 524288, 4096, 523144
DELETE, CHUNKED, SUMMED = 1, 4, 8  # flags of entries
INVERTED = bytes(range(255, -1, -1))


class Refused(Exception):
    """What cannot be read, and why."""


def check(holds, message):
    if not holds:
        raise Refused(message)


def check_hash(what, data, expected):
    if xxhash:
        found = xxhash.xxh3_64_intdigest(data) if len(expected) == 8 else xxhash.xxh3_128_intdigest(data)
        check(found == int.from_bytes(expected, "little"), f"{what} is damaged: it has another hash")


# ---- numbers, and values as in SQLite's records

def number(data, at, size):
    return int.from_bytes(data[at:at + size], "little")


def varint(data, at, of_sqlite=False):
    """The number, and where it ends; SQLite's own have the highest bits first."""
    result = shift = 0
    while True:
        bits, at = data[at] & 127, at + 1
        result, shift = (result << 7 | bits if of_sqlite else result | bits << shift), shift + 7
        if data[at - 1] < 128:
            return result, at


def text(data):
    return data.decode("utf-8", "surrogateescape")


def double(data):
    return struct.unpack(">d", data)[0]


def value(data, at, place=None):
    """The value whose serial type stands at `at`, and its body behind it or at `place`; and where each of the two ends."""
    kind, at = varint(data, at, True)
    place = at if place is None else place
    end = place + ((0, 1, 2, 3, 4, 6, 8, 8, 0, 0)[kind] if kind < 12 else (kind - 12) // 2)
    part = data[place:end]
    if kind >= 12:
        return text(part) if kind % 2 else part, at, end
    if kind in (0, 8, 9):
        return {0: None, 8: 0, 9: 1}[kind], at, end
    return double(part) if kind == 7 else int.from_bytes(part, "big", signed=True), at, end


def record(data):
    place, at = varint(data, 0, True) if data else (0, 0)
    end, values = place, []
    while at < end:
        one, at, place = value(data, at, place)
        values.append(one)
    return values


# ---- 7: a block

def several(data, at, count):
    values = []
    for _ in range(count):
        one, _, at = value(data, at)
        values.append(one)
    return values, at


def listed(data, at):
    """A list, as {row: value}."""
    return dict(zip(data[at + 1:at + 1 + data[at]], several(data, at + 1 + data[at], data[at])[0]))


def column(data, at, rows):
    """A column's value in each row."""
    how, width, at = data[at], data[at + 1], at + 2
    encoding, entries, with_slot = how & 7, width, range(rows)
    if encoding == 0:
        base, _, at = value(data, at)
    elif encoding == 1:
        width = (entries - 1).bit_length()
    else:
        (slope, base), at = struct.unpack_from("<Hh", data, at), at + 4
    if how & 8:
        bits, at = number(data, at, (rows + 7) // 8), at + (rows + 7) // 8
        with_slot = [row for row in range(rows) if bits >> row & 1]
    size = (len(with_slot) * width + 7) // 8
    bits, at = number(data, at, size), at + size
    slots = [bits >> slot * width & (1 << width) - 1 for slot in range(len(with_slot))]
    if encoding == 0:
        slots = [(base + code + 2**63) % 2**64 - 2**63 for code in slots]
    elif encoding == 1:
        entries, at = several(data, at, entries)
        slots = [entries[code] for code in slots]
    else:
        ends = [at] + [at + slope * (slot + 1) + base + code for slot, code in enumerate(slots)]
        form = (bytes, text, double, bytes.hex, lambda part: part.hex().upper())[encoding - 2]
        slots, at = [form(data[begin:end]) for begin, end in zip(ends, ends[1:])], ends[-1]
    found = dict(zip(with_slot, slots)) | (listed(data, at) if how & 16 else {})
    return [found.get(row) for row in range(rows)]


def block(data):
    """The value of each row: its columns, or of a raw one the bytes."""
    rows, columns = data[0], data[1] & 127
    ends = [2 + 2 * columns] + [number(data, 2 + 2 * i, 2) for i in range(columns)]
    raw = listed(data, ends[-1]) if data[1] & 128 else {}
    values = list(zip(*[column(data, at, rows) for at in ends[:-1]])) or [()] * rows
    return [raw.get(row, values[row]) for row in range(rows)]


# ---- 6: a bucket; 8: the log. Both give entries: key, flags, value

def plain(coded, symbols):
    codes = iter(coded)
    return b"".join(bytes([next(codes)]) if code == 255 else symbols[8 * code:8 * code + symbols[2048 + code]] for code in codes)


def bucket(data, at, symbols):
    n, form, prefix_size, value_size, suffix_size, flags = struct.unpack_from("<BBHHHB", data, at)
    coded, value_size, flags, at = value_size >> 15, value_size & 32767, [flags] * n, at + 16

    def take(kind):
        nonlocal at
        begin, at = at, at + n * struct.calcsize(kind)
        return struct.unpack_from(f"<{n}{kind}", data, begin)

    firsts, shared, suffixes = take("B"), take("BH"[form & 1]), take("BH"[form & 1])
    flags = take("B") if form & 4 else flags
    at += n * (0, 1, 2, 4, 8)[form >> 4 & 7]
    ends = take("H") if form & 2 else [value_size * (i + 1) for i in range(n)]
    key, at = data[at:at + prefix_size], at + prefix_size
    place = at + suffix_size
    if form & 128:
        values = block(data[place:place + value_size])
    else:
        values = [data[place + begin:place + end] for begin, end in zip((0, *ends), ends)]
    for i in range(n):
        suffix, at = data[at:at + suffixes[i]], at + suffixes[i]
        if i or not form & 8:
            key = key[:prefix_size + shared[i]] + bytes([firsts[i]]) + (plain(suffix, symbols) if coded else suffix)
        yield key, flags[i], values[i][1 + values[i][0]:] if flags[i] & SUMMED else values[i]


def log_row(ops):
    check(ops[16] == 1, f"a row of the log is of kind {ops[16]}, which this reader does not know")
    key, at = b"", 17
    while at < len(ops):
        flags, found = ops[at], b""
        shared, at = varint(ops, at + 1)
        size, at = varint(ops, at)
        key, at = key[:shared] + ops[at:at + size], at + size
        if not flags & DELETE or flags & SUMMED:
            size, at = varint(ops, at)
            found, at = ops[at:at + size], at + size
        yield key, flags, found[1 + found[0]:] if flags & SUMMED else found


# ---- 9: rows

def key_values(key, columns):
    """The values of a key of several columns, of which is known: is it descending, is it REAL?"""
    ascending, inverted, values, at = key, key.translate(INVERTED), [], 0
    for descending, real in columns:
        data, other = (inverted, ascending) if descending else (ascending, inverted)
        tag, at, found = data[at], at + 1, None
        if tag in (0x30, 0x40):
            end = re.compile(rb"\0(?!\xff)").search(data, at).end()
            part, at = data[at:end - 1].replace(b"\0\xff", b"\0"), end
            found = text(part) if tag == 0x30 else part
        elif tag in (0x10, 0x2F):
            found, at = double(data[at:at + 8]) if tag == 0x2F else -double(other[at:at + 8]), at + 8
        elif tag != 0x05:
            check(0x10 < tag < 0x2F, f"a key has the tag {tag:02X}, which this reader does not know")
            size = abs(tag - 0x20)
            found = int.from_bytes(data[at:at + size], "big") - (1 << 8 * size if tag < 0x20 else 0)
            found, fraction, at = found // 2, found % 2, at + size
            if fraction:
                found, at = found + (double(data[at:at + 8]) if found >= 0 else 1 - double(other[at:at + 8])), at + 8
            found = float(found) if real else found
        values.append(found)
    return values


class Columns:
    """Defaults and the key, as SQLite understands the definitions."""

    def __init__(self, definitions, added):
        key, columns = re.fullmatch(r'(?s)(?:key=\(((?:"[^"]*"|[^")])*)\), )?(.*)', definitions).groups()
        db = sqlite3.connect(":memory:")
        db.execute(f"CREATE TABLE t({', '.join([columns] + added)})")
        self.names, types, defaults = zip(*db.execute("SELECT name, upper(type), dflt_value FROM pragma_table_info('t')"))
        db.execute(f"INSERT INTO t VALUES({', '.join(default or '1' for default in defaults)})")
        self.defaults = [found if default else None for found, default in zip(db.execute("SELECT * FROM t").fetchone(), defaults)]
        self.bytes, self.key = "BLOB" in types[0], []
        if key:
            db.execute(f"CREATE INDEX k ON t({key})")
            real = [re.match("(?!.*(INT|CHAR|CLOB|TEXT|BLOB)).*(REAL|FLOA|DOUB)", kind) for kind in types]
            self.key = [(cid, desc, real[cid]) for cid, desc in db.execute("SELECT cid, desc FROM pragma_index_xinfo('k') WHERE key")]

    def row(self, key, values):
        values = [*([] if self.key else [key if self.bytes else text(key)]), *values]
        values += [None] * (len(self.names) - len(values))
        if self.key:
            for (cid, *_), found in zip(self.key, key_values(key, [column[1:] for column in self.key])):
                values[cid] = found
        return [default if found is None else found for found, default in zip(values, self.defaults)]


# ---- 2 to 5: a table, in one state

class Table:
    def __init__(self, db, name, snapshot=None):
        self.db, self.file, self.shadow = db, None, '"' + name.replace('"', '""') + '_art%s"'
        self.state = dict(db.execute(f"SELECT k, v FROM {self.shadow % 'state'}"))
        check(self.state.get("format") == 10, f"{name} has format {self.state.get('format')}, and this reader reads format 10")
        for key in self.state:
            check(not key.startswith("needs "), f"{name} {key}, which this reader does not know")
        names = [column[1] for column in db.execute(f"PRAGMA table_info({self.shadow % 'state'})")]
        self.columns = Columns(self.state["columns"], [name[6:] for name in names if name.startswith("added:")])
        if snapshot is None:
            root = db.execute(f"SELECT ops FROM {self.shadow % 'data'} WHERE csn = 0").fetchone()[0]
        else:
            found, what = self.state.get(f"snapshot {snapshot}"), f"the snapshot '{snapshot}'"
            check(found and found[0] == 1, f"{name} has not {what}")
            check_hash(what, f"snapshot {snapshot}".encode() + found[:-8], found[-8:])
            root = found[21:21 + number(found, 17, 4)]
        self.runs = self.runs_of(root)
        self.memtable = self.log(root) if snapshot is None else []
        if self.state["storage"] == "file" and self.runs:
            self.open_file()

    def runs_of(self, root):
        check(root[:4] == b"ARTR" and number(root, 4, 2) == 10, "the root is none of format 10")
        check_hash("the root", root[:-8], root[-8:])
        check(not number(root, 52, 4) & ~1, f"the root has features ({number(root, 52, 4):b}) that this reader does not know")
        runs, at = [], 56
        for _ in range(root[6]):
            end = at + 21 + number(root, at + 16, 4)
            runs, at = runs + [root[at + 21:end]], end
        return runs

    def log(self, root):
        """The newest entry of each key in the log."""
        entries, csn, before = {}, number(root, 8, 8), root[24:40]
        rows = self.db.execute(f"SELECT csn, ops FROM {self.shadow % 'data'} WHERE csn > ? ORDER BY csn", (csn,)).fetchall()
        check(rows or not root[7], "the rows of the log are lost")
        for at, ops in rows:
            csn += 1
            check(at == csn, f"row {csn} of the log is lost")
            check_hash(f"row {csn} of the log", before + struct.pack("<Q", csn) + ops[16:], ops[:16])
            before = ops[:16]
            entries.update((entry[0], entry) for entry in log_row(ops))
        return [entries[key] for key in sorted(entries)]

    def open_file(self):
        path = os.path.join(os.path.dirname(os.path.realpath(self.db.execute("PRAGMA database_list").fetchone()[2])), self.state["file"])
        self.file = open(path, "rb")
        page = self.file.read(PAGE)
        check(page[:8] == b"SQLiteAr" and number(page, 8, 4) == 10, f"{path} is no .art file of format 10")
        check_hash(path, page[:4088], page[4088:])
        check(page[16:32] == self.state["id"], f"{path} is that of another table")
        check(not number(page, 36, 4), f"{path} has features ({number(page, 36, 4):b}) that this reader does not know")

    def slot(self, slot):
        if self.file:
            self.file.seek(slot * SLOT)
            return self.file.read(SLOT)
        data = bytearray(SLOT)
        pages = self.db.execute(f"SELECT page, data FROM {self.shadow % 'blob'} WHERE page / 128 = ? AND page >= 0", (slot,))
        for page, part in pages:
            data[page % 128 * PAGE:page % 128 * PAGE + len(part)] = part
        return bytes(data)

    @functools.lru_cache(maxsize=8)
    def blob(self, reference):
        """The entries of the blob that a reference names."""
        slot, height, data = number(reference, 0, 4), reference[4], self.slot(number(reference, 0, 4))
        check(len(data) == SLOT, f"slot {slot} is not there")
        check_hash(f"slot {slot}, page 127,", data[-PAGE:], reference[16:32])
        trailer = data[TRAILER:]
        kind = struct.pack("<4sHB", b"ARTB", 10, 2 if height else 1)
        check(trailer[1016:1023] == kind and trailer[1024:1048] == self.state["id"] + reference[8:16], f"slot {slot} has another blob")
        check(not number(trailer, 1090, 2) & ~3, f"slot {slot} has features that this reader does not know")
        for page in range(127):
            if any(trailer[8 * page:8 * page + 8]):
                check_hash(f"slot {slot}, page {page},", data[page * PAGE:page * PAGE + PAGE], trailer[8 * page:8 * page + 8])
        buckets, lookups_and_searches = number(trailer, 1072, 4), trailer[1117].bit_count() + number(trailer, 1082, 2).bit_count()
        size = 2 * buckets + 4 * (buckets + 1) + 16 * trailer[1116] + 17 * trailer[1113] + number(trailer, 1092, 4)
        size += 8 * (buckets + 1) if trailer[1023] & 2 else 0
        size += 0 if height else lookups_and_searches * (4 + (buckets + 7) // 8)
        offsets = (TRAILER - size) // 8 * 8
        symbols = data[offsets - 2304:offsets]
        return [entry for i in range(buckets) for entry in bucket(data, 8 * number(data, offsets + 2 * i, 2), symbols)]

    def walk(self, reference, start):
        """The entries of a run, with some of those below `start`, or none."""
        entries = self.blob(reference)
        if not reference[4]:
            yield from entries
            return
        for (_, _, child), (following, *_) in zip(entries, entries[1:] + [(b"\xff",)]):
            if following > start:
                yield from self.walk(child, start)

    def merged(self, start):
        """What the newest source says of each key from `start` on, deletes left out."""
        def ranked(rank, source):
            return ((key, rank, flags, value) for key, flags, value in source if key >= start)
        before = None
        sources = [self.memtable] + [self.walk(run, start) for run in self.runs]
        for key, _, flags, found in heapq.merge(*[ranked(rank, source) for rank, source in enumerate(sources)]):
            if key != before and not flags & DELETE:
                yield key, flags, found
            before = key

    def rows(self):
        for key, flags, found in self.merged(b"\1"):
            if key[0] != 1:
                return
            found = self.put_together(found) if flags & CHUNKED else found
            yield self.columns.row(key[1:], record(found) if isinstance(found, bytes) else found)

    def put_together(self, reference):
        size, name, parts = number(reference, 0, 8), b"\2" + reference[8:20], []
        for key, _, part in self.merged(name):
            if key != name + struct.pack(">I", len(parts)):
                break
            parts.append(part)
        whole = b"".join(parts)
        check(len(whole) == size, "a large value has lost parts")
        check_hash("a large value", whole, reference[20:28])
        return whole


# ---- for people

def opened(path):
    """The database, in one transaction. Only a connection that may write lets SQLite roll back what a crash has left."""
    check(os.path.exists(path), f"{path} is not there")
    for mode in "ro", "rw":
        db = sqlite3.connect(f"file:{urllib.parse.quote(os.path.abspath(path))}?mode={mode}", uri=True, isolation_level=None)
        db.text_factory = text
        try:
            db.execute("PRAGMA query_only = ON")
            db.execute("BEGIN")
            db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            return db
        except sqlite3.OperationalError as error:
            refused = error
    raise refused


def tables(db):
    names = [name for name, in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
    return [name for name in names if {f"{name}_artstate", f"{name}_artdata"} <= set(names)]


def literal(found):
    if isinstance(found, str):
        data = found.encode("utf-8", "surrogateescape")
        return f"CAST(X'{data.hex()}' AS TEXT)" if re.search("[\0\ud800-\udfff]", found) else "'" + found.replace("'", "''") + "'"
    return "NULL" if found is None else f"X'{found.hex()}'" if isinstance(found, bytes) else repr(found).replace("inf", "9e999")


def main(database, table=None, snapshot=None):
    db = opened(database)
    if table is None:
        for name in tables(db):
            print(name, *[key for key in Table(db, name).state if key.startswith("snapshot ")], sep="\n    ")
        return
    check(table in tables(db), f"{database} has no art table {table}")
    if not xxhash:
        print("reader.py: nothing is verified without python3-xxhash", file=sys.stderr)
    for row in Table(db, table, snapshot).rows():
        print(",".join(map(literal, row)))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (Refused, sqlite3.Error) as refused:
        sys.exit(f"reader.py: {refused}")
