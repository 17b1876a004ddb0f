#!/usr/bin/env bash
# No everyday statement has become slower than the list says that is kept for this SQLite (tests/bench/kept-*): counted are the
# instructions of the library that is given out. The comparison itself finds what is slower, and takes a word for it.
set -u
cd "$(dirname "$0")/../.." || exit 1
work=$(mktemp -d "${TMPDIR:-/tmp}/everyday-XXXXXX")
trap 'rm -rf "$work"' EXIT
checks=0
failures=0

# expect <status> <what> <command>...
expect() {
    local status=$1 what=$2
    shift 2
    checks=$((checks + 1))
    "$@" >"$work/said" 2>&1
    [ $? = "$status" ] && return
    failures=$((failures + 1))
    echo "$what:"
    cat "$work/said"
}

everyday=tests/bench/everyday
list=$work/list
ART_EXTENSION=$PWD/build/shipped/art.so $everyday count build/release 4000 "$list" || exit 1
kept=tests/bench/kept-$(sed -nE '1s/.*SQLite ([0-9.]+),.*/\1/p' "$list")

# changed <factor> <line> [<column>]: one count of the list
changed() { awk -F'\t' -v OFS='\t' -v by="$1" -v line="$2" -v column="${3:-4}" 'NR == line { $column = int($column * by) } { print }' "$list"; }
changed 1.02 6 >"$work/nearly"
changed 1.04 6 >"$work/slower"
changed 1.04 2 >"$work/little"
changed 1.07 2 >"$work/not-little"
changed 0.90 6 5 >"$work/luck"
cp "$list" "$work/kept"
expect 0 "2 % were refused" $everyday compare "$work/nearly" "$work/kept"
expect 1 "4 % were not refused" $everyday compare "$work/slower" "$work/kept"
expect 0 "4 % of a short statement were refused" $everyday compare "$work/little" "$work/kept"
expect 1 "7 % of a short statement were not refused" $everyday compare "$work/not-little" "$work/kept"
expect 0 "that an ordinary table has become faster was refused" $everyday compare "$work/luck" "$work/kept"
expect 0 "a list is not kept" $everyday keep "$work/slower" "$work/kept" "Rows are compared twice"
expect 0 "what is kept was refused" $everyday compare "$work/slower" "$work/kept"
expect 0 "the reason is not in the list" grep -q $'\tRows are compared twice$' "$work/kept"
sed 3d "$work/kept" >"$work/fewer"
sed 's/SQLite 3/SQLite 2/' "$work/kept" >"$work/other"
expect 1 "a statement that nobody keeps was not refused" $everyday compare "$work/slower" "$work/fewer"
expect 1 "a line of no statement was not refused" $everyday compare "$work/fewer" "$work/kept"
expect 3 "a list of another SQLite was compared" $everyday compare "$work/slower" "$work/other"

if [ -e "$kept" ]; then
    checks=$((checks + 1))
    status=0
    said=$($everyday compare "$list" "$kept") || status=$?
    case $status in
    0) [ -z "$said" ] || echo "$said" ;; # what is faster than the list says
    3) echo "skipped: $said" ;;
    *)
        failures=$((failures + 1))
        echo "$said"
        echo "Make it as fast as it was, or say why it is not: tests/bench/run everyday keep 'the reason'"
        ;;
    esac
else
    echo "skipped: everyday statements are not compared, for there is no $kept"
fi

rate=$((100 * (checks - failures) / checks))
echo "$rate%: Checks: $checks, Failures: $failures, Errors: 0"
[ $failures = 0 ]
