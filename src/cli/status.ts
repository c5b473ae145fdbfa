import { listApplications, listQueues } from "../keystore/application-store.js";
import type { Home } from "../keystore/home.js";
import { readKeystoreFacts, type KeystoreFacts } from "../keystore/keystore-file.js";
import type { ProfileState, Work } from "../keystore/state.js";
import { hasCome } from "../mesh/schema.js";
import { msg, type Message } from "../messages/message.js";
import type { Run } from "./context.js";
import { readableDuration } from "../messages/duration.js";
import { secondsLeft, standingOf, type Standing } from "./keystore/standing.js";
import { fields, lines, readableTime } from "./output.js";
import { shellWord } from "./device/connect-command.js";
import { pendingRotation, wantsRotation } from "./rotations.js";
import { selectProfile } from "./select.js";
import { knownView } from "./view.js";

/** Unfinished work as it is shown, with the command that finishes it. `account` is the first of its profile. */
const describeWork = (work: Work, account: string): { kind: string; since: string; command: string } => ({
  kind: work.kind,
  since: work.since,
  command: commandOf(work, account),
});

const commandOf = (work: Work, account: string): string => {
  switch (work.kind) {
    case "account-create":
      return `meshman account create ${work.account}`;
    case "publish":
      return `meshman account create ${account}`;
    case "recover":
      return "meshman escrow recover";
    case "preconfigure":
      return `meshman device preconfigure --name ${shellWord(work.name)} --out ${shellWord(work.path)}`;
    case "rotate":
      return "meshman device rotate";
  }
};

/** A rotation that has been begun, or else the wish for one that a device out of a bundle has. */
const rotationWork = (state: ProfileState): { kind: string; since: string; command: string }[] => {
  const begun = pendingRotation(state);
  if (begun) {
    const command = begun.asked ? "meshman device status" : "meshman device rotate";
    return [{ kind: "rotate", since: begun.since, command }];
  }
  return wantsRotation(state)
    ? state.work.filter(({ kind }) => kind === "rotate").map((work) => describeWork(work, ""))
    : [];
};

/** All unfinished work of a profile. `connected` says whether the newest known version lists this device. */
export const pendingWorkOf = (
  state: ProfileState,
  connected: boolean,
): { kind: string; since: string; command: string }[] => {
  const { connecting, work } = state;
  const account = state.accounts[0]?.account ?? "";
  return [
    ...work.filter(({ kind }) => kind !== "rotate").map((item) => describeWork(item, account)),
    ...rotationWork(state),
    ...(connecting && !connected
      ? [{ kind: "connect", since: connecting.requested, command: "meshman device status" }]
      : []),
  ];
};

/** Changes of applications that no portal has yet. Of a damaged file `doctor` tells. */
export const queuedWorkOf = (home: Home, { udf }: ProfileState): { kind: string; since: string; command: string }[] => {
  const queues = listQueues(home, udf).filter(({ edits }) => edits > 0);
  if (queues.length === 0) return [];
  const names = new Map(listApplications(home, udf).map(({ identifier, name }) => [identifier, name]));
  return queues.map(({ identifier, since }) => ({
    kind: "sync",
    since,
    command: `meshman sync --app ${shellWord(names.get(identifier) ?? identifier)}`,
  }));
};

const keystoreText = (
  home: Home,
  { protection, agent }: Standing & { readonly protection: KeystoreFacts["protection"] },
): Message => {
  const how = msg(`status.${protection}`);
  return agent ? msg("status.unlocked", { protection: how, time: readableDuration(secondsLeft(home, agent)) }) : how;
};

export const run: Run = async (context) => {
  const state = await selectProfile(context);
  const keystore = readKeystoreFacts(context.home);
  const keystoreValue = keystore
    ? {
        protection: keystore.protection,
        ...(await standingOf(context.home, keystore)),
        keys: keystore.keys.length,
      }
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
  const expires = device?.expires ?? null;
  const lapsed = expires !== null && hasCome(expires, context.deps.now());
  const pendingWork = [...pendingWorkOf(state, device !== undefined), ...queuedWorkOf(context.home, state)];
  const { recovery } = state;
  const value = {
    profile: {
      udf: state.udf,
      name: state.name,
      masterSequence: view?.masterSequence ?? null,
      sequence: view?.sequence ?? null,
      revoked: state.revoked ?? null,
    },
    device: { udf: state.device.udf, name: device?.name ?? null, expires },
    connected: device !== undefined && !lapsed,
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
    [
      msg("label.expires"),
      expires === null
        ? undefined
        : lapsed
          ? msg("device.lapsed-at", { time: readableTime(expires) })
          : readableTime(expires),
    ],
    [msg("label.administrator"), admin ? msg("label.yes") : msg("label.no")],
    [
      msg("label.account"),
      account ? msg("status.account", { account: account.account, portal: account.portal }) : msg("status.no-account"),
    ],
    [msg("label.keystore"), keystoreValue ? keystoreText(context.home, keystoreValue) : msg("label.none")],
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
