#!/usr/bin/env bash
# What README.md says can be done: its ```sql blocks run one after another in one database and print what their --> lines
# say; its `make` commands name targets that exist; its other ```sh lines run; files and sections that it names are there.
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
{ echo ".load '$extension'" && cat "$work/all.sql"; } >"$work/run.sql"
(cd "$work" && sqlite3 -bail readme.db <run.sql) >"$work/got" 2>&1
diff -u --label "what README.md says" --label "what came" "$work/expected" "$work/got"
verdict $? "its SQL prints something else"

sqlite3 "$work/app.db" ".load '$extension'" "CREATE VIRTUAL TABLE t USING art" "INSERT INTO t VALUES('a', 1)" \
    "INSERT INTO t(t) VALUES('flush')"
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

# as GitHub names them
sed -nE 's/^#+ //p' README.md | tr 'A-Z ' 'a-z-' | tr -dc 'a-z0-9_\n-' >"$work/sections"
while read -r section; do
    grep -qxF -- "$section" "$work/sections"
    verdict $? "there is no section #$section"
done < <(grep -oE '\]\(#[^)]*' README.md | sed 's/^](#//' | sort -u)

rate=$((100 * (checks - failures) / checks))
echo "$rate%: Checks: $checks, Failures: $failures, Errors: 0"
[ $failures = 0 ]
