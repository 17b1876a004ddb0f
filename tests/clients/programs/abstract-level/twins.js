// Random operations on two databases, over an art table and over an ordinary one, which must answer alike:
//
//   node twins.js <art.so> <folder> <steps> [<seed>]
//
// Keys are bytes with 00 and ff among them, many the beginning of others. Snapshots and iterators stay open while all
// is rewritten, flushed and merged: the art table has a small log.
const assert = require('node:assert');
const path = require('node:path');
const { DatabaseSync } = require('node:sqlite');
const { SqliteLevel } = require('./level.js');

const [extension, folder, steps, seed = '45'] = process.argv.slice(2);
const small = SqliteLevel.art.replace(')', ", log_limit='16KB')");
const encodings = { keyEncoding: 'view', valueEncoding: 'view' };
const file = path.join(folder, 'twin-art.db');

// A generator of its own (mulberry32), so that a seed gives the same steps everywhere.
let state = Number(seed);
function random(below) {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) % below;
}

const pick = (list) => list[random(list.length)];
const bytes = [0, 1, 0x61, 0x62, 0x7f, 0x80, 0xfe, 0xff];
const key = () => Uint8Array.from({ length: random(6) }, () => pick(bytes));
const value = () => new Uint8Array(random(20) ? random(40) : random(9000)).fill(random(256));

function range() {
  const options = { reverse: random(2) === 1 };
  if (random(3)) options[pick(['gt', 'gte'])] = key();
  if (random(3)) options[pick(['lt', 'lte'])] = key();
  if (!random(3)) options.limit = random(20);
  return options;
}

const twins = [
  new SqliteLevel(file, { create: small, extension, synchronous: 'OFF', ...encodings }),
  new SqliteLevel(path.join(folder, 'twin.db'), { create: SqliteLevel.ordinary, synchronous: 'OFF', ...encodings }),
];
const snapshots = [];
const iterators = [];

// both(work): what one answers, the other does
async function both(work) {
  const answers = [];
  for (const i of [0, 1]) answers.push(await work(twins[i], i));
  assert.deepStrictEqual(answers[0], answers[1]);
  return answers;
}

const someSnapshot = () => (snapshots.length && random(2) ? pick(snapshots) : [undefined, undefined]);

const operations = {
  put: () => {
    const [k, v] = [key(), value()];
    return both((db) => db.put(k, v));
  },
  del: () => {
    const k = key();
    return both((db) => db.del(k));
  },
  batch: () => {
    const list = Array.from({ length: random(200) }, () =>
      random(4) ? { type: 'put', key: key(), value: value() } : { type: 'del', key: key() },
    );
    return both((db) => db.batch(list));
  },
  get: () => {
    const [k, snapshot] = [key(), someSnapshot()];
    return both((db, i) => db.get(k, { snapshot: snapshot[i] }));
  },
  getMany: () => {
    const [keys, snapshot] = [Array.from({ length: 20 }, key), someSnapshot()];
    return both(async (db, i) => [
      await db.getMany(keys, { snapshot: snapshot[i] }),
      await db.hasMany(keys, { snapshot: snapshot[i] }),
    ]);
  },
  all: () => {
    const [options, snapshot] = [range(), someSnapshot()];
    return both((db, i) => db.iterator({ ...options, snapshot: snapshot[i] }).all());
  },
  clear: () => {
    const [options, snapshot] = [range(), someSnapshot()];
    if (random(4) && options.limit === undefined) options.limit = 10;
    return both((db, i) => db.clear({ ...options, snapshot: snapshot[i] }));
  },
  sublevel: async () => {
    const [name, k, v, options] = [pick(['a', 'b']), key(), value(), range()];
    await both((db) => db.sublevel(name, encodings).put(k, v));
    return both((db) => db.sublevel(name, encodings).iterator(options).all());
  },
  snapshot: async () => {
    if (snapshots.length < 5) snapshots.push(twins.map((db) => db.snapshot()));
    else await Promise.all(snapshots.splice(random(5), 1)[0].map((snapshot) => snapshot.close()));
  },
  iterator: async () => {
    const options = range();
    if (iterators.length < 5) iterators.push(twins.map((db) => db.iterator(options)));
    else await Promise.all(iterators.splice(random(5), 1)[0].map((iterator) => iterator.close()));
  },
  next: async () => {
    if (!iterators.length) return;
    const [pair, size, target] = [pick(iterators), 1 + random(10), random(3) ? undefined : key()];
    return both((_, i) => {
      if (target) pair[i].seek(target);
      return pair[i].nextv(size);
    });
  },
  command: () => {
    const db = new DatabaseSync(file, { allowExtension: true, timeout: 10000 });
    db.loadExtension(extension);
    db.exec(`INSERT INTO kv(kv) VALUES('${pick(['flush', 'optimize'])}')`);
    db.close();
  },
};

async function main() {
  const names = Object.keys(operations);
  await Promise.all(twins.map((db) => db.open()));
  let step = 0;
  try {
    for (; step < Number(steps); step++) await operations[random(50) ? pick(names.slice(0, -1)) : 'command']();
    const [[entries]] = [await both((db) => db.iterator().all())];
    await Promise.all(twins.map((db) => db.close()));
    const db = new DatabaseSync(file, { allowExtension: true });
    db.loadExtension(extension);
    assert.deepStrictEqual({ ...db.prepare("SELECT art_check('kv') AS said").get() }, { said: 'ok' });
    console.log(`twins: ${step} steps alike, ${entries.length} entries at the end (seed ${seed})`);
  } catch (error) {
    console.log(`FAILED: step ${step}, seed ${seed}: ${error.stack}`);
    process.exitCode = 1;
  }
}

main();
