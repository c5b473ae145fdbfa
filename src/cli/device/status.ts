import { isMeshError, MeshError } from "../../errors.js";
import { withClient } from "../change.js";
import type { Run } from "../context.js";
import { knownProfile } from "../known.js";
import { fields } from "../output.js";
import { requireProfile } from "../select.js";
import { openAccount } from "../session.js";
import { findDevice } from "../../mesh/records/personal.js";
import { updateProfile } from "../../keystore/state.js";
import { connectionStatus, EXIT_OF_STATUS } from "./connection-status.js";

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
  const status = await withClient(openAccount(context, place), (client) => connectionStatus(context, state, client));
  if (status === "accepted" && state.connecting) await recordConnected(context, state.udf);
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

/** Notes that the wait is over. This command works on a read-only home too; then the next command that writes does it. */
const recordConnected = async (context: Parameters<Run>[0], udf: string): Promise<void> => {
  try {
    await updateProfile(context.home, udf, (state) => {
      if (!state) throw new MeshError("profile-not-found", "The profile was deleted meanwhile.");
      const { connecting, ...connected } = state;
      if (!connecting || connected.accounts.some(({ account }) => account === connecting.account)) return connected;
      return {
        ...connected,
        accounts: [...connected.accounts, { account: connecting.account, portal: connecting.portal }],
      };
    });
  } catch (error) {
    if (!isMeshError(error, "read-only", "busy", "profile-not-found")) throw error;
  }
};
