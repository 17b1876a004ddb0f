// The suite of the package abstract-level over both tables: node suite.js <art.so> <folder> [art|ordinary]...
//
// Its tests are written for tape. What they use of it is below: one test after the other, assertions by node:assert.
// The names and the numbers of assertions must be the same for both tables.
const assert = require('node:assert');
const path = require('node:path');
const suite = require('abstract-level/test');
const { SqliteLevel } = require('./level.js');

const LONGEST = 60000; // ms

class Test {
  #parent;
  #planned;
  #done;
  count = 0;
  ended = new Promise((resolve) => (this.#done = resolve));

  constructor(parent) {
    this.#parent = parent;
  }

  #holds(work, message) {
    this.count++;
    try {
      work();
    } catch (error) {
      error.message = `${message ?? ''}: ${error.message}`;
      this.#parent.errors.push(error);
    }
    if (this.count === this.#planned) this.#done();
  }

  is = (got, wanted, message) => this.#holds(() => assert.strictEqual(got, wanted), message);
  isNot = (got, other, message) => this.#holds(() => assert.notStrictEqual(got, other), message);
  same = (got, wanted, message) => this.#holds(() => assert.deepStrictEqual(got, wanted), message);
  ok = (got, message) => this.#holds(() => assert.ok(got), message);
  pass = (message) => this.#holds(() => {}, message);
  fail = (message) => this.#holds(() => assert.fail(message), 'fail');
  throws = (work, error, message) => this.#holds(() => assert.throws(work, error), message);
  doesNotThrow = (work, message) => this.#holds(() => assert.doesNotThrow(work), message);
  test = (name, work) => this.#parent.add(name, work);
  end = () => this.#done();

  plan(count) {
    this.#planned = count;
    if (this.count === count) this.#done();
  }

  async run(work) {
    const returned = work(this);
    if (typeof returned?.then === 'function') {
      await returned;
      if (this.#planned === undefined) this.#done();
    }
    await this.ended;
    await new Promise(setImmediate); // an assertion too many comes now
    if (this.#planned !== undefined) assert.strictEqual(this.count, this.#planned, 'the number of assertions');
  }
}

class Runner {
  #tests = [];
  errors = [];
  ran = [];

  add = (name, work) => this.#tests.push({ name, work });

  async run(prefix) {
    for (const { name, work } of this.#tests) {
      const test = new Test(this);
      const before = this.errors.length;
      let timer;
      const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`no end after ${LONGEST} ms`)), LONGEST);
      });
      try {
        await Promise.race([test.run(work), late]);
      } catch (error) {
        this.errors.push(error);
      }
      clearTimeout(timer);
      for (const error of this.errors.slice(before)) console.log(`FAILED: ${prefix}: ${name}\n${error.stack}`);
      this.ran.push(`${name}: ${test.count}`);
    }
  }
}

async function run(kind, extension, folder) {
  const runner = new Runner();
  let files = 0;
  const table = { synchronous: 'OFF', create: SqliteLevel[kind], extension: kind === 'art' && extension };
  suite({
    test: runner.add,
    factory: (options) => new SqliteLevel(path.join(folder, `${kind}-${files++}.db`), { ...table, ...options }),
  });
  const start = Date.now();
  await runner.run(kind);
  const assertions = runner.ran.reduce((sum, line) => sum + Number(line.split(': ').pop()), 0);
  console.log(
    `${kind}: ${runner.ran.length} tests, ${assertions} assertions, ${runner.errors.length} failed, ` +
      `${files} databases, ${Date.now() - start} ms`,
  );
  return runner;
}

async function main() {
  const [extension, folder, ...kinds] = process.argv.slice(2);
  const runners = [];
  for (const kind of kinds) runners.push(await run(kind, extension, folder));
  for (const runner of runners) assert.deepStrictEqual(runner.ran, runners[0].ran);
  process.exitCode = runners.some(({ errors }) => errors.length) ? 1 : 0;
}

main();
