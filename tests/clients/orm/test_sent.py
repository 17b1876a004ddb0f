"""What libraries send, without them: the same rows as from an ordinary table, found by a place in the tree.

Each statement was seen on its way to SQLite, from SQLAlchemy 1.4, Django 3.2, peewee 3.14 or sqlite-utils 3.30. What
matters is whether a pattern is a literal or a parameter, whether it is put together with ||, and whether there is an
ESCAPE: each reaches the module in another form. Needs nothing but Python's sqlite3.
"""
import sqlite3
import unittest

import twins

# Who sends it, the statement ('@' is the table), its parameters, and whether it finds its place in the tree.
SENT = [
    ("SQLAlchemy ==", 'SELECT path, size FROM @ WHERE @.path = ?', ["a/b/c"], True),
    ("SQLAlchemy in_", 'SELECT path, size FROM @ WHERE @.path IN (?, ?)', ["a/b/c", "a/b/d"], True),
    ("SQLAlchemy range", 'SELECT path, size FROM @ WHERE @.path >= ? AND @.path < ?', ["a/", "a0"], True),
    ("SQLAlchemy between", 'SELECT path, size FROM @ WHERE @.path BETWEEN ? AND ?', ["a/b", "a/c"], True),
    ("SQLAlchemy GLOB", 'SELECT path, size FROM @ WHERE @.path GLOB ?', ["a/*"], True),
    ("SQLAlchemy like", 'SELECT path, size FROM @ WHERE @.path LIKE ?', ["a/%"], True),
    ("SQLAlchemy startswith", "SELECT path, size FROM @ WHERE (@.path LIKE ? || '%')", ["a/"], True),
    ("the same, of what has no letters", "SELECT path, size FROM @ WHERE (@.path LIKE ? || '%')", ["'"], True),
    ("SQLAlchemy autoescape", "SELECT path, size FROM @ WHERE (@.path LIKE ? || '%' ESCAPE '/')", ["a//"], False),
    ("SQLAlchemy ilike", 'SELECT path, size FROM @ WHERE lower(@.path) LIKE lower(?)', ["A/%"], False),
    ("Django startswith", 'SELECT path, size FROM "@" WHERE "@"."path" LIKE ? ESCAPE \'\\\'', ["a/%"], True),
    ("the same, with wildcards", 'SELECT path, size FROM "@" WHERE "@"."path" LIKE ? ESCAPE \'\\\'', ["a\\%b%"], True),
    ("the same, upper case", 'SELECT path, size FROM "@" WHERE "@"."path" LIKE ? ESCAPE \'\\\'', ["A/B%"], True),
    ("Django iexact", 'SELECT path, size FROM "@" WHERE "@"."path" LIKE ? ESCAPE \'\\\'', ["A/B/C"], True),
    ("Django contains", 'SELECT path, size FROM "@" WHERE "@"."path" LIKE ? ESCAPE \'\\\'', ["%/b%"], False),
    ("Django slice", 'SELECT path FROM "@" WHERE "@"."path" > ? ORDER BY "@"."path" ASC LIMIT 5 OFFSET 9', ["b"], True),
    ("Django exists", 'SELECT (1) AS "a" FROM "@" WHERE "@"."path" = ? LIMIT 1', ["a/b"], True),
    ("Django count", 'SELECT COUNT(*) AS "__count" FROM "@" WHERE "@"."path" LIKE ? ESCAPE \'\\\'', ["bulk/3%"], True),
    ("Django aggregate", 'SELECT MIN("@"."path"), MAX("@"."path") FROM "@" WHERE "@"."path" < ?', ["b"], True),
    ("peewee startswith", 'SELECT "t1"."path", "t1"."size" FROM "@" AS "t1" WHERE ("t1"."path" LIKE ?)', ["a/%"], True),
    ("peewee, escaped", 'SELECT "t1"."path" FROM "@" AS "t1" WHERE ("t1"."path" LIKE ? ESCAPE ?)', ["a\\%b%", "\\"],
     False),
    ("peewee %", 'SELECT "t1"."path", "t1"."size" FROM "@" AS "t1" WHERE ("t1"."path" GLOB ?)', ["a/*"], True),
    ("sqlite-utils rows --where", "select * from [@] where path like 'a/%'", [], True),
    ("sqlite-utils with glob", "select * from [@] where path glob 'a/*' limit 2", [], True),
    ("sqlite-utils get", "select * from [@] where [path] = ?", ["a/b"], True),
]


class Sent(unittest.TestCase):
    def setUp(self):
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        self.addCleanup(self.connection.close)
        twins.load(self.connection)
        twins.make(self.connection)

    def ask(self, statement, table, parameters):
        return self.connection.execute(statement.replace("@", table), parameters).fetchall()

    def test_every_statement_gives_the_rows_of_an_ordinary_table_and_uses_the_tree(self):
        for who, statement, parameters, indexed in SENT:
            with self.subTest(who):
                ours, theirs = (self.ask(statement, table, parameters) for table in ("files", "plain"))
                self.assertEqual(sorted(ours), sorted(theirs))
                plan = self.ask("EXPLAIN QUERY PLAN " + statement, "files", parameters)
                self.assertEqual(twins.by_index(plan), indexed, plan)

    def steps(self, statement, parameters):
        """How many instructions of its machine SQLite takes: some for each row that it is given."""
        counted = 0

        def count():
            nonlocal counted
            counted += 1

        self.connection.set_progress_handler(count, 1)
        self.ask(statement, "files", parameters)
        self.connection.set_progress_handler(None, 1)
        return counted

    def test_sqlite_is_given_few_rows_besides_those_that_are_asked_for(self):
        all_rows = self.steps("SELECT path, size FROM @ WHERE +size = -1", [])  # '+': size is no column to the module
        for who, statement, parameters, indexed in SENT:
            with self.subTest(who):
                steps = self.steps(statement, parameters)
                self.assertLess(steps, all_rows / 2 if indexed else all_rows * 4)
                if not indexed:
                    self.assertGreater(steps, all_rows / 2)

    def test_a_literal_in_place_of_the_parameter_makes_no_difference(self):
        for who, statement, parameters, indexed in SENT:
            for value in parameters:
                statement = statement.replace("?", "'" + value.replace("'", "''") + "'", 1)
            with self.subTest(who):
                self.assertEqual(sorted(self.ask(statement, "files", [])), sorted(self.ask(statement, "plain", [])))
                plan = self.ask("EXPLAIN QUERY PLAN " + statement, "files", [])
                self.assertTrue(twins.by_index(plan) or not indexed, plan)

    def test_the_hidden_columns_are_seen_only_by_those_who_ask(self):
        self.assertEqual([row[1:3] for row in self.ask("PRAGMA table_info(@)", "files", [])],
                         [("path", "TEXT"), ("size", "INTEGER"), ("mtime", "REAL"), ("etag", "TEXT"), ("meta", "")])
        hidden = [row[1] for row in self.ask("PRAGMA table_xinfo(@)", "files", []) if row[6]]
        self.assertEqual(sorted(hidden), sorted(twins.HIDDEN + ["files"]))
        self.assertEqual([row[5] for row in self.ask("PRAGMA table_info(@)", "files", [])], [1, 0, 0, 0, 0])
        self.assertEqual(len(self.ask("SELECT * FROM @ LIMIT 1", "files", [])[0]), 5)
        self.connection.execute("INSERT INTO files VALUES('positional', 1, 2, 3, 4)")
        self.assertEqual(self.ask("SELECT * FROM @ WHERE path = 'positional'", "files", []),
                         [("positional", 1, 2.0, "3", 4)])

    def test_the_shadow_tables_are_known_as_such(self):
        tables = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type <> 'shadow'"
        self.assertEqual(sorted(self.connection.execute(tables)), [("files",), ("plain",), ("sqlite_schema",)])


if __name__ == "__main__":
    unittest.main()
