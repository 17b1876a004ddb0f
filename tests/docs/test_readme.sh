#!/usr/bin/env bash
# What the documents say can be done. Their ```sql blocks run one after another, in one database a document, and print what their
# --> lines say. The ```sh lines of README.md, sql/copies.md and sql/web.md run. `make` commands name targets that exist. Files, folders and
# sections that a document names or links to are there. README.md and the pages of sql/ are short, and the front page leads to each.
set -u
cd "$(dirname "$0")/../.." || exit 1
root=$PWD
extension=${ART_EXTENSION:-$root/art.so}
[[ $extension == /* ]] || extension=$root/$extension
work=$(mktemp -d "${TMPDIR:-/tmp}/readme-XXXXXX")
trap 'rm -rf "$work"' EXIT
pages=(sql/*.md)
documents=(README.md "${pages[@]}" core/README.md core/FORMAT.md ext/README.md .github/CONTRIBUTING.md .github/CHANGELOG.md .github/SECURITY.md
    tests/README.md tests/bench/README.md tests/clients/bindings/README.md tests/clients/orm/README.md)
checks=0
failures=0

verdict() {
    checks=$((checks + 1))
    [ "$1" = 0 ] && return
    failures=$((failures + 1))
    echo "$2"
}

# blocks <kind> <document>
blocks() { awk -v kind="$1" '/^```/ { inside = !inside && $0 == "```" kind; next } inside' "$2"; }

run_sql() {
    local document=$1 folder=$work/sql-${1//\//-}
    mkdir "$folder"
    blocks sql "$document" >"$folder/all.sql"
    [ -s "$folder/all.sql" ] || return
    grep '^-->' "$folder/all.sql" | sed 's/^--> \{0,1\}//' >"$folder/expected"
    { echo ".load '$extension'" && cat "$folder/all.sql"; } >"$folder/run.sql"
    (cd "$folder" && sqlite3 -bail test.db <run.sql) >"$folder/got" 2>&1
    diff -u --label "what $document says" --label "what came" "$folder/expected" "$folder/got"
    verdict $? "$document: its SQL prints something else"
}

run_sh() {
    local document=$1 folder=$work/sh-${1//\//-} line command
    mkdir "$folder"
    ln -s "$extension" "$folder/art.so"
    sqlite3 "$folder/app.db" ".load '$extension'" "CREATE VIRTUAL TABLE t USING art" "INSERT INTO t VALUES('a', 1)" \
        "INSERT INTO t(t) VALUES('flush')"
    while read -r line; do
        command=${line%%#*}
        case $command in
        "") ;;
        make*) make -n ${command#make} >/dev/null 2>&1 ;;
        *) (cd "$folder" && bash -euc "$command") ;;
        esac
        verdict $? "$document: '$line' does not run"
    done < <(blocks sh "$document")
}

# "Search as you type", nfc(), natural_order() and the bindings of "Names that are no UTF-8" of sql/, on rows of its own.
run_python() {
    /usr/bin/python3 -c "import sqlite3; sqlite3.connect('').enable_load_extension" 2>/dev/null || return
    {
        for page in "${pages[@]}"; do blocks python "$page"; done
        cat <<-END
		import sqlite3
		db = sqlite3.connect("")
		db.enable_load_extension(True)
		db.load_extension("$extension")
		db.execute("CREATE VIRTUAL TABLE music USING art(path, mtime INTEGER, summary=(search(path), max(mtime)))")
		db.executemany("INSERT INTO music VALUES(?, ?)", [("a/Super Mario", 1), ("a/mario_super", 3), ("b/super.mario", 2)])
		assert [row[0] for row in find(db, "mario SUPER")] == ["a/mario_super", "b/super.mario", "a/Super Mario"]
		assert find(db, "mario", "a/", 1) == [("a/mario_super", 3)]
		assert find(db, "m_rio") == [] and find(db, "o_s", "a/") == [("a/mario_super", 3)]
		db.execute("CREATE VIRTUAL TABLE hashes USING art(hash, name)")
		for key, name in (bytes((255, 0)), "bytes"), (7, "number"):
		    db.execute("INSERT INTO hashes VALUES(CAST(? AS TEXT), ?)", [key, name])
		    assert db.execute("SELECT name FROM hashes WHERE hash = CAST(? AS TEXT)", [key]).fetchall() == [(name,)]
		assert db.execute("SELECT name FROM hashes(?)", [bytes((255,))]).fetchall() == [("bytes",)]
		db.execute("CREATE VIRTUAL TABLE names USING art(path, size INTEGER)")
		put_name(db, "a/" + os.fsdecode(b"caf\\xe9"), 1), put_name(db, "b/caf\\u00e9", 2)
		assert names_below(db, "a/") == [os.fsdecode(b"a/caf\\xe9")]
		assert names_below(db, "") == names_below(db, "a/") + ["b/caf\\u00e9"]
		db.create_function("natural_order", 1, natural_order, deterministic=True)
		db.executemany("INSERT INTO hashes VALUES('n/' || ?, '')", [["b10"], ["b2"], ["B02.x"], ["b1a"], ["a"], ["b100"], ["b0"], ["b"]])
		assert [row[0][2:] for row in db.execute("SELECT hash FROM hashes('n/') ORDER BY natural_order(hash)")] == [
		    "a", "b", "b0", "b1a", "b2", "B02.x", "b10", "b100"]
		use_one_form(db)
		db.execute("CREATE VIRTUAL TABLE songs USING art(path)")
		db.execute("INSERT INTO songs VALUES(nfc(?))", ["cafe\\u0301/x"])
		assert db.execute("SELECT path FROM songs WHERE path = nfc(?)", ["caf\\u00e9/x"]).fetchall() == [("caf\\u00e9/x",)]
		END
    } >"$work/search.py"
    /usr/bin/python3 "$work/search.py"
    verdict $? "sql/searching.md, sql/tables.md, sql/listings.md: their Python does something else"
}

# A document's sections, as GitHub names them.
sections() { sed -nE 's/^#+ //p' "$1" | tr 'A-Z ' 'a-z-' | tr -dc 'a-z0-9_\n-'; }

follow_links() {
    local document=$1 folder link file section
    folder=$(dirname "$document")
    while read -r link; do
        file=${link%%#*}
        section=${link#"$file"}
        if [ -n "$file" ]; then file=$(realpath -m --relative-to=. "$folder/$file"); else file=$document; fi
        [ -e "$file" ]
        verdict $? "$document: there is no $file"
        [ -z "$section" ] || [ ! -f "$file" ] || sections "$file" | grep -qxF -- "${section#\#}"
        verdict $? "$document: $file has no section $section"
    done < <(grep -oE '\]\([^)]*\)' "$document" | sed -E 's/^\]\(//; s/\)$//' | grep -v '^[a-z]*:' | sort -u)
    while read -r file; do
        compgen -G "$file" >/dev/null
        verdict $? "$document: there is no $file"
    done < <(grep -oE '`(core|ext|sql|tests)/[A-Za-z_/.*-]*`' "$document" | tr -d '`' | sort -u)
}

# All at once, since each `make` reads the whole Makefile; one by one where that fails.
name_targets() {
    local target targets
    mapfile -t targets < <(grep -ohE '`make [a-z-]+' "$@" | sed 's/`make //' | sort -u)
    make -n "${targets[@]}" >/dev/null 2>&1 && verdict 0 && return
    for target in "${targets[@]}"; do
        make -n "$target" >/dev/null 2>&1
        verdict $? "there is no 'make $target', which $(grep -lE "\`make $target([^a-z-]|$)" "$@" | tr '\n' ' ')says"
    done
}

for document in "${documents[@]}"; do
    [ -f "$document" ]
    verdict $? "there is no $document"
    [ -f "$document" ] || continue
    run_sql "$document"
    follow_links "$document"
done
name_targets "${documents[@]}"
run_sh README.md
run_sh sql/copies.md
run_sh sql/web.md
run_python

# at_most <lines> <document>
at_most() {
    [ "$(wc -l <"$2")" -le "$1" ]
    verdict $? "$2 has more than $1 lines"
}
at_most 200 README.md
at_most 50 sql/README.md # a screen
for page in "${pages[@]}"; do
    at_most "$([ "$page" = sql/messages.md ] && echo 330 || echo 300)" "$page" # a line each message
    [ "$page" = sql/README.md ] || grep -qF "](${page#sql/})" sql/README.md
    verdict $? "sql/README.md does not lead to $page"
done

rate=$((100 * (checks - failures) / checks))
echo "$rate%: Checks: $checks, Failures: $failures, Errors: 0"
[ $failures = 0 ]
