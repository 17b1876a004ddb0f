#!/usr/bin/env bash
# What `make demo` shows, with fewer rows: it runs to its end, shows no line of a compiler and no error, both tables give the same
# answers and hold the same, art's own check says ok, every time is compared, what was slower comes last, and the three lines at its
# end can be pasted. It names a folder without files. And `make` without SQLite's header says what to install.
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

ART_EXTENSION=$extension DEMO_DIRECTORY="$work/some files" DEMO_WORK="$work/its place" DEMO_ROWS=20000 \
    sql/demo.sh >"$work/said" 2>"$work/errors" </dev/null
holds "it does not run to its end (exit $?)" test $? = 0
holds "it says something on stderr" test ! -s "$work/errors"
holds "it shows an error" says_not '[Ee]rror|no such|Run Time'
holds "a line of a compiler" says_not '^(gcc|cc|clang|make)'
holds "a command of the shell" says_not '^ *\.[a-z]+ '
holds "fewer rows than were asked for" says '^2[0-9]{4} rows: the files of this machine on [0-9]+ hosts'
holds "no definition of the table" says '^CREATE VIRTUAL TABLE files USING art'
holds "the two tables give different answers" says_not 'ANOTHER ANSWER'
holds "the two tables differ, or art_check() does not say ok" says 'art_check\(\) says ok, and 0 rows differ'
holds "not every time is compared: $(wc -l <"$work/its place/times")" \
    test "$(wc -l <"$work/its place/times")" = $(($(grep -c '^\.print @' sql/tour.sql) + 1))
while IFS='|' read -r name _; do
    holds "'$name' has no figures at the end" says "^  $name +[0-9.]+ (ms|bytes) +[0-9.]+ (ms|bytes)"
done <"$work/its place/times"
# How long anything takes is not asserted: there may be nothing of a kind.
holds "what is slower does not come last" test -z "$(awk '/^(Faster|About the same)$/ && slower; /^Slower$/ { slower = 1 }' "$work/said")"
mkdir "$work/nothing"
ART_EXTENSION=$extension DEMO_DIRECTORY="$work/nothing" DEMO_WORK="$work/its other place" sql/demo.sh >"$work/made" 2>&1
holds "it shows an empty folder" test $? = 1
holds "it does not say what to do with an empty folder" grep -q 'there is no file below .*nothing: name a folder that has some' "$work/made"

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
