-- Recipe: sessions that expire, and routes. A key may hold several things in a row, the most significant first; a range of
-- keys is then a question with one answer.
-- Lines beginning with --> are the output; tests/test_recipes.sh compares.

CREATE VIRTUAL TABLE sessions USING art;

-- two keys a session, written together: by token for the login, by time for the clean-up
BEGIN;
INSERT INTO sessions(path, value) VALUES
  ('token/6f1a', 'ada'),   ('expires/2026-01-01T10:00/6f1a', NULL),
  ('token/9c2b', 'grace'), ('expires/2026-01-01T11:30/9c2b', NULL),
  ('token/e003', 'ada'),   ('expires/2026-01-02T09:00/e003', NULL);
COMMIT;

SELECT value FROM sessions WHERE path = 'token/9c2b';
--> grace

-- the next to expire, and everything that has expired by noon
SELECT path FROM sessions WHERE path GLOB 'expires/*' ORDER BY path LIMIT 1;
--> expires/2026-01-01T10:00/6f1a
BEGIN;
DELETE FROM sessions WHERE path IN (
  SELECT 'token/' || substr(path, -4) FROM sessions WHERE path BETWEEN 'expires/' AND 'expires/2026-01-01T12:00');
DELETE FROM sessions WHERE path BETWEEN 'expires/' AND 'expires/2026-01-01T12:00';
COMMIT;
SELECT path FROM sessions;
--> expires/2026-01-02T09:00/e003
--> token/e003

-- routes: the handler of the longest prefix that matches a request
CREATE VIRTUAL TABLE routes USING art;
INSERT INTO routes VALUES('/', 'home'), ('/api/', 'api'), ('/api/users/', 'users'), ('/static/', 'files');
WITH RECURSIVE request(rest) AS (
  SELECT '/api/users/17/avatar'
  UNION ALL SELECT rtrim(rtrim(rest, '/'), replace(rest, '/', '')) FROM request WHERE rest <> '/')
SELECT value FROM request JOIN routes ON path = rest LIMIT 1;
--> users
