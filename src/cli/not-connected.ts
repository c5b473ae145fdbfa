import { MeshError } from "../errors.js";
import type { ProfileState } from "../keystore/state.js";
import { msg } from "../messages/message.js";

/** The error of a device that the profile does not list. */
export const notConnected = ({ work, connecting }: ProfileState): MeshError => {
  const recovering = work.some(({ kind }) => kind === "recover");
  const waiting = connecting !== undefined;
  return new MeshError("not-connected", waiting ? msg("device.not-connected-yet") : msg("device.not-connected"), {
    hint: recovering
      ? msg("device.recovery-unfinished.hint")
      : waiting
        ? msg("device.not-connected-yet.hint")
        : msg("device.not-connected.hint"),
  });
};
