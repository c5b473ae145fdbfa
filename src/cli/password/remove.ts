import { PASSWORDS } from "../../mesh/application/password/kind.js";
import { msg } from "../../messages/message.js";
import { changeApplication } from "../application/application.js";
import { confirmed, type Run } from "../context.js";
import { applicationOptions, findEntry, nameFor, passwordSession, wantedOf } from "./entries.js";
import { changeResult } from "./result.js";

export const run: Run = async (context, input) => {
  const wanted = wantedOf(input);
  const session = await passwordSession(context);
  const options = applicationOptions(input);
  const { id, value } = await findEntry(session, options, wanted);
  await confirmed(
    context,
    msg("password.remove-question", { name: nameFor(value), username: value.Username ?? msg("password.nobody") }),
  );
  const done = await changeApplication(session, PASSWORDS, options, () => Promise.resolve([{ remove: id }]));
  return changeResult({ ...done, ids: [id] }, value);
};
