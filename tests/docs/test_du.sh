#!/usr/bin/env bash
# sql/du.sh against du, find and ncdu themselves: a made tree with odd names, hard links, empty, closed and deep folders, and a
# real one (DU_FOLDER, /usr/include by itself).
#
# The total of each directory is that of `du -x -B1`, its newest time that of `du -x --time`, and its apparent size that of
# `du -x -B1 --apparent-size`. All of them count directories themselves, as the rows of the index do; only where du leaves
# directories out of apparent sizes (coreutils from 9.2 on) they are left out here, too. The export is item by item what ncdu
# says when it walks through the tree itself.
set -u
cd "$(dirname "$0")/../.." || exit 1
du=$PWD/sql/du.sh
export ART_EXTENSION=${ART_EXTENSION:-$PWD/art.so}
[[ $ART_EXTENSION == /* ]] || ART_EXTENSION=$PWD/$ART_EXTENSION
export LC_ALL=C TZ=UTC
real=$(realpath "${DU_FOLDER:-/usr/include}")
work=$(mktemp -d "${TMPDIR:-/tmp}/du-XXXXXX")
trap 'chmod 700 "$work/tree/closed" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 1
checks=0
failures=0

verdict() {
    checks=$((checks + 1))
    [ "$1" = 0 ] && return
    failures=$((failures + 1))
    echo "sql/du.sh: $2"
}

# same <what>: are the files `expected` and `found` equal, and not empty?
same() {
    [ -s expected ] && diff expected found >differences
    verdict $? "$1: $(head -20 differences 2>/dev/null)"
}

fails() {
    local what=$1 says=$2
    shift 2
    ! "$@" >said 2>&1 && grep -qF -- "$says" said
    verdict $? "$what: $(cat said)"
}

sql() { sqlite3 -batch -bail "$1" ".load '$ART_EXTENSION'" '.separator "\t"' "$2"; }

# A line for each name, whatever its bytes are.
lines() { sed -z 's/\n/<LF>/g' | tr '\0' '\n' | sort; }
line="replace(rtrim('./' || path, '/'), char(10), '<LF>')"

# du_says <folder> <option>...: size, path
du_says() {
    (cd "$1" && du -0 -x -B1 "${@:2}" . 2>/dev/null) | lines
}
index_says() { sql "$1" "SELECT $2, $line FROM files WHERE kind = 'd'" | sort; }

index() { "$du" index "$@" >run 2>errors; }
version() { sql "$1" "SELECT max(row_version) FROM files"; }

# ---- trees

# What has names in one directory only: there is one answer to how much each directory takes.
make_tree() {
    local name
    mkdir -p tree && cd tree || return
    mkdir -p empty a/b/c 'sp ace' $'new\nline' "qu\"o'te" $'cr\r\nlf' a-b a.b $'bad\xff\x80' '[x]*?' ' ' '"' closed deep/er/still
    for name in a.txt a/1 a/b/2 a/b/c/3 'sp ace/ lead' 'sp ace/trail ' $'new\nline/x\n' "qu\"o'te/\"" "qu\"o'te/'" $'cr\r\nlf/"\r\n' \
        a-b/z 'a.b/z,/w' $'bad\xff\x80/\x80\x01' $'\xff' 'a,b' $'.import x\n.quit' 'back\slash' $'tab\ts' $'\x7f' $'\x1e\x1f' é '[x]*?/%_' \
        ' / ' '"/""' '</-->' '\u0041' ';DROP' '--' closed/hidden deep/er/still/here; do
        [[ $name != */* ]] || mkdir -p "./${name%/*}"
        head -c $((RANDOM * 4)) /dev/zero >"./$name"
    done
    ln a/1 a/1-again
    ln a/1 a/0-before
    ln deep/er/still/here deep/er/still/there
    ln -s nowhere symbolic
    mkfifo pipe
    truncate -s 5M sparse
    : >nothing
    find . -depth -exec touch -h -d @1000000000 {} +
    touch -d @1700000000 deep/er/still/here a-b/z
    touch -d @1600000000 a/b
    chmod 000 closed
    cd ..
    sync -f tree
}

test_each_directory_of_a_made_tree_has_the_total_of_du() {
    index odd.db tree
    verdict $? "index of the made tree fails: $(cat errors)"
    [ "$(id -u)" = 0 ] || grep -q closed errors
    verdict $? "it does not say that a folder is closed"
    compare_with_du odd.db tree
    find tree -mindepth 1 -printf '%P\0' 2>/dev/null | lines >expected
    sql odd.db "SELECT replace(rtrim(path, '/'), char(10), '<LF>') FROM files WHERE path <> ''" | sort >found
    same "the paths of the made tree"
}

compare_with_du() {
    local database=$1 folder=$2 apparent="art_sum('files', 'bytes', path)"
    du_says "$folder" >expected
    index_says "$database" "art_sum('files', 'size', path)" >found
    same "sizes of directories of $folder"
    du_says "$folder" --time --time-style=+%s >expected
    index_says "$database" "art_sum('files', 'size', path), art_max('files', 'mtime', path)" >found
    same "times of directories of $folder"
    [ "$(du -B1 --apparent-size tree/empty | cut -f1)" != 0 ] ||
        apparent="(SELECT coalesce(sum(bytes), 0) FROM files below WHERE below.prefix = files.path AND kind IN ('f', 'l'))"
    du_says "$folder" --apparent-size >expected
    index_says "$database" "$apparent" >found
    same "apparent sizes of directories of $folder"
}

test_a_level_shows_what_du_shows_of_it() {
    (cd tree/a/b && du -x -B1 -a -d1 . | sed -n 's/\.\//a\/b\//p' | LC_ALL=C sort -t $'\t' -k1,1nr -k2,2) >expected
    "$du" level odd.db a/b/ | awk -F '\t' '{ sub(/\/$/, "", $4); print $1 "\t" $4 }' >found
    same "the level a/b/"
    (cd tree && find . -mindepth 1 -maxdepth 1 -printf x 2>/dev/null | wc -c) >expected
    "$du" level odd.db | wc -l >found
    same "the names of the first level"
    "$du" level odd.db | cut -f1 >found
    sort -rn found >expected
    same "the order of a level"
    "$du" level odd.db | grep -F 'new\nline' >found
    printf '%s\t2\t2001-09-09 01:46:40\t"new\\nline/"\n' "$(du -B1 -s $'tree/new\nline' | head -1 | cut -f1)" >expected
    same "a directory with a newline in its name"
    printf 'empty/\t1\n' >expected
    "$du" level odd.db empty | awk -F '\t' '{ print $4 "\t" $2 }' >found
    same "an empty directory"
}

test_the_largest_and_the_newest_come_first() {
    # a/1 has three names and counts once
    find tree/a -printf '%b %n %y %i\n' | awk '$2 == 1 || $3 == "d" || !seen[$4]++ { print $1 * 512 }' | sort -rn | head -4 >expected
    "$du" largest odd.db a/ 4 | cut -f1 >found
    same "the largest rows below a/"
    printf '2023-11-14 22:13:20\ta-b/z\n2023-11-14 22:13:20\tdeep/er/still/here\n2023-11-14 22:13:20\tdeep/er/still/there\n' >expected
    "$du" newest odd.db '' 3 | cut -f2- | sort >found
    same "the newest rows"
    "$du" largest odd.db | wc -l >found
    echo 20 >expected
    same "the number of rows by itself"
}

# Each inode counts at its first name in the order of paths: du is given the names in that order.
test_an_inode_with_names_in_several_directories_counts_once() {
    cp -a tree linked 2>/dev/null
    (cd linked && mkdir first && ln a/1 a-b/second && ln a-b/z zz && ln a/b/2 first/2 && ln sparse 0 &&
        ln -P symbolic first/symbolic && ln pipe a/pipe)
    sync -f linked
    index linked.db linked
    verdict $? "index of a tree with hard links fails: $(cat errors)"
    du -s -x -B1 linked 2>/dev/null | cut -f1 >expected
    sql linked.db "SELECT art_sum('files', 'size', '')" >found
    same "the total of a tree with hard links"
    (cd linked && find . ! -type d -print0 2>/dev/null | sort -z | du -0 -B1 --files0-from=-) | lines | grep -v '^0' >expected
    sql linked.db "SELECT size, $line FROM files WHERE kind <> 'd' AND size > 0" | sort >found
    same "which name of a hard link counts"
    chmod 700 linked/closed
}

test_a_path_that_is_too_long_is_left_out() {
    local name i
    name=$(printf 'n%.0s' {1..250})
    mkdir long
    (cd long && echo >short && for ((i = 0; i < 265; i++)); do mkdir "$name" && cd -P "$name" 2>/dev/null || exit 1; done) || {
        echo "SKIPPED: no folder can be made that deep"
        return
    }
    index long.db long
    verdict $? "index of a deep tree fails: $(cat errors)"
    grep -q '^4 paths of more than 65534 bytes are left out' run
    verdict $? "it does not say what it left out: $(cat run)"
    sql long.db "SELECT count(*), art_check('files') FROM files" >found
    printf '263\tok\n' >expected
    same "a deep tree"
}

test_a_real_tree_has_the_totals_of_du() {
    local try
    for try in 1 2 3; do
        du_says "$real" --time --time-style=+%s >before
        index real.db "$real"
        verdict $? "index of $real fails: $(cat errors)"
        du_says "$real" --time --time-style=+%s >after
        ! cmp -s before after || break
        echo "$real has changed meanwhile (try $try)"
    done
    if [ -z "$(find "$real" -xdev ! -type d -links +1 -print -quit)" ]; then
        compare_with_du real.db "$real"
    else
        echo "SKIPPED: the directories of $real one by one: it has hard links"
        du -s -x -B1 "$real" | cut -f1 >expected
        sql real.db "SELECT art_sum('files', 'size', '')" >found
        same "the total of $real"
    fi
    find "$real" -xdev -mindepth 1 -printf '%b\n' | awk '{ print $1 * 512 }' | sort -rn | head -20 >expected
    "$du" largest real.db | cut -f1 >found
    [ -n "$(find "$real" -xdev ! -type d -links +1 -print -quit)" ] || same "the largest rows of $real"
}

# ---- changes

# what_changed <version>: path of each row that was written since
what_changed() { sql odd.db "SELECT $line FROM files WHERE row_version > $1" | sort >found; }

test_an_index_made_again_writes_what_has_changed_and_nothing_else() {
    local before rows
    before=$(version odd.db)
    rows=$(sql odd.db "SELECT count(*) FROM files")
    index odd.db tree
    grep -q "; 0 rows written, 0 deleted$" run
    verdict $? "a second run over the same tree writes: $(cat run errors)"
    [ "$(version odd.db)" = "$before" ]
    verdict $? "a second run over the same tree makes a new version"

    sizes tree >sizes.then

    # one grows, one gets another time, one is new, one goes, a directory goes, one changes its name, a file becomes a directory
    head -c 300000 /dev/zero >>tree/a/b/c/3
    touch -d @1700000001 'tree/sp ace/ lead'
    head -c 20000 /dev/zero >$'tree/bad\xff\x80/new\n'
    rm tree/a-b/z
    rm -r 'tree/[x]*?'
    mv tree/deep tree/deeper
    rm tree/nothing && mkdir tree/nothing
    sync -f tree
    printf '%s\n' . ./a-b $'./bad\xff\x80' $'./bad\xff\x80/new<LF>' ./a/b/c/3 './sp ace/ lead' ./nothing \
        ./deeper ./deeper/er ./deeper/er/still ./deeper/er/still/here ./deeper/er/still/there | sort >expected
    index odd.db tree
    verdict $? "index after changes fails: $(cat errors)"
    what_changed "$before"
    same "rows that were written"
    # gone: z, [x]*? and %_ in it, nothing as a file, and the five of deep
    grep -q "; 12 rows written, 9 deleted$" run
    verdict $? "what it says of its changes: $(cat run)"
    compare_with_du odd.db tree
    [ "$(sql odd.db "SELECT art_check('files')")" = ok ]
    verdict $? "art_check is not ok"
    grew "$before"
    what_it_ran "$before" "$rows"
}

# sizes <folder>: of each name in it, with a slash behind a directory's
sizes() { (cd "$1" && find . -mindepth 1 -maxdepth 1 -type d -printf '%f/\0' -o -mindepth 1 -maxdepth 1 -printf '%f\0' | du -0 -B1 --files0-from=- -s) | lines; }

# What each name of a level takes now, beside what it took then (`sizes.then`).
grew() {
    local tab=$'\t'
    sizes tree >sizes.now
    join -t "$tab" -1 2 -2 2 -a 1 -a 2 -e 0 -o 0,1.1,2.1 <(sort -t "$tab" -k2 sizes.then) <(sort -t "$tab" -k2 sizes.now) |
        awk -F "$tab" -v OFS="$tab" '$2 != $3 { print $3 - $2, $3, $2, $1 }' | sort >expected
    "$du" growth odd.db "$1" | sort >found
    same "growth"
    "$du" growth odd.db "$1" a/b/ | cut -f1,4 >found
    [ "$(cut -f2 found)" = a/b/c/ ] && [ "$(cut -f1 found)" -ge 299008 ]
    verdict $? "growth two levels below: $(cat found)"
    "$du" growth odd.db "$1" '' 3 | head -1 | cut -f4 >found
    echo a/b/c/ >expected
    same "growth three levels at once"
    [ -z "$("$du" growth odd.db "$(version odd.db)")" ]
    verdict $? "growth since the last version"
    fails "growth since a run that was none" "the run 1000000 has found is not kept" "$du" growth odd.db 1000000
}

what_it_ran() {
    "$du" growth odd.db | cut -f1,3,5- >found
    printf '%s\n' "$1	$2	$2	0" "$1	$2	0	0" "$(version odd.db)	$(sql odd.db "SELECT count(*) FROM files")	12	9" >expected
    same "the list of runs"
}

test_an_index_that_cannot_be_made_leaves_the_former_one() {
    local before
    before=$(sql odd.db "SELECT count(*), max(row_version) FROM files")
    fails "another folder" "index of another folder" "$du" index odd.db tree/a
    fails "a folder that is not there" "there is no folder" "$du" index odd.db nowhere
    fails "a database that is not there" "there is no database" "$du" level nowhere.db ''
    ART_EXTENSION=/nowhere/art fails "no extension" "there is no /nowhere/art.so" "$du" level odd.db ''
    ART_EXTENSION=${ART_EXTENSION%.so} fails "a number, without .so" "is not a number" "$du" largest odd.db '' x
    fails "a number that is none" "is not a number" "$du" largest odd.db '' '1; DROP TABLE files'
    fails "no command" "sql/du.sh level" "$du"
    # a list that ends halfway, and one that is not there
    mkdir half none
    printf '#!/bin/sh\nhead -c 1000\nexit 4\n' >half/sed
    printf '#!/bin/sh\nexit 1\n' >none/find
    chmod +x half/sed none/find
    fails "a list that was cut short" "cannot be listed" env PATH="$work/half:$PATH" "$du" index odd.db tree
    fails "a list that is not there" "cannot be listed" env PATH="$work/none:$PATH" "$du" index odd.db tree
    [ "$(sql odd.db "SELECT count(*), max(row_version) FROM files")" = "$before" ]
    verdict $? "the index changed all the same"
}

# ---- ncdu

# items <export>: a line for each item of the JSON
items() {
    sqlite3 -batch -bail :memory: "
      WITH RECURSIVE directory(path, items) AS (
        SELECT json_extract(export, '\$[3][0].name'), json_extract(export, '\$[3]')
          FROM (SELECT CAST(readfile('$1') AS TEXT) AS export)
        UNION ALL
        SELECT directory.path || '/' || json_extract(value, '\$[0].name'), value FROM directory, json_each(items) WHERE type = 'array')
      SELECT json_quote(directory.path || iif(key = 0, '/.', '/' || json_extract(value, '\$.name'))),
        coalesce(json_extract(value, '\$.asize'), 0), coalesce(json_extract(value, '\$.dsize'), 0), json_extract(value, '\$.ino'),
        coalesce(json_extract(value, '\$.hlnkc'), 0), json_extract(value, '\$.nlink'), coalesce(json_extract(value, '\$.notreg'), 0)
      FROM directory, json_each(items) WHERE type = 'object'" | sort
}

# The total of an export as ncdu counts it: each inode once.
total() { items "$1" | awk -F '|' '$5 == 0 || !seen[$4]++ { n += $3 } END { printf "%.0f\n", n }'; }

test_the_export_is_what_ncdu_says_of_the_same_tree() {
    local of=$1 folder=$2
    "$du" ncdu "$of.db" >"$of.json"
    verdict $? "the export of $folder fails"
    du -s -x -B1 "$folder" 2>/dev/null | cut -f1 >expected
    total "$of.json" >found
    same "the total of the export of $folder"
    command -v ncdu >/dev/null || return 0
    ncdu --ignore-config -f "$of.json" -o "$of.again" 2>errors
    verdict $? "ncdu does not read the export of $folder: $(cat errors)"
    items "$of.again" >found
    ncdu --ignore-config -x -0 -o "$of.own" "$folder" 2>/dev/null
    items "$of.own" >expected
    same "the export of $folder, and what ncdu says itself"
}

make_tree
test_each_directory_of_a_made_tree_has_the_total_of_du
test_a_level_shows_what_du_shows_of_it
test_the_largest_and_the_newest_come_first
test_an_inode_with_names_in_several_directories_counts_once
test_the_export_is_what_ncdu_says_of_the_same_tree odd tree
test_the_export_is_what_ncdu_says_of_the_same_tree linked linked
test_a_path_that_is_too_long_is_left_out
test_a_real_tree_has_the_totals_of_du
test_the_export_is_what_ncdu_says_of_the_same_tree real "$real"
test_an_index_made_again_writes_what_has_changed_and_nothing_else
test_an_index_that_cannot_be_made_leaves_the_former_one
command -v ncdu >/dev/null || echo "SKIPPED: there is no ncdu to read the exports"

rate=$((100 * (checks - failures) / checks))
echo "$rate%: Checks: $checks, Failures: $failures, Errors: 0"
[ $failures = 0 ]
