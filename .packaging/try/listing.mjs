// Reads listings as text: push() the pieces of a file as they come, end() behind the last. Rows are [path, size, mtime in seconds].
//
//   find       path, tab, bytes, tab, seconds            find DIR -printf '%p\t%s\t%T@\n'
//   s3         date, time, bytes, key                    aws s3 ls --recursive s3://bucket (its times are taken as UTC)
//   ls         directories with their lines              ls -lR DIR
//   csv        a header with path, key or name, and perhaps size and mtime; no line breaks in a field
//   plain      a path a line
//
// find and plain lists have a directory's own line before what lies in it. Its key then ends in '/', so that the directory is one
// name of its level, and its own row the first below. Lines that cannot be read are counted; the first few are kept.

const BAD_KEPT = 5;
const LOOKED_AT = 20; // lines that say what a listing is
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

const FIND = /^(.+)\t(\d+)\t(-?\d+)(?:\.\d+)?$/s;
const S3 = /^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d) +(\d+) (.+)$/s;
const LS = /^([-bcdlps])[-rwxsStT]{9}[.+@]? +\d+ +\S+ +\S+ +(\d+(?:, *\d+)?) +([A-Z][a-z]{2} +\d+ +[\d:]+|\d{4}-\d\d-\d\d \d\d:\d\d(?::[\d.]+)?(?: [-+]\d{4})?) (.+)$/s;
const COLUMNS = {
  path: ['path', 'key', 'name', 'file', 'filename'],
  size: ['size', 'bytes', 'length', 'content_length'],
  mtime: ['mtime', 'modified', 'last_modified', 'lastmodified', 'lastmodifieddate', 'date', 'time', 'timestamp'],
};

/** The fields of a line of CSV, or null where a quote is not closed. */
export function csvFields(line, separator) {
  const fields = [];
  for (let at = 0; ;) {
    let field = '';
    if (line[at] === '"') {
      for (at++; ; at++) {
        const quote = line.indexOf('"', at);
        if (quote < 0) return null;
        field += line.slice(at, quote);
        at = quote + 1;
        if (line[at] !== '"') break;
        field += '"';
      }
    }
    const end = line.indexOf(separator, at);
    fields.push(field + line.slice(at, end < 0 ? undefined : end));
    if (end < 0) return fields;
    at = end + 1;
  }
}

function csvHeader(line) {
  for (const separator of [',', ';', '\t']) {
    const names = csvFields(line, separator)?.map((name) => name.trim().toLowerCase().replace(/[ -]/g, '_')) ?? [];
    const columns = { separator, count: names.length };
    for (const [column, known] of Object.entries(COLUMNS)) columns[column] = names.findIndex((name) => known.includes(name));
    if (columns.path >= 0 && (names.length > 1 || names[0] === 'path')) return columns;
  }
  return null;
}

function seconds(text) {
  if (text === undefined || text === '') return null;
  if (/^-?\d+(\.\d+)?$/.test(text)) {
    const number = Math.floor(Number(text));
    return number > 1e11 ? Math.floor(number / 1000) : number; // milliseconds
  }
  const time = Date.parse(/^\d{4}-\d\d-\d\d[ T][\d:.]+$/.test(text) ? `${text.replace(' ', 'T')}Z` : text);
  return Number.isNaN(time) ? undefined : Math.floor(time / 1000);
}

// Without a year it is one of the last twelve months.
function lsSeconds(text, now) {
  if (/^\d/.test(text)) {
    const [, day, clock, hours, minutes] = /^(\S+) (\S+)(?: ([-+]\d\d)(\d\d))?$/.exec(text);
    return seconds(`${day}T${clock}${hours ? `${hours}:${minutes}` : 'Z'}`);
  }
  const [month, day, last] = text.split(/ +/);
  if (!last.includes(':')) return Date.UTC(Number(last), MONTHS.indexOf(month), Number(day)) / 1000;
  const [hours, minutes] = last.split(':').map(Number);
  const at = (year) => Date.UTC(year, MONTHS.indexOf(month), Number(day), hours, minutes);
  const year = now.getUTCFullYear();
  return at(at(year) > now.getTime() + 86400000 ? year - 1 : year) / 1000;
}

/** What the first lines of a listing are. */
export function formatOf(lines) {
  const some = lines.filter((line) => line !== '');
  const most = (pattern) => some.length > 0 && some.filter((line) => pattern.test(line)).length * 2 >= some.length;
  if (most(FIND)) return 'find';
  if (most(S3)) return 's3';
  if (some.some((line) => LS.test(line))) return 'ls';
  if (some.length && csvHeader(some[0])) return 'csv';
  return 'plain';
}

export class Listing {
  #rest = '';
  #head = []; // lines until it is known what they are
  #held = null; // the last row: the next one says whether it is a directory
  #below = ''; // ls: the directory that is listed
  #columns = null;
  #now = new Date();

  format = null;
  lines = 0;
  bad = 0;
  badLines = []; // [number, line]

  /** The rows of a piece of text; those of its last line come later. */
  push(text) {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop();
    return this.#take(lines, false);
  }

  end() {
    const lines = this.#rest === '' ? [] : [this.#rest];
    this.#rest = '';
    const rows = this.#take(lines, true);
    if (this.#held) rows.push(this.#held);
    this.#held = null;
    return rows;
  }

  #take(lines, last) {
    if (!this.format) {
      this.#head = this.#head.concat(lines);
      if (this.#head.length < LOOKED_AT && !last) return [];
      lines = this.#head;
      this.#head = [];
      this.format = formatOf(lines.slice(0, LOOKED_AT).map((line) => line.replace(/\r$/, '')));
    }
    const rows = [];
    const read = { find: this.#find, s3: this.#s3, ls: this.#ls, csv: this.#csv, plain: this.#plain }[this.format];
    const folders = this.format === 'find' || this.format === 'plain';
    for (let line of lines) {
      this.lines++;
      if (line.charCodeAt(line.length - 1) === 13) line = line.slice(0, -1);
      const row = read.call(this, line);
      if (row === null) {
        if (this.bad++ < BAD_KEPT) this.badLines.push([this.lines, line]);
      } else if (row !== undefined) {
        if (!folders) rows.push(row);
        else {
          const held = this.#held;
          if (held) {
            if (row[0].charCodeAt(held[0].length) === 47 && row[0].startsWith(held[0])) held[0] += '/';
            rows.push(held);
          }
          this.#held = row;
        }
      }
    }
    return rows;
  }

  // Each gives a row, null for what it cannot read, undefined for what says nothing.

  #find(line) {
    const second = line.lastIndexOf('\t'), first = line.lastIndexOf('\t', second - 1);
    if (first <= 0) return null;
    const size = Number(line.slice(first + 1, second)), mtime = Math.floor(Number(line.slice(second + 1)));
    if (second === first + 1 || second === line.length - 1 || !Number.isSafeInteger(size) || !Number.isSafeInteger(mtime)) return null;
    return [line.slice(0, first), size, mtime];
  }

  #s3(line) {
    const found = S3.exec(line);
    if (!found) return line === '' || /^ +PRE |^ *Total (Objects|Size): /.test(line) ? undefined : null;
    const [, year, month, day, hours, minutes, secs, size, key] = found;
    return [key, Number(size), Date.UTC(year, month - 1, day, hours, minutes, secs) / 1000];
  }

  #ls(line) {
    const found = LS.exec(line);
    if (found) {
      const [, type, size, time, shown] = found;
      const name = type === 'l' ? shown.replace(/ -> .*/s, '') : shown;
      if (name === '.' || name === '..') return undefined;
      return [this.#below + name + (type === 'd' ? '/' : ''), size.includes(',') ? 0 : Number(size), lsSeconds(time, this.#now)];
    }
    if (line === '' || /^total \d/.test(line)) return undefined;
    if (!line.endsWith(':')) return null;
    this.#below = line === '/:' ? '/' : `${line.slice(0, -1)}/`;
    return undefined;
  }

  #csv(line) {
    if (!this.#columns) {
      this.#columns = csvHeader(line.replace(/^\ufeff/, ''));
      return undefined;
    }
    if (line === '') return undefined;
    const { separator, count, path, size, mtime } = this.#columns;
    const fields = csvFields(line, separator);
    if (!fields || fields.length !== count || fields[path] === '') return null;
    const bytes = size < 0 || fields[size] === '' ? null : Number(fields[size]);
    const time = mtime < 0 ? null : seconds(fields[mtime].trim());
    return time === undefined || (bytes !== null && !Number.isSafeInteger(bytes)) ? null : [fields[path], bytes, time];
  }

  #plain(line) {
    return line === '' ? null : [line, null, null];
  }
}

/** Rows of a made-up tree: the same number always gives the same rows. */
export function* sampleRows(count) {
  let state = 2463534242;
  const random = (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
  const people = ['ada', 'grace', 'linus', 'margaret', 'edsger', 'barbara', 'ken', 'radia'];
  const kinds = [
    ['photos', ['snow', 'beach', 'walk', 'party', 'mountain', 'garden', 'harbour'], 'jpg', 4e6],
    ['music', ['mario', 'prelude', 'summer', 'night train', 'blue', 'étude'], 'ogg', 8e6],
    ['src', ['main', 'parser', 'tree', 'cursor', 'merge', 'test', 'README'], 'c', 2e4],
    ['mail', ['inbox', 'invoice', 'hello', 'minutes', 'newsletter'], 'eml', 6e4],
    ['videos', ['holiday', 'talk', 'lecture', 'cat'], 'mp4', 3e8],
  ];
  for (let at = 0; at < count; at++) {
    const [kind, words, extension, size] = kinds[Math.min(random(5), random(6), kinds.length - 1)];
    const year = 2016 + random(11), month = 1 + random(12);
    const folder = `home/${people[Math.min(random(8), random(8))]}/${kind}/${year}/${String(month).padStart(2, '0')}`;
    yield [`${folder}/${words[random(words.length)]}-${String(at).padStart(6, '0')}.${extension}`, 100 + random(size),
      Date.UTC(year, month - 1, 1 + random(28), random(24), random(60), random(60)) / 1000];
  }
}
