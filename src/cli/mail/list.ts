import { defaultAccount, foldAddress, MAIL } from "../../mesh/application/mail.js";
import { msg } from "../../messages/message.js";
import { applicationOptions, readingSession } from "../application/access.js";
import { openApplication } from "../application/application.js";
import { marksOf } from "../application/named-entry.js";
import { applicationView } from "../application/view.js";
import type { Run } from "../context.js";
import { readableTime, table } from "../output.js";
import { accountView, connectionLine } from "./account.js";

export const run: Run = async (context, input) => {
  const session = await readingSession(context);
  const application = await openApplication(session, MAIL, applicationOptions(input));
  const entries = [...(await application.entries())].sort((a, b) =>
    foldAddress(a.value.EmailAddress) < foldAddress(b.value.EmailAddress) ? -1 : 1,
  );
  const first = defaultAccount(entries.map(({ value }) => value));
  return {
    value: {
      application: applicationView(application),
      accounts: entries.map((entry) => ({ ...accountView(entry), default: entry.value === first })),
      waiting: application.queued,
    },
    text: (translate) =>
      table(
        [
          undefined,
          msg("mail.heading-address"),
          msg("mail.heading-name"),
          msg("mail.heading-inbound"),
          msg("mail.heading-outbound"),
          msg("mail.heading-changed"),
          undefined,
        ],
        entries.map(({ value, updated, ...entry }) => [
          value === first ? "*" : " ",
          value.EmailAddress,
          value.AccountName ?? value.DisplayName ?? "",
          value.Inbound?.[0] ? connectionLine(value.Inbound[0]) : "",
          value.Outbound?.[0] ? connectionLine(value.Outbound[0]) : "",
          readableTime(updated),
          marksOf(entry).map(translate).join(", "),
        ]),
        msg("mail.none"),
      )(translate),
  };
};
