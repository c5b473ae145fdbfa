import { scrypt } from "node:crypto";
import { join } from "node:path";
import * as v from "valibot";
import { MeshError, isMeshError } from "../errors.js";
import { decodeBase64url, decodeUtf8, encodeBase64url, utf8 } from "../mesh/bytes.js";
import { problem } from "../mesh/schema.js";
import { msg } from "../messages/message.js";
import { readPrivateFile } from "./durable.js";
import type { Home } from "./home.js";
import { seal, SealedSchema, unseal, type Binding } from "./seal.js";
import { octetsSchema } from "./stored.js";

/** How a keystore is protected: by a passphrase, or by a key in a file beside it. The caller owns the passphrase. */
export type Protection = { method: "passphrase"; passphrase: Buffer } | { method: "key-file" };

/** Fewer characters than this are refused. */
export const MINIMUM_PASSPHRASE = 8;

/** scrypt (RFC 7914). The floor keeps a changed file from making guesses cheap, the ceiling from exhausting the machine. */
const KdfSchema = v.strictObject({
  name: v.literal("scrypt"),
  N: v.pipe(
    v.number(),
    v.safeInteger(),
    v.minValue(2 ** 17),
    v.maxValue(2 ** 20),
    v.check((N) => Number.isInteger(Math.log2(N)), problem("problem.power-of-two")),
  ),
  r: v.pipe(v.number(), v.safeInteger(), v.minValue(8), v.maxValue(16)),
  p: v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(4)),
  salt: octetsSchema(16, 64),
});
type Kdf = v.InferOutput<typeof KdfSchema>;

/** The keystore key, encrypted under the key that the passphrase or the key file gives. */
export const ProtectionSchema = v.variant("method", [
  v.strictObject({ method: v.literal("passphrase"), kdf: KdfSchema, wrapped: SealedSchema }),
  v.strictObject({ method: v.literal("key-file"), wrapped: SealedSchema }),
]);
export type StoredProtection = v.InferOutput<typeof ProtectionSchema>;

/** A new protection, and the key that must be in the key file before the keystore refers to it. */
export interface Wrapped {
  readonly stored: StoredProtection;
  readonly fileKey?: Buffer;
}

const KEY_OCTETS = 32;
/** While the key of the key file is being replaced the file holds the new one and the one before, a line each. */
const KEY_LINE = /^[A-Za-z0-9_-]{43}$/;
const KEY_FILE_LIMIT = 128;

export const keyFilePath = (home: Home): string => join(home.path, "keystore.key");

const wrapBinding = (id: string, method: Protection["method"], kdf?: Kdf): Binding => [
  "meshman/keystore/wrap",
  id,
  method,
  ...(kdf ? [kdf.name, kdf.N, kdf.r, kdf.p, kdf.salt] : []),
];

/** The octets of a passphrase that look the same on every keyboard: NFC, UTF-8. Throws `usage` where it is not text. */
const normalise = (passphrase: Buffer): Buffer => {
  try {
    return utf8(decodeUtf8(passphrase).normalize("NFC"));
  } catch {
    throw new MeshError("usage", msg("keystore.passphrase-not-text"));
  }
};

/** Refuses a passphrase that is too short for a new protection. Throws `passphrase-weak` or `usage`. */
const checkPassphrase = (passphrase: Buffer): void => {
  const octets = normalise(passphrase);
  const characters = Array.from(octets.toString("utf8")).length;
  octets.fill(0);
  if (characters >= MINIMUM_PASSPHRASE) return;
  throw new MeshError("passphrase-weak", msg("keystore.passphrase-short", { minimum: MINIMUM_PASSPHRASE }), {
    hint: msg("keystore.passphrase-short.hint"),
  });
};

const passphraseKey = async (passphrase: Buffer, { N, r, p, salt }: Kdf): Promise<Buffer> => {
  const octets = normalise(passphrase);
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      // Node refuses more memory than maxmem, and counts a little above 128 * N * r.
      scrypt(octets, decodeBase64url(salt), KEY_OCTETS, { N, r, p, maxmem: 256 * N * r }, (error, key) => {
        if (error) reject(error);
        else resolve(key);
      });
    });
  } finally {
    octets.fill(0);
  }
};

/** Encrypts the keystore key under a new protection. Writes nothing. Throws `passphrase-weak` or `usage`. */
export const wrapKey = async (
  protection: Protection,
  id: string,
  keystoreKey: Buffer,
  random: (length: number) => Buffer,
): Promise<Wrapped> => {
  if (protection.method === "key-file") {
    const fileKey = random(KEY_OCTETS);
    const wrapped = seal(keystoreKey, fileKey, wrapBinding(id, "key-file"), random);
    return { stored: { method: "key-file", wrapped }, fileKey };
  }
  checkPassphrase(protection.passphrase);
  const kdf: Kdf = { name: "scrypt", N: 2 ** 17, r: 8, p: 1, salt: encodeBase64url(random(32)) };
  const key = await passphraseKey(protection.passphrase, kdf);
  try {
    return {
      stored: {
        method: "passphrase",
        kdf,
        wrapped: seal(keystoreKey, key, wrapBinding(id, "passphrase", kdf), random),
      },
    };
  } finally {
    key.fill(0);
  }
};

/** Text of a key file, the key that counts first. */
export const keyFileText = (keys: readonly Buffer[]): Buffer =>
  utf8(keys.map((key) => `${encodeBase64url(key)}\n`).join(""));

const readFileKeys = (home: Home): Buffer[] => {
  try {
    const octets = readPrivateFile(home.deps.fs, keyFilePath(home), KEY_FILE_LIMIT, home.deps.platform);
    const lines = octets?.toString("latin1").trimEnd().split(/\r?\n/) ?? [];
    octets?.fill(0);
    return lines.filter((line) => KEY_LINE.test(line)).map((line) => Buffer.from(line, "base64url"));
  } catch (error) {
    // Longer than any key file: as odd as any other text.
    if (isMeshError(error, "state-corrupt")) return [];
    throw error;
  }
};

const tryUnseal = (stored: StoredProtection, key: Buffer, binding: Binding): Buffer | undefined => {
  try {
    const opened = unseal(stored.wrapped, key, binding);
    return opened.length === KEY_OCTETS ? opened : undefined;
  } catch (error) {
    if (isMeshError(error, "decryption-failed")) return undefined;
    throw error;
  }
};

/** The key in the key file that opens this keystore, or undefined where the file is absent, odd or of another one. */
export const findFileKey = (home: Home, id: string, stored: StoredProtection): Buffer | undefined => {
  let found: Buffer | undefined;
  for (const key of readFileKeys(home)) {
    const opened = found ? undefined : tryUnseal(stored, key, wrapBinding(id, "key-file"));
    if (opened) found = key;
    else key.fill(0);
    opened?.fill(0);
  }
  return found;
};

const unwrapWithFile = (home: Home, id: string, stored: StoredProtection): Buffer => {
  const key = findFileKey(home, id, stored);
  const opened = key && tryUnseal(stored, key, wrapBinding(id, "key-file"));
  key?.fill(0);
  if (opened) return opened;
  throw new MeshError("locked", msg("keystore.key-file-useless", { path: keyFilePath(home) }), {
    hint: msg("keystore.key-file-useless.hint"),
  });
};

/** The keystore key. Throws `locked`, `wrong-passphrase`, `keystore-permissions`, `io-failed`, `usage`. */
export const unwrapKey = async (
  home: Home,
  id: string,
  stored: StoredProtection,
  passphrase?: Buffer,
): Promise<Buffer> => {
  if (stored.method === "key-file") return unwrapWithFile(home, id, stored);
  if (!passphrase) {
    throw new MeshError("locked", msg("keystore.passphrase-needed"), {
      hint: msg("keystore.passphrase-needed.hint"),
    });
  }
  const key = await passphraseKey(passphrase, stored.kdf);
  const opened = tryUnseal(stored, key, wrapBinding(id, "passphrase", stored.kdf));
  key.fill(0);
  if (opened) return opened;
  throw new MeshError("wrong-passphrase", msg("keystore.passphrase-wrong"));
};
