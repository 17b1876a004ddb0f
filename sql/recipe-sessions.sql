-- Recipe: sessions that expire, a queue, and routes. A key may hold several things in a row, the most significant first; a range of
-- keys is then a question with one answer.
-- Lines beginning with --> are the output; tests/docs/test_recipes.sh compares.

CREATE VIRTUAL TABLE sessions USING art(key, owner);

-- two keys a session, written together: by token for the login, by time for the clean-up. The token at the end keeps two apart that
-- expire at the same time
BEGIN;
INSERT INTO sessions VALUES
  ('token/6f1a', 'ada'),   ('expires/2026-01-01T10:00/6f1a', NULL),
  ('token/9c2b', 'grace'), ('expires/2026-01-01T11:30/9c2b', NULL),
  ('token/e003', 'ada'),   ('expires/2026-01-02T09:00/e003', NULL);
COMMIT;

SELECT owner FROM sessions WHERE key = 'token/9c2b';
--> grace

-- the next to expire, and everything that has expired by noon
SELECT min(key) FROM sessions WHERE key GLOB 'expires/*';
--> expires/2026-01-01T10:00/6f1a
BEGIN;
DELETE FROM sessions WHERE key IN (
  SELECT 'token/' || substr(key, -4) FROM sessions WHERE key BETWEEN 'expires/' AND 'expires/2026-01-01T12:00');
DELETE FROM sessions WHERE key BETWEEN 'expires/' AND 'expires/2026-01-01T12:00';
COMMIT;
SELECT key FROM sessions;
--> expires/2026-01-02T09:00/e003
--> token/e003

-- a queue: the key begins with the time that a job is due. The earliest one that is due takes a descent, and so does the answer that none
-- is. A job that has to wait gets another key
CREATE VIRTUAL TABLE job USING art(key, what);
INSERT INTO job VALUES('2026-01-01T10:00/17', 'mail'), ('2026-01-01T10:05/18', 'backup'), ('2026-01-02T09:00/19', 'report');
SELECT key, what FROM job WHERE key < '2026-01-01T10:01' ORDER BY key LIMIT 1;
--> 2026-01-01T10:00/17|mail
UPDATE job SET key = '2026-01-01T10:15/17' WHERE key = '2026-01-01T10:00/17';
SELECT count(*) FROM job WHERE key < '2026-01-01T10:01';
--> 0
SELECT key, what FROM job WHERE key < '2026-01-01T10:06' ORDER BY key LIMIT 1;
--> 2026-01-01T10:05/18|backup

-- routes: the handler of the longest prefix that matches a request, at a slash
CREATE VIRTUAL TABLE routes USING art(path, handler TEXT NOT NULL);
INSERT INTO routes VALUES('/', 'home'), ('/api', 'api'), ('/api/users', 'users'), ('/static/', 'files');
SELECT handler FROM routes WHERE path MATCH '/api/users/17/avatar' AND delimiter = '/';
--> users
SELECT path, handler FROM routes WHERE path MATCH '/api/usersettings' AND delimiter = '/';
--> /api|api
SELECT count(*) FROM routes WHERE path MATCH 'no slash' AND delimiter = '/';
--> 0
