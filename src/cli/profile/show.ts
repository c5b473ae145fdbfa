import type { Run } from "../context.js";
import { fields, readableTime } from "../output.js";
import { requireProfile } from "../select.js";
import { knownView } from "../view.js";

export const run: Run = async (context) => {
  const state = await requireProfile(context);
  const { view, gap } = await knownView(context, state);
  const own = view?.devices.find(({ udf }) => udf === state.device.udf);
  const administrators = (view?.devices ?? []).filter(({ admin }) => admin).map(({ udf, name }) => ({ udf, name }));
  const revoked = state.revoked ?? null;
  const value = {
    profile: {
      udf: state.udf,
      name: state.name,
      masterSequence: view?.masterSequence ?? null,
      sequence: view?.sequence ?? null,
      updated: view?.updated ?? null,
      gap,
    },
    device: {
      udf: state.device.udf,
      name: own?.name ?? null,
      admin: own?.admin ?? false,
      connected: own !== undefined,
    },
    accounts: state.accounts,
    administrators,
    revoked,
  };
  const version = view && `${view.masterSequence}.${view.sequence}, ${readableTime(view.updated)}`;
  const text = fields([
    ["Profile", state.name],
    ["UDF", state.udf],
    ["Version", version && `${version}${gap ? ", with a gap before it" : ""}`],
    ["Revoked", revoked === null ? undefined : readableTime(revoked)],
    ["Device", own ? `${own.name}${own.admin ? " (administrator)" : ""}` : "not connected"],
    ["Accounts", state.accounts.map(({ account, portal }) => `${account} at ${portal}`).join(", ") || "none"],
    ["Administrators", administrators.map(({ name }) => name).join(", ") || "none"],
  ]);
  const [account] = state.accounts;
  const invitation = account
    ? `\nTo connect another device, type there:\n  ${connectCommand(account.account, account.portal, state.udf)}\n`
    : "";
  return { value, text: text + invitation };
};

/** The command for the other device. The portal is named where the address alone would not lead to it. */
const connectCommand = (account: string, portal: string, udf: string): string => {
  const isFound = portal === `https://${account.split("@").at(-1) ?? ""}`;
  return `meshman device connect ${account}${isFound ? "" : ` --portal ${portal}`} --expect-fingerprint ${udf}`;
};
