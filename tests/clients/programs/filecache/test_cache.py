"""Random work with a file cache over art; the ordinary table is the model.

    test_cache.py slice|all|times
"""

import os
import time
import unittest

from cache import FOLDER, Art, Ordinary
from beside import HOW, Times, bytes_of, main, seeded

STEPS = {"slice": (6, 500), "all": (30, 1500)}
NAMES = ["a", "b", "ab", "a_b", "100%", "doc.txt", "photo.jpg", "é", "x'y", "a.b", "a0", "a-"]
MIMES = [11, 12, 21, 22, 31]
STORAGES = [1, 2, 7]


def fresh(kind):
    name = kind.__name__.lower() + ".db"
    for each in os.listdir("."):
        if each.startswith(name):
            os.remove(each)
    return kind(name)


class SameCache(unittest.TestCase):
    def both(self, what, *arguments):
        art, ordinary = (getattr(each, what)(*arguments) for each in (self.art, self.ordinary))
        self.assertEqual(art, ordinary, f"{self.where}: {what}{arguments}")
        return art

    def write(self, clock):
        random, paths = self.random, self.paths
        storage = random.choice(STORAGES)
        folders = sorted(path for path, mime in paths[storage].items() if mime == FOLDER)
        others = sorted(path for path in paths[storage] if path)
        etag = f"{clock:x}"

        def new_path(of, inside):
            return ((inside + "/") if inside else "") + random.choice(NAMES)

        kind = random.random()
        if kind < 0.55 or not others:
            path, mime = new_path(storage, random.choice(folders)), FOLDER if random.random() < 0.4 else random.choice(
                MIMES
            )
            mime = paths[storage].get(path, mime)
            self.both("put", storage, path, mime, 0 if mime == FOLDER else random.randint(0, 1000), clock, etag)
            paths[storage][path] = mime
        elif kind < 0.67:
            self.remove(storage, random.choice(others), clock, etag)
        else:
            path, to = random.choice(others), storage if random.random() < 0.7 else random.choice(STORAGES)
            inside = random.choice(sorted(each for each, mime in paths[to].items() if mime == FOLDER))
            target = new_path(to, inside)
            if to == storage and ((target + "/").startswith(path + "/") or (path + "/").startswith(target + "/")):
                return
            if target in paths[to]:
                self.remove(to, target, clock, etag + "r")
            self.both("move", storage, path, to, target, clock, etag)
            moved = {each: mime for each, mime in paths[storage].items() if each == path or each.startswith(path + "/")}
            for each, mime in moved.items():
                del paths[storage][each]
            for each, mime in moved.items():
                paths[to][target + each[len(path) :]] = mime

    def remove(self, storage, path, clock, etag):
        gone = self.both("remove", storage, path, clock, etag)
        for each in [each for each in self.paths[storage] if each == path or each.startswith(path + "/")]:
            del self.paths[storage][each]
        self.assertGreater(len(gone), 0)

    def read(self):
        random = self.random
        storage = random.choice(STORAGES)
        path = random.choice(sorted(self.paths[storage]))
        row = self.both("get", storage, path)[0]
        self.both("by_id", row[0])
        self.assertEqual(self.both("children", row[0]), self.art.list(storage, path) if row[5] == FOLDER else [])
        self.both("get", storage, path + "/no")
        self.both("size_below", storage, path)
        self.both("search", storage, random.choice(["%a%", "%.jpg", "a%", "%OTO%", "%", "é", "%a\\_b%", "no"]))
        self.both(
            "search_mime",
            storage,
            *random.choice([("mimetype", 11), ("mimetype", FOLDER), ("mimepart", 2), ("mimepart", 9)]),
        )
        self.both("recent", storage, 5)

    def test_random_work(self):
        rounds, steps = STEPS[HOW]
        self.random = seeded()
        for step in range(rounds):
            self.art, self.ordinary = fresh(Art), fresh(Ordinary)
            self.paths = {storage: {"": FOLDER} for storage in STORAGES}
            self.where = f"round {step}"
            for storage in STORAGES:
                self.both("put", storage, "", FOLDER, 0, 1, "root")
            for clock in range(2, steps):
                self.where = f"round {step}, step {clock}"
                self.write(clock)
                if clock % 4 == 0:
                    self.read()
                if clock % 200 == 0:
                    self.art.db.execute(
                        f"INSERT INTO filecache(filecache) VALUES('{self.random.choice(['flush', 'optimize'])}')"
                    )
            for storage in STORAGES:
                rows = [row for path in sorted(self.paths[storage]) for row in self.both("get", storage, path)]
                self.assertEqual(len(rows), len(self.both("ids", storage)))
                for row in rows:
                    self.assertEqual(self.both("size_below", storage, row[2]), row[7] if row[5] == FOLDER else 0, row)
            self.assertEqual(self.art.db.execute("SELECT art_check('filecache')").fetchone(), ("ok",))
            self.art.db.close()
            self.ordinary.db.close()

    def test_other_rows_stay_where_they_are(self):
        """LIKE takes A for a: the ordinary table moves the file of another folder, too."""
        for kind, where in ((Art, "A/file"), (Ordinary, "c/file")):
            cache = fresh(kind)
            for path in ("", "a", "A"):
                cache.put(1, path, FOLDER, 0, 1, "e")
            cache.put(1, "A/file", 11, 5, 2, "e")
            cache.move(1, "a", 1, "c", 3, "e")
            self.assertEqual(cache.get(1, where)[0][2], where)
            cache.db.close()


def times():
    random = seeded()
    both, took = [], []
    for kind in (Ordinary, Art):
        cache = fresh(kind)
        start = time.process_time()
        cache.db.execute("BEGIN")
        for storage in range(1, 5):
            folders = {"": cache.insert(storage, "", -1, "", FOLDER, 0, 0, 1, "e")}
            for top in range(50):
                for path in [f"dir_{top:02d}"] + [f"dir_{top:02d}/sub_{sub}" for sub in range(10)]:
                    parent, _, name = path.rpartition("/")
                    folders[path] = cache.insert(storage, path, folders[parent], name, FOLDER, 0, 0, 1, "e")
                for number in range(1000):
                    path, name = (
                        f"dir_{top:02d}/sub_{number % 10}",
                        f"photo {number * 7919 % 10007:05d}.{'jpg' if number % 9 else 'png'}",
                    )
                    cache.insert(
                        storage,
                        f"{path}/{name}",
                        folders[path],
                        name,
                        21 if number % 9 else 22,
                        2,
                        100 + number,
                        number,
                        f"{number:x}",
                    )
        cache.db.execute("COMMIT")
        if kind is Ordinary:
            cache.db.execute(
                """UPDATE filecache SET size = (SELECT sum(size) FROM filecache f WHERE f.storage = filecache.storage
                     AND f.mimetype <> 2 AND f.path >= filecache.path || '/' AND f.path < filecache.path || '0')
                   WHERE mimetype = 2 AND path <> ''"""
            )
        took.append((time.process_time() - start) * 1e6)
        both.append(cache)
    table = Times("filecache: 4 storages of 50 folders of 10 of 100 files, 202,204 rows")
    table.values("fill, in one transaction", *took, "us")
    rows = both[1].db.execute("SELECT fileid, storage, path FROM filecache WHERE mimetype <> 2").fetchall()
    files = random.sample(rows, 500)
    clock = iter(range(10000, 1 << 30))

    def line(what, do, count=1):
        table.line(what, *(lambda each=each: do(each) for each in both), count)

    line("a file by its path", lambda cache: [cache.get(row[1], row[2]) for row in files], 500)
    line("a file by its id", lambda cache: [cache.by_id(row[0]) for row in files], 500)
    line(
        "a folder of 100 files, by path", lambda cache: [cache.list(1, f"dir_{top:02d}/sub_3") for top in range(50)], 50
    )
    line(
        "a folder of 100 files, by parent = ?",
        lambda cache: [cache.children(cache.get(1, f"dir_{top:02d}/sub_3")[0][0]) for top in range(50)],
        50,
    )
    line(
        "a folder of 10 folders, with sizes, by path",
        lambda cache: [cache.list(1, f"dir_{top:02d}") for top in range(50)],
        50,
    )
    line(
        "the size of all below a folder", lambda cache: [cache.size_below(1, f"dir_{top:02d}") for top in range(50)], 50
    )
    line("names with LIKE '%00042%'", lambda cache: cache.search(1, "%00042%"))
    line(
        "a mimetype of which there are few (none)",
        lambda cache: [cache.search_mime(1, "mimetype", 77) for _ in range(50)],
        50,
    )
    line("the 20 newest files", lambda cache: cache.recent(1, 20))
    line(
        "write a file: it, and its folders",
        lambda cache: [cache.put(row[1], row[2], 21, 7, next(clock), "w") for row in files[:100]],
        100,
    )
    line(
        "move a folder of 1,010, and back",
        lambda cache: [
            cache.move(1, f"dir_{one}", 2, f"dir_{two}", next(clock), "m")
            if one == "07"
            else cache.move(2, f"dir_{one}", 1, f"dir_{two}", next(clock), "m")
            for one, two in (("07", "99"), ("99", "07"))
        ],
        2,
    )
    left = {cache: iter(range(20, 50)) for cache in both}
    line("remove a folder of 1,010", lambda cache: cache.remove(3, f"dir_{next(left[cache])}", next(clock), "r"))
    for cache in both:
        cache.db.close()
    table.values("bytes on disk", *(bytes_of(cache.path) / 1e6 for cache in both), "MB")


if __name__ == "__main__":
    main(times)
