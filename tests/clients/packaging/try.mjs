// The page that `make try` makes, in a headless Chromium:
//   node try.mjs <chromium> <index.html> <README.md> <folder with listing, expected-usr, expected-usr-share, word, found> [<listing of a million>]
// The files of the folder are what awk and grep say of the listing (tests/clients/packaging/run, part try).
import assert from 'node:assert';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import zlib from 'node:zlib';
import { Browser } from './chromium.mjs';

const [command, page, readme, folder, million] = process.argv.slice(2);
const file = (name) => path.join(folder, name);
const lines = (name) => fs.readFileSync(file(name), 'utf8').split('\n').slice(0, -1);

const browser = await Browser.start(command, file('profile'));
const $ = (id) => `document.getElementById(${JSON.stringify(id)})`;
const text = (id) => browser.value(`${$(id)}.innerText`);
const click = (selector) => browser.value(`document.querySelector(${JSON.stringify(selector)}).click()`);
const forget = () => browser.value('delete document.body.dataset.level; delete document.body.dataset.found; null');
const atLevel = (prefix) => browser.until(`document.body.dataset.level === ${JSON.stringify(prefix)} && !${$('level')}.hidden`);
const sentence = () => text('said');

async function load(name) {
  await forget();
  await browser.chooseFile('#file', file(name));
  await browser.until(`document.body.dataset.level !== undefined || ${$('said')}.classList.contains('error')`);
  return sentence();
}
async function go(prefix) {
  await forget();
  const hash = JSON.stringify(`#/${encodeURIComponent(prefix)}`);
  await browser.value(`location.hash === ${hash} ? dispatchEvent(new HashChangeEvent('hashchange')) : (location.hash = ${hash})`);
  await atLevel(prefix);
}
// All names of the level, as [path, size, entries, mtime].
async function names() {
  while (await browser.value(`!${$('more')}.hidden`)) {
    await forget();
    await click('#more');
    await browser.until('document.body.dataset.level !== undefined');
  }
  return browser.value(`[...${$('names')}.tBodies[0].rows].map(({ dataset: { path, size, entries, mtime } }) => [path, size, entries, mtime])`);
}
const byBytes = (a, b) => Buffer.compare(Buffer.from(a[0]), Buffer.from(b[0]));

try {
  // From a file: the five queries have README's results.
  await browser.open(pathToFileURL(page).href);
  await browser.until("document.body.dataset.ready === 'yes'");
  const script = /## What it does\s+```sql\n(.*?)```/s.exec(fs.readFileSync(readme, 'utf8'))[1];
  const shown = await browser.value("[...document.querySelectorAll('.cell .results')].flatMap(({ dataset }) => JSON.parse(dataset.rows))");
  assert.deepStrictEqual(shown, script.split('\n').filter((line) => line.startsWith('--> ')).map((line) => line.slice(4)));
  assert.strictEqual(await browser.value("document.querySelectorAll('.cell').length"), 6);
  // Changed and run again; an error is said.
  const firstQuery = "document.querySelectorAll('.cell')[1]";
  await browser.value(`${firstQuery}.querySelector('textarea').value = "SELECT count(*) FROM objects; SELECT nonsense"; ${firstQuery}.querySelector('button').click()`);
  await browser.until(`${firstQuery}.querySelector('.results').innerText.includes('nonsense')`);
  assert.deepStrictEqual(await browser.value(`JSON.parse(${firstQuery}.querySelector('.results').dataset.rows)`), ['5', 'no such column: nonsense']);

  // A listing of this machine.
  const said = await load('listing');
  const count = lines('listing').length;
  console.log(said);
  assert.match(said, new RegExp(`^listing: ${count.toLocaleString('en')} lines \\(find\\), ${count.toLocaleString('en')} rows in `));
  for (const [prefix, expected] of [['/usr/', 'expected-usr'], ['/usr/share/', 'expected-usr-share']]) {
    await go(prefix);
    const wanted = lines(expected).map((line) => line.split('\t'));
    assert.ok(wanted.length > 3);
    assert.deepStrictEqual((await names()).sort(byBytes), wanted.sort(byBytes));
  }
  // Each order, and back.
  const numeric = (value) => (value === '' ? -Infinity : Number(value));
  for (const [sort, column] of [['name', 0], ['size', 1], ['entries', 2], ['mtime', 3]]) {
    for (const direction of sort === 'name' ? ['ascending', 'descending'] : ['descending', 'ascending']) {
      await forget();
      await click(`th[data-sort=${sort}] button`);
      await browser.until('document.body.dataset.level !== undefined');
      assert.strictEqual(await browser.value(`document.querySelector('th[data-sort=${sort}]').getAttribute('aria-sort')`), direction);
      const rows = (await names()).map((row) => (sort === 'name' ? Buffer.from(row[0]) : numeric(row[column])));
      const compare = sort === 'name' ? Buffer.compare : (a, b) => (a === b ? 0 : a - b);
      for (let at = 1; at < rows.length; at++) {
        assert.ok(direction === 'ascending' ? compare(rows[at - 1], rows[at]) <= 0 : compare(rows[at - 1], rows[at]) >= 0, `${sort}, ${direction}: row ${at}`);
      }
    }
  }
  // Down by the treemap, up by the crumbs, back by Back.
  await go('/usr/');
  await forget();
  await click('#treemap button');
  const below = await browser.until("document.body.dataset.level ?? ''");
  assert.match(below, /^\/usr\/[^/]+\/$/);
  await browser.value('history.back()');
  await atLevel('/usr/');
  await go('/usr/share/');
  await click('#crumbs a:nth-of-type(3)');
  await atLevel('/usr/');
  assert.match(await text('log'), /SELECT art_count\('files', '\/usr\/'\).*art_sum\('files', 'size', '\/usr\/'\).* ms/s);
  // Every name of the treemap lies in it, and they cover it.
  const uncovered = await browser.value(`(() => {
    const map = ${$('treemap')}.getBoundingClientRect();
    let area = map.width * map.height;
    for (const tile of ${$('treemap')}.children) {
      const { left, top, right, bottom, width, height } = tile.getBoundingClientRect();
      if (left < map.left - 1 || top < map.top - 1 || right > map.right + 1 || bottom > map.bottom + 1) return 'outside: ' + tile.title;
      area -= width * height;
    }
    return area / (map.width * map.height);
  })()`);
  assert.ok(Math.abs(uncovered) < 0.02, `of the treemap, ${uncovered} is uncovered`);

  // A search, newest first: what grep finds.
  const [word] = lines('word');
  await forget();
  const type = (words) => browser.value(`${$('search')}.value = ${JSON.stringify(words)}; ${$('search')}.dispatchEvent(new Event('input'))`);
  const found = async (words) => {
    await type(words);
    await browser.until(`document.body.dataset.found === ${JSON.stringify(words)}`);
    return browser.value(`[...${$('found-table')}.tBodies[0].rows].map(({ dataset }) => dataset.path)`);
  };
  const rows = await found(word);
  const wanted = lines('found').map((line) => line.split('\t'));
  assert.ok(wanted.length > 4 && wanted.length < 200);
  assert.deepStrictEqual(rows.map((row) => row.replace(/\/$/, '')).sort(), wanted.map(([row]) => row).sort());
  const times = new Map(wanted);
  const inOrder = rows.map((row) => Number(times.get(row.replace(/\/$/, ''))));
  assert.deepStrictEqual(inOrder, [...inOrder].sort((a, b) => b - a));
  assert.deepStrictEqual(await found('no%such_row'), []);
  assert.match(await text('log'), /instr\(lower\(path\), lower\('no%such_row'\)\)/);
  await forget();
  await type('');
  await atLevel('/usr/');
  // One's own query.
  await browser.value(`${$('own')}.open = true; ${$('own-sql')}.value = "SELECT art_check('files'), 1 + 1"; ${$('own-run')}.click()`);
  await browser.until(`${$('own-result')}.innerText.includes('ok')`);

  // Saved, it is a database for the shell, and for the page.
  await browser.send('Page.setDownloadBehavior', { behavior: 'allow', downloadPath: folder });
  await click('#save');
  for (let tries = 0; !fs.existsSync(file('listing.db')); tries++) {
    assert.ok(tries < 600, 'nothing is saved');
    await new Promise((resolve) => { setTimeout(resolve, 100); });
  }
  assert.match(await load('listing.db'), new RegExp(`^listing.db: ${count.toLocaleString('en')} rows in files`));
  await go('/usr/share/');
  assert.deepStrictEqual((await names()).sort(byBytes), lines('expected-usr-share').map((line) => line.split('\t')).sort(byBytes));
  // Other columns' names, two tables, written by the shell.
  assert.match(await load('other.db'), /^other.db: 3 rows in "?objects|^other.db: 3 rows in objects/);
  assert.deepStrictEqual((await names()).sort(byBytes), [['a/', '30', '2', ''], ['b', '5', '', '']]);
  assert.strictEqual(await browser.value(`${$('tables')}.options.length`), 4);
  // Names that are words of SQL, and that of a hidden column; a table that cannot be shown is said, and the one before stays.
  const choose = (table) => browser.value(`${$('said')}.classList.remove('error'); ${$('tables')}.value = '${table}'; ${$('tables')}.onchange(); null`);
  await forget();
  await choose('order');
  await browser.until('document.body.dataset.level !== undefined');
  assert.deepStrictEqual((await names()).sort(byBytes), [['a/1', '10', '', ''], ['a/2', '5', '', '']]);
  await choose('zeros');
  await browser.until(`${$('said')}.classList.contains('error')`);
  assert.match(await text('said'), /the paths of zeros are no texts/);
  assert.strictEqual(await browser.value(`${$('tables')}.value`), 'order');
  assert.strictEqual((await names()).length, 2);

  // What cannot be read is said, and nothing is lost by it.
  fs.writeFileSync(file('some.csv.gz'), zlib.gzipSync('path,size\n<b>x/1,10\n<b>x/2,20\nbroken\n<b>y,1\n<b>y,2\n'));
  assert.match(await load('some.csv.gz'), /some\.csv\.gz: 6 lines \(CSV\), 3 rows in .*; 1 path came again/);
  assert.strictEqual(await text('unread'), '1 line could not be read:\n4: broken');
  assert.deepStrictEqual((await names()).sort(byBytes), [['<b>x/', '30', '2', ''], ['<b>y', '2', '', '']].sort(byBytes));
  fs.writeFileSync(file('empty'), '\n\n');
  assert.match(await load('empty'), /no line of empty can be read/);
  fs.writeFileSync(file('wrong.db'), `SQLite format 3\0${'x'.repeat(5000)}`);
  assert.match(await load('wrong.db'), /wrong\.db: .*(not a database|malformed)/);
  assert.deepStrictEqual((await names()).length, 2);
  // Without sizes, it is the rows that count.
  fs.writeFileSync(file('plain'), 'x/1\nx/2\ny/1\nz\n');
  assert.match(await load('plain'), /plain: 4 lines \(a path a line\), 4 rows/);
  assert.deepStrictEqual(await names(), [['x/', '0', '2', ''], ['y/', '0', '1', ''], ['z', '', '', '']]);
  assert.strictEqual(await browser.value(`${$('treemap')}.children.length`), 3);

  // Dropped on the page.
  await browser.value(`(() => {
    const data = new DataTransfer();
    data.items.add(new File(['2026-01-02 03:04:05       1234 p/1\\n2026-01-02 03:04:05          1 q\\n'], 'dropped'));
    dispatchEvent(new DragEvent('drop', { dataTransfer: data, cancelable: true }));
  })()`);
  await browser.until(`${$('said')}.innerText.startsWith('dropped: 2 lines (aws s3 ls), 2 rows')`);

  // The sample, and how the page looks.
  await forget();
  await click('#sample');
  await atLevel('home/');
  assert.match(await sentence(), /^100,000 rows made and loaded/);
  for (const [name, how] of [['light', {}], ['dark', { scheme: 'dark' }], ['narrow', { width: 390, height: 800 }], ['narrow-dark', { width: 390, height: 800, scheme: 'dark' }]]) {
    await browser.screenshot(file(`${name}.png`), { height: 1300, ...how });
    assert.ok(await browser.value('document.documentElement.scrollWidth <= innerWidth'), `${name}: the page is wider than its window`);
  }
  // All that can be clicked has a name and is reached by the keyboard.
  assert.deepStrictEqual(await browser.value(`[...document.querySelectorAll('button, a[href], input, select, textarea')].filter((one) => one.checkVisibility()
    && (one.tabIndex < 0 || !(one.getAttribute('aria-label') || one.innerText.trim()))).map((one) => one.outerHTML)`), []);

  if (million) {
    fs.copyFileSync(million, file('million'));
    console.log(await load('million'));
    await browser.value('location.hash');
    console.log(await text('log'));
  }

  // From a server: the page, and the package's module in a page without a bundler.
  const served = { '/': [page, 'text/html'], '/module.html': [null, 'text/html'] };
  for (const name of ['sqlite-art.mjs', 'remote.mjs', 'art.mjs', 'art.wasm']) served[`/${name}`] = [file(`package/${name}`), name.endsWith('.wasm') ? 'application/wasm' : 'text/javascript'];
  const module = `<script type="module">import { open } from './sqlite-art.mjs';
    const db = await open();
    db.exec("CREATE VIRTUAL TABLE t USING art(path); INSERT INTO t VALUES('a/1'), ('a/2')");
    document.body.dataset.count = db.values("SELECT art_count('t', 'a/')")[0][0];</script>`;
  const server = http.createServer(({ url }, response) => {
    if (!served[url]) return response.writeHead(204).end(); // the icon
    const [name, kind] = served[url];
    return response.writeHead(200, { 'content-type': kind }).end(name ? fs.readFileSync(name) : `<!DOCTYPE html><body>${module}</body>`);
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const address = `http://127.0.0.1:${server.address().port}`;
  await browser.open(`${address}/`);
  await browser.until("document.body.dataset.ready === 'yes'");
  assert.deepStrictEqual(browser.errors, []);
  await browser.open(`${address}/module.html`);
  await browser.until("document.body.dataset.count === '2'");
  server.closeAllConnections();
  server.close();
} catch (error) {
  await browser.screenshot(file('failed.png')).catch(() => {});
  throw error;
} finally {
  if (browser.errors.length) console.log(browser.errors);
  await browser.close();
}
console.log(execFileSync('sqlite3', [file('listing.db'), `.load ${process.env.ART_EXTENSION}`, "SELECT art_count('files', ''), art_check('files')"]).toString().trim());
