"""A cloud's file cache, over an ordinary table and over art.

Columns, indexes and statements are those of Nextcloud's oc_filecache (lib/private/Files/Cache: Cache.php,
Propagator.php). A file's id stays the same for ever, its path does not; a folder is a row like a file, and its size is
that of all that lies below it.
"""

import hashlib
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from beside import connect  # noqa: E402

FOLDER = 2  # of the mimetypes' table, which is left out here
COLUMNS = """parent INTEGER NOT NULL DEFAULT 0, name TEXT, mimetype INTEGER NOT NULL DEFAULT 0,
    mimepart INTEGER NOT NULL DEFAULT 0,
    size INTEGER NOT NULL DEFAULT 0, mtime INTEGER NOT NULL DEFAULT 0, storage_mtime INTEGER NOT NULL DEFAULT 0,
    encrypted INTEGER NOT NULL DEFAULT 0, unencrypted_size INTEGER NOT NULL DEFAULT 0, etag TEXT,
    permissions INTEGER DEFAULT 0, checksum TEXT"""
SHOWN = "fileid, storage, path, parent, name, mimetype, mimepart, {size}, mtime, etag"


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def above(path):
    """The folders that a path lies in, the root first."""
    parts = path.split("/") if path else []
    return ["/".join(parts[:count]) for count in range(len(parts))]


def parent_of(path):
    return path.rpartition("/")[0]


class Cache:
    """What both say alike. SHOWN and TABLE are theirs."""

    def __init__(self, path):
        self.path = path
        self.db = connect(path, isolation_level=None)
        self.db.create_function("md5", 1, md5, deterministic=True)
        self.db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;" + self.SCHEMA)

    def rows(self, condition, *values):
        return self.db.execute(f"SELECT {self.SHOWN} FROM filecache WHERE {condition}", values).fetchall()

    def by_id(self, fileid):
        return self.rows("fileid = ?", fileid)

    def children(self, fileid):
        return self.rows("parent = ? ORDER BY name", fileid)

    def update(self, fileid, size, mtime, etag):
        self.db.execute(
            "UPDATE filecache SET size = ?1, mtime = ?2, storage_mtime = ?2, etag = ?3 WHERE fileid = ?4 "
            "AND (size <> ?1 OR mtime <> ?2 OR etag <> ?3 OR etag IS NULL)",
            (size, mtime, etag, fileid),
        )

    def search(self, storage, pattern):
        return sorted(self.rows("storage = ? AND name LIKE ?", storage, pattern))

    def search_mime(self, storage, column, value):
        return sorted(self.rows(f"storage = ? AND {column} = ?", storage, value))

    def recent(self, storage, limit):
        return self.rows(f"storage = ? AND mimetype <> {FOLDER} ORDER BY mtime DESC LIMIT ?", storage, limit)

    def ids(self, storage):
        return sorted(row[0] for row in self.db.execute("SELECT fileid FROM filecache WHERE storage = ?", (storage,)))

    # ---- what a program does on top of that ----

    def put(self, storage, path, mime, size, mtime, etag):
        """A file or a folder; its id. A file that is there gets new contents."""
        there = self.get(storage, path)
        if there:
            fileid, grown = there[0][0], size - there[0][7]
            if there[0][5] != FOLDER:
                self.update(fileid, size, mtime, etag)
        else:
            parent = self.get(storage, parent_of(path))[0][0] if path else -1
            fileid, grown = (
                self.insert(storage, path, parent, path.rpartition("/")[2], mime, mime // 10, size, mtime, etag),
                size,
            )
        self.propagate(storage, path, mtime, "p" + etag, grown if mime != FOLDER else 0)
        return fileid

    def remove(self, storage, path, mtime, etag):
        """The ids of all that went."""
        row = self.get(storage, path)[0]
        self.db.execute("BEGIN IMMEDIATE")
        gone = self.remove_below(row) if row[5] == FOLDER else []
        self.remove_row(row)
        self.propagate(storage, path, mtime, etag, -row[7])
        self.db.execute("COMMIT")
        return sorted([row[0], *gone])

    def move(self, storage, path, to_storage, target, mtime, etag):
        row = self.get(storage, path)[0]
        parent = self.get(to_storage, parent_of(target))[0][0]
        self.db.execute("BEGIN IMMEDIATE")
        if row[5] == FOLDER:
            self.move_below(storage, path, to_storage, target)
        self.move_row(row[0], to_storage, target, target.rpartition("/")[2], parent)
        self.propagate(storage, path, mtime, etag, -row[7])
        self.propagate(to_storage, target, mtime, etag, row[7])
        self.db.execute("COMMIT")


class Ordinary(Cache):
    SCHEMA = f"""
        CREATE TABLE filecache (fileid INTEGER PRIMARY KEY AUTOINCREMENT, storage INTEGER NOT NULL DEFAULT 0, path TEXT,
                                path_hash TEXT NOT NULL DEFAULT '', {COLUMNS});
        CREATE UNIQUE INDEX fs_storage_path_hash ON filecache (storage, path_hash);
        CREATE INDEX fs_parent_name_hash ON filecache (parent, name);
        CREATE INDEX fs_storage_mimetype ON filecache (storage, mimetype);
        CREATE INDEX fs_storage_mimepart ON filecache (storage, mimepart);
        CREATE INDEX fs_storage_size ON filecache (storage, size, fileid);
        CREATE INDEX fs_mtime ON filecache (mtime);
        CREATE INDEX fs_size ON filecache (size);
        CREATE INDEX fs_storage_path_prefix ON filecache (storage, path);"""
    SHOWN = SHOWN.format(size="size")

    def get(self, storage, path):
        return self.rows("storage = ? AND path_hash = ?", storage, md5(path))

    def list(self, storage, path):
        return self.children(self.get(storage, path)[0][0])

    def insert(self, storage, path, parent, name, mime, part, size, mtime, etag):
        return self.db.execute(
            "INSERT INTO filecache(storage, path, path_hash, parent, name, mimetype, mimepart, size, mtime, "
            "storage_mtime, etag) "
            "VALUES (?,?,?,?,?,?,?,?,?,?,?)",
            (storage, path, md5(path), parent, name, mime, part, size, mtime, mtime, etag),
        ).lastrowid

    def propagate(self, storage, path, mtime, etag, grown):
        hashes = [md5(each) for each in above(path)]
        size = "" if not grown else ", size = CASE WHEN size > -1 THEN max(size + :grown, -1) ELSE size END"
        self.db.execute(
            f"UPDATE filecache SET mtime = max(mtime, :mtime), etag = :etag{size} WHERE storage = :storage "
            "AND path_hash IN "
            f"({','.join(repr(each) for each in hashes)})",
            dict(mtime=mtime, etag=etag, grown=grown, storage=storage),
        )

    def move_below(self, storage, path, to_storage, target):
        pattern = path.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "/%"
        self.db.execute(
            "UPDATE filecache SET storage = ?1, path = ?2 || substr(path, ?3), path_hash = md5(?2 || substr(path, ?3)) "
            "WHERE storage = ?4 AND path LIKE ?5 ESCAPE '\\'",
            (to_storage, target, len(path) + 1, storage, pattern),
        )

    def move_row(self, fileid, storage, path, name, parent):
        self.db.execute(
            "UPDATE filecache SET storage = ?, path = ?, path_hash = ?, name = ?, parent = ? WHERE fileid = ?",
            (storage, path, md5(path), name, parent, fileid),
        )

    def remove_row(self, row):
        self.db.execute("DELETE FROM filecache WHERE fileid = ?", (row[0],))

    def remove_below(self, row):
        folders, queue, gone = [row[0]], [row[0]], []
        while queue:
            for child in self.children(queue.pop()):
                gone.append(child[0])
                if child[5] == FOLDER:
                    folders.append(child[0])
                    queue.append(child[0])
        for start in range(0, len(folders), 900):
            some = folders[start : start + 900]
            self.db.execute(f"DELETE FROM filecache WHERE parent IN ({','.join('?' * len(some))})", some)
        return gone

    def size_below(self, storage, path):
        """All that lies below, from the rows themselves: what a folder's row should say."""
        return self.db.execute(
            f"SELECT coalesce(sum(size), 0) FROM filecache WHERE storage = ? AND mimetype <> {FOLDER} "
            "AND path >= ? AND path < ?",
            (storage, path + "/" if path else "", path + "0" if path else "\U0010ffff"),
        ).fetchone()[0]


class Art(Cache):
    """A folder's row has the size 0, and shows the sum of what is below."""

    SCHEMA = f"""
        CREATE VIRTUAL TABLE filecache USING art(fileid INTEGER, storage INTEGER NOT NULL DEFAULT 0, path TEXT,
          {COLUMNS.replace('permissions INTEGER DEFAULT 0', 'permissions INTEGER NOT NULL DEFAULT 0')},
          key=(storage, path), summary=(sum(size), max(mtime), lookup(fileid), lookup(parent), lookup(mimetype),
                                      lookup(mimepart), search(name)));
        CREATE TABLE last_fileid(fileid INTEGER NOT NULL);
        INSERT INTO last_fileid VALUES (0);"""
    SIZE = "art_sum('filecache', 'size', art_key('filecache', storage, iif(path = '', '', path || '/')))"
    SHOWN = SHOWN.format(size=f"iif(mimetype = {FOLDER}, {SIZE}, size)")

    def get(self, storage, path):
        return self.rows("storage = ? AND path = ?", storage, path)

    def list(self, storage, path):
        """A folder's row is `path`, and what is below it `path/`: the level shows both."""
        return self.rows(
            "storage = ? AND prefix = ? AND delimiter = '/' AND fileid IS NOT NULL AND path <> '' ORDER BY path",
            storage,
            path + "/" if path else "",
        )

    def insert(self, storage, path, parent, name, mime, part, size, mtime, etag):
        self.db.execute("UPDATE last_fileid SET fileid = fileid + 1")
        fileid = self.db.execute("SELECT fileid FROM last_fileid").fetchone()[0]
        self.db.execute(
            "INSERT INTO filecache(fileid, storage, path, parent, name, mimetype, mimepart, size, mtime, "
            "storage_mtime, etag) "
            "VALUES (?,?,?,?,?,?,?,?,?,?,?)",
            (fileid, storage, path, parent, name, mime, part, size, mtime, mtime, etag),
        )
        return fileid

    def propagate(self, storage, path, mtime, etag, _grown):
        paths = above(path)
        self.db.execute(
            "UPDATE filecache SET mtime = max(mtime, ?), etag = ? WHERE storage = ? AND path IN "
            f"({','.join('?' * len(paths))})",
            (mtime, etag, storage, *paths),
        )

    def move_below(self, storage, path, to_storage, target):
        self.db.execute(
            "INSERT INTO filecache(filecache, prefix, art_key) VALUES "
            "('move', art_key('filecache', ?, ? || '/'), art_key('filecache', ?, ? || '/'))",
            (storage, path, to_storage, target),
        )

    def move_row(self, fileid, storage, path, name, parent):
        self.db.execute(
            "UPDATE filecache SET storage = ?, path = ?, name = ?, parent = ? WHERE fileid = ?",
            (storage, path, name, parent, fileid),
        )

    def remove_row(self, row):
        self.db.execute("DELETE FROM filecache WHERE storage = ? AND path = ?", row[1:3])

    def remove_below(self, row):
        below = (row[1], row[2] + "/" if row[2] else "")
        gone = [
            each[0]
            for each in self.db.execute(
                "SELECT fileid FROM filecache WHERE storage = ? AND prefix = ? AND path <> ''", below
            )
        ]
        self.db.execute("INSERT INTO filecache(filecache, prefix) VALUES ('delete', art_key('filecache', ?, ?))", below)
        return gone

    def size_below(self, storage, path):
        return self.db.execute(
            "SELECT art_sum('filecache', 'size', art_key('filecache', ?, ?))", (storage, path + "/" if path else "")
        ).fetchone()[0]
