// Requests and bytes that a question takes of a database on a web server, by the VFS of sqlite-art-wasm: the figures of sql/web.md.
//   node web.mjs <package> <listing> <folder> <extension> [<part of a question>]
// <package> has sqlite-art.mjs and remote.mjs of .packaging/wasm, and art.mjs and art.wasm of build/platforms/wasm32. The listing is
// one of `find / -printf '%p\t%s\t%Ts\n'`. Databases that the folder has are not made again. No server is needed: the VFS takes its
// parts from a function, which counts them.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [folderOfPackage, listing, folder, extension, part = ''] = process.argv.slice(2);
const importOf = (name) => import(pathToFileURL(path.resolve(folderOfPackage, name)));
const { load, openRemote } = await importOf('sqlite-art.mjs');
const { RemoteFile } = await importOf('remote.mjs');
const BELOW = '/usr/share/', MANUALS = '/usr/share/man/', RARE = 'zlib', FREQUENT = 'header', NOWHERE = 'qqzz';

// ---- databases ----

const columns = '(path, size INTEGER, mtime INTEGER';
const loaded = (create, table = 'files') => [create, '.mode ascii', '.separator "\\t" "\\n"', `.import "${listing}" ${table}`];
const inline = (size) => [`PRAGMA page_size = ${size}`,
  ...loaded(`CREATE VIRTUAL TABLE files USING art${columns}, storage=inline, summary=(sum(size), max(mtime), search(path)))`),
  "INSERT INTO files(files) VALUES('optimize')", 'VACUUM'];
const loadArt = `.load "${extension}"`;
const published = (size) => [`.open "${file(`inline-${size}`)}"`, loadArt, `SELECT art_publish('${file('published')}')`,
  `.open "${file('published')}"`, loadArt, `PRAGMA page_size = ${size}`, ...size === 16384 ? [] : ['VACUUM']];
const recipes = {
  inline,
  published,
  table: (size) => [`PRAGMA page_size = ${size}`, ...loaded(`CREATE TABLE files${columns}, PRIMARY KEY(path)) WITHOUT ROWID`),
    'CREATE INDEX by_size ON files(size)', 'CREATE INDEX by_mtime ON files(mtime)', 'VACUUM'],
  fts5: (size) => [`PRAGMA page_size = ${size}`,
    ...loaded("CREATE VIRTUAL TABLE files USING fts5(path, size UNINDEXED, mtime UNINDEXED, tokenize = 'trigram')"),
    "INSERT INTO files(files) VALUES('optimize')", 'VACUUM'],
};
const file = (name) => path.join(folder, `${name}.db`);

function make(kind, size) {
  const name = `${kind}-${size}`, made = file(kind === 'published' ? kind : 'made');
  if (fs.existsSync(file(name))) return;
  fs.rmSync(made, { force: true });
  const script = [loadArt, 'PRAGMA synchronous = OFF', ...recipes[kind](size)];
  const input = script.map((line) => (line.startsWith('.') ? line : `${line};`)).join('\n');
  const { status, stderr } = spawnSync('sqlite3', ['-bail', file('made')], { input, encoding: 'utf8' });
  if (status) throw new Error(`${name}: ${stderr}`);
  fs.renameSync(made, file(name));
}

// ---- questions: what art is asked, an ordinary table, FTS5 ----

const level = (prefix) => `SELECT path, entries, size, mtime FROM files('${prefix}', '/')`;
const ordinaryRoot = `WITH RECURSIVE name(path) AS (
    SELECT min(path) FROM files WHERE path > '/'
    UNION ALL SELECT (SELECT min(path) FROM files WHERE path > CASE instr(substr(name.path, 2), '/') WHEN 0 THEN name.path
      ELSE substr(name.path, 1, instr(substr(name.path, 2), '/')) || '0' END) FROM name WHERE name.path IS NOT NULL)
  SELECT path FROM name`;
const sumBelow = (prefix) => `SELECT sum(size) FROM files WHERE path > '${prefix}' AND path < '${prefix.slice(0, -1)}0'`;
const paths = fs.readFileSync(listing, 'utf8').split('\n').map((line) => line.split('\t')[0]);
const known = paths.filter((one) => one.startsWith(MANUALS)).sort()[77];
const rowsWith = (text) => paths.filter((one) => one.toLowerCase().includes(text)).length;
const word = (text) => `SELECT path FROM files WHERE path LIKE '%${text}%'`;
const both = (sql) => [[sql], [sql]], all = (sql) => [[sql], [sql], [sql]];
const questions = [ // of art, of an ordinary table, of FTS5; what is asked before
  ['the level of the root', [level('/')], [ordinaryRoot]],
  ['/usr/, with totals', [level('/usr/')], [sumBelow('/usr/')]],
  ['then /usr/share/, then /usr/share/doc/', [level(BELOW), level('/usr/share/doc/')], null, null, level('/usr/')],
  ['/usr/share/ at once', [level(BELOW)]],
  ['/usr/share/doc/ at once', [level('/usr/share/doc/')]],
  ['a path', ...both(`SELECT size FROM files WHERE path = '${known}'`)],
  ['20 largest', ...both('SELECT path, size FROM files ORDER BY size DESC LIMIT 20')],
  ['20 newest', ...both('SELECT path, mtime FROM files ORDER BY mtime DESC LIMIT 20')],
  [`20 newest below ${BELOW}`, [`SELECT path, mtime FROM files('${BELOW}') ORDER BY mtime DESC LIMIT 20`]],
  [`count below ${MANUALS}`, [`SELECT art_count('files', '${MANUALS}')`], [sumBelow(MANUALS).replace('sum(size)', 'count(*)')]],
  [`a word in ${rowsWith(RARE)} rows, the first 20`, ...all(`${word(RARE)} LIMIT 20`)],
  ['a word in no row', ...all(word(NOWHERE))],
  [`a word in ${rowsWith(FREQUENT)} rows, 20 newest`, ...all(`${word(FREQUENT)} ORDER BY mtime DESC LIMIT 20`)],
];

// ---- what they cost ----

function open(name) {
  const data = fs.readFileSync(file(name));
  const header = (begin, end) => (key) => (key === 'content-range' ? `bytes ${begin}-${end - 1}/${data.length}` : null);
  const remote = new RemoteFile(name, (url, begin, end) => ({ status: 206, header: header(begin, end), body: data.subarray(begin, end) }));
  remote.begin(206, header(0, 98304), data.subarray(0, 98304));
  return openRemote(remote);
}

/** Requests and KB of the statements in a fresh connection, behind those `before`; without any, of opening the file, too. */
function cost(name, before, statements) {
  const db = open(name);
  try {
    for (const sql of before) db.values(sql);
    const { requests, bytes } = before.length ? db.fetched : { requests: 0, bytes: 0 };
    const found = statements.reduce((sum, sql) => sum + db.values(sql).length, 0);
    if (!found && !/qqzz|zzqq/.test(statements)) throw new Error(`${name} has no rows of ${statements}`);
    const { requests: after, bytes: read } = db.fetched;
    return after === requests ? '0' : `${after - requests}, ${Math.round((read - bytes) / 1000).toLocaleString('en')}`;
  } finally {
    db.close();
  }
}

const openings = { published: "SELECT art_count('files', '')", table: 'SELECT path FROM files LIMIT 1', fts5: word('zzqq') };
openings.inline = openings.published;

fs.mkdirSync(folder, { recursive: true });
await load({ wasm: fs.readFileSync(path.join(folderOfPackage, 'art.wasm')) });
for (const [kinds, sizes] of [[['published', 'inline', 'table', 'fts5'], [16384]], [['published', 'inline'], [4096, 65536]]]) {
  for (const size of sizes) {
    for (const kind of ['inline', ...kinds]) make(kind, size);
    const names = kinds.map((kind) => `${kind}-${size}`);
    console.log(`\n| pages of ${size}: requests, KB | ${kinds.join(' | ')} |\n|---|${'---|'.repeat(kinds.length)}`);
    console.log(`| MB on the server | ${names.map((name) => (fs.statSync(file(name)).size / 1e6).toFixed(1)).join(' | ')} |`);
    console.log(`| open | ${kinds.map((kind, i) => cost(names[i], [], [openings[kind]])).join(' | ')} |`);
    for (const [question, art, table, fts5, ...before] of questions) {
      if (!question.includes(part)) continue;
      const asked = { published: art, inline: art, table, fts5 };
      const answers = kinds.map((kind, i) => (asked[kind] ? cost(names[i], [openings[kind], ...before], asked[kind]) : ''));
      console.log(`| ${question} | ${answers.join(' | ')} |`);
    }
  }
}

// ---- of the published file: all large levels, by a click in the level above and at once; and thirty words ----

/** Requests of a statement in a fresh connection that has opened the table, behind those `before`. */
const requests = (before, sql) => Number(cost('published-16384', [openings.published, ...before], [sql]).split(',')[0]);
const summary = (counts) => `${(counts.reduce((sum, count) => sum + count, 0) / counts.length).toFixed(1)} on average, ${Math.max(...counts)} at most`;

function largeLevels() {
  const db = open('published-16384');
  try {
    const found = ['/'];
    for (const above of found) for (const [below, entries] of db.values(level(above))) if (entries >= 2000) found.push(below);
    return found;
  } finally {
    db.close();
  }
}

/** Words of letters that 100 to 1,000 rows have in their names, evenly out of all of them. */
function someWords() {
  const rows = new Map();
  for (const one of paths) for (const text of new Set(one.slice(one.lastIndexOf('/') + 1).match(/[a-z]{5,}/g))) rows.set(text, (rows.get(text) ?? 0) + 1);
  const all = [...rows].filter(([, count]) => count >= 100 && count <= 1000).map(([text]) => text).sort();
  return [...Array(30).keys()].map((i) => all[Math.floor(i * all.length / 30)]);
}

if (!part) {
  const levels = largeLevels(), parent = (one) => one.slice(0, one.slice(0, -1).lastIndexOf('/') + 1);
  const below = levels.slice(1);
  console.log(`\n${below.length} levels of 2,000 rows and more, requests by a click: ${summary(below.map((one) => requests([level(parent(one))], level(one))))}; ` +
    `at once: ${summary(below.map((one) => requests([], level(one))))}`);
  console.log(`a path, of 100: ${summary([...Array(100).keys()].map((i) => requests([], `SELECT size FROM files WHERE path = '${paths[Math.floor((i * paths.length) / 100)].replaceAll("'", "''")}'`)))}`);
  console.log(`20 newest with a word, of 30: ${summary(someWords().map((text) => requests([], `${word(text)} ORDER BY mtime DESC LIMIT 20`)))}`);
}
