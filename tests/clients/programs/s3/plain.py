"""The same store in ordinary tables, for comparison: one seek for each name of a level, by a recursive query."""
import re
from server import Store

HIGH = '\U0010ffff'          # behind all other characters: a key that has it may be passed over


class PlainStore(Store):
    schema = re.sub(r'VIRTUAL TABLE (\w+) USING art\((.*?)\);', r'TABLE \1(\2) WITHOUT ROWID;', Store.schema, 0, re.S)
    schema = schema.replace('key=(', 'PRIMARY KEY(').replace('(name,', '(name PRIMARY KEY,')

    def page(self, table, bucket, prefix, delimiter, after, limit, rest=None):
        far, order = {'objects': ('', 'key'), 'versions': ('<', 'key, seq DESC'), 'uploads': ('>', 'key, seq')}[table]
        given = dict(bucket=bucket, after=after, rest=rest, first=max(prefix, after), end=prefix + HIGH, limit=limit,
                     delimiter=delimiter, behind=len(prefix) + 1, less=len(delimiter) - 2)
        rows = []
        select = f'SELECT *, NULL AS entries FROM {table} WHERE bucket = :bucket'
        below = after.find(delimiter, len(prefix)) if delimiter and after.startswith(prefix) else -1
        if rest and below < 0:
            rows = self.db.execute(f'{select} AND key = :after AND key >= :first AND seq {far} :rest ORDER BY {order} '
                                   'LIMIT :limit', given).fetchall()
            given['limit'] -= len(rows)
        if not delimiter:
            return rows + self.db.execute(f'{select} AND key >= :first AND key < :end AND key <> :after '
                                          f'ORDER BY {order} LIMIT :limit', given).fetchall()
        if below >= 0 and below + len(delimiter) == len(after):
            given['first'] += HIGH
        cut = 'instr(substr(k, :behind), :delimiter)'
        name = f'substr(k, 1, :behind + :less + {cut})'
        least = f'SELECT min(key) FROM {table} WHERE bucket = :bucket AND key < :end'
        return rows + self.db.execute(f'''
            WITH RECURSIVE level(k) AS (
              SELECT ({least} AND key >= :first AND key <> :after)
              UNION ALL
              SELECT ({least} AND key > CASE WHEN {cut} THEN {name} || '{HIGH}' ELSE k END)
              FROM level WHERE k IS NOT NULL)
            SELECT CASE WHEN {cut} THEN {name} ELSE k END AS key, CASE WHEN {cut} THEN 1 END AS entries, t.*
            FROM level LEFT JOIN {table} t ON t.bucket = :bucket AND t.key = k AND NOT {cut}
            WHERE k IS NOT NULL LIMIT :limit''', given).fetchall()
