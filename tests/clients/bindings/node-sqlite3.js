// sqlite-art from Node.js, package sqlite3, whose calls are asynchronous: node node-sqlite3.js <art.so> <database>
const { promisify } = require('node:util');
const sqlite3 = require('sqlite3');

async function main(extension, file) {
  const db = new sqlite3.Database(file);
  const all = promisify(db.all.bind(db));
  const exec = promisify(db.exec.bind(db));
  const run = (sql, ...values) =>
    new Promise((resolve, reject) =>
      db.run(sql, values, function (error) {
        if (error) reject(error);
        else resolve(this.changes);
      }),
    );

  await promisify(db.loadExtension.bind(db))(extension);
  const [{ sqlite, art }] = await all('SELECT sqlite_version() AS sqlite, art_version() AS art');
  console.log(`SQLite ${sqlite}, art ${art}`);

  await exec('CREATE VIRTUAL TABLE files USING art(path, size INTEGER, mtime REAL, etag TEXT)');

  // Many rows: in one transaction.
  const insert = 'INSERT INTO files(path, size, mtime) VALUES(?, ?, ?)';
  await exec('BEGIN');
  for (let i = 0; i < 1000; i++) {
    const name = String(i).padStart(4, '0');
    await run(insert, `photos/${2023 + Math.floor(i / 250)}/${name}.jpg`, 1000 * i, 1700000000 + i);
  }
  await run(insert, 'photos/[raw]/1.dng', 24000000, 1700001000);
  await run(insert, 'photos/index.html', 2048, 1700001001);
  await exec('COMMIT');
  await exec("INSERT INTO files(files) VALUES('optimize')");
  console.log((await all('SELECT count(*) AS n FROM files'))[0].n, 'rows');

  // A prefix, as a pattern and as it is.
  const glob = 'SELECT path, size, typeof(mtime) AS kind FROM files WHERE path GLOB ? ORDER BY path LIMIT 2';
  for (const { path, size, kind } of await all(glob, 'photos/2025/*')) console.log(path, size, kind);
  const below = 'SELECT path, size FROM files(?)';
  for (const { path, size } of await all(below, 'photos/[raw]/')) console.log(path, size);

  // One level of the tree: a row for each file, and one for each directory with the number of files below it.
  const level = "SELECT path, entries FROM files(?, '/')";
  for (const { path, entries } of await all(level, 'photos/')) console.log(path, entries ?? '-');

  // Compare and set: only who knows the row as it is may change it.
  const [{ version }] = await all("SELECT row_version AS version FROM files WHERE path = 'photos/index.html'");
  const update = "UPDATE files SET etag = ? WHERE path = 'photos/index.html' AND row_version = ?";
  const first = await run(update, 'e1', version);
  const second = await run(update, 'e2', version);
  console.log(`etag set: ${first}, with the old version: ${second}`);

  for (const path of ['photos/index.html', Buffer.from('photos/index.html')]) {
    try {
      await run(insert, path, 1, 1);
    } catch (error) {
      console.log(error.message.replace(/^SQLITE_\w+: /, ''));
    }
  }
  await promisify(db.close.bind(db))();
}

main(...process.argv.slice(2));
