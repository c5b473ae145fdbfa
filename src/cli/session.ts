import { isMeshError, MeshError } from "../errors.js";
import { readFdText, readNamedFile, readSecretFile } from "./input.js";
import { accountsOf, canonicalAccount, isBehind } from "./select.js";
import { confirmed, localPortalPath, type Context } from "./context.js";
import { languages } from "./language.js";
import { openPortal, type PortalClient } from "../client/client.js";
import { parsePortal, type PortalTarget } from "../client/target.js";
import { createKeystore, readKeystoreFacts, unlockKeystore, type Keystore } from "../keystore/keystore.js";
import { checkFolder } from "../keystore/home.js";
import { loadPins, readPins, updatePins } from "../keystore/pins.js";
import { readProfile, updateProfile, type AccountState, type ProfileState } from "../keystore/state.js";
import type { PrivateKey } from "../mesh/keys.js";
import { findDevice, isAdministrator, type PersonalProfile } from "../mesh/records/personal.js";
import { checkPin, pinOf } from "../mesh/succession.js";
import { msg, type Message } from "../messages/message.js";
import { fetchOwn, followOwn, refuseRevoked } from "./own-profile.js";
import { withSeen } from "./seen.js";

const MINIMUM_PASSPHRASE = 8;
/** The certificates that a system trusts take up some 250 KiB. */
const MAX_CERTIFICATES = 4 * 1024 * 1024;

/** An error for a question that cannot be asked, where more than one option can answer it. The hint names them. */
export const inputNeeded = (what: Message, hint: Message): MeshError =>
  new MeshError("input-required", msg("input.required", { what }), { hint });

/** The passphrase from where the options say it is, or undefined where they say nothing. One trailing newline is dropped. */
const givenPassphrase = async (context: Context): Promise<Buffer | undefined> => {
  const { passphraseFile, passphraseFd } = context.globals;
  if (passphraseFd !== undefined) return readFdText(context, passphraseFd);
  if (passphraseFile !== undefined) return readSecretFile(context, passphraseFile);
  return undefined;
};

/** Opens the keystore, asking for its passphrase where it has one. Throws `locked`, `wrong-passphrase` or `input-required`. */
export const openKeystore = async (context: Context): Promise<Keystore> =>
  (context.unlocked.keystore ??= await unlock(context));

const unlock = async (context: Context): Promise<Keystore> => {
  const facts = readKeystoreFacts(context.home);
  if (facts?.protection !== "passphrase") return unlockKeystore(context.home);
  const passphrase = (await givenPassphrase(context)) ?? (await askPassphrase(context));
  return unlockKeystore(context.home, passphrase);
};

const askPassphrase = async (context: Context): Promise<Buffer> => {
  if (!context.canAsk) throw inputNeeded(msg("passphrase.what"), msg("passphrase.what.hint"));
  return Buffer.from(await context.ask.secret(msg("passphrase.ask")), "utf8");
};

/** A new passphrase, asked twice on a terminal. */
export const newPassphrase = async (
  context: Context,
  given?: Buffer,
  hint: Message = msg("passphrase.what-new.hint"),
): Promise<Buffer> => {
  const named = given ?? (await givenPassphrase(context));
  if (named) return named;
  if (!context.canAsk) throw inputNeeded(msg("passphrase.what-new"), hint);
  const first = await context.ask.secret(msg("passphrase.ask-new"), {
    validate: (text) =>
      [...text].length >= MINIMUM_PASSPHRASE || msg("passphrase.short", { minimum: MINIMUM_PASSPHRASE }),
  });
  await context.ask.secret(msg("passphrase.ask-again"), {
    validate: (text) => text === first || msg("passphrase.differs"),
  });
  return Buffer.from(first, "utf8");
};

/** Opens the keystore of this home, or makes one: with a passphrase, or with a key file after `--no-passphrase`. */
export const openOrCreateKeystore = async (context: Context, noPassphrase: boolean): Promise<Keystore> => {
  if (readKeystoreFacts(context.home)) return openKeystore(context);
  // Before a passphrase is asked for, not after.
  checkFolder(context.deps, context.home.path);
  const protection = noPassphrase
    ? ({ method: "key-file" } as const)
    : ({ method: "passphrase", passphrase: await newPassphrase(context) } as const);
  try {
    return (context.unlocked.keystore = await createKeystore(context.home, protection));
  } catch (error) {
    // Another process was faster: its keystore is ours too.
    if (!isMeshError(error, "refused") || !readKeystoreFacts(context.home)) throw error;
    return openKeystore(context);
  }
};

/**
 * Removes what a command has left that was killed between keys and profile: keys of a profile that never came to be, and of a
 * device that this machine was before its present one. A profile that was pinned did come to be: where its file is missing it
 * was deleted by hand, perhaps because it was damaged, and its keys may be the only ones.
 */
export const removeOrphans = ({ home }: Context, keystore: Keystore): Promise<void> =>
  home.withLock(async () => {
    const pins = loadPins(home, keystore).profiles;
    const orphans = keystore.facts.filter(({ kid, use, profile }) => {
      const state = readProfile(home, profile);
      // A master key is never thrown away on a guess.
      if (use.startsWith("master-")) return false;
      if (!state) return !pins[profile];
      const { udf, authenticationKey, encryptionKey, onlineSignatureKey } = state.device;
      return ![udf, authenticationKey, encryptionKey, onlineSignatureKey].includes(kid);
    });
    if (orphans.length > 0) await keystore.remove(orphans.map(({ kid }) => kid));
  });

/** Where a portal named by an option, or remembered, is. */
export const portalTarget = (context: Context, text: string): PortalTarget =>
  parsePortal(text, {
    allowHttp: context.globals.allowHttp,
    localPath: localPortalPath(context),
    cwd: context.deps.cwd,
  });

/** Opens a portal under what is known of it, and with the bounds and certificates that the options give. */
export const openTarget = async (context: Context, target: PortalTarget): Promise<PortalClient> => {
  const { ca, timeout } = context.globals;
  const known = readPins(context.home).portals[target.url];
  return openPortal(context.deps, target, {
    timeout,
    ca: ca === undefined ? undefined : readNamedFile(context, ca, MAX_CERTIFICATES),
    pinned: known,
    languages: languages(context),
  });
};

/** Work on one profile with its keys at hand. */
export interface Session {
  readonly context: Context;
  readonly keystore: Keystore;
  readonly state: ProfileState;
  /** Signs requests for this device. */
  readonly authenticationKey: PrivateKey;
}

/** Unlocks the keys of a profile. Throws `profile-revoked` where it has been seen to be, and what `openKeystore` throws. */
export const openSession = async (context: Context, state: ProfileState): Promise<Session> => {
  refuseRevoked(state);
  const keystore = await openKeystore(context);
  loadPins(context.home, keystore);
  return sessionOf(context, keystore, state);
};

export const sessionOf = (context: Context, keystore: Keystore, state: ProfileState): Session => ({
  context,
  keystore,
  state,
  get authenticationKey() {
    return keystore.get(state.device.authenticationKey, "device-authentication");
  },
});

/** The account that an option names, or the first one. Throws `account-not-found`. */
export const accountOf = (context: Context, state: ProfileState): AccountState => {
  const named = context.globals.account;
  const accounts = accountsOf(state);
  const account =
    named === undefined
      ? accounts[0]
      : accounts.find((candidate) => candidate.account === canonicalAccount(named, state));
  if (account) return account;
  throw new MeshError(
    "account-not-found",
    named === undefined ? msg("account.none", { name: state.name }) : msg("account.none-such"),
    { hint: msg("account.none.hint") },
  );
};

/** Opens the portal of an account: the one that `--portal` names, or the remembered one. */
export const openAccount = (context: Context, account: AccountState): Promise<PortalClient> =>
  openTarget(context, portalTarget(context, context.globals.portal ?? account.portal));

/** Remembers what a portal can do, so that it cannot pretend later to do less. */
export const rememberPortal = async (session: Session, client: PortalClient): Promise<void> => {
  const { context, keystore } = session;
  const extensions = [...client.info.extensions].sort();
  await updatePins(context.home, keystore, (pins) => ({
    ...pins,
    portals: {
      ...pins.portals,
      [client.url]: {
        wrapping: client.info.wrapping,
        extensions: [...new Set([...(pins.portals[client.url]?.extensions ?? []), ...extensions])].sort(),
      },
    },
  }));
};

/** Records that a version has been seen: a portal served or acknowledged it. Nothing before it is accepted afterwards. */
export const remember = async (session: Session, profile: PersonalProfile, gap = false): Promise<void> => {
  const { context, keystore } = session;
  const { home } = context;
  // The record first: a record newer than its pin is verified again, but a pin without its record shows nothing.
  await updateProfile(home, profile.udf, (state = session.state) => withSeen(state, profile));
  await updatePins(home, keystore, (pins) => {
    const pin = pins.profiles[profile.udf];
    const order = pin ? pin.masterSequence - profile.master.sequence || pin.sequence - profile.sequence : -1;
    if (order > 0) return pins;
    // Another process may have seen a version of the same age meanwhile; if it is not this one, this throws.
    if (pin && order === 0) checkPin(profile, pin);
    return { ...pins, profiles: { ...pins.profiles, [profile.udf]: pinOf(profile, gap || pin?.gap === true) } };
  });
};

/** Fetches a profile from a portal, verifies it, holds it against the pin, and remembers it. */
export const follow = async (session: Session, client: PortalClient, account: string): Promise<PersonalProfile> => {
  const { context, keystore, state } = session;
  const fetched = await fetchOwn(context, client, account, state);
  const pin = loadPins(context.home, keystore).profiles[state.udf];
  const record = readProfile(context.home, state.udf)?.record;
  const followed = await followOwn(client, fetched, pin, record, context.globals.acceptGap).catch(
    async (error: unknown) => {
      if (isMeshError(error, "rollback") && isBehind(state, account)) throw behind(client, account, error);
      if (!(error instanceof MeshError) || error.code !== "gap" || !context.canAsk) throw error;
      await confirmed(context, msg("profile.go-on-question", { reason: error.text }));
      return followOwn(client, fetched, pin, record, true);
    },
  );
  await rememberPortal(session, client);
  if (followed.changed || !pin || !state.record || state.connecting) {
    await remember(session, followed.profile, followed.pin.gap === true);
  }
  return followed.profile;
};

const behind = (client: PortalClient, account: string, cause: unknown): MeshError =>
  new MeshError("conflict", msg("change.portal-behind", { portal: client.url }), {
    hint: msg("change.portal-behind.hint", { account }),
    cause,
  });

/** Throws `not-connected` unless the profile lists this device. */
export const requireConnected = (session: Session, profile: PersonalProfile): void => {
  if (findDevice(profile, session.state.device.udf)) return;
  const recovering = session.state.work.some(({ kind }) => kind === "recover");
  const waiting = session.state.connecting !== undefined;
  throw new MeshError("not-connected", waiting ? msg("device.not-connected-yet") : msg("device.not-connected"), {
    hint: recovering
      ? msg("device.recovery-unfinished.hint")
      : waiting
        ? msg("device.not-connected-yet.hint")
        : msg("device.not-connected.hint"),
  });
};

/** The online signature key of this device. Throws `not-connected` or `not-administrator`. */
export const administrationKey = (session: Session, profile: PersonalProfile): PrivateKey => {
  requireConnected(session, profile);
  const { state, keystore } = session;
  if (!isAdministrator(profile, state.device.udf)) {
    throw new MeshError("not-administrator", msg("device.not-administrator"), {
      hint: msg("device.not-administrator.hint"),
    });
  }
  return keystore.get(state.device.onlineSignatureKey, "online-signature");
};
