import { scrypt } from "node:crypto";
import { posix, win32 } from "node:path";
import * as v from "valibot";
import { MeshError, isMeshError } from "../errors.js";
import { decodeBase64url, decodeUtf8, encodeBase64url, utf8 } from "../mesh/bytes.js";
import { problem, textSchema } from "../mesh/schema.js";
import { msg } from "../messages/message.js";
import type { Home } from "./home.js";
import { keyFileOf, readKeyFile } from "./key-file.js";
import { KEY_OCTETS } from "./key-text.js";
import { keyringError, systemKeyring } from "./keyring.js";
import { seal, SealedSchema, unseal, type Binding } from "./seal.js";
import { octetsSchema } from "./stored.js";

/**
 * How a keystore is to be protected. A key file is made at `path`, or else in the home. The system's keyring never stands
 * alone: without a new passphrase the one that the keystore has stays beside it. The caller owns passphrase and key.
 */
export type Protection =
  | { readonly method: "passphrase"; readonly passphrase: Buffer }
  | { readonly method: "key-file"; readonly path?: string | undefined }
  | { readonly method: "key"; readonly key: Buffer }
  | { readonly method: "keyring"; readonly passphrase?: Buffer | undefined };

export type Method = Protection["method"];
export const METHODS = ["passphrase", "keyring", "key-file", "key"] as const satisfies readonly Method[];

/** What a user has given to open a keystore. The caller wipes it. */
export interface Secrets {
  readonly passphrase?: Buffer | undefined;
  readonly key?: Buffer | undefined;
}

/** Fewer characters than this are refused. */
export const MINIMUM_PASSPHRASE = 8;

/** scrypt (RFC 7914). The floor keeps a changed file from making guesses cheap, the ceiling from exhausting the machine. */
export const KdfSchema = v.strictObject({
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
export type Kdf = v.InferOutput<typeof KdfSchema>;

const PathSchema = v.pipe(
  textSchema(4096),
  v.check((path) => posix.isAbsolute(path) || win32.isAbsolute(path), problem("problem.path")),
);
const PASSPHRASE = { kdf: KdfSchema, wrapped: SealedSchema };
const PassphraseSchema = v.strictObject(PASSPHRASE);
type PassphraseWrapping = v.InferOutput<typeof PassphraseSchema>;

/** The keystore key, encrypted under the key that passphrase, key file, given key or keyring give. */
export const ProtectionSchema = v.variant("method", [
  v.strictObject({ method: v.literal("passphrase"), ...PASSPHRASE }),
  v.strictObject({ method: v.literal("key-file"), path: v.exactOptional(PathSchema), wrapped: SealedSchema }),
  v.strictObject({ method: v.literal("key"), wrapped: SealedSchema }),
  v.strictObject({
    method: v.literal("keyring"),
    account: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{22}\/[A-Za-z0-9_-]{22}$/, problem("problem.keyring-account"))),
    wrapped: SealedSchema,
    passphrase: PassphraseSchema,
  }),
]);
export type StoredProtection = v.InferOutput<typeof ProtectionSchema>;
export type StoredKeyFile = Extract<StoredProtection, { method: "key-file" }>;

/** A new protection, and the secret that must be in its place before the keystore refers to it. The caller wipes that. */
export interface Wrapped {
  /**
   * What the keystore says of it, in place of what it says at present. Throws `usage` where the passphrase is to stay and
   * there is none.
   */
  readonly stored: (present: StoredProtection | undefined) => StoredProtection;
  readonly keyFile?: { readonly path: string; readonly key: Buffer };
  readonly keyring?: { readonly account: string; readonly key: Buffer };
}

const wrapBinding = (id: string, method: Method, ...details: Binding): Binding => [
  "meshman/keystore/wrap",
  id,
  method,
  ...details,
];

/** The same beside a keyring and alone, so that a passphrase can stay when the keyring comes or goes. */
const passphraseBinding = (id: string, { name, N, r, p, salt }: Kdf): Binding =>
  wrapBinding(id, "passphrase", name, N, r, p, salt);

/** The octets of a passphrase that look the same on every keyboard: NFC, UTF-8. Throws `usage` where it is not text. */
const normalise = (passphrase: Buffer): Buffer => {
  // ASCII looks the same everywhere, and what becomes a string cannot be wiped.
  if (passphrase.every((octet) => octet < 0x80)) return Buffer.from(passphrase);
  try {
    return utf8(decodeUtf8(passphrase).normalize("NFC"));
  } catch {
    throw new MeshError("usage", msg("keystore.passphrase-not-text"));
  }
};

/** Refuses a passphrase that is too short for a new protection. Throws `passphrase-weak` or `usage`. */
export const checkPassphrase = (passphrase: Buffer): void => {
  const octets = normalise(passphrase);
  const characters = Array.from(octets.toString("utf8")).length;
  octets.fill(0);
  if (characters >= MINIMUM_PASSPHRASE) return;
  throw new MeshError("passphrase-weak", msg("keystore.passphrase-short", { minimum: MINIMUM_PASSPHRASE }), {
    hint: msg("keystore.passphrase-short.hint"),
  });
};

export const passphraseKey = async (passphrase: Buffer, { N, r, p, salt }: Kdf): Promise<Buffer> => {
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

const wrapWithPassphrase = async (
  passphrase: Buffer,
  id: string,
  keystoreKey: Buffer,
  random: (length: number) => Buffer,
): Promise<PassphraseWrapping> => {
  checkPassphrase(passphrase);
  const kdf: Kdf = { name: "scrypt", N: 2 ** 17, r: 8, p: 1, salt: encodeBase64url(random(32)) };
  const key = await passphraseKey(passphrase, kdf);
  try {
    return { kdf, wrapped: seal(keystoreKey, key, passphraseBinding(id, kdf), random) };
  } finally {
    key.fill(0);
  }
};

/** The passphrase that a keystore has, alone or beside a keyring. Throws `usage` where it has none. */
const presentPassphrase = (present: StoredProtection | undefined): PassphraseWrapping => {
  if (present?.method === "keyring") return present.passphrase;
  if (present?.method === "passphrase") return { kdf: present.kdf, wrapped: present.wrapped };
  throw new MeshError("usage", msg("keystore.keyring-alone"), { hint: msg("keystore.keyring-alone.hint") });
};

/** Encrypts the keystore key under a new protection. Writes nothing. Throws `passphrase-weak` or `usage`. */
export const wrapKey = async (
  protection: Protection,
  home: Home,
  id: string,
  keystoreKey: Buffer,
): Promise<Wrapped> => {
  const random = (length: number): Buffer => home.deps.random(length);
  switch (protection.method) {
    case "passphrase": {
      const wrapping = await wrapWithPassphrase(protection.passphrase, id, keystoreKey, random);
      return { stored: () => ({ method: "passphrase", ...wrapping }) };
    }
    case "key": {
      const wrapped = seal(keystoreKey, protection.key, wrapBinding(id, "key"), random);
      return { stored: () => ({ method: "key", wrapped }) };
    }
    case "key-file": {
      const key = random(KEY_OCTETS);
      const path = protection.path ?? keyFileOf(home);
      const named = path === keyFileOf(home) ? {} : { path };
      const wrapped = seal(keystoreKey, key, wrapBinding(id, "key-file"), random);
      return { stored: () => ({ method: "key-file", ...named, wrapped }), keyFile: { path, key } };
    }
    case "keyring": {
      const given = protection.passphrase && (await wrapWithPassphrase(protection.passphrase, id, keystoreKey, random));
      const key = random(KEY_OCTETS);
      const account = `${id}/${encodeBase64url(random(16))}`;
      const wrapped = seal(keystoreKey, key, wrapBinding(id, "keyring", account), random);
      return {
        stored: (present) => ({
          method: "keyring",
          account,
          wrapped,
          passphrase: given ?? presentPassphrase(present),
        }),
        keyring: { account, key },
      };
    }
  }
};

/** Encrypts the keystore key under another passphrase; a keyring beside it stays. Throws `passphrase-weak` or `usage`. */
export const wrapKeyAnew = async (
  passphrase: Buffer,
  home: Home,
  id: string,
  keystoreKey: Buffer,
): Promise<Wrapped> => {
  const wrapping = await wrapWithPassphrase(passphrase, id, keystoreKey, (length) => home.deps.random(length));
  return {
    stored: (present) =>
      present?.method === "keyring" ? { ...present, passphrase: wrapping } : { method: "passphrase", ...wrapping },
  };
};

const tryUnseal = (wrapped: StoredProtection["wrapped"], key: Buffer, binding: Binding): Buffer | undefined => {
  try {
    const opened = unseal(wrapped, key, binding);
    return opened.length === KEY_OCTETS ? opened : undefined;
  } catch (error) {
    if (isMeshError(error, "decryption-failed")) return undefined;
    throw error;
  }
};

/** Where the key file of a keystore is. */
export const keyFilePath = (home: Home, { path }: StoredKeyFile): string => path ?? keyFileOf(home);

/** True for the key of a key file that opens this keystore. */
export const isFileKey = (id: string, { wrapped }: StoredKeyFile, key: Buffer): boolean => {
  const opened = tryUnseal(wrapped, key, wrapBinding(id, "key-file"));
  opened?.fill(0);
  return opened !== undefined;
};

const unwrapWithFile = (home: Home, id: string, stored: StoredKeyFile): Buffer => {
  const path = keyFilePath(home, stored);
  let opened: Buffer | undefined;
  for (const key of readKeyFile(home, path)?.keys ?? []) {
    opened ??= tryUnseal(stored.wrapped, key, wrapBinding(id, "key-file"));
    key.fill(0);
  }
  if (opened) return opened;
  const hint =
    stored.path === undefined ? msg("keystore.key-file-useless.hint") : msg("keystore.key-file-elsewhere.hint");
  throw new MeshError("locked", msg("keystore.key-file-useless", { path }), { hint });
};

const unwrapWithKeyring = async (
  home: Home,
  id: string,
  { account, wrapped }: Extract<StoredProtection, { method: "keyring" }>,
): Promise<Buffer> => {
  const key = await systemKeyring(home.deps).get(account);
  if (!key) throw keyringError(msg("keystore.keyring-entry-gone"));
  const opened = tryUnseal(wrapped, key, wrapBinding(id, "keyring", account));
  key.fill(0);
  if (opened) return opened;
  throw keyringError(msg("keystore.keyring-entry-wrong"));
};

const unwrapWithKey = (id: string, { wrapped }: StoredProtection, key: Buffer | undefined): Buffer => {
  if (!key) throw new MeshError("locked", msg("keystore.key-needed"), { hint: msg("keystore.key-needed.hint") });
  const opened = tryUnseal(wrapped, key, wrapBinding(id, "key"));
  if (opened) return opened;
  throw new MeshError("locked", msg("keystore.key-wrong"), { hint: msg("keystore.key-needed.hint") });
};

const unwrapWithPassphrase = async (id: string, { kdf, wrapped }: PassphraseWrapping, passphrase?: Buffer) => {
  if (!passphrase) {
    throw new MeshError("locked", msg("keystore.passphrase-needed"), {
      hint: msg("keystore.passphrase-needed.hint"),
    });
  }
  const key = await passphraseKey(passphrase, kdf);
  const opened = tryUnseal(wrapped, key, passphraseBinding(id, kdf));
  key.fill(0);
  if (opened) return opened;
  throw new MeshError("wrong-passphrase", msg("keystore.passphrase-wrong"));
};

/**
 * The keystore key. A keyring is asked only where no passphrase is given: whoever gives one has seen that it does not answer.
 * Throws `locked`, `wrong-passphrase`, `keyring-unavailable`, `keystore-permissions`, `io-failed`, `usage`.
 */
export const unwrapKey = async (
  home: Home,
  id: string,
  stored: StoredProtection,
  { passphrase, key }: Secrets,
): Promise<Buffer> => {
  switch (stored.method) {
    case "key-file":
      return unwrapWithFile(home, id, stored);
    case "key":
      return unwrapWithKey(id, stored, key);
    case "passphrase":
      return unwrapWithPassphrase(id, stored, passphrase);
    case "keyring":
      if (!passphrase) return unwrapWithKeyring(home, id, stored);
      return unwrapWithPassphrase(id, stored.passphrase, passphrase);
  }
};
