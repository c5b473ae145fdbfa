import { isMeshError, MeshError } from "../../errors.js";
import { connectionResult } from "../../client/profiles.js";
import type { PortalClient } from "../../client/client.js";
import { loadPins, readPins } from "../../keystore/pins.js";
import type { ProfileState } from "../../keystore/state.js";
import { canonicalJson } from "../../mesh/json.js";
import { readConnectionResult, type ConnectionResult } from "../../mesh/connection.js";
import { LIMITS } from "../../mesh/protocol.js";
import { findDevice, isLapsed, type PersonalProfile } from "../../mesh/records/personal.js";
import { msg, type Message } from "../../messages/message.js";
import type { Context } from "../context.js";
import { remember, rememberPortal, type Session } from "../session.js";
import { lookAtOwn } from "../own-profile.js";

export type ConnectionStatus = "pending" | "accepted" | "refused" | "expired" | "removed";

export const EXIT_OF_STATUS: Readonly<Record<ConnectionStatus, number>> = {
  pending: 8,
  accepted: 0,
  refused: 5,
  expired: 5,
  removed: 5,
};

/** The same for people. */
export const STATUS_WORDS: Readonly<Record<ConnectionStatus, Message>> = {
  pending: msg("device.status-pending"),
  accepted: msg("device.status-accepted"),
  refused: msg("device.status-refused"),
  expired: msg("device.status-expired"),
  removed: msg("device.status-removed"),
};

/**
 * Where this device stands. It is connected only if the current, verified personal profile lists it: a result by anyone else
 * than an administrator of the newest master profile, or an old one shown again, changes nothing. With a session, what was
 * seen is remembered.
 */
export const connectionStatus = async (
  context: Context,
  state: ProfileState,
  client: PortalClient,
  verified?: PersonalProfile,
  session?: Session,
): Promise<ConnectionStatus> => {
  const place = state.connecting ?? state.accounts[0];
  if (!place) throw new MeshError("request-not-found", msg("device.never-asked"));
  const profile = verified ?? (await currentProfile(context, state, client, place.account, session));
  if (findDevice(profile, state.device.udf)) return listedStatus(context, profile, state);
  const { connecting } = state;
  if (!connecting) return "removed";
  const result = await readAnswer(state, client, profile);
  if (result?.outcome === "Refused") return "refused";
  if (result?.outcome === "Accepted") {
    // The profile is published before the result, so the one that we have may be from before both.
    const newer = await currentProfile(context, { ...state, record: profile.record }, client, place.account, session);
    return findDevice(newer, state.device.udf) ? listedStatus(context, newer, state) : "removed";
  }
  const age = context.deps.now().getTime() - Date.parse(connecting.requested);
  return age >= LIMITS.requestLifetime * 1000 ? "expired" : "pending";
};

/** A device that the profile lists is connected until its time is over. */
const listedStatus = ({ deps }: Context, profile: PersonalProfile, { device }: ProfileState): ConnectionStatus =>
  isLapsed(profile, device.udf, deps.now()) ? "expired" : "accepted";

/** The profile as the portal shows it, verified and held against the pin. */
export const currentProfile = async (
  context: Context,
  state: ProfileState,
  client: PortalClient,
  account: string,
  session?: Session,
): Promise<PersonalProfile> => {
  const pins = session ? loadPins(context.home, session.keystore) : readPins(context.home);
  const followed = await lookAtOwn(context, client, account, state, pins.profiles[state.udf]);
  if (session) {
    await rememberPortal(session, client);
    await remember(session, followed.profile, followed.pin.gap === true);
  }
  return followed.profile;
};

/** The answer to this device's request, if there is one that counts. */
const readAnswer = async (
  state: ProfileState,
  client: PortalClient,
  profile: PersonalProfile,
): Promise<ConnectionResult | undefined> => {
  const { connecting } = state;
  if (!connecting) return undefined;
  const value = await connectionResult(client, connecting.account, state.device.udf);
  if (value === undefined) return undefined;
  try {
    const result = readConnectionResult(
      value,
      profile.master.administrators.filter(({ deviceUdf }) => findDevice(profile, deviceUdf)).map(({ key }) => key),
    );
    const isOurs =
      result.profileUdf === state.udf && canonicalJson(result.device) === canonicalJson(state.device.record);
    return isOurs ? result : undefined;
  } catch (error) {
    // A stranger may post results as well; they count for nothing.
    if (isMeshError(error, "record-invalid", "json-invalid", "signature-invalid", "key-invalid")) return undefined;
    throw error;
  }
};
