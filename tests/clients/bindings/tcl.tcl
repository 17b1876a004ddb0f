# sqlite-art from Tcl: tclsh tcl.tcl <art.so> <database>
package require sqlite3

lassign $argv extension database
sqlite3 db $database
db enable_load_extension 1
db eval {SELECT load_extension($extension)}
db enable_load_extension 0
db eval {SELECT sqlite_version() AS sqlite, art_version() AS art} { puts "SQLite $sqlite, art $art" }

db eval {CREATE VIRTUAL TABLE files USING art(path, size INTEGER, mtime REAL, etag TEXT)}

# Many rows: in one transaction.
proc insert {path size mtime} {
    db eval {INSERT INTO files(path, size, mtime) VALUES($path, $size, $mtime)}
}
db transaction {
    for {set i 0} {$i < 1000} {incr i} {
        insert [format photos/%d/%04d.jpg [expr {2023 + $i / 250}] $i] [expr {1000 * $i}] [expr {1700000000 + $i}]
    }
    insert {photos/[raw]/1.dng} 24000000 1700001000
    insert photos/index.html 2048 1700001001
}
db eval {INSERT INTO files(files) VALUES('optimize')}
puts "[db onecolumn {SELECT count(*) FROM files}] rows"

# A prefix, as a pattern and as it is.
set pattern photos/2025/*
db eval {SELECT path, size, typeof(mtime) AS kind FROM files WHERE path GLOB $pattern ORDER BY path LIMIT 2} {
    puts "$path $size $kind"
}
set below {photos/[raw]/}
db eval {SELECT path, size FROM files($below)} { puts "$path $size" }

# One level of the tree: a row for each file, and one for each directory with the number of files below it.
set below photos/
db nullvalue -
db eval {SELECT path, entries FROM files($below, '/')} { puts "$path $entries" }

# Compare and set: only who knows the row as it is may change it.
set version [db onecolumn {SELECT row_version FROM files WHERE path = 'photos/index.html'}]
foreach etag {e1 e2} {
    db eval {UPDATE files SET etag = $etag WHERE path = 'photos/index.html' AND row_version = $version}
    lappend changes [db changes]
}
lassign $changes first second
puts "etag set: $first, with the old version: $second"

set path photos/index.html
foreach sql {{INSERT INTO files(path) VALUES($path)} {INSERT INTO files(path) VALUES(@path)}} {
    try { db eval $sql } on error message { puts $message } ;# @path: as a BLOB
}
db close
