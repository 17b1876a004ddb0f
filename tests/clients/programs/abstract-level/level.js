// An abstract-level database in a table of SQLite: keys and values are BLOBs, ordered by their bytes.
//
//   new SqliteLevel('file.db', { create: SqliteLevel.art, extension: 'art.so' })
//   new SqliteLevel('file.db', { create: SqliteLevel.ordinary })
//
// One connection writes, and reads what is asked without a snapshot. An iterator and a snapshot have a connection of
// their own with a read transaction that began when they were made; connections that are given back are kept for the
// next one.
const { existsSync } = require('node:fs');
const { DatabaseSync } = require('node:sqlite');
const { AbstractIterator, AbstractLevel, AbstractSnapshot } = require('abstract-level');

// node:sqlite binds the bytes of an array, and NULL where it has none: TextEncoder gives such arrays for ''.
const nothing = new Uint8Array(1).subarray(0, 0);
const blob = (bytes) => (bytes.length ? bytes : nothing);

class Connection {
  #statements = new Map();
  #idle = new Map(); // statements that no cursor uses, by their SQL
  #cursors = new Map();

  constructor(file, { extension, create, synchronous, readOnly = false }) {
    this.db = new DatabaseSync(file, { allowExtension: Boolean(extension), readOnly, timeout: 10000 });
    if (extension) this.db.loadExtension(extension);
    if (!readOnly) this.db.exec(`PRAGMA synchronous = ${synchronous}; PRAGMA journal_mode = WAL; ${create}`);
  }

  // A statement that is done when the call is.
  statement(sql) {
    let statement = this.#statements.get(sql);
    if (!statement) this.#statements.set(sql, (statement = this.#prepare(sql)));
    return statement;
  }

  #prepare(sql) {
    const statement = this.db.prepare(sql);
    statement.setReturnArrays(true);
    return statement;
  }

  value(key) {
    return this.statement('SELECT value FROM kv WHERE key = ?').get(blob(key))?.[0];
  }

  has(key) {
    return this.statement('SELECT 1 FROM kv WHERE key = ?').get(blob(key)) !== undefined;
  }

  // Rows that are read step by step, and end with close() or end().
  open(sql, values) {
    if (!this.#idle.has(sql)) this.#idle.set(sql, []);
    const idle = this.#idle.get(sql);
    const statement = idle.pop() ?? this.#prepare(sql);
    const cursor = statement.iterate(...values);
    this.#cursors.set(cursor, () => idle.push(statement));
    return cursor;
  }

  close(cursor) {
    if (!this.#cursors.has(cursor)) return;
    cursor.return();
    this.#cursors.get(cursor)();
    this.#cursors.delete(cursor);
  }

  // The read transaction: SQLite fixes what it sees at its first read.
  begin() {
    this.db.exec('BEGIN');
    this.statement('SELECT 1 FROM kv LIMIT 1').get();
    return this;
  }

  end() {
    for (const cursor of this.#cursors.keys()) this.close(cursor);
    this.db.exec('COMMIT');
  }

  transaction(work) {
    this.db.exec('BEGIN IMMEDIATE');
    try {
      work();
      this.db.exec('COMMIT');
    } catch (error) {
      this.db.exec('ROLLBACK');
      throw error;
    }
  }
}

// The condition of a range, with its values.
const bounds = { gt: '>', gte: '>=', lt: '<', lte: '<=' };
function condition(range) {
  const given = Object.keys(bounds).filter((bound) => range[bound] !== undefined);
  const sql = given.map((bound) => `key ${bounds[bound]} ?`).join(' AND ');
  return { where: sql && `WHERE ${sql}`, values: given.map((bound) => blob(range[bound])) };
}

function inside(range, key) {
  const order = (bound) => Buffer.compare(key, range[bound]);
  return !(
    (range.gt !== undefined && order('gt') <= 0) ||
    (range.gte !== undefined && order('gte') < 0) ||
    (range.lt !== undefined && order('lt') >= 0) ||
    (range.lte !== undefined && order('lte') > 0)
  );
}

// Of gt and gte, and of lt and lte, the latter holds.
function normal({ gt, gte, lt, lte, ...options }) {
  const lower = gte === undefined ? { gt } : { gte };
  const upper = lte === undefined ? { lt } : { lte };
  return { ...options, ...lower, ...upper };
}

class Iterator extends AbstractIterator {
  #options;
  #reader;
  #cursor;

  constructor(level, options) {
    super(level, options);
    this.#options = normal(options);
    this.#reader = options.snapshot?.reader ?? level.takeReader();
    this.#open(this.#options);
  }

  #open(range) {
    const { keys, values, reverse } = this.#options;
    const { where, values: bound } = condition(range);
    const columns = `${keys ? 'key' : 'NULL'}, ${values ? 'value' : 'NULL'}`;
    this.#end();
    this.#cursor = this.#reader.open(`SELECT ${columns} FROM kv ${where} ORDER BY key${reverse ? ' DESC' : ''}`, bound);
  }

  async _next() {
    return (await this._nextv(1))[0];
  }

  // node:sqlite begins again where a cursor is asked for more behind its last row.
  #end() {
    this.#reader.close(this.#cursor);
    this.#cursor = undefined;
  }

  async _nextv(size) {
    const entries = [];
    while (entries.length < size && this.#cursor) {
      const { done, value } = this.#cursor.next();
      if (done) this.#end();
      else entries.push(value);
    }
    return entries;
  }

  _seek(target) {
    const { gt, gte, lt, lte, reverse } = this.#options;
    if (inside(this.#options, target)) return this.#open(reverse ? { gt, gte, lte: target } : { gte: target, lt, lte });
    this.#end();
  }

  async _close() {
    this.#end();
    if (!this.#options.snapshot) this.db.giveReader(this.#reader);
  }
}

class Snapshot extends AbstractSnapshot {
  #level;

  constructor(level, options) {
    super(options);
    this.#level = level;
    this.reader = level.takeReader();
  }

  async _close() {
    this.#level.giveReader(this.reader);
  }
}

class SqliteLevel extends AbstractLevel {
  static art = 'CREATE VIRTUAL TABLE IF NOT EXISTS kv USING art(key BLOB, value BLOB)';
  static ordinary = 'CREATE TABLE IF NOT EXISTS kv(key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID';
  #file;
  #table;
  #main;
  #readers;

  constructor(file, { create, extension, synchronous = 'NORMAL', ...options }) {
    super(
      {
        encodings: { view: true },
        implicitSnapshots: true,
        explicitSnapshots: true,
        createIfMissing: true,
        errorIfExists: true,
        has: true,
        getSync: true,
        seek: true,
      },
      options,
    );
    this.#file = file;
    this.#table = { create, extension, synchronous };
  }

  async _open({ createIfMissing, errorIfExists }) {
    const exists = existsSync(this.#file);
    if (!exists && !createIfMissing) throw new Error(`${this.#file} does not exist`);
    if (exists && errorIfExists) throw new Error(`${this.#file} exists`);
    this.#main = new Connection(this.#file, this.#table);
    this.#readers = [];
  }

  async _close() {
    for (const { db } of [...this.#readers, this.#main]) db.close();
  }

  takeReader() {
    const reader = this.#readers.pop() ?? new Connection(this.#file, { ...this.#table, readOnly: true });
    return reader.begin();
  }

  giveReader(reader) {
    reader.end();
    this.#readers.push(reader);
  }

  #reads({ snapshot }) {
    return snapshot ? snapshot.reader : this.#main;
  }

  _getSync(key, options) {
    return this.#reads(options).value(key);
  }

  async _get(key, options) {
    return this.#reads(options).value(key);
  }

  async _getMany(keys, options) {
    return keys.map((key) => this.#reads(options).value(key));
  }

  async _has(key, options) {
    return this.#reads(options).has(key);
  }

  async _hasMany(keys, options) {
    return keys.map((key) => this.#reads(options).has(key));
  }

  async _put(key, value) {
    this.#main.statement('INSERT OR REPLACE INTO kv(key, value) VALUES(?, ?)').run(blob(key), blob(value));
  }

  async _del(key) {
    this.#main.statement('DELETE FROM kv WHERE key = ?').run(blob(key));
  }

  async _batch(operations) {
    const put = this.#main.statement('INSERT OR REPLACE INTO kv(key, value) VALUES(?, ?)');
    const del = this.#main.statement('DELETE FROM kv WHERE key = ?');
    this.#main.transaction(() => {
      for (const { type, key, value } of operations) {
        if (type === 'put') put.run(blob(key), blob(value));
        else del.run(blob(key));
      }
    });
  }

  async _clear(options) {
    const { where, values } = condition(normal(options));
    if (!options.snapshot && options.limit < 0) {
      this.#main.statement(`DELETE FROM kv ${where}`).run(...values);
      return;
    }
    const order = `ORDER BY key${options.reverse ? ' DESC' : ''} LIMIT ${options.limit}`;
    const del = this.#main.statement('DELETE FROM kv WHERE key = ?');
    this.#main.transaction(() => {
      const keys = this.#reads(options).statement(`SELECT key FROM kv ${where} ${order}`).all(...values);
      for (const [key] of keys) del.run(blob(key));
    });
  }

  _iterator(options) {
    return new Iterator(this, options);
  }

  _snapshot(options) {
    return new Snapshot(this, options);
  }
}

module.exports = { SqliteLevel };
