// A database on a web server whose answers are wrong, short or not there, without a browser: what is read is the file's bytes, or an error.
//   node remote_faults.mjs <folder with sqlite-art.mjs, remote.mjs, art.mjs, art.wasm> <site.db, with a table files>
import assert from 'node:assert';
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, published] = process.argv.slice(2);
const module = (name) => import(pathToFileURL(path.resolve(folder, name)));
const { load, open, openRemote } = await module('sqlite-art.mjs');
const { RemoteFile } = await module('remote.mjs');
await load({ wasm: fs.readFileSync(path.join(folder, 'art.wasm')) });

const FIRST = 98304;
const BROKEN = /the connection broke off \(http:\/\/x\/site\.db.*\): try again/, CHANGED = /has changed since it was opened/;
const shown = (begin, end, size, etag = '"1"') => (name) => ({ 'content-range': `bytes ${begin}-${end - 1}/${size}`, etag })[name] ?? null;

/** `answer(begin, end, n)`, of the n-th request behind the first, gives none where it is the right one. */
function remote(data, answer = () => undefined, first = FIRST) {
  let requests = 0;
  const file = new RemoteFile('http://x/site.db', (url, begin, end) => answer(begin, end, ++requests)
    ?? { status: 206, header: shown(begin, end, data.length), body: data.slice(begin, end) });
  file.begin(206, shown(0, Math.min(first, data.length), data.length), data.slice(0, first));
  return file;
}
const breaks = () => { throw new Error('NetworkError'); };
const otherETag = (data) => (begin, end) => ({ status: 206, header: shown(begin, end, data.length, '"2"'), body: data.slice(begin, end) });

const site = new Uint8Array(fs.readFileSync(published));
const QUESTION = 'SELECT count(*), sum(size) FROM files';
const whole = await open(site), [right] = whole.values(QUESTION);
whole.close();

// The bytes of all of it, or an error: never zeros in the place of pages, nor the memory of others.
for (const [answer, sentence] of [[breaks, BROKEN], [(begin, end, n) => (n === 3 || n === 4 ? breaks() : undefined), BROKEN], [otherETag(site), CHANGED]]) {
  let fails = null;
  const db = openRemote(remote(site, (...asked) => fails?.(...asked)));
  db.values('SELECT count(*) FROM sqlite_schema');
  fails = answer;
  assert.throws(() => db.bytes(), sentence);
  assert.throws(() => db.values('SELECT nonsense'), /no such column/, 'an error is of its own call');
  db.close();
}
const untouched = openRemote(remote(site));
assert.ok(Buffer.from(untouched.bytes()).equals(Buffer.from(site)));
untouched.close();
const wide = await open();
for (let table = 0; table < 600; table++) wide.exec(`CREATE TABLE t${table}(a, b /* ${'some words '.repeat(40)} */)`);
const far = openRemote(remote(wide.bytes(), breaks)); // its schema does not lie in the first request
assert.throws(() => far.bytes(), BROKEN);
wide.exec("PRAGMA writable_schema = 1; INSERT INTO sqlite_schema VALUES('table', 'b', 'b', 99, 'nonsense'); PRAGMA writable_schema = 0; "
  + 'PRAGMA schema_version = 7777');
assert.throws(() => wide.bytes(), /malformed database schema/);
wide.close();

// A part from another place, which Content-Range names; a whole file, as of a cache that asked for the rest of one; pages of errors.
function ask(answer) {
  const db = openRemote(remote(site, answer));
  try {
    return db.values(QUESTION)[0];
  } finally {
    db.close();
  }
}
const elsewhere = (begin, end) => ({ status: 206, header: shown(begin - 16384, end - 16384, site.length), body: site.slice(begin - 16384, end - 16384) });
assert.throws(() => ask(elsewhere), /sends another part than the one that was asked for/);
assert.throws(() => ask((begin, end, n) => (n === 1 ? { status: 200, header: () => null, body: site } : undefined)), CHANGED);
const away = (begin, end, n) => (n === 1 ? { status: 503, header: (name) => (name === 'etag' ? '"of the page"' : null), body: new Uint8Array(9) } : undefined);
const back = openRemote(remote(site, away));
assert.throws(() => back.values(QUESTION), /the server answers 503 .*: try again/);
assert.deepStrictEqual(back.values(QUESTION)[0], right);
back.close();

// A server may send less than it was asked for.
for (const first of [81920, 65636, 40000, 16384]) {
  const db = openRemote(remote(site, undefined, first));
  assert.deepStrictEqual(db.values(QUESTION)[0], right);
  db.close();
}
assert.throws(() => new RemoteFile('http://x/site.db', breaks).begin(206, () => null, site.slice(0, 24)), BROKEN);
console.log('remote faults: ok');
