"""For the programs of this folder: connections that have art, a seed that is printed, times beside an ordinary table.

A time is what the processor took, since other programs run beside: what a commit waits for the disk is not in it."""

import os
import random
import sqlite3
import statistics
import sys
import time
import unittest

HOW = sys.argv[-1]  # all, slice or times: the last argument of a program


def connect(path, **options):
    db = sqlite3.connect(path, **options)
    db.enable_load_extension(True)
    db.load_extension(os.environ["ART_EXTENSION"])
    db.enable_load_extension(False)
    return db


def seeded(default=1):
    seed = int(os.environ.get("SEED", default))
    print(f"SEED={seed}")
    return random.Random(seed)


def bytes_of(path):
    """What a database takes on the disk, with the blobs of its art tables."""
    folder, name = os.path.split(os.path.abspath(path))
    return sum(os.path.getsize(os.path.join(folder, each)) for each in os.listdir(folder) if each.startswith(name))


class Times:
    """A line for each thing done: the median of some runs with each of the two, in turns, for one of `count` steps."""

    def __init__(self, title, runs=5):
        self.runs = runs
        print(title)
        print(f"  {'':46} {'ordinary':>11} {'art':>11} {'art/ordinary':>13}")

    def line(self, what, ordinary, art, count=1):
        times = {each: [] for each in (ordinary, art)}
        for _ in range(self.runs):
            for each in times:
                start = time.process_time()
                each()
                times[each].append((time.process_time() - start) / count)
        self.values(what, *(statistics.median(each) * 1e6 for each in times.values()), "us")

    @staticmethod
    def values(what, ordinary, art, unit):
        shown = [
            f"{each / 1000:8.1f} ms" if unit == "us" and each > 10000 else f"{each:8.1f} {unit}"
            for each in (ordinary, art)
        ]
        print(f"  {what:46} {shown[0]} {shown[1]} {art / ordinary:13.2f}")


def main(times):
    """The tests of a program, or its times."""
    sys.argv.pop()
    if HOW == "times":
        times()
    else:
        unittest.main()
