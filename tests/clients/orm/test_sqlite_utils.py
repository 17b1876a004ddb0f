"""sqlite-utils over an art table: introspection, its ways of reading and writing, and what does not work."""
import sqlite3
import unittest

from sqlite_utils import Database

import twins


class Case(unittest.TestCase):
    def setUp(self):
        self.scratch = twins.scratch()
        self.addCleanup(self.scratch.cleanup)
        self.sent = []
        self.db = Database(self.scratch.name + "/t.db", tracer=lambda sql, parameters: self.sent.append(sql))
        self.addCleanup(self.db.conn.close)
        twins.load(self.db.conn)
        twins.make(self.db.conn)
        self.files = self.db["files"]
        self.plain = self.db["plain"]


class Introspection(Case):
    def test_the_primary_key_and_the_types_are_seen_and_the_hidden_columns_are_not(self):
        self.assertEqual(self.files.pks, ["path"])
        self.assertFalse(self.files.use_rowid)
        self.assertEqual(self.files.columns_dict, {"path": str, "size": int, "mtime": float, "etag": str, "meta": str})
        self.assertEqual(self.files.schema, f"CREATE VIRTUAL TABLE files USING art({twins.DEFINITION})")
        self.assertEqual(self.files.virtual_table_using, "ART")
        self.assertEqual(self.files.count, self.plain.count)

    def test_the_shadow_tables_are_hidden_by_their_names(self):
        self.assertEqual([name for name in self.db.table_names() if not name.endswith(("_artdata", "_artstate"))],
                         ["files", "plain"])


class Reading(Case):
    def test_conditions_give_the_rows_of_an_ordinary_table_and_use_the_tree(self):
        for condition, values in (("path = ?", ["a/b"]), ("path >= ? and path < ?", ["a/", "a0"]),
                                  ("path glob ?", ["a/*"]), ("path like ?", ["a/%"]), ("path like 'a/%'", []),
                                  ("path in (?, ?)", ["a/b", "a/"])):
            with self.subTest(condition):
                self.assertEqual(list(self.files.rows_where(condition, values, order_by="path")),
                                 list(self.plain.rows_where(condition, values, order_by="path")))
                plan = self.db.execute("EXPLAIN QUERY PLAN select * from files where " + condition, values).fetchall()
                self.assertTrue(twins.by_index(plan), plan)

    def test_a_page_a_row_and_the_primary_keys(self):
        for page in ({"limit": 5}, {"limit": 5, "offset": 100},
                     {"where": "path > 'b'", "order_by": "path desc", "limit": 3}):
            self.assertEqual(list(self.files.rows_where(**page)), list(self.plain.rows_where(**page)))
        self.assertEqual(self.files.get("a/b"), self.plain.get("a/b"))
        self.assertEqual(*[list(table.pks_and_rows_where("path glob 'a/*'")) for table in (self.files, self.plain)])


class Writing(Case):
    def test_every_way_of_writing(self):
        for table in (self.plain, self.files):
            table.insert({"path": "w/1", "size": 1, "meta": {"a": [1]}}, pk="path")
            table.insert_all(({"path": f"w/{i}", "size": i, "etag": "many"} for i in range(2, 500)), pk="path")
            table.insert({"path": "w/1", "size": 10}, pk="path", replace=True)
            table.insert({"path": "w/1", "size": 11}, pk="path", ignore=True)
            table.upsert({"path": "w/2", "size": 22}, pk="path")
            table.upsert_all([{"path": f"u/{i}", "size": i} for i in range(50)], pk="path")
            table.update("w/3", {"size": 33})
            table.delete("w/4")
            table.delete_where("path glob ?", ["bulk/2*"])
            table.convert("etag", lambda value: value.upper(), where="path glob 'a/*'")
        self.assertEqual(list(self.plain.rows_where(order_by="path")), list(self.files.rows_where(order_by="path")))
        self.assertEqual([sql for sql in self.sent if twins.writes_hidden(sql)], [])

    def test_a_conflict_is_an_error_and_takes_its_batch_back(self):
        with self.assertRaisesRegex(sqlite3.IntegrityError, "UNIQUE constraint failed: files.path"):
            self.files.insert_all([{"path": "n/1"}, {"path": "a/b"}], pk="path")
        self.assertEqual(self.files.count, self.plain.count)

    def test_a_batch_is_a_transaction_and_executemany_is_one_whatever_its_size(self):
        versions = "SELECT count(*), count(DISTINCT row_version) FROM files WHERE path GLOB ?"
        self.files.insert_all(({"path": f"batches/{i}"} for i in range(1000)), pk="path")
        self.assertEqual(self.db.execute(versions, ["batches/*"]).fetchone(), (1000, 10))
        with self.db.conn:
            self.db.conn.executemany("INSERT INTO files(path) VALUES(?)", ((f"one/{i}",) for i in range(1000)))
        self.assertEqual(self.db.execute(versions, ["one/*"]).fetchone(), (1000, 1))

    def test_an_update_with_the_version_is_a_compare_and_set(self):
        (version,) = self.db.execute("SELECT row_version FROM files WHERE path = 'a/b'").fetchone()
        for expected in (1, 0):
            with self.db.conn:
                update = self.db.execute("UPDATE files SET size = 1 WHERE path = 'a/b' AND row_version = ?", [version])
            self.assertEqual(update.rowcount, expected)


class Limits(Case):
    """What SQLite has not for virtual tables, and the way around it."""

    def test_new_columns_and_indexes_are_refused(self):
        with self.assertRaisesRegex(sqlite3.OperationalError, "may not be altered"):
            self.files.insert({"path": "n", "owner": "me"}, pk="path", alter=True)
        with self.assertRaisesRegex(sqlite3.OperationalError, "may not be indexed"):
            self.files.create_index(["size"])
        self.db.execute("INSERT INTO files(files) VALUES('add column owner TEXT')")
        self.files.insert({"path": "n", "owner": "me"}, pk="path")
        self.assertEqual(self.files.get("n")["owner"], "me")

    def test_transform_makes_an_ordinary_table_of_it(self):
        self.files.transform(rename={"etag": "tag"})
        self.assertTrue(self.files.schema.startswith("CREATE TABLE"))
        self.assertEqual(self.files.count, self.plain.count)
        self.assertEqual(self.db.table_names(), ["plain", "files"])

    def test_a_dump_is_restored_by_its_rows(self):
        dump = list(self.db.conn.iterdump())
        restored = Database(memory=True)
        twins.load(restored.conn)
        with self.assertRaisesRegex(sqlite3.OperationalError, "already exists|no such table"):
            restored.conn.executescript("\n".join(dump))
        restored = Database(memory=True)
        twins.load(restored.conn)
        rows = [line for line in dump if line.startswith('INSERT INTO "files" VALUES')]
        restored.conn.executescript("\n".join([self.files.schema + ";"] + rows))
        self.assertEqual(list(restored["files"].rows_where(order_by="path")),
                         list(self.plain.rows_where(order_by="path")))


if __name__ == "__main__":
    unittest.main()
