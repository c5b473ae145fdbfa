import { msg, type Message } from "../../messages/message.js";
import type { Run } from "../context.js";
import { connectCommand } from "../device/connect-command.js";
import { fields, gap, lines, raw, readableTime, stack, type Cell } from "../output.js";
import { requireProfile } from "../select.js";
import { knownView } from "../view.js";

export const run: Run = async (context) => {
  const state = await requireProfile(context);
  const { view, gap: hasGap } = await knownView(context, state);
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
      gap: hasGap,
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
    [msg("label.profile"), state.name],
    [msg("label.udf"), state.udf],
    [msg("label.version"), version && (hasGap ? msg("profile.version-with-gap", { version }) : version)],
    [msg("label.revoked"), revoked === null ? undefined : readableTime(revoked)],
    [msg("label.device"), own ? ownDevice(own) : msg("profile.device-unconnected")],
    [msg("label.accounts"), listed(state.accounts.map((place) => msg("profile.account-at", { ...place })))],
    [msg("label.administrators"), administrators.map(({ name }) => name).join(", ") || msg("label.none")],
  ]);
  const [account] = state.accounts;
  if (!account) return { value, text };
  const command = connectCommand(account.account, account.portal, "--expect-fingerprint", state.udf);
  return { value, text: stack(text, gap, lines(msg("profile.connect-another")), raw(`  ${command}\n`)) };
};

const ownDevice = ({ name, admin }: { name: string; admin: boolean }): Cell =>
  admin ? msg("profile.device-administrator", { name }) : name;

const listed = (items: readonly Message[]): Message =>
  items.length === 0 ? msg("label.none") : items.reduce((list, next) => msg("profile.list-more", { list, next }));
