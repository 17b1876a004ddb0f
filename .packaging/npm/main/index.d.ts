/** A connection that can load extensions, as better-sqlite3, libsql and node:sqlite have it. */
export interface LoadsExtensions {
  loadExtension(file: string, ...more: any[]): unknown;
}

/** The path of art.so (Windows: art.dll). Throws where there is no binary for this platform, and says what to do. */
export declare function getLoadablePath(): string;

/** Loads sqlite-art into a connection; with node:sqlite, one that was opened with `allowExtension: true`. */
export declare function load(db: LoadsExtensions): void;
