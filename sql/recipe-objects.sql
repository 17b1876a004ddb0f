-- Recipe: the listing of an object store. Keys are bucket/path, values describe the object; what the store's clients ask
-- for (list with a prefix, continue after a key, list one level, move a folder) is one statement each.
-- Lines beginning with --> are the output; tests/test_recipes.sh compares.

CREATE VIRTUAL TABLE objects USING art;

INSERT INTO objects(path, value) VALUES
  ('photos/2025/12/31/fireworks.jpg', '{"size":204800,"etag":"a1"}'),
  ('photos/2026/01/01/breakfast.jpg', '{"size":102400,"etag":"b2"}'),
  ('photos/2026/01/01/snow.jpg',      '{"size":307200,"etag":"c3"}'),
  ('photos/2026/01/02/walk.jpg',      '{"size":409600,"etag":"d4"}'),
  ('photos/index.html',               '{"size":2048,"etag":"e5"}'),
  ('backups/monday.tar',              '{"size":9000000,"etag":"f6"}');

-- list with a prefix, two at a time; the next page continues after the last key seen
SELECT path FROM objects WHERE path GLOB 'photos/2026/*' ORDER BY path LIMIT 2;
--> photos/2026/01/01/breakfast.jpg
--> photos/2026/01/01/snow.jpg
SELECT path FROM objects WHERE path GLOB 'photos/2026/*' AND path > 'photos/2026/01/01/snow.jpg' ORDER BY path LIMIT 2;
--> photos/2026/01/02/walk.jpg

-- one level of a folder, with what lies below each name (delimiter '/')
WITH below(name, size) AS (
  SELECT substr(path, length('photos/') + 1), value ->> 'size' FROM objects WHERE path GLOB 'photos/*')
SELECT iif(instr(name, '/'), substr(name, 1, instr(name, '/')), name) AS entry, count(*), sum(size)
  FROM below GROUP BY entry ORDER BY entry;
--> 2025/|1|204800
--> 2026/|3|819200
--> index.html|1|2048

-- put an object only if it is not there yet; then overwrite it
INSERT OR IGNORE INTO objects(path, value) VALUES('photos/index.html', '{"size":0}');
SELECT changes();
--> 0
INSERT OR REPLACE INTO objects(path, value) VALUES('photos/index.html', '{"size":4096,"etag":"e6"}');
SELECT value ->> 'etag' FROM objects WHERE path = 'photos/index.html';
--> e6

-- move a folder, atomically
UPDATE objects SET path = 'archive/' || substr(path, length('photos/') + 1) WHERE path GLOB 'photos/2025/*';
SELECT path FROM objects WHERE path GLOB 'archive/*';
--> archive/2025/12/31/fireworks.jpg

-- delete a folder
DELETE FROM objects WHERE path GLOB 'photos/2026/01/01/*';
SELECT count(*) FROM objects;
--> 4
