import { createHmac } from "node:crypto";
import { isMeshError, MeshError } from "../errors.js";
import { encodeBase64url, utf8 } from "../mesh/bytes.js";
import { parseStrictJsonOctets } from "../mesh/json.js";
import { privateKeyObject, PrivateKeySchema, type KeyUse, type PrivateKey } from "../mesh/keys.js";
import { parseWith } from "../mesh/schema.js";
import { msg } from "../messages/message.js";
import { checkFolder, syncEntry, type Home } from "./home.js";
import {
  keyFactsOf,
  readKeystoreFile,
  writeKeystoreFile,
  type KeyEntry,
  type KeyFacts,
  type KeystoreFile,
} from "./keystore-file.js";
import { findFileKey, keyFilePath, keyFileText, unwrapKey, wrapKey, type Protection } from "./protection.js";
import { deriveKey, seal, unseal, type Binding } from "./seal.js";

export { readKeystoreFacts, type KeyFacts, type KeystoreFacts } from "./keystore-file.js";
export { MINIMUM_PASSPHRASE, type Protection } from "./protection.js";

/** A private key to be kept: what it is for, and the UDF of the profile that it belongs to. */
export interface NewKey {
  readonly key: PrivateKey;
  readonly use: KeyUse;
  readonly profile: string;
}

/**
 * An unlocked keystore. Every method looks at the file anew, so it sees what other processes have changed; all throw
 * `conflict` where the file has become another keystore, and `locked` after `close`.
 */
export interface Keystore {
  readonly id: string;
  readonly facts: KeyFacts[];
  has(kid: string): boolean;
  /** The private key. Throws `record-not-found` where it is absent, `decryption-failed` where it was tampered with. */
  get(kid: string, use: KeyUse): PrivateKey;
  /** Keeps keys, durably on return. A key that is there already stays; `conflict` where it has another use or profile. */
  add(keys: readonly NewKey[]): Promise<void>;
  /** Forgets keys; unknown ones are skipped. */
  remove(kids: readonly string[]): Promise<void>;
  /** Encrypts the keystore key under another protection. Throws `passphrase-weak` or `usage`. */
  changeProtection(next: Protection): Promise<void>;
  /** HMAC-SHA-512, cut to 32 octets, under the key that authenticates the pins. */
  mac(data: Uint8Array): Buffer;
  /** Wipes the keys from memory. */
  close(): void;
}

const KEYSTORE_KEY_OCTETS = 32;

const keyBinding = (id: string, { kid, use, profile }: Pick<KeyEntry, "kid" | "use" | "profile">): Binding => [
  "meshman/keystore/key",
  id,
  kid,
  use,
  profile,
];

const openEntry = (entry: KeyEntry, use: KeyUse, id: string, keysKey: Buffer): PrivateKey => {
  const octets = unseal(entry.sealed, keysKey, keyBinding(id, { ...entry, use }));
  try {
    const what = msg("keystore.what.stored-key");
    const key = parseWith(PrivateKeySchema, parseStrictJsonOctets(octets), "decryption-failed", what);
    if (key.kid !== entry.kid) throw new MeshError("decryption-failed", msg("keystore.key-misnamed"));
    privateKeyObject(key);
    return key;
  } catch (cause) {
    if (isMeshError(cause, "decryption-failed")) throw cause;
    throw new MeshError("decryption-failed", msg("keystore.key-damaged", { kid: entry.kid }), { cause });
  } finally {
    octets.fill(0);
  }
};

const sealEntry = (home: Home, id: string, { key, use, profile }: NewKey, keysKey: Buffer): KeyEntry => {
  privateKeyObject(key);
  const plaintext = utf8(JSON.stringify(key));
  try {
    const facts = { kid: key.kid, use, created: home.deps.now().toISOString(), profile };
    const sealed = seal(plaintext, keysKey, keyBinding(id, facts), (length) => home.deps.random(length));
    return { ...facts, sealed };
  } finally {
    plaintext.fill(0);
  }
};

const currentFile = (home: Home, id: string): KeystoreFile => {
  const file = readKeystoreFile(home);
  if (file?.id === id) return file;
  throw new MeshError("conflict", msg("keystore.replaced"), { hint: msg("keystore.replaced.hint") });
};

const withNewKeys = (home: Home, file: KeystoreFile, keys: readonly NewKey[], keysKey: Buffer): KeystoreFile => {
  const entries = new Map(file.keys.map((entry) => [entry.kid, entry]));
  for (const added of keys) {
    const present = entries.get(added.key.kid);
    if (!present) entries.set(added.key.kid, sealEntry(home, file.id, added, keysKey));
    else if (present.use !== added.use || present.profile !== added.profile) {
      throw new MeshError("conflict", msg("keystore.key-conflict", { kid: added.key.kid }));
    }
  }
  return { ...file, keys: [...entries.values()] };
};

const removeFrom = (home: Home, file: KeystoreFile, kids: readonly string[]): void => {
  const keys = file.keys.filter(({ kid }) => !kids.includes(kid));
  if (keys.length < file.keys.length) writeKeystoreFile(home, { ...file, keys });
};

/**
 * Puts a new protection in place. At every moment what the keystore file refers to is on disk: a new file key is written
 * before the keystore, beside the one it replaces, and an old one is removed after it.
 */
const replaceProtection = (home: Home, file: KeystoreFile, next: Awaited<ReturnType<typeof wrapKey>>): void => {
  const old = file.protection.method === "key-file" ? findFileKey(home, file.id, file.protection) : undefined;
  const writeKeys = (keys: readonly Buffer[]): void => {
    const text = keyFileText(keys);
    home.write(keyFilePath(home), text);
    text.fill(0);
  };
  if (next.fileKey) writeKeys(old ? [next.fileKey, old] : [next.fileKey]);
  writeKeystoreFile(home, { ...file, protection: next.stored });
  if (!next.fileKey) home.remove(keyFilePath(home));
  else if (old) writeKeys([next.fileKey]);
  old?.fill(0);
};

const openHandle = (home: Home, id: string, keystoreKey: Buffer): Keystore => {
  const keysKey = deriveKey(keystoreKey, id, "meshman/keystore/keys");
  const pinsKey = deriveKey(keystoreKey, id, "meshman/keystore/pins");
  let open = true;
  const assertOpen = (): void => {
    if (!open) throw new MeshError("locked", msg("keystore.closed"));
  };
  const current = (): KeystoreFile => {
    assertOpen();
    return currentFile(home, id);
  };
  return {
    id,
    get facts() {
      return keyFactsOf(current());
    },
    has: (kid) => current().keys.some((entry) => entry.kid === kid),
    get: (kid, use) => {
      const entry = current().keys.find((candidate) => candidate.kid === kid);
      if (!entry) throw new MeshError("record-not-found", msg("keystore.key-missing", { use, kid }));
      return openEntry(entry, use, id, keysKey);
    },
    add: (keys) =>
      home.withLock(() => {
        const file = current();
        const changed = withNewKeys(home, file, keys, keysKey);
        if (changed.keys.length > file.keys.length) writeKeystoreFile(home, changed);
      }),
    remove: (kids) => home.withLock(() => removeFrom(home, current(), kids)),
    changeProtection: async (next) => {
      assertOpen();
      // Slow for a passphrase, so it comes before the lock.
      const wrapped = await wrapKey(next, id, keystoreKey, (length) => home.deps.random(length));
      try {
        await home.withLock(() => replaceProtection(home, current(), wrapped));
      } finally {
        wrapped.fileKey?.fill(0);
      }
    },
    mac: (data) => {
      assertOpen();
      return createHmac("sha512", pinsKey).update(data).digest().subarray(0, 32);
    },
    close: () => {
      open = false;
      for (const key of [keystoreKey, keysKey, pinsKey]) key.fill(0);
    },
  };
};

/**
 * Makes the keystore of a home and gives it unlocked. Its key file, where it has one, is on disk before it.
 * Throws `refused` where the home has a keystore already, `passphrase-weak`, `usage`, and what `withLock` throws.
 */
export const createKeystore = (home: Home, protection: Protection): Promise<Keystore> =>
  home.withLock(async () => {
    const refuseSecond = (): void => {
      if (!readKeystoreFile(home)) return;
      throw new MeshError("refused", msg("keystore.there-already", { path: home.path }));
    };
    refuseSecond();
    const { deps } = home;
    const keystoreKey = deps.random(KEYSTORE_KEY_OCTETS);
    const id = encodeBase64url(deps.random(16));
    const wrapped = await wrapKey(protection, id, keystoreKey, (length) => deps.random(length));
    const created = deps.now().toISOString();
    // Another call chain of this process may share the lock.
    refuseSecond();
    replaceProtection(home, { version: 1, id, created, protection: wrapped.stored, keys: [] }, wrapped);
    // The home may be left from a run that was cut off before this.
    syncEntry(deps, home.path);
    wrapped.fileKey?.fill(0);
    return openHandle(home, id, keystoreKey);
  });

/**
 * Unlocks the keystore of a home; a passphrase that is not needed is ignored, and the caller wipes it. Writes nothing.
 * Throws `profile-not-found` where there is no keystore, `locked` where a passphrase or the key file is missing,
 * `wrong-passphrase`, `keystore-corrupt`, `keystore-version`, `keystore-permissions`, `io-failed`.
 */
export const unlockKeystore = async (home: Home, passphrase?: Buffer): Promise<Keystore> => {
  checkFolder(home.deps, home.path);
  for (;;) {
    const file = readKeystoreFile(home);
    if (!file) {
      throw new MeshError("profile-not-found", msg("keystore.none", { path: home.path }), {
        hint: msg("keystore.none.hint"),
      });
    }
    try {
      return openHandle(home, file.id, await unwrapKey(home, file.id, file.protection, passphrase));
    } catch (error) {
      // Keystore and key file are two reads: another process may have changed the protection between them.
      if (JSON.stringify(readKeystoreFile(home)?.protection) === JSON.stringify(file.protection)) throw error;
    }
  }
};

/** Forgets keys without unlocking anything, for deleting a profile. A home without a keystore has none to forget. */
export const removeKeys = (home: Home, kids: readonly string[]): Promise<void> =>
  home.withLock(() => {
    const file = readKeystoreFile(home);
    if (file) removeFrom(home, file, kids);
  });
