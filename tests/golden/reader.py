#!/usr/bin/python3
"""Reads art tables without art: the format (core/FORMAT.md) as a program that runs.

    reader.py DATABASE TABLE [SNAPSHOT]     the rows, in the order of the key, as literals of SQL

Python's standard library is enough. With xxhash (Debian: python3-xxhash) it verifies all that it reads. It writes
nothing; SQLite rolls back what a crash has left. Numbers in comments are the document's sections.
"""
import pathlib
import re
import sqlite3
import struct
import sys

try: import xxhash
except ImportError: xxhash = None

SLOT, PAGE, TRAILER = 524288, 4096, 523144
DELETE, CHUNKED, SUMMED = 1, 4, 8           # flags of entries
SIZES = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)      # of bodies, by serial types

class Refused(Exception): """What cannot be read, and why."""
def check(holds, message):
    if not holds: raise Refused(message)

def check_hash(what, data, expected, of_128=False):
    if xxhash:
        found = xxhash.xxh3_128_intdigest(data) if of_128 or len(expected) == 16 else xxhash.xxh3_64_intdigest(data)
        check(found % 256 ** len(expected) == number(expected), f"{what} is damaged: its hash is another one")

# ---- bytes, and values as in SQLite's records
def number(data, at=0, size=16): return int.from_bytes(data[at:at + size], "little")
def text(data): return data.decode("utf-8", "surrogateescape")
def double(data): return struct.unpack(">d", data)[0]
def inverted(data): return data.translate(bytes(range(255, -1, -1)))

class Bytes:  # that are read one behind the other
    def __init__(self, data, at=0):
        self.data, self.at = data, at
    def number(self, size): return number(self.take(size), 0, size)
    def array(self, count, kind): return struct.unpack(f"<{count}{kind}", self.take(count * struct.calcsize(kind)))
    def body(self, kind): return self.take((kind - 12) // 2 if kind >= 12 else SIZES[kind])
    def cells(self, count): return [(kind, self.body(kind)) for kind in (self.serial_type() for _ in range(count))]
    def take(self, size):
        self.at += size
        return self.data[self.at - size:self.at]
    def varint(self):
        byte = self.number(1)
        return byte if byte < 128 else byte & 127 | self.varint() << 7
    def serial_type(self, higher=0):
        byte = self.number(1)
        return higher << 7 | byte if byte < 128 else self.serial_type(higher << 7 | byte & 127)
    def listed(self):  # 7: {row: cell}
        rows = self.take(self.number(1))
        return dict(zip(rows, self.cells(len(rows))))

def value_of(kind, body):
    if kind >= 12:
        return text(body) if kind % 2 else body
    return double(body) if kind == 7 else int.from_bytes(body, "big", signed=True) if body else {8: 0, 9: 1}.get(kind)

def record(value):
    data, kinds = Bytes(value), []
    end = data.serial_type() if value else 0
    while data.at < end:
        kinds.append(data.serial_type())
    check(data.at == end, "a record's types do not end where it says")
    values = [value_of(kind, data.body(kind)) for kind in kinds]
    check(data.at <= len(value), "a record's values are longer than it is")
    return values

# ---- 7: a block
def integer(value):
    kind = next(kind for kind in range(1, 7) if -1 << 8 * SIZES[kind] - 1 <= value < 1 << 8 * SIZES[kind] - 1)
    return (8 + value, b"") if value in (0, 1) else (kind, value.to_bytes(SIZES[kind], "big", signed=True))

def varint(value): return bytes([value] if value < 128 else [128 | value >> 7, value & 127])
def encoded(cells):
    """A record of them, up to the last one that is not NULL."""
    count = max((i + 1 for i, (kind, _) in enumerate(cells) if kind), default=0)
    kinds = b"".join(varint(kind) for kind, _ in cells[:count])
    return varint(len(kinds) + 1 + (len(kinds) > 126)) + kinds + b"".join(body for _, body in cells)

def column(data, rows, end):
    """A column's cell in each row: serial type and body. The column ends there."""
    how, width = data.take(2)
    encoding, entries, with_slot = how & 7, width, range(rows)
    if encoding == 0:
        base = value_of(*data.cells(1)[0])
    elif encoding == 1:
        width = (entries - 1).bit_length()
    else:
        slope, base = struct.unpack("<Hh", data.take(4))
    if how & 8:
        bits = data.number((rows + 7) // 8)
        with_slot = [row for row in range(rows) if bits >> row & 1]
    bits = data.number((len(with_slot) * width + 7) // 8)
    slots = [bits >> slot * width & (1 << width) - 1 for slot in range(len(with_slot))]
    if encoding == 0:
        slots = [integer((base + code + 2**63) % 2**64 - 2**63) for code in slots]
    elif encoding == 1:
        cells = data.cells(entries)
        check(max(slots, default=0) < entries, "a block has a code without an entry")
        slots = [cells[code] for code in slots]
    else:
        ends = [0] + [slope * (slot + 1) + base + code for slot, code in enumerate(slots)]
        check(sorted(ends) == ends and data.at + ends[-1] <= end, "a block has ends that are none")
        parts = [data.take(end - begin) for begin, end in zip(ends, ends[1:])]
        parts = [part.hex().encode() for part in parts] if encoding > 4 else parts
        parts = [part.upper() for part in parts] if encoding == 6 else parts
        slots = [(7 if encoding == 4 else 2 * len(part) + 12 + (encoding > 2), part) for part in parts]
    found = dict(zip(with_slot, slots)) | (data.listed() if how & 16 else {})
    return [found.get(row, (0, b"")) for row in range(rows)]

def block(value):
    """The value of each entry."""
    rows, columns = value[0], value[1] & 127
    *begins, raw_at = (2 + 2 * columns, *Bytes(value, 2).array(columns, "H"))
    cells = list(zip(*[column(Bytes(value, at), rows, end) for at, end in zip(begins, [*begins[1:], raw_at])])) or [()] * rows
    raw = Bytes(value, raw_at).listed() if value[1] & 128 else {}
    return [raw[row][1] if row in raw else encoded(cells[row]) for row in range(rows)]

# ---- 6: a bucket; 8: a row of the log. Both give entries: key, flags, value
def plain(coded, symbols):
    codes = iter(coded)
    return b"".join(bytes([next(codes)]) if code == 255 else symbols[8 * code:8 * code + symbols[2048 + code]]
                    for code in codes)

def bucket(data, symbols):
    n, form = data.take(2)
    prefix_size, value_size, _, flags, *_ = data.array(7, "H")
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
    if form & 128:
        return zip(keys, flags, block(data.take(value_size)))
    return zip(keys, flags, [data.take(end - begin) for begin, end in zip((0, *ends), ends)])

def log_row(ops):
    check(ops[16] == 1, f"a row of the log is of kind {ops[16]}, which this reader does not know")
    data, key = Bytes(ops, 17), b""
    while data.at < len(ops):
        flags = data.number(1)
        key = key[:data.varint()] + data.take(data.varint())
        yield key, flags, data.take(data.varint()) if not flags & DELETE or flags & SUMMED else b""

# ---- 9: keys of several columns
def key_value(data):
    """The next column's value."""
    tag = data.number(1)
    if tag == 0x05:
        return None
    if tag in (0x30, 0x40):
        end = re.compile(rb"\0(?!\xff)").search(data.data, data.at).end()
        part = data.take(end - data.at)[:-1].replace(b"\0\xff", b"\0")
        return text(part) if tag == 0x30 else part
    if tag in (0x10, 0x2F):
        return double(data.take(8)) if tag == 0x2F else -double(inverted(data.take(8)))
    check(0x10 < tag < 0x2F, f"a key has the tag {tag:02X}, which this reader does not know")
    size = abs(tag - 0x20)
    value, fraction = divmod(int.from_bytes(data.take(size), "big") - 256 ** size * (tag < 0x20), 2)
    if not fraction:
        return value
    return value + double(data.take(8)) if value >= 0 else value + 1 - double(inverted(data.take(8)))

# ---- 2 to 5, 9: a table, as it is or as a snapshot has it
class Table:
    def __init__(self, path, name, snapshot=None):
        path = pathlib.Path(path).resolve()
        self.db = db = sqlite3.connect(path.as_uri() + "?mode=rw", uri=True, isolation_level=None)
        db.text_factory = text
        db.execute("BEGIN")
        tables = [table[:-9] for table, in db.execute("SELECT name FROM sqlite_schema") if table.endswith("_artstate")]
        check(name in tables, f"{path} has the art tables {', '.join(tables)}")
        shadow = '"' + name.replace('"', '""') + "_art"
        state = dict(db.execute(f'SELECT k, v FROM {shadow}state"'))
        unknown = [key for key in state if key.startswith("needs ")]
        check(state["format"] == 10 and not unknown, f"{name} has format {state['format']} {unknown}: not known here")
        titles = [title for _, title, *_ in db.execute(f'PRAGMA table_info({shadow}state")')]
        check(any(state.get("copied", b"1")[-8:]), f"{name} is of a copy that is unfinished")
        self.define("\n, ".join([state["columns"]] + [title[6:] for title in titles if title.startswith("added:")]))
        (_, root), *log = db.execute(f'SELECT csn, ops FROM {shadow}data" WHERE csn >= 0 ORDER BY csn')
        if snapshot is not None:
            what, value = f"snapshot {snapshot}", state.get(f"snapshot {snapshot}")
            check(value and value[0] == 1, f"{name} has no whole {what}")
            check_hash(what, what.encode() + value[:-8], value[-8:], of_128=True)
            root, log = value[21:21 + number(value, 17, 4)], []
        check(root[:6] == b"ARTR\12\0" and not number(root, 52, 4) & ~1, "the root has a format not known here")
        check_hash("the root", root[:-8], root[-8:])
        self.pages = f'SELECT page % 128, data FROM {shadow}blob" WHERE page BETWEEN ?1 * 128 AND ?1 * 128 + 127'
        self.id, self.root, self.log, self.runs, data = state["id"], root, log, [], Bytes(root, 56)
        for _ in range(root[6]):
            data.take(16)
            self.runs.append(data.take(data.number(4) + 1)[1:])
        self.file = open(path.with_name(state["file"]), "rb") if state["storage"] == "file" and self.runs else None
        if self.file:
            page, what = self.file.read(PAGE), self.file.name
            check(page[:12] == b"SQLiteAr\12\0\0\0" and not any(page[36:40]), f"{what} has a format not known here")
            check_hash(what, page[:4088], page[4088:])
            check(page[16:32] == self.id, f"{what} is that of another table")

    def define(self, definitions):
        """2: columns as SQLite understands them: names, defaults, and of the key's ones: where, descending, REAL?"""
        key, columns = re.fullmatch(r"(?s)(?:key=\(([^)]*)\), )?(.*)", definitions).groups()
        db = sqlite3.connect(":memory:")
        db.execute(f"CREATE TABLE t({columns}\n)")
        self.names, types, texts = zip(*db.execute("SELECT name, upper(type), dflt_value FROM pragma_table_info('t')"))
        db.execute(f"INSERT INTO t VALUES({', '.join(default or '1' for default in texts)})")
        self.defaults = [default and value for default, value in zip(texts, *db.execute("SELECT * FROM t"))]
        self.bytes, self.key = "BLOB" in types[0], []
        if key:
            db.execute(f"CREATE INDEX k ON t({key})")
            real = [re.match("(?s)(?!.*(INT|CHAR|CLOB|TEXT|BLOB)).*(REAL|FLOA|DOUB)", kind) for kind in types]
            self.key = [(at, desc, real[at]) for _, at, _, desc, _, mine in db.execute("PRAGMA index_xinfo(k)") if mine]

    def slot(self, slot):
        if self.file:
            self.file.seek(slot * SLOT)
            return self.file.read(SLOT)
        pages = dict(self.db.execute(self.pages, (slot,)))
        return b"".join(pages.get(page, b"").ljust(PAGE, b"\0") for page in range(128))

    def below(self, reference):
        """The entries of the leaf blobs that a reference leads to."""
        what, data, leaf = f"slot {number(reference, 0, 4)}", self.slot(number(reference, 0, 4)), not reference[4]
        trailer, kind = data[TRAILER:], b"ARTB\12\0" + (b"\1" if leaf else b"\2")
        check(trailer[1016:1023] + trailer[1024:1048] == kind + self.id + reference[8:16], f"{what} has another blob")
        check_hash(f"the last page of {what}", data[-PAGE:], reference[16:32])
        check(not number(trailer, 1090, 2) & ~3, f"{what} has a format not known here")
        for at in filter(lambda at: number(trailer, at, 8), range(0, 1016, 8)):
            check_hash(f"page {at // 8} of {what}", data[at * PAGE // 8:][:PAGE], trailer[at:at + 8])
        buckets, weights = number(trailer, 1072, 4), trailer[1023] & 2
        postings = trailer[1117].bit_count() + number(trailer, 1082, 2).bit_count() if leaf else 0
        behind = buckets * 2 + (buckets + 1) * (12 if weights else 4) + trailer[1116] * 16 + trailer[1113] * 17
        units = (buckets - 1 >> ((buckets - 1) // 512).bit_length()) + 1
        behind += postings * (4 + (units + 7) // 8) + number(trailer, 1092, 4)
        offsets = (TRAILER - behind) // 8 * 8
        places, symbols = Bytes(data, offsets).array(buckets, "H"), data[offsets - 2304:offsets]
        entries = [entry for at in places for entry in bucket(Bytes(data, 8 * at), symbols)]
        check(len(entries) == number(trailer, 1052, 4), f"not all entries of {what} were found")
        yield from entries if leaf else (entry for child in entries for entry in self.below(child[2]))

    def entries(self):
        """Those of all sources, the oldest first."""
        for run in reversed(self.runs):
            yield from self.below(run)
        csn, before = number(self.root, 8, 8), self.root[24:40]
        log = [row for row in self.log if row[0] > csn]
        check(log or not self.root[7], "the rows of the log are lost")
        for csn, (at, ops) in enumerate(log, csn + 1):
            check(at == csn, f"row {csn} of the log is lost")
            check_hash(f"row {csn} of the log", before + struct.pack("<Q", csn) + ops[16:], ops[:16])
            before = ops[:16]
            yield from log_row(ops)

    def rows(self):
        """Of each key the newest entry counts: a file of SQLite's, which is gone at the end, brings them together."""
        sorter = sqlite3.connect("")
        sorter.execute("CREATE TABLE entry(key PRIMARY KEY, flags, value) WITHOUT ROWID")
        sorter.executemany("REPLACE INTO entry VALUES(?, ?, ?)", self.entries())
        self.db.close()
        newest = "SELECT flags, value, key FROM entry WHERE key BETWEEN ? AND ? AND NOT flags & 1 ORDER BY key"
        for flags, value, key in sorter.execute(newest, (b"\1", b"\2")):
            value = value[1 + value[0]:] if flags & SUMMED else value
            if flags & CHUNKED:
                name, reference = b"\2" + value[8:20], value
                value = b"".join(part for _, part, _ in sorter.execute(newest, (name, name + b"\xff" * 4)))
                check(len(value) == number(reference, 0, 8), "a large value has lost parts")
                check_hash("a large value", value, reference[20:28])
            yield self.row(key[1:], record(value))

    def row(self, key, values):
        values = [*([] if self.key else [key if self.bytes else text(key)]), *values]
        values += [None] * (len(self.names) - len(values))
        values, data = [default if one is None else one for one, default in zip(values, self.defaults)], Bytes(key)
        for place, descending, real in self.key:
            data.data = inverted(key) if descending else key
            value = key_value(data)
            values[place] = float(value) if real and isinstance(value, int) else value
        return values

# ---- for people
def literal(value):
    if isinstance(value, str) and re.search("[\0\ud800-\udfff]", value):
        return f"CAST({literal(value.encode('utf-8', 'surrogateescape'))} AS TEXT)"
    if isinstance(value, (str, bytes)):
        return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else f"X'{value.hex()}'"
    return "NULL" if value is None else str(value).replace("inf", "9e999")

if __name__ == "__main__":
    if not xxhash: print("reader.py: nothing is verified without python3-xxhash", file=sys.stderr)
    try:
        check(len(sys.argv) in (3, 4), __doc__)
        for row in Table(*sys.argv[1:]).rows():
            print(*map(literal, row), sep=",")
    except (Refused, sqlite3.Error, OSError) as refused:
        sys.exit(f"reader.py: {refused}")
