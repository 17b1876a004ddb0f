// The page that `make try` makes, with a database on a web server: what it shows, how many requests that takes, and what it says where
// the server does what it should not.
//   node remote.mjs <chromium> <index.html> <folder with site.db, other.db, expected-usr-share, word, found>
// site.db has been published from the listing that the files of the folder describe, other.db holds other rows.
import assert from 'node:assert';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { Browser } from './chromium.mjs';

const [command, page, folder] = process.argv.slice(2);
const file = (name) => path.join(folder, name);
const lines = (name) => fs.readFileSync(file(name), 'utf8').split('\n').slice(0, -1);
const site = fs.readFileSync(file('site.db')), other = fs.readFileSync(file('other.db'));

// ---- the server: it counts, and behaves as `how` says ----

let how = {};
let requests = 0, bytes = 0, pages = 0;

function answer(request, response) {
  const { pathname } = new URL(request.url, 'http://x');
  const cors = how.cors ? { 'access-control-allow-origin': '*', 'access-control-allow-headers': 'range' } : {};
  if (pathname === '/') return response.writeHead(200, { 'content-type': 'text/html' }).end(fs.readFileSync(page));
  if (request.method === 'OPTIONS') return response.writeHead(204, cors).end();
  if (!pathname.endsWith('.db')) return response.writeHead(404).end();
  const data = how.data ?? site;
  const marks = how.marks ?? { etag: '"1"' };
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
  requests++;
  if (!range || how.whole) return response.writeHead(200, { ...marks, ...cors, 'content-length': data.length }).end(data);
  const begin = Number(range[1]), end = Math.min(Number(range[2]) + 1, data.length);
  if (begin >= data.length) return response.writeHead(416, cors).end();
  const part = data.subarray(begin, end);
  bytes += part.length;
  response.writeHead(206, { ...marks, ...cors, 'content-range': `bytes ${begin}-${end - 1}/${data.length}`, 'content-length': part.length });
  if (!how.cut) return response.end(part);
  response.write(part.subarray(0, part.length / 2));
  return setTimeout(() => response.destroy(), 50);
}

async function serve() {
  const server = http.createServer(answer);
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return server;
}

const server = await serve(), elsewhere = await serve();
const address = `http://127.0.0.1:${server.address().port}`;
const browser = await Browser.start(command, file('profile-remote'));
const $ = (id) => `document.getElementById(${JSON.stringify(id)})`;
const text = (id) => browser.value(`${$(id)}.innerText`);
const forget = () => browser.value('delete document.body.dataset.level; delete document.body.dataset.found; null');
const isError = `${$('said')}.classList.contains('error')`;

/** What the work costs. */
async function counted(work) {
  requests = 0;
  bytes = 0;
  const result = await work();
  return { result, requests, bytes };
}
async function open(given) {
  await forget();
  await browser.value(`${$('said')}.classList.remove('error'); ${$('address')}.value = ${JSON.stringify(given)}; ${$('open-address')}.click()`);
  await browser.until(`document.body.dataset.level !== undefined || ${isError}`);
  return text('said');
}
/** In a new page: another one has what it has read, and asks nobody for it. */
async function fresh() {
  await browser.open(`${address}/?url=site.db&page=${++pages}`);
  await browser.until(`document.body?.dataset.level !== undefined || ${isError}`);
  return text('said');
}
async function go(prefix) {
  await forget();
  await browser.value(`${$('said')}.classList.remove('error')`);
  const hash = JSON.stringify(`#/${encodeURIComponent(prefix)}`);
  await browser.value(`location.hash === ${hash} ? dispatchEvent(new HashChangeEvent('hashchange')) : (location.hash = ${hash})`);
  await browser.until(`document.body.dataset.level === ${JSON.stringify(prefix)} || ${isError}`);
  return text('said');
}
async function names() {
  while (await browser.value(`!${$('more')}.hidden`)) {
    await forget();
    await browser.value(`${$('more')}.click()`);
    await browser.until('document.body.dataset.level !== undefined');
  }
  return browser.value(`[...${$('names')}.tBodies[0].rows].map(({ dataset: { path, size, entries, mtime } }) => [path, size, entries, mtime])`);
}
async function query(sql) {
  await browser.value(`${$('own')}.open = true; ${$('own-result')}.replaceChildren(); ${$('own-sql')}.value = ${JSON.stringify(sql)}; ${$('own-run')}.click()`);
  await browser.until(`${$('own-result')}.innerText`);
  return text('own-result');
}
const byBytes = (a, b) => Buffer.compare(Buffer.from(a[0]), Buffer.from(b[0]));
const costs = [];
function expect(what, { requests: made, bytes: read }, most, bytesMost = Infinity) {
  costs.push(`${what}: ${made} request${made === 1 ? '' : 's'}, ${Math.round(read / 1000)} KB`);
  assert.ok(made <= most && read <= bytesMost, costs.at(-1));
}

try {
  // Opened by the page's own address.
  const opened = await counted(() => fresh());
  assert.match(opened.result, /^site\.db: [\d,]+ rows in files, \d requests?, \d+ kB\.$/);
  expect('opened, with the first level', opened, 3, 600_000);
  assert.strictEqual(await browser.value(`${$('save')}.hidden`), true);

  // The same rows as in the listing, and few requests.
  expect('a click', await counted(() => go('/usr/')), 2);
  expect('a click', await counted(() => go('/usr/share/')), 3);
  assert.match(await text('log-time'), /ms, \d requests?, /);
  assert.deepStrictEqual((await names()).sort(byBytes), lines('expected-usr-share').map((line) => line.split('\t')).sort(byBytes));
  assert.ok(await browser.value(`${$('treemap')}.children.length > 3`));
  expect('20 largest', await counted(() => query('SELECT path, size FROM files ORDER BY size DESC LIMIT 20')), 4);
  expect('20 newest', await counted(() => query('SELECT path, mtime FROM files ORDER BY mtime DESC LIMIT 20')), 4);
  const [word] = lines('word');
  const [known] = lines('found').map((line) => line.split('\t')[0]);
  const point = await counted(() => query(`SELECT count(*) AS here FROM files WHERE path = '${known}'`));
  expect('a path', point, 2);
  assert.match(point.result, /^here\s+1\b/);
  expect('a word, the first 20', await counted(() => query(`SELECT path FROM files WHERE path LIKE '%${word}%' LIMIT 20`)), 6);
  // As one types, newest first.
  await go('/usr/');
  await forget();
  const searched = await counted(async () => {
    await browser.value(`${$('search')}.value = ${JSON.stringify(word)}; ${$('search')}.dispatchEvent(new Event('input'))`);
    await browser.until(`document.body.dataset.found === ${JSON.stringify(word)}`);
  });
  const found = await browser.value(`[...${$('found-table')}.tBodies[0].rows].map(({ dataset }) => dataset.path.replace(/\\/$/, ''))`);
  assert.deepStrictEqual(found.sort(), lines('found').map((line) => line.split('\t')[0]).sort());
  expect('all rows with a word, newest first', searched, 60);
  assert.match(await query("SELECT art_check('files') AS checked"), /^checked\s+ok\b/);
  const all = await counted(() => query('SELECT count(*), sum(size) FROM files'));
  assert.strictEqual(all.requests, 0, 'behind a check, everything is there');

  // What cannot be opened is said, and what was open stays.
  const refusals = [
    [{ whole: true }, 'site.db', /site\.db: the server sends the whole file instead of a part \(.*\): put it on one that answers range requests/],
    [{}, 'missing', /missing: the server answers 404 \(.*\): is the file there\?/],
    [{ data: Buffer.from('path,size\n') }, 'text.db', /this is no database of SQLite/],
    [{ data: Buffer.concat([site.subarray(0, 18), Buffer.from([2, 2]), site.subarray(20)]) }, 'wal.db', /WAL mode, .*art_publish\(\)/],
    [{ data: site.subarray(0, 200_000) }, 'cut.db', /cut\.db: /],
    [{}, 'http://127.0.0.1:1/site.db', /site\.db: cannot fetch http:\/\/127\.0\.0\.1:1\/site\.db: /],
    [{}, 'http://[', /this is no address/],
  ];
  for (const [behaviour, given, sentence] of refusals) {
    how = behaviour;
    assert.match(await open(given), sentence);
    how = {};
    assert.doesNotMatch(await query('SELECT count(*) FROM files'), /error/i);
  }

  // A connection that breaks off: said, and the next try goes on.
  assert.match(await fresh(), /rows in files/);
  how = { cut: true };
  assert.match(await query(`SELECT * FROM files WHERE path LIKE '%${word}%'`), /the connection broke off \(.*site\.db, bytes \d+ to \d+\): try again/);
  assert.match(await query('SELECT 1 FROM nowhere'), /no such table: nowhere/);
  assert.match(await go('/usr/share/'), /broke off|rows in files/);
  how = {};
  await go('/usr/share/');
  assert.deepStrictEqual((await names()).sort(byBytes), lines('expected-usr-share').map((line) => line.split('\t')).sort(byBytes));

  // A file that changes while it is read: by any of the marks that there are. Nothing of the new one is shown before it is opened.
  const changes = [
    [{}, { data: other, marks: { etag: '"2"' } }],
    [{ marks: {} }, { data: other, marks: {} }],
    [{ marks: { 'last-modified': 'Fri, 27 Nov 2026 10:00:00 GMT' } }, { data: site, marks: { 'last-modified': 'Fri, 27 Nov 2026 10:00:01 GMT' } }],
    [{}, { data: other.subarray(0, 1000), marks: { etag: '"3"' } }],
  ];
  for (const [before, after] of changes) {
    how = before;
    assert.match(await fresh(), /rows in files/);
    how = after;
    const changed = /the file has changed since it was opened \(.*site\.db\): open it again/;
    assert.match(await query(`SELECT * FROM files WHERE path LIKE '%${word}%'`), changed);
    how = before;
    assert.match(await query('SELECT path FROM files ORDER BY path DESC LIMIT 2000 OFFSET 30000'), changed, 'it is believed no more');
  }
  how = { data: other };
  assert.match(await open('site.db'), /^site\.db: 3 rows in objects/);

  // From another origin, whose server shows no more than it must.
  await fresh();
  how = { cors: true };
  assert.match(await open(`http://127.0.0.1:${elsewhere.address().port}/site.db`), /rows in files/);
  await go('/usr/share/');
  assert.deepStrictEqual((await names()).sort(byBytes), lines('expected-usr-share').map((line) => line.split('\t')).sort(byBytes));
  console.log(costs.join('\n'));
} catch (error) {
  await browser.screenshot(file('failed-remote.png')).catch(() => {});
  console.log(costs.join('\n'));
  throw error;
} finally {
  await browser.close();
  for (const one of [server, elsewhere]) {
    one.closeAllConnections();
    one.close();
  }
}
