import { basename, dirname, join } from "node:path";
import type { FileSystem } from "../deps.js";
import { MeshError } from "../errors.js";
import { msg, verbatim } from "../messages/message.js";

/** Permission bits that nobody but the owner may have. */
const OTHERS = 0o077;

/** True for the name of a temporary file that `writeDurably` makes and a killed process leaves behind. */
export const isTemporaryName = (name: string): boolean => /^\..+\.[0-9a-f]{16}\.tmp$/.test(name);

/** The `code` of an error of the operating system. */
export const systemCode = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;

/** A path as one word of a POSIX shell. */
const quote = (path: string): string => `'${path.replaceAll("'", "'\\''")}'`;

/** What a failed file operation means to the user: `read-only` or `io-failed`. A MeshError stays as it is. */
export const fileError = (cause: unknown, path: string, verb: "read" | "write" | "lock"): MeshError => {
  if (cause instanceof MeshError) return cause;
  // UNKNOWN is the system's own name for what it cannot name.
  const code = systemCode(cause) ?? "UNKNOWN";
  const text = msg(`keystore.cannot-${verb}`, { path, code });
  const isDenied = code === "EACCES" || code === "EPERM";
  if (verb !== "read" && (code === "EROFS" || isDenied)) {
    return new MeshError("read-only", text, { cause, hint: msg("keystore.read-only.hint") });
  }
  if (isDenied) return new MeshError("io-failed", text, { cause, hint: msg("keystore.denied.hint") });
  const full = code === "ENOSPC" || code === "EDQUOT";
  const hint = full ? msg("keystore.disk-full.hint") : msg("keystore.nothing-lost.hint");
  return new MeshError("io-failed", text, verb === "read" ? { cause } : { cause, hint });
};

/** Refuses a file or folder that other people may use. Windows has no such bits. Throws `keystore-permissions`. */
export const refuseShared = (mode: number, path: string, kind: "file" | "folder", platform: string): void => {
  if (platform === "win32" || (mode & OTHERS) === 0) return;
  throw new MeshError("keystore-permissions", msg(`keystore.${kind}-shared`, { path }), {
    hint: verbatim(`chmod ${kind === "file" ? "600" : "700"} ${quote(path)}`),
  });
};

const writeAll = (fs: FileSystem, fd: number, data: Uint8Array): void => {
  for (let written = 0; written < data.length;) {
    const count = fs.write(fd, data.subarray(written));
    if (count <= 0) throw new Error("The system wrote nothing.");
    written += count;
  }
};

const writeNew = (fs: FileSystem, path: string, data: Uint8Array): void => {
  const fd = fs.create(path, 0o600);
  try {
    writeAll(fs, fd, data);
    fs.fsync(fd);
  } catch (error) {
    try {
      fs.close(fd);
    } catch {
      // The first error says more.
    }
    throw error;
  }
  fs.close(fd);
};

/** Removes a file where it can be removed. */
export const discard = (fs: FileSystem, path: string): void => {
  try {
    fs.unlink(path);
  } catch {
    // It is gone, or the next holder of the lock removes it.
  }
};

const temporaryFor = (path: string, random: (length: number) => Uint8Array): string =>
  join(dirname(path), `.${basename(path)}.${Buffer.from(random(8)).toString("hex")}.tmp`);

/**
 * Replaces the file at `path` with `data`, mode 0600: readers and a power cut find the old file or the new one, whole.
 * `beforeRename` runs at the last moment before the change is made and may throw to stop it. On failure the temporary
 * file is removed. Throws `read-only` or `io-failed`, with the system's error as cause.
 */
export const writeDurably = (
  fs: FileSystem,
  path: string,
  data: Uint8Array,
  random: (length: number) => Uint8Array,
  beforeRename: () => void = () => undefined,
): void => {
  const temporary = temporaryFor(path, random);
  try {
    writeNew(fs, temporary, data);
    beforeRename();
    fs.rename(temporary, path);
    fs.fsyncDirectory(dirname(path));
  } catch (cause) {
    discard(fs, temporary);
    throw fileError(cause, path, "write");
  }
};

/**
 * Replaces a file that can be had again: readers find the old file or the new one, but a power cut may leave neither, and who reads it
 * must notice. Throws as `writeDurably` does.
 */
export const writeLightly = (
  fs: FileSystem,
  path: string,
  data: Uint8Array,
  random: (length: number) => Uint8Array,
): void => {
  const temporary = temporaryFor(path, random);
  try {
    const fd = fs.create(temporary, 0o600);
    try {
      writeAll(fs, fd, data);
    } finally {
      fs.close(fd);
    }
    fs.rename(temporary, path);
  } catch (cause) {
    discard(fs, temporary);
    throw fileError(cause, path, "write");
  }
};

/**
 * The same for what is too large to be held in memory: `produce` is given the way to write it piece by piece, and what it throws is
 * thrown on. Gives what it gave.
 */
export const writeDurablyInPieces = async <Result>(
  fs: FileSystem,
  path: string,
  produce: (write: (data: Uint8Array) => void) => Promise<Result>,
  random: (length: number) => Uint8Array,
  beforeRename: () => void = () => undefined,
): Promise<Result> => {
  const temporary = temporaryFor(path, random);
  const attempt = <Value>(action: () => Value): Value => {
    try {
      return action();
    } catch (cause) {
      throw fileError(cause, path, "write");
    }
  };
  const fd = attempt(() => fs.create(temporary, 0o600));
  let open = true;
  try {
    const result = await produce((data) => attempt(() => writeAll(fs, fd, data)));
    attempt(() => fs.fsync(fd));
    open = false;
    attempt(() => {
      fs.close(fd);
      beforeRename();
      fs.rename(temporary, path);
      fs.fsyncDirectory(dirname(path));
    });
    return result;
  } catch (error) {
    try {
      if (open) fs.close(fd);
    } catch {
      // The first error says more.
    }
    discard(fs, temporary);
    throw error;
  }
};

/**
 * The octets of a file that only its owner may read, or undefined where there is none.
 * Throws `keystore-permissions` where others may access it, `state-corrupt` where it is longer than `limit`, `io-failed`.
 */
export const readPrivateFile = (fs: FileSystem, path: string, limit: number, platform: string): Buffer | undefined => {
  try {
    const stat = fs.stat(path);
    if (!stat) return undefined;
    refuseShared(stat.mode, path, "file", platform);
    const octets = fs.readFile(path, limit);
    if (octets.length > limit) throw new MeshError("state-corrupt", msg("keystore.file-too-long", { path, limit }));
    return octets;
  } catch (cause) {
    if (systemCode(cause) === "ENOENT") return undefined;
    throw fileError(cause, path, "read");
  }
};
