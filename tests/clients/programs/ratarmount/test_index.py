"""A tar of this machine's /usr/share, indexed once with an ordinary table and once with art: each answer is the same.

    test_index.py slice|all|times
"""

import os
import tarfile
import time
import unittest

from index import Index, row_of
from beside import HOW, Times, bytes_of, main, seeded

MEMBERS = {"slice": 5000, "all": 40000, "times": 40000}


def make_tar(path, members, random):
    """Files of /usr/share, some of them several times, half of the folders without a member of their own."""
    found = []
    for folder, folders, files in os.walk("/usr/share"):
        folders.sort()
        found += [os.path.join(folder, each) for each in sorted(files)]
        if random.random() < 0.5:
            found.append(folder)
    found = sorted(random.sample(found, min(members, len(found))))
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        for each in found:
            tar.add(each, recursive=False)
        for _ in range(3):
            for each in random.sample(found, len(found) // 20):
                tar.add(each, recursive=False)
        strange = tarfile.TarInfo("strange/caf\udce9/" + "x" * 300)
        tar.addfile(strange)
        over = tarfile.TarInfo(found[0].lstrip("/"))  # a file where a folder is as well
        over.type = tarfile.DIRTYPE
        tar.addfile(over)
    return path


def fresh(name, kind):
    for each in os.listdir("."):
        if each.startswith(name):
            os.remove(each)
    return Index(name, kind)


class SameAnswers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.random = seeded()
        cls.tar = make_tar("files.tar", MEMBERS[HOW], cls.random)
        with tarfile.open(cls.tar) as tar:
            cls.members = [row_of(each) for each in tar]
        late = len(cls.members) - len(cls.members) // 10
        cls.both = []
        for kind in ("ordinary", "art"):
            index = fresh(f"{kind}.db", kind)
            index.build(cls.members[:late])
            index.append([each for each in cls.members[late:] if "\udce9" not in each[0]])
            cls.both.append(index)
        cls.folders = sorted({row[0] or "/" for row in cls.both[0].db.execute("SELECT path FROM files")})
        cls.paths = sorted({path + "/" + name for path, name in cls.both[0].db.execute("SELECT path, name FROM files")})

    def same(self, ask, *arguments):
        ordinary, art = (ask(index, *arguments) for index in self.both)
        self.assertEqual(art, ordinary, (ask.__name__, arguments))
        return art

    def test_all_rows(self):
        rows = self.same(
            lambda index: index.db.execute("SELECT * FROM files ORDER BY path, name, offsetheader").fetchall()
        )
        self.assertGreater(len(rows), len(self.members) // 2)
        self.same(Index.count)
        self.same(Index.columns)
        self.assertEqual(self.both[1].db.execute("SELECT art_check('files')").fetchone(), ("ok",))

    def test_each_folder(self):
        for folder in self.folders + ["/no/such", "", "/usr/share/"]:
            listing = self.same(Index.list, folder)
            self.assertEqual(list(listing), list(self.same(Index.modes, folder)))
            self.assertEqual(*(list(index.list(folder)) for index in self.both))

    def test_each_file(self):
        several = 0
        for path in self.paths:
            versions = self.same(Index.versions, path)
            several += len(versions) > 1
            for version in (-2, -1, 0, 1, 2, 3) if len(versions) > 1 else (0,):
                self.same(Index.info, path, version)
            self.assertEqual(self.both[1].info(path), versions[-1])
        self.assertGreater(several, len(self.paths) // 20)
        self.same(Index.info, "/no/such")

    def test_what_is_compared_with_the_tar(self):
        self.same(Index.regular, "ASC", 500)
        self.same(Index.regular, "DESC", 500)

    def test_a_file_is_read_from_the_tar_where_the_index_says(self):
        with tarfile.open(self.tar) as tar, open(self.tar, "rb") as raw:
            for path in self.random.sample(self.paths, 200):
                row = self.both[1].info(path)
                if row[7] != int(tarfile.REGTYPE) or row[3] is None:
                    continue
                raw.seek(row[3])
                self.assertEqual(raw.read(row[4]), tar.extractfile(path.lstrip("/")).read())

    def test_no_statement_of_one_file_sorts_or_reads_others(self):
        for direction in ("ASC", "DESC"):
            plan = " ".join(
                row[3]
                for row in self.both[1].db.execute(
                    "EXPLAIN QUERY PLAN SELECT * FROM files WHERE path == ? AND name == ? "
                    f"ORDER BY offsetheader {direction} LIMIT 1 OFFSET ?",
                    ("", "", 0),
                )
            )
            self.assertNotIn("TEMP B-TREE", plan)
            self.assertIn("VIRTUAL TABLE INDEX", plan)


def times():
    random = seeded()
    with tarfile.open(make_tar("files.tar", MEMBERS["times"], random)) as tar:
        members = [row_of(each) for each in tar]
    kinds = ("ordinary", "art")
    took, both = {kind: [] for kind in kinds}, []
    for _ in range(3):
        both = []
        for kind in kinds:
            index = fresh(f"{kind}.db", kind)
            start = time.process_time()
            index.build(members)
            took[kind].append((time.process_time() - start) * 1e6)
            both.append(index)
    folders = sorted({row[0] or "/" for row in both[0].db.execute("SELECT path FROM files")})
    paths = random.sample(
        [path + "/" + name for path, name in both[0].db.execute("SELECT path, name FROM files")], 10000
    )
    table = Times(f"ratarmount: {both[0].count()} rows, {len(folders)} folders")
    table.values("make the index", *(sorted(each)[1] for each in took.values()), "us")
    for what, ask, over in (
        ("the latest version of a file", Index.info, paths),
        ("all versions of a file", Index.versions, paths),
        ("list a folder", Index.list, folders),
        ("list a folder, modes alone", Index.modes, folders),
    ):
        table.line(what, *(lambda index=index: [ask(index, each) for each in over] for index in both), len(over))
    table.line("count all rows", *(lambda index=index: index.count() for index in both))
    table.line("the last 500 files of the tar", *(lambda index=index: index.regular("DESC", 500) for index in both))
    for index in both:
        index.db.close()
    table.values("bytes on disk", *(bytes_of(index.path) / 1e6 for index in both), "MB")


if __name__ == "__main__":
    main(times)
