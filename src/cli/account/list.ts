import { listProfiles } from "../../keystore/state.js";
import { msg } from "../../messages/message.js";
import type { Run } from "../context.js";
import { table } from "../output.js";
import { selectProfile } from "../select.js";

export const run: Run = async (context) => {
  const only = context.globals.profile === undefined ? undefined : await selectProfile(context);
  const accounts = listProfiles(context.home)
    .filter(({ udf }) => only === undefined || udf === only.udf)
    .flatMap((state) =>
      state.accounts.map(({ account, portal }, index) => ({
        account,
        portal,
        profile: { udf: state.udf, name: state.name },
        default: index === 0,
      })),
    );
  const rows = accounts.map((known) => [known.default ? "*" : "", known.account, known.portal, known.profile.name]);
  return {
    value: { accounts },
    text: table(
      [undefined, msg("heading.account"), msg("heading.portal"), msg("heading.profile")],
      rows,
      msg("account.list-empty"),
    ),
  };
};
