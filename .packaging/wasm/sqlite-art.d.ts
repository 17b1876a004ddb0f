/** What comes from SQLite; an INTEGER is a bigint only where a number is not exact. */
export type Value = null | number | bigint | string | Uint8Array;
/** What goes to SQLite; true and false as 1 and 0. */
export type Parameter = Value | boolean | ArrayBuffer | ArrayBufferView;
export type Parameters = readonly Parameter[] | { readonly [name: string]: Parameter };

export interface Options {
  /** art.wasm's bytes, for those who keep the file elsewhere. Counts in the first call alone. */
  wasm?: Uint8Array | ArrayBuffer;
}

export interface Changes {
  /** sqlite3_changes(): of a statement that changes no rows, as CREATE or SELECT, those of the one before. */
  changes: number | bigint;
  lastInsertRowid: number | bigint;
}

export declare class SqliteError extends Error {
  /** SQLite's extended result code. */
  readonly code: number;
}

/** Compiles the module, once; open() does it, too. */
export declare function load(options?: Options): Promise<void>;

/** Opens a database in memory: a new one, or one whose file has these bytes (which are copied). */
export declare function open(bytes?: Uint8Array | ArrayBuffer | null, options?: Options): Promise<Database>;

/** Opens a database on a web server, which art_publish() has made: pages are fetched as they are read. In a worker alone. */
export declare function openUrl(url: string | URL, options?: Options): Promise<Database>;

/** SQLite's version; after load() or open(). */
export declare function sqliteVersion(): string;

export declare class Database {
  private constructor();
  readonly open: boolean;
  /** Runs a script; rows that it gives are dropped. */
  exec(sql: string): void;
  run(sql: string, parameters?: Parameters): Changes;
  rows<Row = Record<string, Value>>(sql: string, parameters?: Parameters): Row[];
  values<Row = Value[]>(sql: string, parameters?: Parameters): Row[];
  prepare(sql: string): Statement;
  /** The statements of a script; each is prepared when those before have run, and finalized behind. */
  statements(sql: string): Generator<Statement, void, void>;
  /** COMMIT behind `work`, ROLLBACK after an error. A TypeError where it is asynchronous. */
  transaction<T>(work: () => T): T;
  /** Of one that openUrl() has opened: how many requests there were, and their bytes. */
  readonly fetched: { requests: number; bytes: number } | null;
  /** The database as the bytes of a file. An error within a transaction. */
  bytes(): Uint8Array;
  /** Frees the database with all its statements. */
  close(): void;
}

export declare class Statement {
  private constructor();
  readonly sql: string;
  readonly columns: string[];
  bind(parameters: Parameters): this;
  /** To the next row: whether there is one. */
  step(): boolean;
  /** The row that step() came to. */
  row(): Value[];
  reset(): this;
  /** These begin anew; without parameters with those that are bound. */
  run(parameters?: Parameters): Changes;
  rows<Row = Record<string, Value>>(parameters?: Parameters): Row[];
  values<Row = Value[]>(parameters?: Parameters): Row[];
  finalize(): void;
}
