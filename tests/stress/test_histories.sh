#!/usr/bin/env bash
# Random histories of two databases that sync, are copied, killed and salvaged, against dictionaries: histories.py.
#
#   tests/stress/test_histories.sh [how many histories [the first one's seed]]
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
export ART_EXTENSION=${ART_EXTENSION:-$root/art.so}
[[ $ART_EXTENSION == /* ]] || ART_EXTENSION=$PWD/$ART_EXTENSION
/usr/bin/python3 "$root/tests/support/copies.py" can "${ART_EXTENSION%.so}" 2>/dev/null || {
    echo "SKIPPED: there is no Python that loads this extension"
    echo "100%: Checks: 0, Failures: 0, Errors: 0"
    exit 0
}
exec /usr/bin/python3 "$root/tests/stress/histories.py" "${@:-2}"
