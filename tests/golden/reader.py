#!/usr/bin/python3
"""Reads art tables without art: the format (core/FORMAT.md), as a program that runs.

    reader.py DATABASE                      its art tables, and their snapshots
    reader.py DATABASE TABLE [SNAPSHOT]     the rows, in the order of the key, as literals of SQL

It needs Python's standard library alone; with xxhash (Debian: python3-xxhash) it verifies all that it reads. It writes nothing, but
SQLite rolls back what a crash has left. The numbers in the comments are those of the document's sections.
"""
import functools
import heapq
import math
import os
import sqlite3
import struct
import sys

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
    size = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)[kind]
    return (None, 0, 1)[kind % 7] if not size else int.from_bytes(data[at:at + size], "big", signed=True), at + size


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
    wide = 2 if form & 1 else 1
    take = functools.partial(struct.unpack_from, buffer=data)
    firsts, at_flags, at = data[at + 16:at + 16 + n], data[at + 8], at + 16 + n
    shared, at = take(f"<{n}{'BH'[wide - 1]}", offset=at), at + n * wide
    suffixes, at = take(f"<{n}{'BH'[wide - 1]}", offset=at), at + n * wide
    flags, at = (data[at:at + n], at + n) if form & 4 else (bytes([at_flags]) * n, at)
    at += n * (0, 1, 2, 4, 8)[form >> 4 & 7]
    ends, at = (take(f"<{n}H", offset=at), at + 2 * n) if form & 2 else (range(value_size & 32767, 1 << 32, value_size & 32767 or 1), at)
    prefix, at = data[at:at + prefix_size], at + prefix_size
    value_at = at + suffix_size
    if form & 128:
        values = block(data[value_at:value_at + (value_size & 32767)])
    elif form & 2 or value_size & 32767:
        values = [data[value_at + begin:value_at + end] for begin, end in zip((0, *ends), ends[:n] if form & 2 else ends)]
    else:
        values = [b""] * n
    key, prefix_end = prefix, prefix_size
    for i in range(n):
        suffix, at = data[at:at + suffixes[i]], at + suffixes[i]
        if value_size >> 15:
            suffix = plain_name(suffix, symbols)
        if i or not form & 8:
            key = key[:prefix_end + shared[i]] + firsts[i:i + 1] + suffix
        value = values[i]
        yield key, flags[i], value[1 + value[0]:] if flags[i] & PREFIXED else value
