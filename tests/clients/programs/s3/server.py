"""An S3 server on 127.0.0.1: what it knows of objects is in art tables with keys of several columns (README.md).

    server.py <database> <command>...      runs the command with S3_ENDPOINT, and ends with it

Signatures are not looked at. A request is one transaction, and one runs at a time.
"""
import datetime, email.utils, hashlib, json, os, re, sqlite3, subprocess, sys, threading
import xml.etree.ElementTree as ElementTree
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote, unquote
from xml.sax.saxutils import escape

STATUS = dict(BucketAlreadyOwnedByYou=409, BucketNotEmpty=409, InvalidRange=416, NotImplemented=501, NoSuchBucket=404,
              NoSuchKey=404, NoSuchUpload=404, NoSuchVersion=404)
WHAT = re.compile('uploads|uploadId|versions|versioning|location|delete|acl|policy|tagging|cors|lifecycle')
META = re.compile('x-amz-meta-|content-(type|encoding|disposition|language)$|cache-control$', re.I)


class S3Error(Exception):
    """Its argument is S3's name for it."""


def now():
    return datetime.datetime.utcnow().isoformat(timespec='milliseconds') + 'Z'


def md5(data):
    return hashlib.md5(data).hexdigest()


def xml(tag, *inside, **fields):
    """An element: the elements inside, and fields that are not None."""
    fields = (f'<{name}>{escape(str(value))}</{name}>' for name, value in fields.items() if value is not None)
    return f'<{tag}>{"".join(inside)}{"".join(fields)}</{tag}>'


class Store:
    """Buckets, versions, of which those that a GET finds are objects, and uploads. A delete marker has no etag."""
    schema = '''CREATE VIRTUAL TABLE buckets USING art(name, created, versioning);
        CREATE VIRTUAL TABLE objects USING art(bucket, key, seq, id, size, etag, mtime, meta, key=(bucket, key));
        CREATE VIRTUAL TABLE versions USING art(bucket, key, seq INTEGER, id, size, etag, mtime, meta,
                                                key=(bucket, key, seq DESC));
        CREATE VIRTUAL TABLE uploads USING art(bucket, key, seq INTEGER, mtime, meta, key=(bucket, key, seq));
        CREATE VIRTUAL TABLE parts USING art(upload INTEGER, part INTEGER, seq, size, etag, mtime, key=(upload, part));
        CREATE TABLE bodies(seq INTEGER PRIMARY KEY AUTOINCREMENT, data BLOB);'''

    def __init__(self, path):
        self.db, self.lock = sqlite3.connect(path, check_same_thread=False), threading.Lock()
        self.db.row_factory = sqlite3.Row
        self.db.enable_load_extension(True)
        self.db.load_extension(os.environ['ART_EXTENSION'])
        self.db.executescript('PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;' + self.schema)

    def run(self, sql, *values):
        return self.db.execute(sql, values)

    def row(self, sql, *values):
        return self.db.execute(sql, values).fetchone()

    def page(self, table, bucket, prefix, delimiter, after, limit, rest=None):
        """Rows, and common prefixes, which have `entries`, behind `after`; with `rest`, that key's other rows, too."""
        far, order = {'objects': ('', 'key'), 'versions': ('<', 'key, seq DESC'), 'uploads': ('>', 'key, seq')}[table]
        select = f'SELECT *, entries FROM {table} WHERE bucket = ?1 AND'
        others = rest and after.startswith(prefix) and not (delimiter and delimiter in after[len(prefix):])
        rows = select.replace(', entries', ', NULL AS entries')
        sql = f'{rows} key = ?4 AND seq {far} ?6 UNION ALL ' if others else ''
        sql += f'{select} prefix = ?2 AND delimiter = ?3 AND start_after = ?4 ORDER BY {order} LIMIT ?5'
        return self.run(sql, bucket, prefix, delimiter, after, limit, *[rest] * bool(others)).fetchall()

    def version(self, bucket, key, version):
        seq = '' if version == 'null' else ' AND seq = ?3'
        return self.row(f'SELECT * FROM versions WHERE bucket = ?1 AND key = ?2 AND id = ?3{seq}', bucket, key, version)

    def drop(self, bucket, key, version):
        old = self.version(bucket, key, version)
        if old:
            self.run('DELETE FROM versions WHERE bucket = ? AND key = ? AND seq = ?', bucket, key, old['seq'])
            self.run('DELETE FROM bodies WHERE seq = ?', old['seq'])
        return old

    def settle(self, bucket, key):
        """The newest version is the object; a delete marker is none."""
        newest = 'SELECT * FROM versions WHERE bucket = ? AND key = ? ORDER BY seq DESC LIMIT 1'
        sql = f'INSERT OR REPLACE INTO objects SELECT * FROM ({newest}) WHERE etag IS NOT NULL'
        if not self.run(sql, bucket, key).rowcount:
            self.run('DELETE FROM objects WHERE bucket = ? AND key = ?', bucket, key)

    def put(self, bucket, key, data, etag, meta='{}'):
        """A version, or a delete marker if data is None. Gives its name if the bucket has versions."""
        versioning, = self.row('SELECT versioning FROM buckets WHERE name = ?', bucket)
        if versioning != 'Enabled':
            self.drop(bucket, key, 'null')
        if data is not None or versioning:
            seq = self.body(data)
            version = str(seq) if versioning == 'Enabled' else 'null'
            row = bucket, key, seq, version, len(data or b''), etag, now(), meta
            self.run('INSERT INTO versions VALUES(?, ?, ?, ?, ?, ?, ?, ?)', *row)
        self.settle(bucket, key)
        return version if versioning else None

    def delete(self, bucket, key, version):
        """Gives the version that is gone, or the new marker, and whether it is a marker."""
        if not version:
            version = self.put(bucket, key, None, None)
            return version, bool(version)
        old = self.drop(bucket, key, version)
        self.settle(bucket, key)
        return version, old is not None and old['etag'] is None

    def get(self, bucket, key, version):
        row = self.version(bucket, key, version) if version else self.row(
            'SELECT * FROM objects WHERE bucket = ? AND key = ?', bucket, key)
        if not row or row['etag'] is None:
            raise S3Error('NoSuchVersion' if version else 'NoSuchKey')
        return row

    def body(self, data):
        return self.run('INSERT INTO bodies(data) VALUES(?)', data).lastrowid

    def data(self, seq, first=0, size=1 << 30):
        return self.row('SELECT substr(data, ?, ?) FROM bodies WHERE seq = ?', first + 1, size, seq)[0] or b''


class Handler(BaseHTTPRequestHandler):
    protocol_version, timeout, disable_nagle_algorithm = 'HTTP/1.1', 60, True
    log_message = lambda *_: None

    def serve(self):
        path, _, query = self.path.partition('?')
        self.bucket, _, self.key = map(unquote, path[1:].partition('/'))
        self.query = dict(parse_qsl(query, keep_blank_values=True))
        self.body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
        kind = 'object' if self.key else 'bucket' if self.bucket else 'service'
        what = '_'.join([self.command.replace('HEAD', 'GET'), kind, *filter(WHAT.fullmatch, self.query)])
        what, status, self.answer = getattr(self, what, None), 204 if self.command == 'DELETE' else 200, {}
        try:
            with self.store.lock, self.store.db:
                if not what or len(self.key.encode()) > 1024:
                    raise S3Error('KeyTooLongError' if what else 'NotImplemented')
                self.there = self.store.row('SELECT versioning FROM buckets WHERE name = ?', self.bucket)
                if self.bucket and not self.there and what != self.PUT_bucket:
                    raise S3Error('NoSuchBucket')
                body = what()
        except S3Error as error:
            status, body = STATUS.get(str(error), 400), xml('Error', Code=error, Message=error)
        if isinstance(body, str):
            self.answer['Content-Type'], body = 'application/xml', f'<?xml version="1.0"?>{body}'.encode()
        self.send_response(206 if 'Content-Range' in self.answer else status)
        for name, value in {**self.answer, 'Content-Length': len(body or b'')}.items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        if self.command != 'HEAD' and body:
            self.wfile.write(body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = serve

    def meta(self):
        return json.dumps({name.lower(): value for name, value in self.headers.items() if META.match(name)})

    def name(self, text):
        return quote(text) if self.query.get('encoding-type') == 'url' else text

    def listing(self, table, root, marker, rest_name=None):
        prefix, delimiter, after = (self.query.get(each, '') for each in ('prefix', 'delimiter', marker))
        limit = min(int(self.query.get('max-uploads', self.query.get('max-keys', 1000))), 1000)
        rest = int(self.query.get(rest_name) or 0)
        rows = self.store.page(table, self.bucket, prefix, delimiter, after, limit + 1, rest)
        last = rows[limit - 1] if len(rows) > limit > 0 else None
        inside, before = [], after if rest else None
        for row in map(dict, rows[:limit]):
            key, etag = self.name(row['key']), row.get('etag')
            if row['entries']:
                inside.append(xml('CommonPrefixes', Prefix=key))
            elif table == 'uploads':
                inside.append(xml('Upload', Key=key, UploadId=row['seq'], Initiated=row['mtime']))
            else:
                tag = 'Contents' if table == 'objects' else 'Version' if etag else 'DeleteMarker'
                content = dict(ETag=f'"{etag}"', Size=row['size']) if etag else {}
                inside.append(xml(tag, Key=key, LastModified=row['mtime'], VersionId=row['id'], **content,
                                  IsLatest=str(row['key'] != before).lower()))
            before = row['key']
        key, seq = (self.name(last['key']), last['seq']) if last else (None, None)
        return xml(root, *inside, Name=self.bucket, Prefix=self.name(prefix), Delimiter=self.name(delimiter),
                   MaxKeys=limit, KeyCount=len(rows[:limit]), EncodingType=self.query.get('encoding-type'),
                   IsTruncated=str(bool(last)).lower(), NextContinuationToken=last and quote(last['key']),
                   NextMarker=key, NextKeyMarker=key, NextVersionIdMarker=seq, NextUploadIdMarker=seq)

    def GET_bucket(self):
        if 'continuation-token' in self.query:
            self.query['start-after'] = unquote(self.query['continuation-token'])
        return self.listing('objects', 'ListBucketResult', 'start-after' if 'list-type' in self.query else 'marker')

    def GET_bucket_versions(self):
        return self.listing('versions', 'ListVersionsResult', 'key-marker', 'version-id-marker')

    def GET_bucket_uploads(self):
        return self.listing('uploads', 'ListMultipartUploadsResult', 'key-marker', 'upload-id-marker')

    def GET_service(self):
        rows = self.store.run('SELECT name, created FROM buckets ORDER BY name')
        inside = [xml('Bucket', Name=name, CreationDate=made) for name, made in rows]
        return xml('ListAllMyBucketsResult', xml('Buckets', *inside))

    def PUT_bucket(self):
        if not self.store.run('INSERT OR IGNORE INTO buckets VALUES(?, ?, NULL)', self.bucket, now()).rowcount:
            raise S3Error('BucketAlreadyOwnedByYou')

    def DELETE_bucket(self):
        if self.store.row('SELECT 1 FROM versions WHERE bucket = ? LIMIT 1', self.bucket):
            raise S3Error('BucketNotEmpty')
        self.store.run('DELETE FROM buckets WHERE name = ?', self.bucket)

    def GET_bucket_location(self):
        return xml('LocationConstraint')

    def PUT_bucket_versioning(self):
        status = ElementTree.fromstring(self.body).findtext('{*}Status')
        self.store.run('UPDATE buckets SET versioning = ? WHERE name = ?', status, self.bucket)

    def GET_bucket_versioning(self):
        return xml('VersioningConfiguration', Status=self.there['versioning'])

    def POST_bucket_delete(self):
        inside = []
        for each in ElementTree.fromstring(self.body).iterfind('{*}Object'):
            key, version = each.findtext('{*}Key'), each.findtext('{*}VersionId')
            gone, marker = self.store.delete(self.bucket, key, version)
            inside.append(xml('Deleted', Key=key, VersionId=version, DeleteMarkerVersionId=gone if marker else None))
        return xml('DeleteResult', *inside)

    def source(self):
        """The object that x-amz-copy-source names, if it is there."""
        path, _, version = self.headers.get('x-amz-copy-source', '').partition('?versionId=')
        bucket, _, key = unquote(path).lstrip('/').partition('/')
        return self.store.get(bucket, key, version) if path else None

    def PUT_object(self):
        row, directive = self.source(), self.headers.get('x-amz-metadata-directive')
        meta = row['meta'] if row and directive != 'REPLACE' else self.meta()
        data, etag = (self.store.data(row['seq']), row['etag']) if row else (self.body, md5(self.body))
        self.answer = {'x-amz-version-id': self.store.put(self.bucket, self.key, data, etag, meta), 'ETag': f'"{etag}"'}
        return xml('CopyObjectResult', ETag=f'"{etag}"', LastModified=now()) if row else None

    def GET_object(self):
        row = self.store.get(self.bucket, self.key, self.query.get('versionId'))
        made = datetime.datetime.fromisoformat(row['mtime'][:-1] + '+00:00')
        self.answer = {**json.loads(row['meta']), 'ETag': f'"{row["etag"]}"', 'x-amz-version-id': row['id'],
                       'Accept-Ranges': 'bytes', 'Last-Modified': email.utils.format_datetime(made, True)}
        first, size, part = 0, row['size'], re.fullmatch(r'bytes=(\d*)-(\d*)', self.headers.get('Range', ''))
        if part and any(part.groups()):
            first = int(part[1]) if part[1] else max(size - int(part[2]), 0)
            last = min(int(part[2]), size - 1) if part[1] and part[2] else size - 1
            if first > last:
                raise S3Error('InvalidRange')
            self.answer['Content-Range'], size = f'bytes {first}-{last}/{size}', last + 1 - first
        return self.store.data(row['seq'], first, size)

    def DELETE_object(self):
        version, marker = self.store.delete(self.bucket, self.key, self.query.get('versionId'))
        self.answer = {'x-amz-version-id': version, 'x-amz-delete-marker': 'true' if marker else None}

    def POST_object_uploads(self):
        upload = self.store.body(None)
        self.store.run('INSERT INTO uploads VALUES(?, ?, ?, ?, ?)', self.bucket, self.key, upload, now(), self.meta())
        return xml('InitiateMultipartUploadResult', Bucket=self.bucket, UploadId=upload)

    def upload(self):
        self.where = self.bucket, self.key, int(self.query['uploadId'])
        row = self.store.row('SELECT * FROM uploads WHERE bucket = ? AND key = ? AND seq = ?', *self.where)
        if not row:
            raise S3Error('NoSuchUpload')
        return row

    def PUT_object_uploadId(self):
        part, etag = (self.upload()['seq'], int(self.query['partNumber'])), md5(self.body)
        self.store.run('DELETE FROM bodies WHERE seq = (SELECT seq FROM parts WHERE upload = ? AND part = ?)', *part)
        row = *part, self.store.body(self.body), len(self.body), etag, now()
        self.store.run('INSERT OR REPLACE INTO parts VALUES(?, ?, ?, ?, ?, ?)', *row)
        self.answer = {'ETag': f'"{etag}"'}

    def GET_object_uploadId(self):
        limit, after = int(self.query.get('max-parts', 1000)), int(self.query.get('part-number-marker', 0))
        sql = 'SELECT part, mtime, etag, size FROM parts WHERE upload = ? AND part > ? ORDER BY part LIMIT ?'
        rows = self.store.run(sql, self.upload()['seq'], after, limit + 1).fetchall()
        inside = [xml('Part', PartNumber=part, LastModified=mtime, ETag=f'"{etag}"', Size=size)
                  for part, mtime, etag, size in rows[:limit]]
        return xml('ListPartsResult', *inside, MaxParts=limit, IsTruncated=str(len(rows) > limit).lower(),
                   NextPartNumberMarker=rows[:limit][-1]['part'] if rows[:limit] else after)

    def DELETE_object_uploadId(self):
        upload = self.upload()['seq']
        self.store.run('DELETE FROM bodies WHERE seq = ?1 OR seq IN (SELECT seq FROM parts WHERE upload = ?1)', upload)
        self.store.run('DELETE FROM parts WHERE upload = ?', upload)
        self.store.run('DELETE FROM uploads WHERE bucket = ? AND key = ? AND seq = ?', *self.where)

    def POST_object_uploadId(self):
        upload = self.upload()
        there = {(row['part'], row['etag']): row['seq'] for row in
                 self.store.run('SELECT part, etag, seq FROM parts WHERE upload = ?', upload['seq'])}
        parts = [(int(each.findtext('{*}PartNumber')), each.findtext('{*}ETag').strip('"'))
                 for each in ElementTree.fromstring(self.body).iterfind('{*}Part')]
        if not parts or not set(parts) <= set(there):
            raise S3Error('InvalidPart')
        etag = md5(b''.join(bytes.fromhex(etag) for _, etag in sorted(parts))) + f'-{len(parts)}'
        data = b''.join(self.store.data(there[part]) for part in sorted(parts))
        self.answer = {'x-amz-version-id': self.store.put(self.bucket, self.key, data, etag, upload['meta'])}
        self.DELETE_object_uploadId()
        return xml('CompleteMultipartUploadResult', Bucket=self.bucket, ETag=f'"{etag}"')


def start(store):
    """A server on a port that the system chooses. It ends by shutdown(), or with its process."""
    server = ThreadingHTTPServer(('127.0.0.1', 0), type('Bound', (Handler,), {'store': store}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f'http://127.0.0.1:{server.server_port}'


if __name__ == '__main__':
    sys.exit(subprocess.call(sys.argv[2:], env={**os.environ, 'S3_ENDPOINT': start(Store(sys.argv[1]))[1]}))
