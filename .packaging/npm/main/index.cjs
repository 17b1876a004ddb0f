'use strict';
// sqlite-art for Node.js: where the extension lies, and loading it.

const fs = require('node:fs');
const path = require('node:path');

const PLATFORMS = Object.keys(require('./package.json').optionalDependencies).map((name) => name.slice('sqlite-art-'.length));
const BUILD = 'build art.so from source and give its path to db.loadExtension()';

function isMusl() {
  if (process.platform !== 'linux' || !process.report) return false;
  const { excludeNetwork } = process.report;
  process.report.excludeNetwork = true; // else it asks DNS for the name of each open connection's other end
  try {
    return !process.report.getReport().header.glibcVersionRuntime;
  } finally {
    process.report.excludeNetwork = excludeNetwork;
  }
}

/** The path of art.so (Windows: art.dll), for db.loadExtension() or SELECT load_extension(). */
function getLoadablePath() {
  const platform = `${process.platform}-${process.arch}${isMusl() ? '-musl' : ''}`;
  const name = `sqlite-art-${platform}`;
  if (!PLATFORMS.includes(platform)) {
    throw new Error(`sqlite-art has no binary for ${platform}, only for ${PLATFORMS.join(', ')}: ${BUILD}`);
  }
  let folder;
  try {
    folder = path.dirname(require.resolve(`${name}/package.json`));
  } catch (error) {
    throw new Error(`the package ${name}, which has the binary of sqlite-art, is not installed: npm install ${name} ` +
      '(was it left out by --omit=optional, or node_modules copied from another machine?)', { cause: error });
  }
  const file = path.join(folder, process.platform === 'win32' ? 'art.dll' : 'art.so');
  if (!fs.existsSync(file)) throw new Error(`${file} is missing: install ${name} again`);
  return file;
}

/** Loads the extension into a connection of better-sqlite3, libsql or node:sqlite. */
function load(db) {
  db.loadExtension(getLoadablePath());
}

module.exports = { getLoadablePath, load };
