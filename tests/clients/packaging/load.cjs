// The packages of npm, required: node load.cjs <host|refusals> <version>
const assert = require('node:assert');
const fs = require('node:fs');
const art = require('sqlite-art');

const [host, version] = process.argv.slice(2);

if (host === 'refusals') {
  assert.strictEqual(require('sqlite-art/package.json').version, version);
  assert.ok(fs.existsSync(art.getLoadablePath()));
  const says = (platform, arch, pattern) => {
    const real = { platform: process.platform, arch: process.arch };
    Object.defineProperties(process, { platform: { value: platform }, arch: { value: arch } });
    assert.throws(() => art.getLoadablePath(), pattern);
    assert.throws(() => art.load({ loadExtension: () => assert.fail('loaded') }), pattern);
    Object.defineProperties(process, { platform: { value: real.platform }, arch: { value: real.arch } });
  };
  says('darwin', 'arm64', /no binary for darwin-arm64, only for linux-.*: build art\.so from source/);
  says('freebsd', 'x64', /no binary for freebsd-x64/);
  const getReport = process.report.getReport;
  process.report.getReport = () => ({ header: {} });
  says(process.platform, process.arch, /no binary for linux-x64-musl, only for linux-|the package sqlite-art-linux-\w+-musl, .* is not installed/);
  process.report.getReport = getReport;
  art.getLoadablePath();
} else {
  const Database = require(host);
  const db = new Database(':memory:');
  art.load(db);
  db.exec("CREATE VIRTUAL TABLE t USING art(path); INSERT INTO t VALUES('a/1'), ('a/2'), ('b')");
  const row = db.prepare("SELECT art_version() AS version, art_count('t', 'a/') AS n, art_check('t') AS found").get();
  assert.deepStrictEqual([row.version, row.n, row.found], [version, 2, 'ok']);
  db.close();
}
