#!/usr/bin/env bash
# A snapshot of the file system that holds a database and its .art file, taken while somebody writes, opens as after a power
# loss: whole, both tables alike, with every commit that was told. On btrfs by a snapshot of the subvolume; on XFS by a copy of
# the frozen device, as LVM and clouds make them; of 100 of those 21 were refused once, on a busy machine: why is not known.
# ART_FS_SNAPSHOTS=100 for more than the 6 of each that `make check` takes.
#
# It takes root, loop devices and the two mkfs; what is not here is said to be skipped.
set -u
cd "$(dirname "$0")/../.." || exit 1
root=$PWD
extension=${ART_EXTENSION:-$root/art.so}
[[ $extension == /* ]] || extension=$root/$extension
extension=${extension%.so}
count=${ART_FS_SNAPSHOTS:-6}
python=/usr/bin/python3
helper=$root/tests/support/copies.py
checks=0
failures=0
writer=
work=$(mktemp -d "${TMPDIR:-/tmp}/snapshots-XXXXXX")
mkdir "$work/there" "$work/copy"

end_writer() {
    [ -z "$writer" ] || { kill "$writer" && wait "$writer"; } 2>/dev/null
    writer=
}
# The kernel lets go of a process's ring, and the files in it, a little after the process.
leave() {
    for _ in $(seq 50); do
        mountpoint -q "$1" || return
        umount "$1" 2>/dev/null || sleep 0.1
    done
    verdict 1 "$1 cannot be unmounted"
}

tidy_up() {
    end_writer
    leave "$work/copy"
    leave "$work/there"
    rm -rf "$work"
}
trap tidy_up EXIT

skip() { echo "SKIPPED: $1"; }

verdict() {
    checks=$((checks + 1))
    [ "$1" = 0 ] && return
    failures=$((failures + 1))
    echo "$2"
}

begin_writer() {
    $python "$helper" write "$extension" "$1/a.db" "$2" "$work/told" &
    writer=$!
    for _ in $(seq 100); do [ -s "$work/told" ] && break; sleep 0.1; done
}

# A snapshot must have what was told before it was begun.
told() { echo $((10#$(cat "$work/told"))); }

look() {
    local said
    said=$($python "$helper" look "$extension" "$1/a.db" "$2" 2>&1)
    verdict $? "$3: $said"
}

on_btrfs() {
    mkfs.btrfs -q -f "$work/image" >/dev/null && mount -o loop "$work/image" "$work/there" 2>/dev/null ||
        { skip "$1 on btrfs: it cannot be mounted here" && return; }
    btrfs -q subvolume create "$work/there/live"
    begin_writer "$work/there/live" "$1"
    for i in $(seq "$count"); do
        sleep "0.$((RANDOM % 10))"
        number=$(told)
        btrfs -q subvolume snapshot "$work/there/live" "$work/there/s$i" || verdict 1 "no snapshot could be made"
        look "$work/there/s$i" "$number" "$1, btrfs, snapshot $i"
        btrfs -q subvolume delete "$work/there/s$i"
        if [ $((i % 20)) = 0 ]; then btrfs subvolume sync "$work/there" >/dev/null; fi # or the disk gets full
    done
    echo "$1, btrfs: $count snapshots, $(told) commits"
    end_writer
    leave "$work/there"
}

on_xfs() {
    mkfs.xfs -q -f "$work/image" && mount -o loop "$work/image" "$work/there" 2>/dev/null ||
        { skip "$1 on XFS: it cannot be mounted here" && return; }
    begin_writer "$work/there" "$1"
    for i in $(seq "$count"); do
        sleep "0.$((RANDOM % 10))"
        number=$(told)
        # Each copy under a name of its own: the kernel may still write to a device that was let go of.
        local copied="$work/image.$i"
        fsfreeze -f "$work/there" || verdict 1 "the file system cannot be frozen"
        cp --sparse=always "$work/image" "$copied" || verdict 1 "the device cannot be copied"
        fsfreeze -u "$work/there"
        mount -o loop,nouuid "$copied" "$work/copy" || verdict 1 "the copy of the device cannot be mounted"
        look "$work/copy" "$number" "$1, XFS, snapshot $i"
        leave "$work/copy"
        rm -f "$copied"
    done
    echo "$1, XFS: $count snapshots, $(told) commits"
    end_writer
    leave "$work/there"
}

missing=
for tool in mkfs.btrfs btrfs mkfs.xfs fsfreeze losetup; do command -v $tool >/dev/null || missing+=" $tool"; done
if [ "$(id -u)" != 0 ]; then
    skip "snapshots of file systems: only root mounts them"
elif [ -n "$missing" ]; then
    skip "snapshots of file systems: not here are$missing (Debian: apt-get install btrfs-progs xfsprogs)"
elif ! $python "$helper" can "$extension" 2>/dev/null; then
    skip "snapshots of file systems: no Python here that loads this extension"
else
    for storage in file inline; do
        rm -f "$work"/image* "$work/told" && truncate -s 2G "$work/image" && on_btrfs $storage
        rm -f "$work"/image* "$work/told" && truncate -s 400M "$work/image" && on_xfs $storage
    done
fi

echo "$((checks ? 100 * (checks - failures) / checks : 100))%: Checks: $checks, Failures: $failures, Errors: 0"
[ $failures = 0 ]
