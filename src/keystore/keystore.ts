import { createHmac, timingSafeEqual } from "node:crypto";
import { isMeshError, MeshError } from "../errors.js";
import { encodeBase64url, utf8 } from "../mesh/bytes.js";
import { parseStrictJsonOctets } from "../mesh/json.js";
import type { KeyUse } from "../mesh/key-use.js";
import { privateKeyObject, PrivateKeySchema, type PrivateKey } from "../mesh/private-keys.js";
import { parseWith } from "../mesh/schema.js";
import { msg, type Message } from "../messages/message.js";
import { checkFolder, hasProfiles, syncEntry, type Home } from "./home.js";
import {
  keyFactsOf,
  readKeystoreFile,
  writeKeystoreFile,
  type KeyEntry,
  type KeyFacts,
  type KeystoreFile,
} from "./keystore-file.js";
import { dropKeys, keyFileOf, putKey } from "./key-file.js";
import { keyringError, systemKeyring } from "./keyring.js";
import {
  isFileKey,
  keyFilePath,
  unwrapKey,
  wrapKey,
  wrapKeyAnew,
  type Protection,
  type Secrets,
  type StoredKeyFile,
  type StoredProtection,
  type Wrapped,
} from "./protection.js";
import { deriveKey, openOctets, seal, sealOctets, unseal, type Binding } from "./seal.js";

export { readKeystoreFacts, type KeyFacts, type KeystoreFacts } from "./keystore-file.js";
export { METHODS, MINIMUM_PASSPHRASE, type Method, type Protection, type Secrets } from "./protection.js";

/** A private key to be kept: what it is for, and the UDF of the profile that it belongs to. */
export interface NewKey {
  readonly key: PrivateKey;
  readonly use: KeyUse;
  readonly profile: string;
  /** When it was made, where that was not just now. */
  readonly created?: string;
}

/**
 * An unlocked keystore. Every method looks at the file anew, so it sees what other processes have changed; all throw
 * `conflict` where the file has become another keystore, and `locked` after `close`.
 */
export interface Keystore {
  readonly id: string;
  readonly facts: KeyFacts[];
  has(kid: string): boolean;
  /** Every key as the file has it now, to be opened one by one: `open` throws what `get` throws. */
  readonly entries: readonly (KeyFacts & { readonly open: () => PrivateKey })[];
  /** The private key. Throws `record-not-found` where it is absent, `decryption-failed` where it was tampered with. */
  get(kid: string, use: KeyUse): PrivateKey;
  /** Keeps keys, durably on return. A key that is there already stays; `conflict` where it has another use or profile. */
  add(keys: readonly NewKey[]): Promise<void>;
  /** Forgets keys; unknown ones are skipped. */
  remove(kids: readonly string[]): Promise<void>;
  /**
   * Encrypts the keystore key under another protection. Gives what of the one before could not be removed: it opens old copies
   * of the keystore alone. Throws `passphrase-weak`, `usage`, `keyring-unavailable`, `file-exists`.
   */
  changeProtection(next: Protection): Promise<Message | undefined>;
  /** Replaces the passphrase; a keyring beside it stays. Any other protection is replaced by it, as above. */
  changePassphrase(passphrase: Buffer): Promise<Message | undefined>;
  /** HMAC-SHA-512, cut to 32 octets, under the key that authenticates the pins. */
  mac(data: Uint8Array): Buffer;
  /** Encrypts what this home keeps in files of its own, under a key that is for nothing else, bound to `binding`. */
  sealData(plaintext: Uint8Array, binding: Binding): Buffer;
  /** Opens what `sealData` made in this keystore with the same binding. Throws `decryption-failed`. */
  openData(sealed: Uint8Array, binding: Binding): Buffer;
  /** A copy of the keystore key, for an agent to hold. The caller wipes it. */
  copyKey(): Buffer;
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

const sealEntry = (home: Home, id: string, { key, use, profile, created }: NewKey, keysKey: Buffer): KeyEntry => {
  privateKeyObject(key);
  const plaintext = utf8(JSON.stringify(key));
  try {
    const facts = { kid: key.kid, use, created: created ?? home.deps.now().toISOString(), profile };
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

/** Forgets an entry of the keyring. Gives what to tell the user where that fails. */
const emptyKeyring = async ({ deps }: Home, account: string): Promise<Message | undefined> => {
  try {
    await systemKeyring(deps).remove(account);
    return undefined;
  } catch (error) {
    if (isMeshError(error, "keyring-unavailable")) return msg("keystore.keyring-entry-left", { reason: error.text });
    throw error;
  }
};

/** Takes the key out of a key file that the user named. Gives what to tell the user where that fails. */
const dropNamedKey = (home: Home, id: string, stored: StoredKeyFile): Message | undefined => {
  try {
    dropKeys(home, keyFilePath(home, stored), (key) => isFileKey(id, stored, key));
    return undefined;
  } catch (error) {
    if (!isMeshError(error, "io-failed", "read-only")) throw error;
    return msg("keystore.key-file-left", { path: keyFilePath(home, stored), reason: error.text });
  }
};

/**
 * Puts a new protection in place. At every moment what the keystore file refers to is on disk: a new file key is written
 * before the keystore, beside the one it replaces, and an old one is removed after it.
 */
const replaceProtection = (
  home: Home,
  file: Omit<KeystoreFile, "protection">,
  before: StoredProtection | undefined,
  next: Wrapped,
): Message | undefined => {
  const { id } = file;
  const protection = next.stored(before);
  const old = before?.method === "key-file" ? before : undefined;
  const { keyFile } = next;
  if (keyFile) putKey(home, keyFile.path, keyFile.key, (key) => old !== undefined && isFileKey(id, old, key));
  writeKeystoreFile(home, { ...file, protection });
  if (keyFile?.path === keyFileOf(home)) dropKeys(home, keyFile.path, (key) => !key.equals(keyFile.key));
  else home.remove(keyFileOf(home));
  return old?.path === undefined ? undefined : dropNamedKey(home, id, old);
};

/** The account in the keyring that a keystore refers to. One of another keystore, written there by somebody else, is not touched. */
const accountIn = ({ id, protection }: KeystoreFile): string | undefined =>
  protection.method === "keyring" && protection.account.startsWith(`${id}/`) ? protection.account : undefined;

/** Keeps the secret of a new protection in the keyring, and makes sure that it is there. Throws `keyring-unavailable`. */
const fillKeyring = async (home: Home, { account, key }: NonNullable<Wrapped["keyring"]>): Promise<void> => {
  const keyring = systemKeyring(home.deps);
  await keyring.set(account, key);
  const kept = await keyring.get(account);
  const isSame = kept?.length === key.length && timingSafeEqual(kept, key);
  kept?.fill(0);
  if (isSame) return;
  await emptyKeyring(home, account);
  throw keyringError(msg("keystore.keyring-forgets"));
};

/** Puts a new protection in place, its secret first, and takes the secret of the one before away. */
const reprotect = async (home: Home, current: () => KeystoreFile, next: Wrapped): Promise<Message | undefined> => {
  const { keyring, keyFile } = next;
  try {
    if (keyring) await fillKeyring(home, keyring);
    const change = home.withLock(() => {
      const file = current();
      const left = replaceProtection(home, file, file.protection, next);
      return { before: accountIn(file), after: accountIn(current()), left };
    });
    const { before, after, left } = await change.catch(async (error: unknown) => {
      // Something may have failed after the keystore was written, and then the entry is in use.
      if (keyring && !isInUse(home, keyring.account)) await emptyKeyring(home, keyring.account);
      throw error;
    });
    return before === undefined || before === after ? left : await emptyKeyring(home, before);
  } finally {
    keyFile?.key.fill(0);
    keyring?.key.fill(0);
  }
};

/** True where the keystore refers to an account of the keyring, or cannot be read. */
const isInUse = (home: Home, account: string): boolean => {
  try {
    const file = readKeystoreFile(home);
    return file !== undefined && accountIn(file) === account;
  } catch {
    return true;
  }
};

const openHandle = (home: Home, id: string, keystoreKey: Buffer): Keystore => {
  const keysKey = deriveKey(keystoreKey, id, "meshman/keystore/keys");
  const pinsKey = deriveKey(keystoreKey, id, "meshman/keystore/pins");
  const dataKey = deriveKey(keystoreKey, id, "meshman/keystore/data");
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
    get entries() {
      return current().keys.map((entry) => {
        const { kid, use, created, profile } = entry;
        return { kid, use, created, profile, open: () => openEntry(entry, use, id, keysKey) };
      });
    },
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
      return reprotect(home, current, await wrapKey(next, home, id, keystoreKey));
    },
    changePassphrase: async (passphrase) => {
      assertOpen();
      return reprotect(home, current, await wrapKeyAnew(passphrase, home, id, keystoreKey));
    },
    mac: (data) => {
      assertOpen();
      return createHmac("sha512", pinsKey).update(data).digest().subarray(0, 32);
    },
    sealData: (plaintext, binding) => {
      assertOpen();
      return sealOctets(plaintext, dataKey, ["meshman/keystore/data", id, ...binding], (length) =>
        home.deps.random(length),
      );
    },
    openData: (sealed, binding) => {
      assertOpen();
      return openOctets(sealed, dataKey, ["meshman/keystore/data", id, ...binding]);
    },
    copyKey: () => {
      assertOpen();
      return Buffer.from(keystoreKey);
    },
    close: () => {
      open = false;
      for (const key of [keystoreKey, keysKey, pinsKey, dataKey]) key.fill(0);
    },
  };
};

/**
 * Makes the keystore of a home and gives it unlocked. Its key file, where it has one, is on disk before it.
 * Throws `refused` where the home has a keystore already, `passphrase-weak`, `usage`, and what `withLock` throws.
 */
export const createKeystore = (home: Home, protection: Exclude<Protection, { method: "keyring" }>): Promise<Keystore> =>
  home.withLock(async () => {
    const refuseSecond = (): void => {
      if (!readKeystoreFile(home)) return;
      throw new MeshError("refused", msg("keystore.there-already", { path: home.path }));
    };
    refuseSecond();
    const { deps } = home;
    const keystoreKey = deps.random(KEYSTORE_KEY_OCTETS);
    const id = encodeBase64url(deps.random(16));
    let wrapped: Wrapped | undefined;
    try {
      wrapped = await wrapKey(protection, home, id, keystoreKey);
      const created = deps.now().toISOString();
      // Another call chain of this process may share the lock.
      refuseSecond();
      replaceProtection(home, { version: 1, id, created, keys: [] }, undefined, wrapped);
      // The home may be left from a run that was cut off before this.
      syncEntry(deps, home.path);
      return openHandle(home, id, Buffer.from(keystoreKey));
    } finally {
      wrapped?.keyFile?.key.fill(0);
      keystoreKey.fill(0);
    }
  });

/** Profiles without their keys are no home to make a profile in. */
const noKeystore = (home: Home): MeshError => {
  const { path } = home;
  return hasProfiles(home)
    ? new MeshError("keystore-corrupt", msg("keystore.missing", { path }), { hint: msg("keystore.damaged.hint") })
    : new MeshError("profile-not-found", msg("keystore.none", { path }), { hint: msg("keystore.none.hint") });
};

/**
 * Unlocks the keystore of a home; secrets that are not needed are ignored, and the caller wipes them. Writes nothing.
 * Throws `profile-not-found` where there is neither keystore nor profile, `locked` where passphrase, key or key file are missing or the key is
 * wrong, `wrong-passphrase`, `keyring-unavailable`, `keystore-corrupt`, `keystore-version`, `keystore-permissions`, `io-failed`.
 */
export const unlockKeystore = async (home: Home, secrets: Secrets = {}): Promise<Keystore> => {
  checkFolder(home.deps, home.path);
  for (;;) {
    const file = readKeystoreFile(home);
    if (!file) throw noKeystore(home);
    try {
      return openHandle(home, file.id, await unwrapKey(home, file.id, file.protection, secrets));
    } catch (error) {
      // Keystore and key file are two reads: another process may have changed the protection between them.
      if (JSON.stringify(readKeystoreFile(home)?.protection) === JSON.stringify(file.protection)) throw error;
    }
  }
};

/**
 * Opens the keystore of a home with a keystore key that somebody kept, such as an agent; it belongs to the keystore then.
 * Undefined, and the key wiped, where it opens none of the keys: it is of another keystore, or of one that was tampered
 * with. A keystore without keys shows nothing to try it on. With a wrong key all that is added could never be read again, so
 * nothing opens such a keystore but its own protection. Throws what reading the file throws.
 */
export const openWithKey = (home: Home, id: string, keystoreKey: Buffer): Keystore | undefined => {
  let isRight = false;
  try {
    checkFolder(home.deps, home.path);
    const file = readKeystoreFile(home);
    const keysKey = deriveKey(keystoreKey, id, "meshman/keystore/keys");
    isRight = file?.id === id && file.keys.some((entry) => opensEntry(entry, id, keysKey));
    keysKey.fill(0);
    return isRight ? openHandle(home, id, keystoreKey) : undefined;
  } finally {
    if (!isRight) keystoreKey.fill(0);
  }
};

const opensEntry = (entry: KeyEntry, id: string, keysKey: Buffer): boolean => {
  try {
    unseal(entry.sealed, keysKey, keyBinding(id, entry)).fill(0);
    return true;
  } catch (error) {
    if (isMeshError(error, "decryption-failed")) return false;
    throw error;
  }
};

/** Forgets keys without unlocking anything, for deleting a profile. A home without a keystore has none to forget. */
export const removeKeys = (home: Home, kids: readonly string[]): Promise<void> =>
  home.withLock(() => {
    const file = readKeystoreFile(home);
    if (file) removeFrom(home, file, kids);
  });
