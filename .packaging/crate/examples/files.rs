//! Sizes of directories, from a list of files: cargo run --example files [<database>]
use rusqlite::{ffi::sqlite3_auto_extension, params, Connection, Result};

fn main() -> Result<()> {
    unsafe { sqlite3_auto_extension(Some(std::mem::transmute(sqlite_art::sqlite3_art_init as *const ()))) };
    let mut db = Connection::open(std::env::args().nth(1).unwrap_or(":memory:".into()))?;
    db.execute_batch("CREATE VIRTUAL TABLE files USING art(path, size INTEGER, summary=(sum(size)))")?;

    // Many rows: in one transaction.
    let transaction = db.transaction()?;
    for i in 0..1000 {
        let path = format!("photos/{}/{i:04}.jpg", 2023 + i / 250);
        transaction.prepare_cached("INSERT INTO files VALUES(?, ?)")?.execute(params![path, 1000 * i])?;
    }
    transaction.commit()?;

    // One level of the tree: each directory with the number and the size of all files below it.
    let mut level = db.prepare("SELECT path, entries, size FROM files('photos/', '/')")?;
    let mut found = level.query([])?;
    while let Some(row) = found.next()? {
        println!("{} {} {}", row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?);
    }
    let (version, check): (String, String) =
        db.query_row("SELECT art_version(), art_check('files')", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    assert_eq!(version, sqlite_art::VERSION);
    println!("art_check: {check}");
    Ok(())
}
