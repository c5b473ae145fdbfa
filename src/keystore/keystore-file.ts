import { dirname, join } from "node:path";
import * as v from "valibot";
import { KEY_USES, type KeyUse } from "../mesh/key-use.js";
import { parseWith, problem, TimeSchema, UdfSchema } from "../mesh/schema.js";
import { msg } from "../messages/message.js";
import type { Home } from "./home.js";
import { keyFilePath, ProtectionSchema, type Method } from "./protection.js";
import { SealedSchema } from "./seal.js";
import { octetsSchema, readStored, writeStored, type Format, type Remembered } from "./stored.js";

/** What can be said of a private key without unlocking. `profile` is the UDF of the profile that it belongs to. */
export interface KeyFacts {
  readonly kid: string;
  readonly use: KeyUse;
  readonly created: string;
  readonly profile: string;
}

/** What can be said of a keystore without unlocking it. */
export interface KeystoreFacts {
  readonly id: string;
  readonly path: string;
  readonly created: string;
  readonly protection: Method;
  /** Path of its key file, where it has one. */
  readonly keyFile: string | undefined;
  readonly keys: KeyFacts[];
}

const EntrySchema = v.strictObject({
  kid: UdfSchema,
  use: v.picklist(KEY_USES),
  created: TimeSchema,
  profile: UdfSchema,
  sealed: SealedSchema,
});
export type KeyEntry = v.InferOutput<typeof EntrySchema>;

const FileSchema = v.strictObject({
  version: v.literal(1),
  id: octetsSchema(16),
  created: TimeSchema,
  protection: ProtectionSchema,
  keys: v.pipe(
    v.array(EntrySchema),
    v.check((keys) => new Set(keys.map(({ kid }) => kid)).size === keys.length, problem("problem.key-twice")),
  ),
});
export type KeystoreFile = v.InferOutput<typeof FileSchema>;

const FORMAT: Format<typeof FileSchema> = {
  schema: FileSchema,
  limit: 4 * 1024 * 1024,
  code: "keystore-corrupt",
  hint: msg("keystore.damaged.hint"),
};

export const keystorePath = (home: Home): string => join(home.path, "keystore.json");

/** Looked at anew whenever something is asked of a keystore, and seldom changed meanwhile. */
const remembered = new WeakMap<Home, Remembered<KeystoreFile>>();

/** The keystore file, or undefined where there is none. Throws `keystore-corrupt`, `keystore-version`, `io-failed`. */
export const readKeystoreFile = (home: Home): KeystoreFile | undefined => {
  const known = remembered.get(home) ?? {};
  remembered.set(home, known);
  return readStored(home, keystorePath(home), FORMAT, known);
};

/** Writes the keystore file, inside the lock. */
export const writeKeystoreFile = (home: Home, file: KeystoreFile): void => {
  parseWith(FileSchema, file, "internal", msg("keystore.what.keystore"));
  writeStored(home, keystorePath(home), file, FORMAT.limit);
};

/** True where the keystore opens without being given anything, so that there is nothing for an agent to keep. */
export const opensByItself = ({ path, keyFile }: Pick<KeystoreFacts, "path" | "keyFile">): boolean =>
  keyFile !== undefined && dirname(keyFile) === dirname(path);

export const keyFactsOf = (file: KeystoreFile): KeyFacts[] =>
  file.keys.map(({ kid, use, created, profile }) => ({ kid, use, created, profile }));

/**
 * What the keystore of a home says of itself, or undefined where there is none. Needs no unlocking and writes nothing.
 * Throws `keystore-corrupt`, `keystore-version`, `keystore-permissions`, `io-failed`.
 */
export const readKeystoreFacts = (home: Home): KeystoreFacts | undefined => {
  const file = readKeystoreFile(home);
  if (!file) return undefined;
  const { id, created, protection } = file;
  const keyFile = protection.method === "key-file" ? keyFilePath(home, protection) : undefined;
  return { id, path: keystorePath(home), created, protection: protection.method, keyFile, keys: keyFactsOf(file) };
};
