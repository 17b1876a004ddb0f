#!/usr/bin/python3
"""make check-sqld: an art table in a primary of libSQL's server and two replicas on 127.0.0.1, through HTTP.

    sqld.py <sqld> <art.so> <folder>    CLUSTER_OPTIONS are the table's options

The primary takes a load; replicas forward writes to it, outside of and within transactions; listings, GLOB and counts
are asked of all three. The primary is killed while it commits and comes back. Replicas lag behind: a row of an ordinary
table, written last, tells when they have all; then all that they hold must be what the model holds.
"""
import base64
import hashlib
import http.client
import json
import os
import random
import shutil
import signal
import sys
import time

from model import compare, free_port, show, show_header, start

ROWS, TRANSACTION, STATEMENT = 30000, 1000, 100
PATIENCE, LONGEST = 20, 75  # seconds: for one thing, for all
REQUEST = "/v2/pipeline"
PREFIXES = "", "tenant3/", "tenant3/year1", "tenant6/year49/", "nobody/"


class Refused(Exception):
    """The server answered with an error."""


class Stream:
    """One connection's statements, in order; a transaction lives in one stream."""

    def __init__(self, server):
        self.http = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        self.baton = None

    def close(self):
        self.http.close()

    def run(self, *statements):
        """Each one a text, or a text and its arguments; the rows of the last one."""
        requests = [{"type": "execute", "stmt": statement(each)} for each in statements]
        self.http.request("POST", REQUEST, json.dumps({"baton": self.baton, "requests": requests}))
        response = self.http.getresponse()
        body = response.read()
        if response.status != 200:
            raise Refused(f"{response.status} {body[:300]!r}")
        answer = json.loads(body)
        self.baton = answer["baton"]
        for each in answer["results"]:
            if each["type"] == "error":
                raise Refused(each["error"]["message"])
        return [[value(cell) for cell in row] for row in answer["results"][-1]["response"]["result"]["rows"]]


def statement(each):
    if isinstance(each, str):
        return {"sql": each}
    return {"sql": each[0], "args": [{"type": "text", "value": text} for text in each[1]]}


def value(cell):
    if cell["type"] == "integer":
        return int(cell["value"])
    if cell["type"] == "blob":
        return base64.b64decode(cell["base64"] + "==")
    return cell.get("value")


class Server:
    """A process of sqld, which dies with this one."""

    def __init__(self, name, binary, folder, extensions, primary=None):
        self.name, self.port, self.process = name, free_port(), None
        self.folder = os.path.join(folder, name)
        self.command = [binary, "--no-welcome", "-d", self.folder, "--extensions-path", extensions,
                        "--http-listen-addr", f"127.0.0.1:{self.port}"]
        if primary:
            self.command += ["--primary-grpc-url", f"http://127.0.0.1:{primary.grpc}"]
        else:
            self.grpc = free_port()
            self.command += ["--grpc-listen-addr", f"127.0.0.1:{self.grpc}"]
        self.log = open(self.folder + ".log", "ab")
        self.start()

    def start(self):
        self.process = start(self.command, self.log, {**os.environ, "RUST_LOG": "warn"})

    def kill(self):
        self.process.kill()
        self.process.wait()

    def query(self, *statements):
        stream = Stream(self)
        try:
            return stream.run(*statements)
        finally:
            stream.close()


def wait_until(what, done):
    """done() may also fail while a server comes up."""
    end, last = time.monotonic() + PATIENCE, None
    while time.monotonic() < end:
        try:
            if done():
                return
        except (OSError, http.client.HTTPException, Refused) as error:
            last = error
        time.sleep(0.02)
    raise AssertionError(f"{what}: not after {PATIENCE} s ({last})")


# ---- the model ----

def path_of(key):
    return f"tenant{key % 7}/year{key // 7 % 50:02}/object-{key:06}"


# ---- what is written ----

def inserts(table, rows):
    """STATEMENT rows a statement."""
    rows = list(rows.items())
    for at in range(0, len(rows), STATEMENT):
        part = rows[at:at + STATEMENT]
        places = ", ".join(["(?, ?)"] * len(part))
        yield (f"INSERT OR REPLACE INTO {table}(path, value) VALUES {places}",
               [text for row in part for text in row])


def write(stream, table, rows):
    """One transaction; the seconds that its COMMIT took."""
    stream.run("BEGIN IMMEDIATE", *inserts(table, rows))
    begun = time.monotonic()
    stream.run("COMMIT")
    return time.monotonic() - begun


def load(server, table, keys, version, model=None):
    """In transactions; the milliseconds of their COMMITs, in order."""
    stream, seconds = Stream(server), []
    for at in range(0, len(keys), TRANSACTION):
        rows = {path_of(key): f"version {version} of {key:06}" for key in keys[at:at + TRANSACTION]}
        seconds.append(write(stream, table, rows))
        if model is not None:
            model.update(rows)
    stream.close()
    return sorted(1000 * each for each in seconds)


class Cluster:
    def __init__(self, binary, extension, folder):
        extensions = os.path.join(folder, "extensions")
        os.makedirs(extensions)
        shutil.copy(extension, os.path.join(extensions, "art.so"))
        with open(os.path.join(extensions, "art.so"), "rb") as file:
            digest = hashlib.sha256(file.read()).hexdigest()
        with open(os.path.join(extensions, "trusted.lst"), "w", encoding="ascii") as file:
            file.write(f"{digest}  art.so\n")
        self.servers = []
        self.primary = self.add("primary", binary, folder, extensions)
        wait_until("the primary answers", lambda: self.primary.query("SELECT 1"))
        self.replicas = [self.add(f"replica{i}", binary, folder, extensions, self.primary) for i in (1, 2)]
        self.kept, self.mark, self.model = {}, 0, {}

    def add(self, *arguments):
        self.servers.append(Server(*arguments))
        return self.servers[-1]

    def stop(self):
        for server in self.servers:
            server.kill()

    def replicated(self):
        """Bytes in the log that replicas follow, which the primary keeps for them."""
        return os.path.getsize(os.path.join(self.primary.folder, "dbs/default/wallog"))

    def wait_for_replicas(self):
        self.mark += 1
        self.primary.query(f"UPDATE mark SET n = {self.mark}")
        begun = time.monotonic()
        for replica in self.replicas:
            wait_until(f"{replica.name} follows", lambda: replica.query("SELECT n FROM mark") == [[self.mark]])
        return time.monotonic() - begun

    def compare_all(self):
        """In a stream of its own, and in one that was open before. Returns the seconds that the replicas needed."""
        lag = self.wait_for_replicas()
        for server in self.servers:
            fresh = Stream(server)
            compare(server.name, fresh.run, self.model, PREFIXES)
            if self.follows(server):
                compare(server.name, self.kept[server].run, self.model, PREFIXES)
                fresh.close()
            else:
                self.kept[server] = fresh
        return lag

    def follows(self, server):
        """A killed primary makes its log anew, and then a replica its database: older streams keep the one before."""
        try:
            return server in self.kept and self.kept[server].run("SELECT n FROM mark") == [[self.mark]]
        except (OSError, http.client.HTTPException, Refused):
            return False

    def kill_the_primary(self):
        """Over a COMMIT, which may have happened or not. Returns whether it has, and the seconds until it answers."""
        rows = {f"killed/{i:04}": "while it commits" for i in range(TRANSACTION)}
        tenants = sum(path.startswith("tenant") for path in self.model)
        stream = Stream(self.primary)
        stream.run("BEGIN IMMEDIATE", *inserts("t", rows))
        body = json.dumps({"baton": stream.baton, "requests": [{"type": "execute", "stmt": {"sql": "COMMIT"}}]})
        stream.http.request("POST", REQUEST, body)
        self.primary.kill()
        stream.close()
        for replica in self.replicas:
            count = replica.query("SELECT art_count('t', 'tenant')")
            assert count == [[tenants]], f"{replica.name} without its primary: {count}, not {tenants}"
        begun = time.monotonic()
        self.primary.start()
        wait_until("the primary is back", lambda: self.primary.query("SELECT 1"))
        seconds = time.monotonic() - begun
        found = self.primary.query("SELECT count(*) FROM t WHERE path GLOB 'killed/*'")[0][0]
        assert found in (0, TRANSACTION), f"{found} rows of {TRANSACTION} of a transaction"
        self.model.update(rows if found else {})
        return bool(found), seconds


def median(numbers):
    return numbers[len(numbers) // 2]


def forwarded(cluster, turn):
    """Writes through replicas: by themselves, in a transaction, and one that is rolled back."""
    first, second = cluster.replicas
    seconds = []
    for i in range(30):
        path, content = f"forwarded/{turn}/{i:02}", "by a replica"
        begun = time.monotonic()
        cluster.replicas[i % 2].query(("INSERT INTO t(path, value) VALUES (?, ?)", [path, content]))
        seconds.append(1000 * (time.monotonic() - begun))
        cluster.model[path] = content
    rows = {f"forwarded/{turn}/together/{i}": "in a transaction" for i in range(3 * STATEMENT)}
    stream = Stream(second)
    write(stream, "t", rows)
    cluster.model.update(rows)
    stream.run("BEGIN", "INSERT INTO t(path, value) VALUES ('gone', 1)", "SAVEPOINT s",
               "DELETE FROM t WHERE path GLOB 'tenant1/*'")
    assert stream.run("SELECT count(*) FROM t WHERE path GLOB 'tenant1/*'") == [[0]], "a replica reads its own writes"
    stream.run("ROLLBACK TO s")
    found = stream.run("SELECT count(*) FROM t WHERE path GLOB 'tenant1/*' OR path = 'gone'")[0][0]
    assert found == sum(path.startswith("tenant1/") for path in cluster.model) + 1, f"after ROLLBACK TO: {found}"
    stream.run("ROLLBACK")
    stream.close()
    prefix = f"tenant2/year{turn}"
    first.query(f"DELETE FROM t WHERE path GLOB '{prefix}*'")
    for path in [path for path in cluster.model if path.startswith(prefix)]:
        del cluster.model[path]
    return sorted(seconds)


def play(cluster, options):
    primary = cluster.primary
    version, = primary.query("SELECT sqlite_version(), art_version()")
    print(f"SQLite {version[0]} (libSQL), art {version[1]}, options: {options or 'none'}")
    primary.query("CREATE TABLE mark(n)", "INSERT INTO mark VALUES (0)",
                  "CREATE TABLE o(path TEXT PRIMARY KEY, value) WITHOUT ROWID",
                  f"CREATE VIRTUAL TABLE t USING art(path, value{', ' if options else ''}{options})")
    keys = list(range(ROWS))
    random.Random(6).shuffle(keys)
    figures = []
    for table, model in ("t", cluster.model), ("o", None):
        before = cluster.replicated()
        commits = load(primary, table, keys, 1, model)
        figures.append((commits, (cluster.replicated() - before) / ROWS))
    show_header(ROWS, TRANSACTION)
    show("art", *figures[0])
    show("WITHOUT ROWID", *figures[1])
    print(f"replicas have all of it after {cluster.compare_all():.1f} s: rows, listings, counts and GLOB are the model's")
    print(f"a write that a replica forwards: {median(forwarded(cluster, 1)):.1f} ms")
    cluster.compare_all()
    happened, seconds = cluster.kill_the_primary()
    print(f"the primary, killed over a COMMIT that has {'' if happened else 'not '}happened: back after {seconds:.1f} s")
    cluster.compare_all()
    load(primary, "t", keys[:3 * TRANSACTION], 2, cluster.model)
    forwarded(cluster, 2)
    cluster.compare_all()
    if "inline" in options:  # all rows in one commit, and all blobs, while the old ones are given back
        primary.query("INSERT OR REPLACE INTO t SELECT path, value FROM t")
        primary.query("INSERT INTO t(t) VALUES('optimize')")
        cluster.compare_all()
    check = primary.query("PRAGMA integrity_check")
    assert check == [["ok"]], f"integrity_check: {check}"
    for server in cluster.servers:
        assert server.process.poll() is None, f"{server.name} has ended: {server.process.returncode}"


def main():
    binary, extension, folder = (os.path.abspath(each) for each in sys.argv[1:4])
    signal.alarm(LONGEST)  # the servers die with this process
    cluster = None
    try:
        cluster = Cluster(binary, extension, folder)
        play(cluster, os.environ.get("CLUSTER_OPTIONS", ""))
    except (AssertionError, Refused, OSError, http.client.HTTPException) as error:
        print(f"FAILED: {type(error).__name__}: {error}")
        return 1
    finally:
        if cluster:
            cluster.stop()
    print("sqld: passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
