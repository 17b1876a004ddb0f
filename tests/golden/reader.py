#!/usr/bin/python3
"""Reads art tables without art: the format (core/FORMAT.md), as a program that runs.

    reader.py DATABASE                      its art tables, and their snapshots
    reader.py DATABASE TABLE [SNAPSHOT]     the rows, in the order of the key, as literals of SQL

It needs Python's standard library alone; with xxhash (Debian: python3-xxhash) it verifies all that it reads. It writes nothing, but
SQLite rolls back what a crash has left. The numbers in the comments are those of the document's sections.
"""
import functools
import heapq
import os
import re
import sqlite3
import struct
import sys
from urllib.parse import quote

try:
    import xxhash
except ImportError:
    xxhash = None

SLOT, PAGE, TRAILER = 524288, 4096, 523144
DELETE, CHUNKED, PREFIXED, CHUNK = 1, 4, 8, 16      # flags of entries
CODED = 2                                           # an incompatible feature of blobs; 1 are blocks, which say so themselves


class Refused(Exception):
    """What cannot be read, and why."""


def check(holds, message):
    if not holds:
        raise Refused(message)


# ---- numbers, hashes, SQLite's records

def u16(data, at):
    return data[at] | data[at + 1] << 8


def u32(data, at):
    return int.from_bytes(data[at:at + 4], "little")


def u64(data, at):
    return int.from_bytes(data[at:at + 8], "little")


def varint(data, at):
    number = shift = 0
    while True:
        number |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 128:
            return number, at


def verify(what, data, expected):
    """Has data this hash, of 8 or 16 bytes?"""
    if xxhash:
        digest = xxhash.xxh3_64_intdigest if len(expected) == 8 else xxhash.xxh3_128_intdigest
        check(digest(data) == int.from_bytes(expected, "little"), f"{what} is damaged: it has not the hash that it should have")


def text(data):
    return data.decode("utf-8", "surrogateescape")


def serial_type(data, at):
    """A varint of SQLite's: the highest bits first. One of 9 bytes is no type of what art stores."""
    number = 0
    while True:
        number, at = number << 7 | data[at] & 127, at + 1
        if data[at - 1] < 128:
            return number, at


def body(kind, data, at):
    """The value of this serial type that stands there, and where it ends."""
    if kind >= 12:
        end = at + (kind - 12) // 2
        return (text(data[at:end]) if kind % 2 else bytes(data[at:end])), end
    if kind == 7:
        return struct.unpack_from(">d", data, at)[0], at + 8
    if kind in (0, 8, 9):
        return {0: None, 8: 0, 9: 1}[kind], at
    end = at + (0, 1, 2, 3, 4, 6, 8)[kind]
    return int.from_bytes(data[at:end], "big", signed=True), end


def record(data):
    values = []
    place, at = serial_type(data, 0) if data else (0, 0)
    end = place
    while at < end:
        kind, at = serial_type(data, at)
        value, place = body(kind, data, place)
        values.append(value)
    return values


# ---- 7: a block

def values_of(data, at, count):
    values = []
    for _ in range(count):
        kind, at = serial_type(data, at)
        value, at = body(kind, data, at)
        values.append(value)
    return values, at


def rows_apart(data, at):
    """A list: {row: value}."""
    count = data[at]
    return dict(zip(data[at + 1:at + 1 + count], values_of(data, at + 1 + count, count)[0]))


def column(data, at, rows):
    """A column's value in each row."""
    how, width = data[at:at + 2]
    encoding, entries, at = how & 7, width, at + 2
    if encoding == 0:
        kind, at = serial_type(data, at)
        base, at = body(kind, data, at)
    elif encoding == 1:
        width = (entries - 1).bit_length()
    else:
        slope, base = struct.unpack_from("<Hh", data, at)
        at += 4
    with_slot = range(rows)
    if how & 8:
        bits = int.from_bytes(data[at:at + (rows + 7) // 8], "little")
        with_slot, at = [row for row in with_slot if bits >> row & 1], at + (rows + 7) // 8
    size = (len(with_slot) * width + 7) // 8
    bits, at = int.from_bytes(data[at:at + size], "little"), at + size
    codes = [bits >> slot * width & (1 << width) - 1 for slot in range(len(with_slot))]
    if encoding == 0:
        slots = [(base + code + 2**63) % 2**64 - 2**63 for code in codes]
    elif encoding == 1:
        values, at = values_of(data, at, entries)
        slots = [values[code] for code in codes]
    else:
        ends = [at] + [at + slope * (slot + 1) + base + code for slot, code in enumerate(codes)]
        parts = [data[begin:end] for begin, end in zip(ends, ends[1:])]
        decode = (bytes, text, lambda part: struct.unpack(">d", part)[0], bytes.hex, lambda part: part.hex().upper())[encoding - 2]
        slots, at = [decode(part) for part in parts], ends[-1]
    found = dict(zip(with_slot, slots))
    if how & 16:
        found.update(rows_apart(data, at))
    return [found.get(row) for row in range(rows)]


def block(data):
    """The value of each row: a list of its columns, or of a raw one its bytes."""
    rows, columns = data[0], data[1] & 127
    ends = [2 + 2 * columns] + [u16(data, 2 + 2 * i) for i in range(columns)]
    by_column = [column(data, at, rows) for at in ends[:-1]]
    values = [list(row) for row in zip(*by_column)] if columns else [[] for _ in range(rows)]
    if data[1] & 128:
        for row, raw in rows_apart(data, ends[-1]).items():
            values[row] = raw
    return values


# ---- 6: a bucket

def plain_name(coded, symbols):
    name, at = b"", 0
    while at < len(coded):
        code, at = coded[at], at + 1
        if code == 255:
            name, at = name + coded[at:at + 1], at + 1
        else:
            name += symbols[8 * code:8 * code + symbols[2048 + code]]
    return name


def bucket(data, at, symbols):
    """Its entries: key, flags, value."""
    n, form, prefix_size, value_size, suffix_size = struct.unpack_from("<BBHHH", data, at)
    coded, value_size = value_size >> 15, value_size & 32767
    flags, at = bytes([data[at + 8]]) * n, at + 16

    def take(kind):
        nonlocal at
        begin, at = at, at + n * struct.calcsize(kind)
        return struct.unpack_from(f"<{n}{kind}", data, begin)

    firsts, shared, suffixes = take("B"), take("BH"[form & 1]), take("BH"[form & 1])
    if form & 4:
        flags = take("B")
    at += n * (0, 1, 2, 4, 8)[form >> 4 & 7]
    ends = take("H") if form & 2 else [value_size * (i + 1) for i in range(n)]
    prefix, at = data[at:at + prefix_size], at + prefix_size
    place = at + suffix_size
    if form & 128:
        values = block(data[place:place + value_size])
    else:
        values = [data[place + begin:place + end] for begin, end in zip((0, *ends), ends)]
    key = prefix
    for i in range(n):
        suffix, at = data[at:at + suffixes[i]], at + suffixes[i]
        if i or not form & 8:
            key = key[:prefix_size + shared[i]] + bytes([firsts[i]]) + (plain_name(suffix, symbols) if coded else suffix)
        value = values[i]
        yield key, flags[i], value[1 + value[0]:] if flags[i] & PREFIXED else value


# ---- 8: the log

def log_row(ops):
    """A row's entries; the hash is the caller's."""
    check(ops[16] == 1, f"a row of the log is of kind {ops[16]}, which this reader does not know")
    key, at = b"", 17
    while at < len(ops):
        flags = ops[at]
        shared, at = varint(ops, at + 1)
        size, at = varint(ops, at)
        key, at, value = key[:shared] + ops[at:at + size], at + size, b""
        if not flags & DELETE or flags & PREFIXED:
            size, at = varint(ops, at)
            value, at = ops[at:at + size], at + size
        yield key, flags, value[1 + value[0]:] if flags & PREFIXED else value


# ---- 9: keys of several columns

def number_of(tag, data, at):
    """The number of a tag from 10 to 2F, and where it ends."""
    if tag in (0x2F, 0x10):
        bits, end = data[at:at + 8], at + 8
        return struct.unpack(">d", bits)[0] if tag == 0x2F else -struct.unpack(">d", inverted(bits))[0], end
    end = at + abs(tag - 0x20)
    twice = int.from_bytes(data[at:end], "big") - (1 << 8 * (end - at) if tag < 0x20 else 0)
    if twice % 2 == 0:
        return twice // 2, end
    part, below = data[end:end + 8], twice // 2
    return below + struct.unpack(">d", part)[0] if below >= 0 else below + 1 - struct.unpack(">d", inverted(part))[0], end + 8


def inverted(data):
    return bytes(255 - byte for byte in data)


def string_of(data, at):
    """What stands in front of a 00 that no FF follows."""
    parts = []
    while True:
        end = data.index(0, at)
        parts.append(data[at:end])
        at = end + 1
        if data[at:at + 1] != b"\xff":
            return b"\0".join(parts), at
        at += 1


def key_values(key, columns):
    """Of each column of the key its value; columns: (is it descending, is it REAL)."""
    values, at = [], 0
    for descending, real in columns:
        data = inverted(key) if descending else key
        tag = data[at]
        if tag == 0x05:
            value, at = None, at + 1
        elif tag in (0x30, 0x40):
            value, at = string_of(data, at + 1)
            value = text(value) if tag == 0x30 else value
        else:
            check(0x10 <= tag <= 0x2F, f"a key has the tag {tag:02X}, which this reader does not know")
            value, at = number_of(tag, data, at + 1)
            value = float(value) if real else value
        values.append(value)
    return values


# ---- 2, 3, 4, 5: a table

class Columns:
    """Names, defaults, and which of them are the key, as SQLite understands the definitions."""

    def __init__(self, definitions, added):
        key, columns = re.fullmatch(r'(?s)(?:key=\(((?:"[^"]*"|[^")])*)\), )?(.*)', definitions).groups()
        db = sqlite3.connect(":memory:")
        db.execute(f"CREATE TABLE t({', '.join([columns] + added)})")
        info = db.execute("SELECT name, type, dflt_value FROM pragma_table_info('t')").fetchall()
        self.names = [name for name, _, _ in info]
        db.execute(f"INSERT INTO t VALUES({', '.join('1' * len(info))})")
        real = [isinstance(value, float) for value in db.execute("SELECT * FROM t").fetchone()]
        for name, _, default in info:
            db.execute(f'UPDATE t SET "{name}" = {default}')
        self.defaults = db.execute("SELECT * FROM t").fetchone()
        self.bytes = "BLOB" in info[0][1].upper()
        self.key = None
        if key:
            db.execute(f"CREATE INDEX i ON t({key})")
            self.key = [(cid, descending, real[cid]) for cid, descending
                        in db.execute("SELECT cid, desc FROM pragma_index_xinfo('i') WHERE key")]

    def row(self, key, values):
        values = list(values) + [None] * (len(self.names) - len(values) - (not self.key))
        if not self.key:
            values.insert(0, bytes(key) if self.bytes else text(key))
        values = [default if value is None else value for value, default in zip(values, self.defaults)]
        if self.key:
            for (cid, _, _), value in zip(self.key, key_values(key, [column[1:] for column in self.key])):
                values[cid] = value
        return values


class Table:
    """A table in one state: what it is now, or a snapshot."""

    def __init__(self, db, name, snapshot=None):
        self.db, self.name, self.file = db, name, None
        quoted = name.replace('"', '""')
        self.shadow = f'"{quoted}_art%s"'
        self.state = dict(db.execute(f"SELECT k, v FROM {self.shadow % 'state'}"))
        check(self.state.get("format") == 10, f"{name} has format {self.state.get('format')}: this reader reads format 10")
        for key in self.state:
            check(not key.startswith("needs "), f"{name} {key}, which this reader does not know: use a newer one")
        names = [column[1] for column in db.execute(f"PRAGMA table_info({self.shadow % 'state'})")]
        self.columns = Columns(self.state["columns"], [name[6:] for name in names if name.startswith("added:")])
        self.uuid = self.state["id"]
        if snapshot is None:
            self.take_root(db.execute(f"SELECT ops FROM {self.shadow % 'data'} WHERE csn = 0").fetchone()[0], "the root")
            self.memtable = self.log()
        else:
            self.take_root(self.snapshot(snapshot), f"the root of the snapshot '{snapshot}'")
            self.memtable = []
        if self.state["storage"] == "file" and self.runs:
            self.open_file()

    def snapshot(self, name):
        key = f"snapshot {name}"
        value = self.state.get(key)
        check(value is not None, f"{self.name} has no snapshot '{name}'")
        check(value and value[0] == 1, f"the snapshot '{name}' is not whole")
        verify(f"the snapshot '{name}'", key.encode() + value[:-8], value[-8:])
        return value[21:21 + u32(value, 17)]

    def take_root(self, root, what):
        check(root[:4] == b"ARTR" and u16(root, 4) == 10, f"{what} is none of format 10")
        verify(what, root[:-8], root[-8:])
        check(not u32(root, 52) & ~1, f"{what} has features ({u32(root, 52):b}) that this reader does not know: use a newer one")
        self.has_log, self.csn, self.log_hash = root[7], u64(root, 8), root[24:40]
        self.runs, at = [], 56
        for _ in range(root[6]):
            end = at + 21 + u32(root, at + 16)
            self.runs.append(root[at + 21:end])
            at = end

    def log(self):
        """What the rows of the log leave: (key, flags, value) in the order of the keys."""
        entries, expected, before = {}, self.csn, self.log_hash
        for csn, ops in self.db.execute(f"SELECT csn, ops FROM {self.shadow % 'data'} WHERE csn > ? ORDER BY csn", (self.csn,)):
            expected += 1
            check(csn == expected, f"row {expected} of the log is lost")
            verify(f"row {csn} of the log", before + struct.pack("<Q", csn) + ops[16:], ops[:16])
            before = ops[:16]
            entries.update((key, (key, flags, value)) for key, flags, value in log_row(ops))
        check(expected > self.csn or not self.has_log, "the rows of the log are lost")
        return [entries[key] for key in sorted(entries)]

    def open_file(self):
        path = os.path.join(os.path.dirname(os.path.realpath(database_of(self.db))), self.state["file"])
        self.file = open(path, "rb")
        block = self.file.read(PAGE)
        check(block[:8] == b"SQLiteAr" and u32(block, 8) == 10 and u32(block, 12) == SLOT, f"{path} is no .art file of format 10")
        verify(path, block[:4088], block[4088:])
        check(block[16:32] == self.uuid, f"{path} is that of another table")
        check(u32(block, 36) == 0, f"{path} has features that this reader does not know: use a newer one")

    def slot(self, number):
        if self.file:
            self.file.seek(number * SLOT)
            return self.file.read(SLOT)
        data = bytearray(SLOT)
        for page, part in self.db.execute(f"SELECT page % 128, data FROM {self.shadow % 'blob'} WHERE page BETWEEN ? AND ?",
                                          (number * 128, number * 128 + 127)):
            data[page * PAGE:page * PAGE + len(part)] = part
        return bytes(data)

    @functools.lru_cache(maxsize=8)
    def blob(self, reference):
        """The entries of the blob that a reference names."""
        number, height, generation = u32(reference, 0), reference[4], u64(reference, 8)
        what = f"slot {number}"
        data = self.slot(number)
        check(len(data) == SLOT, f"{what} is not there")
        verify(f"the last page of {what}", data[-PAGE:], reference[16:32])
        trailer = data[TRAILER:]
        check(trailer[1016:1020] == b"ARTB" and u16(trailer, 1020) == 10 and trailer[1022] == (2 if height else 1)
              and trailer[1024:1040] == self.uuid and u64(trailer, 1040) == generation and u32(trailer, 1048) == number
              and trailer[1112] == height, f"{what} has another blob than the one that is looked for")
        check(not u16(trailer, 1090) & ~3, f"{what} has features that this reader does not know: use a newer one")
        for page in range(127):
            if any(trailer[8 * page:8 * page + 8]):
                verify(f"page {page} of {what}", data[page * PAGE:page * PAGE + PAGE], trailer[8 * page:8 * page + 8])
        return list(self.entries(data, trailer))

    def entries(self, data, trailer):
        buckets, sums, columns = u32(trailer, 1072), trailer[1116], trailer[1113]
        fields = 0 if trailer[1112] else (trailer[1117].bit_count() + u16(trailer, 1082).bit_count())
        size = 2 * buckets + 4 * (buckets + 1) + (8 * (buckets + 1) if trailer[1023] & 2 else 0) + 16 * sums + 17 * columns \
            + fields * (4 + (buckets + 7) // 8) + u32(trailer, 1092)
        offsets = (TRAILER - size) // 8 * 8
        symbols = data[offsets - 2304:offsets] if u16(trailer, 1090) & CODED else None
        for i in range(buckets):
            yield from bucket(data, 8 * u16(data, offsets + 2 * i), symbols)

    def walk(self, reference, start):
        """The entries of a run, those below start left out as far as that is cheap."""
        entries = self.blob(reference)
        if not reference[4]:
            yield from entries
            return
        for i, (_, _, child) in enumerate(entries):
            if i + 1 == len(entries) or entries[i + 1][0] > start:
                yield from self.walk(child, start)

    def merged(self, start):
        """Of each key the newest entry, from start on."""
        sources = [self.memtable] + [self.walk(run, start) for run in self.runs]
        last = None
        for key, _, flags, value in heapq.merge(*[((key, rank, flags, value) for key, flags, value in source if key >= start)
                                                  for rank, source in enumerate(sources)]):
            if key != last and not flags & DELETE:
                yield key, flags, value
            last = key

    def rows(self):
        for key, flags, value in self.merged(b"\1"):
            if key[0] != 1:
                return
            if flags & CHUNKED:
                value = self.put_together(value)
            yield self.columns.row(key[1:], record(value) if isinstance(value, bytes) else value)

    def put_together(self, reference):
        size, name, parts, got = u64(reference, 0), b"\2" + reference[8:20], [], 0
        for key, _, part in self.merged(name):
            if got >= size or key != name + struct.pack(">I", len(parts)):
                break
            parts.append(part)
            got += len(part)
        value = b"".join(parts)
        check(len(value) == size, "a large value has lost some of its parts")
        verify("a large value", value, reference[20:28])
        return value


# ---- for people

def database_of(db):
    return db.execute("PRAGMA database_list").fetchone()[2]


def opened(path):
    """The database, in one transaction. A journal that a crash has left asks for a connection that may write."""
    check(os.path.exists(path), f"{path} is not there")
    for mode in "ro", "rw":
        db = sqlite3.connect(f"file:{quote(os.path.abspath(path))}?mode={mode}", uri=True, isolation_level=None)
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
    return [name for name in names if name + "_artstate" in names and name + "_artdata" in names]


def literal(value):
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"X'{value.hex()}'"
    if isinstance(value, str):
        data = value.encode("utf-8", "surrogateescape")
        plain = value.isprintable() and data.isascii() or "\0" not in value and value.encode("utf-8", "replace") == data
        return "'" + value.replace("'", "''") + "'" if plain else f"CAST(X'{data.hex()}' AS TEXT)"
    return repr(value).replace("inf", "9e999")


def main(database, table=None, snapshot=None):
    db = opened(database)
    if table is None:
        for name in tables(db):
            state = Table(db, name).state
            print(name, *(key for key in state if key.startswith("snapshot ")), sep="\n    ")
        return
    check(table in tables(db), f"{database} has no art table {table}")
    if not xxhash:
        print("reader.py: without python3-xxhash nothing is verified", file=sys.stderr)
    for row in Table(db, table, snapshot).rows():
        print(",".join(map(literal, row)))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (Refused, sqlite3.Error) as refused:
        sys.exit(f"reader.py: {refused}")
