-- Recipe: folders. A folder is moved, copied or deleted as one thing, with all that lies below it: a trash with a way back, tenants that
-- expire, and the file cache of a cloud.
-- Lines beginning with --> are the output; tests/docs/test_recipes.sh compares.

CREATE VIRTUAL TABLE files USING art(path, size INTEGER, mtime INTEGER, summary=(sum(size), max(mtime)));
INSERT INTO files VALUES
  ('home/ada/notes.txt', 300, 10), ('home/ada/old/a', 100, 2), ('home/ada/old/deep/b', 50, 3), ('home/ada/older', 7, 4),
  ('home/bob/x', 20, 5);

-- a trash: each folder that is thrown away gets a number, and moves to .trash/<number>/. An ordinary table says where it was. The slash
-- at the end of a folder's name keeps home/ada/older out
CREATE TABLE trash(id INTEGER PRIMARY KEY, path TEXT NOT NULL, deleted TEXT NOT NULL);
BEGIN IMMEDIATE;
INSERT INTO trash(path, deleted) VALUES('home/ada/old/', '2026-01-10') RETURNING id;
--> 1
INSERT INTO files(files, prefix, path) SELECT 'move', path, '.trash/' || id || '/' FROM trash WHERE id = 1;
COMMIT;
SELECT path FROM files;
--> .trash/1/a
--> .trash/1/deep/b
--> home/ada/notes.txt
--> home/ada/older
--> home/bob/x

-- a file, which is a row, goes there by an UPDATE of the row
BEGIN IMMEDIATE;
INSERT INTO trash(path, deleted) VALUES('home/ada/notes.txt', '2026-02-20') RETURNING id;
--> 2
UPDATE files SET path = '.trash/2/notes.txt' WHERE path = 'home/ada/notes.txt';
COMMIT;

-- what is in it, and how much room would be free without it
SELECT trash.path, deleted, entries, size FROM files('.trash/', '/') AS below JOIN trash ON below.path = '.trash/' || trash.id || '/';
--> home/ada/old/|2026-01-10|2|150
--> home/ada/notes.txt|2026-02-20|1|300

-- back to where it was, or beside it if there is something by now. (A move to a place where rows are fails as UNIQUE does.)
INSERT INTO files VALUES('home/ada/old/new', 1, 11);
BEGIN IMMEDIATE;
INSERT INTO files(files, prefix, path)
  SELECT 'move', '.trash/' || id || '/', iif(art_count('files', path), rtrim(path, '/') || ' (restored)/', path) FROM trash WHERE id = 1;
DELETE FROM trash WHERE id = 1;
COMMIT;
SELECT path, entries FROM files('home/ada/', '/');
--> home/ada/old (restored)/|2
--> home/ada/old/|1
--> home/ada/older|

-- for ever: what has been there since before February, or everything
INSERT INTO trash VALUES(3, 'home/bob/', '2026-01-20');
INSERT INTO files(files, prefix, path) VALUES('move', 'home/bob/', '.trash/3/');
BEGIN IMMEDIATE;
DELETE FROM files WHERE prefix = '.trash/' AND delimiter = '/'
  AND path IN (SELECT '.trash/' || id || '/' FROM trash WHERE deleted < '2026-02-01');
SELECT changes();
--> 1
DELETE FROM trash WHERE deleted < '2026-02-01';
COMMIT;
INSERT INTO files(files, prefix) VALUES('delete', '.trash/');
SELECT path FROM files;
--> home/ada/old (restored)/a
--> home/ada/old (restored)/deep/b
--> home/ada/old/new
--> home/ada/older

-- tenants that expire: each has a folder, and one statement deletes those of all that are due. It takes some milliseconds for each of
-- them, whatever they have; changes() is the number of tenants. Look first at what would go
CREATE VIRTUAL TABLE data USING art(path, value, used INTEGER, summary=(max(used)));
CREATE TABLE tenant(name TEXT PRIMARY KEY, paid_until TEXT NOT NULL);
INSERT INTO tenant VALUES('acme', '2026-01-31'), ('umbrella', '2026-12-31'), ('wayne', '2026-01-15');
INSERT INTO data VALUES
  ('acme/users/1', 'x', 100), ('acme/users/2', 'y', 900), ('trial/a', 'z', 50), ('umbrella/a', 'u', 950), ('wayne/a', 'w', 800);
SELECT path, entries FROM data('', '/') WHERE path IN (SELECT name || '/' FROM tenant WHERE paid_until < '2026-02-01');
--> acme/|2
--> wayne/|1
BEGIN IMMEDIATE;
DELETE FROM data WHERE prefix = '' AND delimiter = '/' AND path IN (SELECT name || '/' FROM tenant WHERE paid_until < '2026-02-01');
SELECT changes();
--> 2
DELETE FROM tenant WHERE paid_until < '2026-02-01';
COMMIT;
-- or those of whom no row was used lately: a listing's row shows the summary of all below it
DELETE FROM data WHERE prefix = '' AND delimiter = '/' AND used < 500;
SELECT path FROM data;
--> umbrella/a

-- a cloud's file cache. In an ordinary table a folder's move touches each row below it. The SQL that programs have for it finds other
-- rows as well: in LIKE an _ is any letter, and A is a
CREATE TABLE oc_filecache(fileid INTEGER PRIMARY KEY, path TEXT, path_hash TEXT, parent INTEGER, size INTEGER, etag TEXT);
INSERT INTO oc_filecache(fileid, path) VALUES(1, 'files/a_b/1'), (2, 'files/axb/2'), (3, 'files/A_B/3');
UPDATE oc_filecache SET path = 'files/c/' || substr(path, length('files/a_b/') + 1) WHERE path LIKE 'files/a_b/%';
SELECT path FROM oc_filecache;
--> files/c/1
--> files/c/2
--> files/c/3

-- with art the path is the key: there is no path_hash to be computed anew, and no parent, since a folder is the beginning of its files'
-- paths. Its size is a sum. The fileid, by which shares and tags of other tables know a file, stays a column, and lookup() finds it
CREATE VIRTUAL TABLE cache USING art(path, fileid INTEGER, size INTEGER, etag TEXT, summary=(sum(size), lookup(fileid)));
CREATE TABLE share(fileid INTEGER PRIMARY KEY, with_whom TEXT);
CREATE TABLE gone(version INTEGER, path TEXT);
INSERT INTO cache VALUES
  ('files/A_B/3', 3, 30, 'c'), ('files/a_b/1', 1, 10, 'a'), ('files/a_b/files/a_b/4', 4, 40, 'd'), ('files/axb/2', 2, 20, 'b');
INSERT INTO share VALUES(4, 'bob');
BEGIN IMMEDIATE;
INSERT INTO gone VALUES(art_write_version('cache'), 'files/a_b/');
UPDATE cache SET path = 'files/c/' WHERE prefix = 'files/' AND delimiter = '/' AND path = 'files/a_b/';
COMMIT;
SELECT path, entries, size FROM cache('files/', '/');
--> files/A_B/|1|30
--> files/axb/|1|20
--> files/c/|2|50
SELECT with_whom, path FROM share JOIN cache USING(fileid);
--> bob|files/c/files/a_b/4

-- what a client has to do that has seen version 1: remove what is gone, and fetch the rows that were written or moved since. No statement
-- has to give all folders above a file a new etag
SELECT path FROM gone WHERE version > 1;
--> files/a_b/
SELECT path FROM cache('files/') WHERE row_version > 1;
--> files/c/1
--> files/c/files/a_b/4
SELECT art_write_version('cache') - 1;       -- the version that it has seen then
--> 2
