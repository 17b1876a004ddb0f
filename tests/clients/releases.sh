#!/usr/bin/env bash
# Each former release beside this version: both read and write one database by turns, or refuse it with a sentence and change
# nothing (releases.py). A release is the binary that was kept of it (released/keep), where that runs: on x86-64 with glibc. Others
# are built out of the history, at the commit that `releases` names. build/releases keeps both.
#
#   tests/clients/releases.sh [how many worlds [the first one's seed]]
set -u
cd "$(dirname "$0")/../.." || exit 1
extension=${ART_EXTENSION:-$PWD/art.so}
[[ $extension == /* ]] || extension=$PWD/$extension
checks=0
failures=0

kept() { # <release> <SHA-256>: sets `library`, where there is one for this machine
    local binary
    binary=tests/clients/released/$1-linux-$(uname -m)-gnu.so.gz
    library=$PWD/build/releases/$1/art.so
    [ "$2" ] && [ -e "$binary" ] && getconf GNU_LIBC_VERSION >/dev/null 2>&1 || return 1
    mkdir -p "${library%/*}" && gzip -dc "$binary" >"$library"
    sha256sum --quiet -c - <<<"$2  $library" || rm "$library"
}

build() { # <commit> <folder>
    [ -e "$2/build/shipped/art.so" ] && return
    rm -rf "$2" && mkdir -p "$2" && git archive "$1" | tar -xf - -C "$2" && make -s -C "$2" -j"$(nproc)" SHIPPED=1 library >"$2/log" 2>&1
}

while read -r name commit words; do
    kind=$(grep -ow refuses <<<"$words")
    if ! kept "$name" "${words#refuses}"; then
        library=$PWD/build/releases/$name-${commit:0:8}/build/shipped/art.so
        git cat-file -e "$commit^{commit}" 2>/dev/null || {
            echo "SKIPPED: $name: this copy of the sources has no history with its commit"
            continue
        }
        build "$commit" "${library%/build/*}"
    fi
    checks=$((checks + 1))
    if [ -e "$library" ]; then
        said=$(/usr/bin/python3 tests/clients/releases.py "$extension" "$library" $kind "$@" 2>&1) || failures=$((failures + 1))
        echo "$name: $said"
    else
        failures=$((failures + 1))
        echo "$name: no library: it is another one than was kept, or could not be built: ${library%/build/*}/log"
    fi
done < <(grep -v '^#' tests/clients/releases)

echo "$((checks ? 100 * (checks - failures) / checks : 0))%: Checks: $checks, Failures: $failures, Errors: 0"
[ $failures = 0 ]
