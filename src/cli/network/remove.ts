import { NETWORK } from "../../mesh/application/network.js";
import { msg } from "../../messages/message.js";
import { applicationOptions, changingSession } from "../application/access.js";
import { changeApplication } from "../application/application.js";
import { findEntry } from "../application/named-entry.js";
import { confirmed, type Run } from "../context.js";
import { changeResult, wantedNetwork } from "./settings.js";

export const run: Run = async (context, input) => {
  const session = await changingSession(context);
  const options = applicationOptions(input);
  const { entry } = await findEntry(session, NETWORK, options, wantedNetwork(input.argument(0) ?? ""));
  const { id, value } = entry;
  await confirmed(context, msg("network.remove-question", { name: value.Name }));
  const changed = await changeApplication(session, NETWORK, options, () => Promise.resolve([{ remove: id }]));
  return changeResult({ changed }, value.Name);
};
