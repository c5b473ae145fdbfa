import { MAIL } from "../../mesh/application/mail.js";
import { msg } from "../../messages/message.js";
import { applicationOptions, changingSession } from "../application/access.js";
import { changeApplication } from "../application/application.js";
import { findEntry } from "../application/named-entry.js";
import { confirmed, type Run } from "../context.js";
import { changeResult, wantedAccount } from "./account.js";

export const run: Run = async (context, input) => {
  const session = await changingSession(context);
  const options = applicationOptions(input);
  const { entry } = await findEntry(session, MAIL, options, wantedAccount(input.argument(0) ?? ""));
  const { id, value } = entry;
  await confirmed(context, msg("mail.remove-question", { address: value.EmailAddress }));
  const changed = await changeApplication(session, MAIL, options, () => Promise.resolve([{ remove: id }]));
  return changeResult({ changed }, value.EmailAddress);
};
