"""What one version of SQLite makes of golden tables, and of what others have written into them. For test_sqlites.sh.

    sqlites.py EXTENSION FOLDER DATABASE...     FOLDER has the <case>.rows; prints the version of SQLite; exit status 1: see there
"""
import pathlib
import sqlite3
import sys

OURS = "zz by "  # how the paths begin that this adds
failures = 0


def expect(what, wanted, found):
    global failures
    if wanted != found:
        failures += 1
        print(f"{what}, SQLite {sqlite3.sqlite_version}\n    wanted: {wanted!r:.200}\n    found:  {found!r:.200}", file=sys.stderr)


def recorded(column):
    """As tests/golden/make writes a value."""
    return (f"'|' || typeof({column}) || CASE typeof({column}) WHEN 'real' THEN printf('%.3f', {column}) WHEN 'text' "
            f"THEN hex({column}) WHEN 'blob' THEN hex({column}) WHEN 'null' THEN '' ELSE {column} END")


def is_whole(what, db):
    for check in "PRAGMA integrity_check", "PRAGMA quick_check", "SELECT art_check('t')":
        expect(f"{what}: {check}", "ok", db.execute(check).fetchone()[0])


def visit(path, rows):
    what, db = path.name, sqlite3.connect(path, isolation_level=None)
    db.enable_load_extension(True)
    db.load_extension(sys.argv[1])
    db.execute("PRAGMA synchronous = OFF")
    db.execute("PRAGMA secure_delete = OFF")
    is_whole(what, db)
    values = " || ".join(map(recorded, ("path", "size", "price", "note", "pad")))
    query = f"SELECT {values} FROM t WHERE path NOT GLOB '{OURS}*' ORDER BY path, price DESC, size"
    expect(f"{what}: the rows", rows, [row[0] for row in db.execute(query)])
    db.execute("CREATE TABLE IF NOT EXISTS visits(path, size INTEGER)")
    both = [list(db.execute(f"SELECT path, size FROM {of} WHERE path GLOB '{OURS}*' ORDER BY path")) for of in ("visits", "t")]
    expect(f"{what}: what others wrote", *both)
    number = db.execute("SELECT count(DISTINCT path) FROM visits").fetchone()[0]
    db.execute("BEGIN")
    for of in "visits", "t":
        db.execute(f"INSERT INTO {of}(path, size) VALUES(?, ?)", (f"{OURS}{sqlite3.sqlite_version} {number:04}", number))
        db.execute(f"UPDATE {of} SET size = size + 1000 WHERE path GLOB '{OURS}*'")
    if number % 2:
        db.execute("INSERT INTO t(t) VALUES('flush')")
    db.execute("COMMIT")
    if number == 4:
        db.execute("INSERT INTO t(t) VALUES('optimize')")
    is_whole(f"{what}, written to", db)
    db.close()


folder = pathlib.Path(sys.argv[2])
for name in sys.argv[3:]:
    visit(folder / name, (folder / f"{name.rsplit('-', 1)[0]}.rows").read_text().splitlines())
print(sqlite3.sqlite_version)
sys.exit(failures > 0)
