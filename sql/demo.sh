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

# sqlite3 prints "Run Time: real 0.123 user ...": shown here as milliseconds, and noted under the name before it.
run() {
    sqlite3 tour.db ".read '$root/sql/$1'" | awk '
        /^@/ { name = substr($0, 2); next }
        /^Run Time: real/ {
            if ($4 < 0.001) print "      less than 1 ms"; else printf "      %.0f ms\n", $4 * 1000
            if (name) print name "|" $4 * 1000 >"times"
            name = ""
            fflush()
            next
        }
        { print; fflush() }'
    [ "${PIPESTATUS[0]}" = 0 ]
}

# What was faster, and what was not. Less than a millisecond counts as one.
compare() {
    awk -F'|' '
        { ms[$1, $2] = $3 < 1 ? 1 : $3; small[$1] += $3 < 1; if ($2 == "ordinary") names[++n] = $1 }
        END {
            for (i = 1; i <= n; i++) {
                name = names[i]
                times = ms[name, "ordinary"] / ms[name, "files"]
                if (small[name] == 2) short = short sprintf("    %s\n", name)
                else if (times >= 1.2) faster = faster sprintf("    %-42s %s%.1f times\n", name, small[name] ? "at least " : "", times)
                else if (times > 0.8) same = same sprintf("    %s\n", name)
                else slower = slower sprintf("    %-42s %s%.1f times\n", name, small[name] ? "at least " : "", 1 / times)
            }
            if (faster) printf "Faster than the ordinary table here:\n\n%s\n", faster
            if (same) printf "About as fast:\n\n%s\n", same
            if (slower) printf "Slower:\n\n%s\n", slower
            if (short) printf "Less than a millisecond in both:\n\n%s\n", short
        }' times
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
echo
compare

open="sqlite3 -box $(printf %q "${work#"$root"/}/tour.db") '.load $([ "$extension" = "$root/art.so" ] && echo ./art || echo "\"$extension\"")'"
cat <<END
What to try next, in this folder (what the tour has made is in ${work#"$root"/}):

    $open "SELECT path, entries FROM files('/usr/share/', '/') ORDER BY entries DESC LIMIT 10"
    $open "DELETE FROM files WHERE path GLOB '*.h'" "SELECT changes(), art_count('files', '')"
    $open "CREATE VIRTUAL TABLE IF NOT EXISTS notes USING art" "REPLACE INTO notes VALUES('todo/milk', 2)" "SELECT * FROM notes('todo/')"

Recipes: $(cd "$root" && echo sql/recipe-*.sql). All of its SQL: sql/README.md.
END
