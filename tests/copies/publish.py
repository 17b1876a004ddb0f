"""What test_publish.sh asks of a Python that loads the extension: it also runs on another SQLite than the shell's.

    publish.py run EXTENSION DATABASE STATEMENT...    prints rows as the shell does, until one fails
    publish.py kill EXTENSION DATABASE ROUNDS         kill -9 while DATABASE is published, at random moments
    publish.py interrupt EXTENSION DATABASE ROUNDS    sqlite3_interrupt(), at such moments
    publish.py beside EXTENSION FOLDER ROUNDS         beside a process that writes: the copy is one state (support/copies.py)
"""
import glob
import hashlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "support"))
from copies import connect

copies = os.path.join(os.path.dirname(__file__), "..", "support", "copies.py")


def open_there(extension, database):
    db = sqlite3.connect(database, isolation_level=None, timeout=30, uri=database.startswith("file:"), check_same_thread=False)
    db.enable_load_extension(True)
    db.load_extension(extension)
    return db


def run(extension, database, *statements):
    try:
        db = open_there(extension, database)
        for statement in statements:
            for row in db.execute(statement):
                fields = [b"" if field is None else field if isinstance(field, bytes) else str(field).encode() for field in row]
                sys.stdout.buffer.write(b"|".join(fields) + b"\n")
        db.close()
    except sqlite3.Error as error:
        sys.stdout.buffer.write(f"Error: {error}\n".encode())
        return 1
    return 0


def seed():
    """The moments; what they come to depends on the machine."""
    drawn = os.environ.get("ART_TEST_SEED") or f"{os.environ.get('ART_TEST_DRAW') or random.randrange(1 << 32)} publish.py"
    print(f"seed {drawn}")
    return random.Random(drawn)


def hashes(database):
    files = [name for name in glob.glob(database + "*") if not name.endswith("-shm")]
    return {name: hashlib.sha256(open(name, "rb").read()).hexdigest() for name in files}


def left():
    return sorted(glob.glob("new.db*"))


def remove():
    for name in left():
        os.remove(name)


def publish(db):
    return db.execute("SELECT art_publish('new.db')").fetchone()[0]


def how_long(extension, database):
    db, begun = open_there(extension, database), time.monotonic()
    publish(db)
    db.close()
    remove()
    return time.monotonic() - begun


def is_whole(extension, database):
    db = open_there(extension, database)
    said = db.execute("SELECT art_verify()").fetchone()[0]
    db.close()
    assert said.startswith("ok: "), f"{database}: {said}"


def refusals(extension, database):
    """Of what a killed publish has left the next one names file by file, until all is removed."""
    db = open_there(extension, database)
    while left():
        try:
            publish(db)
            raise AssertionError(f"published over {left()}")
        except sqlite3.OperationalError as error:
            named = [name for name in left() if f"/{name})" in str(error)]
            assert len(named) == 1, error
            os.remove(named[0])
    publish(db)
    db.close()
    is_whole(extension, "new.db")
    remove()


def kill(extension, database, rounds):
    draw, took, before, killed, journals = seed(), how_long(extension, database), hashes(database), 0, 0
    for _ in range(int(rounds)):
        begins, tells = os.pipe()
        child = os.fork()
        if not child:
            db = open_there(extension, database)
            os.write(tells, b".")
            publish(db)
            os._exit(0)
        os.read(begins, 1)
        time.sleep(draw.uniform(0, 1.1) * took)
        os.kill(child, signal.SIGKILL)
        died = os.waitpid(child, 0)[1] != 0
        os.close(begins)
        os.close(tells)
        for name, hash in before.items():
            assert hashes(database).get(name) == hash, f"{name} has changed"
        is_whole(extension, database)
        names = left()
        if not died:
            assert names == ["new.db"], names
            is_whole(extension, "new.db")
            remove()
            continue
        assert all(name in ("new.db", "new.db-journal", "new.db-wal") for name in names), names
        killed += bool(names)
        journals += len(names) > 1
        refusals(extension, database)
    print(f"killed: {rounds}, {killed} with a file, {journals} with a journal")


def interrupt(extension, database, rounds):
    draw, took, before, stopped = seed(), how_long(extension, database), hashes(database), 0
    db = open_there(extension, database)
    for _ in range(int(rounds)):
        timer = threading.Timer(draw.uniform(0, 1.1) * took, db.interrupt)
        timer.start()
        try:
            publish(db)
        except sqlite3.OperationalError as error:
            assert "interrupt" in str(error), error
            stopped += not left()
        timer.join()
        if left():  # it came to its end before, though perhaps the statement did not
            assert left() == ["new.db"], left()
            is_whole(extension, "new.db")
            assert connect(extension, "new.db").execute("PRAGMA page_size").fetchone()[0] == 16384
            remove()
        assert not db.in_transaction
        assert db.execute("SELECT art_check('f')").fetchone()[0] == "ok"
    db.close()
    assert {name: hash for name, hash in hashes(database).items() if name in before} == before
    assert stopped, "none was interrupted"
    print(f"interrupted: {stopped} of {rounds}")


def beside(extension, folder, rounds):
    for mode, storage in (("wal", "file"), ("delete", "file"), ("delete", "inline")):
        database, told = f"{folder}/{mode}-{storage}.db", f"{folder}/told-{mode}-{storage}"
        subprocess.run([sys.executable, copies, "load", extension, database, storage, "30"], check=True)
        connect(extension, database).execute(f"PRAGMA journal_mode = {mode}").close()
        environment = {**os.environ, "ART_COPIES_JOURNAL": mode}
        writer = subprocess.Popen([sys.executable, copies, "write", extension, database, storage, told], env=environment)
        commits = []
        try:
            while not os.path.exists(told) or not os.path.getsize(told):
                time.sleep(.01)
            for _ in range(int(rounds)):
                number = int(open(told).read())
                db = open_there(extension, database)
                publish(db)
                db.close()
                commits.append(int(open(told).read()) - number)
                subprocess.run([sys.executable, copies, "look", extension, "new.db", str(number)], check=True, stdout=subprocess.DEVNULL)
                remove()
        finally:
            writer.kill()
            writer.wait()
        is_whole(extension, database)
        print(f"{mode}, {storage}: {commits} commits meanwhile")


if __name__ == "__main__":
    sys.exit({"run": run, "kill": kill, "interrupt": interrupt, "beside": beside}[sys.argv[1]](*sys.argv[2:]))
