import { resolve } from "node:path";
import { MeshError } from "../../errors.js";
import { writeDurably } from "../../keystore/durable.js";
import { msg } from "../../messages/message.js";
import type { Context, Input } from "../context.js";
import { newFilePath, statNamed } from "../files.js";
import { fields, raw, type Result } from "../output.js";

/** The first line of the files that these commands write, by which they know what they may write anew. */
const HEADER = "# Written by meshman. Changes are lost when it is written again.\n";

const isOurs = ({ deps }: Context, path: string): boolean => {
  try {
    return deps.fs.readFile(path, HEADER.length).toString("latin1", 0, HEADER.length) === HEADER;
  } catch {
    return false;
  }
};

/** The path of a file that may be written: there is none yet, or one of these commands wrote it. Throws as `newFilePath` does. */
const writablePath = (context: Context, path: string): string => {
  const absolute = resolve(context.deps.cwd, path);
  return path !== "" && statNamed(context, absolute)?.isFile === true && isOurs(context, absolute)
    ? absolute
    : newFilePath(context, path);
};

/** Refuses a path of `--out` that cannot be written, before anything is done. */
export const checkOut = (context: Context, input: Input): void => {
  const out = input.text("out");
  if (out !== undefined) writablePath(context, out);
};

/** Prints a text for OpenSSH, or writes it to the file of `--out`, 0600 and whole, under a line that says who wrote it. */
export const printOrWrite = (context: Context, input: Input, text: string, value: object): Result => {
  const out = input.text("out");
  if (out === undefined) return { value, text: raw(text) };
  const file = writablePath(context, out);
  writeDurably(context.deps.fs, file, Buffer.from(`${HEADER}${text}`, "utf8"), context.deps.random);
  return { value: { ...value, file }, text: fields([[msg("label.file"), file]]) };
};

/** The error of two options that exclude each other. */
export const oneOf = (first: string, second: string): MeshError =>
  new MeshError("usage", msg("usage.one-place", { first, second }));
