import { resolve } from "node:path";
import { MeshError } from "../errors.js";
import { msg } from "../messages/message.js";
import type { Context } from "./context.js";

const MAX_SECRET = 64 * 1024;
const MAX_PASSPHRASE = 4096;

const dropNewline = (octets: Buffer): Buffer => {
  const length = octets.at(-1) === 0x0a ? (octets.at(-2) === 0x0d ? 2 : 1) : 0;
  return octets.subarray(0, octets.length - length);
};

/** The octets of a file that the user named. Throws `file-unreadable`, or `too-large` beyond `limit`. */
export const readNamedFile = (context: Context, path: string, limit: number): Buffer => {
  let octets: Buffer;
  try {
    octets = context.deps.fs.readFile(resolve(context.deps.cwd, path), limit);
  } catch (cause) {
    throw new MeshError("file-unreadable", msg("file.unreadable", { path }), {
      cause,
      hint: msg("file.unreadable.hint"),
    });
  }
  if (octets.length > limit) throw new MeshError("too-large", msg("file.too-large", { path }));
  return octets;
};

/** A passphrase file. A readable mode is only warned about, since mounted secrets often have one. */
export const readSecretFile = async (context: Context, path: string): Promise<Buffer> => {
  const octets = readNamedFile(context, path, MAX_SECRET);
  const stat = context.deps.fs.stat(resolve(context.deps.cwd, path));
  if (context.deps.platform !== "win32" && stat && (stat.mode & 0o077) !== 0 && !path.startsWith("/dev/")) {
    await context.note(msg("file.shared", { path }));
  }
  return dropNewline(octets);
};

/** A passphrase from a file descriptor. */
export const readFdText = async (context: Context, fd: number): Promise<Buffer> => {
  let octets: Buffer;
  try {
    octets = await context.deps.readFd(fd, MAX_PASSPHRASE);
  } catch (cause) {
    throw new MeshError("file-unreadable", msg("file.descriptor-unreadable", { fd }), { cause });
  }
  if (octets.length > MAX_PASSPHRASE) throw new MeshError("too-large", msg("file.passphrase-long"));
  return dropNewline(octets);
};
