// A file on a web server that SQLite reads page by page, by range requests: for a database that nobody changes there.
//
//   opened     one request, which does not wait for the whole file: does the server know ranges, and how long is the file?
//   read()     out of the blocks that are there; else one request, made synchronously, as only a worker may. What is read in order
//              comes in larger and larger requests, and so does what lies near other requests: who looks for rows here and there
//              in a table wants more of that part of it
//   ahead()    art says how many bytes it will read, as of the next read that lies in no block (ART_WILL_READ in ext/art.h)
//
// Each answer is compared with the first one, by ETag, Last-Modified and length, as far as the server tells them (another origin has to
// expose ETag and Content-Range). A file that has changed is read no more: pages of two files would be mixed. A whole file in answer to a
// part counts as a change, since a cache gets it that asks for the rest of a file that is gone. After a broken connection the next read tries again.

const BLOCK = 16384;
const HEAD = 100; // bytes of a database's header
const FIRST = 6 * BLOCK; // the first request
const LEAST = 4 * BLOCK, MOST = 64 * BLOCK; // of the others, but where more is announced
const KEPT = 4096; // blocks
const NEAR = 64 * BLOCK, NEAR_MOST = 16 * BLOCK; // within so many bytes each request asks for twice as much as the one before, up to that

export class RemoteFile {
  requests = 0;
  bytes = 0;
  size = 0;
  problem = null; // why the last read failed
  failure = null; // why a read failed, since somebody has set this to null
  #url;
  #get;
  #blocks = new Map();
  #marks = null; // what the first answer said of the file
  #changed = false;
  #page = 0; // bytes of one
  #announced = 0;
  #near = new Map(); // bytes that the next request there asks for
  #end = -1; // of the last request, and its length
  #length = 0;

  /** `get(url, begin, end)` gives { status, headers, body }: of XMLHttpRequest unless another one is given. */
  constructor(url, get = getSynchronously) {
    this.#url = url;
    this.#get = get;
  }

  /** Before the first read. */
  async open() {
    const stop = new AbortController();
    let answer, body;
    try {
      answer = await fetch(this.#url, { headers: { Range: `bytes=0-${FIRST - 1}` }, signal: stop.signal });
      if (answer.status === 206) body = new Uint8Array(await answer.arrayBuffer());
    } catch (error) {
      throw new Error(`cannot fetch ${this.#url}: ${error.message}`);
    } finally {
      stop.abort(); // a whole file is not waited for
    }
    this.begin(answer.status, (name) => answer.headers.get(name), body);
  }

  /** Takes the first answer, to bytes=0-. */
  begin(status, header, body) {
    this.#count(body?.length ?? 0);
    if (status === 200) {
      throw new Error(`the server sends the whole file instead of a part (${this.#url}): put it on one that answers range requests with `
        + '206, and does not compress it');
    }
    if (status !== 206) throw new Error(`the server answers ${status} (${this.#url}): is the file there?`);
    if (!isPart(header, 0)) throw new Error(otherPart(this.#url));
    if (!body.length || !'SQLite format 3'.startsWith(new TextDecoder('latin1').decode(body.subarray(0, 15)))) {
      throw new Error(`this is no database of SQLite (${this.#url})`);
    }
    if (body.length < HEAD) throw new Error(`the connection broke off (${this.#url}): try again`);
    if (body[18] === 2) {
      throw new Error(`the database is in WAL mode, which cannot be read from a web server (${this.#url}): make a copy by art_publish()`);
    }
    this.#marks = marksOf(header);
    const view = new DataView(body.buffer, body.byteOffset);
    this.#page = view.getUint16(16) === 1 ? 65536 : view.getUint16(16);
    this.size = this.#marks.size ?? this.#page * view.getUint32(28); // of another origin the headers may be hidden
    this.#keep(0, body.length < this.size ? body.subarray(0, body.length - body.length % BLOCK) : body); // a server may send less
  }

  announce(bytes) { this.#announced = bytes; }

  /** Into `to`; false: it failed, and `problem` says why. */
  read(to, offset) {
    this.problem = null;
    try {
      for (let at = offset, end = offset + to.length; at < end;) {
        const number = Math.floor(at / BLOCK), block = this.#blocks.get(number) ?? this.#fetchBlock(number, end);
        const from = at - number * BLOCK, part = block.subarray(from, Math.min(block.length, from + end - at));
        if (!part.length) throw new Error(`the file ends before its database (${this.#url})`);
        to.set(part, at - offset);
        at += part.length;
      }
    } catch (error) {
      this.problem = this.failure = error.message;
      return false;
    }
    if (this.#announced) this.#announced = Math.max(0, this.#announced - to.length);
    return true;
  }

  #count(bytes) {
    this.requests++;
    this.bytes += bytes;
  }

  #keep(begin, body) {
    for (let at = 0; at < body.length; at += BLOCK) this.#blocks.set((begin + at) / BLOCK, body.subarray(at, at + BLOCK));
    for (const number of this.#blocks.keys()) {
      if (this.#blocks.size <= KEPT) break;
      this.#blocks.delete(number);
    }
    this.#end = begin + body.length;
    this.#length = body.length;
  }

  // From that block on, as far as none is there yet, and what is left before it; up to `needed` at least.
  #fetchBlock(number, needed) {
    const announced = this.#announced;
    let begin = number * BLOCK, end = begin + BLOCK;
    if (begin >= this.size) throw new Error(`the file ends before its database (${this.#url})`);
    const near = Math.floor(begin / NEAR), goesOn = begin >= this.#end && begin - this.#end <= 2 * this.#length;
    let wanted = Math.min(MOST, Math.max(this.#near.get(near) ?? LEAST, goesOn ? 2 * this.#length : 0));
    if (announced) wanted = announced + announced / 16 + 2 * Math.max(BLOCK, this.#page); // what SQLite has beside rows
    else this.#near.set(near, Math.min(2 * wanted, NEAR_MOST));
    while (end < Math.max(begin + wanted, needed) && end < this.size && !this.#blocks.has(end / BLOCK)) end += BLOCK;
    if (!announced) while (begin && end - begin < wanted && !this.#blocks.has(begin / BLOCK - 1)) begin -= BLOCK;
    end = Math.min(end, this.size);
    this.#keep(begin, this.#fetch(begin, end));
    if (announced) this.#length = LEAST; // what follows is another matter
    this.#announced = 0;
    return this.#blocks.get(number);
  }

  #fetch(begin, end) {
    if (this.#changed) throw this.#changeError();
    let answer;
    for (let attempt = 1; !answer; attempt++) {
      try {
        answer = this.#get(this.#url, begin, end);
      } catch (error) {
        this.#count(0);
        if (attempt === 2) throw new Error(`the connection broke off (${this.#url}, bytes ${begin} to ${end}): try again`);
      }
    }
    const { status, header, body } = answer;
    this.#count(body.length);
    const marks = marksOf(header), isFile = status === 200 || status === 206; // a page of an error has marks of its own
    const differs = isFile && Object.keys(marks).some((name) => marks[name] !== null && this.#marks[name] !== null && marks[name] !== this.#marks[name]);
    if (differs || [200, 404, 412, 416].includes(status)) {
      this.#changed = true;
      throw this.#changeError();
    }
    if (status !== 206) throw new Error(`the server answers ${status} to a range request (${this.#url}): try again`);
    if (!isPart(header, begin)) throw new Error(otherPart(this.#url));
    if (body.length !== end - begin) throw new Error(`the connection broke off (${this.#url}, bytes ${begin} to ${end}): try again`);
    return body;
  }

  #changeError() {
    return new Error(`the file has changed since it was opened (${this.#url}): open it again`);
  }
}

// Where the header is shown, which another origin has to allow.
function isPart(header, begin) {
  const range = /^bytes (\d+)-/.exec(header('content-range') ?? '');
  return !range || Number(range[1]) === begin;
}

const otherPart = (url) => `the server sends another part than the one that was asked for (${url}): try again, or look for a proxy on the way`;

function marksOf(header) {
  const range = /\/(\d+)$/.exec(header('content-range') ?? '');
  return { etag: header('etag'), modified: header('last-modified'), size: range ? Number(range[1]) : null };
}

function getSynchronously(url, begin, end) {
  const request = new XMLHttpRequest();
  request.open('GET', url, false);
  request.responseType = 'arraybuffer';
  request.setRequestHeader('Range', `bytes=${begin}-${end - 1}`);
  request.send();
  return { status: request.status, header: (name) => request.getResponseHeader(name), body: new Uint8Array(request.response) };
}
