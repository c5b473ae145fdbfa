import { listProfiles } from "../../keystore/state.js";
import { msg } from "../../messages/message.js";
import type { Run } from "../context.js";
import { table } from "../output.js";
import { defaultProfile } from "../select.js";

export const run: Run = async (context) => {
  const states = listProfiles(context.home);
  const chosen = await defaultProfile(context, states);
  const profiles = states.map(({ udf, name, accounts }) => ({
    udf,
    name,
    default: udf === chosen?.udf,
    accounts: accounts.map(({ account }) => account),
  }));
  const rows = profiles.map((profile) => [
    profile.default ? "*" : "",
    profile.name,
    profile.udf,
    profile.accounts.join(", "),
  ]);
  return {
    value: { profiles },
    text: table(
      [undefined, msg("heading.name"), msg("heading.udf"), msg("heading.accounts")],
      rows,
      msg("profile.list-empty"),
    ),
  };
};
