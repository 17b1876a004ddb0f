// The suite of keyv's stores, @keyv/test-suite, and tests of our own: node suite.js <art.so> <folder>
//
// The suite's functions are written for vitest. What they use of it is `vitest` below; the runner is node:test.
const assert = require('node:assert');
const path = require('node:path');
const { DatabaseSync } = require('node:sqlite');
const nodeTest = require('node:test');
const { default: Keyv } = require('keyv');
const { default: keyvTestSuite, keyvIteratorTests } = require('@keyv/test-suite');
const { official } = require('./official.js');
const { SqliteStore, tables } = require('./store.js');

const [extension, folder] = process.argv.slice(2);

function expect(got) {
  count++;
  return {
    toBe: (wanted) => assert.strictEqual(got, wanted),
    toEqual: (wanted) => assert.deepEqual(got, wanted),
    toBeTruthy: () => assert.ok(got),
    toBeFalsy: () => assert.ok(!got),
    toBeNull: () => assert.strictEqual(got, null),
    toBeUndefined: () => assert.strictEqual(got, undefined),
    toBeDefined: () => assert.notStrictEqual(got, undefined),
  };
}

let count = 0; // of assertions, in the test that runs
let planned;
expect.assertions = (number) => (planned = number);

const vitest = {
  beforeEach: nodeTest.beforeEach,
  afterEach: nodeTest.afterEach,
  it: (name, work) =>
    nodeTest.it(name, async () => {
      count = 0;
      planned = undefined;
      await work({ expect });
      if (planned !== undefined) assert.strictEqual(count, planned, 'the number of assertions');
    }),
};

function open(name) {
  const db = new DatabaseSync(path.join(folder, `${name}.db`), { allowExtension: true });
  db.loadExtension(extension);
  db.exec('PRAGMA synchronous = OFF; PRAGMA journal_mode = WAL');
  return db;
}

function ownTests(store) {
  const fill = async (namespace, keys) => {
    const keyv = new Keyv({ store: store(), namespace });
    await keyv.setMany(keys.map((key) => ({ key, value: key })));
    return keyv;
  };
  const listed = async (keyv) => {
    const keys = [];
    for await (const [key] of keyv.iterator()) keys.push(key);
    return keys;
  };

  nodeTest.it('clear() takes a namespace as it is written, and nothing beside it', async () => {
    const keyvs = [];
    for (const name of ['a_b', 'axb', 'a%', 'a', 'A_B', 'a_b:c']) keyvs.push(await fill(name, ['1', '[2]', '*', '%']));
    await keyvs[0].clear();
    const left = await Promise.all(keyvs.map((keyv) => keyv.get('[2]')));
    assert.deepStrictEqual(left, [undefined, '[2]', '[2]', '[2]', '[2]', undefined]);
    await keyvs[2].clear();
    assert.deepStrictEqual(await keyvs[3].get(['1', '*', '%']), ['1', '*', '%']);
  });

  nodeTest.it('iterator() gives more than a page, in order, while rows are deleted', async () => {
    const keys = Array.from({ length: 1000 }, (_, i) => `é${String(i).padStart(4, '0')}`);
    const keyv = await fill('many', keys);
    assert.deepStrictEqual(await listed(keyv), keys);
    const seen = [];
    for await (const [key] of keyv.iterator()) {
      seen.push(key);
      await keyv.delete(key);
    }
    assert.deepStrictEqual(seen, keys);
    assert.deepStrictEqual(await listed(keyv), []);
  });

  nodeTest.it('deleteExpired() deletes what has expired, and that alone', async () => {
    const keyv = await fill('time', ['always']);
    await keyv.set('short', 1, 10);
    await keyv.set('long', 1, 100000);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepStrictEqual(await keyv.has(['always', 'short', 'long']), [true, false, true]);
    assert.strictEqual(await keyv.store.deleteExpired(), 1);
    assert.deepStrictEqual(await listed(keyv), ['always', 'long']);
  });

  nodeTest.it('a setMany() that fails has set nothing', async () => {
    const made = store();
    const entries = [
      { key: 'x', value: '1' },
      { key: 'y', value: {} },
    ];
    await assert.rejects(made.setMany(entries));
    assert.deepStrictEqual(await made.getMany(['x', 'y']), [undefined, undefined]);
  });
}

for (const kind of ['art', 'ordinary']) {
  nodeTest.describe(kind, () => {
    const db = open(kind);
    const store = () => new SqliteStore(db, tables[kind]);
    keyvTestSuite(vitest, Keyv, store);
    keyvIteratorTests(vitest, Keyv, store);
    ownTests(store);
  });
}

nodeTest.describe('@keyv/sqlite over art', () => {
  const Store = official(extension);
  const made = [];
  const store = () => {
    made.push(new Store(`sqlite://${path.join(folder, 'official.db')}`));
    return made.at(-1);
  };
  keyvTestSuite(vitest, Keyv, store);
  keyvIteratorTests(vitest, Keyv, store);
  nodeTest.after(() => Promise.all(made.map((each) => each.disconnect())));
});
