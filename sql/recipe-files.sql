-- Recipe: metadata of files. The path is the key, an ordinary table holds what belongs to an owner, and both change in one
-- transaction.
-- Lines beginning with --> are the output; tests/docs/test_recipes.sh compares.

CREATE VIRTUAL TABLE files USING art(path, owner TEXT, size INTEGER NOT NULL, mtime INTEGER,
                                     summary=(sum(size), max(mtime)), cache='16MB');
CREATE TABLE quota(owner TEXT PRIMARY KEY, used INTEGER NOT NULL DEFAULT 0, allowed INTEGER NOT NULL, CHECK (used <= allowed));
INSERT INTO quota(owner, allowed) VALUES('ada', 10000), ('grace', 500);

-- adding a file and charging its owner stand and fall together
BEGIN;
INSERT INTO files VALUES('/home/ada/notes.txt', 'ada', 300, 1767225600);
UPDATE quota SET used = used + 300 WHERE owner = 'ada';
COMMIT;
BEGIN;
INSERT INTO files VALUES('/home/grace/film.mkv', 'grace', 900, 1767225601);
UPDATE OR IGNORE quota SET used = used + 900 WHERE owner = 'grace';
SELECT iif(changes() = 1, 'charged', 'too big for grace');
ROLLBACK;
--> too big for grace
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
