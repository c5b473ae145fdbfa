import { isMeshError, MeshError } from "../errors.js";
import { readNamedFile } from "./input.js";
import { openKeystore } from "./open-keystore.js";
import { newProtection, wipe } from "./secrets.js";
import { accountsOf, canonicalAccount, isBehind } from "./select.js";
import { confirmed, localPortalPath, type Context } from "./context.js";
import { languages } from "./language.js";
import { readableTime } from "./output.js";
import { openPortal, pinnedHead, type PortalClient } from "../client/client.js";
import { parsePortal, type PortalTarget } from "../client/target.js";
import { createKeystore, readKeystoreFacts, type KeyFacts, type Keystore } from "../keystore/keystore.js";
import { checkFolder } from "../keystore/home.js";
import { loadPins, readPins, updatePins, type LogPin } from "../keystore/pins.js";
import { readProfile, updateProfile, type AccountState, type ProfileState } from "../keystore/state.js";
import { encodeBase64url } from "../mesh/bytes.js";
import type { PrivateKey } from "../mesh/keys.js";
import { deviceExpiry, findDevice, isAdministrator, isLapsed, type PersonalProfile } from "../mesh/records/personal.js";
import { checkPin, pinOf } from "../mesh/succession.js";
import { msg } from "../messages/message.js";
import { notConnected } from "./not-connected.js";
import { fetchOwn, followOwn, refuseRevoked } from "./own-profile.js";
import { deviceKeysOf, withoutOldRotations } from "./rotations.js";
import { withSeen } from "./seen.js";

export { inputNeeded } from "./input.js";
export { openKeystore, unlockItself } from "./open-keystore.js";

/** The certificates that a system trusts take up some 250 KiB. */
const MAX_CERTIFICATES = 4 * 1024 * 1024;

/** Opens the keystore of this home, or makes one: with a key that is given, a passphrase, or a key file after `--no-passphrase`. */
export const openOrCreateKeystore = async (context: Context, noPassphrase: boolean): Promise<Keystore> => {
  if (readKeystoreFacts(context.home)) return openKeystore(context);
  // Before a passphrase is asked for, not after.
  checkFolder(context.deps, context.home.path);
  const protection = await newProtection(context, noPassphrase);
  try {
    return (context.unlocked.keystore = await createKeystore(context.home, protection));
  } catch (error) {
    // Another process was faster: its keystore is ours too.
    if (!isMeshError(error, "refused") || !readKeystoreFacts(context.home)) throw error;
    return await openKeystore(context);
  } finally {
    wipe(protection);
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
    const orphans = keystore.facts.filter((fact) => {
      const state = readProfile(home, fact.profile);
      return state ? isLeftOver(fact, state) : !fact.use.startsWith("master-") && !pins[fact.profile];
    });
    if (orphans.length > 0) await keystore.remove(orphans.map(({ kid }) => kid));
  });

/** True for a key of which its profile's state knows nothing. A master key is never thrown away on a guess. */
const isLeftOver = ({ kid, use, profile }: KeyFacts, state: ProfileState): boolean =>
  profile === state.udf && !use.startsWith("master-") && !deviceKeysOf(state).has(kid);

/**
 * Removes what a rotation of this device has left: the keys it had before, where a command that unlocks nothing has seen that
 * the new ones are in their place, and those that came to nothing a while ago. Gives the state as it is then.
 */
const tidyRotations = async (context: Context, keystore: Keystore, state: ProfileState): Promise<ProfileState> => {
  const { home, deps } = context;
  // Unlocking may have taken its time.
  const current = readProfile(home, state.udf) ?? state;
  const tidy = (before: ProfileState): ProfileState => withoutOldRotations(before, deps.now());
  const isTidy =
    (tidy(current).rotations?.length ?? 0) === (current.rotations?.length ?? 0) &&
    !keystore.facts.some((fact) => isLeftOver(fact, current));
  if (isTidy) return current;
  try {
    return await home.withLock(async () => {
      const tidied = await updateProfile(home, state.udf, (before = current) => tidy(before));
      await removeOrphans(context, keystore);
      return tidied;
    });
  } catch (error) {
    // The next command that may write does it.
    if (!isMeshError(error, "read-only", "busy")) throw error;
    return current;
  }
};

/** Where a portal named by an option, or remembered, is. */
export const portalTarget = (context: Context, text: string): PortalTarget =>
  parsePortal(text, {
    allowHttp: context.globals.allowHttp,
    localPath: localPortalPath(context),
    cwd: context.deps.cwd,
  });

/** The certificates of `--ca`. */
export const readCertificates = (context: Context): Buffer | undefined => {
  const { ca } = context.globals;
  return ca === undefined ? undefined : readNamedFile(context, ca, MAX_CERTIFICATES);
};

/** Opens a portal under what is known of it, and with the bounds and certificates that the options give. */
export const openTarget = async (context: Context, target: PortalTarget): Promise<PortalClient> => {
  const { timeout } = context.globals;
  const known = readPins(context.home).portals[target.url];
  const { logMemory } = await import("./portal-log.js");
  return openPortal(context.deps, target, {
    timeout,
    ca: readCertificates(context),
    pinned: known,
    memory: logMemory(context.home, target.url, known),
    languages: languages(context),
  });
};

/** Work on one profile with its keys at hand. */
export interface Session {
  readonly context: Context;
  readonly keystore: Keystore;
  /** As it was when the session began, or when this device was seen to have new keys. */
  state: ProfileState;
  /** Signs requests for this device. */
  readonly authenticationKey: PrivateKey;
}

/** Unlocks the keys of a profile. Throws `profile-revoked` where it has been seen to be, and what `openKeystore` throws. */
export const openSession = async (context: Context, state: ProfileState): Promise<Session> => {
  refuseRevoked(state);
  const keystore = await openKeystore(context);
  loadPins(context.home, keystore);
  return sessionOf(context, keystore, await tidyRotations(context, keystore, state));
};

export const sessionOf = (context: Context, keystore: Keystore, state: ProfileState): Session => {
  let current = state;
  return {
    context,
    keystore,
    get state() {
      return current;
    },
    set state(next) {
      current = next;
    },
    get authenticationKey() {
      return keystore.get(current.device.authenticationKey, "device-authentication");
    },
  };
};

/** The same session under other options, or for some of its accounts. (A copy would not learn that this device has new keys.) */
export const sessionWith = (session: Session, context: Context, accounts?: AccountState[]): Session => ({
  context,
  keystore: session.keystore,
  get state() {
    return accounts ? { ...session.state, accounts } : session.state;
  },
  set state(next) {
    session.state = next;
  },
  get authenticationKey() {
    return session.authenticationKey;
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

/**
 * Remembers what a portal can do, so that it cannot pretend later to do less; of its log the key and the newest head, which is proved to
 * follow the pinned one: what lies in between was kept without a MAC. Throws `log-rollback`, `log-fork`, `proof-missing`.
 */
export const rememberPortal = async (session: Session, client: PortalClient): Promise<void> => {
  const { context, keystore } = session;
  const { url, info, log } = client;
  const extensions = [...info.extensions].sort();
  const before = loadPins(context.home, keystore).portals[url];
  const pinned = pinnedHead(before);
  // One that is further ahead stays: the head that was seen here is kept, and the next contact holds the two against each other.
  if (log?.newest && pinned && !isFurther(before?.log, client)) await log.prove(pinned);
  const pinning = { isDone: false };
  await updatePins(context.home, keystore, (pins) => {
    const pin = pins.portals[url];
    pinning.isDone = !log?.newest || isSameLog(pin?.log, before?.log) || isFurther(pin?.log, client);
    if (!pinning.isDone) return pins;
    const head = laterHead(pin?.log, client);
    return {
      ...pins,
      portals: {
        ...pins.portals,
        [url]: {
          wrapping: info.wrapping,
          extensions: [...new Set([...(pin?.extensions ?? []), ...extensions])].sort(),
          ...(head && { log: head }),
        },
      },
    };
  });
  // Another process has pinned another head meanwhile, which must be proved too.
  if (!pinning.isDone) await rememberPortal(session, client);
};

const isSameLog = (a: LogPin | undefined, b: LogPin | undefined): boolean =>
  a?.verifier === b?.verifier && a?.size === b?.size && a?.root === b?.root;

const isFurther = (pin: LogPin | undefined, { log }: PortalClient): boolean =>
  pin !== undefined && log?.newest !== undefined && pin.size > log.newest.size;

/** The head to be pinned: the newest that was seen, unless another process has been further meanwhile. */
const laterHead = (here: LogPin | undefined, client: PortalClient): LogPin | undefined => {
  const { log } = client;
  if (!log?.newest) return here;
  const { verifier, known, newest } = log;
  const isForeign = here !== undefined && here.verifier !== verifier && !known.includes(here.verifier);
  return isFurther(here, client) || isForeign
    ? here
    : { verifier, size: newest.size, root: encodeBase64url(newest.root) };
};

/**
 * The newest checkpoint of the portal of the profile's first account, for a record that is made now: from `client`, where it is at that
 * portal, or as this home knows it. Undefined where that portal keeps no log.
 */
export const newestToken = async (
  context: Context,
  state: ProfileState,
  client?: PortalClient,
): Promise<string | undefined> => {
  const portal = accountsOf(state)[0]?.portal;
  if (portal === undefined || portal === client?.url) return client?.log?.newest?.note;
  const { knownCheckpoint } = await import("./portal-log.js");
  return knownCheckpoint(context.home, portal);
};

/** Records that a version has been seen: a portal served or acknowledged it. Nothing before it is accepted afterwards. */
export const remember = async (session: Session, profile: PersonalProfile, gap = false): Promise<void> => {
  const { context, keystore } = session;
  const { home } = context;
  // The record first: a record newer than its pin is verified again, but a pin without its record shows nothing.
  const after = await updateProfile(home, profile.udf, (state = session.state) => withSeen(state, profile));
  await updatePins(home, keystore, (pins) => {
    const pin = pins.profiles[profile.udf];
    const order = pin ? pin.masterSequence - profile.master.sequence || pin.sequence - profile.sequence : -1;
    if (order > 0) return pins;
    // Another process may have seen a version of the same age meanwhile; if it is not this one, this throws.
    if (pin && order === 0) checkPin(profile, pin);
    return { ...pins, profiles: { ...pins.profiles, [profile.udf]: pinOf(profile, gap || pin?.gap === true) } };
  });
  if (findDevice(profile, session.state.device.udf) || !findDevice(profile, after.device.udf)) return;
  // The keys of this session count no more: the profile lists the ones that have been made to follow them.
  session.state = after;
  await removeOrphans(context, keystore);
};

/** Fetches a profile from a portal, verifies it, holds it against the pin, and remembers it. */
export const follow = async (session: Session, client: PortalClient, account: string): Promise<PersonalProfile> => {
  const { context, keystore, state } = session;
  const fetched = await fetchOwn(context, client, account, state);
  const pin = loadPins(context.home, keystore).profiles[state.udf];
  const record = readProfile(context.home, state.udf)?.record;
  const followed = await followOwn(context, client, fetched, pin, record, context.globals.acceptGap).catch(
    async (error: unknown) => {
      if (isMeshError(error, "rollback") && isBehind(state, account)) throw behind(client, account, error);
      if (!(error instanceof MeshError) || error.code !== "gap" || !context.canAsk) throw error;
      await confirmed(context, msg("profile.go-on-question", { reason: error.text }));
      return followOwn(context, client, fetched, pin, record, true);
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

/** The error of a device whose time is over. */
const deviceLapsed = (profile: PersonalProfile, udf: string): MeshError =>
  new MeshError("device-expired", msg("device.lapsed", { time: readableTime(deviceExpiry(profile, udf) ?? "") }), {
    hint: msg("device.lapsed.hint", { udf }),
  });

/** Throws `not-connected` unless the profile lists this device, and `device-expired` where its time is over. */
export const requireConnected = (session: Session, profile: PersonalProfile): void => {
  const { udf } = session.state.device;
  if (findDevice(profile, udf)) {
    if (isLapsed(profile, udf, session.context.deps.now())) throw deviceLapsed(profile, udf);
    return;
  }
  throw notConnected(session.state);
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
