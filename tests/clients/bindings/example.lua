-- sqlite-art from Lua's luasql, which cannot load extensions: LD_PRELOAD=./art-preload.so lua example.lua - <database>
-- preload.c says how art-preload.so is made.
local luasql = require("luasql.sqlite3")

local db = assert(luasql.sqlite3():connect(arg[2]))

-- luasql has no parameters: text goes into the statement, quoted.
local function quote(text)
  return "'" .. db:escape(text) .. "'"
end

local function rows(sql)
  local cursor = assert(db:execute(sql))
  return function()
    return cursor:fetch() -- which closes the cursor behind the last row
  end
end

local function row(sql)
  local cursor = assert(db:execute(sql))
  local a, b = cursor:fetch()
  cursor:close()
  return a, b
end

local function print_rows(sql)
  for a, b, c in rows(sql) do
    print(table.concat({ a, b or "-", c }, " "))
  end
end

local sqlite, art = row("SELECT sqlite_version(), art_version()")
print(("SQLite %s, art %s"):format(sqlite, art))

assert(db:execute("CREATE VIRTUAL TABLE files USING art(path, size INTEGER, mtime REAL, etag TEXT)"))

-- Many rows: in one transaction.
local function insert(path, size, mtime)
  return db:execute(("INSERT INTO files(path, size, mtime) VALUES(%s, %d, %d)"):format(path, size, mtime))
end
db:setautocommit(false)
for i = 0, 999 do
  assert(insert(quote(("photos/%d/%04d.jpg"):format(2023 + i // 250, i)), 1000 * i, 1700000000 + i))
end
assert(insert(quote("photos/[raw]/1.dng"), 24000000, 1700001000))
assert(insert(quote("photos/index.html"), 2048, 1700001001))
assert(db:commit())
db:setautocommit(true)
assert(db:execute("INSERT INTO files(files) VALUES('optimize')"))
print_rows("SELECT count(*), 'rows' FROM files")

-- A prefix, as a pattern and as it is.
print_rows("SELECT path, size, typeof(mtime) FROM files WHERE path GLOB 'photos/2025/*' ORDER BY path LIMIT 2")
print_rows("SELECT path, size FROM files('photos/[raw]/')")

-- One level of the tree: a row for each file, and one for each directory with the number of files below it.
print_rows("SELECT path, entries FROM files('photos/', '/')")

-- Compare and set: only who knows the row as it is may change it.
local version = row("SELECT row_version FROM files WHERE path = 'photos/index.html'")
local update = "UPDATE files SET etag = %s WHERE path = 'photos/index.html' AND row_version = %d"
local first = assert(db:execute(update:format(quote("e1"), version)))
local second = assert(db:execute(update:format(quote("e2"), version)))
print(("etag set: %d, with the old version: %d"):format(first, second))

for _, path in ipairs({ quote("photos/index.html"), "x'70'" }) do
  local done, message = insert(path, 1, 1)
  if not done then
    print((message:gsub("^LuaSQL: ", "")))
  end
end
db:close()
