import { isMeshError, MeshError } from "../errors.js";
import type { PortalClient } from "../client/client.js";
import { fetchProfile, followProfile, type FetchedProfile, type Followed } from "../client/profiles.js";
import { readCheckpoints, standingOf } from "../keystore/checkpoints.js";
import { updateProfile, type ProfileState } from "../keystore/state.js";
import { readCheckpoint } from "../mesh/log/checkpoint.js";
import type { SignedRecord } from "../mesh/jose.js";
import type { Device } from "../mesh/records/device.js";
import { readPersonal, type PersonalProfile } from "../mesh/records/personal.js";
import { recordHash } from "../mesh/signed-record.js";
import { checkPin, isNewer, pinOf, type ProfilePin } from "../mesh/succession.js";
import { msg } from "../messages/message.js";
import type { Context } from "./context.js";
import type { Token } from "./portal-log.js";
import { withSeen } from "./seen.js";

/** Throws `profile-revoked` where this home has seen that the profile's owner has ended it: there is no way back from that. */
export const refuseRevoked = ({ revoked, udf }: ProfileState): void => {
  if (revoked === undefined) return;
  throw new MeshError("profile-revoked", msg("profile.was-revoked", { profile: udf, time: revoked }), {
    hint: msg("profile.was-revoked.hint"),
  });
};

/** Keeps what a command that unlocks nothing has learnt. On a read-only home the next command that writes does it. */
const keep = async (context: Context, udf: string, change: (state: ProfileState) => ProfileState): Promise<void> => {
  try {
    await updateProfile(context.home, udf, (state) => {
      if (!state) throw new MeshError("profile-not-found", msg("profile.deleted-meanwhile"));
      return change(state);
    });
  } catch (error) {
    if (!isMeshError(error, "read-only", "busy", "profile-not-found")) throw error;
  }
};

/**
 * Fetches the profile of an account and verifies that it is this very profile. That it is revoked is remembered, so that a
 * portal cannot take it back. Throws `profile-revoked`, `account-not-found`, `fingerprint-mismatch`, and what `fetchProfile`
 * throws.
 */
export const fetchOwn = async (
  context: Context,
  client: PortalClient,
  account: string,
  state: ProfileState,
): Promise<FetchedProfile> => {
  refuseRevoked(state);
  const fetched = await fetchProfile(client, { account, identifier: state.udf });
  if (!fetched) {
    throw new MeshError("account-not-found", msg("account.not-at-portal", { portal: client.url, account }), {
      hint: msg("account.not-at-portal.hint"),
    });
  }
  const revoked = fetched.revocation?.revoked;
  if (revoked !== undefined) await keep(context, state.udf, (current) => ({ ...current, revoked }));
  return fetched;
};

/**
 * Holds a fetched profile against all that this home has seen: the pin, and the kept record, which is ahead of the pin where a
 * command that unlocks nothing has seen it. Of a version that is new here, the checkpoints in it are held against the portal's log.
 * `changed` is about the pin. Throws as `followProfile` does, and `log-split` and `proof-missing`.
 */
export const followOwn = async (
  context: Context,
  client: PortalClient,
  fetched: FetchedProfile,
  pin: ProfilePin | undefined,
  record: SignedRecord | undefined,
  acceptGap: boolean,
): Promise<Followed> => {
  const followed = await followKnown(client, fetched, pin, record, acceptGap);
  const { profile } = followed;
  if (profile.hash !== pin?.hash) await checkVersion(context, client, profile, record && readPersonal(record));
  return followed;
};

/**
 * Holds the checkpoints in a version that is new here against the portal's log. `known` is an earlier version, whose devices have been
 * looked at. Throws `log-split` where one of the person's devices was shown another history, and `proof-missing`.
 */
export const checkVersion = (
  context: Context,
  client: PortalClient,
  profile: PersonalProfile,
  known: PersonalProfile | undefined,
): Promise<void> => checkAll(context, client, tokensOf(profile, known?.udf === profile.udf ? known : undefined));

const checkAll = async (context: Context, client: PortalClient, tokens: readonly Token[]): Promise<void> => {
  if (tokens.length === 0) return;
  const { checkTokens } = await import("./portal-log.js");
  await checkTokens(context, client, tokens);
};

/** The checkpoints that a version brings: its own, and those of devices that are new in it. */
const tokensOf = (profile: PersonalProfile, known: PersonalProfile | undefined): Token[] => {
  if (profile.hash === known?.hash) return [];
  const listed = new Set(known?.devices.map(({ record }) => recordHash(record)));
  const own = profile.payload.NotaryToken;
  return [
    ...(own === undefined
      ? []
      : [{ note: own, by: profile.signer.deviceUdf, record: { SignedPersonalProfile: profile.record } }]),
    ...profile.devices.filter(({ record }) => !listed.has(recordHash(record))).flatMap(deviceTokens),
  ];
};

/** A log that a device of the profile has been shown, and this home knows at no portal. */
export interface OtherLog {
  readonly origin: string;
  /** Fingerprint of the device. */
  readonly device: string;
}

/** The logs that the checkpoints in the newest version name, and that this home has never seen: another portal, or a second log of one. */
export const otherLogs = ({ home }: Context, profile: PersonalProfile | undefined): OtherLog[] => {
  const logs = readCheckpoints(home);
  return (profile ? tokensOf(profile, undefined) : []).flatMap(({ note, by: device }) => {
    const origin = readCheckpoint(note)?.origin;
    return origin === undefined || standingOf(logs, note) !== "unknown" ? [] : [{ origin, device }];
  });
};

/** The checkpoint that a device had seen when it was made. */
const deviceTokens = ({ notaryToken: note, udf: by, record }: Device): Token[] =>
  note === undefined ? [] : [{ note, by, record: { SignedDeviceProfile: record } }];

/**
 * Holds the checkpoint that a device had seen when it asked to be let in against the portal's log. Throws `log-split` where the portal
 * has shown it another history, and `proof-missing`.
 */
export const checkDevice = (context: Context, client: PortalClient, device: Device): Promise<void> =>
  checkAll(context, client, deviceTokens(device));

const followKnown = async (
  client: PortalClient,
  fetched: FetchedProfile,
  pin: ProfilePin | undefined,
  record: SignedRecord | undefined,
  acceptGap: boolean,
): Promise<Followed> => {
  const kept = record && readPersonal(record);
  if (!pin || kept?.udf !== fetched.profile.udf || !isNewer(kept, pin)) {
    return followProfile(client, fetched, pin, acceptGap);
  }
  // Nothing older than the kept record is accepted. As a proof of what comes after the pin it serves only where it proves itself,
  // since it is kept without a MAC.
  checkPin(fetched.profile, pinOf(kept));
  const base = checkPin(kept, pin) === "successor" ? pinOf(kept, pin.gap === true) : pin;
  return { ...(await followProfile(client, fetched, base, acceptGap)), changed: true };
};

/**
 * Looks at the profile as the portal of an account shows it, and keeps what is new, so that the commands that ask no portal
 * say the same. The pin stays behind, since moving it needs the keys. Throws as `fetchOwn` and `followOwn` do.
 */
export const lookAtOwn = async (
  context: Context,
  client: PortalClient,
  account: string,
  state: ProfileState,
  pin: ProfilePin | undefined,
): Promise<Followed> => {
  const fetched = await fetchOwn(context, client, account, state);
  const followed = await followOwn(context, client, fetched, pin, state.record, context.globals.acceptGap);
  if (!state.record || recordHash(state.record) !== followed.profile.hash) {
    await keep(context, state.udf, (current) => withSeen(current, followed.profile));
  }
  return followed;
};
