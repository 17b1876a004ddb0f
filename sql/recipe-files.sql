-- Recipe: metadata of files. The path is the key, an ordinary table holds what belongs to an owner, and both change in one
-- transaction.
-- Lines beginning with --> are the output; tests/docs/test_recipes.sh compares.

CREATE VIRTUAL TABLE files USING art(path, owner TEXT, size INTEGER NOT NULL, mtime INTEGER, summary=(sum(size), max(mtime)));
CREATE TABLE quota(home TEXT PRIMARY KEY, allowed INTEGER NOT NULL);
INSERT INTO quota VALUES('/home/ada/', 10000), ('/home/grace/', 500);

-- a quota that cannot drift: what is used is nowhere noted, it is the sum of the rows, asked in the transaction that writes. It holds
-- for a REPLACE, an UPDATE and a move, too. More: sums.md, Quotas. The schema stands in front of the name: in a view or a trigger of an
-- attached database 'files' alone would be main's
BEGIN IMMEDIATE;
INSERT INTO files VALUES('/home/ada/notes.txt', 'ada', 300, 1767225600);
SELECT art_sum('main.files', 'size', home) <= allowed FROM quota WHERE home = '/home/ada/';
--> 1
COMMIT;
BEGIN IMMEDIATE;
INSERT INTO files VALUES('/home/grace/film.mkv', 'grace', 900, 1767225601);
SELECT art_sum('main.files', 'size', home) <= allowed FROM quota WHERE home = '/home/grace/';
--> 0
ROLLBACK;
SELECT path FROM files;
--> /home/ada/notes.txt

INSERT INTO files VALUES
  ('/home/ada/src/main.c',      'ada', 1200, 1767225700),
  ('/home/ada/src/main.h',      'ada', 200,  1767225701),
  ('/home/ada/src/deep/util.c', 'ada', 800,  1767225702),
  ('/home/ada/srcery.txt',      'ada', 10,   1767225703);

-- one directory, as ls shows it
SELECT path, size, entries FROM files('/home/ada/', '/');
--> /home/ada/notes.txt|300|
--> /home/ada/src/|2200|3
--> /home/ada/srcery.txt|10|

-- how big is a directory (the slash keeps srcery.txt out)
SELECT art_count('files', '/home/ada/src/'), art_sum('files', 'size', '/home/ada/src/');
--> 3|2200

-- each directory of a level with all that lies below it, the largest first
SELECT path, entries, size, mtime FROM files('/home/ada/', '/') WHERE entries ORDER BY size DESC;
--> /home/ada/src/|3|2200|1767225702

-- the largest files below a directory
SELECT path, size FROM files('/home/ada/') ORDER BY size DESC LIMIT 2;
--> /home/ada/src/main.c|1200
--> /home/ada/src/deep/util.c|800

-- the files of one kind below a directory
SELECT path FROM files WHERE path GLOB '/home/ada/*.[ch]';
--> /home/ada/src/deep/util.c
--> /home/ada/src/main.c
--> /home/ada/src/main.h

-- what changed lately
SELECT path FROM files('/home/ada/') WHERE mtime > 1767225701 ORDER BY mtime DESC;
--> /home/ada/srcery.txt
--> /home/ada/src/deep/util.c

-- a column that came later
INSERT INTO files(files) VALUES('add column mode INTEGER');
UPDATE files SET mode = 420 WHERE path = '/home/ada/notes.txt';
SELECT path, mode FROM files WHERE mode NOT NULL;
--> /home/ada/notes.txt|420

-- a trigger on an ordinary table may write into the tree
CREATE TABLE uploads(path TEXT, size INTEGER);
CREATE TRIGGER arrives AFTER INSERT ON uploads BEGIN
  INSERT OR REPLACE INTO files(path, owner, size) VALUES(new.path, 'ada', new.size);
END;
INSERT INTO uploads VALUES('/home/ada/photo.png', 4000);
SELECT owner, size FROM files WHERE path = '/home/ada/photo.png';
--> ada|4000

-- a view with INSTEAD OF triggers: an event row beside each change, and RETURNING, which the table has for INSERT alone
CREATE TABLE event(id INTEGER PRIMARY KEY, what TEXT, path TEXT, was INTEGER, size INTEGER);
CREATE VIEW file AS SELECT path, owner, size, mtime FROM files;
CREATE TRIGGER file_insert INSTEAD OF INSERT ON file BEGIN
  INSERT INTO files(path, owner, size, mtime) VALUES(new.path, new.owner, new.size, new.mtime);
  INSERT INTO event(what, path, size) VALUES('insert', new.path, new.size);
END;
CREATE TRIGGER file_update INSTEAD OF UPDATE ON file BEGIN
  UPDATE files SET path = new.path, owner = new.owner, size = new.size, mtime = new.mtime WHERE path = old.path;
  INSERT INTO event(what, path, was, size) VALUES('update', new.path, old.size, new.size);
END;
CREATE TRIGGER file_delete INSTEAD OF DELETE ON file BEGIN
  DELETE FROM files WHERE path = old.path;
  INSERT INTO event(what, path, was) VALUES('delete', old.path, old.size);
END;
INSERT INTO file VALUES('/home/ada/new', 'ada', 5, 1767225800);
UPDATE file SET size = size + 1 WHERE path GLOB '/home/ada/src/*.h' RETURNING path, size;
--> /home/ada/src/main.h|201
DELETE FROM file WHERE path = '/home/ada/new' RETURNING size;
--> 5
SELECT what, path, was, size FROM event ORDER BY id;
--> insert|/home/ada/new||5
--> update|/home/ada/src/main.h|200|201
--> delete|/home/ada/new|5|

-- the same in a view, which must ask its own database's table under whatever name that is attached: a listing's sum
CREATE VIEW use AS SELECT home, allowed, coalesce((SELECT size FROM files('/home/', '/') WHERE path = home), 0) AS used FROM quota;
SELECT home, used <= allowed FROM use;
--> /home/ada/|1
--> /home/grace/|1

-- an overlay: what is in the upper layer hides the lower one, and so does a whiteout, with all that lies below it. Where the database is
-- attached as aux, the view names 'aux.whiteout'
CREATE VIRTUAL TABLE lower USING art(path, size INTEGER);
CREATE VIRTUAL TABLE upper USING art(path, size INTEGER);
CREATE VIRTUAL TABLE whiteout USING art(path);
CREATE VIEW merged AS SELECT path, size FROM upper UNION ALL SELECT path, size FROM lower
  WHERE art_longest_prefix('main.whiteout', path, '/') IS NULL AND NOT EXISTS (SELECT 1 FROM upper WHERE upper.path = lower.path);
INSERT INTO lower VALUES('etc/passwd', 1), ('usr/doc/a', 2), ('usr/doc/b', 3), ('usr/docs', 4), ('usr/lib/c', 5), ('usr/lib/d', 6);
INSERT INTO upper VALUES('etc/passwd', 10), ('usr/doc/new', 7);
INSERT INTO whiteout VALUES('usr/doc'), ('usr/lib/c');
SELECT path, size FROM merged WHERE path GLOB 'usr/*' ORDER BY path;
--> usr/doc/new|7
--> usr/docs|4
--> usr/lib/d|6
SELECT size FROM merged WHERE path = 'etc/passwd';
--> 10
-- one level of it. A directory of the lower layer shows also where each of its files is hidden by itself
SELECT path FROM upper('usr/', '/') UNION SELECT path FROM lower('usr/', '/') WHERE art_longest_prefix('main.whiteout', path, '/') IS NULL;
--> usr/doc/
--> usr/docs
--> usr/lib/
