import { resolve } from "node:path";
import { MeshError } from "../errors.js";
import { withoutNewline } from "../keystore/key-text.js";
import { msg, type Message } from "../messages/message.js";
import type { Context } from "./context.js";

const MAX_SECRET = 64 * 1024;
const MAX_PASSPHRASE = 4096;

/** An error for a question that cannot be asked, where more than one option can answer it. The hint names them. */
export const inputNeeded = (what: Message, hint: Message): MeshError =>
  new MeshError("input-required", msg("input.required", { what }), { hint });

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

/** Warns of a file with a secret that others can read. It is used all the same, since mounted secrets often are so. */
export const warnShared = async (context: Context, path: string): Promise<void> => {
  const { deps } = context;
  if (deps.platform === "win32" || path.startsWith("/dev/")) return;
  const stat = (() => {
    try {
      return deps.fs.stat(resolve(deps.cwd, path));
    } catch {
      // Whoever reads it says what is wrong.
      return undefined;
    }
  })();
  if (stat && (stat.mode & 0o077) !== 0) await context.note(msg("file.shared", { path }));
};

/** The octets of a file with a secret, just as they are. */
export const readSecretOctets = async (context: Context, path: string): Promise<Buffer> => {
  const octets = readNamedFile(context, path, MAX_SECRET);
  await warnShared(context, path);
  return octets;
};

/** A passphrase file. One trailing newline is dropped. */
export const readSecretFile = async (context: Context, path: string): Promise<Buffer> =>
  withoutNewline(await readSecretOctets(context, path));

/** The octets of a secret from a file descriptor. Throws `file-unreadable`, or `too-large`. */
export const readFdOctets = async (context: Context, fd: number): Promise<Buffer> => {
  let octets: Buffer;
  try {
    octets = await context.deps.readFd(fd, MAX_PASSPHRASE);
  } catch (cause) {
    throw new MeshError("file-unreadable", msg("file.descriptor-unreadable", { fd }), {
      cause,
      hint: msg("file.descriptor-unreadable.hint", { fd: fd > 2 ? fd : 3 }),
    });
  }
  if (octets.length > MAX_PASSPHRASE) throw new MeshError("too-large", msg("file.descriptor-long", { fd }));
  return octets;
};

/** A passphrase from a file descriptor. One trailing newline is dropped. */
export const readFdText = async (context: Context, fd: number): Promise<Buffer> =>
  withoutNewline(await readFdOctets(context, fd));
