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
CREATE TEMP TABLE seen AS SELECT key, version FROM objects WHERE key = 'photos/index.html';
UPDATE objects SET etag = 'e7' WHERE key = 'photos/index.html' AND version = (SELECT version FROM seen);
SELECT iif(changes() = 1, 'won', 'lost');
--> won
UPDATE objects SET etag = 'e8' WHERE key = 'photos/index.html' AND version = (SELECT version FROM seen);
SELECT iif(changes() = 1, 'won', 'lost');
--> lost

-- move a folder, atomically
UPDATE objects SET key = 'archive/' || substr(key, length('photos/') + 1) WHERE prefix = 'photos/2025/';
SELECT key FROM objects('archive/');
--> archive/2025/12/31/fireworks.jpg

-- delete a folder
DELETE FROM objects WHERE prefix = 'photos/2026/01/01/';
SELECT key, entries FROM objects('', '/');
--> archive/|1
--> backups/|1
--> photos/|2
