-- The end of the tour: the same database in a new process.

.load ./art
.mode list
.separator "   "
.bail on

.print "7. Opened again, by another process"
.print
.print SELECT count(*) FROM files;
.timer on
SELECT count(*) FROM files;
.timer off
.print SELECT path, value FROM files ORDER BY path LIMIT 3;
.timer on
SELECT path, value FROM files ORDER BY path LIMIT 3;
.timer off
SELECT 'Rows that differ from the ordinary table: ' || count(*)
  FROM files FULL JOIN ordinary USING (path) WHERE files.value IS NOT ordinary.value;
SELECT 'PRAGMA integrity_check: ' || integrity_check FROM pragma_integrity_check;
