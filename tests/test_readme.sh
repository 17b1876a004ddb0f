#!/usr/bin/env bash
# What README.md says can be done: its ```sql blocks run one after another in one database and print what their --> lines
# say; its `make` commands name targets that exist; its other ```sh lines run; files that it names are there.
# ART_TEST_STANDIN set: on ordinary tables (what only the module has is left out).
set -u
cd "$(dirname "$0")/.." || exit 1
root=$PWD
extension=${ART_EXTENSION:-$root/art.so}
[[ $extension == /* ]] || extension=$root/$extension
work=$(mktemp -d "${TMPDIR:-/tmp}/readme-XXXXXX")
trap 'rm -rf "$work"' EXIT
checks=0
failures=0

verdict() {
    checks=$((checks + 1))
    [ "$1" = 0 ] && return
    failures=$((failures + 1))
    echo "README.md: $2"
}

blocks() { awk -v kind="$1" '/^```/ { inside = !inside && $0 == "```" kind; next } inside' README.md; }

blocks sql >"$work/all.sql"
grep '^-->' "$work/all.sql" | sed 's/^--> \{0,1\}//' >"$work/expected"
if [ -n "${ART_TEST_STANDIN:-}" ]; then
    sed -E 's/CREATE VIRTUAL TABLE (\w+) USING art[^;]*;/CREATE TABLE \1(path TEXT PRIMARY KEY NOT NULL, value) WITHOUT ROWID;/
        s/^INSERT INTO objects\(objects\).*$//; s/FROM art_info\(.*\)/FROM sqlite_master/; s/ AND version = .*\)/ /' "$work/all.sql" >"$work/run.sql"
else
    { echo ".load $extension" && cat "$work/all.sql"; } >"$work/run.sql"
fi
(cd "$work" && sqlite3 -bail readme.db <run.sql) >"$work/got" 2>&1
diff -u --label "what README.md says" --label "what came" "$work/expected" "$work/got"
verdict $? "its SQL prints something else"

while read -r line; do
    command=${line%%#*}
    case $command in
    "") ;;
    make*) make -n ${command#make} >/dev/null 2>&1 ;;
    *) (cd "$work" && ln -sf "$extension" art.so && bash -euc "$command") ;;
    esac
    verdict $? "'$line' does not run"
done < <(blocks sh)

while read -r target; do
    make -n "$target" >/dev/null 2>&1
    verdict $? "there is no 'make $target'"
done < <(grep -oE '`make [a-z-]+' README.md | sed 's/`make //' | sort -u)

while read -r file; do
    [ -e "$file" ]
    verdict $? "there is no $file"
done < <(grep -oE '\]\([A-Za-z][^):]*\)|`(core|ext|sql|tests)/[a-z_/.]*`' README.md | sed -E 's/^\]\(//; s/[)`]//g' | sort -u)

rate=$((100 * (checks - failures) / checks))
echo "$rate%: Checks: $checks, Failures: $failures, Errors: 0"
[ $failures = 0 ]
