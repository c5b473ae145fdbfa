import { dirname, resolve } from "node:path";
import { MeshError } from "../errors.js";
import type { FileStat } from "../deps.js";
import { systemCode, writeDurably, writeDurablyInPieces } from "../keystore/durable.js";
import { msg } from "../messages/message.js";
import type { Context } from "./context.js";

/** What stands at a path that the user named, if anything does. Throws `file-unreadable` for one that no file can have. */
export const statNamed = ({ deps }: Context, path: string): FileStat | undefined => {
  try {
    return deps.fs.stat(path);
  } catch (cause) {
    const reason = systemCode(cause);
    const text =
      reason === undefined ? msg("file.path-unusable-somehow", { path }) : msg("file.path-unusable", { path, reason });
    throw new MeshError("file-unreadable", text, { cause });
  }
};

/** The absolute path of a file that is to be made. Throws `file-exists`, or `file-unreadable` where there is no folder for it. */
export const newFilePath = (context: Context, path: string): string => {
  const { deps } = context;
  if (path === "") throw new MeshError("usage", msg("file.path-empty"));
  const absolute = resolve(deps.cwd, path);
  if (statNamed(context, absolute)) {
    throw new MeshError("file-exists", msg("file.exists", { path: JSON.stringify(path) }), {
      hint: msg("file.exists.hint"),
    });
  }
  if (!statNamed(context, dirname(absolute))?.isDirectory) {
    throw new MeshError("file-unreadable", msg("file.folder-missing", { path: JSON.stringify(path) }), {
      hint: msg("file.folder-missing.hint"),
    });
  }
  return absolute;
};

/**
 * Writes a new file 0600, durably, piece by piece, and gives what `produce` gave. Nothing stands at the path before all of it is on
 * disk. Never replaces a file: throws `file-exists`.
 */
export const writeNewFileInPieces = async <Result>(
  context: Context,
  path: string,
  produce: (write: (data: Uint8Array) => void) => Promise<Result>,
): Promise<Result> => {
  const { fs, random } = context.deps;
  return writeDurablyInPieces(fs, newFilePath(context, path), produce, random, () => void newFilePath(context, path));
};

/** Writes a new file 0600, durably. Never replaces one: throws `file-exists`. Gives the absolute path. */
export const writeNewFile = (context: Context, path: string, text: string): string => {
  const absolute = newFilePath(context, path);
  writeDurably(context.deps.fs, absolute, Buffer.from(text, "utf8"), context.deps.random);
  return absolute;
};
