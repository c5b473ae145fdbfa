import { createPrivateKey, createPublicKey, sign as signOctets, type KeyObject } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import * as v from "valibot";
import { isMeshError, MeshError } from "../../errors.js";
import { decodeBase64url, encodeBase64url } from "../../mesh/bytes.js";
import { keyChangeText } from "../../mesh/log/key-change.js";
import { isNoteName, signNote, verifierKey } from "../../mesh/log/note.js";
import { msg, verbatim } from "../../messages/message.js";
import type { LogSigner, Store, StoredLogKey, Time } from "../store/store.js";

/** Where the key file of a SQLite store is, unless its owner names another place. */
export const logKeyFileOf = (store: string): string => `${store}.key`;

export interface LogKeyOptions {
  readonly random: (length: number) => Uint8Array;
  /** The log's name, where whoever runs the portal has given one. */
  readonly origin?: string | undefined;
}

/** The keys of a log, as far as a file holds them. It signs under the newest one, and has the others by `signerFor`. */
export interface LogKeys extends LogSigner {
  readonly path: string;
  /** The verifier keys in the file, the oldest first. */
  readonly verifiers: readonly string[];
  /** True where the file was made just now. */
  readonly isNew: boolean;
  /** The stores that the keys have signed for; more than one only where a backup was restored under another id. */
  readonly stores: readonly string[];
  signerFor(verifier: string): LogSigner | undefined;
}

/** A key file is no longer than this, in octets: some three hundred keys. */
const LIMIT = 64 * 1024;
/** Permission bits that nobody but the owner may have. */
const OTHERS = 0o077;
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

/**
 * A key file has one JSON object a line, the newest key last. Lines are only ever added, each by one write and before anything rests on
 * its key, so that two processes that change the key at once lose none. A line cut short by a full disk or a power cut holds a key that
 * nothing was ever signed with: it is passed over.
 */
const LineSchema = v.strictObject({
  Origin: v.pipe(v.string(), v.check(isNoteName)),
  Key: v.strictObject({
    kty: v.literal("OKP"),
    crv: v.literal("Ed25519"),
    x: v.pipe(v.string(), v.length(43)),
    d: v.pipe(v.string(), v.length(43)),
  }),
});
type Line = v.InferOutput<typeof LineSchema>;

/**
 * Which store's log the keys have signed. An empty store in its place would sign another history under them, which is what a portal is
 * convicted of.
 */
const StoreLineSchema = v.strictObject({ Store: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)) });

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "UNKNOWN";

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

const failed = (cause: unknown, file: string, verb: "read" | "write"): MeshError => {
  if (cause instanceof MeshError) return cause;
  const code = codeOf(cause);
  const isRefused = verb === "write" && ["EROFS", "EACCES", "EPERM"].includes(code);
  return new MeshError(isRefused ? "read-only" : "io-failed", msg(`portal.log-key-${verb}`, { file, code }), {
    hint: msg("portal.log-key-place.hint"),
    cause,
  });
};

const damaged = (file: string): MeshError =>
  new MeshError("state-corrupt", msg("portal.log-key-damaged", { file }), { hint: msg("portal.log-key-damaged.hint") });

const missing = (file: string): MeshError =>
  new MeshError("log-key-missing", msg("portal.log-key-lost", { file }), { hint: msg("portal.log-key-damaged.hint") });

/** A private key whose two halves belong together. */
const keyObjectOf = (key: Line["Key"]): KeyObject | undefined => {
  try {
    decodeBase64url(key.d).fill(0);
    const object = createPrivateKey({ key, format: "jwk" });
    return createPublicKey(object).export({ format: "jwk" }).x === key.x ? object : undefined;
  } catch {
    return undefined;
  }
};

const signerOf = ({ Origin: origin, Key: key }: Line, object: KeyObject): LogSigner => {
  const publicKey = decodeBase64url(key.x);
  return {
    origin,
    verifier: verifierKey(origin, publicKey),
    sign: (text) => signNote(text, origin, { publicKey, sign: (message) => signOctets(null, message, object) }),
  };
};

const readLine = (text: string): LogSigner | undefined => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const line = v.safeParse(LineSchema, value);
  const object = line.success ? keyObjectOf(line.output.Key) : undefined;
  return line.success && object ? signerOf(line.output, object) : undefined;
};

/** A line with a fresh key. */
const newLine = (origin: string, random: LogKeyOptions["random"]): string => {
  const seed = random(32);
  const pkcs8 = Buffer.concat([PKCS8_PREFIX, seed]);
  try {
    const { x = "" } = createPublicKey(createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" })).export({
      format: "jwk",
    });
    return `${JSON.stringify({ Origin: origin, Key: { kty: "OKP", crv: "Ed25519", x, d: encodeBase64url(seed) } })}\n`;
  } finally {
    seed.fill(0);
    pkcs8.fill(0);
  }
};

const isWindows = path.sep === "\\";

const fsyncFolder = (file: string): void => {
  // Windows opens no folders, and needs no such thing.
  if (isWindows) return;
  const fd = fs.openSync(path.dirname(file), "r");
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
};

const writeAndSync = (fd: number, text: string): void => {
  const octets = Buffer.from(text);
  try {
    // One write: what another process adds at the same time comes before it or behind it.
    if (fs.writeSync(fd, octets) !== octets.length) throw new Error("Not all of it was written.");
    fs.fsyncSync(fd);
  } finally {
    octets.fill(0);
    fs.closeSync(fd);
  }
};

interface Content {
  /** The newest last. */
  readonly signers: readonly LogSigner[];
  readonly stores: readonly string[];
}

const readStoreLine = (text: string): string | undefined => {
  try {
    return v.parse(StoreLineSchema, JSON.parse(text)).Store;
  } catch {
    return undefined;
  }
};

/** What a file holds, or undefined where there is none. */
const readContent = (file: string): Content | undefined => {
  let text: string;
  try {
    const stat = fs.statSync(file, { throwIfNoEntry: false });
    if (!stat) return undefined;
    // A pipe would be waited for.
    if (!stat.isFile() || stat.size > LIMIT) throw damaged(file);
    if (!isWindows && (stat.mode & OTHERS) !== 0) {
      throw new MeshError("keystore-permissions", msg("keystore.file-shared", { path: file }), {
        hint: verbatim(`chmod 600 ${quote(file)}`),
      });
    }
    // Its maker is still at it, or died before the name of the file was sure to stay.
    if (stat.nlink > 1) fsyncFolder(file);
    text = fs.readFileSync(file, "utf8");
  } catch (cause) {
    throw failed(cause, file, "read");
  }
  const signers = text.split("\n").flatMap((line) => readLine(line) ?? []);
  if (signers.length === 0 || signers.some(({ origin }) => origin !== signers[0]?.origin)) throw damaged(file);
  return { signers, stores: text.split("\n").flatMap((line) => readStoreLine(line) ?? []) };
};

/** Makes the file with its first key, unless another process is faster: then that one's file stands. */
const create = (file: string, origin: string, random: LogKeyOptions["random"]): boolean => {
  const temporary = path.join(
    path.dirname(file),
    `.${path.basename(file)}.${Buffer.from(random(8)).toString("hex")}.tmp`,
  );
  try {
    writeAndSync(fs.openSync(temporary, "wx", 0o600), newLine(origin, random));
    // Unlike a rename a link replaces nothing, and nobody ever sees half a file.
    fs.linkSync(temporary, file);
    fsyncFolder(file);
    return true;
  } catch (cause) {
    if (codeOf(cause) === "EEXIST") return false;
    throw failed(cause, file, "write");
  } finally {
    fs.rmSync(temporary, { force: true });
  }
};

/** Adds a line to the file; it is sure to stay then. */
const append = (file: string, line: string): void => {
  try {
    // In front of it a line feed, since the last line may have been cut short.
    const ends = fs.readFileSync(file, "utf8").endsWith("\n");
    writeAndSync(fs.openSync(file, fs.constants.O_WRONLY | fs.constants.O_APPEND), `${ends ? "" : "\n"}${line}`);
  } catch (cause) {
    throw failed(cause, file, "write");
  }
};

/** Adds a key to the file, and gives its verifier key once it is sure to stay. */
const add = (file: string, origin: string, random: LogKeyOptions["random"]): string => {
  const line = newLine(origin, random);
  const signer = readLine(line);
  if (!signer) throw damaged(file);
  append(file, line);
  return signer.verifier;
};

const checkOrigin = (origin: string | undefined): void => {
  if (origin !== undefined && !isNoteName(origin)) {
    throw new MeshError("usage", msg("portal.log-origin-invalid", { origin: JSON.stringify(origin.slice(0, 64)) }), {
      hint: msg("portal.log-origin-invalid.hint"),
    });
  }
};

/** A name that no other log has. */
const newOrigin = (random: LogKeyOptions["random"]): string => `${Buffer.from(random(16)).toString("hex")}.mmm.invalid`;

const keysOf = (file: string, { signers, stores }: Content, isNew: boolean): LogKeys => {
  const known = new Map(signers.map((signer) => [signer.verifier, signer]));
  const newest = signers.at(-1);
  if (!newest) throw damaged(file);
  const reread = (): void => {
    try {
      for (const signer of readContent(file)?.signers ?? []) {
        if (signer.origin === newest.origin) known.set(signer.verifier, signer);
      }
    } catch {
      // Whoever asked hears that there is no such key.
    }
  };
  return {
    ...newest,
    path: file,
    isNew,
    stores,
    get verifiers() {
      return [...known.keys()];
    },
    signerFor: (verifier) => {
      if (!known.has(verifier)) reread();
      return known.get(verifier);
    },
  };
};

/** The keys in a file that is there. Throws `log-key-missing` where it is not, and else as `openLogKey`. */
export const readLogKey = (file: string): LogKeys => {
  const content = readContent(file);
  if (!content) throw missing(file);
  return keysOf(file, content, false);
};

/**
 * Opens the file of a log's keys. Where there is none it is made with a first key, for its owner alone, and is on disk before this
 * resolves; of several processes that do so at once all get the same key. Throws `keystore-permissions` where others may read it,
 * `state-corrupt` where no key can be read of it, `usage` for an origin that is none or not the one in the file, `read-only` or
 * `io-failed`.
 */
export const openLogKey = async (file: string, { random, origin }: LogKeyOptions): Promise<LogKeys> => {
  checkOrigin(origin);
  const present = readContent(file);
  const isNew = !present && create(file, origin ?? newOrigin(random), random);
  const content = present ?? readContent(file);
  if (!content) throw missing(file);
  const keys = keysOf(file, content, isNew);
  if (origin !== undefined && origin !== keys.origin) {
    throw new MeshError("usage", msg("portal.log-origin-other", { file, origin: keys.origin }));
  }
  return Promise.resolve(keys);
};

const isWritable = (file: string): boolean => {
  try {
    fs.accessSync(file, fs.constants.W_OK);
    return true;
  } catch {
    return false;
  }
};

/** Takes away a key file that was made just now, unless somebody has put another one in its place. */
const takeBack = (file: string, verifier: string): void => {
  const content = readContent(file);
  if (content?.signers.every((signer) => signer.verifier === verifier) === true) fs.rmSync(file, { force: true });
};

const otherStore = (file: string): MeshError =>
  new MeshError("log-key-missing", msg("portal.log-key-bound", { file }), { hint: msg("portal.log-key-bound.hint") });

/**
 * Opens a store with the keys of its log. A key file that was made for it is taken away again where the store has a log with other keys
 * already (somebody has lost the file, and a new one in its place would only hide that), or is none that could be opened. And no new store is made under keys that have
 * signed for another one, as when that was lost and its key file was not; nor under keys whose file cannot be told so. Throws
 * `log-key-missing`, and what `openLogKey` and `open` throw.
 */
export const openWithLogKey = async <Opened extends Pick<Store, "id" | "close">>(
  file: string,
  options: LogKeyOptions,
  open: (keys: LogKeys, create: boolean) => Promise<Opened>,
): Promise<Opened> => {
  const keys = await openLogKey(file, options);
  const isBound = keys.stores.length > 0;
  const mayBind = !isBound && isWritable(file);
  let store: Opened;
  try {
    store = await open(keys, mayBind);
  } catch (error) {
    if (keys.isNew && isMeshError(error, "log-key-missing", "state-corrupt", "not-supported")) {
      takeBack(file, keys.verifier);
      if (error.code !== "log-key-missing") throw error;
      throw new MeshError("log-key-missing", msg("store.no-key-file", { file }), {
        hint: msg("store.no-key-file.hint"),
      });
    }
    if (isBound && isMeshError(error, "store-not-found")) throw otherStore(file);
    throw error;
  }
  try {
    if (isBound && !keys.stores.includes(store.id)) throw otherStore(file);
    if (mayBind) append(file, `${JSON.stringify({ Store: store.id })}\n`);
  } catch (error) {
    await store.close();
    throw error;
  }
  return store;
};

/**
 * Gives a log a new key, which is in the file for good before the old one signs for it. Where that was begun before and not finished, the
 * key of that time is taken. Gives the new verifier key. Throws `log-key-missing` where the file does not hold the present key, and what
 * the store throws.
 */
export const rotateLogKey = async (
  store: Store,
  keys: LogKeys,
  { random, now }: Pick<LogKeyOptions, "random"> & { readonly now: Time },
): Promise<string> => {
  const present = (list: readonly StoredLogKey[]): LogSigner => {
    const signer = keys.signerFor(list.at(-1)?.verifier ?? "");
    if (!signer) throw missing(keys.path);
    return signer;
  };
  const before = await store.read((tx) => tx.logKeys());
  const old = present(before);
  const unused = keys.verifiers.slice(keys.verifiers.indexOf(old.verifier) + 1);
  const begun = unused.find((verifier) => before.every((known) => known.verifier !== verifier));
  const next = keys.signerFor(begun ?? add(keys.path, keys.origin, random));
  if (!next) throw damaged(keys.path);
  return store.transact(async (tx) => {
    const list = await tx.logKeys();
    // Another process has taken this very key, which it found in the file.
    if (list.some(({ verifier }) => verifier === next.verifier)) return present(list).verifier;
    const signer = present(list);
    const { size } = await tx.head();
    const change = signer.sign(keyChangeText({ origin: keys.origin, verifier: next.verifier, size }));
    await tx.changeLogKey(next, change, now);
    return next.verifier;
  });
};
