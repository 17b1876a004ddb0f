// Times of an art table beside an ordinary one, by the same class: node times.js <art.so> <folder>
const path = require('node:path');
const { SqliteLevel } = require('./level.js');

const [extension, folder] = process.argv.slice(2);
const rows = 100000;
const rounds = 5;
const name = (i) => `user/${String(i % 100).padStart(2, '0')}`;
const key = (i) => `${name(i)}/item/${String(i).padStart(8, '0')}`;
const user = (i) => ({ gte: `${name(i)}/`, lt: `${name(i)}0` });
const value = (text) => text.padEnd(100);
const scattered = (i) => (i * 7919) % rows; // a permutation

const steps = {
  'batch of 1,000, a row': async (db) => {
    for (let i = 0; i < rows; i += 1000) {
      const put = (j) => ({ type: 'put', key: key(scattered(i + j)), value: value(`value ${i + j}`) });
      await db.batch(Array.from({ length: 1000 }, (_, j) => put(j)));
    }
    return rows;
  },
  put: async (db) => {
    for (let i = 0; i < 3000; i++) await db.put(key(scattered(i * 31)), value(`other ${i}`));
    return 3000;
  },
  get: async (db) => {
    for (let i = 0; i < 50000; i++) await db.get(key(scattered(i)));
    return 50000;
  },
  'getMany of 100, a key': async (db) => {
    for (let i = 0; i < 50000; i += 100) await db.getMany(Array.from({ length: 100 }, (_, j) => key(scattered(i + j))));
    return 50000;
  },
  'iterate over all, a row': async (db) => {
    let count = 0;
    for (let i = 0; i < 4; i++) count += (await db.iterator().all()).length;
    return count;
  },
  'iterate over 10 rows': async (db) => {
    for (let i = 0; i < 2000; i++) await db.iterator({ gte: key(scattered(i)), limit: 10 }).all();
    return 2000;
  },
  'keys below 1,000, a row': async (db) => {
    for (let i = 0; i < 100; i++) await db.keys(user(i)).all();
    return rows;
  },
  'clear of 1,000 rows': async (db) => {
    for (let i = 0; i < 50; i++) await db.clear(user(i));
    return 50;
  },
  'clear of all the rest': async (db) => {
    await db.clear();
    return 1;
  },
};

async function main() {
  const times = {};
  const kinds = ['art', 'ordinary'];
  for (let round = 0; round <= rounds; round++) {
    kinds.reverse();
    for (const kind of kinds) {
      const file = path.join(folder, `times-${kind}-${round}.db`);
      const db = new SqliteLevel(file, { create: SqliteLevel[kind], extension: kind === 'art' && extension });
      await db.open();
      for (const [name, step] of Object.entries(steps)) {
        const start = process.hrtime.bigint();
        const count = await step(db);
        const each = Number(process.hrtime.bigint() - start) / 1000 / count;
        if (round === 0) continue; // node compiles what is run often
        ((times[name] ??= { art: [], ordinary: [] })[kind]).push(each);
      }
      await db.close();
    }
  }
  const median = (list) => list.sort((a, b) => a - b)[rounds >> 1];
  console.log(`abstract-level, ${rows} rows of 100 bytes, WAL, synchronous=NORMAL; us, median of ${rounds} runs`);
  console.log(`${''.padEnd(32)}${'art'.padStart(9)}${'ordinary'.padStart(10)}${'ratio'.padStart(8)}`);
  for (const [name, { art, ordinary }] of Object.entries(times)) {
    const [a, o] = [median(art), median(ordinary)];
    console.log(`${name.padEnd(32)}${a.toFixed(2).padStart(9)}${o.toFixed(2).padStart(10)}${(a / o).toFixed(2).padStart(8)}`);
  }
}

main();
