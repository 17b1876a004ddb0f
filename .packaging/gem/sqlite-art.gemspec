Gem::Specification.new do |gem|
  gem.name = 'sqlite-art'
  gem.version = '@VERSION@'
  gem.platform = '@PLATFORM@'
  gem.summary = 'A SQLite extension for tables whose keys are paths'
  gem.description = 'Tables that count what lies below a prefix, jump to the n-th row and list one directory level, each in a ' \
                    'descent of a radix tree.'
  gem.authors = ['the sqlite-art authors']
  gem.homepage = '@HOMEPAGE@'
  gem.license = 'MIT'
  gem.required_ruby_version = '>= 2.7'
  # Older ones take a gem for musl for one that fits every Linux.
  gem.required_rubygems_version = '>= 3.3.22' if gem.platform.to_s.end_with?('musl')
  gem.files = ['LICENSE', 'NOTICES', 'README.md', 'lib/sqlite-art.rb', 'lib/sqlite_art.rb', 'lib/sqlite_art/@FILE@']
end
