#!/usr/bin/env bash
# What a library that keeps no .art files (make PORTABLE=1) does beside one that does, on the same databases: it reads and
# writes what is in the database, and refuses what is not, in a sentence and without a change.
#
#   tests/clients/platforms/without_files.sh <library without> <library with>
set -u
without=$1
with=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0

run() { # <library> <statement>...
    local library=$1
    shift
    sqlite3 -bail x.db ".load $library" "$@" 2>&1
}
expect() { # <what is to be said> <library> <statement>...
    local wanted=$1 said
    shift
    said=$(run "$@")
    [ "$said" = "$wanted" ] && return
    printf '%s\n    said:   %s\n    wanted: %s\n' "${*:2}" "$said" "$wanted"
    failures=$((failures + 1))
}
refused() { # <part of what is said> <statement>...
    local part=$1 said
    shift
    said=$(run "$without" "$@") && echo "not refused: $*" && failures=$((failures + 1))
    [[ $said == *"this build of art "*"$part"* ]] && return
    printf '%s\n    said: %s\n' "$*" "$said"
    failures=$((failures + 1))
}
rows="WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 50000) SELECT 'a/' || (i % 100) || '/' || i, i FROM c"

# A table with a file is refused when it is used, whatever it is used for.
run "$with" "CREATE VIRTUAL TABLE f USING art(path, size INTEGER, storage=file)" "INSERT INTO f $rows" "INSERT INTO f(f) VALUES('flush')"
before=$(sha256sum x.db x.db-*.art)
for statement in "SELECT count(*) FROM f" "INSERT INTO f VALUES('b', 1)" "DELETE FROM f" "INSERT INTO f(f) VALUES('flush')" \
    "SELECT art_count('f', '')" "SELECT * FROM art_info('f')" "SELECT art_vacuum('f')"; do
    refused "keeps no .art files" "$statement"
done
[[ $(run "$without" "SELECT art_check('f')") == *"keeps no .art files"* ]] || { echo "art_check('f') does not say what is wrong" && failures=$((failures + 1)); }
[ "$(sha256sum x.db x.db-*.art)" = "$before" ] || { echo "what was refused has changed the files" && failures=$((failures + 1)); }
expect "50000|ok" "$with" "SELECT count(*), art_check('f') FROM f"

# Others are in the database.
refused "keeps no .art files" "CREATE VIRTUAL TABLE g USING art(path, storage=file)"
run "$without" "CREATE VIRTUAL TABLE t USING art(path, size INTEGER, summary=(sum(size), search(path)), spill_limit='64KB')" "INSERT INTO t $rows"
expect "50000|1250025000|11|ok" "$without" "SELECT count(*), art_sum('t', 'size', ''), (SELECT count(*) FROM t WHERE path LIKE '%/4242%'), art_check('t') FROM t"
expect "50000|1250025000|11|ok" "$with" "SELECT count(*), art_sum('t', 'size', ''), (SELECT count(*) FROM t WHERE path LIKE '%/4242%'), art_check('t') FROM t"
run "$with" "DELETE FROM t WHERE path GLOB 'a/7/*'" "INSERT INTO t(t) VALUES('optimize')"
expect "49500" "$without" "BEGIN" "SAVEPOINT s" "DELETE FROM t WHERE path GLOB 'a/8*'" "SAVEPOINT r" \
    "INSERT OR REPLACE INTO t $rows" "ROLLBACK TO s" "COMMIT" "SELECT count(*) FROM t"
expect "ok" "$without" "SELECT art_check('t')"

# Copies: by SQLite's own means.
refused "makes no files" "SELECT art_backup('y.db')"
run "$without" "VACUUM INTO 'z.db'"
cp z.db x.db
rm -f x.db-*
expect "49500|ok" "$without" "SELECT count(*), art_check('t') FROM t"

# What cannot be read can be dropped.
run "$without" "DROP TABLE f"
expect "t" "$without" "SELECT group_concat(name) FROM sqlite_schema WHERE sql LIKE 'CREATE VIRTUAL%'"

# A copy for a web server is one file.
expect "1" "$without" "SELECT art_publish('site.db') LIKE 'site.db: 1 art table, % bytes in 1 file'"
[[ $(run "$without" "SELECT art_publish('site.db')") == *"the copy must be a new file"* ]] || { echo "a file that is there was written over" && failures=$((failures + 1)); }
mv site.db x.db
expect "49500|ok|1" "$without" "SELECT count(*), art_check('t'), (SELECT value > 0 FROM art_debug('t') WHERE property = 'pages of the extract') FROM t"
expect "49500|ok" "$with" "SELECT count(*), art_check('t') FROM t"

[ $failures = 0 ] && echo "what has no file works without files"
[ $failures = 0 ]
