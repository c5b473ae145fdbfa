import { isMeshError, MeshError } from "../errors.js";
import type { PortalClient } from "../client/client.js";
import { isLogError } from "../client/log-error.js";
import { bringUp, fetchHistory, publishProfile } from "../client/profiles.js";
import { readProfile, updateProfile } from "../keystore/state.js";
import { recordTime } from "../mesh/profile.js";
import { deviceName, findDevice, isLapsed, type PersonalProfile } from "../mesh/records/personal.js";
import { msg } from "../messages/message.js";
import type { Settled } from "./application/settled.js";
import { withGlobals, type Context } from "./context.js";
import { knownProfile } from "./known.js";
import { accountsOf } from "./select.js";
import { accountOf, follow, newestToken, openAccount, remember, rememberPortal, type Session } from "./session.js";

/** How often a change is made again because another administration device was faster. */
export const MAX_ATTEMPTS = 5;

/** Runs work with a portal's client and closes it afterwards. */
export const withClient = async <T>(
  opening: Promise<PortalClient>,
  work: (client: PortalClient) => Promise<T>,
): Promise<T> => {
  const client = await opening;
  let result: T;
  try {
    result = await work(client);
  } catch (error) {
    // What went wrong first says more.
    await client.close().catch(() => undefined);
    throw error;
  }
  await client.close();
  return result;
};

/** The current profile: from the portal of its first account, or as this home knows it where it has no account. */
export const refresh = async (session: Session): Promise<PersonalProfile> => {
  const { context, state } = session;
  if (accountsOf(state).length === 0) {
    const known = knownProfile(context, state);
    if (known) return known;
  }
  const account = accountOf(context, state);
  return withClient(openAccount(context, account), (client) => follow(session, client, account.account));
};

/**
 * What `change` answers: the next version, or undefined where the current one already is as wanted. `notaryToken` is for the record: the
 * newest checkpoint of the portal of the profile's first account, where that keeps a log.
 */
export type Change = (
  current: PersonalProfile,
  notaryToken: string | undefined,
) => PersonalProfile | undefined | Promise<PersonalProfile | undefined>;

/**
 * Changes the profile and publishes it to every account. Where another administration device was faster, the portal says
 * 409: then its version is fetched, the change is made again on top of it, and published again, at most five times.
 * Gives the version that is current afterwards. Throws `conflict` when it is never our turn.
 *
 * The applications follow: they are encrypted to the devices that may read them now. Where that fails the change stands all the
 * same, and a note says what is still to be done; `settled` is told what became of each.
 */
export const changeProfile = async (
  session: Session,
  change: Change,
  settled?: (applications: readonly Settled[]) => void,
): Promise<PersonalProfile> => {
  const { context, state } = session;
  if (accountsOf(state).length === 0) {
    const current = await refresh(session);
    const next = await change(current, undefined);
    if (!next) return current;
    await remember(session, next);
    await noteLapsed(context, current, next);
    return next;
  }
  const account = accountOf(context, state);
  const hasOthers = accountsOf(state).some(({ portal }) => portal !== account.portal);
  return withClient(openAccount(context, account), async (client) => {
    for (let attempt = 1; ; attempt++) {
      const current = await follow(session, client, account.account);
      const next = await change(current, await newestToken(context, state, client));
      if (!next) {
        // An earlier run may have been cut off on its way to the other accounts, or to the applications.
        await toTheEnd(
          () => publishElsewhere(session, account.account, current, client),
          () => settle(session, undefined, current, settled),
        );
        return current;
      }
      refuseSkewed(context, client, current, next);
      await keepHeads(session, current, next);
      // Before it is published anywhere, or nobody would know any more that some portals lack it.
      if (hasOthers) await recordPublishing(session, next);
      try {
        await publishProfile(client, next, session.authenticationKey);
      } catch (error) {
        if (!isMeshError(error, "conflict")) throw error;
        if (attempt === MAX_ATTEMPTS) throw busyProfile(error);
        await context.detail(msg("change.again", { attempt, attempts: MAX_ATTEMPTS }));
        continue;
      }
      if (client.log) await rememberPortal(session, client);
      await remember(session, next);
      await noteLapsed(context, current, next);
      // Every portal holds an application against its own copy of the profile, so that must be there first.
      await toTheEnd(
        () => publishElsewhere(session, account.account, next, client),
        () => settle(session, current, next, settled),
      );
      return next;
    }
  });
};

/** Does both, and then throws what went wrong first. */
const toTheEnd = async (first: () => Promise<void>, second: () => Promise<void>): Promise<void> => {
  try {
    await first();
  } catch (error) {
    await second().catch(() => undefined);
    throw error;
  }
  await second();
};

/** Who may sign the heads of applications, and for which. */
const signersOf = ({ applications, devices, master }: PersonalProfile): readonly string[] => {
  const listed = new Set(devices.map(({ udf }) => udf));
  const online = master.administrators.filter(({ deviceUdf }) => listed.has(deviceUdf)).map(({ key }) => key.udf);
  const own = applications.flatMap(({ Identifier, AdminDeviceUDF = [] }) =>
    AdminDeviceUDF.map((udf) => `${Identifier} ${udf}`),
  );
  return [...online, ...own];
};

/**
 * Fetches what somebody has published who may not any more once the change is published: nothing but this home could then tell it
 * from what that one publishes afterwards.
 */
const keepHeads = async (session: Session, before: PersonalProfile, after: PersonalProfile): Promise<void> => {
  if (before.applications.length === 0) return;
  const staying = new Set(signersOf(after));
  if (signersOf(before).every((signer) => staying.has(signer))) return;
  const { keepApplications } = await import("./application/settle.js");
  await keepApplications(session, before, { after });
};

/** Brings the applications in line with a change, where it is one that matters to them, or with the profile as it is. */
const settle = async (
  session: Session,
  before: PersonalProfile | undefined,
  after: PersonalProfile,
  settled?: (applications: readonly Settled[]) => void,
): Promise<void> => {
  if (after.applications.length === 0 || (before && !concernsApplications(before, after))) return;
  const { settleAndNote } = await import("./application/settle.js");
  const done = await settleAndNote(session, after, before && { before });
  settled?.(done);
};

const concernsApplications = (before: PersonalProfile, after: PersonalProfile): boolean => {
  const text = (profile: PersonalProfile): string =>
    JSON.stringify([profile.applications, profile.devices.map(({ udf }) => udf), signersOf(profile)]);
  return text(before) !== text(after);
};

/** Names of the devices that have lapsed, and so are dropped by a change, whatever it is about. */
const lapsedNames = ({ deps }: Context, before: PersonalProfile, after: PersonalProfile): string => {
  const now = deps.now();
  const lapsed = before.devices.filter(({ udf }) => isLapsed(before, udf, now) && !findDevice(after, udf));
  return lapsed.map((device) => deviceName(before, device)).join(", ");
};

const noteLapsed = async (context: Context, before: PersonalProfile, after: PersonalProfile): Promise<void> => {
  const names = lapsedNames(context, before, after);
  if (names !== "") await context.note(msg("device.lapsed-left", { names }));
};

/** By how many milliseconds the portal's clock may differ from ours where a device is to go for good. */
const MAX_SKEW = 300_000;

/**
 * Refuses to drop devices as lapsed where the portal's clock says that this machine's may be wrong: they would be gone for good.
 * Whether a device has lapsed is for our clock alone to say; the portal's can only stop us. Throws `clock-skew`.
 */
const refuseSkewed = (
  context: Context,
  { info: { date } }: PortalClient,
  before: PersonalProfile,
  after: PersonalProfile,
): void => {
  const skew = date ? Math.abs(context.deps.now().getTime() - date.getTime()) : 0;
  const names = skew > MAX_SKEW ? lapsedNames(context, before, after) : "";
  if (names === "") return;
  throw new MeshError("clock-skew", msg("change.clock", { names, minutes: Math.round(skew / 60_000) }), {
    hint: msg("change.clock.hint"),
  });
};

const busyProfile = (cause: unknown): MeshError =>
  new MeshError("conflict", msg("change.busy"), { hint: msg("change.busy.hint"), cause });

/** Publishes to the profile's other accounts. What cannot be reached is left as unfinished work and made up for next time. */
const publishElsewhere = async (
  session: Session,
  first: string,
  profile: PersonalProfile,
  source: PortalClient,
): Promise<void> => {
  const { context, state } = session;
  const others = accountsOf(state).filter(({ account }) => account !== first);
  let history: PersonalProfile[] | undefined;
  let failed = false;
  let dishonest: MeshError | undefined;
  for (const account of others) {
    try {
      await withClient(openAccount(withGlobals(context, { portal: undefined }), account), async (client) => {
        if (client.url === source.url) return;
        history ??= await fetchHistory(source, profile.udf);
        await bringUp(client, profile, history, session.authenticationKey);
      });
    } catch (error) {
      failed = true;
      if (isMeshError(error) && isLogError(error)) dishonest ??= error;
      const reason = isMeshError(error) ? error.text : msg("change.unexpected");
      await context.note(msg("change.not-everywhere", { account: account.account, reason }));
    }
  }
  const kept = readProfile(context.home, state.udf) ?? state;
  const had = kept.work.some(({ kind }) => kind === "publish");
  if (failed || had) await recordPublishing(session, failed ? profile : undefined);
  // Not one that is only away: that must not be passed over.
  if (dishonest) throw dishonest;
};

const recordPublishing = (session: Session, profile: PersonalProfile | undefined): Promise<unknown> =>
  updateProfile(session.context.home, session.state.udf, (state = session.state) => ({
    ...state,
    work: [
      ...state.work.filter(({ kind }) => kind !== "publish"),
      ...(profile
        ? [{ kind: "publish" as const, record: profile.record, since: recordTime(session.context.deps.now()) }]
        : []),
    ],
  }));
