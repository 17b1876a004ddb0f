// Times of keyv over an art table beside an ordinary one, by the same class: node times.js <art.so> <folder>
const path = require('node:path');
const { DatabaseSync } = require('node:sqlite');
const { default: Keyv } = require('keyv');
const { beside } = require('../beside.js');
const { SqliteStore, tables } = require('./store.js');

const [extension, folder] = process.argv.slice(2);
const namespaces = 20;
const keys = 5000; // of each
const name = (i) => `user:${String((i * 1237) % keys).padStart(6, '0')}`;
const value = (i) => ({ id: i, text: 'x'.repeat(80) });

const steps = {
  'setMany of 1,000, a key': async (keyvs) => {
    for (const keyv of keyvs) {
      for (let i = 0; i < keys; i += 1000) {
        await keyv.setMany(Array.from({ length: 1000 }, (_, j) => ({ key: name(i + j), value: value(j), ttl: 1e7 })));
      }
    }
    return namespaces * keys;
  },
  set: async (keyvs) => {
    for (let i = 0; i < 3000; i++) await keyvs[i % namespaces].set(name(i), value(i));
    return 3000;
  },
  get: async (keyvs) => {
    for (let i = 0; i < 30000; i++) await keyvs[i % namespaces].get(name(i));
    return 30000;
  },
  'get of 100 keys, a key': async (keyvs) => {
    for (let i = 0; i < 30000; i += 100) {
      await keyvs[i % namespaces].get(Array.from({ length: 100 }, (_, j) => name(i + j)));
    }
    return 30000;
  },
  'iterator over 5,000, a key': async ([keyv]) => {
    let count = 0;
    for await (const _ of keyv.iterator()) count++;
    return count;
  },
  'deleteExpired, that finds none': async ([{ store }]) => {
    await store.deleteExpired();
    return 1;
  },
  'clear of 5,000': async (keyvs) => {
    for (const keyv of keyvs) await keyv.clear();
    return namespaces;
  },
};

function open(kind, round) {
  const db = new DatabaseSync(path.join(folder, `times-${kind}-${round}.db`), { allowExtension: true });
  db.loadExtension(extension);
  db.exec('PRAGMA synchronous = NORMAL; PRAGMA journal_mode = WAL');
  const make = (_, i) => new Keyv({ store: new SqliteStore(db, tables[kind]), namespace: `tenant${i}` });
  return Array.from({ length: namespaces }, make);
}

beside(`keyv, ${namespaces} namespaces of ${keys} keys`, steps, open);
