import { dirname, resolve } from "node:path";
import { isMeshError, MeshError } from "../../errors.js";
import { mayHaveKeyring } from "../../keystore/keyring.js";
import { METHODS, readKeystoreFacts, type Method, type Protection } from "../../keystore/keystore.js";
import { msg } from "../../messages/message.js";
import type { Context, Input, Run } from "../context.js";
import { statNamed } from "../files.js";
import type { SecretPlace } from "../input.js";
import { forNewSecrets, newPassphrase, readKey, wipe } from "../secrets.js";
import { unlockItself } from "../session.js";
import { protectionResult } from "./protection-result.js";

export const run: Run = async (context, input) => {
  const method = methodOf(input);
  refuseForeign(input, method);
  // What cannot end well fails before a passphrase is asked for.
  const path = method === "key-file" ? newKeyFile(context, input.argument(1)) : undefined;
  if (method === "keyring" && !mayHaveKeyring(context.deps)) throw noKeyring();
  const key = method === "key" ? await newKey(context, input) : undefined;
  const keystore = await unlockItself(context);
  const protection = await newProtection(context, input, method, path, key);
  try {
    return protectionResult(context, await keystore.changeProtection(protection));
  } catch (error) {
    throw isMeshError(error, "keyring-unavailable") ? noKeyring(error) : error;
  } finally {
    wipe(protection);
  }
};

/** The error of a keyring that was to be used from now on: that there is a passphrase says nothing then. */
const noKeyring = (cause?: MeshError): MeshError =>
  new MeshError("keyring-unavailable", cause?.text ?? msg("keystore.keyring-none"), {
    hint: msg("protect.keyring.hint"),
    cause,
  });

const methodOf = (input: Input): Method => {
  const named = input.argument(0) ?? "";
  const method = METHODS.find((known) => known === named);
  if (method) return method;
  throw new MeshError("usage", msg("protect.method-unknown", { method: JSON.stringify(named) }), {
    hint: msg("protect.method-unknown.hint", { methods: METHODS.join(", ") }),
  });
};

/** Which protections an option says something of. */
const OPTIONS: readonly (readonly [name: string, option: string, methods: readonly Method[]])[] = [
  ["newPassphraseFile", "--new-passphrase-file", ["passphrase", "keyring"]],
  ["newPassphraseFd", "--new-passphrase-fd", ["passphrase", "keyring"]],
  ["newKeyFile", "--new-key-file", ["key"]],
  ["newKeyFd", "--new-key-fd", ["key"]],
];

const refuseForeign = (input: Input, method: Method): void => {
  const given = OPTIONS.filter(([name]) => input.flag(name));
  const foreign = given.find(([, , methods]) => !methods.includes(method));
  if (foreign) throw new MeshError("usage", msg("protect.not-for", { option: foreign[1], method }));
  if (given.length > 1) throw new MeshError("usage", msg("protect.given-twice"));
  if (input.argument(1) !== undefined && method !== "key-file") {
    throw new MeshError("usage", msg("protect.path-not-for", { method }));
  }
};

/** Where the key file is to be. What is there already is looked at when it is written. */
const newKeyFile = (context: Context, path: string | undefined): string | undefined => {
  if (path === undefined) return undefined;
  if (path === "") throw new MeshError("usage", msg("protect.path-empty"));
  const absolute = resolve(context.deps.cwd, path);
  if (statNamed(context, absolute)?.isDirectory) {
    throw new MeshError("file-exists", msg("keystore.key-file-taken", { path }), {
      hint: msg("keystore.key-file-taken.hint"),
    });
  }
  if (statNamed(context, dirname(absolute))?.isDirectory) return absolute;
  throw new MeshError("file-unreadable", msg("file.folder-missing", { path: JSON.stringify(path) }), {
    hint: msg("file.folder-missing.hint"),
  });
};

const newKey = async (context: Context, input: Input): Promise<Buffer> => {
  const key = await readKey(context, { file: input.text("newKeyFile"), fd: input.whole("newKeyFd") });
  if (key) return key;
  throw new MeshError("input-required", msg("protect.key-needed"), { hint: msg("protect.key-needed.hint") });
};

const newProtection = async (
  context: Context,
  input: Input,
  method: Method,
  path: string | undefined,
  key: Buffer | undefined,
): Promise<Protection> => {
  if (method === "key-file") return { method, path };
  if (key) return { method: "key", key };
  const place: SecretPlace = { file: input.text("newPassphraseFile"), fd: input.whole("newPassphraseFd") };
  if (method === "keyring" && !input.flag("newPassphraseFile") && !input.flag("newPassphraseFd")) {
    // The passphrase that the keystore has stays: where it is the protection it was given just now.
    const present = readKeystoreFacts(context.home)?.protection;
    if (present === "passphrase" || present === "keyring") return { method };
  }
  const passphrase = await newPassphrase(forNewSecrets(context), {
    ...place,
    hint: msg("protect.passphrase-needed.hint"),
  });
  return { method: method === "keyring" ? "keyring" : "passphrase", passphrase };
};
