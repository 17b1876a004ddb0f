"""The index that ratarmount makes of a tar: a row for each member, and for each folder that has none of its own.

The columns and statements are the program's (ratarmountcore, SQLiteIndex.py, index 0.5), in the form that it gives
them. `files` is an ordinary table or an art table: no statement but its CREATE knows which.
"""

import os
import stat
import sys
import tarfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from beside import connect  # noqa: E402

COLUMNS = """path VARCHAR(65535) NOT NULL, name VARCHAR(65535) NOT NULL, offsetheader INTEGER, offset INTEGER,
    size INTEGER, mtime REAL, mode INTEGER, type INTEGER, linkname VARCHAR(65535), uid INTEGER, gid INTEGER,
    istar BOOL, issparse BOOL"""
CREATE = {
    "ordinary": f'CREATE TABLE "files" ({COLUMNS}, PRIMARY KEY (path,name,offsetheader))',
    "art": f'CREATE VIRTUAL TABLE "files" USING art({COLUMNS}, key=(path,name,offsetheader))',
}
PRAGMAS = (
    "PRAGMA LOCKING_MODE = EXCLUSIVE; PRAGMA TEMP_STORE = MEMORY; PRAGMA JOURNAL_MODE = OFF; PRAGMA SYNCHRONOUS = OFF;"
)


def split(path):
    """A member's name as the index has it: the folder with a slash before and none behind, and the name in it."""
    return ("/" + os.path.normpath("/" + path).lstrip("/")).rsplit("/", 1)


def row_of(member):
    kind = {tarfile.DIRTYPE: stat.S_IFDIR, tarfile.SYMTYPE: stat.S_IFLNK}.get(member.type, stat.S_IFREG)
    return (
        *split(member.name),
        member.offset,
        member.offset_data,
        member.size,
        member.mtime,
        member.mode | kind,
        int(member.type),
        member.linkname,
        member.uid,
        member.gid,
        False,
        bool(member.sparse),
    )


class Index:
    def __init__(self, path, kind):
        self.path = path
        self.db = connect(path)
        self.db.executescript(PRAGMAS)
        self.db.execute(CREATE[kind])
        self.seen = []

    def build(self, rows):
        """As the program fills it: sorted through a second table, then the folders that are in no row of the tar."""
        db = self.db
        db.execute('CREATE TABLE "filestmp" AS SELECT * FROM "files" WHERE 0')
        db.execute(
            """CREATE TABLE "parentfolders" (path VARCHAR(65535) NOT NULL, name VARCHAR(65535) NOT NULL,
                      offsetheader INTEGER,
                      offset INTEGER, PRIMARY KEY (path,name))"""
        )
        for start in range(0, len(rows), 1000):
            self.insert('"filestmp"', rows[start : start + 1000])
        db.executescript(
            f"""
            INSERT OR REPLACE INTO "files" SELECT * FROM "filestmp" ORDER BY "path","name",rowid;
            DROP TABLE "filestmp";
            INSERT OR IGNORE INTO "files"
              SELECT path,name,offsetheader,offset,0,0,{0o555 | stat.S_IFDIR},{int(tarfile.DIRTYPE)},"",0,0,0,0
              FROM "parentfolders"
              WHERE (path,name) NOT IN (SELECT path,name FROM "files" WHERE mode & (1 << 14) != 0)
              ORDER BY "path","name";
            DROP TABLE "parentfolders";
            PRAGMA optimize;"""
        )

    def append(self, rows):
        """Members that were added to the tar later."""
        self.insert('"files"', rows, folders=False)
        self.db.commit()

    def insert(self, table, rows, folders=True):
        statement = f"INSERT OR REPLACE INTO {table} VALUES ({','.join('?' * len(rows[0]))})"
        try:
            self.db.executemany(statement, rows)
        except UnicodeEncodeError:
            rows = [
                tuple(
                    each.encode(errors="surrogateescape").decode(errors="backslashreplace")
                    if isinstance(each, str)
                    else each
                    for each in row
                )
                for row in rows
            ]
            self.db.executemany(statement, rows)
        for row in rows if folders else []:
            parts = row[0].split("/")
            above = [("/".join(parts[:i]), parts[i]) for i in range(1, len(parts))]
            new = [each for each in above if each not in self.seen]
            self.seen = (self.seen + new)[-16:]
            self.db.executemany(
                'INSERT OR IGNORE INTO "parentfolders" VALUES (?,?,?,?)', [(*each, row[2], row[3]) for each in new]
            )

    def count(self):
        return self.db.execute('SELECT COUNT(*) FROM "files"').fetchone()[0]

    def columns(self):
        return [row[0] for row in self.db.execute("SELECT name FROM PRAGMA_TABLE_INFO('files')")]

    def list(self, path):
        """The folder's names, each with its latest version, in the order in which they lie in the tar."""
        rows = self.db.execute(
            'SELECT name,size,mtime,mode,linkname,uid,gid,offset,istar,offsetheader,issparse FROM "files" '
            'WHERE "path" == (?) ORDER BY "offsetheader"',
            (path.rstrip("/"),),
        )
        return {row[0]: row[1:] for row in rows}

    def modes(self, path):
        return dict(
            self.db.execute(
                'SELECT name,mode FROM "files" WHERE "path" == (?) ORDER BY "offsetheader"', (path.rstrip("/"),)
            )
        )

    def versions(self, path):
        return self.db.execute(
            'SELECT * FROM "files" WHERE "path" == (?) AND "name" == (?) ORDER BY "offsetheader" ASC', split(path)
        ).fetchall()

    def info(self, path, version=0):
        """The latest version: 0, the one before: -1; the oldest: 1, the next: 2."""
        return self.db.execute(
            'SELECT * FROM "files" WHERE "path" == (?) AND "name" == (?) '
            f'ORDER BY "offsetheader" {"ASC" if version > 0 else "DESC"} '
            "LIMIT 1 OFFSET (?)",
            (*split(path), version - 1 if version > 0 else -version),
        ).fetchone()

    def regular(self, order, limit):
        """The first or last files of the tar: the program compares them with the tar when it opens an index."""
        return self.db.execute(
            f'SELECT * FROM "files" WHERE (mode & {stat.S_IFREG}) != 0 AND offsetheader IS NOT NULL '
            f'ORDER BY "offsetheader" {order} LIMIT (?)',
            (limit,),
        ).fetchall()
