#!/usr/bin/env bash
# `make demo`: a minute's tour with the files of this machine. sql/tour.sql runs, then sql/tour-again.sql in a second process.
# The databases stay, in build/demo, to be tried further.
#
#   DEMO_DIRECTORY=/usr     whose files are listed; DEMO_WORK=build/demo: where the databases are; ART_EXTENSION=art.so
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
extension=${ART_EXTENSION:-$root/art.so}
place=${DEMO_DIRECTORY:-/usr}
work=${DEMO_WORK:-$root/build/demo}
[ -e "$extension" ] || {
    echo "there is no $extension yet: run make" >&2
    exit 1
}
rm -rf "$work"
mkdir -p "$work"
ln -s "$extension" "$work/art.so"
cd "$work"

echo "== listing the files below $place"
# Separated as .import --ascii wants it, which no path can be mistaken for.
find "$place" -xdev -type f -printf '%p\037%s\037%T@\036' 2>/dev/null >listing || true

# sqlite3 prints "Run Time: real 0.123 user ...": shown here as milliseconds.
run() {
    sqlite3 tour.db ".read '$root/sql/$1'" |
        awk '/^Run Time: real/ { if ($4 < 0.001) print "      less than 1 ms"; else printf "      %.0f ms\n", $4 * 1000; fflush(); next } { print; fflush() }'
    [ "${PIPESTATUS[0]}" = 0 ]
}

# What both databases take on the disk, now that nothing is open.
sizes() {
    local rows ordinary art
    rows=$(sqlite3 ordinary.db "SELECT max(count(*), 1) FROM ordinary")
    ordinary=$(find . -name 'ordinary.db*' -printf '%b\n' | awk '{ n += $1 * 512 } END { print n }')
    art=$(find . -name 'tour.db*' -printf '%b\n' | awk '{ n += $1 * 512 } END { print n }')
    sqlite3 :memory: ".mode box" "SELECT * FROM (
        SELECT 'ordinary' AS \"table\", 'ordinary.db' AS \"on disk\", $ordinary / 1024 AS KB, round(1.0 * $ordinary / $rows, 1) AS \"bytes a row\" UNION ALL
        SELECT 'files', 'tour.db and its .art file', $art / 1024, round(1.0 * $art / $rows, 1))"
}

run tour.sql
echo
sizes
echo
run tour-again.sql

open="sqlite3 -box $(printf %q "${work#"$root"/}/tour.db") '.load $([ "$extension" = "$root/art.so" ] && echo ./art || echo "\"$extension\"")'"
cat <<END

What to try next, in this folder (what the tour has made is in ${work#"$root"/}):

    $open "SELECT path, entries FROM files('/usr/share/', '/') ORDER BY entries DESC LIMIT 10"
    $open "DELETE FROM files WHERE path GLOB '*.h'" "SELECT changes(), art_count('files', '')"
    $open "CREATE VIRTUAL TABLE IF NOT EXISTS notes USING art" "REPLACE INTO notes VALUES('todo/milk', 2)" "SELECT * FROM notes('todo/')"

Recipes: $(cd "$root" && echo sql/recipe-*.sql). All of its SQL: sql/README.md.
END
