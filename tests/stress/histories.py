"""Random histories of two databases whose table t is written, synced, copied, restored, damaged and salvaged, and of
processes that are killed meanwhile, against dictionaries. Hashes are equal exactly where dictionaries are.

    ART_EXTENSION=art.so histories.py [how many histories [the first one's seed]]

A failure prints its seed and the last steps. The moment of a kill is no part of the seed.
"""
import collections, contextlib, glob, os, shutil, signal, sqlite3, subprocess, sys, tempfile, time, traceback

root = os.path.dirname(os.path.abspath(__file__)) + "/../.."
sys.path.insert(0, root + "/tests/support")
sys.dont_write_bytecode = True
from dictionaries import *

PYTHON = ["/usr/bin/python3", "-S", root + "/sql/sync.py"]
work = tempfile.mkdtemp(prefix="histories-")
failures, steps, bases, copies, counts = 0, [], {}, {}, collections.Counter()

def note(*words):
    steps.append("    " + ", ".join(map(str, words))[:400])

# ---- processes that are killed ----

def kill(pid, ended, *folders):
    """At a random moment, or just behind some changes of files"""
    files = lambda: [[(entry.name, entry.stat().st_mtime_ns) for entry in os.scandir(folder)] for folder in folders]
    changes = draw.choice([0, 0, 1, 1, 2, 3, 5, 8])
    for _ in range(changes):
        with contextlib.suppress(FileNotFoundError):
            before = files()
            while not ended() and files() == before:
                time.sleep(.0001)
    time.sleep(draw.random() ** 3 * (.004 if changes else .1))
    with contextlib.suppress(ProcessLookupError):
        if not ended():
            os.kill(pid, signal.SIGKILL)

def close_all():
    for each in [*bases.values(), *copies.values()]:
        each.close()

def ends_by_itself(folder, base, plan):
    """Runs the statements in a process that may be killed"""
    close_all()
    child = os.fork()
    if not child:
        try:
            for statement in plan:
                base.run(*statement)
            os._exit(0)
        except BaseException as error:
            print(f"in the other process: {error}", flush=True)
            os._exit(1)
    kill(child, lambda: os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT), folder)
    status = os.waitpid(child, 0)[1]
    same("how a process ended", status in (0, signal.SIGKILL), True)
    return status == 0

def settle(base, *candidates):
    """One of the states is there"""
    for base.state in candidates:
        try:
            base.look(verify=True)
            return base.commit(base.state)
        except Wrong as wrong:
            last = wrong
    raise Wrong(f"{base.name} has none of {len(candidates)} states: {last}")

# ---- steps ----

def write(base, kills=False):
    plan, states = [], [base.state]
    for _ in range(draw.choice([1, 1, 3])):
        statements, state = transaction(states[-1])
        plan += statements
        states.append(state)
    if kills:
        ends_by_itself(base.folder, base, plan)
        [[mark]] = base.run("SELECT n FROM mark")
        counts[f"killed writers of {len({state.mark for state in states}) - 1} commits"] += mark != states[-1].mark
        while states and states[-1].mark != mark:
            states.pop()
        same("a commit that is there", bool(states), True)
    else:
        for statement in plan:
            base.run(*statement)
    for state in states:
        base.commit(state)

def synced(merges, name, own, other):
    """What sync.py makes of the first one, before and behind its snapshot, of the other one, and the conflicts, or None
    if the two have become equal otherwise"""
    own, other, stamp = own.copy(), other.copy(), next(stamps)
    was = own.shots[name] if merges else own.rows
    here, there, then = plain(own.rows), plain(other.rows), plain(was)
    conflicts = {} if plain(was) == here else None
    if here != there:
        mine, theirs = set(differences(was, own.rows)), set(differences(then, there))
        conflicts = {path: there.get(path) for path in theirs & mine if here.get(path) != there.get(path)}
        for paths, into, rows in (theirs - mine, own, there), (mine - (theirs - {*conflicts}), other, here):
            for path in paths:
                into.rows.pop(path, None)
                if path in rows:
                    into.rows[path] = (rows[path], stamp)
    middle = own.copy()
    if name != "-":
        own.shots[name] = dict(own.rows)
    return middle, own, other, conflicts

def sync(base, kills=False):
    [server] = [other for other in bases.values() if other is not base]
    merges = "both" in base.state.shots and draw.random() < .7
    name = "both" if merges or draw.random() < .8 else "-"
    middle, own, other, conflicts = synced(merges, name, base.state, server.state)
    differ = plain(base.state.rows) != plain(server.state.rows)
    if merges and differ:
        [[known]], [[version]] = (one.run("SELECT " + sql) for one, sql in (
            (base, "version FROM t_sync WHERE snapshot = 'both'"), (server, "art_write_version('t')")))
        if version < known:
            counts["merges with an older copy that are refused"] += 1
            close_all()
            ran = subprocess.run([*PYTHON, "merge", base.file, "t", "both", *PYTHON, "serve", server.file, "t"],
                                 stderr=subprocess.PIPE)
            same("a merge with an older copy", (ran.returncode, b"was it restored?" in ran.stderr), (1, True))
            base, server, merges, name = server, base, False, "-"
            middle, own, other, conflicts = synced(merges, name, base.state, server.state)
    if other.rows == server.state.rows:
        other = server.state
    note("merge" if merges else "pull", name, f"{len(conflicts)} conflicts" if differ else "nothing to do")
    serve = ["sh", "-c", 'echo $$ >pid; exec "$@"', "sh", *PYTHON, "serve", server.file, "t"]
    run = subprocess.Popen([*PYTHON, "merge" if merges else "pull", base.file, "t", name, *serve],
                           stderr=subprocess.PIPE, cwd=work)
    if kills:
        time.sleep(draw.choice([.05, .05, .1]))
        pid = open(work + "/pid").read() if os.path.exists(work + "/pid") and draw.random() < .5 else ""
        kill(int(pid or run.pid), lambda: run.poll() is not None, base.folder, server.folder)
    said = run.communicate(timeout=100)[1]
    if kills and run.returncode:
        before = server.state
        settle(server, other, before)
        is_done = server.state is other
        settle(base, *[own] if is_done or not merges else [], *[middle] if merges else [],
               *[base.state] if before is server.state or not merges else [])
        if merges and differ:
            counts[f"killed merges with {(base.state in (own, middle)) + is_done} of 2 commits"] += 1
        return
    same(f"what sync.py says: {said}", (run.returncode, said.startswith(b"sync: "), said.count(b"\n")), (0, True, 1))
    base.commit(own)
    server.commit(other)
    if merges and conflicts is not None:
        found = base.run("SELECT CAST(path AS BLOB), * FROM t_conflict")
        same("conflicts", {path: None if gone else as_row(values) for path, _, *values, gone in found}, conflicts)
        counts["merges with conflicts"] += bool(conflicts)

def compare(base):
    for other in [*bases.values(), *copies.values()]:
        if other is base or other.unfinished or other.state.columns != base.state.columns:
            continue
        base.run("ATTACH ? AS other", other.file)
        names = [draw.choice([None, *each.state.shots]) for each in (base, other)]
        old, new = (plain(each.state.shots.get(name, each.state.rows)) for each, name in zip((base, other), names))
        prefix = draw.choice([b"", *PREFIXES])
        found = base.run("SELECT CAST(path AS BLOB), change FROM art_differences('main.t', 'other.t', ?, ?, ?)", prefix,
                         *names)
        same("the order of art_differences", found, sorted(found))
        same(f"art_differences of {base.name} and {other.name} below {prefix}, {names}", dict(found),
             {path: what for path, what in differences(old, new).items() if path.startswith(prefix)})
        base.run("DETACH other")

def kind(base):
    return base.run("SELECT v FROM t_artstate WHERE k = 'id' UNION ALL "
                    "SELECT value FROM art_info('t') WHERE property = 'option storage'")

def copy(base, kills=False):
    of = base.name if draw.random() < .9 else draw.choice([*bases])
    name, form = f"copy {draw.randrange(2)} of {of}", draw.choice(["update"] * 8 + ["inline", "file"])
    new = name not in copies
    one = copies.setdefault(name, Base(work, name))
    if new:
        one.empty()
    one.close()
    may = new or form == "update" and one.kept and one.kind == kind(base)
    sql, before = ("SELECT art_backup(?, 'main', ?)", one.file, form), one.state
    note(name, form, "new" if new else "unfinished" if one.unfinished else "there", "may" if may else "is refused")
    if not may:
        try:
            same("a copy that is refused", base.run(*sql), None)
        except sqlite3.Error as error:
            known = "no copy that can be" in str(error) or "must be a new file" in str(error)
            same(f"why a copy is refused: {error}", known, True)
    elif kills and not ends_by_itself(one.folder, base, [sql]):
        one.ever |= base.ever
        if new:
            del copies[name]
            return
        try:
            one.run("SELECT count(*) FROM t")
            settle(one, base.state, before)
            one.unfinished = False
        except sqlite3.Error as error:
            same(f"what an unfinished copy says: {error}", "this copy is unfinished" in str(error), True)
            one.unfinished = True
        became = "unfinished" if one.unfinished else "as before" if one.state is before else "whole"
        counts["killed updates: " + became] += 1
        note("killed", became)
    else:
        if not kills:
            base.run(*sql)
        one.ever |= base.ever
        one.commit(base.state)
        one.unfinished, one.kept, one.kind = False, True, kind(one)
        counts["updates"] += not new
    if not one.unfinished:
        one.look(verify=True)
    one.close()

def whole_copy():
    return draw.choice([None, *(one for one in copies.values() if not one.unfinished)])

def write_copy(_):
    one = whole_copy()
    if one:
        before = one.state
        write(one)
        one.look()
        one.kept = one.kept and one.state is before

def level(least=3):
    """Both get the columns that one has"""
    most = max(least, *(base.state.columns for base in bases.values()))
    for base in bases.values():
        base.state = base.state.copy()
        for base.state.columns in range(base.state.columns + 1, most + 1):
            base.run(f"INSERT INTO t(t) VALUES('add column c{base.state.columns}')")

def add_column(base):
    level(min(base.state.columns + 1, 5))

def restore(base):
    one, way = whole_copy(), draw.choice(["art_backup", "move", "cp"])
    if not one:
        return
    note("from " + one.name, way)
    one.close()
    base.empty()
    if way == "art_backup":
        one.run("SELECT art_backup(?)", base.file)
        one.close()
    else:
        os.rmdir(base.folder)
        os.rename(one.folder, base.folder) if way == "move" else shutil.copytree(one.folder, base.folder)
    if way == "move":
        del copies[one.name]
    base.state, base.ever = one.state, set(one.ever)
    level()

def maintain(base, kills=False):
    what = draw.choice(["INSERT INTO t(t) VALUES('optimize')", "INSERT INTO t(t) VALUES('flush')", "SELECT art_vacuum('t')",
                        "VACUUM", "INSERT INTO t(t) VALUES('vacuum')", "PRAGMA wal_checkpoint(TRUNCATE)", "", "summary",
                        "PRAGMA journal_mode=WAL", "PRAGMA journal_mode=DELETE"])
    if what == "summary":
        what = f"INSERT INTO t(t) VALUES('{some_sums()}')" if not base.state.shots else ""
    note(what)
    if kills:
        ends_by_itself(base.folder, base, [(what,)])
    elif what:
        base.run(what)
    else:
        base.close()

def hurt(base):
    """Some bytes of blobs are overwritten"""
    files = [file for file in glob.glob(base.folder + "/*.art") if os.path.getsize(file)]
    inline = not files and base.run("SELECT 1 FROM sqlite_schema WHERE name = 't_artblob'")
    for _ in range(draw.choice([0, 1, 1, 2, 5])):
        noise = draw.randbytes(draw.choice([1, 8, 5000]))
        if files:
            at = draw.randrange(os.path.getsize(files[0]))
            with open(draw.choice(files), "r+b") as file:
                file.seek(draw.choice([at, at | 0x7f000, at % 0x9000]))
                file.write(noise)
        for page, data in base.run("SELECT page, data FROM t_artblob ORDER BY page") if inline else []:
            at = draw.randrange(len(data))
            if draw.random() < .2:
                data = data[:at] + noise[:len(data) - at] + data[at + len(noise):]
                base.run("UPDATE t_artblob SET data = ? WHERE page = ?", data, page)

def rescue(base, broken, saved):
    """A new database has what was saved"""
    bases[base.name] = rescued = Base(work, base.name).make()
    columns = ", ".join(["path", "a", '"b b"', "n"] + [f"c{i}" for i in range(4, broken.state.columns + 1)])
    level(broken.state.columns)
    broken.run("ATTACH ? AS rescued", rescued.file)
    broken.run(f"INSERT INTO rescued.t({columns}) SELECT {columns} FROM temp.saved")
    state, stamp = State(columns=rescued.state.columns), next(stamps)
    for path, row in saved.items():
        state.put(path, row, stamp)
    rescued.commit(state)

def salvage(base):
    """Of a copy of the files that is damaged; at times what is left takes the base's place"""
    base, broken = draw.choice([base, base, *copies.values()]), Base(work, "broken")
    close_all()
    shutil.rmtree(broken.folder, True)
    shutil.copytree(base.folder, broken.folder)
    broken.state, is_whole, shot = base.state, False, draw.choice([None, None, *base.state.shots])
    hurt(broken)
    with contextlib.suppress(sqlite3.Error):
        is_whole = broken.run("SELECT art_verify()")[0][0].startswith("ok")
    try:
        broken.look()
    except sqlite3.Error as error:
        same(f"a whole table says {error}", is_whole, False)
    right = plain(base.state.shots[shot] if shot else base.state.rows)
    broken.run(f"CREATE VIRTUAL TABLE temp.saved USING art_salvage('t'{f', snapshot={shot}' if shot else ''})")
    saved = plain(broken.read("temp.saved"))
    lost = broken.run("SELECT CAST(after AS BLOB), CAST(before AS BLOB), problem FROM art_lost"
                      + (f"('t', '{shot}')" if shot else "('t')"))
    note(base.name, shot, "whole" if is_whole else "damaged", f"{len(saved)} of {len(right)} rows", lost)
    counts[f"salvages: {'whole' if is_whole else 'unfinished' if base.unfinished else 'damaged'}"] += 1
    same("what is lost of a whole table", lost if is_whole else [], [])
    same("rows that were never there", [item for item in saved.items() if item not in base.ever][:4], [])
    if not base.unfinished:
        sure = lambda rows: {path: row for path, row in rows.items() if not any(
            (after is None or path > after) and (before is None or path < before) for after, before, _ in lost)}
        same("rows outside of what is lost", sure(saved), sure(right))
    if base.name in bases and draw.random() < .5:
        rescue(base, broken, saved)
    broken.close()

STEPS = [(write, 8), (sync, 6), (compare, 3), (copy, 8), (write_copy, 1), (add_column, .5), (restore, 1), (maintain, 3),
         (salvage, 3)]

def history():
    for name in ("here", "there"):
        bases[name] = Base(work, name).make()
    for _ in range(draw.choice([0, 1, 1, 3])):
        write(draw.choice(list(bases.values())))
    for _ in range(draw.randrange(4, 20)):
        [step], base = draw.choices(*zip(*STEPS)), draw.choice(list(bases.values()))
        kills = [True] if step in (write, sync, copy, maintain) and draw.random() < .35 else []
        steps.append(f"{step.__name__}({base.name}{', kills' * len(kills)})")
        counts[step.__name__ + " kills" * len(kills)] += 1
        step(base, *kills)
        if step is sync:
            for each in bases.values():  # both go on, and meet
                write(each)
        for each in bases.values():
            each.look()
            if draw.random() < .2:
                each.close()

draw.seed(os.environ.get("ART_TEST_DRAW"))
first = int(sys.argv[2]) if len(sys.argv) > 2 else draw.randrange(1 << 30)
for seed in range(first, first + int(sys.argv[1] if len(sys.argv) > 1 else 2)):
    draw.seed(seed)
    for kept in (steps, seen, meant, bases, copies):
        kept.clear()
    try:
        history()
    except Exception as error:
        failures += 1
        where = "" if isinstance(error, Wrong) else traceback.format_exc()
        print(f"seed {seed}: {error}", where, "  behind:", *steps[-25:], sep="\n", flush=True)
    close_all()
print(*(f"{counts[name]} {name}" for name in sorted(counts)), sep=", ")
print(f"{100 * (checks[0] - failures) // max(checks[0], 1)}%: Checks: {checks[0]}, Failures: {failures}, Errors: 0")
shutil.rmtree(work)
sys.exit(failures > 0)
