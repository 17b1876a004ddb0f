// The store of keyv's own, @keyv/sqlite, over an art table. It asks for the package sqlite3: this one, over
// node:sqlite, has what it uses. Two of its statements are others here; all the rest are as they come.
const Module = require('node:module');
const { DatabaseSync } = require('node:sqlite');

const changes = [
  [/^CREATE TABLE IF NOT EXISTS (\w+)\(.*$/s, 'CREATE VIRTUAL TABLE IF NOT EXISTS $1 USING art(key, value)'],
  [/^INSERT INTO (.*)ON CONFLICT.*$/s, 'INSERT OR REPLACE INTO $1'],
];

function official(extension) {
  class Database {
    constructor(file, done) {
      this.db = new DatabaseSync(file, { allowExtension: true, timeout: 10000 });
      this.db.loadExtension(extension);
      process.nextTick(done, null);
    }

    all(sql, ...values) {
      const done = values.pop();
      try {
        const changed = changes.reduce((text, [from, to]) => text.replace(from, to), sql);
        process.nextTick(done, null, this.db.prepare(changed).all(...values.flat()));
      } catch (error) {
        process.nextTick(done, error);
      }
    }

    configure() {}

    close(done) {
      this.db.close();
      process.nextTick(done, null);
    }
  }

  const load = Module._load;
  Module._load = (request, ...rest) => (request === 'sqlite3' ? { Database } : load(request, ...rest));
  try {
    return require('@keyv/sqlite').KeyvSqlite;
  } finally {
    Module._load = load;
  }
}

module.exports = { official };
