//! sqlite-art from Rust's rusqlite: cargo run -- <art.so> <database>
use rusqlite::{params, Connection, LoadExtensionGuard, Result};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let mut db = Connection::open(&arguments[2])?;
    // Safe as far as the library is what it claims to be. Disabled again when the guard goes.
    unsafe {
        let _guard = LoadExtensionGuard::new(&db)?;
        db.load_extension(&arguments[1], None)?;
    }
    let (sqlite, art): (String, String) =
        db.query_row("SELECT sqlite_version(), art_version()", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    println!("SQLite {sqlite}, art {art}");

    db.execute_batch("CREATE VIRTUAL TABLE files USING art(path, size INTEGER, mtime REAL, etag TEXT)")?;

    // Many rows: in one transaction.
    let transaction = db.transaction()?;
    {
        let mut insert = transaction.prepare("INSERT INTO files(path, size, mtime) VALUES(?, ?, ?)")?;
        for i in 0..1000 {
            insert.execute(params![format!("photos/{}/{i:04}.jpg", 2023 + i / 250), 1000 * i, 1_700_000_000 + i])?;
        }
        insert.execute(params!["photos/[raw]/1.dng", 24_000_000, 1_700_001_000])?;
        insert.execute(params!["photos/index.html", 2048, 1_700_001_001])?;
    }
    transaction.commit()?;
    db.execute_batch("INSERT INTO files(files) VALUES('optimize')")?;
    let rows: i64 = db.query_row("SELECT count(*) FROM files", [], |row| row.get(0))?;
    println!("{rows} rows");

    // A prefix, as a pattern and as it is.
    let mut glob =
        db.prepare("SELECT path, size, typeof(mtime) FROM files WHERE path GLOB ? ORDER BY path LIMIT 2")?;
    let mut found = glob.query(["photos/2025/*"])?;
    while let Some(row) = found.next()? {
        println!("{} {} {}", row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?);
    }
    let mut below = db.prepare("SELECT path, size FROM files(?)")?;
    let mut found = below.query(["photos/[raw]/"])?;
    while let Some(row) = found.next()? {
        println!("{} {}", row.get::<_, String>(0)?, row.get::<_, i64>(1)?);
    }

    // One level of the tree: a row for each file, and one for each directory with the number of files below it.
    let mut level = db.prepare("SELECT path, entries FROM files(?, '/')")?;
    let mut found = level.query(["photos/"])?;
    while let Some(row) = found.next()? {
        let entries: Option<i64> = row.get(1)?;
        println!("{} {}", row.get::<_, String>(0)?, entries.map_or("-".into(), |n| n.to_string()));
    }

    // Compare and set: only who knows the row as it is may change it.
    let version: i64 =
        db.query_row("SELECT row_version FROM files WHERE path = 'photos/index.html'", [], |row| row.get(0))?;
    let mut update = db.prepare("UPDATE files SET etag = ? WHERE path = 'photos/index.html' AND row_version = ?")?;
    let first = update.execute(params!["e1", version])?;
    let second = update.execute(params!["e2", version])?;
    println!("etag set: {first}, with the old version: {second}");

    let insert = "INSERT INTO files(path) VALUES(?)";
    for error in [db.execute(insert, ["photos/index.html"]), db.execute(insert, [b"photos/index.html"])] {
        if let Err(rusqlite::Error::SqliteFailure(_code, Some(message))) = error {
            println!("{message}");
        }
    }
    Ok(())
}
