import { resolve } from "node:path";
import { isMeshError, MeshError } from "../errors.js";
import { withoutNewline } from "../keystore/key-text.js";
import { msg, type Message } from "../messages/message.js";
import type { Context } from "./context.js";

const MAX_SECRET = 64 * 1024;
const MAX_PASSPHRASE = 4096;

/** An error for a question that cannot be asked, where more than one option can answer it. The hint names them. */
export const inputNeeded = (what: Message, hint: Message): MeshError =>
  new MeshError("input-required", msg("input.required", { what }), { hint });

/** An error for an option, or an argument, with a value that it cannot have. */
export const optionInvalid = (option: string, value: string, hint?: Message): MeshError =>
  new MeshError("usage", msg("input.option-invalid", { option, text: JSON.stringify(value.slice(0, 300)) }), {
    ...(hint && { hint }),
  });

/** The octets of a file that the user named. Throws `file-unreadable`, or `too-large` beyond `limit`. */
export const readNamedFile = (context: Context, path: string, limit: number): Buffer => {
  let octets: Buffer;
  try {
    octets = context.deps.fs.readFile(resolve(context.deps.cwd, path), limit);
  } catch (cause) {
    throw new MeshError("file-unreadable", msg("file.unreadable", { path: JSON.stringify(path) }), {
      cause,
      hint: msg("file.unreadable.hint"),
    });
  }
  if (octets.length > limit) throw new MeshError("too-large", msg("file.too-large", { path: JSON.stringify(path) }));
  return octets;
};

/** True for what is read like a file and may never end. */
const isDevice = ({ deps }: Context, path: string): boolean =>
  path !== "-" && deps.fs.stat(resolve(deps.cwd, path))?.isDevice === true;

/**
 * A file that the user named, or standard input for `-`, piece by piece, so that its size does not matter. Throws
 * `file-unreadable`, for devices too.
 */
export async function* readInPieces(context: Context, path: string): AsyncGenerator<Buffer> {
  try {
    if (isDevice(context, path)) {
      throw new MeshError("file-unreadable", msg("file.device", { path: JSON.stringify(path) }), {
        hint: msg("file.device.hint"),
      });
    }
    yield* context.deps.openStream(path === "-" ? path : resolve(context.deps.cwd, path));
  } catch (cause) {
    if (isMeshError(cause) || context.deps.signal.aborted) throw cause;
    throw new MeshError("file-unreadable", msg("file.unreadable", { path: JSON.stringify(path) }), {
      cause,
      hint: msg("file.unreadable.hint"),
    });
  }
}

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
const readSecretOctets = async (context: Context, path: string): Promise<Buffer> => {
  const octets = readNamedFile(context, path, MAX_SECRET);
  await warnShared(context, path);
  return octets;
};

/** A file with a secret. One trailing newline is dropped. */
export const readSecretFile = async (context: Context, path: string): Promise<Buffer> =>
  withoutNewline(await readSecretOctets(context, path));

/** The octets of a secret from a file descriptor. Throws `file-unreadable`, or `too-large`. */
const readFdOctets = async (context: Context, fd: number): Promise<Buffer> => {
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

/** Where an option says that a secret is. */
export interface SecretPlace {
  readonly file: string | undefined;
  readonly fd: number | undefined;
}

/** The octets of a secret from where an option says it is, just as they are, or undefined where none does. */
export const readSecret = async (context: Context, { file, fd }: SecretPlace): Promise<Buffer | undefined> => {
  if (fd !== undefined) return readFdOctets(context, fd);
  return file === undefined ? undefined : readSecretOctets(context, file);
};

/** The same for options that take `-` for standard input, of which at most `limit` octets are read and one more. */
export const readSecretOrStdin = async (
  context: Context,
  place: SecretPlace,
  limit: number,
): Promise<Buffer | undefined> =>
  place.fd === undefined && place.file === "-" ? context.deps.readStdin(limit) : readSecret(context, place);

/** A passphrase from where an option says it is, or undefined where none does. One trailing newline is dropped. */
export const readPassphrase = async (context: Context, place: SecretPlace): Promise<Buffer | undefined> => {
  const octets = await readSecret(context, place);
  return octets && withoutNewline(octets);
};
