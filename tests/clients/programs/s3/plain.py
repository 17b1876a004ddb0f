"""The same store in ordinary tables, for comparison: one seek for each name of a level, by a recursive query."""
import re
from server import Store

HIGH = '\U0010ffff'          # behind all other characters: a key that has it is not listed


class PlainStore(Store):
    schema = re.sub(r'VIRTUAL TABLE (\w+) USING art\((.*?)\);', r'TABLE \1(\2) WITHOUT ROWID;', Store.schema, flags=re.S)
    schema = schema.replace('key=(', 'PRIMARY KEY(').replace('(name,', '(name PRIMARY KEY,')

    def page(self, table, bucket, prefix, delimiter, after, limit, rest=None):
        order = {'objects': 'key', 'versions': 'key, seq DESC', 'uploads': 'key, seq'}[table]
        given = dict(bucket=bucket, after=after, rest=rest, end=prefix + HIGH, skip=len(prefix) + 1, delimiter=delimiter, limit=limit,
                     first=max(prefix, after), cut=len(delimiter) - 2)
        rows, inside = [], delimiter and after.startswith(prefix) and after.find(delimiter, len(prefix)) + 1
        if rest and not inside:
            rows = self.db.execute(f'SELECT *, NULL AS entries FROM {table} WHERE bucket = :bucket AND key = :after AND key >= :first AND '
                                   f'seq {"<" if table == "versions" else ">"} :rest ORDER BY {order} LIMIT :limit', given).fetchall()
        given['limit'] -= len(rows)
        if not delimiter:
            return rows + self.db.execute(f'SELECT *, NULL AS entries FROM {table} WHERE bucket = :bucket AND key >= :first AND key < :end '
                                          f'AND key <> :after ORDER BY {order} LIMIT :limit', given).fetchall()
        if inside and inside - 1 + len(delimiter) == len(after):
            given['first'] += HIGH
        cut = 'instr(substr(k, :skip), :delimiter)'
        name = f'substr(k, 1, :skip + :cut + {cut})'
        return rows + self.db.execute(f'''WITH RECURSIVE level(k) AS (
            SELECT (SELECT min(key) FROM {table} WHERE bucket = :bucket AND key >= :first AND key <> :after AND key < :end)
            UNION ALL SELECT (SELECT min(key) FROM {table} WHERE bucket = :bucket AND key < :end AND
                              key > CASE WHEN {cut} THEN {name} || '{HIGH}' ELSE k END) FROM level WHERE k IS NOT NULL)
            SELECT CASE WHEN {cut} THEN {name} ELSE k END AS key, CASE WHEN {cut} THEN 1 END AS entries, t.* FROM level
            LEFT JOIN {table} t ON t.bucket = :bucket AND t.key = k AND NOT {cut} WHERE k IS NOT NULL LIMIT :limit''', given).fetchall()
