-- Recipe: the listing of an object store. What the store's clients ask for (list with a prefix and a delimiter, continue
-- after a key, put if nothing changed, move a folder) is one statement each.
-- Lines beginning with --> are the output; tests/docs/test_recipes.sh compares.

CREATE VIRTUAL TABLE objects USING art(key, size INTEGER, etag TEXT);

INSERT INTO objects VALUES
  ('photos/2025/12/31/fireworks.jpg', 204800,  'a1'),
  ('photos/2026/01/01/breakfast.jpg', 102400,  'b2'),
  ('photos/2026/01/01/snow.jpg',      307200,  'c3'),
  ('photos/2026/01/02/walk.jpg',      409600,  'd4'),
  ('photos/index.html',               2048,    'e5'),
  ('backups/monday.tar',              9000000, 'f6');

-- list with a prefix, two at a time; the next page continues after the last key seen
SELECT key FROM objects('photos/2026/') ORDER BY key LIMIT 2;
--> photos/2026/01/01/breakfast.jpg
--> photos/2026/01/01/snow.jpg
SELECT key FROM objects('photos/2026/', '', 'photos/2026/01/01/snow.jpg') ORDER BY key LIMIT 2;
--> photos/2026/01/02/walk.jpg

-- ListObjectsV2 with prefix, delimiter, start-after and max-keys: one level, common prefixes rolled up, with the exact
-- number of objects below each
SELECT key, entries, size FROM objects('photos/', '/') ORDER BY key LIMIT 1000;
--> photos/2025/|1|
--> photos/2026/|3|
--> photos/index.html||2048
SELECT key FROM objects('photos/', '/', 'photos/2025/') ORDER BY key LIMIT 1;
--> photos/2026/

-- how many, without looking at them; the thousandth page costs what the first one does
SELECT art_count('objects', 'photos/');
--> 5
SELECT key FROM objects ORDER BY key LIMIT 2 OFFSET 4;
--> photos/2026/01/02/walk.jpg
--> photos/index.html

-- put an object only if it is not there yet; then overwrite it
INSERT OR IGNORE INTO objects VALUES('photos/index.html', 0, 'none');
SELECT changes();
--> 0
INSERT OR REPLACE INTO objects VALUES('photos/index.html', 4096, 'e6');
SELECT size, etag FROM objects WHERE key = 'photos/index.html';
--> 4096|e6

-- overwrite it only if nobody has changed it since it was read: the version is a fence
CREATE TEMP TABLE seen AS SELECT key, row_version FROM objects WHERE key = 'photos/index.html';
UPDATE objects SET etag = 'e7' WHERE key = 'photos/index.html' AND row_version = (SELECT row_version FROM seen);
SELECT iif(changes() = 1, 'won', 'lost');
--> won
UPDATE objects SET etag = 'e8' WHERE key = 'photos/index.html' AND row_version = (SELECT row_version FROM seen);
SELECT iif(changes() = 1, 'won', 'lost');
--> lost

-- rename a folder, atomically and in milliseconds, however many objects it has: its row in the listing stands for all of them. Or as a
-- command, from any prefix to any other where no object is. Who follows the changes asks for the rows that are newer than the version seen
CREATE TEMP TABLE followed AS SELECT art_write_version('objects') - 1 AS version;
UPDATE objects SET key = 'old/2025/' WHERE prefix = 'photos/' AND delimiter = '/' AND key = 'photos/2025/';
INSERT INTO objects(objects, prefix, key) VALUES('move', 'old/', 'archive/');
SELECT key FROM objects WHERE row_version > (SELECT version FROM followed);
--> archive/2025/12/31/fireworks.jpg

-- delete a folder
DELETE FROM objects WHERE prefix = 'photos/2026/01/' AND delimiter = '/' AND key = 'photos/2026/01/01/';
SELECT key, entries FROM objects('', '/');
--> archive/|1
--> backups/|1
--> photos/|2

-- a batch that stands on what it has seen: a key that is absent, a prefix that is empty, a row at its version. Where one of them does
-- not hold, the INSERT fails, and the whole transaction is taken back
CREATE VIEW guard(holds) AS SELECT NULL;
CREATE TRIGGER guard_insert INSTEAD OF INSERT ON guard WHEN new.holds IS NOT 1 BEGIN
  SELECT RAISE(ROLLBACK, 'a guard does not hold');
END;
UPDATE seen SET row_version = (SELECT row_version FROM objects WHERE objects.key = seen.key);
BEGIN IMMEDIATE;
INSERT INTO guard VALUES
  (NOT EXISTS (SELECT 1 FROM objects WHERE key = 'backups/tuesday.tar')),
  (art_count('objects', 'uploads/') = 0),
  ((SELECT row_version FROM objects WHERE key = 'photos/index.html') = (SELECT row_version FROM seen));
INSERT INTO objects VALUES('backups/tuesday.tar', 9000001, 'f7');
UPDATE objects SET etag = 'e9' WHERE key = 'photos/index.html';
COMMIT;
SELECT key, etag FROM objects WHERE key IN ('backups/tuesday.tar', 'photos/index.html');
--> backups/tuesday.tar|f7
--> photos/index.html|e9

-- versions of an object: behind a delimiter that no key has stands the number of the transaction, which rises. A deletion is a version
CREATE VIRTUAL TABLE history USING art(key, etag TEXT, deleted INTEGER);
INSERT INTO history VALUES(printf('%s@%010d', 'snow.jpg', art_write_version('history')), 'c3', 0);
INSERT INTO history VALUES(printf('%s@%010d', 'snow.jpg', art_write_version('history')), 'c4', 0),
  (printf('%s@%010d', 'sun.jpg', art_write_version('history')), 'd1', 0);
INSERT INTO history VALUES(printf('%s@%010d', 'sun.jpg', art_write_version('history')), NULL, 1);
-- the newest version of an object; the one at an earlier time; each object in its newest version; all versions but the last one go
SELECT key, etag FROM history('snow.jpg@') ORDER BY key DESC LIMIT 1;
--> snow.jpg@0000000002|c4
SELECT key, etag FROM history('snow.jpg@') WHERE key <= printf('%s@%010d', 'snow.jpg', 1) ORDER BY key DESC LIMIT 1;
--> snow.jpg@0000000001|c3
SELECT object.key, object.entries, newest.etag FROM history('', '@') object
  JOIN history newest ON newest.key = art_nth('history', object.key, object.entries - 1) WHERE NOT newest.deleted;
--> snow.jpg@|2|c4
DELETE FROM history WHERE prefix = 'snow.jpg@' AND key < art_nth('history', 'snow.jpg@', art_count('history', 'snow.jpg@') - 1);
SELECT key FROM history;
--> snow.jpg@0000000002
--> sun.jpg@0000000002
--> sun.jpg@0000000003
