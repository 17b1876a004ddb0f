#!/usr/bin/env bash
# Every recipe of sql/ runs in the shell, in a database of its own, and prints what its --> lines say: first on a fresh
# table, then with everything flushed into blobs between the statements.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
extension=${ART_EXTENSION:-$root/art.so}
[[ $extension == /* ]] || extension=$PWD/$extension
work=$(mktemp -d "${TMPDIR:-/tmp}/recipes-XXXXXX")
trap 'rm -rf "$work"' EXIT
checks=0
failures=0

check() {
    local recipe=$1 options=$2 name
    name=${recipe##*/}
    checks=$((checks + 1))
    grep '^-->' "$recipe" | sed 's/^--> \{0,1\}//' >"$work/expected"
    rm -f "$work"/recipe.db*
    { echo ".load '$extension'" && sed -E "s/(CREATE VIRTUAL TABLE \w+ USING art\(.*)\);/\1$options);/" "$recipe"; } |
        sqlite3 -bail "$work/recipe.db" >"$work/got" 2>&1
    if ! diff -u --label "what $name says" --label "what came$options" "$work/expected" "$work/got"; then
        failures=$((failures + 1))
    fi
}

for recipe in "$root"/sql/recipe-*.sql; do
    check "$recipe" ""
    check "$recipe" ", log_limit='1KB'"
done

# A guard that does not hold, which the recipe cannot show, since a script ends with an error: its database, once more.
check "$root/sql/recipe-objects.sql" ""
left() { sqlite3 "$work/recipe.db" ".load '$extension'" "SELECT group_concat(key) FROM objects"; }
before=$(left)
checks=$((checks + 1))
if sqlite3 "$work/recipe.db" ".load '$extension'" "BEGIN; DELETE FROM objects; INSERT INTO guard VALUES(1), (NULL); COMMIT" >"$work/got" 2>&1 ||
    ! grep -q 'a guard does not hold' "$work/got" || [ "$(left)" != "$before" ]; then
    failures=$((failures + 1))
    echo "a guard that does not hold: $(cat "$work/got"), before: $before, now: $(left)"
fi
rate=$((checks ? 100 * (checks - failures) / checks : 0))
echo "$rate%: Checks: $checks, Failures: $failures, Errors: 0"
[ $failures = 0 ]
