"""Two versions of art.so on one database, a process for each: both read and write what the other one has written, or refuse
it with a sentence and change nothing.

    releases.py ART.SO OTHER.SO [refuses] [how many worlds [the first one's seed]]

refuses: the other version has no format in common with this one. A failure prints its world's seed and the last steps.
"""
import glob, json, multiprocessing, os, shutil, sqlite3, sys, tempfile, traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + "/../support")
sys.dont_write_bytecode = True
from dictionaries import *

work = tempfile.mkdtemp(prefix="releases-")
steps = []

class Refused(Exception):
    """A version does not know what another one has written"""

def serve(pipe, art):
    """A process with its version of art, which runs what it is told"""
    os.environ["ART_EXTENSION"] = art
    base = Base(work, "both")
    while True:
        what = pipe.recv()
        try:
            pipe.send((base.close() if what is None else base.run(*what), None))
        except sqlite3.Error as error:
            pipe.send((None, str(error)))

class Side(Base):
    def __init__(self, art):
        super().__init__(work, "both")
        self.pipe, theirs = multiprocessing.Pipe()
        multiprocessing.Process(target=serve, args=(theirs, art), daemon=True).start()

    def ask_process(self, what):
        self.pipe.send(what)
        rows, error = self.pipe.recv()
        if error is not None:
            raise (Refused if " format " in error or " feature " in error else Wrong)(f"{what}: {error}")
        return rows

    def run(self, *what):
        return self.ask_process(what)

    def close(self):
        self.ask_process(None)

def files(side):
    """What lies in the database, but SQLite's own, and beside it"""
    db = sqlite3.connect(f"file:{side.file}?mode=ro", uri=True)
    tables = [name for [name] in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL%'")]
    rows = {table: db.execute(f'SELECT * FROM "{table}" ORDER BY 1').fetchall() for table in sorted(tables)}
    db.close()
    return rows, {name: open(name, "rb").read() for name in glob.glob(side.folder + "/*.art")}

def is_refused(side):
    """Whatever is asked, and nothing changes"""
    before = files(side)
    for sql in ["SELECT * FROM t", "SELECT count(*) FROM t", "INSERT INTO t(path) VALUES('new')", "DELETE FROM t",
                "UPDATE t SET a = 1", "INSERT INTO t(t) VALUES('optimize')", "INSERT INTO t(t, prefix) VALUES('delete', '')",
                "SELECT art_count('t', '')", "SELECT art_vacuum('t')", "ALTER TABLE t RENAME TO u"]:
        try:
            same(f"what is refused: {sql}", side.run(sql), "a refusal")
        except Refused:
            checks[0] += 1
    side.close()
    same("files behind refusals", files(side) == before, True)

def maintain(side):
    side.run(draw.choice(["INSERT INTO t(t) VALUES('optimize')", "INSERT INTO t(t) VALUES('flush')", "SELECT art_vacuum('t')", "VACUUM",
                          "INSERT INTO t(t) VALUES('vacuum')", "PRAGMA wal_checkpoint(TRUNCATE)", "ANALYZE"]))

def copied(side, other):
    """A copy that one has made, as the other one sees it"""
    copy = Base(work, "copy").empty()
    side.run("SELECT art_backup(?, 'main', ?)", copy.file, draw.choice(["inline", "file"]))
    other.run("ATTACH ? AS copy", copy.file)
    same("art_verify of a copy", other.run("SELECT art_verify('copy')")[0][0][:15], "ok: 1 art table")
    same("rows of a copy", plain(other.read("copy.t")), plain(other.state.rows))
    other.run("DETACH copy")

def world_in_turns(sides):
    """Both go on with what the other one leaves. One that refuses it goes on to refuse."""
    state, out = State(), set()
    draw.choice(sides).make()
    for _ in range(draw.randrange(5, 25)):
        side = draw.choice([side for side in sides if side not in out])
        step = draw.choices(["write", "maintain", "copy", "reopen"], [8, 3, 1, 2])[0]
        steps.append(f"    {step} by the {'first' if side is sides[0] else 'second'}")
        statements, state = transaction(state) if step == "write" else ([], state)
        for statement in statements:
            side.run(*statement)
        for each in sides:
            each.commit(state)
        if step == "maintain":
            maintain(side)
        elif step == "copy" and not out:
            copied(*draw.sample(sides, 2))
        elif step == "reopen":
            side.close()
        for each in sides:
            try:
                each.look(verify=draw.random() < .2) if each not in out else is_refused(each)
            except Refused as refusal:
                steps.append(f"    refused: {refusal}")
                same("the version that refuses is not the newer one", each, sides[1])
                out.add(each)

def world_refused(sides):
    """Both refuse what the other one has made, and it goes on."""
    maker, other = draw.sample(sides, 2)
    maker.empty().run(f"PRAGMA journal_mode={draw.choice(['WAL', 'DELETE'])}")
    maker.run(f"CREATE VIRTUAL TABLE t USING art(path, a, summary=(sum(a)), storage={draw.choice(['file', 'inline'])})")
    maker.run("CREATE TABLE beside(x)")
    rows = {}
    for turn in range(3):
        for i in range(draw.choice([5, 3000])):
            rows[f"{i % 7}/{draw.randrange(10 ** 9)}"] = i
        maker.run("INSERT OR REPLACE INTO t SELECT key, value FROM json_each(?)", json.dumps(rows))
        if draw.random() < .5:
            maintain(maker)
        is_refused(other)
        other.run("INSERT INTO beside VALUES(1)")
        same("rows", dict(maker.run("SELECT path, a FROM t")), rows)
        same("check", maker.run("SELECT art_check('t')"), [("ok",)])
        maker.close()

world, failures = world_in_turns, 0
here, there, *rest = sys.argv[1:]
if rest[:1] == ["refuses"]:
    world, rest = world_refused, rest[1:]
draw.seed(os.environ.get("ART_TEST_DRAW"))
first = int(rest[1]) if rest[1:] else draw.randrange(1 << 30)
sides = [Side(here), Side(there)]
for seed in range(first, first + int(rest[0] if rest else 8)):
    draw.seed(seed)
    for kept in (steps, seen, meant):
        kept.clear()
    try:
        world(sides)
    except Exception as error:
        failures += 1
        where = "" if isinstance(error, (Wrong, Refused)) else traceback.format_exc()
        print(f"seed {seed}: {error}", where, "  behind:", *steps[-25:], sep="\n", flush=True)
    for side in sides:
        side.close()
shutil.rmtree(work)
print(f"{checks[0]} checks, {failures} failures")
sys.exit(failures > 0)
