// The page: it asks its worker, and shows what comes back. Where one is stands in the address, behind #/, so that Back works.

import { treemap } from './treemap.mjs';

const $ = (id) => document.getElementById(id);
const PAGE = 200; // names of a level, or rows found, that are shown at once

const state = { source: null, prefix: '', sort: 'size', descending: true, limit: PAGE, shown: null };

// ---- the worker ----

const worker = new Worker(URL.createObjectURL(new Blob([$('worker').textContent], { type: 'text/javascript' })));
const waiting = new Map();
let calls = 0;

function ask(call, argument, transfer = []) {
  return new Promise((resolve, reject) => {
    waiting.set(++calls, { resolve, reject });
    worker.postMessage({ id: calls, call, argument }, transfer);
  });
}
worker.onmessage = ({ data }) => {
  if (data.progress) return showProgress(data.progress);
  const { resolve, reject } = waiting.get(data.id);
  waiting.delete(data.id);
  return data.error === undefined ? resolve(data.result) : reject(new Error(data.error));
};
worker.onerror = (event) => say(`The worker failed: ${event.message}`, true);

async function wasm() {
  const packed = Uint8Array.from(atob($('wasm').textContent), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// ---- how things are written ----

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined && value !== null) made.setAttribute(name, value);
  made.append(...children);
  return made;
}
const count = (number) => Number(number).toLocaleString('en');
function bytes(number) {
  if (number === null || number === undefined) return '';
  let value = Number(number), unit = 0;
  while (value >= 1000 && unit < 6) { value /= 1000; unit++; }
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'][unit]}`;
}
function time(seconds) {
  if (seconds === null || seconds === undefined) return '';
  const date = new Date(Number(seconds) * 1000);
  return Number.isNaN(date.getTime()) ? String(seconds) : date.toISOString().slice(0, 16).replace('T', ' ');
}
// On a narrow screen the day alone.
function timeParts(seconds) {
  const [day, clock] = time(seconds).split(' ');
  return clock ? [day, element('span', { class: 'short-off' }, ` ${clock}`)] : [day];
}
const milliseconds = (ms) => `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
const plural = (number, one, many = `${one}s`) => `${count(number)} ${Number(number) === 1 ? one : many}`;

const fetchedText = (fetched) => (fetched ? `, ${plural(fetched.requests, 'request')}, ${bytes(fetched.bytes)}` : '');

function say(text, failed = false) {
  $('said').textContent = text;
  $('said').classList.toggle('error', failed);
}

// ---- loading ----

function showProgress({ at, size, rows, doing }) {
  $('progress').value = size ? at / size : 1;
  $('progress-text').textContent = doing ? `${count(rows)} rows, packing` : `${count(rows)} rows`;
}

function busy(on) {
  for (const id of ['choose', 'sample', 'save', 'open-address']) $(id).disabled = on;
  $('browser').inert = on;
  $('loading').hidden = !on;
  $('progress').value = 0;
  $('progress-text').textContent = '';
}

const FORMATS = { find: 'find', s3: 'aws s3 ls', ls: 'ls -lR', csv: 'CSV', plain: 'a path a line' };

async function loaded(what, work) {
  busy(true);
  say(`Reading ${what} ...`);
  $('unread').hidden = true;
  try {
    const found = await work();
    const parts = [];
    if (found.format === 'sample') parts.push(`${plural(found.rows, 'row')} made and loaded in ${found.seconds.toFixed(1)} s`);
    else if (found.format === 'database') parts.push(`${what}: ${plural(found.rows, 'row')} in ${found.source.table}${fetchedText(found.fetched)}`);
    else {
      parts.push(`${what}: ${plural(found.lines, 'line')} (${FORMATS[found.format]}), ${plural(found.rows, 'row')} in ${found.seconds.toFixed(1)} s`);
      if (found.given > found.rows) parts.push(`${plural(found.given - found.rows, 'path')} came again, and the last one counts`);
      if (found.strange) parts.push(`${plural(found.strange, 'path')} not in UTF-8, shown with \ufffd`);
    }
    say(`${parts.join('; ')}.`);
    $('unread').hidden = !found.bad;
    if (found.bad) {
      $('unread').replaceChildren(`${plural(found.bad, 'line')} could not be read${found.bad > found.badLines.length ? '; the first ones' : ''}:`,
        ...found.badLines.map(([number, line]) => element('code', {}, `${number}: ${line.slice(0, 200)}`)));
    }
    $('drop').classList.add('done');
    $('save').hidden = !!found.fetched; // it would be fetched whole
    $('browser').hidden = false;
    $('tables').hidden = !(found.tables.length > 1);
    $('tables').replaceChildren(...found.tables.map(({ table }) => element('option', {}, table)));
    busy(false);
    begin(found);
  } catch (error) {
    busy(false);
    say(`${what}: ${error.message}`, true);
  }
}

function begin({ source, beginning }) {
  state.source = source;
  state.sort = source.size ? 'size' : 'entries';
  state.descending = true;
  $('search').value = '';
  $('search-sort').value = source.mtime ? 'mtime' : source.size ? 'size' : 'path';
  $('own-sql').value = `SELECT * FROM "${source.table.replaceAll('"', '""')}" LIMIT 10;`;
  $('own-result').replaceChildren();
  go(beginning);
}

async function openFile(file) {
  if (!file) return;
  await loaded(file.name, async () => {
    const head = new TextDecoder('latin1').decode(await file.slice(0, 16).arrayBuffer());
    return ask(head.startsWith('SQLite format 3\0') ? 'openDatabase' : 'load', file);
  });
}

// What was no text before it was encoded is left as it is.
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function openAddress(given) {
  let url;
  try {
    url = new URL(given, location.href);
  } catch {
    say(`${given}: this is no address`, true);
    return;
  }
  await loaded(decoded(url.pathname.split('/').pop()) || url.href, () => ask('openAddress', url.href));
}
$('address-form').onsubmit = (event) => {
  event.preventDefault();
  openAddress($('address').value.trim());
};

$('choose').onclick = () => $('file').click();
$('file').onchange = () => openFile($('file').files[0]).then(() => { $('file').value = ''; });
$('sample').onclick = () => loaded('a sample', () => ask('sample', 100000));
$('tables').onchange = async () => {
  try {
    begin(await ask('choose', $('tables').value));
  } catch (error) {
    $('tables').value = state.source.table;
    say(error.message, true);
  }
};
$('save').onclick = async () => {
  try {
    const link = element('a', { download: 'listing.db', href: URL.createObjectURL(new Blob([await ask('save')], { type: 'application/vnd.sqlite3' })) });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  } catch (error) {
    say(`The database cannot be saved: ${error.message}`, true);
  }
};

let over = 0;
addEventListener('dragenter', () => { over++; $('drop').classList.add('over'); });
addEventListener('dragleave', () => { if (--over <= 0) $('drop').classList.remove('over'); });
addEventListener('dragover', (event) => event.preventDefault());
addEventListener('drop', (event) => {
  event.preventDefault();
  over = 0;
  $('drop').classList.remove('over');
  if (!$('choose').disabled) openFile(event.dataTransfer.files[0]);
});

// ---- a level ----

const address = (prefix) => `#/${encodeURIComponent(prefix)}`;
function go(prefix) {
  if (location.hash === address(prefix)) showLevel(prefix);
  else location.hash = address(prefix); // and hashchange shows it
}
addEventListener('hashchange', () => {
  if (!state.source || !location.hash.startsWith('#/')) return;
  state.limit = PAGE;
  $('search').value = '';
  showLevel(decoded(location.hash.slice(2)));
});

function showCrumbs(prefix) {
  const parts = prefix.match(/[^/]*\/|[^/]+$/g) ?? [];
  const crumbs = [element('a', { href: address('') }, state.source.table)];
  parts.forEach((part, at) => {
    const to = parts.slice(0, at + 1).join('');
    crumbs.push(element('span', { 'aria-hidden': 'true' }, '›'),
      element('a', { href: address(to), 'aria-current': at === parts.length - 1 ? 'page' : undefined }, part));
  });
  $('crumbs').replaceChildren(...crumbs);
}

const hue = (text) => [...text].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 360, 7);
const shownName = (path) => path.slice(state.prefix.length) || '. (its own row)';

function showTreemap({ tiles, totals, weight }) {
  const of = (row) => Number(row[weight] ?? (weight === 'entries' ? 1 : 0));
  const shown = tiles.filter((row) => of(row) > 0).sort((a, b) => of(b) - of(a));
  const rest = Number(totals[weight]) - shown.reduce((sum, row) => sum + of(row), 0);
  const map = $('treemap');
  map.hidden = shown.length === 0;
  if (!shown.length) return;
  const all = shown.map((row) => ({ row, weight: of(row) }));
  if (rest > 0) all.push({ row: null, weight: rest });
  all.sort((a, b) => b.weight - a.weight);
  const { width, height } = map.getBoundingClientRect();
  const places = treemap(all.map((tile) => tile.weight), width, height);
  const amount = (value) => (weight === 'size' ? bytes(value) : plural(value, 'row'));
  map.replaceChildren(...all.map(({ row, weight: value }, at) => {
    const [x, y, w, h] = places[at];
    const label = row ? shownName(row.path) : 'all others';
    const below = row && row.entries !== null;
    const tile = element(below ? 'button' : 'div', {
      class: `tile${below ? '' : row ? ' leaf' : ' rest'}`, title: `${label}: ${amount(value)}`,
      'aria-label': below ? `${label}, ${amount(value)}` : undefined, type: below ? 'button' : undefined,
    });
    tile.style.cssText = `left:${x}px;top:${y}px;width:${w}px;height:${h}px;--hue:${row ? hue(label) : 0};${w < 24 || h < 14 ? 'padding:0' : ''}`;
    if (w > 34 && h > 18) tile.append(element('span', {}, element('b', {}, label)));
    if (w > 70 && h > 38) tile.append(element('span', {}, amount(value)));
    if (below) tile.onclick = () => go(row.path);
    return tile;
  }));
}

function showNames({ rows, totals, names, weight }) {
  const total = Number(totals[weight]) || 1;
  $('names').tBodies[0].replaceChildren(...rows.map((row) => {
    const below = row.entries !== null;
    const share = Number(row[weight] ?? (weight === 'entries' ? 1 : 0)) / total;
    const filled = element('b');
    filled.style.width = `${Math.max(0, Math.min(100, share * 100))}%`;
    const own = row.path === state.prefix;
    const label = shownName(row.path);
    const shown = below ? element('a', { href: address(row.path) }, label) : own ? element('i', {}, label) : label;
    const percent = element('span', {}, `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`);
    const size = weight === 'size' || row.size ? bytes(row.size) : '';
    const data = { 'data-path': row.path, 'data-size': row.size ?? '', 'data-entries': row.entries ?? '', 'data-mtime': row.mtime ?? '' };
    return element('tr', data,
      element('td', { class: 'name' }, shown),
      element('td', { class: 'number', title: row.size === null ? undefined : plural(row.size, 'byte') }, size),
      element('td', { class: 'share' }, element('div', { class: 'meter' }, element('i', {}, filled), percent)),
      element('td', { class: 'number' }, below ? count(row.entries) : ''),
      element('td', { class: 'time' }, ...timeParts(row.mtime)));
  }));
  $('more').hidden = rows.length >= names;
  $('more').textContent = `Show more (${count(rows.length)} of ${count(names)} names)`;
  for (const head of $('names').tHead.rows[0].cells) {
    if (head.dataset.sort === state.sort) head.setAttribute('aria-sort', state.descending ? 'descending' : 'ascending');
    else head.removeAttribute('aria-sort');
  }
}

function showLog(log, fetched) {
  $('log-time').textContent = `(${milliseconds(log.reduce((sum, { ms }) => sum + ms, 0))}${fetchedText(fetched)})`;
  $('log').querySelector('ol').replaceChildren(...log.map(({ sql, ms, rows }) =>
    element('li', {}, element('code', {}, sql), element('span', {}, `${milliseconds(ms)}, ${plural(rows, 'row')}`))));
}

async function showLevel(prefix) {
  state.prefix = prefix;
  showCrumbs(prefix);
  const wanted = { prefix, sort: state.sort, descending: state.descending, limit: state.limit };
  let level;
  try {
    level = await ask('level', wanted);
  } catch (error) {
    return say(error.message, true);
  }
  if (prefix !== state.prefix) return undefined; // one has gone on meanwhile
  const { totals, names } = level;
  $('totals').textContent = [plural(names, 'name'), plural(totals.entries, 'row') + ' below', totals.size ? bytes(totals.size) : '',
    totals.mtime ? `newest ${time(totals.mtime)}` : ''].filter(Boolean).join(' · ');
  $('found').hidden = true;
  $('level').hidden = false;
  $('treemap').hidden = false;
  state.shown = level;
  state.sort = level.sort;
  showNames(level);
  showTreemap(level);
  showLog(level.log, level.fetched);
  document.body.dataset.level = prefix; // the tests wait for it
  return undefined;
}

for (const head of $('names').tHead.querySelectorAll('[data-sort]')) {
  head.firstChild.onclick = () => {
    const { sort } = head.dataset;
    state.descending = state.sort === sort ? !state.descending : sort !== 'name';
    state.sort = sort;
    showLevel(state.prefix);
  };
}
$('more').onclick = () => { state.limit *= 5; showLevel(state.prefix); };
addEventListener('resize', () => { if (state.shown && !$('level').hidden) showTreemap(state.shown); });

// ---- a search ----

let asking = 0;

function marked(path, words) {
  const lower = path.toLowerCase();
  const spans = words.map((word) => [lower.indexOf(word.toLowerCase()), word.length]).filter(([at]) => at >= 0).sort((a, b) => a[0] - b[0]);
  const parts = [];
  let at = 0;
  for (const [begin, length] of spans) {
    if (begin < at) continue;
    parts.push(path.slice(at, begin), element('mark', {}, path.slice(begin, begin + length)));
    at = begin + length;
  }
  return [...parts, path.slice(at)];
}

async function search() {
  const words = $('search').value.split(/\s+/).filter(Boolean);
  const mine = ++asking;
  if (!words.length) {
    if (!$('found').hidden) showLevel(state.prefix);
    return;
  }
  let found;
  try {
    found = await ask('search', { prefix: state.prefix, words, sort: $('search-sort').value, limit: PAGE });
  } catch (error) {
    say(error.message, true);
    return;
  }
  if (mine !== asking) return; // more has been typed
  $('found').hidden = false;
  $('level').hidden = true;
  const ms = found.log.reduce((sum, one) => sum + one.ms, 0);
  const many = found.rows.length === PAGE ? `The first ${count(PAGE)} rows` : plural(found.rows.length, 'row');
  $('found-text').textContent = `${many} with ${words.join(' and ')}, in ${milliseconds(ms)}`;
  $('found-table').tBodies[0].replaceChildren(...found.rows.map((row) => {
    const folder = row.path.slice(0, row.path.lastIndexOf('/', row.path.length - 2) + 1);
    return element('tr', { 'data-path': row.path },
      element('td', { class: 'name' }, element('a', { href: address(folder), title: `Go to ${folder || 'the beginning'}` }, ...marked(row.path, words))),
      element('td', { class: 'number' }, bytes(row.size)), element('td', { class: 'time' }, ...timeParts(row.mtime)));
  }));
  showLog(found.log, found.fetched);
  document.body.dataset.found = $('search').value;
}
let soon;
$('search').oninput = () => { clearTimeout(soon); soon = setTimeout(search, 60); };
$('search-sort').onchange = search;

// ---- queries ----

function results(list) {
  const shown = list.filter(({ error, columns }) => error !== undefined || columns.length);
  if (!shown.length) return [element('p', { class: 'hint' }, 'Done; it gives no rows.')];
  return shown.map(({ error, columns, rows, more, ms }) => {
    if (error !== undefined) return element('p', { class: 'error' }, error);
    const cell = (value) => element('td', { class: value === null ? 'null' : typeof value === 'number' ? 'number' : undefined }, String(value ?? 'NULL'));
    const table = element('table', {},
      element('thead', {}, element('tr', {}, ...columns.map((column) => element('th', { scope: 'col' }, column)))),
      element('tbody', {}, ...rows.map((row) => element('tr', {}, ...row.map(cell)))));
    return element('div', { class: 'scroll' }, table, element('p', { class: 'hint' }, `${plural(rows.length, 'row')}${more ? ' and more' : ''}, ${milliseconds(ms)}`));
  });
}

const tour = JSON.parse($('tour').textContent);
const cells = tour.map(({ title, sql }, at) => {
  const area = element('textarea', { spellcheck: 'false', rows: sql.split('\n').length, 'aria-label': `SQL: ${title}`, autocomplete: 'off' }, sql);
  const button = element('button', { type: 'button' }, 'Run');
  const result = element('div', { class: 'results', 'aria-live': 'polite' });
  button.onclick = runTour;
  onControlEnter(area, runTour);
  $('cells').append(element('article', { class: 'cell' }, element('h3', { id: `cell-${at}` }, title), area,
    element('p', {}, button, ' ', element('span', { class: 'hint short-off' }, 'Ctrl+Enter')), result));
  return { area, result };
});

function onControlEnter(area, work) {
  area.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    work();
  });
}

async function runTour() {
  const all = await ask('tour', cells.map(({ area }) => area.value));
  all.forEach((list, at) => {
    cells[at].result.replaceChildren(...results(list));
    // As README shows them, for the tests.
    const lines = ({ rows = [], error }) => (error ? [error] : rows.map((row) => row.map((value) => value ?? '').join('|')));
    cells[at].result.dataset.rows = JSON.stringify(list.flatMap(lines));
  });
}

const runOwn = async () => $('own-result').replaceChildren(...results(await ask('sql', $('own-sql').value)));
$('own-run').onclick = runOwn;
onControlEnter($('own-sql'), runOwn);

// ---- the beginning ----

(async () => {
  try {
    const code = await wasm();
    const version = await ask('start', code, [code.buffer]);
    $('version').textContent = `SQLite ${version}`;
    busy(false);
    say('Ready.');
    await runTour();
    document.body.dataset.ready = 'yes';
    const given = new URLSearchParams(location.search).get('url');
    if (given) {
      $('address').value = given;
      await openAddress(given);
    }
  } catch (error) {
    say(`SQLite cannot be started here: ${error.message}`, true);
  }
})();
