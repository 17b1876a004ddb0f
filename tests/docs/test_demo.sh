#!/usr/bin/env bash
# What `make demo` shows, with fewer files: it runs to its end, shows no line of a compiler and no error, both tables hold the
# same, rows are in blobs, art's own check says ok, the table of sizes has figures, every time is compared, and the three lines
# at its end can be pasted. And `make` without SQLite's header says what to install.
set -u
cd "$(dirname "$0")/../.." || exit 1
extension=${ART_EXTENSION:-$PWD/art.so}
[[ $extension == /* ]] || extension=$PWD/$extension
work=$(mktemp -d "${TMPDIR:-/tmp}/demo-XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/some files" && cp -r sql "$work/some files"
checks=0
failures=0

holds() {
    local what=$1
    shift
    checks=$((checks + 1))
    "$@" >"$work/found" 2>&1 && return
    failures=$((failures + 1))
    echo "the demo: $what"
    cat "$work/found"
}
says() { grep -qE -- "$1" "$work/said" || { cat "$work/said" && false; }; }
says_not() { ! grep -nE -- "$1" "$work/said"; }

ART_EXTENSION=$extension DEMO_DIRECTORY="$work/some files" DEMO_WORK="$work/its place" sql/demo.sh >"$work/said" 2>"$work/errors" </dev/null
holds "it does not run to its end (exit $?)" test $? = 0
holds "it says something on stderr" test ! -s "$work/errors"
holds "it shows an error" says_not '[Ee]rror|no such|Run Time'
holds "a line of a compiler" says_not '^(gcc|cc|clang|make)'
holds "the two tables differ" says '^0 differ from the ordinary table$'
holds "art_check() does not say ok" says '^ok$'
holds "no blob is shown" says '│ blobs +│ [1-9]'
holds "not every time is compared: $(wc -l <"$work/its place/times")" test "$(cut -d'|' -f1 "$work/its place/times" | sort | uniq -c | grep -c '^ *2 ')" = 8
while IFS='|' read -r name _; do
    holds "'$name' is in no list at the end" says "^    $name( |$)"
done <"$work/its place/times"
holds "no size of the ordinary table" says 'ordinary │ ordinary.db +│ [1-9]'
holds "no size of the art table" says 'files +│ tour.db and its .art file │ [1-9]'

mapfile -t lines < <(sed -n '/^What to try next/,$s/^    //p' "$work/said")
holds "it does not end with three lines to be pasted" test ${#lines[@]} = 3
for line in "${lines[@]}" "${lines[2]-}"; do
    bash -euc "$line" >"$work/pasted" 2>&1
    holds "what to try next fails: $line" test $? = 0 -a -z "$(grep -i error "$work/pasted")"
done
holds "the last of them shows no row: $(cat "$work/pasted")" grep -q todo/milk "$work/pasted"

make -s BUILD="$work/build" CFLAGS="-nostdinc" all >"$work/made" 2>&1
holds "make without headers succeeds" test $? != 0
holds "make without headers does not say what to install" grep -q 'art.so needs <sqlite3ext.h>. Debian: apt-get install libsqlite3-dev' "$work/made"

rate=$((100 * (checks - failures) / checks))
echo "$rate%: Checks: $checks, Failures: $failures, Errors: 0"
[ $failures = 0 ]
