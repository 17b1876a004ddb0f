#!/usr/bin/env bash
# sql/machines.md, 'Upgrading': art.so is replaced under a running program, and two versions of SQLite write to one database.
set -u
cd "$(dirname "$0")/../.." || exit 1
root=$PWD
extension=${ART_EXTENSION:-$root/art.so}
[[ $extension == /* ]] || extension=$root/$extension
python=/usr/bin/python3
helper=$root/tests/support/copies.py
new=$root/build/sqlite-new
work=$(mktemp -d "${TMPDIR:-/tmp}/upgrade-XXXXXX")
trap 'rm -rf "$work"' EXIT
checks=0
failures=0

verdict() {
    checks=$((checks + 1))
    [ "$1" = 0 ] && return
    failures=$((failures + 1))
    echo "$2"
}

replaced_under_a_program() {
    mkdir "$work/other"
    cp "$extension" "$work/art.so"
    cp "$extension" "$work/other/art.so"
    coproc program { $python "$root/tests/clients/upgrade.py" "$work" 2>&1; }
    local pid=$program_PID said
    read -r said <&"${program[0]}"
    cp "$extension" "$work/art.so.new" && mv "$work/art.so.new" "$work/art.so"
    echo >&"${program[1]}"
    said+=$(cat <&"${program[0]}")
    wait "$pid"
    verdict $? "a program whose art.so is replaced: $said"
}

two_versions_of_sqlite() {
    [ -e "$new/libsqlite3.so.0" ] || { echo "SKIPPED: two versions of SQLite: the newer one is not here" && return; }
    for storage in file inline; do
        $python "$helper" load "${extension%.so}" "$work/$storage.db" $storage 3 # both find what they need
        LD_LIBRARY_PATH=$new $python "$helper" load "${extension%.so}" "$work/$storage.db" $storage 100 &
        $python "$helper" load "${extension%.so}" "$work/$storage.db" $storage 100
        verdict $? "$storage: the older SQLite fails beside the newer one"
        wait $!
        verdict $? "$storage: the newer SQLite fails beside the older one"
        LD_LIBRARY_PATH=$new $python "$helper" look "${extension%.so}" "$work/$storage.db" 203
        verdict $? "$storage: not what both have written"
    done
}

if $python "$helper" can "${extension%.so}" 2>/dev/null; then
    replaced_under_a_program
    two_versions_of_sqlite
else
    echo "SKIPPED: upgrades: no Python here that loads this extension"
fi

echo "$((checks ? 100 * (checks - failures) / checks : 0))%: Checks: $checks, Failures: $failures, Errors: 0"
[ $failures = 0 ]
