# sqlite-art: a SQLite extension for tables whose keys are paths.
#
#   db = SQLite3::Database.new('files.db')
#   SqliteArt.load(db)
#   db.execute('CREATE VIRTUAL TABLE files USING art(path, size INTEGER)')
module SqliteArt
  VERSION = '@VERSION@'.freeze

  # The path of the extension for load_extension, without .so or .dll, which SQLite adds.
  def self.loadable_path
    File.expand_path('sqlite_art/art', __dir__)
  end

  # Loads art into an SQLite3::Database; afterwards no more extensions can be loaded into it.
  def self.load(db)
    unless db.respond_to?(:enable_load_extension)
      raise ArgumentError, "sqlite-art: #{db.class} cannot load extensions (this sqlite3 was built without them, or it is no database)"
    end

    db.enable_load_extension(true)
    begin
      db.load_extension(loadable_path)
    rescue StandardError => e
      raise e.class, "sqlite-art: SQLite cannot load #{loadable_path}, which is for @PLATFORM@, on #{RUBY_PLATFORM}: #{e.message}"
    ensure
      db.enable_load_extension(false)
    end
  end
end
