import { MeshError } from "../../errors.js";
import type { PasswordValue } from "../../mesh/application/password/value.js";
import { msg } from "../../messages/message.js";
import type { Changed } from "../application/application.js";
import { applicationView } from "../application/view.js";
import { fields, type Result } from "../output.js";
import { nameFor, namedView } from "./entries.js";

/** What a change of one entry gives back. Nothing of it is secret. */
export const changeResult = (
  { application, ids, synced, conflicts }: Changed<PasswordValue>,
  value: PasswordValue,
  more: Readonly<Record<string, unknown>> = {},
): Result => {
  const [id] = ids;
  if (id === undefined) throw new MeshError("internal", msg("output.unexpected"));
  return {
    value: {
      application: applicationView(application),
      entry: namedView(id, value),
      ...more,
      synced,
      conflict: conflicts.includes(id),
    },
    text: fields([
      [msg("password.label-name"), nameFor(value)],
      [msg("password.label-user"), value.Username],
      [msg("password.label-entry"), id],
    ]),
  };
};
