import { MeshError } from "../../errors.js";
import { withClient } from "../change.js";
import type { Run } from "../context.js";
import { knownProfile } from "../known.js";
import { fields } from "../output.js";
import { requireProfile } from "../select.js";
import { openAccount } from "../session.js";
import { findDevice } from "../../mesh/records/personal.js";
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
