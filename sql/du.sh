#!/usr/bin/env bash
# du with an index: what every directory of a tree takes, from one descent instead of a walk.
#
#   sql/du.sh index DATABASE FOLDER            makes or renews the index of FOLDER, which lies in the table `files`
#   sql/du.sh level DATABASE [PREFIX]          one level: size, entries, newest, path; the largest first
#   sql/du.sh largest DATABASE [PREFIX [N]]    the N (20) largest rows below PREFIX: size, newest, path
#   sql/du.sh newest DATABASE [PREFIX [N]]     the N newest rows below PREFIX: size, newest, path
#   sql/du.sh growth DATABASE [VERSION [PREFIX [DEPTH]]]
#                                              what below PREFIX has grown or shrunk since that run of `index`, DEPTH (1) levels
#                                              deep: growth, size, size then, path; what has grown most first
#                                              without VERSION: the runs of `index`: version, time, rows, size, written, deleted
#   sql/du.sh ncdu DATABASE                    the whole as JSON, for `ncdu -f`
#
#   ART_EXTENSION=art.so
#
# PREFIX is '' for all of FOLDER, or a directory below it with '/' at its end (any other beginning of a path will do, too).
# Columns are separated by tabs, sizes are in bytes: `... | numfmt --to=iec` shows them as `du -h` does. A path with quotes,
# newlines or other control characters is shown as a JSON string.
#
# The rows of `files`:
#
#   path     relative to FOLDER. A directory is a row of its own and ends in '/'; that of FOLDER is ''. So an empty directory is
#            there, and a sum counts a directory's own blocks, as du does
#   size     the disk usage. So the sum below a directory is what `du -x -B1` says
#   mtime    in seconds. The largest below a directory is what `du -x --time` says
#   bytes    the apparent size, for `du -x -B1 --apparent-size` (where du leaves directories out: without theirs)
#   kind     a letter: f file, d directory, l symbolic link, p, s, b, c
#   inode, links     only for what has several names. Such an inode counts once, at its first name in the order of paths; its
#            further names have size 0. du counts it at the name that it meets first: a directory's total may differ from du's
#            where an inode has names in several directories. That of FOLDER does not, and ncdu's never do
#
# Names may have any bytes. Not there: what lies on other file systems, what find may not read (it says so), and paths of more
# than 65,534 bytes (a line says how many). A change that leaves size, length, type and the second of mtime as they were is not
# seen.
#
# Each run of `index` keeps what it has found as a snapshot of its version; the last 30 stay.
set -eu -o pipefail
root=$(cd "$(dirname "$0")/.." && pwd)

fail() {
    echo "du.sh: $*" >&2
    exit 1
}

usage() {
    sed -n 's/^#   \(sql\/du.sh\)/\1/p' "$0" >&2
    exit 2
}

extension=${ART_EXTENSION:-}
for place in "$root/art.so" "$root/build/release/art.so"; do
    [ -n "$extension" ] || [ ! -e "$place" ] || extension=$place
done
[ -n "$extension" ] || extension=$(pkg-config --variable=loadable sqlite-art 2>/dev/null || true) # where it is installed
[ -e "$extension" ] || extension=${extension:-art} extension=${extension%.so}.so
[ -e "$extension" ] || fail "there is no $extension yet: run make"
extension=$(realpath "$extension")

# blob <text>: as a literal that no byte of the text can break
blob() { echo "x'$(printf %s "$1" | od -An -v -tx1 | tr -d ' \n')'"; }

kept=30

number() { [[ $1 =~ ^[0-9]+$ ]] || fail "'$1' is not a number"; }

run() {
    { printf '.load "%s"\n.separator "\\t"\n' "$extension" && cat; } | sqlite3 -batch -bail -init /dev/null -list -noheader "$database"
}

# The newlines in names are between quotes, so that .import --csv takes each name as it is. The place before a name is ",/",
# which no number has. What find could not read is its exit 1; where anything else fails, the former index stays.
list() {
    cd -P -- "$1" || return
    { LC_ALL=C find . -xdev -printf '%y,%D,%i,%n,%b,%s,%T@,/%P\0' || [ $? = 1 ]; } |
        LC_ALL=C sed -z 's/"/""/g; s|,/|,"|; s/$/"/' | tr '\0' '\n'
}

index() {
    local folder=$1 work
    [ -d "$folder" ] || fail "there is no folder '$folder'"
    [ -r "$folder" ] || fail "the folder '$folder' may not be read"
    folder=$(cd -P -- "$folder" && printf '%s/' "$PWD")
    folder=$(blob "${folder%/}")
    work=$(mktemp -d "${TMPDIR:-/tmp}/du-XXXXXX")
    # shellcheck disable=SC2064
    trap "rm -rf $(printf %q "$work")" EXIT
    if ! (list "$1") >"$work/listing" || [ ! -s "$work/listing" ]; then
        fail "the folder '$1' cannot be listed"
    fi

    run 3<"$work/listing" <<END
.timeout 60000
CREATE TABLE IF NOT EXISTS indexed(version INTEGER, at INTEGER, folder TEXT, rows INTEGER, size INTEGER, written INTEGER, deleted INTEGER);
CREATE TEMP TABLE other_folder(no INTEGER CONSTRAINT "this database is the index of another folder: take another database" CHECK (no = 0));
INSERT INTO other_folder SELECT count(*) FROM indexed WHERE CAST(folder AS BLOB) <> $folder;

CREATE TEMP TABLE listing(kind TEXT, device TEXT, inode TEXT, links INTEGER, blocks INTEGER, bytes INTEGER, mtime NUMERIC, path TEXT);
.import --csv /dev/fd/3 listing
CREATE TEMP TABLE first_names AS
  SELECT inode, min(path) AS path FROM listing WHERE links > 1 AND kind <> 'd' GROUP BY inode;
CREATE TEMP TABLE found AS
  SELECT l.path || iif(kind = 'd' AND l.path <> '', '/', '') AS path, iif(l.path > f.path, 0, blocks * 512) AS size,
    CAST(mtime AS INTEGER) AS mtime, iif(l.path > f.path, 0, bytes) AS bytes, kind, f.inode, iif(f.inode NOTNULL, links, NULL) AS links
  FROM listing l LEFT JOIN first_names f ON f.inode = l.inode AND links > 1 AND kind <> 'd'
  WHERE device = (SELECT device FROM listing WHERE path = '');
DROP TABLE listing;
CREATE TEMP TABLE done(written INTEGER, deleted INTEGER, too_long INTEGER);
INSERT INTO done(too_long) SELECT count(*) FROM found WHERE length(CAST(path AS BLOB)) > 65534;
DELETE FROM found WHERE length(CAST(path AS BLOB)) > 65534;

BEGIN IMMEDIATE;
CREATE VIRTUAL TABLE IF NOT EXISTS files USING art(path, size INTEGER, mtime INTEGER, bytes INTEGER, kind TEXT, inode TEXT, links INTEGER,
  summary=(sum(size), max(mtime), sum(bytes)));
DELETE FROM files WHERE path IN (SELECT path FROM files EXCEPT SELECT path FROM found);
UPDATE done SET deleted = changes();
-- only what differs, so that a row's version is that of the run that saw it change
INSERT OR REPLACE INTO files SELECT * FROM found EXCEPT SELECT * FROM files;
UPDATE done SET written = changes();
INSERT INTO indexed
  SELECT (SELECT max(row_version) FROM files), unixepoch(), CAST($folder AS TEXT),
    art_count('files', ''), art_sum('files', 'size', ''), written, deleted
  FROM done;
INSERT INTO files(files, snapshot)
  SELECT 'snapshot', CAST(max(version) AS TEXT) FROM indexed HAVING CAST(max(version) AS TEXT) NOT IN (SELECT name FROM art_snapshots('files'));
INSERT INTO files(files, snapshot)
  SELECT 'drop snapshot', name FROM art_snapshots('files')
  WHERE name NOT GLOB '*[^0-9]*' AND name NOT IN (SELECT CAST(version AS TEXT) FROM indexed GROUP BY version ORDER BY version DESC LIMIT $kept);
COMMIT;
SELECT 'version ' || version || ': ' || rows || ' rows, ' || size || ' bytes; ' || written || ' rows written, ' || deleted || ' deleted'
  FROM indexed ORDER BY rowid DESC LIMIT 1;
SELECT too_long || ' paths of more than 65534 bytes are left out' FROM done WHERE too_long > 0;
END
}

# SQLite leaves DEL as it is in a JSON string, where ncdu ends reading.
quoted() { printf %s "replace(json_quote($1), char(127), '\u007f')"; }
shown="iif($(quoted path) = '\"' || path || '\"', path, $(quoted path))"
newest="strftime('%Y-%m-%d %H:%M:%S', mtime, 'unixepoch')"

# With the prefix as start_after, a directory's own row is not one of its level.
level() {
    run <<<"SELECT size, coalesce(entries, 1), $newest, $shown FROM files($1, '/', $1) ORDER BY size DESC, path;"
}

# best <column> <prefix> <how many>: best first, so that no more is read than what is shown
best() {
    number "$3"
    run <<<"SELECT size, $newest, $shown FROM files($2) ORDER BY $1 DESC LIMIT $3;"
}

runs() {
    run <<<"SELECT version, datetime(at, 'unixepoch'), rows, size, written, deleted FROM indexed;"
}

# A directory's own row, which has the prefix as its path, is not one of its level.
growth() {
    number "$1"
    number "$3"
    [ "$(run <<<"SELECT count(*) FROM art_snapshots('files') WHERE name = '$1'")" = 1 ] ||
        fail "what the run $1 has found is not kept: the last $kept versions of 'sql/du.sh growth $database' are"
    run <<<"SELECT growth, coalesce(total, 0), coalesce(old_total, 0), $shown
        FROM art_growth('files', 'size', '$1', NULL, $2, '/', $3) WHERE growth <> 0 AND path <> $2 ORDER BY growth DESC, path;"
}

# A directory comes right before all that lies below it, so one pass over the paths writes the nested arrays. What no path has
# as a JSON string is a tab, and a '/' in it is a '/' of the path. In the export each name of an inode has the inode's size.
export_ncdu() {
    run <<END | LC_ALL=C awk -F '\t' '
        NR == 1 { print $0; next }
        {
            directory = $2 == "d"
            depth = split(substr($1, 2, length($1) - 2), name, "/") - directory
            if ($1 == "\"\"") next
            for (; open >= depth; open--) printf "]"
            printf ",\n%s{\"name\":\"%s\"%s}", directory ? "[" : "", name[depth], $3
            open += directory
        }
        END { if (NR < 2) exit 1; for (; open > 0; open--) printf "]"; print "]]" }'
WITH root AS (SELECT folder, at FROM indexed ORDER BY rowid DESC LIMIT 1)
SELECT '[1,2,{"progname":"sqlite-art","progver":' || json_quote(art_version()) || ',"timestamp":' || at || '},' ||
    '[{"name":' || $(quoted "iif(folder = '', '/', folder)") || ',"asize":' || bytes || ',"dsize":' || size || ',"mtime":' || mtime || '}'
  FROM root, files WHERE path = '';
WITH linked AS MATERIALIZED (SELECT inode, max(size) AS size, max(bytes) AS bytes FROM files WHERE inode NOTNULL GROUP BY inode)
SELECT $(quoted path), kind,
    ',"asize":' || coalesce(l.bytes, f.bytes) || ',"dsize":' || coalesce(l.size, f.size) ||
    iif(l.inode NOTNULL, ',"ino":' || l.inode || ',"hlnkc":true,"nlink":' || links, '') ||
    iif(kind IN ('f', 'd'), '', ',"notreg":true') || ',"mtime":' || mtime
  FROM files f LEFT JOIN linked l ON l.inode = f.inode ORDER BY path;
END
}

[ $# -ge 2 ] || usage
command=$1
database=$2
shift 2
[ "$command" = index ] || [ -s "$database" ] || fail "there is no database '$database' yet: make it by 'index'"
case $command:$# in
index:1) index "$1" ;;
level:[01]) level "$(blob "${1:-}")" ;;
largest:[012]) best size "$(blob "${1:-}")" "${2:-20}" ;;
newest:[012]) best mtime "$(blob "${1:-}")" "${2:-20}" ;;
growth:0) runs ;;
growth:[123]) growth "$1" "$(blob "${2:-}")" "${3:-1}" ;;
ncdu:0) export_ncdu ;;
*) usage ;;
esac
