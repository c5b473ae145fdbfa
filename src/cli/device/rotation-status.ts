import { isMeshError, MeshError } from "../../errors.js";
import type { PortalClient } from "../../client/client.js";
import { updateProfile, type ConnectingState, type ProfileState, type RotationState } from "../../keystore/state.js";
import { recordTime } from "../../mesh/profile.js";
import { findDevice, isLapsed } from "../../mesh/records/personal.js";
import { msg } from "../../messages/message.js";
import type { Context } from "../context.js";
import { pendingRotation, withRotationEnded } from "../rotations.js";
import type { Session } from "../session.js";
import { connectionStatus, currentProfile, type ConnectionStatus } from "./connection-status.js";

/** A rotation that an administrator has been asked for. */
export type AskedRotation = RotationState & { readonly asked: ConnectingState };

const isAsked = (rotation: RotationState | undefined): rotation is AskedRotation => rotation?.asked !== undefined;

/** The undecided rotation of this device, where an administrator has been asked for it. */
export const askedRotation = (state: ProfileState): AskedRotation | undefined => {
  const rotation = pendingRotation(state);
  return isAsked(rotation) ? rotation : undefined;
};

/**
 * Where the request stands to put this device's new keys in the place of the present ones: `accepted` once the current,
 * verified profile lists them. Without the present ones in it nothing can come of it any more.
 */
export const rotationStatus = async (
  context: Context,
  state: ProfileState,
  { device, asked }: AskedRotation,
  client: PortalClient,
  session?: Session,
): Promise<ConnectionStatus> => {
  const profile = await currentProfile(context, state, client, asked.account, session);
  const successor: ProfileState = { ...state, device, connecting: asked, record: profile.record };
  const status = await connectionStatus(context, successor, client, profile, session);
  if (status !== "pending") return status;
  if (!findDevice(profile, state.device.udf)) return "removed";
  return isLapsed(profile, state.device.udf, context.deps.now()) ? "expired" : "pending";
};

/** Notes that a rotation came to nothing, so that this device goes on with its present keys. Not on a read-only home. */
export const endRotation = async (
  context: Context,
  { udf }: ProfileState,
  { device }: RotationState,
): Promise<void> => {
  try {
    await updateProfile(context.home, udf, (state) => {
      if (!state) throw new MeshError("profile-not-found", msg("profile.deleted-meanwhile"));
      return withRotationEnded(state, device.udf, recordTime(context.deps.now()));
    });
  } catch (error) {
    if (!isMeshError(error, "read-only", "busy", "profile-not-found")) throw error;
  }
};
