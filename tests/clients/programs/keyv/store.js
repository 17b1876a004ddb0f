// A store of keyv in a table of SQLite: new SqliteStore(db, tables.art), with a DatabaseSync of node:sqlite.
//
// keyv puts 'namespace:' in front of each key, and what has to be kept for how long into each value. The time is also a
// column here, so that what has expired is not given, and deleteExpired() finds it without opening values.
const EventEmitter = require('node:events');

const tables = {
  art: {
    create: 'CREATE VIRTUAL TABLE IF NOT EXISTS keyv USING art(key, value, expires INTEGER)',
    clear: "INSERT INTO keyv(keyv, prefix) VALUES('delete', ?)",
    page: "SELECT key, value FROM keyv(?, '', ?) LIMIT 100",
  },
  ordinary: {
    create: 'CREATE TABLE IF NOT EXISTS keyv(key TEXT PRIMARY KEY, value TEXT, expires INTEGER) WITHOUT ROWID',
    clear: 'DELETE FROM keyv WHERE key >= ?1 AND key < ?1 || char(0x10ffff)',
    page: 'SELECT key, value FROM keyv WHERE key > ?2 AND key < ?1 || char(0x10ffff) ORDER BY key LIMIT 100',
  },
};

class SqliteStore extends EventEmitter {
  opts = { dialect: 'sqlite' }; // keyv has an iterator for the names that it knows
  namespace;

  constructor(db, table) {
    super();
    this.db = db;
    db.exec(table.create);
    const prepare = (sql) => {
      const statement = db.prepare(sql);
      statement.setReturnArrays(true);
      return statement;
    };
    this.select = prepare('SELECT value FROM keyv WHERE key = ? AND ifnull(expires > ?, 1)');
    this.replace = prepare('INSERT OR REPLACE INTO keyv VALUES(?, ?, ?)');
    this.remove = prepare('DELETE FROM keyv WHERE key = ?');
    this.expired = prepare('DELETE FROM keyv WHERE expires <= ?');
    this.below = prepare(table.clear);
    this.page = prepare(table.page);
  }

  // Many at once: all or nothing.
  #transaction(work) {
    this.db.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.db.exec('COMMIT');
      return result;
    } catch (error) {
      this.db.exec('ROLLBACK');
      throw error;
    }
  }

  async get(key) {
    return this.select.get(key, Date.now())?.[0];
  }

  async getMany(keys) {
    return keys.map((key) => this.select.get(key, Date.now())?.[0]);
  }

  async has(key) {
    return (await this.get(key)) !== undefined;
  }

  async hasMany(keys) {
    return (await this.getMany(keys)).map((value) => value !== undefined);
  }

  #set({ key, value, ttl }) {
    this.replace.run(key, value, ttl ? Date.now() + ttl : null);
    return true;
  }

  async set(key, value, ttl) {
    return this.#set({ key, value, ttl });
  }

  async setMany(entries) {
    return this.#transaction(() => entries.map((entry) => this.#set(entry)));
  }

  async delete(key) {
    return this.remove.run(key).changes > 0;
  }

  async deleteMany(keys) {
    return this.#transaction(() => keys.filter((key) => this.remove.run(key).changes > 0).length > 0);
  }

  async deleteExpired() {
    return this.expired.run(Date.now()).changes;
  }

  async clear() {
    this.below.run(this.namespace ? `${this.namespace}:` : '');
  }

  async *iterator(namespace) {
    const prefix = namespace ? `${namespace}:` : '';
    for (let after = prefix, rows; (rows = this.page.all(prefix, after)).length; after = rows.at(-1)[0]) yield* rows;
  }
}

module.exports = { SqliteStore, tables };
