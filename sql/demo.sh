#!/usr/bin/env bash
# `make demo`: a minute's tour with the files of this machine. See sql/tour.sql for what runs.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
extension=${ART_EXTENSION:-$root/art.so}
place=${DEMO_DIRECTORY:-/usr}
[ -e "$extension" ] || {
    echo "there is no $extension yet: run make" >&2
    exit 1
}
mkdir -p "$root/build"
work=$(mktemp -d "${TMPDIR:-$root/build}/demo-XXXXXX")
trap 'rm -rf "$work"' EXIT
ln -s "$extension" "$work/art.so"
cd "$work"

echo "== listing the files below $place"
# Separated as .import --ascii wants it, which no path can be mistaken for.
find "$place" -xdev -type f -printf '%p\037%s\037%T@\036' 2>/dev/null >listing || true

# sqlite3 prints "Run Time: real 0.123 user ...": shown here as milliseconds.
run() {
    sqlite3 tour.db ".read $root/sql/$1" |
        awk '/^Run Time: real/ { printf "      %.0f ms\n", $4 * 1000; fflush(); next } { print; fflush() }'
    [ "${PIPESTATUS[0]}" = 0 ]
}

run tour.sql
echo
echo "The files of the database (tour.db holds the ordinary table; the .art file holds ours):"
sqlite3 tour.db "PRAGMA wal_checkpoint(TRUNCATE)" >/dev/null
find . -name 'tour*' -printf '  %8k KB  %f\n'
echo
run tour-again.sql
echo
echo "The recipes beside this tour: $(cd "$root" && echo sql/recipe-*.sql). The SQL that it understands: README.md."
