// SQLite with art in WebAssembly, for browsers, workers and Node.js. Databases live in memory: open() takes the bytes of a
// database file, bytes() gives them back.
//
//   import { open } from 'sqlite-art-wasm';
//   const db = await open();
//   db.exec('CREATE VIRTUAL TABLE files USING art(path, size INTEGER)');
//   db.rows('SELECT path, entries FROM files(?, ?)', ['', '/']);      // [{ path: 'usr/', entries: 3 }, ...]
//
// Values: NULL is null, INTEGER a number (a BigInt where a number is not exact), REAL a number, TEXT a string, BLOB a Uint8Array.
// To SQLite go also true and false as 1 and 0, and integral numbers as INTEGER.
//
// Memory of the module is in no garbage collector's hands: close() frees a database with all its statements, and every function
// here that prepares a statement of its own finalizes it, also after an error.

import instantiate from './art.mjs';
import { RemoteFile } from './remote.mjs';

const OK = 0, ROW = 100, DONE = 101, ERROR = 1, MISUSE = 21, NOMEM = 7, IOERR = 10;
const INTEGER = 1, FLOAT = 2, TEXT = 3, BLOB = 4;
const OPEN_READONLY = 1, OPEN_READWRITE = 2, OPEN_CREATE = 4, OPEN_MEMORY = 0x80;
const FREE_ON_CLOSE = 1, RESIZEABLE = 2;
const TRANSIENT = -1, UTF8 = 1;
const INT64_MIN = -(2n ** 63n), INT64_MAX = 2n ** 63n - 1n;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

let m; // the module's functions and its memory, once it is there
let loading;
let remotes = 0;
let scratch = { at: 0, size: 0 }; // where texts and BLOBs lie until SQLite has copied them

export class SqliteError extends Error {
  constructor(message, code) {
    super(message);
    this.name = 'SqliteError';
    this.code = code; // SQLite's extended result code
  }
}

/** Compiles the module, once. open() does it, too; `wasm` is art.wasm's bytes, for those who keep the file elsewhere. */
export function load({ wasm } = {}) {
  loading ??= (async () => {
    // Node.js before 19 has it under another name; the module's random numbers come from there.
    if (!globalThis.crypto) globalThis.crypto = (await nodeModule('node:crypto')).webcrypto;
    const wasmBinary = wasm ?? await readModule(new URL('./art.wasm', import.meta.url));
    m = await instantiate({ wasmBinary, locateFile: (file) => file }); // else it looks for its file's address, which a Blob has not
  })();
  loading.catch(() => { loading = undefined; });
  return loading;
}

// Behind a variable: bundlers for browsers need not find it.
function nodeModule(name) {
  return import(/* webpackIgnore: true */ /* @vite-ignore */ name);
}

async function readModule(url) {
  if (url.protocol === 'file:' && typeof process === 'object' && process.versions?.node) {
    return (await nodeModule('node:fs/promises')).readFile(url);
  }
  const response = await fetch(url);
  if (!response.ok) throw new Error(`cannot read ${url}: ${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** Opens a database: a new one, or one whose file has these bytes (which are copied). */
export async function open(bytes, options) {
  await load(options);
  return new Database(bytes);
}

/** Opens a database on a web server, which art_publish() has made: pages are fetched as they are read. In a worker alone. */
export async function openUrl(url, options) {
  await load(options);
  const remote = new RemoteFile(String(url), options?.get);
  const isWorker = typeof XMLHttpRequest !== 'undefined' && typeof document === 'undefined';
  if (!options?.get && !isWorker) throw new Error('openUrl() is for workers of a browser: elsewhere, open() takes the bytes');
  await remote.open();
  return openRemote(remote);
}

/** For one who opens the file otherwise. */
export function openRemote(remote) {
  m.remotes ??= new Map();
  const number = ++remotes;
  m.remotes.set(number, remote);
  try {
    return new Database(null, { number, remote });
  } catch (error) {
    m.remotes.delete(number);
    throw error;
  }
}

// ---- memory ----

const pointerAt = (at) => new DataView(m.HEAPU8.buffer).getUint32(at, true);

function allocated(size) {
  const at = m._malloc(size);
  if (!at) throw new SqliteError('out of memory', NOMEM);
  return at;
}

// A place for `size` bytes, good until the next call.
function scratchFor(size) {
  if (size > scratch.size) {
    if (size > 0x3fffffff) throw new SqliteError('out of memory', NOMEM); // twice as much would not be counted in 32 bits
    m._free(scratch.at);
    scratch = { at: 0, size: 0 };
    const room = Math.max(2 * size, 4096);
    scratch = { at: allocated(room), size: room };
  }
  return scratch.at;
}

// The length in bytes of a text that lies in scratch then.
function textToScratch(text) {
  const at = scratchFor(3 * text.length + 1);
  const { written } = encoder.encodeInto(text, m.HEAPU8.subarray(at, at + 3 * text.length));
  m.HEAPU8[at + written] = 0;
  return written;
}

// Where a script begins and ends in memory; who calls it frees it.
function copyOfSql(sql) {
  if (typeof sql !== 'string') throw new TypeError('SQL is a string');
  if (sql.includes('\0')) throw new SqliteError('SQL with a NUL character: bind it as a parameter', MISUSE);
  const text = encoder.encode(sql);
  const begin = allocated(text.length + 1), end = begin + text.length;
  m.HEAPU8.set(text, begin);
  m.HEAPU8[end] = 0;
  return [begin, end];
}

// ---- a connection ----

export class Database {
  #db = 0;
  #statements = new Set();
  #remote = null; // { number, remote }, of a database on a web server

  /** For open(), which loads the module first. */
  constructor(bytes, remote = null) {
    const out = scratchFor(40);
    m.HEAPU8.set(encoder.encode(remote ? `${remote.number}\0` : ':memory:\0'), out + 4);
    m.HEAPU8.set(encoder.encode('remote\0'), out + 32);
    const flags = remote ? OPEN_READONLY : OPEN_READWRITE | OPEN_CREATE | OPEN_MEMORY;
    const code = m._sqlite3_open_v2(out + 4, out, flags, remote ? out + 32 : 0);
    this.#db = pointerAt(out);
    this.#remote = remote;
    try {
      this._check(code);
      if (bytes !== undefined && bytes !== null) this.#deserialize(bytes);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #deserialize(bytes) {
    const isView = ArrayBuffer.isView(bytes);
    // By its tag: another window has an ArrayBuffer of its own. A promise or a Blob would be taken for an empty database.
    if (!isView && Object.prototype.toString.call(bytes) !== '[object ArrayBuffer]')
      throw new TypeError('open() takes the bytes of a database, as a Uint8Array or an ArrayBuffer');
    const source = isView ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) : new Uint8Array(bytes);
    if (source.length === 0) return;
    const at = m._sqlite3_malloc64(BigInt(source.length));
    if (!at) throw new SqliteError('out of memory', NOMEM);
    m.HEAPU8.set(source, at);
    // A file in WAL mode needs shared memory, which a database in memory has not: from here on it has a rollback journal.
    if (source.length > 100 && source[18] === 2 && source[19] === 2) m.HEAPU8.fill(1, at + 18, at + 20);
    const main = scratchFor(5);
    m.HEAPU8.set(encoder.encode('main\0'), main);
    const size = BigInt(source.length);
    this._check(m._sqlite3_deserialize(this.#db, main, at, size, size, FREE_ON_CLOSE | RESIZEABLE)); // frees after an error, too
    this.values('SELECT count(*) FROM sqlite_schema'); // an error here, and not later, where it is no database
  }

  get open() { return this.#db !== 0; }

  _handle() {
    if (!this.#db) throw new SqliteError('the database is closed', MISUSE);
    return this.#db;
  }

  _check(code) {
    const problem = this.#remote?.remote.problem;
    if (problem) this.#remote.remote.problem = null; // of this call, and not of the next one that reads nothing
    if (code === OK || code === ROW || code === DONE) return code;
    if (!this.#db) throw new SqliteError(m.UTF8ToString(m._sqlite3_errstr(code)), code);
    if (problem) throw new SqliteError(problem, m._sqlite3_extended_errcode(this.#db) || code);
    throw new SqliteError(m.UTF8ToString(m._sqlite3_errmsg(this.#db)), m._sqlite3_extended_errcode(this.#db) || code);
  }

  _forget(statement) { this.#statements.delete(statement); }

  #prepareAt(at, end) {
    const out = allocated(8);
    try {
      this._check(m._sqlite3_prepare_v2(this._handle(), at, end - at, out, out + 4));
      const pointer = pointerAt(out), next = pointerAt(out + 4);
      if (!pointer) return { statement: null, next };
      const statement = new Statement(this, pointer, decoder.decode(m.HEAPU8.slice(at, next)));
      this.#statements.add(statement);
      return { statement, next };
    } finally {
      m._free(out);
    }
  }

  /** The statements of a script, one after the other; each is prepared when those before have run, and finalized behind. */
  *statements(sql) {
    const [begin, end] = copyOfSql(sql);
    try {
      for (let at = begin; at < end;) {
        const { statement, next } = this.#prepareAt(at, end);
        if (next <= at) break;
        at = next;
        if (!statement) continue;
        try {
          yield statement;
        } finally {
          statement.finalize();
        }
      }
    } finally {
      m._free(begin);
    }
  }

  /** One statement, to be bound and run as often as one likes; finalize() it, or close() does. */
  prepare(sql) {
    const [begin, end] = copyOfSql(sql);
    try {
      const { statement, next } = this.#prepareAt(begin, end);
      if (!statement) throw new SqliteError('there is no statement in this text', MISUSE);
      let second;
      try {
        for (let at = next; at < end && !second;) {
          const more = this.#prepareAt(at, end);
          second = more.statement;
          if (more.next <= at) break;
          at = more.next;
        }
      } catch (error) {
        statement.finalize();
        throw error;
      }
      if (second) {
        second.finalize();
        statement.finalize();
        throw new SqliteError('more than one statement: exec() runs a script', MISUSE);
      }
      return statement;
    } finally {
      m._free(begin);
    }
  }

  #once(sql, use) {
    const statement = this.prepare(sql);
    try {
      return use(statement);
    } finally {
      statement.finalize();
    }
  }

  /** Runs a script; rows that it gives are dropped. */
  exec(sql) {
    for (const statement of this.statements(sql)) while (statement.step());
  }

  /** Runs one statement; sqlite3_changes() (of what changes no rows, as CREATE: those of the statement before), and the last rowid. */
  run(sql, parameters) { return this.#once(sql, (statement) => statement.run(parameters)); }

  /** The rows as objects, by the columns' names. */
  rows(sql, parameters) { return this.#once(sql, (statement) => statement.rows(parameters)); }

  /** The rows as arrays. */
  values(sql, parameters) { return this.#once(sql, (statement) => statement.values(parameters)); }

  /** Runs `work`, which may not be asynchronous, in a transaction: COMMIT behind it, ROLLBACK after an error. */
  transaction(work) {
    this.exec('BEGIN');
    try {
      const result = work();
      if (typeof result?.then === 'function') {
        Promise.resolve(result).catch(() => {}); // what it goes on to do has no transaction
        throw new TypeError('transaction() takes a function that has done its work when it returns: no async one, which awaits');
      }
      this.exec('COMMIT');
      return result;
    } catch (error) {
      try { this.exec('ROLLBACK'); } catch { /* SQLite has rolled back itself */ }
      throw error;
    }
  }

  /** Of one that openUrl() has opened: how many requests there were, and their bytes. */
  get fetched() { return this.#remote && { requests: this.#remote.remote.requests, bytes: this.#remote.remote.bytes }; }

  /** The database as the bytes of a file; not within a transaction, whose pages would be in it, and its art rows would not. */
  bytes() {
    if (!m._sqlite3_get_autocommit(this._handle())) throw new SqliteError('bytes() within a transaction: COMMIT first', MISUSE);
    const main = allocated(16), remote = this.#remote?.remote;
    if (remote) remote.failure = null;
    try {
      m.HEAPU8.set(encoder.encode('main\0'), main + 8);
      const at = m._sqlite3_serialize(this._handle(), main + 8, main, 0);
      const size = Number(new DataView(m.HEAPU8.buffer).getBigInt64(main, true));
      if (size < 0) this._check(m._sqlite3_extended_errcode(this.#db) || ERROR);
      if (!at && size > 0) throw new SqliteError('out of memory', NOMEM);
      const copy = m.HEAPU8.slice(at, at + Math.max(size, 0));
      m._sqlite3_free(at);
      // SQLite has zeros in the place of pages that it could not read, and no error.
      if (remote) remote.problem = null;
      if (remote?.failure) throw new SqliteError(remote.failure, IOERR);
      return copy;
    } finally {
      m._free(main);
    }
  }

  /** Finalizes all statements and frees the database. A second time it does nothing. */
  close() {
    for (const statement of [...this.#statements]) statement.finalize();
    if (this.#db) m._sqlite3_close_v2(this.#db);
    if (this.#db && this.#remote) m.remotes.delete(this.#remote.number);
    this.#db = 0;
  }
}

// ---- a statement ----

export class Statement {
  #database;
  #statement;
  #columns;
  #stepped = false; // since the beginning

  /** For prepare() and statements(). */
  constructor(database, pointer, sql) {
    this.#database = database;
    this.#statement = pointer;
    this.sql = sql;
  }

  #handle() {
    if (!this.#statement) throw new SqliteError('the statement is finalized', MISUSE);
    return this.#statement;
  }

  /** The columns' names. */
  get columns() {
    if (!this.#columns) {
      const statement = this.#handle();
      const count = m._sqlite3_column_count(statement);
      this.#columns = Array.from({ length: count }, (_, at) => m.UTF8ToString(m._sqlite3_column_name(statement, at)));
    }
    return this.#columns;
  }

  #bindAt(at, value) {
    const statement = this.#handle();
    let code;
    if (value === null) code = m._sqlite3_bind_null(statement, at);
    else if (typeof value === 'string') {
      const size = textToScratch(value);
      code = m._sqlite3_bind_text64(statement, at, scratch.at, BigInt(size), TRANSIENT, UTF8);
    } else if (typeof value === 'number') {
      code = Number.isSafeInteger(value) ? m._sqlite3_bind_int64(statement, at, BigInt(value)) : m._sqlite3_bind_double(statement, at, value);
    } else if (typeof value === 'bigint') {
      if (value < INT64_MIN || value > INT64_MAX) throw new RangeError(`parameter ${at}: ${value} does not fit into 64 bits`);
      code = m._sqlite3_bind_int64(statement, at, value);
    } else if (typeof value === 'boolean') code = m._sqlite3_bind_int64(statement, at, value ? 1n : 0n);
    else if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
      const bytes = value instanceof ArrayBuffer ? new Uint8Array(value) : new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
      const place = scratchFor(bytes.length + 1); // a BLOB of no bytes has an address, too: else it would be NULL
      m.HEAPU8.set(bytes, place);
      code = m._sqlite3_bind_blob64(statement, at, place, BigInt(bytes.length), TRANSIENT);
    } else {
      throw new TypeError(`parameter ${at}: SQLite has no value for ${value === undefined ? 'undefined' : Object.prototype.toString.call(value)}`);
    }
    this.#database._check(code);
  }

  #index(name) {
    for (const sigil of /^[:@$?]/.test(name) ? [''] : [':', '@', '$']) {
      textToScratch(sigil + name);
      const at = m._sqlite3_bind_parameter_index(this.#handle(), scratch.at);
      if (at) return at;
    }
    throw new RangeError(`there is no parameter ${name}`);
  }

  /** Binds an array (?1, ?2, ...) or an object ({ name: value } for :name, @name or $name). What is not named stays NULL. */
  bind(parameters) {
    this.reset();
    m._sqlite3_clear_bindings(this.#handle());
    if (Array.isArray(parameters)) {
      const wanted = m._sqlite3_bind_parameter_count(this.#handle());
      if (parameters.length !== wanted) throw new RangeError(`the statement has ${wanted} parameters, and ${parameters.length} are given`);
      for (let at = 0; at < parameters.length; at++) this.#bindAt(at + 1, parameters[at]);
    } else if (parameters !== null && typeof parameters === 'object') {
      for (const name of Object.keys(parameters)) this.#bindAt(this.#index(name), parameters[name]);
    } else throw new TypeError('parameters are an array or an object');
    return this;
  }

  /** To the next row: whether there is one. */
  step() {
    const code = m._sqlite3_step(this.#handle());
    if (!this.#stepped) this.#columns = undefined; // a changed schema may have given it others
    this.#stepped = code === ROW;
    if (code === ROW || code === DONE) return this.#database._check(code) === ROW;
    try {
      this.#database._check(code);
    } finally {
      m._sqlite3_reset(this.#statement);
    }
    return false;
  }

  #valueAt(at) {
    const statement = this.#statement;
    switch (m._sqlite3_column_type(statement, at)) {
      case INTEGER: {
        const value = m._sqlite3_column_int64(statement, at);
        const number = Number(value);
        return Number.isSafeInteger(number) ? number : value;
      }
      case FLOAT: return m._sqlite3_column_double(statement, at);
      case TEXT: {
        const place = m._sqlite3_column_text(statement, at);
        return decoder.decode(m.HEAPU8.subarray(place, place + m._sqlite3_column_bytes(statement, at)));
      }
      case BLOB: {
        const place = m._sqlite3_column_blob(statement, at);
        return m.HEAPU8.slice(place, place + m._sqlite3_column_bytes(statement, at));
      }
      default: return null;
    }
  }

  /** The row that step() came to, as an array. */
  row() {
    this.#handle();
    const row = new Array(this.columns.length);
    for (let at = 0; at < row.length; at++) row[at] = this.#valueAt(at);
    return row;
  }

  /** To the beginning; what is bound stays. */
  reset() {
    m._sqlite3_reset(this.#handle());
    this.#stepped = false;
    return this;
  }

  #begin(parameters) {
    if (parameters === undefined) this.reset();
    else this.bind(parameters);
  }

  run(parameters) {
    this.#begin(parameters);
    while (this.step());
    this.reset();
    const safe = (value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value);
    const db = this.#database._handle();
    return { changes: safe(m._sqlite3_changes64(db)), lastInsertRowid: safe(m._sqlite3_last_insert_rowid(db)) };
  }

  values(parameters) {
    this.#begin(parameters);
    const found = [];
    while (this.step()) found.push(this.row());
    this.reset();
    return found;
  }

  rows(parameters) {
    this.#begin(parameters);
    const found = [];
    while (this.step()) found.push(Object.fromEntries(this.row().map((value, at) => [this.columns[at], value])));
    this.reset();
    return found;
  }

  /** Frees it. A second time it does nothing. */
  finalize() {
    if (!this.#statement) return;
    m._sqlite3_finalize(this.#statement);
    this.#statement = 0;
    this.#database._forget(this);
  }
}

/** SQLite's version; after load() or open(). */
export const sqliteVersion = () => m.UTF8ToString(m._sqlite3_libversion());
