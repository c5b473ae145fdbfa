import { readKeystoreFacts } from "../keystore/keystore-file.js";
import type { Work } from "../keystore/state.js";
import type { Run } from "./context.js";
import { fields, readableTime } from "./output.js";
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
      text: "There is no profile on this device yet. `meshman setup` makes one.\n",
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
    ["Profile", state.name],
    ["UDF", state.udf],
    ["Revoked", state.revoked && readableTime(state.revoked)],
    ["Device", value.device.name ?? "not connected"],
    ["Administrator", admin ? "yes" : "no"],
    ["Account", account ? `${account.account} at ${account.portal}` : "none yet: meshman account create ADDRESS"],
    ["Keystore", keystoreValue ? (keystoreValue.locked ? "passphrase" : "key file") : "none"],
    ["Master key", masterHere ? "on this device" : "not on this device"],
    [
      "Recovery",
      recovery
        ? `any ${recovery.threshold} of ${recovery.shares ?? "the"} shares`
        : admin
          ? "no shares yet: meshman escrow split --shares 3 --threshold 2"
          : "not known here",
    ],
    ...pendingWork.map(({ kind, command }) => [`Unfinished`, `${kind}: ${command}`] as const),
  ]);
  return { value, text };
};
