import { isMeshError, MeshError } from "../../errors.js";
import { completeConnection, listPending } from "../../client/profiles.js";
import type { PortalClient } from "../../client/client.js";
import { createConnectionResult } from "../../mesh/connection.js";
import { findInvite, invitedChange, judgeRequest, type InvitationVerdict } from "../../mesh/invite.js";
import type { PrivateKey } from "../../mesh/keys.js";
import { nextPersonal, type PersonalChange } from "../../mesh/profile.js";
import type { Device } from "../../mesh/records/device.js";
import {
  administrationDevices,
  deviceName,
  findDevice,
  isAdministrator,
  isLapsed,
  type PersonalProfile,
} from "../../mesh/records/personal.js";
import { checkRotation, type RotationVerdict } from "../../mesh/rotation.js";
import { recordHash } from "../../mesh/signed-record.js";
import { msg } from "../../messages/message.js";
import { grantChange, grantedBy, mayRead, mayWrite, type Granting } from "../application/grants.js";
import { changeProfile } from "../change.js";
import { makeEpoch } from "../master.js";
import { administrationKey, type Session } from "../session.js";
import { noteSharedName } from "./shared-name.js";

/** What a device that asks to join shows for itself, and what this administrator makes of it. */
export interface Claims {
  readonly invitation: InvitationVerdict;
  readonly rotation: RotationVerdict;
}

/** Judges what a device shows that asks at an account to join a profile. */
export const judgeClaims = async (
  session: Session,
  profile: PersonalProfile,
  device: Device,
  account: string,
): Promise<Claims> => {
  const now = session.context.deps.now();
  return {
    invitation: await judgeRequest(profile, { device }, encryptionKey(session), account, now),
    rotation: checkRotation(profile, device, now),
  };
};

const encryptionKey = ({ keystore, state }: Session): PrivateKey =>
  keystore.get(state.device.encryptionKey, "device-encryption");

/** A device as the profile names it. */
export interface NamedDevice {
  readonly udf: string;
  readonly name: string;
}

/** The device whose place another one takes by a claim that holds. */
export const replacedBy = (
  profile: PersonalProfile,
  device: Device,
  { rotation }: Pick<Claims, "rotation">,
): NamedDevice | undefined => {
  const old = rotation === "valid" ? findDevice(profile, device.replaces?.DeviceUDF ?? "") : undefined;
  return old && { udf: old.udf, name: deviceName(profile, old) };
};

/** On what ground a device is let in. */
export type Ground =
  /** A person has compared its verification code, and says what it is to be called and may do. */
  | {
      readonly kind: "code";
      readonly admin: boolean;
      readonly name: string | undefined;
      /** Its applications. One that is invited gets by default what its invite says, and one that is in keeps what it has. */
      readonly granting: Granting;
    }
  /** Nobody has: the device must prove that it is invited, or that it takes another one's place. */
  | { readonly kind: "proof" };

/** Why a device is not let in by its proof. */
export type Reason =
  Exclude<InvitationVerdict | RotationVerdict, "valid" | "none"> | "no-proof" | "master-key-needed" | "too-large";

/** A device that asks to be let in, and at which account it does. */
export interface Asking {
  readonly device: Device;
  /** The canonical account; undefined where the device does not ask any more, since it is in already. */
  readonly account: string | undefined;
}

/**
 * How a device is let in. `master` gives the master signature key, or throws `master-key-needed`. `check` throws where the device must not
 * be let in whatever it shows, and is called only for one that would be.
 */
export interface Admitting {
  readonly ground: Ground;
  readonly master: (profile: PersonalProfile) => Promise<PrivateKey>;
  readonly check?: () => Promise<void>;
}

/** What became of a device that asks. */
export type Admission =
  | { readonly kind: "left"; readonly reason: Reason }
  | {
      readonly kind: "in";
      /** The current profile, which lists the device. */
      readonly profile: PersonalProfile;
      /** True where it is this that has changed the profile, and false where nothing was left to do. */
      readonly changed: boolean;
      /** The invite of which it took one use, and the device whose place it took, where that happened now. */
      readonly invite: string | undefined;
      readonly replaces: NamedDevice | undefined;
    };

/** What is to be done about a device on top of one version of the profile. */
type Decision =
  | { readonly kind: "left"; readonly reason: Reason }
  | { readonly kind: "done" }
  | {
      readonly kind: "change";
      readonly change: PersonalChange;
      /** The administrators of a new epoch, where there must be one. */
      readonly administrators: readonly Device[] | undefined;
      readonly invite: string | undefined;
      readonly replaces: NamedDevice | undefined;
    };

const left = (reason: Reason): Decision => ({ kind: "left", reason });

const decide = (session: Session, current: PersonalProfile, asking: Asking, ground: Ground): Promise<Decision> =>
  ground.kind === "code" ? decideByCode(session, current, asking, ground) : decideByProof(session, current, asking);

/**
 * The longest profile of a device that is let in by its proof, in characters of base64url: many times what a device says. It may
 * say anything besides, and whoever has a PIN or a device could else fill the personal profile, so that no other device fits.
 */
const MAX_PROVEN = 16 * 1024;

/** Decides about a device that only has its proof. One that is in already, but has not been told, is done. */
const decideByProof = async (session: Session, current: PersonalProfile, asking: Asking): Promise<Decision> => {
  const { device, account = "" } = asking;
  const now = session.context.deps.now();
  const listed = findDevice(current, device.udf);
  if (listed) {
    if (isLapsed(current, device.udf, now)) return left("expired");
    return recordHash(listed.record) === recordHash(device.record) ? { kind: "done" } : left("wrong");
  }
  if (device.record.SignedData.payload.length > MAX_PROVEN) return left("too-large");
  const claims = await judgeClaims(session, current, device, account);
  const { invitation, rotation } = claims;
  // Who says that it replaces another is not let in beside that one instead.
  if (rotation !== "none") {
    const replaces = replacedBy(current, device, claims);
    if (rotation !== "valid" || !replaces) return left(rotation === "valid" ? "unknown" : rotation);
    // A person who looks on, and the master key: `device complete` has both.
    if (isAdministrator(current, replaces.udf)) return left("master-key-needed");
    const change = { replace: { old: replaces.udf, device } };
    return { kind: "change", change, administrators: undefined, invite: undefined, replaces };
  }
  if (invitation !== "valid") return left(invitation === "none" ? "no-proof" : invitation);
  const invite = device.invitation?.Id;
  const admin = findInvite(current, invite ?? "")?.Admin === true;
  return {
    kind: "change",
    change: invitedChange(current, device, now),
    administrators: admin ? [...administrationDevices(current), device] : undefined,
    invite,
    replaces: undefined,
  };
};

/** Decides about a device whose code a person has compared: what it can prove counts as well, and what it cannot does not matter. */
const decideByCode = async (
  session: Session,
  current: PersonalProfile,
  { device, account }: Asking,
  { admin, name, granting }: Extract<Ground, { kind: "code" }>,
): Promise<Decision> => {
  const deviceNames = name === undefined ? {} : { deviceNames: { [device.udf]: name } };
  const administrators = administrationDevices(current);
  const listed = findDevice(current, device.udf);
  if (listed) {
    const raised = admin && !isAdministrator(current, device.udf);
    const renamed = name !== undefined && deviceName(current, listed) !== name;
    const granted =
      granting.kind === "named" ? lackingRights(current, grantedBy(session, current, granting), device.udf) : [];
    if (!raised && !renamed && granted.length === 0) return { kind: "done" };
    const raisedTo = raised ? [...administrators, listed] : undefined;
    const change = { ...deviceNames, ...grantChange(current, granted, device.udf) };
    return { kind: "change", change, administrators: raisedTo, invite: undefined, replaces: undefined };
  }
  const claims = await judgeClaims(session, current, device, account ?? "");
  if (claims.rotation === "wrong") {
    throw new MeshError("signature-invalid", msg("mesh.rotation-invalid"), {
      hint: msg("approve.rotation-wrong.hint"),
    });
  }
  const replaces = replacedBy(current, device, claims);
  if (replaces) {
    const isOne = isAdministrator(current, replaces.udf);
    const next = isOne
      ? administrators.map((other) => (other.udf === replaces.udf ? device : other))
      : admin
        ? [...administrators, device]
        : undefined;
    // By default it takes over what the other one had.
    const applications =
      granting.kind === "named" ? grantChange(current, grantedBy(session, current, granting), device.udf) : {};
    const change = { replace: { old: replaces.udf, device }, ...deviceNames, ...applications };
    return { kind: "change", change, administrators: next, invite: undefined, replaces };
  }
  const isInvited = claims.invitation === "valid";
  const {
    deviceExpiries = {},
    applications,
    ...invited
  }: PersonalChange = isInvited
    ? invitedChange(current, device, session.context.deps.now())
    : { devices: [...current.devices, device] };
  const granted =
    isInvited && granting.kind === "default"
      ? { ...(applications && { applications }) }
      : grantChange(current, grantedBy(session, current, granting), device.udf);
  return {
    kind: "change",
    // An administrator never lapses.
    change: { ...invited, ...granted, ...(admin ? {} : { deviceExpiries }), ...deviceNames },
    administrators: admin ? [...administrators, device] : undefined,
    invite: isInvited ? device.invitation?.Id : undefined,
    replaces: undefined,
  };
};

/** Those of some applications to which a device lacks a right. */
const lackingRights = (
  { applications }: PersonalProfile,
  identifiers: readonly string[],
  deviceUdf: string,
): readonly string[] =>
  applications
    .filter((entry) => identifiers.includes(entry.Identifier))
    .filter((entry) => !mayRead(entry, deviceUdf) || !mayWrite(entry, deviceUdf))
    .map(({ Identifier }) => Identifier);

/** Makes the version in which a decision is carried out. */
const make = async (
  session: Session,
  current: PersonalProfile,
  { change: decided, administrators }: Extract<Decision, { kind: "change" }>,
  master: Admitting["master"],
  notaryToken: string | undefined,
): Promise<PersonalProfile> => {
  const key = administrationKey(session, current);
  const { context } = session;
  const change = { ...decided, notaryToken };
  if (!administrators) return nextPersonal(key, current, change, context.deps.now());
  const masterKey = await master(current);
  return makeEpoch(context, masterKey, key, current, administrators, change, encryptionKey(session));
};

/** Carries out a decision, but leaves a device by its proof that would make no valid profile, or for which the key is missing. */
const makeOrLeave = async (
  session: Session,
  current: PersonalProfile,
  decision: Extract<Decision, { kind: "change" }>,
  { ground, master }: Admitting,
  notaryToken: string | undefined,
): Promise<PersonalProfile | Reason> => {
  try {
    return await make(session, current, decision, master, notaryToken);
  } catch (error) {
    if (ground.kind === "code") throw error;
    if (isMeshError(error, "master-key-needed")) return "master-key-needed";
    // One device too many, or too large a one, must not keep others out that still fit.
    if (isMeshError(error, "too-large")) return "too-large";
    // It has a key of another device, for example.
    if (isMeshError(error, "record-invalid", "key-invalid", "signature-invalid")) return "wrong";
    throw error;
  }
};

/**
 * Lets a device in, on top of whatever is current: in one new version it is listed, an invite that it used has one use less,
 * and a device that it replaces is gone. Where another administration device was faster, everything is judged again. What is done
 * already stays done, so that this can be run again. `known` is a version that is current as far as is known: what it rules out
 * is not tried.
 * Throws `not-administrator`, `not-connected`, and what `changeProfile` throws; for the ground `code` also `master-key-needed` and
 * `signature-invalid` for a device that another one has not made its successor, though it says so.
 */
export const admitDevice = async (
  session: Session,
  asking: Asking,
  admitting: Admitting,
  known?: PersonalProfile,
): Promise<Admission> => {
  const { ground } = admitting;
  if (known) {
    administrationKey(session, known);
    const decision = await decide(session, known, asking, ground);
    if (decision.kind === "left") return decision;
    if (decision.kind === "done") return done(known);
  }
  await admitting.check?.();
  let decision: Decision = left("no-proof");
  const profile = await changeProfile(session, async (current, notaryToken) => {
    administrationKey(session, current);
    decision = await decide(session, current, asking, ground);
    if (decision.kind !== "change") return undefined;
    const next = await makeOrLeave(session, current, decision, admitting, notaryToken);
    if (typeof next !== "string") return next;
    decision = left(next);
    return undefined;
  });
  switch (decision.kind) {
    case "left":
      return decision;
    case "done":
      return done(profile);
    case "change": {
      const { invite, replaces } = decision;
      await noteSharedName(session.context, profile, asking.device.udf);
      return { kind: "in", profile, changed: true, invite, replaces };
    }
  }
};

const done = (profile: PersonalProfile): Admission => ({
  kind: "in",
  profile,
  changed: false,
  invite: undefined,
  replaces: undefined,
});

/**
 * Tells the portal, and so the device, that a device which the profile lists is accepted. False where the request has been answered
 * already, by another administration device perhaps. Throws what `completeConnection` throws.
 */
export const answerAccepted = async (
  session: Session,
  client: PortalClient,
  account: string,
  device: Device,
  profile: PersonalProfile,
): Promise<boolean> => {
  const { state, authenticationKey } = session;
  const key = administrationKey(session, profile);
  const result = createConnectionResult(device.record, state.udf, "Accepted", key);
  try {
    await completeConnection(client, account, result, authenticationKey);
    return true;
  } catch (error) {
    if (!isMeshError(error, "conflict", "record-not-found")) throw error;
    const pending = await listPending(client, account, state.udf, authenticationKey);
    if (pending.some((request) => request.device.udf === device.udf)) throw error;
    return false;
  }
};
