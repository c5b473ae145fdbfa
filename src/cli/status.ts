import { readKeystoreFacts } from "../keystore/keystore-file.js";
import type { Work } from "../keystore/state.js";
import { msg } from "../messages/message.js";
import type { Run } from "./context.js";
import { fields, lines, readableTime } from "./output.js";
import { selectProfile } from "./select.js";
import { knownView } from "./view.js";

const describe = (work: Work, account: string): { kind: string; since: string; command: string } => {
  const command = {
    "account-create": () => `meshman account create ${work.kind === "account-create" ? work.account : ""}`,
    publish: () => `meshman account create ${account}`,
    recover: () => "meshman escrow recover",
  }[work.kind]();
  return { kind: work.kind, since: work.since, command };
};

export const run: Run = async (context) => {
  const state = await selectProfile(context);
  const keystore = readKeystoreFacts(context.home);
  const keystoreValue = keystore
    ? { protection: keystore.protection, locked: keystore.protection === "passphrase", keys: keystore.keys.length }
    : null;
  if (!state) {
    return {
      value: {
        profile: null,
        device: null,
        connected: false,
        admin: false,
        keystore: keystoreValue,
        portal: null,
        recovery: null,
        pendingWork: [],
      },
      text: lines(msg("status.no-profile")),
    };
  }
  const { view } = await knownView(context, state);
  const device = view?.devices.find(({ udf }) => udf === state.device.udf);
  const admin = device?.admin === true;
  const account = state.accounts[0] ?? state.connecting;
  const pendingWork = state.work.map((work) => describe(work, state.accounts[0]?.account ?? ""));
  if (state.connecting && !device) {
    pendingWork.push({ kind: "connect", since: state.connecting.requested, command: "meshman device status" });
  }
  const { recovery } = state;
  const value = {
    profile: {
      udf: state.udf,
      name: state.name,
      masterSequence: view?.masterSequence ?? null,
      sequence: view?.sequence ?? null,
      revoked: state.revoked ?? null,
    },
    device: { udf: state.device.udf, name: device?.name ?? null },
    connected: device !== undefined,
    admin,
    keystore: keystoreValue,
    portal: account ? { account: account.account, url: account.portal } : null,
    recovery: recovery
      ? {
          identifier: recovery.identifier,
          threshold: recovery.threshold,
          shares: recovery.shares ?? null,
          created: recovery.created,
        }
      : null,
    pendingWork,
  };
  const masterHere = keystore?.keys.some(({ kid }) => kid === state.udf) === true;
  const text = fields([
    [msg("label.profile"), state.name],
    [msg("label.udf"), state.udf],
    [msg("label.revoked"), state.revoked && readableTime(state.revoked)],
    [msg("label.device"), value.device.name ?? msg("status.not-connected")],
    [msg("label.administrator"), admin ? msg("label.yes") : msg("label.no")],
    [
      msg("label.account"),
      account ? msg("status.account", { account: account.account, portal: account.portal }) : msg("status.no-account"),
    ],
    [
      msg("label.keystore"),
      keystoreValue ? (keystoreValue.locked ? msg("status.passphrase") : msg("status.key-file")) : msg("label.none"),
    ],
    [msg("label.master-key"), masterHere ? msg("status.master-here") : msg("status.master-elsewhere")],
    [
      msg("label.recovery"),
      recovery
        ? recovery.shares === undefined
          ? msg("status.recovery-some", { threshold: recovery.threshold })
          : msg("status.recovery", { threshold: recovery.threshold, shares: recovery.shares })
        : admin
          ? msg("status.no-shares")
          : msg("status.recovery-unknown"),
    ],
    ...pendingWork.map(({ kind, command }) => [msg("label.unfinished"), `${kind}: ${command}`] as const),
  ]);
  return { value, text };
};
