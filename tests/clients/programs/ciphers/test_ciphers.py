"""Art tables in databases whose pages are encrypted: nothing of them lies on the disk in clear. See README.md."""

import os
import sqlite3
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import beside

WORD = "SecretWord"
# The last three leave no area of a page reserved.
CIPHERS = ["chacha20", "sqlcipher", "ascon128", "aes256cbc", "aes128cbc", "rc4"]
PART = 2000  # rows between two savepoints: more than spill_limit
if beside.HOW == "slice":
    CIPHERS, PART = CIPHERS[::3], 500
ROWS = [(f"folder/{WORD}{i % 20}/{i}", WORD * 20 + str(i)) for i in range(4 * PART)]
FOLDER = os.path.join(os.getcwd(), "files")
PLACES = [(mode, begun) for mode in ("DELETE", "WAL") for begun in (False, True)]


def connect(cipher, key, name="a.db"):
    db = sqlite3.connect(name, isolation_level=None)
    if cipher:
        db.execute(f"PRAGMA cipher='{cipher}'")
    if key:
        db.execute(f"PRAGMA key='{key}'")
    db.execute("PRAGMA synchronous=OFF")
    db.execute("PRAGMA temp_store=MEMORY")  # SQLite's own temporary files are not encrypted
    db.enable_load_extension(True)
    db.load_extension(os.environ["ART_EXTENSION"])
    return db


def in_clear(open_too=True):
    """Files that have the word. Another process reads them: to close a database's file here would give up its locks."""
    mine = f"/proc/{os.getpid()}/fd"
    files = [os.path.join(FOLDER, each) for each in os.listdir(FOLDER)]
    files += [f"{mine}/{each}" for each in os.listdir(mine) if open_too and os.path.isfile(f"{mine}/{each}")]
    found = subprocess.run(["grep", "-lsaF", WORD, "--"] + files, capture_output=True, text=True, check=False)
    return found.stdout.split()


def storage(db, table="t"):
    return db.execute("SELECT value FROM art_info(?) WHERE property = 'option storage'", (table,)).fetchone()[0]


class Ciphers(unittest.TestCase):
    def setUp(self):
        os.makedirs(FOLDER, exist_ok=True)
        os.chdir(FOLDER)
        for name in os.listdir(FOLDER):
            os.remove(name)

    def refused(self, db, sql, words):
        with self.assertRaises(sqlite3.Error) as raised:
            db.execute(sql).fetchall()
        self.assertIn(words, str(raised.exception))
        self.assertNotIn("art_salvage", str(raised.exception))

    def fill(self, db, mode, begun, more=""):
        """Returns whether the word was ever seen."""
        if begun:
            db.execute("CREATE TABLE other(x)")
        db.execute(f"PRAGMA journal_mode={mode}")
        db.execute(f"CREATE VIRTUAL TABLE t USING art(path, value, summary=(search(path)), spill_limit='64KB'{more})")
        db.execute("BEGIN")
        for part in range(4):  # each spills what the savepoint before it needs
            db.execute(f"SAVEPOINT s{part}")
            db.executemany("INSERT OR REPLACE INTO t VALUES(?, ?)", ROWS[part * PART:(part + 1) * PART])
            db.execute("UPDATE t SET value = value || 'x' WHERE path GLOB 'folder/*1/*'")
        seen = in_clear()
        db.execute("ROLLBACK TO s3")
        db.execute("COMMIT")
        seen += in_clear()
        db.execute("INSERT INTO t(t) VALUES('optimize')")
        return seen + in_clear()

    def test_a_database_without_a_key_has_the_word_in_clear(self):
        for mode, begun in PLACES:
            self.setUp()
            db = connect(None, None)
            self.assertTrue(self.fill(db, mode, begun))
            self.assertEqual(storage(db), "file")
            db.close()

    def test_nothing_of_a_database_with_a_key_is_in_clear(self):
        for cipher in CIPHERS:
            for mode, begun in PLACES:
                for more in ("", ", storage=inline"):
                    with self.subTest(cipher=cipher, mode=mode, begun=begun, more=more):
                        self.setUp()
                        db = connect(cipher, "k")
                        self.assertEqual(self.fill(db, mode, begun, more), [])
                        self.assertEqual(storage(db), "inline")
                        self.refused(db, "CREATE VIRTUAL TABLE u USING art(path, storage=file)", "leave storage=file out")
                        for copies in ("art_backup", "art_publish"):
                            self.refused(db, f"SELECT {copies}('copy.db')", "use VACUUM INTO")
                        self.assertEqual(db.execute("SELECT art_verify()").fetchone()[0], "ok: 1 art table")
                        db.execute("VACUUM INTO 'copy.db'")
                        db.close()
                        self.assertEqual(in_clear(), [])
                        copy = connect(cipher, "k", "copy.db")
                        self.assertEqual(copy.execute("SELECT count(*), art_check('t') FROM t").fetchone(), (3 * PART, "ok"))
                        copy.close()

    def test_the_first_transaction_of_an_empty_file_and_temp_tables_spill_to_memory(self):
        for cipher in CIPHERS:
            for schema in ("main", "temp"):
                with self.subTest(cipher=cipher, schema=schema):
                    self.setUp()
                    db = connect(cipher, "k")
                    if schema == "temp":
                        db.execute("CREATE TABLE other(x)")
                    db.execute("BEGIN")
                    db.execute(f"CREATE VIRTUAL TABLE {schema}.t USING art(path, value, spill_limit='64KB')")
                    seen = []
                    for part in range(4):
                        db.execute(f"SAVEPOINT s{part}")
                        db.executemany("INSERT OR REPLACE INTO t VALUES(?, ?)", ROWS[part * PART:(part + 1) * PART])
                        db.execute("UPDATE t SET value = value || 'x' WHERE path GLOB 'folder/*1/*'")
                        seen += in_clear()
                    db.execute("ROLLBACK TO s3")
                    db.execute("COMMIT")
                    self.assertEqual(seen + in_clear(), [])
                    self.assertEqual(db.execute("SELECT count(*), art_check('t') FROM t").fetchone(), (3 * PART, "ok"))
                    db.close()

    def test_an_empty_database_refuses_a_file_in_its_first_statement(self):
        for cipher in CIPHERS:
            self.setUp()
            db = connect(cipher, "k")
            self.refused(db, "CREATE VIRTUAL TABLE u USING art(path, storage=file)", "leave storage=file out")
            db.close()

    def test_a_key_that_comes_later_ends_the_writes_and_not_the_reads(self):
        for cipher in CIPHERS:
            for anew in (False, True):
                with self.subTest(cipher=cipher, anew=anew):
                    self.setUp()
                    db = connect(cipher, None)
                    self.fill(db, "DELETE", True)
                    db.execute("PRAGMA rekey='k'")
                    if anew:
                        db.close()
                        db = connect(cipher, "k")
                    self.refused(db, "INSERT INTO t VALUES('a', 'b')", "storage=inline")
                    self.refused(db, "INSERT INTO t(t) VALUES('flush')", "storage=inline")
                    self.refused(db, "SELECT art_verify()", "is not encrypted")
                    self.assertEqual(db.execute("SELECT count(*) FROM t").fetchone()[0], 3 * PART)
                    db.execute("BEGIN")
                    db.execute("CREATE VIRTUAL TABLE n USING art(path, value)")
                    db.execute("INSERT INTO n SELECT * FROM t")
                    db.execute("DROP TABLE t")
                    db.execute("ALTER TABLE n RENAME TO t")
                    db.execute("COMMIT")
                    self.assertEqual(in_clear(open_too=False), [])  # the dropped file is open, and has no name
                    self.assertEqual(db.execute("SELECT count(*), art_verify() FROM t").fetchone(), (3 * PART, "ok: 1 art table"))
                    db.close()


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
