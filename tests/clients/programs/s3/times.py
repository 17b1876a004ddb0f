"""Times of the store on art tables beside the same one on ordinary tables: the server's own functions, without HTTP."""
import hashlib, os, statistics, time
from plain import PlainStore
from server import Store

RUNS = 5


def put(store, bucket, keys):
    """PUTs with 100 bytes each, a thousand in a transaction."""
    data = b'x' * 100
    for first in range(0, len(keys), 1000):
        with store.db:
            for key in keys[first:first + 1000]:
                store.put(bucket, key, data, hashlib.md5(data).hexdigest())


def timed(what, stores, run, check=lambda results: len(set(map(str, results))) == 1, runs=RUNS):
    """A line: the median for each store; they take turns."""
    times, results = [[] for _ in stores], [None] * len(stores)
    for _ in range(runs):
        for i, store in enumerate(stores):
            start = time.perf_counter()
            results[i] = run(store)
            times[i].append(time.perf_counter() - start)
    assert check(results), (what, results)
    art, plain = (statistics.median(each) * 1000 for each in times)
    print(f'{what:58} {art:10.2f} {plain:10.2f} {art / plain:7.2f}')


def pages(store, *arguments):
    """The number of names of a whole listing, page by page."""
    after, names = '', 0
    while rows := store.page('objects', *arguments, after, 1000):
        names, after = names + len(rows), rows[-1]['key']
    return names


stores = Store('times-art.db'), PlainStore('times-plain.db')
for store in stores:
    for bucket in 'many', 'few', 'versioned':
        store.run('INSERT INTO buckets VALUES(?, ?, ?)', bucket, '', 'Enabled' if bucket == 'versioned' else None)
    store.db.commit()
many = [f'{n // 10000}/{n // 100 % 100:02}/photo-{n * 7919 % 1000003:07}.jpg' for n in range(100000)]
few = [f'log/{n * 7919 % 20011:05}.gz' for n in range(20000)]
print(f'{"milliseconds, median":58} {"art":>10} {"ordinary":>10} {"ratio":>7}')
for store in stores:
    store.run('CREATE TABLE keys(key)')
turns = iter('abcdefgh')
timed('20,000 PUTs, 1,000 in a transaction', stores, lambda store: put(store, 'few', few), runs=1)
timed('the same again: each replaces an object', stores, lambda store: put(store, 'few', few), runs=1)
timed('20,000 PUTs with versions', stores, lambda store: put(store, 'versioned', few), runs=1)
timed('100,000 PUTs', stores, lambda store: put(store, 'many', many), runs=1)
timed('1,000 GETs without their bodies', stores, lambda store: [store.get('many', key, None)['size'] for key in many[::100]])
timed('a page of 1,000 keys', stores, lambda store: len(store.page('objects', 'many', '', '', '', 1000)))
timed('the page of 1,000 keys behind 90,000', stores, lambda store: len(store.page('objects', 'many', '', '', '8/99/z', 1000)))
timed('100,000 keys, in pages of 1,000', stores, lambda store: pages(store, 'many', '', ''))
timed("a page with the delimiter '/': 1,000 keys of 20,000", stores, lambda store: len(store.page('objects', 'few', 'log/', '/', '', 1000)))
timed("delimiter '/': 10 common prefixes of 100,000 keys", stores, lambda store: len(store.page('objects', 'many', '', '/', '', 1000)))
timed("delimiter '/': 100 common prefixes of 10,000 keys", stores, lambda store: len(store.page('objects', 'many', '5/', '/', '', 1000)))
timed("delimiter '/photo': 1,000 common prefixes", stores, lambda store: len(store.page('objects', 'many', '', '/photo', '', 1000)))
timed('the same with the number of keys below each', stores, lambda store: sum(
    row['entries'] for row in store.page('objects', 'many', '', '/photo', '', 1000)) if store is stores[0] else sum(n for _, n in store.run(
        "SELECT substr(key, 1, instr(key, '/photo') - 1), count(*) FROM objects WHERE bucket = 'many' GROUP BY 1")))
timed('a page of 1,000 versions', stores, lambda store: len(store.page('versions', 'versioned', '', '', 'log/1', 1000)))
timed('keys of a bucket', stores, lambda store: store.row(
    "SELECT art_count('objects', art_key('objects', 'many', ''))" if store is stores[0] else
    "SELECT count(*) FROM objects WHERE bucket = 'many'")[0])
timed('keys of each bucket', stores, lambda store: [tuple(row) for row in store.run(
    "SELECT name, art_count('objects', art_key('objects', name, '')) FROM buckets ORDER BY name" if store is stores[0] else
    'SELECT name, (SELECT count(*) FROM objects WHERE bucket = name) FROM buckets ORDER BY name')])
timed('20,000 DELETEs', stores, lambda store: [store.delete('few', key, None) for key in few] and store.db.commit(), runs=1)
for name in sorted(os.listdir()):
    if name.startswith('times-') and not name.endswith('-shm'):
        print(f'{name:58} {os.path.getsize(name) / 1e6:10.1f} MB')
