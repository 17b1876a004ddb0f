# sqlite-art from Ruby's sqlite3: ruby ruby.rb <art.so> <database>
require 'sqlite3'

extension, database = ARGV
db = SQLite3::Database.new(database)
db.enable_load_extension(true)
db.load_extension(extension)
db.enable_load_extension(false)
puts format('SQLite %s, art %s', *db.get_first_row('SELECT sqlite_version(), art_version()'))

db.execute('CREATE VIRTUAL TABLE files USING art(path, size INTEGER, mtime REAL, etag TEXT)')

# Many rows: in one transaction.
insert = db.prepare('INSERT INTO files(path, size, mtime) VALUES(?, ?, ?)')
db.transaction do
  1000.times do |i|
    insert.execute(format('photos/%d/%04d.jpg', 2023 + i / 250, i), 1000 * i, 1_700_000_000 + i)
  end
  insert.execute('photos/[raw]/1.dng', 24_000_000, 1_700_001_000)
  insert.execute('photos/index.html', 2048, 1_700_001_001)
end
db.execute("INSERT INTO files(files) VALUES('optimize')")
puts "#{db.get_first_value('SELECT count(*) FROM files')} rows"

# A prefix, as a pattern and as it is.
query = 'SELECT path, size, typeof(mtime) FROM files WHERE path GLOB ? ORDER BY path LIMIT 2'
db.execute(query, ['photos/2025/*']) { |row| puts row.join(' ') }
db.execute('SELECT path, size FROM files(?)', ['photos/[raw]/']) { |row| puts row.join(' ') }

# One level of the tree: a row for each file, and one for each directory with the number of files below it.
db.execute("SELECT path, entries FROM files(?, '/')", ['photos/']) do |path, entries|
  puts "#{path} #{entries || '-'}"
end

# Compare and set: only who knows the row as it is may change it.
version = db.get_first_value("SELECT row_version FROM files WHERE path = 'photos/index.html'")
first, second = %w[e1 e2].map do |etag|
  db.execute("UPDATE files SET etag = ? WHERE path = 'photos/index.html' AND row_version = ?", [etag, version])
  db.changes
end
puts "etag set: #{first}, with the old version: #{second}"

['photos/index.html', SQLite3::Blob.new('photos/index.html')].each do |path|
  insert.execute(path, 1, 1)
rescue SQLite3::Exception => e
  puts e.message
end
insert.close
db.close
