// What TypeScript knows of sqlite-art-wasm: this compiles, and each line behind an expected error does not.
import { open, load, SqliteError, type Database, type Value } from 'sqlite-art-wasm';

export async function all(bytes: Uint8Array): Promise<Value[]> {
  await load({ wasm: bytes });
  const db: Database = await open(bytes);
  db.exec('SELECT 1');
  const insert = db.prepare('INSERT INTO t VALUES(?, ?)');
  const changes: number | bigint = insert.run(['a', 1n]).changes;
  insert.bind({ name: true }).step();
  const rows: { path: string }[] = db.rows<{ path: string }>('SELECT path FROM t', [new Uint8Array(1), null, 1.5]);
  for (const statement of db.statements('SELECT 1')) statement.row();
  const answer: number = db.transaction(() => 42);
  try {
    db.close();
  } catch (error) {
    if (error instanceof SqliteError) console.log(error.code + 1, changes, rows, answer);
  }
  // @ts-expect-error: SQLite has no value for it
  db.run('SELECT ?', [undefined]);
  // @ts-expect-error: open() makes them
  new Database();
  // @ts-expect-error: SQL is a string
  db.exec(1);
  return db.values('SELECT 1')[0];
}
