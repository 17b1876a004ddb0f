// sqlite-art from Go's mattn/go-sqlite3: go run example.go <art.so> <database>
package main

import (
	"database/sql"
	"fmt"
	"log"
	"os"

	"github.com/mattn/go-sqlite3"
)

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	// A driver of one's own, whose every connection loads the extension.
	sql.Register("sqlite3+art", &sqlite3.SQLiteDriver{Extensions: []string{os.Args[1]}})
	db, err := sql.Open("sqlite3+art", os.Args[2])
	must(err)
	defer db.Close()
	var sqlite, art string
	must(db.QueryRow("SELECT sqlite_version(), art_version()").Scan(&sqlite, &art))
	fmt.Printf("SQLite %s, art %s\n", sqlite, art)

	_, err = db.Exec("CREATE VIRTUAL TABLE files USING art(path, size INTEGER, mtime REAL, etag TEXT)")
	must(err)

	// Many rows: in one transaction.
	transaction, err := db.Begin()
	must(err)
	insert, err := transaction.Prepare("INSERT INTO files(path, size, mtime) VALUES(?, ?, ?)")
	must(err)
	add := func(path string, size, mtime int) {
		_, err := insert.Exec(path, size, mtime)
		must(err)
	}
	for i := 0; i < 1000; i++ {
		add(fmt.Sprintf("photos/%d/%04d.jpg", 2023+i/250, i), 1000*i, 1700000000+i)
	}
	add("photos/[raw]/1.dng", 24000000, 1700001000)
	add("photos/index.html", 2048, 1700001001)
	must(transaction.Commit())
	_, err = db.Exec("INSERT INTO files(files) VALUES('optimize')")
	must(err)
	var count int
	must(db.QueryRow("SELECT count(*) FROM files").Scan(&count))
	fmt.Println(count, "rows")

	// A prefix, as a pattern and as it is.
	var path, kind string
	var size int
	rows, err := db.Query("SELECT path, size, typeof(mtime) FROM files WHERE path GLOB ? ORDER BY path LIMIT 2", "photos/2025/*")
	must(err)
	for rows.Next() {
		must(rows.Scan(&path, &size, &kind))
		fmt.Println(path, size, kind)
	}
	must(rows.Err())
	must(db.QueryRow("SELECT path, size FROM files(?)", "photos/[raw]/").Scan(&path, &size))
	fmt.Println(path, size)

	// One level of the tree: a row for each file, and one for each directory with the number of files below it.
	rows, err = db.Query("SELECT path, entries FROM files(?, '/')", "photos/")
	must(err)
	for rows.Next() {
		var entries sql.NullInt64
		must(rows.Scan(&path, &entries))
		if entries.Valid {
			fmt.Println(path, entries.Int64)
		} else {
			fmt.Println(path, "-")
		}
	}
	must(rows.Err())

	// Compare and set: only who knows the row as it is may change it.
	var version int64
	must(db.QueryRow("SELECT row_version FROM files WHERE path = 'photos/index.html'").Scan(&version))
	set := func(etag string) int64 {
		result, err := db.Exec("UPDATE files SET etag = ? WHERE path = 'photos/index.html' AND row_version = ?", etag, version)
		must(err)
		changes, err := result.RowsAffected()
		must(err)
		return changes
	}
	first, second := set("e1"), set("e2")
	fmt.Printf("etag set: %d, with the old version: %d\n", first, second)

	for _, path := range []any{"photos/index.html", []byte("photos/index.html")} {
		_, err := db.Exec("INSERT INTO files(path) VALUES(?)", path)
		if failure, ok := err.(sqlite3.Error); ok {
			fmt.Println(failure.Error())
		}
	}
}
