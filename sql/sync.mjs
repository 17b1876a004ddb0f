// sync.py for Node.js (node:sqlite, since 22.13): the same commands, the same protocol, so that each may serve the other. See sync.md.
//    node sync.mjs serve DATABASE TABLE | pull DATABASE TABLE SNAPSHOT|- COMMAND... | merge DATABASE TABLE SNAPSHOT COMMAND...
import { DatabaseSync } from 'node:sqlite';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const FEW = 41, MOST = 251;  // as in sync.py, and so is the SQL
const CELL = `CASE WHEN typeof({0}) NOT IN ('null', 'real') THEN CAST(substr(typeof({0}), 1, 1) || {0} AS BLOB)
    WHEN {0} = 9e999 THEN x'2b' WHEN {0} = -9e999 THEN x'2d' ELSE {0} END`;
const VALUE = `CASE iif(typeof({0}) = 'blob', CAST(substr({0}, 1, 1) AS TEXT), 'r') WHEN '+' THEN 9e999 WHEN '-' THEN -9e999
    WHEN 't' THEN CAST(substr({0}, 2) AS TEXT) WHEN 'b' THEN substr({0}, 2)
    WHEN 'i' THEN CAST(CAST(substr({0}, 2) AS TEXT) AS INTEGER) ELSE CAST({0} AS REAL) END`;
const DIFFER = 'own.{0} IS NOT theirs.{0} COLLATE BINARY OR typeof(own.{0}) <> typeof(theirs.{0})';
const names_of = delimiter => `SELECT coalesce(substr(CAST({key} AS BLOB), length(?1) + 1), x''), printf('%x', hash) FROM {t}
    WHERE prefix = ?1 AND delimiter = '${delimiter}' AND snapshot = {as_of} LIMIT ?3`;
const BYTES = `WITH RECURSIVE part(k) AS (SELECT 0 UNION ALL
        SELECT k + iif({at} = ?1, 1, art_count({name}, {at}, {as_of})) FROM part WHERE {at} IS NOT NULL)
    SELECT coalesce(substr({at}, length(?1) + 1), x''), printf('%x', iif({at} = ?1, (SELECT hash FROM {t}
        WHERE {key} = CAST(?1 AS TEXT) AND snapshot = {as_of}), art_hash({name}, {at}, {as_of})))
    FROM part WHERE {at} IS NOT NULL AND ?3`;
const TOTAL = "SELECT printf('%x', art_hash({name}, ''))";
const FORMS = { rows: names_of(''), level: names_of('/'), bytes: BYTES };
const BOTH = `{key} IN (SELECT {key} FROM theirs LEFT JOIN {t} AS own USING({key})
    WHERE {key} IN (SELECT path FROM mine) AND iif(gone, own.{key} IS NOT NULL, {differ}))`;

const [command, file, table, ...rest] = process.argv.slice(2);
const db = new DatabaseSync(file, { allowExtension: true, timeout: 60000 });
db.loadExtension(process.env.ART ?? './art');
const columns = db.prepare('SELECT name FROM pragma_table_info(?)').all(table).map(({ name }) => `"${name}"`);
const each_column = (text, separator) => columns.map(column => text.replaceAll('{0}', column)).join(separator);
const words = { t: `"${table}"`, name: `'${table}'`, conflict: `"${table}_conflict"`, key: columns[0], columns: columns.join(', '),
  cells: each_column(CELL, ', '), differ: each_column(DIFFER, ' OR '), as_of: 'CAST(?2 AS TEXT)',
  values: columns.map((_, i) => VALUE.replaceAll('{0}', `?${i + 1}`)).join(', ') };
words.at = `substr(CAST(art_nth(${words.name}, ?1, k, ${words.as_of}) AS BLOB), 1, length(?1) + 1)`;

function run(sql, ...values) {
  const rows = db.prepare(sql.replace(/\{(\w+)\}/g, (_, word) => words[word]))
    .all(...values.map(value => typeof value === 'string' ? Buffer.from(value, 'latin1') : value));
  return rows.map(row => Object.values(row).map(v => v instanceof Uint8Array ? Buffer.from(v).toString('latin1') : v));
}
const total = () => run(TOTAL)[0][0];
const fail = what => process.exit(console.error('sync: ' + what) ?? 1);
const each = sql => (...keys) => keys.flatMap(key => run(sql, key));

function names(prefix, snapshot = null, form = null) {
  for (const [of, limit] of form ? [[form, -1]] : [['rows', FEW], ['level', MOST], ['bytes', -1]]) {
    const found = run(FORMS[of], prefix, snapshot, limit);
    if (found.length !== limit) return [of, found];
  }
}

function push(gone, rows, wanted) {
  each('DELETE FROM {t} WHERE {key} = CAST(?1 AS TEXT)')(...gone);
  for (const row of rows) run('INSERT OR REPLACE INTO {t} VALUES({values})', ...row);
  const now = total();
  run(now === wanted ? 'COMMIT' : 'ROLLBACK');
  return [[now]];
}

const begin = writes => run(writes ? 'BEGIN IMMEDIATE' : 'BEGIN') && run(TOTAL);
const ANSWERS = { begin, push, names: (...prefixes) => prefixes.map(prefix => names(prefix)),
  below: each('SELECT {cells} FROM {t}(?1)'), rows: each('SELECT {cells} FROM {t} WHERE {key} = CAST(?1 AS TEXT)') };
const send = (output, messages) => output.write(messages.map(message => JSON.stringify(message) + '\n').join(''));

async function fetch_rows(ask, since) {
  const level = [''], prefixes = [], paths = [];
  while (level.length) {
    const asked = level.splice(0), answers = await ask('names', ...asked);
    answers.forEach(([form, told], i) => {
      const there = new Map(told), here = new Map(names(asked[i], since, form)[1]);
      for (const name of new Set([...there.keys(), ...here.keys()])) {
        if (there.get(name) === here.get(name)) continue;
        const many = form === 'bytes' ? name !== '' : form === 'level' && name.endsWith('/');
        if (there.has(name)) (!many ? paths : here.has(name) ? level : prefixes).push(asked[i] + name);
        else run(`INSERT INTO theirs({key}, gone) SELECT {key}, 1 FROM {t} WHERE prefix = ?1 AND delimiter = ''
          AND snapshot = {as_of} AND (?3 OR {key} = CAST(?1 AS TEXT))`, asked[i] + name, since, Number(many));
      }
    });
  }
  for (const request of [['below', ...prefixes], ['rows', ...paths]])
    for (const row of request.length > 1 ? await ask(...request) : []) run('INSERT INTO theirs VALUES({values}, 0)', ...row);
}

async function sync([snapshot, program, ...given]) {
  const since = command === 'merge' ? snapshot : null, other = spawn(program, given, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: other.stdout })[Symbol.asyncIterator]();
  async function ask(...message) {
    send(other.stdin, [message]);
    for (const answer = []; ; answer.push(JSON.parse(value))) {
      var { value, done } = await lines.next();
      if (done) fail('the other side has ended');
      if (value === 'null') return answer;
    }
  }
  let [[own]] = begin(true), [[theirs]] = await ask('begin', since !== null);
  if (own !== theirs) {
    run('CREATE TEMP TABLE theirs({columns}, gone, PRIMARY KEY({key}))');
    run('CREATE TEMP TABLE mine AS SELECT path FROM art_diff({name}, CAST(?1 AS TEXT), NULL)', since);
    await fetch_rows(ask, since);
    if (since) run('DROP TABLE IF EXISTS {conflict}');
    if (since) run('CREATE TABLE {conflict} AS SELECT * FROM theirs WHERE ' + BOTH);
    run('DELETE FROM theirs WHERE ' + BOTH);
    run('DELETE FROM {t} WHERE {key} IN (SELECT {key} FROM theirs WHERE gone)');
    run('INSERT OR REPLACE INTO {t} SELECT {columns} FROM theirs WHERE NOT gone');
    run('DELETE FROM mine WHERE path IN (SELECT {key} FROM theirs)');
    const gone = run('SELECT CAST(path AS BLOB) FROM mine WHERE path NOT IN (SELECT {key} FROM {t})').map(([path]) => path);
    own = total();
    if (since) [[theirs]] = await ask('push', gone, run('SELECT {cells} FROM {t} WHERE {key} IN (SELECT path FROM mine)'), own);
    if (own !== theirs) fail('the tables would differ, so nothing has changed');
  }
  if (snapshot !== '-') run(`INSERT INTO {t}({t}, snapshot) SELECT 'drop snapshot', name FROM art_snapshots({name})
    WHERE name = CAST(?1 AS TEXT) UNION ALL SELECT 'snapshot', CAST(?1 AS TEXT)`, snapshot);
  run('COMMIT');
  other.stdin.end();
}
if (command !== 'serve') await sync(rest);
else for await (const line of createInterface({ input: process.stdin })) {
  const [what, ...given] = JSON.parse(line);
  send(process.stdout, [...ANSWERS[what](...given), null]);
}
