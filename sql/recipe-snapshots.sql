-- Recipe: snapshots. What has grown since last week, a feed of changes with deletes, undo, a workspace to try something in, and a chart.
-- A snapshot has a name, costs a flush, and takes room only as the table changes.
-- Lines beginning with --> are the output; tests/docs/test_recipes.sh compares.

CREATE VIRTUAL TABLE files USING art(path, size INTEGER, mtime INTEGER, summary=(sum(size), max(mtime)));
INSERT INTO files VALUES
  ('home/ada/notes.txt', 300, 10), ('home/ada/old/a', 100, 2), ('home/ada/old/b', 50, 3), ('home/bob/x', 20, 5), ('srv/log/1', 1000, 6);
INSERT INTO files(files, snapshot) VALUES('snapshot', '2026-01-05');

INSERT INTO files VALUES('home/bob/film', 5000, 20), ('srv/log/2', 1200, 21);
UPDATE files SET size = 350, mtime = 22 WHERE path = 'home/ada/notes.txt';
INSERT INTO files(files, prefix) VALUES('delete', 'home/ada/old/');
INSERT INTO files(files, snapshot) VALUES('snapshot', '2026-01-12');
INSERT INTO files VALUES('srv/log/3', 1500, 30);

-- what has grown since last week: directories, at any level, without a look at what is the same
SELECT path, growth, entries - old_entries FROM art_growth('files', 'size', '2026-01-05', NULL, '', '/') ORDER BY growth DESC;
--> home/|4900|-1
--> srv/|2700|2
SELECT path, growth, entries - old_entries FROM art_growth('files', 'size', '2026-01-05', NULL, 'home/', '/') ORDER BY growth DESC;
--> home/bob/|5000|1
--> home/ada/|-100|-2
-- two levels at once
SELECT path, growth FROM art_growth('files', 'size', '2026-01-05', NULL, '', '/', 2) ORDER BY growth DESC LIMIT 2;
--> home/bob/|5000
--> srv/log/|2700

-- how many files came, changed and went, in each directory of the tree
SELECT path, added, changed, deleted FROM art_growth('files', 'size', '2026-01-05', NULL, '', '/', 'all');
--> home/ada/old/|0|0|2
--> home/ada/|0|1|2
--> home/bob/|1|0|0
--> home/|1|1|2
--> srv/log/|2|0|0
--> srv/|2|0|0
--> |3|1|2

-- what exactly, with what it was and what it is
SELECT change, d.path, was.size, is_now.size
  FROM art_diff('files', '2026-01-05', '2026-01-12') AS d
  LEFT JOIN files AS was ON was.path = d.path AND was.snapshot = '2026-01-05'
  LEFT JOIN files AS is_now ON is_now.path = d.path AND is_now.snapshot = '2026-01-12';
--> changed|home/ada/notes.txt|300|350
--> deleted|home/ada/old/a|100|
--> deleted|home/ada/old/b|50|
--> added|home/bob/film||5000
--> added|srv/log/2||1200

-- a chart: a directory's size over all snapshots
SELECT name, art_sum('files', 'size', 'srv/', name) FROM art_snapshots('files') UNION ALL SELECT 'now', art_sum('files', 'size', 'srv/');
--> 2026-01-05|1000
--> 2026-01-12|2200
--> now|3700

-- undo: a row, or a directory, as it was. A directory that has changed since is emptied first
INSERT OR REPLACE INTO files SELECT * FROM files WHERE snapshot = '2026-01-05' AND path = 'home/ada/notes.txt';
BEGIN IMMEDIATE;
INSERT INTO files(files, prefix) VALUES('delete', 'home/ada/old/');
INSERT INTO files(files, prefix, path, snapshot) VALUES('copy', 'home/ada/old/', 'home/ada/old/', '2026-01-05');
COMMIT;
SELECT path, size FROM files('home/ada/');
--> home/ada/notes.txt|300
--> home/ada/old/a|100
--> home/ada/old/b|50

-- a feed for a client that was away: one snapshot for each client is the state that it has. It gets what has changed since, deletes
-- too; a version's number alone would not tell of these
ATTACH ':memory:' AS client;
CREATE TABLE client.copy(path TEXT PRIMARY KEY, size INTEGER, mtime INTEGER);
INSERT INTO client.copy SELECT path, size, mtime FROM files WHERE snapshot = '2026-01-05';
BEGIN IMMEDIATE;
INSERT INTO files(files, snapshot) VALUES('snapshot', 'laptop, new');
COMMIT;
BEGIN IMMEDIATE;
DELETE FROM client.copy WHERE path IN (SELECT path FROM art_diff('files', '2026-01-05', 'laptop, new') WHERE change = 'deleted');
INSERT OR REPLACE INTO client.copy
  SELECT path, size, mtime FROM art_diff('files', '2026-01-05', 'laptop, new') AS d JOIN files USING(path)
  WHERE change <> 'deleted' AND files.snapshot = 'laptop, new';
COMMIT;
-- the client has said that it has all this: the state before may go. A client whose state was dropped gets all rows, as at first
INSERT INTO files(files, snapshot) VALUES('drop snapshot', '2026-01-05');
SELECT count(*) FROM (SELECT * FROM client.copy EXCEPT SELECT path, size, mtime FROM files WHERE snapshot = 'laptop, new');
--> 0
SELECT count(*) FROM (SELECT path, size, mtime FROM files WHERE snapshot = 'laptop, new' EXCEPT SELECT * FROM client.copy);
--> 0

-- a workspace: an agent tries something in a copy of a folder. It is taken over as a whole, or thrown away as a whole
INSERT INTO files(files, snapshot) VALUES('snapshot', 'before the agent');
INSERT INTO files(files, prefix, path) VALUES('copy', 'home/ada/', 'try/1/');
UPDATE files SET size = 1 WHERE path = 'try/1/notes.txt';
INSERT INTO files VALUES('try/1/result', 7, 40);
SELECT path, size FROM files('try/1/') EXCEPT SELECT 'try/1/' || substr(path, 10), size FROM files('home/ada/');
--> try/1/notes.txt|1
--> try/1/result|7
BEGIN IMMEDIATE;
INSERT INTO files(files, prefix) VALUES('delete', 'home/ada/');
INSERT INTO files(files, prefix, path) VALUES('move', 'try/1/', 'home/ada/');
COMMIT;
SELECT change, path FROM art_diff('files', 'before the agent', NULL);
--> changed|home/ada/notes.txt
--> changed|home/ada/old/a
--> changed|home/ada/old/b
--> added|home/ada/result

-- what is kept: the last seven daily snapshots, say, also where none was made for a while. A name may be anything; names that are
-- dates are in their order
INSERT INTO files(files, snapshot)
  SELECT 'drop snapshot', name FROM art_snapshots('files') WHERE name GLOB '????-??-??' ORDER BY name DESC LIMIT -1 OFFSET 7;
SELECT name, entries FROM art_snapshots('files');
--> 2026-01-12|5
--> before the agent|8
--> laptop, new|8
