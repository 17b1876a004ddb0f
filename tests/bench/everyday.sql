-- Everyday statements on three kinds of rows, which bench_everyday.c runs, and counts or times. scale.n is the number of rows.
--
-- drawn: what is made from a row's number k; a statement's arguments are drawn from it, too.
-- kinds: how an art table and an ordinary one of these rows are made, and filled.
-- statements: what is asked of art and, where it is said otherwise, of the ordinary table; ?1 ... come from the query `arguments`.

CREATE VIEW numbers(k, hash) AS WITH RECURSIVE counted(k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM counted, scale WHERE k + 1 < n)
  SELECT k, k * 2654435761 % 4294967291 FROM counted;
CREATE TABLE drawn AS
  SELECT k, hash, hash % 7919 AS turn, k * 10 / n AS bucket, k * 100 / n AS tenth, (n + 99) / 100 AS hundredth,
         printf('bucket-%02d/path/%03d/file-%06d.bin', k * 10 / n, k * 250 / n % 25, k) AS path,
         printf('%08x%08x%08x%08x%08x%08x=', hash, hash * 3 % 4294967291, hash * 5 % 4294967291, hash * 7 % 4294967291,
                hash * 11 % 4294967291, hash * 13 % 4294967291) AS value,
         hash % 1000000 AS size, 1700000000 + hash * 31 % 30000000 AS mtime, iif(hash % 3, 33188, 33261) AS mode,
         CASE WHEN hash % (n / 25) = 0 THEN 'alone-' || k WHEN k % (n / 100) = 1 THEN 'hundred' ELSE 'user-' || (hash % 48) END AS owner,
         printf('tenant-%03d', k * 100 / n) AS tenant, k * 1000 / n % 10 - 5 AS day, printf('event-%06d', k) AS name
  FROM numbers, scale ORDER BY hash;

INSERT INTO kinds VALUES
  ('text', 'CREATE VIRTUAL TABLE t USING art(path, value, log_limit=%d)',
   'CREATE TABLE t(path TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID',
   'INSERT INTO t VALUES(?1, ?2)', 'SELECT path, value FROM drawn'),
  ('metadata', 'CREATE VIRTUAL TABLE t USING art(path, size INTEGER NOT NULL, mtime INTEGER, owner, mode INTEGER,
                                                 summary=(sum(size), max(mtime), lookup(owner)), log_limit=%d)',
   'CREATE TABLE t(path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime INTEGER, owner TEXT, mode INTEGER) WITHOUT ROWID;
    CREATE INDEX by_size ON t(size); CREATE INDEX by_mtime ON t(mtime); CREATE INDEX by_owner ON t(owner)',
   'INSERT INTO t VALUES(?1, ?2, ?3, ?4, ?5)', 'SELECT path, size, mtime, owner, mode FROM drawn'),
  ('key of 3', 'CREATE VIRTUAL TABLE t USING art(tenant TEXT NOT NULL, day INTEGER NOT NULL, name TEXT NOT NULL, size INTEGER,
                                                 key=(tenant, day, name), log_limit=%d)',
   'CREATE TABLE t(tenant TEXT, day INTEGER, name TEXT, size INTEGER, PRIMARY KEY(tenant, day, name)) WITHOUT ROWID',
   'INSERT INTO t VALUES(?1, ?2, ?3, ?4)', 'SELECT tenant, day, name, size FROM drawn');

-- ---- reads ----

INSERT INTO statements(kind, name, art, arguments) VALUES
  ('text', 'point read', 'SELECT value FROM t WHERE path = ?1', 'SELECT path FROM drawn LIMIT 20'),
  ('text', 'a path that is not there', 'SELECT value FROM t WHERE path = ?1', 'SELECT path || 1 FROM drawn LIMIT 20'),
  ('text', 'GLOB ? ORDER BY path LIMIT 100', 'SELECT path, value FROM t WHERE path GLOB ?1 ORDER BY path LIMIT 100',
           'SELECT DISTINCT substr(path, 1, 15) || ''*'' FROM drawn LIMIT 4'),
  ('text', 'GLOB ? LIMIT 0: its plan', 'SELECT path, value FROM t WHERE path GLOB ?1 ORDER BY path LIMIT 0',
           'SELECT DISTINCT substr(path, 1, 15) || ''*'' FROM drawn LIMIT 4'),
  ('text', 'a path or all below it', 'SELECT count(value) FROM t WHERE path = ?1 OR path GLOB ?2',
           'SELECT DISTINCT substr(path, 1, 19), substr(path, 1, 19) || ''*'' FROM drawn LIMIT 4'),
  ('text', 'count(*) of a prefix', 'SELECT count(*) FROM t WHERE path >= ?1 AND path < ?1 || ''~''',
           'SELECT DISTINCT substr(path, 1, 15) FROM drawn LIMIT 4'),
  ('text', 'min(path)', 'SELECT min(path) FROM t', NULL),
  ('text', 'max(path)', 'SELECT max(path) FROM t', NULL),
  ('text', 'ORDER BY path NULLS LAST LIMIT 1', 'SELECT path FROM t ORDER BY path NULLS LAST LIMIT 1', NULL),
  ('text', 'scan of both', 'SELECT path, value FROM t', NULL),
  ('text', 'count(*) WHERE value > ?', 'SELECT count(*) FROM t WHERE value > ?1', 'SELECT ''fd'''),

  ('metadata', 'point read', 'SELECT size, mtime, owner, mode FROM t WHERE path = ?1', 'SELECT path FROM drawn LIMIT 20'),
  ('metadata', 'a path that is not there', 'SELECT size FROM t WHERE path = ?1', 'SELECT path || 1 FROM drawn LIMIT 20'),
  ('metadata', 'GLOB ? ORDER BY path LIMIT 100', 'SELECT path, size FROM t WHERE path GLOB ?1 ORDER BY path LIMIT 100',
               'SELECT DISTINCT substr(path, 1, 15) || ''*'' FROM drawn LIMIT 4'),
  ('metadata', 'count(*) of a prefix', 'SELECT count(*) FROM t WHERE path >= ?1 AND path < ?1 || ''~''',
               'SELECT DISTINCT substr(path, 1, 15) FROM drawn LIMIT 4'),
  ('metadata', 'rows by a lookup, one', 'SELECT path, size FROM t WHERE owner = ?1', 'SELECT owner FROM drawn WHERE owner GLOB ''alone*'' LIMIT 20'),
  ('metadata', 'rows by a lookup, a hundred', 'SELECT path, size FROM t WHERE owner = ?1', 'SELECT ''hundred'''),
  ('metadata', 'rows by a lookup, 2 %', 'SELECT path, size FROM t WHERE owner = ?1', 'SELECT ''user-7'''),
  ('metadata', '... LIMIT 100', 'SELECT path, size FROM t WHERE owner = ?1 LIMIT 100', 'SELECT ''user-7'''),
  ('metadata', 'rows by a lookup, one, below a prefix', 'SELECT path, size FROM t WHERE owner = ?1 AND path GLOB ?2',
               'SELECT owner, substr(path, 1, 20) || ''*'' FROM drawn WHERE owner GLOB ''alone*'' LIMIT 20'),
  ('metadata', 'count(*) by a lookup, one', 'SELECT count(*) FROM t WHERE owner = ?1', 'SELECT owner FROM drawn WHERE owner GLOB ''alone*'' LIMIT 20'),
  ('metadata', 'count(*) by a lookup, a hundred', 'SELECT count(*) FROM t WHERE owner = ?1', 'SELECT ''hundred'''),
  ('metadata', 'count(*) by a lookup, 2 %', 'SELECT count(*) FROM t WHERE owner = ?1', 'SELECT ''user-7'''),
  ('metadata', 'min(size)', 'SELECT min(size) FROM t', NULL),
  ('metadata', 'max(size)', 'SELECT max(size) FROM t', NULL),
  ('metadata', 'min(size), path', 'SELECT min(size), path FROM t', NULL),
  ('metadata', 'max(size), path', 'SELECT max(size), path FROM t', NULL),
  ('metadata', 'min(size) below a prefix', 'SELECT min(size) FROM t WHERE path GLOB ?1', 'SELECT DISTINCT substr(path, 1, 15) || ''*'' FROM drawn LIMIT 2'),
  ('metadata', 'max(size) below a prefix', 'SELECT max(size) FROM t WHERE path GLOB ?1', 'SELECT DISTINCT substr(path, 1, 15) || ''*'' FROM drawn LIMIT 2'),
  ('metadata', 'ORDER BY size DESC LIMIT 10', 'SELECT path, size FROM t ORDER BY size DESC LIMIT 10', NULL),
  ('metadata', 'ORDER BY mtime DESC LIMIT 10', 'SELECT path, mtime FROM t ORDER BY mtime DESC LIMIT 10', NULL),
  ('metadata', 'scan of path and size', 'SELECT path, size FROM t', NULL),
  ('metadata', 'scan of all columns', 'SELECT * FROM t', NULL),
  ('metadata', 'count(*) WHERE size > ?, 1 %', 'SELECT count(*) FROM t WHERE size > ?1', 'SELECT 990000'),
  ('metadata', 'count(*) WHERE mode = ?, a third', 'SELECT count(*) FROM t WHERE mode = ?1', 'SELECT 33261'),

  ('key of 3', 'point read', 'SELECT size FROM t WHERE tenant = ?1 AND day = ?2 AND name = ?3', 'SELECT tenant, day, name FROM drawn LIMIT 20'),
  ('key of 3', 'a key that is not there', 'SELECT size FROM t WHERE tenant = ?1 AND day = ?2 AND name = ?3',
               'SELECT tenant, day, name || 1 FROM drawn LIMIT 20'),
  ('key of 3', 'tenant = ? ORDER BY day, name LIMIT 100', 'SELECT day, name, size FROM t WHERE tenant = ?1 ORDER BY day, name LIMIT 100',
               'SELECT DISTINCT tenant FROM drawn LIMIT 4'),
  ('key of 3', 'tenant, day, name GLOB ?', 'SELECT name, size FROM t WHERE tenant = ?1 AND day = ?2 AND name GLOB ?3 ORDER BY name LIMIT 100',
               'SELECT tenant, day, substr(name, 1, 8) || ''*'' FROM drawn LIMIT 4'),
  ('key of 3', 'count(*) of a tenant', 'SELECT count(*) FROM t WHERE tenant = ?1', 'SELECT DISTINCT tenant FROM drawn LIMIT 4'),
  ('key of 3', 'min(tenant)', 'SELECT min(tenant) FROM t', NULL),
  ('key of 3', 'max(tenant)', 'SELECT max(tenant) FROM t', NULL),
  ('key of 3', 'min(day) of a tenant', 'SELECT min(day) FROM t WHERE tenant = ?1', 'SELECT DISTINCT tenant FROM drawn LIMIT 4'),
  ('key of 3', 'max(day) of a tenant', 'SELECT max(day) FROM t WHERE tenant = ?1', 'SELECT DISTINCT tenant FROM drawn LIMIT 4'),
  ('key of 3', 'from tenant to tenant by min()',
               'WITH RECURSIVE one(at) AS (SELECT min(tenant) FROM t UNION ALL SELECT (SELECT min(tenant) FROM t WHERE tenant > at) FROM one LIMIT 4)
                SELECT at FROM one', NULL),
  ('key of 3', 'DISTINCT tenant', 'SELECT DISTINCT tenant FROM t', NULL),
  ('key of 3', 'GROUP BY tenant', 'SELECT tenant, count(*) FROM t GROUP BY tenant', NULL),
  ('key of 3', 'count(DISTINCT day)', 'SELECT count(DISTINCT day) FROM t', NULL),
  ('key of 3', 'scan of tenant and name', 'SELECT sum(length(tenant) + length(name)) FROM t', NULL),
  ('key of 3', 'scan of all columns', 'SELECT * FROM t', NULL),
  ('key of 3', 'count(*) WHERE size > ?, 1 %', 'SELECT count(*) FROM t WHERE size > ?1', 'SELECT 990000');

INSERT INTO statements(kind, name, art, ordinary, arguments) VALUES
  ('metadata', 'a level with sums', 'SELECT path, entries, size, mtime FROM t(?1, ''/'')',
               'SELECT ?1 || substr(path, length(?1) + 1, instr(substr(path, length(?1) + 1), ''/'')) AS name, count(*), sum(size), max(mtime)
                FROM t WHERE path >= ?1 AND path < ?1 || ''~'' GROUP BY name',
               'SELECT DISTINCT substr(path, 1, 15) FROM drawn LIMIT 4');

-- ---- writes, a hundred in a transaction ----

INSERT INTO statements(kind, name, art, arguments) VALUES
  ('text', 'put', 'INSERT INTO t VALUES(?1 || ''.new'', ?2)', 'SELECT path, value FROM drawn LIMIT 100'),
  ('text', 'update', 'UPDATE t SET value = ?2 WHERE path = ?1', 'SELECT path, value || 2 FROM drawn LIMIT 100'),
  ('text', 'delete', 'DELETE FROM t WHERE path = ?1', 'SELECT path || ''.new'' FROM drawn LIMIT 100'),
  ('metadata', 'put', 'INSERT INTO t VALUES(?1 || ''.new'', ?2, ?3, ?4, ?5)', 'SELECT path, size, mtime, owner, mode FROM drawn LIMIT 100'),
  ('metadata', 'update', 'UPDATE t SET size = ?2 WHERE path = ?1', 'SELECT path, size + 1 FROM drawn LIMIT 100'),
  ('metadata', 'delete', 'DELETE FROM t WHERE path = ?1', 'SELECT path || ''.new'' FROM drawn LIMIT 100'),
  ('key of 3', 'put', 'INSERT INTO t VALUES(?1, ?2, ?3 || ''.new'', ?4)', 'SELECT tenant, day, name, size FROM drawn LIMIT 100'),
  ('key of 3', 'update', 'UPDATE t SET size = ?4 WHERE tenant = ?1 AND day = ?2 AND name = ?3', 'SELECT tenant, day, name, size + 1 FROM drawn LIMIT 100'),
  ('key of 3', 'delete', 'DELETE FROM t WHERE tenant = ?1 AND day = ?2 AND name = ?3', 'SELECT tenant, day, name || ''.new'' FROM drawn LIMIT 100');
