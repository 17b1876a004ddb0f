"""core/FORMAT.md, section 12, by that page alone: the hash of a copy's pages, and the extract of a published table.

    besides.py <library without .so> <folder>

It makes a copy and a published database in the folder, and prints what it has compared.
"""
import os
import sqlite3
import struct
import sys

import xxhash

PAGE, PIECE, FIRST = 4096, 4056, -(1 << 40)


def connect(path):
    connection = sqlite3.connect(path)
    connection.enable_load_extension(True)
    connection.load_extension(sys.argv[1])
    return connection


def hash_of_pages(path, stamp):
    """Of a copy with nothing in its WAL."""
    with open(path, "rb") as file:
        whole = file.read()
    page_size = struct.unpack_from(">H", whole, 16)[0]
    page_size = 65536 if page_size == 1 else page_size
    used, stream = page_size - whole[20], xxhash.xxh3_64()
    for at in range(0, len(whole), page_size):
        page = bytearray(whole[at:at + used])
        if not at:
            page[18:20], page[24:28], page[92:100] = bytes(2), bytes(4), bytes(8)
        found = page.find(stamp[:16])
        while 0 <= found <= used - 24:
            page[found:found + 24] = bytes(24)
            found = page.find(stamp[:16], found + 1)
        stream.update(bytes(page))
    return stream.intdigest() | 1


def check_copy(path, tables):
    connection = sqlite3.connect(path)
    stamps = {connection.execute(f"SELECT v FROM {table}_artstate WHERE k = 'copied'").fetchone()[0] for table in tables}
    connection.close()
    assert len(stamps) == 1, stamps
    stamp = stamps.pop()
    assert len(stamp) == 24 and int.from_bytes(stamp[16:], "little") == hash_of_pages(path, stamp), path


def low_and_high(data):
    number = xxhash.xxh3_128_intdigest(data)
    return number & (1 << 64) - 1, number >> 64


def check_extract(connection, table):
    """The number of pages that are there twice."""
    def rows_of(begin, size):
        rows = [row[0] for row in connection.execute(f"SELECT data FROM {table}_artblob WHERE page >= ? AND page < ? "
                                                     "ORDER BY page", (begin, begin - -size // PIECE))]
        assert all(len(row) == PIECE for row in rows[:-1])
        assert sum(map(len, rows)) == size
        return b"".join(rows)

    head, = connection.execute(f"SELECT v FROM {table}_artstate WHERE k = 'extract'").fetchone()
    root, = connection.execute(f"SELECT ops FROM {table}_artdata WHERE csn = 0").fetchone()
    said = struct.unpack("<6Q", head)
    assert said[:2] == low_and_high(root)
    assert said[5] == connection.execute(f"SELECT max(page) + 1 FROM {table}_artblob").fetchone()[0]
    directory = rows_of(FIRST - -(-said[4] // PIECE), said[4])
    assert said[2:4] == low_and_high(directory)
    count, pages = struct.unpack_from("<2I", directory)
    assert len(directory) == 8 + 24 * count + 16 * pages
    parts = []
    for low, high, begin, copies in struct.iter_unpack("<2Q2I", directory[8:8 + 24 * count]):
        assert copies <= 128
        parts.append(rows_of(FIRST + begin, copies * PAGE))
        assert (low, high) == low_and_high(parts[-1])
    before = -1
    for page, part, at in struct.iter_unpack("<Q2I", directory[8 + 24 * count:]):
        assert page > before
        before = page
        data, = connection.execute(f"SELECT data FROM {table}_artblob WHERE page = ?", (page,)).fetchone()
        assert parts[part][at * PAGE:at * PAGE + PAGE] == data.ljust(PAGE, b"\0")
    return pages


def main():
    folder = sys.argv[2]
    original, copied, site = (os.path.join(folder, name) for name in ("besides.db", "copy.db", "site.db"))
    connection = connect(original)
    connection.executescript("""
        CREATE VIRTUAL TABLE t USING art(path, size INTEGER, word TEXT, summary=(sum(size), search(path), lookup(word)));
        CREATE VIRTUAL TABLE u USING art(path, value, storage=inline);
        WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 120000)
        INSERT INTO t SELECT printf('%s/%d/name-%d', i % 7, i % 211, i * 7919 % 200003), i, 'w' || i % 900 FROM n;
        INSERT INTO u SELECT path, size FROM t LIMIT 3000;
        INSERT INTO t(t) VALUES('optimize')""")
    for mode in ("", ", 'main', 'update'"):
        connection.execute(f"SELECT art_backup(?{mode})", (copied,)).fetchall()
        check_copy(copied, "tu")
        connection.execute("UPDATE t SET size = size + 1 WHERE path GLOB '3/1*'")
        connection.commit()
    connection.execute("SELECT art_publish(?)", (site,)).fetchall()
    connection.close()
    connection = sqlite3.connect(site)
    pages = [check_extract(connection, table) for table in "tu"]
    connection.close()
    assert pages[0] > 40, pages
    print(f"a copy made, and brought up to date: its hash is as said; {sum(pages)} pages of extracts are")


main()
