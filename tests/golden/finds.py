"""What finds rows faster, by section 11 of core/FORMAT.md and nothing else: postings, filters, zones, codes of texts,
hashes of values. For test_reader.sh.

    finds.py DATABASE...      their tables t
"""
import collections
import re
import struct
import sys

import xxhash

import reader

ANY, ODD, LISTED = object(), 0x6F646421, 150
DATE = "13 0: 0: 0: -. 02 0: -. 04 0: !U 03 0: :; 06 0: :; 06 0: ./ 0: 0: 0:"
DATE = [range(*map(ord, ends)) for ends in DATE.split()]
DATE[10] = range(0x20, ord("U"))
SHARES = [112, 22, 22, 22, 224, 112, 22, 224, 56, 22, 4, 74, 22, 224, 37, 22, 224, 37, 22, 224, 22, 22, 22]
checks, failures = collections.Counter(), 0


def expect(what, holds, *more):
    global failures
    checks[what] += 1
    if not holds:
        failures += 1
        print(what, *more)


def code_of(data):
    code, rest, expected = 0, 2**64 - 1, list(zip(DATE, SHARES))
    for byte in data:
        if rest < 256:
            break
        fits, share = expected.pop(0) if expected else (range(0x20, 0x7F), 2)
        part, small = rest // 256 * share, rest // 4096
        code += rest // 16 + min(byte, fits.start) * small + min(max(byte - fits.start, 0), len(fits)) * part
        code += max(byte - fits.stop, 0) * small
        rest, expected = (part, expected) if byte in fits else (small, [])
    return code


def hash_of(data):
    return xxhash.xxh3_64_intdigest(data) >> 32 if data else 0


def hashes(value):
    if value is None:
        return []
    if isinstance(value, float) and value == int(value if abs(value) < 2.0**63 else 0):
        value = int(value)
    if isinstance(value, (int, float)):
        return [hash_of(struct.pack("<q" if isinstance(value, int) else "<d", value))]
    data = value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")
    if isinstance(value, bytes) or not re.fullmatch(rb"(?s)(?=[^\0])[\d \t-\r.+\-eE]*(\0.*)?|\0.*|-?Inf", data):
        return [hash_of(data)]
    if re.fullmatch(rb"[+-]?\d{1,18}", data):
        return hashes(int(data))
    return [hash_of(data), ODD]


def trigrams(value):
    """Of a text, a BLOB or an integer; ANY: as if it had all."""
    if value is None or isinstance(value, float):
        return [] if value is None else [ANY]
    data = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")
    try:
        replaced = set(data.decode("utf-8")) & set("\ufffd\ufffe\uffff")
    except UnicodeDecodeError:
        return [ANY]
    if replaced or len(data) > 4184:
        return [ANY]
    data = data.lower()
    mixed = [reader.number(data, at, 3) * 0x9E3779B1 % 2**32 for at in range(len(data) - 2)]
    return [(x ^ x >> 15) or 1 for x in mixed]


class Bits:
    def __init__(self, data):
        self.bits, self.at = int.from_bytes(data, "little"), 0

    def take(self, count):
        self.at += count
        return self.bits >> self.at - count & (1 << count) - 1

    def number(self, step=0):
        zeros = 0
        while not self.take(1):
            zeros += 1
            reader.check(zeros < 64, "a number without a one")
        return 1 << zeros + step | self.take(zeros + step)


def posting(bits, units):
    count, found = bits.number(), []
    if count > LISTED:
        return None
    for i in range(count):
        found.append(found[-1] + bits.number(step=1) - 1 if i else bits.take(9 if units > 256 else 8))
    return found


def postings(data, fields, units):
    """Of each field: the units with any term, and (group, print) -> lists of units."""
    heads = [data.array(2, "H") for _ in range(fields)]
    for groups, words in heads:
        begins = [2 * begin for begin in data.array(groups + 1, "H")]
        any_term, body, found = data.number((units + 7) // 8), data.take(2 * words), collections.defaultdict(list)
        reader.check(begins[-1] == 2 * words, "where the last group ends")
        for group, (begin, end) in enumerate(zip(begins, begins[1:])):
            bits = Bits(body[begin:end])
            prints = [bits.take(8) for _ in range(bits.number())] if begin < end else []
            for print_of in prints:
                found[group, print_of].append(posting(bits, units))
        yield groups, any_term, found


def summary(table):
    """2, 11: its columns: those with sums first."""
    sql, = table.db.execute("SELECT sql FROM sqlite_schema WHERE name = 't'").fetchone()
    of_create = re.search(r"summary=\((.*?\))\)", sql)
    lists = [of_create[1]] if of_create else [""]
    lists += [name[1].replace('"', "") for name in table.db.execute("PRAGMA table_info(t_artstate)") if name[1].startswith("summary ")]
    named = re.findall(r"(\w+)\((\*|\w+)\)", lists[-1])
    named = [(what, name) for what, name in named if (what, name) != ("search", table.names[0])]
    sums = [name if what == "sum" else (what, name) for what, name in named if what in ("sum", "hash")]
    return list(dict.fromkeys(sums + [name for what, name in named if what not in ("sum", "hash")]))


def values_of(table, columns, entry):
    """Those of its summary's columns: a value, or of a large row's (kind, 8 bytes)."""
    value, large = entry[2], entry[1] & reader.CHUNKED
    if isinstance(value, bytes) and entry[1] & reader.SUMMED:
        value = value[1 + value[0]:]
    if large:
        return [(value[28 + 9 * i], value[29 + 9 * i:37 + 9 * i]) for i in range(len(columns))]
    row = reader.record(value) if isinstance(value, bytes) else list(value)
    row = ([] if table.key else [None]) + row + [None] * len(table.names)
    row = [default if one is None else one for one, default in zip(row, table.defaults)]
    return [None if isinstance(name, tuple) else row[table.names.index(name)] for name in columns]


def terms(table, columns, entry, bit):
    """Of one field of an entry."""
    if bit == 16:
        return [] if entry[1] & 16 else trigrams(entry[0])
    if entry[1] & (reader.DELETE | 16):
        return []
    value = values_of(table, columns, entry)[bit % 8]
    if not isinstance(value, tuple):
        return [term or 1 for term in hashes(value)] if bit < 8 else trigrams(value)
    kind, data = value
    if kind > 2:
        odd = [ODD] if data[4] & 1 else []
        return [reader.number(data, 0, 4) or 1, *odd] if bit < 8 else [ANY]
    number = reader.number(data) if kind == 1 else struct.unpack("<d", data)[0] if kind == 2 else None
    return [term or 1 for term in hashes(number)] if bit < 8 else trigrams(number)


def is_within(value, kinds, low, high):
    """A value, or a large row's kind and bytes, in a zone"""
    kind, data = value if isinstance(value, tuple) else (None, None)
    if value is None or kind == 0:
        return kinds & 4
    if isinstance(value, bytes) or kind == 4:
        return kinds & 8
    if isinstance(value, str) or kind == 3:
        code = code_of(value.encode("utf-8", "surrogateescape")) if kind is None else None
        signed = [bound - 2**64 if bound >> 63 else bound for bound in (low, high)]
        return kinds & 8 or kinds & 16 and (code is None or signed[0] <= code - 2**63 <= signed[1])
    number = value if kind is None else struct.unpack("<q" if kind == 1 else "<d", data)[0]
    low, high = struct.unpack("<2d" if kinds & 2 else "<2q", struct.pack("<2Q", low, high))
    return kinds & 1 and low <= number <= high


def zones(table, columns, what, data, buckets):
    at = reader.Bytes(data, reader.number(data, reader.TRAILER + 1084, 4) + 7 * buckets)
    for place, name in enumerate(columns):
        lows, highs, kinds = at.array(buckets, "Q"), at.array(buckets, "Q"), at.take(buckets)
        if isinstance(name, tuple):
            continue
        for number, entries in enumerate(table.buckets):
            rows = [values_of(table, columns, entry)[place] for entry in entries if not entry[1] & (reader.DELETE | 16)]
            zone = kinds[number], lows[number], highs[number]
            expect("zones", all(is_within(value, *zone) for value in rows), what, name, zone, rows)


def in_filter(table, what, data, blocks):
    at = reader.number(data, reader.TRAILER + 1096, 4)
    for key, *_ in [entry for entries in table.buckets for entry in entries]:
        h = xxhash.xxh3_64_intdigest(key)
        block = reader.number(data, at + 64 * ((h >> 32) * blocks >> 32), 64)
        bits = (h & 2**32 - 1) * 0x9E3779B97F4A7C15 % 2**64
        expect("keys in filters", all(block >> (bits >> 55 - 9 * n & 511) & 1 for n in range(7)), what, key)


def leaf(table, columns, what, data):
    trailer, buckets = data[reader.TRAILER:], reader.number(data, reader.TRAILER + 1072, 4)
    zones(table, columns, what, data, buckets)
    in_filter(table, what, data, reader.number(trailer, 1100, 4)) if trailer[1023] & 4 else None
    lookups, searches, at = trailer[1117], reader.number(trailer, 1082, 2), 8 * reader.number(trailer, 1118, 2)
    bits = [bit for bit in range(17) if (lookups | searches << 8) >> bit & 1]
    if not at:
        return
    shift = 0
    while buckets - 1 >> shift >= 512:
        shift += 1
    units = (buckets - 1 >> shift) + 1
    found = list(postings(reader.Bytes(data, at), len(bits), units))
    for bit, (groups, any_term, lists) in zip(bits, found):
        wanted = collections.defaultdict(set)
        for number, entries in enumerate(table.buckets):
            for entry in entries:
                for term in terms(table, columns, entry, bit):
                    wanted[term].add(number >> shift)
        every = wanted.pop(ANY, set())
        expect("units with any term", all(any_term >> unit & 1 for unit in every), what, bit, every)
        by_print = collections.defaultdict(list)
        for term, of_term in sorted(wanted.items()):
            left = sorted(unit for unit in of_term if not any_term >> unit & 1)
            if left:
                by_print[term * groups >> 32, term & 255].append(left if len(left) <= LISTED else None)
        expect("postings", by_print == lists, what, bit, units, str(by_print)[:300], str(dict(lists))[:300])


def large_values(table, columns):
    """Behind references to chunks: kinds, hashes and codes of what the rows have."""
    chunks, rows = collections.defaultdict(bytes), []
    for key, flags, value in table.seen:
        if flags & 16 and key[:1] == b"\2":
            chunks[key[1:13], reader.number(key[:12:-1])] = value
        elif flags & reader.CHUNKED:
            rows.append((key, flags, value))
    for key, flags, value in rows:
        known = values_of(table, columns, (key, flags, value))
        value = value[1 + value[0]:] if flags & reader.SUMMED else value
        parts = [chunks[value[8:20], number] for number in range(2000) if (value[8:20], number) in chunks]
        whole = b"".join(parts)
        if len(whole) != reader.number(value, 0, 8):
            continue  # of an older source, whose chunks have gone
        for (kind, data), one in zip(known, values_of(table, columns, (key, 0, whole))):
            if not isinstance(one, (str, bytes)):
                expect("a large row's number", one is None or kind in (1, 2), key)
                continue
            has = hashes(one)
            expect("a large row's hash", (reader.number(data, 0, 4), data[4] & 1) == (has[0], len(has) - 1), key, one)
            code = reader.number(data) >> 33
            if isinstance(one, str):
                known = code_of(one.encode("utf-8", "surrogateescape")) >> 33
                expect("a large row's code", code in (0, known), key, one)


def one(path):
    try:
        table = reader.Table(path, "t")
    except reader.Refused:
        return  # none with this name
    columns, plain, slot, table.seen = summary(table), reader.bucket, table.slot, []

    def whole(number):
        table.buckets, data = [], slot(number)
        leaf_at[:] = [(number, data)] if data[reader.TRAILER + 1022] == 1 else []
        return data

    def kept(data, symbols):
        entries = list(plain(data, symbols))
        table.buckets.append(entries)
        table.seen += entries
        if leaf_at and len(table.buckets) == reader.number(leaf_at[0][1], reader.TRAILER + 1072, 4):
            leaf(table, columns, f"{path}, slot {leaf_at[0][0]}", leaf_at[0][1])
        return entries

    leaf_at, table.slot, reader.bucket = [], whole, kept
    for _ in table.entries():
        pass
    reader.bucket = plain
    large_values(table, columns)


codes = [code_of(text) for text in (b"", b"2025-11-27", b"2025-11-28", b"a")]
expect("codes of texts", codes == sorted(codes), codes)
for path in sys.argv[1:]:
    one(path)
for what in ("zones", "units with any term", "postings", "keys in filters", "a large row's number", "a large row's hash", "a large row's code"):
    expect(f"there are none: {what}", checks[what])
count = sum(checks.values())
print(*(f"{n} {what}" for what, n in checks.items() if n > 1), sep=", ")
print(f"{100 * (count - failures) // count}%: Checks: {count}, Failures: {failures}, Errors: 0")
sys.exit(failures > 0)
