// The page's reader of listings: node listing.mjs <.packaging/try/listing.mjs> <a folder for ls -lR>
import assert from 'node:assert';
import { execFileSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';

const { Listing, csvFields, sampleRows } = await import(pathToFileURL(process.argv[2]));

// In pieces of any size it is read as in one.
function read(text) {
  const whole = new Listing();
  const rows = [...whole.push(text), ...whole.end()];
  for (const piece of [1, 7, 64]) {
    const listing = new Listing(), again = [];
    for (let at = 0; at < text.length; at += piece) again.push(...listing.push(text.slice(at, at + piece)));
    again.push(...listing.end());
    assert.deepStrictEqual([again, listing.format, listing.lines, listing.bad, listing.badLines], [rows, whole.format, whole.lines, whole.bad, whole.badLines]);
  }
  return { rows, format: whole.format, lines: whole.lines, bad: whole.bad, badLines: whole.badLines };
}

assert.deepStrictEqual(read('/usr\t4096\t1700000000.5\n/usr/bin\t4096\t1.0\n/usr/bin/cc\t9\t-1.5\n/usr/bin-old\t7\t2\nnonsense\n/usr/a\tb\t0\t3.9999\n\t1\t2\n/x\t\t1\n'), {
  rows: [['/usr/', 4096, 1700000000], ['/usr/bin/', 4096, 1], ['/usr/bin/cc', 9, -2], ['/usr/bin-old', 7, 2], ['/usr/a\tb', 0, 3]],
  format: 'find', lines: 8, bad: 3, badLines: [[5, 'nonsense'], [7, '\t1\t2'], [8, '/x\t\t1']],
});
assert.deepStrictEqual(read('/\t1\t1\n/bin\t2\t2').rows, [['/', 1, 1], ['/bin', 2, 2]]);
assert.deepStrictEqual(read('2026-01-02 03:04:05       1234 photos/a b.jpg\r\n2026-01-02 03:04:06          0 photos\n2026-01-02 03:04:06          0 photos/x\n?\n\nTotal Objects: 3\n   Total Size: 1234\n'), {
  rows: [['photos/a b.jpg', 1234, 1767323045], ['photos', 0, 1767323046], ['photos/x', 0, 1767323046]], format: 's3', lines: 7, bad: 1, badLines: [[4, '?']],
});
assert.deepStrictEqual(read('a/b\na\na/c\nd\n\nd/e'), {
  rows: [['a/b', null, null], ['a/', null, null], ['a/c', null, null], ['d/', null, null], ['d/e', null, null]], format: 'plain', lines: 6, bad: 1, badLines: [[5, '']],
});
assert.deepStrictEqual(read('Key,Size,Last-Modified,ETag\n"a ""b"", c",10,2026-01-02T03:04:05Z,x\nd,,,\ne,1,1767323045000,\nf,big,,\ng,1\nh,1,never,\n"i,1,,\n'), {
  rows: [['a "b", c', 10, 1767323045], ['d', null, null], ['e', 1, 1767323045]],
  format: 'csv', lines: 8, bad: 4, badLines: [[5, 'f,big,,'], [6, 'g,1'], [7, 'h,1,never,'], [8, '"i,1,,']],
});
assert.deepStrictEqual(read('path;bytes;mtime\nx;5;2026-01-02 03:04:05\n').rows, [['x', 5, 1767323045]]);
assert.deepStrictEqual(csvFields('a,"",b,', ','), ['a', '', 'b', '']);
assert.deepStrictEqual(read('').rows, []);
assert.deepStrictEqual(read('/d:\ntotal 8\ndrwxr-xr-x 2 a b 4096 Jan  2  2020 sub\n-rw-r--r--. 1 a b 17 Jan  2  2020 x y\nlrwxrwxrwx 1 a b 3 Jan  2  2020 l -> x y\n\n/d/sub:\ntotal 0\n-rw-r--r-- 1 a b 1 2020-01-02 03:04 z\n'), {
  rows: [['/d/sub/', 4096, 1577923200], ['/d/x y', 17, 1577923200], ['/d/l', 3, 1577923200], ['/d/sub/z', 1, 1577934240]], format: 'ls', lines: 9, bad: 0, badLines: [],
});

// What this machine's ls and find say of a folder is the same.
const folder = process.argv[3];
const environment = { env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' }, maxBuffer: 1 << 28 };
const found = execFileSync('find', [folder, '-mindepth', '1', '-printf', '%p\t%s\t%T@\t%y\n'], environment).toString().split('\n').slice(0, -1)
  .map((line) => line.split('\t')).map(([path, size, time, type]) => [type === 'd' ? `${path}/` : path, Number(size), Math.floor(Number(time))]);
const byPath = (a, b) => (a[0] < b[0] ? -1 : 1);
for (const style of ['full-iso', 'long-iso', 'locale']) {
  const { rows, bad, format } = read(execFileSync('ls', ['-lRA', `--time-style=${style}`, folder], environment).toString());
  const exact = style === 'full-iso';
  const of = ([path, size, time]) => [path, size, exact ? time : 0];
  assert.deepStrictEqual([format, bad, rows.map(of).sort(byPath)], ['ls', 0, found.map(of).sort(byPath)]);
  if (style === 'long-iso') assert.deepStrictEqual(rows.map((row) => row[2]).sort(), found.map((row) => row[2] - (row[2] % 60)).sort());
}

const sample = [...sampleRows(1000)];
assert.deepStrictEqual(sample, [...sampleRows(1000)]);
assert.strictEqual(new Set(sample.map(([path]) => path)).size, 1000);
