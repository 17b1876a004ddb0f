// sync.py for Node.js (node:sqlite, since 22.13): the same protocol, so that each may serve the other; see sync.md.
//   node sync.mjs serve DATABASE TABLE   or   pull|merge DATABASE TABLE SNAPSHOT|- COMMAND...
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
const CELL = `CASE WHEN typeof({0}) NOT IN ('null', 'real') THEN CAST(substr(typeof({0}), 1, 1) || {0} AS BLOB)
    WHEN abs({0}) = 9e999 THEN iif({0} > 0, '9e999', '-9e999') ELSE {0} END`;  // as in sync.py, and so is the rest
const VALUE = `CASE CAST(substr({0}, 1, 1) AS TEXT) WHEN 't' THEN CAST(substr({0}, 2) AS TEXT) WHEN 'b'
    THEN substr({0}, 2) WHEN 'i' THEN CAST(CAST(substr({0}, 2) AS TEXT) AS INTEGER) ELSE CAST({0} AS REAL) END`;
const TOTAL = "SELECT printf('%x', art_hash({name}, '')), art_write_version({name})";
const LEVEL = `SELECT coalesce(substr(CAST({key} AS BLOB), length(?1) + 1), x''), printf('%x', {hash}) FROM {t}
    WHERE prefix = ?1 AND delimiter = '/' AND snapshot = ?2 || '' LIMIT ?3`;
const BYTES = `WITH part(b) AS (VALUES {bytes}) SELECT b, printf('%x', iif(b = x'', (SELECT {hash} FROM {t} WHERE {key}
    = ?1 || '' AND snapshot = ?2 || ''), art_hash({name}, ?1 || b, ?2 || ''))) AS h FROM part WHERE h <> '0' AND ?3`;
const [command, file, table, ...rest] = process.argv.slice(2), least = { serve: 5, pull: 7, merge: 7 };
const serves = command === 'serve', shot = Buffer.from(rest[0] ?? '').toString('latin1');
const side = serves ? 'there' : 'here', since = command === 'merge' ? shot : null;
const fail = what => process.exit(console.error(`sync: ${side}: ${what}`) ?? 1);
process.on('uncaughtException', e => serves && e.code === 'EPIPE' ? process.exit(1)
  : fail(/EPIPE|JSON/.test(e.message) ? 'the other side has ended' : e.message));
if (!(process.argv.length >= least[command])) fail('see the head of sync.mjs');
const [{ existsSync }, { resolve }, { DatabaseSync }] = await Promise.all(['fs', 'path', 'sqlite'].map(name =>
  import('node:' + name))).catch(() => fail('Node.js 22.13 or later is needed'));
if (!existsSync(file)) fail(`there is no database ${file}`);
const db = new DatabaseSync(file, { allowExtension: true, timeout: serves ? 2e3 + (8e3 * Math.random() | 0) : 6e4 });
db.loadExtension(resolve(process.env.ART_EXTENSION ?? 'art'));
const quoted = (name, by = '"') => by + name.replaceAll(by, by + by) + by;
const columns = db.prepare(`SELECT name FROM pragma_table_info(?1) WHERE 'TEXT' IN (
    SELECT type FROM pragma_table_xinfo(?1) WHERE pk AND NOT hidden)`).all(table).map(row => quoted(row.name));
if (!columns.length) fail(`${file} has no art table ${table} whose key is a path`);
const each = (text, word) => columns.map((column, i) => text.replaceAll('{0}', () => word(column, i))).join(', ');
const words = { t: quoted(table), conflict: quoted(table + '_conflict'), sync: quoted(table + '_sync'), key: columns[0],
  name: quoted(table, "'"), hash: columns.some(name => name.toLowerCase() === '"hash"') ? 'art_hash' : 'hash',
  values: each(VALUE, (_, i) => `?${i + 1}`), cells: each(CELL, column => column), columns: columns.join(', '),
  bytes: Array.from({ length: 257 }, (_, i) => `(x'${i ? Buffer.from([i - 1]).toString('hex') : ''}')`).join() };
const statements = new Map();
function run(sql, ...values) {
  if (!statements.has(sql)) statements.set(sql, db.prepare(sql.replace(/\{(\w+)\}/g, (_, word) => words[word])));
  const rows = statements.get(sql).all(...values.map(v => typeof v === 'string' ? Buffer.from(v, 'latin1') : v));
  return rows.map(row => Object.values(row).map(v =>
    v instanceof Uint8Array ? Buffer.from(v).toString('latin1') : Object.is(v, -0) ? '-0.0' : v));
}
const names = (prefix, parts = null, found = run(parts ? BYTES : LEVEL, prefix, since, parts === null ? 250 : -1)) =>
  parts === null && found.length === 250 ? names(prefix, true) : [prefix, !!parts, Object.fromEntries(found)];
function compare(levels, deeper = [], there = [], gone = []) {
  for (const [prefix, parts, names_there] of levels) {
    const [told, own] = [names_there, names(prefix, parts)[2]].map(object => new Map(Object.entries(object)));
    for (const name of new Set([...told.keys(), ...own.keys()].filter(name => told.get(name) !== own.get(name)))) {
      const many = name.endsWith('/') || parts && name !== '', has = (serves ? own : told).has(name);
      (many && told.has(name) && own.has(name) ? deeper : has ? there : gone).push([prefix + name, Number(many)]);
    }
  }
  return [deeper.map(([prefix]) => names(prefix)), there, gone];
}
function load(rows, gone) {
  for (const row of rows) run('INSERT INTO sync_theirs VALUES({values}, 0)', ...row);
  for (const [path, many] of gone) run(`INSERT INTO sync_theirs({key}, sync_gone) SELECT {key}, 1 FROM {t} WHERE
    prefix = ?1 AND delimiter = '' AND snapshot = ?2 || '' AND (?3 OR {key} = CAST(?1 AS TEXT))`, path, since, +many);
}
const apply = () => run('DELETE FROM {t} WHERE {key} IN (SELECT {key} FROM sync_theirs WHERE sync_gone)')
  && run('INSERT OR REPLACE INTO {t} SELECT {columns} FROM sync_theirs WHERE NOT sync_gone') && run(TOTAL);
const begin = (writes, hash) => run(writes ? 'BEGIN IMMEDIATE' : 'BEGIN')
  && run('CREATE TEMP TABLE sync_theirs({columns}, sync_gone, PRIMARY KEY({key}))')
  && run(TOTAL).map(([own, version]) => [own, version, columns, hash !== null && own !== hash && [names('')]]);
const look = (wanted, levels, [deeper, there, gone] = compare(levels)) => [[deeper, gone]].concat(
  [...wanted, ...there].flatMap(([path, many]) =>
    run('SELECT {cells} FROM {t}' + (many ? '(?1)' : ' WHERE {key} = CAST(?1 AS TEXT)'), path)));
const send = (output, messages) => { for (const message of messages) output.write(JSON.stringify(message) + '\n'); };
if (serves) {
  const does = { begin, look, push: (...own) => load(...own) ?? apply(), commit: () => run('COMMIT') };
  const answer = (what, ...given) => [...does[what](...given), null];
  for await (const line of createInterface({ input: process.stdin })) send(process.stdout, answer(...JSON.parse(line)));
  process.exit();
}
const other = spawn(rest[1], rest.slice(2), { stdio: ['pipe', 'pipe', 'inherit'] });
const lines = createInterface({ input: other.stdout })[Symbol.asyncIterator]();
async function ask(...message) {
  const told = send(other.stdin, [message]) ?? [];
  for (let line; (line = await lines.next()).value !== 'null'; told.push(JSON.parse(line.value)))
    if (line.done) fail('the other side has ended');
    else if (!/^\[(?!"begin")/.test(line.value))
      fail(`the other side is not sync, or its shell prints at login: said '${line.value.slice(0, 60)}'`);
  return told;
}
let [[theirs, version, others, levels]] = await ask('begin', since !== null, begin(true, null)[0][0]);
if (String(others) !== String(columns)) fail(`the columns are ${columns.join(', ')} here, ${others.join(', ')} there`);
if (shot !== '-') run('CREATE TABLE IF NOT EXISTS {sync}(snapshot PRIMARY KEY, version INTEGER)');
if (since && (levels || run(`SELECT 1 FROM art_snapshots({name}) WHERE name = ?1 || '' AND art_hash({name}, '') =
  art_hash({name}, '', name)`, since).length)) run('DROP TABLE IF EXISTS {conflict}');
if (since) run('CREATE TABLE IF NOT EXISTS {conflict} AS SELECT * FROM sync_theirs');
let [mine, lost] = [[], []];
if (levels) {
  if (since && run("SELECT 1 FROM {sync} WHERE snapshot = ?1 || '' AND version > ?2", since, version).length)
    fail('the table there is older than at the last sync: was it restored? A merge may delete rows here: see sync.md');
  run('CREATE TEMP TABLE sync_mine AS SELECT path, change FROM art_diff({name}, CAST(?1 AS TEXT), NULL)', since);
  while (levels.length) {
    const [deeper, wanted, gone] = compare(levels), [told, ...rows] = await ask('look', wanted, deeper);
    load(rows, [...gone, ...told[1]]), [levels] = told;
  }
  if (since) {
    run(`INSERT INTO {conflict} SELECT * FROM sync_theirs AS t WHERE {key} IN (SELECT path FROM sync_mine)
      AND iif(sync_gone, EXISTS(SELECT 1 FROM {t} AS own WHERE own.{key} = t.{key}), EXISTS(
      SELECT {cells} EXCEPT SELECT {cells} FROM {t} AS own WHERE own.{key} = t.{key}))`);
    const own = 'sync_mine WHERE path NOT IN (SELECT {key} FROM sync_theirs EXCEPT SELECT {key} FROM {conflict})';
    mine = run(`SELECT {cells} FROM {t} WHERE {key} IN (SELECT path FROM ${own})`);
    lost = run(`SELECT CAST(path AS BLOB), '' FROM ${own} AND change = 'deleted'`);
    run('DELETE FROM sync_theirs WHERE {key} IN (SELECT path FROM sync_mine)');
    [[theirs, version]] = await ask('push', mine, lost);
  }
  if (apply()[0][0] !== theirs) fail('the tables would differ, so nothing has changed');
  if (since) run('COMMIT'), await ask('commit'), run('BEGIN IMMEDIATE');
}
other.stdin.end(), await new Promise(ended => other.on('exit', ended));
if (shot !== '-' && run(TOTAL)[0][0] === theirs)
  run(`INSERT INTO {t}({t}, snapshot) SELECT 'drop snapshot', name FROM art_snapshots({name}) WHERE name = ?1 || ''
    UNION ALL SELECT 'snapshot', ?1 || ''`, shot),
  run("INSERT OR REPLACE INTO {sync} VALUES(?1 || '', ?2)", shot, version + (mine.length + lost.length > 0));
run('COMMIT');
const conflicts = since ? run('SELECT 1 FROM {conflict}') : [];
const [[taken, gone]] = run('SELECT total(NOT sync_gone), total(sync_gone) FROM sync_theirs');
console.error(`sync: ${taken} rows taken, ${gone} deleted; there ${mine.length} taken, ${lost.length} deleted; `
  + `conflicts: ${conflicts.length}` + (conflicts.length ? `, see ${table}_conflict` : ''));
