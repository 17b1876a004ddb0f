#!/usr/bin/env bash
# A page describes the format (core/FORMAT.md), and a reader was written by it alone, without art's code. It reads
# the golden archives and what this version writes, and refuses what it does not know (compare.py). What finds rows faster
# is as the page says, too (finds.py), and so are copies and published tables (besides.py).
set -u
shopt -s nullglob
root=$(cd "$(dirname "$0")/../.." && pwd)
extension=${ART_EXTENSION:-$root/art.so}
[[ $extension == /* ]] || extension=$PWD/$extension
work=$(mktemp -d "${TMPDIR:-/tmp}/reader-XXXXXX")
trap 'rm -rf "$work"' EXIT

for archive in "$root"/tests/golden/*.tar.gz; do
    mkdir "$work/$(basename "$archive" .tar.gz)"
    gzip -dc "$archive" | tar -xf - -C "$work/$(basename "$archive" .tar.gz)" || exit 1
done
hashes=yes
/usr/bin/python3 -c "import xxhash" 2>/dev/null || hashes=
[ "$hashes" ] || echo "SKIPPED: without python3-xxhash hashes are not verified, nor what finds rows by them"
if ! /usr/bin/python3 "$root/tests/support/copies.py" can "${extension%.so}" 2>/dev/null; then
    echo "SKIPPED: new tables: no Python here that loads this extension"
    extension=
fi
status=0
/usr/bin/python3 -B "$root/tests/golden/compare.py" "$work" ${extension:+"${extension%.so}"} || status=1
# Other platforms' blobs are these, byte by byte (same_bytes.py).
[ -z "$hashes" ] || /usr/bin/python3 -B "$root/tests/golden/finds.py" "$work"/{1.0,1.0-large,1.0-vacuum}/*.db "$work"/1.0-more/units*.db "$work"/*.db || status=1
if [ "$hashes" ] && [ "$extension" ]; then
    mkdir "$work/besides"
    /usr/bin/python3 -B "$root/tests/golden/besides.py" "${extension%.so}" "$work/besides" || status=1
fi
exit $status
