#!/usr/bin/env bash
# Each former release beside this version: both read and write one database by turns, or refuse it with a sentence and change
# nothing (releases.py). A release is built out of the history, at the commit that `releases` names; build/releases keeps it.
#
#   tests/clients/releases.sh [how many worlds [the first one's seed]]
set -u
cd "$(dirname "$0")/../.." || exit 1
extension=${ART_EXTENSION:-$PWD/art.so}
[[ $extension == /* ]] || extension=$PWD/$extension
checks=0
failures=0

build() { # <commit> <folder>
    [ -e "$2/build/shipped/art.so" ] && return
    rm -rf "$2" && mkdir -p "$2" && git archive "$1" | tar -xf - -C "$2" && make -s -C "$2" -j"$(nproc)" SHIPPED=1 library >"$2/log" 2>&1
}

while read -r name commit kind; do
    folder=$PWD/build/releases/$name-${commit:0:8}
    git cat-file -e "$commit^{commit}" 2>/dev/null || {
        echo "SKIPPED: $name: this copy of the sources has no history with its commit"
        continue
    }
    checks=$((checks + 1))
    if build "$commit" "$folder"; then
        said=$(/usr/bin/python3 tests/clients/releases.py "$extension" "$folder/build/shipped/art.so" $kind "$@" 2>&1) || failures=$((failures + 1))
        echo "$name: $said"
    else
        failures=$((failures + 1))
        echo "$name could not be built: $folder/log"
    fi
done < <(grep -v '^#' tests/clients/releases)

echo "$((checks ? 100 * (checks - failures) / checks : 0))%: Checks: $checks, Failures: $failures, Errors: 0"
[ $failures = 0 ]
