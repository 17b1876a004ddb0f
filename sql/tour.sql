-- A tour of sqlite-art with the files of this machine. `make demo` prepares a directory with art.so and `listing`
-- (path, size, time of each file below /usr), and runs this there; sql/tour-again.sql follows in a second process.
-- A line "@what|table" names the next time that is shown; sql/demo.sh compares these at the end.

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
.print CREATE VIRTUAL TABLE files USING art(path, size INTEGER, mtime REAL, summary=(sum(size), max(mtime)));
.print CREATE TABLE ordinary(path TEXT PRIMARY KEY NOT NULL, size INTEGER, mtime REAL) WITHOUT ROWID;
CREATE VIRTUAL TABLE files USING art(path, size INTEGER, mtime REAL, summary=(sum(size), max(mtime)));
CREATE TABLE beside.ordinary(path TEXT PRIMARY KEY NOT NULL, size INTEGER, mtime REAL) WITHOUT ROWID;
.print
SELECT count(*) || ' files are put into both, in random order:' FROM shuffled;
.print INSERT INTO files SELECT * FROM shuffled;
.print @loading all rows in random order|files
.timer on
INSERT INTO files SELECT * FROM shuffled;
.timer off
.print INSERT INTO ordinary SELECT * FROM shuffled;
.print @loading all rows in random order|ordinary
.timer on
INSERT INTO ordinary SELECT * FROM shuffled;
.timer off
.print "What is still in the log is written into blobs: INSERT INTO files(files) VALUES('flush');"
INSERT INTO files(files) VALUES('flush');

.print
.print 2. A prefix is a place in the tree, read in either direction
.print
.print "SELECT path, size FROM files WHERE path GLOB '/usr/share/*' LIMIT 4;"
.mode box
SELECT path, size FROM files WHERE path GLOB '/usr/share/*' LIMIT 4;
.print "SELECT path, size FROM files('/usr/share/') ORDER BY path DESC LIMIT 4;"
SELECT path, size FROM files('/usr/share/') ORDER BY path DESC LIMIT 4;

.print
.print 3. One level of a directory: how many files lie below each name, how large they are together, and when the newest changed
.print
.print "SELECT path, entries, size, datetime(mtime, 'unixepoch') AS newest FROM files('/usr/', '/');"
SELECT path, entries, size, datetime(mtime, 'unixepoch') AS newest FROM files('/usr/', '/');
.print "The five largest names of a level:"
.print "SELECT path, size FROM files('/usr/share/', '/') ORDER BY size DESC LIMIT 5;"
.print @the largest names of a level|files
.timer on
SELECT path, size FROM files('/usr/share/', '/') ORDER BY size DESC LIMIT 5;
.timer off
.print "... and by the ordinary table (GROUP BY the text up to the next slash):"
.print @the largest names of a level|ordinary
.timer on
SELECT '/usr/share/' || name AS path, sum(size) AS size FROM (SELECT size, substr(path, 12, instr(substr(path, 12) || '/', '/')) AS name
  FROM ordinary WHERE path >= '/usr/share/' AND path < '/usr/share0') GROUP BY name ORDER BY 2 DESC LIMIT 5;
.timer off

.print
.print 4. The largest and the newest file below a directory, without looking at the others
.print
.print "SELECT path, size FROM files('/usr/lib/') ORDER BY size DESC LIMIT 3;"
.print @the largest files below a directory|files
.timer on
SELECT path, size FROM files('/usr/lib/') ORDER BY size DESC LIMIT 3;
.timer off
.print "... and by the ordinary table:"
.print @the largest files below a directory|ordinary
.timer on
SELECT path, size FROM ordinary WHERE path >= '/usr/lib/' AND path < '/usr/lib0' ORDER BY size DESC LIMIT 3;
.timer off
.print "SELECT path, datetime(mtime, 'unixepoch') AS changed FROM files('/usr/share/') ORDER BY mtime DESC LIMIT 1;"
.print @the newest file below a directory|files
.timer on
SELECT path, datetime(mtime, 'unixepoch') AS changed FROM files('/usr/share/') ORDER BY mtime DESC LIMIT 1;
.timer off
.print "... and by the ordinary table:"
.print @the newest file below a directory|ordinary
.timer on
SELECT path, datetime(mtime, 'unixepoch') AS changed FROM ordinary WHERE path >= '/usr/share/' AND path < '/usr/share0'
  ORDER BY mtime DESC LIMIT 1;
.timer off
.mode list

.print
.print 5. Counts, sums and pages cost the same wherever they are
.print
CREATE TEMP TABLE directories AS
  SELECT DISTINCT rtrim(path, replace(path, '/', '')) AS name FROM listing;
SELECT 'Files and bytes below each of ' || count(*) || ' directories, by art_count(''files'', name) and art_sum(''files'', ''size'', name):' FROM directories;
.print @counts and sums below every directory|files
.timer on
SELECT 'in all ' || sum(art_count('files', name)) || ' and ' || sum(art_sum('files', 'size', name)) FROM directories;
.timer off
.print "... and by the ordinary table (count(*) and sum(size) of path >= name AND path < the next name):"
.print @counts and sums below every directory|ordinary
.timer on
SELECT 'in all ' || sum(n) || ' and ' || sum(bytes) FROM (SELECT
  (SELECT count(*) FROM ordinary WHERE path >= name AND path < name || char(0x10ffff)) AS n,
  (SELECT sum(size) FROM ordinary WHERE path >= name AND path < name || char(0x10ffff)) AS bytes FROM directories);
.timer off
.print
.print "A row in the middle of all: SELECT art_nth('files', '', art_count('files', '') / 2);"
.print @the row in the middle|files
.timer on
SELECT art_nth('files', '', art_count('files', '') / 2);
.timer off
.print "... and by the ordinary table:"
.print @the row in the middle|ordinary
.timer on
SELECT path FROM ordinary ORDER BY path LIMIT 1 OFFSET (SELECT count(*) / 2 FROM ordinary);
.timer off

.print
.print 6. Single rows: all of them are looked up, in random order
.print
.print files:
.print @looking up single rows|files
.timer on
SELECT count(*) || ' found' FROM shuffled CROSS JOIN files USING (path) WHERE files.size = shuffled.size;
.timer off
.print ordinary:
.print @looking up single rows|ordinary
.timer on
SELECT count(*) || ' found' FROM shuffled CROSS JOIN ordinary USING (path) WHERE ordinary.size = shuffled.size;
.timer off

.print
.print 7. It is a table like any other: transactions, savepoints, joins
.print
.print "BEGIN; DELETE FROM files WHERE path GLOB '/usr/lib/*'; SELECT count(*) FROM files; ROLLBACK;"
BEGIN;
DELETE FROM files WHERE path GLOB '/usr/lib/*';
SELECT count(*) || ' are left' FROM files;
ROLLBACK;
SELECT count(*) || ' after the ROLLBACK' FROM files;
SELECT count(*) || ' differ from the ordinary table' FROM (SELECT * FROM files EXCEPT SELECT * FROM ordinary);
.print
.print "Many rows changed at once: UPDATE files SET mtime = mtime + 1 WHERE path GLOB '/usr/share/*';"
.print @changing many rows at once|files
.timer on
UPDATE files SET mtime = mtime + 1 WHERE path GLOB '/usr/share/*';
.timer off
.print "... and in the ordinary table:"
.print @changing many rows at once|ordinary
.timer on
UPDATE ordinary SET mtime = mtime + 1 WHERE path >= '/usr/share/' AND path < '/usr/share0';
.timer off

.print
.print 8. What it takes on the disk, both after a vacuum
.print
.print "VACUUM beside;"
.print "INSERT INTO files(files) VALUES('vacuum');"
.output /dev/null
VACUUM beside;
INSERT INTO files(files) VALUES('vacuum');
DETACH beside;
