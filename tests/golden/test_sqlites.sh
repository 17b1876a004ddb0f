#!/usr/bin/env bash
# sql/machines.md: nothing in the files depends on the version of SQLite. Golden tables go from one version to the next, and round
# again: Debian's, one of 2024, the newest. Each finds them whole, by PRAGMA integrity_check and art_check(), with all rows, those that the
# others have added among them, and writes.
set -u
cd "$(dirname "$0")/../.." || exit 1
extension=${ART_EXTENSION:-$PWD/art.so}
extension=$(realpath "${extension%.so}.so")
work=$(mktemp -d "${TMPDIR:-/tmp}/sqlites-XXXXXX")
trap 'rm -rf "$work"' EXIT
unset LD_LIBRARY_PATH
python=/usr/bin/python3

if ! $python tests/support/copies.py can "${extension%.so}" 2>/dev/null; then
    echo "SKIPPED: versions of SQLite: no Python here that loads this extension"
    echo "100%: Checks: 0, Failures: 0, Errors: 0"
    exit 0
fi
for archive in 1.0 1.0-large; do gzip -dc tests/golden/$archive.tar.gz | tar -xf - -C "$work" || exit 1; done
tables="columns-file.db columns-inline.db summary-file.db keys-inline.db snapshots-file.db wal-inline.db hot-file.db far-file.db
far-inline.db small-inline.db full-inline.db incremental-inline.db wide-inline.db"

checks=0 failures=0
folders=("")
code=0
said=$(.ci/sqlite-new between 2>&1) || code=$?
case $code in
0) folders+=(build/sqlite-between) ;;
3) echo "SKIPPED: SQLite 3.45: $said" ;;
*) echo "FAILED: .ci/sqlite-new between: $said" && failures=1 ;;
esac
[ ! -e build/sqlite-new/lock ] || flock build/sqlite-new/lock true
if [ -e build/sqlite-new/recipe ]; then
    folders+=(build/sqlite-new)
else
    echo "SKIPPED: the newest SQLite: .ci/sqlite-new has not made it here"
fi
versions=()
for round in 1 2; do
    for folder in "${folders[@]}"; do
        checks=$((checks + 1))
        # shellcheck disable=SC2086
        said=$(env ${folder:+LD_LIBRARY_PATH=$PWD/$folder} $python -B tests/golden/sqlites.py "${extension%.so}" "$work" $tables) || failures=$((failures + 1))
        [ $round = 2 ] || versions+=("$said")
    done
done
different=$(printf '%s\n' "${versions[@]}" | sort -u | wc -l)
[ "$different" = ${#folders[@]} ] || failures=$((failures + 1))
echo "SQLite ${versions[*]}"
echo "$((100 * (checks - failures) / checks))%: Checks: $checks, Failures: $failures, Errors: 0"
[ $failures = 0 ]
