#!/usr/bin/env bash
# art_publish(): the copy has all that its original has, is one file for a web server, and reads what it has side by side; as soon as
# something of that is wrong or the table is written to, it is any other table. What fails or is interrupted leaves nothing, what is
# killed leaves what the next one names, and beside writers the copy is one state. Python runs the statements where it can: the shell
# refuses another SQLite than its own.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
extension=${ART_EXTENSION:-$root/art.so}
[[ $extension == /* ]] || extension=$PWD/$extension
work=$(mktemp -d "${TMPDIR:-/tmp}/publish-XXXXXX")
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work" || exit 1
checks=0 failures=0
python=("/usr/bin/python3" -B "$root/tests/copies/publish.py")
rounds=$((20 * ${ART_TEST_PERCENT:-100} / 100 + 3))

if "${python[0]}" "$root/tests/support/copies.py" can "${extension%.so}" 2>/dev/null; then
    sql() { "${python[@]}" run "${extension%.so}" "$@" 2>&1; }
else
    echo "SKIPPED: publishing that is broken off, and another SQLite: no Python here that loads this extension"
    python=()
    sql() { sqlite3 -bail "$1" ".load '$extension'" "${@:2}" 2>&1; }
fi
expect() { # <what comes> <database> <statement>...
    local wanted=$1 said
    shift
    checks=$((checks + 1))
    said=$(sql "$@")
    [[ $said == $wanted ]] && return
    failures=$((failures + 1))
    printf '%s\n    said:   %s\n    wanted: %s\n' "${*:2}" "$said" "$wanted"
}
same() { # <file> <file>: all that queries give
    checks=$((checks + 1))
    cmp "$1" "$2" || failures=$((failures + 1))
}
ask() { # <database>: what readers ask, all of it
    sql "$1" "SELECT * FROM f" "SELECT path, entries, size FROM f('d/', '/')" "SELECT * FROM f ORDER BY size DESC LIMIT 9" \
        "SELECT art_count('f', 'd/7'), art_sum('f', 'size', 'd/'), art_nth('f', 'd/', 4000)" "SELECT * FROM f WHERE name = 'name 77'" \
        "SELECT path FROM f WHERE path LIKE '%77/0%'" "SELECT * FROM b" "SELECT * FROM k" "SELECT count(*) FROM f WHERE snapshot = 'then'" \
        "SELECT * FROM empty" "SELECT * FROM plain"
}
rows="WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 60000) SELECT printf('d/%d/%d/%06d', i % 7, i % 101, i), i * 7919 % 100003, 'name ' || i % 9000 FROM n"

sql a.db "PRAGMA journal_mode=WAL" \
    "CREATE VIRTUAL TABLE f USING art(path, size INTEGER, name TEXT, summary=(sum(size), min(name), search(path), lookup(name)))" \
    "INSERT INTO f $rows" "INSERT INTO f(f, snapshot) VALUES('snapshot', 'then')" "DELETE FROM f WHERE path GLOB 'd/3*'" "INSERT INTO f VALUES('e', 1, 'last')" \
    "CREATE VIRTUAL TABLE b USING art(path BLOB, value, storage=inline)" "INSERT INTO b VALUES(x'00ff', 'bytes'), (x'', zeroblob(9000))" \
    "CREATE VIRTUAL TABLE k USING art(tenant TEXT, n INTEGER, value, key=(tenant, n DESC), summary=(max(value)))" \
    "INSERT INTO k SELECT 'tenant' || i % 9, i, i FROM (WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 5000) SELECT i FROM n)" \
    "INSERT INTO k(k) VALUES('flush')" "CREATE VIRTUAL TABLE empty USING art" "CREATE TABLE plain(x)" "INSERT INTO plain VALUES(1)" >made || cat made

sql a.db "SELECT art_backup('rows.db', 'main', 'inline')" >made
expect "site.db: 4 art tables, * bytes in 1 file" a.db "SELECT art_publish('site.db')"
expect "ok: 4 art tables" site.db "SELECT art_verify()"
expect $'16384\ndelete\ninline\n1' site.db "PRAGMA page_size" "PRAGMA journal_mode" "SELECT value FROM art_info('f') WHERE property = 'option storage'" \
    "SELECT value FROM art_debug('f') WHERE property = 'runs'"
checks=$((checks + 1))
[ "$(echo site.db*)" = site.db ] || { echo "left beside it: $(echo site.db*)" && failures=$((failures + 1)); }
ask a.db >of_a
ask site.db >of_site
same of_a of_site
expect "1" site.db "SELECT art_count('f', 'd/5') > 0 AND value > 0 FROM art_debug('f') WHERE property = 'pages of the extract'"
expect "0" a.db "SELECT value FROM art_debug('f') WHERE property = 'pages of the extract'"

# It may lie where nobody can write; a published one may be published, copied, and have other pages.
chmod 444 site.db
expect "ok" "file:site.db?mode=ro&immutable=1" "SELECT art_check('f')"
chmod 644 site.db
sql site.db "SELECT art_publish('again.db')" "SELECT art_backup('copy.db')" "SELECT art_backup('files.db', 'main', 'file')" >made
sql copy.db "PRAGMA page_size = 65536" "VACUUM"
for database in again.db copy.db files.db; do
    ask $database >of_it
    same of_a of_it
    expect "ok: 4 art tables*" $database "SELECT art_verify()"
done
expect "1" copy.db "SELECT art_count('f', 'd/5') > 0 AND value > 0 FROM art_debug('f') WHERE property = 'pages of the extract'"

# One process publishes again and again, and what it has read before is no reason to leave anything out.
sql rows.db "SELECT count(*) FROM f" "SELECT art_publish('p1.db')" "SELECT art_publish('p2.db')" "SELECT art_publish('p3.db')" "SELECT art_publish('p4.db')" >made
checks=$((checks + 1))
[ "$(stat -c %s p?.db | sort -u | wc -l)" = 1 ] || { echo "of one table: $(cat made)" && failures=$((failures + 1)); }
rm p?.db

# What readers are expected to ask depends neither on what columns are called, nor on a sum that no integer holds.
levels="WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 60000) SELECT printf('d/%d/%d/%06d', i % 7, i % 101, i),"
sql levels.db "CREATE VIRTUAL TABLE named USING art(path, entries, v)" "CREATE VIRTUAL TABLE other USING art(path, number, v)" \
    "INSERT INTO named $levels 0, i FROM n" "INSERT INTO other $levels 0, i FROM n" \
    "CREATE VIRTUAL TABLE large USING art(path, v INTEGER, summary=(sum(v)))" "CREATE VIRTUAL TABLE small USING art(path, v INTEGER, summary=(sum(v)))" \
    "INSERT INTO large $levels 9223372036854775807 FROM n" "INSERT INTO small $levels 1 FROM n" "SELECT art_publish('published.db')" >made
aside() { echo "(SELECT count(*) FROM $1_artblob WHERE page BETWEEN -1099511627775 AND -1)"; }
expect "1 1 1" published.db "SELECT ($(aside named) = $(aside other)) || ' ' || ($(aside large) = $(aside small)) || ' ' || ($(aside other) > 5)"
rm levels.db* published.db

# A sum that no integer holds is an error of who asks for it.
sql sum.db "CREATE VIRTUAL TABLE t USING art(path, n INTEGER, summary=(sum(n)))" "INSERT INTO t VALUES('a/x', 9223372036854775807), ('a/y', 9223372036854775807)" \
    "INSERT INTO t(t) VALUES('flush')" >made
expect "*1 art table*" sum.db "SELECT art_publish('sums.db')"
expect "2" sums.db "SELECT count(*) FROM t"
rm sum*.db

# An attached database, one in memory, a transaction that reads.
expect $'1\nother.db: 4 art tables, *' :memory: "ATTACH 'a.db' AS a" "BEGIN" "SELECT count(*) FROM a.plain" "SELECT art_publish('other.db', 'a')" "COMMIT"
rm other.db
expect "memory.db: 1 art table, *" :memory: "CREATE VIRTUAL TABLE t USING art" "INSERT INTO t(path) VALUES('a')" "SELECT art_publish('memory.db')"

# Whatever is wrong with what lies side by side, it is not used.
rows_of="UPDATE f_artblob SET data = "
for damage in "$rows_of zeroblob(4056) WHERE page < 0" "$rows_of data || x'00' WHERE page < -1099511627776" "DELETE FROM f_artblob WHERE page < 0" \
    "$rows_of x'' WHERE page = (SELECT min(page) FROM f_artblob)" "UPDATE f_artstate SET v = zeroblob(48) WHERE k = 'extract'" \
    "UPDATE f_artstate SET v = 'x' WHERE k = 'extract'" "DELETE FROM f_artblob WHERE page BETWEEN -1099511627776 AND -1099511627770" \
    "UPDATE f_artblob SET page = page + 5000 WHERE page BETWEEN -1099511627776 AND -1"; do
    cp again.db damaged.db
    sql damaged.db "$damage" || failures=$((failures + 1))
    ask damaged.db >of_it
    same of_a of_it
    expect "ok" damaged.db "SELECT art_check('f')"
done

# Written to: rows of the log leave the copies useless, the next flush removes them, a ROLLBACK brings them back.
side="SELECT (SELECT count(*) > 0 FROM f_artblob WHERE page < 0) || (SELECT count(*) FROM f_artstate WHERE k = 'extract')"
expect $'10\n11' again.db "SELECT 1 FROM f LIMIT 0" "BEGIN" "DELETE FROM f WHERE path GLOB 'd/2/*'" "INSERT INTO f $rows WHERE i % 7 = 3" \
    "INSERT INTO f(f) VALUES('flush')" "SELECT (count(*) > 9) || 0 FROM f" "ROLLBACK" "$side"
ask again.db >of_it
same of_a of_it
for database in a.db again.db; do
    sql $database "DELETE FROM f WHERE path GLOB 'd/2/*'" "INSERT INTO f VALUES('more', 1, 'more')"
    ask $database >of_$database
    sql $database "INSERT INTO f(f) VALUES('optimize')" "INSERT INTO f VALUES('still more', 2, 'more')"
    ask $database >>of_$database
done
same of_a.db of_again.db
expect $'00\nok' again.db "$side" "SELECT art_check('f')"

# What is refused, and what fails, leaves nothing.
touch there.db
expect "*the copy must be a new file*there.db*" site.db "SELECT art_publish('there.db')"
expect "*COMMIT first*" site.db "BEGIN" "INSERT INTO f VALUES('x', 1, 2)" "SELECT art_publish('new.db')"
expect "*no database of that name*" site.db "SELECT art_publish('new.db', 'nowhere')"
expect "*unsafe use of art_publish()*" :memory: "CREATE VIEW v AS SELECT art_publish('new.db')" "SELECT * FROM v"
expect "*wrong number of arguments*" site.db "SELECT art_publish('new.db', 'main', 'file')"
expect "" site.db "SELECT art_publish(NULL)"
for blocks in 100 500 1000 1500; do # KB that a file may have
    said=$(trap "" XFSZ && ulimit -f $blocks && sql a.db "SELECT art_publish('new.db')")
    [[ $said == *art:* ]] || echo "with $blocks KB: $said"
    checks=$((checks + 1))
    [ "$(echo new*)" = "new*" ] || { echo "with $blocks KB: left behind: $(echo new*)" && failures=$((failures + 1)); }
done
expect "*ok*" a.db "SELECT art_publish('new.db') || 'ok'"
rm new.db

# Broken off, and beside writers; of a database with files, and of one without.
mkdir written
for broken in "kill ${extension%.so} a.db $rounds" "kill ${extension%.so} rows.db $rounds" "interrupt ${extension%.so} a.db $rounds" \
    "beside ${extension%.so} written $((rounds / 10 + 1))"; do
    [ ${#python[@]} -gt 0 ] || break
    checks=$((checks + 1))
    # shellcheck disable=SC2086
    "${python[@]}" $broken 2>&1 || { echo "$broken: failed" && failures=$((failures + 1)); }
done
echo "$((checks ? 100 * (checks - failures) / checks : 0))%: Checks: $checks, Failures: $failures, Errors: 0"
[ $failures = 0 ]
