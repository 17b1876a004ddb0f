"""A container of Swift: its objects, their tombstones, and its listings, over an ordinary table and over art.

The columns of `object`, the order of the key and what a listing shows are Swift's (swift/container/backend.py). The
ordinary table is asked as Swift asks it: with a delimiter, a SELECT for each common prefix, and the next one begins
behind it. Of art one SELECT is asked.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from beside import connect  # noqa: E402

COLUMNS = "name TEXT, created_at TEXT, size INTEGER, content_type TEXT, etag TEXT"
SHOWN = "name, created_at, size, content_type, etag"
INFO = """CREATE TABLE container_info (account TEXT, container TEXT, created_at TEXT);
    INSERT INTO container_info VALUES ('a', 'c', '0000000001.00000');"""
LEAST = "\x01"  # names that begin with NUL are Swift's own, and not listed


class Container:
    """put(), delete() and reclaim() say the same of both tables."""

    def __init__(self, path):
        self.db = connect(path, isolation_level=None)
        self.db.executescript(
            "PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY; PRAGMA journal_mode = DELETE;"
            + INFO
            + self.SCHEMA
        )

    def merge(self, items, policy=0):
        """Items are rows (name, created_at, size, content_type, etag, deleted); the newer one stays, here or there."""
        db = self.db
        db.execute("BEGIN IMMEDIATE")
        there = {}
        for start in range(0, len(items), 900):
            names = [each[0] for each in items[start : start + 900]]
            there.update(
                db.execute(
                    "SELECT name, created_at FROM object WHERE storage_policy_index = ? AND deleted IN (0, 1) "
                    f"AND name IN ({','.join('?' * len(names))})",
                    [policy, *names],
                )
            )
        new = {}
        for item in items:
            before = new[item[0]][1] if item[0] in new else there.get(item[0], "")
            if before < item[1]:
                new[item[0]] = item
        db.executemany(
            "DELETE FROM object WHERE deleted IN (0, 1) AND name = ? AND storage_policy_index = ?",
            [(name, policy) for name in new if name in there],
        )
        db.executemany(
            "INSERT INTO object(name, created_at, size, content_type, etag, deleted, storage_policy_index) "
            "VALUES (?,?,?,?,?,?,?)",
            [(*item, policy) for item in new.values()],
        )
        db.execute("COMMIT")

    def reclaim(self, before):
        self.db.execute("DELETE FROM object WHERE deleted = 1 AND created_at < ?", (before,))


class Ordinary(Container):
    SCHEMA = f"""
        CREATE TABLE object (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, {COLUMNS}, deleted INTEGER DEFAULT 0,
                             storage_policy_index INTEGER DEFAULT 0);
        CREATE INDEX ix_object_deleted_name ON object (deleted, name);
        CREATE TABLE policy_stat (storage_policy_index INTEGER PRIMARY KEY, object_count INTEGER DEFAULT 0,
                                  bytes_used INTEGER DEFAULT 0);
        CREATE TRIGGER object_insert AFTER INSERT ON object BEGIN
          INSERT OR IGNORE INTO policy_stat(storage_policy_index) VALUES (new.storage_policy_index);
          UPDATE policy_stat SET object_count = object_count + (1 - new.deleted), bytes_used = bytes_used + new.size
            WHERE storage_policy_index = new.storage_policy_index;
        END;
        CREATE TRIGGER object_delete AFTER DELETE ON object BEGIN
          UPDATE policy_stat SET object_count = object_count - (1 - old.deleted), bytes_used = bytes_used - old.size
            WHERE storage_policy_index = old.storage_policy_index;
        END;"""

    def stat(self, policy=0):
        return self.db.execute(
            "SELECT coalesce(object_count, 0), coalesce(bytes_used, 0) FROM container_info "
            "LEFT JOIN policy_stat ON storage_policy_index = ?",
            (policy,),
        ).fetchone()

    def list(self, limit, marker="", end_marker="", prefix=None, delimiter=None, path=None, reverse=False, policy=0):
        if reverse:
            marker, end_marker = end_marker, marker
        if path is not None:
            prefix = path.rstrip("/") + "/" if path else ""
            delimiter = "/"
        prefix = prefix or ""
        first, bounds = marker, []
        if prefix or end_marker:
            behind_all = prefix[:-1] + chr(ord(prefix[-1]) + 1) if prefix else end_marker
            bounds.append(("name < ?", min(behind_all, end_marker or behind_all)))
        if marker and marker >= prefix:
            bounds.append(("name > ?", marker))
        elif prefix:
            bounds.append(("name >= ?", prefix))
        shown, behind = [], []
        while len(shown) < limit:
            conditions = [*behind, *bounds, ("name >= ?", LEAST)]
            rows = self.db.execute(
                f"SELECT {SHOWN} FROM object WHERE {' AND '.join(each for each, _ in conditions)} AND deleted = 0 "
                f"AND storage_policy_index = ? ORDER BY name {'DESC' if reverse else ''} LIMIT ?",
                [*(each for _, each in conditions), policy, limit - len(shown)],
            )
            more = False
            for row in rows:
                name, more = row[0], True
                end = name.find(delimiter, len(prefix)) if delimiter else -1
                below = name[: end + len(delimiter)] if end >= 0 else None
                if path is not None and (end < 0 or below == name):
                    below = None
                if below is None:
                    if path is None or name != prefix:
                        shown.append(row)
                    behind = [("name < ?" if reverse else "name > ?", name)]
                    continue
                if path is None and below != first:
                    shown.append((below, "0", 0, None, ""))
                if reverse:  # an object that is called like the common prefix is still to come
                    behind = [("name <= ?" if path is not None and name != below else "name < ?", below)]
                else:
                    behind = [("name >= ?", below[:-1] + chr(ord(below[-1]) + 1))]
                rows.close()
                break
            else:
                if not more:
                    break
        return shown


class Art(Container):
    SCHEMA = f"""
        CREATE VIRTUAL TABLE object USING art({COLUMNS}, deleted INTEGER NOT NULL DEFAULT 0,
          storage_policy_index INTEGER NOT NULL DEFAULT 0,
          key=(storage_policy_index, deleted, name), summary=(sum(size)))"""

    def stat(self, policy=0):
        return self.db.execute(
            "SELECT art_count('object', art_key('object', ?1, 0)), art_sum('object', 'size', art_key('object', ?1, 0)) "
            "FROM container_info",
            (policy,),
        ).fetchone()

    @staticmethod
    def statement(limit, marker="", end_marker="", prefix=None, delimiter=None, path=None, reverse=False, policy=0):
        if reverse:
            marker, end_marker = end_marker, marker
        if path is not None:
            prefix = path.rstrip("/") + "/" if path else ""
            delimiter = "/"
        given = dict(
            limit=limit,
            after=marker or "",
            until=end_marker,
            prefix=prefix or "",
            delimiter=delimiter or "",
            policy=policy,
            least=LEAST,
        )
        level = (
            "storage_policy_index = :policy AND deleted = 0 AND prefix = :prefix AND delimiter = :delimiter "
            "AND start_after = :after AND name >= :least" + (" AND name < :until" if end_marker else "")
        )
        order = f"ORDER BY name {'DESC' if reverse else ''} LIMIT :limit"
        if path is not None:
            # What has a name of its own on this level: an object, or one that is called like a common prefix.
            shown = ", ".join(f"iif(l.entries, f.{each}, l.{each})" for each in SHOWN.split(", ")[1:])
            return (
                f"SELECT l.name, {shown} FROM (SELECT {SHOWN}, entries FROM object WHERE {level}) AS l "
                "LEFT JOIN object AS f ON l.entries AND f.storage_policy_index = :policy AND f.deleted = 0 "
                "AND f.name = l.name "
                f"WHERE (l.entries IS NULL OR f.name = l.name) AND l.name > :after AND l.name <> :prefix "
                + order.replace("name", "l.name"),
                given,
            )
        end = (
            end_marker.find(delimiter, len(prefix or ""))
            if end_marker and delimiter and end_marker.startswith(prefix or "")
            else -1
        )
        if end >= 0:
            # The end cuts through a common prefix, which is shown if something of it lies before the end.
            given["cut"] = end_marker[: end + len(delimiter)]
            level += (
                " AND (name <> :cut OR EXISTS (SELECT 1 FROM object WHERE storage_policy_index = :policy "
                "AND deleted = 0 "
                "AND name >= :cut AND name > :after AND name < :until))"
            )
        return (
            "SELECT name, ifnull(created_at, '0'), iif(created_at IS NULL, 0, size), content_type, ifnull(etag, '') "
            f"FROM object WHERE {level} {order}",
            given,
        )

    def list(self, *arguments, **named):
        return self.db.execute(*self.statement(*arguments, **named)).fetchall()
