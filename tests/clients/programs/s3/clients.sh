#!/usr/bin/env bash
# rclone and s3cmd against the server at $S3_ENDPOINT: a folder goes there, is listed, changed, synced and comes back.
#
#   clients.sh [rclone|s3cmd]...       in an empty folder; server.py runs it
set -eu
export LC_ALL=C.UTF-8
# A machine may have settings for the real one.
unset ${!AWS_@}
rclone_s3() {
    env RCLONE_CONFIG=/dev/null RCLONE_CONFIG_S_TYPE=s3 RCLONE_CONFIG_S_PROVIDER=Other "RCLONE_CONFIG_S_ENDPOINT=$S3_ENDPOINT" \
        RCLONE_CONFIG_S_ACCESS_KEY_ID=a RCLONE_CONFIG_S_SECRET_ACCESS_KEY=b RCLONE_CONFIG_S_LIST_CHUNK=7 no_proxy=127.0.0.1 \
        timeout 60 rclone --log-level ERROR --retries 1 --low-level-retries 1 "$@"
}

s3cmd_s3() {
    : >s3cfg
    env no_proxy=127.0.0.1 timeout 60 s3cmd --config s3cfg --access_key a --secret_key b --no-ssl --no-progress \
        "--host=${S3_ENDPOINT#http://}" "--host-bucket=${S3_ENDPOINT#http://}" "$@"
}

# same <what> <expected file> <file>
same() {
    diff -u --label "$1: expected" --label "$1: got" "$2" "$3" || exit 1
}

make_folder() {
    rm -rf "$1" && mkdir -p "$1/a b/c+d" "$1/deep/1/2/3/4/5" "$1/ünï" "$1/many"
    for name in plain 'with space' 'plus+' 'per%cent' 'per%2Fcent' 'q?' 'hash#' "quote'" 'amp&' 日本 .hidden 'a=b' 'tilde~' 'at@,;'; do
        printf '%s' "$name" >"$1/a b/$name"
        printf '%s' "$name" >"$1/ünï/$name"
    done
    for i in $(seq 40); do echo "$i" >"$1/many/$i"; done
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
    (cd "$1" && find . -type f | sed 's|^\./||' | LC_ALL=C sort)
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
    (cd from && find . -mindepth 1 -maxdepth 1 -type d -printf '%P/\n' -o -mindepth 1 -maxdepth 1 -printf '%P\n') | LC_ALL=C sort >expected
    same lsf expected got
    rclone_s3 lsjson -R --files-only --hash s:clones/to >got.json
    /usr/bin/python3 - <<'EOF'
import hashlib, json, os
for each in json.load(open('got.json')):
    data = open('from/' + each['Path'], 'rb').read()
    assert each['Size'] == len(data) and abs(os.stat('from/' + each['Path']).st_mtime - __import__('datetime').datetime.fromisoformat(
        each['ModTime'][:19] + '+00:00').timestamp()) < 2, each
    assert each['Hashes'].get('md5') == hashlib.md5(data).hexdigest(), each
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
    [ -z "$(rclone_s3 lsd s: | grep clones)" ]
}

try_s3cmd() {
    make_folder from
    s3cmd_s3 mb s3://cmd >/dev/null
    s3cmd_s3 sync --multipart-chunk-size-mb=5 from/ s3://cmd/to/ >/dev/null
    files_of from | sed 's|^|s3://cmd/to/|' >expected
    s3cmd_s3 ls -r s3://cmd/to/ | sed 's|^.*  s3://|s3://|' | LC_ALL=C sort >got
    same 'ls -r' expected got
    s3cmd_s3 ls s3://cmd/to/ | sed 's|^.*  s3://|s3://|' | LC_ALL=C sort >got
    printf 's3://cmd/to/%s\n' 'a b/' deep/ empty large many/ ünï/ >expected
    same ls expected got
    s3cmd_s3 du s3://cmd/to/ | awk '{ print $1, $2 }' >got
    files_of from | while IFS= read -r file; do stat -c %s "from/$file"; done | awk '{ sum += $1 } END { print sum, NR }' >expected
    same du expected got
    change_folder from
    s3cmd_s3 sync --delete-removed from/ s3://cmd/to/ >/dev/null
    s3cmd_s3 sync s3://cmd/to/ back/ >/dev/null
    diff -r from back
    echo one >'a file'
    s3cmd_s3 put 'a file' 's3://cmd/one + %' >/dev/null
    s3cmd_s3 cp 's3://cmd/one + %' s3://cmd/two >/dev/null
    s3cmd_s3 mv s3://cmd/two 's3://cmd/three/' >/dev/null || s3cmd_s3 mv s3://cmd/two 's3://cmd/three' >/dev/null
    s3cmd_s3 get --force 's3://cmd/one + %' 'a copy' >/dev/null
    cmp 'a file' 'a copy'
    s3cmd_s3 del 's3://cmd/one + %' >/dev/null
    s3cmd_s3 del -r --force s3://cmd/to/ >/dev/null
    s3cmd_s3 ls -r s3://cmd | sed 's|^.*  s3://|s3://|' >got
    cat got
    s3cmd_s3 rb --recursive --force s3://cmd >/dev/null
    [ -z "$(s3cmd_s3 ls)" ]
}

for client in "${@:-rclone}"; do
    rm -rf "$client" && mkdir "$client"
    (cd "$client" && "try_$client")
    echo "$client: ok"
done
