// Package art links sqlite-art, a SQLite extension for tables whose keys are paths, into a program that uses SQLite by cgo, as
// github.com/mattn/go-sqlite3 does:
//
//	import (
//		"database/sql"
//
//		_ "github.com/mattn/go-sqlite3"
//		art "@MODULE@"
//	)
//
//	art.Auto() // once, before the first connection is opened
//	db, err := sql.Open("sqlite3", "files.db")
//	db.Exec("CREATE VIRTUAL TABLE files USING art(path, size INTEGER)")
//
// The package has no SQLite of its own: it takes the one that the program links. It has to be 3.40 or newer.
package art

/*
#cgo CFLAGS: -std=gnu11 -O2 -DSQLITE_CORE -I${SRCDIR}/sqlite
#cgo linux LDFLAGS: -Wl,--unresolved-symbols=ignore-in-object-files
#cgo darwin LDFLAGS: -Wl,-undefined,dynamic_lookup
#cgo LDFLAGS: -lpthread -lm
#include "sqlite3.h"
#include "art.h"

static int auto_extension(void) { return sqlite3_auto_extension((void (*)(void))sqlite3_art_init); }
*/
import "C"

// Version of sqlite-art; SELECT art_version() gives it, too.
const Version = "@VERSION@"

// Auto gives art to every connection that is opened from here on.
func Auto() {
	if rc := C.auto_extension(); rc != C.SQLITE_OK {
		panic("sqlite-art: no memory for sqlite3_auto_extension()")
	}
}
