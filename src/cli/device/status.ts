import { isMeshError, MeshError } from "../../errors.js";
import { withClient } from "../change.js";
import type { Context, Run } from "../context.js";
import { knownProfile } from "../known.js";
import { fields } from "../output.js";
import { requireProfile } from "../select.js";
import { openAccount, withSeen } from "../session.js";
import { findDevice, type PersonalProfile } from "../../mesh/records/personal.js";
import { recordHash } from "../../mesh/signed-record.js";
import { updateProfile, type ProfileState } from "../../keystore/state.js";
import { connectionStatus, currentProfile, EXIT_OF_STATUS } from "./connection-status.js";

export const run: Run = async (context) => {
  const state = await requireProfile(context);
  const place = state.connecting ?? state.accounts[0];
  if (!place) {
    const known = knownProfile(context, state);
    if (!known || !findDevice(known, state.device.udf)) {
      throw new MeshError("request-not-found", "This device has never asked to be connected.", {
        hint: "Ask with `meshman device connect ADDRESS`.",
      });
    }
    return { value: { status: "accepted" }, text: fields([["Status", "accepted"]]) };
  }
  const status = await withClient(openAccount(context, place), async (client) => {
    const profile = await currentProfile(context, state, client, place.account);
    await recordSeen(context, state, profile);
    return connectionStatus(context, state, client, profile);
  });
  const code = status === "pending" ? state.connecting?.code : undefined;
  return {
    value: { status, ...(code === undefined ? {} : { code }) },
    text: fields([
      ["Status", status],
      ["Code", code],
    ]),
    exit: EXIT_OF_STATUS[status],
  };
};

/**
 * Keeps what is new, so that the commands that ask no portal say the same. The pin stays behind, since moving it needs the
 * keys. This command works on a read-only home too; then the next command that writes does it.
 */
const recordSeen = async (context: Context, { udf, record }: ProfileState, profile: PersonalProfile): Promise<void> => {
  if (record && recordHash(record) === profile.hash) return;
  try {
    await updateProfile(context.home, udf, (state) => {
      if (!state) throw new MeshError("profile-not-found", "The profile was deleted meanwhile.");
      return withSeen(state, profile);
    });
  } catch (error) {
    if (!isMeshError(error, "read-only", "busy", "profile-not-found")) throw error;
  }
};
