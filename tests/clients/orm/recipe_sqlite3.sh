#!/bin/sh
# The sqlite3 shell over an art table. Lines beginning with "# -->" are the output.
#
#     sh recipe_sqlite3.sh [art.so [files.db]]
#
# With ".load /usr/local/lib/sqlite-art/art" in ~/.sqliterc a plain `sqlite3 files.db` will do.
art=${1:-./art.so} db=${2:-files.db}
files() { sqlite3 -bail -cmd ".load $art" "$db" "$@"; }

files "CREATE VIRTUAL TABLE files USING art(path, size INTEGER, mtime REAL, etag TEXT, meta)"

# Many rows: .import makes one transaction. Here: what find knows of a folder.
folder=$(mktemp -d)
mkdir -p "$folder/lib" "$folder/share/doc"
for i in 1 2 3; do head -c 10$i /dev/zero >"$folder/lib/$i.so"; done
echo words >"$folder/share/words"
echo readme >"$folder/share/doc/readme"
(cd "$folder" && find usr* lib share -type f -printf '%p\t%s\t%T@\t\t\n' 2>/dev/null) >"$folder.tsv"
files ".mode tabs" ".import $folder.tsv files"

# What lies under a prefix.
files "SELECT path, size, typeof(size), typeof(mtime) FROM files WHERE path GLOB 'share/*'"
# --> share/doc/readme|7|integer|real
# --> share/words|6|integer|real

# One directory level, with the number of files below each directory, and what they hold together.
files "SELECT path, entries, (SELECT sum(size) FROM files(level.path)) FROM files('', '/') AS level"
# --> lib/|3|306
# --> share/|2|13

# Compare and set.
v=$(files "SELECT row_version FROM files WHERE path = 'share/words'")
for size in 10 11; do
    files "UPDATE files SET size = $size WHERE path = 'share/words' AND row_version = $v; SELECT changes()"
done
# --> 1
# --> 0

# .dump does not contain the rows of virtual tables. This does:
files ".mode insert plain" "SELECT * FROM files WHERE path GLOB 'share/w*'" | sed -E 's/,1[0-9]+\.[0-9]+,/,NULL,/'
# --> INSERT INTO plain VALUES('share/words',10,NULL,'','');

rm -rf "$folder" "$folder.tsv"
