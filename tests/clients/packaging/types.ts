// What TypeScript knows of the package of npm: this compiles, and each line behind an expected error does not.
import { getLoadablePath, load } from 'sqlite-art';

const file: string = getLoadablePath();
declare const likeBetterSqlite3: { loadExtension(path: string, entryPoint?: string): object };
declare const likeNode: { loadExtension(path: string): void };
load(likeBetterSqlite3);
load(likeNode);
// @ts-expect-error: a path is a string
const wrong: number = getLoadablePath();
// @ts-expect-error: not a connection
load({});
export { file, wrong };
