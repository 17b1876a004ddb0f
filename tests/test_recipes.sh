#!/usr/bin/env bash
# Every recipe of sql/ runs in the shell, in a database of its own, and prints what its --> lines say: first on a fresh
# table, then with everything flushed into blobs between the statements.
# ART_TEST_STANDIN set: on ordinary tables, which shows that the recipes themselves are right.
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
extension=${ART_EXTENSION:-$root/art.so}
[[ $extension == /* ]] || extension=$PWD/$extension
work=$(mktemp -d "${TMPDIR:-/tmp}/recipes-XXXXXX")
trap 'rm -rf "$work"' EXIT
checks=0
failures=0

standin() { sed -E 's/CREATE VIRTUAL TABLE (\w+) USING art[^;]*;/CREATE TABLE \1(path TEXT PRIMARY KEY NOT NULL, value) WITHOUT ROWID;/'; }

check() {
    local recipe=$1 options=$2 name
    name=${recipe##*/}
    checks=$((checks + 1))
    grep '^-->' "$recipe" | sed 's/^--> \{0,1\}//' >"$work/expected"
    rm -f "$work"/recipe.db*
    if [ -n "${ART_TEST_STANDIN:-}" ]; then
        standin <"$recipe" | sqlite3 -bail "$work/recipe.db" >"$work/got" 2>&1
    else
        { echo ".load $extension" && sed -E "s/(CREATE VIRTUAL TABLE \w+ USING art)(\(.*\))?;/\1$options;/" "$recipe"; } |
            sqlite3 -bail "$work/recipe.db" >"$work/got" 2>&1
    fi
    if ! diff -u --label "what $name says" --label "what came$options" "$work/expected" "$work/got"; then
        failures=$((failures + 1))
    fi
}

for recipe in "$root"/sql/recipe-*.sql; do
    check "$recipe" "\2"
    check "$recipe" "(log_limit='1KB')"
done
rate=$((checks ? 100 * (checks - failures) / checks : 0))
echo "$rate%: Checks: $checks, Failures: $failures, Errors: 0"
[ $failures = 0 ]
