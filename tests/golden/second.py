#!/usr/bin/python3
"""A second opinion on databases that random tests have made: reader.py's, which knows the format from its page alone. For
tests/support/second_opinion.c, which asks by a pipe:

    DATABASE, a tab, TABLE, a tab, SNAPSHOT, or nothing     a line
    the rows that it should have, in any order              a line each, as below
    .                                                       a line

and gets a line: "same", or what differs, or "damaged: " and what; "locked": nothing can be said. A row is its values with blanks between them: n, i and a
number, r and the 8 bytes of a double, t or b and bytes; bytes are hexadecimal.
"""
import gc
import sqlite3
import struct
import sys

import reader


def told(value):
    if value is None:
        return "n"
    if isinstance(value, int):
        return f"i{value}"
    if isinstance(value, float):
        return "r" + struct.pack(">d", value).hex()
    return "t" + value.encode("utf-8", "surrogateescape").hex() if isinstance(value, str) else "b" + value.hex()


def opinion(database, table, snapshot, wanted):
    try:
        found = [" ".join(map(told, row)) for row in reader.Table(database, table, snapshot or None).rows()]
    except reader.Refused as refused:
        return f"damaged: {refused}"
    except Exception as error:  # whatever it meets in bytes that are forged
        return "locked" if "locked" in str(error) else f"it says: {error!r}"
    wanted, found = set(wanted), set(found) if len(set(found)) == len(found) else {"a row twice"}
    if wanted == found:
        return "same"
    return f"{len(wanted)} rows are wanted, {len(found)} found; lost {sorted(wanted - found)[:3]!r:.300}, new {sorted(found - wanted)[:3]!r:.300}"


while line := sys.stdin.readline():
    rows = iter(sys.stdin.readline, ".\n")
    answer = opinion(*line.rstrip("\n").split("\t"), [row.rstrip("\n") for row in rows])
    gc.collect()  # what a reader that refused had opened, and locked
    print(answer.replace("\n", " "), flush=True)
