# The gem, installed: gem.rb <version>
require 'sqlite3'
require 'sqlite_art'

def same(got, wanted)
  raise "#{got.inspect}, and not #{wanted.inspect}" unless got == wanted
end

version = ARGV[0]
same(SqliteArt::VERSION, version)
db = SQLite3::Database.new(':memory:')
SqliteArt.load(db)
db.execute('CREATE VIRTUAL TABLE t USING art(path)')
db.execute("INSERT INTO t VALUES('a/1'), ('a/2'), ('b')")
same(db.get_first_row("SELECT art_version(), art_count('t', 'a/'), art_check('t')"), [version, 2, 'ok'])
begin
  db.execute('SELECT load_extension(?)', [SqliteArt.loadable_path])
  raise 'extensions can still be loaded'
rescue SQLite3::SQLException => e
  same(e.message, 'not authorized')
end
begin
  SqliteArt.load(1)
  raise 'loaded'
rescue ArgumentError => e
  raise unless e.message =~ /sqlite-art: Integer cannot load extensions/
end
