#!/usr/bin/perl
# sqlite-art from Perl's DBD::SQLite: perl.pl <art.so> <database>
use strict;
use warnings;
use DBI qw(:sql_types);

my ($extension, $database) = @ARGV;
my $db = DBI->connect("dbi:SQLite:dbname=$database", '', '', { RaiseError => 1, PrintError => 0 });
$db->sqlite_enable_load_extension(1);
$db->sqlite_load_extension($extension);
printf "SQLite %s, art %s\n", $db->selectrow_array('SELECT sqlite_version(), art_version()');

$db->do('CREATE VIRTUAL TABLE files USING art(path, size INTEGER, mtime REAL, etag TEXT)');

# Many rows: in one transaction.
my $insert = $db->prepare('INSERT INTO files(path, size, mtime) VALUES(?, ?, ?)');
$db->begin_work;
$insert->execute(sprintf('photos/%d/%04d.jpg', 2023 + $_ / 250, $_), 1000 * $_, 1700000000 + $_) for 0 .. 999;
$insert->execute('photos/[raw]/1.dng', 24000000, 1700001000);
$insert->execute('photos/index.html', 2048, 1700001001);
$db->commit;
$db->do("INSERT INTO files(files) VALUES('optimize')");
printf "%d rows\n", $db->selectrow_array('SELECT count(*) FROM files');

# A prefix, as a pattern and as it is.
my $query = 'SELECT path, size, typeof(mtime) FROM files WHERE path GLOB ? ORDER BY path LIMIT 2';
print "@$_\n" for @{ $db->selectall_arrayref($query, undef, 'photos/2025/*') };
print "@$_\n" for @{ $db->selectall_arrayref('SELECT path, size FROM files(?)', undef, 'photos/[raw]/') };

# One level of the tree: a row for each file, and one for each directory with the number of files below it.
my $level = $db->selectall_arrayref("SELECT path, entries FROM files(?, '/')", undef, 'photos/');
printf "%s %s\n", $_->[0], $_->[1] // '-' for @$level;

# Compare and set: only who knows the row as it is may change it.
my ($version) = $db->selectrow_array("SELECT row_version FROM files WHERE path = 'photos/index.html'");
my $update = "UPDATE files SET etag = ? WHERE path = 'photos/index.html' AND row_version = ?";
my $first = $db->do($update, undef, 'e1', $version);
my $second = $db->do($update, undef, 'e2', $version);
printf "etag set: %d, with the old version: %d\n", $first, $second;

for my $type (SQL_VARCHAR, SQL_BLOB) {
    $insert->bind_param(1, 'photos/index.html', $type);
    $insert->bind_param($_, 1) for 2, 3;
    eval { $insert->execute; 1 } or print $insert->errstr, "\n";
}
$db->disconnect;
