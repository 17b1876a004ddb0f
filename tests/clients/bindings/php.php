<?php
// sqlite-art from PHP's SQLite3: php -d sqlite3.extension_dir=<folder> php.php art.so <database>
// loadExtension() takes the name of a file in that folder, which only php.ini or -d can set. PDO loads no extension in
// PHP 8.2.
[, $extension, $database] = $argv;
$db = new SQLite3($database);
$db->enableExceptions(true);
$db->loadExtension($extension);
vprintf("SQLite %s, art %s\n", $db->querySingle('SELECT sqlite_version() AS sqlite, art_version() AS art', true));

$db->exec('CREATE VIRTUAL TABLE files USING art(path, size INTEGER, mtime REAL, etag TEXT)');

function run(SQLite3Stmt $statement, ...$values): SQLite3Result
{
    foreach ($values as $i => $value) {
        $statement->bindValue($i + 1, $value);
    }
    return $statement->execute();
}

function rows(SQLite3Result $result): iterable
{
    while ($row = $result->fetchArray(SQLITE3_NUM)) {
        yield $row;
    }
}

// Many rows: in one transaction.
$insert = $db->prepare('INSERT INTO files(path, size, mtime) VALUES(?, ?, ?)');
$db->exec('BEGIN');
for ($i = 0; $i < 1000; $i++) {
    run($insert, sprintf('photos/%d/%04d.jpg', 2023 + intdiv($i, 250), $i), 1000 * $i, 1700000000 + $i);
}
run($insert, 'photos/[raw]/1.dng', 24000000, 1700001000);
run($insert, 'photos/index.html', 2048, 1700001001);
$db->exec('COMMIT');
$db->exec("INSERT INTO files(files) VALUES('optimize')");
echo $db->querySingle('SELECT count(*) FROM files'), " rows\n";

// A prefix, as a pattern and as it is.
$glob = $db->prepare('SELECT path, size, typeof(mtime) FROM files WHERE path GLOB ? ORDER BY path LIMIT 2');
foreach (rows(run($glob, 'photos/2025/*')) as $row) {
    echo implode(' ', $row), "\n";
}
foreach (rows(run($db->prepare('SELECT path, size FROM files(?)'), 'photos/[raw]/')) as $row) {
    echo implode(' ', $row), "\n";
}

// One level of the tree: a row for each file, and one for each directory with the number of files below it.
foreach (rows(run($db->prepare("SELECT path, entries FROM files(?, '/')"), 'photos/')) as [$path, $entries]) {
    echo $path, ' ', $entries ?? '-', "\n";
}

// Compare and set: only who knows the row as it is may change it.
$version = $db->querySingle("SELECT row_version FROM files WHERE path = 'photos/index.html'");
$update = $db->prepare("UPDATE files SET etag = ? WHERE path = 'photos/index.html' AND row_version = ?");
run($update, 'e1', $version);
$first = $db->changes();
run($update, 'e2', $version);
$second = $db->changes();
echo "etag set: $first, with the old version: $second\n";

foreach ([SQLITE3_TEXT, SQLITE3_BLOB] as $type) {
    try {
        $insert->bindValue(1, 'photos/index.html', $type);
        $insert->execute();
    } catch (Exception $error) {
        echo $db->lastErrorMsg(), "\n";
    }
}
$db->close();
