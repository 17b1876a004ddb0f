#!/usr/bin/env bash
# What sql/limits.md says of tools, and what it says to do instead: sqldiff of a table, sessions, .ar -c, column metadata. Of
# iterdump() tests/copies/test_copies.c says it, of sqlite-utils tests/clients/orm.
set -u
cd "$(dirname "$0")/../.." || exit 1
extension=${ART_EXTENSION:-$PWD/art.so}
[[ $extension == /* ]] || extension=$PWD/$extension
work=$(mktemp -d "${TMPDIR:-/tmp}/tools-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
ln -s "$extension" art.so
checks=0
failures=0

# is <what> <what came> <what is right>
is() {
    checks=$((checks + 1))
    [ "$2" = "$3" ] && return
    failures=$((failures + 1))
    echo "$1: '$2', and not '$3'"
}
art() {
    local database=$1
    shift
    sqlite3 "$database" ".load ./art" "$@" 2>&1
}

compare_by_sqldiff() {
    local rows="a|9|
it's|4|x"
    command -v sqldiff >/dev/null || { echo "SKIPPED: there is no sqldiff" && return; }
    art a.db "CREATE VIRTUAL TABLE t USING art(path, size INTEGER, etag, storage=$1)" "INSERT INTO t(path, size) VALUES('a', 1), ('b', 2)" \
        "INSERT INTO t(t) VALUES('flush')" "SELECT art_backup('b.db')" >made
    art b.db "UPDATE t SET size = 9 WHERE path = 'a'" "DELETE FROM t WHERE path = 'b'" "INSERT INTO t VALUES('it''s', 4, 'x')"
    sqldiff --lib ./art.so --table t a.db b.db >difference.sql
    is "lines of sqldiff, storage=$1" "$(wc -l <difference.sql)" 3
    is "sqldiff's script, storage=$1" "$(art a.db ".read difference.sql" "SELECT * FROM t" "SELECT art_check('t')")" "$rows
ok"
    rm -f a.db* b.db*
}

archive() {
    mkdir files && echo one >files/1
    art c.db "CREATE VIRTUAL TABLE t USING art" "CREATE VIRTUAL TABLE sqlar USING art(name, mode, mtime, sz, data)" "INSERT INTO t VALUES('a', 1)"
    art c.db ".ar -c files"
    is "an art table beside an archive" "$(art c.db "SELECT * FROM t" "SELECT art_verify()" | head -2)" "a|1
ok: 1 art table; t will have an .art file beside the database when it outgrows the log: until then a copy of the database alone is whole, from then on it is not"
    is "what .ar -c makes of an art table sqlar" "$(art c.db "SELECT sql GLOB 'CREATE TABLE*' FROM sqlite_schema WHERE name = 'sqlar'")" 1
}

# By ctypes, since nothing that is everywhere calls these functions.
call_library() {
    cat >call.py <<'END'
import ctypes, sys
library = ctypes.CDLL("libsqlite3.so.0")
if not hasattr(library, "sqlite3session_create"):
    sys.exit(77)
pointer, number = ctypes.c_void_p, ctypes.c_int

def call(name, *arguments):
    return getattr(library, name)(*arguments)

def run(db, sql):
    assert call("sqlite3_exec", db, sql.encode(), None, None, None) == 0, sql

def open_database(name):
    db = pointer()
    assert call("sqlite3_open", name, ctypes.byref(db)) == 0
    call("sqlite3_db_config", db, number(1005), number(1), None)  # SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION
    assert call("sqlite3_load_extension", db, b"./art.so", None, None) == 0
    return db

one, other = open_database(b"one.db"), open_database(b"other.db")
for db in one, other:
    run(db, "CREATE VIRTUAL TABLE t USING art(path, size INTEGER); CREATE TABLE event(id INTEGER PRIMARY KEY, path)")
    run(db, "INSERT INTO t VALUES('a', 1)")

def record(table):
    """The changeset of two rows, one of t and one of event."""
    session, size, changes = pointer(), number(), pointer()
    assert call("sqlite3session_create", one, b"main", ctypes.byref(session)) == 0
    assert call("sqlite3session_attach", session, table) == 0
    run(one, "BEGIN; REPLACE INTO t VALUES('b', 2); REPLACE INTO event VALUES(1, 'b'); COMMIT")
    assert call("sqlite3session_changeset", session, ctypes.byref(size), ctypes.byref(changes)) == 0
    call("sqlite3session_delete", session)
    return size, changes

omit = ctypes.CFUNCTYPE(number, pointer, number, pointer)(lambda *_: 0)
apply = lambda recorded: call("sqlite3changeset_apply", other, recorded[0], recorded[1], None, omit, None)
assert record(b"t")[0].value == 0, "a session records an art table"
call("sqlite3_db_config", other, number(1010), number(1), None)  # SQLITE_DBCONFIG_DEFENSIVE
everything = record(None)
assert b"t_artdata" in ctypes.string_at(everything[1], everything[0].value), "no shadow table is recorded"
assert apply(everything) != 0, "shadow tables are written although they are read-only"
run(one, "DELETE FROM event")
assert apply(record(b"event")) == 0, "a changeset of an ordinary table is refused"

kind = ctypes.c_char_p()
again = open_database(b"one.db")
run(again, "PRAGMA table_info(t)")
assert call("sqlite3_table_column_metadata", again, b"main", b"t", b"size", ctypes.byref(kind), None, None, None, None) == 0
assert kind.value == b"INTEGER"
END
    /usr/bin/python3 call.py >called 2>&1
    case $? in
    77 | 127) echo "SKIPPED: no Python, or an SQLite without sessions" ;;
    *)
        is "sessions and column metadata" "$(cat called)" ""
        is "what a changeset has changed" "$(art other.db "SELECT (SELECT count(*) FROM t), (SELECT path FROM event), art_check('t')")" "1|b|ok"
        ;;
    esac
}

compare_by_sqldiff file
compare_by_sqldiff inline
archive
call_library

rate=$((100 * (checks - failures) / checks))
echo "$rate%: Checks: $checks, Failures: $failures, Errors: 0"
[ $failures = 0 ]
