#!/usr/bin/python3
"""Reads art tables without art: the format (core/FORMAT.md) as a program that runs.

    reader.py DATABASE [TABLE [SNAPSHOT]]   its art tables; or the rows of one, in the order of the key, as literals of SQL

Python's standard library is enough; with xxhash (Debian: python3-xxhash) all that is read is verified. Nothing is written but what
SQLite itself writes when a database is opened: it rolls back what a crash has left. Numbers in comments are the document's sections.
"""
import functools
import heapq
import pathlib
import re
import sqlite3
import struct
import sys

try:
    import xxhash
except ImportError:
    xxhash = None

SLOT, PAGE, TRAILER = 524288, 4096, 523144
DELETE, CHUNKED, SUMMED = 1, 4, 8  # flags of entries
text = functools.partial(str, encoding="utf-8", errors="surrogateescape")


class Refused(Exception):
    """What cannot be read, and why."""


def check(holds, message):
    if not holds:
        raise Refused(message)


def check_hash(what, data, expected):
    if xxhash:
        found = xxhash.xxh3_64_intdigest(data) if len(expected) == 8 else xxhash.xxh3_128_intdigest(data)
        check(found == int.from_bytes(expected, "little"), f"{what} is damaged: its hash is another one")


def double(data):
    return struct.unpack(">d", data)[0]


def inverted(data):
    return data.translate(bytes(range(255, -1, -1)))


class Bytes:
    """Bytes that are read one behind the other."""

    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def take(self, size):
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), "little")

    def array(self, count, kind):
        return struct.unpack(f"<{count}{kind}", self.take(count * struct.calcsize(kind)))

    def varint(self):
        byte = self.number(1)
        return byte if byte < 128 else byte & 127 | self.varint() << 7

    # -- what SQLite's records are made of

    def serial_type(self, higher=0):
        byte = self.number(1)
        return higher << 7 | byte if byte < 128 else self.serial_type(higher << 7 | byte & 127)

    def body(self, kind):
        part = self.take((kind - 12) // 2 if kind >= 12 else (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)[kind])
        if kind >= 12:
            return text(part) if kind % 2 else part
        if kind == 7:
            return double(part)
        return int.from_bytes(part, "big", signed=True) if part else {0: None, 8: 0, 9: 1}[kind]

    def value(self):
        return self.body(self.serial_type())

    def listed(self):
        """7: a list, as {row: value}."""
        return {row: self.value() for row in self.take(self.number(1))}


def record(value):
    data, kinds = Bytes(value), []
    end = data.serial_type() if value else 0
    while data.at < end:
        kinds.append(data.serial_type())
    return [data.body(kind) for kind in kinds]


# ---- 7: a block

def column(data, rows):
    """A column's value in each row."""
    how, width = data.take(2)
    encoding, entries, with_slot = how & 7, width, range(rows)
    if encoding == 0:
        base = data.value()
    elif encoding == 1:
        width = (entries - 1).bit_length()
    else:
        slope, base = struct.unpack("<Hh", data.take(4))
    if how & 8:
        bits = data.number((rows + 7) // 8)
        with_slot = [row for row in range(rows) if bits >> row & 1]
    bits = data.number((len(with_slot) * width + 7) // 8)
    codes = [bits >> slot * width & (1 << width) - 1 for slot in range(len(with_slot))]
    if encoding == 0:
        slots = [(base + code + 2**63) % 2**64 - 2**63 for code in codes]
    elif encoding == 1:
        values = [data.value() for _ in range(entries)]
        slots = [values[code] for code in codes]
    else:
        ends = [slope * (slot + 1) + base + code for slot, code in enumerate(codes)]
        form = (bytes, text, double, bytes.hex, lambda part: part.hex().upper())[encoding - 2]
        slots = [form(data.take(end - begin)) for begin, end in zip([0] + ends, ends)]
    found = dict(zip(with_slot, slots)) | (data.listed() if how & 16 else {})
    return [found.get(row) for row in range(rows)]


def block(value):
    """The value of each entry: its columns, or of a raw one the bytes."""
    data = Bytes(value)
    rows, columns = data.take(2)
    ends = data.array(columns & 127, "H")
    values = list(zip(*[column(Bytes(value, begin), rows) for begin in (data.at, *ends[:-1])] if ends else [])) or [()] * rows
    raw = Bytes(value, ends[-1] if ends else data.at).listed() if columns & 128 else {}
    return [raw.get(row, values[row]) for row in range(rows)]


# ---- 6: a bucket; 8: a row of the log. Both give entries: key, flags, value

def plain(coded, symbols):
    codes = iter(coded)
    return b"".join(bytes([next(codes)]) if code == 255 else symbols[8 * code:8 * code + symbols[2048 + code]] for code in codes)


def bucket(data, symbols):
    n, form = data.take(2)
    prefix_size, value_size, suffix_size, flags = data.array(4, "H")
    data.take(6)
    coded, value_size, flags, wide = value_size >> 15, value_size & 32767, [flags & 255] * n, "BH"[form & 1]
    firsts, shared, suffixes = data.take(n), data.array(n, wide), data.array(n, wide)
    flags = data.take(n) if form & 4 else flags
    data.take(n * (0, 1, 2, 4, 8)[form >> 4 & 7])
    ends = data.array(n, "H") if form & 2 else [value_size * (i + 1) for i in range(n)]
    key, keys = data.take(prefix_size), []
    for i in range(n):
        suffix = data.take(suffixes[i])
        if i or not form & 8:
            key = key[:prefix_size + shared[i]] + firsts[i:i + 1] + (plain(suffix, symbols) if coded else suffix)
        keys.append(key)
    values = block(data.take(value_size)) if form & 128 else [data.take(end - begin) for begin, end in zip((0, *ends), ends)]
    return zip(keys, flags, values)


def log_row(ops):
    check(ops[16] == 1, f"a row of the log is of kind {ops[16]}, which this reader does not know")
    data, key = Bytes(ops, 17), b""
    while data.at < len(ops):
        flags = data.number(1)
        key = key[:data.varint()] + data.take(data.varint())
        yield key, flags, data.take(data.varint()) if not flags & DELETE or flags & SUMMED else b""


# ---- 9: keys of several columns, and rows

def key_values(key, columns):
    """The columns' values. Of each column is known: is it descending, is it REAL?"""
    data, values = Bytes(key), []
    for descending, real in columns:
        data.data, value = inverted(key) if descending else key, None
        tag = data.number(1)
        if tag in (0x30, 0x40):
            value = data.take(re.compile(rb"\0(?!\xff)").search(data.data, data.at).end() - data.at)[:-1].replace(b"\0\xff", b"\0")
            value = text(value) if tag == 0x30 else value
        elif tag in (0x10, 0x2F):
            value = double(data.take(8)) if tag == 0x2F else -double(inverted(data.take(8)))
        elif tag != 0x05:
            check(0x10 < tag < 0x2F, f"a key has the tag {tag:02X}, which this reader does not know")
            size = abs(tag - 0x20)
            twice = int.from_bytes(data.take(size), "big") - (1 << 8 * size) * (tag < 0x20)
            value = twice // 2
            if twice % 2:
                value += double(data.take(8)) if value >= 0 else 1 - double(inverted(data.take(8)))
            value = float(value) if real else value
        values.append(value)
    return values


class Columns:
    """As SQLite understands them: names, values by default, which are the key."""

    def __init__(self, definitions, added):
        key, columns = re.fullmatch(r'(?s)(?:key=\(((?:"[^"]*"|[^")])*)\), )?(.*)', definitions).groups()
        db = sqlite3.connect(":memory:")
        db.execute(f"CREATE TABLE t({', '.join([columns] + added)})")
        self.names, types, texts = zip(*db.execute("SELECT name, upper(type), dflt_value FROM pragma_table_info('t')"))
        db.execute(f"INSERT INTO t VALUES({', '.join(default or '1' for default in texts)})")
        self.defaults = [default and value for default, value in zip(texts, db.execute("SELECT * FROM t").fetchone())]
        self.bytes, self.places = "BLOB" in types[0], []
        if key:
            db.execute(f"CREATE INDEX k ON t({key})")
            self.places, descending = zip(*db.execute("SELECT cid, desc FROM pragma_index_xinfo('k') WHERE key"))
            real = [re.match("(?!.*(INT|CHAR|CLOB|TEXT|BLOB)).*(REAL|FLOA|DOUB)", types[place]) for place in self.places]
            self.key = list(zip(descending, real))

    def row(self, key, values):
        values = [*values] if self.places else [key if self.bytes else text(key), *values]
        values += [None] * (len(self.names) - len(values))
        values = [default if value is None else value for value, default in zip(values, self.defaults)]
        for place, value in zip(self.places, key_values(key, self.key) if self.places else ()):
            values[place] = value
        return values


# ---- 2 to 5: a table as it is, or a snapshot of it

class Table:
    def __init__(self, db, name, snapshot=None):
        self.db, self.file, shadow = db, None, '"' + name.replace('"', '""') + "_art"
        state = dict(db.execute(f'SELECT k, v FROM {shadow}state"'))
        check(state["format"] == 10, f"{name} has format {state['format']}, and this reader reads format 10")
        for key in state:
            check(not key.startswith("needs "), f"{name} {key}, which this reader does not know")
        added = [title[6:] for _, title, *_ in db.execute(f'PRAGMA table_info({shadow}state")') if title.startswith("added:")]
        self.columns, self.id, self.pages = Columns(state["columns"], added), state["id"], f'{shadow}blob"'
        if snapshot is None:
            (_, root), *log = db.execute(f'SELECT csn, ops FROM {shadow}data" WHERE csn >= 0 ORDER BY csn')
        else:
            what, value, log = f"snapshot {snapshot}", state.get(f"snapshot {snapshot}"), []
            check(value and value[0] == 1, f"{name} has no whole {what}")
            check_hash(what, what.encode() + value[:-8], value[-8:])
            root = value[21:21 + Bytes(value, 17).number(4)]
        self.runs = self.runs_of(root)
        self.memtable = self.newest(root, log) if snapshot is None else []
        if state["storage"] == "file" and self.runs:
            self.file = self.opened(pathlib.Path(db.execute("PRAGMA database_list").fetchone()[2]).resolve().with_name(state["file"]))

    def runs_of(self, root):
        check(root[:6] == b"ARTR\12\0", "the root is none of format 10")
        check_hash("the root", root[:-8], root[-8:])
        unknown, data, runs = Bytes(root, 52).number(4) & ~1, Bytes(root, 56), []
        check(not unknown, f"the root has features ({unknown:b}) that this reader does not know")
        for _ in range(root[6]):
            data.take(16)
            runs.append(data.take(data.number(4) + 1)[1:])
        return runs

    def newest(self, root, log):
        """4, 8: the newest entry of each key in the log."""
        csn, before, entries = Bytes(root, 8).number(8), root[24:40], {}
        log = [row for row in log if row[0] > csn]
        check(log or not root[7], "the rows of the log are lost")
        for csn, (at, ops) in enumerate(log, csn + 1):
            check(at == csn, f"row {csn} of the log is lost")
            check_hash(f"row {csn} of the log", before + struct.pack("<Q", csn) + ops[16:], ops[:16])
            before = ops[:16]
            entries.update((entry[0], entry) for entry in log_row(ops))
        return [entries[key] for key in sorted(entries)]

    def opened(self, path):
        file = open(path, "rb")
        page = file.read(PAGE)
        check(page[:12] == b"SQLiteAr\12\0\0\0", f"{path} is no .art file of format 10")
        check_hash(path, page[:4088], page[4088:])
        check(page[16:32] == self.id, f"{path} is that of another table")
        check(not any(page[36:40]), f"{path} has features that this reader does not know")
        return file

    def slot(self, slot):
        if self.file:
            self.file.seek(slot * SLOT)
            return self.file.read(SLOT)
        rows = dict(self.db.execute(f"SELECT page % 128, data FROM {self.pages} WHERE page BETWEEN ? AND ?", (slot * 128, slot * 128 + 127)))
        return b"".join(rows.get(page, b"").ljust(PAGE, b"\0") for page in range(128))

    @functools.lru_cache(maxsize=8)
    def blob(self, reference):
        """5: the entries of the blob that a reference names."""
        slot, height = Bytes(reference).number(4), reference[4]
        data, what = self.slot(slot), f"slot {slot}"
        check(len(data) == SLOT, f"{what} is not there")
        check_hash(f"the last page of {what}", data[-PAGE:], reference[16:32])
        trailer = data[TRAILER:]
        check(trailer[1016:1023] == b"ARTB\12\0" + (b"\2" if height else b"\1") and trailer[1024:1048] == self.id + reference[8:16],
              f"{what} has another blob")
        check(not Bytes(trailer, 1090).number(2) & ~3, f"{what} has features that this reader does not know")
        for page in range(127):
            if any(trailer[8 * page:8 * page + 8]):
                check_hash(f"page {page} of {what}", data[page * PAGE:page * PAGE + PAGE], trailer[8 * page:8 * page + 8])
        buckets, label = Bytes(trailer, 1072).number(4), Bytes(trailer, 1092).number(4)
        postings = 0 if height else trailer[1117].bit_count() + Bytes(trailer, 1082).number(2).bit_count()
        behind = 2 * buckets + 4 * (buckets + 1) + 8 * (buckets + 1) * (trailer[1023] >> 1 & 1) + 16 * trailer[1116] + 17 * trailer[1113] \
            + postings * (4 + (buckets + 7) // 8) + label
        offsets = Bytes(data, (TRAILER - behind) // 8 * 8)
        symbols = data[offsets.at - 2304:offsets.at]
        return [entry for at in offsets.array(buckets, "H") for entry in bucket(Bytes(data, 8 * at), symbols)]

    def walk(self, reference, start):
        """The entries of a run, some of those below `start` left out."""
        entries = self.blob(reference)
        if not reference[4]:
            yield from entries
            return
        for (_, _, child), (following, *_) in zip(entries, entries[1:] + [(b"\xff",)]):
            if following > start:
                yield from self.walk(child, start)

    # ---- 9: from entries to rows

    def merged(self, start):
        """Of each key from `start` on what the newest source has, deletes left out."""
        def ranked(rank, source):
            return ((key, rank, flags, value) for key, flags, value in source if key >= start)
        sources, before = [self.memtable] + [self.walk(run, start) for run in self.runs], None
        for key, _, flags, value in heapq.merge(*[ranked(rank, source) for rank, source in enumerate(sources)]):
            if key != before and not flags & DELETE:
                yield key, flags, value[1 + value[0]:] if flags & SUMMED else value
            before = key

    def rows(self):
        for key, flags, value in self.merged(b"\1"):
            if key[0] != 1:
                return
            value = self.put_together(value) if flags & CHUNKED else value
            yield self.columns.row(key[1:], record(value) if isinstance(value, bytes) else value)

    def put_together(self, reference):
        name, parts = b"\2" + reference[8:20], []
        for key, _, part in self.merged(name):
            if key != name + struct.pack(">I", len(parts)):
                break
            parts.append(part)
        value = b"".join(parts)
        check(len(value) == Bytes(reference).number(8), "a large value has lost parts")
        check_hash("a large value", value, reference[20:28])
        return value


# ---- for people

def literal(value):
    if isinstance(value, str):
        data = value.encode("utf-8", "surrogateescape").hex()
        return f"CAST(X'{data}' AS TEXT)" if re.search("[\0\ud800-\udfff]", value) else "'" + value.replace("'", "''") + "'"
    return "NULL" if value is None else f"X'{value.hex()}'" if isinstance(value, bytes) else repr(value).replace("inf", "9e999")


def database(path):
    """The database, in one transaction."""
    db = sqlite3.connect(pathlib.Path(path).resolve().as_uri() + "?mode=rw", uri=True, isolation_level=None)
    db.text_factory = text
    db.execute("PRAGMA query_only = ON")
    db.execute("BEGIN")
    return db


def main(path, table=None, snapshot=None):
    db = database(path)
    tables = [name[:-9] for name, in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE '%~_artstate' ESCAPE '~'")]
    if table is None:
        print(*tables, sep="\n")
        return
    check(table in tables, f"{path} has no art table {table}")
    if not xxhash:
        print("reader.py: nothing is verified without python3-xxhash", file=sys.stderr)
    for row in Table(db, table, snapshot).rows():
        print(",".join(map(literal, row)))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (Refused, sqlite3.Error, OSError) as refused:
        sys.exit(f"reader.py: {refused}")
