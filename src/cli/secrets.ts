import { isMeshError, MeshError } from "../errors.js";
import { parseKey } from "../keystore/key-text.js";
import type { KeystoreFacts } from "../keystore/keystore-file.js";
import {
  MINIMUM_PASSPHRASE,
  unlockKeystore,
  type Keystore,
  type Protection,
  type Secrets,
} from "../keystore/keystore.js";
import { isWeak } from "../keystore/strength.js";
import { msg, type Message } from "../messages/message.js";
import { withGlobals, type Context } from "./context.js";
import { inputNeeded, readPassphrase, readSecret, warnShared, type SecretPlace } from "./input.js";

const isGiven = ({ file, fd }: SecretPlace): boolean => file !== undefined || fd !== undefined;

/** A key of 32 octets from where an option says it is, or undefined where none does. Throws `usage` where it is none. */
export const readKey = async (context: Context, place: SecretPlace): Promise<Buffer | undefined> => {
  const octets = await readSecret(context, place);
  if (!octets) return undefined;
  const key = parseKey(octets);
  octets.fill(0);
  if (key) return key;
  throw new MeshError("usage", msg("key.form"), { hint: msg("key.form.hint") });
};

const passphrasePlace = ({ globals: { passphraseFile, passphraseFd } }: Context): SecretPlace => ({
  file: passphraseFile,
  fd: passphraseFd,
});

const keyPlace = ({ globals: { keystoreKeyFile, keystoreKeyFd } }: Context): SecretPlace => ({
  file: keystoreKeyFile,
  fd: keystoreKeyFd,
});

const askPassphrase = async (context: Context): Promise<Buffer> => {
  if (!context.canAsk) throw inputNeeded(msg("passphrase.what"), msg("passphrase.what.hint"));
  return Buffer.from(await context.ask.secret(msg("passphrase.ask")), "utf8");
};

/** Where a new passphrase can come from, and what to say where it comes from nowhere. */
interface NewPassphrase extends SecretPlace {
  readonly hint: Message;
}

const fromOptions = (context: Context): NewPassphrase => ({
  ...passphrasePlace(context),
  hint: msg("passphrase.what-new.hint"),
});

/** A new passphrase, asked for twice on a terminal. A weak one is taken, and said to be weak behind the result. */
export const newPassphrase = async (
  context: Context,
  { hint, ...place }: NewPassphrase = fromOptions(context),
): Promise<Buffer> => {
  const passphrase = (await readPassphrase(context, place)) ?? (await askNew(context, hint));
  hintWeak(context, passphrase);
  return passphrase;
};

const askNew = async (context: Context, hint: Message): Promise<Buffer> => {
  if (!context.canAsk) throw inputNeeded(msg("passphrase.what-new"), hint);
  return askTwice(context, msg("passphrase.ask-new"));
};

/** A new passphrase, typed twice on a terminal. */
export const askTwice = async (context: Context, question: Message): Promise<Buffer> => {
  const first = await context.ask.secret(question, {
    validate: (text) =>
      [...text].length >= MINIMUM_PASSPHRASE || msg("passphrase.short", { minimum: MINIMUM_PASSPHRASE }),
  });
  await context.ask.secret(msg("passphrase.ask-again"), {
    validate: (text) => text === first || msg("passphrase.differs"),
  });
  return Buffer.from(first, "utf8");
};

/** Says behind the result that a new passphrase is weak. It is taken all the same. */
export const hintWeak = (context: Context, passphrase: Buffer): void => {
  if (isWeak(passphrase)) context.later.push(msg("passphrase.weak"));
};

/** The protection of a new keystore: by the key that is given, else by a key file or a passphrase. */
export const newProtection = async (
  context: Context,
  noPassphrase: boolean,
): Promise<Exclude<Protection, { method: "keyring" }>> => {
  if (isGiven(keyPlace(context)) && isGiven(passphrasePlace(context))) {
    throw new MeshError("usage", msg("key.or-passphrase"), { hint: msg("key.or-passphrase.hint") });
  }
  const key = await readKey(context, keyPlace(context));
  if (key) return { method: "key", key };
  return noPassphrase ? { method: "key-file" } : { method: "passphrase", passphrase: await newPassphrase(context) };
};

/** Wipes what a protection was made from. */
export const wipe = (secrets: object): void => {
  for (const secret of Object.values(secrets)) if (Buffer.isBuffer(secret)) secret.fill(0);
};

const unlockWith = async (context: Context, secrets: Secrets): Promise<Keystore> => {
  try {
    return await unlockKeystore(context.home, secrets);
  } finally {
    wipe(secrets);
  }
};

/** By the keyring; where that does not answer by the passphrase, and the user is told why. Never one for the other in silence. */
const unlockWithKeyring = async (context: Context): Promise<Keystore> => {
  try {
    return await unlockKeystore(context.home);
  } catch (error) {
    if (!isMeshError(error, "keyring-unavailable")) throw error;
    if (!isGiven(passphrasePlace(context)) && !context.canAsk) throw error;
    await context.note(msg("passphrase.instead", { reason: error.text }));
    const passphrase = (await readPassphrase(context, passphrasePlace(context))) ?? (await askPassphrase(context));
    return unlockWith(context, { passphrase });
  }
};

/**
 * Opens the keystore by its own protection: with what the options give, or after asking. Throws `locked`,
 * `wrong-passphrase`, `keyring-unavailable`, `input-required`, `usage` and what reading the files throws.
 */
export const unlockByProtection = async (context: Context, facts: KeystoreFacts | undefined): Promise<Keystore> => {
  switch (facts?.protection) {
    case "passphrase":
      return unlockWith(context, {
        passphrase: (await readPassphrase(context, passphrasePlace(context))) ?? (await askPassphrase(context)),
      });
    case "key":
      return unlockWith(context, { key: await readKey(context, keyPlace(context)) });
    case "keyring":
      return unlockWithKeyring(context);
    default:
      // In the home others may not read it; on a stick that knows no permissions it can only be said.
      if (facts?.keyFile !== undefined) await warnShared(context, facts.keyFile);
      return unlockKeystore(context.home);
  }
};

/** The same context with nothing said of the secrets in use, where new ones are asked for. */
export const forNewSecrets = (context: Context): Context =>
  withGlobals(context, {
    passphraseFile: undefined,
    passphraseFd: undefined,
    keystoreKeyFile: undefined,
    keystoreKeyFd: undefined,
  });
