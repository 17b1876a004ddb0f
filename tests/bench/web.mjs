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
const BELOW = '/usr/share/', MANUALS = '/usr/share/man/', RARE = 'zlib', FREQUENT = 'python', NOWHERE = 'qzxvjw';

// ---- databases ----

const columns = '(path, size INTEGER, mtime INTEGER';
const loaded = (create, table = 'files') => [create, '.mode ascii', '.separator "\\t" "\\n"', `.import "${listing}" ${table}`];
const inline = (size) => [`PRAGMA page_size = ${size}`,
  ...loaded(`CREATE VIRTUAL TABLE files USING art${columns}, storage=inline, summary=(sum(size), max(mtime), search(path)))`),
  "INSERT INTO files(files) VALUES('optimize')", 'VACUUM'];
const published = (size) => [`.open "${file(`inline-${size}`)}"`, `SELECT art_publish('${file('made')}')`, `.open "${file('made')}"`,
  `PRAGMA page_size = ${size}`, ...size === 16384 ? [] : ['VACUUM']];
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
  const name = `${kind}-${size}`;
  if (fs.existsSync(file(name))) return;
  fs.rmSync(file('made'), { force: true });
  const script = [`.load "${extension}"`, 'PRAGMA synchronous = OFF', ...recipes[kind](size)];
  const input = script.map((line) => (line.startsWith('.') ? line : `${line};`)).join('\n');
  const { status, stderr } = spawnSync('sqlite3', ['-bail', file('made')], { input, encoding: 'utf8' });
  if (status) throw new Error(`${name}: ${stderr}`);
  fs.renameSync(file('made'), file(name));
}

// ---- questions: what art is asked, an ordinary table, FTS5 ----

const level = (prefix) => `SELECT path, entries, size, mtime FROM files('${prefix}', '/')`;
const ordinaryLevel = (prefix, total) => `WITH RECURSIVE names(path) AS (
    SELECT min(path) FROM files WHERE path > '${prefix}' AND path < '${prefix.slice(0, -1)}0'
    UNION ALL SELECT (SELECT min(path) FROM files WHERE path >= iif(instr(substr(names.path, ${prefix.length + 1}), '/'),
      substr(names.path, 1, ${prefix.length - 1} + instr(substr(names.path, ${prefix.length + 1}), '/')) || '0', names.path || char(0))
      AND path < '${prefix.slice(0, -1)}0') FROM names WHERE names.path IS NOT NULL)
  SELECT path${total} FROM names WHERE path IS NOT NULL`;
const sumBelow = (prefix) => `SELECT sum(size) FROM files WHERE path > '${prefix}' AND path < '${prefix.slice(0, -1)}0'`;
const known = fs.readFileSync(listing, 'utf8').split('\n').map((line) => line.split('\t')[0]).filter((name) => name.startsWith(MANUALS)).sort()[77];
const word = (text) => `SELECT path FROM files WHERE path LIKE '%${text}%'`;
const questions = [
  ['open', []],
  ['the level of the root', [level('')], [ordinaryLevel('/', '')]],
  ['/usr/, with totals', [level('/usr/')], [sumBelow('/usr/')]],
  ['then /usr/share/, then /usr/share/doc/', [level(BELOW), level('/usr/share/doc/')], null, null, level('/usr/')],
  ['/usr/share/ at once', [level(BELOW)]],
  ['/usr/share/doc/ at once', [level('/usr/share/doc/')]],
  ['a path', [`SELECT size FROM files WHERE path = '${known}'`], [`SELECT size FROM files WHERE path = '${known}'`]],
  ['20 largest', ['SELECT path, size FROM files ORDER BY size DESC LIMIT 20'], ['SELECT path, size FROM files ORDER BY size DESC LIMIT 20']],
  ['20 newest', ['SELECT path, mtime FROM files ORDER BY mtime DESC LIMIT 20'], ['SELECT path, mtime FROM files ORDER BY mtime DESC LIMIT 20']],
  [`20 newest below ${BELOW}`, [`SELECT path, mtime FROM files('${BELOW}') ORDER BY mtime DESC LIMIT 20`]],
  [`count below ${MANUALS}`, [`SELECT art_count('files', '${MANUALS}')`], [sumBelow(MANUALS).replace('sum(size)', 'count(*)')]],
  [`${RARE}, the first 20`, [`${word(RARE)} LIMIT 20`], [`${word(RARE)} LIMIT 20`], [`${word(RARE)} LIMIT 20`]],
  [NOWHERE, [word(NOWHERE)], [word(NOWHERE)], [word(NOWHERE)]],
  [`${FREQUENT}, 20 newest`, [`${word(FREQUENT)} ORDER BY mtime DESC LIMIT 20`], [`${word(FREQUENT)} ORDER BY mtime DESC LIMIT 20`],
    [`${word(FREQUENT)} ORDER BY mtime DESC LIMIT 20`]],
];

// ---- what they cost ----

function open(name) {
  const data = fs.readFileSync(file(name));
  const header = (begin, end) => (key) => (key === 'content-range' ? `bytes ${begin}-${end - 1}/${data.length}` : null);
  const remote = new RemoteFile(name, (url, begin, end) => ({ status: 206, header: header(begin, end), body: data.subarray(begin, end) }));
  remote.begin(206, header(0, 98304), data.subarray(0, 98304));
  return openRemote(remote);
}

/** Requests and KB of the question alone, and how many rows it gives; behind what is asked `before`. */
function cost(name, statements, first, before) {
  const db = open(name);
  try {
    if (first && statements.length) db.values(first);
    if (before && statements.length) db.values(before);
    if (!statements.length) db.values(first);
    const from = statements.length ? db.fetched : { requests: 0, bytes: 0 };
    const rows = statements.reduce((sum, sql) => sum + db.values(sql).length, 0);
    const requests = db.fetched.requests - from.requests, bytes = db.fetched.bytes - from.bytes;
    return requests ? `${requests}, ${Math.round(bytes / 1000).toLocaleString('en')}` : `0 (${rows} rows)`;
  } finally {
    db.close();
  }
}

const firsts = { table: 'SELECT path FROM files LIMIT 1', fts5: "SELECT path FROM files WHERE files MATCH 'usr' LIMIT 1" };

fs.mkdirSync(folder, { recursive: true });
await load({ wasm: fs.readFileSync(path.join(folderOfPackage, 'art.wasm')) });
for (const [kinds, sizes] of [[['published', 'inline', 'table', 'fts5'], [16384]], [['published', 'inline'], [4096, 65536]]]) {
  for (const size of sizes) {
    for (const kind of kinds) make(kind === 'published' ? 'inline' : kind, size);
    for (const kind of kinds) make(kind, size);
    const names = kinds.map((kind) => `${kind}-${size}`);
    console.log(`\n| pages of ${size}: requests, KB | ${kinds.join(' | ')} |\n|---|${'---|'.repeat(kinds.length)}`);
    console.log(`| MB on the server | ${names.map((name) => (fs.statSync(file(name)).size / 1e6).toFixed(1)).join(' | ')} |`);
    for (const [question, art, table, fts5, before] of questions) {
      if (!question.includes(part)) continue;
      const answers = kinds.map((kind, i) => {
        const statements = kind === 'table' ? table ?? (art.length ? null : art) : kind === 'fts5' ? fts5 ?? (art.length ? null : art) : art;
        return statements ? cost(names[i], statements, firsts[kind] ?? "SELECT art_count('files', '')", before) : '';
      });
      console.log(`| ${question} | ${answers.join(' | ')} |`);
    }
  }
}
