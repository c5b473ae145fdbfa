import { basename, dirname, join } from "node:path";
import type { FileStat } from "../deps.js";
import { isMeshError, MeshError } from "../errors.js";
import { msg } from "../messages/message.js";
import { discard, fileError, isTemporaryName, readPrivateFile, systemCode } from "./durable.js";
import type { Home } from "./home.js";
import { decodeKey, encodeKey, linesOf } from "./key-text.js";

/** What a key file holds. Several keys while one is being replaced, or where several keystores share a file on a stick. */
export interface KeyFile {
  /** The caller wipes them. */
  readonly keys: readonly Buffer[];
  /** False where there is anything else in it, so that it is no file of ours. */
  readonly isPure: boolean;
}

const LIMIT = 1024;
const LINE_FEED = Buffer.from("\n");

/** Where the key file of a home is, unless the user names another place. */
export const keyFileOf = (home: Home): string => join(home.path, "keystore.key");

/** True for a key file outside of the home, which may be on a stick that knows no permissions. */
const isElsewhere = (home: Home, path: string): boolean => path !== keyFileOf(home);

/** What stands at the path of a key file. Throws `io-failed`. */
export const statKeyFile = ({ deps }: Home, path: string): FileStat | undefined => {
  try {
    return deps.fs.stat(path);
  } catch (cause) {
    if (systemCode(cause) === "ENOTDIR") return undefined;
    throw fileError(cause, path, "read");
  }
};

/**
 * The keys in a key file, or undefined where there is no file. In the home it must be this user's alone.
 * Throws `keystore-permissions` or `io-failed`.
 */
export const readKeyFile = (home: Home, path: string): KeyFile | undefined => {
  const { fs, platform } = home.deps;
  const elsewhere = isElsewhere(home, path);
  // A pipe would be waited for.
  if (elsewhere && statKeyFile(home, path)?.isFile === false) return { keys: [], isPure: false };
  try {
    const octets = readPrivateFile(fs, path, LIMIT, elsewhere ? "win32" : platform);
    if (!octets) return undefined;
    const lines = linesOf(octets).filter((line) => line.length > 0);
    const keys = lines.flatMap((line) => decodeKey(line) ?? []);
    octets.fill(0);
    return { keys, isPure: keys.length === lines.length };
  } catch (error) {
    // Longer than any key file: as odd as any other text.
    if (isMeshError(error, "state-corrupt")) return { keys: [], isPure: false };
    throw error;
  }
};

const write = (home: Home, path: string, keys: readonly Buffer[]): void => {
  const parts = keys.flatMap((key) => [encodeKey(key), LINE_FEED]);
  const text = Buffer.concat(parts);
  for (const part of parts) if (part !== LINE_FEED) part.fill(0);
  try {
    if (text.length > LIMIT) throw new MeshError("too-large", msg("keystore.file-would-grow", { path, limit: LIMIT }));
    if (isElsewhere(home, path)) clean(home, path);
    home.write(path, text);
  } catch (error) {
    if (!isElsewhere(home, path) || !isMeshError(error, "read-only", "io-failed")) throw error;
    throw new MeshError(error.code, error.text, { cause: error, hint: msg("keystore.key-file-place.hint") });
  } finally {
    text.fill(0);
  }
};

/** Removes what a killed process has left of this file. In the home the next holder of the lock does that. */
const clean = ({ deps }: Home, path: string): void => {
  const folder = dirname(path);
  for (const name of deps.fs.list(folder)) {
    if (name.startsWith(`.${basename(path)}.`) && isTemporaryName(name)) discard(deps.fs, join(folder, name));
  }
};

/**
 * Puts a key into a key file, in front of those that are there and that `stays` says yes to: in the home. A file elsewhere
 * may serve other keystores too, so nothing in it is lost. Throws `file-exists` where something else is there.
 */
export const putKey = (home: Home, path: string, key: Buffer, stays: (other: Buffer) => boolean): void => {
  const present = readKeyFile(home, path);
  const elsewhere = isElsewhere(home, path);
  const keys = present?.keys ?? [];
  try {
    if (elsewhere && present?.isPure === false) {
      throw new MeshError("file-exists", msg("keystore.key-file-taken", { path }), {
        hint: msg("keystore.key-file-taken.hint"),
      });
    }
    write(home, path, [key, ...keys.filter((other) => !other.equals(key) && (elsewhere || stays(other)))]);
  } finally {
    for (const other of keys) other.fill(0);
  }
};

/** Takes keys out of a key file, and the file away where none is left. */
export const dropKeys = (home: Home, path: string, goes: (key: Buffer) => boolean): void => {
  const present = readKeyFile(home, path);
  if (!present) return;
  const left = present.keys.filter((key) => !goes(key));
  try {
    // Somebody has put something else there meanwhile.
    if (!present.isPure && isElsewhere(home, path)) return;
    if (left.length === 0) home.remove(path);
    else if (left.length < present.keys.length) write(home, path, left);
  } finally {
    for (const key of present.keys) key.fill(0);
  }
};
