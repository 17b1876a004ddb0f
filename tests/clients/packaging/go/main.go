// The module of Go, linked in: main <version>
package main

import (
	"database/sql"
	"fmt"
	"log"
	"os"

	art "example.org/sqlite-art"
	_ "github.com/mattn/go-sqlite3"
)

func main() {
	art.Auto()
	db, err := sql.Open("sqlite3", "go.db")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	for _, statement := range []string{
		"CREATE VIRTUAL TABLE t USING art(path, size INTEGER)",
		"INSERT INTO t VALUES('a/1', 1), ('a/2', 2), ('b', 3)",
		"INSERT INTO t(t) VALUES('optimize')",
	} {
		if _, err := db.Exec(statement); err != nil {
			log.Fatal(err)
		}
	}
	var version, found, name string
	var below int
	err = db.QueryRow("SELECT art_version(), art_count('t', 'a/'), art_check('t'), path FROM t('', '/')").Scan(&version, &below, &found, &name)
	if err != nil {
		log.Fatal(err)
	}
	if said := fmt.Sprint(version, " ", below, " ", found, " ", name, " ", art.Version); said != os.Args[1]+" 2 ok a/ "+os.Args[1] {
		log.Fatal(said)
	}
}
