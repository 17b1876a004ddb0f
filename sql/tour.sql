-- A tour of sqlite-art with the files of this machine. `make demo` prepares a directory with art.so and `listing`
-- (path, size, time of each file below /usr), and runs this there; sql/tour-again.sql follows in a second process.

.load ./art
.mode list
.separator "   "
.headers off
.bail on
.output /dev/null
PRAGMA journal_mode=WAL;
.output

.print
.print 1. Two tables with the same rows, one ordinary and one of ours
.print
.print CREATE TABLE ordinary(path TEXT PRIMARY KEY NOT NULL, value) WITHOUT ROWID;
.print CREATE VIRTUAL TABLE files USING art;
.print
CREATE TABLE ordinary(path TEXT PRIMARY KEY NOT NULL, value) WITHOUT ROWID;
CREATE VIRTUAL TABLE files USING art;

CREATE TEMP TABLE listing(path, size, mtime);
.import --ascii listing listing
CREATE TEMP TABLE shuffled AS SELECT path, json_object('size', CAST(size AS INTEGER), 'mtime', CAST(mtime AS INTEGER)) AS value
  FROM listing ORDER BY random();
SELECT 'The files below /usr, in random order: ' || count(*) FROM shuffled;

.print
.print INSERT INTO ordinary SELECT path, value FROM shuffled;
.timer on
INSERT INTO ordinary SELECT path, value FROM shuffled;
.timer off
.print INSERT INTO files SELECT path, value FROM shuffled;
.timer on
INSERT INTO files SELECT path, value FROM shuffled;
.timer off

.print
.print 2. A prefix is a place in the tree
.print
.print "SELECT path, value FROM files WHERE path GLOB '/usr/share/*' LIMIT 5;"
SELECT path, value FROM files WHERE path GLOB '/usr/share/*' LIMIT 5;
.print
.print ... and its last ten, read backwards:
.print "SELECT path FROM files WHERE path GLOB '/usr/share/*' ORDER BY path DESC LIMIT 10;"
SELECT path FROM files WHERE path GLOB '/usr/share/*' ORDER BY path DESC LIMIT 10;

.print
.print 3. Counting
.print
.print "SELECT count(*) FROM files WHERE path GLOB '/usr/lib/*';"
SELECT count(*) FROM files WHERE path GLOB '/usr/lib/*';
CREATE TEMP TABLE directories AS
  SELECT DISTINCT rtrim(path, replace(path, '/', '')) AS name FROM listing WHERE path NOT GLOB '*[*?[]*/*';
SELECT 'The same for each of ' || count(*) || ' directories, with everything below it:' FROM directories;
.print "ordinary (as a range: with path GLOB name || '*' it would read the whole table for each directory):"
.timer on
SELECT sum((SELECT count(*) FROM ordinary WHERE path >= name AND path < name || char(0x10ffff))) || ' rows' FROM directories;
.timer off
.print "files (path GLOB name || '*'):"
.timer on
SELECT sum((SELECT count(*) FROM files WHERE path GLOB name || '*')) || ' rows' FROM directories;
.timer off

.print
.print 4. One row
.print
.print SELECT value FROM files WHERE path = (one of them);
SELECT path, value FROM files WHERE path = (SELECT path FROM shuffled LIMIT 1);
.print
.print All of them, in random order, one after another:
.print ordinary:
.timer on
SELECT count(*) || ' found' FROM shuffled CROSS JOIN ordinary USING (path) WHERE ordinary.value = shuffled.value;
.timer off
.print files:
.timer on
SELECT count(*) || ' found' FROM shuffled CROSS JOIN files USING (path) WHERE files.value = shuffled.value;
.timer off

.print
.print 5. It is a table like any other: transactions, savepoints, joins
.print
.print "BEGIN; DELETE FROM files WHERE path GLOB '/usr/lib/*'; SELECT count(*) FROM files; ROLLBACK;"
BEGIN;
DELETE FROM files WHERE path GLOB '/usr/lib/*';
SELECT count(*) || ' left before the rollback' FROM files;
ROLLBACK;
SELECT count(*) || ' after it' FROM files;
.print
.print Files that are in one table and not in the other:
SELECT count(*) FROM (SELECT path, value FROM files EXCEPT SELECT path, value FROM ordinary);

.print
.print 6. What it looks like on disk
.print
.print "INSERT INTO files(files) VALUES('optimize');"
INSERT INTO files(files) VALUES('optimize');
.print "SELECT * FROM art_info('files');"
SELECT printf('  %-18s %s', property, value) FROM art_info('files') WHERE property NOT GLOB 'option*';
