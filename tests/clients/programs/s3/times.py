"""Times of the store on art tables beside the same one on ordinary tables: the server's own functions, without HTTP."""
import hashlib, os, random, statistics, time
from plain import PlainStore
from server import Store


def put(store, bucket, keys):
    """PUTs with 100 bytes each, a thousand in a transaction."""
    data = b'x' * 100
    for first in range(0, len(keys), 1000):
        with store.db:
            for key in keys[first:first + 1000]:
                store.put(bucket, key, data, hashlib.md5(data).hexdigest())


def timed(what, run, runs=15):
    """A line: the median for each store; they take turns. `run` is given the store and the number of the turn."""
    times = [], []
    for turn in range(runs):
        results = []
        for store, spent in zip(stores, times):
            start = time.perf_counter()
            results.append(run(store, turn))
            spent.append(time.perf_counter() - start)
        assert results[0] == results[1], (what, results)
    art, plain = (statistics.median(each) * 1000 for each in times)
    print(f'{what:52} {art:10.2f} {plain:10.2f} {art / plain:7.2f}', flush=True)


def pages(store, *arguments):
    """The number of names of a whole listing, page by page."""
    after, names = '', 0
    while rows := store.page('objects', *arguments, after, 1000):
        names, after = names + len(rows), rows[-1]['key']
    return names


def delete(store, turn):
    with store.db:
        for key in few[turn::5]:
            store.delete('few', key, None)


def counts(store, art, plain):
    return [tuple(row) for row in store.run(plain if isinstance(store, PlainStore) else art)]


stores = Store('times-art.db'), PlainStore('times-plain.db')
for store in stores:
    for bucket in 'few', 'many', 'mixed', 'versioned':
        store.run('INSERT INTO buckets VALUES(?, ?, ?)', bucket, '', 'Enabled' if bucket == 'versioned' else None)
    store.db.commit()
many = [f'{n // 10000}/{n // 100 % 100:02}/photo-{n * 7919 % 1000003:07}.jpg' for n in range(100000)]
few = [f'log/{n * 7919 % 20011:05}.gz' for n in range(20000)]
mixed = random.Random(1).sample(many, len(many))
print(f'{"milliseconds, median":52} {"art":>10} {"ordinary":>10} {"ratio":>7}')

timed('4,000 PUTs, 1,000 in a transaction', lambda store, turn: put(store, 'few', few[turn::5]), 5)
timed('4,000 PUTs that replace an object', lambda store, turn: put(store, 'few', few[turn::5]), 5)
timed('4,000 PUTs with versions', lambda store, turn: put(store, 'versioned', few[turn::5]), 5)
timed('20,000 PUTs in the order of the keys', lambda store, turn: put(store, 'many', many[turn * 20000:][:20000]), 5)
timed('20,000 PUTs in no order', lambda store, turn: put(store, 'mixed', mixed[turn * 20000:][:20000]), 5)
timed('1,000 GETs without their bodies', lambda store, _: [store.get('many', key, None)['size'] for key in many[::100]])

for what, *arguments in [
        ('a page of 1,000 keys', 'objects', 'many', '', '', ''),
        ('the page of 1,000 keys behind 90,000', 'objects', 'many', '', '', '8/99/z'),
        ('a page of 1,000 versions', 'versions', 'versioned', '', '', 'log/1'),
        ("'/': 1,000 keys of a folder", 'objects', 'few', 'log/', '/', 'log/1'),
        ("'/': 10 common prefixes of 100,000 keys", 'objects', 'many', '', '/', ''),
        ("'/': 100 common prefixes of 10,000 keys", 'objects', 'many', '5/', '/', ''),
        ("'/photo': 1,000 common prefixes of 100,000 keys", 'objects', 'many', '', '/photo', '')]:
    timed(what, lambda store, _: [row['key'] for row in store.page(*arguments, 1000)])
timed('100,000 keys in pages of 1,000', lambda store, _: pages(store, 'many', '', ''))
timed('the 10 common prefixes, how many keys below each', lambda store, _: counts(
    store, "SELECT key, entries FROM objects WHERE bucket = 'many' AND delimiter = '/'",
    "SELECT substr(key, 1, instr(key, '/')) AS name, count(*) FROM objects WHERE bucket = 'many' GROUP BY name"))
timed('how many keys in each bucket', lambda store, _: counts(
    store, "SELECT name, art_count('objects', art_key('objects', name, '')) FROM buckets",
    'SELECT name, (SELECT count(*) FROM objects WHERE bucket = name) FROM buckets ORDER BY name'))
timed('4,000 DELETEs', delete, 5)
for name in sorted(os.listdir()):
    if name.startswith('times-') and not name.endswith('-shm'):
        print(f'{name:52} {os.path.getsize(name) / 1e6:10.1f} MB')
