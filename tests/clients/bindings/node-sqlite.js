// sqlite-art from Node.js's own node:sqlite (since 22.13): node node-sqlite.js <art.so> <database>
const { DatabaseSync } = require('node:sqlite');

const [extension, file] = process.argv.slice(2);
const db = new DatabaseSync(file, { allowExtension: true });
db.loadExtension(extension);
const { sqlite, art } = db.prepare('SELECT sqlite_version() AS sqlite, art_version() AS art').get();
console.log(`SQLite ${sqlite}, art ${art}`);

db.exec('CREATE VIRTUAL TABLE files USING art(path, size INTEGER, mtime REAL, etag TEXT)');

// Many rows: in one transaction.
const insert = db.prepare('INSERT INTO files(path, size, mtime) VALUES(?, ?, ?)');
db.exec('BEGIN');
for (let i = 0; i < 1000; i++) {
  const name = String(i).padStart(4, '0');
  insert.run(`photos/${2023 + Math.floor(i / 250)}/${name}.jpg`, 1000 * i, 1700000000 + i);
}
insert.run('photos/[raw]/1.dng', 24000000, 1700001000);
insert.run('photos/index.html', 2048, 1700001001);
db.exec('COMMIT');
db.exec("INSERT INTO files(files) VALUES('optimize')");
console.log(db.prepare('SELECT count(*) AS n FROM files').get().n, 'rows');

// A prefix, as a pattern and as it is.
const glob = db.prepare('SELECT path, size, typeof(mtime) AS kind FROM files WHERE path GLOB ? ORDER BY path LIMIT 2');
for (const { path, size, kind } of glob.all('photos/2025/*')) console.log(path, size, kind);
const below = db.prepare('SELECT path, size FROM files(?)');
for (const { path, size } of below.all('photos/[raw]/')) console.log(path, size);

// One level of the tree: a row for each file, and one for each directory with the number of files below it.
const level = db.prepare("SELECT path, entries FROM files(?, '/')");
for (const { path, entries } of level.all('photos/')) console.log(path, entries ?? '-');

// Compare and set: only who knows the row as it is may change it.
const { version } = db.prepare("SELECT row_version AS version FROM files WHERE path = 'photos/index.html'").get();
const update = db.prepare("UPDATE files SET etag = ? WHERE path = 'photos/index.html' AND row_version = ?");
const first = update.run('e1', version).changes;
const second = update.run('e2', version).changes;
console.log(`etag set: ${first}, with the old version: ${second}`);

for (const path of ['photos/index.html', Buffer.from('photos/index.html')]) {
  try {
    insert.run(path, 1, 1);
  } catch (error) {
    console.log(error.message);
  }
}
db.close();
