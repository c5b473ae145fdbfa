import { PASSWORDS } from "../../mesh/application/password/kind.js";
import { msg } from "../../messages/message.js";
import { applicationOptions, changingSession } from "../application/access.js";
import { changeApplication } from "../application/application.js";
import { confirmed, type Run } from "../context.js";
import { findEntry, nameFor, wantedOf } from "./entries.js";
import { changeResult } from "./result.js";

export const run: Run = async (context, input) => {
  const wanted = wantedOf(input);
  const session = await changingSession(context);
  const options = applicationOptions(input);
  const {
    entry: { id, value },
  } = await findEntry(session, options, wanted);
  await confirmed(
    context,
    msg("password.remove-question", { name: nameFor(value), username: value.Username ?? msg("password.nobody") }),
  );
  const done = await changeApplication(session, PASSWORDS, options, () => Promise.resolve([{ remove: id }]));
  return changeResult({ ...done, ids: [id] }, value);
};
