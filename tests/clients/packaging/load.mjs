// The packages of npm, imported, with Node.js's own SQLite: node load.mjs <version>
import assert from 'node:assert';
import { DatabaseSync } from 'node:sqlite';
import { getLoadablePath, load } from 'sqlite-art';

assert.match(getLoadablePath(), /sqlite-art-linux-\w+[/]art\.so$/);
const db = new DatabaseSync(':memory:', { allowExtension: true });
load(db);
db.exec("CREATE VIRTUAL TABLE t USING art(path); INSERT INTO t VALUES('a/1'), ('a/2'), ('b')");
const row = db.prepare("SELECT art_version() AS version, art_count('t', 'a/') AS n, art_check('t') AS found").get();
assert.deepStrictEqual([row.version, row.n, row.found], [process.argv[2], 2, 'ok']);
db.close();
assert.throws(() => load(new DatabaseSync(':memory:')), /not allowed|disabled/);
