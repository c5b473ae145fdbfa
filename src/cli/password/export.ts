import { MeshError } from "../../errors.js";
import { FORMATS, isFormat, leftOut, writeFile, type Format } from "../../mesh/application/password/formats.js";
import { PASSWORDS } from "../../mesh/application/password/kind.js";
import { msg } from "../../messages/message.js";
import { applicationOptions, readingSession } from "../application/access.js";
import { openApplication } from "../application/application.js";
import { confirmed, type Input, type Run } from "../context.js";
import { newFilePath, writeNewFile } from "../files.js";
import { lines } from "../output.js";

export const run: Run = async (context, input) => {
  const format = wantedFormat(input);
  const out = input.text("out");
  if (out === undefined && context.globals.json) throw new MeshError("usage", msg("password.export-json"));
  // What cannot end well fails before a question is asked.
  if (out !== undefined) newFilePath(context, out);
  await confirmed(context, msg("password.export-question"));
  const session = await readingSession(context);
  const application = await openApplication(session, PASSWORDS, applicationOptions(input));
  const labels = input.list("label");
  const values = (await application.entries())
    .map(({ value }) => value)
    .filter(({ Labels = [] }) => labels.every((label) => Labels.includes(label)));
  const text = writeFile(format, values);
  const missing = leftOut(format, values).map((name) => String(name).toLowerCase());
  if (missing.length > 0) await context.note(msg("password.export-left-out", { members: missing.join(", ") }));
  if (out === undefined) return { value: {}, text: () => text, exact: true };
  const file = writeNewFile(context, out, text);
  return {
    value: { format, file, entries: values.length, leftOut: missing },
    text: lines(msg("password.exported", { count: values.length, file }), msg("password.export-plain")),
  };
};

const wantedFormat = (input: Input): Format => {
  const format = input.text("format") ?? "bitwarden-json";
  if (isFormat(format)) return format;
  throw new MeshError("usage", msg("password.unknown-format", { format: JSON.stringify(format) }), {
    hint: msg("password.unknown-format.hint", { formats: FORMATS.join(", ") }),
  });
};
