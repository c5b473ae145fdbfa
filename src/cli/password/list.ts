import { PASSWORDS } from "../../mesh/application/password/kind.js";
import { nameOf, type PasswordValue } from "../../mesh/application/password/value.js";
import { msg, type Message } from "../../messages/message.js";
import { applicationOptions, readingSession } from "../application/access.js";
import { openApplication } from "../application/application.js";
import { applicationView } from "../application/view.js";
import type { Run } from "../context.js";
import { readableTime, table } from "../output.js";
import { nameFor, viewOf, type PasswordEntry } from "./entries.js";

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const fold = (text: string): string => text.normalize("NFC").toLowerCase();

/** True where a part of a site, of the title, or of the user is what a person typed. */
const contains = ({ Sites = [], Title = "", Username = "" }: PasswordValue, part: string): boolean =>
  [...Sites, Title, Username].some((text) => fold(text).includes(part));

/** What a person should know of an entry at a glance. */
const marksOf = ({ value, others, exposed }: PasswordEntry): readonly Message[] => [
  ...(value.OTP ? [msg("password.mark-otp")] : []),
  ...(value.Password === undefined ? [msg("password.mark-no-password")] : []),
  ...(others.length > 0 ? [msg("password.mark-conflict")] : []),
  ...(exposed.length > 0 ? [msg("password.mark-exposed")] : []),
];

const HEADINGS = [
  msg("password.heading-name"),
  msg("password.heading-user"),
  msg("password.heading-labels"),
  msg("password.heading-updated"),
  undefined,
];

export const run: Run = async (context, input) => {
  const part = fold(input.argument(0) ?? "");
  const labels = input.list("label");
  const session = await readingSession(context);
  const application = await openApplication(session, PASSWORDS, applicationOptions(input));
  const entries = (await application.entries())
    .filter(({ value }) => contains(value, part) && labels.every((label) => value.Labels?.includes(label) === true))
    .map((entry) => ({ entry, key: fold(nameOf(entry.value)) }))
    .sort((a, b) => compare(a.key, b.key) || compare(a.entry.value.Username ?? "", b.entry.value.Username ?? ""))
    .map(({ entry }) => entry);
  return {
    value: { application: applicationView(application), entries: entries.map(viewOf), waiting: application.queued },
    text: (translate) =>
      table(
        HEADINGS,
        entries.map((entry) => [
          nameFor(entry.value),
          entry.value.Username ?? "",
          (entry.value.Labels ?? []).join(", "),
          readableTime(entry.updated),
          marksOf(entry).map(translate).join(", "),
        ]),
        msg("password.none"),
      )(translate),
  };
};
