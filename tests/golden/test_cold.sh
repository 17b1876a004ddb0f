#!/usr/bin/env bash
# Tables of every density are asked each kind of question by processes that have read nothing of them before: cold.py.
#
#   tests/golden/test_cold.sh [how many tables [the first one]]
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
extension=${ART_EXTENSION:-$root/art.so}
[[ $extension == /* ]] || extension=$PWD/$extension
work=$(mktemp -d "${TMPDIR:-/tmp}/cold-XXXXXX")
trap 'rm -rf "$work"' EXIT
/usr/bin/python3 "$root/tests/support/copies.py" can "${extension%.so}" 2>/dev/null || {
    echo "SKIPPED: there is no Python that loads this extension"
    echo "100%: Checks: 0, Failures: 0, Errors: 0"
    exit 0
}
/usr/bin/python3 -B "$root/tests/golden/cold.py" "${extension%.so}" "$work" "$@"
