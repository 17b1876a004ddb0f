-- A tour of sqlite-art, which `make demo` runs: sql/demo.sh makes `listing` (path and size of each file of this machine), puts
-- in the number of rows and a word for :rows and :word, and shows what comes out. Below a line "@ <title>" stand two statements,
-- one for each table. Both are timed, and both have to give the same answer.

.load ./art
.bail on
.mode list
.headers off
.output /dev/null
PRAGMA journal_mode=WAL;
ATTACH 'ordinary.db' AS beside;
PRAGMA beside.journal_mode=WAL;
CREATE TEMP TABLE listing(path TEXT, size INTEGER);
.import --ascii listing listing
-- As many machines like this one as are needed. Each lacks another twentieth of the files, and got them within the last month.
CREATE TEMP TABLE fleet AS
  WITH files(n) AS (SELECT count(*) FROM listing),
       host(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM host, files WHERE i * n * 19 / 20 < :rows)
  SELECT 'host-' || i || path AS path, size, unixepoch() - abs(random() % 2592000) AS mtime
  FROM host, listing WHERE (listing.rowid + i) % 20 ORDER BY random();
.output
SELECT count(*) || ' rows: the files of this machine on ' || count(DISTINCT substr(path, 1, instr(path, '/'))) ||
  ' hosts like it, in two tables, such as' FROM fleet;
SELECT path FROM fleet LIMIT 1;

.echo on
CREATE VIRTUAL TABLE files USING art(path, size INTEGER, mtime INTEGER, summary=(sum(size), max(mtime), search(path)));
CREATE TABLE beside.ordinary(path TEXT PRIMARY KEY, size INTEGER, mtime INTEGER) WITHOUT ROWID;
.mode column --wrap 120
.headers on
.timer on

.print @ Load all rows, in random order
INSERT INTO files SELECT * FROM fleet;
INSERT INTO ordinary SELECT * FROM fleet;

.print @ Each host with its files and bytes
SELECT path, entries, size FROM files('', '/') ORDER BY size DESC, path LIMIT 3;
SELECT substr(path, 1, instr(path, '/')) AS path, count(*) AS entries, sum(size) AS size FROM ordinary
  GROUP BY 1 ORDER BY size DESC, path LIMIT 3;

.print @ The largest directories, wherever they are
WITH d(path, size) AS (SELECT path, size FROM files('', '/') WHERE entries UNION ALL
                       SELECT f.path, f.size FROM d JOIN files(d.path, '/') f WHERE f.entries ORDER BY 2 DESC, 1)
  SELECT path, size FROM d WHERE path GLOB '*/*/*/*/' LIMIT 3;
WITH d(path, size) AS (SELECT rtrim(path, replace(path, '/', '')), sum(size) FROM ordinary GROUP BY 1 UNION ALL
                       SELECT rtrim(rtrim(path, '/'), replace(path, '/', '')), size FROM d WHERE path <> '')
  SELECT path, sum(size) AS size FROM d WHERE path GLOB '*/*/*/*/' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 3;

.print @ Files and bytes below a prefix
SELECT art_count('files', 'host-1') AS files, art_sum('files', 'size', 'host-1') AS bytes;
SELECT count(*) AS files, sum(size) AS bytes FROM ordinary WHERE path >= 'host-1' AND path < 'host-2';

.print @ The newest files below a prefix
SELECT path, datetime(mtime, 'unixepoch') AS changed FROM files('host-1') ORDER BY mtime DESC, path LIMIT 3;
SELECT path, datetime(mtime, 'unixepoch') AS changed FROM ordinary WHERE path >= 'host-1' AND path < 'host-2'
  ORDER BY mtime DESC, path LIMIT 3;

.print @ The newest files with a word in their path
SELECT path, size FROM files WHERE path LIKE '%:word%' ORDER BY mtime DESC, path LIMIT 3;
SELECT path, size FROM ordinary WHERE path LIKE '%:word%' ORDER BY mtime DESC, path LIMIT 3;

.print @ The row in the middle
SELECT art_nth('files', '', art_count('files', '') / 2) AS path;
SELECT path FROM ordinary ORDER BY path LIMIT 1 OFFSET (SELECT count(*) / 2 FROM ordinary);

.print @ Look up each row, in random order
SELECT count(*) AS found FROM fleet CROSS JOIN files USING (path) WHERE files.size = fleet.size;
SELECT count(*) AS found FROM fleet CROSS JOIN ordinary USING (path) WHERE ordinary.size = fleet.size;

.print @ Read all columns of all rows
SELECT sum(length(path)) AS names, sum(size) AS bytes, avg(mtime) AS time FROM files;
SELECT sum(length(path)) AS names, sum(size) AS bytes, avg(mtime) AS time FROM ordinary;

.print @ Count all rows
SELECT count(*) FROM files;
SELECT count(*) FROM ordinary;

.print @ Change many rows at once
UPDATE files SET mtime = mtime + 1 WHERE path GLOB 'host-1*';
UPDATE ordinary SET mtime = mtime + 1 WHERE path >= 'host-1' AND path < 'host-2';

.print @ Delete many rows at once
DELETE FROM files WHERE path GLOB 'host-2*';
DELETE FROM ordinary WHERE path >= 'host-2' AND path < 'host-3';

.echo off
.timer off
.output /dev/null
VACUUM beside;
INSERT INTO files(files) VALUES('vacuum');
