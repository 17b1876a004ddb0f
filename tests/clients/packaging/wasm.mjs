// The npm package sqlite-art-wasm: node wasm.mjs <version> <README.md> [write <file> | read <file>]
import assert from 'node:assert';
import fs from 'node:fs';
import vm from 'node:vm';
import { open, load, sqliteVersion, SqliteError } from 'sqlite-art-wasm';

const [version, readme, what, file] = process.argv.slice(2);

// A database that another platform reads, or wrote: 5,000 rows, one of them with a value of 100 KB.
const ROWS = 5000;
function numbers(db) {
  assert.deepStrictEqual(db.values("SELECT art_count('files', 'dir/'), art_sum('files', 'size', 'dir/7/'), art_check('files')"), [[ROWS, 124750, 'ok']]);
  assert.deepStrictEqual(db.values("SELECT size, length(note) FROM files WHERE path = 'dir/9/ä99 𝄞'"), [[99, 100000]]);
}
if (what === 'write') {
  const db = await open();
  db.exec('CREATE VIRTUAL TABLE files USING art(path, size INTEGER, note TEXT, storage=inline, summary=(sum(size)))');
  const insert = db.prepare('INSERT INTO files VALUES(?, ?, ?)');
  db.transaction(() => {
    for (let n = 0; n < ROWS; n++) insert.run([`dir/${n % 10}/ä${Math.floor(n / 10)} 𝄞`, Math.floor(n / 10), n === 999 ? 'x'.repeat(100000) : null]);
  });
  db.run('UPDATE files SET size = 99 WHERE path = ?', ['dir/9/ä99 𝄞']);
  numbers(db);
  fs.writeFileSync(file, db.bytes());
  db.close();
  process.exit(0);
}
if (what === 'read') {
  const db = await open(fs.readFileSync(file));
  numbers(db);
  db.exec("DELETE FROM files WHERE path GLOB 'dir/1/*'");
  assert.deepStrictEqual(db.values("SELECT art_count('files', 'dir/')"), [[ROWS - ROWS / 10]]);
  db.close();
  process.exit(0);
}

// README.md's queries: the lines behind --> are their rows.
const script = /## What it does\s+```sql\n(.*?)```/s.exec(fs.readFileSync(readme, 'utf8'))[1];
const db = await open();
assert.strictEqual(db.values('SELECT art_version()')[0][0], version);
assert.match(sqliteVersion(), /^3\.\d+\.\d+$/);
const expected = script.split('\n').filter((line) => line.startsWith('--> ')).map((line) => line.slice(4));
const got = [];
for (const statement of db.statements(script)) {
  while (statement.step()) got.push(statement.row().map((value) => value ?? '').join('|'));
}
assert.ok(expected.length > 8);
assert.deepStrictEqual(got, expected);

// Values go there and come back.
const values = [null, 0, -1, 2 ** 53 - 1, 2n ** 53n, -(2n ** 63n), 2n ** 63n - 1n, 1.5, -1e300, '', 'ä€𝄞', '\ufeffbom', 'a\0b', new Uint8Array(0),
  new Uint8Array([0, 255, 1]), 'x'.repeat(1 << 20), 'ä'.repeat(100000)];
for (const value of values) assert.deepStrictEqual(db.values('SELECT ?', [value]), [[value]], String(value).slice(0, 20));
assert.deepStrictEqual(db.values('SELECT ?, ?, typeof(?), typeof(?), typeof(?), typeof(?)', [true, 2n ** 53n - 1n, 1, 1.5, '', new Uint8Array(0)]),
  [[1, 2 ** 53 - 1, 'integer', 'real', 'text', 'blob']]);
assert.deepStrictEqual(db.values('SELECT ?', [new Uint16Array([1]).buffer])[0][0], new Uint8Array([1, 0]));
assert.deepStrictEqual(db.values('SELECT ?', ['\ud800']), [['\ufffd']]);
assert.deepStrictEqual(db.values('SELECT length(?), hex(?)', ['ä€𝄞', 'ä']), [[3, 'C3A4']]);
assert.deepStrictEqual(db.rows('SELECT :a AS a, @b AS b, $c AS c, :none AS none', { a: 1, b: 'two', $c: 3n }), [{ a: 1, b: 'two', c: 3, none: null }]);

// What is wrong is said.
const fails = (work, message, code) => assert.throws(work, (error) => {
  assert.match(error.message, message);
  if (code) assert.ok(error instanceof SqliteError && error.code === code, `${error.name} ${error.code}`);
  return true;
});
fails(() => db.exec('SELECT nonsense'), /no such column: nonsense/, 1);
fails(() => db.values('SELECT 1; SELECT 2'), /more than one statement/, 21);
fails(() => db.values('SELECT 1; nonsense'), /syntax error/, 1);
fails(() => db.values(' -- nothing'), /no statement/, 21);
fails(() => db.exec('SELECT 1; SELECT \'a\0b\''), /NUL character/, 21);
fails(() => db.exec(7), /SQL is a string/);
fails(() => db.values('SELECT ?', [undefined]), /no value for undefined/);
fails(() => db.values('SELECT ?', [{}]), /no value for/);
fails(() => db.values('SELECT ?', [Symbol('s')]), /no value for/);
fails(() => db.values('SELECT ?', [2n ** 63n]), /does not fit/);
fails(() => db.values('SELECT ?', [new Uint8Array(2 ** 30)]), /out of memory/, 7);
fails(() => db.values('SELECT ?', []), /has 1 parameters, and 0 are given/);
fails(() => db.values('SELECT ?', 'text'), /an array or an object/);
fails(() => db.values('SELECT :a', { b: 1 }), /no parameter b/);
db.exec('CREATE TABLE one(x UNIQUE)');
const into = db.prepare('INSERT INTO one VALUES(?)');
assert.strictEqual(into.run(['first']).changes, 1);
fails(() => into.run(['first']), /UNIQUE constraint failed: one.x/, 2067);
assert.deepStrictEqual(into.run(['second']), { changes: 1, lastInsertRowid: 2 });
fails(() => db.transaction(() => { into.run(['third']); into.run(['first']); }), /UNIQUE/, 2067);
assert.deepStrictEqual(db.values('SELECT count(*) FROM one'), [[2]]);
fails(() => db.exec("INSERT INTO objects(objects) VALUES('no such command')"), /no such command|unknown/i, 1);
fails(() => db.exec("CREATE VIRTUAL TABLE f USING art(path, storage=file)"), /storage=file|inline/, 14);
await assert.rejects(open(new Uint8Array(5000).fill(7)), /not a database/);
for (const none of [Promise.resolve(), 'file.db', [1, 2], {}, 7]) await assert.rejects(open(none), /takes the bytes of a database/);
fails(() => db.transaction(async () => { into.run(['lost']); await null; throw new Error('later'); }), /no async one/);
assert.deepStrictEqual(db.values('SELECT count(*) FROM one'), [[2]]);
fails(() => db.transaction(() => db.bytes()), /within a transaction/, 21);
// A statement goes with the schema, and begins anew.
db.exec('CREATE TABLE changing(a, b)');
const all = db.prepare('SELECT * FROM changing');
assert.deepStrictEqual(all.columns, ['a', 'b']);
db.exec('DROP TABLE changing; CREATE TABLE changing(b, a, c); INSERT INTO changing VALUES(1, 2, 3), (4, 5, 6)');
assert.deepStrictEqual(all.rows(), [{ b: 1, a: 2, c: 3 }, { b: 4, a: 5, c: 6 }]);
assert.ok(all.step());
assert.deepStrictEqual(all.values(), [[1, 2, 3], [4, 5, 6]]);
all.finalize();
into.finalize();
into.finalize();
fails(() => into.run(['x']), /the statement is finalized/, 21);

// One after another: the memory of the module does not grow.
const memory = async () => {
  for (let round = 0; round < 30; round++) {
    const other = await open(bytes);
    for (let n = 0; n < 20; n++) {
      other.rows('SELECT * FROM t ORDER BY path');
      assert.throws(() => other.exec("SELECT 1; SELECT '" + 'x'.repeat(100000) + "' FROM nothing"));
      other.prepare('SELECT 1').step();
    }
    for (const statement of other.statements('SELECT 1; SELECT 2')) if (statement.step()) break;
    other.bytes();
    other.close();
    other.close();
    fails(() => other.values('SELECT 1'), /the database is closed/, 21);
  }
  return process.memoryUsage().arrayBuffers + process.memoryUsage().external;
};
const small = await open();
small.exec('CREATE VIRTUAL TABLE t USING art(path, v); BEGIN');
const put = small.prepare('INSERT INTO t VALUES(?, ?)');
for (let n = 0; n < 2000; n++) put.run([`row/${n}`, 'v'.repeat(100)]);
small.exec('COMMIT');
const bytes = small.bytes();
const elsewhere = await open(vm.runInNewContext('(bytes) => Uint8Array.from(bytes).buffer')([...bytes])); // another window's
assert.deepStrictEqual(elsewhere.values('SELECT count(*) FROM t'), [[2000]]);
elsewhere.close();
small.close();
const first = await memory();
const second = await memory();
assert.ok(second - first < 8e6, `${second - first} bytes more`);

// A load.
const start = performance.now();
db.exec('CREATE VIRTUAL TABLE files USING art(path, size INTEGER, mtime INTEGER, summary=(sum(size), max(mtime), search(path)))');
const insert = db.prepare('INSERT INTO files VALUES(?, ?, ?)');
db.transaction(() => { for (let n = 0; n < 100000; n++) insert.run([`usr/${n % 100}/file-${n}`, n, n]); });
assert.deepStrictEqual(db.values("SELECT art_count('files', 'usr/7/'), art_sum('files', 'size', '')"), [[1000, 4999950000]]);
assert.deepStrictEqual(db.values("SELECT path FROM files('usr/') WHERE path LIKE '%file-77777%'"), [['usr/77/file-77777']]);
console.log(`100,000 rows: ${Math.round(performance.now() - start)} ms`);
db.exec("INSERT INTO files(files) VALUES('optimize')");
const again = await open(db.bytes());
assert.deepStrictEqual(again.values("SELECT art_count('files', 'usr/7/'), art_check('files')"), [[1000, 'ok']]);
again.close();
db.close();
await load();
