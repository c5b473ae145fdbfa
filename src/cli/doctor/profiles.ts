import type { KeystoreFacts } from "../../keystore/keystore-file.js";
import { readDefaultProfile } from "../../keystore/preferences.js";
import { profileFiles, readProfileFile, type ProfileState } from "../../keystore/state.js";
import { inviteState } from "../../mesh/invite.js";
import {
  deviceExpiry,
  findDevice,
  isAdministrator,
  isLapsed,
  type PersonalProfile,
} from "../../mesh/records/personal.js";
import { msg, verbatim } from "../../messages/message.js";
import type { Context } from "../context.js";
import { knownProfile } from "../known.js";
import { readableTime } from "../output.js";
import { pendingWorkOf, queuedWorkOf } from "../status.js";
import { checkApplications } from "./applications.js";
import { failed, ok, problem, warning, type Finding } from "./finding.js";

/** A device that lapses within so many milliseconds is warned of: a week. */
const SOON = 7 * 24 * 60 * 60 * 1000;

/** What was found of the profiles, and those that could be read. */
export interface ProfileFindings {
  readonly findings: readonly Finding[];
  readonly states: readonly ProfileState[];
}

/** Every profile of the home: its file, its records, the keys of its device, and what is to be done about it. */
export const checkProfiles = async (context: Context, facts: KeystoreFacts | undefined): Promise<ProfileFindings> => {
  const findings: Finding[] = [];
  const states: ProfileState[] = [];
  const read = (name: string): void => {
    try {
      const state = readProfileFile(context.home, name);
      if (state) states.push(state);
    } catch (error) {
      findings.push(failed("profile", error));
    }
  };
  let strays: Finding[] = [];
  try {
    const names = profileFiles(context.home);
    names.forEach(read);
    strays = checkStrays(names, facts);
  } catch (error) {
    findings.push(failed("profile", error));
  }
  if (states.length === 0 && findings.length === 0) findings.push(ok("profile", msg("doctor.no-profile")));
  for (const state of states) findings.push(...checkProfile(context, state, facts));
  findings.push(...strays);
  findings.push(...(await checkApplications(context.home, states, facts)));
  findings.push(...(await checkPreferences(context, states)));
  return { findings, states };
};

const checkPreferences = async ({ home }: Context, states: readonly ProfileState[]): Promise<Finding[]> => {
  try {
    const chosen = await readDefaultProfile(home);
    if (chosen === undefined || states.some(({ udf }) => udf === chosen)) return [];
    return [
      warning("preferences", msg("doctor.default-missing", { udf: chosen }), verbatim("meshman profile use NAME")),
    ];
  } catch (error) {
    return [failed("preferences", error)];
  }
};

const checkProfile = (context: Context, state: ProfileState, facts: KeystoreFacts | undefined): Finding[] => {
  const { name } = state;
  let known: PersonalProfile | undefined;
  let verified: Finding;
  try {
    known = knownProfile(context, state);
    const version = known && `${known.master.sequence}.${known.sequence}`;
    verified = ok(
      "profile",
      version === undefined ? msg("doctor.profile-unseen", { name }) : msg("doctor.profile", { name, version }),
    );
  } catch (error) {
    const found = failed("profile", error);
    verified = { ...found, mend: found.mend ?? msg("keystore.state-damaged.hint") };
  }
  return [
    verified,
    ...checkRevoked(state),
    ...checkKeys(state, facts),
    ...(known ? checkDevice(context, state, known) : []),
    ...checkWork(context, state, known),
    ...(known ? checkRecovery(state, known) : []),
    ...(known ? checkInvites(context, state, known) : []),
  ];
};

const checkRevoked = ({ name, revoked }: ProfileState): Finding[] =>
  revoked === undefined
    ? []
    : [
        warning(
          "profile",
          msg("doctor.revoked", { name, time: readableTime(revoked) }),
          msg("profile.was-revoked.hint"),
        ),
      ];

/** The keys without which this device is none. */
const checkKeys = ({ name, device }: ProfileState, facts: KeystoreFacts | undefined): Finding[] => {
  if (!facts) return [];
  const needed = [device.udf, device.authenticationKey, device.encryptionKey, device.onlineSignatureKey];
  const missing = needed.filter((kid) => !facts.keys.some((key) => key.kid === kid));
  if (missing.length === 0) return [ok("keys", msg("doctor.keys", { name }))];
  return [
    problem("keys", msg("doctor.keys-missing", { name, count: missing.length }), msg("doctor.keys-missing.mend")),
  ];
};

/** Keys of profiles without a file: it was removed by hand, or a command was killed before it had made one. */
const checkStrays = (files: readonly string[], facts: KeystoreFacts | undefined): Finding[] => {
  const strays = (facts?.keys ?? []).map(({ profile }) => profile).filter((udf) => !files.includes(`${udf}.json`));
  return [...new Set(strays)].map((udf) => {
    const count = strays.filter((other) => other === udf).length;
    return warning("keys", msg("doctor.keys-stray", { udf, count }), msg("doctor.keys-stray.mend"));
  });
};

const checkDevice = ({ deps }: Context, state: ProfileState, known: PersonalProfile): Finding[] => {
  const { name, device, connecting } = state;
  // One that waits for an answer is unfinished work.
  if (!findDevice(known, device.udf)) {
    return connecting
      ? []
      : [problem("device", msg("doctor.device-unlisted", { name }), msg("device.not-connected.hint"))];
  }
  const now = deps.now();
  const expiry = deviceExpiry(known, device.udf);
  if (expiry === undefined) return [ok("device", msg("doctor.device", { name }))];
  const time = readableTime(expiry);
  const mend = msg("doctor.device-renew.mend", { command: `meshman device renew ${device.udf}` });
  if (isLapsed(known, device.udf, now)) return [problem("device", msg("doctor.device-lapsed", { name, time }), mend)];
  if (Date.parse(expiry) - now.getTime() < SOON)
    return [warning("device", msg("doctor.device-lapses", { name, time }), mend)];
  return [ok("device", msg("doctor.device-until", { name, time }))];
};

const checkWork = ({ home }: Context, state: ProfileState, known: PersonalProfile | undefined): Finding[] => {
  const { name, device, connecting } = state;
  const isConnected = known !== undefined && findDevice(known, device.udf) !== undefined;
  return [...pendingWorkOf(state, isConnected), ...queuedWorkOf(home, state)].map(({ kind, since, command }) => {
    const time = readableTime(since);
    const message =
      kind === "connect" && connecting
        ? msg("doctor.waiting", { name, account: connecting.account, time })
        : msg("doctor.work", { name, kind, time });
    return warning("work", message, verbatim(command));
  });
};

/** An ordinary device does not know, and need not, whether there are shares. */
const checkRecovery = ({ name, device, recovery }: ProfileState, known: PersonalProfile): Finding[] => {
  if (!isAdministrator(known, device.udf)) return [];
  if (recovery) return [ok("recovery", msg("doctor.recovery", { name, time: readableTime(recovery.created) }))];
  const command = "meshman escrow split --shares 3 --threshold 2 --out FOLDER";
  return [warning("recovery", msg("doctor.no-recovery", { name }), verbatim(command))];
};

const checkInvites = ({ deps }: Context, { name, device }: ProfileState, known: PersonalProfile): Finding[] => {
  if (!isAdministrator(known, device.udf) || known.invites.length === 0) return [];
  const states = known.invites.map((invite) => inviteState(invite, deps.now()));
  const lapsed = states.filter((state) => state === "expired").length;
  if (lapsed > 0) {
    return [
      warning("invites", msg("doctor.invites-lapsed", { name, count: lapsed }), msg("doctor.invites-lapsed.mend")),
    ];
  }
  const count = states.filter((state) => state === "open").length;
  return [ok("invites", msg("doctor.invites", { name, count }))];
};
