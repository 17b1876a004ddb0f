#!/bin/sh
# sqlite-utils on the command line over an art table. Lines beginning with "# -->" are the output.
#
#     sh recipe_sqlite_utils.sh [art.so [files.db]]
art=${1:-./art.so} db=${2:-files.db}

sqlite-utils query "$db" --load-extension "$art" \
    "CREATE VIRTUAL TABLE files USING art(path, size INTEGER, mtime REAL, etag TEXT, meta)"
# --> [{"rows_affected": -1}]

# Many rows: "bulk" makes one transaction for each batch. "insert" and "upsert" know CSV, TSV and JSON, and batches of
# at most 999 values; with --replace or --ignore for paths that are there already.
seq 100 | sed 's|.*|{"path": "usr/lib/&.so", "size": &}|' |
    sqlite-utils bulk "$db" "INSERT INTO files(path, size) VALUES(:path, :size)" - --nl --batch-size 100000 \
        --load-extension "$art"
printf '%s\n' '{"path": "usr/share/words", "size": 9}' '{"path": "usr/share/doc/readme", "size": 7}' |
    sqlite-utils upsert "$db" files - --nl --pk path --load-extension "$art"

# What lies under a prefix.
sqlite-utils rows "$db" files --where "path GLOB :p" -p p "usr/share/*" -c path -c size --fmt plain \
    --load-extension "$art"
# --> path                    size
# --> usr/share/doc/readme       7
# --> usr/share/words            9

# One directory level, with the number of files below each directory.
sqlite-utils query "$db" "SELECT path, size, entries FROM files(:p, '/') LIMIT 1000" -p p usr/ --load-extension "$art"
# --> [{"path": "usr/lib/", "size": null, "entries": 100},
# -->  {"path": "usr/share/", "size": null, "entries": 2}]

# Compare and set.
v=$(sqlite-utils query "$db" "SELECT row_version FROM files WHERE path = 'usr/share/words'" --raw --load-extension "$art")
for size in 10 11; do
    sqlite-utils query "$db" "UPDATE files SET size = :s WHERE path = 'usr/share/words' AND row_version = :v" \
        -p s $size -p v "$v" --load-extension "$art"
done
# --> [{"rows_affected": 1}]
# --> [{"rows_affected": 0}]

sqlite-utils schema "$db" files --load-extension "$art"
# --> CREATE VIRTUAL TABLE files USING art(path, size INTEGER, mtime REAL, etag TEXT, meta)
