"""Random requests by boto3 to a server, and to a model of it in Python.

    model.py <seed> <steps> [<threads>] [plain]        in an empty folder; plain: ordinary tables
"""
import hashlib, random, sys
from concurrent.futures import ThreadPoolExecutor
import boto3, botocore
from botocore.config import Config
from plain import PlainStore
from server import Store, start


def client_of(endpoint):
    config = Config(retries={'max_attempts': 1}, read_timeout=20, proxies={})
    return boto3.client('s3', endpoint_url=endpoint, aws_access_key_id='a', aws_secret_access_key='b',
                        region_name='us-east-1', config=config)


def order(key):
    return key.encode()


class Model:
    """versions[bucket][key] is a list of (id, bytes or None, meta, etag), the newest last."""

    def __init__(self):
        self.versions, self.versioning, self.uploads = {}, {}, {}

    def current(self, bucket):
        return {key: kept[-1] for key, kept in self.versions[bucket].items() if kept and kept[-1][1] is not None}

    def put(self, bucket, key, version, data, meta, etag):
        kept = self.versions[bucket].setdefault(key, [])
        if version == 'null':
            kept[:] = [each for each in kept if each[0] != 'null']
        kept.append((version, data, meta, etag))

    @staticmethod
    def level(keys, prefix, delimiter, after, of=lambda key: [key]):
        """A level behind `after`: ('row', item) for each item that `of` gives of a key, and ('prefix', name) once."""
        shown = []
        for key in sorted(keys, key=order):
            if not key.startswith(prefix) or order(key) <= order(after):
                continue
            cut = key.find(delimiter, len(prefix)) if delimiter else -1
            if cut < 0:
                shown += [('row', item) for item in of(key)]
            elif (name := key[:cut + len(delimiter)]) != after and ('prefix', name) not in shown[-1:]:
                shown.append(('prefix', name))
        return shown


class Run:
    """One client with buckets of its own."""

    def __init__(self, seed, endpoint, name, more):
        self.seed, self.random, self.model = seed, random.Random(f'{seed} {name}'), Model()
        self.buckets = [f'{name}-{each}' for each in ('one', 'three', 'two')]
        self.client = client_of(endpoint)
        self.names = ['a', 'b', 'dir', ' ', '+', '%', '%2F', 'ä', '日本', '\U0001f600', '&<>"\'', '\x01', '\t',
                      '\x7f', '\ufffd', '#?=', '~', '_', 'A', '1', '10', '-', ',', "'", 'x' * 60] + more
        for bucket in self.buckets:
            self.make(bucket)

    def make(self, bucket):
        self.client.create_bucket(Bucket=bucket)
        self.model.versions[bucket], self.model.versioning[bucket] = {}, None

    def key(self):
        pick = self.random
        if pick.random() < 0.02:
            return 'long/' + ''.join(pick.choice('ab/') for _ in range(pick.randint(400, 1000)))
        parts = [pick.choice(self.names[:4] if pick.random() < 0.6 else self.names) for _ in range(pick.randint(1, 4))]
        key = ''.join(part + pick.choice(['/', '/', '/', '//', '', '-']) for part in parts)
        return key if pick.random() < 0.3 else key.rstrip('/') or 'a'

    def some(self, bucket):
        """A bucket's key, or a new one."""
        keys = list(self.model.versions[bucket])
        return self.random.choice(keys) if keys and self.random.random() < 0.7 else self.key()

    def refused(self, code, call, **arguments):
        try:
            call(**arguments)
        except botocore.exceptions.ClientError as error:
            assert error.response['Error']['Code'] in (code, '404'), (error, code)
            return
        raise AssertionError(f'{call.__name__}{arguments} is not refused')

    def step_put(self, bucket):
        key, data = self.some(bucket), self.random.randbytes(self.random.choice([0, 1, 10, 300, 70000]))
        meta = {'n': str(self.random.randint(0, 99))}
        answer = self.client.put_object(Bucket=bucket, Key=key, Body=data, Metadata=meta)
        etag = f'"{hashlib.md5(data).hexdigest()}"'
        assert answer['ETag'] == etag
        self.model.put(bucket, key, answer.get('VersionId', 'null'), data, meta, etag)
        assert ('VersionId' in answer) == bool(self.model.versioning[bucket])

    def step_copy(self, bucket):
        source, key = self.random.choice(self.buckets), self.some(bucket)
        current = self.model.current(source)
        target = dict(Bucket=bucket, Key=key)
        if not current:
            return self.refused('NoSuchKey', self.client.copy_object, **target, CopySource=f'{source}/none')
        name = self.random.choice(sorted(current))
        kept = [each for each in self.model.versions[source][name] if each[1] is not None]
        version, data, meta, etag = self.random.choice(kept)
        with_meta = dict(Metadata={'copied': 'yes'}, MetadataDirective='REPLACE') if self.random.random() < 0.5 else {}
        found = dict(Bucket=source, Key=name, VersionId=version)
        answer = self.client.copy_object(**target, CopySource=found, **with_meta)
        assert answer['CopyObjectResult']['ETag'] == etag
        self.model.put(bucket, key, answer.get('VersionId', 'null'), data, with_meta.get('Metadata', meta), etag)

    def step_get(self, bucket):
        key, current = self.some(bucket), self.model.current(bucket)
        if key not in current:
            return self.refused('NoSuchKey', self.client.get_object, Bucket=bucket, Key=key)
        version, data, meta, etag = current[key]
        if data and self.random.random() < 0.5:
            first, last = sorted(self.random.choices(range(len(data) + 3), k=2))
            spec, part = self.random.choice([(f'{first}-{last}', data[first:last + 1]), (f'{first}-', data[first:]),
                                             (f'-{last + 1}', data[-last - 1:])])
            ranged = dict(Bucket=bucket, Key=key, Range='bytes=' + spec)
            if not part:
                return self.refused('InvalidRange', self.client.get_object, **ranged)
            answer = self.client.get_object(**ranged)
            assert answer['Body'].read() == part and answer['ContentRange'].endswith(f'/{len(data)}')
            return
        answer, head = self.client.get_object(Bucket=bucket, Key=key), self.client.head_object(Bucket=bucket, Key=key)
        assert answer['Body'].read() == data and answer['Metadata'] == head['Metadata'] == meta
        assert answer['ETag'] == head['ETag'] == etag and head['ContentLength'] == len(data)

    def step_version(self, bucket):
        key = self.some(bucket)
        kept = self.model.versions[bucket].get(key)
        if not kept:
            return self.refused('NoSuchVersion', self.client.get_object, Bucket=bucket, Key=key, VersionId='7777777')
        version, data, _, etag = gone = self.random.choice(kept)
        if data is not None:
            answer = self.client.get_object(Bucket=bucket, Key=key, VersionId=version)
            assert answer['Body'].read() == data and answer['ETag'] == etag
        if self.random.random() < 0.5:
            self.client.delete_object(Bucket=bucket, Key=key, VersionId=version)
            kept.remove(gone)

    def gone(self, bucket, key, marker):
        """The model of a DELETE without a version."""
        if self.model.versioning[bucket]:
            self.model.put(bucket, key, marker, None, None, None)
        else:
            self.model.versions[bucket].pop(key, None)

    def step_delete(self, bucket):
        key = self.some(bucket)
        self.gone(bucket, key, self.client.delete_object(Bucket=bucket, Key=key).get('VersionId'))

    def step_delete_many(self, bucket):
        keys = {self.some(bucket) for _ in range(self.random.randint(1, 6))}
        keys = sorted(key for key in keys if not any(ord(each) < 32 for each in key))          # which XML cannot have
        if keys:
            answer = self.client.delete_objects(Bucket=bucket, Delete=dict(Objects=[dict(Key=key) for key in keys]))
            assert [each['Key'] for each in answer['Deleted']] == keys
            for each in answer['Deleted']:
                self.gone(bucket, each['Key'], each.get('DeleteMarkerVersionId'))

    def step_empty(self, bucket):
        """A bucket that goes, and comes again."""
        if self.random.random() < 0.9:
            return
        if any(self.model.versions[bucket].values()):
            self.refused('BucketNotEmpty', self.client.delete_bucket, Bucket=bucket)
        pages = self.client.get_paginator('list_object_versions')
        for page in pages.paginate(Bucket=bucket, PaginationConfig=dict(PageSize=9)):
            for each in page.get('Versions', []) + page.get('DeleteMarkers', []):
                self.client.delete_object(Bucket=bucket, Key=each['Key'], VersionId=each['VersionId'])
        self.client.delete_bucket(Bucket=bucket)
        self.refused('NoSuchBucket', self.client.list_objects_v2, Bucket=bucket)
        self.make(bucket)

    def step_versioning(self, bucket):
        status = self.random.choice(['Enabled', 'Enabled', 'Suspended'])
        if self.random.random() < 0.3:
            self.client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=dict(Status=status))
            self.model.versioning[bucket] = status
        assert self.client.get_bucket_versioning(Bucket=bucket).get('Status') == self.model.versioning[bucket]
        assert {each['Name'] for each in self.client.list_buckets()['Buckets']} >= set(self.buckets)

    def step_upload(self, bucket):
        key = self.some(bucket)
        made = self.client.create_multipart_upload(Bucket=bucket, Key=key, Metadata=dict(up='1'))
        upload = dict(Bucket=bucket, Key=key, UploadId=made['UploadId'])
        self.model.uploads[upload['UploadId']] = bucket, key
        sent = {}
        for number in self.random.sample(range(1, 40), self.random.randint(1, 5)) * self.random.randint(1, 2):
            data = self.random.randbytes(self.random.randint(1, 3000))
            sent[number] = self.client.upload_part(**upload, PartNumber=number, Body=data)['ETag'], data
        got, marker = [], 0
        for _ in range(20):
            page = self.client.list_parts(**upload, MaxParts=2, PartNumberMarker=marker)
            got += [(each['PartNumber'], each['ETag'], each['Size']) for each in page['Parts']]
            if not page['IsTruncated']:
                break
            marker = page['NextPartNumberMarker']
        assert got == [(number, etag, len(data)) for number, (etag, data) in sorted(sent.items())]
        if self.random.random() < 0.4:
            return                                                   # for the listing of uploads
        parts = dict(Parts=[dict(PartNumber=number, ETag=etag) for number, (etag, _) in sorted(sent.items())])
        del self.model.uploads[upload['UploadId']]
        if self.random.random() < 0.2:
            self.client.abort_multipart_upload(**upload)
            return self.refused('NoSuchUpload', self.client.list_parts, **upload)
        wrong = dict(Parts=parts['Parts'] + [dict(PartNumber=41, ETag='"x"')])
        self.refused('InvalidPart', self.client.complete_multipart_upload, **upload, MultipartUpload=wrong)
        answer = self.client.complete_multipart_upload(**upload, MultipartUpload=parts)
        data = b''.join(data for _, (_, data) in sorted(sent.items()))
        self.model.put(bucket, key, answer.get('VersionId', 'null'), data, dict(up='1'), answer['ETag'])

    def listed_arguments(self, keys):
        """A prefix, a delimiter, a beginning and a size of pages."""
        pick, some = self.random, list(keys) or ['a']
        parts = [key[:pick.randint(0, len(key))] for key in pick.choices(some, k=2)]
        folder = (key := pick.choice(some))[:key.rfind('/') + 1]
        prefix = pick.choice(['', '', 'a', 'a/', 'dir/', 'dir//', 'no', pick.choice(some), parts[0], folder])
        after = pick.choice(['', '', pick.choice(some), prefix, 'a/', 'b', parts[1]])
        delimiter = pick.choice(['/', '/', '/', '', '//', '-', 'a', 'ä', '%'])
        return prefix, delimiter, after, pick.choice([1, 2, 3, 5, 7, 1000])

    def pages(self, call, expected, most, shown, following, **arguments):
        """All pages of a listing are those of the model."""
        got = []
        for _ in range(len(expected) // most + 1):
            page = call(**{name: value for name, value in arguments.items() if value != ''})
            rows = shown(page) + [('prefix', each['Prefix']) for each in page.get('CommonPrefixes', [])]
            got += sorted(rows, key=lambda row: order(row[1] if row[0] == 'prefix' else row[1][0]))
            assert len(rows) <= most and page['IsTruncated'] == (len(got) < len(expected)), (got, expected)
            if not page['IsTruncated']:
                break
            assert len(rows) == most
            arguments.update({name: page.get(value, '') for name, value in following.items()})
        assert got == expected, f'{got} is not {expected}'

    def step_list(self, bucket):
        current = self.model.current(bucket)
        prefix, delimiter, after, most = self.listed_arguments(current)
        expected = Model.level(current, prefix, delimiter, after,
                               lambda key: [(key, len(current[key][1]), current[key][3])])
        call, start, following = self.random.choice([
            (self.client.list_objects_v2, 'StartAfter', dict(ContinuationToken='NextContinuationToken')),
            (self.client.list_objects, 'Marker', dict(Marker='NextMarker'))])
        self.pages(call, expected, most, lambda page: [
            ('row', (row['Key'], row['Size'], row['ETag'])) for row in page.get('Contents', [])], following,
                   Bucket=bucket, Prefix=prefix, Delimiter=delimiter, MaxKeys=most, **{start: after})

    def step_list_versions(self, bucket):
        versions = {key: kept for key, kept in self.model.versions[bucket].items() if kept}
        prefix, delimiter, after, most = self.listed_arguments(versions)

        def items(key):
            return [(key, version, data is None, place == 0)
                    for place, (version, data, *_) in enumerate(reversed(versions[key]))]

        def shown(page):
            return [('row', row) for row in sorted(
                ((row['Key'], row['VersionId'], 'ETag' not in row, row['IsLatest'])
                 for row in page.get('Versions', []) + page.get('DeleteMarkers', [])),
                key=lambda row: (order(row[0]), [each[0] for each in reversed(versions[row[0]])].index(row[1])))]

        following = dict(KeyMarker='NextKeyMarker', VersionIdMarker='NextVersionIdMarker')
        expected = Model.level(versions, prefix, delimiter, after, items)
        self.pages(self.client.list_object_versions, expected, most, shown, following,
                   Bucket=bucket, Prefix=prefix, Delimiter=delimiter, MaxKeys=most, KeyMarker=after)

    def step_list_uploads(self, bucket):
        uploads = {}
        for name, (where, key) in self.model.uploads.items():
            if where == bucket:
                uploads.setdefault(key, []).append(name)
        if any(ord(each) < 32 for key in uploads for each in key):
            return                                                   # boto3 decodes no such listing
        prefix, delimiter, after, most = self.listed_arguments(uploads)
        expected = Model.level(uploads, prefix, delimiter, after, lambda key: [(key, name) for name in uploads[key]])
        self.pages(self.client.list_multipart_uploads, expected, most,
                   lambda page: [('row', (row['Key'], row['UploadId'])) for row in page.get('Uploads', [])],
                   dict(KeyMarker='NextKeyMarker', UploadIdMarker='NextUploadIdMarker'),
                   Bucket=bucket, Prefix=prefix, Delimiter=delimiter, MaxUploads=most, KeyMarker=after)

    weights = dict(put=30, copy=4, get=12, version=6, delete=6, delete_many=2, empty=1, versioning=5, upload=3, list=30,
                   list_versions=20, list_uploads=3)

    def steps(self, many):
        for step in range(many):
            name = self.random.choices(list(self.weights), self.weights.values())[0] if step >= many // 8 else 'put'
            try:
                getattr(self, f'step_{name}')(self.random.choice(self.buckets))
            except Exception:
                print(f'seed {self.seed}, {self.buckets[0]}, step {step}: {name}', flush=True)
                raise


def sound(store, runs):
    """At the end: the versions are those of the models, each object is the newest one, and no body is too many."""
    expected = []
    for run in runs:
        for bucket in run.buckets:
            for key in sorted(run.model.versions[bucket], key=order):
                expected += [(bucket, key, version) for version, *_ in reversed(run.model.versions[bucket][key])]
    got = store.run('SELECT bucket, key, id FROM versions ORDER BY bucket, key, seq DESC')
    assert [tuple(row) for row in got] == expected
    newest = ('SELECT max(seq) FROM versions GROUP BY bucket, key INTERSECT '
              'SELECT seq FROM versions WHERE etag IS NOT NULL')
    used = 'SELECT seq FROM versions UNION SELECT seq FROM uploads UNION SELECT seq FROM parts'
    for one, other in ('SELECT seq FROM objects', newest), ('SELECT seq FROM bodies', used):
        assert sorted(map(tuple, store.run(one))) == sorted(map(tuple, store.run(other))), (one, other)
    for table in () if isinstance(store, PlainStore) else ('buckets', 'objects', 'versions', 'uploads', 'parts'):
        assert store.row('SELECT art_check(?)', table)[0] == 'ok', table


def main(seed, many, threads='1', plain=''):
    print(f'seed {seed}', flush=True)
    store = PlainStore('model.db') if plain else Store('model.db')
    server, endpoint = start(store)
    runs = [Run(seed, endpoint, f't{each}', [] if plain else ['\0']) for each in range(int(threads))]
    with ThreadPoolExecutor(len(runs)) as pool:
        for done in [pool.submit(run.steps, int(many) // len(runs)) for run in runs]:
            done.result()
    server.shutdown()
    sound(store, runs)


if __name__ == '__main__':
    main(*sys.argv[1:])
