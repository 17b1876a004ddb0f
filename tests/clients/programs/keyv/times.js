// Times of keyv over an art table beside an ordinary one, by the same class: node times.js <art.so> <folder>
const path = require('node:path');
const { DatabaseSync } = require('node:sqlite');
const { default: Keyv } = require('keyv');
const { SqliteStore, tables } = require('./store.js');

const [extension, folder] = process.argv.slice(2);
const rounds = 5;
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
    for (let i = 0; i < 30000; i += 100) await keyvs[i % namespaces].get(Array.from({ length: 100 }, (_, j) => name(i + j)));
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

async function main() {
  const times = {};
  const kinds = ['art', 'ordinary'];
  for (let round = 0; round <= rounds; round++) {
    kinds.reverse();
    for (const kind of kinds) {
      const db = new DatabaseSync(path.join(folder, `times-${kind}-${round}.db`), { allowExtension: true });
      db.loadExtension(extension);
      db.exec('PRAGMA synchronous = NORMAL; PRAGMA journal_mode = WAL');
      const make = (_, i) => new Keyv({ store: new SqliteStore(db, tables[kind]), namespace: `tenant${i}` });
      const keyvs = Array.from({ length: namespaces }, make);
      for (const [step, work] of Object.entries(steps)) {
        const start = process.hrtime.bigint();
        const count = await work(keyvs);
        const each = Number(process.hrtime.bigint() - start) / 1000 / count;
        if (round === 0) continue; // node compiles what is run often
        ((times[step] ??= { art: [], ordinary: [] })[kind]).push(each);
      }
      db.close();
    }
  }
  const median = (list) => list.sort((a, b) => a - b)[rounds >> 1];
  console.log(`keyv, ${namespaces} namespaces of ${keys} keys, WAL, synchronous=NORMAL; us, median of ${rounds} runs`);
  console.log(`${''.padEnd(32)}${'art'.padStart(9)}${'ordinary'.padStart(10)}${'ratio'.padStart(8)}`);
  for (const [step, { art, ordinary }] of Object.entries(times)) {
    const [a, o] = [median(art), median(ordinary)];
    console.log(`${step.padEnd(32)}${a.toFixed(2).padStart(9)}${o.toFixed(2).padStart(10)}${(a / o).toFixed(2).padStart(8)}`);
  }
}

main();
