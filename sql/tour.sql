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
.print CREATE TABLE ordinary(path TEXT PRIMARY KEY NOT NULL, size INTEGER, mtime REAL) WITHOUT ROWID;
.print CREATE VIRTUAL TABLE files USING art(path, size INTEGER, mtime REAL);
.print
CREATE TABLE ordinary(path TEXT PRIMARY KEY NOT NULL, size INTEGER, mtime REAL) WITHOUT ROWID;
CREATE VIRTUAL TABLE files USING art(path, size INTEGER, mtime REAL);

CREATE TEMP TABLE listing(path TEXT, size INTEGER, mtime REAL);
.import --ascii listing listing
CREATE TEMP TABLE shuffled AS SELECT * FROM listing ORDER BY random();
SELECT 'The files below /usr, in random order: ' || count(*) FROM shuffled;

.print
.print INSERT INTO ordinary SELECT * FROM shuffled;
.timer on
INSERT INTO ordinary SELECT * FROM shuffled;
.timer off
.print INSERT INTO files SELECT * FROM shuffled;
.timer on
INSERT INTO files SELECT * FROM shuffled;
.timer off

.print
.print 2. A prefix is a place in the tree
.print
.print "SELECT path, size FROM files WHERE path GLOB '/usr/share/*' LIMIT 5;"
SELECT path, size FROM files WHERE path GLOB '/usr/share/*' LIMIT 5;
.print
.print ... and its last ones, read backwards:
.print "SELECT path FROM files('/usr/share/') ORDER BY path DESC LIMIT 5;"
SELECT path FROM files('/usr/share/') ORDER BY path DESC LIMIT 5;

.print
.print 3. One level of a directory, with the number of files below each name
.print
.print "SELECT path, entries FROM files('/usr/', '/');"
SELECT path, entries FROM files('/usr/', '/');
.print ... a page of a large one, from the middle on:
.print "SELECT path, size, entries FROM files('/usr/lib/', '/') WHERE path > '/usr/lib/p' ORDER BY path LIMIT 5;"
SELECT path, size, entries FROM files('/usr/lib/', '/') WHERE path > '/usr/lib/p' ORDER BY path LIMIT 5;

.print
.print All of /usr/share, which is hundreds of names.
.print "ordinary (GROUP BY what stands before the next slash):"
.timer on
SELECT count(*) || ' names, ' || sum(entries) || ' files' FROM (SELECT count(*) AS entries FROM ordinary
  WHERE path >= '/usr/share/' AND path < '/usr/share0'
  GROUP BY substr(path, 12, instr(substr(path, 12) || '/', '/')));
.timer off
.print "files (SELECT path, entries FROM files('/usr/share/', '/')):"
.timer on
SELECT count(*) || ' names, ' || sum(coalesce(entries, 1)) || ' files' FROM files('/usr/share/', '/');
.timer off

.print
.print 4. Counting, and pages
.print
.print "SELECT art_count('files', '/usr/lib/');"
SELECT art_count('files', '/usr/lib/');
CREATE TEMP TABLE directories AS
  SELECT DISTINCT rtrim(path, replace(path, '/', '')) AS name FROM listing;
SELECT 'The same for each of ' || count(*) || ' directories, with everything below it:' FROM directories;
.print "ordinary (count(*) of a range; with path GLOB name || '*' it would read the whole table each time):"
.timer on
SELECT sum((SELECT count(*) FROM ordinary WHERE path >= name AND path < name || char(0x10ffff))) || ' rows' FROM directories;
.timer off
.print "files (art_count('files', name)):"
.timer on
SELECT sum(art_count('files', name)) || ' rows' FROM directories;
.timer off
.print
.print "SELECT path FROM ... ORDER BY path LIMIT 1 OFFSET 100000;"
.print ordinary:
.timer on
SELECT path FROM ordinary ORDER BY path LIMIT 1 OFFSET 100000;
.timer off
.print files:
.timer on
SELECT path FROM files ORDER BY path LIMIT 1 OFFSET 100000;
.timer off

.print
.print 5. One row
.print
.print SELECT path, size, version FROM files WHERE path = (one of them);
SELECT path, size, version FROM files WHERE path = (SELECT path FROM shuffled LIMIT 1);
.print
.print All of them, in random order, one after another:
.print ordinary:
.timer on
SELECT count(*) || ' found' FROM shuffled CROSS JOIN ordinary USING (path) WHERE ordinary.size = shuffled.size;
.timer off
.print files:
.timer on
SELECT count(*) || ' found' FROM shuffled CROSS JOIN files USING (path) WHERE files.size = shuffled.size;
.timer off

.print 6. It is a table like any other: transactions, savepoints, joins
.print
.print "BEGIN; DELETE FROM files WHERE path GLOB '/usr/lib/*'; SELECT count(*) FROM files; ROLLBACK;"
BEGIN;
DELETE FROM files WHERE path GLOB '/usr/lib/*';
SELECT count(*) || ' left before the rollback' FROM files;
ROLLBACK;
SELECT count(*) || ' after it' FROM files;
.print
.print Files that are in one table and not in the other:
SELECT count(*) FROM (SELECT * FROM files EXCEPT SELECT * FROM ordinary);

.print
.print 7. What it looks like on disk
.print
.print "INSERT INTO files(files) VALUES('optimize');"
INSERT INTO files(files) VALUES('optimize');
.print "SELECT * FROM art_info('files');"
SELECT printf('  %-18s %s', property, value) FROM art_info('files') WHERE property NOT GLOB 'option*';
