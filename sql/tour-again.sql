-- The end of the tour: the same database in a new process.

.load ./art
.mode box
.bail on

.print 9. Opened again, by another process
.print
.print "SELECT path, size FROM files ORDER BY path LIMIT 3;"
.timer on
SELECT path, size FROM files ORDER BY path LIMIT 3;
.timer off
.print "SELECT property, value FROM art_info('files') WHERE property IN ('keys', 'blobs', 'io', 'direct', 'file');"
SELECT property, value FROM art_info('files') WHERE property IN ('keys', 'blobs', 'io', 'direct', 'file');
.print "SELECT art_check('files');"
.print (every page, every hash, and the order and number of the rows)
.mode list
.timer on
SELECT art_check('files');
.timer off
