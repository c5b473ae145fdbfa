import { MeshError } from "../../errors.js";
import { fetchProfile } from "../../client/profiles.js";
import type { PortalClient } from "../../client/client.js";
import type { Keystore } from "../../keystore/keystore.js";
import { loadPins } from "../../keystore/pins.js";
import {
  findProfile,
  listProfiles,
  readProfile,
  updateProfile,
  type ConnectingState,
  type ProfileState,
} from "../../keystore/state.js";
import { parseAddress } from "../../mesh/address.js";
import { createConnectionRequest } from "../../mesh/connection.js";
import { inviteIdOf, parsePin, proveInvitation, requireInvite, type Pin } from "../../mesh/invite.js";
import { LIMITS } from "../../mesh/protocol.js";
import { createDevice, generateDeviceKeys, recordTime } from "../../mesh/profile.js";
import { readDevice } from "../../mesh/records/device.js";
import { deviceName as listedName, findDevice, isLapsed, type PersonalProfile } from "../../mesh/records/personal.js";
import { accountUdf, normaliseBase32, parseUdf } from "../../mesh/udf.js";
import { msg } from "../../messages/message.js";
import { withClient } from "../change.js";
import type { Context, Input, Run } from "../context.js";
import { deviceKeyEntries, deviceState } from "../device-keys.js";
import { checkName, defaultDeviceName, platformName } from "../names.js";
import { fields, gap, lines, raw, stack, type Result } from "../output.js";
import { knownProfile } from "../known.js";
import { followOwn, refuseRevoked } from "../own-profile.js";
import { withRotated } from "../seen.js";
import { creationTime } from "../select.js";
import {
  inputNeeded,
  openOrCreateKeystore,
  openTarget,
  remember,
  rememberPortal,
  removeOrphans,
  sessionOf,
  type Session,
} from "../session.js";
import { portalForNewAccount } from "../account/new-account.js";
import { connectionStatus, EXIT_OF_STATUS, STATUS_WORDS, type ConnectionStatus } from "./connection-status.js";
import { checkPinText, readPin } from "./pin.js";
import { DEFAULT_WAIT, postRequest, waitForAnswer } from "./wait.js";

/** How much of a fingerprint must be typed to be sure of it: 100 bits. */
const MINIMUM_TYPED = 20;

export const run: Run = async (context, input) => {
  const text = input.argument(0) ?? "";
  const asked = text.includes("@") ? parseAddress(text) : { ...parseAddress(text, "localhost"), domain: "" };
  const expected = input.text("expectFingerprint");
  const canonical = expected === undefined ? undefined : parseUdf(expected);
  const deviceName = checkName(input.text("deviceName") ?? defaultDeviceName(context.deps), "device");
  let pin = await readPin(context, input);
  try {
    if (pin && canonical !== undefined && pin.profile !== canonical) {
      throw new MeshError("fingerprint-mismatch", msg("invite.other-fingerprint"));
    }
    const target = await portalForNewAccount(context, asked);
    return await withClient(openTarget(context, target), async (client) => {
      const { account } = parseAddress(text, client.host);
      const trusted = await fetchTrusted(context, input, client, account, { pin, fingerprint: canonical });
      const { profile } = trusted;
      ({ pin } = trusted);
      // Before keys are made for a device that nobody would let in.
      if (pin && !isConnected(context, profile)) requireInvite(profile, inviteIdOf(pin), context.deps.now());
      const keystore = await openOrCreateKeystore(context, !input.flag("passphrase"));
      const session = await startRequest(context, keystore, client, account, profile, deviceName, pin);
      // Not to be kept for as long as somebody may have to wait.
      pin?.pin.fill(0);
      if (!session.state.connecting) return report(session, account, "accepted", undefined);
      const code = session.state.connecting.code;
      if (!input.flag("wait")) return report(session, account, "pending", code);
      const wait = input.whole("wait") ?? DEFAULT_WAIT;
      await context.note(msg("device.code-is", { code }));
      await context.note(isInvited(session) ? msg("invite.approve-with") : msg("device.complete-with", { code }));
      const status = await waitForAnswer(context, client, account, session.state.connecting, wait, () =>
        connectionStatus(context, session.state, client, undefined, session),
      );
      return { ...report(session, account, status, code), exit: EXIT_OF_STATUS[status] };
    });
  } finally {
    pin?.pin.fill(0);
  }
};

/** True where this home's device is in the profile already, and has not lapsed. */
const isConnected = ({ deps, home }: Context, profile: PersonalProfile): boolean => {
  const state = listProfiles(home).find(({ udf }) => udf === profile.udf);
  const udf = state && withRotated(state, profile).device.udf;
  return udf !== undefined && findDevice(profile, udf) !== undefined && !isLapsed(profile, udf, deps.now());
};

const isInvited = ({ state }: Session): boolean => readDevice(state.device.record).invitation !== undefined;

/** What this device is called: as it asked to be, until the profile lists it, perhaps by another name. */
const nameOf = ({ context, state }: Session): string => {
  const profile = knownProfile(context, readProfile(context.home, state.udf) ?? state);
  const listed = profile && findDevice(profile, state.device.udf);
  return listed ? listedName(profile, listed) : readDevice(state.device.record).name;
};

const report = (session: Session, account: string, status: ConnectionStatus, code: string | undefined): Result => {
  const name = nameOf(session);
  const value = {
    status,
    code: code ?? null,
    account,
    device: { udf: session.state.device.udf, name },
    profile: { udf: session.state.udf },
  };
  const next =
    status === "pending" && code !== undefined
      ? stack(
          gap,
          ...(isInvited(session)
            ? [lines(msg("invite.approve-there")), raw("  meshman device approve\n")]
            : [lines(msg("device.complete-there")), raw(`  meshman device complete ${code}\n`)]),
          lines(msg("device.then-status")),
        )
      : undefined;
  const text = fields([
    [msg("label.status"), STATUS_WORDS[status]],
    [msg("label.code"), code],
    [msg("label.account"), account],
    [msg("label.device"), name],
    [msg("label.profile"), session.state.udf],
  ]);
  return { value, text: stack(text, next) };
};

/** By what the user says which profile is meant. */
interface Expected {
  readonly fingerprint: string | undefined;
  readonly pin: Pin | undefined;
}

/**
 * Fetches the profile of an account, verifies it, and makes sure that it is the one that the user means. Gives the PIN too,
 * which may be what the user typed when asked.
 */
const fetchTrusted = async (
  context: Context,
  input: Input,
  client: PortalClient,
  account: string,
  expected: Expected,
): Promise<{ readonly profile: PersonalProfile; readonly pin: Pin | undefined }> => {
  const fetched = await fetchProfile(client, { account });
  if (!fetched) {
    throw new MeshError("account-not-found", msg("account.not-at-portal", { portal: client.url, account }), {
      hint: msg("device.account-nowhere.hint"),
    });
  }
  const { profile, revocation } = fetched;
  if (!profile.names.includes(accountUdf(account))) {
    throw new MeshError("fingerprint-mismatch", msg("device.account-not-claimed", { account }));
  }
  if (revocation) throw new MeshError("profile-revoked", msg("device.profile-revoked"));
  return { profile, pin: await trust(context, input, account, profile.udf, expected) };
};

const trust = async (
  context: Context,
  input: Input,
  account: string,
  udf: string,
  { fingerprint, pin }: Expected,
): Promise<Pin | undefined> => {
  const known = listProfiles(context.home).find((state) =>
    [...state.accounts, ...(state.connecting ? [state.connecting] : [])].some((place) => place.account === account),
  );
  const isOther = (known && known.udf !== udf) || (fingerprint !== undefined && fingerprint !== udf);
  if (isOther) {
    throw new MeshError("fingerprint-mismatch", msg("device.other-fingerprint", { account }), {
      hint: msg("device.other-fingerprint.hint"),
    });
  }
  if (pin) return pinOf(pin, account, udf);
  if (fingerprint !== undefined || known || input.flag("trustOnFirstUse")) return undefined;
  if (!context.canAsk) throw inputNeeded(msg("device.what-fingerprint"), msg("device.what-fingerprint.hint"));
  // It is not shown first: who only compares says yes too easily.
  const typed = await context.ask.text(msg("device.ask-fingerprint", { minimum: MINIMUM_TYPED }), {
    validate: (answer) => {
      if (looksLikePin(answer)) return checkPinText(answer);
      return matchesStart(answer, udf) || msg("device.wrong-fingerprint");
    },
  });
  return looksLikePin(typed) ? pinOf(parsePin(typed), account, udf) : undefined;
};

/** The PIN, where it is for the profile that an account shows. Throws `fingerprint-mismatch`. */
const pinOf = (pin: Pin, account: string, udf: string): Pin => {
  if (pin.profile === udf) return pin;
  pin.pin.fill(0);
  throw new MeshError("fingerprint-mismatch", msg("invite.other-profile", { account }), {
    hint: msg("invite.other-profile.hint"),
  });
};

/** A fingerprint starts with M, and a PIN, which has one in it, with P. */
const looksLikePin = (text: string): boolean => /^[\s-]*p/i.test(text);

const matchesStart = (typed: string, udf: string): boolean => {
  try {
    const letters = normaliseBase32(typed, "fingerprint-invalid");
    return letters.length >= MINIMUM_TYPED && udf.replaceAll("-", "").startsWith(letters);
  } catch {
    return false;
  }
};

/** True while a request may still be answered. */
export const isAlive = (connecting: ConnectingState, now: Date): boolean =>
  now.getTime() - Date.parse(connecting.requested) < LIMITS.requestLifetime * 1000;

/**
 * Makes the device's keys and its request, on disk before anything is sent, and posts the request. A request that is under
 * way is taken up again, with the same keys and code.
 */
const startRequest = async (
  context: Context,
  keystore: Keystore,
  client: PortalClient,
  account: string,
  profile: PersonalProfile,
  deviceName: string,
  invitePin: Pin | undefined,
): Promise<Session> => {
  const { deps, home } = context;
  // First of all: an older version of the profile, in which this device is missing, must not cost it its keys.
  const pin = loadPins(home, keystore).profiles[profile.udf];
  const fetched = { profile, revocation: undefined, accountStatus: undefined };
  const seen = readProfile(home, profile.udf);
  if (seen) refuseRevoked(seen);
  const record = seen?.record;
  const followed = await followOwn(context, client, fetched, pin, record, context.globals.acceptGap);
  const state = await home.withLock(async () => {
    const known = listProfiles(home).find(({ udf }) => udf === profile.udf);
    // New keys of this device may have come into their place meanwhile.
    const existing = known && withRotated(known, profile);
    if (existing && existing !== known) await updateProfile(home, existing.udf, () => existing);
    if (existing && isConnected(context, profile)) return existing;
    if (existing?.connecting && isAlive(existing.connecting, deps.now())) {
      const session = sessionOf(context, keystore, existing);
      // Looking may have shown that the device has been accepted meanwhile.
      if (!(await isOver(session, client, profile))) {
        const current = readProfile(home, profile.udf) ?? existing;
        if (!current.connecting || shows(current, invitePin, account)) return current;
        await context.note(msg("invite.asks-anew"));
      }
    }
    return prepare(context, keystore, client, account, profile, deviceName, existing, invitePin);
  });
  // Keys are never used for a second request: those of one that was refused, lapsed or removed go.
  await removeOrphans(context, keystore);
  const session = sessionOf(context, keystore, state);
  await rememberPortal(session, client);
  await remember(session, followed.profile, followed.pin.gap === true);
  if (state.connecting) {
    await postRequest(client, account, state.connecting);
    await updateProfile(home, state.udf, (current = state) => ({
      ...current,
      ...(current.connecting ? { connecting: { ...current.connecting, posted: true } } : {}),
    }));
  }
  const current = listProfiles(home).find(({ udf }) => udf === state.udf) ?? state;
  return sessionOf(
    context,
    keystore,
    current.connecting ? current : await keepAccount(context, current, account, client),
  );
};

/** True where a request that is under way shows the invite of a PIN, if there is one. A device profile never changes. */
const shows = ({ device }: ProfileState, pin: Pin | undefined, account: string): boolean => {
  const { invitation } = readDevice(device.record);
  return !pin || (invitation?.Id === inviteIdOf(pin) && invitation.Account === account);
};

/** A connected device learns here of a further account, and of one that is at another portal now. */
const keepAccount = async (
  context: Context,
  state: ProfileState,
  account: string,
  { url }: PortalClient,
): Promise<ProfileState> => {
  if (state.accounts.some((known) => known.account === account && known.portal === url)) return state;
  const place = { account, portal: url };
  return updateProfile(context.home, state.udf, (current = state) => ({
    ...current,
    accounts: current.accounts.some((known) => known.account === account)
      ? current.accounts.map((known) => (known.account === account ? place : known))
      : [...current.accounts, place],
  }));
};

/** True where a request came to nothing, so that its keys are not needed any more. */
const isOver = async (session: Session, client: PortalClient, profile: PersonalProfile): Promise<boolean> => {
  const status = await connectionStatus(session.context, session.state, client, profile);
  return status !== "pending" && status !== "accepted";
};

const prepare = async (
  context: Context,
  keystore: Keystore,
  client: PortalClient,
  account: string,
  profile: PersonalProfile,
  deviceName: string,
  existing: ProfileState | undefined,
  pin: Pin | undefined,
): Promise<ProfileState> => {
  const { deps, home } = context;
  const now = deps.now();
  const keys = generateDeviceKeys(deps.random);
  const invitation = pin && proveInvitation(pin, account, keys.signature.kid);
  const notaryToken = client.log?.newest?.note;
  const device = createDevice(keys, deviceName, platformName(deps), now, { invitation, notaryToken });
  const request = createConnectionRequest(device, profile.udf, keys.signature);
  await keystore.add(deviceKeyEntries(keys, profile.udf));
  return updateProfile(home, profile.udf, () => ({
    ...existing,
    version: 1,
    udf: profile.udf,
    name: existing?.name ?? freeName(context, account),
    created: existing?.created ?? creationTime(context),
    device: deviceState(device),
    accounts: existing?.accounts ?? [],
    connecting: {
      account,
      portal: client.url,
      request: request.record,
      code: request.code,
      requested: recordTime(now),
      posted: false,
    },
    work: existing?.work ?? [],
  }));
};

/** The first profile of a home is `default`; a further one is named after its account. */
export const freeName = (context: Context, account: string): string => {
  if (listProfiles(context.home).length === 0) return "default";
  for (let count = 1; ; count++) {
    const name = count === 1 ? account : `${account} (${count})`;
    if (!findProfile(context.home, name)) return name;
  }
};
