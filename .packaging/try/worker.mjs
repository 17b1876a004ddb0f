// The page's worker: it has the databases, so that the page never waits. Messages are { id, call, argument }; each is answered by
// { id, result } or { id, error }, and while a listing is loaded there are { progress }.
//
// `files` is what is browsed, `tour` what README's queries run in, from an empty database each time.

import { load, open, openUrl, sqliteVersion } from '../wasm/sqlite-art.mjs';
import { Listing, sampleRows } from './listing.mjs';

const PIECE = 2 << 20; // bytes of a listing that are one transaction
const SHOWN = 1000; // rows of a query

let files = null;
let source = null; // { table, path, entries, size, mtime }: the table that is browsed, and its columns
let log = [];

const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');

// Values and names as SQL has them.
const text = (value) => (value.includes('\0') ? `CAST(x'${hex(new TextEncoder().encode(value))}' AS TEXT)`
  : `'${value.replaceAll("'", "''")}'`);
const PLAIN = ['files', 'objects', 'path', 'key', 'size', 'bytes', 'mtime', 'modified', 'entries']; // others may be words of SQL
const quoted = (value) => (PLAIN.includes(value) ? value : `"${value.replaceAll('"', '""')}"`);

// Each statement that the page runs is shown as it ran.
function query(sql) {
  const start = performance.now();
  const rows = files.rows(sql);
  log.push({ sql, ms: performance.now() - start, rows: rows.length });
  return rows;
}

// What a statement of a database on a server has fetched since the last answer.
let told = { requests: 0, bytes: 0 };
function fetched() {
  const now = files?.fetched;
  if (!now) return null;
  const since = { requests: now.requests - told.requests, bytes: now.bytes - told.bytes };
  told = now;
  return since;
}

function plain(value) {
  if (typeof value === 'bigint') return value.toString();
  return value instanceof Uint8Array ? `x'${hex(value.subarray(0, 50))}'` : value;
}

// The result of each statement of a script, until one fails.
function run(db, sql) {
  const results = [];
  try {
    for (const statement of db.statements(sql)) {
      const start = performance.now();
      const rows = [];
      let more = false;
      while (statement.step()) {
        if (rows.length === SHOWN) { more = true; break; }
        rows.push(statement.row().map(plain));
      }
      results.push({ columns: statement.columns, rows, more, ms: performance.now() - start });
    }
  } catch (error) {
    results.push({ error: error.message });
  }
  return results;
}

// ---- a database ----

const isInputOutput = (error) => (error.code & 255) === 10; // as when the server is away: it says nothing of the table

// The tables of art in it, with the columns that can be summed up.
function tables() {
  const found = files.values("SELECT name, sql FROM sqlite_schema WHERE sql LIKE 'CREATE VIRTUAL TABLE %' ORDER BY name = 'files' DESC, name");
  return found.filter(([, sql]) => /\busing\s+["'`[]?art\b/i.test(sql)).map(([table]) => {
    const columns = files.values('SELECT name FROM pragma_table_info(?)', [table]).map(([column]) => column);
    const first = (known, summary) => columns.slice(1).find((column) => {
      if (!known.includes(column.toLowerCase())) return false;
      try {
        files.values(`SELECT ${summary}(?, ?, '')`, [table, column]);
        return true;
      } catch (error) {
        if (isInputOutput(error)) throw error;
        return false;
      }
    }) ?? null;
    return {
      table,
      path: columns[0],
      entries: columns.some((column) => column.toLowerCase() === 'entries') ? 'art_entries' : 'entries', // a column of its own may have the name
      size: first(['size', 'bytes', 'length'], 'art_sum'),
      mtime: first(['mtime', 'modified', 'last_modified', 'time'], 'art_max'),
    };
  });
}

// <one level or all rows below>'s columns, as path, entries, size, mtime
const columns = () => `${quoted(source.path)}${source.path === 'path' ? '' : ' AS path'}, ${columnAs('entries')}, ${columnAs('size')}, ${columnAs('mtime')}`;
const columnAs = (as) => (!source[as] ? `NULL AS ${as}` : source[as] === as ? as : `${quoted(source[as])} AS ${as}`);

// Below the one name that there is, as long as there is one: where a listing begins.
function beginning() {
  let prefix = '';
  for (let depth = 0; depth < 64; depth++) {
    const level = files.values(`SELECT ${quoted(source.path)}, ${source.entries} FROM ${quoted(source.table)}(${text(prefix)}, '/') LIMIT 2`);
    if (level.some(([path]) => typeof path !== 'string')) throw new Error(`the paths of ${source.table} are no texts, which this page cannot show`);
    if (level.length !== 1 || level[0][1] === null) break;
    prefix = level[0][0];
  }
  return prefix;
}

// The first table that can be shown: one with a file of its own cannot, for example.
function opened() {
  const found = tables();
  let why = new Error('there is no table of art in this database');
  for (const one of found) {
    source = one;
    try {
      return { tables: found, source, beginning: beginning() };
    } catch (error) {
      if (isInputOutput(error)) throw error;
      why = error;
    }
  }
  throw why;
}

// ---- a listing ----

async function* pieces(file) {
  if (/\.gz$/i.test(file.name)) {
    let read = 0, parts = [], size = 0;
    const counted = new TransformStream({ transform(chunk, to) { read += chunk.byteLength; to.enqueue(chunk); } });
    const reader = file.stream().pipeThrough(counted).pipeThrough(new DecompressionStream('gzip')).getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      parts.push(next.value);
      size += next.value.length;
      if (size < PIECE) continue;
      yield [new Uint8Array(await new Blob(parts).arrayBuffer()), read];
      parts = [];
      size = 0;
    }
    yield [new Uint8Array(await new Blob(parts).arrayBuffer()), read];
    return;
  }
  for (let at = 0; at < file.size; at += PIECE) {
    const end = Math.min(at + PIECE, file.size);
    yield [new Uint8Array(await file.slice(at, end).arrayBuffer()), end];
  }
}

// In memory a large log costs no time when it is opened again, and a load takes half as long; it is for the load alone.
async function newFiles() {
  const db = await open();
  db.exec("CREATE VIRTUAL TABLE files USING art(path, size INTEGER, mtime INTEGER, storage=inline, log_limit='64MB',\n"
    + '  summary=(sum(size), max(mtime), search(path)))');
  return db;
}

function inserter(db) {
  const insert = db.prepare('INSERT OR REPLACE INTO files VALUES(?, ?, ?)');
  return (rows) => db.transaction(() => {
    for (const row of rows) insert.bind(row).step();
    insert.reset();
  });
}

function loaded(db, start, more) {
  postMessage({ progress: { at: 1, size: 1, rows: more.given, doing: 'packing' } });
  db.exec("INSERT INTO files(files) VALUES('log_limit=auto'), ('optimize')");
  files?.close();
  files = db;
  log = [];
  const [[rows]] = db.values("SELECT art_count('files', '')");
  return { ...opened(), rows, seconds: (performance.now() - start) / 1000, ...more };
}

// A database in the place of the one that is browsed, if there is a table of art in it.
function take(db, start) {
  const before = [files, source];
  files = db;
  log = [];
  told = { requests: 0, bytes: 0 };
  try {
    const found = opened();
    const [[rows]] = files.values('SELECT art_count(?, ?)', [source.table, '']);
    before[0]?.close();
    return { ...found, rows, seconds: (performance.now() - start) / 1000, format: 'database', fetched: fetched(), bad: 0, badLines: [], strange: 0 };
  } catch (error) {
    db.close();
    [files, source] = before;
    throw error;
  }
}

// ---- what the page asks for ----

const calls = {
  async start(wasm) {
    await load({ wasm });
    return sqliteVersion();
  },

  /** README's queries: their results, each script in the database that those before have left. */
  async tour(scripts) {
    const db = await open();
    try {
      return scripts.map((sql) => run(db, sql));
    } finally {
      db.close();
    }
  },

  async load(file) {
    const start = performance.now();
    const db = await newFiles();
    try {
      const put = inserter(db), listing = new Listing(), decoder = new TextDecoder();
      let given = 0, strange = 0;
      const take = (rows) => {
        for (const row of rows) if (row[0].includes('\ufffd')) strange++;
        put(rows);
        given += rows.length;
      };
      for await (const [bytes, at] of pieces(file)) {
        take(listing.push(decoder.decode(bytes, { stream: true })));
        postMessage({ progress: { at, size: file.size, rows: given } });
      }
      take(listing.push(decoder.decode()));
      take(listing.end());
      if (!given) throw new Error(`no line of ${file.name} can be read as a path`);
      return loaded(db, start, { given, strange, format: listing.format, lines: listing.lines, bad: listing.bad, badLines: listing.badLines });
    } catch (error) {
      db.close();
      throw error;
    }
  },

  async sample(count) {
    const start = performance.now();
    const db = await newFiles(), put = inserter(db);
    let rows = [], given = 0;
    for (const row of sampleRows(count)) {
      rows.push(row);
      if (rows.length < 20000 && given + rows.length < count) continue;
      put(rows);
      given += rows.length;
      rows = [];
      postMessage({ progress: { at: given, size: count, rows: given } });
    }
    return loaded(db, start, { given, strange: 0, format: 'sample', lines: count, bad: 0, badLines: [] });
  },

  async openDatabase(file) {
    return take(await open(await file.arrayBuffer()), performance.now());
  },

  /** On a web server: only what is asked for is fetched. */
  async openAddress(url) {
    const start = performance.now();
    return take(await openUrl(url), start);
  },

  choose(table) {
    const before = source;
    try {
      source = tables().find((one) => one.table === table);
      return { source, beginning: beginning() };
    } catch (error) {
      source = before;
      throw error;
    }
  },

  save() {
    return files.bytes();
  },

  /** One level: its rows as they are sorted, its totals, and what the treemap shows. */
  level({ prefix, sort, descending, limit }) {
    log = [];
    const table = text(source.table), at = text(prefix), from = `FROM ${quoted(source.table)}(${at}, '/')`;
    const [totals] = query(`SELECT art_count(${table}, ${at}) AS entries`
      + (source.size ? `, art_sum(${table}, ${text(source.size)}, ${at}) AS size` : '')
      + (source.mtime ? `, art_max(${table}, ${text(source.mtime)}, ${at}) AS mtime` : ''));
    const [{ names }] = query(`SELECT count(*) AS names ${from}`);
    const weight = totals.size ? 'size' : 'entries';
    if (sort === 'size') sort = weight; // a listing without sizes
    const order = sort === 'name' ? quoted(source.path) : sort;
    const rows = query(`SELECT ${columns()} ${from} ORDER BY ${order}${descending ? ' DESC' : ''} LIMIT ${limit}`);
    const tiles = sort === weight && descending ? rows
      : query(`SELECT ${columns()} ${from} ORDER BY ${weight} DESC LIMIT 200`);
    return { totals, names, rows, sort, tiles: tiles.slice(0, 200), weight, log, fetched: fetched() };
  },

  /** Rows below a prefix whose paths have all of the words. */
  search({ prefix, words, sort, limit }) {
    log = [];
    const path = quoted(source.path);
    const conditions = words.map((word) => {
      // _ and % are no wildcards here: LIKE finds the pages, instr() says which rows have them.
      const exact = /[_%]/.test(word) ? ` AND instr(lower(${path}), lower(${text(word)}))` : '';
      return `${path} LIKE ${text(`%${word}%`)}${exact}`;
    });
    const order = source[sort] ? `${quoted(source[sort])} DESC` : path;
    const rows = query(`SELECT ${path}${source.path === 'path' ? '' : ' AS path'}, ${columnAs('size')}, ${columnAs('mtime')} `
      + `FROM ${quoted(source.table)}(${text(prefix)}) WHERE ${conditions.join(' AND ')} ORDER BY ${order} LIMIT ${limit}`);
    return { rows, log, fetched: fetched() };
  },

  sql(script) {
    return run(files, script);
  },
};

onmessage = async ({ data: { id, call, argument } }) => {
  try {
    const result = await calls[call](argument);
    postMessage({ id, result }, result instanceof Uint8Array ? [result.buffer] : []);
  } catch (error) {
    postMessage({ id, error: error.message ?? String(error) });
  }
};
