#!/usr/bin/env bash
# The bench does not rot: a tiny run goes through every operation with every engine that this build has, and their answers
# agree; an engine that answers wrongly is refused without a figure.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
extension=${ART_EXTENSION:-$root/build/release/art.so}
[[ $extension == /* ]] || extension=$PWD/$extension
export ART_EXTENSION=$extension
bench=${extension%/*}/tests/bench/bench
work=$(mktemp -d "${TMPDIR:-/tmp}/bench-XXXXXX")
trap 'rm -rf "$work"' EXIT
checks=0
failures=0

failed() {
    failures=$((failures + 1))
    echo "$1"
    cat "$work/said"
}

for set in obj hex "obj -c" "obj -n 64"; do
    checks=$((checks + 1))
    # shellcheck disable=SC2086
    if ! "$bench" -t -d "$work" -m "" -o "$work" -s $set 2000 >"$work/said" 2>&1 || ! grep -q '^all engines agree$' "$work/said"; then failed "a tiny run of the set $set:"; fi
done
grep 'LEFT OUT' "$work/said" | sed 's/^ */skipped: the engine /'

checks=$((checks + 1))
if "$bench" -t -d "$work" -m "" -o "$work" -s obj -e table,liar 2000 >"$work/said" 2>&1 || ! grep -q 'table and liar give different answers: no figures' "$work/said"; then
    failed "an engine that lies was not refused:"
fi
checks=$((checks + 1))
if ! BENCH_FORMER=$ART_EXTENSION "$bench" -t -d "$work" -m "" -o "$work" -s obj -e art,former 2000 >"$work/said" 2>&1 || ! grep -q '^all engines agree$' "$work/said"; then
    failed "a tiny run beside another build:"
fi
checks=$((checks + 1))
if "$bench" -t -d "$work" -m "" -o "$work" -s obj -e art,former 2000 >"$work/said" 2>&1 || ! grep -q 'BENCH_FORMER does not say' "$work/said"; then
    failed "another build that nobody named:"
fi
checks=$((checks + 1))
if ! "$bench" -P get,scan-all -e art -m "" -d "$work" -o "$work" -s obj 2000 >"$work/said" 2>&1 || [ "$(cat "$work/said")" != "art get: 5000
art scan-all: 2000" ]; then
    failed "one engine alone, for a profiler:"
fi
mkdir "$work/drawn"
{
    echo set,keys,operation,label,engine,unit,value
    for operation in load get-loaded get get-alone miss list scan-all level count-rows put update put-alone rename; do
        printf 'obj-defaults,1000000,%s,"a, b",%s,ns,%s\n' $operation art 1000 $operation table 2000
    done
} >"$work/drawn/results.csv"
checks=$((checks + 1))
if ! "$root/tests/bench/plot-defaults" "$work/drawn" "$work/drawn/picture.svg" >"$work/said" 2>&1 ||
    [ "$(grep -c 'width="130.0" height="8" fill="#9ecae1"' "$work/drawn/picture.svg")" != 13 ]; then
    failed "the picture of results twice as good:"
fi
rm -r "$work/drawn"
mkdir "$work/metadata"
export TMPDIR=$work/metadata BENCH_MEASURE=${extension%/*}/tests/bench_measure PYTHONDONTWRITEBYTECODE=1
seq 100000 102999 | sed -E 's|(.*)(..)|\1\27\t17\1\t644\troot\t9\2\t/some/folder-\1/\2.html|' >"$work/list"
if [ -x /usr/bin/python3 ]; then
    checks=$((checks + 1))
    if ! "$root/tests/bench/statements" -r 1 2000 >"$work/said" 2>&1 || [ "$(grep -c ' us .* us  ratio ' "$work/said")" != 4 ]; then
        failed "a tiny run of a script that has its SQL timed:"
    fi
    checks=$((checks + 1))
    if ! BENCH_FORMER=$ART_EXTENSION "$root/tests/bench/metadata" -f "$work/list" 3000 >"$work/said" 2>&1 || [ "$(grep -c ' former ' "$work/said")" != 9 ]; then
        failed "a tiny run of real metadata, beside another build:"
    fi
    checks=$((checks + 1))
    if [ "$(grep -c '^\(files\|objects\|obj\) .* by column .* art .* all ' "$work/said")" != 3 ] ||
        [ "$(grep -c '^\(files\|objects\|obj\) .* by part .* art .* names .* all ' "$work/said")" != 3 ]; then failed "bytes by column and part:"; fi
fi
if strace -o /dev/null true 2>/dev/null; then
    checks=$((checks + 1))
    if ! "$root/tests/bench/pages" -n 2000 -k file,inline,table,fts5 "$work/list" "$ART_EXTENSION" "$work/metadata/pages" >"$work/said" 2>&1 ||
        ! grep -q '^point .* [1-9]' "$work/said" || ! grep -q '^ *1 leaf blob: leaf pages' "$work/said"; then
        failed "a tiny run that counts pages:"
    fi
    rm -rf "$work/metadata/pages"
else
    echo "skipped: pages are not counted without strace"
fi
checks=$((checks + 1))
mkdir "$work/metadata/sizes"
if ! "$root/tests/bench/sizes" "$work/list" "$extension" "$work/metadata/sizes" >"$work/said" 2>&1 || [ "$(grep -c ' 3000 rows .* a row$' "$work/said")" != 8 ]; then
    failed "the bytes of a tiny listing:"
fi
rm -rf "$work/metadata/sizes"
rmdir "$work/metadata" && rm "$work/list"
if [ -x /usr/bin/python3 ]; then
    checks=$((checks + 1))
    if ! "$root/tests/bench/large" "$extension" "$work" 50000 1MB >"$work/said" 2>&1 || [ "$(grep -c ' rows .* us a row' "$work/said")" != 10 ]; then
        failed "a tiny load of a table larger than its cache:"
    fi
fi
checks=$((checks + 1))
left=$(find "$work" -mindepth 1 ! -name said | wc -l)
if [ "$left" != 0 ]; then failed "the bench leaves $left files behind"; fi

rate=$((100 * (checks - failures) / checks))
echo "$rate%: Checks: $checks, Failures: $failures, Errors: 0"
[ $failures = 0 ]
