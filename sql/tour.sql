-- A tour of sqlite-art with the files of this machine. `make demo` prepares a directory with art.so and `listing`
-- (path, size, time of each file below /usr), and runs this there; sql/tour-again.sql follows in a second process.

.load ./art
.mode list
.headers off
.bail on
.output /dev/null
PRAGMA journal_mode=WAL;
ATTACH 'ordinary.db' AS beside;
PRAGMA beside.journal_mode=WAL;
CREATE TEMP TABLE listing(path TEXT, size INTEGER, mtime REAL);
.import --ascii listing listing
CREATE TEMP TABLE shuffled AS SELECT * FROM listing ORDER BY random();
.output

.print
.print 1. Two tables with the same rows: `files` is one of sqlite-art, `ordinary` one of SQLite, in a database of its own
.print
.print CREATE VIRTUAL TABLE files USING art(path, size INTEGER, mtime REAL);
.print CREATE TABLE ordinary(path TEXT PRIMARY KEY NOT NULL, size INTEGER, mtime REAL) WITHOUT ROWID;
CREATE VIRTUAL TABLE files USING art(path, size INTEGER, mtime REAL);
CREATE TABLE beside.ordinary(path TEXT PRIMARY KEY NOT NULL, size INTEGER, mtime REAL) WITHOUT ROWID;
.print
SELECT count(*) || ' files are put into both, in random order:' FROM shuffled;
.print INSERT INTO files SELECT * FROM shuffled;
.timer on
INSERT INTO files SELECT * FROM shuffled;
.timer off
.print INSERT INTO ordinary SELECT * FROM shuffled;
.timer on
INSERT INTO ordinary SELECT * FROM shuffled;
.timer off

.print
.print 2. A prefix is a place in the tree, read in either direction
.print
.print "SELECT path, size FROM files WHERE path GLOB '/usr/share/*' LIMIT 4;"
.mode box
SELECT path, size FROM files WHERE path GLOB '/usr/share/*' LIMIT 4;
.print "SELECT path, size FROM files('/usr/share/') ORDER BY path DESC LIMIT 4;"
SELECT path, size FROM files('/usr/share/') ORDER BY path DESC LIMIT 4;

.print
.print 3. One level of a directory, with the exact number of files below each name
.print
.print "SELECT path, entries FROM files('/usr/', '/');"
SELECT path, entries FROM files('/usr/', '/');
.print A page of a large level, from the middle on:
.print "SELECT path, entries FROM files('/usr/lib/', '/') WHERE path > '/usr/lib/p' ORDER BY path LIMIT 4;"
SELECT path, entries FROM files('/usr/lib/', '/') WHERE path > '/usr/lib/p' ORDER BY path LIMIT 4;
.mode list
.print "All of /usr/share by files('/usr/share/', '/'):"
.timer on
SELECT count(*) || ' names, ' || sum(coalesce(entries, 1)) || ' files' FROM files('/usr/share/', '/');
.timer off
.print "... and by the ordinary table (GROUP BY what stands before the next slash):"
.timer on
SELECT count(*) || ' names, ' || sum(entries) || ' files' FROM (SELECT count(*) AS entries FROM ordinary
  WHERE path >= '/usr/share/' AND path < '/usr/share0'
  GROUP BY substr(path, 12, instr(substr(path, 12) || '/', '/')));
.timer off

.print
.print 4. Counts and pages cost the same wherever they are
.print
CREATE TEMP TABLE directories AS
  SELECT DISTINCT rtrim(path, replace(path, '/', '')) AS name FROM listing;
SELECT 'Files below each of ' || count(*) || ' directories, by art_count(''files'', name):' FROM directories;
.timer on
SELECT 'in all ' || sum(art_count('files', name)) FROM directories;
.timer off
.print "... and by the ordinary table (count(*) of path >= name AND path < the next name):"
.timer on
SELECT 'in all ' || sum((SELECT count(*) FROM ordinary WHERE path >= name AND path < name || char(0x10ffff))) FROM directories;
.timer off
.print
.print "SELECT path FROM files ORDER BY path LIMIT 1 OFFSET 100000;"
.timer on
SELECT path FROM files ORDER BY path LIMIT 1 OFFSET 100000;
.timer off
.print "... and by the ordinary table:"
.timer on
SELECT path FROM ordinary ORDER BY path LIMIT 1 OFFSET 100000;
.timer off

.print
.print 5. Single rows: all of them are looked up, in random order
.print
.print files:
.timer on
SELECT count(*) || ' found' FROM shuffled CROSS JOIN files USING (path) WHERE files.size = shuffled.size;
.timer off
.print ordinary:
.timer on
SELECT count(*) || ' found' FROM shuffled CROSS JOIN ordinary USING (path) WHERE ordinary.size = shuffled.size;
.timer off

.print
.print 6. It is a table like any other: transactions, savepoints, joins
.print
.print "BEGIN; DELETE FROM files WHERE path GLOB '/usr/lib/*'; SELECT count(*) FROM files; ROLLBACK;"
BEGIN;
DELETE FROM files WHERE path GLOB '/usr/lib/*';
SELECT count(*) || ' are left' FROM files;
ROLLBACK;
SELECT count(*) || ' after the ROLLBACK' FROM files;
SELECT count(*) || ' differ from the ordinary table' FROM (SELECT * FROM files EXCEPT SELECT * FROM ordinary);

.print
.print 7. What it takes on the disk, both after a vacuum
.print
.print "VACUUM beside;"
.print "INSERT INTO files(files) VALUES('vacuum');"
.output /dev/null
VACUUM beside;
INSERT INTO files(files) VALUES('vacuum');
DETACH beside;
