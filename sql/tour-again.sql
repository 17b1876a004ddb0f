-- The end of the tour: the same database in a new process.

.load ./art
.mode list
.separator "   "
.bail on

.print "8. Opened again, by another process"
.print
.print SELECT count(*) FROM files;
.timer on
SELECT count(*) FROM files;
.timer off
.print SELECT path, size FROM files ORDER BY path LIMIT 3;
.timer on
SELECT path, size FROM files ORDER BY path LIMIT 3;
.timer off
SELECT 'Rows that differ from the ordinary table: ' || count(*)
  FROM files FULL JOIN ordinary USING (path) WHERE files.size IS NOT ordinary.size OR files.mtime IS NOT ordinary.mtime;
SELECT 'PRAGMA integrity_check: ' || integrity_check FROM pragma_integrity_check;
