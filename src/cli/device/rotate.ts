import type { PortalClient } from "../../client/client.js";
import {
  readProfile,
  updateProfile,
  type AccountState,
  type ConnectingState,
  type RotationState,
} from "../../keystore/state.js";
import { createConnectionRequest } from "../../mesh/connection.js";
import { inviteState } from "../../mesh/invite.js";
import { createDevice, generateDeviceKeys, recordTime } from "../../mesh/profile.js";
import { readDevice } from "../../mesh/records/device.js";
import {
  administrationDevices,
  deviceName,
  findDevice,
  isAdministrator,
  type PersonalProfile,
} from "../../mesh/records/personal.js";
import { createRotation } from "../../mesh/rotation.js";
import { msg } from "../../messages/message.js";
import { changeProfile, refresh, withClient } from "../change.js";
import { confirmed, type Input, type Run } from "../context.js";
import { deviceKeyEntries, deviceState } from "../device-keys.js";
import { makeEpoch, masterKey } from "../master.js";
import { platformName } from "../names.js";
import { fields, gap, lines, raw, stack, type Result } from "../output.js";
import { pendingRotation, rotationsOf, sshKeyOf, withRotations } from "../rotations.js";
import { requireProfile } from "../select.js";
import {
  accountOf,
  administrationKey,
  newestToken,
  openAccount,
  openSession,
  requireConnected,
  type Session,
} from "../session.js";
import { EXIT_OF_STATUS, STATUS_WORDS, type ConnectionStatus } from "./connection-status.js";
import { askedRotation, endRotation, rotationStatus, type AskedRotation } from "./rotation-status.js";
import { DEFAULT_WAIT, postRequest, waitForAnswer } from "./wait.js";

export const run: Run = async (context, input) => {
  const session = await openSession(context, await requireProfile(context));
  const old = session.state.device.udf;
  const profile = await refresh(session);
  const { udf } = session.state.device;
  // What was asked for earlier has been granted meanwhile.
  if (udf !== old) return report(session, { old, udf, name: nameOf(profile, udf) }, "accepted");
  requireConnected(session, profile);
  await warnOfSsh(session);
  if (canReplaceItself(session, input, profile)) return replaceItself(session, input, profile);
  // Nobody else could grant it: this says what is missing.
  if (isSoleAdministrator(profile, udf)) await masterKey(session, input, profile);
  return ask(session, input, profile);
};

/** The SSH key of the device goes with its other keys, and hosts may know no other one. Asked once. */
const warnOfSsh = async ({ context, state }: Session): Promise<void> => {
  if (sshKeyOf(state) === undefined || pendingRotation(state)) return;
  await confirmed(context, msg("ssh.rotate-question"));
};

const isSoleAdministrator = (profile: PersonalProfile, udf: string): boolean =>
  administrationDevices(profile).every((device) => device.udf === udf);

/** True for an administrator who has the master key at hand, and so needs nobody else. */
const canReplaceItself = ({ keystore, state }: Session, input: Input, profile: PersonalProfile): boolean =>
  isAdministrator(profile, state.device.udf) && (keystore.has(profile.udf) || input.list("shareFile").length > 0);

/** Puts new keys in the place of this administrator's, in a new epoch. Run again, it goes on with the same keys. */
const replaceItself = async (session: Session, input: Input, before: PersonalProfile): Promise<Result> => {
  const { context, keystore } = session;
  const { deps } = context;
  const old = session.state.device;
  const rotation = await begin(session);
  const device = readDevice(rotation.device.record);
  const after = await changeProfile(session, async (current, notaryToken) => {
    if (findDevice(current, device.udf)) return undefined;
    administrationKey(session, current);
    const master = await masterKey(session, input, current);
    const administrators = administrationDevices(current).map((other) => (other.udf === old.udf ? device : other));
    // In the new epoch the present key counts no more.
    const signer = keystore.get(device.onlineSignatureKey.udf, "online-signature");
    return makeEpoch(context, master, signer, current, administrators, {
      replace: { old: old.udf, device },
      notaryToken,
    });
  });
  const open = ({ invites }: PersonalProfile): number =>
    invites.filter((invite) => inviteState(invite, deps.now()) === "open").length;
  const ended = open(before) - open(after);
  const names = { old: old.udf, udf: device.udf, name: nameOf(after, device.udf) };
  return {
    ...report(session, names, "accepted"),
    ...(ended > 0 ? { note: msg("rotate.invites-ended", { count: ended }) } : {}),
  };
};

/** Asks the administrators to put new keys in the place of this device's. Run again, it goes on with the same keys and code. */
const ask = async (session: Session, input: Input, profile: PersonalProfile): Promise<Result> => {
  const { context, state } = session;
  const place = askedRotation(state)?.asked ?? accountOf(context, state);
  return withClient(openAccount(context, place), async (client) => {
    const begun = askedRotation(state);
    const earlier = begun && (await rotationStatus(context, state, begun, client, session));
    const rotation = begun ?? (await post(session, client, place));
    const { code } = rotation.asked;
    const names = { old: state.device.udf, udf: rotation.device.udf, name: nameOf(profile, state.device.udf) };
    const decided = async (status: ConnectionStatus): Promise<Result> => {
      if (status !== "pending" && status !== "accepted") await endRotation(context, state, rotation);
      return { ...report(session, names, status, rotation), exit: EXIT_OF_STATUS[status] };
    };
    if (earlier !== undefined && earlier !== "pending") return decided(earlier);
    if (begun) await post(session, client, place);
    if (!input.flag("wait")) return report(session, names, "pending", rotation);
    await context.note(msg("device.code-is", { code }));
    const wait = input.whole("wait") ?? DEFAULT_WAIT;
    const isAdmin = isAdministrator(profile, state.device.udf);
    await context.note(isAdmin ? msg("rotate.complete-admin", { code }) : msg("rotate.complete-with", { code }));
    return decided(
      await waitForAnswer(context, client, rotation.asked.account, rotation.asked, wait, () =>
        rotationStatus(context, state, rotation, client, session),
      ),
    );
  });
};

/** Posts the request, also where it was posted before. */
const post = async (session: Session, client: PortalClient, place: AccountState): Promise<AskedRotation> => {
  const rotation = await beginAsked(session, { account: place.account, portal: client.url });
  const { asked } = rotation;
  await postRequest(client, asked.account, asked);
  const posted: AskedRotation = { ...rotation, asked: { ...asked, posted: true } };
  await keep(session, posted);
  return posted;
};

/** The rotation under way, or a new one. Its keys are on disk when this returns. */
const begin = (session: Session): Promise<RotationState> =>
  session.context.home.withLock(async () => {
    const begun = pendingRotation(readProfile(session.context.home, session.state.udf) ?? session.state);
    if (begun) return begun;
    const rotation = await makeKeys(session);
    await keep(session, rotation);
    return rotation;
  });

/** The same with a request to an account: the one that was made before, or else a new one. */
const beginAsked = (session: Session, place: AccountState): Promise<AskedRotation> =>
  session.context.home.withLock(async () => {
    const begun = await begin(session);
    if (begun.asked) return { ...begun, asked: begun.asked };
    const rotation = { ...begun, asked: requestFor(session, begun, place) };
    await keep(session, rotation);
    return rotation;
  });

const keep = ({ context, state }: Session, rotation: RotationState): Promise<unknown> =>
  updateProfile(context.home, state.udf, (current = state) => {
    const others = rotationsOf(current).filter(({ device }) => device.udf !== rotation.device.udf);
    // While it was being posted another process may have seen that it is over.
    return rotation.replaces === current.device.udf ? withRotations(current, [...others, rotation]) : current;
  });

const makeKeys = async ({ context, keystore, state }: Session): Promise<RotationState> => {
  const { deps } = context;
  const now = deps.now();
  const old = state.device;
  const keys = generateDeviceKeys(deps.random);
  const replaces = createRotation(keystore.get(old.udf, "device-signature"), keys.signature.kid, state.udf);
  const claims = { replaces, notaryToken: await newestToken(context, state) };
  const device = createDevice(keys, readDevice(old.record).name, platformName(deps), now, claims);
  await keystore.add(deviceKeyEntries(keys, state.udf));
  return { replaces: old.udf, device: deviceState(device), since: recordTime(now) };
};

const requestFor = (
  { context, keystore, state }: Session,
  { device }: RotationState,
  { account, portal }: AccountState,
): ConnectingState => {
  const key = keystore.get(device.udf, "device-signature");
  const request = createConnectionRequest(readDevice(device.record), state.udf, key);
  const requested = recordTime(context.deps.now());
  return { account, portal, request: request.record, code: request.code, requested, posted: false };
};

const nameOf = (profile: PersonalProfile, udf: string): string => {
  const device = findDevice(profile, udf);
  return device ? deviceName(profile, device) : udf;
};

/** Which device takes the place of which. */
interface Names {
  readonly old: string;
  readonly udf: string;
  readonly name: string;
}

const report = (
  { state }: Session,
  { old, udf, name }: Names,
  status: ConnectionStatus,
  rotation?: AskedRotation,
): Result => {
  const code = status === "pending" ? rotation?.asked.code : undefined;
  const value = {
    status,
    code: code ?? null,
    account: rotation?.asked.account ?? null,
    device: { udf, name },
    replaces: { udf: old },
    profile: { udf: state.udf },
  };
  const next =
    code === undefined
      ? undefined
      : stack(
          gap,
          lines(msg("device.complete-there")),
          raw(`  meshman device complete ${code}\n`),
          lines(msg("rotate.then-status")),
        );
  const back = status === "refused" || status === "expired" ? stack(gap, lines(msg("rotate.as-before"))) : undefined;
  return {
    value,
    text: stack(
      fields([
        [msg("label.status"), STATUS_WORDS[status]],
        [msg("label.code"), code],
        [msg("label.device"), name],
        [msg("label.udf"), udf],
        [msg("label.replaces"), old],
      ]),
      next,
      back,
    ),
  };
};
