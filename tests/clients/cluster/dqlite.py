#!/usr/bin/python3
"""make check-dqlite: an art table in a cluster of three dqlite nodes on 127.0.0.1, through dqlite's wire protocol.

    dqlite.py <node> <folder>    CLUSTER_OPTIONS are the table's options

A load of 100,000 rows in transactions of 1,000. Its leader is killed while it commits; the next one goes on with the
load, changes and deletes rows. The killed node comes back. Then each node leads for a while, and is compared with the
model; the last one has been away, and writes once more. An ordinary table gets the same rows first, for the figures.

dqlite answers SQL on the leader only, and a COMMIT whose leader dies may have happened or not: that one is asked for.
"""
import os
import signal
import sys
import time

from model import compare, free_port, show, show_header, start
from wire import VOTER, Refused, Wire

NODES, KEYS, TRANSACTION, STATEMENT = 3, 100000, 1000, 100
LOADED_FIRST, CHANGED, DELETED = 90 * TRANSACTION, 70 * TRANSACTION, 2 * TRANSACTION
PATIENCE, LONGEST = 40, 180  # seconds: for one thing, for all
PREFIXES = "", "tenant3/", "tenant3/year1", "tenant9/year99/", "tenant5/year50/object-05", "nobody/"


def key_at(position):
    """The keys in the order that they are written in: each once, far from its neighbours."""
    return position * 77773 % KEYS


def path_of(key):
    """10 tenants of 100 years of 100 objects."""
    return f"tenant{key // 10000}/year{key // 100 % 100:02}/object-{key:06}"


def rows_at(first, version):
    """The rows of a transaction."""
    keys = map(key_at, range(first, first + TRANSACTION))
    return [(path_of(key), f"version {version} of {key:06}") for key in keys]


class Node:
    """A process that can be killed, with the extension linked in; it dies with this one."""

    def __init__(self, program, number, folder):
        self.id, self.address, self.process = number, f"127.0.0.1:{free_port()}", None
        self.command = [program, str(number), self.address, os.path.join(folder, f"node{number}")]
        os.mkdir(self.command[-1], 0o700)
        self.start()

    def start(self):
        self.process = start(self.command)

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
        self.process = None

    def bytes_read(self):
        """What its process has read so far: what came through sockets, mostly."""
        with open(f"/proc/{self.process.pid}/io", encoding="ascii") as file:
            return int(file.readline().removeprefix("rchar: "))


class Cluster:
    def __init__(self, program, folder):
        self.nodes, self.leader, self.wire, self.model = [], None, None, {}
        for number in range(1, NODES + 1):
            self.nodes.append(Node(program, number, folder))

    def form(self):
        self.wait_for_leader()
        for node in self.nodes[1:]:
            self.wire.add(node.id, node.address)
            self.wire.assign(node.id, VOTER)

    # ---- who leads ----

    def leave(self):
        if self.wire:
            self.wire.close()
        self.wire = self.leader = None

    def find_leader(self):
        """Takes the first running node that says that it leads itself, and lets us open the database."""
        self.leave()
        for node in self.nodes:
            if node.process:
                self.try_leader(node)
            if self.leader:
                return True
        return False

    def try_leader(self, node):
        try:
            self.wire = Wire(node.address)
            if self.wire.leader() == node.id:
                self.wire.open("cluster")
                self.leader = node
                return
        except (OSError, Refused):
            pass
        self.leave()

    def see_nodes_run(self):
        for node in self.nodes:
            assert not node.process or node.process.poll() is None, f"node {node.id} has ended"

    def wait_for(self, what, done):
        end = time.monotonic() + PATIENCE
        while not done():
            self.see_nodes_run()
            assert time.monotonic() < end, f"{what} after {PATIENCE} s"
            time.sleep(0.02)

    def wait_for_leader(self):
        self.wait_for("no leader", self.find_leader)

    def make_leader(self, node):
        """A node that has just come back is passed over until it has what the others have."""
        self.wait_for(f"node {node.id} does not lead", lambda: self.leader is node or self.hand_over(node))

    def hand_over(self, node):
        try:
            if self.leader:
                self.wire.transfer(node.id)
        except (OSError, Refused):
            pass
        return self.find_leader() and self.leader is node

    # ---- what is written ----

    def prepare(self, begin, each, end=""):
        """STATEMENT rows a statement."""
        return self.wire.prepare(begin + ", ".join([each] * STATEMENT) + end)

    def prepare_insert(self, table):
        return self.prepare(f"INSERT OR REPLACE INTO {table}(path, value) VALUES ", "(?, ?)")

    def write_rows(self, statement, rows):
        for at in range(0, TRANSACTION, STATEMENT):
            self.wire.execute(statement, [text for row in rows[at:at + STATEMENT] for text in row])

    def write_all(self, table, first, end, version):
        """These positions in transactions; version 0 deletes. The milliseconds of their COMMITs, in order."""
        commits = []
        statement = (self.prepare_insert(table) if version else
                     self.prepare(f"DELETE FROM {table} WHERE path IN (", "?", ")"))
        for at in range(first, end, TRANSACTION):
            rows = rows_at(at, version)
            self.wire.run("BEGIN")
            self.write_rows(statement, rows if version else [row[:1] for row in rows])
            begun = time.monotonic()
            self.wire.run("COMMIT")
            commits.append(1000 * (time.monotonic() - begun))
        return sorted(commits)

    def note(self, first, end, version):
        for at in range(first, end, TRANSACTION):
            for path, content in rows_at(at, version):
                if version:
                    self.model[path] = content
                else:
                    self.model.pop(path, None)

    def write_and_note(self, first, end, version):
        commits = self.write_all("t", first, end, version)
        self.note(first, end, version)
        return commits

    def measure(self, table):
        """COMMITs and bytes a row: what a follower reads meanwhile is nearly all of it what the leader sends."""
        follower = self.nodes[1 if self.leader is self.nodes[0] else 0]
        before = follower.bytes_read()
        commits = self.write_all(table, 0, LOADED_FIRST, 1)
        time.sleep(0.5)  # the other follower may have been the one that made it a majority
        return commits, (follower.bytes_read() - before) / LOADED_FIRST

    # ---- the story ----

    def compare(self, what, wire=None):
        ask = (wire or self.wire).query
        compare(what, ask, self.model, PREFIXES)
        check = ask("PRAGMA integrity_check")
        assert check == [["ok"]], f"{what}: integrity_check: {check}"

    def kill_leader(self):
        """Over a COMMIT. Returns the killed one, whether it has happened, and seconds until the next one that did."""
        self.wire.run("BEGIN")
        self.write_rows(self.prepare_insert("t"), rows_at(LOADED_FIRST, 1))
        self.wire.send_sql("COMMIT")
        killed = self.leader
        time.sleep(os.getpid() % 4 / 1000)  # before or after the others have it
        begun = time.monotonic()
        killed.kill()
        self.wait_for_leader()
        path = path_of(key_at(LOADED_FIRST))
        committed = bool(self.wire.query(f"SELECT 1 FROM t WHERE path = '{path}'"))
        if committed:
            self.note(LOADED_FIRST, LOADED_FIRST + TRANSACTION, 1)
        self.write_and_note(LOADED_FIRST + TRANSACTION, LOADED_FIRST + 2 * TRANSACTION, 1)
        seconds = time.monotonic() - begun
        self.compare("after the fail-over")
        if not committed:
            self.write_and_note(LOADED_FIRST, LOADED_FIRST + TRANSACTION, 1)
        return killed, committed, seconds

    def write_beside_a_reader(self, turn, options):
        """A connection that has read the table sees what another one writes."""
        reader = Wire(self.leader.address)
        reader.open("cluster")
        self.compare("a second connection, before", reader)
        self.write_and_note(turn * TRANSACTION, (turn + 1) * TRANSACTION, 3 + turn)
        self.compare("a second connection, after the first one's writes", reader)
        if "inline" in options:
            # All rows in one commit, and all blobs, while the old ones are given back. What stays in the log has none.
            self.wire.run("INSERT OR REPLACE INTO t SELECT path, value FROM t")
            self.wire.run("INSERT INTO t(t) VALUES('optimize')")
            self.compare("a second connection, after all was written anew", reader)
        reader.close()


def play(cluster, options):
    cluster.form()
    cluster.wire.run("CREATE TABLE o(path TEXT PRIMARY KEY, value) WITHOUT ROWID")
    cluster.wire.run(f"CREATE VIRTUAL TABLE t USING art(path, value{', ' if options else ''}{options})")
    # dqlite 1.11 cannot read back what SQLite's cache has spilled while its WAL holds no commit:
    # SQLITE_IOERR_SHORT_READ. The ordinary table is helped, on a connection of its own; art helps itself.
    cluster.wire.run("PRAGMA cache_spill=off")
    ordinary = cluster.measure("o")
    cluster.wait_for_leader()
    art = cluster.measure("t")
    cluster.note(0, LOADED_FIRST, 1)
    cluster.wire.run("DROP TABLE o")
    show_header(LOADED_FIRST, TRANSACTION)
    show("art", *art)
    show("WITHOUT ROWID", *ordinary)

    killed, committed, seconds = cluster.kill_leader()
    print(f"the COMMIT that its leader died over has {'' if committed else 'not '}happened")
    print(f"fail-over: {seconds:.1f} s from the leader's death to the next commit")
    cluster.write_and_note(LOADED_FIRST + 2 * TRANSACTION, KEYS, 1)
    cluster.write_and_note(0, CHANGED, 2)
    cluster.write_and_note(CHANGED, CHANGED + DELETED, 0)

    killed.start()
    begun = time.monotonic()
    cluster.make_leader(killed)
    print(f"the killed node: led again {time.monotonic() - begun:.1f} s after its start")
    for turn in range(NODES + 1):
        node = cluster.nodes[(killed.id - 1 - turn) % NODES]  # the killed one comes first and last
        cluster.make_leader(node)
        cluster.compare(f"node {node.id}")
        print(f"node {node.id} leads: rows, listings, counts and GLOB are the model's")
        cluster.write_beside_a_reader(turn, options)
    cluster.see_nodes_run()


def main():
    program, folder = (os.path.abspath(each) for each in sys.argv[1:3])
    signal.alarm(LONGEST)  # the nodes die with this process
    cluster = Cluster(program, folder)
    try:
        play(cluster, os.environ.get("CLUSTER_OPTIONS", ""))
    except (AssertionError, Refused, OSError) as error:
        print(f"FAILED: {type(error).__name__}: {error}")
        return 1
    finally:
        for node in cluster.nodes:
            node.kill()
    print("dqlite: passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
