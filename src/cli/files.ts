import { dirname, resolve } from "node:path";
import { MeshError } from "../errors.js";
import type { FileStat } from "../deps.js";
import { systemCode, writeDurably } from "../keystore/durable.js";
import type { Context } from "./context.js";

/** What stands at a path that the user named, if anything does. Throws `file-unreadable` for one that no file can have. */
export const statNamed = ({ deps }: Context, path: string): FileStat | undefined => {
  try {
    return deps.fs.stat(path);
  } catch (cause) {
    const reason = systemCode(cause) ?? "unknown error";
    throw new MeshError("file-unreadable", `The path ${path} cannot be used: ${reason}.`, { cause });
  }
};

/** Writes a new file 0600, durably. Never replaces one: throws `file-exists`. Gives the absolute path. */
export const writeNewFile = (context: Context, path: string, text: string): string => {
  const { deps } = context;
  if (path === "") throw new MeshError("usage", "The path of the file to write is empty.");
  const absolute = resolve(deps.cwd, path);
  if (statNamed(context, absolute)) {
    throw new MeshError("file-exists", `The file ${path} exists already.`, {
      hint: "Name another, or move that one away.",
    });
  }
  if (!statNamed(context, dirname(absolute))?.isDirectory) {
    throw new MeshError("file-unreadable", `The folder of ${path} does not exist.`, { hint: "Make it first." });
  }
  writeDurably(deps.fs, absolute, Buffer.from(text, "utf8"), deps.random);
  return absolute;
};
