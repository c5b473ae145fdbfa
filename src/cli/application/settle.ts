import { fetchHead, headPages, inParallel } from "../../client/application.js";
import type { PortalClient } from "../../client/client.js";
import { isLogError } from "../../client/log-error.js";
import { fetchHistory } from "../../client/profiles.js";
import { exitStatus, isMeshError, type MeshError } from "../../errors.js";
import { readQueue, removeApplication } from "../../keystore/application-store.js";
import { exposeEntries } from "../../mesh/application/exposure.js";
import {
  newApplicationKey,
  openHead,
  recipientKeys,
  standingOf,
  type Exposure,
  type ReadHead,
} from "../../mesh/application/head.js";
import { isApplicationType } from "../../mesh/application/kind.js";
import type { PrivateKey } from "../../mesh/keys.js";
import { recordTime } from "../../mesh/profile.js";
import { verifyApplication } from "../../mesh/records/application.js";
import type { Device } from "../../mesh/records/device.js";
import {
  deviceName,
  findApplication,
  isLapsed,
  type ApplicationEntry,
  type PersonalProfile,
} from "../../mesh/records/personal.js";
import { compareVersions, pinOf, provesLine } from "../../mesh/succession.js";
import { msg, type Message } from "../../messages/message.js";
import { withClient } from "../change.js";
import { accountOf, openAccount, type Session } from "../session.js";
import { applicationName, mayRead } from "./grants.js";
import { lookAt, signerOf, type Seen } from "./look.js";
import {
  copyOf,
  keepVersion,
  makeVersion,
  openApplicationSegments,
  publishElsewhere,
  publishVersion,
  tokenFor,
  type NextVersion,
  type Opened,
} from "./publish.js";
import type { Settled } from "./settled.js";
import { landed } from "./sync.js";

/** How often a head is made again because another device was faster. */
const MAX_ATTEMPTS = 5;

export interface SettleOptions {
  /** The version before, by which heads are judged as well: who signed one may have left with this change. */
  readonly before?: PersonalProfile | undefined;
  /** A master escrow key, where this home does not keep it. */
  readonly escrowKey?: PrivateKey | undefined;
  /**
   * True for whoever brings a profile back with its master keys, and may be the only one left to mend an application: a head whose signer
   * has gone counts where the version of the profile that it names had him. To anybody else the portal could show what was made later.
   */
  readonly isRecovery?: boolean | undefined;
}

/**
 * Brings every application of a profile that this device can read and sign in line with what the profile says of it. A reader who lacks
 * the key is given it. Where somebody could read who may not any more, a fresh key is made, everything is encrypted anew, and the
 * entries say who may have seen them. A head whose signer has gone, but which was seen or made before that, is signed again.
 * What goes wrong with one application keeps no other from its due: it is told in what this gives. Throws only what shows that the
 * portal's log lies, and `interrupted`.
 */
export const settleApplications = async (
  session: Session,
  after: PersonalProfile,
  options: SettleOptions = {},
): Promise<readonly Settled[]> => {
  const entries = after.applications.filter(({ Type }) => isApplicationType(Type));
  const isMine = (entry: ApplicationEntry): boolean =>
    signerOf(session, after, entry) !== undefined && canOpen(session, after, entry, options);
  const settled = entries
    .filter((entry) => !isMine(entry) && isOtherThan(entry, options.before))
    .map((entry) => outcomeOf(entry, "waiting"));
  const mine = entries.filter(isMine);
  if (mine.length === 0) return settled;
  const { context, state } = session;
  const account = accountOf(context, state);
  try {
    await withClient(openAccount(context, account), async (client) => {
      for (const entry of mine) settled.push(await settleOne(session, client, account.account, after, entry, options));
    });
  } catch (error) {
    if (!isTold(error)) throw error;
    const done = new Set(settled.map(({ identifier }) => identifier));
    const left = mine.filter(({ Identifier }) => !done.has(Identifier));
    settled.push(...left.map((entry) => outcomeOf(entry, "waiting", error)));
  }
  return settled;
};

/** The same, with a note for everything that is not as it should be yet. */
export const settleAndNote = async (
  session: Session,
  after: PersonalProfile,
  options: SettleOptions = {},
): Promise<readonly Settled[]> => {
  const settled = await settleApplications(session, after, options);
  for (const { name, outcome, error } of settled) {
    if (error) await session.context.note(unsettled(name, error));
    else if (outcome === "waiting") await session.context.note(msg("app.settle-elsewhere", { name }));
  }
  return settled;
};

/** What is said of an application that is not as it should be: whether a sync finishes it depends on why. */
export const unsettled = (name: string, error: MeshError): Message =>
  msg(isPassing(error) ? "app.settle-later" : "app.not-settled", { name, reason: error.text });

/** True for what is another time: the portal cannot be reached, or other devices were faster. */
const isPassing = (error: MeshError): boolean => exitStatus(error.code) === 6 || error.code === "conflict";

/**
 * Fetches and keeps the applications of a profile as they are, where this device can open them. From then on this home knows their heads
 * as good, whoever has signed them, which nothing shows any more once the profile has another version. What is not as it should be is
 * named in a note, and so is what this device cannot open where `after`, the version that comes next, takes the right to sign from whoever
 * has signed it last. Throws what says that the portal cannot be reached, so that nothing is changed then, and as `settleApplications` does.
 */
export const keepApplications = async (
  session: Session,
  profile: PersonalProfile,
  { after, ...options }: Omit<SettleOptions, "before"> & { readonly after?: PersonalProfile } = {},
): Promise<void> => {
  const { context, state } = session;
  const isMine = (entry: ApplicationEntry): boolean => canOpen(session, profile, entry, options);
  const entries = profile.applications.filter((entry) => isApplicationType(entry.Type) && (after || isMine(entry)));
  if (entries.length === 0) return;
  await withClient(openAccount(context, accountOf(context, state)), async (client) => {
    for (const entry of entries) {
      try {
        if (isMine(entry)) await keepOne(session, client, profile, entry, options);
        else if (after) await noteLastSigner(session, client, profile, after, entry);
      } catch (error) {
        if (!isTold(error) || exitStatus(error.code) === 6) throw error;
        await context.note(msg("app.not-kept", { name: applicationName(entry), reason: error.text }));
      }
    }
  });
};

/** Says where an application that this device cannot open was signed last by somebody who may not sign it any more after a change. */
const noteLastSigner = async (
  { context }: Session,
  client: PortalClient,
  before: PersonalProfile,
  after: PersonalProfile,
  entry: ApplicationEntry,
): Promise<void> => {
  if (!findApplication(after, entry.Identifier)) return;
  const head = await fetchHead(client, entry.Identifier);
  if (!head || !isSignedUnder(head, before) || isSignedUnder(head, after)) return;
  await context.note(msg("app.last-signer", { name: applicationName(entry), device: signerName(before, head) }));
};

/** What the device is called that has signed a head, or its key where the profile does not have it. */
const signerName = (profile: PersonalProfile, { kid }: ReadHead): string => {
  const device = profile.devices.find((one) => isSigner(kid, one));
  return device ? deviceName(profile, device) : kid;
};

/** What is told of an application. A portal whose log lies, and a person who ends the program, end everything. */
const isTold = (error: unknown): error is MeshError =>
  isMeshError(error) && error.code !== "interrupted" && !isLogError(error);

const outcomeOf = (entry: ApplicationEntry, outcome: Settled["outcome"], error?: MeshError): Settled => ({
  identifier: entry.Identifier,
  name: applicationName(entry),
  type: entry.Type,
  outcome,
  ...(error && { error }),
});

/** True where other devices may read than before. */
const isOtherThan = (entry: ApplicationEntry, before: PersonalProfile | undefined): boolean => {
  const readers = ({ DecryptDeviceUDF = [] }: Partial<ApplicationEntry>): string => [...DecryptDeviceUDF].sort().join();
  const earlier = before && findApplication(before, entry.Identifier);
  return earlier !== undefined && readers(earlier) !== readers(entry);
};

/** A master escrow key to open heads with: the one that is given, or one that this home keeps. */
const escrowKeyFor = (
  { keystore }: Session,
  profile: PersonalProfile,
  { escrowKey }: SettleOptions,
): PrivateKey | undefined => {
  const kept = profile.master.escrowKeys.find(({ udf }) => keystore.has(udf));
  return escrowKey ?? (kept && keystore.get(kept.udf, "master-escrow"));
};

const canOpen = (
  session: Session,
  profile: PersonalProfile,
  entry: ApplicationEntry,
  options: SettleOptions,
): boolean => mayRead(entry, session.state.device.udf) || escrowKeyFor(session, profile, options) !== undefined;

const see = async (
  session: Session,
  client: PortalClient,
  profile: PersonalProfile,
  entry: ApplicationEntry,
  options: SettleOptions,
): Promise<Seen> => {
  const escrowKey = escrowKeyFor(session, profile, options);
  const look = (before: PersonalProfile | undefined): Promise<Seen> =>
    lookAt(session, client, profile, entry, { before, escrowKey });
  try {
    return await look(options.before);
  } catch (error) {
    if (options.isRecovery !== true || !isMeshError(error, "application-signer")) throw error;
    const named = await namedVersion(client, profile, entry);
    if (!named) throw error;
    const seen = await look(named);
    await session.context.note(
      msg("app.signer-gone", { name: applicationName(entry), device: signerName(named, seen.head) }),
    );
    return seen;
  }
};

/**
 * The version of the profile that the newest head of an application names, out of the portal's history, or the first after it that has
 * the application: its first head is made before its entry. Undefined where the portal does not show it, where it is none of those that
 * led to `profile`, or where whoever signed the head could not do so then.
 */
const namedVersion = async (
  client: PortalClient,
  profile: PersonalProfile,
  entry: ApplicationEntry,
): Promise<PersonalProfile | undefined> => {
  const head = await fetchHead(client, entry.Identifier);
  if (!head) return undefined;
  const [master, sequence] = head.profileSequence;
  const history = await fetchHistory(client, profile.udf);
  const isNamed = (version: PersonalProfile): boolean =>
    version.master.sequence === master && version.sequence === sequence;
  const named = history.find(isNamed);
  if (!named) return undefined;
  const found = history
    .filter((version) => compareVersions(version, named) >= 0 && compareVersions(version, profile) < 0)
    .sort(compareVersions)
    .find((version) => findApplication(version, entry.Identifier));
  if (!found || !isSignedUnder(head, found)) return undefined;
  return provesLine(profile, pinOf(found), history) ? found : undefined;
};

const keepOne = async (
  session: Session,
  client: PortalClient,
  profile: PersonalProfile,
  entry: ApplicationEntry,
  options: SettleOptions,
): Promise<void> => {
  const seen = await see(session, client, profile, entry, options);
  if (seen.head.hash === seen.copy?.hash) return;
  const opened = await openApplicationSegments(session, client, seen);
  const { context, keystore, state } = session;
  const done = landed(seen, readQueue(context.home, keystore, state.udf, entry.Identifier));
  await keepVersion(session, copyOf(session, profile, entry, opened, seen.copy?.reached), done);
};

const settleOne = async (
  session: Session,
  client: PortalClient,
  account: string,
  after: PersonalProfile,
  entry: ApplicationEntry,
  options: SettleOptions,
): Promise<Settled> => {
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        return outcomeOf(entry, await settleOnce(session, client, account, after, entry, options));
      } catch (error) {
        if (!isMeshError(error, "conflict") || attempt === MAX_ATTEMPTS) throw error;
      }
    }
  } catch (error) {
    if (!isTold(error)) throw error;
    return outcomeOf(entry, "waiting", error);
  }
};

const settleOnce = async (
  session: Session,
  client: PortalClient,
  account: string,
  after: PersonalProfile,
  entry: ApplicationEntry,
  options: SettleOptions,
): Promise<Settled["outcome"]> => {
  const signer = signerOf(session, after, entry);
  if (!signer) return "waiting";
  const { opened, isSpoilt } = await openOrPutBack(session, client, after, entry, options);
  const { state, missing, escrowMissing } = opened.standing;
  const needsKey =
    isSpoilt || state === "outdated" || isKeyElsewhere(opened, options.before, session.context.deps.now());
  if (!needsKey && missing.length === 0 && !escrowMissing && !opened.isOrphan) return "current";
  const next: NextVersion = needsKey
    ? { fresh: await freshKey(session, client, opened, options.before) }
    : { rewrap: true };
  const version = await makeVersion(session, opened, signer, next, await tokenFor(session, client));
  if (!version) return "current";
  const copy = await publishVersion(session, client, opened, version);
  await publishElsewhere(session, client, account, copy);
  if (!mayRead(entry, session.state.device.udf)) await forget(session, copy);
  if (isSpoilt) await session.context.note(msg("app.put-back", { name: copy.name }));
  return needsKey ? "rekeyed" : "granted";
};

/** What is wrong with a version that nobody can use any more. */
const SPOILT = ["decryption-failed", "application-recipient", "application-segment"] as const;

/**
 * An application as it is, or as it was where a device that leaves with this change has left something that nobody can use: its right to
 * write must not outlast it. Throws what was wrong where there is nothing to be put back.
 */
const openOrPutBack = async (
  session: Session,
  client: PortalClient,
  after: PersonalProfile,
  entry: ApplicationEntry,
  options: SettleOptions,
): Promise<{ readonly opened: Opened; readonly isSpoilt: boolean }> => {
  try {
    const seen = await see(session, client, after, entry, options);
    return { opened: await openApplicationSegments(session, client, seen), isSpoilt: false };
  } catch (error) {
    if (!isMeshError(error, ...SPOILT)) throw error;
    const named = options.isRecovery === true ? await namedVersion(client, after, entry) : undefined;
    const opened = await earlierVersion(session, client, after, entry, { ...options, ...(named && { before: named }) });
    if (!opened) throw error;
    return { opened, isSpoilt: true };
  }
};

const isSignedUnder = (head: ReadHead, profile: PersonalProfile): boolean => {
  try {
    verifyApplication(head, profile);
    return true;
  } catch {
    return false;
  }
};

/**
 * The newest version that can be used, in the place of one by somebody who could sign before this change and cannot any more. It is made
 * to be followed by one that comes after the newest. Undefined where another device has signed that, or where there is no other.
 */
const earlierVersion = async (
  session: Session,
  client: PortalClient,
  after: PersonalProfile,
  entry: ApplicationEntry,
  options: SettleOptions,
): Promise<Opened | undefined> => {
  const { before } = options;
  const now = session.context.deps.now();
  const spoilt = await fetchHead(client, entry.Identifier);
  const hasGone = spoilt && before && !isSignedUnder(spoilt, after) && isSignedUnder(spoilt, before);
  if (!hasGone) return undefined;
  const { sequence, hash, payloadHash } = spoilt;
  const keys = openersOf(session, after, entry, options);
  for await (const page of headPages(client, entry.Identifier)) {
    for (const head of page) {
      const key = keys.find(({ kid }) => head.recipients.includes(kid));
      if (head.hash === hash || !key || !isSignedUnder(head, before)) continue;
      try {
        const standing = standingOf(head, after, entry, now);
        const opened = await openApplicationSegments(session, client, {
          entry,
          personal: after,
          head,
          standing,
          isOrphan: true,
          isMissing: false,
          ...(await openHead(head, key)),
          copy: undefined,
          line: [],
        });
        return { ...opened, head: { ...head, sequence, hash, payloadHash } };
      } catch (error) {
        if (!isMeshError(error, ...SPOILT)) throw error;
      }
    }
  }
  return undefined;
};

/** The keys here that open a head. */
const openersOf = (
  session: Session,
  profile: PersonalProfile,
  entry: ApplicationEntry,
  options: SettleOptions,
): readonly PrivateKey[] => {
  const { keystore, state } = session;
  const { udf, encryptionKey } = state.device;
  const escrowKey = escrowKeyFor(session, profile, options);
  return [
    ...(mayRead(entry, udf) ? [keystore.get(encryptionKey, "device-encryption")] : []),
    ...(escrowKey ? [escrowKey] : []),
  ];
};

/** An administrator who may not read an application, and mends it with the escrow key, keeps nothing of it. */
const forget = (
  { context, state }: Session,
  { identifier, segments }: { readonly identifier: string; readonly segments: readonly { identifier: string }[] },
): Promise<void> =>
  removeApplication(
    context.home,
    state.udf,
    identifier,
    segments.map((segment) => segment.identifier),
    { edits: false },
  );

/**
 * A fresh key for an application that somebody could read who may not any more, with who that is: every entry says so until it is
 * changed. `before` is a version of the profile that may still list those who have gone; else they are looked for in the portal's older
 * ones.
 */
const freshKey = async (
  session: Session,
  client: PortalClient,
  opened: Opened,
  before?: PersonalProfile,
): Promise<NonNullable<NextVersion["fresh"]>> => {
  const { deps } = session.context;
  const { exposures, segments, contents } = opened;
  const stored = (await inParallel(segments, (segment) => contents.load(segment))).flat();
  const gone = await whoHasGone(session, client, opened, before);
  const exposed = exposeEntries(stored, exposures, gone);
  const entries = new Map(exposed.entries.map((entry) => [entry.Id, entry]));
  return {
    key: newApplicationKey((length) => deps.random(length)),
    exposures: exposed.exposures,
    change: (entry) => entries.get(entry.Id) ?? entry,
  };
};

const readersOf = (
  profile: PersonalProfile,
  { DecryptDeviceUDF = [] }: Partial<ApplicationEntry>,
  time: Date,
): readonly Device[] =>
  profile.devices.filter(({ udf }) => DecryptDeviceUDF.includes(udf) && !isLapsed(profile, udf, time));

/** The devices that could read a head when it was made, by the profile before a change, and may not any more. */
const lostBy = (
  before: PersonalProfile | undefined,
  { head, personal, entry }: Opened,
  now: Date,
): readonly Device[] => {
  const earlier = before && findApplication(before, entry.Identifier);
  if (!before || !earlier) return [];
  const staying = new Set(readersOf(personal, entry, now).map(({ udf }) => udf));
  return readersOf(before, earlier, new Date(head.updated)).filter(({ udf }) => !staying.has(udf));
};

const isSigner = (kid: string, { signatureKey, onlineSignatureKey }: Device): boolean =>
  signatureKey.udf === kid || onlineSignatureKey.udf === kid;

/** The key of whoever has signed a head and may neither do that nor read it any more: he knows the application key all the same. */
const goneSigner = ({ head, personal, entry, isOrphan }: Opened, now: Date): string | undefined => {
  const hasLapsed = personal.devices.some((one) => isSigner(head.kid, one) && isLapsed(personal, one.udf, now));
  const isReader = readersOf(personal, entry, now).some((one) => isSigner(head.kid, one));
  return (isOrphan || hasLapsed) && !isReader ? head.kid : undefined;
};

/**
 * True where somebody may have the application key whom the head does not name: whoever loses the right to read it may have signed a
 * head that leaves it out itself, and kept the key.
 */
const isKeyElsewhere = (opened: Opened, before: PersonalProfile | undefined, now: Date): boolean => {
  const { head, personal, isOrphan } = opened;
  const [master, sequence] = head.profileSequence;
  const isOlder = (master - personal.master.sequence || sequence - personal.sequence) < 0;
  const isLost = (isOrphan || isOlder) && lostBy(before, opened, now).length > 0;
  return isLost || goneSigner(opened, now) !== undefined;
};

/** The devices that could read an application, by its head or by the profile before, or have signed it, and may not read it any more. */
const whoHasGone = async (
  session: Session,
  client: PortalClient,
  opened: Opened,
  before: PersonalProfile | undefined,
): Promise<readonly Exposure[]> => {
  const { head, personal, entry } = opened;
  const { deps } = session.context;
  const time = recordTime(deps.now());
  const readers = recipientKeys(personal, entry, deps.now()).map(({ udf }) => udf);
  const missing = head.recipients.filter((kid) => !readers.includes(kid));
  const lost = lostBy(before, opened, deps.now()).map(({ encryptionKey }) => encryptionKey.udf);
  const find = (profiles: readonly PersonalProfile[], kid: string): Exposure | undefined => {
    for (const profile of profiles) {
      const device = profile.devices.find((one) => one.encryptionKey.udf === kid || isSigner(kid, one));
      if (device) return { DeviceUDF: device.udf, Name: deviceName(profile, device), Time: time };
    }
    return undefined;
  };
  const near = [personal, ...(before ? [before] : [])];
  const signer = goneSigner(opened, deps.now());
  const kids = [...missing, ...lost, ...(signer === undefined ? [] : [signer])];
  const isKnown = kids.every((kid) => find(near, kid));
  const profiles = isKnown ? near : [...near, ...(await fetchHistory(client, personal.udf))];
  // Of a device that no version shows any more only the key is known.
  const gone = kids.map((kid) => find(profiles, kid) ?? { DeviceUDF: kid, Name: kid, Time: time });
  return [...new Map(gone.map((exposure) => [exposure.DeviceUDF, exposure])).values()];
};
