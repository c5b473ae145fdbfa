import { MeshError } from "../../errors.js";
import { withClient } from "../change.js";
import type { Run } from "../context.js";
import { knownProfile } from "../known.js";
import { fields } from "../output.js";
import { requireProfile } from "../select.js";
import { openAccount } from "../session.js";
import { findDevice } from "../../mesh/records/personal.js";
import { msg } from "../../messages/message.js";
import { connectionStatus, currentProfile, EXIT_OF_STATUS, STATUS_WORDS } from "./connection-status.js";

export const run: Run = async (context) => {
  const state = await requireProfile(context);
  const place = state.connecting ?? state.accounts[0];
  if (!place) {
    const known = knownProfile(context, state);
    if (!known || !findDevice(known, state.device.udf)) {
      throw new MeshError("request-not-found", msg("device.never-asked"), {
        hint: msg("device.never-asked.hint"),
      });
    }
    return { value: { status: "accepted" }, text: fields([[msg("label.status"), STATUS_WORDS.accepted]]) };
  }
  const status = await withClient(openAccount(context, place), async (client) => {
    const profile = await currentProfile(context, state, client, place.account);
    return connectionStatus(context, state, client, profile);
  });
  const code = status === "pending" ? state.connecting?.code : undefined;
  return {
    value: { status, ...(code === undefined ? {} : { code }) },
    text: fields([
      [msg("label.status"), STATUS_WORDS[status]],
      [msg("label.code"), code],
    ]),
    exit: EXIT_OF_STATUS[status],
  };
};
