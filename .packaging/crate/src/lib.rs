//! [sqlite-art](sqlite3_art_init): a SQLite extension for tables whose keys are paths, linked into a program.
//!
//! ```
//! use rusqlite::{ffi::sqlite3_auto_extension, Connection};
//! use sqlite_art::sqlite3_art_init;
//!
//! // Once, before the first connection is opened: each connection has art then.
//! unsafe { sqlite3_auto_extension(Some(std::mem::transmute(sqlite3_art_init as *const ()))) };
//!
//! let db = Connection::open_in_memory()?;
//! db.execute_batch(
//!     "CREATE VIRTUAL TABLE files USING art(path, size INTEGER);
//!      INSERT INTO files VALUES('photos/2026/snow.jpg', 307200), ('photos/index.html', 2048), ('readme.txt', 100);",
//! )?;
//! let below: i64 = db.query_row("SELECT art_count('files', 'photos/')", [], |row| row.get(0))?;
//! assert_eq!(below, 2);
//! # Ok::<(), rusqlite::Error>(())
//! ```
//!
//! The crate has no SQLite of its own: the program links one, as rusqlite and libsqlite3-sys do, with or without `bundled`.
#![no_std]

/// The version of sqlite-art; `SELECT art_version()` gives it, too.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

extern "C" {
    /// The entry point, for `sqlite3_auto_extension()`. SQLite passes the arguments that its documentation names.
    pub fn sqlite3_art_init();
}
