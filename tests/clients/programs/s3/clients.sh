#!/usr/bin/env bash
# rclone and s3cmd against the server at $S3_ENDPOINT: a folder goes there, is listed, changed, synced and comes back.
#
#   clients.sh [rclone|s3cmd]...       in an empty folder; server.py runs it
set -eu
export LC_ALL=C.UTF-8
server=${S3_ENDPOINT#http://}

rclone_s3() {
    timeout 60 rclone --config /dev/null --log-level ERROR --retries 1 --low-level-retries 1 "$@"
}
export RCLONE_CONFIG_S_TYPE=s3 RCLONE_CONFIG_S_PROVIDER=Other RCLONE_CONFIG_S_ENDPOINT=$S3_ENDPOINT
export RCLONE_CONFIG_S_ACCESS_KEY_ID=a RCLONE_CONFIG_S_SECRET_ACCESS_KEY=b RCLONE_CONFIG_S_LIST_CHUNK=7

s3cmd_s3() {
    timeout 60 s3cmd --config /dev/null --access_key a --secret_key b --no-ssl --no-progress "--host=$server" \
        "--host-bucket=$server" "$@"
}

# same <what> <expected file> <file>
same() {
    diff -u --label "$1: expected" --label "$1: got" "$2" "$3" || exit 1
}

make_folder() {
    rm -rf "$1" && mkdir -p "$1/a b/c+d" "$1/deep/1/2/3/4/5" "$1/ünï" "$1/many"
    for name in a 'a space' 'plus+' '100%' 'per%2Fcent' 'q?' 'hash#' "it's" 'amp&' 日本 .hidden 'a=b' '~' 'at@,;'; do
        printf '%s' "$name" >"$1/a b/$name"
        printf '%s' "$name" >"$1/ünï/$name"
    done
    for i in $(seq 25); do echo "$i" >"$1/many/$i"; done
    echo deep >"$1/deep/1/2/3/4/5/file"
    echo nested >"$1/a b/c+d/e"
    : >"$1/empty"
    head -c 11000000 /dev/zero | tr '\0' x >"$1/large"
}

change_folder() {
    rm "$1"/many/1* "$1/ünï/plus+"
    echo changed >"$1/many/2"
    echo new >"$1/deep/new name"
}

files_of() {
    find "$1" -type f -printf '%P\n' | LC_ALL=C sort
}

try_rclone() {
    make_folder from
    rclone_s3 mkdir s:clones
    rclone_s3 copy --s3-upload-cutoff 5M --s3-chunk-size 5M from s:clones/to
    rclone_s3 check from s:clones/to
    files_of from >expected
    rclone_s3 lsf -R --files-only s:clones/to | LC_ALL=C sort >got
    same 'lsf -R' expected got
    rclone_s3 lsf -R --files-only --fast-list s:clones/to | LC_ALL=C sort >got
    same 'lsf --fast-list' expected got
    rclone_s3 ls s:clones/to | sed 's/^ *[0-9]* //' | LC_ALL=C sort >got
    same ls expected got
    rclone_s3 lsf s:clones/to | LC_ALL=C sort >got
    printf '%s\n' 'a b/' deep/ empty large many/ ünï/ >expected
    same lsf expected got
    rclone_s3 lsjson -R --files-only --hash s:clones/to >got.json
    /usr/bin/python3 - <<'EOF'
import datetime, hashlib, json, os
for each in json.load(open('got.json')):
    path = 'from/' + each['Path']
    data, made = open(path, 'rb').read(), datetime.datetime.fromisoformat(each['ModTime'][:19] + '+00:00').timestamp()
    assert each['Size'] == len(data) and each['Hashes']['md5'] == hashlib.md5(data).hexdigest(), each
    assert abs(os.stat(path).st_mtime - made) < 2, each
EOF
    change_folder from
    rclone_s3 sync from s:clones/to
    rclone_s3 check from s:clones/to
    rclone_s3 copy s:clones/to s:clones/second
    rclone_s3 check --one-way s:clones/to s:clones/second
    rclone_s3 sync s:clones/second back
    diff -r from back
    rclone_s3 moveto 's:clones/to/many/2' 's:clones/to/many/moved + %'
    rclone_s3 cat 's:clones/to/many/moved + %' | grep -qx changed
    rclone_s3 purge s:clones/to
    rclone_s3 lsf s:clones >got
    echo second/ >expected
    same purge expected got
    rclone_s3 purge s:clones
    rclone_s3 lsf s: >got
    same 'purge of a bucket' /dev/null got
}

try_s3cmd() {
    make_folder from
    s3cmd_s3 --quiet mb s3://cmd
    s3cmd_s3 --quiet sync --multipart-chunk-size-mb=5 from/ s3://cmd/to/
    files_of from | sed 's|^|s3://cmd/to/|' >expected
    s3cmd_s3 ls -r s3://cmd/to/ | sed 's|^.*  s3://|s3://|' | LC_ALL=C sort >got
    same 'ls -r' expected got
    s3cmd_s3 ls s3://cmd/to/ | sed 's|^.*  s3://|s3://|' | LC_ALL=C sort >got
    printf 's3://cmd/to/%s\n' 'a b/' deep/ empty large many/ ünï/ >expected
    same ls expected got
    s3cmd_s3 du s3://cmd/to/ | awk '{ print $1, $2 }' >got
    find from -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum, NR }' >expected
    same du expected got
    change_folder from
    s3cmd_s3 --quiet sync --delete-removed from/ s3://cmd/to/
    s3cmd_s3 --quiet sync s3://cmd/to/ back/
    diff -r from back
    echo one >'a file'
    s3cmd_s3 --quiet put 'a file' 's3://cmd/one + %'
    s3cmd_s3 --quiet cp 's3://cmd/one + %' s3://cmd/two
    s3cmd_s3 --quiet mv s3://cmd/two s3://cmd/three/
    s3cmd_s3 --quiet get --force 's3://cmd/one + %' 'a copy'
    cmp 'a file' 'a copy'
    s3cmd_s3 --quiet del 's3://cmd/one + %'
    s3cmd_s3 --quiet del -r --force s3://cmd/to/
    s3cmd_s3 ls -r s3://cmd | sed 's|^.*  s3://|s3://|' >got
    echo s3://cmd/three/two >expected
    same del expected got
    s3cmd_s3 --quiet rb --recursive --force s3://cmd 2>log
    s3cmd_s3 ls >got
    same 'rb' /dev/null got
}

for client; do
    rm -rf "$client" && mkdir "$client"
    (cd "$client" && "try_$client")
    echo "$client: ok"
done
