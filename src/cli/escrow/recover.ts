import { exitStatus, isMeshError, MeshError } from "../../errors.js";
import type { PortalClient } from "../../client/client.js";
import {
  createAccount,
  fetchHistory,
  fetchProfile,
  followProfile,
  bringUp,
  publishProfile,
} from "../../client/profiles.js";
import type { PortalTarget } from "../../client/target.js";
import { readKeystoreFacts, type Keystore } from "../../keystore/keystore.js";
import { loadPins } from "../../keystore/pins.js";
import {
  findProfile,
  readProfile,
  updateProfile,
  type AccountState,
  type ProfileState,
  type Work,
} from "../../keystore/state.js";
import { parseAddress } from "../../mesh/address.js";
import { certify } from "../../mesh/certificates.js";
import type { EscrowedKeys } from "../../mesh/escrow.js";
import {
  createDevice,
  createMaster,
  createPersonal,
  generateDeviceKeys,
  recordTime,
  type PersonalChange,
} from "../../mesh/profile.js";
import { readDevice, type Device } from "../../mesh/records/device.js";
import type { MasterProfile } from "../../mesh/records/master.js";
import { deviceName, findDevice, isAdministrator, type PersonalProfile } from "../../mesh/records/personal.js";
import { compareVersions } from "../../mesh/succession.js";
import { accountUdf, parseUdf } from "../../mesh/udf.js";
import { msg, type Message } from "../../messages/message.js";
import { applicationName, withRights } from "../application/grants.js";
import { describeOutcome, type Settled } from "../application/settled.js";
import type { Context, Input, Run } from "../context.js";
import { makeEpoch, openEscrow, readShares, type OpenedEscrow } from "../master.js";
import { deviceKeyEntries, deviceState } from "../device-keys.js";
import { knownProfile } from "../known.js";
import { checkVersion } from "../own-profile.js";
import { checkName, defaultDeviceName, platformName } from "../names.js";
import { fields, gap, lines, printable, raw, stack, type Result } from "../output.js";
import { creationTime, selectProfile } from "../select.js";
import {
  openKeystore,
  openOrCreateKeystore,
  remember,
  newestToken,
  rememberPortal,
  removeOrphans,
  sessionOf,
  type Session,
} from "../session.js";
import { checkNamedAccount, escrowPortals, withPortals } from "./places.js";

export const run: Run = async (context, input) => {
  const label = input.text("name");
  const name = label === undefined ? undefined : checkName(label, "profile");
  const deviceLabel = checkName(input.text("deviceName") ?? defaultDeviceName(context.deps), "device");
  const expected = input.text("expectFingerprint");
  const udf = expected === undefined ? undefined : parseUdf(expected);
  const own = await ownEscrow(context, input);
  const targets = own ? [] : await escrowPortals(context, input);
  const opened = own ?? (await openFromShares(context, input, targets));
  const { escrowed } = opened;
  if (udf !== undefined && udf !== escrowed.master.udf) {
    throw new MeshError("fingerprint-mismatch", msg("escrow.other-profile"));
  }
  const keystore = await openOrCreateKeystore(context, !input.flag("passphrase"));
  const existing = readProfile(context.home, escrowed.master.udf);
  const unfinished = existing !== undefined && existing.work.some(({ kind }) => kind === "recover");
  if (existing && !unfinished && !input.flag("newEpoch")) return restoreKeys(keystore, opened, existing);

  const named = context.globals.portal ?? context.globals.account;
  const places = placesOf(context, escrowed.accounts, named === undefined ? undefined : targets[0]?.url);
  const state = unfinished
    ? existing
    : existing && isListed(context, existing)
      ? await takeOver(context, keystore, opened, existing)
      : await prepare(context, keystore, opened, existing, places, name, deviceLabel);
  // Of the device that this machine was before, where it was one.
  await removeOrphans(context, keystore);
  return finish(context, sessionOf(context, keystore, state), input, opened);
};

const openFromShares = async (
  context: Context,
  input: Input,
  targets: readonly PortalTarget[],
): Promise<OpenedEscrow> => {
  const shares = await readShares(context, input);
  const fromFile = input.list("entryFile").length > 0;
  return withPortals(context, targets, !fromFile, async (clients) => {
    const found = await openEscrow(context, input, shares, clients);
    await checkNamedAccount(context, clients, found.escrowed.master.udf);
    return found;
  });
};

const keysOf = ({ keys }: EscrowedKeys, udf: string) => [
  { key: keys.signature, use: "master-signature" as const, profile: udf },
  { key: keys.escrow, use: "master-escrow" as const, profile: udf },
];

/** The home has the profile: only the master keys come back, and nothing is published. */
const restoreKeys = async (keystore: Keystore, opened: OpenedEscrow, state: ProfileState): Promise<Result> => {
  await keystore.add(keysOf(opened.escrowed, state.udf));
  const device = readDevice(state.device.record);
  return {
    value: valueOf(opened, device, []),
    text: stack(
      lines(msg("recover.master-back")),
      gap,
      fields([
        [msg("label.profile"), state.udf],
        [msg("label.device"), device.name],
      ]),
    ),
  };
};

const valueOf = ({ identifier, threshold, escrowed }: OpenedEscrow, device: Device, others: readonly object[]) => ({
  identifier,
  threshold,
  profile: { udf: escrowed.master.udf },
  keys: escrowed.all.map(({ kid }) => kid),
  device: { udf: device.udf, name: device.name },
  devices: others,
});

/** True where this machine is a connected device of the profile, as far as it knows: then it keeps its keys. */
const isListed = (context: Context, state: ProfileState): boolean => {
  const known = knownProfile(context, state);
  return known !== undefined && findDevice(known, state.device.udf) !== undefined;
};

/** A connected device is to become the only administrator: only the master keys are new here. */
const takeOver = async (
  context: Context,
  keystore: Keystore,
  opened: OpenedEscrow,
  existing: ProfileState,
): Promise<ProfileState> => {
  await keystore.add(keysOf(opened.escrowed, existing.udf));
  return updateProfile(context.home, existing.udf, (state = existing) => ({
    ...state,
    work: [...state.work, { kind: "recover", since: recordTime(context.deps.now()) }],
  }));
};

/** Makes this machine's keys and notes the recovery as unfinished, all on disk before anything is published. */
const prepare = (
  context: Context,
  keystore: Keystore,
  opened: OpenedEscrow,
  existing: ProfileState | undefined,
  places: AccountState[],
  name: string | undefined,
  deviceLabel: string,
): Promise<ProfileState> => {
  const { deps, home } = context;
  const { master } = opened.escrowed;
  return home.withLock(async () => {
    const now = deps.now();
    const keys = generateDeviceKeys(deps.random);
    const device = createDevice(keys, deviceLabel, platformName(deps), now);
    const chosen =
      existing?.name ?? name ?? (findProfile(home, "default") ? `recovered ${master.udf.slice(0, 9)}` : "default");
    const taken = findProfile(home, chosen);
    if (taken && taken.udf !== master.udf) {
      throw new MeshError("profile-exists", msg("recover.name-taken", { name: JSON.stringify(chosen) }), {
        hint: msg("recover.name-taken.hint"),
      });
    }
    await keystore.add([...keysOf(opened.escrowed, master.udf), ...deviceKeyEntries(keys, master.udf)]);
    return updateProfile(home, master.udf, () => {
      const { connecting: _, ...kept } = existing ?? {};
      return {
        ...kept,
        version: 1,
        udf: master.udf,
        name: chosen,
        created: existing?.created ?? creationTime(context),
        device: deviceState(device),
        accounts: existing?.accounts ?? places,
        work: [
          ...(existing?.work ?? []).filter(({ kind }) => kind !== "recover"),
          { kind: "recover", since: recordTime(now) },
        ],
      };
    });
  });
};

/**
 * Where the accounts are: the entry's hints, and what was named. A portal that no hint knows is where the named account, or
 * else the first one, is now.
 */
const placesOf = (context: Context, hints: readonly AccountState[], url: string | undefined): AccountState[] => {
  const { account: text } = context.globals;
  const named = text === undefined ? undefined : parseAddress(text).account;
  const account = named ?? (hints.some(({ portal }) => portal === url) ? undefined : hints[0]?.account);
  const moved = account === undefined || url === undefined ? [] : [{ account, portal: url }];
  return [
    ...moved,
    ...hints.filter((hint) => hint.portal !== "" && !moved.some((place) => place.account === hint.account)),
  ];
};

/** How often the epoch is made again because another device was faster. */
const MAX_ATTEMPTS = 5;

/**
 * Publishes the new epoch: above the highest master sequence found in the entry or on any portal, with this machine as its
 * only administrator. Another device that changes the profile meanwhile loses: the epoch is made again on top of its change.
 */
const finish = async (context: Context, session: Session, input: Input, opened: OpenedEscrow): Promise<Result> => {
  const { state, keystore } = session;
  const master = keystore.get(state.udf, "master-signature");
  const online = keystore.get(state.device.onlineSignatureKey, "online-signature");
  const device = readDevice(state.device.record);
  const portals = [...new Set(state.accounts.map(({ portal }) => portal))];
  const profile = await withPortals(
    context,
    portals,
    opened.escrowed.accounts.length > 0 && input.list("entryFile").length === 0,
    async (clients) => {
      for (let attempt = 1; ; attempt++) {
        const { newest, history, gap, usable } = await newestAnywhere(context, session, clients);
        const done = newest !== undefined && isOurs(session, newest);
        const next = done ? newest : await makeRecovered(context, session, input, opened, master, online, newest);
        if (newest && !done) await keepContent(session, newest, opened);
        if (!done) await noteEpoch(session, next);
        const { reached, failure } = await publishTo(session, usable, next, history);
        if (isMeshError(failure, "conflict") && attempt < MAX_ATTEMPTS) continue;
        if (failure && reached.size === 0) throw failure;
        return { next, gap, reached, before: done ? undefined : newest };
      }
    },
  );
  const { next, gap, reached, before } = profile;
  // What no portal has acknowledged is no version yet: the next run makes another, and must be free to.
  if (reached.size > 0 || portals.length === 0) await remember(session, next, gap);
  // Before the recovery counts as finished, so that a run that is cut off here is made up for by the next.
  const applications = reached.size > 0 ? await restoreContent(session, next, before, opened) : [];
  const missed = state.accounts.filter(({ portal }) => !reached.has(portal)).map(({ account }) => account);
  const published = reached.size > 0 && missed.length === 0;
  // Where one portal took the new epoch the others get it with the next change, or when an account is created again.
  const since = recordTime(context.deps.now());
  const unfinished: Work[] =
    reached.size === 0 && state.accounts.length > 0
      ? [{ kind: "recover", since }]
      : missed.length > 0
        ? [{ kind: "publish", record: next.record, since }]
        : [];
  await updateProfile(context.home, state.udf, (current = state) => ({
    ...current,
    ...(opened.identifier === null || opened.threshold === null
      ? {}
      : {
          recovery: current.recovery ?? { identifier: opened.identifier, threshold: opened.threshold, created: since },
        }),
    work: [...current.work.filter(({ kind }) => kind !== "recover" && kind !== "publish"), ...unfinished],
  }));
  return report(opened, next, device, published, missed, applications);
};

/** Fetches the applications while those who have signed them last are still known by the newest version of the profile. */
const keepContent = async (session: Session, newest: PersonalProfile, { escrowed }: OpenedEscrow): Promise<void> => {
  if (newest.applications.length === 0) return;
  const { keepApplications } = await import("../application/settle.js");
  try {
    await keepApplications(session, newest, { escrowKey: escrowed.keys.escrow, isRecovery: true });
  } catch (error) {
    // The profile may come back from another portal than that of its first account.
    if (!isMeshError(error) || exitStatus(error.code) !== 6) throw error;
    const name = newest.applications.map(applicationName).join(", ");
    await session.context.note(msg("app.not-kept", { name, reason: error.text }));
  }
};

/** Encrypts the applications to this device, and to nobody who has been dropped. What could not be done stands in the result. */
const restoreContent = async (
  session: Session,
  after: PersonalProfile,
  before: PersonalProfile | undefined,
  { escrowed }: OpenedEscrow,
): Promise<readonly Settled[]> => {
  if (after.applications.length === 0) return [];
  const { settleApplications } = await import("../application/settle.js");
  return settleApplications(session, after, { before, escrowKey: escrowed.keys.escrow, isRecovery: true });
};

/** True for the epoch that an interrupted run of this recovery has made and published. */
const isOurs = ({ context, state }: Session, profile: PersonalProfile): boolean => {
  const work = readProfile(context.home, state.udf)?.work.find(({ kind }) => kind === "recover");
  const epoch = work?.kind === "recover" ? work.epoch : undefined;
  const { administrators, sequence } = profile.master;
  return sequence === epoch && administrators.length === 1 && isAdministrator(profile, state.device.udf);
};

/** Keeps which epoch has been made, before anything of it is published. */
const noteEpoch = ({ context, state }: Session, { master }: PersonalProfile): Promise<unknown> =>
  updateProfile(context.home, state.udf, (current = state) => ({
    ...current,
    work: current.work.map((work) => (work.kind === "recover" ? { ...work, epoch: master.sequence } : work)),
  }));

const report = async (
  opened: OpenedEscrow,
  profile: PersonalProfile,
  device: Device,
  published: boolean,
  missed: readonly string[],
  applications: readonly Settled[],
): Promise<Result> => {
  const waiting = applications.filter(({ outcome }) => outcome === "waiting");
  const restored = applications.filter(({ outcome }) => outcome !== "waiting");
  const exit = exitOf(waiting);
  const others = profile.devices
    .filter(({ udf }) => udf !== device.udf)
    .map((other) => ({ udf: other.udf, name: deviceName(profile, other) }));
  const list =
    others.length === 0
      ? undefined
      : stack(
          gap,
          lines(msg("recover.others")),
          raw(others.map(({ udf, name }) => `  meshman device remove ${udf}    # ${printable(name)}\n`).join("")),
        );
  return {
    value: {
      ...valueOf(opened, device, others),
      masterSequence: profile.master.sequence,
      published,
      applications: applications.map(describeOutcome),
    },
    text: stack(
      lines(msg("recover.profile-back")),
      gap,
      fields([
        [msg("label.profile"), profile.udf],
        [msg("label.device"), device.name],
        [msg("label.version"), `${profile.master.sequence}.${profile.sequence}`],
        [msg("label.applications"), restored.length === 0 ? undefined : restored.map(({ name }) => name).join(", ")],
        [
          msg("label.not-published"),
          missed.length === 0 ? undefined : msg("recover.not-published", { accounts: missed.join(", ") }),
        ],
      ]),
      ...(waiting.length === 0 ? [] : [gap, lines(...(await notRestored(waiting)))]),
      list,
    ),
    ...(exit !== undefined && { exit }),
  };
};

/** What is said of each application that has not come back. */
const notRestored = async (waiting: readonly Settled[]): Promise<Message[]> => {
  const { unsettled } = await import("../application/settle.js");
  return waiting.flatMap(({ name, error }) => [
    msg("app.not-restored", { name }),
    ...(error ? [unsettled(name, error)] : []),
  ]);
};

/** The status where an application did not come back: a portal that cannot be reached is made up for by the next sync. */
const exitOf = (waiting: readonly Settled[]): number | undefined => {
  const statuses = waiting.flatMap(({ error }) => (error ? [exitStatus(error.code)] : [])).filter((one) => one !== 6);
  return statuses.includes(7) ? 7 : statuses[0];
};

interface Found {
  /** The portals that have nothing to hide: where one shows what does not verify, the others must do. */
  readonly usable: readonly PortalClient[];
  readonly newest: PersonalProfile | undefined;
  readonly history: readonly PersonalProfile[];
  /** True where nothing proves how the newest version came from what was seen before. */
  readonly gap: boolean;
}

/** The newest verified version at any portal or kept here, with the history of the portal that has it. */
const newestAnywhere = async (context: Context, session: Session, clients: readonly PortalClient[]): Promise<Found> => {
  const { state, keystore } = session;
  const pin = loadPins(context.home, keystore).profiles[state.udf];
  const usable: PortalClient[] = [];
  let found: Omit<Found, "usable"> = { newest: knownProfile(context, state), history: [], gap: false };
  let failure: MeshError | undefined;
  for (const client of clients) {
    try {
      const fetched = await fetchProfile(client, { identifier: state.udf });
      // What is lost cannot be waited for: a gap is accepted here, since the master key itself speaks.
      const followed = fetched && (await followProfile(client, fetched, pin, true));
      if (followed) await lookAtTokens(context, client, followed.profile, knownProfile(context, state));
      await rememberPortal(session, client);
      if (followed && (!found.newest || compareVersions(followed.profile, found.newest) > 0)) {
        const history = await fetchHistory(client, state.udf);
        found = { newest: followed.profile, history, gap: followed.pin.gap === true };
      }
      usable.push(client);
    } catch (error) {
      failure = await leaveOut(context, client, error);
    }
  }
  if (failure && usable.length === 0) throw failure;
  return { ...found, usable };
};

/** Says what the checkpoints in a version show. No device that may be stolen stands in the way of a recovery by what it has published. */
const lookAtTokens = async (
  context: Context,
  client: PortalClient,
  profile: PersonalProfile,
  known: PersonalProfile | undefined,
): Promise<void> => {
  try {
    await checkVersion(context, client, profile, known);
  } catch (error) {
    if (!isMeshError(error, "log-split", "proof-missing")) throw error;
    await context.note(error.text);
    if (error.hint) await context.note(error.hint);
  }
};

/** Says why a portal is left out. One bad portal must not stand in the way of a recovery; a revocation and ^C do. */
const leaveOut = async (context: Context, { url }: PortalClient, error: unknown): Promise<MeshError> => {
  if (!isMeshError(error) || error.code === "profile-revoked" || error.code === "interrupted") throw error;
  await context.note(msg("recover.left-out", { url, reason: error.text }));
  return error;
};

const makeRecovered = async (
  context: Context,
  session: Session,
  input: Input,
  opened: OpenedEscrow,
  master: ReturnType<Keystore["get"]>,
  online: ReturnType<Keystore["get"]>,
  newest: PersonalProfile | undefined,
): Promise<PersonalProfile> => {
  const { state } = session;
  const device = readDevice(state.device.record);
  const names = [...new Set([...(newest?.names ?? []), ...state.accounts.map(({ account }) => accountUdf(account))])];
  const highest = opened.escrowed.master;
  const notaryToken = await newestToken(context, state);
  if (newest && newest.master.sequence >= highest.sequence) {
    // Whoever was an administrator knows what the invites are proved with.
    const kept = input.flag("dropDevices") ? [] : newest.devices.filter(({ udf }) => udf !== device.udf);
    const change = {
      devices: [...kept, device],
      names,
      invites: [],
      notaryToken,
      applications: allFor(newest, device),
    };
    return makeEpoch(context, master, online, newest, [device], change);
  }
  // No portal has the profile, or only one older than the entry: the epoch after the entry's, with this device alone.
  return fromEntry(context, highest, master, online, device, { names, notaryToken });
};

/** Whoever has the master keys has everything that is encrypted to them. */
const allFor = ({ applications }: PersonalProfile, { udf }: Device): PersonalProfile["applications"] => {
  const identifiers = applications.map(({ Identifier }) => Identifier);
  return withRights(applications, identifiers, udf, { read: true, write: true });
};

const fromEntry = async (
  context: Context,
  previous: MasterProfile,
  master: ReturnType<Keystore["get"]>,
  online: ReturnType<Keystore["get"]>,
  device: Device,
  said: Pick<PersonalChange, "names" | "notaryToken">,
): Promise<PersonalProfile> => {
  const now = context.deps.now();
  const { escrowKeys } = previous;
  const keys = { escrow: escrowKeys, online: [device.onlineSignatureKey] };
  const certificates = await certify(master, keys, now, context.deps.random);
  const { notaryToken } = said;
  const content = { administrators: [device], escrowKeys, certificates, notaryToken };
  const next = createMaster(master, content, now, previous);
  return createPersonal(online, next, { devices: [device], ...said }, now);
};

/** Brings one portal to the recovered version; an account that is gone there is made again. */
const publishAt = async (
  session: Session,
  client: PortalClient,
  profile: PersonalProfile,
  history: readonly PersonalProfile[],
): Promise<void> => {
  const { state, authenticationKey } = session;
  const here = state.accounts.filter(({ portal }) => portal === client.url);
  const known = await fetchProfile(client, { identifier: state.udf });
  if (known) {
    if (client.info.extensions.has("succession")) await bringUp(client, profile, history, authenticationKey);
    else await publishProfile(client, profile, authenticationKey);
  }
  for (const { account } of here) {
    const there = await fetchProfile(client, { account, identifier: state.udf });
    if (!there) await createAccount(client, account, profile, authenticationKey);
  }
};

/** Brings every portal to the recovered version that takes it; `failure` is the last reason why one did not. */
const publishTo = async (
  session: Session,
  clients: readonly PortalClient[],
  profile: PersonalProfile,
  history: readonly PersonalProfile[],
): Promise<{ reached: ReadonlySet<string>; failure: MeshError | undefined }> => {
  const reached = new Set<string>();
  let failure: MeshError | undefined;
  for (const client of clients) {
    try {
      await publishAt(session, client, profile, history);
      reached.add(client.url);
    } catch (error) {
      failure = isMeshError(error, "conflict") ? error : await leaveOut(session.context, client, error);
    }
  }
  return { reached, failure };
};

/**
 * The keys to make a new epoch with, where this machine has the master key itself: an administrator who has been unlisted by
 * a stolen one needs no shares. Undefined without `--new-epoch`, and where shares are given.
 */
const ownEscrow = async (context: Context, input: Input): Promise<OpenedEscrow | undefined> => {
  if (!input.flag("newEpoch") || input.list("shareFile").length > 0) return undefined;
  const state = await selectProfile(context);
  const facts = readKeystoreFacts(context.home);
  const master = state && knownProfile(context, state)?.master;
  if (!master || !facts?.keys.some(({ kid }) => kid === master.udf)) return undefined;
  const keystore = await openKeystore(context);
  const escrowKid = master.escrowKeys.find(({ udf }) => keystore.has(udf))?.udf;
  if (escrowKid === undefined) return undefined;
  const keys = {
    signature: keystore.get(master.udf, "master-signature"),
    escrow: keystore.get(escrowKid, "master-escrow"),
  };
  return {
    identifier: state.recovery?.identifier ?? null,
    threshold: state.recovery?.threshold ?? null,
    escrowed: { master, keys, all: [keys.signature, keys.escrow], accounts: state.accounts },
  };
};
