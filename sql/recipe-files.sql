-- Recipe: metadata of files. The path is the key, an ordinary table holds what belongs to an owner, and both change in one
-- transaction.
-- Lines beginning with --> are the output; tests/test_recipes.sh compares.

CREATE VIRTUAL TABLE files USING art(cache='16MB');
CREATE TABLE quota(owner TEXT PRIMARY KEY, used INTEGER NOT NULL DEFAULT 0, allowed INTEGER NOT NULL, CHECK (used <= allowed));
INSERT INTO quota(owner, allowed) VALUES('ada', 10000), ('grace', 500);

-- adding a file and charging its owner stand and fall together
BEGIN;
INSERT INTO files(path, value) VALUES('/home/ada/notes.txt', '{"owner":"ada","size":300,"mtime":1767225600}');
UPDATE quota SET used = used + 300 WHERE owner = 'ada';
COMMIT;
BEGIN;
INSERT INTO files(path, value) VALUES('/home/grace/film.mkv', '{"owner":"grace","size":900,"mtime":1767225601}');
UPDATE OR IGNORE quota SET used = used + 900 WHERE owner = 'grace';
SELECT iif(changes() = 1, 'charged', 'too big for grace');
ROLLBACK;
--> too big for grace
SELECT path FROM files;
--> /home/ada/notes.txt

INSERT INTO files(path, value) VALUES
  ('/home/ada/src/main.c',      '{"owner":"ada","size":1200,"mtime":1767225700}'),
  ('/home/ada/src/main.h',      '{"owner":"ada","size":200,"mtime":1767225701}'),
  ('/home/ada/src/deep/util.c', '{"owner":"ada","size":800,"mtime":1767225702}'),
  ('/home/ada/srcery.txt',      '{"owner":"ada","size":10,"mtime":1767225703}');

-- how big is a directory (the slash keeps srcery.txt out)
SELECT count(*), sum(value ->> 'size') FROM files WHERE path GLOB '/home/ada/src/*';
--> 3|2200

-- the files of one kind below a directory
SELECT path FROM files WHERE path GLOB '/home/ada/*.[ch]';
--> /home/ada/src/deep/util.c
--> /home/ada/src/main.c
--> /home/ada/src/main.h

-- what changed lately
SELECT path FROM files WHERE path GLOB '/home/ada/*' AND value ->> 'mtime' > 1767225701 ORDER BY value ->> 'mtime' DESC;
--> /home/ada/srcery.txt
--> /home/ada/src/deep/util.c

-- a trigger on an ordinary table may write into the tree
CREATE TABLE uploads(path TEXT, size INTEGER);
CREATE TRIGGER arrives AFTER INSERT ON uploads BEGIN
  INSERT OR REPLACE INTO files(path, value) VALUES(new.path, json_object('owner', 'ada', 'size', new.size));
END;
INSERT INTO uploads VALUES('/home/ada/photo.png', 4000);
SELECT value FROM files WHERE path = '/home/ada/photo.png';
--> {"owner":"ada","size":4000}
