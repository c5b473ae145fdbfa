import { foldName, NETWORK } from "../../mesh/application/network.js";
import { msg } from "../../messages/message.js";
import { applicationOptions, readingSession } from "../application/access.js";
import { openApplication } from "../application/application.js";
import { marksOf } from "../application/named-entry.js";
import { applicationView } from "../application/view.js";
import type { Run } from "../context.js";
import { connectionLine } from "../mail/account.js";
import { readableTime, table } from "../output.js";
import { networkView } from "./settings.js";

export const run: Run = async (context, input) => {
  const session = await readingSession(context);
  const application = await openApplication(session, NETWORK, applicationOptions(input));
  const entries = [...(await application.entries())].sort((a, b) =>
    foldName(a.value.Name) < foldName(b.value.Name) ? -1 : 1,
  );
  return {
    value: {
      application: applicationView(application),
      networks: entries.map((entry) => networkView(entry)),
      waiting: application.queued,
    },
    text: (translate) =>
      table(
        [
          msg("mail.heading-name"),
          msg("network.heading-sites"),
          msg("network.heading-dns"),
          msg("mail.heading-changed"),
          undefined,
        ],
        entries.map(({ value, updated, ...entry }) => [
          value.Name,
          (value.Sites ?? []).join(", "),
          (value.DNS ?? []).map(connectionLine).join(", "),
          readableTime(updated),
          marksOf(entry).map(translate).join(", "),
        ]),
        msg("network.none"),
      )(translate),
  };
};
