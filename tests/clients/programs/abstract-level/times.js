// Times of an art table beside an ordinary one, by the same class: node times.js <art.so> <folder>
const path = require('node:path');
const { beside } = require('../beside.js');
const { SqliteLevel } = require('./level.js');

const [extension, folder] = process.argv.slice(2);
const rows = 100000;
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

async function open(kind, round) {
  const file = path.join(folder, `times-${kind}-${round}.db`);
  const db = new SqliteLevel(file, { create: SqliteLevel[kind], extension: kind === 'art' && extension });
  await db.open();
  return db;
}

beside(`abstract-level, ${rows} rows of 100 bytes`, steps, open);
