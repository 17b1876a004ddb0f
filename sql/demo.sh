#!/usr/bin/env bash
# `make demo`: within a minute, what an art table is for, beside an ordinary table. The rows are the listing of a fleet of machines
# like this one. sql/tour.sql has the statements. The databases stay, in build/demo, to be tried further.
#
#   DEMO_DIRECTORY=/usr     whose files are listed; DEMO_WORK=build/demo: where the databases are; ART_EXTENSION=art.so
#   DEMO_ROWS=400000        how many rows there are at least
set -eu
export LC_ALL=C
root=$(cd "$(dirname "$0")/.." && pwd)
extension=${ART_EXTENSION:-$root/art.so}
place=$(realpath "${DEMO_DIRECTORY:-/usr}")
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
# Separated as .import --ascii wants it, which no path can be mistaken for. More files than these would take more than a minute.
{ find "$place" -xdev -type f -printf '%p\037%s\0' 2>/dev/null || true; } | head -z -n 200000 | tr '\0' '\036' >listing
[ -s listing ] || {
    echo "there is no file below $place: name a folder that has some, DEMO_DIRECTORY=/usr make demo" >&2
    exit 1
}

# What to look for: a word that most machines know, else the name of a file in the middle.
if grep -qai passwd listing; then word=passwd; else
    word=$(grep -aoE '[A-Za-z0-9.-]{3,30}'$'\037' listing | tr -d '\037' | awk '{ names[NR] = $0 } END { print names[int((NR + 1) / 2)] }')
fi

# Reads what sqlite3 says for sql/tour.sql: shows the statements and their times, and art's answer, and notes the times. sqlite3
# prints "Run Time: real 0.123 user 0.123456 sys 0.123456", older versions with three digits of the real time. So what takes less
# than 10 ms is shown as time of the processor, where the system counts that finely.
show() {
    awk '
        /^\.[a-z]/ || (title == "" && $0 == "") { next }
        /^@ / { title = substr($0, 3); answers = 0; said = ""; asks = 1; printf "\n%d. %s\n\n", ++titles, title; next }
        title == "" { print; next }
        /^Run Time: real/ {
            spent = $6 + $8 ? $6 + $8 : $4 ? $4 : 0.001
            ms[++answers] = 1000 * ($4 >= 0.01 ? $4 : spent)
            printf "      %s: %.*f ms", answers == 1 ? "sqlite-art" : "ordinary", ms[answers] < 10 ? 2 : 0, ms[answers]
            if (answers == 1) answer = said
            else {
                printf "%s", said == answer ? "" : ": ANOTHER ANSWER\n" said
                print title "|" ms[1] "|" ms[2] "|ms" >"times"
            }
            print ""
            said = ""; asks = 1
            fflush()
            next
        }
        asks { if ($0 != "") print "    " $0; asks = !/;$/; next }
        { said = said $0 "\n"; if (!answers) print "        " $0 }'
}

# What both databases take on the disk, when nothing is open.
size() { find . -name "$1*" -printf '%b\n' | awk '{ n += $1 * 512 } END { print n }'; }

# What was faster, and what was not.
compare() {
    awk -F'|' '
        function figure(n) { return sprintf("%.*f %s", n < 10 ? 2 : 0, n, $4) }
        {
            times = $3 / $2
            which = times >= 1.2 ? 1 : times > 0.8 ? 2 : 3
            ratio = which == 1 ? times : 1 / times
            ratio = which == 2 ? "" : sprintf("%.*f times", ratio < 10, ratio)
            printf "%d|%f|  %-42s %12s %12s   %s\n", which, times, $1, figure($2), figure($3), ratio
        }' times | sort -t'|' -k1,1n -k2,2nr | awk -F'|' '
        BEGIN { split("Faster|About the same|Slower", kinds, "|"); printf "%-44s %12s %12s\n", "", "sqlite-art", "ordinary" }
        $1 != kind { kind = $1; print kinds[kind] }
        { print $3 }'
}

sed "s/:rows/${DEMO_ROWS:-400000}/; s/:word/$word/" "$root/sql/tour.sql" >tour.sql
sqlite3 tour.db <tour.sql | show
[ "${PIPESTATUS[0]}" = 0 ]

rows=$(sqlite3 ordinary.db "SELECT count(*) FROM ordinary")
echo "A row on the disk, after VACUUM|$(($(size tour.db) / rows))|$(($(size ordinary.db) / rows))|bytes" >>./times

echo
sqlite3 tour.db <<END
.load ./art
ATTACH 'ordinary.db' AS beside;
SELECT 'Opened again, by another process: art_check() says ' || art_check('files') || ', and ' || count(*) || ' rows differ from the ordinary table.'
  FROM (SELECT * FROM files EXCEPT SELECT * FROM ordinary);
END
echo
compare

open="sqlite3 -box $(printf %q "${work#"$root"/}/tour.db") '.load $([ "$extension" = "$root/art.so" ] && echo ./art || echo "\"$extension\"")'"
cat <<END

Times are by the clock, those below 10 ms of the processor. An index on mtime and one of FTS5's trigrams would make the ordinary
table fast at the newest files and at words, but larger, and slower to load. README.md says when not to use art, and why.

What to try next, in this folder (the tour's tables are in ${work#"$root"/}):

    $open "SELECT path, size FROM files('host-1') WHERE path LIKE '%$word%' ORDER BY size DESC LIMIT 5"
    $open "DELETE FROM files WHERE path GLOB '*.h'" "SELECT changes(), art_count('files', '')"
    $open "CREATE VIRTUAL TABLE IF NOT EXISTS notes USING art" "REPLACE INTO notes VALUES('todo/milk', 2)" "SELECT * FROM notes('todo/')"

Recipes: $(cd "$root" && echo sql/recipe-*.sql). All of its SQL: sql/README.md.
END
