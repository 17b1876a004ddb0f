"""Random listings of random containers: art's one SELECT, Swift's SELECTs over an ordinary table, and a model that
looks at all names. With python3-swift, Swift's own ContainerBroker, too.

    test_listings.py slice|all|times
"""

import os
import time
import unittest

from container import Art, Ordinary
from beside import HOW, Times, bytes_of, main, seeded

LETTERS = ["a", "b", "-", "/", "-", "/", "--", "-/", ".", "0", "é", "\U0001f600"]
DELIMITERS = [None, "", "/", "-", "--", "-/", "é", "a", "aa", "/-/"]
ROUNDS = {"slice": (15, 300), "all": (60, 600)}


def model(objects, limit, marker="", end_marker="", prefix=None, delimiter=None, path=None, reverse=False):
    """What Swift's API says: of all names the ones between the markers, each as the common prefix that it lies in."""
    if reverse:
        marker, end_marker = end_marker, marker
    if path is not None:
        prefix = path.rstrip("/") + "/" if path else ""
    prefix, shown = prefix or "", {}
    for name, row in objects.items():
        if not (name.startswith(prefix) and name > marker and (not end_marker or name < end_marker) and name >= "\x01"):
            continue
        rest = name[len(prefix) :]
        if path is not None:
            if rest and "/" not in rest[:-1]:
                shown[name] = (name, *row)
        elif delimiter and delimiter in rest:
            below = prefix + rest[: rest.index(delimiter)] + delimiter
            if below != marker:
                shown[below] = (below, "0", 0, None, "")
        else:
            shown[name] = (name, *row)
    return [shown[name] for name in sorted(shown, reverse=reverse)][:limit]


def fresh(kind, name):
    for each in os.listdir("."):
        if each.startswith(name):
            os.remove(each)
    return kind(name)


def fresh_broker(name):
    from swift.container.backend import ContainerBroker

    for each in os.listdir("."):
        if each.startswith(name):
            os.remove(each)
    broker = ContainerBroker(os.path.abspath(name), account="a", container="c")
    broker.initialize("0000000001.00000", 0)
    return broker


class Listings(unittest.TestCase):
    def setUp(self):
        self.random = seeded()

    def name(self):
        name = "".join(self.random.choices(LETTERS, k=self.random.randint(1, 6)))
        if self.plain:
            name = name.replace("0", "1").rstrip("/") or "a"
        return "\0" + name if self.random.random() < 0.02 else name

    def write(self, objects, stamp):
        """Puts and deletes, some of them older than what is there."""
        items = []
        for _ in range(self.random.randint(1, 120)):
            name = self.random.choice(list(objects)) if objects and self.random.random() < 0.2 else self.name()
            at = f"{stamp + self.random.randint(-2000, 1000):010d}.00000"
            deleted = int(self.random.random() < 0.25)
            items.append(
                (name, at, 0, "application/deleted", "noetag", 1)
                if deleted
                else (name, at, self.random.randint(0, 1000), "text/plain", f"e{self.random.randint(0, 9)}", 0)
            )
        return items

    def question(self, objects):
        random, names = self.random, list(objects) or ["a"]

        def bound():
            name = random.choice(names).lstrip("\0")
            return random.choice(
                ["", "", "", name, name + "/", name[:-1], name[:1] + "/", name[:2] + "--", name + "0", self.name()]
            )

        asked = dict(
            limit=random.choice([1, 2, 3, 7, 10000, 10000]),
            marker=bound(),
            end_marker=bound(),
            reverse=random.random() < 0.4,
        )
        if random.random() < 0.2:
            asked["path"] = random.choice(["", "a", "a/", "b", random.choice(names).lstrip("\0")[:2]])
        else:
            asked["delimiter"] = random.choice(DELIMITERS)
            asked["prefix"] = random.choice(
                [None, "", "a", "a/", "-", "b-", random.choice(names).lstrip("\0")[: random.randint(1, 3)]]
            )
        return asked

    def pages(self, container, **asked):
        """A listing, page by page: the last name of one is the marker of the next."""
        pages, marker = [], ""
        while page := container.list(3, marker=marker, **asked):
            pages += page
            marker = page[-1][0]
        return pages

    def run_rounds(self, with_broker):
        rounds, questions = ROUNDS[HOW]
        for step in range(rounds):
            art, ordinary = fresh(Art, "art.db"), fresh(Ordinary, "ordinary.db")
            broker = fresh_broker("broker.db") if with_broker else None
            self.plain = step % 2  # without the names of comparable()
            kept = {}  # name: (created_at, deleted, row)
            for batch in range(self.random.randint(1, 5)):
                items = self.write({name: each for name, each in kept.items() if not each[1]}, 10000 + batch * 1000)
                for item in items:
                    if item[0] not in kept or kept[item[0]][0] < item[1]:
                        kept[item[0]] = (item[1], item[5], item[1:5])
                for each in (art, ordinary):
                    each.merge(items)
                if broker:
                    broker.merge_items(
                        [
                            dict(zip(("name", "created_at", "size", "content_type", "etag", "deleted"), item))
                            for item in items
                        ]
                    )
            if self.random.random() < 0.3:
                kept = {name: each for name, each in kept.items() if not (each[1] and each[0] < "0000012000")}
                for each in (art, ordinary):
                    each.reclaim("0000012000")
            objects = {name: row for name, (_, deleted, row) in kept.items() if not deleted}
            stat = (len(objects), sum(row[1] for row in objects.values()))
            self.assertEqual(art.stat(), stat, f"step {step}")
            self.assertEqual(ordinary.stat(), stat, f"step {step}")
            for _ in range(questions):
                asked = self.question(objects)
                said = model(objects, **asked)
                self.assertEqual(art.list(**asked), said, f"step {step}: {asked}")
                self.assertEqual(ordinary.list(**asked), said, f"step {step}: {asked}, ordinary")
                if broker and self.comparable(objects, asked):
                    rows = [
                        tuple(each)
                        for each in broker.list_objects_iter(
                            asked["limit"],
                            asked["marker"],
                            asked["end_marker"],
                            asked.get("prefix"),
                            asked.get("delimiter"),
                            path=asked.get("path"),
                            reverse=asked["reverse"],
                        )
                    ]
                    self.assertEqual(art.list(**asked), rows, f"step {step}: {asked}, ContainerBroker")
            for delimiter in ("/", "--", ""):
                for reverse in (False, True):
                    asked = dict(prefix=self.random.choice(["", "a", "b-"]), delimiter=delimiter, reverse=reverse)
                    self.assertEqual(self.pages(art, **asked), art.list(10000, **asked), f"step {step}: {asked}")
            if broker:
                info = broker.get_info()
                self.assertEqual((info["object_count"], info["bytes_used"]), stat, f"step {step}")
            self.assertEqual(art.db.execute("SELECT art_check('object')").fetchone(), ("ok",))
            for each in (art, ordinary):
                each.db.close()

    @staticmethod
    def comparable(objects, asked):
        """Swift 2.30's `path` passes over an object a/b0 behind a folder a/b/, and, in reverse, over an object a/b/."""
        if "path" not in asked:
            return True
        end, names = "/" if asked["reverse"] else "0", sorted(objects)
        folders = [name[:-1] + "/" for name in names if name.endswith(end)]
        return not any(name.startswith(each) and name != each for each in folders for name in names)

    def test_listings(self):
        self.run_rounds(with_broker=False)

    def test_listings_beside_the_broker(self):
        if HOW != "all":
            self.skipTest("python3-swift is for `all`")
        self.run_rounds(with_broker=True)

    def test_one_select_without_a_sort(self):
        art = fresh(Art, "plan.db")
        for asked in (
            dict(delimiter="/"),
            dict(prefix="a/", delimiter="--", marker="a/b"),
            dict(prefix="a", reverse=True),
            dict(path="a"),
            dict(delimiter="/", end_marker="a/b"),
        ):
            statement, given = Art.statement(10, **asked)
            plan = " ".join(row[3] for row in art.db.execute("EXPLAIN QUERY PLAN " + statement, given))
            self.assertNotIn("TEMP B-TREE", plan, asked)


def times():
    random = seeded()
    names = [f"{each % 100:02d}-camera/{each // 100 % 40:02d}/img_{each:07d}.jpg" for each in range(200000)]
    items = [
        (name, "0000010000.00000", random.randint(0, 1 << 22), "image/jpeg", "%032x" % random.getrandbits(128), 0)
        for name in names
    ]
    random.shuffle(items)
    kinds, both, took = (Ordinary, Art), [], []
    for kind in kinds:
        container = fresh(kind, kind.__name__.lower() + ".db")
        start = time.process_time()
        for first in range(0, len(items), 10000):
            container.merge(items[first : first + 10000])
        took.append((time.process_time() - start) * 1e6)
        both.append(container)
    table = Times(f"swift: a container of {len(items)} objects, 100 folders of 40 folders of 50")
    table.values("put all, 10,000 in a transaction", *took, "us")

    def line(what, count=1, **asked):
        table.line(what, *(lambda each=each: [each.list(**asked) for _ in range(count)] for each in both), count)

    line("10,000 names", limit=10000)
    line("10,000 names behind a marker, in reverse", limit=10000, marker="70-camera", reverse=True)
    line("50 names below a prefix", 200, limit=10000, prefix="42-camera/07/")
    line("100 folders, delimiter /", 3, limit=10000, delimiter="/")
    line("40 folders below one, delimiter /", 20, limit=10000, prefix="42-camera/", delimiter="/")
    line("100 folders, delimiter -camera/", 3, limit=10000, delimiter="-camera/")
    line("10 folders behind a marker, in reverse", 100, limit=10, delimiter="/", marker="42-camera/", reverse=True)
    line("50 objects by path", 200, limit=10000, path="42-camera/07")
    table.line("count and bytes", *(lambda each=each: [each.stat() for _ in range(1000)] for each in both), 1000)
    stamps = iter(range(20000, 90000))

    def put(container, count):
        for item in random.sample(items, 200 // count):
            container.merge(
                [(item[0], f"{next(stamps):010d}.00000", *item[2:])]
                if count == 1
                else [(each[0], f"{next(stamps):010d}.00000", *each[2:]) for each in random.sample(items, count)]
            )

    table.line("put again, one in a transaction", *(lambda each=each: put(each, 1) for each in both), 200)
    table.line("put again, 100 in a transaction", *(lambda each=each: put(each, 100) for each in both), 200)
    for each in both:
        each.db.close()
    table.values("bytes on disk", *(bytes_of(kind.__name__.lower() + ".db") / 1e6 for kind in kinds), "MB")


if __name__ == "__main__":
    main(times)
